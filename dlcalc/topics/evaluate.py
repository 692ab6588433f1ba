"""The value of every quantity of a program at given numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlcalc.calculus.data import fitted, read_data
from dlcalc.calculus.problem import (
    Numbers,
    Problem,
    as_value,
    computed,
    conventions,
    formula,
    read_problem,
    shapes,
    source,
)
from dlcalc.calculus.terms import Name
from dlcalc.givens import data, text
from dlcalc.solution import Answer, Check, Mark, Solution, Step, Work
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = 1e-9


@topic(
    area="back-propagation",
    answers=("result", "s", "L"),
    examples=(
        "'softmax([1, -2, 0])'",
        "'s = cossim(z, q); L = -y s' --at 'z=[1,0],q=[3,4],y=1'",
    ),
)
def evaluate(
    *,
    program: Annotated[
        str | None,
        text(help="Equations between ; or line ends (- for standard input).", metavar="PROGRAM", positional=True),
    ] = None,
    file: Annotated[str | None, text("-f", help="Read the program from this file.", metavar="NAME")] = None,
    at: Annotated[object, data(help="Numbers: x=-2,y=[1,2], JSON, or a JSON file.", metavar="DATA")] = None,
) -> Solution:
    """Value of every quantity of a program at given numbers.

    The forward pass alone: softmax([1, -2, 0]), a log-sum-exp, a perplexity, a whole network. Exact while the numbers
    and the functions are rational. No loss is needed; a last line without a name is called result.
    Source: the notation of backprop; functions as in torch.nn.functional.

    Raises DlcalcError for what cannot be read, shapes that clash, or data without a value.

    >>> evaluate(program="f = (x + y) z", at={"x": -2, "y": 5, "z": -4}).value
    -12
    """
    given = {} if at is None else read_data(at)
    problem = read_problem(source(program, file), wrt="", data=given, forward=True)
    numbers = computed(problem, *fitted(problem.typed, given), backward=False)
    definitions = problem.typed.definitions
    answers = tuple(
        Answer(name, as_value(numbers.values[name], term.shape), label=formula(Name(term.shape, name)))
        for name, term in reversed(list(definitions.items()))
    )

    def marker(answers_given: Sequence[str], seed: int) -> tuple[Mark, ...]:
        from dlcalc.calculus.marking import marked

        return marked(problem, definitions, answers, numbers, answers_given, seed)

    leaves = shapes(problem)
    return Solution(
        answers=answers,
        work=lambda: Work(_steps(problem, answers), verify=lambda _: _verified(problem, answers, numbers)),
        conventions=(
            *([f"shapes: {leaves}"] if leaves else []),
            *conventions(list(definitions.values()), derived=False),
        ),
        marker=marker,
    )


def _steps(problem: Problem, answers: Sequence[Answer]) -> tuple[Step, ...]:
    by_name = {answer.name: answer for answer in answers}
    found: list[Step] = []
    for name, term in problem.typed.definitions.items():
        target, value = formula(Name(term.shape, name)), by_name[name].value
        found.append(Step("forward", target, target, formula(term), "given"))
        because = "at the data" if problem.typed.leaves else "computed"
        found.append(Step("at the data", target, formula(term), value, because))
    return tuple(found)


def _verified(
    problem: Problem, answers: Sequence[Answer], numbers: Numbers
) -> tuple[tuple[Step, ...], tuple[Check, ...]]:
    """Compare every line with NumPy: the text of the line read again, in floats."""
    from dlcalc.calculus.forward import verified

    return verified(problem, _steps(problem, answers), numbers, TOLERANCE)
