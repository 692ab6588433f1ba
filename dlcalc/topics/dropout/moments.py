"""Mean and variance of a value under a random mask, in training and at test."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.derivation import Letters
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Mul, Num, Pow, Sym, expr, fold, substitute
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import COUNT, REAL, UNIT, Answer, Domain, Experiment, Route, Setting, Slip, Solution, Step, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TWO = expr(2)
BIT = Domain(Fraction(0), Fraction(1), whole=True)
RUNS = 20_000
STANDARD_ERRORS = 5.0


def moments(kept: Expr, x: Value | None, *, inverted: bool) -> Solution:
    """Answer with what a layer does in training and at test, and with the moments of what it gives in training."""
    given: Value = Sym(_unused("x", kept)) if x is None else x
    single = isinstance(given, Expr)
    letters = Letters(taken=symbols(kept, given))
    p = letters.letter("p", kept, UNIT)
    value = letters.letter("x", given if isinstance(given, Expr) else None, REAL)
    for name in sorted(symbols(given)):
        letters.domains.setdefault(name, REAL)
    m, weight, later, h, n, k = (letters.letter(name, None, domain) for name, domain in _LETTERS)
    scaled = Div(value, p) if inverted else value
    mean = value if inverted else p * value
    variance = value**2 * (1 - p) / p if inverted else p * (1 - p) * value**2
    test = value if inverted else p * value

    def put_in(formula: Expr) -> Value:
        if isinstance(given, Expr):
            return fold(substitute(formula, letters.values))
        return _each(given, lambda entry: fold(substitute(formula, {**letters.values, value.name: entry})))

    found = {"mean": put_in(mean), "variance": put_in(variance), "test": put_in(test)}
    answers = [
        Answer("mean", found["mean"], slips=_mean_slips(put_in, value, p, inverted=inverted)),
        Answer("variance", found["variance"], slips=_variance_slips(put_in, value, p, inverted=inverted)),
        Answer("test", found["test"], slips=_test_slips(put_in, value, p, inverted=inverted)),
        Answer("dropped_gradient", ZERO),
        Answer("removed_parameters", ZERO),
    ]
    if single:
        train = put_in(m * value / p if inverted else m * value)
        slip = put_in(m * value if inverted else m * value / p)
        why = "the division by the keep probability is missing" if inverted else "the classic form does not divide"
        answers.insert(0, Answer("train", train, slips=(Slip(slip, why, "train"),)))

    def steps() -> Iterator[Step]:
        yield Step("train", Sym("train"), Sym("kept_output"), scaled, "in training, mask 1: the unit is kept")
        yield Step("train", Sym("train"), Sym("dropped_output"), ZERO, "in training, mask 0: the unit is dropped")
        outcomes = Add((Mul((p, scaled)), Mul((Add((ONE, -p)), ZERO))))
        yield Step("mean", Sym("mean"), Sym("mean"), outcomes, f"both outcomes, with the probabilities {p} and 1 - {p}")
        yield Step("mean", Sym("mean"), outcomes, mean, "computed")
        spread = Add(
            (Mul((p, Pow(Add((scaled, -mean)), TWO))), Mul((Add((ONE, -p)), Pow(Add((ZERO, -mean)), TWO))))
        )
        yield Step("variance", Sym("variance"), Sym("variance"), spread, "squared distances from the mean, weighted")
        yield Step("variance", Sym("variance"), spread, variance, "collected")
        because = "nothing to do at test: the mean of training already" if inverted else "at test times p: the same mean"
        yield Step("test", Sym("test"), Sym("mean"), test, because)
        factor = m / p if inverted else m
        back = Div(later * (factor * (value + h) * weight - factor * (value - h) * weight), 2 * h * weight)
        because = f"slope of {unicode(later * factor * value)}, what arrives being {unicode(later)}: back through the same mask"
        yield Step("backward", Sym("gradient"), back, later * factor, because)
        moved = later * factor * value * (weight + h) - later * factor * value * weight
        because = f"at {m} = 0 no weight {weight} of the unit moves the loss: its gradient is 0, and it keeps its value"
        yield Step("dropped", Sym("dropped_gradient"), moved / h, ZERO, because, where={m.name: ZERO})
        for name, because in (
            ("weights_without", f"a layer of {n} units with {k} inputs each, counted as one pass reads it"),
            ("weights_with", "with dropout, at test: every weight is read again, a mask multiplies and removes none"),
        ):
            yield Step("parameters", Sym(name), Sym(name), n * k, because)
        if letters.values or not single:
            for name, formula in (("mean", mean), ("variance", variance)):
                inserted = _inserted(formula, given, value, letters.values)
                if _text(inserted) != _text(found[name]):
                    yield Step(f"{name}-givens", Sym(name), inserted, found[name], "the givens put in")

    def enumerated(point: Mapping[str, Any]) -> list[Any]:
        """Run over both outcomes of every entry."""
        chance = PLAIN.value(kept, point)
        firsts, seconds = [], []
        for entry in _flat(given):
            at = PLAIN.value(entry, point)
            results = [(chance, at / chance if inverted else at), (1 - chance, 0 * at)]
            centre = sum(weighed * result for weighed, result in results)
            firsts.append(centre)
            seconds.append(sum(weighed * (result - centre) ** 2 for weighed, result in results))
        return [*firsts, *seconds]

    flat = (*_flat(found["mean"]), *_flat(found["variance"]))
    routes: list[Route | Experiment] = [
        Route("mean and variance", "both outcomes of the mask, for the very givens", flat, enumerated)
    ]
    numeric = [entry.value for entry in _flat(given) if isinstance(entry, Num)]
    if isinstance(kept, Num) and len(numeric) == len(list(_flat(given))):
        routes.append(_simulated(float(kept.value), [float(v) for v in numeric], inverted=inverted))

    def outcome(point: Mapping[str, Any], bit: int) -> Any:  # noqa: ANN401 (an exact number)
        return point[value.name] * bit / (point[p.name] if inverted else 1)

    def mean_of(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        return point[p.name] * outcome(point, 1) + (1 - point[p.name]) * outcome(point, 0)

    def variance_of(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        second = point[p.name] * outcome(point, 1) ** 2 + (1 - point[p.name]) * outcome(point, 0) ** 2
        return second - mean_of(point) ** 2

    setting = Setting(
        domains=letters.domains,
        definitions={
            "mean": mean_of,
            "variance": variance_of,
            "weights_without": lambda point: _read(int(point[n.name]), int(point[k.name]), masked=False),
            "weights_with": lambda point: _read(int(point[n.name]), int(point[k.name]), masked=True),
            "kept_output": lambda point: outcome(point, 1),
            "dropped_output": lambda point: outcome(point, 0),
        },
        aliases={
            name: letter
            for name, letter in (
                *((name, m) for name in ("mask", "r", "b", "M")),
                *((name, value) for name in ("x", "h", "values", "a", "z")),
                *((name, p) for name in ("keep", "p")),
                *((name, 1 - p) for name in ("q", "drop", "rate")),
            )
            if name not in letters.domains
        },
        values=letters.values,
    )
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps()), tuple(routes)),
        setting=setting,
        principal=("train", "test", "mean", "variance") if single and x is None else ("mean", "variance"),
        conventions=(
            "inverted: mask·x/keep in training, x at test"
            if inverted
            else "classic: mask·x in training, keep·x at test",
        ),
        notes=("dropped_gradient is of that step alone: momentum or weight decay still move the weights",),
    )


_LETTERS = (("mask", BIT), ("w", Domain(Fraction(0), Fraction(3))), ("delta", REAL), ("s", UNIT), ("n", COUNT), ("k", COUNT))
"""The mask, a weight, the gradient that arrives, the step of a difference quotient, units and their inputs."""


def _read(units: int, inputs: int, *, masked: bool) -> int:
    """Run a layer, with the mask of test time (all kept) or without one, and count the weights that it reads."""
    seen: set[tuple[int, int]] = set()

    def weight(i: int, j: int) -> int:
        seen.add((i, j))
        return i - j

    scores = [sum(weight(i, j) for j in range(inputs)) for i in range(units)]
    mask = [1] * units if masked else []
    return len(seen) if not masked or [m * s for m, s in zip(mask, scores, strict=True)] == scores else 0


def _mean_slips(put_in: Any, x: Expr, p: Expr, *, inverted: bool) -> tuple[Slip, ...]:  # noqa: ANN401 (a function)
    if inverted:
        return (
            Slip(put_in(p * x), "that is the mean without the division by the keep probability", "mean"),
            Slip(put_in(x / p), "that is the value of a kept unit, not the mean", "mean"),
            Slip(put_in(x * (1 - p)), "that takes the drop probability for the keep probability", "mean"),
        )
    return (
        Slip(put_in(x), "the classic form does not divide: that is the mean of inverted dropout", "mean"),
        Slip(put_in(x * (1 - p)), "that takes the drop probability for the keep probability", "mean"),
    )


def _variance_slips(put_in: Any, x: Expr, p: Expr, *, inverted: bool) -> tuple[Slip, ...]:  # noqa: ANN401 (as above)
    plain_mask, divided = p * (1 - p) * x**2, x**2 * (1 - p) / p
    slips = [Slip(put_in(p * (1 - p)), "the square of x is missing", "variance")] if not inverted else []
    swapped = x**2 * p / (1 - p) if inverted else None
    if inverted:
        slips.append(Slip(put_in(plain_mask), "that is without the division: 1/p² is missing", "variance"))
        slips.append(Slip(put_in((1 - p) * x**2), "a constant comes out squared: 1/p², not 1/p", "variance"))
    else:
        slips.append(Slip(put_in(divided), "that is the variance of inverted dropout", "variance"))
    if swapped is not None and put_in(p) != ONE:
        slips.append(Slip(put_in(swapped), "that takes the drop probability for the keep probability", "variance"))
    return tuple(slips)


def _test_slips(put_in: Any, x: Expr, p: Expr, *, inverted: bool) -> tuple[Slip, ...]:  # noqa: ANN401 (as above)
    if inverted:
        why = "inverted dropout has divided in training: nothing is left to do at test"
        return (Slip(put_in(p * x), why, "test"), Slip(put_in(x / p), "that is training: at test nothing is divided"))
    return (Slip(put_in(x), "the classic form multiplies by the keep probability at test", "test"),)


def _simulated(chance: float, values: list[float], *, inverted: bool) -> Experiment:
    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        generator = np.random.default_rng(seed)
        worst = 0.0
        for at in values:
            kept = generator.random(RUNS) < chance
            result = kept * at / (chance if inverted else 1)
            mean = at if inverted else chance * at
            deviation = abs(at) * (chance * (1 - chance)) ** 0.5 / (chance if inverted else 1)
            if deviation == 0:
                worst = max(worst, float(abs(result.mean() - mean) > abs(mean) / RUNS) * 2 * STANDARD_ERRORS)
            else:
                worst = max(worst, abs(float(result.mean()) - mean) / deviation * RUNS**0.5)
        return worst, STANDARD_ERRORS

    return Experiment("mean", f"{RUNS:,} random masks, the farthest in standard errors", run)


def _inserted(formula: Expr, given: Value, x: Sym, values: Mapping[str, Expr]) -> Value:
    if isinstance(given, Expr):
        return substitute(formula, values)
    return _each(given, lambda entry: substitute(formula, {**values, x.name: entry}))


def _each(value: Value, result: Any) -> Value:  # noqa: ANN401 (a function of an expression)
    if isinstance(value, Expr):
        found: Expr = result(value)
        return found
    return tuple(_each(part, result) for part in value)


def _flat(value: Value) -> Iterator[Expr]:
    if isinstance(value, Expr):
        yield value
        return
    for part in value:
        yield from _flat(part)


def _text(value: Value) -> str:
    return plain(value)


def _unused(preferred: str, *given: Value) -> str:
    taken = symbols(*given)
    return next(name for name in (preferred, "a", "h", "z") if name not in taken)
