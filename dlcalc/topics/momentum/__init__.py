"""Momentum and Nesterov momentum, step by step or in closed form."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import Given, choice, read_values, scalar, switch, values
from dlcalc.notation.expression import ZERO, Expr, Sym
from dlcalc.notation.printing import Value
from dlcalc.solution import Answer, Solution, Work
from dlcalc.topic import topic
from dlcalc.topics.momentum.answers import answered
from dlcalc.topics.momentum.reading import components, gradient_rows, in_field, refuse_clashes, steps_asked, width_of
from dlcalc.topics.momentum.rule import CONVENTIONS, Question, rule_of
from dlcalc.topics.momentum.sentences import assumptions, conventions, notes
from dlcalc.topics.momentum.setting import setting_of
from dlcalc.topics.momentum.slips import slips_of


@topic(
    area="optimisation",
    answers=(
        "v",
        "theta",
        "v_t",
        "theta_t",
        "theta_tilde",
        "look_ahead",
        "g",
        "theta_tilde_t",
        "look_ahead_t",
        "jacobian",
        "v_hat",
        "window",
    ),
    examples=(
        "--gradients 1,2,3 --alpha 0.9 --lr 0.1 --theta0 1",
        "--t t",
        "--t 3 --nesterov",
        "--grad theta --theta0 1 --v0 0.1 --alpha 0.9 --lr 0.01 --nesterov",
        "--gradients 10,25 --beta 0.5 --convention ema",
    ),
)
def momentum(
    *,
    gradients: Annotated[
        Value | None, values("-g", help='Gradients, one per step: 1,2,3, or vectors "0.1,0.2;0.3,0.4".')
    ] = None,
    t: Annotated[
        Expr | None, scalar("-t", whole=True, least=0, help="Steps: a number or a letter (default t).")
    ] = None,
    grad: Annotated[
        Value | None,
        Given(read_values, (), 'Gradient as an expression in theta, such as "2 theta - 1"; one per component.', "EXPR"),
    ] = None,
    alpha: Annotated[
        Expr | None,
        scalar(
            "-a", "--momentum", "--beta", "--gamma", "--mu", "--rho", help="Momentum coefficient α (default: a symbol)."
        ),
    ] = None,
    epsilon: Annotated[
        Expr | None,
        scalar("-e", "--lr", "--learning-rate", "--eps", "--eta", help="Learning rate ε (default: a symbol)."),
    ] = None,
    v0: Annotated[Value | None, values("--v", "--velocity", help="Velocity v_0 at the start (default 0).")] = None,
    theta0: Annotated[
        Value | None, values("--theta", help="Parameter θ_0 at the start, a list for a vector (default: a symbol).")
    ] = None,
    nesterov: Annotated[bool, switch(help="Take every gradient at the look-ahead point.")] = False,
    convention: Annotated[str, choice(*CONVENTIONS, help="How the rule is written (default course).")] = "course",
) -> Solution:
    """Momentum: every velocity and parameter, or their closed forms.

    With v_0 = 0, v_t = −ε Σ_{k=1}^t α^(t−k) g_k and θ_t = θ_0 − ε/(1 − α) Σ_{k=1}^t (1 − α^(t−k+1)) g_k.
    Conventions: course v_t = αv_{t−1} − εg_t, θ_t = θ_{t−1} + v_t; pytorch v_t = αv_{t−1} + g_t,
    θ_t = θ_{t−1} − εv_t; ema v_t = βv_{t−1} + (1 − β)g_t, θ_t = θ_{t−1} − εv_t; subtract v_t = αv_{t−1} + εg_t,
    θ_t = θ_{t−1} − v_t. The running average of ema also has its bias corrected, v̂_t = v_t/(1 − β^t).

    Nesterov takes g_t at the look-ahead point, θ_{t−1} + αv_{t−1} in the course convention;
    the form that stores θ̃ = θ + αv takes it at θ̃_{t−1}, and the two coincide.

    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 8.3.2 and 8.3.3; Sutskever et al., On the
    importance of initialization and momentum in deep learning (2013); torch.optim.SGD.

    Raises DlcalcError when gradients, steps and the lengths of vectors contradict each other, when a letter stands
    for two things, or when exact values grow beyond what is computed.

    >>> print(*momentum(gradients="1,2,3", alpha=0.9, lr=0.1, theta0=1)["theta"].value)
    0.9 0.61 0.049
    """
    if gradients is not None and grad is not None:
        raise DlcalcError("--gradients and --grad both say what the gradients are", "leave one of them out")
    width = width_of(theta0, v0, gradients[0] if isinstance(gradients, tuple) else None, grad)
    rows = gradient_rows(gradients, width) if gradients is not None else ()
    a = Sym("beta" if convention == "ema" else "alpha") if alpha is None else alpha
    rate = Sym("epsilon") if epsilon is None else epsilon
    asked = Question(
        convention,
        a,
        rate,
        rule_of(convention, a, rate),
        components("v0", ZERO if v0 is None else v0, width, default=v0 is None),
        components("theta0", Sym("theta0") if theta0 is None else theta0, width),
        steps_asked(t, rows, by_field=grad is not None),
        nesterov,
        rows,
    )
    if grad is not None:
        asked = in_field(asked, components("grad", grad, width, default=True))
    refuse_clashes(asked)
    found = answered(asked)
    slips = slips_of(asked, found)

    def work() -> Work:
        from dlcalc.topics.momentum.derivation import derived

        return derived(asked, found)

    return Solution(
        answers=tuple(Answer(name, x, asked.label(name), slips=slips.get(name, ())) for name, x in found.items()),
        work=work,
        setting=setting_of(asked),
        principal=tuple(found)[:2],
        assumptions=assumptions(asked, found, given_v0=v0 is not None),
        conventions=conventions(asked, found),
        notes=notes(asked, found),
    )
