"""Expressions as they are written down, and lists of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.entries import entries
from dlcalc.notation.expression import ONE, Add, Expr, Mul, Num

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlcalc.notation.printing import Value

Vector = tuple[Expr, ...]
"""One number per component of the parameter."""


def times(coefficient: Expr, value: Expr) -> Expr:
    """Multiply, and keep the numbers visible."""
    if coefficient == ONE:
        return value
    flat = isinstance(value, Mul) and not isinstance(value.factors[0], Num)
    return Mul((*_factors(coefficient), *(_factors(value) if flat else (value,))))


def _factors(value: Expr) -> Vector:
    return value.factors if isinstance(value, Mul) else (value,)


def plus(*terms: Expr) -> Expr:
    """Add, and keep the numbers visible."""
    flat = tuple(t for term in terms for t in (term.terms if isinstance(term, Add) else (term,)))
    return Add(flat) if len(flat) > 1 else flat[0]


def rows_of(value: Value) -> list[Vector]:
    """Return the vectors of the steps, of one component where the steps are numbers."""
    return [tuple(entries(row)) for row in (value if isinstance(value, tuple) else (value,))]


def unwrapped(rows: Iterable[Vector]) -> Value:
    """Return a list of numbers where the parameter is one number, else a list of vectors."""
    return tuple(row[0] if len(row) == 1 else row for row in rows)
