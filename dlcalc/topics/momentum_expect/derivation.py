"""The derivation: what v and θ are made of, the means by linearity, the variances by independence, sums closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Call, Entry, Expr, Mul, Num, Sum, Sym, add
from dlcalc.solution import Step
from dlcalc.topics.momentum_expect.board import Board, Line, chain
from dlcalc.topics.momentum_expect.formulas import closed, from_first_power, is_polynomial, polynomials
from dlcalc.topics.momentum_expect.givens import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlcalc.topics.momentum_expect.formulas import Moments
    from dlcalc.topics.momentum_expect.givens import Givens


def derivation(p: Givens, asked: Givens, found: Moments) -> list[Step]:
    """Derive the four moments, then check the cases that their formulas leave out."""
    if p.t == ZERO:
        return _before_the_first_step(p)
    board = Board(p, asked, found)
    return [
        *_mean_of_v(board),
        *_mean_of_theta(board),
        *_variance_of_v(board),
        *_variance_of_theta(board),
        *_special_cases(board),
    ]


def _before_the_first_step(p: Givens) -> list[Step]:
    lines = {
        "E_v": (ZERO, "v_0 = 0, before the first gradient"),
        "E_theta": (p.theta0, "a fixed number is its own mean"),
        "Var_v": (ZERO, "v_0 = 0 is no random number"),
        "Var_theta": (ZERO, "a fixed number has no variance"),
    }
    return [Step("start", p.targets[name], p.targets[name], after, because) for name, (after, because) in lines.items()]


def _gradient(k: Expr) -> Expr:
    return Entry("g", k)


def _mean(x: Expr) -> Expr:
    return Call("E", (x,))


def _variance(x: Expr) -> Expr:
    return Call("Var", (x,))


def _mean_of_v(board: Board) -> list[Step]:
    p, v = board.p, Entry("v", board.p.t)

    def weighted(term: Callable[[Expr], Expr]) -> Expr:
        return -(p.epsilon * board.total(lambda k: p.alpha ** (p.t - k) * term(k), last_first=True))

    summed = -(p.drift * board.total(lambda k: p.alpha ** (p.t - k), last_first=True))
    mean = Line("mean", summed, f"every gradient has mean {p.write(p.mu)}")
    geometric = Line("geometric", closed(p)["E_v"], f"geometric sum, {p.write(p.alpha)} ≠ 1")
    return [
        *chain(v, Line("unroll", weighted(_gradient), f"unrolling {p.rule} from v_0 = 0")),
        *chain(
            p.targets["E_v"],
            Line("linearity", weighted(lambda k: _mean(_gradient(k))), "expectation is linear"),
            mean,
            *board.closing("E_v", mean if p.steps == 1 else geometric),
        ),
    ]


def _mean_of_theta(board: Board) -> list[Step]:
    p, target = board.p, board.p.targets["E_theta"]
    path = add(p.theta0, board.total(lambda j: Entry("v", j), index=1))
    means = add(p.theta0, board.total(lambda j: _mean(Entry("v", j)), index=1))
    opening = chain(Entry("theta", p.t), Line("path", path, "adding up θ_t = θ_{t−1} + v_t"))
    linear = Line("linearity-theta", means, f"expectation is linear, {p.write(p.theta0)} is fixed")
    rate = p.drift / (ONE - p.alpha)
    split = p.theta0 - rate * (p.t - board.powers(1, p.t, index=1))
    if p.steps is not None:
        brackets = p.theta0 - p.drift * board.total(lambda j: board.powers(0, j - 1, index=2))
        inserted = Line("insert", brackets, "the mean of every v put in")
        collected = Line("collect", polynomials(p, p.steps)["E_theta"], "like powers collected")
        lines = [linear, inserted, *board.closing("E_theta", collected)]
        if p.steps == 1 or board.asked.alpha == ONE:
            return [*opening, *chain(target, *lines)]
        apart = Line("split", split, f"every bracket is a geometric sum, {p.write(p.alpha)} ≠ 1")
        found = board.joined(target, lines, apart)
        return [*opening, *found, *_inner_sum(board), *chain(target, _closed_theta(board))]
    if board.is_special("E_theta"):
        return [*opening, *chain(target, linear, *board.closing("E_theta"))]
    ones = p.theta0 - rate * board.total(lambda j: ONE - p.alpha**j, index=1)
    inserted = Line("insert", ones, f"every E(v_{board.index(1)}) put in, {p.write(-rate)} taken out of the sum")
    apart = Line("split", split, f"the ones add up to {p.write(p.t)}")
    return [
        *opening,
        *chain(target, linear, inserted, apart),
        *_inner_sum(board),
        *chain(target, *board.closing("E_theta", _closed_theta(board))),
    ]


def _inner_sum(board: Board) -> list[Step]:
    p, a = board.p, board.p.write(board.p.alpha)
    because = f"a geometric sum that starts at {a}¹, not at {a}⁰"
    return chain(board.powers(1, p.t, index=1), Line("inner-sum", from_first_power(p.alpha, p.t), because))


def _closed_theta(board: Board) -> Line:
    return Line("closed-theta", closed(board.p)["E_theta"], "the inner sum put in")


def _variance_of_v(board: Board) -> list[Step]:
    p = board.p

    def weighted(term: Callable[[Expr], Expr]) -> Expr:
        return board.total(lambda k: p.alpha ** (2 * (p.t - k)) * term(k), last_first=True)

    independent = p.epsilon**2 * weighted(lambda k: _variance(_gradient(k)))
    summed = Line("variance", p.spread * weighted(lambda _: ONE), f"every gradient has variance {p.write(p.sigma2)}")
    ratio = p.write(p.alpha**2)
    geometric = Line("squares", closed(p)["Var_v"], f"geometric sum of ratio {ratio}, {p.write(p.alpha)} ≠ ±1")
    return chain(
        p.targets["Var_v"],
        Line("independence", independent, _independent(p)),
        summed,
        *board.closing("Var_v", summed if p.steps == 1 else geometric),
    )


def _independent(p: Givens) -> str:
    return "constants come out squared" if p.steps == 1 else "independent: variances add, constants come out squared"


def _variance_of_theta(board: Board) -> list[Step]:
    p, target, a = board.p, board.p.targets["Var_theta"], board.p.write(board.p.alpha)

    def weight(k: Expr) -> Expr:
        return board.powers(0, p.t - k, index=2)

    def squared(term: Callable[[Expr], Expr]) -> Expr:
        return board.total(lambda k: weight(k) ** 2 * term(k), last_first=True)

    k, j = board.index(0), board.index(1)
    gathered = p.theta0 - p.epsilon * board.total(lambda k: _weighted(weight(k), _gradient(k)), last_first=True)
    enters = f"g_{k} enters v_{k}, …, {p.write(Entry('v', p.t))} with the weights 1, {a}, {a}², …"
    opening = chain(Entry("theta", p.t), Line("weights", gathered, "v_1 put in" if p.steps == 1 else enters))
    lines = [
        Line(
            "independence-theta",
            p.epsilon**2 * squared(lambda k: _variance(_gradient(k))),
            f"{_independent(p)}; {p.write(p.theta0)} has none",
        ),
        Line("variance-theta", p.spread * squared(lambda _: ONE), f"every gradient has variance {p.write(p.sigma2)}"),
    ]
    last = Line("closed-variance", closed(p)["Var_theta"], f"all three sums are closed, {a} ≠ ±1")
    if p.steps is not None:
        collected = Line("collect-variance", polynomials(p, p.steps)["Var_theta"], "like powers collected")
        lines = [*lines, *board.closing("Var_theta", collected)]
        if p.steps == 1 or board.is_special("Var_theta"):
            return [*opening, *chain(target, *lines)]
        return [*opening, *board.joined(target, lines, last)]
    if board.is_special("Var_theta"):
        return [*opening, *chain(target, *lines, *board.closing("Var_theta"))]
    brackets = p.spread * board.total(lambda j: ((ONE - p.alpha**j) / (ONE - p.alpha)) ** 2, index=1)
    outer = p.spread / (ONE - p.alpha) ** 2
    terms = outer * board.total(lambda j: ONE - 2 * p.alpha**j + p.alpha ** (2 * j), index=1)
    general = (
        Line("brackets", brackets, f"the inner sum of {j} = {p.write(p.t + 1 - Sym(k))} terms is geometric"),
        Line("squared", terms, f"1/(1 − {a})² taken out, the squares multiplied out"),
        last,
    )
    return [*opening, *chain(target, *lines, *board.closing("Var_theta", *general))]


def _weighted(weight: Expr, gradient: Expr) -> Expr:
    """Write a weight and its gradient; before a Σ, so that the Σ does not take the gradient in."""
    return gradient if weight == ONE else Mul((gradient, weight) if isinstance(weight, Sum) else (weight, gradient))


def _special_cases(board: Board) -> list[Step]:
    """Check the cases that the closed forms leave out or hide, where α is a symbol."""
    if isinstance(board.asked.alpha, Num) or board.p.steps == 1:
        return []
    shown: dict[Expr, tuple[str, ...]] = {ONE: ("E_theta",), ZERO: ("E_theta",)}
    if not is_polynomial(board.asked.t):
        shown = {ONE: NAMES, ZERO: ("E_theta", "Var_theta"), MINUS_ONE: ("Var_v", "Var_theta")}
    targets = board.p.targets
    return [s for alpha, names in shown.items() for name in names for s in chain(targets[name], board.at(alpha, name))]
