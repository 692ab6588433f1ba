"""L1 penalty (lasso): one update, and where the penalised minimum is, beside that of L2."""

from __future__ import annotations

from typing import Annotated

from dlcalc.entries import unused
from dlcalc.errors import DlcalcError
from dlcalc.givens import scalar, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ZERO, Expr, Sym
from dlcalc.notation.printing import Value, plain
from dlcalc.parts import joined
from dlcalc.solution import Solution, symbols
from dlcalc.topic import topic
from dlcalc.topics.l1_update.rates import Rates


@topic(
    area="regularisation",
    answers=(
        *("subgradient", "proximal", "penalty"),
        *("l1_minimum", "l2_minimum", "l1_exact_zeros", "l2_exact_zeros", "threshold"),
    ),
    examples=(
        "--weights 1,-2,0.004 --gradient 0.5,0.5,0 --lr 0.1 --decay 0.1",
        "--target a --decay lambda",
        "--target 0.3 --decay 0.5 --lr 0.1",
        "",
    ),
)
def l1_update(
    *,
    weights: Annotated[
        Value | None, values("--theta", "--w", help="Weights: 2 or 1,-2 (default: the symbol w).")
    ] = None,
    gradient: Annotated[
        Value | None, values("--grad", "-g", help="Gradient of the loss without the penalty (default: g).")
    ] = None,
    lr: Annotated[
        Expr | None,
        scalar("--epsilon", "--eps", "--eta", "--learning-rate", help="Learning rate (default: eta).", least=0),
    ] = None,
    decay: Annotated[
        Expr | None,
        scalar("--alpha", "--lambda", "--l1", help="Factor λ of the penalty λ·Σ|w| (default: lambda).", least=0),
    ] = None,
    l2: Annotated[
        Expr, scalar("--ridge", help="Elastic net: factor μ of a penalty μ/2·Σw² beside it (default 0).", least=0)
    ] = ZERO,
    target: Annotated[
        Value | None,
        values("--minimum-of", help="Minimum a of the loss (w - a)²/2, to answer where it is with either penalty."),
    ] = None,
) -> Solution:
    """L1 penalty (lasso): subgradient step, soft threshold, and why L1 gives exact zeros where L2 only shrinks.

    Subgradient step w - η(g + λ sign(w)); proximal step sign(v) max(|v| - ηλ, 0) with v = w - ηg (soft threshold). With
    --target a: ½(w - a)² + λ|w| is least at sign(a) max(|a| - λ, 0), which is exactly 0 for |a| ≤ λ, and
    ½(w - a)² + (λ/2)w² at a/(1 + λ), which is 0 only for a = 0. --l2 adds the second penalty (elastic net).
    Source: Tibshirani, Regression shrinkage and selection via the lasso (1996); Goodfellow, Bengio and Courville, Deep
    Learning (2016), section 7.1.2; Parikh and Boyd, Proximal algorithms (2014).

    Raises DlcalcError when a rate is negative, or the gradient does not fit the weights.

    >>> l1_update(target="2,0.3,-1", decay="0.5")["l1_minimum"].text
    '1.5,0,-0.5'
    """
    for name, rate in (("lr", lr), ("decay", decay), ("l2", l2)):
        if rate is not None and (approximate(rate) or 0) < 0:
            raise DlcalcError(f"--{name} {plain(rate)} is less than 0", "use 0 or more")
    given = tuple(value for value in (weights, gradient, lr, decay, target) if value is not None)
    taken = symbols(*given, l2)
    rates = Rates(lr or Sym(unused("eta", taken=taken)), decay or Sym(unused("lambda", taken=taken)), l2)
    parts = []
    if target is not None:
        from dlcalc.topics.l1_update.minimum import minimum

        parts.append(minimum(rates, target))
    if target is None or weights is not None:
        from dlcalc.topics.l1_update.step import stepped

        if target is not None and gradient is None:
            gradient = _differences(weights, target)
        parts.append(stepped(rates, weights, gradient, taken))
    return joined(*parts) if len(parts) > 1 else parts[0]


def _differences(weights: Value | None, target: Value) -> Value | None:
    """Return the gradient of (w - a)²/2: w - a."""
    if isinstance(weights, Expr) and isinstance(target, Expr):
        return weights - target
    if isinstance(weights, tuple) and isinstance(target, tuple) and len(weights) == len(target):
        return tuple(found for w, a in zip(weights, target, strict=True) if (found := _differences(w, a)) is not None)
    if isinstance(weights, tuple) and isinstance(target, Expr):
        return tuple(found for w in weights if (found := _differences(w, target)) is not None)
    raise DlcalcError("--weights and --target have different lengths", "give one target, or one per weight")
