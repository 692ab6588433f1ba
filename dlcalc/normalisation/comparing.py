"""Two batches side by side: what an example that is in both becomes in each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.normalisation.data import outputs, solved
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Expr, Sym
from dlcalc.solution import Solution, Step, Work, verdict

if TYPE_CHECKING:
    from dlcalc.normalisation.question import Question

_SAME = 1e-12


def compared(asked: Question, other: Question) -> Solution:
    """Answer for the other batch and, where an example is in both, say whether its output is the same."""
    second = solved(other, suffix="_other")
    second = replace(second, principal=())
    shared = _shared(asked, other)
    if shared is None:
        return replace(second, notes=("no example is in both batches, so only their statistics are compared",))
    here, there = shared
    mine = tuple(outputs(asked)[p] for p in here)
    theirs = tuple(outputs(other)[p] for p in there)
    pairs = list(zip(mine, theirs, strict=True))
    same = all(a == b or _close(a, b) for a, b in pairs)
    a, b = next(((a, b) for a, b in pairs if not (a == b or _close(a, b))), pairs[0])
    relation = "=" if same or _below(a, b) is None else "<" if _below(a, b) else ">"
    row = len(asked.data.entries) // asked.data.lengths[0]
    said = f"example {here[0] // row + 1} of the batch is example {there[0] // row + 1} of the other one"
    because = f"{said}: its outputs in both" + ("" if same else " differ, which is noise to what follows")
    step = Step("same-output", Sym("y"), a, b, because, relation)  # type: ignore[arg-type]  # one of the relations

    def work() -> Work:
        done = second.work()
        return Work((*done.steps, *((step,) if relation != "=" or same else ())), done.routes)

    other_way = "the statistics of the two batches are the same" if same else "the batches have other statistics"
    return replace(
        second,
        answers=(verdict("same_output", holds=same, otherwise=other_way), *second.answers),
        principal=(),
        work=work,
        notes=(f"{said}; compare y and y_other there",),
    )


def _shared(asked: Question, other: Question) -> tuple[range, range] | None:
    """Find an example that is in both batches; examples stand along axis 0."""
    mine, theirs = asked.data, other.data
    if mine.lengths[1:] != theirs.lengths[1:]:
        return None
    row = len(mine.entries) // mine.lengths[0]
    for i in range(mine.lengths[0]):
        for j in range(theirs.lengths[0]):
            here, there = range(i * row, (i + 1) * row), range(j * row, (j + 1) * row)
            if mine.entries[here.start : here.stop] == theirs.entries[there.start : there.stop]:
                return here, there
    return None


def _close(a: Expr, b: Expr) -> bool:
    gap = approximate(a - b)
    return gap is not None and abs(gap) < _SAME


def _below(a: Expr, b: Expr) -> bool | None:
    gap = approximate(b - a)
    return None if gap is None or not gap else gap > 0
