"""Plain Python: terms on given numbers, exact fractions for as long as the functions are rational.

A value is a list of rows. Needs neither NumPy nor SymPy, so that a numeric answer starts at once.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.calculus.dims import ONE
from dlcalc.calculus.functions import ELEMENTWISE
from dlcalc.calculus.printing import unicode
from dlcalc.calculus.terms import (
    Apply,
    Compare,
    Constant,
    Grid,
    Hadamard,
    Inverse,
    Length,
    Name,
    Number,
    Part,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
    Transpose,
)
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import exact_root
from dlcalc.notation.functions import FUNCTIONS, logsumexp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Scalar = Fraction | float
Matrix = list[list[Scalar]]

# ruff: noqa: ANN401 (exact numbers or floats)


RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
MAX_ENTRIES = 1_000_000
"""Entries of a constant matrix."""
MAX_EXACT_SIZE = 30
"""Rows up to which a matrix is inverted in fractions; a larger one in floats."""
_SPELLED = {"maximum": "max", "minimum": "min"}


class Exact:
    """Evaluates terms at given numbers; remembers which functions met a kink."""

    def __init__(self, lengths: Mapping[str, int]) -> None:
        """Take the lengths of the axes."""
        self.lengths = lengths
        self.kinks: dict[str, None] = {}

    def value(self, term: Term, names: Mapping[str, Matrix]) -> Matrix:
        """Evaluate a term.

        Raises DlcalcError where it has no value at these numbers.
        """
        try:
            found = self._value(term, names)
        except OverflowError:
            raise DlcalcError(
                f"{unicode(term)} is too large to compute at the given data", "use smaller numbers"
            ) from None
        except ZeroDivisionError:
            raise DlcalcError(f"{unicode(term)} divides by zero at the given data", "change the data") from None
        return [[PLAIN.kept(entry) for entry in row] for row in found]

    def size(self, term: Term) -> tuple[int, int]:
        """Return rows and columns in numbers."""
        return term.shape.rows.value(self.lengths), term.shape.cols.value(self.lengths)

    def _value(self, term: Term, names: Mapping[str, Matrix]) -> Matrix:  # noqa: C901, PLR0911, PLR0912 (a case per node)
        match term:
            case Number(_, value):
                return [[value]]
            case Name(_, name):
                return names[name]
            case Length(_, dim):
                return [[Fraction(dim.value(self.lengths))]]
            case Constant(_, "pi"):
                return [[math.pi]]
            case Constant(_, kind):
                rows, cols = self.size(term)
                if rows * cols > MAX_ENTRIES:
                    raise DlcalcError(f"{unicode(term)} has {rows * cols:,} entries", "use smaller lengths")
                ones = Fraction(int(kind == "ones"))
                return [[Fraction(int(i == j)) if kind == "eye" else ones for j in range(cols)] for i in range(rows)]
            case Sum(_, terms):
                return self._folded(lambda a, b: a + b, [self._value(t, names) for t in terms])
            case Hadamard(_, factors):
                return self._folded(lambda a, b: a * b, [self._value(f, names) for f in factors])
            case Product(_, coefficient, scalars, chain):
                front: Scalar = coefficient
                for scalar in scalars:
                    front = front * self._value(scalar, names)[0][0]
                if not chain:
                    return [[front]]
                body = self._value(chain[-1], names)
                for factor in reversed(chain[:-1]):
                    body = _multiplied(self._value(factor, names), body)
                return [[front * entry for entry in row] for row in body]
            case Quotient(_, top, bottom):
                return self._folded(lambda a, b: a / b, [self._value(top, names), self._value(bottom, names)])
            case Power(_, Apply(_, "norm", arguments), Number(_, exponent)) if exponent == 2:  # noqa: PLR2004 (a square)
                return [
                    [sum((entry * entry for row in self._value(arguments[0], names) for entry in row), Fraction(0))]
                ]
            case Power(_, base, exponent):
                raised = self._value(exponent, names)[0][0]
                return [[_power(entry, raised, term) for entry in row] for row in self._value(base, names)]
            case Transpose(_, of):
                return [list(column) for column in zip(*self._value(of, names), strict=True)]
            case Inverse(_, of):
                return _solved(self._value(of, names), of)
            case Compare(_, relation, left, right):
                holds = RELATIONS[relation]
                return self._folded(
                    lambda a, b: Fraction(int(holds(a, b))), [self._value(left, names), self._value(right, names)]
                )
            case Part(_, of, rows, cols):
                (first, last), (start, stop) = ((a.value(self.lengths), b.value(self.lengths)) for a, b in (rows, cols))
                return [row[start - 1 : stop] for row in self._value(of, names)[first - 1 : last]]
            case Grid(_, rows):
                return self._grid(rows, names)
            case Apply():
                return self._apply(term, names)
        raise TypeError(term)

    def _folded(self, operation: Callable[[Any, Any], Any], values: Sequence[Matrix]) -> Matrix:
        """Combine matrices entry by entry; one number goes with every entry."""
        out = values[0]
        for value in values[1:]:
            rows, cols = max(len(out), len(value)), max(len(out[0]), len(value[0]))
            out = [[operation(_entry(out, i, j), _entry(value, i, j)) for j in range(cols)] for i in range(rows)]
        return out

    def _grid(self, rows: tuple[tuple[Term, ...], ...], names: Mapping[str, Matrix]) -> Matrix:
        out: Matrix = []
        for row in rows:
            blocks = [self._value(cell, names) for cell in row]
            out += [[entry for block in blocks for entry in block[i]] for i in range(len(blocks[0]))]
        return out

    def _apply(self, term: Apply, names: Mapping[str, Matrix]) -> Matrix:
        arguments = [self._value(argument, names) for argument in term.arguments]
        if term.function in ELEMENTWISE:
            return self._elementwise(term, arguments)
        if term.function == "diag":
            return _diagonal(arguments[0], matrix=term.arguments[0].shape.cols == ONE)
        if term.function == "cossim":
            return [[_cosine(*([entry for row in a for entry in row] for a in arguments))]]
        if term.function in {"tr", "det", "logdet"}:
            return [[_square(term.function, arguments[0], term)]]
        if term.function not in _REDUCTIONS:
            raise DlcalcError(
                f"{term.function} is declared, not defined: it has no value", "use a function of the table"
            )
        return self._reduced(term, arguments[0])

    def _elementwise(self, term: Apply, arguments: list[Matrix]) -> Matrix:
        row = FUNCTIONS[_SPELLED.get(term.function, term.function)]
        kink = ELEMENTWISE[term.function].kink
        rows, cols = max(len(a) for a in arguments), max(len(a[0]) for a in arguments)

        def computed(values: list[Any]) -> Any:
            if kink is not None and (values[0] == (values[1] if term.function in _SPELLED else 0)):
                self.kinks[term.function] = None
            if all(isinstance(v, int | Fraction) for v in values):
                found = row.exact(*map(Fraction, values))
                if found is not None:
                    return Fraction(found)
            try:
                return row.compute(*values)
            except (ValueError, TypeError):
                shown = ", ".join(_shown(v) for v in values)
                raise DlcalcError(
                    f"{row.name}({shown}) has no value: {unicode(term)} at the given data", "change the data"
                ) from None

        return [[computed([_entry(a, i, j) for a in arguments]) for j in range(cols)] for i in range(rows)]

    def _reduced(self, term: Apply, argument: Any) -> Matrix:
        compute, rows = _REDUCTIONS[term.function], argument
        if term.function == "norm_inf" and ONE not in term.arguments[0].shape:
            rows = [[sum(abs(entry) for entry in row)] for row in rows]
        lines = [[e for row in rows for e in row]]
        if term.axis is not None:
            lines = [list(column) for column in zip(*rows, strict=True)] if term.axis == 0 else rows
        if any(_at_kink(term.function, line) for line in lines):
            self.kinks[term.function] = None
        found = [compute(line) for line in lines]
        if term.function == "softmax":
            return _laid_out(found, term.axis, len(rows[0]))
        return [found] if term.axis == 0 else [[value] for value in found]


def _at_kink(function: str, line: Sequence[Any]) -> bool:
    """Say whether the derivative of a reduction jumps here: ties of the extreme, a zero under |x|."""
    if function == "norm_1":
        return 0 in line
    if function not in {"max", "min", "norm_inf"}:
        return False
    ordered = sorted(map(abs, line) if function == "norm_inf" else line, reverse=function != "min")
    return len(ordered) > 1 and ordered[0] == ordered[1]


def _laid_out(lines: list[list[Any]], axis: int | None, width: int) -> Matrix:
    """Put lines back where they were taken from."""
    if axis is None:
        (flat,) = lines
        return [flat[at : at + width] for at in range(0, len(flat), width)]
    return [list(column) for column in zip(*lines, strict=True)] if axis == 0 else lines


def _entry(value: Matrix, i: int, j: int) -> Scalar:
    return value[i if len(value) > 1 else 0][j if len(value[0]) > 1 else 0]


def _multiplied(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return [[sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns] for row in left]


def _power(base: Scalar, exponent: Scalar, term: Term) -> Any:
    try:
        root = exact_root(base) if exponent == Fraction(1, 2) and isinstance(base, Fraction) else None
        return PLAIN.power(base, exponent) if root is None else root
    except ValueError:
        raise DlcalcError(
            f"{_shown(base)}^({_shown(exponent)}) has no value: {unicode(term)} at the given data", "change the data"
        ) from None


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, int | Fraction) else f"{value:.6g}"


def _reduce_rows(matrix: Any, beside: Any) -> Any:
    """Eliminate below and above the diagonal, with the same operations on `beside`; return the determinant."""
    if len(matrix) > MAX_EXACT_SIZE:
        matrix[:], beside[:] = ([[float(e) for e in row] for row in rows] for rows in (matrix, beside))
    size, determinant = len(matrix), Fraction(1) if not any(isinstance(e, float) for r in matrix for e in r) else 1.0
    scale = max((abs(e) for row in matrix for e in row), default=0)
    for at in range(size):
        pivot = max(range(at, size), key=lambda i: abs(matrix[i][at]))
        value = matrix[pivot][at]
        if value == 0 or (isinstance(value, float) and abs(value) < 1e-14 * scale):
            return Fraction(0)
        if pivot != at:
            matrix[at], matrix[pivot] = matrix[pivot], matrix[at]
            beside[at], beside[pivot] = beside[pivot], beside[at]
            determinant = -determinant
        determinant *= value
        matrix[at] = [e / value for e in matrix[at]]
        beside[at] = [e / value for e in beside[at]]
        for i in range(size):
            factor = matrix[i][at]
            if i != at and factor:
                matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[at], strict=True)]
                beside[i] = [a - factor * b for a, b in zip(beside[i], beside[at], strict=True)]
    return determinant


def _solved(matrix: Matrix, of: Term) -> Matrix:
    size = len(matrix)
    inverse: Matrix = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    if _reduce_rows([list(row) for row in matrix], inverse) == 0:
        raise DlcalcError(f"{unicode(of)} is singular at the given data: it has no inverse", "change the data")
    return inverse


def _square(function: str, matrix: Matrix, term: Term) -> Any:
    if function == "tr":
        return sum((matrix[i][i] for i in range(len(matrix))), Fraction(0))
    determinant = _reduce_rows([list(row) for row in matrix], [[] for _ in matrix])
    if function == "det":
        return determinant
    if determinant <= 0:
        raise DlcalcError(
            f"{unicode(term)}: the determinant is {_shown(determinant)} at the given data", "it must be positive"
        )
    return Fraction(0) if determinant == 1 else math.log(determinant)


def _diagonal(value: Matrix, *, matrix: bool) -> Matrix:
    if matrix:
        return [[row[0] if i == j else Fraction(0) for j in range(len(value))] for i, row in enumerate(value)]
    return [[value[i][i]] for i in range(len(value))]


def _length(values: Sequence[Scalar]) -> Any:
    squares = sum((v * v for v in values), Fraction(0))
    root = exact_root(squares) if isinstance(squares, Fraction) else None
    return math.sqrt(squares) if root is None else root


def _cosine(a: Sequence[Scalar], b: Sequence[Scalar]) -> Any:
    product = sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))
    squares = [sum((v * v for v in side), Fraction(0)) for side in (a, b)]
    if 0 in squares:
        raise DlcalcError("the cosine of a zero vector has no value", "give vectors that are not zero")
    both = squares[0] * squares[1]
    root = exact_root(both) if isinstance(both, Fraction) else None
    return product / (math.sqrt(both) if root is None else root)


def _softmax(values: Sequence[Scalar]) -> list[Any]:
    if len(set(values)) == 1 and all(isinstance(v, Fraction) for v in values):
        return [Fraction(1, len(values))] * len(values)
    shift = logsumexp(*map(float, values))
    return [math.exp(float(v) - shift) for v in values]


_REDUCTIONS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "sum": lambda v: sum(v, Fraction(0)),
    "mean": lambda v: sum(v, Fraction(0)) / len(v),
    "max": max,
    "min": min,
    "logsumexp": lambda v: v[0] if len(v) == 1 else logsumexp(*v),
    "softmax": _softmax,
    "norm": _length,
    "norm_1": lambda v: sum(map(abs, v), Fraction(0)),
    "norm_inf": lambda v: max(map(abs, v)),
}
