"""The computational graph of a derivation: a tree for terminals, DOT for Graphviz, a Mermaid flowchart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.calculus.printing import unicode, unicode_name
from dlcalc.calculus.terms import Name, Term, children

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.tree import Tree

    from dlcalc.calculus.derivation import Derivation
    from dlcalc.calculus.dims import Shape
    from dlcalc.calculus.inference import Typed

MAX_DEPTH = 24
"""Levels of one tree; what lies deeper is drawn as a tree of its own below."""
LEAF, QUANTITY, LOSS = "leaf", "quantity", "loss"

_DOT_SHAPES = {LEAF: "ellipse", QUANTITY: "box", LOSS: "doubleoctagon"}
_MERMAID_BRACKETS = {LEAF: ('(["', '"])'), QUANTITY: ('["', '"]'), LOSS: ('[["', '"]]')}
_MERMAID_HARMLESS = set(" =+-,./()_")
"""Punctuation that means nothing to Mermaid between quotes."""


@dataclass(frozen=True)
class Node:
    """A quantity: its name, its kind (`leaf`, `quantity` or `loss`), how it is computed, its shape."""

    name: str
    kind: str
    formula: str
    """The right-hand side in Unicode; empty for a leaf."""
    shape: str

    @property
    def statement(self) -> str:
        """The name, with the formula where there is one."""
        shown = unicode_name(self.name)
        return f"{shown} = {self.formula}" if self.formula else shown


@dataclass(frozen=True)
class Graph:
    """Nodes, each after those that it uses, and edges from what is used to what uses it."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    @property
    def parts(self) -> Mapping[str, Sequence[str]]:
        """What each node uses, in the order of its formula."""
        found: dict[str, list[str]] = {node.name: [] for node in self.nodes}
        for source, target in self.edges:
            found[target].append(source)
        return found

    @property
    def roots(self) -> tuple[str, ...]:
        """The loss, then whatever else nothing uses."""
        used = {source for source, _ in self.edges}
        ends = [node for node in self.nodes if node.name not in used or node.kind == LOSS]
        return tuple(node.name for node in sorted(ends, key=lambda node: node.kind != LOSS))


def graph_of(typed: Typed, derivation: Derivation) -> Graph:
    """Draw the statements of a derivation, its named pre-activations included.

    >>> from dlcalc.calculus.derivation import derive
    >>> from dlcalc.calculus.inference import typed
    >>> from dlcalc.notation.program import read_program
    >>> program = typed(read_program("z = W x + b; L = 1/2 ||z - y||^2"))
    >>> graph = graph_of(program, derive(program, "L", ["W"]))
    >>> [(node.name, node.kind, node.shape) for node in graph.nodes][-2:]
    [('z', 'quantity', 'm×1'), ('L', 'loss', 'scalar')]
    >>> graph.edges
    (('W', 'z'), ('x', 'z'), ('b', 'z'), ('z', 'L'), ('y', 'L'))
    """
    edges = [(used, name) for name, term in derivation.definitions.items() for used in _uses(term)]
    sources = {source for source, _ in edges}
    leaves = [
        Node(name, LEAF, "", _shape(leaf.shape))
        for name, leaf in typed.leaves.items()
        if name in sources and name not in derivation.definitions
    ]
    loss = "" if derivation.upstream else derivation.loss
    quantities = [
        Node(name, LOSS if name == loss else QUANTITY, unicode(term), _shape(term.shape))
        for name, term in derivation.definitions.items()
    ]
    return Graph((*leaves, *quantities), tuple(edges))


def _uses(term: Term) -> tuple[str, ...]:
    """Return the names in a term, as they stand from left to right."""
    found: dict[str, None] = {}
    waiting = [term]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name):
            found[node.name] = None
        waiting += reversed(children(node))
    return tuple(found)


def _shape(shape: Shape) -> str:
    return "scalar" if shape.is_scalar else str(shape)


# a tree


def tree(graph: Graph) -> str:
    """Draw a tree, the loss at the top; what was drawn before, or is drawn below for want of room, ends with `…`.

    >>> nodes = (Node("x", LEAF, "", "n×1"), Node("h", QUANTITY, "exp(x)", "n×1"), Node("L", LOSS, "hᵀ x", "scalar"))
    >>> print(tree(Graph(nodes, (("x", "h"), ("h", "L"), ("x", "L")))))
    L = hᵀ x  (scalar)
    ├── h = exp(x)  (n×1)
    │   └── x  (n×1)
    └── x …
    """
    nodes = {node.name: node for node in graph.nodes}
    parts = graph.parts
    drawn: set[str] = set()
    waiting = list(reversed(graph.roots))
    texts: list[str] = []
    while waiting:
        name = waiting.pop()
        if name not in drawn:
            top, deeper = _grown(name, nodes, parts, drawn)
            texts.append(_rendered(top))
            waiting += reversed(deeper)
    return "\n".join(texts)


def _grown(
    root: str, nodes: Mapping[str, Node], parts: Mapping[str, Sequence[str]], drawn: set[str]
) -> tuple[Tree, list[str]]:
    """Grow the tree of one root; return it with the names that lie too deep for it."""
    from rich.tree import Tree

    drawn.add(root)
    top = Tree(_label(nodes[root]))
    deeper: list[str] = []
    waiting: list[tuple[Tree, Iterator[str]]] = [(top, iter(parts[root]))]
    while waiting:
        parent, rest = waiting[-1]
        name = next(rest, None)
        if name is None:
            waiting.pop()
        elif name in drawn or (len(waiting) == MAX_DEPTH and parts[name]):
            parent.add(f"{unicode_name(name)} …")
            deeper += [] if name in drawn else [name]
        else:
            drawn.add(name)
            waiting.append((parent.add(_label(nodes[name])), iter(parts[name])))
    return top, deeper


def _label(node: Node) -> str:
    return f"{node.statement}  ({node.shape})"


def _rendered(top: Tree) -> str:
    """Write a tree as plain text, as wide as it needs to be, whatever the terminal is."""
    from io import StringIO

    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    width, waiting = 1, [(top, 0)]
    while waiting:
        at, depth = waiting.pop()
        width = max(width, 4 * depth + cell_len(str(at.label)))
        at.label = Text(str(at.label))  # brackets are mathematics, not markup
        waiting += [(child, depth + 1) for child in at.children]
    out = StringIO()
    console = Console(
        file=out,
        width=width + 1,
        height=100,
        color_system=None,
        force_terminal=False,
        legacy_windows=False,
        highlight=False,
        _environ={},
    )
    console.print(top)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


# files for other programs


def dot(graph: Graph) -> str:
    r"""Write DOT, the language of Graphviz.

    >>> print(dot(Graph((Node("x", LEAF, "", "n×1"), Node("L", LOSS, "‖x‖", "scalar")), (("x", "L"),))))
    digraph {
        rankdir=BT;
        "x" [label="x\nn×1", shape=ellipse];
        "L" [label="L = ‖x‖\nscalar", shape=doubleoctagon];
        "x" -> "L";
    }
    """
    lines = [
        f'"{_dot_name(n.name)}" [label="{_dot_text(n.statement)}\\n{_dot_text(n.shape)}", shape={_DOT_SHAPES[n.kind]}];'
        for n in graph.nodes
    ]
    lines += [f'"{_dot_name(source)}" -> "{_dot_name(target)}";' for source, target in graph.edges]
    return "\n".join(["digraph {", "    rankdir=BT;", *(f"    {line}" for line in lines), "}"])


def _dot_name(name: str) -> str:
    """Write a name between quotes; only the quote itself is special there, and no backslash may stand before it."""
    return name.replace("\\", "/").replace('"', '\\"')


def _dot_text(text: str) -> str:
    """Write a label between quotes, where backslashes and the entities of HTML mean something too."""
    plain = " ".join(text.splitlines())
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def mermaid(graph: Graph) -> str:
    """Write a Mermaid flowchart; characters that mean something to Mermaid are written by their numbers.

    >>> print(mermaid(Graph((Node("x", LEAF, "", "n×1"), Node("L", LOSS, "|x|", "scalar")), (("x", "L"),))))
    flowchart BT
        n0(["x<br/>n×1"])
        n1[["L = #124;x#124;<br/>scalar"]]
        n0 --> n1
    """
    places = {node.name: f"n{at}" for at, node in enumerate(graph.nodes)}
    lines = []
    for node in graph.nodes:
        opening, closing = _MERMAID_BRACKETS[node.kind]
        label = f"{_mermaid_text(node.statement)}<br/>{_mermaid_text(node.shape)}"
        lines.append(f"{places[node.name]}{opening}{label}{closing}")
    lines += [f"{places[source]} --> {places[target]}" for source, target in graph.edges]
    return "\n".join(["flowchart BT", *(f"    {line}" for line in lines)])


def _mermaid_text(text: str) -> str:
    return "".join(
        c if c.isalnum() or c in _MERMAID_HARMLESS or (not c.isascii() and c.isprintable()) else f"#{ord(c)};"
        for c in text
    )
