"""Exam questions about layers and networks: each is answered by one command, and its known answers are marked.

`data/exam_layers.jsonl` has a row per question, under the name it has in the project's collection, with the source of
the facts. A row asks one command for every part of its question; an ask has

* `command`, and `shows`: what it prints with `-q`, or with `--get` and the names in `get`;
* `layers`: columns of the table of layers, from `--get layers`;
* `screen`: a text of the whole screen;
* `right` and `wrong`: answers to hand in.
"""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from dlcalc import cli

ROWS = [json.loads(line) for line in (Path(__file__).parent / "data/exam_layers.jsonl").read_text("utf-8").splitlines()]
ASKS = [pytest.param(ask, id=f"{row['id']}-{i}") for row in ROWS for i, ask in enumerate(row["asks"], 1)]

IN_PART = {
    "cs231nnotes-008": "no command is named after im2col: its matrices are reshaped outputs, of a convolution with a "
    "filter for each of the 11·11·3 entries of a window and of the convolution itself",
    "dlsC4-022": "that a landmark has two coordinates is put in",
    "dlsC4-024": "that an anchor has 5 numbers beside its classes is put in",
    "dlsC4-025": "the values of a transposed convolution: programs have none, so it is written as products with the "
    "matrices of its separable filter",
    "deepml-027": "the values of a convolution: programs have none, so it is written with matrices that select rows",
    "huyen-005": "that the derivative over k steps is w^k is put in",
    "mit6036-019": "for three steps and one output: every block of W, each with the weight of its row (α, β, γ)",
    "udl-009": "parameters only: no command counts linear regions",
}
"""Questions that are answered, but for a part or with a fact of which the command knows nothing."""

ON_OTHERS = {"mit6036-008", "mit6036-033", "bn-param-count", "bn-vs-ln-axis"}
"""Questions that are filed under other topics, but count parameters or sizes as well."""


def shown(capsys: pytest.CaptureFixture[str], arguments: str, *more: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it prints."""
    code = cli.run([*shlex.split(arguments), *more])
    return code, capsys.readouterr().out.removesuffix("\n")


@pytest.mark.parametrize("ask", [ask for ask in ASKS if "shows" in ask.values[0]])  # type: ignore[operator]
def test_is_answered(ask: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--get", ask["get"]) if "get" in ask else ("-q",)
    assert shown(capsys, ask["command"], *asked) == (cli.ANSWERED, ask["shows"])


@pytest.mark.parametrize("ask", [ask for ask in ASKS if "layers" in ask.values[0]])  # type: ignore[operator]
def test_every_layer_is_answered(ask: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code, text = shown(capsys, ask["command"], "--get", "layers")
    layers = list(csv.DictReader(io.StringIO(text)))
    assert code == cli.ANSWERED
    assert {column: [layer[column] for layer in layers] for column in ask["layers"]} == ask["layers"]


@pytest.mark.parametrize("ask", ASKS)
def test_every_line_holds_and_right_answers_pass(ask: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code tells: it is 3 where a step or a check fails, and 1 where an answer is not accepted."""
    handed_in = [part for answer in ask.get("right", []) for part in ("--answer", answer)]
    code, text = shown(capsys, ask["command"], *handed_in)
    assert code == cli.ANSWERED
    assert ask.get("screen", "") in text
    assert text.count(" is correct") == len(ask.get("right", []))


@pytest.mark.parametrize("ask", [ask for ask in ASKS if "wrong" in ask.values[0]])  # type: ignore[operator]
def test_wrong_answers_do_not_pass(ask: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    for answer in ask["wrong"]:
        code, text = shown(capsys, ask["command"], "--no-steps", "--answer", answer)
        assert code == cli.WRONG, answer
        assert " is wrong" in text


def test_every_question_has_commands_and_a_source() -> None:
    answered = [row["id"] for row in ROWS]
    assert len(set(answered)) == len(answered)
    assert all(row["asks"] and row["source"] for row in ROWS)
    assert all({"shows", "layers"} & ask.keys() for row in ROWS for ask in row["asks"])
    assert set(answered) >= IN_PART.keys() | ON_OTHERS
