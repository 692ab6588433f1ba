"""The shapes of the nodes of a program: kinds by declaration or convention, lengths by unification."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.calculus.dims import ONE, SCALAR, Dim, Lengths, Shape, named, number
from dlcalc.calculus.functions import AXES, ELEMENTWISE, SAME_SHAPE, SQUARE
from dlcalc.calculus.sums import lifted, weight, with_index
from dlcalc.errors import DlcalcError, NotationError, ShapeError, nearest
from dlcalc.notation.expression import Add, Expr, Mul, Num, Sym
from dlcalc.notation.parser import parse
from dlcalc.notation.patterns import compiled
from dlcalc.notation.syntax import Declaration, Definition, Node, Program
from dlcalc.notation.tokens import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_UNROLLED = 64
"""Terms of a sum with whole bounds."""
MAX_UNROLLED_TOTAL = 2_000
"""Terms of all such sums of a program."""
MAX_LENGTH = 1_000_000
SCALAR_WORDS = {"lam", "eps", "lr"}
"""Usual abbreviations of Greek letters."""
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


@dataclass
class Shapes:
    """Finds shapes, statement by statement."""

    program: Program
    known: dict[str, Seen]
    functions: frozenset[str]
    sizes: set[str] = field(default_factory=set)
    lengths: Lengths = field(default_factory=Lengths)
    leaves: dict[str, Leaf] = field(default_factory=dict)
    found: dict[int, Shape] = field(default_factory=dict)
    expanded: dict[int, Node] = field(default_factory=dict)
    unrolled: int = 0
    """Terms of sums written out so far."""
    turned: frozenset[str] = frozenset()
    """Names that are transposed somewhere."""
    fresh: set[str] = field(default_factory=set)
    """Vectors that were met once: in a sum with a row they are rows too."""
    pending: list[Pending] = field(default_factory=list)
    defined: frozenset[str] = frozenset()
    closed: bool = False
    """True where a name that nobody knows is an error."""
    entry_kinds: Mapping[str, int] = field(default_factory=dict)
    """How many axes the data of a leaf have."""

    def error(self, condition: str, fix: str, node: Node) -> NotationError:
        """Point at a node."""
        return self.program.error(condition, fix, node.position)

    def clash(self, condition: str, fix: str, node: Node) -> ShapeError:
        """Point at a node whose operands do not go together."""
        return ShapeError(condition, fix, text=self.program.text, position=node.position)

    # declarations

    def declare(self, declaration: Declaration) -> None:
        """Take in what a declaration says."""
        if declaration.kind == "function":
            return
        axes = [self.declared_length(text, declaration) for text in declaration.sizes]
        shape = Shape(axes[0], axes[1] if len(axes) > 1 else ONE) if axes else SCALAR
        for name, position in declaration.names:
            if name in self.functions:
                raise self.program.error(f"{name} is declared twice", "keep one declaration", position)
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
        """Read a length of a declaration."""
        try:
            dim = _linear(parse(text))
        except DlcalcError:
            dim = None
        if dim is None or (not dim.parts and not 1 <= dim.constant <= MAX_LENGTH):
            raise self.program.error(f"{text!r} is not a length", "write a number or a letter", declaration.position)
        self.sizes |= {name for name, _ in dim.parts}
        return dim

    def take_lengths(self, targets: Mapping[str, Definition]) -> None:
        """Let a number that is declared be the length of the same name; refuse a length that is computed."""
        for name in sorted(self.sizes & {*self.known, *targets}):
            if name in targets:
                place = targets[name].position
                raise self.program.error(f"{name} is the length of an axis, and defined", "choose another name", place)
            leaf = self.leaves.pop(name)
            self.known.pop(name)
            if not leaf.shape.is_scalar:
                raise self.program.error(
                    f"{name} is the length of an axis, and {leaf.shape}", "choose another name", leaf.position
                )

    def declared_as(self, target: str, seen: Seen, body: Node) -> Seen:
        """Make sure that a definition has the shape of its declaration."""
        declared = self.known[target]
        if not all(self.lengths.unify(a, b) for a, b in zip(declared.shape, seen.shape, strict=True)):
            found, wanted = _shown(self.lengths.shape(seen.shape)), _shown(self.lengths.shape(declared.shape))
            raise self.clash(
                f"{target} is declared as {wanted}, but its equation is {found}", "correct one of them", body
            )
        return declared

    # names

    def named(self, node: Node) -> Seen:
        """Find the shape of a name; a new one is a leaf."""
        name = node.word
        if name in self.known:
            self.fresh.discard(name)
            return self.known[name]
        if name in self.sizes or name == "pi":
            return NUMBER
        if self.closed:
            known = sorted({*self.known, *self.sizes})
            fix = "write eye(n) for the identity" if name == "I" else nearest(name, known)
            fix = fix or f"known here: {', '.join(known[:12])}"
            raise self.error(f"{name} is not a name in this question", fix, node)
        seen = self.by_convention(name)
        self.known[name] = seen
        if seen.shape.cols == ONE and not seen.scalar:
            self.fresh.add(name)
        self.leaves[name] = Leaf(name, seen.shape, position=node.position)
        return seen

    def by_convention(self, name: str) -> Seen:
        """Give an undeclared leaf its kind."""
        axes = self.entry_kinds.get(name)
        stem = compiled(_STEM).match(name)[0]  # type: ignore[index]  # matches any text
        if axes is None and name in self.turned and stem in ENGLISH and name[0].islower():
            axes = 1  # theta^T x: only a vector is transposed
        if axes is None:
            number_ = (stem in ENGLISH and name[0].islower()) or stem in SCALAR_WORDS
            axes = 0 if number_ else 2 if name[0].isupper() else 1
        if axes == 0:
            return NUMBER
        return Seen(Shape(self.lengths.fresh(), self.lengths.fresh() if axes > 1 else ONE))

    def at(self, node: Node) -> Shape:
        """Return the shape of a node that was visited."""
        return self.lengths.shape(self.found[id(node)])

    # expressions

    def visit(self, node: Node) -> Seen:
        """Find the shape of an expression and remember it."""
        seen: Seen = getattr(self, f"_{node.head.replace(' ', '_')}")(node)
        self.found[id(node)] = seen.shape
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
        """Make two operands one shape, unless one is a number."""
        if left.scalar or right.scalar:
            return right if left.scalar else left
        left, right = self.laid(left, nodes[0], right), self.laid(right, nodes[1], left)
        one, other = self.lengths.shape(left.shape), self.lengths.shape(right.shape)
        self.refuse_bias_of_batch((one, other), nodes)
        for this, that in ((one, other), (other, one)):
            if this.is_scalar and not _open(that):
                return Seen(that)
        for a, b in zip(one, other, strict=True):
            if not self.lengths.unify(a, b):
                pairs = zip(nodes, (left, right), strict=True)
                said = " and ".join(f"{_said(n)} is {_shown(self.lengths.shape(s.shape))}" for n, s in pairs)
                between = f"{operator} " if operator == "," else f" {operator} "
                fix = "transpose one of them" if one == other.transposed else "both sides need one shape"
                raise self.clash(f"{_said(nodes[0])}{between}{_said(nodes[1])}: {said}", fix, nodes[1])
        return Seen(left.shape)

    def refuse_bias_of_batch(self, shapes: tuple[Shape, Shape], nodes: tuple[Node, Node]) -> None:
        """Refuse `X W + b` of a batch: as a column, b would make W a column too."""
        pairs = list(zip(shapes, nodes, strict=True))
        for (this, node), (that, other) in (pairs, pairs[::-1]):
            loose = node.head == "name" and node.word in self.fresh and this.cols == ONE
            if loose and other.head == "product" and _open_dim(that.cols):
                raise self.clash(
                    f"{_said(other)} + {_said(node)}: {_said(node)} is a column by convention, {_said(other)} is not",
                    f"declare them; for a batch, {_said(node)} ones(m)^T (columns) or ones(m) {_said(node)} (rows)",
                    node,
                )

    def laid(self, seen: Seen, node: Node, beside: Seen) -> Seen:
        """Lay a vector that nothing but this sum describes beside a row as a row: the bias of x W + b."""
        shape = self.lengths.shape(beside.shape)
        if node.head == "negative":
            return self.laid(seen, node.parts[0], beside)
        if node.head != "name" or node.word not in self.fresh or shape.rows != ONE or shape.cols == ONE:
            return seen
        row = Seen(seen.shape.transposed)
        leaf = self.leaves[node.word]
        self.leaves[node.word] = Leaf(leaf.name, row.shape, position=leaf.position)
        self.known[node.word] = row
        self.found[id(node)] = row.shape
        return row

    def scalar(self, seen: Seen, node: Node, why: str, fix: str) -> None:
        """Make sure that a shape is that of a number."""
        if seen.scalar:
            return
        found = self.lengths.shape(seen.shape)
        if not all(self.lengths.unify(side, ONE) for side in seen.shape):
            raise self.clash(f"{_said(node)} is {_shown(found)}, but {why} is a number", fix, node)

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
            if not _open(shape) and self.closed and whole(exponent) is not None:
                return seen  # of a vector, entry by entry: an answer can mean nothing else
            if not _open(shape):
                raise self.clash(f"{_said(base)} is {_shown(shape)}: ^ is for numbers", "write .^ or ||x||^2", node)
            self.scalar(seen, base, "what ^ raises", "write .^ for every entry")
            return seen
        if whole(exponent) is None:
            raise self.error("a power of a matrix has a whole exponent", "write .^ for every entry", node)
        self.square(seen, base, "a power")
        return seen

    def refuse_matrix_rows(self, loss: Definition) -> None:
        """Refuse a loss such as z = W x, which only an unusual reading of W (one row) would make a number."""
        found = self.lengths.shape(self.known[loss.target].shape)
        open_lengths = {name for dim in found for name, _ in dim.parts}
        for leaf in self.leaves.values():
            shape = self.lengths.shape(leaf.shape)
            if leaf.name[0].isupper() and not leaf.declared and open_lengths & {n for d in shape for n, _ in d.parts}:
                raise self.program.error(
                    f"{loss.target} is a vector or a matrix, but a loss is a number",
                    f"reduce it, as in 1/2 ||{loss.target}||^2, or start from --upstream {loss.target}=d",
                    loss.position,
                )

    def square(self, seen: Seen, node: Node, why: str) -> None:
        """Make sure that a matrix is square."""
        if not self.lengths.unify(seen.shape.rows, seen.shape.cols):
            found = self.lengths.shape(seen.shape)
            raise self.clash(f"{_said(node)} is {_shown(found)}, but {why} needs a square matrix", "", node)

    def _axis(self, node: Node) -> Seen:
        raise self.error("this function has no axis", "leave it out", node)

    def _single(self, node: Node) -> Seen:
        inner = node.parts[0]
        self.scalar(self.visit(inner), inner, "what stands without the index", "give it the index, or reduce it")
        return NUMBER

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
            return Seen(other if one.is_scalar else one)
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
            needed = f"{_shown(other.rows)} {'row' if other.rows == ONE else 'rows'}"
            turned = [_said(n.parts[0]) if n.head == "transpose" and n.parts else f"{_said(n)}^T" for n in node.parts]
            fix = f"try {turned[0]} {b}" if one.rows == other.rows else ""
            fix = f"try {a} {turned[1]}" if not fix and one.cols == other.cols else fix
            raise self.clash(f"{a} {b}: {a} is {_shown(one)} but {b} has {needed}", fix, node.parts[1])
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
        """Decide one product, if that is possible by now."""
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
        """Say that two columns (or rows) have no product."""
        a, b = map(_said, item.node.parts)
        star = " *" if item.node.word == "*" else ""
        left, right = self.lengths.shape(item.left.shape), self.lengths.shape(item.right.shape)
        shapes = "" if _open(left) or _open(right) else f" ({left} and {right})"
        kind = "column" if left.cols == ONE else "row"
        return self.clash(
            f"{a}{star} {b}: both are {kind} vectors{shapes}",
            f"use .* for the element-wise product, {a}^T {b} for the inner product, "
            "or declare one of them as a number (in R)",
            item.node,
        )

    # functions

    def _derivative(self, node: Node) -> Seen:
        if node.word not in ELEMENTWISE and node.word not in self.functions:
            raise self.error(f"{node.word}' is not an element-wise derivative", "write it out", node)
        self.count(node, 1)
        return self.joined(node, ",")

    def _call(self, node: Node) -> Seen:  # noqa: C901, PLR0911 (a case per kind of function)
        word = node.word
        if word in {"ones", "zeros", "eye"}:
            return self.constant(node)
        if word in {"max", "min"} and len(node.parts) > MAX_UNROLLED:
            raise self.error(
                f"{word} of {len(node.parts)} values", f"write {word}([…]) for the entries of a list", node
            )
        if word in {"max", "min"} and len(node.parts) > 1 and node.parts[-1].head != "axis":
            return self.joined(node, ",")
        if word in self.functions or word in ELEMENTWISE:
            self.count(node, 1 if word in self.functions else ELEMENTWISE[word].arguments)
            return self.joined(node, ",")
        if word in AXES:
            return self.reduced(node)
        if word in {"dot", "cossim"}:
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
        """Make sure that a function has so many arguments."""
        if len(node.parts) != wanted:
            words = "one argument" if wanted == 1 else f"{wanted} arguments"
            raise self.error(f"{node.word} takes {words}, not {len(node.parts)}", "", node)

    def diagonal(self, seen: Seen, node: Node) -> Seen:
        """Find the shape of `diag`: a matrix of a column, a column of a matrix."""
        shape = self.lengths.shape(seen.shape)
        if shape.cols == ONE:
            return Seen(Shape(shape.rows, shape.rows))
        self.square(seen, node.parts[0], "diag")
        return Seen(Shape(shape.rows, ONE))

    def constant(self, node: Node) -> Seen:
        """Find the shape of `ones`, `zeros`, `eye`."""
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

    def length_of(self, node: Node) -> Dim | None:  # noqa: PLR0911 (a return per node)
        """Read a length from a node; None where it is none."""
        value = whole(node)
        if value is not None:
            return number(value)
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
        if node.head == "product" and (times := whole(node.parts[0])) is not None:
            inner = self.length_of(node.parts[1])
            return None if inner is None else number(0).plus(inner, times)
        return None

    def axis(self, node: Node) -> int | None:
        """Read the axis of softmax(Z, 0) or max(Z, axis=0): 0 works on columns, 1 (or -1) on rows."""
        last = node.parts[-1]
        named_ = last.head == "axis"
        if node.word not in AXES or len(node.parts) != 2 or (node.word in {"max", "min"} and not named_):  # noqa: PLR2004 (an axis)
            return None
        axis = whole(last.parts[0] if named_ else last)
        return 1 if axis == -1 else axis

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
        if len(indices) == 1 and ONE not in shape:
            raise self.error(
                f"{_said(base)} is a matrix ({shape})", f"write {_said(base)}[1,3], or [1,:] for a row", node
            )
        rows, cols = self.ranges(node)
        one = all(i.head not in {"range", "everything"} for i in indices)
        return NUMBER if one else Seen(Shape(_span(rows), _span(cols)))

    def ranges(self, node: Node) -> tuple[tuple[Dim, Dim], tuple[Dim, Dim]]:
        """Read the indices of a part as ranges of rows and columns."""
        base, *indices = node.parts
        shape = self.lengths.shape(self.found[id(base)])
        sides = [shape.rows, shape.cols] if len(indices) > 1 else [shape.cols if shape.rows == ONE else shape.rows]
        found = [self.range(index, side) for index, side in zip(indices, sides, strict=True)]
        if len(found) == 1:
            found = [(ONE, ONE), found[0]] if shape.rows == ONE else [found[0], (ONE, ONE)]
        return found[0], found[1]

    def range(self, index: Node, side: Dim) -> tuple[Dim, Dim]:
        """Read one index, or a range of them."""
        low, high = index.parts if index.head == "range" else (index, index)
        ends = (
            ONE if low.head == "everything" else self.index(low),
            side if high.head == "everything" else self.index(high),
        )
        beyond, span = side.plus(ends[1], -1), _span(ends)
        if not span.parts and span.constant < 1:
            raise self.error(f"the range {ends[0]}:{ends[1]} is empty", "write the lower index first", index)
        if (not beyond.parts and beyond.constant < 0) or (not ends[0].parts and ends[0].constant < 1):
            raise self.error(f"index {ends[1]} is outside 1…{side}", "entries are counted from 1", index)
        return ends

    def index(self, node: Node) -> Dim:
        """Read an index."""
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
        low, high = whole(lower), whole(upper)
        if low is not None and high is not None:
            self.unrolled += max(0, high - low + 1) * (1 + weight(body) // 20)
            if high - low >= MAX_UNROLLED or self.unrolled > MAX_UNROLLED_TOTAL:
                count = high - low + 1 if high - low >= MAX_UNROLLED else self.unrolled
                raise self.error(f"a sum of {count:,} terms", f"at most {MAX_UNROLLED} are written out", node)
            terms = tuple(with_index(body, node.word, Fraction(k)) for k in range(low, high + 1))
            new = Node("add", terms, node.position) if terms else Node("number", (), node.position, "0", Fraction(0))
        elif low == 1:
            new = Node("call", (lifted(body, node.word, self.error),), node.position, "sum")
        else:
            raise self.error("a sum runs from 1 to the length of a vector, or between numbers", "", node)
        self.expanded[id(node)] = new
        self.found[id(new)] = SCALAR
        if low == 1 and high is None:
            side = self.size(upper)
            inner = self.visit(new.parts[0])
            if not self.lengths.unify(inner.shape.rows, side) or inner.scalar:
                raise self.error(
                    f"the body of the sum does not run from 1 to {side}", f"use entries x[{node.word}]", body
                )
            return NUMBER
        return self.visit(new)


def _span(ends: tuple[Dim, Dim]) -> Dim:
    return ends[1].plus(ends[0], -1).plus(ONE)


def _shown(found: Shape | Dim) -> str:
    """Write a shape or a length in a message; what is still open as a question mark."""
    return compiled(r"\?[0-9]+").sub("?", str(found))


def _open_dim(dim: Dim) -> bool:
    return any(name[0] == "?" for name, _ in dim.parts)


def _open(shape: Shape) -> bool:
    """Say whether a length of a shape is still to be found."""
    return any(map(_open_dim, shape))


def whole(node: Node) -> int | None:
    """Read a whole number; None where a node is none."""
    if node.head == "negative":
        inner = whole(node.parts[0])
        return None if inner is None else -inner
    return int(node.value) if node.value is not None and node.value.denominator == 1 else None


def _said(node: Node) -> str:  # noqa: PLR0911 (a return per node)
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
