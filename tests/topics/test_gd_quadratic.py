"""Gradient descent on a quadratic: known iterates, rates and verdicts, laws, degenerate givens, marking."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, gd_quadratic, marked

BOWL: dict[str, Any] = {"curvatures": [1, 25]}

FACTS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("iterate", {"curvature": 4, "start": 3, "lr": "0.4", "updates": 5}, "iterate", -0.23328),
    ("a minimum elsewhere", {"curvature": 2, "start": 5, "minimum": 1, "lr": "0.25", "updates": 2}, "iterate", 2),
    ("no update", {"curvature": 2, "start": 5, "lr": "0.25", "updates": 0}, "iterate", 5),
    ("largest rate", {"curvature": 4}, "max_lr", 0.5),
    ("one step", {"curvature": 4}, "one_step_lr", 0.25),
    ("largest rate of a bowl", BOWL, "max_lr", 0.08),
    ("condition number", BOWL, "condition_number", 25),
    ("best rate", BOWL, "best_lr", 1 / 13),
    ("best factor", BOWL, "best_factor", 12 / 13),
    ("eigenvalues", {"hessian": "2,1;1,2"}, "condition_number", 3),
    ("irrational eigenvalues", {"hessian": "2,1;1,1"}, "max_lr", 2 / ((3 + 5**0.5) / 2)),
    ("steps", {"curvature": 2, "lr": "0.1", "start": 1, "tolerance": "0.001"}, "steps_needed", 31),
    ("no steps", {"curvature": 2, "lr": "0.1", "start": "0.0001", "tolerance": "0.001"}, "steps_needed", 0),
    ("one step to the minimum", {"curvature": 2, "lr": "0.5", "tolerance": "0.001"}, "steps_needed", 1),
    ("the slowest counts", {**BOWL, "lr": "0.04", "tolerance": "0.01"}, "steps_needed", 113),
]


@pytest.mark.parametrize(("givens", "name", "expected"), [r[1:] for r in FACTS], ids=[r[0] for r in FACTS])
def test_gives_the_known_value(givens: dict[str, Any], name: str, expected: float) -> None:
    found = gd_quadratic(**givens)
    assert found[name].computed == pytest.approx(expected, rel=1e-12)
    assert found.holds
    assert found.checks


WORDS: list[tuple[str, str, str]] = [
    ("0", "stays", "no"),
    ("0.2", "monotone", "yes"),
    ("0.25", "one-step", "yes"),
    ("0.3", "oscillates", "yes"),
    ("0.5", "bounces", "no"),
    ("0.6", "diverges", "no"),
]


@pytest.mark.parametrize(("lr", "behaviour", "converges"), WORDS, ids=[w[1] for w in WORDS])
def test_says_what_the_rate_does(lr: str, behaviour: str, converges: str) -> None:
    found = gd_quadratic(curvature=4, lr=lr, start=1, updates=3)
    assert (found["behaviour"].text, found["converges"].text) == (behaviour, converges)
    assert found.holds


@pytest.mark.parametrize(("lr", "zigzag"), [("0.03", "no"), ("0.06", "yes"), ("0.09", "yes"), ("3", "no")], ids=str)
def test_says_whether_it_zigzags(lr: str, zigzag: str) -> None:
    found = gd_quadratic(**BOWL, lr=lr)
    assert found["zigzag"].text == zigzag
    assert found.holds


rates = st.fractions(0, 1, max_denominator=30)


@given(beta=st.integers(1, 9), lr=rates, w=st.integers(-5, 5), t=st.integers(0, 6))
def test_the_iterate_is_that_of_the_steps(beta: int, lr: Fraction, w: int, t: int) -> None:
    at = Fraction(w)
    for _ in range(t):
        at -= lr * beta * at
    found = gd_quadratic(curvature=beta, lr=lr, start=w, updates=t).value
    assert found == pytest.approx(float(at), abs=1e-12)


@given(betas=st.lists(st.integers(1, 50), min_size=2, max_size=4, unique=True), lr=rates)
def test_no_rate_beats_the_best(betas: list[int], lr: Fraction) -> None:
    best = gd_quadratic(curvatures=betas)["best_factor"].computed
    assert max(abs(1 - lr * beta) for beta in betas) >= best - 1e-12  # type: ignore[operator]  # a number


@pytest.mark.parametrize(
    "givens",
    [
        {},
        {"minimum": "m", "start": "s"},
        {"curvatures": ["a", "b"], "lr": "eps"},
        {"curvature": "b", "lr": "0.1", "updates": 3},
        {"hessian": "3,0;0,1", "start": "1,2", "lr": "0.1", "updates": 4},
    ],
    ids=str,
)
def test_every_line_holds_in_symbols(givens: dict[str, Any]) -> None:
    found = gd_quadratic(**givens)
    assert found.holds
    assert found.checks


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"curvature": -1}, "the curvature -1 is not positive: there is no minimum to converge to"),
    ({"curvature": 0}, "the curvature 0 is not positive"),
    ({"hessian": "1,2;2,1"}, "the curvature -1 is not positive"),
    ({"hessian": "1,2;3,1"}, "--hessian is not symmetric"),
    ({"hessian": "1,2,3;4,5,6"}, "--hessian is not a square matrix"),
    ({"hessian": "1,2,0;2,9,0;0,0,1"}, "--hessian is not a 2×2 matrix of numbers; give its eigenvalues"),
    ({"hessian": "1,0;0,1", "curvature": 1}, "--curvature and --hessian both say how the loss bends"),
    ({**BOWL, "start": 1}, "--start has 1 entries for 2 coordinates; give 2, as many as curvatures"),
    ({"lr": "t"}, "t is the number of updates; use another letter"),
    ({"lr": -1}, "lr -1 is negative, which climbs"),
    ({"updates": 10**7}, "10000000 steps are too many"),
    ({"tolerance": 0}, "--tolerance 0 is no positive number"),
    ({"tolerance": "0.1"}, "--tolerance needs numbers for the curvatures and the rate"),
    ({"curvature": 4, "lr": "0.5", "tolerance": "0.1"}, "the factor -1 does not shrink the distance"),
    ({"curvatures": "1,2,3,4,5,6,7"}, "7 curvatures are too many to write out"),
]


@pytest.mark.parametrize(("givens", "message"), ERRORS, ids=lambda row: str(row)[:50])
def test_says_what_is_wrong_and_what_would_do(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        gd_quadratic(**givens)
    assert message in str(problem.value)


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "(1 - t gamma beta) w0", "the factors multiply"),
    ({}, "(1 + gamma beta)^t w0", "the sign is minus"),
    ({}, "(1 - 2 gamma beta)^t w0", "cancels the 2 of its derivative"),
    ({"minimum": "m"}, "(1 - gamma beta)^t w0", "it is the distance to the minimum that shrinks"),
    ({}, "max_lr=1/beta", "it converges up to 2/β"),
    (BOWL, "max_lr=2", "the largest one decides"),
    ({"curvature": 4, "lr": "0.3"}, "behaviour=monotone", "it changes its sign at every step"),
    ({**BOWL, "lr": "0.03"}, "zigzag=yes", "all factors have one sign"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=[row[1] for row in SLIPS])
def test_explains_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(gd_quadratic(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_accepts_equivalent_answers() -> None:
    found = marked(gd_quadratic(**BOWL, lr="eps"), ["shrink_2 = abs(1 - 25 eps)", "max_lr = 2/25"])
    assert all(mark.correct for mark in found.marks)


def test_draws_the_path() -> None:
    found = gd_quadratic(**BOWL, lr="0.06", start="1,1", updates=3)
    path = next(iter(found.plots[0].make())).points
    assert path[1] == pytest.approx((0.94, -0.5))
    assert len(found.tables[0].rows) == 4
