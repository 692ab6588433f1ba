"""Arithmetic of whole numbers on expressions: like terms collected, whole parts taken out of floors and ceilings.

`counting.like_terms` is another thing: it merges powers, orders by degree, and multiplies nothing out.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, Add, Call, Div, Expr, Mul, Num, Sym, add, div, fold, mul, walk
from dlcalc.notation.functions import call

if TYPE_CHECKING:
    from collections.abc import Mapping


def neat(node: Expr) -> Expr:
    """Compute what is exact, collect like terms, and take whole numbers out of a floor or a ceiling.

    >>> from dlcalc.notation.functions import floor
    >>> n = Sym("n")
    >>> print(neat(floor((2 * n + 2 - 3) / Num(Fraction(2))) + 1))
    n
    """
    match node:
        case Call("floor" | "ceil", (Div(top, bottom),)) if neat(bottom) == ONE:  # whole numbers stay whole
            return neat(top)
        case Call(("floor" | "ceil") as function, (inside,)):
            return _rounded(function, neat(inside))
        case Call(function, arguments):
            return call(function, *map(neat, arguments))
        case Add(parts) | Mul(parts):
            together = add if isinstance(node, Add) else mul
            return _sum(coefficients(together(*map(neat, parts))))
        case Div(top, bottom):
            return div(neat(top), neat(bottom))
    return fold(node)


def coefficients(node: Expr, times: Fraction = Fraction(1)) -> dict[Expr, Fraction]:
    """Split a sum into its terms and their coefficients; the constant is the coefficient of 1.

    >>> k = Sym("k")
    >>> coefficients(2 * (k - 1) + 5) == {k: 2, ONE: 3}
    True
    """
    match node:
        case Num(value):
            return {ONE: times * value}
        case Add(terms):
            found: dict[Expr, Fraction] = {}
            for atom, coefficient in (pair for term in terms for pair in coefficients(term, times).items()):
                found[atom] = found.get(atom, Fraction(0)) + coefficient
            return found
        case Mul((Num(value), *rest)):
            return coefficients(mul(*rest), times * value)
        case Div(top, Num(value)) if (times / value).denominator == 1:
            return coefficients(top, times / value)
    return {node: times}


def unrounded(node: Expr) -> Expr:
    """Take a floor or a ceiling off, also where it is a term of a sum.

    >>> from dlcalc.notation.functions import floor
    >>> print(unrounded(floor(Sym("n") / Sym("s")) + 1))
    n/s + 1
    """
    if isinstance(node, Add):
        return add(*map(unrounded, node.terms))
    return node.arguments[0] if isinstance(node, Call) else node


def _sum(terms: Mapping[Expr, Fraction]) -> Expr:
    """Write the terms in their order, the constant last; but a positive one first where there is one."""
    positive = [atom for atom, coefficient in terms.items() if coefficient > 0]
    lead = next((atom for atom in positive if atom != ONE), ONE if positive else None)
    ordered = sorted(terms, key=lambda atom: (atom != lead, atom == ONE))
    return add(*(mul(Num(terms[atom]), atom) for atom in ordered))


def _rounded(function: str, inside: Expr) -> Expr:
    """Round a quotient: what is whole in it comes out."""
    top, bottom = (inside.numerator, inside.denominator) if isinstance(inside, Div) else (inside, ONE)
    if isinstance(bottom, Num):
        terms = {atom: c / bottom.value for atom, c in coefficients(top).items()}
        constant = Num(terms.pop(ONE, Fraction(0)))
        if all(c.denominator == 1 and _is_whole(atom) for atom, c in terms.items()):
            return add(_sum(terms), call(function, constant))
    elif isinstance(bottom, Sym) and (times := coefficients(top).get(bottom, Fraction(0))).denominator == 1 and times:
        return add(call(function, neat(top - Num(times) * bottom) / bottom), Num(times))
    return call(function, inside)


def _is_whole(atom: Expr) -> bool:
    """Say whether an expression is whole because each of its parts is."""
    return all(
        isinstance(part, Sym | Add | Mul) or (isinstance(part, Num) and part.value.denominator == 1)
        for part in walk(atom)
    )
