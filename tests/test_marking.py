"""Marking: every right form is correct, every wrong one is wrong, with a reason and a counterexample."""

from __future__ import annotations

import re

import pytest

from dlcalc import DlcalcError, Mark, marked
from dlcalc.notation.expression import Expr, Sym
from dlcalc.notation.parser import parse
from dlcalc.solution import COUNT, REAL, UNIT, Answer, Setting, Slip, Solution, Step, Work

N, M, L = Sym("n"), Sym("m"), Sym("l")
TOTAL = parse("2*m*n + m*l + m + l")
SETTING = Setting(
    domains={"n": COUNT, "m": COUNT, "l": COUNT, "a": UNIT, "epsilon": REAL, "x": REAL},
    aliases={"eps": Sym("epsilon")},
)


def solution(value: object, *slips: Slip, form: str = "number", more: tuple[Answer, ...] = ()) -> Solution:
    answer = Answer("total", value, slips=slips, form=form)  # type: ignore[arg-type]
    steps = (Step("weights", N, N, N, "one per input"), Step("biases", N, N, N, "one per output"))
    return Solution((answer, *more), lambda: Work(steps), SETTING, topic="example")


def judge(value: object, text: str, *slips: Slip, form: str = "number", more: tuple[Answer, ...] = ()) -> Mark:
    return marked(solution(value, *slips, form=form, more=more), [text]).marks[0]


def read(text: str) -> Expr:
    return parse(text, SETTING.scope())


CORRECT = [
    ("2*m*n + m*l + m + l", "2mn + ml + m + l"),
    ("2*m*n + m*l + m + l", "(2n + l + 1) m + l"),
    ("2*m*n + m*l + m + l", "total = l(m + 1) + m(1 + 2n)"),
    ("epsilon*(1 - a^3)/(1 - a)", "eps(1 + a + a^2)"),
    ("epsilon*(1 - a^3)/(1 - a)", "ε (1 + a + a²)"),
    ("floor(n/2)", "⌊n/2⌋"),
    ("exp(x)", "exp(1)^x"),
    ("2368", "2368"),
    ("2368", "2,368"),
    ("2368", "(7*7*3 + 1)*16"),
    ("1/3", "1/3"),
    ("0.1", "1/10"),
    ("ln(2)", "ln(4)/2"),
    ("n^2", "n*n"),
    ("1/3", "0.333"),
    ("-200/3", "-66.67"),
    ("ln(2)", "0.6931"),
    ("ln(10)", "2.30"),
    ("ln(1/10)", "-2.30"),
    ("0.99961", "1.00"),
    ("0.04996", "0.0500"),
]


@pytest.mark.parametrize(("right", "given"), CORRECT, ids=lambda part: part)
def test_accepts_every_equivalent_form(right: str, given: str) -> None:
    mark = judge(read(right), given)
    assert mark.correct is True
    assert mark.counterexample is None


WRONG = [
    ("2*m*n + m*l + m + l", "2mn + ml + m + 1", "it is off by 1 - l"),
    ("2*m*n + m*l + m + l", "-(2mn + ml + m + l)", "the sign is reversed"),
    ("2*m*n + m*l + m + l", "mn + ml/2 + m/2 + l/2", "a factor 2 is missing"),
    ("2*m*n + m*l + m + l", "2(2mn + ml + m + l)", "there is a factor 2 too much"),
    ("2*m*n + m*l + m + l", "2mn + ml + m + l + 1", "it is one too many"),
    ("floor(n/2)", "n/2", "gives 0.5, the correct value is 0"),
    ("epsilon*(1 - a^3)/(1 - a)", "epsilon*(1 - a^2)/(1 - a)", "gives"),
    ("1536500", "1536501", "it is one too many; 1536501 is not 1536500"),
    ("102764544000000000000", "102764544000000000001", "it is one too many"),
    ("1/3", "0.334", "is not 1/3"),
    ("1/3", "0.3", "rounded too far, give 3 significant digits or more: 0.3 is not 1/3"),
    ("ln(10)", "2.3", "rounded too far"),
    ("ln(10)", "2.300", "gives 2.3, the correct value is 2.30259"),
    ("0.04996", "0.05", "rounded too far"),
    ("1/3", "0.33334", "is not 1/3"),
    ("0.271", "0.2711", "is not 0.271"),
    ("ln(2)", "0.6932", "gives 0.6932, the correct value is 0.693147"),
    ("2/3 n", "0.667 n", "gives"),
    ("exp(x)", "1.00001 exp(x)", "gives"),
    ("a", "a/floor(a)", "gives no value"),
]


@pytest.mark.parametrize(("right", "given", "because"), WRONG, ids=lambda part: part)
def test_rejects_a_wrong_answer_and_says_why(right: str, given: str, because: str) -> None:
    mark = judge(read(right), given)
    assert mark.correct is False
    assert because in mark.because
    assert mark.counterexample is not None


def test_a_rounded_answer_is_correct_and_says_how_far() -> None:
    assert judge(read("ln(2)"), "0.6931").because == "rounded to 4 decimals; exactly it is ln(2)"


def test_an_answer_in_letters_is_judged_with_the_givens_put_in() -> None:
    from dataclasses import replace

    one = solution(read("7 n"))
    one = replace(one, setting=replace(SETTING, values={"m": read("7")}))
    assert [marked(one, [text]).marks[0].correct for text in ("m n", "7n", "m + n")] == [True, True, False]


def test_a_known_slip_is_named_with_the_step_where_it_departs() -> None:
    mark = judge(TOTAL, "2mn + ml", Slip(read("2mn + ml"), "the biases are missing", "biases"))
    assert mark.because.startswith("the biases are missing (departs at step 2: one per output)")


def test_another_answer_of_the_same_question_is_recognised() -> None:
    mark = judge(TOTAL, "m n", more=(Answer("weights", read("m n")),))
    assert mark.because.startswith("that is weights")


@pytest.mark.parametrize(
    ("value", "form", "given", "because"),
    [
        ((N, M), "size", "n", "it is a list of 1, but total is a list of 2"),
        ((N, M), "list", "n,m,l", "it is a list of 3, but total is a list of 2"),
        (N, "number", "n,m", "it is a list of 2, but total is a single number"),
        (((N, M), (M, L)), "list", "n,m,m,l", "it is a list of 4, but total is 2×2"),
    ],
    ids=["short size", "long list", "list for a number", "flattened matrix"],
)
def test_shape_comes_first(value: object, form: str, given: str, because: str) -> None:
    mark = judge(value, given, form=form)
    assert (mark.correct, mark.because) == (False, because)


@pytest.mark.parametrize("given", ["26x24x16", "26 × 24 × 16", "(26, 24, 16)", "26,24,16", "[26, 24, 16]"])
def test_a_size_may_be_written_in_several_ways(given: str) -> None:
    size = tuple(read(n) for n in ("26", "24", "16"))
    assert judge(size, given, form="size").correct is True
    assert judge(size, given.replace("24", "25"), form="size").because.startswith("entry 2: ")


def test_one_number_stands_for_every_axis_of_a_square() -> None:
    square = (read("n + 1"), read("n + 1"))
    assert judge(square, "1 + n", form="size").correct is True
    assert judge(square, "n", form="size").correct is False
    assert judge((N, M), "n", form="size").correct is False


@pytest.mark.parametrize("given", ["3,4", "[3; 4]", "3;4", "[[3], [4]]"])
def test_a_vector_may_be_written_as_a_list_or_as_a_column(given: str) -> None:
    for vector in ((read("3"), read("4")), ((read("3"),), (read("4"),))):
        assert judge(vector, given, form="list").correct is True
        assert judge(vector, given.replace("4", "5"), form="list").correct is False


@pytest.mark.parametrize("given", ["1,-2;3,4", "[[1, -2], [3, 4]]", "[1,-2;3,4]"])
def test_a_matrix_may_be_written_in_several_ways(given: str) -> None:
    rows = tuple(tuple(read(n) for n in row) for row in (("1", "-2"), ("3", "4")))
    assert judge(rows, given, form="list").correct is True
    wrong = judge(rows, given.replace("3", "5"), form="list")
    assert wrong.correct is False
    assert wrong.because == "entry [2,1]: 5 is not 3"


def test_a_set_may_be_written_in_any_order() -> None:
    both = (read("7"), read("8"))
    assert [judge(both, given, form="set").correct for given in ("7,8", "8,7", "8,9")] == [True, True, False]
    assert judge(both, "8,7", form="list").correct is False


def test_an_equals_sign_inside_a_sum_names_no_answer() -> None:
    assert judge(read("n(n + 1)/2"), "Σ_{k=1}^{n} k").correct is True


def test_a_difference_that_the_notation_cannot_write_is_left_out() -> None:
    assert judge(read("(1 - a^n)/(1 - a)"), "Σ_{k=0}^{n} a^k").correct is False


def test_an_answer_may_not_use_its_own_name() -> None:
    from dlcalc import momentum  # type: ignore[attr-defined]  # kinds of questions are loaded on demand

    with pytest.raises(DlcalcError, match="v_t is what is asked for"):
        marked(momentum(t="t"), ["v_t=v[t]"])


def test_a_single_entry_needs_no_brackets() -> None:
    assert judge((N,), "n", form="list").correct is True


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2mq", "mq is not a name in this question"),
        ("lenght + 1", "lenght is not a name in this question"),
        ("2mn +", "--answer: an expression was expected here"),
        ("size = 3", "example has no answer 'size'"),
        ("__import__('os')", "a number, a name or a parenthesis was expected"),
        ("", "expected here"),
    ],
    ids=str,
)
def test_an_unreadable_answer_is_an_error_not_a_verdict(given: str, message: str) -> None:
    with pytest.raises(DlcalcError, match=re.escape(message)):
        judge(TOTAL, given)


def test_where_several_answers_rank_equally_the_name_must_be_given() -> None:
    from dataclasses import replace

    both = replace(solution(N, more=(Answer("other", M),)), principal=("total", "other"))
    with pytest.raises(DlcalcError, match="say which one: --answer total=… or --answer other=…"):
        marked(both, ["n"])
    assert [mark.correct for mark in marked(both, ["total=n", "other = n"]).marks] == [True, False]


def test_assumptions_that_no_point_satisfies_leave_it_undecided() -> None:
    from dataclasses import replace

    from dlcalc.notation.parser import parse_relation

    impossible = replace(solution(N), setting=replace(SETTING, constraints=(parse_relation("n < 0"),)))
    assert marked(impossible, ["n + 0"]).marks[0].correct is None
