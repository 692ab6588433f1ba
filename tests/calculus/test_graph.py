"""Computational graphs: what they hold, and that their three forms are whole, harmless and without limits."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from dlcalc.calculus.derivation import derive
from dlcalc.calculus.graph import MAX_DEPTH, Graph, Node, dot, graph_of, mermaid, tree
from dlcalc.calculus.inference import typed, typed_expression
from dlcalc.notation.program import read_program

GALLERY = sorted((Path(__file__).parents[1] / "gallery").glob("*.dl"))
SIZES = "x in R^n; W1, Ws in R^(k x n); W2 in R^(m x k)"
RESIDUAL = f"{SIZES}; h1 = relu(W1 x + b1) + Ws x; z = W2 h1; L = 1/2 ||z - y||^2"
HOSTILE = 'a|b "c" [d] {e} (f) #35; <g> & `h` \\n\\ *i* ~ : ; $x$ --> end'


def drawn(text: str, wanted: tuple[str, ...] = ()) -> Graph:
    """Draw the graph of a program."""
    program = read_program(text)
    loss = program.definitions[-1].target
    found = typed(program, scalars=[loss])
    return graph_of(found, derive(found, loss, wanted or tuple(found.leaves)))


def chain(length: int) -> Graph:
    """Return one quantity after the other."""
    names = [f"h{at}" for at in range(length)]
    nodes = [Node(name, "quantity" if at else "leaf", "", "n×1") for at, name in enumerate(names)]
    nodes[-1] = Node(names[-1], "loss", "", "scalar")
    return Graph(tuple(nodes), tuple(pairwise(names)))


def dense(length: int) -> Graph:
    """Return quantities of which each uses the ten before it."""
    names = [f"h{at}" for at in range(length)]
    nodes = tuple(Node(name, "quantity", "", "n×1") for name in names)
    edges = tuple((names[k], names[at]) for at in range(length) for k in range(max(0, at - 10), at))
    return Graph(nodes, edges)


def hostile() -> Graph:
    """Return a graph whose texts mean something to everybody."""
    return Graph((Node("x", "leaf", HOSTILE, HOSTILE), Node("L", "loss", HOSTILE, "scalar")), (("x", "L"),))


# what a graph holds


def test_pre_activations_are_nodes_and_shapes_are_said() -> None:
    nodes = {node.name: node for node in drawn(RESIDUAL).nodes}
    assert nodes["a1"] == Node("a1", "quantity", "W₁ x + b₁", "k×1")
    assert nodes["x"] == Node("x", "leaf", "", "n×1")
    assert nodes["L"] == Node("L", "loss", "1/2 ‖z - y‖²", "scalar")


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_nodes_stand_after_what_they_use(path: Path) -> None:
    graph = drawn(path.read_text(encoding="utf-8"))
    order = {node.name: at for at, node in enumerate(graph.nodes)}
    assert len(order) == len(graph.nodes)
    assert all(order[source] < order[target] for source, target in graph.edges)
    assert len(set(graph.edges)) == len(graph.edges)
    assert graph.roots == (graph.nodes[-1].name,)


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_tree_draws_every_node_once_and_every_edge(path: Path) -> None:
    graph = drawn(path.read_text(encoding="utf-8"))
    lines = [line.lstrip("│├└─ \u00a0") for line in tree(graph).splitlines()]
    for node in graph.nodes:
        assert sum(line == f"{node.statement}  ({node.shape})" for line in lines) == 1
    assert len(lines) == len(graph.edges) + 1


def test_edges_follow_the_formula() -> None:
    assert [s for s, target in drawn("L = c^T (b .* a .* b)").edges if target == "L"] == ["c", "b", "a"]


def test_a_leaf_that_nothing_uses_is_left_out() -> None:
    assert [node.name for node in drawn("x, y in R^n; L = ||x||^2").nodes] == ["x", "L"]


def test_what_the_loss_does_not_use_is_drawn_below_it() -> None:
    text = tree(drawn("side = exp(x); L = ||x||^2"))
    assert text.splitlines() == ["L = ‖x‖²  (scalar)", "└── x  (n×1)", "side = exp(x)  (n×1)", "└── x …"]


def test_without_a_loss_the_last_quantity_is_the_root() -> None:
    program = typed(read_program("z = W x"))
    graph = graph_of(program, derive(program, "z", ["W"], {"z": typed_expression("z", program)}))
    assert [node.kind for node in graph.nodes] == ["leaf", "leaf", "quantity"]
    assert graph.roots == ("z",)


# trees


def test_the_tree_of_a_residual_block() -> None:
    assert tree(drawn(RESIDUAL)).splitlines() == [
        "L = 1/2 ‖z - y‖²  (scalar)",
        "├── z = W₂ h₁  (m×1)",
        "│   ├── W₂  (m×k)",
        "│   └── h₁ = relu(a₁) + Ws x  (k×1)",
        "│       ├── a₁ = W₁ x + b₁  (k×1)",
        "│       │   ├── W₁  (k×n)",
        "│       │   ├── x  (n×1)",
        "│       │   └── b₁  (k×1)",
        "│       ├── Ws  (k×n)",
        "│       └── x …",
        "└── y  (m×1)",
    ]


def test_the_tree_is_plain_text_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    right = tree(drawn(RESIDUAL))
    for name, value in {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "10", "JUPYTER_COLUMNS": "9"}.items():
        monkeypatch.setenv(name, value)
    assert tree(drawn(RESIDUAL)) == right
    assert "\x1b" not in right


def test_long_formulas_do_not_wrap_and_brackets_stay() -> None:
    long = " + ".join(f"[bold]W{at}[/bold]" for at in range(400))
    graph = Graph((Node("x", "leaf", "", "n×1"), Node("L", "loss", long, "scalar")), (("x", "L"),))
    assert tree(graph).splitlines() == [f"L = {long}  (scalar)", "└── x  (n×1)"]


def test_what_lies_too_deep_is_drawn_below() -> None:
    lines = tree(chain(MAX_DEPTH + 10)).splitlines()
    assert sum(line.endswith("…") for line in lines) == 1
    below = next(line for line in lines[1:] if not line.startswith((" ", "└")))
    assert lines[lines.index(below) - 1].endswith(f"{below.split('  ')[0]} …")


@pytest.mark.parametrize("graph", [chain(2000), dense(2000), Graph((), ())], ids=["chain", "dense", "empty"])
def test_there_is_no_limit(graph: Graph) -> None:
    lines = tree(graph).splitlines()
    assert sum(not line.endswith("…") for line in lines) == len(graph.nodes)
    assert max(map(len, lines), default=0) < 4 * MAX_DEPTH + 20
    assert len(dot(graph).splitlines()) == len(graph.nodes) + len(graph.edges) + 3
    assert len(mermaid(graph).splitlines()) == len(graph.nodes) + len(graph.edges) + 1


def test_a_program_of_many_statements() -> None:
    text = "; ".join(["h0 = exp(x)", *(f"h{at} = tanh(h{at - 1})" for at in range(1, 300)), "L = ||h299||^2"])
    graph = drawn(text, ("x",))
    assert len(graph.nodes) == 302
    assert tree(graph).count("tanh") == 299


# other programs


def dot_strings(text: str) -> list[str]:
    """Read the quoted strings as Graphviz does; fail where something stands between them that should not."""
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "Q", text, flags=re.DOTALL)
    assert '"' not in rest
    assert re.fullmatch(r"(digraph \{|\}|    rankdir=BT;|    Q \[label=Q, shape=\w+\];|    Q -> Q;|\n)*", rest)
    return re.findall(r'"((?:[^"\\]|\\.)*)"', text, flags=re.DOTALL)


def test_dot_is_quoted() -> None:
    found = dot_strings(dot(hostile()))
    assert found[1].count("\\n") - found[1].count("\\\\n") == 1
    said = found[1].replace("\\\\", "\\").replace('\\"', '"').replace("&amp;", "&")
    assert said == f"x = {HOSTILE}\\n{HOSTILE}"


def test_dot_names_cannot_end_their_quotes() -> None:
    names = ('a"', "b\\")
    strings = dot_strings(dot(Graph(tuple(Node(name, "leaf", "", "") for name in names), (names,))))
    assert strings[0] == strings[-2]
    assert strings[2] == strings[-1]


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_dot_and_mermaid_hold_every_node_and_edge(path: Path) -> None:
    graph = drawn(path.read_text(encoding="utf-8"))
    strings = dot_strings(dot(graph))
    assert strings[: 2 * len(graph.nodes) : 2] == [node.name for node in graph.nodes]
    assert list(zip(strings[2 * len(graph.nodes) :: 2], strings[2 * len(graph.nodes) + 1 :: 2], strict=True)) == [
        *graph.edges
    ]
    lines = mermaid(graph).splitlines()
    places = {node.name: f"n{at}" for at, node in enumerate(graph.nodes)}
    assert [line for line in lines if "-->" in line] == [f"    {places[s]} --> {places[t]}" for s, t in graph.edges]


def test_mermaid_labels_are_harmless_and_read_back() -> None:
    _, first, second, edge = mermaid(hostile()).splitlines()
    assert edge == "    n0 --> n1"
    label = re.fullmatch(r' {4}n0\(\["([^"]*)"\]\)', first)
    assert label is not None
    assert not set('"[]{}|<>&`\\*~:$') & set(label[1].replace("<br/>", ""))
    assert re.sub(r"#[0-9]+;", "", label[1]).count("#") == 0
    said = re.sub(r"#([0-9]+);", lambda code: chr(int(code[1])), label[1])
    assert said == f"x = {HOSTILE}<br/>{HOSTILE}"
    assert second.startswith('    n1[["L = a#124;b')


def test_drawing_needs_no_numpy() -> None:
    script = (
        "import sys\n"
        "from dlcalc.calculus.graph import Graph, Node, dot, mermaid, tree\n"
        "g = Graph((Node('x', 'leaf', '', ''),), ())\n"
        "dot(g), mermaid(g)\n"
        "print('rich' in sys.modules, end=' ')\n"
        "tree(g)\n"
        "print('numpy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False False\n"
