"""The derivation that counting questions share: a formula in letters, the givens put in, the value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import Expr, Num, Sym, fold, substitute
from dlcalc.notation.printing import plain
from dlcalc.solution import Domain, Step, symbols

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Letters:
    """The letters of a formula: a given that is a symbol is its own letter, any other gets a conventional one."""

    domains: dict[str, Domain] = field(default_factory=dict)
    """Where every letter, and every symbol inside a given, is sampled."""
    values: dict[str, Expr] = field(default_factory=dict)
    """The given that stands for each letter which is not itself the given."""
    taken: frozenset[str] = frozenset()
    """Names that givens still to come use themselves; no letter gets one of these."""

    def letter(self, conventional: str, given: Expr | None, domain: Domain) -> Sym:
        """Return the letter for a given (None: unknown, so the letter stays); a letter is never used twice."""
        self._refuse_letters_in(given)
        if isinstance(given, Sym):
            self.domains.setdefault(given.name, domain)
            return given
        name, count = conventional, 1
        while name in self.domains or name in self.taken:
            count += 1
            name = f"{conventional}{count}"
        self.domains[name] = domain
        if given is not None:
            for inner in sorted(symbols(given)):
                self.domains.setdefault(inner, domain)
            self.values[name] = given
        return Sym(name)

    def _refuse_letters_in(self, given: Expr | None) -> None:
        """Refuse a given that uses the letter of another one: the two would be mixed up."""
        for name in sorted(symbols(given) & self.values.keys()) if given is not None else ():
            raise DlcalcError(f"the symbol {name} already stands for {plain(self.values[name])}", "use another letter")

    def axes(self, conventional: str, given: tuple[Expr, ...], domain: Domain) -> tuple[Sym, ...]:
        """Return a letter per axis: the same for all where the given is, else numbered ones."""
        if len(set(given)) == 1:
            return (self.letter(conventional, given[0], domain),) * len(given)
        return tuple(self.letter(f"{conventional}{i}", axis, domain) for i, axis in enumerate(given, 1))


def by_formula(rule: str, target: Expr, formula: Expr, values: Mapping[str, Expr], because: str) -> list[Step]:
    """Derive a value: the formula (checked against the target's own definition), the givens put in, the result."""
    used = {name: value for name, value in values.items() if name in symbols(formula)}
    steps = [Step(rule, target, target, formula, because)]
    inserted = substitute(formula, used)
    if inserted != formula:
        steps.append(Step(f"{rule}-givens", target, formula, inserted, "the givens put in", where=used))
    value = fold(inserted)
    if plain(value) != plain(inserted):
        because = "computed" if isinstance(value, Num) else "collected"
        steps.append(Step(f"{rule}-value", target, inserted, value, because, where=used))
    return steps


def value_of(formula: Expr, values: Mapping[str, Expr]) -> Expr:
    """Put the givens into a formula and fold what is exact."""
    return fold(substitute(formula, values))
