"""What is to be known of any function of x, found numerically: limits far out, joints, a search on a grid."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import mpmath

from dlcalc.limits import limit
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import INFINITY, ZERO, Expr, Real
from dlcalc.numeric import WIDE
from dlcalc.topics.activation.facts import MINUS_INFINITY, End, Extreme, Facts, Joint, X, infinite
from dlcalc.topics.activation.places import UNDEFINED, identified, meeting_points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# ruff: noqa: ANN401 (mpmath has no types)

REACH = 40.0
"""The grid goes so far out; beyond, the limits speak."""
CELLS = 1_200
ROUNDS = 90
"""Of the golden section."""
GOLDEN = (math.sqrt(5) - 1) / 2
SAME = 1e-9
"""Values this close, relative to their size, are the same."""
SEVERAL = 3
"""Points of the grid at which an extreme is taken, from which it is taken on a stretch."""
BESIDE = 1e-9
NOISE = 4e-15
DIGITS = 400
NEAR = 9
FAR = 10**6
"""A function that has no value here has none towards infinity."""
FARTHER, CELLS_FARTHER = 200.0, 800
"""So far out, beyond the grid, is looked for values that leave what was found on it."""
TOUCHING = (1e-2, 1e-4, 1e-6)
"""How near to a point a function has values that tends to nothing there."""


class UnsettledError(ValueError):
    """Neither the limits nor the grid say what the function does."""


def found_facts(function: Expr, slope: Expr) -> Facts:
    """Find the facts of a function of x alone, given its derivative.

    Raises UnsettledError where what is found near 0 and in the limits is not all there is.
    """
    joints = tuple(joint for at in meeting_points(function) if (joint := _joint(function, at)) is not None)
    left, right = _end(function, slope, -mpmath.inf), _end(function, slope, mpmath.inf)
    values = _Curve(function, joints)
    slopes = _Curve(slope, joints, values)
    at_joints = [(joint.at, v) for joint in joints for v in (joint.before, joint.value, joint.after) if v is not None]
    sides = [
        (joint.at, tends_to(_at(slope), WIDE.value(joint.at, {}), side))
        for joint in joints
        for side, value in (("-", joint.before), ("+", joint.after))
        if value is not None
    ]
    slopes_at = [(at, s) for at, s in sides if s is not None]
    ends = ((MINUS_INFINITY, left), (INFINITY, right))
    far = [(place, end.value) for place, end in ends if end.value is not None]
    far_slopes = [(place, end.slope) for place, end in ends if end.slope is not None]
    edges = [MINUS_INFINITY, *(joint.at for joint in joints), INFINITY]
    low, high = (values.extreme([*at_joints, *far], sign) for sign in (-1, 1))
    flattest, steepest = (slopes.extreme([*slopes_at, *far_slopes], sign) for sign in (-1, 1))
    values.settled("f", low, high)
    slopes.settled("f'", flattest, steepest)
    return Facts(
        left=left,
        right=right,
        low=low,
        high=high,
        steepest=steepest,
        flattest=flattest,
        joints=joints,
        flat=tuple(pair for pair in pairwise(edges) if _flat(slope, *pair)),
        monotone=values.monotone(),
        symmetry=values.symmetry(),
        homogeneous=values.homogeneous(),
    )


def as_expression(value: Any) -> Expr:
    """Turn a limit into an expression."""
    if mpmath.isinf(value):
        return INFINITY if value > 0 else MINUS_INFINITY
    return identified(float(value))


def tends_to(body: Callable[[Any], Any], place: Any, side: str = "") -> Expr | None:
    """Find a limit; None where there is none."""
    try:
        return as_expression(limit(body, place, side))
    except UNDEFINED:
        return None


def _at(node: Expr) -> Callable[[Any], Any]:
    return lambda x: WIDE.value(node, {X.name: x})


def _end(function: Expr, slope: Expr, place: Any) -> End:
    try:
        here = _at(function)(mpmath.sign(place) * FAR)
    except UNDEFINED:
        return End(None, None)
    if isinstance(here, mpmath.mpc):
        return End(None, None)
    return End(tends_to(_at(function), place), tends_to(_at(slope), place))


def _joint(function: Expr, at: Expr) -> Joint | None:
    """Look at a point from both sides; None where nothing happens there.

    Raises UnsettledError where the function has values beside the point and tends to nothing there.
    """
    place, f = WIDE.value(at, {}), _at(function)
    try:
        here: Any = f(place)
    except UNDEFINED:
        here = None
    if here is not None and (isinstance(here, mpmath.mpc) or not mpmath.isfinite(here)):
        here = None
    before, after = (tends_to(f, place, side) for side in "-+")
    value = None if here is None else as_expression(here)
    for tends, sign in ((before, -1), (after, 1)):
        if tends is None and all(_number(function, float(place) + sign * away) is not None for away in TOUCHING):
            raise UnsettledError(f"f tends to nothing at x = {at}, so that its slopes there are not known")
    slopes = [None if here is None else _slope(f, place, side) for side in "-+"]
    if before is None and after is None:
        return None
    if value is not None and before == value == after and slopes[0] == slopes[1] is not None:
        return None
    return Joint(at, before, value, after, slopes[0], slopes[1])


def _slope(f: Callable[[Any], Any], place: Any, side: str) -> Expr | None:
    """Find the slope on one side, as the limit of difference quotients."""
    return tends_to(lambda h: (f(place + h) - f(place)) / h, mpmath.mpf(0), side)


def _flat(slope: Expr, low: Expr, high: Expr) -> bool:
    """Say whether the slope is 0 all along a stretch: at points near its ends, far out and in between."""
    left = -REACH if low == MINUS_INFINITY else float(PLAIN.value(low, {}))
    right = REACH if high == INFINITY else float(PLAIN.value(high, {}))
    parts = (1e-6, 0.01, 0.1, 0.37, 0.5, 0.71, 0.9, 0.99, 1 - 1e-6)
    values = [_number(slope, left + part * (right - left)) for part in parts]
    return all(value == 0 for value in values)


def _number(node: Expr, x: float) -> float | None:
    try:
        found = float(PLAIN.value(node, {X.name: x}))
    except UNDEFINED:
        return None
    return found if math.isfinite(found) else None


class _Curve:
    """A function on a grid that leaves its joints out; a slope only where its function has values."""

    def __init__(self, node: Expr, joints: Sequence[Joint], function: _Curve | None = None) -> None:
        self.node = node
        self.joints = joints
        self.function = function
        self.places = places = [float(PLAIN.value(joint.at, {})) for joint in joints]
        grid = [_spread(2 * i / CELLS - 1) for i in range(CELLS + 1)]
        beside = [p + d for p in places for d in (-BESIDE, BESIDE)]
        within = None if function is None else {x for x, _ in function.points}
        every = sorted({x for x in (*grid, *beside) if x not in places and (within is None or x in within)})
        found = [(x, _number(node, x)) for x in every]
        known = [False, *(v is not None for _, v in found), False]
        # x^x has values at -1, -2, … and none between: a value alone belongs to no curve
        joined = [before or after for before, after in zip(known, known[2:], strict=False)]
        self.points: list[tuple[float, float]] = [
            (x, v) for (x, v), kept in zip(found, joined, strict=True) if kept and v is not None
        ]

    def settled(self, said: str, low: Extreme, high: Extreme) -> None:
        """Make sure that the extremes found hold farther out too.

        Raises UnsettledError where they do not.
        """
        span = FARTHER - REACH
        for side in (-1, 1):
            for i in range(CELLS_FARTHER):
                x = side * (REACH + span * (i + GOLDEN) / CELLS_FARTHER)
                v = None if self.function and _number(self.function.node, x) is None else _number(self.node, x)
                if v is not None and (self._beyond(v, low, -1) or self._beyond(v, high, 1)):
                    raise UnsettledError(f"{said} is {v:.4g} at x = {x:.6g}, beyond all its values nearer to 0")

    @staticmethod
    def _beyond(value: float, extreme: Extreme, sign: int) -> bool:
        if infinite(extreme.value):
            return False
        bound = float(PLAIN.value(extreme.value, {}))
        return sign * (value - bound) > 0 and not _same(value, bound)

    def extreme(self, others: list[tuple[Expr, Expr]], sign: int) -> Extreme:
        """Find the largest value (of sign 1) or the least (of sign -1), here or among others with their places."""
        if not self.points:
            return Extreme(ZERO, None, "nowhere")
        top = max(self.points, key=lambda point: sign * point[1])
        ties = [x for x, v in self.points if v == top[1]]
        several = len(ties) >= SEVERAL
        place, value = top if several else self._refined(top, sign)
        best = (
            Extreme(identified(value), None, self._stretches(ties))
            if several
            else Extreme(identified(value), identified(round(place, 6)))
        )
        for at, other in others:
            if _above(other, best.value, sign) or (
                other == best.value and infinite(at) and not self._levels(at, other)
            ):
                best = Extreme(other, at)
        return best

    def _levels(self, end: Expr, value: Expr) -> bool:
        """Say whether the function is its limit already before the end, to hundreds of digits."""
        far = REACH if end == INFINITY else -REACH
        with mpmath.workdps(DIGITS):
            return bool(WIDE.value(self.node, {X.name: mpmath.mpf(far)}) == WIDE.value(value, {}))

    def _stretches(self, ties: list[float]) -> str:
        """Say between which joints an extreme is taken."""
        edges = [-math.inf, *self.places, math.inf]
        held = set(ties)
        every = [
            (low, high)
            for low, high in pairwise(edges)
            if (inside := [x for x, _ in self.points if low < x < high]) and held.issuperset(inside)
        ]
        return " and ".join(_said(low, high) for low, high in every) or f"for {min(ties):.4g} ≤ x ≤ {max(ties):.4g}"

    def _refined(self, top: tuple[float, float], sign: int) -> tuple[float, float]:
        """Close in on an extreme between the neighbours of the best point of the grid."""
        index = self.points.index(top)
        if index in {0, len(self.points) - 1}:
            return top
        low, high = self.points[index - 1][0], self.points[index + 1][0]
        for _ in range(ROUNDS):
            one, other = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
            first, second = _number(self.node, one), _number(self.node, other)
            if first is None or second is None:
                return top
            low, high = (low, other) if sign * first >= sign * second else (one, high)
        place = (low + high) / 2
        value = _number(self.node, place)
        return top if value is None or sign * value < sign * top[1] else (place, value)

    def monotone(self) -> str:
        """Say how the values follow each other."""
        steps = [b[1] - a[1] for a, b in pairwise(self.points)]
        noise = [NOISE * max(abs(a[1]), abs(b[1])) for a, b in pairwise(self.points)]
        up, down = (any(sign * s > n for s, n in zip(steps, noise, strict=True)) for sign in (1, -1))
        if up and down:
            return "neither"
        if not up and not down:
            return "constant"
        inner = [b[1] - a[1] for a, b in pairwise(self.points) if abs(a[0]) < 1 or abs(b[0]) < 1]
        still = any(s == 0 for s in inner) or sum(abs(s) == 0 for s in steps) > len(steps) // 3
        return ("non-decreasing" if still else "increasing") if up else ("non-increasing" if still else "decreasing")

    def symmetry(self) -> str:
        """Compare both sides."""
        pairs = [(v, _number(self.node, -x)) for x, v in self.points if 0 < x < REACH / 2]
        known = [(a, b) for a, b in pairs if b is not None]
        if len(known) < len(pairs) or not known:
            return "neither"
        centre = next((joint.value for joint in self.joints if joint.at == ZERO), ZERO)
        if all(_same(a, -b) for a, b in known) and centre in {ZERO, None}:
            return "odd"
        return "even" if all(_same(a, b) for a, b in known) else "neither"

    def homogeneous(self) -> bool:
        """Say whether f(2x) = 2 f(x) and f(3x) = 3 f(x)."""
        pairs = [
            (times * v, _number(self.node, times * x)) for x, v in self.points if abs(x) < NEAR for times in (2, 3)
        ]
        return all(b is not None and _same(a, b) for a, b in pairs)


def _spread(part: float) -> float:
    """Place the points of the grid densely near 0."""
    return REACH * math.sinh(4 * part) / math.sinh(4)


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= SAME * max(1, abs(a), abs(b))


def _above(value: Expr, best: Expr, sign: int) -> bool:
    if value == (INFINITY if sign > 0 else MINUS_INFINITY):
        return True
    if value in {INFINITY, MINUS_INFINITY} or best in {INFINITY, MINUS_INFINITY}:
        return False
    a, b = (float(PLAIN.value(v, {})) for v in (value, best))
    return sign * (a - b) > 0 and (not _same(a, b) or isinstance(best, Real))


def _said(low: float, high: float) -> str:
    """Say a stretch in words."""
    if math.isinf(low):
        return "at every x" if math.isinf(high) else f"for x < {high:.6g}"
    return f"for x > {low:.6g}" if math.isinf(high) else f"for {low:.6g} < x < {high:.6g}"
