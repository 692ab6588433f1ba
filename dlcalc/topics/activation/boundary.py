"""Where a function is above a threshold: the boundary of what a unit classifies as positive."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.calculus.scalar import derivative
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ZERO, Add, Call, Expr, Mul, Num, Sym, add, div, fold, names, number, substitute
from dlcalc.notation.functions import call, ln
from dlcalc.notation.printing import unicode
from dlcalc.solution import Answer, Slip, Step, word
from dlcalc.topics.activation.facts import X
from dlcalc.topics.activation.places import crossings, identified

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from dlcalc.topics.activation.asking import Asked

SIDES = ("right", "left")


class Boundary(NamedTuple):
    """Where a function reaches a threshold, and on which side it is above."""

    threshold: Expr
    places: tuple[Expr, ...]
    inner: Expr | None = None
    """The line that the function is applied to, where the boundary follows from it."""
    level: Expr | None = None
    """What the line is at the boundary."""
    rises: bool | None = None
    """Whether the line rises; None where that depends on a symbol."""


def _sigmoid(t: Fraction) -> Expr | None:
    return ln(number(t / (1 - t))) if 0 < t < 1 else None


def _tanh(t: Fraction) -> Expr | None:
    return ln(number((1 + t) / (1 - t))) / 2 if abs(t) < 1 else None


def _relu(t: Fraction) -> Expr | None:
    return number(t) if t >= 0 else None


_LEVELS: dict[str, Callable[[Fraction], Expr | None]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "softplus": lambda t: ln(call("exp", number(t)) - 1) if t > 0 else None,
    "exp": lambda t: ln(number(t)) if t > 0 else None,
    "sign": lambda t: ZERO if -1 <= t < 1 else None,
}
"""Above which argument an increasing function is above t; None where it always or never is."""


def boundary(asked: Asked, threshold: Expr) -> Boundary:
    """Find where the function crosses a threshold.

    Raises DlcalcError where it never does, or symbols leave it open.
    """
    function = asked.function
    if isinstance(function, Call) and function.function in _LEVELS and isinstance(threshold, Num):
        inner, level = function.arguments[0], _LEVELS[function.function](threshold.value)
        slope = derivative(inner, X.name)
        if level is not None and slope != ZERO and X.name not in names(slope):
            start = fold(substitute(inner, {X.name: ZERO}))
            rough = approximate(slope)
            return Boundary(threshold, (div(level - start, slope),), inner, level, None if rough is None else rough > 0)
    if asked.free or not isinstance(threshold, Num):
        raise DlcalcError("the boundary depends on symbols that are not on a line", "give numbers with --with")
    limit = float(threshold.value)
    places = tuple(identified(x) for x in crossings(lambda x: float(PLAIN.value(function, {X.name: x})) - limit))
    if not places:
        raise DlcalcError(f"{function} does not cross {threshold} between x = -40 and 40", "use another --above")
    return Boundary(threshold, places)


def boundary_answers(found: Boundary) -> tuple[Answer, ...]:
    """Answer with the boundary, and the side on which x is classified positive."""
    first = found.places[0]
    if len(found.places) > 1:
        return (Answer("boundary", found.places, form="set"),)
    slips = (Slip(-first, "the sign: the line is 0 where w x = -w0"),) if first != ZERO else ()
    answers = [Answer("boundary", first, slips=slips)]
    if found.rises is not None:
        right, wrong = SIDES if found.rises else SIDES[::-1]
        because = f"the line {'rises' if found.rises else 'falls'}: above for x {_sign(found)} {unicode(first)}"
        answers.append(word("positive_side", right, SIDES, (Slip(Sym(wrong), because),)))
    return tuple(answers)


def _sign(found: Boundary) -> str:
    return ">" if found.rises else "<"


def boundary_said(asked: Asked, found: Boundary) -> str:
    """Say which x are above."""
    first, what = unicode(found.places[0]), f"f(x) > {unicode(found.threshold)}"
    if found.rises is not None:
        return f"{what} exactly for x {_sign(found)} {first}: these x are classified positive"
    if found.inner is not None:
        slope = unicode(derivative(found.inner, X.name))
        return f"{what} exactly for x > {first} where {slope} > 0, and for x < {first} where {slope} < 0"
    edges = [float(PLAIN.value(place, {})) for place in found.places]
    probes = [edges[0] - 1, *((a + b) / 2 for a, b in pairwise(edges)), edges[-1] + 1]
    limit = approximate(found.threshold) or 0.0
    above = [float(PLAIN.value(asked.function, {X.name: x})) > limit for x in probes]
    shown = [unicode(place) for place in found.places]
    spans = [f"x < {shown[0]}", *(f"{a} < x < {b}" for a, b in pairwise(shown)), f"x > {shown[-1]}"]
    return f"{what} for " + " and ".join(span for span, holds in zip(spans, above, strict=True) if holds)


def boundary_steps(asked: Asked, found: Boundary) -> tuple[Step, ...]:
    """Show that the line reaches the level at the boundary, and what lies on either side of it."""
    target, distance = Sym("boundary"), Sym("c")
    steps: list[Step] = []
    for place in found.places:
        if found.inner is not None and found.level is not None:
            because = f"f is above {unicode(found.threshold)} exactly where its argument is above this"
            steps.append(Step("boundary", target, substitute(found.inner, {X.name: place}), found.level, because))
        at_joint = isinstance(asked.function, Call) and asked.function.function == "sign"
        if not at_joint:
            value = substitute(asked.function, {X.name: place})
            steps.append(Step("boundary", target, value, found.threshold, f"at x = {unicode(place)}"))
    if found.rises is not None and found.inner is not None and found.level is not None:
        for side, beyond in (("above", True), ("below", False)):
            away = distance if beyond == found.rises else Mul((number(-1), distance))
            value = substitute(found.inner, {X.name: Add((found.places[0], away))})
            where = f"x = {unicode(add(found.places[0], away))}, c > 0"
            steps.append(Step("boundary", target, value, found.level, f"{side} at {where}", ">" if beyond else "<"))
    return tuple(steps)
