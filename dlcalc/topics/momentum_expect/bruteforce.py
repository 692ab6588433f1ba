"""The moments without the formulas: the rule run on gradients, recurrences run step by step, simulated runs."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import MAX_POWER_BITS, Num, number, power_bits
from dlcalc.solution import REAL, Experiment, Route
from dlcalc.topics.momentum_expect.formulas import Moments, moments
from dlcalc.topics.momentum_expect.givens import Givens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.notation.expression import Expr
    from dlcalc.solution import Setting

RUN_EXACTLY = 50
"""Up to this t the moments are run in exact fractions; above it, by powers of the matrix of one step."""
SIMULATED = 100
RUNS = 20_000
STANDARD_ERRORS = 5.0
LARGEST = Fraction(10**60)
"""Numbers that a simulation in floats may meet: their squares, and products of them, do not overflow."""
WIDE_DIGITS = 60
ROUNDING = 1e-12


def definitions(p: Givens) -> dict[str, Callable[..., Fraction]]:
    """Say what v[t] and theta[t] are at a point: the rule run on its gradients."""

    def run(point: Mapping[str, Any], steps: int) -> tuple[Fraction, Fraction]:
        if not 0 <= steps <= len(point["g"]):
            raise IndexError(steps)
        a, e = PLAIN.value(p.alpha, point), PLAIN.value(p.epsilon, point)
        v, theta = Fraction(0), PLAIN.value(p.theta0, point)
        for gradient in point["g"][:steps]:
            v = a * v - e * gradient
            theta += v
        return v, theta

    return {"v": lambda point, t: run(point, t)[0], "theta": lambda point, t: run(point, t)[1]}


def routes(p: Givens, asked: Givens, found: Moments, setting: Setting) -> Iterator[Route | Experiment]:
    """Find the moments again: by their recurrences, and by simulation where floats hold it."""
    claim, answers, steps = "the four moments", tuple(found.values()), asked.steps
    if steps is None or _runs_exactly(steps, asked.alpha):
        method = "the recurrences of the means, variances and covariance, run step by step"
        yield Route(claim, method, answers, lambda point: _run(_numbers(asked, point)))
    else:
        method = f"the matrix of one step, to the power {steps}"
        yield Experiment(claim, method, lambda seed: _by_matrix(asked, answers, setting, seed))
    if _is_simulated(asked):
        yield Experiment(
            claim,
            f"{RUNS:,} simulated runs with normal gradients, the farthest in standard errors",
            lambda seed: (farthest(_at_random(p, asked, setting, seed), seed), STANDARD_ERRORS),
        )


def _runs_exactly(t: int, alpha: Expr) -> bool:
    """Say whether the recurrences are run in exact fractions: few steps, of numbers that stay short."""
    bits = power_bits(alpha.value, Fraction(2 * t)) if isinstance(alpha, Num) else 0
    return t <= RUN_EXACTLY and bits <= MAX_POWER_BITS


def _numbers(p: Givens, point: Mapping[str, Any]) -> list[Any]:
    return [PLAIN.value(given, point) for given in p]


def _run(numbers: list[Any]) -> list[Any]:
    """Run the moments of (v, θ) step by step: what one step does to means, variances and their covariance."""
    t, a, e, mu, sigma2, theta0 = numbers
    mean_v, mean_theta, var_v, var_theta, covariance = 0, theta0, 0, 0, 0
    for _ in range(int(t)):
        mean_v = a * mean_v - e * mu
        mean_theta += mean_v
        with_new_v = a * covariance  # of θ before the step with v after it
        var_v = a**2 * var_v + e**2 * sigma2
        var_theta += 2 * with_new_v + var_v
        covariance = with_new_v + var_v
    return [mean_v, mean_theta, var_v, var_theta]


def _by_matrix(asked: Givens, answers: tuple[Expr, ...], setting: Setting, seed: int) -> tuple[float, float]:
    """Raise the matrix that takes all moments one step on to the power t, in wide arithmetic; return the error."""
    import mpmath

    from dlcalc.numeric import TOLERANCE, WIDE, sample

    point = sample(setting, seed, 1).points[0]
    steps, *others = _numbers(asked, point)
    with mpmath.workdps(WIDE_DIGITS):
        a, e, mu, sigma2, theta0 = (WIDE.number(Fraction(value)) for value in others)
        push, noise = -e * mu, e**2 * sigma2
        one_step = mpmath.matrix(
            [  # mean of v, mean of θ, Var v, Cov(θ, v), Var θ, 1
                [a, 0, 0, 0, 0, push],
                [a, 1, 0, 0, 0, push],
                [0, 0, a**2, 0, 0, noise],
                [0, 0, a**2, a, 0, noise],
                [0, 0, a**2, 2 * a, 1, noise],
                [0, 0, 0, 0, 0, 1],
            ]
        )
        after = one_step ** int(steps) * mpmath.matrix([0, theta0, 0, 0, 0, 1])
        ran = (after[0], after[1], after[2], after[4])
        claimed = [WIDE.value(answer, point) for answer in answers]
        return float(max(abs(a - b) / max(1, abs(b)) for a, b in zip(claimed, ran, strict=True))), TOLERANCE


def _is_simulated(asked: Givens) -> bool:
    """Say whether floats hold the runs of a simulation, and few enough steps make them."""
    numbers = [abs(n.value) for n in asked if isinstance(n, Num)]
    if any(n > LARGEST or 0 < n < 1 / LARGEST for n in numbers):
        return False
    if asked.steps is None:
        return True
    a = abs(asked.alpha.value) if isinstance(asked.alpha, Num) else REAL.high
    return asked.steps <= SIMULATED and max(a, Fraction(1)) ** asked.steps <= LARGEST


def _at_random(p: Givens, asked: Givens, setting: Setting, seed: int) -> Givens:
    """Put numbers for the givens: those asked, and random ones for what is no number."""
    from dlcalc.numeric import sample

    drawn = _numbers(p, sample(setting, seed, 1).points[0])
    return Givens(*(given if isinstance(given, Num) else number(n) for given, n in zip(asked, drawn, strict=True)))


def farthest(p: Givens, seed: int) -> float:
    """Simulate many runs; return how many standard errors their moments lie from the answers, at worst."""
    import numpy as np

    t, a, e, mu, variance, theta0 = map(float, _numbers(p, {}))
    generator = np.random.default_rng(seed)
    v, theta = np.zeros(RUNS), np.full(RUNS, theta0)
    largest = abs(theta0)
    for _ in range(int(t)):
        v = a * v - e * (mu + variance**0.5 * generator.standard_normal(RUNS))
        theta = theta + v
        largest = max(largest, float(np.abs(v).max()), float(np.abs(theta).max()))
    expected = {name: approximate(value) or 0.0 for name, value in moments(p).items()}
    rounding = ROUNDING * (1 + largest)
    far = []
    for runs, mean, spread in ((v, "E_v", "Var_v"), (theta, "E_theta", "Var_theta")):
        error = (expected[spread] / RUNS) ** 0.5 + rounding
        far.append(abs(float(runs.mean()) - expected[mean]) / error)
        error = expected[spread] * (2 / (RUNS - 1)) ** 0.5 + rounding**2
        far.append(abs(float(runs.var(ddof=1)) - expected[spread]) / error)
    return float(np.max(far))
