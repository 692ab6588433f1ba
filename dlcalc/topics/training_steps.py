"""How many updates training takes: SGD, mini-batches and full batches side by side."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import POSITIVE, scalar, switch
from dlcalc.notation.expression import ONE, Div, Expr, Mul, Num, Sym, expr
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import plain
from dlcalc.solution import Domain, Slip, Solution, Step, Work, symbols, word
from dlcalc.table import Table
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SAMPLES = Domain(Fraction(9), Fraction(40), whole=True)
FEW = Domain(Fraction(1), Fraction(9), whole=True)
N, B = Sym("N"), Sym("B")
GROWTHS = ("constant", "linear", "quadratic")
MOST = 10**18
MAX_TICKS = 20_000
"""Updates, or parameters, that a route counts one by one; of more it adds up whole rows."""


@topic(
    area="optimisation",
    answers=(
        *("updates_per_epoch", "updates", "time", "last_batch", "gradients_per_epoch", "epochs"),
        *("sgd_updates", "full_batch_updates", "update_cost", "update_growth"),
    ),
    examples=(
        "--samples 10000 --batch 32",
        "--samples 50000 --batch 128 --epochs 90 --time 0.25",
        "-n N -b B --epochs E --drop-last",
        "-n 50000 -b 100 --updates 10000",
        "--parameters D",
    ),
)
def training_steps(
    *,
    samples: Annotated[
        Expr, scalar("-n", "--examples", "--dataset", help="Examples to train on (default N).", whole=True, least=1)
    ] = N,
    batch: Annotated[
        Expr, scalar("-b", "--batch-size", help="Examples per update (default B).", whole=True, least=1)
    ] = B,
    epochs: Annotated[Expr | None, scalar("-e", help="Times over the data.", whole=True, least=1)] = None,
    updates: Annotated[
        Expr | None,
        scalar("--iterations", help="Updates in all, to answer the epochs.", whole=True, least=1),
    ] = None,
    time: Annotated[
        Expr | None, scalar("--time-per-update", help="Seconds per update, with --epochs.", domain=POSITIVE, least=0)
    ] = None,
    accumulate: Annotated[
        Expr, scalar("--accumulation", help="Batches whose gradients make one update (default 1).", whole=True, least=1)
    ] = ONE,
    parameters: Annotated[
        Expr | None, scalar("-d", help="Parameters D, for the cost of an update itself.", whole=True, least=1)
    ] = None,
    drop_last: Annotated[bool, switch(help="Leave the last, smaller batch out (default: no).")] = False,
) -> Solution:
    """Training steps: updates (iterations) per epoch and in all, of SGD, mini-batches and full batches.

    An epoch of N examples in batches of B makes ⌈N/B⌉ updates (⌊N/B⌋ where the last batch is dropped), N with
    batches of one (SGD), and 1 with the full batch. All three compute N gradients of examples per epoch. Once the
    gradient of D parameters is there, an update w ← w - εg takes D products and D differences: O(D).
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.1.3; torch.utils.data.DataLoader.

    Raises DlcalcError when dropping the last batch leaves none, or both epochs and updates are given.

    >>> training_steps(samples=10000, batch=32).value
    313
    >>> print(training_steps(samples="N", batch="B", drop_last=True).answers[0].text)
    floor(N/B)
    """
    if epochs is not None and updates is not None:
        raise DlcalcError("--epochs and --updates both say how long", "leave one of them out")
    if time is not None and epochs is None:
        raise DlcalcError("--time needs to know how long", "add --epochs")
    given = {
        "N": samples, "B": batch, "a": accumulate, "E": epochs, "U": updates, "s": time, "D": parameters,
    }  # fmt: skip
    for name, value in (("samples", samples), ("batch", batch), ("epochs", epochs), ("parameters", parameters)):
        if isinstance(value, Num) and value.value > MOST:
            raise DlcalcError(f"{name} {plain(value)} is too many to count", "use at most 10^18, or a symbol")
    group = batch * accumulate
    if drop_last and isinstance(samples, Num) and isinstance(group, Num) and group.value > samples.value:
        raise DlcalcError(
            f"no batch of {plain(group)} is full with {plain(samples)} examples, and the last is dropped",
            f"use {plain(samples)} or less, or leave --drop-last out",
        )
    row = _row({name: value for name, value in given.items() if value is not None}, drop_last=drop_last)
    values, answers = row.values, list(row.answers())
    if parameters is not None:
        because = "every parameter takes one product and one difference, however many others there are"
        slips = tuple(Slip(Sym(wrong), because) for wrong in GROWTHS if wrong != "linear")
        answers.append(word("update_growth", "linear", GROWTHS, slips))
    asked_cost = parameters is not None and samples == N and batch == B
    principal = "update_cost" if asked_cost else "updates" if epochs else "epochs" if updates else "updates_per_epoch"
    methods = (
        ("SGD", ONE, values["sgd_updates"], samples),
        ("mini-batch", group, values["updates_per_epoch"], values["gradients_per_epoch"]),
        ("full batch", samples, values["full_batch_updates"], samples),
    )
    return Solution(
        answers=tuple(sorted(answers, key=lambda answer: answer.name != principal)),
        work=lambda: Work((*row.steps(), *_growth(row.letters, parameters)), tuple(row.again())),
        setting=row.setting(),
        conventions=tuple(_conventions(accumulate, parameters, drop_last=drop_last)),
        notes=(
            "every method computes one gradient per example and epoch: more updates do not cost more gradients",
            "what converges faster in time is not told by these counts: it depends on the data and the hardware",
        )
        if not asked_cost
        else (),
        tables=(Table("methods", ("method", "batch", "updates_per_epoch", "gradients_per_epoch"), lambda: methods),),
    )


def _row(given: dict[str, Expr], *, drop_last: bool) -> Formulary:
    """Write the counts in letters, each with a count that is made one by one."""
    letters = Letters(taken=symbols(*given.values()))
    domains = {"N": SAMPLES, "s": POSITIVE}
    by = {
        name: ONE if name == "a" and value == ONE else letters.letter(name, value, domains.get(name, FEW))
        for name, value in given.items()
    }
    names = {name: letter.name for name, letter in by.items() if isinstance(letter, Sym)}
    n, group = by["N"], by["B"] * by["a"]

    def starts(p: Mapping[str, Any]) -> range:
        """List where each batch begins."""
        size = int(p[names["B"]]) * int(p[names["a"]] if "a" in names else 1)
        total = int(p[names["N"]])
        return range(0, total - size + 1 if drop_last else total, size)

    def seen(p: Mapping[str, Any]) -> int:
        """Count the examples up to the end of the last batch."""
        batches = starts(p)
        return min(batches[-1] + batches.step, int(p[names["N"]])) if batches else 0

    def clock(p: Mapping[str, Any], each: Any) -> Any:  # noqa: ANN401 (exact numbers)
        """Let an amount pass for every update."""
        count, epochs = len(starts(p)), int(p[names["E"]])
        if count * epochs > MAX_TICKS:
            return sum(each * count for _ in range(epochs)) if epochs <= MAX_TICKS else each * count * epochs
        return sum(each for _ in range(epochs) for _ in starts(p))

    per, laid = Sym("updates_per_epoch"), "the batches laid out side by side and counted"
    why = "only full batches are used" if drop_last else "rounded up: what is left over makes a smaller batch"
    wrong = ceil(n / group) if drop_last else floor(n / group)
    rest = "with the last batch dropped it is rounded down" if drop_last else "the rest is a batch too"
    whole = "an update is made whole: the quotient is rounded"
    found = [
        Quantity(
            "updates_per_epoch",
            (floor if drop_last else ceil)(Div(n, group)),
            why,
            lambda p: len(starts(p)),
            (
                Slip(wrong, rest),
                Slip(Div(n, group), whole),
                Slip(n, "that is SGD with batches of one"),
            ),
            laid,
        ),
        Quantity("last_batch", group, "every batch is full", lambda p: starts(p).step, (), "the step of the batches")
        if drop_last
        else Quantity(
            "last_batch",
            n - (per - 1) * group,
            "what the full batches leave",
            lambda p: int(p[names["N"]]) - starts(p)[-1],
            method="the examples behind the last start",
        ),
        Quantity(
            "gradients_per_epoch",
            per * group if drop_last else n,
            "a gradient per example that is used",
            seen,
            method="the examples counted batch by batch",
        ),
        Quantity("sgd_updates", n, "batches of one", lambda p: len(range(int(p[names["N"]]))), (), laid),
        Quantity(
            "full_batch_updates",
            ONE,
            "all examples are one batch",
            lambda p: len(range(0, int(p[names["N"]]), int(p[names["N"]]))),
            method=laid,
        ),
    ]
    if "E" in by:
        slips = (
            Slip(per, "that is one epoch"),
            Slip(by["E"] * wrong, f"in every epoch {rest}"),
            Slip(ceil(by["E"] * n / group), "every epoch has a last batch of its own"),
            Slip(by["E"] * Div(n, group), f"in every epoch {whole}"),
        )
        found.append(
            Quantity("updates", by["E"] * per, "every epoch makes as many", lambda p: clock(p, 1), slips, laid)
        )
    if "s" in by:
        found.append(
            Quantity(
                "time",
                by["s"] * Sym("updates"),
                "one update after the other",
                lambda p: clock(p, p[names["s"]]),
                (Slip(by["s"] * per, "that is the time of one epoch"),),
                "the time of every update added up",
            )
        )
    if "U" in by:
        found.append(
            Quantity(
                "epochs",
                Div(by["U"], per),
                "every epoch makes as many",
                lambda p: Fraction(int(p[names["U"]]), len(starts(p))),
                method=laid,
            )
        )
    if "D" in by:
        found.append(
            Quantity(
                "update_cost",
                2 * by["D"],
                "a product and a difference for every parameter",
                lambda p: _operations(int(p[names["D"]])),
                (Slip(by["D"], "every parameter takes two operations: a product and a difference"),),
                "the operations of an update w ← w - εg counted",
            )
        )
    return Formulary(letters, tuple(found), aliases={"batches": Sym("updates_per_epoch")})


def _operations(parameters: int) -> int:
    """Count the operations of an update, made for every parameter where they are few."""
    if parameters > MAX_TICKS:
        return len(range(parameters)) + len(range(parameters))
    count, weights = 0, [0] * parameters
    for i in range(parameters):
        step = 1 * 1
        count += 1
        weights[i] -= step
        count += 1
    return count


def _growth(letters: Letters, parameters: Expr | None) -> Iterator[Step]:
    """Show that twice as many parameters cost twice as much."""
    if parameters is None:
        return
    d = parameters if isinstance(parameters, Sym) else Sym("D")
    used = {d.name: letters.values[d.name]} if d.name in letters.values else {}
    because = "twice as many parameters cost twice as much: linear, O(D)"
    yield Step(
        "update_growth", Sym("update_growth"), Mul((expr(2), Mul((expr(2), d)))), 2 * (2 * d), because, where=used
    )


def _conventions(accumulate: Expr, parameters: Expr | None, *, drop_last: bool) -> Iterator[str]:
    yield (
        "the last, smaller batch is dropped" if drop_last else "the last, smaller batch is kept (--drop-last drops it)"
    )
    if accumulate != ONE:
        yield "an update takes the accumulated batches together; those left over at the end of an epoch make one too"
    if parameters is not None:
        yield "an update without momentum or decay, the gradient at hand: O(D), not counting the gradient itself"
