"""Markdown with LaTeX mathematics, for notebooks and course pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.render import lines, tables
from dlcalc.render.latex import answer_formula, step_formula
from dlcalc.table import cell_text

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Solution


def render(solution: Solution, layout: Layout) -> str:
    """Write the answers as a list, the derivation as a table, then checks and assumptions."""
    spelling = lines.script(solution, ascii=False)
    out = [f"## {solution.topic}", ""]
    out += [f"- ${answer_formula(answer, solution)}$" for answer in lines.wanted(solution, layout)]
    out += [f"- {lines.mark_line(mark, spelling)}" for mark in solution.marks]
    out += [f"- note: {note}" for note in solution.notes]
    for table in tables.wanted(solution, layout):
        out += ["", f"| {' | '.join(table.columns)} |", "|---" * len(table.columns) + "|"]
        rows = ([cell_text(cell).replace("|", r"\|") for cell in row] for row in table.rows)
        out += [f"| {' | '.join(row)} |" for row in rows]
    if layout.steps:
        out += ["", "| | step | because | |", "|---|---|---|---|"]
        for index, step in enumerate(solution.steps, 1):
            cells = f"${step_formula(step, solution)}$ | {step.because}".split(" | ")
            formula, because = (cell.replace("|", r"\|") for cell in (cells[0], " | ".join(cells[1:])))
            out.append(f"| {index} | {formula} | {because} | {lines.step_mark(step, spelling)} |")
        out += ["", *(f"- {spelling.mark(holds=h)} {line}" for h, line in lines.check_lines(solution, spelling))]
    out += [""] if solution.conventions or solution.assumptions else []
    out += [f"- convention: {text}" for text in solution.conventions]
    out += [f"- assumes: {text}" for text in solution.assumptions]
    return "\n".join(out)
