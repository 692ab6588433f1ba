"""Output sizes of transposed convolutions: what PyTorch has, every inverse, brute force, refusals, marking."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, conv_out, conv_transpose_out, marked
from dlcalc.numeric import check_step, sample

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "data" / "conv-transpose-1d.json").read_text())
FITS = [row for row in ROWS if "output" in row]
REFUSED = [row for row in ROWS if "error" in row]

ODD: dict[str, Any] = {"input": "3x3", "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1}
DOUBLES: dict[str, Any] = {"input": "16x16x64", "kernel": 4, "stride": 2, "padding": 1, "out_channels": 32}
FORMULA: dict[str, Any] = {"input": "n", "kernel": "k", "stride": "s", "padding": "p", "output_padding": "a"}
DILATED: dict[str, Any] = {"input": 5, "kernel": 3, "stride": 3, "padding": 1, "dilation": 2}

OUTPUTS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("Dumoulin and Visin: no padding", {"input": "2x2", "kernel": 3}, [4, 4]),
    ("Dumoulin and Visin: arbitrary padding", {"input": "6x6", "kernel": 4, "padding": 2}, [5, 5]),
    ("Dumoulin and Visin: strides", {"input": "2x2", "kernel": 3, "stride": 2}, [5, 5]),
    ("Dumoulin and Visin: padding and strides", {"input": "3x3", "kernel": 3, "stride": 2, "padding": 1}, [5, 5]),
    ("Dumoulin and Visin: odd", ODD, [6, 6]),
    ("DLS course 4: 2 x 2 to 4 x 4", {**ODD, "input": "2x2"}, [4, 4]),
    ("DCGAN's last", {"input": "32x32x64", "kernel": 4, "stride": 2, "padding": 1, "out_channels": 3}, [64, 64, 3]),
    ("U-Net's", {"input": "28x28x1024", "kernel": 2, "stride": 2, "out_channels": 512}, [56, 56, 512]),
    ("axes that differ", {"input": "3x4", "kernel": "3x2", "stride": "2x1"}, [7, 5]),
    ("dilated", DILATED, [15]),
    ("same", {"input": "7x7", "kernel": 5, "stride": 2, "padding": "same"}, [14, 14]),
    ("same needs no kernel", {"input": 7, "stride": 3, "padding": "same"}, [21]),
    ("valid", {"input": 7, "kernel": 3, "stride": 2, "padding": "valid"}, [15]),
    ("valid, kernel below the stride", {"input": 7, "kernel": 1, "stride": 3, "padding": "valid"}, [21]),
    ("a volume", {"input": "2x3x4", "kernel": 2, "stride": 2, "dims": "3"}, [4, 6, 8]),
    ("a vector with channels", {"input": "10x8", "kernel": 3, "dims": "1"}, [12]),
    ("everything 1", {"input": 1, "kernel": 1}, [1]),
    ("a billion", {"input": 10**9, "kernel": 3, "stride": 2}, [2 * 10**9 + 1]),
]
RANGES: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("odd", ODD, ("5x5", "6x6")),
    ("stride 1", {"input": 4, "kernel": 3}, ("6", "6")),
    ("stride 3", DILATED, ("15", "17")),
    ("same", {"input": 7, "stride": 2, "padding": "same"}, ("13", "14")),
    ("below one entry", {"input": 1, "kernel": 1, "stride": 4, "padding": 1, "output_padding": 2}, ("1", "2")),
    ("letters", FORMULA, ("(n - 1)*s + k - 2*p", "n*s + k - 2*p - 1")),
]
SYMBOLIC: list[tuple[str, dict[str, Any], str]] = [
    ("the formula", FORMULA, "(n - 1)*s - 2*p + k + a"),
    ("dilated", {**FORMULA, "dilation": "d"}, "(n - 1)*s - 2*p + d*(k - 1) + a + 1"),
    ("doubles", {"input": "n", "kernel": 4, "stride": 2, "padding": 1}, "2*n"),
    ("stride 1", {"input": "n", "kernel": "k"}, "n + k - 1"),
    ("same", {"input": "n", "stride": "s", "padding": "same"}, "n*s"),
    ("channels", {"input": "nxnxC", "kernel": 2, "stride": 2, "out_channels": "K"}, "2*nx2*nxK"),
]
SOLVED: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "input",
        {"output": "64x64x3", "kernel": 4, "stride": 2, "padding": 1, "solve": "input"},
        {"input": "32", "filters": "3"},
    ),
    ("inputs by axis", {"output": "8x6", "kernel": 2, "stride": 2, "solve": "input"}, {"input": "4x3"}),
    ("kernel", {"input": 7, "output": 14, "stride": 2, "padding": 1, "solve": "kernel"}, {"kernel": "4"}),
    ("dilated kernel", {**DILATED, "kernel": None, "output": 15, "solve": "kernel"}, {"kernel": "3"}),
    ("stride", {"input": 5, "output": 15, "kernel": 3, "solve": "stride"}, {"stride": "3"}),
    ("any stride", {"input": 1, "output": 3, "kernel": 3, "solve": "stride"}, {"stride_least": "1"}),
    ("padding", {"input": 7, "output": 14, "kernel": 4, "stride": 2, "solve": "padding"}, {"padding": "1"}),
    ("dilation", {"input": 4, "output": 8, "kernel": 3, "solve": "dilation"}, {"dilation": "2"}),
    (
        "output padding",
        {"input": 112, "output": 224, "kernel": 3, "stride": 2, "padding": 1, "solve": "output-padding"},
        {"output_padding": "1"},
    ),
    (
        "padding in letters",
        {"input": "n", "output": "2n", "kernel": 4, "stride": 2, "solve": "padding"},
        {"padding": "1"},
    ),
    (
        "half a kernel",
        {"input": "n", "output": "n", "kernel": "k", "solve": "padding"},
        {"padding": "(k - 1)/2"},
    ),
    (
        "input in letters",
        {"output": "m", "kernel": "k", "stride": "s", "padding": "p", "solve": "input"},
        {"input": "(m + 2*p - k)/s + 1"},
    ),
    (
        "stride in letters",
        {"input": "n", "output": "m", "kernel": "k", "solve": "stride"},
        {"stride": "(m - k)/(n - 1)"},
    ),
    ("same input", {"output": 14, "stride": 2, "padding": "same", "solve": "input"}, {"input": "7"}),
    ("same stride", {"input": 7, "output": 21, "padding": "same", "solve": "stride"}, {"stride": "3"}),
]
WORKED = [(name, givens) for name, givens, *_ in (*OUTPUTS, *SYMBOLIC, *RANGES, *SOLVED)]


def table(rows: list[Any]) -> dict[str, Any]:
    return {"argvalues": [row[1:] for row in rows], "ids": [row[0] for row in rows]}


def layer(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"output", "error"}}


def test_the_table_is_whole() -> None:
    assert (len(FITS), len(REFUSED)) == (79, 1)


@pytest.mark.parametrize("row", FITS, ids=str)
def test_output_is_pytorch_s(row: dict[str, Any]) -> None:
    assert conv_transpose_out(**layer(row)).value == [row["output"]]


@pytest.mark.parametrize("row", FITS[::10], ids=str)
def test_every_line_of_it_holds(row: dict[str, Any]) -> None:
    solution = conv_transpose_out(**layer(row))
    assert solution.checks
    assert solution.holds


def test_refuses_what_pytorch_finds_too_small() -> None:
    (row,) = REFUSED
    with pytest.raises(DlcalcError) as caught:
        conv_transpose_out(**layer(row))
    assert str(caught.value) == "nothing is left: 6 − 2·5 + 3 = -1; use --padding 4 or less"


@pytest.mark.parametrize(("givens", "expected"), **table(OUTPUTS))
def test_output(givens: dict[str, Any], expected: list[int]) -> None:
    assert conv_transpose_out(**givens).value == expected


@pytest.mark.parametrize(("givens", "expected"), **table(SYMBOLIC))
def test_output_in_symbols(givens: dict[str, Any], expected: str) -> None:
    assert conv_transpose_out(**givens)["output"].text == expected


@pytest.mark.parametrize(("givens", "expected"), **table(RANGES))
def test_range_that_the_input_allows(givens: dict[str, Any], expected: tuple[str, str]) -> None:
    solution = conv_transpose_out(**givens)
    assert (solution["output_least"].text, solution["output_most"].text) == expected


@pytest.mark.parametrize(("givens", "expected"), **table(SOLVED))
def test_solves(givens: dict[str, Any], expected: dict[str, str]) -> None:
    assert {answer.name: answer.text for answer in conv_transpose_out(**givens).answers} == expected


@pytest.mark.parametrize(("name", "givens"), WORKED, ids=[row[0] for row in WORKED])
def test_every_line_holds_and_kernels_were_written(name: str, givens: dict[str, Any]) -> None:
    solution = conv_transpose_out(**givens)
    assert solution.steps
    assert all(step.check is not None and step.check.points > 0 for step in solution.steps)
    assert solution.holds
    assert bool(solution.checks) == (name != "a billion")


@pytest.mark.parametrize("givens", [ODD, {**FORMULA, "dilation": "d"}, SOLVED[0][1], OUTPUTS[10][1]], ids=str)
def test_every_line_is_sharp(givens: dict[str, Any]) -> None:
    """A line whose right side is off by one does not pass."""
    solution = conv_transpose_out(**givens)
    samples = sample(solution.setting, 0)
    for step in solution.work().steps:
        assert not isinstance(step.after, tuple)
        assert not check_step(replace(step, after=step.after + 1), samples).holds, step


# laws

SMALL = {
    "input": st.integers(1, 12),
    "kernel": st.integers(1, 6),
    "stride": st.integers(1, 5),
    "padding": st.integers(0, 3),
    "dilation": st.integers(1, 3),
}


@given(layer=st.fixed_dictionaries(SMALL), added=st.integers(0, 4))
def test_a_convolution_takes_the_output_back(layer: dict[str, int], added: int) -> None:
    """Exactly the sizes from the least to the most are taken to the input."""
    assume(added < layer["stride"])
    try:
        solution = conv_transpose_out(**layer, output_padding=added)
    except DlcalcError:
        assume(False)  # noqa: FBT003 (Hypothesis' own way)
    (least,), (most,) = solution["output_least"].computed, solution["output_most"].computed
    assert solution.value == [least + added] or least == 1
    window = {name: value for name, value in layer.items() if name != "input"}
    for size in range(max(1, least - 2), most + 3):
        try:
            back = conv_out(input=size, **window).value
        except DlcalcError:
            back = [0]
        assert (back == [layer["input"]]) == (least <= size <= most)


@given(layer=st.fixed_dictionaries(SMALL), added=st.integers(0, 4), unknown=st.sampled_from([*SMALL, "output_padding"]))
@settings(deadline=None, max_examples=80)
def test_the_output_gives_every_size_back(layer: dict[str, int], added: int, unknown: str) -> None:
    assume(added < layer["stride"] or unknown != "output_padding")
    layer["output_padding"] = added
    try:
        output = conv_transpose_out(**layer)["output"].text
    except DlcalcError:
        assume(False)  # noqa: FBT003 (Hypothesis' own way)
    known = {name: value for name, value in layer.items() if name != unknown}
    (answer,) = conv_transpose_out(**known, output=output, solve=unknown.replace("_", "-")).principal_answers
    assert answer.computed == layer[unknown] or answer.name == f"{unknown}_least"


# what a reader is told

TOLD: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("two sizes", ODD, ("a convolution takes every size from 5 to 6 to 3; of these the output is 6",)),
    ("one size", {"input": 4, "kernel": 3}, ()),
    (
        "same",
        {"input": 7, "stride": 2, "padding": "same"},
        ("a convolution takes every size from 13 to 14 to 7; of these the output is 14",),
    ),
    (
        "beyond the limit",
        {"input": 3, "kernel": 3, "stride": 2, "output_padding": 2},
        (
            "a convolution takes every size from 7 to 8 to 3; and 9 is none of them",
            "output padding 2 is not less than the stride 2: a convolution takes 9 to 4, not to 3",
        ),
    ),
    (
        "no convolution",
        {"input": 1, "kernel": 1, "padding": 1, "output_padding": 2},
        (
            "no convolution with these givens has the output 1",
            "output padding 2 is not less than the stride 1: a convolution takes 1 to 3, not to 1",
        ),
    ),
]
SAID: list[tuple[str, dict[str, Any], str]] = [
    ("cropped", DOUBLES, "padding is cropped from the output, as in PyTorch"),
    ("filters", DOUBLES, "one output channel per filter"),
    (
        "limits",
        ODD,
        "output padding is less than the stride (Keras); PyTorch asks for less than the stride or the dilation",
    ),
    ("same", OUTPUTS[10][1], "'same' as in Keras: output input·stride, whatever the kernel"),
    (
        "valid",
        OUTPUTS[12][1],
        "'valid' as in Keras: padding 0, and the end filled up where the stride is larger than the kernel",
    ),
]
ERRORS: list[tuple[str, dict[str, Any], str]] = [
    (
        "nothing left on one axis",
        {"input": "1x9", "kernel": 1, "padding": 1},
        "height: nothing is left: 1 − 2·1 = -1; use --padding 0",
    ),
    (
        "between two inputs",
        {"output": 64, "kernel": 3, "stride": 2, "padding": 1, "solve": "input"},
        (
            "no whole input gives output 64: input 32 gives 63, input 33 gives 65; use --output-padding 1, or "
            "--output 63 or 65"
        ),
    ),
    (
        "half a padding",
        {"input": 7, "output": 14, "kernel": 3, "stride": 2, "solve": "padding"},
        "no whole padding gives output 14: padding 0 gives 15, padding 1 gives 13; use --output 15 or 13",
    ),
    (
        "output padding beyond the stride",
        {"input": 3, "output": 9, "kernel": 3, "stride": 2, "solve": "output-padding"},
        "no whole output padding gives output 9: output padding 1 gives 8 already, and it is the most; use --output 8",
    ),
    (
        "one entry",
        {"input": 1, "output": 4, "kernel": 3, "solve": "stride"},
        "no whole stride gives output 4: stride 1 gives 3, as every stride does; use --output 3",
    ),
    (
        "same with output padding",
        {"input": 7, "stride": 2, "padding": "same", "output_padding": 1},
        "with 'same' padding there is no output padding to choose; give --padding as a number",
    ),
    ("no kernel", {"input": 7}, "--kernel is missing; add --kernel SIZE"),
    ("negative output padding", {**ODD, "output_padding": -1}, "output-padding -1 is less than 0; use 0 or more"),
    (
        "unsolvable",
        {**ODD, "solve": "padding", "output": 5},
        "--solve padding, but --padding 1 is given; leave out one of them",
    ),
    (
        "unknown unknown",
        {**ODD, "solve": "outputpadding"},
        "--solve outputpadding is not known; did you mean output-padding?",
    ),
    (
        "channels that differ",
        {"input": "8x8x3", "kernel": "3x3x4"},
        "--input has 3 channels, --kernel 4; mend one, or add --dims 3 where all three axes are spatial",
    ),
]
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("the convolution", {"input": 7, "kernel": 3, "stride": 2}, "3", "that is the output of the convolution"),
    ("padding added", DOUBLES, "36x36x32", "padding is cropped from the output, not added to it"),
    ("padding once", DOUBLES, "33x33x32", "the padding is cropped at both ends: 2p, not p"),
    ("n strides", {"input": 7, "kernel": 3, "stride": 2}, "17", "n entries are n − 1 strides apart, not n"),
    ("no output padding", ODD, "5x5", "the output padding is missing"),
    (
        "output padding twice",
        {"input": 3, "kernel": 3, "stride": 3, "output_padding": 2},
        "13",
        "the output padding is added at one end only",
    ),
    ("not dilated", DILATED, "13", "a dilated window spans d(k − 1) + 1 entries, not k"),
    ("times the stride", {"input": 7, "kernel": 3, "stride": 2}, "14", "right only where the kernel"),
    ("no channels", DOUBLES, "32x32", "the channels of the output are missing"),
    ("same, not cropped", OUTPUTS[10][1], "17x17", "that is the output without cropping"),
    ("back, one entry short", SOLVED[0][1], "31", "n entries are n − 1 strides apart, so there is one more of them"),
    ("back, both ends", SOLVED[6][1], "2", "that is both ends together; half of it at each end"),
    ("back, no padding", SOLVED[2][1], "2", "the padding is missing: it is cropped from both ends"),
]


@pytest.mark.parametrize(
    ("givens", "assumed"),
    [
        (ODD, ("dilation 1 (not given)",)),
        ({"input": 7, "stride": 2, "padding": "same"}, ()),
        ({"input": 7, "kernel": "k", "stride": 3, "padding": "valid", "dilation": 1}, ("k a whole number",)),
        (
            {"input": 4, "kernel": 3, "stride": 2, "padding": "p", "dilation": 1, "output_padding": 0},
            ("p a whole number", "9 - 2p ≥ 1"),
        ),
        (
            {
                "input": "n",
                "output": "m",
                "kernel": 3,
                "padding": 0,
                "dilation": 1,
                "output_padding": 0,
                "solve": "stride",
            },
            ("m, n whole numbers", "n ≥ 2", "(m - 3)/(n - 1) whole", "(m - 3)/(n - 1) ≥ 1"),
        ),
    ],
    ids=["defaults", "same", "valid", "something is left", "a stride"],
)
def test_assumptions(givens: dict[str, Any], assumed: tuple[str, ...]) -> None:
    assert conv_transpose_out(**givens).assumptions == assumed


@pytest.mark.parametrize(("givens", "notes"), **table(TOLD))
def test_notes(givens: dict[str, Any], notes: tuple[str, ...]) -> None:
    assert conv_transpose_out(**givens).notes == notes


@pytest.mark.parametrize(("givens", "convention"), **table(SAID))
def test_conventions(givens: dict[str, Any], convention: str) -> None:
    assert convention in conv_transpose_out(**givens).conventions


@pytest.mark.parametrize(("givens", "message"), **table(ERRORS))
def test_refuses(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        conv_transpose_out(**givens)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("givens", "answer"),
    [
        (DOUBLES, "32x32x32"),
        (FORMULA, "s(n - 1) + a + k - 2p"),
        (ODD, "((n-1)s + k - 2p + a) x 6"),
        (ODD, "output_least=5x5"),
    ],
    ids=["a size", "the formula", "the formula for numbers", "the least"],
)
def test_accepts(givens: dict[str, Any], answer: str) -> None:
    assert marked(conv_transpose_out(**givens), [answer]).marks[0].correct is True


@pytest.mark.parametrize(("givens", "answer", "because"), **table(WRONG))
def test_explains_what_is_wrong(givens: dict[str, Any], answer: str, because: str) -> None:
    (mark,) = marked(conv_transpose_out(**givens), [answer]).marks
    assert mark.correct is False
    assert mark.because.startswith(because)
