"""layer-norm: layer, RMS, group and instance norm against NumPy, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, batch_norm, layer_norm, marked

FAST = settings(deadline=None, max_examples=15)
SMALL = st.fractions(-4, 4, max_denominator=4)
IMAGES = st.lists(st.lists(st.lists(SMALL, min_size=2, max_size=2), min_size=4, max_size=4), min_size=1, max_size=2)
EPS = 0.25


def value(solution: Any, name: str) -> Any:  # noqa: ANN401 (a solution, an array)
    return np.array(solution[name].computed, dtype=float)


NUMBERS = [
    ({"x": "1,3;5,9", "eps": 0}, "y", [[-1, 1], [-1, 1]]),
    ({"x": "1,3;5,9", "eps": 0}, "mu", [2, 7]),
    ({"x": "1,2,3;2,4,9", "eps": 0}, "sigma2", [2 / 3, 26 / 3]),
    ({"x": "1,3", "eps": 0, "gamma": "2,3", "beta": "10,20"}, "y", [8, 23]),
    ({"x": "3,4", "eps": 0, "kind": "rms"}, "y", [3 / 12.5**0.5, 4 / 12.5**0.5]),
    ({"x": "3,4", "eps": 0, "kind": "rms"}, "mean_square", 12.5),
    ({"x": "1,3,5,9", "kind": "layer", "framework": "keras"}, "mu", 4.5),
    ({"x": "1,3,5,9;2,4,0,8", "kind": "group", "groups": 2, "eps": 0}, "mu", [2, 7, 3, 4]),
    ({"x": "[[[1,3],[5,9]]]", "kind": "instance", "eps": 0}, "y", [[-1, 1], [-1, 1]]),
    ({"x": "[[[1,3],[5,9]]]", "axis": "1,2", "eps": 0}, "mu", 4.5),
]


@pytest.mark.parametrize(("givens", "name", "right"), NUMBERS)
def test_numbers(givens: dict[str, Any], name: str, right: object) -> None:
    solution = layer_norm(**givens)
    assert value(solution, name) == pytest.approx(np.array(right), abs=1e-9)
    assert solution.holds


def by_numpy(x: Any, kind: str) -> tuple[Any, Any]:  # noqa: ANN401 (arrays)
    shape = x.shape
    if kind == "group":
        x = x.reshape(shape[0], 2, -1)
    over = -1
    mean = 0 if kind == "rms" else x.mean(over, keepdims=True)
    root = np.sqrt(((x - mean) ** 2).mean(over, keepdims=True) + EPS)
    return ((x - mean) / root).reshape(shape), root


@pytest.mark.parametrize("kind", ["layer", "rms", "group", "instance"])
@FAST
@given(x=IMAGES, data=st.data())
def test_every_kind_as_by_numpy(kind: str, x: Any, data: st.DataObject) -> None:  # noqa: ANN401
    array = np.array(x, dtype=float)
    hat, _ = by_numpy(array, kind)
    owners = 4 if kind in {"group", "instance"} else 2
    gamma = data.draw(st.lists(SMALL, min_size=owners, max_size=owners))
    wide = np.array(gamma, dtype=float)[:, None] if owners == 4 else np.array(gamma, dtype=float)
    found = layer_norm(x=x, kind=kind, groups=2 if kind == "group" else None, eps=EPS, gamma=gamma, upstream=x)
    assert value(found, "y").ravel() == pytest.approx((wide * hat).ravel(), abs=1e-9)
    along = 0 if owners != 4 else (0, 2)
    by_gamma = (array * hat).sum(axis=(0, 1) if owners != 4 else along)
    assert value(found, "dL/dgamma") == pytest.approx(by_gamma, abs=1e-9)
    step = 1e-6

    def loss(at: Any) -> float:  # noqa: ANN401
        return float((array * wide * by_numpy(at, kind)[0]).sum())

    gradient = np.zeros(array.size)
    for place in range(array.size):
        shift = np.zeros(array.size)
        shift[place] = step
        shift = shift.reshape(array.shape)
        gradient[place] = (loss(array + shift) - loss(array - shift)) / (2 * step)
    assert value(found, "dL/dx").ravel() == pytest.approx(gradient, abs=1e-5)


@pytest.mark.parametrize("kind", ["layer", "rms"])
@pytest.mark.parametrize("givens", [{}, {"eps": 0}, {"gamma": 2, "beta": "b"}, {"backward": True}])
def test_every_line_in_letters_holds(kind: str, givens: dict[str, Any]) -> None:
    assert layer_norm(kind=kind, **givens).holds


@pytest.mark.parametrize("kind", ["layer", "rms", "group", "instance"])
def test_every_line_on_data_holds(kind: str) -> None:
    x = "[[[1,3],[5,9]],[[2,2],[4,-1]]]"
    groups = 1 if kind == "group" else None
    assert layer_norm(kind=kind, x=x, groups=groups, upstream=x, gamma=2).holds


RIGHT = [
    ({}, "depends_on_batch=no"),
    ({}, "running_averages=no"),
    ({}, "y=gamma_i xhat_i + beta_i"),
    ({"kind": "rms"}, "shift_invariant=no"),
    ({"kind": "rms"}, "xhat=x_i/sqrt(mean_square+eps)"),
    ({"backward": True}, "dx=(gamma .* d - mean(gamma .* d) - xhat mean(gamma .* d .* xhat))/sqrt(var+eps)"),
    ({"backward": True}, "dgamma=d .* xhat"),
    ({"backward": True, "kind": "rms"}, "dx=(gamma .* d - xhat mean(gamma .* d .* xhat))/sqrt(v+eps)"),
]


@pytest.mark.parametrize(("givens", "answer"), RIGHT)
def test_right_answers(givens: dict[str, Any], answer: str) -> None:
    assert marked(layer_norm(**givens), [answer]).marks[0].correct is True


WRONG = [
    ({}, "depends_on_batch=yes", "features of one example"),
    ({}, "y=gamma_i xhat_i", "β is forgotten"),
    ({"x": "1,3;5,9", "eps": 0}, "y=-1,-1;1,1", "the wrong axis"),
    ({"kind": "rms", "backward": True}, "dx=gamma .* d/sqrt(v+eps)", "the path to x through v is forgotten"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), WRONG)
def test_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = marked(layer_norm(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


REFUSED = [
    ({"x": "2,2", "eps": 0}, "the variance is 0"),
    ({"x": "0,0", "eps": 0, "kind": "rms"}, "the mean square is 0"),
    ({"x": "1,2,3;4,5,6", "kind": "group", "groups": 2}, "2 groups do not divide 3 channels"),
    ({"x": "1,2,3;4,5,6", "kind": "group"}, "needs the number of groups"),
    ({"x": "1,2,3;4,5,6", "kind": "group", "groups": "G"}, "no small whole number"),
    ({"x": "1,2,3", "kind": "instance"}, "needs 3 axes"),
    ({"kind": "instance"}, "needs data"),
    ({"groups": 2}, "--groups does not belong to layer"),
    ({"kind": "group", "groups": 1, "x": "1,2;3,4", "axis": "0"}, "--axis does not belong to group"),
    ({"x": "1,2;3,4", "gamma": "1,2,3"}, "--gamma has 3 entries"),
]


@pytest.mark.parametrize(("givens", "condition"), REFUSED, ids=lambda v: str(v)[:40])
def test_refusals(givens: dict[str, Any], condition: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        layer_norm(**givens)
    assert condition in caught.value.condition
    assert caught.value.fix


def test_axes_over_the_batch_are_not_called_features() -> None:
    over_examples, within = layer_norm(x="1,2;3,4", axis="0", eps=0), batch_norm(x="1,2;3,4", axis="1", eps=0)
    assert "these axes run over the batch" in over_examples.conventions[0]
    assert "these axes leave the batch out" in within.conventions[0]
    assert "over its features" in layer_norm(x="1,2;3,4", axis="1", eps=0).conventions[0]
    assert "over the batch" in batch_norm(x="1,2", axis="0", eps=0).conventions[0]
