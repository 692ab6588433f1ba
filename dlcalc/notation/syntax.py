"""What a program says, before anybody knows the shapes: statements of untyped nodes, each with its place.

The parser in `notation.program` makes these; `calculus.inference` turns them into shape-typed terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import NotationError

if TYPE_CHECKING:
    from fractions import Fraction


class Node(NamedTuple):
    """An operation, its operands, the place where it stands and what else it says (a name, a number, an order).

    Heads: `number`, `name`, `add`, `negative`, `product`, `hadamard`, `quotient`, `elementwise quotient`, `power`,
    `elementwise power`, `transpose`, `inverse`, `call`, `derivative`, `compare`, `part`, `range`, `everything`, `axis`,
    `grid`, `row`, `total`.
    """

    head: str
    parts: tuple[Node, ...] = ()
    position: int = 0
    word: str = ""
    value: Fraction | None = None


class Definition(NamedTuple):
    """`target = body`."""

    target: str
    body: Node
    position: int


class Declaration(NamedTuple):
    """`names in set`; the set is one of `R`, `N`, `interval`, `values`, `onehot`, `function`."""

    names: tuple[tuple[str, int], ...]
    kind: str
    sizes: tuple[str, ...] = ()
    """The lengths of its axes as written: two of a matrix, one of a vector, none of a scalar."""
    values: tuple[Fraction, ...] = ()
    position: int = 0


class Program(NamedTuple):
    """The statements of a text."""

    text: str
    declarations: tuple[Declaration, ...]
    definitions: tuple[Definition, ...]

    def error(self, condition: str, fix: str = "", at: int = 0) -> NotationError:
        """Point at a place of the text."""
        return NotationError(condition, fix, text=self.text, position=at)
