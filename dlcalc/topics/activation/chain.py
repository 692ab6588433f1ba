"""A chain of units: the bound on its derivative, and whether it can vanish or explode."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import (
    INFINITY,
    ONE,
    ZERO,
    Div,
    Expr,
    Limit,
    Mul,
    Num,
    Pow,
    Real,
    Sym,
    fits,
    fold,
    names,
    number,
    power,
    substitute,
)
from dlcalc.notation.functions import call
from dlcalc.solution import Answer, Slip, Step, verdict
from dlcalc.topics.activation.facts import X, exact, infinite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.topics.activation.asking import Asked

LAYERS = Sym("L")
MOST_LAYERS = 1_000
FEW = 3
"""Units up to which every factor is written."""
PROBES = ("-8", "-4", "-2", "-1", "-1/2", "-1/4", "0", "1/4", "1/2", "1", "2", "4", "8")
"""Where evidence is looked for."""
MORE_PROBES = ("-256", "-1/256", "1/256", "256")
"""Where it is looked for too, if the slope has no bound and none of these is above 1."""
TINY = 1e-3


class Chain(NamedTuple):
    """L units, each with the weight w: h_l = f(w h_(l-1) + b_l)."""

    asked: Asked
    weight: Expr
    layers: Expr | None

    @property
    def size(self) -> Expr:
        """The largest |f'|; infinite where it has no bound."""
        facts = self.asked.facts
        if facts is None:
            raise TypeError(self)
        up, down = facts.steepest.value, facts.flattest.value
        if infinite(up) or infinite(down) or any(j.left is None or not j.continuous for j in facts.joints):
            bounded = not infinite(up) and not infinite(down)
            return _larger(up, down) if bounded else INFINITY
        return _larger(up, down)

    @property
    def factor(self) -> Expr:
        """What every unit multiplies the derivative by, at most: |w| max |f'|."""
        return call("abs", self.weight) * self.size if self.size != INFINITY else INFINITY

    @property
    def per_unit(self) -> Expr:
        """The factor of one unit, |w f'(x)|."""
        return call("abs", self.weight) * call("abs", self.asked.slope)

    @property
    def decided(self) -> bool:
        """Whether numbers decide if it vanishes or explodes."""
        known = self.factor == INFINITY or approximate(self.factor) is not None
        return known and bool(self.probes()) and (not self.asked.free or _vanishes(self))

    def probes(self) -> list[tuple[float, Expr, Expr]]:
        """Return |w f'| at some places, in ascending order, with the place and the exact value."""
        found = self._probed(PROBES)
        if self.size == INFINITY and all(probe[0] <= 1 for probe in found):
            found += self._probed(MORE_PROBES)
        return sorted(found, key=lambda probe: probe[0])

    def _probed(self, places: Sequence[str]) -> list[tuple[float, Expr, Expr]]:
        found: list[tuple[float, Expr, Expr]] = []
        for text in places:
            place = number(Fraction(text))
            if any(place == meeting for meeting in self.asked.meetings):
                continue
            try:
                self.asked.value(place)
                value = call("abs", self.weight) * call("abs", self.asked.slope_at(place))
            except DlcalcError:
                continue
            if (rough := approximate(value)) is not None:
                found.append((rough, place, value))
        return found

    @property
    def small(self) -> tuple[float, Expr, Expr]:
        """The place that shows how a chain vanishes: with a slope above 0, unless it is 0 on a whole stretch."""
        probes, facts = self.probes(), self.asked.facts
        if facts is not None and facts.flat:
            return probes[0]
        return next((probe for probe in probes if 0 < probe[0] < 1), probes[0])


def _larger(up: Expr, down: Expr) -> Expr:
    """Return the larger size of the largest and the least slope."""
    first, second = approximate(up), approximate(down)
    if first is not None and second is not None:
        return call("abs", up if abs(first) >= abs(second) else down)
    return up


def explode_weight(chain: Chain) -> Expr | None:
    """Return the size that a weight must exceed before a chain can explode; None where there is no bound on f'."""
    return None if chain.size in {INFINITY, ZERO} else ONE / chain.size


def chain_answers(chain: Chain) -> tuple[Answer, ...]:
    """Answer with the bound, and say whether the derivative of a chain can vanish or explode."""
    size = chain.size
    found: list[Answer] = []
    weight = explode_weight(chain)
    if weight is not None:
        found.append(Answer("explode_weight", weight))
        if chain.layers is not None:
            bound = power(chain.factor, chain.layers)
            slips = (
                Slip(chain.factor * chain.layers, "the factors of a chain are multiplied, not added", "bound"),
                Slip(power(size, chain.layers), "every unit brings its weight too", "bound"),
            )
            found.append(Answer("bound", bound, slips=slips))
    if chain.decided:
        vanishes, explodes = _vanishes(chain), _explodes(chain)
        found += [
            verdict("vanishing", holds=vanishes, otherwise=said(chain, vanishes=True)),
            verdict("exploding", holds=explodes, otherwise=said(chain, vanishes=False)),
        ]
    return tuple(found)


def _vanishes(chain: Chain) -> bool:
    return bool(chain.probes()) and chain.probes()[0][0] < 1


def _explodes(chain: Chain) -> bool:
    if chain.size == INFINITY:
        return True
    limit = approximate(chain.factor)
    return limit is not None and limit > 1


def said(chain: Chain, *, vanishes: bool) -> str:
    """Say why a chain vanishes or explodes, or why it does not."""
    probes = chain.probes()
    if vanishes:
        if _vanishes(chain):
            value, place, _ = chain.small
            return f"|w f'| is {value:.4g} < 1 at x = {place}: units that stay there multiply to {value:.4g}^L → 0"
        return f"|w f'| is nowhere below 1 (least seen: {probes[0][0]:.4g})"
    if _explodes(chain):
        value, place, _ = probes[-1]
        return f"|w f'| is above 1, as {value:.4g} at x = {place}: such units multiply beyond all bounds"
    return f"|w f'| is at most {approximate(chain.factor):.4g}, so that no product of such factors grows"


def chain_steps(chain: Chain) -> tuple[Step, ...]:
    """Give the evidence: a bound for all x, or a place with a small or large factor, and what its powers do."""
    steps: list[Step] = []
    unit, factor = Sym("unit"), chain.factor
    if factor != INFINITY and chain.size != ZERO:
        because = "every unit multiplies the derivative by w f'(x), and |f'| is at most " + str(chain.size)
        steps.append(Step("bound", unit, chain.per_unit, factor, because, "<="))
        if chain.layers is not None:
            bound = power(factor, chain.layers)
            steps.append(Step("bound", Sym("chain"), Pow(factor, chain.layers), bound, "a product of L such factors"))
    if not chain.decided:
        return tuple(steps)
    low, high = chain.small, chain.probes()[-1]
    if _vanishes(chain):
        steps += _powers(low, "vanishing", "<", ZERO)
    else:
        steps.append(Step("vanishing", unit, chain.per_unit, ONE, "no factor is below 1", ">="))
    if _explodes(chain) and high[0] > 1:
        steps += _powers(high, "exploding", ">", INFINITY)
    elif not _explodes(chain) and factor != ZERO:
        steps.append(Step("exploding", unit, chain.per_unit, ONE, "no factor is above 1: no product grows", "<="))
    return tuple(steps)


def _powers(probe: tuple[float, Expr, Expr], rule: str, relation: str, end: Expr) -> list[Step]:
    _, place, value = probe
    target = Sym("unit")
    steps = [Step(rule, target, value, ONE, f"the factor |w f'| at x = {place}", relation)]  # type: ignore[arg-type]
    if value != ZERO:
        limit = Limit(LAYERS.name, INFINITY, "", Pow(value, LAYERS))
        steps.append(Step(rule, target, limit, end, "a chain of L units that stay there"))
    else:
        steps.append(Step(rule, target, value, ZERO, "one such unit makes the whole product exactly 0"))
    return steps


def read_layers(layers: Expr | None) -> None:
    """Refuse more layers than are followed."""
    size = None if layers is None else exact(layers)
    if size is not None and size > MOST_LAYERS:
        raise DlcalcError(f"--layers {layers} is too many to follow", f"use at most {MOST_LAYERS:,} or a symbol")


# the derivative of the whole chain


def composition_steps(chain: Chain, places: Sequence[Expr]) -> tuple[Step, ...]:
    """Multiply the slopes along the chain, or differentiate the power that it is."""
    asked, layers = chain.asked, chain.layers
    if layers is None:
        return ()
    target, power_of = Sym("chain"), _exponent(asked)
    found: list[Step] = []
    if power_of != ONE and chain.weight == ONE:
        grown = power(power_of, LAYERS)
        after = grown * power(X, grown - 1)
        away = Pow(X + Sym("h"), grown) - Pow(X, grown)
        quotient = Limit("h", ZERO, "", Div(away, Sym("h")))
        few = f"L = {FEW}, for one"
        because = f"L times to the power {power_of} is once to the power {power_of}^L; {few}"
        found.append(Step("chain", target, quotient, after, because, where={LAYERS.name: number(FEW)}))
    for place in places:
        factors, gradient = _factors(chain, place), composition(asked, chain.weight, layers, place)
        if factors and gradient is not None:
            product = factors[0] if len(factors) == 1 else Mul(tuple(factors))
            because = f"w f'(w h) at h = {place} and at every output after it, multiplied"
            found.append(Step("chain", target, product, gradient, because))
    return tuple(found)


def _factors(chain: Chain, place: Expr) -> list[Expr]:
    """Write the slope of every unit, on the way through a short chain."""
    count = None if chain.layers is None else exact(chain.layers)
    if count is None or count > FEW or chain.asked.free or names(place) or names(chain.weight):
        return []
    found, value = [], place
    for _ in range(int(count)):
        inner = fold(Mul((chain.weight, value)))
        slope = substitute(chain.asked.slope, {X.name: inner})
        found.append(slope if chain.weight == ONE else Mul((chain.weight, slope)))
        value = chain.asked.value(inner)
    return found


def _exponent(asked: Asked) -> Expr:
    """Return n of a function x^n; 1 for all others."""
    function = asked.function
    if isinstance(function, Pow) and function.base == X and isinstance(function.exponent, Num):
        return function.exponent
    return ONE


def composition(asked: Asked, weight: Expr, layers: Expr, at: Expr | None) -> Expr | None:
    """Return d output/d input of L units x → f(w x), without biases: in letters for a power, else at a number."""
    exponent = _exponent(asked)
    if exponent != ONE and weight == ONE and (at is None or not isinstance(layers, Num)):
        grown = power(exponent, layers)
        place = X if at is None else at
        return grown * power(place, grown - 1)
    count = exact(layers)
    if at is None or count is None or names(at) or names(weight) or asked.free:
        return None
    return _product(asked, weight, int(count), at)


def _product(asked: Asked, weight: Expr, count: int, at: Expr) -> Expr | None:
    value, product = PLAIN.value(at, {}), PLAIN.value(ONE, {})
    w = PLAIN.value(weight, {})
    try:
        for _ in range(count):
            inner = PLAIN.kept(w * value)
            product = PLAIN.kept(product * w * PLAIN.value(asked.slope, {X.name: inner}))
            value = PLAIN.kept(PLAIN.value(asked.function, {X.name: inner}))
    except (ArithmeticError, ValueError):
        return None
    if isinstance(product, float):
        return Real(product) if abs(product) < float("inf") else None
    return number(Fraction(product)) if fits(Fraction(product)) else None
