"""Output sizes of poolings: what PyTorch has, every inverse, brute force, degenerate givens, messages, marking."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Solution, marked, pool_out
from dlcalc.numeric import check_step, sample

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "data" / "max-pool-1d.json").read_text())
FITS = [row for row in ROWS if "output" in row]
REFUSED = [row for row in ROWS if "error" in row]

UP: dict[str, Any] = {"input": 32, "kernel": 3, "stride": 2, "ceil": True}
CLAMPED: dict[str, Any] = {"input": 2, "kernel": 3, "stride": 3, "padding": 1, "ceil": True}
FORMULA: dict[str, Any] = {"input": "n", "kernel": "k", "stride": "s", "padding": "p"}
VOLUME: dict[str, Any] = {"input": "66x66x21", "kernel": 3}

OUTPUTS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("MIT 6.036 F18", {"input": "4x4", "kernel": 2, "stride": 2}, [2, 2]),
    ("DLS course 4: halves", {"input": "32x32x16", "kernel": 2, "stride": 2}, [16, 16, 16]),
    ("DLS course 4: a third", {"input": "66x66x21", "kernel": 3, "stride": 3}, [22, 22, 21]),
    ("DLS course 4: a quarter", {"input": "128x128x12", "kernel": 4, "stride": 4}, [32, 32, 12]),
    ("stride 2 of a kernel 1", {"input": 32, "kernel": 1, "stride": 2, "padding": 0}, [16]),
    ("padding 2", {"input": 9, "kernel": 4, "stride": 4, "padding": 2}, [3]),
    ("overlapping", {"input": 32, "kernel": 8, "stride": 4}, [7]),
    ("ceil", {"input": 4, "kernel": 3, "ceil": True}, [2]),
    ("ceil, clamped", {"input": 2, "kernel": 3, "padding": 1, "ceil": True}, [1]),
    ("SqueezeNet's first", {"input": 112, "kernel": 3, "stride": 2, "ceil": True}, [56]),
    ("ResNet's", {"input": "112x112x64", "kernel": 3, "stride": 2, "padding": 1}, [56, 56, 64]),
    ("AlexNet's", {"input": "55x55x96", "kernel": 3, "stride": 2}, [27, 27, 96]),
    ("average", {"input": "8x8x4", "kernel": 2, "mode": "avg"}, [4, 4, 4]),
    ("global", {"input": "7x7x512", "kernel": 7, "mode": "avg"}, [1, 1, 512]),
    ("axes that differ", {"input": "12x10", "kernel": "3x2"}, [4, 5]),
    ("a vector with channels", {"input": "100x8", "kernel": 4, "dims": "1"}, [25, 8]),
    ("a volume", {"input": "8x8x8", "kernel": 2, "dims": "3"}, [4, 4, 4]),
    ("same", {"input": "7x7x3", "kernel": 3, "stride": 2, "padding": "same"}, [4, 4, 3]),
    ("same, stride of the kernel", {"input": 7, "kernel": 3, "padding": "same"}, [3]),
    ("valid", {"input": 7, "kernel": 3, "padding": "valid"}, [2]),
    ("window beyond the end", {"input": 4, "kernel": 4, "stride": 2, "padding": 1, "dilation": 2, "ceil": True}, [1]),
    ("everything 1", {"input": 1, "kernel": 1}, [1]),
    ("a billion", {"input": 10**9, "kernel": 3, "stride": 7, "ceil": True}, [-(-(10**9) // 7)]),
]
SYMBOLIC: list[tuple[str, dict[str, Any], str]] = [
    ("no padding", {"input": "i", "kernel": "k", "stride": "s"}, "floor((i - k)/s) + 1"),
    ("the formula", FORMULA, "floor((n + 2*p - k)/s) + 1"),
    ("stride of the kernel", {"input": "n", "kernel": "k"}, "floor(n/k)"),
    ("a half", {"input": "2m", "kernel": 2}, "m"),
    ("ceil", {**FORMULA, "ceil": True}, "min(ceil((n + 2*p - k)/s) + 1, ceil((n + p)/s))"),
    ("ceil, stride of the kernel", {"input": "n", "kernel": "k", "ceil": True}, "ceil(n/k)"),
    ("ceil, padded", {"input": "n", "kernel": "k", "padding": "p", "ceil": True}, "ceil((n + p)/k)"),
    ("ceil, small stride", {"input": "n", "kernel": "k", "stride": 1, "ceil": True}, "n - k + 1"),
    ("ceil, unclamped", {"input": "n", "kernel": 5, "stride": 2, "padding": 1, "ceil": True}, "ceil((n - 3)/2) + 1"),
    ("ceil, clamped", {"input": "n", "kernel": 3, "stride": 3, "padding": 1, "ceil": True}, "ceil((n + 1)/3)"),
    ("channels stay", {"input": "nxnxC", "kernel": 2, "stride": 1}, "(n - 1)x(n - 1)xC"),
]
SOLVED: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("kernel and stride at once", {"input": "32x32", "output": "16x16", "solve": "kernel"}, {"kernel": "2"}),
    ("kernels by axis", {"input": "32x30", "output": "16x10", "solve": "kernel"}, {"kernel": "2x3"}),
    ("kernels and strides at once", {"input": 11, "output": 2, "solve": "kernel"}, {"kernel": "4,5"}),
    ("kernel at least twice the padding", {"input": 9, "output": 3, "padding": 2, "solve": "kernel"}, {"kernel": "4"}),
    (
        "a dilated kernel that is the stride",
        {"input": 11, "output": 2, "dilation": 2, "solve": "kernel"},
        {"kernel": "4"},
    ),
    ("kernel, ceil", {"input": 11, "output": 3, "ceil": True, "solve": "kernel"}, {"kernel": "4,5"}),
    ("inputs", {"output": 56, "kernel": 3, "stride": 2, "solve": "input"}, {"input": "113,114"}),
    ("inputs, ceil", {"output": 56, "kernel": 3, "stride": 2, "ceil": True, "solve": "input"}, {"input": "112,113"}),
    ("inputs with channels", {"output": "4x4x8", "kernel": 2, "solve": "input"}, {"input": "8,9"}),
    ("stride", {"input": 112, "output": 55, "kernel": 3, "solve": "stride"}, {"stride": "2"}),
    ("stride, ceil", {"input": 12, "output": 4, "kernel": 2, "ceil": True, "solve": "stride"}, {"stride": "3"}),
    (
        "any stride, ceil",
        {"input": 3, "output": 1, "kernel": 3, "ceil": True, "solve": "stride"},
        {"stride_least": "1"},
    ),
    ("padding", {"input": 112, "output": 56, "kernel": 3, "stride": 2, "solve": "padding"}, {"padding": "1"}),
    ("padding at most half", {"input": 9, "output": 3, "kernel": 2, "stride": 4, "solve": "padding"}, {"padding": "1"}),
    ("dilation", {"input": 9, "output": 5, "kernel": 3, "stride": 1, "solve": "dilation"}, {"dilation": "2"}),
    (
        "inputs in symbols, ceil",
        {"output": "m", "kernel": 3, "stride": 2, "ceil": True, "solve": "input"},
        {"input": "2*m,2*m + 1"},
    ),
]
WORKED = [(name, givens) for name, givens, *_ in (*OUTPUTS, *SYMBOLIC, *SOLVED)]


def table(rows: list[Any]) -> dict[str, Any]:
    return {"argvalues": [row[1:] for row in rows], "ids": [row[0] for row in rows]}


def shown(row: dict[str, Any]) -> str:
    return "-".join(str(row[name]) for name in ("input", "kernel", "stride", "padding", "dilation", "ceil"))


def layer(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"output", "error"}}


def test_the_table_is_whole() -> None:
    assert (len(FITS), len(REFUSED)) == (85, 15)


@pytest.mark.parametrize("row", FITS, ids=shown)
def test_output_is_pytorch_s(row: dict[str, Any]) -> None:
    assert pool_out(**layer(row)).value == [row["output"]]


@pytest.mark.parametrize("row", FITS[::10], ids=shown)
def test_every_line_of_it_holds(row: dict[str, Any]) -> None:
    solution = pool_out(**layer(row))
    assert solution.checks
    assert solution.holds


@pytest.mark.parametrize("row", REFUSED, ids=shown)
def test_refuses_padding_of_more_than_half_the_kernel(row: dict[str, Any]) -> None:
    padding, kernel = row["padding"], row["kernel"]
    with pytest.raises(DlcalcError) as caught:
        pool_out(**layer(row))
    assert str(caught.value) == (
        f"padding {padding} is more than half of the kernel {kernel}; "
        f"use --padding {kernel // 2} or less, or --kernel {2 * padding} or more"
    )


@pytest.mark.parametrize(("givens", "expected"), **table(OUTPUTS))
def test_output(givens: dict[str, Any], expected: list[int]) -> None:
    assert pool_out(**givens).value == expected


@pytest.mark.parametrize(("givens", "expected"), **table(SYMBOLIC))
def test_output_in_symbols(givens: dict[str, Any], expected: str) -> None:
    assert pool_out(**givens)["output"].text == expected


@pytest.mark.parametrize(("givens", "expected"), **table(SOLVED))
def test_solves(givens: dict[str, Any], expected: dict[str, str]) -> None:
    assert {answer.name: answer.text for answer in pool_out(**givens).answers} == expected


@pytest.mark.parametrize(("name", "givens"), WORKED, ids=[row[0] for row in WORKED])
def test_every_line_holds_and_a_window_was_slid(name: str, givens: dict[str, Any]) -> None:
    solution = pool_out(**givens)
    assert solution.steps
    assert all(step.check is not None and step.check.points > 0 for step in solution.steps)
    assert solution.holds
    assert bool(solution.checks) == (name != "a billion")


@pytest.mark.parametrize("givens", [UP, CLAMPED, {**FORMULA, "ceil": True}, SOLVED[4][1]], ids=str)
def test_every_line_is_sharp(givens: dict[str, Any]) -> None:
    """A line whose right side is off by one, in the direction of its bound, does not pass."""
    solution = pool_out(**givens)
    samples = sample(solution.setting, 0)
    for step in solution.work().steps:
        assert not isinstance(step.after, tuple)
        off = -1 if step.relation in {"<", "<="} else 1
        assert not check_step(replace(step, after=step.after + off), samples).holds, step


# laws

SMALL = {
    "input": st.integers(1, 25),
    "kernel": st.integers(1, 7),
    "stride": st.integers(1, 6),
    "padding": st.integers(0, 3),
    "dilation": st.integers(1, 3),
}
BEYOND = 80
"""No solution of the small questions lies beyond this, unless all do."""


def pytorch(*, ceil: bool, **layer: int) -> int:
    """Compute as pooling_output_shape_pad_lr of PyTorch does; 0 where its padding is refused."""
    n, k, s, p, d = (layer[name] for name in SMALL)
    if p > k // 2:
        return 0
    size = (n + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil else 0)) // s + 1
    return size - 1 if ceil and (size - 1) * s >= n + p else size


@given(layer=st.fixed_dictionaries(SMALL), ceil=st.booleans())
def test_counts_as_pytorch_does(layer: dict[str, int], ceil: bool) -> None:  # noqa: FBT001 (drawn)
    places = pytorch(ceil=ceil, **layer)
    if places > 0:
        assert pool_out(**layer, ceil=ceil).value == [places]
    else:
        with pytest.raises(DlcalcError, match=r"more than|larger than"):
            pool_out(**layer, ceil=ceil)


@given(
    layer=st.fixed_dictionaries(SMALL), unknown=st.sampled_from(sorted(SMALL)), ceil=st.booleans(), tied=st.booleans()
)
@settings(deadline=None, max_examples=120)
def test_the_output_gives_all_sizes_back(layer: dict[str, int], unknown: str, ceil: bool, tied: bool) -> None:  # noqa: FBT001 (drawn)
    """Everything that gives the output is found, and nothing else; also where the stride is the kernel."""
    tied = tied and unknown != "stride"
    layer["stride"] = layer["kernel"] if tied else layer["stride"]
    places = pytorch(ceil=ceil, **layer)
    room = layer["input"] + 2 * layer["padding"] - layer["dilation"] * (layer["kernel"] - 1) - 1
    assume(places > 0 and (room >= 0 or unknown in {"input", "kernel"}))

    def with_(value: int) -> dict[str, int]:
        return {**layer, unknown: value, **({"stride": value} if tied and unknown == "kernel" else {})}

    right = [value for value in range(unknown != "padding", BEYOND) if pytorch(ceil=ceil, **with_(value)) == places]
    known = {name: value for name, value in layer.items() if name != unknown and not (tied and name == "stride")}
    solution = pool_out(**known, output=places, solve=unknown, ceil=ceil)
    (answer,) = solution.principal_answers
    if answer.name == unknown:
        assert (answer.computed if isinstance(answer.computed, list) else [answer.computed]) == right
    else:
        assert answer.name == f"{unknown}_least"
        assert right == list(range(right[0], BEYOND))
        assert answer.computed == right[0]


# what a reader is told

TOLD: list[tuple[str, dict[str, Any], str]] = [
    ("sticks out", UP, "the last window sticks out of the padded input by 1 entry, where nothing is read"),
    (
        "dropped",
        CLAMPED,
        "one more window would start in the padding behind the input, at entry 3: it is dropped",
    ),
    (
        "dropped behind the input",
        {"input": 5, "kernel": 2, "stride": 3, "ceil": True},
        "",
    ),
    (
        "the remainder",
        {"input": 32, "kernel": 3, "stride": 2},
        (
            "stride 2 does not divide 32 + 2·0 - 3 = 29 (remainder 1): the last entry of the input is dropped; "
            "without the floor the formula gives 15.5"
        ),
    ),
    (
        "several",
        {"output": 56, "kernel": 3, "stride": 2, "ceil": True, "solve": "input"},
        "2 values of the input give output 56: the last window may stick out by more or less",
    ),
]
SAID: list[tuple[str, dict[str, Any], str]] = [
    ("stride", VOLUME, "the stride is the kernel, as it is not given"),
    ("channels", VOLUME, "pooling keeps the channels"),
    ("ceil", UP, "a window must start inside the input or the padding before it (PyTorch's ceil_mode)"),
    ("max", CLAMPED, "max pooling: padding counts as −∞, so it never is the maximum"),
    (
        "average",
        {"input": 8, "kernel": 2, "padding": 1, "mode": "avg"},
        "average pooling: padding counts as zeros; the size is that of max pooling",
    ),
]
ERRORS: list[tuple[str, dict[str, Any], str]] = [
    (
        "in symbols there is an assumption instead",
        {"input": 6, "kernel": "k", "padding": "k"},
        "2k ≤ k holds for no values of the symbols; give numbers for them",
    ),
    (
        "kernel too large",
        {"input": 6, "kernel": 9, "padding": 1},
        "kernel 9 is larger than the padded input 8 (= 6 + 2·1); use --padding 2 or more",
    ),
    (
        "no padding is enough",
        {"input": 4, "kernel": 5, "stride": 5, "padding": 2, "dilation": 4},
        (
            "kernel 5 with dilation 4 spans 17 (= 4·(5 − 1) + 1), more than the padded input 8 (= 4 + 2·2); "
            "use a smaller --kernel or --dilation"
        ),
    ),
    (
        "no padding gives it",
        {"input": 9, "kernel": 2, "stride": 2, "output": 6, "solve": "padding"},
        "no whole padding gives output 6: padding 1 gives 5 already, and it is the most; use --output 5",
    ),
    (
        "no kernel gives it",
        {"input": 11, "output": 4, "solve": "kernel"},
        "no whole kernel gives output 4: kernel 2 gives 5, kernel 3 gives 3; use --output 5 or 3",
    ),
    (
        "never starts",
        {"input": 4, "stride": 5, "output": 2, "ceil": True, "solve": "kernel"},
        "no whole kernel gives output 2: kernel 1 gives 1 already, and it is the least; use --output 1",
    ),
    (
        "ceil and same",
        {**UP, "padding": "same"},
        "--ceil does not go with 'same' padding, which rounds up anyway; leave out one of them",
    ),
    (
        "same decides by the stride",
        {"input": 8, "output": 4, "padding": "same", "solve": "kernel"},
        "with 'same' padding the stride alone decides; use --solve stride",
    ),
    (
        "dilated average",
        {**VOLUME, "mode": "avg", "dilation": 2},
        "average pooling has no dilation; leave out --dilation, or use --mode max",
    ),
    (
        "more than half, solved for the input",
        {"output": 5, "kernel": 2, "padding": 2, "solve": "input"},
        "padding 2 is more than half of the kernel 2; use --padding 1 or less, or --kernel 4 or more",
    ),
    ("no kernel", {"input": 6}, "--kernel is missing; add --kernel SIZE"),
    (
        "channels that differ",
        {"input": "8x8x3", "output": "4x4x5", "solve": "kernel"},
        "--input has 3 channels, --output 5; mend one, or add --dims 3 where all three axes are spatial",
    ),
    (
        "a kernel with channels",
        {"input": "8x8x3", "kernel": "2x2x3"},
        "kernel 2x2x3 has 3 numbers, but there are 2 spatial axes; give 1 or 2 numbers, or another --dims",
    ),
    (
        "symbols and ceil",
        {"input": "n", "kernel": 3, "output": "m", "ceil": True, "solve": "stride"},
        "--solve with --ceil needs numbers here; give numbers for m",
    ),
]
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("rounded down", UP, "15", "rounded down, but --ceil rounds up"),
    ("not clamped", CLAMPED, "2", "a window that would start behind the input and the padding before it is dropped"),
    ("no stride", VOLUME, "64x64x21", "the stride is missing"),
    ("no channels", VOLUME, "22x22", "the channels of the output are missing: pooling keeps them"),
    ("channels pooled", VOLUME, "22x22x1", "pooling works on every channel by itself, so all of them stay"),
    ("rounded up", {"input": 32, "kernel": 3, "stride": 2}, "16", "rounded up: the last window would stick out"),
    ("no + 1", {"input": 32, "kernel": 8, "stride": 4}, "6", "the + 1 is missing"),
]


def judged(givens: dict[str, Any], answer: str) -> Solution:
    return marked(pool_out(**givens), [answer])


@pytest.mark.parametrize(("givens", "note"), **table(TOLD))
def test_notes(givens: dict[str, Any], note: str) -> None:
    assert pool_out(**givens).notes == ((note,) if note else ())


@pytest.mark.parametrize(("givens", "convention"), **table(SAID))
def test_conventions(givens: dict[str, Any], convention: str) -> None:
    assert convention in pool_out(**givens).conventions


def test_a_padding_in_symbols_is_assumed_to_be_at_most_half() -> None:
    assert "2p ≤ k" in pool_out(**FORMULA).assumptions
    assert "2p ≤ k" in pool_out(**{**FORMULA, "input": None}, output="m", solve="input").assumptions


@pytest.mark.parametrize(("givens", "message"), **table(ERRORS))
def test_refuses(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        pool_out(**givens)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("givens", "answer"),
    [(VOLUME, "22x22x21"), (UP, "16"), (FORMULA, "(n - k + 2p)/s + 1 - ((n - k + 2p)/s - floor((n-k+2p)/s))")],
    ids=["a size", "ceil", "the formula in another form"],
)
def test_accepts(givens: dict[str, Any], answer: str) -> None:
    assert judged(givens, answer).marks[0].correct is True


@pytest.mark.parametrize(("givens", "answer", "because"), **table(WRONG))
def test_explains_what_is_wrong(givens: dict[str, Any], answer: str, because: str) -> None:
    (mark,) = judged(givens, answer).marks
    assert mark.correct is False
    assert mark.because.startswith(because)
