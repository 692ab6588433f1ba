"""What the text, plain and markdown renderers have in common: the sentences of a solution, before any layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.notation.expression import Expr, Num, Sym
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.render.quiet import rounded
from dlcalc.notation.evaluate import approximate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Mark, Solution, Step


@dataclass(frozen=True, slots=True)
class Script:
    """How mathematics is spelled: Unicode as on paper, or ASCII."""

    ascii: bool
    display: Mapping[str, str]

    def value(self, value: Value) -> str:
        """Write a value."""
        return plain(value) if self.ascii else unicode(value, self.display)

    def relation(self, relation: str) -> str:
        """Write a relation."""
        return relation if self.ascii else {"<=": "≤", ">=": "≥"}.get(relation, relation)

    def mark(self, holds: bool | None) -> str:  # noqa: FBT001 (the value shown)
        """Write the outcome of a check."""
        if self.ascii:
            return {True: "ok", False: "FAILED", None: "?"}[holds]
        return {True: "✓", False: "✗", None: "?"}[holds]

    def prose(self, text: str) -> str:
        """Write a sentence; in ASCII, with the letters of the mathematics in it spelled out."""
        if not self.ascii:
            return text
        from dlcalc.notation.tokens import GREEK, OPERATORS, SUBSCRIPTS, SUPERSCRIPTS

        out = "".join(GREEK.get(c) or SUBSCRIPTS.get(c) or (f"^{SUPERSCRIPTS[c]}" if c in SUPERSCRIPTS else OPERATORS.get(c, c)) for c in text)
        return out.replace("Σ", "sum ").replace("⌊", "floor(").replace("⌋", ")").replace("⌈", "ceil(").replace("⌉", ")").replace("—", "-").replace("√", "sqrt ").replace("→", "->").replace("…", "...").replace("‖", "||")


def script(solution: Solution, *, ascii: bool) -> Script:
    """Choose the spelling for a solution."""
    return Script(ascii, solution.setting.display)


def answer_line(answer: Answer, spelling: Script, layout: Layout) -> str:
    """Write one answer: its label, its exact value and, where that is not a short number, its decimals."""
    label = spelling.value(answer.label if answer.label is not None else Sym(answer.name)) if answer.label is not None else answer.name
    value = answer.value
    if answer.form == "size" and isinstance(value, tuple):
        between = "x" if spelling.ascii else " × "
        return f"{label} = {between.join(_factor(v, spelling) for v in value)}"
    if layout.decimals is not None:
        return f"{label} = {_rounded(value, layout.decimals, spelling)}"
    written = f"{label} = {spelling.value(value)}"
    if isinstance(value, Expr) and not _short_number(value):
        decimals = approximate(value)
        if decimals is not None:
            written += f" {'~' if spelling.ascii else '≈'} {decimals:.10g}"
    return written


def _factor(value: Expr, spelling: Script) -> str:
    text = spelling.value(value)
    return f"({text})" if " " in text else text


def _short_number(value: Expr) -> bool:
    return isinstance(value, Num) and (value.value.denominator == 1 or "/" not in plain(value))


def _rounded(value: Value, decimals: int, spelling: Script) -> str:
    if isinstance(value, tuple):
        nested = any(isinstance(v, tuple) for v in value)
        return (";" if nested else ",").join(_rounded(v, decimals, spelling) for v in value)
    if approximate(value) is None or (isinstance(value, Num) and value.value.denominator == 1):
        return spelling.value(value)
    return rounded(value, decimals)


def step_text(step: Step, previous: Step | None, spelling: Script) -> str:
    """Write a step: the whole relation, or only its right side where it continues the line before."""
    continues = previous is not None and previous.after == step.before and previous.target == step.target
    left = "" if continues else f"{spelling.value(step.before)} "
    return f"{left}{spelling.relation(step.relation)} {spelling.value(step.after)}"


def check_lines(solution: Solution, spelling: Script) -> list[str]:
    """Summarise how the steps were checked, then each independent route."""
    found = [step.check for step in solution.steps if step.check is not None]
    held = sum(check.holds for check in found)
    points = max((check.points for check in found), default=0)
    worst = max((check.max_error for check in found), default=0.0)
    at = f"at {points} random points" if points > 1 else "in numbers"
    error = "no error (exact arithmetic)" if worst == 0 else f"worst error {worst:.1g}"
    count = f"all {len(found)} steps hold" if held == len(found) else f"{len(found) - held} of {len(found)} steps FAIL"
    lines = [f"{spelling.mark(held == len(found))} {count}, evaluated {at}: {error}"] if found else []
    for check in solution.checks:
        error = "exactly" if check.max_error == 0 else f"error {check.max_error:.2g}, allowed {check.tolerance:.2g}"
        lines.append(f"{spelling.mark(check.holds)} {spelling.prose(check.claim)}: {spelling.prose(check.method)} ({error if check.holds else 'DISAGREES, ' + error})")
    return lines


def mark_line(mark: Mark, spelling: Script) -> str:
    """Write the verdict on an answer handed in."""
    verdict = {True: "correct", False: "wrong", None: "undecided"}[mark.correct]
    return f"{spelling.mark(mark.correct)} your {mark.name} = {mark.given} is {verdict}: {spelling.prose(mark.because)}"
