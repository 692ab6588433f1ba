"""One JSON object, schema `dlcalc.solution/1` (the JSON Schema file is `dlcalc/solution.schema.json`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dlcalc import __version__
from dlcalc.notation.printing import plain
from dlcalc.render import csv, tables
from dlcalc.render.latex import step_formula, value_formula
from dlcalc.render.lines import wanted

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Mark, Solution, Step
    from dlcalc.table import Table

SCHEMA = "dlcalc.solution/1"


def render(solution: Solution, layout: Layout) -> str:
    """Write the solution as one object; without steps, nothing is derived or checked."""
    return json.dumps(as_object(solution, layout), ensure_ascii=False, allow_nan=False)


def as_object(solution: Solution, layout: Layout) -> dict[str, Any]:
    """Build the object; keys are only ever added."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "topic": solution.topic,
        "givens": dict(solution.givens),
        "answers": [_answer(answer, solution) for answer in wanted(solution, layout)]
        + [_table(table) for table in tables.wanted(solution, layout)],
        "steps": [_step(step, solution) for step in solution.steps] if layout.steps else [],
        "checks": [check._asdict() for check in solution.checks] if layout.steps else [],
        "assumptions": list(solution.assumptions),
        "conventions": list(solution.conventions),
        "notes": list(solution.notes),
        "marks": [_mark(mark) for mark in solution.marks],
    }


def _answer(answer: Answer, solution: Solution) -> dict[str, Any]:
    return {
        "name": answer.name,
        "text": answer.text,
        "latex": value_formula(answer, solution),
        "value": answer.computed,
        "shape": answer.shape,
    }


def _table(table: Table) -> dict[str, Any]:
    """Write a table as an answer whose value is a list of objects, one per row."""
    return {"name": table.name, "text": csv.written(table), "latex": "", "value": table.records(), "shape": None}


def _step(step: Step, solution: Solution) -> dict[str, Any]:
    return {
        "rule": step.rule,
        "target": plain(step.target),
        "relation": step.relation,
        "before": plain(step.before),
        "after": plain(step.after),
        "because": step.because,
        "latex": step_formula(step, solution),
        "shape": None if step.shape is None else list(step.shape),
        "assumptions": list(step.assumptions),
        "check": None if step.check is None else step.check._asdict(),
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "name": mark.name,
        "given": mark.given,
        "correct": mark.correct,
        "because": mark.because,
        "counterexample": dict(mark.counterexample) if mark.counterexample is not None else None,
    }
