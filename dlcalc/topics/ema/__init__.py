"""Exponentially weighted averages: the values, their weights, bias correction, the effective length."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import UNIT, scalar, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ZERO, Expr, Num, Sym
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Solution
from dlcalc.topic import topic

BETA, T = Sym("beta"), Sym("t")


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
    t: Annotated[Expr, scalar(help="Number of values, where none are given.", whole=True, least=1)] = T,
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
        from dlcalc.topics.ema.windows import compared

        return compared(every)
    if listed:
        from dlcalc.topics.ema.given import of_values

        return of_values(listed, every[0], v0)
    from dlcalc.topics.ema.general import of_any

    return of_any(every[0], v0, t)


def _in_range(beta: Expr) -> None:
    found = beta.value if isinstance(beta, Num) else approximate(beta)
    if found is None or 0 <= found < 1:
        return
    if found == 1:
        raise DlcalcError("beta = 1 takes no value in: v_t stays v_0", "use a beta below 1, such as 0.9")
    raise DlcalcError(f"beta = {plain(beta)} is not in 0 <= beta < 1", "use 0.9, say; beta is the share that is kept")
