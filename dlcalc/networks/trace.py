"""A forward pass through a graph with NumPy, which knows no formula: arrays are made to fit, and their entries counted.

Shapes follow from what NumPy does: windows are strided views, a sum needs arrays of one shape, a product of matrices
needs inner sizes that agree. Where a network is too large to be multiplied out, the same pass runs on arrays without
memory of their own (every entry is the same zero), and only the multiplying is left out.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlcalc.networks import dense, elementwise, joins, sequences, windows
from dlcalc.networks.layer import Layer, per_axis
from dlcalc.networks.sequences import GATES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlcalc.networks.graph import Graph, Node


# ruff: noqa: ANN401 (arrays, and layers whose fields are numbers here)

MAX_FILLED = 20_000_000
"""Numbers that are really allocated and multiplied out, and MAX_MULTIPLIED products of them."""
MAX_MULTIPLIED = 400_000_000
VALUE = np.float32(0.01)


class Traced(NamedTuple):
    """What a node really made and did."""

    output: tuple[int, ...]
    weights: int
    biases: int
    fixed: int
    macs: int


class Trace:
    """A forward pass; `filled` says whether it multiplies."""

    def __init__(self, graph: Graph, *, filled: bool) -> None:
        """Start at the input."""
        self.graph, self.filled = graph, filled
        self.counts: Counter[str] = Counter()
        self.kept: dict[int, list[Any]] = {}
        self.shared: list[Any] | None = None
        self.node = 0

    def run(self) -> list[Traced]:
        """Compute the nodes in order."""
        values: list[Any] = []
        found = []
        uses = Counter(i for node in self.graph.nodes for i in node.inputs)
        for index, node in enumerate(self.graph.nodes):
            self.counts.clear()
            self.node = index
            self.shared = None if node.shares is None else list(self.kept.get(node.shares, ()))
            y = _FORWARD[type(node.layer)](self, node.layer, *(values[i] for i in node.inputs))
            values.append(y)
            for i in node.inputs:  # what nobody reads any more is forgotten
                uses[i] -= 1
                if not uses[i]:
                    values[i] = None
            found.append(Traced(y.shape, *(self.counts[what] for what in ("weights", "biases", "fixed", "macs"))))
        return found

    # what the layers are made of

    def array(self, what: str, *shape: int) -> Any:
        """Make an array of parameters, and count its entries; one that is shared is used again, and must fit."""
        if self.shared is not None:
            array = self.shared.pop(0)
            if array.shape != shape:
                raise ValueError("shared weights do not fit")
            return array
        array = self.values(shape)
        self.counts[what] += array.size
        self.kept.setdefault(self.node, []).append(array)
        return array

    def values(self, shape: Sequence[int]) -> Any:
        """Make an array of activations."""
        return np.full(shape, VALUE) if self.filled else np.broadcast_to(VALUE, shape)

    def times(self, x: Any, weights: Any) -> Any:
        """Multiply matrices over the last axis of x and the first of the weights, counting the products."""
        if x.shape[-1] != weights.shape[0]:
            raise ValueError("the matrices do not fit")
        self.counts["macs"] += x.size * weights.shape[1]
        return x @ weights if self.filled else self.values((*x.shape[:-1], weights.shape[1]))

    def biased(self, y: Any, *, bias: bool, vectors: int = 1) -> Any:
        """Add bias vectors as long as the last axis."""
        for _ in range(vectors if bias else 0):
            b = self.array("biases", y.shape[-1])
            y = y + b if self.filled else y
        return y

    def padded(self, x: Any, pads: Sequence[tuple[int, int]]) -> Any:
        """Put entries around the spatial axes."""
        if not any(map(any, pads)):
            return x
        if self.filled:
            return np.pad(x, [*pads, (0, 0)])
        return self.values([n + a + b for n, (a, b) in zip(x.shape, [*pads, (0, 0)], strict=True)])


# windows


class Axis(NamedTuple):
    """A window on one axis, in numbers; `pads` are made so that every one of its places fits."""

    kernel: int
    stride: int
    dilation: int
    pads: tuple[int, int]
    places: int


def axes_of(layer: Any, shape: tuple[int, ...]) -> list[Axis]:
    """Move the window over every axis, place by place; `same` and `ceil` add the entries that the last place lacks."""
    found = []
    for n, k, s, before, after, d in layer.axes(shape):
        if not all(isinstance(q, int) for q in (n, k, s, before, after, d)):
            raise TypeError(layer)
        found.append(_axis(n, k, s, (before, after), d, rounds_up=getattr(layer, "ceil", False)))
    return found


def _axis(n: int, k: int, s: int, pads: tuple[int, int], d: int, *, rounds_up: bool) -> Axis:  # noqa: PLR0913 (all that a window has)
    span = range(0, k * d, d)[-1] + 1
    if pads[0] == -1:
        starts = range(0, n, s)
        lacking = max(starts[-1] + span - n, 0)
        return Axis(k, s, d, (lacking // 2, lacking - lacking // 2), len(starts))
    padded = n + sum(pads)
    places, end = 0, 0
    for start in count(0, s):
        fits = start + span <= padded
        last = rounds_up and places and end < padded and start < n + pads[0]
        if not (fits or last):
            break
        places, end = places + 1, start + span
    return Axis(k, s, d, (pads[0], pads[1] + max(end - padded, 0)), places)


def _views(trace: Trace, x: Any, axes: Sequence[Axis]) -> Any:
    """Return the windows: places, channels, entries of the window."""
    x = trace.padded(x, [axis.pads for axis in axes])
    along = tuple(range(len(axes)))
    spans = tuple(range(0, a.kernel * a.dilation, a.dilation)[-1] + 1 for a in axes)
    views = np.lib.stride_tricks.sliding_window_view(x, spans, axis=along)
    moved = tuple(slice(0, (a.places - 1) * a.stride + 1, a.stride) for a in axes)
    return views[(*moved, slice(None), *(slice(None, None, a.dilation) for a in axes))]


def _filtered(trace: Trace, views: Any, filters: int, groups: int) -> Any:
    """Multiply the windows by filters, group by group."""
    axes = (views.ndim - 1) // 2
    if views.shape[axes] % groups or filters % groups:
        raise ValueError("the groups do not divide the channels")
    out = []
    for part in np.split(views, groups, axis=axes):
        kernel = trace.array("weights", *part.shape[axes:], filters // groups)
        out.append(
            trace.times(part.reshape(*part.shape[:axes], -1), kernel.reshape(-1, kernel.shape[-1]))
        ) if trace.filled else out.append(_laid_out(trace, part, kernel, axes))
    return out[0] if groups == 1 else np.concatenate(out, axis=-1)


def _laid_out(trace: Trace, part: Any, kernel: Any, axes: int) -> Any:
    """Multiply nothing, but count the products: every window by every filter, entry by entry."""
    if part.shape[axes:] != kernel.shape[:-1]:
        raise ValueError("the filters do not fit")
    trace.counts["macs"] += part.size * kernel.shape[-1]
    return trace.values((*part.shape[:axes], kernel.shape[-1]))


def _conv(trace: Trace, layer: Any, x: Any) -> Any:
    views = _views(trace, x, axes_of(layer, x.shape))
    if layer.links:
        return trace.biased(_linked(trace, layer, views), bias=layer.bias)
    return trace.biased(_filtered(trace, views, layer.channels, layer.groups), bias=layer.bias)


def _linked(trace: Trace, layer: Any, views: Any) -> Any:
    """Let every filter see a few channels, in turn, until all connections are used."""
    axes = (views.ndim - 1) // 2
    places = views.shape[:axes]
    filters: list[Any] = [None] * layer.channels
    for link in range(layer.links):
        seen = views[(*[slice(None)] * axes, slice(link % views.shape[axes], link % views.shape[axes] + 1))]
        kernel = trace.array("weights", *seen.shape[axes:], 1)
        response = (
            trace.times(seen.reshape(*places, -1), kernel.reshape(-1, 1))
            if trace.filled
            else _laid_out(trace, seen, kernel, axes)
        )
        unit = link % len(filters)
        filters[unit] = response if filters[unit] is None else filters[unit] + response
    return np.concatenate([f for f in filters if f is not None], axis=-1)


def _depthwise(trace: Trace, layer: Any, x: Any) -> Any:
    views = _views(trace, x, axes_of(layer, x.shape))
    channels = x.shape[-1]
    if trace.filled and channels <= 64:  # noqa: PLR2004 (a group per channel, while they are few)
        y = _filtered(trace, views, channels * layer.multiplier, channels)
        return trace.biased(y, bias=layer.bias)
    axes = (views.ndim - 1) // 2
    kernel = trace.array("weights", *views.shape[axes:], layer.multiplier)
    trace.counts["macs"] += views.size * kernel.shape[-1]
    y = trace.values((*views.shape[:axes], channels * layer.multiplier))
    if trace.filled:
        summed = tuple(range(axes + 1, 2 * axes + 1))
        y = np.stack([(views * kernel[..., m]).sum(axis=summed) for m in range(kernel.shape[-1])], axis=-1)
        y = y.reshape(*views.shape[:axes], -1)
    return trace.biased(y, bias=layer.bias)


def _transposed(trace: Trace, layer: Any, x: Any) -> Any:
    """Put every input entry, times the filter, where it belongs in a larger array; then cut the padding off."""
    count_axes = x.ndim - 1
    groups, filters = layer.groups, layer.channels
    kernel_sides, strides, dilations, extra = (
        per_axis(values, count_axes, x.shape, "")
        for values in (layer.kernel, layer.stride, layer.dilation, layer.output_padding)
    )
    reached = [
        max(i * s + t * d for i in (0, n - 1) for t in (0, k - 1)) + 1
        for n, s, k, d in zip(x.shape, strides, kernel_sides, dilations, strict=False)
    ]
    weights = [trace.array("weights", x.shape[-1] // groups, *kernel_sides, filters // groups) for _ in range(groups)]
    trace.counts["macs"] += sum(x.size // x.shape[-1] * w.size for w in weights)
    full = np.zeros((*reached, filters), np.float32) if trace.filled else trace.values((*reached, filters))
    if trace.filled:
        parts = np.split(full, groups, axis=-1)
        for part, seen, w in zip(parts, np.split(x, groups, axis=-1), weights, strict=True):
            for offset in np.ndindex(*kernel_sides):
                places = tuple(
                    slice(t * d, t * d + (n - 1) * s + 1, s)
                    for t, d, s, n in zip(offset, dilations, strides, x.shape, strict=False)
                )
                part[places] += seen @ w[(slice(None), *offset)]
        full = np.concatenate(parts, axis=-1)
    full = trace.padded(full, [(0, e) for e in extra])
    return trace.biased(full[_kept(layer, x.shape, full.shape, strides)], bias=layer.bias)


def _kept(layer: Any, shape: Any, full: Any, strides: Any) -> tuple[slice, ...]:
    """Return what is left when the padding is cut off; `same` leaves n·s entries, the middle ones."""
    if layer.padding == "same":
        cuts = [max(f - n * s, 0) for f, n, s in zip(full, shape[:-1], strides, strict=False)]
        return tuple(slice(c // 2, c // 2 + n * s) for c, n, s in zip(cuts, shape[:-1], strides, strict=True))
    pads = ((0, 0),) if layer.padding == "valid" else layer.padding
    wide = per_axis(pads, len(shape) - 1, shape, "")
    return tuple(slice(a, f - b) for (a, b), f in zip(wide, full, strict=False))


def _pool(trace: Trace, layer: Any, x: Any) -> Any:
    views = _views(trace, x, axes_of(layer, x.shape))
    axes = (views.ndim - 1) // 2
    if not trace.filled:
        return trace.values(views.shape[: axes + 1])
    over = tuple(range(axes + 1, views.ndim))
    return views.max(axis=over) if layer.mode == "max" else views.mean(axis=over)


def _subsample(trace: Trace, layer: Any, x: Any) -> Any:
    views = _views(trace, x, axes_of(layer, x.shape))
    axes = (views.ndim - 1) // 2
    coefficients = trace.array("weights", x.shape[-1])
    summed = views.sum(axis=tuple(range(axes + 1, views.ndim)))
    trace.counts["macs"] += summed.size
    return trace.biased(summed * coefficients, bias=True)


def _global_pool(trace: Trace, layer: Any, x: Any) -> Any:
    if not trace.filled:
        return trace.values(x.shape[-1:])
    over = tuple(range(x.ndim - 1))
    return x.max(axis=over) if layer.mode == "max" else x.mean(axis=over)


def _pairs(layer: Any, x: Any) -> Any:
    return per_axis(layer.amount, x.ndim - 1, x.shape, "")


def _pad(trace: Trace, layer: Any, x: Any) -> Any:
    return trace.padded(x, _pairs(layer, x))


def _crop(trace: Trace, layer: Any, x: Any) -> Any:
    del trace
    return x[tuple(slice(a, n - b) for (a, b), n in zip(_pairs(layer, x), x.shape, strict=False))]


def _upsample(trace: Trace, layer: Any, x: Any) -> Any:
    del trace
    for axis, scale in enumerate(per_axis(layer.scale, x.ndim - 1, x.shape, "")):
        x = np.repeat(x, scale, axis=axis)
    return x


# everything else


def _fc(trace: Trace, layer: Any, x: Any) -> Any:
    weights = trace.array("weights", x.shape[-1], layer.units)
    return trace.biased(trace.times(x, weights), bias=layer.bias)


def _rbf(trace: Trace, layer: Any, x: Any) -> Any:
    prototypes = trace.array("fixed", x.shape[-1], layer.units)
    return trace.times(x, prototypes)


def _bias(trace: Trace, layer: Any, x: Any) -> Any:
    del layer
    return trace.biased(x, bias=True)


def _flatten(trace: Trace, layer: Layer, x: Any) -> Any:
    del layer
    return x.reshape(-1) if trace.filled else trace.values((x.size,))


def _reshape(trace: Trace, layer: Any, x: Any) -> Any:
    if prod(layer.shape) != x.size:
        raise ValueError("the number of entries changes")
    return x.reshape(layer.shape) if trace.filled else trace.values(layer.shape)


def _norm(trace: Trace, layer: Any, x: Any) -> Any:
    if layer.mode == "batch":
        trace.array("fixed", x.shape[-1])
        trace.array("fixed", x.shape[-1])
    if layer.affine and layer.scale:
        scale = trace.array("weights", x.shape[-1])
        x = x * scale if trace.filled else x
    return trace.biased(x, bias=layer.affine and layer.shift and layer.mode != "rms")


def _prelu(trace: Trace, layer: Any, x: Any) -> Any:
    slope = trace.array("weights", x.shape[-1] if layer.channels else 1)
    return np.where(x > 0, x, slope * x) if trace.filled else x


def _same(trace: Trace, layer: Layer, x: Any, *_: Any) -> Any:
    del trace, layer
    return x


def _embedding(trace: Trace, layer: Any, x: Any) -> Any:
    table = trace.array("weights", layer.entries, layer.width)
    return table[np.zeros(x.shape, dtype=int)] if trace.filled else trace.values((*x.shape, table.shape[1]))


def _positions(trace: Trace, layer: Any, x: Any) -> Any:
    table = trace.array("weights", layer.most or x.shape[0], x.shape[1])
    return x + table[: x.shape[0]] if trace.filled else x


def _recurrent(trace: Trace, layer: Any, x: Any) -> Any:
    """Run the cell over the sequence, in every direction."""
    units: int = layer.units
    vectors: int = layer.biases if layer.bias else 0
    out = []
    for _ in range(2 if layer.bidirectional else 1):
        gates = []
        for _ in range(GATES[layer.cell]):
            of_input, of_state = trace.array("weights", x.shape[1], units), trace.array("weights", units, units)
            gates.append((of_input, of_state, [trace.array("biases", units) for _ in range(vectors)]))
        state, states = trace.values((units,)), []
        for entry in x:
            for of_input, of_state, biases in gates:
                new = trace.times(entry, of_input) + trace.times(state, of_state) + sum(biases)
            state = np.tanh(new)
            states.append(state)
        out.append(state if layer.last else np.stack(states))
    return np.concatenate(out, axis=-1)


def _attention(trace: Trace, layer: Any, x: Any) -> Any:
    """Compare every entry with every other, head by head."""
    heads: int = layer.heads
    key: int = layer.head_width(x.shape[1])
    value = layer.value or key
    mixed = []
    for _ in range(heads):
        q, k, v = (
            trace.biased(trace.times(x, trace.array("weights", x.shape[1], width)), bias=layer.bias)
            for width in (key, key, value)
        )
        mixed.append(trace.times(trace.times(q, k.T), v))
    joined = np.concatenate(mixed, axis=-1)
    return trace.biased(trace.times(joined, trace.array("weights", joined.shape[1], x.shape[1])), bias=layer.bias)


def _input(trace: Trace, layer: Any) -> Any:
    return trace.values(layer.shape)


def _add(trace: Trace, layer: Any, *xs: Any) -> Any:
    for x in xs[1:]:
        if x.shape != xs[0].shape and not layer.multiply:
            raise ValueError("the summands have different shapes")
    return sum(xs[1:], xs[0]) if trace.filled else xs[0]


def _concat(trace: Trace, layer: Any, *xs: Any) -> Any:
    del layer
    if trace.filled:
        return np.concatenate(xs, axis=-1)
    if len({x.shape[:-1] for x in xs}) > 1:
        raise ValueError("the branches differ before the channels")
    return trace.values((*xs[0].shape[:-1], sum(x.shape[-1] for x in xs)))


_FORWARD: dict[type[Layer], Callable[..., Any]] = {
    joins.Input: _input,
    joins.Add: _add,
    joins.Concat: _concat,
    joins.Again: _same,
    Layer: _same,
    elementwise.Activation: _same,
    elementwise.Dropout: _same,
    elementwise.Norm: _norm,
    elementwise.Prelu: _prelu,
    windows.Conv: _conv,
    windows.Depthwise: _depthwise,
    windows.ConvTranspose: _transposed,
    windows.Pool: _pool,
    windows.Subsample: _subsample,
    windows.GlobalPool: _global_pool,
    windows.Pad: _pad,
    windows.Crop: _crop,
    windows.Upsample: _upsample,
    dense.Fc: _fc,
    dense.Rbf: _rbf,
    dense.Bias: _bias,
    dense.Flatten: _flatten,
    dense.Reshape: _reshape,
    sequences.Embedding: _embedding,
    sequences.Positions: _positions,
    sequences.Recurrent: _recurrent,
    sequences.Attention: _attention,
}
"""The forward pass of every kind of layer."""


# what an entry sees

Seen = tuple[Any, Any, Any]
"""Along one axis: the first and the last input entry that each entry sees, and whether it saw padding."""
_FAR = 1 << 40
PERIOD = 64


def seen(graph: Graph, axis: int, length: int) -> list[tuple[int, float] | None]:
    """Slide the windows over the indices of one axis of the input, made `length` long.

    Returns, per node, how many input entries the entries away from the border see (the most), and how far that moves
    from one entry to the next; None where the axis is lost, or no entry is away from the border.
    """
    values: list[Seen | None] = []
    for node in graph.nodes:
        values.append(_seen(node, [values[i] for i in node.inputs], axis, length))
    return [None if value is None else _measured(*value) for value in values]


def _measured(low: Any, high: Any, clean: Any) -> tuple[int, float] | None:
    places = np.flatnonzero(clean)
    if len(places) < 2:  # noqa: PLR2004 (a jump is a difference)
        return None
    first, last = places[0], places[-1]
    last -= (last - first) % PERIOD if last - first >= PERIOD else 0  # neighbours may differ, but only so many
    size = int((high[places] - low[places]).max()) + 1
    middle = (low + high) / 2
    return size, float((middle[last] - middle[first]) / (last - first))


def _seen(node: Node, inputs: list[Seen | None], axis: int, length: int) -> Seen | None:
    layer = node.layer
    if isinstance(layer, joins.Input):
        return np.arange(length), np.arange(length), np.full(length, fill_value=True)
    if any(x is None for x in inputs):
        return None
    known = [x for x in inputs if x is not None]
    if len(known) > 1:
        if len({len(x[0]) for x in known}) > 1:
            return None
        lows, highs, cleans = zip(*known, strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0), np.all(cleans, axis=0)
    return _seen_by(layer, known[0], axis)


def _seen_by(layer: Layer, x: Seen, axis: int) -> Seen | None:
    if isinstance(layer, windows.Window):
        return _seen_through(layer, x, axis)
    if isinstance(layer, windows.ConvTranspose):
        return _seen_spread(layer, x, axis)
    if isinstance(layer, windows.Pad):
        return _with_borders(x, _of_axis(layer.amount, axis))
    if isinstance(layer, windows.Crop):
        a, b = _of_axis(layer.amount, axis)
        low, high, clean = (values[a : len(values) - b] for values in x)
        return low, high, clean
    if isinstance(layer, windows.Upsample):
        low, high, clean = (np.repeat(values, _of_axis(layer.scale, axis)) for values in x)
        return low, high, clean
    lost = (dense.Flatten, dense.Reshape, windows.GlobalPool, sequences.Recurrent, sequences.Attention)
    return None if isinstance(layer, lost) else x


def _of_axis(values: Any, axis: int) -> Any:
    return values[axis] if len(values) > 1 else values[0]


def _with_borders(x: Seen, pads: tuple[int, int]) -> Seen:
    low, high, clean = x
    return (
        np.pad(low, pads, constant_values=_FAR),
        np.pad(high, pads, constant_values=-_FAR),
        np.pad(clean, pads, constant_values=False),
    )


def _seen_through(layer: Any, x: Seen, axis: int) -> Seen:
    kernel, stride, dilation = (_of_axis(values, axis) for values in (layer.kernel, layer.strides(), layer.dilation))
    padding: Any = layer.padding
    pads = (-1, -1) if padding == "same" else (0, 0) if padding == "valid" else _of_axis(padding, axis)
    window = _axis(len(x[0]), kernel, stride, pads, dilation, rounds_up=getattr(layer, "ceil", False))
    low, high, clean = _with_borders(x, window.pads)
    span = range(0, kernel * dilation, dilation)[-1] + 1
    views = (
        np.lib.stride_tricks.sliding_window_view(v, span)[: (window.places - 1) * stride + 1 : stride, ::dilation]
        for v in (low, high, clean)
    )
    lows, highs, cleans = views
    return lows.min(axis=1), highs.max(axis=1), cleans.all(axis=1)


def _seen_spread(layer: Any, x: Seen, axis: int) -> Seen:
    """Send what every entry has seen to where the transposed convolution puts it."""
    kernel, stride, dilation, extra = (
        _of_axis(values, axis) for values in (layer.kernel, layer.stride, layer.dilation, layer.output_padding)
    )
    n = len(x[0])
    full = (n - 1) * stride + range(0, kernel * dilation, dilation)[-1] + 1 + extra
    low, high, clean = np.full(full, _FAR), np.full(full, -_FAR), np.full(full, fill_value=True)
    senders = np.zeros(full, dtype=int)
    for t in range(kernel):
        at = slice(t * dilation, t * dilation + (n - 1) * stride + 1, stride)
        low[at], high[at] = np.minimum(low[at], x[0]), np.maximum(high[at], x[1])
        clean[at] &= x[2]
        senders[at] += 1
    border = kernel * dilation
    clean[:border], clean[full - border :] = False, False
    clean &= senders > 0
    if layer.padding == "same":
        cut = max(full - n * stride, 0)
        kept = slice(cut // 2, cut // 2 + n * stride)
    else:
        a, b = (0, 0) if layer.padding == "valid" else _of_axis(layer.padding, axis)
        kept = slice(a, full - b)
    return low[kept], high[kept], clean[kept]
