"""What the derivation is written with: lines joined to steps, sums in letters or written out, how a sum is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.counting import total
from dlcalc.notation.expression import (
    MAX_POWER_BITS,
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Div,
    Expr,
    Mul,
    Num,
    Pow,
    Sum,
    Sym,
    fold,
    number,
    power_bits,
    substitute,
    walk,
)
from dlcalc.notation.printing import plain
from dlcalc.solution import Step, symbols
from dlcalc.topics.momentum_expect.formulas import is_polynomial, special

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlcalc.topics.momentum_expect.formulas import Moments
    from dlcalc.topics.momentum_expect.givens import Givens


class Line(NamedTuple):
    """One line of a chain of equations, without the line that it continues."""

    rule: str
    after: Expr
    because: str
    where: Mapping[str, Expr] | None = None


def chain(target: Expr, *lines: Line) -> list[Step]:
    """Join lines to steps, each from the line before; a line that would repeat it is left out."""
    steps: list[Step] = []
    before = target
    for line in lines:
        if plain(line.after) != plain(before):
            steps.append(Step(line.rule, target, before, line.after, line.because, where=line.where or {}))
            before = line.after
    return steps


@dataclass(frozen=True, slots=True)
class Board:
    """The letters of the derivation, the givens they stand for, and where it must arrive."""

    p: Givens
    asked: Givens
    found: Moments

    def index(self, place: int) -> str:
        """Choose an index that no given uses: the first, second or third of a formula."""
        taken = symbols(*self.asked)
        return [name for name in "kjilmnqrs" if name not in taken][place]

    def total(self, body: Callable[[Expr], Expr], *, index: int = 0, last_first: bool = False) -> Expr:
        """Add up over 1, …, t: a Σ, or every term written out."""
        if self.p.steps is None:
            k = self.index(index)
            return Sum(k, ONE, self.p.t, body(Sym(k)))
        terms = [body(number(k)) for k in range(1, self.p.steps + 1)]
        return total(terms[::-1] if last_first else terms)

    def powers(self, first: int, last: Expr, *, index: int) -> Expr:
        """Add up the powers of α from the first to the last."""
        if isinstance(last, Num):
            return total([self.p.alpha**i for i in range(first, int(last.value) + 1)])
        i = self.index(index)
        return Sum(i, number(first), last, self.p.alpha ** Sym(i))

    def is_special(self, name: str) -> bool:
        """Say whether the α that was asked has a formula of its own for an answer."""
        return name in special(self.asked)

    def closing(self, name: str, *general: Line) -> list[Line]:
        """Close a sum by the lines of the general case, or as the special α asks; then put the givens in."""
        p, value = self.p, self.found[name]
        lines = [self.at(self.asked.alpha, name)] if self.is_special(name) else [*general]
        formula = lines[-1].after
        pairs = zip(p, self.asked, strict=True)
        used = {
            plain(letter): given for letter, given in pairs if letter != given and plain(letter) in symbols(formula)
        }
        if not used:
            return lines
        inserted = _exponents_computed(substitute(formula, used))
        if _has_endless_power(inserted):
            a = p.write(p.alpha)
            because = f"the givens put in; a power {a}ⁿ as exp(n ln |{a}|) with its sign"
            return [*lines, Line(f"{name}-givens", value, because, used)]
        divided = "divided out" if is_polynomial(self.asked.t) and p.steps is None else "collected"
        because = "computed" if isinstance(value, Num) else divided
        put_in = Line(f"{name}-givens", inserted, "the givens put in", used)
        return [*lines, put_in, Line(f"{name}-value", value, because, used)]

    def joined(self, target: Expr, lines: list[Line], last: Line) -> list[Step]:
        """Go on in letters; from the target again, where numbers were put in."""
        return [*chain(target, *lines), *chain(target, last)] if lines[-1].where else chain(target, *lines, last)

    def at(self, alpha: Expr, name: str) -> Line:
        """Write the line that holds at one α only."""
        letter, write = self.p.alpha, self.p.write
        because = f"at {write(letter)} = {write(alpha)}: {self._reason(alpha, name)}"
        rule = "inner-sum" if (alpha, name) == (ZERO, "E_theta") else f"{name}-special"
        return Line(rule, special(self.p._replace(alpha=alpha))[name], because, {plain(letter): alpha})

    def _reason(self, alpha: Expr, name: str) -> str:
        """Say why the sums become what `special` writes."""
        p, t, last = self.p, self.p.t, self.index(1)
        push = p.write(-p.drift)
        upto, squares = f"1 + … + {p.factor}", f"1² + … + {p.factor}²"
        if p.steps is not None:
            upto, squares = (" + ".join(f"{n}{power}" for n in range(1, p.steps + 1)) for power in ("", "²"))
        reasons: dict[tuple[Expr, str], str] = {
            (ONE, "E_v"): "every term of the sum is 1",
            (ONE, "E_theta"): f"E(v_{last}) is {last} times {push}, and {upto} = {p.write(t * (t + 1) / 2)}",
            (ONE, "Var_v"): "every term of the sum is 1",
            (ONE, "Var_theta"): "the inner sums count their terms, and "
            f"{squares} = {p.write(t * (t + 1) * (2 * t + 1) / 6)}",
            (ZERO, "E_v"): "only the newest gradient counts",
            (ZERO, "E_theta"): f"every E(v_{last}) is {push}; the inner sum starts at {p.write(p.alpha)}¹, so it is 0",
            (ZERO, "Var_v"): "only the newest gradient counts",
            (ZERO, "Var_theta"): "every gradient moves θ once, with weight 1",
            (MINUS_ONE, "Var_v"): "every even power is 1",
            (MINUS_ONE, "Var_theta"): "the inner sums are 1 and 0 in turn",
        }
        return reasons[alpha, name]


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
