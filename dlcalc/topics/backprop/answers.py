"""The answers of `backprop`: gradients in letters, or in numbers; their derivation stands in `lines`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.calculus.dims import ONE, SCALAR, Shape, number
from dlcalc.calculus.printing import unicode_name
from dlcalc.calculus.problem import as_value, conventions, formula, shapes, stepped, undeclared
from dlcalc.calculus.terms import DELTA, Name, Number, Term, add, mul, negative, transpose
from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import Expr, Formula, Num, Sym
from dlcalc.solution import Answer, Mark, Solution, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlcalc.calculus.problem import Numbers, Problem

GRADIENT = "a gradient has the shape of its variable (denominator layout)"
NUMERATOR = "numerator layout: a derivative has the transposed shape of its variable"


def symbolic(problem: Problem, lr: Expr | None, *, graph: bool, code: bool) -> Solution:
    """Answer in letters."""
    answers = []
    for name in problem.wanted:
        closed = result(problem, name)
        value = formula(transpose(closed) if problem.numerator else closed)
        answers.append(Answer(problem.answer_name(name), value, label=_label(problem, name)))
    if lr is not None:
        answers += [
            Answer(f"{name}_new", formula(updated(problem, name, lr)), label=_new(name)) for name in _trained(problem)
        ]
    return _solution(problem, answers, None, lr, graph=graph, code=code)


def numeric(problem: Problem, numbers: Numbers, lr: Expr | None, times: int, *, graph: bool, code: bool) -> Solution:
    """Answer in numbers: the gradients, then every value, then the updated parameters.

    Raises DlcalcError where an extreme is not unique: there any mixture of the tied entries would be a gradient.
    """
    tied = next((name for name in numbers.kinks if name in {"max", "min", "norm_inf"}), None)
    if tied is not None:
        raise DlcalcError(f"{tied} is not unique at these data: it has no gradient there", "change the data")
    answers = []
    for name in problem.wanted:
        rows, shape = numbers.values[DELTA + name], problem.gradient(name).term.shape
        if problem.numerator:
            rows, shape = [list(column) for column in zip(*rows, strict=True)], shape.transposed
        answers.append(Answer(problem.answer_name(name), as_value(rows, shape), label=_label(problem, name)))
    for name, term in problem.typed.definitions.items():
        answers.append(Answer(name, as_value(numbers.values[name], term.shape), label=_plain_label(name)))
    if isinstance(lr, Num):
        last, before = stepped(problem, numbers, lr.value, times)
        answers += [
            Answer(f"{name}_new", as_value(last.values[name], problem.typed.shape(name)), label=_new(name))
            for name in _trained(problem)
        ]
        if problem.loss:
            losses = [state.values[problem.loss][0] for state in (*before, last)]
            answers.append(Answer("losses", as_value(losses, Shape(number(len(losses)), ONE))))
    return _solution(problem, answers, numbers, lr, graph=graph, code=code)


def result(problem: Problem, name: str) -> Term:
    """Return a gradient in the given names, or in terms of δ where that would be too long."""
    gradient = problem.gradient(name)
    return gradient.closed if gradient.closed is not None else gradient.short


def updated(problem: Problem, name: str, lr: Expr) -> Term:
    """Return a parameter after one step of gradient descent."""
    if isinstance(lr, Num):
        rate: Term = Number(SCALAR, Fraction(lr.value))
    elif isinstance(lr, Sym):
        rate = Name(SCALAR, lr.name)
    else:
        raise DlcalcError(f"--lr {lr} is not a number or a letter", "give a number or one letter")
    return add(Name(problem.typed.shape(name), name), negative(mul(rate, result(problem, name))))


def rights(problem: Problem, lr: Expr | None, numbers: Numbers | None) -> dict[str, Term]:
    """Return the right expression of every answer, by its name."""
    found = {problem.answer_name(n): result(problem, n) for n in (*problem.wanted, *problem.derivation.gradients)}
    if problem.numerator:
        found = {name: transpose(term) for name, term in found.items()}
    if lr is not None:
        found |= {f"{name}_new": updated(problem, name, lr) for name in _trained(problem)}
    if numbers is not None:
        found |= dict(problem.typed.definitions)
    return found


def _trained(problem: Problem) -> list[str]:
    return [name for name in problem.wanted if name in problem.typed.leaves]


def _label(problem: Problem, name: str) -> Formula:
    written, latex = problem.derivative(name)
    if name in problem.typed.leaves or problem.numerator:
        return Formula(problem.answer_name(name), written, latex)
    return Formula(problem.answer_name(name), f"{written} = {problem.symbol(name).unicode}", latex)


def _plain_label(name: str) -> Formula:
    return formula(Name(SCALAR, name))


def _new(name: str) -> Formula:
    written = formula(Name(SCALAR, name))
    return Formula(f"{name}_new", f"{written.unicode} (new)", rf"{written.latex}^{{\text{{new}}}}")


def _solution(
    problem: Problem,
    answers: Sequence[Answer],
    numbers: Numbers | None,
    lr: Expr | None,
    *,
    graph: bool,
    code: bool,
) -> Solution:
    def work() -> Work:
        from dlcalc.topics.backprop.lines import checked, steps

        lines = steps(problem, numbers)
        return Work(
            tuple(line.step for line in lines), verify=lambda seed: checked(problem, lines, numbers, seed, code=code)
        )

    def marker(given: Sequence[str], seed: int) -> tuple[Mark, ...]:
        from dlcalc.calculus.marking import marked

        return marked(
            problem,
            rights(problem, lr, numbers),
            answers,
            numbers,
            given,
            seed,
        )

    said = [
        NUMERATOR if problem.numerator else GRADIENT,
        *conventions(list(problem.derivation.definitions.values())),
    ]
    kinds = undeclared(problem)
    by_name = f" ({', '.join(kinds)} by convention: capital matrix, small column, Greek number)" if kinds else ""
    notes = [f"{name} meets its kink at these data; see the convention" for name in (numbers.kinks if numbers else ())]
    notes += [
        f"{name} does not influence {problem.loss}: its gradient is 0"
        for name in problem.wanted
        if not problem.gradient(name).paths
    ]
    notes += [
        f"{name} is one name; write {name[0]} {name[1]} for a product"
        for name in kinds
        if len(name) == 2 and name[0].isupper() and name[1] in "xhayz"  # noqa: PLR2004 (two letters side by side)
    ]
    notes += [
        f"{name} comes out as {shape}; declare it if that is not meant, such as {name} in R^(m x n)"
        for name in kinds
        if name[0].isupper() and ONE in (shape := problem.typed.shape(name)) and not shape.is_scalar
    ]
    return Solution(
        answers=tuple(answers),
        work=work,
        principal=tuple(problem.answer_name(name) for name in problem.wanted),
        assumptions=(
            *(f"{unicode_name(name)} is one-hot: its entries are 0, but for one 1" for name in problem.onehot),
            *(f"{unicode_name(name)} is symmetric; its entries vary one by one" for name in problem.symmetric),
        ),
        conventions=(f"shapes: {shapes(problem)}{by_name}", *said),
        notes=tuple(notes),
        marker=marker,
        documents=_documents(problem, graph=graph, code=code),
    )


def _documents(problem: Problem, *, graph: bool, code: bool) -> Mapping[str, Callable[[], str]]:
    """Return the texts that take the place of the solution: the graph, or the code."""

    def drawn(form: str) -> Callable[[], str]:
        def draw() -> str:
            from dlcalc.calculus import graph as graphs

            found = graphs.graph_of(problem.typed, problem.derivation)
            return {"tree": graphs.tree, "dot": graphs.dot, "mermaid": graphs.mermaid}[form](found)

        return draw

    def written() -> str:
        from dlcalc.calculus.code import numpy_code

        return numpy_code(problem.typed, problem.derivation, problem.wanted)

    found: dict[str, Callable[[], str]] = {"dot": drawn("dot"), "mermaid": drawn("mermaid")}
    if graph or code:
        shown = drawn("tree") if graph else written
        found |= {"text": shown, "plain": shown}
    return found
