"""Shape-typed matrix expressions: frozen nodes, and the constructors that keep them in normal form.

Normal form: numbers in front, then scalar factors, then the matrix product; transposes of products pushed
inward; `diag(v) u` as `v ⊙ u`; sums and products flat, equal terms of a sum collected. Nothing is multiplied out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, cast

from dlcalc.calculus.dims import ONE, SCALAR, Dim, Shape
from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import MAX_POWER_BITS, fits, power_bits

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping


DELTA = "delta_"
"""What the name of a gradient begins with: δ_z is ∂L/∂z."""


MAX_CHAIN = 400
"""Matrices in one product."""


@dataclass(frozen=True)
class Term:
    """Any matrix expression."""

    shape: Shape


@dataclass(frozen=True)
class Number(Term):
    """An exact number."""

    value: Fraction


@dataclass(frozen=True)
class Name(Term):
    """A quantity by its name: a leaf, a defined one, or a δ."""

    name: str


@dataclass(frozen=True)
class Length(Term):
    """The length of an axis, as a number."""

    dim: Dim


@dataclass(frozen=True)
class Constant(Term):
    """`ones`, `zeros` or `eye` of a shape; the number `pi`."""

    kind: str


@dataclass(frozen=True)
class Sum(Term):
    """Terms added up; a scalar among matrices is added to every entry."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Product(Term):
    """A number times scalars times a product of matrices."""

    coefficient: Fraction
    scalars: tuple[Term, ...]
    chain: tuple[Term, ...]


@dataclass(frozen=True)
class Hadamard(Term):
    """The element-wise product of factors of one shape."""

    factors: tuple[Term, ...]


@dataclass(frozen=True)
class Quotient(Term):
    """A quotient, entry by entry; either side may be a scalar."""

    top: Term
    bottom: Term


@dataclass(frozen=True)
class Power(Term):
    """A power, entry by entry, with a scalar exponent."""

    base: Term
    exponent: Term


@dataclass(frozen=True)
class Transpose(Term):
    """A transpose."""

    of: Term


@dataclass(frozen=True)
class Inverse(Term):
    """The inverse of a square matrix."""

    of: Term


@dataclass(frozen=True)
class Apply(Term):
    """A function of the table in `calculus.functions`, applied; `axis` 0 works on columns, 1 on rows."""

    function: str
    arguments: tuple[Term, ...]
    axis: int | None = None


@dataclass(frozen=True)
class Compare(Term):
    """The indicator of a relation, entry by entry."""

    relation: str
    left: Term
    right: Term


@dataclass(frozen=True)
class Part(Term):
    """The entries of a matrix whose indices lie in two ranges (counted from 1, both ends included)."""

    of: Term
    rows: tuple[Dim, Dim]
    cols: tuple[Dim, Dim]


@dataclass(frozen=True)
class Grid(Term):
    """A matrix put together from blocks, row by row."""

    rows: tuple[tuple[Term, ...], ...]


def number(value: int | Fraction) -> Number:
    """Wrap an exact number.

    Raises DlcalcError where it is too long to compute with.
    """
    exact = Fraction(value)
    if not fits(exact):
        raise DlcalcError("a number in the program has too many digits", "use smaller numbers, or a name")
    return Number(SCALAR, exact)


ZERO, UNIT = number(0), number(1)


def ones(shape: Shape) -> Term:
    """Return the matrix of ones; the number 1 for a scalar."""
    return UNIT if shape.is_scalar else Constant(shape, "ones")


def zeros(shape: Shape) -> Term:
    """Return the matrix of zeros."""
    return ZERO if shape.is_scalar else Constant(shape, "zeros")


def is_zero(term: Term) -> bool:
    """Say whether a term is zero as it stands."""
    return (isinstance(term, Number) and term.value == 0) or (isinstance(term, Constant) and term.kind == "zeros")


def is_ones(term: Term) -> bool:
    """Say whether a term is a matrix of ones."""
    return isinstance(term, Constant) and term.kind == "ones"


def split(term: Term) -> tuple[Fraction, Term]:
    """Take the number out that stands in front.

    >>> split(mul(number(3), Name(SCALAR, "a")))[0]
    Fraction(3, 1)
    """
    if isinstance(term, Number):
        return term.value, UNIT
    if isinstance(term, Product) and term.coefficient != 1:
        return term.coefficient, product(Fraction(1), term.scalars, term.chain)
    return Fraction(1), term


def add(*terms: Term) -> Term:
    """Add, collecting equal terms; terms of matrices and numbers may stand side by side."""
    flat = [t for term in terms for t in (term.terms if isinstance(term, Sum) else (term,))]
    shape = next((t.shape for t in flat if not t.shape.is_scalar), SCALAR)
    total: dict[Term, Fraction] = {}
    for term in flat:
        coefficient, body = split(term)
        total[body] = total.get(body, Fraction(0)) + coefficient
    kept = [scaled(value, body) for body, value in total.items() if value and not is_zero(body)]
    if not kept:
        return zeros(shape)
    if all(t.shape.is_scalar for t in kept) and not shape.is_scalar:
        kept = [mul(t, ones(shape)) for t in kept]
    return kept[0] if len(kept) == 1 else Sum(shape, tuple(kept))


def scaled(by: Fraction | int, term: Term) -> Term:
    """Multiply by a number."""
    return mul(number(by), term)


def negative(term: Term) -> Term:
    """Negate."""
    return scaled(-1, term)


def mul(*factors: Term) -> Term:
    """Multiply matrices and scalars in this order."""
    coefficient, scalars, chain = Fraction(1), list[Term](), list[Term]()
    for factor in factors:
        if isinstance(factor, Number):
            coefficient *= factor.value
        elif isinstance(factor, Product) and (not factor.shape.is_scalar or not factor.chain):
            coefficient *= factor.coefficient
            scalars += factor.scalars
            chain += factor.chain
        elif isinstance(factor, Product):
            coefficient *= factor.coefficient
            scalars += [*factor.scalars, product(Fraction(1), (), factor.chain)]
        elif factor.shape.is_scalar:
            scalars.append(factor)
        else:
            chain.append(factor)
    return product(coefficient, tuple(scalars), _chained(chain))


def _chained(chain: list[Term]) -> tuple[Term, ...]:
    """Drop identities and multiply diagonals into columns."""
    kept: list[Term] = []
    for factor in reversed(chain):
        if isinstance(factor, Constant) and factor.kind == "eye" and len(chain) > 1:
            continue
        if isinstance(factor, Apply) and factor.function == "diag" and factor.arguments[0].shape.cols == ONE and kept:
            tail = product(Fraction(1), (), tuple(kept))
            if tail.shape.cols == ONE:
                kept = [hadamard(factor.arguments[0], tail)]
                continue
        kept.insert(0, factor)
    return tuple(kept) or tuple(chain[:1])


def product(coefficient: Fraction, scalars: tuple[Term, ...], chain: tuple[Term, ...]) -> Term:
    """Build a product from its parts."""
    shape = Shape(chain[0].shape.rows, chain[-1].shape.cols) if chain else SCALAR
    if coefficient == 0 or any(map(is_zero, (*scalars, *chain))):
        return zeros(shape)
    extra, flat = Fraction(1), list[Term]()
    for factor in chain:
        if isinstance(factor, Product) and not factor.shape.is_scalar:
            extra *= factor.coefficient
            scalars += factor.scalars
            flat += factor.chain
        else:
            flat.append(factor)
    if len(flat) > MAX_CHAIN:
        raise DlcalcError(f"a product of {len(flat):,} matrices", "use smaller powers")
    coefficient, chain = coefficient * extra, tuple(flat)
    if scalars:
        more, above, below = collected(scalars)
        coefficient, scalars = coefficient * more, tuple(_over(above, below))
    if not chain:  # one inner product among the scalars stands last, as on paper
        inside = next((s for s in scalars if isinstance(s, Product) and s.chain and s.coefficient == 1), None)
        if isinstance(inside, Product):
            scalars = (*(s for s in scalars if s is not inside), *inside.scalars)
            chain = inside.chain
    if not scalars and not chain:
        return number(coefficient)
    if coefficient == 1 and len(scalars) + len(chain) == 1:
        return (scalars or chain)[0]
    return Product(shape, coefficient, scalars, chain)


Collected = tuple[Fraction, list[Term], list[Term]]
"""A number, what stands above the line, what stands below it."""


def collected(factors: Iterable[Term]) -> Collected:
    """Put equal scalar (or element-wise) factors together as powers, those of quotients included; what cancels goes."""
    coefficient = Fraction(1)
    powers: dict[Term, Fraction] = {}
    waiting = [(factor, Fraction(1)) for factor in reversed(list(factors))]
    while waiting:
        factor, times = waiting.pop()
        whole = int(times) if times.denominator == 1 else None
        match factor:
            case Number(_, value) if whole is not None and value:
                coefficient *= value**whole
            case Quotient(_, top, bottom):
                waiting += [(bottom, -times), (top, times)]
            case Hadamard(_, inside):
                waiting += [(f, times) for f in reversed(inside)]
            case Product(_, number_, scalars, chain) if whole is not None and (scalars or number_ != 1):
                coefficient *= number_**whole
                waiting += [(product(Fraction(1), (), chain), times)] if chain else []
                waiting += [(f, times) for f in reversed(scalars)]
            case Power(_, base, Number(_, exponent)) if exponent.denominator == 1 and not isinstance(base, Number):
                waiting.append((base, times * exponent))
            case _ if not is_ones(factor):
                powers[factor] = powers.get(factor, Fraction(0)) + times
    above = [power(base, number(e)) for base, e in powers.items() if e > 0]
    below = [power(base, number(-e)) for base, e in powers.items() if e < 0]
    return coefficient, above, below


def hadamard(*factors: Term) -> Term:
    """Multiply entry by entry; scalars and numbers go to the front, quotients are put together."""
    shape = next((f.shape for f in factors if not f.shape.is_scalar), SCALAR)
    if any(map(is_zero, factors)):
        return zeros(shape)
    coefficient, above, below = collected(factors)
    scalars = _over([f for f in above if f.shape.is_scalar], [f for f in below if f.shape.is_scalar])
    tops, bottoms = ([f for f in side if not f.shape.is_scalar] for side in (above, below))
    body = _entries(tops, shape)
    if bottoms:
        body = Quotient(shape, body if tops else UNIT, _entries(bottoms, shape))
    return mul(number(coefficient), *scalars, body)


def _entries(factors: list[Term], shape: Shape) -> Term:
    if not factors:
        return ones(shape)
    return factors[0] if len(factors) == 1 else Hadamard(shape, tuple(factors))


def _over(above: list[Term], below: list[Term]) -> list[Term]:
    """Write scalar factors as factors, or as one quotient."""
    if not below:
        return above
    bottom = Product(SCALAR, Fraction(1), tuple(below), ()) if len(below) > 1 else below[0]
    top = Product(SCALAR, Fraction(1), tuple(above), ()) if len(above) > 1 else above[0] if above else UNIT
    return [Quotient(SCALAR, top, bottom)]


def divide(top: Term, bottom: Term) -> Term:
    """Divide entry by entry; what stands above and below the line cancels."""
    if isinstance(bottom, Number) and bottom.value:
        return scaled(1 / bottom.value, top)
    shape = bottom.shape if top.shape.is_scalar else top.shape
    if is_zero(top):
        return zeros(shape)
    if bottom.shape.is_scalar and not top.shape.is_scalar:
        return (
            mul(Quotient(SCALAR, UNIT, bottom), top)
            if not isinstance(bottom, Quotient)
            else mul(divide(UNIT, bottom), top)
        )
    return hadamard(top, Quotient(bottom.shape, UNIT, bottom))


def power(base: Term, exponent: Term) -> Term:
    """Raise every entry to a power."""
    if exponent == UNIT:
        return base
    if exponent == ZERO:
        return ones(base.shape)
    if isinstance(base, Power) and isinstance(base.exponent, Number) and isinstance(exponent, Number):
        whole = base.exponent.value * exponent.value
        if base.exponent.value.denominator == 1 == exponent.value.denominator:
            return power(base.base, number(whole))
    if isinstance(base, Number) and isinstance(exponent, Number) and exponent.value.denominator == 1:
        short = power_bits(base.value, exponent.value) <= MAX_POWER_BITS
        if short and (base.value or exponent.value > 0):
            return number(base.value ** int(exponent.value))
    return Power(base.shape, base, exponent)


def transpose(term: Term) -> Term:  # noqa: PLR0911 (a return per node)
    """Transpose; products are turned around, scalars stay."""
    if term.shape.is_scalar:
        return term
    if isinstance(term, Transpose):
        return term.of
    if isinstance(term, Product):
        return product(term.coefficient, term.scalars, tuple(transpose(f) for f in reversed(term.chain)))
    if isinstance(term, Constant):
        return replace(term, shape=term.shape.transposed)
    if isinstance(term, Apply) and term.function == "diag" and term.shape.cols != ONE:
        return term
    if isinstance(term, Sum) and any(t.shape.is_scalar or isinstance(t, Transpose) for t in term.terms):
        return add(*(transpose(t) for t in term.terms))
    return Transpose(term.shape.transposed, term)


def inner(left: Term, right: Term) -> Term:  # noqa: PLR0911 (a return per pair of shapes)
    """Add up the products of the entries of two terms of one shape (either may be a scalar, standing for all)."""
    if left.shape.is_scalar and right.shape.is_scalar:
        return mul(left, right)
    if left.shape.is_scalar or right.shape.is_scalar:
        scalar, other = (left, right) if left.shape.is_scalar else (right, left)
        return mul(scalar, total(other))
    if is_ones(left) or is_ones(right):
        return total(right if is_ones(left) else left)
    if any(isinstance(f, Hadamard | Quotient) for f in (split(left)[1], split(right)[1])):
        return total(hadamard(left, right))
    if left.shape.cols == ONE:
        return mul(transpose(left), right)
    if left.shape.rows == ONE:
        return mul(left, transpose(right))
    return total(hadamard(left, right))


def total(term: Term) -> Term:
    """Add all entries up."""
    if term.shape.is_scalar:
        return term
    if isinstance(term, Sum):
        shape = term.shape
        return add(*(total(t) if not t.shape.is_scalar else mul(t, size(shape)) for t in term.terms))
    coefficient, body = split(term)
    if isinstance(body, Product) and body.scalars:
        return mul(number(coefficient), *body.scalars, total(product(Fraction(1), (), body.chain)))
    if is_ones(body):
        return mul(number(coefficient), size(body.shape))
    if is_zero(body):
        return ZERO
    return scaled(coefficient, Apply(SCALAR, "sum", (body,)))


def along(term: Term, axis: int | None) -> Term:
    """Add entries up over the rows (axis 0), the columns (axis 1) or both; factors go to the front."""
    shape = Shape(ONE, term.shape.cols) if axis == 0 else Shape(term.shape.rows, ONE)
    if axis is None or shape.is_scalar:
        return total(term)
    if shape == term.shape:
        return term
    coefficient, body = split(term)
    if isinstance(body, Product) and body.scalars:
        return mul(number(coefficient), *body.scalars, along(product(Fraction(1), (), body.chain), axis))
    return zeros(shape) if is_zero(body) else scaled(coefficient, Apply(shape, "sum", (body,), axis))


def spread(reduced: Term, shape: Shape, axis: int | None) -> Term:
    """Repeat what was reduced along an axis over that axis again."""
    if axis is None:
        return mul(reduced, Constant(shape, "ones")) if not shape.is_scalar else reduced
    if axis == 0:
        return mul(Constant(Shape(shape.rows, ONE), "ones"), reduced) if shape.rows != ONE else reduced
    return mul(reduced, Constant(Shape(ONE, shape.cols), "ones")) if shape.cols != ONE else reduced


def size(shape: Shape) -> Term:
    """Return how many entries a matrix of this shape has."""
    return mul(length(shape.rows), length(shape.cols))


def length(dim: Dim) -> Term:
    """Return a length as a number."""
    return Length(SCALAR, dim) if dim.parts else number(dim.constant)


@cache
def _parts_of(kind: Hashable) -> tuple[str, ...]:
    """Name the fields of a kind of node that may hold terms."""
    return tuple(f.name for f in fields(cast("type[Term]", kind)) if f.name in _HOLDING)


_HOLDING = {
    "terms",
    "scalars",
    "chain",
    "factors",
    "top",
    "bottom",
    "base",
    "exponent",
    "of",
    "arguments",
    "left",
    "right",
    "rows",
}


def children(term: Term) -> tuple[Term, ...]:
    """Return the direct parts of a term."""
    found: list[Term] = []
    for name in _parts_of(cast("Hashable", type(term))):
        value = getattr(term, name)
        if isinstance(value, Term):
            found.append(value)
        elif isinstance(term, Grid):
            found += [cell for row in term.rows for cell in row]
        elif name != "rows":
            found += value
    return tuple(found)


def walk(term: Term) -> Iterator[Term]:
    """Yield a term and everything below it."""
    waiting = [term]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += children(node)


def names(term: Term) -> frozenset[str]:
    """Return the names that occur."""
    return frozenset(node.name for node in walk(term) if isinstance(node, Name))


def weight(term: Term) -> int:
    """Count the nodes of a term."""
    return sum(1 for _ in walk(term))


def rebuilt(term: Term, change: Callable[[Term], Term]) -> Term:  # noqa: C901, PLR0911 (a case per node)
    """Change the direct parts of a term and bring the whole into normal form."""
    match term:
        case Sum(_, terms):
            return add(*map(change, terms))
        case Product(_, coefficient, scalars, chain):
            return mul(number(coefficient), *map(change, scalars), *map(change, chain))
        case Hadamard(_, factors):
            return hadamard(*map(change, factors))
        case Quotient(_, top, bottom):
            return divide(change(top), change(bottom))
        case Power(_, base, exponent):
            return power(change(base), change(exponent))
        case Transpose(_, of):
            return transpose(change(of))
        case Inverse(shape, of):
            return Inverse(shape, change(of))
        case Apply(shape, function, arguments, axis):
            changed = tuple(map(change, arguments))
            return along(changed[0], axis) if function == "sum" else Apply(shape, function, changed, axis)
        case Compare(shape, relation, left, right):
            return Compare(shape, relation, change(left), change(right))
        case Part(shape, of, rows, cols):
            return Part(shape, change(of), rows, cols)
        case Grid(shape, rows):
            return Grid(shape, tuple(tuple(map(change, row)) for row in rows))
    return term


def put_in(term: Term, values: Mapping[str, Term]) -> Term:
    """Put terms in the place of names."""
    if isinstance(term, Name):
        return values.get(term.name, term)
    return rebuilt(term, lambda part: put_in(part, values))


def put_names(term: Term, known: Mapping[Term, Term]) -> Term:
    """Put names in the place of the terms that they stand for."""
    found = known.get(term)
    return found if found is not None else rebuilt(term, lambda part: put_names(part, known))


def rows_of(shape: Shape) -> tuple[Dim, Dim]:
    """Return the range of all rows."""
    return (ONE, shape.rows)


def cols_of(shape: Shape) -> tuple[Dim, Dim]:
    """Return the range of all columns."""
    return (ONE, shape.cols)


def part(of: Term, rows: tuple[Dim, Dim], cols: tuple[Dim, Dim]) -> Term:
    """Take a part of a matrix; all of it is the matrix itself."""
    if rows == rows_of(of.shape) and cols == cols_of(of.shape):
        return of
    shape = Shape(rows[1].plus(rows[0], -1).plus(ONE), cols[1].plus(cols[0], -1).plus(ONE))
    return Part(shape, of, rows, cols)


def placed(term: Term, inside: Shape, rows: tuple[Dim, Dim], cols: tuple[Dim, Dim]) -> Term:
    """Put a block into a matrix of zeros: the inverse of `part`."""
    sides = [
        (rows[0].plus(ONE, -1), rows[1].plus(rows[0], -1).plus(ONE), inside.rows.plus(rows[1], -1)),
        (cols[0].plus(ONE, -1), cols[1].plus(cols[0], -1).plus(ONE), inside.cols.plus(cols[1], -1)),
    ]
    nothing = Dim()
    grid = tuple(
        tuple(term if (i, j) == (1, 1) else zeros(Shape(r, c)) for j, c in enumerate(sides[1]) if c != nothing)
        for i, r in enumerate(sides[0])
        if r != nothing
    )
    return term if len(grid) == len(grid[0]) == 1 else Grid(inside, grid)
