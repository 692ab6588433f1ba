"""Early stopping on a given validation curve."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
REGIMES = ("overfitting", "underfitting", "at-the-minimum", "diverging")


class _Rule(NamedTuple):
    """When training stops, and what counts as better; losses have the sign that makes smaller better."""

    patience: int | None
    min_delta: Fraction
    first: int
    sign: int


class _Run(NamedTuple):
    """What the rule did: the position of the best model that it kept, and of the last evaluation."""

    kept: int
    last: int
    rows: tuple[tuple[int, Fraction, bool, int], ...]


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
    Before the lowest point the model underfits; behind it, where the validation loss rises while the training loss falls,
    it overfits (possible causes: trained too long, too little or noisy data, too complex a model). The generalisation gap
    is validation minus training loss.
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
        -1 if metric == "accuracy" else 1,
    )
    run = _followed([v * rule.sign for v in curve], rule)
    return _solution(curve, training, rule, run, metric)


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
        rows.append((at, loss, better, waited))
        if rule.patience is not None and waited >= max(rule.patience, 1):
            break
    return _Run(kept, len(rows) - 1, tuple(rows))


def _solution(curve: list[Fraction], training: list[Fraction] | None, rule: _Rule, run: _Run, metric: str) -> Solution:
    signed = [v * rule.sign for v in curve]
    best = signed.index(min(signed))

    def counted(at: int) -> Num:
        return number(at + rule.first)

    over = _overfits(signed, training, best, rule.sign)
    regime = _regime(signed, training, run.last, best, rule.sign)
    off = 1 - rule.first if rule.first in {0, 1} else 0
    other = number(run.kept + 1 - rule.first) if rule.first in {0, 1} else number(run.kept)
    answers = [
        Answer(
            "returned",
            counted(run.kept),
            slips=(
                Slip(counted(run.last), "that is where training stops; the best model seen is returned", "best"),
                Slip(
                    counted(len(curve) - 1), "that is the last iteration: it is the best one that is returned", "best"
                ),
                Slip(other, f"iterations are counted from {rule.first} here (see --start)" if off is not None else ""),
            ),
        ),
        Answer("best_loss" if metric == "loss" else "best_accuracy", number(curve[run.kept])),
        Answer("stopped", counted(run.last), slips=(Slip(counted(run.kept), "that is the model returned", "wait"),)),
        Answer("best", counted(best)),
    ]
    if training is not None:
        gap = number((curve[run.kept] - training[run.kept]) * rule.sign)
        name = "train_at_best"
        answers += [
            Answer("gap", gap, slips=(Slip(number((curve[-1] - training[-1]) * rule.sign), "that is at the end"),)),
            Answer(name, number(training[run.kept])),
        ]
    because = (
        "after the lowest point the validation curve gets worse"
        if over
        else "nothing gets worse after the best iteration, or the training curve gets worse too"
    )
    answers += [
        verdict("overfits", holds=over, otherwise=because),
        word("regime", regime, REGIMES, tuple(Slip(Sym(w), _REGIME[regime], "regime") for w in REGIMES)),
    ]
    ties = [counted(i) for i, v in enumerate(signed) if v == min(signed)]
    notes = []
    if len(ties) > 1:
        notes.append(
            f"iterations {', '.join(map(unicode, ties))} tie: the first of them is the best (it trained least)"
        )
    if run.kept != best:
        why = "training had stopped before" if best > run.last else "its improvement is not above min-delta"
        notes.append(f"the lowest point, iteration {unicode(counted(best))}, is not returned: {why}")
    if rule.patience == 0:
        notes.append("patience 0 stops at the first evaluation without improvement, as patience 1 does")
    if rule.patience is not None and run.last == len(curve) - 1 and run.rows[-1][3] < max(rule.patience, 1):
        notes.append("the curve ends before patience does")
    notes.append(_REGIME[regime])
    if regime == "overfitting":
        notes.append(_JUDGEMENT)
    better = "smaller" if metric == "loss" else "larger"

    def table() -> Iterator[tuple[Any, ...]]:
        for at, _, improved, waited in run.rows:
            row = (counted(at), number(curve[at]), "yes" if improved else "no", waited)
            yield row if training is None else (*row, number((curve[at] - training[at]) * rule.sign))

    columns = ("iteration", "validation", "improved", "waited", *(("gap",) if training is not None else ()))

    def curves() -> Iterator[Curve]:
        for name, values_ in (("validation", curve), ("training", training)):
            if values_ is not None:
                yield Curve(name, tuple((float(i + rule.first), float(v)) for i, v in enumerate(values_)))

    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(_steps(curve, training, rule, run, over=over)), (_route(curve, rule, run, best),)),
        setting=Setting(definitions={"lowest": lambda _: rule.sign * sorted(signed[: run.last + 1])[0]}),
        principal=("returned",),
        assumptions=("no training curve is given: training is taken to go on getting better",)
        if training is None
        else (),
        conventions=(
            f"iterations are counted from {rule.first}; {better} is better; the best weights are restored",
            "an evaluation improves when it beats the best one by more than min-delta; waiting counts the others in a row"
            if rule.patience is not None
            else "no patience is given: the whole curve is run, and the best model is returned",
        ),
        notes=tuple(notes),
        tables=(Table("evaluations", columns, lambda: list(table())),),
        plots=(Plot("early stopping", "iteration", metric, lambda: list(curves())),),
    )


_REGIME = {
    "overfitting": "regime at the last evaluation: overfitting (validation worse than at its best, training still better)",
    "underfitting": "regime at the last evaluation: underfitting (validation still gets better: train longer)",
    "at-the-minimum": "regime at the last evaluation: at the minimum (nothing got better or worse)",
    "diverging": "regime at the last evaluation: diverging (the training curve got worse too: not overfitting)",
}


_JUDGEMENT = (
    "not computed, but usual: causes of overfitting are training too long, too little, correlated or noisy data, too "
    "complex a model; remedies are this stop, data augmentation, dropout, a penalty, not more layers"
)


def _overfits(signed: list[Fraction], training: list[Fraction] | None, best: int, sign: int) -> bool:
    """Say whether the validation curve ends worse than its best while training goes on getting better."""
    worse = signed[-1] > signed[best]
    return worse and (training is None or training[-1] * sign <= training[best] * sign)


def _regime(signed: list[Fraction], training: list[Fraction] | None, last: int, best: int, sign: int) -> str:
    lowest = min(range(last + 1), key=signed.__getitem__)
    if signed[last] > signed[lowest]:
        fell = training is None or training[last] * sign <= training[lowest] * sign
        return "overfitting" if fell else "diverging"
    return "underfitting" if last > 0 and signed[last] < signed[last - 1] else "at-the-minimum"


def _steps(
    curve: list[Fraction], training: list[Fraction] | None, rule: _Rule, run: _Run, *, over: bool
) -> Iterator[Step]:
    seen = tuple(number(v) for v in curve[: run.last + 1])
    kept, lowest = number(curve[run.kept]), Sym("best_loss")
    which = "the smallest" if rule.sign > 0 else "the largest"
    if len(seen) > 1:
        extreme = Call("min" if rule.sign > 0 else "max", seen) if len(seen) <= WRITTEN else Sym("lowest")
        found = min(curve[: run.last + 1], key=lambda v: v * rule.sign)
        yield Step("best", lowest, extreme, number(found), f"{which} of all that were evaluated")
    for at, _, improved, waited in run.rows[1:] if len(seen) <= WRITTEN else run.rows[max(run.kept, 1) :][:WRITTEN]:
        before = max(i for i, _, better, _ in run.rows[:at] if better)
        bound = number(curve[before] - rule.min_delta * rule.sign)
        here, label = number(curve[at]), f"iteration {at + rule.first}"
        if improved:
            relation: Any = "<" if rule.sign > 0 else ">"
            yield Step(
                "wait", Sym("waited"), here, bound, f"{label} improves on iteration {before + rule.first}", relation
            )
        else:
            relation = ">=" if rule.sign > 0 else "<="
            said = f"{label} does not improve on iteration {before + rule.first}: {waited} in a row"
            yield Step("wait", Sym("waited"), here, bound, said, relation)
    if rule.patience is not None:
        stopped = run.rows[-1][3] >= max(rule.patience, 1)
        said = "patience is used up: training stops" if stopped else "patience is not used up: the curve ends"
        waited_, allowed = number(run.rows[-1][3]), number(max(rule.patience, 1))
        yield Step("stop", Sym("waited"), waited_, allowed, said, ">=" if stopped else "<")
    if training is not None:
        gap = number((curve[run.kept] - training[run.kept]) * rule.sign)
        yield Step(
            "gap",
            Sym("gap"),
            _minus(curve[run.kept], training[run.kept], rule.sign),
            gap,
            "generalisation gap of the model returned",
        )
    end = number(curve[-1])
    low = number(min(curve, key=lambda v: v * rule.sign))
    relation = ">=" if rule.sign > 0 else "<="
    if over:
        relation = ">" if rule.sign > 0 else "<"
        yield Step("regime", Sym("end"), end, low, "validation ends worse than at its best …", relation)
        if training is not None:
            best = [v * rule.sign for v in curve].index(min(v * rule.sign for v in curve))
            side: Any = "<=" if rule.sign > 0 else ">="
            said = "… while training is at least as good as there: overfitting"
            yield Step("regime", Sym("end"), number(training[-1]), number(training[best]), said, side)
    else:
        yield Step(
            "regime", Sym("end"), end, kept if end == low else low, "validation at the end, against its best", relation
        )


def _minus(a: Fraction, b: Fraction, sign: int) -> Expr:
    first, second = (a, b) if sign > 0 else (b, a)
    return Add((number(first), Mul((number(-1), number(second)))))


def _route(curve: list[Fraction], rule: _Rule, run: _Run, best: int) -> Route:
    """Find the stop by its definition: the first window of p evaluations without an improvement."""

    def searched(_: Mapping[str, Any]) -> list[int]:
        import numpy as np

        losses = np.array([float(v) for v in curve]) * rule.sign
        exact = [v * rule.sign for v in curve]
        window = max(rule.patience, 1) if rule.patience is not None else len(curve)
        records = [0]
        for at in range(1, len(curve)):
            if exact[at] < exact[records[-1]] - rule.min_delta:
                records.append(at)
        ends = [
            r + window
            for r, after in zip(records, [*records[1:], len(curve) + window], strict=True)
            if r + window < after
        ]
        last = min([*ends, len(curve) - 1])
        kept = max(r for r in records if r <= last)
        return [kept + rule.first, last + rule.first, int(np.argmin(losses)) + rule.first]

    found = tuple(number(at + rule.first) for at in (run.kept, run.last, best))
    return Route("returned, stopped and best", "the records of the curve and NumPy's argmin", found, searched)
