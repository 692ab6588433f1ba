"""Output sizes of convolutions: known sizes, every inverse, brute force, degenerate givens, messages, marking."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Mark, Solution, conv_out, marked
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Sym, expr
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.parser import parse
from dlcalc.numeric import check_step, sample
from dlcalc.render import Layout, render
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run

    from dlcalc.notation.printing import Value

FORMULA: dict[str, Any] = {"input": "n", "kernel": "f", "padding": "p", "stride": "s"}
REMAINDER: dict[str, Any] = {"input": 32, "kernel": 3, "stride": 2}
VOLUME: dict[str, Any] = {"input": "32x32x3", "kernel": 7, "out_channels": 16}
AXES: dict[str, Any] = {"input": "32x28", "kernel": "3x5", "stride": "2x1", "padding": "1x2", "dilation": 2}
SAME: dict[str, Any] = {"input": "28x28", "kernel": 5, "stride": 2, "padding": "same"}
FILTER: dict[str, Any] = {"input": "32x32x3", "output": "26x26x16", "solve": "kernel"}
INPUTS: dict[str, Any] = {"output": 112, "kernel": 3, "stride": 2, "padding": 1, "solve": "input"}

OUTPUTS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("one axis", {"input": 32, "kernel": 7}, [26]),
    (
        "AlexNet's first",
        {"input": "227x227x3", "kernel": 11, "stride": 4, "padding": 0, "out_channels": 96},
        [55, 55, 96],
    ),
    (
        "ResNet's first",
        {"input": "224x224x3", "kernel": 7, "stride": 2, "padding": 3, "out_channels": 64},
        [112, 112, 64],
    ),
    ("two filters' worth", {"input": "63x63x16", "kernel": 7, "stride": 2, "out_channels": 32}, [29, 29, 32]),
    ("stride leaves one over", {"input": "127x127x16", "kernel": 5, "stride": 2, "out_channels": 32}, [62, 62, 32]),
    ("no padding stated", {"input": "32x32x3", "kernel": 4, "out_channels": 4}, [29, 29, 4]),
    ("padding alone", {"input": "15x15x8", "kernel": 1, "padding": 2, "out_channels": 8}, [19, 19, 8]),
    ("padded 61", {"input": "61x61x32", "kernel": 1, "padding": 3, "out_channels": 32}, [67, 67, 32]),
    ("centred on every pixel", {"input": "4x4", "kernel": 3, "padding": 1, "out_channels": 5}, [4, 4, 5]),
    ("a dense layer as a convolution", {"input": "7x7x512", "kernel": 7, "out_channels": 4096}, [1, 1, 4096]),
    ("half padding", {"input": "5x5", "kernel": 3, "padding": 1}, [5, 5]),
    ("full padding", {"input": "5x5", "kernel": 3, "padding": 2}, [7, 7]),
    ("padding and stride", {"input": "6x6", "kernel": 3, "stride": 2, "padding": 1}, [3, 3]),
    ("even kernel, full padding", {"input": "3x3", "kernel": 2, "padding": 2, "stride": 2}, [3, 3]),
    ("dilation", {"input": "7x7", "kernel": 3, "dilation": 2}, [3, 3]),
    ("the stride does not fit", {"input": 10, "kernel": 3, "stride": 2}, [4]),
    ("axes that differ", AXES, [15, 24]),
    ("a vector with channels", {"input": "100x8", "kernel": 5, "dims": "1"}, [96]),
    ("a vector and its kernel with channels", {"input": "100x8", "kernel": "5x8", "dims": "1"}, [96]),
    ("a volume", {"input": "10x20x30", "kernel": 3, "dims": "3"}, [8, 18, 28]),
    ("a volume with channels", {"input": "10x20x30x4", "kernel": 3, "out_channels": 2}, [8, 18, 28, 2]),
    ("kernel with the channels", {"input": "32x32x3", "kernel": "7x7x3", "out_channels": 16}, [26, 26, 16]),
    ("channels from the kernel only", {"input": "32x32", "kernel": "7x7x3"}, [26, 26]),
    ("one number for two axes", {"input": 32, "kernel": 3, "dims": "2"}, [30, 30]),
    ("valid", {"input": 32, "kernel": 3, "padding": "valid"}, [30]),
    ("Python tuples", {"input": (227, 227, 3), "kernel": (11, 11), "stride": 4}, [55, 55]),
    ("the window fills the input", {"input": 5, "kernel": 5, "stride": 3}, [1]),
    ("everything 1", {"input": 1, "kernel": 1}, [1]),
    ("a billion", {"input": 10**9, "kernel": 3, "stride": 7, "dilation": 10**8}, [(10**9 - 2 * 10**8 - 1) // 7 + 1]),
]
SYMBOLIC: list[tuple[str, dict[str, Any], str]] = [
    ("the formula", FORMULA, "floor((n + 2*p - f)/s) + 1"),
    ("dilated", {**FORMULA, "dilation": "d"}, "floor((n + 2*p - d*(f - 1) - 1)/s) + 1"),
    ("dilation 2", {**FORMULA, "dilation": 2}, "floor((n + 2*p - 2*f + 1)/s) + 1"),
    ("stride 1", {"input": "n", "kernel": "f", "padding": "p"}, "n + 2*p - f + 1"),
    ("a number and a letter", {"input": 32, "kernel": "k"}, "33 - k"),
    ("half padding keeps the size", {"input": "n", "kernel": "k", "padding": "(k-1)/2"}, "n"),
    ("halves an even input", {"input": "2m", "kernel": 3, "stride": 2, "padding": 1}, "m"),
    ("does not halve an odd one", {"input": "2m+1", "kernel": 3, "stride": 2, "padding": "p"}, "m + p"),
    ("three halves stay rounded", {"input": "3n+3", "kernel": 3, "stride": 2}, "floor(3*n/2) + 1"),
    ("a volume", {"input": "nxnxC", "kernel": "f", "out_channels": "K"}, "(n - f + 1)x(n - f + 1)xK"),
    ("letters of the formula as givens", {"input": "o", "kernel": "n", "stride": "k"}, "floor((o - n)/k) + 1"),
    ("divides exactly", {**FORMULA, "strict": True}, "(n + 2*p - f)/s + 1"),
    ("same", {"input": "n", "kernel": "k", "stride": "s", "padding": "same"}, "ceil(n/s)"),
    ("same at stride 1", {"input": "n", "kernel": "k", "padding": "same"}, "n"),
    (
        "far from small numbers",
        {"input": "n", "kernel": 50, "padding": "p", "stride": 3},
        "floor((n + 2*p - 50)/3) + 1",
    ),
    ("beyond what is sampled", {"input": "n", "kernel": 10**6}, "n - 999999"),
]
PADDINGS: list[tuple[str, dict[str, Any], tuple[str, str, str]]] = [
    ("odd kernel", {"input": "63x63x16", "kernel": 7}, ("63x63", "3,3", "3,3")),
    ("even kernel", {"input": 10, "kernel": 4}, ("10", "1", "2")),
    ("stride 2", {"input": "28x28", "kernel": 5, "stride": 2}, ("14x14", "1,1", "2,2")),
    ("stride 2, odd input", {"input": 29, "kernel": 3, "stride": 2}, ("15", "1", "1")),
    ("stride beyond the kernel", {"input": 6, "kernel": 1, "stride": 4}, ("2", "0", "0")),
    ("dilated", {"input": 20, "kernel": 3, "dilation": 3}, ("20", "3", "3")),
    ("axes that differ", {"input": "8x9", "kernel": "3x2", "stride": 2}, ("4x5", "0,0", "1,1")),
    ("larger kernel than input", {"input": 2, "kernel": 5}, ("2", "2", "2")),
    ("letters at stride 1", {"input": "n", "kernel": "k"}, ("n", "floor((k - 1)/2)", "ceil((k - 1)/2)")),
    (
        "letters",
        {"input": "n", "kernel": "k", "stride": "s"},
        (
            "ceil(n/s)",
            "floor(max((ceil(n/s) - 1)*s + k - n, 0)/2)",
            "ceil(max((ceil(n/s) - 1)*s + k - n, 0)/2)",
        ),
    ),
]
SOLVED: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("a filter", FILTER, {"kernel": "7", "filter_size": "7x7x3", "filters": "16"}),
    ("a filter, padded", {**FILTER, "padding": 1}, {"kernel": "9", "filter_size": "9x9x3", "filters": "16"}),
    ("kernels by axis", {"input": "32x28", "output": "26x24", "solve": "kernel"}, {"kernel": "7x5"}),
    ("two kernels", {"input": 10, "output": 4, "stride": 2, "solve": "kernel"}, {"kernel": "3,4"}),
    ("a dilated kernel", {"input": 7, "output": 3, "dilation": 2, "solve": "kernel"}, {"kernel": "3"}),
    ("no kernel below 1", {"input": 10, "output": 5, "stride": 2, "solve": "kernel"}, {"kernel": "1,2"}),
    ("clipped kernels", {"input": 9, "output": 5, "stride": 2, "solve": "kernel"}, {"kernel": "1"}),
    ("inputs", INPUTS, {"input": "223,224"}),
    ("an input", {**INPUTS, "stride": 1}, {"input": "112"}),
    ("inputs from 1", {"output": 2, "kernel": 1, "stride": 3, "padding": 2, "solve": "input"}, {"input": "1,2"}),
    (
        "inputs by axis",
        {**INPUTS, "output": "112x56x64"},
        {"input": "223,224;111,112", "filters": "64"},
    ),
    (
        "inputs by axis, unequally many",
        {"output": "1x2", "kernel": 1, "stride": 3, "padding": 1, "solve": "input"},
        {"input_height": "1", "input_width": "2,3,4"},
    ),
    (
        "many inputs",
        {"output": 10, "kernel": 3, "stride": 10**9, "solve": "input"},
        {"input_least": "9000000003", "input_most": "10000000002"},
    ),
    ("same inputs", {"output": 56, "stride": 4, "padding": "same", "solve": "input"}, {"input": "221,222,223,224"}),
    ("a stride", {"input": 227, "kernel": 11, "output": 55, "solve": "stride"}, {"stride": "4"}),
    ("a stride for both axes", {"input": "32x28", "kernel": 3, "output": "15x13", "solve": "stride"}, {"stride": "2"}),
    ("output as one number", {"input": "227x227x3", "kernel": 11, "output": 55, "solve": "stride"}, {"stride": "4"}),
    ("same stride", {"input": 224, "padding": "same", "output": 56, "solve": "stride"}, {"stride": "4"}),
    ("strides", {"input": 10, "kernel": 1, "output": 2, "solve": "stride"}, {"stride": "5,6,7,8,9"}),
    ("any stride", {"input": 9, "kernel": 3, "output": 1, "solve": "stride"}, {"stride_least": "7"}),
    (
        "any stride on one axis",
        {"input": "9x7", "kernel": 3, "output": "1x5", "solve": "stride"},
        {"stride_height_least": "7", "stride_width": "1"},
    ),
    ("half padding", {"input": 64, "kernel": 9, "output": 64, "solve": "padding"}, {"padding": "4"}),
    ("paddings", {"input": 10, "kernel": 3, "stride": 5, "output": 3, "solve": "padding"}, {"padding": "2,3"}),
    ("no padding", {"input": 10, "kernel": 3, "output": 8, "solve": "padding"}, {"padding": "0"}),
    ("a dilation", {"input": 7, "kernel": 3, "output": 3, "solve": "dilation"}, {"dilation": "2"}),
    ("any dilation", {"input": 10, "kernel": 1, "output": 10, "solve": "dilation"}, {"dilation_least": "1"}),
]
SOLVED_IN_SYMBOLS: list[tuple[str, dict[str, Any], dict[str, str], tuple[str, ...]]] = [
    (
        "half padding",
        {"input": "n", "output": "n", "kernel": "k", "solve": "padding"},
        {"padding": "(k - 1)/2"},
        ("k, n whole numbers", "k odd"),
    ),
    ("padding of a 3", {"input": "n", "output": "n", "kernel": 3, "solve": "padding"}, {"padding": "1"}, ()),
    (
        "padding at stride 2",
        {"input": "2m", "output": "m", "kernel": "k", "stride": 2, "solve": "padding"},
        {"padding": "ceil((k - 2)/2)"},
        ("k - 2 ≥ 0",),
    ),
    (
        "padding at any stride",
        {"input": "n", "output": "m", "kernel": 1, "stride": "s", "solve": "padding"},
        {"padding_least": "ceil(((m - 1)*s - n + 1)/2)", "padding_most": "floor((m*s - n)/2)"},
        ("s ≥ 2", "(m - 1) s - n + 1 ≥ 0"),
    ),
    (
        "an output that stands alone",
        {"output": "o", "kernel": "k", "padding": "p", "solve": "input"},
        {"input": "o + k - 2*p - 1"},
        ("o + k - 2p - 1 ≥ 1",),
    ),
    (
        "inputs at stride 2",
        {"output": "m", "kernel": 3, "stride": 2, "padding": 1, "solve": "input"},
        {"input": "2*m - 1,2*m"},
        ("m a whole number",),
    ),
    (
        "inputs at any stride",
        {"output": "m", "kernel": "k", "stride": "s", "solve": "input"},
        {"input_least": "(m - 1)*s + k", "input_most": "m*s + k - 1"},
        ("k, m, s whole numbers",),
    ),
    ("kernel", {"input": "n", "output": "m", "padding": "p", "solve": "kernel"}, {"kernel": "n + 2*p - m + 1"}, ()),
    (
        "kernels that keep",
        {"input": "2m", "output": "m", "stride": 2, "padding": 1, "solve": "kernel"},
        {"kernel": "3,4"},
        (),
    ),
    (
        "a dilated kernel",
        {"input": "n", "output": "m", "dilation": "d", "solve": "kernel"},
        {"kernel": "(n - m)/d + 1"},
        ("(n - m)/d + 1 whole",),
    ),
    (
        "a dilation",
        {"input": "n", "output": "m", "kernel": "k", "solve": "dilation"},
        {"dilation": "(n - m)/(k - 1)"},
        ("k ≥ 2", "(n - m)/(k - 1) whole"),
    ),
    (
        "the stride that keeps",
        {"input": "d", "output": "d", "kernel": 3, "padding": 1, "solve": "stride"},
        {"stride": "1"},
        ("d ≥ 2",),
    ),
    (
        "the stride that halves",
        {"input": "2m", "output": "m", "kernel": 3, "padding": 1, "solve": "stride"},
        {"stride": "2"},
        ("m ≥ 3",),
    ),
    ("any stride", {"input": "n", "output": 1, "kernel": 3, "solve": "stride"}, {"stride_least": "n - 2"}, ("3 ≤ n",)),
]
WORKED = [(name, givens) for name, givens, *_ in (*OUTPUTS, *SYMBOLIC, *SOLVED, *SOLVED_IN_SYMBOLS)]
WORKED += [(f"same: {name}", {**givens, "padding": "same"}) for name, givens, *_ in PADDINGS]
UNCOUNTED = {"a billion", "many inputs", "beyond what is sampled"}
"""Too large to slide a window over."""


def texts(solution: Solution) -> dict[str, str]:
    return {answer.name: answer.text for answer in solution.answers}


def table(rows: list[Any]) -> dict[str, Any]:
    return {"argvalues": [row[1:] for row in rows], "ids": [row[0] for row in rows]}


@pytest.mark.parametrize(("givens", "expected"), **table(OUTPUTS))
def test_output(givens: dict[str, Any], expected: list[int]) -> None:
    assert conv_out(**givens).value == expected


@pytest.mark.parametrize(("givens", "expected"), **table(SYMBOLIC))
def test_output_in_symbols(givens: dict[str, Any], expected: str) -> None:
    assert conv_out(**givens)["output"].text == expected


@pytest.mark.parametrize(("givens", "expected"), **table(PADDINGS))
def test_same_padding(givens: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """The output, and the zeros before and after the input."""
    found = texts(conv_out(**givens, padding="same"))
    assert tuple(found.values()) == expected
    assert tuple(found) == ("output", "padding_before", "padding_after")


@pytest.mark.parametrize(("givens", "expected"), **table(SOLVED))
def test_solves(givens: dict[str, Any], expected: dict[str, str]) -> None:
    assert texts(conv_out(**givens)) == expected


@pytest.mark.parametrize(("givens", "expected", "assumed"), **table(SOLVED_IN_SYMBOLS))
def test_solves_in_symbols(givens: dict[str, Any], expected: dict[str, str], assumed: tuple[str, ...]) -> None:
    solution = conv_out(**givens)
    assert texts(solution) == expected
    assert set(assumed) <= set(solution.assumptions)


@pytest.mark.parametrize(("name", "givens"), WORKED, ids=[row[0] for row in WORKED])
def test_every_line_holds_and_a_window_was_slid(name: str, givens: dict[str, Any]) -> None:
    solution = conv_out(**givens)
    assert solution.steps
    assert all(step.check is not None and step.check.points > 0 for step in solution.steps)
    assert solution.holds
    assert bool(solution.checks) == (name not in UNCOUNTED)


@pytest.mark.parametrize(
    "givens",
    [FORMULA, REMAINDER, AXES, SAME, FILTER, INPUTS, *(row[1] for row in SOLVED_IN_SYMBOLS[::2])],
    ids=["formula", "remainder", "axes", "same", "filter", "inputs", *(row[0] for row in SOLVED_IN_SYMBOLS[::2])],
)
def test_every_line_is_sharp(givens: dict[str, Any]) -> None:
    """A line whose right side is off by one, in the direction of its bound, does not pass."""
    solution = conv_out(**givens)
    samples = sample(solution.setting, 0)
    for step in solution.work().steps:
        assert not isinstance(step.after, tuple)
        off = -1 if step.relation in {"<", "<="} else 1
        assert not check_step(replace(step, after=step.after + off), samples).holds, step


@pytest.mark.parametrize(
    "givens", [REMAINDER, AXES, SAME, FILTER, INPUTS], ids=["one", "axes", "same", "filter", "inputs"]
)
def test_a_wrong_answer_does_not_survive_its_route(givens: dict[str, Any]) -> None:
    from dlcalc.numeric import check_route
    from dlcalc.solution import Route

    solution = conv_out(**givens)
    route = solution.work().routes[0]
    assert isinstance(route, Route)

    def off(value: Value) -> Value:
        return tuple(map(off, value)) if isinstance(value, tuple) else value + 1

    samples = sample(solution.setting, 0)
    assert check_route(route, samples).holds
    assert not check_route(Route(route.claim, route.method, off(route.value), route.compute), samples).holds


# laws

SMALL = {
    "input": st.integers(1, 30),
    "kernel": st.integers(1, 7),
    "stride": st.integers(1, 5),
    "padding": st.integers(0, 4),
    "dilation": st.integers(1, 3),
}
LEAST = {"input": 1, "kernel": 1, "stride": 1, "padding": 0, "dilation": 1}
BEYOND = 80
"""No solution of the small questions lies beyond this, unless all do."""


def counted(*, input: int, padding: int, after: int | None = None, **window: int) -> int:
    """Read an array through the window wherever it can be read."""
    axis = [0.0] * padding + [1.0] * input + [0.0] * (padding if after is None else after)
    places = 0
    for start in range(0, len(axis), window["stride"]):
        try:
            _ = [axis[start + tap * window["dilation"]] for tap in range(window["kernel"])]
        except IndexError:
            break
        places += 1
    return places


@given(layer=st.fixed_dictionaries(SMALL))
@settings(deadline=None, max_examples=50)
def test_counts_the_places_of_the_window(layer: dict[str, int]) -> None:
    places = counted(**layer)
    if places:
        assert conv_out(**layer).value == [places]
    else:
        with pytest.raises(DlcalcError, match=r"more than|larger than"):
            conv_out(**layer)


@given(layer=st.fixed_dictionaries(SMALL), unknown=st.sampled_from(sorted(LEAST)), output=st.integers(1, 12))
@settings(deadline=None, max_examples=50)
def test_finds_all_solutions_or_none(layer: dict[str, int], unknown: str, output: int) -> None:
    known = {name: value for name, value in layer.items() if name != unknown}
    right = [v for v in range(LEAST[unknown], BEYOND) if counted(**known, **{unknown: v}) == output]
    if not right:
        with pytest.raises(DlcalcError):
            conv_out(**known, output=output, solve=unknown)
        return
    solution = conv_out(**known, output=output, solve=unknown)
    (answer,) = solution.principal_answers
    if answer.name == unknown:
        found = answer.computed if isinstance(answer.computed, list) else [answer.computed]
        assert found == right
    else:
        assert answer.name == f"{unknown}_least"
        assert right == list(range(right[0], BEYOND))
        assert answer.computed == right[0]


@given(layer=st.fixed_dictionaries(SMALL))
@settings(deadline=None, max_examples=20)
def test_the_output_gives_every_size_back(layer: dict[str, int]) -> None:
    assume(counted(**layer))
    output = conv_out(**layer)["output"].text
    for unknown in LEAST:
        known = {name: value for name, value in layer.items() if name != unknown}
        (answer,) = conv_out(**known, output=output, solve=unknown).principal_answers
        found = answer.computed if isinstance(answer.computed, list) else [answer.computed]
        assert layer[unknown] in found or answer.name == f"{unknown}_least"


@given(layer=st.fixed_dictionaries({name: SMALL[name] for name in ("input", "kernel", "stride", "dilation")}))
@settings(deadline=None, max_examples=50)
def test_same_pads_no_more_than_it_must(layer: dict[str, int]) -> None:
    solution = conv_out(**layer, padding="same")
    (output,), (before,), (after,) = (answer.computed for answer in solution.answers)
    assert output == -(-layer["input"] // layer["stride"])
    assert after - before in {0, 1}
    assert counted(**layer, padding=before, after=after) == output
    if after:
        assert counted(**layer, padding=before, after=after - 1) < output


LETTERS = dict(zip(SMALL, "abcde", strict=True))
IN_LETTERS = parse(conv_out(**LETTERS)["output"].text)


@given(layer=st.fixed_dictionaries(SMALL))
@settings(deadline=None, max_examples=50)
def test_symbols_stand_for_their_numbers(layer: dict[str, int]) -> None:
    assume(counted(**layer))
    point = {LETTERS[name]: Fraction(value) for name, value in layer.items()}
    assert [PLAIN.value(IN_LETTERS, point)] == conv_out(**layer).value


@given(
    terms=st.lists(st.tuples(st.integers(-4, 4), st.sampled_from(["n", "m", "n*m", ""])), min_size=1, max_size=4),
    divisor=st.integers(1, 5),
    n=st.integers(-6, 6),
    m=st.integers(-6, 6),
)
@settings(deadline=None, max_examples=50)
def test_neat_changes_no_value(terms: list[tuple[int, str]], divisor: int, n: int, m: int) -> None:
    top = parse(" + ".join(f"({c})*{name}" if name else f"({c})" for c, name in terms))
    point = {"n": Fraction(n), "m": Fraction(m)}
    for rounded in (floor, ceil):
        whole = rounded(top / expr(divisor)) * 2 + Sym("n") - 1
        assert PLAIN.value(neat(whole), point) == PLAIN.value(whole, point)


# what a reader is told

TOLD: list[tuple[str, dict[str, Any], str]] = [
    (
        "the rows that are dropped",
        {"input": "32x32", "kernel": 3, "stride": 2, "padding": 0},
        (
            "stride 2 does not divide 32 + 2·0 - 3 = 29 (remainder 1): the last row and column of the "
            "input are dropped; without the floor the formula gives 15.5"
        ),
    ),
    (
        "two entries dropped",
        {"input": 10, "kernel": 3, "stride": 3, "padding": 2},
        (
            "stride 3 does not divide 10 + 2·2 - 3 = 11 (remainder 2): the last 2 entries of the padded "
            "input are dropped; without the floor the formula gives 14/3"
        ),
    ),
    (
        "the axis that drops",
        AXES,
        (
            "height: stride 2 does not divide 32 + 2·1 - 2(3 - 1) - 1 = 29 (remainder 1): the last row "
            "of the padded input is dropped; without the floor the formula gives 15.5"
        ),
    ),
    ("the floor between letters", FORMULA, "where s does not divide n + 2p - f, the floor drops the last entries"),
    (
        "windows too short for 'same'",
        {"input": 6, "kernel": 1, "stride": 4, "padding": "same"},
        "the windows end 1 before the input does: the last entry of the input is dropped",
    ),
    ("each filter", FILTER, "each filter is 7 × 7 × 3: it spans all 3 channels of the input"),
    ("several inputs", INPUTS, "2 values of the input give output 112: the floor drops what the division leaves over"),
    (
        "very many inputs",
        {"output": 2, "kernel": 1, "stride": 100, "solve": "input"},
        "every input from 101 to 200 gives output 2: the floor drops what the division leaves over",
    ),
    (
        "every stride",
        {"input": 9, "kernel": 3, "output": 1, "solve": "stride"},
        "every stride from 7 on gives output 1: there is room for one window only",
    ),
    (
        "every dilation",
        {"input": 10, "kernel": 1, "output": 10, "solve": "dilation"},
        "every dilation from 1 on gives output 10: a window of one entry has no gaps",
    ),
]
READ: list[tuple[str, dict[str, Any], str]] = [
    ("one number", {"input": 32, "kernel": 3}, "input read as one axis, its length"),
    ("two", {"input": "32x28", "kernel": 3}, "input read as height × width; a single number holds on every axis"),
    ("three", VOLUME, "input read as height × width × channels; a single number holds on every axis"),
    (
        "a volume",
        {"input": "9x8x7", "kernel": 3, "dims": "3"},
        "input read as depth × height × width; a single number holds on every axis",
    ),
    ("a vector", {"input": "100x8", "kernel": 5, "dims": "1"}, "input read as length × channels"),
    (
        "a kernel",
        {"input": "9x8", "kernel": "3x3x5"},
        "kernel read as height × width × channels; a single number holds on every axis",
    ),
    ("both sides", FILTER, "input and output read as height × width × channels; a single number holds on every axis"),
    ("same", SAME, "'same' as in TensorFlow: output ⌈input/stride⌉, of an odd padding the extra zero after"),
    ("filters", VOLUME, "one output channel per filter"),
]
ASSUMED: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("all defaults", {"input": 32, "kernel": 3}, ("stride 1, padding 0, dilation 1 (not given)",)),
    ("everything given", {**REMAINDER, "padding": 0, "dilation": 1}, ()),
    ("defaults of a question back", FILTER, ("stride 1, padding 0, dilation 1 (not given)",)),
    (
        "not the one asked",
        {"input": 9, "kernel": 3, "output": 4, "solve": "stride"},
        ("padding 0, dilation 1 (not given)",),
    ),
    ("the window fits", FORMULA, ("dilation 1 (not given)", "f, n, p, s whole numbers", "f ≤ n + 2p")),
    ("it surely fits", {"input": "n", "kernel": 3, "padding": 1, "stride": 1, "dilation": 1}, ("n a whole number",)),
    (
        "a quotient",
        {"input": "n", "kernel": 3, "padding": "q/2", "stride": 1, "dilation": 1},
        ("n, q whole numbers", "q/2 is whole", "3 ≤ n + q"),
    ),
    (
        "a difference",
        {"input": "n-5", "kernel": 1, "stride": 1, "padding": 0, "dilation": 1},
        ("n a whole number", "n - 5 ≥ 1", "1 ≤ n - 5"),
    ),
    (
        "strict",
        {**FORMULA, "strict": True, "dilation": 1},
        ("f, n, p, s whole numbers", "f ≤ n + 2p", "s divides n + 2p - f"),
    ),
]


@pytest.mark.parametrize(("givens", "note"), **table(TOLD))
def test_notes(givens: dict[str, Any], note: str) -> None:
    assert conv_out(**givens).notes == (note,)


@pytest.mark.parametrize("givens", [VOLUME, SAME, {**REMAINDER, "input": 33}], ids=["volume", "same", "divides"])
def test_no_note_where_nothing_is_lost(givens: dict[str, Any]) -> None:
    assert conv_out(**givens).notes == ()


@pytest.mark.parametrize(("givens", "convention"), **table(READ))
def test_conventions(givens: dict[str, Any], convention: str) -> None:
    assert convention in conv_out(**givens).conventions


@pytest.mark.parametrize(("givens", "assumed"), **table(ASSUMED))
def test_assumptions(givens: dict[str, Any], assumed: tuple[str, ...]) -> None:
    assert conv_out(**givens).assumptions == assumed


def test_the_familiar_form_is_derived() -> None:
    assert render(conv_out(**FORMULA), "text", Layout()).split("\n")[:6] == [
        "output = ⌊(n + 2p - f)/s⌋ + 1",
        "note: where s does not divide n + 2p - f, the floor drops the last entries",
        "",
        "  1  (o - 1) s ≤ n + 2p - f    the last of o windows starts at (o − 1)s and ends inside the padded input  ✓",
        "  2  < os                      one step further it would stick out                                        ✓",
        "  3  o = ⌊(n + 2p - f)/s⌋ + 1  the one whole number between these bounds                                  ✓",
    ]


def test_axes_that_are_alike_are_derived_once() -> None:
    assert len(conv_out(input="32x32x32", kernel=3, dims="3").steps) == len(conv_out(input=32, kernel=3).steps)
    assert len(conv_out(input="32x32x16", kernel=3, dims="3").steps) == 2 * len(conv_out(input=32, kernel=3).steps)


# refusals

ERRORS: list[tuple[str, dict[str, Any], str]] = [
    (
        "kernel too large",
        {"input": 6, "kernel": 9, "padding": 1},
        "kernel 9 is larger than the padded input 8 (= 6 + 2·1); use --padding 2 or more",
    ),
    ("without padding", {"input": 6, "kernel": 9}, "kernel 9 is larger than the input 6; use --padding 2 or more"),
    (
        "dilated too far",
        {"input": 6, "kernel": 3, "dilation": 4, "padding": 1},
        (
            "kernel 3 with dilation 4 spans 9 (= 4·(3 − 1) + 1), more than the padded input 8 (= 6 + "
            "2·1); use --padding 2 or more"
        ),
    ),
    (
        "on one axis",
        {"input": "9x6", "kernel": 9},
        "width: kernel 9 is larger than the input 6; use --padding 2 or more",
    ),
    (
        "between letters",
        {"input": "n", "kernel": "n+3"},
        "kernel n + 3 is larger than the input n; use --padding 2 or more",
    ),
    (
        "strict",
        {**REMAINDER, "strict": True},
        "stride 2 does not divide 32 + 2·0 - 3 = 29 (remainder 1); use --input 31 or 33, or leave out --strict",
    ),
    (
        "strict, mended by padding",
        {"input": 10, "kernel": 3, "stride": 3, "strict": True},
        (
            "stride 3 does not divide 10 + 2·0 - 3 = 7 (remainder 1); use --input 9 or 12, or --padding "
            "1, or leave out --strict"
        ),
    ),
    (
        "strict with 'same'",
        {"input": 6, "kernel": 1, "stride": 4, "padding": "same", "strict": True},
        "the windows end 1 before the input does; use --input 5, or leave out --strict",
    ),
    ("strict and solve", {**FILTER, "strict": True}, "--strict has no meaning with --solve; leave out one of them"),
    ("stride 0", {"input": 6, "kernel": 3, "stride": 0}, "stride 0 is less than 1; use 1 or more"),
    ("negative padding", {"input": 6, "kernel": 3, "padding": -1}, "padding -1 is less than 0; use 0 or more"),
    ("half a stride", {"input": 6, "kernel": 3, "stride": "1/2"}, "stride 0.5 is not a whole number; use 0 or 1"),
    ("no input", {"kernel": 3}, "--input is missing; add --input SIZE"),
    (
        "no kernel",
        {"input": "15x15x8", "padding": 2},
        "--kernel is missing; add --kernel SIZE (1 where the input is only padded)",
    ),
    ("unknown padding", {"input": 6, "kernel": 3, "padding": "sam"}, "--padding sam is not known; did you mean same?"),
    (
        "too many numbers",
        {"input": "1x2x3x4x5", "kernel": 1},
        "1x2x3x4x5 has 5 numbers; give at most three axes and the channels",
    ),
    (
        "kernel for two axes",
        {"input": 32, "kernel": "3x5"},
        "kernel 3x5 has 2 numbers, but 32 is one axis; write 32x32 for two axes",
    ),
    (
        "stride for three",
        {"input": "9x9", "kernel": 3, "stride": "1x2x3"},
        "stride 1x2x3 has 3 numbers, but there are 2 spatial axes; give 1 or 2 numbers, or another --dims",
    ),
    (
        "input for a volume",
        {"input": "9x9", "kernel": 3, "dims": "3"},
        "input 9x9 has 2 numbers, but there are 3 spatial axes; give 1 or 3 numbers, or another --dims",
    ),
    (
        "channels contradict",
        {"input": "32x32x32", "kernel": "3x3x3"},
        "--input has 32 channels, --kernel 3; mend one, or add --dims 3 where all three axes are spatial",
    ),
    ("filters contradict", {**FILTER, "out_channels": 8}, "--output has 16 channels, --filters 8; give them once"),
    (
        "output alone",
        {"input": 32, "kernel": 3, "output": 30},
        (
            "--output 30 is given, but nothing to solve for; add --solve "
            "input|kernel|stride|padding|dilation, or hand the output in with --answer"
        ),
    ),
    ("solve alone", {"input": 32, "solve": "kernel"}, "--solve kernel needs the output; add --output SIZE"),
    ("solved and given", {**FILTER, "kernel": 7}, "--solve kernel, but --kernel 7 is given; leave out one of them"),
    (
        "'same' and padding",
        {"input": 9, "kernel": 3, "output": 9, "padding": "same", "solve": "padding"},
        "--solve padding, but --padding same is given; leave out one of them",
    ),
    (
        "'same' and kernel",
        {"input": 9, "output": 9, "padding": "same", "solve": "kernel"},
        "with 'same' padding every kernel gives the same output; give --padding as a number",
    ),
    ("output 0", {"input": 9, "kernel": 3, "output": 0, "solve": "stride"}, "output 0 is less than 1; use 1 or more"),
    (
        "no stride",
        {"input": 30, "kernel": 1, "output": 12, "solve": "stride"},
        "no whole stride gives output 12: stride 2 gives 15, stride 3 gives 10; use --output 15 or 10",
    ),
    (
        "no stride below 1",
        {"input": 10, "kernel": 3, "output": 9, "solve": "stride"},
        "no whole stride gives output 9: stride 1 gives 8 already, and it is the least; use --output 8",
    ),
    (
        "no stride makes it fit",
        {"input": 3, "kernel": 5, "output": 1, "solve": "stride"},
        "kernel 5 is larger than the input 3; use --padding 1 or more",
    ),
    (
        "no padding",
        {"input": 10, "kernel": 3, "output": 9, "solve": "padding"},
        "no whole padding gives output 9: padding 0 gives 8, padding 1 gives 10; use --output 8 or 10",
    ),
    (
        "no less padding",
        {"input": 10, "kernel": 3, "output": 7, "solve": "padding"},
        "no whole padding gives output 7: padding 0 gives 8 already, and it is the least; use --output 8",
    ),
    (
        "no kernel below 1",
        {"input": 10, "output": 12, "solve": "kernel"},
        "no whole kernel gives output 12: kernel 1 gives 10 already, and it is the least; use --output 10",
    ),
    (
        "no input below 1",
        {"kernel": 1, "padding": 3, "output": 2, "solve": "input"},
        "no whole input gives output 2: input 1 gives 7 already, and it is the least; use --output 7",
    ),
    (
        "no dilation",
        {"input": 10, "kernel": 3, "output": 5, "solve": "dilation"},
        "no whole dilation gives output 5: dilation 2 gives 6, dilation 3 gives 4; use --output 6 or 4",
    ),
    (
        "the last dilation",
        {"input": 10, "kernel": 3, "output": 1, "solve": "dilation"},
        "no whole dilation gives output 1: dilation 4 gives 2, dilation 5 does not fit; use --output 2",
    ),
    (
        "dilation without gaps",
        {"input": 10, "kernel": 1, "output": 9, "solve": "dilation"},
        "no whole dilation gives output 9: dilation 1 gives 10, as every dilation does; use --output 10",
    ),
    (
        "on one axis only",
        {"input": "30x20", "kernel": 1, "output": "12x10", "solve": "stride"},
        "height: no whole stride gives output 12: stride 2 gives 15, stride 3 gives 10; use --output 15 or 10",
    ),
    (
        "parity between letters",
        {"input": "2m", "kernel": "2j", "output": "2m", "solve": "padding"},
        "no padding gives output 2m: it would be (2j - 1)/2, which is never whole; use another output, or stride 2",
    ),
    (
        "letters out of reach",
        {"input": "n", "output": "n", "stride": 4, "solve": "kernel"},
        "1 - 3n ≥ 1 holds for no values of the symbols; give numbers for them",
    ),
    (
        "too many letters",
        {"input": "n", "kernel": "k", "stride": 2, "output": "m", "solve": "dilation"},
        "--solve dilation needs numbers here; give numbers for the symbols, or stride 1",
    ),
    (
        "no stride between letters",
        {"input": "n", "kernel": 3, "output": "m", "solve": "stride"},
        "no one stride is known to turn n into m; give numbers for the symbols",
    ),
]


@pytest.mark.parametrize(("givens", "message"), **table(ERRORS))
def test_refuses(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        conv_out(**givens)
    assert str(caught.value) == message


# marking


def judged(givens: dict[str, Any], answer: str) -> Mark:
    (mark,) = marked(conv_out(**givens), [answer]).marks
    return mark


DILATED: dict[str, Any] = {"input": 20, "kernel": 3, "stride": 1, "dilation": 3, "padding": 3}
STRIDED: dict[str, Any] = {"input": 33, "kernel": 4, "stride": 3, "padding": 2}
RIGHT: list[tuple[str, dict[str, Any], str]] = [
    ("a number", {"input": 32, "kernel": 7}, "26"),
    ("worked out", {"input": 32, "kernel": 7}, "(32 - 7)/1 + 1"),
    ("a size", VOLUME, "26 x 26 x 16"),
    ("a tuple", VOLUME, "(26, 26, 16)"),
    ("a list", VOLUME, "[26,26,16]"),
    ("the formula", FORMULA, "floor((n - f + 2p)/s) + 1"),
    ("the floor outside", FORMULA, "⌊(n - f + 2p + s)/s⌋"),
    ("exactly dividing", {**FORMULA, "strict": True}, "(n - f + 2p)/s + 1"),
    ("symbols by axis", {"input": "nxn", "kernel": "f", "out_channels": "K"}, "(n-f+1)x(n-f+1)xK"),
    ("the formula for numbers", {"input": 32, "kernel": 7, "stride": 2, "padding": 3}, "floor((n + 2p - k)/s) + 1"),
    ("the formula for two axes alike", VOLUME, "(n - k + 1) x (n - k + 1) x 16"),
    ("the formula for axes that differ", {"input": "32x28", "kernel": 7}, "(n1 - k + 1) x (n2 - k + 1)"),
    ("the formula back", {**INPUTS, "stride": 1}, "o + k - 2p - 1"),
    ("half of k, rounded", SOLVED_IN_SYMBOLS[0][1], "floor(k/2)"),
    ("all inputs", INPUTS, "223, 224"),
    ("filter", FILTER, "filter_size=7x7x3"),
    ("padding", SAME, "padding_after=2,2"),
]
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "no floor",
        {**FORMULA, "input": "N", "kernel": "F"},
        "(N-F+2p)/s + 1",
        "right only when s divides N + 2p - F; otherwise take the floor",
    ),
    ("no floor in numbers", REMAINDER, "15.5", "right only when 2 divides 32 + 2·0 - 3; otherwise take the floor"),
    ("no + 1", FORMULA, "floor((n + 2p - f)/s)", "the + 1 is missing"),
    ("no + 1 in numbers", VOLUME, "25x25x16", "the + 1 is missing"),
    ("rounded up", REMAINDER, "16", "rounded up"),
    ("padding once", FORMULA, "floor((n + p - f)/s) + 1", "the padding counts at both ends: 2p, not p"),
    ("no padding", STRIDED, "10", "the padding is missing"),
    ("no dilation", DILATED, "24", "a dilated window spans d(k − 1) + 1 entries, not k"),
    ("dilation by k", DILATED, "18", "a dilated window spans d(k − 1) + 1 entries, not dk"),
    ("no stride", STRIDED, "34", "the stride is missing"),
    ("stride for a part", FORMULA, "floor((n + 2p)/s) - f + 1", "the stride divides all of n + 2p - f, the kernel too"),
    ("same instead", {"input": 31, "kernel": 9, "stride": 2}, "16", "that is the output with 'same' padding"),
    (
        "no channels",
        VOLUME,
        "26x26",
        "the channels of the output are missing: one per filter; it is a list of 2, but output is a list of 3",
    ),
    ("channels of the input", VOLUME, "26x26x3", "the output has one channel per filter, not those of the input"),
    (
        "channels nobody gave",
        {"input": "32x32x3", "kernel": 7},
        "26x26x3",
        "the output has one channel per filter, not those of the input",
    ),
    ("same rounded down", {**SAME, "input": 29}, "14", "rounded down, but 'same' rounds up"),
    ("same unrounded", {**SAME, "input": 29}, "14.5", "right only when 2 divides 29; 'same' rounds up"),
    ("same without stride", SAME, "28x28", "the stride is missing"),
    ("same taken for valid", SAME, "12x12", "that is the output without padding ('valid')"),
    ("before and after", SAME, "padding_before=2,2", "of an odd padding the extra zero comes after the input"),
    ("both ends together", SOLVED_IN_SYMBOLS[0][1], "k - 1", "that is both ends together; half of it at each end"),
    (
        "padding by o",
        {"input": 10, "kernel": 5, "output": 10, "stride": 1, "solve": "padding"},
        "2.5",
        "o windows take o − 1 moves, not o",
    ),
    ("kernel by o", FILTER, "6", "o windows take o − 1 moves, not o"),
    ("kernel, padding missing", {**FILTER, "padding": 1}, "7", "the padding is missing"),
    ("kernel, padding once", {**FILTER, "padding": 3}, "10", "the padding counts at both ends: 2p, not p"),
    (
        "span for a kernel",
        {"input": 7, "output": 3, "dilation": 2, "solve": "kernel"},
        "5",
        "that is what the dilated window spans, d(k − 1) + 1",
    ),
    ("input by o", {**INPUTS, "stride": 1, "padding": 0}, "115", "o windows take o − 1 moves, not o"),
    (
        "input, padding missing",
        {**INPUTS, "stride": 1, "padding": 2},
        "114",
        "the padding is missing: it is not part of the input",
    ),
    ("input, padding once", {**INPUTS, "stride": 1, "padding": 2}, "112", "the padding counts at both ends: 2p, not p"),
    (
        "stride by o",
        {"input": 13, "kernel": 1, "output": 4, "solve": "stride"},
        "3",
        "o windows take o − 1 moves, not o",
    ),
    (
        "stride without kernel",
        {"input": 16, "kernel": 7, "output": 4, "solve": "stride"},
        "4",
        "the kernel counts too: the window moves n + 2p − k",
    ),
    ("one of several", INPUTS, "224", "that is one of the solutions; all are 223,224"),
    (
        "span for a dilation",
        {"input": 7, "kernel": 3, "output": 3, "solve": "dilation"},
        "5",
        "that is what the window spans, d(k − 1) + 1",
    ),
    (
        "gaps counted as k",
        {"input": 10, "kernel": 2, "output": 6, "solve": "dilation"},
        "2",
        "a kernel of k has k − 1 gaps",
    ),
    (
        "filter without depth",
        FILTER,
        "filter_size=7x7",
        "a filter spans all channels of the input, so it has their depth too",
    ),
    (
        "filter as deep as the output",
        FILTER,
        "filter_size=7x7x16",
        "the depth of a filter is that of the input, not the number of filters",
    ),
]


@pytest.mark.parametrize(("givens", "answer"), **table(RIGHT))
def test_accepts(givens: dict[str, Any], answer: str) -> None:
    assert judged(givens, answer).correct is True


@pytest.mark.parametrize(("givens", "answer", "because"), **table(WRONG))
def test_explains_what_is_wrong(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = judged(givens, answer)
    assert mark.correct is False
    assert mark.because.startswith(because)


def test_a_slip_names_the_line_where_it_departs() -> None:
    assert "(departs at step 3: the one whole number between these bounds)" in judged(FORMULA, "(n-f+2p)/s + 1").because


# the command


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("-i", "32x32x3", "-k", "7", "--filters", "16"), "26x26x16"),
        (("-i", "32", "-k", "7"), "26"),
        (("-i", "n", "-k", "f", "-p", "p", "-s", "s"), "floor((n + 2*p - f)/s) + 1"),
        (("--output", "112", "-k", "3", "-s", "2", "-p", "1", "--solve", "input"), "223,224"),
        (("-i", "32x32x3", "--output", "26x26x16", "--solve", "kernel", "--get", "filters"), "16"),
    ],
    ids=["volume", "one axis", "symbols", "inputs", "filters"],
)
def test_prints_the_bare_answer(dlcalc: Callable[..., Run], arguments: tuple[str, ...], printed: str) -> None:
    done = dlcalc("conv-out", *arguments, "-q")
    assert (done.stdout, done.stderr, done.returncode) == (printed + "\n", "", 0)


def test_a_formula_handed_in_for_numbers_is_correct(dlcalc: Callable[..., Run]) -> None:
    answer = ("--answer", "floor((n + 2p - k)/s) + 1")
    done = dlcalc("conv-out", "-i", "32", "-k", "7", "-s", "2", "-p", "3", *answer)
    assert done.returncode == 0
    assert "correct" in done.stdout
