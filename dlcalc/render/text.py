"""Text for a terminal: the answer first, then each line of work with its reason and its mark, drawn by Rich."""

from __future__ import annotations

from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dlcalc.render import drawing, lines, tables

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Solution

_STYLES = {True: "green", False: "red", None: "yellow"}
UNBOUNDED = 100_000
NARROW = 100
"""Below this width the reason of a step stands under it, not beside it."""


def render(solution: Solution, layout: Layout) -> str:
    """Lay the solution out for a width; without one, nothing wraps."""
    out = StringIO()
    console = Console(
        file=out,
        width=layout.width or UNBOUNDED,
        force_terminal=layout.colour,
        color_system="standard" if layout.colour else None,
        no_color=not layout.colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    _draw(console, solution, layout)
    text = "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))
    if not layout.plot:
        return text
    spelling = lines.script(solution, ascii=False)
    return f"{text}\n\n{drawing.drawn(solution, layout, spelling.prose, ascii=False)}"


def _draw(console: Console, solution: Solution, layout: Layout) -> None:
    spelling = lines.script(solution, ascii=False)
    for answer in lines.wanted(solution, layout):
        style = "bold" if answer in solution.principal_answers else ""
        console.print(Text(lines.answer_line(answer, spelling, layout), style=style))
    for mark in solution.marks:
        console.print(Text(lines.mark_line(mark, spelling), style=_STYLES[mark.correct]))
    for note in solution.notes:
        console.print(Text(f"note: {note}", style="yellow"))
    for table in tables.wanted(solution, layout):
        console.print()
        console.print(Text("\n".join(tables.drawn(table, ascii=False, width=layout.width))), soft_wrap=True)
    if layout.steps:
        console.print()
        console.print(_derivation(solution, spelling, beside=(layout.width or UNBOUNDED) >= NARROW))
        console.print()
        console.print(
            _table([(spelling.mark(holds=h), line, _STYLES[h]) for h, line in lines.check_lines(solution, spelling)])
        )
    rest = [("convention", text, "dim") for text in solution.conventions]
    rest += [("assumes", text, "dim") for text in solution.assumptions]
    if rest:
        console.print()
        console.print(_table(rest))


def _table(rows: list[tuple[str, str, str]]) -> Table:
    """Lay out lines with something before them, wrapped with a hanging indent."""
    table = Table.grid(padding=(0, 1))
    for before, line, style in rows:
        table.add_row(Text(before, style=style), Text(line))
    return table


def _derivation(solution: Solution, spelling: lines.Script, *, beside: bool) -> Table:
    """Lay out the steps: number, mathematics, reason (beside it, or under it on a narrow screen), mark."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    for index, (previous, step) in enumerate(pairwise((None, *solution.steps)), 1):
        if step is None:
            continue
        mark = Text(lines.step_mark(step, spelling), style=_STYLES[None if step.check is None else step.check.holds])
        text, because = Text(lines.step_text(step, previous, spelling)), Text(step.because, style="dim")
        if beside:
            table.add_row(f"  {index}", text, because, mark)
        else:
            table.add_row(f"  {index}", text, mark)
            table.add_row("", Text("  ") + because, "")
    return table
