"""Sums of logarithms of exact numbers, collected: 0.5 ln(4) + ln(2) is 2 ln(2)."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from dlcalc.notation.expression import Add, Call, Div, Expr, Mul, Num, add, expr, fits, mul
from dlcalc.notation.functions import call

MOST = 10**12
"""Numbers up to which a logarithm is reduced to that of a root."""


def collected(node: Expr) -> Expr:
    """Collect the logarithms of a sum; the node itself where anything else stands in it.

    >>> print(collected(-(expr(Fraction(-1, 2)) * call("ln", expr(4)) - call("ln", expr(2)))))
    2*ln(2)
    """
    found: dict[Fraction, Fraction] = {}
    if not _gathered(node, Fraction(1), found):
        return node
    constant = found.pop(Fraction(0), Fraction(0))
    terms = [mul(expr(factor), call("ln", expr(base))) for base, factor in found.items() if factor]
    return add(*terms, expr(constant))


def _gathered(node: Expr, times: Fraction, found: dict[Fraction, Fraction]) -> bool:
    """Add the terms of a node to those found, by what stands under ln (numbers under 0); False for another sum."""
    match node:
        case Num(value):
            found[Fraction(0)] = found.get(Fraction(0), Fraction(0)) + times * value
        case Call("ln", (Num(value),)) if value > 0:
            base, power = _root(value)
            if base != 1:
                found[base] = found.get(base, Fraction(0)) + times * power
        case Add(terms):
            return all(_gathered(term, times, found) for term in terms)
        case Mul((Num(value), *rest)) if len(rest) == 1:
            return _gathered(rest[0], times * value, found)
        case Div(top, Num(value)):
            return _gathered(top, times / value, found)
        case _:
            return False
    return all(map(fits, found.values()))


def _root(value: Fraction) -> tuple[Fraction, int]:
    """Write a number as a power of the smallest base: 1/8 as 2 to -3.

    >>> _root(Fraction(1, 8)), _root(Fraction(3, 10))
    ((Fraction(2, 1), -3), (Fraction(3, 10), 1))
    """
    if value.numerator == 1 and value != 1:
        base, power = _root(1 / value)
        return base, -power
    if value.denominator != 1 or value > MOST:
        return value, 1
    whole, power = int(value), 1
    for exponent in range(2, whole.bit_length()):
        root = _whole_root(whole, exponent)
        if root is not None:
            base, inner = _root(Fraction(root))
            return base, inner * exponent
    return Fraction(whole), power


def _whole_root(value: int, order: int) -> int | None:
    """Return the root of a whole number where it is whole."""
    near = isqrt(value) if order == 2 else round(value ** (1 / order))  # noqa: PLR2004 (a square root)
    return near if near > 1 and near**order == value else None


def exact_power(value: Fraction, exponent: Fraction) -> Fraction | None:
    """Raise a fraction to a fraction where the result is one; None elsewhere.

    >>> exact_power(Fraction(64), Fraction(1, 3))
    Fraction(4, 1)
    """
    if value == 1:
        return value
    base, times = _root(value)
    whole = times * exponent
    if whole.denominator != 1 or abs(whole) > MOST.bit_length():
        return None
    return base ** int(whole)
