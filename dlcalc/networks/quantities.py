"""Whole numbers that may still hold symbols: an `int` while known, an expression otherwise."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING

from dlcalc.counting import like_terms
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Add, Call, Div, Expr, Num, add, expr, substitute
from dlcalc.notation.functions import call
from dlcalc.notation.printing import unicode
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Quantity = int | Expr
Shape = tuple[Quantity, ...]
"""Sizes of an array, channels last."""


def tidy(value: Quantity) -> Quantity:
    """Collect like terms; a known whole number becomes an `int`.

    >>> from dlcalc.notation.expression import Sym
    >>> print(tidy(expr(7)), tidy(2 * Sym("n") + 3 - Sym("n")))
    7 n + 3
    """
    if isinstance(value, int):
        return value
    if not isinstance(value, Num):
        value = neat(value)
    if isinstance(value, Num) and value.value.denominator == 1:
        return int(value.value)
    return value


def product(values: Iterable[Quantity]) -> Quantity:
    """Multiply; nothing multiplied is 1."""
    found: Quantity = reduce(mul, values, 1)
    return found if isinstance(found, int) else tidy(like_terms(found))


def total(values: Iterable[Quantity]) -> Quantity:
    """Add up: the known ones at once, like terms among the others."""
    known, open_terms = 0, []
    for value in values:
        if isinstance(value, int):
            known += value
        else:
            open_terms.append(value)
    return known if not open_terms else tidy(like_terms(add(*open_terms, expr(known))))


def quotient(above: Quantity, below: Quantity) -> Quantity:
    """Divide exactly; a fraction stays an expression.

    >>> print(quotient(6, 3), quotient(1, 3))
    2 1/3
    """
    if isinstance(above, int) and isinstance(below, int):
        return above // below if above % below == 0 else Num(Fraction(above, below))
    return tidy(like_terms(expr(above) / expr(below)))


def floor_div(above: Quantity, below: Quantity) -> Quantity:
    """Divide and round down; a floor inside a floor is one floor.

    >>> from dlcalc.notation.expression import Sym
    >>> print(floor_div(7, 2), floor_div(floor_div(Sym("n"), 2), 2))
    3 floor(n/4)
    """
    return _rounded("floor", above, below)


def ceil_div(above: Quantity, below: Quantity) -> Quantity:
    """Divide and round up.

    >>> ceil_div(7, 2)
    4
    """
    return _rounded("ceil", above, below)


def _rounded(function: str, above: Quantity, below: Quantity) -> Quantity:
    if isinstance(above, int) and isinstance(below, int):
        return above // below if function == "floor" else -(-above // below)
    match above:
        case Call(inner, (Div(top, Num(bottom)),)) if inner == function and isinstance(below, int):
            return tidy(call(function, top / Num(bottom * below)))
        case Add((Call("floor", (Div(top, Num(bottom)),)), Num(shift))) if function == "floor" and isinstance(
            below, int
        ):
            return tidy(call(function, (top + Num(shift * bottom)) / Num(bottom * below)))
    return tidy(call(function, tidy_expr(above) / expr(below)))


def tidy_expr(value: Quantity) -> Expr:
    """Collect, and keep the result an expression."""
    return expr(tidy(value))


def at(value: Quantity, values: Mapping[str, Quantity]) -> int:
    """Compute a quantity where every symbol has a value."""
    return value if isinstance(value, int) else int(PLAIN.value(value, values))


def put(value: Quantity, values: Mapping[str, Quantity]) -> Quantity:
    """Put values in the place of symbols."""
    if isinstance(value, int):
        return value
    return tidy(substitute(value, {name: expr(v) for name, v in values.items()}))


def written(shape: Shape) -> str:
    """Write a shape for people: 26×26×16."""
    return "×".join(f"({text})" if isinstance(q, Add) else text for q in shape for text in [text_of(q)])


def text_of(value: Quantity) -> str:
    """Write a quantity for people."""
    return f"{value}" if isinstance(value, int) else unicode(value)
