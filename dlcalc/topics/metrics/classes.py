"""Metrics of several classes: each against the rest, and their averages."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Entry, Expr, Sym, add, expr, fold
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain
from dlcalc.solution import COUNT, Answer, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.notation.printing import Value
    from dlcalc.topics.metrics.reading import Counts, Named

_EACH = ("precision", "recall", "f1")
_NONE = {"precision": "nothing is predicted so", "recall": "there is no such example"}


def of_classes(table: Counts, named: Named) -> Solution:
    """Answer for every class against the rest, and with the averages."""
    size = len(table)
    entries = [entry for row in table for entry in row]
    total = add(*entries)
    if total == ZERO:
        raise DlcalcError("there is no example: every count is 0", "give a count above 0")
    used = symbols(*entries)
    parts = _Parts(table)
    right, most = add(*(table[i][i] for i in range(size))), call("max", *parts.actual)
    each = {name: [parts.of(name, i) for i in range(size)] for name in _EACH}
    notes = [
        f"{name} of class {named.classes[i]} is 0/0: {_NONE[name]}; in averages it counts as 0 (as in scikit-learn)"
        for name in ("precision", "recall")
        for i in range(size)
        if parts.bottom(name, i) == ZERO
    ]
    macro = {name: fold(add(*each[name]) / size) for name in _EACH}
    accuracy = fold(right / total)
    answers = [
        Answer("accuracy", accuracy, slips=(Slip(fold(1 - accuracy), "that is the error rate", "accuracy"),)),
        *(Answer(name, tuple(each[name]), form="list", slips=_swapped(name, each)) for name in _EACH),
        *(Answer(f"macro_{name}", macro[name], slips=_micro(accuracy, name)) for name in _EACH),
        Answer("micro_f1", accuracy),
        *((Answer("balanced_accuracy", macro["recall"]),) if ZERO not in parts.actual else ()),
        Answer("majority_accuracy", fold(most / total)),
        Answer("error", fold((total - right) / total)),
    ]

    def counts(point: Mapping[str, Any]) -> dict[tuple[int, int], int]:
        return {(i, j): int(PLAIN.value(table[i][j], point)) for i in range(size) for j in range(size)}

    def again(point: Mapping[str, Any]) -> list[Any]:
        found = _Counted(counts(point), size)
        return [found.value(answer.name) for answer in answers]

    def one(name: str, point: Mapping[str, Any], *index: int) -> Any:  # noqa: ANN401 (an exact number, or a list of them)
        found = _Counted(counts(point), size).value(name)
        return found[index[0] - 1] if index else found

    route = Route(
        "every metric", "shares of the examples, counted condition by condition",
        tuple(value for answer in answers for value in _flat(answer.value)),
        lambda point: [value for found in again(point) for value in (found if isinstance(found, list) else [found])],
    )  # fmt: skip
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(_steps(parts, macro, total, right, most)), (route,)),
        setting=Setting(
            domains=dict.fromkeys(sorted(used), COUNT),
            definitions={name: partial(one, name) for name in (answer.name for answer in answers)},
            families=frozenset(_EACH),
            display={"f1": "F1", "macro_f1": "macro_F1", "micro_f1": "micro_F1"},
        ),
        principal=("accuracy", "macro_precision", "macro_recall", "macro_f1"),
        conventions=(
            *named.conventions,
            "macro: the mean over the classes, each counted alike; macro_f1 is the mean of the classes' F1",
            "micro: over all decisions; with one label per example micro precision, recall and F1 are the accuracy",
        ),
        notes=tuple(notes),
        tables=(Table("confusion", ("actual", *(f"as {name}" for name in named.classes)),
                      lambda: [(name, *row) for name, row in zip(named.classes, table, strict=True)]),),
    )  # fmt: skip


def _flat(value: Value) -> tuple[Value, ...]:
    return (value,) if isinstance(value, Expr) else value


class _Parts:
    """Sums of the rows and columns of a confusion matrix, and what is divided by them."""

    def __init__(self, table: Counts) -> None:
        """Add up rows (actual classes) and columns (predicted ones)."""
        self.table = table
        self.actual = [add(*row) for row in table]
        self.predicted = [add(*column) for column in zip(*table, strict=True)]

    def top(self, name: str, i: int) -> Expr:
        """Return what is divided."""
        return (2 if name == "f1" else ONE) * self.table[i][i]

    def bottom(self, name: str, i: int) -> Expr:
        """Return what it is divided by."""
        sums = {"precision": self.predicted[i], "recall": self.actual[i]}
        return sums.get(name, self.predicted[i] + self.actual[i])

    def of(self, name: str, i: int) -> Expr:
        """Return the metric of a class; 0 where it would be 0/0."""
        bottom = self.bottom(name, i)
        return ZERO if bottom == ZERO else fold(self.top(name, i) / bottom)


class _Counted:
    """Metrics as shares of examples, which are counted by actual and predicted class."""

    def __init__(self, pairs: Mapping[tuple[int, int], int], size: int) -> None:
        """Take the examples: how many there are of each pair of classes."""
        self.pairs, self.size = pairs, size

    def share(self, holds: Callable[[int, int], bool], among: Callable[[int, int], bool]) -> Fraction:
        """Return a share; 0 of nothing is 0."""
        chosen = {pair: count for pair, count in self.pairs.items() if among(*pair)}
        found, whole = sum(count for pair, count in chosen.items() if holds(*pair)), sum(chosen.values())
        return Fraction(found, whole) if whole else Fraction(0)

    def value(self, name: str) -> Any:  # noqa: ANN401 (a number, or a list of them)
        """Return a metric by its name; a list for every class."""
        each = range(self.size)
        precision = [self.share(lambda a, p: a == p, lambda _, p, c=c: p == c) for c in each]  # type: ignore[misc]
        recall = [self.share(lambda a, p: a == p, lambda a, _, c=c: a == c) for c in each]  # type: ignore[misc]
        f1 = [2 / (1 / p + 1 / r) if p and r else Fraction(0) for p, r in zip(precision, recall, strict=True)]
        whole = {"precision": precision, "recall": recall, "f1": f1}
        if name in whole:
            return whole[name]
        if name == "balanced_accuracy":
            name = "macro_recall"
        if name.startswith("macro_"):
            return sum(whole[name.removeprefix("macro_")]) / Fraction(self.size)
        if name == "majority_accuracy":
            return max(self.share(lambda a, _, c=c: a == c, lambda *_: True) for c in each)  # type: ignore[misc]
        if name == "error":
            return self.share(lambda a, p: a != p, lambda *_: True)
        return self.share(lambda a, p: a == p, lambda *_: True)


def _swapped(name: str, each: Mapping[str, list[Expr]]) -> tuple[Slip, ...]:
    other = {"precision": "recall", "recall": "precision"}.get(name)
    if other is None:
        return ()
    along = "columns (predicted)" if name == "precision" else "rows (actual)"
    return (Slip(tuple(each[other]), f"that is the {other}; {name} divides by the sums of the {along}", name),)


def _micro(accuracy: Expr, name: str) -> tuple[Slip, ...]:
    return (Slip(accuracy, f"that is the micro average; macro is the mean of the classes' {name}", f"macro_{name}"),)


def _steps(parts: _Parts, macro: Mapping[str, Expr], total: Expr, right: Expr, most: Expr) -> Iterator[Step]:
    """Divide by the sums of rows and columns, then average."""
    size = len(parts.table)
    diagonal, rows = Add(tuple(parts.table[i][i] for i in range(size))), Add(tuple(parts.actual))
    yield from _both("accuracy", Sym("accuracy"), Div(diagonal, rows), right / total, "the diagonal over all")
    whose = {
        "precision": "the diagonal over the column: of what is predicted so",
        "recall": "the diagonal over the row: of what is so",
        "f1": "2TP over row and column: the harmonic mean of both",
    }
    for name in _EACH:
        for i in range(size):
            target = Entry(name, expr(i + 1))
            if parts.bottom(name, i) == ZERO:
                yield Step(name, target, target, ZERO, "0/0, counted as 0")
                continue
            yield from _both(
                name, target, Div(parts.top(name, i), parts.bottom(name, i)), parts.of(name, i), whose[name]
            )
        mean = Div(Add(tuple(Entry(name, expr(i + 1)) for i in range(size))), expr(size))
        yield from _both(f"macro_{name}", Sym(f"macro_{name}"), mean, macro[name], "the mean over the classes")
    yield from _both("majority", Sym("majority_accuracy"), Div(Call("max", tuple(parts.actual)), total), most / total,
                     "always predicting the most frequent class")  # fmt: skip
    yield Step(
        "micro",
        Sym("micro_f1"),
        Sym("micro_f1"),
        Sym("accuracy"),
        "one label per example: FP and FN are the same errors",
    )


def _both(rule: str, target: Expr, formula: Expr, value: Expr, because: str) -> Iterator[Step]:
    yield Step(rule, target, target, formula, because)
    if plain(formula) != plain(fold(value)):
        yield Step(rule, target, formula, fold(value), "computed")
