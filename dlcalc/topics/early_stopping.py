"""Early stopping on a given validation curve."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, values
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Expr, Mul, Num, Sym, number
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.plot import Curve, Plot
from dlcalc.solution import Answer, Route, Setting, Slip, Solution, Step, Work, verdict, word
from dlcalc.table import Table
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WRITTEN = 24
"""Evaluations up to which each has a line; of a longer curve those from the best one on."""
MAX_TIES = 6
REGIMES = ("overfitting", "underfitting", "at-the-minimum", "diverging")


class _Rule(NamedTuple):
    """When training stops, what counts as better, and how iterations are counted."""

    patience: int | None
    min_delta: Fraction
    first: int
    metric: str

    @property
    def sign(self) -> int:
        """What the metric is multiplied by so that smaller is better."""
        return -1 if self.metric == "accuracy" else 1

    @property
    def window(self) -> int | None:
        """Evaluations without improvement that end the training; patience 0 acts as 1."""
        return None if self.patience is None else max(self.patience, 1)

    def counted(self, at: int) -> Num:
        """Return the number of an iteration."""
        return number(at + self.first)


class _Run(NamedTuple):
    """What the rule did: the position of the best model that it kept, and of every evaluation."""

    kept: int
    rows: tuple[tuple[int, bool, int], ...]
    """Position, whether it improved, and how many in a row had not."""

    @property
    def last(self) -> int:
        """The position of the last evaluation."""
        return len(self.rows) - 1


class _Case(NamedTuple):
    """The curves and what became of them."""

    curve: list[Fraction]
    training: list[Fraction] | None
    rule: _Rule
    run: _Run

    @property
    def signed(self) -> list[Fraction]:
        """The validation curve with smaller for better."""
        return [v * self.rule.sign for v in self.curve]

    @property
    def best(self) -> int:
        """The position of the lowest point of the whole curve, the first of several."""
        return self.signed.index(min(self.signed))

    def fell(self, start: int, end: int) -> bool:
        """Say whether training is at least as good at the end as at the start (taken for granted without a curve)."""
        return self.training is None or self.training[end] * self.rule.sign <= self.training[start] * self.rule.sign

    @property
    def overfits(self) -> bool:
        """Whether validation ends worse than at its best while training does not."""
        return self.signed[-1] > self.signed[self.best] and self.fell(self.best, -1)

    @property
    def regime(self) -> str:
        """Where the model is at the end of the curve."""
        last, losses = self.run.last, self.signed[: self.run.last + 1]
        lowest = losses.index(min(losses))
        if losses[last] > losses[lowest]:
            return "overfitting" if self.fell(lowest, last) else "diverging"
        return "underfitting" if last > 0 and losses[last] < losses[last - 1] else "at-the-minimum"

    def gap(self, at: int) -> Num:
        """Return how much worse validation is than training."""
        return number((self.curve[at] - (self.training or self.curve)[at]) * self.rule.sign)


@topic(
    area="regularisation",
    answers=("returned", "best_loss", "stopped", "best", "gap", "overfits", "regime", "train_at_best"),
    examples=(
        "--validation 0.9,0.7,0.6,0.55,0.58,0.63 --train 0.8,0.6,0.45,0.35,0.25,0.2",
        "--validation 0.9,0.7,0.72,0.71,0.6,0.65 --patience 2",
        "--validation 0.60,0.72,0.71 --metric accuracy --start 0",
    ),
)
def early_stopping(
    *,
    validation: Annotated[
        Value, values("--val", "--val-loss", "-v", help="Validation loss per iteration: 0.9,0.7,0.8.")
    ],
    train: Annotated[
        Value | None, values("--training", "--train-loss", help="Training loss of the same iterations.")
    ] = None,
    patience: Annotated[
        Expr | None,
        scalar(
            "-p", help="Evaluations without improvement before training stops (default: never).", whole=True, least=0
        ),
    ] = None,
    min_delta: Annotated[
        Expr, scalar("--delta", help="Improvement below which none is counted (default 0).", least=0)
    ] = ZERO,
    start: Annotated[
        Expr, scalar("--first", help="Number of the first iteration (default 1).", whole=True, least=0)
    ] = ONE,
    metric: Annotated[
        str, choice("loss", "accuracy", help="loss: smaller is better (default); accuracy: larger.")
    ] = "loss",
) -> Solution:
    """Early stopping: which model is returned, when training stops, and where overfitting begins.

    The model with the lowest validation loss is returned: argmin_t val(t). With patience p training stops after p
    evaluations in a row none of which was better by more than min-delta, and the best model up to there is returned.
    Before the lowest point the model underfits; behind it, where the validation loss rises while the training loss
    falls, it overfits (usual causes: trained too long, too little or noisy data, too complex a model). The
    generalisation gap is validation minus training loss.
    Source: Prechelt, Early stopping, but when? (1998); Goodfellow, Bengio and Courville, Deep Learning (2016), section
    7.8; keras.callbacks.EarlyStopping.

    Raises DlcalcError for curves of different lengths, or entries that are no numbers.

    >>> early_stopping(validation="0.9,0.7,0.6,0.65").value
    3
    """
    curve = _curve("validation", validation)
    training = None if train is None else _curve("train", train)
    if training is not None and len(training) != len(curve):
        raise DlcalcError(
            f"--train has {len(training)} entries, but --validation has {len(curve)}",
            "give both for the same iterations",
        )
    for name, given in (("patience", patience), ("min-delta", min_delta), ("start", start)):
        if given is not None and not isinstance(given, Num):
            raise DlcalcError(f"--{name} {plain(given)} is no number", "give a number")
    rule = _Rule(
        int(patience.value) if isinstance(patience, Num) else None,
        min_delta.value if isinstance(min_delta, Num) else Fraction(0),
        int(start.value) if isinstance(start, Num) else 1,
        metric,
    )
    return _solution(_Case(curve, training, rule, _followed([v * rule.sign for v in curve], rule)))


def _curve(name: str, given: Value) -> list[Fraction]:
    found = []
    for entry in given if isinstance(given, tuple) else (given,):
        if not isinstance(entry, Num):
            raise DlcalcError(f"--{name} has {plain(entry)}, which is no number", "give one number per iteration")
        found.append(entry.value)
    return found


def _followed(losses: list[Fraction], rule: _Rule) -> _Run:
    """Evaluate after every iteration, as Keras and Lightning do: better by more than min-delta resets the wait."""
    kept, waited, rows = 0, 0, []
    for at, loss in enumerate(losses):
        better = at == 0 or loss < losses[kept] - rule.min_delta
        kept, waited = (at, 0) if better else (kept, waited + 1)
        rows.append((at, better, waited))
        if rule.window is not None and waited >= rule.window:
            break
    return _Run(kept, tuple(rows))


def _solution(case: _Case) -> Solution:
    rule = case.rule
    better = "smaller" if rule.sign > 0 else "larger"
    columns = ("iteration", "validation", "improved", "waited", *(("gap",) if case.training is not None else ()))
    return Solution(
        answers=tuple(_answers(case)),
        work=lambda: Work(tuple(_steps(case)), (_route(case),)),
        setting=Setting(definitions={"lowest": lambda _: rule.sign * min(case.signed[: case.run.last + 1])}),
        principal=("returned",),
        assumptions=("no training curve is given: training is taken to go on getting better",)
        if case.training is None
        else (),
        conventions=(
            f"iterations are counted from {rule.first}; {better} is better; the best weights are restored",
            "an evaluation improves when it beats the best by more than min-delta; waiting counts the others in a row"
            if rule.patience is not None
            else "no patience is given: the whole curve is run, and the best model is returned",
        ),
        notes=tuple(_notes(case)),
        tables=(Table("evaluations", columns, lambda: list(_table(case))),),
        plots=(Plot("early stopping", "iteration", rule.metric, lambda: list(_curves(case))),),
    )


def _answers(case: _Case) -> Iterator[Answer]:
    rule, run, curve = case.rule, case.run, case.curve
    slips = [
        Slip(rule.counted(run.last), "that is where training stops; the best model seen is returned", "best"),
        Slip(rule.counted(len(curve) - 1), "that is the last iteration: the best one is returned", "best"),
        Slip(rule.counted(case.best), "that is the lowest point, but training had stopped before", "stop"),
    ]
    if rule.first in {0, 1}:
        slips.append(Slip(number(run.kept + 1 - rule.first), f"iterations are counted from {rule.first} (see --start)"))
    yield Answer("returned", rule.counted(run.kept), slips=tuple(slips))
    yield Answer(f"best_{rule.metric}", number(curve[run.kept]))
    yield Answer("stopped", rule.counted(run.last), slips=(Slip(rule.counted(run.kept), "that is the model returned"),))
    yield Answer("best", rule.counted(case.best))
    if case.training is not None:
        yield Answer("gap", case.gap(run.kept), slips=(Slip(case.gap(-1), "that is the gap at the end"),))
        yield Answer("train_at_best", number(case.training[run.kept]))
    because = (
        "after the lowest point the validation curve gets worse"
        if case.overfits
        else "nothing gets worse after the best iteration, or the training curve gets worse too"
    )
    yield verdict("overfits", holds=case.overfits, otherwise=because)
    yield word("regime", case.regime, REGIMES, tuple(Slip(Sym(w), _REGIME[case.regime], "regime") for w in REGIMES))


def _notes(case: _Case) -> Iterator[str]:
    rule, run = case.rule, case.run
    ties = [rule.counted(i) for i, v in enumerate(case.signed) if v == min(case.signed)]
    if len(ties) > 1:
        shown = ", ".join(map(unicode, ties[:MAX_TIES])) + (" …" if len(ties) > MAX_TIES else "")
        yield f"iterations {shown} tie: the first of them is the best (it trained least)"
    if run.kept != case.best:
        why = "training had stopped before" if case.best > run.last else "its improvement is not above min-delta"
        yield f"the lowest point, iteration {unicode(rule.counted(case.best))}, is not returned: {why}"
    if rule.patience == 0:
        yield "patience 0 stops at the first evaluation without improvement, as patience 1 does"
    if rule.window is not None and run.rows[-1][2] < rule.window:
        yield "the curve ends before patience does"
    yield _REGIME[case.regime]
    if case.regime == "overfitting":
        yield _JUDGEMENT


def _table(case: _Case) -> Iterator[tuple[Any, ...]]:
    for at, improved, waited in case.run.rows:
        row = (case.rule.counted(at), number(case.curve[at]), "yes" if improved else "no", waited)
        yield row if case.training is None else (*row, case.gap(at))


def _curves(case: _Case) -> Iterator[Curve]:
    for name, curve in (("validation", case.curve), ("training", case.training)):
        if curve is not None:
            yield Curve(name, tuple((float(i + case.rule.first), float(v)) for i, v in enumerate(curve)))


_REGIME = {
    "overfitting": "at the end of the curve: overfitting (validation is worse than at its best, training is not)",
    "underfitting": "at the end of the curve: underfitting (validation still gets better: train longer)",
    "at-the-minimum": "at the end of the curve: at the minimum (nothing got better or worse)",
    "diverging": "at the end of the curve: diverging (the training curve got worse too: not overfitting)",
}


_JUDGEMENT = (
    "not computed, but usual: causes of overfitting are training too long, too little, correlated or noisy data, too "
    "complex a model; remedies are this stop, data augmentation, dropout, a penalty, not more layers"
)


def _steps(case: _Case) -> Iterator[Step]:
    """Compare every evaluation with the best one before it, then the end of the curve with its best."""
    rule, run, curve = case.rule, case.run, case.curve
    written = len(run.rows) <= WRITTEN
    if len(run.rows) > 1:
        seen = tuple(number(v) for v in curve[: run.last + 1])
        extreme = Call("min" if rule.sign > 0 else "max", seen) if written else Sym("lowest")
        found = number(rule.sign * min(case.signed[: run.last + 1]))
        which = "the smallest" if rule.sign > 0 else "the largest"
        yield Step("best", Sym("best"), extreme, found, f"{which} of all that were evaluated")
    for row in run.rows[1:] if written else run.rows[max(run.kept, 1) :][:WRITTEN]:
        yield _evaluated(case, row)
    if rule.window is not None:
        waited, allowed = number(run.rows[-1][2]), number(rule.window)
        if run.rows[-1][2] >= rule.window:
            yield Step("stop", Sym("waited"), waited, allowed, "patience is used up: training stops", ">=")
        else:
            yield Step("stop", Sym("waited"), waited, allowed, "patience is not used up: the curve ends", "<")
    if case.training is not None:
        pair = (curve[run.kept], case.training[run.kept])[:: rule.sign]
        difference = Add((number(pair[0]), Mul((number(-1), number(pair[1])))))
        yield Step("gap", Sym("gap"), difference, case.gap(run.kept), "generalisation gap of the model returned")
    yield from _ending(case)


def _evaluated(case: _Case, row: tuple[int, bool, int]) -> Step:
    """Compare one evaluation with the best one before it."""
    at, improved, waited = row
    rule = case.rule
    before = max(i for i, better, _ in case.run.rows[:at] if better)
    bound = number(case.curve[before] - rule.min_delta * rule.sign)
    here, there = (unicode(rule.counted(i)) for i in (at, before))
    said = f"iteration {here} improves on iteration {there}"
    if not improved:
        said = f"iteration {here} does not improve on iteration {there}: {waited} in a row"
    return Step("wait", Sym("waited"), number(case.curve[at]), bound, said, _BELOW[improved, rule.sign])


def _ending(case: _Case) -> Iterator[Step]:
    """Compare the end of both curves with the best point: the evidence for the verdict."""
    sign, curve = case.rule.sign, case.curve
    end, low = number(curve[-1]), number(curve[case.best])
    if case.signed[-1] > case.signed[case.best]:
        said = "validation ends worse than at its best"
        yield Step("regime", Sym("end"), end, low, said, ">" if sign > 0 else "<")
    else:
        yield Step("regime", Sym("end"), end, low, "validation ends at its best")
    if case.training is not None and case.signed[-1] > case.signed[case.best]:
        last, there = number(case.training[-1]), number(case.training[case.best])
        if case.overfits:
            said = "training is at least as good as there: overfitting"
            yield Step("regime", Sym("end"), last, there, said, "<=" if sign > 0 else ">=")
        else:
            said = "but training gets worse too: no overfitting"
            yield Step("regime", Sym("end"), last, there, said, ">" if sign > 0 else "<")


_BELOW: dict[tuple[bool, int], Literal["<", ">", ">=", "<="]] = {
    (True, 1): "<",
    (True, -1): ">",
    (False, 1): ">=",
    (False, -1): "<=",
}
"""How an evaluation stands to what it should beat, by whether it does and which way is better."""


def _route(case: _Case) -> Route:
    """Find the stop by its definition: the first window of p evaluations without an improvement."""
    rule, signed = case.rule, case.signed

    def searched(_: Mapping[str, Any]) -> list[int]:
        import numpy as np

        window = rule.window or len(signed)
        records = [0]
        for at in range(1, len(signed)):
            if signed[at] < signed[records[-1]] - rule.min_delta:
                records.append(at)
        following = [*records[1:], len(signed) + window]
        ends = [r + window for r, after in zip(records, following, strict=True) if r + window < after]
        last = min([*ends, len(signed) - 1])
        kept = max(r for r in records if r <= last)
        return [at + rule.first for at in (kept, last, int(np.argmin(np.array(signed, dtype=object))))]

    found = tuple(rule.counted(at) for at in (case.run.kept, case.run.last, case.best))
    return Route("returned, stopped and best", "the records of the curve and NumPy's argmin", found, searched)
