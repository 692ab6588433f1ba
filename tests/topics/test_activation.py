"""Activation functions: facts against a numerical search, chains, boundaries, comparisons, marking, refusals."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Solution, activation, cli, marked
from dlcalc.calculus.scalar import derivative
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import Expr, number
from dlcalc.notation.parser import parse
from dlcalc.topics.activation.facts import Extreme
from dlcalc.topics.activation.finding import found_facts
from dlcalc.topics.activation.named import NAMED
from dlcalc.topics.activation.places import meeting_points

few = settings(max_examples=15)
QUARTER = number(Fraction(1, 4))
MORE: list[tuple[str, dict[str, Any]]] = [
    ("sign", {"zero": 0}),
    ("step", {"zero": "1/2"}),
    ("leaky-relu", {"alpha": 0}),
    ("leaky-relu", {"alpha": 1}),
    ("leaky-relu", {"alpha": 2}),
    ("leaky-relu", {"alpha": -1}),
    ("elu", {"alpha": 2}),
    ("elu", {"alpha": 0}),
    ("elu", {"alpha": -1}),
    ("elu", {"alpha": "alpha"}),
    ("selu", {"alpha": "a", "scale": "s"}),
    ("gelu", {"approximate": "tanh"}),
    ("swish", {"beta": 2}),
    ("swish", {"beta": "b"}),
    ("swish", {"beta": 0}),
    ("softplus", {"beta": 3}),
    ("hard-sigmoid", {"form": "keras"}),
    ("prelu", {"alpha": "1/4"}),
]
EXPRESSIONS = [
    *("max(0.01x, x)", "x^3", "x/(1+|x|)", "|x|", "x^2", "1/x", "ln(x)", "sqrt(x)", "exp(x)", "sin(x)", "3", "-x"),
    *("max(-1, min(1, x))", "relu(x)^2", "exp(-x^2/2)", "x exp(-x)", "sigmoid(5x)", "1/(1+exp(-x))", "max(x, 0, 1)"),
    *("x^(1/3)", "x [x > 0]", "sign(x) x^2", "max(alpha x, x)", "sigmoid(w x)", "relu(th0 + th1 x)", "-relu(-x)"),
    *("ln(1 + exp(x))", "1e-3 x^2", "logsumexp(x, 0)", "sin(x)/x"),
]


def holds(solution: Solution) -> None:
    for step in solution.steps:
        assert step.check is not None
        assert step.check.holds, (step.rule, str(step.before), str(step.after), step.check.method)
    for check in solution.checks:
        assert check.holds, check


@pytest.mark.parametrize("name", NAMED)
def test_every_named_function_is_derived_and_checked(name: str) -> None:
    holds(activation(function=name))


@pytest.mark.parametrize(("name", "given_"), MORE, ids=[f"{n} {g}" for n, g in MORE])
def test_with_parameters_too(name: str, given_: dict[str, Any]) -> None:
    holds(activation(function=name, **given_))


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_expression_is_derived_and_checked(text: str) -> None:
    holds(activation(function=text))


# the table against a search that does not know it


def close(one: Expr | None, other: Expr | None) -> bool:
    if one == other or one is None or other is None:
        return one == other
    first, second = approximate(one), approximate(other)
    return first is not None and second is not None and math.isclose(first, second, rel_tol=1e-5, abs_tol=1e-6)


@pytest.mark.parametrize("name", NAMED)
def test_the_table_agrees_with_a_numerical_search(name: str) -> None:
    row = NAMED[name]
    chosen = {p: QUARTER if str(v) == "alpha" else v for p, v in row.defaults.items()}
    function, facts = row.formula(chosen), row.facts(chosen)
    found = found_facts(function, derivative(function, "x"))
    for end in ("left", "right"):
        assert all(close(*pair) for pair in zip(getattr(facts, end), getattr(found, end), strict=True))
    for extreme in ("low", "high", "steepest", "flattest"):
        known, seen = getattr(facts, extreme), getattr(found, extreme)
        assert isinstance(known, Extreme)
        assert close(known.value, seen.value)
        assert known.reached == seen.reached
    assert len(facts.joints) == len(found.joints)
    for joint, seen in zip(facts.joints, found.joints, strict=True):
        assert all(close(*pair) for pair in zip(joint, seen, strict=True))
    assert (facts.flat, facts.monotone, facts.symmetry, facts.homogeneous) == (
        found.flat, found.monotone, found.symmetry, found.homogeneous,
    )  # fmt: skip


FACTS: list[tuple[str, dict[str, str]]] = [
    ("relu", {"saturates": "left", "differentiable": "no", "exactly_zero": "yes", "homogeneous": "yes"}),
    ("leaky-relu", {"saturates": "never", "left_slope": "0.01", "right_slope": "1", "identity": "no"}),
    ("tanh", {"saturates": "both", "identity": "yes", "series": "x - (1/3)*x^3", "symmetry": "odd", "max_slope": "1"}),
    ("sigmoid", {"saturates": "both", "exactly_zero": "no", "max_slope": "0.25", "identity": "no"}),
    ("gelu", {"saturates": "left", "differentiable": "yes", "slope_far_right": "1", "monotone": "neither"}),
    ("sign", {"derivative": "0", "continuous": "no", "vanishing": "yes", "exploding": "no"}),
    ("elu", {"differentiable": "yes", "identity": "yes", "limit_left": "-1", "saturates": "left"}),
    ("softplus", {"limit_left": "0", "limit_right": "inf", "derivative": "sigmoid(x)"}),
    ("hard-sigmoid", {"joints": "-3,3", "max_slope": "1/6", "derivative": "(1/6)*[x > -3]*[x < 3]"}),
    ("hard-tanh", {"identity": "yes", "saturates": "both", "homogeneous": "no"}),
    ("relu6", {"range_high": "6", "joints": "0,6", "right_slope": "1,0"}),
    ("softsign", {"derivative": "1/(1 + abs(x))^2", "differentiable": "yes"}),
    ("identity", {"vanishing": "no", "exploding": "no", "monotone": "increasing"}),
    ("linear", {"derivative": "1"}),
    ("SiLU", {"series": "0.5*x + 0.25*x^2"}),
    ("Leaky ReLU", {"derivative": "[x > 0] + 0.01*[x <= 0]"}),
    ("x^3", {"vanishing": "yes", "exploding": "yes", "range_low": "-inf", "saturates": "never"}),
    ("|x|", {"vanishing": "no", "exploding": "no", "symmetry": "even", "left_slope": "-1"}),
    ("1/x", {"continuous": "no", "joints": "0", "min_slope": "-inf"}),
    ("1/x", {"symmetry": "odd"}),
    ("ln(x)", {"saturates": "right", "max_slope": "inf", "min_slope": "0"}),
    ("x exp(-x)", {"monotone": "neither", "saturates": "right"}),
    ("z^2 + z", {"derivative": "2*x + 1"}),
    ("relu(th0 + th1 x)", {"joints": "-th0/th1"}),
]


def test_values_between_which_there_are_none_belong_to_no_curve() -> None:
    lowest = activation(function="x^x")["range_low"].value
    assert approximate(lowest) == pytest.approx(math.exp(-1 / math.e))


def test_a_power_of_e_is_the_exponential_unless_e_is_given() -> None:
    sigmoid = activation(function="1/(1 + e^-x)")
    assert {a.name: a.text for a in sigmoid.answers}["saturates"] == "both"
    assert any("Euler" in note for note in sigmoid.notes)
    assert activation(function="e^-x^2", at=2)["value"].value == parse("exp(-4)")
    assert activation(function="e^x", parameters="e=2", at=3)["value"].text == "8"
    assert activation(function="sigmoid", equals="1/(1 + e^-x)")["equal"].text == "yes"
    assert marked(activation(function="sigmoid"), ["e^-x/(1 + e^-x)^2"]).marks[0].correct


@pytest.mark.parametrize("function", ["x sin(x)", "sin(1/x)", "sin(x/100)", "exp(-(x - 100)^2)", "sin(x^2)"])
def test_nothing_is_claimed_of_what_the_grid_does_not_settle(function: str) -> None:
    solution = activation(function=function)
    assert not {"range_low", "range_high", "max_slope", "continuous", "exploding"} & {a.name for a in solution.answers}
    assert any("not answered" in note for note in solution.notes)
    holds(solution)
    with pytest.raises(DlcalcError, match="largest slope is not known"):
        activation(function=function, layers=2)


@pytest.mark.parametrize("function", ["sqrt(x)", "x^(1/3)", "ln(x)"])
def test_evidence_stands_where_the_function_has_values(function: str) -> None:
    solution = activation(function=function)
    holds(solution)
    notes = " ".join(solution.notes)
    assert "at x = -" not in notes
    assert "above 1, as 0." not in notes
    assert "for every real x" in notes


@pytest.mark.parametrize(("function", "expected"), FACTS, ids=[f for f, _ in FACTS])
def test_verdicts(function: str, expected: dict[str, str]) -> None:
    found = {answer.name: answer.text for answer in activation(function=function).answers}
    assert {name: found.get(name) for name in expected} == expected


VALUES = [
    ("swish", {}, 1, 1 / (1 + math.exp(-1))),
    ("selu", {}, -1, -1.1113307378125625),
    ("elu", {}, -1, math.expm1(-1)),
    ("hard-sigmoid", {"form": "keras"}, 1, 0.7),
    ("hard-sigmoid", {}, 1, 2 / 3),
    ("gelu", {}, 1, 0.8413447460685429),
    ("gelu", {"approximate": "tanh"}, 1, 0.8411919906082768),
    ("mish", {}, 1, 0.8650983882673103),
    ("softplus", {"beta": 2}, 1, math.log1p(math.exp(2)) / 2),
    ("relu6", {}, 7, 6),
    ("sign", {}, 0, 1),
    ("sign", {"zero": 0}, 0, 0),
    ("step", {}, 0, 1),
    ("softsign", {}, -3, -0.75),
    ("prelu", {"alpha": "1/4"}, -2, -0.5),
    ("hard-tanh", {}, -5, -1),
]


@pytest.mark.parametrize(("name", "options", "x", "value"), VALUES, ids=[f"{n} {o}" for n, o, *_ in VALUES])
def test_values_as_pytorch_and_keras_have_them(name: str, options: dict[str, Any], x: int, value: float) -> None:
    assert activation(function=name, at=x, **options).value == pytest.approx(value, rel=1e-12)


# chains, boundaries, comparisons


def test_a_chain_of_sigmoids() -> None:
    solution = activation(function="sigmoid", layers=10)
    assert solution["bound"].text == "1/1048576"
    assert solution["explode_weight"].text == "4"
    assert activation(function="sigmoid", layers=10, weight=5)["exploding"].text == "yes"
    assert activation(function="sigmoid", layers=10, weight=4)["exploding"].text == "no"
    holds(solution)
    holds(activation(function="sigmoid", layers="L", weight="w"))


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_cubes_of_cubes(layers: int) -> None:
    solution = activation(function="x^3", layers=layers, at="1/2,2")
    n = 3**layers
    assert solution["chain_gradient"].computed == [float(Fraction(n, 2 ** (n - 1))), n * 2 ** (n - 1)]
    holds(solution)


def test_the_derivative_of_a_chain_by_differences() -> None:
    def through(x: float) -> float:
        for _ in range(4):
            x = math.tanh(1.5 * x)
        return x

    expected = (through(0.3 + 1e-5) - through(0.3 - 1e-5)) / 2e-5
    found = activation(function="tanh", layers=4, weight="3/2", at=0.3)["chain_gradient"].computed
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("function", "given_", "above", "boundary", "side"),
    [
        ("sigmoid(w0 + w1 x)", "w0=-1,w1=1", "1/2", "1", "right"),
        ("sigmoid(w0 + w1 x)", "w0=-1,w1=-2", "1/2", "-0.5", "left"),
        ("tanh(2x - 1)", "", "0", "0.5", "right"),
        ("relu(3 - x)", "", "2", "1", "left"),
        ("sigmoid", "", "3/4", "ln(3)", "right"),
        ("softplus", "", "1", "ln(exp(1) - 1)", "right"),
    ],
)
def test_where_a_unit_says_yes(function: str, given_: str, above: str, boundary: str, side: str) -> None:
    solution = activation(function=function, parameters=given_, above=above)
    assert (solution["boundary"].text, solution["positive_side"].text) == (boundary, side)
    holds(solution)


def test_a_boundary_in_symbols_and_one_of_two_places() -> None:
    solution = activation(function="sigmoid(w0 + w1 x)", above="1/2")
    assert solution["boundary"].text == "-w0/w1"
    assert "for x < -w_0/w_1 where w_1 < 0" in solution.notes[0]
    assert activation(function="x^2", above=4)["boundary"].text == "-2,2"
    assert "x < -2 and x > 2" in activation(function="x^2", above=4).notes[0]


@pytest.mark.parametrize(
    ("name", "formula", "given_", "equal", "note"),
    [
        ("prelu", "max(alpha x, x)", {}, "sometimes", "equal at every x exactly for α ≤ 1"),
        ("elu", "max(alpha (exp(x) - 1), x)", {}, "sometimes", "on x ≤ 0: equal exactly for α ≤ 1"),
        ("elu", "max(alpha (exp(x) - 1), x)", {}, "sometimes", "for α = 1/2 both agree on 0 < x up to x ≈ 1.2564"),
        ("elu", "max(alpha (exp(x) - 1), x)", {"alpha": 1}, "no", "at x = 1 the function is 1, the formula 1.718"),
        ("elu", "max(0, x) + min(0, alpha (exp(x) - 1))", {"alpha": 2}, "yes", "both agree at every x"),
        ("prelu", "min(alpha x, x)", {}, "sometimes", "equal at every x exactly for α ≥ 1"),
        ("tanh", "2 sigmoid(2x) - 1", {}, "yes", "both agree at every x"),
        ("relu", "(x + |x|)/2", {}, "yes", "both agree at every x"),
        ("sigmoid", "tanh(x)", {}, "no", "the formula"),
        ("swish", "x sigmoid(1.702 x)", {}, "no", "the formula"),
    ],
)
def test_comparisons(name: str, formula: str, given_: dict[str, Any], equal: str, note: str) -> None:
    solution = activation(function=name, equals=formula, **given_)
    assert solution["equal"].text == equal
    assert any(note in said for said in solution.notes), solution.notes
    holds(solution)


@few
@given(st.fractions(min_value=-3, max_value=3, max_denominator=8), st.fractions(min_value=-3, max_value=3))
def test_prelu_is_a_maximum_up_to_a_slope_of_1(alpha: Fraction, x: Fraction) -> None:
    prelu = PLAIN.value(parse("leaky_relu(x, a)"), {"x": x, "a": alpha})
    assert (prelu == max(alpha * x, x)) or alpha > 1


# joints


@few
@given(st.fractions(min_value=-5, max_value=5, max_denominator=9), st.integers(1, 9))
def test_joints_of_lines(start: Fraction, slope: int) -> None:
    text = f"relu({start.numerator}/{start.denominator} + {slope} x)"
    assert [PLAIN.value(p, {}) for p in meeting_points(parse(text))] == [-start / slope]


def test_joints_that_no_line_gives() -> None:
    found = [float(PLAIN.value(p, {})) for p in meeting_points(parse("relu(x^2 - 2) + |x^3 - 8|"))]
    assert found == pytest.approx([-math.sqrt(2), math.sqrt(2), 2])


# marking


@pytest.mark.parametrize(
    ("function", "answer", "correct", "because"),
    [
        ("relu", "saturates=right", False, "f' tends to 0 at -∞ and to 1 at ∞"),
        ("leaky-relu", "saturates=left", False, "f' tends to 0.01 at -∞"),
        ("tanh", "differentiable=yes", True, ""),
        ("tanh", "continuity_implies_differentiability=yes", False, "slopes -1 and 1"),
        ("tanh", "derivative=1-tanh(x)", False, "tanh is squared"),
        ("sigmoid", "derivative=exp(-x)/(1+exp(-x))^2", True, ""),
        ("sigmoid", "derivative=sigmoid(z)(1-sigmoid(z))", True, ""),
        ("sigmoid", "exactly_zero=yes", False, "exactly 0 only in the limit"),
        ("relu", "derivative=relu(x)", False, "the function itself"),
        ("relu", "limit_right=inf", True, ""),
        ("relu", "limit_right=1", False, ""),
        ("sigmoid", "limit_right=inf", False, ""),
        ("tanh", "max_slope_at=inf", False, ""),
        ("relu", "homogeneous=no", False, "f(c x) = c f(x)"),
        ("relu", "vanishing=no", False, "0 < 1"),
        ("elu", "identity=no", False, "f(0) = 0"),
    ],
)
def test_marking(function: str, answer: str, correct: bool, because: str) -> None:  # noqa: FBT001 (a table)
    (mark,) = marked(activation(function=function), [answer]).marks
    assert mark.correct is correct
    assert because in mark.because


def test_the_slope_of_a_chain_is_no_sum() -> None:
    (mark,) = marked(activation(function="sigmoid", layers=10, weight=2), ["bound=5"]).marks
    assert not mark.correct
    assert "multiplied, not added" in mark.because


# what is refused


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"function": "rleu"}, "did you mean relu"),
        ({"function": "foo bar"}, "which of bar, foo is the variable"),
        ({"function": ""}, ""),
        ({"function": "relu("}, "an expression was expected here"),
        ({"function": "floor(x)"}, "jumps at every whole number"),
        ({"function": "relu", "alpha": 2}, "relu has no alpha"),
        ({"function": "prelu", "alpha": "2x"}, "depends on x"),
        ({"function": "x^2", "alpha": 2}, "--alpha is for the named functions"),
        ({"function": "sigmoid(w x)", "parameters": "v=2"}, "v is not a parameter"),
        ({"function": "sigmoid(w x)", "parameters": "w"}, "is not NAME=NUMBER"),
        ({"function": "sigmoid(w x)", "parameters": "w=1,w=2"}, "twice"),
        ({"function": "sigmoid", "parameters": "w=1"}, "--with is for expressions"),
        ({"function": "1/x", "at": 0}, "has no value at x = 0"),
        ({"function": "ln(x)", "at": -1}, "has no value at x = -1"),
        ({"function": "sign", "zero": 3}, "is not a value that the step can take"),
        ({"function": "softplus", "beta": 0}, "ln(2)/0"),
        ({"function": "swish", "beta": -1}, "less than 0"),
        ({"function": "sigmoid", "layers": 0}, "less than 1"),
        ({"function": "sigmoid", "layers": 10**9}, "too many to follow"),
        ({"function": "sigmoid", "above": 2}, "does not cross"),
        ({"function": "sigmoid", "equals": "foo(x)"}, "foo"),
        ({"function": "sigmoid", "equals": "q x"}, "q is not a name"),
        ({"function": "b c"}, "which of b, c is the variable"),
        ({"function": "relu", "at": ",".join(["1"] * 51)}, "at most 50"),
        ({"function": "softmax(x)"}, "vectors and matrices"),
        ({"function": "lim(h, 0, x/h)"}, "a limit has no derivative"),
    ],
)
def test_refusals(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError, match=r".") as raised:
        activation(**given_)
    assert message in str(raised.value)


def test_the_screen_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["activation", "relu", "--at", "-1,0,2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    values = {answer["name"]: answer["value"] for answer in found["answers"]}
    assert values["value"] == [0, 0, 2]
    assert values["slope"] == [0, 0, 1]
    assert values["limit_right"] is None
    assert all(step["check"]["holds"] for step in found["steps"])
    assert cli.run(["activation", "sigmoid", "--at", "0", "-q"]) == 0
    assert capsys.readouterr().out == "0.5\n"
    assert cli.run(["activation", "relu", "--get", "limit_right,saturates"]) == 0
    assert capsys.readouterr().out == "limit_right\tinf\nsaturates\tleft\n"


def test_the_plot_is_in_pieces() -> None:
    curves = list(activation(function="sign").plots[0].make())
    assert [curve.name for curve in curves] == ["f", "f", "f'", "f'"]
    assert {y for _, y in curves[0].points} == {-1.0}
    assert {y for _, y in curves[1].points} == {1.0}
