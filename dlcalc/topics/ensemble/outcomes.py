"""What every vote is counted by: the outcomes of voters that are right or wrong, and what a tie is worth."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from dlcalc.notation.expression import Sym

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_OUTCOMES = 12
"""Voters up to which all outcomes are enumerated."""
TIES = ("coin", "error", "correct")
OF_TIE = {"coin": Fraction(1, 2), "error": Fraction(1), "correct": Fraction(0)}
"""How much of a tie is an error."""
SAID = {
    "coin": "a tie is decided by a fair coin",
    "error": "a tie counts as an error",
    "correct": "a tie counts as correct",
}
AND_TIES = {"coin": ", and half of the ties", "error": ", and all ties", "correct": ""}
NO_TIES = "an odd number of votes has no ties"
SIDES = {"<": "better than one voter", "=": "no better than one voter", ">": "worse than one voter"}
ERROR, COUNTED = Sym("error"), "P"


def counted(errors: Sequence[Fraction]) -> list[Fraction]:
    """Find the probability of every number of errors, voter by voter, in whole numbers."""
    found, whole = [1], 1
    for error in errors:
        p, q = error.numerator, error.denominator
        found = [a * (q - p) + b * p for a, b in zip([*found, 0], [0, *found], strict=True)]
        whole *= q
    return [Fraction(part, whole) for part in found]


def lost(found: Sequence[Any], ties: str) -> Any:  # noqa: ANN401 (an exact number or a float)
    """Add up the outcomes in which the vote is wrong, from the probabilities of every number of errors."""
    count = len(found) - 1
    more = sum(found[count // 2 + 1 :])
    return more if count % 2 else more + OF_TIE[ties] * found[count // 2]


def enumerated(errors: Sequence[Fraction], ties: str) -> Fraction:
    """Go through every outcome, right or wrong for each voter; voter by voter where there are too many."""
    if len(errors) > MAX_OUTCOMES:
        found: Fraction = lost(counted(errors), ties)
        return found
    total = Fraction(0)
    for outcome in product((False, True), repeat=len(errors)):
        against, votes = sum(outcome), len(outcome)
        weight = Fraction(1) if 2 * against > votes else OF_TIE[ties] if 2 * against == votes else Fraction(0)
        if weight:
            total += weight * prod(
                (e if wrong else 1 - e for e, wrong in zip(errors, outcome, strict=True)), start=Fraction(1)
            )
    return total
