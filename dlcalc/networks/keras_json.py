"""Keras models as their JSON, `model.to_json()`, read without Keras: sequential and functional, of Keras 2 and 3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError, nearest
from dlcalc.networks.dense import Fc, Flatten, Reshape
from dlcalc.networks.elementwise import Activation, Dropout, Norm, Prelu
from dlcalc.networks.graph import Graph
from dlcalc.networks.joins import Add, Concat, Input
from dlcalc.networks.layer import Layer
from dlcalc.networks.sequences import Embedding, Recurrent
from dlcalc.networks.windows import Conv, ConvTranspose, Crop, Depthwise, GlobalPool, Pad, Pool, Upsample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlcalc.networks.layer import Padding
    from dlcalc.networks.quantities import Shape


# ruff: noqa: ANN401 (what JSON holds)


def read_keras(text: str, name: str, shape: Shape | None = None) -> Graph:
    """Read a model; `shape` stands in where the model leaves its input open.

    Raises DlcalcError for what is no model, and for a layer that is not known.
    """
    try:
        model = json.loads(text)
        model = json.loads(model) if isinstance(model, str) else model
        config = model["config"]
        layers = config if isinstance(config, list) else config["layers"]
        nodes = [(layer["class_name"], layer["config"], layer) for layer in layers]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DlcalcError(
            f"--file {name} is no Keras model", "write model.to_json() into it, or give a stack"
        ) from None
    try:
        return _Reader(name, shape, nodes).graph()
    except (TypeError, KeyError, IndexError, ValueError, AttributeError) as problem:
        raise DlcalcError(
            f"--file {name} is not as Keras writes it ({type(problem).__name__}: {problem})",
            "write it by model.to_json()",
        ) from None


class _Reader:
    """Adds the layers of a model to a graph, in the order in which they stand."""

    def __init__(self, name: str, shape: Shape | None, nodes: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> None:
        self.name, self.shape, self.nodes = name, shape, nodes
        self.built = Graph()
        self.places: dict[str, list[int]] = {}
        """The nodes that a layer made, one for each of its calls."""

    def graph(self) -> Graph:
        """Build the graph."""
        if not self.nodes or self.nodes[0][0] != "InputLayer":
            first = self.nodes[0][1] if self.nodes else {}
            self.input(first.get("batch_input_shape") or first.get("batch_shape"))
        for kind, config, entry in self.nodes:
            if kind == "InputLayer":
                self.input(config.get("batch_shape") or config.get("batch_input_shape"))
                self.places[config["name"]] = [self.built.last]
                continue
            for call, inputs in enumerate(self.calls(entry)):
                shares = self.places[config["name"]][0] if call else None
                self.places.setdefault(config["name"], []).append(self.add(kind, config, inputs, shares))
        return self.built

    def input(self, batch_shape: list[int | None] | None) -> None:
        """Add the input; only one is read."""
        if self.built.nodes:
            raise DlcalcError(f"--file {self.name} has several inputs", "give a model with one input")
        shape: Any = self.shape or tuple(batch_shape or ())[1:]
        if not shape or None in shape:
            raise DlcalcError(f"--file {self.name} leaves the size of its input open", "write it first: 224x224x3")
        self.built.add(Input(tuple(shape)), text="input")

    def calls(self, entry: dict[str, Any]) -> Iterator[list[int]]:
        """Yield, for each call of a layer, the nodes that flow into it; one after another where nothing is said."""
        inbound = entry.get("inbound_nodes")
        if not inbound:
            yield [self.built.last]
            return
        for call in inbound:
            yield [self.places[source][index] for source, index in _sources(call)]

    def add(self, kind: str, config: dict[str, Any], inputs: list[int], shares: int | None) -> int:
        """Add a layer, and the activation function that Keras keeps inside."""
        if config.get("data_format") == "channels_first":
            raise DlcalcError(
                f"--file {self.name}: layer {config.get('name')} has its channels first", "use channels_last"
            )
        make = _LAYERS.get(kind)
        if make is None:
            fix = nearest(kind, _LAYERS) or f"known are {', '.join(sorted(_LAYERS)[:12])}, …"
            raise DlcalcError(f"--file {self.name}: the Keras layer {kind[:40]} is not known", fix)
        at, name = inputs[0], str(config.get("name", ""))
        made = make(config)
        for index, layer in enumerate(made):
            whole = inputs if index == 0 else [at]
            own = None if shares is None else shares - len(made) + 1 + index
            at = self.built.add(layer, *whole, text=kind, name=name, shares=own)
        return at


def _sources(call: Any) -> Iterator[tuple[str, int]]:
    """Find which layers, and which of their calls, flow into a call: Keras 3 writes objects, Keras 2 lists."""
    if isinstance(call, dict) and "keras_history" in call.get("config", {}):
        history = call["config"]["keras_history"]
        yield history[0], history[1]
    elif isinstance(call, dict):
        yield from (found for value in call.get("args", []) for found in _sources(value))
    elif isinstance(call, list) and call and isinstance(call[0], str):
        yield call[0], call[1]
    elif isinstance(call, list):
        yield from (found for value in call for found in _sources(value))


# layers


def _tuple(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def _window(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "kernel": _tuple(config["kernel_size"]),
        "stride": _tuple(config.get("strides", 1)),
        "padding": _named(config),
        "dilation": _tuple(config.get("dilation_rate", 1)),
        "bias": config.get("use_bias", True),
    }


def _named(config: dict[str, Any]) -> Padding:
    padding = config.get("padding", "valid")
    if padding not in {"same", "valid"}:
        raise ValueError(padding)
    return "same" if padding == "same" else "valid"


def _activated(*layers: Layer, config: dict[str, Any]) -> list[Layer]:
    function = config.get("activation")
    word = function.get("class_name", "") if isinstance(function, dict) else function
    return [*layers] if word in {None, "linear"} else [*layers, Activation(str(word))]


def _conv(config: dict[str, Any]) -> list[Layer]:
    return _activated(Conv(config["filters"], **_window(config), groups=config.get("groups", 1)), config=config)


def _depthwise(config: dict[str, Any]) -> list[Layer]:
    return _activated(Depthwise(**_window(config), multiplier=config.get("depth_multiplier", 1)), config=config)


def _separable(config: dict[str, Any]) -> list[Layer]:
    window = _window(config)
    bias = window.pop("bias")
    depthwise = Depthwise(**window, multiplier=config.get("depth_multiplier", 1), bias=False)
    return _activated(depthwise, Conv(config["filters"], (1,), bias=bias), config=config)


def _transposed(config: dict[str, Any]) -> list[Layer]:
    extra = config.get("output_padding")
    if extra is not None:
        raise ValueError("output_padding is given")
    return _activated(ConvTranspose(config["filters"], **_window(config)), config=config)


def _pool(mode: str) -> Callable[[dict[str, Any]], list[Layer]]:
    return lambda config: [
        Pool(_tuple(config["pool_size"]), mode, _tuple(config.get("strides") or config["pool_size"]), _named(config))
    ]


def _global(mode: str) -> Callable[[dict[str, Any]], list[Layer]]:
    return lambda config: _kept(config, GlobalPool(mode))


def _kept(config: dict[str, Any], layer: Layer) -> list[Layer]:
    if config.get("keepdims"):
        raise ValueError("keepdims is set")
    return [layer]


def _pairs(value: Any) -> tuple[tuple[int, int], ...]:
    if isinstance(value, int):
        return ((value, value),)
    if len(value) == 2 and all(isinstance(v, int) for v in value):  # noqa: PLR2004 (before and after, on one axis)
        return ((value[0], value[1]),)
    return tuple((a, b) for a, b in value)


def _batch_norm(config: dict[str, Any]) -> list[Layer]:
    return [Norm("batch", scale=config.get("scale", True), shift=config.get("center", True))]


def _layer_norm(config: dict[str, Any]) -> list[Layer]:
    return [Norm("layer", scale=config.get("scale", True), shift=config.get("center", True))]


def _recurrent(cell: str) -> Callable[[dict[str, Any]], list[Layer]]:
    def made(config: dict[str, Any]) -> list[Layer]:
        vectors = 2 if cell == "gru" and config.get("reset_after", True) else 1
        last = not config.get("return_sequences", False)
        return [Recurrent(config["units"], cell, bias=config.get("use_bias", True), biases=vectors, last=last)]

    return made


def _prelu(config: dict[str, Any]) -> list[Layer]:
    if not config.get("shared_axes"):
        raise ValueError("a PReLU with a slope per entry: set shared_axes")
    return [Prelu(channels=True)]


def _last_axis(config: dict[str, Any]) -> list[Layer]:
    if config.get("axis", -1) in {-1, 3}:
        return [Concat()]
    raise ValueError("a concatenation along another axis than the channels")


_LAYERS: dict[str, Callable[[dict[str, Any]], list[Layer]]] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _conv),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _transposed),
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"), _pool("max")),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"), _pool("avg")),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"), _global("avg")),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"), _global("max")),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), lambda c: [Pad(_pairs(c["padding"]))]),
    **dict.fromkeys(("Cropping1D", "Cropping2D"), lambda c: [Crop(_pairs(c["cropping"]))]),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D"), lambda c: [Upsample(_tuple(c["size"]))]),
    "Dense": lambda c: _activated(Fc(c["units"], bias=c.get("use_bias", True)), config=c),
    "Flatten": lambda _: [Flatten()],
    "Reshape": lambda c: [Reshape(tuple(c["target_shape"]))],
    "Dropout": lambda _: [Dropout()],
    "SpatialDropout2D": lambda _: [Dropout()],
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Activation": lambda c: [Activation(str(c["activation"]))],
    "ReLU": lambda _: [Activation("relu")],
    "LeakyReLU": lambda _: [Activation("leaky-relu")],
    "ELU": lambda _: [Activation("elu")],
    "Softmax": lambda _: [Activation("softmax")],
    "PReLU": _prelu,
    "Embedding": lambda c: [Embedding(c["input_dim"], c["output_dim"])],
    "SimpleRNN": _recurrent("rnn"),
    "GRU": _recurrent("gru"),
    "LSTM": _recurrent("lstm"),
    "Add": lambda _: [Add()],
    "Multiply": lambda _: [Add(multiply=True)],
    "Concatenate": _last_axis,
    "Rescaling": lambda _: [Layer()],
    "Identity": lambda _: [Layer()],
}
