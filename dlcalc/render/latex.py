"""LaTeX: the answers and the derivation as aligned equations, ready to paste between \\begin{document} and \\end{document}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.printing import latex

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Solution

_ESCAPES = str.maketrans({"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "^": r"\^{}", "~": r"\~{}", "{": r"\{", "}": r"\}", "$": r"\$"})


def render(solution: Solution, layout: Layout) -> str:
    """Write align* environments (amsmath); the reasons stand as text at the right."""
    answers = [solution[name] for name in layout.get] or solution.answers
    out = [r"\begin{align*}", *(f"  {_answer(answer, solution)} \\\\" for answer in answers), r"\end{align*}"]
    if layout.steps:
        out.append(r"\begin{align*}")
        for step in solution.steps:
            display = solution.setting.display
            relation = {"<=": r"\le", ">=": r"\ge"}.get(step.relation, step.relation)
            out.append(f"  {latex(step.before, display)} &{relation} {latex(step.after, display)} && \\text{{{_text(step.because)}}} \\\\")
        out.append(r"\end{align*}")
    out += [f"% convention: {text}" for text in solution.conventions]
    out += [f"% assumes: {text}" for text in solution.assumptions]
    return "\n".join(out)


def _text(text: str) -> str:
    return text.translate(_ESCAPES)


def _answer(answer: Answer, solution: Solution) -> str:
    display = solution.setting.display
    label = latex(answer.label, display) if answer.label is not None else rf"\text{{{_text(answer.name)}}}"
    if answer.form == "size" and isinstance(answer.value, tuple):
        return f"{label} &= " + r" \times ".join(latex(v, display) for v in answer.value)
    return f"{label} &= {latex(answer.value, display)}"
