"""Forward passes: two kinds of layers that agree with plain enumeration and refuse what does not fit."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc.passes import Allocated, Convolution, Layers, Reading

KINDS = pytest.mark.parametrize("kind", [Reading, Allocated])
few = st.integers(1, 4)


@KINDS
def test_a_linear_layer_has_a_weight_per_pair_and_a_bias_per_unit(kind: type[Layers]) -> None:
    net = kind()
    net.linear(net.linear(net.vector(7), 5, "W1", "b1"), 3, "W2")
    assert net.counts == {"W1": 35, "b1": 5, "W2": 15}


@KINDS
def test_every_call_is_a_layer_of_its_own(kind: type[Layers]) -> None:
    net = kind()
    x = net.vector(4)
    for _ in range(3):
        x = net.linear(x, 4, "W", "b")
    assert net.counts == {"W": 48, "b": 12}


def enumerated(layer: Convolution, channels: int, positions: int) -> tuple[int, int]:
    """Count the weights and biases one by one, from what a convolution is."""
    own = 1 if layer.shared else positions
    per_group = channels // layer.groups
    weights = sum(1 for _ in product(range(layer.filters), range(per_group), *map(range, layer.window), range(own)))
    return weights, layer.filters * own if layer.bias else 0


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Convolution, int]:
    """Draw a convolution and the channels of its input, which the groups divide."""
    groups = draw(st.integers(1, 3))
    layer = Convolution(
        filters=groups * draw(st.integers(1, 2)),
        window=tuple(draw(st.lists(few, max_size=2))),
        weight="w",
        bias=draw(st.sampled_from(["", "b"])),
        stride=draw(st.integers(1, 2)),
        groups=groups,
        shared=draw(st.booleans()),
    )
    return layer, groups * draw(st.integers(1, 2))


@KINDS
@settings(max_examples=30)
@given(drawn=convolutions(), room=st.integers(0, 2))
def test_a_convolution_has_the_weights_of_its_definition(
    kind: type[Layers], drawn: tuple[Convolution, int], room: int
) -> None:
    layer, channels = drawn
    net = kind()
    net.convolution(net.image(channels, [k + room for k in layer.window]), layer)
    positions = (room // layer.stride + 1) ** len(layer.window)
    assert (net.counts["w"], net.counts["b"]) == enumerated(layer, channels, positions)


@KINDS
def test_a_stride_and_a_padding_change_the_shape_as_they_should(kind: type[Layers]) -> None:
    net = kind()
    x = net.image(2, (5, 5))
    same = net.convolution(x, Convolution(2, (3, 3), "w", padding=1))
    half = net.convolution(x, Convolution(2, (3, 3), "w", padding=1, stride=2))
    net.add(x, same)
    net.add(half, net.image(2, (3, 3)))
    with pytest.raises(ValueError, match="different shapes"):
        net.add(x, half)


@KINDS
def test_nothing_is_broadcast(kind: type[Layers]) -> None:
    net = kind()
    with pytest.raises(ValueError, match="different shapes"):
        net.add(net.vector(3), net.vector(1))


@KINDS
def test_a_normalisation_has_two_numbers_per_channel_whatever_the_image(kind: type[Layers]) -> None:
    net = kind()
    net.norm(net.image(6, (3, 2)), "scale", "shift")
    assert net.counts == {"scale": 6, "shift": 6}


def test_the_loops_compute_what_the_sums_say() -> None:
    net = Reading()
    assert net.linear(net.vector(3), 2, "W", "b") == [{(): 4}, {(): 4}]
    (out,) = net.convolution(net.image(1, (2,)), Convolution(1, (3,), "w", padding=1))
    assert out == {(0,): 2, (1,): 2}
    assert net.norm([{(): 5}], "s", "t") == [{(): 6}]
    assert net.add([{(): 5}], [{(): 2}]) == [{(): 7}]
