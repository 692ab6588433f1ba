"""Momentum: known paths, brute force, laws of the conventions, Nesterov's two forms, marking, refusals."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Mark, Solution, marked, momentum
from dlcalc.givens import read_values
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Expr, Num
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.numeric import Samples, check_route, check_step, sample
from dlcalc.render import Layout, render
from dlcalc.solution import POINTS, Route, Work

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 4
"""Points at which the many derivations of the tables are checked; a few are checked at all of them."""
CONVENTIONS = ("course", "pytorch", "ema", "subtract")
COURSE: dict[str, Any] = {"alpha": 0.9, "lr": 0.1, "theta0": 1}
LIST: dict[str, Any] = {"gradients": "1,2,3", **COURSE}
SUBTRACT: dict[str, Any] = {"alpha": 0.9, "lr": 0.01, "convention": "subtract"}
NAG: dict[str, Any] = {**SUBTRACT, "nesterov": True}
SIGMA = "-eps*sum(k, 1, t, alpha^(t-k) g_k)"

PATHS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("three steps", LIST, {"v": "-0.1,-0.29,-0.561", "theta": "0.9,0.61,0.049"}),
    ("one step", {"gradients": 2, **COURSE}, {"v": "-0.2", "theta": "0.8"}),
    (
        "alpha and the rate as symbols",
        {"gradients": "1,2,3"},
        {
            "v": "-epsilon,-epsilon*(2 + alpha),-epsilon*(3 + 2*alpha + alpha^2)",
            "theta": "theta0 - epsilon,theta0 - epsilon*(3 + alpha),theta0 - epsilon*(6 + 3*alpha + alpha^2)",
        },
    ),
    (
        "gradients as symbols",
        {"gradients": "a,b", "alpha": 0.5, "lr": 0.1, "theta0": 0},
        {
            "v": "-0.1*a,-0.1*(b + 0.5*a)",
            "theta": "-0.1*a,-0.1*(b + 1.5*a)",
        },
    ),
    (
        "all symbols",
        {"gradients": "a,b"},
        {
            "v": "-epsilon*a,-epsilon*(b + alpha*a)",
            "theta": "theta0 - epsilon*a,theta0 - epsilon*(b + (1 + alpha)*a)",
        },
    ),
    (
        "only the rate a symbol",
        {"gradients": "1,1", "alpha": 0.5, "theta0": 0},
        {
            "v": "-epsilon,-1.5*epsilon",
            "theta": "-epsilon,-2.5*epsilon",
        },
    ),
    (
        "a starting velocity",
        {"gradients": "1,1", "alpha": 0.5, "lr": 1, "theta0": 0, "v0": 4},
        {
            "v": "1,-0.5",
            "theta": "1,0.5",
        },
    ),
    (
        "symbols everywhere at the start",
        {"gradients": "1", "v0": "v0"},
        {
            "v": "alpha*v0 - epsilon",
            "theta": "theta0 + alpha*v0 - epsilon",
        },
    ),
    ("no momentum", {"gradients": "1,2", "alpha": 0, "lr": 0.5, "theta0": 0}, {"v": "-0.5,-1", "theta": "-0.5,-1.5"}),
    ("no fading", {"gradients": "1,2", "alpha": 1, "lr": 1, "theta0": 0}, {"v": "-1,-3", "theta": "-1,-4"}),
    ("negative momentum", {"gradients": "1,1", "alpha": -1, "lr": 1, "theta0": 0}, {"v": "-1,0", "theta": "-1,-1"}),
    ("zero gradients", {"gradients": "0,0", **COURSE}, {"v": "0,0", "theta": "1,1"}),
    ("subtracting, one step", {"gradients": 0.1, "theta0": 1, "v0": 0.1, **SUBTRACT}, {"v": "0.091", "theta": "0.909"}),
    (
        "a vector, one step",
        {"gradients": "0.1,0.2", "theta0": "1,2", "v0": "0.5,1", **SUBTRACT},
        {
            "v": "[[0.451,0.902]]",
            "theta": "[[0.549,1.098]]",
        },
    ),
    (
        "a vector, two steps",
        {"gradients": "1,2;3,4", "theta0": "0,0", "alpha": 0.5, "lr": 1},
        {
            "v": "-1,-2;-3.5,-5",
            "theta": "-1,-2;-4.5,-7",
        },
    ),
    (
        "lists in Python",
        {"gradients": [[1, 2], [3, 4]], "theta0": [0, 0], "alpha": 0.5, "lr": 1},
        {
            "theta": "-1,-2;-4.5,-7",
        },
    ),
    ("steps of one number between semicolons", {"gradients": "1;2;3", **COURSE}, {"theta": "0.9,0.61,0.049"}),
    ("pytorch", {**LIST, "convention": "pytorch"}, {"v": "1,2.9,5.61", "theta": "0.9,0.61,0.049"}),
    (
        "running average",
        {"gradients": "1,2", "beta": 0.9, "lr": 0.1, "theta0": 1, "convention": "ema"},
        {
            "v": "0.1,0.29",
            "theta": "0.99,0.961",
        },
    ),
    (
        "running average in symbols",
        {"gradients": "a", "convention": "ema"},
        {
            "v": "(1 - beta)*a",
            "theta": "theta0 - (1 - beta)*epsilon*a",
        },
    ),
    (
        "running average, its bias corrected",
        {"gradients": "10,25", "beta": 0.5, "lr": 1, "theta0": 0, "convention": "ema"},
        {"v": "5,15", "v_hat": "10,20", "window": "2"},
    ),
    (
        "the bias corrected in symbols",
        {"gradients": "a,b", "convention": "ema"},
        {"v_hat": "a,(b + beta*a)/(1 + beta)", "window": "1/(1 - beta)"},
    ),
    (
        "running average of vectors",
        {"gradients": "1,2;3,4", "theta0": "0,0", "beta": 0.5, "lr": 0, "convention": "ema"},
        {"v_hat": "1,2;7/3,10/3"},
    ),
    (
        "Nesterov, gradients given",
        {"gradients": "1,2", "nesterov": True, **COURSE},
        {
            "v": "-0.1,-0.29",
            "theta_tilde": "0.81,0.349",
            "look_ahead": "1,0.81",
        },
    ),
    (
        "Nesterov in symbols",
        {"gradients": "a", "nesterov": True},
        {
            "theta_tilde": "theta0 - epsilon*(1 + alpha)*a",
            "look_ahead": "theta0",
        },
    ),
    (
        "look-ahead against the sign",
        {"grad": "x", "theta0": 1, "v0": 0.1, **NAG},
        {"v": "0.0991", "theta": "0.9009", "look_ahead": "0.91"},
    ),
    ("look-ahead, faster", {"grad": "theta", "theta0": 1, "v0": 0.5, **NAG}, {"v": "0.4555", "theta": "0.5445"}),
    (
        "look-ahead of a vector",
        {"grad": "x, x - 1", "theta0": "1,2", "v0": "0.5,1", **NAG},
        {
            "v": "[[0.4555,0.901]]",
            "theta": "[[0.5445,1.099]]",
            "g": "[[0.55,0.1]]",
        },
    ),
    (
        "look-ahead with a plus",
        {"grad": "x", "theta0": 1, "v0": 0.1, "mu": 0.9, "lr": 0.1, "nesterov": True},
        {
            "theta": "0.981",
            "v": "-0.019",
            "look_ahead": "1.09",
            "theta_tilde": "0.9639",
        },
    ),
    (
        "followed, plain",
        {"grad": "2 theta - 1", "theta0": 1, "alpha": 0.5, "lr": 0.1, "t": 2},
        {
            "g": "1,0.8",
            "v": "-0.1,-0.13",
            "theta": "0.9,0.77",
        },
    ),
    (
        "followed in symbols",
        {"grad": "theta", "t": 2, "alpha": 0},
        {"theta": "theta0*(1 - epsilon),theta0*(1 - 2*epsilon + epsilon^2)"},
    ),
    (
        "coupled components",
        {"grad": "4 theta_1 + theta_2, theta_1 + 2 theta_2", "theta0": "1,1", "alpha": 0, "lr": 0.1},
        {
            "g": "[[5,3]]",
            "theta": "[[0.5,0.7]]",
        },
    ),
    ("one expression for all components", {"grad": "w^2", "theta0": "1,2", "alpha": 0, "lr": 1}, {"theta": "[[0,-2]]"}),
    (
        "a constant gradient",
        {"grad": "3", "theta0": 1, "alpha": 0.5, "lr": 0.1, "t": 2},
        {"g": "3,3", "v": "-0.3,-0.45"},
    ),
    (
        "the sign as gradient",
        {"grad": "sign(theta)", "theta0": 0.1, "alpha": 0, "lr": 0.2, "t": 2},
        {"theta": "-0.1,0.1"},
    ),
]
CLOSED: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "any number of steps",
        {"t": "t"},
        {
            "v_t": "-epsilon*sum(k, 1, t, alpha^(t - k)*g[k])",
            "theta_t": "theta0 - epsilon/(1 - alpha)*sum(k, 1, t, (1 - alpha^(t - k + 1))*g[k])",
        },
    ),
    ("a starting velocity", {"v0": "v0"}, {"v_t": "alpha^t*v0 - epsilon*sum(k, 1, t, alpha^(t - k)*g[k])"}),
    (
        "no fading",
        {"t": "n", "alpha": 1, "v0": 2},
        {
            "v_t": "2 - epsilon*sum(k, 1, n, g[k])",
            "theta_t": "theta0 + 2*n - epsilon*sum(k, 1, n, (n - k + 1)*g[k])",
        },
    ),
    ("no momentum", {"alpha": 0, "v0": 2}, {"v_t": "-epsilon*g[t]", "theta_t": "theta0 - epsilon*sum(k, 1, t, g[k])"}),
    (
        "numbers in a running average",
        {"convention": "ema"},
        {
            "v_t": "(1 - beta)*sum(k, 1, t, beta^(t - k)*g[k])",
            "theta_t": "theta0 - epsilon*sum(k, 1, t, (1 - beta^(t - k + 1))*g[k])",
        },
    ),
    (
        "the bias of a running average",
        {"convention": "ema", "t": "n"},
        {"v_hat_t": "(1 - beta)/(1 - beta^n)*sum(k, 1, n, beta^(n - k)*g[k])", "window": "1/(1 - beta)"},
    ),
    ("two averaged values", {"convention": "ema", "t": 2}, {"v_hat_t": "(g[2] + beta*g[1])/(1 + beta)"}),
    ("how many values", {"convention": "ema", "beta": 0.999}, {"window": "1000"}),
    ("nothing averaged", {"convention": "ema", "beta": 0, "t": 20}, {"v_hat_t": "g[20]", "window": "1"}),
    ("the momentum is called like the index", {"alpha": "k"}, {"v_t": "-epsilon*sum(j, 1, t, k^(t - j)*g[j])"}),
    (
        "three steps",
        {"t": 3},
        {
            "v_t": "-epsilon*(g[3] + alpha*g[2] + alpha^2*g[1])",
            "theta_t": "theta0 - epsilon*(g[3] + (1 + alpha)*g[2] + (1 + alpha + alpha^2)*g[1])",
        },
    ),
    (
        "two steps in numbers",
        {"t": 2, "alpha": 0.5, "lr": 0.1, "theta0": 3},
        {
            "v_t": "-0.1*(g[2] + 0.5*g[1])",
            "theta_t": "3 - 0.1*(g[2] + 1.5*g[1])",
        },
    ),
    (
        "no step",
        {"t": 0, "v0": 2, "nesterov": True},
        {"v_t": "2", "theta_t": "theta0", "theta_tilde_t": "theta0 + 2*alpha"},
    ),
    (
        "twelve steps keep the sum for theta",
        {"t": 12},
        {
            "theta_t": "theta0 - epsilon/(1 - alpha)*sum(k, 1, 12, (1 - alpha^(13 - k))*g[k])",
        },
    ),
    ("more steps", {"t": 40, "lr": 0.1}, {"v_t": "-0.1*sum(k, 1, 40, alpha^(40 - k)*g[k])"}),
    (
        "a thousand million steps",
        {"t": 10**9, "alpha": 0.9, "v0": 1},
        {
            "v_t": "0.9^1000000000 - epsilon*sum(k, 1, 1000000000, 0.9^(1000000000 - k)*g[k])",
            "theta_t": "theta0 + 9*(1 - 0.9^1000000000)"
            " - 10*epsilon*sum(k, 1, 1000000000, (1 - 0.9^(1000000001 - k))*g[k])",
        },
    ),
    (
        "one general Nesterov step",
        {"nesterov": True},
        {
            "theta_tilde_t": "theta_tilde[t - 1] + v[t] + alpha*(v[t] - v[t - 1])",
            "look_ahead_t": "theta[t - 1] + alpha*v[t - 1]",
            "jacobian": "1",
        },
    ),
    (
        "subtracting, one Nesterov step",
        {"nesterov": True, "convention": "subtract"},
        {
            "theta_tilde_t": "theta_tilde[t - 1] - v[t] - alpha*(v[t] - v[t - 1])",
            "look_ahead_t": "theta[t - 1] - alpha*v[t - 1]",
        },
    ),
]
DERIVED: list[tuple[str, dict[str, Any]]] = [
    *((name, givens) for name, givens, _ in (*PATHS, *CLOSED)),
    *((f"{c}, any number", {"convention": c, "nesterov": True, "v0": "v0"}) for c in CONVENTIONS),
    *((f"{c}, four steps", {"convention": c, "nesterov": True, "t": 4, "v0": 1, "lr": 0.1}) for c in CONVENTIONS),
    *((f"{c}, seven steps", {"convention": c, "t": 7, "alpha": 0.5}) for c in CONVENTIONS),
    *((f"{c}, a list", {"convention": c, "gradients": "1,b,2", "nesterov": True, "v0": "v0"}) for c in CONVENTIONS),
    *((f"{c}, followed", {"convention": c, "grad": "k theta", "t": 2, "nesterov": True}) for c in CONVENTIONS),
    ("no fading, five steps", {"t": 5, "alpha": 1}),
    ("no momentum, five steps", {"t": 5, "alpha": 0, "v0": "v0", "nesterov": True}),
    ("compound coefficients", {"alpha": "1 - b", "lr": "1/n"}),
    ("a pole in the gradient", {"grad": "theta/(b - 1)"}),
    ("a logarithm as gradient", {"grad": "ln theta"}),
    ("an exponential as gradient, in numbers", {"grad": "exp(theta)", "theta0": 0, "alpha": 0.9, "lr": 0.1, "t": 3}),
    ("a square as gradient", {"grad": "theta^2", "theta0": 1, "alpha": 0.9, "lr": 0.1, "t": 6, "nesterov": True}),
    ("many gradients", {"gradients": ",".join(map(str, range(60))), **COURSE}),
    (
        "a wide vector",
        {"gradients": "1,2,3;4,5,6", "theta0": "0,0,0", "v0": "1,1,1", "alpha": 0.5, "lr": 1, "nesterov": True},
    ),
]


def rows(table: list[Any]) -> dict[str, Any]:
    """Hand a table to parametrize, its first column as ids."""
    return {"argvalues": [row[1:] if len(row) > 2 else row[1] for row in table], "ids": [row[0] for row in table]}


def texts(solution: Solution) -> dict[str, str]:
    return {answer.name: answer.text for answer in solution.answers}


def fractions(value: Value) -> Any:  # noqa: ANN401 (nested lists of fractions)
    if isinstance(value, tuple):
        return [fractions(v) for v in value]
    assert isinstance(value, Num)
    return value.value


# answers


@pytest.mark.parametrize(("givens", "expected"), **rows(PATHS))
def test_every_velocity_and_parameter(givens: dict[str, Any], expected: dict[str, str]) -> None:
    found = texts(momentum(**givens))
    assert {name: found[name] for name in expected} == expected
    assert list(found)[:2] == ["v", "theta"]


@pytest.mark.parametrize(("givens", "expected"), **rows(CLOSED))
def test_closed_forms(givens: dict[str, Any], expected: dict[str, str]) -> None:
    found = texts(momentum(**givens))
    assert {name: found[name] for name in expected} == expected


@cache
def derived(name: str) -> tuple[Solution, Work, Samples]:
    """Solve one of the questions that are derived, once for all the tests that look at it."""
    solution = momentum(**dict(DERIVED)[name])
    return solution, solution.work(), sample(solution.setting, 0, FEW)


@pytest.mark.parametrize("name", dict(DERIVED))
def test_every_line_and_every_route_holds(name: str) -> None:
    _, work, samples = derived(name)
    assert samples.count in {1, FEW}
    assert [step.rule for step in work.steps if not check_step(step, samples).holds] == []
    routes = [route for route in work.routes if isinstance(route, Route)]
    assert routes
    assert [route.claim for route in routes if not check_route(route, samples).holds] == []


@pytest.mark.parametrize("givens", [LIST, {"t": 3}, {"nesterov": True, "convention": "pytorch"}], ids=str)
def test_the_whole_derivation_holds_at_all_points(givens: dict[str, Any]) -> None:
    solution = momentum(**givens)
    assert solution.holds
    points = {step.check.points for step in solution.steps if step.check}
    assert points == {1} if givens == LIST else max(points) == POINTS


@pytest.mark.parametrize("name", dict(DERIVED))
def test_no_line_repeats_the_one_before_it(name: str) -> None:
    for step in derived(name)[1].steps:
        assert plain(step.before) != plain(step.after), step.rule
        assert step.because


@pytest.mark.parametrize("name", dict(DERIVED))
def test_what_is_written_reads_as_the_same_value(name: str) -> None:
    solution, work, samples = derived(name)
    scope = solution.setting.scope()
    for answer in solution.answers:
        if "^1000000000" not in answer.text:  # a power that is written but not read, being beyond all bounds
            assert plain(read_values("answer", answer.text, scope)) == answer.text
    one = replace(samples, points=samples.points[:1])
    for step in work.steps:
        for write in (plain, unicode):
            before, after = (read_values("step", write(side), scope) for side in (step.before, step.after))
            assert check_step(replace(step, before=before, after=after), one).holds, plain(step.after)


def test_a_wrong_line_is_caught() -> None:
    """The checker does not know the formulas: with one gradient forgotten, the same lines fail."""
    solution = momentum(t="t")
    samples = sample(solution.setting, 0)
    short = {"v": lambda point, t: solution.setting.definitions["v"](point, max(t - 1, 0))}
    broken = replace(solution.setting, definitions={**solution.setting.definitions, **short})
    outcomes = {step.rule: check_step(step, replace(samples, setting=broken)).holds for step in solution.work().steps}
    assert not any(outcomes[rule] for rule in ("v", "v-2", "pattern", "base", "induction", "theta", "alpha-0"))


def test_the_general_derivation_is_an_induction() -> None:
    rules = [step.rule for step in momentum().work().steps]
    expected = [
        "v",
        "v-2",
        "v-3",
        "pattern",
        "base",
        "induction",
        "hypothesis",
        "distributed",
        "induction-end",
        "theta",
        "theta-put-in",
        "theta-swapped",
        "theta-geometric",
        "alpha-1",
        "alpha-0",
    ]
    assert [rule for rule in rules if rule in expected] == expected


def test_the_proof_that_the_two_nesterov_forms_coincide() -> None:
    steps = {step.rule: unicode(step.after) for step in momentum(nesterov=True).work().steps}
    assert [steps[rule] for rule in ("start-value", "tilde", "moved", "substituted", "stored", "stored-gradient")] == [
        "θ_0",
        "θ_t + α v_t",
        "θ_{t-1} + v_t + α v_t",
        "θ̃_{t-1} - α v_{t-1} + v_t + α v_t",
        "θ̃_{t-1} + v_t + α(v_t - v_{t-1})",
        "θ̃_{t-1} + α v_t - ε g_t",
    ]


def test_a_short_path_is_written_out_in_numbers() -> None:
    steps = [(plain(step.before), plain(step.after)) for step in momentum(**LIST).work().steps]
    assert steps[4:8] == [
        ("v[2]", "0.9*(-0.1) - 0.1*2"),
        ("0.9*(-0.1) - 0.1*2", "-0.29"),
        ("theta[2]", "0.9 - 0.29"),
        ("0.9 - 0.29", "0.61"),
    ]


# brute force of the test's own

NUMBERS = st.fractions(min_value=-2, max_value=2, max_denominator=8)
GRADIENTS = st.lists(NUMBERS, min_size=1, max_size=6)
STARTS = st.fixed_dictionaries({"alpha": NUMBERS, "lr": NUMBERS, "v0": NUMBERS, "theta0": NUMBERS})
LINES = st.tuples(NUMBERS, NUMBERS)
"""Slope and shift of a gradient that is a line."""


def follow(
    convention: str,
    start: dict[str, Fraction],
    gradient: Callable[[int, Fraction], Fraction],
    steps: int,
    *,
    ahead: bool,
) -> tuple[list[Fraction], list[Fraction]]:
    """Run each convention as its own source writes it."""
    a, lr, v, theta = (start[name] for name in ("alpha", "lr", "v0", "theta0"))
    vs, thetas = [], []
    for step in range(steps):
        move = {"course": a * v, "pytorch": -lr * a * v, "ema": -lr * a * v, "subtract": -a * v}[convention]
        g = gradient(step, theta + move if ahead else theta)
        if convention == "course":
            v = a * v - lr * g
            theta = theta + v
        elif convention == "pytorch":
            v = a * v + g
            theta = theta - lr * v
        elif convention == "ema":
            v = a * v + (1 - a) * g
            theta = theta - lr * v
        else:
            v = a * v + lr * g
            theta = theta - v
        vs.append(v)
        thetas.append(theta)
    return vs, thetas


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(CONVENTIONS), STARTS, GRADIENTS)
def test_lists_agree_with_the_rule_run_step_by_step(
    convention: str, start: dict[str, Fraction], gradients: list[Fraction]
) -> None:
    found = momentum(gradients=gradients, convention=convention, **start)
    expected = follow(convention, start, lambda step, _: gradients[step], len(gradients), ahead=False)
    assert (fractions(found["v"].value), fractions(found["theta"].value)) == expected


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(CONVENTIONS), st.booleans(), STARTS, LINES, st.integers(1, 4))
def test_a_followed_gradient_agrees_with_the_rule_run_step_by_step(
    convention: str,
    nesterov: bool,  # noqa: FBT001 (drawn)
    start: dict[str, Fraction],
    line: tuple[Fraction, Fraction],
    steps: int,
) -> None:
    found = momentum(grad=written(line), t=steps, convention=convention, nesterov=nesterov, **start)
    expected = follow(convention, start, lambda _, x: line[0] * x + line[1], steps, ahead=nesterov)
    assert (fractions(found["v"].value), fractions(found["theta"].value)) == expected


def written(line: tuple[Fraction, Fraction]) -> str:
    return f"({line[0]}) theta + ({line[1]})"


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(CONVENTIONS), STARTS.filter(lambda start: start["alpha"] != 1), GRADIENTS, st.booleans())
def test_closed_forms_agree_with_the_rule_run_step_by_step(
    convention: str,
    start: dict[str, Fraction],
    gradients: list[Fraction],
    letter: bool,  # noqa: FBT001 (drawn)
) -> None:
    steps = len(gradients)
    found = momentum(t="t" if letter else steps, alpha="alpha", v0="v0", convention=convention)
    point = {**start, "epsilon": start["lr"], "t": Fraction(steps), "g": tuple(gradients)}
    vs, thetas = follow(convention, start, lambda step, _: gradients[step], steps, ahead=False)
    values = [found[name].value for name in ("v_t", "theta_t")]
    assert [PLAIN.value(value, point) for value in values if isinstance(value, Expr)] == [vs[-1], thetas[-1]]


@settings(deadline=None, max_examples=12)
@given(STARTS, GRADIENTS)
def test_conventions_that_only_rescale_the_velocity_give_the_same_parameters(
    start: dict[str, Fraction], gradients: list[Fraction]
) -> None:
    at_rest = {**start, "v0": Fraction(0)}
    course, torch, subtract, ema = (
        momentum(gradients=gradients, convention=c, **at_rest) for c in ("course", "pytorch", "subtract", "ema")
    )
    assert torch["theta"].value == subtract["theta"].value == course["theta"].value
    v = fractions(course["v"].value)
    assert [-start["lr"] * x for x in fractions(torch["v"].value)] == v
    assert [-x for x in fractions(subtract["v"].value)] == v
    damped = momentum(gradients=gradients, **{**at_rest, "lr": (1 - start["alpha"]) * start["lr"]})
    assert ema["theta"].value == damped["theta"].value


@settings(deadline=None, max_examples=12)
@given(STARTS, LINES, st.integers(1, 4))
def test_the_stored_forms_of_the_libraries(
    start: dict[str, Fraction], line: tuple[Fraction, Fraction], steps: int
) -> None:
    """torch.optim.SGD(nesterov=True) and Keras keep θ̃; from v_0 = 0 both start at θ_0."""
    a, lr, slope, shift = start["alpha"], start["lr"], *line
    p, buffer, w, v = start["theta0"], Fraction(0), start["theta0"], Fraction(0)
    torch, keras = [], []
    for _ in range(steps):
        g = slope * p + shift
        buffer = a * buffer + g
        p -= lr * (g + a * buffer)
        torch.append(p)
        g = slope * w + shift
        v = a * v - lr * g
        w += a * v - lr * g
        keras.append(w)
    at_rest = {**start, "v0": Fraction(0)}
    for convention, expected in (("pytorch", torch), ("course", keras)):
        found = momentum(grad=written(line), t=steps, nesterov=True, convention=convention, **at_rest)
        assert fractions(found["theta_tilde"].value) == expected


@settings(deadline=None, max_examples=12)
@given(NUMBERS, NUMBERS, GRADIENTS)
def test_symbols_and_numbers_give_the_same(a: Fraction, lr: Fraction, gradients: list[Fraction]) -> None:
    letters = momentum(gradients=gradients, theta0=1, nesterov=True)
    numbers = momentum(gradients=gradients, alpha=a, lr=lr, theta0=1, nesterov=True)
    for name in ("v", "theta", "theta_tilde", "look_ahead"):
        value = letters[name].value
        assert isinstance(value, tuple)
        found = [PLAIN.value(x, {"alpha": a, "epsilon": lr}) for x in value if isinstance(x, Expr)]
        assert found == fractions(numbers[name].value)


@pytest.mark.parametrize("changed", [{"beta": 1}, {"beta": -1}, {"v0": 1}, {"convention": "course"}], ids=str)
def test_a_bias_is_corrected_only_in_an_average_that_starts_from_nothing(changed: dict[str, Any]) -> None:
    givens = {"gradients": "1,2", "convention": "ema", **changed}
    assert not {"v_hat", "window"} & set(texts(momentum(**givens)))


def test_a_vector_is_its_components() -> None:
    together = momentum(gradients="1,2;3,4;5,6", theta0="7,8", v0="0.5,-1", alpha=0.9, lr=0.1, nesterov=True)
    for name in ("v", "theta", "theta_tilde", "look_ahead"):
        columns = [
            momentum(gradients=g, theta0=x, v0=v, alpha=0.9, lr=0.1, nesterov=True)[name].value
            for g, x, v in (("1,3,5", 7, 0.5), ("2,4,6", 8, -1))
        ]
        assert together[name].value == tuple(zip(*columns, strict=True))


# marking


def judge(answer: str, **givens: object) -> Mark:
    return marked(momentum(**givens), [answer]).marks[0]


RIGHT: list[tuple[str, dict[str, Any], str]] = [
    ("the sum", {}, f"v_t={SIGMA}"),
    ("the sum with the power taken out", {}, "v_t=-eps alpha^t sum(k, 1, t, alpha^(-k) g_k)"),
    ("the sum counted from the newest", {}, "v_t=-lr sum(j, 0, t-1, alpha^j g[t-j])"),
    ("the rule itself", {}, "v_t=a v_{t-1} - eta g_t"),
    ("theta by velocities", {}, "theta_t=theta_0 + sum(k, 1, t, v[k])"),
    ("theta by inner sums", {}, "theta_t=θ_0 - ε Σ_{k=1}^{t} g_k Σ_{j=0}^{t-k} α^j"),
    ("theta by one step", {}, "theta_t=theta_old + v_new"),
    ("three steps", {"t": 3}, "v_t=-eps(g_3 + alpha g_2 + alpha^2 g_1)"),
    ("three steps by their label", {"t": 3}, "v_3=-eps g_3 - alpha eps (g_2 + alpha g_1)"),
    ("three steps as a sum", {"t": 3}, f"v_t={SIGMA}"),
    ("five steps with the closed sum", {"t": 5}, "theta_t=theta0 - eps/(1-alpha) sum(k,1,5,(1 - alpha^(6-k)) g_k)"),
    ("beta in a running average", {"convention": "ema"}, "v_t=(1-beta) sum(k,1,t,beta^(t-k) g_k)"),
    ("alpha in a running average", {"convention": "ema"}, "v_t=(1-alpha) sum(k,1,t,alpha^(t-k) g_k)"),
    ("the rate's name where it is a number", {"lr": 0.1, "t": 2}, "v_t=-lr (g_2 + alpha g_1)"),
    ("the stored form", {"nesterov": True}, "theta_tilde_t=ttilde_old + v_new + alpha*(v_new - v_old)"),
    (
        "the stored form multiplied out",
        {"nesterov": True},
        "theta_tilde_t=ttilde_old - alpha*v_old + v_new + alpha*v_new",
    ),
    ("the stored form by its gradient", {"nesterov": True}, "theta_tilde_t=ttilde_old + alpha v_new - eps g_t"),
    ("what theta tilde means", {"nesterov": True}, "theta_tilde_t=theta_t + alpha v_t"),
    ("the stored form with tildes", {"nesterov": True}, "theta_tilde_t=θ̃_{t-1} + v_t + a(v_t - v_{t-1})"),
    ("where it looks ahead", {"nesterov": True}, "look_ahead_t=theta_old + alpha*v_old"),
    ("the jacobian", {"nesterov": True}, "jacobian=1"),
    ("where theta tilde starts", {"nesterov": True, "t": 0}, "theta_tilde_t=theta_0"),
    ("a list", LIST, "v=-0.1,-0.29,-0.561"),
    ("a list of fractions", LIST, "theta=9/10, 61/100, 49/1000"),
    ("a list in symbols", {"gradients": "1,2"}, "theta=theta0 - eps, theta0 - 3eps - alpha eps"),
    ("a single step", {"gradients": 2, **COURSE}, "v=-0.2"),
    (
        "a single step of a vector",
        {"gradients": "0.1,0.2", "theta0": "1,2", "v0": "0.5,1", **SUBTRACT},
        "theta=0.549,1.098",
    ),
    ("a path of vectors", {"gradients": "1,2;3,4", "theta0": "0,0", "alpha": 0.5, "lr": 1}, "v=-1,-2;-3.5,-5"),
]
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("sign", {}, "v_t=eps sum(k,1,t,alpha^(t-k) g_k)", "a sign is reversed: v_t = α v_{t-1} - ε g_t"),
    ("sign of theta", {}, "theta_t=theta0 + eps/(1-alpha) sum(k,1,t,(1 - alpha^(t-k+1)) g_k)", "a sign is reversed"),
    ("power one too high", {}, "v_t=-eps sum(k,1,t,alpha^(t-k+1) g_k)", "g_t itself is not multiplied by α"),
    ("order", {}, "v_t=-eps sum(k,1,t,alpha^(k-1) g_k)", "the weights run the wrong way"),
    ("order and power", {}, "v_t=-eps sum(k,1,t,alpha^k g_k)", "its power is 0, not 1"),
    ("order of three", {"t": 3}, "v_t=-eps(g_1 + alpha g_2 + alpha^2 g_3)", "the weights run the wrong way"),
    ("no momentum", {}, "v_t=-eps g_t", "the momentum term is missing"),
    ("alpha forgotten", {}, "v_t=-eps sum(k,1,t,g_k)", "the old velocity is not multiplied by α"),
    ("rate forgotten", {}, "v_t=-sum(k,1,t,alpha^(t-k) g_k)", "the learning rate is missing"),
    ("rate twice", {}, "v_t=-eps^2 sum(k,1,t,alpha^(t-k) g_k)", "the learning rate is applied twice"),
    ("pytorch's velocity", {}, "v_t=sum(k,1,t,alpha^(t-k) g_k)", "that follows the pytorch convention"),
    ("averaged velocity", {}, "v_t=(1-alpha) sum(k,1,t,alpha^(t-k) g_k)", "that follows the ema convention"),
    ("course's velocity", {"convention": "pytorch"}, f"v_t={SIGMA}", "that follows the course convention"),
    ("start dropped", {"v0": "v0"}, f"v_t={SIGMA}", "v_0 is dropped"),
    ("plain descent for theta", {}, "theta_t=theta0 - eps sum(k,1,t,g_k)", "the momentum term is missing"),
    ("only the last velocity", {}, "theta_t=theta0 + v_t", "only the last velocity is added"),
    ("theta by the old velocity", {}, "theta_t=theta_{t-1}", "θ moves by the new velocity"),
    (
        "theta's power one too low",
        {},
        "theta_t=theta0 - eps/(1-alpha) sum(k,1,t,(1 - alpha^(t-k)) g_k)",
        "θ moves by the new",
    ),
    (
        "stored form from theta",
        {"nesterov": True},
        "theta_tilde_t=theta_old + v_new + alpha(v_new - v_old)",
        "not from θ_{t−1}",
    ),
    ("stored form too short", {"nesterov": True}, "theta_tilde_t=ttilde_old + v_new", "the change of the look-ahead"),
    (
        "stored form's sign",
        {"nesterov": True},
        "theta_tilde_t=ttilde_old + v_new - alpha(v_new - v_old)",
        "counts with +",
    ),
    (
        "substituted with plus",
        {"nesterov": True},
        "theta_tilde_t=ttilde_old + alpha v_old + v_new + alpha v_new",
        "less the old look-ahead",
    ),
    (
        "nothing substituted",
        {"nesterov": True},
        "theta_tilde_t=ttilde_old + v_new + alpha v_new",
        "less the old look-ahead",
    ),
    ("no look-ahead", {"nesterov": True}, "look_ahead_t=theta_old", "plain momentum"),
    (
        "a full look-ahead",
        {"nesterov": True},
        "look_ahead_t=theta_old + v_old",
        "multiplied by the momentum coefficient",
    ),
    ("a look back", {"nesterov": True}, "look_ahead_t=theta_old - alpha v_old", "not against it"),
    ("sign in a list", LIST, "v=0.1,0.29,0.561", "a sign is reversed"),
    ("sign of the move", {**LIST, "v0": 1}, "theta=0.2,-0.32,-0.488", "θ moves the other way"),
    ("order of a list", LIST, "v=-0.3,-0.47,-0.523", "reverse order"),
    ("no rate in a list", LIST, "v=-1,-2.9,-5.61", "the learning rate is missing"),
    ("another convention in a list", LIST, "v=1,2.9,5.61", "that follows the pytorch convention"),
    ("the old velocity in a list", LIST, "theta=1,0.9,0.61", "θ moves by the new velocity"),
    ("plain descent in a list", LIST, "theta=0.9,0.7,0.4", "the momentum term is missing"),
    (
        "gradient without look-ahead",
        {"grad": "x", "theta0": 1, "v0": 0.1, **NAG},
        "v=0.1",
        "the gradient is taken at θ_{t−1}",
    ),
    (
        "gradient with look-ahead",
        {"grad": "x", "theta0": 1, "v0": 0.1, **SUBTRACT},
        "v=0.0991",
        "it belongs at θ_{t−1}",
    ),
    ("another sign convention", {"grad": "x", "theta0": 1, "v0": 0.1, **NAG}, "v=0.0791", "the course convention"),
    ("bias left", {"gradients": "10,25", "beta": 0.5, "convention": "ema"}, "v_hat=5,15", "that is v"),
    ("v for theta", LIST, "theta=-0.1,-0.29,-0.561", "that is v"),
]


@pytest.mark.parametrize(("givens", "answer"), **rows(RIGHT))
def test_equivalent_answers_are_correct(givens: dict[str, Any], answer: str) -> None:
    assert judge(answer, **givens).correct is True


@pytest.mark.parametrize(
    ("givens", "answer"),
    [
        ({"t": 3, "alpha": 0.9}, "v_t=-epsilon(g_3 + alpha g_2 + alpha^2 g_1)"),
        ({"t": 2, "alpha": "m", "lr": "2r"}, "v_t=-epsilon(g_2 + alpha g_1)"),
        ({"t": 2, "convention": "ema", "alpha": 0.5}, "v_t=(1 - beta)(g_2 + beta g_1)"),
        ({"t": 1, "v0": 3, "theta0": 2}, "theta_t=theta0 + alpha v0 - epsilon g_1"),
        ({**LIST, "v0": "2u"}, "v=alpha v0 - eps,alpha^2 v0 - eps(2 + alpha),alpha^3 v0 - eps(3 + 2alpha + alpha^2)"),
    ],
)
def test_letters_of_the_rule_stand_for_the_givens(givens: dict[str, Any], answer: str) -> None:
    assert judge(answer, **givens).correct is True
    assert judge(answer.replace("alpha", "(alpha + 1)").replace("beta", "(beta + 1)"), **givens).correct is False
    setting = momentum(**givens).setting
    assert not setting.values.keys() & setting.domains.keys()


@pytest.mark.parametrize(("givens", "answer", "because"), **rows(WRONG))
def test_common_slips_are_wrong_and_explained(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = judge(answer, **givens)
    assert mark.correct is False
    assert because in mark.because


def test_every_slip_differs_from_the_answer_and_points_at_a_step() -> None:
    for givens in ({"nesterov": True, "v0": "v0"}, {**LIST, "v0": 1}, {"grad": "x^2", "theta0": 2, "v0": 1, **NAG}):
        solution = momentum(**givens)
        rules = {step.rule for step in solution.work().steps} | {"", "v-2"}
        for answer in solution.answers:
            for slip in answer.slips:
                assert slip.rule in rules, slip.because
                if slip.rule == "theta" or answer.name not in {"theta", "theta_t"}:
                    assert plain(slip.value) != answer.text or "θ moves" in slip.because, slip.because


def test_a_sum_too_long_to_evaluate_is_left_undecided() -> None:
    """Neither right nor wrong may be said of what was not compared."""
    for sign in ("-", ""):
        for steps in (200, 10**9):
            mark = judge(f"v_t={sign}eps*sum(k,1,{steps},alpha^({steps}-k) g_k)", t=steps)
            assert mark.correct is None


# what is said


def test_which_rule_was_used_is_printed() -> None:
    said = {c: momentum(t=2, convention=c).conventions[0] for c in CONVENTIONS}
    assert said == {
        "course": "course: v_t = α v_{t-1} - ε g_t, θ_t = θ_{t-1} + v_t",
        "pytorch": "pytorch: v_t = α v_{t-1} + g_t, θ_t = θ_{t-1} - ε v_t (as torch.optim.SGD without dampening)",
        "ema": "ema: v_t = β v_{t-1} + (1 - β) g_t, θ_t = θ_{t-1} - ε v_t",
        "subtract": "subtract: v_t = α v_{t-1} + ε g_t, θ_t = θ_{t-1} - v_t",
    }


@pytest.mark.parametrize(
    ("convention", "ahead"),
    [("course", "θ_{t-1} + α v_{t-1}"), ("pytorch", "θ_{t-1} - εα v_{t-1}"), ("subtract", "θ_{t-1} - α v_{t-1}")],
)
def test_where_nesterov_takes_the_gradient_is_printed(convention: str, ahead: str) -> None:
    said = momentum(t=2, nesterov=True, convention=convention).conventions
    assert f"Nesterov: g_t is the gradient at the look-ahead point {ahead}" in said
    assert ("torch.optim.SGD(nesterov=True) stores θ̃: its parameters are theta_tilde" in said) is (
        convention == "pytorch"
    )


@pytest.mark.parametrize(
    ("givens", "assumptions"),
    [
        (
            {},
            ("v_0 = 0", "t is a whole number, 1 or more", "α ≠ 1 in the closed form of θ; α = 1 has a line of its own"),
        ),
        ({"v0": 1, "t": 3}, ()),
        ({"t": 8, "alpha": "1 - b"}, ("v_0 = 0", "1 - b ≠ 1 in the closed form of θ")),
        (
            {"t": "n", "convention": "ema"},
            ("v_0 = 0", "n is a whole number, 1 or more", "β ≠ ±1 in v̂ and in the window"),
        ),
        ({"alpha": 0.9}, ("v_0 = 0", "t is a whole number, 1 or more")),
        (LIST, ("v_0 = 0",)),
    ],
    ids=["symbols", "polynomials need none", "compound", "average", "numbers", "list"],
)
def test_what_the_answer_needs_is_printed(givens: dict[str, Any], assumptions: tuple[str, ...]) -> None:
    assert momentum(**givens).assumptions == assumptions


@pytest.mark.parametrize(
    ("givens", "note"),
    [
        ({"alpha": 1}, "α = 1 is not in 0 ≤ α < 1: old gradients never fade"),
        ({"alpha": 2}, "α = 2 is not in 0 ≤ α < 1: old gradients grow"),
        ({"alpha": -0.5}, "α = -0.5 is not in 0 ≤ α < 1: old gradients change sign from step to step"),
        (
            {"beta": -2, "convention": "ema"},
            "β = -2 is not in 0 ≤ β < 1: old gradients change sign from step to step and grow",
        ),
        ({"beta": 1, "convention": "ema"}, "β = 1 is not in 0 ≤ β < 1: no gradient ever enters"),
        ({"lr": 0}, "the learning rate 0 is not positive: θ does not move against the gradient"),
        ({"grad": "c"}, "the gradient does not depend on theta: it is the same at every step"),
        ({"t": 10**9}, "derived and checked for any number of steps, then t = 1000000000 put in"),
        (
            {"gradients": "1,1,1,1,1", **COURSE},
            "not all steps are written out below; the answers of all of them are checked",
        ),
        (
            {"gradients": "1,1,1", "theta0": "0,0,0"},
            "components 1 to 2 are written out below; the answers of all 3 are checked",
        ),
    ],
)
def test_notes(givens: dict[str, Any], note: str) -> None:
    assert note in momentum(**givens).notes


def test_the_name_of_the_parameter_in_a_gradient_is_printed() -> None:
    assert "x in --grad is the parameter θ" in momentum(grad="x").conventions
    assert momentum(grad="theta + x")["g"].text == "x + theta0"


def test_the_answer_comes_first_on_the_screen() -> None:
    screen = render(momentum(t=3), "text", Layout()).splitlines()
    assert screen[:2] == ["v_3 = -ε(g_3 + α g_2 + α² g_1)", "θ_3 = θ_0 - ε(g_3 + (1 + α) g_2 + (1 + α + α²) g_1)"]


@pytest.mark.parametrize(
    "givens", [{"nesterov": True, "convention": "ema"}, LIST, {"grad": "x", "nesterov": True}], ids=str
)
def test_plain_text_is_ascii(givens: dict[str, Any]) -> None:
    written = render(momentum(**givens), "plain", Layout())
    assert written.isascii(), [c for c in written if not c.isascii()]


def test_quiet_prints_velocities_and_parameters() -> None:
    assert render(momentum(**LIST), "quiet", Layout()) == "v\t-0.1,-0.29,-0.561\ntheta\t0.9,0.61,0.049"


# refusals

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "both kinds of gradients",
        {"gradients": "1", "grad": "theta"},
        "--gradients and --grad both say what the gradients are",
        "leave one of them out",
    ),
    ("steps against gradients", {"gradients": "1,2", "t": 3}, "t is 3, but there are 2 gradients", "leave --t out"),
    ("a letter against gradients", {"gradients": "1", "t": "n"}, "t is n, but there are 1 gradient", "leave --t out"),
    ("negative steps", {"t": -1}, "t -1 is less than 0", "use 0 or more"),
    ("half a step", {"t": 2.5}, "t 2.5 is not a whole number", "use 2 or 3"),
    (
        "an expression of steps",
        {"t": "n + 1"},
        "t n + 1 is an expression",
        "use a whole number or one letter, such as t",
    ),
    (
        "a path of n steps",
        {"grad": "theta", "t": "n"},
        "--grad cannot be followed for t = n steps",
        "use --t from 1 to 1000",
    ),
    (
        "a path of no steps",
        {"grad": "theta", "t": 0},
        "--grad cannot be followed for t = 0 steps",
        "use --t from 1 to 1000",
    ),
    (
        "a path too long",
        {"grad": "theta", "t": 1001},
        "--grad cannot be followed for t = 1001 steps",
        "use --t from 1 to 1000",
    ),
    (
        "vectors without a start",
        {"gradients": "1,2;3,4"},
        "theta0 has no value, the vectors have 2 components",
        "write --theta0 0,0, say",
    ),
    (
        "a number for a vector",
        {"gradients": "1,2;3,4", "theta0": 0},
        "theta0 has 1 component, the vectors have 2 components",
        "write --theta0 0,0, say",
    ),
    (
        "a velocity too short",
        {"gradients": "1,2", "theta0": "0,0", "v0": 1},
        "v0 has 1 component, the vectors have 2 components",
        "write --v0 0,0, say",
    ),
    (
        "a table as start",
        {"gradients": "1,2", "theta0": "1,2;3,4"},
        "theta0 has 2 rows, the vectors have 2 components",
        "write --theta0 0,0, say",
    ),
    (
        "gradients too long",
        {"gradients": "1,2,3", "theta0": "0,0"},
        "a gradient has 3 components, the parameter has 2",
        'separate the steps by ";" and give 2 numbers for each',
    ),
    (
        "too few gradients in a field",
        {"grad": "x, x, x", "theta0": "0,0"},
        "grad has 3 components, the vectors have 2 components",
        "write --grad 0,0, say",
    ),
    (
        "a closed form of vectors",
        {"t": 3, "theta0": "1,2"},
        "a closed form is for one number, θ_0 has 2",
        "give one component, or add --gradients",
    ),
    (
        "a component too many",
        {"grad": "theta_3 + theta_1", "theta0": "1,2"},
        "theta3 is no component of theta, which has 2",
        "write theta2",
    ),
    (
        "a letter of the path",
        {"lr": "g"},
        "g names a part of the path here",
        "use another letter; the start is theta0 and v0",
    ),
    (
        "a letter and a number",
        {"grad": "alpha theta", "alpha": 0.9},
        "alpha is a letter, and is also given as 0.9",
        "put in the number, or use another letter",
    ),
    (
        "one letter for two",
        {"alpha": "t", "t": "t"},
        "t is the number of steps and another given too",
        "use two letters",
    ),
    (
        "too many symbols",
        {"gradients": ",".join(["1"] * 21)},
        "21 gradients with a symbolic α or symbols among them give answers of 21 terms and more",
        "give numbers, at most 20 gradients, or --t 21 without gradients for the Σ form",
    ),
    (
        "digits without end",
        {"grad": "x^2", "t": 30, **COURSE},
        "the exact values come to have more than 3,600 digits",
        "use fewer steps or rounder numbers",
    ),
    (
        "digits of a list",
        {"gradients": ",".join(["1"] * 600), **COURSE, "alpha": "0.99999999"},
        "the exact values come to have more than 3,600 digits",
        "use fewer steps or rounder numbers",
    ),
    (
        "terms without end",
        {"grad": "sin theta", "t": 30, **COURSE},
        "a value grows beyond 400 terms",
        "use fewer steps, or numbers for the symbols",
    ),
    (
        "no gradient there",
        {"grad": "1/theta", **COURSE, "theta0": 0},
        "the gradient 1/theta has no value at 0 (step 1)",
        "start elsewhere or make fewer steps",
    ),
    (
        "no real gradient there",
        {"grad": "ln theta", **COURSE, "theta0": -1},
        "the gradient ln(theta) has no value at -1 (step 1)",
        "start elsewhere or make fewer steps",
    ),
    (
        "perhaps no gradient there",
        {"grad": "1/theta", "t": 2},
        "the gradient 1/theta need not have a value at theta0 - epsilon/theta0",
        "give numbers for the start and the coefficients, or fewer steps",
    ),
    (
        "an unknown convention",
        {"convention": "keras"},
        "--convention keras is not known",
        "use course, pytorch, ema, subtract",
    ),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), **rows(REFUSED))
def test_impossible_givens_are_refused_with_a_way_out(givens: dict[str, Any], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        momentum(**givens)
    assert (refused.value.condition, refused.value.fix) == (condition, fix)


@pytest.mark.parametrize(
    "givens",
    [
        {"t": 10**9, "nesterov": True, "v0": "v0"},
        {"t": 10**300, "alpha": 0.9, "lr": 0.1, "theta0": 0, "v0": 1},
        {"gradients": ",".join(["0.5"] * 1000), **COURSE},
        {"grad": "(x + y + z + u + w)^9", "t": 1},
        {"grad": "0.5 theta - 1", "t": 1000, **COURSE},
    ],
    ids=["a thousand million", "beyond floats", "a thousand gradients", "a large power", "a thousand steps"],
)
def test_large_questions_end_soon(givens: dict[str, Any]) -> None:
    """Work is bounded, so even a slow machine needs no more than seconds where brute force needs years."""
    start = time.monotonic()
    assert momentum(**givens).holds
    assert time.monotonic() - start < 60
