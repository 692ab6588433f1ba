"""Where ½(w - a)² is least with an L1 or an L2 penalty, proved by the cases w > 0, w < 0 and w = 0."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.derivation import Letters
from dlcalc.entries import each, entries
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO, Add, Call, Div, Expr, Mul, Num, Pow, Sym, expr, substitute
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import (
    POSITIVE,
    REAL,
    UNIT,
    Answer,
    Experiment,
    Route,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
    verdict,
)
from dlcalc.topics.l1_update.rates import Rates, soft

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TWO = expr(2)
MAX_TARGETS = 100
MAX_SHOWN = 6
HOVERING = 1_000
"""Subgradient steps of the demonstration."""
RATE = Fraction(1, 10)
"""Its learning rate, where none is given."""


def minimum(rates: Rates, target: Value) -> Solution:
    """Answer with the minima under both penalties, and who makes them exactly 0."""
    if isinstance(target, tuple) and (len(target) > MAX_TARGETS or any(isinstance(row, tuple) for row in target)):
        raise DlcalcError("--target is no list of at most 100 numbers", "give one minimum per weight: 2,0.3,-1")
    letters = Letters(taken=symbols(target, rates.decay, rates.ridge, rates.lr))
    a = letters.letter("a", target if isinstance(target, Expr) else None, REAL)
    for name in sorted(symbols(target)):
        letters.domains.setdefault(name, REAL)
    lam = letters.letter("lambda", rates.decay, POSITIVE)
    mu: Expr = ZERO if rates.ridge == ZERO else letters.letter("mu", rates.ridge, POSITIVE)
    lr = letters.letter("eta", rates.lr, UNIT)
    w, t, s = letters.letter("w", None, REAL), letters.letter("t", None, POSITIVE), letters.letter("s", None, _INSIDE)
    case = _Case(Rates(lr, lam, mu), a, w, t, s)
    first = each(target, rates.minimum)
    second = each(target, lambda entry: entry / (1 + rates.decay))
    nobody = rates.decay == ZERO
    name = "elastic_minimum" if rates.ridge != ZERO else "l1_minimum"
    zeros = "without a penalty it does not" if nobody else "it is exactly 0 for every |a| ≤ λ, not for a = 0 alone"
    never = "L2 is exactly 0 only for a = 0: it shrinks by 1/(1 + λ)"
    who = (
        verdict("l1_exact_zeros", holds=not nobody, otherwise=zeros),
        verdict("l2_exact_zeros", holds=False, otherwise=never),
    )
    setting = Setting(
        domains=letters.domains,
        aliases={
            spelling: letter
            for letter, spellings in (
                (lam, ("lam", "lambda", "alpha", "decay")),
                (lr, ("eta", "lr", "eps")),
                (a, ("a",)),
            )
            for spelling in spellings
            if spelling not in letters.domains
        },
        values=letters.values,
    )
    return Solution(
        answers=(
            Answer(name, first, slips=_first_slips(rates, target)),
            Answer("l2_minimum", second, slips=_second_slips(rates, target)),
            *who,
            Answer("threshold", rates.decay),
        ),
        work=lambda: Work(
            (*case.steps(), *_put_in(case, letters.values, target, first, second)),
            tuple(_routes(rates, target, first, second)),
        ),
        setting=setting,
        principal=(name, "l2_minimum"),
        conventions=(
            f"losses ½(w - a)² + λ|w|{' + (μ/2) w²' if rates.ridge != ZERO else ''} and ½(w - a)² + (λ/2) w²",
        ),
        notes=(
            "exactly 0 with L1 for every |a| ≤ λ; with L2 only for a = 0: L2 shrinks, it makes no weight exactly 0",
            "plain subgradient descent with a fixed rate hovers around the minimum; the proximal step lands on 0",
        )
        if not nobody
        else ("λ = 0: there is no penalty, and both minima are a",),
    )


_INSIDE = type(REAL)(Fraction(-1), Fraction(1))


class _Case:
    """The proof in letters."""

    def __init__(self, rates: Rates, a: Sym, w: Sym, t: Sym, s: Sym) -> None:
        self.rates, self.a, self.w, self.t, self.s = rates, a, w, t, s

    def loss(self, at: Expr) -> Expr:
        """Return the loss with the L1 penalty (and the second one of an elastic net)."""
        squares = Div(Pow(Add((at, -self.a)), TWO), TWO)
        with_l1 = squares + self.rates.decay * Call("abs", (at,))
        return with_l1 if self.rates.ridge == ZERO else with_l1 + self.rates.ridge / 2 * Pow(at, TWO)

    def ridge_loss(self, at: Expr) -> Expr:
        """Return the loss with the L2 penalty."""
        return Div(Pow(Add((at, -self.a)), TWO), TWO) + self.rates.decay / 2 * Pow(at, TWO)

    def steps(self) -> Iterator[Step]:
        """Prove both minima, and say where each is exactly 0."""
        a, lam, mu, w, t, s = self.a, self.rates.decay, self.rates.ridge, self.w, self.t, self.s
        found, curved = self.rates.minimum(a), 1 + mu
        who, first, second = Sym("minimum"), Sym("l1_minimum"), Sym("l2_minimum")
        above, below, inside = {a.name: lam + t}, {a.name: -lam - t}, {a.name: Mul((lam, s))}
        more = "" if mu == ZERO else " + μw"
        right, left = (a - lam) / curved, (a + lam) / curved
        yield Step("positive", who, right - a + lam + mu * right, ZERO, f"w > 0: the slope w - a + λ{more} is 0 here")
        yield Step("positive", first, found, right, f"which is positive for {a} > {_u(lam)}: case 1", where=above)
        yield Step("negative", who, left - a - lam + mu * left, ZERO, f"w < 0: the slope w - a - λ{more} is 0 here")
        yield Step("negative", first, found, left, f"which is negative for {a} < -{_u(lam)}: case 2", where=below)
        because = f"w = 0: the subgradient is the interval from -a - λ …, |{a}| ≤ {_u(lam)}"
        yield Step("zero", who, Add((-a, -lam)), ZERO, because, "<=", where=inside)
        yield Step(
            "zero", who, ZERO, Add((-a, lam)), "… to -a + λ, and it contains 0: w = 0 is least", "<=", where=inside
        )
        yield Step("zero", first, found, ZERO, f"case 3: exactly 0 for every |{a}| ≤ {_u(lam)}", where=inside)
        gap = Add((self.loss(w), -self.loss(found)))
        because = "no other w is better: the loss exceeds its minimum by half the squared distance or more"
        yield Step("least", first, gap, curved / 2 * Pow(Add((w, -found)), TWO), because, ">=")
        ridge = a / (1 + lam)
        yield Step("ridge", second, ridge - a + lam * ridge, ZERO, "L2: the slope w - a + λw is 0 here, and here alone")
        excess = Add((self.ridge_loss(w), -self.ridge_loss(ridge)))
        yield Step("ridge", second, excess, (1 + lam) / 2 * Pow(Add((w, -ridge)), TWO), "L2: a parabola around it")
        yield Step("ridge-zero", second, (1 + lam) * ridge, a, "so it is 0 only where a is 0: L2 shrinks by 1/(1 + λ)")
        yield from self._hovering()

    def _hovering(self) -> Iterator[Step]:
        """Show the cycle of subgradient descent around 0, and that the proximal step stays there."""
        a, (lr, lam, mu), s = self.a, self.rates, self.s
        if mu != ZERO:
            return
        swing = lr * lam / (2 - lr)
        near = {a.name: Mul((swing, s))}
        plain_rates = Rates(lr, lam, ZERO)
        up, down = a + swing, a - swing
        because = f"plain subgradient descent, |{a}| < ηλ/(2 - η): from a + ηλ/(2 - η) > 0 …"
        yield Step("hover", Sym("cycle"), plain_rates.subgradient(up, up - a), down, because, where=near)
        because = "… and back: it swings around 0 for ever and never is 0"
        yield Step("hover", Sym("cycle"), plain_rates.subgradient(down, down - a), up, because, where=near)
        because = f"the proximal step stays exactly at 0, |{a}| ≤ {_u(lam)}"
        yield Step("stays", Sym("proximal"), soft(lr * a, lr * lam), ZERO, because, where={a.name: Mul((lam, s))})


def _u(value: Expr) -> str:
    return unicode(value)


def _put_in(case: _Case, values: Mapping[str, Expr], target: Value, first: Value, second: Value) -> Iterator[Step]:
    """Put the givens into both minima."""
    flat = list(entries(target))
    formulas = (case.rates.minimum(case.a), case.a / (1 + case.rates.decay))
    for name, formula, found in zip(("l1_minimum", "l2_minimum"), formulas, (first, second), strict=True):
        for entry, value in list(zip(flat, entries(found), strict=True))[:MAX_SHOWN]:
            used = {**values, case.a.name: entry}
            inserted = substitute(formula, used)
            if plain(inserted) != plain(value):
                yield Step(f"{name}-givens", Sym(name), inserted, value, "the givens put in")


def _routes(rates: Rates, target: Value, first: Value, second: Value) -> Iterator[Route | Experiment]:
    """Search for both minima by their losses alone."""
    flat = tuple(entries(target))
    found = (*entries(first), *entries(second))

    def searched(point: Mapping[str, Any]) -> list[float]:
        lam, mu = (float(PLAIN.value(rate, point)) for rate in (rates.decay, rates.ridge))
        centres = [float(PLAIN.value(entry, point)) for entry in flat]

        def lasso(w: float, a: float) -> tuple[float, float]:
            """Return the one-sided slopes of the loss from difference quotients of |w|."""
            size = [
                (abs(w + h) - abs(w)) / h
                for h in (-1e-300 if w == 0 else -abs(w) / 2, 1e-300 if w == 0 else abs(w) / 2)
            ]
            return w - a + lam * size[0] + mu * w, w - a + lam * size[1] + mu * w

        def ridge(w: float, a: float) -> tuple[float, float]:
            return w - a + lam * w, w - a + lam * w

        return [_bisected(lasso, a) for a in centres] + [_bisected(ridge, a) for a in centres]

    yield Route("both minima", "bisection on the one-sided slopes of the losses", found, searched)
    numbers = [entry.value for entry in flat if isinstance(entry, Num)]
    if len(numbers) == len(flat) and isinstance(rates.decay, Num) and rates.decay.value > 0 and rates.ridge == ZERO:
        rate = rates.lr.value if isinstance(rates.lr, Num) and 0 < rates.lr.value < 1 else RATE
        yield _hovers([float(a) for a in numbers], float(rates.decay.value), float(rate))


def _bisected(slopes: Any, a: float) -> float:  # noqa: ANN401 (a function of weight and target)
    """Find where the slope from the left is at most 0 and that from the right at least 0; 0 is tried first."""
    low, high = -abs(a) - 1.0, abs(a) + 1.0
    middle = 0.0
    for _ in range(200):
        left, right = slopes(middle, a)
        if left <= 0 <= right:
            return middle
        low, high = (low, middle) if left > 0 else (middle, high)
        middle = (low + high) / 2
    return middle


def _hovers(targets: list[float], lam: float, rate: float) -> Experiment:
    """Run plain subgradient descent: a demonstration that where L1 gives 0, it comes close and does not land."""

    def run(_: int) -> tuple[float, float]:
        landed = 0
        for a in (a for a in targets if 0 < abs(a) < lam):
            w = 1.0
            for step in range(HOVERING):
                w -= rate * (w - a + lam * ((w > 0) - (w < 0)))
                landed += step >= HOVERING // 2 and w == 0
        return float(landed), 0.0

    method = f"{HOVERING:,} steps at rate {rate:g} from 1: how often it is exactly 0 in the second half"
    return Experiment("plain subgradient descent hovers (a demonstration)", method, run)


def _first_slips(rates: Rates, target: Value) -> tuple[Slip, ...]:
    lam = rates.decay
    wrong = (
        (lambda a: a - lam, "the sign of a is missing: for a < 0 it is a + λ, and between it is 0"),
        (lambda a: soft(a, lam / 2), "the threshold is λ, not λ/2: the slope of λ|w| is λ"),
        (lambda a: soft(a, 2 * lam), "the threshold is λ: the ½ of the loss cancels the 2 of its derivative"),
        (lambda a: a / (1 + lam), "that is the minimum with L2"),
    )
    return tuple(Slip(each(target, value), because, "positive") for value, because in wrong)


def _second_slips(rates: Rates, target: Value) -> tuple[Slip, ...]:
    lam = rates.decay
    wrong = (
        (lambda a: a / (1 + 2 * lam), "that is for the penalty λ·w²; in (λ/2)·w² the 2 of the derivative cancels"),
        (lambda a: soft(a, lam), "that is the minimum with L1"),
        (lambda a: a * (1 - lam), "that is one gradient step from a, not the minimum"),
    )
    return tuple(Slip(each(target, value), because, "ridge") for value, because in wrong)
