"""The parser of programs: what every spelling means, what is refused and where, and that no text does harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from effort import effort, not_hanging
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.errors import DlcalcError, NotationError
from dlcalc.notation.expressions import MAX_DEPTH, MAX_FACTORS, MAX_OPERATIONS
from dlcalc.notation.functions import FUNCTIONS, INDICATORS, SPELLINGS, VECTOR_SPELLINGS
from dlcalc.notation.program import (
    MAX_PROGRAM,
    MAX_STATEMENTS,
    RESULT,
    read_expression,
    read_program,
)

if TYPE_CHECKING:
    from dlcalc.notation.syntax import Node

KNOWN = frozenset({"x", "y", "W", "a", "b", "c", "m", "n", "k", "W1", "alpha", "epsilon", "mu", "y_hat"})
SUM_FORM = "a sum is written sum(k, 1, n, body) or Σ_{k=1}^{n} body"


def tree(node: Node) -> str:
    """Write a node with its operands in parentheses, so that nothing is left to precedence."""
    if node.head in {"number", "name"}:
        return node.word
    if node.head == "everything":
        return ":"
    head = f"{node.head} {node.word}" if node.word else node.head
    return f"({', '.join([head, *map(tree, node.parts)])})"


def read(text: str) -> str:
    """Read one expression in known names."""
    return tree(read_expression(text, KNOWN, {"f"}))


def refused(text: str) -> NotationError:
    """Read a program that is to be refused."""
    with pytest.raises(NotationError) as raised:
        read_program(text)
    return raised.value


# precedence


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b c", "a + (b c)"),
        ("a - b - c", "(a - b) - c"),
        ("a - b + c", "(a - b) + c"),
        ("a b c", "(a b) c"),
        ("a/b/c", "(a/b)/c"),
        ("a/b c", "(a/b) c"),
        ("a*b/c*x", "((a*b)/c)*x"),
        ("1/2x", "(1/2) x"),
        ("1/2 a^2", "(1/2) (a^2)"),
        ("a^b^c", "a^(b^c)"),
        ("a^-b", "a^(-b)"),
        ("a^-b^2", "a^(-(b^2))"),
        ("-a^2", "-(a^2)"),
        ("-a b", "-(a b)"),
        ("-a .* b", "(-a) .* b"),
        ("a b^2", "a (b^2)"),
        ("a^2b", "(a^2) b"),
        ("W^T x", "(W^T) x"),
        ("W x^T", "W (x^T)"),
        ("W x'", "W (x')"),
        ("a'^2", "(a')^2"),
        ("a^2'", "(a^2)'"),
        ("W a .* b", "(W a) .* b"),
        ("a .* W b", "a .* (W b)"),
        ("W^T a ⊙ b", "(W^T a) ⊙ b"),
        ("a .* b ./ c", "(a .* b) ./ c"),
        ("a .* b + c", "(a .* b) + c"),
        ("a + b ./ c", "a + (b ./ c)"),
        ("a .* b.^2", "a .* (b.^2)"),
        ("2a.^b", "2 (a.^b)"),
        ("a @ b * c", "(a @ b) * c"),
        ("a*-b", "a*(-b)"),
        ("a/-b c", "(a/(-b)) c"),
        ("ln a b", "(ln a) b"),
        ("ln a^2", "ln (a^2)"),
        ("ln a/b", "(ln a)/b"),
        ("ln a + b", "(ln a) + b"),
        ("ln^2 a", "(ln a)^2"),
        ("√a b", "(√a) b"),
        ("√a^2", "√(a^2)"),
        ("a x[2]^2", "a ((x[2])^2)"),
        ("x[2]'", "(x[2])'"),
        ("Σ_{k=1}^{n} x[k] y[k] + 1", "(Σ_{k=1}^{n} (x[k] y[k])) + 1"),
        ("2 Σ_{k=1}^{n} x[k]", "2 (Σ_{k=1}^{n} x[k])"),
        ("e^-a b", "(e^(-a)) b"),
        ("tanh(a) b", "(tanh(a)) b"),
        ("‖x‖²/2", "((‖x‖)²)/2"),
        ("1(a > 0) b", "(1(a > 0)) b"),
        ("|a|b", "(|a|) b"),
    ],
)
def test_precedence_is_that_of_paper(text: str, same: str) -> None:
    def outside(node: Node) -> str:
        return tree(node).replace("product *", "product").replace("product @", "product")

    found, expected = (outside(read_expression(t, KNOWN)) for t in (text, same))
    flat = {"(a - b) - c", "(a - b) + c"}  # sums of several terms are one node
    if same in flat:
        expected = expected.replace("(add, (add, a, (negative, b)), ", "(add, a, (negative, b), ")
    assert found == expected


def test_the_table_of_precedence_tells_orders_apart() -> None:
    assert read("a (b c)") != read("a b c")
    assert read("(a^b)^c") != read("a^b^c")
    assert read("W (a .* b)") != read("W a .* b")
    assert read("(a/b) c") != read("a/(b c)")


# spellings


@pytest.mark.parametrize(
    ("spellings", "expected"),
    [
        (["a b", "a*b", "a·b", "a × b", "a ∙ b", r"a \cdot b", r"a \times b", "(a)(b)", "a(b)", "{a}b", "ab"], "a b"),
        (["a @ b"], "a b"),
        (["a .* b", "a ⊙ b", "a ∘ b", r"a \odot b", r"a \circ b"], "(hadamard, a, b)"),
        (["a ./ b"], "(elementwise quotient, a, b)"),
        (["a.^2", "a .^ 2"], "(elementwise power, a, 2)"),
        (["a/b", r"\frac{a}{b}", r"\dfrac{a}{b}", "a ÷ b", "(a)/(b)"], "(quotient, a, b)"),
        (["a^2", "a**2", "a²", "a^{2}", "a^(2)"], "(power, a, 2)"),
        (["a^(n - 1)", "a^{n-1}", "aⁿ⁻¹"], "(power, a, (add, n, (negative, 1)))"),
        (["a^(2n)", "a²ⁿ"], "(power, a, (product, 2, n))"),
        (["W^T", "Wᵀ", "W'", "W′", "W’", "W.T", "W^⊤", r"W^\top", r"W^{\top}", "W^{T}", "W^(T)"], "(transpose, W)"),
        (["W^-1", "W⁻¹", "W^{-1}", "W^(-1)"], "(power, W, (negative, 1))"),
        (["W^-T", "W⁻ᵀ", "W^{-T}", "W^(-T)", r"W^{-\top}"], "(transpose, (inverse, W))"),
        (
            ["||x||", "‖x‖", "∥x∥", "||x||_2", "‖x‖₂", "||x||_{2}", "||x||_F", r"\|x\|", r"\lVert x \rVert_F"],
            "(call norm, x)",
        ),
        (["norm(x)", "norm_2(x)"], "(call norm, x)"),
        (["||x||_1", "‖x‖₁", "‖x‖_{1}", "norm_1(x)"], "(call norm_1, x)"),
        (["||x||_inf", "‖x‖_∞", "‖x‖∞", r"\|x\|_\infty", r"\|x\|_{\infty}", "norm_inf(x)"], "(call norm_inf, x)"),
        (["|a|", "∣a∣", "abs(a)", r"\left|a\right|"], "(call abs, a)"),
        (
            ["1(a > b)", "1{a > b}", "1[a > b]", "I(a > b)", "I[a > b]", "[a > b]", r"\mathbb{1}[a > b]"],
            "(compare >, a, b)",
        ),
        (["1(a >= b)", "1(a ≥ b)", "1(a ⩾ b)", r"1(a \ge b)", r"[a \geq b]"], "(compare >=, a, b)"),
        (["1(a <= b)", "1(a ≤ b)", r"1(a \leq b)"], "(compare <=, a, b)"),
        (["1(a != b)", "1(a ≠ b)", r"I(a \neq b)"], "(compare !=, a, b)"),
        (["1(a = b)", "1(a == b)", "I(a = b)"], "(compare =, a, b)"),
        (["1(a < b)", "I(a < b)"], "(compare <, a, b)"),
        (["x[2]"], "(part, x, 2)"),
        (["x[n]"], "(part, x, n)"),
        (["W[1,3]", "W[1, 3]"], "(part, W, 1, 3)"),
        (["x[1:3]", "x[1 : 3]"], "(part, x, (range, 1, 3))"),
        (["x[2:]"], "(part, x, (range, 2, :))"),
        (["x[:2]"], "(part, x, (range, :, 2))"),
        (["x[:]"], "(part, x, (range, :, :))"),
        (["W[:,2]"], "(part, W, (range, :, :), 2)"),
        (["W[1:2,:]"], "(part, W, (range, 1, 2), (range, :, :))"),
        (["x[n - 1:n]"], "(part, x, (range, (add, n, (negative, 1)), n))"),
        (["(x + y)[2]"], "(part, (add, x, y), 2)"),
        (["[1, 2, 3]"], "(grid, (row, 1, 2, 3))"),
        (["[a; b]"], "(grid, (row, a), (row, b))"),
        (["[1, 2; 3, 4]", "[1, 2;\n 3, 4]"], "(grid, (row, 1, 2), (row, 3, 4))"),
        (["[[1, 2], [3, 4]]", "[[1, 2],\n [3, 4]]"], "(grid rows, (row, 1, 2), (row, 3, 4))"),
        (
            ["sum(k, 1, n, x[k])", "Σ_{k=1}^{n} x[k]", "Σ_{k=1}^n x[k]", "∑ₖ₌₁ⁿ x[k]", r"\sum_{k=1}^{n} x[k]"],
            "(total k, 1, n, (part, x, k))",
        ),
        (["sum(q, 1, 3, q)"], "(total q, 1, 3, q)"),
        (["sum(x)"], "(call sum, x)"),
        (["sum(W, 0)"], "(call sum, W, 0)"),
        (["√a", "sqrt(a)", "sqrt a", r"\sqrt{a}"], "(call sqrt, a)"),
        (["ln a", "log a", "log(a)", r"\ln a", r"\log(a)"], "(call ln, a)"),
        (["ln² a", "ln^2 a", "ln(a)^2", "(ln a)²"], "(power, (call ln, a), 2)"),
        (["e^a", "eᵃ", "e^{a}", "exp(a)", "exp a", r"\exp(a)"], "(call exp, a)"),
        (["e^-a", "e^{-a}", "exp(-a)", "e⁻ᵃ"], "(call exp, (negative, a))"),
        (["σ(a)", "sigma(a)", "sigmoid(a)", r"\sigma(a)"], "(call sigmoid, a)"),
        (["⌊a⌋", "floor(a)", r"\lfloor a \rfloor"], "(call floor, a)"),
        (["⌈a⌉", "ceil(a)", "ceiling(a)"], "(call ceil, a)"),
        (["relu(a)", "ReLU(a)", r"\mathrm{ReLU}(a)", r"\operatorname{relu}(a)"], "(call relu, a)"),
        (["leaky_relu(a, 0.01)", "prelu(a, 0.01)", "PReLU(a, 0.01)"], "(call leaky_relu, a, 0.01)"),
        (["max(a, b)", r"\max(a, b)"], "(call max, a, b)"),
        (["min(a, b, 2)"], "(call min, a, b, 2)"),
        (["cossim(x, y)", "cos_sim(x, y)", "cosine(x, y)"], "(call cossim, x, y)"),
        (["LSE(x)", "lse(x)", "logsumexp(x)"], "(call logsumexp, x)"),
        (["log softmax(x)", "ln(softmax(x))"], "(call ln, (call softmax, x))"),
        (["tr(W)", "trace(W)"], "(call tr, W)"),
        (["inv(W)", "inverse(W)"], "(call inv, W)"),
        (["ones(n)"], "(call ones, n)"),
        (["ones(m, n)"], "(call ones, m, n)"),
        (["f(x)"], "(call f, x)"),
        (["f'(x)", "f′(x)"], "(derivative f, x)"),
        (["σ'(a)", "sigmoid'(a)"], "(derivative sigmoid, a)"),
        (["tanh'(W x)"], "(derivative tanh, (product, W, x))"),
        (["ŷ", "y_hat", r"\hat{y}"], "y_hat"),
        (["W1", "W_1", "W₁", "W_{1}"], "W1"),
        (["α", "alpha", r"\alpha"], "alpha"),
        (["ε", "ϵ", "epsilon", r"\varepsilon"], "epsilon"),
        (["½", "1/2"], ""),
        (["- -a", "+a", "--a", "(a)", "{a}", "((a))"], "a"),
        (["a - -b"], "(add, a, (negative, (negative, b)))"),
        (["a − b", "a – b", "a - b"], "(add, a, (negative, b))"),
        (["2mn", "2 m n", "2*m*n"], "2 m n"),
        (["𝑎 + ｂ", "a + b"], "(add, a, b)"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_spellings_of_one_expression_are_read_alike(spellings: list[str], expected: str) -> None:
    found = {s: read(s).replace("product *", "product").replace("product @", "product") for s in spellings}
    if spellings[0] == "½":
        assert found == {"½": "1/2", "1/2": "(quotient, 1, 2)"}
        return
    if " " in expected and "(" not in expected:
        expected = read(expected)
    assert set(found.values()) == {expected}, found


@pytest.mark.parametrize(
    "name", sorted({*SPELLINGS, *VECTOR_SPELLINGS} - {n for n, f in FUNCTIONS.items() if f.random or n in INDICATORS})
)
def test_every_function_of_the_tables_can_be_applied(name: str) -> None:
    word = SPELLINGS.get(name) or VECTOR_SPELLINGS[name]
    assert read(f"{name}(x)") == f"(call {word}, x)"


def test_every_operation_knows_its_place() -> None:
    places = {
        ("a + b", 0),
        ("a b", 0),
        ("a .* b", 2),
        ("a ./ b", 2),
        ("a/b", 1),
        ("a^2", 1),
        ("a'", 1),
        ("x[2]", 1),
        ("tanh(a)", 0),
        ("||x||", 0),
        ("1(a > 0)", 0),
        ("[1, 2]", 0),
        ("sum(k, 1, 2, k)", 0),
    }
    assert {(text, read_expression(f"    {text}", KNOWN).position - 4) for text, _ in places} == places


def test_a_name_is_a_product_of_known_letters_only_where_nobody_declared_it() -> None:
    assert read("ab") == "(product, a, b)"
    assert read("aW1") == "(product, a, W1)"
    assert read("aq") == "aq"
    assert tree(read_expression("ab", KNOWN | {"ab"})) == "ab"


def test_a_known_name_wins_over_a_function_a_transpose_and_an_indicator() -> None:
    assert tree(read_expression("sigma(a)", KNOWN | {"sigma"})) == "(product, sigma, a)"
    assert tree(read_expression("a^T", KNOWN | {"T"})) == "(power, a, T)"
    assert tree(read_expression("aᵀ", KNOWN | {"T"})) == "(power, a, T)"
    assert tree(read_expression("e^a", KNOWN | {"e"})) == "(power, e, a)"
    assert read("I a") == "(product, I, a)"
    assert read("lambda beta S N E I").count("product") == 5


def test_an_entry_wise_power_has_no_transpose() -> None:
    """`x.^T` must not silently become x to the power x."""
    with pytest.raises(NotationError):
        read_program("L = x.^T")


@pytest.mark.parametrize(
    ("tight", "spaced"), [("1./x", "1 ./ x"), ("2.*x", "2 .* x"), ("x.^2.*y", "x.^2 .* y"), ("x.^2.^2", "x.^2 .^2")]
)
def test_a_point_after_a_number_belongs_to_the_operator(tight: str, spaced: str) -> None:
    assert read(tight) == read(spaced)


# statements


def declared(text: str) -> tuple[object, ...]:
    """Read one declaration."""
    (found,) = read_program(f"{text}; q = 1").declarations
    return (tuple(name for name, _ in found.names), found.kind, found.sizes, tuple(map(str, found.values)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x in R^n", (("x",), "R", ("n",), ())),
        ("x ∈ ℝ^n", (("x",), "R", ("n",), ())),
        ("x in Rⁿ", (("x",), "R", ("n",), ())),
        ("x in R^3", (("x",), "R", ("3",), ())),
        ("x in R^{D_x}", (("x",), "R", ("D_x",), ())),
        ("x in R^{n+1}", (("x",), "R", ("n+1",), ())),
        ("x in R^(2n)", (("x",), "R", ("2n",), ())),
        (r"x \in \mathbb{R}^n", (("x",), "R", ("n",), ())),
        ("alpha in R", (("alpha",), "R", (), ())),
        ("α ∈ ℝ", (("alpha",), "R", (), ())),
        ("W1, Ws in R^(m x n)", (("W1", "Ws"), "R", ("m", "n"), ())),
        ("W_{1}, b_1 in R^n", (("W1", "b1"), "R", ("n",), ())),
        ("W in R^(m × n)", (("W",), "R", ("m", "n"), ())),
        ("W in R^{m×n}", (("W",), "R", ("m", "n"), ())),
        ("W in R^m×n", (("W",), "R", ("m", "n"), ())),
        ("W in R^mxn", (("W",), "R", ("m", "n"), ())),
        ("W in R^2x3", (("W",), "R", ("2", "3"), ())),
        ("W in Rᵐˣⁿ", (("W",), "R", ("m", "n"), ())),
        ("W in R^(m, n)", (("W",), "R", ("m", "n"), ())),
        ("W in R^(m*n)", (("W",), "R", ("m", "n"), ())),
        (r"W \in \mathbb{R}^{m \times n}", (("W",), "R", ("m", "n"), ())),
        ("W in R^(n+1 x n)", (("W",), "R", ("n+1", "n"), ())),
        ("W in R^(D_a x D_x)", (("W",), "R", ("D_a", "D_x"), ())),
        ("W in R^(1 x n)", (("W",), "R", ("1", "n"), ())),
        ("a in (0,1)", (("a",), "interval", (), ("0", "1"))),
        ("a ∈ (0, 1]", (("a",), "interval", (), ("0", "1"))),
        ("a in [-1, 1/2]", (("a",), "interval", (), ("-1", "1/2"))),
        ("a in (-0.5, +2)", (("a",), "interval", (), ("-1/2", "2"))),
        ("a in [0,1]^n", (("a",), "interval", ("n",), ("0", "1"))),
        ("t in {0,1}", (("t",), "values", (), ("0", "1"))),
        ("t in {-1, 1}^m", (("t",), "values", ("m",), ("-1", "1"))),
        ("t in {0, 0.5, 1}", (("t",), "values", (), ("0", "1/2", "1"))),
        ("t in N", (("t",), "N", (), ())),
        ("t in Z", (("t",), "N", (), ())),
        ("y in onehot(C)", (("y",), "onehot", ("C",), ())),
        ("y in one_hot(3)", (("y",), "onehot", ("3",), ())),
        ("y in OneHot(C)", (("y",), "onehot", ("C",), ())),
        ("Y in onehot(m x n)", (("Y",), "onehot", ("m", "n"), ())),
        ("f: R -> R", (("f",), "function", (), ())),
        ("f, g: R->R", (("f", "g"), "function", (), ())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_declaration_says_names_set_and_sizes(text: str, expected: tuple[object, ...]) -> None:
    assert declared(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1; b = 2", {"a": "1", "b": "2"}),
        ("a = 1\nb = 2", {"a": "1", "b": "2"}),
        ("a = 1\r\nb = 2\r\n", {"a": "1", "b": "2"}),
        ("\n\n a = 1 ;;\n; b = 2;\n", {"a": "1", "b": "2"}),
        ("a = 1 # b = 3\nb = 2 # the end", {"a": "1", "b": "2"}),
        ("# at first\na = 1; # ; c = 3\nb = 2", {"a": "1", "b": "2"}),
        ("a = x +\n y", {"a": "(add, x, y)"}),
        ("a = x\n + y", {"a": "(add, x, y)"}),
        ("a = x\n  - y", {"a": "(add, x, (negative, y))"}),
        ("a = x *\n y", {"a": "(product *, x, y)"}),
        ("a = x\n * y", {"a": "(product *, x, y)"}),
        ("a = x /\n 2", {"a": "(quotient, x, 2)"}),
        ("a = x ⊙\n y", {"a": "(hadamard, x, y)"}),
        ("a = x\n ⊙ y", {"a": "(hadamard, x, y)"}),
        ("a = x\n ./ y", {"a": "(elementwise quotient, x, y)"}),
        ("a = x @\n y", {"a": "(product @, x, y)"}),
        ("a = x^\n2", {"a": "(power, x, 2)"}),
        ("a =\n x", {"a": "x"}),
        ("a\n = x", {"a": "x"}),
        ("a = (x\n + y)\nb = x", {"a": "(add, x, y)", "b": "x"}),
        ("a = tanh(\n  x\n)", {"a": "(call tanh, x)"}),
        ("a = max(x,\n  y)", {"a": "(call max, x, y)"}),
        ("a = x + # and\n y", {"a": "(add, x, y)"}),
        ("W_{1} = x; b₂ = y", {"W1": "x", "b2": "y"}),
        ("h_{t} = x", {"h_t": "x"}),
        ("L(W, b) = W b; z = 2 L", {"L": "(product, W, b)", "z": "(product, 2, L)"}),
        ("x + 1", {RESULT: "(add, x, 1)"}),
        ("a = 2; a x", {"a": "2", RESULT: "(product, a, x)"}),
        ("a == x", {"a": "x"}),
        ("ab = a b; z = ab; a in R; b in R", {"ab": "(product, a, b)", "z": "ab"}),
        ("z = ab; a in R; b in R", {"z": "(product, a, b)"}),
        ("z = mu; mu = 2", {"z": "mu", "mu": "2"}),
        ("f: R -> R; L = f(W x) + f'(x)", {"L": "(add, (call f, (product, W, x)), (derivative f, x))"}),
        ("f, g: R -> R; L = f(g(x))", {"L": "(call f, (call g, x))"}),
        ("L = f'(x)", {"L": "(product, (transpose, f), x)"}),
        ("in = 3", {"in": "3"}),
    ],
)
def test_a_program_is_its_statements(text: str, expected: dict[str, str]) -> None:
    assert {d.target: tree(d.body) for d in read_program(text).definitions} == expected


@pytest.mark.parametrize("operator", ["/", "@", "./", ".*", "*", "+", "-"])
def test_a_line_that_begins_with_an_operator_goes_on(operator: str) -> None:
    one, two = (read_program(f"a = x{gap}{operator} y").definitions[0].body for gap in (" ", "\n"))
    assert tree(one) == tree(two)


def test_definitions_and_declarations_know_their_places() -> None:
    program = read_program("W1, b in R; \n z = W1; L = 2 z")
    assert [d.position for d in program.definitions] == [14, 22]
    assert program.declarations[0].names == (("W1", 0), ("b", 4))
    assert program.error("wrong", "mend", at=14).position == 14
    assert program.text == "W1, b in R; \n z = W1; L = 2 z"


def test_the_network_of_the_documentation() -> None:
    program = read_program("h1 = relu(W1 x + b1) + Ws x; z = W2 h1 + b2; L = 1/2 ||z - y||^2")
    assert [tree(d.body) for d in program.definitions] == [
        "(add, (call relu, (add, (product, W1, x), b1)), (product, Ws, x))",
        "(add, (product, W2, h1), b2)",
        "(product, (quotient, 1, 2), (power, (call norm, (add, z, (negative, y))), 2))",
    ]


# errors


@pytest.mark.parametrize(
    ("text", "sentence", "place"),
    [
        ("", "there is no equation; write one, such as z = W x + b", 0),
        ("x in R^n", "there is no equation; write one, such as z = W x + b", 0),
        ("a = 1; 5; b = 2", "an expression without a name; write NAME = before it", 7),
        ("a = b = x", "a second = in one statement; write one equation per statement", 6),
        ("2 a = b", "the left side of an equation is one name; write NAME = expression", 0),
        ("c = 1; a' = b", "the left side of an equation is one name; write NAME = expression", 7),
        ("a <= b", "the left side of an equation is one name; write NAME = expression", 0),
        ("a = 1, b = 2", "an equation ends here; write ; between equations", 5),
        ("h_{t-1} = 2", "a subscript was not expected here; write x[2] for an entry, x_2 for a name", 1),
        ("L = x)", ") closes nothing; remove it or open it with (", 5),
        ("L = x]", "] closes nothing; remove it or open it with [", 5),
        ("L = (x", "( is never closed; add )", 4),
        ("L = {x", "{ is never closed; add }", 4),
        ("L = [1, 2", "[ is never closed; add ]", 4),
        ("L = relu(x", "( is never closed; add )", 8),
        ("L = |x", "| is never closed; add |", 4),
        ("L = ⌊x", "⌊ is never closed; add ⌋", 4),
        ("L = (x]", ") was expected, not ']'", 6),
        ("L = x[2", "] was expected, not the end", 7),
        ("L = x[]", "a number, a name or a parenthesis was expected, not ']'", 6),
        ("L = W[1,2,3]", "a matrix has two indices; write W[1,3]", 5),
        ("L = x +", "an expression was expected here, not the end", 7),
        ("L = ; z = 1", "a number, a name or a parenthesis was expected, not ';'", 4),
        ("L = x .^ ;", "a number, a name or a parenthesis was expected, not ';'", 9),
        ("L = √\nz = 1", "an expression was expected here, not the end of the line", 5),
        ("L = *x", "a number, a name or a parenthesis was expected, not '*'", 4),
        ("L = x 2", "an operator was expected before this number; write * between factors", 6),
        ("L = (a, b)", "a list is written in square brackets; write [1, 2, 3]", 6),
        ("L = (a < b)", ") was expected, not '<'; a comparison is no value; write 1(z > 0) for its indicator", 7),
        ("L = 1 (a > 0)", ") was expected, not '>'; a comparison is no value; write 1(z > 0) for its indicator", 9),
        ("L = relu x", "relu is a function; write relu(…)", 4),
        ("L = tr W", "tr is a function; write tr(…)", 4),
        ("L = 2 ln", "ln is a function; write ln(…)", 6),
        ("f: R -> R; L = f", "f is a function; write f(…)", 15),
        ("L = f(x)", "f is not a function; declare it: f: R -> R, or write a space", 4),
        ("L = ψ1(x)", "ψ1 is not a function; declare it: ψ1: R -> R, or write a space", 4),
        ("L = sigmod(x)", "sigmod is not a function; did you mean sigmoid?", 4),
        ("L = frobenius(x)", "frobenius is not a function; declare frobenius: R -> R, or write * between factors", 4),
        ("L = 2 e^T", "e has no transpose; write exp(x) for e^x", 6),
        ("L = ||x||_3", "a norm has the subscript 1, 2, F or inf", 10),
        ("L = \\frac12", "a fraction is written \\frac{a}{b}", 4),
        ("L = Σ x", SUM_FORM, 4),
        ("L = Σ_k x", SUM_FORM, 4),
        ("L = Σ_{k=1} x", SUM_FORM, 4),
        ("L = x!", "'!' is not part of the notation; write the product out", 5),
        ("L = 5%", "'%' is not part of the notation; write 0.05 for 5%", 5),
        ("f: R^n -> R; L = 1", "a function is declared as f: R -> R; it is applied to every entry", 0),
        ("a := 3", "a function is declared as f: R -> R; it is applied to every entry", 0),
        ("x in Q; L = 1", "Q is not a set; write R, R^n, R^(m x n), (0,1), {0,1}, N or onehot(n)", 5),
        ("x in 3; L = 1", "'3' is not a set; write R, R^n, R^(m x n), (0,1), {0,1}, N or onehot(n)", 5),
        ("x in Z^3; L = 1", "lists of whole numbers are not declared; write R^n", 5),
        ("y in onehot; L = 1", "the number of classes is missing; write y in onehot(C)", 5),
        ("y in onehot(n; L = 1", "( is never closed; add )", 11),
        ("x in R^; L = 1", "a length was expected after R^; write R^n or R^(m x n)", 6),
        ("x in R^(a,b,c); L = 1", "a vector has one length, a matrix two; write R^n or R^(m x n)", 6),
        ("x in R^(); L = 1", "a vector has one length, a matrix two; write R^n or R^(m x n)", 6),
        ("x in R^n+1; L = 1", "an operator was expected before '+'", 8),
        ("x in R^n y; L = 1", "an operator was expected before y", 9),
        ("a in (1, 0); L = 1", "an interval has two bounds, the lower first; write (0, 1)", 5),
        ("a in (0); L = 1", "an interval has two bounds, the lower first; write (0, 1)", 5),
        ("a in (0,); L = 1", "a number was expected here; write numbers such as 0, 1/2, -1", 8),
        ("a in (b, 1); L = 1", "a number was expected here; write numbers such as 0, 1/2, -1", 6),
        ("a in (0 1); L = 1", ") was expected, not '1'", 8),
        ("a in {1/0}; L = 1", "a number that is not 0 was expected here", 8),
    ],
)
def test_an_error_says_what_is_wrong_where_and_what_mends_it(text: str, sentence: str, place: int) -> None:
    found = refused(text)
    assert str(found).splitlines()[0] == sentence
    assert found.position == place
    assert str(found).splitlines()[-1] == " " * (place + 2) + "^"


@pytest.mark.parametrize("text", ["W in R^(2 x 3 x 4); L = 1", "W in R^2x3x4; L = 1", "W in R^(2x3x4); L = 1"])
def test_a_third_axis_is_refused(text: str) -> None:
    assert "a vector has one length, a matrix two" in str(refused(text))


@pytest.mark.parametrize(
    ("text", "condition", "position"),
    [
        ("a b c", "", -1),
        ("a = b", "one expression was expected, not an equation", 2),
        ("a; b", "one expression was expected, not several", 1),
        ("a\nb", "one expression was expected, not several", 1),
        ("a, b", "one expression was expected, not a list", 1),
        ("x_{k-1}", "a subscript was not expected here", 1),
        ("a)", ") closes nothing", 1),
    ],
)
def test_an_answer_is_one_expression(text: str, condition: str, position: int) -> None:
    if not condition:
        assert read(text)
        return
    with pytest.raises(NotationError) as raised:
        read_expression(text, KNOWN)
    assert raised.value.condition == condition
    assert raised.value.position == position


# bounds


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(", ")"), ("{", "}"), ("[", "]"), ("tanh(", ")"), ("x^{", "}"), ("e^{", "}"), ("√", ""), ("ln ", ""), ("⌊", "⌋"),
     (r"\frac{1}{", "}"), ("x[", "]"), ("1(0 < ", ")"), ("sum(k, 1, 2, ", ")"), ("max(1, ", ")")],
)  # fmt: skip
def test_nesting_has_a_bound_and_everything_below_it_is_read(opening: str, closing: str) -> None:
    deep = MAX_DEPTH - 1
    assert read_program(f"L = {opening * (deep // 2)}1{closing * (deep // 2)}").definitions
    for levels in (MAX_DEPTH + 1, 1_000, 5_000):
        found = refused(f"L = {opening * levels}1{closing * levels}")
        assert found.condition == f"nested more than {MAX_DEPTH} deep"
        assert found.fix == "give parts of it names of their own"


def test_the_bound_of_nesting_is_met_exactly() -> None:
    assert read_program("L = " + "(" * (MAX_DEPTH - 1) + "x" + ")" * (MAX_DEPTH - 1)).definitions
    assert refused("L = " + "(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH).position == 4 + MAX_DEPTH


@pytest.mark.parametrize("piece", ["2^", "x^-", "e^", "ln^", "x**"])
def test_a_tower_of_powers_has_a_bound(piece: str) -> None:
    found = refused("L = " + piece * 5_000 + "2")
    assert "deep" in found.condition or "factors" in found.condition


def test_factors_have_a_bound() -> None:
    assert read_program("L = " + "x " * MAX_FACTORS).definitions
    for text in ("x " * (MAX_FACTORS + 1), "*".join("x" * (MAX_FACTORS + 1)), "1" + "/x" * (MAX_FACTORS + 1)):
        assert refused(f"L = {text}").condition == f"more than {MAX_FACTORS} factors"
    assert read_program("L = " + " .* ".join("x" * (MAX_FACTORS + 1))).definitions
    assert refused("L = " + " .* ".join("x" * (MAX_FACTORS + 2))).condition == f"more than {MAX_FACTORS} factors"
    assert read_program("L = x" + "'" * (MAX_FACTORS - 1)).definitions
    for raised in ("'", "[1]", "² ", ".^a"):
        assert refused(f"L = x{raised * MAX_FACTORS}").condition == f"more than {MAX_FACTORS} factors"


def test_statements_have_a_bound() -> None:
    statements = [f"a{k} = {k}" for k in range(MAX_STATEMENTS + 1)]
    assert len(read_program("\n".join(statements[:-1])).definitions) == MAX_STATEMENTS
    found = refused("; ".join(statements))
    assert (found.condition, found.fix) == ("more than 2,000 statements", "split the program")
    assert found.text[found.position :] == statements[-1]


def test_characters_have_a_bound() -> None:
    assert read_program("a = 1" + " " * (MAX_PROGRAM - 5)).definitions
    found = refused("a = 1" + " " * (MAX_PROGRAM - 4))
    assert found.condition == "200,001 characters; at most 200,000 are read"


def test_operations_have_a_bound() -> None:
    line = "a = -x + " + " + ".join(["-x"] * 99)
    lines = [line.replace("a", f"a{k}", 1) for k in range(MAX_OPERATIONS // 100)]
    found = refused("\n".join(lines))
    assert found.condition == f"more than {MAX_OPERATIONS:,} operations"


def outcome(text: str) -> str:
    """Read a program; what is unusable must end in a message."""
    try:
        return str(len(read_program(text).definitions))
    except DlcalcError as problem:
        return str(problem)


HOSTILE = {
    "import": "L = __import__('os').system('true')",
    "bars": "L = " + "|" * 9_000,
    "double bars": "L = " + "‖" * 9_000,
    "signs": "L = " + "-" * 9_000 + "x",
    "commas": "L = max(" + "," * 5_000,
    "long list": "L = [" + "1," * 5_000 + "1]",
    "names": "a," * 5_000 + "a in R; L = 1",
    "long name": "a" * 9_000 + " = 1",
    "letters": "L = " + "mn" * 4_000 + "; m in R; n in R",
    "colons": "x" + ":" * 5_000,
    "half sums": "L = " + "Σ_{k=1}" * 3_000,
    "sets": "x in " + "{" * 5_000,
    "lengths": "x in R^" + "(" * 5_000,
    "hashes": "#" * 9_000,
    "semicolons": ";" * 9_000,
    "equal signs": "=" * 9_000,
    "NUL": "L = 1\x002",
    "surrogate": "L = \udc80",
    "tower": "L = 9^9^9^9",
    "terms": "L = " + "1+" * 20_000 + "1",
    "superscripts": "L = x" + "² " * 4_000,
    "primes": "L = f" + "'" * 4_000 + "(x)",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_ends_in_a_program_or_a_message(text: str) -> None:
    with not_hanging():
        assert outcome(text)


PIECES = [
    *"ab2αxW^*/+-()[]{}|‖√Σσ,.=<>'#²ₜ⁻ᵀ⌊⌋½ \\;:\n",
    "ln ",
    "sum(",
    "R",
    " in ",
    "onehot(",
    "1(",
    ".*",
    "x[",
    "e^",
    "f: R -> R",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_of_the_alphabet_ends_in_a_program_or_a_message(text: str) -> None:
    assert outcome(text)


@pytest.mark.parametrize(
    "piece", ["a = x + y\n", "a = x b; ", "x in R^n\n", "# c\n", "a = tanh(W x)\n", "a = [1, 2]; "]
)
def test_the_work_grows_no_faster_than_the_text(piece: str) -> None:
    short, long = (effort(lambda n=n: outcome(piece * n + "z = 1")) for n in (100, 800))
    assert long <= 9 * short + 1_000
