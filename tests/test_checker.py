"""The checker: it accepts what is true, and, more to the point, it rejects what is not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.notation.expression import ONE, Add, Entry, Expr, Mul, Relation, Sym, number
from dlcalc.notation.parser import Scope, parse
from dlcalc.numeric import check_route, check_step, sample, verify
from dlcalc.solution import COUNT, POSITIVE, REAL, UNIT, Experiment, Route, Sequence, Setting, Step, Work


def velocity(point: dict[str, object], t: int) -> Fraction:
    v = Fraction(0)
    for gradient in point["g"][:t]:  # type: ignore[index]
        v = point["a"] * v - gradient  # type: ignore[operator]
    return v


A, N, T = Sym("a"), Sym("n"), Sym("t")
SETTING = Setting(
    domains={"a": UNIT, "n": COUNT, "t": replace(COUNT, high=Fraction(4)), "x": REAL, "mu": REAL, "sigma2": POSITIVE},
    sequences={
        "g": Sequence(T, mean=Sym("mu"), variance=Sym("sigma2")),
        "x_list": Sequence(N),
    },
    definitions={"v": velocity, "twice": lambda point: 2 * point["a"]},
    families=frozenset({"v"}),
)


def read(text: str) -> Expr:
    return parse(text, SETTING.scope())


def step(before: str, relation: str, after: str, **details: object) -> Step:
    return Step("rule", A, read(before), read(after), "because", relation, **details)  # type: ignore[arg-type]


def holds(line: Step) -> bool:
    return check_step(line, sample(SETTING, 0)).holds


TRUE = [
    ("(1 - a^3)/(1 - a)", "=", "1 + a + a^2"),
    ("sum(k, 1, t, a^k)", "=", "a(1 - a^t)/(1 - a)"),
    ("sum(k, 1, t, k)", "=", "t(t + 1)/2"),
    ("sum(k, 2, 1, k)", "=", "0"),
    ("v[1]", "=", "-g[1]"),
    ("v[t]", "=", "-sum(k, 1, t, a^(t - k) g[k])"),
    ("twice", "=", "a + a"),
    ("E(g[1])", "=", "mu"),
    ("E(v[t])", "=", "-mu(1 - a^t)/(1 - a)"),
    ("Var(v[t])", "=", "sigma2(1 - a^(2t))/(1 - a^2)"),
    ("Var(3)", "=", "0"),
    ("E(g[1]^2)", "=", "mu^2 + sigma2"),
    ("floor(n/2) + ceil(n/2)", "=", "n"),
    ("exp(ln(n))", "=", "n"),
    ("sqrt(n)^2", "=", "n"),
    ("max(x_list)", "<=", "logsumexp(x_list)"),
    ("logsumexp(x_list)", "<=", "max(x_list) + ln(n)"),
    ("max(x_list)", "<=", "‖x_list‖_inf"),
    ("exp(x)", ">", "0"),
    ("ln(exp(1000) + exp(999))", "=", "1000 + ln(1 + exp(-1))"),
    ("ln(exp(-1000) + exp(-1000))", "=", "ln(2) - 1000"),
    ("1000", "<", "logsumexp(1000, -1000)"),
]
FALSE = [
    ("(1 - a^3)/(1 - a)", "=", "1 + a + a^2 + a^3"),
    ("sum(k, 1, t, a^k)", "=", "(1 - a^t)/(1 - a)"),
    ("v[t]", "=", "sum(k, 1, t, a^(t - k) g[k])"),
    ("v[t]", "=", "-sum(k, 1, t, a^k g[k])"),
    ("E(v[t])", "=", "-mu(1 - a^(t - 1))/(1 - a)"),
    ("Var(v[t])", "=", "sigma2(1 - a^t)/(1 - a)"),
    ("Var(2 g[1])", "=", "2 sigma2"),
    ("E(g[1]^2)", "=", "mu^2"),
    ("n", "=", "n + 1/10^12"),
    ("n/3", "=", "0.333333333333 n"),
    ("exp(x)", "=", "1.00001 exp(x)"),
    ("logsumexp(x_list)", "<", "max(x_list)"),
    ("logsumexp(x_list)", "<", "max(x_list) + ln(n)"),
    ("‖x_list‖_inf", "<=", "logsumexp(x_list)"),
    ("1000", "<", "1000"),
    ("ln(exp(1000) + exp(999))", "=", "1000 + ln(1 + exp(-2))"),
]


@pytest.mark.parametrize(("before", "relation", "after"), TRUE, ids=lambda part: part)
def test_accepts_a_true_line(before: str, relation: str, after: str) -> None:
    assert holds(step(before, relation, after))


@pytest.mark.parametrize(("before", "relation", "after"), FALSE, ids=lambda part: part)
def test_rejects_a_false_line(before: str, relation: str, after: str) -> None:
    assert not holds(step(before, relation, after))


def test_a_pinned_symbol_is_pinned() -> None:
    assert holds(step("sum(k, 1, t, a^k)", "=", "t", where={"a": ONE}))
    assert not holds(step("sum(k, 1, t, a^k)", "=", "t"))


def test_an_exact_line_has_no_tolerance() -> None:
    found = check_step(step("(1 + a)^2", "=", "1 + 2a + a^2"), sample(SETTING, 0))
    assert (found.method, found.max_error, found.points) == ("exact arithmetic", 0.0, 64)


def test_a_line_without_symbols_is_one_evaluation() -> None:
    assert check_step(step("2 + 2", "=", "4"), sample(SETTING, 0)).points == 1


@pytest.mark.parametrize("line", [("1/(n - n)", "=", "n"), ("g[9]", "=", "mu"), ("ln(x - 9)", "=", "x")], ids=str)
def test_a_line_that_cannot_be_evaluated_does_not_hold(line: tuple[str, str, str]) -> None:
    assert not holds(step(*line))


def test_lists_are_compared_entry_by_entry() -> None:
    samples = sample(SETTING, 0)
    same = Step("rule", A, (read("a + a"), read("n")), (read("2a"), read("n")), "because")
    other = replace(same, after=(read("2a"), read("n + 1")))
    short = replace(same, after=(read("2a"),))
    assert [check_step(line, samples).holds for line in (same, other, short)] == [True, False, False]


def test_samples_respect_domains_and_constraints() -> None:
    setting = Setting(domains={"k": COUNT, "n": COUNT, "a": UNIT}, constraints=(Relation(Sym("k"), "<=", Sym("n")),))
    points = sample(setting, 3).points
    assert len(points) == 64
    assert all(1 <= p["k"] <= p["n"] <= 9 and 0 < p["a"] < 1 for p in points)
    assert len({tuple(p.values()) for p in points}) > 30


def test_the_seed_decides_the_samples() -> None:
    assert sample(SETTING, 1).points == sample(SETTING, 1).points
    assert sample(SETTING, 1).points != sample(SETTING, 2).points


def test_no_point_within_the_assumptions_is_a_failed_check() -> None:
    setting = Setting(domains={"n": COUNT}, constraints=(Relation(N, "<", number(0)),))
    steps, _ = verify(Work((Step("rule", N, N, N, "because"),)), sample(setting, 0), 0)
    assert not steps[0].check.holds  # type: ignore[union-attr]


def test_a_route_must_agree_at_every_point() -> None:
    samples = sample(SETTING, 0)
    right = Route("twice", "added", Add((A, A)), lambda point: point["a"] + point["a"])
    wrong = right._replace(compute=lambda point: point["a"] + point["a"] * point["n"])
    short = right._replace(value=(Mul((A, number(2))), A), compute=lambda point: [point["a"] * 2])
    assert [check_route(route, samples).holds for route in (right, wrong, short)] == [True, False, False]


def test_an_experiment_fails_beyond_its_tolerance() -> None:
    work = Work(
        (),
        (Experiment("mean", "simulated", lambda _: (4.9, 5.0)), Experiment("mean", "simulated", lambda _: (5.1, 5.0))),
    )
    _, checks = verify(work, sample(SETTING, 0), 0)
    assert [check.holds for check in checks] == [True, False]


@given(st.integers(1, 6), st.integers(0, 1000))
def test_linearity_of_the_mean_holds_for_any_number_of_terms(terms: int, seed: int) -> None:
    setting = Setting(
        domains={"mu": REAL, "sigma2": POSITIVE},
        sequences={"g": Sequence(number(terms), mean=Sym("mu"), variance=Sym("sigma2"))},
    )
    total = parse("sum(k, 1, 9, g[k])", Scope(sequences=frozenset({"g"})))
    total = replace(total, upper=number(terms))  # type: ignore[call-arg]
    entry = Entry("g", number(terms))
    mean = Step("rule", A, parse("E(y)", Scope(names=frozenset("y"), random=True)), A, "because")
    mean = replace(mean, before=replace(mean.before, arguments=(total,)), after=number(terms) * Sym("mu"))  # type: ignore[type-var]
    spread = replace(mean, before=replace(mean.before, function="Var", arguments=(entry,)), after=Sym("sigma2"))  # type: ignore[type-var, call-arg]
    samples = sample(setting, seed, 4)
    assert check_step(mean, samples).holds
    assert check_step(spread, samples).holds
