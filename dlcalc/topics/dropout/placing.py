"""Whether the mask may stand before the activation, and whether one pass at test is the average over all masks."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Mul, Num, Sym, add, mul, number
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import (
    POSITIVE,
    REAL,
    Answer,
    Experiment,
    Route,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
    verdict,
)
from dlcalc.topics.dropout.activations import ACTIVATIONS, Activation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HALF = number(Fraction(1, 2))
MAX_UNITS = 10
"""Units whose masks are all enumerated."""
SHOWN = 3
"""Units up to which every mask is a term on the screen."""
TOLERANCE = 1e-9
RUNS = 50_000
STANDARD_ERRORS = 5.0
C, Z = Sym("c"), Sym("z")


def placed(name: str, kept: Expr, x: Value | None, weights: Value | None, bias: Expr, *, inverted: bool) -> Solution:
    """Answer where the mask may stand, and compare the average over all masks with the pass at test."""
    chance = kept if isinstance(kept, Num) else HALF
    f = ACTIVATIONS[name]
    values, towards = _unit(x, weights, bias)
    demonstration = x is None or weights is None or not isinstance(kept, Num)
    average = _average(f, chance, values, towards, bias, inverted=inverted)
    test = f.of(_score(values, towards, bias) if inverted else add(bias, mul(chance, _score(values, towards, ZERO))))
    equal = _close(average, test)
    order = not f.homogeneous and chance != ONE
    why_order = f"{name} lets every factor c ≥ 0 through: f(c z) = c f(z)" if not order else _order_slip(name)
    why_equal = "f is not linear: the average of f is not f of the average" if not equal else "they agree here"
    answers = (
        verdict("order_matters", holds=order, otherwise=why_order),
        verdict("average_equals_test", holds=equal, otherwise=why_equal),
        Answer("average", average, slips=(Slip(test, "that is the one pass at test, not the average over masks"),)),
        Answer("test_pass", test, slips=(Slip(average, "that is the average over all masks, not the pass at test"),)),
    )

    def steps() -> Iterator[Step]:
        yield from _order(name, f, chance, inverted=inverted)
        terms = list(_terms(f, chance, values, towards, bias, inverted=inverted))
        if len(values) <= SHOWN:
            yield Step("average", Sym("average"), Add(tuple(terms)), average, f"all {len(terms)} masks, weighted")
        else:
            yield Step("average", Sym("average"), Sym("average"), average, f"all {len(terms)} masks, weighted")
        unfolded = Add((bias, *(Mul((w, v)) for w, v in zip(towards, values, strict=True))))
        if inverted:
            yield Step("test", Sym("test_pass"), f.of(unfolded), test, "one pass at test, nothing masked")
        if equal:
            yield Step("compare", Sym("average"), average, test, "they are equal")
        else:
            relation = "<" if _float(average) < _float(test) else ">"
            yield Step("compare", Sym("average"), average, test, "they differ", relation=relation)
        if f.linear:
            yield from _linear_proof(inverted=inverted)

    def routes() -> Iterator[Route | Experiment]:
        def recursed(_: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number or a float)
            """Decide unit after unit."""

            def onwards(i: int, score: Any) -> Any:  # noqa: ANN401 (as above)
                if i == len(values):
                    return PLAIN.value(f.of(Z), {"z": score})
                step = PLAIN.value(towards[i] * values[i] / (chance if inverted else ONE), {})
                p = PLAIN.value(chance, {})
                return p * onwards(i + 1, score + step) + (1 - p) * onwards(i + 1, score)

            return onwards(0, PLAIN.value(bias, {}))

        yield Route("average", "unit by unit, kept or dropped, in plain numbers", average, recursed)
        yield _simulated(f, chance, values, towards, bias, average, inverted=inverted)

    notes = ["order_matters: before and after the activation are the same exactly where f(c z) = c f(z) for c ≥ 0"]
    if f.homogeneous and not f.linear:
        notes.append("order does not matter in training; the average over masks is another question")
    if not inverted and not f.homogeneous and PLAIN.value(f.of(ZERO), {}) == 0:
        notes.append(
            f"without a division a mask of 0 and 1 alone commutes with {name}, since f(0) = 0; f(p z) at test does not"
        )
    notes.append(
        "average over masks = one pass at test: for every linear f; for another f the answer holds at these numbers"
    )
    said = f"one output f(Σ w x{'' if bias == ZERO else ' + bias'}), the mask on x"
    shown = f"keep {unicode(chance)}, x = {unicode(tuple(values))}, w = {unicode(tuple(towards))}"
    return Solution(
        answers=answers,
        work=lambda: Work(tuple(steps()), tuple(routes())),
        setting=Setting(
            domains={"c": POSITIVE, "z": REAL, "x1": REAL, "x2": REAL, "w1": REAL, "w2": REAL, "p": POSITIVE},
            definitions={
                "average": lambda _: sum(
                    PLAIN.value(t, {}) for t in _terms(f, chance, values, towards, bias, inverted=inverted)
                )
            },
        ),
        principal=("order_matters", "average_equals_test"),
        conventions=(f"{said}; {'a demonstration at ' if demonstration else ''}{shown}",),
        notes=tuple(notes),
    )


def _order_slip(name: str) -> str:
    return f"{name} does not let a factor through: f(c z) is not c f(z)"


def _unit(x: Value | None, weights: Value | None, bias: Expr) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """Read the units and their weights; two units of opposite weights where none are given."""
    default = (ONE, -ONE) if x is None else None
    first = _flat("x", x, (ONE, ONE + ONE) if weights is None else None, weights)
    second = _flat("weights", weights, default, x)
    if len(first) != len(second):
        raise DlcalcError(
            f"--x has {len(first)} units, but --weights has {len(second)}", "give one weight per unit, to one output"
        )
    if len(first) > MAX_UNITS:
        raise DlcalcError(f"{len(first)} units have {2 ** len(first)} masks", f"give at most {MAX_UNITS} units")
    symbolic = next((plain(v) for v in (*first, *second, bias) if symbols(v)), None)
    if symbolic is not None:
        raise DlcalcError(f"{symbolic} is no number, and all masks are enumerated in numbers", "give numbers")
    return first, second


def _flat(name: str, given: Value | None, default: tuple[Expr, ...] | None, other: Value | None) -> tuple[Expr, ...]:
    if given is None:
        length = len(other) if isinstance(other, tuple) else 1
        return default if default is not None else (ONE,) * length
    flat = given if isinstance(given, tuple) else (given,)
    if any(isinstance(entry, tuple) for entry in flat):
        raise DlcalcError(f"--{name} has rows", "give a list: one entry per unit, towards one output")
    return tuple(entry for entry in flat if isinstance(entry, Expr))


def _score(values: Sequence[Expr], towards: Sequence[Expr], bias: Expr) -> Expr:
    return add(bias, *(w * v for w, v in zip(towards, values, strict=True)))


def _terms(
    f: Activation, p: Expr, values: Sequence[Expr], towards: Sequence[Expr], bias: Expr, *, inverted: bool
) -> Iterator[Expr]:
    """Yield every mask's probability times what the output is with it."""
    for bits in product((1, 0), repeat=len(values)):
        chance = mul(*(p if bit else 1 - p for bit in bits))
        masked = [v * bit / p if inverted else v * bit for bit, v in zip(bits, values, strict=True)]
        yield Mul((chance, f.of(_score(masked, towards, bias))))


def _average(
    f: Activation, p: Expr, values: Sequence[Expr], towards: Sequence[Expr], bias: Expr, *, inverted: bool
) -> Expr:
    return add(*(mul(*t.factors) for t in _terms(f, p, values, towards, bias, inverted=inverted) if isinstance(t, Mul)))


def _float(value: Expr) -> float:
    return float(PLAIN.value(value, {}))


def _close(left: Expr, right: Expr) -> bool:
    if isinstance(left, Num) and isinstance(right, Num):
        return left == right
    return abs(_float(left) - _float(right)) <= TOLERANCE * max(1.0, abs(_float(right)))


def _order(name: str, f: Activation, chance: Expr, *, inverted: bool) -> Iterator[Step]:
    """Prove that a factor passes through, or give the numbers where it does not."""
    if f.homogeneous or chance == ONE:
        factor = C if f.homogeneous else ONE
        because = f"{name}: a factor c ≥ 0 passes through; c = mask/p is one" if f.homogeneous else "nothing is dropped"
        yield Step("order", Sym("after_mask"), f.of(factor * Z), factor * f.of(Z), because)
        if f.homogeneous:
            yield Step("order", Sym("after_mask"), f.of(ZERO * Z), ZERO * f.of(Z), "a dropped unit gives 0 either way")
        return
    at_zero = f.of(ZERO)
    if PLAIN.value(at_zero, {}) != 0:
        relation = ">" if _float(at_zero) > 0 else "<"
        because = "a masked pre-activation gives f(0), a masked activation gives 0: counterexample at mask 0"
        yield Step("order", Sym("f_0"), at_zero, ZERO, because, relation=relation)
        return
    scaled, outside = (f.of(ONE / chance), f.of(ONE) / chance) if inverted else (f.of(chance), chance * f.of(ONE))
    relation = ">" if _float(scaled) > _float(outside) else "<"
    because = (
        f"the factor does not pass: counterexample at z = 1, factor {unicode(ONE / chance if inverted else chance)}"
    )
    yield Step("order", Sym("f_z"), scaled, outside, because, relation=relation)


def _linear_proof(*, inverted: bool) -> Iterator[Step]:
    """Average two units over their four masks, in letters."""
    p, first, second = Sym("p"), Sym("w1") * Sym("x1"), Sym("w2") * Sym("x2")
    one, two = (Div(first, p), Div(second, p)) if inverted else (first, second)
    terms = (
        Mul((p, p, Add((one, two)))),
        Mul((p, Add((ONE, -p)), one)),
        Mul((Add((ONE, -p)), p, two)),
    )
    after = first + second if inverted else p * (first + second)
    yield Step("linear", Sym("average_of_two"), Add(terms), after, "linear, in letters: the four masks of two units")


def _simulated(
    f: Activation,
    p: Expr,
    values: Sequence[Expr],
    towards: Sequence[Expr],
    bias: Expr,
    average: Expr,
    *,
    inverted: bool,
) -> Experiment:
    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        chance = _float(p)
        products = np.array([_float(w) * _float(v) for w, v in zip(towards, values, strict=True)])
        kept = np.random.default_rng(seed).random((RUNS, len(values))) < chance
        scores = kept @ products / (chance if inverted else 1) + _float(bias)
        patterns, at = np.unique(scores, return_inverse=True)
        outputs = np.array([float(PLAIN.value(f.of(Z), {"z": float(s)})) for s in patterns])[at]
        spread = float(outputs.std()) or 1 / RUNS
        return abs(float(outputs.mean()) - _float(average)) / spread * RUNS**0.5, STANDARD_ERRORS

    return Experiment("average", f"{RUNS:,} random masks, in standard errors", run)
