"""A network as a graph: its nodes in the order in which they are computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.networks.joins import Again
from dlcalc.networks.layer import Layer, Macro

if TYPE_CHECKING:
    from dlcalc.networks.quantities import Quantity

MAX_NODES = 1_000_000


class Node(NamedTuple):
    """A layer, and the nodes that flow into it."""

    layer: Layer
    inputs: tuple[int, ...]
    text: str
    """The layer as it was written."""
    name: str = ""
    where: int = -1
    """Where it stands in the text; negative where there is none."""
    shares: int | None = None
    """The node whose weights it uses again."""
    times: Quantity = 1
    """How many rounds of a symbolic `repeat` it stands for."""
    copies: Quantity = 1
    """How many of those rounds have weights of their own."""
    row: int = 0
    """The row of the table that it belongs to; rounds of a symbolic `repeat` share their rows."""


@dataclass
class Graph:
    """Nodes in order; the first is the input, the last the output."""

    nodes: list[Node] = field(default_factory=list)
    text: str = ""
    """The text that `Node.where` points into."""
    notes: tuple[str, ...] = ()
    """What a reader of files left out, or assumed."""
    _rows: int = 0

    def add(self, layer: Layer, *inputs: int, text: str, **details: object) -> int:
        """Add a layer, or the several that it stands for; return the index of the last node."""
        if len(self.nodes) >= MAX_NODES:
            raise DlcalcError(f"the network has more than {MAX_NODES:,} layers", "repeat less often")
        if isinstance(layer, Macro):
            at = inputs[0]
            for index, part in enumerate(layer.parts()):
                shares = details.get("shares")
                own = details if shares is None else details | {"shares": shares + index}  # type: ignore[operator]
                at = self.add(part, at, text=f"{text}: {type(part).__name__.lower()}", **own)
            return at
        again = isinstance(layer, Again)
        details["row"] = self._rows - again
        self._rows += not again
        self.nodes.append(Node(layer, inputs, text, **details))  # type: ignore[arg-type]  # fields of Node
        return len(self.nodes) - 1

    @property
    def last(self) -> int:
        """The index of the last node."""
        return len(self.nodes) - 1

    @property
    def next_row(self) -> int:
        """The row of the next node; set back where rounds share their rows."""
        return self._rows

    @next_row.setter
    def next_row(self, row: int) -> None:
        self._rows = row
