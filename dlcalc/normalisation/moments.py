"""Mean, variance and normalised values of a group of entries, exact: fractions, square roots, symbols."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.notation.expression import ZERO, Expr, Num, add, div, fits, mul, number, walk
from dlcalc.notation.functions import call

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RADICAND = 1_000
"""Below it a root is simplified and taken out of the denominator: 1/√8 is √2/4; above it 1/√8.00001 stays."""


MAX_COLLECTED = 60
"""Nodes of an expression with symbols that is simplified."""


class Moments(NamedTuple):
    """A group of entries with its mean and variance (of RMS normalisation: 0, and the mean square)."""

    entries: tuple[Expr, ...]
    mean: Expr
    variance: Expr
    spread: Expr
    """What stands under the root: the variance plus ε."""
    deviations: tuple[Expr, ...]


def moments(entries: Sequence[Expr], eps: Expr, *, centred: bool = True) -> Moments:
    """Compute the mean and the biased variance of a group.

    >>> from dlcalc.notation.expression import number
    >>> found = moments([number(n) for n in (5, 3, 2, 1, 9)], number(0))
    >>> print(found.mean, found.variance)
    4 8
    """
    mean = mean_of(entries) if centred else ZERO
    deviations = tuple(collected(x - mean) for x in entries)
    variance = collected(mean_of([d * d if isinstance(d, Num) else d**2 for d in deviations]))
    return Moments(tuple(entries), mean, variance, variance + eps, deviations)


def collected(value: Expr) -> Expr:
    """Simplify what holds symbols, where it is short: a − (a + b)/2 is (a − b)/2."""
    if isinstance(value, Num) or sum(1 for _ in walk(value)) > MAX_COLLECTED:
        return value
    from dlcalc.symbolic import simplified

    return simplified(value)


def mean_of(entries: Sequence[Expr]) -> Expr:
    """Compute a mean."""
    return div(add(*entries), number(len(entries)))


def over_root(top: Expr, spread: Expr) -> Expr:
    """Divide by a square root, written as simply as it gets.

    >>> print(over_root(number(1), number(8)), over_root(number(-3), number(Fraction("8.00001"))))
    sqrt(2)/4 -3/sqrt(8.00001)
    """
    root = call("sqrt", spread)
    simple = None if isinstance(root, Num) or not isinstance(spread, Num) else _simplified(spread)
    if simple is None or not isinstance(top, Num) or top == ZERO:
        return div(top, root)
    outside, radicand = simple
    factor = top.value * outside
    return div(mul(number(factor.numerator), call("sqrt", number(radicand))), number(factor.denominator))


def _simplified(spread: Num) -> tuple[Fraction, int] | None:
    """Write 1/√s as a fraction times the root of a small square-free number; None where there is none."""
    p, q = spread.value.numerator, spread.value.denominator
    if not fits(Fraction(p * q)):
        return None
    square, rest = 1, p * q
    for factor in range(2, isqrt(MAX_RADICAND) + 1):
        while rest % (factor * factor) == 0:
            rest //= factor * factor
            square *= factor
    left = isqrt(rest)
    if left * left == rest:
        square, rest = square * left, 1
    if rest > MAX_RADICAND:
        return None
    return Fraction(q, square * rest), rest
