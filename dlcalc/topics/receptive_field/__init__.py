"""Receptive field of a stack of convolutions and poolings.

This file declares the question and answers it. `reading` takes the windows out of a stack, `fields` has the
recurrence, `tracing` the brute force, `work` the derivation, and `slips` the common wrong answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import Size, size, text
from dlcalc.notation.expression import ONE, Expr, Num, Sym
from dlcalc.notation.printing import unicode
from dlcalc.sliding.reading import AXES
from dlcalc.solution import Answer, Solution, Work
from dlcalc.topic import topic
from dlcalc.topics.receptive_field.fields import Field, Rounds, along, computed, fields, put, quick, varying_jumps
from dlcalc.topics.receptive_field.reading import Stack, Windows, layers, read_stack, unrolled
from dlcalc.topics.receptive_field.setting import asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlcalc.notation.printing import Value
    from dlcalc.solution import Form
    from dlcalc.topics.receptive_field.fields import Part
    from dlcalc.topics.receptive_field.reading import Item

MAX_LISTED = 200
"""Layers whose fields are listed one by one."""


@topic(
    area="layers",
    answers=("receptive_field", "stride", "start", "padding", "output", "receptive_fields", "strides", "starts"),
    examples=(
        '"conv 3x3, conv 3x3, conv 3x3"',
        '--layers "conv 64 7x7 s2 p3, bn, relu, pool 3 s2 p1, conv 64 3x3 p1" --input 224',
        '--layers "repeat L { conv k }"',
        '--layers "conv 3x5, pool 2, conv 3 d2"',
        '--layers "repeat 3 { conv 3 same, conv 3 same, pool 2 }" --input 32x32',
        "--zoo vgg16",
    ),
)
def receptive_field(
    *,
    stacked: Annotated[
        Stack | None, layers(help="The layers: 'conv 3x3, relu, pool 2'; as for network.", positional=True)
    ] = None,
    layers: Annotated[
        Stack | None,
        layers(
            "-l",
            "--stack",
            help="Layers: 'conv 7 s2 p3, pool 2, conv 3 d2' (stride, padding, dilation), 'repeat 3 { conv 3x3 }'.",
        ),
    ] = None,
    zoo: Annotated[
        str | None, text(help="A network that ships with dlcalc: alexnet, vgg16, mobilenetv1, ….", metavar="NAME")
    ] = None,
    input: Annotated[
        Size | None, size("-i", help="Size of the input, 32 or 224x224; needed for 'same' with a stride only.")
    ] = None,
) -> Solution:
    """Receptive field of a stack of layers, with the stride and the start of its fields.

    Layer by layer r + d(k − 1)·j and j·s, from r = j = 1: r entries of the input are seen, and the fields of neighbours
    are j apart. L layers of k×k at stride 1: 1 + L(k − 1). The first field is centred at the index (r − 1)/2 − P,
    where P = Σ p·j is the padding of all layers, in entries of the input; the first entry has the index 0.
    Layers are written as for network: conv 64 3x3 s2 p1 d2, depthwise, separable, pool, pad, repeat L { … }; filters
    may be left out (conv 3x3, conv 3). Activations, norms and dropout see one place; at flatten, fc, global-pool the
    stack ends. Of a residual or parallel block, write the longest path.
    Source: Araujo, Norris and Sim, Computing receptive fields of convolutional neural networks (2019);
    Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016).

    Raises DlcalcError when the layers are not given once, the text is no stack of such layers, or a window does not fit
    into the input.

    >>> receptive_field(layers="conv 3x3, conv 3x3, conv 3x3").value
    7
    >>> print(receptive_field(layers="repeat L { conv k }")["receptive_field"].text)
    L*(k - 1) + 1
    """
    read = _given(stacked, layers, zoo)
    given = input or read.input
    items = unrolled(read.items)
    axes = _axes(items, given)
    paths = [along(items, axis, axes) for axis in range(axes)]
    sizes = [None if given is None else given[axis] if len(given) == axes else given[0] for axis in range(axes)]
    starts = [Field(size=n) for n in sizes]
    found = [list(fields(path, start)) for path, start in zip(paths, starts, strict=True)]
    last = [path[-1] for path in found]
    question = asked(paths, sizes)

    def work() -> Work:
        from dlcalc.topics.receptive_field.work import derived_fields

        return derived_fields(question, found)

    return Solution(
        answers=tuple(_answers(paths, found)),
        work=work,
        setting=question.setting,
        assumptions=question.assumptions,
        conventions=tuple(_conventions(read, items, axes, last)),
        notes=tuple(_notes(paths, sizes, found)),
    )


def _given(stacked: Stack | None, layers: Stack | None, zoo: str | None) -> Stack:
    """Find the layers, which are given once."""
    named = {"a stack": stacked, "--layers": layers, "--zoo": zoo}
    there = [name for name, value in named.items() if value is not None]
    if not there:
        raise DlcalcError("no layers are given", "write them, such as 'conv 3x3, pool 2', or add --layers or --zoo")
    if len(there) > 1:
        raise DlcalcError(f"the layers are given twice, by {' and '.join(there)}", "leave one of them out")
    if zoo is not None:
        from dlcalc.networks import zoo as shipped

        return read_stack(shipped.text(zoo))
    return stacked or layers  # type: ignore[return-value]  # one of them is there


def _axes(items: Sequence[Item], input: Size | None) -> int:
    """Find how many axes the sizes have; 1 where all of them are single numbers."""
    known = {len(input): "--input"} if input is not None and len(input) > 1 else {}
    for layer in _windows(items):
        for value in (layer.kernel, layer.stride, layer.before, layer.dilation):
            if value is not None and len(value) > 1:
                known.setdefault(len(value), f"'{layer.text}'")
    if len(known) > 1:
        (one, first), (other, second), *_ = known.items()
        raise DlcalcError(f"{first} has {one} axes, {second} has {other}", "give sizes of the same axes, or one number")
    axes = next(iter(known), 1)
    if axes > max(AXES):
        raise DlcalcError(f"{known[axes]} has {axes} axes", "give at most three, without the channels")
    return axes


def _windows(items: Sequence[Item]) -> Iterator[Windows]:
    for item in items:
        if isinstance(item, Windows):
            yield item
        else:
            yield from _windows(item.items)


def _answers(paths: Sequence[Sequence[Part]], found: Sequence[Sequence[Field]]) -> Iterator[Answer]:
    from dlcalc.topics.receptive_field.slips import field_slips, start_slips, stride_slips

    last = [path[-1] for path in found]
    first = paths[0]
    same_fields = len(found) == 1 or len({tuple(replace(one, size=None) for one in path) for path in found}) == 1

    def answer(name: str, values: Sequence[Expr | None], form: Form = "list") -> Iterator[Answer]:
        known = tuple(value for value in values if value is not None)
        if len(known) == len(values):
            alike = same_fields and (name != "output" or len(known) == 1)
            slips = {"receptive_field": field_slips, "stride": stride_slips, "start": start_slips}.get(name)
            explained = tuple(slips(first, last[0])) if slips and alike and len(first) <= MAX_LISTED else ()
            if alike:
                yield Answer(name, known[0], slips=explained)
            else:
                yield Answer(name, known, form=form)

    yield from answer("receptive_field", [one.extent for one in last], "size")
    yield from answer("stride", [one.jump for one in last], "size")
    yield from answer("start", [one.start for one in last])
    yield from answer("padding", [one.before for one in last])
    yield from answer("output", [one.size for one in last], "size")
    if 1 < len(first) <= MAX_LISTED:
        for name, values in (
            ("receptive_fields", [[one.extent for one in path] for path in found]),
            ("strides", [[one.jump for one in path] for path in found]),
            ("starts", [[one.start for one in path] for path in found]),
        ):
            yield from _listed(name, values, alike=same_fields)


def _listed(name: str, values: Sequence[Sequence[Expr | None]], *, alike: bool) -> Iterator[Answer]:
    """List something layer by layer; where the axes differ, a row per axis."""
    rows = tuple(tuple(value for value in row if value is not None) for row in values)
    if all(len(row) == len(full) for row, full in zip(rows, values, strict=True)):
        listed: Value = rows[0] if alike else rows
        yield Answer(name, listed, form="list")


def _conventions(read: Stack, items: Sequence[Item], axes: int, last: Sequence[Field]) -> Iterator[str]:
    windows = list(_windows(items))
    yield "receptive field: from the first entry that is seen to the last; stride: how far the next field is"
    if any(one.start is not None for one in last):
        yield "start: the index of the centre of the first field, where the first entry has the index 0"
    if any(layer.text.split()[0].lower().startswith("conv") and len(layer.text.split()) > 1 for layer in windows):
        yield "a single number after conv or pool is its kernel; padding 0, dilation 1, stride 1 of conv unless given"
        yield "of two numbers after conv the first counts filters"
    if any("pool" in layer.text or "subsample" in layer.text for layer in windows):
        yield "the stride of a pool is its kernel unless it is given"
    if any(layer.before is None for layer in windows):
        yield "'same' as in TensorFlow: of an odd padding the extra zero after"
    if read.entrywise:
        yield "activations, normalisation and dropout see one place only and change nothing"
    if read.end:
        yield f"the stack ends at '{read.end}': what flows into it has this field, behind it all is seen"
    if axes > 1:
        yield f"sizes read as {' × '.join(AXES[axes])}; a single number holds on every axis"


def _notes(
    paths: Sequence[Sequence[Part]], sizes: Sequence[Expr | None], found: Sequence[Sequence[Field]]
) -> Iterator[str]:
    last = [path[-1] for path in found]
    if any(one.start is None for one in last):
        yield "the start depends on the size of the input, through 'same' with a stride; add --input SIZE"
    for n, one in dict(zip(sizes, last, strict=True)).items():
        if isinstance(n, Num) and isinstance(one.extent, Num) and one.extent.value > n.value:
            yield f"the field of {unicode(one.extent)} is larger than the input of {unicode(n)}: padding fills the rest"
    for path in dict.fromkeys(tuple(path) for path in paths):
        for jump in dict.fromkeys(varying_jumps(path)):
            if isinstance(jump, Sym):
                *_, alike = fields(put(path, {jump.name: ONE}), Field())
                yield f"at {unicode(jump)} = 1 every round adds as much: receptive field {unicode(alike.extent)}"
    if any(_has_holes(path, seen) for path, seen in zip(paths, found, strict=True)):
        yield "the field has holes: windows leave entries out, so not all from the first to the last are seen"


def _has_holes(path: Sequence[Part], found: Sequence[Field]) -> bool:
    """Say whether windows leave entries out: neighbours that a window joins are further apart than they see."""
    below = Field()
    for part, field in zip(path, found, strict=True):
        if isinstance(part, Rounds):
            return False
        step = computed(quick(part.d) * quick(below.jump) - quick(below.extent))
        if part.k != ONE and isinstance(step, Num) and step.value > 0:
            return True
        below = field
    return False
