"""What is asked: the rule, the weights and gradients, how many updates."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.entries import entries, shape_text, unused
from dlcalc.entries import shape as shape_of
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Sym, expr
from dlcalc.notation.printing import Value, decimal, plain
from dlcalc.solution import symbols

if TYPE_CHECKING:
    from collections.abc import Callable

EPSILON, ALPHA = Sym("epsilon"), Sym("alpha")


FEW = 3
"""Updates with one gradient up to which every update is written; above, the closed form is derived."""


LISTED = 6
"""Gradients, one per update, up to which every update is written."""


WHOLE = 2
"""The rate at which decay keeps the size of a weight; from 0 to here it shrinks."""


SHOWN = 3
"""Weights for which the givens are put in; the route confirms all of them."""


SHORT = 20
"""Characters up to which an exact number is shown instead of the power that it is."""


MAX_PUT_IN = 100
"""Gradients, one per update, up to which they are put into the formula."""


GRADIENTS = "g"
"""The name of a long list of gradients, one per update."""


_ONE_DIGIT = 9


class Rule(NamedTuple):
    """How a weight is updated: θ ← θ - lr·(g + pull·θ)."""

    lr: Expr
    decay: Expr
    penalty: str

    def penalty_of(self, squares: Expr) -> Expr:
        """Return the penalty of weights with this sum of squares."""
        return self.decay * squares if self.penalty == "full" else self.decay * squares / 2

    @property
    def pull(self) -> Expr:
        """What a weight is multiplied by in the gradient of the penalty."""
        return 2 * self.decay if self.penalty == "full" else self.decay

    @property
    def rate(self) -> Expr:
        """The part of a weight that one update takes away: εα."""
        return self.lr * self.pull

    @property
    def factor(self) -> Expr:
        """What one update leaves of a weight: 1 - εα."""
        return 1 - self.rate

    def other(self) -> Rule:
        """Return the rule with the other form of the penalty."""
        return self._replace(penalty="half" if self.penalty == "full" else "full")

    def stepped(self, weight: Expr, gradient: Expr) -> Expr:
        """Return a weight after one update, as weight decay."""
        return self.factor * weight - self.lr * gradient

    def rest(self, gradient: Expr) -> Expr:
        """Return g/α, the distance below 0 at which a constant gradient and the decay balance."""
        times = 1 / self.pull
        return gradient * times if isinstance(times, Num) and decimal(times.value) else gradient / self.pull


class Asked(NamedTuple):
    """The question: flat weights with their shape, and the gradients of one update or of each."""

    rule: Rule
    shape: tuple[int, ...]
    weights: tuple[Expr, ...]
    gradients: tuple[tuple[Expr, ...], ...]
    """One row that holds for every update, or a row per update."""
    updates: Expr
    invented: bool
    """True where no gradient was given, so that symbols stand for it."""

    @property
    def constant(self) -> bool:
        """True where one gradient holds for every update."""
        return len(self.gradients) == 1

    @property
    def closed(self) -> bool:
        """True where the closed form is needed: a number of updates that is not written out."""
        return self.constant and not (isinstance(self.updates, Num) and self.updates.value <= FEW)

    @property
    def listed(self) -> bool:
        """True for more gradients, one per update, than are written each."""
        return len(self.gradients) > LISTED

    @property
    def zero(self) -> bool:
        """True without any gradient but that of the penalty."""
        return all(g == ZERO for g in self.gradients[0]) and self.constant

    def of(self, index: int) -> tuple[Expr, tuple[Expr, ...]]:
        """Return one weight with its gradients."""
        return self.weights[index], tuple(row[index] for row in self.gradients)

    def each(self, result: Callable[[Expr, tuple[Expr, ...]], Expr]) -> Value:
        """Compute something from every weight and its gradients."""
        return self.shaped(tuple(result(*self.of(index)) for index in range(len(self.weights))))

    def shaped(self, flat: tuple[Expr, ...]) -> Value:
        """Give the weights' shape to a flat list."""
        if not self.shape:
            return flat[0]
        columns = self.shape[-1]
        rows = tuple(flat[at : at + columns] for at in range(0, len(flat), columns))
        return rows[0] if len(self.shape) == 1 else rows


def as_asked(weights: Value | None, gradient: Value | None, updates: Expr | None, rule: Rule) -> Asked:
    """Fit weights, gradients and updates together."""
    for name, rate in (("lr", rule.lr), ("decay", rule.decay)):
        if (approximate(rate) or 0) < 0:
            raise DlcalcError(f"{name} {plain(rate)} is less than 0", "use 0 or more")
    taken = symbols(*(given for given in (weights, gradient, updates, rule.lr, rule.decay) if given is not None))
    if weights is None:
        several = updates not in {None, ONE} or isinstance(gradient, tuple)
        weights = Sym(unused("theta0" if several else "theta", taken=taken))
    shape = shape_of(weights)
    if gradient is None or (isinstance(gradient, Sym) and shape):
        name = gradient.name if isinstance(gradient, Sym) else "g"
        rows: tuple[tuple[Expr, ...], ...] = (_invented(name, shape, taken - {name}),)
    else:
        rows = _rows(gradient, shape)
    if len(rows) > 1 and updates not in {None, expr(len(rows))}:
        raise DlcalcError(
            f"--gradient has {len(rows)} gradients, one per update, but --updates is {plain(updates or ONE)}",
            f"use --updates {len(rows)}, or one gradient for all updates",
        )
    count = updates if updates is not None else expr(len(rows))
    if all(g == ZERO for row in rows for g in row):
        rows = rows[:1]
    return Asked(rule, shape, tuple(entries(weights)), rows, count, gradient is None)


def _rows(gradient: Value, shape: tuple[int, ...]) -> tuple[tuple[Expr, ...], ...]:
    """Split a gradient into one row per update; one row where it has the weights' shape."""
    found, flat, size = shape_of(gradient), tuple(entries(gradient)), prod(shape)
    if gradient == ZERO:
        return ((ZERO,) * size,)
    below = len(shape) > 1 and found[1:] == shape[1:] and len(flat) % size == 0
    if found == shape or found[1:] == shape or below:
        return tuple(flat[at : at + size] for at in range(0, len(flat), size))
    fix = f"give {shape_text(shape)}, or one such gradient per row for several updates"
    raise DlcalcError(
        f"--gradient is {shape_text(found)}, but the weights are {shape_text(shape)}",
        fix if shape else "give --weights of that shape, or a list with one gradient per update",
    )


def _invented(name: str, shape: tuple[int, ...], taken: frozenset[str]) -> tuple[Expr, ...]:
    """Return symbols for a gradient of which only the name is known: g, g_1 g_2 …, or g_11 g_12 …."""
    if not shape:
        return (Sym(unused(name, taken=taken)),)
    if len(shape) > 1 and max(shape) > _ONE_DIGIT:
        raise DlcalcError(f"no gradient is given for {shape_text(shape)} weights", "add --gradient, or --gradient 0")
    spans = [[str(i + 1) for i in range(length)] for length in shape]
    indices = ["".join(index) for index in product(*spans)]
    stems = (name, *(f"{name}_{c}" for c in "abcdefghij"))
    stem = next(stem for stem in stems if not {f"{stem}{index}" for index in indices} & taken)
    return tuple(Sym(f"{stem}{index}") for index in indices)


def whole(value: Expr) -> int:
    """Return the value of a whole number."""
    return int(PLAIN.value(value, {}))
