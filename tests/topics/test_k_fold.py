"""k-fold: folds counted by enumeration, scores by the statistics module, and what students make of them."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, k_fold, marked

if TYPE_CHECKING:
    from fractions import Fraction

COUNTS = [
    ({"k": 5}, {"models": "5", "share": "0.8", "training_uses": "4", "validation_uses": "1", "test_uses": "0"}),
    ({"k": 10, "settings": 6, "repeats": 3}, {"models": "180"}),
    ({"k": 10, "settings": 6, "refit": True}, {"models": "61"}),
    ({"k": "k", "settings": "s"}, {"models": "k*s", "share": "(k - 1)/k"}),
    ({"k": 4, "n": 100, "time": 3}, {"fold_size": "25", "training_size": "75", "total_time": "12"}),
    ({"n": 20, "leave_one_out": True}, {"models": "20", "fold_size": "1", "training_size": "19"}),
    ({"n": "n", "leave_one_out": True}, {"models": "n", "training_size": "n - 1"}),
    ({"k": 5, "n": 103}, {"fold_sizes": "21,21,21,20,20", "training_sizes": "82,82,82,83,83"}),
    ({"scores": "1,2,3,4", "repeats": 2}, {"models": "4", "mean": "2.5", "training_folds": "1"}),
    ({"scores": "a,b"}, {"mean": "(a + b)/2", "models": "2"}),
]


@pytest.mark.parametrize(("givens", "expected"), COUNTS, ids=lambda part: str(part)[:50])
def test_counts(givens: dict[str, object], expected: dict[str, str]) -> None:
    solution = k_fold(**givens)
    assert {name: solution[name].text for name in expected} == expected
    assert solution.holds


@given(st.integers(2, 12), st.integers(0, 40))
def test_the_folds_share_all_examples_as_evenly_as_can_be(k: int, more: int) -> None:
    sizes = k_fold(k=k, n=k + more)["fold_sizes"].computed
    assert isinstance(sizes, list)
    assert sum(sizes) == k + more  # type: ignore[arg-type]
    assert len(sizes) == k
    assert max(sizes) - min(sizes) <= 1  # type: ignore[operator,type-var]


@given(st.lists(st.fractions(-3, 3, max_denominator=9), min_size=2, max_size=15))
def test_scores_agree_with_the_statistics_module(scores: list[Fraction]) -> None:
    solution = k_fold(scores=scores)
    assert solution["mean"].computed == pytest.approx(float(statistics.mean(scores)))
    assert solution["standard_deviation"].computed == pytest.approx(statistics.stdev(scores), abs=1e-12)
    assert solution["standard_error"].computed == pytest.approx(
        statistics.stdev(scores) / len(scores) ** 0.5, abs=1e-12
    )


def test_many_scores_are_written_as_a_sum() -> None:
    solution = k_fold(scores=",".join(str(i) for i in range(30)))
    assert solution.value == 14.5
    assert solution.holds


def test_one_score_has_no_spread() -> None:
    solution = k_fold(scores="0.5", k=2, repeats="r")
    assert solution.value == 0.5
    assert "0/0" in solution.notes[0]


ERRORS = [
    ({"k": 10, "n": 5}, "10 folds need 10 examples or more, but there are 5", "use --k 5"),
    ({"k": 1}, "k = 1 leaves no fold to train on", "use 2 folds or more"),
    ({"k": 0}, "k = 0 is no number of folds", "2 folds"),
    ({"k": "2.5"}, "k 2.5 is not a whole number", "use 2 or 3"),
    ({"scores": "1,2,3", "k": 5}, "there are 3 scores, but 5 models are validated", "give 5 scores"),
    ({"scores": "1,2,3", "repeats": 2}, "3 scores are not 2 rounds of folds", "add --k"),
    ({"scores": "1,2;3,4"}, "--scores has 2 rows", "of one setting"),
    ({"leave_one_out": True}, "--n is missing", "add --n"),
    ({"leave_one_out": True, "n": 20, "k": 5}, "k = n = 20 folds, but --k is 5", "leave out --k"),
    ({"scores": "variance,b"}, "variance is the name of a result", "another letter"),
    ({"time": -1}, "time -1 is less than 0", "use 0 or more"),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), ERRORS, ids=lambda part: str(part)[:40])
def test_refuses(givens: dict[str, object], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        k_fold(**givens)
    assert condition in str(refused.value)
    assert fix in str(refused.value)


SLIPS = [
    ({"k": 5}, "models=25", "fitted once, not k times"),
    ({"k": 5}, "models=1", "not one model refitted"),
    ({"k": 5}, "models=4", "held out once"),
    ({"k": 5, "settings": 3}, "models=5", "that is one setting"),
    ({"k": 5}, "share=1/5", "held out for validation"),
    ({}, "training_uses=k", "k in total"),
    ({}, "validation_uses=k", "k in total"),
    ({}, "test_uses=1", "never rotates"),
    ({}, "others=test", "never rotates"),
    ({"scores": "1,2,6"}, "mean=9", "that is the sum"),
    ({"scores": "1,2,6"}, "mean=2", "that is the median"),
    ({"scores": "1,2,6"}, "variance=14/3", "divides by 3, not 2"),
    ({"scores": "1,2,6"}, "standard_error=sqrt(7)", "not yet over √3"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=str)
def test_explains(givens: dict[str, object], answer: str, because: str) -> None:
    mark = marked(k_fold(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_large_counts_stay_quick() -> None:
    solution = k_fold(k=10**9, n=10**12)
    assert solution["models"].computed == 10**9
    assert solution.holds
