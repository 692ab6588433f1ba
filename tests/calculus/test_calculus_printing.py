"""Terms to text: plain and unicode read back to the same value, LaTeX is well formed, all are as on paper."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dlcalc.calculus.batches import Batch
from dlcalc.calculus.dims import ONE, SCALAR, Dim, Shape
from dlcalc.calculus.dims import number as length_of
from dlcalc.calculus.functions import ELEMENTWISE, PULLBACKS
from dlcalc.calculus.inference import typed, typed_expression
from dlcalc.calculus.printing import latex, latex_name, plain, unicode, unicode_name
from dlcalc.calculus.terms import (
    Apply,
    Compare,
    Constant,
    Grid,
    Inverse,
    Name,
    Term,
    add,
    divide,
    hadamard,
    inner,
    is_zero,
    length,
    mul,
    number,
    part,
    power,
    total,
    transpose,
    walk,
)
from dlcalc.notation.program import read_program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAM = typed(
    read_program("""
        x, y_hat, v2 in R^n
        b, h1, delta_z in R^m
        W, A1 in R^(m x n)
        K, lambda2 in R^(n x n)
        r, e in R^(1 x n)
        s, alpha, theta12, x_bar2 in R
        w3, c in R^3
        q in R^(n + 1)
        f: R -> R
        L = s
    """)
)
NAMES: Mapping[Shape, list[Term]] = {}
for _leaf in PROGRAM.leaves.values():
    NAMES.setdefault(_leaf.shape, []).append(Name(_leaf.shape, _leaf.name))  # type: ignore[attr-defined]
SHAPES = list(NAMES)
LENGTHS = {"m": 2, "n": 4}
BATCH = Batch(LENGTHS)
ROWS, COLS = (0, 1)


def point(seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Make three points; `shift` moves every entry a little."""
    generator = np.random.default_rng(seed)
    found = {}
    for leaf in PROGRAM.leaves.values():
        size = (3, leaf.shape.rows.value(LENGTHS), leaf.shape.cols.value(LENGTHS))
        found[leaf.name] = generator.uniform(0.3, 1.7, size) + shift * generator.uniform(-1, 1, size)
    for name in ("K", "lambda2"):
        found[name] = found[name] + 4 * np.eye(LENGTHS["n"])
    return found


def value(term: Term, values: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Compute a term; None where it has no value."""
    with np.errstate(all="ignore"):
        try:
            found = np.asarray(BATCH.value(term, values), dtype=float)
        except np.linalg.LinAlgError:
            return None
    found = np.broadcast_to(found, (3, term.shape.rows.value(LENGTHS), term.shape.cols.value(LENGTHS)))
    return found if np.all(np.isfinite(found)) and np.all(np.abs(found) < 1e9) else None


def same(left: np.ndarray, right: np.ndarray) -> bool:
    """Compare two values, in proportion to their largest entry."""
    return bool(np.allclose(left, right, rtol=1e-6, atol=1e-6 * max(1e-3, float(np.abs(right).max()))))


# random terms

SMOOTH = [f for f, row in ELEMENTWISE.items() if row.arguments == 1]
BINARY = [f for f, row in ELEMENTWISE.items() if row.arguments == 2]
WHOLE = ["sum", "mean", "max", "min", "logsumexp", "norm", "norm_1", "norm_inf"]
ALONG = ["sum", "mean", "max", "min", "logsumexp"]
numbers = st.one_of(
    st.integers(-3, 12),
    st.fractions(min_value=-4, max_value=4, max_denominator=12),
    st.sampled_from([Fraction(9, 10), Fraction(-1, 1000), Fraction(1, 3), Fraction(5, 2), Fraction(123, 1000)]),
).map(number)


KINDS = [
    "leaf",
    "add",
    "add",
    "hadamard",
    "divide",
    "power",
    "apply",
    "apply",
    "binary",
    "compare",
    "transpose",
    "product",
    "scale",
    "blocks",
    "along",
]


def applied(function: str, *arguments: Term) -> Term:
    """Apply an element-wise function, a number standing for all entries."""
    joint = next((a.shape for a in arguments if not a.shape.is_scalar), SCALAR)
    return Apply(joint, function, arguments)


@st.composite
def scalars(draw: st.DrawFn, depth: int) -> Term:  # noqa: PLR0911 (a return per kind)
    """Draw what only numbers can be: a reduction, an inner product, an entry, a length."""
    inside = draw(terms(draw(st.sampled_from(SHAPES)), depth - 1))
    kind = draw(st.sampled_from(["whole", "inner", "entry", "length", "square", "cosine"]))
    if kind == "length":
        return length(draw(st.sampled_from([s.rows for s in SHAPES] + [Dim(-1, (("m", 1), ("n", 2)))])))
    if kind == "inner":
        return inner(inside, draw(terms(inside.shape, depth - 1)))
    if kind == "cosine" and not inside.shape.is_scalar:
        return Apply(SCALAR, "cossim", (inside, draw(terms(inside.shape, depth - 1))))
    if kind == "square":
        matrix = draw(terms(Shape(*[PROGRAM.shape("K").rows] * 2), depth - 1))
        return Apply(SCALAR, draw(st.sampled_from(["tr", "det", "logdet"])), (matrix,))
    if kind == "entry" and not inside.shape.is_scalar:
        rows, cols = inside.shape
        row = draw(st.sampled_from([length_of(1), rows] if rows != ONE else [ONE]))
        col = draw(st.sampled_from([length_of(1), cols] if cols != ONE else [ONE]))
        return part(inside, (row, row), (col, col))
    function = draw(st.sampled_from(WHOLE))
    if inside.shape.is_scalar:
        return Apply(SCALAR, "norm_1", (inside,)) if function.startswith("norm") else inside
    return total(inside) if function == "sum" else Apply(SCALAR, function, (inside,))


@st.composite
def products(draw: st.DrawFn, shape: Shape, depth: int) -> Term:
    """Draw a product of matrices, through a shared length."""
    across = draw(st.sampled_from([PROGRAM.shape("x").rows, PROGRAM.shape("b").rows, length_of(3), ONE]))
    left = draw(terms(Shape(shape.rows, across), depth - 1))
    return mul(left, draw(terms(Shape(across, shape.cols), depth - 1)))


@st.composite
def blocks(draw: st.DrawFn, shape: Shape, depth: int) -> Term:
    """Draw what is put together from parts, or is a part."""
    rows, cols = shape
    if rows == length_of(3) and cols == ONE:
        entries = [draw(terms(SCALAR, depth - 1)) for _ in range(3)]
        return Grid(shape, tuple((entry,) for entry in entries))
    if rows == PROGRAM.shape("q").rows and cols == ONE:
        return Grid(shape, ((draw(terms(PROGRAM.shape("x"), depth - 1)),), (draw(terms(SCALAR, depth - 1)),)))
    if rows == PROGRAM.shape("x").rows and cols == ONE:
        return part(draw(terms(PROGRAM.shape("q"), depth - 1)), (length_of(2), PROGRAM.shape("q").rows), (ONE, ONE))
    if ONE not in shape:
        stacked = Shape(rows.plus(rows), cols)
        upper, lower = draw(terms(shape, depth - 1)), draw(terms(shape, depth - 1))
        return part(Grid(stacked, ((upper,), (lower,))), (ONE, rows), (ONE, cols))
    row = draw(st.sampled_from([ONE, length_of(2)]))
    matrix = draw(terms(PROGRAM.shape("W"), depth - 1))
    return part(matrix, (row, row), (ONE, cols)) if cols == PROGRAM.shape("x").rows else draw(terms(shape, 0))


@st.composite
def terms(draw: st.DrawFn, shape: Shape, depth: int = 3) -> Term:  # noqa: C901, PLR0911, PLR0912 (a case per kind)
    """Draw a term of a shape, of at most so many levels, by the constructors."""
    known = NAMES.get(shape, []) + [transpose(t) for t in NAMES.get(shape.transposed, [])]
    constants: list[Term] = [Constant(shape, "ones"), Constant(shape, "zeros")]
    leaves = st.sampled_from([*known, *known, *known, *constants]) if known else st.sampled_from(constants)
    if shape.is_scalar:
        leaves = st.one_of(st.sampled_from(known), numbers)
    if depth == 0:
        return draw(leaves)
    square = shape.rows == shape.cols and not shape.is_scalar
    kinds = [*KINDS, *["scalar"] * 4 * shape.is_scalar, *["square"] * 4 * square]
    kind = draw(st.sampled_from(kinds))

    def again(least: int = 0) -> Term:
        return draw(st.one_of(terms(shape, depth - 1), terms(SCALAR, depth - 1)) if least else terms(shape, depth - 1))

    if kind == "add":
        return add(again(), *(again(1) for _ in range(draw(st.integers(1, 2)))))
    if kind == "hadamard":
        return hadamard(again(), *(again(1) for _ in range(draw(st.integers(1, 2)))))
    if kind == "divide":
        top, bottom = again(), again(1)
        return top if is_zero(bottom) else divide(top, bottom)
    if kind == "power":
        base, whole = again(), st.integers(-2, 3).map(number)
        exponent = draw(st.one_of(whole, whole, st.just(number(Fraction(1, 2))), terms(SCALAR, depth - 1)))
        return base if is_zero(base) else power(base, exponent)
    if kind == "apply":
        return applied(draw(st.sampled_from([*SMOOTH, "f", "f'"])), again())
    if kind == "binary":
        return applied(draw(st.sampled_from(BINARY)), again(), again(1))
    if kind == "compare":
        return Compare(shape, draw(st.sampled_from(["<", "<=", ">", ">=", "=", "!="])), again(), again(1))
    if kind == "transpose":
        return transpose(draw(terms(shape.transposed, depth - 1)))
    if kind == "product" and not shape.is_scalar:
        return draw(products(shape, depth))
    if kind == "scale":
        return mul(draw(terms(SCALAR, depth - 1)), again())
    if kind == "blocks":
        return draw(blocks(shape, depth))
    if kind == "scalar":
        return draw(scalars(depth))
    if kind == "square":
        return Inverse(shape, again()) if draw(st.booleans()) else applied_diag(draw, shape, depth)
    if kind == "along" and not shape.is_scalar:
        return draw(along(shape, depth))
    return draw(leaves)


def applied_diag(draw: st.DrawFn, shape: Shape, depth: int) -> Term:
    """Draw a diagonal matrix, or the identity."""
    if draw(st.booleans()):
        return Constant(shape, "eye")
    return Apply(shape, "diag", (draw(terms(Shape(shape.rows, ONE), depth - 1)),))


@st.composite
def along(draw: st.DrawFn, shape: Shape, depth: int) -> Term:
    """Draw a reduction along an axis, a softmax, or a diagonal."""
    if draw(st.booleans()):
        axis = None if shape.cols == ONE else 1 if shape.rows == ONE else draw(st.sampled_from([ROWS, COLS]))
        return Apply(shape, "softmax", (draw(terms(shape, depth - 1)),), axis)
    function = draw(st.sampled_from(ALONG))
    if shape == PROGRAM.shape("b"):
        return Apply(shape, function, (draw(terms(PROGRAM.shape("W"), depth - 1)),), COLS)
    if shape == PROGRAM.shape("r"):
        return Apply(shape, function, (draw(terms(PROGRAM.shape("W"), depth - 1)),), ROWS)
    if shape == PROGRAM.shape("x"):
        return Apply(shape, "diag", (draw(terms(PROGRAM.shape("K"), depth - 1)),))
    return draw(terms(shape, 0))


any_terms = st.sampled_from(SHAPES).flatmap(terms)


def read_back(text: str) -> Term:
    """Read what was printed, in the names of the program."""
    return typed_expression(text, PROGRAM)


# the laws


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(any_terms, st.integers(0, 10_000), st.sampled_from([plain, unicode]))
def test_what_is_printed_reads_back_to_the_same_value(term: Term, seed: int, style: Callable[[Term], str]) -> None:
    text = style(term)
    back = read_back(text)
    assert back.shape == term.shape, text
    values = point(seed)
    known, near = value(term, values), value(term, point(seed, 1e-9))
    assume(known is not None and near is not None and same(near, known))  # away from jumps and singular matrices
    found = value(back, values)
    assert found is not None, text
    assert same(found, known), text


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(any_terms)
def test_plain_text_is_ascii_on_one_line_and_unicode_on_one(term: Term) -> None:
    assert plain(term).isascii()
    assert "\n" not in plain(term) + unicode(term) + latex(term)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(any_terms)
def test_latex_is_well_formed(term: Term) -> None:
    text = latex(term)
    depth = 0
    for before, c in pairwise(f" {text}"):
        depth += (c == "{" and before != "\\") - (c == "}" and before != "\\")
        assert depth >= 0, text
    assert depth == 0, text
    assert text.count(r"\left") == text.count(r"\right"), text
    assert text.count(r"\begin{pmatrix}") == text.count(r"\end{pmatrix}"), text
    assert text.isascii(), text


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(any_terms, st.integers(0, 10_000))
def test_reading_twice_changes_nothing_more(term: Term, seed: int) -> None:
    once = read_back(plain(term))
    twice = read_back(plain(once))
    values = point(seed)
    known, near = value(once, values), value(once, point(seed, 1e-9))
    assume(known is not None and near is not None and same(near, known))
    found = value(twice, values)
    assert found is not None
    assert same(found, known), plain(once)


def test_the_random_terms_hold_every_node() -> None:
    kinds: set[str] = set()

    @settings(max_examples=200, database=None, suppress_health_check=list(HealthCheck))
    @given(any_terms)
    def collect(term: Term) -> None:
        kinds.update(type(node).__name__ for node in walk(term))

    collect()
    assert kinds == {t.__name__ for t in Term.__subclasses__()}


# single terms, as they are written

X, Y, R, W, K, S = (Name(PROGRAM.shape(n), n) for n in ("x", "v2", "r", "W", "K", "s"))
ALPHA, HAT, DELTA_Z, W3 = (Name(PROGRAM.shape(n), n) for n in ("alpha", "y_hat", "delta_z", "w3"))
N = PROGRAM.shape("x").rows


@pytest.mark.parametrize(
    ("term", "texts"),
    [
        (number(-2), ("-2", "-2", "-2")),
        (number(Fraction(1, 3)), ("1/3", "1/3", r"\frac{1}{3}")),
        (number(Fraction(-1, 3)), ("-1/3", "-1/3", r"-\frac{1}{3}")),
        (number(Fraction(1, 100)), ("0.01", "0.01", "0.01")),
        (HAT, ("y_hat", "ŷ", r"\hat{y}")),
        (DELTA_Z, ("delta_z", "δ_z", r"\delta_{z}")),
        (ALPHA, ("alpha", "α", r"\alpha")),
        (Y, ("v2", "v₂", "v_{2}")),
        (add(X, transpose(R)), ("x + r^T", "x + rᵀ", r"x + r^{\top}")),
        (add(number(1), mul(number(-1), S)), ("1 - s", "1 - s", "1 - s")),
        (add(mul(number(-1), S), number(1)), ("1 - s", "1 - s", "1 - s")),
        (mul(W, X), ("W x", "W x", r"W \, x")),
        (mul(number(Fraction(1, 2)), W, X), ("1/2 W x", "1/2 W x", r"\frac{1}{2} \, W \, x")),
        (mul(W, add(X, Y)), ("W (x + v2)", "W (x + v₂)", r"W \, \left(x + v_{2}\right)")),
        (hadamard(X, Y), ("x .* v2", "x ⊙ v₂", r"x \odot v_{2}")),
        (mul(W, hadamard(X, Y)), ("W (x .* v2)", "W (x ⊙ v₂)", r"W \, \left(x \odot v_{2}\right)")),
        (hadamard(mul(K, X), Y), ("K x .* v2", "K x ⊙ v₂", r"K \, x \odot v_{2}")),
        (power(X, number(2)), ("x.^2", "x.^2", r"x^{\odot 2}")),
        (power(S, number(2)), ("s^2", "s²", "s^{2}")),
        (power(S, number(Fraction(1, 2))), ("s^(1/2)", "s^(1/2)", r"s^{\frac{1}{2}}")),
        (power(add(S, ALPHA), number(-1)), ("(s + alpha)^(-1)", "(s + α)⁻¹", r"\left(s + \alpha\right)^{-1}")),
        (Inverse(K.shape, K), ("K^-1", "K⁻¹", "K^{-1}")),
        (transpose(Inverse(K.shape, K)), ("K^-T", "K⁻ᵀ", r"K^{-\top}")),
        (transpose(add(X, Y)), ("(x + v2)^T", "(x + v₂)ᵀ", r"\left(x + v_{2}\right)^{\top}")),
        (Apply(SCALAR, "norm", (X,)), ("||x||", "‖x‖", r"\left\|x\right\|")),
        (Apply(SCALAR, "norm_1", (X,)), ("||x||_1", "‖x‖_1", r"\left\|x\right\|_1")),
        (Apply(SCALAR, "norm_inf", (X,)), ("||x||_inf", "‖x‖_∞", r"\left\|x\right\|_\infty")),
        (applied("abs", S), ("|s|", "|s|", r"\left|s\right|")),
        (applied("relu", X), ("relu(x)", "relu(x)", r"\operatorname{ReLU}\left(x\right)")),
        (applied("sigmoid", X), ("sigmoid(x)", "sigmoid(x)", r"\sigma\left(x\right)")),
        (applied("leaky_relu", X, ALPHA),
         ("leaky_relu(x, alpha)", "leaky_relu(x, α)", r"\operatorname{leaky\_relu}\left(x, \alpha\right)")),
        (applied("maximum", X, number(0)), ("max(x, 0)", "max(x, 0)", r"\max\left(x, 0\right)")),
        (applied("f'", X), ("f'(x)", "f'(x)", r"f'\left(x\right)")),
        (Apply(W.shape, "softmax", (W,), 1),
         ("softmax(W, 1)", "softmax(W, 1)", r"\operatorname{softmax}\left(W, 1\right)")),
        (Apply(R.shape, "softmax", (R,), 1), ("softmax(r)", "softmax(r)", r"\operatorname{softmax}\left(r\right)")),
        (Compare(X.shape, ">=", X, number(0)), ("1(x >= 0)", "1(x ≥ 0)", r"\mathbb{1}\left[x \ge 0\right]")),
        (part(X, (length_of(2), N), (ONE, ONE)), ("x[2:n]", "x[2:n]", "x[2:n]")),
        (part(W, (ONE, ONE), (ONE, N)), ("W[1, :]", "W[1, :]", "W[1, :]")),
        (part(W, (ONE, ONE), (length_of(2), length_of(3))), ("W[1, 2:3]", "W[1, 2:3]", "W[1, 2:3]")),
        (Grid(W3.shape, ((S,), (number(1),), (ALPHA,))),
         ("[s, 1, alpha]", "[s, 1, α]", r"\begin{pmatrix} s \\ 1 \\ \alpha \end{pmatrix}")),
        (Constant(X.shape, "ones"), ("ones(n)", "ones(n)", r"\mathbf{1}_{n}")),
        (Constant(R.shape, "ones"), ("ones(n)^T", "ones(n)ᵀ", r"\mathbf{1}_{n}^{\top}")),
        (Constant(W.shape, "zeros"), ("zeros(m, n)", "zeros(m, n)", r"\mathbf{0}_{m \times n}")),
        (Constant(K.shape, "eye"), ("eye(n)", "eye(n)", "I_{n}")),
        (length(N.plus(ONE)), ("n + 1", "n + 1", "n + 1")),
        (mul(length(N.plus(ONE)), S), ("(n + 1) s", "(n + 1) s", r"\left(n + 1\right) \, s")),
        (divide(S, ALPHA), ("s/alpha", "s/α", r"\frac{s}{\alpha}")),
        (divide(X, Y), ("x ./ v2", "x ./ v₂", r"x \oslash v_{2}")),
        (divide(X, add(Y, number(1))), ("x ./ (v2 + 1)", "x ./ (v₂ + 1)", r"x \oslash \left(v_{2} + 1\right)")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) and isinstance(value[0], str) else "",
)  # fmt: skip
def test_terms_are_written_as_on_paper(term: Term, texts: tuple[str, str, str]) -> None:
    assert (plain(term), unicode(term), latex(term)) == texts
    for text in texts[:2]:
        assert plain(read_back(text)) == plain(term)


def test_bars_within_bars_are_written_as_functions() -> None:
    inside = Apply(SCALAR, "norm", (X,))
    term = applied("abs", add(S, inside))
    assert plain(term) == "abs(s + ||x||)"
    assert read_back(plain(term)) == term
    assert read_back(unicode(term)) == term


@pytest.mark.parametrize("function", [*ELEMENTWISE, "f", "f'"])
@pytest.mark.parametrize("inside", [X, S, add(W, S), mul(W, X)], ids=plain)
def test_every_element_wise_function_reads_back(function: str, inside: Term) -> None:
    count = ELEMENTWISE[function].arguments if function in ELEMENTWISE else 1
    term = applied(function, inside, *[ALPHA] * (count - 1))
    assert read_back(plain(term)) == term
    assert read_back(unicode(term)) == term


@pytest.mark.parametrize("function", PULLBACKS)
def test_every_function_of_vectors_and_matrices_reads_back(function: str) -> None:
    arguments = (X, Y) if function == "cossim" else (K,)
    shape = {"softmax": K.shape, "diag": X.shape}.get(function, SCALAR)
    term = Apply(shape, function, arguments, 0 if function == "softmax" else None)
    assert read_back(plain(term)) == term
    assert read_back(unicode(term)) == term


@pytest.mark.parametrize("function", sorted({"softmax", *ALONG}))
@pytest.mark.parametrize("axis", [ROWS, COLS])
def test_every_function_along_an_axis_reads_back(function: str, axis: int) -> None:
    reduced = Shape(ONE, W.shape.cols) if axis == ROWS else Shape(W.shape.rows, ONE)
    term = Apply(W.shape if function == "softmax" else reduced, function, (W,), axis)
    assert read_back(plain(term)) == term
    assert read_back(unicode(term)) == term


@pytest.mark.parametrize(
    "term",
    [
        mul(S, power(number(2), number(Fraction(1, 2)))),
        mul(power(number(Fraction(9, 10)), S), power(number(2), S), X),
        hadamard(X, power(number(2), S)),
        divide(power(number(2), S), ALPHA),
    ],
    ids=plain,
)
def test_a_power_of_a_number_among_factors_reads_back(term: Term) -> None:
    for text in (plain(term), unicode(term)):
        assert plain(read_back(text)) == plain(term)


@pytest.mark.parametrize(
    ("name", "unicode_text", "latex_text"),
    [
        ("W1", "W₁", "W_{1}"),
        ("alpha", "α", r"\alpha"),
        ("delta_a1", "δ_a1", r"\delta_{a_{1}}"),
        ("y_hat", "ŷ", r"\hat{y}"),
        ("x", "x", "x"),
    ],
)
def test_names_are_written_as_on_paper(name: str, unicode_text: str, latex_text: str) -> None:
    assert unicode_name(name) == unicode_text
    assert latex_name(name) == latex_text


@pytest.mark.parametrize(
    "name", ["W1", "W12", "y_hat", "x_bar2", "delta_a1", "theta12", "C_in", "alpha", "lambda", "h_t", "a1b2"]
)
def test_the_unicode_name_is_the_name(name: str) -> None:
    assert read_program(f"{unicode_name(name)} = 1").definitions[0].target == name
