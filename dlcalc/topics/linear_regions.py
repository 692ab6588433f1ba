"""Linear regions of ReLU networks."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product
from math import comb
from typing import Annotated, Any

from dlcalc.derivation import Letters
from dlcalc.entries import unused
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import scalar
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Expr, Num, Sum, Sym, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Domain, Slip, Solution, symbols
from dlcalc.topic import topic

UNITS = Domain(Fraction(1), Fraction(8), whole=True)
INPUTS = Domain(Fraction(1), Fraction(4), whole=True)
LAYERS = Domain(Fraction(1), Fraction(3), whole=True)
MAX_UNITS = 1_000
MAX_LISTED = 12
"""Units up to which all sign patterns are listed; above it hyperplanes are added one after the other."""
MAX_PIECES = 20_000
"""Pieces of a composed zigzag that are really counted."""
MAX_WRITTEN = 3
"""Inputs up to which the sum is written term by term."""
TWO = number(2)
BECAUSE = "a region for every choice of at most n of the D hyperplanes (Zaslavsky)"


@topic(
    area="layers",
    answers=("regions", "patterns"),
    examples=("--inputs 2 --hidden 3", "--inputs n --hidden D", "--inputs 1 --hidden D --layers K"),
)
def linear_regions(
    *,
    inputs: Annotated[Expr, scalar("-i", "--in-features", help="Inputs (default 1).", whole=True, least=1)] = ONE,
    hidden: Annotated[
        Expr | None,
        scalar("-d", "--units", "--width", help="Hidden units of a layer (default D).", whole=True, least=1),
    ] = None,
    layers: Annotated[
        Expr, scalar("-L", "--hidden-layers", "--depth", help="Hidden layers (default 1).", whole=True, least=1)
    ] = ONE,
) -> Solution:
    """Linear regions of a ReLU network: how many pieces its function can have.

    One hidden layer of D units on n inputs: Σ_{j=0}^{n} C(D, j) at most, for the joints of the units are D hyperplanes
    in general position (2^D only where n ≥ D; D + 1 for one input). K layers of D units on one input: (D + 1)^K at
    most, since each layer can fold every piece of the one before D + 1 times.
    Source: Zaslavsky, Facing up to Arrangements (1975); Montúfar, Pascanu, Cho and Bengio, On the number of linear
    regions of deep neural networks (2014); Prince, Understanding Deep Learning (2023), chapters 3 and 4.

    Raises DlcalcError for several layers on several inputs, where no such formula is exact.

    >>> linear_regions(inputs=2, hidden=3).value, linear_regions(inputs=2, hidden=5).value
    (7, 16)
    """
    units = Sym("D") if hidden is None else hidden
    if isinstance(units, Num) and units.value > MAX_UNITS:
        raise DlcalcError(f"--hidden {plain(units)} is more than {MAX_UNITS:,}", "use fewer units, or a symbol")
    if layers == ONE:
        return _shallow(inputs, units)
    if inputs != ONE:
        raise DlcalcError(
            f"{plain(layers)} layers on {plain(inputs)} inputs have no exact formula", "use --inputs 1, or --layers 1"
        )
    return _deep(units, layers)


def _shallow(inputs: Expr, units: Expr) -> Solution:
    slips = (
        Slip(TWO**units, "2^D counts all on-off patterns; most of them occur nowhere once D > n"),
        *((Slip(units + 1, "D + 1 is for one input"),) if inputs != ONE else ()),
        Slip(units, "D counts the joints; the regions are what lies between and beyond them"),
    )
    letters = Letters(taken=symbols(inputs, units))
    if isinstance(units, Num) and isinstance(inputs, Num):
        regions = _of_numbers(int(units.value), int(inputs.value), slips)
        patterns = Quantity("patterns", TWO**units, "each unit is on or off", lambda _: 2 ** int(units.value))
    else:
        d = letters.letter("D", units, UNITS)
        n = inputs if _few_terms(inputs) else letters.letter("n", inputs, INPUTS)
        regions = Quantity(
            "regions", _formula(d, n, letters), BECAUSE,
            lambda point: _arranged(int(point[d.name]), int(PLAIN.value(n, point))), slips,
        )  # fmt: skip
        patterns = Quantity("patterns", TWO**d, "each unit is on or off", lambda point: 2 ** int(point[d.name]))
    return Formulary(
        letters,
        (regions, patterns),
        "hyperplanes on the moment curve: all sign patterns of polynomials, or one hyperplane added at a time",
        conventions=(f"one hidden layer of {unicode(units)} ReLU units with biases; inputs: {unicode(inputs)}",),
        assumptions=("hyperplanes in general position: this is the maximum, other weights have fewer regions",),
    ).solution()


def _few_terms(inputs: Expr) -> bool:
    return isinstance(inputs, Num) and inputs.value <= MAX_WRITTEN


def _formula(units: Expr, inputs: Expr, letters: Letters) -> Expr:
    """Write the sum, term by term where it has few."""
    if isinstance(inputs, Num) and _few_terms(inputs):
        chosen = (call("binomial", units, number(j)) for j in range(2, int(inputs.value) + 1))
        return sum(chosen, units + 1)
    index = unused(*"jkil", taken={*letters.domains, *letters.values})
    return Sum(index, ZERO, inputs, call("binomial", units, Sym(index)))


def _of_numbers(units: int, inputs: int, slips: tuple[Slip, ...]) -> Quantity:
    """Add the binomial coefficients up."""
    most = min(units, inputs)
    terms = [number(comb(units, j)) for j in range(most + 1)]
    lines: list[tuple[Expr, str]] = [(Sum("j", ZERO, number(most), call("binomial", number(units), Sym("j"))), BECAUSE)]
    if 1 < len(terms) <= MAX_LISTED:
        lines.append((Add(tuple(terms)), "each binomial coefficient"))
    total = sum(terms, ZERO)
    return Quantity("regions", total, "added up", lambda _: _arranged(units, inputs), slips, through=tuple(lines))


def _arranged(count: int, axes: int) -> int:
    """Count the regions of hyperplanes in general position without the formula."""
    if count <= MAX_LISTED:
        return sum(_changes(signs) <= axes for signs in product((1, -1), repeat=count))
    for fewer in range(count):  # from the bottom, so that the recursion stays shallow
        _regions(fewer, min(axes, count))
    return _regions(count, min(axes, count))


def _changes(signs: tuple[int, ...]) -> int:
    """Count the sign changes of a monic polynomial that has these signs at rising points, and + far to the right.

    With normals (1, t, t², …) a point of the space is a monic polynomial, its side of a hyperplane the sign at t; one
    of degree n takes exactly the patterns with at most n changes.
    """
    return sum(a != b for a, b in zip(signs, (*signs[1:], 1), strict=True))


@cache
def _regions(count: int, axes: int) -> int:
    """Add one hyperplane: it cuts as many regions in two as the others leave on it, one dimension lower."""
    return 1 if count == 0 or axes == 0 else _regions(count - 1, axes) + _regions(count - 1, axes - 1)


def _deep(units: Expr, layers: Expr) -> Solution:
    letters = Letters(taken=symbols(units, layers))
    d, k = letters.letter("D", units, Domain(Fraction(1), Fraction(4), whole=True)), letters.letter("K", layers, LAYERS)
    pieces = (d + 1) ** k
    small = not isinstance(units, Num) or not isinstance(layers, Num) or _few(units.value, layers.value)
    return Formulary(
        letters,
        (
            Quantity(
                "regions", pieces, "every layer folds each piece D + 1 times",
                lambda point: _zigzag(int(point[d.name]), int(point[k.name])),
                (
                    Slip(units * layers + 1, "D·K + 1 is what a single layer of as many units has"),
                    Slip(units**layers, "a layer of D units has D + 1 pieces"),
                ),
            ),
            Quantity(
                "patterns", TWO ** (d * k), "each unit is on or off",
                lambda point: 2 ** int(point[d.name] * point[k.name]),
            ),
        ),
        "a zigzag of D + 1 pieces put into itself, its joints found exactly and counted",
        conventions=(f"{unicode(layers)} hidden layers of {unicode(units)} ReLU units on one input",),
        assumptions=("weights that fold as often as can be: this is the maximum",),
        found_again=small,
    ).solution()  # fmt: skip


def _few(units: Fraction, layers: Fraction) -> bool:
    pieces = 1
    for _ in range(int(layers)):
        pieces *= int(units) + 1
        if pieces > MAX_PIECES:
            return False
    return True


def _zigzag(units: int, layers: int) -> int:
    """Compose a zigzag on [0, 1] that goes up and down D + 1 times; count the pieces between its joints."""
    folds = units + 1
    joints: list[Any] = [Fraction(0), Fraction(1)]
    heights: list[Any] = [Fraction(0), Fraction(1)]
    for _ in range(layers):
        found = [joints[0]]
        for a, b, low, high in zip(joints, joints[1:], heights, heights[1:], strict=False):
            inner = sorted((Fraction(i, folds) - low) / (high - low) for i in range(folds + 1))
            found += [a + (b - a) * share for share in inner if 0 < share <= 1]
        joints = found
        heights = [Fraction(i % 2) for i in range(len(joints))]
    return len(joints) - 1
