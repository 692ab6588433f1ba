"""The common wrong answers about output sizes, forward and back, each with what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, ZERO, Expr, expr
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import unicode
from dlcalc.solution import Slip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlcalc.sliding.windows import Window

BOTH_ENDS = "the padding counts at both ends: 2p, not p"
MOVES = "o windows take o − 1 moves, not o"

Wrong = list[tuple[Expr, str]]
"""Wrong formulas and what is wrong with them; nothing is, where a padding of 0 or the like is left out."""


def channel_slips(spatial: tuple[Expr, ...], channels: tuple[Expr, ...], depth: Expr | None) -> Iterator[Slip]:
    """Explain outputs without channels, or with those of the input."""
    if channels:
        yield Slip(spatial, "the channels of the output are missing: one per filter")
    if depth is not None:
        yield Slip((*spatial, depth), "the output has one channel per filter, not those of the input")


def kept_channel_slips(spatial: tuple[Expr, ...], channels: tuple[Expr, ...]) -> Iterator[Slip]:
    """Explain outputs of a pooling without channels, or with the channels pooled away."""
    if channels:
        yield Slip(spatial, "the channels of the output are missing: pooling keeps them")
        yield Slip((*spatial, ONE), "pooling works on every channel by itself, so all of them stay")


def size_slips(axes: Sequence[Window], channels: tuple[Expr, ...]) -> Iterator[Slip]:
    """Work the common wrong formulas out on every axis; where the axes differ, the first one's reason is given."""
    for wrong in zip(*(_wrong(w) for w in axes), strict=True):
        formulas = tuple(w.at(formula) for w, (formula, _) in zip(axes, wrong, strict=True))
        if wrong[0][1]:
            yield Slip((*formulas, *channels), wrong[0][1], "size")


def _wrong(w: Window) -> Wrong:
    if w.rounds_up:
        return _wrong_sizes_up(w)
    return _wrong_same_sizes(w) if w.same else _wrong_sizes(w)


def _wrong_sizes(w: Window) -> Wrong:
    s, room = unicode(w.at(w.s)), w.written_room
    strides, pads, gaps = w.at(w.s) != ONE, w.at(w.p) != ZERO, w.d != ONE
    bare = w.n - w.span
    return [
        (floor(w.room / w.s), "the + 1 is missing: the place where the window starts counts too"),
        (w.room / w.s + 1, f"right only when {s} divides {room}; otherwise take the floor" if strides else ""),
        (ceil(w.room / w.s) + 1, "rounded up: the last window would stick out" if strides else ""),
        (floor((bare + w.p) / w.s) + 1, BOTH_ENDS if pads else ""),
        (floor(bare / w.s) + 1, "the padding is missing" if pads else ""),
        (floor((w.padded - w.k) / w.s) + 1, "a dilated window spans d(k − 1) + 1 entries, not k" if gaps else ""),
        (
            floor((w.padded - w.d * w.k) / w.s) + 1,
            "a dilated window spans d(k − 1) + 1 entries, not dk" if gaps else "",
        ),
        (w.room + 1, "the stride is missing" if strides else ""),
        (floor(w.padded / w.s) - w.span + 1, f"the stride divides all of {room}, the kernel too" if strides else ""),
        (ceil(w.n / w.s), "that is the output with 'same' padding"),
    ]


def _wrong_sizes_up(w: Window) -> Wrong:
    covering, pads = ceil(w.room / w.s) + 1, w.at(w.p) != ZERO
    starts = "a window that would start behind the input and the padding before it is dropped"
    return [
        (covering, starts if w.at(covering) != w.answer else ""),
        (floor(w.room / w.s) + 1, "rounded down, but --ceil rounds up"),
        (ceil(w.room / w.s), "the + 1 is missing: the place where the window starts counts too"),
        (w.room / w.s + 1, "not a whole number: --ceil rounds the quotient up"),
        (ceil((w.n + w.p - w.span) / w.s) + 1, BOTH_ENDS if pads else ""),
        (ceil((w.n - w.span) / w.s) + 1, "the padding is missing" if pads else ""),
        (w.room + 1, "the stride is missing: it is the kernel unless it is given"),
    ]


def _wrong_same_sizes(w: Window) -> Wrong:
    return [
        (w.n / w.s, f"right only when {unicode(w.at(w.s))} divides {unicode(w.at(w.n))}; 'same' rounds up"),
        (floor(w.n / w.s), "rounded down, but 'same' rounds up"),
        (w.n, "the stride is missing"),
        (floor((w.n - w.span) / w.s) + 1, "that is the output without padding ('valid')"),
    ]


def solution_slips(unknown: str, w: Window) -> Iterator[Slip]:
    """Explain what comes out of the common wrong equations."""
    pads, gaps, end = w.at(w.p) != ZERO, w.d != ONE, w.o * w.s
    wrong: dict[str, Wrong] = {
        "input": [
            (w.last + w.span, "the padding is missing: it is not part of the input" if pads else ""),
            (w.last + w.span - w.p, BOTH_ENDS if pads else ""),
            (end + w.span - 2 * w.p, MOVES),
        ],
        "kernel": [
            (w.n - w.last, "the padding is missing" if pads and not gaps else ""),
            (w.n + w.p - w.last, BOTH_ENDS if pads and not gaps else ""),
            (w.padded - w.last, "that is what the dilated window spans, d(k − 1) + 1" if gaps else ""),
            (w.padded - end, MOVES),
        ],
        "stride": [(w.room / w.o, MOVES), (w.n / w.o, "the kernel counts too: the window moves n + 2p − k")],
        "padding": [
            (w.excess, "that is both ends together; half of it at each end"),
            ((end + w.span - w.n) / expr(2), MOVES),
        ],
        "dilation": [
            (w.padded - w.last, "that is what the window spans, d(k − 1) + 1"),
            ((w.padded - w.last - 1) / w.k, "a kernel of k has k − 1 gaps"),
        ],
    }
    yield from (Slip(w.at(formula), because, "inside") for formula, because in wrong[unknown] if because)


def filter_slips(filter_size: tuple[Expr, ...], filters: Expr | None) -> Iterator[Slip]:
    """Explain filters without depth, or with a wrong one."""
    flat = filter_size[:-1]
    yield Slip(flat, "a filter spans all channels of the input, so it has their depth too")
    if filters is not None:
        yield Slip((*flat, filters), "the depth of a filter is that of the input, not the number of filters")
