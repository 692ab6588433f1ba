"""What the reader should know about given data: conventions, and what happens at the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, ZERO
from dlcalc.notation.printing import unicode

if TYPE_CHECKING:
    from dlcalc.normalisation.question import Question
    from dlcalc.normalisation.running import Running

_KINDS = {
    "batch": "batch norm: one mean per feature, over the batch",
    "layer": "layer norm: one mean per example, over its features",
    "rms": "RMS norm: no mean is subtracted; divided by the root of the mean square",
    "instance": "instance norm: one mean per example and channel, over its positions",
    "group": "group norm: one mean per example and group of channels",
}

_UNUSUAL = {
    "batch": "these axes leave the batch out: one mean per group within an example, as in layer norm",
    "layer": "these axes run over the batch: one mean per group of examples, as in batch norm",
    "rms": "these axes run over the batch: one root of the mean square per group of examples",
}


def conventions(asked: Question) -> tuple[str, ...]:
    """Say how the data were normalised."""
    lengths = asked.data.lengths
    count, each, over = len(asked.groups.places), len(asked.groups.places[0]), asked.groups.over
    groups = "1 group" if count == 1 else f"{count} groups"
    kind = _KINDS[asked.kind] if asked.groups.usual else _UNUSUAL[asked.kind]
    said = [f"{kind} ({groups} of {each} entries, over {over} of {asked.data.said})"]
    said.append(
        f"ε = {unicode(asked.eps)} is added under the root; the variance for normalising is biased (divided by n)"
    )
    if all(g == ONE for g in asked.gamma) and all(b == ZERO for b in asked.beta):
        said.append("γ = 1, β = 0: the values before training")
    if len(lengths) > 2:  # noqa: PLR2004 (rows and columns)
        said.append("answers are rows along the last axis, in the order of the data")
    return tuple(said)


def in_general(kind: str, running: Running | None) -> tuple[str, ...]:
    """Say how the letters are meant."""
    over = "N examples of one feature" if kind == "batch" else "n features of one example"
    other = _KINDS["layer" if kind == "batch" else "batch"]
    said = [
        f"{_KINDS[kind]}; x_1, … are the {over} ({other})",
        "ε is added under the root; the variance for normalising is biased",
    ]
    return (*said, running.rule) if running is not None else tuple(said)


def notes(asked: Question) -> tuple[str, ...]:
    """Say what is special about these data."""
    found = []
    if len(asked.groups.places[0]) == 1 and asked.centred:
        unit = "batch" if asked.kind == "batch" else "group"
        found.append(f"a {unit} of one: x̂ is 0, the output is β whatever x is, and every gradient to x is 0")
        if asked.kind == "batch":
            found.append(
                "torch.nn.BatchNorm1d refuses a batch of one in training; layer norm does not depend on the batch"
            )
    elif asked.centred:
        flat = [i for i, m in enumerate(asked.moments, 1) if m.variance == ZERO]
        if flat:
            which = f" of {asked.groups.unit} {', '.join(map(str, flat[:6]))}" if asked.several else ""
            found.append(f"the variance{which} is 0: all entries are equal, x̂ is 0 thanks to ε > 0")
    return tuple(found)
