"""Questions about programs with known answers: right forms are marked correct, wrong ones wrong, and every line holds.

`data/backprop.jsonl` has a row per question: the program, what is asked, right answers in several forms, and wrong
ones with the slip that makes them. `data/inexpressible.md` lists what cannot be asked, with the reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlcalc import registry
from dlcalc.marking import marked

DATA = Path(__file__).parent / "data"
ROWS = [json.loads(line) for line in (DATA / "backprop.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['id']}-{at}") for at, row in enumerate(ROWS)])
def test_is_answered_and_marked(row: dict[str, Any]) -> None:
    options = {name: value if name == "at" else str(value) for name, value in row.get("options", {}).items()}
    solution = registry.load(row["command"])(program=row["program"], **options)
    assert solution.holds, [step for step in solution.steps if step.check is None or not step.check.holds]
    right = [f"{name}={form}" for name, forms in row["right"].items() for form in forms]
    wrong = [f"{name}={form}" for name, forms in row["wrong"].items() for form, _ in forms]
    assert right
    for mark in marked(solution, right).marks:
        assert mark.correct is True, (mark.given, mark.because)
    for mark in marked(solution, wrong).marks:
        assert mark.correct is False, (mark.given, mark.because)
        assert mark.because


def test_every_slip_that_students_make_is_among_the_wrong_answers() -> None:
    slips = {slip for row in ROWS for forms in row["wrong"].values() for _, slip in forms}
    assert slips >= {"sign", "transpose", "factor", "order", "indicator", "path", "mean"}
