"""The statements of the course notes that these commands answer: the right ones pass, the notes' errors are found.

`data/course_notes.jsonl` has a row per statement, under the name it has in the project's collection of questions:
the commands that ask it, the exit code, and what the screen must say.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from dlcalc import cli

ROWS = [
    json.loads(line) for line in (Path(__file__).parent / "data/course_notes.jsonl").read_text("utf-8").splitlines()
]
ASKS = [pytest.param(ask, id=f"{row['id']}-{i}") for row in ROWS for i, ask in enumerate(row["asks"], 1)]


@pytest.mark.parametrize("ask", ASKS)
def test_is_answered_or_marked(ask: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(shlex.split(str(ask["command"]))) == ask["exit"]
    shown = capsys.readouterr().out
    assert str(ask["shows"]) in shown
    assert "FAIL" not in shown


def test_every_statement_has_a_command() -> None:
    assert all(row["asks"] for row in ROWS)
    assert len({row["id"] for row in ROWS}) == 37
