"""Ensembles: the majority vote of classifiers, the average of regressors."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import UNIT, choice, scalar, values
from dlcalc.notation.expression import Expr
from dlcalc.notation.printing import Value
from dlcalc.solution import Solution
from dlcalc.topic import topic
from dlcalc.topics.ensemble.average import averaged
from dlcalc.topics.ensemble.outcomes import TIES
from dlcalc.topics.ensemble.vote import voted


@topic(
    area="evaluation",
    answers=(
        *("error", "accuracy", "improves", "improves_below", "tie", "best_voter"),
        *("mse", "independent", "limit", "gain"),
    ),
    examples=(
        "--voters 3 --error e",
        "--voters 5 --error 0.3",
        "--voters 4 --error 0.3 --ties error",
        "--error 0.1,0.2,0.3",
        "--models k --variance v --covariance c",
        "--models 10 --variance 4 --correlation 0.25",
    ),
)
def ensemble(
    *,
    models: Annotated[
        Expr | None,
        scalar(
            *("-k", "--voters", "--classifiers", "--regressors", "--members", "--learners"),
            help="Number of models.",
            whole=True,
            least=1,
        ),
    ] = None,
    error: Annotated[
        Value | None,
        values(
            *("-e", "--errors", "--error-rate"),
            help="Error probability of every classifier, or a list, one for each.",
            domain=UNIT,
        ),
    ] = None,
    accuracy: Annotated[
        Value | None,
        values("--accuracies", help="Instead of the error: the probability that a classifier is right.", domain=UNIT),
    ] = None,
    ties: Annotated[
        str, choice(*TIES, help="A tie of an even number of votes: coin (default), error, or correct.")
    ] = "coin",
    variance: Annotated[
        Expr | None, scalar("-v", "--sigma2", help="Variance of each regressor's error (mean 0).", least=0)
    ] = None,
    covariance: Annotated[
        Expr | None, scalar("-c", help="Covariance of the errors of two regressors (default 0: independent).")
    ] = None,
    correlation: Annotated[
        Expr | None, scalar("--rho", "-r", help="Instead of the covariance: the correlation of two errors.")
    ] = None,
) -> Solution:
    """Ensembles (bagging): error of a majority vote of classifiers, or of averaged regressors.

    k classifiers that err independently with probability e: the vote errs with Σ_{j > k/2} C(k,j) e^j (1-e)^(k-j),
    for 3 voters 3e² - 2e³, which is better than e exactly where 0 < e < 1/2. k regressors whose errors have mean 0,
    variance v and covariance c: the squared error of their average is v/k + (k-1)c/k = ρv + (1-ρ)v/k.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.11; Hansen and Salamon, Neural network
    ensembles (1990).

    Raises DlcalcError when a probability is outside [0, 1], or no errors can have these covariances.

    >>> ensemble(voters=3, error="e")["error"].text, ensemble(models=4, variance=2).value
    ('3*e^2 - 2*e^3', 0.5)
    """
    votes = error if error is not None else accuracy
    averages = {"variance": variance, "covariance": covariance, "correlation": correlation}
    given = next((name for name, value in averages.items() if value is not None), None)
    if votes is not None and given is not None:
        raise DlcalcError(f"--error is of classifiers, --{given} of regressors", "leave one of them out")
    if error is not None and accuracy is not None:
        raise DlcalcError("--error and --accuracy are given, but the error is 1 minus the accuracy", "give one of them")
    if given is not None:
        return averaged(models, variance, covariance, correlation)
    if votes is None:
        raise DlcalcError(
            "nothing is known about the models",
            "add --error e for the vote of classifiers, or --variance v for averaged regressors",
        )
    return voted(models, votes, ties, of_accuracy=error is None)
