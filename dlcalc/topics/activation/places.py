"""Where a function may have a joint: the points at which one of its pieces takes over from another."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from dlcalc.calculus.scalar import derivative
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO, Call, Div, Expr, Num, Pow, Real, fold, names, number, substitute, walk
from dlcalc.notation.functions import INDICATORS
from dlcalc.topics.activation.facts import X

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINKED = {"relu", "leaky_relu", "elu", "abs", "sign", "ln", "sqrt"}
"""Functions of which something happens where their first argument is 0."""
JUMPING = {"floor", "ceil"}
SPAN, CELLS = 40, 1_600
"""Roots are looked for from -SPAN to SPAN, in so many cells."""
HALVINGS = 80
MOST = 40
"""Points where pieces meet."""
SIMPLE = 10_000
"""A number this close to a fraction with at most this denominator is that fraction."""
CLOSE = 1e-12
UNDEFINED = (ArithmeticError, ValueError)


def meeting_points(function: Expr) -> tuple[Expr, ...]:
    """Find the points where pieces of a function of x may meet, in ascending order where they are numbers.

    Exact, with symbols too, where the pieces switch on a line a + b x; otherwise looked for numerically.

    >>> from dlcalc.notation.parser import parse
    >>> [str(p) for p in meeting_points(parse("relu(a + b x) + max(x, 0.5)"))]
    ['-a/b', '0.5']

    Raises DlcalcError for functions that jump at every whole number.
    """
    found: dict[Expr, None] = {}
    for switch in switches(function):
        for point in _roots(switch):
            found[point] = None
    if len(found) > MOST:
        raise DlcalcError(f"the function has {len(found)} joints", f"at most {MOST} are looked at")
    return tuple(sorted(found, key=_order))


def _order(point: Expr) -> tuple[int, Fraction]:
    exact = not names(point)
    return (1, Fraction(PLAIN.value(point, {}))) if exact else (0, Fraction(0))


def switches(function: Expr) -> Iterator[Expr]:
    """Yield what is 0 where a piece takes over."""
    for node in walk(function):
        if isinstance(node, Div):
            yield node.denominator
        elif isinstance(node, Pow) and not (isinstance(node.exponent, Num) and _natural(node.exponent)):
            yield node.base
        elif isinstance(node, Call) and node.function in JUMPING and X.name in names(node):
            raise DlcalcError(f"{node.function} jumps at every whole number", "ask for a function with few joints")
        elif isinstance(node, Call) and node.function in KINKED:
            yield node.arguments[0]
        elif isinstance(node, Call) and (node.function in {"max", "min"} or node.function in INDICATORS):
            for one, other in combinations(node.arguments, 2):
                yield one - other


def _natural(exponent: Num) -> bool:
    return exponent.value.denominator == 1 and exponent.value > 0


def _roots(switch: Expr) -> tuple[Expr, ...]:
    if X.name not in names(switch):
        return ()
    slope = derivative(switch, X.name)
    if X.name not in names(slope):
        start = fold(substitute(switch, {X.name: ZERO}))
        return () if slope == ZERO else (-start / slope if start != ZERO else ZERO,)
    if names(switch) != {X.name}:
        return ()
    return tuple(identified(root) for root in crossings(lambda x: float(PLAIN.value(switch, {X.name: x}))))


def crossings(function: Callable[[float], float]) -> list[float]:
    """Find where a function of one number is 0 or changes sign, by halving."""
    points = [SPAN * (2 * i / CELLS - 1) for i in range(CELLS + 1)]
    values = [_value(function, x) for x in points]
    found = [x for x, value in zip(points, values, strict=True) if value == 0]
    for (left, right), (low, high) in zip(pairwise(points), pairwise(values), strict=True):
        if low is not None and high is not None and low * high < 0:
            found.append(_halved(function, left, right, low))
    return sorted(found)


def _value(function: Callable[[float], float], x: float) -> float | None:
    try:
        return function(x)
    except UNDEFINED:
        return None


def _halved(function: Callable[[float], float], left: float, right: float, low: float) -> float:
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        value = _value(function, middle)
        if value is None or value == 0:
            return middle
        if (value < 0) == (low < 0):
            left = middle
        else:
            right = middle
    return (left + right) / 2


def identified(value: float) -> Expr:
    """Take a computed number for the simple fraction that it is close to, if there is one."""
    simple = Fraction(value).limit_denominator(SIMPLE)
    if abs(float(simple) - value) <= CLOSE * max(1, abs(value)):
        return number(simple)
    return Real(value)
