"""Trainable parameters of a convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlcalc.counting import Convolution, Count, bias_slips, derived, like_terms, times, total
from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, Size, choice, scalar, size, switch
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Relation, Sym, mul
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Answer, Domain, Slip, Solution, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.counting import Layers

FEW = Domain(COUNT.low, COUNT.low + 2, whole=True)
"""Positions per axis, where the loops read weights for each of them."""


@topic(
    area="layers",
    answers=("parameters", "weights", "biases", "filter"),
    examples=("--in-channels 3 --kernel 7 --filters 16", "--input 32x32x3 -k 4 --filters 4", "-c C -k f --filters n"),
)
def conv_params(
    *,
    kernel: Annotated[
        Size, size("-k", "--kernel-size", help="Size of the window: 3, 3x5, or 7x7x3 with the channels.")
    ],
    out_channels: Annotated[
        Expr,
        scalar(
            "--filters", "--num-filters", help="Number of filters: the channels of the output.", whole=True, least=1
        ),
    ],
    in_channels: Annotated[
        Expr | None, scalar("-c", "--channels", help="Channels of the input.", whole=True, least=1)
    ] = None,
    input: Annotated[Size | None, size("-i", help="Input as HxWxC; only its channels matter.")] = None,
    groups: Annotated[
        Expr, scalar("-g", help="Groups that the channels are split into (default 1).", whole=True, least=1)
    ] = ONE,
    unshared: Annotated[
        Size | None, size(help="Output positions, as 55x55, that each have weights of their own.")
    ] = None,
    bias: Annotated[bool, switch(help="One bias per filter (default: yes).")] = True,
    dims: Annotated[str, choice("1", "2", "3", help="Spatial axes of the convolution (default 2).")] = "2",
) -> Solution:
    """Trainable parameters of a convolution.

    weights = k₁·…·k_d·(C_in/g)·C_out and biases = C_out; image size, stride and padding do not matter.
    Only where positions do not share their weights (a locally connected layer), both are per output position.
    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); torch.nn.Conv2d.

    Raises DlcalcError when the groups do not divide both channel counts, or the channels contradict each other.

    >>> conv_params(in_channels=3, kernel=7, filters=16).value
    2368
    """
    axes = int(dims)
    channels = _channels(in_channels, input, kernel, axes)
    window = kernel[:axes] if len(kernel) >= axes else kernel * axes
    positions = _positions(unshared, out_channels, axes)
    _divides(groups, channels, out_channels)

    letters = Letters(taken=symbols(window, positions, channels, out_channels, groups))
    m, k = letters.axes("m", positions, FEW), letters.axes("k", window, COUNT)
    c, n = letters.letter("C_in", channels, COUNT), letters.letter("C_out", out_channels, COUNT)
    g = ONE if groups == ONE else letters.letter("g", groups, COUNT)
    formulas = {
        "filter_weights": times(*k, c) / g,
        "weights": times(*m, Sym("filter_weights"), n),
        "biases": times(*m, n) if bias else ZERO,
        "parameters": total([Sym("weights"), Sym("biases")] if bias else [Sym("weights")]),
    }
    values = dict(letters.values)
    for name, formula in formulas.items():
        values[name] = like_terms(value_of(formula, values))

    def forward(layers: Layers, sizes: Mapping[str, int]) -> None:
        """Let one filter, then all of them, see an image with room for one position, or for every unshared one."""
        span = tuple(sizes[axis.name] for axis in k)
        split = sizes[g.name] if isinstance(g, Sym) else 1
        sides = [width + sizes[axis.name] - 1 for width, axis in zip(span, m, strict=True)] if m else span
        layers.convolution(layers.image(sizes[c.name] // split, span), Convolution(1, span, "filter_weights"))
        every = Convolution(sizes[n.name], span, "weights", "biases" if bias else "", groups=split, shared=not m)
        layers.convolution(layers.image(sizes[c.name], sides), every)

    count = Count(letters, forward, {name: (name,) for name in formulas} | {"parameters": ("weights", "biases")})
    seen = (*window, value_of(c / g, letters.values))
    answers = (
        Answer("parameters", values["parameters"], slips=_slips(values, window, channels, out_channels, bias=bias)),
        Answer("weights", values["weights"]),
        Answer("biases", values["biases"]),
        Answer("filter", seen, form="size"),
    )

    def work() -> Work:
        sharing = " and position" if m else ", shared by all positions"
        reasons = {
            "filter_weights": f"one filter is {' × '.join(map(unicode, seen))}: the window times the channels it sees",
            "weights": f"one such filter per output channel{sharing}",
            "biases": f"one bias per filter{' and position' if m else ''}" if bias else "no biases",
            "parameters": "all that is trained",
        }
        steps = [
            s for name, formula in formulas.items() for s in derived(name, Sym(name), formula, values, reasons[name])
        ]
        return Work(tuple(steps), count.allocated(answers))

    return Solution(
        answers=answers,
        work=work,
        setting=count.setting(*_whole((c, n), g), *_whole((channels, out_channels), groups)),
        assumptions=(f"{unicode(groups)} divides {unicode(channels)} and {unicode(out_channels)}",)
        if symbols(channels, out_channels, groups) and groups != ONE
        else (),
        conventions=_conventions(kernel, positions, axes),
    )


def _whole(sizes: tuple[Expr, ...], groups: Expr) -> tuple[Relation, ...]:
    """Restrict sizes to those that the groups divide."""
    return tuple(Relation(floor(size / groups), "=", size / groups) for size in sizes if groups != ONE)


def _conventions(kernel: Size, positions: Size, axes: int) -> tuple[str, ...]:
    alike = "; a window of one number is that long on every axis" if len(kernel) == 1 and axes > 1 else ""
    shape = " × ".join(map(unicode, positions))
    own = (f"nothing is shared: each of the {shape} positions has filters and biases of its own",)
    return (f"{axes} spatial axes{alike}", *(own if positions else ()))


def _positions(unshared: Size | None, out_channels: Expr, axes: int) -> Size:
    """Read the output positions; the output channels may stand beside them."""
    if unshared is None or len(unshared) == axes:
        return unshared or ()
    written = "x".join(map(plain, unshared))
    if len(unshared) != axes + 1:
        raise DlcalcError(
            f"unshared {written} has {len(unshared)} numbers, but the convolution has {axes} spatial axes",
            f"give {axes} or {axes + 1} (with the channels), or another --dims",
        )
    if unshared[-1] != out_channels:
        raise DlcalcError(
            f"unshared {written} has {plain(unshared[-1])} channels, but there are {plain(out_channels)} filters",
            "give them once",
        )
    return unshared[:-1]


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
                f"{name} {'x'.join(map(plain, given))} has {len(given)} numbers, "
                f"but the convolution has {axes} spatial axes",
                f"give {axes} or {last_axis} (with the channels), or another --dims",
            )
    known = [(option, value) for option, value in said.items() if value is not None]
    if not known:
        raise DlcalcError("the input channels are not given", "add --in-channels N, or --input HxWxC")
    (first, channels), *others = known
    for option, value in others:
        if value != channels:
            raise DlcalcError(
                f"{first} gives {plain(channels)} channels, {option} gives {plain(value)}", "give them once"
            )
    return channels


def _divides(groups: Expr, channels: Expr, out_channels: Expr) -> None:
    for name, count in (("in-channels", channels), ("out-channels", out_channels)):
        if isinstance(groups, Num) and isinstance(count, Num) and (count.value / groups.value).denominator != 1:
            below = count.value // groups.value * groups.value
            near = " or ".join(str(m) for m in (below, below + groups.value) if m > 0)
            raise DlcalcError(
                f"groups {plain(groups)} does not divide {name} {plain(count)}",
                f"use {name} {near}, or groups that divide it",
            )


def _slips(values: Mapping[str, Expr], window: Size, channels: Expr, filters: Expr, *, bias: bool) -> tuple[Slip, ...]:
    one, weights, biases = values["filter_weights"], values["weights"], values["biases"]
    flat = mul(filters, *window)
    return (
        *bias_slips(weights, filters, switched_on=bias, owner="filter"),
        Slip(like_terms(weights + channels), "there is one bias per filter, not one per input channel", "biases"),
        Slip(like_terms(flat + biases), "each filter spans all input channels, not one", "filter_weights"),
        Slip(flat, "each filter spans all input channels, not one, and there are biases", "filter_weights"),
        Slip(like_terms(one + ONE), "that is one filter with its bias", "weights"),
        Slip(like_terms(mul(filters, one + ONE)), "the positions do not share their weights", "weights"),
    )
