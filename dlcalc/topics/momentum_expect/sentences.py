"""What is assumed and what is unusual, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import Entry, Num, Sym
from dlcalc.notation.printing import unicode
from dlcalc.topics.momentum_expect.formulas import is_polynomial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.topics.momentum_expect.givens import Givens


def assumptions(p: Givens, asked: Givens) -> Iterator[str]:
    """Say what the gradients, t and α are taken to be."""
    write, steps = p.write, p.steps
    gradients = f"g_1, …, {write(Entry('g', asked.t))}"
    if steps is not None:
        gradients = ", ".join(f"g_{k}" for k in range(1, steps + 1))
    moments_of_one = f"mean {write(p.mu)} and variance {write(p.sigma2)}"
    if steps == 1:
        yield f"g_1 has {moments_of_one}"
    elif steps != 0:
        yield f"{gradients} are independent, each with {moments_of_one}; the means need no independence"
    if not isinstance(asked.t, Num):
        yield f"{write(asked.t)} is a whole number, at least 1"
    if not isinstance(asked.alpha, Num) and not is_polynomial(asked.t):
        a = write(asked.alpha)
        yield f"{a} ≠ 1 in the means, {a} ≠ ±1 in the variances; the last lines say what holds there"


def notes(asked: Givens) -> Iterator[str]:
    """Say what is unusual about the givens."""
    a, e = asked.alpha, asked.epsilon
    if isinstance(a, Num) and not 0 <= a.value < 1:
        grows = "the velocity does not settle" if abs(a.value) >= 1 else "older gradients count with changing signs"
        yield f"α = {unicode(a)} is outside 0 ≤ α < 1: the formulas hold, but {grows}"
    if asked.sigma2 == Sym("sigma"):
        yield "σ stands for the variance itself; where it is the standard deviation, give --sigma2 sigma^2"
    if isinstance(e, Num) and e.value <= 0:
        yield f"ε = {unicode(e)} is not positive: the formulas hold, but this is no descent"
