"""Variance of a mini-batch gradient: every batch listed, laws, degenerate givens, marking."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, marked, minibatch_variance
from dlcalc.topics.minibatch_variance import variance_of_means

FOUR: dict[str, Any] = {"gradients": [1, 2, 3, 6], "batch": 2}

FACTS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("with", {"variance": 4, "batch": 32}, "variance", 0.125),
    ("of a deviation", {"std": 4, "batch": 2}, "variance", 8),
    ("deviation", {"variance": 16, "batch": 4}, "std", 2),
    ("four times the batch", {"variance": 4, "batch": 32}, "batch_needed", 128),
    ("nine times the batch", {"variance": 4, "batch": 32, "shrink": 3}, "batch_needed", 288),
    ("of gradients", FOUR, "variance", 1.75),
    ("without", FOUR, "variance_without", 7 / 6),
    ("covariance", FOUR, "covariance", -7 / 6),
    ("their variance", FOUR, "s2", 3.5),
    ("their mean", FOUR, "mean", 3),
    ("full batch", {"variance": 5, "batch": 6, "samples": 6}, "variance_without", 0),
    ("batch of one", {"variance": 5, "batch": 1, "samples": 6}, "variance_without", 5),
    ("no noise", {"gradients": [2, 2, 2], "batch": 2}, "variance", 0),
]


@pytest.mark.parametrize(("givens", "name", "expected"), [r[1:] for r in FACTS], ids=[r[0] for r in FACTS])
def test_gives_the_known_value(givens: dict[str, Any], name: str, expected: float) -> None:
    found = minibatch_variance(**givens)
    assert found[name].computed == pytest.approx(expected, rel=1e-12)
    assert found.holds
    assert found.checks


@given(g=st.lists(st.integers(-9, 9), min_size=2, max_size=6), size=st.integers(1, 4))
def test_is_the_variance_over_every_batch(g: list[int], size: int) -> None:
    size = min(size, len(g))
    found = minibatch_variance(gradients=g, batch=size)
    for name, batches in (("variance", product(g, repeat=size)), ("variance_without", combinations(g, size))):
        assert found[name].computed == pytest.approx(float(np.var([np.mean(batch) for batch in batches])))


@given(g=st.lists(st.integers(-9, 9), min_size=2, max_size=7), size=st.integers(1, 5))
def test_sums_of_batches_say_the_same_as_the_batches(g: list[int], size: int) -> None:
    """What takes the place of listing many batches agrees with listing few."""
    from dlcalc.topics.minibatch_variance import _added_up

    size = min(size, len(g))
    for replacement in (True, False):
        listed = variance_of_means(g, size, replacement=replacement)
        assert _added_up(g, size, replacement=replacement) == listed


@pytest.mark.parametrize(
    "givens",
    [
        {},
        {"samples": "N"},
        {"replacement": False},
        {"gradients": "a,b,c", "batch": 2},
        {"std": "s", "batch": "b", "shrink": "q"},
        {"samples": 5},
        {"variance": 9, "batch": 10, "samples": 1000, "replacement": False},
        {"variance": 9, "batch": 10**9, "samples": 10**12},
        {"gradients": [4], "batch": 3},
    ],
    ids=str,
)
def test_every_line_holds(givens: dict[str, Any]) -> None:
    assert minibatch_variance(**givens).holds


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"variance": "N", "samples": "N"}, "N stands for two givens; give each its own letter"),
    ({"batch": 0}, "batch 0 is less than 1"),
    ({"variance": -1}, "variance -1 is less than 0"),
    ({"variance": 1, "std": 1}, "--variance and --std say the same; leave one of them out"),
    ({**FOUR, "variance": 1}, "--gradients says the variance too"),
    ({**FOUR, "samples": 5}, "there are 4 gradients, but samples is 5"),
    ({"batch": 7, "samples": 6, "replacement": False}, "a batch of 7 is more than the 6 examples; use 6 or less"),
    ({"samples": 1, "replacement": False}, "of 1 example there is one batch only"),
    ({"gradients": "1,2;3,4"}, "--gradients are numbers, one per example, not rows"),
    ({"gradients": list(range(300))}, "300 gradients are too many; use at most 200, or --variance"),
    ({"shrink": 0}, "shrink 0 is less than 1"),
]


@pytest.mark.parametrize(("givens", "message"), ERRORS, ids=lambda row: str(row)[:50])
def test_says_what_is_wrong_and_what_would_do(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        minibatch_variance(**givens)
    assert message in str(problem.value)


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "s2/B^2", "only one B cancels"),
    ({}, "s2", "the variance of one example's gradient"),
    ({}, "s2/sqrt(B)", "the standard deviation falls with √B"),
    ({}, "batch_needed=2B", "the factor is squared"),
    ({"samples": "N"}, "variance_without=s2/B", "that is with replacement"),
    ({"samples": "N"}, "variance_without=s2/B (N - B)/N", "it is N - 1"),
    (FOUR, "s2=14/3", "that divides by N - 1"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=[row[1] for row in SLIPS])
def test_explains_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(minibatch_variance(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_a_batch_larger_than_the_data_is_drawn_with_replacement_only() -> None:
    found = minibatch_variance(variance=1, batch=9, samples=4)
    assert [a.name for a in found.answers] == ["variance", "std", "batch_needed"]
