"""What the topics that count trainable parameters share: counting on forward passes, steps, sums of like terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cache
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Div,
    Expr,
    Mul,
    Num,
    Pow,
    Relation,
    Sym,
    add,
    fold,
    mul,
    number,
    power,
    substitute,
)
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import plain
from dlcalc.passes import Allocated, Reading
from dlcalc.solution import POINTS, Domain, Route, Setting, Slip, Step, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dlcalc.derivation import Letters
    from dlcalc.passes import Layers
    from dlcalc.solution import Answer

    Net = TypeVar("Net", bound=Layers)

    Tensors = tuple[str, ...]
    """Patterns of the names of the tensors that are counted together: `("conv*_weight",)`."""

MAX_ALLOCATED = 20_000_000
"""Numbers that are really allocated to count them, at all points together; above it only the formula is checked."""
MAX_CLAIMED = 6
"""Answers whose names stand beside the check of all of them."""
MAX_EXPONENT = 64
"""Larger powers are kept as they are written."""


# counting


@dataclass(frozen=True)
class Count:
    """A network written in letters, and what is counted in it: totals, lists of them, ratios, shapes of tensors."""

    letters: Letters
    network: Callable[[Layers, Mapping[str, int]], object]
    totals: Mapping[str, Tensors]
    lists: Mapping[str, Sequence[Tensors]] = field(default_factory=dict)
    ratios: Mapping[str, tuple[Tensors, Tensors]] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)
    tied: bool = False
    """Whether a tensor that is named again is the same one."""
    inputs: Sequence[Expr] = ()
    """The entries of inputs, where these may be larger than what is counted."""

    def setting(self, *constraints: Relation) -> Setting:
        """Say what the letters and the totals stand for: a total is what the loops of a small network read."""
        for name in sorted(self.letters.domains.keys() & (self.totals.keys() | self.ratios.keys())):
            raise DlcalcError(f"{name} is the name of a result here", "use another letter for the given")
        letters = tuple(self.letters.domains)

        @cache
        def read(sizes: tuple[int, ...]) -> Mapping[str, int]:
            return self._run(Reading(tied=self.tied), dict(zip(letters, sizes, strict=True))).counts

        def definition(tensors: Tensors, over: Tensors = ()) -> Callable[[Mapping[str, Any]], Fraction]:
            def found(point: Mapping[str, Any]) -> Fraction:
                counts = read(tuple(int(point[letter]) for letter in letters))
                return Fraction(_total(tensors, counts), _total(over, counts) if over else 1)

            return found

        return Setting(
            domains=self.letters.domains,
            constraints=(*constraints, *_whole_and_positive(self.letters.values.values())),
            definitions={name: definition(tensors) for name, tensors in self.totals.items()}
            | {name: definition(*pair) for name, pair in self.ratios.items()},
        )

    def allocated(self, answers: Iterable[Answer]) -> tuple[Route, ...]:
        """Count the answers again on arrays of the very sizes asked, where the parameters fit into memory."""
        counted = {answer.name: answer.value for answer in answers if answer.name in self._counted}
        sizes = {name: self.letters.values.get(name, Sym(name)) for name in self.letters.domains}
        largest = {name: domain.high for name, domain in self.letters.domains.items()}
        totals = [value for value in counted.values() if isinstance(value, Expr)]
        points = POINTS if symbols(*totals) else 1
        if max(PLAIN.value(value, largest) for value in (*totals, *self.inputs)) * points > MAX_ALLOCATED:
            return ()

        def entries(point: Mapping[str, Any]) -> list[Fraction | int]:
            at = {name: int(PLAIN.value(size, point)) for name, size in sizes.items()}
            net = self._run(Allocated(tied=self.tied), at)
            return [entry for name in counted for entry in self._found(name, net)]

        method = "the forward pass run on arrays that fit, their entries counted"
        first, more = list(counted)[:MAX_CLAIMED], len(counted) - MAX_CLAIMED
        claim = ", ".join(first) + (f" and {more} more" if more > 0 else "")
        return (Route(claim, method, tuple(counted.values()), entries),)

    @property
    def _counted(self) -> set[str]:
        return {*self.totals, *self.lists, *self.ratios, *self.shapes}

    def _found(self, name: str, net: Allocated) -> list[Fraction | int]:
        """Look an answer up in what was allocated."""
        if name in self.totals:
            return [_total(self.totals[name], net.counts)]
        if name in self.ratios:
            part, whole = (_total(tensors, net.counts) for tensors in self.ratios[name])
            return [Fraction(part, whole)]
        if name in self.shapes:
            return list(net.arrays[self.shapes[name]].shape)
        return [_total(tensors, net.counts) for tensors in self.lists[name]]

    def _run(self, layers: Net, sizes: Mapping[str, int]) -> Net:
        self.network(layers, sizes)
        return layers


def _total(tensors: Tensors, counts: Mapping[str, int]) -> int:
    return sum(n for name, n in counts.items() if any(fnmatchcase(name, pattern) for pattern in tensors))


def _whole_and_positive(givens: Iterable[Expr]) -> tuple[Relation, ...]:
    """Restrict the symbols inside expressions that are sizes."""
    inside = [given for given in givens if symbols(given)]
    return tuple(r for given in inside for r in (Relation(floor(given), "=", given), Relation(given, ">=", ONE)))


def multiples(of: Num, given: Expr) -> Domain:
    """Sample a given where a number divides it: at that number and twice it; inside an expression, up to there."""
    alone = isinstance(given, Sym)
    return Domain(of.value if alone else ONE.value, 2 * of.value, whole=True, step=int(of.value) if alone else 1)


# formulas


def total(terms: Sequence[Expr]) -> Expr:
    """Write a sum, folding nothing; nothing added up is zero."""
    return Add(tuple(terms)) if len(terms) > 1 else terms[0] if terms else ZERO


def times(*factors: Expr) -> Expr:
    """Write a product, without factors 1; equal neighbours become a power."""
    powers = [(base, len(list(same))) for base, same in groupby(f for f in factors if f != ONE)]
    written = tuple(base if n == 1 else Pow(base, number(n)) for base, n in powers)
    return Mul(written) if len(written) > 1 else written[0] if written else ONE


def like_terms(node: Expr) -> Expr:
    """Add up the terms that differ in their coefficient only: where there are any, the highest degree comes first.

    Sums inside products stay as they are; nothing is multiplied out.

    >>> m, n = Sym("m"), Sym("n")
    >>> print(like_terms(Add((m, Mul((m, n)), Mul((n, m)), ONE, m))))
    2*m*n + 2*m + 1
    """
    folded = fold(node)
    terms = [_monomial(term) for term in (folded.terms if isinstance(folded, Add) else (folded,))]
    coefficients: dict[frozenset[tuple[Expr, int]], Fraction] = {}
    monomials: dict[frozenset[tuple[Expr, int]], dict[Expr, int]] = {}
    for coefficient, powers in terms:
        key = frozenset(powers.items())
        coefficients[key] = coefficients.get(key, Fraction(0)) + coefficient
        monomials.setdefault(key, powers)
    order = list(monomials)
    if order == [frozenset()]:
        return number(coefficients[frozenset()])
    if len(order) < len(terms):
        order.sort(key=lambda key: -sum(e for e in monomials[key].values() if e > 0))
    return add(*(_term(coefficients[key], monomials[key]) for key in order))


def _monomial(node: Expr) -> tuple[Fraction, dict[Expr, int]]:
    """Take a term apart: a coefficient, and factors with whole powers."""
    match node:
        case Num(value):
            return value, {}
        case Mul(factors):
            return _product([_monomial(f) for f in factors])
        case Div(numerator, denominator):
            return _product([_monomial(numerator), _raised(_monomial(denominator), -1)])
        case Pow(base, Num(exponent)) if exponent.denominator == 1 and abs(exponent) <= MAX_EXPONENT:
            return _raised(_monomial(base), int(exponent))
        case Add() if not isinstance(merged := like_terms(node), Add):
            return _monomial(merged)
    return Fraction(1), {node: 1}


def _product(parts: Sequence[tuple[Fraction, dict[Expr, int]]]) -> tuple[Fraction, dict[Expr, int]]:
    powers: dict[Expr, int] = {}
    for _, factors in parts:
        for base, exponent in factors.items():
            powers[base] = powers.get(base, 0) + exponent
    return prod((c for c, _ in parts), start=Fraction(1)), {base: e for base, e in powers.items() if e}


def _raised(part: tuple[Fraction, dict[Expr, int]], exponent: int) -> tuple[Fraction, dict[Expr, int]]:
    return part[0] ** exponent, {base: e * exponent for base, e in part[1].items()}


def _term(coefficient: Fraction, powers: Mapping[Expr, int]) -> Expr:
    """Put a term together again: `13*n^2/16`."""
    above = mul(number(coefficient.numerator), *(power(base, number(e)) for base, e in powers.items() if e > 0))
    below = mul(number(coefficient.denominator), *(power(base, number(-e)) for base, e in powers.items() if e < 0))
    return above if below == ONE else Div(above, below)


# steps


def derived(rule: str, target: Expr, formula: Expr, values: Mapping[str, Expr], because: str) -> list[Step]:
    """Derive a count: its formula, the givens put in, every term computed, like terms added up."""
    used = {name: value for name, value in values.items() if name in symbols(formula)}
    inserted = _as_on_paper(substitute(formula, used))
    value = like_terms(inserted)
    stages = [("givens", inserted, "the values put in")]
    if isinstance(inserted, Add):
        stages.append(("terms", Add(tuple(map(fold, inserted.terms))), "term by term"))
    merged = isinstance(inserted, Add) and not isinstance(value, Num)
    stages.append(("value", value, "like terms added up" if merged else "computed"))
    steps = [Step(rule, target, target, formula, because)]
    for stage, after, why in stages:
        before = steps[-1].after
        if plain(after) != plain(before):
            steps.append(Step(f"{rule}-{stage}", target, before, after, why, where=used))
    return steps


def _as_on_paper(node: Expr) -> Expr:
    """Drop the parentheses of sums inside a sum, and write small powers of numbers as products: 7·7·3."""
    if isinstance(node, Add):
        written = map(_as_on_paper, node.terms)
        return Add(tuple(t for term in written for t in (term.terms if isinstance(term, Add) else (term,))))
    if isinstance(node, Mul):
        return Mul(tuple(f for factor in node.factors for f in _factors(factor)))
    factors = _factors(node)
    return Mul(factors) if len(factors) > 1 else node


def _factors(node: Expr) -> tuple[Expr, ...]:
    match node:
        case Pow(Num(), Num(exponent)) if exponent in {2, 3}:
            return (node.base,) * int(exponent)
        case Add():
            return (_as_on_paper(node),)
    return (node,)


# slips


def bias_slips(weights: Expr, biases: Expr, *, switched_on: bool, owner: str) -> tuple[Slip, ...]:
    """Explain totals with the biases forgotten, or only one of them; or counted though there are none."""
    if not switched_on:
        return (Slip(like_terms(weights + biases), "there are no biases here", "biases"),)
    return (
        Slip(weights, f"the biases are missing, one per {owner}", "biases"),
        Slip(like_terms(weights + ONE), f"there is one bias per {owner}, not one in all", "biases"),
    )
