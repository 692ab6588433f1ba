"""early-stopping: the returned model and the stop against a loop of its own, ties, and both metrics."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, early_stopping, marked

CURVE = st.lists(st.integers(0, 6), min_size=1, max_size=12)


def keras(losses: list[int], patience: int | None, delta: int) -> tuple[int, int]:
    """Run the callback as its documentation says; return the best and the last epoch, counted from 1."""
    best, kept, wait = None, 0, 0
    for epoch, loss in enumerate(losses, 1):
        wait += 1
        if best is None or loss < best - delta:
            best, kept, wait = loss, epoch, 0
        if patience is not None and wait >= patience and epoch > kept:
            return kept, epoch
    return kept, len(losses)


@given(CURVE, st.none() | st.integers(0, 4), st.integers(0, 2))
def test_returns_and_stops_as_keras_does(losses: list[int], patience: int | None, delta: int) -> None:
    givens: dict[str, Any] = {"validation": losses, "min_delta": delta}
    if patience is not None:
        givens["patience"] = patience
    found = early_stopping(**givens)
    assert (found["returned"].computed, found["stopped"].computed) == keras(losses, patience, delta)
    assert found["best"].computed == losses.index(min(losses)) + 1
    assert found.holds


@given(CURVE)
def test_accuracy_is_a_loss_turned_over(values: list[int]) -> None:
    one = early_stopping(validation=values, metric="accuracy", patience=2)
    other = early_stopping(validation=[-v for v in values], patience=2)
    assert [one[n].text for n in ("returned", "stopped", "regime")] == [
        other[n].text for n in ("returned", "stopped", "regime")
    ]
    assert one.holds


REGIMES = [
    ("0.9,0.6,0.7", "0.8,0.5,0.3", "overfitting", "yes"),
    ("0.9,0.8,0.7", "0.8,0.7,0.6", "underfitting", "no"),
    ("0.9,0.6,0.7", "0.8,0.5,0.9", "diverging", "no"),
    ("0.5,0.5", "0.4,0.4", "at-the-minimum", "no"),
]


@pytest.mark.parametrize(("validation", "train", "regime", "overfits"), REGIMES)
def test_the_regime_has_its_evidence(validation: str, train: str, regime: str, overfits: str) -> None:
    found = early_stopping(validation=validation, train=train)
    assert (found["regime"].text, found["overfits"].text) == (regime, overfits)
    assert found.holds


def test_the_gap_is_that_of_the_returned_model() -> None:
    found = early_stopping(validation="0.9,0.55,0.6", train="0.8,0.35,0.2")
    assert found["gap"].value.value == Fraction(1, 5)  # type: ignore[union-attr]
    assert [curve.name for curve in found.plots[0].make()] == ["validation", "training"]
    assert len(found.tables[0].rows) == 3


def test_ties_return_the_first() -> None:
    found = early_stopping(validation="0.9,0.5,0.5")
    assert found.value == 2
    assert any("tie" in note for note in found.notes)


def test_a_long_curve_is_answered_with_few_lines() -> None:
    found = early_stopping(validation=[abs(500 - i) for i in range(1000)])
    assert found.value == 501
    assert len(found.steps) < 40
    assert found.holds


def test_what_lies_behind_the_stop_is_not_called_an_evaluation() -> None:
    notes = early_stopping(validation="0.9,0.7,0.72,0.71,0.6,0.65", patience=2).notes
    assert any(note.startswith("at the end of the curve: overfitting") for note in notes)
    assert not any("last evaluation" in note for note in notes)


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        ("returned=4", "where training stops"),
        ("returned=5", "that is the lowest point, but training had stopped"),
        ("returned=1", "counted from 1"),
        ("returned=5", "patience is used up"),
        ("stopped=2", "the model returned"),
    ],
)
def test_slips_are_explained(answer: str, because: str) -> None:
    mark = marked(early_stopping(validation="0.9,0.7,0.72,0.71,0.6,0.65", patience=2), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


@pytest.mark.parametrize(
    ("givens", "condition"),
    [
        ({"validation": "0.9,a"}, "no number"),
        ({"validation": "0.9,0.8", "train": "1"}, "1 entries, but --validation has 2"),
        ({"validation": "1,2;3,4"}, "no number"),
        ({"validation": "1", "patience": "p"}, "no number"),
        ({"validation": "1", "patience": "-1"}, "less than 0"),
        ({"validation": "1", "min_delta": "-1"}, "less than 0"),
        ({}, "missing"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError, match=condition):
        early_stopping(**givens)
