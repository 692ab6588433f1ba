"""Learning-rate schedules: known values, laws against PyTorch's definitions, degenerate givens, marking."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, lr_schedule, marked

STEP: dict[str, Any] = {"kind": "step", "lr": "0.1", "step_size": 5, "gamma": "0.5"}
COSINE: dict[str, Any] = {"kind": "cosine", "lr": "0.1", "min": "0.001", "t_max": 10}

NUMBERS: list[tuple[str, dict[str, Any], Any]] = [
    ("step", {**STEP, "at": [0, 4, 5, 9, 10]}, [0.1, 0.1, 0.05, 0.05, 0.025]),
    ("StepLR", {**STEP, "kind": "StepLR", "at": 12}, 0.025),
    ("exponential", {"kind": "exponential", "lr": 1, "gamma": "0.9", "at": [0, 1, 2]}, [1, 0.9, 0.81]),
    ("of Keras", {"kind": "exponential", "lr": 1, "gamma": "0.25", "step_size": 2, "at": 1}, 0.5),
    ("staircase", {"kind": "exponential", "lr": 1, "gamma": "0.25", "step_size": 2, "at": 3, "staircase": True}, 0.25),
    ("e^(-kt)", {"kind": "exponential", "lr": 2, "decay": "0.5", "at": 2}, 2 * math.exp(-1)),
    ("inverse time", {"kind": "inverse-time", "lr": "0.2", "decay": 1, "at": [0, 1, 3]}, [0.2, 0.1, 0.05]),
    ("inverse root", {"kind": "inverse-sqrt", "lr": 6, "at": [1, 4, 9]}, [6, 3, 2]),
    ("linear", {"kind": "linear", "lr": 1, "t_max": 4, "at": [0, 1, 4, 9]}, [1, 0.75, 0, 0]),
    ("polynomial", {"kind": "polynomial", "lr": 1, "t_max": 4, "power": 2, "at": [0, 2, 4, 5]}, [1, 0.25, 0, 0]),
    ("cosine", {**COSINE, "at": [0, 5, 10]}, [0.1, 0.0505, 0.001]),
    ("cosine behind T", {**COSINE, "at": 20}, 0.1),
    ("restarts", {**COSINE, "kind": "SGDR", "at": [0, 5, 10, 15]}, [0.1, 0.0505, 0.1, 0.0505]),
    ("warm-up", {"kind": "warm-up", "lr": 1, "warmup": 4, "at": [0, 1, 4, 9]}, [0, 0.25, 1, 1]),
    ("warm-up, cosine", {"kind": "cosine", "lr": 1, "warmup": 4, "t_max": 8, "at": [2, 4, 6, 8]}, [0.5, 1, 0.5, 0]),
    (
        "multi-step",
        {"kind": "multi-step", "lr": 1, "gamma": "0.1", "milestones": [3, 5], "at": [2, 3, 5]},
        [1, 0.1, 0.01],
    ),
    ("noam at its top", {"kind": "noam", "dim": 4, "warmup": 16, "at": 16}, 0.125),
    ("constant", {"kind": "constant", "lr": 3, "at": 7}, 3),
]
SYMBOLS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "step"}, "eta_0*gamma^floor(t/s)"),
    ({"kind": "exponential"}, "eta_0*gamma^t"),
    ({"kind": "exponential", "decay": "k"}, "eta_0*exp(-k*t)"),
    ({"kind": "inverse-time"}, "eta_0/(1 + k*t)"),
    ({"kind": "cosine", "min": "m"}, "m + (eta_0 - m)*(1 + cos(pi*t/T))/2"),
    ({"kind": "warm-up"}, "min(1, t/w)*eta_0"),
]


@pytest.mark.parametrize(("givens", "expected"), [row[1:] for row in NUMBERS], ids=[row[0] for row in NUMBERS])
def test_gives_the_known_rates_and_every_line_holds(givens: dict[str, Any], expected: object) -> None:
    found = lr_schedule(**givens)
    assert found.value == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert found.holds
    assert found.checks


@pytest.mark.parametrize(("givens", "expected"), SYMBOLS, ids=lambda row: str(row)[:40])
def test_gives_the_known_formulas_and_every_line_holds(givens: dict[str, Any], expected: str) -> None:
    found = lr_schedule(**givens)
    assert found.answers[0].text == expected
    assert found.holds
    assert found.checks


whole = st.integers(1, 12)


@given(t=st.integers(0, 24), period=whole)
def test_cosine_is_symmetric_about_its_middle(t: int, period: int) -> None:
    """The rates at t and T - t lie as far above as below the mean of both ends."""
    t %= period + 1
    first, second = (lr_schedule(kind="cosine", lr=1, min="0.2", t_max=period, at=x).value for x in (t, period - t))
    assert first + second == pytest.approx(1.2)  # type: ignore[operator]  # numbers


@given(t=st.integers(1, 30), s=whole)
def test_step_decay_falls_exactly_at_multiples(t: int, s: int) -> None:
    before, after = lr_schedule(kind="step", lr=1, gamma="0.5", step_size=s, at=[t - 1, t]).value  # type: ignore[misc]  # a list
    assert (after < before) == (t % s == 0)  # type: ignore[operator]  # numbers


@given(t=st.integers(0, 20))
def test_both_readings_of_exponential_agree(t: int) -> None:
    by_factor = lr_schedule(kind="exponential", lr=1, gamma="exp(-0.3)", at=t).value
    assert lr_schedule(kind="exponential", lr=1, decay="0.3", at=t).value == pytest.approx(by_factor)


@pytest.mark.parametrize(
    ("givens", "expected"),
    [
        ({"kind": "exponential", "lr": "0.1", "gamma": "0.9", "below": "0.01"}, 22),
        ({"kind": "step", "lr": 1, "gamma": "0.1", "step_size": 30, "below": "0.1"}, 60),
        ({"kind": "linear", "lr": 1, "t_max": 10, "below": "0.5"}, 6),
        ({"kind": "constant", "lr": "0.1", "below": 1}, 0),
    ],
    ids=["exponential", "not at equality", "linear", "at once"],
)
def test_finds_the_first_epoch_below_a_value(givens: dict[str, Any], expected: int) -> None:
    found = lr_schedule(**givens)
    assert found.value == expected
    assert found.holds


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "cosin"}, "--kind cosin is not known; did you mean cosine?"),
    ({"kind": "cosine", "gamma": 1}, "cosine takes no --gamma; it takes --lr, --min, --t-max, --warmup"),
    ({"kind": "constant", "lr": 0}, "lr 0 is not positive; use a number above 0"),
    ({"kind": "step", "step_size": 0}, "step_size 0 is less than 1; use 1 or more"),
    ({"kind": "cosine", "warmup": 5, "t_max": 5}, "the warm-up takes 5 of 5 epochs, so none is left to decay"),
    ({**COSINE, "at": "1.5"}, "epoch 1.5 is not a whole number from 0 to 1,000,000; cosine counts from 0"),
    ({"kind": "noam", "warmup": 4, "dim": 4, "at": 0}, "epoch 0 is not a whole number from 1"),
    ({**COSINE, "at": 1, "epochs": 3}, "--at and --epochs both name epochs; leave one of them out"),
    ({**COSINE, "epochs": 5000}, "--epochs 5000 makes no table; use 0 to 999, or --at"),
    ({"kind": "constant", "lr": 1, "below": "0.5"}, "the rate is not below 0.5 within 10,000 epochs"),
    ({"kind": "exponential", "below": "0.5"}, "--below needs numbers for all givens of the schedule"),
    ({"kind": "multi-step"}, "multi-step has no --milestones; add --milestones 30,80"),
    ({"kind": "inverse-sqrt", "warmup": 3}, "inverse-sqrt has no value at the end of a warm-up; use --kind noam"),
    ({**COSINE, "at": "1,2;3,4"}, "--at is a list of epochs, not rows; write --at 0,5,10"),
]


@pytest.mark.parametrize(("givens", "message"), ERRORS, ids=lambda row: str(row)[:50])
def test_says_what_is_wrong_and_what_would_do(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        lr_schedule(**givens)
    assert message.replace("step_size", "step-size") in str(problem.value)


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({**STEP, "at": 7}, "0.1 * 0.5^(7/5)", "the exponent is rounded down"),
    ({**COSINE, "at": 5}, "0.1", "the factor 1/2 is missing"),
    ({**COSINE, "at": 2}, "0.0895463412", "the minimum is not added"),
    ({"kind": "exponential"}, "eta_0 gamma^(t - 1)", "that is one epoch late"),
    ({"kind": "exponential", "decay": "k"}, "eta_0 exp(k t)", "the exponent is negative"),
    ({"kind": "inverse-time"}, "eta_0/(k (1 + t))", "1 is added to kt"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=[row[2] for row in SLIPS])
def test_explains_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(lr_schedule(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


@pytest.mark.parametrize(
    ("givens", "answer"),
    [
        ({"kind": "cosine", "min": "m"}, "m + 0.5 (lr0 - m)(1 + cos(pi t / T))"),
        ({**COSINE, "at": [2, 7]}, "0.0905,0.0214"),
        ({"kind": "exponential"}, "lr gamma^t"),
    ],
    ids=["cosine", "rounded", "another letter"],
)
def test_accepts_equivalent_answers(givens: dict[str, Any], answer: str) -> None:
    assert marked(lr_schedule(**givens), [answer]).marks[0].correct


def test_says_that_the_cosine_rises_behind_its_end() -> None:
    assert any("rises again" in note for note in lr_schedule(**COSINE, at=12).notes)


def test_a_table_and_a_curve_go_with_many_epochs() -> None:
    found = lr_schedule(**COSINE, epochs=10)
    assert len(found.tables[0].rows) == 11
    curve = next(iter(found.plots[0].make()))
    assert curve.points[0] == (0.0, 0.1)
    assert not lr_schedule(kind="cosine").plots
