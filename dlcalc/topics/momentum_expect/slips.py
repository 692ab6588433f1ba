"""Common wrong answers, each with what went wrong and the rule of the step where it departs.

`unit` are the bare sums over the weights, `earlier` and `later` the moments one step before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Expr, Num
from dlcalc.notation.functions import call
from dlcalc.notation.printing import unicode
from dlcalc.solution import Slip
from dlcalc.topics.momentum_expect.formulas import Moments, moments, one_minus, over
from dlcalc.topics.momentum_expect.givens import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dlcalc.notation.printing import Value
    from dlcalc.topics.momentum_expect.givens import Givens


def slips_of(p: Givens, found: Moments) -> dict[str, tuple[Slip, ...]]:
    """List what is handed in instead of each answer; before the first step there is nothing to mistake."""
    if p.t == ZERO:
        return dict.fromkeys(NAMES, ())
    unit, earlier, later = moments(p.unit), *(moments(p._replace(t=p.t + shift)) for shift in (-1, 1))
    listed = {
        "E_v": _slips_of_mean_v(p, unit, earlier, later),
        "E_theta": _slips_of_mean_theta(p, unit, earlier, later),
        "Var_v": _slips_of_variance_v(p, unit, earlier, later),
        "Var_theta": _slips_of_variance_theta(p, unit, earlier, later),
    }
    return {name: tuple(_different(slips, found[name])) for name, slips in listed.items()}


def _different(slips: Iterable[Slip], right: Expr) -> Iterator[Slip]:
    """Leave out what is right after all for this α or t, and what an earlier slip explains."""
    seen: set[Value] = {right}
    for slip in slips:
        if slip.value not in seen:
            seen.add(slip.value)
            yield slip


def _slips_of_mean_v(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total = unit["E_v"]
    yield Slip(p.drift * total, "the sign is reversed: v carries −ε, so it moves against μ", "unroll")
    yield Slip(earlier["E_v"], "that is one step too few: the powers run from α⁰ to α^{t−1}, t of them", "unroll")
    yield Slip(later["E_v"], "that is one step too many: the powers run from α⁰ to α^{t−1}, t of them", "unroll")
    yield Slip(-(p.drift * p.alpha * total), "the newest gradient has weight 1: the sum starts at α⁰", "unroll")
    yield Slip(-(p.drift * p.t), "that is α = 1; older gradients count less, by a factor α per step", "unroll")
    yield Slip(-p.drift, "that is one step alone; the older gradients still count, α, α², …", "unroll")
    yield Slip(-(p.mu * total), "the learning rate ε is missing", "unroll")
    yield Slip(p.mu * total, "that is v for the rule v_t = αv_{t−1} + g_t; here v holds −ε already", "unroll")
    yield Slip(-(p.epsilon * total), "the mean μ is missing", "mean")
    if p.alpha != ONE:
        rest = one_minus(p.alpha)
        undivided = "the sum is divided by 1 − α (undivided it belongs to v_t = αv_{t−1} − (1 − α)εg_t)"
        yield Slip(-(p.drift * rest * total), undivided, "geometric")
        yield Slip(-(p.drift / rest), "that is the limit for t → ∞ (|α| < 1), not the value after t steps", "geometric")


def _slips_of_mean_theta(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total, velocity = unit["E_theta"], unit["E_v"]
    fewer = unicode(p.t - 1) if isinstance(p.t, Num) else f"({unicode(p.t)} − 1)"
    if p.alpha == ONE:
        yield Slip(earlier["E_theta"], "that is one step too few: v_1, …, v_t all move θ", "path")
    else:
        yield Slip(
            earlier["E_theta"],
            "the geometric sum Σ_{j=1}^t αʲ starts at α¹, so it is α(1 − αᵗ)/(1 − α), not (1 − αᵗ)/(1 − α); at α = 0 "
            f"this form gives θ_0 − {fewer}εμ instead of θ_0 − {p.factor}εμ: it is E(θ_{{t−1}}), one step too few",
            "inner-sum",
        )
        limit = "that takes every E(v_j) at its limit −εμ/(1 − α); they start smaller"
        yield Slip(p.theta0 - over(p.drift, one_minus(p.alpha)) * p.t, limit, "insert")
    yield Slip(p.theta0 + p.drift * total, "the sign is reversed: θ moves against μ", "insert")
    yield Slip(-(p.drift * total), "the start θ_0 is missing", "path")
    yield Slip(p.theta0 - p.drift * velocity, "only the last v is added: θ_t = θ_0 + v_1 + … + v_t", "path")
    yield Slip(p.theta0 - p.drift * p.t * velocity, "the v_j are not all as large as the last one", "insert")
    yield Slip(p.theta0 - p.drift * p.t, "that is plain gradient descent, α = 0", "insert")
    yield Slip(later["E_theta"], "that is one step too many: v_1, …, v_t move θ", "path")
    yield Slip(p.theta0 - p.mu * total, "the learning rate ε is missing", "insert")
    yield Slip(p.theta0 - p.epsilon * total, "the mean μ is missing", "insert")


def _slips_of_variance_v(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total, weights = unit["Var_v"], unit["E_v"]
    yield from _slips_of_scale(p, total, "independence")
    yield Slip(
        p.spread * weights**2,
        "the weights are squared one by one, not their sum: (1 + α + …)² would be one gradient used t times",
        "independence",
    )
    yield Slip(p.spread * weights, "the weights come out squared: 1, α², α⁴, …", "independence")
    if p.alpha not in {ONE, MINUS_ONE}:
        rest = one_minus(p.alpha)
        squares = one_minus(p.alpha**2)
        yield Slip(p.spread * weights * rest / squares, "the power is squared too: α²ᵗ, not αᵗ", "squares")
        yield Slip(
            p.spread * total * squares / rest**2,
            "the ratio is α², so the denominator is 1 − α², not (1 − α)²",
            "squares",
        )
        yield Slip(
            p.spread * total * squares / rest, "the ratio is α², so the denominator is 1 − α², not 1 − α", "squares"
        )
        yield Slip(p.spread / squares, "that is the limit for t → ∞ (|α| < 1), not the value after t steps", "squares")
    yield Slip(p.spread * p.t, "that is α = 1; older gradients count less", "independence")
    yield Slip(p.spread, "that is one step alone; the older gradients still count, α², α⁴, …", "independence")
    yield Slip(
        earlier["Var_v"], "that is one step too few: the powers run from α⁰ to α^{2(t−1)}, t of them", "independence"
    )
    yield Slip(
        later["Var_v"], "that is one step too many: the powers run from α⁰ to α^{2(t−1)}, t of them", "independence"
    )


def _slips_of_variance_theta(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total, weights = unit["Var_theta"], unit["E_theta"]
    yield from _slips_of_scale(p, total, "independence-theta")
    shared = "the v_j share gradients, so they are not independent; gather what every g_k is multiplied by first"
    yield Slip(p.spread * _sum_of_variances(p, unit), shared, "weights")
    yield Slip(p.spread * p.t * unit["Var_v"], shared, "weights")
    yield Slip(p.spread * unit["Var_v"], "that is Var(v_t); all of v_1, …, v_t move θ", "weights")
    yield Slip(p.spread * p.t, "that is plain gradient descent, α = 0", "weights")
    yield Slip(p.spread * weights**2, "the weights are squared one by one, not their sum", "independence-theta")
    yield Slip(p.spread * weights, "the weights come out squared", "independence-theta")
    yield Slip(p.theta0 + p.spread * total, "θ_0 is fixed: it has no variance", "independence-theta")
    fewer = "that is one step too few: t gradients enter, and the geometric sums start at α¹ and α², not at 1"
    yield Slip(earlier["Var_theta"], fewer, "weights")
    yield Slip(later["Var_theta"], "that is one step too many: t gradients enter", "weights")


def _sum_of_variances(p: Givens, unit: Moments) -> Expr:
    """Add up Var(v_1), …, Var(v_t), as if that were the variance of their sum."""
    if p.alpha in {ONE, MINUS_ONE}:
        return p.t * (p.t + 1) / 2
    return (p.t - p.alpha**2 * unit["Var_v"]) / one_minus(p.alpha**2)


def _slips_of_scale(p: Givens, total: Expr, rule: str) -> Iterator[Slip]:
    yield Slip(p.epsilon * p.sigma2 * total, "a constant comes out of a variance squared: ε², not ε", rule)
    yield Slip(-(p.spread * total), "a variance is never negative: −ε comes out squared", rule)
    yield Slip(p.sigma2 * total, "the learning rate is missing: ε²", rule)
    yield Slip(p.epsilon**2 * total, "the variance σ² is missing", rule)
    yield Slip(p.epsilon**2 * call("sqrt", p.sigma2) * total, "the variance of a gradient is σ², not σ", rule)
    yield Slip(call("sqrt", p.spread * total), "that is the standard deviation; the variance is its square", rule)
    yield Slip(p.epsilon**2 * p.mu * total, "the variance of a gradient is σ², not its mean", rule)
