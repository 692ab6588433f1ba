"""Bounds of the log-sum-exp."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, scalar, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Expr, Num, expr
from dlcalc.notation.functions import ln
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import Solution, Work
from dlcalc.topic import topic
from dlcalc.topics.lse_bounds.answers import answers
from dlcalc.topics.lse_bounds.checking import routes, setting
from dlcalc.topics.lse_bounds.norm import norm_and_maximum
from dlcalc.topics.lse_bounds.proof import proof
from dlcalc.topics.lse_bounds.question import MAX_PAIRED, Question, vector


@topic(
    area="losses",
    answers=("lse", "max", "lower", "upper", "inf_norm", "log_softmax"),
    examples=("--x 1,2,3", "--x -1,-2", "--x 1000,-1000", "--x a,b --t t", "--n n", "--n 5 --t 2"),
)
def lse_bounds(
    *,
    x: Annotated[Value | None, values("--z", "--logits", help="Entries 1,2,3 or a,b; left out, any vector.")] = None,
    n: Annotated[
        Expr | None,
        scalar("--entries", help="Number of entries, where x is any vector (default n).", whole=True, least=1),
    ] = None,
    t: Annotated[Expr | None, scalar("--scale", help="Bound LSE(t·x)/t instead, for t > 0.", domain=POSITIVE)] = None,
) -> Solution:
    """Bounds of the log-sum-exp, proved, and its value without overflow.

    LSE(x) = ln Σ e^(x_i) = M + ln Σ e^(x_i - M) with M = max x, so max x ≤ LSE(x) ≤ max x + ln n.
    With t > 0: max x ≤ LSE(t·x)/t ≤ max x + ln(n)/t. The maximum keeps the signs: it is not ‖x‖_∞ = max |x_i|,
    for which the lower bound fails at x = (-1, -2). log_softmax is x - LSE(x), for entries that are given.
    Source: Boyd and Vandenberghe, Convex Optimization (2004), section 3.1.5; Blanchard, Higham and Higham,
    Accurately computing the log-sum-exp and softmax functions (2021).

    Raises DlcalcError when t is not positive, x is a matrix, or n is not the number of entries of x.

    >>> round(lse_bounds(x="1,2,3").value, 6)
    3.407606
    """
    _positive(t)
    asked = Question(vector(x, n, t), t)
    notes, compared = norm_and_maximum(asked)
    return Solution(
        answers=answers(asked),
        work=lambda: Work((*proof(asked), *compared), routes(asked)),
        setting=setting(asked),
        notes=(*_when_strict(asked), *notes, *_limit(asked), *_left_out(asked)),
        conventions=_conventions(asked),
        assumptions=() if t is None or isinstance(t, Num) else (f"{unicode(t)} > 0",),
    )


def _positive(t: Expr | None) -> None:
    value = None if t is None else t.value if isinstance(t, Num) else approximate(t)
    if t is None or value is None or value > 0:
        return
    if value == 0:
        raise DlcalcError("t = 0 leaves LSE(t·x)/t undefined: it is ln(n)/0", "use t > 0, or leave it out for LSE(x)")
    raise DlcalcError(
        f"t = {plain(t)} is negative: LSE(t·x)/t then bounds the minimum, min x - ln(n)/|t| ≤ LSE(t·x)/t ≤ min x",
        f"use --t {plain(-t)}; the minimum of x is minus the maximum of -x",
    )


def _when_strict(asked: Question) -> tuple[str, ...]:
    vector, n = asked.vector, unicode(asked.vector.length)
    if vector.single:
        return ("n = 1: LSE is the entry itself, and both bounds are equalities",)
    if vector.constant:
        return ("all entries are equal: the upper bound is reached, the lower one is strict",)
    if not vector.known:
        lower = f"as n = {n} > 1" if isinstance(vector.length, Num) else f"for {n} > 1, an equality for {n} = 1"
        return (f"the lower bound is strict {lower}; the upper one is reached exactly where all entries are equal",)
    notes = [f"both bounds are strict: n = {n} > 1, and not all entries are equal"]
    ties = vector.numbers.count(max(vector.numbers))
    if ties > 1:
        tied = unicode(asked.over(ln(expr(ties))))
        notes.append(f"{ties} entries tie for the maximum, so even max x + {tied} is a lower bound")
    if len(set(map(abs, vector.numbers))) == 1:
        notes.append("that all |x_i| are equal does not reach the upper bound; all x_i must be equal")
    if asked.numeric and approximate(asked.direct) is None and vector.written_out:
        notes.append(f"e^x is beyond floats here; with M = {plain(asked.largest)} taken out, every exponent is ≤ 0")
    return tuple(notes)


def _limit(asked: Question) -> tuple[str, ...]:
    if asked.t is None:
        return ()
    value = f" = {plain(asked.largest)}" if asked.vector.known else ""
    other = "" if asked.norm == asked.largest else ", not ‖x‖_∞"
    return (f"as t → ∞ the bounds meet, so LSE(t·x)/t → max x{value}{other}",)


def _left_out(asked: Question) -> tuple[str, ...]:
    count = len(asked.vector.entries)
    return (f"log_softmax is listed up to {MAX_PAIRED} entries; here are {count}",) if count > MAX_PAIRED else ()


def _conventions(asked: Question) -> tuple[str, ...]:
    vector = asked.vector
    said = ["LSE(x) = ln Σ e^(x_i), with the natural logarithm"]
    if asked.t is not None:
        said.append("lse, lower and upper are of LSE(t·x)/t" + ("; log_softmax is of t·x" if vector.entries else ""))
    said.append("max is max_i x_i, with the signs; inf_norm is ‖x‖_∞ = max_i |x_i|")
    if not vector.entries:
        said.append(
            f"{vector.name} is a vector of {unicode(vector.length)} entries; for one number, write --x [{vector.name}]"
        )
    if vector.countless and asked.t is not None:
        said.append(f"{asked.exponents} = {unicode(asked.t)}·{vector.name}")
    return tuple(said)
