"""Random expressions, built from the nodes themselves, and the points at which they are evaluated."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Add, Call, Div, Entry, Expr, Mul, Pow, Sum, Sym, number
from dlcalc.notation.functions import FUNCTIONS
from dlcalc.notation.parser import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = (
    *"lnmuiphaxetEISNT",
    *("alpha", "epsilon", "mu", "nu", "sigma", "sigma2", "theta0", "lambda", "beta", "W1", "g0", "k12", "y_hat"),
    *("x_bar2", "C_in", "delta_a1", "mn", "lr", "ex", "e5", "num_filters"),
)
"""Names that spell functions, Greek letters or one another when they stand side by side."""
SEQUENCES = ("g", "theta_tilde", "v1")
INDICES = ("k", "j", "tau")
SCOPE = Scope(frozenset(NAMES), frozenset(SEQUENCES), closed=True)
RANDOM_SCOPE = Scope(frozenset(NAMES) - {"E"}, frozenset(SEQUENCES), closed=True, random=True)
LENGTH = 4

numbers = st.one_of(
    st.integers(-3, 12),
    st.fractions(min_value=-4, max_value=4, max_denominator=12),
    st.sampled_from([Fraction(9, 10), Fraction(-1, 1000), Fraction(1, 3), Fraction(5, 2)]),
).map(number)


def point(seed: int) -> dict[str, object]:
    """Make a point of small fractions; the names that serve as indices are small whole numbers."""
    generator = Random(seed)  # noqa: S311 (nothing is kept secret)
    drawn: dict[str, object] = {n: Fraction(generator.randint(-12, 12), generator.randint(1, 4)) for n in NAMES}
    drawn |= {n: tuple(Fraction(generator.randint(-3, 3)) for _ in range(LENGTH)) for n in SEQUENCES}
    return drawn | {n: Fraction(generator.randint(2, 3)) for n in ("t", "e")}


points = st.integers(0, 10_000).map(point)


@st.composite
def entries(draw: st.DrawFn, bound: tuple[str, ...]) -> Expr:
    """Draw an entry: at a number, at a name, or at an expression."""
    twice_e = Mul((number(2), Sym("e")))
    index = draw(
        st.sampled_from(
            [
                *map(number, range(1, LENGTH + 1)),
                *map(Sym, ("t", *bound)),
                Add((Sym("t"), number(-1))),
                Add((twice_e, number(-3))),
                Pow(number(2), number(1)),
            ]
        )
    )
    return Entry(draw(st.sampled_from(SEQUENCES)), index)


@st.composite
def expressions(  # noqa: PLR0911 (a return per kind)
    draw: st.DrawFn, depth: int = 3, bound: tuple[str, ...] = (), *, random: bool = False
) -> Expr:
    """Draw an expression of at most so many levels; `bound` are the indices of the sums around it."""
    names = [*(name for name in NAMES if not random or name != "E"), *bound, *bound]
    leaves = st.one_of(numbers, st.sampled_from(names).map(Sym), entries(bound))
    if depth == 0:
        return draw(leaves)

    def inner(below: int = depth - 1, *more: str) -> Expr:
        return draw(expressions(below, (*bound, *more), random=random))

    kind = draw(st.sampled_from(["leaf", "add", "mul", "mul", "div", "pow", "call", "sum"]))
    if kind in {"add", "mul"}:
        parts = tuple(inner() for _ in range(draw(st.integers(2, 4))))
        return Add(parts) if kind == "add" else Mul(parts)
    if kind == "div":
        return Div(inner(), inner())
    if kind == "pow":
        whole = st.integers(-2, 3).map(number)
        exponent = draw(st.one_of(whole, whole, st.just(number(Fraction(1, 2))), leaves))
        return Pow(inner(), exponent)
    if kind == "sum":
        index = draw(st.sampled_from(INDICES))
        upper = draw(st.sampled_from([number(3), Sym("t"), Add((Sym("t"), number(1)))]))
        return Sum(index, number(draw(st.integers(1, 2))), upper, inner(depth - 1, index))
    if kind == "call":
        row = FUNCTIONS[draw(st.sampled_from([f for f, row in FUNCTIONS.items() if random or not row.random]))]
        most = row.least + 1 if row.most is None else row.most
        arguments = [inner() for _ in range(draw(st.integers(row.least, most)))]
        if row.takes_lists and draw(st.booleans()):
            arguments[-1] = Sym("g")
        return Call(row.name, tuple(arguments))
    return draw(leaves)


def value(node: Expr, point: Mapping[str, object]) -> Fraction | float | None:
    """Evaluate at a point; None where the expression has no value there, or none that a float could hold."""
    try:
        found = PLAIN.value(node, point)
    except (ArithmeticError, ValueError, IndexError):
        return None
    return found if isinstance(found, int | Fraction) or math.isfinite(found) else None


def agree(left: Fraction | float, right: Fraction | float) -> bool:
    """Compare two values: exactly where both are exact."""
    if isinstance(left, float) or isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return left == right
