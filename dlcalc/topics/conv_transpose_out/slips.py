"""The common wrong answers about transposed convolutions, forward and back, each with what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, ZERO, Expr
from dlcalc.notation.functions import floor
from dlcalc.solution import Slip
from dlcalc.topics.conv_transpose_out.window import Transposed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlcalc.sliding.windows import Window

ADDED = "the output padding is missing"
CROPPED = "the padding is missing: it is cropped from both ends"


def size_slips(axes: Sequence[Transposed], channels: tuple[Expr, ...]) -> Iterator[Slip]:
    """Work the common wrong formulas out on every axis; where the axes differ, the first one's reason is given."""
    for wrong in zip(*map(_wrong_sizes, axes), strict=True):
        formulas = tuple(w.at(formula) for w, (formula, _) in zip(axes, wrong, strict=True))
        if wrong[0][1]:
            yield Slip((*formulas, *channels), wrong[0][1], "size")


def _wrong_sizes(w: Transposed) -> list[tuple[Expr, str]]:
    if w.same:
        return [
            (w.last_start + w.span, "that is the output without cropping ('valid')"),
            (w.n, "the stride is missing"),
        ]
    pads, added, gaps = w.at(w.p) != ZERO, w.at(w.a) != ZERO, w.d != ONE
    padding = "padding is cropped from the output, not added to it"
    return [
        (floor((w.n + 2 * w.p - w.span) / w.s) + 1, "that is the output of the convolution, not of its transpose"),
        (w.covered + w.a, CROPPED if pads else ""),
        (w.covered + w.a - w.p, "the padding is cropped at both ends: 2p, not p" if pads else ""),
        (w.covered + w.a + 2 * w.p, padding if pads else ""),
        (w.n * w.s + w.span + w.a - 2 * w.p, "n entries are n − 1 strides apart, not n"),
        (w.size - w.a, ADDED if added else ""),
        (w.size + w.a, "the output padding is added at one end only" if added else ""),
        (w.last_start + w.k + w.a - 2 * w.p, "a dilated window spans d(k − 1) + 1 entries, not k" if gaps else ""),
        (w.n * w.s, "right only where the kernel, less what is cropped and added, is the stride"),
        (w.n + w.span - 1 + w.a - 2 * w.p, "the stride is missing"),
    ]


def solution_slips(unknown: str, w: Window) -> Iterator[Slip]:
    """Explain what comes out of the common wrong equations."""
    if not isinstance(w, Transposed) or w.same:
        return
    pads, added = w.at(w.p) != ZERO, w.at(w.a) != ZERO
    moved, bare = w.o + 2 * w.p - w.span - w.a, w.o - w.last_start
    wrong: dict[str, list[tuple[Expr, str]]] = {
        "input": [
            (moved / w.s, "n entries are n − 1 strides apart, so there is one more of them"),
            ((w.o - w.span - w.a) / w.s + 1, CROPPED if pads else ""),
            ((moved + w.a) / w.s + 1, ADDED if added else ""),
        ],
        "kernel": [(bare - w.a, CROPPED if pads and w.d == ONE else "")],
        "stride": [(moved / w.n, "n entries are n − 1 strides apart, not n")],
        "padding": [(w.covered + w.a - w.o, "that is both ends together; half of it at each end")],
        "output_padding": [(bare - w.span, CROPPED if pads else "")],
    }
    yield from (Slip(w.at(formula), because, "cropped") for formula, because in wrong.get(unknown, ()) if because)
