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


# steps, tables, heads


@KINDS
def test_a_tensor_that_is_named_again_is_the_same_one_where_layers_are_tied(kind: type[Layers]) -> None:
    net = kind(tied=True)
    x = net.vector(4)
    for _ in range(3):
        x = net.linear(x, 4, "W", "b")
    assert net.counts == {"W": 16, "b": 4}


def test_a_tied_tensor_keeps_its_shape() -> None:
    net = Allocated(tied=True)
    net.linear(net.vector(4), 3, "W")
    with pytest.raises(ValueError, match="the tensor has another shape"):
        net.linear(net.vector(3), 4, "W")


@KINDS
def test_a_table_is_read_whole_and_can_be_the_matrix_of_a_layer(kind: type[Layers]) -> None:
    net = kind(tied=True)
    first = net.table(5, 3, "words")[0]
    net.linear(net.add(first, net.table(2, 3, "places")[1]), 5, "words", "b")
    assert net.counts == {"words": 15, "places": 6, "b": 5}


@KINDS
def test_a_projection_has_a_row_per_entry_and_serves_all_rows(kind: type[Layers]) -> None:
    net = kind()
    net.project(net.table(7, 3), 2, "W", "b")
    assert net.counts == {"W": 6, "b": 2}


@KINDS
def test_scores_are_counted_pair_by_pair_and_mix_the_values(kind: type[Layers]) -> None:
    net = kind()
    scores = net.scores(net.table(4, 3), net.table(5, 3), "scores")
    heads = [net.mix(scores, net.table(5, 2)) for _ in range(3)]
    net.project(net.beside(heads), 1, "out")
    assert net.counts == {"scores": 20, "out": 6}


@KINDS
def test_a_vector_is_cut_into_equal_parts_and_joined(kind: type[Layers]) -> None:
    net = kind()
    first, second, third = net.split(net.vector(6), 3)
    net.linear(net.join([net.multiply(first, second), third]), 1, "W")
    assert net.counts == {"W": 4}


@KINDS
def test_a_normalisation_may_lack_its_scale_or_its_shift_and_keeps_moments(kind: type[Layers]) -> None:
    net = kind()
    x = net.norm(net.norm(net.image(4, (2,)), "scale", ""), "", "shift")
    net.moments(x, "mean", "variance")
    assert net.counts == {"scale": 4, "shift": 4, "mean": 4, "variance": 4}


@KINDS
def test_what_does_not_fit_is_refused(kind: type[Layers]) -> None:
    net = kind()
    with pytest.raises(ValueError, match="the factors have different lengths"):
        net.multiply(net.vector(3), net.vector(2))
    with pytest.raises(ValueError, match="the parts have different lengths"):
        net.split(net.vector(5), 2)
    with pytest.raises(ValueError):  # noqa: PT011 (the words are NumPy's, or zip's)
        net.scores(net.table(2, 3), net.table(2, 4), "scores")
    with pytest.raises(ValueError):  # noqa: PT011 (as above)
        net.mix(net.scores(net.table(2, 3), net.table(3, 3), "scores"), net.table(2, 4))
    with pytest.raises(ValueError):  # noqa: PT011 (as above)
        net.beside([net.table(2, 3), net.table(3, 3)])


def test_the_loops_compute_what_heads_say() -> None:
    net = Reading()
    (row,) = net.project(net.table(1, 3), 2, "W", "b")
    assert row == [{(): 1}, {(): 1}]  # an input without a name is zero
    ones = net.table(2, 3, "E")
    assert net.scores(ones, ones, "s") == [[3, 3], [3, 3]]
    assert net.mix([[2, 3]], ones) == [[{(): 5}] * 3]
    assert net.beside([ones, ones])[0] == [{(): 1}] * 6
