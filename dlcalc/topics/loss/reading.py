"""The givens of a loss, fitted together: a batch of examples, each with its predictions or logits and its target."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.entries import entries, shape_text
from dlcalc.entries import shape as shape_of
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Expr, Num, expr
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import symbols

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.topics.loss.kinds import Kind

MISSED = Fraction(1, 200)
"""By how much rounded probabilities may miss the sum 1."""
LARGEST = 1e30
"""The largest prediction, logit or target."""
SIGNS = (ONE, MINUS_ONE)
Row = tuple[Expr, ...]


class Example(NamedTuple):
    """What is given of one example: entries (one for a loss of single numbers), and the target of each."""

    given: Row
    target: Row


class Batch(NamedTuple):
    """Examples in order, and the shape in which they were handed in."""

    examples: tuple[Example, ...]
    shape: tuple[int, ...]
    link: str
    """What turns the numbers given into predictions; empty where they are the predictions."""
    options: Mapping[str, Expr]
    notes: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether there is more than one example."""
        return len(self.examples) > 1

    def shaped(self, rows: tuple[Row, ...], kind: Kind) -> Value:
        """Give rows of entries the shape of the givens."""
        if kind.over != "entry":
            return rows if self.shape[:-1] else rows[0]
        flat = tuple(row[0] for row in rows)
        if not self.shape:
            return flat[0]
        width = self.shape[-1]
        return flat if len(self.shape) == 1 else tuple(flat[i : i + width] for i in range(0, len(flat), width))


def batch_of(
    kind: Kind, predictions: Value, target: Value | None, options: Mapping[str, Expr], *, link: str, first: int
) -> Batch:
    """Fit predictions and targets together.

    Raises DlcalcError for shapes that do not go together, labels and probabilities out of range.
    """
    if target is None:
        raise DlcalcError("the target is missing", "add --target: " + _wanted(kind))
    shape = shape_of(predictions)
    if kind.over == "entry":
        examples = _entries(kind, predictions, target, shape)
    else:
        examples = _rows(kind, predictions, target, shape, first)
    notes: list[str] = []
    for number, example in enumerate(examples, 1):
        where = f" of example {number}" if len(examples) > 1 else ""
        _refuse_huge((*example.given, *example.target), where)
        _in_range(kind, example, link, where)
        if kind.classes and not link and kind.probabilities:
            notes += _sums_to_one("the probabilities", example.given, where)
        if kind.target in {"onehot", "simplex"}:
            notes += _sums_to_one("the target", example.target, where)
    return Batch(examples, shape, link, options, tuple(notes))


def _wanted(kind: Kind) -> str:
    return {
        "onehot": "the class of every example, or a row of soft labels",
        "simplex": "a distribution over the classes",
        "{0,1}": "0 or 1 for every example",
        "{-1,1}": "-1 or 1 for every example",
    }.get(kind.target, "what the predictions should be")


def _entries(kind: Kind, predictions: Value, target: Value, shape: tuple[int, ...]) -> tuple[Example, ...]:
    found = shape_of(target)
    if found != shape and (shape or found != (1,)):
        if found == () and (shape == (1,) or kind.target != "R"):
            target = (target,) * shape[0] if len(shape) == 1 else target
            found = shape_of(target)
        if found != shape:
            raise DlcalcError(
                f"the predictions are {shape_text(shape)}, but the target is {shape_text(found)}",
                "give as many targets",
            )
    return tuple(Example((p,), (y,)) for p, y in zip(entries(predictions), entries(target), strict=True))


def _rows(kind: Kind, predictions: Value, target: Value, shape: tuple[int, ...], first: int) -> tuple[Example, ...]:
    if not shape:
        raise DlcalcError(
            f"{kind.name} takes a list per example, not one number",
            "give one number per class, such as 0.7,0.2,0.1" if kind.classes else "give a vector, such as 1,0",
        )
    rows: tuple[Row, ...] = predictions if len(shape) > 1 else (predictions,)  # type: ignore[assignment]
    width, found = shape[-1], shape_of(target)
    if kind.classes and width == 1:
        raise DlcalcError("there is only one class", "give a number per class, or use --kind bce for one probability")
    if found == shape:
        targets = target if len(shape) > 1 else (target,)
    elif len(shape) > 1 and found == (width,) and kind.over == "pair":
        targets = (target,) * len(rows)
    elif kind.target == "onehot" and (
        (len(shape) > 1 and found == (len(rows),)) or (len(rows) == 1 and found in {(), (1,)})
    ):
        targets = tuple(_onehot(label, width, first) for label in entries(target))
    else:
        label = f", or {len(rows)} class {'indices' if len(rows) > 1 else 'index'}" if kind.target == "onehot" else ""
        raise DlcalcError(
            f"the predictions are {shape_text(shape)}, but the target is {shape_text(found)}",
            f"give {shape_text(shape)}{label}",
        )
    return tuple(Example(row, y) for row, y in zip(rows, targets, strict=True))  # type: ignore[arg-type]


def _onehot(label: Expr, classes: int, first: int) -> Row:
    if not isinstance(label, Num):
        raise DlcalcError(
            f"the class {plain(label)} is not a number", "give the number of the class, or a row of labels"
        )
    place = label.value - first
    if place.denominator != 1 or not 0 <= place < classes:
        other = 1 - first
        fits = place + first - other
        hint = f", or --first-class {other}" if fits.denominator == 1 and 0 <= fits < classes else ""
        raise DlcalcError(
            f"the class {plain(label)} is not one of the {classes} classes {first} to {classes - 1 + first}",
            f"use a class from {first} to {classes - 1 + first}{hint}",
        )
    return tuple(ONE if c == place else ZERO for c in range(classes))


def _refuse_huge(row: Row, where: str) -> None:
    """Refuse what floats do not hold, or what would fill the screen."""
    for value in row:
        known = approximate(value)
        if not symbols(value) and (known is None or abs(known) > LARGEST):
            raise DlcalcError(f"a number{where} is too large", f"give numbers up to {LARGEST:.0e}")


def _in_range(kind: Kind, example: Example, link: str, where: str) -> None:
    if kind.probabilities and not link:
        for value in example.given:
            known = approximate(value)
            if known is not None and not 0 <= known <= 1:
                raise DlcalcError(
                    f"the probability {plain(value)}{where} is not between 0 and 1",
                    "give probabilities, or --logits for the numbers before the " + kind.link,
                )
    for value in example.target:
        known = approximate(value)
        if known is None:
            continue
        if kind.target in {"{0,1}", "onehot", "simplex"} and not 0 <= known <= 1:
            raise DlcalcError(f"the target {plain(value)}{where} is not between 0 and 1", f"give {_wanted(kind)}")
        if kind.target == "{-1,1}" and expr(value) not in SIGNS:
            near = "write -1 for 0" if value == ZERO else "use -1 or 1"
            raise DlcalcError(f"the label {plain(value)}{where} is not -1 or 1, as the hinge takes them", near)


def _sums_to_one(what: str, row: Row, where: str) -> list[str]:
    """Refuse what is no distribution; say it where rounding makes it miss 1."""
    if symbols(*row):
        return []
    total = sum(approximate(value) or 0.0 for value in row)
    if abs(total - 1) <= 1e-12:  # noqa: PLR2004 (the rounding of floats)
        return []
    if abs(total - 1) > float(MISSED):
        raise DlcalcError(
            f"{what}{where} sum{'s' if what == 'the target' else ''} to {total:.6g}, not to 1",
            "give a distribution, or --logits" if what != "the target" else "give a distribution, or the class",
        )
    return [f"{what}{where} sum to {total:.6g}: rounded, taken as they stand"]
