"""Output size of a transposed convolution, or the one size that gives a known output.

This file declares the question. `window` has the formulas of one axis and the brute force, `sizing` the answers and
their derivation forward; backward works as for a convolution (`dlcalc.sliding`).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import Size, choice, dashed, scalar, size
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, number
from dlcalc.notation.functions import call
from dlcalc.sliding.question import in_letters
from dlcalc.sliding.reading import DEFAULT, agreed, asked_completely, axes_and_channels, conventions
from dlcalc.solution import Solution
from dlcalc.topic import topic
from dlcalc.topics.conv_transpose_out.window import QUANTITIES, Transposed
from dlcalc.whole import neat

UNKNOWNS = QUANTITIES[:-1]
UNSAID = {"same": ("dilation", "output_padding"), "valid": ("output_padding",)}
"""Defaults that play no part where the padding is a word."""
DEFAULTS = {**DEFAULT, "output_padding": ZERO}


@topic(
    area="layers",
    answers=("output", "output_least", "output_most", *UNKNOWNS, "filters"),
    examples=(
        "--input 3x3 --kernel 3 --stride 2 --padding 1 --output-padding 1",
        "-i 16x16x64 -k 4 -s 2 -p 1 --filters 32",
        "-i n -k k -s s -p p -a a",
        "-i 7x7 -s 2 -p same",
        "--output 64x64x3 -k 4 -s 2 -p 1 --solve input",
        "-i 7 --output 14 -s 2 -p 1 --solve kernel",
        "-i 5 --output 15 -k 3 --solve stride",
        "-i n --output 2n -k 4 -s 2 --solve padding",
        "-i 4 --output 8 -k 3 --solve dilation",
        "-i 112 --output 224 -k 3 -s 2 -p 1 --solve output-padding",
    ),
)
def conv_transpose_out(
    *,
    input: Annotated[
        Size | None, size("-i", help="Size of the input: 32, 32x28, or 16x16x64 with the channels.")
    ] = None,
    kernel: Annotated[
        Size | None, size("-k", "--kernel-size", help="Size of the window: 3, 3x5, or 3x3x64 with the channels.")
    ] = None,
    stride: Annotated[
        Size | None, size("-s", help="How far apart the entries of the input write their kernels (default 1).")
    ] = None,
    padding: Annotated[
        Size | str | None,
        size("-p", least=0, words=("same", "valid"), help="Cropped at each end: 1, 1x2, same or valid (default 0)."),
    ] = None,
    dilation: Annotated[Size | None, size("-d", help="Distance between the window's entries (default 1).")] = None,
    output_padding: Annotated[Size | None, size("-a", least=0, help="Added at one end (default 0).")] = None,
    out_channels: Annotated[
        Expr | None,
        scalar(
            "--filters", "--num-filters", help="Number of filters: the channels of the output.", whole=True, least=1
        ),
    ] = None,
    output: Annotated[
        Size | None, size("-o", help="Size of the output, with or without its channels, for --solve.")
    ] = None,
    solve: Annotated[str | None, choice(*map(dashed, UNKNOWNS), help="What to find from the output.")] = None,
    dims: Annotated[str | None, choice("1", "2", "3", help="How many axes are spatial (default: as above).")] = None,
) -> Solution:
    """Output size of a transposed convolution.

    Along each axis (n − 1)s − 2p + d(k − 1) + a + 1, with dilation 1 (n − 1)s − 2p + k + a; the channels of the output
    are the filters. A convolution with the same kernel, stride and padding takes s sizes to the same n, those from
    (n − 1)s + k − 2p on: the output padding a chooses between them, and is less than s. `same` and `valid` as in Keras:
    n·s and (n − 1)s + max(k, s). With --output and --solve: the input, kernel, stride, padding, dilation or output
    padding that gives this output.
    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); torch.nn.ConvTranspose2d;
    keras.layers.Conv2DTranspose for `same` and `valid`.

    Raises DlcalcError when nothing is left of the output, no whole number solves, or the sizes contradict each other.

    >>> conv_transpose_out(input="3x3", kernel=3, stride=2, padding=1, output_padding=1).value
    [6, 6]
    >>> conv_transpose_out(input=7, output=14, kernel=4, stride=2, solve="padding").value
    1
    """
    solve = solve and solve.replace("-", "_")
    values = (input, kernel, stride, padding, dilation, output_padding, output)
    given: dict[str, Any] = dict(zip(QUANTITIES, values, strict=True))
    same = padding == "same"
    if same and (output_padding is not None or solve == "output_padding"):
        raise DlcalcError("with 'same' padding there is no output padding to choose", "give --padding as a number")
    if same and kernel is None and solve is None:
        given["kernel"] = (ONE,)
    asked_completely(given, solve, unknowns=UNKNOWNS)
    rows, channels = axes_and_channels(given, dims, solve, default=DEFAULTS)
    if padding == "valid" and output_padding is None and solve is None:
        rows = tuple((*row[:5], _filled_up(row), row[6]) for row in rows)
    depth = agreed(("input", channels.get("input")), ("kernel", channels.get("kernel")))
    filters = agreed(("output", channels.get("output")), ("filters", out_channels))
    question = in_letters(rows, solve, Transposed, same=same, others=(depth, filters))
    stated = {name: value for name, value in DEFAULTS.items() if name not in UNSAID.get(str(padding), ())}
    conventional, taken = conventions(given, len(rows), channels, solve, stated)
    said = (*conventional, *_words(padding))
    if solve is None:
        from dlcalc.topics.conv_transpose_out.sizing import sized

        return sized(question, depth, filters, (said, taken))
    from dlcalc.sliding.solving import solved
    from dlcalc.topics.conv_transpose_out.slips import solution_slips

    return solved(question, solve, None, channels.get("output"), (said, taken), slips=solution_slips)


def _filled_up(row: tuple[Expr | None, ...]) -> Expr:
    """Return the output padding with which `valid` reaches n·s, as Keras has it."""
    _, kernel, stride, _, dilation, *_ = row
    short = neat((stride or ONE) - (dilation or ONE) * ((kernel or ONE) - 1) - 1)
    return number(max(short.value, Fraction(0))) if isinstance(short, Num) else call("max", short, ZERO)


def _words(padding: Size | str | None) -> tuple[str, ...]:
    """Say what the words for paddings mean."""
    if padding == "same":
        return ("'same' as in Keras: output input·stride, whatever the kernel",)
    if padding == "valid":
        return ("'valid' as in Keras: padding 0, and the end filled up where the stride is larger than the kernel",)
    return ("padding is cropped from the output, as in PyTorch",)
