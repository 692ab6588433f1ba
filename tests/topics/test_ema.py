"""Exponentially weighted averages: known values, laws, degenerate givens, marking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, ema, marked

if TYPE_CHECKING:
    from fractions import Fraction

WEATHER: dict[str, Any] = {"values": [40, 49, 45], "beta": "0.9"}


def test_averages_step_by_step() -> None:
    found = ema(**WEATHER)
    assert found["averages"].computed == pytest.approx([4, 8.5, 12.15])
    assert found["corrected"].computed == pytest.approx(12.15 / 0.271)
    assert found.holds


@pytest.mark.parametrize(("beta", "length"), [("0.9", 10), ("0.98", 50), ("0.999", 1000), ("0.5", 2), (0, 1)], ids=str)
def test_the_effective_length(beta: str, length: int) -> None:
    found = ema(beta=beta)
    assert found["effective_length"].computed == length
    assert found.holds


def test_the_weight_falls_to_about_1_over_e() -> None:
    found = ema(beta="0.9")
    assert found["weight_left"].computed == pytest.approx(0.9**10)
    assert 0.9 ** found["one_over_e"].computed == pytest.approx(math.exp(-1))  # type: ignore[operator]  # a number


betas = st.fractions(0, 1, max_denominator=20).filter(lambda b: b < 1)
lists = st.lists(st.integers(-9, 9), min_size=1, max_size=8)


@given(x=lists, beta=betas)
def test_the_average_is_the_weighted_sum(x: list[int], beta: Fraction) -> None:
    found = ema(values=x, beta=beta)
    weights = found["weights"].computed
    assert isinstance(weights, list)
    total = math.fsum(w * v for w, v in zip(weights, x, strict=True))  # type: ignore[operator]  # numbers
    assert found["average"].computed == pytest.approx(total)
    assert sum(weights) == pytest.approx(found["weights_sum"].computed)  # type: ignore[arg-type]  # numbers


@given(c=st.integers(-9, 9), n=st.integers(1, 8), beta=betas)
def test_corrected_equal_values_average_to_themselves(c: int, n: int, beta: Fraction) -> None:
    assert ema(values=[c] * n, beta=beta)["corrected"].computed == pytest.approx(c)


@given(x=lists, beta=betas.filter(lambda b: b > 0))
def test_alpha_is_the_rest(x: list[int], beta: Fraction) -> None:
    assert ema(values=x, alpha=1 - beta)["average"].computed == ema(values=x, beta=beta)["average"].computed


@pytest.mark.parametrize(
    "givens",
    [
        {},
        {"beta": "b", "t": 3},
        {"beta": "0.98", "t": 1000},
        {"v0": "s"},
        {"values": ["a", "b"], "beta": "b2"},
        {"values": "x1,x2,x3", "beta": "1/2"},
        {"values": list(range(40)), "beta": "0.97"},
        {"values": [1, 2], "beta": 0},
        {"values": [7], "v0": 2, "beta": "0.5"},
        {"beta": ["0.5", "0", "0.9"]},
        {"beta": "0.999999"},
    ],
    ids=lambda g: str(g)[:40],
)
def test_every_line_holds(givens: dict[str, Any]) -> None:
    found = ema(**givens)
    assert found.holds
    assert found.checks


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"beta": 1}, "beta = 1 takes no value in: v_t stays v_0; use a beta below 1, such as 0.9"),
    ({"beta": -1}, "beta = -1 is not in 0 <= beta < 1"),
    ({"alpha": 0}, "beta = 1 takes no value in"),
    ({"beta": "0.9", "alpha": "0.1"}, "--beta and --alpha both give the share that is kept"),
    ({"beta": ["0.9", "0.99"], "values": [1]}, "2 values of beta and a list of values"),
    ({"beta": ["a", "b"]}, "several values of beta are numbers"),
    ({"values": "1,2;3,4"}, "--values is one list, not rows"),
    ({"values": ",".join(["x"] * 31)}, "31 values with symbols among them are too many; use at most 30"),
    ({"t": 0}, "t 0 is less than 1"),
]


@pytest.mark.parametrize(("givens", "message"), ERRORS, ids=lambda row: str(row)[:50])
def test_says_what_is_wrong_and_what_would_do(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        ema(**givens)
    assert message in str(problem.value)


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (WEATHER, "corrected=12.15", "without the correction"),
    (WEATHER, "average=45.27", "takes it for the new value's"),
    (WEATHER, "average=40 + 1.31", "not at the first value"),
    ({"beta": "0.9"}, "effective_length=0.9", "that is the share kept"),
    ({}, "corrected = (1 - beta) sum(k, 1, t, beta^(t - k) x[k])", "that is average"),
    (WEATHER, "weights=0.1,0.09,0.081", "the newest value has the largest weight"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=[row[1] for row in SLIPS])
def test_explains_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(ema(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_accepts_the_average_as_a_sum() -> None:
    answer = "average = (1 - beta) sum(j, 1, t, beta^(t - j) x[j])"
    assert marked(ema(), [answer]).marks[0].correct
