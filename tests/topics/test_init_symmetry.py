"""Equal initial weights: verdicts against a NumPy network, gradients in numbers, degenerate networks, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, init_symmetry, marked

WORDS = ("same_gradient", "still_copies", "still_equal", "all_zero")


def words(**givens: Any) -> str:  # noqa: ANN401 (givens of any kind)
    found = init_symmetry(**givens)
    names = {answer.name for answer in found.answers}
    return " ".join(found[name].text if name in names else "-" for name in WORDS)


VERDICTS: list[tuple[str, dict[str, Any], str]] = [
    ("a letter", {}, "yes yes no no"),
    ("ones", {"constant": 1}, "yes yes no no"),
    ("three layers", {"constant": "1/4", "layers": "2,3,3,2"}, "yes yes no no"),
    ("zero, tanh", {"constant": 0, "activation": "tanh"}, "yes yes yes yes"),
    ("zero, ReLU", {"constant": 0, "activation": "relu"}, "yes yes yes yes"),
    ("zero, linear", {"constant": 0, "activation": "linear"}, "yes yes yes yes"),
    ("zero, sigmoid", {"constant": 0}, "yes yes no no"),
    ("zero, tanh, biases", {"constant": 0, "activation": "tanh", "bias": True}, "yes yes yes no"),
    ("zero, one layer", {"constant": 0, "layers": "2,1"}, "- - no no"),
    ("dead ReLU", {"constant": -1, "activation": "relu"}, "yes yes yes yes"),
    ("one hidden unit", {"constant": 1, "layers": "2,1,1", "activation": "tanh"}, "yes yes no no"),
    ("no error", {"constant": 1, "layers": "1,1", "x": "2", "y": "2"}, "- - yes yes"),
    ("no input", {"constant": 1, "layers": "2,1", "x": "0,0", "y": "1"}, "- - yes yes"),
    ("equal inputs", {"constant": 1, "layers": "2,1", "x": "1,1", "y": "0"}, "- - yes no"),
]


@pytest.mark.parametrize(("givens", "expected"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS])
def test_verdicts(givens: dict[str, Any], expected: str) -> None:
    assert words(**givens) == expected
    assert init_symmetry(**givens).holds


UNITS = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
SLOPES = {"sigmoid": lambda h: h * (1 - h), "tanh": lambda h: 1 - h * h, "relu": lambda h: 1.0 * (h > 0)}


def by_hand(name: str, c: float, x: Any, y: Any, hidden: int, rate: float, times: int) -> tuple[Any, Any]:  # noqa: ANN401, PLR0913, PLR0917
    """Train one hidden layer with NumPy; return its weights."""
    w1, w2 = np.full((hidden, len(x)), c), np.full((len(y), hidden), c)
    for _ in range(times):
        h = UNITS[name](w1 @ x)
        d2 = w2 @ h - y
        d1 = (w2.T @ d2) * SLOPES[name](h)
        w1, w2 = w1 - rate * np.outer(d1, x), w2 - rate * np.outer(d2, h)
    return w1, w2


@settings(max_examples=10)
@given(
    name=st.sampled_from(sorted(UNITS)),
    c=st.sampled_from([0.0, 0.5, 1.0, -0.25]),
    x=st.lists(st.sampled_from([1.0, -2.0, 0.5, 3.0]), min_size=1, max_size=3),
    y=st.lists(st.sampled_from([0.0, 1.0, -1.0]), min_size=1, max_size=2),
    hidden=st.integers(1, 3),
)
def test_trains_as_numpy_does(name: str, c: float, x: list[float], y: list[float], hidden: int) -> None:
    widths = [len(x), hidden, len(y)]
    found = init_symmetry(constant=c, layers=widths, activation=name, x=x, y=y, updates=4)
    w1, w2 = by_hand(name, c, np.array(x), np.array(y), hidden, 0.1, 4)
    for answer, expected in (("W1_new", w1), ("W2_new", w2)):
        assert np.array(found[answer].computed, dtype=float).ravel() == pytest.approx(expected.ravel())
    assert (found["still_copies"].text == "yes") == bool(np.allclose(w1, w1[0]))
    every = np.concatenate([w1.ravel(), w2.ravel()])
    assert (found["still_equal"].text == "yes") == bool(np.ptp(every) < 1e-9)


UNIT: list[tuple[str, dict[str, Any], str]] = [
    ("ones", {"constant": 1}, "sigmoid(x[1] + x[2])"),
    ("a letter", {"constant": "c"}, "sigmoid(c*(x[1] + x[2]))"),
    ("zero", {"constant": 0}, "0.5"),
    ("given data", {"constant": "1/2", "activation": "relu", "x": "1,2"}, "1.5"),
    ("given letters", {"constant": 1, "activation": "tanh", "x": "p,q"}, "tanh(p + q)"),
]


@pytest.mark.parametrize(("givens", "expected"), [row[1:] for row in UNIT], ids=[row[0] for row in UNIT])
def test_a_unit_sums_its_inputs(givens: dict[str, Any], expected: str) -> None:
    assert init_symmetry(**givens)["unit"].text == expected


MARKED: list[tuple[str, dict[str, Any], str, bool, str]] = [
    ("the unit written out", {"constant": 1}, "unit = 1/(1 + exp(-(x_1 + x_2)))", True, ""),
    ("the bare sum", {"constant": 1}, "unit = x_1 + x_2", False, "the unit puts it through sigmoid"),
    ("unit by unit", {"constant": 1}, "unit = sigmoid(x_1) + sigmoid(x_2)", False, "the sum comes first"),
    ("all stay equal", {}, "still_equal = true", False, "units stay copies, but weights separate"),
    ("nothing learned", {"constant": 0}, "all_zero = yes", False, "the gradient of W2 is not 0"),
    ("something learned", {"constant": 0, "activation": "tanh"}, "all_zero = no", False, "nothing is learned"),
    ("different units", {}, "same_gradient = no", False, "same input, δ and so gradient"),
    ("the engine's gradient", {"constant": 0}, "dL/dW2 = [[-1/2, -1/2, -1/2]]", True, ""),
]


@pytest.mark.parametrize(
    ("givens", "answer", "correct", "because"), [row[1:] for row in MARKED], ids=[row[0] for row in MARKED]
)
def test_marks_answers(givens: dict[str, Any], answer: str, *, correct: bool, because: str) -> None:
    (mark,) = marked(init_symmetry(**givens), [answer]).marks
    assert mark.correct is correct
    assert because in mark.because


def test_says_which_layers_learn_and_which_data_were_chosen() -> None:
    found = init_symmetry(constant=0, layers="2,3,2")
    assert "only W2 has a gradient that is not 0 at the start" in found.notes
    assert any("x = [1, 2], y = [1, -1]" in said for said in found.conventions)


def test_outputs_with_one_target_stay_equal_too() -> None:
    assert not any("different gradients" in note for note in init_symmetry(layers="2,2,2", y="1,1").notes)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("one width", {"layers": "3"}, "--layers needs two widths or more"),
    ("zero width", {"layers": "2,0,1"}, "layers 0 is less than 1"),
    ("half a unit", {"layers": "2,1/2,1"}, "is not a whole number"),
    ("letters", {"layers": "n,m"}, "--layers needs two widths or more, in numbers"),
    ("too large", {"layers": "784,100,10"}, "the network has 79,400 weights"),
    ("wrong input", {"x": "1,2,3"}, "x has 3 entries, but the network has 2 there; give 2 numbers"),
    ("rate", {"lr": 0}, "lr 0 is not a positive number"),
    ("no updates", {"updates": 0}, "updates 0 is less than 1"),
    ("many updates", {"updates": 100}, "updates 100 is not a number up to 20"),
    ("unit", {"activation": "tahn"}, "did you mean tanh?"),
    ("huge", {"constant": "1e9"}, "beyond 1,000,000"),
    ("overflow", {"constant": 1000, "activation": "linear", "updates": 20, "lr": 10}, "overflow"),
    ("a letter in use", {"constant": "x"}, "the symbol x means something else here"),
]


@pytest.mark.parametrize(("givens", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refuses(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        init_symmetry(**givens)
    assert message in str(problem.value)
