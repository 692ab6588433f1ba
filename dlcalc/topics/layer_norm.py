"""Layer, RMS, group and instance normalisation of given data, or in letters."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, text
from dlcalc.normalisation.answering import Layer, fitted, in_letters, on_data, refuse_without_data, together
from dlcalc.normalisation.arrays import array, laid_out
from dlcalc.normalisation.givens import BACKWARD, BETA, EPS, GAMMA, UPSTREAM
from dlcalc.normalisation.question import groups_of
from dlcalc.notation.expression import Expr
from dlcalc.notation.printing import Value
from dlcalc.solution import Solution
from dlcalc.topic import topic


@topic(
    area="normalisation",
    answers=("y", "xhat", "mu", "sigma2", "mean_square", "depends_on_batch", "dL/dx"),
    examples=(
        "--x '1,2,3;2,4,9' --eps 0 --upstream '1,0,0;0,0,2'",
        "--kind rms --x 3,4 --eps 0",
        "--kind group --groups 2 --x '1,3,5,9;2,4,0,8' --eps 0",
        "",
    ),
)
def layer_norm(
    *,
    x: Annotated[
        Value | None,
        array("-x", "--data", "--input", help='Data: 1,2,3, rows of examples "1,2;3,4", nested lists, or a file.'),
    ] = None,
    kind: Annotated[
        str, choice("layer", "rms", "group", "instance", flags=("--type",), help="The normalisation (default layer).")
    ] = "layer",
    axis: Annotated[
        str | None, text(help="Axes that the mean runs over, as in NumPy: -1 (default), or 1,2.", metavar="AXES")
    ] = None,
    groups: Annotated[
        Expr | None, scalar("--num-groups", help="Groups of channels, in group.", whole=True, least=1)
    ] = None,
    eps: Annotated[Expr | None, EPS] = None,
    gamma: Annotated[Value | None, GAMMA] = None,
    beta: Annotated[Value | None, BETA] = None,
    framework: Annotated[
        str, choice("pytorch", "keras", flags=("--convention",), help="Whose ε (default pytorch).")
    ] = "pytorch",
    upstream: Annotated[Value | None, UPSTREAM] = None,
    backward: Annotated[bool, BACKWARD] = False,
) -> Solution:
    """Layer normalisation (and RMS, group, instance norm): mean, variance, x̂ and output, backward pass.

    x̂ = (x − μ)/√(σ² + ε), y = γ ⊙ x̂ + β, with mean μ and biased variance σ² over the features of each example: nothing
    depends on the batch, there are no running averages, training and test time do the same. RMS norm subtracts no mean
    and divides by the root of the mean square; group and instance norm take the channels of axis 1 in groups, or one by
    one. Backward: ∂L/∂x = (g − mean g − x̂ mean(g ⊙ x̂))/√(σ² + ε) with g = γ ⊙ δ.
    Source: Ba, Kiros and Hinton, Layer Normalization (2016); Zhang and Sennrich (2019); Wu and He (2018); Ulyanov,
    Vedaldi and Lempitsky (2016); torch.nn.LayerNorm, RMSNorm, GroupNorm, InstanceNorm2d.

    Raises DlcalcError for a variance of 0 without ε, a negative ε, groups that do not divide the channels, or data that
    are empty or of mixed lengths.

    >>> layer_norm(x="1,3;5,9", eps=0)["y"].text
    '-1,1;-1,1'
    """
    if kind != "group" and groups is not None:
        raise DlcalcError(f"--groups does not belong to {kind}", "add --kind group")
    if kind in {"group", "instance"} and axis is not None:
        raise DlcalcError(f"--axis does not belong to {kind}", "channels stand along axis 1")
    layer = Layer(kind, framework, eps, gamma, beta, axis, groups_of(groups))
    if x is None:
        refuse_without_data(axis=axis, groups=groups, upstream=upstream)
        if kind in {"group", "instance"}:
            raise DlcalcError(f"{kind} normalisation needs data", "add --x '[[[1,2],[3,4]]]'")
        return in_letters(layer, backward=backward)
    behind = laid_out(upstream) if upstream is not None else None
    parts = on_data(fitted(layer, laid_out(x)), behind, backward=backward)
    return together(parts, gradients=upstream is not None)
