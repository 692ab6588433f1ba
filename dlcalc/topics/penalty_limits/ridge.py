"""Ridge regression on given data, for several weights of the penalty."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ZERO, Add, Div, Expr, Mul, Num, Pow, Sym, expr, number
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import Answer, Route, Setting, Slip, Solution, Step, Work, verdict
from dlcalc.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ROWS, MAX_COLUMNS, MAX_ALPHAS = 100, 6, 20
WRITTEN = 12
"""Rows up to which a data loss is written out."""
DEFAULT = tuple(map(number, (Fraction(0), Fraction(1, 10), Fraction(1), Fraction(10), Fraction(1000))))
Vector = list[Fraction]


def ridge(x: Value | None, y: Value | None, alphas: Value | None, factor: int) -> Solution:
    """Answer with the fit for each weight of the penalty, and its data loss."""
    rows, targets = _data(x, y)
    chosen = _alphas(alphas)
    fits = [_fit(rows, targets, alpha * factor, alpha) for alpha in chosen]
    losses = tuple(number(_loss(rows, targets, fit)) for fit in fits)
    squares = tuple(number(sum((w * w for w in fit), Fraction(0))) for fit in fits)
    nothing = number(_loss(rows, targets, [Fraction(0)] * len(rows[0])))
    columns = ("alpha", "weights", "squared norm", "data loss")

    def table() -> Iterator[tuple[Any, ...]]:
        for alpha, fit, square, loss in zip(chosen, fits, squares, losses, strict=True):
            yield number(alpha), ", ".join(_short(w) for w in fit), _short(square.value), _short(loss.value)

    def steps() -> Iterator[Step]:
        for alpha, fit, loss in zip(chosen, fits, losses, strict=True):
            slopes = tuple(_slope(rows, targets, fit, alpha * factor, j) for j in range(len(fit)))
            said = f"α = {unicode(number(alpha))}: the slope of loss and penalty is 0 in every weight"
            yield Step("normal", Sym("weights"), slopes, (ZERO,) * len(fit), said)
            if len(rows) <= WRITTEN:
                yield Step("loss", Sym("data_loss"), _written(rows, targets, fit), loss, "the data loss of this fit")
        for (a, b), (first, second) in zip(pairwise(chosen), pairwise(losses), strict=True):
            said = f"from α = {unicode(number(a))} to {unicode(number(b))} the data loss does not fall"
            yield Step("grows", Sym("losses"), first, second, said, "<=")
        yield Step("zero", Sym("losses"), losses[-1], nothing, "nor does it exceed that of the zero predictor", "<=")

    def augmented(_: Mapping[str, Any]) -> list[float]:
        """Solve least squares with rows √α·I below the data."""
        import numpy as np

        found: list[float] = []
        data, wanted = np.array(rows, dtype=float), np.array(targets, dtype=float)
        for alpha in chosen:
            below = float(alpha * factor) ** 0.5 * np.eye(data.shape[1])
            stacked = np.vstack([data, below])
            weights = np.linalg.lstsq(stacked, np.concatenate([wanted, np.zeros(data.shape[1])]), rcond=None)[0]
            found.append(float(((data @ weights - wanted) ** 2).sum() / 2))
        return found

    better = "at the penalised fit the data loss is never below that of the plain fit"
    half = "" if factor == 2 else "/2"  # noqa: PLR2004 (the full penalty)
    return Solution(
        answers=(
            Answer("losses", losses),
            Answer("weights", tuple(tuple(number(w) for w in fit) for fit in fits)),
            Answer("squared_norms", squares),
            Answer("zero_predictor_loss", nothing, slips=(Slip(nothing * 2, "the loss has a factor 1/2"),)),
            verdict("decreases_training_loss", holds=False, otherwise=better),
            verdict("underfits_at_infinity", holds=nothing != losses[0], otherwise="α → ∞ leads to the zero predictor"),
        ),
        work=lambda: Work(
            tuple(steps()),
            (Route("losses", "NumPy's least squares on data with rows √α·I below them", losses, augmented),),
        ),
        setting=Setting(),
        principal=("losses",),
        conventions=(
            f"data loss ½‖Xw - y‖², penalty α{half}·‖w‖², on every column of X (a bias column is penalised too)",
        ),
        notes=("the weights shrink towards 0 as α grows, and the data loss grows to that of the zero predictor",),
        tables=(Table("fits", columns, lambda: list(table())),),
    )


def _short(value: Fraction) -> str:
    return f"{float(value):.6g}"


def _data(x: Value | None, y: Value | None) -> tuple[list[Vector], Vector]:
    """Read inputs and targets as numbers."""
    if x is None or y is None:
        raise DlcalcError("--x and --y belong together", "give the inputs as rows and a target for each")
    lines = x if isinstance(x, tuple) else (x,)
    rows = [[_number(v) for v in (line if isinstance(line, tuple) else (line,))] for line in lines]
    targets = [_number(v) for v in (y if isinstance(y, tuple) else (y,))]
    if len(rows) != len(targets):
        raise DlcalcError(f"--x has {len(rows)} rows, but --y has {len(targets)} targets", "give one target per row")
    if len(rows) > MAX_ROWS or len(rows[0]) > MAX_COLUMNS:
        size = f"{len(rows)}×{len(rows[0])}"
        raise DlcalcError(f"--x is {size}", f"at most {MAX_ROWS}×{MAX_COLUMNS} is fitted exactly")
    return rows, targets


def _number(value: Value) -> Fraction:
    if not isinstance(value, Num):
        raise DlcalcError(f"the data have {plain(value)}, which is no number", "give numbers")
    return value.value


def _alphas(alphas: Value | None) -> Vector:
    given = DEFAULT if alphas is None else alphas if isinstance(alphas, tuple) else (alphas,)
    found = sorted({_number(alpha) for alpha in given})
    if found[0] < 0:
        raise DlcalcError(f"--alphas has {plain(number(found[0]))}, less than 0", "use 0 or more")
    if len(found) > MAX_ALPHAS:
        raise DlcalcError(f"--alphas has {len(found)} values", f"at most {MAX_ALPHAS} are compared")
    return found


def _fit(rows: list[Vector], targets: Vector, pull: Fraction, alpha: Fraction) -> Vector:
    """Solve (XᵀX + pull·I) w = Xᵀy by elimination."""
    size = len(rows[0])
    system = [
        [
            *(sum((row[i] * row[j] for row in rows), Fraction(0)) + (pull if i == j else 0) for j in range(size)),
            sum((row[i] * target for row, target in zip(rows, targets, strict=True)), Fraction(0)),
        ]
        for i in range(size)
    ]
    for i in range(size):
        pivot = next((k for k in range(i, size) if system[k][i] != 0), None)
        if pivot is None:
            raise DlcalcError(
                f"the columns of --x depend on each other: at α = {plain(number(alpha))} the fit is not unique",
                "leave α = 0 out, such as --alphas 0.1,1,10",
            )
        system[i], system[pivot] = system[pivot], system[i]
        system[i] = [value / system[i][i] for value in system[i]]
        for k in range(size):
            if k != i:
                system[k] = [a - system[k][i] * b for a, b in zip(system[k], system[i], strict=True)]
    return [line[-1] for line in system]


def _errors(rows: list[Vector], targets: Vector, fit: Vector) -> Vector:
    return [
        sum((a * w for a, w in zip(row, fit, strict=True)), Fraction(0)) - target
        for row, target in zip(rows, targets, strict=True)
    ]


def _loss(rows: list[Vector], targets: Vector, fit: Vector) -> Fraction:
    return sum((error * error for error in _errors(rows, targets, fit)), Fraction(0)) / 2


def _slope(rows: list[Vector], targets: Vector, fit: Vector, pull: Fraction, j: int) -> Expr:
    """Write the slope in one weight: Σ error·x_j + pull·w_j, nothing added up yet."""
    errors = _errors(rows, targets, fit)
    terms = [Mul((number(e), number(row[j]))) for e, row in zip(errors, rows, strict=True)]
    return Add((*terms, Mul((number(pull), number(fit[j])))))


def _written(rows: list[Vector], targets: Vector, fit: Vector) -> Expr:
    squares = tuple(Pow(number(error), expr(2)) for error in _errors(rows, targets, fit))
    return Div(Add(squares) if len(squares) > 1 else squares[0], expr(2))
