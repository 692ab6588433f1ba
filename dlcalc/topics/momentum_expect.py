"""Expectation and variance of momentum under independent random gradients."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from math import isclose
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import scalar
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import (
    MAX_POWER_BITS,
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Relation,
    Sum,
    Sym,
    add,
    fold,
    number,
    power,
    power_bits,
    substitute,
    walk,
)
from dlcalc.notation.functions import call, exp, floor, ln
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import (
    COUNT,
    POSITIVE,
    REAL,
    Answer,
    Domain,
    Experiment,
    Route,
    Sequence,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
)
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dlcalc.notation.printing import Value

T, ALPHA, EPSILON = Sym("t"), Sym("alpha"), Sym("epsilon")
MU, SIGMA2, THETA0 = Sym("mu"), Sym("sigma2"), Sym("theta0")
Moments = dict[str, Expr]
NAMES = ("E_v", "E_theta", "Var_v", "Var_theta")

POLYNOMIAL = 6
"""Up to this t the answers are polynomials in α; above it, closed forms."""
WRITTEN_OUT = 4
"""Up to this t the derivation writes every gradient out; E and Var are evaluated over 2^t outcomes."""
FEW_STEPS = Domain(Fraction(1), Fraction(WRITTEN_OUT), whole=True)
SHORT = 10**12
"""Powers of numbers are computed while numerator and denominator stay below this; longer ones stay powers."""
MAX_T = 10**400
RUN_EXACTLY = 50
"""Up to this t the moments are run in exact fractions; above it, by powers of the matrix of one step."""
FAITHFUL = 1e-11
"""Relative error that decimals of a closed form may have."""
SIMULATED = 100
RUNS = 20_000
STANDARD_ERRORS = 5.0
LARGEST = Fraction(10**60)
"""Numbers that a simulation in floats may meet: their squares, and products of them, do not overflow."""
WIDE_DIGITS = 60
ROUNDING = 1e-12

IN_USE = {
    "g": "a gradient",
    "v": "the velocity",
    "v0": "the first velocity",
    "theta": "the parameter",
    "E": "the mean",
    "Var": "the variance",
}
SPELLINGS = {"t": (), "alpha": (), "epsilon": ("eps", "lr", "eta"), "mu": (), "sigma2": (), "theta0": ()}
"""The givens, and how else an answer may spell them."""


@dataclass(frozen=True, slots=True)
class Givens:
    """The six givens: as they were asked, or as the letters of the derivation."""

    t: Expr
    alpha: Expr
    epsilon: Expr
    mu: Expr
    sigma2: Expr
    theta0: Expr

    @property
    def each(self) -> tuple[Expr, ...]:
        """The six, in the order above."""
        return tuple(getattr(self, given.name) for given in fields(self))

    @property
    def drift(self) -> Expr:
        """The mean of one push, without its sign."""
        return self.epsilon * self.mu

    @property
    def spread(self) -> Expr:
        """The variance of one push."""
        return self.epsilon**2 * self.sigma2

    @property
    def targets(self) -> dict[str, Expr]:
        """What the four answers are: E(v[t]), E(theta[t]), Var(v[t]), Var(theta[t])."""
        v, theta = Entry("v", self.t), Entry("theta", self.t)
        found = (Call("E", (v,)), Call("E", (theta,)), Call("Var", (v,)), Call("Var", (theta,)))
        return dict(zip(NAMES, found, strict=True))


@topic(
    area="optimisation",
    answers=NAMES,
    examples=("--t 3", "--t t", "--t 5 --alpha 0.9 --lr 0.1 --mu 2 --sigma2 4 --theta0 1", "--t n --alpha 1"),
)
def momentum_expect(
    *,
    t: Annotated[Expr, scalar("-t", help="Steps: a whole number or a symbol (default t).", whole=True, least=0)] = T,
    alpha: Annotated[Expr, scalar("-a", "--momentum", help="Momentum coefficient α (default: a symbol).")] = ALPHA,
    epsilon: Annotated[
        Expr, scalar("-e", "--lr", "--learning-rate", "--eps", "--eta", help="Learning rate ε (default: a symbol).")
    ] = EPSILON,
    mu: Annotated[Expr, scalar("--mean", help="Mean μ of every gradient (default: a symbol).")] = MU,
    sigma2: Annotated[
        Expr, scalar("--variance", help="Variance σ² of every gradient (default: a symbol).", least=0)
    ] = SIGMA2,
    theta0: Annotated[Expr, scalar(help="Parameter θ_0 at the start (default: a symbol).")] = THETA0,
) -> Solution:
    """Mean and variance of v_t and θ_t under momentum with random gradients.

    For v_t = αv_{t−1} − εg_t, θ_t = θ_{t−1} + v_t from v_0 = 0 and a fixed θ_0, with independent gradients of mean μ
    and variance σ²: E(v_t) = −εμ(1 − αᵗ)/(1 − α), E(θ_t) = θ_0 − εμ/(1 − α)·(t − α(1 − αᵗ)/(1 − α)),
    Var(v_t) = ε²σ²(1 − α²ᵗ)/(1 − α²) and Var(θ_t) = ε²σ² Σ_{j=1}^t ((1 − αʲ)/(1 − α))²; α = 1, 0 and −1 have formulas
    of their own. The means need no independence, the variances do.
    Source: the rule as in Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.3.2; the moments follow.

    Raises DlcalcError when t is negative or no whole number, the variance is negative, or a number for α is so close
    to ±1 that decimals of the closed forms would be wrong.

    >>> print(momentum_expect(t=3)["E_theta"].value)
    theta0 - epsilon*mu*(3 + 2*alpha + alpha^2)
    """
    asked = Givens(t, alpha, epsilon, mu, sigma2, theta0)
    _refuse_what_has_no_reading(asked)
    _refuse_lost_digits(asked.t, asked.alpha)
    letters = Letters()
    board = Board(_lettered(asked, letters), asked, letters.values, moments(asked))
    p = board.p
    slips = _slips(asked, board.found) if t != ZERO else {}
    setting = _setting(p, asked, letters.domains)

    def work() -> Work:
        steps = _before_the_first_step(p) if t == ZERO else _derivation(board)
        return Work(tuple(steps), tuple(_routes(board, setting)))

    return Solution(
        answers=tuple(
            Answer(name, board.found[name], label=asked.targets[name], slips=slips.get(name, ())) for name in NAMES
        ),
        work=work,
        setting=setting,
        principal=NAMES,
        conventions=(f"{board.rule}, θ_t = θ_{{t−1}} + v_t; v_0 = 0 and {board.write(p.theta0)} is fixed, not random",),
        assumptions=tuple(_assumptions(board)),
        notes=tuple(_notes(asked)),
    )


# the formulas


def moments(p: Givens) -> dict[str, Expr]:
    """Find the four moments: polynomials in α for small t, closed forms else; every α has formulas that hold for it."""
    if _is_polynomial(p.t):
        return _polynomials(p, int(PLAIN.value(p.t, {})))
    found = {**_closed(p), **_special(p)}
    return {name: found[name] for name in NAMES}


def _is_polynomial(t: Expr) -> bool:
    return isinstance(t, Num) and t.value <= POLYNOMIAL


def _polynomials(p: Givens, t: int) -> dict[str, Expr]:
    def polynomial(coefficients: list[int], step: int = 1) -> Expr:
        return add(*(c * p.alpha ** (step * i) for i, c in enumerate(coefficients)))

    squares = [0] * max(2 * t - 1, 0)
    for length in range(1, t + 1):  # (1 + α + … + α^(length−1))² has the coefficients 1, 2, …, length, …, 2, 1
        for i in range(2 * length - 1):
            squares[i] += min(i + 1, 2 * length - 1 - i)
    return {
        "E_v": -(p.drift * polynomial([1] * t)),
        "E_theta": p.theta0 - p.drift * polynomial([t - i for i in range(t)]),
        "Var_v": p.spread * polynomial([1] * t, step=2),
        "Var_theta": p.spread * polynomial(squares),
    }


def _closed(p: Givens) -> dict[str, Expr]:
    """Write the closed forms that hold for this α: the means need α ≠ 1, the variances α ≠ ±1."""
    if p.alpha == ONE:
        return {}
    rest = _one_minus(p.alpha)
    inner = _from_first_power(p.alpha, p.t)
    means = {
        "E_v": -_over(p.drift * (ONE - _raised(p.alpha, p.t)), rest),
        "E_theta": p.theta0 - _over(p.drift, rest) * (p.t - inner),
    }
    if p.alpha == MINUS_ONE:
        return means
    return {
        **means,
        "Var_v": _over(p.spread * (ONE - _raised(p.alpha, p.t, step=2)), _one_minus(p.alpha**2)),
        "Var_theta": _over(p.spread, rest**2)
        * (p.t - _from_first_power(p.alpha, p.t, times=2) + _from_first_power(p.alpha, p.t, step=2)),
    }


def _special(p: Givens) -> dict[str, Expr]:
    """Write what α = 1, 0 and −1 make of the sums; nothing for any other α."""
    t = p.t
    if p.alpha == ONE:
        return {
            "E_v": -(p.drift * t),
            "E_theta": p.theta0 - p.drift * t * (t + 1) / 2,
            "Var_v": p.spread * t,
            "Var_theta": p.spread * t * (t + 1) * (2 * t + 1) / 6,
        }
    if p.alpha == ZERO:
        return {"E_v": -p.drift, "E_theta": p.theta0 - p.drift * t, "Var_v": p.spread, "Var_theta": p.spread * t}
    if p.alpha == MINUS_ONE:
        return {"Var_v": p.spread * t, "Var_theta": p.spread * (2 * t + 1 - MINUS_ONE**t) / 4}
    return {}


def _from_first_power(alpha: Expr, t: Expr, step: int = 1, times: int = 1) -> Expr:
    """Write Σ_{j=1}^t α^(step·j), so many times: a geometric sum that starts at its first power."""
    ratio = alpha**step
    return _over(times * ratio * (ONE - _raised(alpha, t, step)), _one_minus(ratio))


def _over(numerator: Expr, denominator: Expr) -> Expr:
    """Divide; by a number as a coefficient in front."""
    return number(1 / denominator.value) * numerator if isinstance(denominator, Num) else numerator / denominator


def _one_minus(value: Expr) -> Expr:
    if not isinstance(value, Add):
        return ONE - value
    from dlcalc.symbolic import expanded

    return expanded(ONE - value)  # 1 − (1 − b) is b


def _raised(base: Expr, t: Expr, step: int = 1) -> Expr:
    """Write base^(step·t); of numbers, as a number while that is short, and where it is endless by its logarithm."""
    exponent = step * t
    if not isinstance(base, Num) or not isinstance(t, Num) or not isinstance(exponent, Num):
        return base**exponent
    value = power(base, exponent)
    if isinstance(value, Num) and max(abs(value.value.numerator), value.value.denominator) <= SHORT:
        return value
    if power_bits(base.value, 2 * t.value) <= MAX_POWER_BITS:
        return Pow(base, exponent)
    size = exp(exponent * ln(number(abs(base.value))))  # the notation reads no power as long as that
    return -size if base.value < 0 and exponent.value % 2 else size


# what can be asked


def _refuse_what_has_no_reading(asked: Givens) -> None:
    for given in fields(asked):
        for name in symbols(getattr(asked, given.name)):
            if name in IN_USE:
                raise DlcalcError(f"{given.name} uses {name}, which is {IN_USE[name]} here", "use another letter")
    shared = symbols(asked.t) & symbols(asked.alpha)
    if shared:
        raise DlcalcError(f"t and alpha both use {min(shared)}", "use another letter for one of them")
    if isinstance(asked.t, Num) and asked.t.value >= MAX_T:
        raise DlcalcError("t has more than 400 digits", "use a symbol, --t t")
    if not any(_few(asked.t, n) for n in range(1, 10)) and not isinstance(asked.t, Num):
        raise DlcalcError(
            f"t {plain(asked.t)} is no whole number from 1 to {WRITTEN_OUT} for symbols from 1 to 9, "
            "so no line of it could be checked",
            "use a symbol, --t t, or a number",
        )


def _refuse_lost_digits(t: Expr, alpha: Expr) -> None:
    """Refuse an α so close to ±1 that the terms of the closed forms cancel and floats keep too few digits."""
    if not isinstance(t, Num) or not isinstance(alpha, Num) or abs(alpha.value) == 1:
        return
    right = _in_many_digits(int(t.value), alpha.value)
    for name, value in moments(Givens(t, alpha, ONE, MINUS_ONE, ONE, ZERO)).items():
        found = approximate(value)
        if right and found is not None and not isclose(found, right[name], rel_tol=FAITHFUL):
            raise DlcalcError(
                f"alpha {plain(alpha)} is so close to {round(alpha.value)} that at t = {plain(t)} the terms of {name} "
                "cancel and its decimals would be wrong",
                "leave alpha a symbol, --alpha alpha, for the exact formula",
            )


def _in_many_digits(t: int, alpha: Fraction) -> dict[str, float]:
    """Compute the sums over the weights with more digits than can cancel; nothing where floats cannot hold them."""
    from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, DecimalException, localcontext

    digits = WIDE_DIGITS + 3 * max(alpha.numerator.bit_length(), alpha.denominator.bit_length())
    with localcontext(Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        try:
            a = Decimal(alpha.numerator) / alpha.denominator
            power, rest, squares = a**t, 1 - a, 1 - a * a
            inner, squared = a * (1 - power) / rest, a * a * (1 - power * power) / squares
            found = {
                "E_v": (1 - power) / rest,
                "E_theta": (t - inner) / rest,
                "Var_v": (1 - power * power) / squares,
                "Var_theta": (t - 2 * inner + squared) / (rest * rest),
            }
        except DecimalException:
            return {}
    return {name: float(value) for name, value in found.items()}


def _few(t: Expr, n: int) -> bool:
    """Say whether the number of steps is small and whole when its symbols are n."""
    try:
        steps = PLAIN.value(t, dict.fromkeys(symbols(t), Fraction(n)))
    except (ArithmeticError, ValueError):
        return False
    return bool(1 <= steps <= WRITTEN_OUT and int(steps) == steps)


def _lettered(asked: Givens, letters: Letters) -> Givens:
    """Choose the letters of the derivation; symbols of the givens come first, so that no letter takes their name."""
    domains = {"t": FEW_STEPS if isinstance(asked.t, Sym) else COUNT, "sigma2": POSITIVE}
    for name in ("t", "sigma2", "alpha", "epsilon", "mu", "theta0"):
        for inner in sorted(symbols(getattr(asked, name))):
            letters.domains.setdefault(inner, domains.get(name, REAL))
    return Givens(
        t=letters.letter("t", asked.t, FEW_STEPS) if _is_many(asked.t) else asked.t,
        alpha=letters.letter("alpha", asked.alpha, REAL),
        epsilon=letters.letter("epsilon", asked.epsilon, REAL),
        mu=letters.letter("mu", asked.mu, REAL),
        sigma2=asked.sigma2 if _deviation(asked.sigma2) else letters.letter("sigma2", asked.sigma2, POSITIVE),
        theta0=letters.letter("theta0", asked.theta0, REAL),
    )


def _deviation(sigma2: Expr) -> Sym | None:
    """Find the symbol whose square the variance is: sigma^2."""
    return (
        sigma2.base
        if isinstance(sigma2, Pow) and sigma2.exponent == number(2) and isinstance(sigma2.base, Sym)
        else None
    )


def _is_many(t: Expr) -> bool:
    return isinstance(t, Num) and t.value > WRITTEN_OUT


def _constraints(p: Givens, asked: Givens) -> Iterator[Relation]:
    """Say which points the lines are evaluated at."""
    if isinstance(p.sigma2, Sym):  # deviations that are fractions keep E and Var exact
        root = call("sqrt", 16 * p.sigma2)
        yield Relation(floor(root), "=", root)
    for alpha in dict.fromkeys((p.alpha, asked.alpha)):
        if not isinstance(alpha, Num):
            yield from (Relation(alpha, "!=", pole) for pole in (ONE, MINUS_ONE))
    for given in asked.each:
        if not isinstance(given, Num | Sym):
            yield Relation(given, "=", given)  # where 1/b is given, b = 0 is no point
    if not isinstance(p.t, Num | Sym):
        yield from (Relation(ONE, "<=", p.t), Relation(p.t, "<=", number(WRITTEN_OUT)), Relation(floor(p.t), "=", p.t))


def _setting(p: Givens, asked: Givens, domains: dict[str, Domain]) -> Setting:
    """Say what the names stand for; v and theta are found by running the rule."""

    def run(point: Mapping[str, Any], steps: int) -> tuple[Fraction, Fraction]:
        if not 0 <= steps <= len(point["g"]):
            raise IndexError(steps)
        a, e = PLAIN.value(p.alpha, point), PLAIN.value(p.epsilon, point)
        v, theta = Fraction(0), PLAIN.value(p.theta0, point)
        for gradient in point["g"][:steps]:
            v = a * v - e * gradient
            theta += v
        return v, theta

    if isinstance(p.t, Num):  # an answer to a question about t = 3 may still say t
        domains = {"t": Domain(p.t.value, p.t.value, whole=True), **domains}
    aliases = {other: getattr(p, name) for name, others in SPELLINGS.items() for other in (name, *others)}
    aliases["sigma"] = _deviation(p.sigma2) or call("sqrt", p.sigma2)
    return Setting(
        domains=domains,
        constraints=tuple(_constraints(p, asked)),
        sequences={"g": Sequence(p.t, mean=p.mu, variance=p.sigma2)},
        definitions={"v": lambda point, t: run(point, t)[0], "theta": lambda point, t: run(point, t)[1]},
        families=frozenset({"v", "theta"}),
        aliases={name: value for name, value in aliases.items() if name not in domains},
        display={"sigma2": "σ²"} if p.sigma2 == SIGMA2 else {},
    )


def _notes(asked: Givens) -> Iterator[str]:
    a, e = asked.alpha, asked.epsilon
    if isinstance(a, Num) and not 0 <= a.value < 1:
        grows = "the velocity does not settle" if abs(a.value) >= 1 else "older gradients count with changing signs"
        yield f"α = {unicode(a)} is outside 0 ≤ α < 1: the formulas hold, but {grows}"
    if asked.sigma2 == Sym("sigma"):
        yield "σ stands for the variance itself; where it is the standard deviation, give --sigma2 sigma^2"
    if isinstance(e, Num) and e.value <= 0:
        yield f"ε = {unicode(e)} is not positive: the formulas hold, but this is no descent"


def _assumptions(board: Board) -> Iterator[str]:
    p, write, steps = board.p, board.write, board.steps
    gradients = f"g_1, …, {write(Entry('g', board.asked.t))}"
    if steps is not None:
        gradients = ", ".join(f"g_{k}" for k in range(1, steps + 1))
    moments_of_one = f"mean {write(p.mu)} and variance {write(p.sigma2)}"
    if steps == 1:
        yield f"g_1 has {moments_of_one}"
    elif steps != 0:
        yield f"{gradients} are independent, each with {moments_of_one}; the means need no independence"
    if not isinstance(board.asked.t, Num):
        yield f"{write(board.asked.t)} is a whole number, at least 1"
    if not isinstance(board.asked.alpha, Num) and not _is_polynomial(board.asked.t):
        a = write(board.asked.alpha)
        yield f"{a} ≠ 1 in the means, {a} ≠ ±1 in the variances; the last lines say what holds there"


# the derivation


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chain of equations, without the line that it continues."""

    rule: str
    after: Expr
    because: str
    where: Mapping[str, Expr] = field(default_factory=dict)


def _chain(target: Expr, *lines: Line) -> list[Step]:
    """Join lines to steps, each from the line before; a line that would repeat it is left out."""
    steps: list[Step] = []
    before = target
    for line in lines:
        if plain(line.after) != plain(before):
            steps.append(Step(line.rule, target, before, line.after, line.because, where=line.where))
            before = line.after
    return steps


@dataclass(frozen=True, slots=True)
class Board:
    """What the derivation is written with: its letters, what they stand for, and where it must arrive."""

    p: Givens
    asked: Givens
    values: Mapping[str, Expr]
    found: Mapping[str, Expr]

    @property
    def steps(self) -> int | None:
        """How many gradients are written out; None where sums stand for them."""
        return int(self.p.t.value) if isinstance(self.p.t, Num) else None

    @property
    def rule(self) -> str:
        """How v moves, in the letters of the question."""
        return f"v_t = {self.write(self.p.alpha)} v_{{t−1}} − {self.write(self.p.epsilon)} g_t"

    def write(self, value: Expr) -> str:
        """Write a formula into a sentence."""
        return unicode(value, {"sigma2": "σ²"} if self.p.sigma2 == SIGMA2 else {}).replace("-", "−")

    def index(self, place: int) -> str:
        """Choose an index that no given uses: the first, second or third of a formula."""
        taken = symbols(*self.asked.each)
        return [name for name in "kjilmnqrs" if name not in taken][place]

    def total(self, body: Callable[[Expr], Expr], *, index: int = 0, last_first: bool = False) -> Expr:
        """Add up over 1, …, t: a Σ, or every term written out."""
        if self.steps is None:
            k = self.index(index)
            return Sum(k, ONE, self.p.t, body(Sym(k)))
        terms = [body(number(k)) for k in range(1, self.steps + 1)]
        return _added(*(reversed(terms) if last_first else terms))

    def powers(self, first: int, last: Expr, *, index: int) -> Expr:
        """Add up the powers of α from the first to the last."""
        if isinstance(last, Num):
            return _added(*(self.p.alpha**i for i in range(first, int(last.value) + 1)))
        i = self.index(index)
        return Sum(i, number(first), last, self.p.alpha ** Sym(i))

    def is_special(self, name: str) -> bool:
        """Say whether the α that was asked has a formula of its own for an answer."""
        return name in _special(self.asked)

    def closing(self, name: str, *general: Line) -> list[Line]:
        """Close a sum by the lines of the general case, or as the special α asks; then put the givens in."""
        lines = (_at(self, self.asked.alpha, name),) if self.is_special(name) else general
        formula = lines[-1].after
        used = {letter: value for letter, value in self.values.items() if letter in symbols(formula)}
        if not used:
            return [*lines]
        inserted = _exponents_computed(substitute(formula, used))
        if _has_endless_power(inserted):
            a = self.write(self.p.alpha)
            because = f"the givens put in; a power {a}ⁿ as exp(n ln |{a}|) with its sign"
            return [*lines, Line(f"{name}-givens", self.found[name], because, used)]
        divided = "divided out" if _is_polynomial(self.asked.t) and self.steps is None else "collected"
        because = "computed" if isinstance(self.found[name], Num) else divided
        put_in = Line(f"{name}-givens", inserted, "the givens put in", used)
        return [*lines, put_in, Line(f"{name}-value", self.found[name], because, used)]

    def joined(self, target: Expr, lines: list[Line], last: Line) -> list[Step]:
        """Go on in letters; from the target again, where numbers were put in."""
        in_numbers = bool(lines[-1].where)
        return [*_chain(target, *lines), *_chain(target, last)] if in_numbers else _chain(target, *lines, last)


def _added(*terms: Expr) -> Expr:
    return terms[0] if len(terms) == 1 else Add(terms)


def _exponents_computed(node: Expr) -> Expr:
    """Compute the exponents, and nothing else: α^(2·5) is α^10."""
    match node:
        case Add(terms):
            return Add(tuple(map(_exponents_computed, terms)))
        case Mul(factors):
            return Mul(tuple(map(_exponents_computed, factors)))
        case Div(numerator, denominator):
            return Div(_exponents_computed(numerator), _exponents_computed(denominator))
        case Pow(base, exponent):
            return Pow(base, fold(exponent))
    return node


def _has_endless_power(value: Expr) -> bool:
    """Say whether a power of numbers stands there that the notation does not read."""
    return any(
        isinstance(node, Pow)
        and isinstance(node.base, Num)
        and isinstance(node.exponent, Num)
        and power_bits(node.base.value, node.exponent.value) > MAX_POWER_BITS
        for node in walk(value)
    )


def _at(board: Board, alpha: Expr, name: str) -> Line:
    """Write the line that holds at one α only."""
    letter = board.p.alpha
    because = f"at {board.write(letter)} = {board.write(alpha)}: {_reason(board, alpha, name)}"
    rule = "inner-sum" if (alpha, name) == (ZERO, "E_theta") else f"{name}-special"
    return Line(rule, _special(replace(board.p, alpha=alpha))[name], because, {plain(letter): alpha})


def _reason(board: Board, alpha: Expr, name: str) -> str:
    """Say why the sums become what `_special` writes."""
    t, write, push = board.p.t, board.write, board.write(-board.p.drift)
    last = board.index(1)
    upto, squares = f"1 + … + {_factor(t)}", f"1² + … + {_factor(t)}²"
    if board.steps is not None:
        upto, squares = (" + ".join(f"{n}{power}" for n in range(1, board.steps + 1)) for power in ("", "²"))
    reasons: dict[tuple[Expr, str], str] = {
        (ONE, "E_v"): "every term of the sum is 1",
        (ONE, "E_theta"): f"E(v_{last}) is {last} times {push}, and {upto} = {write(t * (t + 1) / 2)}",
        (ONE, "Var_v"): "every term of the sum is 1",
        (ONE, "Var_theta"): f"the inner sums count their terms, and {squares} = {write(t * (t + 1) * (2 * t + 1) / 6)}",
        (ZERO, "E_v"): "only the newest gradient counts",
        (ZERO, "E_theta"): f"every E(v_{last}) is {push}; the inner sum starts at {write(board.p.alpha)}¹, so it is 0",
        (ZERO, "Var_v"): "only the newest gradient counts",
        (ZERO, "Var_theta"): "every gradient moves θ once, with weight 1",
        (MINUS_ONE, "Var_v"): "every even power is 1",
        (MINUS_ONE, "Var_theta"): "the inner sums are 1 and 0 in turn",
    }
    return reasons[alpha, name]


def _factor(t: Expr) -> str:
    """Write the number of steps so that it may stand before a letter."""
    return unicode(t) if isinstance(t, Num | Sym) else f"({unicode(t)})"


def _before_the_first_step(p: Givens) -> list[Step]:
    lines = {
        "E_v": Line("start", ZERO, "v_0 = 0, before the first gradient"),
        "E_theta": Line("start", p.theta0, "a fixed number is its own mean"),
        "Var_v": Line("start", ZERO, "v_0 = 0 is no random number"),
        "Var_theta": Line("start", ZERO, "a fixed number has no variance"),
    }
    return [step for name, line in lines.items() for step in _chain(p.targets[name], line)]


def _derivation(board: Board) -> list[Step]:
    return [
        *_mean_of_v(board),
        *_mean_of_theta(board),
        *_variance_of_v(board),
        *_variance_of_theta(board),
        *_special_cases(board),
    ]


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
    mean = Line("mean", summed, f"every gradient has mean {board.write(p.mu)}")
    geometric = Line("geometric", _closed(p)["E_v"], f"geometric sum, {board.write(p.alpha)} ≠ 1")
    return [
        *_chain(v, Line("unroll", weighted(_gradient), f"unrolling {board.rule} from v_0 = 0")),
        *_chain(
            p.targets["E_v"],
            Line("linearity", weighted(lambda k: _mean(_gradient(k))), "expectation is linear"),
            mean,
            *board.closing("E_v", mean if board.steps == 1 else geometric),
        ),
    ]


def _mean_of_theta(board: Board) -> list[Step]:
    p, target = board.p, board.p.targets["E_theta"]
    path = add(p.theta0, board.total(lambda j: Entry("v", j), index=1))
    means = add(p.theta0, board.total(lambda j: _mean(Entry("v", j)), index=1))
    opening = _chain(Entry("theta", p.t), Line("path", path, "adding up θ_t = θ_{t−1} + v_t"))
    linear = Line("linearity-theta", means, f"expectation is linear, {board.write(p.theta0)} is fixed")
    rate = p.drift / (ONE - p.alpha)
    split = p.theta0 - rate * (p.t - board.powers(1, p.t, index=1))
    if board.steps is not None:
        brackets = p.theta0 - p.drift * board.total(lambda j: board.powers(0, j - 1, index=2))
        inserted = Line("insert", brackets, "the mean of every v put in")
        collected = Line("collect", _polynomials(p, board.steps)["E_theta"], "like powers collected")
        lines = [linear, inserted, *board.closing("E_theta", collected)]
        if board.steps == 1 or board.asked.alpha == ONE:
            return [*opening, *_chain(target, *lines)]
        apart = Line("split", split, f"every bracket is a geometric sum, {board.write(p.alpha)} ≠ 1")
        found = board.joined(target, lines, apart)
        return [*opening, *found, *_inner_sum(board), *_chain(target, _closed_theta(board))]
    if board.is_special("E_theta"):
        return [*opening, *_chain(target, linear, *board.closing("E_theta"))]
    ones = p.theta0 - rate * board.total(lambda j: ONE - p.alpha**j, index=1)
    inserted = Line("insert", ones, f"every E(v_{board.index(1)}) put in, {board.write(-rate)} taken out of the sum")
    apart = Line("split", split, f"the ones add up to {board.write(p.t)}")
    return [
        *opening,
        *_chain(target, linear, inserted, apart),
        *_inner_sum(board),
        *_chain(target, *board.closing("E_theta", _closed_theta(board))),
    ]


def _inner_sum(board: Board) -> list[Step]:
    p, a = board.p, board.write(board.p.alpha)
    because = f"a geometric sum that starts at {a}¹, not at {a}⁰"
    return _chain(board.powers(1, p.t, index=1), Line("inner-sum", _from_first_power(p.alpha, p.t), because))


def _closed_theta(board: Board) -> Line:
    return Line("closed-theta", _closed(board.p)["E_theta"], "the inner sum put in")


def _variance_of_v(board: Board) -> list[Step]:
    p = board.p

    def weighted(term: Callable[[Expr], Expr]) -> Expr:
        return board.total(lambda k: p.alpha ** (2 * (p.t - k)) * term(k), last_first=True)

    independent = p.epsilon**2 * weighted(lambda k: _variance(_gradient(k)))
    summed = Line(
        "variance", p.spread * weighted(lambda _: ONE), f"every gradient has variance {board.write(p.sigma2)}"
    )
    ratio = board.write(p.alpha**2)
    geometric = Line("squares", _closed(p)["Var_v"], f"geometric sum of ratio {ratio}, {board.write(p.alpha)} ≠ ±1")
    return _chain(
        p.targets["Var_v"],
        Line("independence", independent, _independent(board)),
        summed,
        *board.closing("Var_v", summed if board.steps == 1 else geometric),
    )


def _independent(board: Board) -> str:
    return (
        "constants come out squared" if board.steps == 1 else "independent: variances add, constants come out squared"
    )


def _variance_of_theta(board: Board) -> list[Step]:
    p, target, a = board.p, board.p.targets["Var_theta"], board.write(board.p.alpha)

    def weight(k: Expr) -> Expr:
        return board.powers(0, p.t - k, index=2)

    def squared(term: Callable[[Expr], Expr]) -> Expr:
        return board.total(lambda k: weight(k) ** 2 * term(k), last_first=True)

    k, j = board.index(0), board.index(1)
    gathered = p.theta0 - p.epsilon * board.total(lambda k: _weighted(weight(k), _gradient(k)), last_first=True)
    enters = f"g_{k} enters v_{k}, …, {board.write(Entry('v', p.t))} with the weights 1, {a}, {a}², …"
    opening = _chain(Entry("theta", p.t), Line("weights", gathered, "v_1 put in" if board.steps == 1 else enters))
    lines = [
        Line(
            "independence-theta",
            p.epsilon**2 * squared(lambda k: _variance(_gradient(k))),
            f"{_independent(board)}; {board.write(p.theta0)} has none",
        ),
        Line(
            "variance-theta", p.spread * squared(lambda _: ONE), f"every gradient has variance {board.write(p.sigma2)}"
        ),
    ]
    closed = Line("closed-variance", _closed(p)["Var_theta"], f"all three sums are closed, {a} ≠ ±1")
    if board.steps is not None:
        collected = Line("collect-variance", _polynomials(p, board.steps)["Var_theta"], "like powers collected")
        lines = [*lines, *board.closing("Var_theta", collected)]
        if board.steps == 1 or board.is_special("Var_theta"):
            return [*opening, *_chain(target, *lines)]
        return [*opening, *board.joined(target, lines, closed)]
    if board.is_special("Var_theta"):
        return [*opening, *_chain(target, *lines, *board.closing("Var_theta"))]
    brackets = p.spread * board.total(lambda j: ((ONE - p.alpha**j) / (ONE - p.alpha)) ** 2, index=1)
    outer = p.spread / (ONE - p.alpha) ** 2
    terms = outer * board.total(lambda j: ONE - 2 * p.alpha**j + p.alpha ** (2 * j), index=1)
    general = (
        Line("brackets", brackets, f"the inner sum of {j} = {board.write(p.t + 1 - Sym(k))} terms is geometric"),
        Line("squared", terms, f"1/(1 − {a})² taken out, the squares multiplied out"),
        closed,
    )
    return [*opening, *_chain(target, *lines, *board.closing("Var_theta", *general))]


def _weighted(weight: Expr, gradient: Expr) -> Expr:
    """Write a weight and its gradient; before a Σ, so that the Σ does not take the gradient in."""
    return gradient if weight == ONE else Mul((gradient, weight) if isinstance(weight, Sum) else (weight, gradient))


def _special_cases(board: Board) -> list[Step]:
    """Check the cases that the closed forms leave out or hide, where α is a symbol."""
    if isinstance(board.asked.alpha, Num) or board.steps == 1:
        return []
    shown: dict[Expr, tuple[str, ...]] = {ONE: ("E_theta",), ZERO: ("E_theta",)}
    if not _is_polynomial(board.asked.t):
        shown = {ONE: NAMES, ZERO: ("E_theta", "Var_theta"), MINUS_ONE: ("Var_v", "Var_theta")}
    targets = board.p.targets
    return [
        s for alpha, names in shown.items() for name in names for s in _chain(targets[name], _at(board, alpha, name))
    ]


# the independent routes


def _routes(board: Board, setting: Setting) -> Iterator[Route | Experiment]:
    asked, claim = board.asked, "the four moments"
    if isinstance(asked.t, Num) and not _runs_exactly(asked.t.value, asked.alpha):
        steps = int(asked.t.value)
        method = f"the matrix of one step, to the power {steps}"
        yield Experiment(claim, method, lambda seed: _by_matrix(board, setting, steps, seed))
    else:
        method = "the recurrences of the means, variances and covariance, run step by step"
        yield Route(
            claim, method, tuple(board.found[name] for name in NAMES), lambda point: _run(_numbers(asked, point))
        )
    if _is_simulated(asked):
        yield Experiment(
            claim,
            f"{RUNS:,} simulated runs with normal gradients, the farthest in standard errors",
            lambda seed: (_farthest(_at_random(board, setting, seed), seed), STANDARD_ERRORS),
        )


Numbers = dict[str, Any]
"""The givens as exact numbers, by their names."""


def _numbers(p: Givens, point: Mapping[str, Any]) -> Numbers:
    return {given.name: PLAIN.value(getattr(p, given.name), point) for given in fields(p)}


def _run(n: Numbers) -> list[Any]:
    """Run the moments of (v, θ) step by step: what one step does to means, variances and their covariance."""
    mean_v, mean_theta, var_v, var_theta, covariance = 0, n["theta0"], 0, 0, 0
    a = n["alpha"]
    for _ in range(int(n["t"])):
        mean_v = a * mean_v - n["epsilon"] * n["mu"]
        mean_theta += mean_v
        with_new_v = a * covariance  # of θ before the step with v after it
        var_v = a**2 * var_v + n["epsilon"] ** 2 * n["sigma2"]
        var_theta += 2 * with_new_v + var_v
        covariance = with_new_v + var_v
    return [mean_v, mean_theta, var_v, var_theta]


def _by_matrix(board: Board, setting: Setting, steps: int, seed: int) -> tuple[float, float]:
    """Raise the matrix that takes all moments one step on to the power t, in wide arithmetic; return the error."""
    import mpmath

    from dlcalc.numeric import TOLERANCE, WIDE, sample

    point = sample(setting, seed, 1).points[0]
    with mpmath.workdps(WIDE_DIGITS):
        n = {name: WIDE.number(Fraction(value)) for name, value in _numbers(board.asked, point).items()}
        a, push, noise = n["alpha"], -n["epsilon"] * n["mu"], n["epsilon"] ** 2 * n["sigma2"]
        one_step = mpmath.matrix(
            [  # mean of v, mean of θ, Var v, Cov(θ, v), Var θ, 1
                [a, 0, 0, 0, 0, push],
                [a, 1, 0, 0, 0, push],
                [0, 0, a**2, 0, 0, noise],
                [0, 0, a**2, a, 0, noise],
                [0, 0, a**2, 2 * a, 1, noise],
                [0, 0, 0, 0, 0, 1],
            ]
        )
        after = one_step**steps * mpmath.matrix([0, n["theta0"], 0, 0, 0, 1])
        ran = (after[0], after[1], after[2], after[4])
        answers = [WIDE.value(board.found[name], point) for name in NAMES]
        return float(max(abs(a - b) / max(1, abs(b)) for a, b in zip(answers, ran, strict=True))), TOLERANCE


def _runs_exactly(t: Fraction, alpha: Expr) -> bool:
    """Say whether the recurrences are run in exact fractions: few steps, of numbers that stay short."""
    bits = power_bits(alpha.value, 2 * t) if isinstance(alpha, Num) else 0
    return t <= RUN_EXACTLY and bits <= MAX_POWER_BITS


def _is_simulated(asked: Givens) -> bool:
    """Say whether floats hold the runs of a simulation, and few enough steps make them."""
    numbers = [abs(n.value) for n in asked.each if isinstance(n, Num)]
    if any(n > LARGEST or 0 < n < 1 / LARGEST for n in numbers):
        return False
    if not isinstance(asked.t, Num):
        return True
    a = abs(asked.alpha.value) if isinstance(asked.alpha, Num) else REAL.high
    return asked.t.value <= SIMULATED and max(a, Fraction(1)) ** int(asked.t.value) <= LARGEST


def _at_random(board: Board, setting: Setting, seed: int) -> Givens:
    """Put numbers for the givens: those asked, and random ones for what is no number."""
    from dlcalc.numeric import sample

    drawn = _numbers(board.p, sample(setting, seed, 1).points[0])
    asked = {given.name: getattr(board.asked, given.name) for given in fields(board.asked)}
    return Givens(**{name: v if isinstance(v, Num) else number(drawn[name]) for name, v in asked.items()})


def _farthest(p: Givens, seed: int) -> float:
    """Simulate many runs; return how many standard errors their moments lie from the answers, at worst."""
    import numpy as np

    t, a, e, mu, variance, theta0 = (float(PLAIN.value(given, {})) for given in p.each)
    generator = np.random.default_rng(seed)
    v, theta = np.zeros(RUNS), np.full(RUNS, theta0)
    largest = abs(theta0)
    for _ in range(int(t)):
        v = a * v - e * (mu + variance**0.5 * generator.standard_normal(RUNS))
        theta = theta + v
        largest = max(largest, float(np.abs(v).max()), float(np.abs(theta).max()))
    expected = {name: approximate(value) or 0.0 for name, value in moments(p).items()}
    rounding = ROUNDING * (1 + largest)
    far = []
    for runs, mean, spread in ((v, "E_v", "Var_v"), (theta, "E_theta", "Var_theta")):
        error = (expected[spread] / RUNS) ** 0.5 + rounding
        far.append(abs(float(runs.mean()) - expected[mean]) / error)
        error = expected[spread] * (2 / (RUNS - 1)) ** 0.5 + rounding**2
        far.append(abs(float(runs.var(ddof=1)) - expected[spread]) / error)
    return float(np.max(far))


# common slips


def _slips(p: Givens, found: Mapping[str, Expr]) -> dict[str, tuple[Slip, ...]]:
    """List what is handed in instead; `unit` holds the bare sums over the weights."""
    unit = moments(replace(p, epsilon=ONE, mu=MINUS_ONE, sigma2=ONE, theta0=ZERO))
    earlier, later = (moments(replace(p, t=p.t + shift)) for shift in (-1, 1))
    listed = {
        "E_v": _slips_of_mean_v(p, unit, earlier, later),
        "E_theta": _slips_of_mean_theta(p, unit, earlier, later),
        "Var_v": _slips_of_variance_v(p, unit, earlier, later),
        "Var_theta": _slips_of_variance_theta(p, unit, earlier, later),
    }
    return {name: tuple(_different(slips, found[name])) for name, slips in listed.items()}


def _different(slips: Iterable[Slip], right: Expr) -> Iterator[Slip]:
    """Leave out what is right after all for this α or t, and what an earlier slip explains."""
    seen: set[Value] = {right}
    for slip in slips:
        if slip.value not in seen:
            seen.add(slip.value)
            yield slip


def _slips_of_mean_v(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total = unit["E_v"]
    yield Slip(p.drift * total, "the sign is reversed: v carries −ε, so it moves against μ", "unroll")
    yield Slip(earlier["E_v"], "that is one step too few: the powers run from α⁰ to α^{t−1}, t of them", "unroll")
    yield Slip(later["E_v"], "that is one step too many: the powers run from α⁰ to α^{t−1}, t of them", "unroll")
    yield Slip(-(p.drift * p.alpha * total), "the newest gradient has weight 1: the sum starts at α⁰", "unroll")
    yield Slip(-(p.drift * p.t), "that is α = 1; older gradients count less, by a factor α per step", "unroll")
    yield Slip(-p.drift, "that is one step alone; the older gradients still count, α, α², …", "unroll")
    yield Slip(-(p.mu * total), "the learning rate ε is missing", "unroll")
    yield Slip(p.mu * total, "that is v for the rule v_t = αv_{t−1} + g_t; here v holds −ε already", "unroll")
    yield Slip(-(p.epsilon * total), "the mean μ is missing", "mean")
    if p.alpha != ONE:
        rest = _one_minus(p.alpha)
        undivided = "the sum is divided by 1 − α (undivided it belongs to v_t = αv_{t−1} − (1 − α)εg_t)"
        yield Slip(-(p.drift * rest * total), undivided, "geometric")
        yield Slip(-(p.drift / rest), "that is the limit for t → ∞ (|α| < 1), not the value after t steps", "geometric")


def _slips_of_mean_theta(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total, velocity = unit["E_theta"], unit["E_v"]
    fewer = unicode(p.t - 1) if isinstance(p.t, Num) else f"({unicode(p.t)} − 1)"
    if p.alpha == ONE:
        yield Slip(earlier["E_theta"], "that is one step too few: v_1, …, v_t all move θ", "path")
    else:
        yield Slip(
            earlier["E_theta"],
            "the geometric sum Σ_{j=1}^t αʲ starts at α¹, so it is α(1 − αᵗ)/(1 − α), not (1 − αᵗ)/(1 − α); at α = 0 "
            f"this form gives θ_0 − {fewer}εμ instead of θ_0 − {_factor(p.t)}εμ: it is E(θ_{{t−1}}), one step too few",
            "inner-sum",
        )
        limit = "that takes every E(v_j) at its limit −εμ/(1 − α); they start smaller"
        yield Slip(p.theta0 - _over(p.drift, _one_minus(p.alpha)) * p.t, limit, "insert")
    yield Slip(p.theta0 + p.drift * total, "the sign is reversed: θ moves against μ", "insert")
    yield Slip(-(p.drift * total), "the start θ_0 is missing", "path")
    yield Slip(p.theta0 - p.drift * velocity, "only the last v is added: θ_t = θ_0 + v_1 + … + v_t", "path")
    yield Slip(p.theta0 - p.drift * p.t * velocity, "the v_j are not all as large as the last one", "insert")
    yield Slip(p.theta0 - p.drift * p.t, "that is plain gradient descent, α = 0", "insert")
    yield Slip(later["E_theta"], "that is one step too many: v_1, …, v_t move θ", "path")
    yield Slip(p.theta0 - p.mu * total, "the learning rate ε is missing", "insert")
    yield Slip(p.theta0 - p.epsilon * total, "the mean μ is missing", "insert")


def _slips_of_variance_v(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total, weights = unit["Var_v"], unit["E_v"]
    yield from _slips_of_scale(p, total, "independence")
    yield Slip(
        p.spread * weights**2,
        "the weights are squared one by one, not their sum: (1 + α + …)² would be one gradient used t times",
        "independence",
    )
    yield Slip(p.spread * weights, "the weights come out squared: 1, α², α⁴, …", "independence")
    if p.alpha not in {ONE, MINUS_ONE}:
        rest = _one_minus(p.alpha)
        squares = _one_minus(p.alpha**2)
        yield Slip(p.spread * weights * rest / squares, "the power is squared too: α²ᵗ, not αᵗ", "squares")
        yield Slip(
            p.spread * total * squares / rest**2,
            "the ratio is α², so the denominator is 1 − α², not (1 − α)²",
            "squares",
        )
        yield Slip(
            p.spread * total * squares / rest, "the ratio is α², so the denominator is 1 − α², not 1 − α", "squares"
        )
        yield Slip(p.spread / squares, "that is the limit for t → ∞ (|α| < 1), not the value after t steps", "squares")
    yield Slip(p.spread * p.t, "that is α = 1; older gradients count less", "independence")
    yield Slip(p.spread, "that is one step alone; the older gradients still count, α², α⁴, …", "independence")
    yield Slip(
        earlier["Var_v"], "that is one step too few: the powers run from α⁰ to α^{2(t−1)}, t of them", "independence"
    )
    yield Slip(
        later["Var_v"], "that is one step too many: the powers run from α⁰ to α^{2(t−1)}, t of them", "independence"
    )


def _slips_of_variance_theta(p: Givens, unit: Moments, earlier: Moments, later: Moments) -> Iterator[Slip]:
    total, weights = unit["Var_theta"], unit["E_theta"]
    yield from _slips_of_scale(p, total, "independence-theta")
    shared = "the v_j share gradients, so they are not independent; gather what every g_k is multiplied by first"
    yield Slip(p.spread * _sum_of_variances(p, unit), shared, "weights")
    yield Slip(p.spread * p.t * unit["Var_v"], shared, "weights")
    yield Slip(p.spread * unit["Var_v"], "that is Var(v_t); all of v_1, …, v_t move θ", "weights")
    yield Slip(p.spread * p.t, "that is plain gradient descent, α = 0", "weights")
    yield Slip(p.spread * weights**2, "the weights are squared one by one, not their sum", "independence-theta")
    yield Slip(p.spread * weights, "the weights come out squared", "independence-theta")
    yield Slip(p.theta0 + p.spread * total, "θ_0 is fixed: it has no variance", "independence-theta")
    fewer = "that is one step too few: t gradients enter, and the geometric sums start at α¹ and α², not at 1"
    yield Slip(earlier["Var_theta"], fewer, "weights")
    yield Slip(later["Var_theta"], "that is one step too many: t gradients enter", "weights")


def _sum_of_variances(p: Givens, unit: Moments) -> Expr:
    """Add up Var(v_1), …, Var(v_t), as if that were the variance of their sum."""
    if p.alpha in {ONE, MINUS_ONE}:
        return p.t * (p.t + 1) / 2
    return (p.t - p.alpha**2 * unit["Var_v"]) / _one_minus(p.alpha**2)


def _slips_of_scale(p: Givens, total: Expr, rule: str) -> Iterator[Slip]:
    yield Slip(p.epsilon * p.sigma2 * total, "a constant comes out of a variance squared: ε², not ε", rule)
    yield Slip(-(p.spread * total), "a variance is never negative: −ε comes out squared", rule)
    yield Slip(p.sigma2 * total, "the learning rate is missing: ε²", rule)
    yield Slip(p.epsilon**2 * total, "the variance σ² is missing", rule)
    yield Slip(p.epsilon**2 * call("sqrt", p.sigma2) * total, "the variance of a gradient is σ², not σ", rule)
    yield Slip(call("sqrt", p.spread * total), "that is the standard deviation; the variance is its square", rule)
    yield Slip(p.epsilon**2 * p.mu * total, "the variance of a gradient is σ², not its mean", rule)
