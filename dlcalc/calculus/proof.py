"""Proofs that two terms are equal: their difference multiplied out, or SymPy where all is numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.calculus.printing import plain
from dlcalc.calculus.simplify import extent, simplified
from dlcalc.calculus.terms import Product, Sum, add, is_zero, mul, negative, number, rebuilt
from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Collection

    from dlcalc.calculus.problem import Problem
    from dlcalc.calculus.terms import Term

LARGEST = 150
"""How long a side may be for a proof to be looked for."""
MOST_TERMS = 20
"""Terms of a sum up to which a product with it is multiplied out."""


def cancels(left: Term, right: Term, problem: Problem) -> bool:
    """Say whether the difference of two terms is zero once products are multiplied out and like terms collected.

    >>> from dlcalc.calculus.problem import read_problem
    >>> found = read_problem("A, B in R^(n x n); l = A (A + B) - B^T B; r = A A - B^T B + A B", forward=True)
    >>> cancels(found.typed.definitions["l"], found.typed.definitions["r"], found)
    True
    """
    if left.shape != right.shape or max(extent(left), extent(right)) > LARGEST:
        return False
    left, right = (_distributed(simplified(side, problem.onehot, problem.symmetric)) for side in (left, right))
    return left == right or is_zero(simplified(add(left, negative(right)), problem.onehot, problem.symmetric))


def _distributed(term: Term) -> Term:
    """Multiply matrix products of sums out, from the inside, while there are few terms."""
    term = rebuilt(term, _distributed)
    if not isinstance(term, Product):
        return term
    for at, factor in enumerate(term.chain):
        if isinstance(factor, Sum) and len(factor.terms) <= MOST_TERMS:
            front = (number(term.coefficient), *term.scalars, *term.chain[:at])
            return add(*(_distributed(mul(*front, part, *term.chain[at + 1 :])) for part in factor.terms))
    return term


def equal_numbers(left: Term, right: Term, problem: Problem, positive: Collection[str] = ()) -> bool:
    """Say whether SymPy proves two expressions in numbers equal; names are real, some of them positive."""
    from dlcalc.notation.parser import Scope, parse
    from dlcalc.solution import POSITIVE, REAL, Setting
    from dlcalc.symbolic import proved_equal

    leaves = problem.typed.leaves.values()
    if not all(leaf.shape.is_scalar for leaf in leaves) or max(extent(left), extent(right)) > LARGEST:
        return False
    domains = {leaf.name: POSITIVE if leaf.name in positive else REAL for leaf in leaves}
    try:
        scope = Scope(names=frozenset(domains), closed=True)
        return proved_equal(parse(plain(left), scope), parse(plain(right), scope), Setting(domains=domains))
    except (DlcalcError, KeyError):
        return False
