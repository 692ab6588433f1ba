"""Golden screens: a change in what people see is a diff to read."""

from __future__ import annotations

import pytest
from update_golden import COMMANDS, GOLDEN, screens, shown


@pytest.mark.parametrize("name", screens())
def test_the_screen_is_the_golden_one(name: str) -> None:
    expected = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert shown(screens()[name]) == expected


def test_no_golden_screen_is_orphaned() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*screens(), COMMANDS.stem}
