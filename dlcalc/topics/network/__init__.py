"""Whole networks: a stack of layers as a table, with its totals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import Given, Size, scalar, size, text
from dlcalc.notation.expression import Expr, Sym
from dlcalc.solution import Solution
from dlcalc.topic import topic


def path(*flags: str, help: str) -> Given:
    """Declare a file that is read: its name and its bytes."""

    def read(name: str, raw: Any) -> NamedBytes:  # noqa: ANN401 (a path, as text or as an object)
        try:
            return NamedBytes(str(raw), Path(raw).read_bytes())
        except (OSError, ValueError, TypeError) as problem:
            reason = getattr(problem, "strerror", None) or "it is no path"
            raise DlcalcError(f"--{name} {str(raw)[:60]} cannot be read: {reason}", "give a file that exists") from None

    return Given(read, flags, help, "FILE")


class NamedBytes:
    """The content of a file, under its name."""

    def __init__(self, name: str, content: bytes) -> None:
        """Keep both."""
        self.name, self.content = name, content

    def __str__(self) -> str:
        """Give the name."""
        return self.name


@topic(
    area="layers",
    answers=(
        "parameters",
        "output",
        "weights",
        "biases",
        "macs",
        "flops",
        "activations",
        "memory",
        "receptive_field",
        "layers",
    ),
    examples=(
        "32x32x3 'conv 16 7x7, relu, pool 2, conv 32 3x3, relu, flatten, fc 10'",
        "nxnxC 'repeat L { conv C k p(k-1)/2 no-bias }, pool 2'",
        "32x32x3 'conv 16 k, pool 2' --output 13x13x16 --unknown k",
        "--zoo lenet5-modern",
    ),
)
def network(
    *,
    input: Annotated[
        Size | None, size("-i", help="What flows in, channels last: 32x32x3, 784, 10x64.", positional=True)
    ] = None,
    stack: Annotated[
        str | None,
        text(help="The layers: 'conv 16 7x7, relu, pool 2, flatten, fc 10'.", metavar="STACK", positional=True),
    ] = None,
    file: Annotated[
        NamedBytes | None, path("-f", help="A file with a stack, Keras JSON (model.to_json()) or an ONNX model.")
    ] = None,
    zoo: Annotated[
        str | None, text(help="A network that ships with dlcalc: vgg16, resnet50, unet, ….", metavar="NAME")
    ] = None,
    output: Annotated[Size | None, size("-o", help="What shall flow out, to solve for --unknown.")] = None,
    unknown: Annotated[
        Expr | None, scalar(help="A symbol of the stack or the input to solve for.", metavar="NAME")
    ] = None,
) -> Solution:
    """Whole networks: sizes, parameters, costs and receptive fields, layer by layer.

    Layers: conv, depthwise, separable, conv-transpose, pool max|avg, global-pool, pad, crop, upsample, norm
    batch|layer|group, relu and other activations, dropout, flatten, reshape, fc, embedding, positions, rnn, gru, lstm,
    attention; residual { … } or residual { … | shortcut }, repeat n { … }, repeat n shared { … }, parallel concat|add
    { … | … }, reuse NAME. Arguments stand in their place or are named: conv 16 3x3 s2 p1 g4 no-bias. NAME: before
    a layer names it. Numbers may be symbols. One multiply-accumulate (MAC) is two FLOPs.
    Source: Dumoulin and Visin (2016); Araujo, Norris and Sim, Distill (2019); torch.nn, Keras.

    Raises DlcalcError when a layer is not known or does not fit, with the layer and what flows into it.

    >>> network(input="32x32x3", stack="conv 16 7x7, relu, flatten, fc 10")["output"].text
    '10'
    >>> network(zoo="vgg16").value
    138357544
    """
    from dlcalc.topics.network.answering import answered
    from dlcalc.topics.network.solving import solved
    from dlcalc.topics.network.sources import source

    found = source(input, stack, file, zoo)
    if unknown is None:
        if output is not None:
            raise DlcalcError(
                "--output without --unknown solves for nothing", "name the symbol that is unknown: --unknown k"
            )
        return answered(found)
    if not isinstance(unknown, Sym):
        raise DlcalcError(f"--unknown {unknown} is no symbol", "use a letter in the stack, and name it: --unknown k")
    if output is None:
        raise DlcalcError(f"--unknown {unknown.name} needs what shall flow out", "add --output SIZE")
    return solved(found, unknown.name, output)
