"""Metrics of two classes, from the four counts or from precision and recall."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO, Expr, Num, Sym, add, mul
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain
from dlcalc.solution import COUNT, POSITIVE, UNIT, Slip, Solution, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlcalc.formulary import Point

MAX_LISTED = 20_000
"""Examples that are listed one by one at the very givens; above it only the formulas are checked."""
_LETTERS = {"tp": "TP", "fp": "FP", "fn": "FN", "tn": "TN"}
_NOBODY = {
    "precision": "nothing is predicted positive", "npv": "nothing is predicted negative",
    "recall": "no example is positive", "fnr": "no example is positive",
    "specificity": "no example is negative", "fpr": "no example is negative",
        "mcc": "one class has no example, or is never predicted",
}  # fmt: skip


class Metric(NamedTuple):
    """A metric: a quotient of counts, what it says, and how it is read off a list of examples."""

    name: str
    top: Expr
    bottom: Expr
    because: str
    of_examples: Callable[[Examples], Any]
    slips: tuple[tuple[Expr, str], ...] = ()


class Examples(NamedTuple):
    """Examples one by one: actual and predicted class, 1 for the positive one."""

    pairs: Sequence[tuple[int, int]]

    def share(self, holds: Callable[[int, int], bool], among: Callable[[int, int], bool] = lambda *_: True) -> Fraction:
        """Return the share of examples for which something holds, among those for which something else does."""
        chosen = [pair for pair in self.pairs if among(*pair)]
        return Fraction(sum(holds(*pair) for pair in chosen), len(chosen))

    @property
    def precision(self) -> Fraction:
        """The share of positives among what is predicted positive."""
        return self.share(lambda a, _: a == 1, lambda _, p: p == 1)

    @property
    def recall(self) -> Fraction:
        """The share of the positives that is found."""
        return self.share(lambda _, p: p == 1, lambda a, _: a == 1)

    @property
    def specificity(self) -> Fraction:
        """The share of the negatives that is left alone."""
        return self.share(lambda _, p: p == 0, lambda a, _: a == 0)

    def harmonic(self, weight: Any = 1) -> Any:  # noqa: ANN401 (exact in, exact out)
        """Return the harmonic mean of precision and recall, recall with a weight."""
        if (1, 1) not in self.pairs:
            return Fraction(0)
        return (1 + weight) / (1 / self.precision + weight / self.recall)

    @property
    def correlation(self) -> float:
        """The correlation of actual and predicted classes."""
        n = Fraction(len(self.pairs))
        means = [sum(pair[i] for pair in self.pairs) / n for i in (0, 1)]
        both, own, other = (
            sum((pair[i] - means[i]) * (pair[j] - means[j]) for pair in self.pairs) for i, j in ((0, 1), (0, 0), (1, 1))
        )
        return float(both) / sqrt(own * other)

    @property
    def overlap(self) -> Fraction:
        """The examples that are in both sets of positives over those in one of them."""
        actual, predicted = ({i for i, pair in enumerate(self.pairs) if pair[j]} for j in (0, 1))
        return Fraction(len(actual & predicted), len(actual | predicted))


def _metrics(tp: Expr, fp: Expr, fn: Expr, tn: Expr) -> list[Metric]:
    """Return every metric of four counts."""
    n = add(tp, fp, fn, tn)
    actual, rest, flagged, passed = tp + fn, fp + tn, tp + fp, fn + tn
    swapped = "that is {}: divide by what is {}"
    of_recall = (tp / actual, swapped.format("recall", "predicted positive, not by what is positive"))
    of_precision = (tp / flagged, swapped.format("precision", "positive, not by what is predicted positive"))
    return [
        Metric("accuracy", tp + tn, n, "what is right, over all", lambda e: e.share(lambda a, p: a == p),
               (((fp + fn) / n, "that is the error rate"), (tp / n, "true negatives are right too"))),
        Metric("precision", tp, flagged, "what is right of what is predicted positive", lambda e: e.precision,
               (of_recall, (tp / n, "over what is predicted positive, not over all"))),
        Metric("recall", tp, actual, "what is found of what is positive", lambda e: e.recall,
               (of_precision, (tp / n, "over what is positive, not over all"))),
        Metric("f1", 2 * tp, add(2 * tp, fp, fn), "multiplied by TP + FP and TP + FN", lambda e: e.harmonic(),
               (((tp / flagged + tp / actual) / 2, "that is the arithmetic mean; F1 is the harmonic one"),
                (tp / add(tp, fp, fn), "that is IoU = TP/(TP + FP + FN); in F1 the TP count twice"),
                (tp / flagged * tp / actual, "2/(P + R) is missing"))),
        Metric("specificity", tn, rest, "what is left alone of what is negative", lambda e: e.specificity,
               ((fp / rest, "that is the false positive rate, 1 - specificity"),
                (tp / actual, "that is the sensitivity"))),
        Metric("fpr", fp, rest, "false alarms over what is negative", lambda e: 1 - e.specificity,
               ((fp / flagged, "over what is negative, not over what is predicted positive"),
                (tn / rest, "that is the specificity"))),
        Metric("fnr", fn, actual, "what is missed of what is positive", lambda e: 1 - e.recall,
               ((tp / actual, "that is the recall"), (fn / passed, "over what is positive"))),
        Metric("npv", tn, passed, "what is right of what is predicted negative",
               lambda e: e.share(lambda a, _: a == 0, lambda _, p: p == 0), ()),
        Metric("iou", tp, add(tp, fp, fn), "both sets of positives over either (Jaccard index)", lambda e: e.overlap,
               ((2 * tp / add(2 * tp, fp, fn), "that is the Dice coefficient, F1; in IoU the TP count once"),)),
        Metric("majority_accuracy", call("max", actual, rest), n, "always predicting the more frequent class",
               lambda e: max(e.share(lambda a, _: a == 1), e.share(lambda a, _: a == 0)),
               ((actual / n, "that is the share of the positive class"),)),
        Metric("error", fp + fn, n, "what is wrong, over all", lambda e: e.share(lambda a, p: a != p),
               (((tp + tn) / n, "that is the accuracy"),)),
    ]  # fmt: skip


_HARMONIC = 2 / (1 / Sym("precision") + 1 / Sym("recall"))


def counted(counts: Mapping[str, Expr | None], beta: Expr | None, conventions: Sequence[str] = ()) -> Solution:
    """Answer with every metric that the known counts allow."""
    known = dict(counts)
    if all(count is None for count in known.values()):
        known = {name: Sym(letter) for name, letter in _LETTERS.items()}
    given = {name: count for name, count in known.items() if count is not None}
    if all(isinstance(c, Num) and c.value == 0 for c in given.values()):
        raise DlcalcError("there is no example: every count is 0", "give a count above 0")
    letters = Letters(taken=symbols(*given.values(), *((beta,) if beta else ())))
    spelled = {name: letters.letter(_LETTERS[name], count, COUNT) for name, count in given.items()}
    table = _Table(letters, tuple(spelled.get(name) for name in _LETTERS))
    b = None if beta is None else letters.letter("beta", beta, POSITIVE)
    found, notes = table.quantities(b)
    if not found:
        alone = ", ".join(f"--{name}" for name in given)
        raise DlcalcError(notes[0] if notes else f"{alone} alone gives no metric", "add more of --tp, --fp, --fn, --tn")
    numbers = [int(count.value) for count in given.values() if isinstance(count, Num)]
    names = {quantity.name for quantity in found}
    ranked = tuple(name for name in ("accuracy", "precision", "recall", "f1") if name in names)
    return Formulary(
        letters,
        found,
        "the examples listed one by one, and counted again",
        principal=ranked or (found[0].name,),
        conventions=(*conventions, "recall = sensitivity = true positive rate; precision = positive predictive value"),
        notes=notes,
        display={"f1": "F1"},
        found_again=sum(numbers) <= MAX_LISTED,
    ).solution()


class _Table(NamedTuple):
    """The four counts as letters, in the order TP, FP, FN, TN; None where one is not known."""

    letters: Letters
    cells: tuple[Sym | None, ...]

    def listed(self, point: Point) -> Examples:
        """List the examples that are known, one by one."""
        pairs = zip(self.cells, ((1, 1), (0, 1), (1, 0), (0, 0)), strict=True)
        return Examples([pair for cell, pair in pairs if cell for _ in range(int(point[cell.name]))])

    def zero(self, formula: Expr) -> bool:
        """Say whether a formula is 0 for the givens."""
        return value_of(formula, self.letters.values) == ZERO

    def quantities(self, beta: Sym | None) -> tuple[list[Quantity], list[str]]:
        """Return the metrics that the known counts allow, and what is said of those that are 0/0."""
        found: list[Quantity] = []
        notes: list[str] = []
        unknown = frozenset({_UNKNOWN.name})
        tp, fp, fn, tn = (cell or _UNKNOWN for cell in self.cells)
        for metric in _metrics(tp, fp, fn, tn):
            if symbols(metric.top, metric.bottom) & unknown:
                continue
            if self.zero(metric.bottom):
                why = _NOBODY.get(metric.name, "there is no positive, neither actual nor predicted")
                notes.append(f"{metric.name} is 0/0: {why} (scikit-learn writes 0 with a warning)")
                continue
            means = {"precision", "recall"} <= {quantity.name for quantity in found} and not self.zero(tp)
            found.append(self.quantity(metric, unknown, means=means))
        names = {quantity.name for quantity in found}
        if "f1" in names and beta is not None:
            found.append(_f_beta(tp, fp, fn, beta, self.listed))
        if {"recall", "specificity"} <= names:
            found.append(self.balanced())
        product = mul(tp + fp, tp + fn, tn + fp, tn + fn)
        if not symbols(product) & unknown and self.zero(product):
            notes.append(f"mcc is 0/0: {_NOBODY['mcc']} (scikit-learn writes 0)")
        elif not symbols(product) & unknown:
            matthews = (tp * tn - fp * fn) / call("sqrt", product)
            why = "Matthews: the correlation of actual and predicted classes"
            found.append(Quantity("mcc", matthews, why, lambda point: self.listed(point).correlation))
        return sorted(found, key=lambda quantity: _ORDER.index(quantity.name)), notes

    def quantity(self, metric: Metric, unknown: frozenset[str], *, means: bool) -> Quantity:
        """Make a quantity of a metric; F1 by way of the mean of precision and recall, where both are known."""
        through = ((_HARMONIC, "the harmonic mean of precision and recall"),) if metric.name == "f1" and means else ()
        wrong = tuple(
            Slip(value, because, metric.name)
            for slip, because in metric.slips
            if not symbols(slip) & unknown and (value := _at(slip, self.letters)) is not None
        )
        return Quantity(
            metric.name,
            metric.top / metric.bottom,
            metric.because,
            lambda point: metric.of_examples(self.listed(point)),
            wrong,
            through=through,
        )

    def balanced(self) -> Quantity:
        """Make the balanced accuracy, of recall and specificity."""
        return Quantity(
            "balanced_accuracy",
            (Sym("recall") + Sym("specificity")) / 2,
            "the mean of what is right in either class",
            lambda point: (self.listed(point).recall + self.listed(point).specificity) / 2,
        )


_UNKNOWN = Sym("?")
"""Stands for a count that is not given; no name is spelled like this."""
_ORDER = (
    *("accuracy", "precision", "recall", "f1", "f_beta", "specificity", "fpr", "fnr", "npv", "balanced_accuracy"),
    *("mcc", "iou", "majority_accuracy", "error"),
)


def _at(slip: Expr, letters: Letters) -> Expr | None:
    """Put the givens into a wrong answer; None where it would be 0/0."""
    try:
        return value_of(slip, letters.values)
    except DlcalcError:
        return None


def _f_beta(tp: Expr, fp: Expr, fn: Expr, beta: Expr, listed: Callable[[Point], Examples]) -> Quantity:
    squared = beta**2
    (name,) = symbols(beta)
    return Quantity(
        "f_beta",
        (1 + squared) * tp / add((1 + squared) * tp, squared * fn, fp),
        "F_β, the harmonic mean with β² as the weight of the recall",
        lambda point: listed(point).harmonic(point[name] ** 2),
    )


def of_rates(precision: Expr | None, recall: Expr | None, beta: Expr | None) -> Solution:
    """Answer with F1, and F_β, from precision and recall alone."""
    if precision is None or recall is None:
        raise DlcalcError("F1 takes precision and recall, but one is missing", "give --precision and --recall")
    for name, rate in (("precision", precision), ("recall", recall)):
        if not symbols(rate) and not 0 <= PLAIN.value(rate, {}) <= 1:
            raise DlcalcError(f"--{name} {plain(rate)} is no share", "use a number between 0 and 1")
    if precision == recall == ZERO:
        raise DlcalcError("with precision = recall = 0, F1 is 0/0", "it is called 0 where nothing is found")
    letters = Letters(taken=symbols(precision, recall, *((beta,) if beta else ())))
    p, r = letters.letter("P", precision, UNIT), letters.letter("R", recall, UNIT)

    def harmonic(point: Point, weight: Any = 1) -> Any:  # noqa: ANN401 (exact in, exact out)
        """Return the reciprocal of the weighted mean of the reciprocals."""
        first, second = point[p.name], point[r.name]
        return (1 + weight) / (1 / Fraction(first) + weight / Fraction(second)) if first and second else Fraction(0)

    wrong = (
        Slip((precision + recall) / 2, "that is the arithmetic mean; F1 is the harmonic one", "f1"),
        Slip(precision * recall, "2/(P + R) is missing", "f1"),
        *(
            (Slip(precision * recall / (precision + recall), "the factor 2 is missing", "f1"),)
            if precision + recall != ZERO
            else ()
        ),
    )
    found = [Quantity("f1", 2 * p * r / (p + r), "the harmonic mean of precision and recall", harmonic, wrong)]
    if beta is not None:
        b = letters.letter("beta", beta, POSITIVE)
        squared = b**2
        found.append(
            Quantity("f_beta", (1 + squared) * p * r / (squared * p + r), "with β² as the weight of the recall",
                     lambda point: harmonic(point, point[b.name] ** 2))
        )  # fmt: skip
    return Formulary(
        letters,
        found,
        "the reciprocal of the mean of the reciprocals",
        aliases={"P": p, "R": r, "precision": p, "recall": r},
        conventions=("F_β with β > 1 counts recall more than precision",) if beta is not None else (),
    ).solution()
