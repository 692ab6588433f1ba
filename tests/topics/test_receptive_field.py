"""Receptive fields: published numbers, formulas, every line traced, the language of stacks, refusals, marking."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Solution, marked, network, receptive_field
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Entry
from dlcalc.numeric import check_step, sample
from dlcalc.topics.receptive_field.reading import Repeated, Windows, read_stack

ALEXNET = (
    "conv 64 11x11 s4 valid, pool 3 s2, conv 192 5x5 same, pool 3 s2, conv 384 3x3 same, conv 384 3x3 same, "
    "conv 256 3x3 same, pool 3 s2"
)
VGG = "".join(f"repeat {n} {{ conv 3x3 same, relu }}, pool 2, " for n in (2, 2, 3, 3, 3))
MOBILENET = "conv 32 3x3 s2, " + ", ".join(
    f"depthwise 3x3 s{stride}, conv 1x1" for stride in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
)
UNIT = "conv 1x1, conv 3x3 s{} p1, conv 1x1, "
RESNET = "conv 7x7 s2 p3, pool 3 s2 p1, " + "".join(
    UNIT.format(1) * (units - 1) + UNIT.format(last) for units, last in ((3, 2), (4, 2), (6, 2), (3, 1))
)
RESNET_FIRST = "conv 7x7 s2 p3, pool 3 s2 p1, " + "".join(
    UNIT.format(first) + UNIT.format(1) * (units - 1) for units, first in ((3, 1), (4, 2), (6, 2), (3, 2))
)
"""With the stride in the first unit of a block, on the 3x3."""

PUBLISHED: list[tuple[str, str, tuple[int, int]]] = [
    ("CS231n: three of 3x3", "conv 3x3, conv 3x3, conv 3x3", (7, 1)),
    ("alexnet_v2", ALEXNET, (195, 32)),
    ("vgg_16", VGG, (212, 32)),
    ("mobilenet_v1", MOBILENET, (315, 32)),
    ("resnet_v1_50", RESNET, (483, 32)),
    ("resnet50, stride in the first unit", RESNET_FIRST, (427, 32)),
]
ANSWERS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "ResNet's first layers",
        {"layers": "conv 7 s2 p3, pool 3 s2 p1", "input": 224},
        {
            "receptive_field": "11", "stride": "4", "start": "0", "padding": "5", "output": "56",
            "receptive_fields": "7,11", "strides": "2,4", "starts": "0,0",
        },
    ),
    (
        "one layer has no list",
        {"layers": "conv 5 d2"},
        {"receptive_field": "9", "stride": "1", "start": "4", "padding": "0"},
    ),
    (
        "per axis",
        {"layers": "conv 3x5, pool 2, conv 3 d2"},
        {
            "receptive_field": "12x14", "stride": "2x2", "start": "5.5,6.5", "padding": "0,0",
            "receptive_fields": "3,4,12;5,6,14", "strides": "1,2,2;1,2,2", "starts": "1,1.5,5.5;2,2.5,6.5",
        },
    ),
    (
        "L layers",
        {"layers": "repeat L { conv k }"},
        {"receptive_field": "L*(k - 1) + 1", "stride": "1", "start": "L*(k - 1)/2", "padding": "0"},
    ),
    (
        "L layers that halve",
        {"layers": "repeat L { conv 3 p1, pool 2 }"},
        {"receptive_field": "3*2^L - 2", "stride": "2^L", "start": "(2^L - 1)/2", "padding": "2^L - 1"},
    ),
    (
        "L strided layers",
        {"layers": "repeat L { conv k s=s }"},
        {
            "receptive_field": "(k - 1)*((s^L - 1)/(s - 1)) + 1", "stride": "s^L",
            "start": "(k - 1)*((s^L - 1)/(s - 1))/2", "padding": "0",
        },
    ),
    (
        "half padding keeps the start",
        {"layers": "repeat L { conv k p(k-1)/2 }"},
        {"receptive_field": "L*(k - 1) + 1", "stride": "1", "start": "0", "padding": "L*((k - 1)/2)"},
    ),
    (
        "'same' with a stride, without a size",
        {"layers": "conv 7 s2 same, conv 3 same"},
        {"receptive_field": "11", "stride": "2", "receptive_fields": "7,11", "strides": "2,2"},
    ),
    (
        "'same' with a stride and a size",
        {"layers": "conv 7 s2 same", "input": 224},
        {"receptive_field": "7", "stride": "2", "start": "1", "padding": "2", "output": "112"},
    ),
    (
        "sizes that differ",
        {"layers": "conv 3 s2", "input": "32x20"},
        {"receptive_field": "3", "stride": "2", "start": "1", "padding": "0", "output": "15x9"},
    ),
    (
        "ceil",
        {"layers": "pool 3 s2 ceil", "input": 32},
        {"receptive_field": "3", "stride": "2", "start": "1", "padding": "0", "output": "16"},
    ),
]  # fmt: skip
WORKED = [(name, {"layers": text}) for name, text, _ in PUBLISHED] + [(name, givens) for name, givens, _ in ANSWERS]


def table(rows: list[Any]) -> dict[str, Any]:
    return {"argvalues": [row[1:] for row in rows], "ids": [row[0] for row in rows]}


@pytest.mark.parametrize(("text", "expected"), **table(PUBLISHED))
def test_published_fields_and_strides(text: str, expected: tuple[int, int]) -> None:
    solution = receptive_field(layers=text)
    assert (solution.value, solution["stride"].computed) == expected


def test_alexnet_layer_by_layer() -> None:
    assert receptive_field(layers=ALEXNET)["receptive_fields"].computed == [11, 19, 51, 67, 99, 131, 163, 195]


def test_vgg_after_every_pool() -> None:
    fields = receptive_field(layers=VGG)["receptive_fields"].computed
    assert isinstance(fields, list)
    assert [fields[at] for at in (2, 5, 9, 13, 17)] == [6, 16, 44, 100, 212]


def test_understanding_deep_learning_10_17() -> None:
    fields = receptive_field(layers="conv 11x11 s4, pool 3 s2, conv 5x5, pool 3 s2, conv 3x3")[
        "receptive_fields"
    ].computed
    assert isinstance(fields, list)
    assert fields[::2] == [11, 51, 99]


@pytest.mark.parametrize(("givens", "expected"), **table(ANSWERS))
def test_answers(givens: dict[str, Any], expected: dict[str, str]) -> None:
    assert {answer.name: answer.text for answer in receptive_field(**givens).answers} == expected


@pytest.mark.parametrize(("name", "givens"), WORKED, ids=[row[0] for row in WORKED])
def test_every_line_holds_and_an_output_was_traced(name: str, givens: dict[str, Any]) -> None:
    solution = receptive_field(**givens)
    assert len(solution.steps) > 2, name
    assert all(step.check is not None and step.check.points > 0 for step in solution.steps)
    assert solution.checks
    assert solution.holds


@pytest.mark.parametrize("givens", [row[1] for row in ANSWERS[:6]], ids=[row[0] for row in ANSWERS[:6]])
def test_every_line_is_sharp(givens: dict[str, Any]) -> None:
    """A line whose right side is off by one does not pass."""
    solution = receptive_field(**givens)
    samples = sample(solution.setting, 0)
    for step in solution.work().steps:
        assert not isinstance(step.after, tuple)
        assert not check_step(replace(step, after=step.after + 1), samples).holds, step


def test_a_thousand_layers_are_answered_without_a_line_for_each() -> None:
    solution = receptive_field(layers="repeat 1000 { conv 3 p1 }")
    assert (solution.value, solution["start"].computed) == (2001, 0)
    assert {type(step.before) for step in solution.steps} == {Entry}


# laws

LAYER = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3))


@given(stack=st.lists(LAYER, min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_the_field_is_what_changes_the_output(stack: list[tuple[int, int, int, int]]) -> None:
    """Windows of ones summed over a marked input: the first output changes at both ends of its field, not beyond."""
    text = ", ".join(f"conv {k} s{s} p{p} d{d}" for k, s, p, d in stack)
    solution = receptive_field(layers=text)
    extent, start = solution.value, Fraction(str(solution["start"].computed))
    assert isinstance(extent, int)
    first = start - Fraction(extent - 1, 2)
    assert first.denominator == 1

    def response(marked_entry: int) -> int:
        values = {marked_entry: 1}

        def value(layer: int, entry: int) -> int:
            if layer < 0:
                return values.get(entry, 0)
            k, s, p, d = stack[layer]
            return sum(value(layer - 1, entry * s - p + tap * d) for tap in range(k))

        return value(len(stack) - 1, 0)

    ends = (int(first), int(first) + extent - 1)
    assert all(response(entry) > 0 for entry in ends)
    assert not any(response(entry) for entry in (ends[0] - 1, ends[1] + 1))


@given(stack=st.lists(LAYER, min_size=2, max_size=5), cut=st.integers(1, 4))
def test_stacks_compose(stack: list[tuple[int, int, int, int]], cut: int) -> None:
    """The field of two stacks in turn is r₁ + (r₂ − 1)·j₁, their stride j₁·j₂."""
    cut = min(cut, len(stack) - 1)
    texts = [", ".join(f"conv {k} s{s} p{p} d{d}" for k, s, p, d in part) for part in (stack[:cut], stack[cut:])]
    first, second, both = (receptive_field(layers=text) for text in (*texts, ", ".join(texts)))

    def numbers(solution: Solution) -> tuple[int, int]:
        return int(solution["receptive_field"].text), int(solution["stride"].text)

    (r1, j1), (r2, j2) = numbers(first), numbers(second)
    assert numbers(both) == (r1 + (r2 - 1) * j1, j1 * j2)


@given(times=st.integers(1, 5), k=st.integers(1, 5), s=st.integers(2, 3), p=st.integers(0, 2))
def test_symbols_stand_for_their_numbers(times: int, k: int, s: int, p: int) -> None:
    symbolic = receptive_field(layers="conv 3, repeat L { conv k s=s p=p, conv 2 }, pool 2")
    numeric = receptive_field(layers=f"conv 3, repeat {times} {{ conv {k} s{s} p{p}, conv 2 }}, pool 2")
    point = {"L": Fraction(times), "k": Fraction(k), "s": Fraction(s), "p": Fraction(p)}
    for name in ("receptive_field", "stride", "start", "padding"):
        value, expected = symbolic[name].value, numeric[name].computed
        assert not isinstance(value, tuple)
        assert PLAIN.value(value, point) == expected


# the language


@pytest.mark.parametrize(
    "text",
    [
        "conv 16 7x7 s2 p3 d1",
        "conv 7x7 s=2 p=3",
        "conv 7x7, stride 2, padding 3".replace(", ", " "),
        "CONV 7x7 stride=2 pad=3 no-bias",
        "conv k=7x7 s 2 p 3",
        "conv 16 (3 + 4)x7 d=1 p3 s2 g=2",
    ],
)
def test_spellings_of_one_layer(text: str) -> None:
    (layer,) = read_stack(text).items
    (expected,) = read_stack("conv 7x7 s2 p3").items
    assert isinstance(layer, Windows)
    assert isinstance(expected, Windows)
    assert replace(layer, text="") == replace(expected, text="")


@pytest.mark.parametrize("between", [", ", "; ", "\n", " -> ", " → ", ",,"])
def test_separators(between: str) -> None:
    assert receptive_field(layers=f"conv 3{between}pool 2 # halves{chr(10)}relu").value == 4


def test_a_letter_is_a_symbol_where_the_kernel_stands() -> None:
    assert receptive_field(layers="conv k s=s, conv d")["receptive_field"].text == "k + (d - 1)*s"
    assert receptive_field(layers="conv C k stride s, conv d")["receptive_field"].text == "k + (d - 1)*s"
    assert receptive_field(layers="pool s s s, conv d")["receptive_field"].text == "s + (d - 1)*s"


def test_repetitions_nest() -> None:
    assert receptive_field(layers="repeat 2 { conv 3, repeat 2 { conv 3 }, pool 2 }").value == 22
    (item,) = read_stack("repeat L { relu, conv 3 }").items
    assert isinstance(item, Repeated)
    assert item.text == "repeat L { relu, conv 3 }"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv 3 5", 5), ("conv 64 3x3", 3), ("conv 64 k3", 3), ("conv 16 3 2, conv 8 3", 7), ("pool 3 2, conv 8 3", 7),
        ("depthwise 3 2, conv 8 3", 7), ("conv 9 2 s 2 p 1, conv 8 3", 6), ("separable 8 5x5, bn, prelu, conv 8 1", 5),
        ("a: conv 8 3 p1, reuse a, relu", 5), ("subsample 2, tanh, conv 8 5", 10),
        ("pad 1:2, conv 8 5 s2 p0:1, dropout p 0.5, conv 8 3, flatten, fc 10", 9),
        ("repeat 3 { conv 8 3 same, layer-norm, gelu }, global-pool, fc 10", 7),
    ],
)  # fmt: skip
def test_means_what_a_network_means(text: str, expected: int) -> None:
    """Where `network` reads the layers as well, both find the same field."""
    ours, theirs = receptive_field(stack=text, input=32), network(input="32x32x8", stack=text)
    assert ours["receptive_field"].computed == expected
    assert theirs["receptive_field"].computed == expected
    assert ours.holds


@pytest.mark.parametrize("text", ["conv 3", "conv 3x3", "conv k", "conv 3 s2"])
def test_a_network_needs_the_filters_that_may_be_left_out(text: str) -> None:
    assert read_stack(text).items
    with pytest.raises(DlcalcError, match=r"conv needs its (channels|kernel)"):
        network(input="32x32x3", stack=text)


@pytest.mark.parametrize(
    ("name", "field", "stride", "start"),
    [("alexnet", 195, 32, 31), ("vgg16", 212, 32, 15.5), ("mobilenetv1", 315, 32, 0), ("lenet5", 32, 4, 15.5)],
)
def test_the_zoo(name: str, field: int, stride: int, start: float) -> None:
    solution = receptive_field(zoo=name)
    assert (solution.value, solution["stride"].computed, solution["start"].computed) == (field, stride, start)
    assert network(zoo=name)["receptive_field"].computed == field


def test_the_size_may_stand_in_the_stack() -> None:
    assert receptive_field(stack="input 32x20x3, conv 16 3x3 s2, flatten")["output"].text == "15x9"
    assert receptive_field(stack="input 32x20x3, conv 16 3x3 s2", input=9)["output"].text == "4x4"


def test_padding_that_differs_before_and_after() -> None:
    solution = receptive_field(stack="pad 2:0, conv 8 3 s2 p0:1", input="n")
    assert [solution[name].text for name in ("start", "padding", "output")] == ["-1", "2", "floor(n/2) + 1"]
    assert solution.holds


UNREADABLE: list[tuple[str, str, str, int]] = [
    ("unknown layer", "conv 3, cnv 3", "cnv is no layer; did you mean conv?", 8),
    ("glued", "conv3", "conv3 is no layer; write conv 3", 0),
    ("no kernel", "relu, conv", "conv needs its kernel; write conv 3x3, or with filters conv 16 3x3", 6),
    ("filters alone", "conv filters=3", "conv needs its kernel; write conv 3x3, or with filters conv 16 3x3", 0),
    (
        "filters behind the kernel",
        "conv 3x3 64",
        "64 stands behind the kernel 3x3; write conv 64 3x3 for filters, conv 3x3 s64 for a stride",
        9,
    ),
    ("a letter or a name", "pool k 2", "k 2 is a kernel of 2, or a kernel k and then 2; write k=2, or k s=2", 5),
    ("a brace alone", "{ conv 3 }", "{ closes nothing; remove it", 0),
    (
        "no comma",
        "repeat 2 { conv 3 } pool 2",
        "two layers without anything between them; write a comma between layers",
        20,
    ),
    ("stride 0", "conv 3 s0", "stride 0 is less than 1; use 1 or more", 8),
    ("half a padding", "conv 3 p 1/2", "padding 0.5 is not a whole number; use 0 or 1", 9),
    ("unknown argument", "conv 3 strid=2", "conv has no strid; did you mean stride?", 7),
    ("twice", "conv 3 s2 s3", "conv has stride twice; give it once", 11),
    ("no braces", "repeat 2 conv 3", "repeat does not know conv; write repeat { … }", 9),
    ("not closed", "repeat 2 { conv 3", "{ is never closed; add }", 9),
    ("nothing opened", "conv 3 }", "} closes nothing; remove it", 7),
    ("a parenthesis", "conv (3", "( is never closed; add ) to it", 5),
    ("only activations", "relu", "there is no layer with a window; give at least one, such as 'conv 3x3'", 0),
    (
        "nothing in braces",
        "repeat 2 { relu }",
        "there is no layer with a window; give at least one, such as 'conv 3x3'",
        0,
    ),
    ("axes", "conv 3x3 s1x2x3", "conv 3x3 s1x2x3 has sizes of 2 and 3 axes; give them alike", 0),
    (
        "only a classifier",
        "flatten, fc 10",
        "there is no layer with a window; give at least one, such as 'conv 3x3'",
        0,
    ),
    (
        "behind a classifier",
        "conv 3, fc 10, conv 3",
        "'conv 3' stands behind 'fc 10', which sees all of its input; end the stack before that",
        15,
    ),
    (
        "a classifier in every round",
        "repeat 2 { conv 3, fc 10 }",
        "'fc 10' sees all of its input, in every round; end the stack before it",
        19,
    ),
    (
        "branches",
        "residual { conv 3 }",
        (
            "residual is not one path of windows; write the longest path through it, or ask dlcalc network, which "
            "follows all of them"
        ),
        0,
    ),
    (
        "transposed",
        "conv 3, conv-transpose 8 3",
        "conv-transpose does not slide a window; ask dlcalc network, which follows its field",
        8,
    ),
    (
        "ceil",
        "pool 3 p0:1 ceil",
        "ceil with a padding that differs before and after is not answered; pad alike",
        0,
    ),
]
ERRORS: list[tuple[str, dict[str, Any], str]] = [
    (
        "does not fit",
        {"layers": "conv 3, pool 2, conv 9", "input": 9},
        "layer 3 'conv 9': its window of 9 does not fit into its input of 3; use a larger --input, or padding",
    ),
    (
        "does not fit, padded",
        {"layers": "conv 9 p1", "input": 5},
        "layer 1 'conv 9 p1': its window of 9 does not fit into its input of 5 + 2·1; use a larger --input, or padding",
    ),
    (
        "axes that differ",
        {"layers": "conv 3x3", "input": "9x9x9"},
        "--input has 3 axes, 'conv 3x3' has 2; give sizes of the same axes, or one number",
    ),
    ("four axes", {"layers": "conv 3x3x3x3"}, "'conv 3x3x3x3' has 4 axes; give at most three, without the channels"),
    (
        "too many",
        {"layers": "repeat 1000 { repeat 1000 { conv 3 } }"},
        "the stack has more than 100,000 layers; give a symbol for the number of repetitions",
    ),
    ("no layers", {}, "no layers are given; write them, such as 'conv 3x3, pool 2', or add --layers or --zoo"),
    ("twice", {"stacked": "conv 3", "zoo": "vgg16"}, "the layers are given twice, by a stack and --zoo; leave one"),
    ("not in the zoo", {"zoo": "vgg17"}, "--zoo vgg17 is not in the zoo; did you mean vgg16?"),
]


@pytest.mark.parametrize(("text", "message", "place"), **table(UNREADABLE))
def test_shows_what_cannot_be_read(text: str, message: str, place: int) -> None:
    with pytest.raises(DlcalcError) as caught:
        receptive_field(layers=text)
    assert str(caught.value) == f"{message}\n  {text}\n  {' ' * place}^"


@pytest.mark.parametrize(("givens", "message"), **table(ERRORS))
def test_refuses(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        receptive_field(**givens)
    assert str(caught.value).startswith(message)


# what a reader is told


@pytest.mark.parametrize(
    ("givens", "note"),
    [
        ({"layers": "conv 3 s2 same"}, "the start depends on the size of the input, through 'same' with a stride"),
        ({"layers": "conv 7 p3", "input": 5}, "the field of 7 is larger than the input of 5: padding fills the rest"),
        ({"layers": "conv 3 d2"}, "the field has holes: windows leave entries out"),
        ({"layers": "repeat L { conv k s=s }"}, "at s = 1 every round adds as much: receptive field L(k - 1) + 1"),
    ],
    ids=["start", "larger", "holes", "stride 1"],
)
def test_notes(givens: dict[str, Any], note: str) -> None:
    (found,) = receptive_field(**givens).notes
    assert found.startswith(note)


def test_conventions() -> None:
    said = receptive_field(layers="conv 3x3 same, bn, pool 2").conventions
    assert said == (
        "receptive field: from the first entry that is seen to the last; stride: how far the next field is",
        "start: the index of the centre of the first field, where the first entry has the index 0",
        "a single number after conv or pool is its kernel; padding 0, dilation 1, stride 1 of conv unless given",
        "of two numbers after conv the first counts filters",
        "the stride of a pool is its kernel unless it is given",
        "'same' as in TensorFlow: of an odd padding the extra zero after",
        "activations, normalisation and dropout see one place only and change nothing",
        "sizes read as height × width; a single number holds on every axis",
    )


# marking

WRONG: list[tuple[str, str, str, str]] = [
    ("kernels added", "conv 3, conv 3, conv 3", "9", "windows overlap: a layer adds k − 1 entries, not k"),
    ("kernels multiplied", "conv 3, conv 3, conv 3", "27", "fields add up, they do not multiply"),
    ("from 0", "conv 3, conv 3, conv 3", "6", "the entry itself is missing: the field starts from 1"),
    ("no strides", "conv 7 s2, conv 5", "11", "the strides are missing"),
    ("own stride", "conv 7 s2, conv 3", "17", "a stride spreads the windows of the layers after it"),
    ("no dilation", "conv 3 d2, conv 3 d4", "5", "a dilated window spans d(k − 1) + 1 entries, not k"),
    ("no pools", "conv 3, pool 2, conv 3, pool 2", "5", "the pooling layers count too"),
    ("L kernels", "repeat L { conv k }", "L k", "windows overlap"),
    ("a power", "repeat L { conv k }", "k^L", "fields add up, they do not multiply"),
    ("L(k-1)", "repeat L { conv k }", "L(k-1)", "the entry itself is missing"),
    ("strides added", "conv 3 s2, conv 3 s3", "stride=5", "strides multiply, they do not add up"),
    ("last stride", "conv 3 s2, conv 3 s3", "stride=3", "that is the stride of the last layer alone"),
    ("start without padding", "conv 3 p1, conv 3 p1", "start=2", "the padding is missing"),
    (
        "padding unweighted",
        "conv 3 s2 p1, conv 3 p1",
        "start=1",
        "a layer's padding counts j entries of the input each",
    ),
    ("from the edge", "conv 3 p1, conv 3 p1", "start=0.5", "that counts from the edge of the first entry"),
]


@pytest.mark.parametrize(("text", "answer", "because"), **table(WRONG))
def test_explains_what_is_wrong(text: str, answer: str, because: str) -> None:
    (mark,) = marked(receptive_field(layers=text), [answer]).marks
    assert mark.correct is False
    assert mark.because.startswith(because)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("repeat L { conv k }", "1 + L(k-1)"),
        ("conv 3, conv 3, conv 3", "1 + 3(3 - 1)"),
        ("conv 3x5, conv 3", "5x7"),
        ("repeat L { conv 3, pool 2 }", "2^L + 2(2^L - 1)"),
    ],
)
def test_accepts(text: str, answer: str) -> None:
    assert marked(receptive_field(layers=text), [answer]).marks[0].correct is True
