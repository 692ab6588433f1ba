"""Updates per epoch and in all: known counts, laws, degenerate givens, marking."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, marked, training_steps

CIFAR: dict[str, Any] = {"samples": 50_000, "batch": 128}
NUMBERS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("mini-batches", {"samples": 10_000, "batch": 32}, "updates_per_epoch", 313),
    ("the last one", {"samples": 10_000, "batch": 32}, "last_batch", 16),
    ("SGD", {"samples": 10_000, "batch": 32}, "sgd_updates", 10_000),
    ("full batch", {"samples": 10_000, "batch": 32}, "full_batch_updates", 1),
    ("a batch larger than the data", {"samples": 10, "batch": 64}, "updates_per_epoch", 1),
    ("its only batch", {"samples": 10, "batch": 64}, "last_batch", 10),
    ("no rest", {"samples": 64, "batch": 32}, "last_batch", 32),
    ("dropped", {**CIFAR, "drop_last": True}, "updates_per_epoch", 390),
    ("fewer gradients", {**CIFAR, "drop_last": True}, "gradients_per_epoch", 49_920),
    ("epochs", {**CIFAR, "epochs": 90}, "updates", 35_190),
    ("hours", {**CIFAR, "epochs": 90, "time": "0.25"}, "time", 8797.5),
    ("accumulated", {"samples": 100, "batch": 8, "accumulate": 4}, "updates_per_epoch", 4),
    ("epochs of updates", {"samples": 50_000, "batch": 100, "updates": 10_000}, "epochs", 20),
    ("cost", {"parameters": 7}, "update_cost", 14),
]


@pytest.mark.parametrize(("givens", "name", "expected"), [r[1:] for r in NUMBERS], ids=[r[0] for r in NUMBERS])
def test_counts(givens: dict[str, Any], name: str, expected: object) -> None:
    found = training_steps(**givens)
    assert found[name].computed == expected
    assert found.holds


@given(n=st.integers(1, 400), b=st.integers(1, 50))
def test_the_batches_make_up_the_data(n: int, b: int) -> None:
    found = training_steps(samples=n, batch=b)
    full = found["updates_per_epoch"].computed - 1  # type: ignore[operator]  # a number
    assert full * b + found["last_batch"].computed == n
    assert 1 <= found["last_batch"].computed <= b  # type: ignore[operator]  # a number


@given(n=st.integers(1, 400), b=st.integers(1, 50))
def test_dropping_the_last_batch_leaves_out_what_is_over(n: int, b: int) -> None:
    if b <= n:
        found = training_steps(samples=n, batch=b, drop_last=True)
        assert found["gradients_per_epoch"].computed == n - n % b


@pytest.mark.parametrize(
    "givens",
    [{}, {"drop_last": True, "epochs": "E", "time": "s"}, {"updates": "U"}, {"accumulate": "a"}, {"parameters": "D"}],
    ids=str,
)
def test_every_line_holds_in_symbols(givens: dict[str, Any]) -> None:
    found = training_steps(**givens)
    assert found.holds
    assert found.checks


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"samples": 10**19}, "is too many to count; use at most 10^18, or a symbol"),
    ({"samples": 0}, "samples 0 is less than 1; use 1 or more"),
    ({"batch": "1.5"}, "batch 1.5 is not a whole number; use 1 or 2"),
    ({"epochs": 1, "updates": 2}, "--epochs and --updates both say how long; leave one of them out"),
    ({"time": 1}, "--time needs to know how long; add --epochs"),
    ({"samples": 10, "batch": 64, "drop_last": True}, "no batch of 64 is full with 10 examples"),
    ({"samples": "updates", "epochs": 2}, "updates is the name of a result here"),
]


@pytest.mark.parametrize(("givens", "message"), ERRORS, ids=lambda row: str(row)[:50])
def test_says_what_is_wrong_and_what_would_do(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        training_steps(**givens)
    assert message in str(problem.value)


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({"samples": 10_000, "batch": 32}, "312", "the rest is a batch too"),
    ({"samples": 10_000, "batch": 32}, "312.5", "an update is made whole"),
    ({**CIFAR, "drop_last": True}, "391", "rounded down"),
    ({"samples": 10, "batch": 3, "epochs": 2}, "4", "that is one epoch"),
    ({"samples": 10, "batch": 3, "epochs": 2}, "7", "every epoch has a last batch of its own"),
    ({"samples": 10, "batch": 3, "epochs": 2}, "6", "in every epoch the rest is a batch too"),
    ({"samples": "N", "batch": "B", "epochs": "E"}, "E N/B", "in every epoch an update is made whole"),
    ({"parameters": "D"}, "D", "every parameter takes two operations"),
    ({"parameters": "D"}, "update_growth=quadratic", "however many others there are"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=[row[2] for row in SLIPS])
def test_explains_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(training_steps(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_compares_the_methods_in_a_table() -> None:
    rows = training_steps(samples=100, batch=10).tables[0].records()
    assert [row["updates_per_epoch"] for row in rows] == [100, 10, 1]
    assert {row["gradients_per_epoch"] for row in rows} == {100}


def test_huge_numbers_are_counted_at_once() -> None:
    found = training_steps(samples=10**15, batch=7, epochs=10**6, time=2)
    assert found.holds
