"""Write the golden screens anew: `python tests/update_golden.py`, then read the diff."""

from __future__ import annotations

import shlex
from pathlib import Path

from conftest import run_here

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = GOLDEN / "commands.txt"


def screens() -> dict[str, str]:
    """Return the commands of `golden/commands.txt` by the names of their files."""
    listed = (line.split(None, 1) for line in COMMANDS.read_text(encoding="utf-8").splitlines() if line.strip())
    return {name: command.strip() for name, command in listed}


def shown(command: str) -> str:
    """Run a command and return what a person sees: the screen, the errors, the exit code."""
    done = run_here(*shlex.split(command))
    return f"$ dlcalc {command}\n{done.stdout}{done.stderr}exit {done.returncode}\n"


if __name__ == "__main__":
    for name, command in screens().items():
        (GOLDEN / f"{name}.txt").write_text(shown(command), encoding="utf-8")
