"""Counting: sums of like terms, steps that can fail, totals that brute force finds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.counting import Count, derived, like_terms, multiples, times, total
from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Mul, Num, Pow, Sym, number
from dlcalc.notation.parser import parse
from dlcalc.notation.printing import plain, unicode
from dlcalc.numeric import check_step, sample
from dlcalc.solution import COUNT, Answer, Setting

M, N = Sym("m"), Sym("n")


# like terms

LIKE_TERMS = [
    ("m*n + m + n*m", "2*m*n + m"),
    ("m + n*m", "m + n*m"),
    ("m - m", "0"),
    ("3", "3"),
    ("1/4 + 1", "1.25"),
    ("D + D^2 + D + 1", "D^2 + 2*D + 1"),
    ("n/4*n + 9*(n/4)^2", "13*n^2/16"),
    ("C*n/g + n", "C*n/g + n"),
    ("n/g + n/g", "2*n/g"),
    ("(D + 1)*D + D", "(D + 1)*D + D"),
    ("(D + 1)*D + D*(D + 1)", "2*(D + 1)*D"),
    ("(n + n)*m + m*n", "3*n*m"),
    ("2*x^100 + x^100", "3*x^100"),
]


@pytest.mark.parametrize(("text", "expected"), LIKE_TERMS, ids=[text for text, _ in LIKE_TERMS])
def test_adds_up_like_terms(text: str, expected: str) -> None:
    assert plain(like_terms(parse(text))) == expected


@given(
    parts=st.lists(st.tuples(st.integers(-4, 4), st.integers(-2, 3), st.integers(0, 2)), min_size=1, max_size=6),
    values=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_adding_up_like_terms_keeps_the_value(parts: list[tuple[int, int, int]], values: tuple[int, int]) -> None:
    terms = [Mul((number(c), Pow(M, number(a)), Pow(N, number(b)))) for c, a, b in parts]
    point = {"m": Fraction(values[0]), "n": Fraction(values[1])}
    node = total(terms)
    assert PLAIN.value(like_terms(node), point) == PLAIN.value(node, point)
    assert plain(like_terms(like_terms(node))) == plain(like_terms(node))


def test_writes_products_and_sums_as_on_paper() -> None:
    assert plain(times(number(3), ONE, N, N, M)) == "3*n^2*m"
    assert (times(), times(ONE), times(N)) == (ONE, ONE, N)
    assert (total([]), total([M])) == (ZERO, M)


# steps


def test_derives_letters_givens_terms_and_sum() -> None:
    formula = Add((Mul((number(9), Pow(N, number(2)))), Mul((M, N))))
    steps = derived("weights", Sym("weights"), formula, {"n": number(64), "m": number(3)}, "why")
    assert [unicode(step.after) for step in steps] == ["9n² + mn", "9·64·64 + 3·64", "36864 + 192", "37056"]
    assert [step.because for step in steps] == ["why", "the values put in", "term by term", "computed"]
    assert [step.rule for step in steps] == ["weights", "weights-givens", "weights-terms", "weights-value"]


@pytest.mark.parametrize(
    ("formula", "values", "lines"),
    [
        (N, {}, ["n"]),
        (ZERO, {}, ["0"]),
        (Add((M, N)), {"m": parse("a + b")}, ["m + n", "a + b + n"]),
        (Pow(N, number(2)), {"n": parse("k/4")}, ["n²", "(k/4)²", "k²/16"]),
        (Add((N, N)), {}, ["n + n", "2n"]),
    ],
    ids=["nothing to put in", "zero", "parentheses go", "fractions", "only like terms"],
)
def test_derives_no_line_that_says_nothing(formula: Add, values: dict[str, Num], lines: list[str]) -> None:
    assert [unicode(step.after) for step in derived("r", Sym("r"), formula, values, "")] == lines


def counted() -> Count:
    letters = Letters()
    n, m = letters.letter("n", number(3), COUNT), letters.letter("m", parse("k/2"), COUNT)
    return Count(
        letters,
        lambda net, sizes: net.linear(net.vector(sizes[n.name]), sizes[m.name], "W", "b"),
        {"parameters": ("*",), "weights": ("W",)},
        {"both": [("W",), ("b",)]},
    )


def test_a_total_is_what_the_loops_read_at_a_point() -> None:
    setting = counted().setting()
    point = {"n": Fraction(4), "m": Fraction(5), "k": Fraction(2)}
    assert (setting.definitions["parameters"](point), setting.definitions["weights"](point)) == (25, 20)


def test_sizes_inside_expressions_are_sampled_whole_and_positive() -> None:
    points = sample(counted().setting(), 0).points
    assert points
    assert {int(point["k"]) for point in points} == {2, 4, 6, 8}


def test_the_route_counts_answers_and_lists() -> None:
    answers = (
        Answer("parameters", parse("2*k")),
        Answer("weights", parse("3*k/2")),
        Answer("both", (parse("3*k/2"), parse("k/2")), form="list"),
        Answer("unknown", ONE),
    )
    (route,) = counted().allocated(answers)
    assert route.claim == "parameters, weights, both"
    assert route.compute({"k": Fraction(4)}) == [8, 6, 6, 2]


def test_the_route_gives_way_where_memory_ends() -> None:
    assert counted().allocated([Answer("parameters", parse("10^12"))]) == ()


def test_multiples_of_a_number_are_sampled_where_it_divides_a_given() -> None:
    alone, inside = multiples(number(8), N), multiples(number(8), parse("n + 1"))
    assert (alone.low, alone.high, alone.step) == (8, 16, 8)
    assert (inside.low, inside.high, inside.step) == (1, 16, 1)
    points = sample(Setting(domains={"n": alone}), 0).points
    assert {int(point["n"]) for point in points} == {8, 16}


def test_a_ratio_and_a_shape_are_found_on_the_pass() -> None:
    count = replace(counted(), ratios={"ratio": (("b",), ("W",))}, shapes={"shape": "W"})
    point = {"n": Fraction(4), "m": Fraction(5), "k": Fraction(10)}
    assert count.setting().definitions["ratio"](point) == Fraction(1, 4)
    answers = (Answer("parameters", ONE), Answer("ratio", ONE), Answer("shape", (M, N), form="size"))
    (route,) = count.allocated(answers)
    assert route.compute(point) == [20, Fraction(1, 3), 5, 3]


def test_the_route_gives_way_to_large_inputs() -> None:
    assert replace(counted(), inputs=[parse("10^12")]).allocated([Answer("parameters", ONE)]) == ()


def test_a_given_named_like_a_result_is_refused() -> None:
    letters = Letters()
    letters.letter("n", Sym("weights"), COUNT)
    with pytest.raises(DlcalcError, match="weights is the name of a result here; use another letter"):
        Count(letters, lambda net, sizes: None, {"weights": ("*",)}).setting()  # noqa: ARG005 (never run)


def test_a_wrong_formula_is_found() -> None:
    """The loops know no formula: n·m for what holds (n + 1)·m fails the check."""
    setting = counted().setting()
    good, bad = (derived("p", Sym("parameters"), f, {}, "")[0] for f in (parse("(n + 1)*m"), Mul((N, M))))
    samples = sample(setting, 0)
    assert check_step(good, samples).holds
    assert not check_step(bad, samples).holds


def test_the_letter_of_another_given_is_refused() -> None:
    letters = Letters()
    letters.letter("n", number(3), COUNT)
    with pytest.raises(DlcalcError, match="the symbol n already stands for 3; use another letter"):
        letters.letter("m", parse("n + 1"), COUNT)


def test_a_taken_name_is_no_letter() -> None:
    letters = Letters(taken=frozenset({"n"}))
    assert letters.letter("n", number(3), COUNT) == Sym("n2")
    assert letters.letter("m", N, COUNT) == N
    assert Setting(domains=letters.domains).scope().knows("n")
