"""Which entries of an array are normalised together, and which share a scale and a shift."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

IMAGE = 3
"""Axes from which on an axis of channels has positions behind it."""


class Groups(NamedTuple):
    """Places in row-major order: each group is normalised by its own mean and variance."""

    places: tuple[tuple[int, ...], ...]
    parameter: tuple[int, ...]
    """For every entry, which scale and shift it has, counted from 0."""
    parameters: int
    unit: str
    """What a group is: a feature, an example."""
    owner: str
    """What has a scale and a shift of its own."""
    over: str
    """What the mean runs over."""
    usual: bool = True
    """Whether axes that are given fit the kind: over the batch, or within an example."""


def grouped(kind: str, lengths: tuple[int, ...], axes: tuple[int, ...] | None, groups: int | None) -> Groups:
    """Group the entries of an array; examples stand along axis 0, channels of images along axis 1.

    Raises DlcalcError for axes that the data do not have, and for groups that do not divide the channels.

    >>> grouped("batch", (2, 3), None, None).places
    ((0, 3), (1, 4), (2, 5))
    >>> grouped("layer", (2, 3), None, None).places
    ((0, 1, 2), (3, 4, 5))
    """
    if kind == "instance":
        _needs(kind, lengths, IMAGE)
        over = tuple(range(2, len(lengths)))
        return _made(lengths, lambda at: at[:2], lambda at: at[1], ("example and channel", "channel", _said(over)))
    if kind == "group":
        _needs(kind, lengths, 2)
        size = _size_of_group(lengths[1], groups)
        unit = ("example and group of channels", "channel", f"{size} channels and all positions")
        return _made(lengths, lambda at: (at[0], at[1] // size), lambda at: at[1], unit)
    over = _axes(kind, lengths, axes)
    kept = tuple(axis for axis in range(len(lengths)) if axis not in over)

    def across(at: tuple[int, ...]) -> Hashable:
        return tuple(at[axis] for axis in kept)

    def along(at: tuple[int, ...]) -> Hashable:
        return tuple(at[axis] for axis in over)

    usual = (0 in over) == (kind == "batch") or len(lengths) == 1
    if kind == "batch":
        unit_name = ("feature" if len(lengths) < IMAGE else "channel") if usual else "group"
        return _made(lengths, across, across, (unit_name, unit_name, _said(over)))._replace(usual=usual)
    unit_name = ("example" if len(lengths) < IMAGE else "row") if usual else "group"
    return _made(lengths, across, along, (unit_name, "feature", _said(over)))._replace(usual=usual)


def _made(
    lengths: tuple[int, ...],
    group_of: Callable[[tuple[int, ...]], Hashable],
    parameter_of: Callable[[tuple[int, ...]], Hashable],
    words: tuple[str, str, str],
) -> Groups:
    together: dict[Hashable, list[int]] = {}
    numbered: dict[Hashable, int] = {}
    parameter = []
    for place, at in enumerate(product(*map(range, lengths))):
        together.setdefault(group_of(at), []).append(place)
        parameter.append(numbered.setdefault(parameter_of(at), len(numbered)))
    return Groups(tuple(map(tuple, together.values())), tuple(parameter), len(numbered), *words)


def _said(axes: tuple[int, ...]) -> str:
    return f"ax{'is' if len(axes) == 1 else 'es'} {', '.join(map(str, axes))}"


def _needs(kind: str, lengths: tuple[int, ...], axes: int) -> None:
    if len(lengths) < axes:
        shape = "examples × channels × positions" if axes == IMAGE else "examples × channels"
        raise DlcalcError(f"{kind} normalisation needs {axes} axes, and the data have {len(lengths)}", f"give {shape}")


def _size_of_group(channels: int, groups: int | None) -> int:
    if groups is None:
        raise DlcalcError("group normalisation needs the number of groups", f"add --groups G, a divisor of {channels}")
    if channels % groups:
        divisors = ", ".join(str(n) for n in range(1, channels + 1) if channels % n == 0)
        raise DlcalcError(f"{groups} groups do not divide {channels} channels", f"use one of {divisors}")
    return channels // groups


def _axes(kind: str, lengths: tuple[int, ...], axes: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the axes that the mean runs over, counted from 0."""
    count = len(lengths)
    if axes is None:
        if kind != "batch":
            return (count - 1,)
        return tuple(axis for axis in range(count) if axis != 1)
    for axis in axes:
        if not -count <= axis < count:
            raise DlcalcError(
                f"--axis {axis} is no axis of data with {count}",
                "use 0" if count == 1 else f"use 0 to {count - 1}, or -1",
            )
    found = tuple(sorted({axis % count for axis in axes}))
    if len(found) < len(axes):
        raise DlcalcError("--axis names an axis twice", "name each once")
    return found
