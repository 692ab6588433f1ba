"""Fully connected layers: known counts, brute force, laws, degenerate givens, marking, and a checker that can fail."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from counts import CountingQuestion, screen, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import fc_params, marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.notation.printing import Value

IMAGE: dict[str, Any] = {"inputs": "32x32x3", "outputs": 500}
CHAIN: dict[str, Any] = {"layers": "784,100,10"}
DEEP: dict[str, Any] = {"inputs": "Di", "hidden": "D", "hidden_layers": "K", "outputs": "Do"}
NORMED: dict[str, Any] = {"inputs": 1, "hidden": 20, "hidden_layers": 10, "outputs": 1, "norm": "batch"}
SCALAR: dict[str, Any] = {"inputs": 1, "hidden": "D", "hidden_layers": "K", "outputs": 1}

NUMBERS: list[tuple[str, dict[str, Any], int]] = [
    ("an image to 500 units", IMAGE, 1_536_500),
    ("an RGB image of 300 × 300", {"inputs": "300x300x3", "outputs": 100}, 27_000_100),
    ("an RGB image of 128 × 128", {"inputs": (128, 128, 3), "outputs": 64}, 3_145_792),
    ("a gray image", {"inputs": "128x128", "outputs": 256}, 4_194_560),
    ("one neuron without bias", {"inputs": "200x200x3", "outputs": 1, "bias": False}, 120_000),
    ("VGG's first", {"inputs": "7x7x512", "outputs": 4096, "bias": False}, 102_760_448),
    ("an image to a volume", {"inputs": "32x32x3", "outputs": "29x29x4"}, 10_337_572),
    ("softmax over ten classes", {"inputs": 1, "outputs": 10}, 20),
    ("logistic regression", {"inputs": 300, "outputs": 1}, 301),
    ("as many units as inputs", {"inputs": 514, "outputs": 514}, 264_710),
    ("a chain", CHAIN, 79_510),
    ("a chain from an image", {"layers": "28x28,10"}, 7850),
    ("a list of numbers", {"layers": [1, 4, 2]}, 18),
    ("arrows", {"layers": "1 -> 4 → 2"}, 18),
    ("shallow and wide", {"inputs": 1, "hidden": 95, "outputs": 1}, 286),
    ("deep and narrow", {"inputs": 1, "hidden": 5, "hidden_layers": 10, "outputs": 1}, 286),
    ("one layer more", {"inputs": 1, "hidden": 10, "hidden_layers": 11, "outputs": 1}, 1131),
    ("one unit more", {"inputs": 1, "hidden": 11, "hidden_layers": 10, "outputs": 1}, 1222),
    ("hidden layers one by one", {"inputs": 784, "hidden": "300,100", "outputs": 10}, 266_610),
    ("equal sizes written out", {"layers": "1,20,20,20,20,20,20,20,20,20,20,1"}, 3841),
    ("hidden layers as wide as the input", {"inputs": 20, "hidden": 20, "hidden_layers": 3, "outputs": 20}, 1680),
    ("batch normalisation", {"layers": "1,20,20,20,20,20,20,20,20,20,20,1", "norm": "batch"}, 4241),
    ("layer normalisation, no biases", {"layers": "5,5,5,5", "norm": "layer", "bias": False}, 75 + 20),
    ("normalised between equal letters", {"layers": "2,3,2,3,2", "norm": "batch"}, 34 + 2 * 8),
    ("a billion layers", {"inputs": 10, "hidden": 5, "hidden_layers": 10**9, "outputs": 1}, 30 * 10**9 + 31),
]
SYMBOLS: list[tuple[str, dict[str, Any], str]] = [
    ("one layer", {"inputs": "n", "outputs": "m"}, "n*m + m"),
    ("to itself", {"inputs": "D*N", "outputs": "D*N"}, "D^2*N^2 + D*N"),
    ("no bias", {"inputs": "n", "outputs": "m", "bias": False}, "n*m"),
    ("shallow", {"layers": "Di,D,Do"}, "Di*D + D*Do + D + Do"),
    ("like terms", {"layers": "1,D,D,1"}, "D^2 + 4*D + 1"),
    ("an image", {"inputs": "HxWx3", "outputs": 10}, "30*H*W + 10"),
    ("K hidden layers", DEEP, "(Di + 1)*D + (K - 1)*(D + 1)*D + (D + 1)*Do"),
    ("K hidden layers, scalar", SCALAR, "(K - 1)*(D + 1)*D + 3*D + 1"),
    ("ten hidden layers", {**SCALAR, "hidden_layers": 10}, "9*D^2 + 12*D + 1"),
    ("K + 1 hidden layers", {**SCALAR, "hidden_layers": "K+1"}, "K*(D + 1)*D + 3*D + 1"),
    ("normalised", {**DEEP, "norm": "batch"}, "(Di + 1)*D + (K - 1)*(D + 1)*D + (D + 1)*Do + 2*K*D"),
    ("normalised, the letter of the ends inside", {"layers": "D,1,D,1,D", "norm": "batch"}, "8*D + 6"),
    ("letters of the formula as givens", {"layers": "n1,5,n0"}, "5*n1 + 6*n0 + 5"),
]


def test_what_does_not_fit_into_memory_is_not_allocated() -> None:
    solution = fc_params(inputs=10**9, outputs=10**9)
    assert solution.value == (10**9 + 1) * 10**9
    assert solution.holds
    assert not solution.checks


def test_lists_the_layers() -> None:
    assert texts(fc_params(layers="514,514,257")) == {
        "parameters": "397065",
        "weights": "396294",
        "biases": "771",
        "layer_parameters": "264710,132355",
        "layer_weights": "264196,132098",
        "layer_biases": "514,257",
    }
    assert texts(fc_params(inputs=1, hidden=10, hidden_layers=3, outputs=1))["layer_parameters"] == "20,110,110,11"
    assert texts(fc_params(layers="300,1"))["layer_biases"] == "1"
    assert texts(fc_params(layers="1,D,D,1"))["layer_parameters"] == "2*D,D^2 + D,D + 1"


def test_one_layer_is_no_list() -> None:
    assert list(texts(fc_params(**IMAGE))) == ["parameters", "weights", "biases"]


def test_layers_without_number_are_no_list_and_say_so() -> None:
    many = fc_params(inputs=1, hidden=2, hidden_layers=101, outputs=1)
    assert "layer_parameters" not in texts(many)
    assert many.notes == ("more than 100 layers are not listed one by one",)
    symbolic = fc_params(**DEEP)
    assert "layer_parameters" not in texts(symbolic)
    assert symbolic.assumptions == ("K ≥ 1",)


# brute force and laws

widths = st.lists(st.integers(1, 6), min_size=2, max_size=5)


def by_pairs(sizes: Sequence[int], *, bias: bool) -> tuple[list[int], list[int]]:
    """Count the weights of each layer pair by pair, and the biases unit by unit."""
    weights = [sum(1 for _ in product(range(n), range(m))) for n, m in pairwise(sizes)]
    return weights, [sum(1 for _ in range(m)) if bias else 0 for m in sizes[1:]]


@given(sizes=widths, bias=st.booleans())
def test_agrees_with_counting_pairs(sizes: list[int], *, bias: bool) -> None:
    weights, biases = by_pairs(sizes, bias=bias)
    found = fc_params(layers=sizes, bias=bias)
    values = {answer.name: answer.computed for answer in found.answers}
    assert values == {
        "parameters": sum(weights) + sum(biases),
        "weights": sum(weights),
        "biases": sum(biases),
        "layer_parameters": [w + b for w, b in zip(weights, biases, strict=True)],
        "layer_weights": weights,
        "layer_biases": biases,
    }


@settings(max_examples=20)
@given(sizes=st.lists(st.sampled_from([1, 2, 3]), min_size=2, max_size=4), bias=st.booleans())
def test_every_line_holds_for_any_chain(sizes: list[int], *, bias: bool) -> None:
    assert fc_params(layers=sizes, bias=bias).holds


@given(n=st.integers(1, 9), d=st.integers(1, 9), k=st.integers(1, 9), m=st.integers(1, 9))
def test_hidden_layers_are_a_chain_of_equal_sizes(n: int, d: int, k: int, m: int) -> None:
    deep = fc_params(inputs=n, hidden=d, hidden_layers=k, outputs=m)
    assert texts(deep) == texts(fc_params(layers=[n, *[d] * k, m]))


@given(n=st.integers(1, 9), d=st.integers(1, 9), k=st.integers(101, 200), m=st.integers(1, 9))
def test_many_hidden_layers_follow_the_closed_form(n: int, d: int, k: int, m: int) -> None:
    found = fc_params(inputs=n, hidden=d, hidden_layers=k, outputs=m).value
    assert found == sum((a + 1) * b for a, b in pairwise([n, *[d] * k, m]))


@given(axes=st.lists(st.integers(1, 5), min_size=1, max_size=4), units=st.integers(1, 9))
def test_an_image_counts_by_its_entries(axes: list[int], units: int) -> None:
    assert fc_params(inputs=tuple(axes), outputs=units).value == fc_params(inputs=prod(axes), outputs=units).value


@given(sizes=widths)
def test_a_chain_is_the_sum_of_its_layers(sizes: list[int]) -> None:
    layers = [fc_params(inputs=n, outputs=m).value for n, m in pairwise(sizes)]
    assert fc_params(layers=sizes).value == sum(layers)  # type: ignore[arg-type]  # whole numbers all


# errors

ERRORS: list[tuple[dict[str, Any], str]] = [
    ({}, "the inputs are not given; add --inputs N, or give all sizes: --layers 784,100,10"),
    ({"inputs": 5}, "the outputs are not given; add --outputs N, or give all sizes: --layers 784,100,10"),
    ({"outputs": 5}, "the inputs are not given; add --inputs N, or give all sizes: --layers 784,100,10"),
    ({"layers": "784"}, "--layers 784 is a single size; separate inputs and layers by commas: 784,100,10"),
    ({"layers": "784-100-10"}, "--layers 674 is a single size; separate inputs and layers by commas: 784,100,10"),
    ({"layers": 784}, "--layers 784 is a single size; separate inputs and layers by commas: 784,100,10"),
    ({"layers": "784,0,10"}, "layers 0 is less than 1; use 1 or more"),
    ({"layers": "784,2.5"}, "layers 2.5 is not a whole number; use 2 or 3"),
    ({**CHAIN, "inputs": 784}, "--layers gives all sizes, but there is also --inputs; leave one of them out"),
    (
        {**CHAIN, "hidden_layers": 2},
        "--layers gives all sizes, but there is also --hidden-layers; leave one of them out",
    ),
    ({**IMAGE, "hidden_layers": 3}, "the units of the 3 hidden layers are not given; add --hidden D"),
    (
        {**IMAGE, "hidden": "64,32", "hidden_layers": 3},
        (
            "--hidden 64,32 gives 2 hidden layers, --hidden-layers 3; "
            "leave --hidden-layers out, or give --hidden one size for all"
        ),
    ),
    ({**IMAGE, "hidden": 4, "hidden_layers": 0}, "hidden-layers 0 is less than 1; use 1 or more"),
    (
        {"layers": [1] * 101},
        "--layers has 101 sizes; at most 100 are told apart; equal ones are --hidden D --hidden-layers K",
    ),
    (
        {**IMAGE, "norm": "batch"},
        "there is no hidden layer to normalise; add --hidden D, or leave --norm out",
    ),
    ({"inputs": "weights", "outputs": 2}, "weights is the name of a result here; use another letter for the given"),
]


def test_hidden_layers_that_agree_with_their_list_are_fine() -> None:
    assert fc_params(inputs=3, hidden="4,5", hidden_layers=2, outputs=1).value == fc_params(layers="3,4,5,1").value


# marking


CORRECT: list[tuple[dict[str, Any], str]] = [
    (IMAGE, "(32*32*3+1)*500"),
    (IMAGE, "1,536,500"),
    (CHAIN, "(784 + 1)*100 + (100 + 1)*10"),
    (CHAIN, "layer_parameters=78500,1010"),
    (DEEP, "(Di+1) D + (K-1) D (D+1) + (D+1) Do"),
    (DEEP, "weights = Di D + (K-1) D² + D Do"),
    (SCALAR, "3D + 1 + (K-1) D (D+1)"),
    (SCALAR, "K D^2 + K D - D^2 + 2D + 1"),
]
SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (IMAGE, "32*32*3*500", "the biases are missing, one per unit (departs at step 6"),
    (IMAGE, "32*32*3*500 + 1", "there is one bias per unit, not one in all"),
    (IMAGE, "(32*32 + 1)*500", "every channel of the image counts (departs at step 1"),
    (IMAGE, "3072*501", "a bias belongs to each unit of a layer, not to each input"),
    ({**IMAGE, "bias": False}, "3073*500", "there are no biases here"),
    (CHAIN, "79402", "there is one bias per unit, not one per layer"),
    (CHAIN, "79510 + 784", "the inputs have no biases"),
    (CHAIN, "78500", "the last layer is missing (departs at step 3"),
    (CHAIN, "1010", "the first layer is missing"),
    (CHAIN, "layer_parameters=78400,1000", "that is layer_weights"),
    (DEEP, "(Di+1) D + K D (D+1) + (D+1) Do", "between K layers of one size are K − 1 steps, not K (departs at step 2"),
    (DEEP, "(Di+1) D + (K-2) D (D+1) + (D+1) Do", "one of the equal layers is missing"),
    (NORMED, "3841", "the normalisations are missing, 2 per hidden unit"),
    (NORMED, "4641", "running means and variances are not trained: 2 per unit, not 4"),
    ({"layers": "3,7,2", "norm": "batch"}, "51", "a normalisation has a scale and a shift: 2 per unit"),
    (NORMED, "4243", "the outputs are not normalised"),
    (NORMED, "4040", "the biases are missing, one per unit"),
    (DEEP, "Di D + (K-1) D^2 + D Do", "the biases are missing, one per unit"),
]


class TestFcParams(CountingQuestion):
    """Fully connected layers: their tables, and what every counting question must pass."""

    topic, numbers, symbols, errors, correct, slips = fc_params, NUMBERS, SYMBOLS, ERRORS, CORRECT, SLIPS
    forms: ClassVar = {
        "image": IMAGE,
        "chain": CHAIN,
        "deep": DEEP,
        "scalar": SCALAR,
        "bare": {**CHAIN, "bias": False},
        "normed": NORMED,
        "deep and normed": {**DEEP, "norm": "layer", "bias": False},
    }


def test_no_slip_is_the_right_answer() -> None:
    """Where a slip happens to give the right number, it is right."""
    assert marked(fc_params(inputs=5, outputs=5), ["30"]).marks[0].correct is True
    assert marked(fc_params(inputs=5, outputs=1), ["6"]).marks[0].correct is True


# what is seen


def test_the_first_line_is_the_answer() -> None:
    assert screen(fc_params(**IMAGE))[0] == "parameters = 1536500"


def test_derives_as_on_paper() -> None:
    found = screen(fc_params(**CHAIN))
    assert "4 = (784 + 1)·100 + (100 + 1)·10 the values put in ✓" in found
    assert "1 layer_1 = (n_0 + 1) n_1 layer 1: 100 units, each with 784 weights and a bias ✓" in found
    assert "convention a layer computes f(Wx + b); f has no parameters" in found


def test_equal_layers_share_a_line() -> None:
    afters: list[Value] = [step.after for step in fc_params(inputs=1, hidden=10, hidden_layers=10, outputs=1).steps]
    assert "9*(n1 + 1)*n1" in map(str, afters)


def test_givens_are_written_as_typed() -> None:
    assert fc_params(layers="32x32x3,500,10").givens == {"layers": "32x32x3,500,10", "bias": "yes"}
