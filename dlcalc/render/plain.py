"""Plain ASCII text, one line per item, nothing wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.render import lines

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Solution


def render(solution: Solution, layout: Layout) -> str:
    """Write answers, marks, steps, checks, and what they rest on."""
    spelling = lines.script(solution, ascii=True)
    answers = [solution[name] for name in layout.get] or solution.answers
    out = [lines.answer_line(answer, spelling, layout) for answer in answers]
    out += [lines.mark_line(mark, spelling) for mark in solution.marks]
    out += [f"note: {spelling.prose(note)}" for note in solution.notes]
    if layout.steps:
        previous = None
        for index, step in enumerate(solution.steps, 1):
            holds = step.check.holds if step.check is not None else None
            text = lines.step_text(step, previous, spelling)
            out.append(f"{index}. {text}  [{spelling.prose(step.because)}] {spelling.mark(holds)}")
            previous = step
        out += lines.check_lines(solution, spelling)
    out += [f"convention: {spelling.prose(text)}" for text in solution.conventions]
    out += [f"assumes: {spelling.prose(text)}" for text in solution.assumptions]
    return "\n".join(out)
