"""Initialisation: the variance of weights that keeps signals alive, schemes, and the factor per layer."""

from __future__ import annotations

from typing import Annotated

from dlcalc.givens import Size, choice, scalar, size, switch, values
from dlcalc.notation.expression import ZERO, Expr
from dlcalc.notation.printing import Value
from dlcalc.solution import REAL, Solution
from dlcalc.topic import topic
from dlcalc.topics.init.asking import Asked, answered
from dlcalc.topics.init.units import UNITS


@topic(
    area="initialisation",
    answers=("Var_s", "Var_w", "He", "variance", "std", "bound", "forward", "backward", "gradients", "Var_sum"),
    examples=(
        "--fan-in n",
        "--scheme he --kernel 3 --in-channels C1 --out-channels C2",
        "--scheme xavier --layers 784,100,10",
        "--std 0.01 --fan-in 500 --depth 10 --nonlinearity tanh",
        "--residual",
    ),
)
def init(
    *,
    fan_in: Annotated[
        Expr | None, scalar("-n", "--width", help="Inputs of a unit: its fan-in n.", whole=True, least=1)
    ] = None,
    fan_out: Annotated[
        Expr | None, scalar("-m", help="Units that a unit feeds: its fan-out (default: n).", whole=True, least=1)
    ] = None,
    scheme: Annotated[
        str | None,
        choice("xavier", "glorot", "he", "kaiming", "lecun", "pytorch", help="Scheme; pytorch is nn.Linear's default."),
    ] = None,
    distribution: Annotated[
        str | None, choice("normal", "uniform", help="Asks for std (normal) or bound (uniform) first.")
    ] = None,
    mode: Annotated[str, choice("fan_in", "fan_out", help="Which fan the scheme he divides by.")] = "fan_in",
    nonlinearity: Annotated[
        str | None, choice(*UNITS, flags=("--activation",), help="Units (default: linear; relu with he).")
    ] = None,
    gain: Annotated[Expr | None, scalar(help="Gain of the scheme, in place of that of the units.")] = None,
    negative_slope: Annotated[
        Expr | None, scalar("-a", "--slope", help="Slope a of leaky ReLU below 0 (default 0.01).", domain=REAL)
    ] = None,
    kernel: Annotated[Size | None, size("-k", "--kernel-size", help="Window of a convolution: 3 or 3x5.")] = None,
    in_channels: Annotated[
        Expr | None, scalar("-c", help="Input channels of a convolution.", whole=True, least=1)
    ] = None,
    out_channels: Annotated[
        Expr | None, scalar("--filters", help="Output channels of a convolution.", whole=True, least=1)
    ] = None,
    groups: Annotated[Expr | None, scalar("-g", help="Groups of a convolution.", whole=True, least=1)] = None,
    layers: Annotated[
        Value | None, values(help="Widths of a fully connected network, 784,100,10: a row per layer.")
    ] = None,
    std: Annotated[
        Expr | None, scalar("--sigma", help="Standard deviation of the weights: asks for the factors per layer.")
    ] = None,
    depth: Annotated[Expr | None, scalar("-L", help="Layers, with --std.", whole=True, least=1)] = None,
    var_w: Annotated[Expr | None, scalar("--variance", help="Variance of the weights.")] = None,
    var_x: Annotated[Expr | None, scalar(help="Variance of the inputs, or of one branch.")] = None,
    mean_x: Annotated[Expr, scalar(help="Mean of the inputs (default 0).", domain=REAL)] = ZERO,
    residual: Annotated[bool, switch(help="Ask for the variance of a sum of two branches x + y.")] = False,
    var_y: Annotated[Expr | None, scalar(help="Variance of the other branch.")] = None,
    cov: Annotated[Expr, scalar("--covariance", help="Covariance of the branches (default 0).", domain=REAL)] = ZERO,
) -> Solution:
    """Weight initialisation: Xavier and He variance, and how signals vanish or explode per layer.

    Var(s) = n Var(w) E(x²) of s = Σ w_i x_i; Var(w) = 1/n keeps it, 2/n with ReLU (He), 2/((1 + a²)n) with leaky ReLU.
    --scheme xavier is gain²·2/(fan_in + fan_out), he gain²/fan, lecun 1/fan_in; std = √variance, and U(−b, b) has
    b = √3 std. --std S asks for the factor per layer of activations and gradients, S√n for linear units and S√(n/2)
    for ReLU, and whether they vanish or explode. --residual is Var(x + y) = Var(x) + Var(y) + 2 Cov(x, y).
    Source: LeCun et al., Efficient BackProp (1998); Glorot and Bengio (2010); He et al., Delving Deep into Rectifiers
    (2015); Poole et al., Exponential expressivity (2016); torch.nn.init.

    Raises DlcalcError for a fan that is missing, a negative deviation, givens that do not go together, and groups that
    do not divide the channels.

    >>> init(scheme="he", kernel=3, in_channels="C1").answers[0].text
    '2/(9*C1)'
    """
    return answered(
        Asked(
            fan_in, fan_out, scheme, distribution, mode, nonlinearity, gain, negative_slope, kernel, in_channels,
            out_channels, groups, layers, std, depth, var_w, var_x, mean_x, residual=residual, var_y=var_y, cov=cov,
        )
    )  # fmt: skip
