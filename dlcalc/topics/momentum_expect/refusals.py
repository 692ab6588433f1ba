"""Which givens are refused: those that no line could be read or checked with, and those that cost the digits."""

from __future__ import annotations

from fractions import Fraction
from math import isclose
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import Expr, Num
from dlcalc.notation.printing import plain
from dlcalc.solution import symbols
from dlcalc.topics.momentum_expect.formulas import moments
from dlcalc.topics.momentum_expect.givens import WRITTEN_OUT

if TYPE_CHECKING:
    from dlcalc.topics.momentum_expect.givens import Givens

MAX_T = 10**400
FAITHFUL = 1e-11
"""Relative error that decimals of a closed form may have."""
SPARE_DIGITS = 60

IN_USE = {
    "g": "a gradient",
    "v": "the velocity",
    "v0": "the first velocity",
    "theta": "the parameter",
    "E": "the mean",
    "Var": "the variance",
}


def refuse_what_has_no_reading(asked: Givens) -> None:
    """Refuse names that mean something else here, and a t for which no line could be checked."""
    for name, given in asked._asdict().items():
        for used in symbols(given) & IN_USE.keys():
            raise DlcalcError(f"{name} uses {used}, which is {IN_USE[used]} here", "use another letter")
    shared = symbols(asked.t) & symbols(asked.alpha)
    if shared:
        raise DlcalcError(f"t and alpha both use {min(shared)}", "use another letter for one of them")
    if isinstance(asked.t, Num):
        if asked.t.value >= MAX_T:
            raise DlcalcError("t has more than 400 digits", "use a symbol, --t t")
    elif not any(_few(asked.t, n) for n in range(1, 10)):
        raise DlcalcError(
            f"t {plain(asked.t)} is no whole number from 1 to {WRITTEN_OUT} for symbols from 1 to 9, "
            "so no line of it could be checked",
            "use a symbol, --t t, or a number",
        )


def refuse_lost_digits(asked: Givens) -> None:
    """Refuse an α so close to ±1 that the terms of the closed forms cancel and floats keep too few digits."""
    t, alpha = asked.t, asked.alpha
    if not isinstance(t, Num) or not isinstance(alpha, Num) or abs(alpha.value) == 1:
        return
    right = _in_many_digits(int(t.value), alpha.value)
    for name, value in moments(asked.unit).items():
        found = approximate(value)
        if right and found is not None and not isclose(found, right[name], rel_tol=FAITHFUL):
            raise DlcalcError(
                f"alpha {plain(alpha)} is so close to {round(alpha.value)} that at t = {plain(t)} the terms of {name} "
                "cancel and its decimals would be wrong",
                "leave alpha a symbol, --alpha alpha, for the exact formula",
            )


def _few(t: Expr, n: int) -> bool:
    """Say whether the number of steps is small and whole when its symbols are n."""
    try:
        steps = PLAIN.value(t, dict.fromkeys(symbols(t), Fraction(n)))
    except (ArithmeticError, ValueError):
        return False
    return bool(1 <= steps <= WRITTEN_OUT and int(steps) == steps)


def _in_many_digits(t: int, alpha: Fraction) -> dict[str, float]:
    """Compute the sums over the weights with more digits than can cancel; nothing where floats cannot hold them."""
    from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, DecimalException, localcontext

    digits = SPARE_DIGITS + 3 * max(alpha.numerator.bit_length(), alpha.denominator.bit_length())
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
