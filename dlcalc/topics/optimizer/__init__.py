"""Optimisers: every update of SGD, momentum, Nesterov, Adagrad, RMSprop, Adadelta, Adam, Adamax and AdamW."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, data, scalar, switch, text, values
from dlcalc.notation.expression import ONE, Expr
from dlcalc.notation.printing import Value
from dlcalc.solution import Solution
from dlcalc.topic import topic
from dlcalc.topics.optimizer.reading import Givens, question_of, rule_name
from dlcalc.topics.optimizer.rules import FRAMEWORKS, PLACES, RULES, VELOCITIES

if TYPE_CHECKING:
    from dlcalc.topics.optimizer.field import Field


@topic(
    area="optimisation",
    answers=("theta", "step", "v", "m", "m_hat", "v_hat", "rate", "path", "uncorrected_ratio"),
    examples=(
        "--rule adam --gradients 0.1,0.2 --theta0 1",
        "--rule adam",
        "--rule adam --gradient g --updates t",
        "--rule momentum --loss 'J = 6 theta^2 - 6 theta + 6' --theta0 1 --lr 0.05 --updates 3",
        "--rule nesterov --velocity subtract --gradient 'x - [0,1]' --theta0 1,2 --v0 0.5,1 --lr 0.01",
    ),
    plots=True,
)
def optimizer(
    *,
    rule: Annotated[str, text("-r", help=f"Update rule: {', '.join(RULES)}.", metavar="RULE")],
    gradients: Annotated[
        Value | None, values("-g", help='Gradients, one per update: 1,2,3, or lists "0.1,0.2;0.3,0.4" for a vector.')
    ] = None,
    gradient: Annotated[
        object,
        data("--grad", help="The gradient of every update: 0.1, g, or an expression in theta, w or x.", metavar="EXPR"),
    ] = None,
    loss: Annotated[
        str | None,
        text(help="Loss in notation, whose gradient is derived: 'J = 6 theta^2 - 6 theta + 6'.", metavar="PROGRAM"),
    ] = None,
    theta0: Annotated[
        object,
        data(
            "--theta",
            "--w0",
            "--x0",
            help="Start: 1, a list 1,2, or names w=1,b=0 (default: a symbol).",
            metavar="START",
        ),
    ] = None,
    at: Annotated[object, data(help="Data of the loss: x=2,y=[1,2].", metavar="DATA")] = None,
    updates: Annotated[
        Expr | None,
        scalar(
            "--iterations", "-k", "-n", help="Number of updates, or a letter for closed forms.", whole=True, least=1
        ),
    ] = None,
    lr: Annotated[Expr | None, scalar("--learning-rate", "--eta", help="Learning rate.")] = None,
    momentum: Annotated[Expr | None, scalar("--mu", "--alpha", help="Momentum coefficient.")] = None,
    dampening: Annotated[Expr | None, scalar("--tau", help="Dampening of momentum (PyTorch).")] = None,
    rho: Annotated[Expr | None, scalar(help="Decay of the mean of squares (RMSprop, Adadelta).")] = None,
    beta1: Annotated[Expr | None, scalar("--b1", help="Decay of the mean of gradients (Adam).")] = None,
    beta2: Annotated[Expr | None, scalar("--b2", help="Decay of the mean of squares (Adam).")] = None,
    betas: Annotated[Value | None, values(help="Both of them: 0.9,0.999.", metavar="B1,B2")] = None,
    eps: Annotated[Expr | None, scalar("--epsilon", "--nu", help="What keeps the denominator from 0.")] = None,
    decay: Annotated[
        Expr | None,
        scalar("--weight-decay", "--lambda", help="Weight decay: decoupled in adamw, else added to the gradient."),
    ] = None,
    v0: Annotated[
        Value | None,
        values("--v", "--velocity0", help="Velocity, or mean of squares, before the first update (default 0)."),
    ] = None,
    m0: Annotated[Value | None, values("--m", help="Mean of gradients before the first update (default 0).")] = None,
    u0: Annotated[
        Value | None, values("--u", help="Adamax' norm, Adadelta's mean of squared steps (default 0).")
    ] = None,
    accumulator: Annotated[
        Value | None, values("--G0", "--G", help="Adagrad's sum of squares before the first update (default 0).")
    ] = None,
    t: Annotated[Expr, scalar("-t", help="Number that the first update has (default 1).", whole=True, least=1)] = ONE,
    framework: Annotated[str, choice(*FRAMEWORKS, help="Whose form and defaults (default pytorch).")] = "pytorch",
    velocity: Annotated[
        str | None,
        choice(*VELOCITIES, flags=("--convention",), help="How momentum is written (default: as the framework)."),
    ] = None,
    eps_place: Annotated[
        str | None, choice(*PLACES, help="Where epsilon stands: √v + ε, √(v + ε), or with the correction in the rate.")
    ] = None,
    bias_correction: Annotated[bool, switch(help="Correct the bias of Adam's averages (default yes).")] = True,
    complement: Annotated[bool, switch(help="The momentum or rho given is what the new value gets: 1 - β.")] = False,
) -> Solution:
    """Run an optimiser step by step: SGD, momentum, Nesterov, Adagrad, RMSprop, Adadelta, Adam, Adamax, AdamW.

    Adam: m_t = β1 m_{t-1} + (1 - β1) g_t, v_t = β2 v_{t-1} + (1 - β2) g_t², both divided by 1 - β^t,
    θ_t = θ_{t-1} - η m̂_t/(√v̂_t + ε). Adagrad: G_t = G_{t-1} + g_t², θ_t = θ_{t-1} - η g_t/(√G_t + ε).
    Momentum: v_t = μ v_{t-1} + g_t, θ_t = θ_{t-1} - η v_t, and four other ways of writing it (--velocity).

    With gradients, or a loss whose gradient is derived, every state at every update; with a constant gradient and a
    letter for --updates the closed forms, with the proof of the bias correction; with the rule alone the update.
    Letters where nothing is given: η learning rate, ε, μ momentum, ρ, β1, β2, λ; the course writes ε, ν, α.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), chapter 8; Kingma and Ba, Adam (2015); Duchi, Hazan
    and Singer (2011); Zeiler, Adadelta (2012); Loshchilov and Hutter (2019); torch.optim; keras.optimizers.

    Raises DlcalcError for an unknown rule, a setting that the rule does not have or that is out of range (β = 1),
    lengths that differ, a denominator of 0 (ε = 0 and no gradient yet), or more updates than are run.

    >>> optimizer(rule="adam", gradient=0.1, theta0=1, eps=0).value
    0.999
    """
    if betas is not None:
        if not isinstance(betas, tuple) or len(betas) != 2 or (beta1, beta2) != (None, None):  # noqa: PLR2004 (a pair)
            raise DlcalcError("--betas are two numbers, in the place of --beta1 and --beta2", "write --betas 0.9,0.999")
        beta1, beta2 = (b if isinstance(b, Expr) else None for b in betas)
    given = Givens(
        rule=rule_name(rule, RULES),
        framework=framework,
        settings={
            "eta": lr, "epsilon": eps, "mu": momentum, "tau": dampening, "rho": rho, "beta1": beta1, "beta2": beta2,
            "lambda": decay,
        },
        states={"v": v0, "m": m0, "u": u0, "G": accumulator},
        gradients=gradients,
        gradient=gradient,
        loss=loss,
        theta0=theta0,
        at=at,
        updates=updates,
        first=t,
        velocity=velocity,
        place=eps_place,
        corrected=bias_correction,
        complement=complement,
    )  # fmt: skip
    from dlcalc.topics.optimizer.solving import solved

    asked, form = question_of(given)
    solution = solved(asked, form)
    return solution if asked.field is None or not asked.field.of_loss else _with_gradient(solution, asked.field)


def _with_gradient(solution: Solution, field: Field) -> Solution:
    """Add the derivation of the gradient, by the engine."""
    from dlcalc.parts import joined
    from dlcalc.topics.backprop.answers import symbolic

    derived = symbolic(field.problem, None, graph=False, code=False)
    return replace(joined(solution, derived), tables=solution.tables, plots=solution.plots, documents={})
