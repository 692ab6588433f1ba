"""Layers that read several others: sums, products, concatenations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.networks.layer import Effect, Layer, Misfit, different, known
from dlcalc.networks.quantities import Shape, text_of, total, written
from dlcalc.networks.windows import same_shape

if TYPE_CHECKING:
    from dlcalc.networks.field import Fields


@dataclass(frozen=True)
class Input(Layer):
    """What flows into the network."""

    shape: Shape

    def effect(self, *inputs: Shape) -> Effect:
        """Return the shape."""
        del inputs
        return Effect(self.shape)

    @property
    def holds(self) -> bool:
        """Say that the input is none of the activations."""
        return False


@dataclass(frozen=True)
class Add(Layer):
    """Arrays of one shape added; with `residual`, a block and its shortcut."""

    residual: bool = False
    multiply: bool = False

    def effect(self, *inputs: Shape) -> Effect:
        """Keep the shape, which all must have."""
        first, *others = inputs
        for other in others:
            if not same_shape(first, other):
                if self.multiply and len(first) == len(other) and _stretches(first, other):
                    continue
                raise _branches_differ(first, other, residual=self.residual)
        return Effect(first)


def _stretches(whole: Shape, gate: Shape) -> bool:
    """Say whether a gate of one entry per channel can scale an array."""
    return whole[-1] == gate[-1] and all(n == 1 for n in gate[:-1])


def _branches_differ(block: Shape, shortcut: Shape, *, residual: bool) -> Misfit:
    """Say what differs, and which projection would mend it."""
    if not residual:
        return Misfit(f"its branches give {written(block)} and {written(shortcut)}", "make them agree, or use concat")
    message = f"the block gives {written(block)}, but the shortcut {written(shortcut)}"
    if len(block) != len(shortcut):
        return Misfit(message, "let the block keep the number of axes")
    strides = [
        round(n / o) if isinstance(n, int) and isinstance(o, int) else 1 if n == o else 0
        for n, o in zip(shortcut[:-1], block[:-1], strict=True)
    ]
    if any(s < 1 or (known(n, o) and -(-n // s) != o) for s, n, o in zip(strides, shortcut, block, strict=False)):  # type: ignore[operator]
        return Misfit(message, "no strided projection mends that: pad inside the block so that the sizes agree")
    if len(block) == 1:
        return Misfit(message, f"add a projection: residual {{ … | fc {text_of(block[-1])} }}")
    stride = "" if set(strides) == {1} else f" s{'x'.join(map(str, strides if len(set(strides)) > 1 else strides[:1]))}"
    return Misfit(message, f"add a projection: residual {{ … | conv {text_of(block[-1])} 1{stride} }}")


@dataclass(frozen=True)
class Concat(Layer):
    """Arrays side by side, their channels one after another."""

    def effect(self, *inputs: Shape) -> Effect:
        """Add the channels up; the other axes must agree."""
        first, *others = inputs
        for other in others:
            if len(first) != len(other) or any(different(p, q) for p, q in zip(first[:-1], other[:-1], strict=True)):
                raise Misfit(
                    f"its branches give {written(first)} and {written(other)}, which differ before the channels",
                    "make them agree by padding, cropping or strides",
                )
        return Effect((*first[:-1], total(shape[-1] for shape in inputs)))


@dataclass(frozen=True)
class Again(Layer):
    """The end of a symbolic `repeat`: its last output, which must have the shape of its input."""

    def effect(self, *inputs: Shape) -> Effect:
        """Keep the shape, which must be the same before and after a round."""
        after, before = inputs
        if not same_shape(after, before):
            raise Misfit(
                f"a round turns {written(before)} into {written(after)}, and it is not known how many there are",
                "give a number of rounds, or let a round keep the shape",
            )
        return Effect(after)

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Leave it to the walk, which knows the number of rounds."""
        del inputs
        return field

    @property
    def holds(self) -> bool:
        """Say that it is no layer of its own."""
        return False
