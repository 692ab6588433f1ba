"""Expressions: the operators fold what is exact, the nodes fold nothing, and no fold changes a value."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trees import agree, expressions, points, value

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import (
    MAX_POWER_BITS,
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Sum,
    Sym,
    add,
    children,
    div,
    exact_root,
    expr,
    fits,
    fold,
    height,
    mul,
    names,
    number,
    power,
    power_bits,
    substitute,
    unfolded,
    walk,
)
from dlcalc.notation.functions import FUNCTIONS, call

if TYPE_CHECKING:
    from collections.abc import Mapping

A, B, K, N, T = map(Sym, "abknt")
LONG = number(3**8000)
few = settings(max_examples=40)


@pytest.mark.parametrize(
    ("folded", "expected"),
    [
        (A + 0, A),
        (1 + A + 2, Add((number(3), A))),
        (A + 1 + 2, Add((A, number(3)))),
        (A - A, Add((A, Mul((number(-1), A))))),
        (2 * A * 3, Mul((number(6), A))),
        (A * 0, ZERO),
        (A * 1, A),
        (0 - (0 - A), A),
        (A / 1, A),
        (0 / A, ZERO),
        (A / 2, Div(A, number(2))),
        (2 * A / 4, Div(A, number(2))),
        (4 * A / 2, Mul((number(2), A))),
        (6 * A / 4, Div(Mul((number(3), A)), number(2))),
        (-6 * A / 4, Mul((number(-1), Div(Mul((number(3), A)), number(2))))),
        (-A / B, Mul((number(-1), Div(A, B)))),
        (-3 / A, Mul((number(-1), Div(number(3), A)))),
        (expr(Fraction(9, 10)) * A / 3, Mul((number(Fraction(3, 10)), A))),
        (number(6) / 4, number(Fraction(3, 2))),
        (A**1, A),
        (A**0, ONE),
        (ONE**A, ONE),
        (ZERO ** number(0), ONE),
        (ZERO ** number(Fraction(1, 3)), ZERO),
        (number(2) ** -3, number(Fraction(1, 8))),
        (number(4) ** Fraction(1, 2), number(2)),
        (number(8) ** Fraction(3, 2), Pow(number(8), number(Fraction(3, 2)))),
        (number(-1) ** 10**9, ONE),
        (number(-8) ** Fraction(1, 3), Pow(number(-8), number(Fraction(1, 3)))),
        (A**2 * A, Mul((Pow(A, number(2)), A))),
        (1 - A, Add((ONE, Mul((number(-1), A))))),
        (number(2) ** A, Pow(number(2), A)),
    ],
    ids=str,
)
def test_the_operators_fold_exact_numbers(folded: Expr, expected: Expr) -> None:
    assert folded == expected


def test_the_nodes_fold_nothing() -> None:
    raw = Mul((Add((Mul((number(7), number(7), number(3))), ONE)), number(16)))
    assert str(raw) == "(7*7*3 + 1)*16"
    assert fold(raw) == number(2368)


@few
@given(expressions(), points)
def test_folding_changes_no_value(node: Expr, at: Mapping[str, object]) -> None:
    expected = value(node, at)
    assume(expected is not None)
    found = value(fold(node), at)
    assert found is not None
    assert agree(found, expected)


@few
@given(expressions(), points)
def test_folding_twice_is_folding_once(node: Expr, at: Mapping[str, object]) -> None:
    assume(value(node, at) is not None)
    once = fold(node)
    assert fold(once) == once


@few
@given(expressions(2), expressions(2), points)
def test_the_operators_have_the_values_of_arithmetic(left: Expr, right: Expr, at: Mapping[str, object]) -> None:
    a, b = value(left, at), value(right, at)
    assume(a is not None)
    assume(b is not None)
    for found, expected in ((left + right, a + b), (left - right, a - b), (left * right, a * b), (-left, -a)):
        computed = value(found, at)
        assert computed is not None
        assert agree(computed, expected)


@pytest.mark.parametrize(
    ("make", "condition"),
    [
        (lambda: A / 0, "division by zero in (a)/0"),
        (lambda: div(ONE, ZERO), "division by zero in (1)/0"),
        (lambda: power(ZERO, number(-2)), "division by zero in 0^(-2)"),
        (lambda: fold(Div(A, Add((ONE, number(-1))))), "division by zero in (a)/0"),
    ],
)
def test_a_division_by_zero_is_an_error(make: object, condition: str) -> None:
    assert callable(make)
    with pytest.raises(DlcalcError) as raised:
        make()
    assert raised.value.condition == condition
    assert raised.value.fix


def test_a_float_is_no_exact_number() -> None:
    with pytest.raises(TypeError, match="is not exact: give a Fraction"):
        number(0.9)  # type: ignore[arg-type]  # what the test is about


# long numbers


@pytest.mark.parametrize(
    "node",
    [
        add(LONG, LONG * A, LONG),
        mul(LONG, LONG),
        mul(LONG, A, LONG),
        div(LONG, number(Fraction(1, 7**1000))),
        div(mul(LONG, A), number(Fraction(1, 7**1000))),
        power(number(9), number(10**6)),
        power(number(Fraction(1, 9)), number(-(10**6))),
        call("leaky_relu", -LONG, LONG),
    ],
    ids=["sum", "product", "product with a letter", "quotient", "quotient with a letter", "power", "inverse", "call"],
)
def test_what_would_be_too_long_stays_as_written(node: Expr) -> None:
    assert not isinstance(node, Num)
    assert all(fits(part.value) for part in walk(node) if isinstance(part, Num))
    assert node == fold(node)


def test_too_long_is_what_python_would_not_print() -> None:
    longest = number(2**MAX_POWER_BITS - 1)
    assert fits(longest.value)
    assert str(longest)
    assert not fits(Fraction(2**MAX_POWER_BITS))


@pytest.mark.parametrize(
    ("node", "stays"),
    [
        (Mul((LONG, LONG)), True),
        (Add((A, LONG, LONG)), True),
        (Div(LONG, LONG), True),
        (Pow(number(9), number(10**6)), True),
        (Pow(number(2), number(Fraction(1, 2))), False),
        (Mul((LONG, A)), False),
        (Div(A, LONG), False),
        (A, False),
    ],
    ids=["product", "sum", "quotient", "power", "root", "one number", "one below", "symbol"],
)
def test_numbers_side_by_side_are_noticed(node: Expr, *, stays: bool) -> None:
    assert unfolded(node) is stays


@given(st.fractions(max_denominator=50, min_value=-50, max_value=50), st.integers(-60, 60))
def test_power_bits_is_a_bound(base: Fraction, exponent: int) -> None:
    assume(base != 0)
    found = base**exponent
    assert max(found.numerator.bit_length(), found.denominator.bit_length()) <= power_bits(base, Fraction(exponent)) + 1


@given(st.fractions(min_value=0, max_value=10**6))
def test_an_exact_root_squares_to_the_number(root: Fraction) -> None:
    assert exact_root(root**2) == root
    assert exact_root(-(root**2)) == (0 if root == 0 else None)
    assert exact_root(2 * root**2) == (0 if root == 0 else None)


# functions of exact numbers


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        ("floor", ["-7/2"], -4),
        ("ceil", ["-7/2"], -3),
        ("abs", ["-7/2"], "7/2"),
        ("sign", ["-7/2"], -1),
        ("sign", [0], 0),
        ("sqrt", ["9/4"], "3/2"),
        ("sqrt", [2], None),
        ("sqrt", [-1], None),
        ("exp", [0], 1),
        ("exp", [1], None),
        ("ln", [1], 0),
        ("ln", [0], None),
        ("sin", [0], 0),
        ("cos", [0], 1),
        ("tanh", [0], 0),
        ("sigmoid", [0], "1/2"),
        ("relu", [-3], 0),
        ("relu", ["3/2"], "3/2"),
        ("leaky_relu", [-3, "1/10"], "-3/10"),
        ("leaky_relu", [3, "1/10"], 3),
        ("elu", [3, 2], 3),
        ("elu", [-3, 2], None),
        ("elu", [-3, 0], 0),
        ("gelu", [0], 0),
        ("silu", [0], 0),
        ("softplus", [0], None),
        ("max", [1, 3, 2], 3),
        ("max", [4], 4),
        ("min", [1, 3, -2], -2),
        ("mean", [1, 2], "3/2"),
        ("sum", [3], 3),
        ("norm", [3, 4], 5),
        ("norm", [1, 1], None),
        ("norm_1", [3, -4], 7),
        ("norm_inf", [3, -4], 4),
        ("logsumexp", [7], 7),
        ("logsumexp", [1, 1], None),
        ("1 <", [1, 2], 1),
        ("1 >=", [1, 2], 0),
        ("1 =", [2, 2], 1),
        ("1 !=", [2, 2], 0),
    ],
    ids=str,
)
def test_a_function_folds_where_its_value_is_rational(
    function: str, arguments: list[int | str], expected: int | str | None
) -> None:
    exact = tuple(number(Fraction(a)) for a in arguments)
    found = call(function, *exact)
    assert found == (Call(function, exact) if expected is None else number(Fraction(expected)))


def test_expectations_are_never_folded() -> None:
    assert call("E", number(3)) == Call("E", (number(3),))
    assert call("Var", number(3)) == Call("Var", (number(3),))


def test_every_exact_fold_agrees_with_the_arithmetic() -> None:
    for name, row in FUNCTIONS.items():
        if row.random:
            continue
        for first in (Fraction(-3, 2), Fraction(0), Fraction(1), Fraction(4)):
            arguments = (first, Fraction(1, 4))[: row.least]
            exact = row.exact(*arguments)
            if exact is not None:
                assert agree(row.compute(*arguments), Fraction(exact)), (name, arguments)


# walks


def test_names_are_the_free_ones() -> None:
    node = Sum("k", ONE, T, Entry("g", K) * A) + K
    assert names(node) == {"t", "g", "a", "k"}
    assert names(Sum("k", K, T, Entry("g", K))) == {"k", "t", "g"}


@given(expressions())
def test_the_walk_meets_every_node_once(node: Expr) -> None:
    assert sum(1 for _ in walk(node)) == 1 + sum(sum(1 for _ in walk(child)) for child in children(node))
    assert height(node) == 1 + max((height(child) for child in children(node)), default=0)


def test_substituting_folds_nothing() -> None:
    assert str(substitute((A + 1) * N, {"a": number(2), "n": number(3)})) == "(2 + 1)*3"


def test_substituting_leaves_a_bound_index_alone() -> None:
    node = Sum("k", ONE, K, A**K)
    assert str(substitute(node, {"k": N})) == "sum(k, 1, n, a^k)"


def test_substituting_lets_no_index_capture_a_name() -> None:
    node = Sum("k", ONE, N, A**K * B)
    assert str(substitute(node, {"a": K, "b": Sym("k1")})) == "sum(k2, 1, n, k^k2*k1)"
    nested = Sum("k", ONE, N, Sum("k1", ONE, K, A))
    assert str(substitute(nested, {"a": K})) == "sum(k1, 1, n, sum(k1, 1, k1, k))"


@few
@given(expressions(2, bound=("k",)), points, st.integers(1, 3))
def test_substituting_has_the_value_at_the_point(node: Expr, at: Mapping[str, object], k: int) -> None:
    expected = value(node, {**at, "k": Fraction(k)})
    assume(expected is not None)
    found = value(substitute(node, {"k": number(k)}), at)
    assert found is not None
    assert agree(found, expected)


@few
@given(expressions(2), expressions(1, bound=("k", "j")), points)
def test_a_name_put_in_has_its_own_value_under_every_sum(node: Expr, inserted: Expr, at: Mapping[str, object]) -> None:
    at = {**at, "k": Fraction(2), "j": Fraction(3), "tau": Fraction(1)}
    inner = value(inserted, at)
    assume(isinstance(inner, Fraction))
    expected = value(node, {**at, "a": inner})
    assume(expected is not None)
    found = value(substitute(node, {"a": inserted}), at)
    assert found is not None
    assert agree(found, expected)
