"""The steps of a path and of the update itself, and their second routes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Entry, Expr, Mul, Sum, Sym, fold, number, power, rebuilt
from dlcalc.notation.printing import plain
from dlcalc.solution import Route, Step, Work
from dlcalc.topics.optimizer.question import T, given_in
from dlcalc.topics.optimizer.reference import run as run_floats
from dlcalc.topics.optimizer.running import known_at
from dlcalc.topics.optimizer.verdicts import evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.rules import Form
    from dlcalc.topics.optimizer.running import Row

Weights = tuple["Expr", "Expr", int]
"""What an update keeps of a state, what part of the gradient it adds, to which power."""
Line = tuple[str, "Expr", str, "Mapping[str, Expr]"]
"""A line of a derivation: its rule, what stands there, why, and the givens that the check puts in."""
SHOWN_UPDATES = 3
"""Updates up to which every one is written; of more, the first two and the last."""
SHOWN_COMPONENTS = 2
SHOWN_WIDTH = 70
"""Characters of the last values up to which the last update is written too."""
AS_ITS_FRAMEWORK = "the rule run in floats as its framework's source runs it"
UNROLLED = "the sum over all gradients with the weight that each has kept"


def path_work(asked: Question, form: Form, rows: list[Row]) -> Work:
    """Derive every value of the updates that are shown."""
    steps = [step for update in shown(asked, rows) for step in _update_steps(asked, rows, update)]
    if asked.rule.name == "adagrad" and asked.count > 1:
        steps += _falling(asked, rows)
    steps += evidence(asked, rows)
    return Work(tuple(steps), tuple(_path_routes(asked, form, rows)))


def shown(asked: Question, rows: list[Row]) -> list[int]:
    """Return the numbers of the updates that are written out."""
    numbers = list(asked.numbers)
    if len(numbers) <= SHOWN_UPDATES:
        return numbers
    short = all(len(plain(x)) <= SHOWN_WIDTH for row in rows[-2:] for vector in row.values() for x in vector)
    return [*numbers[:2], numbers[-1]] if short else numbers[:2]


def _update_steps(asked: Question, rows: list[Row], update: int) -> Iterator[Step]:
    """Derive one update: every equation in letters, the numbers put in, the value."""
    old, new = rows[update - asked.first], rows[update - asked.first + 1]
    for place in list(asked.places)[:SHOWN_COMPONENTS]:
        known = known_at(old, new, place)
        if asked.field is not None and not asked.rule.ahead:
            yield from _gradient_steps(asked, old["theta"], new, update, place)
        for equation in asked.rule.equations:
            if equation.name not in new or (equation.name in {"rate", "step"} and update != asked.numbers[-1]):
                continue
            written = asked.equation(equation.name, update)
            target = Entry(asked.family(equation.name, place), number(update))
            pinned = asked.values if asked.field is not None else {}
            lines = [
                (equation.name, asked.at(written, update, place), equation.because, pinned),
                ("givens", asked.put_in(written, update, known), "the givens put in", asked.values),
                ("value", new[equation.name][place], "computed", asked.values),
            ]
            known_by_now = update > asked.first + 1 or (
                update > asked.first and equation.name not in asked.first_equations
            )
            if known_by_now:
                lines = [(equation.name, lines[1][1], f"the same equation, t = {update}", asked.values), lines[2]]
            yield from _chain(f"{equation.name}-{update}-{place}", target, lines)
            if equation.name == "theta_tilde" and asked.field is not None:
                yield from _gradient_steps(asked, new["theta_tilde"], new, update, place)


def _chain(rule: str, target: Expr, lines: Sequence[Line]) -> Iterator[Step]:
    """Make a step of each line that says something new; the first is named for its equation."""
    before = target
    for index, (name, after, because, where) in enumerate(lines):
        if plain(after) != plain(before):
            yield Step(name if index == 0 else f"{rule}-{name}", target, before, after, because, where=dict(where))
        before = after


def _gradient_steps(asked: Question, at: Sequence[Expr], new: Row, update: int, place: int) -> Iterator[Step]:
    """Write the gradient at a point: its expression with the point put in, where there is one."""
    if asked.field is None:
        return
    target = Entry(asked.family("g", place), number(update))
    where = "the look-ahead point" if asked.rule.ahead else f"θ_{update - 1}"
    lines: list[Line] = []
    expression = asked.field.put_in(place, tuple(at))
    if expression is not None:
        lines.append(("g", expression, f"the gradient at {where}", asked.values))
    because = "computed" if expression is not None else f"the gradient at {where}"
    lines.append(("value", new["g"][place], because, asked.values))
    yield from _chain(f"g-{update}-{place}", target, lines)


def _falling(asked: Question, rows: list[Row]) -> Iterator[Step]:
    """Show that the accumulator grows and the rate falls, update by update."""
    last = min(asked.count, SHOWN_UPDATES)
    for update in range(asked.first + 1, asked.first + last):
        for place in list(asked.places)[:SHOWN_COMPONENTS]:
            name = asked.family("G", place)
            now, then = Entry(name, number(update)), Entry(name, number(update - 1))
            squares = fold(rows[update - asked.first + 1]["d" if "d" in rows[-1] else "g"][place] ** 2)
            where = dict(asked.values)
            yield Step("grows", now, Add((now, -then)), squares, "G grows by a square", where=where)
            yield Step("never-shrinks", now, squares, ZERO, "a square is never negative", ">=", where=where)
            rate = asked.family("rate", place)
            if "rate" in rows[update - asked.first]:
                yield Step(
                    "falls", Entry(rate, number(update)), Entry(rate, number(update)), Entry(rate, number(update - 1)),
                    "a larger root below the same learning rate", "<=", where=where,
                )  # fmt: skip


def _path_routes(asked: Question, form: Form, rows: list[Row]) -> Iterator[Route]:
    """Find the last values by the framework's own way, and the averages by their unrolled sums."""
    last, final = rows[-1], asked.numbers[-1]
    names = [
        name for name in last if name in {"theta", "step", "look_ahead", *asked.rule.states, "m_hat", "v_hat", "delta"}
    ]
    names += ["g"] if asked.field is not None else []
    put = asked.values

    def framework(point: Mapping[str, Any]) -> list[Any]:
        memories = run_floats(asked, form, _with(put, point), final)[-1]
        return [memory[name] for name in names for memory in memories]

    claim = ", ".join(names)
    yield Route(claim, AS_ITS_FRAMEWORK, tuple(last[name] for name in names), framework)
    for name in asked.rule.states:
        weights = _weights(asked, name)
        if weights is not None and "d" not in last and not form.undamped:
            summed = partial(_summed, asked, rows, name, weights)
            yield Route(name, UNROLLED, last[name], summed)


def _with(values: Mapping[str, Expr], point: Mapping[str, Any]) -> dict[str, Any]:
    return {**point, **{name: PLAIN.value(value, point) for name, value in values.items()}}


def _weights(asked: Question, name: str) -> Weights | None:
    """Return how a state weighs the gradients; None where it is no sum of them."""
    letters = asked.letters
    if name == "G":
        return ONE, ONE, 2
    if name == "m":
        return letters["beta1"], 1 - letters["beta1"], 1
    if name == "v" and "beta2" in letters:
        return letters["beta2"], 1 - letters["beta2"], 2
    return (letters["rho"], 1 - letters["rho"], 2) if name == "v" and "rho" in letters else None


def _summed(asked: Question, rows: list[Row], name: str, weights: Weights, point: Mapping[str, Any]) -> list[float]:
    """Add up all gradients with the weights that they have at the last update."""
    at = _with(asked.values, point)
    ratio, part = (float(PLAIN.value(x, at)) for x in weights[:2])
    found = []
    for place in asked.places:
        total = float(PLAIN.value(asked.start[name][place], at)) * ratio**asked.count
        for k in range(1, asked.count + 1):
            g = float(PLAIN.value(rows[k]["g"][place], at))
            total += part * ratio ** (asked.count - k) * g ** weights[2]
        found.append(total)
    return found


# the update itself


def general_work(asked: Question, form: Form) -> Work:
    """Say every equation, checked by running the rule on random gradients; then what the equations imply."""
    steps = [step for e in asked.rule.equations for step in _general_steps(asked, e.name, e.because)]
    if "m_hat" in asked.equations:
        steps += weights_sum(asked.letters["beta1"])
    if asked.rule.name == "adagrad":
        total, before = Entry("G", T), Entry("G", T - 1)
        rate = Entry("rate", T)
        gradient = "d" if form.decayed else "g"
        steps += [
            Step("grows", total, Add((total, -before)), Entry(gradient, T) ** 2, "G grows by a square"),
            Step("never-shrinks", total, Entry(gradient, T) ** 2, ZERO, "a square is never negative", ">="),
            Step("falls", rate, rate, _rate_before(asked), "a larger root below the same learning rate", "<="),
        ]
    names = [e.name for e in asked.rule.equations]

    def framework(point: Mapping[str, Any]) -> list[Any]:
        memory = run_floats(asked, form, _with(asked.values, point), int(point["t"]))[-1][0]
        return [memory[name] for name in names]

    values = tuple(given_in(asked, name) for name in names)
    return Work(tuple(steps), (Route(", ".join(names), AS_ITS_FRAMEWORK, values, framework),))


def _general_steps(asked: Question, name: str, because: str) -> Iterator[Step]:
    target, value = Entry(name, T), given_in(asked, name)
    yield Step(name, target, target, asked.equations[name], because)
    if value != asked.equations[name]:
        where = dict(asked.values)
        yield Step(f"{name}-givens", target, asked.equations[name], value, "the givens put in", where=where)


def _rate_before(asked: Question) -> Expr:
    """Return the rate with what the accumulator was an update before."""

    def change(node: Expr) -> Expr:
        return Entry("G", T - 1) if node == Entry("G", T) else rebuilt(node, change)

    return change(asked.equations["rate"])


def weights_sum(beta: Expr) -> list[Step]:
    """Prove that the weights of a running mean add up to 1 - β^t: the sum telescopes."""
    k, target = Sym("k"), Sym("weights")
    terms = Sum("k", ONE, T, power(beta, T - k))
    shifted = Sum("k", ONE, T, power(beta, T - k + 1))
    total = Mul((1 - beta, terms))
    apart = Add((terms, -shifted))
    closed = 1 - power(beta, T)
    return [
        Step("weights", target, total, apart, "the weights of g_1 … g_t in a running mean, multiplied out"),
        Step("telescopes", target, apart, closed, "all terms cancel but the first and the last: the geometric sum"),
    ]


def definitions(asked: Question, form: Form) -> dict[str, Callable[..., Any]]:
    """Define what has a value at every update, by running the rule in floats."""
    bases = ["theta", *asked.rule.states, *(e.name for e in asked.rule.equations), *([] if asked.general else ["g"])]

    def defined(base: str, place: int) -> Callable[..., Any]:
        return lambda point, index: run_floats(asked, form, point, index)[index - asked.first + 1][place][base]

    return {asked.family(base, i): defined(base, i) for base in dict.fromkeys(bases) for i in asked.places}
