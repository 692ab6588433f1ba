"""Trainable parameters of a convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlcalc.counting import bias_slips, like_terms, times, total
from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, Size, choice, scalar, size, switch
from dlcalc.notation.expression import ONE, ZERO, Div, Expr, Num, Relation, Sym, mul
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.passes import Convolution
from dlcalc.solution import Answer, Domain, Slip, Solution, symbols
from dlcalc.tally import Part, Tally
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.passes import Layers

FEW = Domain(COUNT.low, COUNT.low + 3, whole=True)
"""Sizes of windows where the loops visit every weight; small, because their axes multiply."""


@topic(
    area="layers",
    answers=(
        *("parameters", "weights", "biases", "filter"),
        *("depthwise", "pointwise", "standard_weights", "standard_parameters", "ratio"),
    ),
    examples=(
        "--in-channels 3 --kernel 7 --filters 16",
        "--input 32x32x3 -k 4 --filters 4",
        "-c C -k f --filters n",
        "-c 3 -k 5 --filters 256 --separable",
    ),
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
    separable: Annotated[bool, switch(help="Depthwise, then 1 × 1 (depthwise separable).")] = False,
    bias: Annotated[bool, switch(help="One bias per filter (default: yes).")] = True,
    dims: Annotated[str, choice("1", "2", "3", help="Spatial axes of the convolution (default 2).")] = "2",
) -> Solution:
    """Trainable parameters of a convolution.

    weights = k₁·…·k_d·(C_in/g)·C_out and biases = C_out; image size, stride and padding do not matter.
    Only where positions do not share their weights (a locally connected layer), both are per output position.
    Depthwise separable: weights = k₁·…·k_d·C_in + C_in·C_out, 1/C_out + 1/(k₁·…·k_d) of the standard convolution's.
    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); torch.nn.Conv2d.

    Raises DlcalcError when the groups do not divide both channel counts, or the channels contradict each other.

    >>> conv_params(in_channels=3, kernel=7, filters=16).value
    2368
    """
    axes = int(dims)
    channels = _channels(in_channels, input, kernel, axes)
    window = kernel[:axes] if len(kernel) >= axes else kernel * axes
    positions = _positions(unshared, out_channels, axes)
    if separable:
        if groups != ONE or positions:
            extra = "groups" if groups != ONE else "unshared"
            raise DlcalcError(
                f"--{extra} does not go with --separable, which is two convolutions", "leave one of them out"
            )
        return _separable(window, channels, out_channels, bias=bias)
    _divides(groups, channels, out_channels)

    letters = Letters(taken=symbols(window, positions, channels, out_channels, groups))
    m, k = letters.axes("m", positions, FEW), letters.axes("k", window, FEW)
    c, n = letters.letter("C_in", channels, COUNT), letters.letter("C_out", out_channels, COUNT)
    g = ONE if groups == ONE else letters.letter("g", groups, COUNT)
    seen = (*window, value_of(c / g, letters.values))
    one_filter = f"one filter is {' × '.join(map(unicode, seen))}: the window times the channels it sees"
    sharing = " and position" if m else ", shared by all positions"
    one_bias = f"one bias per filter{' and position' if m else ''}" if bias else "no biases"
    parts = (
        Part("filter_weights", times(*k, c) / g, one_filter, ("filter_weights",), shown=False),
        Part(
            "weights",
            times(*m, Sym("filter_weights"), n),
            f"one such filter per output channel{sharing}",
            ("weights",),
        ),
        Part("biases", times(*m, n) if bias else ZERO, one_bias, ("biases",)),
        _parameters("weights", bias=bias),
    )

    def forward(net: Layers, sizes: Mapping[str, int]) -> None:
        """Let one filter see a window, then all of them an image of several positions."""
        span = tuple(sizes[axis.name] for axis in k)
        split = sizes[g.name] if isinstance(g, Sym) else 1
        room = [sizes[axis.name] for axis in m] or [2, *[1] * (axes - 1)]
        image = net.image(sizes[c.name], [width + places - 1 for width, places in zip(span, room, strict=True)])
        net.convolution(net.image(sizes[c.name] // split, span), Convolution(1, span, "filter_weights"))
        biases = "biases" if bias else ""
        net.convolution(image, Convolution(sizes[n.name], span, "weights", biases, groups=split, shared=not m))

    tally = Tally(
        letters,
        forward,
        parts,
        others=(Answer("filter", seen, form="size"),),
        constraints=(*_whole((c, n), g), *_whole((channels, out_channels), groups)),
        assumptions=(f"{unicode(groups)} divides {unicode(channels)} and {unicode(out_channels)}",)
        if symbols(channels, out_channels, groups) and groups != ONE
        else (),
        conventions=_conventions(kernel, positions, axes),
    )
    slips = (
        *bias_slips(tally.values["weights"], mul(out_channels, *positions), switched_on=bias, owner="filter"),
        *_slips(tally.values, window, (input or ())[:axes], channels, out_channels),
    )
    return tally.solution({"parameters": slips})


def _parameters(*weights: str, bias: bool) -> Part:
    every = [Sym("weights"), Sym("biases")] if bias else [Sym("weights")]
    return Part("parameters", total(every), "all that is trained", (*weights, "biases"))


def _separable(window: Size, channels: Expr, out_channels: Expr, *, bias: bool) -> Solution:
    """Count a convolution of every channel by itself, then a 1 × 1 convolution that mixes them."""
    letters = Letters(taken=symbols(window, channels, out_channels))
    k = letters.axes("k", window, FEW)
    c, n = letters.letter("C_in", channels, COUNT), letters.letter("C_out", out_channels, COUNT)
    size = " × ".join(map(unicode, window))
    both, one_bias = ("depthwise", "pointwise"), "one bias per filter of both steps" if bias else "no biases"
    standard = times(*k, c, n)
    parts = (
        Part("depthwise", times(*k, c), f"one {size} window for every input channel", ("depthwise",)),
        Part("pointwise", times(c, n), "a filter of size 1 per output channel, over all channels", ("pointwise",)),
        Part("weights", total([Sym(name) for name in both]), "both steps", both),
        Part("biases", c + n if bias else ZERO, one_bias, ("biases",)),
        _parameters(*both, bias=bias),
        Part("standard_weights", standard, f"beside it: {size} over all channels at once", ("standard_weights",)),
        Part(
            "standard_parameters",
            total([Sym("standard_weights"), n] if bias else [Sym("standard_weights")]),
            "with one bias per filter" if bias else "no biases",
            ("standard_*",),
        ),
        Part(
            "ratio",
            total([Div(Sym(name), Sym("standard_weights")) for name in both]),
            "the weights of both steps over those of the standard convolution",
            both,
            over=("standard_weights",),
        ),
    )

    def forward(net: Layers, sizes: Mapping[str, int]) -> None:
        span, depth, filters = tuple(sizes[axis.name] for axis in k), sizes[c.name], sizes[n.name]
        biases = "biases" if bias else ""
        x = net.convolution(net.image(depth, span), Convolution(depth, span, "depthwise", biases, groups=depth))
        net.convolution(x, Convolution(filters, (1,) * len(span), "pointwise", biases))
        beside = Convolution(filters, span, "standard_weights", "standard_biases" if bias else "")
        net.convolution(net.image(depth, span), beside)

    tally = Tally(
        letters,
        forward,
        parts,
        conventions=(
            f"depthwise separable: {size} on every channel by itself, then 1 × 1 over all channels",
            "ratio compares weights without biases; at one output size the multiplications compare alike",
        ),
    )
    return tally.solution(_separable_slips(tally.values, channels, out_channels, bias=bias))


def _separable_slips(
    found: Mapping[str, Expr], channels: Expr, out_channels: Expr, *, bias: bool
) -> dict[str, tuple[Slip, ...]]:
    weights, ratio = found["weights"], found["ratio"]
    standard, whole = found["standard_weights"], found["standard_parameters"]
    parameters = (
        *bias_slips(weights, like_terms(channels + out_channels), switched_on=bias, owner="filter"),
        Slip(like_terms(found["depthwise"] + found["biases"]), "the 1 × 1 convolution is missing", "pointwise"),
        Slip(standard, "that is the standard convolution, without biases", "depthwise"),
        Slip(like_terms(standard + out_channels), "that is the standard convolution", "depthwise"),
        Slip(like_terms(weights + out_channels), "the depthwise step has biases too", "biases"),
    )
    return {
        "parameters": parameters,
        "ratio": (
            Slip(ONE / ratio, "that is the standard convolution over the separable one", "ratio"),
            Slip(found["parameters"] / whole, "that compares the parameters; the ratio leaves biases out", "ratio"),
            Slip(ONE - ratio, "that is what is saved", "ratio"),
        ),
    }


def _whole(sizes: tuple[Expr, ...], groups: Expr) -> tuple[Relation, ...]:
    """Restrict sizes to those that the groups divide."""
    return tuple(Relation(floor(size / groups), "=", size / groups) for size in sizes if groups != ONE)


def _spatial(axes: int) -> str:
    return "1 spatial axis" if axes == 1 else f"{axes} spatial axes"


def _conventions(kernel: Size, positions: Size, axes: int) -> tuple[str, ...]:
    alike = "; a window of one number is that long on every axis" if len(kernel) == 1 and axes > 1 else ""
    shape = " × ".join(map(unicode, positions))
    own = (f"nothing is shared: each of the {shape} positions has filters and biases of its own",)
    return (f"{_spatial(axes)}{alike}", *(own if positions else ()))


def _positions(unshared: Size | None, out_channels: Expr, axes: int) -> Size:
    """Read the output positions; the output channels may stand beside them."""
    if unshared is None or len(unshared) == axes:
        return unshared or ()
    if len(unshared) != axes + 1:
        raise _wrong_axes("unshared", unshared, axes)
    written = "x".join(map(plain, unshared))
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
            raise _wrong_axes(name, given, axes)
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


def _wrong_axes(name: str, given: Size, axes: int) -> DlcalcError:
    numbers = "1 number" if len(given) == 1 else f"{len(given)} numbers"
    return DlcalcError(
        f"{name} {'x'.join(map(plain, given))} has {numbers}, but the convolution has {_spatial(axes)}",
        f"give {axes} or {axes + 1} (with the channels), or another --dims",
    )


def _divides(groups: Expr, channels: Expr, out_channels: Expr) -> None:
    for name, count in (("in-channels", channels), ("out-channels", out_channels)):
        if isinstance(groups, Num) and isinstance(count, Num) and (count.value / groups.value).denominator != 1:
            below = count.value // groups.value * groups.value
            near = " or ".join(str(m) for m in (below, below + groups.value) if m > 0)
            raise DlcalcError(
                f"groups {plain(groups)} does not divide {name} {plain(count)}",
                f"use {name} {near}, or groups that divide it",
            )


def _slips(values: Mapping[str, Expr], window: Size, image: Size, channels: Expr, filters: Expr) -> tuple[Slip, ...]:
    one, weights, biases = values["filter_weights"], values["weights"], values["biases"]
    flat, everywhere = mul(filters, *window), mul(weights, *image)
    return (
        Slip(like_terms(weights + channels), "there is one bias per filter, not one per input channel", "biases"),
        Slip(like_terms(flat + biases), "each filter spans all input channels, not one", "filter_weights"),
        Slip(flat, "each filter spans all input channels, not one, and there are biases", "filter_weights"),
        Slip(like_terms(one + ONE), "that is one filter with its bias", "weights"),
        Slip(one, "that is one filter, without its bias", "weights"),
        Slip(like_terms(mul(filters, one + ONE)), "the positions do not share their weights", "weights"),
        Slip(everywhere, "all positions of the image share the filters, and there are biases", "weights"),
        Slip(like_terms(everywhere + biases), "all positions of the image share the filters", "weights"),
    )
