"""Output size of a pooling, or the one size that gives a known output; `dlcalc.sliding` holds the work."""

from __future__ import annotations

from typing import Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import Size, choice, size, switch
from dlcalc.notation.expression import ZERO
from dlcalc.sliding.pooling import Pooling, PoolingUp
from dlcalc.sliding.question import in_letters
from dlcalc.sliding.reading import DEFAULT, agreed, asked_completely, axes_and_channels, conventions, same_said
from dlcalc.sliding.windows import QUANTITIES, UNKNOWNS
from dlcalc.solution import Solution
from dlcalc.topic import topic

PADDED = {
    "max": "max pooling: padding counts as −∞, so it never is the maximum",
    "avg": "average pooling: padding counts as zeros; the size is that of max pooling",
}


@topic(
    area="layers",
    answers=("output", "padding_before", "padding_after", *UNKNOWNS),
    examples=(
        "--input 66x66x21 --kernel 3",
        "-i 112x112x64 -k 3 -s 2 -p 1",
        "-i 32 -k 3 -s 2 --ceil",
        "-i n -k k -s s",
        "-i 7x7 -k 3 -s 2 -p same",
        "--output 56 -k 3 -s 2 --ceil --solve input",
        "-i 32x32 --output 16x16 --solve kernel",
        "-i 112 --output 55 -k 3 --solve stride",
        "-i 112 --output 56 -k 3 -s 2 --solve padding",
        "-i 9 --output 5 -k 3 -s 1 --solve dilation",
    ),
)
def pool_out(
    *,
    input: Annotated[
        Size | None, size("-i", help="Size of the input: 32, 32x28, or 66x66x21 with the channels.")
    ] = None,
    kernel: Annotated[
        Size | None, size("-k", "--kernel-size", "--pool-size", help="Size of the window: 2 or 3x2.")
    ] = None,
    stride: Annotated[Size | None, size("-s", help="How far the window moves at a time (default: the kernel).")] = None,
    padding: Annotated[
        Size | str | None,
        size(
            "-p",
            least=0,
            words=("same", "valid"),
            help="Padding at each end, at most half of the kernel: 1, 1x0, same or valid (default 0).",
        ),
    ] = None,
    dilation: Annotated[Size | None, size("-d", help="Distance between the window's entries (default 1).")] = None,
    output: Annotated[
        Size | None, size("-o", help="Size of the output, with or without its channels, for --solve.")
    ] = None,
    solve: Annotated[str | None, choice(*UNKNOWNS, help="What to find from the output.")] = None,
    ceil: Annotated[
        bool, switch(help="Let a last window stick out of the end, as ceil_mode does (default: no).")
    ] = False,
    mode: Annotated[str, choice("max", "avg", help="Maximum or average; the size is the same (default max).")] = "max",
    dims: Annotated[str | None, choice("1", "2", "3", help="How many axes are spatial (default: as above).")] = None,
) -> Solution:
    """Output size of a max or average pooling.

    Along each axis ⌊(n + 2p − d(k − 1) − 1)/s⌋ + 1, with dilation 1 the familiar ⌊(n + 2p − k)/s⌋ + 1; the stride is
    the kernel unless it is given, and the channels stay. With --ceil the quotient is rounded up, but a window must
    start inside the input or the padding before it: min(⌈(n + 2p − k)/s⌉ + 1, ⌈(n + p)/s⌉). With `same` padding
    ⌈n/s⌉. With --output and --solve: every input, kernel, stride, padding or dilation that gives this output.
    Source: torch.nn.MaxPool2d and AvgPool2d (ceil_mode); tf.nn.max_pool for `same`.

    Raises DlcalcError when the window does not fit, the padding is more than half of the kernel, no whole number
    solves, or the sizes contradict each other.

    >>> pool_out(input="66x66x21", kernel=3).value
    [22, 22, 21]
    >>> pool_out(input=2, kernel=3, padding=1, ceil=True).value
    [1]
    """
    given: dict[str, Any] = dict(zip(QUANTITIES, (input, kernel, stride, padding, dilation, output), strict=True))
    tied = stride is None and solve != "stride"
    _asked_sensibly(given, solve, ceil=ceil, tied=tied, mode=mode)
    asked_completely(given, solve)
    default = {name: value for name, value in DEFAULT.items() if name != "stride"}
    rows, channels = axes_and_channels(
        {**given, "stride": kernel if tied else stride},
        dims,
        solve,
        with_channels=("input", "output"),
        default=default,
    )
    depth = agreed(("input", channels.get("input")), ("output", channels.get("output")))
    same = padding == "same" and solve is None
    question = in_letters(rows, solve, PoolingUp if ceil else Pooling, same=same, others=(depth,))
    said, taken = conventions(given, len(rows), channels, solve, default)
    said = (
        *said,
        *same_said(padding, solve),
        *(("the stride is the kernel, as it is not given",) if tied else ()),
        *(("a window must start inside the input or the padding before it (PyTorch's ceil_mode)",) if ceil else ()),
        *((PADDED[mode],) if padding not in {None, "valid", (ZERO,)} else ()),
        *(("pooling keeps the channels",) if depth is not None else ()),
    )
    if solve is None:
        from dlcalc.sliding.sizing import sized
        from dlcalc.sliding.slips import kept_channel_slips

        of_output = () if depth is None else (depth,)
        return sized(question, of_output, (said, taken), lambda spatial: kept_channel_slips(spatial, of_output))
    from dlcalc.sliding.solving import solved

    return solved(question, solve, None, None, (said, taken))


def _asked_sensibly(given: dict[str, Any], solve: str | None, *, ceil: bool, tied: bool, mode: str) -> None:
    """Refuse what poolings do not have."""
    if ceil and given["padding"] == "same":
        raise DlcalcError("--ceil does not go with 'same' padding, which rounds up anyway", "leave out one of them")
    if given["padding"] == "same" and solve == "kernel" and tied:
        raise DlcalcError("with 'same' padding the stride alone decides", "use --solve stride")
    if mode == "avg" and (given["dilation"] is not None or solve == "dilation"):
        raise DlcalcError("average pooling has no dilation", "leave out --dilation, or use --mode max")
