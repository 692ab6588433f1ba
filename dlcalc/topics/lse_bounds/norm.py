"""The maximum is not the infinity norm: where they differ, and which bound then fails."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from functools import reduce
from math import ceil, log
from typing import TYPE_CHECKING

from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, Add, Call, Expr, Sym, add, expr
from dlcalc.notation.functions import call, exp, ln
from dlcalc.notation.printing import plain
from dlcalc.solution import Step

if TYPE_CHECKING:
    from dlcalc.topics.lse_bounds.question import Question

DIGITS = (50, 1_000)
"""Digits with which ‖x‖_∞ is compared with LSE(x)."""


def norm_and_maximum(asked: Question) -> tuple[tuple[str, ...], tuple[Step, ...]]:
    """Compare max x with ‖x‖_∞, with which the bounds are often stated: what to know, and its proof."""
    if not asked.vector.known:
        return (_in_general(asked),), _with_the_norm(asked.of_any_length())
    if asked.norm == asked.largest:
        return (), ()
    norm, largest, name = plain(asked.norm), plain(asked.largest), _name(asked)
    differ, target = f"‖x‖_∞ = {norm} is not max x = {largest}", Sym("inf_norm")
    if not asked.numeric:
        note = f"{differ}: with ‖x‖_∞ the lower bound fails for large t, as {name} → {largest}"
        if not isinstance(asked.t, Sym):
            return (note,), ()
        above = _exact(asked.norm) - _exact(asked.largest)
        late = expr(1 + ceil(Fraction(log(len(asked.vector.entries))) / above))
        because = f"at {plain(asked.t)} = {plain(late)}, for one, ‖x‖_∞ is above: it is no lower bound"
        return (note,), (Step("norm", target, asked.norm, asked.direct, because, ">", where={asked.t.name: late}),)
    found = _apart(asked.lse, asked.norm)
    if _norm_is_below(asked):
        note = f"{differ}: ‖x‖_∞ ≤ {name} happens to hold here, {norm} < {found}; the bound that always holds is max x"
        because = "‖x‖_∞ happens to be below; it need not be"
        return (note,), (Step("norm", target, asked.norm, asked.direct, because, "<"),)
    note = f"{differ}: with ‖x‖_∞ the lower bound fails here, {norm} > {found} = {name}"
    because = "‖x‖_∞ is no lower bound: it is above"
    return (note,), (Step("norm", target, asked.norm, asked.direct, because, ">"),)


def _in_general(asked: Question) -> str:
    example = "x = (-1, -2) has ‖x‖_∞ = 2, but LSE(x) = -0.6867"
    if asked.t is not None or asked.vector.single:
        example = f"x = (-1) has ‖x‖_∞ = 1, but {_name(asked)} = -1"
    of = "" if asked.t is None else "t·"
    holds = f"‖x‖_∞ ≤ {_name(asked)} exactly where Σ e^({of}x_i) ≥ e^({of}‖x‖_∞), so wherever x ≥ 0"
    return f"the lower bound is max x, not ‖x‖_∞ = max |x_i|: {example}; {holds}"


def _name(asked: Question) -> str:
    return "LSE(x)" if asked.t is None else "LSE(t·x)/t"


def _with_the_norm(asked: Question) -> tuple[Step, ...]:
    """Show what is true of the norm, and what is not."""
    vector, norm = asked.vector, asked.norm
    example = (-ONE, expr(-2)) if asked.t is None and not vector.single else (-ONE,)
    exponentials = tuple(exp(asked.scaled(x)) for x in example)
    lse = asked.over(ln(add(*exponentials)))
    pair = asked.over(Call("logsumexp", (asked.scaled(ONE), asked.scaled(-ONE))))
    reached = Add((ONE, asked.over(ln(expr(2)))))
    of_sizes = asked.over(ln(vector.total(lambda x: exp(asked.scaled(call("abs", x))))))
    shown = ", ".join(map(plain, example))
    steps = (
        Step("norm", Sym("inf_norm"), Call("norm_inf", example), lse, f"‖x‖_∞ is no lower bound: x = ({shown})", ">"),
        Step(
            "norm-upper", Sym("inf_norm"), asked.largest, norm, "x_i ≤ |x_i|: above, ‖x‖_∞ is true but not tight", "<="
        ),
    )
    if vector.single:
        return steps
    return (
        *steps,
        Step("norm-equality", Sym("inf_norm"), pair, reached, "equal |x_i| do not reach it: x = (1, -1)", "<"),
        Step("norm-sizes", Sym("inf_norm"), norm, of_sizes, "true with the norm: the bound of LSE(|x|)", "<="),
    )


def _norm_is_below(asked: Question) -> bool:
    """Decide ‖x‖_∞ ≤ LSE for numbers, by whether Σ e^(t(x_i - ‖x‖_∞)) reaches 1.

    It never equals 1, as exponentials of distinct rational numbers are linearly independent over the rational
    numbers (Lindemann and Weierstrass), so enough digits decide.
    """
    norm, scale = _exact(asked.norm), ONE.value if asked.t is None else _exact(asked.t)
    powers = [(x - norm) * scale for x in asked.vector.numbers]
    above = Decimal(0)
    for digits in DIGITS:
        context = Context(prec=digits, traps=[])
        terms = (context.exp(context.divide(power.numerator, power.denominator)) for power in powers)
        above = context.subtract(reduce(context.add, terms), 1)
        if abs(above) > Decimal(10) ** (10 - digits):
            break
    return above > 0


def _apart(value: Expr, other: Expr) -> str:
    """Write a value with as many digits as tell it from the other."""
    found, beside = approximate(value), approximate(other)
    if found is None or beside is None:
        return plain(value)
    written = (f"{found:.{digits}g}" for digits in (4, 8, 12, 17))
    return next((text for text in written if float(text) != beside), plain(value))


def _exact(value: Expr) -> Fraction:
    return Fraction(PLAIN.value(value, {}))
