"""Questions of the course and of exams on training: each is answered by one command, its known answers are marked.

A file in `data/questions` has a row per question, under the name it has in the project's collections, with the source
of the facts where it comes from an exam. Each ask is a command, its exit code, and a text that its screen shows.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from dlcalc import cli
from dlcalc.judgement import QUESTIONS

DATA = Path(__file__).parent / "data"
FILES = sorted((DATA / "questions").glob("*.jsonl"))
ROWS = [json.loads(line) for file in FILES for line in file.read_text("utf-8").splitlines()]
OTHERS = [DATA / name for name in ("course_notes.jsonl", "backprop.jsonl", "exam_layers.jsonl")]
"""The tables of the other tests of questions."""
ALL = json.loads((DATA / "questions/all.json").read_text("utf-8"))
"""The names of all questions of the two collections."""
ANSWERED = {row["id"] for row in ROWS} | {
    json.loads(line)["id"] for file in OTHERS for line in file.read_text("utf-8").splitlines()
}
ASKS = [pytest.param(ask, id=f"{row['id']}-{i}") for row in ROWS for i, ask in enumerate(row["asks"], 1)]


@pytest.mark.parametrize("ask", ASKS)
def test_is_answered_or_marked(ask: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(shlex.split(str(ask["command"]))) == ask["exit"]
    shown = capsys.readouterr().out
    assert str(ask["shows"]) in shown
    assert "FAIL" not in shown


UNANSWERED = {
    "mit6036-009": "asks for an interval of offsets, so that only a perfect match stays positive: inequalities",
    "udl-019": "asks for the volume of the shell of a ball: geometry, no deep learning",
    "cs230w20-001": "asks for the length of a feature vector: a number that the question gives",
}
"""Questions of exams that no command answers, and why."""
JUDGED = {judged.name: judged.because for judged in QUESTIONS}
"""Questions of the course that `dlcalc topics` calls matters of judgement or definition."""
MOST_JUDGED = 10
SHARE = 0.95


def test_every_question_of_the_course_has_a_command_or_is_judgement() -> None:
    assert set(ALL["course-notes"]) - ANSWERED == set(JUDGED)
    assert len(JUDGED) <= MOST_JUDGED
    assert all(JUDGED.values())


def test_nearly_every_question_of_the_exams_has_a_command() -> None:
    assert set(ALL["exams"]) - ANSWERED == set(UNANSWERED)
    assert len(UNANSWERED) <= (1 - SHARE) * len(ALL["exams"])


def test_the_tables_hold_no_question_twice() -> None:
    assert all(row["asks"] for row in ROWS)
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert set(ALL["course-notes"]) | set(ALL["exams"]) >= ANSWERED
