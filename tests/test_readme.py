"""The README is true: every screen is what a shell shows, every Python example runs, the set-up commands are CI's."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
SCREENS = [
    screen
    for language, block in BLOCKS
    if language == "console"
    for screen in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", block, flags=re.MULTILINE)
]
TABLE = re.findall(r"^\| `(dlcalc [^`]+)` \| (.*) \|$", README, flags=re.MULTILINE)


def shell(command: str) -> str:
    """Run a line in bash with the environment's own `dlcalc` first; return all that it prints."""
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONUTF8": "1"},
    )
    return done.stdout


def test_there_are_screens_and_a_table_to_check() -> None:
    assert len(SCREENS) > 5
    assert len(TABLE) > 5


@pytest.mark.parametrize(("command", "expected"), SCREENS, ids=lambda part: part[:60])
def test_every_screen_is_what_the_shell_shows(command: str, expected: str) -> None:
    assert shell(command).rstrip("\n") == expected.rstrip("\n")


@pytest.mark.parametrize(("command", "expected"), TABLE, ids=lambda part: part[:60])
def test_every_row_of_the_command_table_is_true(command: str, expected: str) -> None:
    """The second column starts with what `-q` prints."""
    answer = re.match(r"`([^`]*)`", expected)
    assert answer
    assert shell(f"{command} -q").rstrip("\n").replace("\n", "; ").replace("\t", " = ") == answer[1]


def test_every_python_example_runs() -> None:
    examples = "\n".join(block for language, block in BLOCKS if language == "python")
    assert ">>>" in examples
    test = doctest.DocTestParser().get_doctest(examples, {}, "README", "README.md", 0)
    runner = doctest.DocTestRunner()
    runner.run(test)
    assert runner.failures == 0


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = [
        line for language, block in BLOCKS if language == "sh" for line in block.splitlines() if "pytest" in line
    ]
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
