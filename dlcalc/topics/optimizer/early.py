"""Adam's early steps: how long they are without bias correction, beside those with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, ZERO, Div, Expr, Pow, Sym, fold, number, power, substitute
from dlcalc.notation.functions import call
from dlcalc.solution import Answer, Slip, Step, word
from dlcalc.topics.optimizer.question import T

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.rules import Form

SIZES = ("larger", "smaller", "equal")


def has_ratio(asked: Question, form: Form) -> bool:
    """Say whether the steps with and without bias correction can be compared in one formula."""
    resting = all(x == ZERO for name in asked.rule.states for x in asked.start[name])
    return asked.rule.name == "adam" and resting and form.place == "outside" and form.corrected


def ratio_answers(asked: Question) -> list[Answer]:
    """Compare the steps without bias correction with those that have it, for a constant gradient and ε = 0."""
    beta1, beta2 = asked.value("beta1"), asked.value("beta2")
    t = asked.updates if asked.closed else T
    first = ratio(beta1, beta2, ONE)
    slips = (
        Slip(1 / ratio(beta1, beta2, t), "that is the step with correction over the one without", "ratio"),
        Slip((1 - power(beta1, t)) / (1 - power(beta2, t)), "v stands under a root", "ratio"),
    )
    found = [
        Answer("uncorrected_ratio", ratio(beta1, beta2, t), slips=slips),
        Answer("uncorrected_ratio_first", first),
    ]
    size = early(beta1, beta2)
    return [*found, *([word("early_steps", size, SIZES)] if size else [])]


def early(beta1: Expr, beta2: Expr) -> str:
    """Say whether the first step without correction is larger or smaller than with it; nothing while it depends."""
    left, right = approximate((1 - beta1) ** 2), approximate(1 - beta2)
    if left is None or right is None:
        return ""
    return "equal" if fold((1 - beta1) ** 2 - (1 - beta2)) == ZERO else "smaller" if left < right else "larger"


def ratio(beta1: Expr, beta2: Expr, t: Expr) -> Expr:
    """Write the step without bias correction over the one with it."""
    return Div(1 - power(beta1, t), call("sqrt", 1 - power(beta2, t)))


def ratio_steps(asked: Question, gradient: Expr) -> Iterator[Step]:
    """Derive the ratio: η m/√v over η m̂/√v̂, with the closed forms of both averages put in."""
    beta1, beta2 = asked.letters["beta1"], asked.letters["beta2"]
    t = asked.updates if asked.closed else T
    mean, square = (1 - power(beta1, t)) * gradient, (1 - power(beta2, t)) * gradient**2
    over = Div(Div(mean, call("sqrt", square)), Div(gradient, call("sqrt", gradient**2)))
    general, at_first = ratio(beta1, beta2, t), ratio(beta1, beta2, ONE)
    target, first = Sym("uncorrected_ratio"), Sym("uncorrected_ratio_first")
    yield Step("ratio", target, over, general, "steps without and with correction, ε = 0: g/√(g²) cancels")
    if isinstance(t, Sym):
        once = {t.name: ONE}
        yield Step("first", first, substitute(general, once), at_first, "at the first update", where=once)
    squared = Div(Pow(1 - beta1, number(2)), 1 - beta2)
    yield Step("squared", first, Pow(at_first, number(2)), squared, "below 1 just where (1 - β1)² < 1 - β2")
    one, two = asked.value("beta1"), asked.value("beta2")
    size = early(one, two)
    if size:
        relation: Any = {"larger": ">", "smaller": "<", "equal": "="}[size]
        because = f"so the first step is {size} without correction"
        yield Step("early", Sym("early_steps"), Pow(1 - one, number(2)), 1 - two, because, relation)
        yield Step("early-ratio", first, ratio(one, two, ONE), ONE, "the ratio itself", relation)
