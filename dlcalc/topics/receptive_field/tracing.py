"""Brute force for receptive fields: entries of the output traced back through every window; it knows no recurrence."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.notation.evaluate import PLAIN
from dlcalc.sliding.pooling import slid_up
from dlcalc.sliding.windows import dealt, lacking, slid, starts
from dlcalc.topics.receptive_field.fields import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlcalc.notation.expression import Expr
    from dlcalc.topics.receptive_field.fields import Part

MAX_VISITED = 2_000_000
"""Entries that a trace visits; what would take more has no such check."""


class Traced(NamedTuple):
    """What was found by tracing."""

    extent: int
    jump: int
    start: Fraction
    before: int


class TooFarError(ArithmeticError):
    """A trace would visit too many entries."""


Window = tuple[int, int, int, int]
"""Kernel, stride, padding before, dilation."""


def windows(parts: Sequence[Part], point: Mapping[str, Any], size: Expr | None) -> list[Window]:
    """Write the layers out in numbers; the zeros of `same` are counted, where they depend on the size."""
    length = None if size is None else int(PLAIN.value(size, point))
    return _windows(parts, point, length)[0]


def _windows(parts: Sequence[Part], point: Mapping[str, Any], length: int | None) -> tuple[list[Window], int | None]:
    found: list[Window] = []
    for part in parts:
        if isinstance(part, Layer):
            k, s, d = (int(PLAIN.value(e, point)) for e in (part.k, part.s, part.d))
            layer = {"kernel": k, "stride": s, "dilation": d}
            if part.p is not None and part.q is not None:
                p, q = (int(PLAIN.value(zeros, point)) for zeros in (part.p, part.q))
                if length is not None and part.ceil:
                    length = slid_up(input=length, padding=p, **layer)
                elif length is not None:
                    length = slid(input=length, padding=p, after=q, **layer)
            else:  # at stride 1 any size tells how many zeros there are
                p = dealt(lacking(input=length or d * k, **layer))[0]
                length = None if length is None else starts(length, s)
            found.append((k, s, p, d))
        else:
            for _ in range(int(PLAIN.value(part.times, point))):
                inner, length = _windows(part.part, point, length)
                found += inner
    return found, length


def seen(layers: Sequence[Window], entry: int) -> set[int]:
    """Return all entries of the input that an entry of the output depends on.

    >>> sorted(seen([(3, 2, 1, 1), (2, 1, 0, 1)], 0))
    [-1, 0, 1, 2, 3]
    """
    found, visited = {entry}, 0
    for kernel, stride, padding, dilation in reversed(layers):
        visited += len(found) * kernel
        if visited > MAX_VISITED:
            raise TooFarError
        found = {place * stride - padding + tap * dilation for place in found for tap in range(kernel)}
    return found


def traced(layers: Sequence[Window]) -> Traced:
    """Trace the first entry of the output and its neighbour.

    >>> traced([(3, 1, 0, 1), (3, 1, 0, 1)]).extent
    5
    """
    first, neighbour = seen(layers, 0), seen(layers, 1)
    low, high = min(first), max(first)
    return Traced(high - low + 1, min(neighbour) - low, Fraction(low + high, 2), -low)
