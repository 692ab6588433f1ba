"""Reverse mode on terms: what ∂L/∂(a term) contributes to ∂L/∂(each name in it).

One rule per operation. Gradients have the shape of their variable (denominator layout): ∂(W x)/∂x = Wᵀ,
∂L/∂W = δ xᵀ. Rules of functions stand in `calculus.functions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.calculus.dims import ONE, Dim
from dlcalc.calculus.functions import ABSTRACT, ELEMENTWISE, PULLBACKS, Use
from dlcalc.calculus.terms import (
    UNIT,
    Apply,
    Grid,
    Hadamard,
    Inverse,
    Name,
    Number,
    Part,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
    Transpose,
    add,
    divide,
    hadamard,
    inner,
    is_zero,
    mul,
    names,
    negative,
    number,
    part,
    placed,
    power,
    product,
    total,
    transpose,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Contribution = tuple[str, Term]


def pull_back(term: Term, delta: Term, wanted: frozenset[str]) -> Iterator[Contribution]:
    """Yield what a term with ∂L/∂term = delta contributes to each wanted name, one contribution per occurrence.

    >>> from dlcalc.calculus.dims import Shape, named
    >>> from dlcalc.calculus.printing import plain
    >>> m, n = named("m"), named("n")
    >>> W, x = Name(Shape(m, n), "W"), Name(Shape(n, ONE), "x")
    >>> d = Name(Shape(m, ONE), "d")
    >>> [(name, plain(found)) for name, found in pull_back(mul(W, x), d, frozenset({"W", "x"}))]
    [('W', 'd x^T'), ('x', 'W^T d')]
    """
    if isinstance(term, Name):
        if term.name in wanted:
            yield term.name, delta
        return
    for inside, reached in _local(term, delta):
        if not is_zero(reached) and names(inside) & wanted:
            yield from pull_back(inside, reached, wanted)


def summed(delta: Term, like: Term) -> Term:
    """Add a gradient up where its variable was a number repeated over all entries."""
    return total(delta) if like.shape.is_scalar and not delta.shape.is_scalar else delta


def _local(term: Term, delta: Term) -> Iterator[tuple[Term, Term]]:  # noqa: C901 (a case per operation)
    """Yield the direct parts of a term with what reaches each."""
    match term:
        case Sum(_, terms):
            yield from ((t, summed(delta, t)) for t in terms)
        case Product():
            yield from _through_product(term, delta)
        case Hadamard(_, factors):
            for at, factor in enumerate(factors):
                yield factor, hadamard(delta, *factors[:at], *factors[at + 1 :])
        case Quotient(_, top, bottom):
            yield top, summed(divide(delta, bottom), top)
            through = negative(divide(hadamard(delta, top), power(bottom, number(2))))
            yield bottom, summed(through, bottom)
        case Power(_, base, exponent):
            yield from _through_power(base, exponent, delta)
        case Transpose(_, of):
            yield of, transpose(delta)
        case Inverse(shape, of):
            back = transpose(Inverse(shape, of))
            yield of, negative(mul(back, delta, back))
        case Part(_, of, rows, cols):
            yield of, placed(delta, of.shape, rows, cols)
        case Grid():
            yield from _through_grid(term, delta)
        case Apply(_, function, arguments, axis):
            yield from _through_function(function, arguments, axis, delta, term)


def _through_product(term: Product, delta: Term) -> Iterator[tuple[Term, Term]]:
    coefficient, scalars, chain = number(term.coefficient), term.scalars, term.chain
    rest = product(term.coefficient, (), chain)
    for at, scalar in enumerate(scalars):
        yield scalar, mul(*scalars[:at], *scalars[at + 1 :], inner(rest, delta))
    for at, factor in enumerate(chain):
        before = [transpose(f) for f in reversed(chain[:at])]
        after = [transpose(f) for f in reversed(chain[at + 1 :])]
        yield factor, mul(coefficient, *scalars, *before, delta, *after)


def _through_power(base: Term, exponent: Term, delta: Term) -> Iterator[tuple[Term, Term]]:
    if isinstance(base, Apply) and base.function == "norm" and exponent == number(2):
        yield base.arguments[0], mul(number(2), delta, base.arguments[0])  # ‖x‖² is smooth where ‖x‖ is not
        return
    lower = number(exponent.value - 1) if isinstance(exponent, Number) else add(exponent, negative(UNIT))
    yield base, hadamard(delta, mul(exponent, power(base, lower)))
    if not isinstance(exponent, Number):
        grown = hadamard(delta, Power(base.shape, base, exponent), Apply(base.shape, "ln", (base,)))
        yield exponent, summed(grown, exponent)


def _through_grid(term: Grid, delta: Term) -> Iterator[tuple[Term, Term]]:
    top = ONE
    for row in term.rows:
        below, left = top.plus(row[0].shape.rows), ONE
        for cell in row:
            right = left.plus(cell.shape.cols)
            yield cell, part(delta, (top, _before(below)), (left, _before(right)))
            left = right
        top = below


def _before(dim: Dim) -> Dim:
    return dim.plus(ONE, -1)


def _through_function(
    function: str, arguments: tuple[Term, ...], axis: int | None, delta: Term, value: Term
) -> Iterator[tuple[Term, Term]]:
    if function in PULLBACKS:
        yield from zip(arguments, PULLBACKS[function](Use(arguments, value, axis, delta)), strict=True)
        return
    if function in ELEMENTWISE:
        partials = ELEMENTWISE[function].partials(arguments, value)
    else:
        partials = (Apply(value.shape, function + ABSTRACT, arguments),)
    for argument, slope in zip(arguments, partials, strict=True):
        if slope is not None:
            yield argument, summed(hadamard(delta, slope), argument)
