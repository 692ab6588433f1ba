"""Closed forms for a gradient that is the same at every update, for any number of updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Div,
    Entry,
    Expr,
    Mul,
    Sum,
    Sym,
    fold,
    power,
    substitute,
)
from dlcalc.notation.parser import Scope, parse
from dlcalc.solution import Answer, Route, Slip, Step, Work, verdict
from dlcalc.topics.optimizer.answers import FALLS
from dlcalc.topics.optimizer.derivation import AS_ITS_FRAMEWORK, weights_sum
from dlcalc.topics.optimizer.early import has_ratio, ratio, ratio_answers, ratio_steps
from dlcalc.topics.optimizer.question import LETTERS
from dlcalc.topics.optimizer.reference import run as run_floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.rules import Form

_VELOCITY = {
    "pytorch": ("(1 - tau)", "-eta"), "ema": ("(1 - mu)", "-eta"), "keras": ("-eta", "1"), "course": ("-eta", "1"),
    "subtract": ("eta", "-1"),
}  # fmt: skip
"""What a velocity takes of the gradient, and what theta takes of the velocity."""
_MEAN = "beta1^t m0 + (1 - beta1^t) g"
_SQUARES = "beta2^t v0 + (1 - beta2^t) g^2"


def forms(asked: Question, form: Form) -> dict[str, Expr]:
    """Return what has a closed form at update t, the parameters first where they have one."""
    texts = _texts(asked, form)
    start = {f"{name}0": vector[0] for name, vector in asked.start.items()}
    given = {**asked.letters, **start, "g": asked.gradients[0][0], "t": asked.updates}
    read = {name: parse(text, Scope(names=LETTERS | {*start, "g", "k"})) for name, text in texts.items()}
    values = {**asked.values}
    return {name: fold(substitute(fold(substitute(node, given)), values)) for name, node in read.items()}


def _texts(asked: Question, form: Form) -> dict[str, str]:
    unusual = {"--decay": form.decayed, "--dampening": form.undamped, "--t": asked.first != 1}
    for option in (name for name, used in unusual.items() if used):
        raise DlcalcError(f"a letter for --updates has no closed form with {option}", "give a number of updates")
    return _CLOSED[asked.rule.name](asked, form)


def _sgd(_: Question, __: Form) -> dict[str, str]:
    return {"theta": "theta0 - t eta g", "step": "-eta g"}


def _momentum(asked: Question, form: Form) -> dict[str, str]:
    part, along = _factor(asked, form), _VELOCITY[form.velocity][1]
    reached = "mu (1 - mu^t)/(1 - mu)"
    kept = f"({along}) * {reached} * v0"
    if form.velocity == "ema":
        long_run, v = "-eta g", "mu^t v0 + (1 - mu^t) g"
    else:
        sign = "-" if "-" in along + part else ""
        long_run, v = f"{sign}eta g/(1 - mu)", f"mu^t v0 + ({part}) g (1 - mu^t)/(1 - mu)"
    if "tau" in part:
        long_run = "-eta (1 - tau) g/(1 - mu)"
    if form.velocity in {"pytorch", "keras"} and asked.rule.name == "nesterov":
        theta = f"theta0 + mu {kept} - eta g t - (eta mu g/(1 - mu)) (t - {reached})"
    else:
        theta = f"theta0 + {kept} + ({long_run}) (t - {reached})"
    return {"theta": theta, "v": v, "terminal_step": long_run}


def _adagrad(_: Question, form: Form) -> dict[str, str]:
    below = "(sqrt(G0 + k g^2) + epsilon)" if form.place != "inside" else "sqrt(G0 + k g^2 + epsilon)"
    rate = below.replace("k g^2", "t g^2")
    return {
        "theta": f"theta0 - eta g sum(k, 1, t, 1/{below})",
        "G": "G0 + t g^2",
        "rate": f"eta/{rate}",
        "step": f"-eta g/{rate}",
    }


def _rmsprop(_: Question, form: Form) -> dict[str, str]:
    squares = "rho^k v0 + (1 - rho^k) g^2"
    below = f"(sqrt({squares}) + epsilon)" if form.place != "inside" else f"sqrt({squares} + epsilon)"
    rate = below.replace("^k", "^t")
    return {
        "theta": f"theta0 - eta g sum(k, 1, t, 1/{below})",
        "v": squares.replace("^k", "^t"),
        "rate": f"eta/{rate}",
        "step": f"-eta g/{rate}",
    }


def _adadelta(_: Question, __: Form) -> dict[str, str]:
    return {"v": "rho^t v0 + (1 - rho^t) g^2"}


def _adam(asked: Question, form: Form) -> dict[str, str]:
    found = {"m": _MEAN, "v": _SQUARES}
    at_rest = asked.start["m"][0] == ZERO == asked.start["v"][0]
    if form.corrected:
        found |= {"m_hat": f"({_MEAN})/(1 - beta1^t)", "v_hat": f"({_SQUARES})/(1 - beta2^t)"}
    if at_rest and form.corrected:
        found |= {"m_hat": "g", "v_hat": "g^2"}
    if not at_rest:
        return found
    step = "eta g/(abs(g) + epsilon)" if form.place != "inside" else "eta g/sqrt(g^2 + epsilon)"
    if not form.corrected:
        mean, square = "(1 - beta1^k) g", "sqrt(1 - beta2^k) abs(g)"
        below = f"({square} + epsilon)" if form.place != "inside" else "sqrt((1 - beta2^k) g^2 + epsilon)"
        each = f"{mean}/{below}"
        if asked.rule.name == "adamw":
            return found
        return {"theta": f"theta0 - eta sum(k, 1, t, {each})", "step": f"-eta {each.replace('^k', '^t')}", **found}
    if form.place == "hat":
        return found
    theta = f"theta0 - t {step}"
    if asked.rule.name == "adamw":
        kept = "(1 - eta lambda)^t"
        theta = f"{kept} theta0 - (1 - {kept})/lambda {step.removeprefix('eta ')}"
        return {"theta": theta, **found}
    return {"theta": theta, "step": f"-{step}", **found}


def _adamax(asked: Question, form: Form) -> dict[str, str]:
    largest = "(abs(g) + epsilon)" if form.place == "inside" else "abs(g)"
    found = {"m": _MEAN}
    if asked.start["m"][0] != ZERO or asked.start["u"][0] != ZERO or not form.corrected:
        return found
    return {
        "theta": "theta0 - t eta g/(abs(g) + epsilon)",
        "step": "-eta g/(abs(g) + epsilon)",
        **found,
        "m_hat": "g",
        "u": largest,
    }


_CLOSED = {
    "sgd": _sgd, "momentum": _momentum, "nesterov": _momentum, "adagrad": _adagrad, "rmsprop": _rmsprop,
    "adadelta": _adadelta, "adam": _adam, "adamax": _adamax, "adamw": _adam,
}  # fmt: skip


# answers


def closed_answers(asked: Question, form: Form) -> tuple[Answer, ...]:
    """Answer with the closed forms, and what follows from them."""
    found = forms(asked, form)
    answers = [Answer(name, value, _label(asked, name), slips=_slips(asked, name)) for name, value in found.items()]
    if has_ratio(asked, form):
        answers += ratio_answers(asked)
    if asked.rule.name == "adagrad":
        answers.append(verdict("rate_never_increases", holds=True, otherwise=FALLS))
    return tuple(answers)


def _label(asked: Question, name: str) -> Expr | None:
    return None if name == "terminal_step" else Entry(name, asked.updates)


def _slips(asked: Question, name: str) -> tuple[Slip, ...]:
    g, t = asked.gradients[0][0], asked.updates
    if name in {"m", "v"} and "beta1" in asked.letters:
        beta = asked.value("beta1" if name == "m" else "beta2")
        of = g if name == "m" else g**2
        return (
            Slip((1 - beta) * of, "that is the first update; every later one adds to it", name),
            Slip(of, "that is the corrected mean", name),
            Slip((1 - power(beta, t - 1)) * of, "the number of updates is off by one", name),
        )
    return ()


# derivation


def closed_work(asked: Question, form: Form) -> Work:
    """Derive the closed forms: the sum of all gradients, its geometric sum; then theta."""
    found = forms(asked, form)
    return Work(tuple(_steps(asked, form, found)), tuple(_routes(asked, form, found)))


def _steps(asked: Question, form: Form, found: Mapping[str, Expr]) -> Iterator[Step]:
    t = asked.updates
    averaged = next((letter for letter in ("beta1", "rho") if letter in asked.letters), None)
    if averaged is not None:
        yield from weights_sum(asked.letters[averaged])
    for name in (name for name in found if name in asked.rule.states):
        yield from _state_steps(asked, form, name, found[name])
    for name in (name for name in ("m_hat", "v_hat") if name in found):
        yield from _corrected_steps(asked, name, found[name])
    for name in ("step", "rate", "theta"):
        if name in found:
            target = Entry(name, t)
            because = {"step": "one update", "rate": "this coordinate's rate", "theta": "all updates together"}[name]
            yield Step(name, target, target, found[name], because, where=asked.values)
    if "terminal_step" in found:
        yield from _terminal_steps(asked, form, found)
    if asked.rule.name == "adagrad":
        rate = found["rate"]
        before = substitute(rate, {t.name: t - 1}) if isinstance(t, Sym) else rate
        yield Step(
            "falls",
            Entry("rate", t),
            rate,
            before,
            "a larger root below the same learning rate",
            "<=",
            where={**asked.values, **_later(t)},
        )
    if has_ratio(asked, form):
        yield from ratio_steps(asked, asked.gradients[0][0])


def _corrected_steps(asked: Question, name: str, value: Expr) -> Iterator[Step]:
    """Divide a running mean by the sum of its weights."""
    t, target = asked.updates, Entry(name, asked.updates)
    beta = asked.letters["beta1" if name == "m_hat" else "beta2"]
    quotient = Div(Entry(name[0], t), 1 - power(beta, t))
    yield Step(name, target, target, quotient, "the bias corrected")
    because = "the factor cancels: no bias is left" if value in _unbiased(asked) else "the closed form put in"
    yield Step(f"{name}-value", target, quotient, value, because, where=asked.values)


def _unbiased(asked: Question) -> tuple[Expr, Expr]:
    g = asked.gradients[0][0]
    return g, fold(g**2)


def _later(t: Expr) -> dict[str, Expr]:
    """Take an update that has one before it."""
    return {t.name: t + 1} if isinstance(t, Sym) else {}


def _state_steps(asked: Question, form: Form, name: str, value: Expr) -> Iterator[Step]:
    """Unroll a running mean or a sum, then take the geometric sum."""
    t, k, g = asked.updates, Sym("k"), asked.gradients[0][0]
    letters, target, start = asked.letters, Entry(name, asked.updates), asked.start[name][0]
    if name == "u":
        yield Step("u", target, target, value, "β2 u_{t-1} is never above |g|", where=asked.values)
        return
    if name == "G":
        yield Step("G", target, target, start + Sum("k", ONE, t, g**2), "all squares added up")
        yield Step("G-sum", target, start + Sum("k", ONE, t, g**2), value, "t equal terms")
        return
    if name == "v" and "mu" in letters:
        beta, of = letters["mu"], asked.written(_factor(asked, form)) * g
    elif name == "m":
        beta, of = letters["beta1"], (1 - letters["beta1"]) * g
    else:
        beta = letters["beta2"] if "beta2" in letters else letters["rho"]
        of = (1 - beta) * g**2
    unrolled = power(beta, t) * start + Sum("k", ONE, t, power(beta, t - k) * of)
    yield Step(name, target, target, unrolled, "unrolled: every gradient with the power that it has kept")
    yield Step(f"{name}-sum", target, unrolled, value, "the geometric sum", where=asked.values)


def _factor(asked: Question, form: Form) -> str:
    part, _ = _VELOCITY[form.velocity]
    return "1" if "tau" in part and "tau" not in asked.letters else part


def _terminal_steps(asked: Question, form: Form, found: Mapping[str, Expr]) -> Iterator[Step]:
    """Show that a step of the terminal length changes no more."""
    mu, along = asked.letters["mu"], asked.written(_VELOCITY[form.velocity][1])
    part = asked.written(_factor(asked, form)) * asked.gradients[0][0]
    velocity = Div(part, 1 - mu)
    target = Sym("terminal_step")
    yield Step(
        "fixed",
        target,
        mu * velocity + part,
        velocity,
        "the velocity that an update leaves as it is",
        where=asked.values,
    )
    yield Step(
        "terminal",
        target,
        Mul((along, velocity)),
        found["terminal_step"],
        "the step that the updates approach, as μ^t → 0",
        where=asked.values,
    )


def _routes(asked: Question, form: Form, found: Mapping[str, Expr]) -> Iterator[Route]:
    """Run the rule, as its framework does, up to the update that is asked."""
    shown = [name for name in found if name != "terminal_step"]

    def framework(point: Mapping[str, Any]) -> list[Any]:
        at = {**point, **{name: PLAIN.value(value, point) for name, value in asked.values.items()}}
        memory = run_floats(asked, form, at, int(PLAIN.value(asked.updates, point)))[-1][0]
        return [memory[name] for name in shown]

    yield Route(", ".join(shown), AS_ITS_FRAMEWORK, tuple(found[name] for name in shown), framework)
    if has_ratio(asked, form):
        t = asked.updates

        def divided(point: Mapping[str, Any]) -> float:
            at = {**point, **{name: PLAIN.value(value, point) for name, value in asked.values.items()}}
            at = {**at, asked.letters["epsilon"].name: 0}
            corrected, raw = (
                run_floats(asked, form._replace(corrected=c), at, int(PLAIN.value(t, point)))[-1][0]["step"]
                for c in (True, False)
            )
            return float(raw / corrected)

        value = ratio(asked.value("beta1"), asked.value("beta2"), t)
        yield Route("uncorrected_ratio", "both rules run with ε = 0, their steps divided", value, divided)
