"""norm-penalty: the norms of NumPy, and which vector each penalty prefers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, marked, norm_penalty

ROWS = st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=2, max_size=4)


@given(ROWS)
def test_the_penalties_are_numpys_norms(rows: list[list[int]]) -> None:
    found = norm_penalty(weights=rows, x=[1, 2, 3], decay=2, penalty="half")
    at = np.array(rows)
    assert found["l2"].computed == pytest.approx((np.linalg.norm(at, axis=1) ** 2).tolist())
    assert found["l1"].computed == (2 * np.abs(at).sum(axis=1)).tolist()
    assert found["scores"].computed == (at @ [1, 2, 3]).tolist()
    least = (at**2).sum(axis=1)
    assert found["l2_prefers"].computed == [i + 1 for i, size in enumerate(least) if size == least.min()]


@pytest.mark.parametrize(
    "givens",
    [
        {"weights": "1,0,0,0;0.25,0.25,0.25,0.25", "x": "1,1,1,1"},
        {"weights": "a,b", "decay": "lambda", "penalty": "half"},
        {"weights": "3"},
        {"weights": "0,0;0,0", "x": "0,0"},
        {"weights": ",".join("12345678901234567890"), "decay": "0.1"},
    ],
    ids=str,
)
def test_every_line_holds(givens: dict[str, str]) -> None:
    assert norm_penalty(**givens).holds


@pytest.mark.parametrize(
    ("answer", "because"), [("l2=2.5", "--penalty half"), ("l2=sqrt(5)", "takes its square"), ("l2=3", "that is l1")]
)
def test_slips_are_explained(answer: str, because: str) -> None:
    mark = marked(norm_penalty(weights="1,2"), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


@pytest.mark.parametrize(
    ("answer", "because"),
    [("l2_prefers=1", "the L2 penalty of row 1 is 4, larger than 1"), ("l1_prefers=2", "the L1 penalty of row 2 is 3")],
)
def test_a_row_that_is_not_preferred_is_told_its_penalty(answer: str, because: str) -> None:
    mark = marked(norm_penalty(weights="2,0;1,0;1,2" if "l1" not in answer else "2,0;1,2"), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because
    assert "factor" not in mark.because


@pytest.mark.parametrize(
    ("givens", "condition"),
    [
        ({"weights": "1,2", "x": "1"}, "1 entries, but the weights have 2"),
        ({"weights": "1,2", "decay": "-1"}, "less than 0"),
        ({"weights": ";".join(["1,2"] * 21)}, "21 vectors"),
        ({}, "missing"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError, match=condition):
        norm_penalty(**givens)
