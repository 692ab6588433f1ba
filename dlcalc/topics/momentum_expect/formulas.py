"""The four moments: polynomials in α for small t, closed forms else, and what α = 1, 0 and −1 make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import (
    MAX_POWER_BITS,
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Expr,
    Num,
    Pow,
    add,
    number,
    power,
    power_bits,
)
from dlcalc.notation.functions import exp, ln

if TYPE_CHECKING:
    from typing import TypeGuard

    from dlcalc.topics.momentum_expect.givens import Givens

Moments = dict[str, Expr]

POLYNOMIAL = 6
"""Up to this t the answers are polynomials in α; above it, closed forms."""
SHORT = 10**12
"""Powers of numbers are computed while numerator and denominator stay below this; longer ones stay powers."""


def moments(p: Givens) -> Moments:
    """Find the four moments; every α has formulas that hold for it."""
    return polynomials(p, int(p.t.value)) if is_polynomial(p.t) else {**closed(p), **special(p)}


def is_polynomial(t: Expr) -> TypeGuard[Num]:
    """Say whether so few steps are asked that the answers are polynomials in α."""
    return isinstance(t, Num) and t.value <= POLYNOMIAL


def polynomials(p: Givens, t: int) -> Moments:
    """Write the moments as polynomials in α."""

    def polynomial(coefficients: list[int], step: int = 1) -> Expr:
        return add(*(c * p.alpha ** (step * i) for i, c in enumerate(coefficients)))

    squares = [  # (1 + α + … + α^(n−1))² has the coefficients 1, 2, …, n, …, 2, 1
        sum(min(i + 1, 2 * n - 1 - i) for n in range(i // 2 + 1, t + 1)) for i in range(2 * t - 1)
    ]
    return {
        "E_v": -(p.drift * polynomial([1] * t)),
        "E_theta": p.theta0 - p.drift * polynomial([t - i for i in range(t)]),
        "Var_v": p.spread * polynomial([1] * t, step=2),
        "Var_theta": p.spread * polynomial(squares),
    }


def closed(p: Givens) -> Moments:
    """Write the closed forms that hold for this α: the means need α ≠ 1, the variances α ≠ ±1."""
    if p.alpha == ONE:
        return {}
    rest = one_minus(p.alpha)
    inner = from_first_power(p.alpha, p.t)
    means = {
        "E_v": -over(p.drift * (ONE - _raised(p.alpha, p.t)), rest),
        "E_theta": p.theta0 - over(p.drift, rest) * (p.t - inner),
    }
    if p.alpha == MINUS_ONE:
        return means
    return {
        **means,
        "Var_v": over(p.spread * (ONE - _raised(p.alpha, p.t, step=2)), one_minus(p.alpha**2)),
        "Var_theta": over(p.spread, rest**2)
        * (p.t - from_first_power(p.alpha, p.t, times=2) + from_first_power(p.alpha, p.t, step=2)),
    }


def special(p: Givens) -> Moments:
    """Write what α = 1, 0 and −1 make of the sums; nothing for any other α."""
    t = p.t
    if p.alpha == ONE:
        return {
            "E_v": -(p.drift * t),
            "E_theta": p.theta0 - p.drift * t * (t + 1) / 2,
            "Var_v": p.spread * t,
            "Var_theta": p.spread * t * (t + 1) * (2 * t + 1) / 6,
        }
    if p.alpha == ZERO:
        return {"E_v": -p.drift, "E_theta": p.theta0 - p.drift * t, "Var_v": p.spread, "Var_theta": p.spread * t}
    if p.alpha == MINUS_ONE:
        return {"Var_v": p.spread * t, "Var_theta": p.spread * (2 * t + 1 - MINUS_ONE**t) / 4}
    return {}


def from_first_power(alpha: Expr, t: Expr, step: int = 1, times: int = 1) -> Expr:
    """Write Σ_{j=1}^t α^(step·j), so many times: a geometric sum that starts at its first power."""
    ratio = alpha**step
    return over(times * ratio * (ONE - _raised(alpha, t, step)), one_minus(ratio))


def over(numerator: Expr, denominator: Expr) -> Expr:
    """Divide; by a number as a coefficient in front."""
    return number(1 / denominator.value) * numerator if isinstance(denominator, Num) else numerator / denominator


def one_minus(value: Expr) -> Expr:
    """Subtract from 1; from sums like 1 − b, the parentheses are gone: b."""
    if not isinstance(value, Add):
        return ONE - value
    from dlcalc.symbolic import expanded

    return expanded(ONE - value)


def _raised(base: Expr, t: Expr, step: int = 1) -> Expr:
    """Write base^(step·t); of numbers, as a number while that is short, and where it is endless by its logarithm."""
    if not isinstance(base, Num) or not isinstance(t, Num):
        return base ** (step * t)
    exponent = number(step * t.value)
    value = power(base, exponent)
    if isinstance(value, Num) and max(abs(value.value.numerator), value.value.denominator) <= SHORT:
        return value
    if power_bits(base.value, 2 * t.value) <= MAX_POWER_BITS:
        return Pow(base, exponent)
    size = exp(exponent * ln(number(abs(base.value))))  # the notation reads no power as long as that
    return -size if base.value < 0 and exponent.value % 2 else size
