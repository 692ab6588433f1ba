"""Markdown with LaTeX mathematics, for notebooks and course pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.printing import latex
from dlcalc.render import lines

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Solution, Step


def render(solution: Solution, layout: Layout) -> str:
    """Write the answers as a list, the derivation as a table, then checks and assumptions."""
    spelling = lines.script(solution, ascii=False)
    answers = [solution[name] for name in layout.get] or solution.answers
    out = [f"## {solution.topic}", ""]
    out += [f"- {_answer(answer, solution)}" for answer in answers]
    out += [f"- {lines.mark_line(mark, spelling)}" for mark in solution.marks]
    out += [f"- note: {note}" for note in solution.notes]
    if layout.steps and solution.steps:
        out += ["", "| | step | because | |", "|---|---|---|---|"]
        for index, step in enumerate(solution.steps, 1):
            holds = step.check.holds if step.check is not None else None
            out.append(f"| {index} | ${_step(step, solution)}$ | {_cell(step.because)} | {spelling.mark(holds)} |")
        out += ["", *(f"- {line}" for line in lines.check_lines(solution, spelling))]
    rest = [f"- convention: {text}" for text in solution.conventions] + [f"- assumes: {text}" for text in solution.assumptions]
    return "\n".join([*out, *([""] if rest else []), *rest])


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _answer(answer: Answer, solution: Solution) -> str:
    display = solution.setting.display
    if answer.form == "size" and isinstance(answer.value, tuple):
        value = r" \times ".join(latex(v, display) for v in answer.value)
    else:
        value = latex(answer.value, display)
    label = latex(answer.label, display) if answer.label is not None else rf"\text{{{answer.name}}}".replace("_", r"\_")
    return f"${label} = {value}$"


def _step(step: Step, solution: Solution) -> str:
    relation = {"<=": r"\le", ">=": r"\ge"}.get(step.relation, step.relation)
    display = solution.setting.display
    return _cell(f"{latex(step.before, display)} {relation} {latex(step.after, display)}")
