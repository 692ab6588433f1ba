"""Choosing the best of many models on one set: how much too good its score there is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, exp, fsum, log1p, prod
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import UNIT, scalar
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Relation, Sum, Sym, number
from dlcalc.notation.functions import call, ln
from dlcalc.notation.printing import plain
from dlcalc.solution import Answer, Domain, Experiment, Slip, Solution, Step, symbols, word
from dlcalc.topic import topic

if TYPE_CHECKING:
    from dlcalc.formulary import Point

FEW = Domain(Fraction(1), Fraction(3), whole=True)
MAX_EXAMPLES, MAX_MODELS = 100, 1_000_000
MAX_OUTCOMES = 300
"""Outcomes that are enumerated one by one."""
RUNS, MAX_DRAWN = 4_000, 8_000_000
ALLOWED = 5.0
"""Standard errors that the simulation may be off."""
SETS = ("training", "validation", "test")


@topic(
    area="evaluation",
    answers=("best", "fresh", "optimism", "bound", "overfits"),
    examples=("--models 1000 --examples 100", "--models m --examples n --accuracy p", "--models 2 --examples 3"),
)
def selection_bias(
    *,
    models: Annotated[
        Expr, scalar("-m", "--tries", help="Models that are tried on one set (default: m).", whole=True, least=1)
    ] = Sym("m"),  # noqa: B008 (a frozen symbol)
    examples: Annotated[
        Expr, scalar("-n", "--test-size", "--samples", help="Examples of that set (default: n).", whole=True, least=1)
    ] = Sym("n"),  # noqa: B008 (a frozen symbol)
    accuracy: Annotated[
        Expr, scalar("-p", "--true-accuracy", help="True accuracy of every model (default 1/2: guesses).", domain=UNIT)
    ] = number(Fraction(1, 2)),  # noqa: B008 (a frozen number)
) -> Solution:
    """Overfitting to the test set: the score of the best of many models, chosen on the set it is reported on.

    m models are right with probability p on each of n examples, independently. The best of them is expected to score
    Σ_{j<n} (1 - F(j)^m)/n there, F the distribution function of Bin(n, p), at most p + √(ln m/(2n)); on fresh data it
    scores p. So selecting on the test set overfits to it; selecting on a validation set leaves the test set fresh.
    Source: Dwork and others, The reusable holdout: preserving validity in adaptive data analysis (2015); Boucheron,
    Lugosi and Massart, Concentration inequalities (2013), section 2.5.

    Raises DlcalcError for an accuracy outside [0, 1], or more examples than are added up.

    >>> selection_bias(models=2, examples=1)["best"].computed, selection_bias(models=1000, examples=100)["fresh"].text
    (0.75, '0.5')
    """
    if isinstance(examples, Num) and examples.value > MAX_EXAMPLES:
        raise DlcalcError(f"{plain(examples)} examples are too many to add up", f"use {MAX_EXAMPLES} or fewer")
    if isinstance(models, Num) and models.value > MAX_MODELS:
        raise DlcalcError(f"{plain(models)} models are too many", f"use {MAX_MODELS:,} or fewer")
    if not symbols(accuracy) and not 0 <= PLAIN.value(accuracy, {}) <= 1:
        raise DlcalcError(f"accuracy {plain(accuracy)} is no probability", "use a number between 0 and 1")
    if symbols(models, examples, accuracy) & {"i", "j"}:
        raise DlcalcError("i and j count right answers in the formula", "use other letters")
    letters = Letters(taken=symbols(models, examples, accuracy) | {"i", "j"})
    m, n = letters.letter("m", models, FEW), letters.letter("n", examples, FEW)
    p = letters.letter("p", accuracy, UNIT)

    def best(point: Point) -> Any:  # noqa: ANN401 (an exact number or a float)
        return _expected_best(int(point[m.name]), int(point[n.name]), point[p.name])

    def fresh(point: Point) -> Any:  # noqa: ANN401 (as above)
        return _expected_best(1, int(point[n.name]), point[p.name])

    one = call("binomial", n, Sym("i")) * p ** Sym("i") * (1 - p) ** (n - Sym("i"))
    below = Sum("i", ZERO, Sym("j"), one)
    formula = Sum("j", ZERO, n - 1, 1 - below**m) / n
    bound = p + call("sqrt", ln(m) / (2 * n))
    because = "a model chosen on the {} set never saw the test labels: its test score stays unbiased"
    quantities = (
        Quantity("best", formula, "E(max) = Σ_{j<n} P(max > j), and max ≤ j where all m are: F(j)^m", best,
                 (Slip(accuracy, "that is one model, or the chosen one on fresh data", "best"),)),
        Quantity("fresh", p, "on new examples the chosen model is like any other", fresh),
        Quantity("optimism", Sym("best") - p, "what is reported too much", lambda point: best(point) - fresh(point)),
    )  # fmt: skip
    numeric = not symbols(models, examples, accuracy)
    wrong = tuple(Slip(Sym(name), because.format(name), "fresh") for name in SETS[:2])
    formulary = Formulary(
        letters,
        quantities,
        "every outcome enumerated, or the distribution of the maximum added up",
        others=(Answer("bound", value_of(bound, letters.values)), word("overfits", "test", SETS, wrong)),
        last_steps=(
            Step("biased", Sym("best"), Sym("best"), Sym("fresh"), "chosen and reported on one set: too good", ">="),
            Step("bounded", Sym("best"), Sym("best"), bound,
                 "scores are sub-Gaussian, of variance at most 1/(4n): it grows only like √(ln m)", "<="),
        ),
        principal=("best", "fresh"),
        constraints=tuple(
            r for r in (Relation(accuracy, ">=", ZERO), Relation(accuracy, "<=", ONE))
            if symbols(accuracy) and not isinstance(accuracy, Sym)
        ),
        assumptions=("the models err independently of each other and on every example alike",),
        conventions=("overfits: the set on which selecting and reporting overfit to the test set",),
        notes=("one model is no selection: its score is unbiased",) if models == ONE else (),
    )  # fmt: skip
    drawn = PLAIN.value(models, {}) * RUNS if numeric else MAX_DRAWN + 1
    if drawn > MAX_DRAWN:
        return formulary.solution()
    sizes = (int(PLAIN.value(models, {})), int(PLAIN.value(examples, {})), approximate(accuracy) or 0.0)
    return replace(formulary, routes=(_simulated(*sizes, approximate(formulary.values["best"]) or 0.0),)).solution()


@cache
def _expected_best(models: int, examples: int, accuracy: Any) -> Any:  # noqa: ANN401 (exact in, exact out)
    """Enumerate how many each model gets right; add up the distribution of the maximum where that is too much."""
    chance = [comb(examples, j) * accuracy**j * (1 - accuracy) ** (examples - j) for j in range(examples + 1)]
    if (examples + 1) ** models <= MAX_OUTCOMES:
        outcomes = product(range(examples + 1), repeat=models)
        return sum(max(right) * prod(chance[j] for j in right) for right in outcomes) / Fraction(examples)
    reached = [fsum(map(float, chance[j + 1 :])) for j in range(examples)]
    up_to = [0.0, *(exp(models * log1p(-above)) if above < 1 else 0.0 for above in reached), 1.0]
    return fsum(j * (up_to[j + 1] - up_to[j]) for j in range(examples + 1)) / examples


def _simulated(models: int, examples: int, accuracy: float, best: float) -> Experiment:
    """Draw scores, and take the best of each run."""

    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        scores = np.random.default_rng(seed).binomial(examples, accuracy, size=(RUNS, models)).max(axis=1) / examples
        return abs(float(scores.mean()) - best) / max(float(scores.std()) / RUNS**0.5, 1e-12), ALLOWED

    return Experiment("best", f"{RUNS:,} simulated selections, off in standard errors", run)
