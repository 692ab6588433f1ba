"""Where a network comes from: a stack, a file, or the zoo."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.networks.language import Stack, build, read
from dlcalc.networks.quantities import Quantity, Shape, tidy
from dlcalc.networks.walk import Walked, walk
from dlcalc.notation.expression import Expr, expr
from dlcalc.solution import symbols

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.givens import Size
    from dlcalc.networks.graph import Graph
    from dlcalc.networks.layer import Layer
    from dlcalc.topics.network import NamedBytes


@dataclass(frozen=True)
class Source:
    """A network that can be built, also with numbers for its symbols."""

    stack: Stack | None = None
    shape: Shape = ()
    ready: Graph | None = None
    """A graph from a file that holds no symbols."""
    about: tuple[str, ...] = ()
    """What the first comment of a network of the zoo says about it."""

    def graph(self, values: Mapping[str, Quantity] | None = None) -> Graph:
        """Build the graph, with values for its symbols."""
        if self.stack is None:
            if self.ready is None:
                raise TypeError(self)
            return self.ready
        return build(self.stack, self.shape, values) if values else self.walked.graph

    @cached_property
    def walked(self) -> Walked:
        """The network as it was asked, walked through."""
        return walk(self.graph() if self.stack is None else build(self.stack, self.shape))

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers that differ."""
        return list({id(node.layer): node.layer for node in self.graph().nodes}.values())

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names in the input and in the layers."""
        found = symbols(*map(expr, self.shape))
        times = {value for node in self.graph().nodes for value in (node.times, node.copies)}
        found |= symbols(*map(expr, times))
        for layer in self.layers:
            found |= _names(tuple(getattr(layer, f.name) for f in fields(layer)))
        return found

    @cached_property
    def spatial(self) -> frozenset[str]:
        """The names in the spatial axes of the input, which may have to be large."""
        return symbols(*map(expr, self.shape[:-1]))


def _names(value: object) -> frozenset[str]:
    if isinstance(value, tuple):
        return frozenset[str]().union(*map(_names, value))
    return symbols(value) if isinstance(value, Expr) else frozenset()


def source(given: Size | None, stack: str | None, file: NamedBytes | None, zoo: str | None) -> Source:
    """Find the network, which is given once."""
    named = {"a stack": stack, "--file": file, "--zoo": zoo}
    there = [name for name, value in named.items() if value is not None]
    if len(there) != 1:
        if not there:
            raise DlcalcError(
                "no network is given", "write its layers, such as 'conv 16 3, relu, fc 10', or add --file or --zoo"
            )
        raise DlcalcError(f"the network is given twice, by {' and '.join(there)}", "leave one of them out")
    shape = None if given is None else tuple(map(tidy, given))
    if file is not None:
        return _from_file(file, shape)
    if zoo is not None:
        from dlcalc.networks import zoo as shipped

        text = shipped.text(zoo)
        about = text.split("\n", 1)[0].removeprefix("# ")
        return replace(_stacked(read(text), shape), about=(about,))
    return _stacked(read(stack or ""), shape)


def _stacked(stack: Stack, shape: Shape | None) -> Source:
    size = shape or stack.input
    if size is None:
        raise DlcalcError("what flows into the network is not given", "write its size first: 32x32x3, 784 or 10x64")
    return Source(stack, size)


def _from_file(file: NamedBytes, shape: Shape | None) -> Source:
    """Read a file by what is in it."""
    content = file.content
    if file.name.lower().endswith(".onnx") or b"\x00" in content[:4096]:
        from dlcalc.networks.onnx_file import read_onnx

        return Source(ready=read_onnx(content, file.name, shape))
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DlcalcError(
            f"--file {file.name} is neither text nor an ONNX model", "give a stack, Keras JSON or ONNX"
        ) from None
    if written.lstrip().startswith(("{", "[", '"')):
        from dlcalc.networks.keras_json import read_keras

        return Source(ready=read_keras(written, file.name, shape))
    return _stacked(read(written), shape)
