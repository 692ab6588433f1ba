"""Named formulas in letters, each beside a brute force that does not know it: answers, derivation and route follow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import by_formula, value_of
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Expr, Num, Sum, Sym, fits, number, walk
from dlcalc.solution import Answer, Route, Setting, Slip, Solution, Step, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.derivation import Letters
    from dlcalc.notation.expression import Relation
    from dlcalc.plot import Plot
    from dlcalc.solution import Experiment
    from dlcalc.table import Table

    Point = Mapping[str, Any]
    """The value of every letter."""


class Quantity(NamedTuple):
    """What is asked: a formula in letters and in the names before it, and what finds it without the formula."""

    name: str
    formula: Expr
    because: str
    found: Callable[[Point], Any]
    slips: tuple[Slip, ...] = ()
    shown: bool = True
    """Whether it is an answer, and not only a line of the derivation."""
    through: tuple[tuple[Expr, str], ...] = ()
    """Lines that lead to the formula, each with its reason."""

    def steps(self, values: Mapping[str, Expr]) -> Iterator[Step]:
        """Derive it: the lines that lead to the formula, the formula, the givens put in, the value."""
        target: Expr = Sym(self.name)
        before = target
        for line, because in self.through:
            yield Step(self.name, target, before, line, because)
            before = line
        first, *others = by_formula(self.name, target, self.formula, values, self.because)
        yield replace(first, before=before)
        yield from others
        last, value = (first, *others)[-1], values[self.name]
        if isinstance(value, Num) and not isinstance(last.after, Num):
            where = {name: given for name, given in values.items() if name in symbols(self.formula)}
            yield Step(self.name, target, last.after, value, "computed", where=where)


@dataclass(frozen=True)
class Formulary:
    """Quantities in the order of their derivation, over letters that stand for the givens."""

    letters: Letters
    quantities: Sequence[Quantity]
    method: str
    """How the quantities are found without the formulas."""
    others: Sequence[Answer] = ()
    """Answers that no formula gives."""
    first_steps: Sequence[Step] = ()
    last_steps: Sequence[Step] = ()
    routes: Sequence[Route | Experiment] = ()
    constraints: Sequence[Relation] = ()
    definitions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Names in steps that are no quantities."""
    families: frozenset[str] = frozenset()
    """The definitions that take an index."""
    aliases: Mapping[str, Expr] = field(default_factory=dict)
    display: Mapping[str, str] = field(default_factory=dict)
    principal: tuple[str, ...] = ()
    assumptions: Sequence[str] = ()
    conventions: Sequence[str] = ()
    notes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    found_again: bool = True
    """Whether to find the answers again at the very givens: not where that would take too many steps."""

    @cached_property
    def values(self) -> Mapping[str, Expr]:
        """Compute every quantity for the givens."""
        values = dict(self.letters.values)
        for quantity in self.quantities:
            values[quantity.name] = _computed(value_of(quantity.formula, values))
        return values

    def solution(self) -> Solution:
        """Answer, with the derivation when somebody looks."""
        for name in sorted(self.letters.domains.keys() & {quantity.name for quantity in self.quantities}):
            raise DlcalcError(f"{name} is the name of a result here", "use another letter for the given")
        shown = tuple(
            Answer(quantity.name, self.values[quantity.name], slips=quantity.slips)
            for quantity in sorted(self.quantities, key=lambda quantity: quantity.name not in self.principal)
            if quantity.shown
        )
        return Solution(
            answers=(*shown, *self.others),
            work=lambda: Work(self._steps(), (*self._again(shown), *self.routes)),
            setting=Setting(
                domains=self.letters.domains,
                constraints=tuple(self.constraints),
                families=self.families,
                definitions={q.name: q.found for q in self.quantities} | dict(self.definitions),
                aliases={k: v for k, v in self.aliases.items() if k not in self.letters.domains},
                values=self.letters.values,
                display=self.display,
            ),
            principal=self.principal,
            assumptions=tuple(self.assumptions),
            conventions=tuple(self.conventions),
            notes=tuple(self.notes),
            tables=tuple(self.tables),
            plots=tuple(self.plots),
        )

    def _steps(self) -> tuple[Step, ...]:
        derived = (step for quantity in self.quantities for step in quantity.steps(self.values))
        return (*self.first_steps, *derived, *self.last_steps)

    def _again(self, shown: Sequence[Answer]) -> tuple[Route, ...]:
        """Find the answers at the very givens, without the formulas."""
        if not self.found_again or not shown:
            return ()
        ways = {q.name: q.found for q in self.quantities}
        asked = {name: self.letters.values.get(name, Sym(name)) for name in self.letters.domains}

        def found(point: Mapping[str, Any]) -> list[Any]:
            at = {name: PLAIN.value(given, point) for name, given in asked.items()}
            return [ways[answer.name](at) for answer in shown]

        claim = ", ".join(answer.name for answer in shown[:MAX_CLAIMED])
        more = len(shown) - MAX_CLAIMED
        claim += f" and {more} more" if more > 0 else ""
        return (Route(claim, self.method, tuple(answer.value for answer in shown), found),)


def _computed(value: Expr) -> Expr:
    """Compute a sum without symbols, where its value is exact and short."""
    if symbols(value) or not any(isinstance(node, Sum) for node in walk(value)):
        return value
    found = PLAIN.value(value, {})
    return number(found) if isinstance(found, int | Fraction) and fits(Fraction(found)) else value


MAX_CLAIMED = 6
"""Answers whose names stand beside the check of all of them."""
