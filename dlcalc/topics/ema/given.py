"""The average of given values: the recurrence, the weights, bias correction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.derivation import readable
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Entry, Expr, Mul, Num, Pow, Real, Sym, add, expr
from dlcalc.solution import REAL, Answer, Route, Slip, Solution, Step, Work, symbols
from dlcalc.table import Table
from dlcalc.topics.ema.windows import ABOUT, LENGTH, bounds, window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHOWN = 5
"""Values for which the recurrence is written out; the route confirms all of them."""
UNROLLED = 8
"""Values up to which the average is written as one sum."""
MAX_SYMBOLIC = 30
RULE = (
    "v_t = βv_{t-1} + (1 - β)x_t: β is kept (Ng, Adam, Keras' momentum); torch's BatchNorm momentum is 1 - β (--alpha)"
)
CORRECTED = "corrected: v_t/(1 - β^t)"
STARTED = "with a v_0 of its own nothing is corrected: the correction divides out a start at 0"

# ruff: noqa: ANN401 (exact numbers, or floats where they are irrational)


def _weights(beta: Expr, count: int) -> tuple[Expr, ...]:
    return tuple((1 - beta) * beta ** expr(count - k) for k in range(1, count + 1))


def _averaged(beta: Expr, values: tuple[Expr, ...], v0: Expr) -> Expr:
    """Write the average of values as their weighted sum."""
    parts = (w * x for w, x in zip(_weights(beta, len(values)), values, strict=True))
    return add(beta ** expr(len(values)) * v0, *parts)


@dataclass(frozen=True)
class Averaged:
    """Given values with their running averages, as they are and corrected."""

    values: tuple[Expr, ...]
    beta: Expr
    v0: Expr
    averages: tuple[Expr, ...]
    corrections: tuple[Expr, ...]

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def biased(self) -> bool:
        """True where the average starts at 0, which the correction divides out."""
        return self.v0 == ZERO

    def answers(self) -> Iterator[Answer]:
        """Answer with the last averages first."""
        beta, count = self.beta, self.count
        weights = tuple(map(readable, _weights(beta, count)))
        shown, corrected = tuple(map(readable, self.averages)), tuple(map(readable, self.corrections))
        yield Answer("average", shown[-1], slips=_slips(beta, self.values, self.v0))
        if self.biased:
            late = Slip(self.averages[-1], "that is v_t, without the correction", "corrected")
            yield Answer("corrected", corrected[-1], slips=(late, *_corrected_slips(beta, self.averages[-1], count)))
        yield Answer("averages", shown)
        if self.biased:
            yield Answer("corrected_averages", corrected)
        yield Answer("weights", weights, slips=(Slip(weights[::-1], "the newest value has the largest weight"),))
        yield Answer("weights_sum", readable(1 - beta ** expr(count)))

    def steps(self) -> Iterator[Step]:
        """Take the first values in one by one, then write the average as one sum."""
        beta, before = self.beta, self.v0
        for t, (x, v) in enumerate(zip(self.values[:SHOWN], self.averages, strict=False), 1):
            taken, target = Add((Mul((beta, before)), Mul((1 - beta, x)))), Entry("v", expr(t))
            yield Step("average", target, target, taken, f"value {t} taken in")
            yield Step("average", target, taken, v, "computed" if isinstance(v, Num) else "collected")
            if self.biased:
                quotient = Div(v, Add((ONE, -Pow(beta, expr(t)))))
                why = "what is missing of the weights, β^t, is divided out"
                yield Step("corrected", Sym("corrected"), quotient, self.corrections[t - 1], why)
            before = v
        if self.count <= UNROLLED:
            yield from self._unrolled()

    def _unrolled(self) -> Iterator[Step]:
        beta, count = self.beta, self.count
        parts = tuple(Mul((1 - beta, Pow(beta, expr(count - k)), x)) for k, x in enumerate(self.values, 1))
        start = () if self.biased else (Mul((Pow(beta, expr(count)), self.v0)),)
        unrolled = Add((*start, *parts)) if len(parts) + len(start) > 1 else parts[0]
        last = Entry("v", expr(count))
        yield Step("unrolled", last, last, unrolled, "unrolled: the weights")
        total = Add(tuple(Mul((1 - beta, Pow(beta, expr(j)))) for j in range(count))) if count > 1 else 1 - beta
        yield Step("weights", Sym("weights_sum"), total, 1 - beta ** expr(count), "a geometric sum")

    def run(self, point: Mapping[str, Any]) -> list[Any]:
        """Run the recurrence at a point."""
        x = [PLAIN.value(value, point) for value in self.values]
        return running(x, PLAIN.value(self.beta, point), PLAIN.value(self.v0, point))

    def corrected(self, point: Mapping[str, Any]) -> list[Any]:
        """Divide by the average that the same steps give of ones."""
        ones = running([Fraction(1)] * self.count, PLAIN.value(self.beta, point), Fraction(0))
        return [v / one for v, one in zip(self.run(point), ones, strict=True)]

    def routes(self) -> Iterator[Route]:
        """Run the recurrence for the very givens."""
        yield Route("averages", "the recurrence run on the values", tuple(map(readable, self.averages)), self.run)
        if self.biased:
            found = tuple(map(readable, self.corrections))
            yield Route("corrected_averages", "divided by the same average of ones", found, self.corrected)

    def table(self) -> Table:
        """List every step."""
        lists = [tuple(expr(t) for t in range(1, self.count + 1)), self.values, tuple(map(readable, self.averages))]
        lists += [tuple(map(readable, self.corrections))] if self.biased else []
        columns = ("t", "x", "v", "corrected")[: len(lists)]
        return Table("steps", columns, lambda: list(zip(*lists, strict=True)))


def averaged(values: tuple[Expr, ...], beta: Expr, v0: Expr) -> Averaged:
    """Compute the averages, exactly where all is numbers."""
    count = len(values)
    if isinstance(beta, Num) and not symbols(*values, v0):
        numbers = running([PLAIN.value(x, {}) for x in values], beta.value, PLAIN.value(v0, {}))
        corrections = tuple(_number(v / (1 - beta.value**t)) for t, v in enumerate(numbers, 1))
        return Averaged(values, beta, v0, tuple(map(_number, numbers)), corrections)
    if count > MAX_SYMBOLIC:
        raise DlcalcError(f"{count} values with symbols among them are too many", f"use at most {MAX_SYMBOLIC}")
    averages = tuple(_averaged(beta, values[:t], v0) for t in range(1, count + 1))
    return Averaged(values, beta, v0, averages, tuple(v / (1 - beta ** expr(t)) for t, v in enumerate(averages, 1)))


def of_values(values: tuple[Expr, ...], beta: Expr, v0: Expr) -> Solution:
    """Average given values."""
    found, row = averaged(values, beta, v0), window(beta)
    setting = row.setting()
    more = (f"the first {SHOWN} values are written out; all are checked",) if found.count > SHOWN else ()
    return Solution(
        answers=(*found.answers(), *row.answers()),
        work=lambda: Work((*found.steps(), *row.steps(), *bounds(beta, row)), (*found.routes(), *row.again())),
        principal=("average", "corrected") if found.biased else ("average",),
        setting=replace(
            setting,
            domains={**dict.fromkeys(sorted(symbols(*values, v0)), REAL), **setting.domains},
            definitions={**setting.definitions, "v": lambda p, t: found.run(p)[t - 1]},
            families=frozenset({"v"}),
        ),
        conventions=(RULE, CORRECTED if found.biased else STARTED, LENGTH),
        assumptions=("v_0 = 0",) if found.biased else (),
        notes=(ABOUT, *more),
        tables=(found.table(),),
    )


def running(values: list[Any], beta: Any, v0: Any) -> list[Any]:
    """Run v ← βv + (1 - β)x over values."""
    found, v = [], v0
    for x in values:
        v = PLAIN.kept(beta * v + (1 - beta) * x)
        found.append(v)
    return found


def _number(value: Any) -> Expr:
    return Real(value) if isinstance(value, float) else expr(value)


def _slips(beta: Expr, values: tuple[Expr, ...], v0: Expr) -> tuple[Slip, ...]:
    if len(values) > MAX_SYMBOLIC:
        return ()
    return (
        Slip(_averaged(1 - beta, values, v0), "β is the share of the old average; that takes it for the new value's"),
        Slip(_averaged(beta, values[::-1], v0), "the values are taken in the reverse order", "average"),
        Slip(_averaged(beta, values[1:], values[0]), "the average starts at v_0 = 0, not at the first value", "average")
        if len(values) > 1
        else Slip(values[0], "the average starts at v_0 = 0, not at the first value", "average"),
        Slip(add(*values) / expr(len(values)), "that is the plain mean"),
    )


def _corrected_slips(beta: Expr, average: Expr, count: int) -> tuple[Slip, ...]:
    wrong = Slip(average / (1 - beta), "the power is missing: 1 - β^t", "corrected")
    return (wrong, Slip(average / (1 - beta ** expr(count - 1)), "t counts from 1")) if count > 1 else (wrong,)
