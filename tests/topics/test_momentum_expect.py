"""Moments of momentum: brute force over all outcomes, laws, degenerate cases, marking, and a checker that can fail."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Mark, Solution, marked
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, Expr, Num, number
from dlcalc.notation.parser import parse
from dlcalc.notation.printing import plain, unicode
from dlcalc.numeric import compare, sample, verify
from dlcalc.render import Layout, render
from dlcalc.solution import Work
from dlcalc.topics import momentum_expect as topic
from dlcalc.topics.momentum_expect import bruteforce, derivation, formulas, momentum_expect
from dlcalc.topics.momentum_expect.givens import Givens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Run

NUMBERS: dict[str, Any] = {"alpha": "0.9", "epsilon": "0.1", "mu": 2, "sigma2": 4, "theta0": 1}
ONES: dict[str, Any] = {"epsilon": 1, "mu": 1, "sigma2": 1, "theta0": 0}
CLOSED = {
    "E_v": "-epsilon*mu*(1 - alpha^t)/(1 - alpha)",
    "E_theta": "theta0 - epsilon*mu/(1 - alpha)*(t - alpha*(1 - alpha^t)/(1 - alpha))",
    "Var_v": "epsilon^2*sigma2*(1 - alpha^(2*t))/(1 - alpha^2)",
    "Var_theta": "epsilon^2*sigma2/(1 - alpha)^2*"
    "(t - 2*alpha*(1 - alpha^t)/(1 - alpha) + alpha^2*(1 - alpha^(2*t))/(1 - alpha^2))",
}


def texts(solution: Solution) -> dict[str, str]:
    return {answer.name: answer.text for answer in solution.answers}


def by_outcomes(t: int, numbers: Sequence[Fraction]) -> list[Fraction]:
    """Run the rule over every outcome of gradients that are μ ± σ with probability 1/2 each."""
    alpha, epsilon, mu, sigma, theta0 = numbers
    ends = []
    for signs in product((-1, 1), repeat=t):
        v, theta = Fraction(0), theta0
        for sign in signs:
            v = alpha * v - epsilon * (mu + sign * sigma)
            theta += v
        ends.append((v, theta))
    columns = list(zip(*ends, strict=True))
    means = [sum(column) / Fraction(len(ends)) for column in columns]
    return [*means, *(sum((x - m) ** 2 for x in c) / Fraction(len(ends)) for c, m in zip(columns, means, strict=True))]


def by_weights(t: int, numbers: Sequence[Fraction]) -> list[Fraction]:
    """Add up what every gradient is multiplied by in v_t and in θ_t."""
    alpha, epsilon, mu, sigma2, theta0 = numbers
    in_v = [alpha**age for age in range(t)]
    in_theta = [sum(in_v[: age + 1], Fraction(0)) for age in range(t)]
    return [
        -epsilon * mu * sum(in_v),
        theta0 - epsilon * mu * sum(in_theta),
        epsilon**2 * sigma2 * sum(w**2 for w in in_v),
        epsilon**2 * sigma2 * sum(w**2 for w in in_theta),
    ]


# answers

ANSWERS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("symbols", {}, CLOSED),
    (
        "t = 3",
        {"t": 3},
        {
            "E_v": "-epsilon*mu*(1 + alpha + alpha^2)",
            "E_theta": "theta0 - epsilon*mu*(3 + 2*alpha + alpha^2)",
            "Var_v": "epsilon^2*sigma2*(1 + alpha^2 + alpha^4)",
            "Var_theta": "epsilon^2*sigma2*(3 + 4*alpha + 4*alpha^2 + 2*alpha^3 + alpha^4)",
        },
    ),
    ("t = 1", {"t": 1}, {"E_v": "-epsilon*mu", "E_theta": "theta0 - epsilon*mu", "Var_theta": "epsilon^2*sigma2"}),
    ("t = 0", {"t": 0}, {"E_v": "0", "E_theta": "theta0", "Var_v": "0", "Var_theta": "0"}),
    ("t = 12", {"t": 12}, {"E_theta": "theta0 - epsilon*mu/(1 - alpha)*(12 - alpha*(1 - alpha^12)/(1 - alpha))"}),
    (
        "alpha = 1",
        {"alpha": 1},
        {
            "E_v": "-epsilon*mu*t",
            "E_theta": "theta0 - epsilon*mu*t*(t + 1)/2",
            "Var_v": "epsilon^2*sigma2*t",
            "Var_theta": "epsilon^2*sigma2*t*(t + 1)*(2*t + 1)/6",
        },
    ),
    (
        "alpha = 0",
        {"alpha": 0},
        {
            "E_v": "-epsilon*mu",
            "E_theta": "theta0 - epsilon*mu*t",
            "Var_v": "epsilon^2*sigma2",
            "Var_theta": "epsilon^2*sigma2*t",
        },
    ),
    (
        "alpha = -1",
        {"alpha": -1},
        {"Var_v": "epsilon^2*sigma2*t", "Var_theta": "epsilon^2*sigma2*(2*t + 1 - (-1)^t)/4"},
    ),
    ("alpha = 1, t = 50", {"alpha": 1, "t": 50}, {"E_v": "-50*epsilon*mu", "E_theta": "theta0 - 1275*epsilon*mu"}),
    ("numbers", {"t": 2, **NUMBERS}, {"E_v": "-0.38", "E_theta": "0.42", "Var_v": "0.0724", "Var_theta": "0.1844"}),
    ("alpha alone", {"t": 3, "alpha": "0.9"}, {"E_v": "-2.71*epsilon*mu", "E_theta": "theta0 - 5.61*epsilon*mu"}),
    ("alpha alone, any t", {"alpha": "0.9"}, {"E_v": "-10*epsilon*mu*(1 - 0.9^t)"}),
    ("other letters", {"t": "n", "alpha": "b", "epsilon": "a"}, {"E_v": "-a*mu*(1 - b^n)/(1 - b)"}),
    ("an expression of t", {"t": "n - 1"}, {"E_v": "-epsilon*mu*(1 - alpha^(n - 1))/(1 - alpha)"}),
    ("1 - b for alpha", {"alpha": "1 - b"}, {"E_v": "-epsilon*mu*(1 - (1 - b)^t)/b"}),
    ("no noise", {"t": 3, "sigma2": 0}, {"Var_v": "0", "Var_theta": "0"}),
    ("no drift", {"mu": 0}, {"E_v": "0", "E_theta": "theta0"}),
    ("alpha = 0.9, t = 10", {"t": 10, **NUMBERS}, {"E_v": "-1.3026431198", "E_theta": "-7.2762119218"}),
]


@pytest.mark.parametrize(("givens", "expected"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_answers(givens: dict[str, Any], expected: dict[str, str]) -> None:
    found = texts(momentum_expect(**givens))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("alpha", ["0.9", "-1/2", "0", "1", "-1", "3"])
@pytest.mark.parametrize("t", range(6))
def test_the_answers_are_the_moments_over_all_outcomes(t: int, alpha: str) -> None:
    found = momentum_expect(t=t, alpha=alpha, epsilon="0.3", mu="-2/3", sigma2="1/4", theta0=5)
    assert [answer.value for answer in found.answers] == [
        number(x) for x in by_outcomes(t, [*map(Fraction, (alpha, "0.3", "-2/3", "1/2", "5"))])
    ]


fractions = st.fractions(-2, 2, max_denominator=12)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.tuples(fractions, fractions, fractions, fractions.map(abs), fractions))
def test_closed_forms_and_polynomials_agree_with_the_weights(t: int, values: tuple[Fraction, ...]) -> None:
    """Answers in numbers, and the symbolic answer at these numbers, whatever α is."""
    right = by_weights(t, values)
    names = ("alpha", "epsilon", "mu", "sigma2", "theta0")
    solved = momentum_expect(t=t, **dict(zip(names, values, strict=True)))
    point = {"t": Fraction(t), **dict(zip(names, values, strict=True))}
    symbolic = momentum_expect(alpha=values[0]) if values[0] in {1, 0, -1} else momentum_expect()
    for found in (solved, symbolic):
        for answer, expected in zip(found.answers, right, strict=True):
            assert isinstance(answer.value, Expr)
            assert float(PLAIN.value(answer.value, point)) == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), fractions)
def test_theta_moves_by_v(t: int, alpha: Fraction) -> None:
    """E(θ_t) − E(θ_{t−1}) = E(v_t), and a variance is never negative and never shrinks with t where α ≥ 0."""
    now, before = (momentum_expect(t=n, alpha=alpha, **ONES) for n in (t, t - 1))
    v, theta, var_v, var_theta = (PLAIN.value(answer.value, {}) for answer in now.answers)
    _, theta_before, _, var_before = (PLAIN.value(answer.value, {}) for answer in before.answers)
    assert theta - theta_before == v
    assert var_v >= 0
    assert var_theta >= (var_before if alpha >= 0 else 0)


@pytest.mark.parametrize("alpha", ["1", "0", "-1"])
def test_special_alphas_are_the_limits_of_the_closed_forms(alpha: str) -> None:
    near = Fraction(alpha) + Fraction(1, 10**6)
    for at, beside in zip(
        momentum_expect(t=5, alpha=alpha, **ONES).answers, momentum_expect(t=5, alpha=near, **ONES).answers, strict=True
    ):
        assert at.computed == pytest.approx(beside.computed, abs=1e-3)


@pytest.mark.parametrize(
    ("t", "alpha"),
    [
        (50, "0.9"),
        (1_000, "0.9999"),
        (1_001, "-0.999"),
        (10**9, "0.9"),
        (10**9, "0.99999999"),
        (600, "1.01"),
        (10**9, "-0.9"),
    ],
)
def test_decimals_of_many_steps_are_right(t: int, alpha: str) -> None:
    """The closed form in 80 digits; floats lose some of theirs where α is near 1."""
    with mpmath.workdps(80):
        a = mpmath.mpf(Fraction(alpha).numerator) / Fraction(alpha).denominator
        inner, squares = a * (1 - a**t) / (1 - a), a**2 * (1 - a ** (2 * t)) / (1 - a**2)
        right = [-inner / a, -(t - inner) / (1 - a), squares / a**2, (t - 2 * inner + squares) / (1 - a) ** 2]
    found = momentum_expect(t=t, alpha=alpha, **ONES)
    assert [answer.computed for answer in found.answers] == pytest.approx([float(x) for x in right], rel=1e-10)


def test_a_power_too_large_for_floats_stays_an_expression() -> None:
    found = momentum_expect(t=10**6, alpha="1.5", **ONES)
    assert found["E_v"].computed is None
    assert found["E_v"].text == "2*(1 - exp(1000000*ln(1.5)))"


# derivations and checks

QUESTIONS: list[dict[str, Any]] = [
    {},
    {"t": 0},
    {"t": 1},
    {"t": 2, **NUMBERS},
    {"t": 3},
    {"t": 3, "alpha": 1},
    {"t": 4, "alpha": -1, "mu": 3},
    {"t": 5},
    {"t": 60, "alpha": "-0.5", "epsilon": "0.1"},
    {"t": 10**9, **NUMBERS},
    {"t": "k - 1", "alpha": "j", "mu": "i", "sigma2": "sigma^2"},
    {"alpha": 1},
    {"alpha": 0},
    {"alpha": -1, "mu": "alpha"},
    {"alpha": "1/b", "mu": "1/c"},
]


@pytest.fixture(scope="module")
def solved() -> Callable[[int], Solution]:
    """Solve each question once; its steps are checked when first looked at."""
    found: dict[int, Solution] = {}
    return lambda index: found.setdefault(index, momentum_expect(**QUESTIONS[index]))


@pytest.fixture(params=range(len(QUESTIONS)), ids=[str(question) for question in QUESTIONS])
def solution(request: pytest.FixtureRequest, solved: Callable[[int], Solution]) -> Solution:
    return solved(request.param)


def test_every_step_and_every_route_holds(solution: Solution) -> None:
    assert solution.steps
    for step in solution.steps:
        assert step.check is not None
        assert step.check.holds, (plain(step.before), plain(step.after), step.check.method)
        assert step.check.points > 0
    assert solution.checks
    assert all(check.holds for check in solution.checks), solution.checks


def test_every_answer_is_reached_by_a_step(solution: Solution) -> None:
    reached = {plain(step.after) for step in solution.steps} | {plain(step.before) for step in solution.steps}
    for answer in solution.answers:
        assert answer.text in reached


def test_no_step_says_nothing(solution: Solution) -> None:
    for step in solution.steps:
        assert plain(step.before) != plain(step.after)
        assert step.because
    for earlier, later in pairwise(solution.steps):
        assert (earlier.before, earlier.after) != (later.before, later.after)


@pytest.mark.parametrize("question", [0, 2, 3, 6, 9, 10], ids=lambda index: str(QUESTIONS[index]))
def test_what_is_shown_reads_as_what_is_checked(solved: Callable[[int], Solution], question: int) -> None:
    """Plain and unicode text of both sides of every step parse to expressions of the same value."""
    found = solved(question)
    scope, samples = found.setting.scope(), sample(found.setting, 1, 2)
    for step in found.work().steps:
        for side in (step.before, step.after):
            assert isinstance(side, Expr)
            for written in (plain(side), unicode(side, found.setting.display)):
                here = samples.needed_for(side, where=step.where)
                assert compare(parse(written, scope), "=", side, here).holds, written


def test_the_rules_of_slips_name_steps() -> None:
    for givens in ({}, {"t": 3}, {"t": 9, **NUMBERS}):
        found = momentum_expect(**givens)
        rules = {step.rule for step in found.work().steps}
        assert {slip.rule for answer in found.answers for slip in answer.slips} <= rules


def test_the_inner_sum_is_a_step_of_its_own() -> None:
    for givens in ({}, {"t": 3}, {"t": 3, **NUMBERS}, {"t": 20}):
        (step,) = (s for s in momentum_expect(**givens).work().steps if s.rule == "inner-sum" and not s.where)
        assert "starts at" in step.because


def test_special_cases_pin_alpha() -> None:
    shown = {
        (plain(step.target), plain(step.where["alpha"])): plain(step.after)
        for step in momentum_expect().steps
        if "alpha" in step.where
    }
    assert shown["E(theta[t])", "1"] == "theta0 - epsilon*mu*t*(t + 1)/2"
    assert shown["E(theta[t])", "0"] == "theta0 - epsilon*mu*t"
    assert shown["Var(v[t])", "-1"] == "epsilon^2*sigma2*t"


def test_a_geometric_sum_from_the_wrong_power_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker is no decoration: the slip of the notes, built in, fails as a step and by the recurrences."""

    def from_power_zero(alpha: Expr, t: Expr, step: int = 1, times: int = 1) -> Expr:
        return times * (ONE - alpha ** (step * t)) / (ONE - alpha**step)

    for module in (formulas, derivation):
        monkeypatch.setattr(module, "from_first_power", from_power_zero)
    broken = momentum_expect()
    failed = {step.rule for step in broken.steps if step.check is not None and not step.check.holds}
    assert {"inner-sum", "closed-theta", "closed-variance"} <= failed
    assert not broken.checks[0].holds


@pytest.mark.parametrize("t", [2, 80, 10**9])
def test_a_wrong_answer_fails_by_every_route(monkeypatch: pytest.MonkeyPatch, t: int) -> None:
    right = formulas.moments

    def wrong(p: Givens) -> dict[str, Expr]:
        return {**right(p), "Var_theta": right(p)["Var_theta"] * 2}

    for module in (topic, bruteforce):
        monkeypatch.setattr(module, "moments", wrong)
    monkeypatch.setattr(topic, "refuse_lost_digits", lambda *_: None)
    broken = momentum_expect(t=t, **NUMBERS)
    _, checks = verify(Work((), broken.work().routes), broken.samples, 0)
    assert [check.holds for check in checks] == [False] * (1 if t > bruteforce.SIMULATED else 2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("t", [1, 7, 40])
def test_simulations_lie_within_their_standard_errors(t: int, seed: int) -> None:
    p = Givens(*(number(Fraction(x)) for x in (t, "0.9", "0.1", "2", "4", "1")))
    assert 0 < bruteforce.farthest(p, seed) < bruteforce.STANDARD_ERRORS


@pytest.mark.parametrize(
    "givens", [{"t": 101}, {"t": 3, "mu": "1e80"}, {"t": 3, "epsilon": "1e-80"}, {"t": 90, "alpha": 1000}], ids=str
)
def test_what_floats_cannot_simulate_is_not_simulated(givens: dict[str, Any]) -> None:
    assert not any("simulated" in route.method for route in momentum_expect(**givens).work().routes)
    assert momentum_expect(**givens).work().routes


# refusals and sentences

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"t": -1}, "t -1 is less than 0", "use 0 or more"),
    ({"t": "2.5"}, "t 2.5 is not a whole number", "use 2 or 3"),
    ({"sigma2": -1}, "sigma2 -1 is less than 0", "use 0 or more"),
    ({"mu": "g"}, "mu uses g, which is a gradient here", "use another letter"),
    ({"theta0": "v0 + 1"}, "theta0 uses v0, which is the first velocity here", "use another letter"),
    ({"alpha": "t"}, "t and alpha both use t", "use another letter for one of them"),
    ({"t": "n - 20"}, "t n - 20 is no whole number from 1 to 4 for symbols from 1 to 9", "use a symbol, --t t"),
    ({"t": 10**400}, "t has more than 400 digits", "use a symbol, --t t"),
    ({"t": 1000, "alpha": "0.999999999"}, "alpha 0.999999999 is so close to 1 that at t = 1000", "--alpha alpha"),
    ({"t": 2000, "alpha": "-0.999999999"}, "so close to -1", "--alpha alpha"),
    ({"beta": 1}, "momentum-expect has no given 'beta'", "theta0"),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), REFUSED, ids=[str(r[0])[:30] for r in REFUSED])
def test_refusals_say_the_condition_and_the_fix(givens: dict[str, Any], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        momentum_expect(**givens)
    assert condition in str(refused.value)
    assert fix in str(refused.value)


def test_the_rule_and_what_is_assumed_are_said() -> None:
    found = momentum_expect()
    assert found.conventions == ("v_t = α v_{t−1} − ε g_t, θ_t = θ_{t−1} + v_t; v_0 = 0 and θ_0 is fixed, not random",)
    assert found.assumptions[0].startswith("g_1, …, g_t are independent, each with mean μ and variance σ²")
    assert "α ≠ 1 in the means, α ≠ ±1 in the variances" in found.assumptions[-1]
    assert not any("≠" in text for text in momentum_expect(t=3).assumptions)


@pytest.mark.parametrize(
    ("givens", "note"),
    [
        ({"alpha": 1}, "does not settle"),
        ({"alpha": "1.5"}, "outside 0 ≤ α < 1"),
        ({"alpha": "-0.5"}, "changing signs"),
        ({"epsilon": 0}, "no descent"),
        ({"sigma2": "sigma"}, "--sigma2 sigma^2"),
    ],
    ids=str,
)
def test_unusual_givens_are_noted(givens: dict[str, Any], note: str) -> None:
    assert note in " ".join(momentum_expect(**givens).notes)


@pytest.mark.parametrize("alpha", [0, "0.5", "0.99", "alpha"])
def test_usual_givens_are_not_noted(alpha: object) -> None:
    assert momentum_expect(alpha=alpha).notes == ()


# marking


def judged(text: str, **givens: object) -> Mark:
    return marked(momentum_expect(**givens), [text]).marks[0]


CORRECT: list[tuple[dict[str, Any], str]] = [
    ({"t": 3}, "E_theta = theta_0 - eps*mu*(3 + 2*alpha + alpha**2)"),
    ({"t": 3}, "E(theta_3) = theta_0 - eps*mu/(1-alpha)*(3-alpha*(1-alpha**3)/(1-alpha))"),
    ({"t": 3}, "E_theta = E(θ_0) - εμ[1 + (1+α) + (1+α+α²)]"),
    ({"t": 3}, "E_v = -eps[E(g_t) + alpha E(g_{t-1}) + alpha^2 E(g_{t-2})]"),
    ({"t": 3}, "Var_theta = eps**2*sigma2*(1+(1+alpha)**2+(1+alpha+alpha**2)**2)"),
    ({"t": 3}, "Var(v_3) = ε²σ²(1 − α^6)/(1 − α²)"),
    ({"t": 3}, "E_v = -eps mu (1 - alpha^t)/(1 - alpha)"),
    ({}, "E_v = -eps*sum(k,1,t,alpha^(t-k)*E(g[k]))"),
    ({}, "E_theta = theta_0 - eta*mu/(1-alpha)*(t-alpha*(1-alpha**t)/(1-alpha))"),
    ({}, "E_theta = theta_0 - eps mu/(1-alpha)^2 (t(1-alpha) - alpha + alpha^(t+1))"),
    ({}, "Var_v = eps**2*sigma2*(1-alpha**(2*t))/(1-alpha**2)"),
    ({}, "Var_v = eps² sigma² (alpha^(2t) - 1)/((alpha - 1)(alpha + 1))"),
    ({"t": 3}, "Var(theta_3) = eps² σ²/(1 - alpha)² Σ_{j=1}^{3} (1 - alpha^j)²"),
    ({"sigma2": "s^2"}, "Var_v = (eps s)²(1-alpha^(2t))/(1-alpha²)"),
    ({"epsilon": "a", "alpha": "b"}, "E_v = -epsilon mu (1 - alpha^t)/(1 - b)"),
    ({"alpha": 1}, "E_theta = theta0 - eps mu (t² + t)/2"),
    ({"t": 3, "alpha": "0.9"}, "E_theta = theta0 - 5.61 eps mu"),
    ({"t": 2, **NUMBERS}, "E_theta = 21/50"),
    ({"t": 10**9}, "E_v = -eps mu (1 - alpha^1000000000)/(1 - alpha)"),
    ({"t": 10**9, "alpha": "0.9", **ONES}, "E_v = -10"),
]


@pytest.mark.parametrize(("givens", "text"), CORRECT, ids=[text for _, text in CORRECT])
def test_right_answers_are_correct_in_any_form(givens: dict[str, Any], text: str) -> None:
    assert judged(text, **givens).correct is True


IN_LETTERS: list[tuple[dict[str, Any], str]] = [
    ({"alpha": "0.9"}, "E_v = -epsilon mu (1-alpha^t)/(1-alpha)"),
    ({"alpha": "1 - b"}, "E_v = -epsilon mu (1-alpha^t)/(1-alpha)"),
    ({"t": 20, "alpha": "a"}, "E_v = -epsilon mu (1-alpha^t)/(1-alpha)"),
    ({"t": 10**9, **NUMBERS}, "E_theta = theta0 - lr mu/(1-alpha) (t - alpha(1-alpha^t)/(1-alpha))"),
    ({"epsilon": "0.1", "sigma2": 4}, "Var_v = eps^2 sigma^2 (1-alpha^(2t))/(1-alpha^2)"),
    ({"epsilon": "0.1", "sigma2": "s^2"}, "Var_v = epsilon^2 sigma2 (1-alpha^(2t))/(1-alpha^2)"),
    ({"alpha": "0.5", "mu": "alpha"}, "E_v = -2 epsilon alpha (1-0.5^t)"),
    ({"alpha": "mu", "mu": "alpha"}, "E_v = -epsilon alpha (1-mu^t)/(1-mu)"),
]


@pytest.mark.parametrize(("givens", "text"), IN_LETTERS, ids=[f"{g} {text}" for g, text in IN_LETTERS])
def test_letters_stand_for_the_givens_unless_a_given_uses_them(givens: dict[str, Any], text: str) -> None:
    assert judged(text, **givens).correct is True
    name, _, value = text.partition("=")
    assert judged(f"{name} = alpha ({value})", **givens).correct is False


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"t": 3}, "E_theta = theta0 - eps*mu/(1-alpha)*(3 - (1-alpha^3)/(1-alpha))", "starts at α¹"),
    ({"t": 3}, "E_theta = theta0 - eps*mu*(2 + alpha)", "θ_0 − 2εμ instead of θ_0 − 3εμ"),
    ({}, "E_theta = theta0 - eps*mu/(1-alpha)*(t - (1-alpha^t)/(1-alpha))", "(departs at step 9"),
    (
        {"t": 20},
        "E_theta = theta0 - eps*mu/(1-alpha)*(20 - (1-alpha^20)/(1-alpha))",
        "θ_0 − 19εμ instead of θ_0 − 20εμ",
    ),
    ({"alpha": 0}, "E_theta = theta0 - (t - 1)eps mu", "starts at α¹"),
    ({"t": 3, **NUMBERS}, "E_theta = 0.42", "starts at α¹"),
    ({}, "E_v = eps mu (1-alpha^t)/(1-alpha)", "the sign is reversed"),
    ({}, "E_v = -eps mu (1-alpha^(t-1))/(1-alpha)", "one step too few"),
    ({}, "E_v = -eps mu (1-alpha^t)", "divided by 1 − α"),
    ({}, "E_v = -eps mu/(1-alpha)", "limit for t → ∞"),
    ({}, "E_v = mu (1-alpha^t)/(1-alpha)", "v_t = αv_{t−1} + g_t"),
    ({}, "E_theta = -eps*mu/(1-alpha)*(t-alpha*(1-alpha^t)/(1-alpha))", "the start θ_0 is missing"),
    ({}, "E_theta = theta0 - eps mu t", "plain gradient descent"),
    ({}, "Var_v = eps*sigma2*(1-alpha^(2t))/(1-alpha^2)", "ε², not ε"),
    ({}, "Var_v = eps^2*sigma2*(1-alpha^t)/(1-alpha^2)", "α²ᵗ, not αᵗ"),
    ({}, "Var_v = eps^2*sigma2*((1-alpha^t)/(1-alpha))^2", "one gradient used t times"),
    ({}, "Var_v = eps^2 sigma (1-alpha^(2t))/(1-alpha^2)", "σ², not σ"),
    ({}, "Var_theta = eps^2 sigma2 sum(j, 1, t, (1-alpha^(2j))/(1-alpha^2))", "not independent"),
    ({"t": 3}, "Var_theta = eps^2 sigma2 (3 + 2 alpha + alpha^2)^2", "squared one by one"),
    ({"t": 5, "alpha": 1}, "E_theta = theta0 - 10 eps mu", "one step too few"),
    ({"t": 10**9}, "E_v = -eps mu (1 - alpha^999999999)/(1 - alpha)", "one step too few"),
]


@pytest.mark.parametrize(("givens", "text", "because"), WRONG, ids=[text for _, text, _ in WRONG])
def test_wrong_answers_are_wrong_and_say_why(givens: dict[str, Any], text: str, because: str) -> None:
    found = judged(text, **givens)
    assert found.correct is False
    assert because in found.because
    assert found.counterexample


def test_the_sum_of_the_notes_says_where_it_departs() -> None:
    found = judged("E_theta = theta0 - eps*mu/(1-alpha)*(3 - (1-alpha^3)/(1-alpha))", t=3)
    step = next(s for s in momentum_expect(t=3).work().steps if s.rule == "inner-sum")
    assert f"departs at step 10: {step.because}" in found.because


@pytest.mark.parametrize("givens", [{}, {"t": 4}, {"t": 9}, {"t": 4, "alpha": 1}, {"alpha": 0}], ids=str)
def test_every_slip_is_a_wrong_answer_of_its_own(givens: dict[str, Any]) -> None:
    """No slip has the value of the right answer, or of a slip with another reason."""
    point = dict(
        zip(
            ("t", "alpha", "epsilon", "mu", "sigma2", "theta0"),
            map(Fraction, ("5", "3/7", "2/7", "3/5", "9/4", "11/13")),
            strict=True,
        )
    )
    for answer in momentum_expect(**givens).answers:
        reasons: dict[float, str] = {}
        for value, because in [(answer.value, "right"), *((slip.value, slip.because) for slip in answer.slips)]:
            assert isinstance(value, Expr)
            assert reasons.setdefault(round(float(PLAIN.value(value, point)), 12), because) == because, plain(value)


@pytest.mark.parametrize("t", [1, 2, 7, "t"])
@pytest.mark.parametrize("alpha", [0, 1, -1, "1/2", "alpha"])
def test_slips_have_values_for_every_alpha(t: object, alpha: object) -> None:
    found = momentum_expect(t=t, alpha=alpha)
    (point,) = sample(found.setting, 0, 1).points
    for slip in (slip for answer in found.answers for slip in answer.slips):
        assert isinstance(slip.value, Expr)
        assert isinstance(PLAIN.value(slip.value, point), Fraction | float | int)


# screens


def test_the_first_lines_are_the_answers() -> None:
    lines = render(momentum_expect(t=3), "text", Layout()).splitlines()
    assert lines[:2] == ["E(v_3) = -εμ(1 + α + α²)", "E(θ_3) = θ_0 - εμ(3 + 2α + α²)"]
    assert "20,000 simulated runs" in "\n".join(lines)


def test_quiet_prints_all_four_by_name() -> None:
    quiet = render(momentum_expect(t=2, **NUMBERS), "quiet", Layout())
    assert quiet == "E_v\t-0.38\nE_theta\t0.42\nVar_v\t0.0724\nVar_theta\t0.1844"


def test_the_command_marks_with_its_exit_code(dlcalc: Callable[..., Run]) -> None:
    given = "E_theta=theta0 - eps*mu/(1-alpha)*(3 - (1-alpha^3)/(1-alpha))"
    done = dlcalc("momentum-expect", "--t", "3", "--lr", "eps", "--answer", given, "--no-steps")
    assert done.returncode == 1
    assert "starts at α¹" in done.stdout
    assert done.stderr == ""


def test_numbers_come_without_sympy_and_numpy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from dlcalc.topics.momentum_expect import momentum_expect as m\n"
        "for t in (3, 10**9): [a.computed for a in m(t=t, alpha='0.9', epsilon=1, mu=1, sigma2=1, theta0=0).answers]\n"
        "sys.exit(bool({'sympy', 'numpy', 'mpmath'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_answers_are_exact_numbers() -> None:
    assert all(isinstance(answer.value, Num) for answer in momentum_expect(t=6, **NUMBERS).answers)
