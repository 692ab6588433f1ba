"""The probability that a unit is kept, beside the one that it is dropped: 1 minus it, written as it was given."""

from __future__ import annotations

from typing import NamedTuple

from dlcalc.notation.expression import ONE, Expr, Num
from dlcalc.notation.printing import decimal


class Chance(NamedTuple):
    """Both probabilities of a unit."""

    kept: Expr
    dropped: Expr


def over(value: Expr, kept: Expr) -> Expr:
    """Divide by the keep probability: by a factor where that is a short number.

    >>> from dlcalc.notation.expression import Sym, number
    >>> print(over(Sym("x"), number(1) / 4), over(Sym("x"), Sym("p")))
    4*x x/p
    """
    times = ONE / kept
    return times * value if isinstance(times, Num) and decimal(times.value) else value / kept
