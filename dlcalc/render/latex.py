"""LaTeX: the answers and the derivation as aligned equations, to paste into the body of a document (amsmath)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import Add
from dlcalc.notation.printing import latex
from dlcalc.render import lines, tables
from dlcalc.table import cell_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Solution, Step

RELATIONS = {"<=": r"\le", ">=": r"\ge"}
_TEXT = str.maketrans(
    {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "^": r"\^{}", "~": r"\~{}"}
)


def render(solution: Solution, layout: Layout) -> str:
    """Write align* environments; the reasons stand as text at the right, the rest as comments."""
    out = [
        r"\begin{align*}",
        *(rf"  {answer_formula(answer, solution, '&=')} \\" for answer in lines.wanted(solution, layout)),
        r"\end{align*}",
    ]
    for table in tables.wanted(solution, layout):
        out += [rf"\begin{{tabular}}{{{'l' * len(table.columns)}}}", _row(table.columns)]
        out += [_row([cell_text(cell) for cell in row]) for row in table.rows]
        out.append(r"\end{tabular}")
    if layout.steps:
        out += [r"\begin{align*}", *(_step_line(step, solution) for step in solution.steps), r"\end{align*}"]
        spelling = lines.script(solution, ascii=True)
        out += [f"% {spelling.mark(holds=holds)} {line}" for holds, line in lines.check_lines(solution, spelling)]
    out += [f"% {lines.mark_line(mark, lines.script(solution, ascii=True))}" for mark in solution.marks]
    out += [f"% note: {text}" for text in solution.notes]
    out += [f"% convention: {text}" for text in solution.conventions]
    out += [f"% assumes: {text}" for text in solution.assumptions]
    return "\n".join(out)


def _row(cells: Sequence[str]) -> str:
    """Write a row of a tabular."""
    return "  " + " & ".join(cell.translate(_TEXT) for cell in cells) + r" \\"


def _step_line(step: Step, solution: Solution) -> str:
    return rf"  {step_formula(step, solution, '&')} && \text{{{step.because.translate(_TEXT)}}} \\"


def answer_formula(answer: Answer, solution: Solution, equals: str = "=") -> str:
    """Write an answer as an equation."""
    display = solution.setting.display
    label = rf"\text{{{answer.name.translate(_TEXT)}}}" if answer.label is None else latex(answer.label, display)
    return f"{label} {equals} {value_formula(answer, solution)}"


def value_formula(answer: Answer, solution: Solution) -> str:
    """Write the value of an answer."""
    display = solution.setting.display
    value = answer.value
    if answer.form == "size" and isinstance(value, tuple):
        axes = [latex(axis, display) for axis in value]
        several = len(axes) > 1
        return r" \times ".join(
            rf"\left({text}\right)" if several and isinstance(axis, Add) else text
            for axis, text in zip(value, axes, strict=True)
        )
    return latex(value[0] if isinstance(value, tuple) and len(value) == 1 else value, display)


def step_formula(step: Step, solution: Solution, align: str = "") -> str:
    """Write a step as an equation or a bound."""
    display = solution.setting.display
    relation = RELATIONS.get(step.relation, step.relation)
    return f"{latex(step.before, display)} {align}{relation} {latex(step.after, display)}"
