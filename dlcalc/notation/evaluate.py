"""Evaluation of expressions: one walk; what differs between kinds of numbers is a method of `Arithmetic`."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from operator import add, mul
from typing import TYPE_CHECKING, Any

from dlcalc.notation.expression import Add, Call, Div, Entry, Expr, Mul, Num, Pow, Sum, Sym, names, power_bits
from dlcalc.notation.functions import PLAIN_ARITHMETIC

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BITS = 100_000
MAX_TERMS = 10_000

# ruff: noqa: ANN401 (values are exact fractions, floats, arrays or high-precision numbers)


class Arithmetic:
    """Python numbers: exact fractions for as long as the operations allow, floats afterwards.

    A point maps every free name to a number, and every sequence to a tuple of its entries.
    """

    functions = PLAIN_ARITHMETIC

    def value(self, node: Expr, point: Any) -> Any:
        """Compute an expression at a point."""
        match node:
            case Num(value):
                return self.number(value)
            case Sym(name):
                return self.name(name, point)
            case Add(terms):
                return reduce(add, (self.value(t, point) for t in terms))
            case Mul(factors):
                return reduce(mul, (self.value(f, point) for f in factors))
            case Div(numerator, denominator):
                return self.value(numerator, point) / self.value(denominator, point)
            case Pow(base, exponent):
                return self.power(self.value(base, point), self.value(exponent, point))
            case Entry(base, index):
                return self.entry(base, self.value(index, point), point)
            case Call():
                return self.call(node, point)
            case Sum():
                return self.total(node, point)
        raise TypeError(node)

    def number(self, value: Fraction) -> Any:
        """Take an exact number in."""
        return value

    def name(self, name: str, point: Mapping[str, Any]) -> Any:
        """Look up a symbol or a whole sequence."""
        return point[name]

    def entry(self, base: str, index: Any, point: Mapping[str, Any]) -> Any:
        """Look up an entry of a sequence, counted from 1."""
        if not 1 <= index <= len(point[base]):
            raise IndexError(base)
        return point[base][int(index) - 1]

    def power(self, base: Any, exponent: Any) -> Any:
        """Raise to a power, exactly where both are rational, the exponent is whole and the result is not huge."""
        whole = isinstance(base, int | Fraction) and Fraction(exponent).denominator == 1
        if whole and power_bits(Fraction(base), Fraction(exponent)) < MAX_BITS:
            return Fraction(base) ** int(exponent)
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
        lower, upper = int(self.value(node.lower, point)), int(self.value(node.upper, point))
        if upper - lower > MAX_TERMS:
            raise OverflowError
        terms = (self.value(node.body, {**point, node.index: Fraction(k)}) for k in range(lower, upper + 1))
        return sum(terms, self.number(Fraction(0)))


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
