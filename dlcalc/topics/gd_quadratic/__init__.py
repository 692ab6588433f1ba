"""Gradient descent on a quadratic: the iterate, the rates that converge, the best rate, zigzag."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, scalar, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ZERO, Expr, Num, Sym, expr
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Solution, symbols
from dlcalc.topic import topic

GAMMA, T = Sym("gamma"), Sym("t")
MAX_COORDINATES = 6
MAX_STEPS = 10**6


@topic(
    area="optimisation",
    answers=(
        *("iterate", "factor", "shrink", "max_lr", "one_step_lr", "behaviour", "converges"),
        *("condition_number", "best_lr", "best_factor", "zigzag", "steps_needed"),
    ),
    examples=(
        "--curvature beta --lr gamma",
        "--curvature 4 --start 3 --lr 0.4 --updates 5",
        "--curvatures 1,25 --start 1,1 --lr 0.06 --updates 10",
        "--curvatures 1,25 --lr eps",
        "--curvature 2 --lr 0.1 --start 1 --tolerance 0.001",
        '--hessian "2,1;1,2" --lr 0.5',
    ),
)
def gd_quadratic(
    *,
    curvature: Annotated[
        Value | None,
        values("--curvatures", "--beta", "--eigenvalues", help="Second derivatives β: 4, or 1,25.", domain=POSITIVE),
    ] = None,
    hessian: Annotated[
        Value | None, values("--matrix", "-A", help='Symmetric 2×2 matrix of second derivatives: "2,1;1,2".')
    ] = None,
    lr: Annotated[
        Expr,
        scalar(
            "--gamma", "--epsilon", "--eta", "--learning-rate", help="Learning rate (default gamma).", domain=POSITIVE
        ),
    ] = GAMMA,
    start: Annotated[Value | None, values("--w0", "--theta0", help="First iterate (default: symbols w0).")] = None,
    minimum: Annotated[Value, values("--target", "--w-star", help="Where the loss is least (default 0).")] = ZERO,
    updates: Annotated[
        Expr, scalar("-t", "--iterations", help="Number of updates (default t).", whole=True, least=0)
    ] = T,
    tolerance: Annotated[
        Expr | None, scalar("--tol", help="Find the steps until every distance to the minimum is at most this.")
    ] = None,
) -> Solution:
    """Gradient descent on a quadratic loss: convergence, learning rates, condition number, zigzag.

    For L = Σ β_i(w_i - w*_i)²/2, w_t = w* + (1 - γβ)^t (w_0 - w*) in each coordinate. It converges for 0 < γ < 2/β:
    without a change of sign up to 1/β, in one step at 1/β, changing its sign at every step above, and diverges
    beyond 2/β. With several curvatures the largest one bounds the rate; the best rate 2/(β_min + β_max) shrinks
    the distance by (κ - 1)/(κ + 1) per step, κ = β_max/β_min.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 4.3 and 8.2; Nocedal and Wright,
    Numerical Optimization (2006), section 3.3.

    Raises DlcalcError when a curvature is not positive, or lists do not fit together.

    >>> gd_quadratic(curvature=4, start=3, lr="0.4", updates=2).value
    1.08
    >>> gd_quadratic(curvatures=[1, 25])["condition_number"].text
    '25'
    """
    curvatures = _curvatures(curvature, hessian)
    count = len(curvatures)
    for beta in curvatures:
        if (found := approximate(beta)) is not None and found <= 0:
            raise DlcalcError(
                f"the curvature {plain(beta)} is not positive: there is no minimum to converge to",
                "use positive curvatures; critical-point tells minima from saddle points",
            )
    if (rate := approximate(lr)) is not None and rate < 0:
        raise DlcalcError(f"lr {plain(lr)} is negative, which climbs", "use a positive learning rate")
    if isinstance(updates, Num) and updates.value > MAX_STEPS:
        raise DlcalcError(f"{plain(updates)} steps are too many", f"use at most {MAX_STEPS:,}, or a symbol")
    if tolerance is not None and ((bound := approximate(tolerance)) is None or bound <= 0):
        raise DlcalcError(f"--tolerance {plain(tolerance)} is no positive number", "use 0.001, say")
    names = ("w0",) if count == 1 else tuple(f"w0_{i}" for i in range(1, count + 1))
    first = tuple(map(Sym, names)) if start is None else _fitted("start", start, count)
    from dlcalc.topics.gd_quadratic.answering import Asked, solved

    if updates == T and T.name in symbols(*curvatures, lr, *first):
        raise DlcalcError("t is the number of updates", "use another letter for the given, or --updates n")

    targets = (ZERO,) * count if minimum == ZERO else _fitted("minimum", minimum, count)
    matrix = None if hessian is None or _diagonal(hessian) else hessian
    return solved(Asked(curvatures, lr, first, targets, updates, tolerance, matrix, start is not None))


def _curvatures(curvature: Value | None, hessian: Value | None) -> tuple[Expr, ...]:
    if curvature is not None and hessian is not None:
        raise DlcalcError("--curvature and --hessian both say how the loss bends", "leave one of them out")
    if hessian is not None:
        return _eigenvalues(hessian)
    if curvature is None:
        return (Sym("beta"),)
    found = curvature if isinstance(curvature, tuple) else (curvature,)
    flat = tuple(beta for beta in found if isinstance(beta, Expr))
    if len(flat) != len(found):
        raise DlcalcError("--curvature is a list, not rows", "write --curvatures 1,25, or --hessian for a matrix")
    if len(flat) > MAX_COORDINATES:
        raise DlcalcError(f"{len(flat)} curvatures are too many to write out", f"use up to {MAX_COORDINATES}")
    return flat


def _diagonal(matrix: Value) -> bool:
    return isinstance(matrix, tuple) and all(
        entry == ZERO
        for i, row in enumerate(matrix)
        for j, entry in enumerate(row if isinstance(row, tuple) else ())
        if i != j
    )


def _eigenvalues(matrix: Value) -> tuple[Expr, ...]:
    """Return the curvatures of a symmetric matrix: its diagonal, or the two roots of λ² - trace·λ + determinant."""
    rows = [row for row in matrix if isinstance(row, tuple)] if isinstance(matrix, tuple) else []
    if not rows or any(len(row) != len(rows) for row in rows):
        raise DlcalcError("--hessian is not a square matrix", 'write its rows: --hessian "2,1;1,2"')
    if any(rows[i][j] != rows[j][i] for i in range(len(rows)) for j in range(i)):
        raise DlcalcError("--hessian is not symmetric, so it is no matrix of second derivatives", "make it symmetric")
    if _diagonal(matrix):
        return _curvatures(tuple(row[i] for i, row in enumerate(rows)), None)
    if len(rows) != 2 or not all(isinstance(entry, Num) for row in rows for entry in row):  # noqa: PLR2004 (two by two)
        raise DlcalcError("--hessian is not a 2×2 matrix of numbers", "give its eigenvalues: --curvatures 1,25")
    a, b, _, d = (entry for row in rows for entry in row if isinstance(entry, Expr))
    half = (a + d) / 2
    root = call("sqrt", ((a - d) / 2) ** expr(2) + b ** expr(2))
    return half - root, half + root


def _fitted(name: str, value: Value, count: int) -> tuple[Expr, ...]:
    found = value if isinstance(value, tuple) else (value,)
    flat = tuple(x for x in found if isinstance(x, Expr))
    if len(flat) != len(found) or len(flat) != count:
        many = f"{count} coordinates" if count > 1 else "1 coordinate"
        raise DlcalcError(f"--{name} has {len(found)} entries for {many}", f"give {count}, as many as curvatures")
    return flat
