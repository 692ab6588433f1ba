"""The average of regressors whose errors are correlated alike."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Mul, Num, Relation, Sym, fold
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import COUNT, POSITIVE, REAL, Answer, Domain, Experiment, Slip, Solution, Step, symbols, verdict

if TYPE_CHECKING:
    from dlcalc.formulary import Point

UNLIKE = Domain(Fraction(-1), Fraction(1))
RUNS = 20_000
MAX_SUMMED, FEW_SUMMED = 300, 40
"""Regressors up to which all pairs are added up at the very givens: at one point, at many."""
MAX_DRAWN = 100
"""Regressors up to which their errors are drawn."""
ALLOWED = 5.0
"""Standard errors that a simulation may be off."""


def averaged(models: Expr | None, variance: Expr | None, covariance: Expr | None, correlation: Expr | None) -> Solution:
    """Answer with the expected squared error of the average."""
    if covariance is not None and correlation is not None:
        raise DlcalcError("--covariance and --correlation are given, but c = ρ·v", "give one of them")
    k = Sym("k") if models is None else models
    v = Sym("v") if variance is None else variance
    by_correlation = correlation is not None
    between = correlation if correlation is not None else ZERO if covariance is None else covariance
    _possible(k, v, between, by_correlation=by_correlation)

    letters = Letters(taken=symbols(k, v, between))
    count, spread = letters.letter("k", k, COUNT), letters.letter("v", v, POSITIVE)
    given = letters.letter("rho" if by_correlation else "c", between, UNLIKE if by_correlation else REAL)
    shared = given * spread if by_correlation else given

    def of_pairs(point: Point) -> Any:  # noqa: ANN401 (an exact number or a float)
        """Add up the covariances of all pairs of errors, each with itself too."""
        size = int(point[count.name])
        own, other = PLAIN.value(spread, point), PLAIN.value(shared, point)
        pairs = product(range(size), repeat=2)
        return sum((own if i == j else other) for i, j in pairs) / Fraction(size**2)

    def extrapolated(point: Point) -> Any:  # noqa: ANN401 (as above)
        """Find what is left for k → ∞ from k and 2k, as a quantity c + a/k has 2f(2k) - f(k) = c."""
        return 2 * of_pairs({**point, count.name: 2 * point[count.name]}) - of_pairs(point)

    mse = spread / count + (count - 1) * shared / count
    target, squared = Sym("mse"), count**2
    pairs = Div(Add((count * spread, Mul((count, count - 1, shared)))), squared)
    left = (spread - shared) / count
    independent = {given.name: ZERO}
    split = shared + (ONE - given) * spread / count
    shares = Step("split", target, target, split, "what all errors share, and the rest over k")
    last = [
        *((shares,) if by_correlation else ()),
        Step("limit", Sym("limit"), target - Sym("limit"), left, "what is above c falls like 1/k: c is the limit"),
        Step("independent", Sym("independent"), target, spread / count, "c = 0: independent errors", where=independent),
        Step("same", target, target, spread, "c = v: k times the same error, no gain",
             where={given.name: ONE if by_correlation else spread}),
        Step("gain", Sym("gain"), Sym("gain"), ZERO, "c ≤ v: the average is never worse than one regressor", ">="),
    ]  # fmt: skip
    wrong = _slips(k, v, between * v if by_correlation else between)
    quantities = (
        Quantity("mse", mse, "one k cancels", of_pairs, wrong["mse"], through=(
            (pairs, "E(mean²) = Σ_i Σ_j Cov(ε_i, ε_j)/k²: k variances, k(k-1) covariances"),)),
        Quantity("independent", spread / count, "with c = 0",
                 lambda point: of_pairs({**point, given.name: Fraction(0)})),
        Quantity("limit", shared, "k → ∞", extrapolated, wrong["limit"]),
        Quantity("gain", (count - 1) * (spread - shared) / count, "v - mse, against one regressor",
                 lambda point: PLAIN.value(spread, point) - of_pairs(point)),
    )  # fmt: skip
    free = symbols(k, v, between)
    verdicts = () if free else (_improves(k, v, between, by_correlation=by_correlation),)
    return Formulary(
        letters,
        quantities,
        "the covariances of all pairs of errors added up one by one",
        others=verdicts,
        last_steps=last,
        routes=(_simulated(*_floats(k, v, between, by_correlation=by_correlation), value_of(mse, letters.values)),)
        if not free and _drawn(k)
        else (),
        constraints=_constraints((count, spread, given), (k, v, between), by_correlation=by_correlation),
        aliases=_aliases(spread, given, by_correlation=by_correlation),
        assumptions=(
            "every error has mean 0 and the same variance, any two the same covariance",
            *(
                ()
                if covariance is not None or by_correlation
                else ("the errors are uncorrelated (c = 0): say --covariance or --correlation otherwise",)
            ),
        ),
        conventions=("mse: the expected squared error of the average of k predictions; one regressor alone has v",),
        notes=_notes(k, v, between, by_correlation=by_correlation),
        found_again=not isinstance(k, Num) or k.value <= (FEW_SUMMED if free else MAX_SUMMED),
    ).solution()


def _possible(k: Expr, v: Expr, between: Expr, *, by_correlation: bool) -> None:
    """Refuse covariances that no errors can have: the variance of a difference or a sum would be negative."""
    name, own = ("correlation", ONE) if by_correlation else ("covariance", v)
    if symbols(between, own):
        return
    given, most = PLAIN.value(between, {}), PLAIN.value(own, {})
    if abs(given) > most:
        sign = "difference" if given > 0 else "sum"
        raise DlcalcError(
            f"{name} {plain(between)} is impossible: the variance of a {sign} of two errors would be negative",
            f"use a {name} between {plain(-own)} and {plain(own)}",
        )
    if isinstance(k, Num) and k.value > 1 and most + (k.value - 1) * given < 0:
        least = fold(-own / (k - 1))
        raise DlcalcError(
            f"{name} {plain(between)} of {plain(k)} errors is impossible: the variance of their sum would be negative",
            f"use a {name} of {plain(least)} or more",
        )


def _constraints(*cases: tuple[Expr, Expr, Expr], by_correlation: bool) -> tuple[Relation, ...]:
    """Keep to covariances that errors can have, letters and givens alike."""
    out: list[Relation] = []
    for models, own, other in cases:
        most = ONE if by_correlation else own
        out += [Relation(other, "<=", most), Relation(most + (models - 1) * other, ">=", ZERO)]
    return tuple(relation for relation in dict.fromkeys(out) if symbols(relation.left, relation.right))


def _slips(k: Expr, v: Expr, c: Expr) -> dict[str, tuple[Slip, ...]]:
    return {
        "mse": (
            *(
                (Slip(v / k, "that is for independent errors: the covariances are missing", "pairs"),)
                if c != ZERO
                else ()
            ),
            Slip(v / k + c, "there are k - 1 covariances for each variance, not k", "pairs"),
            Slip(v, "that is one regressor alone", "gain"),
            Slip(v / k**2, "the squares are k terms over k²: v/k", "collected"),
            Slip(c, "that is the limit for k → ∞", "limit"),
        ),
        "limit": (Slip(ZERO, "only independent errors average out; what they share stays", "limit"),),
    }


def _improves(k: Expr, v: Expr, between: Expr, *, by_correlation: bool) -> Answer:
    better = k != ONE and PLAIN.value(between, {}) < PLAIN.value(ONE if by_correlation else v, {})
    if better:
        return verdict("improves", holds=True, otherwise="mse is less than v wherever c < v and k > 1")
    return verdict("improves", holds=False, otherwise="the errors are the same (c = v), or there is one regressor")


def _notes(k: Expr, v: Expr, between: Expr, *, by_correlation: bool) -> tuple[str, ...]:
    same = between == (ONE if by_correlation else v)
    if same:
        return ("no gain: with c = v (correlation 1) all regressors make the same error",)
    limit = unicode(fold(between * v) if by_correlation else between)
    return () if isinstance(k, Num) and k == ONE else (f"more regressors bring the error towards {limit}, not below",)


def _aliases(spread: Expr, given: Expr, *, by_correlation: bool) -> dict[str, Expr]:
    """Return other spellings of the letters."""
    return {"v": spread, "sigma2": spread, **({"c": given * spread} if by_correlation else {"rho": given / spread})}


def _drawn(k: Expr) -> bool:
    return isinstance(k, Num) and k.value <= MAX_DRAWN


def _floats(k: Expr, v: Expr, between: Expr, *, by_correlation: bool) -> tuple[int, float, float]:
    """Return the number of regressors, the variance and the covariance as floats."""
    own = approximate(v) or 0.0
    return int(PLAIN.value(k, {})), own, (approximate(between) or 0.0) * (own if by_correlation else 1.0)


def _simulated(k: int, v: float, c: float, mse: Expr) -> Experiment:
    """Draw correlated normal errors and average them."""

    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        lengths, axes = np.linalg.eigh(np.full((k, k), c) + (v - c) * np.eye(k))
        root = axes * np.sqrt(np.clip(lengths, 0, None))
        errors = np.random.default_rng(seed).standard_normal((RUNS, k)) @ root.T
        squares = errors.mean(axis=1) ** 2
        off = abs(float(squares.mean()) - (approximate(mse) or 0.0))
        return off / max(float(squares.std()) / RUNS**0.5, 1e-12 * max(1.0, v)), ALLOWED

    return Experiment("mse", f"{RUNS:,} simulated draws of {k} normal errors, off in standard errors", run)
