"""Limits found numerically, without knowing the answer: far out on a row of points, with digits to match.

A function is evaluated at x of about ±2^16, 2^32, …, 2^512 (or as near to a finite place), each time with several
times as many bits as the point has, so that nothing cancels away. Where the values settle, they have found the limit;
where they settle as slowly as 1/ln x, Richardson's extrapolation finds it; where they grow by ever more, it is
infinite; and where none of this is seen on two such rows, nothing is said.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import mpmath

if TYPE_CHECKING:
    from collections.abc import Callable

# ruff: noqa: ANN401 (mpmath has no types)

EXPONENTS = (16, 32, 64, 128, 256, 512)
"""The points are about these powers of two away."""
BITS_PER_EXPONENT, MORE_BITS = 4, 128
"""Bits of precision at 2^k: enough for a difference of values whose gap falls like x^-3."""
SETTLED = 1e-12
"""How close, relative to their size, the last values of what has settled come."""
EXTRAPOLATED = 1e-9
"""How close the last two extrapolations come."""
LAST = 3
"""How many of the last values must agree, or go on growing."""
FAR_OUT = 200
"""Bits of a number at which tanh is 1, and the tail of the normal distribution a quotient, to all digits needed."""
LONGEST_EXPONENT = 20_000
"""Bits of a power's exponent, beyond which it is infinite or zero for every purpose here."""


def limit(function: Callable[[Any], Any], place: Any, side: str = "") -> Any:
    """Find what a function tends to; ±infinity where it grows beyond every bound.

    `place` is a number or ±mpmath.inf. Raises ValueError where no limit is found, and where the sides differ.

    >>> limit(lambda x: mpmath.sin(x) / x, mpmath.mpf(0))
    mpf('1.0')
    >>> limit(lambda x: x - mpmath.log(x), mpmath.inf)
    mpf('+inf')
    """
    if mpmath.isinf(place):
        return _along(function, lambda far: far if place > 0 else -far)
    if side:
        return _along(function, lambda far: place + 1 / far if side == "+" else place - 1 / far)
    return _agreed(limit(function, place, "-"), limit(function, place, "+"))


def _along(function: Callable[[Any], Any], point: Callable[[Any], Any]) -> Any:
    """Find the limit along two rows, whose points no period has in common."""
    first, second = (_settled(_row(function, point, start)) for start in (mpmath.phi, mpmath.e))
    return _agreed(first, second)


def _agreed(one: Any, other: Any) -> Any:
    if one != other and not _close(one, other, EXTRAPOLATED):
        raise ValueError(one)
    return other


def _row(function: Callable[[Any], Any], point: Callable[[Any], Any], start: Any) -> list[Any]:
    """Evaluate along a row; what has no value near its beginning may have one further on."""
    found = []
    for exponent in EXPONENTS:
        with mpmath.workprec(BITS_PER_EXPONENT * exponent + MORE_BITS):
            try:
                found.append(mpmath.mpmathify(function(point(start * mpmath.mpf(2) ** exponent))))
            except (ArithmeticError, ValueError):
                found.append(mpmath.nan)
    return found


def _settled(values: list[Any]) -> Any:
    """Say where a row of values goes."""
    last = values[-LAST:]
    if any(isinstance(v, mpmath.mpc) or mpmath.isnan(v) for v in last):
        raise ValueError(last)
    if all(mpmath.isinf(v) and v == last[-1] for v in last):
        return last[-1]
    if all(mpmath.isfinite(v) for v in last):
        if all(_close(a, b, SETTLED) for a, b in pairwise(last)):
            return +last[-1]
        found = _extrapolated(values)
        if found is not None:
            return found
    if _growing(values[-LAST - 1 :]):
        return mpmath.inf if last[-1] > 0 else -mpmath.inf
    raise ValueError(last)


def _close(left: Any, right: Any, tolerance: float) -> bool:
    """Compare two numbers, relative to their size where that is above 1."""
    finite = mpmath.isfinite(left) and mpmath.isfinite(right)
    return bool(finite and abs(left - right) <= tolerance * max(1, abs(left), abs(right)))


def _growing(values: list[Any]) -> bool:
    """Say whether all values have one sign and grow in size, by no less each time."""
    sizes = [abs(v) for v in values]
    if len({mpmath.sign(v) for v in values}) != 1 or sizes[0] == mpmath.inf:
        return False
    steps = [after - before if before < mpmath.inf else mpmath.inf for before, after in pairwise(sizes)]
    return steps[0] > 0 and all(later >= earlier * (1 - EXTRAPOLATED) for earlier, later in pairwise(steps))


def _extrapolated(values: list[Any]) -> Any:
    """Extrapolate values that settle like a series in 1/k, as k doubles; None where the last two disagree."""
    row, corners = values, [values[-1]]
    for power in range(1, len(values)):
        row = [(2**power * later - earlier) / (2**power - 1) for earlier, later in pairwise(row)]
        corners.append(row[-1])
    before, after = corners[-2:]
    return +after if mpmath.isfinite(after) and _close(before, after, EXTRAPOLATED) else None


def within_bounds(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Refuse the numbers that are too large for a function to take all their digits."""

    def computed(value: Any) -> Any:
        if mpmath.mag(value) > LONGEST_EXPONENT:
            raise OverflowError
        return function(value)

    return computed


def normal_distribution(value: Any) -> Any:
    """Compute the normal distribution function; far out its tail is the density over |x|, up to a part 1/x²."""
    if mpmath.mag(value) < FAR_OUT:
        return mpmath.ncdf(value)
    tail = normal_density(value) / abs(value)
    return 1 - tail if value > 0 else tail


def normal_density(value: Any) -> Any:
    """Compute the density of the normal distribution, however far out."""
    return exponential(-value * value / 2) / mpmath.sqrt(2 * mpmath.pi)


def hyperbolic_tangent(value: Any) -> Any:
    """Compute tanh, however far out."""
    return mpmath.tanh(value) if mpmath.mag(value) < FAR_OUT else mpmath.sign(value)


def exponential(value: Any) -> Any:
    """Raise e to a power, however large: beyond all bounds it is infinite, and below them 0."""
    value = mpmath.mpmathify(value)
    if mpmath.isfinite(value) and mpmath.mag(value) > LONGEST_EXPONENT:
        return mpmath.inf if value > 0 else mpmath.mpf(0)
    return mpmath.exp(value)


def raised(base: Any, exponent: Any) -> Any:
    """Raise to a power, however large."""
    base, exponent = mpmath.mpmathify(base), mpmath.mpmathify(exponent)
    if mpmath.isfinite(exponent) and base != 0 and mpmath.mag(exponent) > LONGEST_EXPONENT:
        size = exponential(exponent * mpmath.log(abs(base)))
        if base > 0 or size == 0:
            return size
        raise ValueError(base)
    return mpmath.power(base, exponent)
