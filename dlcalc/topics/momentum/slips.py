"""Common wrong answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Entry
from dlcalc.notation.printing import Value, unicode
from dlcalc.solution import Slip
from dlcalc.topics.momentum.answers import answered, parameter_at, velocity_at
from dlcalc.topics.momentum.bounds import MAX_SLIPS
from dlcalc.topics.momentum.rule import CONVENTIONS, Question
from dlcalc.topics.momentum.sentences import spoken, spoken_rule
from dlcalc.topics.momentum.writing import rows_of, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OLD_VELOCITY = "θ moves by the new velocity v_t, not by the old one v_{t−1}"


def slips_of(asked: Question, found: Mapping[str, Value]) -> dict[str, tuple[Slip, ...]]:
    """Find the common wrong values of the answers."""
    if asked.steps == 0 or (not asked.closed and (asked.steps or 0) > MAX_SLIPS):
        return {}
    slips: dict[str, list[Slip]] = {name: [] for name in found}
    for variation, because, rule in _variations(asked):
        try:
            wrong = answered(variation)
        except DlcalcError:  # a wrong rule may grow beyond the bounds where the right one does not
            continue
        for name in tuple(found)[:2]:
            slips[name].append(Slip(wrong[name], because, rule))
    for name, because, rule, value in _closed_slips(asked) if asked.closed else _listed_slips(asked, found):
        slips[name].append(Slip(value, because, rule))
    return {name: tuple(each) for name, each in slips.items()}


def _variations(asked: Question) -> Iterator[tuple[Question, str, str]]:
    """Yield questions whose right answers are usual wrong ones here, with the reason and the rule of the step."""
    rule, a, epsilon, convention = asked.rule, asked.alpha, asked.epsilon, asked.convention
    velocity, moved = spoken(asked)
    letter = unicode(spoken_rule(asked).a)
    yield asked.with_rule(convention, a, -epsilon), f"a sign is reversed: {velocity}, {moved}", "v"
    yield replace(asked, rule=replace(rule, e=-rule.e)), f"θ moves the other way: {moved}", "theta"
    if set(asked.v0) != {ZERO}:
        yield replace(asked, v0=(ZERO,) * len(asked.v0)), f"v_0 is dropped: {velocity} starts from v_0", "v"
    yield replace(asked, rule=replace(rule, a=ZERO)), f"the momentum term is missing: {velocity}", "v-2"
    kept = f"the old velocity is not multiplied by {letter}: {velocity}"
    yield replace(asked, rule=replace(rule, a=ONE)), kept, "v-2"
    late = f"g_t itself is not multiplied by {letter}: the power of {letter} with g_k is t − k, one less"
    yield replace(asked, rule=replace(rule, c=rule.a * rule.c)), late, "v"
    yield asked.with_rule(convention, a, ONE), "the learning rate is missing", "v"
    yield asked.with_rule(convention, a, epsilon * epsilon), "the learning rate is applied twice", "v"
    if len(asked.gradients) > 1:
        yield replace(asked, gradients=asked.gradients[::-1]), "the gradients are taken in the reverse order", "v"
    if asked.field:
        places = ("at the look-ahead point", "at θ_{t−1}")
        taken, right = places[::-1] if asked.nesterov else places
        yield replace(asked, nesterov=not asked.nesterov), f"the gradient is taken {taken}; it belongs {right}", "g"
    for other in CONVENTIONS:
        if other != convention:
            changed = asked.with_rule(other, a, epsilon)
            yield changed, f"that follows the {other} convention: {', '.join(spoken(changed))}", "v"


def _listed_slips(asked: Question, found: Mapping[str, Value]) -> Iterator[tuple[str, str, str, Value]]:
    """Yield wrong answers to a list that no change of the rule gives."""
    if asked.gradients:
        before = [asked.theta0, *rows_of(found["theta"])[:-1]]
        late = [tuple(x + asked.rule.e * v for x, v in zip(row, asked.v0, strict=True)) for row in before]
        yield "theta", _OLD_VELOCITY, "theta", unwrapped(late)


def _closed_slips(asked: Question) -> Iterator[tuple[str, str, str, Value]]:
    """Yield wrong closed forms that no change of the rule gives."""
    t, a, e = asked.t, asked.rule.a, asked.rule.e
    new, old = Entry("v", t), Entry("v", t - 1)
    theta, tilde = Entry("theta", t - 1), Entry("theta_tilde", t - 1)
    reverse = "the weights run the wrong way: the newest gradient g_t has the largest, 1"
    yield "v_t", reverse, "v-2", velocity_at(asked, t, lambda k: k - 1)
    yield "v_t", f"{reverse}; and its power is 0, not 1", "v-2", velocity_at(asked, t, lambda k: k)
    yield "theta_t", _OLD_VELOCITY, "theta", parameter_at(asked, t - 1) + e * asked.v0[0]
    yield "theta_t", "g_k acts in v_k already: its power is t − k + 1", "theta", parameter_at(asked, t, shift=0)
    yield "theta_t", "only the last velocity is added; θ adds up all of them", "theta", asked.theta0[0] + e * new
    if asked.nesterov:
        onward = "the stored form goes on from θ̃_{t−1}, not from θ_{t−1}"
        change = "θ̃ also moves by the change of the look-ahead"
        sign = "the change of the velocity, new less old, counts with +"
        back = "θ_{t−1} is θ̃_{t−1} less the old look-ahead"
        yield "theta_tilde_t", onward, "substituted", theta + e * new + e * a * (new - old)
        yield "theta_tilde_t", change, "tilde", tilde + e * new
        yield "theta_tilde_t", sign, "stored", tilde + e * new - e * a * (new - old)
        yield "theta_tilde_t", back, "substituted", tilde + e * new + e * a * new
        yield "theta_tilde_t", back, "substituted", tilde + e * new + e * a * (new + old)
        yield "look_ahead_t", "that is where plain momentum takes the gradient", "", theta
        yield "look_ahead_t", "the old velocity is multiplied by the momentum coefficient", "", theta + e * old
        yield "look_ahead_t", "the look-ahead goes along the old velocity, not against it", "", theta - e * a * old
