"""The rates of an update with an L1 penalty, and the two steps that it may take."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from dlcalc.notation.expression import ZERO, Expr, Num
from dlcalc.notation.functions import call


class Rates(NamedTuple):
    """Learning rate η, factor λ of |w|, and factor μ of w²/2."""

    lr: Expr
    decay: Expr
    ridge: Expr

    def subgradient(self, weight: Expr, gradient: Expr) -> Expr:
        """Return w - η(g + λ sign(w) + μ w)."""
        return weight - self.lr * (gradient + self.decay * sign(weight) + self.ridge * weight)

    def proximal(self, weight: Expr, gradient: Expr) -> Expr:
        """Return the soft threshold of a gradient step, at ηλ; the elastic net divides by 1 + ημ."""
        return soft(weight - self.lr * gradient, self.lr * self.decay) / (1 + self.lr * self.ridge)

    def minimum(self, target: Expr) -> Expr:
        """Return where (w - a)²/2 is least with the penalty."""
        return soft(target, self.decay) / (1 + self.ridge)


def sign(value: Expr) -> Expr:
    """Return -1, 0 or 1."""
    return call("sign", value)


def soft(value: Expr, threshold: Expr) -> Expr:
    """Return sign(v) max(|v| - t, 0).

    >>> from dlcalc.notation.expression import number
    >>> print(soft(number(-3), number(1)), soft(number(1), number(2)))
    -2 0
    """
    if threshold == ZERO:
        return value
    if isinstance(value, Num) and isinstance(threshold, Num):
        size = max(abs(value.value) - threshold.value, Fraction(0))
        return Num(size if value.value > 0 else -size)
    return sign(value) * call("max", call("abs", value) - threshold, ZERO)
