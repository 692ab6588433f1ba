"""What all tests share: the fixed Hypothesis profile, and the command as a real subprocess."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from dlcalc import cli

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.register_assert_rewrite("counts")
settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("fixed")

Run = subprocess.CompletedProcess[str]


def run_dlcalc(*arguments: str, **environment: str) -> Run:
    """Run the command in a fresh interpreter, with pipes for its output."""
    return subprocess.run(
        [sys.executable, "-m", "dlcalc", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
    )


def run_here(*arguments: str) -> Run:
    """Run the command in this interpreter, as if with pipes for its output: what takes the imports once."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.run(arguments)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]  # it is a BytesIO
    return Run(["dlcalc", *arguments], code, *texts)


@pytest.fixture
def dlcalc() -> Callable[..., Run]:
    """Give the command, as a subprocess."""
    return run_dlcalc
