"""The answers: the weights after the updates, the pull of the penalty, and common slips."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Pow, add, expr, power
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Answer, Slip
from dlcalc.topics.l2_update.asking import FEW, SHORT, Asked, Rule

if TYPE_CHECKING:
    from collections.abc import Callable


class _Parts(NamedTuple):
    """What k updates do to every weight: θ_k = kept·θ_0 + pushed, the gradient steps as later updates left them."""

    rule: Rule
    updates: Expr
    kept: Expr

    def pushed(self, gradients: tuple[Expr, ...]) -> Expr:
        """Return what the gradients add to a weight."""
        rule, k, g = self.rule, self.updates, gradients[0]
        if len(gradients) > 1:
            left = zip(reversed(range(len(gradients))), gradients, strict=True)
            return -rule.lr * add(*(self.raised(j) * gradient for j, gradient in left))
        if rule.pull == ZERO:
            return -(k * rule.lr * g)
        if isinstance(k, Num) and k.value <= FEW:
            return -(rule.lr * g * add(ZERO, *map(self.raised, range(int(k.value)))))
        if rule.factor == ZERO:
            return -(rule.lr * g)
        return -(rule.rest(g) * (1 - self.kept))

    def raised(self, exponent: int) -> Expr:
        """Raise the factor to a power; a number stays a power where that to all updates does."""
        as_power = isinstance(self.kept, Pow) and isinstance(self.rule.factor, Num) and exponent > 1
        return Pow(self.rule.factor, expr(exponent)) if as_power else power(self.rule.factor, expr(exponent))

    def after(self, weight: Expr, gradients: tuple[Expr, ...]) -> Expr:
        """Return a weight after all updates."""
        return self.kept * weight + self.pushed(gradients)


def parts_of(rule: Rule, updates: Expr) -> _Parts:
    """Raise the factor to the number of updates: exactly where that is short to write, else as a power."""
    kept = power(rule.factor, updates)
    if rule.factor == ZERO and not isinstance(updates, Num):
        kept = ZERO
    if isinstance(kept, Num) and len(plain(kept)) > SHORT:
        kept = Pow(rule.factor, updates)
    return _Parts(rule, updates, kept)


def answers(asked: Asked) -> tuple[Answer, ...]:
    """Return the weights after the updates and what moved them, with their slips."""
    rule, other, first = asked.rule, asked.rule.other(), asked.gradients[0]

    def total(pull: Expr) -> Value:
        return asked.shaped(tuple(g + pull * w for g, w in zip(first, asked.weights, strict=True)))

    squares = add(*(power(w, expr(2)) for w in asked.weights))
    of_gradient = (
        Slip(total(other.pull), other_penalty(rule), "penalty"),
        Slip(total(ZERO), "the gradient of the penalty is missing", "penalty"),
    )
    of_factor = (
        Slip(other.factor, other_penalty(rule), "penalty"),
        Slip(1 + rule.rate, "the penalty is descended: its sign is minus", "decay"),
        Slip(1 - rule.pull, "the learning rate multiplies the gradient of the penalty too", "decay"),
        Slip(rule.rate, "that is what an update takes away; what it leaves is 1 minus that", "decay"),
    )
    of_penalty = (Slip(other.penalty_of(squares), other_penalty(rule), "penalty"),)
    return (
        Answer("weights", asked.each(parts_of(rule, asked.updates).after), slips=_slips(asked)),
        Answer("shrink_factor", rule.factor, slips=of_factor),
        Answer("gradient", total(rule.pull), slips=of_gradient),
        Answer("penalty", rule.penalty_of(squares), slips=of_penalty),
    )


def other_penalty(rule: Rule) -> str:
    """Say how the other form of the penalty differs."""
    if rule.penalty == "full":
        return "that is for the penalty α/2·‖θ‖²; for α·‖θ‖² the derivative is 2·α·θ (or use --penalty half)"
    return "that is for the penalty α·‖θ‖²; in α/2·‖θ‖² the 2 of the derivative cancels (or use --penalty full)"


def _slips(asked: Asked) -> tuple[Slip, ...]:
    """List the common wrong results, each with the step where it departs."""
    rule, k = asked.rule, asked.updates
    parts, other = parts_of(rule, k), parts_of(rule.other(), k)
    kept, pushed = parts.kept, parts.pushed
    opposite, none = (parts_of(rule._replace(decay=decay), k) for decay in (-rule.decay, ZERO))
    per_rate = ONE if rule.lr == ZERO else 1 / rule.lr
    wrong: list[tuple[str, str, Callable[[Expr, tuple[Expr, ...]], Expr]]] = [
        (other_penalty(rule), "penalty", other.after),
        ("the penalty is missing", "penalty", none.after),
        ("the penalty is descended: 1 - ε·α, not 1 + ε·α", "decay", opposite.after),
        ("the gradient of the loss is missing", "update", lambda w, _: kept * w),
        ("the gradient is subtracted, not added", "update", lambda w, g: kept * w - pushed(g)),
        ("the learning rate multiplies g too", "update", lambda w, g: kept * w + pushed(g) * per_rate),
        ("decay takes from the old weights only", "decay", lambda w, g: kept * w + rule.factor * pushed(g)),
    ]
    if k == ONE:
        wrong.append(("it is 1 - ε·α, not 1 - α", "decay", lambda w, g: (1 - rule.pull) * w + pushed(g)))
    else:
        wrong += [
            ("the factors multiply: a power, not k times", "pattern", lambda w, g: k * rule.factor * w + pushed(g)),
            ("it is (1 - ε·α)^k, not 1 - k·ε·α", "pattern", lambda w, g: (1 - k * rule.rate) * w + pushed(g)),
        ]
    if k not in {ZERO, ONE} and asked.constant:
        fewer, more = parts_of(rule, k - 1), parts_of(rule, k + 1)
        wrong += [
            ("that is one update too few", "pattern", fewer.after),
            ("that is one update too many", "pattern", more.after),
            ("earlier gradient steps decay too", "pattern", lambda w, g: kept * w - k * rule.lr * g[0]),
            ("every update takes a gradient step", "pattern", lambda w, g: kept * w - rule.lr * g[0]),
        ]
    return tuple(Slip(asked.each(value), because, at) for because, at, value in wrong)
