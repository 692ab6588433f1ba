"""Weight decay beside the gradient step, compared with an L2 penalty inside of it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.givens import UNIT, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Num, Sym, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import POSITIVE, REAL, Answer, Route, Setting, Slip, Solution, Step, Work, symbols, verdict
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOLERANCE = 1e-12


class _Asked(NamedTuple):
    """A weight, two gradients, learning rate, decay, momentum."""

    w: Expr
    first: Expr
    second: Expr
    lr: Expr
    decay: Expr
    beta: Expr

    def inside(self, decay: Expr) -> Expr:
        """Return the weight after two updates with momentum, the penalty inside the gradient."""
        v = self.first + decay * self.w
        after = self.w - self.lr * v
        return after - self.lr * (self.beta * v + self.second + decay * after)

    def beside(self) -> Expr:
        """Return it with the decay beside the momentum step."""
        after = self.w - self.lr * self.first - self.lr * self.decay * self.w
        return after - self.lr * (self.beta * self.first + self.second) - self.lr * self.decay * after

    @property
    def gap(self) -> Expr:
        """L2 minus decay after the two updates."""
        return -(self.lr * self.beta * self.decay * self.w)


DEMONSTRATION = _Asked(ONE, ONE, ONE, number(Fraction(1, 10)), number(Fraction(1, 10)), number(Fraction(9, 10)))


@topic(
    area="regularisation",
    answers=("sgd_equal", "momentum_equal", "adam_equal", "equivalent_l2", "momentum_gap", "sgd", "adam_l2", "adamw"),
    examples=(
        "",
        "--weight 2 --gradients 1,0.5 --lr 0.1 --decay 0.01 --beta 0.9",
    ),
)
def weight_decay(
    *,
    weight: Annotated[Expr | None, scalar("--w", "--theta", help="The weight (default: w).")] = None,
    gradients: Annotated[
        Value | None, values("-g", "--gradient", help="Gradients of the loss at two updates (default: g1,g2).")
    ] = None,
    lr: Annotated[
        Expr | None, scalar("--eta", "--epsilon", "--learning-rate", help="Learning rate (default: eta).", least=0)
    ] = None,
    decay: Annotated[
        Expr | None,
        scalar(
            "--lambda", "--alpha", "--weight-decay", help="Decay λ: an update takes ηλw (default: lambda).", least=0
        ),
    ] = None,
    beta: Annotated[
        Expr | None, scalar("--momentum", help="Momentum of v ← βv + g (default: beta).", least=0, domain=UNIT)
    ] = None,
) -> Solution:
    """Weight decay versus L2 regularisation: equal for SGD, not for momentum, Adam or AdamW (decoupled).

    L2 puts λw into the gradient; decay takes ηλw beside the step. For plain SGD both are (1 - ηλ)w - ηg. With momentum
    the velocity remembers λw: after two updates L2 is ηβλw₀ lower. Adam divides λw by the root of its squares,
    AdamW does not. Written as w ← (1 - λ)w - ηg, the decay equals an L2 penalty λ'/2·w² with λ' = λ/η.
    Source: Loshchilov and Hutter, Decoupled weight decay regularization (2019), propositions 1 and 2;
    torch.optim.AdamW.

    Raises DlcalcError for a negative rate, a momentum of 1 or more, or gradients that are not two.

    >>> weight_decay()["equivalent_l2"].text
    'lambda/eta'
    """
    asked = _asked(weight, gradients, lr, decay, beta)
    numeric = not symbols(*asked)
    shown = _Asked(*(v if isinstance(v, Num) else d for v, d in zip(asked, DEMONSTRATION, strict=True)))
    if _close(*_adams(shown)) and ZERO not in (shown.lr, shown.decay, shown.w):
        shown = shown._replace(w=DEMONSTRATION.w, first=DEMONSTRATION.first)  # given numbers that agree by chance
        numeric = False
    adam = _adams(shown)
    same = _close(*adam)
    stepped = (1 - asked.lr * asked.decay) * asked.w - asked.lr * asked.first
    trivial = asked.gap == ZERO
    domains = dict.fromkeys(sorted(symbols(asked.w, asked.first, asked.second)), REAL)
    domains |= dict.fromkeys(sorted(symbols(asked.lr, asked.decay)), POSITIVE)
    domains |= dict.fromkeys(sorted(symbols(asked.beta)), UNIT)
    for letter, kind in zip(_on_board(asked), (REAL, REAL, REAL, POSITIVE, POSITIVE, UNIT), strict=True):
        if isinstance(letter, Sym):
            domains.setdefault(letter.name, kind)
    answers = [
        verdict("sgd_equal", holds=True, otherwise="both are (1 - ηλ)w - ηg"),
        verdict(
            "momentum_equal", holds=trivial, otherwise="the velocity remembers λw: a gap of ηβλw after two updates"
        ),
        verdict(
            "adam_equal", holds=same, otherwise="Adam divides the penalty's gradient by its root, AdamW's decay is not"
        ),
    ]
    if asked.lr != ZERO:
        slip = Slip(asked.decay * asked.lr, "the other way round: an update takes ηλ'w = λw, so λ' = λ/η", "equivalent")
        answers.append(Answer("equivalent_l2", asked.decay / asked.lr, slips=(slip,)))
    answers += [
        Answer("momentum_gap", asked.gap, slips=(Slip(ZERO, "only for plain SGD are both equal", "gap"),)),
        Answer("sgd", stepped),
        Answer("momentum_l2", asked.inside(asked.decay)),
        Answer("momentum_decoupled", asked.beside()),
        Answer("adam_l2", adam[0]),
        Answer("adamw", adam[1]),
    ]
    at = f"w = {plain(shown.w)}, g = {plain(shown.first)}, η = {plain(shown.lr)}, λ = {plain(shown.decay)}"
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(_steps(asked, shown, adam)), (_route(asked), _adam_route(shown, adam))),
        setting=Setting(domains=domains, aliases=_aliases(asked, domains)),
        principal=("sgd_equal", "momentum_equal", "adam_equal"),
        conventions=(
            "L2: λw is added to the gradient; decay: ηλw is taken beside the step (as AdamW does); v ← βv + g from 0",
            "equivalent_l2: of decay written as w ← (1 - λ)w - ηg, as L2 penalty λ'/2·w² (written ηλw, it is λ itself)",
            f"Adam's first update, without ε: {'' if numeric else 'a demonstration at '}{at}",
        ),
    )


def _asked(
    weight: Expr | None, gradients: Value | None, lr: Expr | None, decay: Expr | None, beta: Expr | None
) -> _Asked:
    for name, rate in (("lr", lr), ("decay", decay), ("beta", beta)):
        if rate is not None and (approximate(rate) or 0) < 0:
            raise DlcalcError(f"--{name} {plain(rate)} is less than 0", "use 0 or more")
    if beta is not None and (approximate(beta) or 0) >= 1:
        raise DlcalcError(f"--beta {plain(beta)} is 1 or more: the velocity never forgets", "use less than 1")
    flat: tuple[Expr, ...] = (Sym("g1"), Sym("g2"))
    if gradients is not None:
        listed = gradients if isinstance(gradients, tuple) else (gradients, gradients)
        flat = tuple(g for g in listed if isinstance(g, Expr))
        if len(flat) != 2:  # noqa: PLR2004 (two updates show the gap)
            raise DlcalcError(f"--gradients has {len(flat)} entries", "give two, for two updates, or one for both")
    return _Asked(weight or Sym("w"), flat[0], flat[1], lr or Sym("eta"), decay or Sym("lambda"), beta or Sym("beta"))


def _aliases(asked: _Asked, domains: Mapping[str, Any]) -> dict[str, Expr]:
    pairs = ((asked.decay, ("lambda", "lam", "alpha")), (asked.lr, ("eta", "eps", "lr")), (asked.beta, ("beta", "mu")))
    return {name: value for value, names in pairs for name in names if name not in domains and isinstance(value, Sym)}


def _adam(asked: _Asked, *, coupled: bool) -> Expr:
    """Return the weight after Adam's first update: bias-corrected, the mean is g and the root |g|."""
    slope = asked.first + asked.decay * asked.w if coupled else asked.first
    beside = ZERO if coupled else asked.lr * asked.decay * asked.w
    return asked.w - asked.lr * call("sign", slope) - beside


def _adams(asked: _Asked) -> list[Expr]:
    return [_adam(asked, coupled=coupled) for coupled in (True, False)]


def _close(left: Expr, right: Expr) -> bool:
    return left == right or abs(float(PLAIN.value(left - right, {}))) < TOLERANCE


def _steps(asked: _Asked, shown: _Asked, adam: list[Expr]) -> Iterator[Step]:
    """Derive both for SGD and momentum in letters, and Adam's first update in numbers."""
    letters = _on_board(asked)
    w, g, lr, lam = letters.w, letters.first, letters.lr, letters.decay
    where = {n.name: v for n, v in zip(letters, asked, strict=True) if isinstance(n, Sym) and n != v}
    inside = Add((w, -(lr * Add((g, lam * w)))))
    beside = Add((w, -(lr * g), -(lr * lam * w)))
    yield Step(
        "sgd", Sym("sgd"), inside, (1 - lr * lam) * w - lr * g, "SGD with L2: λw inside the gradient", where=where
    )
    yield Step(
        "sgd", Sym("decay"), beside, (1 - lr * lam) * w - lr * g, "SGD with decay beside it: the same", where=where
    )
    if asked.lr != ZERO:
        other = Add((w, -(lr * Add((g, Div(lam, lr) * w)))))
        because = "L2 with λ' = λ/η is the decay w ← (1 - λ)w - ηg"
        yield Step("equivalent", Sym("equivalent_l2"), other, (1 - lam) * w - lr * g, because)
    because = "momentum, two updates from v = 0: L2 minus decay, the velocity remembers λw of the first"
    yield Step("gap", Sym("momentum_gap"), letters.inside(lam) - letters.beside(), letters.gap, because)
    if any(letters[i] != asked[i] for i in range(len(asked))):
        yield Step("gap-givens", Sym("momentum_gap"), letters.gap, asked.gap, "the givens put in", where=where)
    for name, value, coupled in (("adam_l2", adam[0], True), ("adamw", adam[1], False)):
        slope = Add((shown.first, shown.decay * shown.w)) if coupled else shown.first
        root = call("sqrt", (shown.first + shown.decay * shown.w if coupled else shown.first) ** 2)
        if root == ZERO:
            continue
        decayed = () if coupled else (-(shown.lr * shown.decay * shown.w),)
        because = "Adam, first update: λw is divided by the root too" if coupled else "AdamW: the decay is not divided"
        yield Step(name, Sym(name), Add((shown.w, -(shown.lr * Div(slope, root)), *decayed)), value, because)
    if not _close(*adam):
        relation: Any = ">" if float(PLAIN.value(adam[0] - adam[1], {})) > 0 else "<"
        yield Step("adam", Sym("adam"), adam[0], adam[1], "they differ", relation)
    else:
        yield Step("adam", Sym("adam"), adam[0], adam[1], "they agree at these numbers")


_NAMES = ("w", "g1", "g2", "eta", "lambda", "beta")


def _on_board(asked: _Asked) -> _Asked:
    """Put a letter in the place of every number; where a given uses that letter itself, the number stays."""
    taken = symbols(*asked)
    return _Asked(*(Sym(n) if isinstance(v, Num) and n not in taken else v for v, n in zip(asked, _NAMES, strict=True)))


def _route(asked: _Asked) -> Route:
    """Run both rules on the very givens."""

    def run(point: Mapping[str, Any]) -> list[Any]:
        w, g1, g2, lr, lam, beta = (PLAIN.value(v, point) for v in asked)
        found = []
        for coupled in (True, False):
            at, velocity = w, Fraction(0)
            for g in (g1, g2):
                velocity = beta * velocity + g + (lam * at if coupled else 0)
                at = at - lr * velocity - (0 if coupled else lr * lam * at)
            found.append(at)
        return [found[0] - found[1], *found]

    values_ = (asked.gap, asked.inside(asked.decay), asked.beside())
    return Route("momentum", "both rules run for two updates", values_, run)


def _adam_route(shown: _Asked, adam: list[Expr]) -> Route:
    """Run Adam's first update with its two averages and their bias corrections."""

    def run(_: Mapping[str, Any]) -> list[float]:
        w, g, _g2, lr, lam, _beta = (float(PLAIN.value(v, {})) for v in shown)
        found = []
        for coupled in (True, False):
            slope = g + lam * w if coupled else g
            mean, square = 0.1 * slope, 0.001 * slope * slope
            root = (square / (1 - 0.999)) ** 0.5
            moved = lr * (mean / (1 - 0.9)) / root if root else 0.0
            found.append(w - moved - (0.0 if coupled else lr * lam * w))
        return found

    return Route("Adam", "its first update, β1 = 0.9 and β2 = 0.999, with bias correction", tuple(adam), run)
