"""The common wrong receptive fields, each with what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, ZERO, Expr, add, expr, mul
from dlcalc.solution import Slip
from dlcalc.topics.receptive_field.fields import Field, Layer, fields
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlcalc.topics.receptive_field.fields import Part

OVERLAP = "windows overlap: a layer adds k − 1 entries, not k"
ITSELF = "the entry itself is missing: the field starts from 1"
MAX_FACTORS = 12
"""Kernels that somebody might multiply."""
PRODUCT = "fields add up, they do not multiply"


def field_slips(parts: Sequence[Part], last: Field) -> Iterator[Slip]:
    """Explain the common wrong fields."""
    yield Slip(neat(last.extent - 1), ITSELF, "field")
    layers = [part for part in parts if isinstance(part, Layer)]
    if len(layers) < len(parts):
        yield from _repeated_slips(parts)
        return
    below = [Field(), *fields(parts, Field())][: len(layers)]
    jumps = [field.jump for field in below]
    own = [neat(jump * layer.s) for jump, layer in zip(jumps, layers, strict=True)]
    strides = any(layer.s != ONE for layer in layers[:-1])

    def total(spread: Sequence[Expr], *, gaps: bool = True) -> Expr:
        added = [(layer.gaps if gaps else layer.k - 1) * j for layer, j in zip(layers, spread, strict=True)]
        return neat(add(ONE, *added))

    ones = [ONE] * len(layers)
    if strides:
        yield Slip(total(ones), "the strides are missing: after a stride of s, every step is s entries", "jump")
    if any(layer.s != ONE for layer in layers):
        spread = "a stride spreads the windows of the layers after it, not that of its own layer"
        yield Slip(total(own), spread, "field")
    if any(layer.d != ONE for layer in layers):
        yield Slip(total(jumps, gaps=False), "a dilated window spans d(k − 1) + 1 entries, not k", "field")
    kept = [layer for layer in layers if "pool" not in layer.text.split()[0].lower()]
    if kept and len(kept) < len(layers):
        *_, without = fields(kept, Field())
        yield Slip(without.extent, "the pooling layers count too", "field")
    yield Slip(neat(add(*(layer.k for layer in layers))), OVERLAP, "field")
    yield Slip(neat(add(ONE, *(layer.k for layer in layers))), OVERLAP, "field")
    if len(layers) <= MAX_FACTORS:
        yield Slip(neat(mul(*(layer.k for layer in layers))), PRODUCT, "field")


def _repeated_slips(parts: Sequence[Part]) -> Iterator[Slip]:
    """Explain the common wrong fields of L layers alike."""
    only = parts[0]
    if len(parts) > 1 or isinstance(only, Layer) or len(only.part) > 1 or not isinstance(only.part[0], Layer):
        return
    count, kernel = only.times, only.part[0].k
    yield Slip(neat(count * kernel), OVERLAP, "rounds")
    yield Slip(neat(1 + count * kernel), OVERLAP, "rounds")
    yield Slip(kernel**count, PRODUCT, "rounds")


def stride_slips(parts: Sequence[Part], last: Field) -> Iterator[Slip]:
    """Explain strides that were added up, or the last layer's alone."""
    layers = [part for part in parts if isinstance(part, Layer)]
    if len(layers) == len(parts) and last.jump != ONE:
        yield Slip(neat(add(*(layer.s for layer in layers))), "strides multiply, they do not add up", "jump")
        yield Slip(layers[-1].s, "that is the stride of the last layer alone", "jump")


def start_slips(parts: Sequence[Part], last: Field) -> Iterator[Slip]:
    """Explain starts without padding, or with every layer's padding counted in its own entries."""
    half = neat((last.extent - 1) / expr(2))
    if last.before != ZERO:
        yield Slip(half, "the padding is missing: it moves the first field out of the input", "start")
        paddings = [part.p for part in parts if isinstance(part, Layer) and part.p is not None]
        if len(paddings) == len(parts):
            plain = neat(half - add(*paddings))
            yield Slip(plain, "a layer's padding counts j entries of the input each", "padding")
    if last.start is not None:
        yield Slip(neat(last.start + 1 / expr(2)), "that counts from the edge of the first entry, not its centre")
