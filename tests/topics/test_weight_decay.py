"""weight-decay: both rules run by hand, and the verdicts at the edges where they agree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, marked, weight_decay

SMALL = st.fractions(-2, 2, max_denominator=4)
RATE = st.fractions(0, 1, max_denominator=5)


@given(SMALL, st.tuples(SMALL, SMALL), st.tuples(RATE, RATE), st.fractions(0, Fraction(9, 10), max_denominator=10))
def test_two_updates_of_either_rule(
    w: Fraction, gradients: tuple[Fraction, Fraction], rates: tuple[Fraction, Fraction], beta: Fraction
) -> None:
    (g1, g2), (lr, lam) = gradients, rates
    found = weight_decay(weight=w, gradients=[g1, g2], lr=lr, decay=lam, beta=beta)
    ends = []
    for coupled in (True, False):
        at, v = w, Fraction(0)
        for g in (g1, g2):
            v = beta * v + g + (lam * at if coupled else 0)
            at = at - lr * v - (0 if coupled else lr * lam * at)
        ends.append(at)
    assert found["momentum_l2"].value.value == ends[0]  # type: ignore[union-attr]
    assert found["momentum_decoupled"].value.value == ends[1]  # type: ignore[union-attr]
    assert found["momentum_gap"].value.value == ends[0] - ends[1]  # type: ignore[union-attr]
    assert (found["momentum_equal"].text == "yes") == (ends[0] == ends[1])
    assert found["sgd"].value.value == w - lr * (g1 + lam * w)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("givens", "verdicts"),
    [
        ({}, "yes no no"),
        ({"decay": "0"}, "yes yes yes"),
        ({"beta": "0"}, "yes yes no"),
        ({"weight": "2", "gradients": "1,0.5", "lr": "0.1", "decay": "0.01", "beta": "0.9"}, "yes no no"),
        ({"lr": "0"}, "yes yes yes"),
        ({"weight": "0"}, "yes yes yes"),
        ({"gradients": "0"}, "yes no no"),
        ({"weight": "-1", "gradients": "1", "decay": "1"}, "yes no no"),
        ({"weight": "eta"}, "yes no no"),
    ],
    ids=str,
)
def test_verdicts_and_lines(givens: dict[str, str], verdicts: str) -> None:
    found = weight_decay(**givens)
    assert [found[f"{name}_equal"].text for name in ("sgd", "momentum", "adam")] == verdicts.split()
    failed = [str(step.before) for step in found.steps if step.check is None or not step.check.holds]
    assert failed == []
    assert all(check.holds for check in found.checks)


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        ("equivalent_l2=lambda*eta", "λ' = λ/η"),
        ("momentum_gap=0", "only for plain SGD"),
        ("momentum_equal=yes", "remembers"),
        ("adam_equal=yes", "by its root"),
    ],
)
def test_slips_are_explained(answer: str, because: str) -> None:
    mark = marked(weight_decay(), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


@pytest.mark.parametrize(
    ("givens", "condition"),
    [
        ({"decay": "-1"}, "less than 0"),
        ({"beta": "1"}, "1 or more"),
        ({"gradients": "1,2,3"}, "3 entries"),
    ],
    ids=str,
)
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError, match=condition):
        weight_decay(**givens)
