"""Class weights and copies for classes of different sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, switch, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Mul, Num, Sym, add, expr
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import (
    COUNT,
    POSITIVE,
    Answer,
    Experiment,
    Route,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
    verdict,
)
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_LOOPED = 200_000
"""Examples that the independent routes go through one by one."""
MOST_CLASSES = 50
SHOWN = 6
"""Classes that the derivation writes out."""
MOST_COUNT = 10**15
PLACES = {"first": 0, "second": 1}


@topic(
    area="losses",
    answers=(
        "weights",
        "inverse",
        "normalised",
        "alpha",
        "beta",
        "ratio",
        "pos_weight",
        "extra",
        "extra_total",
        "per_image",
        "copies",
    ),
    examples=(
        "--counts 10000,1000",
        "--counts 10000,1000 --positive minority",
        "--counts N0,N1 --positive second",
        "--cost 3",
    ),
)
def class_weights(
    *,
    counts: Annotated[
        Value | None, values("-n", "--sizes", help="Examples of every class: 10000,1000.", domain=COUNT)
    ] = None,
    positive: Annotated[
        str | None,
        choice(
            "minority",
            "majority",
            "first",
            "second",
            flags=("--y1",),
            help="Which of two classes y = 1 codes; α and β need it.",
        ),
    ] = None,
    binary: Annotated[
        bool, switch(help="Weights α (of y = 1) and β (of y = 0) of a binary loss; needs --positive.")
    ] = False,
    cost: Annotated[
        Expr | None,
        scalar("--times", help="How many times as much an error on a positive example costs.", domain=POSITIVE),
    ] = None,
    augment_both: Annotated[
        Expr | None,
        scalar(help="Copies made of every image of every class, to see what they change.", whole=True, least=0),
    ] = None,
) -> Solution:
    """Class weights for imbalanced data: inverse frequency, α and β of a binary loss, copies that balance the classes.

    weights w_c = n/(C·n_c) (scikit-learn's "balanced": n examples, C classes), so that n_c·w_c is the same for all;
    normalised: 1/n_c over their sum. Two classes: α·N₁ = β·N₀ for the loss -(α y ln p + β (1 - y) ln(1 - p)), and
    pos_weight = N₀/N₁. Copies: class c needs max n - n_c extra images, (max n - n_c)/n_c for each of its own. An error
    that costs k times as much is the same as k copies in all of the example, k - 1 extra ones.
    Source: scikit-learn, compute_class_weight; torch.nn.BCEWithLogitsLoss; King and Zeng, Logistic regression in rare
    events data (2001).

    Raises DlcalcError for a class without examples, less than two classes, and α and β without --positive.

    >>> class_weights(counts=[10000, 1000])["weights"].text
    '0.55,5.5'
    """
    if counts is None and cost is None:
        raise DlcalcError("--counts is missing", "add the examples of every class, --counts 10000,1000, or --cost 3")
    if cost is not None:
        if counts is not None or positive or binary or augment_both is not None:
            raise DlcalcError("--cost is a question of its own", "leave the other options out")
        return _of_cost(cost)
    sizes = _sizes(counts)
    if (binary or positive) and len(sizes) != 2:  # noqa: PLR2004 (two classes)
        raise DlcalcError(f"α and β weigh two classes, not {len(sizes)}", "use the weights, one per class")
    if binary and positive is None:
        raise DlcalcError(
            "which class y = 1 codes is not said, and α weighs that one",
            "add --positive minority (or majority, first, second)",
        )
    return _of_counts(sizes, None if positive is None else _place(sizes, positive), augment_both)


def _sizes(counts: Value | None) -> tuple[Expr, ...]:
    if not isinstance(counts, tuple) or any(isinstance(part, tuple) for part in counts):
        raise DlcalcError("--counts is a list with a number per class", "write 10000,1000")
    if not 1 < len(counts) <= MOST_CLASSES:
        raise DlcalcError(f"--counts has {len(counts)} classes", f"give 2 to {MOST_CLASSES}")
    for number, size in enumerate(counts, 1):
        if isinstance(size, Num) and (size.value.denominator != 1 or size.value < 0):
            raise DlcalcError(
                f"class {number} has {plain(size)} examples, which is no whole number", "count its examples"
            )
        if size == ZERO:
            raise DlcalcError(f"class {number} has no examples: its weight would be infinite", "leave the class out")
        if isinstance(size, Num) and size.value > MOST_COUNT:
            raise DlcalcError(f"class {number} has more than {MOST_COUNT:,} examples", "use a symbol")
    return counts  # type: ignore[return-value]


def _place(sizes: tuple[Expr, ...], positive: str) -> int:
    if positive in PLACES:
        return PLACES[positive]
    if not all(isinstance(size, Num) for size in sizes):
        raise DlcalcError(
            f"which of {', '.join(map(plain, sizes))} is the {positive} is not known", "use --positive first or second"
        )
    if sizes[0] == sizes[1]:
        raise DlcalcError("the classes are of one size: none is the " + positive, "use --positive first or second")
    smaller = 0 if (approximate(sizes[0] - sizes[1]) or 0) < 0 else 1
    return smaller if positive == "minority" else 1 - smaller


def _of_counts(sizes: tuple[Expr, ...], one: int | None, both: Expr | None) -> Solution:
    count, total = expr(len(sizes)), add(*sizes)
    weights = tuple(total / (count * size) for size in sizes)
    inverse = tuple(ONE / size for size in sizes)
    below = add(*inverse)
    normalised = tuple(part / below for part in inverse)
    top = call("max", *sizes)
    extra = tuple(top - size for size in sizes)
    per_image = tuple(more / size for more, size in zip(extra, sizes, strict=True))
    summed = add(*extra)
    answers = [
        Answer("weights", weights, slips=(
            Slip(tuple(size / total for size in sizes), "that is the share of a class, not its inverse over C"),
            Slip(tuple(total / size for size in sizes), f"the number of classes {len(sizes)} is missing: n/(C n_c)"),
            Slip(inverse, "those are 1/n_c, without the factor n/C"))),
        Answer("inverse", inverse),
        Answer("normalised", normalised),
        Answer("extra", extra, slips=(
            Slip((top,) * len(sizes), "that many there are afterwards; extra are those that are missing"),)),
        Answer("extra_total", summed, slips=(Slip(top * count, "that is how many there are afterwards"),)),
        Answer("per_image", per_image, slips=(
            Slip(tuple(p + 1 for p in per_image), "the image itself is there already: one less is extra"),)),
    ]  # fmt: skip
    steps = _weight_steps(sizes, weights, total)
    steps += _copy_steps(sizes, extra, per_image, top)
    principal = ["weights"]
    said = (
        "the classes are of one size"
        if summed == ZERO
        else f"balanced by {unicode(summed)} extra images of the smaller classes"
    )
    notes = [] if symbols(*sizes) else [said]
    if one is not None:
        found, lines = _two_class(sizes, one)
        answers = [*found, *answers]
        steps = [*lines, *steps]
        principal = ["alpha", "beta"]
    elif len(sizes) == 2:  # noqa: PLR2004 (two classes)
        notes.append("α and β of a binary loss depend on which class y = 1 codes: add --positive minority, say")
    if both is not None:
        answers.append(
            verdict("both_balance", holds=_alike(sizes), otherwise="both classes grow by one factor: the ratio stays")
        )
        first, second = sizes[0], sizes[1]
        grown = Div(Mul((first, both + 1)), Mul((second, both + 1)))
        steps.append(
            Step(
                "both",
                Sym("ratio_after"),
                grown,
                first / second,
                "as many copies of every image in every class: the ratio stays",
            )
        )
    domains = dict.fromkeys(sorted(symbols(*sizes, *(() if both is None else (both,)))), COUNT)
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps), _routes(sizes, answers)),
        setting=Setting(domains=domains, definitions=_definitions(sizes)),
        principal=tuple(principal),
        notes=tuple(notes),
        conventions=(
            "balanced weights: w_c = n/(C n_c), as scikit-learn's class_weight='balanced'; normalised ones sum to 1",
            "extra images bring every class to the size of the largest; the others stay as they are",
        ),
        assumptions=("augmentation keeps the labels (a flip may not: 6 and 9, left and right)",),
    )


def _alike(sizes: tuple[Expr, ...]) -> bool:
    return len(set(sizes)) == 1


def _weight_steps(sizes: tuple[Expr, ...], weights: tuple[Expr, ...], total: Expr) -> list[Step]:
    steps = [Step("total", Sym("n"), Sym("n"), Add(sizes), "all examples")]
    count = expr(len(sizes))
    for number, (size, weight) in enumerate(zip(sizes[:SHOWN], weights, strict=False), 1):
        target = Sym(f"w{number}")
        steps.append(Step("weights", target, target, Div(total, Mul((count, size))), f"n/(C n_c) of class {number}"))
        if Div(total, Mul((count, size))) != weight:
            steps.append(Step("weights", target, Div(total, Mul((count, size))), weight, "computed"))
        if number > 1:
            steps.append(
                Step(
                    "balance",
                    Sym("w1"),
                    Mul((sizes[0], weights[0])),
                    Mul((size, weight)),
                    f"class 1 and class {number} count alike",
                )
            )
    return steps


def _copy_steps(sizes: tuple[Expr, ...], extra: tuple[Expr, ...], per_image: tuple[Expr, ...], top: Expr) -> list[Step]:
    steps = []
    for number, (size, more, each) in enumerate(list(zip(sizes, extra, per_image, strict=True))[:SHOWN], 1):
        if more == ZERO:
            continue
        target = Sym(f"extra{number}")
        steps.append(
            Step("extra", target, target, Add((top, -size)), f"class {number} is short of the largest by these")
        )
        if isinstance(more, Num):
            steps.append(Step("extra", target, Add((top, -size)), more, "computed"))
        because = f"for each of the {unicode(size)} images of class {number}: itself and its copies make up the largest"
        steps.append(Step("per image", Sym("per_image"), Mul((size, 1 + each)), top, because))
    return steps


def _two_class(sizes: tuple[Expr, ...], one: int) -> tuple[list[Answer], list[Step]]:
    """Weigh y = 1 by α and y = 0 by β, the smaller weight 1 where numbers say which it is."""
    n1, n0 = sizes[one], sizes[1 - one]
    ratio = n0 / n1
    alpha: Expr = ratio
    beta: Expr = ONE
    if isinstance(ratio, Num) and ratio.value < 1:
        alpha, beta = ONE, n1 / n0
    other = f"that is for y = 1 coding the other class; here y = 1 codes class {one + 1} with {unicode(n1)} examples"
    answers = [
        Answer("alpha", alpha, slips=(Slip(beta, other), Slip(n1 / n0, other))),
        Answer("beta", beta, slips=(Slip(alpha, other), Slip(n0 / n1, other))),
        Answer("ratio", ratio, slips=(Slip(n1 / n0, "α N₁ = β N₀: the weights stand inversely to the counts"),)),
        Answer("pos_weight", ratio, slips=(Slip(n1 / n0, "pos_weight is negatives over positives"),)),
    ]
    balance = Step(
        "balance", Sym("alpha"), Mul((alpha, n1)), Mul((beta, n0)), "α N₁ = β N₀: both classes weigh alike in all"
    )
    return answers, [
        balance,
        Step("ratio", Sym("ratio"), Div(alpha, beta), ratio, "α/β = N₀/N₁; the smaller of the two set to 1"),
    ]


# independent: example by example


def _labels(sizes: tuple[Expr, ...], point: Mapping[str, Any]) -> list[int]:
    """List the label of every example; scaled down by a common divisor where there are many."""
    from math import gcd

    found = [int(PLAIN.value(size, point)) for size in sizes]
    shared = gcd(*found)
    scaled = [n // shared for n in found] if sum(found) > MOST_LOOPED else found
    if sum(scaled) > MOST_LOOPED:
        raise OverflowError
    return [c for c, n in enumerate(scaled) for _ in range(n)]


def _counted_weight(sizes: tuple[Expr, ...], which: int, point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (exact)
    """Give every example the weight 1, share the whole among the classes, and divide a class's part among its own."""
    from fractions import Fraction

    labels = _labels(sizes, point)
    share = Fraction(sum(1 for _ in labels), len(sizes))
    return share / sum(label == which for label in labels)


def _copied(sizes: tuple[Expr, ...], which: int, point: Mapping[str, Any]) -> int:
    """Copy images one by one until the class is as large as the largest."""
    found = [int(PLAIN.value(size, point)) for size in sizes]
    if max(found) > MOST_LOOPED * 10:
        return max(found) - found[which]
    here, copies = found[which], 0
    while here < max(found):
        here, copies = here + 1, copies + 1
    return copies


def _definitions(sizes: tuple[Expr, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"n": lambda point: sum(int(PLAIN.value(size, point)) for size in sizes)}
    for number in range(len(sizes)):
        found[f"w{number + 1}"] = lambda point, c=number: _weight_at(sizes, c, point)
        found[f"extra{number + 1}"] = lambda point, c=number: _copied(sizes, c, point)
    return found


def _weight_at(sizes: tuple[Expr, ...], which: int, point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (exact)
    try:
        return _counted_weight(sizes, which, point)
    except OverflowError:
        from fractions import Fraction

        found = [int(PLAIN.value(size, point)) for size in sizes]
        return Fraction(sum(found), len(found)) / found[which]


def _routes(sizes: tuple[Expr, ...], answers: list[Answer]) -> tuple[Route | Experiment, ...]:
    named = {answer.name: answer.value for answer in answers}
    many = range(len(sizes))
    small = sum(int(size.value) for size in sizes if isinstance(size, Num)) <= MOST_LOOPED
    found: list[Route | Experiment] = []
    if small:
        found.append(
            Route(
                "weights",
                "the labels counted one by one",
                named["weights"],
                lambda point: [_counted_weight(sizes, c, point) for c in many],
            )
        )
        found.append(
            Route(
                "extra",
                "images copied one by one until the classes are equal",
                named["extra"],
                lambda point: [_copied(sizes, c, point) for c in many],
            )
        )
    return tuple(found)


# an error that costs more


def _of_cost(cost: Expr) -> Solution:
    """Answer how many copies of an example stand for a cost."""
    if isinstance(cost, Num) and cost.value < 1:
        raise DlcalcError(f"cost {plain(cost)} is less than 1", "weigh the other class by the inverse")
    loss = Sym("l")
    steps = (
        Step(
            "copies",
            Sym("copied"),
            Add((loss, (cost - 1) * loss)),
            cost * loss,
            "the example and its extra copies add up to k times its loss",
        ),
    )

    def run(seed: int) -> tuple[float, float]:
        """Compare the loss of a weighted example with that of its copies."""
        from math import log
        from random import Random

        random, worst = Random(seed), 0.0  # noqa: S311 (a seeded experiment)
        for _ in range(100):
            p = random.uniform(0.01, 0.99)
            times = int(cost.value) if isinstance(cost, Num) else random.randrange(1, 9)
            worst = max(worst, abs(sum(-log(p) for _ in range(times)) - times * -log(p)))
        return worst, 1e-6

    whole = not isinstance(cost, Num) or (cost.value.denominator == 1 and cost.value <= MOST_LOOPED)
    notes = () if whole else (f"{plain(cost)} copies are no whole number: copy others too, or weigh the loss",)
    return Solution(
        answers=(
            Answer(
                "copies",
                cost,
                slips=(Slip(cost - 1, "that many are extra; with the example itself there is one more"),),
            ),
            Answer(
                "extra_copies",
                cost - 1,
                slips=(Slip(cost, "that many are there in all, the example itself among them"),),
            ),
        ),
        work=lambda: Work(
            steps,
            (Experiment("copies", "the loss of the copies, added up, beside the weighted loss", run),) if whole else (),
        ),
        setting=Setting(domains={"l": POSITIVE, **dict.fromkeys(sorted(symbols(cost)), COUNT)}),
        notes=notes,
        conventions=(
            "copies count the example itself; the sum of the losses is compared, as the mean divides by more examples",
        ),
    )
