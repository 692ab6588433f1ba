"""The sides of a chain at many random points, with NumPy: where links fail, and how closely they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlcalc.calculus.batches import as_array
from dlcalc.calculus.checking import SCALES, Checker, Data, error
from dlcalc.calculus.inference import Reader
from dlcalc.calculus.printing import plain
from dlcalc.errors import DlcalcError
from dlcalc.solution import POINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.calculus.chain import Chain, Counterexample, Link

TOLERANCE = 1e-9
LEAST = 3
"""Lengths from here on, so that 1/n is not ½."""
ROUNDS = 40
"""Times that points are drawn in search of those that satisfy the conditions."""

# ruff: noqa: ANN401 (arrays)


class Sampled(NamedTuple):
    """Arrays of every name at the points that satisfy the conditions."""

    checker: Checker
    values: Mapping[str, Any]
    drawn: int

    def read(self, text: str) -> Any:
        """Read a displayed side again and evaluate it."""
        with np.errstate(all="ignore"):
            term = Reader(self.checker.typed, self.checker.extra).read(text)
            return self.checker.batch.value(term, self.values)


def sampled(found: Chain, seed: int) -> Sampled:
    """Draw points at which the conditions hold and everything has a value.

    Raises DlcalcError where no point satisfies the conditions.
    """
    problem = found.problem
    checker = Checker(problem.typed, problem.derivation, seed, least=LEAST, scales=SCALES)
    if not problem.typed.leaves:
        return Sampled(checker, _forward(checker, {}), 1)
    kept: list[dict[str, Any]] = []
    count = 0
    lengths: dict[str, int] = {}
    for _ in range(ROUNDS):
        values = _forward(checker, checker.points(POINTS)[0])
        if checker.lengths != lengths:
            lengths, kept, count = dict(checker.lengths), [], 0
        good = np.ones(POINTS, dtype=bool)
        for condition in found.conditions:
            met = values[condition] == 1
            good &= np.broadcast_to(met.reshape(len(met), -1).all(axis=1), (POINTS,))
        kept.append({n: np.broadcast_to(v, (POINTS, *v.shape[1:]))[good] for n, v in values.items()})
        count += int(good.sum())
        if count >= POINTS:
            break
    if not count:
        raise DlcalcError(
            "no random point satisfies the conditions and gives every side a value",
            "declare the range, such as p in (0, 1)",
        )
    return Sampled(checker, {n: np.concatenate([k[n] for k in kept])[:POINTS] for n in kept[0]}, min(count, POINTS))


def _forward(checker: Checker, leaves: Mapping[str, Any]) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        return dict(checker.forward(dict(leaves), checker.typed.definitions))


def gap(left: Any, relation: str, right: Any) -> float:
    """Return how far a relation is from holding, relative to the larger side; 0 where a bound holds."""
    if relation == "=":
        return error(left, right)
    low, high = (left, right) if relation[0] == "<" else (right, left)
    return float(np.max((low - high) / np.maximum(1, np.abs(high)), initial=0.0))


def tells(left: Any, relation: str, right: Any) -> bool:
    """Say whether some point tells the sides of a strict bound apart."""
    return relation not in {"<", ">"} or bool(np.any(np.abs(left - right) > TOLERANCE * np.maximum(1, np.abs(right))))


def holds(points: Sampled, link: Link) -> bool:
    """Say whether a link holds at all points."""
    left, right = points.values[link.left], points.values[link.right]
    return gap(left, link.relation, right) <= TOLERANCE and tells(left, link.relation, right)


def first_failure(points: Sampled, link: Link) -> tuple[float, float]:
    """Return the entries of both sides that differ most, at the first point where a link fails."""
    both = np.broadcast_arrays(points.values[link.left], points.values[link.right])
    for left, right in zip(*both, strict=True):
        if gap(left[None], link.relation, right[None]) > TOLERANCE:
            break
    worst = np.unravel_index(np.argmax(np.abs(left - right)), left.shape)
    return float(left[worst]), float(right[worst])


def at_counterexample(found: Chain, link: Link, at: Counterexample) -> tuple[float, float]:
    """Compute both sides of a refuted link at its counterexample again, from their text: the errors."""
    problem = found.problem
    leaves = {name: as_array(rows) for name, rows in at.leaves.items()}
    checker = Checker(problem.typed, problem.derivation, 0, Data(leaves, at.lengths))
    points = Sampled(checker, _forward(checker, leaves), 1)
    return (
        error(points.read(plain(found.term(link.left))), as_array(at.left)),
        error(points.read(plain(found.term(link.right))), as_array(at.right)),
    )
