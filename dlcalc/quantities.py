"""Quantities that follow from givens one after the other: a formula for each, and brute force that does not know it.

From a row of them follow the answers (the givens put in), the derivation, and the independent routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import value_of
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Add, Div, Expr, Mul, Num, Pow, Real, Sym, add, fold, mul, substitute
from dlcalc.notation.printing import decimal, plain
from dlcalc.solution import Answer, Route, Setting, Slip, Step, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.derivation import Letters
    from dlcalc.notation.expression import Relation


LONG = 10**12
"""What a fraction with a longer denominator was computed from stands in its place."""


def long(value: Expr) -> bool:
    """Say whether a number is a fraction that nobody wants to read.

    >>> from fractions import Fraction
    >>> from dlcalc.notation.expression import number
    >>> long(number(Fraction(1, 3))), long(number(Fraction(1, 3**40)))
    (False, True)
    """
    return isinstance(value, Num) and value.value.denominator > LONG and decimal(value.value) is None


def settled(formula: Expr, values: Mapping[str, Expr]) -> Expr:
    """Put values into a formula and compute what is exact, unless it is long to write."""
    value = value_of(formula, values)
    return _shorter(substitute(formula, values)) if long(value) else value


def _shorter(node: Expr) -> Expr:
    """Compute the parts of what is long, and leave the powers and quotients that make it so."""
    value = fold(node)
    match node:
        case _ if not long(value):
            return value
        case Pow(base, exponent):
            return Pow(_shorter(base), fold(exponent))
        case Mul(factors):
            return mul(*map(_shorter, factors))
        case Add(terms):
            return add(*map(_shorter, terms))
        case Div(top, bottom):
            return Div(_shorter(top), _shorter(bottom))
    return node


def readable(value: Expr) -> Expr:
    """Show what would be a long fraction as a float."""
    computed = value if symbols(value) else fold(value)
    try:
        return Real(float(computed.value)) if isinstance(computed, Num) and long(computed) else value
    except OverflowError:
        return value


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
            found[quantity.name] = settled(quantity.formula, found)
        return found

    def answers(self) -> tuple[Answer, ...]:
        """Every quantity, with the givens put in."""
        values = self.values
        return tuple(
            Answer(
                q.name, readable(values[q.name]), slips=tuple(Slip(settled(w, values), b, q.name) for w, b in q.slips)
            )
            for q in self.quantities
        )

    def steps(self) -> Iterator[Step]:
        """Derive every quantity from its formula: put the givens in, compute."""
        values = self.values
        for name, formula, because, *_ in self.quantities:
            used = {letter: value for letter, value in values.items() if letter in symbols(formula)}
            target, inserted, value = Sym(name), substitute(formula, used), values[name]
            yield Step(name, target, target, formula, because)
            if inserted != formula:
                yield Step(f"{name}-givens", target, formula, inserted, "the givens put in", where=used)
            if plain(value) != plain(inserted):
                computed = "collected" if symbols(value) else "computed"
                yield Step(f"{name}-value", target, inserted, value, computed, where=used)

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
