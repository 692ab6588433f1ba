"""How much work a call does, as a number that is the same on every machine, and an end for what would hang."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANGS = 20
"""Seconds after which a call counts as hanging; nothing in these tests comes near."""


def effort(run: Callable[[], object]) -> int:
    """Count the Python calls that a function makes."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


@contextmanager
def not_hanging() -> Iterator[None]:
    """Fail the test where a call does not end, instead of waiting for it."""

    def stop(*_: object) -> None:
        pytest.fail(f"no end after {HANGS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
