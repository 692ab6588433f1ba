"""Trainable parameters of a convolution."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters, by_formula, value_of
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, Size, choice, scalar, size, switch
from dlcalc.notation.expression import ONE, ZERO, Add, Expr, Mul, Num, Pow, Relation, Sym, add, expr, mul
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import plain
from dlcalc.solution import Answer, Route, Setting, Slip, Solution, Work
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ALLOCATED = 20_000_000
"""Numbers that are really allocated to count them; above it only the formula is counted, at small sizes."""


@topic(
    area="layers",
    answers=("parameters", "weights", "biases"),
    examples=("--in-channels 3 --kernel 7 --filters 16", "--input 32x32x3 -k 4 --filters 4", "-c C -k f --filters n"),
)
def conv_params(  # noqa: PLR0913 (a convolution has these givens)
    *,
    kernel: Annotated[Size, size("-k", "--kernel-size", help="Size of the window: 3, 3x5, or 7x7x3 with the channels.")],
    out_channels: Annotated[
        Expr, scalar("--filters", "--num-filters", help="Number of filters: the channels of the output.", whole=True, least=1)
    ],
    in_channels: Annotated[Expr | None, scalar("-c", "--channels", help="Channels of the input.", whole=True, least=1)] = None,
    input: Annotated[Size | None, size("-i", help="Input as HxWxC; only its channels matter.")] = None,
    groups: Annotated[Expr, scalar("-g", help="Groups that the channels are split into (default 1).", whole=True, least=1)] = ONE,
    bias: Annotated[bool, switch(help="One bias per filter (default: yes).")] = True,
    dims: Annotated[str, choice("1", "2", "3", help="Spatial axes of the convolution (default 2).")] = "2",
) -> Solution:
    """Trainable parameters of a convolution.

    weights = k₁·…·k_d·(C_in/g)·C_out and biases = C_out; image size, stride and padding do not matter.
    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); torch.nn.Conv2d.

    Raises DlcalcError when the groups do not divide both channel counts, or the channels contradict each other.

    >>> conv_params(in_channels=3, kernel=7, filters=16).value
    2368
    """
    axes = int(dims)
    channels = _channels(in_channels, input, kernel, axes)
    window = kernel[:axes] if len(kernel) >= axes else kernel * axes
    _divides(groups, channels, out_channels)

    letters = Letters()
    c, n = letters.letter("C_in", channels, COUNT), letters.letter("C_out", out_channels, COUNT)
    g = ONE if groups == ONE else letters.letter("g", groups, COUNT)
    k = letters.axes("k", window, COUNT)
    area = (Pow(k[0], expr(axes)),) if axes > 1 and set(k) == {window[0]} else k
    filter_weights = Mul((*area, c / g))
    weights, biases = Mul((filter_weights, n)), n if bias else ZERO

    def counted(point: Mapping[str, Any]) -> tuple[int, int, int]:
        kernel_sizes = [int(point[axis.name]) for axis in k]
        return _counted(kernel_sizes, int(point[c.name]), int(point[n.name]), int(point[g.name]) if isinstance(g, Sym) else 1, bias=bias)

    setting = Setting(
        domains=letters.domains,
        constraints=tuple(Relation(floor(count / g), "=", count / g) for count in (c, n)) if g != ONE else (),
        definitions={
            "filter_weights": lambda point: counted(point)[0],
            "weights": lambda point: counted(point)[1],
            "biases": lambda point: counted(point)[2],
            "parameters": lambda point: sum(counted(point)[1:]),
        },
    )
    values = letters.values
    found = {name: value_of(formula, values) for name, formula in (("weights", weights), ("biases", biases))}
    answers = (
        Answer("parameters", add(*found.values()), slips=_slips(found, window, channels, out_channels)),
        *(Answer(name, value) for name, value in found.items()),
    )

    def work() -> Work:
        shape = " × ".join(map(plain, (*window, value_of(c / g, values))))
        total = Add((Sym("weights"), Sym("biases")))
        steps = [
            *by_formula("filter", Sym("filter_weights"), filter_weights, values, f"one filter is {shape}: the window times the channels it sees"),
            *by_formula("weights", Sym("weights"), weights, values, "one such filter per output channel, shared by all positions"),
            *by_formula("biases", Sym("biases"), biases, values, "one bias per filter" if bias else "no biases"),
            *by_formula("parameters", Sym("parameters"), total, found, "weights and biases"),
        ]
        return Work(tuple(steps), _routes(answers, window, channels, out_channels, groups, bias=bias))

    return Solution(
        answers=answers,
        work=work,
        setting=setting,
        conventions=(
            f"{axes} spatial axes; a window of one number is that long on every axis" if len(kernel) == 1 and axes > 1 else f"{axes} spatial axes",
        ),
    )


def _channels(in_channels: Expr | None, input: Size | None, kernel: Size, axes: int) -> Expr:
    """Find the input channels wherever they are given; two givens must agree."""
    last_axis = axes + 1
    said = {
        "--in-channels": in_channels,
        "--input": input[-1] if input is not None and len(input) == last_axis else None,
        "--kernel": kernel[-1] if len(kernel) == last_axis else None,
    }
    for name, given, allowed in (("input", input, (axes, last_axis)), ("kernel", kernel, (1, axes, last_axis))):
        if given is not None and len(given) not in allowed:
            raise DlcalcError(
                f"{name} {'x'.join(map(plain, given))} has {len(given)} numbers, but the convolution has {axes} spatial axes",
                f"give {axes} or {last_axis} (with the channels), or another --dims",
            )
    known = [(option, value) for option, value in said.items() if value is not None]
    if not known:
        raise DlcalcError("the input channels are not given", "add --in-channels N, or --input HxWxC")
    (first, channels), *others = known
    for option, value in others:
        if value != channels:
            raise DlcalcError(f"{first} gives {plain(channels)} channels, {option} gives {plain(value)}", "give them once")
    return channels


def _divides(groups: Expr, channels: Expr, out_channels: Expr) -> None:
    for name, count in (("in-channels", channels), ("out-channels", out_channels)):
        if isinstance(groups, Num) and isinstance(count, Num) and (count.value / groups.value).denominator != 1:
            below = count.value // groups.value * groups.value
            near = [str(m) for m in (below, below + groups.value) if m > 0]
            raise DlcalcError(
                f"groups {plain(groups)} does not divide {name} {plain(count)}", f"use {name} {' or '.join(near)}, or groups that divide it"
            )


def _counted(window: list[int], channels: int, filters: int, groups: int, *, bias: bool) -> tuple[int, int, int]:
    """Count, one by one, the weights that the forward pass of the defining loops reads: per filter, in all; and the biases."""
    read = {
        (out, channel, *offset)
        for out in range(filters)
        for channel in range(channels)
        if channel * groups // channels == out * groups // filters
        for offset in product(*map(range, window))
    }
    return sum(1 for index in read if index[0] == 0), len(read), len({index[0] for index in read}) if bias else 0


def _routes(answers: tuple[Answer, ...], window: Size, channels: Expr, filters: Expr, groups: Expr, *, bias: bool) -> tuple[Route, ...]:
    """Allocate the arrays of the layer that was asked for, and count their entries."""
    sizes = [n.value for n in (*window, channels, filters, groups) if isinstance(n, Num)]
    if len(sizes) < len(window) + 3 or prod(sizes[:-1]) > MAX_ALLOCATED:
        return ()

    def allocated(_: Mapping[str, Any]) -> list[int]:
        import numpy as np

        *spatial, depth, count, split = map(int, sizes)
        kernels = [np.zeros((count // split, depth // split, *spatial), dtype=np.int8) for _ in range(split)]
        found, offsets = sum(k.size for k in kernels), np.zeros(count if bias else 0, dtype=np.int8).size
        return [found + offsets, found, offsets]

    method = "the kernel and bias arrays allocated, their entries counted"
    return (Route("parameters, weights, biases", method, tuple(a.value for a in answers), allocated),)


def _slips(found: dict[str, Expr], window: Size, channels: Expr, filters: Expr) -> tuple[Slip, ...]:
    weights, biases = found["weights"], found["biases"]
    area = mul(*window)
    slips = [
        Slip(mul(filters, add(area, ONE)), "each filter spans all input channels, not one", "filter"),
        Slip(mul(filters, area), "each filter spans all input channels, and there are biases", "filter"),
        Slip(add(mul(area, channels), ONE), "that is one filter with its bias", "weights"),
    ]
    if biases == ZERO:
        return (Slip(add(weights, filters), "there are no biases here", "biases"), *slips)
    return (
        Slip(weights, "the biases are missing, one per filter", "biases"),
        Slip(add(weights, ONE), "there is one bias per filter, not one in all", "biases"),
        Slip(add(weights, channels), "there is one bias per filter, not one per input channel", "biases"),
        *slips,
    )
