"""metrics: every one by its definition on lists of examples, 0/0 said, and what students make of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, marked, metrics

COUNT = st.integers(1, 30)
LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=25)


@given(COUNT, COUNT, COUNT, COUNT)
def test_two_classes_agree_with_numpy(tp: int, fp: int, fn: int, tn: int) -> None:
    actual = np.array([1] * tp + [0] * fp + [1] * fn + [0] * tn)
    guess = np.array([1] * tp + [1] * fp + [0] * fn + [0] * tn)
    found = metrics(tp=tp, fp=fp, fn=fn, tn=tn, beta=2)
    precision, recall = actual[guess == 1].mean(), guess[actual == 1].mean()
    expected = {
        "accuracy": (actual == guess).mean(),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall),
        "f_beta": 5 * precision * recall / (4 * precision + recall),
        "specificity": 1 - guess[actual == 0].mean(),
        "mcc": np.corrcoef(actual, guess)[0, 1],
        "majority_accuracy": max(actual.mean(), 1 - actual.mean()),
        "iou": (actual & guess).sum() / (actual | guess).sum(),
    }
    for name, value in expected.items():
        assert found[name].computed == pytest.approx(value), name


@given(LABELS)
def test_lists_of_labels_are_counted(pairs: list[tuple[int, int]]) -> None:
    y, guess = [a + 5 for a, _ in pairs], [p + 5 for _, p in pairs]
    found = metrics(y=y, predicted=guess)
    if len({*y, *guess}) > 1:
        classes = sorted({*y, *guess})
        recalls = [np.mean([p == c for a, p in zip(y, guess, strict=True) if a == c]) if c in y else 0 for c in classes]
        assert found["recall"].computed == pytest.approx(recalls)
        assert found["macro_recall"].computed == pytest.approx(np.mean(recalls))
    assert found["accuracy"].computed == pytest.approx(np.mean([a == p for a, p in zip(y, guess, strict=True)]))


TABLE = [
    ({}, "f1", "2*TP/(2*TP + FP + FN)"),
    ({"tp": 8, "fp": 2}, "precision", "0.8"),
    ({"tp": 8, "fn": 2}, "recall", "0.8"),
    ({"matrix": "50,3;5,42"}, "precision", "14/15"),
    ({"matrix": "50,3;5,42", "positive": 1}, "precision", "10/11"),
    ({"matrix": "50,5;3,42", "rows": "predicted"}, "precision", "14/15"),
    ({"matrix": "5,1,0;2,6,1;0,1,4", "positive": 2}, "recall", "2/3"),
    ({"matrix": "a,b;c,d"}, "accuracy", "(d + a)/(d + b + c + a)"),
    ({"matrix": "1,2,3;4,5,6;7,8,9"}, "accuracy", "1/3"),
    ({"matrix": "1000000,1,0;0,2000000,0;5,0,7"}, "majority_accuracy", "2000000/3000013"),
    ({"y": "cat,dog,cat", "predicted": "cat,cat,cat"}, "accuracy", "2/3"),
    ({"y": "cat,dog,cat", "predicted": "cat,cat,cat", "positive": "cat"}, "recall", "1"),
    ({"y": "1,0,1", "predicted": "0.5,0.5,0.4", "threshold": "0.5"}, "recall", "0.5"),
    ({"precision": "0.8", "recall": "0.5"}, "f1", "8/13"),
    ({"precision": 0, "recall": "0.5"}, "f1", "0"),
    ({"precision": "p", "recall": "r", "beta": 2}, "f_beta", "5*p*r/(4*p + r)"),
    ({"tp": "t", "fp": 0, "fn": 0, "tn": 1}, "precision", "t/t"),
    ({"tp": 0, "fp": 0, "fn": 4, "tn": 6}, "f1", "0"),
    ({"tp": 3, "fp": 0, "fn": 0, "tn": 0}, "iou", "1"),
]


@pytest.mark.parametrize(("givens", "name", "text"), TABLE, ids=lambda part: str(part)[:50])
def test_answers_and_every_line_holds(givens: dict[str, object], name: str, text: str) -> None:
    solution = metrics(**givens)
    assert solution.holds, [(s.rule, s.check) for s in solution.steps if s.check and not s.check.holds]
    assert solution[name].text == text


def test_a_metric_that_is_0_over_0_is_said_not_divided() -> None:
    solution = metrics(tp=0, fp=0, fn=4, tn=6)
    assert not {"precision", "mcc"} & {answer.name for answer in solution.answers}
    assert solution.notes[0].startswith("precision is 0/0: nothing is predicted positive")
    assert any("mcc is 0/0" in note for note in solution.notes)
    classes = metrics(matrix="0,2,0;0,3,0;0,0,1")
    assert classes.notes == (
        "precision of class 1 is 0/0: nothing is predicted so; in averages it counts as 0 (as in scikit-learn)",
    )
    assert classes.holds


ERRORS = [
    ({"tp": -1}, "tp -1 is less than 0", "use 0"),
    ({"tp": "1.5"}, "tp 1.5 is not a whole number", "use 1 or 2"),
    ({"tp": 0, "fp": 0, "fn": 0, "tn": 0}, "there is no example", "above 0"),
    ({"tp": 3}, "", "add more of"),
    ({"tp": 3, "y": "1,0"}, "say the same twice", "give one"),
    ({"y": "1,0"}, "--predicted is missing", "give --y and --predicted"),
    ({"y": "1,0", "predicted": "1"}, "2 labels, but 1 predictions", "one for each"),
    ({"y": "1,0", "predicted": "1,0", "positive": 3}, "no example is labelled 3", "the labels are 1, 0"),
    ({"y": "1,0;1,1", "predicted": "1,0"}, "--y has 2 rows", "one list"),
    ({"y": "1,0", "predicted": "a,0.2", "threshold": "0.5"}, "a cannot be compared", "give numbers"),
    ({"y": "1,0", "predicted": "0.9,0.4"}, "--predicted has scores", "add --threshold 0.5"),
    ({"matrix": "1,2,3;4,5,6"}, "--matrix is 2×3", "write rows"),
    ({"matrix": "1,2"}, "a confusion matrix is square", "write rows"),
    ({"matrix": "1,-2;3,4"}, "--matrix has the entry -2", "whole numbers"),
    ({"matrix": "1,2;3,4", "positive": 3}, "--positive 3 is no class", "use 1 to 2"),
    ({"matrix": "0,0,0;0,0,0;0,0,0"}, "there is no example", "above 0"),
    ({"precision": "0.5"}, "one is missing", "give --precision and --recall"),
    ({"precision": "1.5", "recall": "0.1"}, "--precision 1.5 is no share", "between 0 and 1"),
    ({"precision": 0, "recall": 0}, "F1 is 0/0", "called 0"),
    ({"precision": "0.5", "recall": "0.5", "beta": 0}, "beta 0 is not positive", "use 1"),
    ({"matrix": "1,2;3,4", "rows": "columns"}, "--rows columns is not known", "actual"),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), ERRORS, ids=lambda part: str(part)[:40])
def test_refuses(givens: dict[str, object], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        metrics(**givens)
    assert condition in str(refused.value)
    assert fix in str(refused.value)


COUNTS = {"tp": 8, "fp": 2, "fn": 4, "tn": 86}
SLIPS = [
    (COUNTS, "precision=8/12", "that is recall"),
    (COUNTS, "recall=0.8", "that is precision"),
    (COUNTS, "f1=11/15", "arithmetic mean"),
    (COUNTS, "f1=4/7", "IoU"),
    (COUNTS, "accuracy=0.06", "error rate"),
    (COUNTS, "fpr=0.2", "over what is negative"),
    (COUNTS, "majority_accuracy=0.12", "share of the positive class"),
    ({"precision": "p", "recall": "r"}, "(p + r)/2", "arithmetic mean"),
    ({"precision": "p", "recall": "r"}, "p r/(p + r)", "factor 2"),
    ({"matrix": "5,1,0;2,6,1;0,1,4"}, "precision=5/6,2/3,4/5", "that is the recall"),
    ({"matrix": "5,1,0;2,6,1;0,1,4"}, "macro_f1=0.75", "micro average"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=str)
def test_explains(givens: dict[str, object], answer: str, because: str) -> None:
    mark = marked(metrics(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_a_share_is_exact() -> None:
    assert metrics(tp=1, fp=2)["precision"].text == str(Fraction(1, 3))
