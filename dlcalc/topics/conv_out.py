"""Output size of a convolution, or the one size that gives a known output; `dlcalc.sliding` holds the work."""

from __future__ import annotations

from typing import Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import Size, choice, scalar, size, switch
from dlcalc.notation.expression import Expr
from dlcalc.sliding.question import in_letters
from dlcalc.sliding.reading import agreed, asked_completely, axes_and_channels, conventions, same_said
from dlcalc.sliding.windows import QUANTITIES, UNKNOWNS
from dlcalc.solution import Solution
from dlcalc.topic import topic


@topic(
    area="layers",
    answers=("output", "padding_before", "padding_after", *UNKNOWNS, "filter_size", "filters"),
    examples=(
        "--input 256x256x3 --kernel 3 --stride 2 --padding 1 --filters 8",
        "-i n -k f -p p -s s",
        "-i 28x28 -k 5 -s 2 -p same",
        "-i 32x32x3 --output 26x26x16 --solve kernel",
        "--output 112 -k 3 -s 2 -p 1 --solve input",
        "-i n --output n -k k --solve padding",
        "-i d --output d -k 3 -p 1 --solve stride",
        "-i 7 --output 3 -k 3 --solve dilation",
    ),
)
def conv_out(
    *,
    input: Annotated[
        Size | None, size("-i", help="Size of the input: 32, 32x28, or 256x256x3 with the channels.")
    ] = None,
    kernel: Annotated[
        Size | None, size("-k", "--kernel-size", help="Size of the window: 3, 3x5, or 7x7x3 with the channels.")
    ] = None,
    stride: Annotated[Size | None, size("-s", help="How far the window moves at a time (default 1).")] = None,
    padding: Annotated[
        Size | str | None,
        size("-p", least=0, words=("same", "valid"), help="Zeros at each end: 1, 1x2, same or valid (default 0)."),
    ] = None,
    dilation: Annotated[Size | None, size("-d", help="Distance between the window's entries (default 1).")] = None,
    out_channels: Annotated[
        Expr | None,
        scalar(
            "--filters", "--num-filters", help="Number of filters: the channels of the output.", whole=True, least=1
        ),
    ] = None,
    output: Annotated[
        Size | None, size("-o", help="Size of the output, with or without its channels, for --solve.")
    ] = None,
    solve: Annotated[str | None, choice(*UNKNOWNS, help="What to find from the output.")] = None,
    dims: Annotated[str | None, choice("1", "2", "3", help="How many axes are spatial (default: as above).")] = None,
    strict: Annotated[bool, switch(help="Refuse a stride that leaves a remainder (default: no).")] = False,
) -> Solution:
    """Output size of a convolution.

    Along each axis ⌊(n + 2p − d(k − 1) − 1)/s⌋ + 1, with dilation 1 the familiar ⌊(n + 2p − k)/s⌋ + 1; the channels
    of the output are the filters. With `same` padding ⌈n/s⌉. With --output and --solve: every input, kernel, stride,
    padding or dilation that gives this output, one by one or, of very many, the least and the most. Three numbers are
    height x width x channels, one or two have no channels; --dims counts the spatial axes (3: a volume; 1: 100x8 is
    length x channels).
    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); torch.nn.Conv2d;
    tf.nn.convolution for `same`.

    Raises DlcalcError when the window does not fit, no whole number solves, or the sizes contradict each other.

    >>> conv_out(input="227x227x3", kernel=11, stride=4, filters=96).value
    [55, 55, 96]
    >>> conv_out(input="32x32x3", output="26x26x16", solve="kernel").value
    7
    """
    given: dict[str, Any] = dict(zip(QUANTITIES, (input, kernel, stride, padding, dilation, output), strict=True))
    asked_completely(given, solve, hint=" (1 where the input is only padded)")
    if strict and solve:
        raise DlcalcError("--strict has no meaning with --solve", "leave out one of them")
    rows, channels = axes_and_channels(given, dims, solve)
    depth = agreed(("input", channels.get("input")), ("kernel", channels.get("kernel")))
    filters = agreed(("output", channels.get("output")), ("filters", out_channels))
    same = padding == "same" and solve is None
    question = in_letters(rows, solve, same=same, others=(depth, filters))
    conventional, taken = conventions(given, len(rows), channels, solve)
    said = (*conventional, *same_said(padding, solve)), taken
    if solve is None:
        from dlcalc.sliding.sizing import sized
        from dlcalc.sliding.slips import channel_slips

        of_output = () if filters is None else (filters,)
        said = (*said[0], *(("one output channel per filter",) if of_output else ())), said[1]
        return sized(question, of_output, said, lambda spatial: channel_slips(spatial, of_output, depth), strict=strict)
    from dlcalc.sliding.solving import solved

    return solved(question, solve, depth, channels.get("output"), said)
