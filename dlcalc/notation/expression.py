"""Scalar expressions of the exam notation: frozen nodes and the constructors that fold exact numbers.

Arithmetic on expressions (`a + b`, `a / 2`) folds what is exact and leaves the rest as written; the node
classes themselves fold nothing, which is how a derivation shows `(7·7·3 + 1)·16` before it shows 2368.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from functools import reduce
from math import isqrt
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_POWER_BITS = 20_000
"""Exact powers are computed up to this many bits; beyond it a power stays unevaluated."""


@dataclass(frozen=True, slots=True)
class Expr:
    """Any expression; the operators build folded expressions."""

    def __add__(self, other: Operand) -> Expr:
        """Add."""
        return add(self, expr(other))

    def __radd__(self, other: Operand) -> Expr:
        """Add."""
        return add(expr(other), self)

    def __sub__(self, other: Operand) -> Expr:
        """Subtract."""
        return add(self, -expr(other))

    def __rsub__(self, other: Operand) -> Expr:
        """Subtract."""
        return add(expr(other), -self)

    def __mul__(self, other: Operand) -> Expr:
        """Multiply."""
        return mul(self, expr(other))

    def __rmul__(self, other: Operand) -> Expr:
        """Multiply."""
        return mul(expr(other), self)

    def __truediv__(self, other: Operand) -> Expr:
        """Divide."""
        return div(self, expr(other))

    def __rtruediv__(self, other: Operand) -> Expr:
        """Divide."""
        return div(expr(other), self)

    def __pow__(self, other: Operand) -> Expr:
        """Raise to a power."""
        return power(self, expr(other))

    def __neg__(self) -> Expr:
        """Negate."""
        return mul(MINUS_ONE, self)

    def __str__(self) -> str:
        """Give the plain text, which parses to an expression of the same value."""
        from dlcalc.notation.printing import plain

        return plain(self)


Operand = Expr | int | Fraction


@dataclass(frozen=True, slots=True)
class Num(Expr):
    """An exact number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Sym(Expr):
    """A name, in its canonical spelling (`alpha`, `W1`, `y_hat`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Entry(Expr):
    """An entry of a sequence, counted from 1: `g[k]`."""

    base: str
    index: Expr


@dataclass(frozen=True, slots=True)
class Add(Expr):
    """A sum of two terms or more."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Mul(Expr):
    """A product of two factors or more."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Div(Expr):
    """A quotient, kept as written."""

    numerator: Expr
    denominator: Expr


@dataclass(frozen=True, slots=True)
class Pow(Expr):
    """A power."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A function of the table in `functions`, applied."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Sum(Expr):
    """`sum(k, lower, upper, body)`: the body added up for k = lower, …, upper (nothing when upper < lower)."""

    index: str
    lower: Expr
    upper: Expr
    body: Expr


@dataclass(frozen=True, slots=True)
class Relation:
    """Two expressions compared: `=`, `!=`, `<`, `<=`, `>`, `>=`."""

    left: Expr
    relation: str
    right: Expr


def number(value: int | Fraction) -> Num:
    """Wrap an exact number."""
    return Num(Fraction(value))


ZERO, ONE, MINUS_ONE = number(0), number(1), number(-1)


def expr(value: Operand) -> Expr:
    """Wrap a whole number or fraction; leave an expression as it is."""
    return value if isinstance(value, Expr) else number(value)


def add(*terms: Expr) -> Expr:
    """Add, flattening nested sums and folding the exact numbers into the first of them."""
    flat = [t for term in terms for t in (term.terms if isinstance(term, Add) else (term,))]
    constant = sum((t.value for t in flat if isinstance(t, Num)), Fraction(0))
    kept: list[Expr] = []
    placed = constant == 0
    for term in flat:
        if not isinstance(term, Num):
            kept.append(term)
        elif not placed:
            kept.append(Num(constant))
            placed = True
    return kept[0] if len(kept) == 1 else Add(tuple(kept)) if kept else ZERO


def mul(*factors: Expr) -> Expr:
    """Multiply, flattening nested products and collecting the exact numbers into one leading coefficient."""
    flat = [f for factor in factors for f in (factor.factors if isinstance(factor, Mul) else (factor,))]
    coefficient = reduce(lambda a, b: a * b, (f.value for f in flat if isinstance(f, Num)), Fraction(1))
    kept = [f for f in flat if not isinstance(f, Num)]
    if coefficient == 0 or not kept:
        return Num(coefficient)
    if coefficient != 1:
        kept.insert(0, Num(coefficient))
    return kept[0] if len(kept) == 1 else Mul(tuple(kept))


def div(numerator: Expr, denominator: Expr) -> Expr:
    """Divide; exact numbers fold, a division by exactly zero is an error."""
    if denominator == ZERO:
        raise DlcalcError(f"division by zero in ({numerator})/0", "give a denominator that is not 0")
    if isinstance(denominator, Num):
        if isinstance(numerator, Num):
            return Num(numerator.value / denominator.value)
        if denominator == ONE:
            return numerator
        if isinstance(numerator, Mul) and isinstance(numerator.factors[0], Num):
            return mul(Num(numerator.factors[0].value / denominator.value), *numerator.factors[1:])
    return ZERO if numerator == ZERO else Div(numerator, denominator)


def power(base: Expr, exponent: Expr) -> Expr:
    """Raise to a power; exact while the result stays below `MAX_POWER_BITS`."""
    if exponent == ZERO or base == ONE:
        return ONE
    if exponent == ONE:
        return base
    if isinstance(base, Num) and isinstance(exponent, Num):
        folded = _exact_power(base.value, exponent.value)
        if folded is not None:
            return Num(folded)
    return Pow(base, exponent)


def power_bits(base: Fraction, exponent: Fraction) -> int:
    """Bound the number of bits of a power with a whole exponent, without computing it."""
    size = max(abs(base.numerator), base.denominator).bit_length() if abs(base) != 1 else 1
    return size * int(abs(exponent))


def _exact_power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if base == 0 and exponent < 0:
        raise DlcalcError(f"division by zero in 0^({exponent})", "give a base that is not 0")
    if exponent.denominator == 1:
        if power_bits(base, exponent) > MAX_POWER_BITS and base not in {0, 1, -1}:
            return None
        return base ** int(exponent) if base != -1 else Fraction(1 if exponent % 2 == 0 else -1)
    if exponent.denominator == 2 and base >= 0:  # noqa: PLR2004 (a square root)
        root = exact_root(base)
        return None if root is None else _exact_power(root, exponent * 2)
    return None


def exact_root(value: Fraction) -> Fraction | None:
    """Return the square root of a perfect square of a fraction, else None.

    >>> exact_root(Fraction(9, 4))
    Fraction(3, 2)
    """
    if value < 0:
        return None
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    return Fraction(top, bottom) if Fraction(top, bottom) ** 2 == value else None


def children(node: Expr) -> tuple[Expr, ...]:
    """Return the direct sub-expressions."""
    found: list[Expr] = []
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Expr):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(v for v in value if isinstance(v, Expr))
    return tuple(found)


def walk(node: Expr) -> Iterator[Expr]:
    """Yield the expression and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def names(node: Expr) -> frozenset[str]:
    """Return the free names: symbols and sequences, without the indices that sums bind.

    >>> sorted(names(Sum("k", ONE, Sym("t"), Entry("g", Sym("k")))))
    ['g', 't']
    """
    if isinstance(node, Sym):
        return frozenset({node.name})
    if isinstance(node, Sum):
        return names(node.lower) | names(node.upper) | (names(node.body) - {node.index})
    below = frozenset[str]().union(*(names(child) for child in children(node)))
    return below | {node.base} if isinstance(node, Entry) else below


def _rebuilt(node: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Apply `change` to the direct sub-expressions, folding nothing."""
    if isinstance(node, Entry):
        return Entry(node.base, change(node.index))
    if isinstance(node, Add):
        return Add(tuple(change(t) for t in node.terms))
    if isinstance(node, Mul):
        return Mul(tuple(change(f) for f in node.factors))
    if isinstance(node, Div):
        return Div(change(node.numerator), change(node.denominator))
    if isinstance(node, Pow):
        return Pow(change(node.base), change(node.exponent))
    if isinstance(node, Call):
        return Call(node.function, tuple(change(a) for a in node.arguments))
    if isinstance(node, Sum):
        return Sum(node.index, change(node.lower), change(node.upper), change(node.body))
    return node


def substitute(node: Expr, values: Mapping[str, Expr]) -> Expr:
    """Put expressions in the place of free names, as written: nothing is folded."""
    if isinstance(node, Sym):
        return values.get(node.name, node)
    if isinstance(node, Sum) and node.index in values:
        values = {name: value for name, value in values.items() if name != node.index}
    return _rebuilt(node, lambda child: substitute(child, values))


def fold(node: Expr) -> Expr:
    """Rebuild with the folding constructors: everything exact is computed."""
    from dlcalc.notation.functions import call

    node = _rebuilt(node, fold)
    if isinstance(node, Add):
        return add(*node.terms)
    if isinstance(node, Mul):
        return mul(*node.factors)
    if isinstance(node, Div):
        return div(node.numerator, node.denominator)
    if isinstance(node, Pow):
        return power(node.base, node.exponent)
    if isinstance(node, Call):
        return call(node.function, *node.arguments)
    return node
