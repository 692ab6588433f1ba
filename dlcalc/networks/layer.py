"""What a kind of layer is: a frozen record with one method, whose fields say how they are written.

    @dataclass(frozen=True)
    class Fc(Layer):
        units: Quantity = given("count", place=1)
        bias: bool = given("switch", default=True)

        def effect(self, *inputs: Shape) -> Effect: ...

is written `fc 10` or `fc units=10 no-bias`. `effect` is a pure function of the shapes that flow in; it returns
what flows out and what that takes, or raises `Misfit` with the nearest fix.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from dlcalc.errors import DlcalcError
from dlcalc.networks.quantities import Quantity, Shape, tidy, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.networks.field import Fields
    from dlcalc.notation.expression import Relation

T = TypeVar("T")
Sort = Literal["count", "number", "axes", "padding", "shape", "switch", "word"]
"""How a field is read: a whole number or symbol, any number, one number per axis or for all, also `same` and `valid`
or `before:after`, a whole shape, present or absent, one of a few words."""

Axes = tuple[Quantity, ...]
"""A number per spatial axis, or one for all of them."""
Padding = tuple[tuple[Quantity, Quantity], ...] | Literal["same", "valid"]
"""Zeros before and after, per axis or for all; or what TensorFlow calls `same` and `valid`."""
NO_PADDING: Padding = ((0, 0),)


class Misfit(DlcalcError):  # noqa: N818 (an error that says what does not fit)
    """A layer that cannot take what flows in; the walk adds which layer it is."""


Terms = tuple[tuple[Quantity, ...], ...]
"""A sum of products, as it is written in a derivation: ((3, 3, 3, 64),) is 3·3·3·64."""
NOTHING: Terms = ()


class Effect(NamedTuple):
    """What a layer makes of its inputs, and what that takes."""

    output: Shape
    weights: Terms = NOTHING
    biases: Terms = NOTHING
    macs: Terms = NOTHING
    fixed: Terms = NOTHING
    """Numbers that the layer keeps but does not train: running statistics, prototypes."""
    because: str = ""
    """Where the parameters come from, in words."""
    needs: tuple[Relation, ...] = ()
    """What must hold of symbols: a window fits, groups divide."""


@dataclass(frozen=True)
class Layer:
    """A layer that leaves everything as it is."""

    def effect(self, *inputs: Shape) -> Effect:
        """Return what flows out of the layer, and what that takes."""
        return Effect(inputs[0])

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """Return what its output entries see; None where that is the whole input."""
        del inputs
        return field

    @property
    def holds(self) -> bool:
        """Say whether it makes an array of its own, whose entries are activations."""
        return True


@dataclass(frozen=True)
class Macro(Layer):
    """A layer that is several in a row."""

    def parts(self) -> Sequence[Layer]:
        """Return the layers that it stands for."""
        raise NotImplementedError


# how the fields are written


class Argument(NamedTuple):
    """A field of a layer, as the language reads it."""

    name: str
    sort: Sort
    place: int
    """Where it stands among the arguments without a name; 0 for an option, which has to be named."""
    flags: tuple[str, ...]
    """Its names; those of one or two letters are written before the number: `s2`."""
    words: tuple[str, ...]
    least: int
    required: bool


def given(
    sort: Sort,
    *flags: str,
    place: int = 0,
    default: Any = MISSING,  # noqa: ANN401 (whatever the field holds)
    words: tuple[str, ...] = (),
    least: int = 1,
) -> Any:  # noqa: ANN401 (a field of any type)
    """Declare a field of a layer."""
    metadata = {"sort": sort, "flags": flags, "place": place, "words": words, "least": least}
    return field(default=default, metadata=metadata)


def arguments(kind: type[Layer]) -> tuple[Argument, ...]:
    """Return how the fields of a kind of layer are written, in the order of their places."""
    known = _ARGUMENTS.get(kind)
    if known is not None:
        return known
    found = [
        Argument(
            f.name,
            f.metadata["sort"],
            f.metadata["place"],
            (f.name.replace("_", "-"), *f.metadata["flags"]),
            f.metadata["words"],
            f.metadata["least"],
            f.default is MISSING,
        )
        for f in fields(kind)
        if f.metadata
    ]
    _ARGUMENTS[kind] = tuple(sorted(found, key=lambda argument: argument.place or len(found) + 1))
    return _ARGUMENTS[kind]


_ARGUMENTS: dict[type[Layer], tuple[Argument, ...]] = {}
"""What `arguments` has found, once per kind of layer."""


# what several kinds ask


def spatial(shape: Shape, what: str) -> tuple[Axes, Quantity]:
    """Split a shape into its spatial axes and its channels."""
    if len(shape) == 1:
        raise Misfit(
            f"its input is {written(shape)}, a vector, and {what} needs axes to move along",
            "write the input as HxWxC, such as 28x28x1, or put the layer before flatten",
        )
    return shape[:-1], shape[-1]


def per_axis(values: tuple[T, ...], axes: int, shape: Shape, what: str) -> tuple[T, ...]:
    """Repeat a value for every axis, or check that there is one for each; the channels may stand behind."""
    if len(values) == axes:
        return values
    if len(values) == 1:
        return values * axes
    if len(values) == axes + 1 and values[-1] in {shape[-1], 1}:
        return values[:-1]
    image = "x".join(map(str, (*shape, 1)))
    raise Misfit(
        f"its input is {written(shape)} ({axes} spatial {'axis' if axes == 1 else 'axes'} and the channels), but its "
        f"{what} has {len(values)} axes",
        f"write the input with its channels: {image}" if len(values) == len(shape) else f"give {axes}, or one for all",
    )


def known(*values: Quantity) -> bool:
    """Say whether all are numbers."""
    return all(isinstance(value, int) for value in values)


def different(a: Quantity, b: Quantity) -> bool:
    """Say whether two quantities differ: as numbers, or for some symbols."""
    return a != b and tidy(a - b) != 0
