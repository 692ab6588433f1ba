"""What is said about a question: conventions, assumptions, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import ZERO, Entry, Real, Sym
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import symbols
from dlcalc.topics.optimizer.derivation import SHOWN_COMPONENTS, shown
from dlcalc.topics.optimizer.question import T
from dlcalc.topics.optimizer.rules import VELOCITIES

if TYPE_CHECKING:
    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.rules import Form
    from dlcalc.topics.optimizer.running import Row

WORDS = {
    "eta": "learning rate", "epsilon": "what keeps the denominator from 0", "mu": "momentum", "tau": "dampening",
    "rho": "decay of the mean", "beta1": "decay of the mean", "beta2": "decay of the squares", "lambda": "weight decay",
}  # fmt: skip
FRAMEWORKS = {"pytorch": "PyTorch", "keras": "Keras", "course": "PyTorch"}
FORMS = {"pytorch": "as torch.optim", "keras": "as keras.optimizers", "course": "in the course's letters"}


def conventions(asked: Question, form: Form) -> tuple[str, ...]:
    """Say how the rule is written, what its letters are, and which of them are a framework's defaults."""
    equations = [name for name in asked.equations if name not in {"rate", "step"}]
    lines = ", ".join(f"{unicode(Entry(name, T))} = {unicode(asked.equations[name])}" for name in equations)
    own = form.velocity == asked.framework or asked.rule.name not in {"momentum", "nesterov"}
    written = FORMS[asked.framework] if own else f"--velocity {form.velocity}"
    said = [f"{asked.rule.name}, {written}: {lines}", *asked.rule.said]
    words = WORDS | ({"beta2": "decay of the norm"} if asked.rule.name == "adamax" else {})
    said.append(
        "; ".join(f"{unicode(letter)}: {words[name]}" for name, letter in asked.letters.items() if name != "tau")
    )
    if asked.taken:
        values = ", ".join(
            f"{unicode(asked.letters[name])} = {plain(asked.values[asked.letters[name].name])}" for name in asked.taken
        )
        said.append(f"not given, so the defaults of {FRAMEWORKS[asked.framework]}: {values}")
    if form.undamped:
        said.append(
            "the first velocity is the gradient itself, as in torch.optim.SGD; dampening starts with the second"
        )
    if asked.rule.name in {"momentum", "nesterov"}:
        said.append(
            f"--velocity {form.velocity}; the others are {', '.join(v for v in VELOCITIES if v != form.velocity)}"
        )
    said.append(
        "step: θ_t - θ_{t-1}"
        + ("; rate: what multiplies the gradient of a coordinate" if "rate" in asked.equations else "")
    )
    if asked.field is not None and asked.field.constants:
        said.append(f"constants: {', '.join(unicode(Sym(name)) for name in asked.field.constants)}")
    if asked.width > 1 and not asked.names:
        said.append(f"{asked.width} components under the same rule; θ_2[1] is component 2 after update 1")
    return tuple(said)


def assumptions(asked: Question) -> tuple[str, ...]:
    """Say what was taken for granted."""
    said = []
    resting = [
        unicode(Entry(name, T)).replace("t", str(asked.first - 1))
        for name in asked.rule.states
        if set(asked.start[name]) == {ZERO}
    ]
    if resting and not asked.general:
        said.append(" = ".join([*resting, "0"]))
    if asked.closed:
        said.append(f"the gradient is the same at every update; {unicode(asked.updates)} is a whole number, 1 or more")
        said += [f"{unicode(asked.gradients[0][0])} ≠ 0"] if symbols(asked.gradients[0]) else []
    return tuple(said)


def notes(asked: Question, rows: list[Row]) -> tuple[str, ...]:
    """Say what is not written out, and where exact numbers end."""
    said = []
    inexact = next(
        (t for t, row in enumerate(rows, asked.first - 1) if any(isinstance(x, Real) for v in row.values() for x in v)),
        None,
    )
    if inexact is not None:
        said.append(f"exact up to update {inexact - 1}; from there on floats, as exact values grow too long")
    written = shown(asked, rows)
    if len(written) < asked.count:
        said.append("not all updates are written out below; the table has all of them")
    if asked.width > SHOWN_COMPONENTS:
        said.append(
            f"components 1 to {SHOWN_COMPONENTS} are written out below; the answers of all {asked.width} are checked"
        )
    return tuple(said)
