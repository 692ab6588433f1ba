"""Shorter forms: what cancels on paper cancels here, and no form has another value."""

from __future__ import annotations

# ruff: noqa: E501 (rows of tables)
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcalc.calculus.dims import ONE, SCALAR, Shape, named
from dlcalc.calculus.exact import Exact
from dlcalc.calculus.inference import typed, typed_expression
from dlcalc.calculus.printing import plain, unicode
from dlcalc.calculus.problem import Problem, read_problem
from dlcalc.calculus.simplify import extent, quotients, simplified
from dlcalc.calculus.terms import (
    UNIT,
    Apply,
    Constant,
    Name,
    Term,
    add,
    divide,
    hadamard,
    inner,
    mul,
    negative,
    number,
    power,
    put_in,
    total,
    transpose,
    weight,
)
from dlcalc.errors import DlcalcError
from dlcalc.notation.program import read_program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Array = Any


def gradient(program: str, name: str) -> tuple[Problem, Term]:
    problem = read_problem(program, wrt=name)
    closed = problem.gradient(name).closed
    assert closed is not None
    return problem, closed


BCE = "p = sigmoid(z); L = -(y log(p) + (1 - y) log(1 - p))"
BATCH = "W in R^(1 x n); X in R^(n x m); y, p in R^(1 x m); "
CANCELLATIONS = {
    "sigmoid and cross-entropy": (f"y, z in R; {BCE}", "z", "p - y"),
    "sigmoid and cross-entropy, written in": (
        "y, z in R; L = -y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z))", "z", "sigmoid(z) - y",
    ),
    "sigmoid and cross-entropy of vectors": (
        "y, z in R^n; p = sigmoid(z); L = -sum(y .* log(p) + (1 - y) .* log(1 - p))", "z", "p - y",
    ),
    "sigmoid and cross-entropy as inner products": (
        "y, z in R^n; p = sigmoid(z); L = -y^T log(p) - (1 - y)^T log(1 - p)", "z", "p - y",
    ),
    "mean over a batch": (
        "y, z in R^m; p = sigmoid(z); L = -1/m sum(y .* log(p) + (1 - y) .* log(1 - p))", "z", "(p - y)/m",
    ),
    "mean of entries": ("y, z in R^m; p = sigmoid(z); L = -mean(y .* log(p) + (1 - y) .* log(1 - p))", "z", "(p - y)/m"),
    "the weights of a logistic regression": (f"w in R^n; z = w^T x + b; y, b in R; {BCE}", "w", "(p - y) x"),
    "only positive examples": ("z in R; p = sigmoid(z); L = -log(p)", "z", "p - 1"),
    "only negative examples": ("z in R; p = sigmoid(z); L = -log(1 - p)", "z", "p"),
    "softmax and cross-entropy, one-hot": ("y in onehot(C); p = softmax(z); L = -y^T log(p)", "z", "p - y"),
    "softmax and cross-entropy, any y": ("y in R^C; p = softmax(z); L = -y^T log(p)", "z", "sum(y) p - y"),
    "softmax and cross-entropy as a sum": ("y in onehot(C); p = softmax(z); L = -sum(y .* log(p))", "z", "p - y"),
    "log_softmax": ("y in onehot(C); L = -y^T log_softmax(z)", "z", "softmax(z) - y"),
    "logsumexp": ("y in onehot(C); L = logsumexp(z) - y^T z", "z", "softmax(z) - y"),
    "squares": ("z, y in R^n; L = 1/2 ||z - y||^2", "z", "z - y"),
    "squares without a half": ("z, y in R^n; L = ||z - y||^2", "z", "2 (z - y)"),
    "mean of squares": ("z, y in R^m; L = 1/(2 m) ||z - y||^2", "z", "(z - y)/m"),
    "logarithm of a product": ("a, b in R; L = log(exp(a) exp(b))", "a", "1"),
}  # fmt: skip


@pytest.mark.parametrize(("program", "name", "expected"), CANCELLATIONS.values(), ids=CANCELLATIONS)
def test_what_cancels_on_paper_cancels(program: str, name: str, expected: str) -> None:
    assert plain(gradient(program, name)[1]) == expected


SAME_VALUE = {
    "weighted cross-entropy": (
        "y, z, w in R; p = sigmoid(z); L = -(w y log(p) + (1 - y) log(1 - p))", "z", "(1 - y) p - w y (1 - p)",
    ),
    "both classes weighted": (
        "y, z, a, b in R; p = sigmoid(z); L = -(a y log(p) + b (1 - y) log(1 - p))", "z", "b (1 - y) p - a y (1 - p)",
    ),
    "weighted cross-entropy of a batch": (
        "y, z in R^m; w in R; p = sigmoid(z); L = -1/m sum(w y .* log(p) + (1 - y) .* log(1 - p))",
        "z",
        "1/m ((1 - y) .* p - w y .* (1 - p))",
    ),
    "label smoothing": (
        "y in onehot(C); eps in R; t = (1 - eps) y + eps/C ones(C); p = softmax(z); L = -t^T log(p)", "z", "p - t",
    ),
    "softmax of columns, one-hot": (
        "Z in R^(C x m); Y in onehot(C x m); P = softmax(Z, 0); L = -1/m sum(Y .* log(P))", "Z", "1/m (P - Y)",
    ),
    "softmax of rows": (
        "Z, Y in R^(m x C); P = softmax(Z, 1); L = -1/m sum(Y .* log(P))", "Z", "1/m (P .* (sum(Y, 1) ones(C)^T) - Y)",
    ),
    "tanh as a sigmoid": ("a in R; L = 2 sigmoid(2 a) - 1", "a", "1 - tanh(a)^2"),
    "a quotient beside an inner product": (
        "v, d in R^n; s in R; h = sigmoid(v)/exp(tanh(s)); L = sum(cos(h))",
        "s",
        "(1 - tanh(s)^2) (sigmoid(v)^T sin(h))/exp(tanh(s))",
    ),
    "a sum in front of an inner product": (
        "u, v in R^n; s in R; L = (s^2 + s)/(1 + s) (u^T v)", "u", "s v",
    ),
    "a cosine": ("u, v in R^n; L = 3 cossim(2 u, v)", "u", "3 v/(||u|| ||v||) - L u/||u||^2"),
}  # fmt: skip


@pytest.mark.parametrize(("program", "name", "expected"), SAME_VALUE.values(), ids=SAME_VALUE)
def test_short_forms_have_the_value_of_the_form_on_paper(program: str, name: str, expected: str) -> None:
    problem, closed = gradient(program, name)
    lengths = {side: size for size, side in enumerate(problem.typed.lengths, 3)}
    random = np.random.default_rng(5)
    values: dict[str, Array] = {}
    for leaf in problem.typed.leaves.values():
        rows, cols = (dim.value(lengths) for dim in leaf.shape)
        drawn = random.normal(size=(rows, cols))
        if leaf.kind == "onehot":
            drawn = np.eye(rows)[:, random.integers(rows, size=cols)]
        values[leaf.name] = drawn.tolist()
    arithmetic = Exact(lengths)
    for defined, term in problem.typed.definitions.items():
        values[defined] = arithmetic.value(term, values)
    wanted = arithmetic.value(typed_expression(expected, problem.typed), values)
    found = arithmetic.value(closed, values)
    assert np.asarray(found, dtype=float) == pytest.approx(np.asarray(wanted, dtype=float), rel=1e-10, abs=1e-12)


def test_one_hot_columns_of_a_batch_add_up_to_one() -> None:
    program = "Z in R^(C x m); Y in onehot(C x m); P = softmax(Z, 0); L = -1/m sum(Y .* log(P))"
    assert "sum" not in plain(gradient(program, "Z")[1])


def test_one_hot_is_used_only_where_it_is_declared() -> None:
    y = Name(Shape(named("n"), ONE), "y")
    assert simplified(total(y), ["y"]) == UNIT
    assert simplified(total(y)) == total(y)
    assert simplified(total(y), ["t"]) == total(y)
    assert simplified(total(hadamard(y, y)), ["y"]) == total(hadamard(y, y))
    columns = Name(Shape(named("n"), named("m")), "Y")
    over = Shape(ONE, named("m"))
    assert simplified(Apply(over, "sum", (columns,), 0), ["Y"]) == Constant(over, "ones")
    along = Apply(Shape(named("n"), ONE), "sum", (columns,), 1)
    assert simplified(along, ["Y"]) == along


def test_all_entries_of_one_hot_columns_add_up_to_their_number() -> None:
    """The total of a C×m matrix of one-hot columns is the number m."""
    columns = Name(Shape(named("C"), named("m")), "Y")
    found = simplified(total(columns), ["Y"])
    assert found.shape == SCALAR
    assert plain(found) in {"m", "sum(Y)"}


def test_what_is_short_stays() -> None:
    for text in ("z - y", "W^T d", "(a + b) .* c", "sigmoid(z) .* (1 - sigmoid(z))", "2 (z - y)"):
        program = typed(
            read_program("z, y, a, b, c in R^n; W in R^(m x n); d in R^m; L = sum(W^T d + z + y + a + b + c)")
        )
        term = typed_expression(text, program)
        assert simplified(term) == term


# the value stays


N, M = named("n"), named("m")
LENGTHS = {"n": 2, "m": 3}
COLUMN, ROW, MATRIX = Shape(N, ONE), Shape(ONE, N), Shape(N, M)
ALL = tuple(Shape(rows, cols) for rows in (ONE, N, M) for cols in (ONE, N, M))
SHAPES = (SCALAR, SCALAR, COLUMN, COLUMN, ROW, MATRIX, Shape(M, N), Shape(M, ONE))


class Pair(NamedTuple):
    """A term, and its value by an arithmetic that knows no terms: None where it has none."""

    term: Term
    value: Array


def at(text: str) -> Fraction:
    """Give each entry of each name a fraction of its own."""
    return Fraction(sum(ord(c) * (k + 3) for k, c in enumerate(text)) % 23 - 11, 1 + len(text) % 3) or Fraction(1, 7)


def leaf(shape: Shape, letter: str) -> Pair:
    rows, cols = (dim.value(LENGTHS) for dim in shape)
    name = f"{letter}{rows}{cols}"
    entries = [[at(f"{name}{i}{j}") for j in range(cols)] for i in range(rows)]
    return Pair(Name(shape, name), np.array(entries, dtype=object))


VALUES: Mapping[str, Any] = {
    pair.term.name: pair.value.tolist()  # type: ignore[attr-defined]  # leaves are names
    for shape in ALL
    for letter in "abc"
    for pair in [leaf(shape, letter)]
}


@st.composite
def pairs(draw: Callable[[Any], Any], shape: Shape, depth: int) -> Pair:  # noqa: C901, PLR0911, PLR0912 (a case per operation)
    """Draw a term built by the constructors, and its value."""
    if depth == 0:
        return leaf(shape, draw(st.sampled_from("abc")))

    def below(of: Shape) -> Pair:
        return draw(pairs(of, depth - 1))

    kinds = ["add", "subtract", "number", "hadamard", "divide", "divide", "square", "scale", "complement", "fraction"]
    kinds += ["inner", "inner", "total", "through"] if shape == SCALAR else ["transpose", "product", "beside"]
    one = below(shape)
    match draw(st.sampled_from(kinds)):
        case "add":
            other = below(shape)
            return Pair(add(one.term, other.term), one.value + other.value)
        case "subtract":
            other = below(shape)
            return Pair(add(one.term, negative(other.term)), one.value - other.value)
        case "number":
            by = draw(st.fractions(-3, 3, max_denominator=4))
            return Pair(mul(number(by), one.term), by * one.value)
        case "hadamard":
            other = below(shape)
            return Pair(hadamard(one.term, other.term), one.value * other.value)
        case "divide":
            other = below(shape)
            assume(np.all(other.value != 0))
            return Pair(divide(one.term, other.term), one.value / other.value)
        case "fraction":
            other = below(SCALAR)
            assume(np.all(other.value != 0))
            return Pair(divide(one.term, other.term), one.value / other.value)
        case "square":
            times = draw(st.sampled_from((2, 2, 3, -1)))
            assume(times > 0 or np.all(one.value != 0))
            return Pair(power(one.term, number(times)), np.vectorize(lambda v: v**times, otypes=[object])(one.value))
        case "scale":
            other = below(SCALAR)
            return Pair(mul(other.term, one.term), other.value[0, 0] * one.value)
        case "complement":
            return Pair(add(UNIT, negative(one.term)), 1 - one.value)
        case "inner":
            of = draw(st.sampled_from((COLUMN, MATRIX, ROW)))
            left, right = below(of), below(of)
            return Pair(inner(left.term, right.term), np.sum(left.value * right.value, keepdims=True))
        case "total":
            inside = below(draw(st.sampled_from((COLUMN, MATRIX))))
            return Pair(total(inside.term), np.sum(inside.value, keepdims=True))
        case "through":
            left, right = below(COLUMN), below(COLUMN)
            scale = below(SCALAR)
            return Pair(mul(transpose(left.term), right.term, scale.term), left.value.T @ right.value * scale.value)
        case "transpose":
            turned = below(shape.transposed)
            return Pair(transpose(turned.term), turned.value.T)
        case "beside":
            other = below(SCALAR)
            return Pair(add(one.term, other.term), one.value + other.value)
    inside = draw(st.sampled_from((ONE, N, M)))
    left, right = below(Shape(shape.rows, inside)), below(Shape(inside, shape.cols))
    if inside == ONE and ONE in shape:
        return one
    return Pair(mul(left.term, right.term), left.value @ right.value)


def exactly(term: Term, like: Array) -> Array:
    found = np.array(Exact(LENGTHS).value(term, VALUES), dtype=object)
    return np.broadcast_to(found, like.shape)


@settings(max_examples=500)
@given(st.sampled_from(SHAPES).flatmap(lambda shape: pairs(shape, 3)))
def test_no_constructor_and_no_simplification_changes_a_value(pair: Pair) -> None:
    assert (exactly(pair.term, pair.value) == pair.value).all()
    short = simplified(pair.term)
    assert short.shape == pair.term.shape
    try:
        found = exactly(short, pair.value)
    except DlcalcError as problem:  # what cancelled may have been 0/0, never the other way around
        pytest.fail(f"{plain(pair.term)} became {plain(short)}: {problem}")
    assert (found == pair.value).all(), f"{plain(pair.term)} became {plain(short)}"


@given(st.sampled_from(SHAPES).flatmap(lambda shape: pairs(shape, 2)))
def test_a_shorter_form_is_not_longer_and_stays_as_it_is(pair: Pair) -> None:
    short = simplified(pair.term)
    assert extent(short) <= extent(pair.term) + 1
    assert quotients(short) <= quotients(pair.term) + 1
    assert exactly(simplified(short), pair.value).tolist() == pair.value.tolist()


@settings(max_examples=200)
@given(st.sampled_from(SHAPES).flatmap(lambda shape: pairs(shape, 2)))
def test_what_is_printed_reads_back_to_the_same_value(pair: Pair) -> None:
    leaves = {f"{letter}{leaf(s, letter).term.name[1:]}": s for s in ALL for letter in "abc"}  # type: ignore[attr-defined]
    known = typed(read_program("q in R^(n x m); L = sum(q)"))
    for term in (pair.term, simplified(pair.term)):
        for text in (plain(term), unicode(term)):
            again = typed_expression(text, known, leaves)
            assert (exactly(again, pair.value) == pair.value).all(), text


@given(st.sampled_from(SHAPES).flatmap(lambda shape: pairs(shape, 2)), st.data())
def test_a_term_may_stand_in_the_place_of_a_name(pair: Pair, data: st.DataObject) -> None:
    inside = data.draw(pairs(COLUMN, 1))
    a = leaf(COLUMN, "a").term
    values = {**VALUES, a.name: inside.value.tolist()}  # type: ignore[attr-defined]
    try:
        right = Exact(LENGTHS).value(pair.term, values)
    except DlcalcError:
        assume(False)  # noqa: FBT003 (a division by zero)
    found = np.array(Exact(LENGTHS).value(put_in(pair.term, {a.name: inside.term}), VALUES), dtype=object)  # type: ignore[attr-defined]
    assert (np.broadcast_to(found, pair.value.shape) == np.broadcast_to(np.array(right), pair.value.shape)).all()


def test_large_terms_are_left_alone_quickly() -> None:
    """A product of many sums is not multiplied out into thousands of terms."""
    names = [Name(SCALAR, f"x{k}") for k in range(40)]
    product = mul(*(add(UNIT, name, divide(UNIT, name)) for name in names))
    assert weight(simplified(product)) <= weight(product)
