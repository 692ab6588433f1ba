"""One pass over a graph: shapes are checked, and every node becomes a row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import NotationError
from dlcalc.networks.field import POINT, Field, Fields, joined
from dlcalc.networks.joins import Again, Input
from dlcalc.networks.layer import Effect, Misfit, different
from dlcalc.networks.quantities import Quantity, Shape, product, tidy, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.networks.graph import Graph, Node
    from dlcalc.notation.expression import Relation

BYTES = 4
"""Of a number in memory (float32)."""


class Numbers(NamedTuple):
    """The sums of products of an effect, computed."""

    weights: Quantity
    biases: Quantity
    macs: Quantity
    fixed: Quantity
    entries: Quantity
    """Of the output."""


class Row(NamedTuple):
    """A node, and what it takes."""

    node: Node
    inputs: tuple[Shape, ...]
    effect: Effect
    numbers: Numbers
    fields: Fields | None
    """What an entry sees of the input, per spatial axis; None where that is the whole input, or not told."""

    @property
    def output(self) -> Shape:
        """The shape that flows out."""
        return self.effect.output

    def own(self, number: Quantity) -> Quantity:
        """Count a number of parameters in all rounds; nothing where another layer holds them."""
        return 0 if self.node.shares is not None else product((number, self.node.copies))

    @property
    def weights(self) -> Quantity:
        """Trained weights that are its own."""
        return self.own(self.numbers.weights)

    @property
    def biases(self) -> Quantity:
        """Trained biases that are its own."""
        return self.own(self.numbers.biases)

    @property
    def fixed(self) -> Quantity:
        """Numbers that it keeps without training them."""
        return self.own(self.numbers.fixed)

    @property
    def parameters(self) -> Quantity:
        """Weights and biases."""
        return tidy(self.weights + self.biases)

    @property
    def macs(self) -> Quantity:
        """Multiply-accumulates."""
        return product((self.numbers.macs, self.node.times))

    @property
    def flops(self) -> Quantity:
        """Multiplications and additions: two per multiply-accumulate."""
        return tidy(2 * self.macs)

    @property
    def activations(self) -> Quantity:
        """Entries of its output, unless it makes no array of its own."""
        return product((self.numbers.entries, self.node.times)) if self.node.layer.holds else 0


def _numbers(effect: Effect) -> Numbers:
    weights, biases, macs, fixed = (
        total(map(product, terms)) for terms in (effect.weights, effect.biases, effect.macs, effect.fixed)
    )
    return Numbers(weights, biases, macs, fixed, product(effect.output))


@dataclass(frozen=True)
class Walked:
    """What became of a graph."""

    graph: Graph
    rows: tuple[Row, ...]
    """A row per node, the input and the ends of symbolic repeats included."""

    @property
    def output(self) -> Shape:
        """The shape that flows out at the end."""
        return self.rows[-1].output

    @property
    def layers(self) -> list[Row]:
        """The rows that are layers."""
        return [row for row in self.rows if not isinstance(row.node.layer, Input | Again)]

    @property
    def needs(self) -> tuple[Relation, ...]:
        """What must hold of the symbols."""
        return tuple(dict.fromkeys(need for row in self.rows for need in row.effect.needs))

    def total(self, what: str) -> Quantity:
        """Add a quantity up over the rows."""
        return total(getattr(row, what) for row in self.rows)

    @property
    def last_field(self) -> Row | None:
        """The last row where an entry sees a window of the input, if anything has moved a window."""
        moved = [row for row in self.rows if row.fields and row.node.times == 1]
        return next((row for row in reversed(moved) if any(f != POINT for f in row.fields or ())), None)


def walk(graph: Graph) -> Walked:
    """Pass through the nodes in order, once.

    Raises DlcalcError, with the layer and what flows into it, where a layer does not fit.

    >>> from dlcalc.networks.language import build, read
    >>> [row.output for row in walk(build(read("conv 16 7, pool 2, flatten"), (32, 32, 3))).rows[1:]]
    [(26, 26, 16), (13, 13, 16), (2704,)]
    """
    rows: list[Row] = []
    found: dict[tuple[int, tuple[Shape, ...]], tuple[Effect, Numbers]] = {}
    for index, node in enumerate(graph.nodes):
        shapes = tuple(rows[i].effect.output for i in node.inputs)
        key = (id(node.layer), shapes)
        try:
            known = found.get(key)
            if known is None:
                effect = node.layer.effect(*shapes)
                known = found[key] = effect, _numbers(effect)
            field = _field(rows, node, shapes)
        except Misfit as problem:
            raise _placed(problem, graph, index) from None
        if node.shares is not None:
            _same_weights(graph, index, known[1], rows[node.shares].numbers)
        rows.append(Row(node, shapes, *known, field))
    return Walked(graph, tuple(rows))


def _field(rows: Sequence[Row], node: Node, shapes: tuple[Shape, ...]) -> Fields | None:
    if isinstance(node.layer, Input):
        return (POINT,) * (len(node.layer.shape) - 1)
    fields = [rows[i].fields for i in node.inputs]
    if isinstance(node.layer, Again) and len(set(node.inputs)) > 1:
        return _repeated(fields[0], fields[1], rows[node.inputs[0]].node.times, node.times)
    return node.layer.seen(fields[0] if len(fields) == 1 else joined(fields), *shapes)


def _repeated(after: Fields | None, before: Fields | None, inner: Quantity, outer: Quantity) -> Fields | None:
    """Widen a field by as much in every round, which is so where the jump stays."""
    if after is None or before is None or outer != 1:
        return None
    found = []
    for a, b in zip(after, before, strict=True):
        if a.jump != b.jump or len(a.phases) + len(b.phases) != 2:  # noqa: PLR2004 (one of each)
            return None
        (first, size), (start, width) = a.phases[0], b.phases[0]
        shift, growth = tidy(inner * (first - start)), tidy(inner * (size - width))
        found.append(Field(((tidy(start + shift), tidy(width + growth)),), a.advance))
    return tuple(found)


def _placed(problem: Misfit, graph: Graph, index: int) -> Misfit | NotationError:
    """Say which layer it is; show the place where there is a text."""
    node = graph.nodes[index]
    called = f"{node.name}, " if node.name else ""
    condition = f"layer {node.row} {called}'{node.text[:60]}': {problem.condition}"
    if node.where < 0:
        return Misfit(condition, problem.fix)
    return NotationError(condition, problem.fix, text=graph.text, position=node.where)


def _same_weights(graph: Graph, index: int, mine: Numbers, owner: Numbers) -> None:
    """Refuse to use weights again on an input that asks for others."""
    for wanted, there in ((mine.weights, owner.weights), (mine.biases, owner.biases)):
        if different(wanted, there):
            raise _placed(
                Misfit(
                    f"it shares weights, but needs {wanted} where there are {there}",
                    "let it have an input with as many channels, or weights of its own",
                ),
                graph,
                index,
            )
