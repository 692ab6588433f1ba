"""What a penalty does to the fit: the penalty weight at 0, growing, and without bound."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, choice, scalar, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Expr
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Solution
from dlcalc.topic import topic


@topic(
    area="regularisation",
    answers=(
        *("minimum", "data_loss", "minimum_at_infinity", "data_loss_at_infinity", "ratio_at_infinity"),
        *("objective_at_0", "decreases_training_loss", "underfits_at_infinity", "largest_alpha", "diverges", "losses"),
    ),
    examples=(
        "",
        "--target 2 --curvature 1 --alpha 30 --lr 0.1",
        "--target a --penalty l1",
        '--x "1,0;1,1;1,2;1,3" --y 1,2,2,4 --alphas 0,0.1,1,10',
    ),
)
def penalty_limits(
    *,
    alpha: Annotated[
        Expr | None,
        scalar("--lambda", "--decay", "--weight-decay", help="Weight α of the penalty (default: alpha).", least=0),
    ] = None,
    target: Annotated[
        Expr | None, scalar("--minimum-of", help="Minimum a of the data loss h/2·(w - a)² (default: a).")
    ] = None,
    curvature: Annotated[
        Expr | None, scalar("-H", help="Curvature h > 0 of the data loss (default: h).", domain=POSITIVE)
    ] = None,
    penalty: Annotated[str, choice("half", "full", "l1", help="Ω: half w²/2 (default), full w², l1 |w|.")] = "half",
    lr: Annotated[
        Expr | None,
        scalar("--epsilon", "--eps", "--eta", "--learning-rate", help="Learning rate (default: epsilon).", least=0),
    ] = None,
    x: Annotated[Value | None, values("-X", help='Data instead: inputs as rows "1,0;1,1;1,2".')] = None,
    y: Annotated[Value | None, values("-Y", help="Their targets: 1,2,4.")] = None,
    alphas: Annotated[
        Value | None, values("--lambdas", help="Penalty weights to compare on the data (default 0,0.1,1,10,1000).")
    ] = None,
) -> Solution:
    """Norm penalty L + αΩ at α = 0 and α → ∞: plain fit, underfitting, and whether the training loss falls.

    On the data loss h/2·(w - a)² with Ω = w²/2 the minimum is h a/(h + α): a at α = 0 (the plain fit), 0 for α → ∞ (the
    minimum of Ω alone). The data loss at the minimum never falls as α grows, from 0 to that of the zero predictor: a
    penalty does not decrease the training loss, and too large a one underfits. (L + αΩ)/α → Ω, but L stays.
    Gradient descent with a fixed rate ε diverges once ε(h + α) > 2. With --x and --y: ridge regression on data.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.1; Hastie, Tibshirani and Friedman, The
    Elements of Statistical Learning (2009), section 3.4.

    Raises DlcalcError for a curvature that is not above 0, a negative α, or data that do not fit together.

    >>> penalty_limits(target=2, curvature=1, alpha=3)["minimum"].text
    '0.5'
    """
    for name, rate in (("alpha", alpha), ("lr", lr)):
        if rate is not None and (approximate(rate) or 0) < 0:
            raise DlcalcError(f"--{name} {plain(rate)} is less than 0", "use 0 or more")
    if x is None and y is None:
        if alphas is not None:
            raise DlcalcError("--alphas compares penalties on data", "add --x and --y, or use --alpha for one")
        if curvature is not None and (found := approximate(curvature)) is not None and found <= 0:
            raise DlcalcError(f"--curvature {plain(curvature)} is not above 0: the loss has no minimum", "use 1")
        if lr is not None and penalty == "l1":
            raise DlcalcError("--lr is for a penalty of squares: the slope of |w| does not grow with w", "leave it out")
        from dlcalc.topics.penalty_limits.quadratic import quadratic

        return quadratic(target, curvature, alpha, lr, penalty)
    for name, given in (("target", target), ("curvature", curvature), ("lr", lr), ("alpha", alpha)):
        if given is not None:
            raise DlcalcError(f"--{name} is about the loss h/2·(w - a)², but data are given", "leave one of them out")
    if penalty == "l1":
        raise DlcalcError("--penalty l1 has no closed form on data", "use half or full")
    from dlcalc.topics.penalty_limits.ridge import ridge

    return ridge(x, y, alphas, factor=2 if penalty == "full" else 1)
