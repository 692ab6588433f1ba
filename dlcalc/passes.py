"""Forward passes to count on: a network is written once, through `Layers`, and run in two ways that know no formula.

`Reading` computes with plain loops and counts the distinct parameters that they read; `Allocated` lets NumPy make
arrays that fit what flows in, and counts their entries. Activation functions are left out: they hold no parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# ruff: noqa: ANN401 (what flows through a layer is a list or an array, as the kind of layers wants it)


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with its tensors by name (a bias without a name is no bias).

    Where it is not shared, every position has weights and biases of its own.
    """

    filters: int
    window: tuple[int, ...]
    weight: str
    bias: str = ""
    stride: int = 1
    padding: int = 0
    groups: int = 1
    shared: bool = True


class Layers(ABC):
    """The layers that a forward pass is written with; every call is a layer with parameters of its own."""

    def __init__(self) -> None:
        """Start without parameters."""
        self.counts: Counter[str] = Counter()

    @abstractmethod
    def image(self, channels: int, sides: Sequence[int]) -> Any:
        """Make an input with channels and spatial axes."""

    @abstractmethod
    def convolution(self, x: Any, layer: Convolution) -> Any:
        """Slide the filters over an image."""

    @abstractmethod
    def norm(self, x: Any, scale: str, shift: str) -> Any:
        """Scale and shift every channel; the normalisation before it has no parameters."""

    @abstractmethod
    def add(self, x: Any, y: Any) -> Any:
        """Add two results of one shape; it is an error if their shapes differ."""

    def vector(self, length: int) -> Any:
        """Make an input without spatial axes."""
        return self.image(length, ())

    def linear(self, x: Any, units: int, weight: str, bias: str = "") -> Any:
        """Compute Wx + b: a convolution without spatial axes."""
        return self.convolution(x, Convolution(units, (), weight, bias))


Place = tuple[int, ...]
Grid = list[dict[Place, int]]


class Reading(Layers):
    """Layers as plain loops: a parameter comes into being when a loop first reads it."""

    def __init__(self) -> None:
        """Start with nothing read."""
        super().__init__()
        self._read: set[tuple[str, int, Place]] = set()
        self._layer = 0

    def _parameter(self, tensor: str, *place: int) -> int:
        key = (tensor, self._layer, place)
        if tensor and key not in self._read:
            self._read.add(key)
            self.counts[tensor] += 1
        return 1 if tensor else 0

    def image(self, channels: int, sides: Sequence[int]) -> Grid:
        """Make a map from places to ones for every channel."""
        return [dict.fromkeys(product(*map(range, sides)), 1) for _ in range(channels)]

    def convolution(self, x: Grid, layer: Convolution) -> Grid:
        """Sum over the window and the channels of the filter's group, filter by filter and position by position."""
        self._layer += 1
        sides = [max(axis) + 1 + 2 * layer.padding for axis in zip(*x[0], strict=True)]
        room = [range((side - k) // layer.stride + 1) for side, k in zip(sides, layer.window, strict=True)]
        return [{at: self._response(x, layer, unit, at) for at in product(*room)} for unit in range(layer.filters)]

    def _response(self, x: Grid, layer: Convolution, unit: int, at: Place) -> int:
        own = () if layer.shared else at
        total = self._parameter(layer.bias, unit, *own)
        for channel, values in enumerate(x):
            if channel * layer.groups // len(x) == unit * layer.groups // layer.filters:
                for offset in product(*map(range, layer.window)):
                    seen = tuple(p * layer.stride + o - layer.padding for p, o in zip(at, offset, strict=True))
                    total += self._parameter(layer.weight, unit, channel, *offset, *own) * values.get(seen, 0)
        return total

    def norm(self, x: Grid, scale: str, shift: str) -> Grid:
        """Read a scale and a shift for every channel."""
        self._layer += 1
        return [
            {at: self._parameter(scale, channel) * v + self._parameter(shift, channel) for at, v in values.items()}
            for channel, values in enumerate(x)
        ]

    def add(self, x: Grid, y: Grid) -> Grid:
        """Add place by place."""
        if [values.keys() for values in x] != [values.keys() for values in y]:
            raise ValueError("the summands have different shapes")
        return [{at: a[at] + b[at] for at in a} for a, b in zip(x, y, strict=True)]


class Allocated(Layers):
    """Layers on NumPy arrays, made as large as what flows in and out asks."""

    def _array(self, tensor: str, *shape: int) -> Any:
        import numpy as np

        array = np.zeros(shape, dtype=np.float32)
        if tensor:
            self.counts[tensor] += array.size
        return array

    def image(self, channels: int, sides: Sequence[int]) -> Any:
        """Make an array, channels first."""
        return self._array("", channels, *sides)

    def convolution(self, x: Any, layer: Convolution) -> Any:
        """Multiply the windows by the filters, group by group."""
        import numpy as np

        axes = tuple(range(1, x.ndim))
        padded = np.pad(x, [(0, 0)] + [(layer.padding, layer.padding)] * len(axes))
        views = np.lib.stride_tricks.sliding_window_view(padded, layer.window, axis=axes)
        views = views[(slice(None), *(slice(None, None, layer.stride) for _ in axes))]
        own = () if layer.shared else views.shape[1 : 1 + len(axes)]
        out = []
        for part in np.split(views, layer.groups):
            kernel = self._array(layer.weight, layer.filters // layer.groups, len(part), *own, *layer.window)
            if layer.shared:
                summed = (0, *range(-len(axes), 0))
                out.append(np.tensordot(kernel, part, axes=(tuple(range(1, kernel.ndim)), summed)))
            else:
                out.append((kernel * part).sum(axis=(1, *range(-len(axes), 0))))
        y = np.concatenate(out)
        if not layer.bias:
            return y
        return y + self._array(layer.bias, layer.filters, *(own or (1,) * len(axes)))

    def norm(self, x: Any, scale: str, shift: str) -> Any:
        """Multiply by an array of scales and add one of shifts."""
        ones = (1,) * (x.ndim - 1)
        return self._array(scale, len(x), *ones) * x + self._array(shift, len(x), *ones)

    def add(self, x: Any, y: Any) -> Any:
        """Add arrays of one shape; nothing is broadcast."""
        if x.shape != y.shape:
            raise ValueError("the summands have different shapes")
        return x + y
