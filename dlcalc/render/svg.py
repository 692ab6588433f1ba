"""The plots of a solution as one SVG document, self-contained and without scripts; needs the optional package pygal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from dlcalc.plot import grouped, needed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.plot import Plot
    from dlcalc.render import Layout
    from dlcalc.solution import Solution

WIDTH, HEIGHT = 800, 480
SPACE = "http://www.w3.org/2000/svg"
COLOURS = ("#1f6fb4", "#c8401f", "#2e8b57", "#8e44ad", "#00808a", "#b8860b", "#5d6d7e", "#000000")
DOTS = 60
"""Curves of at most so many points show each of them."""


def render(solution: Solution, _layout: Layout) -> str:
    """Write the plots below one another."""
    height = HEIGHT * len(solution.plots)
    root = ET.Element("svg", xmlns=SPACE, viewBox=f"0 0 {WIDTH} {height}", width=str(WIDTH), height=str(height))
    for index, plot in enumerate(solution.plots):
        chart = _chart(plot, index)
        chart.attrib |= {"y": str(index * HEIGHT), "width": str(WIDTH), "height": str(HEIGHT)}
        root.append(chart)
    return ET.tostring(root, encoding="unicode")


def _chart(plot: Plot, index: int) -> ET.Element:
    """Draw one plot; a curve with a jump is one series with a gap. Its styles are under a name of its own."""
    pygal = needed("pygal")
    sys.meta_path[:] = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]  # it leaves one that warns
    curves = grouped(plot)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(curves))]
    chart = pygal.XY(
        title=plot.title,
        x_title=plot.across,
        y_title=plot.up,
        width=WIDTH,
        height=HEIGHT,
        allow_interruptions=True,
        truncate_legend=-1,
        legend_at_bottom=True,
        js=(),
        style=pygal.style.CleanStyle(
            colors=tuple(colours),
            background="white",
            plot_background="white",
            guide_stroke_color="#dddddd",
            major_guide_stroke_color="#bbbbbb",
        ),
        stroke_style={"width": 2},
        formatter=_number,
    )
    chart.uuid = str(index)  # random otherwise
    for name, pieces in curves:
        points = [*_with_gaps(pieces)]
        chart.add(name, points, show_dots=len(points) <= DOTS, dots_size=2.5)
    return _bare(chart.render_tree())


def _with_gaps(pieces: list[Any]) -> Iterator[Any]:
    """Put nothing between the pieces of a curve, where its line is not drawn."""
    for index, piece in enumerate(pieces):
        if index:
            yield None
        yield from piece


def _number(value: Any) -> str:  # noqa: ANN401 (a number, or the pair that a point is)
    """Write a number, or a point, in few characters."""
    return ", ".join(map(_number, value)) if isinstance(value, tuple | list) else f"{value:.4g}"


def _bare(chart: ET.Element) -> ET.Element:
    """Remove what a document that stands alone must not have: comments with a date, scripts."""
    chart.attrib.pop("xmlns", None)
    for parent in list(chart.iter()):
        for child in list(parent):
            if callable(child.tag) or child.tag == "script":  # the tag of a comment is a function
                parent.remove(child)
    return chart
