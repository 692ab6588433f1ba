"""One or many updates of gradient descent with L2 regularisation, in its two forms."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.givens import choice, scalar, values
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Expr, Num, Sym
from dlcalc.notation.printing import Value, unicode
from dlcalc.solution import REAL, Answer, Route, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic
from dlcalc.topics.l2_update.answers import answers, other_penalty
from dlcalc.topics.l2_update.asking import ALPHA, EPSILON, WHOLE, Asked, Rule, as_asked
from dlcalc.topics.l2_update.checking import routes, setting
from dlcalc.topics.l2_update.derivation import Case, case_of, dotted, steps

if TYPE_CHECKING:
    from collections.abc import Mapping


@topic(
    area="regularisation",
    answers=("weights", "shrink_factor", "gradient", "penalty", "minimum"),
    examples=(
        "--weights 1,-2 --gradient 0.5,0.5 --lr 0.1 --decay 0.01",
        "--weights 2 --gradient 1 --lr 0.1 --decay 0.5 --penalty full --updates 3",
        '--weights "1,2;3,4" --gradient 0 --lr 0.1 --decay 0.5 --updates 2',
        "--gradient 0 --updates k",
        "--lr eta --decay lambda --penalty full",
        "--target a --decay lambda",
    ),
)
def l2_update(
    *,
    weights: Annotated[
        Value | None, values("--theta", "--w", help='Weights: 2, 1,-2 or rows "1,2;3,4" (default: the symbol theta).')
    ] = None,
    gradient: Annotated[
        Value | None,
        values(
            "--grad",
            "-g",
            help="Gradient of the loss without the penalty, for all updates; or one per update, as rows.",
        ),
    ] = None,
    lr: Annotated[
        Expr,
        scalar("--epsilon", "--eps", "--eta", "--learning-rate", help="Learning rate (default: epsilon).", least=0),
    ] = EPSILON,
    decay: Annotated[
        Expr, scalar("--alpha", "--lambda", "--weight-decay", help="Factor of the penalty (default: alpha).", least=0)
    ] = ALPHA,
    penalty: Annotated[str, choice("half", "full", help="half: α/2·‖W‖² (default); full: α·‖W‖².")] = "half",
    updates: Annotated[
        Expr | None,
        scalar("-k", "--iterations", help="Number of updates (default 1), or a symbol.", whole=True, least=0),
    ] = None,
    target: Annotated[
        Expr | None,
        scalar("--minimum-of", help="Minimum a of the loss (θ - a)²/2, to answer where it is with the penalty."),
    ] = None,
) -> Solution:
    """Gradient descent with an L2 penalty, as weight decay.

    θ ← θ - ε(g + αθ) = (1 - εα)θ - εg for the penalty α/2·‖θ‖², and (1 - 2εα)θ - εg for α·‖θ‖². After k updates
    with the same gradient θ_k = (1 - εα)^k θ_0 - (g/α)(1 - (1 - εα)^k). The weights shrink for 0 < εα < 2.
    Gradients of several updates are a list for one weight, rows for a list of weights, and for a matrix of weights
    its rows below each other.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.1.1; Loshchilov and Hutter, Decoupled
    weight decay regularization (2019).

    Raises DlcalcError when a rate is negative, or the gradient fits neither the weights nor the updates.

    >>> l2_update(weights="1,-2", gradient="0.5,0.5", lr="0.1", decay="0.01").value
    [0.949, -2.048]
    """
    asked = as_asked(weights, gradient, updates, Rule(lr, decay, penalty))
    case = case_of(asked)
    plain_question = Solution(
        answers=answers(asked),
        work=lambda: Work(steps(asked, case), routes(asked)),
        setting=setting(asked, case),
        notes=(_regime(asked.rule), *_limits(asked)),
        conventions=_conventions(asked, case),
        assumptions=_assumptions(asked),
    )
    return plain_question if target is None else _with_minimum(plain_question, asked.rule, target)


def _with_minimum(solution: Solution, rule: Rule, target: Expr) -> Solution:
    """Answer too where the loss (θ - a)²/2 with the penalty is least: a/(1 + pull), which is 0 only where a is."""
    minimum = target / (1 + rule.pull)
    other = Slip(target / (1 + rule.other().pull), other_penalty(rule), "minimum")
    slope = Add((Add((minimum, -target)), rule.pull * minimum))
    step = Step(
        "minimum", Sym("slope"), slope, ZERO, "the slope of loss and penalty is 0 here, and here alone: it grows"
    )

    def of_parabola(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
        """Find the vertex of the penalised loss from three of its values."""
        a, pull = PLAIN.value(target, point), PLAIN.value(rule.pull, point)
        below, at, above = ((t - a) ** 2 / 2 + pull * t**2 / 2 for t in map(Fraction, (-1, 0, 1)))
        return (below - above) / (2 * (above - 2 * at + below))

    def work() -> Work:
        done = solution.work()
        route = Route(
            "minimum", "the vertex of the parabola through three values of loss and penalty", minimum, of_parabola
        )
        return Work((*done.steps, step), (*done.routes, route))

    domains = {**dict.fromkeys(sorted(symbols(target)), REAL), **solution.setting.domains}
    return replace(
        solution,
        answers=(*solution.answers, Answer("minimum", minimum, slips=(other,))),
        work=work,
        setting=replace(solution.setting, domains=domains),
        notes=(*solution.notes, "the minimum is 0 only where a is 0: L2 shrinks weights, it makes none exactly 0"),
        conventions=(
            *solution.conventions,
            f"minimum: of the loss ({unicode(Sym('theta') - target)})²/2 with the penalty",
        ),
    )


def _regime(rule: Rule) -> str:
    """Say what an update does to a weight before the gradient of the loss acts."""
    text = dotted(rule.rate)
    if not isinstance(rule.rate, Num):
        return f"decay shrinks the weights exactly where 0 < {text} < 2: above 1 their sign flips, above 2 they grow"
    rate, name = rule.rate.value, f"{'2' if rule.penalty == 'full' else ''}ε·α = {text}"
    regimes = {
        f"{name}: nothing decays": rate == 0,
        f"0 < {name} < 1: decay leaves {unicode(rule.factor)} of each weight at every update": rate < 1,
        f"{name}: decay forgets the old weights in one update": rate == 1,
        f"1 < {name} < 2: decay shrinks the weights, and flips their sign at every update": rate < WHOLE,
        f"{name}: decay only flips the sign of the weights at every update": rate == WHOLE,
        f"{name} > 2: decay makes the weights grow, and flips their sign at every update": True,
    }
    return next(regime for regime, applies in regimes.items() if applies)


def _limits(asked: Asked) -> tuple[str, ...]:
    """Say where many updates lead, where they lead anywhere."""
    rule, one = asked.rule, len(asked.weights) == 1
    bounded = 0 < rule.rate.value < WHOLE and rule.factor != ZERO if isinstance(rule.rate, Num) else True
    if not asked.closed or rule.pull == ZERO or not bounded:
        return ()
    if asked.zero:
        return ("decay alone brings the weights towards 0 without making them exactly 0",)
    return (
        f"while decay shrinks, the weights approach {unicode(-rule.rest(asked.gradients[0][0] if one else Sym('g')))}",
    )


def _conventions(asked: Asked, case: Case) -> tuple[str, ...]:
    rule = case.rule._replace(decay=ALPHA) if case.rule.decay == ZERO else case.rule
    w, lr, decay, pull = (unicode(part) for part in (Sym(case.base), rule.lr, rule.decay, rule.pull))
    half, squares = "" if rule.penalty == "full" else "/2", f"Σ {w}_i²"
    if len(asked.shape) > 1:
        squares = f"Σ {w}_ij² = tr({w}ᵀ{w}), the Frobenius norm, not the spectral one"
    said = [
        f"penalty {rule.penalty}: {decay}{half}·‖{w}‖² with ‖{w}‖² = {squares}; its gradient is {pull}·{w}",
        f"{w} ← {w} - {lr}(g + {pull}·{w}) for every weight; g is the gradient of the loss without the penalty",
    ]
    if asked.invented:
        g = unicode(asked.gradients[0][0]) + (" …" if asked.shape else "")
        said.append(f"no gradient is given: {g} stands for it; --gradient 0 leaves the decay alone")
    if not asked.constant:
        said.append(f"{len(asked.gradients)} gradients, one per update, the first one first")
    elif asked.updates not in {ZERO, ONE} and not asked.zero:
        said.append("the gradient is the same in every update")
    same = "for plain gradient descent the same" + ("" if pull == "λ" else f", with λ = {pull}")
    return (*said, f"AdamW takes {lr}·λ·{w} beside its gradient step: {same}")


def _assumptions(asked: Asked) -> tuple[str, ...]:
    k, rule = asked.updates, asked.rule
    said = () if isinstance(k, Num) else (f"{unicode(k)} is a whole number, 1 or more",)
    divided = asked.closed and not asked.zero and rule.lr != ZERO and symbols(rule.decay)
    return (*said, f"{unicode(rule.decay)} ≠ 0") if divided else said
