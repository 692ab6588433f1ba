"""The average of any values: unrolled, its weights, the bias and its correction."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.derivation import settled
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Entry, Expr, Mul, Num, Sum, Sym, add, expr
from dlcalc.solution import REAL, Answer, Domain, Route, Sequence, Slip, Solution, Step, Work
from dlcalc.topics.ema.given import CORRECTED, RULE, STARTED, running
from dlcalc.topics.ema.windows import ABOUT, LENGTH, bounds, window

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = Domain(Fraction(1), Fraction(8), whole=True)


def of_any(beta: Expr, v0: Expr, t: Expr) -> Solution:
    """Derive the average of any values."""
    row = window(beta)
    letters = row.letters
    b = Sym(next(iter(letters.domains)))
    n = letters.letter("t", t, STEPS)
    c = letters.letter("c", None, REAL)
    start = ZERO if v0 == ZERO else letters.letter("v_0", v0, REAL)
    k = Sym("k" if "k" not in letters.domains else "k_1")

    def pattern(count: Expr) -> Expr:
        return b**count * start + (1 - b) * Sum(k.name, ONE, count, b ** (count - k) * Entry("x", k))

    first = add(b * start, (1 - b) * Entry("x", ONE))
    second = Add((Mul((b, first)), Mul((1 - b, Entry("x", expr(2))))))
    weights = Sum(k.name, ONE, n, Mul((1 - b, b ** (n - k))))
    constant = Div(Sum(k.name, ONE, n, Mul((1 - b, b ** (n - k), c))), 1 - b**n)
    again = b * pattern(n) + (1 - b) * Entry("x", n + 1)
    v = Entry("v", n)
    steps = [
        Step("average", Entry("v", ONE), Entry("v", ONE), first, "the first value taken in"),
        Step("average", Entry("v", expr(2)), Entry("v", expr(2)), second, "the second, on what the first left"),
        Step("pattern", v, v, pattern(n), "the pattern: every later step multiplies by β"),
        Step("induction", Entry("v", n + 1), again, pattern(n + 1), "one value more keeps it: induction"),
        Step("weights", Sym("weights_sum"), weights, 1 - b**n, "the weights are a geometric sum, less than 1"),
    ]
    if v0 == ZERO:
        steps.append(
            Step("corrected", Sym("corrected"), constant, c, "divided by it, values that are all c average to c")
        )

    def put_in(node: Expr) -> Expr:
        return settled(node, letters.values)

    average = put_in(pattern(n))
    weight = put_in((1 - b) * b ** (n - k))
    total = put_in(1 - b**n)
    answers = [Answer("average", average)]
    answers += [Answer("corrected", average / total)] if v0 == ZERO else []
    answers += [Answer("weight", weight, slips=(Slip(put_in(b ** (n - k)), "the factor 1 - β is missing", "pattern"),))]
    answers.append(Answer("weights_sum", total, slips=(Slip(ONE, "they add up to less than 1: v_0 has the rest"),)))

    def at(point: Mapping[str, Any], index: int) -> Any:  # noqa: ANN401 (exact numbers)
        x = list(point["x"][:index])
        return running(x, point[b.name], Fraction(0) if start == ZERO else PLAIN.value(start, point))[-1]

    def ones(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        return running([Fraction(1)] * int(PLAIN.value(t, point)), PLAIN.value(beta, point), Fraction(0))[-1]

    setting = replace(row, aliases={"alpha": 1 - b}).setting()
    longest = expr(int(STEPS.high) + 1)
    small = not isinstance(t, Num) or t.value <= STEPS.high
    return Solution(
        answers=(*answers, *row.answers()),
        work=lambda: Work(
            (*steps, *row.steps(), *bounds(beta, row)),
            (*((Route("weights_sum", "the recurrence run on ones", total, ones),) if small else ()), *row.again()),
        ),
        principal=("average", "effective_length") if v0 != ZERO else ("average", "corrected", "effective_length"),
        setting=replace(
            setting,
            domains={**setting.domains, k.name: Domain(Fraction(1), Fraction(1), whole=True)},
            sequences={"x": Sequence(longest)},
            definitions={**setting.definitions, "v": at},
            families=frozenset({"v"}),
        ),
        conventions=(RULE, *((CORRECTED,) if v0 == ZERO else (STARTED,)), LENGTH, "weight: of x_k after t values"),
        assumptions=("v_0 = 0",) if v0 == ZERO else (),
        notes=(ABOUT,),
    )
