"""Givens: what text and Python values mean, and what is refused, by the name of its option."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.errors import DlcalcError, NotationError
from dlcalc.givens import (
    MAX_ENTRIES,
    MAX_TEXT,
    Given,
    checked,
    choice,
    read_scalar,
    read_size,
    read_values,
    scalar,
    size,
    size_parts,
    switch,
    values,
)
from dlcalc.notation.expression import Expr, Num, Sym, number
from dlcalc.notation.parser import Scope, parse
from dlcalc.notation.printing import plain
from dlcalc.solution import COUNT, POSITIVE, REAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlcalc.notation.printing import Value

NAME = "out_channels"


def refused(read: Callable[..., object], raw: object, **options: Any) -> str:  # noqa: ANN401 (passed on)
    with pytest.raises(DlcalcError) as raised:
        read(NAME, raw, **options)
    return str(raised.value).partition("\n")[0]


# one number


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("+3", 3),
        ("−3", -3),
        ("0.9", Fraction(9, 10)),
        ("9/10", Fraction(9, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("2^10", 1024),
        ("½", Fraction(1, 2)),
        ("sum(k, 1, 3, k)", 6),
        ("[3 > 2]", 1),
        (3, 3),
        (Fraction(9, 10), Fraction(9, 10)),
        (0.9, Fraction(9, 10)),
        (1e-7, Fraction(1, 10**7)),
        (1e22, 10**22),
        (-0.0, 0),
        (math.pi, Fraction(3141592653589793, 10**15)),
        (Decimal("0.10"), Fraction(1, 10)),
        (Decimal("1E+3"), 1000),
        (np.int64(3), 3),
        (np.uint8(255), 255),
        (np.float64(0.9), Fraction(9, 10)),
        (np.float32(0.1), Fraction(1, 10)),
        (np.array(3), 3),
        (np.array(2.5), Fraction(5, 2)),
        (np.array([0.1], dtype=np.float32)[0], Fraction(1, 10)),
    ],
    ids=repr,
)
def test_a_number_is_exact_whatever_its_type(raw: object, expected: int | Fraction) -> None:
    assert read_scalar(NAME, raw) == number(expected)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_means_the_decimal_that_it_prints(raw: float) -> None:
    assert read_scalar(NAME, raw) == number(Fraction(repr(raw)))


@given(st.fractions())
def test_a_fraction_is_itself(raw: Fraction) -> None:
    assert read_scalar(NAME, raw) == read_scalar(NAME, str(raw)) == Num(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("n", "n"), ("2n + 1", "2*n + 1"), ("α", "alpha"), ("sqrt(2)", "sqrt(2)"), ("0.9^100000", "0.9^100000")],
)
def test_a_symbol_or_an_expression_may_stand_for_a_number(raw: str, expected: str) -> None:
    assert plain(read_scalar(NAME, raw)) == expected


def test_an_expression_is_taken_as_it_is() -> None:
    node = Sym("n") + 1
    assert read_scalar(NAME, node) is node


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "out-channels is empty; give a number or a symbol"),
        ("  ", "out-channels is empty; give a number or a symbol"),
        ("nan", "out-channels nan is not a number; give a finite number or a symbol"),
        ("-inf", "out-channels -inf is not a number; give a finite number or a symbol"),
        ("∞", "out-channels ∞ is not a number; give a finite number or a symbol"),
        ("True", "out-channels True is not a number; give a finite number or a symbol"),
        (math.nan, "out-channels nan is not a number; give a finite number or a symbol"),
        (-math.inf, "out-channels -inf is not a number; give a finite number or a symbol"),
        (np.float64("inf"), "out-channels inf is not a number; give a finite number or a symbol"),
        (Decimal("NaN"), "out-channels NaN is not a number; give a finite number or a symbol"),
        (None, "out-channels None is not a number; give a finite number or a symbol"),
        (True, "out-channels is a number, not True; give a number or a symbol"),
        (np.True_, "out-channels True is not a number; give a finite number or a symbol"),
        (1 + 2j, "out-channels (1+2j) is not real; give a real number or a symbol"),
        ([3], "out-channels is one number, not [3]; give a number or a symbol"),
        ({"a": 1}, "out-channels is one number, not {'a': 1}; give a number or a symbol"),
        (np.array([5]), "out-channels is one number, not [5]; give a number or a symbol"),
        ("ln(0)", "out-channels ln(0) has no value; give a number or a symbol"),
        ("(-8)^(1/3)", "out-channels (-8)^(1/3) has no value; give a number or a symbol"),
        ("1/(sqrt(2) - sqrt(2))", "out-channels 1/(sqrt(2) - sqrt(2)) has no value; give a number or a symbol"),
        ("exp(1000)", "out-channels exp(1000) is too large to compute; use a smaller number"),
        ("sum(k, 1, 10^9, k)", "out-channels sum(k, 1, 10^9, k) is too large to compute; use a smaller number"),
        (
            "9**9**9",
            "--out-channels: this power has about 464,904,586 digits; at most 3,900 are computed; use a smaller",
        ),
        ("2*(3", "--out-channels: ( is never closed; add )"),
        ("5%", "--out-channels: '%' is not part of the notation; write 0.05 for 5%"),
        ("0,9", "--out-channels: one expression was expected, not a list; write 0.9 with a point, and 1000 without"),
        ("1,000", "--out-channels: one expression was expected, not a list; write 0.9 with a point, and 1000 without"),
        ("m, n", "--out-channels: one expression was expected, not a list; leave the comma out"),
        (b"3", "--out-channels: a transpose has no meaning between numbers; use * and ^"),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_what_is_no_number_is_refused_by_the_name_of_the_option(raw: object, message: str) -> None:
    assert refused(read_scalar, raw).startswith(message)


def test_a_whole_number_of_too_many_digits_is_refused() -> None:
    assert refused(read_scalar, 10**5000) == "--out-channels has too many digits to compute with; use a symbol"
    assert read_scalar(NAME, 10**3000) == number(10**3000)


def test_the_caret_stays_under_the_place() -> None:
    with pytest.raises(NotationError) as raised:
        read_scalar(NAME, "3 + @")
    assert str(raised.value).splitlines()[1:] == ["  3 + @", "      ^"]


@pytest.mark.parametrize(
    ("raw", "options", "message"),
    [
        ("7/2", {"whole": True}, "out-channels 3.5 is not a whole number; use 3 or 4"),
        ("-7/2", {"whole": True}, "out-channels -3.5 is not a whole number; use -4 or -3"),
        ("sqrt(2)", {"whole": True}, "out-channels sqrt(2) is not a whole number; use 1 or 2"),
        ("0", {"least": 1}, "out-channels 0 is less than 1; use 1 or more"),
        ("-1/3", {"least": 0}, "out-channels -1/3 is less than 0; use 0 or more"),
        ("1 - sqrt(2)", {"least": 0}, "out-channels 1 - sqrt(2) is less than 0; use 0 or more"),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_nearest_fix(raw: str, options: Any, message: str) -> None:  # noqa: ANN401 (keywords)
    with pytest.raises(DlcalcError) as raised:
        checked(NAME, read_scalar(NAME, raw), **options)
    assert str(raised.value) == message


@pytest.mark.parametrize("raw", ["n", "-n", "n/2", "3", "3.0", "4/2"])
def test_a_symbol_is_not_out_of_range(raw: str) -> None:
    assert checked(NAME, parse(raw), whole=True, least=1) == parse(raw)


# sizes


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("32", "32"),
        ("32x28", "32,28"),
        ("7×7×3", "7,7,3"),
        (" 7 x 7 × 3 ", "7,7,3"),
        ("32X28", "32,28"),
        ("(32, 28)", "32,28"),
        ("[32, 28, 3]", "32,28,3"),
        ("nxn", "n,n"),
        ("HxWxC", "H,W,C"),
        ("x", "x"),
        ("(2n+1)x3", "2*n + 1,3"),
        ("2n+1x3", "2*n + 1,3"),
        ("max(n, 1)x3", "max(n, 1),3"),
        ("3xmax(1, 2)xexp(0)", "3,2,1"),
        ("3.0x3", "3,3"),
        (32, "32"),
        (32.0, "32"),
        ((32, 28), "32,28"),
        ([32, "n", Sym("c")], "32,n,c"),
        (np.array([3, 4]), "3,4"),
        (np.int64(3), "3"),
        (Sym("n"), "n"),
    ],
    ids=repr,
)
def test_a_size_has_a_number_or_symbol_per_axis(raw: object, expected: str) -> None:
    assert ",".join(map(plain, read_size(NAME, raw))) == expected


@given(st.lists(st.integers(1, 999), min_size=2, max_size=5), st.sampled_from(["x", "×", " x ", " × "]))
def test_every_way_to_write_a_size_means_the_same(axes: list[int], times: str) -> None:
    expected = tuple(map(number, axes))
    assert read_size(NAME, times.join(map(str, axes))) == expected
    assert read_size(NAME, axes) == read_size(NAME, tuple(axes)) == read_size(NAME, str(tuple(axes))) == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "--out-channels '' is not a size; write 32, 32x28 or 256x256x3"),
        ("32x", "--out-channels '32x' is not a size; write 32, 32x28 or 256x256x3"),
        ("xxx", "--out-channels 'xxx' is not a size; write 32, 32x28 or 256x256x3"),
        ([], "--out-channels '[]' is not a size; write 32, 32x28 or 256x256x3"),
        ("32,28", "--out-channels '32,28' is not a size; write 32x28"),
        ("32, 28, 3", "--out-channels '32, 28, 3' is not a size; write 32x28x3"),
        ("32*28", "--out-channels '32*28' is not a size; write 32x28"),
        ("32 28", "--out-channels '32 28' is not a size; write 32x28"),
        ("1,000", "--out-channels '1,000' is not a size; write 1000, or 1x000 for several axes"),
        (True, "out-channels is a number, not True; give a number or a symbol"),
        ((3, True), "out-channels is a number, not True; give a number or a symbol"),
        ([[3, 3]], "out-channels is one number, not [3, 3]; give a number or a symbol"),
        ("3x(3", "--out-channels: ( is never closed; add )"),
        ("1x" * 2000 + "1", "--out-channels '1x1x1x"),
        ("3x" * 6000, "--out-channels: 12,000 characters; at most 10,000 are read; split it"),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_what_is_no_size_is_refused(raw: object, message: str) -> None:
    assert refused(read_size, raw).startswith(message)


def test_a_misspelt_word_for_a_size_is_noticed() -> None:
    assert refused(read_size, "smae", words=("same", "valid")) == "--out-channels smae is not known; did you mean same?"
    assert read_size(NAME, "p", words=("same", "valid")) == (Sym("p"),)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("26,26,16", ["26", "26", "16"]), ("(f(1, 2)) x 3", ["(f(1, 2))", "3"]), ("((n + 1)x3)", ["((n + 1)x3)"])],
)
def test_a_size_is_split_outside_of_parentheses(text: str, parts: list[str]) -> None:
    assert size_parts(text) == parts


# lists


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("5", "5"),
        ("(1 + 2)", "3"),
        ("1,-2", "1,-2"),
        ("1, 2 , 3", "1,2,3"),
        ("[1,2]", "1,2"),
        ("(1,2)", "1,2"),
        ("1,2;3,4", "1,2;3,4"),
        ("[1,2;3,4]", "1,2;3,4"),
        ("[[1,2],[3,4]]", "1,2;3,4"),
        ("[1,2],[3,4]", "1,2;3,4"),
        ("[1,2];[3,4]", "1,2;3,4"),
        ("[[1,2]]", "[[1,2]]"),
        ("max(1,2),[3 > 2]/2", "2,0.5"),
        ("g_1,g_2", "g1,g2"),
        ([1, 2], "1,2"),
        ([[1, 2], [3, "n"]], "1,2;3,n"),
        ([[1, 2]], "[[1,2]]"),
        (["1,2", "3,4"], "1,2;3,4"),
        ((0.9, Fraction(1, 3)), "0.9,1/3"),
        (np.array([[1, 2], [3, 4]]), "1,2;3,4"),
        (np.array([0.1, 0.2], dtype=np.float32), "0.1,0.2"),
        (np.array(3), "3"),
        (3, "3"),
    ],
    ids=repr,
)
def test_a_list_is_read_from_text_and_from_python(raw: object, expected: str) -> None:
    assert plain(read_values(NAME, raw)) == expected


def test_a_list_of_one_is_a_list_where_it_is_bracketed() -> None:
    assert read_values(NAME, "[5]") == read_values(NAME, [5]) == (number(5),)
    assert read_values(NAME, "5") == number(5)


def test_the_names_of_a_question_hold_inside_a_list_too() -> None:
    scope = Scope(names=frozenset({"m", "n"}), closed=True)
    assert read_values(NAME, "mn, 2", scope) == read_values(NAME, ["mn", "2"], scope) == (parse("m*n"), number(2))
    with pytest.raises(NotationError, match="q is not a name in this question"):
        read_values(NAME, [["q"]], scope)


@given(st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=1, max_size=4))
def test_every_way_to_write_rows_means_the_same(rows: list[list[int]]) -> None:
    expected: Value = tuple(tuple(map(number, row)) for row in rows)
    assert read_values(NAME, rows) == read_values(NAME, str(rows)) == read_values(NAME, np.array(rows)) == expected
    assert read_values(NAME, plain(expected)) == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "--out-channels is an empty list; give at least one number, such as 1,2,3"),
        ("[]", "--out-channels is an empty list; give at least one number, such as 1,2,3"),
        ([], "--out-channels is an empty list; give at least one number, such as 1,2,3"),
        ([[], []], "--out-channels is an empty list; give at least one number, such as 1,2,3"),
        (np.array([]), "--out-channels is an empty list; give at least one number, such as 1,2,3"),
        ("1,,2", "--out-channels has an empty entry; remove the comma or semicolon that is too much"),
        ("1,2;", "--out-channels has an empty entry; remove the comma or semicolon that is too much"),
        ("1,2;3", "--out-channels: the rows have different lengths (2, 1); give rows of one length"),
        ([[1, 2], [3]], "--out-channels: the rows have different lengths (2, 1); give rows of one length"),
        ([1, [2]], "--out-channels mixes numbers and lists; give a list, or a list of rows"),
        ("[1,[2,3]]", "--out-channels is nested too deep at 1,[2,3]; give a list, or rows"),
        ("[[[1]]]", "--out-channels is nested too deep at [1]; give a list, or rows"),
        ([[[1]]], "--out-channels is nested 3 deep; give a list, or a list of rows"),
        (np.zeros((1, 1, 1)), "--out-channels is nested 3 deep; give a list, or a list of rows"),
        ([1, True], "out-channels is a number, not True; give a number or a symbol"),
        ([1, None], "out-channels None is not a number; give a finite number or a symbol"),
        ([1.0, math.nan], "out-channels nan is not a number; give a finite number or a symbol"),
        ("1 2 3", "--out-channels: an operator was expected before this number; write a comma between entries, or *"),
        ("1,2)", "--out-channels: ) closes nothing; remove it or open it with ("),
        ("1," * 1000 + "1", "--out-channels has 1,001 entries; at most 1,000 are read"),
        ("1;" * 1000 + "1", "--out-channels has 1,001 entries; at most 1,000 are read"),
        ([1] * 1001, "--out-channels has 1,001 entries; at most 1,000 are read"),
        ([[1] * 501] * 2, "--out-channels has 1,002 entries; at most 1,000 are read"),
        ("1" * (MAX_TEXT + 1), "--out-channels has 200,001 characters; at most 200,000 are read"),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_what_is_no_list_is_refused(raw: object, message: str) -> None:
    assert refused(read_values, raw).startswith(message)


def test_the_longest_list_is_read() -> None:
    assert read_values(NAME, [1] * MAX_ENTRIES) == (number(1),) * MAX_ENTRIES


def test_deeply_nested_lists_end_in_a_message() -> None:
    nested: list[Any] = [1]
    for _ in range(5_000):
        nested = [nested]
    assert refused(read_values, nested) == "--out-channels is nested 3 deep; give a list, or a list of rows"
    assert "nested too deep" in refused(read_values, "[" * 5_000 + "1" + "]" * 5_000)
    assert refused(read_values, "[" * 5_000)


@given(st.text(alphabet="12n,;[]()x×* .^-", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_scalar, read_size, read_values):
        found: object
        try:
            found = read(NAME, text)
        except DlcalcError as problem:
            found = str(problem)
        assert found


# declarations


@pytest.mark.parametrize(
    ("declared", "raw", "expected"),
    [
        (scalar("-k", help="", whole=True, least=1), "3", number(3)),
        (scalar(help=""), "1/3", number(Fraction(1, 3))),
        (size(help=""), "3x5", (number(3), number(5))),
        (size(help="", words=("same",)), " Same ", "same"),
        (values(help=""), "1,2", (number(1), number(2))),
        (choice("1", "2", help=""), 2, "2"),
        (choice("course", "ema", help=""), " EMA ", "ema"),
        (switch(help=""), True, True),
    ],
    ids=["whole", "scalar", "size", "word", "list", "number", "choice", "switch"],
)
def test_a_declared_given_reads_what_it_declares(declared: Given, raw: object, expected: object) -> None:
    assert declared.read(NAME, raw) == expected


@pytest.mark.parametrize(
    ("declared", "raw", "message"),
    [
        (scalar(help="", whole=True), "0.5", "out-channels 0.5 is not a whole number; use 0 or 1"),
        (scalar(help="", least=1), "0", "out-channels 0 is less than 1; use 1 or more"),
        (size(help=""), "3x0", "out-channels 0 is less than 1; use 1 or more"),
        (size(help="", least=0), "3x-1", "out-channels -1 is less than 0; use 0 or more"),
        (size(help=""), "3x1.5", "out-channels 1.5 is not a whole number; use 1 or 2"),
        (choice("course", "ema", help=""), "eam", "--out-channels eam is not known; did you mean ema?"),
        (choice("1", "2", help=""), "x" * 99, f"--out-channels {'x' * 37}… is not known; use 1, 2"),
        (switch(help=""), "yes", "out_channels is a switch; use True or False"),
    ],
    ids=["whole", "least", "axis", "negative axis", "half an axis", "misspelt", "unknown", "switch"],
)
def test_a_declared_given_refuses_the_rest(declared: Given, raw: object, message: str) -> None:
    assert refused(declared.read, raw) == message


def test_a_symbol_is_sampled_where_its_declaration_says() -> None:
    assert scalar(help="", whole=True).domain == COUNT
    assert scalar(help="").domain == REAL
    assert scalar(help="", least=0).domain == POSITIVE
    assert scalar(help="", domain=COUNT).domain == COUNT
    assert size(help="").between == "x"


def test_reading_gives_expressions() -> None:
    assert all(isinstance(axis, Expr) for axis in read_size(NAME, "3xn"))
