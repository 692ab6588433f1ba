"""The normal form of terms: what every constructor folds, collects and cancels, and that no value changes by it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.calculus.batches import Batch
from dlcalc.calculus.dims import ONE, SCALAR, Dim, Shape, named
from dlcalc.calculus.dims import number as length_of
from dlcalc.calculus.printing import plain
from dlcalc.calculus.terms import (
    UNIT,
    ZERO,
    Apply,
    Compare,
    Constant,
    Grid,
    Hadamard,
    Inverse,
    Length,
    Name,
    Number,
    Part,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
    Transpose,
    add,
    children,
    divide,
    hadamard,
    inner,
    is_zero,
    length,
    mul,
    names,
    negative,
    number,
    ones,
    part,
    placed,
    power,
    product,
    put_in,
    put_names,
    rebuilt,
    scaled,
    size,
    split,
    total,
    transpose,
    walk,
    weight,
    zeros,
)
from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Callable

M, N = named("m"), named("n")
COLUMN, OTHER, ROW, MATRIX, SQUARE = Shape(N, ONE), Shape(M, ONE), Shape(ONE, N), Shape(M, N), Shape(N, N)
X, Y, Z = (Name(COLUMN, name) for name in "xyz")
D = Name(OTHER, "d")
R = Name(ROW, "r")
W, V = Name(MATRIX, "W"), Name(MATRIX, "V")
K = Name(SQUARE, "K")
S, T = Name(SCALAR, "s"), Name(SCALAR, "t")
EYE = Constant(SQUARE, "eye")
AT = {"m": 3, "n": 4}
BATCH = Batch(AT)
GENERATOR = np.random.default_rng(7)
VALUES = {
    term.name: GENERATOR.uniform(0.5, 2, (5, term.shape.rows.value(AT), term.shape.cols.value(AT)))
    for term in (X, Y, Z, D, R, W, V, K, S, T)
}


def value(term: Term) -> np.ndarray:
    """Compute a term at five points."""
    found = np.asarray(BATCH.value(term, VALUES))
    return np.broadcast_to(found, (5, term.shape.rows.value(AT), term.shape.cols.value(AT)))


def apply(function: str, term: Term) -> Term:
    """Apply an element-wise function."""
    return Apply(term.shape, function, (term,))


def diag(term: Term) -> Term:
    """Make a diagonal matrix."""
    return Apply(Shape(term.shape.rows, term.shape.rows), "diag", (term,))


# numbers and constants


def test_a_number_is_exact_and_of_bounded_length() -> None:
    assert number(3).value == Fraction(3)
    assert number(Fraction(9, 10)).value == Fraction(9, 10)
    with pytest.raises(DlcalcError, match="too many digits; use smaller numbers"):
        number(10**5_000)


def test_constants_of_one_entry_are_numbers() -> None:
    assert ones(SCALAR) == UNIT
    assert zeros(SCALAR) == ZERO
    assert ones(COLUMN) == Constant(COLUMN, "ones")
    assert zeros(MATRIX) == Constant(MATRIX, "zeros")
    assert length(length_of(3)) == number(3)
    assert length(N) == Length(SCALAR, N)
    assert plain(size(MATRIX)) == "m n"
    assert size(Shape(length_of(2), length_of(3))) == number(6)
    assert is_zero(ZERO)
    assert is_zero(zeros(MATRIX))
    assert not is_zero(UNIT)


@pytest.mark.parametrize(
    ("term", "coefficient", "rest"),
    [
        (number(3), 3, UNIT),
        (scaled(3, X), 3, X),
        (scaled(-1, mul(S, X)), -1, mul(S, X)),
        (X, 1, X),
        (mul(W, X), 1, mul(W, X)),
    ],
)
def test_the_number_in_front_is_split_off(term: Term, coefficient: int, rest: Term) -> None:
    assert split(term) == (coefficient, rest)


# the normal form, as it is written


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        # sums
        (lambda: add(X, Y), "x + y"),
        (lambda: add(X, X), "2 x"),
        (lambda: add(X, negative(X)), "zeros(n)"),
        (lambda: add(S, negative(S)), "0"),
        (lambda: add(X, Y, negative(X)), "y"),
        (lambda: add(add(X, Y), add(Z, X)), "2 x + y + z"),
        (lambda: add(scaled(Fraction(1, 2), X), scaled(Fraction(1, 2), X)), "x"),
        (lambda: add(number(2), S, number(3)), "5 + s"),
        (lambda: add(UNIT, X), "1 + x"),
        (lambda: add(UNIT, X, number(-1)), "x"),
        (lambda: add(X, zeros(COLUMN)), "x"),
        (lambda: add(zeros(COLUMN), zeros(COLUMN)), "zeros(n)"),
        (lambda: add(UNIT, X, negative(X)), "ones(n)"),
        (lambda: add(S, X, negative(X)), "s ones(n)"),
        (lambda: add(S, T, X, negative(X)), "s ones(n) + t ones(n)"),
        (lambda: add(mul(W, X), mul(W, X)), "2 W x"),
        (lambda: add(mul(S, X), mul(T, X)), "s x + t x"),
        (lambda: add(scaled(2, add(X, Y)), X), "2 (x + y) + x"),
        # products
        (lambda: mul(W, X), "W x"),
        (lambda: mul(X, S), "s x"),
        (lambda: mul(number(2), W, number(3), X), "6 W x"),
        (lambda: mul(W, S, X, T), "s t W x"),
        (lambda: mul(S, S), "s^2"),
        (lambda: mul(S, T, S), "s^2 t"),
        (lambda: mul(UNIT, X), "x"),
        (lambda: mul(ZERO, X), "zeros(n)"),
        (lambda: mul(zeros(MATRIX), X), "zeros(m)"),
        (lambda: mul(ZERO, S), "0"),
        (lambda: mul(EYE, X), "x"),
        (lambda: mul(W, EYE), "W"),
        (lambda: mul(EYE, EYE), "eye(n)"),
        (lambda: mul(diag(X), Y), "x .* y"),
        (lambda: mul(diag(X), diag(Y), Z), "x .* y .* z"),
        (lambda: mul(W, diag(X), Y), "W (x .* y)"),
        (lambda: mul(diag(D), W), "diag(d) W"),
        (lambda: mul(diag(D), W, X), "d .* W x"),
        (lambda: mul(mul(W, X), transpose(Y)), "W x y^T"),
        (lambda: mul(transpose(X), Y), "x^T y"),
        (lambda: mul(S, transpose(X), Y), "s x^T y"),
        (lambda: mul(mul(transpose(X), Y), Z), "(x^T y) z"),
        (lambda: mul(add(X, Y), S), "s (x + y)"),
        (lambda: mul(S, divide(T, S)), "t"),
        (lambda: mul(divide(UNIT, S), S), "1"),
        (lambda: mul(divide(UNIT, S), S, X), "x"),
        (lambda: mul(divide(S, T), divide(T, S)), "1"),
        # quotients
        (lambda: divide(X, number(2)), "1/2 x"),
        (lambda: divide(S, S), "1"),
        (lambda: divide(X, X), "ones(n)"),
        (lambda: divide(X, S), "x/s"),
        (lambda: divide(UNIT, X), "1 ./ x"),
        (lambda: divide(S, X), "s (1 ./ x)"),
        (lambda: divide(ZERO, X), "zeros(n)"),
        (lambda: divide(zeros(COLUMN), S), "zeros(n)"),
        (lambda: divide(hadamard(X, Y), X), "y"),
        (lambda: divide(X, hadamard(X, Y)), "1 ./ y"),
        (lambda: divide(power(X, number(3)), X), "x.^2"),
        (lambda: divide(X, power(X, number(3))), "1 ./ x.^2"),
        (lambda: divide(scaled(4, X), scaled(2, X)), "2 ones(n)"),
        (lambda: divide(divide(X, Y), Z), "x ./ (y .* z)"),
        (lambda: divide(X, divide(Y, Z)), "(x .* z) ./ y"),
        (lambda: divide(S, divide(S, T)), "t"),
        (lambda: divide(X, divide(S, T)), "t x/s"),
        (lambda: divide(power(S, number(2)), mul(S, T)), "s/t"),
        (lambda: hadamard(X, divide(UNIT, X)), "ones(n)"),
        (lambda: hadamard(divide(X, Y), divide(Y, Z)), "x ./ z"),
        # element-wise products
        (lambda: hadamard(X, Y), "x .* y"),
        (lambda: hadamard(X, X), "x.^2"),
        (lambda: hadamard(X, X, X), "x.^3"),
        (lambda: hadamard(X, power(X, number(2)), Y), "x.^3 .* y"),
        (lambda: hadamard(hadamard(X, Y), Z), "x .* y .* z"),
        (lambda: hadamard(X, ones(COLUMN)), "x"),
        (lambda: hadamard(ones(COLUMN), ones(COLUMN)), "ones(n)"),
        (lambda: hadamard(X, zeros(COLUMN)), "zeros(n)"),
        (lambda: hadamard(number(2), X, number(3), Y), "6 (x .* y)"),
        (lambda: hadamard(S, X), "s x"),
        (lambda: hadamard(scaled(2, X), mul(S, Y)), "2 s (x .* y)"),
        (lambda: hadamard(S, T), "s t"),
        # powers
        (lambda: power(X, UNIT), "x"),
        (lambda: power(X, ZERO), "ones(n)"),
        (lambda: power(S, ZERO), "1"),
        (lambda: power(number(2), number(3)), "8"),
        (lambda: power(number(2), number(-3)), "1/8"),
        (lambda: power(power(X, number(2)), number(3)), "x.^6"),
        (lambda: power(power(S, number(2)), number(Fraction(1, 2))), "(s^2)^(1/2)"),
        (lambda: power(number(2), number(Fraction(1, 2))), "2^(1/2)"),
        (lambda: power(number(2), number(10**6)), "2^1000000"),
        (lambda: power(ZERO, number(-1)), "0^(-1)"),
        # transposes
        (lambda: transpose(S), "s"),
        (lambda: transpose(number(2)), "2"),
        (lambda: transpose(X), "x^T"),
        (lambda: transpose(transpose(W)), "W"),
        (lambda: transpose(mul(W, X)), "x^T W^T"),
        (lambda: transpose(mul(S, W, K)), "s K^T W^T"),
        (lambda: transpose(EYE), "eye(n)"),
        (lambda: transpose(ones(MATRIX)), "ones(n, m)"),
        (lambda: transpose(ones(COLUMN)), "ones(n)^T"),
        (lambda: transpose(diag(X)), "diag(x)"),
        (lambda: transpose(add(X, transpose(R))), "x^T + r"),
        (lambda: transpose(add(UNIT, X)), "1 + x^T"),
        (lambda: transpose(add(X, Y)), "(x + y)^T"),
        (lambda: transpose(hadamard(X, Y)), "(x .* y)^T"),
        (lambda: transpose(Inverse(SQUARE, K)), "K^-T"),
        # sums over all entries, inner products
        (lambda: total(X), "sum(x)"),
        (lambda: total(S), "s"),
        (lambda: total(scaled(3, X)), "3 sum(x)"),
        (lambda: total(mul(S, X)), "s sum(x)"),
        (lambda: total(add(X, Y)), "sum(x) + sum(y)"),
        (lambda: total(add(UNIT, X)), "n + sum(x)"),
        (lambda: total(add(S, W)), "s m n + sum(W)"),
        (lambda: total(ones(MATRIX)), "m n"),
        (lambda: total(scaled(2, ones(COLUMN))), "2 n"),
        (lambda: total(zeros(MATRIX)), "0"),
        (lambda: inner(X, Y), "x^T y"),
        (lambda: inner(R, transpose(X)), "r x"),
        (lambda: inner(S, T), "s t"),
        (lambda: inner(S, X), "s sum(x)"),
        (lambda: inner(X, S), "s sum(x)"),
        (lambda: inner(ones(COLUMN), X), "sum(x)"),
        (lambda: inner(X, ones(COLUMN)), "sum(x)"),
        (lambda: inner(hadamard(X, Y), Z), "sum(x .* y .* z)"),
        (lambda: inner(W, V), "sum(W .* V)"),
        (lambda: inner(mul(W, X), D), "x^T W^T d"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_constructors_bring_terms_into_normal_form(built: Callable[[], Term], expected: str) -> None:
    assert plain(built()) == expected


def test_nothing_is_multiplied_out() -> None:
    assert isinstance(mul(S, add(X, Y)), Product)
    assert isinstance(power(add(S, T), number(2)), Power)
    assert isinstance(hadamard(X, add(Y, Z)), Hadamard)


def test_the_normal_form_is_flat() -> None:
    found = add(X, add(Y, add(Z, mul(S, X))))
    assert isinstance(found, Sum)
    assert len(found.terms) == 4
    chain = mul(transpose(W), mul(W, mul(K, X)))
    assert isinstance(chain, Product)
    assert len(chain.chain) == 4
    assert mul(mul(W, K), X) == mul(W, mul(K, X))
    assert product(Fraction(2), (), (mul(number(3), W, K), X)) == scaled(6, mul(W, K, X))


# parts and blocks


def test_all_of_a_matrix_is_the_matrix() -> None:
    assert part(W, (ONE, M), (ONE, N)) == W
    one = part(W, (length_of(2), length_of(2)), (length_of(3), length_of(3)))
    assert one.shape.is_scalar
    assert plain(one) == "W[2, 3]"
    rest = part(X, (length_of(2), N), (ONE, ONE))
    assert str(rest.shape) == "(n - 1)×1"


@pytest.mark.parametrize(
    ("rows", "cols"),
    [((1, 1), (1, 1)), ((2, 3), (2, 3)), ((1, 3), (2, 2)), ((3, 3), (1, 4)), ((1, 3), (1, 4))],
)
def test_placing_a_block_undoes_taking_a_part(rows: tuple[int, int], cols: tuple[int, int]) -> None:
    shape = Shape(length_of(3), length_of(4))
    whole = Name(shape, "W")
    ranges: list[tuple[Dim, Dim]] = [(length_of(low), length_of(high)) for low, high in (rows, cols)]
    block = part(whole, *ranges)
    back = value(placed(block, shape, *ranges))
    expected = np.zeros_like(back)
    inside = np.s_[:, rows[0] - 1 : rows[1], cols[0] - 1 : cols[1]]
    expected[inside] = VALUES["W"][inside]
    np.testing.assert_array_equal(back, expected)


# walking and rebuilding

EVERY = add(
    mul(W, hadamard(X, divide(Y, Z))),
    mul(S, apply("tanh", D)),
    Compare(OTHER, ">", D, ZERO),
    Part(OTHER, mul(W, K), (ONE, M), (ONE, ONE)),
    mul(W, Inverse(SQUARE, K), transpose(apply("exp", K)), Grid(COLUMN, ((power(X, T),),))),
    Apply(OTHER, "sum", (W,), 1),
    mul(length(N), ones(OTHER)),
)


def test_walking_meets_every_node() -> None:
    kinds = {type(node) for node in walk(EVERY)}
    assert kinds == {
        Sum, Product, Hadamard, Quotient, Power, Transpose, Inverse, Apply, Compare, Part, Grid, Constant, Name, Number,
        Length,
    }  # fmt: skip
    assert names(EVERY) == {*"WxyzsdKt"}
    assert weight(EVERY) == len(list(walk(EVERY)))
    assert children(mul(S, W, X)) == (S, W, X)
    assert children(X) == ()


def test_rebuilding_without_a_change_changes_nothing() -> None:
    def same(term: Term) -> Term:
        return rebuilt(term, same)

    assert same(EVERY) == EVERY


def test_terms_are_put_in_for_names_and_names_for_terms() -> None:
    inside = mul(W, X)
    assert put_in(apply("tanh", D), {"d": inside}) == apply("tanh", inside)
    assert put_names(apply("tanh", inside), {inside: D}) == apply("tanh", D)
    assert put_in(add(D, negative(inside)), {"d": inside}) == zeros(OTHER)
    assert put_in(EVERY, {}) == EVERY


# values: no constructor changes the value


def naive(head: str, parts: list[np.ndarray]) -> np.ndarray:
    """Compute what a constructor stands for on plain arrays."""
    first, *others = parts
    for other in others:
        first = {"add": np.add, "hadamard": np.multiply, "divide": np.divide}[head](first, other)
    return first


CONSTRUCTORS = {"add": add, "hadamard": hadamard, "divide": divide}
leaves = st.sampled_from([X, Y, Z, S, T, number(2), number(Fraction(-1, 3)), UNIT, ones(COLUMN), transpose(R)])
Both = tuple[Term, np.ndarray]


@st.composite
def entrywise(draw: st.DrawFn, depth: int = 4) -> Both:
    """Build a term of columns and numbers by the constructors, and its value without them."""
    kind = draw(st.sampled_from(["leaf", *CONSTRUCTORS, *CONSTRUCTORS, "power", "scaled"])) if depth else "leaf"
    if kind == "leaf":
        leaf = draw(leaves)
        return leaf, np.asarray(BATCH.value(leaf, VALUES))
    if kind == "power":
        base, known = draw(entrywise(depth - 1))
        exponent = draw(st.integers(-2, 3))
        return power(base, number(exponent)), known**exponent
    if kind == "scaled":
        base, known = draw(entrywise(depth - 1))
        by = draw(st.fractions(-3, 3, max_denominator=4))
        return scaled(by, base), float(by) * known
    parts = [draw(entrywise(depth - 1)) for _ in range(2 if kind == "divide" else draw(st.integers(2, 3)))]
    if kind == "divide" and is_zero(parts[1][0]):
        return parts[0]
    return CONSTRUCTORS[kind](*(term for term, _ in parts)), naive(kind, [known for _, known in parts])


@given(entrywise())
def test_the_normal_form_has_the_value_of_what_was_built(both: Both) -> None:
    term, known = both
    found = BATCH.value(term, VALUES)
    finite = np.isfinite(known) & (np.abs(known) < 1e9)
    if not np.all(finite):
        return
    scale = max(1.0, float(np.max(np.abs(known))))
    np.testing.assert_allclose(
        np.broadcast_to(found, np.broadcast(found, known).shape), known, rtol=1e-6, atol=1e-7 * scale
    )


@given(entrywise(3).map(lambda both: both[0]), entrywise(3).map(lambda both: both[0]))
def test_inner_products_sums_and_transposes_have_their_values(left: Term, right: Term) -> None:
    one, other = (np.broadcast_to(BATCH.value(t, VALUES), (5, 4, 1)) for t in (left, right))
    if not (np.all(np.isfinite(one)) and np.all(np.isfinite(other))):
        return
    scalars = left.shape.is_scalar and right.shape.is_scalar
    products = (one * other)[:, :1] if scalars else one * other
    scale = max(1.0, float(np.abs(products).max()))
    np.testing.assert_allclose(
        np.broadcast_to(BATCH.value(inner(left, right), VALUES), (5, 1, 1)),
        products.sum(axis=1, keepdims=True), rtol=1e-6, atol=1e-6 * scale,
    )  # fmt: skip
    for term, known in ((left, one), (right, other)):
        entries = known[:, :1] if term.shape.is_scalar else known
        large = max(1.0, float(np.abs(entries).max()))
        np.testing.assert_allclose(
            np.broadcast_to(BATCH.value(total(term), VALUES), (5, 1, 1)),
            entries.sum(axis=1, keepdims=True), rtol=1e-6, atol=1e-6 * large,
        )  # fmt: skip
        turned = transpose(term)
        assert turned.shape == term.shape.transposed
        np.testing.assert_allclose(
            np.broadcast_to(BATCH.value(turned, VALUES), (5, *np.swapaxes(entries, 1, 2).shape[1:])),
            np.swapaxes(entries, 1, 2), rtol=1e-6, atol=1e-6 * large,
        )  # fmt: skip


SQUARES = [K, EYE, transpose(K), diag(X), mul(X, R), mul(transpose(W), W), scaled(-2, K), add(K, EYE), ones(SQUARE)]


@given(
    st.lists(
        st.one_of(st.sampled_from(SQUARES), st.sampled_from([S, number(3), divide(UNIT, T)])), min_size=1, max_size=5
    )
)
def test_a_product_of_matrices_has_the_value_of_the_factors_in_their_order(factors: list[Term]) -> None:
    known: np.ndarray = np.ones((1, 1, 1))
    for factor in factors:
        right = np.asarray(BATCH.value(factor, VALUES))
        known = known * right if 1 in (known.shape[-1], right.shape[-1]) else known @ right
    found = BATCH.value(mul(*factors), VALUES)
    np.testing.assert_allclose(np.broadcast_to(found, np.broadcast(found, known).shape), known, rtol=1e-9)
    turned = np.swapaxes(np.broadcast_to(known, (5, *known.shape[1:])), 1, 2)
    again = np.asarray(BATCH.value(transpose(mul(*factors)), VALUES))
    np.testing.assert_allclose(np.broadcast_to(again, turned.shape), turned, rtol=1e-9)


@given(st.permutations([X, Y, mul(S, Z), number(2), negative(X)]), st.permutations([X, Y, S, T, power(X, number(2))]))
def test_what_commutes_collects_to_the_same_entries(sum_: list[Term], factors: list[Term]) -> None:
    found = add(*sum_)
    assert isinstance(found, Sum)
    assert set(found.terms) == {Y, mul(S, Z), number(2)}
    multiplied = hadamard(*factors)
    assert isinstance(multiplied, Product)
    assert set(multiplied.scalars) == {S, T}
    (body,) = multiplied.chain
    assert isinstance(body, Hadamard)
    assert set(body.factors) == {power(X, number(3)), Y}


def test_a_quotient_is_one_node() -> None:
    found = divide(hadamard(X, Y), Z)
    assert found == Quotient(COLUMN, hadamard(X, Y), Z)
    assert divide(S, T) == Quotient(SCALAR, S, T)
