"""Models of other frameworks: Keras JSON and ONNX, counted as their frameworks count them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dlcalc import DlcalcError, network

if TYPE_CHECKING:
    from pathlib import Path


def layer(kind: str, name: str, inbound: list[str] | None = None, **config: object) -> dict[str, Any]:
    entry = {"class_name": kind, "config": {"name": name, **config}, "name": name}
    return (
        entry
        if inbound is None
        else entry | {"inbound_nodes": [[[source, 0, 0, {}] for source in inbound]] if inbound else []}
    )


def kept(folder: Path, layers: list[dict[str, Any]], kind: str = "Sequential") -> Path:
    path = folder / "model.json"
    path.write_text(
        json.dumps({"class_name": kind, "config": {"name": "m", "layers": layers}, "keras_version": "2.15.0"})
    )
    return path


def test_a_sequential_model(tmp_path: Path) -> None:
    """Counts of Keras' own summary of its MNIST example."""
    found = network(
        file=kept(tmp_path, [
            layer("InputLayer", "in", batch_input_shape=[None, 28, 28, 1]),
            layer("Conv2D", "c1", filters=32, kernel_size=[3, 3], strides=[1, 1], padding="valid", activation="relu"),
            layer("MaxPooling2D", "p1", pool_size=[2, 2], strides=[2, 2], padding="valid"),
            layer("Conv2D", "c2", filters=64, kernel_size=[3, 3], strides=[1, 1], padding="valid", activation="relu"),
            layer("MaxPooling2D", "p2", pool_size=[2, 2], strides=[2, 2], padding="valid"),
            layer("Flatten", "f"), layer("Dropout", "d", rate=0.5), layer("Dense", "o", units=10, activation="softmax"),
        ])
    )  # fmt: skip
    assert found.value == 34_826
    assert found["output"].text == "10"
    assert found.holds


def test_a_functional_model_with_a_residual(tmp_path: Path) -> None:
    layers = [
        layer("InputLayer", "in", [], batch_input_shape=[None, 8, 8, 4]),
        layer("Conv2D", "c", ["in"], filters=4, kernel_size=[3, 3], strides=[1, 1], padding="same", use_bias=False),
        layer("BatchNormalization", "n", ["c"]),
        layer("Add", "a", ["in", "n"]),
        layer("GlobalAveragePooling2D", "g", ["a"]),
    ]
    found = network(file=kept(tmp_path, layers, "Functional"))
    assert (found.value, found["fixed"].computed) == (144 + 8, 8)
    assert found.holds


def test_keras_3_writes_its_connections_as_objects(tmp_path: Path) -> None:
    def from_(name: str) -> dict[str, Any]:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}

    layers = [
        layer("InputLayer", "in", batch_shape=[None, 10]) | {"inbound_nodes": []},
        layer("Dense", "d", units=10) | {"inbound_nodes": [{"args": [from_("in")], "kwargs": {}}]},
        layer("Concatenate", "k", axis=-1) | {"inbound_nodes": [{"args": [[from_("in"), from_("d")]], "kwargs": {}}]},
    ]
    found = network(file=kept(tmp_path, layers, "Functional"))
    assert (found.value, found["output"].text) == (110, "20")


def test_a_layer_that_is_called_twice_has_its_weights_once(tmp_path: Path) -> None:
    twice = layer("Dense", "d", units=10) | {"inbound_nodes": [[["in", 0, 0, {}]], [["d", 0, 0, {}]]]}
    found = network(
        file=kept(tmp_path, [layer("InputLayer", "in", [], batch_input_shape=[None, 10]), twice], "Functional")
    )
    assert (found.value, found["macs"].computed) == (110, 200)


@pytest.mark.parametrize(("kind", "parameters"), [("SimpleRNN", 416), ("LSTM", 1664), ("GRU", 1296)])
def test_recurrent_layers_as_keras_counts_them(tmp_path: Path, kind: str, parameters: int) -> None:
    """16 units on 9 features: Keras has one bias vector, its GRU two."""
    found = network(
        file=kept(tmp_path, [layer("InputLayer", "in", batch_input_shape=[None, 5, 9]), layer(kind, "r", units=16)])
    )
    assert found.value == parameters
    assert found["output"].text == "16"


BROKEN = [
    ("{", "is no Keras model"),
    ('{"a": 1}', "is no Keras model"),
    ("[]", "is no Keras model"),
    (
        json.dumps({"config": {"layers": [layer("Conv2D", "c", batch_input_shape=[None, 8, 8, 1])]}}),
        "is not as Keras writes it",
    ),
    (
        json.dumps({"config": {"layers": [layer("Convv2D", "c", batch_input_shape=[None, 8, 8, 1])]}}),
        "did you mean Conv2D?",
    ),
    (
        json.dumps({"config": {"layers": [layer("Flatten", "c", batch_input_shape=[None, None, 8, 1])]}}),
        "leaves the size",
    ),
    (json.dumps({"config": {"layers": []}}), "leaves the size"),
]


@pytest.mark.parametrize(("text", "condition"), BROKEN, ids=[row[1] for row in BROKEN])
def test_what_is_no_keras_model(tmp_path: Path, text: str, condition: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(DlcalcError, match=r".") as caught:
        network(file=path)
    assert condition in str(caught.value)


def test_an_onnx_model(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    make = onnx.helper

    def tensor(name: str, *dims: int) -> object:
        size = 1
        for dim in dims:
            size *= dim
        return make.make_tensor(name, onnx.TensorProto.FLOAT, dims, [0.0] * size)

    nodes = [
        make.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2], kernel_shape=[3, 3]),
        make.make_node("Relu", ["c"], ["r"]),
        make.make_node("Conv", ["r", "v"], ["d"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        make.make_node("Add", ["d", "r"], ["s"]),
        make.make_node("MaxPool", ["s"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        make.make_node("Flatten", ["p"], ["f"]),
        make.make_node("Gemm", ["f", "m", "n"], ["y"], transB=1),
    ]
    floats = onnx.TensorProto.FLOAT
    graph = make.make_graph(
        nodes,
        "g",
        [make.make_tensor_value_info("x", floats, ["batch", 3, 16, 16])],
        [make.make_tensor_value_info("y", floats, ["batch", 10])],
        [tensor("w", 8, 3, 3, 3), tensor("b", 8), tensor("v", 8, 8, 3, 3), tensor("m", 10, 128), tensor("n", 10)],
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(make.make_model(graph).SerializeToString())
    found = network(file=path)
    assert found.value == (216 + 8) + 576 + 1290
    assert found["output"].text == "10"
    assert found.holds


def test_what_is_no_onnx_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(DlcalcError) as caught:
        network(file=path)
    assert "is not an ONNX model" in str(caught.value) or "the onnx package is not installed" in str(caught.value)
