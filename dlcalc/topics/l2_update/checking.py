"""Where the derivation is evaluated, and descent run update by update without the formulas."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Relation, Sym
from dlcalc.solution import POINTS, Route, Setting, symbols
from dlcalc.topics.l2_update.answers import parts_of
from dlcalc.topics.l2_update.asking import GRADIENTS, Asked, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlcalc.topics.l2_update.derivation import Case

MAX_LOOPED = 2_000
"""Updates, over all weights, that the route runs with exact fractions; above, it squares the update in decimals."""


MAX_ROUTED = 32
"""Weights that the route follows where symbols are left."""


ROUTE_DIGITS = 60


def setting(asked: Asked, case: Case) -> Setting:
    """Say where the letters are sampled, and what the iterates are."""
    definitions: dict[str, Callable[..., Any]] = {}
    if case.written:
        for j in range(whole(case.updates) + 1):
            definitions[f"{case.base}{j}"] = partial(_iterated, asked, case, count=j)
        definitions.pop(case.start.name, None)
    else:
        definitions[case.base] = partial(_iterated, asked, case)
    if asked.listed:
        definitions[GRADIENTS] = lambda point, j: PLAIN.value(asked.gradients[j - 1][0], point)
    positive = [given for given in (asked.rule.lr, asked.rule.decay) if not isinstance(given, Num | Sym)]
    counted = [] if isinstance(asked.updates, Num | Sym) else [Relation(asked.updates, ">=", ONE)]
    return Setting(
        domains=case.domains,
        constraints=(*(Relation(given, ">", ZERO) for given in positive), *counted),
        definitions=definitions,
        families=frozenset(definitions) if not case.written else frozenset(),
        aliases=_aliases(case, {*case.domains, *definitions}),
    )


def _aliases(case: Case, known: set[str]) -> dict[str, Expr]:
    """Return other spellings that an answer may use for the letters."""
    spellings = (
        (case.rule.lr, ("epsilon", "eps", "lr", "eta")),
        (case.rule.decay, ("alpha", "lambda", "lam", "decay")),
        (case.start, ("theta", "theta0", "w", "W")),
    )
    return {spelling: letter for letter, names in spellings for spelling in names if spelling not in known}


def _descended(weight: Fraction, gradient: Fraction, lr: Fraction, decay: Fraction, penalty: str) -> Fraction:
    """Take one step against the slope of loss and penalty, found by a difference quotient."""

    def loss(at: Fraction) -> Fraction:
        return gradient * at + decay * at * at / (1 if penalty == "full" else 2)

    return weight - lr * (loss(weight + 1) - loss(weight - 1)) / 2


def _iterated(asked: Asked, case: Case, point: Mapping[str, Any], count: int) -> Fraction:
    """Run the updates of one weight, for the letters at a point."""
    weight: Fraction = point[case.start.name]
    lr, decay = (PLAIN.value(letter, point) for letter in (case.rule.lr, case.rule.decay))
    for j in range(1, count + 1):
        g = PLAIN.value(case.gradient(j) if case.gradients else asked.gradients[j - 1][0], point)
        weight = _descended(weight, g, lr, decay, case.rule.penalty)
    return weight


def routes(asked: Asked) -> tuple[Route, ...]:
    """Run the updates for the very givens, each by the slope of the loss with its penalty."""
    numeric = not symbols(*asked.weights, *asked.gradients, asked.updates, asked.rule.lr, asked.rule.decay)
    shown = len(asked.weights) if numeric else min(len(asked.weights), MAX_ROUTED)
    parts = parts_of(asked.rule, asked.updates)
    found = tuple(parts.after(*asked.of(i)) for i in range(shown))
    count = asked.updates.value * shown if isinstance(asked.updates, Num) and asked.constant else 0
    if (numeric and None in map(approximate, found)) or (not numeric and count > MAX_LOOPED // POINTS):
        return ()

    def run(point: Mapping[str, Any]) -> list[Fraction | float]:
        def exactly(given: Expr) -> Fraction:
            return Fraction(PLAIN.value(given, point))

        lr, decay, k = map(exactly, (asked.rule.lr, asked.rule.decay, asked.updates))

        def update(gradient: Fraction, weight: Fraction) -> Fraction:
            return _descended(weight, gradient, lr, decay, asked.rule.penalty)

        out: list[Fraction | float] = []
        for index in range(shown):
            start, given = asked.of(index)
            at, gradients = exactly(start), list(map(exactly, given))
            if count > MAX_LOOPED:
                out.append(_squared(partial(update, gradients[0]), int(k), at))
                continue
            for j in range(int(k)):
                at = update(gradients[min(j, len(gradients) - 1)], at)
            out.append(at)
        return out

    method = "the updates run one by one, down the difference quotient of loss and penalty"
    if count > MAX_LOOPED:
        method = f"one update, by the difference quotient, composed with itself again and again ({ROUTE_DIGITS} digits)"
    return (Route("weights", method, found, run),)


def _squared(update: Callable[[Fraction], Fraction], count: int, start: Fraction) -> float:
    """Apply an affine map many times, by composing it with itself."""
    context = Context(prec=ROUTE_DIGITS, traps=[])

    def rounded(value: Fraction) -> Decimal:
        return context.divide(value.numerator, value.denominator)

    offset = update(Fraction(0))
    slope, shift = rounded(update(Fraction(1)) - offset), rounded(offset)
    at = rounded(start)
    while count:
        if count % 2:
            at = context.fma(slope, at, shift)
        slope, shift, count = context.multiply(slope, slope), context.fma(slope, shift, shift), count // 2
    return float(at)
