"""The same number added to every logit: a softmax and its loss stay as they are, a sigmoid does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ZERO, Add, Call, Div, Expr, Num, Sym, add, expr
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import REAL, Answer, Route, Setting, Slip, Solution, Step, Work, symbols, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.topics.loss.asked import Asked

MOST = 8
"""Logits that the derivation writes out."""


def solution(asked: Asked, shift: Expr) -> Solution:
    """Answer whether adding a number to every logit changes the predictions and the loss.

    Raises DlcalcError for a loss without a softmax or sigmoid, and what is no single list of logits.
    """
    if not asked.kind.link:
        raise DlcalcError(f"--kind {asked.kind.name} has no softmax", "use --kind cross-entropy")
    if asked.kind.link == "sigmoid":
        return _of_sigmoid(asked, shift)
    given = asked.predictions
    if given is None or isinstance(given, Sym):
        row: tuple[Expr, ...] = tuple(Sym(f"{given.name if given is not None else 'z'}{i}") for i in (1, 2, 3))
    elif isinstance(given, tuple) and len(given) > 1 and all(isinstance(v, Expr) for v in given) and asked.link:
        row = given  # type: ignore[assignment]
    else:
        raise DlcalcError("--shift takes the logits of one example", "give --logits 1,2,3")
    return _of_softmax(asked, row, shift)


def _shares(row: tuple[Expr, ...], which: int) -> Expr:
    return Div(Call("exp", (row[which],)), Add(tuple(Call("exp", (v,)) for v in row)))


def _of_softmax(asked: Asked, row: tuple[Expr, ...], shift: Expr) -> Solution:
    moved = tuple(Add((v, shift)) for v in row)
    before, after = call("logsumexp", *row), call("logsumexp", *moved)
    true = 0
    if asked.target is not None:
        if not isinstance(asked.target, Num) or not 0 <= asked.target.value - asked.first < len(row):
            raise DlcalcError(
                "the target is not one of the classes", f"use {asked.first} to {asked.first + len(row) - 1}"
            )
        true = int(asked.target.value) - asked.first
    steps = [
        Step(
            "share",
            Sym("p"),
            Call("exp", (moved[i] - after,)),
            Call("exp", (row[i] - before,)),
            f"softmax, entry {i + 1}: e^c cancels",
        )
        for i in range(min(len(row), MOST))
    ]
    if not any(isinstance(v, Num) for v in row):
        steps.insert(
            0, Step("cancels", Sym("p"), _shares(moved, 0), _shares(row, 0), "e^(z + c) = e^z e^c, above and below")
        )
    steps += [
        Step("normaliser", Sym("lse"), after, before + shift, "the common factor e^c comes out of the sum"),
        Step(
            "loss",
            Sym("loss"),
            after - moved[true],
            before - row[true],
            f"-ln p of class {true + asked.first}: c drops out",
        ),
    ]
    notes = ["stable: with c = -max z every exponent is 0 or less, so nothing overflows"]
    known = [approximate(v) for v in row]
    if None not in known:
        top = max(known)  # type: ignore[type-var]
        largest = row[known.index(top)]
        steps.append(Step("stable", Sym("lse"), before, largest + call("logsumexp", *(v - largest for v in row)),
                          f"LSE(z) = max z + LSE(z - max z), here with {unicode(largest)}"))  # fmt: skip

    def looped(point: Mapping[str, Any]) -> list[float]:
        from dlcalc.topics.loss.textbook import Example

        z = [float(PLAIN.value(v, point)) + float(PLAIN.value(shift, point)) for v in row]
        return [
            Example(z, [float(i == true) for i in range(len(z))], {}, link="softmax", spread="all").loss(
                "cross-entropy"
            )
        ]

    found = add(before, -row[true])
    return Solution(
        answers=(
            verdict("unchanged", holds=True, otherwise="e^c cancels between numerator and sum"),
            Answer("loss", found, slips=(Slip(found + shift, "the shift drops out of the loss"),)),
            Answer(
                "lse_shifted",
                add(before, shift),
                slips=(Slip(before, "the log-sum-exp itself moves by c; the softmax does not"),),
            ),
        ),
        work=lambda: Work(tuple(steps), (Route("loss", "the textbook's loops on the shifted logits", found, looped),)),
        setting=Setting(domains=dict.fromkeys(sorted(symbols(shift, *row)), REAL)),
        notes=tuple(notes),
        conventions=(f"classes are counted from {asked.first}; natural logarithm",),
    )


def _of_sigmoid(asked: Asked, shift: Expr) -> Solution:
    """Show that a sigmoid moves: by a counterexample at the logit given, or 0."""
    z = asked.predictions if isinstance(asked.predictions, Num) else expr(0)
    same = shift == ZERO
    moved = z + (shift if isinstance(shift, Num) else expr(1))
    before, after = call("sigmoid", z), call("sigmoid", moved)
    relation = "=" if same else "<" if (approximate(moved - z) or 0.0) > 0 else ">"
    step = Step("share", Sym("p"), before, after, f"σ at {plain(z)} and at {plain(moved)}", relation)  # type: ignore[arg-type]
    return Solution(
        answers=(verdict("unchanged", holds=same, otherwise="σ(z + c) is σ(z) for c = 0 alone: σ grows"),),
        work=lambda: Work(
            (step,), (Route("σ of the moved logit", "(1 + tanh(z/2))/2", after, lambda _: [_by_hand(moved)]),)
        ),
        conventions=("one logit: its softmax is over (z, 0), where only z moves",),
    )


def _by_hand(z: Expr) -> float:
    """Compute the sigmoid from a hyperbolic tangent."""
    from math import tanh

    return (1 + tanh((approximate(z) or 0.0) / 2)) / 2
