"""The loss before training: all logits are equal, so every class has the same probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Call, Div, Expr, Mul, Num, Sym, expr
from dlcalc.notation.functions import call, ln
from dlcalc.notation.printing import plain
from dlcalc.solution import POSITIVE, REAL, Answer, Domain, Route, Setting, Slip, Solution, Step, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlcalc.topics.loss.asked import Asked

SEVERAL = Domain(REAL.high - 1, REAL.high * 3, whole=True)
"""Numbers of classes: from 2."""
MOST = 100_000
"""Classes over which the loops run."""
BINARY = ("bce", "hinge")
MARGINS = ("hinge", "multiclass-hinge")
KNOWN = ("cross-entropy", "nll", "label-smoothing", *BINARY, "multiclass-hinge")


def solution(asked: Asked, classes: Expr | None) -> Solution:
    """Answer with the loss at equal logits.

    Raises DlcalcError for a loss without logits, and more than two classes of a binary loss.
    """
    name = asked.kind.name
    if name == "hinge" and classes is not None:
        name = "multiclass-hinge"
    if name not in KNOWN:
        raise DlcalcError(f"--kind {name} has no value that follows from equal logits alone", f"use {', '.join(KNOWN)}")
    if name in BINARY and classes not in {None, expr(2)}:
        raise DlcalcError(f"--kind {name} has two classes, not {plain(classes or ONE)}", "use --kind cross-entropy")
    count = expr(2) if name in BINARY else classes or Sym("C")
    margin = asked.options.get("delta") or ONE

    def looped(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (a number)
        return _looped(name, count, margin, point, asked.spread)

    if name in MARGINS:
        return _of_margins(count, margin, looped)
    share, found = ONE / count, ln(count)

    z = Sym("z")
    grown = Call("exp", (z,))
    whole = Mul((count, grown))
    link = "sigmoid" if name == "bce" else "softmax"
    equal = (
        Step("share", Sym("p"), Call("sigmoid", (ZERO,)), share, "a weight vector near 0 gives the logit 0")
        if name == "bce"
        else Step("share", Sym("p"), Div(grown, whole), share, "equal logits: every class has the same share")
    )
    steps = (
        equal,
        Step(
            "loss", Sym("loss"), Sym("loss"), -Call("ln", (Div(ONE, count),)), f"the true class has p = {plain(share)}"
        ),
        Step("value", Sym("loss"), -Call("ln", (Div(ONE, count),)), found, "-ln(1/C) = ln C"),
    )
    slips = (
        Slip(-found, "the minus in front of the logarithm is missing"),
        Slip(found / ln(expr(2)), "that is in base 2; the logarithm is the natural one"),
        Slip(found / ln(expr(10)), "that is in base 10; the logarithm is the natural one"),
        Slip(share, "that is the probability of the true class; the loss is -ln of it"),
        Slip(ln(count - 1), "all C classes share the probability, the true one too")
        if name != "bce"
        else Slip(ZERO, ""),
    )
    return Solution(
        answers=(Answer("loss", found, slips=slips), Answer("p", share), Answer("perplexity", count)),
        work=lambda: Work(
            (
                *steps,
                Step("perplexity", Sym("perplexity"), call("exp", found), count, "e to the loss: a guess among all"),
            ),
            (Route("loss", "the textbook's loops on equal logits", found, lambda point: [looped(point)]),)
            if not isinstance(count, Num) or count.value <= MOST
            else (),
        ),
        setting=Setting(
            domains={"z": REAL, **dict.fromkeys(sorted(symbols(count)), SEVERAL)}, definitions={"loss": looped}
        ),
        assumptions=("before training all logits are equal (weights near 0)",),
        conventions=(f"{link}, natural logarithm",),
        notes=(
            "a first loss well above this says that the logits start too large, or that labels and classes do not fit",
        ),
    )


def _looped(name: str, count: Expr, margin: Expr, point: Mapping[str, Any], spread: str) -> float:
    from dlcalc.topics.loss.textbook import Example

    classes = int(PLAIN.value(count, point))
    options = {"delta": float(PLAIN.value(margin, point)), "epsilon": 0.1}
    if classes > MOST:
        from math import log

        return log(classes)
    binary = name in BINARY
    logits = [0.0] if binary else [0.0] * classes
    target = [1.0] if binary else [1.0, *[0.0] * (classes - 1)]
    link = "sigmoid" if name == "bce" else "" if name in MARGINS else "softmax"
    return Example(logits, target, options, link=link, spread=spread).loss(name)


def _of_margins(count: Expr, margin: Expr, looped: Callable[[Mapping[str, Any]], Any]) -> Solution:
    found = (count - 1) * margin

    because = "every wrong class misses the margin by all of it: max(0, z - z + δ) = δ"
    steps = (
        Step("loss", Sym("loss"), Sym("loss"), Mul((count - 1, call("relu", Sym("z") - Sym("z") + margin))), because),
        Step("value", Sym("loss"), Mul((count - 1, call("relu", Sym("z") - Sym("z") + margin))), found, "computed"),
    )
    return Solution(
        answers=(Answer("loss", found, slips=(Slip(count * margin, "the true class does not count"),)),),
        work=lambda: Work(
            steps, (Route("loss", "the textbook's loops on equal scores", found, lambda point: [looped(point)]),)
        ),
        setting=Setting(
            domains={
                "z": REAL,
                **dict.fromkeys(sorted(symbols(margin)), POSITIVE),
                **dict.fromkeys(sorted(symbols(count)), SEVERAL),
            },
            definitions={"loss": looped},
        ),
        assumptions=("before training all scores are equal (weights near 0)",),
        conventions=(f"margin δ = {plain(margin)}",),
    )
