"""Batch normalisation of given data, or in letters."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, UNIT, choice, scalar, switch, text, values
from dlcalc.normalisation.answering import Layer, fitted, in_letters, on_data, refuse_without_data, together
from dlcalc.normalisation.arrays import array, laid_out
from dlcalc.normalisation.givens import BACKWARD, BETA, EPS, GAMMA, UPSTREAM
from dlcalc.normalisation.question import parameters, part
from dlcalc.notation.expression import ONE, ZERO, Expr, Sym
from dlcalc.notation.printing import Value
from dlcalc.solution import Solution
from dlcalc.topic import topic


@topic(
    area="normalisation",
    answers=("y", "xhat", "mu", "sigma2", "mean_xhat", "var_xhat", "running_mean", "running_var", "dL/dx"),
    examples=(
        "--x 5,3,2,1,9 --eps 0",
        "",
        "--x '1,2;3,6' --eps 0 --gamma 2 --beta 1 --running-mean 0 --running-var 1",
        "--x 1,3 --eps 3 --upstream 1,0",
    ),
)
def batch_norm(
    *,
    x: Annotated[
        Value | None,
        array("-x", "--data", "--input", help='Data: 1,2,3, rows of examples "1,2;3,4", nested lists, a file.'),
    ] = None,
    axis: Annotated[
        str | None, text(help="Axes that the mean runs over, as in NumPy: 0 (default), 1, or 0,2,3.", metavar="AXES")
    ] = None,
    eps: Annotated[Expr | None, EPS] = None,
    gamma: Annotated[Value | None, GAMMA] = None,
    beta: Annotated[Value | None, BETA] = None,
    mode: Annotated[str, choice("train", "test", help="Statistics of the batch, or running averages.")] = "train",
    test: Annotated[bool, switch(help="The same as --mode test.")] = False,
    momentum: Annotated[
        Expr | None,
        scalar(
            "-m", "--rho", help="Momentum of the running averages (0.1 of the new, Keras 0.99 of the old).", domain=UNIT
        ),
    ] = None,
    running_mean: Annotated[
        Value | None, values("--mubar", "--moving-mean", help="Running mean before the batch (default 0).")
    ] = None,
    running_var: Annotated[
        Value | None,
        values("--varbar", "--moving-variance", help="Running variance before the batch (default 1).", domain=POSITIVE),
    ] = None,
    framework: Annotated[
        str, choice("pytorch", "keras", flags=("--convention",), help="Whose ε and running averages (default pytorch).")
    ] = "pytorch",
    running_variance: Annotated[
        str | None,
        choice("biased", "unbiased", help="Which variance the running average takes (PyTorch unbiased, Keras biased)."),
    ] = None,
    other_batch: Annotated[
        Value | None, array("--other", help="A second batch, to see what an example becomes in it.")
    ] = None,
    upstream: Annotated[Value | None, UPSTREAM] = None,
    backward: Annotated[bool, BACKWARD] = False,
) -> Solution:
    """Batch normalisation: mean, variance, x̂ and output, running averages, test time, backward pass.

    x̂ = (x − μ)/√(σ² + ε), y = γx̂ + β, with mean μ and biased variance σ² of each feature over the batch (rows are
    examples, columns features; axis 1 holds the channels of images). Without data: the formulas and what follows from
    them. Running averages: PyTorch new = (1 − m) old + m batch, of the unbiased variance; Keras m old + (1 − m) batch,
    of the biased one. Backward: ∂L/∂x = γ/√(σ² + ε)·(δ − mean δ − x̂ mean(δ ⊙ x̂)).
    Source: Ioffe and Szegedy, Batch Normalization (2015); torch.nn.BatchNorm1d; keras.layers.BatchNormalization.

    Raises DlcalcError for a variance of 0 without ε, a negative ε or variance, a momentum outside [0, 1], or data that
    are empty or of mixed lengths.

    >>> print(*batch_norm(x="1,3", eps=3)["y"].value)
    -0.5 0.5
    """
    from dlcalc.normalisation.readable import presented
    from dlcalc.normalisation.running import MOMENTUM, Running, at_test_time, averaged, refuse_negative

    part("momentum", momentum)
    tested = test or mode == "test"
    letters = x is None
    rate = momentum if momentum is not None else Sym("momentum") if letters else MOMENTUM[framework]
    unbiased = (running_variance or ("unbiased" if framework == "pytorch" else "biased")) == "unbiased"
    layer = Layer("batch", framework, eps, gamma, beta, axis)
    if x is None:
        refuse_without_data(axis=axis, other_batch=other_batch, upstream=upstream)
        return in_letters(layer, backward=backward, running=Running(framework, rate, (), (), unbiased))
    asked = fitted(layer, laid_out(x), own=not tested)
    running = Running(
        framework,
        rate,
        parameters("running-mean", running_mean, asked, ZERO),
        parameters("running-var", running_var, asked, ONE),
        unbiased,
    )
    refuse_negative(running.variance, ONE)
    if tested:
        if running_mean is None or running_var is None:
            raise DlcalcError("test time needs running averages", "add --running-mean 0 --running-var 1")
        if upstream is not None or other_batch is not None:
            raise DlcalcError("--upstream and --other-batch are for training", "leave --mode test out")
        return presented(at_test_time(asked, running))
    parts = on_data(asked, laid_out(upstream) if upstream is not None else None, backward=backward)
    if momentum is not None or running_mean is not None or running_var is not None or running_variance is not None:
        parts.append(presented(averaged(asked, running)))
    if other_batch is not None:
        from dlcalc.normalisation.comparing import compared

        parts.append(presented(compared(asked, asked.with_data(laid_out(other_batch)))))
    return together(parts, gradients=upstream is not None)
