"""A count written line by line: every part with its formula, its reason, and the tensors that it counts.

From the parts follow the answers, the derivation and both kinds of brute force; a topic adds what is said about them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from dlcalc.counting import Count, derived, like_terms
from dlcalc.derivation import value_of
from dlcalc.notation.expression import Sym
from dlcalc.solution import Answer, Slip, Solution, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlcalc.counting import Tensors
    from dlcalc.derivation import Letters
    from dlcalc.notation.expression import Expr, Relation
    from dlcalc.passes import Layers
    from dlcalc.solution import Step


@dataclass(frozen=True, slots=True)
class Part:
    """A line of a count: a formula in letters and in the names of parts before it; a ratio says `over` what."""

    name: str
    formula: Expr
    because: str
    tensors: Tensors
    over: Tensors = ()
    shown: bool = True
    """Whether it is an answer, and not only a line of the derivation."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one tensor: how it is called as an answer, the tensor's name, its axes in letters."""

    name: str
    tensor: str
    axes: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of counts, one for every layer: the formulas in letters, and the tensors of each."""

    name: str
    entries: Sequence[tuple[Expr, Tensors]]


@dataclass(frozen=True)
class Tally:
    """A network in letters: the pass through it, and what is counted, in the order of the derivation."""

    letters: Letters
    forward: Callable[[Layers, Mapping[str, int]], object]
    parts: Sequence[Part]
    shapes: Sequence[Shape] = ()
    lists: Sequence[Listed] = ()
    others: Sequence[Answer] = ()
    """Answers that no line derives."""
    constraints: Sequence[Relation] = ()
    first_steps: Sequence[Step] = ()
    assumptions: Sequence[str] = ()
    conventions: Sequence[str] = ()
    notes: Sequence[str] = ()
    tied: bool = False
    inputs: Sequence[Expr] = ()
    counted_on_arrays: bool = field(default=True)
    """Whether to run the pass at the very sizes asked: not where it would take too many steps."""

    @cached_property
    def values(self) -> Mapping[str, Expr]:
        """Compute every part for the givens."""
        values = dict(self.letters.values)
        for part in self.parts:
            values[part.name] = like_terms(value_of(part.formula, values))
        return values

    def put_in(self, formula: Expr) -> Expr:
        """Put the givens, and the parts, into a formula."""
        return like_terms(value_of(formula, self.values))

    def solution(self, slips: Mapping[str, Sequence[Slip]]) -> Solution:
        """Answer with `parameters` first; `slips` are the common mistakes about each answer."""
        shown = sorted((part.name for part in self.parts if part.shown), key=lambda name: name != "parameters")
        answers = (
            *(Answer(name, self.values[name], slips=tuple(slips.get(name, ()))) for name in shown),
            *(self._shape(shape) for shape in self.shapes),
            *(Answer(li.name, tuple(self.put_in(f) for f, _ in li.entries), form="list") for li in self.lists),
            *self.others,
        )
        count = Count(
            self.letters,
            self.forward,
            totals={part.name: part.tensors for part in self.parts if not part.over},
            lists={listed.name: [tensors for _, tensors in listed.entries] for listed in self.lists},
            ratios={part.name: (part.tensors, part.over) for part in self.parts if part.over},
            shapes={shape.name: shape.tensor for shape in self.shapes},
            tied=self.tied,
            inputs=self.inputs,
        )
        return Solution(
            answers=answers,
            work=lambda: Work(self.steps(), count.allocated(answers) if self.counted_on_arrays else ()),
            setting=count.setting(*self.constraints),
            assumptions=tuple(self.assumptions),
            conventions=tuple(self.conventions),
            notes=tuple(self.notes),
        )

    def _shape(self, shape: Shape) -> Answer:
        axes = tuple(map(self.put_in, shape.axes))
        return Answer(shape.name, axes, form="size", slips=(Slip(axes[::-1], "that is the transposed matrix"),))

    def steps(self) -> tuple[Step, ...]:
        """Derive every part."""
        return (
            *self.first_steps,
            *(s for p in self.parts for s in derived(p.name, Sym(p.name), p.formula, self.values, p.because)),
        )
