"""From a stack, in the language of networks, to the layers that slide windows.

What works entry by entry is left out; the stack ends where a layer sees all of its input. A convolution may leave its
filters out: `conv 3x3`, `conv 3`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from dlcalc.errors import DlcalcError, NotationError
from dlcalc.givens import Given, Size, from_stdin
from dlcalc.networks import language
from dlcalc.networks.dense import Bias, Fc, Flatten, Rbf
from dlcalc.networks.elementwise import Activation, Dropout, Norm, Prelu
from dlcalc.networks.layer import Layer, Macro
from dlcalc.networks.sequences import Attention, Recurrent
from dlcalc.networks.windows import Conv, Depthwise, GlobalPool, Pad, Pool, Subsample
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, expr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dlcalc.networks.layer import Padding

# ruff: noqa: ANN401 (a given is whatever a caller hands in)

MAX_LAYERS = 100_000
"""Layers, with all their repetitions."""
ENTRYWISE = (Activation, Norm, Prelu, Dropout, Bias)
"""Layers that see one place only."""
WHOLE = (Flatten, GlobalPool, Fc, Rbf, Attention, Recurrent)
"""Layers behind which an entry sees all of the input."""


@dataclass(frozen=True)
class Windows:
    """A layer that slides a window over its input."""

    kernel: Size
    stride: Size
    before: Size | None
    """The zeros before the input; None for `same`."""
    after: Size | None
    dilation: Size
    text: str
    """The layer as it was written."""
    ceil: bool = False
    """True where a last window may stick out."""


@dataclass(frozen=True)
class Repeated:
    """Layers one after another, several times."""

    count: Expr
    items: tuple[Item, ...]
    text: str


Item = Windows | Repeated


@dataclass(frozen=True)
class Stack:
    """A stack as it was written, and its layers that slide windows."""

    text: str
    items: tuple[Item, ...]
    input: Size | None = None
    """The size that stands in it, without the channels."""
    entrywise: bool = False
    """True where there are layers that work entry by entry as well."""
    end: str = ""
    """The layer at which it ends, since that sees all of its input."""

    def __str__(self) -> str:
        """Give the text."""
        return " ".join(self.text.split())


def layers(*flags: str, help: str, positional: bool = False) -> Given:
    """Declare a stack of layers."""

    def read(name: str, raw: Any) -> Stack:
        if isinstance(raw, Stack):
            return raw
        return read_stack(from_stdin(name) if positional and raw == "-" else str(raw))

    return Given(read, flags, help, "STACK" if positional else "LAYERS", positional=positional)


def read_stack(text: str) -> Stack:
    """Read a stack.

    Raises NotationError, which shows the place, for whatever is not a stack of layers one after another.

    >>> read_stack("conv 16 3x3 s2, relu, pool 2, flatten, fc 10").items[1].text
    'pool 2'
    """
    stack = language.read(text, filters=False)
    reader = _Reader(stack.text)
    items = reader.items(stack.items)
    if not items:
        first = stack.items[0]
        reader.fail("there is no layer with a window", "give at least one, such as 'conv 3x3'", first.where)
    size = None if stack.input is None or len(stack.input) == 1 else tuple(map(expr, stack.input[:-1]))
    return Stack(stack.text.strip(), items, size, reader.entrywise, reader.end)


class _Reader:
    """Takes the windows out of a stack."""

    def __init__(self, text: str) -> None:
        self.text, self.depth, self.entrywise, self.end = text, 0, False, ""
        self.labelled: dict[str, tuple[Item, ...]] = {}

    def fail(self, condition: str, fix: str, place: int) -> NoReturn:
        raise NotationError(condition, fix, text=self.text, position=place)

    def items(self, items: Sequence[language.Item]) -> tuple[Item, ...]:
        found: list[Item] = []
        for item in items:
            found += self.item(item)
        return tuple(found)

    def item(self, item: language.Item) -> tuple[Item, ...]:
        if isinstance(item, language.Reuse):
            return self.labelled[item.label]
        found = self.single(item) if isinstance(item, language.Single) else self.block(item)
        if item.label:
            self.labelled[item.label] = found
        return found

    def block(self, item: language.Block) -> tuple[Item, ...]:
        if item.word != "repeat":
            self.fail(
                f"{item.word} is not one path of windows",
                "write the longest path through it, or ask dlcalc network, which follows all of them",
                item.where,
            )
        self.depth += 1
        inside = self.items(item.branches[0])
        self.depth -= 1
        text = " ".join(self.text[item.where : item.end].split())
        return (Repeated(expr(item.count), inside, text),) if inside else ()

    def single(self, item: language.Single) -> tuple[Item, ...]:
        layer = item.layer
        if isinstance(layer, WHOLE):
            if self.depth:
                self.fail(f"'{item.text}' sees all of its input, in every round", "end the stack before it", item.where)
            self.end = self.end or item.text
            return ()
        if isinstance(layer, ENTRYWISE) or type(layer) is Layer:
            self.entrywise = True
            return ()
        if self.end:
            said = f"'{item.text}' stands behind '{self.end}', which sees all of its input"
            self.fail(said, "end the stack before that", item.where)
        parts = layer.parts() if isinstance(layer, Macro) else (layer,)
        return tuple(self.windows(part, item) for part in parts)

    def windows(self, layer: Layer, item: language.Single) -> Windows:
        if isinstance(layer, Pad):
            before, after = _pads(layer.amount)
            return Windows((ONE,), (ONE,), before, after, (ONE,), item.text)
        if not isinstance(layer, Conv | Depthwise | Pool | Subsample):
            name = item.text.split()[0]
            self.fail(f"{name} does not slide a window", "ask dlcalc network, which follows its field", item.where)
        kernel, stride, dilation = (_sizes(q) for q in (layer.kernel, layer.strides(), layer.dilation))
        before, after = _pads(layer.padding)
        ceil = isinstance(layer, Pool) and layer.ceil
        lengths = {len(v) for v in (kernel, stride, before, dilation) if v is not None and len(v) > 1}
        if len(lengths) > 1:
            sizes = " and ".join(map(str, sorted(lengths)))
            self.fail(f"{item.text} has sizes of {sizes} axes", "give them alike", item.where)
        if ceil and before != after:
            self.fail("ceil with a padding that differs before and after is not answered", "pad alike", item.where)
        return Windows(kernel, stride, before, after, dilation, item.text, ceil)


def _sizes(values: Iterable[Any]) -> Size:
    return tuple(map(expr, values))


def _pads(padding: Padding) -> tuple[Size | None, Size | None]:
    """Return the zeros before and after; None twice for `same`."""
    if padding == "same":
        return None, None
    if padding == "valid":
        return (ZERO,), (ZERO,)
    return _sizes(before for before, _ in padding), _sizes(after for _, after in padding)


def unrolled(items: Sequence[Item], *, most: int = MAX_LAYERS) -> list[Item]:
    """Write repetitions out whose number is known; those of an unknown number stay.

    Raises DlcalcError where there are too many layers.
    """
    found: list[Item] = []
    for item in items:
        if isinstance(item, Windows):
            found.append(item)
            continue
        inner = unrolled(item.items, most=most)
        if not isinstance(item.count, Num):
            found.append(Repeated(item.count, tuple(inner), item.text))
            continue
        if item.count.value * len(inner) + len(found) > most:
            raise DlcalcError(f"the stack has more than {most:,} layers", "give a symbol for the number of repetitions")
        found += inner * int(item.count.value)
    return found
