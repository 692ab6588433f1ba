"""The SymPy backend: what goes there comes back with the same value, and proofs end in time."""

from __future__ import annotations

import threading

import pytest

from dlcalc.notation.parser import Scope, parse
from dlcalc.notation.printing import plain
from dlcalc.numeric import compare, sample
from dlcalc.solution import COUNT, REAL, UNIT, Sequence, Setting
from dlcalc.symbolic import collected, expanded, from_sympy, proved_equal, simplified, time_limit, to_sympy

SETTING = Setting(
    domains={"a": UNIT, "b": REAL, "n": COUNT, "lambda": REAL, "E": REAL, "I": REAL, "S": REAL},
    sequences={"g": Sequence(parse("n"))},
)
SCOPE = Scope(SETTING.scope().names, SETTING.scope().sequences)

TEXTS = [
    "1 + a + a^2",
    "-b(1 - a^3)/(1 - a)",
    "a/(2 b)",
    "exp(-b)",
    "2^(-n)",
    "a^(n - 1) b",
    "1/(1 - a)",
    "sqrt(a)/2",
    "ln(n)",
    "floor(n/2)",
    "ceil(n/2) - 1",
    "max(a, b)",
    "|b|",
    "lambda^2",
    "E I S",
    "sum(k, 1, n, a^(n - k) g[k])",
    "g[1]/n",
    "b^2/a^2",
    "-(a + b)",
    "(a + b)^2/(a - b)^2",
    "3/7 b",
    "tanh(b)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_there_and_back_keeps_the_value(text: str) -> None:
    before = parse(text, SCOPE)
    assert compare(before, "=", from_sympy(to_sympy(before)), sample(SETTING, 0)).holds


@pytest.mark.parametrize(
    ("text", "by"),
    [("(1 + a)^2 + 1", "2 + 2*a + a^2"), ("a(a + a^2) + 3", "3 + a^2 + a^3"), ("(a + 1)(a - 1)", "-1 + a^2")],
)
def test_expands_in_ascending_powers(text: str, by: str) -> None:
    assert plain(expanded(parse(text))) == by


def test_collects_the_powers_of_a_symbol() -> None:
    found = collected(parse("b + a b + a^2 b + a"), "a")
    assert compare(found, "=", parse("b + a(1 + b) + a^2 b"), sample(SETTING, 0)).holds


PAIRS = [
    ("(1 - a^3)/(1 - a)", "1 + a + a^2", True),
    ("floor(n)", "n", True),
    ("ln(n^2)", "2 ln(n)", True),
    ("|a|", "a", True),
    ("|b|", "b", False),
    ("a + b", "a + b + 1/10^9", False),
]


@pytest.mark.parametrize(("left", "right", "equal"), PAIRS)
def test_proves_only_what_is_true(left: str, right: str, equal: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert proved_equal(parse(left), parse(right), SETTING) is equal


def test_a_huge_expression_is_not_proved_but_ends() -> None:
    huge = parse(" + ".join(f"a^{k} b" for k in range(300)))
    assert proved_equal(huge, huge, SETTING) is False


def test_work_beyond_the_time_limit_is_given_up() -> None:
    with time_limit(0.05) as within:
        while True:
            pass
    assert within.result is None


def test_outside_the_main_thread_there_is_no_limit_and_no_error() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(simplified(parse("a + a"))))
    thread.start()
    thread.join()
    assert plain(found[0]) == "2*a"
