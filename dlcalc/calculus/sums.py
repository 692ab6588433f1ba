"""Sums over an index: written out between numbers, or turned into element-wise expressions of whole vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.calculus.functions import AXES, SQUARE
from dlcalc.notation.syntax import Node

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from dlcalc.errors import NotationError


def with_index(node: Node, index: str, value: Fraction) -> Node:
    """Put a number in the place of the index of a sum."""
    if node.head == "total" and node.word == index:  # an inner sum over a name of its own
        return node._replace(parts=(*(with_index(p, index, value) for p in node.parts[:2]), node.parts[2]))
    if node.head == "name" and node.word == index:
        return Node("number", (), node.position, str(value), value)
    return node._replace(parts=tuple(with_index(p, index, value) for p in node.parts))


def lifted(node: Node, index: str, error: Callable[[str, str, Node], NotationError]) -> Node:
    """Turn the body of a sum over all entries into an element-wise expression of the vectors."""
    if node.head == "part" and len(node.parts) == 2 and node.parts[1].head == "name" and node.parts[1].word == index:  # noqa: PLR2004 (x[k])
        return node.parts[0]
    if node.head == "name" and node.word == index:
        raise error(f"the index {index} stands outside of [ ]", f"use it in entries only, x[{index}]", node)
    heads = {"product": "hadamard", "quotient": "elementwise quotient", "power": "elementwise power"}
    if node.head == "call" and _uses(node, index):
        node = _of_entries(node, error)
    inside = tuple(lifted(p, index, error) for p in node.parts)
    indexed = [_uses(p, index) for p in node.parts]
    both = all(indexed) if node.head == "product" else any(indexed[1:]) if node.head == "quotient" else any(indexed)
    if not any(indexed):
        return node
    parts = tuple(part if uses else _single(part) for part, uses in zip(inside, indexed, strict=True))
    return node._replace(head=heads.get(node.head, node.head) if both else node.head, parts=parts)


def _of_entries(node: Node, error: Callable[[str, str, Node], NotationError]) -> Node:
    """Read a function of one entry; a norm of a number is its absolute value."""
    if node.word in {"norm", "norm_1", "norm_inf"}:
        return node._replace(word="abs")
    if node.word in AXES - {"max", "min"} or (node.word in AXES and len(node.parts) == 1) or node.word in SQUARE:
        raise error(f"{node.word} of one entry", "take it out of the sum, or leave it out", node)
    return node


def _single(node: Node) -> Node:
    """Say that what carries no index is one number for all entries."""
    return node if node.head in {"number", "axis"} else Node("single", (node,), node.position)


def weight(node: Node) -> int:
    """Count the operations of a node."""
    count, waiting = 0, [node]
    while waiting:
        count += 1
        waiting += waiting.pop().parts
    return count


def _uses(node: Node, index: str) -> bool:
    return (node.head == "name" and node.word == index) or any(_uses(p, index) for p in node.parts)
