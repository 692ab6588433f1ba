"""Curves that belong to a solution, as numbers; how they are drawn is a renderer's business."""

from __future__ import annotations

from importlib import import_module
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Points = tuple[tuple[float, float], ...]
LARGEST = 1e150
"""Numbers beyond this are not drawn: the packages that draw square them."""


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


def grouped(plot: Plot) -> list[tuple[str, list[Points]]]:
    """Return the curves of a plot by name, each with its pieces; what cannot be drawn ends a piece.

    >>> grouped(Plot("t", "x", "y", lambda: [Curve("a", ((0.0, 1.0), (1.0, float("inf")), (2.0, 2.0)))]))
    [('a', [((0.0, 1.0),), ((2.0, 2.0),)])]
    """
    found: dict[str, list[Points]] = {}
    for curve in plot.make():
        pieces = found.setdefault(curve.name, [])
        piece: list[tuple[float, float]] = []
        for point in curve.points:
            if all(isfinite(number) and abs(number) <= LARGEST for number in point):
                piece.append(point)
            elif piece:
                pieces.append(tuple(piece))
                piece = []
        if piece:
            pieces.append(tuple(piece))
    return list(found.items())


def needed(package: str) -> Any:  # noqa: ANN401 (a module that may not be installed)
    """Import a package that draws, or say how to get it.

    Raises DlcalcError where it is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        raise DlcalcError(
            f"drawing needs the package {package}, which is not installed", "pip install 'dlcalc-exam[plot]'"
        ) from None
