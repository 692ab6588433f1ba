"""The rules as the frameworks' sources run them, in floats: a second implementation that does not know the equations.

Source: torch.optim (SGD, Adagrad, RMSprop, Adadelta, Adam, Adamax, AdamW; single-tensor forms), keras.optimizers, and
the papers' pseudocode. Buffers are changed in place, averages move by a part of the difference, bias corrections go
into a step size.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.rules import Form

# ruff: noqa: ANN401 (a point holds exact numbers, floats, or a row of gradients)

Memory = dict[str, float]
"""The buffers of one component, and what was computed with them."""


def run(asked: Question, form: Form, point: Mapping[str, Any], last: int) -> list[list[Memory]]:
    """Run the rule at a point up to an update; return the memories of all components, from the start on."""
    settings = {name: float(_setting(asked, letter.name, point)) for name, letter in asked.letters.items()}
    memories = [
        {name: float(PLAIN.value(vector[i], point)) for name, vector in asked.start.items()} for i in asked.places
    ]
    found = [memories]
    for update in range(asked.first, last + 1):
        memories = [dict(memory) for memory in memories]
        for memory, g in zip(memories, _gradients(asked, form, settings, memories, point, update), strict=True):
            _one(asked, form, settings, memory, g, update)
        found.append(memories)
    return found


def _setting(asked: Question, letter: str, point: Mapping[str, Any]) -> Any:
    return point[letter] if letter in point else PLAIN.value(asked.values[letter], point)


def _gradients(  # noqa: PLR0917 (all of the state)
    asked: Question, form: Form, s: Mapping[str, float], memories: list[Memory], point: Mapping[str, Any], update: int
) -> list[float]:
    """Return the gradient of each component, at the point where the rule takes it."""
    if asked.general:
        return [float(point["g"][update - 1])]
    if asked.field is None:
        return [float(PLAIN.value(g, point)) for g in asked.gradient(update)]
    place = [memory["theta"] for memory in memories]
    if asked.rule.ahead:
        along = {"course": s["mu"], "subtract": -s["mu"], "ema": -s["mu"] * s["eta"]}[form.velocity]
        place = [memory["theta"] + along * memory["v"] for memory in memories]
    return asked.field.checked_at(place, point)


def _one(  # noqa: PLR0917 (all of the state)
    asked: Question, form: Form, s: Mapping[str, float], memory: Memory, g: float, update: int
) -> None:
    """Update one component."""
    theta = memory["theta"]
    memory["g"] = g
    if form.decayed and asked.rule.name != "adamw":
        g = memory["d"] = g + s["lambda"] * theta
    _STEPPED[asked.rule.name](form, s, memory, g, update - asked.first if form.undamped else update)
    memory["step"] = memory["theta"] - theta


def _sgd(_: Form, s: Mapping[str, float], memory: Memory, g: float, __: int) -> None:
    memory["theta"] -= s["eta"] * g


def _buffered(form: Form, s: Mapping[str, float], memory: Memory, g: float, update: int) -> None:
    """Accumulate the velocity."""
    if form.undamped and update == 0:
        memory["v"] = g
        return
    memory["v"] *= s["mu"]
    if form.velocity == "pytorch":
        memory["v"] += g - s.get("tau", 0.0) * g
    elif form.velocity == "ema":
        memory["v"] += g - s["mu"] * g
    else:
        memory["v"] += g * (s["eta"] if form.velocity == "subtract" else -s["eta"])


_ALONG = {"pytorch": -1.0, "ema": -1.0, "keras": 1.0, "course": 1.0, "subtract": -1.0}


def _momentum(form: Form, s: Mapping[str, float], memory: Memory, g: float, update: int) -> None:
    _buffered(form, s, memory, g, update)
    rate = s["eta"] if form.velocity in {"pytorch", "ema"} else 1.0
    memory["theta"] += _ALONG[form.velocity] * rate * memory["v"]


def _nesterov(form: Form, s: Mapping[str, float], memory: Memory, g: float, update: int) -> None:
    rate = s["eta"] if form.velocity in {"pytorch", "ema"} else 1.0
    memory["theta_tilde"] = memory["theta"] + _ALONG[form.velocity] * rate * s["mu"] * memory["v"]
    _buffered(form, {**s, "tau": 0.0}, memory, g, update)
    if form.velocity == "pytorch":
        memory["theta"] -= s["eta"] * (g + s["mu"] * memory["v"])
    elif form.velocity == "keras":
        memory["theta"] += memory["v"] * s["mu"] - s["eta"] * g
    else:
        memory["theta"] += _ALONG[form.velocity] * rate * memory["v"]


def _adagrad(form: Form, s: Mapping[str, float], memory: Memory, g: float, _: int) -> None:
    memory["G"] += g * g
    _scaled(form, s, memory, g, memory["G"])


def _rmsprop(form: Form, s: Mapping[str, float], memory: Memory, g: float, _: int) -> None:
    memory["v"] += (1 - s["rho"]) * (g * g - memory["v"])
    _scaled(form, s, memory, g, memory["v"])


def _scaled(form: Form, s: Mapping[str, float], memory: Memory, g: float, squares: float) -> None:
    """Divide by the root of squares."""
    average = sqrt(squares + s["epsilon"]) if form.place == "inside" else sqrt(squares) + s["epsilon"]
    if average or g:
        memory["theta"] += -s["eta"] * g / average
    memory["rate"] = s["eta"] / average


def _adadelta(_: Form, s: Mapping[str, float], memory: Memory, g: float, __: int) -> None:
    memory["v"] += (1 - s["rho"]) * (g * g - memory["v"])
    memory["rate"] = s["eta"] * sqrt((memory["u"] + s["epsilon"]) / (memory["v"] + s["epsilon"]))
    delta = memory["delta"] = sqrt((memory["u"] + s["epsilon"]) / (memory["v"] + s["epsilon"])) * g
    memory["u"] += (1 - s["rho"]) * (delta * delta - memory["u"])
    memory["theta"] -= s["eta"] * delta


def _adam(form: Form, s: Mapping[str, float], memory: Memory, g: float, update: int) -> None:
    memory["m"] += (1 - s["beta1"]) * (g - memory["m"])
    memory["v"] += (1 - s["beta2"]) * (g * g - memory["v"])
    left1, left2 = (1 - s[beta] ** update for beta in ("beta1", "beta2"))
    memory["m_hat"], memory["v_hat"] = memory["m"] / left1, memory["v"] / left2
    if not form.corrected:
        left1 = left2 = 1.0
    if form.place == "inside":
        denominator = sqrt(memory["v"] / left2 + s["epsilon"])
    else:
        denominator = sqrt(memory["v"]) / sqrt(left2) + s["epsilon"] * (
            1 if form.place == "outside" else 1 / sqrt(left2)
        )
    memory["theta"] -= s["eta"] / left1 * memory["m"] / denominator
    memory["rate"] = s["eta"] / denominator
    if form.place == "hat":
        memory["rate"] /= left1


def _adamw(form: Form, s: Mapping[str, float], memory: Memory, g: float, update: int) -> None:
    memory["theta_bar"] = memory["theta"] - memory["theta"] * s["lambda"] * s["eta"]
    memory["theta"] = memory["theta_bar"]
    _adam(form, s, memory, g, update)


def _adamax(form: Form, s: Mapping[str, float], memory: Memory, g: float, update: int) -> None:
    inside = form.place == "inside"
    memory["m"] += (1 - s["beta1"]) * (g - memory["m"])
    memory["u"] = sorted((memory["u"] * s["beta2"], abs(g) + (s["epsilon"] if inside else 0.0)))[1]
    left = 1 - s["beta1"] ** update if form.corrected else 1.0
    memory["m_hat"] = memory["m"] / left
    norm = memory["u"] if inside else memory["u"] + s["epsilon"]
    memory["theta"] -= s["eta"] / left * memory["m"] / norm
    memory["rate"] = s["eta"] / norm


_STEPPED: dict[str, Callable[..., None]] = {
    "sgd": _sgd, "momentum": _momentum, "nesterov": _nesterov, "adagrad": _adagrad, "rmsprop": _rmsprop,
    "adadelta": _adadelta, "adam": _adam, "adamax": _adamax, "adamw": _adamw,
}  # fmt: skip
