"""How much is computed, written out and sampled, and what is refused beyond it."""

from __future__ import annotations

from fractions import Fraction

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import Expr, Num, walk
from dlcalc.solution import Domain

MAX_STEPS = 1_000
"""Steps that are run with a gradient given as an expression."""
MAX_SYMBOLIC = 20
"""Gradients in a list whose answers keep one term per gradient or per power of α."""
MAX_EXPLICIT = 12
"""Gradients that v_t writes out one by one; beyond it the Σ stays."""
MAX_POLYNOMIALS = 6
"""The same for θ_t while α is a symbol: the weights are polynomials in it."""
MAX_UNROLLED = 4
"""Steps that are substituted one by one; beyond it the pattern is proved by induction."""
MAX_SUMMED = 50
"""Terms of a Σ that are evaluated at random points."""
MAX_SLIPS = 50
"""Steps up to which common wrong answers are computed too."""
MAX_BITS = 12_000
"""Size of an exact number, about 3,600 digits."""
MAX_NODES = 400
"""Size that an expression may grow to under a gradient given as an expression."""
SHOWN_COMPONENTS = 2
"""Components of a vector whose steps are written out."""
SHOWN_WIDTH = 60
"""Characters of a value up to which the last of many steps is shown."""
SAMPLED_STEPS = Domain(Fraction(1), Fraction(5), whole=True)
"""Where the number of steps is sampled while it is a letter."""


def bounded(value: Expr) -> Expr:
    """Return a value, unless a number in it has too many digits."""
    numbers = (node.value for node in walk(value) if isinstance(node, Num))
    if any(max(x.numerator.bit_length(), x.denominator.bit_length()) > MAX_BITS for x in numbers):
        raise too_long()
    return value


def too_long() -> DlcalcError:
    """Return the refusal of numbers with too many digits."""
    digits = MAX_BITS * 3 // 10
    return DlcalcError(
        f"the exact values come to have more than {digits:,} digits", "use fewer steps or rounder numbers"
    )
