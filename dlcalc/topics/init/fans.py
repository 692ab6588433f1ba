"""The fans of a layer: given, from widths, or from a convolution; and a count of the connections."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.counting import times
from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.givens import checked
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, Expr, Num, Relation, Sym
from dlcalc.notation.functions import floor
from dlcalc.solution import Domain, Step, symbols
from dlcalc.topics.init.variance import FEW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlcalc.topics.init.asking import Asked

AXES = 2


class Fans(NamedTuple):
    """Fan-in and fan-out of each layer, None where unknown, and how they were found."""

    pairs: tuple[tuple[Expr | None, Expr | None], ...]
    steps: tuple[Step, ...] = ()
    domains: Mapping[str, Domain] = MappingProxyType({})
    definitions: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    constraints: tuple[Relation, ...] = ()
    conventions: tuple[str, ...] = ()
    of_layers: bool = False


def fans_of(asked: Asked) -> Fans:
    """Find the fans wherever they are given.

    Raises DlcalcError where they are given twice, or the widths or groups are impossible.
    """
    convolution = (asked.kernel, asked.in_channels, asked.out_channels, asked.groups)
    ways = {
        "--fan-in and --fan-out": (asked.fan_in, asked.fan_out),
        "--kernel and channels": convolution,
        "--layers": (asked.layers,),
    }
    used = [way for way, givens in ways.items() if any(given is not None for given in givens)]
    if len(used) > 1:
        raise DlcalcError(f"the fans are given by {used[0]} and by {used[1]}", "give them once")
    if asked.layers is not None:
        return _of_widths(asked.layers)
    if any(given is not None for given in convolution):
        return _of_convolution(asked)
    return Fans(((asked.fan_in, asked.fan_out),))


def _of_widths(layers: Any) -> Fans:  # noqa: ANN401 (a value, whatever its shape)
    widths = layers if isinstance(layers, tuple) else (layers,)
    if len(widths) < AXES or any(isinstance(width, tuple) for width in widths):
        raise DlcalcError("--layers needs the widths of two layers or more", "write 784,100,10")
    widths = tuple(checked("layers", width, whole=True, least=1) for width in widths)
    return Fans(tuple(pairwise(widths)), of_layers=True)


def _of_convolution(asked: Asked) -> Fans:
    """Count the connections of a convolution: a window of the channels of a group."""
    if asked.kernel is None:
        raise DlcalcError("a convolution needs its window", "add --kernel 3")
    if len(asked.kernel) > AXES:
        raise DlcalcError(f"kernel has {len(asked.kernel)} numbers, but an image has 2 axes", "use 3 or 3x5")
    window = asked.kernel if len(asked.kernel) == AXES else asked.kernel * AXES
    groups = asked.groups or ONE
    _refuse_undivided(asked, groups)
    letters = Letters(taken=symbols(*(g for g in (*window, asked.in_channels, asked.out_channels, groups) if g)))
    k = letters.axes("k", window, FEW)
    g = ONE if groups == ONE else letters.letter("g", groups, FEW)
    found: list[Expr | None] = []
    steps: list[Step] = []
    definitions: dict[str, Callable[..., Any]] = {}
    constraints: list[Relation] = []
    for name, letter, channels, what in (
        ("fan_in", "C_in", asked.in_channels, "every output reads a window of the input channels"),
        ("fan_out", "C_out", asked.out_channels, "every input reaches a window of the output channels (stride 1)"),
    ):
        if channels is None:
            found.append(None)
            continue
        c = letters.letter(letter, channels, FEW)
        formula = times(*k, c) / g
        steps.append(Step(name, Sym(name), Sym(name), formula, what + ("" if g == ONE else " of its group")))
        value = value_of(formula, letters.values)
        used = {at: given for at, given in letters.values.items() if at in symbols(formula)}
        if used:
            steps.append(Step(f"{name}-givens", Sym(name), formula, value, "the givens put in", where=used))
        definitions[name] = _counter(k, c, g)
        if g != ONE:
            constraints.append(Relation(floor(c / g), "=", c / g))
        found.append(value)
    said = ["a kernel of one number is as long on both axes"] if len(asked.kernel) == 1 else []
    if groups != ONE and asked.out_channels is not None:
        said.append("fan_out counts the connections inside a group; torch.nn.init leaves the groups out of it")
    return Fans(((found[0], found[1]),), tuple(steps), letters.domains, definitions, tuple(constraints), tuple(said))


def _refuse_undivided(asked: Asked, groups: Expr) -> None:
    """Refuse groups that do not divide the channels."""
    for name, channels in (("in-channels", asked.in_channels), ("out-channels", asked.out_channels)):
        if not isinstance(groups, Num) or not isinstance(channels, Num):
            continue
        if (channels.value / groups.value).denominator != 1:
            raise DlcalcError(f"groups {groups} does not divide {name} {channels}", "use groups that divide it")


def _counter(k: tuple[Sym, ...], c: Sym, g: Expr) -> Callable[[Mapping[str, Any]], int]:
    """Count, at a point, the connections of one unit through every place of the window."""

    def count(point: Mapping[str, Any]) -> int:
        spans, channels = [int(point[axis.name]) for axis in k], int(point[c.name])
        groups = int(PLAIN.value(g, point))
        group_of = [channel * groups // channels for channel in range(channels)]
        return sum(1 for _ in range(spans[0]) for _ in range(spans[1]) for channel in group_of if channel == 0)

    return count


def needed(name: str, fan: Expr | None, scheme: str) -> Expr:
    """Refuse a scheme whose fan is missing."""
    if fan is None:
        option = name.replace("_", "-")
        channels = "in" if name == "fan_in" else "out"
        fix = f"add --{option} N, --layers 784,100,10, or --kernel 3 --{channels}-channels C"
        raise DlcalcError(f"--scheme {scheme} needs the {option}", fix)
    return fan
