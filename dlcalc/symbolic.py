"""The SymPy backend: expressions to SymPy and back, collecting, closed forms of sums, proofs of equality.

Only expressions that dlcalc's own parser built come here; no text ever reaches SymPy.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import sympy as sp

from dlcalc.notation.expression import (
    INFINITY,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Infinity,
    Limit,
    Mul,
    Num,
    Pow,
    Sum,
    Sym,
    add,
    div,
    mul,
    number,
    power,
    walk,
)
from dlcalc.notation.functions import FUNCTIONS, call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.solution import Domain, Setting

PROOF_SECONDS = 2.0
MAX_NODES = 400

# ruff: noqa: ANN401 (SymPy has no types)

_TO = {
    "floor": sp.floor, "ceil": sp.ceiling, "abs": sp.Abs, "sign": sp.sign, "sqrt": sp.sqrt, "exp": sp.exp,
    "ln": sp.log, "sin": sp.sin, "cos": sp.cos, "tanh": sp.tanh, "max": sp.Max, "min": sp.Min,
}  # fmt: skip
_FROM = {function: name for name, function in _TO.items() if name != "sqrt"}


@cache
def _symbol(name: str, domain: Domain | None) -> Any:
    if domain is None:
        return sp.Symbol(name)
    return sp.Symbol(name, real=True, integer=domain.whole or None, positive=True if domain.low >= 0 else None)


def to_sympy(node: Expr, domains: Mapping[str, Domain] | None = None) -> Any:  # noqa: C901 (a case per node)
    """Convert an expression; symbols carry the assumptions of their domains.

    >>> to_sympy(Sym("lambda") ** 2)
    lambda**2
    """
    known = domains or {}

    def convert(child: Expr) -> Any:  # noqa: C901, PLR0911 (a case per node)
        match child:
            case Num(value):
                return sp.Rational(value.numerator, value.denominator)
            case Sym(name):
                return _symbol(name, known.get(name))
            case Entry(base, index):
                return sp.IndexedBase(base)[convert(index)]
            case Add(terms):
                return sp.Add(*map(convert, terms))
            case Mul(factors):
                return sp.Mul(*map(convert, factors))
            case Div(numerator, denominator):
                return convert(numerator) / convert(denominator)
            case Pow(base, exponent):
                return sp.Pow(convert(base), convert(exponent))
            case Call(function, arguments):
                converted = map(convert, arguments)
                return _TO.get(function, sp.Function(function))(*converted)
            case Sum(index, lower, upper, body):
                k = sp.Symbol(index, integer=True)
                inner = convert(body).subs(_symbol(index, known.get(index)), k)
                return sp.Sum(inner, (k, convert(lower), convert(upper)))
            case Limit(index, place, side, body):
                x = sp.Dummy(index)
                inner = convert(body).subs(_symbol(index, known.get(index)), x)
                return sp.Limit(inner, x, convert(place), dir=side or "+-")
            case Infinity():
                return sp.oo
        raise TypeError(child)

    return convert(node)


def from_sympy(value: Any) -> Expr:  # noqa: C901, PLR0911 (a case per node)
    """Convert back; sums in ascending powers, quotients as one fraction.

    >>> print(from_sympy(to_sympy(1 + 2 * Sym("a") + Sym("a") ** 2)))
    1 + 2*a + a^2
    """
    if value.is_Rational:
        return number(Fraction(int(value.p), int(value.q)))
    if value.is_Symbol:
        return Sym(value.name)
    if value.is_Add:
        return add(*map(from_sympy, value.as_ordered_terms(order="rev-lex")))
    if value.is_Mul or (value.is_Pow and value.exp.could_extract_minus_sign()):
        return _quotient(value)
    if value.is_Pow:
        return (
            call("sqrt", from_sympy(value.base))
            if value.exp == sp.Rational(1, 2)
            else power(from_sympy(value.base), from_sympy(value.exp))
        )
    if isinstance(value, sp.Indexed):
        return Entry(str(value.base.label), from_sympy(value.indices[0]))
    if isinstance(value, sp.Sum):
        (index, lower, upper) = value.limits[0]
        return Sum(index.name, from_sympy(lower), from_sympy(upper), from_sympy(value.function))
    if value in {sp.oo, -sp.oo}:
        return INFINITY if value is sp.oo else -INFINITY
    if value is sp.E:
        return call("exp", number(1))
    name = _FROM.get(value.func, value.func.__name__)
    if name not in FUNCTIONS:  # a Piecewise, say, which the notation has no word for
        raise ValueError(name)
    return call(name, *map(from_sympy, value.args))


def _quotient(value: Any) -> Expr:
    numerator, denominator = sp.fraction(value, exact=True)
    if denominator == 1:
        if value.is_Pow:
            return power(from_sympy(value.base), from_sympy(value.exp))
        return mul(*map(from_sympy, value.as_ordered_factors()))
    return div(from_sympy(numerator), from_sympy(denominator))


def expanded(node: Expr) -> Expr:
    """Multiply out and collect like terms."""
    return from_sympy(sp.expand(to_sympy(node)))


def simplified(node: Expr, setting: Setting | None = None) -> Expr:
    """Simplify under the setting's assumptions; the node itself where time runs out or the notation does not reach."""
    with time_limit(PROOF_SECONDS) as within, suppress(ValueError):
        within.result = from_sympy(sp.simplify(to_sympy(node, setting.domains if setting else None)))
    return node if within.result is None else within.result


def collected(node: Expr, *by: str) -> Expr:
    """Collect the powers of the named symbols, each coefficient multiplied out."""
    return from_sympy(sp.collect(sp.expand(to_sympy(node)), [sp.Symbol(name) for name in by]))


def proved_equal(left: Expr, right: Expr, setting: Setting) -> bool:
    """Prove that two expressions are the same function, within the time limit; False means no proof was found."""
    if sum(1 for side in (left, right) for _ in walk(side)) > MAX_NODES:
        return False
    with time_limit(PROOF_SECONDS) as within:
        difference = to_sympy(left, setting.domains) - to_sympy(right, setting.domains)
        within.result = sp.expand(difference) == 0 or sp.simplify(difference) == 0
    return bool(within.result)


class Timed:
    """Holds the result of work done under a time limit; None where it ran out."""

    result: Any = None
    running: bool = True


class _TimeUpError(BaseException):
    """The time limit of a SymPy call was reached; no handler inside SymPy may swallow it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[Timed]:
    """Stop SymPy after some seconds; without effect outside the main thread, where no signal arrives."""
    timed = Timed()
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield timed
        return

    def stop(*_: object) -> None:
        if timed.running:
            raise _TimeUpError

    before = signal.signal(signal.SIGALRM, stop)
    # again every tenth of a second, should the first be lost in a callback that swallows exceptions
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
    try:
        yield timed
        timed.running = False
    except _TimeUpError:
        timed.result = None
    finally:
        timed.running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
