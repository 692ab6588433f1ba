"""Whether the mask may stand before the activation, and whether one pass at test is the average over all masks."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlcalc.entries import listed
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


class _Case(NamedTuple):
    """One output f(Σ w x + bias) with the mask on x, in numbers."""

    name: str
    p: Num
    x: tuple[Expr, ...]
    w: tuple[Expr, ...]
    bias: Expr
    inverted: bool

    @property
    def f(self) -> Activation:
        """The activation."""
        return ACTIVATIONS[self.name]

    @property
    def scale(self) -> Expr:
        """What a kept value is multiplied by in training."""
        return ONE / self.p if self.inverted else ONE

    @property
    def order_matters(self) -> bool:
        """Whether the mask before the activation differs from that after it."""
        return not self.f.homogeneous and self.p != ONE

    @property
    def test(self) -> Expr:
        """The one pass at test."""
        share = ONE if self.inverted else self.p
        return self.f.of(add(self.bias, *(mul(share, w, v) for w, v in zip(self.w, self.x, strict=True))))

    @property
    def average(self) -> Expr:
        """The average over all masks."""
        return add(*(mul(chance, output) for chance, output in self.outcomes()))

    def outcomes(self) -> Iterator[tuple[Expr, Expr]]:
        """Yield the probability of every mask, and the output with it."""
        for bits in product((1, 0), repeat=len(self.x)):
            chance = mul(*(self.p if bit else 1 - self.p for bit in bits))
            masked = (bit * self.scale * w * v for bit, w, v in zip(bits, self.w, self.x, strict=True))
            yield chance, self.f.of(add(self.bias, *masked))


def placed(name: str, kept: Expr, units: tuple[Value | None, Value | None, Expr], *, inverted: bool) -> Solution:
    """Answer where the mask may stand, and compare the average over all masks with the pass at test.

    The units are their values, their weights to one output, and its bias.
    """
    x, weights, bias = units
    demonstration = x is None or weights is None or not isinstance(kept, Num)
    case = _Case(name, kept if isinstance(kept, Num) else HALF, *_units(x, weights, bias), bias, inverted)
    average, test = case.average, case.test
    equal = _close(average, test)
    through = f"{name} lets every factor c ≥ 0 through: f(c z) = c f(z)"
    stopped = f"{name} does not let a factor through: f(c z) is not c f(z)"
    bent = "f is not linear: the average of f is not f of the average"
    answers = (
        verdict("order_matters", holds=case.order_matters, otherwise=stopped if case.order_matters else through),
        verdict("average_equals_test", holds=equal, otherwise="they agree here" if equal else bent),
        Answer("average", average, slips=(Slip(test, "that is the one pass at test, not the average over masks"),)),
        Answer("test_pass", test, slips=(Slip(average, "that is the average over all masks, not the pass at test"),)),
    )
    lead = "a demonstration at " if demonstration else ""
    shown = f"{lead}keep {unicode(case.p)}, x = {unicode(case.x)}, w = {unicode(case.w)}"
    return Solution(
        answers=answers,
        work=lambda: Work(
            (*_order(case), *_compared(case, average, test)), (_recursed(case, average), _simulated(case, average))
        ),
        setting=Setting(
            domains={"c": POSITIVE, "p": POSITIVE, **dict.fromkeys(("z", "x1", "x2", "w1", "w2"), REAL)},
            definitions={"average": lambda _: sum(PLAIN.value(a * b, {}) for a, b in case.outcomes())},
        ),
        principal=("order_matters", "average_equals_test"),
        conventions=(f"one output f(Σ w x{'' if bias == ZERO else ' + bias'}), the mask on x; {shown}",),
        notes=tuple(_notes(case)),
    )


def _notes(case: _Case) -> Iterator[str]:
    yield "order_matters: before and after the activation are the same exactly where f(c z) = c f(z) for c ≥ 0"
    if case.f.homogeneous and not case.f.linear:
        yield "order does not matter in training; the average over masks is another question"
    if not case.inverted and not case.f.homogeneous and PLAIN.value(case.f.of(ZERO), {}) == 0:
        yield f"without a division a mask of 0 and 1 alone commutes with {case.name}, f(0) = 0; f(p z) at test does not"
    yield "average over masks = one pass at test: for every linear f; for another f the answer holds at these numbers"


def _units(x: Value | None, weights: Value | None, bias: Expr) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """Read the units and their weights; two units of opposite weights where none are given."""
    first = (ONE, ONE + ONE) if x is None and weights is None else _flat("x", x, weights)
    second = (ONE, -ONE) if x is None and weights is None else _flat("weights", weights, x)
    if len(first) != len(second):
        raise DlcalcError(
            f"--x has {len(first)} units, but --weights has {len(second)}", "give one weight per unit, to one output"
        )
    if len(first) > MAX_UNITS:
        raise DlcalcError(f"--x has {len(first)} units, with {2 ** len(first)} masks", f"give at most {MAX_UNITS}")
    symbolic = next((plain(v) for v in (*first, *second, bias) if symbols(v)), None)
    if symbolic is not None:
        raise DlcalcError(f"{symbolic} is no number, and all masks are enumerated in numbers", "give numbers")
    return first, second


def _flat(name: str, given: Value | None, other: Value | None) -> tuple[Expr, ...]:
    """Read a list; ones, as many as the other list has, where it is missing."""
    if given is None:
        return (ONE,) * (len(other) if isinstance(other, tuple) else 1)
    return listed(f"--{name}", given, "give a list: one entry per unit, towards one output")


def _float(value: Expr) -> float:
    return float(PLAIN.value(value, {}))


def _close(left: Expr, right: Expr) -> bool:
    if isinstance(left, Num) and isinstance(right, Num):
        return left == right
    return abs(_float(left) - _float(right)) <= TOLERANCE * max(1.0, abs(_float(right)))


def _relation(left: Expr, right: Expr) -> Literal["<", ">"]:
    return "<" if _float(left) < _float(right) else ">"


def _order(case: _Case) -> Iterator[Step]:
    """Prove that a factor passes through, or give the numbers where it does not."""
    f, at_zero = case.f, case.f.of(ZERO)
    if f.homogeneous:
        because = f"{case.name}: a factor c ≥ 0 passes through; mask·{'1/p' if case.inverted else '1'} is one"
        yield Step("order", Sym("after_mask"), f.of(C * Z), C * f.of(Z), because)
        yield Step("order", Sym("after_mask"), f.of(ZERO * Z), ZERO * f.of(Z), "a dropped unit gives 0 either way")
        return
    if case.p == ONE:
        yield Step("order", Sym("after_mask"), f.of(Mul((ONE, Z))), f.of(Z), "keep 1: nothing is dropped")
        return
    if PLAIN.value(at_zero, {}) != 0:
        because = "a masked pre-activation gives f(0), a masked activation gives 0: counterexample at mask 0"
        yield Step("order", Sym("f_0"), at_zero, ZERO, because, relation=_relation(at_zero, ZERO))
        return
    factor = case.scale if case.inverted else case.p
    z = ONE if not _close(f.of(factor), factor * f.of(ONE)) else -ONE
    inside, outside = f.of(factor * z), factor * f.of(z)
    because = f"the factor does not pass: counterexample at z = {unicode(z)}, factor {unicode(factor)}"
    yield Step("order", Sym("f_z"), inside, outside, because, relation=_relation(inside, outside))


def _compared(case: _Case, average: Expr, test: Expr) -> Iterator[Step]:
    """Average over all masks, and compare with the one pass."""
    terms = [Mul(pair) for pair in case.outcomes()]
    written: Expr = Add(tuple(terms)) if len(case.x) <= SHOWN else Sym("average")
    yield Step("average", Sym("average"), written, average, f"all {len(terms)} masks, weighted")
    if case.inverted:
        unfolded = Add((case.bias, *(Mul((w, v)) for w, v in zip(case.w, case.x, strict=True))))
        yield Step("test", Sym("test_pass"), case.f.of(unfolded), test, "one pass at test, nothing masked")
    if _close(average, test):
        yield Step("compare", Sym("average"), average, test, "they are equal")
    else:
        yield Step("compare", Sym("average"), average, test, "they differ", relation=_relation(average, test))
    if case.f.linear:
        yield _linear_proof(inverted=case.inverted)


def _linear_proof(*, inverted: bool) -> Step:
    """Average two units over their four masks, in letters."""
    p, first, second = Sym("p"), Sym("w1") * Sym("x1"), Sym("w2") * Sym("x2")
    one, two = (Div(first, p), Div(second, p)) if inverted else (first, second)
    terms = (Mul((p, p, Add((one, two)))), Mul((p, Add((ONE, -p)), one)), Mul((Add((ONE, -p)), p, two)))
    after = first + second if inverted else p * (first + second)
    return Step("linear", Sym("average_of_two"), Add(terms), after, "linear, in letters: the four masks of two units")


def _recursed(case: _Case, average: Expr) -> Route:
    """Decide unit after unit, in plain numbers."""
    scale, p = PLAIN.value(case.scale, {}), case.p.value
    shares = [PLAIN.value(w * v, {}) * scale for w, v in zip(case.w, case.x, strict=True)]

    def onwards(left: Sequence[Any], score: Any) -> Any:  # noqa: ANN401 (an exact number or a float)
        if not left:
            return PLAIN.value(case.f.of(Z), {"z": score})
        return p * onwards(left[1:], score + left[0]) + (1 - p) * onwards(left[1:], score)

    def run(_: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        return onwards(shares, PLAIN.value(case.bias, {}))

    return Route("average", "unit by unit, kept or dropped, in plain numbers", average, run)


def _simulated(case: _Case, average: Expr) -> Experiment:
    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        chance = float(case.p.value)
        products = np.array([_float(case.scale * w * v) for w, v in zip(case.w, case.x, strict=True)])
        kept = np.random.default_rng(seed).random((RUNS, len(case.x))) < chance
        patterns, at = np.unique(kept @ products + _float(case.bias), return_inverse=True)
        outputs = np.array([float(PLAIN.value(case.f.of(Z), {"z": float(s)})) for s in patterns])[at]
        off, spread = abs(float(outputs.mean()) - _float(average)), float(outputs.std())
        return (off / spread * RUNS**0.5 if spread > TOLERANCE else off), STANDARD_ERRORS

    return Experiment("average", f"{RUNS:,} random masks, in standard errors", run)
