"""The update rules as data: every rule is its equations, written once; numbers, derivations and symbols follow.

Letters: eta is the learning rate, epsilon what keeps a denominator from 0, mu the momentum, tau the dampening,
lambda the weight decay. A rule whose equations differ between frameworks has one text per convention.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

RULES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamax", "adamw")
FRAMEWORKS = ("pytorch", "keras", "course")
VELOCITIES = ("pytorch", "keras", "course", "ema", "subtract")
PLACES = ("outside", "inside", "hat")
"""Where epsilon stands: √v + ε, √(v + ε), or beside √v with the bias corrections in the learning rate."""


class Equation(NamedTuple):
    """One line of an update: what it computes, from what, and what it is."""

    name: str
    text: str
    because: str
    first: str = ""
    """The text that holds at the first update instead."""


@dataclass(frozen=True)
class Rule:
    """An update rule."""

    name: str
    equations: tuple[Equation, ...]
    """In the order in which they are computed; `theta` is among them, `step` the last."""
    states: tuple[str, ...] = ()
    """What is kept from one update to the next, beside theta."""
    ahead: str = ""
    """Where the gradient is taken, if not at theta[t-1]."""
    settings: tuple[str, ...] = ("eta",)
    """The letters that the equations use."""
    said: tuple[str, ...] = ()
    """What the form is called, and where epsilon stands."""


class Form(NamedTuple):
    """How a rule is written."""

    framework: str = "pytorch"
    velocity: str = "pytorch"
    place: str = "outside"
    corrected: bool = True
    """Whether Adam corrects the bias of its averages."""
    decayed: bool = False
    """Whether an L2 penalty is added to the gradient."""
    damped: bool = False
    """Whether the velocity takes only a part of the gradient."""
    undamped: bool = False
    """Whether the first velocity is the gradient, as torch.optim.SGD has it where there is dampening."""


def rule_of(name: str, form: Form) -> Rule:
    """Return a rule in one form."""
    rule = _WRITTEN[name](form)
    return _decayed(rule) if form.decayed and name != "adamw" else rule


def _moved(rule: Rule, move: str, because: str, rate: str = "") -> Rule:
    """Add what every rule ends with: theta, the rate per coordinate where there is one, the step."""
    start = "theta_bar[t]" if rule.name == "adamw" else "theta[t-1]"
    step = f"{move} - eta lambda theta[t-1]" if rule.name == "adamw" else move
    last = [Equation("theta", f"{start} {move}", because)]
    last += [Equation("rate", rate, "what multiplies the gradient of this coordinate")] if rate else []
    return replace(rule, equations=(*rule.equations, *last, Equation("step", step, "θ_t - θ_{t-1}")))


def _decayed(rule: Rule) -> Rule:
    """Add the gradient of an L2 penalty to the gradient; the rule itself is as before."""
    first = Equation("d", "g[t] + lambda theta[t-1]", "weight decay adds λθ to the gradient")
    others = (
        e._replace(text=e.text.replace("g[t]", "d[t]"), first=e.first.replace("g[t]", "d[t]")) for e in rule.equations
    )
    return replace(rule, equations=(first, *others), settings=(*rule.settings, "lambda"))


def _sgd(_: Form) -> Rule:
    return _moved(Rule("sgd", ()), "- eta g[t]", "against the gradient")


_FACTOR = {"pytorch": "(1 - tau)", "keras": "-eta", "course": "-eta", "ema": "(1 - mu)", "subtract": "eta"}
"""What multiplies the gradient in the velocity."""
_MOVE = {"pytorch": "- eta v[t]", "keras": "+ v[t]", "course": "+ v[t]", "ema": "- eta v[t]", "subtract": "- v[t]"}
_SAID = {
    "pytorch": "the learning rate multiplies the velocity",
    "keras": "the learning rate is inside the velocity, which is added",
    "course": "the learning rate is inside the velocity, which is added",
    "ema": "the velocity is a weighted mean of the gradients",
    "subtract": "the learning rate is inside the velocity, which is subtracted",
}


def _velocity(form: Form) -> Equation:
    part = _FACTOR[form.velocity] if form.damped or form.velocity != "pytorch" else ""
    text = f"mu v[t-1] + {part} g[t]".replace("+ -", "- ")
    return Equation("v", text, "the velocity", "g[t]" if form.undamped else "")


def _settings(form: Form) -> tuple[str, ...]:
    return ("eta", "mu", "tau") if form.damped else ("eta", "mu")


def _momentum(form: Form) -> Rule:
    rule = Rule("momentum", (_velocity(form),), ("v",), settings=_settings(form), said=(_SAID[form.velocity],))
    return _moved(rule, _MOVE[form.velocity], "along the velocity")


_AHEAD = {"course": "+ mu v[t-1]", "subtract": "- mu v[t-1]", "ema": "- eta mu v[t-1]"}
_NESTEROV = {"pytorch": "- eta (g[t] + mu v[t])", "keras": "+ mu v[t] - eta g[t]"}
_STORED = "the parameters that are stored are the look-ahead point, where the gradient is taken"


def _nesterov(form: Form) -> Rule:
    settings, velocity = _settings(form), _velocity(form)
    if form.velocity in _NESTEROV:
        rule = Rule("nesterov", (velocity,), ("v",), settings=settings, said=(_SAID[form.velocity], _STORED))
        return _moved(rule, _NESTEROV[form.velocity], "one step further along the velocity")
    ahead = f"theta[t-1] {_AHEAD[form.velocity]}"
    look = Equation("theta_tilde", ahead, "the look-ahead point, where the gradient is taken")
    said = (_SAID[form.velocity], "g_t is the gradient at the look-ahead point θ̃_t")
    rule = Rule("nesterov", (look, velocity), ("v",), ahead, settings, said)
    return _moved(rule, _MOVE[form.velocity], "along the velocity")


def _root(of: str, form: Form) -> str:
    """Write the denominator."""
    return f"sqrt({of} + epsilon)" if form.place == "inside" else f"(sqrt({of}) + epsilon)"


_EPSILON = {
    "outside": "ε is added to the root",
    "inside": "ε is added under the root",
    "hat": "ε is added to √v_t, and the bias corrections are in the learning rate",
}


def _adagrad(form: Form) -> Rule:
    root = _root("G[t]", form)
    total = Equation("G", "G[t-1] + g[t]^2", "the squares of all gradients so far")
    rule = Rule("adagrad", (total,), ("G",), settings=("eta", "epsilon"), said=(_EPSILON[form.place],))
    return _moved(rule, f"- eta g[t]/{root}", "each coordinate by a rate of its own", f"eta/{root}")


def _rmsprop(form: Form) -> Rule:
    root = _root("v[t]", form)
    mean = Equation("v", "rho v[t-1] + (1 - rho) g[t]^2", "the running mean of the squared gradients")
    rule = Rule("rmsprop", (mean,), ("v",), settings=("eta", "rho", "epsilon"), said=(_EPSILON[form.place],))
    return _moved(rule, f"- eta g[t]/{root}", "each coordinate by a rate of its own", f"eta/{root}")


def _adadelta(_: Form) -> Rule:
    equations = (
        Equation("v", "rho v[t-1] + (1 - rho) g[t]^2", "the running mean of the squared gradients"),
        Equation("delta", "(sqrt(u[t-1] + epsilon)/sqrt(v[t] + epsilon)) g[t]", "in the units of θ"),
        Equation("u", "rho u[t-1] + (1 - rho) delta[t]^2", "the running mean of the squared δ"),
    )
    rule = Rule("adadelta", equations, ("v", "u"), settings=("eta", "rho", "epsilon"), said=("ε is under both roots",))
    rate = "eta sqrt(u[t-1] + epsilon)/sqrt(v[t] + epsilon)"
    return _moved(rule, "- eta delta[t]", "against δ", rate)


_FIRST_MOMENT = Equation("m", "beta1 m[t-1] + (1 - beta1) g[t]", "the running mean of the gradients")
_SECOND_MOMENT = Equation("v", "beta2 v[t-1] + (1 - beta2) g[t]^2", "the running mean of their squares")
_HATS = (
    Equation("m_hat", "m[t]/(1 - beta1^t)", "divided by the sum of its weights: the bias corrected"),
    Equation("v_hat", "v[t]/(1 - beta2^t)", "divided by the sum of its weights: the bias corrected"),
)
_ADAM = ("eta", "beta1", "beta2", "epsilon")


def _adam(form: Form, name: str = "adam") -> Rule:
    said: tuple[str, ...] = (_EPSILON[form.place],)
    equations: tuple[Equation, ...] = (_FIRST_MOMENT, _SECOND_MOMENT, *_HATS)
    if not form.corrected:
        equations, said = equations[:2], (*said, "the bias of m and v is not corrected")
        top, root = "m[t]", _root("v[t]", form)
        rate = f"eta/{root}"
    elif form.place == "hat":
        top, root = "(sqrt(1 - beta2^t)/(1 - beta1^t)) m[t]", "(sqrt(v[t]) + epsilon)"
        rate = f"eta sqrt(1 - beta2^t)/((1 - beta1^t) {root})"
    else:
        top, root = "m_hat[t]", _root("v_hat[t]", form)
        rate = f"eta/{root}"
    rule = Rule(name, equations, ("m", "v"), settings=_ADAM, said=said)
    if name == "adamw":
        shrunk = Equation("theta_bar", "(1 - eta lambda) theta[t-1]", "the decay, apart from the gradient")
        said = (*said, "the decay is decoupled: it does not pass through m and v")
        rule = replace(rule, equations=(shrunk, *equations), settings=(*_ADAM, "lambda"), said=said)
    return _moved(rule, f"- eta {top}/{root}", "along the mean, by a rate of its own for each coordinate", rate)


def _adamw(form: Form) -> Rule:
    return _adam(form, "adamw")


def _adamax(form: Form) -> Rule:
    """Write Adamax; PyTorch adds epsilon inside the maximum, Keras to the denominator, the paper nowhere."""
    inside = form.place == "inside"
    norm = "max(beta2 u[t-1], abs(g[t]) + epsilon)" if inside else "max(beta2 u[t-1], abs(g[t]))"
    below = "u[t]" if inside else "(u[t] + epsilon)"
    equations = (
        _FIRST_MOMENT,
        Equation("u", norm, "the largest gradient, fading: the infinity norm"),
        *((_HATS[0],) if form.corrected else ()),
    )
    said = "ε is added to |g| inside the maximum" if inside else "ε is added to u"
    rule = Rule("adamax", equations, ("m", "u"), settings=_ADAM, said=(said,))
    top = "m_hat[t]" if form.corrected else "m[t]"
    return _moved(rule, f"- eta {top}/{below}", "along the mean", f"eta/{below}")


_WRITTEN = {
    "sgd": _sgd, "momentum": _momentum, "nesterov": _nesterov, "adagrad": _adagrad, "rmsprop": _rmsprop,
    "adadelta": _adadelta, "adam": _adam, "adamax": _adamax, "adamw": _adamw,
}  # fmt: skip


# what each framework takes where nothing is said

_TORCH = {
    "sgd": {"eta": "1/1000"},
    "momentum": {"eta": "1/1000", "mu": "9/10"},
    "nesterov": {"eta": "1/1000", "mu": "9/10"},
    "adagrad": {"eta": "1/100", "epsilon": "1e-10"},
    "rmsprop": {"eta": "1/100", "rho": "99/100", "epsilon": "1e-8"},
    "adadelta": {"eta": "1", "rho": "9/10", "epsilon": "1e-6"},
    "adam": {"eta": "1/1000", "beta1": "9/10", "beta2": "999/1000", "epsilon": "1e-8"},
    "adamax": {"eta": "2/1000", "beta1": "9/10", "beta2": "999/1000", "epsilon": "1e-8"},
    "adamw": {"eta": "1/1000", "beta1": "9/10", "beta2": "999/1000", "epsilon": "1e-8", "lambda": "1/100"},
}
_KERAS = {
    "sgd": {"eta": "1/100"},
    "momentum": {"eta": "1/100"},
    "nesterov": {"eta": "1/100"},
    "adagrad": {"eta": "1/1000", "epsilon": "1e-7"},
    "rmsprop": {"eta": "1/1000", "rho": "9/10", "epsilon": "1e-7"},
    "adadelta": {"eta": "1/1000", "rho": "95/100", "epsilon": "1e-7"},
    "adam": {"epsilon": "1e-7"},
    "adamax": {"eta": "1/1000", "epsilon": "1e-7"},
    "adamw": {"epsilon": "1e-7", "lambda": "4/1000"},
}
DEFAULTS = {
    "pytorch": _TORCH,
    "keras": {name: {**_TORCH[name], **own} for name, own in _KERAS.items()},
    "course": _TORCH,
}
PLACE = {
    "pytorch": {"adamax": "inside"},
    "keras": {"adam": "hat", "adamw": "hat", "adagrad": "inside", "rmsprop": "inside"},
    "course": {},
}
"""Where a framework puts epsilon, if not outside the root."""
ACCUMULATED = {"keras": "1/10"}
"""What Keras' Adagrad starts its accumulator with."""
COURSE = {"eta": "epsilon", "epsilon": "nu", "mu": "alpha"}
"""The course's letters for those of this module."""
