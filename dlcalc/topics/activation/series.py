"""The series of a function at 0, up to the first term that tells it from its tangent."""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.calculus.scalar import derivative
from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ZERO, Expr, add, fold, names, number, substitute
from dlcalc.topics.activation.facts import X

if TYPE_CHECKING:
    from dlcalc.topics.activation.asking import Asked

MOST_TERMS = 5
"""The order up to which a term is looked for."""
MOST_PARTS = 400


class Series(NamedTuple):
    """f(x) ≈ c_0 + c_1 x + … + c_n x^n, with c_n the first coefficient behind the tangent that is not 0."""

    coefficients: tuple[Expr, ...]

    @property
    def sum(self) -> Expr:
        """All terms added up."""
        return self.up_to(len(self.coefficients))

    def up_to(self, count: int) -> Expr:
        """Add the first terms up."""
        return add(*(c * X**n for n, c in enumerate(self.coefficients[:count])))


def expansion(asked: Asked) -> Series | None:
    """Differentiate at 0, again and again; None where pieces meet at 0, or no further term is found."""
    if ZERO in asked.meetings or any(str(place).count("/") and asked.free for place in asked.meetings):
        return None
    found: list[Expr] = []
    current = asked.function
    for order in range(MOST_TERMS + 1):
        try:
            coefficient = _gathered(asked_value(current) / number(factorial(order)))
        except DlcalcError:
            return None
        found.append(coefficient)
        if order > 1 and coefficient != ZERO:
            return Series(tuple(found))
        if order < MOST_TERMS:
            current = asked.written if order == 0 else _next(current)
            if current == ZERO:
                return Series(tuple(found)) if order > 0 else None
    return None


def _gathered(coefficient: Expr) -> Expr:
    """Collect the powers of the parameters, so that what cancels is seen to be 0."""
    if not names(coefficient):
        return coefficient
    from dlcalc.symbolic import expanded

    try:
        return expanded(coefficient)
    except ValueError:
        return coefficient


def asked_value(node: Expr) -> Expr:
    """Return the value at 0."""
    from dlcalc.topics.activation.asking import computed

    return computed(node, ZERO)


def _next(node: Expr) -> Expr:
    from dlcalc.notation.expression import walk

    if sum(1 for _ in walk(node)) > MOST_PARTS:
        raise DlcalcError("the next derivative is too long", "ask for fewer terms")
    return fold(substitute(derivative(node, X.name), {}))
