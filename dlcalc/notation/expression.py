"""Scalar expressions of the exam notation: frozen nodes and the constructors that fold exact numbers.

Arithmetic on expressions (`a + b`, `a / 2`) folds what is exact and leaves the rest as written; the node
classes themselves fold nothing, which is how a derivation shows `(7·7·3 + 1)·16` before it shows 2368.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import count
from math import isqrt
from operator import add as plus
from operator import mul as times
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_POWER_BITS = 13_000
"""Exact numbers are computed up to this many bits; what would be longer stays as written.

Below Python's own limit for digits, and below what the notation reads in one number.
"""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Num(Expr):
    """An exact number."""

    value: Fraction


@dataclass(frozen=True)
class Sym(Expr):
    """A name, in its canonical spelling (`alpha`, `W1`, `y_hat`)."""

    name: str


@dataclass(frozen=True)
class Entry(Expr):
    """An entry of a sequence, counted from 1: `g[k]`."""

    base: str
    index: Expr


@dataclass(frozen=True)
class Add(Expr):
    """A sum of two terms or more."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True)
class Mul(Expr):
    """A product of two factors or more."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True)
class Div(Expr):
    """A quotient, kept as written."""

    numerator: Expr
    denominator: Expr


@dataclass(frozen=True)
class Pow(Expr):
    """A power."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True)
class Call(Expr):
    """A function of the table in `functions`, applied."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class Sum(Expr):
    """`sum(k, lower, upper, body)`: the body added up for k = lower, …, upper (nothing when upper < lower)."""

    index: str
    lower: Expr
    upper: Expr
    body: Expr


@dataclass(frozen=True)
class Real(Expr):
    """A number that was computed with floats."""

    value: float


@dataclass(frozen=True)
class Formula(Expr):
    """What another part of dlcalc has written, such as a matrix expression; it has no value of its own here."""

    plain: str
    unicode: str
    latex: str


@dataclass(frozen=True)
class Relation:
    """Two expressions compared: `=`, `!=`, `<`, `<=`, `>`, `>=`."""

    left: Expr
    relation: str
    right: Expr


def number(value: int | Fraction) -> Num:
    """Wrap an exact number; a float is none."""
    if isinstance(value, float):
        message = f"{value!r} is not exact: give a Fraction, or the text {str(value)!r}"
        raise TypeError(message)
    return Num(Fraction(value))


ZERO, ONE, MINUS_ONE = number(0), number(1), number(-1)


def expr(value: Operand) -> Expr:
    """Wrap a whole number or fraction; leave an expression as it is."""
    return value if isinstance(value, Expr) else number(value)


def fits(value: Fraction) -> bool:
    """Say whether an exact number is short enough to be computed, printed and read again."""
    return max(value.numerator.bit_length(), value.denominator.bit_length()) <= MAX_POWER_BITS


def _combined(
    operation: Callable[[Fraction, Fraction], Fraction], found: Fraction, values: Iterable[Fraction]
) -> Fraction | None:
    """Add or multiply exact numbers; None where the result would be too long."""
    for value in values:
        found = operation(found, value)
        if not fits(found):
            return None
    return found


def add(*terms: Expr) -> Expr:
    """Add, flattening nested sums and folding the exact numbers into the first of them."""
    flat = [t for term in terms for t in (term.terms if isinstance(term, Add) else (term,))]
    constant = _combined(plus, Fraction(0), (t.value for t in flat if isinstance(t, Num)))
    if constant is None:
        return flat[0] if len(flat) == 1 else Add(tuple(flat))
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
    if ZERO in flat:
        return ZERO
    coefficient = _combined(times, Fraction(1), (f.value for f in flat if isinstance(f, Num)))
    if coefficient is None:
        return flat[0] if len(flat) == 1 else Mul(tuple(flat))
    kept = [f for f in flat if not isinstance(f, Num)]
    if coefficient != 1 or not kept:
        kept.insert(0, Num(coefficient))
    return kept[0] if len(kept) == 1 else Mul(tuple(kept))


def div(numerator: Expr, denominator: Expr) -> Expr:
    """Divide; exact numbers fold and cancel, a division by exactly zero is an error.

    >>> print(div(4 * Sym("n"), number(2)), div(2 * Sym("n"), number(4)))
    2*n n/2
    """
    if denominator == ZERO:
        raise DlcalcError(f"division by zero in ({numerator})/0", "give a denominator that is not 0")
    if numerator == ZERO or denominator == ONE:
        return numerator
    first, *others = numerator.factors if isinstance(numerator, Mul) else (numerator,)
    if not isinstance(denominator, Num):
        negative = isinstance(first, Num) and first.value < 0
        return -Div(-numerator, denominator) if negative else Div(numerator, denominator)
    if not isinstance(first, Num):
        return Div(numerator, denominator)
    quotient = first.value / denominator.value
    if not fits(quotient):
        return Div(numerator, denominator)
    if not others or not _whole(first, denominator) or quotient.denominator == 1:
        return mul(Num(quotient), *others)
    positive = Div(mul(number(abs(quotient.numerator)), *others), number(quotient.denominator))
    return -positive if quotient < 0 else positive


def _whole(*values: Num) -> bool:
    return all(n.value.denominator == 1 for n in values)


def unfolded(node: Expr) -> bool:
    """Say whether exact numbers stand side by side in a node because their value would be too long."""
    if isinstance(node, Add | Mul):
        return sum(isinstance(child, Num) for child in children(node)) > 1
    if isinstance(node, Pow):
        whole = isinstance(node.exponent, Num) and _whole(node.exponent)
        return isinstance(node.base, Num) and whole
    return isinstance(node, Div) and all(isinstance(child, Num) for child in children(node))


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
    if base == 0:
        return base
    if exponent.denominator == 1:
        if power_bits(base, exponent) > MAX_POWER_BITS and base not in {0, 1, -1}:
            return None
        return base ** int(exponent) if base != -1 else Fraction(1 if exponent % 2 == 0 else -1)
    root = exact_root(base) if exponent.denominator == 2 else None  # noqa: PLR2004 (a square root)
    return None if root is None else _exact_power(root, exponent * 2)


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


def height(node: Expr) -> int:
    """Count the levels of an expression, without recursion.

    >>> height(1 + 2 * Sym("a"))
    3
    """
    levels = 0
    level = [node]
    while level:
        levels += 1
        level = [child for above in level for child in children(above)]
    return levels


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


def rebuilt(node: Expr, change: Callable[[Expr], Expr]) -> Expr:  # noqa: PLR0911 (a return per node)
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
    """Put expressions in the place of free names, as written: nothing is folded.

    >>> print(substitute(Sum("k", ONE, Sym("n"), Sym("a") ** Sym("k")), {"n": Sym("t"), "a": Sym("k")}))
    sum(k1, 1, t, k^k1)
    """
    if isinstance(node, Sym):
        return values.get(node.name, node)
    if not isinstance(node, Sum):
        return rebuilt(node, lambda child: substitute(child, values))
    lower, upper = substitute(node.lower, values), substitute(node.upper, values)
    inner = {name: value for name, value in values.items() if name in names(node.body) and name != node.index}
    taken = frozenset[str]().union(*map(names, inner.values()))
    index, body = node.index, node.body
    if index in taken:  # the index is renamed, or it would capture the name that is put in
        index = next(fresh for n in count(1) if (fresh := f"{node.index}{n}") not in taken | names(body))
        body = substitute(body, {node.index: Sym(index)})
    return Sum(index, lower, upper, substitute(body, inner))


def fold(node: Expr) -> Expr:
    """Rebuild with the folding constructors: everything exact is computed."""
    from dlcalc.notation.functions import call

    node = rebuilt(node, fold)
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
