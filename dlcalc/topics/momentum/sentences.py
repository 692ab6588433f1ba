"""What is said about a question: conventions, assumptions, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, ZERO, Entry, Num, Sym, names
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import symbols
from dlcalc.topics.momentum.bounds import MAX_POLYNOMIALS, MAX_SUMMED, MAX_UNROLLED, SHOWN_COMPONENTS
from dlcalc.topics.momentum.rule import Question, Rule, T, rule_of
from dlcalc.topics.momentum.writing import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def spoken_rule(asked: Question) -> Rule:
    """Return the rule in letters, for sentences."""
    a = asked.alpha if isinstance(asked.alpha, Sym) else Sym("beta" if asked.convention == "ema" else "alpha")
    return rule_of(asked.convention, a, asked.epsilon if isinstance(asked.epsilon, Sym) else Sym("epsilon"))


def spoken(asked: Question) -> tuple[str, str]:
    """Say how v_t and θ_t follow."""
    rule = spoken_rule(asked)
    v = rule.velocity(Entry("v", T - 1), Entry("g", T))
    return f"v_t = {unicode(v)}", f"θ_t = {unicode(rule.moved(Entry('theta', T - 1), Entry('v', T)))}"


def conventions(asked: Question, found: Mapping[str, Value]) -> tuple[str, ...]:
    """Say how the rule is written, and what the names of the answers mean."""
    rule = spoken_rule(asked)
    library = " (as torch.optim.SGD without dampening)" if asked.convention == "pytorch" else ""
    said = [f"{asked.convention}: {', '.join(spoken(asked))}{library}"]
    if asked.nesterov:
        v, v_before = Entry("v", T), Entry("v", T - 1)
        ahead, tilde = (unicode(rule.ahead(Entry("theta", at), v_at)) for at, v_at in ((T - 1, v_before), (T, v)))
        stored = unicode(rule.stored(Entry("theta_tilde", T - 1), v, v_before))
        said.append(f"Nesterov: g_t is the gradient at the look-ahead point {ahead}")
        said.append(f"stored form: θ̃_t = {tilde}, so that g_t is the gradient at θ̃_{{t-1}} and θ̃_t = {stored}")
        said += ["torch.optim.SGD(nesterov=True) stores θ̃: its parameters are theta_tilde"] if library else []
        said += ["jacobian: ∂θ_t/∂θ̃_t while v_t is fixed"] if asked.closed and asked.steps != 0 else []
    if "window" in found:
        letter = unicode(rule.a)
        said.append(f"v̂_t = v_t/(1 - {letter}^t): bias corrected; window: about 1/(1 - {letter}) values are averaged")
    if asked.field and asked.variable != "theta":
        said.append(f"{asked.variable} in --grad is the parameter θ")
    if len(asked.theta0) > 1:
        said.append(
            f"vectors of {len(asked.theta0)} components under the same rule; θ_2[1] is component 2 after step 1"
        )
    return tuple(said)


def assumptions(asked: Question, found: Mapping[str, Value], *, given_v0: bool) -> tuple[str, ...]:
    """Say what was taken for granted."""
    said = [] if given_v0 else ["v_0 = 0"]
    if isinstance(asked.t, Sym):
        said.append(f"{unicode(asked.t)} is a whole number, 1 or more")
    written_out = asked.steps is not None and asked.steps <= MAX_POLYNOMIALS
    if asked.closed and divided(asked) and not written_out:
        special = "; α = 1 has a line of its own" if isinstance(asked.rule.a, Sym) else ""
        said.append(f"{unicode(asked.rule.a)} ≠ 1 in the closed form of θ{special.replace('α', unicode(asked.rule.a))}")
    if names(asked.rule.a) and "window" in found:
        said.append(f"{unicode(asked.rule.a)} ≠ ±1 in v̂ and in the window")
    return tuple(said)


def divided(asked: Question) -> bool:
    """Say whether the closed form of θ divides by a symbolic 1 − α."""
    return bool(names(asked.rule.a)) and (asked.convention != "ema" or asked.v0[0] != ZERO)


def notes(asked: Question, found: Mapping[str, Value]) -> tuple[str, ...]:
    """Say what is unusual about the givens, and what is not written out."""
    said = []
    a, epsilon = asked.rule.a, asked.epsilon
    if isinstance(a, Num) and not 0 <= a.value < 1:
        growing = ["change sign from step to step"] * (a.value < 0) + ["grow"] * (abs(a.value) > 1)
        effect = f"old gradients {' and '.join(growing) or 'never fade'}"
        if a == ONE and asked.convention == "ema":
            effect = "no gradient ever enters"
        letter = unicode(spoken_rule(asked).a)
        said.append(f"{letter} = {plain(a)} is not in 0 ≤ {letter} < 1: {effect}")
    if isinstance(epsilon, Num) and epsilon.value <= 0:
        said.append(f"the learning rate {plain(epsilon)} is not positive: θ does not move against the gradient")
    if asked.field and not symbols(asked.field) & set(asked.placed(0, asked.theta0)):
        said.append("the gradient does not depend on theta: it is the same at every step")
    if asked.closed:
        if asked.steps is not None and asked.steps > MAX_SUMMED:
            said.append(f"derived and checked for any number of steps, then t = {asked.steps} put in")
        return tuple(said)
    steps, width = rows_of(found["v"]), len(asked.theta0)
    if len(steps) > MAX_UNROLLED:
        said.append("not all steps are written out below; the answers of all of them are checked")
    if width > SHOWN_COMPONENTS:
        said.append(f"components 1 to {SHOWN_COMPONENTS} are written out below; the answers of all {width} are checked")
    return tuple(said)
