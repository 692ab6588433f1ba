"""Mean and variance of a value under a random mask, in training and at test."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Mul, Num, Pow, Sym, expr, substitute
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import (
    COUNT,
    REAL,
    UNIT,
    Answer,
    Domain,
    Experiment,
    Route,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.topics.dropout.chance import Chance

TWO = expr(2)
BIT = Domain(Fraction(0), Fraction(1), whole=True)
RUNS = 20_000
STANDARD_ERRORS = 5.0


class _Form(NamedTuple):
    """What dropout gives of a value x, for a keep probability p and a drop probability q."""

    inverted: bool

    def mean(self, x: Expr, p: Expr) -> Expr:
        """Return the mean in training."""
        return x if self.inverted else p * x

    def variance(self, x: Expr, p: Expr, q: Expr) -> Expr:
        """Return the variance in training."""
        return x**2 * q / p if self.inverted else p * q * x**2


def moments(chance: Chance, x: Value | None, *, inverted: bool) -> Solution:
    """Answer with what a layer does in training and at test, and with the moments of what it gives in training."""
    kept, dropped = chance
    form = _Form(inverted)
    given: Value = Sym(_unused("x", kept)) if x is None else x
    single = isinstance(given, Expr)
    letters = Letters(taken=symbols(kept, given))
    p = letters.letter("p", kept, UNIT)
    value = letters.letter("x", given if isinstance(given, Expr) else None, REAL)
    for name in sorted(symbols(given)):
        letters.domains.setdefault(name, REAL)
    m, weight, later, h, n, k = (letters.letter(name, None, domain) for name, domain in _LETTERS)
    scaled = Div(value, p) if inverted else value
    mean, variance = form.mean(value, p), form.variance(value, p, 1 - p)
    test = mean
    found = {
        "mean": _each(given, lambda entry: form.mean(entry, kept)),
        "variance": _each(given, lambda entry: form.variance(entry, kept, dropped)),
    }

    def slips(name: str) -> tuple[Slip, ...]:
        wrong = [w for w in _SLIPS if w.answer == name and w.inverted == inverted]
        defined = [w for w in wrong if not (w.divides and kept == ZERO) and not (w.divides_by_drop and dropped == ZERO)]
        return tuple(
            Slip(_each(given, lambda entry, w=w: w.value(entry, kept, dropped)), w.because, name) for w in defined
        )

    answers = [
        Answer("mean", found["mean"], slips=slips("mean")),
        Answer("variance", found["variance"], slips=slips("variance")),
        Answer("test", found["mean"], slips=slips("test")),
        Answer("dropped_gradient", ZERO),
        Answer("removed_parameters", ZERO),
    ]
    if single:
        train = _each(given, lambda entry: m * entry / kept if inverted else m * entry)
        slip = _each(given, lambda entry: m * entry if inverted or kept == ZERO else m * entry / kept)
        why = "the division by the keep probability is missing" if inverted else "the classic form does not divide"
        answers.insert(0, Answer("train", train, slips=(Slip(slip, why, "train"),)))

    def steps() -> Iterator[Step]:
        yield Step("train", Sym("train"), Sym("kept_output"), scaled, "in training, mask 1: the unit is kept")
        yield Step("train", Sym("train"), Sym("dropped_output"), ZERO, "in training, mask 0: the unit is dropped")
        outcomes = Add((Mul((p, scaled)), Mul((Add((ONE, -p)), ZERO))))
        yield Step("mean", Sym("mean"), Sym("mean"), outcomes, f"both outcomes, with the probabilities {p} and 1 - {p}")
        yield Step("mean", Sym("mean"), outcomes, mean, "computed")
        spread = Add((Mul((p, Pow(Add((scaled, -mean)), TWO))), Mul((Add((ONE, -p)), Pow(Add((ZERO, -mean)), TWO)))))
        yield Step("variance", Sym("variance"), Sym("variance"), spread, "squared distances from the mean, weighted")
        yield Step("variance", Sym("variance"), spread, variance, "collected")
        because = (
            "nothing to do at test: the mean of training already" if inverted else "at test times p: the same mean"
        )
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
                inserted = _each(given, lambda entry: substitute(formula, {**letters.values, value.name: entry}))  # noqa: B023 (called at once)
                if plain(inserted) != plain(found[name]):
                    yield Step(f"{name}-givens", Sym(name), inserted, found[name], "the givens put in")

    def enumerated(point: Mapping[str, Any]) -> list[Any]:
        """Run over both outcomes of every entry."""
        likely = PLAIN.value(kept, point)
        firsts, seconds = [], []
        for entry in _flat(given):
            at = PLAIN.value(entry, point)
            results = [(likely, at / likely if inverted else at), (1 - likely, 0 * at)]
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


_LETTERS = (
    ("mask", BIT),
    ("w", Domain(Fraction(0), Fraction(3))),
    ("delta", REAL),
    ("s", UNIT),
    ("n", COUNT),
    ("k", COUNT),
)
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


class _Wrong(NamedTuple):
    """A common wrong answer, as a function of the value, the keep and the drop probability."""

    answer: str
    inverted: bool
    value: Callable[[Expr, Expr, Expr], Expr]
    because: str
    divides: bool = False
    divides_by_drop: bool = False


_SWAPPED = "that takes the drop probability for the keep probability"
_SLIPS = (
    _Wrong("mean", True, lambda x, p, _: p * x, "that is the mean without the division by the keep probability"),
    _Wrong("mean", True, lambda x, p, _: x / p, "that is the value of a kept unit, not the mean", divides=True),
    _Wrong("mean", True, lambda x, _, q: q * x, _SWAPPED),
    _Wrong("mean", False, lambda x, _, __: x, "the classic form does not divide: that is the mean of inverted dropout"),
    _Wrong("mean", False, lambda x, _, q: q * x, _SWAPPED),
    _Wrong("variance", True, lambda x, p, q: p * q * x**2, "that is without the division: 1/p² is missing"),
    _Wrong("variance", True, lambda x, _, q: q * x**2, "a constant comes out squared: 1/p², not 1/p"),
    _Wrong("variance", True, lambda x, p, q: x**2 * p / q, _SWAPPED, divides_by_drop=True),
    _Wrong("variance", False, lambda _, p, q: p * q, "the square of x is missing"),
    _Wrong("variance", False, lambda x, p, q: x**2 * q / p, "that is the variance of inverted dropout", divides=True),
    _Wrong("test", True, lambda x, p, _: p * x, "inverted dropout has divided in training: nothing is left to do"),
    _Wrong("test", True, lambda x, p, _: x / p, "that is training: at test nothing is divided", divides=True),
    _Wrong("test", False, lambda x, _, __: x, "the classic form multiplies by the keep probability at test"),
)


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


def _unused(preferred: str, *given: Value) -> str:
    taken = symbols(*given)
    return next(name for name in (preferred, "a", "h", "z") if name not in taken)
