"""Numbers whose exact form is long, written as decimals: data with many digits stay readable line by line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import (
    MINUS_ONE,
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Num,
    Pow,
    Real,
    names,
)
from dlcalc.notation.printing import Value, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlcalc.solution import Solution, Work

MAX_ANSWER = 30
"""Characters of an exact number in an answer."""
MAX_NUMBER = 14
"""Characters of an exact number in a line."""
CONVENTION = "values whose exact form is long are written as decimals"


def presented(solution: Solution, *, lines: bool = True) -> Solution:
    """Write the long numbers of answers and (unless that would cost accuracy) lines as decimals, and say so."""
    answers = tuple(
        replace(a, value=a.value if a.form == "word" else _each(_answer, a.value)) for a in solution.answers
    )

    def work() -> Work:
        done = solution.work()
        steps = tuple(replace(s, before=_each(_line, s.before), after=_each(_line, s.after)) for s in done.steps)
        return done._replace(steps=steps)

    said = (CONVENTION,) if answers != solution.answers else ()
    conventions = (*solution.conventions, *said)
    return replace(solution, answers=answers, work=work if lines else solution.work, conventions=conventions)


def _each(change: Callable[[Expr], Expr], value: Value) -> Value:
    return change(value) if isinstance(value, Expr) else tuple(_each(change, part) for part in value)


def _answer(value: Expr) -> Expr:
    return _real(value) if not names(value) and len(plain(value)) > MAX_ANSWER else value


def _real(value: Expr) -> Expr:
    found = approximate(value)
    return value if found is None else Real(found)


def _line(node: Expr) -> Expr:
    """Shorten the numbers of a line, and what is a number over a root."""
    if _is_long(node):
        value = _real(node)
        return MINUS_ONE * Real(-value.value) if isinstance(value, Real) and value.value < 0 else value
    match node:
        case Add(parts) | Mul(parts):
            return type(node)(tuple(map(_line, parts)))
        case Div(top, bottom):
            return Div(_line(top), _line(bottom))
        case Pow(base, exponent):
            return Pow(_line(base), exponent)
        case Call(function, arguments):
            return Call(function, tuple(map(_line, arguments)))
    return node


def _is_long(node: Expr) -> bool:
    match node:
        case Num():
            return len(plain(node)) > MAX_NUMBER
        case Div(Num(), Call("sqrt", (Num(),))):
            return len(plain(node)) > MAX_ANSWER
    return False
