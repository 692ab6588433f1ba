"""The derivation: slope and limits by their definitions, and what the verdicts rest on, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import (
    INFINITY,
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    Limit,
    Mul,
    Pow,
    Sym,
    number,
    substitute,
)
from dlcalc.notation.functions import call
from dlcalc.notation.printing import unicode
from dlcalc.solution import Step
from dlcalc.topics.activation.facts import MINUS_INFINITY, X, infinite
from dlcalc.topics.activation.series import expansion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.topics.activation.asking import Asked
    from dlcalc.topics.activation.facts import Extreme, Facts, Joint

H, C = Sym("h"), Sym("c")
SLOPE, VALUE = Sym("slope"), Sym("f")
Side = Literal["", "+", "-"]
Bound = Literal["<=", ">=", "<", ">"]


def steps(asked: Asked, at: Sequence[Expr]) -> tuple[Step, ...]:
    """Return the derivation of the facts."""
    found = [*_derivative(asked), *_at_places(asked, at)]
    facts = asked.facts
    if facts is None:
        return (*found, *_meetings(asked), *_series(asked))
    return (
        *found,
        *_ends(asked, facts),
        *_joints(asked, facts),
        *_flat(asked, facts),
        *_origin(asked, facts),
        *_series(asked),
        *_extremes(asked, facts),
        *_symmetry(asked, facts),
        *_homogeneous(asked, facts),
        *_continuity(),
    )


def _put(node: Expr, x: Expr) -> Expr:
    return substitute(node, {X.name: x})


def quotient(asked: Asked, at: Expr, side: Side = "") -> Limit:
    """Write the definition of the slope at a place, from one side or both."""
    away = H if at == ZERO else Add((at, H))
    difference = Add((_put(asked.function, away), Mul((number(-1), _put(asked.function, at)))))
    return Limit(H.name, ZERO, side, Div(difference, H))


def _derivative(asked: Asked) -> list[Step]:
    because = "the slope is the limit of difference quotients; by the rules of sums, products and chains"
    found = [Step("derivative", SLOPE, quotient(asked, X), asked.written, because)]
    if asked.slope != asked.written:
        found.append(Step("derivative", SLOPE, asked.written, asked.slope, "written shorter"))
    return found


def _at_places(asked: Asked, at: Sequence[Expr]) -> list[Step]:
    found = []
    for place in at:
        for target, node, value in (
            (VALUE, asked.function, asked.value(place)),
            (SLOPE, asked.slope, asked.slope_at(place)),
        ):
            before = _put(node, place)
            if before != value:
                found.append(Step("at", target, before, value, f"at x = {unicode(place)}"))
            elif (rough := approximate(value)) is not None:
                found.append(Step("at", target, before, _real(rough), f"at x = {unicode(place)}, computed"))
    return found


def _real(value: float) -> Expr:
    from dlcalc.notation.expression import Real

    return Real(value)


def _ends(asked: Asked, facts: Facts) -> list[Step]:
    found = []
    for place, end in ((MINUS_INFINITY, facts.left), (INFINITY, facts.right)):
        for target, node, value in ((VALUE, asked.function, end.value), (SLOPE, asked.slope, end.slope)):
            if value is None:
                continue
            because = f"as x goes to {unicode(place)}"
            if target is SLOPE:
                flat = value == ZERO
                because += ": saturates on this side" if flat else ": does not saturate on this side"
            found.append(Step("ends", target, Limit(X.name, place, "", node), value, because))
    return found


def _joints(asked: Asked, facts: Facts) -> list[Step]:
    found: list[Step] = []
    for joint in facts.joints:
        found += _joint(asked, joint)
    joined = {joint.at for joint in facts.joints}
    for place in asked.meetings:
        if place in joined:
            continue
        slope = asked.slope_at(place)
        found += [
            Step("joint", SLOPE, quotient(asked, place, side), slope, f"from the {name}: both sides agree, no joint")
            for side, name in _SIDES
        ]
    return found


_SIDES: tuple[tuple[Side, str], ...] = (("-", "left"), ("+", "right"))


def _joint(asked: Asked, joint: Joint) -> list[Step]:
    found = []
    where = unicode(joint.at)
    for (side, name), value in zip(_SIDES, (joint.before, joint.after), strict=True):
        if value is not None:
            limit = Limit(X.name, joint.at, side, asked.function)
            found.append(Step("joint", VALUE, limit, value, f"f from the {name} of {where}"))
    if joint.value is None:
        return found
    found.append(Step("joint", VALUE, _put(asked.function, joint.at), joint.value, f"f at {where}"))
    for (side, name), slope in zip(_SIDES, (joint.left, joint.right), strict=True):
        if slope is not None:
            found.append(Step("joint", SLOPE, quotient(asked, joint.at, side), slope, f"slope from the {name}"))
    left, right = joint.left, joint.right
    if left is None or right is None or infinite(left) or infinite(right):
        return found
    low, high = approximate(left), approximate(right)
    if low is not None and high is not None and low != high:
        relation: Literal["<", ">"] = "<" if low < high else ">"
        found.append(Step("joint", SLOPE, left, right, f"they differ: not differentiable at {where}", relation))
    return found


def _meetings(asked: Asked) -> list[Step]:
    """Show that the pieces of a function with symbols meet where it is said, when the switch is a line."""
    from dlcalc.topics.activation.places import switches

    found = []
    for switch in dict.fromkeys(switches(asked.function)):
        for place in asked.meetings:
            because = f"a piece takes over at x = {unicode(place)}"
            found.append(Step("joint", Sym("joint"), _put(switch, place), ZERO, because))
            break
    return found if len(asked.meetings) == 1 else []


def _flat(asked: Asked, facts: Facts) -> list[Step]:
    """Show the slope at any distance beyond a joint, or inside a stretch."""
    found = []
    for low, high in facts.flat:
        if low == MINUS_INFINITY and high == INFINITY:
            x: Expr = X
        elif low == MINUS_INFINITY:
            x = high - C
        elif high == INFINITY:
            x = low + C
        else:
            x = Add((low, Mul((Add((high, Mul((number(-1), low)))), Div(C, Add((ONE, C)))))))
        because = f"at x = {unicode(x)}: exactly 0 on a whole stretch, so that nothing is learned there"
        found.append(Step("flat", SLOPE, _put(asked.slope, x), ZERO, because.replace(" x = x:", " every x:")))
    everywhere = all(joint.value is not None for joint in facts.joints)
    if not facts.flat and facts.saturates != "never" and facts.monotone == "increasing" and everywhere:
        found.append(Step("flat", SLOPE, asked.slope, ZERO, "and yet above 0 at every finite x", ">"))
    return found


def _origin(asked: Asked, facts: Facts) -> list[Step]:
    """Compare the function with the identity near 0, by the quotients f(x)/x from both sides."""
    joint = next((j for j in facts.joints if j.at == ZERO), None)
    if joint is not None and joint.value is None:
        return []
    found = [Step("identity", VALUE, _put(asked.function, ZERO), asked.value(ZERO), "f at 0; the identity has 0")]
    if asked.value(ZERO) != ZERO:
        return found
    slopes = (asked.slope_at(ZERO),) * 2 if joint is None else (joint.left, joint.right)
    for (side, name), slope in zip(_SIDES, slopes, strict=True):
        if slope is not None:
            limit = Limit(X.name, ZERO, side, Div(asked.function, X))
            because = f"f(x)/x near 0 from the {name}; 1 for what approximates the identity"
            found.append(Step("identity", SLOPE, limit, slope, because))
    return found


def _series(asked: Asked) -> list[Step]:
    series = expansion(asked)
    if series is None:
        return []
    order = len(series.coefficients) - 1
    rest = Add((asked.function, Mul((number(-1), series.up_to(order)))))
    power = X if order == 1 else Pow(X, number(order))
    because = f"what is left of f without the terms before, over {unicode(power)}"
    return [Step("series", Sym("series"), Limit(X.name, ZERO, "", Div(rest, power)), series.coefficients[-1], because)]


def _extremes(asked: Asked, facts: Facts) -> list[Step]:
    kinds: tuple[tuple[Extreme, Expr, Expr, str, Bound], ...] = (
        (facts.low, asked.function, VALUE, "range", ">="),
        (facts.high, asked.function, VALUE, "range", "<="),
        (facts.steepest, asked.slope, SLOPE, "steepest", "<="),
        (facts.flattest, asked.slope, SLOPE, "flattest", ">="),
    )
    found = []
    said = {"range": "of the range", "steepest": "of the slope", "flattest": "of the slope"}
    for extreme, node, target, rule, inclusive in kinds:
        relation = inclusive
        if infinite(extreme.value):
            continue
        bound = "the largest value " if relation == "<=" else "the least value "
        reached = extreme.where or ("reached" if extreme.reached else "never reached, only in the limit")
        if not extreme.reached:
            relation = "<" if relation == "<=" else ">"
        found.append(Step(rule, target, node, extreme.value, f"{bound}{said[rule]}, {reached}", relation))
        joint = any(joint.at == extreme.at for joint in facts.joints)
        if extreme.at is not None and extreme.reached and not joint:
            because = f"reached at x = {unicode(extreme.at)}"
            found.append(Step(rule, target, _put(node, extreme.at), extreme.value, because))
    return found


def _symmetry(asked: Asked, facts: Facts) -> list[Step]:
    if facts.symmetry == "neither":
        return []
    mirrored = _put(asked.function, Mul((number(-1), X)))
    after = Mul((number(-1), asked.function)) if facts.symmetry == "odd" else asked.function
    because = "odd: zero-centred around 0" if facts.symmetry == "odd" else "even"
    return [Step("symmetry", VALUE, mirrored, after, because)]


def _homogeneous(asked: Asked, facts: Facts) -> list[Step]:
    if facts.homogeneous:
        scaled, outside = _put(asked.function, Mul((C, X))), Mul((C, asked.function))
        return [Step("homogeneous", VALUE, scaled, outside, "c > 0 keeps the sign of x: positively homogeneous")]
    two = number(2)
    for place in map(number, (1, -1, 2, -2, 4, -4, 10)):
        left, right = _put(asked.function, Mul((two, place))), Mul((two, _put(asked.function, place)))
        first, second = approximate(left), approximate(right)
        if first is not None and second is not None and abs(first - second) > 1e-6:  # noqa: PLR2004 (rounding)
            relation: Literal["<", ">"] = "<" if first < second else ">"
            because = f"f(2·{unicode(place)}) is not 2 f({unicode(place)}): not homogeneous"
            return [Step("homogeneous", VALUE, left, right, because, relation)]
    return []


def _continuity() -> list[Step]:
    """Show that a continuous function may lack a slope: |x| at 0."""
    target, size = Sym("example"), Call("abs", (H,))
    return [
        Step("continuity", target, Limit(H.name, ZERO, "", size), call("abs", ZERO), "|x| is continuous at 0"),
        Step("continuity", target, Limit(H.name, ZERO, "-", Div(size, H)), number(-1), "its slope from the left"),
        Step(
            "continuity", target, Limit(H.name, ZERO, "+", Div(size, H)), ONE,
            "its slope from the right is another: continuity does not imply differentiability",
        ),
    ]  # fmt: skip
