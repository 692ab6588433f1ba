"""Evaluation of expressions: one walk; what differs between kinds of numbers is a method of `Arithmetic`."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import inf, isinf
from operator import add, mul
from typing import TYPE_CHECKING, Any, ClassVar

from dlcalc.notation.expression import (
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Formula,
    Infinity,
    Limit,
    Mul,
    Num,
    Pow,
    Real,
    Sum,
    Sym,
    names,
    power_bits,
)
from dlcalc.notation.functions import PLAIN_ARITHMETIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_BITS = 10_000
"""Exact values are kept up to this many bits; a longer one goes on as a float."""
MAX_TERMS = 10_000
"""Terms of a sum, those of the sums inside it included."""
TERMS = "#"
"""Where a point remembers how many terms the sums around have; no name is spelled like this."""

# ruff: noqa: ANN401 (values are exact fractions, floats, arrays or high-precision numbers)


class Arithmetic:
    """Python numbers: exact fractions for as long as the operations allow, floats afterwards.

    A point maps every free name to a number, and every sequence to a tuple of its entries.
    """

    functions: ClassVar[Mapping[str, Callable[..., Any]]] = PLAIN_ARITHMETIC

    def value(self, node: Expr, point: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 (a case per node)
        """Compute an expression at a point."""
        match node:
            case Num(value):
                return self.number(value)
            case Sym(name):
                return self.name(name, point)
            case Add(terms):
                return self.folded(add, (self.value(t, point) for t in terms))
            case Mul(factors):
                return self.folded(mul, (self.value(f, point) for f in factors))
            case Div(numerator, denominator):
                return self.kept(self.value(numerator, point) / self.value(denominator, point))
            case Pow(base, exponent):
                return self.power(self.value(base, point), self.value(exponent, point))
            case Entry(base, index):
                return self.entry(base, self.value(index, point), point)
            case Call():
                return self.call(node, point)
            case Sum():
                return self.total(node, point)
            case Limit():
                return self.limit(node, point)
            case Real(value):
                return value
            case Infinity():
                return inf
            case Formula():
                raise ValueError(node)
        raise TypeError(node)

    def folded(self, operation: Callable[[Any, Any], Any], values: Iterable[Any]) -> Any:
        """Add up or multiply values, each intermediate one kept within bounds."""
        return reduce(lambda found, value: self.kept(operation(found, value)), values)

    def kept(self, value: Any) -> Any:
        """Keep an exact value as it is while it is short; go on with a float otherwise."""
        if not isinstance(value, Fraction):
            return value
        bits = max(value.numerator.bit_length(), value.denominator.bit_length())
        return value if bits <= MAX_BITS else float(value)

    def number(self, value: Fraction) -> Any:
        """Take an exact number in."""
        return value

    def name(self, name: str, point: Mapping[str, Any]) -> Any:
        """Look up a symbol or a whole sequence."""
        return point[name]

    def entry(self, base: str, index: Any, point: Mapping[str, Any]) -> Any:
        """Look up an entry of a sequence, counted from 1."""
        if index != int(index) or not 1 <= index <= len(point[base]):
            raise IndexError(base)
        return point[base][int(index) - 1]

    def power(self, base: Any, exponent: Any) -> Any:
        """Raise to a power, exactly where both are rational, the exponent is whole and the result is not huge."""
        whole = isinstance(base, int | Fraction) and Fraction(exponent).denominator == 1
        if whole and power_bits(Fraction(base), Fraction(exponent)) < MAX_BITS:
            return Fraction(base) ** int(exponent)
        if whole:
            return _rounded_power(Fraction(base), int(exponent))
        raised = float(base) ** float(exponent)
        if isinstance(raised, complex):
            raise ValueError(base)  # noqa: TRY004 (a root of a negative number, not a wrong type)
        return raised

    def call(self, node: Call, point: Any) -> Any:
        """Apply a function; a sequence stands for all its entries."""
        arguments: list[Any] = []
        for argument in node.arguments:
            value = self.value(argument, point)
            arguments.extend(value if isinstance(value, tuple) else (value,))
        return self.functions[node.function](*arguments)

    def total(self, node: Sum, point: Mapping[str, Any]) -> Any:
        """Add the body up over the index."""
        lower, upper = self.value(node.lower, point), self.value(node.upper, point)
        if int(lower) != lower or int(upper) != upper:
            raise ValueError(node)
        terms = point.get(TERMS, 1) * max(1, int(upper) - int(lower) + 1)
        if terms > MAX_TERMS:
            raise OverflowError
        each = ({**point, TERMS: terms, node.index: Fraction(k)} for k in range(int(lower), int(upper) + 1))
        return self.folded(add, (self.number(Fraction(0)), *(self.value(node.body, at) for at in each)))

    def limit(self, node: Limit, point: Any) -> Any:  # noqa: ARG002 (the checks have the digits that a limit takes)
        """Find what the body tends to; plain numbers have too few digits to say."""
        raise ValueError(node)


def _rounded_power(base: Fraction, exponent: int) -> float:
    """Raise to a large whole power and round once; a float's power would multiply the error of its base."""
    from decimal import Context

    context = Context(prec=50, traps=[])
    rounded = float(context.power(context.divide(base.numerator, base.denominator), exponent))
    if isinf(rounded):
        raise OverflowError
    return rounded


PLAIN = Arithmetic()


def approximate(node: Expr) -> float | None:
    """Compute an expression without free names as a float; None where names remain or floats cannot hold it."""
    if names(node):
        return None
    try:
        value = float(PLAIN.value(node, {}))
    except (ArithmeticError, ValueError):
        return None
    return value if abs(value) < float("inf") else None
