"""inf-norm-grad: the largest row's signs, its proof as a subgradient, and ties."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, inf_norm_grad, marked

ENTRY = st.integers(-4, 4)
MATRIX = st.integers(1, 3).flatmap(
    lambda columns: st.lists(st.lists(ENTRY, min_size=columns, max_size=columns), min_size=1, max_size=3)
)


@given(MATRIX, st.sampled_from(["inf", "one"]))
def test_the_gradient_is_a_subgradient_of_numpys_norm(rows: list[list[int]], norm: str) -> None:
    found = inf_norm_grad(weights=rows, norm=norm)
    order = np.inf if norm == "inf" else 1
    at, slope = np.array(rows, dtype=float), np.array(found["gradient"].computed, dtype=float)
    start = np.linalg.norm(at, order)
    assert found["norm"].computed == start
    generator = np.random.default_rng(1)
    for _ in range(20):
        other = at + generator.normal(size=at.shape)
        assert np.linalg.norm(other, order) >= start + (slope * (other - at)).sum() - 1e-9


@pytest.mark.parametrize(
    "givens",
    [
        {},
        {"norm": "one"},
        {"weights": "1,-2;3,4"},
        {"weights": "1,-2;3,4", "norm": "one", "lr": "0.1", "decay": "lambda"},
        {"weights": "1,-2;3,0"},
        {"weights": "0,0;0,0"},
        {"weights": "1,-5,2", "lr": "eta"},
        {"weights": "3"},
        {"weights": "1,2,3,4;5,6,7,8;9,10,11,12"},
    ],
    ids=str,
)
def test_every_line_holds(givens: dict[str, str]) -> None:
    assert inf_norm_grad(**givens).holds


def test_the_update_moves_the_largest_row_alone() -> None:
    found = inf_norm_grad(weights="1,-2,0;0.5,1,-1", lr="0.1", decay="0.5")
    assert found["updated"].text == "0.95,-1.95,0;0.5,1,-1"


def test_ties_are_said_and_the_other_row_is_explained() -> None:
    found = inf_norm_grad(weights="1,-2;3,0")
    assert found["lines"].computed == [1, 2]
    assert any("tie" in note for note in found.notes)
    mark = marked(found, ["gradient=0,0;1,0"]).marks[0]
    assert mark.correct is False
    assert "subgradient too" in mark.because


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        ("gradient=1,-1;1,1", "only the largest row counts"),
        ("gradient=0,0;0,1", "not its largest entry"),
        ("updated=1,-2;3.1,4.1", "descended"),
    ],
)
def test_slips_are_explained(answer: str, because: str) -> None:
    mark = marked(inf_norm_grad(weights="1,-2;3,4", lr="0.1"), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


@pytest.mark.parametrize(
    ("givens", "condition"),
    [
        ({"weights": "a,2"}, "without numbers no row"),
        ({"weights": "1,2", "decay": "1"}, "needs a learning rate"),
        ({"weights": "1,2", "lr": "-1"}, "less than 0"),
        ({"weights": "1,2;3"}, "different lengths"),
        ({"weights": ",".join(["1"] * 65)}, "65 entries"),
        ({"norm": "two"}, "not known"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError, match=condition):
        inf_norm_grad(**givens)


def test_fractions_stay_exact() -> None:
    assert inf_norm_grad(weights=[[Fraction(1, 3), Fraction(1, 3)]])["norm"].text == "2/3"
