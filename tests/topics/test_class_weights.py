"""Class weights: by hand and by scikit-learn's formula, laws, slips, refusals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, class_weights
from dlcalc.marking import marked

HEALTHY: dict[str, Any] = {"counts": "10000,1000"}
ANSWERS: list[tuple[dict[str, Any], str, str]] = [
    (HEALTHY, "weights", "0.55,5.5"),
    (HEALTHY, "normalised", "1/11,10/11"),
    (HEALTHY, "extra", "0,9000"),
    (HEALTHY, "extra_total", "9000"),
    (HEALTHY, "per_image", "0,9"),
    ({**HEALTHY, "positive": "minority"}, "alpha", "10"),
    ({**HEALTHY, "positive": "minority"}, "beta", "1"),
    ({**HEALTHY, "positive": "majority"}, "alpha", "1"),
    ({**HEALTHY, "positive": "majority"}, "beta", "10"),
    ({**HEALTHY, "positive": "first"}, "ratio", "0.1"),
    ({**HEALTHY, "positive": "second"}, "pos_weight", "10"),
    ({"counts": "N0,N1", "positive": "second"}, "ratio", "N0/N1"),
    ({"counts": "N0,N1", "positive": "first"}, "pos_weight", "N1/N0"),
    ({"counts": "50,30,20"}, "weights", "2/3,10/9,5/3"),
    ({"counts": "50,30,20"}, "extra_total", "50"),
    ({"counts": "5,5"}, "extra_total", "0"),
    ({**HEALTHY, "augment_both": 3}, "both_balance", "no"),
    ({"counts": "5,5", "augment_both": 3}, "both_balance", "yes"),
    ({"cost": 3}, "copies", "3"),
    ({"cost": "alpha"}, "extra_copies", "alpha - 1"),
    ({"counts": "1000000000000,7"}, "weights", "1000000000007/2000000000000,1000000000007/14"),
]


@pytest.mark.parametrize(("options", "name", "text"), ANSWERS)
def test_answers(options: dict[str, Any], name: str, text: str) -> None:
    found = class_weights(**options)
    assert marked(found, [f"{name}={text}"]).marks[0].correct
    assert found.holds


@given(counts=st.lists(st.integers(1, 60), min_size=2, max_size=5))
def test_weighted_classes_count_alike_and_keep_the_total(counts: list[int]) -> None:
    found = class_weights(counts=counts)
    weights = [w.value for w in found["weights"].value]  # type: ignore[union-attr]
    assert len({w * n for w, n in zip(weights, counts, strict=True)}) == 1
    assert sum(w * n for w, n in zip(weights, counts, strict=True)) == sum(counts)
    assert sum(w.value for w in found["normalised"].value) == 1  # type: ignore[union-attr]
    extra = found["extra"].computed
    assert [n + e for n, e in zip(counts, extra, strict=True)] == [max(counts)] * len(counts)  # type: ignore[arg-type]


@given(n=st.integers(1, 99), m=st.integers(1, 99))
def test_alpha_and_beta_balance(n: int, m: int) -> None:
    found = class_weights(counts=[n, m], positive="second")
    alpha, beta = (Fraction(found[name].value.value) for name in ("alpha", "beta"))  # type: ignore[union-attr]
    assert alpha * m == beta * n
    assert min(alpha, beta) == 1


SLIPS = [
    ({**HEALTHY, "positive": "minority"}, "alpha=1", "coding the other class"),
    (HEALTHY, "weights=10/11,1/11", "share"),
    (HEALTHY, "extra_total=20000", "afterwards"),
    (HEALTHY, "per_image=1,10", "there already"),
    ({"cost": 3}, "2", "extra"),
]


@pytest.mark.parametrize(("options", "answer", "because"), SLIPS)
def test_slips(options: dict[str, Any], answer: str, because: str) -> None:
    (mark,) = marked(class_weights(**options), [answer]).marks
    assert mark.correct is False
    assert because in mark.because


REFUSED = [
    ({}, "--counts is missing"),
    ({"counts": "10,0"}, "class 2 has no examples"),
    ({"counts": "10,2.5"}, "no whole number"),
    ({"counts": "-1,3"}, "no whole number"),
    ({"counts": "10"}, "a list"),
    ({"counts": "10,5", "binary": True}, "which class y = 1 codes"),
    ({"counts": "10,5,3", "positive": "minority"}, "two classes, not 3"),
    ({"counts": "5,5", "positive": "minority"}, "of one size"),
    ({"counts": "a,b", "positive": "minority"}, "not known"),
    ({"cost": 3, "counts": "1,2"}, "of its own"),
    ({"cost": "1/2"}, "less than 1"),
    ({"counts": "10,1" + "0" * 20}, "more than"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_refuses(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        class_weights(**options)
    assert said in str(refused.value)
    assert refused.value.fix
