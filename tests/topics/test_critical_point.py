"""Critical points: known kinds, gradients and contours, laws, degenerate givens, marking."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dlcalc import DlcalcError, critical_point, marked
from dlcalc.errors import NotationError

KINDS: list[tuple[str, str, str]] = [
    ("x^2", "x=0", "minimum"),
    ("L = -x^2", "x=0", "maximum"),
    ("x^3", "x=0", "inflection"),
    ("L = -x^3", "x=0", "inflection"),
    ("x^4", "x=0", "minimum"),
    ("L = -x^6", "x=0", "maximum"),
    ("x^5 + 2", "x=0", "inflection"),
    ("x^2", "x=1", "not-critical"),
    ("3 + 0 x", "x=1", "undecided"),
    ("x^2 - y^2", "x=0,y=0", "saddle"),
    ("x y", "x=0,y=0", "saddle"),
    ("x^2 + x y + y^2", "x=0,y=0", "minimum"),
    ("x^2 + 4 x y + y^2", "x=0,y=0", "saddle"),
    ("x^2 + y^3", "x=0,y=0", "undecided"),
    ("x^2 y^2", "x=0,y=0", "undecided"),
    ("cos(x) + cos(y)", "x=0,y=0", "maximum"),
    ("x^3 - 3x", "x=1", "minimum"),
    ("x^3 - 3x", "x=-1", "maximum"),
    ("x ln(x)", "x=exp(-1)", "minimum"),
    ("x^2 + y^2 - z^2", "x=0,y=0,z=0", "saddle"),
    ("h = x - 1; L = h^2 + y^2", "x=1,y=0", "minimum"),
    ("exp(x) + exp(-x)", "x=0", "minimum"),
    ("exp(x^2)", "x=0", "minimum"),
    ("sqrt(1 + x^2)", "x=0", "minimum"),
]


@pytest.mark.parametrize(("loss", "at", "kind"), KINDS, ids=[f"{row[0]} at {row[1]}" for row in KINDS])
def test_tells_the_kind_and_every_line_holds(loss: str, at: str, kind: str) -> None:
    found = critical_point(loss=loss, at=at)
    assert found["kind"].text == kind
    assert found["gd_moves"].text == ("yes" if kind == "not-critical" else "no")
    assert found.holds
    assert found.checks


def test_derives_by_the_engine() -> None:
    found = critical_point(loss="(a w1^2 + b w2^2)/2", wrt="w1,w2")
    assert found["gradient"].text == "a*w1,b*w2"
    assert found["tangent"].text == "-b*w2,a*w1"
    assert found["dot"].text == "0"
    assert found.holds


def test_says_where_the_contours_are_denser() -> None:
    loss = "(w1^2 + 25 w2^2)/2"
    assert critical_point(loss=loss, at="w1=1,w2=1")["larger"].text == "w2"
    assert critical_point(loss=loss, at="w1=25,w2=1")["larger"].text == "equal"
    assert critical_point(loss=loss, at="w1=-30,w2=1")["larger"].text == "w1"
    assert critical_point(loss="W1^2 + Wb_2", at="W1=1,Wb_2=3")["larger"].text == "w1"


def test_a_network_of_zeros_stands_still_at_any_rate() -> None:
    found = critical_point(loss="(w2 tanh(w1 x) - y)^2/2", at="w1=0,w2=0")
    assert found["gradient"].text == "0,0"
    assert found["gd_moves"].text == "no"
    assert found.holds


@pytest.mark.parametrize(
    ("loss", "leaves"), [("L = -x^3", "yes"), ("x^2", "no"), ("x^4 + x^2", "no"), ("L = -x^2", "yes")], ids=str
)
def test_momentum_leaves_an_inflection_and_returns_to_a_minimum(loss: str, leaves: str) -> None:
    found = critical_point(loss=loss, at="x=0", velocity="0.1")
    assert found["leaves"].text == leaves
    assert found.holds
    assert any("demonstration, not a theorem" in said for said in found.conventions)


numbers = st.integers(-4, 4)


@given(a=numbers, b=numbers, c=numbers)
def test_the_signs_of_a_quadratic_form_decide(a: int, b: int, c: int) -> None:
    """Completing the square says the same as the eigenvalues."""
    found = critical_point(loss=f"({a}) x^2 + ({b}) x y + ({c}) y^2 + 0 x", at={"x": 0, "y": 0})
    determinant = 4 * a * c - b * b
    expected = "saddle" if determinant < 0 else "undecided" if determinant == 0 else "minimum" if a > 0 else "maximum"
    assert found["kind"].text == expected


@given(x=numbers, y=numbers)
def test_the_gradient_is_perpendicular_to_the_tangent(x: int, y: int) -> None:
    assume((x, y) != (0, 0))
    found = critical_point(loss="x^2 + 3 y^2", at={"x": x, "y": y})
    gradient, tangent = found["gradient"].computed, found["tangent"].computed
    assert gradient == [2 * x, 6 * y]
    assert sum(g * t for g, t in zip(gradient, tangent, strict=True)) == 0  # type: ignore[arg-type, operator]  # numbers


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({}, "the loss is missing"),
    ({"loss": "  "}, "the loss is missing"),
    ({"loss": "3"}, "the loss has no variable"),
    ({"loss": "x^2; ; =3"}, "'=3' has no name before its ="),
    ({"loss": "x in R"}, "the loss has no variable"),
    ({"loss": "x in R^n; L = x^2"}, "'x in R^n' declares no scalar; use backprop for vectors and matrices"),
    ({"loss": "abs(x)", "at": "x=0"}, "abs has a kink where x = 0: the loss has no gradient there"),
    ({"loss": "max(x, y)", "at": "x=1,y=1"}, "max has a kink where"),
    ({"loss": "x^2", "at": "y=0"}, "y does not stand in the loss"),
    ({"loss": "x^2 + y^2", "at": "x=0", "wrt": "x,y"}, "y has no value; add y to --at"),
    ({"loss": "x^2", "at": "x"}, "--at 'x' is not NAME=NUMBER; write --at x=0,y=1"),
    ({"loss": "floor(x)"}, "floor is flat but for its jumps"),
    ({"loss": "x^1000"}, "the power 1000 is too large; use at most 40"),
    ({"loss": "sqrt(x)", "at": "x=0"}, "has no value there: no derivative"),
    ({"loss": "ln(x)", "at": "x=0"}, "1/x has no value there: no derivative; move the point"),
    ({"loss": "a+b+c+d+f+g+h"}, "7 variables are too many; name up to 6 with --wrt"),
    ({"loss": "x^2", "velocity": 1}, "--velocity is 1 numbers at a point"),
    ({"loss": "x^2", "at": "x=0", "velocity": 1, "lr": 2}, "lr 2 is not in 0 <= lr < 1"),
    ({"loss": "x^2 - a", "at": "x=0", "velocity": 1}, "the demonstration needs numbers for all names"),
]


@pytest.mark.parametrize(("givens", "message"), ERRORS, ids=lambda row: str(row)[:50])
def test_says_what_is_wrong_and_what_would_do(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        critical_point(**givens)
    assert message in str(problem.value)


@pytest.mark.parametrize("loss", ["x +", "x^", "x ..* y", "(x", "9^9^9^9 x"], ids=str)
def test_shows_the_place_of_what_cannot_be_read(loss: str) -> None:
    with pytest.raises(NotationError):
        critical_point(loss=loss)


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({"loss": "x^2 - y^2", "at": "x=0,y=0"}, "kind=minimum", "eigenvalues of both signs"),
    ({"loss": "L = -x^3", "at": "x=0"}, "kind=saddle", "odd order"),
    ({"loss": "x^2", "at": "x=0"}, "gd_moves=yes", "0 for any ε"),
    ({"loss": "x^2", "at": "x=1"}, "gradient=-2", "direction of steepest descent"),
    ({"loss": "x^2 + 9 y^2", "at": "x=1,y=1"}, "larger=x", "denser contours, larger gradient"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=[row[1] for row in SLIPS])
def test_explains_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(critical_point(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_what_the_second_derivatives_leave_open_is_said() -> None:
    solution = critical_point(loss="x^2 + y^4", at="x=0,y=0")
    assert solution["kind"].text == "undecided"
    assert any(note.startswith("the second derivatives do not decide") for note in solution.notes)


def test_a_loss_without_variables_says_what_to_write() -> None:
    with pytest.raises(DlcalcError, match="it has no variable: write x"):
        critical_point(loss="5", at="x=0")
