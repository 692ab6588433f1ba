"""The variance of a weighted sum and of a ReLU, line by line; the same by enumeration and by simulation."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from dlcalc.notation.expression import ONE, ZERO, Call, Entry, Expr, Num, Sum, Sym
from dlcalc.notation.functions import call
from dlcalc.notation.printing import unicode
from dlcalc.solution import Domain, Experiment, Step

FEW = Domain(Fraction(1), Fraction(3), whole=True)
"""Terms of a sum where every outcome is visited."""
SIMULATED = 4_000_000
"""Random numbers that a simulation draws."""
MOST_RUNS, LEAST_RUNS = 20_000, 200
LARGEST = 10.0**60
STANDARD_ERRORS = 5.0
_VALUES, _CHANCES = (-2.0, 0.0, 2.0), (0.125, 0.75, 0.125)
"""A distribution of mean 0 and variance 1 that is neither normal nor two-valued."""


def mean(value: Expr) -> Expr:
    """Write a mean."""
    return Call("E", (value,))


def variance(value: Expr) -> Expr:
    """Write a variance."""
    return Call("Var", (value,))


def sum_steps(n: Expr, var_w: Expr, var_x: Expr, mean_x: Expr = ZERO, name: str = "x") -> list[Step]:
    """Derive Var(Σ w_i x_i) = n Var(w) E(x²) for independent w of mean 0 and x; the entries of x have any name."""
    i = Sym("i")
    w, x = Entry("w", ONE), Entry(name, ONE)
    whole, one = variance(Sum("i", ONE, n, Entry("w", i) * Entry(name, i))), variance(w * x)
    parts = Sum("i", ONE, n, variance(Entry("w", i) * Entry(name, i)))
    squares = mean(w**2 * x**2) - mean(w * x) ** 2
    apart = mean(w**2) * mean(x**2) - mean(w) ** 2 * mean(x) ** 2
    second = var_x + mean_x**2
    of_x = "mean 0: the second moment is the variance"
    if mean_x != ZERO:
        of_x = "the second moment: E(x²) = Var(x) + E(x)²"
    return [
        Step("adds", whole, whole, parts, "the terms are independent: variances add"),
        Step("variance", one, one, squares, "Var(p) = E(p²) − E(p)²"),
        Step("factors", one, squares, apart, "independent: means multiply"),
        Step("zero-mean", one, apart, mean(w**2) * mean(x**2), "E(w) = 0"),
        Step("moments", mean(w**2), mean(w**2), var_w, "E(w²) = Var(w), since E(w) = 0"),
        Step("moments", mean(x**2), mean(x**2), second, of_x),
        Step("sum", whole, whole, n * var_w * second, f"{unicode(n)} equal terms, such products of second moments"),
    ]


def half_steps(var_z: Expr, slope: Expr | None = None) -> list[Step]:
    """Derive E(relu(z)²) = Var(z)/2 for z symmetric about 0; with a slope, that of leaky ReLU."""
    z = Entry("z", ONE)
    up, down = call("relu", z), call("relu", -z)
    steps = [
        Step("halves", z**2, z**2, up**2 + down**2, "one of relu(z) and relu(−z) is |z|, the other is 0"),
        Step("symmetry", mean(down**2), mean(down**2), mean(up**2), "z and −z are distributed alike"),
        Step("half", mean(up**2), mean(up**2), mean(z**2) / 2, "so each is one half of E(z²)"),
        Step("half", mean(up**2), mean(z**2) / 2, var_z / 2, "E(z) = 0, so E(z²) = Var(z)"),
    ]
    if slope is None:
        return steps
    leaky = Call("leaky_relu", (z, slope))
    return [
        *steps,
        Step("leaky", leaky**2, leaky**2, up**2 + slope**2 * down**2, f"below 0 the slope {slope} comes out squared"),
        Step("leaky", mean(leaky**2), mean(leaky**2), (ONE + slope**2) * var_z / 2, "both halves put in"),
    ]


def slope_steps(units: str, slope: Expr) -> list[Step]:
    """Derive E(f'(z)²) for z symmetric about 0, f ReLU or leaky ReLU."""
    z = Entry("z", ONE)
    positive = Call("1 >", (z, ZERO))
    half = Step(
        "half-slope", mean(positive), mean(positive), ONE / 2, "relu'(z) = 1(z > 0): z is positive half the time"
    )
    if units == "relu":
        return [half]
    square = positive + slope**2 * (1 - positive)
    because = "f'(z)² is 1 above 0 and a² below it, each half the time"
    return [half, Step("leaky-slope", mean(square), mean(square), (ONE + slope**2) / 2, because)]


def enumerated(n: int, var_w: Any, var_x: Any, mean_x: Any) -> float:  # noqa: ANN401 (exact numbers or floats)
    """Compute Var(Σ w_i x_i) over every outcome of w and x with three values each; it knows no formula."""
    of_w, of_x, centre = float(var_w) ** 0.5, float(var_x) ** 0.5, float(mean_x)
    first = second = 0.0
    for chosen in product(range(3), repeat=2 * n):
        chance, total = 1.0, 0.0
        for a, b in zip(chosen[::2], chosen[1::2], strict=True):
            chance *= _CHANCES[a] * _CHANCES[b]
            total += of_w * _VALUES[a] * (centre + of_x * _VALUES[b])
        first += chance * total
        second += chance * total * total
    return second - first * first


def simulation(claim: str, *givens: Expr) -> list[Experiment]:
    """Simulate Var(s), given n, Var(w), Var(x), E(x) and what is expected, where floats and a short time allow it."""
    numbers = [given.value for given in givens if isinstance(given, Num)]
    if len(numbers) < len(givens) or numbers[0] * LEAST_RUNS > SIMULATED:
        return []
    if any(v and not 1 / LARGEST < abs(v) < LARGEST for v in numbers):
        return []
    width, found = int(numbers[0]), tuple(map(float, numbers[1:]))

    def run(seed: int) -> tuple[float, float]:
        return _farthest(width, found, seed), STANDARD_ERRORS

    method = "simulated sums of normal weights and uniform inputs, off by so many standard errors"
    return [Experiment(claim, method, run)]


def _farthest(n: int, given: tuple[float, ...], seed: int) -> float:
    """Draw sums; return how many standard errors their variance is off."""
    import numpy as np

    var_w, var_x, mean_x, expected = given
    generator = np.random.default_rng(seed)
    runs = max(LEAST_RUNS, min(MOST_RUNS, SIMULATED // n))
    w = generator.standard_normal((runs, n)) * var_w**0.5
    x = mean_x + generator.uniform(-1, 1, (runs, n)) * (3 * var_x) ** 0.5
    squares = (w * x).sum(axis=1) ** 2  # sums of mean 0
    error = float(squares.std(ddof=1)) / runs**0.5 + 1e-12 * expected
    return abs(float(squares.mean()) - expected) / error if error else 0.0
