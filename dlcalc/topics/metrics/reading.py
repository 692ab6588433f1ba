"""What a confusion matrix is read from: a matrix of counts, or two lists of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, add, expr
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import symbols

if TYPE_CHECKING:
    from dlcalc.notation.printing import Value

Counts = tuple[tuple[Expr, ...], ...]
"""Rows of actual classes, columns of predicted ones; of two classes the negative one first."""
BOTH = 2
MAX_CLASSES = 30


class Named(NamedTuple):
    """What the classes are called, and how the table was read."""

    classes: tuple[str, ...]
    conventions: tuple[str, ...]
    binary: bool


def from_matrix(matrix: Value, rows: str, positive: Expr | None) -> tuple[Counts, Named]:
    """Read a square matrix of counts."""
    table = tuple(row for row in matrix if isinstance(row, tuple)) if isinstance(matrix, tuple) else ()
    counts = tuple(tuple(entry for entry in row if isinstance(entry, Expr)) for row in table)
    size = len(counts)
    if size < BOTH or any(len(row) != size for row in counts):
        shape = f"{size}×{len(counts[0])}" if counts else "a list"
        raise DlcalcError(f"--matrix is {shape}, but a confusion matrix is square", 'write rows, such as "50,3;5,42"')
    if size > MAX_CLASSES:
        raise DlcalcError(f"--matrix has {size} classes", f"at most {MAX_CLASSES} are read")
    for entry in (entry for row in counts for entry in row):
        if isinstance(entry, Num) and (entry.value < 0 or entry.value.denominator != 1):
            raise DlcalcError(
                f"--matrix has the entry {plain(entry)}, which is no count", "use whole numbers from 0 on"
            )
    if rows == "predicted":
        counts = tuple(zip(*counts, strict=True))
    classes = tuple(str(i) for i in range(1, size + 1))
    said = f"rows are the {rows} classes, columns the {'predicted' if rows == 'actual' else 'actual'} ones"
    if positive is None and size > BOTH:
        return counts, Named(classes, (said,), binary=False)
    chosen = size if positive is None else _class_number(positive, size)
    of_two = f"class {chosen} is positive" + (
        " (as in scikit-learn: --positive 1 for the first)" if positive is None else ""
    )
    return _against_the_rest(counts, chosen - 1), Named(classes, (said, of_two), binary=True)


def _class_number(positive: Expr, size: int) -> int:
    if isinstance(positive, Num) and positive.value.denominator == 1 and 1 <= positive.value <= size:
        return int(positive.value)
    raise DlcalcError(f"--positive {plain(positive)} is no class of the matrix", f"use 1 to {size}")


def _against_the_rest(counts: Counts, chosen: int) -> Counts:
    """Put all classes but one together; that one is positive."""
    rest = [i for i in range(len(counts)) if i != chosen]

    def total(actual: list[int], predicted: list[int]) -> Expr:
        return add(*(counts[i][j] for i in actual for j in predicted))

    one = [chosen]
    return (total(rest, rest), total(rest, one)), (total(one, rest), total(one, one))


def from_labels(
    y: Value | None, predicted: Value | None, threshold: Expr | None, positive: Expr | None
) -> tuple[Counts, Named]:
    """Count the pairs of actual and predicted labels."""
    actual, guessed = _labels("y", y), _labels("predicted", predicted)
    said: tuple[str, ...] = ()
    if threshold is not None:
        guessed = _thresholded(guessed, threshold)
        said = (f"a score of {unicode(threshold)} or more is predicted positive",)
    elif _scored(actual, guessed):
        raise DlcalcError("--predicted has scores, and the labels are 0 and 1", "add --threshold 0.5")
    if len(actual) != len(guessed):
        raise DlcalcError(
            f"there are {len(actual)} labels, but {len(guessed)} predictions", "give one for each example"
        )
    found = dict.fromkeys((*actual, *guessed))
    zero_one = all(label in {ZERO, ONE} for label in found)
    if positive is not None and positive not in found:
        known = ", ".join(map(plain, found))
        raise DlcalcError(f"no example is labelled {plain(positive)}", f"the labels are {known}")
    if zero_one or positive is not None:
        one = ONE if positive is None else positive
        cells = [(a == one, b == one) for a, b in zip(actual, guessed, strict=True)]
        counts = tuple(tuple(expr(cells.count((a, b))) for b in (False, True)) for a in (False, True))
        return counts, Named((), (*said, f"the label {unicode(one)} is positive"), binary=True)
    if len(found) > MAX_CLASSES:
        raise DlcalcError(f"there are {len(found)} different labels", f"at most {MAX_CLASSES} classes are read")
    ordered = sorted(found, key=lambda label: (not isinstance(label, Num), getattr(label, "value", 0), plain(label)))
    pairs = list(zip(actual, guessed, strict=True))
    table = tuple(tuple(expr(pairs.count((a, b))) for b in ordered) for a in ordered)
    return table, Named(
        tuple(map(plain, ordered)), (*said, f"classes in this order: {', '.join(map(plain, ordered))}"), binary=False
    )


def _scored(actual: tuple[Expr, ...], guessed: tuple[Expr, ...]) -> bool:
    """Say whether labels 0 and 1 are compared with numbers between them, which no class is called."""
    between = any(isinstance(score, Num) and 0 < score.value < 1 for score in guessed)
    return between and all(label in {ZERO, ONE} for label in actual)


def _labels(name: str, given: Value | None) -> tuple[Expr, ...]:
    if given is None:
        raise DlcalcError(f"--{name} is missing", "give --y and --predicted")
    entries = (given,) if isinstance(given, Expr) else given
    if any(isinstance(entry, tuple) for entry in entries):
        raise DlcalcError(f"--{name} has {len(entries)} rows", "give one list of labels")
    return tuple(entry for entry in entries if isinstance(entry, Expr))


def _thresholded(scores: tuple[Expr, ...], threshold: Expr) -> tuple[Expr, ...]:
    for score in (*scores, threshold):
        if symbols(score) or not isinstance(score, Num):
            raise DlcalcError(f"{plain(score)} cannot be compared with the threshold", "give numbers")
    least = threshold.value if isinstance(threshold, Num) else 0
    return tuple(ONE if isinstance(score, Num) and score.value >= least else ZERO for score in scores)
