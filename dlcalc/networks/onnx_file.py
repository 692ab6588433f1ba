"""ONNX models, read by the `onnx` package (an optional extra); only shapes are looked at, never weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError, nearest
from dlcalc.networks.dense import Bias, Fc, Flatten
from dlcalc.networks.elementwise import Activation, Dropout, Norm
from dlcalc.networks.graph import Graph
from dlcalc.networks.joins import Add, Concat, Input
from dlcalc.networks.layer import Layer, Padding
from dlcalc.networks.windows import Conv, ConvTranspose, GlobalPool, Pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlcalc.networks.quantities import Shape


# ruff: noqa: ANN401 (the onnx package has no types)


def read_onnx(content: bytes, name: str, shape: Shape | None = None) -> Graph:
    """Read a model; `shape` (channels last) stands in where the model leaves its input open.

    Raises DlcalcError where the package is missing, for what is no model, and for an operator that is not known.
    """
    try:
        import onnx
    except ImportError:
        raise DlcalcError(
            f"--file {name} is an ONNX model, and the onnx package is not installed", "pip install 'dlcalc-exam[onnx]'"
        ) from None
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except Exception as problem:  # noqa: BLE001 (the package raises errors of several libraries)
        reason = str(problem).strip().split("\n", 1)[0][:80]
        raise DlcalcError(
            f"--file {name} is not an ONNX model ({reason})", "export it with torch.onnx.export"
        ) from None
    return _Reader(model.graph, onnx.helper.get_attribute_value, name).graph(shape)


class _Reader:
    """Adds the operators of a model to a graph; tensors are known by their names."""

    def __init__(self, model: Any, value_of: Callable[[Any], Any], name: str) -> None:
        self.model, self.value_of, self.name = model, value_of, name
        self.weights = {tensor.name: tuple(tensor.dims) for tensor in model.initializer}
        self.places: dict[str, int] = {}
        self.built = Graph()
        self.held: dict[str, int] = {}
        """The node that uses a tensor of weights first."""

    def graph(self, shape: Shape | None) -> Graph:
        """Build the graph."""
        inputs = [value for value in self.model.input if value.name not in self.weights]
        if len(inputs) != 1:
            raise DlcalcError(f"--file {self.name} has {len(inputs)} inputs", "give a model with one input")
        sizes = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim][1:]
        size: Any = shape or (*sizes[1:], sizes[0]) if sizes else shape
        if not size or 0 in size:
            raise DlcalcError(f"--file {self.name} leaves the size of its input open", "write it first: 224x224x3")
        self.places[inputs[0].name] = self.built.add(Input(tuple(size)), text="input")
        for node in self.model.node:
            self.add(node)
        return self.built

    def add(self, node: Any) -> None:
        """Add an operator."""
        flowing = [name for name in node.input if name in self.places]
        attributes = {attribute.name: self.value_of(attribute) for attribute in node.attribute}
        if not flowing:  # constants, and what is computed from them alone
            dims = tuple(attributes["value"].dims) if node.op_type == "Constant" and "value" in attributes else ()
            self.weights.update(dict.fromkeys(node.output, dims))
            return
        if node.op_type == "Reshape":
            self.built.notes = ("Reshape is read as flatten",)
        held = [self.weights[name] for name in node.input if name in self.weights]
        make = _OPERATORS.get(node.op_type)
        if make is None:
            fix = nearest(node.op_type, _OPERATORS) or f"known are {', '.join(sorted(_OPERATORS)[:12])}, …"
            raise DlcalcError(f"--file {self.name}: the ONNX operator {node.op_type} is not known", fix)
        try:
            layer = make(attributes, held, len(flowing))
        except (ValueError, IndexError, KeyError) as problem:
            raise DlcalcError(
                f"--file {self.name}: {node.op_type} {node.name} cannot be read ({problem})", "give it as a stack"
            ) from None
        weight = next((name for name in node.input if self.weights.get(name)), None)
        shares = self.held.get(weight) if weight else None
        at = self.built.add(
            layer, *(self.places[n] for n in flowing), text=node.op_type.lower(), name=node.name, shares=shares
        )
        if weight and shares is None:
            self.held[weight] = at
        self.places[node.output[0]] = at


Attributes = dict[str, Any]
Sizes = list[tuple[int, ...]]


def _padding(attributes: Attributes) -> Padding:
    automatic = attributes.get("auto_pad", b"NOTSET").decode()
    if automatic == "SAME_UPPER":
        return "same"
    if automatic not in {"NOTSET", "VALID"}:
        raise ValueError(f"auto_pad {automatic}")
    pads = tuple(attributes.get("pads", ()))
    half = len(pads) // 2
    return tuple(zip(pads[:half], pads[half:], strict=True)) or ((0, 0),)


def _conv(attributes: Attributes, held: Sizes, _: int) -> Layer:
    filters, _seen, *window = held[0]
    return Conv(
        filters,
        tuple(window),
        tuple(attributes.get("strides", (1,))),
        _padding(attributes),
        tuple(attributes.get("dilations", (1,))),
        attributes.get("group", 1),
        bias=len(held) > 1,
    )


def _transposed(attributes: Attributes, held: Sizes, _: int) -> Layer:
    _seen, filters, *window = held[0]
    groups = attributes.get("group", 1)
    return ConvTranspose(
        filters * groups,
        tuple(window),
        tuple(attributes.get("strides", (1,))),
        _padding(attributes),
        tuple(attributes.get("output_padding", (0,))),
        tuple(attributes.get("dilations", (1,))),
        groups,
        bias=len(held) > 1,
    )


def _gemm(attributes: Attributes, held: Sizes, _: int) -> Layer:
    rows, columns = held[0]
    return Fc(rows if attributes.get("transB", 0) else columns, bias=len(held) > 1)


def _matmul(attributes: Attributes, held: Sizes, _: int) -> Layer:
    del attributes
    if not held:
        raise ValueError("a product of activations")
    return Fc(held[0][-1], bias=False)


def _pool(mode: str) -> Callable[[Attributes, Sizes, int], Layer]:
    def made(attributes: Attributes, held: Sizes, _: int) -> Layer:
        del held
        return Pool(
            tuple(attributes["kernel_shape"]),
            mode,
            tuple(attributes.get("strides", (1,))),
            _padding(attributes),
            tuple(attributes.get("dilations", (1,))),
            ceil=bool(attributes.get("ceil_mode", 0)),
        )

    return made


def _add(attributes: Attributes, held: Sizes, flowing: int) -> Layer:
    del attributes
    if flowing > 1:
        return Add()
    longer = [size for size in held[0] if size != 1]
    if len(longer) > 1:
        raise ValueError("a constant of several axes is added")
    return Bias() if longer else Layer()


def _mul(attributes: Attributes, held: Sizes, flowing: int) -> Layer:
    del attributes
    if flowing > 1:
        return Add(multiply=True)
    if any(size != 1 for size in held[0]):
        raise ValueError("it multiplies by a constant of several entries")
    return Layer()


def _concat(attributes: Attributes, held: Sizes, _: int) -> Layer:
    del held
    if attributes.get("axis") != 1:
        raise ValueError("it is not along the channels")
    return Concat()


def _plain(layer: Layer) -> Callable[[Attributes, Sizes, int], Layer]:
    return lambda _attributes, _held, _flowing: layer


_OPERATORS: dict[str, Callable[[Attributes, Sizes, int], Layer]] = {
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("avg"),
    "GlobalAveragePool": _plain(GlobalPool()),
    "GlobalMaxPool": _plain(GlobalPool("max")),
    "BatchNormalization": _plain(Norm("batch")),
    "LayerNormalization": _plain(Norm("layer")),
    "Flatten": _plain(Flatten()),
    "Reshape": _plain(Flatten()),
    "Add": _add,
    "Mul": _mul,
    "Concat": _concat,
    "Dropout": _plain(Dropout()),
    "Identity": _plain(Layer()),
    "Clip": _plain(Activation("relu6")),
    **{
        name: _plain(Activation(word))
        for name, word in (
            ("Relu", "relu"), ("LeakyRelu", "leaky-relu"), ("Sigmoid", "sigmoid"), ("Tanh", "tanh"), ("Elu", "elu"),
            ("Softmax", "softmax"), ("LogSoftmax", "log-softmax"), ("HardSwish", "hard-swish"), ("Gelu", "gelu"),
            ("HardSigmoid", "hard-sigmoid"), ("Softplus", "softplus"), ("LRN", "lrn"), ("Selu", "selu"),
        )
    },
}  # fmt: skip
