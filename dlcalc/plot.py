"""Curves that belong to a solution, as numbers; how they are drawn is a renderer's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Points = tuple[tuple[float, float], ...]


class Curve(NamedTuple):
    """A named row of points; a curve with a jump is several curves of one name."""

    name: str
    points: Points


class Plot(NamedTuple):
    """Curves over one pair of axes, made when somebody looks."""

    title: str
    across: str
    """What the horizontal axis is."""
    up: str
    """What the vertical axis is."""
    make: Callable[[], Iterable[Curve]]
