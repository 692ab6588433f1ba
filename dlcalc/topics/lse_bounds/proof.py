"""The proof of the bounds: from the definition to both inequalities, and when they are strict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dlcalc.notation.expression import ONE, ZERO, Add, Call, Expr, Num, Sum, Sym, add, expr, fold, mul
from dlcalc.notation.functions import call, exp, ln
from dlcalc.notation.printing import unicode
from dlcalc.solution import COUNT, REAL, Step, symbols

if TYPE_CHECKING:
    from dlcalc.topics.lse_bounds.question import Question

SEPARABLE, SEPARABLE_SAMPLED = 13_000, 1_000
"""Differences of exponents up to which the checker's digits tell e^a + e^b from e^a: at one point, at many."""


_Strict = Literal["<", "<="]


def proof(asked: Question) -> tuple[Step, ...]:
    """Prove both bounds, and show how the value is computed."""
    if asked.vector.single:
        return _of_one_entry(asked)
    if asked.vector.entries:
        return (*_of_entries(asked), *_taken_out(asked))
    general = asked.of_any_length()
    steps = (*_of_any(general), *_taken_out(general))
    if not asked.vector.countless:
        return steps
    where = dict.fromkeys(symbols(general.vector.length), asked.vector.length)
    return (
        *steps,
        Step("upper-givens", Sym("upper"), general.upper, asked.upper, "the number of entries", where=where),
    )


def _of_one_entry(asked: Question) -> tuple[Step, ...]:
    (x,) = asked.vector.entries
    lse = asked.over(Call("ln", (Call("exp", (asked.scaled(x),)),)))
    upper = Add((x, asked.over(Call("ln", (ONE,)))))
    return (
        Step("lower", Sym("lse"), lse, x, "one entry: the logarithm undoes the exponential"),
        Step("upper", Sym("upper"), upper, x, "ln 1 = 0: both bounds are equalities"),
    )


def _of_entries(asked: Question) -> tuple[Step, ...]:
    """Prove the bounds for entries that are given: M is one of them."""
    vector, total, lse, largest = asked.vector, asked.total, asked.direct, asked.largest
    top, power, strict = exp(asked.scaled(largest)), _power(asked), _separable(asked)
    copies = mul(vector.length, top)
    relation: Literal["=", "<", "<="] = "=" if vector.constant else "<" if vector.known else "<="
    equality = {"=": "all are equal", "<": "strict, as not all are equal", "<=": "equality where all are equal"}[
        relation
    ]
    others = "the other is" if len(vector.entries) == 2 else f"the other {len(vector.entries) - 1} are"  # noqa: PLR2004 (a pair)
    steps = []
    if vector.known:
        whole = Call("max", vector.entries if vector.written_out else (Sym(vector.name),))
        steps.append(Step("max", Sym("max"), whole, largest, "M, the largest entry, with its sign"))
    steps += [
        Step("term", Sym("total"), top, total, f"{power} is one of the terms, {others} positive", strict),
        Step("lower", Sym("lse"), largest, lse, f"ln is increasing{_divided(asked)}: the lower bound", strict),
    ]
    if vector.known and strict == "<=":
        because = f"what is left when {power} is taken out: the bound is strict, if only by this much"
        steps.append(Step("strict", Sym("rest"), ZERO, asked.shifted - ONE, because, "<"))
    ties = vector.numbers.count(max(vector.numbers)) if vector.known else 1
    if 1 < ties < len(vector.entries):
        tied = largest + asked.over(ln(expr(ties)))
        steps.append(Step("ties", Sym("lse"), tied, lse, f"{ties} of the terms are {power}", _separable(asked, ties)))
    return (
        *steps,
        Step("terms", Sym("total"), total, copies, f"no term is above {power}; {equality}", relation),
        *_logarithm_of(copies, asked, relation),
    )


def _of_any(asked: Question) -> tuple[Step, ...]:
    """Prove the bounds for every vector of n entries, between n - 1 copies of the minimum and of the maximum."""
    vector, total, n = asked.vector, asked.total, asked.vector.length
    top, bottom = exp(asked.scaled(asked.largest)), exp(asked.scaled(vector.extreme("min")))
    least, most, copies = Add((top, mul(n - ONE, bottom))), Add((bottom, mul(n - ONE, top))), mul(n, top)
    same = asked.same
    all_same = asked.over(ln(Sum(vector.counter, ONE, n, exp(asked.scaled(same)))))
    strict: _Strict = _separable(asked) if isinstance(n, Num) else "<="
    when = "strict" if isinstance(n, Num) else f"strict for {unicode(n)} > 1"
    lower = f"ln is increasing{_divided(asked)}: the lower bound, {when}"
    return (
        Step("term", Sym("total"), top, least, f"exponentials are positive: {when}", strict),
        Step("least", Sym("total"), least, total, "one entry is max x, no other is below min x", "<="),
        Step("lower", Sym("lse"), asked.largest, asked.direct, lower, strict),
        Step("most", Sym("total"), total, most, "one entry is min x, no other is above max x", "<="),
        Step("terms", Sym("total"), most, copies, "min x ≤ max x, equal only where all entries are", "<="),
        *_logarithm_of(copies, asked, "<="),
        Step("equality", same, all_same, add(same, asked.width), f"reached where all entries are equal to {same}"),
    )


def _logarithm_of(copies: Expr, asked: Question, relation: Literal["=", "<", "<="]) -> tuple[Step, ...]:
    """Take the logarithm of the bound n·e^M of the sum."""
    bound, because = asked.over(call("ln", copies)), f"ln is increasing{_divided(asked)}"
    if bound == asked.upper:
        return (Step("upper", Sym("upper"), asked.direct, bound, f"{because}: the upper bound", relation),)
    return (
        Step("logarithm", Sym("upper"), asked.direct, bound, because, relation),
        Step("upper", Sym("upper"), bound, asked.upper, "the logarithm of the product: the upper bound"),
    )


def _taken_out(asked: Question) -> tuple[Step, ...]:
    """Show the form that is computed, where it is not one of the lines above."""
    if asked.stable in {fold(asked.direct), asked.upper}:
        return ()
    because = f"{_power(asked)} taken out of the sum: no exponent is positive, so nothing overflows"
    return (Step("shift", Sym("lse"), asked.direct, asked.stable, because),)


def _power(asked: Question) -> str:
    """Write the largest of the exponentials."""
    largest = "M" if asked.vector.known else "max x"
    return f"e^(t·{largest})" if asked.t is not None else "e^M" if asked.vector.known else f"e^({largest})"


def _divided(asked: Question) -> str:
    """Say what is done after the logarithm."""
    return "" if asked.t is None else ", and t > 0 divides"


def _separable(asked: Question, ties: int = 1) -> _Strict:
    """Choose the relation of a strict bound: a difference beyond the digits of every check is checked as ≤."""
    vector, t = asked.vector, asked.t
    largest_t = ONE.value if t is None else t.value if isinstance(t, Num) else COUNT.high
    if vector.known:
        *_, next_largest = sorted(vector.numbers)[:-ties]
        apart = max(vector.numbers) - next_largest
    else:
        sampled = (REAL.low, REAL.high, *vector.numbers)
        apart = max(sampled) - min(sampled)
    plainly_sampled = all(isinstance(given, Num | Sym) for given in (*vector.entries, *asked.scale))
    limit = SEPARABLE if asked.numeric else SEPARABLE_SAMPLED
    return "<" if plainly_sampled and largest_t * apart <= limit else "<="
