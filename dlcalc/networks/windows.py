"""Layers that move a window: convolutions, pooling, and what adds or removes borders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.networks.field import Field, Fields, slid, spread
from dlcalc.networks.layer import (
    NO_PADDING,
    Axes,
    Effect,
    Layer,
    Macro,
    Misfit,
    Padding,
    different,
    given,
    known,
    per_axis,
    spatial,
)
from dlcalc.networks.quantities import Quantity, Shape, ceil_div, floor_div, product, quotient, text_of, tidy, written
from dlcalc.notation.expression import Relation, expr
from dlcalc.notation.functions import floor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ONES: Axes = (1,)
_NAMED: dict[str, tuple[tuple[Quantity, Quantity], ...]] = {"same": ((-1, -1),), "valid": ((0, 0),)}
"""The padding that words stand for; −1 is as much as `same` wants."""


@dataclass(frozen=True)
class Window(Layer):
    """A window of k entries, d apart, moved by s over a padded axis: o = ⌊(n + 2p − d(k − 1) − 1)/s⌋ + 1."""

    def strides(self) -> Axes:
        """Return the stride."""
        raise NotImplementedError

    def axes(self, shape: Shape) -> Iterator[tuple[Quantity, ...]]:
        """Yield, per spatial axis: entries, window, stride, zeros before and after (−1: as `same` wants), dilation."""
        sides, _ = spatial(shape, "a window")
        count = len(sides)
        kernel = per_axis(self.kernel, count, shape, "window")  # type: ignore[attr-defined]  # every window has one
        stride = per_axis(self.strides(), count, shape, "stride")
        dilation = per_axis(self.dilation, count, shape, "dilation")  # type: ignore[attr-defined]  # as above
        padding: Padding = self.padding  # type: ignore[attr-defined]  # as above
        said = _NAMED[padding] if isinstance(padding, str) else padding
        pads = per_axis(said, count, shape, "padding")
        for n, k, s, (before, after), d in zip(sides, kernel, stride, pads, dilation, strict=True):
            yield n, k, s, before, after, d

    def sizes(self, shape: Shape) -> tuple[Axes, tuple[Relation, ...]]:
        """Return the places of the window along every axis, and what must hold for it to fit."""
        found, needs = [], []
        for n, k, s, before, after, d in self.axes(shape):
            if before == -1:
                found.append(ceil_div(n, s))
                continue
            room = tidy(n + before + after - (k - 1) * d - 1)
            if isinstance(room, int):
                if room < 0:
                    raise _too_large(shape, n, before + after, (k - 1) * d + 1)
            else:
                needs.append(Relation(room, ">=", expr(0)))
            found.append(tidy(self.rounded(room, s, n, before)))
        return tuple(found), tuple(needs)

    def rounded(self, room: Quantity, stride: Quantity, side: Quantity, before: Quantity) -> Quantity:
        """Count the places of a window that has room to move."""
        del side, before
        if isinstance(stride, int) and not isinstance(room, int):
            return floor_div(tidy(room + stride), stride)
        return floor_div(room, stride) + 1

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Widen the field by the window."""
        if field is None:
            return None
        axes = (
            slid(one, k, s, _before(n, k, s, d) if before == -1 else before, d)
            for one, (n, k, s, before, _, d) in zip(field, self.axes(inputs[0]), strict=True)
        )
        return _all(axes)


def _all(axes: Iterator[Field | None]) -> Fields | None:
    found = tuple(axes)
    return None if None in found else tuple(axis for axis in found if axis is not None)


def _before(n: Quantity, k: Quantity, s: Quantity, d: Quantity) -> Quantity:
    """Return the zeros that `same` puts before an axis: half of what is lacking, rounded down."""
    lacking = tidy((ceil_div(n, s) - 1) * s + (k - 1) * d + 1 - n)
    return floor_div(max(lacking, 0) if isinstance(lacking, int) else lacking, 2)


def _too_large(shape: Shape, side: Quantity, zeros: Quantity, span: Quantity) -> Misfit:
    padded = f" (= {text_of(side)} + {text_of(zeros)})" if zeros != 0 else ""
    more = ceil_div(tidy(span - side), 2)
    return Misfit(
        f"its input is {written(shape)}, and a window of {text_of(span)} does not fit into "
        f"{text_of(tidy(side + zeros))}{padded}",
        f"use padding {text_of(more)} or more, a smaller window, or a larger input",
    )


def divides(groups: Quantity, channels: Quantity, what: str) -> tuple[Relation, ...]:
    """Refuse groups that do not divide the channels; of symbols, say that they must."""
    if groups in {1, channels}:
        return ()
    if isinstance(groups, int) and isinstance(channels, int):
        if channels % groups:
            near = [m for m in (channels // groups * groups, (channels // groups + 1) * groups) if m]
            raise Misfit(
                f"groups {groups} does not divide its {channels} {what}",
                f"use {' or '.join(map(str, near))} {what}, or groups that divide {channels}",
            )
        return ()
    share = expr(channels) / expr(groups)
    return (Relation(floor(share), "=", share),)


@dataclass(frozen=True)
class Conv(Window):
    """A convolution: k·…·k·(C_in/g)·C_out weights, C_out biases, one multiply-accumulate per weight and position."""

    channels: Quantity = given("count", "filters", "out", "c", place=1)
    kernel: Axes = given("axes", "k", "kernel-size", place=2)
    stride: Axes = given("axes", "s", "strides", place=3, default=ONES)
    padding: Padding = given("padding", "p", "pad", place=4, default=NO_PADDING, words=("same", "valid"), least=0)
    dilation: Axes = given("axes", "d", default=ONES)
    groups: Quantity = given("count", "g", default=1)
    bias: bool = given("switch", default=True)
    links: Quantity = given("count", default=0)
    """Pairs of an input and an output channel that are connected; 0 where all of them are (in each group)."""

    def strides(self) -> Axes:
        """Return the stride."""
        return self.stride

    def effect(self, *inputs: Shape) -> Effect:
        """Count a weight per window entry and channel that a filter sees, and a bias per filter."""
        (shape,) = inputs
        places, needs = self.sizes(shape)
        channels = shape[-1]
        needs += divides(self.groups, channels, "input channels") + divides(self.groups, self.channels, "filters")
        window = per_axis(self.kernel, len(places), shape, "window")
        seen = quotient(channels, self.groups) if self.links == 0 else self.links
        filters: Axes = (self.channels,) if self.links == 0 else ()
        weights = (*window, seen, *filters)
        return Effect(
            (*places, self.channels),
            (weights,),
            ((self.channels,),) if self.bias else (),
            ((*places, *weights),),
            because=self._because(window, seen),
            needs=needs,
        )

    def _because(self, window: Axes, seen: Quantity) -> str:
        bias = ", a bias each" if self.bias else ""
        if self.links != 0:
            return f"{text_of(seen)} pairs of channels, {times(window)} each{bias and '; a bias per filter'}"
        return f"{filters_of(self.channels)} of {times((*window, seen))}{bias}"


@dataclass(frozen=True)
class Depthwise(Window):
    """A convolution of every channel by itself: k·…·k·C·m weights."""

    kernel: Axes = given("axes", "k", "kernel-size", place=1)
    stride: Axes = given("axes", "s", "strides", place=2, default=ONES)
    padding: Padding = given("padding", "p", "pad", place=3, default=NO_PADDING, words=("same", "valid"), least=0)
    dilation: Axes = given("axes", "d", default=ONES)
    multiplier: Quantity = given("count", "m", default=1)
    bias: bool = given("switch", default=True)

    def strides(self) -> Axes:
        """Return the stride."""
        return self.stride

    def effect(self, *inputs: Shape) -> Effect:
        """Count one window, or several, per channel."""
        (shape,) = inputs
        places, needs = self.sizes(shape)
        filters = product((shape[-1], self.multiplier))
        window = per_axis(self.kernel, len(places), shape, "window")
        weights = (*window, filters)
        return Effect(
            (*places, filters),
            (weights,),
            ((filters,),) if self.bias else (),
            ((*places, *weights),),
            because=f"{filters_of(filters)} of {times(window)}, on one channel{', a bias each' if self.bias else ''}",
            needs=needs,
        )


@dataclass(frozen=True)
class Separable(Macro):
    """A depthwise convolution, then a 1 × 1 convolution: two layers."""

    channels: Quantity = given("count", "filters", "out", "c", place=1)
    kernel: Axes = given("axes", "k", "kernel-size", place=2)
    stride: Axes = given("axes", "s", "strides", place=3, default=ONES)
    padding: Padding = given("padding", "p", "pad", place=4, default=NO_PADDING, words=("same", "valid"), least=0)
    dilation: Axes = given("axes", "d", default=ONES)
    bias: bool = given("switch", default=True)

    def parts(self) -> Sequence[Layer]:
        """Return both convolutions."""
        return (
            Depthwise(self.kernel, self.stride, self.padding, self.dilation, bias=self.bias),
            Conv(self.channels, ONES, bias=self.bias),
        )


@dataclass(frozen=True)
class ConvTranspose(Layer):
    """A transposed convolution: o = (n − 1)s − 2p + d(k − 1) + op + 1; every input entry meets every weight once."""

    channels: Quantity = given("count", "filters", "out", "c", place=1)
    kernel: Axes = given("axes", "k", "kernel-size", place=2)
    stride: Axes = given("axes", "s", "strides", place=3, default=ONES)
    padding: Padding = given("padding", "p", "pad", place=4, default=NO_PADDING, words=("same", "valid"), least=0)
    output_padding: Axes = given("axes", "op", default=(0,), least=0)
    dilation: Axes = given("axes", "d", default=ONES)
    groups: Quantity = given("count", "g", default=1)
    bias: bool = given("switch", default=True)

    def _axes(self, shape: Shape) -> Iterator[tuple[Quantity, Quantity, Quantity, Quantity, Quantity, Quantity]]:
        """Yield, per axis: entries, window, stride, dilation, entries cut off before, entries that come out."""
        sides, _ = spatial(shape, "a transposed convolution")
        count = len(sides)
        wide = [
            per_axis(values, count, shape, what)
            for values, what in (
                (self.kernel, "window"),
                (self.stride, "stride"),
                (self.dilation, "dilation"),
                (self.output_padding, "output padding"),
            )
        ]
        named = isinstance(self.padding, str)
        pads = NO_PADDING * count if named else per_axis(self.padding, count, shape, "padding")  # type: ignore[arg-type]
        for n, k, s, d, extra, (before, after) in zip(sides, *wide, pads, strict=True):
            full = tidy((n - 1) * s + (k - 1) * d + 1)
            if self.padding == "same":
                cut = tidy(full - n * s)
                yield n, k, s, d, floor_div(max(cut, 0) if isinstance(cut, int) else cut, 2), tidy(n * s)
            else:
                if known(extra, s, d) and extra >= max(s, d):
                    raise Misfit(
                        f"its output padding {text_of(extra)} is not smaller than its stride {text_of(s)}",
                        "use a smaller output padding, or a larger stride",
                    )
                yield n, k, s, d, before, tidy(full - before - after + extra)

    def effect(self, *inputs: Shape) -> Effect:
        """Count as for a convolution, with positions of the input."""
        (shape,) = inputs
        places = tuple(o for *_, o in self._axes(shape))
        if any(isinstance(o, int) and o < 1 for o in places):
            raise Misfit(f"its input is {written(shape)}, and nothing is left of its output", "use a smaller padding")
        needs = divides(self.groups, shape[-1], "input channels") + divides(self.groups, self.channels, "filters")
        needs += tuple(Relation(o, ">=", expr(1)) for o in places if not isinstance(o, int))
        window = per_axis(self.kernel, len(places), shape, "window")
        weights = (*window, shape[-1], quotient(self.channels, self.groups))
        return Effect(
            (*places, self.channels),
            (weights,),
            ((self.channels,),) if self.bias else (),
            ((*shape[:-1], *weights),),
            because=f"{text_of(shape[-1])} channels in, {text_of(weights[-1])} out, {times(window)} between them"
            f"{'; a bias per channel out' if self.bias else ''}",
            needs=needs,
        )

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Spread the field."""
        if field is None:
            return None
        axes = zip(field, self._axes(inputs[0]), strict=True)
        return _all(spread(one, k, s, before, d) for one, (_, k, s, d, before, _) in axes)


@dataclass(frozen=True)
class Pool(Window):
    """Pooling; the stride is the window unless given. With `ceil` a last window may stick out if it starts inside."""

    kernel: Axes = given("axes", "k", "kernel-size", "size", place=1)
    mode: str = given("word", default="max", words=("max", "avg", "average"))
    stride: Axes = given("axes", "s", "strides", place=2, default=())
    padding: Padding = given("padding", "p", "pad", place=3, default=NO_PADDING, words=("same", "valid"), least=0)
    dilation: Axes = given("axes", "d", default=ONES)
    ceil: bool = given("switch", "ceil-mode", default=False)

    def strides(self) -> Axes:
        """Return the stride, which is the window unless given."""
        return self.stride or self.kernel

    def effect(self, *inputs: Shape) -> Effect:
        """Keep the channels; nothing is trained, and nothing multiplied."""
        (shape,) = inputs
        places, needs = self.sizes(shape)
        return Effect((*places, shape[-1]), needs=needs)

    def sizes(self, shape: Shape) -> tuple[Axes, tuple[Relation, ...]]:
        """Count the places; the padding is at most half the window, as PyTorch wants it."""
        for _, k, _, before, after, _ in self.axes(shape):
            if known(k, before, after) and 2 * max(before, after) > k:  # type: ignore[operator, type-var]  # all are int
                raise Misfit(
                    f"its padding {text_of(before)} is more than half of its window {text_of(k)}",
                    f"use padding {k // 2} or less",  # type: ignore[operator]  # as above
                )
        return super().sizes(shape)

    def rounded(self, room: Quantity, stride: Quantity, side: Quantity, before: Quantity) -> Quantity:
        """Round up with `ceil`, unless the last window would start in the padding behind."""
        if not self.ceil:
            return super().rounded(room, stride, side, before)
        places = ceil_div(room, stride) + 1
        if not known(places, stride, side, before):
            raise Misfit("ceil with symbols depends on where the last window starts", "give numbers")
        return places - 1 if (places - 1) * stride >= side + before else places  # type: ignore[operator]  # all are int


@dataclass(frozen=True)
class Subsample(Window):
    """LeNet-5's subsampling: the window is added up, then scaled and shifted by two parameters per channel."""

    kernel: Axes = given("axes", "k", place=1)
    stride: Axes = given("axes", "s", place=2, default=())
    padding: Padding = given("padding", "p", default=NO_PADDING, least=0)
    dilation: Axes = given("axes", "d", default=ONES)

    def strides(self) -> Axes:
        """Return the stride, which is the window unless given."""
        return self.stride or self.kernel

    def effect(self, *inputs: Shape) -> Effect:
        """Count a coefficient and a bias per channel."""
        (shape,) = inputs
        places, needs = self.sizes(shape)
        each = ((shape[-1],),)
        because = "a coefficient and a bias per channel"
        return Effect((*places, shape[-1]), each, each, ((*places, shape[-1]),), because=because, needs=needs)


@dataclass(frozen=True)
class GlobalPool(Layer):
    """Pooling over all positions: one number per channel is left."""

    mode: str = given("word", default="avg", words=("avg", "average", "max"))

    def effect(self, *inputs: Shape) -> Effect:
        """Keep the channels alone."""
        spatial(inputs[0], "pooling")
        return Effect(inputs[0][-1:])

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """See everything."""
        del field, inputs
        return None


@dataclass(frozen=True)
class Pad(Layer):
    """Zeros around the positions."""

    amount: Padding = given("padding", "p", place=1, least=0)

    def _pads(self, shape: Shape) -> tuple[tuple[Quantity, Quantity], ...]:
        sides, _ = spatial(shape, "padding")
        return per_axis(self.amount, len(sides), shape, "padding")  # type: ignore[arg-type]  # no words are allowed here

    def effect(self, *inputs: Shape) -> Effect:
        """Lengthen every axis."""
        (shape,) = inputs
        sides = (tidy(n + a + b) for n, (a, b) in zip(shape[:-1], self._pads(shape), strict=True))
        return Effect((*sides, shape[-1]))

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Start before the input."""
        if field is None:
            return None
        return _all(slid(one, 1, 1, a) for one, (a, _) in zip(field, self._pads(inputs[0]), strict=True))


@dataclass(frozen=True)
class Crop(Layer):
    """Entries cut off around the positions."""

    amount: Padding = given("padding", "p", place=1, least=0)

    def _cuts(self, shape: Shape) -> tuple[tuple[Quantity, Quantity], ...]:
        sides, _ = spatial(shape, "cropping")
        return per_axis(self.amount, len(sides), shape, "amount")  # type: ignore[arg-type]  # no words are allowed here

    def effect(self, *inputs: Shape) -> Effect:
        """Shorten every axis."""
        (shape,) = inputs
        sides = tuple(tidy(n - a - b) for n, (a, b) in zip(shape[:-1], self._cuts(shape), strict=True))
        if any(isinstance(n, int) and n < 1 for n in sides):
            raise Misfit(f"its input is {written(shape)}, and nothing is left of it", "crop less")
        needs = tuple(Relation(n, ">=", expr(1)) for n in sides if not isinstance(n, int))
        return Effect((*sides, shape[-1]), needs=needs)

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Start inside the input."""
        if field is None:
            return None
        return _all(slid(one, 1, 1, -a) for one, (a, _) in zip(field, self._cuts(inputs[0]), strict=True))


@dataclass(frozen=True)
class Upsample(Layer):
    """Every entry repeated (nearest neighbour)."""

    scale: Axes = given("axes", "size", place=1)

    def effect(self, *inputs: Shape) -> Effect:
        """Lengthen every axis by its factor."""
        (shape,) = inputs
        sides, channels = spatial(shape, "upsampling")
        scale = per_axis(self.scale, len(sides), shape, "scale")
        return Effect((*(product(pair) for pair in zip(sides, scale, strict=True)), channels))

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Share the field among the copies."""
        if field is None:
            return None
        scale = per_axis(self.scale, len(field), inputs[0], "scale")
        return _all(spread(one, s, s, 0) for one, s in zip(field, scale, strict=True))


def times(axes: Axes) -> str:
    """Write a size in words: 3 × 3 × 64."""
    return " × ".join(map(text_of, axes))


def filters_of(count: Quantity) -> str:
    """Write how many filters."""
    return "1 filter" if count == 1 else f"{text_of(count)} filters"


def same_shape(a: Shape, b: Shape) -> bool:
    """Say whether two shapes agree."""
    return len(a) == len(b) and not any(different(p, q) for p, q in zip(a, b, strict=True))
