"""Loss functions: value, formula and gradients; what they are equivalent to; where they start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, switch, text, values
from dlcalc.notation.expression import Expr
from dlcalc.notation.printing import Value
from dlcalc.solution import POSITIVE, UNIT, Solution
from dlcalc.topic import topic

if TYPE_CHECKING:
    from dlcalc.topics.loss.asked import Asked


@topic(
    area="losses",
    answers=("loss", "losses", "p", "dL/dp", "dL/dz", "equivalent", "unchanged"),
    examples=(
        "--kind cross-entropy --logits 1,2,3 --target 1",
        "--kind bce --probabilities 0.9,0.2 --target 1,0",
        "--kind bce",
        "--kind weighted-bce --alpha alpha --probabilities g",
        "--kind hinge --logits 13,-7,11 --target 0 --margin 10",
        "--kind cross-entropy --classes 10 --untrained",
        "--kind nll --equivalent mse",
        "--kind cross-entropy --logits 1000,1001,1002 --target 0 --shift -1002",
    ),
)
def loss(
    *,
    kind: Annotated[
        str,
        text(
            "-k",
            help="mse, mae, huber, bce, weighted-bce, focal, hinge, cross-entropy, nll, label-smoothing, kl, cosine, "
            "or a library's name.",
            metavar="NAME",
        ),
    ] = "",
    probabilities: Annotated[
        Value | None,
        values(
            "--yhat",
            "--predictions",
            "--probs",
            "-p",
            help='Predictions: 0.9, a list, rows "0.7,0.3;0.2,0.8".',
            domain=UNIT,
        ),
    ] = None,
    logits: Annotated[
        Value | None, values("-z", "--scores", help="Scores before the sigmoid or softmax (or of a hinge).")
    ] = None,
    target: Annotated[
        Value | None,
        values("-y", "--labels", "--y", help="Targets: classes by number, one-hot or soft labels, values."),
    ] = None,
    weights: Annotated[
        Value | None, values("--class-weights", "-w", help="A weight per class (binary: of y = 0, then of y = 1).")
    ] = None,
    alpha: Annotated[
        Expr | None, scalar("--pos-weight", help="Weight of y = 1 (weighted-bce, focal).", domain=POSITIVE, least=0)
    ] = None,
    beta: Annotated[
        Expr | None,
        scalar("--neg-weight", help="Weight of y = 0 (default: 1; focal: 1 - α).", domain=POSITIVE, least=0),
    ] = None,
    gamma: Annotated[
        Expr | None, scalar("--focusing", help="Exponent of the focal loss.", domain=POSITIVE, least=0)
    ] = None,
    delta: Annotated[
        Expr | None,
        scalar("--margin", help="Huber's threshold, or the margin of a hinge (default 1).", domain=POSITIVE, least=0),
    ] = None,
    smoothing: Annotated[
        Expr | None, scalar("--epsilon", "--eps", "--label-smoothing", help="Smoothing ε of labels.", domain=UNIT)
    ] = None,
    spread: Annotated[
        str, choice("all", "others", help="Spread ε over all classes (ε/C, default) or the others (ε/(C - 1)).")
    ] = "all",
    label: Annotated[Expr | None, scalar(help="1 for a genuine pair, -1 for a forged one (cosine).")] = None,
    half: Annotated[bool, switch(help="Squared error with the factor 1/2 (default: without).")] = False,
    swap: Annotated[
        bool, switch(help="KL of the prediction from the target (default: KL(target ‖ prediction)).")
    ] = False,
    form: Annotated[
        str,
        choice("signed", "distance", "embedding", help="Cosine: -l·cos (default), 1 - cos, or PyTorch's embedding."),
    ] = "signed",
    reduction: Annotated[str, choice("mean", "sum", "none", help="Over the examples (default: mean).")] = "mean",
    first_class: Annotated[str, choice("0", "1", help="Number of the first class (default 0).")] = "0",
    classes: Annotated[
        Expr | None, scalar("-C", help="Number of classes, for --untrained.", whole=True, least=2)
    ] = None,
    untrained: Annotated[bool, switch(help="Loss before training, when all logits are equal.")] = False,
    shift: Annotated[Expr | None, scalar(help="A number added to every logit, to see what it changes.")] = None,
    equivalent: Annotated[
        str | None, text(help="Another loss, or likelihood, to see if the minimum is the same.", metavar="NAME")
    ] = None,
    likelihood: Annotated[
        str | None,
        text(
            help="gaussian, laplace, bernoulli, categorical, poisson or von-mises: its negative log-likelihood.",
            metavar="NAME",
        ),
    ] = None,
    variance: Annotated[
        Expr | None, scalar("--sigma2", help="Variance of a Gaussian likelihood.", domain=POSITIVE, least=0)
    ] = None,
) -> Solution:
    """Loss function (MSE, BCE, cross-entropy, hinge, KL, …): value, formula and gradients to predictions and logits.

    Numbers give values, nothing or letters the formula. L of one example, with the prediction p, logit z, target y:
    mse (p - y)², bce -(y ln p + (1 - y) ln(1 - p)), cross-entropy -Σ y_c ln p_c, KL Σ y_c ln(y_c/p_c),
    hinge max(0, δ - y z), multi-class hinge Σ_{c≠y} max(0, z_c - z_y + δ). ∂L/∂z = p - y for a sigmoid with bce and
    for a softmax with cross-entropy. A batch is a list (numbers) or rows (classes). Natural logarithm; the mean over
    the examples unless --reduction says otherwise. Others (triplet, contrastive, squared hinge, log-cosh, Dice, RMSE)
    are written out for dlcalc backprop: --kind triplet says how.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 5.5 and 6.2; Lin et al., Focal loss for
    dense object detection (2017); Szegedy et al., Rethinking the Inception architecture (2016); torch.nn.

    Raises DlcalcError for unknown kinds, lengths that differ, labels and probabilities out of range, a distribution
    that does not sum to 1, and a loss that is infinite.

    >>> print(loss(kind="bce", probabilities="0.3", target=1)["loss"].text)
    -ln(0.3)
    """
    from dlcalc.topics.loss import asked

    found = asked.read(
        kind or ("nll" if likelihood is not None else "cross-entropy" if untrained else ""),
        probabilities=probabilities, logits=logits, target=target, weights=weights,
        options={"alpha": alpha, "beta": beta, "gamma": gamma, "delta": delta, "epsilon": smoothing, "label": label},
        spread=spread, half=half, swap=swap, form=form, reduction=reduction, first=int(first_class),
    )  # fmt: skip
    apart = [
        name
        for name, given in (
            ("untrained", untrained),
            ("equivalent", equivalent),
            ("likelihood", likelihood),
            ("shift", shift is not None),
        )
        if given
    ]
    if len(apart) > 1:
        raise DlcalcError(f"--{apart[0]} and --{apart[1]} are two questions", "ask one of them")
    if shift is not None and len(apart) == 1:
        from dlcalc.topics.loss.shifts import solution as shifted

        return shifted(found, shift)
    if apart and (found.predictions is not None or target is not None):
        raise DlcalcError(f"--{apart[0]} takes no predictions or targets", "leave them out")
    if untrained:
        from dlcalc.topics.loss.untrained import solution as at_start

        return at_start(found, classes)
    if equivalent is not None:
        from dlcalc.topics.loss.verdicts import solution as compared

        return compared(found, equivalent)
    if likelihood is not None:
        from dlcalc.topics.loss.likelihoods import solution as of_likelihood

        return of_likelihood(found, likelihood, variance)
    return _answered(found)


def _answered(found: Asked) -> Solution:
    solution = found.solution()
    return replace(solution, conventions=(*found.conventions(), *solution.conventions))
