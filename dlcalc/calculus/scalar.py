"""Derivatives of expressions in numbers, by the same engine and table of functions as those of matrices."""

from __future__ import annotations

from functools import reduce
from operator import add as plus
from typing import TYPE_CHECKING

from dlcalc.calculus.problem import read_problem
from dlcalc.calculus.terms import (
    DELTA,
    Apply,
    Compare,
    Hadamard,
    Name,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
)
from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import (
    ZERO,
    Call,
    Expr,
    Infinity,
    Limit,
    Sym,
    add,
    div,
    mul,
    names,
    number,
    power,
    rebuilt,
)
from dlcalc.notation.expression import substitute as put_in
from dlcalc.notation.expression import walk as every
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.calculus.problem import Problem

VALUE = "u"
"""What the function is called while the engine works on it; its variables are u0, u1, …"""
MAX_SIZE = 2_000
"""Nodes of a function that is differentiated."""


def derivative(node: Expr, variable: str) -> Expr:
    """Differentiate an expression by one of its names, as back-propagation does.

    Raises DlcalcError for what the engine has no derivative of.

    >>> from dlcalc.notation.parser import parse
    >>> print(derivative(parse("max(0.01 x, x)"), "x"), "and", derivative(parse("sigmoid(w x)"), "w"))
    0.01*[0.01*x > x] + [0.01*x <= x] and x*sigmoid(w*x)*(1 - sigmoid(w*x))
    """
    return derivatives(node, (variable,))[0]


def derivatives(node: Expr, variables: tuple[str, ...]) -> tuple[Expr, ...]:
    """Differentiate an expression by several names; by one that it does not use, the derivative is 0.

    Raises DlcalcError for what the engine has no derivative of.
    """
    used = names(node)
    wanted = [name for name in variables if name in used]
    if not wanted:
        return (ZERO,) * len(variables)
    if sum(1 for _ in every(node)) > MAX_SIZE:
        raise DlcalcError(f"the function has more than {MAX_SIZE:,} parts", "write it shorter")
    if any(isinstance(part, Limit | Infinity) for part in every(node)):
        raise DlcalcError("a limit has no derivative here", "put its value in")
    known = [*wanted, *sorted(used - {*wanted})]
    inside = {name: f"{VALUE}{i}" for i, name in enumerate(known)}
    body = put_in(_in_words_of_the_engine(node), {name: Sym(new) for name, new in inside.items()})
    declared = "; ".join(f"{name} in R" for name in inside.values())
    problem = read_problem(
        f"{declared}; {VALUE} = {plain(body)}", loss=VALUE, wrt=",".join(inside[name] for name in wanted)
    )
    found = gradients(problem, {new: Sym(name) for name, new in inside.items()})
    return tuple(found[inside[name]] if name in used else ZERO for name in variables)


def gradients(problem: Problem, leaves: Mapping[str, Expr]) -> dict[str, Expr]:
    """Write the gradients of a program of scalars as expressions; `leaves` says what its leaves stand for."""
    known = values(problem.derivation.definitions, leaves)
    for name, gradient in problem.derivation.gradients.items():
        known[DELTA + name] = expression(gradient.term, known)
    return {name: expression(problem.gradient(name).term, known) for name in problem.wanted}


def values(definitions: Mapping[str, Term], leaves: Mapping[str, Expr]) -> dict[str, Expr]:
    """Write the leaves and definitions of a program of scalars as expressions of its leaves."""
    known = dict(leaves)
    for name, term in definitions.items():
        known[name] = expression(term, known)
    return known


def expression(term: Term, known: Mapping[str, Expr]) -> Expr:  # noqa: PLR0911 (a case per node)
    """Turn a term of scalars into an expression; `known` says what its names stand for."""
    match term:
        case Number(_, value):
            return number(value)
        case Name(_, name):
            return known[name]
        case Sum(_, terms):
            return add(*(expression(t, known) for t in terms))
        case Product(_, coefficient, scalars, chain):
            return mul(number(coefficient), *(expression(t, known) for t in (*scalars, *chain)))
        case Hadamard(_, factors):
            return mul(*(expression(t, known) for t in factors))
        case Quotient(_, top, bottom):
            return div(expression(top, known), expression(bottom, known))
        case Power(_, base, exponent):
            return power(expression(base, known), expression(exponent, known))
        case Compare(_, relation, left, right):
            return call(f"1 {relation}", expression(left, known), expression(right, known))
        case Apply(_, function, arguments):
            spelled = {"maximum": "max", "minimum": "min"}.get(function, function)
            return call(spelled, *(expression(t, known) for t in arguments))
    raise DlcalcError("this derivative has no form in numbers", "write the function with those of the table")


def _in_words_of_the_engine(node: Expr) -> Expr:  # noqa: PLR0911 (a case per function)
    """Write functions of several numbers, whose further arguments would be axes of a matrix, by those of one."""
    node = rebuilt(node, _in_words_of_the_engine)
    if not isinstance(node, Call):
        return node
    values = node.arguments
    match node.function:
        case "logsumexp":
            return call("ln", reduce(plus, (call("exp", v) for v in values)))
        case "sum" | "mean":
            return reduce(plus, values) / (len(values) if node.function == "mean" else 1)
        case "norm":
            return call("sqrt", reduce(plus, (v**2 for v in values))) if len(values) > 1 else call("abs", *values)
        case "norm_1":
            return reduce(plus, (call("abs", v) for v in values))
        case "norm_inf":
            return _extreme("max", tuple(call("abs", v) for v in values))
        case "max" | "min":
            return _extreme(node.function, values)
    return node


def _extreme(function: str, values: tuple[Expr, ...]) -> Expr:
    return values[0] if len(values) == 1 else call(function, *values)
