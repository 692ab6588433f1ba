"""Quantities that follow from givens one after the other: a formula for each, and brute force that does not know it.

From a row of them follow the answers (the givens put in), the derivation, and the independent routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import by_formula, value_of
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Sym
from dlcalc.solution import Answer, Route, Setting, Slip, Step, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.derivation import Letters
    from dlcalc.notation.expression import Expr, Relation



class Quantity(NamedTuple):
    """A named result: its formula in letters and in quantities before it, and how to compute it without the formula."""

    name: str
    formula: Expr
    because: str
    compute: Callable[[Mapping[str, Any]], Any]
    """Computes the quantity from the letters' numbers by another way, such as counting."""
    method: str
    """What `compute` does, in words."""
    slips: tuple[tuple[Expr, str], ...] = ()
    """Common wrong formulas in the same letters, with the reason."""


class Row(NamedTuple):
    """Quantities with the letters that they are written in."""

    letters: Letters
    quantities: Sequence[Quantity]

    @property
    def values(self) -> dict[str, Expr]:
        """The value of every letter that stands for a given, and of every quantity."""
        found = dict(self.letters.values)
        for quantity in self.quantities:
            found[quantity.name] = value_of(quantity.formula, found)
        return found

    def answers(self) -> tuple[Answer, ...]:
        """Every quantity, with the givens put in."""
        values = self.values
        return tuple(
            Answer(q.name, values[q.name], slips=tuple(Slip(value_of(w, values), b, q.name) for w, b in q.slips))
            for q in self.quantities
        )

    def steps(self) -> Iterator[Step]:
        """Derive every quantity from its formula."""
        values = self.values
        for quantity in self.quantities:
            own = {name: value for name, value in values.items() if name != quantity.name}
            yield from by_formula(quantity.name, Sym(quantity.name), quantity.formula, own, quantity.because)

    def routes(self) -> Iterator[Route]:
        """Compute every quantity for the very givens, without its formula."""
        values = self.values
        for quantity in self.quantities:
            yield Route(quantity.name, quantity.method, values[quantity.name], self._at_givens(quantity))

    def _at_givens(self, quantity: Quantity) -> Callable[[Mapping[str, Any]], Any]:
        def compute(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number or a float)
            given = {name: PLAIN.value(value, point) for name, value in self.letters.values.items()}
            return quantity.compute({**point, **given})

        return compute

    def setting(self, *constraints: Relation, aliases: Mapping[str, Expr] | None = None) -> Setting:
        """Say where the letters are sampled, and what the quantities are."""
        own = {*self.letters.domains, *(q.name for q in self.quantities)}
        return Setting(
            domains=self.letters.domains,
            constraints=constraints,
            definitions={q.name: q.compute for q in self.quantities},
            aliases={name: value for name, value in (aliases or {}).items() if name not in own},
            values=self.letters.values,
        )

    def refuse_names(self) -> None:
        """Refuse a given whose symbol is the name of a result.

        Raises DlcalcError.
        """
        from dlcalc.errors import DlcalcError

        taken = self.letters.domains.keys() | symbols(*self.letters.values.values())
        for quantity in self.quantities:
            if quantity.name in taken:
                raise DlcalcError(f"{quantity.name} is the name of a result here", "use another letter for the given")


