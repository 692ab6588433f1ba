"""The curves of a function and its slope, in pieces that end at its joints."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.plot import Curve
from dlcalc.topics.activation.facts import X

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.notation.expression import Expr
    from dlcalc.topics.activation.asking import Asked

BESIDE = 1e-9


def curves(asked: Asked, reach: float, count: int) -> Iterator[Curve]:
    """Yield both curves from -reach to reach; one with a jump is several of one name."""
    joints = asked.facts.joints if asked.facts is not None else ()
    places = sorted(p for joint in joints if (p := approximate(joint.at)) is not None and abs(p) < reach)
    grid = [reach * (2 * i / (count - 1) - 1) for i in range(count)]
    for name, node in (("f", asked.function), ("f'", asked.slope)):
        for low, high in pairwise([-reach - 1, *places, reach + 1]):
            inside = [x for x in grid if low + BESIDE < x < high - BESIDE]
            ends = [x for x in (low + BESIDE, high - BESIDE) if abs(x) < reach]
            yield Curve(name, tuple(_drawn(node, sorted([*inside, *ends]))))


def _drawn(node: Expr, points: list[float]) -> Iterator[tuple[float, float]]:
    for x in points:
        try:
            yield x, float(PLAIN.value(node, {X.name: x}))
        except (ArithmeticError, ValueError):
            yield x, float("nan")
