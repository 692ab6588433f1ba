"""The values and bounds, and the slips that lead away from them."""

from __future__ import annotations

from dlcalc.notation.expression import add, div, expr, fold, mul
from dlcalc.notation.functions import call, exp, ln
from dlcalc.solution import Answer, Slip
from dlcalc.topics.lse_bounds.question import MAX_PAIRED, Question


def answers(asked: Question) -> tuple[Answer, ...]:
    """Return the value, the bounds and what they are compared with, with their slips."""
    lower, upper, norm = asked.largest, asked.upper, asked.norm
    no_bound = "that is ‖x‖_∞ = max |x_i|, no lower bound: x = (-1, -2) has ‖x‖_∞ = 2, but LSE(x) = -0.6867"
    answers = (
        Answer("lse", asked.lse, slips=_lse_slips(asked)),
        Answer("max", lower, slips=(Slip(norm, "that is ‖x‖_∞ = max |x_i|; the maximum keeps the signs", "norm"),)),
        Answer("lower", lower, slips=(Slip(norm, no_bound, "norm"), Slip(upper, "that is the upper bound"))),
        Answer("upper", upper, slips=_upper_slips(asked)),
        Answer("inf_norm", norm, slips=(Slip(lower, "that is max x; the norm takes absolute values first"),)),
    )
    if not 0 < len(asked.vector.entries) <= MAX_PAIRED:
        return answers
    shares = asked.log_softmax
    slips = (
        Slip(tuple(map(exp, shares)), "that is the softmax; its logarithm was asked"),
        Slip(tuple(-share for share in shares), "the sign is reversed: no log-probability is positive"),
    )
    return (*answers, Answer("log_softmax", shares, slips=slips))


def _upper_slips(asked: Question) -> tuple[Slip, ...]:
    lower, n, log_n = asked.largest, asked.vector.length, ln(asked.vector.length)
    too_wide = "above LSE, but not tight: ln n is added to max x, not to ‖x‖_∞ = max |x_i|"
    slips = [
        Slip(add(asked.norm, asked.width), too_wide, "norm-upper"),
        Slip(lower, "ln n is missing: the sum has n terms", "terms"),
        Slip(add(lower, asked.over(n)), "it is ln n, not n: the logarithm of n·e^M is taken", "upper"),
        Slip(mul(n, lower), "ln(n·e^M) is ln n + M, not n·M", "upper"),
        Slip(add(lower, asked.over(div(log_n, ln(expr(2))))), "ln is the natural logarithm, not log₂", "upper"),
        Slip(add(lower, asked.over(div(log_n, ln(expr(10))))), "ln is the natural logarithm, not log₁₀", "upper"),
    ]
    if asked.t is not None:
        slips += [
            Slip(add(lower, log_n), "ln n is divided by t too", "upper"),
            Slip(add(lower, mul(asked.t, log_n)), "ln n is divided by t, not multiplied", "upper"),
            Slip(add(asked.scaled(lower), log_n), "that bounds LSE(t·x), which is divided by t", "logarithm"),
        ]
    return tuple(slips)


def _lse_slips(asked: Question) -> tuple[Slip, ...]:
    vector = asked.vector
    slips = [Slip(asked.largest, "that is the lower bound"), Slip(asked.upper, "that is the upper bound")]
    if vector.countless:
        return tuple(slips)
    of_sizes = asked.over(ln(vector.total(lambda x: exp(asked.scaled(call("abs", x))))))
    slips += [
        Slip(fold(asked.total), "the logarithm is missing"),
        Slip(fold(vector.total(lambda x: x)), "the logarithm of a sum is not the sum of the logarithms"),
        Slip(fold(of_sizes), "that is LSE of |x|; the entries keep their signs", "norm-sizes"),
        Slip(fold(div(asked.direct, ln(expr(2)))), "ln is the natural logarithm, not log₂"),
        Slip(fold(div(asked.direct, ln(expr(10)))), "ln is the natural logarithm, not log₁₀"),
    ]
    if asked.t is not None:
        slips += [
            Slip(fold(ln(asked.total)), "that is LSE(t·x), which is divided by t"),
            Slip(fold(ln(vector.total(exp))), "that is LSE(x): t multiplies every entry and divides the logarithm"),
            Slip(fold(asked.over(ln(vector.total(exp)))), "t multiplies every entry too"),
        ]
    return tuple(slips)
