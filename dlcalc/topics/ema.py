"""Exponentially weighted averages: the values, their weights, bias correction, the effective length."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import exp as float_exp
from math import sqrt
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import UNIT, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Entry, Expr, Mul, Num, Pow, Real, Sum, Sym, add, expr
from dlcalc.notation.functions import exp, ln
from dlcalc.notation.printing import Value, plain
from dlcalc.quantities import Quantity, Row, long, settled
from dlcalc.solution import REAL, Answer, Domain, Route, Sequence, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.table import Table
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BETA = Sym("beta")
STEPS = Domain(Fraction(1), Fraction(8), whole=True)
SHOWN = 5
"""Values for which the recurrence is written out; the route confirms all of them."""
UNROLLED = 8
"""Values up to which the average is written as one sum."""


@topic(
    area="optimisation",
    answers=(
        *("average", "corrected", "averages", "corrected_averages", "weights", "weights_sum"),
        *("effective_length", "one_over_e", "weight_left"),
    ),
    examples=(
        "--values 10,20,30 --beta 0.9",
        "--beta 0.9,0.999",
        "--beta beta --t t",
        "--values x1,x2,x3 --beta 1/2",
        "--values 4,8 --alpha 0.25 --v0 2",
    ),
)
def ema(
    *,
    values: Annotated[Value | None, values("--x", "--data", help="Values x_1,x_2,… (default: any).")] = None,
    beta: Annotated[
        Value | None,
        values("--momentum", "-b", help="Share of the old average that is kept; or several.", domain=UNIT),
    ] = None,
    alpha: Annotated[
        Expr | None,
        scalar("--smoothing", help="Share of the new value instead: alpha = 1 - beta.", domain=UNIT),
    ] = None,
    v0: Annotated[Expr, scalar("--start", help="Average before the first value (default 0).")] = ZERO,
    t: Annotated[Expr, scalar(help="Number of values, where none are given.", whole=True, least=1)] = Sym(
        "t"
    ),
) -> Solution:
    """Exponentially weighted (moving) average, EMA or EWMA: values, bias correction, effective length 1/(1 - β).

    v_t = βv_{t-1} + (1 - β)x_t from v_0 = 0 is (1 - β) Σ β^(t-k) x_k, and v_t/(1 - β^t) corrects its bias towards 0.
    About 1/(1 - β) values count: β^n < 1/e < β^(n-1) for n = 1/(1 - β).
    Source: Kingma and Ba, Adam (2015), section 3; Ng, Deep Learning Specialization, course 2, week 2.

    Raises DlcalcError when β is not in 0 ≤ β < 1, or both β and α are given.

    >>> ema(beta=["0.9", "0.999"]).value
    [10, 1000]
    >>> ema(values=[10, 20], beta="0.9")["corrected"].text
    '290/19'
    """
    if beta is not None and alpha is not None:
        raise DlcalcError("--beta and --alpha both give the share that is kept", "leave one of them out")
    kept = BETA if beta is None and alpha is None else 1 - alpha if alpha is not None else beta
    several = kept if isinstance(kept, tuple) else ()
    every = [k for k in (several or (kept,)) if isinstance(k, Expr)]
    if several and len(every) != len(several):
        raise DlcalcError("--beta is one number or a list", "write --beta 0.9,0.999")
    for one in every:
        _in_range(one)
    data = () if values is None else values if isinstance(values, tuple) else (values,)
    listed = tuple(x for x in data if isinstance(x, Expr))
    if len(listed) != len(data):
        raise DlcalcError("--values is one list, not rows", "write --values 1,2,3")
    if several and (listed or v0 != ZERO):
        raise DlcalcError(f"{len(several)} values of beta and a list of values", "give one beta with --values")
    if several:
        return _windows(every)
    return _of_values(listed, every[0], v0) if listed else _of_any(every[0], v0, t)


def _in_range(beta: Expr) -> None:
    found = beta.value if isinstance(beta, Num) else approximate(beta)
    if found is None or 0 <= found < 1:
        return
    if found == 1:
        raise DlcalcError("beta = 1 takes no value in: v_t stays v_0", "use a beta below 1, such as 0.9")
    raise DlcalcError(f"beta = {plain(beta)} is not in 0 <= beta < 1", "use 0.9, say; beta is the share that is kept")


# the effective length


def _row(beta: Expr) -> Row:
    """Say how far an average reaches back, in β alone."""
    letters = Letters(taken=symbols(beta))
    b = letters.letter("beta", beta, UNIT)

    def share(p: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
        return p[b.name]

    inverse = () if beta == ZERO else ((1 / b, "it is 1/(1 - β), not 1/β"),)
    length = Quantity(
        "effective_length",
        1 / (1 - b),
        "all weights together are this many times the newest: 1 + β + β² + …",
        lambda p: _series(share(p)),
        "the series 1 + β + β² + … added up until nothing changes",
        ((b, "that is the share kept; about 1/(1 - β) values are averaged"), *inverse),
    )
    if beta == ZERO:
        return Row(letters, (length,))
    fallen = Quantity(
        "one_over_e",
        -1 / ln(b),
        "β^n = 1/e solved for n: this many values back the weight is 1/e of the newest",
        lambda p: _solved(float(share(p))),
        "β^n = 1/e solved by bisection",
    )
    left = Quantity(
        "weight_left",
        b ** Sym("effective_length"),
        "1/(1 - β) values back, relative to the newest",
        lambda p: _raised(float(share(p)), 1 / (1 - float(share(p)))),
        "the power built from square roots and squares",
    )
    return Row(letters, (length, fallen, left))


def _series(beta: Fraction) -> float:
    """Add up 1 + β + β² + …, twice as many terms at a time."""
    total, power = 1.0, float(beta)
    while power * total > 0 and total * (1 + power) != total:
        total, power = total * (1 + power), power * power
    return total


def _solved(beta: float) -> float:
    """Find n with β^n = 1/e between two bounds that close in."""
    low, high, target = 0.0, 1.0, float_exp(-1)
    while beta**high > target:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if beta**middle > target else (low, middle)
    return (low + high) / 2


def _raised(base: float, exponent: float) -> float:
    """Raise a number below 1 to a power, from the binary digits of the exponent."""
    whole, rest = int(exponent), exponent - int(exponent)
    found = 1.0
    for digit in bin(whole)[2:]:
        found = found * found * (base if digit == "1" else 1.0)
    root = base
    for _ in range(60):
        root, rest = sqrt(root), rest * 2
        if rest >= 1:
            found, rest = found * root, rest - 1
    return found


def _bounds(beta: Expr, row: Row) -> Iterator[Step]:
    """Show that the weight falls to 1/e between n - 1 and n = 1/(1 - β) values back."""
    if beta == ZERO:
        return
    b = next(iter(row.letters.domains))
    letter, used = Sym(b), row.letters.values
    n, target = 1 / (1 - letter), Sym("weight_left")
    below = "ln β < β - 1, so n values back less than 1/e of the newest weight is left"
    above = "ln β > 1 - 1/β, so n - 1 values back more than that is left"
    yield Step("below", target, Pow(letter, n), exp(expr(-1)), below, "<", where=used)
    yield Step("above", target, Pow(letter, letter * n), exp(expr(-1)), above, ">", where=used)


def _windows(betas: list[Expr]) -> Solution:
    """Compare several β."""
    if symbols(*betas):
        raise DlcalcError("several values of beta are numbers", "give one symbol, or numbers such as 0.9,0.999")
    rows = [_row(beta) for beta in betas]
    found = [row.values for row in rows]
    longest = max(rows, key=lambda row: len(row.quantities))
    names = [q.name for q in longest.quantities if all(q.name in f for f in found)]

    def work() -> Work:
        steps = [s for beta, row in zip(betas, rows, strict=True) for s in (*row.steps(), *_bounds(beta, row))]
        formulas = {s.rule: s for s in steps if not s.where}
        return Work((*formulas.values(), *(s for s in steps if s.where)), tuple(r for row in rows for r in row.routes()))

    answers = tuple(Answer(name, tuple(f[name] for f in found)) for name in names)
    return Solution(answers, work, longest.setting(), conventions=(_LENGTH,), notes=(_ABOUT,))


_LENGTH = "effective length: 1/(1 - β) values, behind which a value has less than about 1/e of the newest one's weight"
_ABOUT = "the effective length is a rule of thumb: every value before it still has a weight, which fades as β^j"


# given values


def _short(value: Expr) -> Expr:
    """Show a long fraction as a float."""
    return Real(float(value.value)) if isinstance(value, Num) and long(value) else value


def _weights(beta: Expr, count: int) -> tuple[Expr, ...]:
    return tuple((1 - beta) * beta ** expr(count - k) for k in range(1, count + 1))


def _averaged(beta: Expr, values: tuple[Expr, ...], v0: Expr) -> Expr:
    """Write the average of values as their weighted sum."""
    parts = (w * x for w, x in zip(_weights(beta, len(values)), values, strict=True))
    return add(beta ** expr(len(values)) * v0, *parts)


def _of_values(values: tuple[Expr, ...], beta: Expr, v0: Expr) -> Solution:
    """Average given values."""
    count = len(values)
    if isinstance(beta, Num) and not symbols(*values, v0):
        numbers = _running([_fraction(x) for x in values], beta.value, _fraction(v0))
        averages: tuple[Expr, ...] = tuple(_number(v) for v in numbers)
        corrections = [_number(v / (1 - beta.value**t)) for t, v in enumerate(numbers, 1)]
    else:
        if count > MAX_SYMBOLIC:
            raise DlcalcError(f"{count} values with symbols among them are too many", f"use at most {MAX_SYMBOLIC}")
        averages = tuple(_averaged(beta, values[:t], v0) for t in range(1, count + 1))
        corrections = [v / (1 - beta ** expr(t)) for t, v in enumerate(averages, 1)]
    biased = v0 == ZERO
    row = _row(beta)
    shown = tuple(map(_short, averages))
    corrected = tuple(map(_short, corrections))
    weights = tuple(map(_short, _weights(beta, count)))
    answers = [Answer("average", shown[-1], slips=_slips(beta, values, v0))]
    if biased:
        late = Slip(averages[-1], "that is v_t, without the correction", "corrected")
        answers.append(Answer("corrected", corrected[-1], slips=(late, *_corrected_slips(beta, averages[-1], count))))
    answers.append(Answer("averages", shown))
    answers += [Answer("corrected_averages", corrected)] if biased else []
    answers.append(Answer("weights", weights, slips=(Slip(weights[::-1], "the newest value has the largest weight"),)))
    answers.append(Answer("weights_sum", _short(1 - beta ** expr(count))))
    columns = ("t", "x", "v", "corrected") if biased else ("t", "x", "v")

    def rows() -> list[tuple[int | Expr, ...]]:
        lists = (range(1, count + 1), values, shown, corrected) if biased else (range(1, count + 1), values, shown)
        return list(zip(*lists, strict=True))

    def steps() -> Iterator[Step]:
        before: Expr = v0
        for t, (x, v) in enumerate(zip(values, averages, strict=True), 1):
            if t > SHOWN:
                break
            taken = Add((Mul((beta, before)), Mul((1 - beta, x))))
            yield Step("average", Entry("v", expr(t)), Entry("v", expr(t)), taken, f"value {t} taken in")
            yield Step("average", Entry("v", expr(t)), taken, v, "computed" if isinstance(v, Num) else "collected")
            if biased:
                quotient = Div(v, Add((ONE, -Pow(beta, expr(t)))))
                why = "what is missing of the weights, β^t, is divided out"
                yield Step("corrected", Sym("corrected"), quotient, corrections[t - 1], why)
            before = v
        if count <= UNROLLED:
            parts = tuple(Mul((1 - beta, Pow(beta, expr(count - k)), x)) for k, x in enumerate(values, 1))
            start = () if biased else (Mul((Pow(beta, expr(count)), v0)),)
            unrolled = Add((*start, *parts)) if len(parts) + len(start) > 1 else parts[0]
            yield Step("unrolled", Entry("v", expr(count)), Entry("v", expr(count)), unrolled, "unrolled: the weights")
            total = Add(tuple(Mul((1 - beta, Pow(beta, expr(j)))) for j in range(count))) if count > 1 else 1 - beta
            yield Step("weights", Sym("weights_sum"), total, 1 - beta ** expr(count), "a geometric sum")

    def run(point: Mapping[str, Any]) -> list[Any]:
        x = [PLAIN.value(value, point) for value in values]
        return _running(x, PLAIN.value(beta, point), PLAIN.value(v0, point))

    def fixed(point: Mapping[str, Any]) -> list[Any]:
        """Divide by the average that the same steps give of ones."""
        ones = _running([Fraction(1)] * count, PLAIN.value(beta, point), Fraction(0))
        return [v / one for v, one in zip(run(point), ones, strict=True)]

    routes = [Route("averages", "the recurrence run on the values", shown, run)]
    if biased:
        routes.append(Route("corrected_averages", "divided by the same average of ones", corrected, fixed))
    setting = row.setting()
    return Solution(
        answers=(*answers, *row.answers()),
        work=lambda: Work((*steps(), *row.steps(), *_bounds(beta, row)), (*routes, *row.routes())),
        principal=("average", "corrected") if biased else ("average",),
        setting=replace(
            setting,
            domains={**dict.fromkeys(sorted(symbols(*values, v0)), REAL), **setting.domains},
            definitions={**setting.definitions, "v": lambda p, t: run(p)[t - 1]},
            families=frozenset({"v"}),
        ),
        conventions=(_RULE, *((_CORRECTED,) if biased else (_STARTED,)), _LENGTH),
        assumptions=("v_0 = 0",) if biased else (),
        notes=(_ABOUT, *((f"the first {SHOWN} values are written out; all are checked",) if count > SHOWN else ())),
        tables=(Table("steps", columns, rows),),
    )


MAX_SYMBOLIC = 30
_RULE = "v_t = βv_{t-1} + (1 - β)x_t: β is kept (Ng, Adam, Keras' momentum); torch's BatchNorm momentum is 1 - β (--alpha)"
_CORRECTED = "corrected: v_t/(1 - β^t)"
_STARTED = "with a v_0 of its own nothing is corrected: the correction divides out a start at 0"


def _running(values: list[Any], beta: Any, v0: Any) -> list[Any]:
    found, v = [], v0
    for x in values:
        v = PLAIN.kept(beta * v + (1 - beta) * x)
        found.append(v)
    return found


def _fraction(value: Expr) -> Any:  # noqa: ANN401 (exact, or a float where it is irrational)
    return PLAIN.value(value, {})


def _number(value: Any) -> Expr:  # noqa: ANN401 (as above)
    return Real(value) if isinstance(value, float) else expr(value)


def _slips(beta: Expr, values: tuple[Expr, ...], v0: Expr) -> tuple[Slip, ...]:
    if len(values) > MAX_SYMBOLIC:
        return ()
    return (
        Slip(_averaged(1 - beta, values, v0), "β is the share of the old average; that takes it for the new value's"),
        Slip(_averaged(beta, values[::-1], v0), "the values are taken in the reverse order", "average"),
        Slip(_averaged(beta, values[1:], values[0]), "the average starts at v_0 = 0, not at the first value", "average")
        if len(values) > 1
        else Slip(values[0], "the average starts at v_0 = 0, not at the first value", "average"),
        Slip(add(*values) / expr(len(values)), "that is the plain mean"),
    )


def _corrected_slips(beta: Expr, average: Expr, count: int) -> tuple[Slip, ...]:
    wrong = Slip(average / (1 - beta), "the power is missing: 1 - β^t", "corrected")
    return (wrong, Slip(average / (1 - beta ** expr(count - 1)), "t counts from 1")) if count > 1 else (wrong,)


# any values


def _of_any(beta: Expr, v0: Expr, t: Expr) -> Solution:
    """Derive the average of any values."""
    row = _row(beta)
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
        steps.append(Step("corrected", Sym("corrected"), constant, c, "divided by it, values that are all c average to c"))

    def put_in(node: Expr) -> Expr:
        return settled(node, letters.values)

    average = put_in(pattern(n))
    weight = put_in((1 - b) * b ** (n - k))
    total = put_in(1 - b**n)
    answers = [Answer("average", average)]
    answers += [Answer("corrected", average / total)] if v0 == ZERO else []
    answers += [Answer("weight", weight, slips=(Slip(put_in(b ** (n - k)), "the factor 1 - β is missing", "pattern"),))]
    answers.append(Answer("weights_sum", total, slips=(Slip(ONE, "they add up to less than 1: v_0 has the rest"),)))

    def running(point: Mapping[str, Any], index: int) -> Any:  # noqa: ANN401 (exact numbers)
        x = list(point["x"][:index])
        return _running(x, point[b.name], Fraction(0) if start == ZERO else PLAIN.value(start, point))[-1]

    def ones(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        return _running([Fraction(1)] * int(PLAIN.value(t, point)), PLAIN.value(beta, point), Fraction(0))[-1]

    setting = row.setting(aliases={"alpha": 1 - b})
    longest = expr(int(STEPS.high) + 1)
    small = not isinstance(t, Num) or t.value <= STEPS.high
    return Solution(
        answers=(*answers, *row.answers()),
        work=lambda: Work(
            (*steps, *row.steps(), *_bounds(beta, row)),
            (*((Route("weights_sum", "the recurrence run on ones", total, ones),) if small else ()), *row.routes()),
        ),
        principal=("average", "effective_length") if v0 != ZERO else ("average", "corrected", "effective_length"),
        setting=replace(
            setting,
            domains={**setting.domains, k.name: Domain(Fraction(1), Fraction(1), whole=True)},
            sequences={"x": Sequence(longest)},
            definitions={**setting.definitions, "v": running},
            families=frozenset({"v"}),
        ),
        conventions=(_RULE, *((_CORRECTED,) if v0 == ZERO else (_STARTED,)), _LENGTH, "weight: of x_k after t values"),
        assumptions=("v_0 = 0",) if v0 == ZERO else (),
        notes=(_ABOUT,),
    )
