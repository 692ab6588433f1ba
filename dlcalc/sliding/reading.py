"""Reading the givens of a question about sizes: which go together, which are axes and which channels, and saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import dashed
from dlcalc.notation.expression import ONE, ZERO, Expr
from dlcalc.notation.printing import plain, unicode
from dlcalc.sliding.windows import UNKNOWNS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dlcalc.givens import Size

DEFAULT = {"stride": ONE, "padding": ZERO, "dilation": ONE}
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
SPATIAL = {1: 1, 2: 2, 3: 2, 4: 3}
"""Spatial axes of a size of so many numbers, unless --dims says otherwise."""

Row = tuple[Expr | None, ...]
"""The givens of one axis in the order of `QUANTITIES`; None is not given."""
Said = tuple[tuple[str, ...], tuple[str, ...]]
"""Conventions and assumptions."""


def asked_completely(
    given: Mapping[str, Any], solve: str | None, *, unknowns: Sequence[str] = UNKNOWNS, hint: str = ""
) -> None:
    """Refuse a question with too few givens, or with one too many; the hint says what else a kernel may be."""
    same = given["padding"] == "same"
    if solve is None and given["output"] is not None:
        raise DlcalcError(
            f"--output {_shown(given['output'])} is given, but nothing to solve for",
            f"add --solve {'|'.join(unknowns)}, or hand the output in with --answer",
        )
    if solve is not None and given["output"] is None:
        raise DlcalcError(f"--solve {solve} needs the output", "add --output SIZE")
    if solve is not None and given[solve] is not None:
        option = dashed(solve)
        raise DlcalcError(f"--solve {option}, but --{option} {_shown(given[solve])} is given", "leave out one of them")
    if same and solve in {"kernel", "dilation"}:
        raise DlcalcError(f"with 'same' padding every {solve} gives the same output", "give --padding as a number")
    for name, more in (("input", ""), ("kernel", hint)):
        if given[name] is None and name != solve and not (name == "kernel" and same and solve):
            raise DlcalcError(f"--{name} is missing", f"add --{name} SIZE{more}")


def axes_and_channels(
    given: Mapping[str, Any],
    dims: str | None,
    solve: str | None,
    *,
    with_channels: Collection[str] = ("input", "kernel", "output"),
    default: Mapping[str, Expr] = DEFAULT,
) -> tuple[tuple[Row, ...], dict[str, Expr]]:
    """Split every given into its axes and its channels; one number holds on every axis."""
    known: Size = given["output"] if given["input"] is None else given["input"]
    if dims is None and len(known) not in SPATIAL:
        raise DlcalcError(f"{_shown(known)} has {len(known)} numbers", "give at most three axes and the channels")
    axes = SPATIAL[len(known)] if dims is None else int(dims)
    columns: list[Sequence[Expr | None]] = []
    channels: dict[str, Expr] = {}
    for name, value in _plain_numbers(given, solve, default).items():
        column: Sequence[Expr | None] = (None,) if value is None else value
        one_axis = axes == 1 and dims is None and name == "kernel"  # 3x5 on a 32 is two axes, not one with channels
        if name in with_channels and len(column) == axes + 1 and not one_axis:
            *column, channels[name] = value
        if len(column) not in {1, axes}:
            raise _wrong_axes(name, value, axes, known)
        columns.append(column if len(column) == axes else tuple(column) * axes)
    return tuple(zip(*columns, strict=True)), channels


def _plain_numbers(given: Mapping[str, Any], solve: str | None, default: Mapping[str, Expr]) -> dict[str, Any]:
    """Put numbers for what is not given and for the words; 'same' starts as a window of one entry does, unpadded."""
    found = {q: (default[q],) if g is None and q in default and q != solve else g for q, g in given.items()}
    if isinstance(given["padding"], str):
        found["padding"] = (ZERO,)
    if given["padding"] == "same" and solve:
        found |= {"kernel": (ONE,), "dilation": (ONE,)}
    return found


def _wrong_axes(name: str, value: Size, axes: int, known: Size) -> DlcalcError:
    shown = f"{name} {_shown(value)} has {len(value)} numbers"
    if axes == 1 and len(known) == 1:
        return DlcalcError(f"{shown}, but {_shown(known)} is one axis", f"write {_shown(known * 2)} for two axes")
    return DlcalcError(f"{shown}, but there are {axes} spatial axes", f"give 1 or {axes} numbers, or another --dims")


def _shown(given: Size | str) -> str:
    return given if isinstance(given, str) else "x".join(map(plain, given))


def agreed(*said: tuple[str, Expr | None]) -> Expr | None:
    """Return the channels that either of two options says; they must not contradict each other."""
    (first, one), (second, other) = said
    if one is not None and other is not None and one != other:
        fix = "give them once" if second == "filters" else "mend one, or add --dims 3 where all three axes are spatial"
        raise DlcalcError(f"--{first} has {plain(one)} channels, --{second} {plain(other)}", fix)
    return other if one is None else one


def conventions(
    given: Mapping[str, Any],
    axes: int,
    channels: Collection[str],
    solve: str | None,
    default: Mapping[str, Expr] = DEFAULT,
) -> Said:
    """Say how the sizes were read, and what was taken for granted."""
    readings: dict[str, list[str]] = {}
    for name in ("input", "kernel", "output"):
        if given[name] is not None and (len(given[name]) > 1 or name != "kernel"):
            order = (*AXES[axes], "channels") if name in channels else AXES[axes]
            readings.setdefault(" × ".join(order) if len(order) > 1 else "one axis, its length", []).append(name)
    found = [f"{' and '.join(names)} read as {order}" for order, names in readings.items()]
    if axes > 1:
        found[-1] += "; a single number holds on every axis"
    taken = [
        f"{name.replace('_', ' ')} {unicode(value)}"
        for name, value in default.items()
        if given[name] is None and name != solve
    ]
    return tuple(found), (f"{', '.join(taken)} (not given)",) if taken else ()


def same_said(padding: Size | str | None, solve: str | None) -> tuple[str, ...]:
    """Say what `same` padding means, where it is given."""
    if padding != "same":
        return ()
    said = "'same' as in TensorFlow: output ⌈input/stride⌉, of an odd padding the extra zero after"
    return (said, "its windows start where those of a kernel of 1 without padding do") if solve else (said,)
