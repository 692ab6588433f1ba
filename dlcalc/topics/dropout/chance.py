"""The probability that a unit is kept, beside the one that it is dropped: 1 minus it, written as it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dlcalc.notation.expression import Expr


class Chance(NamedTuple):
    """Both probabilities of a unit."""

    kept: Expr
    dropped: Expr
