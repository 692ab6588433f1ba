"""The steps of the derivation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.entries import entries
from dlcalc.notation.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Div,
    Entry,
    Expr,
    Pow,
    Sum,
    Sym,
    add,
    fold,
    names,
    number,
    power,
    substitute,
)
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import Step, Work
from dlcalc.topics.momentum.answers import corrected_at, letter_forms, parameter_at, velocity_at
from dlcalc.topics.momentum.bounds import MAX_SUMMED, MAX_UNROLLED, SHOWN_COMPONENTS, SHOWN_WIDTH
from dlcalc.topics.momentum.bruteforce import closed_routes, path_routes
from dlcalc.topics.momentum.rule import HAT, Question, T
from dlcalc.topics.momentum.sentences import divided, spoken, spoken_rule
from dlcalc.topics.momentum.writing import plus, rows_of, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Line = tuple[str, Expr, str]
"""A line of a derivation: its rule, what stands there, why."""


def derived(asked: Question, found: Mapping[str, Value]) -> Work:
    """Derive the answers, and say by which other routes they are found."""
    if asked.closed:
        return Work(tuple(_closed_steps(asked, found)), tuple(closed_routes(asked, found)))
    return Work(tuple(_path_steps(asked, found)), tuple(path_routes(asked, found)))


def _chain(target: Expr, lines: Iterable[Line]) -> Iterator[Step]:
    """Make a step of each line that says something new."""
    before = target
    for rule, after, because in lines:
        if plain(after) != plain(before):
            yield Step(rule, target, before, after, because)
        before = after


def _path_steps(asked: Question, found: Mapping[str, Value]) -> Iterator[Step]:
    rows = rows_of(found["theta"])
    short = max(len(plain(x)) for x in rows[-1]) <= SHOWN_WIDTH
    shown = range(1, len(rows) + 1) if len(rows) <= MAX_UNROLLED else (1, 2, len(rows)) if short else (1, 2)
    for step in shown:
        for component in range(min(len(asked.theta0), SHOWN_COMPONENTS)):
            yield from _one_step(asked, found, step, component)
    yield from _window_step(found)
    if asked.nesterov:
        yield from _coincidence(asked, number(len(rows)), asked.suffixes[0])


def _one_step(asked: Question, found: Mapping[str, Value], step: int, component: int) -> Iterator[Step]:
    """Derive one step of one component: the look-ahead point and the gradient where they are asked, v, θ."""
    rule, suffix = asked.rule, asked.suffixes[component]
    start = {"v": asked.v0, "theta": asked.theta0}
    row = {name: rows_of(value)[step - 1] for name, value in found.items() if name != "window"}
    before = {name: start[name] if step == 1 else rows_of(found[name])[step - 2] for name in start}
    because_v, because_theta = spoken(asked) if step == 1 else (f"the same rule, t = {step}",) * 2

    def lines(name: str, at: int, written: Expr, because: str, value: Expr) -> Iterator[Step]:
        numbered = name if step == 1 else f"{name}-{step}"
        target, done = Entry(f"{name}{suffix}", number(at)), "collected" if names(value) else "computed"
        return _chain(target, [(numbered, written, because), (f"{numbered}-value", value, done)])

    v, theta = before["v"][component], before["theta"][component]
    if asked.nesterov:
        because = "the look-ahead point, where the gradient is taken"
        yield from lines("theta_tilde", step - 1, rule.ahead(theta, v), because, row["look_ahead"][component])
    if asked.field:
        place = row["look_ahead"] if asked.nesterov else before["theta"]
        written = substitute(asked.field[component], asked.placed(component, place))
        where = f"θ̃_{step - 1}" if asked.nesterov else f"θ_{step - 1}"
        yield from lines("g", step, written, f"the gradient at {where}", row["g"][component])
    g = (row["g"] if asked.field else asked.gradient(step))[component]
    yield from lines("v", step, rule.velocity(v, g), because_v, row["v"][component])
    yield from lines("theta", step, rule.moved(theta, row["v"][component]), because_theta, row["theta"][component])
    if HAT in found:
        corrected = Div(row["v"][component], plus(ONE, times(MINUS_ONE, Pow(rule.a, number(step)))))
        yield from lines(HAT, step, corrected, _sum_of_weights(asked, step), row[HAT][component])


def _sum_of_weights(asked: Question, t: object) -> str:
    return f"divided by the sum of its weights, 1 − {unicode(spoken_rule(asked).a)}^{t}"


def _window_step(found: Mapping[str, Value]) -> Iterator[Step]:
    window, value = Sym("window"), found.get("window")
    if isinstance(value, Expr):
        yield Step("window", window, window, value, "how many weights as large as the newest add up to 1")


def _coincidence(asked: Question, t: Expr, suffix: str = "") -> Iterator[Step]:
    """Prove that the stored form makes the steps of θ̃ = θ + the look-ahead."""
    rule, said = asked.rule, spoken_rule(asked)
    new, old = (Entry(f"v{suffix}", at) for at in (t, t - 1))
    theta, theta_old = (Entry(f"theta{suffix}", at) for at in (t, t - 1))
    tilde, tilde_old = (Entry(f"theta_tilde{suffix}", at) for at in (t, t - 1))
    backwards = times(-(said.e * said.a), Entry("v", T - 1))
    put_in = f"θ_{{t-1}} = {unicode(plus(Entry('theta_tilde', T - 1), backwards))} put in"
    onwards = times(rule.e * rule.a, new)
    lines = [
        ("tilde", rule.ahead(theta, new), "what θ̃ means: the next look-ahead point"),
        ("moved", plus(rule.moved(theta_old, new), onwards), spoken(asked)[1]),
        ("substituted", plus(tilde_old, times(-(rule.e * rule.a), old), times(rule.e, new), onwards), put_in),
        ("stored", rule.stored(tilde_old, new, old), "collected: the stored form, in which θ no longer occurs"),
    ]
    if asked.closed:
        by_gradient = plus(tilde_old, onwards, times(rule.e * rule.c, Entry("g", t)))
        lines.append(("stored-gradient", by_gradient, f"the same with {spoken(asked)[0]} put in"))
    yield from _chain(tilde, lines)


def _closed_steps(asked: Question, found: Mapping[str, Value]) -> Iterator[Step]:
    t, steps, n = asked.t, asked.steps, asked.counter
    v, theta = entries((found["v_t"], found["theta_t"]))
    if steps is not None and steps <= MAX_UNROLLED:
        yield from _unrolled_steps(asked, steps, theta)
    else:
        yield from _general_steps(asked, n)
        if steps is not None and steps <= MAX_SUMMED:
            put_in = f"{unicode(n)} = {steps} put in"
            for name, value, general in (("v", v, velocity_at(asked, t)), ("theta", theta, parameter_at(asked, t))):
                lines = [(f"{name}-at", general, put_in), (f"{name}-explicit", value, "written out")]
                yield from _chain(Entry(name, t), lines)
    if f"{HAT}_t" in found:
        yield from _correction_steps(asked, t if steps is not None and steps <= MAX_SUMMED else n)
        yield from _window_step(found)
    if asked.nesterov:
        yield from _nesterov_steps(asked, t if steps is not None and steps <= MAX_UNROLLED else n)


def _correction_steps(asked: Question, t: Expr) -> Iterator[Step]:
    """Add up the weights of v_t, and divide by their sum."""
    a, (k, _) = asked.rule.a, asked.indices
    weights, rest = Sum(k.name, ONE, t, asked.rule.c * power(a, t - k)), 1 - power(a, t)
    if a != ZERO:
        yield Step("weights", weights, weights, rest, f"the weights of g_1, …, g_{unicode(t)} in v_{unicode(t)}")
    lines = [
        (HAT, Div(Entry("v", t), rest), _sum_of_weights(asked, unicode(t))),
        (f"{HAT}-value", corrected_at(asked, t), f"v_{unicode(t)} put in"),
    ]
    yield from _chain(Entry(HAT, t), lines)


def _unrolled_steps(asked: Question, steps: int, theta: Expr) -> Iterator[Step]:
    """Derive v and θ of a few steps by putting each velocity into the next."""
    rule, start = asked.rule, asked.theta0[0]
    yield from _unrolling(asked, steps)
    if steps == 0:
        for name, at_start in (("v", asked.v0[0]), ("theta", start)):
            yield from _chain(Entry(name, ZERO), [(name, at_start, "no step is made")])
        return
    moves = [form[0] for form in letter_forms(asked, steps)]
    entries = (Entry("v", number(k)) for k in range(1, steps + 1))
    lines = [
        ("theta", rule.moved(start, *entries), "θ adds up the moves of all steps"),
        ("theta-put-in", rule.moved(start, *moves), "the velocities put in"),
        ("theta-collected", theta, "collected: g_k is in v_k and in every later velocity"),
    ]
    yield from _chain(Entry("theta", asked.t), lines)


def _unrolling(asked: Question, steps: int) -> Iterator[Step]:
    """Put each velocity into the next."""
    v = asked.v0[0]
    for step, (value, _, _) in enumerate(letter_forms(asked, steps) if steps else [], 1):
        rule = "v" if step == 1 else f"v-{step}"
        start = "" if v == Sym("v0") else f", from v_0 = {unicode(v)}"
        because = f"{spoken(asked)[0]}{start}" if step == 1 else f"v_{step - 1} put into the rule"
        written = asked.rule.velocity(v, Entry("g", number(step)))
        lines = [(rule, written, because), (f"{rule}-collected", value, "collected")]
        yield from _chain(Entry("v", number(step)), lines)
        v = value


def _general_steps(asked: Question, n: Sym) -> Iterator[Step]:
    """Derive v_n and θ_n for every n: unroll, see the pattern, prove it by induction, add up."""
    rule, a, at, letter = asked.rule, asked.rule.a, unicode(n), unicode(asked.rule.a)
    k, _ = asked.indices
    v, last, formula = Entry("v", n), Entry("g", n), velocity_at(asked, n)
    one_step = rule.velocity(Entry("v", n - 1), last)
    if a == ZERO:
        yield from _chain(
            v, [("v", one_step, spoken(asked)[0]), ("v-value", formula, "nothing of the old velocity stays")]
        )
    else:
        yield from _unrolling(asked, 3)
        yield Step("pattern", v, v, formula, "the pattern of these lines; the next ones prove it by induction")
        yield Step(
            "base", Entry("v", ONE), Entry("v", ONE), velocity_at(asked, ONE), f"base case: the formula at {at} = 1"
        )
        older = Sum(k.name, ONE, n - 1, power(a, n - k) * Entry("g", k))
        raised = add(power(a, n) * asked.v0[0], rule.c * older, rule.c * last)
        lines = [
            ("induction", one_step, f"induction: the rule leads from {at} − 1 to {at}"),
            ("hypothesis", rule.velocity(velocity_at(asked, n - 1), last), f"the formula for {at} − 1 put in"),
            ("distributed", raised, f"multiplied out: {letter} raises every power by one"),
            ("induction-end", formula, f"g_{at} is the term {unicode(k)} = {at} of the Σ"),
        ]
        yield from _chain(v, lines)
    yield from _general_parameter_steps(asked, n)
    if isinstance(a, Sym):
        without = asked.with_rule(asked.convention, ZERO, asked.epsilon)
        because = f"at {letter} = 0 this is gradient descent without momentum"
        yield Step("alpha-0", v, v, velocity_at(without, n), because, where={a.name: ZERO})


def _general_parameter_steps(asked: Question, n: Sym) -> Iterator[Step]:
    """Add the velocities up, and sum over the steps in which each gradient acts."""
    rule, a, start, theta = asked.rule, asked.rule.a, asked.theta0[0], Entry("theta", n)
    k, j = asked.indices
    at, letter, index, later = (unicode(x) for x in (n, a, k, j))
    from_start = start + rule.e * asked.v0[0] * Sum(j.name, ONE, n, power(a, j))
    nested = Sum(j.name, ONE, n, Sum(k.name, ONE, j, power(a, j - k) * Entry("g", k)))
    swapped = Sum(k.name, ONE, n, Entry("g", k) * Sum(j.name, k, n, power(a, j - k)))
    geometric = f"geometric sums, as {letter} ≠ 1" if a != ONE else f"that many ones: {at} − {index} + 1"
    if a == ZERO:
        geometric = "the velocities put in"
    elif asked.convention == "ema" and asked.v0[0] == ZERO:
        geometric = f"geometric sums, times 1 − {letter}"
    lines = [
        ("theta", rule.moved(start, Sum(j.name, ONE, n, Entry("v", j))), f"θ adds up the moves of all {at} steps"),
        ("theta-put-in", from_start - rule.rate * nested, f"the formula for v_{later} put in"),
        ("theta-swapped", from_start - rule.rate * swapped, f"by gradients: g_{index} acts in v_{index}, …, v_{at}"),
        ("theta-geometric", parameter_at(asked, n), geometric),
    ]
    yield from _chain(theta, [lines[0], lines[3]] if a == ZERO else lines)
    if isinstance(a, Sym) and divided(asked):
        at_one = asked.with_rule(asked.convention, ONE, asked.epsilon)
        because = f"at {letter} = 1 a gradient counts once in every velocity from its own step on"
        yield Step("alpha-1", theta, theta, parameter_at(at_one, n), because, where={a.name: ONE})


def _nesterov_steps(asked: Question, t: Expr) -> Iterator[Step]:
    """Say where θ̃ starts, prove that the two forms coincide, and how θ moves with θ̃."""
    rule, v0 = asked.rule, asked.v0[0]
    start = rule.ahead(asked.theta0[0], v0)
    same = "v_0 = 0: both start at the same point" if v0 == ZERO else "collected"
    lines = [("start", start, "θ̃ before the first step"), ("start-value", fold(start), same)]
    yield from _chain(Entry("theta_tilde", ZERO), lines)
    if t == ZERO:
        return
    yield from _coincidence(asked, t)
    h, tilde, back = asked.shift, Entry("theta_tilde", t), times(-(rule.e * rule.a), Entry("v", t))
    quotient = Div(plus(tilde, h, back, times(MINUS_ONE, plus(tilde, back))), h)
    yield Step("jacobian", tilde, quotient, ONE, "∂θ/∂θ̃ with v fixed: moving θ̃ moves θ by as much")
