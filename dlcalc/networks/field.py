"""What an output entry sees of the input along one axis: the receptive field, exactly.

Entry o sees the input entries from `first + o·jump` to `first + size − 1 + o·jump`, those of the padding included, so
`first` may be negative. Behind a transposed convolution neighbouring entries see fields of their own: then `phases`
holds an interval for each of P neighbours, and the entry P further sees one that is shifted by `advance`.
Source: Araujo, Norris and Sim, Computing receptive fields of convolutional neural networks, Distill (2019).
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.networks.quantities import Quantity, quotient, tidy
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import expr
from dlcalc.solution import symbols

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PHASES = 4_096
"""Neighbouring entries whose fields are told apart; beyond it the field is not told."""


class Field(NamedTuple):
    """The intervals that neighbouring entries see, and how far the field moves with as many entries."""

    phases: tuple[tuple[Quantity, Quantity], ...]
    """The first entry seen, and how many."""
    advance: Quantity

    @property
    def size(self) -> Quantity:
        """Entries of the input that one entry sees; the most, where neighbours differ."""
        if len(self.phases) == 1:
            return self.phases[0][1]
        return max(size for _, size in self.phases if isinstance(size, int))

    @property
    def jump(self) -> Quantity:
        """How far the field moves from one entry to the next."""
        return self.advance if len(self.phases) == 1 else quotient(self.advance, len(self.phases))

    @property
    def start(self) -> Quantity:
        """The centre of the first entry's field; 0 is the centre of the first input entry."""
        first, size = self.phases[0]
        return tidy(quotient(2 * first + size - 1, 2))

    def interval(self, entry: int) -> tuple[int, int]:
        """Return the first and the last input entry that an entry sees, in numbers."""
        turns, phase = divmod(entry, len(self.phases))
        first, size = self.phases[phase]
        if not (isinstance(first, int) and isinstance(size, int) and isinstance(self.advance, int)):
            raise TypeError(self)
        return first + turns * self.advance, first + size - 1 + turns * self.advance


Fields = tuple[Field, ...]
"""A field per spatial axis; none where an entry sees the whole input, or is not known to see less."""

POINT = Field(((0, 1),), 1)
"""The field of an input entry: itself."""


def slid(field: Field, kernel: Quantity, stride: Quantity, before: Quantity, dilation: Quantity = 1) -> Field | None:
    """Slide a window over entries with this field.

    >>> slid(slid(POINT, 3, 2, 0), 3, 1, 0).size
    7
    """
    if len(field.phases) == 1:
        first, size = field.phases[0]
        moved = (tidy(first - before * field.advance), tidy(size + (kernel - 1) * dilation * field.advance))
        return Field((moved,), tidy(stride * field.advance))
    if not all(isinstance(q, int) for q in (kernel, stride, before, dilation, field.advance)):
        return None
    return _slid_over_phases(field, kernel, stride, before, dilation)  # type: ignore[arg-type]  # all are int


def _slid_over_phases(field: Field, kernel: int, stride: int, before: int, dilation: int) -> Field:
    period = len(field.phases) // gcd(len(field.phases), stride)
    turns = period * stride // len(field.phases)
    starts = (entry * stride - before for entry in range(period))
    seen = ([field.interval(start + t * dilation) for t in range(kernel)] for start in starts)
    return Field(tuple(map(_hull, seen)), tidy(field.advance * turns))


def _hull(intervals: list[tuple[int, int]]) -> tuple[int, int]:
    first = min(low for low, _ in intervals)
    return first, max(high for _, high in intervals) - first + 1


def spread(field: Field, kernel: Quantity, stride: Quantity, before: Quantity, dilation: Quantity = 1) -> Field | None:
    """Spread entries by a transposed convolution: entry o receives from entry i where o = i·s − p + t·d, 0 ≤ t < k.

    None where an entry receives nothing, where there are symbols, or more than `MAX_PHASES` differ.

    >>> [spread(POINT, k, 2, 0).size for k in (2, 3, 4)]
    [1, 2, 2]
    """
    if stride == 1 and all(isinstance(q, int) for q in (kernel, before, dilation)):
        return slid(field, kernel, 1, (kernel - 1) * dilation - before, dilation)
    held = (kernel, before, dilation, field.advance, *(q for phase in field.phases for q in phase))
    if not isinstance(stride, int) or not all(isinstance(q, int) for q in held):
        return None
    period = len(field.phases) * stride
    if period > MAX_PHASES:
        return None
    seen = []
    for entry in range(period):
        senders = [field.interval(i) for i in _senders(entry, kernel, stride, before, dilation)]  # type: ignore[arg-type]
        if not senders:
            return None
        seen.append(_hull(senders))
    return Field(tuple(seen), field.advance)


def _senders(entry: int, kernel: int, stride: int, before: int, dilation: int) -> Iterator[int]:
    for t in range(kernel):
        at, rest = divmod(entry + before - t * dilation, stride)
        if rest == 0:
            yield at


def joined(fields: list[Fields | None]) -> Fields | None:
    """See what several branches see together; None where they move differently or one sees everything."""
    first, *others = fields
    for other in others:
        if first is other:
            continue
        if first is None or other is None or len(first) != len(other):
            return None
        axes = tuple(_both(a, b) for a, b in zip(first, other, strict=True))
        if None in axes:
            return None
        first = tuple(axis for axis in axes if axis is not None)
    return first


def _both(a: Field, b: Field) -> Field | None:
    if a == b:
        return a
    if a.jump != b.jump:
        return None
    if len(a.phases) == len(b.phases) == 1:
        return _both_in_symbols(a, b)
    period = len(a.phases) * len(b.phases) // gcd(len(a.phases), len(b.phases))
    seen = tuple(_hull([a.interval(entry), b.interval(entry)]) for entry in range(period))
    return Field(seen, tidy(a.advance * (period // len(a.phases))))


def _both_in_symbols(a: Field, b: Field) -> Field | None:
    """Unite two intervals; with symbols only where one lies in the other, whatever they are."""
    (first, size), (other, more) = a.phases[0], b.phases[0]
    ends = (first, tidy(first + size - 1), other, tidy(other + more - 1))
    if all(isinstance(end, int) for end in ends):
        low, high = min(ends[0], ends[2]), max(ends[1], ends[3])  # type: ignore[type-var]  # all are int
        return Field(((low, high - low + 1),), a.advance)
    points = [{name: n + i for i, name in enumerate(sorted(symbols(*map(expr, ends))))} for n in range(1, 8)]
    found = [[PLAIN.value(expr(end), point) for end in ends] for point in points]
    if all(low <= inner and high >= last for low, high, inner, last in found):
        return a
    return b if all(low >= outer and high <= last for low, high, outer, last in found) else None


def shown(fields: Fields | None) -> tuple[Quantity, ...] | None:
    """Return the sizes of a field per axis, or nothing."""
    return None if fields is None else tuple(field.size for field in fields)
