"""A question about sizes in letters: a window per axis, where its letters are sampled, what must hold between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Call, Div, Expr, Num, Relation, Sym, expr, walk
from dlcalc.notation.functions import call, ceil, floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.sliding.reading import AXES
from dlcalc.sliding.windows import LEAST, LETTER, QUANTITIES, Window
from dlcalc.solution import Domain, Setting, symbols
from dlcalc.whole import coefficients, neat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dlcalc.sliding.reading import Row

MAX_REACH = 500
"""Symbols are sampled up to numbers of this size, where it takes such to meet what an answer rests on."""
MAX_LISTED = 32
"""Solutions that are listed; of more, the least and the most are given."""
LENGTH = Domain(Fraction(1), Fraction(40), whole=True)
FEW = Domain(Fraction(1), Fraction(4), whole=True)
PADDING = Domain(Fraction(0), Fraction(4), whole=True)
DOMAIN = {**dict(zip(QUANTITIES, (LENGTH, COUNT, COUNT, PADDING, FEW, LENGTH), strict=True)), "output_padding": PADDING}

WITHOUT_LETTER = (("dilation", {ONE}), ("output_padding", {ZERO}))
"""What leaves a formula as it is."""


class Need(NamedTuple):
    """A relation between symbols that an answer rests on, and how to say it."""

    relation: Relation
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """The windows axis by axis, where their letters are sampled, and what the givens must satisfy to make sense."""

    axes: tuple[Window, ...]
    domains: Mapping[str, Domain]
    symbols: tuple[str, ...]
    """The names that the givens use."""
    needs: tuple[Need, ...] = ()
    met: bool = True
    """True where sampling reaches points that meet the needs."""

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows that differ."""
        return tuple({window.o: window for window in self.axes}.values())

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the symbols stand for, and what must hold between them."""
        names = ", ".join(unicode(Sym(name)) for name in self.symbols)
        whole = f"{names} {'whole numbers' if len(self.symbols) > 1 else 'a whole number'}"
        return (*((whole,) if names else ()), *dict.fromkeys(need.text for need in self.needs))

    def resting_on(self, needs: Iterable[Need]) -> Question:
        """Add what an answer rests on, and sample symbols as far as it takes to meet it."""
        needs, domains = (*self.needs, *needs), dict(self.domains)

        def reach(name: str, high: Fraction) -> None:
            domains[name] = replace(domains[name], high=max(domains[name].high, high))

        for need in needs:
            for name, least in _lowest(need.relation, domains).items():
                reach(name, 2 * least)
        far = max((domains[name].high for name in self.symbols), default=LENGTH.high)
        for window in self.windows:  # the input's letter has to make room for them
            reach(plain(window.n), far)
        return replace(self, needs=needs, domains=domains, met=all(_can_hold(need.relation, domains) for need in needs))

    def setting(self, regular: Iterable[Relation] = ()) -> Setting:
        """Say where the letters are sampled, and count by brute force what the steps are about."""
        definitions: dict[str, Callable[..., int]] = {}
        values: dict[str, Expr] = {}
        for w in self.windows:
            definitions |= {w.o.name: w.places, **{name + w.tag: count for name, count in w.counts().items()}}
            values |= w.values
        possible = [relation for w in self.windows for relation in w.possible]
        given = [need.relation for need in self.needs if _can_hold(need.relation, self.domains)]
        constraints = (*possible, *regular, *given)
        return Setting(domains=self.domains, constraints=constraints, definitions=definitions, values=values)

    def at_least(self, node: Expr, least: int, text: str = "") -> tuple[Need, ...]:
        """Return what must hold for an expression to be at least so much; nothing where it surely is."""
        if isinstance(node, Div) and isinstance(node.denominator, Num) and node.denominator.value > 0:
            return self.at_least(node.numerator, int(least * node.denominator.value), text)
        if isinstance(node, Call) and node.function == "max" and any(_reaches(a, least) for a in node.arguments):
            return ()
        terms = coefficients(neat(node - least))
        low = {a: self.domains[a.name].low if isinstance(a, Sym) else Fraction(1) for a in terms}
        rising = all(c > 0 and isinstance(atom, Sym) for atom, c in terms.items() if atom != ONE)
        falling = all(c < 0 for atom, c in terms.items() if atom != ONE)
        at_low = sum((c * low[atom] for atom, c in terms.items()), Fraction(0))
        text = text or f"{unicode(node)} ≥ {least}"
        if rising and at_low >= 0:
            return ()
        if falling and at_low < 0 and all(isinstance(atom, Sym) or atom == ONE for atom in terms):
            raise DlcalcError(f"{text} holds for no values of the symbols", "give numbers for them")
        return (Need(Relation(node, ">=", expr(least)), text),)

    def fits(self, w: Window, **more: Expr) -> tuple[Need, ...]:
        """Refuse a window larger than the padded input; between symbols, say that it must not be."""
        if w.same or w.exact:
            return ()
        room, span, padded = (w.at(e, **more) for e in (w.room, w.span, w.padded))
        if not isinstance(room, Num):
            return self.at_least(room, 0, f"{unicode(span)} ≤ {unicode(padded)}")
        if room.value >= 0 or w.overhangs(room):
            return ()
        n, k, p, d = (w.at(e, **more) for e in (w.n, w.k, w.p, w.d))
        window = f"kernel {unicode(k)} is larger than"
        if d != ONE:
            gaps = f"{unicode(d)}·({unicode(k)} − 1) + 1"
            window = f"kernel {unicode(k)} with dilation {unicode(d)} spans {unicode(span)} (= {gaps}), more than"
        inside = f"the padded input {unicode(padded)} (= {unicode(n)} + 2·{unicode(p)})"
        if p == ZERO:
            inside = f"the input {unicode(n)}"
        enough, (_, most) = neat(p + ceil(-room / expr(2))), w.limits("padding")
        fix = f"use --padding {unicode(enough)} or more"
        if isinstance(enough, Num) and isinstance(most, Num) and enough.value > most.value:
            fix = "use a smaller --kernel or --dilation"
        raise DlcalcError(w.about(f"{window} {inside}"), fix)

    def limited(self, w: Window) -> tuple[Need, ...]:
        """Refuse a padding beyond what its window allows; between symbols, say that it must not be."""
        _, most = w.limits("padding")
        if most is None or w.same:
            return ()
        p, k = w.at(w.p), w.at(w.k)
        if isinstance(p, Num) and isinstance(most, Num) and isinstance(k, Num):
            if p.value <= most.value:
                return ()
            fix = f"use --padding {unicode(most)} or less, or --kernel {unicode(2 * p)} or more"
            raise DlcalcError(w.about(f"padding {unicode(p)} is more than half of the kernel {unicode(k)}"), fix)
        return self.at_least(neat(k - 2 * p), 0, f"{unicode(2 * p)} ≤ {unicode(k)}") if p != ZERO else ()

    def zeros(self, w: Window) -> Expr:
        """Return the zeros that `same` padding takes, before and after together."""
        beyond = w.at(w.excess, **{w.o.name: w.at(w.size)})
        surely = not isinstance(beyond, Num) and not self.at_least(beyond, 0)
        return beyond if surely else call("max", beyond, ZERO)


class Found(NamedTuple):
    """All solutions on one axis: every whole number from the least to the most, or without end."""

    least: Expr
    most: Expr | None
    needs: tuple[Need, ...] = ()

    @property
    def listed(self) -> tuple[Expr, ...]:
        """The solutions one by one; nothing where they are too many, or their number depends on symbols."""
        number = None if self.most is None else neat(self.most - self.least + 1)
        if not isinstance(number, Num) or number.value > MAX_LISTED:
            return ()
        return tuple(neat(self.least + i) for i in range(int(number.value)))


def in_letters(
    rows: Sequence[Row],
    solve: str | None,
    kind: type[Window] = Window,
    *,
    others: Iterable[Expr | None] = (),
    same: bool = False,
) -> Question:
    """Give every quantity its letter; axes that are alike share theirs."""
    distinct = tuple(dict.fromkeys(rows))
    given = [(q, g) for row in distinct for q, g in zip(kind.quantities, row, strict=True) if g is not None]
    letters = Letters()
    for quantity, value in (*given, *(("kernel", other) for other in others if other is not None)):
        for name in sorted(symbols(value)):
            domain = letters.domains.setdefault(name, DOMAIN[quantity])
            if isinstance(value, Sym) and domain.low < LEAST[quantity]:  # a padding that is a dilation too
                letters.domains[name] = replace(domain, low=Fraction(LEAST[quantity]))
    taken = frozenset(letters.domains)
    columns: dict[str, tuple[Expr, ...]] = {}
    for i, q in enumerate(kind.quantities[:-1]):
        tied = None if q == solve or distinct[0][i] is not None else columns["k"]  # a stride that is the kernel
        columns[LETTER[q]] = tied or _letters(letters, q, [row[i] for row in distinct], solve, same=same)
    windows: dict[Row, Window] = {}
    for index, row in enumerate(distinct):
        tag = str(index + 1) if len(distinct) > 1 else ""
        spellings = (f"o{tag}", f"out{tag}", *(f"out{tag}{i}" for i in range(9)))
        o = Sym(next(name for name in spellings if name not in taken))
        while taken & {name + tag for name in kind.named}:
            tag += "0"
        own = {letter: column[index] for letter, column in columns.items()}
        values = letters.values if row[-1] is None else {**letters.values, o.name: row[-1]}
        axis = " and ".join(name for name, other in zip(AXES[len(rows)], rows, strict=True) if other == row)
        axis = axis if len(distinct) > 1 else ""
        windows[row] = kind(**own, o=o, values=values, tag=tag, axis=axis, same=same)
    bare = Question(tuple(windows[row] for row in rows), letters.domains, tuple(sorted(taken)))
    return replace(bare, needs=tuple(need for q, g in given for need in _sensible(bare, g, LEAST[q])))


def _letters(
    letters: Letters, quantity: str, given: list[Expr | None], solve: str | None, *, same: bool
) -> tuple[Expr, ...]:
    """Choose the letter of a quantity; dilation 1, output padding 0 and the padding of `same` have none."""
    known = tuple(g for g in given if g is not None)
    if quantity == solve:
        numbers = range(1, len(given) + 1) if len(given) > 1 else ("",)
        return tuple(letters.letter(f"{LETTER[quantity]}{number}", None, DOMAIN[quantity]) for number in numbers)
    if (quantity, set(known)) in WITHOUT_LETTER or (quantity == "padding" and same):
        return known
    return letters.axes(LETTER[quantity], known, DOMAIN[quantity])


def _reaches(node: Expr, least: int) -> bool:
    return isinstance(node, Num) and node.value >= least


def _sensible(question: Question, given: Expr, least: int) -> tuple[Need, ...]:
    """Say when a given such as (k − 1)/2 is a whole number that makes sense."""
    if not symbols(given) or isinstance(given, Sym):
        return ()
    divided = any(isinstance(node, Div) for node in walk(given))
    whole = (Need(Relation(floor(given), "=", given), f"{unicode(given)} is whole"),) if divided else ()
    return (*whole, *question.at_least(given, least))


def _lowest(relation: Relation, domains: Mapping[str, Domain]) -> dict[str, Fraction]:
    """Return how large each symbol alone must be for a bound to hold; nothing where that is beyond `MAX_REACH`."""
    terms = coefficients(neat(relation.left - relation.right))
    low = {atom: domains[atom.name].low for atom in terms if isinstance(atom, Sym)}
    lacking = -terms.get(ONE, Fraction(0)) - sum(terms[atom] * low[atom] for atom in low)
    if relation.relation != ">=" or lacking <= 0:
        return {}
    least = {atom.name: low[atom] - (-lacking // terms[atom]) for atom in low if terms[atom] > 0}
    return {name: value for name, value in least.items() if value <= MAX_REACH}


def _can_hold(relation: Relation, domains: Mapping[str, Domain]) -> bool:
    """Say whether a bound holds at some corner of the domains."""
    if relation.relation != ">=":
        return True
    used = sorted(symbols(relation.left))
    for corner in product(*((domains[name].low, domains[name].high) for name in used)):
        try:
            if PLAIN.value(relation.left - relation.right, dict(zip(used, corner, strict=True))) >= 0:
                return True
        except ZeroDivisionError:
            continue
    return False
