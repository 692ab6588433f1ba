"""Errors: the condition, the nearest fix, the text with a caret under the place."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.notation.parser import parse


def test_a_message_is_condition_and_fix() -> None:
    problem = DlcalcError("kernel 9 is larger than the padded input 8", "use --padding 2 or more")
    assert str(problem) == "kernel 9 is larger than the padded input 8; use --padding 2 or more"
    assert str(DlcalcError("nothing mends it")) == "nothing mends it"
    assert problem.exit_code == 2


def test_the_givens_are_restated_once() -> None:
    problem = DlcalcError("condition", "fix")
    assert problem.restated("conv-params --kernel 9") is problem
    assert problem.restated("another question").givens == "conv-params --kernel 9"
    assert str(problem) == "condition; fix"


def test_a_notation_error_is_a_dlcalc_error() -> None:
    with pytest.raises(DlcalcError):
        parse("2*(")


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("2*)", 2, "  2*)\n    ^"),
        ("", 0, "  \n  ^"),
        ("ab", 2, "  ab\n    ^"),
        ("a\nb\tc!", 5, "  a b c!\n       ^"),
        ("a\x1b[31m!", 6, "  a\N{REPLACEMENT CHARACTER}[31m!\n        ^"),
        ("x\u0302 + !", 5, "  x\u0302 + !\n      ^"),
        ("矩阵 !", 3, "  矩阵 !\n       ^"),
        ("２ + !", 4, "  ２ + !\n       ^"),
        ("α + !", 4, "  α + !\n      ^"),
        ("a" * 100 + "!" + "b" * 100, 100, f"  …{'a' * 30}!{'b' * 29}…\n  {' ' * 31}^"),
        ("a" * 20 + "!" + "b" * 100, 20, f"  {'a' * 20}!{'b' * 39}…\n  {' ' * 20}^"),
        ("a" * 100 + "!", 100, f"  …{'a' * 30}!\n  {' ' * 31}^"),
    ],
    ids=ascii,
)
def test_the_caret_stands_under_the_place(text: str, place: int, shown: str) -> None:
    problem = NotationError("condition", "fix", text=text, position=place)
    assert str(problem) == f"condition; fix\n{shown}"


def columns(text: str) -> int:
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


@given(st.text(alphabet="abα矩２\u0302\n \x00🙂", min_size=1, max_size=150), st.data())
def test_the_caret_is_as_many_columns_in_as_the_text_before_it(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    _, shown, caret = str(NotationError("condition", text=text, position=place)).split("\n")
    visible = (
        text[place] if text[place].isprintable() else " " if text[place].isspace() else "\N{REPLACEMENT CHARACTER}"
    )
    before = next(
        shown[:at] for at in range(len(shown)) if columns(shown[:at]) == len(caret) - 1 and shown[at] == visible
    )
    assert columns(before) == len(caret) - 1
    assert "\x00" not in shown


@pytest.mark.parametrize(
    ("name", "hint"),
    [("sgmoid", "did you mean sigmoid?"), ("softmx", "did you mean softmax?"), ("q", ""), ("", "")],
)
def test_the_nearest_name_is_offered(name: str, hint: str) -> None:
    assert nearest(name, ["sigmoid", "softmax"]) == hint
    assert nearest(name, []) == ""
