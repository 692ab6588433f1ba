"""Expected training and test error of least squares: how the gap falls with more data."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import scalar
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, Expr, Num, Relation, Sym, substitute
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.plot import Curve, Plot
from dlcalc.solution import POSITIVE, Domain, Experiment, Slip, Solution, Step, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.formulary import Point

FEW, MANY = Domain(Fraction(1), Fraction(3), whole=True), Domain(Fraction(3), Fraction(9), whole=True)
RUNS = 4_000
MAX_SIMULATED = 3_000
"""Entries of one design matrix up to which fits are simulated."""
MAX_PROJECTED = 400
"""Entries of a design matrix up to which its projection is computed in exact fractions at the very givens."""
NODES, REACH = 400, 15
"""Nodes of the integrals, and how far from their peak they reach."""
CURVE = 40
"""Points of a curve, or more."""
ALLOWED = 5.0
"""Standard errors that the simulation may be off."""
DRAWN = 10**3
"""The entries of the exact design matrices are whole numbers up to this size."""


@topic(
    area="evaluation",
    answers=("train", "test", "gap", "excess"),
    examples=("--d 5 --n 20", "--d d --n n --noise s2", "--d 3 --n 10 --noise 4"),
)
def least_squares_risk(
    *,
    d: Annotated[
        Expr, scalar("--parameters", "--features", help="Number of parameters (default: d).", whole=True, least=1)
    ] = Sym("d"),  # noqa: B008 (a frozen symbol)
    n: Annotated[
        Expr, scalar("--examples", "--samples", help="Number of training examples (default: n).", whole=True, least=1)
    ] = Sym("n"),  # noqa: B008 (a frozen symbol)
    noise: Annotated[
        Expr, scalar("--s2", "--sigma2", "--noise-variance", help="Variance of the noise (default 1).", least=0)
    ] = ONE,
) -> Solution:
    """Training and test error of least squares: why more data means less overfitting.

    Linear model with d parameters, n > d + 1 examples with Gaussian inputs, noise of variance s²: the expected training
    MSE is s²(1 - d/n), the expected test MSE s²(1 + d/(n-d-1)). The gap between the two falls with n, grows with d.
    Source: Hastie, Montanari, Rosset and Tibshirani, Surprises in high-dimensional ridgeless least squares
    interpolation (2022), section 2; Hastie, Tibshirani and Friedman, The Elements of Statistical Learning (2009),
    sections 2.5 and 7.4.

    Raises DlcalcError when n is not above d + 1, where the expected test error has no finite value.

    >>> least_squares_risk(d=5, n=20)["train"].text, least_squares_risk(d=5, n=20)["test"].text
    ('0.75', '19/14')
    """
    if isinstance(d, Num) and isinstance(n, Num) and n.value <= d.value + 1:
        raise DlcalcError(
            f"n = {plain(n)} examples for d = {plain(d)} parameters: the test error is finite only for n > d + 1",
            f"use n = {plain(d + 2)} or more",
        )
    letters = Letters(taken=symbols(d, n, noise))
    ld, ln = letters.letter("d", d, FEW), letters.letter("n", n, MANY)
    s2 = ONE if noise == ONE else letters.letter("s2", noise, POSITIVE)
    left, inverse = Sym("residual_dimensions"), Sym("inverse_chi2")

    def sizes(point: Point) -> tuple[int, int]:
        return int(point[ld.name]), int(point[ln.name])

    def variance(point: Point) -> Any:  # noqa: ANN401 (an exact number)
        return PLAIN.value(s2, point)

    def train(point: Point) -> Any:  # noqa: ANN401 (an exact number)
        return variance(point) * _residual_trace(*sizes(point)) / sizes(point)[1]

    def test(point: Point) -> Any:  # noqa: ANN401 (a float)
        features, examples = sizes(point)
        return variance(point) * (1 + features * _inverse_chi_square(examples - features + 1))

    quantities = (
        Quantity("residual_dimensions", ln - ld,
                 "the residual is (I - H) ε with the projection H = X(XᵀX)⁻¹Xᵀ onto d columns: tr(I - H) = n - d",
                 lambda point: _residual_trace(*sizes(point)), shown=False),
        Quantity("train", s2 * (1 - ld / ln), "the noise over all n dimensions", train, _train_slips(d, n, noise),
                 through=((s2 * left / ln, "E‖(I - H) ε‖²/n = s² tr(I - H)/n"),)),
        Quantity("inverse_chi2", 1 / (ln - ld - 1),
                 "E((XᵀX)⁻¹_jj) = E(1/χ²) with n - d + 1 degrees of freedom, which is 1/(n - d - 1)",
                 lambda point: _inverse_chi_square(sizes(point)[1] - sizes(point)[0] + 1), shown=False),
        Quantity("test", s2 * (1 + ld / (ln - ld - 1)), "put in", test, _test_slips(d, n, noise),
                 through=((s2 * (1 + ld * inverse),
                           "new noise, and xᵀ(XᵀX)⁻¹x·s² from the fit: its mean is s² tr E((XᵀX)⁻¹)"),)),
        Quantity("gap", s2 * (ld / (ln - ld - 1) + ld / ln), "test minus training error",
                 lambda point: test(point) - train(point)),
        Quantity("excess", s2 * ld / (ln - ld - 1), "above s², which no model can avoid",
                 lambda point: test(point) - variance(point)),
    )  # fmt: skip
    numeric = not symbols(d, n, noise)
    more, larger = {ln.name: ln + 1}, {ld.name: ld + 1, ln.name: ln + 1}
    gap = ld / (ln - ld - 1) + ld / ln
    rate = Sym("gap") if s2 == ONE else Sym("gap") / s2
    ends = (
        Step("more-data", Sym("gap"), rate, _before(gap, ln), "more data: less than with one example fewer", "<",
             where=more),
        Step("more-parameters", Sym("gap"), rate, _before(gap, ld), "more parameters: more than with one fewer", ">",
             where=larger),
    )  # fmt: skip
    return Formulary(
        letters,
        quantities,
        "the trace of exact projections, and 1/χ² integrated numerically",
        last_steps=ends,
        routes=(_simulated(d, n, noise),) if numeric and _entries(d, n) <= MAX_SIMULATED else (),
        constraints=tuple(r for r in (Relation(ln, ">", ld + 1), Relation(n, ">", d + 1)) if symbols(r.left, r.right)),
        principal=("train", "test"),
        display={s2.name: "s²"} if isinstance(s2, Sym) and s2.name == "s2" else {},
        aliases={"s": call("sqrt", s2)} if isinstance(s2, Sym) and s2.name == "s2" else {},
        assumptions=(
            "the model is right: y = xᵀw + noise, noise of mean 0 and the same variance, independent of the inputs",
            "inputs are standard Gaussian, and tested on new ones (any covariance gives the same)",
            *(() if isinstance(n, Num) and isinstance(d, Num) else (f"{unicode(n)} > {unicode(d)} + 1",)),
        ),
        conventions=(
            "mean squared errors, in expectation over training sets; d counts every parameter, no intercept beside",
        ),
        notes=("test > s² > train: fitting follows the noise; more examples bring both to s²",),
        found_again=_entries(d, n) <= MAX_PROJECTED,
        plots=(Plot("training and test error", "examples n", "mean squared error", lambda: _curves(d, noise)),)
        if isinstance(d, Num) and isinstance(noise, Num)
        else (),
    ).solution()


def _before(gap: Expr, letter: Expr) -> Expr:
    """Return the gap, over the noise, with one of a letter less."""
    (name,) = symbols(letter)
    return substitute(gap, {name: letter - 1})


@cache
def _residual_trace(features: int, examples: int) -> Fraction:
    """Compute the trace of I - X(XᵀX)⁻¹Xᵀ exactly, for a design matrix of random whole numbers."""
    generator = random.Random(f"{features} {examples}")  # noqa: S311 (nothing secret)
    columns = [[Fraction(generator.randint(-DRAWN, DRAWN)) for _ in range(examples)] for _ in range(features)]
    orthogonal: list[list[Fraction]] = []
    for column in columns:
        rest = column
        for other in orthogonal:
            share = _dot(rest, other) / _dot(other, other)
            rest = [a - share * b for a, b in zip(rest, other, strict=True)]
        orthogonal.append(rest)
    explained = (v[i] ** 2 / _dot(v, v) for v in orthogonal for i in range(examples))
    return examples - sum(explained, Fraction(0))


def _dot(a: list[Fraction], b: list[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


@cache
def _inverse_chi_square(freedom: int) -> float:
    """Integrate 1/r² over the length r of a Gaussian vector of so many entries."""
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    low, high = max(0.0, freedom**0.5 - REACH), freedom**0.5 + REACH
    r = low + (high - low) * (nodes + 1) / 2
    logs = (freedom - 1) * np.log(r) - r**2 / 2
    density = weights * np.exp(logs - logs.max())
    return float((density / r**2).sum() / density.sum())


def _entries(d: Expr, n: Expr) -> int:
    """Count the entries of a design matrix; a symbol is sampled small."""
    sizes = [int(size.value) if isinstance(size, Num) else int(few.high) for size, few in ((d, FEW), (n, MANY))]
    return sizes[0] * sizes[1]


def _simulated(d: Expr, n: Expr, noise: Expr) -> Experiment:
    """Fit many random training sets, and measure both errors."""

    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        features, examples, variance = int(PLAIN.value(d, {})), int(PLAIN.value(n, {})), approximate(noise) or 0.0
        generator = np.random.default_rng(seed)
        found = np.empty((RUNS, 2))
        for i in range(RUNS):
            inputs = generator.standard_normal((examples, features))
            errors = generator.standard_normal(examples) * variance**0.5
            off = np.linalg.lstsq(inputs, errors, rcond=None)[0]
            found[i] = np.mean((errors - inputs @ off) ** 2), variance + off @ off
        expected = variance * np.array([1 - features / examples, 1 + features / (examples - features - 1)])
        spread = found.std(axis=0) / RUNS**0.5 + 1e-12
        return float((np.abs(found.mean(axis=0) - expected) / spread).max()), ALLOWED

    return Experiment(
        "train, test", f"{RUNS:,} simulated training sets, each fitted: the farthest in standard errors", run
    )


def _train_slips(d: Expr, n: Expr, s2: Expr) -> tuple[Slip, ...]:
    return (
        Slip(s2 * (1 + d / n), "the fit follows the noise, so the training error is below s²", "train"),
        Slip(s2, "that is the noise; the fit takes d dimensions of it away", "residual_dimensions"),
        Slip(s2 * (1 - d / (n - 1)), "no intercept is fitted beside the d parameters: over n", "train"),
        Slip(s2 * d / n, "that is what the fit takes away", "train"),
    )


def _test_slips(d: Expr, n: Expr, s2: Expr) -> tuple[Slip, ...]:
    return (
        Slip(
            s2 * (1 + d / n),
            "that is for new targets at the same inputs; new inputs give d/(n - d - 1)",
            "inverse_chi2",
        ),
        Slip(s2 * (1 + d / (n - d)), "E(1/χ²) is 1/(degrees of freedom - 2): n - d - 1, not n - d", "inverse_chi2"),
        Slip(s2 * (1 - d / n), "that is the training error", "train"),
        Slip(s2 * d / (n - d - 1), "the noise of the new example is missing", "test"),
    )


def _curves(d: Expr, noise: Expr) -> Iterator[Curve]:
    """Draw both errors over the number of examples."""
    features, variance = int(PLAIN.value(d, {})), approximate(noise) or 0.0
    counts = range(features + 3, features + 3 + max(CURVE, 4 * features))
    yield Curve("training", tuple((float(n), variance * (1 - features / n)) for n in counts))
    yield Curve("test", tuple((float(n), variance * (1 + features / (n - features - 1))) for n in counts))
