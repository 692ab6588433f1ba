"""Gradient clipping: known values, laws against NumPy, degenerate givens, marking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, clip_gradient, marked

TENSORS: dict[str, Any] = {"gradient": "3,4;12,0", "max_norm": "6.5"}

FACTS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("by norm", {"gradient": [3, 4], "max_norm": 1}, "clipped", [0.6, 0.8]),
    ("below", {"gradient": [3, 4], "max_norm": 10}, "clipped", [3, 4]),
    ("at the threshold", {"gradient": [3, 4], "max_norm": 5}, "clipped", [3, 4]),
    ("one entry", {"gradient": -8, "max_norm": 2}, "clipped", -2),
    ("zero", {"gradient": [0, 0], "max_norm": 2}, "clipped", [0, 0]),
    ("tensors", TENSORS, "clipped", [[1.5, 2], [6, 0]]),
    ("total norm", TENSORS, "norm", 13),
    ("irrational", {"gradient": [1, 2], "max_norm": 1}, "clipped", [5**-0.5, 2 * 5**-0.5]),
    ("1-norm", {"gradient": [1, -3], "max_norm": 2, "norm_type": "1"}, "clipped", [0.5, -1.5]),
    ("inf-norm", {"gradient": [1, -4], "max_norm": 2, "norm_type": "inf"}, "clipped", [0.5, -2]),
    ("PyTorch", {"gradient": [3, 4], "max_norm": 1, "convention": "pytorch"}, "coefficient", 1 / 5.000001),
    ("PyTorch at the threshold", {"gradient": 5, "max_norm": 5, "convention": "pytorch"}, "clipped", 25 / 5.000001),
    ("by value", {"gradient": [3, -4], "clip_value": "3.5"}, "clipped", [3, -3.5]),
    ("tensors by value", {"gradient": "3,4;12,0", "clip_value": 4}, "clipped", [[3, 4], [4, 0]]),
]


@pytest.mark.parametrize(("givens", "name", "expected"), [r[1:] for r in FACTS], ids=[r[0] for r in FACTS])
def test_gives_the_known_value(givens: dict[str, Any], name: str, expected: object) -> None:
    found = clip_gradient(**givens)
    assert np.array(found[name].computed) == pytest.approx(np.array(expected), rel=1e-12)
    assert found.holds
    assert found.checks


VERDICTS: list[tuple[dict[str, Any], str, str]] = [
    ({"gradient": [3, 4], "max_norm": 1}, "yes", "yes"),
    ({"gradient": [3, 4], "max_norm": 5}, "no", "yes"),
    ({"gradient": [3, 4], "clip_value": 1}, "yes", "no"),
    ({"gradient": [3, 4], "clip_value": 4}, "no", "yes"),
    ({"gradient": [3, 3], "clip_value": 1}, "yes", "yes"),
    ({"gradient": [7], "clip_value": 1}, "yes", "yes"),
]


@pytest.mark.parametrize(("givens", "is_clipped", "same"), VERDICTS, ids=lambda row: str(row)[:50])
def test_says_whether_it_is_clipped_and_keeps_its_direction(givens: dict[str, Any], is_clipped: str, same: str) -> None:
    found = clip_gradient(**givens)
    assert (found["is_clipped"].text, found["same_direction"].text) == (is_clipped, same)
    assert found.holds


lists = st.lists(st.integers(-9, 9), min_size=1, max_size=6)


@given(g=lists, tau=st.integers(1, 12))
def test_the_norm_is_at_most_the_threshold_and_the_rest_stays(g: list[int], tau: int) -> None:
    clipped = np.atleast_1d(np.array(clip_gradient(gradient=g, max_norm=tau).value, dtype=float))
    size = float(np.linalg.norm(g))
    assert np.linalg.norm(clipped) == pytest.approx(min(size, tau))
    assert clipped * size == pytest.approx(np.array(g) * float(np.linalg.norm(clipped)))


@given(g=lists, c=st.integers(1, 12))
def test_clipping_by_value_is_numpy_clip(g: list[int], c: int) -> None:
    assert np.atleast_1d(clip_gradient(gradient=g, clip_value=c).value) == pytest.approx(np.clip(g, -c, c))


@pytest.mark.parametrize(
    "givens",
    [
        {},
        {"gradient": "d", "max_norm": "c"},
        {"convention": "pytorch"},
        {"norm_type": "inf"},
        {"clip_value": "c"},
        {"gradient": "a,b", "max_norm": "c"},
        {"gradient": "a,b", "clip_value": "c"},
        {"gradient": "a,3"},
        {"gradient": "0,0"},
        {"max_norm": 2},
    ],
    ids=str,
)
def test_every_line_holds_in_symbols(givens: dict[str, Any]) -> None:
    found = clip_gradient(**givens)
    assert found.holds
    assert found.checks


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"gradient": [3, 4], "max_norm": 0}, "the threshold 0 is not positive; use a number above 0, such as 1"),
    ({"gradient": [3, 4], "max_norm": -1}, "the threshold -1 is not positive"),
    ({"max_norm": 1, "clip_value": 1}, "--max-norm and --clip-value are two kinds of clipping"),
    ({"gradient": [10**300, 1], "max_norm": 1}, "a number here is larger than 10^100"),
    ({"clip_value": 1, "norm_type": "1"}, "clipping by value takes no norm"),
    ({"gradient": "g", "max_norm": "g"}, "g is the gradient and the threshold"),
    ({"gradient": "1,2;3"}, "the rows have different lengths"),
    ({"norm_type": "3"}, "--norm-type 3 is not known"),
]


@pytest.mark.parametrize(("givens", "message"), ERRORS, ids=lambda row: str(row)[:50])
def test_says_what_is_wrong_and_what_would_do(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        clip_gradient(**givens)
    assert message in str(problem.value)


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({"gradient": [3, 4], "max_norm": 1}, "1,1", "clips every entry by its value"),
    ({"gradient": [3, 4], "max_norm": 2}, "0.6,0.8", "that has the norm 1"),
    ({"gradient": [3, 4], "max_norm": 10}, "6,8", "a gradient below the threshold stays"),
    ({"gradient": "3,4;5,12", "max_norm": "6.5"}, "3,4;2.5,6", "the norm is of all of them together"),
    (TENSORS, "norm=17", "the norms of the tensors do not add up"),
    ({"gradient": [3, 4], "max_norm": 1}, "norm=25", "the root is missing"),
    ({"gradient": [3, -9], "clip_value": 2}, "2,-9", "the lower bound -c is missing"),
    ({}, "scaled=g[k]/norm(g)", "τ is missing"),
    ({"gradient": [3, 4], "max_norm": 1}, "same_direction=no", "one positive factor"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=[row[1] for row in SLIPS])
def test_explains_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(clip_gradient(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_accepts_equivalent_answers() -> None:
    given_answers = ["clipped = g[k] / max(1, norm(g)/tau)", "scaled = tau g_k/||g||", "kept = g[k]"]
    assert all(mark.correct for mark in marked(clip_gradient(), given_answers).marks)
