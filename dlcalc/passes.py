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
    """The layers that a forward pass is written with.

    Every call is a layer with parameters of its own, unless `tied` is set: then a tensor that is named again is the
    same one, as in a network that takes a step after the other.
    """

    def __init__(self, *, tied: bool = False) -> None:
        """Start without parameters."""
        self.counts: Counter[str] = Counter()
        self.tied = tied

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
    def moments(self, x: Any, mean: str, variance: str) -> None:
        """Keep a running mean and a running variance of every channel."""

    @abstractmethod
    def average(self, shape: Sequence[int], axes: Sequence[int], means: str, entries: str) -> None:
        """Average an input over some of its axes; count the means, and the entries that each is the mean of."""

    @abstractmethod
    def add(self, x: Any, y: Any) -> Any:
        """Add two results of one shape; it is an error if their shapes differ."""

    @abstractmethod
    def multiply(self, x: Any, y: Any) -> Any:
        """Multiply two vectors entry by entry; it is an error if their lengths differ."""

    @abstractmethod
    def split(self, x: Any, parts: int) -> list[Any]:
        """Cut a vector into equal parts; it is an error if they cannot be equal."""

    @abstractmethod
    def join(self, parts: Sequence[Any]) -> Any:
        """Put vectors one behind the other."""

    @abstractmethod
    def table(self, rows: int, length: int, tensor: str = "") -> Any:
        """Look up all rows of a table, as an embedding does for all words; without a name, they are an input."""

    @abstractmethod
    def project(self, x: Any, units: int, weight: str, bias: str = "") -> Any:
        """Compute xW + b for every row x."""

    @abstractmethod
    def scores(self, x: Any, y: Any, name: str) -> Any:
        """Compare each row of one table with each of another; the scores are no parameters, but counted."""

    @abstractmethod
    def mix(self, scores: Any, values: Any) -> Any:
        """Add up the rows of a table, once for each row of scores, weighted by them."""

    @abstractmethod
    def beside(self, tables: Sequence[Any]) -> Any:
        """Put tables with equally many rows side by side."""

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

    def __init__(self, *, tied: bool = False) -> None:
        """Start with nothing read."""
        super().__init__(tied=tied)
        self._read: set[tuple[str, int, Place]] = set()
        self._layer = 0

    def _parameter(self, tensor: str, *place: int) -> int:
        key = (tensor, 0 if self.tied else self._layer, place)
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

    def moments(self, x: Grid, mean: str, variance: str) -> None:
        """Read both numbers of every channel."""
        self._layer += 1
        for channel, _ in enumerate(x):
            self._parameter(mean, channel)
            self._parameter(variance, channel)

    def average(self, shape: Sequence[int], axes: Sequence[int], means: str, entries: str) -> None:
        """Visit every entry and look which mean it belongs to."""
        kept = [axis for axis, _ in enumerate(shape) if axis not in axes]
        groups = Counter(tuple(place[axis] for axis in kept) for place in product(*map(range, shape)))
        self.counts[means] += len(groups)
        (self.counts[entries],) = set(groups.values())

    def add(self, x: Grid, y: Grid) -> Grid:
        """Add place by place."""
        if [values.keys() for values in x] != [values.keys() for values in y]:
            raise ValueError("the summands have different shapes")
        return [{at: a[at] + b[at] for at in a} for a, b in zip(x, y, strict=True)]

    def multiply(self, x: Grid, y: Grid) -> Grid:
        """Multiply entry by entry."""
        if len(x) != len(y):
            raise ValueError("the factors have different lengths")
        return [{(): a[()] * b[()]} for a, b in zip(x, y, strict=True)]

    def split(self, x: Grid, parts: int) -> list[Grid]:
        """Cut a list."""
        length, rest = divmod(len(x), parts)
        if rest:
            raise ValueError("the parts have different lengths")
        return [x[length * part : length * (part + 1)] for part in range(parts)]

    def join(self, parts: Sequence[Grid]) -> Grid:
        """Chain lists."""
        return [entry for part in parts for entry in part]

    def table(self, rows: int, length: int, tensor: str = "") -> list[Grid]:
        """Read row by row."""
        self._layer += 1
        return [[{(): self._parameter(tensor, row, entry)} for entry in range(length)] for row in range(rows)]

    def project(self, x: list[Grid], units: int, weight: str, bias: str = "") -> list[Grid]:
        """Sum over the entries of each row, column by column."""
        self._layer += 1
        return [[{(): self._projected(row, column, weight, bias)} for column in range(units)] for row in x]

    def _projected(self, row: Grid, column: int, weight: str, bias: str) -> int:
        products = (self._parameter(weight, at, column) * entry[()] for at, entry in enumerate(row))
        return sum(products) + self._parameter(bias, column)

    def scores(self, x: list[Grid], y: list[Grid], name: str) -> list[list[int]]:
        """Multiply pair by pair and add up."""
        found = [[sum(entry[()] for entry in self.multiply(row, other)) for other in y] for row in x]
        self.counts[name] += sum(map(len, found))
        return found

    def mix(self, scores: list[list[int]], values: list[Grid]) -> list[Grid]:
        """Sum over the rows of the table, entry by entry."""
        return [
            [
                {(): sum(w * entry[()] for w, entry in zip(row, column, strict=True))}
                for column in zip(*values, strict=True)
            ]
            for row in scores
        ]

    def beside(self, tables: Sequence[list[Grid]]) -> list[Grid]:
        """Join row by row."""
        return [self.join(rows) for rows in zip(*tables, strict=True)]


class Allocated(Layers):
    """Layers on NumPy arrays, made as large as what flows in and out asks."""

    def __init__(self, *, tied: bool = False) -> None:
        """Start without arrays."""
        super().__init__(tied=tied)
        self.arrays: dict[str, Any] = {}

    def _array(self, tensor: str, *shape: int) -> Any:
        import numpy as np

        if self.tied and tensor in self.arrays:
            if self.arrays[tensor].shape != shape:
                raise ValueError("the tensor has another shape")
            return self.arrays[tensor]
        array = np.zeros(shape, dtype=np.float32)
        if tensor:
            self.counts[tensor] += array.size
            self.arrays[tensor] = array
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

    def linear(self, x: Any, units: int, weight: str, bias: str = "") -> Any:
        """Multiply a vector by a matrix from the left."""
        y = self._array(weight, units, len(x)) @ x
        return y + self._array(bias, units) if bias else y

    def norm(self, x: Any, scale: str, shift: str) -> Any:
        """Multiply by an array of scales and add one of shifts."""
        ones = (1,) * (x.ndim - 1)
        scaled = self._array(scale, len(x), *ones) * x if scale else x
        return scaled + self._array(shift, len(x), *ones) if shift else scaled

    def moments(self, x: Any, mean: str, variance: str) -> None:
        """Make both arrays as long as there are channels."""
        self._array(mean, len(x))
        self._array(variance, len(x))

    def average(self, shape: Sequence[int], axes: Sequence[int], means: str, entries: str) -> None:
        """Let NumPy average."""
        x = self._array("", *shape)
        y = x.mean(axis=tuple(axes))
        self.counts[means] += y.size
        self.counts[entries] = x.size // y.size

    def add(self, x: Any, y: Any) -> Any:
        """Add arrays of one shape; nothing is broadcast."""
        if x.shape != y.shape:
            raise ValueError("the summands have different shapes")
        return x + y

    def multiply(self, x: Any, y: Any) -> Any:
        """Multiply arrays of one shape; nothing is broadcast."""
        if x.shape != y.shape:
            raise ValueError("the factors have different lengths")
        return x * y

    def split(self, x: Any, parts: int) -> list[Any]:
        """Cut an array."""
        import numpy as np

        if len(x) % parts:
            raise ValueError("the parts have different lengths")
        return list(np.split(x, parts))

    def join(self, parts: Sequence[Any]) -> Any:
        """Concatenate arrays."""
        import numpy as np

        return np.concatenate(parts)

    def table(self, rows: int, length: int, tensor: str = "") -> Any:
        """Make an array with a row for each."""
        return self._array(tensor, rows, length)

    def project(self, x: Any, units: int, weight: str, bias: str = "") -> Any:
        """Multiply the rows by a matrix from the right."""
        y = x @ self._array(weight, x.shape[1], units)
        return y + self._array(bias, units) if bias else y

    def scores(self, x: Any, y: Any, name: str) -> Any:
        """Multiply one array by the other, transposed."""
        found = self.arrays[name] = x @ y.T
        self.counts[name] += found.size
        return found

    def mix(self, scores: Any, values: Any) -> Any:
        """Multiply the arrays."""
        return scores @ values

    def beside(self, tables: Sequence[Any]) -> Any:
        """Concatenate along the rows."""
        import numpy as np

        return np.concatenate(tables, axis=1)
