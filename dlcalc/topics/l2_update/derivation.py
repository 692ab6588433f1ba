"""The derivation: the slope of the penalised loss, one update, many, and what they tend to."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.entries import unused
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Sum,
    Sym,
    expr,
    power,
    substitute,
)
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import COUNT, POSITIVE, REAL, Domain, Step, symbols
from dlcalc.topics.l2_update.answers import parts_of
from dlcalc.topics.l2_update.asking import FEW, GRADIENTS, LISTED, MAX_PUT_IN, SHOWN, WHOLE, Asked, Rule, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Case(NamedTuple):
    """The question for one weight, in letters: a given that is a symbol is its own letter."""

    rule: Rule
    start: Sym
    gradients: tuple[Expr, ...]
    """The one gradient, or one per update; empty where there are too many to write each."""
    updates: Expr
    base: str
    """How the iterates are called: theta1, theta2, … where they are written out, else theta[j]."""
    step: Sym
    """The step of the difference quotient."""
    root: Sym
    """What an adaptive method divides by."""
    other: Expr
    """A gradient, also where the question has none."""
    domains: Mapping[str, Domain]
    values: tuple[Mapping[str, Expr], ...]
    """The givens that stand for letters, for each weight that is shown."""

    @property
    def counter(self) -> Sym:
        """The index of sums over the updates."""
        return Sym(unused("j", taken=self.domains))

    @property
    def written(self) -> bool:
        """True where every update is written out."""
        return isinstance(self.updates, Num)

    def iterate(self, j: Expr) -> Expr:
        """Name the weight after j updates."""
        return Sym(f"{self.base}{plain(j)}") if self.written else Entry(self.base, j)

    def gradient(self, j: int) -> Expr:
        """Return the gradient of update j."""
        return Entry(GRADIENTS, expr(j)) if not self.gradients else self.gradients[min(j, len(self.gradients)) - 1]

    def stepped(self, weight: Expr, j: int) -> Expr:
        """Apply update j as weight decay, collecting nothing."""
        left = weight if self.rule.factor == ONE else Mul((self.rule.factor, weight))
        return left if self.gradient(j) == ZERO else Add((left, -self.rule.lr * self.gradient(j)))

    def written_after(self, j: int) -> Expr:
        """Return the weight after a few updates; what is left of one gradient's steps is written as a sum."""
        if len(self.gradients) > 1 or self.gradients == (ZERO,) or self.rule.decay == ZERO or j == 1:
            return parts_of(self.rule, expr(j)).after(self.start, self.gradients[:j])
        powers = Add(tuple(power(self.rule.factor, expr(i)) for i in range(j)))
        return power(self.rule.factor, expr(j)) * self.start - Mul((self.rule.lr, self.gradient(j), powers))

    def pattern(self, count: Expr) -> Expr:
        """Return the weight after any number of updates, with a sum over them."""
        rule, j, kept = self.rule, self.counter, power(self.rule.factor, count) * self.start
        if self.gradients == (ZERO,):
            return kept
        if not self.gradients:
            steps = power(rule.factor, count - j) * Entry(GRADIENTS, j)
            return kept - rule.lr * Sum(j.name, ONE, count, steps)
        if rule.decay == ZERO:
            return kept - count * rule.lr * self.gradients[0]
        return kept - rule.lr * self.gradients[0] * Sum(j.name, ZERO, count - 1, power(rule.factor, j))


def case_of(asked: Asked) -> Case:
    """Choose the letters; none stands for two things."""
    letters = Letters(domains=_sampled(asked), taken=frozenset({GRADIENTS}) if asked.listed else frozenset())

    def own(preferred: str, values: tuple[Expr, ...]) -> Sym:
        given = values[0] if len(values) == 1 and isinstance(values[0], Sym) else None
        return letters.letter(preferred, given, REAL)

    lr = letters.letter("epsilon", asked.rule.lr, POSITIVE)
    decay = ZERO if asked.rule.decay == ZERO else letters.letter("alpha", asked.rule.decay, POSITIVE)
    updates = asked.updates
    if asked.closed or asked.listed:
        last = COUNT.high if asked.constant else min(COUNT.high, Fraction(len(asked.gradients) - 1))
        updates = letters.letter("k", asked.updates, Domain(COUNT.low, last, whole=True))
    start = own("theta" if asked.updates == ONE else "theta0", asked.weights)
    gradients: tuple[Expr, ...] = () if asked.listed else (ZERO,)
    if not asked.zero and not asked.listed:
        rows = zip(["g"] if asked.constant else [f"g{j + 1}" for j in range(LISTED)], asked.gradients, strict=False)
        gradients = tuple(own(name, row) for name, row in rows)
    values = []
    for index in range(1 if asked.listed else min(len(asked.weights), SHOWN)):
        weight, per_update = asked.of(index)
        pairs = ((start, weight), *zip(gradients, per_update, strict=False))
        here = {letter.name: given for letter, given in pairs if isinstance(letter, Sym) and letter != given}
        values.append(letters.values | here)
    step, root = (letters.letter(name, None, POSITIVE) for name in ("h", "d"))
    other = letters.letter("g", None, REAL) if asked.zero else gradients[0] if gradients else Entry(GRADIENTS, ONE)
    rule = asked.rule._replace(lr=lr, decay=decay)
    base = _base(asked, start.name, frozenset(letters.domains))
    return Case(rule, start, gradients, updates, base, step, root, other, letters.domains, tuple(values))


def _sampled(asked: Asked) -> dict[str, Domain]:
    """Say where the symbols of the givens are sampled."""
    domains = dict.fromkeys(sorted(symbols(*asked.weights, *asked.gradients)), REAL)
    domains |= dict.fromkeys(sorted(symbols(asked.rule.lr, asked.rule.decay)), POSITIVE)
    return domains | dict.fromkeys(sorted(symbols(asked.updates)), COUNT)


def _base(asked: Asked, start: str, taken: frozenset[str]) -> str:
    """Name the iterates after the weight, unless a letter would be mistaken for one of them."""
    stem = re.sub(r"_?\d+$", "", start)
    itself = {stem} - {start} if not asked.closed and not asked.listed else {stem}
    count = max(FEW, len(asked.gradients))
    for base in (stem, "theta", "w", "u", "p"):
        used = {f"{base}{j + 1}" for j in range(count)} | (itself if base == stem else {base})
        if not used & taken:
            return base
    return f"{stem}_after"


def steps(asked: Asked, case: Case) -> tuple[Step, ...]:
    """Derive the weights: the penalty's gradient, one update, all updates, the givens put in."""
    if asked.updates == ZERO:
        start = Mul((Pow(case.rule.factor, ZERO), case.start))
        return (Step("update", Sym("weights"), start, case.start, "no update: every weight stays"),)
    many = _written_out(case) if case.written else _repeated(asked, case)
    steps = (*_one_update(case), *many, *_givens_put_in(asked, case))
    return steps if case.rule.decay == ZERO else (_slope(case), *steps, _range(asked, case), *_decoupled(case))


def _slope(case: Case) -> Step:
    """Differentiate the penalty: the difference quotient of a square does not depend on h."""
    h, weight, penalty = case.step, case.start, case.rule.penalty_of
    up, down = (penalty(Pow(Add((weight, shift)), expr(2))) for shift in (h, -h))
    because = f"slope of the penalty in one weight: the same for every {h}, so the derivative"
    return Step("penalty", Sym("gradient"), Div(Add((up, -down)), 2 * h), case.rule.pull * weight, because)


def _one_update(case: Case) -> tuple[Step, ...]:
    """Descend the loss with its penalty, and collect the weight."""
    rule, weight, target, g = case.rule, case.start, case.iterate(ONE), case.gradient(1)
    descended = weight - rule.lr * (g + rule.pull * weight)
    if rule.decay == ZERO:
        return (Step("update", target, target, descended, "down the gradient of the loss; there is no penalty"),)
    collected = "the weight collected: it decays" + ("" if g == ZERO else "; the loss acts as before")
    return (
        Step("update", target, target, descended, "down the gradient of loss and penalty"),
        Step("decay", target, descended, rule.stepped(weight, g), collected),
    )


def _written_out(case: Case) -> tuple[Step, ...]:
    """Write every update."""
    steps = []
    for j in range(2, whole(case.updates) + 1):
        target, inserted = case.iterate(expr(j)), case.stepped(case.written_after(j - 1), j)
        steps.append(Step("pattern", target, target, inserted, f"update {j}, on what update {j - 1} left"))
        steps.append(Step("pattern", target, inserted, case.written_after(j), "collected"))
    return tuple(steps)


def _repeated(asked: Asked, case: Case) -> tuple[Step, ...]:
    """Derive k updates: the second shows the pattern, induction proves it, the geometric sum closes it."""
    k, two, rule = case.updates, expr(2), case.rule
    target, second = case.iterate(k), case.stepped(rule.stepped(case.start, case.gradient(1)), 2)
    last = case.gradients[0] if case.gradients else Entry(GRADIENTS, k + 1)
    again, collected = rule.factor * case.pattern(k) - rule.lr * last, case.pattern(two)
    if case.gradients:
        collected = case.written_after(2)
    why = "every update multiplies by the same factor" if asked.zero else "a gradient step decays in every later update"
    if rule.decay == ZERO:
        why = "without decay the gradient steps add up"
    steps = (
        Step("second", case.iterate(two), case.iterate(two), second, "update 2, on what update 1 left"),
        Step("second", case.iterate(two), second, collected, "collected"),
        Step("pattern", target, target, case.pattern(k), f"the pattern: {why}"),
        Step("induction", case.iterate(k + 1), again, case.pattern(k + 1), "one update more keeps it: induction"),
    )
    return steps if asked.zero or asked.listed or rule.decay == ZERO else (*steps, *_closed(asked, case))


def _closed(asked: Asked, case: Case) -> Iterator[Step]:
    """Close the sum of the pattern; the rate that divides is not 0."""
    k, rule, target, g, j = case.updates, case.rule, case.iterate(case.updates), case.gradients[0], case.counter
    powers, value = Sum(j.name, ZERO, k - 1, power(rule.factor, j)), (1 - power(rule.factor, k)) / rule.rate
    yield Step("geometric", Sym("sum"), powers, value, f"geometric sum, {dotted(rule.rate)} ≠ 0")
    yield Step("closed", target, target, parts_of(rule, k).after(case.start, (g,)), "the sum put in")
    if symbols(asked.rule.decay):
        without, alpha = case.start - k * rule.lr * g, plain(rule.decay)
        yield Step("no-decay", target, target, without, f"the case {unicode(rule.decay)} = 0", where={alpha: ZERO})
    rest = -rule.rest(g)
    yield Step("rest", Sym("rest"), rule.stepped(rest, g), rest, f"an update leaves {unicode(rest)} where it is")


def _givens_put_in(asked: Asked, case: Case) -> Iterator[Step]:
    """Put the givens of the first weights into the formula."""
    if len(asked.gradients) > MAX_PUT_IN:
        return
    found, target = parts_of(asked.rule, asked.updates), case.iterate(case.updates)
    formula = case.pattern(case.updates)
    if not asked.listed:
        closed = parts_of(case.rule, case.updates).after(case.start, case.gradients)
        formula = case.written_after(whole(case.updates)) if case.written else closed
    for index, given in enumerate(case.values):
        used = {name: value for name, value in given.items() if name in symbols(formula)}
        inserted, value = substitute(formula, used), found.after(*asked.of(index))
        which = f", weight {index + 1} of {len(asked.weights)}" if len(asked.weights) > 1 else ""
        if plain(inserted) != plain(formula):
            yield Step("givens", target, formula, inserted, f"the givens put in{which}", where=used)
        if plain(value) != plain(inserted):
            because = "computed" if isinstance(value, Num) else "collected"
            yield Step("value", target, inserted, value, f"{because}{which}", where=used)


def _range(asked: Asked, case: Case) -> Step:
    """Say whether an update shrinks a weight: by its factor, or for every factor."""
    rate, factor, target = asked.rule.rate, case.rule.factor, Sym("shrink_factor")
    if not isinstance(rate, Num):
        product = dotted(case.rule.rate)
        why = f"positive, so |1 - {product}| < 1, exactly where 0 < {product} < 2"
        left = Add((ONE, -Pow(factor, expr(2))))
        return Step("range", target, left, case.rule.rate * (2 - case.rule.rate), why)
    size = Call("abs", (substitute(factor, case.values[0]),))
    if rate.value in {0, WHOLE}:
        return Step("range", target, size, ONE, "decay keeps the size of the weights")
    if rate.value < WHOLE:
        return Step("range", target, size, ONE, "decay shrinks the weights", "<")
    return Step("range", target, size, ONE, "decay makes the weights grow", ">")


def _decoupled(case: Case) -> tuple[Step, ...]:
    """Compare with decay beside the gradient step, plain and divided by the root of an adaptive method."""
    rule, weight, g, root, target = case.rule, case.start, case.other, case.root, Sym("weights")
    decayed = rule.rate * weight
    beside = Add((weight, -rule.lr * g, -decayed))
    through = Add((weight, -Div(rule.lr * (g + rule.pull * weight), root)))
    gap = Add((through, -Add((weight, -Div(rule.lr * g, root), -decayed))))
    adaptive = f"not with an adaptive root {root}: it divides the L2 decay, not AdamW's"
    return (
        Step("decoupled", target, beside, rule.stepped(weight, g), "decay beside the gradient step: the same here"),
        Step("adaptive", target, gap, decayed * (1 - 1 / root), adaptive),
    )


def dotted(product: Expr) -> str:
    """Write a product with dots, so that its letters stay apart where sentences spell Greek out."""
    return "·".join(map(unicode, product.factors)) if isinstance(product, Mul) else unicode(product)
