"""Expectation and variance of momentum under independent random gradients."""

from __future__ import annotations

from typing import Annotated

from dlcalc.givens import scalar
from dlcalc.notation.expression import Expr
from dlcalc.solution import Answer, Solution, Work
from dlcalc.topic import topic
from dlcalc.topics.momentum_expect.bruteforce import routes
from dlcalc.topics.momentum_expect.formulas import moments
from dlcalc.topics.momentum_expect.givens import ALPHA, EPSILON, MU, NAMES, SIGMA2, THETA0, Givens, T
from dlcalc.topics.momentum_expect.refusals import refuse_lost_digits, refuse_what_has_no_reading
from dlcalc.topics.momentum_expect.sentences import assumptions, notes
from dlcalc.topics.momentum_expect.setting import lettered, setting_of
from dlcalc.topics.momentum_expect.slips import slips_of


@topic(
    area="optimisation",
    answers=NAMES,
    examples=("--t 3", "--t t", "--t 5 --alpha 0.9 --lr 0.1 --mu 2 --sigma2 4 --theta0 1", "--t n --alpha 1"),
)
def momentum_expect(
    *,
    t: Annotated[Expr, scalar("-t", help="Steps: a whole number or a symbol (default t).", whole=True, least=0)] = T,
    alpha: Annotated[Expr, scalar("-a", "--momentum", help="Momentum coefficient α (default: a symbol).")] = ALPHA,
    epsilon: Annotated[
        Expr, scalar("-e", "--lr", "--learning-rate", "--eps", "--eta", help="Learning rate ε (default: a symbol).")
    ] = EPSILON,
    mu: Annotated[Expr, scalar("--mean", help="Mean μ of every gradient (default: a symbol).")] = MU,
    sigma2: Annotated[
        Expr, scalar("--variance", help="Variance σ² of every gradient (default: a symbol).", least=0)
    ] = SIGMA2,
    theta0: Annotated[Expr, scalar(help="Parameter θ_0 at the start (default: a symbol).")] = THETA0,
) -> Solution:
    """Mean and variance of v_t and θ_t under momentum with random gradients.

    For v_t = αv_{t−1} − εg_t, θ_t = θ_{t−1} + v_t from v_0 = 0 and a fixed θ_0, with independent gradients of mean μ
    and variance σ²: E(v_t) = −εμ(1 − αᵗ)/(1 − α), E(θ_t) = θ_0 − εμ/(1 − α)·(t − α(1 − αᵗ)/(1 − α)),
    Var(v_t) = ε²σ²(1 − α²ᵗ)/(1 − α²) and Var(θ_t) = ε²σ² Σ_{j=1}^t ((1 − αʲ)/(1 − α))²; α = 1, 0 and −1 have formulas
    of their own. The means need no independence, the variances do.
    Source: the rule as in Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.3.2; the moments follow.

    Raises DlcalcError when t is negative or no whole number, the variance is negative, or a number for α is so close
    to ±1 that decimals of the closed forms would be wrong.

    >>> print(momentum_expect(t=3)["E_theta"].value)
    theta0 - epsilon*mu*(3 + 2*alpha + alpha^2)
    """
    asked = Givens(t, alpha, epsilon, mu, sigma2, theta0)
    refuse_what_has_no_reading(asked)
    refuse_lost_digits(asked)
    p, domains = lettered(asked)
    found, setting = moments(asked), setting_of(p, asked, domains)
    slips = slips_of(asked, found)

    def work() -> Work:
        from dlcalc.topics.momentum_expect.derivation import derivation

        return Work(tuple(derivation(p, asked, found)), tuple(routes(p, asked, found, setting)))

    return Solution(
        answers=tuple(Answer(name, found[name], label=asked.targets[name], slips=slips[name]) for name in NAMES),
        work=work,
        setting=setting,
        principal=NAMES,
        conventions=(f"{p.rule}, θ_t = θ_{{t−1}} + v_t; v_0 = 0 and {p.write(p.theta0)} is fixed, not random",),
        assumptions=tuple(assumptions(p, asked)),
        notes=tuple(notes(asked)),
    )
