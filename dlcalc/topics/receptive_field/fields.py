"""Receptive fields by their recurrence: what one entry of a layer sees of the input, along one axis."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Call, Expr, Num, expr, substitute
from dlcalc.notation.functions import call, ceil, floor
from dlcalc.notation.printing import unicode
from dlcalc.topics.receptive_field.reading import Windows
from dlcalc.whole import coefficients, neat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dlcalc.topics.receptive_field.reading import Item


T = TypeVar("T")


class Layer(NamedTuple):
    """A layer of windows along one axis."""

    k: Expr
    s: Expr
    p: Expr | None
    """The padding before the input; None for `same`."""
    d: Expr
    text: str
    ceil: bool = False
    q: Expr | None = None
    """The padding after the input; None for `same`."""

    @property
    def gaps(self) -> Expr:
        """Entries that a window sees beyond its first."""
        return computed(quick(self.d) * (quick(self.k) - 1))


class Rounds(NamedTuple):
    """Layers along one axis that are repeated a number of times that is a symbol."""

    times: Expr
    part: tuple[Part, ...]
    text: str


Part = Layer | Rounds


@dataclass(frozen=True, slots=True)
class Field:
    """What the entries of a layer see of the input."""

    extent: Expr = ONE
    """Entries from the first that is seen to the last: the receptive field."""
    jump: Expr = ONE
    """How far the fields of neighbours are apart."""
    before: Expr | None = ZERO
    """How far the first field begins before the input; None where that depends on a size that is not known."""
    twice: Expr = ZERO
    """Twice the index of the centre of the first field, without the paddings that are not known."""
    size: Expr | None = None
    """Entries of the layer, where the input is given."""

    @property
    def start(self) -> Expr | None:
        """The index of the centre of the first field."""
        return None if self.before is None else _halved(self.twice)


def _halved(node: Expr) -> Expr:
    """Divide by 2, and cancel where all terms are even."""
    even = all(c.denominator == 1 and c.numerator % 2 == 0 for c in coefficients(node).values())
    return neat(Num(Fraction(1, 2)) * node) if even else neat(node / expr(2))


def quick(node: Expr) -> Any:  # noqa: ANN401 (both have the arithmetic of numbers)
    """Take the whole number out of an expression that is one: long stacks are added up in those."""
    return node.value.numerator if isinstance(node, Num) else node


def computed(value: int | Expr) -> Expr:
    """Put a number back into an expression; collect what is none."""
    return Num(Fraction(value)) if isinstance(value, int) else neat(value)


def along(items: Sequence[Item], axis: int, axes: int) -> tuple[Part, ...]:
    """Take one axis of a stack; a size of one number is that long on every axis."""

    def at(size: tuple[Expr, ...]) -> Expr:
        return size[axis] if len(size) == axes else size[0]

    def taken(item: Item) -> Part:
        if not isinstance(item, Windows):
            return Rounds(item.count, along(item.items, axis, axes), item.text)
        p, q = (None if zeros is None else at(zeros) for zeros in (item.before, item.after))
        return Layer(at(item.kernel), at(item.stride), p, at(item.dilation), item.text, item.ceil, q)

    once = {id(item): taken(item) for item in different(items)}
    return tuple(once[id(item)] for item in items)


def different(items: Sequence[T]) -> Iterable[T]:
    """Return the objects of a list, each once: repetitions repeat the same ones."""
    return {id(item): item for item in items}.values()


def fields(parts: Sequence[Part], start: Field) -> Iterator[Field]:
    """Follow the field through the layers: r + d(k − 1)·j, j·s."""
    for index, part in enumerate(parts, 1):
        start = _layer(start, part, index) if isinstance(part, Layer) else rounds(start, part)
        yield start


def _layer(field: Field, layer: Layer, index: int) -> Field:
    size = None if field.size is None else _size(field.size, layer, index)
    padding = layer.p if layer.p is not None else _same(field.size, layer)
    below, gaps, before = quick(field.jump), quick(layer.gaps), None
    twice = field.twice
    if field.before is not None and padding is not None:
        before = computed(quick(field.before) + quick(padding) * below)
        twice = computed(quick(twice) + quick(computed(gaps - 2 * quick(padding))) * below)
    extent = computed(quick(field.extent) + gaps * below)
    return Field(extent, computed(below * quick(layer.s)), before, twice, size)


def _same(size: Expr | None, layer: Layer) -> Expr | None:
    """Return the zeros that `same` puts before the input; they depend on its size where the stride is not 1."""
    if layer.s == ONE:
        return neat(floor(layer.gaps / expr(2)))
    if size is None:
        return None
    excess = neat((ceil(size / layer.s) - 1) * layer.s + layer.gaps + 1 - size)
    return neat(floor(call("max", excess, ZERO) / expr(2)))


def _size(size: Expr, layer: Layer, index: int) -> Expr:
    """Compute the entries of a layer; refuse a window that does not fit."""
    if layer.p is None or layer.q is None:
        return size if layer.s == ONE else neat(ceil(size / layer.s))
    room = neat(size + layer.p + layer.q - layer.gaps - 1)
    least = 1 - layer.s if layer.ceil else ZERO
    short = neat(room - least)
    if isinstance(short, Num) and short.value < 0:
        window = unicode(neat(layer.gaps + 1))
        raise DlcalcError(
            f"layer {index} '{layer.text}': its window of {window} does not fit into its input of {unicode(size)}"
            f"{_padded(layer.p, layer.q)}",
            "use a larger --input, or padding",
        )
    if layer.ceil:
        starting = ceil((size + layer.p) / layer.s)
        return neat(Call("min", (ceil(room / layer.s) + 1, starting)))
    return neat(room + 1) if layer.s == ONE else neat(floor(room / layer.s) + 1)


def _padded(p: Expr, q: Expr) -> str:
    if p != q:
        return f" + {unicode(p)} + {unicode(q)}"
    return "" if p == ZERO else f" + 2·{unicode(p)}"


def put(parts: Sequence[Part], values: Mapping[str, Expr]) -> tuple[Part, ...]:
    """Put values in the place of symbols."""

    def at(node: Expr) -> Expr:
        return neat(substitute(node, values))

    def ends(zeros: Expr | None) -> Expr | None:
        return None if zeros is None else at(zeros)

    return tuple(
        p._replace(k=at(p.k), s=at(p.s), d=at(p.d), p=ends(p.p), q=ends(p.q))
        if isinstance(p, Layer)
        else Rounds(at(p.times), put(p.part, values), p.text)
        for p in parts
    )


def one_round(part: Rounds) -> Field:
    """Return the field of one round of a repetition, by itself."""
    return list(fields(part.part, Field()))[-1]


def needs_size(parts: Sequence[Part]) -> bool:
    """Say whether the zeros that `same` puts before an input depend on its size."""
    return any((p.p is None and p.s != ONE) if isinstance(p, Layer) else needs_size(p.part) for p in parts)


def varying_jumps(parts: Sequence[Part]) -> Iterator[Expr]:
    """Return the strides of repeated rounds that are symbols, and so might be 1."""
    for part in parts:
        if isinstance(part, Rounds):
            jump = one_round(part).jump
            if not isinstance(jump, Num):
                yield jump
            yield from varying_jumps(part.part)


def grown(part: Rounds) -> Expr:
    """Return how many times the first round's growth the rounds add up to: 1 + J + … + J^(L−1)."""
    jump, count = one_round(part).jump, part.times
    return count if jump == ONE else (jump**count - 1) / neat(jump - 1)


def rounds(field: Field, part: Rounds) -> Field:
    """Follow the field through a repetition."""
    inner, times = one_round(part), grown(part)

    def together(one: Expr) -> Expr:
        return field.jump * times * one if inner.jump == ONE else field.jump * one * times

    before, twice = None, field.twice
    if field.before is not None and inner.before is not None:
        before = neat(field.before + together(inner.before))
        twice = neat(twice + together(inner.twice))
    extent = neat(field.extent + together(neat(inner.extent - 1)))
    return Field(extent, neat(field.jump * inner.jump**part.times), before, twice)
