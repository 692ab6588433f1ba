"""One JSON object, schema `dlcalc.solution/1` (the JSON Schema file is `dlcalc/solution.schema.json`)."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from dlcalc.notation.printing import latex, plain

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Check, Mark, Solution, Step

SCHEMA = "dlcalc.solution/1"


def render(solution: Solution, layout: Layout) -> str:
    """Write the solution as one object; without steps, nothing is derived or checked."""
    return json.dumps(as_object(solution, layout), ensure_ascii=False, allow_nan=False)


def as_object(solution: Solution, layout: Layout) -> dict[str, Any]:
    """Build the object; keys are only ever added."""
    display = solution.setting.display
    wanted = [solution[name] for name in layout.get] or solution.answers
    return {
        "schema": SCHEMA,
        "version": version("dlcalc-exam"),
        "topic": solution.topic,
        "givens": dict(solution.givens),
        "answers": [_answer(answer, display) for answer in wanted],
        "steps": [_step(step, display) for step in solution.steps] if layout.steps else [],
        "checks": [_check(check) for check in solution.checks] if layout.steps else [],
        "assumptions": list(solution.assumptions),
        "conventions": list(solution.conventions),
        "notes": list(solution.notes),
        "marks": [_mark(mark) for mark in solution.marks],
    }


def _answer(answer: Answer, display: Any) -> dict[str, Any]:  # noqa: ANN401 (a mapping of names)
    if answer.form == "size" and isinstance(answer.value, tuple):
        written = r" \times ".join(latex(v, display) for v in answer.value)
    else:
        written = latex(answer.value, display)
    return {
        "name": answer.name,
        "text": answer.text,
        "latex": written,
        "value": answer.computed,
        "shape": answer.shape,
    }


def _step(step: Step, display: Any) -> dict[str, Any]:  # noqa: ANN401 (as above)
    relation = {"<=": r"\le", ">=": r"\ge"}.get(step.relation, step.relation)
    return {
        "rule": step.rule,
        "target": plain(step.target),
        "relation": step.relation,
        "before": plain(step.before),
        "after": plain(step.after),
        "because": step.because,
        "latex": f"{latex(step.before, display)} {relation} {latex(step.after, display)}",
        "shape": list(step.shape) if step.shape is not None else None,
        "assumptions": list(step.assumptions),
        "check": None
        if step.check is None
        else {
            "holds": step.check.holds,
            "method": step.check.method,
            "points": step.check.points,
            "max_error": step.check.max_error,
        },
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "claim": check.claim,
        "method": check.method,
        "holds": check.holds,
        "max_error": check.max_error,
        "tolerance": check.tolerance,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "name": mark.name,
        "given": mark.given,
        "correct": mark.correct,
        "because": mark.because,
        "counterexample": dict(mark.counterexample) if mark.counterexample is not None else None,
    }
