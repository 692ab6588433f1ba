"""Layers that connect everything: fully connected ones, and what leads to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.networks.layer import Effect, Layer, Misfit, different, given
from dlcalc.networks.quantities import Quantity, Shape, product, text_of, tidy, written

if TYPE_CHECKING:
    from dlcalc.networks.field import Fields


@dataclass(frozen=True)
class Fc(Layer):
    """A fully connected layer on the last axis: n·m weights, m biases; applied at every place of the other axes."""

    units: Quantity = given("count", "out", "features", place=1)
    bias: bool = given("switch", default=True)

    def effect(self, *inputs: Shape) -> Effect:
        """Count a weight per input and unit, and a bias per unit."""
        (shape,) = inputs
        weights = (shape[-1], self.units)
        return Effect(
            (*shape[:-1], self.units),
            (weights,),
            ((self.units,),) if self.bias else (),
            ((*shape[:-1], *weights),),
            because=f"{text_of(self.units)} {'unit' if self.units == 1 else 'units'} on {text_of(shape[-1])} inputs"
            f"{', a bias each' if self.bias else ''}",
        )

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """See everything, where there are no places apart from the features."""
        return field if len(inputs[0]) > 1 else None


@dataclass(frozen=True)
class Rbf(Layer):
    """Distances to prototypes that are fixed, as in LeNet-5's output: n·m numbers, none of them trained."""

    units: Quantity = given("count", "out", place=1)

    def effect(self, *inputs: Shape) -> Effect:
        """Count a fixed number per input and unit."""
        (shape,) = inputs
        fixed = (shape[-1], self.units)
        return Effect((*shape[:-1], self.units), macs=((*shape[:-1], *fixed),), fixed=(fixed,))


@dataclass(frozen=True)
class Flatten(Layer):
    """All entries in one row; no new array is made."""

    def effect(self, *inputs: Shape) -> Effect:
        """Multiply the axes."""
        return Effect((product(inputs[0]),))

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Lose the places."""
        return field if len(inputs[0]) == 1 else None

    @property
    def holds(self) -> bool:
        """Say that the entries stay where they are."""
        return False


@dataclass(frozen=True)
class Reshape(Layer):
    """The same entries in another shape; no new array is made."""

    shape: Shape = given("shape", "size", place=1)

    def effect(self, *inputs: Shape) -> Effect:
        """Keep the number of entries."""
        before, after = product(inputs[0]), product(self.shape)
        if different(before, after):
            raise Misfit(
                f"its input {written(inputs[0])} has {text_of(before)} entries, but {written(self.shape)} has "
                f"{text_of(after)}",
                "give a shape with as many entries",
            )
        return Effect(tuple(map(tidy, self.shape)))

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Lose the places."""
        del field, inputs
        return None

    @property
    def holds(self) -> bool:
        """Say that the entries stay where they are."""
        return False


@dataclass(frozen=True)
class Bias(Layer):
    """A bias added to the last axis, where a file keeps it apart from the weights."""

    def effect(self, *inputs: Shape) -> Effect:
        """Count a bias per entry of the last axis."""
        (shape,) = inputs
        return Effect(shape, biases=((shape[-1],),), because="a bias per feature")
