"""Data leakage: what happens when correlated crops are subsampled before the data are split."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import scalar
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, Expr, Num, Relation, Sym, expr, fold
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Domain, Experiment, Slip, Solution, Step, symbols, word
from dlcalc.topic import topic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dlcalc.formulary import Point

TRIALS, CROPS, CLASSES = expr(20), expr(5), expr(2)
FEW = Domain(Fraction(2), Fraction(3), whole=True)
SEVERAL = Domain(Fraction(2), Fraction(9), whole=True)
DEALT = Domain(Fraction(1), Fraction(8), whole=True)
MAX_CROPS = 2_000
MAX_DEALS = 5_000
"""Deals up to which every one is looked at; above, crops are drawn one after another."""
MAX_SIMULATED, RUNS, FEATURES, NOISE = 600, 400, 20, 0.01
"""Crops up to which the demonstration is run, how often, in how many dimensions, how unlike crops of a trial are."""
ALLOWED = 5.0
"""Standard errors that the demonstration may be off."""
LEAST = 0.1
"""The least spread of a run that its error is compared with: an accuracy that is always 1 has none."""
ORDERS = ("split-first", "subsample-first")


@topic(
    area="evaluation",
    answers=("leaky", "honest", "sibling", "inflation", "order"),
    examples=("--trials 20 --crops 5", "--trials m --crops s --training T --classes C"),
)
def leakage(
    *,
    trials: Annotated[
        Expr, scalar("-m", "--subjects", "--groups", help="Trials (default 20).", whole=True, least=2)
    ] = TRIALS,
    crops: Annotated[
        Expr, scalar("-s", "--per-trial", help="Crops that are subsampled from each (default 5).", whole=True, least=1)
    ] = CROPS,
    training: Annotated[
        Expr | None,
        scalar("-T", help="Crops to train on, of all (default: 4/5, rounded down).", whole=True, least=1),
    ] = None,
    classes: Annotated[Expr, scalar("-C", help="Classes (default 2).", whole=True, least=2)] = CLASSES,
) -> Solution:
    """How much data leakage pretends: validation accuracy when data are subsampled before the split, or after.

    Labels are random, so nothing can be learnt: honest accuracy is chance, 1/C. But a 1-nearest-neighbour finds a crop
    of the same trial wherever one is among the training crops, with probability 1 - C(N-s, T)/C(N-1, T) for N = m·s
    crops of which T are trained on; then it is right. So split the trials first, and subsample them then.
    Source: Kaufman, Rosset, Perlich and Stitelman, Leakage in data mining (2012); Hastie, Tibshirani and Friedman, The
    Elements of Statistical Learning (2009), section 7.10.2.

    Raises DlcalcError when no crop is left to validate on, or there are too many crops.

    >>> round(leakage(trials=20, crops=5)["leaky"].computed, 4), leakage(classes=4)["honest"].text
    (0.9995, '0.25')
    """
    whole = fold(trials * crops)
    if isinstance(whole, Num) and whole.value > MAX_CROPS:
        raise DlcalcError(f"{plain(whole)} crops are too many", f"use {MAX_CROPS:,} or fewer")
    if training is None:
        if not isinstance(whole, Num):
            raise DlcalcError("--training is missing, for crops that are symbols", "add --training T")
        training = expr(int(whole.value) * 4 // 5)
    if isinstance(whole, Num) and isinstance(training, Num) and training.value >= whole.value:
        raise DlcalcError(
            f"{plain(training)} of {plain(whole)} crops are trained on, none is left to validate on",
            f"use --training {plain(whole - 1)} or less",
        )
    letters = Letters(taken=symbols(trials, crops, training, classes))
    m, s = letters.letter("m", trials, FEW), letters.letter("s", crops, FEW)
    t, c = letters.letter("T", training, DEALT), letters.letter("C", classes, SEVERAL)
    count, sibling, chance = m * s, Sym("sibling"), ONE / c

    def found(point: Point) -> Fraction:
        return _with_sibling(int(point[m.name]), int(point[s.name]), int(point[t.name]))

    def leaky(point: Point) -> Fraction:
        """Look up the label where a sibling is there, guess where none is."""
        share = found(point)
        return share + (1 - share) * Fraction(1, int(point[c.name]))

    def guessed(point: Point) -> Fraction:
        """Compare every guess with every label."""
        labels = range(int(point[c.name]))
        return Fraction(sum(a == b for a in labels for b in labels), len(labels) ** 2)

    wrong = (
        Slip(fold(ONE / classes), "that is what splitting first gives: chance", "leaky"),
        Slip(ONE, "not quite: a crop without a sibling among the training crops is guessed", "leaky"),
    )
    quantities = (
        Quantity("sibling", 1 - call("binomial", count - s, t) / call("binomial", count - 1, t),
                 f"unless all {unicode(t)} training crops are of the {unicode(count - s)} of other trials", found),
        Quantity("leaky", sibling + (1 - sibling) / c, "right where a sibling is found, else a guess", leaky, wrong),
        Quantity("honest", chance, "no validation trial has a sibling: a guess", guessed,
                 (Slip(ONE, "random labels cannot be learnt", "honest"),)),
        Quantity("inflation", sibling * (1 - chance), "leaky minus honest",
                 lambda at: leaky(at) - guessed(at)),
    )  # fmt: skip
    numeric = not symbols(trials, crops, training, classes)
    simulated = numeric and isinstance(whole, Num) and whole.value <= MAX_SIMULATED
    because = "subsampled first, crops of one trial fall on both sides: validation accuracy is memory, not learning"
    relations = (Relation(t, "<=", count - 1), Relation(training, "<=", trials * crops - 1))
    formulary = Formulary(
        letters,
        quantities,
        "every deal of the training crops looked at, or crops drawn one after another",
        others=(word("order", "split-first", ORDERS, (Slip(Sym("subsample-first"), because, "inflated"),)),),
        last_steps=(
            Step(
                "inflated",
                Sym("leaky"),
                Sym("leaky"),
                Sym("honest"),
                "so the order is: split first, then subsample",
                ">=",
            ),
        ),
        constraints=tuple(r for r in relations if symbols(r.left, r.right)),
        principal=("leaky", "honest"),
        assumptions=(
            "labels are random, drawn for every trial; the training crops are drawn from all crops alike",
            "crops of one trial are each other's nearest neighbours",
        ),
        conventions=(
            "leaky: subsample, then split the crops; honest: split the trials, then subsample",
            *(("the demonstration draws its own data with the --seed that is given",) if simulated else ()),
        ),
        notes=("one crop per trial: nothing leaks",) if crops == ONE else (),
    )
    solution = formulary.solution()
    if not simulated:
        return solution
    values = {name: approximate(formulary.values[name]) or 0.0 for name in ("leaky", "honest")}
    sizes = tuple(int(PLAIN.value(given, {})) for given in (trials, crops, training, classes))
    return replace(formulary, routes=(_demonstrated(sizes, values),)).solution()


@cache
def _with_sibling(trials: int, crops: int, training: int) -> Fraction:
    """Find how likely a crop has one of its own trial among the training crops."""
    own, others = crops - 1, trials * crops - crops
    if comb(own + others, training) <= MAX_DEALS:
        deals = [any(crop < own for crop in deal) for deal in combinations(range(own + others), training)]
        return Fraction(sum(deals), len(deals))
    alone = Fraction(1)
    for drawn in range(training):
        alone *= Fraction(max(others - drawn, 0), own + others - drawn)
    return 1 - alone


def _demonstrated(sizes: tuple[int, ...], expected: dict[str, float]) -> Experiment:
    """Classify crops by their nearest neighbour, split either way."""
    trials, crops, training, classes = sizes

    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        generator = np.random.default_rng(seed)
        whole = np.repeat(np.arange(trials), crops)
        leaky, honest = [], []
        for _ in range(RUNS):
            centres = generator.standard_normal((trials, FEATURES))
            data = centres[whole] + NOISE * generator.standard_normal((len(whole), FEATURES))
            labels = generator.integers(classes, size=trials)[whole]
            by_crop = generator.permutation(len(whole)) < training
            kept = max(1, min(trials - 1, training // crops))
            by_trial = (generator.permutation(trials) < kept)[whole]
            leaky.append(_neighbours(data, labels, by_crop))
            honest.append(_neighbours(data, labels, by_trial))
        off = [
            abs(float(np.mean(runs)) - expected[name]) / max(float(np.std(runs)) / RUNS**0.5, LEAST / RUNS)
            for name, runs in (("leaky", leaky), ("honest", honest))
        ]
        return max(off), ALLOWED

    method = f"demonstration: a 1-nearest-neighbour on {RUNS} random data sets, the farther in standard errors"
    return Experiment("leaky, honest", method, run)


def _neighbours(data: NDArray[Any], labels: NDArray[Any], train: NDArray[Any]) -> float:
    """Return the validation accuracy of the nearest neighbour among the training crops."""
    squares = (data**2).sum(axis=1)
    distances = squares[train][None, :] - 2 * data[~train] @ data[train].T
    return float((labels[train][distances.argmin(axis=1)] == labels[~train]).mean())
