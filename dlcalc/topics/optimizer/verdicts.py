"""What a path shows: whether it zigzags, which coordinate has the larger rate; each with its evidence."""

from __future__ import annotations

from itertools import pairwise
from math import isclose
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ZERO, Entry, Expr, Mul, Num, Sym, fold, number
from dlcalc.notation.functions import call
from dlcalc.solution import Answer, Step, symbols, verdict, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlcalc.topics.optimizer.field import Vector
    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.running import Row

MOST_PAIRS = 4
"""Pairs of steps whose signs are written out as evidence."""
MOST_UPDATES = 50
"""Updates up to which a zigzag is looked for."""
PAIR = 2
ROUNDING = 1e-9


def verdicts(asked: Question, rows: list[Row]) -> Iterator[Answer]:
    """Answer what can be seen in numbers."""
    if _followed(asked, rows):
        yield verdict("zigzags", holds=_zigzagging(asked, rows) is not None, otherwise="compare the signs of its steps")
    if _compared(asked, rows):
        words = (*_coordinates(asked), "equal")
        yield word("larger_rate", _larger(asked, rows[-1]["rate"]), words)
        yield word("larger_step", _larger(asked, _sizes(rows[-1])), words)


def evidence(asked: Question, rows: list[Row]) -> Iterator[Step]:
    """Show the signs of the steps, and the rates and steps of two coordinates side by side."""
    if _followed(asked, rows):
        yield from _zigzag_steps(asked, rows)
    if _compared(asked, rows):
        last = number(asked.numbers[-1])
        rate, step = ([Entry(asked.family(name, place), last) for place in range(PAIR)] for name in ("rate", "step"))
        yield _comparison("larger_rate", rate, rows[-1]["rate"], "the rates of the two coordinates", asked)
        sizes = [call("abs", entry) for entry in step]
        yield _comparison("larger_step", sizes, _sizes(rows[-1]), "the lengths of their steps", asked)


def _comparison(name: str, entries: Sequence[Expr], values: Vector, because: str, asked: Question) -> Step:
    first, second = (approximate(value) or 0.0 for value in values)
    relation: Any = "=" if _same(values) else ">" if first > second else "<"
    return Step(name, Sym(name), entries[0], entries[1], because, relation, where=dict(asked.values))


def _same(values: Vector) -> bool:
    """Say whether two numbers are equal: exactly, or as far as floats tell where they are irrational or too long."""
    if all(isinstance(value, Num) for value in values):
        return values[0] == values[1]
    first, second = (approximate(value) or 0.0 for value in values)
    return isclose(first, second, rel_tol=ROUNDING)


def _sizes(row: Row) -> Vector:
    return tuple(fold(call("abs", step)) for step in row["step"])


def _coordinates(asked: Question) -> tuple[str, ...]:
    return asked.names or tuple(str(place + 1) for place in asked.places)


def _larger(asked: Question, values: Vector) -> str:
    if _same(values):
        return "equal"
    first, second = (approximate(value) or 0.0 for value in values)
    return _coordinates(asked)[0 if first > second else 1]


def _compared(asked: Question, rows: list[Row]) -> bool:
    return asked.width == PAIR and "rate" in rows[-1] and not symbols(rows[-1]["rate"], rows[-1]["step"])


def _followed(asked: Question, rows: list[Row]) -> bool:
    seen = asked.field is not None and 1 < asked.count <= MOST_UPDATES
    return seen and not symbols(*(row["step"] for row in rows[1:]))


def _products(rows: list[Row], place: int) -> list[float]:
    """Return the products of each step and the next."""
    steps = [approximate(row["step"][place]) or 0.0 for row in rows[1:]]
    return [a * b for a, b in pairwise(steps)]


def _zigzagging(asked: Question, rows: list[Row]) -> int | None:
    """Find a coordinate whose step changes its sign at every update."""
    return next((i for i in asked.places if all(product < 0 for product in _products(rows, i))), None)


def _zigzag_steps(asked: Question, rows: list[Row]) -> Iterator[Step]:
    """Multiply each step with the next: below 0 wherever the path turns back."""

    def pair(place: int, index: int) -> Expr:
        name, update = asked.family("step", place), asked.first + index
        return Mul((Entry(name, number(update)), Entry(name, number(update + 1))))

    where, place = dict(asked.values), _zigzagging(asked, rows)
    if place is not None:
        for index in range(min(MOST_PAIRS, asked.count - 1)):
            yield Step("zigzag", Sym("zigzags"), pair(place, index), ZERO, "the step turns back", "<", where=where)
        return
    for i in list(asked.places)[:MOST_PAIRS]:
        index = next(k for k, product in enumerate(_products(rows, i)) if product >= 0)
        yield Step("straight", Sym("zigzags"), pair(i, index), ZERO, "two steps the same way", ">=", where=where)
