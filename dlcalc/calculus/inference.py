"""From syntax to shape-typed terms: kinds by declaration or convention, lengths by unification.

Convention for a name that nothing declares: capital letter, matrix; Greek letter, scalar; other letters, column
vector. What the equations force to one entry is a scalar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.calculus.dims import ONE, SCALAR, Dim, Lengths, Shape, named, number
from dlcalc.calculus.functions import ABSTRACT, AXES, ELEMENTWISE, SAME_SHAPE, SQUARE, derivative
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
    length,
    mul,
    negative,
    part,
    power,
    total,
    transpose,
)
from dlcalc.calculus.terms import number as exact
from dlcalc.errors import DlcalcError, NotationError, ShapeError, nearest
from dlcalc.notation.expression import Add, Expr, Mul, Num, Sym
from dlcalc.notation.parser import parse
from dlcalc.notation.patterns import compiled
from dlcalc.notation.program import read_expression
from dlcalc.notation.syntax import Declaration, Definition, Node, Program
from dlcalc.notation.tokens import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

MAX_UNROLLED = 64
"""Terms of a sum with whole bounds."""
MAX_LENGTH = 1_000_000
SCALAR_WORDS = {"lam", "eps", "lr"}
"""Usual abbreviations of Greek letters."""
_LETTERS = "nmpqrstkdabcefghijluvwxyz"
_STEM = r"[^\W\d_]*"


class Seen(NamedTuple):
    """The shape of a node so far; `scalar` says that it is a number by kind, which adds to every entry."""

    shape: Shape
    scalar: bool = False


NUMBER = Seen(SCALAR, scalar=True)


class Pending(NamedTuple):
    """A product of two columns (or two rows): one of them must turn out to be a scalar."""

    left: Seen
    right: Seen
    result: Shape
    node: Node


@dataclass(frozen=True)
class Leaf:
    """A given quantity: its shape, and what its declaration says about its values."""

    name: str
    shape: Shape
    declared: bool = False
    kind: str = "R"
    values: tuple[Fraction, ...] = ()
    position: int = 0


@dataclass(frozen=True)
class Typed:
    """A program with all shapes known: leaves, and definitions in an order in which each can be computed."""

    source: Program
    leaves: Mapping[str, Leaf]
    definitions: Mapping[str, Term]
    lengths: tuple[str, ...]
    """Names of lengths."""
    functions: tuple[str, ...] = ()
    """Names of declared functions."""

    def shape(self, name: str) -> Shape:
        """Return the shape of a quantity."""
        return self.leaves[name].shape if name in self.leaves else self.definitions[name].shape

    def knows(self, name: str) -> bool:
        """Say whether a quantity has this name."""
        return name in self.leaves or name in self.definitions

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all quantities."""
        return (*self.leaves, *self.definitions)


@dataclass
class _Inference:
    """Finds shapes, statement by statement."""

    program: Program
    known: dict[str, Seen]
    functions: frozenset[str]
    sizes: set[str] = field(default_factory=set)
    lengths: Lengths = field(default_factory=Lengths)
    leaves: dict[str, Leaf] = field(default_factory=dict)
    shapes: dict[int, Shape] = field(default_factory=dict)
    expanded: dict[int, Node] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    defined: frozenset[str] = frozenset()
    closed: bool = False
    """True where a name that nobody knows is an error."""
    entry_kinds: Mapping[str, int] = field(default_factory=dict)
    """How many axes the data of a leaf have."""

    def error(self, condition: str, fix: str, node: Node) -> NotationError:
        return self.program.error(condition, fix, node.position)

    def clash(self, condition: str, fix: str, node: Node) -> ShapeError:
        return ShapeError(condition, fix, text=self.program.text, position=node.position)

    # declarations

    def declare(self, declaration: Declaration) -> None:
        """Take in what a declaration says."""
        if declaration.kind == "function":
            return
        axes = [self.declared_length(text, declaration) for text in declaration.sizes]
        shape = Shape(axes[0], axes[1] if len(axes) > 1 else ONE) if axes else SCALAR
        for name, position in declaration.names:
            if name in self.leaves:
                raise self.program.error(f"{name} is declared twice", "keep one declaration", position)
            if name in self.defined:
                if declaration.kind not in {"R", "N"}:
                    raise self.program.error(f"{name} is declared and defined", "keep one of them", position)
                self.known[name] = Seen(shape, scalar=not axes)
                continue
            self.leaves[name] = Leaf(name, shape, True, declaration.kind, declaration.values, position)  # noqa: FBT003 (declared)
            self.known[name] = Seen(shape, scalar=not axes)

    def declared_length(self, text: str, declaration: Declaration) -> Dim:
        try:
            dim = _linear(parse(text))
        except DlcalcError:
            dim = None
        if dim is None or (not dim.parts and not 1 <= dim.constant <= MAX_LENGTH):
            raise self.program.error(f"{text!r} is not a length", "write a number or a letter", declaration.position)
        self.sizes |= {name for name, _ in dim.parts}
        return dim

    # names

    def named(self, node: Node) -> Seen:
        name = node.word
        if name in self.known:
            return self.known[name]
        if name in self.sizes:
            return NUMBER
        if self.closed:
            known = sorted({*self.known, *self.sizes})
            fix = nearest(name, known) or f"known here: {', '.join(known[:12])}"
            raise self.error(f"{name} is not a name in this question", fix, node)
        seen = self.by_convention(name)
        self.known[name] = seen
        self.leaves[name] = Leaf(name, seen.shape, position=node.position)
        return seen

    def by_convention(self, name: str) -> Seen:
        """Give an undeclared leaf its kind."""
        axes = self.entry_kinds.get(name)
        stem = compiled(_STEM).match(name)[0]  # type: ignore[index]  # matches any text
        if axes is None:
            greek = stem in ENGLISH or stem in SCALAR_WORDS
            axes = 0 if greek else 2 if name[0].isupper() and stem not in ENGLISH else 1
        if axes == 0:
            return NUMBER
        return Seen(Shape(self.lengths.fresh(), self.lengths.fresh() if axes > 1 else ONE))

    # expressions

    def visit(self, node: Node) -> Seen:
        """Find the shape of an expression and remember it."""
        seen: Seen = getattr(self, f"_{node.head.replace(' ', '_')}")(node)
        self.shapes[id(node)] = seen.shape
        return seen

    def _number(self, _: Node) -> Seen:
        return NUMBER

    def _name(self, node: Node) -> Seen:
        return self.named(node)

    def _negative(self, node: Node) -> Seen:
        return self.visit(node.parts[0])

    def _add(self, node: Node) -> Seen:
        return self.joined(node, "+")

    def _hadamard(self, node: Node) -> Seen:
        return self.joined(node, "⊙")

    def _elementwise_quotient(self, node: Node) -> Seen:
        return self.joined(node, "./")

    def _compare(self, node: Node) -> Seen:
        return self.joined(node, node.word)

    def joined(self, node: Node, operator: str) -> Seen:
        """Visit operands that have one shape, unless some are scalars."""
        found = self.visit(node.parts[0])
        first = node.parts[0]
        for operand in node.parts[1:]:
            seen = self.visit(operand)
            sign = "-" if operator == "+" and operand.head == "negative" else operator
            found = self.alike(found, seen, (first, operand), sign)
        return found

    def alike(self, left: Seen, right: Seen, nodes: tuple[Node, Node], operator: str) -> Seen:
        if left.scalar or right.scalar:
            return right if left.scalar else left
        one, other = self.lengths.shape(left.shape), self.lengths.shape(right.shape)
        for this, that in ((one, other), (other, one)):
            if this.is_scalar and not _open(that) and operator in "+-":
                return Seen(that)
        for a, b in zip(one, other, strict=True):
            if not self.lengths.unify(a, b):
                said = " and ".join(
                    f"{_said(n)} is {self.lengths.shape(s.shape)}" for n, s in zip(nodes, (left, right), strict=True)
                )
                fix = "transpose one of them" if one == other.transposed else "both sides need one shape"
                raise self.clash(f"{_said(nodes[0])} {operator} {_said(nodes[1])}: {said}", fix, nodes[1])
        return Seen(left.shape)

    def scalar(self, seen: Seen, node: Node, why: str, fix: str) -> None:
        """Make sure that a shape is that of a number."""
        if seen.scalar:
            return
        found = self.lengths.shape(seen.shape)
        if not all(self.lengths.unify(side, ONE) for side in seen.shape):
            raise self.clash(f"{_said(node)} is {found}, but {why} is a number", fix, node)

    def _quotient(self, node: Node) -> Seen:
        top, bottom = self.visit(node.parts[0]), self.visit(node.parts[1])
        self.scalar(bottom, node.parts[1], "what / divides by", "use ./ to divide element by element")
        return top

    def _elementwise_power(self, node: Node) -> Seen:
        base = self.visit(node.parts[0])
        self.scalar(self.visit(node.parts[1]), node.parts[1], "an exponent", "")
        return base

    def _power(self, node: Node) -> Seen:
        base, exponent = node.parts
        seen = self.visit(base)
        self.scalar(self.visit(exponent), exponent, "an exponent", "")
        shape = self.lengths.shape(seen.shape)
        if seen.scalar or shape.is_scalar:
            return seen
        if ONE in shape:
            if not _open(shape):
                raise self.clash(f"{_said(base)} is {shape}: ^ is for numbers", "write .^ or ||x||^2", node)
            self.scalar(seen, base, "what ^ raises", "write .^ for every entry")
            return seen
        if _whole(exponent) is None:
            raise self.error("a power of a matrix has a whole exponent", "write .^ for every entry", node)
        self.square(seen, base, "a power")
        return seen

    def refuse_matrix_rows(self, loss: Definition) -> None:
        """Refuse a loss such as z = W x, which only an unusual reading of W (one row) would make a number."""
        open_lengths = {name for dim in self.lengths.shape(self.known[loss.target].shape) for name, _ in dim.parts}
        for leaf in self.leaves.values():
            shape = self.lengths.shape(leaf.shape)
            if leaf.name[0].isupper() and not leaf.declared and open_lengths & {n for d in shape for n, _ in d.parts}:
                raise self.program.error(
                    f"{loss.target} is a vector or a matrix, but a loss is a number",
                    f"reduce it (sum({loss.target}), 1/2 ||{loss.target}||^2), or start from --upstream {loss.target}=d",
                    loss.position,
                )

    def square(self, seen: Seen, node: Node, why: str) -> None:
        if not self.lengths.unify(seen.shape.rows, seen.shape.cols):
            found = self.lengths.shape(seen.shape)
            raise self.clash(f"{_said(node)} is {found}, but {why} needs a square matrix", "", node)

    def _transpose(self, node: Node) -> Seen:
        seen = self.visit(node.parts[0])
        return Seen(seen.shape.transposed, seen.scalar)

    def _inverse(self, node: Node) -> Seen:
        seen = self.visit(node.parts[0])
        self.square(seen, node.parts[0], "an inverse")
        return seen

    def _product(self, node: Node) -> Seen:
        left, right = self.visit(node.parts[0]), self.visit(node.parts[1])
        if left.scalar or right.scalar:
            return right if left.scalar else left
        one, other = self.lengths.shape(left.shape), self.lengths.shape(right.shape)
        if one.is_scalar or other.is_scalar:
            return Seen((other if one.is_scalar else one))
        columns = one.cols == ONE and other.cols == ONE
        rows = one.rows == ONE and other.rows == ONE
        if columns or rows:
            free = Shape(self.lengths.fresh(), ONE) if columns else Shape(ONE, self.lengths.fresh())
            self.pending.append(Pending(left, right, free, node))
            self.settle()
            return Seen(free)
        if one.cols == ONE and other.rows != ONE and one.rows.parts and _open(one) and not _open_dim(other.rows):
            self.scalar(left, node.parts[0], "a factor", "")
            return right
        if not self.lengths.unify(one.cols, other.rows):
            a, b = map(_said, node.parts)
            needed = f"{other.rows} {'row' if other.rows == ONE else 'rows'}"
            fix = f"try {a}^T {b}" if one.rows == other.rows else f"try {a} {b}^T" if one.cols == other.cols else ""
            raise self.clash(f"{a} {b}: {a} is {one} but {b} has {needed}", fix, node.parts[1])
        return Seen(Shape(one.rows, other.cols))

    def settle(self, *, last: bool = False) -> None:
        """Decide products of columns once one factor, or the product, is known to be a number."""
        changed = True
        while changed:
            changed = False
            for item in list(self.pending):
                changed |= self.settled(item)
        if last and self.pending:
            raise self.two_vectors(self.pending[0])

    def settled(self, item: Pending) -> bool:
        left, right, result = (self.lengths.shape(s) for s in (item.left.shape, item.right.shape, item.result))
        pairs: list[tuple[Shape, Shape]] = []
        if left.is_scalar:
            pairs = [(result, right)]
        elif right.is_scalar:
            pairs = [(result, left)]
        elif result.is_scalar:
            pairs = [(left, SCALAR), (right, SCALAR)]
        elif not _open(left) and not _open(right):
            raise self.two_vectors(item)
        if not pairs:
            return False
        self.pending.remove(item)
        if not all(self.lengths.unify(a, b) for one, other in pairs for a, b in zip(one, other, strict=True)):
            raise self.two_vectors(item)
        return True

    def two_vectors(self, item: Pending) -> ShapeError:
        a, b = map(_said, item.node.parts)
        star = " *" if item.node.word == "*" else ""
        left, right = self.lengths.shape(item.left.shape), self.lengths.shape(item.right.shape)
        shapes = "" if _open(left) or _open(right) else f" ({left} and {right})"
        kind = "column" if left.cols == ONE else "row"
        return self.clash(
            f"{a}{star} {b}: both are {kind} vectors{shapes}",
            f"use .* for the element-wise product, {a}^T {b} for the inner product, or declare one of them as a number (in R)",
            item.node,
        )

    # functions

    def _derivative(self, node: Node) -> Seen:
        if node.word not in ELEMENTWISE and node.word not in self.functions:
            raise self.error(f"{node.word}' is not an element-wise derivative", "write it out", node)
        return self.joined(node, ",")

    def _call(self, node: Node) -> Seen:
        word = node.word
        if word in {"ones", "zeros", "eye"}:
            return self.constant(node)
        if word in {"max", "min"} and len(node.parts) > 1 and self.axis(node) is None:
            return self.joined(node, ",")
        if word in self.functions or word in ELEMENTWISE:
            self.count(node, 1 if word in self.functions else ELEMENTWISE[word].arguments)
            return self.joined(node, ",")
        if word in AXES:
            return self.reduced(node)
        if word == "dot" or word == "cossim":
            self.count(node, 2)
            self.joined(node, ",")
            return NUMBER
        self.count(node, 1)
        seen = self.visit(node.parts[0])
        if word in SQUARE:
            self.square(seen, node.parts[0], word)
            return seen if word == "inv" else NUMBER
        if word == "transpose":
            return Seen(seen.shape.transposed, seen.scalar)
        if word == "diag":
            return self.diagonal(seen, node)
        if word in SAME_SHAPE:
            return seen
        return NUMBER  # a norm

    def count(self, node: Node, wanted: int) -> None:
        if len(node.parts) != wanted:
            words = "one argument" if wanted == 1 else f"{wanted} arguments"
            raise self.error(f"{node.word} takes {words}, not {len(node.parts)}", "", node)

    def diagonal(self, seen: Seen, node: Node) -> Seen:
        shape = self.lengths.shape(seen.shape)
        if shape.cols == ONE:
            return Seen(Shape(shape.rows, shape.rows))
        self.square(seen, node.parts[0], "diag")
        return Seen(Shape(shape.rows, ONE))

    def constant(self, node: Node) -> Seen:
        sizes = [self.size(part_) for part_ in node.parts]
        if node.word == "eye":
            self.count(node, 1)
            return Seen(Shape(sizes[0], sizes[0]))
        if len(sizes) > 2:  # noqa: PLR2004 (rows and columns)
            raise self.error(f"{node.word} takes a length, or rows and columns", "", node)
        return Seen(Shape(sizes[0], sizes[1] if len(sizes) > 1 else ONE))

    def size(self, node: Node) -> Dim:
        """Read a length: a number, a name, a sum of them."""
        dim = self.length_of(node)
        if dim is None or (not dim.parts and not 1 <= dim.constant <= MAX_LENGTH):
            raise self.error("this is not a length", "write a number or a letter", node)
        return dim

    def length_of(self, node: Node) -> Dim | None:
        whole = _whole(node)
        if whole is not None:
            return number(whole)
        if node.head == "name":
            if node.word in self.known:
                return None
            self.sizes.add(node.word)
            return named(node.word)
        if node.head in {"add", "negative"}:
            parts = [self.length_of(p) for p in node.parts]
            out = number(0)
            for found in parts:
                if found is None:
                    return None
                out = out.plus(found, -1 if node.head == "negative" else 1)
            return out
        if node.head == "product" and (times := _whole(node.parts[0])) is not None:
            inner = self.length_of(node.parts[1])
            return None if inner is None else number(0).plus(inner, times)
        return None

    def axis(self, node: Node) -> int | None:
        """Read the axis of softmax(Z, 0): 0 works on columns, 1 on rows."""
        if node.word not in AXES or len(node.parts) != 2:  # noqa: PLR2004 (an argument and an axis)
            return None
        if node.word in {"max", "min"} and self.visit(node.parts[0]).scalar:
            return None
        axis = _whole(node.parts[1])
        if axis == -1:
            axis = 1
        if node.word in {"max", "min"} and axis not in {0, 1}:
            return None
        if node.word in {"max", "min"} and self.lengths.shape(self.visit(node.parts[0]).shape).cols == ONE:
            return None
        return axis

    def reduced(self, node: Node) -> Seen:
        """Find the shape of a reduction, over everything or along an axis, or of a softmax."""
        if len(node.parts) > 1 and (self.axis(node) not in {0, 1} or len(node.parts) > 2):  # noqa: PLR2004 (an axis)
            raise self.error(
                f"{node.word} takes one argument, and an axis (0: over rows, 1: over columns)",
                f"write a list as {node.word}([1, 2, 3])",
                node,
            )
        seen = self.visit(node.parts[0])
        shape = self.lengths.shape(seen.shape)
        axis = self.axis(node)
        if node.word in SAME_SHAPE:
            if seen.scalar:
                raise self.error(f"{node.word} of one number", "give a vector, such as [1, -2, 0]", node)
            if axis is None and ONE not in shape:
                fix = f"write {node.word}(…, 0) for columns that sum to 1, {node.word}(…, 1) for rows"
                raise self.error(f"{node.word} of a matrix ({shape}): along rows or columns?", fix, node)
            return seen
        if axis is None:
            return NUMBER
        return Seen(Shape(ONE, shape.cols) if axis == 0 else Shape(shape.rows, ONE))

    # entries, lists, sums

    def _part(self, node: Node) -> Seen:
        base, *indices = node.parts
        seen = self.visit(base)
        shape = self.lengths.shape(seen.shape)
        if seen.scalar:
            raise self.error(f"{_said(base)} is a number: it has no entries", "", node)
        if len(indices) == 1 and shape.cols != ONE and shape.rows != ONE:
            raise self.error(
                f"{_said(base)} is a matrix ({shape})", f"write {_said(base)}[1,3], or [1,:] for a row", node
            )
        rows, cols = self.ranges(node)
        one = all(i.head not in {"range", "everything"} for i in indices)
        return NUMBER if one else Seen(Shape(_span(rows), _span(cols)))

    def ranges(self, node: Node) -> tuple[tuple[Dim, Dim], tuple[Dim, Dim]]:
        """Read the indices of a part as ranges of rows and columns."""
        base, *indices = node.parts
        shape = self.lengths.shape(self.shapes[id(base)])
        sides = [shape.rows, shape.cols] if len(indices) > 1 else [shape.cols if shape.rows == ONE else shape.rows]
        found = [self.range(index, side) for index, side in zip(indices, sides, strict=True)]
        if len(found) == 1:
            found = [(ONE, ONE), found[0]] if shape.rows == ONE else [found[0], (ONE, ONE)]
        return found[0], found[1]

    def range(self, index: Node, side: Dim) -> tuple[Dim, Dim]:
        low, high = index.parts if index.head == "range" else (index, index)
        ends = (
            ONE if low.head == "everything" else self.index(low),
            side if high.head == "everything" else self.index(high),
        )
        beyond = side.plus(ends[1], -1)
        if (not beyond.parts and beyond.constant < 0) or (not ends[0].parts and ends[0].constant < 1):
            raise self.error(f"index {ends[1]} is outside 1…{side}", "entries are counted from 1", index)
        return ends

    def index(self, node: Node) -> Dim:
        dim = self.length_of(node)
        if dim is None:
            raise self.error(
                "an index is a whole number", "for the entry of a class use y in onehot(C) and y^T p", node
            )
        return dim

    def _grid(self, node: Node) -> Seen:
        cells = [[self.visit(cell) for cell in row.parts] for row in node.parts]
        flat = [cell for row in cells for cell in row]
        if len(node.parts) == 1 and not node.word and all(self.lengths.shape(c.shape).is_scalar for c in flat):
            return flat[0] if len(flat) == 1 else Seen(Shape(number(len(flat)), ONE))
        height, width = number(0), None
        for row, found in zip(node.parts, cells, strict=True):
            across = number(0)
            for cell, seen in zip(row.parts, found, strict=True):
                if not self.lengths.unify(seen.shape.rows, found[0].shape.rows):
                    raise self.error(
                        "the parts of a row have different numbers of rows",
                        "use ; between parts above each other",
                        cell,
                    )
                across = across.plus(seen.shape.cols)
            if width is not None and not self.lengths.unify(across, width):
                raise self.clash("the rows have different lengths", "give rows of one length", row)
            width = across if width is None else width
            height = height.plus(found[0].shape.rows)
        return Seen(Shape(height, width or ONE))

    def _total(self, node: Node) -> Seen:
        """Write a sum out: unrolled between whole bounds, as a sum over a vector's entries otherwise."""
        lower, upper, body = node.parts
        low, high = _whole(lower), _whole(upper)
        if low is not None and high is not None:
            if high - low >= MAX_UNROLLED:
                raise self.error(f"a sum of {high - low + 1} terms", f"at most {MAX_UNROLLED} are written out", node)
            terms = tuple(_with_index(body, node.word, Fraction(k)) for k in range(low, high + 1))
            new = Node("add", terms, node.position) if terms else Node("number", (), node.position, "0", Fraction(0))
        elif low == 1:
            new = Node("call", (_lifted(body, node.word, self),), node.position, "sum")
        else:
            raise self.error("a sum runs from 1 to the length of a vector, or between numbers", "", node)
        self.expanded[id(node)] = new
        self.shapes[id(new)] = SCALAR
        if low == 1 and high is None:
            side = self.size(upper)
            inner = self.visit(new.parts[0])
            if not self.lengths.unify(inner.shape.rows, side) or inner.scalar:
                raise self.error(
                    f"the body of the sum does not run from 1 to {side}", f"use entries x[{node.word}]", body
                )
            return NUMBER
        return self.visit(new)

    # terms

    def term(self, node: Node) -> Term:  # noqa: C901, PLR0911, PLR0912 (a case per head)
        """Build the term of an expression whose shapes are known."""
        if id(node) in self.expanded:
            return self.term(self.expanded[id(node)])
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
            case "product":
                return mul(self.term(parts[0]), self.term(parts[1]))
            case "hadamard":
                return hadamard(*map(self.term, parts))
            case "quotient" | "elementwise quotient":
                bottom = self.term(parts[1])
                if bottom == ZERO:
                    raise self.error("division by zero", "", node)
                return divide(self.term(parts[0]), bottom)
            case "power" | "elementwise power":
                return self.power_term(node)
            case "transpose":
                return transpose(self.term(parts[0]))
            case "inverse":
                return _inverse(self.term(parts[0]))
            case "compare":
                left, right = map(self.term, parts)
                return Compare(self.at(node), node.word, left, right)
            case "derivative":
                return derivative(node.word, tuple(map(self.term, parts)))
            case "call":
                return self.call_term(node)
            case "part":
                rows, cols = self.ranges(node)
                return part(self.term(parts[0]), *(tuple(map(self.lengths.resolved, r)) for r in (rows, cols)))  # type: ignore[arg-type]
        return self.grid_term(node)

    def at(self, node: Node) -> Shape:
        return self.lengths.shape(self.shapes[id(node)])

    def name_term(self, node: Node) -> Term:
        if node.word in self.sizes and node.word not in self.known:
            return Length(SCALAR, named(node.word))
        return Name(self.at(node), node.word)

    def power_term(self, node: Node) -> Term:
        base, exponent = self.term(node.parts[0]), self.term(node.parts[1])
        whole = int(exponent.value) if isinstance(exponent, Number) and exponent.value.denominator == 1 else None
        if node.head == "elementwise power" or base.shape.is_scalar:
            if base == ZERO and whole is not None and whole < 0:
                raise self.error("division by zero", "", node)
            return power(base, exponent)
        if whole is None or not -50 <= whole <= 50:  # noqa: PLR2004 (factors that a line can hold)
            raise self.error("this power of a matrix is too high", "", node)
        if whole == 0:
            return Constant(base.shape, "eye")
        return mul(*[base if whole > 0 else _inverse(base)] * abs(whole))

    def call_term(self, node: Node) -> Term:  # noqa: C901, PLR0911 (a case per kind of function)
        word, shape = node.word, self.at(node)
        if word in {"ones", "zeros", "eye"}:
            return Constant(shape, word) if not shape.is_scalar else exact(word != "zeros")
        axis = self.axis(node)
        arguments = tuple(map(self.term, node.parts[:1] if axis is not None else node.parts))
        if word in {"max", "min"} and len(arguments) > 1:
            found = arguments[-1]
            for argument in reversed(arguments[:-1]):
                joint = found.shape if argument.shape.is_scalar else argument.shape
                found = Apply(joint, f"{word}imum", (argument, found))
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
            return arguments[0]
        if axis is None and word == "softmax" and shape.rows == ONE:
            axis = 1
        return Apply(shape, word, arguments, axis)

    def log_softmax(self, argument: Term, axis: int | None) -> Term:
        shape = argument.shape
        if axis is None:
            return add(argument, negative(Apply(SCALAR, "logsumexp", (argument,))))
        reduced = Apply(Shape(ONE, shape.cols) if axis == 0 else Shape(shape.rows, ONE), "logsumexp", (argument,), axis)
        return add(argument, negative(spread(reduced, shape, axis)))

    def grid_term(self, node: Node) -> Term:
        rows = tuple(tuple(self.term(cell) for cell in row.parts) for row in node.parts)
        shape = self.at(node)
        if len(rows) == len(rows[0]) == 1:
            return rows[0][0]
        if len(rows) == 1 and shape.cols == ONE:
            rows = tuple((cell,) for cell in rows[0])
        return Grid(shape, rows)


def spread(reduced: Term, shape: Shape, axis: int | None) -> Term:
    """Repeat what was reduced along an axis over that axis again."""
    if axis is None:
        return mul(reduced, Constant(shape, "ones")) if not shape.is_scalar else reduced
    if axis == 0:
        return mul(Constant(Shape(shape.rows, ONE), "ones"), reduced) if shape.rows != ONE else reduced
    return mul(reduced, Constant(Shape(ONE, shape.cols), "ones")) if shape.cols != ONE else reduced


def _variance(argument: Term, axis: int | None) -> Term:
    shape = argument.shape
    reduced = SCALAR if axis is None else Shape(ONE, shape.cols) if axis == 0 else Shape(shape.rows, ONE)
    mean = Apply(reduced, "mean", (argument,), axis)
    centred = add(argument, negative(mean if axis is None else spread(mean, shape, axis)))
    return Apply(reduced, "mean", (power(centred, exact(2)),), axis)


def _inverse(term: Term) -> Term:
    return power(term, exact(-1)) if term.shape.is_scalar else Inverse(term.shape, term)


def _span(ends: tuple[Dim, Dim]) -> Dim:
    return ends[1].plus(ends[0], -1).plus(ONE)


def _open_dim(dim: Dim) -> bool:
    return any(name[0] == "?" for name, _ in dim.parts)


def _open(shape: Shape) -> bool:
    """Say whether a length of a shape is still to be found."""
    return any(map(_open_dim, shape))


def _whole(node: Node) -> int | None:
    if node.head == "negative":
        inner = _whole(node.parts[0])
        return None if inner is None else -inner
    return int(node.value) if node.value is not None and node.value.denominator == 1 else None


def _said(node: Node) -> str:
    """Name an operand in a message."""
    if node.head in {"name", "number"}:
        return node.word
    if node.head == "transpose" and node.parts:
        return f"{_said(node.parts[0])}^T"
    if node.head == "negative":
        return _said(node.parts[0])
    if node.head == "call":
        return f"{node.word}({', '.join(map(_said, node.parts))})"
    if node.head == "product" and all(p.head in {"name", "transpose", "number"} for p in node.parts):
        return " ".join(map(_said, node.parts))
    if node.head in {"add", "product", "hadamard"} and len(node.parts) == 2:  # noqa: PLR2004 (short enough to show)
        sign = {"add": " - " if node.parts[1].head == "negative" else " + ", "product": " ", "hadamard": " ⊙ "}[
            node.head
        ]
        text = sign.join(map(_said, node.parts))
        return f"({text})" if len(text) <= 30 else "(…)"  # noqa: PLR2004 (as above)
    return "(…)"


def _linear(node: Expr) -> Dim | None:
    """Read a length from an expression; None where it is none."""
    match node:
        case Num(value) if value.denominator == 1:
            return number(int(value))
        case Sym(name):
            return named(name)
        case Add(terms):
            out = number(0)
            for term in terms:
                found = _linear(term)
                if found is None:
                    return None
                out = out.plus(found)
            return out
        case Mul((Num(value), rest)) if value.denominator == 1:
            inner = _linear(rest)
            return None if inner is None else number(0).plus(inner, int(value))
    return None


def _with_index(node: Node, index: str, value: Fraction) -> Node:
    """Put a number in the place of the index of a sum."""
    if node.head == "name" and node.word == index:
        return Node("number", (), node.position, str(value), value)
    return node._replace(parts=tuple(_with_index(p, index, value) for p in node.parts))


def _lifted(node: Node, index: str, inference: _Inference) -> Node:
    """Turn the body of a sum over all entries into an element-wise expression of the vectors."""
    if node.head == "part" and len(node.parts) == 2 and node.parts[1].head == "name" and node.parts[1].word == index:  # noqa: PLR2004 (x[k])
        return node.parts[0]
    if node.head == "name" and node.word == index:
        raise inference.error(f"the index {index} stands outside of [ ]", f"use it in entries only, x[{index}]", node)
    heads = {"product": "hadamard", "quotient": "elementwise quotient", "power": "elementwise power"}
    lifted = tuple(_lifted(p, index, inference) for p in node.parts)
    indexed = [_uses(p, index) for p in node.parts]
    both = all(indexed) if node.head == "product" else any(indexed[1:]) if node.head == "quotient" else any(indexed)
    if not any(indexed):
        return node
    return node._replace(head=heads.get(node.head, node.head) if both else node.head, parts=lifted)


def _uses(node: Node, index: str) -> bool:
    return (node.head == "name" and node.word == index) or any(_uses(p, index) for p in node.parts)


# whole programs


def typed(program: Program, kinds: Mapping[str, int] | None = None, scalars: Collection[str] = ()) -> Typed:
    """Give every quantity of a program its shape.

    `kinds` says how many axes the data of a leaf have; `scalars` are the definitions that must come out as numbers.

    Raises NotationError, with the place, for shapes that clash or stay open, cycles and names defined twice.

    >>> from dlcalc.notation.program import read_program
    >>> found = typed(read_program("z = W x + b; L = 1/2 ||z - y||^2"))
    >>> str(found.shape("W")), str(found.shape("y"))
    ('m×n', 'm×1')
    """
    targets: dict[str, Definition] = {}
    for definition in program.definitions:
        if definition.target in targets:
            raise program.error(
                f"{definition.target} is defined twice", "give the second one another name", definition.position
            )
        targets[definition.target] = definition
    functions = tuple(name for d in program.declarations if d.kind == "function" for name, _ in d.names)
    found = _Inference(program, {}, frozenset(functions), defined=frozenset(targets), entry_kinds=kinds or {})
    for declaration in program.declarations:
        found.declare(declaration)
    for definition in program.definitions:
        found.sizes |= _sizes_used(definition.body, {*targets, *found.leaves})
    order = _ordered(program, targets)
    for target in order:
        seen = found.visit(targets[target].body)
        if target in found.known:  # declared as well
            seen = found.alike(found.known[target], seen, (Node("name", (), 0, target), targets[target].body), "=")
        found.known[target] = seen
        found.settle()
    for target in scalars:
        if target in targets:
            found.refuse_matrix_rows(targets[target])
            found.scalar(
                found.known[target],
                _at(targets[target]),
                "a loss",
                "start from a given gradient with --upstream, or reduce it with sum(…)",
            )
            found.settle()
    found.settle(last=True)
    _name_lengths(found, targets)
    leaves = {
        name: Leaf(name, found.lengths.shape(leaf.shape), leaf.declared, leaf.kind, leaf.values, leaf.position)
        for name, leaf in found.leaves.items()
    }
    definitions = {target: found.term(targets[target].body) for target in order}
    lengths = tuple(sorted(found.sizes | {n for leaf in leaves.values() for d in leaf.shape for n, _ in d.parts}))
    return Typed(program, leaves, definitions, lengths, functions)


def _at(definition: Definition) -> Node:
    return Node("name", (), definition.position, definition.target)


def _sizes_used(node: Node, taken: set[str]) -> set[str]:
    """Find names that stand where a length is needed."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        at = waiting.pop()
        sized = at.parts if at.head == "call" and at.word in {"ones", "zeros", "eye"} else ()
        if at.head == "total":
            sized = at.parts[1:2]
        for size in sized:
            inner = [size]
            while inner:
                leaf = inner.pop()
                found |= {leaf.word} if leaf.head == "name" else set()
                inner += leaf.parts
        waiting += at.parts
    return found - taken


def _ordered(program: Program, targets: Mapping[str, Definition]) -> list[str]:
    """Order the definitions so that each uses only those before it; refuse a cycle."""
    uses = {name: [u for u in _used(d.body) if u in targets] for name, d in targets.items()}
    order: list[str] = []
    state: dict[str, int] = {}
    for start in targets:
        path: list[tuple[str, Iterator[str]]] = []
        if start not in state:
            state[start] = 1
            path.append((start, iter(uses[start])))
        while path:
            name, rest = path[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                order.append(name)
                path.pop()
            elif state.get(following) == 1:
                cycle = [n for n, _ in path]
                shown = " → ".join([*cycle[cycle.index(following) :], following])
                raise program.error(
                    f"{following} depends on itself: {shown}",
                    "give one of them another name",
                    targets[following].position,
                )
            elif following not in state:
                state[following] = 1
                path.append((following, iter(uses[following])))
    return order


def _used(node: Node) -> Iterator[str]:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.head == "name":
            yield at.word
        waiting += reversed(at.parts)


def _name_lengths(found: _Inference, targets: Mapping[str, Definition]) -> None:
    """Give the lengths that nobody named a letter each, in the order in which they are met."""
    taken = {*found.known, *found.sizes, *targets}
    letters = iter([*(c for c in _LETTERS if c not in taken), *(f"d{k}" for k in range(1, found.lengths.count + 1))])
    for seen in [*(leaf.shape for leaf in found.leaves.values()), *found.shapes.values()]:
        shape = found.lengths.shape(seen)
        for dim in reversed(shape):
            for name, _ in found.lengths.resolved(dim).parts:
                if name[0] == "?":
                    letter = next(letter for letter in letters if letter not in taken)
                    found.lengths.found[name] = named(letter)
                    found.sizes.add(letter)


def typed_expression(
    text: str, typed: Typed, extra: Mapping[str, Shape] | None = None, functions: Collection[str] = ()
) -> Term:
    """Read an expression in the names of a program, such as an answer; `extra` names have shapes too."""
    shapes = {**{name: typed.shape(name) for name in typed.names}, **(extra or {})}
    known = {name: Seen(shape, scalar=shape.is_scalar) for name, shape in shapes.items()}
    node = read_expression(text, [*known, *typed.lengths], {*typed.functions, *functions})
    program = Program(text, (), ())
    found = _Inference(program, known, frozenset({*typed.functions, *functions}), sizes=set(typed.lengths), closed=True)
    found.visit(node)
    found.settle(last=True)
    return found.term(node)


__all__ = ["ABSTRACT", "UNIT", "Leaf", "Typed", "spread", "typed", "typed_expression"]
