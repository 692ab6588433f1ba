"""Questions of the course and of exams on training: each is answered by one command, its known answers are marked.

A file in `data/rest` has a row per question, under the name it has in the project's collections, with the source of the
facts where it comes from an exam. Each ask is a command, its exit code, and a text that its screen shows.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from dlcalc import cli

FILES = sorted((Path(__file__).parent / "data/rest").glob("*.jsonl"))
ROWS = [json.loads(line) for file in FILES for line in file.read_text("utf-8").splitlines()]
ASKS = [pytest.param(ask, id=f"{row['id']}-{i}") for row in ROWS for i, ask in enumerate(row["asks"], 1)]


@pytest.mark.parametrize("ask", ASKS)
def test_is_answered_or_marked(ask: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(shlex.split(str(ask["command"]))) == ask["exit"]
    shown = capsys.readouterr().out
    assert str(ask["shows"]) in shown
    assert "FAIL" not in shown


def test_every_question_has_a_command() -> None:
    assert all(row["asks"] for row in ROWS)
    assert len({row["id"] for row in ROWS}) == len(ROWS)
