"""Exact arithmetic: fractions in, fractions out; floats only where a value is irrational; kinks and errors are said."""

from __future__ import annotations

# ruff: noqa: E501 (rows of tables)
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.calculus.exact import _REDUCTIONS, Exact
from dlcalc.calculus.functions import ELEMENTWISE, PULLBACKS
from dlcalc.calculus.inference import typed
from dlcalc.calculus.terms import Apply, walk
from dlcalc.errors import DlcalcError
from dlcalc.notation.program import read_program

# ruff: noqa: ANN401 (exact numbers or floats)

F = Fraction
DATA: dict[str, list[list[Any]]] = {
    "x": [[F(1, 2)], [F(-3)], [F(2)]],
    "y": [[F(4)], [F(1, 3)], [F(-1)]],
    "p": [[F(1, 4)], [F(9)], [F(4, 25)]],
    "s": [[F(3, 4)]],
    "A": [[F(2), F(1)], [F(1), F(3, 2)]],
    "B": [[F(0), F(1)], [F(-1), F(2)]],
    "W": [[F(1), F(2), F(3)], [F(-1), F(1, 2), F(0)]],
}
HEAD = "x, y, p in R^3; s in R; A, B in R^(2 x 2); W in R^(2 x 3); "


def computed(text: str, data: dict[str, list[list[Any]]] | None = None, lengths: dict[str, int] | None = None) -> Any:
    """Evaluate one expression; return its rows and the kinks that were met."""
    program = typed(read_program(f"{HEAD}r = {text}"))
    arithmetic = Exact(lengths or {})
    return arithmetic.value(program.definitions["r"], data or DATA), list(arithmetic.kinks)


RATIONAL: list[tuple[str, list[list[Any]]]] = [
    ("x + y", [[F(9, 2)], [F(-8, 3)], [F(1)]]),
    ("x - s", [[F(-1, 4)], [F(-15, 4)], [F(5, 4)]]),
    ("2/3 x", [[F(1, 3)], [F(-2)], [F(4, 3)]]),
    ("s x", [[F(3, 8)], [F(-9, 4)], [F(3, 2)]]),
    ("x .* y", [[F(2)], [F(-1)], [F(-2)]]),
    ("x ./ y", [[F(1, 8)], [F(-9)], [F(-2)]]),
    ("x/s", [[F(2, 3)], [F(-4)], [F(8, 3)]]),
    ("1 ./ x", [[F(2)], [F(-1, 3)], [F(1, 2)]]),
    ("x.^3", [[F(1, 8)], [F(-27)], [F(8)]]),
    ("s^-2", [[F(16, 9)]]),
    ("p.^(1/2)", [[F(1, 2)], [F(3)], [F(2, 5)]]),
    ("x^T y", [[F(-1)]]),
    ("W x", [[F(1, 2)], [F(-2)]]),
    ("W^T", [[F(1), F(-1)], [F(2), F(1, 2)], [F(3), F(0)]]),
    ("A B", [[F(-1), F(4)], [F(-3, 2), F(4)]]),
    ("A^-1", [[F(3, 4), F(-1, 2)], [F(-1, 2), F(1)]]),
    ("inv(B) B", [[F(1), F(0)], [F(0), F(1)]]),
    ("det(A)", [[F(2)]]),
    ("det(B)", [[F(1)]]),
    ("logdet(B)", [[F(0)]]),
    ("tr(A)", [[F(7, 2)]]),
    ("diag(A)", [[F(2)], [F(3, 2)]]),
    ("diag(x)[2,:]", [[F(0), F(-3), F(0)]]),
    ("eye(2) A", DATA["A"]),
    ("ones(3)^T x", [[F(-1, 2)]]),
    ("x[2]", [[F(-3)]]),
    ("W[2,1:2]", [[F(-1), F(1, 2)]]),
    ("[x[1:2]; s]", [[F(1, 2)], [F(-3)], [F(3, 4)]]),
    ("[A, B]", [[F(2), F(1), F(0), F(1)], [F(1), F(3, 2), F(-1), F(2)]]),
    ("1(x > 0)", [[F(1)], [F(0)], [F(1)]]),
    ("1(x <= y) + 1(x = 2) + 1(x != 2) + 1(x >= 2) + 1(x < 0)", [[F(2)], [F(3)], [F(2)]]),
    ("relu(x)", [[F(1, 2)], [F(0)], [F(2)]]),
    ("leaky_relu(x, 0.1)", [[F(1, 2)], [F(-3, 10)], [F(2)]]),
    ("elu(abs(x), s)", [[F(1, 2)], [F(3)], [F(2)]]),
    ("abs(x)", [[F(1, 2)], [F(3)], [F(2)]]),
    ("sign(x)", [[F(1)], [F(-1)], [F(1)]]),
    ("floor(x) + ceil(y)", [[F(4)], [F(-2)], [F(1)]]),
    ("max(x, y)", [[F(4)], [F(1, 3)], [F(2)]]),
    ("min(x, 1)", [[F(1, 2)], [F(-3)], [F(1)]]),
    ("sqrt(p)", [[F(1, 2)], [F(3)], [F(2, 5)]]),
    ("sum(x)", [[F(-1, 2)]]),
    ("mean(x)", [[F(-1, 6)]]),
    ("max(x)", [[F(2)]]),
    ("min(W)", [[F(-1)]]),
    ("sum(W, 0)", [[F(0), F(5, 2), F(3)]]),
    ("mean(W, 1)", [[F(2)], [F(-1, 6)]]),
    ("max(W, axis=0)", [[F(1), F(2), F(3)]]),
    ("min(W, axis=1)", [[F(1)], [F(-1)]]),
    ("var([1, 2, 4])", [[F(14, 9)]]),
    ("||[3, 4]||", [[F(5)]]),
    ("||x||^2", [[F(53, 4)]]),
    ("1/2 ||x - y||^2", [[(F(49, 4) + F(100, 9) + 9) / 2]]),
    ("||x||_1", [[F(11, 2)]]),
    ("||x||_inf", [[F(3)]]),
    ("||W||_inf", [[F(6)]]),
    ("||W||_1", [[F(15, 2)]]),
    ("cossim([1, 0], [3, 4])", [[F(3, 5)]]),
    ("softmax([s, s, s])", [[F(1, 3)]] * 3),
    ("exp(0 s) + ln(s/s) + cos(s - s) + sin(s - s) + tanh(s - s) + sigmoid(s - s) + gelu(s - s) + silu(s - s)", [[F(5, 2)]]),
    ("sum(k, 1, 3, x[k] y[k])", [[F(-1)]]),
    ("sum(k, 1, 3, k^2/s)", [[F(56, 3)]]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), RATIONAL, ids=[text for text, _ in RATIONAL])
def test_fractions_stay_fractions(text: str, expected: list[list[Any]]) -> None:
    found = computed(text)[0]
    assert found == expected
    assert all(isinstance(entry, int | Fraction) for row in found for entry in row)


def _softmax(values: list[float]) -> list[float]:
    grown = [math.exp(v) for v in values]
    return [g / sum(grown) for g in grown]


REAL: list[tuple[str, Any]] = [
    ("sigmoid(s)", 1 / (1 + math.exp(-0.75))),
    ("tanh(s)", math.tanh(0.75)),
    ("gelu(s)", 0.75 * (1 + math.erf(0.75 / math.sqrt(2))) / 2),
    ("silu(s)", 0.75 / (1 + math.exp(-0.75))),
    ("softplus(s)", math.log(1 + math.exp(0.75))),
    ("softplus(1000 s)", 750.0),
    ("exp(s)", math.exp(0.75)),
    ("ln(s)", math.log(0.75)),
    ("sqrt(s)", math.sqrt(0.75)),
    ("sin(s) + cos(s)", math.sin(0.75) + math.cos(0.75)),
    ("elu(-s, 2)", 2 * (math.exp(-0.75) - 1)),
    ("normcdf(s)", (1 + math.erf(0.75 / math.sqrt(2))) / 2),
    ("normpdf(s)", math.exp(-(0.75**2) / 2) / math.sqrt(2 * math.pi)),
    ("s^s", 0.75**0.75),
    ("||y||", math.sqrt(17 + 1 / 9)),
    ("logsumexp(x)", math.log(math.exp(0.5) + math.exp(-3) + math.exp(2))),
    ("logsumexp(1000 x)", 2000.0),
    ("softmax(x)[3]", _softmax([0.5, -3, 2])[2]),
    ("softmax(1000 x)[3]", 1.0),
    ("softmax(W, 1)[2,1]", _softmax([-1, 0.5, 0])[0]),
    ("softmax(W, 0)[2,1]", _softmax([1, -1])[1]),
    ("log_softmax(x)[1]", math.log(_softmax([0.5, -3, 2])[0])),
    ("logdet(A)", math.log(2)),
    ("cossim(x, y)", -1 / math.sqrt(53 / 4 * (17 + 1 / 9))),
]


@pytest.mark.parametrize(("text", "expected"), REAL, ids=[text for text, _ in REAL])
def test_irrational_values_are_floats(text: str, expected: float) -> None:
    ((found,),) = computed(text)[0]
    assert float(found) == pytest.approx(expected, rel=1e-14)


def test_every_function_is_in_a_row() -> None:
    used: set[str] = set()
    for text, _ in [*RATIONAL, *REAL]:
        terms = typed(read_program(f"{HEAD}r = {text}")).definitions.values()
        used |= {node.function for term in terms for node in walk(term) if isinstance(node, Apply)}
    assert used >= {*ELEMENTWISE, *PULLBACKS, *_REDUCTIONS}


KINKS = [
    ("relu(s - 3/4)", ["relu"]),
    ("leaky_relu(x - 2, s)", ["leaky_relu"]),
    ("elu(x + 3, s)", ["elu"]),
    ("abs(x - 1/2)", ["abs"]),
    ("sign(x - 1/2)", ["sign"]),
    ("max(x, 2)", ["maximum"]),
    ("min(s, 3/4)", ["minimum"]),
    ("max([1, 2, 2])", ["max"]),
    ("min([1, 1, 2])", ["min"]),
    ("||[1, -2, 2]||_inf", ["norm_inf"]),
    ("relu(x)", []),
    ("max([1, 1, 2])", []),
    ("min([1, 2, 2])", []),
    ("abs(x) + sign(y)", []),
    ("max(x, 1)", []),
    ("max([1, 2; 3, 3], axis=1)", ["max"]),
    ("||[1, -2; 2, 1]||_inf", ["norm_inf"]),
    ("||[0, 1]||_1", ["norm_1"]),
]


@pytest.mark.parametrize(("text", "kinks"), KINKS, ids=[text for text, _ in KINKS])
def test_kinks_are_noted(text: str, kinks: list[str]) -> None:
    assert computed(text)[1] == kinks


ERRORS = [
    ("1/(s - 3/4)", "divides by zero at the given data; change the data"),
    ("1 ./ (x - 2)", "divides by zero at the given data"),
    ("(s - 3/4)^-1", "at the given data"),
    ("ln(-s)", "ln(-3/4) has no value: ln(-s) at the given data; change the data"),
    ("ln(s - 3/4)", "ln(0) has no value"),
    ("sqrt(-s)", "sqrt(-3/4) has no value"),
    ("(-s)^(1/2)", "^(1/2) has no value"),
    ("inv(A - A)", "is singular at the given data: it has no inverse; change the data"),
    ("[1, 2; 2, 4]^-1", "is singular at the given data"),
    ("logdet(-A[1:1,1:1])", "the determinant is -2 at the given data; it must be positive"),
    ("cossim(x - x, y)", "the cosine of a zero vector has no value; give vectors that are not zero"),
    ("exp(10000 s)", "is too large to compute at the given data; use smaller numbers"),
]


@pytest.mark.parametrize(("text", "sentence"), ERRORS, ids=[text for text, _ in ERRORS])
def test_what_has_no_value_is_said(text: str, sentence: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        computed(text)
    assert sentence in str(caught.value)


def test_a_declared_function_has_no_value() -> None:
    program = typed(read_program("f: R -> R; s in R; r = f(s)"))
    with pytest.raises(DlcalcError, match="f is declared, not defined: it has no value"):
        Exact({}).value(program.definitions["r"], DATA)


def test_lengths_are_numbers() -> None:
    program = typed(read_program("x in R^n; r = sum(x)/n + sum(ones(n, m))"))
    assert Exact({"n": 3, "m": 2}).value(program.definitions["r"], DATA) == [[F(-1, 6) + 6]]


def test_a_singular_matrix_of_floats_is_recognised() -> None:
    third = 1 / 3
    with pytest.raises(DlcalcError, match="singular"):
        computed("A^-1", {"A": [[third, 2 * third], [0.5, 1.0]]})


entries = st.fractions(-9, 9, max_denominator=6)
squares = st.lists(st.lists(entries, min_size=3, max_size=3), min_size=3, max_size=3)


@given(squares, squares)
def test_determinants_multiply_and_inverses_cancel(a: list[list[Fraction]], b: list[list[Fraction]]) -> None:
    program = typed(read_program("A, B in R^(3 x 3); d = det(A B) - det(A) det(B); i = A^-1 A; t = tr(A B) - tr(B A)"))
    data = {"A": a, "B": b}
    assert Exact({}).value(program.definitions["d"], data) == [[0]]
    assert Exact({}).value(program.definitions["t"], data) == [[0]]
    if Exact({}).value(typed(read_program("A in R^(3 x 3); d = det(A)")).definitions["d"], data) != [[0]]:
        assert Exact({}).value(program.definitions["i"], data) == np.eye(3).tolist()


@given(squares)
def test_determinants_are_those_of_numpy(a: list[list[Fraction]]) -> None:
    ((found,),) = Exact({}).value(typed(read_program("A in R^(3 x 3); d = det(A)")).definitions["d"], {"A": a})
    assert isinstance(found, Fraction)
    assert float(found) == pytest.approx(np.linalg.det(np.array(a, dtype=float)), rel=1e-9, abs=1e-9)
