"""Given numbers: every form in which they may come, and every bad one by its sentence."""

from __future__ import annotations

# ruff: noqa: E501 (rows of tables)
import json
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.calculus.data import MAX_ENTRIES, fitted, read_data
from dlcalc.calculus.inference import Typed, typed
from dlcalc.errors import DlcalcError
from dlcalc.notation.program import read_program

# ruff: noqa: ANN401 (data are whatever a caller hands in)

if TYPE_CHECKING:
    from pathlib import Path

FORMS: dict[str, tuple[Any, str, int, list[list[Any]]]] = {
    "a number": ("x=-2", "x", 0, [[-2]]),
    "a decimal is exact": ("x=0.1", "x", 0, [[Fraction(1, 10)]]),
    "a fraction": ("x = 1/3, y=2", "x", 0, [[Fraction(1, 3)]]),
    "an exponent": ("x=1e-3", "x", 0, [[Fraction(1, 1000)]]),
    "an expression": ("x=2^3-1", "x", 0, [[7]]),
    "a root": ("x=sqrt(2)", "x", 0, [[math.sqrt(2)]]),
    "a list": ("w=[1, 1/3]", "w", 1, [[1], [Fraction(1, 3)]]),
    "a list of one": ("w=[5]", "w", 1, [[5]]),
    "rows": ("W=[[1,2],[3,4]]", "W", 2, [[1, 2], [3, 4]]),
    "rows with semicolons": ("W=[1,2;3,4.5]", "W", 2, [[1, 2], [3, Fraction(9, 2)]]),
    "a column of rows": ("W=[1;2]", "W", 2, [[1], [2]]),
    "semicolons between names": ("x=1; y=[2,3]", "y", 1, [[2], [3]]),
    "a Greek letter": ("α=1/2", "alpha", 0, [[Fraction(1, 2)]]),
    "a subscript": ("W₁=[1,2]", "W1", 1, [[1], [2]]),
    "JSON": ('{"x": 1, "w": [0.1, -2]}', "w", 1, [[Fraction(1, 10)], [-2]]),
    "JSON with texts": ('{"w": ["1/3", "2"]}', "w", 1, [[Fraction(1, 3)], [2]]),
    "JSON rows": ('{"W": [[1, 2], [3, 4]]}', "W", 2, [[1, 2], [3, 4]]),
    "JSON with long digits": ('{"x": 0.12345678901234567890}', "x", 0, [[Fraction(12345678901234567890, 10**20)]]),
    "Python numbers": ({"x": 0.1, "n": 3}, "x", 0, [[Fraction(1, 10)]]),
    "Python lists": ({"w": (1, Fraction(1, 3))}, "w", 1, [[1], [Fraction(1, 3)]]),
    "Python names": ({"ŷ": 1}, "y_hat", 0, [[1]]),
    "an array": ({"W": np.array([[1.5, 2.0]])}, "W", 2, [[Fraction(3, 2), 2]]),
    "a NumPy number": ({"x": np.float64(0.25)}, "x", 0, [[Fraction(1, 4)]]),
}


@pytest.mark.parametrize(("raw", "name", "axes", "rows"), FORMS.values(), ids=FORMS)
def test_every_form_is_read(raw: Any, name: str, axes: int, rows: list[list[Any]]) -> None:
    found = read_data(raw)[name]
    assert (found.axes, found.rows) == (axes, rows)
    assert all(isinstance(v, Fraction) for row in found.rows for v in row) or raw == "x=sqrt(2)"


def test_a_file_is_read(tmp_path: Path) -> None:
    source = tmp_path / "data.json"
    source.write_text('\ufeff{"x": [1, 2.5]}', encoding="utf-8")
    assert read_data(str(source))["x"].rows == [[1], [Fraction(5, 2)]]


BAD: dict[str, tuple[Any, str]] = {
    "nothing": ("", "--at is empty; write x=1,y=2, or the name of a JSON file"),
    "no set": ([1, 2], '--at is no set of names with numbers; write x=1,y=2 or {"x": 1, "y": [2, 3]}'),
    "no file": ("numbers.json", "numbers.json cannot be read: No such file or directory; check the path"),
    "no number": ("x=", "--at 'x=' is not NAME=NUMBER; write x=-2,y=5 or x=[1,2,3]"),
    "no name": ("=3", "--at '=3' is not NAME=NUMBER"),
    "only a name": ("x=1,y", "--at 'y' is not NAME=NUMBER"),
    "twice": ("x=1,x=2", "--at gives x twice; keep one of them"),
    "twice in two spellings": ("W1=1,W₁=2", "twice; keep one of them"),
    "twice in JSON": ('{"x": 1, "x": 2}', "--at gives x twice"),
    "twice in JSON spellings": ('{"alpha": 1, "α": 2}', "--at gives alpha twice"),
    "broken JSON": ('{"x": 1,', "--at is not JSON: "),
    "NaN": ('{"x": NaN}', "--at has NaN, which is no number; give finite numbers"),
    "infinity": ('{"x": [1, -Infinity]}', "--at has -Infinity, which is no number"),
    "a Python NaN": ({"x": float("nan")}, "--at: "),
    "null": ('{"x": null}', "--at: x is null, not a number; give a number"),
    "true": ('{"x": true}', "--at: x is true, not a number"),
    "false in a list": ('{"x": [false]}', "--at: x is false, not a number"),
    "an object": ('{"x": {"y": 1}}', "--at: x is an object, not a number"),
    "a letter": ("x=a", "--at: x is a, not a number"),
    "a word in JSON": ('{"x": "one two"}', "--at: "),
    "an empty list": ("x=[]", "--at: "),
    "an empty list in JSON": ('{"x": []}', "--at: x is an empty list; give at least one number"),
    "empty rows": ('{"x": [[], []]}', "--at: x has empty rows; give at least one number"),
    "ragged": ("A=[[1,2],[3]]", "--at: the rows of A have different lengths (2, 1); give rows of one length"),
    "ragged with semicolons": ("A=[1,2;3]", "--at: the rows of A have different lengths (2, 1)"),
    "mixed": ('{"A": [1, [2]]}', "--at: A mixes numbers and lists; give a list, or a list of rows"),
    "three deep": ('{"A": [[[1]]]}', "--at: A is nested more than two deep"),
    "too deep": ('{"A": ' + "[" * 5000 + "]" * 5000 + "}", "deep"),
    "too many": ({"x": [0] * (MAX_ENTRIES + 1)}, f"--at: x has more than {MAX_ENTRIES:,} numbers; give fewer"),
    "too many rows": ({"x": [[0, 0]] * (MAX_ENTRIES // 2 + 1)}, "numbers; give fewer"),
    "code": ("x=__import__('os')", "--at: "),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "sentence"), BAD.values(), ids=BAD)
def test_bad_data_are_refused_with_a_sentence(raw: Any, sentence: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        read_data(raw)
    assert sentence in str(caught.value)


# fitted to a program


def program(text: str) -> Typed:
    return typed(read_program(text))


def test_lengths_follow_from_the_data() -> None:
    found, lengths = fitted(program("W in R^(m x n); x in R^n; z = W x"), read_data("W=[1,2,3;4,5,6],x=[1,2,3]"))
    assert lengths == {"m": 2, "n": 3}
    assert found["x"] == [[1], [2], [3]]


def test_a_flat_list_lies_down_where_the_program_has_a_row() -> None:
    values, _ = fitted(program("x in R^(1 x n); z = x x^T"), read_data("x=[1,2,3]"))
    assert values["x"] == [[1, 2, 3]]


def test_a_length_in_two_letters_and_one_that_is_given() -> None:
    _, lengths = fitted(program("x in R^(n + 1); z = x"), read_data("x=[1,2,3]"))
    assert lengths == {"n": 2}
    _, lengths = fitted(program("z = x ones(k)^T"), read_data("x=[1,2],k=4"))
    assert lengths["k"] == 4


MISFITS = {
    "defined": ("z = 2 x", "x=1,z=2", "--at gives z, which the program computes; leave it out, or remove its equation"),
    "unknown": ("z = W1 x", "W2=1", "--at gives W2, which the program does not use"),
    "missing": ("z = x + y", "x=1", "y has no value; add y to --at"),
    "several missing": ("z = x + y", "", "x, y have no value; add x to --at"),
    "wrong shape": ("W in R^(2 x 3); z = W x", "W=[1,2;3,4],x=[1,2,3]", "--at: W is 2×2, but the program needs 2×3"),
    "transposed": ("W in R^(2 x 3); z = W x", "W=[1,2;3,4;5,6],x=[1,2,3]", "the program needs 2×3; transpose it"),
    "two that contradict": (
        "W in R^(m x n); x in R^n; z = W x", "W=[1,2;3,4],x=[1,2,3]", "x is a list of 3, but the program needs 2×1 (n×1)",
    ),
    "a number for a list": ("x in R^3; z = 2 x", "x=1", "--at: x is a number, but the program needs 3×1"),
    "a list for a number": ("a in R; z = 2 a", "a=[1,2]", "--at: a is a list of 2, but the program needs a number; give a as a number"),
    "a length that is no whole number": ("z = x ones(k)^T", "x=[1,2],k=1.5", "--at: the length k is a whole number from 1 on"),
    "a length of 0": ("z = x ones(k)^T", "x=[1,2],k=0", "--at: the length k is a whole number from 1 on; give 1 or more"),
    "a length that follows from nothing": ("z = x ones(k)^T", "x=[1,2]", "the length k follows from none of the data; add k to --at"),
    "too short for n + 1": ("x in R^(n + 1); z = x", "x=[1]", "the program needs"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "raw", "sentence"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_is_refused_with_both_shapes(text: str, raw: str, sentence: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        fitted(program(text), read_data(raw) if raw else {})
    assert sentence in str(caught.value)


# laws

exact = st.fractions(-1000, 1000, max_denominator=50)
lists = st.one_of(
    exact,
    st.lists(exact, min_size=1, max_size=5),
    st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(exact, min_size=n, max_size=n), min_size=1, max_size=4)),
)


def written(value: Any) -> str:
    return f"[{','.join(map(written, value))}]" if isinstance(value, list) else str(value)


def texts(value: Any) -> Any:
    return [texts(v) for v in value] if isinstance(value, list) else str(value)


@given(st.dictionaries(st.sampled_from(["x", "W1", "alpha", "b"]), lists, min_size=1))
def test_all_forms_say_the_same(data: dict[str, Any]) -> None:
    direct = read_data(data)
    assert read_data(",".join(f"{name}={written(value)}" for name, value in data.items())) == direct
    assert (
        read_data(json.dumps(texts(data) if isinstance(data, list) else {n: texts(v) for n, v in data.items()}))
        == direct
    )


@given(st.text(max_size=40))
def test_any_text_is_data_or_a_clear_error(text: str) -> None:
    try:
        found = read_data(text)
    except DlcalcError as problem:
        assert str(problem)  # noqa: PT017 (either way is right)
    else:
        assert all(math.isfinite(entry) for given_ in found.values() for row in given_.rows for entry in row)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_a_float_means_the_decimal_that_it_prints(value: float) -> None:
    assert read_data({"x": value})["x"].rows == [[Fraction(repr(value))]]
