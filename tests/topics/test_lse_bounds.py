"""lse-bounds: the bounds hold and are proved, values never overflow, and the norm is told from the maximum."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import log
from typing import TYPE_CHECKING, Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Mark, lse_bounds, marked
from dlcalc.notation.expression import Call, number
from dlcalc.notation.parser import parse
from dlcalc.notation.printing import plain
from dlcalc.numeric import check_route, check_step, compare, sample
from dlcalc.solution import Route, Solution, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Run

FAST = settings(deadline=None, max_examples=25)
ENTRIES = st.lists(st.fractions(-60, 60, max_denominator=8), min_size=1, max_size=6)


ONCE = Fraction(1)


def exactly(entries: Sequence[Fraction], scale: Fraction = ONCE) -> Fraction:
    """Add the exponentials up with 80 digits."""
    with mpmath.workdps(80):
        t = mpmath.mpf(scale.numerator) / scale.denominator
        total = mpmath.fsum(mpmath.exp(t * mpmath.mpf(x.numerator) / x.denominator) for x in entries)
        return Fraction(mpmath.nstr(mpmath.log(total) / t, 70))


def value(solution: Solution, name: str) -> Any:  # noqa: ANN401 (a number, or a list of them)
    return solution[name].computed


def judge(givens: dict[str, str], answer: str) -> Mark:
    return marked(lse_bounds(**givens), [answer]).marks[0]


NUMERIC = [
    ({"x": "1,2,3"}, {"lse": 3.4076059644443806, "max": 3, "lower": 3, "upper": 3 + log(3), "inf_norm": 3}),
    ({"x": "-1,-2"}, {"lse": -0.6867383124817772, "max": -1, "upper": -1 + log(2), "inf_norm": 2}),
    ({"x": "1,-1"}, {"lse": 1.1269280110429725, "max": 1, "upper": 1 + log(2), "inf_norm": 1}),
    ({"x": "2,2,2"}, {"lse": 2 + log(3), "max": 2, "upper": 2 + log(3)}),
    ({"x": "5"}, {"lse": 5, "max": 5, "lower": 5, "upper": 5, "inf_norm": 5}),
    ({"x": "-1"}, {"lse": -1, "max": -1, "upper": -1, "inf_norm": 1}),
    ({"x": "1000,1000"}, {"lse": 1000 + log(2)}),
    ({"x": "1000,1001,1002"}, {"lse": 1002.4076059644444}),
    ({"x": "-1000,-1001"}, {"lse": -999.6867383124818}),
    ({"x": "1000,-1000"}, {"lse": 1000, "upper": 1000 + log(2), "inf_norm": 1000}),
    ({"x": "-740,-745"}, {"lse": -739.9932846515106}),
    ({"x": "0,-40"}, {"lse": 4.248354255291589e-18}),
    ({"x": "1,2,3", "t": "2"}, {"lse": 3.07146581424995, "lower": 3, "upper": 3 + log(3) / 2}),
    ({"x": "-3,1", "t": "200"}, {"lse": 1, "max": 1, "inf_norm": 3}),
    ({"x": "1,2", "t": "1000000"}, {"lse": 2, "upper": 2 + log(2) / 1e6}),
    ({"x": "1,2,3,4,5,6,7,8,9,-10"}, {"lse": 9.458551732, "inf_norm": 10, "upper": 9 + log(10)}),
]


@pytest.mark.parametrize(("givens", "answers"), NUMERIC, ids=lambda part: str(part.get("x", "")))
def test_values(givens: dict[str, str], answers: dict[str, float]) -> None:
    solution = lse_bounds(**givens)
    for name, expected in answers.items():
        assert value(solution, name) == pytest.approx(expected, rel=1e-9, abs=1e-30)


def test_the_log_softmax_is_what_the_bounds_are_about() -> None:
    found = value(lse_bounds(x=[1, 2, 3]), "log_softmax")
    assert found == pytest.approx([-2.40760596, -1.40760596, -0.40760596])
    assert sum(mpmath.exp(share) for share in found) == pytest.approx(1)
    assert value(lse_bounds(x="0,-40"), "log_softmax")[0] == pytest.approx(-4.248354255291589e-18)
    assert lse_bounds(x="7")["log_softmax"].text == "0"
    assert lse_bounds(x="2,2")["log_softmax"].text == "-ln(2),-ln(2)"


FORMS = [
    ("1,2", "ln(exp(1) + exp(2))"),
    ("1000,1001", "1001 + ln(exp(-1) + 1)"),
    ("2,2", "2 + ln(2)"),
    ("0,-40", "logsumexp(0, -40)"),
    ("1,2,3,4,5,6,7,8,9", "logsumexp(1, 2, 3, 4, 5, 6, 7, 8, 9)"),
]


@pytest.mark.parametrize(("entries", "form"), FORMS, ids=str)
def test_shows_the_plainest_form_that_floats_can_evaluate(entries: str, form: str) -> None:
    assert lse_bounds(x=entries)["lse"].text == form


SYMBOLIC = [
    (
        {},
        {"lse": "ln(sum(i, 1, n, exp(x[i])))", "lower": "max(x)", "upper": "max(x) + ln(n)", "inf_norm": "norm_inf(x)"},
    ),
    ({"n": "n", "t": "t"}, {"lse": "ln(sum(i, 1, n, exp(t*x[i])))/t", "upper": "max(x) + ln(n)/t"}),
    ({"n": "5"}, {"upper": "max(x) + ln(5)"}),
    ({"x": "y", "n": "3"}, {"max": "max(y)", "upper": "max(y) + ln(3)"}),
    ({"x": "a,b"}, {"lse": "ln(exp(a) + exp(b))", "lower": "max(a, b)", "upper": "max(a, b) + ln(2)"}),
    ({"x": "a,1,2"}, {"max": "max(a, 2)", "inf_norm": "max(abs(a), 2)"}),
    ({"x": "a,a"}, {"lse": "a + ln(2)", "max": "a"}),
    ({"x": "[a]"}, {"lse": "a", "upper": "a", "inf_norm": "abs(a)"}),
    ({"n": "1"}, {"lse": "x[1]", "max": "x[1]"}),
    ({"x": "1,2", "t": "t"}, {"lse": "ln(exp(t) + exp(2*t))/t", "upper": "2 + ln(2)/t"}),
    ({"n": "1000000000"}, {"lse": "logsumexp(x)", "upper": "max(x) + ln(1000000000)"}),
    ({"n": "1000000000", "t": "3"}, {"lse": "logsumexp(z)/3", "upper": "max(x) + ln(1000000000)/3"}),
]


@pytest.mark.parametrize(("givens", "answers"), SYMBOLIC, ids=str)
def test_symbols(givens: dict[str, str], answers: dict[str, str]) -> None:
    solution = lse_bounds(**givens)
    assert {name: solution[name].text for name in answers} == answers


CHECKED = [
    *(givens for givens, _ in NUMERIC),
    *(givens for givens, _ in SYMBOLIC),
    {"x": "20000,0"},
    {"x": "1000,0.5", "t": "t"},
    {"x": "a,1000*a,-3"},
    {"x": "-3,1", "t": "s"},
    {"x": "-1,3", "t": "s - 1"},
    {"x": "-3,2.99"},
    {"x": "3,3,1"},
    {"n": "2m + 1"},
    {"x": "sqrt(2),a/b,exp(a)"},
    {"x": "1/3,-2", "t": "sqrt(2)"},
    {"n": "2m", "t": "m"},
    {"x": "2,1000,1000", "t": "a"},
    {"x": "1000,1000,0.5,-0.75", "t": "1000"},
    {"n": "20", "t": "1/2"},
    {"x": ",".join(map(str, range(1, 101)))},
    {"x": "1" + "0" * 300 + ",0"},
    {"x": "1,1.0000000000000000000000001"},
]


@pytest.mark.parametrize("givens", CHECKED, ids=str)
def test_every_line_holds_and_reads_back(givens: dict[str, str]) -> None:
    solution = lse_bounds(**givens)
    assert solution.holds, [(plain(s.before), s.relation, plain(s.after), s.check) for s in solution.steps]
    samples, scope = sample(solution.setting, 1, points=6), solution.setting.scope()
    for step in solution.steps:
        for side in (step.before, step.after):
            read = parse(plain(side), scope)
            assert compare(read, "=", side, samples.needed_for(read, side, where=step.where)).holds  # type: ignore[arg-type]  # no lists here


def test_an_independent_route_confirms_the_answers() -> None:
    for givens in ({"x": "1,2,3"}, {"x": "1000,-1000"}, {"n": "n", "t": "t"}, {"x": "a,b"}):
        (check,) = lse_bounds(**givens).checks
        assert check.holds
    route = lse_bounds(x="1,2,3").work().routes[0]
    assert isinstance(route, Route)
    assert not check_route(route._replace(value=(number(3),) * 3), sample(lse_bounds(x="1,2,3").setting, 0)).holds


@FAST
@given(ENTRIES, st.fractions(Fraction(1, 8), 8, max_denominator=8))
def test_agrees_with_the_sum_and_lies_between_its_bounds(entries: list[Fraction], scale: Fraction) -> None:
    solution = lse_bounds(x=entries, t=scale)
    right = exactly(entries, scale)
    assert value(solution, "lse") == pytest.approx(float(right), rel=1e-12, abs=1e-12)
    assert Fraction(value(solution, "lower")) == Fraction(float(max(entries)))
    assert value(solution, "lower") - 1e-9 <= right <= value(solution, "upper") + 1e-9
    assert value(solution, "inf_norm") == float(max(map(abs, entries)))


@FAST
@given(ENTRIES)
def test_says_whether_the_norm_is_below(entries: list[Fraction]) -> None:
    """Whether ‖x‖_∞ ≤ LSE(x) is reported as it is, and only where norm and maximum differ."""
    solution = lse_bounds(x=entries)
    norm, largest = max(map(abs, entries)), max(entries)
    said = [note for note in solution.notes if "‖x‖_∞" in note]
    steps = [step for step in solution.work().steps if step.rule == "norm"]
    assert len(said) == len(steps) == (norm != largest)
    if said:
        below = norm <= exactly(entries)
        assert ("happens to hold" in said[0]) == below
        assert ("fails here" in said[0]) == (not below)
        assert steps[0].relation == ("<" if below else ">")
        assert check_step(steps[0], sample(solution.setting, 0)).holds


def test_the_norm_is_told_from_the_maximum_however_close() -> None:
    """The vector (-1, ln(e - 1/e)) reaches equality; twelve digits of it fall on either side."""
    for second, fails in (("0.854586542131", True), ("0.854586542132", False)):
        (note,) = [n for n in lse_bounds(x=f"-1,{second}").notes if "‖x‖_∞" in n]
        assert ("fails here" in note) is fails
        assert lse_bounds(x=f"-1,{second}").holds


@FAST
@given(st.lists(st.integers(-2, 2), min_size=3, max_size=3))
def test_the_upper_bound_is_reached_exactly_where_all_entries_are_equal(entries: list[int]) -> None:
    solution = lse_bounds(x=entries)
    reached = [step.relation for step in solution.work().steps if step.rule in {"logarithm", "upper"}]
    assert (reached[0] == "=") == (len(set(entries)) == 1)
    assert solution.holds


RELATIONS = [
    ({"x": "1,2,3"}, {"term": "<", "lower": "<", "terms": "<", "upper": "="}),
    ({"x": "2,2"}, {"lower": "<", "terms": "=", "upper": "="}),
    ({"x": "5"}, {"lower": "=", "upper": "="}),
    ({"x": "a,b"}, {"lower": "<", "terms": "<="}),
    ({"n": "n"}, {"lower": "<=", "terms": "<="}),
    ({"n": "5"}, {"lower": "<", "terms": "<="}),
    ({"x": "20000,0"}, {"lower": "<=", "strict": "<"}),
    ({"x": "3,3,1"}, {"ties": "<"}),
]


@pytest.mark.parametrize(("givens", "relations"), RELATIONS, ids=str)
def test_bounds_are_strict_where_they_are(givens: dict[str, str], relations: dict[str, str]) -> None:
    steps = {step.rule: step.relation for step in lse_bounds(**givens).work().steps}
    assert {rule: steps[rule] for rule in relations} == relations


def test_the_bounds_as_often_stated_fail_the_checker() -> None:
    """‖x‖_∞ ≤ LSE(x), and equality where only |x_i| = |x_j|, are false, and the checker sees it."""
    norm, pair = Call("norm_inf", (number(-1), number(-2))), (number(1), number(-1))
    for before, after, relation in (
        (norm, Call("logsumexp", (number(-1), number(-2))), "<="),
        (Call("logsumexp", pair), parse("1 + ln(2)"), "="),
    ):
        step = Step("false", before, before, after, "as often stated", relation)  # type: ignore[arg-type]  # one of the relations
        assert not check_step(step, sample(lse_bounds(x="1,2").setting, 0)).holds


def test_the_general_case_is_checked_for_every_small_vector() -> None:
    """The general lines are true of vectors that are not drawn at random too: ties, zeros, one entry."""
    solution = lse_bounds(n="n")
    samples = sample(solution.setting, 0)
    vectors = [v for n in (1, 2, 3) for v in product((-2, 0, 1), repeat=n)]
    points = tuple({"x": tuple(map(Fraction, v)), "n": Fraction(len(v)), "c": Fraction(1)} for v in vectors)
    for step in solution.work().steps:
        assert check_step(step, replace(samples, points=points)).holds


NOTES = [
    ({"x": "1,2,3"}, "both bounds are strict"),
    ({"x": "2,2"}, "all entries are equal: the upper bound is reached"),
    ({"x": "5"}, "both bounds are equalities"),
    ({"x": "-1,-2"}, "2 > -0.6867 = LSE(x)"),
    ({"x": "-3,2.99,2.99"}, "happens to hold here, 3 < 3.684"),
    ({"x": "3,3,1"}, "2 entries tie for the maximum"),
    ({"x": "1,-1"}, "all |x_i| are equal does not reach the upper bound"),
    ({"x": "1000,1001"}, "beyond floats"),
    ({"x": "-3,1", "t": "t"}, "the lower bound fails for large t"),
    ({"x": "-3,1", "t": "2"}, "LSE(t·x)/t → max x = 1, not ‖x‖_∞"),
    ({"n": "n"}, "strict for n > 1, an equality for n = 1"),
    ({"n": "n"}, "exactly where Σ e^(x_i) ≥ e^(‖x‖_∞), so wherever x ≥ 0"),
    ({"x": ",".join(map(str, range(40)))}, "log_softmax is listed up to 32 entries; here are 40"),
]


@pytest.mark.parametrize(("givens", "said"), NOTES, ids=lambda part: str(part)[:40])
def test_says_what_the_reader_should_not_miss(givens: dict[str, str], said: str) -> None:
    assert any(said in note for note in lse_bounds(**givens).notes)


def test_states_its_assumptions_and_conventions() -> None:
    assert lse_bounds(x="a,b", t="t").assumptions == ("t > 0",)
    assert lse_bounds(x="1,2").assumptions == ()
    assert any("keeps the signs" in c or "with the signs" in c for c in lse_bounds(x="1,2").conventions)


ERRORS = [
    ({"x": "1,2", "t": "0"}, "t = 0 leaves LSE(t·x)/t undefined", "use t > 0"),
    ({"x": "1,2", "t": "-2"}, "t = -2 is negative: LSE(t·x)/t then bounds the minimum", "use --t 2"),
    ({"x": "1,2", "t": "1 - sqrt(2)"}, "is negative", "use --t"),
    ({"x": "1,2;3,4"}, "x has 2 rows", "give one row"),
    ({"x": "1,2", "n": "3"}, "x has 2 entries, but n is 3", "leave out --n"),
    ({"x": "1,2", "n": "n"}, "x has 2 entries, but n is n", "leave out --n"),
    ({"t": "n"}, "n is the number of entries, but another given uses it", "add --n N"),
    ({"x": "x", "n": "x"}, "x is the vector, but n or t uses it too", "another name"),
    ({"n": "0"}, "n 0 is less than 1", "use 1 or more"),
    ({"n": "2.5"}, "n 2.5 is not a whole number", "use 2 or 3"),
    ({"x": "1,,2"}, "empty", "comma"),
    ({"x": "inf,1"}, "x inf is not a number", "finite"),
    ({"x": ""}, "", "give"),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), ERRORS, ids=lambda part: str(part)[:40])
def test_refuses_with_the_condition_and_the_nearest_fix(givens: dict[str, str], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        lse_bounds(**givens)
    assert condition in str(refused.value)
    assert fix in str(refused.value)
    assert refused.value.exit_code == 2


CORRECT = [
    ({"x": "1,2,3"}, "ln(exp(1) + exp(2) + exp(3))"),
    ({"x": "1,2,3"}, "3 + ln(1 + exp(-1) + exp(-2))"),
    ({"x": "1,2,3"}, "LSE(3, 2, 1)"),
    ({"x": "1,2,3"}, "upper=ln(3 exp(3))"),
    ({"x": "1,2,3"}, "log_softmax=1-lse(1,2,3), 2-lse(1,2,3), 3-lse(1,2,3)"),
    ({"x": "1000,-1000"}, "LSE(-1000, 1000)"),
    ({"x": "a,b", "t": "t"}, "a + ln(1 + exp(t(b - a)))/t"),
    ({"n": "n"}, "ln(sum(k, 1, n, exp(x_k)))"),
    ({"n": "n"}, "LSE(x)"),
    ({"n": "n"}, "upper=ln(n exp(max(x)))"),
    ({"n": "n", "t": "t"}, "upper=(ln n)/t + max(x)"),
    ({"n": "n"}, "inf_norm=||x||_inf"),
]


@pytest.mark.parametrize(("givens", "answer"), CORRECT, ids=str)
def test_accepts_equivalent_forms(givens: dict[str, str], answer: str) -> None:
    assert judge(givens, answer).correct is True


WRONG = [
    ({"x": "-1,-2"}, "lower=2", "‖x‖_∞"),
    ({"x": "-1,-2"}, "max=2", "keeps the signs"),
    ({"x": "-1,-2"}, "upper=2 + ln 2", "not tight"),
    ({"x": "-1,-2"}, "ln(exp(1) + exp(2))", "LSE of |x|"),
    ({"x": "-1,-2"}, "inf_norm=-1", "absolute values"),
    ({"x": "1,2,3"}, "6", "not the sum of the logarithms"),
    ({"x": "1,2,3"}, "exp(1) + exp(2) + exp(3)", "logarithm is missing"),
    ({"x": "1,2,3"}, "3", "the lower bound"),
    ({"x": "1,2,3"}, "3 + ln 3", "the upper bound"),
    ({"x": "1,2,3"}, "ln(exp(1) + exp(2) + exp(3))/ln(10)", "not log₁₀"),
    ({"x": "1,2,3"}, "upper=6", "ln n, not n"),
    ({"x": "1,2,3"}, "upper=9", "not n·M"),
    ({"x": "1,2,3"}, "upper=3", "ln n is missing"),
    ({"x": "1,2,3"}, "upper=3 + ln(3)/ln(2)", "not log₂"),
    ({"x": "1,2,3"}, "upper=3 + ln(3)/ln(10)", "not log₁₀"),
    ({"x": "1,2,3"}, "lower=3 + ln 3", "the upper bound"),
    ({"x": "1,2"}, "log_softmax=exp(1)/(exp(1)+exp(2)), exp(2)/(exp(1)+exp(2))", "the softmax"),
    ({"x": "1,2"}, "log_softmax=ln(1+exp(1)), ln(1+exp(-1))", "sign is reversed"),
    ({"x": "1,2", "t": "3"}, "ln(exp(3) + exp(6))", "divided by t"),
    ({"x": "1,2", "t": "3"}, "ln(exp(1) + exp(2))", "t multiplies every entry"),
    ({"x": "1,2", "t": "3"}, "ln(exp(1) + exp(2))/3", "every entry too"),
    ({"n": "n", "t": "t"}, "upper=max(x) + ln n", "divided by t too"),
    ({"n": "n", "t": "t"}, "upper=max(x) + t ln n", "not multiplied"),
    ({"n": "n", "t": "t"}, "upper=t max(x) + ln n", "that bounds LSE(t·x)"),
    ({"n": "n"}, "lower=||x||_inf", "x = (-1, -2)"),
    ({"n": "n"}, "upper=||x||_inf + ln n", "not tight"),
    ({"n": "1000000000"}, "max(x)", "the lower bound"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), WRONG, ids=str)
def test_explains_common_wrong_answers(givens: dict[str, str], answer: str, because: str) -> None:
    mark = judge(givens, answer)
    assert mark.correct is False
    assert because in mark.because


def test_the_command_answers_first(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc("lse-bounds", "--x", "-1,-2")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "lse = ln(exp(-1) + exp(-2)) ≈ -0.6867383125"
    assert float(dlcalc("lse-bounds", "--x", "1,2,3", "-q").stdout) == pytest.approx(3.40760596444438)
