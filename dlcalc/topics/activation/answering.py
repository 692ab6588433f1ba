"""The answers and verdicts that follow from what is known of an activation function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import INFINITY, ONE, ZERO, Expr, names
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Answer, Slip, verdict, word
from dlcalc.topics.activation.facts import MINUS_INFINITY, MONOTONE, SATURATES, SYMMETRY, X
from dlcalc.topics.activation.series import expansion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.topics.activation.asking import Asked
    from dlcalc.topics.activation.facts import Facts, Joint

CONTINUITY = (
    "continuity does not imply differentiability: |x| is continuous at 0 with the slopes -1 and 1 there, "
    "so that no one slope is left"
)
FLOAT_DIGITS = 60
FARTHEST = 1000.0


def point_answers(asked: Asked, at: Sequence[Expr]) -> tuple[Answer, ...]:
    """Answer with the function and its slope at the places asked."""
    if not at:
        return ()
    values, slopes = tuple(map(asked.value, at)), tuple(map(asked.slope_at, at))
    if len(at) > 1:
        return Answer("value", values), Answer("slope", slopes)
    slips = []
    joint = joint_at(asked, at[0])
    for side, name in ((joint.left, "left"), (joint.right, "right")) if joint is not None else ():
        if side is not None and side != slopes[0]:
            because = f"{plain(side)} is the slope from the {name}; by convention the other side's is taken at a joint"
            slips.append(Slip(side, because))
    return Answer("value", values[0]), Answer("slope", slopes[0], slips=tuple(slips))


def joint_at(asked: Asked, at: Expr) -> Joint | None:
    """Return the joint at a place, if there is one."""
    if asked.facts is None:
        return None
    return next((joint for joint in asked.facts.joints if joint.at == at), None)


def derivative_answer(asked: Asked) -> Answer:
    """Answer with the derivative."""
    slips = [Slip(asked.function, "that is the function itself, not its slope", "derivative")]
    if asked.name == "sigmoid":
        slips.append(Slip(asked.function * (1 + asked.function), "the second factor is 1 - sigmoid(x)", "derivative"))
    if asked.name == "tanh":
        slips.append(Slip(1 - asked.function, "tanh is squared: 1 - tanh(x)^2", "derivative"))
    return Answer("derivative", asked.slope, slips=tuple(s for s in slips if s.value != asked.slope))


def fact_answers(asked: Asked) -> tuple[Answer, ...]:
    """Answer with all that follows from the facts; with what symbols leave, where there are none."""
    facts = asked.facts
    if facts is None:
        return (*_joint_places(asked.meetings), *_near_zero(asked), _continuity())
    ends = [
        Answer(name, value)
        for name, value in (
            ("limit_left", facts.left.value),
            ("limit_right", facts.right.value),
            ("slope_far_left", facts.left.slope),
            ("slope_far_right", facts.right.slope),
        )
        if value is not None
    ]
    return (
        *_verdicts(facts),
        *ends,
        *_joints(facts),
        *_near_zero(asked),
        *_extremes(facts),
        word("monotone", facts.monotone, MONOTONE),
        word("symmetry", facts.symmetry, SYMMETRY),
        verdict("homogeneous", holds=facts.homogeneous, otherwise=_homogeneous_said(facts)),
        _continuity(),
    )


def _verdicts(facts: Facts) -> tuple[Answer, ...]:
    tends = f"f' tends to {_shown(facts.left.slope)} at -∞ and to {_shown(facts.right.slope)} at ∞"
    saturates = word(
        "saturates", facts.saturates, SATURATES,
        tuple(Slip(_word(other), tends) for other in SATURATES if other != facts.saturates),
    )  # fmt: skip
    kinks = "; ".join(
        f"at {unicode(j.at)} the slopes are {_shown(j.left)} and {_shown(j.right)}"
        if j.continuous
        else f"it jumps at {unicode(j.at)}"
        for j in facts.joints
    )
    smooth = kinks or "both one-sided slopes agree everywhere"
    jumps = "; ".join(f"it jumps at {unicode(j.at)}" for j in facts.joints if not j.continuous)
    return (
        saturates,
        verdict("exactly_zero", holds=bool(facts.flat), otherwise=zero_said(facts)),
        verdict("continuous", holds=facts.continuous, otherwise=jumps or "both sides tend to its value everywhere"),
        verdict("differentiable", holds=not facts.joints, otherwise=smooth),
    )


def _word(text: str) -> Expr:
    from dlcalc.notation.expression import Sym

    return Sym(text)


def _shown(value: Expr | None) -> str:
    return "nothing" if value is None else unicode(value)


def zero_said(facts: Facts) -> str:
    """Say where the slope is exactly 0, or that it only tends to 0."""
    if facts.flat:
        return f"f' is exactly 0 {stretches(facts)}"
    if facts.saturates == "never":
        return "f' is 0 on no stretch, and tends to 0 at neither end"
    return "f' tends to 0 but is 0 on no stretch: exactly 0 only in the limit, or where floats round it to 0"


def stretches(facts: Facts) -> str:
    """Say on which stretches the slope is 0."""
    said = []
    for low, high in facts.flat:
        if low == MINUS_INFINITY:
            said.append("everywhere" if high == INFINITY else f"for x < {unicode(high)}")
        else:
            between = f"for {unicode(low)} < x < {unicode(high)}"
            said.append(f"for x > {unicode(low)}" if high == INFINITY else between)
    return " and ".join(said)


def _joint_places(places: tuple[Expr, ...]) -> tuple[Answer, ...]:
    if not places:
        return ()
    return (Answer("joints", places[0] if len(places) == 1 else places, form="number" if len(places) == 1 else "set"),)


def _joints(facts: Facts) -> tuple[Answer, ...]:
    if not facts.joints:
        return ()
    found = list(_joint_places(tuple(joint.at for joint in facts.joints)))
    for name in ("left", "right"):
        slopes = [getattr(joint, name) for joint in facts.joints]
        if None not in slopes:
            found.append(Answer(f"{name}_slope", slopes[0] if len(slopes) == 1 else tuple(slopes)))
    return tuple(found)


def _near_zero(asked: Asked) -> tuple[Answer, ...]:
    """Say whether the function is the identity near 0, up to what is small beside x."""
    close = near_identity(asked)
    found = [] if close is None else [verdict("identity", holds=close[0], otherwise=close[1])]
    series = expansion(asked)
    return (*found, *([Answer("series", series.sum)] if series is not None else []))


def near_identity(asked: Asked) -> tuple[bool, str] | None:
    """Decide whether f(0) = 0 with slope 1 from both sides, and say what decides; None where symbols leave it open."""
    from dlcalc.errors import DlcalcError

    try:
        start, joint = asked.value(ZERO), joint_at(asked, ZERO)
        sides = (asked.slope_at(ZERO),) * 2 if joint is None else (joint.left, joint.right)
    except DlcalcError:
        return False, "f has no value at 0"
    if any(side is None or names(side) for side in (start, *sides)) or (asked.facts is None and asked.meetings):
        return None
    said = f"f(0) = {plain(start)} and f'(0) = " + " from the left, ".join(dict.fromkeys(map(_shown, sides)))
    if sides[0] != sides[1]:
        said += " from the right"
    close = [abs((approximate(v) or 0.0) - 1) < 1e-12 for v in sides if v is not None]  # noqa: PLR2004 (rounding)
    return start == ZERO and all(close), f"{said}: the identity has 0 and 1"


def _extremes(facts: Facts) -> tuple[Answer, ...]:
    found = [
        Answer("range_low", facts.low.value),
        Answer("range_high", facts.high.value),
        Answer("max_slope", facts.steepest.value),
    ]
    if facts.steepest.at is not None:
        found.append(Answer("max_slope_at", facts.steepest.at))
    found.append(Answer("min_slope", facts.flattest.value))
    return tuple(found)


def _homogeneous_said(facts: Facts) -> str:
    if facts.homogeneous:
        return "f(c x) = c f(x) for every c > 0"
    return "f(2x) is not 2 f(x) for every x"


def _continuity() -> Answer:
    return verdict("continuity_implies_differentiability", holds=False, otherwise=CONTINUITY)


# what the reader should know beside the answers


def notes(asked: Asked, at: Sequence[Expr]) -> tuple[str, ...]:
    """Say how the answers are meant for this function."""
    facts = asked.facts
    found = list(asked.notes)
    if facts is None:
        need = ",".join(f"{name}=1" for name in asked.free)
        found.append(
            f"saturation, range and slopes are not answered: {asked.unsettled}"
            if asked.unsettled
            else f"limits, saturation and range need numbers for the parameters: --with {need}"
        )
        return (*found, *_conventions_at(asked, at))
    found.append(zero_said(facts))
    if not facts.flat and facts.saturates != "never":
        found += _in_floats(asked)
    if facts.saturates == "never" and any(_below_one(s) for s in (facts.left.slope, facts.right.slope)):
        low = next(s for s in (facts.left.slope, facts.right.slope) if _below_one(s))
        found.append(f"it does not saturate, and yet L units on that side multiply a gradient by {_power(low)}")
    for name, extreme in (("the largest slope", facts.steepest), ("the least slope", facts.flattest)):
        if extreme.where:
            found.append(f"{name} is {unicode(extreme.value)} {extreme.where}")
    if facts.left.value is None or facts.right.value is None:
        found.append("where no limit is given, f tends to nothing there, or is not defined")
    if facts.joints and any(joint.before is None or joint.after is None for joint in facts.joints):
        found.append("continuous and differentiable are meant for every real x, and f has no value for some")
    if facts.continuous and facts.joints:
        found.append("continuous, and yet not differentiable: continuity does not imply differentiability")
    elif not facts.joints:
        found.append("differentiable as composed of differentiable functions; continuity alone would not do (|x|)")
    return (*found, *_conventions_at(asked, at))


def _below_one(slope: Expr | None) -> bool:
    rough = None if slope is None else approximate(slope)
    return rough is not None and 0 < abs(rough) < 1


def _power(slope: Expr | None) -> str:
    return f"({_shown(slope)})^L"


def _conventions_at(asked: Asked, at: Sequence[Expr]) -> list[str]:
    """Say what is taken where the slope jumps."""
    found = []
    for place in at:
        joint = joint_at(asked, place)
        if joint is None:
            continue
        taken = (
            f"f'({unicode(place)}) = {unicode(asked.slope_at(place))} by convention: x = {unicode(place)} is a joint"
        )
        if joint.continuous and joint.left is not None and joint.right is not None:
            low, high = _in_order(joint.left, joint.right)
            taken += (
                f"; any value in [{low}, {high}] is a subgradient; conventions such as I(x > 0) and I(x ≥ 0) "
                "differ here and agree everywhere else"
            )
        found.append(taken)
    return found


def _in_order(left: Expr, right: Expr) -> tuple[str, str]:
    first, second = approximate(left), approximate(right)
    if first is not None and second is not None and first > second:
        left, right = right, left
    return unicode(left), unicode(right)


def _in_floats(asked: Asked) -> list[str]:
    """Find from where on float64 rounds the slope to 0, as the formula is computed."""
    if asked.free:
        return []
    from dlcalc.notation.evaluate import PLAIN

    def gone(x: float) -> bool:
        try:
            return float(PLAIN.value(asked.slope, {X.name: x})) == 0
        except (ArithmeticError, ValueError):
            return False

    found = []
    for side, sign in (("x ≈ ", 1.0), ("x ≈ -", -1.0)):
        if not gone(sign * FARTHEST):
            continue
        low, high = 0.0, FARTHEST
        for _ in range(FLOAT_DIGITS):
            middle = (low + high) / 2
            low, high = (low, middle) if gone(sign * middle) else (middle, high)
        found.append(f"{side}{high:.4g}")
    return [f"in float64 this formula of f' rounds to exactly 0 from {' and '.join(found)} on"] if found else []


def unit(value: Expr) -> bool:
    """Say whether a value is 1."""
    return value == ONE
