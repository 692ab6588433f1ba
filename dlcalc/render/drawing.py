"""Plots drawn with characters, below a solution on a terminal; needs the optional package plotille."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.plot import grouped, needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlcalc.plot import Plot
    from dlcalc.render import Layout
    from dlcalc.solution import Solution

HEIGHT = 16
WIDEST = 76
"""Columns of the longest horizontal axis."""
NARROWEST = 20
BESIDE = 19
"""Columns that the numbers of the vertical axis, the arrow and the margins take."""
EVERY_POINT = 30
"""Curves of at most so many points have a mark on each; longer ones on a few, `APART` of them."""
APART = 12
MARKS = "ox+*#@%&"
COLOURS = ("blue", "red", "green", "magenta", "cyan", "yellow")
BLANK = "\u2800"
"""Braille without a dot."""
_BRAILLE = range(ord(BLANK), 0x2900)


def drawn(solution: Solution, layout: Layout, spell: Callable[[str], str], *, ascii: bool) -> str:
    """Draw every plot of a solution, one below the other."""
    return "\n\n".join(_drawn(plot, layout, spell, ascii=ascii) for plot in solution.plots)


def _drawn(plot: Plot, layout: Layout, spell: Callable[[str], str], *, ascii: bool) -> str:
    """Draw one plot: its title, the axes with the curves, and which mark stands for which curve."""
    figure = needed("plotille").Figure()
    beside = BESIDE + len(spell(plot.across))
    figure.width = max(NARROWEST, min(WIDEST, (layout.width or WIDEST + beside) - beside))
    figure.height = HEIGHT
    figure.linesep = "\n"
    figure.with_colors = layout.colour
    figure.x_label, figure.y_label = spell(plot.across), spell(plot.up)
    figure.x_ticks_fkt = figure.y_ticks_fkt = _tick
    curves = grouped(plot)
    pieces = [points for _, several in curves for points in several]
    for axis, limit in enumerate((figure.set_x_limits, figure.set_y_limits)):
        numbers = [point[axis] for points in pieces for point in points]
        limit(*_around(min(numbers, default=0.0), max(numbers, default=1.0)))
    legend = []
    for index, (name, several) in enumerate(curves):
        mark, colour = MARKS[index % len(MARKS)], COLOURS[index % len(COLOURS)]
        total = sum(map(len, several))
        step = 1 if total <= EVERY_POINT else total // APART
        for points in several:
            across, up = zip(*points, strict=True)
            figure.plot(across, up, lc=colour)
            start = 0 if step == 1 else index * step // len(curves)
            figure.scatter(across[start::step], up[start::step], lc=colour, marker=mark)
        legend.append(f"{mark} {spell(name)}")
    text: str = figure.show(legend=False)
    lines = [(_ascii(line) if ascii else line.replace(BLANK, " ")).rstrip() for line in text.split("\n")]
    return "\n".join([spell(plot.title), *lines, "   ".join(legend)])


def _around(low: float, high: float) -> tuple[float, float]:
    """Leave a little room around the numbers; a single number gets an interval of its own."""
    room = (high - low) * 0.05 or abs(low) * 0.5 or 1.0
    return low - room, high + room


def _tick(low: Any, _high: Any) -> str:  # noqa: ANN401 (plotille's numbers)
    """Write a number beside an axis in few characters."""
    return f"{low:.4g}"


def _ascii(line: str) -> str:
    """Write dots of Braille as a point or a colon, whichever is nearer."""
    return "".join(_dots(ord(c) - _BRAILLE.start) if ord(c) in _BRAILLE else c for c in line)


def _dots(pattern: int) -> str:
    count = pattern.bit_count()
    return " " if not count else "." if count <= 2 else ":"  # noqa: PLR2004 (a quarter of the eight dots)
