"""What goes wrong in validation: overfitting with little data, selecting on the test set, leaking crops."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from dlcalc import DlcalcError, leakage, least_squares_risk, marked, selection_bias
from dlcalc.topics.least_squares_risk import _inverse_chi_square, _residual_trace
from dlcalc.topics.selection_bias import _expected_best


@pytest.mark.parametrize(("d", "n"), [(1, 4), (3, 6), (5, 20)])
def test_the_routes_of_least_squares_agree_with_numpy(d: int, n: int) -> None:
    inputs = np.random.default_rng(0).standard_normal((n, d))
    assert _residual_trace(d, n) == n - d
    assert n - np.linalg.matrix_rank(inputs) == n - d
    draws = np.random.default_rng(1).chisquare(n - d + 1, size=400_000)
    if n - d > 4:
        assert _inverse_chi_square(n - d + 1) == pytest.approx(float((1 / draws).mean()), rel=0.02)
    assert _inverse_chi_square(n - d + 1) == pytest.approx(1 / (n - d - 1), rel=1e-10)


TABLE = [
    (least_squares_risk, {"d": 5, "n": 20}, "train", "0.75"),
    (least_squares_risk, {"d": 5, "n": 20, "noise": 4}, "test", "38/7"),
    (least_squares_risk, {"noise": "s2"}, "train", "s2*(1 - d/n)"),
    (least_squares_risk, {"d": 1, "n": 3}, "test", "2"),
    (least_squares_risk, {"d": 3, "n": 10, "noise": 0}, "gap", "0"),
    (least_squares_risk, {"d": 1000, "n": 100000}, "train", "0.99"),
    (selection_bias, {"models": 1, "examples": 10, "accuracy": "0.7"}, "best", "0.7"),
    (selection_bias, {"models": 2, "examples": 1}, "best", "0.75"),
    (selection_bias, {"models": 5, "examples": 3, "accuracy": 0}, "best", "0"),
    (selection_bias, {"models": 5, "examples": 3, "accuracy": 1}, "best", "1"),
    (selection_bias, {"accuracy": "p"}, "fresh", "p"),
    (leakage, {"trials": 2, "crops": 2, "training": 2}, "sibling", "2/3"),
    (leakage, {"trials": 5, "crops": 1}, "leaky", "0.5"),
    (leakage, {"trials": 5, "crops": 3, "classes": 4}, "honest", "0.25"),
    (leakage, {"trials": "m", "crops": "s", "training": "T"}, "honest", "0.5"),
    (leakage, {"trials": 200, "crops": 10}, "order", "split-first"),
]


@pytest.mark.parametrize(("topic", "givens", "name", "text"), TABLE, ids=lambda part: str(part)[:40])
def test_answers_and_every_line_holds(topic: object, givens: dict[str, object], name: str, text: str) -> None:
    solution = topic(**givens)  # type: ignore[operator]
    assert solution.holds, [(s.rule, s.check) for s in solution.steps if s.check and not s.check.holds]
    assert solution[name].text == text


def test_the_best_of_many_is_what_simulated_selections_find() -> None:
    scores = np.random.default_rng(3).binomial(20, 0.6, size=(20_000, 50)).max(axis=1) / 20
    assert selection_bias(models=50, examples=20, accuracy="0.6").value == pytest.approx(scores.mean(), abs=0.003)
    assert _expected_best(50, 20, 0.6) == pytest.approx(scores.mean(), abs=0.003)


def test_the_sibling_is_what_counting_finds() -> None:
    deals = list(combinations(range(11), 7))
    share = Fraction(sum(any(crop < 2 for crop in deal) for deal in deals), len(deals))
    assert leakage(trials=4, crops=3, training=7)["sibling"].text == str(share)


ERRORS = [
    (least_squares_risk, {"d": 5, "n": 6}, "n = 6 examples for d = 5 parameters", "use n = 7 or more"),
    (least_squares_risk, {"d": 0}, "d 0 is less than 1", "use 1"),
    (least_squares_risk, {"noise": -1}, "noise -1 is less than 0", "use 0"),
    (selection_bias, {"accuracy": 2}, "accuracy 2 is no probability", "between 0 and 1"),
    (selection_bias, {"examples": 1000}, "1000 examples are too many", "100 or fewer"),
    (selection_bias, {"models": 10**9}, "models are too many", "1,000,000"),
    (selection_bias, {"models": "i"}, "i and j count", "other letters"),
    (leakage, {"trials": 1}, "trials 1 is less than 2", "use 2"),
    (leakage, {"trials": 10, "crops": 2, "training": 20}, "none is left to validate on", "--training 19"),
    (leakage, {"trials": 10**6, "crops": 9}, "crops are too many", "2,000"),
    (leakage, {"trials": "m"}, "--training is missing", "--training T"),
    (leakage, {"classes": 1}, "classes 1 is less than 2", "use 2"),
]


@pytest.mark.parametrize(("topic", "givens", "condition", "fix"), ERRORS, ids=lambda part: str(part)[:40])
def test_refuses(topic: object, givens: dict[str, object], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        topic(**givens)  # type: ignore[operator]
    assert condition in str(refused.value)
    assert fix in str(refused.value)


SLIPS = [
    (least_squares_risk, {}, "train=1 + d/n", "below s²"),
    (least_squares_risk, {}, "test=1 + d/n", "the same inputs"),
    (least_squares_risk, {}, "test=1 + d/(n - d)", "n - d - 1"),
    (selection_bias, {"models": 10, "examples": 5}, "best=1/2", "one model"),
    (selection_bias, {}, "overfits=training", "never saw the test labels"),
    (leakage, {}, "leaky=1/2", "chance"),
    (leakage, {}, "order=subsample-first", "memory, not learning"),
]


@pytest.mark.parametrize(("topic", "givens", "answer", "because"), SLIPS, ids=lambda part: str(part)[:40])
def test_explains(topic: object, givens: dict[str, object], answer: str, because: str) -> None:
    mark = marked(topic(**givens), [answer]).marks[0]  # type: ignore[operator]
    assert mark.correct is False
    assert because in mark.because
