"""Dropout: the mask's moments, its counts, a given mask forward and backward, where the mask stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import UNIT, choice, scalar, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ZERO, Expr, Num, Sym
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.parts import joined
from dlcalc.solution import Solution
from dlcalc.topic import topic
from dlcalc.topics.dropout.activations import ACTIVATIONS
from dlcalc.topics.dropout.chance import Chance


@topic(
    area="regularisation",
    answers=(
        *("mean", "variance", "train", "test", "dropped_gradient", "removed_parameters"),
        *("subnetworks", "expected_kept", "kept_variance", "all_dropped", "included"),
        *("output", "gradient", "order_matters", "average_equals_test", "average", "test_pass"),
    ),
    examples=(
        "",
        "--keep 0.5 --units 4 --iterations 10",
        "--drop 0.5 --x 1,2,3,4 --mask 1,0,1,0 --upstream 0.1,0.2,0.3,0.4",
        "--keep p --activation sigmoid",
        "--keep 0.5 --x 1,2 --weights 1,-1 --activation relu",
    ),
)
def dropout(
    *,
    keep: Annotated[Expr | None, scalar("-p", help="Probability that a unit is KEPT.", domain=UNIT)] = None,
    drop: Annotated[
        Expr | None,
        scalar("--rate", help="Probability that a unit is DROPPED: PyTorch's p, Keras' rate.", domain=UNIT),
    ] = None,
    scaling: Annotated[
        str,
        choice(
            "inverted",
            "classic",
            help="inverted: divide by keep in training (default); classic: multiply by keep at test.",
        ),
    ] = "inverted",
    x: Annotated[Value | None, values("--values", "--input", help="Values before dropout: 2 or 1,2,3,4.")] = None,
    mask: Annotated[Value | None, values("-m", help="A given mask of 0 (dropped) and 1 (kept): 1,0,1,0.")] = None,
    upstream: Annotated[
        Value | None, values("--grad", "-g", help="Gradient that arrives at the output (default: symbols g).")
    ] = None,
    weights: Annotated[
        Value | None,
        values("-W", help="Weights: of the layer before the mask (rows), or from the units to one output (a list)."),
    ] = None,
    bias: Annotated[Expr, scalar(help="Bias of that one output (default 0).")] = ZERO,
    units: Annotated[
        Expr | None, scalar("-n", help="Number of units that may be dropped.", whole=True, least=1)
    ] = None,
    iterations: Annotated[
        Expr | None, scalar("-T", "--times", help="Training steps, each with a mask of its own.", whole=True, least=1)
    ] = None,
    activation: Annotated[
        str | None, choice(*ACTIVATIONS, help="Compare the mask before this function with the mask after it.")
    ] = None,
) -> Solution:
    """Dropout: mean and variance of the masked values, subnetworks, a mask forward and backward, train and test.

    With keep probability p, inverted dropout gives mask·x/p in training (mean x, variance x²(1 - p)/p) and x at test;
    the classic form gives mask·x in training (mean px, variance p(1 - p)x²) and px at test. n units define 2ⁿ
    subnetworks that share their weights; a unit is kept in at least one of T steps with probability 1 - (1 - p)^T.
    A dropped unit gives 0 and its weights get the gradient 0. --mask takes one mask forward and back (with --weights
    through the layer before it); --activation compares the mask before and after it, and the average over all masks
    with the one pass at test.
    Source: Srivastava et al., Dropout (2014); Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.12;
    torch.nn.Dropout.

    Raises DlcalcError for a probability outside of 0 … 1, keep 0 where it divides, or a mask that is not 0 and 1.

    >>> dropout(keep="0.5", iterations=10, x=2)["included"].text
    '0.9990234375'
    """
    chance = _chance(keep, drop)
    kept = chance.kept
    if scaling == "inverted" and kept == ZERO:
        raise DlcalcError(
            "keep 0 drops every unit, and inverted dropout divides by it", "use a keep above 0, or --scaling classic"
        )
    said = (_which(chance, keep, drop),)
    if mask is not None:
        _refuse_beside_mask(units, iterations, activation)
        from dlcalc.topics.dropout.passing import passed

        return _with(passed(kept, mask, x, upstream, weights, inverted=scaling == "inverted"), said)
    if upstream is not None:
        raise DlcalcError("--upstream needs a mask to come back through", "add --mask 1,0,…")
    parts: list[Solution] = []
    if activation is not None:
        from dlcalc.topics.dropout.placing import placed

        parts.append(placed(activation, kept, (x, weights, bias), inverted=scaling == "inverted"))
    elif weights is not None or bias != ZERO:
        raise DlcalcError("--weights and --bias need a mask or an activation", "add --activation relu, or --mask 1,0,…")
    counted = units is not None or iterations is not None
    if activation is None and (x is not None or not counted):
        from dlcalc.topics.dropout.moments import moments

        parts.append(moments(chance, x, inverted=scaling == "inverted"))
    if counted or (not parts[1:] and x is None and activation is None):
        from dlcalc.topics.dropout.counting import counted as counts

        everything = not counted
        parts.append(
            counts(
                chance,
                units if units is not None or not everything else Sym("n"),
                iterations if iterations is not None or not everything else Sym("T"),
            )
        )
    return _with(joined(*parts), said)


def _with(solution: Solution, said: tuple[str, ...]) -> Solution:
    return replace(solution, conventions=(*said, *solution.conventions))


def _chance(keep: Expr | None, drop: Expr | None) -> Chance:
    """Return both probabilities, whichever of them was given."""
    for name, given in (("keep", keep), ("drop", drop)):
        found = None if given is None else given.value if isinstance(given, Num) else approximate(given)
        if given is not None and found is not None and not 0 <= found <= 1:
            raise DlcalcError(f"--{name} {plain(given)} is no probability", "use a number from 0 to 1")
    if drop is None:
        keep = Sym("p") if keep is None else keep
        return Chance(keep, 1 - keep)
    if keep is not None and not (isinstance(keep, Num) and keep == 1 - drop):
        raise DlcalcError(f"--keep {plain(keep)} and --drop {plain(drop)} are both given", "give one; they add up to 1")
    return Chance(1 - drop, drop)


def _which(chance: Chance, keep: Expr | None, drop: Expr | None) -> str:
    kept, dropped = map(unicode, chance)
    if keep is None and drop is None:
        return f"{kept} is the probability that a unit is KEPT; PyTorch's p and Keras' rate are {dropped}"
    return f"keep probability {kept}, drop probability {dropped} (PyTorch's p, Keras' rate)"


def _refuse_beside_mask(units: Expr | None, iterations: Expr | None, activation: str | None) -> None:
    for name, given in (("units", units), ("iterations", iterations), ("activation", activation)):
        if given is not None:
            raise DlcalcError(f"--{name} is about random masks, but --mask is given", "leave one of them out")
