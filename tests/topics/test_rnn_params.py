"""Recurrent layers: published counts, the frameworks' shapes, laws, degenerate givens, marking."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from counts import CountingQuestion, screen, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import fc_params, rnn_params

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN: dict[str, Any] = {"inputs": 10, "hidden": 20}
LSTM: dict[str, Any] = {"cell": "lstm", "inputs": 64, "hidden": 128}
LETTERS: dict[str, Any] = {"cell": "lstm", "inputs": "d", "hidden": "h"}
GRU: dict[str, Any] = {"cell": "gru", "inputs": 13, "hidden": 20}
KERAS: dict[str, Any] = {"framework": "keras"}
TORCH: dict[str, Any] = {"framework": "pytorch"}
STACK: dict[str, Any] = {"inputs": 5, "hidden": 8, "outputs": 3, "layers": 2, "bidirectional": True}
DEEP: dict[str, Any] = {**LETTERS, "layers": "L", "bidirectional": True, "outputs": "K"}
PROJECTED: dict[str, Any] = {"cell": "lstm", "inputs": 3, "hidden": 4, "projection": 2, "layers": 3, **TORCH}
BARE: dict[str, Any] = {"cell": "gru", "inputs": "d", "hidden": "h", "bias": False}

# The names are the sources: what a framework's own summary shows for the layer.
NUMBERS: list[tuple[str, dict[str, Any], int]] = [
    ("Keras LSTM(256) on 4096", {"cell": "lstm", "inputs": 4096, "hidden": 256, **KERAS}, 4_457_472),
    ("Keras LSTM(128) on 64", {**LSTM, **KERAS}, 98_816),
    ("Keras LSTM(1) on 1", {"cell": "lstm", "inputs": 1, "hidden": 1}, 12),
    ("Keras LSTM(1000) on 10, no bias", {"cell": "lstm", "inputs": 10, "hidden": 1000, "bias": False}, 4_040_000),
    ("Keras SimpleRNN(128) on 3", {"inputs": 3, "hidden": 128, **KERAS}, 16_896),
    ("Keras SimpleRNN(1) on 1", {"inputs": 1, "hidden": 1}, 3),
    ("Keras GRU(32) on 32", {"cell": "gru", "inputs": 32, "hidden": 32, **KERAS}, 6336),
    ("Keras GRU(5) on 25", {"cell": "gru", "inputs": 25, "hidden": 5, **KERAS}, 480),
    ("Keras GRU(20) on 13, reset before", {**GRU, **KERAS, "reset_after": False}, 2040),
    (
        "Keras Bidirectional(GRU(32)) on 16",
        {"cell": "gru", "inputs": 16, "hidden": 32, "bidirectional": True, **KERAS},
        9600,
    ),
    ("GRU as in the equations", GRU, 2040),
    ("GRU as in the equations, reset after", {**GRU, "reset_after": True}, 2100),
    ("GRU that resets after, one bias vector", {**GRU, "reset_after": True, "bias_vectors": 1}, 2040),
    ("torch.nn.RNN(10, 20)", {**PLAIN, **TORCH}, 640),
    ("torch.nn.RNN(10, 20, 2)", {**PLAIN, "layers": 2, **TORCH}, 1480),
    ("torch.nn.GRU(10, 20, 2)", {**PLAIN, "cell": "gru", "layers": 2, **TORCH}, 4440),
    ("torch.nn.LSTM(10, 20, 2)", {**PLAIN, "cell": "lstm", "layers": 2, **TORCH}, 5920),
    (
        "torch.nn.LSTM(10, 20, 2, bidirectional)",
        {**PLAIN, "cell": "lstm", "layers": 2, "bidirectional": True, **TORCH},
        15_040,
    ),
    ("torch.nn.LSTM(3, 4, 3, proj_size=2)", PROJECTED, 328),
    ("two bias vectors by hand", {**PLAIN, "bias_vectors": 2}, 640),
    ("many to one", {"inputs": 10, "hidden": 20, "outputs": 5}, 10 * 20 + 20 * 20 + 20 + 20 * 5 + 5),
    ("an output without biases", {**PLAIN, "outputs": 5, "bias": False}, 700),
    ("stacked, both directions, with an output", STACK, 675),
    ("ten thousand layers", {"inputs": 2, "hidden": 3, "layers": 10**4}, 18 + (10**4 - 1) * 21),
]
SYMBOLS: list[tuple[str, dict[str, Any], str]] = [
    ("RNN", {"inputs": "d", "hidden": "h"}, "d*h + h^2 + h"),
    ("RNN with two bias vectors", {"inputs": "d", "hidden": "h", **TORCH}, "d*h + h^2 + 2*h"),
    ("RNN with an output", {"inputs": "d", "hidden": "h", "outputs": "K"}, "d*h + h^2 + h + h*K + K"),
    ("as many inputs as units", {"inputs": "n", "hidden": "n"}, "2*n^2 + n"),
    ("LSTM", LETTERS, "4*(d*h + h^2 + h)"),
    ("GRU of PyTorch", {**BARE, "bias": True, **TORCH}, "3*(d*h + h^2 + 2*h)"),
    ("GRU without biases", BARE, "3*(d*h + h^2)"),
    ("L layers", {**LETTERS, "layers": "L"}, "4*(d*h + h^2 + h) + 4*(L - 1)*(2*h^2 + h)"),
    ("all at once", DEEP, "8*(d*h + h^2 + h) + 8*(L - 1)*(3*h^2 + h) + 2*h*K + K"),
    ("projected", {**LETTERS, "projection": "p"}, "4*(d*h + p*h + h) + p*h"),
    ("as many layers as units", {"inputs": "d", "hidden": "h", "layers": "h"}, "d*h + h^2 + h + (h - 1)*(2*h^2 + h)"),
    ("L − 1 layers", {"inputs": 3, "hidden": 4, "layers": "L - 1"}, "32 + 36*(L - 2)"),
    ("the letters of the formula as givens", {"inputs": "h", "hidden": "d"}, "h*d + d^2 + d"),
]

# shapes

SHAPES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "LSTM",
        LETTERS,
        {
            "W_shape": "hxd",
            "U_shape": "hxh",
            "b_shape": "h",
            "joined_shape": "hx(d + h)",
            "weight_ih_shape": "4*hxd",
            "weight_hh_shape": "4*hxh",
        },
    ),
    ("state and input of 2, joined", {"inputs": 2, "hidden": 2}, {"joined_shape": "2x4", "W_shape": "2x2"}),
    ("GRU", GRU, {"weight_ih_shape": "60x13", "weight_hh_shape": "60x20", "b_shape": "20"}),
    ("output of both directions", STACK, {"V_shape": "3x16", "U_shape": "8x8"}),
    ("projected", PROJECTED, {"U_shape": "4x2", "weight_hh_shape": "16x2", "joined_shape": "4x5"}),
    ("n² outputs", {"inputs": 3, "hidden": "m", "outputs": "n^2"}, {"V_shape": "n^2xm"}),
]


@pytest.mark.parametrize(("givens", "shapes"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_says_the_shapes_of_a_gate(givens: dict[str, Any], shapes: dict[str, str]) -> None:
    solution = rnn_params(**givens)
    assert shapes.items() <= texts(solution).items()
    assert solution.holds


def test_a_layer_without_biases_has_no_shape_of_biases() -> None:
    assert "b_shape" not in texts(rnn_params(**BARE))


def test_lists_the_layers() -> None:
    assert rnn_params(**STACK)["layer_parameters"].text == "224,400"
    assert rnn_params(**PROJECTED)["layer_parameters"].text == "120,104,104"
    assert "layer_parameters" not in texts(rnn_params(**DEEP))
    assert "layer_parameters" not in texts(rnn_params(**PLAIN))


def test_many_layers_are_no_list_and_say_so() -> None:
    many = rnn_params(inputs=1, hidden=2, layers=101)
    assert many.notes == ("more than 100 layers are not listed one by one",)
    assert many.holds
    assert not many.checks


# brute force and laws

few = st.integers(1, 6)


stacks = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["rnn", "gru", "lstm"]),
        "inputs": few,
        "hidden": few,
        "layers": st.integers(1, 4),
        "bidirectional": st.booleans(),
    }
)


def shapes(stack: dict[str, Any], vectors: int) -> Iterator[tuple[int, ...]]:
    """List the shapes of the arrays of a stack as PyTorch makes them."""
    h, directions = stack["hidden"], 1 + stack["bidirectional"]
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[stack["cell"]]
    for layer, _ in product(range(stack["layers"]), range(directions)):
        yield (gates * h, stack["inputs"] if layer == 0 else directions * h)
        yield (gates * h, h)
        yield from [(gates * h,)] * vectors


@given(stack=stacks, vectors=st.integers(0, 2))
def test_agrees_with_the_shapes_of_its_arrays(stack: dict[str, Any], vectors: int) -> None:
    found = rnn_params(**stack, **({"bias_vectors": vectors} if vectors else {"bias": False}))
    arrays = list(shapes(stack, vectors))
    assert found.value == sum(prod(shape) for shape in arrays)
    assert found["weights"].computed == sum(prod(shape) for shape in arrays if len(shape) > 1)


@settings(max_examples=8)
@given(
    cell=st.sampled_from(["rnn", "gru", "lstm"]),
    layers=st.sampled_from([1, 2, "L"]),
    both=st.booleans(),
    outputs=st.sampled_from([None, 3, "K"]),
    framework=st.sampled_from(["book", "keras", "pytorch"]),
)
def test_every_line_holds_for_any_stack(both: bool, **givens: Any) -> None:  # noqa: ANN401, FBT001 (drawn)
    assert rnn_params(inputs="d", hidden=4, bidirectional=both, **givens).holds


@given(d=few, h=few)
def test_a_plain_cell_is_a_dense_layer_on_input_and_state(d: int, h: int) -> None:
    assert rnn_params(inputs=d, hidden=h).value == fc_params(inputs=d + h, outputs=h).value


@given(d=few, h=few)
def test_an_lstm_is_four_plain_cells_and_a_gru_three(d: int, h: int) -> None:
    one, three, four = (rnn_params(cell=cell, inputs=d, hidden=h).value for cell in ("rnn", "gru", "lstm"))
    assert isinstance(one, int)
    assert (three, four) == (3 * one, 4 * one)


# errors

ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"hidden": 4}, "--inputs is missing; add --inputs NUMBER: Entries of x at a step."),
    ({"inputs": 4}, "--hidden is missing; add --hidden NUMBER: Entries of the state h."),
    ({**LSTM, "reset_after": True}, "a cell lstm has no reset gate; add --cell gru, or leave --reset-after out"),
    ({**GRU, "projection": 3}, "a cell gru has no projection; add --cell lstm, or leave --projection out"),
    (
        {**GRU, **TORCH, "reset_after": False},
        "PyTorch's GRU resets after the product with U; use --framework keras or book",
    ),
    (
        {**LSTM, **KERAS, "bias_vectors": 2},
        "--bias-vectors 2 is not what Keras has in this cell, which is 1; leave one of them out",
    ),
    (
        {**LSTM, **TORCH, "bias_vectors": 1},
        "--bias-vectors 1 is not what PyTorch has in this cell, which is 2; leave one of them out",
    ),
    (
        {**LSTM, "bias": False, "bias_vectors": 1},
        "--no-bias leaves no bias, but --bias-vectors is 1; leave one of them out",
    ),
    ({**LSTM, "layers": 0}, "layers 0 is less than 1; use 1 or more"),
    ({**LSTM, "hidden": 1.5}, "hidden 1.5 is not a whole number; use 1 or 2"),
    ({**LSTM, "cell": "lsmt"}, "--cell lsmt is not known; did you mean lstm?"),
    (
        {"inputs": "gate", "hidden": 2, "cell": "gru"},
        "gate is the name of a result here; use another letter for the given",
    ),
]

# conventions

SAID: list[tuple[str, dict[str, Any], str]] = [
    ("one bias vector", LSTM, "one bias vector per gate, as in the equations and in Keras; PyTorch has two"),
    ("two bias vectors", {**LSTM, **TORCH}, "two bias vectors per gate, b with W and b′ with U, as in PyTorch"),
    ("a GRU of Keras", {**GRU, **KERAS}, "two bias vectors per gate, b with W and b′ with U, as in PyTorch"),
    ("no bias vectors", BARE, "no bias vectors"),
    ("reset before", GRU, "the reset gate acts before the product with U; in Keras and PyTorch after it"),
    ("reset after", {**GRU, **TORCH}, "the reset gate acts after the product with U"),
    ("the equation", PLAIN, "h_t = f(Wx_t + Uh_(t−1) + b)"),
    ("the equation of PyTorch", {**PLAIN, **TORCH}, "h_t = f(Wx_t + Uh_(t−1) + b + b′)"),
    ("the gates", LSTM, "the input gate, the forget gate, the output gate, the new cell: each has its own W, U and b"),
    ("steps", PLAIN, "the number of steps does not matter: all steps share the parameters"),
]


@pytest.mark.parametrize(("givens", "sentence"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_prints_what_it_takes_for_granted(givens: dict[str, Any], sentence: str) -> None:
    assert any(said.startswith(sentence) for said in rnn_params(**givens).conventions)


def test_prints_what_it_assumes() -> None:
    assert rnn_params(**DEEP).assumptions == ("L ≥ 1",)
    assert rnn_params(**STACK).assumptions == ()


# marking

CORRECT: list[tuple[dict[str, Any], str]] = [
    (LSTM, "4*(128*(64+128) + 128)"),
    (LETTERS, "4(h(d + h) + h)"),
    (LETTERS, "4dh + 4h^2 + 4h"),
    (LETTERS, "joined_shape = h x (h+d)"),
    (STACK, "2*(5*8+8*8+8) + 2*(16*8+8*8+8) + 16*3+3"),
    (DEEP, "8h(d+h+1) + 8(L-1)h(3h+1) + K(2h+1)"),
]
SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (LETTERS, "4(dh + h^2)", "the biases are missing (departs at step 1"),
    (LETTERS, "4(dh + h^2 + 2h)", "there is one bias vector per gate, not two as in PyTorch"),
    ({**LETTERS, **TORCH}, "4(dh + h^2 + h)", "there are two bias vectors per gate, not one"),
    (LETTERS, "dh + h^2 + h", "an LSTM has 3 gates and the new cell: 4 sets of W, U and b, not 1"),
    (LETTERS, "3(dh + h^2 + h)", "an LSTM has 3 gates and the new cell: 4 sets of W, U and b, not 3"),
    (GRU, "1360", "a GRU has 2 gates and the new state: 3 sets of W, U and b, not 2"),
    (LETTERS, "4(dh + h)", "the matrices U, from state to state, are missing"),
    (LETTERS, "8(dh + h^2 + h)", "the layer reads in one direction only"),
    (BARE, "3(dh + h^2 + h)", "there are no biases here"),
    (STACK, "275", "the second direction has a cell of its own"),
    (LSTM, "W_shape = 64x128", "that is the transposed matrix"),
    (STACK, "547", "a layer on top sees the states of both directions"),
    (STACK, "651", "the output sees the states of both directions"),
    (STACK, "624", "the output layer is missing"),
    ({**PLAIN, "layers": 3}, "620", "only the first of the layers is counted"),
    (STACK, "499", "a layer on top sees the state below, not x"),
    ({**LETTERS, "projection": "p"}, "4(dh + h^2 + h)", "the state is projected"),
]


class TestRnnParams(CountingQuestion):
    """Recurrent layers: their tables, and what every counting question must pass."""

    topic, numbers, symbols, errors, correct, slips = rnn_params, NUMBERS, SYMBOLS, ERRORS, CORRECT, SLIPS
    forms: ClassVar = {
        "plain": PLAIN,
        "lstm": LSTM,
        "gru": GRU,
        "gru of keras": {**GRU, **KERAS},
        "letters": LETTERS,
        "stack": STACK,
        "deep": DEEP,
        "projected": PROJECTED,
        "bare": BARE,
    }


def test_derives_as_on_paper() -> None:
    found = screen(rnn_params(**LSTM))
    assert found[0] == "parameters = 98816"
    assert "1 gate = dh + h² + h a gate: W is 128 × 64, U is 128 × 128, b has 128 entries ✓" in found
    assert "2 = 64·128 + 128·128 + 128 the values put in ✓" in found
