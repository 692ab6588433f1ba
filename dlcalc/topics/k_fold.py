"""k-fold cross-validation."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from itertools import combinations, product
from math import prod, sqrt
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.entries import unused
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import scalar, switch, values
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Relation,
    Sum,
    Sym,
    add,
    expr,
    fold,
    number,
)
from dlcalc.notation.functions import call, floor
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.parts import joined
from dlcalc.solution import POSITIVE, REAL, Answer, Domain, Route, Setting, Slip, Solution, Step, Work, symbols, word
from dlcalc.table import Table
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.formulary import Point
    from dlcalc.table import Cell

FOLDS = Domain(Fraction(2), Fraction(7), whole=True)
EXAMPLES = Domain(Fraction(2), Fraction(42), whole=True)
FEW = Domain(Fraction(1), Fraction(4), whole=True)
LEAST = 2
MAX_DEALT = 100_000
"""Examples or models that are counted one by one at the very givens; above it only the formulas are checked."""
MAX_LISTED = 100
"""Folds up to which their sizes are listed."""
SHOWN = 12
"""Folds up to which the rounds are listed; scores up to which sums are written out."""
ESTIMATES = ("mean", "variance", "standard_deviation", "standard_error")
ROLES = ("training", "validation", "test", "training-and-test")


@topic(
    area="evaluation",
    answers=(
        *("models", "share", "training_uses", "validation_uses", "test_uses", "others", "training_folds"),
        *("fold_size", "training_size", "fold_sizes", "training_sizes", "total_time"),
        *("mean", "variance", "standard_deviation", "standard_error"),
    ),
    examples=(
        "--k 5 --n 103",
        "--k k --n n --settings s --time t",
        "--scores 0.15,0.3,0.1,0.2,0.25",
        "--n 20 --leave-one-out --repeats 1",
    ),
)
def k_fold(
    *,
    k: Annotated[
        Expr | None,
        scalar("--folds", "--splits", "--n-splits", help="Number of folds (default: the symbol k).", whole=True),
    ] = None,
    n: Annotated[
        Expr | None,
        scalar("--examples", "--samples", help="Examples that are dealt to the folds.", whole=True, least=1),
    ] = None,
    leave_one_out: Annotated[bool, switch(help="One fold per example: k = n (LOOCV).")] = False,
    settings: Annotated[
        Expr,
        scalar(
            "--hyperparameters", help="Settings of the hyperparameters that are tried (default 1).", whole=True, least=1
        ),
    ] = ONE,
    repeats: Annotated[
        Expr, scalar(help="Times that the folds are dealt anew (default 1).", whole=True, least=1)
    ] = ONE,
    refit: Annotated[
        bool, switch(help="Count the last model too, fitted on all folds with the chosen setting.")
    ] = False,
    time: Annotated[
        Expr | None, scalar("--time-per-model", "--time-per-fit", help="Time to fit one model, in any unit.", least=0)
    ] = None,
    scores: Annotated[
        Value | None, values("--errors", "--accuracies", "--losses", help="What each fold scored: 0.15,0.3,0.1.")
    ] = None,
) -> Solution:
    """k-fold cross-validation: models fitted, share of data, uses of each fold, mean and standard error.

    Every fold is the validation set once and a training fold k - 1 times: k models per setting of the hyperparameters,
    each trained on (k-1)/k of the data. Leave-one-out is k = n. The estimate is the mean of the k scores, with
    standard deviation s = √(Σ(x_i - x̄)²/(k-1)) and standard error s/√k. The test set stands outside of all folds.
    Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning (2009), section 7.10; scikit-learn,
    KFold and RepeatedKFold.

    Raises DlcalcError when there are more folds than examples, or another number of scores than of folds.

    >>> k_fold(k=5)["models"].text, k_fold(k=5)["share"].text, k_fold(scores="0.15,0.3,0.1,0.2,0.25").value
    ('5', '0.8', 0.2)
    """
    listed = _scores(scores)
    k = _folds(k, n, listed, repeats, leave_one_out=leave_one_out)
    counted = _counted(k, n, settings, repeats, time, refit=refit)
    return joined(_estimate(listed), counted) if listed else counted


# the givens


def _scores(scores: Value | None) -> tuple[Expr, ...]:
    if scores is None:
        return ()
    entries = (scores,) if isinstance(scores, Expr) else scores
    if any(isinstance(entry, tuple) for entry in entries):
        raise DlcalcError(f"--scores has {len(entries)} rows", "give the scores of one setting, such as 0.15,0.3,0.1")
    return tuple(entry for entry in entries if isinstance(entry, Expr))


def _folds(k: Expr | None, n: Expr | None, scores: tuple[Expr, ...], repeats: Expr, *, leave_one_out: bool) -> Expr:
    """Find the number of folds wherever it is given; two givens must agree."""
    if leave_one_out:
        if n is None:
            raise DlcalcError("leave-one-out has a fold per example, but --n is missing", "add --n EXAMPLES")
        if k not in {None, n}:
            raise DlcalcError(
                f"leave-one-out has k = n = {plain(n)} folds, but --k is {plain(k or n)}", "leave out --k"
            )
        k = n
    if scores and k is None:
        per_round = fold(expr(len(scores)) / repeats)
        whole = isinstance(per_round, Num) and per_round.value.denominator == 1
        k = per_round if whole else None
        if k is None:
            raise DlcalcError(f"{len(scores)} scores are not {plain(repeats)} rounds of folds", "say how many: add --k")
    k = Sym("k") if k is None else k
    wanted = k * repeats
    if scores and isinstance(wanted, Num) and wanted.value != len(scores):
        raise DlcalcError(
            f"there are {len(scores)} scores, but {plain(wanted)} models are validated", f"give {plain(wanted)} scores"
        )
    if isinstance(k, Num) and k.value < LEAST:
        few = "leaves no fold to train on" if k == ONE else "is no number of folds"
        raise DlcalcError(f"k = {plain(k)} {few}", "use 2 folds or more")
    if isinstance(k, Num) and isinstance(n, Num) and k.value > n.value:
        raise DlcalcError(
            f"{plain(k)} folds need {plain(k)} examples or more, but there are {plain(n)}: a fold would be empty",
            f"use --k {plain(n)} (leave-one-out) or less" if n.value >= LEAST else "use more examples",
        )
    return k


# what is counted


def _counted(k: Expr, n: Expr | None, settings: Expr, repeats: Expr, time: Expr | None, *, refit: bool) -> Solution:
    """Count models and uses, on folds that are really dealt."""
    letters = Letters(taken=symbols(*(given for given in (k, n, settings, repeats, time) if given is not None)))
    folds = letters.letter("k", k, FOLDS)
    even = None if n is None or _uneven(k, n) else n
    examples = folds if even in {None, k} else letters.letter("n", even, EXAMPLES)
    tried = ONE if settings == ONE else letters.letter("s", settings, FEW)
    rounds = ONE if repeats == ONE else letters.letter("r", repeats, FEW)
    fitted = folds * tried * rounds

    def dealt(point: Point) -> list[list[int]]:
        return _dealt(int(point[examples.name]), int(point[folds.name]))

    def models(point: Point) -> int:
        """Fit a model per setting, dealing and fold held out, and count them."""
        of = [range(int(PLAIN.value(part, point))) for part in (tried, rounds)]
        return sum(1 for _ in product(*of, dealt(point))) + refit

    def uses(role: str, point: Point) -> int:
        """Follow the first fold through all rounds of one dealing."""
        return sum(_role(0, held_out) == role for held_out in range(len(dealt(point))))

    def trained_on(point: Point) -> list[int]:
        """Return the examples that the first model is trained on."""
        return [i for j, part in enumerate(dealt(point)) if _role(j, 0) == "training" for i in part]

    wrong = _slips(k, even, settings, repeats)
    each = ["fold", *(["setting"] if tried != ONE else []), *(["dealing"] if rounds != ONE else [])]
    last = ", and the last one" if refit else ""
    found: list[tuple[str, Expr, str, Callable[[Point], Any]]] = [
        ("models", fitted + int(refit), f"one per {' and '.join(each)}{last}; each is fitted once", models),
        ("share", (folds - 1) / folds, f"{unicode(folds - 1)} of {unicode(folds)} equal folds",
         lambda point: Fraction(len(trained_on(point)), sum(map(len, dealt(point))))),
        ("training_uses", folds - 1, "a fold is trained on in every round but its own", partial(uses, "training")),
        ("validation_uses", ONE, "each fold is held out in one round", partial(uses, "validation")),
        ("test_uses", ZERO, "the test set is none of the folds", partial(uses, "test")),
        ("training_folds", folds - 1, "in a round, all folds but the one held out",
         lambda point: sum(_role(j, 0) == "training" for j in range(len(dealt(point))))),
    ]  # fmt: skip
    if even is not None:
        size = ONE if examples == folds else examples / folds
        found += [
            ("fold_size", size, "the examples, dealt evenly", lambda point: len(dealt(point)[0])),
            ("training_size", examples - Sym("fold_size"), "all but the fold held out",
             lambda point: len(trained_on(point))),
        ]  # fmt: skip
    if time is not None:
        duration = letters.letter("t", time, POSITIVE)
        found.append(
            ("total_time", Sym("models") * duration, "the models one after another",
             lambda point: sum(point[duration.name] for _ in range(models(point))))
        )  # fmt: skip
    sizes = _Sizes(int(k.value), int(n.value)) if isinstance(k, Num) and isinstance(n, Num) else None
    listed = sizes is not None and sizes.folds <= MAX_LISTED and sizes.examples <= MAX_DEALT
    return Formulary(
        letters,
        [Quantity(*row, wrong.get(row[0], ())) for row in found],
        "folds dealt one example at a time, their roles counted round by round",
        others=(word("others", "training", ROLES, _OTHERS), *(sizes.answers if sizes and listed else ())),
        last_steps=sizes.steps if sizes and listed else (),
        definitions={"size": sizes.of} if sizes and listed else {},
        families=frozenset({"size"} if listed else ()),
        constraints=_constraints(folds, examples, k, even),
        principal=("models", "share") if time is None else ("total_time",),
        assumptions=_assumptions(k, even),
        conventions=_conventions(k, n, refit=refit),
        tables=(Table("rounds", ("round", "validation", "training"), sizes.rounds),)
        if sizes and sizes.folds <= SHOWN and listed
        else (),
        found_again=_work(k, even, settings, repeats) <= MAX_DEALT,
    ).solution()


def _uneven(k: Expr, n: Expr) -> bool:
    return isinstance(k, Num) and isinstance(n, Num) and (n.value / k.value).denominator != 1


def _dealt(examples: int, folds: int) -> list[list[int]]:
    """Deal examples to folds in turn, as cards are dealt."""
    found: list[list[int]] = [[] for _ in range(folds)]
    for example in range(examples):
        found[example % folds].append(example)
    return found


def _role(fold: int, held_out: int) -> str:
    """Say what a fold is for in the round that holds one of them out."""
    return "validation" if fold == held_out else "training"


def _work(*sizes: Expr | None) -> int:
    """Bound the models and examples that are counted one by one; a symbol is sampled small."""
    numbers = [int(size.value) for size in sizes if isinstance(size, Num)]
    return prod(numbers)


class _Sizes(NamedTuple):
    """How many examples each of several folds gets."""

    folds: int
    examples: int

    @property
    def each(self) -> list[int]:
        """The sizes, the larger folds first."""
        least, more = divmod(self.examples, self.folds)
        return [least + (j < more) for j in range(self.folds)]

    def of(self, _: Point, fold: int) -> int:
        """Count the examples that are dealt to a fold, counted from 1."""
        return sum(example % self.folds == fold - 1 for example in range(self.examples))

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The sizes of all folds, and of what is trained on while each is held out."""
        folds = tuple(map(number, self.each))
        training = tuple(number(self.examples - size) for size in self.each)
        return (
            Answer("fold_sizes", folds, form="list", slips=(Slip(training, "those are the training sets"),)),
            Answer("training_sizes", training, form="list", slips=(Slip(folds, "those are the folds held out"),)),
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """Divide with remainder; what remains makes the first folds larger by one."""
        least, more = divmod(self.examples, self.folds)
        k, n = expr(self.folds), expr(self.examples)
        target = Entry("size", Sym("j"))
        shares = Mul((k, expr(least)))
        left = f", {more} left" if more else ""
        first = Step("sizes", target, n, Add((shares, expr(more))) if more else shares, f"{least} for each fold{left}")
        ends = {1: "the first folds take what is left, one each" if more else "all folds are alike", self.folds: ""}
        if more:
            ends[self.folds] = f"the last {self.folds - more} folds take nothing more"
        return (
            first,
            *(
                Step("sizes", target, Entry("size", expr(j)), expr(self.each[j - 1]), because)
                for j, because in ends.items()
                if because
            ),
        )

    def rounds(self) -> Iterator[tuple[Cell, ...]]:
        """List the rounds: the examples that are held out, and how many are trained on."""
        start = 1
        for j, size in enumerate(self.each, 1):
            held_out = f"{start}-{start + size - 1}" if size > 1 else str(start)
            yield (j, f"{held_out} ({size})", self.examples - size)
            start += size


def _constraints(folds: Expr, examples: Expr, k: Expr, n: Expr | None) -> tuple[Relation, ...]:
    """Deal evenly, letters and givens alike; no fold is empty."""
    pairs = [(folds, examples)] if examples != folds else []
    if n is not None and symbols(k, n) and n != k:
        pairs.append((k, n))
    even = [Relation(floor(n / k), "=", n / k) for k, n in pairs] + [Relation(n, ">=", k) for k, n in pairs]
    return (*even, *([Relation(k, ">=", expr(LEAST))] if symbols(k) else []))


def _slips(k: Expr, n: Expr | None, settings: Expr, repeats: Expr) -> dict[str, tuple[Slip, ...]]:
    """Return what is often answered instead."""
    total = "k in total: k - 1 times for training, once for validation"
    rounds = settings * repeats
    held_out = () if n is None else (Slip(n / k, "that is the fold held out", "training_size"),)
    sets = () if rounds == ONE else (Slip(k, "that is one setting, dealt once", "models"),)
    return {
        "models": (
            *sets,
            Slip(k * k * rounds, "each of the k models is fitted once, not k times", "models"),
            Slip(ONE, "it is not one model refitted: there is a model per fold", "models"),
            Slip((k - 1) * rounds, "each of the k folds is held out once, so there are k models", "models"),
        ),
        "share": (
            Slip(ONE / k, "that is the share held out for validation", "share"),
            Slip((k - 2) / k, "no fold is kept as a test set: one is held out, k - 1 are trained on", "share"),
        ),
        "training_uses": (Slip(k, total, "training_uses"), Slip(ONE, "that is for validation", "training_uses")),
        "validation_uses": (Slip(k, total, "validation_uses"), Slip(k - 1, "that is for training", "validation_uses")),
        "test_uses": (Slip(ONE, "the test set lies outside the folds and never rotates", "test_uses"),),
        "training_folds": (
            Slip(k - 2, "no fold is kept as a test set: one is held out, k - 1 are trained on", "training_folds"),
            Slip(k, "one fold is held out", "training_folds"),
        ),
        "training_size": held_out,
    }


_OUTSIDE = "the test set lies outside the folds and never rotates: the other k - 1 folds are for training only"
_OTHERS = (
    Slip(Sym("training-and-test"), _OUTSIDE, "test_uses"),
    Slip(Sym("test"), _OUTSIDE, "test_uses"),
    Slip(Sym("validation"), "that is the one fold held out", "validation_uses"),
)


def _assumptions(k: Expr, n: Expr | None) -> tuple[str, ...]:
    if n is None or n == k or not symbols(k, n):
        return ()
    return (f"{unicode(k)} divides {unicode(n)}, so that all folds are alike",)


def _conventions(k: Expr, n: Expr | None, *, refit: bool) -> tuple[str, ...]:
    final = "counted: the last model, fitted on all folds with the chosen setting" if refit else ""
    not_final = "not counted: a last fit on all folds with the chosen setting (--refit counts it)"
    larger = "the folds that are larger by one come first (as in scikit-learn's KFold)"
    mean = "share: on average over the rounds; the folds are not alike"
    return (
        "a test set is split off before; the k folds are of the rest, and the test set is used once, at the end",
        "training_uses, validation_uses: of each fold, over the k rounds of one dealing and one setting",
        final or not_final,
        *((larger, mean) if n is not None and _uneven(k, n) else ()),
    )


# the scores


def _estimate(scores: tuple[Expr, ...]) -> Solution:
    """Estimate by the mean of the scores, with its standard error."""
    used = symbols(*scores)
    for name in sorted(used & set(ESTIMATES)):
        raise DlcalcError(f"{name} is the name of a result here", "use another letter for the score")
    count, median = len(scores), _median(scores)
    family = unused("x", "score", taken=used)

    def total(term: Callable[[Expr], Expr]) -> Expr:
        """Add up over the scores, as written."""
        if count > SHOWN:
            return Sum("i", ONE, expr(count), term(Entry(family, Sym("i"))))
        return Add(tuple(map(term, scores))) if count > 1 else term(scores[0])

    mean = fold(add(*scores) / count)
    over, spread = f"that divides by {count}, not {count - 1}", f"squared distances from the mean over {count} - 1"
    target, variance, deviation, error = (Sym(name) for name in ESTIMATES)
    steps = [
        *_computed("mean", target, Div(total(lambda x: x), expr(count)), mean, "the mean of the scores"),
    ]
    values = [mean]
    slips: list[tuple[Slip, ...]] = [
        (Slip(fold(add(*scores)), "that is the sum; the mean divides by the number of scores", "mean"),)
    ]
    if median not in {None, mean}:
        slips = [(*slips[0], Slip(median, "that is the median", "mean"))]
    if count > 1:
        squares = total(lambda x: Pow(Add((x, -target)), expr(2)))
        found = fold(add(*((x - mean) ** 2 for x in scores)) / (count - 1))
        root, population = call("sqrt", found), found * (count - 1) / count
        values += [found, root, call("sqrt", found / count)]
        steps += [
            *_computed("variance", variance, Div(squares, expr(count - 1)), found, f"{spread} (of a sample)"),
            *_computed("deviation", deviation, Call("sqrt", (variance,)), root, "the root of the variance"),
            *_computed("error", error, Div(deviation, Call("sqrt", (expr(count),))), values[3],
                       f"of the mean of {count} scores"),
        ]  # fmt: skip
        slips += [
            (Slip(population, over, "variance"),),
            (Slip(call("sqrt", population), over, "variance"), Slip(found, "that is the variance", "deviation")),
            (
                Slip(root, f"that is the standard deviation of one score, not yet over √{count}", "error"),
                Slip(root / count, f"the deviation is over √{count}, not over {count}", "error"),
                Slip(call("sqrt", population / count), over, "variance"),
            ),
        ]

    def again(point: Mapping[str, Any]) -> list[Any]:
        return _found(*(PLAIN.value(score, point) for score in scores))

    def named(index: int, point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number or a float)
        return again(point)[index]

    named_values = tuple(zip(ESTIMATES, values, slips, strict=False))
    route = Route(
        ", ".join(name for name, _, _ in named_values),
        "the mean updated score by score, the variance from all pairs of scores",
        tuple(values),
        again,
    )
    definitions: dict[str, Callable[..., Any]] = {
        name: partial(named, i) for i, (name, _, _) in enumerate(named_values)
    }
    if count > SHOWN:
        definitions[family] = lambda point, i: PLAIN.value(scores[i - 1], point)
    return Solution(
        answers=tuple(Answer(name, value, slips=wrong) for name, value, wrong in named_values),
        work=lambda: Work(tuple(steps), (route,)),
        setting=Setting(
            domains=dict.fromkeys(sorted(used), REAL),
            definitions=definitions,
            families=frozenset({family} if count > SHOWN else ()),
        ),
        notes=() if count > 1 else ("one score has no standard deviation: it would be 0/0",),
        conventions=(
            "standard deviation of a sample: over the number of scores minus 1",
            "standard error s/√k: as if the scores were independent; folds share training data, so it is a rough guide",
        ),
    )


def _computed(rule: str, target: Expr, formula: Expr, value: Expr, because: str) -> Iterator[Step]:
    """Write a formula, then its value where that looks different."""
    yield Step(rule, target, target, formula, because)
    if plain(formula) != plain(value):
        yield Step(rule, target, formula, value, "computed" if isinstance(value, Num) else "put in")


def _found(*scores: Any) -> list[Any]:  # noqa: ANN401 (exact numbers or floats)
    """Find mean, variance, deviation and error: the mean updated score by score, the variance from pairs."""
    mean = scores[0] * Fraction(1)
    for count, score in enumerate(scores[1:], 2):
        mean += (score - mean) / Fraction(count)
    if len(scores) == 1:
        return [mean]
    of_pairs = sum((a - b) ** 2 for a, b in combinations(scores, 2))
    variance = of_pairs / Fraction(len(scores) * (len(scores) - 1))
    return [mean, variance, sqrt(variance), sqrt(variance / len(scores))]


def _median(scores: tuple[Expr, ...]) -> Expr | None:
    """Return the median of numbers."""
    known = sorted(score.value for score in scores if isinstance(score, Num))
    if len(known) < len(scores):
        return None
    return number((known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2)
