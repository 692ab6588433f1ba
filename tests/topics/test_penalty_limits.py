"""penalty-limits: minima by search, limits, the fixed step that diverges, ridge regression against NumPy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, marked, penalty_limits

A = st.fractions(-3, 3, max_denominator=4)
ABOVE = st.fractions(Fraction(1, 4), 3, max_denominator=4)


@given(A, ABOVE, st.fractions(0, 9, max_denominator=4), st.sampled_from(["half", "full", "l1"]))
def test_the_minimum_beats_a_grid_and_the_data_loss_never_falls(
    a: Fraction, h: Fraction, al: Fraction, kind: str
) -> None:
    penalties = {"half": lambda w: w**2 / 2, "full": lambda w: w**2, "l1": abs}
    found = penalty_limits(target=a, curvature=h, alpha=al, penalty=kind)
    at, loss = float(found["minimum"].computed), float(found["data_loss"].computed)  # type: ignore[arg-type]
    grid = np.linspace(-4, 4, 1601)
    losses = float(h) / 2 * (grid - float(a)) ** 2 + float(al) * penalties[kind](grid)
    assert loss + float(al) * penalties[kind](at) <= losses.min() + 1e-12
    later = penalty_limits(target=a, curvature=h, alpha=al + 1, penalty=kind)["data_loss"].computed
    assert loss <= float(later) + 1e-12  # type: ignore[arg-type]


@given(ABOVE, st.fractions(0, 30, max_denominator=2), st.fractions(Fraction(1, 20), 1, max_denominator=20))
def test_diverges_exactly_where_the_iterates_grow(h: Fraction, alpha: Fraction, lr: Fraction) -> None:
    found = penalty_limits(target=1, curvature=h, alpha=alpha, lr=lr)
    best = h / (h + alpha)
    after = best + 1 - lr * (h * (best + 1 - 1) + alpha * (best + 1))
    assert (found["diverges"].text == "yes") == (abs(after - best) > 1)


@pytest.mark.parametrize(
    "givens",
    [
        {},
        {"penalty": "full"},
        {"penalty": "l1"},
        {"target": "2", "curvature": "1", "alpha": "30", "lr": "0.1"},
        {"target": "0", "alpha": "0"},
        {"target": "2", "curvature": "1", "alpha": "19", "lr": "0.1"},
        {"target": "1", "curvature": "1", "alpha": "0.5", "penalty": "l1"},
        {"x": "1,0;1,1;1,2;1,3", "y": "1,2,2,4"},
        {"x": "1,2,3", "y": "2,3,5", "penalty": "full", "alphas": "0,1,1e9"},
        {"x": "1,1;2,2", "y": "1,2", "alphas": "0.5"},
    ],
    ids=str,
)
def test_every_line_holds(givens: dict[str, str]) -> None:
    solution = penalty_limits(**givens)
    failed = [str(step.before) for step in solution.steps if step.check is None or not step.check.holds]
    assert failed == []
    assert all(check.holds for check in solution.checks)


def test_answers_in_letters() -> None:
    found = penalty_limits()
    expected = {
        "minimum": "h*a/(h + alpha)",
        "minimum_at_infinity": "0",
        "data_loss_at_infinity": "h*a^2/2",
        "ratio_at_infinity": "w^2/2",
        "decreases_training_loss": "no",
        "underfits_at_infinity": "yes",
        "largest_alpha": "2/epsilon - h",
    }
    assert {name: found[name].text for name in expected} == expected


def test_ridge_is_numpys() -> None:
    x, y = np.array([[1, 0], [1, 1], [1, 3]], dtype=float), np.array([1, 0, 2], dtype=float)
    found = penalty_limits(x=x.tolist(), y=y.tolist(), alphas="0,2")
    for alpha, weights in zip((0, 2), found["weights"].computed, strict=True):  # type: ignore[arg-type]
        assert weights == pytest.approx(np.linalg.solve(x.T @ x + alpha * np.eye(2), x.T @ y))
    assert found["zero_predictor_loss"].computed == (y @ y) / 2
    assert len(found.tables[0].rows) == 2


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        ("minimum=h*a/(h + 2*alpha)", "other form of the penalty"),
        ("ratio_at_infinity=alpha*Omega", "L̃/α → Ω"),
        ("minimum_at_infinity=a", "the plain fit"),
        ("decreases_training_loss=yes", "never below"),
        ("largest_alpha=2/epsilon", "curvature"),
        ("largest_alpha=1/epsilon", "diverge above 2"),
    ],
)
def test_slips_are_explained(answer: str, because: str) -> None:
    mark = marked(penalty_limits(), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


@pytest.mark.parametrize(
    ("givens", "condition"),
    [
        ({"alpha": "-1"}, "less than 0"),
        ({"curvature": "0"}, "not above 0"),
        ({"lr": "0"}, "moves nothing"),
        ({"lr": "0.1", "penalty": "l1"}, "penalty of squares"),
        ({"alphas": "1"}, "on data"),
        ({"x": "1;2"}, "belong together"),
        ({"x": "1;2", "y": "1"}, "2 rows, but --y has 1"),
        ({"x": "1;a", "y": "1,2"}, "no number"),
        ({"x": "1,1;2,2", "y": "1,2"}, "depend on each other"),
        ({"x": "1;2", "y": "1,2", "alphas": "-1"}, "less than 0"),
        ({"x": "1;2", "y": "1,2", "alpha": "1"}, "data are given"),
        ({"x": "1;2", "y": "1,2", "penalty": "l1"}, "no closed form"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError, match=condition):
        penalty_limits(**givens)
