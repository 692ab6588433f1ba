"""Plain ASCII text, one line per item, nothing wrapped."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from dlcalc.render import drawing, lines, tables

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Solution


def render(solution: Solution, layout: Layout) -> str:
    """Write answers, marks, steps, checks, and what they rest on."""
    spelling = lines.script(solution, ascii=True)
    out = [lines.answer_line(answer, spelling, layout) for answer in lines.wanted(solution, layout)]
    out += [lines.mark_line(mark, spelling) for mark in solution.marks]
    out += [f"note: {spelling.prose(note)}" for note in solution.notes]
    for table in tables.wanted(solution, layout):
        out += [spelling.prose(line) for line in tables.drawn(table, ascii=True, width=layout.width)]
    if layout.steps:
        for index, (previous, step) in enumerate(pairwise((None, *solution.steps)), 1):
            if step is not None:
                text = lines.step_text(step, previous, spelling)
                out.append(f"{index}. {text}  [{spelling.prose(step.because)}] {lines.step_mark(step, spelling)}")
        out += [f"{spelling.mark(holds=holds)} {line}" for holds, line in lines.check_lines(solution, spelling)]
    out += [f"convention: {spelling.prose(text)}" for text in solution.conventions]
    out += [f"assumes: {spelling.prose(text)}" for text in solution.assumptions]
    if layout.plot:
        out += ["", drawing.drawn(solution, layout, spelling.prose, ascii=True)]
    return "\n".join(out)
