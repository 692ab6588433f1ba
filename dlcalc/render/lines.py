"""What the text, plain and markdown renderers share: the sentences of a solution, before any layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.notation.expression import Num, Real
from dlcalc.notation.patterns import compiled
from dlcalc.notation.printing import Value, decimal, plain, unicode
from dlcalc.notation.tokens import ACCENTS, GREEK, OPERATORS, SUBSCRIPTS, SUPERSCRIPTS
from dlcalc.render.quiet import bare_value
from dlcalc.solution import FAR_BELOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Check, Computed, Mark, Solution, Step

RELATIONS = {"<=": "≤", ">=": "≥"}
_ASCII = str.maketrans(
    {
        **{letter: f"^{written}" for letter, written in SUPERSCRIPTS.items()},
        **{operator: written for operator, written in OPERATORS.items() if len(operator) == 1},
        **SUBSCRIPTS,
        **GREEK,
        **ACCENTS,
        "Σ": "sum ",
        "⌊": "floor(",
        "⌋": ")",
        "⌈": "ceil(",
        "⌉": ")",
        "√": "sqrt ",
        "→": "->",
        "…": "...",
        "—": "-",
        "’": "'",
        "≈": "~",
        "½": "1/2",
        "∂": "d",
        "∇": "grad ",
        "±": "+-",
    }
)
_GREEK_BESIDE_A_LETTER = r"([α-ωΑ-Ω])(?=[A-Za-zα-ωΑ-Ω])"
_MARKS = {True: "✓", False: "✗", None: "?"}
_ASCII_MARKS = {True: "ok", False: "FAILED", None: "?"}
NOISE = 1e-12
"""Rounding errors, which differ between machines, are not written out below this."""
_VERDICTS = {True: "correct", False: "wrong", None: "undecided"}


@dataclass(frozen=True)
class Script:
    """How mathematics is spelled: Unicode as on paper, or ASCII."""

    ascii: bool
    display: Mapping[str, str]

    def value(self, value: Value) -> str:
        """Write a value."""
        return plain(value) if self.ascii else unicode(value, self.display)

    def relation(self, relation: str) -> str:
        """Write a relation."""
        return relation if self.ascii else RELATIONS.get(relation, relation)

    def mark(self, *, holds: bool | None) -> str:
        """Write the outcome of a check."""
        return (_ASCII_MARKS if self.ascii else _MARKS)[holds]

    def prose(self, text: str) -> str:
        """Write a sentence; in ASCII, with the letters of its mathematics spelled out."""
        return compiled(_GREEK_BESIDE_A_LETTER).sub(r"\1 ", text).translate(_ASCII) if self.ascii else text


def script(solution: Solution, *, ascii: bool) -> Script:
    """Choose the spelling for a solution."""
    return Script(ascii, solution.setting.display)


def wanted(solution: Solution, layout: Layout) -> list[Answer]:
    """Return the answers to show: those asked for, or all of them."""
    if not layout.get:
        return list(solution.answers)
    return [answer for name in layout.get for answer in solution.answers if answer.name == name]


def answer_line(answer: Answer, spelling: Script, layout: Layout) -> str:
    """Write one answer: its label, its exact value and, where that is no short number, its decimals."""
    label = answer.name if answer.label is None else spelling.value(answer.label)
    value = answer.value
    if answer.form == "size" and isinstance(value, tuple):
        times = "x" if spelling.ascii else " × "
        return f"{label} = {times.join(_axis(axis, spelling) for axis in value)}"
    if layout.decimals is not None and answer.computed is not None:
        return f"{label} = {bare_value(value, layout.decimals)}"
    written = f"{label} = {spelling.value(value)}"
    if answer.computed is None or _short(value):
        return written
    return f"{written} {spelling.prose('≈')} {_ten_digits(answer.computed)}"


def _axis(value: Value, spelling: Script) -> str:
    text = spelling.value(value)
    return f"({text})" if " " in text else text


def _short(value: Value) -> bool:
    """Say whether all its numbers are short decimals as they stand."""
    if isinstance(value, tuple):
        return all(map(_short, value))
    return isinstance(value, Real) or (isinstance(value, Num) and decimal(value.value) is not None)


def _ten_digits(computed: Computed) -> str:
    if isinstance(computed, list):
        nested = any(isinstance(part, list) for part in computed)
        return ("; " if nested else ", ").join(map(_ten_digits, computed))
    return f"{computed:.10g}"


def step_text(step: Step, previous: Step | None, spelling: Script) -> str:
    """Write a step: the whole relation, or only its right side where it continues the line before."""
    continues = previous is not None and previous.after == step.before and previous.target == step.target
    left = "" if continues else f"{spelling.value(step.before)} "
    return f"{left}{spelling.relation(step.relation)} {spelling.value(step.after)}"


def step_mark(step: Step, spelling: Script) -> str:
    """Write the outcome of a step's check."""
    return spelling.mark(holds=None if step.check is None else step.check.holds)


def check_lines(solution: Solution, spelling: Script) -> list[tuple[bool, str]]:
    """Say how the steps were checked, then each independent route; each with whether it held."""
    found = [step.check for step in solution.steps if step.check is not None]
    routes = [(check.holds, _route_line(check, spelling)) for check in solution.checks]
    if not found:
        return routes
    failed = sum(not check.holds for check in found)
    points = sorted({check.points for check in found if check.points > 1})
    worst = max(check.max_error for check in found)
    count = f"{failed} of {len(found)} steps FAIL" if failed else f"all {len(found)} steps hold"
    several = " to ".join(str(n) for n in dict.fromkeys((points[0], points[-1]))) if points else ""
    where = f"evaluated at {several} random points" if points else "evaluated in numbers"
    error = ("worst error " + (f"{worst:.1g}" if worst > NOISE else f"below {NOISE:g}")) if worst else "no error"
    return [(not failed, f"{count}, {where}: {error}"), *routes]


def _route_line(check: Check, spelling: Script) -> str:
    error = f"error {_size(check)}, allowed {check.tolerance:.2g}" if check.max_error else "exactly"
    outcome = error if check.holds else f"DISAGREES, {error}"
    return f"{spelling.prose(check.claim)}: {spelling.prose(check.method)} ({outcome})"


def _size(check: Check) -> str:
    """Write an error; of one far below what is allowed, which differs between machines, only that."""
    floor = check.tolerance * FAR_BELOW
    return f"{check.max_error:.2g}" if check.max_error > floor else f"below {floor:.2g}"


def mark_line(mark: Mark, spelling: Script) -> str:
    """Write the verdict on an answer handed in."""
    said = f"{mark.name} = {mark.given}" if mark.name else mark.given
    verdict = f"your {said} is {_VERDICTS[mark.correct]}: {mark.because}"
    return f"{spelling.mark(holds=mark.correct)} {spelling.prose(verdict)}"
