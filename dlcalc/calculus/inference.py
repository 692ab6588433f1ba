"""From syntax to shape-typed terms: whole programs, and expressions in the names of a program.

Convention for a name that nothing declares: capital letter, matrix; Greek letter, scalar; other letters, column
vector. What the equations force to one entry is a scalar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.calculus.dims import Shape, named
from dlcalc.calculus.elaborate import Elaboration
from dlcalc.calculus.shapes import Leaf, Seen, Shapes
from dlcalc.calculus.terms import DELTA, Part, walk
from dlcalc.notation.program import read_expression
from dlcalc.notation.syntax import Definition, Node, Program

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from dlcalc.calculus.terms import Term

_LETTERS = "nmpqrstkdabcefghijluvwxyz"


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

    def parts_fit(self, lengths: Mapping[str, int]) -> bool:
        """Say whether every entry that the program takes is there, at these lengths."""
        return all(
            1 <= low.value(lengths) <= high.value(lengths) <= side.value(lengths)
            for term in self.definitions.values()
            for node in walk(term)
            if isinstance(node, Part)
            for (low, high), side in zip((node.rows, node.cols), node.of.shape, strict=True)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all quantities."""
        return (*self.leaves, *self.definitions)


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
    targets = _targets(program)
    functions = tuple(name for d in program.declarations if d.kind == "function" for name, _ in d.names)
    found = Shapes(program, {}, frozenset(functions), defined=frozenset(targets), entry_kinds=kinds or {})
    for declaration in program.declarations:
        found.declare(declaration)
    for definition in program.definitions:
        found.sizes |= _sizes_used(definition.body, {*targets, *found.leaves})
    found.take_lengths(targets)
    found.turned = frozenset(name for d in program.definitions for name in _turned(d.body))
    order = _ordered(program, targets)
    for target in order:
        seen = found.visit(targets[target].body)
        if target in found.known:
            seen = found.declared_as(target, seen, targets[target].body)
        found.known[target] = seen
        found.settle()
    for target in scalars:
        fix = "start from a given gradient with --upstream, or reduce it with sum(…)"
        found.refuse_matrix_rows(targets[target])
        found.scalar(found.known[target], _at(targets[target]), "a loss", fix)
        found.settle()
    found.settle(last=True)
    _refuse_deltas(found, program)
    _name_lengths(found, targets)
    leaves = {
        name: Leaf(name, found.lengths.shape(leaf.shape), leaf.declared, leaf.kind, leaf.values, leaf.position)
        for name, leaf in found.leaves.items()
    }
    definitions = {target: Elaboration(found).term(targets[target].body) for target in order}
    lengths = tuple(sorted(found.sizes | {n for leaf in leaves.values() for d in leaf.shape for n, _ in d.parts}))
    return Typed(program, leaves, definitions, lengths, functions)


def _targets(program: Program) -> dict[str, Definition]:
    """Return the definitions by their names; refuse a name defined twice."""
    found: dict[str, Definition] = {}
    for definition in program.definitions:
        if definition.target in found:
            raise program.error(
                f"{definition.target} is defined twice", "give the second one another name", definition.position
            )
        found[definition.target] = definition
    return found


def _refuse_deltas(found: Shapes, program: Program) -> None:
    """Refuse a quantity whose name means the gradient of another one."""
    for name in found.known:
        if name.startswith(DELTA) and name.removeprefix(DELTA) in found.known:
            raise program.error(f"{name} would mean the gradient of {name.removeprefix(DELTA)}", "choose another name")


def _at(definition: Definition) -> Node:
    return Node("name", (), definition.position, definition.target)


def _sizes_used(node: Node, taken: set[str]) -> set[str]:
    """Find names that stand where a length is needed; the indices of sums are none."""
    found: set[str] = set()
    indices: set[str] = set()
    waiting = [node]
    while waiting:
        at = waiting.pop()
        sized = at.parts if at.head == "call" and at.word in {"ones", "zeros", "eye"} else ()
        if at.head == "total":
            sized = at.parts[1:2]
            indices.add(at.word)
        for size in sized:
            inner = [size]
            while inner:
                leaf = inner.pop()
                found |= {leaf.word} if leaf.head == "name" else set()
                inner += leaf.parts
        waiting += at.parts
    return found - taken - indices


def _ordered(program: Program, targets: Mapping[str, Definition]) -> list[str]:
    """Order the definitions so that each uses only those before it; refuse a cycle."""
    uses = {name: [u for u in words(d.body) if u in targets] for name, d in targets.items()}
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


def _turned(node: Node) -> Iterator[str]:
    """Yield the names that are transposed."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.head == "transpose" and at.parts and at.parts[0].head == "name":
            yield at.parts[0].word
        waiting += at.parts


def words(node: Node) -> Iterator[str]:
    """Yield the names that occur in a node."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.head == "name":
            yield at.word
        waiting += reversed(at.parts)


def _name_lengths(found: Shapes, targets: Mapping[str, Definition]) -> None:
    """Give the lengths that nobody named a letter each, in the order in which they are met."""
    taken = {*found.known, *found.sizes, *targets}
    letters = iter([*(c for c in _LETTERS if c not in taken), *(f"d{k}" for k in range(1, found.lengths.count + 1))])
    for seen in [*(leaf.shape for leaf in found.leaves.values()), *found.found.values()]:
        shape = found.lengths.shape(seen)
        for dim in reversed(shape):
            for name, _ in found.lengths.resolved(dim).parts:
                if name[0] == "?":
                    letter = next(letter for letter in letters if letter not in taken)
                    found.lengths.found[name] = named(letter)
                    found.sizes.add(letter)


class Reader:
    """Reads expressions in the names of a program: answers, displayed lines; `extra` names have shapes too."""

    def __init__(self, typed: Typed, extra: Mapping[str, Shape] | None = None) -> None:
        """Take the names in, once for many expressions."""
        shapes = {**{name: typed.shape(name) for name in typed.names}, **(extra or {})}
        self.known = {name: Seen(shape, scalar=shape.is_scalar) for name, shape in shapes.items()}
        self.names = frozenset({*self.known, *typed.lengths})
        self.functions = frozenset(typed.functions)
        self.sizes = frozenset(typed.lengths)

    def read(self, text: str, *, from_left: bool = False) -> Term:
        """Read an expression; `from_left` reads `a ⊙ b c` as (a ⊙ b) c.

        Raises NotationError, with the place; ShapeError where shapes do not go together.
        """
        node = read_expression(text, self.names, self.functions, from_left=from_left)
        found = Shapes(Program(text, (), ()), self.known, self.functions, sizes=set(self.sizes), closed=True)
        found.visit(node)
        found.settle(last=True)
        return Elaboration(found).term(node)


def typed_expression(text: str, typed: Typed, extra: Mapping[str, Shape] | None = None) -> Term:
    """Read one expression in the names of a program."""
    return Reader(typed, extra).read(text)


__all__ = ["Leaf", "Reader", "Typed", "typed", "typed_expression", "words"]
