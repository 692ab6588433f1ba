"""Kinds and shapes of whole programs: convention, declaration, unification, and every clash by its sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.calculus.dims import ONE, Shape, named
from dlcalc.calculus.inference import typed, typed_expression
from dlcalc.calculus.printing import plain
from dlcalc.calculus.terms import walk
from dlcalc.errors import DlcalcError, NotationError, ShapeError
from dlcalc.notation.program import read_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlcalc.calculus.inference import Typed

TWO_COLUMNS = (
    "use .* for the element-wise product, {0}^T {1} for the inner product, or declare one of them as a number (in R)"
)


def infer(text: str, loss: str = "", kinds: Mapping[str, int] | None = None) -> Typed:
    """Type a program; `loss` is to come out as a number."""
    return typed(read_program(text), kinds, [loss] if loss else [])


def shapes(found: Typed, names: str) -> str:
    """Write the shapes of some names."""
    return " ".join(str(found.shape(name)) for name in names.split())


def refused(text: str, loss: str = "") -> NotationError:
    """Type a program that is to be refused."""
    with pytest.raises(NotationError) as raised:
        infer(text, loss)
    return raised.value


# kinds


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("x", "n×1"),
        ("w1", "n×1"),
        ("y_hat", "n×1"),
        ("eta_1", "1×1"),
        ("W", "m×n"),
        ("W1", "m×n"),
        ("Theta", "m×n"),
        ("alpha", "1×1"),
        ("α", "1×1"),
        ("lambda", "1×1"),
        ("theta2", "1×1"),
        ("lam", "1×1"),
        ("eps", "1×1"),
        ("lr", "1×1"),
        ("loss", "n×1"),
        ("E", "m×n"),
    ],
)
def test_an_undeclared_name_has_the_kind_of_the_convention(name: str, shape: str) -> None:
    found = infer(f"q = tanh({name})")
    assert str(found.definitions["q"].shape) == shape
    (leaf,) = found.leaves.values()
    assert not leaf.declared


@pytest.mark.parametrize(
    ("declaration", "shape", "kind", "values"),
    [
        ("W in R", "1×1", "R", ()),
        ("alpha in R^n", "n×1", "R", ()),
        ("x in R^(2 x 3)", "2×3", "R", ()),
        ("x in R^(1 x n)", "1×n", "R", ()),
        ("x in R^(n + 1)", "(n + 1)×1", "R", ()),
        ("x in R^(2n - 1)", "(2 n - 1)×1", "R", ()),
        ("W in (0, 1)", "1×1", "interval", (0, 1)),
        ("W in [0, 1]^n", "n×1", "interval", (0, 1)),
        ("t in {0, 1}", "1×1", "values", (0, 1)),
        ("t in {0, 1}^m", "m×1", "values", (0, 1)),
        ("t in N", "1×1", "N", ()),
        ("y in onehot(C)", "C×1", "onehot", ()),
        ("y in onehot(m x C)", "m×C", "onehot", ()),
    ],
)
def test_a_declaration_wins_over_the_convention(declaration: str, shape: str, kind: str, values: Sequence[int]) -> None:
    found = infer(f"{declaration}; q = 1")
    (leaf,) = found.leaves.values()
    assert (str(leaf.shape), leaf.kind, leaf.values) == (shape, kind, tuple(values))
    assert leaf.declared
    assert leaf.position == 0


def test_a_declaration_may_stand_anywhere() -> None:
    found = infer("z = W x; x in R^n; W in R^(m x n)")
    assert shapes(found, "z W x") == "m×1 m×n n×1"
    assert found.lengths == ("m", "n")


def test_data_say_how_many_axes_a_leaf_has() -> None:
    found = infer("q = x + A; r = sum(alpha)", kinds={"x": 0, "A": 0, "alpha": 1})
    assert shapes(found, "x A alpha q r") == "1×1 1×1 n×1 1×1 1×1"


def test_a_definition_may_be_declared_as_well() -> None:
    found = infer("h in R^m; h = W x; x in R^n")
    assert shapes(found, "h W x") == "m×1 m×n n×1"
    assert "h" not in found.leaves


@pytest.mark.parametrize(
    "text",
    [
        "h in R^3; h = [1, 2]",
        "h in R; x in R^3; h = x",
        "h in R; W in R^(2 x 3); h = W",
        "h in R^3; h = 2",
        "x in R^n; h in R^(m x n); h = x",
    ],
)
def test_a_definition_that_is_not_what_was_declared_is_refused(text: str) -> None:
    assert "h" in refused(text).condition


# unification


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("z = W x + b", "W x b z", "m×n n×1 m×1 m×1"),
        ("x in R^n; W in R^(m x n); z = W x + b", "b z", "m×1 m×1"),
        ("b in R^3; x in R^4; z = W x + b", "W z", "3×4 3×1"),
        ("W in R^(3 x 4); z = W x", "x z", "4×1 3×1"),
        ("z in R^3; y in R^3; q = W z + y", "W", "3×3"),
        ("L = ||W x - y||^2; y in R^3", "W L", "3×n 1×1"),
        ("h = W1 x; z = W2 h; y in R^3; L = ||z - y||", "W1 W2 h", "m×n 3×m m×1"),
        ("z = W2 h; h = W1 x; W1 in R^(4 x 5)", "W2 h x", "n×4 4×1 5×1"),
        ("L = x^T A x", "x A L", "n×1 n×n 1×1"),
        ("L = x^T A y", "x A y", "n×1 n×m m×1"),
        ("L = tr(A B)", "A B", "m×n n×m"),
        ("L = det(A)", "A L", "n×n 1×1"),
        ("B = inv(A) C", "A C B", "n×n n×m n×m"),
        ("L = y^T K^-1 y", "K y", "n×n n×1"),
        ("B = A^2", "A B", "n×n n×n"),
        ("q = h .* g + c", "h g c", "n×1 n×1 n×1"),
        ("q = h ./ (1 + g)", "h g q", "n×1 n×1 n×1"),
        ("q = max(x, y)", "x y q", "n×1 n×1 n×1"),
        ("L = dot(x, y)", "x y L", "n×1 n×1 1×1"),
        ("L = cossim(x, y); y in R^3", "x L", "3×1 1×1"),
        ("q = 1(x > y); y in R^3", "x q", "3×1 3×1"),
        ("q = ones(n)^T x", "x q", "n×1 1×1"),
        ("q = eye(3) x", "x q", "3×1 3×1"),
        ("q = ones(2, 3) x", "x q", "3×1 2×1"),
        ("q = diag(v) u", "v u q", "n×1 n×1 n×1"),
        ("v in R^3; q = diag(v)", "q", "3×3"),
        ("A in R^(3 x 3); q = diag(A)", "q", "3×1"),
        ("Z = A B^T", "A B Z", "m×n p×n m×p"),
        ("D = a b^T", "a b D", "n×1 m×1 n×m"),
        ("x in R^n; L = x[1:n - 1] - x[2:n]", "L", "(n - 1)×1"),
        ("x in R^n; y in R^(n - 1); q = x[2:] + y", "q", "(n - 1)×1"),
    ],
)
def test_shapes_are_found_from_both_sides(text: str, names: str, expected: str) -> None:
    assert shapes(infer(text), names) == expected


def test_lengths_are_named_in_the_order_in_which_they_are_met() -> None:
    found = infer("h1 = relu(W1 x + b1) + Ws x; z = W2 h1 + b2; L = 1/2 ||z - y||^2")
    assert shapes(found, "x W1 b1 Ws h1 W2 b2 z y L") == "n×1 m×n m×1 m×n m×1 p×m p×1 p×1 p×1 1×1"
    assert found.lengths == ("m", "n", "p")
    assert tuple(found.leaves) == ("W1", "x", "b1", "Ws", "W2", "b2", "y")
    assert tuple(found.definitions) == ("h1", "z", "L")


def test_a_new_length_takes_no_letter_that_means_something() -> None:
    found = infer("n in R; z = n W x + m; m in R^3")
    assert shapes(found, "x n W") == "p×1 1×1 3×p"


def test_more_lengths_than_letters() -> None:
    text = "\n".join(f"q{k} = sum(x{k})" for k in range(40))
    found = infer(text)
    assert len({str(found.shape(f"x{k}")) for k in range(40)}) == 40


def test_a_length_is_a_number_too() -> None:
    found = infer("x in R^n; L = sum(x)/n + n x[n]")
    assert str(found.shape("L")) == "1×1"
    assert "n" not in found.leaves
    assert typed_expression("2n", found).shape.is_scalar


def test_a_length_is_no_definition() -> None:
    """A name that is a length and a definition would have two values."""
    refused("x in R^n; n = 3; L = n sum(x)")


# numbers: broadcasting, products of columns, what becomes a scalar


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("g in R^n; q = 1 - g", "q", "n×1"),
        ("W in R^(2 x 3); alpha in R; q = W + alpha - 1", "q", "2×3"),
        ("W in R^(2 x 3); q = max(0, W)", "q", "2×3"),
        ("x in R^3; q = max(x, 0)", "q", "3×1"),
        ("x in R^3; q = 1(x > 0)", "q", "3×1"),
        ("x in R^3; q = 2 .* x", "q", "3×1"),
        ("x in R^3; q = 1 ./ x", "q", "3×1"),
        ("x in R^3; w in R^3; q = x + w^T x", "q", "3×1"),
        ("x in R^3; w in R^3; q = w^T x - x", "q", "3×1"),
        ("x in R^3; w in R^3; q = (w^T x) x", "q", "3×1"),
        ("x in R^3; w in R^3; q = x w^T x", "q", "3×1"),
        ("W in R^(2 x 3); w in R^3; q = w^T w W", "q", "2×3"),
        ("x in R^3; q = x/||x||", "q", "3×1"),
        ("x in R^3; q = leaky_relu(x, 0.01)", "q", "3×1"),
    ],
)
def test_a_number_is_added_to_every_entry(text: str, names: str, expected: str) -> None:
    assert shapes(infer(text), names) == expected


@pytest.mark.parametrize(
    ("text", "loss", "scalars"),
    [
        ("z = w x + b; L = (z - y)^2", "", "w x b z y L"),
        ("z = x y; L = z^2", "", "x y z L"),
        ("L = x y", "L", "x y L"),
        ("f = (x + y) z", "f", "x y z f"),
        ("a = b c; L = exp(a d)", "L", "a b c d L"),
        ("z = w^T x + b; p = sigma(z); L = -y log p - (1 - y) log(1 - p)", "L", "z b p y L"),
        ("q = s r; p in R; z = p^q", "", "s r q"),
    ],
)
def test_what_must_have_one_entry_is_a_number(text: str, loss: str, scalars: str) -> None:
    assert set(shapes(infer(text, loss), scalars).split()) == {"1×1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x in R; q = x y", "n×1"),
        ("q = x y; x in R", "n×1"),
        ("q = alpha x", "n×1"),
        ("q = x alpha", "n×1"),
        ("a, b in R; q = a b c", "n×1"),
        ("q = a b; r = a + 1; s = a^2", "n×1"),
        ("W in R^(3 x 4); c in R; q = c W", "3×4"),
        ("q = u^T v w", "n×1"),
    ],
)
def test_a_product_of_columns_waits_until_one_of_them_is_a_number(text: str, expected: str) -> None:
    found = infer(text)
    assert str(found.shape("q")).replace("m", "n") == expected


@pytest.mark.parametrize(
    ("text", "condition", "place", "factors"),
    [
        ("L = x y", "x y: both are column vectors", 4, ("x", "y")),
        ("L = x * y", "x * y: both are column vectors", 4, ("x", "y")),
        ("x, y in R^n; L = x y", "x y: both are column vectors (n×1 and n×1)", 17, ("x", "y")),
        ("x, y in R^n; L = x * y", "x * y: both are column vectors (n×1 and n×1)", 17, ("x", "y")),
        ("x in R^3; y in R^4; L = 2 + x y", "x y: both are column vectors (3×1 and 4×1)", 28, ("x", "y")),
        ("r, s in R^(1 x n); L = r s", "r s: both are row vectors (1×n and 1×n)", 23, ("r", "s")),
        ("f = (x + y) z", "(x + y) z: both are column vectors", 4, ("(x + y)", "z")),
        ("w in R^n; z = w x; L = ||z||", "w x: both are column vectors", 14, ("w", "x")),
        ("L = a b c", "a b: both are column vectors", 4, ("a", "b")),
    ],
)
def test_two_vectors_are_not_multiplied(text: str, condition: str, place: int, factors: tuple[str, str]) -> None:
    found = refused(text)
    assert isinstance(found, ShapeError)
    assert found.condition == condition
    assert found.fix == TWO_COLUMNS.format(*factors)
    assert found.position == place


# batches, rows, stacking, ranges


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("X in R^(n x m); Z = W X + b ones(m)^T", "W b Z", "p×n p×1 p×m"),
        ("X in R^(n x m); Z = W X + b ones(m)^T; Y in R^(k x m); L = ||Z - Y||^2", "W b Z L", "k×n k×1 k×m 1×1"),
        ("X in R^(m x n); w in R^n; b in R; z = X w + b ones(m)", "z", "m×1"),
        ("X in R^(m x n); Z = X W + ones(m) b^T; b in R^k", "W Z", "n×k m×k"),
        ("x in R^(1 x n); W1 in R^(n x m); b1 in R^(1 x m); h = sigmoid(x W1 + b1)", "h", "1×m"),
        ("x in R^(1 x n); b in R^(1 x m); h = sigmoid(x W + b)", "W h", "n×m 1×m"),
        ("x in R^(1 x 3); h = x W; z = h V; y in R^(1 x 2); L = ||z - y||^2", "h W V", "1×n 3×n n×2"),
        ("x in R^n; y in R^m; z = [x; y]", "z", "(m + n)×1"),
        ("x, y in R^n; z = [x; y]", "z", "(2 n)×1"),
        ("x, y in R^n; z = [x, y]", "z", "n×2"),
        ("x in R^n; z = [x; 1]", "z", "(n + 1)×1"),
        ("x in R^n; y in R^m; z = W [x; y]", "W", "p×(m + n)"),
        ("W in R^(2 x 4); x in R^3; z = W [x; 1]", "z", "2×1"),
        ("A, B in R^(m x n); Z = [A, B; B, A]", "Z", "(2 m)×(2 n)"),
        ("z = [1, 2, 3]", "z", "3×1"),
        ("z = [1; 2; 3]", "z", "3×1"),
        ("z = [1, 2; 3, 4]", "z", "2×2"),
        ("z = [[1, 2, 3], [4, 5, 6]]", "z", "2×3"),
        ("a, b in R; z = [a, b]", "z", "2×1"),
        ("a in R; z = [a]", "z", "1×1"),
        ("x in R^5; z = x[2]", "z", "1×1"),
        ("x in R^5; z = x[2:4]", "z", "3×1"),
        ("x in R^5; z = x[3:]", "z", "3×1"),
        ("x in R^5; z = x[:3]", "z", "3×1"),
        ("x in R^5; z = x[:]", "z", "5×1"),
        ("x in R^(1 x 5); z = x[2:3]", "z", "1×2"),
        ("x in R^n; z = x[n - 1:n]", "z", "2×1"),
        ("W in R^(3 x 4); z = W[2,3]", "z", "1×1"),
        ("W in R^(3 x 4); z = W[2,:]", "z", "1×4"),
        ("W in R^(3 x 4); z = W[:,2]", "z", "3×1"),
        ("W in R^(3 x 4); z = W[1:2,2:4]", "z", "2×3"),
        ("h in R^(2n); q = h[1:n] + h[n + 1:2n]", "q", "n×1"),
        ("W in R^(2 x 3); z = sum(W, 0)", "z", "1×3"),
        ("W in R^(2 x 3); z = mean(W, 1)", "z", "2×1"),
        ("W in R^(2 x 3); z = logsumexp(W, -1)", "z", "2×1"),
        ("W in R^(2 x 3); z = softmax(W, 1)", "z", "2×3"),
        ("W in R^(2 x 3); z = log_softmax(W, 0)", "z", "2×3"),
        ("W in R^(2 x 3); z = max(W, axis=1)", "z", "2×1"),
        ("x in R^3; z = softmax(x)", "z", "3×1"),
        ("x in R^3; z = softmax(x^T)", "z", "1×3"),
        ("x in R^3; z = var(x)", "z", "1×1"),
        ("x in R^3; z = ||x||_1 + ||x||_inf", "z", "1×1"),
    ],
)
def test_shapes_of_parts_stacks_batches_and_rows(text: str, names: str, expected: str) -> None:
    assert shapes(infer(text), names) == expected


def test_a_row_course_needs_one_declaration_only() -> None:
    """A row times a matrix is a row: the bias is one too, not a number."""
    found = infer("x in R^(1 x n); h = sigmoid(x W1 + b1); z = h W2 + b2; y in R^(1 x k); L = ||z - y||^2", "L")
    assert shapes(found, "W1 b1 h W2 b2 z") == "n×m 1×m 1×m m×k 1×k 1×k"


@pytest.mark.parametrize("function", ["max", "min"])
def test_the_larger_of_a_row_and_a_number_is_taken_entry_by_entry(function: str) -> None:
    """`max(x, 0)` is ReLU for a row as it is for a column, not the maximum along an axis of one entry."""
    found = infer(f"x in R^(1 x n); z = {function}(x, 0); r in R^n; q = {function}(r, 0)")
    assert [getattr(found.definitions[name], "function", "") for name in "zq"] == [f"{function}imum"] * 2


def test_the_softmax_of_one_entry_is_one() -> None:
    found = infer("x in R^1; L = softmax(x)")
    assert plain(found.definitions["L"]) != "x"


# sums


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L = sum(k, 1, 3, x[k])", "x[1] + x[2] + x[3]"),
        ("L = Σ_{k=1}^{3} k x[k]", "x[1] + 2 x[2] + 3 x[3]"),
        ("L = sum(k, 0, 2, 2^k)", "7"),
        ("L = sum(k, 3, 2, k)", "0"),
        ("L = sum(k, 1, 2, sum(j, 1, 2, k j))", "9"),
        ("L = sum(k, 1, 2, sum(j, 1, k, j))", "4"),
        ("x in R^n; L = sum(k, 1, n, x[k])", "sum(x)"),
        ("L = sum(k, 1, n, x[k] y[k])", "sum(x .* y)"),
        ("L = sum(k, 1, n, x[k]^2)", "sum(x.^2)"),
        ("L = sum(k, 1, n, exp(x[k])/(1 + x[k]))", "sum(exp(x) ./ (1 + x))"),
        ("L = sum(k, 1, n, 2 x[k])", "2 sum(x)"),
        ("L = sum(k, 1, n, -y[k] log(p[k]))", "-sum(y .* ln(p))"),
        ("f: R -> R; L = sum(k, 1, n, f(x[k]))", "sum(f(x))"),
    ],
)
def test_a_sum_is_written_out_or_taken_over_entries(text: str, expected: str) -> None:
    assert plain(infer(text).definitions["L"]) == expected


def test_the_length_of_a_sum_is_that_of_its_vectors() -> None:
    found = infer("L = sum(k, 1, n, x[k] y[k])")
    assert shapes(found, "x y L") == "n×1 n×1 1×1"


# clashes and other errors


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("W2 in R^(2 x 5); h1 in R^3; z = W2 h1", "W2 h1: W2 is 2×5 but h1 has 3 rows", 35),
        ("W in R^(3 x 5); r in R^(1 x 5); z = W r", "W r: W is 3×5 but r has 1 row; try W r^T", 38),
        ("W in R^(2 x 3); z = W W", "W W: W is 2×3 but W has 2 rows; try W^T W", 22),
        ("x in R^n; y in R^m; L = x^T y", "x^T y: x^T is 1×n but y has m rows", 28),
        ("W in R^(m x n); x in R^m; z = W x", "W x: W is m×n but x has m rows; try W^T x", 32),
        ("W in R^(m x n); V in R^(k x n); Z = W V", "W V: W is m×n but V has k rows; try W V^T", 38),
        ("x in R^3; y in R^4; z = x + y", "x + y: x is 3×1 and y is 4×1; both sides need one shape", 28),
        ("x in R^3; y in R^4; z = x - y", "x - y: x is 3×1 and y is 4×1; both sides need one shape", 26),
        ("x in R^n; y in R^m; z = x + y", "x + y: x is n×1 and y is m×1; both sides need one shape", 28),
        ("x in R^3; y in R^(1 x 3); z = x + y", "x + y: x is 3×1 and y is 1×3; transpose one of them", 34),
        ("x in R^3; y in R^4; z = x .* y", "x ⊙ y: x is 3×1 and y is 4×1; both sides need one shape", 29),
        ("x in R^3; y in R^4; z = x ./ y", "x ./ y: x is 3×1 and y is 4×1; both sides need one shape", 29),
        ("x in R^3; y in R^4; z = 1(x > y)", "x > y: x is 3×1 and y is 4×1; both sides need one shape", 30),
        ("x in R^(n - 1); y in R^n; z = x + y", "x + y: x is (n - 1)×1 and y is n×1; both sides need one shape", 34),
        ("x in R^3; z = 1/x", "x is 3×1, but what / divides by is a number; use ./ to divide element by element", 16),
        ("x in R^3; z = 2^x", "x is 3×1, but an exponent is a number", 16),
        ("x in R^3; z = 2.^x", "x is 3×1, but an exponent is a number", 17),
        ("x in R^3; z = x^2", "x is 3×1: ^ is for numbers; write .^ or ||x||^2", 15),
        ("r in R^(1 x n); z = r^2", "r is 1×n: ^ is for numbers; write .^ or ||x||^2", 21),
        ("W in R^(2 x 3); z = W^2", "W is 2×3, but a power needs a square matrix", 20),
        ("W in R^(2 x 3); z = W^-T", "W is 2×3, but an inverse needs a square matrix", 20),
        ("W in R^(2 x 3); z = inv(W)", "W is 2×3, but inv needs a square matrix", 24),
        ("W in R^(2 x 3); z = tr(W)", "W is 2×3, but tr needs a square matrix", 23),
        ("W in R^(m x n); z = det(W)", "W is m×n, but det needs a square matrix", 24),
        ("W in R^(m x n); z = logdet(W)", "W is m×n, but logdet needs a square matrix", 27),
        ("W in R^(2 x 3); z = diag(W)", "W is 2×3, but diag needs a square matrix", 25),
        ("z = [1, 2; 3]", "the rows have different lengths; give rows of one length", 4),
        ("z = [[1, 2], [3]]", "the rows have different lengths; give rows of one length", 4),
    ],
)
def test_shapes_that_clash_are_named_at_their_place(text: str, message: str, place: int) -> None:
    found = refused(text)
    assert isinstance(found, ShapeError)
    assert str(found).splitlines()[0] == message
    assert found.position == place


@pytest.mark.parametrize("function", ["dot", "cossim", "max", "min"])
def test_the_arguments_of_a_function_are_named_as_on_paper(function: str) -> None:
    found = refused(f"x in R^3; y in R^4; z = {function}(x, y)")
    assert found.condition.endswith(": x is 3×1 and y is 4×1")
    assert " ," not in found.condition


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a = 1; a = 2", "a is defined twice; give the second one another name", 7),
        ("W1 = 1; W_1 = 2", "W1 is defined twice; give the second one another name", 8),
        ("x in R; b, x in R^n; a = 1", "x is declared twice; keep one declaration", 11),
        ("x in (0,1); x = 2", "x is declared and defined; keep one of them", 0),
        ("y in onehot(3); y = [1, 0, 0]", "y is declared and defined; keep one of them", 0),
        ("a = a", "a depends on itself: a → a; give one of them another name", 0),
        ("c = 1; a = b; b = a", "a depends on itself: a → b → a; give one of them another name", 7),
        ("a = b + 1; b = c; c = 2 a", "a depends on itself: a → b → c → a; give one of them another name", 0),
        ("z = b; a = b; b = a", "b depends on itself: b → a → b; give one of them another name", 14),
        ("x in R^0; a = 1", "'0' is not a length; write a number or a letter", 0),
        ("x in R^(n m); a = 1", "'n m' is not a length; write a number or a letter", 0),
        ("x in R^(n/2); a = 1", "'n/2' is not a length; write a number or a letter", 0),
        ("b = 1; x in R^(n^2); a = 1", "'n^2' is not a length; write a number or a letter", 7),
        ("x in R^1000001; a = 1", "'1000001' is not a length; write a number or a letter", 0),
        ("x in R^n; z = ones(x)", "this is not a length; write a number or a letter", 19),
        ("z = ones(1/2)", "this is not a length; write a number or a letter", 10),
        ("z = zeros(0)", "this is not a length; write a number or a letter", 10),
        ("z = ones(2, 3, 4)", "ones takes a length, or rows and columns", 4),
        ("z = eye(2, 3)", "eye takes one argument, not 2", 4),
        ("W in R^(3 x 3); z = W^(1/2)", "a power of a matrix has a whole exponent; write .^ for every entry", 21),
        ("W in R^(3 x 3); z = W^100", "this power of a matrix is too high", 21),
        ("x in R^3; z = x[4]", "index 4 is outside 1…3; entries are counted from 1", 16),
        ("x in R^3; z = x[0]", "index 0 is outside 1…3; entries are counted from 1", 16),
        ("x in R^n; z = x[-1]", "index -1 is outside 1…n; entries are counted from 1", 16),
        ("x in R^n; z = x[n + 1]", "index n + 1 is outside 1…n; entries are counted from 1", 16),
        ("x in R^4; z = x[2:5]", "index 5 is outside 1…4; entries are counted from 1", 16),
        ("W in R^(3 x 4); z = W[5,1]", "index 5 is outside 1…3; entries are counted from 1", 22),
        ("W in R^(3 x 4); z = W[1,5]", "index 5 is outside 1…4; entries are counted from 1", 24),
        ("W in R^(3 x 4); z = W[2]", "W is a matrix (3×4); write W[1,3], or [1,:] for a row", 21),
        ("a in R; z = a[1]", "a is a number: it has no entries", 13),
        (
            "x in R^n; z = x[1/2]",
            "an index is a whole number; for the entry of a class use y in onehot(C) and y^T p",
            17,
        ),
        (
            "x, c in R^n; z = x[c]",
            "an index is a whole number; for the entry of a class use y in onehot(C) and y^T p",
            19,
        ),
        (
            "x in R^n; y in R^m; z = [x, y]",
            "the parts of a row have different numbers of rows; use ; between parts above each other",
            28,
        ),
        (
            "W in R^(2 x 3); z = softmax(W)",
            (
                "softmax of a matrix (2×3): along rows or columns?; "
                "write softmax(…, 0) for columns that sum to 1, softmax(…, 1) for rows"
            ),
            20,
        ),
        ("z = softmax(3)", "softmax of one number; give a vector, such as [1, -2, 0]", 4),
        (
            "W in R^(2 x 3); z = softmax(W, 2)",
            (
                "softmax takes one argument, and an axis (0: over rows, 1: over columns); "
                "write a list as softmax([1, 2, 3])"
            ),
            20,
        ),
        (
            "x in R^n; z = sum(x, x)",
            "sum takes one argument, and an axis (0: over rows, 1: over columns); write a list as sum([1, 2, 3])",
            14,
        ),
        ("z = relu(x, y)", "relu takes one argument, not 2", 4),
        ("z = tr(x, y)", "tr takes one argument, not 2", 4),
        ("z = cossim(x)", "cossim takes 2 arguments, not 1", 4),
        ("z = leaky_relu(x)", "leaky_relu takes 2 arguments, not 1", 4),
        ("f: R -> R; z = f(x, y)", "f takes one argument, not 2", 15),
        ("z = softmax'(x)", "softmax' is not an element-wise derivative; write it out", 4),
        ("L = sum(k, 1, n, k)", "the index k stands outside of [ ]; use it in entries only, x[k]", 17),
        ("x in R^m; L = sum(k, 1, n, x[k])", "the body of the sum does not run from 1 to n; use entries x[k]", 28),
        ("L = sum(k, 2, n, x[k])", "a sum runs from 1 to the length of a vector, or between numbers", 4),
        ("L = sum(k, 1, 100, k)", "a sum of 100 terms; at most 64 are written out", 4),
        ("L = 1/0", "division by zero", 5),
        ("L = 0^-1", "division by zero", 5),
        ("x in R^n; L = x/(1 - 1)", "division by zero", 15),
    ],
)
def test_an_error_says_what_is_wrong_where_and_what_mends_it(text: str, message: str, place: int) -> None:
    found = refused(text)
    assert str(found).splitlines()[0] == message
    assert found.position == place


@pytest.mark.parametrize(
    "text",
    ["z = relu'(x, y)", "f: R -> R; z = f'(x, y)", "x in R^5; z = sum(x[3:2])", "f(x) = x^2; L = f(3)"],
)
def test_what_would_be_misread_is_refused(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    ("text", "loss", "message"),
    [
        (
            "x, y in R^3; z = x + y",
            "z",
            "z is 3×1, but a loss is a number; start from a given gradient with --upstream, or reduce it with sum(…)",
        ),
        (
            "z = W x",
            "z",
            (
                "z is a vector or a matrix, but a loss is a number; "
                "reduce it, as in 1/2 ||z||^2, or start from --upstream z=d"
            ),
        ),
    ],
)
def test_a_loss_is_a_number(text: str, loss: str, message: str) -> None:
    found = refused(text, loss)
    assert str(found).splitlines()[0] == message
    assert text[found.position :].startswith("z = ")


@pytest.mark.parametrize(
    "text",
    [
        "X in R^(n x m); Z = W X + b",
        "W in R^(2 x 3); z = [x, W]; q = x^T x; v = x + W",
        "X in R^(n x m); q = W X; r = q + y; y in R^3",
    ],
)
def test_a_message_names_no_length_that_nobody_knows(text: str) -> None:
    assert not re.search(r"\?[0-9]", refused(text).condition)


def test_a_fix_does_not_transpose_twice() -> None:
    found = refused("W in R^(m x n); Q in R^(n x p); Z = W Q^T")
    assert found.condition == "W Q^T: W is m×n but Q^T has p rows"
    assert found.fix == "try W Q"


# answers


BASE = infer("alpha in R; h1 = relu(W x + b); f: R -> R; L = 1/2 ||h1 - y||^2 + alpha sum(f(x))", "L")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("(h1 - y) x^T", "m×n"),
        ("W^T (1(W x + b > 0) .* (h1 - y))", "n×1"),
        ("alpha f'(x)", "n×1"),
        ("L", "1×1"),
        ("m n", "1×1"),
        ("ones(m) x^T", "m×n"),
    ],
)
def test_an_answer_is_read_in_the_names_of_the_program(text: str, shape: str) -> None:
    assert str(typed_expression(text, BASE).shape) == shape


def test_an_answer_may_use_names_of_its_own() -> None:
    extra = {"delta_h1": Shape(named("m"), ONE)}
    assert str(typed_expression("δ_h1 x^T", BASE, extra).shape) == "m×n"


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("2 h11", "h11 is not a name in this question; did you mean h1?", 2),
        ("alpah x", "alpah is not a name in this question; did you mean alpha?", 0),
        ("x + q", "q is not a name in this question; known here: L, W, alpha, b, h1, m, n, x, y", 4),
        ("W y", "W y: W is m×n but y has m rows; try W^T y", 2),
        ("W = x", "one expression was expected, not an equation; write NAME = expression", 2),
        ("x y", "x y: both are column vectors (n×1 and m×1)", 0),
        ("g(x)", "g is not a function; declare it: g: R -> R, or write a space", 0),
    ],
)
def test_a_wrong_answer_is_refused_at_its_place(text: str, message: str, place: int) -> None:
    with pytest.raises(NotationError) as raised:
        typed_expression(text, BASE)
    assert str(raised.value).splitlines()[0].startswith(message)
    assert raised.value.position == place


# bounds


def test_a_long_chain_of_statements_is_ordered_without_recursion() -> None:
    text = "\n".join(["a0 = x", *(f"a{k} = tanh(a{k - 1}) + x" for k in range(1, 1_500))])
    assert len(infer(text).definitions) == 1_500
    reverse = "\n".join(reversed(text.splitlines()))
    assert next(iter(infer(reverse).definitions)) == "a0"


def test_sums_within_sums_are_bounded_together() -> None:
    """27,000 terms are more than a program may have operations; a sum more would be a million."""
    assert "terms" in refused("L = sum(a, 1, 30, sum(b, 1, 30, sum(c, 1, 30, a b c)))").condition


HOSTILE = {
    "tower": "L = 2" + "^2" * 150,
    "left-deep products": "L = " + "(" * 50 + "x" + (" x" * 150 + ")") * 50,
    "many quotients": "x in R; L = " + "1/(1 + " * 55 + "x" + ")" * 55,
    "a long sum": "L = sum(k, 1, 10^9, x[k])",
    "huge powers": "L = 9^9^9",
    "many lists": "L = [" + ", ".join(["1"] * 3_000) + "]",
    "a huge matrix": "L = sum(ones(1000000, 1000000))",
    "a cycle of a thousand": "; ".join(f"a{k} = a{(k + 1) % 1000}" for k in range(1_000)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_ends_in_a_program_or_a_message(text: str) -> None:
    try:
        assert infer(text).definitions
    except DlcalcError as problem:
        assert str(problem)  # noqa: PT017 (either is right)


PIECES = [
    "x",
    "W",
    "a",
    "2",
    "L = ",
    "q = ",
    " + ",
    " .* ",
    " ",
    "(",
    ")",
    "^T",
    "^2",
    "/",
    "; ",
    "x in R^3",
    "tanh(",
    "[1, ",
    "]",
    "sum(",
    "x[2]",
    ", ",
    "softmax(",
    "ones(n)",
    "1(a > ",
    "||",
    "det(",
    "-",
    "a in R",
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join))
def test_any_program_of_these_pieces_is_typed_or_refused(pieces: str) -> None:
    text = f"L = x; {pieces}" if pieces.startswith("x in") else f"L = {pieces}"
    try:
        found = infer(text)
    except DlcalcError:
        return
    known = set(found.lengths)
    for term in found.definitions.values():
        for node in walk(term):
            assert {name for dim in node.shape for name, _ in dim.parts} <= known
