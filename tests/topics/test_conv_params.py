"""Convolutions: known counts, brute force, laws, degenerate givens, marking, and a checker that can fail."""

from __future__ import annotations

from itertools import product
from typing import Any, ClassVar

import pytest
from counts import CountingQuestion, screen
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import conv_params, fc_params

FIRST: dict[str, Any] = {"in_channels": 3, "kernel": 7, "out_channels": 16}
LETTERS: dict[str, Any] = {"in_channels": "C", "kernel": "f", "out_channels": "n"}
GROUPED: dict[str, Any] = {"in_channels": "C", "kernel": "3x5", "out_channels": "n", "groups": "g"}
SEPARABLE: dict[str, Any] = {"in_channels": 3, "kernel": 5, "out_channels": 256, "separable": True}
LOCAL: dict[str, Any] = {"in_channels": 2, "kernel": 3, "out_channels": 4, "unshared": "5x6"}

NUMBERS: list[tuple[str, dict[str, Any], int]] = [
    ("16 filters of 7 × 7 × 3", FIRST, 2368),
    ("channels in the window", {"kernel": "7x7x3", "filters": 16}, 2368),
    ("5 filters on an image", {"input": "256x256x3", "kernel": 3, "filters": 5}, 140),
    ("4 filters of 4 × 4", {"input": (32, 32, 3), "kernel": 4, "filters": 4}, 196),
    ("second layer", {"input": "26x26x16", "kernel": 3, "filters": 32}, 4640),
    ("100 filters on RGB", {"in_channels": 3, "kernel": 5, "filters": 100}, 7600),
    ("100 filters on gray", {"in_channels": 1, "kernel": 5, "filters": 100}, 2600),
    ("AlexNet's first", {"in_channels": 3, "kernel": 11, "filters": 96}, 34_944),
    ("one neuron", {"input": "32x32x3", "kernel": 5, "filters": 1}, 76),
    ("without biases", {"in_channels": 256, "kernel": 3, "filters": 256, "bias": False}, 589_824),
    ("1 × 1", {"in_channels": 256, "kernel": 1, "filters": 64}, 16_448),
    ("one axis", {"in_channels": 64, "kernel": 6, "filters": 32, "groups": 2, "dims": 1}, 6176),
    ("three axes", {"in_channels": 2, "kernel": 3, "filters": 4, "dims": 3}, 220),
    ("depthwise", {"in_channels": 3, "kernel": 5, "filters": 3, "groups": 3, "bias": False}, 75),
    ("two groups", {"in_channels": 4, "kernel": "2x3", "filters": 6, "groups": 2}, 78),
    ("unshared, as AlexNet's first", {"in_channels": 3, "kernel": 11, "filters": 96, "unshared": "55x55"}, 105_705_600),
    ("unshared, one channel", {"in_channels": 1, "kernel": 3, "filters": 1, "unshared": "100x100"}, 100_000),
    ("unshared, with its channels", {"input": "32x32x3", "kernel": 4, "filters": 4, "unshared": "29x29x4"}, 164_836),
    ("unshared on one axis", {"in_channels": 2, "kernel": 3, "filters": 4, "unshared": 5, "dims": 1}, 140),
    ("separable", {**SEPARABLE, "bias": False}, 843),
    ("separable, with biases", SEPARABLE, 843 + 3 + 256),
    ("the standard convolution beside it", {**SEPARABLE, "separable": False, "bias": False}, 19_200),
    ("all ones", {"in_channels": 1, "kernel": 1, "filters": 1}, 2),
]
SYMBOLS: list[tuple[str, dict[str, Any], str]] = [
    ("all letters", LETTERS, "f^2*C*n + n"),
    ("no biases", {**LETTERS, "bias": False}, "f^2*C*n"),
    ("as many filters as channels", {"in_channels": "C", "kernel": 7, "filters": "C", "bias": False}, "49*C^2"),
    ("one filter", {"in_channels": "C", "kernel": 2, "filters": 1, "bias": False}, "4*C"),
    ("groups", GROUPED, "15*C*n/g + n"),
    ("depthwise", {"in_channels": "C", "kernel": "k", "filters": "C", "groups": "C", "bias": False}, "k^2*C"),
    ("a window with two letters", {"in_channels": 3, "kernel": "hxw", "filters": "n"}, "3*h*w*n + n"),
    ("unshared", {"in_channels": 1, "kernel": 3, "filters": "f", "unshared": "mxm"}, "10*m^2*f"),
    ("separable", {**LETTERS, "separable": True, "bias": False}, "f^2*C + C*n"),
    ("separable, one letter", {"in_channels": "C", "kernel": 3, "filters": "C", "separable": True}, "C^2 + 11*C"),
    ("the letter of another given", {"in_channels": 3, "kernel": 3, "filters": "C_in"}, "28*C_in"),
]


RATIOS: list[tuple[str, dict[str, Any], str]] = [
    ("256 filters of 5 × 5 on RGB", {**SEPARABLE, "bias": False}, "0.04390625"),
    ("biases do not count", SEPARABLE, "0.04390625"),
    ("MobileNet's 3 × 3", {"in_channels": 512, "kernel": 3, "filters": 512, "separable": True}, "521/4608"),
    ("letters", {**LETTERS, "separable": True}, "1/n + 1/f^2"),
    (
        "a window with two letters",
        {"in_channels": "C", "kernel": "hxw", "filters": 64, "separable": True},
        "1/64 + 1/(h*w)",
    ),
    ("a window of one costs more", {"in_channels": 4, "kernel": 1, "filters": 4, "separable": True}, "1.25"),
]


@pytest.mark.parametrize(("givens", "expected"), [row[1:] for row in RATIOS], ids=[row[0] for row in RATIOS])
def test_compares_the_separable_convolution_with_the_standard_one(givens: dict[str, Any], expected: str) -> None:
    solution = conv_params(**givens)
    assert solution["ratio"].text == expected
    assert solution.holds
    standard = conv_params(**{**givens, "separable": False})
    assert solution["standard_parameters"].text == standard["parameters"].text
    assert solution["standard_weights"].text == standard["weights"].text


def test_what_does_not_fit_into_memory_is_not_allocated() -> None:
    solution = conv_params(in_channels=10**6, kernel=10**3, filters=10**9)
    assert solution.value == 10**21 + 10**9
    assert solution.holds
    assert not solution.checks


@pytest.mark.parametrize(
    ("givens", "expected"),
    [
        (FIRST, "7x7x3"),
        ({"input": "26x26x16", "kernel": 3, "filters": 32}, "3x3x16"),
        ({"in_channels": 4, "kernel": "2x3", "filters": 6, "groups": 2}, "2x3x2"),
        (LETTERS, "fxfxC"),
    ],
    ids=["7 × 7 × 3", "depth of the input", "groups", "letters"],
)
def test_says_the_size_of_a_filter(givens: dict[str, Any], expected: str) -> None:
    solution = conv_params(**givens)
    assert solution["filter"].text == expected
    assert f"one filter is {expected.replace('x', ' × ')}" in solution.steps[0].because


# brute force and laws


def taps(channels: int, window: list[int], filters: int, groups: int) -> int:
    """Count the weights by visiting them: filter by filter, channel by channel, place by place."""
    found = 0
    for unit, channel in product(range(filters), range(channels)):
        if unit // (filters // groups) == channel // (channels // groups):
            found += sum(1 for _ in product(*map(range, window)))
    return found


@given(
    window=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    groups=st.integers(1, 3),
    per_group=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    bias=st.booleans(),
)
def test_agrees_with_visiting_every_weight(
    window: list[int], groups: int, per_group: tuple[int, int], *, bias: bool
) -> None:
    channels, filters = (groups * n for n in per_group)
    found = conv_params(
        in_channels=channels, kernel=tuple(window), filters=filters, groups=groups, bias=bias, dims=str(len(window))
    )
    weights = taps(channels, window, filters, groups)
    values = {answer.name: answer.computed for answer in found.answers}
    assert values == {
        "parameters": weights + filters * bias,
        "weights": weights,
        "biases": filters * bias,
        "filter": [*window, channels // groups],
    }


@settings(max_examples=6)
@given(
    kernel=st.sampled_from([2, "3x1", "k"]),
    channels=st.sampled_from([4, "C"]),
    filters=st.sampled_from([6, "n"]),
    groups=st.sampled_from([1, 2, "g"]),
    bias=st.booleans(),
)
def test_every_line_holds_for_any_convolution(bias: bool, **givens: Any) -> None:  # noqa: ANN401, FBT001 (drawn)
    assert conv_params(**givens, bias=bias).holds


@given(k=st.integers(1, 5), channels=st.integers(1, 5), filters=st.integers(1, 5), bias=st.booleans())
def test_separable_is_depthwise_and_then_one_by_one(k: int, channels: int, filters: int, *, bias: bool) -> None:
    depthwise = conv_params(in_channels=channels, kernel=k, filters=channels, groups=channels, bias=bias)
    pointwise = conv_params(in_channels=channels, kernel=1, filters=filters, bias=bias)
    both = conv_params(in_channels=channels, kernel=k, filters=filters, separable=True, bias=bias)
    for name in ("parameters", "weights", "biases"):
        assert both[name].value == depthwise[name].value + pointwise[name].value  # type: ignore[operator]  # numbers


@given(channels=st.integers(1, 8), filters=st.integers(1, 8))
def test_a_window_of_one_is_a_dense_layer_on_the_channels(channels: int, filters: int) -> None:
    dense = fc_params(inputs=channels, outputs=filters)
    assert conv_params(in_channels=channels, kernel=1, filters=filters).value == dense.value


@given(k=st.integers(1, 5), channels=st.integers(1, 5), filters=st.integers(1, 5))
def test_one_unshared_position_is_shared(k: int, channels: int, filters: int) -> None:
    givens = {"in_channels": channels, "kernel": k, "filters": filters}
    assert conv_params(**givens, unshared="1x1").value == conv_params(**givens).value


@given(side=st.integers(1, 4), channels=st.integers(1, 4), filters=st.integers(1, 4))
def test_a_window_as_large_as_the_image_is_a_dense_layer(side: int, channels: int, filters: int) -> None:
    dense = fc_params(inputs=(side, side, channels), outputs=filters)
    assert conv_params(input=(side, side, channels), kernel=side, filters=filters).value == dense.value


# errors

ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"kernel": 3, "filters": 5}, "the input channels are not given; add --in-channels N, or --input HxWxC"),
    (
        {"in_channels": 3, "filters": 5},
        "--kernel is missing; add --kernel SIZE: Size of the window: 3, 3x5, or 7x7x3 with the channels.",
    ),
    (
        {"in_channels": 3, "kernel": 3},
        "--out-channels is missing; add --out-channels NUMBER: Number of filters: the channels of the output.",
    ),
    (
        {"in_channels": 4, "kernel": 3, "filters": 6, "groups": 3},
        "groups 3 does not divide in-channels 4; use in-channels 3 or 6, or groups that divide it",
    ),
    (
        {"in_channels": 6, "kernel": 3, "filters": 4, "groups": 3},
        "groups 3 does not divide out-channels 4; use out-channels 3 or 6, or groups that divide it",
    ),
    (
        {"in_channels": 1, "kernel": 3, "filters": 4, "groups": 4},
        "groups 4 does not divide in-channels 1; use in-channels 4, or groups that divide it",
    ),
    (
        {"in_channels": 3, "kernel": "7x7x4", "filters": 5},
        "--in-channels gives 3 channels, --kernel gives 4; give them once",
    ),
    (
        {"input": "32x32x3", "kernel": "7x7x4", "filters": 5},
        "--input gives 3 channels, --kernel gives 4; give them once",
    ),
    (
        {"in_channels": 3, "kernel": "3x3x3x3", "filters": 5},
        (
            "kernel 3x3x3x3 has 4 numbers, but the convolution has 2 spatial axes; "
            "give 2 or 3 (with the channels), or another --dims"
        ),
    ),
    (
        {"input": 32, "in_channels": 3, "kernel": 3, "filters": 5},
        (
            "input 32 has 1 number, but the convolution has 2 spatial axes; "
            "give 2 or 3 (with the channels), or another --dims"
        ),
    ),
    (
        {**LOCAL, "unshared": 5},
        (
            "unshared 5 has 1 number, but the convolution has 2 spatial axes; "
            "give 2 or 3 (with the channels), or another --dims"
        ),
    ),
    ({**LOCAL, "unshared": "5x6x7"}, "unshared 5x6x7 has 7 channels, but there are 4 filters; give them once"),
    (
        {**SEPARABLE, "groups": 3},
        "--groups does not go with --separable, which is two convolutions; leave one of them out",
    ),
    (
        {**LOCAL, "separable": True},
        "--unshared does not go with --separable, which is two convolutions; leave one of them out",
    ),
    ({**FIRST, "kernel": 0}, "kernel 0 is less than 1; use 1 or more"),
    ({**FIRST, "groups": 0}, "groups 0 is less than 1; use 1 or more"),
    ({**FIRST, "out_channels": "weights"}, "weights is the name of a result here; use another letter for the given"),
    ({**FIRST, "dims": 4}, "--dims 4 is not known; use 1, 2, 3"),
]


def test_prints_conventions_and_assumptions() -> None:
    assert conv_params(**FIRST).conventions == ("2 spatial axes; a window of one number is that long on every axis",)
    assert conv_params(**FIRST, dims=1).conventions == ("1 spatial axis",)
    assert conv_params(**GROUPED).assumptions == ("g divides C and n",)
    assert conv_params(**FIRST).assumptions == ()
    assert "nothing is shared: each of the 5 × 6 positions has filters and biases of its own" in (
        conv_params(**LOCAL).conventions
    )


# marking


CORRECT: list[tuple[dict[str, Any], str]] = [
    (FIRST, "(7*7*3 + 1)*16"),
    (FIRST, "2,368"),
    (FIRST, "filter = 7x7x3"),
    (LETTERS, "(f^2 C + 1) n"),
    (LETTERS, "n + n C f²"),
    (GROUPED, "n(15C/g + 1)"),
    (SEPARABLE, "ratio = 1/256 + 1/25"),
    (SEPARABLE, "ratio = 0.0439"),
]
SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (FIRST, "2352", "the biases are missing, one per filter (departs at step 7"),
    (FIRST, "2353", "there is one bias per filter, not one in all"),
    (FIRST, "2355", "there is one bias per filter, not one per input channel"),
    (FIRST, "(7*7 + 1)*16", "each filter spans all input channels, not one (departs at step 1"),
    (FIRST, "7*7*16", "each filter spans all input channels, not one, and there are biases"),
    (FIRST, "148", "that is one filter with its bias"),
    (FIRST, "147", "that is one filter, without its bias"),
    ({**FIRST, "bias": False}, "2368", "there are no biases here"),
    (LETTERS, "f^2 C n", "the biases are missing, one per filter"),
    (LETTERS, "f^2 n + n", "each filter spans all input channels, not one"),
    (LOCAL, "(3*3*2 + 1)*4", "the positions do not share their weights"),
    ({"input": "26x26x16", "kernel": 3, "filters": 32}, "4608*26*26", "all positions of the image share the filters"),
    ({"input": "26x26x16", "kernel": 3, "filters": 32}, "4608*26*26 + 32", "all positions of the image share"),
    (FIRST, "weights=2368", "that is parameters"),
    (SEPARABLE, "843", "the biases are missing, one per filter"),
    (SEPARABLE, "843 + 256", "the depthwise step has biases too"),
    (SEPARABLE, "19200 + 256", "that is the standard convolution"),
    (SEPARABLE, "ratio = 6400/281", "that is the standard convolution over the separable one (departs at step 22"),
    (SEPARABLE, "ratio = 1102/19456", "that compares the parameters; the ratio leaves biases out"),
    (SEPARABLE, "ratio = 1 - 281/6400", "that is what is saved"),
    ({**SEPARABLE, "bias": False}, "75", "the 1 × 1 convolution is missing"),
    ({**SEPARABLE, "bias": False}, "19200", "that is the standard convolution, without biases"),
]


class TestConvParams(CountingQuestion):
    """A convolution: its tables, and what every counting question must pass."""

    topic, numbers, symbols, errors, correct, slips = conv_params, NUMBERS, SYMBOLS, ERRORS, CORRECT, SLIPS
    forms: ClassVar = {"numbers": FIRST, "letters": LETTERS, "groups": GROUPED, "local": LOCAL, "separable": SEPARABLE}


# what is seen


def test_derives_as_on_paper() -> None:
    found = screen(conv_params(**FIRST))
    assert found[0] == "parameters = 2368"
    assert "1 filter_weights = k² C_in one filter is 7 × 7 × 3: the window times the channels it sees ✓" in found
    assert "2 = 7·7·3 the values put in ✓" in found
