"""The derivation that formulas share: a formula in letters, the givens put in, the value, kept short to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import Add, Div, Expr, Mul, Num, Pow, Real, Sum, Sym, add, fold, mul, substitute, walk
from dlcalc.notation.printing import decimal, plain
from dlcalc.solution import Domain, Step, symbols

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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


def put_in(rule: str, target: Expr, formula: Expr, values: Mapping[str, Expr], value: Expr) -> Iterator[Step]:
    """Go on from a formula: the givens put in, the value."""
    used = {name: value for name, value in values.items() if name in symbols(formula)}
    inserted = substitute(formula, used)
    if inserted != formula:
        yield Step(f"{rule}-givens", target, formula, inserted, "the givens put in", where=used)
    if plain(value) != plain(inserted):
        because = "collected" if symbols(value) or any(isinstance(node, Sum) for node in walk(value)) else "computed"
        yield Step(f"{rule}-value", target, inserted, value, because, where=used)


def value_of(formula: Expr, values: Mapping[str, Expr]) -> Expr:
    """Put the givens into a formula and fold what is exact."""
    return fold(substitute(formula, values))


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
