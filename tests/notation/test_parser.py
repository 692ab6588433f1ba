"""The parser: what a text means, what is refused and where, and that no text does harm."""

from __future__ import annotations

import ast
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from effort import effort, not_hanging
from hypothesis import given
from hypothesis import strategies as st
from trees import NAMES, SCOPE, agree, point, value

import dlcalc
from dlcalc.errors import DlcalcError, NotationError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import Call, Entry, Expr, Num, Sum, Sym, fold, height, names, substitute, walk
from dlcalc.notation.functions import FUNCTIONS, SPELLINGS, VECTOR_FUNCTIONS
from dlcalc.notation.parser import MAX_HEIGHT, MAX_SUMS, Scope, parse, parse_relation
from dlcalc.notation.printing import latex, plain, unicode
from dlcalc.symbolic import to_sympy

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAM = Scope(
    names=frozenset({*"lmnktxyzK", "alpha", "epsilon", "mu", "sigma2", "theta0", "W1", "y_hat"}),
    sequences=frozenset({"g", "v", "theta_tilde"}),
    aliases={"eps": Sym("epsilon"), "sigma": parse("sqrt(sigma2)")},
    closed=True,
    random=True,
)
AT = {"a": Fraction(3), "b": Fraction(5), "c": Fraction(7), "x": Fraction(2), "n": Fraction(4), "t": Fraction(3)}


def number(text: str) -> object:
    """Evaluate a text at fixed values of its letters."""
    return PLAIN.value(parse(text), AT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3*4", 14),
        ("2 - 3 - 4", -5),
        ("24/4/2", 3),
        ("24/4*2", 12),
        ("1/2x", 1),
        ("2^3^2", 512),
        ("-2^2", -4),
        ("(-2)^2", 4),
        ("2^-1", Fraction(1, 2)),
        ("2^-x", Fraction(1, 4)),
        ("x^2n", 16),
        ("x²ⁿ", 256),
        ("x^(2n)", 256),
        ("x²^n", 256),
        ("--x", 2),
        ("+-+x", -2),
        ("a - -b", 8),
        ("a*-b", -15),
        ("a/-b", Fraction(-3, 5)),
        ("2 x b", 20),
        ("2(a + b)c", 112),
        ("(a)(b)", 15),
        ("a(b)", 15),
        ("a [b + c]", 36),
        ("a[b + c]", 36),
        ("{a + b}c", 56),
        ("|−a| |b|", 15),
        ("|a||b|", 15),
        ("|a - |b - 9||", 1),
        ("‖a − c‖", 4),
        ("||a - c||_1 + ||b||_inf + ‖b‖∞ + ‖a‖₂ + ||a||_F + ‖a‖_{2}", 23),
        ("⌊b/x⌋ + ⌈b/x⌉", 5),
        ("√n + √(5 + n) + sqrt(n) + sqrt n", 9),
        ("√n a", 6),
        ("max(a, b, 4) + min(a, b)", 8),
        ("abs(a - b) + sign(a - b) + sgn(b)", 2),
        ("relu(a - b) + ReLU(b) + leaky_relu(a - b, 1/2) + prelu(-2, 1/4)", Fraction(7, 2)),
        ("mean(a, b, 1) + sum(b)", 8),
        ("norm(a, n)", 5),
        ("norm_1(a, -n) + norm_inf(a, -n)", 11),
        ("sum(k, 1, t, k^2)", 14),
        ("sum(k, 2, 1, k)", 0),
        ("Σ_{k=1}^{t} 2k + 1", 13),
        ("Σ_{k=1}^t 2k", 12),
        ("∑ₖ₌₁ᵗ k²", 14),
        (r"\sum_{k=1}^{t} k x^k", 34),
        ("sum(k, 1, 2, sum(j, 1, k, x^j))", 8),
        ("1(a > b) + 1(a < b) + [a ≤ 3] + I(a = 3)*10 + 100[a != b] + 1{x >= 2}", 113),
        (r"\frac{a + 1}{n} + \frac{1}{2}c", Fraction(9, 2)),
        ("½c + ¼", Fraction(15, 4)),
        ("ln(1) + exp(0) + cos 0 + sin(0) + tanh(0) + sigmoid(0) + softplus(0) - ln(2)", Fraction(5, 2)),
        ("1e-3 + .5 + 3. + 1.50", Fraction(5001, 1000)),
        ("0^0 + a^0", 2),
        ("4^(1/2) + (9/4)^(1/2)", Fraction(7, 2)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_text_has_the_value_that_it_has_on_paper(text: str, expected: int | Fraction) -> None:
    found = number(text)
    assert isinstance(found, float | Fraction | int)
    assert agree(found, expected)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2mn + ml", "2*m*n + m*l"),
        ("2mn + ml", "2 mn + m l"),
        ("mnl", "m*n*l"),
        ("m n²", "m*n^2"),
        ("ml²", "m*l^2"),
        ("kml²", "k*m*l^2"),
        ("−εμ(1+α+α²)", "-epsilon*mu*(1 + alpha + alpha^2)"),
        ("-eps mu (1 + alpha + alpha**2)", "-epsilon*mu*(1 + alpha + alpha^2)"),
        ("ε²σ²", "epsilon^2*sqrt(sigma2)^2"),
        ("εσ²", "epsilon*sqrt(sigma2)^2"),
        ("θ_0 − εμ/(1−α)[t − 1]", "theta0 - epsilon*mu/(1 - alpha)*(t - 1)"),
        ("W₁ W_1 W_{1} W1", "W1*W1*W1*W1"),
        ("xŷ", "x*y_hat"),
        ("ŷx²", "y_hat*x^2"),
        (r"\hat{y} \cdot x", "y_hat*x"),
        ("α^{t-k}", "alpha^(t - k)"),
        ("αᵗ⁻ᵏ", "alpha^(t - k)"),
        ("α^t x", "alpha^t*x"),
        ("g_3 + g3 + g₃ + g[3] + g_{3}", "g[3] + g[3] + g[3] + g[3] + g[3]"),
        ("g_t + gₜ + g_{t} + g[t]", "g[t] + g[t] + g[t] + g[t]"),
        ("v_{t-1} + vₜ₋₁", "v[t - 1] + v[t - 1]"),
        ("αg_t", "alpha*g[t]"),
        ("αg_{t-1}", "alpha*g[t - 1]"),
        ("αg[2]²", "alpha*g[2]^2"),
        ("θ̃_t + theta_tilde_t + \\tilde{\\theta}_{t}", "theta_tilde[t] + theta_tilde[t] + theta_tilde[t]"),
        ("g_α + g_alpha", "g[alpha] + g[alpha]"),
        ("g_m²", "g[m]^2"),
        ("sum(j, 1, t, αj)", "sum(j, 1, t, alpha*j)"),
        ("sum(j, 1, t, αʲ)", "sum(j, 1, t, alpha^j)"),
        ("sum(t, 1, 3, g_t)", "sum(t, 1, 3, g[t])"),
        ("E(g_1) + E g_1 + E[g_1] + 𝔼(g_1)", "E(g[1]) + E(g[1]) + E(g[1]) + E(g[1])"),
        ("αE(g_1)", "alpha*E(g[1])"),
        ("-ε(E g_3 + α E g_2)", "-epsilon*(E(g[3]) + alpha*E(g[2]))"),
        ("Var(g_1) ε²", "Var(g[1])*epsilon^2"),
        ("ln n / 2", "ln(n)/2"),
        ("ln²(n) + ln(n)^2 + ln^2 n", "ln(n)^2 + ln(n)^2 + ln(n)^2"),
        ("1 − tanh²(x) m", "1 - tanh(x)^2*m"),
        ("log(n)", "ln(n)"),
        ("LSE(x, y)", "logsumexp(x, y)"),
        ("max(g)", "max(g)"),
        ("(m\n + n)\n", "m + n"),
        ("m + n # as on paper", "m + n"),
        ("K²mn", "K^2*m*n"),
    ],
    ids=lambda value: value,
)
def test_spellings_of_one_expression_are_equal(text: str, same: str) -> None:
    assert parse(text, EXAM) == parse(same, EXAM)


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("lambda + beta + gamma + S + N + E + I + Q + zeta", {*"SNEIQ", "lambda", "beta", "gamma", "zeta"}),
        ("e^x + pi", {"e", "x", "pi"}),
        ("num_filters C_in", {"num_filters", "C_in"}),
        ("mn", {"mn"}),
        ("εμ", {"epsilon", "mu"}),
        ("εlr", {"epsilon", "lr"}),
        ("αx", {"alpha", "x"}),
        ("σ_x", {"sigma_x"}),
        ("Δx + δz", {"Deltax", "deltaz"}),
        ("σ2 + σ", {"sigma2", "sigma"}),
        ("f(x)", {"f", "x"}),
        ("mu(1 + alpha)", {"mu", "alpha"}),
        ("C_in(k + 1)", {"C_in", "k"}),
        ("I(a)", {"I", "a"}),
        ("sum(k, 1, t, a^k)", {"t", "a"}),
        ("sum(k, 1, k, k)", {"k"}),
    ],
    ids=lambda part: part if isinstance(part, str) else "free",
)
def test_in_an_option_any_name_is_a_new_symbol(text: str, free: set[str]) -> None:
    assert names(parse(text)) == free


def test_a_known_name_means_what_it_is_known_as() -> None:
    """A known name wins over a function, a product of letters and an entry."""
    scope = Scope(frozenset({"sigma", "ln", "mn", "m", "n", "g0", "E"}), frozenset({"g"}), closed=True, random=True)
    assert parse("σ(m)", scope) == parse("sigma*m", scope)
    assert parse("ln n", scope) == Sym("ln") * Sym("n")
    assert parse("mn", scope) == Sym("mn")
    assert parse("g_0", scope) == Sym("g0")
    assert parse("E(m)", scope) == Sym("E") * Sym("m")
    assert parse("σ(x)") == Call("sigmoid", (Sym("x"),))


def test_a_name_that_is_a_symbol_and_a_family_is_told_apart_by_its_index() -> None:
    scope = Scope(frozenset({"theta", "t"}), frozenset({"theta"}), closed=True)
    assert parse("theta + θ_t + θ[t]", scope) == Sym("theta") + Entry("theta", Sym("t")) + Entry("theta", Sym("t"))


@pytest.mark.parametrize("name", sorted(SPELLINGS))
def test_every_function_of_the_table_can_be_written(name: str) -> None:
    row = FUNCTIONS[SPELLINGS[name]]
    arguments = ", ".join("xyz"[: row.least])
    assert parse(f"{name}({arguments})", Scope(random=True)) == Call(row.name, tuple(map(Sym, "xyz"[: row.least])))


def test_a_given_expression_may_stand_for_a_name() -> None:
    scope = Scope(frozenset({"a"}), aliases={"b": parse("a + 1")}, closed=True)
    assert plain(parse("2b^2", scope)) == "2*(a + 1)^2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "2*(3 + x",
            """\
( is never closed; add )
  2*(3 + x
    ^""",
        ),
        (
            "2) + 1",
            """\
) closes nothing; remove it or open it with (
  2) + 1
   ^""",
        ),
        (
            "[1)",
            """\
] was expected, not ')'
  [1)
    ^""",
        ),
        (
            "||x| + 1|",
            """\
|| is never closed; add ||, or write abs(…) for bars within bars
  ||x| + 1|
  ^""",
        ),
        (
            "3 + ⌊x",
            """\
⌊ is never closed; add ⌋
  3 + ⌊x
      ^""",
        ),
        (
            "x⌋",
            """\
⌋ closes nothing; remove it
  x⌋
   ^""",
        ),
        (
            "",
            """\
an expression was expected here, not the end
  \n  ^""",
        ),
        (
            "max(1,",
            """\
an expression was expected here, not the end
  max(1,
        ^""",
        ),
        (
            "2 + * 3",
            """\
a number, a name or a parenthesis was expected, not '*'
  2 + * 3
      ^""",
        ),
        (
            "()",
            """\
a number, a name or a parenthesis was expected, not ')'
  ()
   ^""",
        ),
        (
            "²",
            """\
a number, a name or a parenthesis was expected, not '2'
  ²
  ^""",
        ),
        (
            "n 2",
            """\
an operator was expected before this number; write * between factors
  n 2
    ^""",
        ),
        (
            "n = 2",
            """\
one expression was expected, not an equation; leave one side out
  n = 2
    ^""",
        ),
        (
            "m, n",
            """\
one expression was expected, not a list; leave the comma out
  m, n
   ^""",
        ),
        (
            "m; n",
            """\
one expression was expected, not several; ask for one at a time
  m; n
   ^""",
        ),
        (
            "m\nn",
            """\
one expression was expected, not several; ask for one at a time
  m n
   ^""",
        ),
        (
            "(m < n)",
            """\
) was expected, not '<'; a comparison is no number; write 1(z > 0) for its indicator
  (m < n)
     ^""",
        ),
        (
            "m : n",
            """\
an operator was expected before ':'
  m : n
    ^""",
        ),
        (
            "(m)_2",
            """\
a subscript was not expected here; only a name has one
  (m)_2
     ^""",
        ),
        (
            "1/(1 - 1)",
            """\
division by zero; give a denominator that is not 0
  1/(1 - 1)
   ^""",
        ),
        (
            r"2\frac{1}{0}",
            r"""division by zero; give a denominator that is not 0
  2\frac{1}{0}
   ^""",
        ),
        (
            r"\frac12",
            r"""a fraction is written \frac{a}{b}
  \frac12
  ^""",
        ),
        (
            r"\sqrt[3]{x}",
            r"""only square roots are written so; write ^(1/3) for a third root
  \sqrt[3]{x}
  ^""",
        ),
        (
            "3·0^-1",
            """\
division by zero in 0^(-1); give a base that is not 0
  3·0^-1
     ^""",
        ),
        (
            "2^99999",
            """\
this power has about 59,999 digits; at most 3,900 are computed; use a smaller exponent or a symbol
  2^99999
   ^""",
        ),
        (
            "2^10^300",
            """\
this power has far too many digits; at most 3,900 are computed; use a smaller exponent or a symbol
  2^10^300
   ^""",
        ),
        (
            "1 + 9^999·9^999·9^999·9^999·9^999",
            """\
the value has more than 3,900 digits; use a symbol
  1 + 9^999·9^999·9^999·9^999·9^999
      ^""",
        ),
        (
            "x²⁺",
            """\
an expression was expected here, not the end
  x²⁺
     ^""",
        ),
        (
            "xᵀ",
            """\
a transpose has no meaning for a number; write ^T for the power T
  xᵀ
   ^""",
        ),
        (
            "ln n m",
            """\
does ln apply to this too?; write parentheses: ln(…)
  ln n m
       ^""",
        ),
        (
            "2 + ln",
            """\
ln is a function; write ln(…)
  2 + ln
      ^""",
        ),
        (
            "tanh^-1(x)",
            """\
this power of tanh can mean two things; write (tanh(x))^…
  tanh^-1(x)
  ^""",
        ),
        (
            "sqrt(1, 2)",
            """\
sqrt takes one argument, not 2
  sqrt(1, 2)
      ^""",
        ),
        (
            "leaky_relu(x)",
            """\
leaky_relu takes 2 arguments, not 1
  leaky_relu(x)
            ^""",
        ),
        (
            "sigmod(x)",
            """\
sigmod is not a function; did you mean sigmoid?
  sigmod(x)
  ^""",
        ),
        (
            "2 frobenius(x)",
            """\
frobenius is not a function; write * between factors
  2 frobenius(x)
    ^""",
        ),
        (
            "softmax(x)",
            """\
softmax is a function of vectors and matrices; use numbers and symbols here
  softmax(x)
  ^""",
        ),
        (
            "Var(x)",
            """\
Var needs random variables; there are none in this question
  Var(x)
  ^""",
        ),
        (
            "x[2] + 1",
            """\
x has no entries here; write * between factors
  x[2] + 1
   ^""",
        ),
        (
            "x_{t-1}",
            """\
x has no entries here; write a subscript of one letter or number
  x_{t-1}
   ^""",
        ),
        (
            "||x||_3",
            """\
a norm has the subscript 1, 2, F or inf
  ||x||_3
        ^""",
        ),
        (
            "Σ_k x",
            """\
a sum is written sum(k, 1, t, body) or Σ_{k=1}^{t} body
  Σ_k x
  ^""",
        ),
        (
            "sum(k, 1, t)",
            """\
a sum is written sum(k, 1, t, body) or Σ_{k=1}^{t} body
  sum(k, 1, t)
             ^""",
        ),
        (
            "sum(k, 1/2, t, k)",
            """\
the bounds of a sum are whole numbers
  sum(k, 1/2, t, k)
      ^""",
        ),
        (
            "1 + ∞",
            """\
infinity is not a number here; give a finite number or a symbol
  1 + ∞
      ^""",
        ),
        (
            "(" * 61 + "x" + ")" * 61,
            f"""\
nested more than 60 deep; split the expression
  …{"(" * 30}{"(x" + ")" * 28}…
  {" " * 31}^""",
        ),
    ],
    ids=lambda value: value.splitlines()[0][:30] if value else "empty",
)
def test_an_error_says_what_is_wrong_where_and_what_mends_it(text: str, message: str) -> None:
    with pytest.raises(NotationError) as raised:
        parse(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        (
            "2 q",
            "q is not a name in this question; known here: K, W1, alpha, eps, epsilon, g, k, l, m, mu, n, sigma, …",
            2,
        ),
        ("alhpa", "alhpa is not a name in this question; did you mean alpha?", 0),
        ("mβn", "β is not a name in this question; did you mean eps?", 1),
        ("mqn", "mqn is not a name in this question", 0),
        ("3 e^x", "e is not a name in this question; write exp(x) for e^x", 2),
        ("eˣ", "e is not a name in this question; write exp(x) for e^x", 0),
        ("g_q", "q is not a name in this question; did you mean eq?", 0),
        ("1 + 2g", "g is a list here; write g[k] for one entry", 5),
        ("max(2g)", "g is a list here; write g[k] for one entry", 5),
        ("E(g)", "g is a list here; write g[k] for one entry", 2),
        ("g[1, 2]", "an entry of g has one index; leave the others out", 3),
        ("tr(m)", "tr is not a name in this question; it is a function of vectors and matrices", 0),
        ("x/ml", "does / apply to l too?; write parentheses", 3),
        ("x^ml", "does ^ apply to l too?; write parentheses", 3),
        ("√ml", "does √ apply to l too?; write parentheses", 2),
        ("ln ml", "does ln apply to this too?; write parentheses: ln(…)", 4),
        ("E g_1 g_2", "does E apply to this too?; write parentheses: E(…)", 6),
        ("αᵠ", "φ is not a name in this question", 1),
    ],
)
def test_a_question_knows_its_names(text: str, message: str, place: int) -> None:
    with pytest.raises(NotationError) as raised:
        parse(text, EXAM)
    condition = message.partition("; ")[0]
    assert raised.value.condition == condition
    assert raised.value.position == place
    if "did you mean" not in message:
        assert str(raised.value).startswith(message)


def test_without_random_variables_there_is_no_expectation() -> None:
    with pytest.raises(NotationError, match="E needs random variables; there are none in this question"):
        parse("E(x)", Scope(frozenset({"x"}), closed=True))


@pytest.mark.parametrize("name", sorted(VECTOR_FUNCTIONS))
def test_a_function_of_vectors_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotationError, match="function of vectors and matrices"):
        parse(f"{name}(x)")


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("W @ x", "a matrix product"),
        ("a .* b", "an element-wise product"),
        ("a ⊙ b", "an element-wise product"),
        ("a ∘ b", "an element-wise product"),
        ("a ./ b", "an element-wise quotient"),
        ("a .^ b", "an element-wise power"),
        ("x'", "a transpose"),
        ("(x')", "a transpose"),
        ("x.T", "a transpose"),
        ("x^⊤", "a transpose"),
        (r"x^\top", "a transpose"),
    ],
)
def test_matrix_operators_have_no_meaning_between_numbers(text: str, operator: str) -> None:
    with pytest.raises(NotationError, match=f"{operator} has no meaning between numbers; use \\* and \\^"):
        parse(text)


def test_a_power_named_t_is_no_transpose() -> None:
    assert parse("(1 - p)^T") == (1 - Sym("p")) ** Sym("T")


# relations


@pytest.mark.parametrize("relation", ["=", "!=", "<", "<=", ">", ">="])
def test_a_relation_has_two_sides(relation: str) -> None:
    found = parse_relation(f"2x {relation} y + 1")
    assert (plain(found.left), found.relation, plain(found.right)) == ("2*x", relation, "y + 1")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("x", "a relation (=, <, <=, …) was expected here"),
        ("x <", "an expression was expected here, not the end"),
        ("0 < x < 1", "one expression was expected, not an equation"),
    ],
)
def test_half_a_relation_is_refused(text: str, condition: str) -> None:
    with pytest.raises(NotationError) as raised:
        parse_relation(text)
    assert raised.value.condition == condition


# hostile input

HOSTILE = {
    "import": "__import__('os').system('echo harm > /tmp/harm')",
    "class": "().__class__.__bases__[0].__subclasses__()",
    "lambda": "(lambda: 1)()",
    "tower": "9**9**9",
    "higher tower": "9^9^9^9",
    "exponent": "1e999999",
    "small exponent": "1e-4000",
    "parentheses": "(" * 5000,
    "brackets": "[" * 5000,
    "closing": ")" * 5000,
    "minus": "-" * 9000,
    "minus x": "-" * 9000 + "x",
    "plus minus": "+-" * 4990 + "x",
    "roots": "√" * 9000,
    "roots of 2": "√" * 9000 + "2",
    "powers": "2^" * 4990 + "2",
    "superscripts": "x" + "² " * 4000,
    "bars": "|" * 9000,
    "double bars": "‖" * 9000,
    "functions": "ln(" * 3000,
    "prefixes": "ln " * 3000 + "x",
    "sums": "sum(k,1,9," * 50 + "k" + ")" * 50,
    "sums of sums": "+".join(["sum(k,1,9999,k)"] * 30),
    "long sum": "sum(k, 1, 10^9, k)",
    "product of sums": "sum(i, 1, 9999, sum(j, 1, 9999, i*j))",
    "100 kB": "a+" * 50_000 + "a",
    "10 kB of terms": "a+" * 4_999 + "a",
    "10 kB of factors": "a*" * 4_999 + "a",
    "10 kB of quotients": "1" + "/x" * 4_000,
    "10 kB of letters": "α" * 9_000,
    "10 kB name": "a" * 9_000,
    "10 kB of words": "mn" * 4_500,
    "product of powers": "9^999*" * 1_600 + "9",
    "product of large powers": "9^4000*" * 1_400 + "9",
    "sum of powers": "9^999+" * 1_600 + "9",
    "coprime fractions": "+".join(f"1/{n}" for n in range(10_007, 11_250)),
    "coprime products": "*".join(f"({n}/{n + 2})" for n in range(10_007, 10_700, 2)),
    "quotient of long numbers": "1" * 3_000 + "/" + "7" * 3_000,
    "nested powers": "(" * 50 + "x" + "^999)" * 50,
    "nested quotients": "(1+2*x/" * 55 + "x" + ")^2" * 55,
    "floor of a long number": "floor(10^3000/7)",
    "NUL": "1\x002",
    "escape": "\x1b[31m1",
    "surrogate": "x\udc80",
    "emoji": "2 🙂 3",
    "right to left": "\u202e1+2",
    "half an expression": "max(",
    "0^0": "0^0",
    "0^-1": "0^-1",
    "third root": "(-8)^(1/3)",
    "ln(-1)": "ln(-1)",
    "ln 0": "ln 0",
    "factorial": "5!",
    "huge argument": "exp(exp(exp(9)))",
    "huge exponent": "x^999999999999",
    "tiny base": "(1/2)^(10^300)",
    "product of tiny powers": "0.9^9999*" * 1_100 + "x",
    "hashes": "#" * 9_000,
    "only operators": "*/^" * 3_000,
    "commas": "max(" + "," * 5_000,
    "many arguments": "max(" + "1," * 4_000 + "1)",
    "subscripts": "x" + "₁" * 5_000,
    "underscores": "x" + "_" * 5_000,
    "backslashes": "\\" * 5_000,
    "LaTeX": "\\frac{" * 1_500,
}


def outcome(text: str, scope: Scope) -> str:
    """Parse, print and compute a text; what is unusable must end in a message."""
    try:
        parsed = parse(text, scope)
    except DlcalcError as problem:
        return str(problem)
    approximate(parsed)
    value(parsed, defaultdict(lambda: Fraction(3), AT))
    return plain(parsed) + unicode(parsed) + latex(parsed)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("scope", [Scope(), EXAM, SCOPE], ids=["open", "exam", "closed"])
def test_hostile_text_ends_in_a_value_or_a_message(text: str, scope: Scope) -> None:
    with not_hanging():
        assert outcome(text, scope)
    assert not Path("/tmp/harm").exists()  # noqa: S108 (where the text would leave its mark)


@given(st.text(alphabet="ab2αx_^*/+-()[]{}|‖√Σσ,.=<>'#²ₜ⁻⌊⌋½ \\lnsumE1", max_size=40))
def test_any_text_of_the_alphabet_ends_in_a_value_or_a_message(text: str) -> None:
    assert outcome(text, EXAM)


@pytest.mark.parametrize("piece", ["a+", "a*", "2a/", "α", "-", "1+", "√2+", "max(a,b)+", "|a|+", "αx+", "sin a+"])
def test_the_work_grows_no_faster_than_the_text(piece: str) -> None:
    short, long = (effort(lambda n=n: outcome(piece * (n // len(piece)) + "x", Scope())) for n in (500, 4_000))
    assert long <= 9 * short + 1_000


def tallest(levels: int) -> str:
    """Nest powers: each adds three levels to the expression and one parenthesis to the text."""
    return "(1 + x*" * levels + "x" + ")^2" * levels


def test_the_tallest_expression_is_within_reach_of_every_walk() -> None:
    levels = (MAX_HEIGHT - 1) // 3
    tall = parse(tallest(levels))
    assert MAX_HEIGHT - 3 < height(tall) <= MAX_HEIGHT
    assert parse(plain(tall)) == tall
    assert parse(unicode(tall)) == tall
    assert latex(tall)
    assert fold(tall) == tall
    assert substitute(tall, {"x": Sym("y")}) != tall
    assert names(tall) == {"x"}
    assert sum(1 for _ in walk(tall)) > levels
    assert PLAIN.value(tall, {"x": Fraction(0)}) == 1
    assert to_sympy(tall) is not None
    with pytest.raises(NotationError, match=f"nested more than {MAX_HEIGHT} levels deep"):
        parse(tallest(levels + 1))


def test_sums_are_counted() -> None:
    assert isinstance(parse("+".join(["sum(k,1,t,k)"] * MAX_SUMS)), Expr)
    with pytest.raises(NotationError, match=f"more than {MAX_SUMS} sums in one expression"):
        parse("+".join(["sum(k,1,t,k)"] * (MAX_SUMS + 1)))


# invariant 1: no user text is executed

FORBIDDEN = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr", "parse_latex", "lambdify", "S"}
HARMLESS = {("re", "compile")}


def executed(source: str) -> Iterator[str]:
    """Find the calls in a source text that could execute a string."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in FORBIDDEN:
            yield called.id
        if isinstance(called, ast.Attribute) and called.attr in FORBIDDEN:
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            if (owner, called.attr) not in HARMLESS:
                yield called.attr


SOURCES = sorted(Path(dlcalc.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_source_executes_text(source: Path) -> None:
    assert list(executed(source.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "call",
    [
        "eval(text)",
        "exec(text)",
        "compile(text, '', 'eval')",
        "sympify(text)",
        "sp.sympify(text)",
        "sp.S(text)",
        "parse_expr(text)",
        "sympy.parsing.sympy_parser.parse_expr(text)",
        "parse_latex(text)",
        "sp.lambdify(x, text)",
        "builtins.eval(text)",
        "[eval(t) for t in texts]",
    ],
)
def test_the_scan_finds_what_it_looks_for(call: str) -> None:
    assert list(executed(f"def f(text):\n    return {call}\n"))


def test_the_scan_reads_the_whole_package() -> None:
    assert {"parser", "symbolic", "numeric", "marking", "cli"} <= {path.stem for path in SOURCES}


# a last look at nodes


def test_exact_numbers_are_folded_and_nothing_else() -> None:
    assert parse("(7·7·3 + 1)·16") == Num(Fraction(2368))
    assert parse("x + x") == parse("x + x")
    assert plain(parse("x + x")) == "x + x"
    assert parse("sum(k, 1, 3, k)") == Sum("k", Num(Fraction(1)), Num(Fraction(3)), Sym("k"))


@given(st.integers(0, 10_000))
def test_spacing_means_nothing(seed: int) -> None:
    text = "2*alpha^( t-1 )/(mu +lambda)-max( l,n )*|x|"
    at = point(seed)
    spaced, tight = (value(parse(t, SCOPE), at) for t in (text.replace("*", " * "), text.replace(" ", "")))
    assert spaced == tight
    assert names(parse(text, SCOPE)) <= set(NAMES)


@pytest.mark.parametrize("typed", ["sum_{k=1}^t alpha^(t-k)", "sum_{k=1}^{t} alpha^(t - k)", "sum_(k=1)^t alpha^(t-k)"])
def test_sum_with_bounds_below_and_above_is_a_sigma(typed: str) -> None:
    assert parse(typed, EXAM) == parse("Σ_{k=1}^{t} alpha^(t - k)", EXAM)
    assert parse("2 sum(k, 1, t, k)", EXAM) == parse("2 sum_{k=1}^t k", EXAM)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("log2(n)", "ln(n)/ln(2)"),
        ("log_10(n + 1)", "ln(n + 1)/ln(10)"),
        ("3 log2 n", "3 (ln(n)/ln(2))"),
        ("log2(n)^2", "(ln(n)/ln(2))^2"),
    ],
)
def test_logarithms_of_base_2_and_10(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2 e^-n", "2 exp(-n)"),
        ("e^n^2", "exp(n^2)"),
        ("e^-n^2", "exp(-n^2)"),
        ("n eⁿ", "n exp(n)"),
        ("e^{2n}", "exp(2n)"),
    ],
)
def test_powers_of_eulers_number(text: str, same: str) -> None:
    assert parse(text, Scope(names=frozenset("n"), closed=True, euler=True)) == parse(same)
    assert parse("e^n", Scope(names=frozenset("ne"), euler=True)) == parse("e^n")
