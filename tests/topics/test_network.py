"""Whole networks: published numbers, a real forward pass, laws, symbols, solving, errors, tables, files."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, conv_params, marked, network
from dlcalc.networks import zoo
from dlcalc.networks.language import build, read
from dlcalc.networks.trace import Trace
from dlcalc.networks.walk import walk
from dlcalc.render import Layout, render
from dlcalc.topics import network as package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Run

    from dlcalc import Solution
    from dlcalc.solution import Computed

FIRST: dict[str, Any] = {"input": "32x32x3", "stack": "conv 16 7x7, relu, pool 2, conv 32 3x3, relu, flatten, fc 10"}

PUBLISHED = [
    ("alexnet", 61_100_840, 714_188_480),
    ("vgg11", 132_863_336, 7_609_090_048),
    ("vgg16", 138_357_544, 15_470_264_320),
    ("resnet18", 11_689_512, 1_814_073_344),
    ("resnet34", 21_797_672, 3_663_761_408),
    ("resnet50", 25_557_032, 4_089_184_256),
    ("mobilenetv1", 4_231_976, 568_740_352),
    ("mobilenetv2", 3_504_872, 300_774_272),
    ("lenet5", 60_000, None),
    ("lenet5-modern", 61_706, 416_520),
    ("unet", 31_030_658, None),
]
"""torchvision's models at 224², without biases and norms among the products; LeNet-5 and U-Net from their papers."""


def value(solution: Solution, name: str) -> Computed:
    return solution[name].computed


def rows(solution: Solution) -> list[dict[str, Any]]:
    return list(solution.tables[0].records())


@pytest.mark.parametrize(("name", "parameters", "macs"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_the_zoo_has_the_published_numbers(name: str, parameters: int, macs: int | None) -> None:
    found = network(zoo=name)
    assert found.value == parameters
    assert macs is None or value(found, "macs") == macs
    assert value(found, "flops") == 2 * value(found, "macs")


def test_lenet5_layer_by_layer() -> None:
    """LeCun and others (1998), section II.B."""
    named = {row["name"]: row["parameters"] for row in rows(network(zoo="lenet5")) if row["name"]}
    assert named == {"C1": 156, "S2": 12, "C3": 1516, "S4": 32, "C5": 48_120, "F6": 10_164, "OUTPUT": 0}
    assert value(network(zoo="lenet5"), "fixed") == 840


FIELDS = [
    ("alexnet", 195, 32, {"conv1": 11, "pool1": 19, "conv2": 51, "conv3": 99, "conv4": 131, "conv5": 163}),
    ("vgg16", 212, 32, {"pool1": 6, "pool2": 16, "pool3": 44, "pool4": 100}),
    ("mobilenetv1", 315, 32, {}),
    ("resnet50-slim", 483, 32, {}),
    ("resnet50", 427, 32, {}),
]


@pytest.mark.parametrize(("name", "size", "jump", "named"), FIELDS, ids=[row[0] for row in FIELDS])
def test_receptive_fields(name: str, size: int, jump: int, named: dict[str, int]) -> None:
    """Araujo, Norris and Sim (2019)."""
    found = network(zoo=name)
    assert (value(found, "receptive_field"), value(found, "jump")) == (size, jump)
    fields = {row["name"]: row["field"] for row in rows(found)}
    assert {layer: fields[layer] for layer in named} == named


EXAMS = [
    ("MIT 6.036 S19", "4x1", "conv 1 3x1 p1, pool 2x1, fc 1", [[4, 1], [2, 1], [2, 1]], None),
    ("Keras on the channels", "224x224x3", "conv 32 3, conv 64 3, conv 128 3, fc 10",
     [[222, 222, 32], [220, 220, 64], [218, 218, 128], [218, 218, 10]], [896, 18_496, 73_856, 1290]),
    ("VGG's first fully connected layer", "7x7x512", "flatten, fc 4096 no-bias", [[25_088], [4096]], [0, 102_760_448]),
    ("three 3 × 3", "32x32x3", "conv 3 3 no-bias, conv 3 3 no-bias, conv 3 3 no-bias",
     [[30, 30, 3], [28, 28, 3], [26, 26, 3]], [81, 81, 81]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "stack", "shapes", "parameters"), [row[1:] for row in EXAMS], ids=[row[0] for row in EXAMS]
)
def test_exam_stacks(size: str, stack: str, shapes: list[list[int]], parameters: list[int] | None) -> None:
    found = rows(network(input=size, stack=stack))
    assert [row["output"] for row in found] == shapes
    assert parameters is None or [row["parameters"] for row in found] == parameters


def test_alexnet_as_one_tower() -> None:
    """Prince, Understanding Deep Learning, problem 10.16: every convolution in one tower, with biases."""
    stack = (
        "conv 96 11 s4, max-pool 3 s2, conv 256 5 p2, max-pool 3 s2, conv 384 3 p1, conv 384 3 p1, conv 256 3 p1,"
        "max-pool 3 s2, flatten, fc 4096, fc 4096, fc 1000"
    )
    found = network(input="227x227x3", stack=stack)
    assert found.value == 62_378_344
    assert [row["field"] for row in rows(found)][:5:2] == [11, 51, 99]


STACKS = [
    ("example", "32x32x3", FIRST["stack"]),
    (
        "every window",
        "13x11x4",
        "conv 6 3x5 s2x1 p1x2 g2, depthwise 3 m2 same, pool 3 s2 p1 ceil, pad 1:2, crop 1, upsample 2",
    ),
    ("separable", "9x9x3", "separable 5 3 p1, prelu channels, avg-pool 2, dropout 0.5"),
    ("dilated, same", "12x12x3", "conv 4 3 d2 same, conv 4 3 s2 same, pool 2 valid"),
    ("transposed", "5x6x4", "conv-transpose 6 3 s2 p1 op1 g2, conv-transpose 3 4 s2 same, conv-transpose 2 2 s3 d2"),
    ("norms", "6x6x8", "norm batch, norm layer, norm group 4, instance-norm, rms-norm, bn no-affine"),
    ("residuals", "8x8x4", "residual { conv 4 3 p1, bn, relu }, residual { conv 8 3 s2 p1 | conv 8 1 s2 no-bias }"),
    ("parallel", "8x8x4", "parallel { conv 2 1 | conv 3 3 p1 | max-pool 3 s1 p1 }, parallel add { | conv 9 1 }"),
    ("shared", "8x8x4", "a: conv 4 3 p1, repeat 3 shared { conv 4 3 p1, bn }, reuse a"),
    ("sequence", "7", "embedding 50 8, positions, lstm 6, gru 5 bidirectional, rnn 4 last biases=1, fc 3"),
    ("attention", "7x8", "attention 2, attention 4 no-bias, attention heads=2 d-k=3 d-v=5, global-pool"),
    ("reshape", "12", "fc 48, reshape 4x4x3, conv-transpose 2 2 s2, flatten"),
    ("LeNet-5", "32x32x1", zoo.text("lenet5")),
    ("three axes", "6x6x6x2", "conv 3 3 p1, pool 2, global-max-pool"),
    ("one axis", "20x3", "conv 8 5 s2, max-pool 2, flatten, fc 2"),
]


@pytest.mark.parametrize("filled", [True, False], ids=["multiplied", "laid out"])
@pytest.mark.parametrize(("size", "stack"), [row[1:] for row in STACKS], ids=[row[0] for row in STACKS])
def test_a_forward_pass_makes_what_the_walk_says(size: str, stack: str, *, filled: bool) -> None:
    shape = tuple(map(int, size.split("x")))
    graph = build(read(stack), shape)
    traced = Trace(graph, filled=filled).run()
    for row, made in zip(walk(graph).rows, traced, strict=True):
        assert made == (row.output, row.weights, row.biases, row.fixed, row.macs), row.node.text


@pytest.mark.parametrize(("size", "stack"), [row[1:] for row in STACKS], ids=[row[0] for row in STACKS])
def test_every_line_is_checked(size: str, stack: str) -> None:
    found = network(input=size, stack=stack)
    assert found.holds
    assert found.steps
    assert found.checks


@pytest.mark.parametrize("name", zoo.names())
def test_the_whole_zoo_is_checked(name: str) -> None:
    found = network(zoo=name)
    assert found.holds
    assert {check.claim.split(",")[0] for check in found.checks} <= {"parameters", "receptive_field"}


def test_a_wrong_row_is_seen_by_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that cannot fail checks nothing."""
    from dlcalc.networks.windows import Conv, Window

    monkeypatch.setattr(Conv, "sizes", lambda _, shape: (tuple(n + 1 for n in shape[:-1]), ()))
    assert not network(**FIRST).holds
    monkeypatch.undo()
    monkeypatch.setattr(Window, "seen", lambda _self, field, *_: field and tuple(f._replace(advance=2) for f in field))
    assert not network(**FIRST).holds


# laws


@settings(max_examples=25)
@given(
    st.tuples(*(st.integers(low, high) for low, high in ((1, 6), (1, 5), (1, 3), (0, 2), (1, 3)))), st.integers(8, 14)
)
def test_one_convolution_is_conv_params(layer: tuple[int, ...], n: int) -> None:
    c, k, s, p, m = layer
    found = network(input=f"{n}x{n}x{c}", stack=f"conv {m} {k} s{s} p{p}")
    assert found.value == conv_params(in_channels=c, kernel=k, filters=m).value
    out = (n + 2 * p - k) // s + 1
    assert value(found, "output") == [out, out, m]
    assert value(found, "macs") == out * out * k * k * c * m


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=4))
def test_receptive_fields_follow_the_recursion(layers: list[tuple[int, int]]) -> None:
    size, jump = 1, 1
    for k, s in layers:
        size, jump = size + (k - 1) * jump, jump * s
    found = network(input="400x1", stack=", ".join(f"conv 1 {k} s{s}" for k, s in layers))
    if (size, jump) != (1, 1):
        assert (value(found, "receptive_field"), value(found, "jump")) == (size, jump)


@settings(max_examples=15)
@given(st.integers(1, 30))
def test_a_repeat_is_the_layers_written_out(n: int) -> None:
    body = "conv 4 3 p1, relu"
    repeated = network(input="8x8x4", stack=f"repeat {n} {{ {body} }}")
    assert [a.text for a in repeated.answers] == [
        a.text for a in network(input="8x8x4", stack=", ".join([body] * n)).answers
    ]


# symbols


SYMBOLIC = [
    (
        "widths",
        "nxnxC",
        "conv m k, relu, fc 10",
        {"parameters": "k^2*C*m + 11*m + 10", "output": "(n - k + 1)x(n - k + 1)x10"},
    ),
    ("three by three", "nxnxC", "repeat 3 { conv C 3 no-bias }", {"parameters": "27*C^2", "receptive_field": "7"}),
    (
        "L layers",
        "nxnxC",
        "repeat L { conv C k p(k-1)/2 }",
        {"receptive_field": "L*(k - 1) + 1", "parameters": "k^2*C^2*L + C*L"},
    ),
    ("halving", "nxnx3", "pool 2, pool 2", {"output": "floor(n/4)xfloor(n/4)x3", "receptive_field": "4"}),
    ("landmarks", "64", "fc 2N", {"output": "(2*N)"}),
    ("shared rounds", "TxD", "repeat L shared { residual { attention h } }", {"parameters": "4*D^2 + 4*D"}),
]


@pytest.mark.parametrize(("size", "stack", "expected"), [row[1:] for row in SYMBOLIC], ids=[row[0] for row in SYMBOLIC])
def test_symbols(size: str, stack: str, expected: dict[str, str]) -> None:
    found = network(input=size, stack=stack)
    texts = {name: found[name].text for name in expected}
    if texts["output" if "output" in expected else next(iter(expected))] != next(iter(expected.values())):
        assert {k: v.strip("()") for k, v in texts.items()} == {k: v.strip("()") for k, v in expected.items()}
    assert found.holds


# solving


SOLVED = [
    ("kernel", "32x32x3", "conv 16 k", "26x26x16", "k", 7),
    ("stride", "227x227x3", "conv 96 11 s=s", "55x55x96", "s", 4),
    ("padding", "32x32x3", "conv 16 5 p=p", "32x32x16", "p", 2),
    ("input", "nxnx3", "conv 8 3 p1, conv 8 3", "5000x5000x8", "n", 5002),
    ("channels", "8x8x3", "parallel { conv m 1 | conv 8 1 }", "8x8x20", "m", 12),
]


@pytest.mark.parametrize(
    ("size", "stack", "output", "unknown", "expected"), [r[1:] for r in SOLVED], ids=[r[0] for r in SOLVED]
)
def test_solving(size: str, stack: str, output: str, unknown: str, expected: int | None) -> None:
    found = network(input=size, stack=stack, output=output, unknown=unknown)
    assert expected is None or found.value == expected
    assert found.holds


def test_a_number_that_the_output_does_not_say_is_refused() -> None:
    with pytest.raises(DlcalcError, match=r"every m from 1 to 2,048 gives 5"):
        network(input="8x8x3", stack="conv m 3, flatten, fc 5", output="5", unknown="m")


def test_a_long_range_of_solutions_is_told_by_its_ends() -> None:
    found = network(input="300x300x3", stack="conv 4 k s100", output="1x1x4", unknown="k")
    assert [(answer.name, answer.computed) for answer in found.principal_answers] == [("k_least", 201), ("k_most", 300)]
    assert found.holds


def test_several_solutions_are_all_told() -> None:
    assert network(input="32x32x3", stack="conv 16 k, pool 2", output="13x13x16", unknown="k").value == [6, 7]


@pytest.mark.parametrize(
    ("spaced", "glued"),
    [
        ("conv 16 3 s 2 p 1", "conv 16 3 s2 p1"),
        ("conv 16 3 p same d 2", "conv 16 3 p=same d2"),
        ("conv C k s s p p", "conv C k s=s p=p"),
        ("pool 3 s 2", "pool 3 s2"),
        ("depthwise 3 s (1 + 1) m 2", "depthwise 3 s2 m2"),
    ],
)
def test_a_letter_names_the_number_behind_it(spaced: str, glued: str) -> None:
    """A stride that is written `s 2` is no symbol s with a padding of 2 behind it."""
    one, other = (network(input="32x32x3", stack=text) for text in (spaced, glued))
    assert [answer.text for answer in one.answers] == [answer.text for answer in other.answers]


# errors


ERRORS = [
    ("too small", "4x4x3", "pool 2, pool 2, relu, pool 2", "layer 4 'pool 2': its input is 1×1×3", "^"),
    ("unknown layer", "4x4x3", "conv 3 1, relx", "relx is no layer; did you mean relu?", "^"),
    ("channels", "8x8x3", "conv 4 3 g2", "groups 2 does not divide its 3 input channels", "use 2 or 4"),
    ("residual", "8x8x4", "residual { conv 8 3 s2 p1 }", "the block gives 4×4×8, but the shortcut 8×8×4",
     "residual { … | conv 8 1 s2 }"),
    ("residual beyond mending", "8x8x4", "residual { conv 4 3 }", "the block gives 6×6×4", "pad inside the block"),
    ("concat", "8x8x4", "parallel { conv 4 3 | conv 4 1 }", "its branches give 6×6×4 and 8×8×4", "padding"),
    ("no channels", "28x28", "conv 6 5x5", "its window has 2 axes", "28x28x1"),
    ("a vector", "784", "conv 6 5", "its input is 784, a vector", "28x28x1"),
    ("not a sequence", "8x8x3", "lstm 5", "reads a sequence", "embedding"),
    ("padding of pooling", "8x8x3", "pool 3 p2", "more than half of its window 3", "use padding 1"),
    ("a letter or a name", "8x8x3", "conv 16 k 2", "k 2 is a kernel of 2, or a kernel k and", "write k=2, or k s=2"),
    ("never closed", "8x8x3", "repeat 3 { relu", "{ is never closed", "add }"),
    ("unknown option", "8x8x3", "conv 6 5 strid=2", "conv has no strid; did you mean stride?", "^"),
    ("twice", "8x8x3", "conv 6 5 s2 stride=2", "conv has stride twice", "once"),
    ("not whole", "8x8x3", "conv 6.5 5", "channels 6.5 is not a whole number", "use 6 or 7"),
    ("zero", "8x8x3", "conv 0 5", "channels 0 is less than 1", "use 1 or more"),
    ("missing", "8x8x3", "conv", "conv needs its channels", "write conv CHANNELS KERNEL"),
    ("no place", "8x8x3", "relu 3", "relu has no place for 3", "write relu"),
    ("glued", "8x8x3", "conv3-64", "conv3-64 is no layer", "write conv"),
    ("no comma", "8x8x3", "residual { relu } relu", "two layers without anything between them", "comma"),
    ("no comma, and a number", "8x8x3", "conv 4 3 pool 2", "two layers without anything between", "comma before pool"),
    ("no comma, and no number", "8x8x3", "fc 4 relu", "two layers without anything between", "comma before relu"),
    ("a layer mistyped among arguments", "8x8x3", "conv 4 3 pol 2", "pol is no argument", "did you mean pool?"),
    ("no comma, and a block", "8x8x3", "conv 4 3 repeat 2 { relu }", "two layers without anything", "before repeat"),
    ("empty", "8x8x3", " , ", "the stack is empty", "at least one layer"),
    ("label", "8x8x3", "reuse a", "there is no layer labelled a", "a:"),
    ("shares other weights", "8x8x3", "a: conv 4 3 p1, reuse a", "it shares weights, but needs 144 where", "channels"),
    ("too many", "8x8x3", "repeat 10000000 { relu }", "more than 1,000,000 layers", "less often"),
    ("output padding", "8x8x3", "conv-transpose 3 2 s2 op2", "its output padding 2 is not smaller than", "stride"),
    ("reshape", "8", "reshape 3x3", "has 8 entries, but 3×3 has 9", "as many"),
    ("round", "8x8x3", "repeat L { conv 4 3 }", "a round turns 8×8×3 into 6×6×4", "number of rounds"),
    ("bracket", "8x8x3", "conv (3 5", "( is never closed", "add )"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "stack", "condition", "fix"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
def test_errors(size: str, stack: str, condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        network(input=size, stack=stack)
    assert condition in str(caught.value)
    assert fix in str(caught.value)


GIVENS: list[tuple[dict[str, Any], str]] = [
    ({}, "no network is given"),
    ({"input": "3x3x3"}, "no network is given"),
    ({"stack": "relu"}, "what flows into the network is not given"),
    ({"stack": "relu", "zoo": "vgg16"}, "the network is given twice"),
    ({"zoo": "vgg19"}, "is not in the zoo"),
    ({"file": "nowhere.net"}, "cannot be read"),
    ({**FIRST, "output": "5"}, "--output without --unknown"),
    ({**FIRST, "unknown": "k"}, "needs what shall flow out"),
    ({**FIRST, "unknown": "k", "output": 10}, "there is no k in the network"),
    ({**FIRST, "unknown": "2k", "output": 10}, "is no symbol"),
    ({"input": "nxnx3", "stack": "conv k 3", "unknown": "k", "output": "3x3x3"}, "besides k there is n"),
    ({"input": "9x9x3", "stack": "conv 4 k", "unknown": "k", "output": "3x3x5"}, "no k gives output 3×3×5"),
    ({"input": "9x9x3", "stack": "fc params"}, "params is the name of a result here"),
]


@pytest.mark.parametrize(("givens", "condition"), GIVENS, ids=[row[1] for row in GIVENS])
def test_impossible_givens(givens: dict[str, Any], condition: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        network(**givens)
    assert condition in str(caught.value)


# marking


def test_marking() -> None:
    found = network(**FIRST)
    texts = ["45738", "45680", "output=10", "flops=2186240", "macs=2186240", "45,738"]
    marks = marked(found, texts).marks
    assert [mark.correct for mark in marks] == [True, False, True, False, True, True]
    assert "biases are missing" in marks[1].because
    assert "two operations" in marks[3].because
    assert marked(network(input="nxnxC", stack="conv m k"), ["m(k^2 C + 1)"]).marks[0].correct


# tables


def test_the_table_in_every_format() -> None:
    found = network(**FIRST)
    listed = json.loads(render(found, "json", Layout(steps=False)))["answers"]
    records = next(answer["value"] for answer in listed if answer["name"] == "layers")
    assert records[0] == {
        "index": 1, "name": "", "layer": "conv 16 7x7", "output": [26, 26, 16], "parameters": 2368, "weights": 2352,
        "biases": 16, "fixed": 0, "macs": 1_589_952, "flops": 3_179_904, "activations": 10_816, "memory": 43_264,
        "field": 7, "jump": 1, "start": 3,
    }  # fmt: skip
    written = list(csv.DictReader(io.StringIO(render(found, "csv", Layout()))))
    assert [row["output"] for row in written] == [
        "26x26x16",
        "26x26x16",
        "13x13x16",
        "11x11x32",
        "11x11x32",
        "3872",
        "10",
    ]
    assert sum(int(row["parameters"]) for row in written) == found.value
    markdown = render(found, "markdown", Layout(steps=False))
    assert "| 7 |  | fc 10 | 10 | 38730 |" in markdown
    assert r"\begin{tabular}" in render(found, "latex", Layout(steps=False))
    assert render(found, "quiet", Layout(get=("layers",))) == render(found, "csv", Layout())
    assert render(conv_params(in_channels=1, kernel=1, filters=1), "csv", Layout(steps=False)).startswith(
        "name,value\nparameters,2"
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_the_screen(width: int) -> None:
    lines = render(network(zoo="alexnet"), "text", Layout(steps=False, width=width)).split("\n")
    table = lines[next(i for i, line in enumerate(lines) if "index" in line) :][:24]
    assert max(map(len, table)) <= width
    assert any("█" in line and line.endswith("61.8%") for line in table)


def test_totals_are_the_sums_of_the_table() -> None:
    found = network(zoo="mobilenetv2")
    for what in ("parameters", "weights", "biases", "fixed", "macs", "flops", "activations", "memory"):
        assert sum(row[what] for row in rows(found)) == value(found, what)


# size


def test_a_hundred_thousand_layers_are_answered(tmp_path: Path) -> None:
    path = tmp_path / "deep.net"
    path.write_text("input 8x8x4\n" + "conv 4 3 p1\n" * 100_000)
    found = network(file=path)
    assert found.value == 100_000 * (3 * 3 * 4 * 4 + 4)
    assert value(found, "receptive_field") == 200_001
    assert found.steps == ()


def test_the_walk_looks_at_every_layer_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the layers, twice the calls: time is linear."""
    from dlcalc.networks.windows import Conv

    calls = []
    original = Conv.seen
    monkeypatch.setattr(Conv, "seen", lambda self, *rest: calls.append(1) or original(self, *rest))
    counts = []
    for layers in (100, 200):
        calls.clear()
        walk(build(read(f"repeat {layers} {{ conv 4 3 p1 }}"), (8, 8, 4)))
        counts.append(len(calls))
    assert counts == [100, 200]


# the command


def test_the_command_takes_the_input_and_the_stack(dlcalc: Callable[..., Run]) -> None:
    assert dlcalc("network", "32x32x3", FIRST["stack"], "-q").stdout == "45738\n"
    assert dlcalc("network", "--zoo", "vgg16", "-q").stdout == "138357544\n"
    assert dlcalc("network", "384x384x3", "--zoo", "resnet18", "--get", "output", "-q").stdout == "1000\n"
    asked = dlcalc("network", "32x32x3", "conv 16 7x7, poool 2")
    assert asked.returncode == 2
    assert asked.stderr.startswith(
        "given: network '32x32x3' 'conv 16 7x7, poool 2'\nerror: poool is no layer; did you mean pool?"
    )
    assert asked.stderr.rstrip().endswith("^")


def test_no_given_of_the_package_is_lost() -> None:
    assert package.network is network
