"""How questions about normalisation are put together: data fitted, parts joined, refused where something is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.normalisation.question import Question, axes_of, epsilon, parameters, question
from dlcalc.notation.expression import ONE, ZERO, Expr
from dlcalc.parts import joined

if TYPE_CHECKING:
    from dlcalc.normalisation.arrays import Array
    from dlcalc.normalisation.running import Running
    from dlcalc.notation.printing import Value
    from dlcalc.solution import Solution


class Layer(NamedTuple):
    """A layer as it is given: its kind, ε, scale and shift, and what the mean runs over."""

    kind: str
    framework: str
    eps: Expr | None
    gamma: Value | None
    beta: Value | None
    axis: str | None = None
    groups: int | None = None


def fitted(layer: Layer, x: Array, *, own: bool = True) -> Question:
    """Fit data and layer together; without statistics of their own, data at test time may be all equal."""
    eps = epsilon(layer.eps, layer.kind, layer.framework, on_data=True)
    asked = question(layer.kind, x, eps if own else ONE, axes_of(layer.axis), layer.groups)
    gamma, beta = parameters("gamma", layer.gamma, asked, ONE), parameters("beta", layer.beta, asked, ZERO)
    return asked._replace(eps=eps, gamma=gamma, beta=beta)


def refuse_without_data(**given: object) -> None:
    """Refuse options that need data."""
    for name, value in given.items():
        if value is not None:
            raise DlcalcError(f"--{name.replace('_', '-')} needs data", "add --x 1,2,3")


def in_letters(layer: Layer, *, backward: bool, running: Running | None = None) -> Solution:
    """Answer without data: the backward pass, or the formulas."""
    if backward:
        from dlcalc.normalisation.programs import derived

        return derived(layer.kind, answers=True)
    from dlcalc.normalisation.formulas import formulas
    from dlcalc.normalisation.sentences import in_general

    eps = epsilon(layer.eps, layer.kind, layer.framework, on_data=False)
    gamma, beta = _one("gamma", layer.gamma), _one("beta", layer.beta)
    solution = formulas(layer.kind, eps, gamma, beta, running)
    return replace(solution, conventions=in_general(layer.kind, running))


def _one(name: str, given: Value | None) -> Expr | None:
    """Refuse a list where there are no data."""
    if isinstance(given, tuple):
        raise DlcalcError(f"--{name} is a list, and there are no data", "add --x, or give one number or letter")
    return given


def together(parts: list[Solution], *, gradients: bool) -> Solution:
    """Join the parts; where gradients are asked they rank first."""
    whole = joined(*parts)
    return replace(whole, principal=("dL/dx", "dL/dgamma", "dL/dbeta")) if gradients else whole


def on_data(asked: Question, upstream: Array | None, *, backward: bool) -> list[Solution]:
    """Answer on data: forward, and backward where a gradient comes from behind."""
    from dlcalc.normalisation.data import solved
    from dlcalc.normalisation.readable import presented
    from dlcalc.normalisation.sentences import conventions, notes

    forward = solved(asked)
    found = [presented(replace(forward, conventions=conventions(asked), notes=notes(asked)), lines=asked.well_spread)]
    if backward and upstream is None:
        raise DlcalcError("the gradients on data need ∂L/∂y", "add --upstream, shaped like --x")
    if upstream is not None:
        if upstream.lengths != asked.data.lengths:
            raise DlcalcError(f"--upstream is {upstream.said}, --x is {asked.data.said}", "give δ the shape of x")
        from dlcalc.normalisation.backward import backward as numbers
        from dlcalc.normalisation.programs import derived

        found += [derived(asked.kind, answers=False), presented(numbers(asked, upstream), lines=asked.well_spread)]
    return found
