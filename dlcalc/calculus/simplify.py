"""Shorter forms of equal value: quotients that cancel once a product is multiplied out, sums of one-hot entries."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.calculus.dims import ONE, Shape
from dlcalc.calculus.printing import plain
from dlcalc.calculus.terms import (
    UNIT,
    Apply,
    Constant,
    Hadamard,
    Inverse,
    Name,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
    Transpose,
    add,
    children,
    hadamard,
    length,
    mul,
    number,
    product,
    rebuilt,
    split,
    total,
    transpose,
    walk,
    weight,
)

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_TERMS = 60
"""Terms up to which a product is multiplied out in search of a shorter form."""
MAX_WEIGHT = 150
_ROUNDS = 8


def simplified(term: Term, onehot: Collection[str] = (), symmetric: Collection[str] = ()) -> Term:
    """Return the shortest of the forms: as it stands, with quotients multiplied out, with all multiplied out.

    `onehot` are names whose entries add up to 1, `symmetric` those of matrices that equal their transposes.

    >>> from dlcalc.calculus.dims import SCALAR
    >>> from dlcalc.calculus.printing import plain
    >>> from dlcalc.calculus.terms import divide, negative
    >>> y, p = Name(SCALAR, "y"), Name(SCALAR, "p")
    >>> other = add(UNIT, negative(p))
    >>> delta = add(divide(negative(y), p), divide(add(UNIT, negative(y)), other))
    >>> plain(simplified(mul(delta, p, other)))
    'p - y'
    """
    term = _one(_untransposed(term, frozenset(symmetric)), frozenset(onehot))
    if weight(term) > MAX_WEIGHT:
        return term
    term = rebuilt(term, lambda part: simplified(part, onehot, symmetric)) if not isinstance(term, Sum) else term
    forms = [term, _one(_expanded(term, everything=False), frozenset(onehot))]
    forms.append(_one(_expanded(forms[-1], everything=True), frozenset(onehot)))
    return min(map(_factored, forms), key=extent)


def _untransposed(term: Term, symmetric: frozenset[str]) -> Term:
    """Leave out the transposes of symmetric matrices and of their inverses."""
    if not symmetric:
        return term
    if isinstance(term, Transpose):
        inside = term.of.of if isinstance(term.of, Inverse) else term.of
        if isinstance(inside, Name) and inside.name in symmetric:
            return term.of
    return rebuilt(term, lambda part: _untransposed(part, symmetric))


def quotients(term: Term) -> int:
    """Count the quotients of a term."""
    return sum(isinstance(node, Quotient) for node in walk(term))


def _factored(term: Term) -> Term:
    """Take out what all terms of a sum have in front: 2 z - 2 y is 2 (z - y)."""
    if not isinstance(term, Sum):
        return term
    parts = [_front(t) for t in term.terms]
    numbers = {abs(coefficient) for coefficient, _, _ in parts}
    scalars = {front for _, front, _ in parts}
    if len(scalars) > 1 or (len(numbers) > 1 and scalars == {()}) or (numbers == {1} and scalars == {()}):
        return term
    common = min(numbers) if len(numbers) == 1 else Fraction(1)
    rest = add(*(mul(number(coefficient / common), body) for coefficient, _, body in parts))
    return mul(number(common), *parts[0][1], rest)


def _front(term: Term) -> tuple[Fraction, tuple[Term, ...], Term]:
    """Split a term into its number, its scalar factors (of a matrix; the quotient of a scalar) and the rest."""
    coefficient, body = split(term)
    if not isinstance(body, Product) or not body.scalars:
        return coefficient, (), body
    if body.chain and not body.shape.is_scalar:
        return coefficient, body.scalars, product(Fraction(1), (), body.chain)
    fractions = tuple(s for s in body.scalars if isinstance(s, Quotient) and s.top == UNIT)
    return (
        coefficient,
        fractions,
        product(Fraction(1), tuple(s for s in body.scalars if s not in fractions), body.chain),
    )


def extent(term: Term) -> int:
    """Measure how long a form is; quotients count more than products."""
    return weight(term) + 3 * quotients(term)


def _one(term: Term, onehot: frozenset[str]) -> Term:
    """Put 1 in the place of the sum of the entries of a one-hot vector; let quotients cancel in inner products."""
    if isinstance(term, Product) and len(term.chain) == 2 and term.shape.is_scalar:  # noqa: PLR2004 (an inner product)
        left, right = term.chain
        left, right = (transpose(left), right) if isinstance(left, Transpose) else (left, transpose(right))
        if any(isinstance(node, Quotient) for side in (left, right) for node in (side, *children(side))):
            return mul(number(term.coefficient), *term.scalars, total(hadamard(left, right)))
    if isinstance(term, Apply) and term.function == "sum":
        inside = term.arguments[0]
        if isinstance(inside, Name) and inside.name in onehot:
            columns = inside.shape.cols
            if term.axis is None:
                return length(columns)
            if term.axis == 0:
                return Constant(Shape(ONE, columns), "ones")
    return rebuilt(term, lambda part: _one(part, onehot))


def _expanded(term: Term, *, everything: bool) -> Term:
    """Multiply products of sums out: those with quotients, or all."""
    for _ in range(_ROUNDS):
        terms = term.terms if isinstance(term, Sum) else (term,)
        out = [_ordered(piece) for part in terms for piece in _multiplied_out(part, everything=everything)]
        if len(out) > MAX_TERMS:
            return term
        new = add(*out)
        if new == term:
            return term
        term = new
    return term


def _multiplied_out(term: Term, *, everything: bool) -> list[Term]:
    """Distribute a product over the first sum in it that is to be multiplied out."""
    coefficient, body = split(term)
    factors = _factors(body)
    for at, factor in enumerate(factors):
        if isinstance(factor, Sum) and (everything or quotients(factor)):
            rest = [*factors[:at], *factors[at + 1 :]]
            return [mul(number(coefficient), hadamard(part, *rest)) for part in factor.terms]
    return [term]


def _ordered(term: Term) -> Term:
    """Bring factors that commute into one order, so that equal terms are collected."""
    match term:
        case Hadamard(shape, factors):
            return Hadamard(shape, tuple(sorted(factors, key=plain)))
        case Product(shape, coefficient, scalars, chain):
            return Product(shape, coefficient, tuple(sorted(scalars, key=plain)), tuple(map(_ordered, chain)))
    return term


def _factors(term: Term) -> list[Term]:
    """Take a product apart into factors of entries; a product of matrices is one of them."""
    match term:
        case Hadamard(_, factors):
            return [f for factor in factors for f in _entries(factor)]
        case Product(_, _, scalars, chain):
            inside = _entries(chain[0]) if len(chain) == 1 else [product(Fraction(1), (), chain)] if chain else []
            return [*scalars, *inside]
        case Quotient(_, top, bottom):
            return [*_factors(top), Quotient(bottom.shape, UNIT, bottom)]
        case Power(_, Sum(), exponent) if exponent == number(2):
            return [term.base, term.base]
    return [term]


def _entries(term: Term) -> list[Term]:
    return list(term.factors) if isinstance(term, Hadamard) else [term]
