"""Renderers: pure functions from a Solution to text, one module per format.

Each module has `render(solution, layout) -> str`; only the command line prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from dlcalc.solution import Solution

FORMATS = ("text", "plain", "markdown", "latex", "json", "csv")
GRAPHS = ("dot", "mermaid")
"""Formats of the questions that have a graph."""
DRAWINGS = ("svg",)
"""Formats of the questions that have curves."""
DRAWN_BELOW = ("text", "plain")
"""The formats below which `--plot` draws."""


@dataclass(frozen=True)
class Layout:
    """What a reader asked for."""

    steps: bool = True
    decimals: int | None = None
    width: int | None = None
    """Columns of the terminal; None where nothing wraps."""
    colour: bool = False
    get: tuple[str, ...] = ()
    """Names of the answers to show; all of them when empty."""
    plot: bool = False
    """Draw the curves below the solution."""


def render(solution: Solution, form: str, layout: Layout) -> str:
    """Render a solution in one of the `FORMATS`, or as the document that it has in a format."""
    if form in solution.documents:
        return solution.documents[form]()
    if form in GRAPHS:
        raise DlcalcError(f"{solution.topic} has no graph", f"use --format {', '.join(FORMATS)}")
    if layout.plot and form not in DRAWN_BELOW:
        raise DlcalcError(
            "--plot draws below the text of a solution", "leave the other option out, or use --format svg"
        )
    if (layout.plot or form in DRAWINGS) and not solution.plots:
        fix = f"use --format {', '.join(FORMATS)}" if form in DRAWINGS else "give numbers, or leave --plot out"
        raise DlcalcError(f"there is nothing to plot in this answer of {solution.topic}", fix)
    module = import_module(f"dlcalc.render.{form}")
    written: str = module.render(solution, layout)
    return written
