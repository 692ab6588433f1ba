"""Named formulas in letters, each beside a brute force that does not know it: answers, derivation and routes follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import put_in, readable, settled, value_of
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
    """Common wrong formulas, in letters or with the givens put in."""
    method: str = ""
    """How it is found without the formula, where not like the others of its formulary."""
    shown: bool = True
    """Whether it is an answer, and not only a line of the derivation."""
    through: tuple[tuple[Expr, str], ...] = ()
    """Lines that lead to the formula, each with its reason."""

    def steps(self, values: Mapping[str, Expr]) -> Iterator[Step]:
        """Derive it: the lines that lead to the formula, the formula, the givens put in, the value."""
        target: Expr = Sym(self.name)
        before = target
        for line, because in (*self.through, (self.formula, self.because)):
            yield Step(self.name, target, before, line, because)
            before = line
        value, collected = values[self.name], value_of(self.formula, values)
        if isinstance(value, Num) and not isinstance(collected, Num):  # a sum: first its terms, then the number
            yield from put_in(self.name, target, self.formula, values, collected)
            where = {name: given for name, given in values.items() if name in symbols(self.formula)}
            yield Step(self.name, target, collected, value, "computed", where=where)
        else:
            yield from put_in(self.name, target, self.formula, values, value)


@dataclass(frozen=True)
class Formulary:
    """Quantities in the order of their derivation, over letters that stand for the givens.

    `solution` is the whole answer; a topic that says more takes `answers`, `steps`, `again` and `setting` into its own.
    """

    letters: Letters
    quantities: Sequence[Quantity]
    method: str = ""
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

    def __post_init__(self) -> None:
        """Refuse a given whose symbol is the name of a result."""
        for name in sorted(self.letters.domains.keys() & {quantity.name for quantity in self.quantities}):
            raise DlcalcError(f"{name} is the name of a result here", "use another letter for the given")

    @cached_property
    def values(self) -> Mapping[str, Expr]:
        """Compute every quantity for the givens."""
        values = dict(self.letters.values)
        for quantity in self.quantities:
            values[quantity.name] = _computed(settled(quantity.formula, values))
        return values

    def solution(self) -> Solution:
        """Answer, with the derivation when somebody looks."""
        shown = sorted(self.answers(), key=lambda answer: answer.name not in self.principal)
        return Solution(
            answers=(*shown, *self.others),
            work=lambda: Work((*self.first_steps, *self.steps(), *self.last_steps), (*self.again(shown), *self.routes)),
            setting=self.setting(),
            principal=self.principal,
            assumptions=tuple(self.assumptions),
            conventions=tuple(self.conventions),
            notes=tuple(self.notes),
            tables=tuple(self.tables),
            plots=tuple(self.plots),
        )

    def answers(self) -> tuple[Answer, ...]:
        """Every quantity that is asked, with the givens put in."""
        return tuple(
            Answer(q.name, readable(self.values[q.name]), slips=tuple(self._slips(q)))
            for q in self.quantities
            if q.shown
        )

    def _slips(self, quantity: Quantity) -> Iterator[Slip]:
        for slip in quantity.slips:
            value = settled(slip.value, self.values) if isinstance(slip.value, Expr) else slip.value
            yield Slip(value, slip.because, slip.rule or quantity.name)

    def steps(self) -> Iterator[Step]:
        """Derive every quantity from its formula."""
        for quantity in self.quantities:
            yield from quantity.steps(self.values)

    def again(self, shown: Sequence[Answer] = ()) -> Iterator[Route]:
        """Find the answers at the very givens, without the formulas: those of one method together."""
        if not self.found_again:
            return
        ways = {q.name: q for q in self.quantities}
        named = [answer.name for answer in shown or self.answers()]
        together = [name for name in named if not ways[name].method]
        if together:
            claim = ", ".join(together[:MAX_CLAIMED])
            more = len(together) - MAX_CLAIMED
            yield self._route(claim + (f" and {more} more" if more > 0 else ""), self.method, together)
        for name in named:
            if ways[name].method:
                yield self._route(name, ways[name].method, [name])

    def _route(self, claim: str, method: str, names: Sequence[str]) -> Route:
        ways = {q.name: q.found for q in self.quantities}

        def found(point: Mapping[str, Any]) -> list[Any]:
            given = {name: PLAIN.value(value, point) for name, value in self.letters.values.items()}
            return [ways[name]({**point, **given}) for name in names]

        return Route(claim, method, tuple(self.values[name] for name in names), found)

    def setting(self) -> Setting:
        """Say where the letters are sampled, and what the quantities are."""
        own = {*self.letters.domains, *(q.name for q in self.quantities)}
        return Setting(
            domains=self.letters.domains,
            constraints=tuple(self.constraints),
            families=self.families,
            definitions={q.name: q.found for q in self.quantities} | dict(self.definitions),
            aliases={name: value for name, value in self.aliases.items() if name not in own},
            values=self.letters.values,
            display=self.display,
        )


def _computed(value: Expr) -> Expr:
    """Compute a sum without symbols, where its value is exact and short."""
    if symbols(value) or not any(isinstance(node, Sum) for node in walk(value)):
        return value
    found = PLAIN.value(value, {})
    return number(found) if isinstance(found, int | Fraction) and fits(Fraction(found)) else value


MAX_CLAIMED = 6
"""Answers whose names stand beside the check of all of them."""
