"""Common wrong values of a loss, each computed as the person would, with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, Expr, expr, mul
from dlcalc.notation.functions import call
from dlcalc.solution import Answer, Slip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlcalc.notation.printing import Value
    from dlcalc.topics.loss.kinds import Kind
    from dlcalc.topics.loss.reading import Batch

MOST = 64
"""Entries up to which wrong values are looked for."""
LOGARITHMIC = frozenset({"bce", "weighted-bce", "focal", "cross-entropy", "nll", "label-smoothing", "kl", "reverse-kl"})


def with_slips(
    answers: tuple[Answer, ...], kind: Kind, batch: Batch, reduction: str, *, spread: str, total: Callable[..., Expr]
) -> tuple[Answer, ...]:
    """Put the slips to the answers; `total` computes the loss of another kind, batch or spread."""
    if sum(len(example.given) for example in batch.examples) > MOST:
        return answers
    found = []
    for answer in answers:
        if answer.name == "loss" and isinstance(answer.value, Expr):
            slips = tuple(_of_loss(answer.value, kind, batch, reduction, spread=spread, total=total))
            found.append(replace(answer, slips=slips))
        elif answer.name.startswith("dL/d"):
            found.append(replace(answer, slips=tuple(_of_gradient(answer.value, batch, reduction))))
        else:
            found.append(answer)
    return tuple(found)


def _scaled(value: Value, factor: Expr) -> Value:
    return mul(factor, value) if isinstance(value, Expr) else tuple(_scaled(part, factor) for part in value)


def _of_gradient(value: Value, batch: Batch, reduction: str) -> Iterator[Slip]:
    count = len(batch.examples)
    yield Slip(_scaled(value, expr(-1)), "the sign is the wrong way round")
    if count > 1:
        wrong = expr(count) if reduction == "mean" else ONE / count
        because = f"the mean divides by {count}" if reduction == "mean" else "nothing is divided: the loss is the sum"
        yield Slip(_scaled(value, wrong), because)
        yield Slip(_scaled(value, -wrong), f"the sign is the wrong way round, and {because}")


def _of_loss(
    value: Expr, kind: Kind, batch: Batch, reduction: str, *, spread: str, total: Callable[..., Expr]
) -> Iterator[Slip]:
    count = len(batch.examples)
    if count > 1:
        wrong, because = (
            (value * count, f"that is the sum; the mean divides by {count}")
            if reduction == "mean"
            else (value / count, "that is the mean; the loss is the sum")
        )
        yield Slip(wrong, because)
    if kind.name in LOGARITHMIC:
        yield Slip(-value, "the minus in front of the logarithm is missing")
        yield Slip(value / call("ln", expr(2)), "that is in base 2; the logarithm is the natural one")
        yield Slip(value / call("ln", expr(10)), "that is in base 10; the logarithm is the natural one")
        yield Slip(-value / call("ln", expr(10)), "in base 10 and without the minus; ln is the natural one")
    for other, changed, spread_as, because in _others(kind, batch, spread):
        try:
            yield Slip(total(other, changed, spread_as), because)
        except (DlcalcError, KeyError, ArithmeticError):
            continue
    if kind.name == "multiclass-hinge":
        yield Slip(value + batch.options["delta"], "the true class does not count, though its margin is δ")
    if kind.name == "mse":
        yield Slip(call("sqrt", value), "that is its root (RMSE)")


def _others(kind: Kind, batch: Batch, spread: str) -> Iterator[tuple[str, Batch, str, str]]:
    name = kind.name
    swapped = {
        "kl": ("reverse-kl", "the two distributions are swapped: the target weighs the logarithms"),
        "reverse-kl": ("kl", "the two distributions are swapped: the prediction weighs the logarithms"),
        "mse": ("half-mse", "that is with the factor 1/2"),
        "half-mse": ("mse", "the factor 1/2 is missing"),
        "label-smoothing": ("cross-entropy", "the labels are not smoothed"),
        "weighted-bce": ("bce", "the weights are missing"),
        "focal": ("bce", "the factor (1 - p_t)^γ is missing"),
        "cosine": ("cosine-distance", "that is 1 - cos; the signed form is -l·cos"),
        "cosine-distance": ("cosine", "that is -cos; the distance is 1 - cos"),
        "huber": ("half-mse", "that is quadratic everywhere; above δ it is linear"),
    }
    if name in swapped:
        yield swapped[name][0], batch, spread, swapped[name][1]
    if name in {"kl", "reverse-kl"}:
        yield "cross-entropy", batch, spread, "that is the cross-entropy; KL takes the entropy of the target off"
    if name == "huber":
        yield "mae", batch, spread, "that is the absolute error; Huber is a²/2 up to δ and δ(|a| - δ/2) above"
    if name == "label-smoothing":
        other = "others" if spread == "all" else "all"
        yield name, batch, other, f"that spreads ε over {'the other' if spread == 'all' else 'all'} classes"
    if name in {"bce", "weighted-bce", "focal"}:
        flipped = tuple(e._replace(target=tuple(1 - y for y in e.target)) for e in batch.examples)
        yield name, batch._replace(examples=flipped), spread, "the labels are the wrong way round"
    if name == "weighted-bce":
        weights = {"alpha": batch.options["beta"], "beta": batch.options["alpha"]}
        yield name, batch._replace(options={**batch.options, **weights}), spread, "the two weights are swapped"
    if kind.target == "onehot":
        for by, said in ((1, "before"), (-1, "after")):
            moved = tuple(e._replace(target=e.target[by:] + e.target[:by]) for e in batch.examples)
            yield name, batch._replace(examples=moved), spread, f"that is the class {said}: look where labels start"
    if kind.link == "softmax" and batch.link:
        yield name, batch._replace(link=""), spread, "the softmax is missing"
