"""One update with an L1 penalty: the subgradient step and the proximal step."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from dlcalc.entries import entries, unused
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO, Add, Call, Div, Expr, Mul, Num, Pow, Sym, add, expr
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import POSITIVE, REAL, Answer, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topics.l1_update.rates import Rates, sign, soft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TWO = expr(2)
MAX_SHOWN = 6


def stepped(rates: Rates, weights: Value | None, gradient: Value | None, taken: frozenset[str]) -> Solution:
    """Answer with the weights after one step of either kind, and the penalty."""
    start: Value = Sym(unused("w", taken=taken)) if weights is None else weights
    flat = tuple(entries(start))
    push = _gradients(gradient, start, len(flat), taken)
    domains = dict.fromkeys(sorted(symbols(start, push)), REAL)
    domains |= dict.fromkeys(sorted(symbols(*rates)), POSITIVE)

    def shaped(step: Callable[[Expr, Expr], Expr]) -> Value:
        found = tuple(step(w, g) for w, g in zip(flat, push, strict=True))
        return found[0] if isinstance(start, Expr) else found

    sub, prox = shaped(rates.subgradient), shaped(rates.proximal)
    penalty = rates.decay * add(*(call("abs", w) for w in flat))
    if rates.ridge != ZERO:
        penalty = penalty + rates.ridge / 2 * add(*(w**2 for w in flat))
    answers = (
        Answer("subgradient", sub, slips=_slips(rates, shaped)),
        Answer("proximal", prox, slips=_proximal_slips(rates, shaped)),
        Answer(
            "penalty", penalty, slips=(Slip(rates.decay / 2 * add(*(w**2 for w in flat)), "that is the L2 penalty"),)
        ),
    )
    zeros = sum(entry == ZERO for entry in entries(prox))
    notes = [f"the proximal step makes {zeros} of {len(flat)} weights exactly 0"] if not symbols(prox) else []
    crossed = [i for i, (w, v) in enumerate(zip(flat, entries(sub), strict=True), 1) if _crosses(w, v)]
    if crossed:
        notes.append(
            f"the subgradient step crosses 0 at weight {', '.join(map(str, crossed[:MAX_SHOWN]))}: it hovers there"
        )
    return Solution(
        answers=answers,
        work=lambda: Work(
            tuple(_steps(rates, domains, flat, push, (sub, prox))), (_route(rates, flat, push, sub, prox),)
        ),
        setting=Setting(
            domains={**domains, **dict.fromkeys((unused(n, taken=domains) for n in _OWN), REAL)},
            definitions=_definitions(rates, flat, push),
            aliases=_aliases(rates, domains),
        ),
        principal=("subgradient", "proximal"),
        conventions=(
            "subgradient: w - η(g + λ sign(w)), with sign(0) = 0 (any value from -1 to 1 is a subgradient there)",
            "proximal: v = w - ηg, then the soft threshold sign(v) max(|v| - ηλ, 0)",
            f"penalty {unicode(rates.decay)}·Σ|w|"
            + (f" + {unicode(rates.ridge)}/2·Σw²" if rates.ridge != ZERO else ""),
        ),
        notes=tuple(notes),
    )


_OWN = ("u", "v")
"""Any weight, for inequalities that hold for all of them."""


def _aliases(rates: Rates, domains: Mapping[str, Any]) -> dict[str, Expr]:
    pairs = ((rates.decay, ("lam", "lambda", "alpha", "decay")), (rates.lr, ("eta", "lr", "eps", "epsilon")))
    return {
        name: letter for letter, names in pairs for name in names if name not in domains and isinstance(letter, Sym)
    }


def _crosses(before: Expr, after: Expr) -> bool:
    return isinstance(before, Num) and isinstance(after, Num) and before.value * after.value < 0


def _gradients(gradient: Value | None, start: Value, length: int, taken: frozenset[str]) -> tuple[Expr, ...]:
    if gradient is None:
        stem = unused("g", taken=taken)
        return (Sym(stem),) if isinstance(start, Expr) else tuple(Sym(f"{stem}_{i}") for i in range(1, length + 1))
    if gradient == ZERO:
        return (ZERO,) * length
    if any(isinstance(row, tuple) for value in (start, gradient) if isinstance(value, tuple) for row in value):
        raise DlcalcError("--weights or --gradient has rows", "give a list: every weight is updated by itself")
    found = tuple(entries(gradient))
    if len(found) != length or isinstance(gradient, Expr) != isinstance(start, Expr):
        raise DlcalcError(
            f"--gradient has {len(found)} entries, but there are {length} weights", f"give {length}, or --gradient 0"
        )
    return found


def _steps(
    rates: Rates,
    domains: Mapping[str, Any],
    flat: tuple[Expr, ...],
    push: tuple[Expr, ...],
    found: tuple[Value, Value],
) -> Iterator[Step]:
    u, v = (Sym(unused(n, taken=domains)) for n in _OWN)
    lr, lam, mu = rates
    because = "sign(w) is a subgradient of |w|: the line through w with this slope stays below, at every v"
    yield Step("subgradient", Sym("penalty"), Call("abs", (v,)), call("abs", u) + sign(u) * (v - u), because, ">=")
    because = "at w = 0 every slope from -1 to 1 does; sign(0) = 0 is the one taken"
    yield Step("kink", Sym("penalty"), Call("abs", (v,)), ZERO * v, because, ">=")
    near = Div(Pow(Add((v, -u)), TWO), TWO) + lr * lam * Call("abs", (v,)) + lr * mu / 2 * Pow(v, TWO)
    best = soft(u, lr * lam) / (1 + lr * mu)
    at = Div(Pow(Add((best, -u)), TWO), TWO) + lr * lam * call("abs", best) + lr * mu / 2 * best**2
    because = "the soft threshold is where ½(v - u)² + ηλ|v| is least: the proximal step"
    yield Step("threshold", Sym("proximal"), near, at, because, ">=")
    pairs = list(zip(flat, push, *map(entries, found), strict=True))
    for i, (w, g, after, _) in enumerate(pairs[:MAX_SHOWN], 1):
        target, tilted = _named("subgradient", i, flat), [g, Mul((lam, Call("sign", (w,))))]
        inserted = Add((w, Mul((expr(-1), lr, Add((*tilted, Mul((mu, w))) if mu != ZERO else tuple(tilted))))))
        yield Step("update", target, target, inserted, "down a subgradient of loss and penalty")
        if plain(inserted) != plain(after):
            yield Step("update", target, inserted, after, "computed")
    for i, (w, g, _, after) in enumerate(pairs[:MAX_SHOWN], 1):
        target, moved = _named("proximal", i, flat), w - lr * g
        written: Expr = Mul((Call("sign", (moved,)), Call("max", (Add((Call("abs", (moved,)), -lr * lam)), ZERO))))
        written = Div(written, 1 + lr * mu) if mu != ZERO else written
        yield Step("proximal", target, target, written, "gradient step, then the soft threshold")
        if plain(written) != plain(after):
            yield Step("proximal", target, written, after, "computed")


def _named(step: str, i: int, flat: tuple[Expr, ...]) -> Sym:
    return Sym(f"{step}_{i}" if len(flat) > 1 else step)


def _definitions(rates: Rates, flat: tuple[Expr, ...], push: tuple[Expr, ...]) -> dict[str, Callable[..., Any]]:
    """Compute both steps of every weight that is shown, by quotients and by search."""
    found: dict[str, Callable[..., Any]] = {}
    for i, (w, g) in enumerate(list(zip(flat, push, strict=True))[:MAX_SHOWN], 1):
        found[_named("subgradient", i, flat).name] = partial(_descended, rates, w, g)
        found[_named("proximal", i, flat).name] = partial(_nearest, rates, w, g)
    return found


def _descended(rates: Rates, weight: Expr, gradient: Expr, point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (a number)
    """Go down the central difference of loss and penalty; it is exact while no kink but 0 itself lies inside."""
    lr, lam, mu = (PLAIN.value(rate, point) for rate in rates)
    w, g = PLAIN.value(weight, point), PLAIN.value(gradient, point)
    h = abs(w) / 2 or Fraction(1)
    above, below = (g * at + lam * abs(at) + mu * at * at / 2 for at in (w + h, w - h))
    return w - lr * (above - below) / (2 * h)


def _nearest(rates: Rates, weight: Expr, gradient: Expr, point: Mapping[str, Any]) -> float:
    """Search for the proximal point of a gradient step."""
    lr, lam, mu = (PLAIN.value(rate, point) for rate in rates)
    moved = PLAIN.value(weight, point) - lr * PLAIN.value(gradient, point)
    return _searched(float(moved), float(lr * lam), float(lr * mu))


def _route(rates: Rates, flat: tuple[Expr, ...], push: tuple[Expr, ...], sub: Value, prox: Value) -> Route:
    """Differentiate loss and penalty by quotients, and search for the proximal point by halving intervals."""

    def run(point: Mapping[str, Any]) -> list[Any]:
        pairs = list(zip(flat, push, strict=True))
        return [*(_descended(rates, w, g, point) for w, g in pairs), *(_nearest(rates, w, g, point) for w, g in pairs)]

    method = "central differences of loss and penalty; the proximal point by bisection"
    return Route("both steps", method, (*entries(sub), *entries(prox)), run)


def _searched(u: float, first: float, second: float) -> float:
    """Find where the slopes of ½(v - u)² + first·|v| + second·v²/2 change sign."""
    if -first <= u <= first:
        slopes = (-u - first, -u + first)
        return 0.0 if slopes[0] <= 0 <= slopes[1] else float("nan")
    low, high = -abs(u), abs(u)
    for _ in range(200):
        middle = (low + high) / 2
        step = 1e-300
        uphill = middle - u + (first if middle >= step else -first) + second * middle
        low, high = (low, middle) if uphill > 0 else (middle, high)
    return (low + high) / 2


def _slips(rates: Rates, shaped: Callable[[Callable[[Expr, Expr], Expr]], Value]) -> tuple[Slip, ...]:
    lr, lam, _ = rates
    wrong: list[tuple[Callable[[Expr, Expr], Expr], str]] = [
        (lambda w, g: w - lr * (g + lam * w), "that is the L2 step: the subgradient of λ|w| is λ·sign(w), not λw"),
        (lambda w, g: w - lr * (g - lam * sign(w)), "the penalty is descended: minus λ·sign(w)"),
        (lambda w, g: w - lr * g, "the penalty is missing"),
        (lambda w, g: w - lr * (g + lam), "the sign of the weight is missing"),
        (lambda w, g: w - lr * (g + lam * call("abs", w)), "that adds the penalty itself, not its slope"),
        (lambda w, g: w - lr * g - lam * sign(w), "the learning rate multiplies the penalty's slope too"),
        (rates.proximal, "that is the proximal step (soft threshold)"),
    ]
    return tuple(Slip(shaped(value), because, "update") for value, because in wrong)


def _proximal_slips(rates: Rates, shaped: Callable[[Callable[[Expr, Expr], Expr]], Value]) -> tuple[Slip, ...]:
    lr, lam, _ = rates
    wrong: list[tuple[Callable[[Expr, Expr], Expr], str]] = [
        (lambda w, g: soft(w - lr * g, lam), "the threshold is ηλ: the learning rate multiplies it"),
        (lambda w, g: soft(w, lr * lam) - lr * g, "the gradient step comes before the threshold"),
        (rates.subgradient, "that is the subgradient step: it does not stop at 0"),
    ]
    return tuple(Slip(shaped(value), because, "proximal") for value, because in wrong)
