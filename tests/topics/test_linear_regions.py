"""Regions of ReLU networks: the known numbers, hyperplanes cut one by one, folds counted."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, marked
from dlcalc.topics.linear_regions import linear_regions


@pytest.mark.parametrize(
    ("inputs", "hidden", "layers", "regions"),
    [
        (1, 1, 1, 2),
        (1, 6, 1, 7),
        (2, 3, 1, 7),
        (2, 5, 1, 16),
        (2, 4, 1, 11),
        (3, 3, 1, 8),
        (3, 5, 1, 26),
        (10, 3, 1, 8),
        (1, 2, 3, 27),
        (1, 3, 2, 16),
        (1, 1, 5, 32),
    ],
)
def test_known_numbers(inputs: int, hidden: int, layers: int, regions: int) -> None:
    found = linear_regions(inputs=inputs, hidden=hidden, layers=layers)
    assert found["regions"].computed == regions
    assert found.checks
    assert found.holds


@pytest.mark.parametrize(
    ("givens", "text"),
    [
        ({}, "D + 1"),
        ({"inputs": 2}, "D + 1 + binomial(D, 2)"),
        ({"inputs": "n"}, "sum(j, 0, n, binomial(D, j))"),
        ({"inputs": "j", "hidden": "k"}, "sum(i, 0, j, binomial(k, i))"),
        ({"inputs": "n", "hidden": 4}, "sum(j, 0, n, binomial(4, j))"),
        ({"layers": "K"}, "(D + 1)^K"),
        ({"layers": "K", "hidden": "m + 1"}, "(m + 2)^K"),
    ],
    ids=str,
)
def test_formulas_hold(givens: dict[str, object], text: str) -> None:
    found = linear_regions(**givens)
    assert found["regions"].text == text
    assert found.holds


@given(st.integers(1, 200), st.integers(1, 200))
def test_one_more_hyperplane_cuts_what_the_others_leave_on_it(inputs: int, hidden: int) -> None:
    def regions(i: int, h: int) -> object:
        return linear_regions(inputs=i, hidden=h)["regions"].computed

    assert regions(inputs + 1, hidden + 1) == regions(inputs + 1, hidden) + regions(inputs, hidden)  # type: ignore[operator]  # numbers
    assert regions(inputs, hidden) == sum(comb(hidden, j) for j in range(inputs + 1))


@pytest.mark.parametrize(
    ("given_answer", "correct", "because"),
    [("7", True, ""), ("8", False, "on-off patterns"), ("4", False, "one input"), ("3", False, "counts the joints")],
)
def test_marks_and_explains(given_answer: str, *, correct: bool, because: str) -> None:
    mark = marked(linear_regions(inputs=2, hidden=3), [given_answer]).marks[0]
    assert mark.correct is correct
    assert because in mark.because


@pytest.mark.parametrize(
    ("givens", "message"),
    [
        ({"inputs": 2, "layers": 2, "hidden": 3}, "2 layers on 2 inputs have no exact formula"),
        ({"hidden": 0}, "hidden 0 is less than 1"),
        ({"hidden": 5000}, "--hidden 5000 is more than 1,000"),
        ({"inputs": "1.5"}, "not a whole number"),
    ],
)
def test_refuses(givens: dict[str, object], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        linear_regions(**givens)
    assert message in str(problem.value)
