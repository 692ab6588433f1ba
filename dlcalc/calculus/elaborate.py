"""From nodes whose shapes are known to terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.calculus.dims import ONE, SCALAR, Shape, named
from dlcalc.calculus.functions import AXES, derivative
from dlcalc.calculus.terms import (
    UNIT,
    ZERO,
    Apply,
    Compare,
    Constant,
    Grid,
    Inverse,
    Length,
    Name,
    Number,
    Term,
    add,
    divide,
    hadamard,
    mul,
    negative,
    part,
    power,
    spread,
    total,
    transpose,
)
from dlcalc.calculus.terms import number as exact

if TYPE_CHECKING:
    from dlcalc.calculus.shapes import Shapes
    from dlcalc.notation.syntax import Node

MAX_MATRIX_POWER = 50
"""Factors that a power of a matrix is written out to."""


_OF_ONE = {"softmax", "log_softmax", "var"}
"""Reductions of one entry that are not the entry itself."""


class Elaboration:
    """Builds terms from the nodes that `shapes` has visited."""

    def __init__(self, shapes: Shapes) -> None:
        """Take the shapes."""
        self.shapes = shapes

    def term(self, node: Node) -> Term:  # noqa: C901, PLR0911, PLR0912 (a case per head)
        """Build the term of an expression whose shapes are known."""
        if id(node) in self.shapes.expanded:
            return self.term(self.shapes.expanded[id(node)])
        parts = node.parts
        match node.head:
            case "number":
                return exact(node.value or 0)
            case "name":
                return self.name_term(node)
            case "negative":
                return negative(self.term(parts[0]))
            case "add":
                return add(*map(self.term, parts))
            case "single":
                return self.term(parts[0])
            case "product":
                return mul(self.term(parts[0]), self.term(parts[1]))
            case "hadamard":
                return hadamard(*map(self.term, parts))
            case "quotient" | "elementwise quotient":
                bottom = self.term(parts[1])
                if bottom == ZERO:
                    raise self.shapes.error("division by zero", "", node)
                return divide(self.term(parts[0]), bottom)
            case "power" | "elementwise power":
                return self.power_term(node)
            case "transpose":
                return transpose(self.term(parts[0]))
            case "inverse":
                return _inverse(self.term(parts[0]))
            case "compare":
                left, right = map(self.term, parts)
                return Compare(self.shapes.at(node), node.word, left, right)
            case "derivative":
                return derivative(node.word, tuple(map(self.term, parts)))
            case "call":
                return self.call_term(node)
            case "part":
                rows, cols = self.shapes.ranges(node)
                return part(self.term(parts[0]), *(tuple(map(self.shapes.lengths.resolved, r)) for r in (rows, cols)))  # type: ignore[arg-type]
        return self.grid_term(node)

    def name_term(self, node: Node) -> Term:
        """Build a name, or a length."""
        if node.word in self.shapes.sizes and node.word not in self.shapes.known:
            return Length(SCALAR, named(node.word))
        if node.word == "pi" and "pi" not in self.shapes.known:
            return Constant(SCALAR, "pi")
        return Name(self.shapes.at(node), node.word)

    def power_term(self, node: Node) -> Term:
        """Build a power: of entries, or of a square matrix."""
        base, exponent = self.term(node.parts[0]), self.term(node.parts[1])
        whole = int(exponent.value) if isinstance(exponent, Number) and exponent.value.denominator == 1 else None
        if node.head == "elementwise power" or ONE in base.shape:
            if base == ZERO and whole is not None and whole < 0:
                raise self.shapes.error("division by zero", "", node)
            return power(base, exponent)
        if whole is None or abs(whole) > MAX_MATRIX_POWER:
            raise self.shapes.error("this power of a matrix is too high", "", node)
        if whole == 0:
            return Constant(base.shape, "eye")
        return mul(*[base if whole > 0 else _inverse(base)] * abs(whole))

    def call_term(self, node: Node) -> Term:  # noqa: C901, PLR0911, PLR0912 (a case per kind of function)
        """Build a function that is applied."""
        word, shape = node.word, self.shapes.at(node)
        if word in {"ones", "zeros", "eye"}:
            return Constant(shape, word) if not shape.is_scalar else exact(word != "zeros")
        axis = self.shapes.axis(node)
        arguments = tuple(map(self.term, node.parts[:1] if axis is not None else node.parts))
        if axis is not None and ONE in arguments[0].shape:
            if (arguments[0].shape.rows if axis == 0 else arguments[0].shape.cols) == ONE:  # of one entry each
                return spread(UNIT if word == "softmax" else ZERO, shape, None) if word in _OF_ONE else arguments[0]
            axis = None
        if word in {"max", "min"} and len(arguments) > 1:
            found = arguments[-1]
            for argument in reversed(arguments[:-1]):
                joint = found.shape if argument.shape.is_scalar else argument.shape
                pair = (
                    (found, argument) if isinstance(argument, Number) else (argument, found)
                )  # max(0, x) as max(x, 0)
                found = Apply(joint, f"{word}imum", pair)
            return found
        match word:
            case "sum" if axis is None:
                return total(arguments[0])
            case "dot":
                return mul(transpose(arguments[0]), arguments[1])
            case "transpose":
                return transpose(arguments[0])
            case "inv":
                return _inverse(arguments[0])
            case "log_softmax":
                return self.log_softmax(arguments[0], axis)
            case "var":
                return _variance(arguments[0], axis)
        if arguments[0].shape.is_scalar and word in AXES:
            return UNIT if word == "softmax" else arguments[0]
        if axis is None and word == "softmax" and shape.rows == ONE:
            axis = 1
        return Apply(shape, word, arguments, axis)

    def log_softmax(self, argument: Term, axis: int | None) -> Term:
        """Build z - logsumexp(z)."""
        shape = argument.shape
        if axis is None:
            return add(argument, negative(Apply(SCALAR, "logsumexp", (argument,))))
        reduced = Apply(Shape(ONE, shape.cols) if axis == 0 else Shape(shape.rows, ONE), "logsumexp", (argument,), axis)
        return add(argument, negative(spread(reduced, shape, axis)))

    def grid_term(self, node: Node) -> Term:
        """Build a list or a block matrix."""
        rows = tuple(tuple(self.term(cell) for cell in row.parts) for row in node.parts)
        shape = self.shapes.at(node)
        if len(rows) == len(rows[0]) == 1:
            return rows[0][0]
        if len(rows) == 1 and shape.cols == ONE:
            rows = tuple((cell,) for cell in rows[0])
        return Grid(shape, rows)


def _variance(argument: Term, axis: int | None) -> Term:
    shape = argument.shape
    reduced = SCALAR if axis is None else Shape(ONE, shape.cols) if axis == 0 else Shape(shape.rows, ONE)
    mean = Apply(reduced, "mean", (argument,), axis)
    centred = add(argument, negative(mean if axis is None else spread(mean, shape, axis)))
    return Apply(reduced, "mean", (power(centred, exact(2)),), axis)


def _inverse(term: Term) -> Term:
    return power(term, exact(-1)) if term.shape.is_scalar else Inverse(term.shape, term)
