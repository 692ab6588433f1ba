"""Limits: found without knowing the answer, refused where there is none, written and read again."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc.errors import NotationError
from dlcalc.limits import exponential, limit, raised
from dlcalc.notation.expression import Infinity, Limit, Sym, names, number, substitute
from dlcalc.notation.parser import Scope, parse
from dlcalc.notation.printing import latex, plain, unicode
from dlcalc.numeric import ARRAYS, check_step, sample
from dlcalc.solution import POSITIVE, REAL, Domain, Setting, Step
from dlcalc.symbolic import to_sympy

SETTING = Setting(domains={"a": POSITIVE, "b": REAL}, infinite=True)
X = Sym("x")

FOUND = [
    ("lim(x, inf, sigmoid(x))", 1),
    ("lim(x, -inf, sigmoid(x))", 0),
    ("lim(x, inf, tanh(exp(x)))", 1),
    ("lim(x, -inf, gelu(x))", 0),
    ("lim(x, inf, gelu(x) - x)", 0),
    ("lim(x, inf, softplus(x) - x)", 0),
    ("lim(x, -inf, elu(x, 2))", -2),
    ("lim(x, -inf, x silu(x))", 0),
    ("lim(x, -inf, x normcdf(x) exp(x^2/2))", -1 / math.sqrt(2 * math.pi)),
    ("lim(x, inf, normpdf(x))", 0),
    ("lim(x, inf, (1 + 1/x)^x)", math.e),
    ("lim(x, inf, sqrt(x + 1) - sqrt(x))", 0),
    ("lim(x, inf, 1/ln(x))", 0),
    ("lim(x, inf, x^1000/exp(x))", 0),
    ("lim(x, inf, exp(-exp(x)))", 0),
    ("lim(x, inf, logsumexp(x, 1) - x)", 0),
    ("lim(x, inf, sigmoid(x/10^20))", 1),
    ("lim(x, inf, floor(x)/x)", 1),
    ("lim(x, 0, sin(x)/x)", 1),
    ("lim(x, 0+, x ln(x))", 0),
    ("lim(x, 0-, exp(1/x))", 0),
    ("lim(x, 0-, |x|/x)", -1),
    ("lim(h, 0-, (leaky_relu(h, 1/100) - leaky_relu(0, 1/100))/h)", 0.01),
    ("lim(x, 1/3, (x^2 - 1/9)/(x - 1/3))", 2 / 3),
    ("lim(x, inf, lim(h, 0+, (sigmoid(x + h) - sigmoid(x))/h))", 0),
    ("lim(x, inf, relu(x))", math.inf),
    ("lim(x, -inf, x^3)", -math.inf),
    ("lim(x, inf, x/10^20)", math.inf),
    ("lim(x, inf, ln(ln(x)))", math.inf),
    ("lim(x, inf, exp(exp(exp(x))))", math.inf),
    ("lim(x, inf, x^x^x^x)", math.inf),
    ("lim(x, 0-, 1/x)", -math.inf),
    ("-inf", -math.inf),
]


@pytest.mark.parametrize(("text", "value"), FOUND, ids=[text for text, _ in FOUND])
def test_a_limit_is_found(text: str, value: float) -> None:
    (found,) = ARRAYS.column(parse(text, SETTING.scope()), sample(Setting(), 0))
    assert found == pytest.approx(value, abs=1e-9)


NONE = [
    "lim(x, inf, sin(x))",
    "lim(x, inf, sin(exp(x)))",
    "lim(x, inf, (-1)^x)",
    "lim(x, inf, x - floor(x))",
    "lim(x, inf, x sin(x))",
    "lim(x, inf, floor(exp(x)) - exp(x))",
    "lim(x, 0, |x|/x)",
    "lim(x, 0, 1/x)",
    "lim(x, -inf, sqrt(x))",
    "lim(x, inf, sum(k, 1, 9000, 1/k))",
]


@pytest.mark.parametrize("text", NONE)
def test_where_none_is_seen_nothing_is_said(text: str) -> None:
    node = parse(text, SETTING.scope())
    step = Step("limit", X, node, number(0), "because")
    with pytest.raises((ValueError, OverflowError)):
        ARRAYS.column(node, sample(Setting(), 0))
    assert not check_step(step, sample(SETTING, 0)).holds


@pytest.mark.parametrize(
    ("before", "relation", "after", "holds"),
    [
        ("lim(x, inf, a x)", "=", "inf", True),
        ("lim(x, -inf, a x)", "=", "-inf", True),
        ("lim(x, -inf, a x)", "=", "inf", False),
        ("lim(x, inf, a x)", "=", "10^9", False),
        ("10^300", "=", "inf", False),
        ("lim(x, inf, a x)", ">", "10^300", True),
        ("lim(x, inf, a x)", "<", "10^300", False),
        ("lim(x, -inf, elu(x, b))", "=", "-b", True),
        ("lim(x, -inf, elu(x, b))", "=", "b", False),
        ("lim(x, b, x^2)", "=", "b^2", True),
        ("lim(x, b+, (x^2 - b^2)/(x - b))", "=", "2b", True),
        ("lim(x, inf, b/(1 + a x))", "=", "0", True),
    ],
)
def test_limits_are_checked_in_steps(before: str, relation: str, after: str, holds: bool) -> None:  # noqa: FBT001
    left, right = (parse(text, SETTING.scope()) for text in (before, after))
    step = Step("limit", X, left, right, "because", relation)  # type: ignore[arg-type]
    assert check_step(step, sample(SETTING, 0)).holds is holds


@pytest.mark.parametrize(
    ("typed", "in_ascii", "on_paper", "in_latex"),
    [
        ("lim(x, ∞, f)", "lim(x, inf, f)", "lim_{x→∞} f", r"\lim_{x \to \infty} f"),
        ("lim(x → -∞, f) + 1", "lim(x, -inf, f) + 1", "lim_{x→-∞} f + 1", r"\lim_{x \to -\infty} f + 1"),
        ("lim_{x→0⁺} f/x", "lim(x, 0+, f/x)", "lim_{x→0⁺} f/x", r"\lim_{x \to 0^{+}} \frac{f}{x}"),
        ("lim_{x→a-} (f + x)", "lim(x, a-, f + x)", "lim_{x→a⁻} (f + x)", None),
        ("lim(h -> a + b-, h) f", "lim(h, a + b-, h)*f", "(lim_{h→a + b⁻} h) f", None),
        ("lim(x, 1, x)^2", "lim(x, 1, x)^2", "(lim_{x→1} x)²", None),
        ("2 lim(alpha, inf, alpha)", "2*lim(alpha, inf, alpha)", "2 lim_{α→∞} α", r"2 \lim_{\alpha \to \infty} \alpha"),
        (r"\lim_{x \to \infty} f", "lim(x, inf, f)", "lim_{x→∞} f", None),
    ],
)
def test_limits_are_written_and_read_again(typed: str, in_ascii: str, on_paper: str, in_latex: str | None) -> None:
    parsed = parse(typed)
    assert (plain(parsed), unicode(parsed)) == (in_ascii, on_paper)
    assert parse(in_ascii) == parse(on_paper) == parsed
    assert in_latex in {None, latex(parsed)}


def test_letters_side_by_side_spell_no_limit() -> None:
    scope = Scope(frozenset("lim"), closed=True)
    assert unicode(parse("l i m", scope)) == "li m"
    assert parse("li m", scope) == parse("l i m", scope)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lim(x, 0)", ", was expected, not ')'"),
        ("lim(3, 0, x)", "a limit is written lim(x, inf, body)"),
        ("lim_{x=0} x", "a limit is written lim(x, inf, body)"),
        ("lim_x x", "lim_x"),
        ("lim(x, inf, lim(x, 0, x))", "one limit inside another of the same variable"),
        ("lim(x, lim(y, 0, y), x)", "one limit inside another"),
        ("lim(x, 0, lim(y, 0, lim(z, 0, x y z)))", "more than 2 limits inside each other"),
        ("lim(x, 0+-, x)", "a number, a name or a parenthesis was expected"),
        ("lim(x, inf, inf)", "inf"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, message: str) -> None:
    with pytest.raises(NotationError) as raised_error:
        parse(text, Scope(frozenset("xyz"), closed=True))
    assert message in str(raised_error.value)


def test_infinity_is_a_value_only_where_it_may_be() -> None:
    assert parse("inf", Scope(infinite=True)) == parse("∞", Scope(infinite=True)) == Infinity()
    assert parse("inf") == Sym("inf")  # a name, as before
    with pytest.raises(NotationError, match="infinity is not a number here"):
        parse("∞")


def test_the_variable_of_a_limit_is_bound() -> None:
    node = parse("lim(x, b, a x)")
    assert names(node) == {"a", "b"}
    assert plain(substitute(node, {"a": X, "x": number(3)})) == "lim(x1, b, x*x1)"
    assert str(to_sympy(node).doit()) == "a*b"


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 50), st.integers(1, 50))
def test_the_limit_of_a_quotient_of_polynomials(a: int, b: int, c: int, d: int) -> None:
    found = limit(lambda x: (a * x**2 + b * x) / (c * x**2 + d), mpmath.inf)
    assert float(found) == pytest.approx(a / c, abs=1e-9)


@settings(max_examples=10)
@given(st.floats(-5, 5), st.floats(0.1, 5))
def test_both_ends_of_a_shifted_sigmoid(shift: float, slope: float) -> None:
    node = Limit("x", -Infinity(), "", parse("sigmoid(a x + b)"))
    assert check_step(
        Step("limit", X, node, number(0), "because"),
        sample(Setting(domains={"a": Domain(*map(_near, (slope, slope + 1))), "b": REAL}), int(abs(shift * 100))),
    ).holds


def _near(value: float) -> Fraction:
    return Fraction(round(value * 16), 16)


def test_powers_beyond_all_bounds() -> None:
    far = mpmath.mpf(2) ** 30_000
    assert exponential(far) == mpmath.inf
    assert exponential(-far) == 0
    assert raised(2, far) == mpmath.inf
    assert raised(mpmath.mpf(1) / 2, far) == 0
    with pytest.raises(ValueError, match=r"."):
        raised(-2, far)
