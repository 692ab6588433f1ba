"""Evaluation: exact for as long as numbers stay short, None or an arithmetic error where there is no value."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trees import LENGTH, NAMES, SCOPE, agree, expressions, point, value

from dlcalc.notation.evaluate import MAX_BITS, MAX_TERMS, PLAIN, approximate
from dlcalc.notation.expression import Entry, Expr, Sym, number
from dlcalc.notation.functions import FUNCTIONS, INDICATORS, logsumexp, sigmoid, softplus
from dlcalc.notation.parser import Scope, parse
from dlcalc.numeric import ARRAYS, Samples
from dlcalc.solution import COUNT, REAL, Sequence, Setting

if TYPE_CHECKING:
    from collections.abc import Callable

FLOATS = st.floats(-30, 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqrt(2)", math.sqrt(2)),
        ("ln(2) + exp(1)", math.log(2) + math.e),
        ("sin(1)^2 + cos(1)^2", 1.0),
        ("2^(1/3)", 2 ** (1 / 3)),
        ("0.9^1000", 0.9**1000),
        ("1 + 0.999999^(10^9)", 1.0),
        ("logsumexp(1000, 1000)", 1000 + math.log(2)),
        ("softplus(1000) - softplus(-1000)", 1000.0),
        ("sigmoid(-1000)", 0.0),
        ("sum(k, 1, 100, 1/k^2)", math.fsum(1 / k**2 for k in range(1, 101))),
        ("10^300/3", 1e300 / 3),
        ("1e-400", 0.0),
    ],
)
def test_what_has_no_symbols_has_a_decimal_value(text: str, expected: float) -> None:
    found = approximate(parse(text))
    assert found is not None
    assert agree(found, expected)


@pytest.mark.parametrize(
    "text",
    [
        "ln(0)",
        "ln(-1)",
        "sqrt(-1)",
        "(-8)^(1/3)",
        "1/(sqrt(2) - sqrt(2))",
        "exp(1000)",
        "exp(exp(exp(9)))",
        "10^400",
        "-10^400",
        f"sum(k, 1, {MAX_TERMS + 1}, k)",
        "sum(k, 1, 10^9, k)",
        "sum(i, 1, 9999, sum(j, 1, 9999, i*j))",
        "x + 1",
        "g[1]",
    ],
)
def test_what_has_no_decimal_value_is_none(text: str) -> None:
    assert approximate(parse(text, Scope(sequences=frozenset({"g"})))) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1/(x - 2)", ZeroDivisionError),
        ("(x - 2)^(-1)", ZeroDivisionError),
        ("ln(x - 2)", ValueError),
        ("(x - 10)^(1/3)", ValueError),
        ("sum(k, 1, x/4, k)", ValueError),
        ("sum(k, x/4, 3, k)", ValueError),
        ("exp(1000 x)", OverflowError),
        ("x^(10^12)", OverflowError),
        ("g[x + 5]", IndexError),
        ("g[x - 2]", IndexError),
        ("g[x/4 + 1]", IndexError),
    ],
)
def test_what_has_no_value_raises_what_it_lacks(text: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        PLAIN.value(parse(text, SCOPE), {"x": Fraction(2), "g": (Fraction(1),) * LENGTH})


def test_entries_are_counted_from_one() -> None:
    at = {"g": tuple(map(Fraction, (5, 6, 7)))}
    assert [PLAIN.value(Entry("g", number(k)), at) for k in (1, 2, 3)] == [5, 6, 7]


def test_a_whole_list_stands_for_its_entries_in_a_function() -> None:
    at = {"g": tuple(map(Fraction, (3, -4)))}
    values = {f: PLAIN.value(parse(f"{f}(g)", SCOPE), at) for f in ("sum", "mean", "max", "min", "norm", "norm_1")}
    assert values == {"sum": -1, "mean": Fraction(-1, 2), "max": 3, "min": -4, "norm": 5, "norm_1": 7}


def test_a_sum_ends_where_it_is_told() -> None:
    at = {"t": Fraction(3)}
    assert PLAIN.value(parse("sum(k, 1, t, k)"), at) == 6
    assert PLAIN.value(parse("sum(k, t, 1, k)"), at) == 0
    assert PLAIN.value(parse("sum(k, -1, 1, k^2)"), at) == 2
    assert PLAIN.value(parse("sum(t, 1, 2, t)"), at) == 3
    assert PLAIN.value(parse(f"sum(k, 1, {MAX_TERMS}, 1)"), at) == MAX_TERMS


def test_values_stay_exact_while_they_are_short_and_go_on_as_floats() -> None:
    assert PLAIN.value(parse("x^100 + 1/3"), {"x": Fraction(3, 2)}) == Fraction(3, 2) ** 100 + Fraction(1, 3)
    near_one = parse("*".join(["x^999"] * 5 + ["y^999"] * 5))
    product = PLAIN.value(near_one, {"x": Fraction(17, 16), "y": Fraction(16, 17)})
    assert isinstance(product, float)
    assert math.isclose(product, 1, rel_tol=1e-9)
    assert MAX_BITS < 4995 * 5


@settings(max_examples=25)
@given(expressions(2), st.lists(st.integers(0, 1000), min_size=1, max_size=3))
def test_many_points_at_once_give_what_each_gives_alone(node: Expr, seeds: list[int]) -> None:
    """The arrays of the checker and the plain walk are two implementations of one meaning."""
    at = [point(seed) for seed in seeds]
    alone = [value(node, p) for p in at]
    assume(None not in alone)
    setting = Setting(
        domains={name: COUNT if name in "te" else REAL for name in NAMES},
        sequences={name: Sequence(number(LENGTH)) for name in ("g", "theta_tilde", "v1")},
    )
    together = ARRAYS.column(node, Samples(tuple(at), setting))
    assert all(agree(a, b) for a, b in zip(alone, together, strict=True))


# functions on floats


@given(FLOATS, FLOATS)
def test_the_activations_are_what_they_are_defined_as(x: float, a: float) -> None:
    compute = {name: row.compute for name, row in FUNCTIONS.items()}
    assert compute["relu"](x) == max(x, 0)
    assert compute["leaky_relu"](x, a) == (x if x > 0 else a * x)
    assert agree(compute["elu"](x, a), x if x > 0 else a * (math.exp(x) - 1))
    assert agree(compute["sigmoid"](x), 1 / (1 + math.exp(-x)))
    assert agree(compute["silu"](x), x / (1 + math.exp(-x)))
    assert agree(compute["softplus"](x), math.log(1 + math.exp(x)))
    assert agree(compute["gelu"](x), x * 0.5 * math.erfc(-x / math.sqrt(2)))


@given(st.lists(FLOATS, min_size=1, max_size=5))
def test_the_functions_of_many_values_are_what_they_are_defined_as(values: list[float]) -> None:
    compute = {name: row.compute for name, row in FUNCTIONS.items()}
    assert agree(compute["logsumexp"](*values), math.log(sum(map(math.exp, values))))
    assert agree(compute["norm"](*values), math.hypot(*values))
    assert agree(compute["norm_1"](*values), sum(map(abs, values)))
    assert compute["norm_inf"](*values) == max(map(abs, values))
    assert (compute["max"](*values), compute["min"](*values)) == (max(values), min(values))
    assert agree(compute["mean"](*values), math.fsum(values) / len(values))


@pytest.mark.parametrize(
    ("compute", "argument", "expected"),
    [(sigmoid, -1e4, 0.0), (sigmoid, 1e4, 1.0), (softplus, 1e4, 1e4), (softplus, -1e4, 0.0), (logsumexp, -1e4, -1e4)],
)
def test_nothing_overflows_on_the_way(compute: Callable[[float], float], argument: float, expected: float) -> None:
    assert compute(argument) == expected


@given(st.integers(-2, 2), st.integers(-2, 2))
def test_an_indicator_is_1_where_its_relation_holds(left: int, right: int) -> None:
    holds = {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right}
    holds |= {">": left > right, ">=": left >= right}
    for name, relation in INDICATORS.items():
        assert FUNCTIONS[name].compute(left, right) == holds[relation]
        assert PLAIN.value(parse(f"[a {relation} b]"), {"a": left, "b": right}) == holds[relation]


def test_a_symbol_without_a_value_is_no_silent_zero() -> None:
    with pytest.raises(KeyError):
        PLAIN.value(Sym("x"), {})
