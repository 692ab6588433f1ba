"""Text for a terminal: the answer first, then each line of work with its reason and its mark, drawn by Rich."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dlcalc.render import lines

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Solution

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
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _draw(console: Console, solution: Solution, layout: Layout) -> None:
    spelling = lines.script(solution, ascii=False)
    answers = [solution[name] for name in layout.get] or solution.answers
    for answer in answers:
        principal = answer in solution.principal_answers
        console.print(Text(lines.answer_line(answer, spelling, layout), style="bold" if principal else ""))
    for mark in solution.marks:
        style = {True: "green", False: "red", None: "yellow"}[mark.correct]
        console.print(Text(lines.mark_line(mark, spelling), style=style))
    for note in solution.notes:
        console.print(Text(f"note: {note}", style="yellow"))
    if layout.steps and solution.steps:
        console.print()
        console.print(_derivation(solution, spelling, layout))
        console.print()
        for line in lines.check_lines(solution, spelling):
            console.print(_hanging(line, "red" if line.startswith("✗") else "green"))
    rest = [("convention", text) for text in solution.conventions] + [("assumes", text) for text in solution.assumptions]
    if rest:
        console.print()
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        for kind, text in rest:
            table.add_row(kind, Text(text))
        console.print(table)


def _hanging(line: str, style: str) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style=style)
    table.add_column()
    table.add_row(line[0], Text(line[2:]))
    return table


def _derivation(solution: Solution, spelling: lines.Script, layout: Layout) -> Table:
    beside = layout.width is None or layout.width >= NARROW
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column()
    if beside:
        table.add_column(style="dim")
    table.add_column()
    previous = None
    for index, step in enumerate(solution.steps, 1):
        holds = step.check.holds if step.check is not None else None
        mark = Text(spelling.mark(holds), style="green" if holds else "red")
        text = Text(lines.step_text(step, previous, spelling))
        if beside:
            table.add_row(f"  {index}", text, Text(step.because), mark)
        else:
            table.add_row(f"  {index}", text, mark)
            table.add_row("", Text(f"  {step.because}", style="dim"), "")
        previous = step
    return table
