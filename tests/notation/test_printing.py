"""Printing: plain and unicode text read back to the same value; the golden table says how everything looks."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trees import NAMES, RANDOM_SCOPE, SCOPE, agree, expressions, points, value

from dlcalc.errors import DlcalcError
from dlcalc.givens import read_values
from dlcalc.notation.expression import Add, Call, Div, Entry, Expr, Mul, Num, Pow, Sum, Sym, number
from dlcalc.notation.parser import Scope, parse, parse_relation
from dlcalc.notation.printing import Value, decimal, latex, plain, relation, unicode
from dlcalc.notation.tokens import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

GOLDEN = [
    line.split("\t")
    for line in (Path(__file__).parents[1] / "data" / "notation.tsv").read_text(encoding="utf-8").splitlines()
]
EXAM = Scope(
    names=frozenset({*"abcdeklmnpqstwxyzKPSFND", "alpha", "beta", "epsilon", "mu", "sigma", "sigma2", "theta"})
    | {"theta0", "W1", "y_hat", "C_in", "C_out"},
    sequences=frozenset({"g", "v", "theta_tilde"}),
    aliases={"eps": Sym("epsilon")},
    closed=True,
    random=True,
)
A, B, C, K, N, X = map(Sym, "abcknx")
few = settings(max_examples=40)


@pytest.mark.parametrize(("typed", "in_ascii", "on_paper", "in_latex"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_the_golden_table(typed: str, in_ascii: str, on_paper: str, in_latex: str) -> None:
    parsed = parse(typed, EXAM)
    assert (plain(parsed), unicode(parsed), latex(parsed)) == (in_ascii, on_paper, in_latex)


@pytest.mark.parametrize(("typed", "in_ascii", "on_paper"), [row[:3] for row in GOLDEN], ids=[r[0] for r in GOLDEN])
def test_the_golden_table_reads_back(typed: str, in_ascii: str, on_paper: str) -> None:
    parsed = parse(typed, EXAM)
    assert parse(in_ascii, EXAM) == parsed
    assert parse(on_paper, EXAM) == parsed


# what is shown is what is checked


@few
@given(expressions(), points)
def test_plain_text_has_the_value_of_the_expression(node: Expr, at: Mapping[str, object]) -> None:
    expected = value(node, at)
    assume(expected is not None)
    found = value(parse(plain(node), SCOPE), at)
    assert found is not None
    assert agree(found, expected)


@few
@given(expressions(), points)
def test_unicode_text_has_the_value_of_the_expression(node: Expr, at: Mapping[str, object]) -> None:
    expected = value(node, at)
    assume(expected is not None)
    found = value(parse(unicode(node, known=NAMES), SCOPE), at)
    assert found is not None
    assert agree(found, expected)


@few
@given(expressions(random=True), points)
def test_unicode_text_of_random_variables_too(node: Expr, at: Mapping[str, object]) -> None:
    expected = value(node, at)
    assume(expected is not None)
    found = value(parse(unicode(node, known=NAMES), RANDOM_SCOPE), at)
    assert found is not None
    assert agree(found, expected)


@few
@given(expressions(), points)
def test_reading_and_printing_settle_at_once(node: Expr, at: Mapping[str, object]) -> None:
    assume(value(node, at) is not None)
    parsed = parse(plain(node), SCOPE)
    assert parse(plain(parsed), SCOPE) == parsed
    assert parse(unicode(parsed, known=NAMES), SCOPE) == parsed


@few
@given(expressions())
def test_latex_is_balanced(node: Expr) -> None:
    written = latex(node)
    assert written.count("{") == written.count("}")
    assert written.count(r"\left") == written.count(r"\right")
    assert not re.search(r"[α-ωΑ-Ω²³√Σ]", written)


# letters side by side


@pytest.mark.parametrize(
    ("letters", "written"),
    [
        ("mn", "mn"),
        ("ln", "l n"),
        ("mu", "m u"),
        ("pi", "p i"),
        ("abs", "ab s"),
        ("max", "ma x"),
        ("xmax", "xmax"),
        ("lnx", "l nx"),
        ("exp", "ex p"),
        ("tr", "t r"),
        ("in", "i n"),
        ("inf", "i nf"),
        ("sum", "su m"),
        ("lse", "ls e"),
    ],
)
def test_letters_side_by_side_spell_no_word(letters: str, written: str) -> None:
    product = Mul(tuple(map(Sym, letters)))
    scope = Scope(frozenset(letters), closed=True)
    assert unicode(product) == written
    assert parse(written, scope) == product


def test_letters_side_by_side_spell_no_other_name() -> None:
    product = Mul((Sym("m"), N, X))
    assert unicode(product, known={"mn"}) == "m nx"
    assert unicode(product, known={"mnx"}) == "mn x"
    assert unicode(Add((product, Sym("mn")))) == "m nx + mn"
    assert unicode(Mul((Sym("g"), Sym("t"))), known={"gt"}) == "g t"


@pytest.mark.parametrize(
    ("factors", "written"),
    [
        ((number(2), X), "2x"),
        ((X, number(2)), "x·2"),
        ((number(2), number(3)), "2·3"),
        ((number(2), Sym("e"), number(3)), "2e·3"),
        ((number(2), Sym("e5")), "2e_5"),
        ((number(2), Sym("e5x")), "2·e5x"),
        ((number(Fraction(1, 3)), X), "(1/3)x"),
        ((number(Fraction(1, 2)), X), "0.5x"),
        ((number(-1), X), "-x"),
        ((number(-2), number(3), X), "-2·3x"),
        ((X, number(-2)), "x·(-2)"),
        ((X, X), "x·x"),
        ((X, Add((A, B))), "x(a + b)"),
        ((Sym("W1"), Add((A, B))), "W_1 (a + b)"),
        ((Pow(X, N), Add((A, B))), "x^n (a + b)"),
        ((Pow(X, number(2)), Add((A, B))), "x²(a + b)"),
        ((Add((A, B)), Add((A, C))), "(a + b)(a + c)"),
        ((Add((A, B)), X), "(a + b) x"),
        ((Div(A, B), X), "a/b·x"),
        ((X, Div(A, B)), "x(a/b)"),
        ((Entry("g", number(1)), Add((A, B))), "g_1 (a + b)"),
        ((X, Call("abs", (A,))), "x·|a|"),
        ((number(2), Call("sqrt", (X,)), Call("sqrt", (A,))), "2√x √a"),
        ((X, Call("1 >", (A, B))), "x [a > b]"),
        ((X, Sum("k", number(1), N, Sym("k"))), "x Σ_{k=1}^{n} k"),
        ((Sum("k", number(1), N, Sym("k")), X), "(Σ_{k=1}^{n} k) x"),
        ((X, Mul((A, B))), "x(ab)"),
        ((Sym("y_hat"), X), "ŷx"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stands_between_factors(factors: tuple[Expr, ...], written: str) -> None:
    assert unicode(Mul(factors)) == written


@pytest.mark.parametrize(
    ("node", "in_ascii", "on_paper"),
    [
        (Pow(number(-2), number(2)), "(-2)^2", "(-2)^2"),
        (Pow(number(Fraction(1, 3)), number(2)), "(1/3)^2", "(1/3)^2"),
        (Pow(number(2), number(-1)), "2^(-1)", "2^(-1)"),
        (Pow(X, number(-1)), "x^(-1)", "x⁻¹"),
        (Pow(X, number(Fraction(1, 2))), "x^0.5", "x^0.5"),
        (Pow(X, number(Fraction(1, 3))), "x^(1/3)", "x^(1/3)"),
        (Pow(Pow(X, number(2)), number(3)), "(x^2)^3", "(x²)³"),
        (Pow(X, Pow(N, number(2))), "x^(n^2)", "x^(n²)"),
        (Pow(Sym("y_hat"), number(2)), "y_hat^2", "ŷ²"),
        (Pow(Call("sqrt", (X,)), number(2)), "sqrt(x)^2", "(√x)²"),
        (Call("sqrt", (Pow(X, number(2)),)), "sqrt(x^2)", "√(x²)"),
        (Pow(Call("1 >", (A, B)), N), "[a > b]^n", "[a > b]^n"),
        (Div(A, Div(B, C)), "a/(b/c)", "a/(b/c)"),
        (Div(Div(A, B), C), "a/b/c", "a/b/c"),
        (Div(A, Mul((B, C))), "a/(b*c)", "a/(bc)"),
        (Div(A, number(-2)), "a/(-2)", "a/(-2)"),
        (Div(number(-1), X), "-1/x", "-1/x"),
        (Pow(Div(number(-1), X), number(2)), "(-1/x)^2", "(-1/x)²"),
        (Div(Add((A, B)), C), "(a + b)/c", "(a + b)/c"),
        (Div(Sum("k", number(1), N, Sym("k")), N), "sum(k, 1, n, k)/n", "(Σ_{k=1}^{n} k)/n"),
        (Add((A, Mul((number(-1), Add((B, C)))))), "a - (b + c)", "a - (b + c)"),
        (Add((A, Add((B, number(-3))))), "a + (b - 3)", "a + (b - 3)"),
        (Add((number(-1), Div(number(-1), X))), "-1 - 1/x", "-1 - 1/x"),
        (Div(Mul((A, Sum("k", number(1), N, K))), K), "a*sum(k, 1, n, k)/k", "(a Σ_{k=1}^{n} k)/k"),
        (Mul((Mul((A, Sum("k", number(1), N, K))), K)), "a*sum(k, 1, n, k)*k", "(a Σ_{k=1}^{n} k) k"),
        (Add((Sum("k", number(1), N, Sym("k")), A)), "sum(k, 1, n, k) + a", "Σ_{k=1}^{n} k + a"),
        (Sum("k", number(1), N, Add((Sym("k"), A))), "sum(k, 1, n, k + a)", "Σ_{k=1}^{n} (k + a)"),
        (Call("abs", (Add((Call("abs", (X,)), A)),)), "abs(abs(x) + a)", "abs(|x| + a)"),
        (Call("norm", (Call("abs", (X,)),)), "norm(abs(x))", "‖|x|‖"),
        (Call("norm", (X, A)), "norm(x, a)", "norm(x, a)"),
        (Call("norm_1", (X, A)), "norm_1(x, a)", "norm_1(x, a)"),
        (Entry("g", Add((Mul((number(2), Sym("e"))), number(-3)))), "g[2*e - 3]", "g_{2e - 3}"),
        (Entry("g", Add((Sym("t"), number(-1)))), "g[t - 1]", "g_{t-1}"),
        (Entry("g", number(Fraction(1, 2))), "g[0.5]", "g_{0.5}"),
        (Entry("v1", number(3)), "v1[3]", "v_1[3]"),
        (Entry("theta_tilde", number(3)), "theta_tilde[3]", "θ̃_3"),
        (Entry("theta_tilde", Sym("tau")), "theta_tilde[tau]", "θ̃_τ"),
        (Sym("delta_a1"), "delta_a1", "δ_a1"),
        (Sym("x_bar2"), "x_bar2", "x̄_2"),
        (Sym("loss_hat"), "loss_hat", "loss_hat"),
        (Sym("num_filters"), "num_filters", "num_filters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parentheses_stand_where_they_are_needed(node: Expr, in_ascii: str, on_paper: str) -> None:
    assert (plain(node), unicode(node)) == (in_ascii, on_paper)


@given(st.from_regex(r"\A[A-Za-z]{1,8}(_hat|_bar|_tilde)?[0-9]{0,2}(_[a-z0-9]{1,3})?\Z"))
def test_a_printed_name_is_the_name(text: str) -> None:
    name = spelled(text)
    assert spelled(unicode(Sym(name))) == name


# names with a form of their own


def test_a_displayed_power_binds_like_one() -> None:
    shown = {"sigma2": "σ²"}
    square = Pow(Sym("sigma2"), number(2))
    assert unicode(square, shown) == "(σ²)²"
    assert unicode(Mul((Sym("epsilon"), Sym("sigma2"), N)), shown) == "ε σ² n"
    assert unicode(Call("sqrt", (Sym("sigma2"),)), shown) == "√(σ²)"
    assert latex(square, shown) == r"\left(\sigma^{2}\right)^{2}"
    assert plain(square) == "sigma2^2"


def test_a_displayed_letter_is_a_letter() -> None:
    assert unicode(Pow(Sym("learning_rate"), number(2)), {"learning_rate": "η"}) == "η²"
    assert latex(Sym("learning_rate"), {"learning_rate": "η"}) == r"\eta"


# lists


@pytest.mark.parametrize(
    ("listed", "written"),
    [
        ((number(1), N), "1,n"),
        ((number(5),), "5"),
        (((number(1), number(2)), (number(3), N)), "1,2;3,n"),
        (((number(1), number(2)),), "[[1,2]]"),
        ((Call("max", (A, B)), C), "max(a, b),c"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_list_reads_back(listed: Value, written: str) -> None:
    read = read_values("x", written)
    assert plain(listed) == unicode(listed) == written
    assert (read if isinstance(read, tuple) else (read,)) == listed


def test_a_list_in_latex_is_a_column_and_rows_are_a_matrix() -> None:
    assert latex((N, number(2))) == r"\begin{pmatrix} n \\ 2 \end{pmatrix}"
    assert latex(((N, number(2)), (A, B))) == r"\begin{pmatrix} n & 2 \\ a & b \end{pmatrix}"


# numbers


@pytest.mark.parametrize(
    ("exact", "written"),
    [
        (Fraction(9, 10), "0.9"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(1, 3), "1/3"),
        (Fraction(-22, 7), "-22/7"),
        (Fraction(1, 10**12), "0.000000000001"),
        (Fraction(1, 10**13), f"1/1{'0' * 13}"),
        (Fraction(10**40), "1" + "0" * 40),
        (Fraction(0), "0"),
    ],
    ids=str,
)
def test_a_number_is_written_exactly(exact: Fraction, written: str) -> None:
    assert plain(Num(exact)) == written
    assert parse(written) == Num(exact)
    assert (decimal(exact) or written) == written


def test_the_longest_number_that_is_folded_reads_back() -> None:
    long = parse("9^3250")
    assert parse(plain(long)) == long
    assert parse(plain(1 / long)) == 1 / long


@pytest.mark.parametrize("text", ["0.9^1000000000", "1.000001^1000000", "x*(1/3)^(10^300)", "1 - 0.5^99999/3"])
def test_a_power_that_a_float_holds_stays_as_written_and_reads_back(text: str) -> None:
    parsed = parse(text)
    assert parse(plain(parsed)) == parse(unicode(parsed)) == parsed
    assert "^" in plain(parsed)


def test_a_number_too_long_to_write_is_an_error_with_its_digits() -> None:
    with pytest.raises(DlcalcError, match="a number of about 4,983 digits; use smaller numbers or symbols"):
        plain(Num(Fraction(10**5000)))


# LaTeX


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a/b*c/d", r"\frac{\frac{a}{b} c}{d}"),
        ("x*(a/b)", r"x \cdot \frac{a}{b}"),
        ("(a/b)^2", r"\left(\frac{a}{b}\right)^{2}"),
        ("(1/3)^n x", r"\left(\frac{1}{3}\right)^{n} x"),
        ("-1/3", r"-\frac{1}{3}"),
        ("C_in num_filters k", r"C_{\mathrm{in}} \, \mathrm{num\_filters} \, k"),
        ("y_hat + x_bar2 + W12 + delta_a1", r"\hat{y} + \bar{x}_{2} + W_{12} + \delta_{\mathrm{a1}}"),
        ("exp(x)^2", r"\left(e^{x}\right)^{2}"),
        ("leaky_relu(x, a)", r"\operatorname{leaky\_relu}\left(x, a\right)"),
        ("[x <= a] + [x != a]", r"\left[x \le a\right] + \left[x \ne a\right]"),
        ("2*3^n", r"2 \cdot 3^{n}"),
        ("x x", r"x \cdot x"),
        ("floor(x) ceil(x) abs(x)", r"\left\lfloor x \right\rfloor \left\lceil x \right\rceil \left|x\right|"),
    ],
    ids=lambda value: value,
)
def test_latex(text: str, written: str) -> None:
    assert latex(parse(text)) == written


def test_an_entry_of_an_indexed_name_is_no_double_subscript() -> None:
    assert latex(Entry("v1", number(3))) == "v_{1}[3]"
    assert latex(Entry("g", Add((Sym("t"), number(-1))))) == "g_{t - 1}"


@pytest.mark.parametrize(("text", "written"), [("0 < x", "0 < x"), ("α ≤ 2n", "α ≤ 2n"), ("x != y", "x ≠ y")])
def test_a_relation(text: str, written: str) -> None:
    assert relation(parse_relation(text)) == written
