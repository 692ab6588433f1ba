"""Layers that keep the shape: norms, activation functions, dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.networks.layer import Effect, Layer, given
from dlcalc.networks.windows import divides

if TYPE_CHECKING:
    from dlcalc.networks.quantities import Quantity, Shape

ACTIVATIONS = (
    "relu", "relu6", "leaky-relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh", "softmax",
    "log-softmax", "softplus", "softsign", "hard-sigmoid", "hard-swish", "hard-tanh", "lrn", "swish",
)  # fmt: skip
"""Functions without parameters (lrn: AlexNet's local response normalisation)."""


@dataclass(frozen=True)
class Norm(Layer):
    """A normalisation: a scale and a shift per channel, 2C parameters; batch norm also keeps 2C running statistics."""

    mode: str = given("word", default="batch", words=("batch", "layer", "group", "instance", "rms"), place=1)
    groups: Quantity = given("count", "g", place=2, default=1)
    affine: bool = given("switch", default=True)
    scale: bool = given("switch", default=True)
    shift: bool = given("switch", default=True)

    def effect(self, *inputs: Shape) -> Effect:
        """Count scales as weights, shifts as biases; neither multiplies an activation by a weight of another."""
        (shape,) = inputs
        channels = shape[-1]
        needs = divides(self.groups, channels, "channels")
        scales = self.affine and self.scale
        shifts = self.affine and self.shift and self.mode != "rms"
        said = " and ".join(word for word, there in (("a scale", scales), ("a shift", shifts)) if there)
        return Effect(
            shape,
            ((channels,),) if scales else (),
            ((channels,),) if shifts else (),
            fixed=((2, channels),) if self.mode == "batch" else (),
            because=f"{said} per channel",
            needs=needs,
        )


@dataclass(frozen=True)
class Activation(Layer):
    """A function of every entry, without parameters."""

    function: str = given("word", default="relu", words=ACTIVATIONS)


@dataclass(frozen=True)
class Prelu(Layer):
    """x above 0 and a·x below it; a is trained: one for all (PyTorch's default), or one per channel."""

    channels: bool = given("switch", "per-channel", default=False)

    def effect(self, *inputs: Shape) -> Effect:
        """Count the slopes."""
        (shape,) = inputs
        slopes = shape[-1] if self.channels else 1
        return Effect(shape, ((slopes,),), because="a slope per channel" if self.channels else "one slope for all")


@dataclass(frozen=True)
class Dropout(Layer):
    """Entries set to zero in training; nothing at test time."""

    rate: Quantity = given("number", "p", place=1, default=0)
