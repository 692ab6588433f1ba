"""A solution made of parts: every part keeps its own derivation, and its own way of marking."""

from __future__ import annotations

import pytest

from dlcalc import DlcalcError, marked
from dlcalc.notation.expression import Sym
from dlcalc.parts import joined
from dlcalc.solution import REAL, Answer, Setting, Solution, Step, Work, verdict
from dlcalc.topics.backprop import backprop

X = Sym("x")


def scalar(step: Step) -> Solution:
    answers = (Answer("double", X + X), verdict("grows", holds=True))
    return Solution(answers, lambda: Work((step,)), Setting(domains={"x": REAL}), notes=("a note",), topic="example")


def both(after: object = X + X) -> Solution:
    step = Step("double", X, X + X, after, "added up")  # type: ignore[arg-type]
    return joined(scalar(step), backprop(program="L = 1/2 ||W x||^2", wrt="W"))


def test_has_the_answers_steps_and_checks_of_all_its_parts() -> None:
    found = both()
    assert [answer.name for answer in found.answers] == ["double", "grows", "dL/dW"]
    assert [answer.name for answer in found.principal_answers] == ["double"]
    assert len(found.steps) > 2
    assert found.checks
    assert found.holds


def test_a_wrong_line_of_one_part_is_seen() -> None:
    assert not both(X * 3).holds


@pytest.mark.parametrize(
    ("given", "correct"),
    [
        ("2x", True),
        ("double = x + x", True),
        ("3x", False),
        ("grows = true", True),
        ("grows = No", False),
        ("W = W x x^T", True),
        ("dL/dW = x x^T W", False),
    ],
)
def test_an_answer_goes_to_the_part_that_has_it(given: str, *, correct: bool) -> None:
    assert marked(both(), [given]).marks[0].correct is correct


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("doubel = 2", "there is no answer 'doubel'; did you mean double?"),
        ("grows = perhaps", "--answer grows=perhaps is not one of its words; use yes or no"),
    ],
)
def test_an_answer_to_nothing_is_refused(given: str, message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        marked(both(), [given])
    assert str(problem.value) == message
