"""The answers to a question, by name."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Entry, Expr, Num, Sum, add, div, fold, number, power
from dlcalc.solution import symbols
from dlcalc.topics.momentum.bounds import MAX_EXPLICIT, MAX_POLYNOMIALS, MAX_SYMBOLIC, bounded
from dlcalc.topics.momentum.following import followed
from dlcalc.topics.momentum.rule import HAT, Question, Rule
from dlcalc.topics.momentum.writing import Vector, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlcalc.notation.printing import Value


def answered(asked: Question) -> dict[str, Value]:
    """Return the answers by name: every step where gradients are given, else closed forms."""
    if asked.closed:
        return {**_closed(asked), **_averages(asked)}
    g, *path = followed(asked) if asked.field else _listed(asked)
    return {**_path(asked, *path), **({"g": unwrapped(g)} if asked.field else {}), **_averages(asked)}


def _listed(asked: Question) -> list[list[Vector]]:
    """Return every g, every v, every θ and every θ̃ for gradients that are given."""
    given = len(asked.gradients)
    if given > MAX_SYMBOLIC and symbols(asked.rule.a, asked.gradients):
        raise DlcalcError(
            f"{given} gradients with a symbolic α or symbols among them give answers of {given} terms and more",
            f"give numbers, at most {MAX_SYMBOLIC} gradients, or --t {given} without gradients for the Σ form",
        )
    columns = zip(zip(*asked.gradients, strict=True), asked.v0, asked.theta0, strict=True)
    paths = [tuple(_weighted_forms(asked.rule, *column)) for column in columns]
    v, theta, tilde = ([tuple(path[step][which] for path in paths) for step in range(given)] for which in range(3))
    return [[*asked.gradients], v, theta, tilde]


def _path(asked: Question, v: list[Vector], theta: list[Vector], tilde: list[Vector]) -> dict[str, Value]:
    found = {"v": v, "theta": theta}
    if asked.nesterov:
        start = tuple(fold(asked.rule.ahead(x, y)) for x, y in zip(asked.theta0, asked.v0, strict=True))
        found |= {"theta_tilde": tilde, "look_ahead": [start, *tilde[:-1]]}
    return {name: unwrapped(rows) for name, rows in found.items()}


def _closed(asked: Question) -> dict[str, Value]:
    t, rule, steps = asked.t, asked.rule, asked.steps
    if steps == 0:
        v, theta = asked.v0[0], asked.theta0[0]
        return {"v_t": v, "theta_t": theta, **({"theta_tilde_t": fold(rule.ahead(theta, v))} if asked.nesterov else {})}
    v, theta = velocity_at(asked, t), parameter_at(asked, t)
    if steps is not None and steps <= MAX_EXPLICIT:
        v, polynomials, _ = letter_forms(asked, steps)[-1]
        theta = polynomials if steps <= MAX_POLYNOMIALS or isinstance(rule.a, Num) else theta
    found: dict[str, Value] = {"v_t": bounded(v), "theta_t": bounded(theta)}
    if asked.nesterov:
        new, old = Entry("v", t), Entry("v", t - 1)
        found["theta_tilde_t"] = fold(rule.stored(Entry("theta_tilde", t - 1), new, old))
        found["look_ahead_t"] = fold(rule.ahead(Entry("theta", t - 1), old))
        found["jacobian"] = ONE
    return found


def _averages(asked: Question) -> dict[str, Value]:
    """Divide v_t by the sum of its weights; only where v_t is an average that starts from nothing."""
    a, steps = asked.rule.a, asked.steps
    averaged = asked.convention == "ema" and set(asked.v0) == {ZERO} and a not in {ONE, MINUS_ONE}
    if not averaged or asked.field or steps == 0:
        return {}
    window = {"window": div(ONE, 1 - a)}
    if asked.gradients:
        columns = [_corrected(a, column) for column in zip(*asked.gradients, strict=True)]
        return {HAT: unwrapped(zip(*columns, strict=True)), **window}
    return {f"{HAT}_t": bounded(corrected_at(asked, asked.t)), **window}


def _corrected(a: Expr, gradients: Vector) -> Iterator[Expr]:
    """Yield the averages of the first gradients, 1, 2, … of them, whose weights add up to 1."""
    at_rest = _weighted_forms(Rule(a, ONE, ONE), gradients, ZERO, ZERO)
    total: Expr = ZERO
    for t, (weighted, _, _) in enumerate(at_rest, 1):
        total = a * total + ONE if isinstance(a, Num) else _powers(a, 0, t - 1)
        yield bounded(div(weighted, total))


def corrected_at(asked: Question, t: Expr) -> Expr:
    """Write v_t divided by the sum of its weights, 1 − β^t."""
    a, (k, _) = asked.rule.a, asked.indices
    if isinstance(t, Num) and t.value <= MAX_EXPLICIT:
        return list(_corrected(a, tuple(Entry("g", number(step)) for step in range(1, int(t.value) + 1))))[-1]
    if a == ZERO:
        return Entry("g", t)
    return div(1 - a, 1 - power(a, t)) * Sum(k.name, ONE, t, power(a, t - k) * Entry("g", k))


def _weighted_forms(rule: Rule, gradients: Vector, v0: Expr, theta0: Expr) -> Iterator[tuple[Expr, Expr, Expr]]:
    """Yield v_t, θ_t and θ̃_t for t = 1, 2, …: every gradient and v_0 with the weight that it has by then."""
    numeric = all(isinstance(g, Num) for g in (rule.a, *gradients))
    for of_v0, of_gradients in (_running if numeric else _written)(rule.a, gradients):
        v = of_v0[0] * v0 + rule.c * of_gradients[0]
        theta, tilde = (
            theta0 + rule.e * reached * v0 - rule.rate * total
            for reached, total in zip(of_v0[1:], of_gradients[1:], strict=True)
        )
        yield bounded(v), bounded(theta), bounded(tilde)


def _running(a: Expr, gradients: Vector) -> Iterator[tuple[Vector, Vector]]:
    """Keep, for v_t, θ_t and θ̃_t, what multiplies v_0 and what the weighted gradients add up to, as numbers."""
    decay, *pushes = (x.value for x in (a, *gradients) if isinstance(x, Num))
    decayed, reached, fading, total = Fraction(1), Fraction(0), Fraction(0), Fraction(0)
    for g in pushes:
        decayed, fading = decay * decayed, decay * fading + g
        reached, total = reached + decayed, total + fading
        of_v0 = (decayed, reached, reached + decay * decayed)
        of_gradients = (fading, total, total + decay * fading)
        yield tuple(bounded(number(x)) for x in of_v0), tuple(bounded(number(x)) for x in of_gradients)


def _written(a: Expr, gradients: Vector) -> Iterator[tuple[Vector, Vector]]:
    """Write the same sums out: by powers of a symbolic α where gradients are numbers, else by gradients."""
    by_power = not isinstance(a, Num) and any(isinstance(g, Num) for g in gradients)
    for t in range(1, len(gradients) + 1):
        newest_first = gradients[:t][::-1]
        fading = add(*(power(a, number(age)) * g for age, g in enumerate(newest_first)))
        totals = (
            add(*(power(a, number(j)) * add(*gradients[: t - max(j - further, 0)]) for j in range(t + further)))
            if by_power
            else add(*(_powers(a, 0, age + further) * g for age, g in enumerate(newest_first)))
            for further in (0, 1)
        )
        yield (power(a, number(t)), _powers(a, 1, t), _powers(a, 1, t + 1)), (fading, *totals)


def _powers(a: Expr, low: int, high: int) -> Expr:
    return add(*(power(a, number(j)) for j in range(low, high + 1)))


def letter_forms(asked: Question, steps: int) -> list[tuple[Expr, Expr, Expr]]:
    """Return v, θ and θ̃ of the first steps, in the letters g_1, g_2 and so on."""
    letters = tuple(Entry("g", number(k)) for k in range(1, steps + 1))
    return list(_weighted_forms(asked.rule, letters, asked.v0[0], asked.theta0[0]))


def velocity_at(asked: Question, t: Expr, exponent: Callable[[Expr], Expr] | None = None) -> Expr:
    """Write v_t with its Σ; `exponent` replaces the power t − k of α that belongs to g_k."""
    a, (k, _) = asked.rule.a, asked.indices
    if a == ZERO and exponent is None:
        return asked.rule.c * Entry("g", t)
    from_start = power(a, t) * asked.v0[0] if a != ZERO else ZERO
    weight = power(a, t - k if exponent is None else exponent(k))
    return from_start + asked.rule.c * Sum(k.name, ONE, t, weight * Entry("g", k))


def parameter_at(asked: Question, t: Expr, shift: int = 1) -> Expr:
    """Write θ_t with its Σ; `shift` is the number of powers of α in the weight of the last gradient."""
    rule, v0, theta0 = asked.rule, asked.v0[0], asked.theta0[0]
    k, _ = asked.indices
    g = Entry("g", k)
    if rule.a == ZERO:
        return theta0 - rule.rate * Sum(k.name, ONE, t, g)
    if rule.a == ONE:
        return theta0 + rule.e * t * v0 - rule.rate * Sum(k.name, ONE, t, (t - k + shift) * g)
    reached = div(rule.a * (1 - power(rule.a, t)), 1 - rule.a)
    total = Sum(k.name, ONE, t, (1 - power(rule.a, t - k + shift)) * g)
    return theta0 + rule.e * reached * v0 - rule.long_run * total
