"""What the letters of a receptive-field question stand for: symbols sampled, fields traced by brute force."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.notation.expression import ONE, Expr, Num, Relation, Sym, number
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import unicode
from dlcalc.sliding.reading import AXES
from dlcalc.solution import Domain, Sequence, Setting, symbols
from dlcalc.topics.receptive_field.fields import Layer, different, needs_size, varying_jumps
from dlcalc.topics.receptive_field.tracing import MAX_VISITED, Traced, traced, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Sequence as Listed

    from dlcalc.topics.receptive_field.fields import Part

KERNEL, STRIDE, DILATION, COUNT = (Domain(Fraction(1), Fraction(n), whole=True) for n in (5, 3, 3, 4))
PADDING = Domain(Fraction(0), Fraction(3), whole=True)
LENGTH = Domain(Fraction(20), Fraction(60), whole=True)
DEEP = 3
"""Layers of the random stacks at which the recurrence is checked."""
MAX_LINES = 60
"""Layers that are derived one by one."""
MAX_PREFIXES = 4_000_000
"""Entries that tracing every layer's field may visit."""


class Letters(NamedTuple):
    """The names of what is derived, different from the symbols of the givens."""

    field: str
    jump: str
    padding: str
    start: str
    kernel: str
    stride: str
    dilation: str
    layer: str


class Path(NamedTuple):
    """One axis, or several alike: its layers, its size where it is given, and the tag of its letters."""

    parts: tuple[Part, ...]
    size: Expr | None
    tag: str
    axis: str

    def about(self, text: str) -> str:
        """Say something, with the axis where the axes differ."""
        return f"{self.axis}: {text}" if self.axis else text


@dataclass(frozen=True)
class Question:
    """The paths that differ, the letters, and where they are sampled."""

    paths: tuple[Path, ...]
    of_axis: tuple[int, ...]
    """The path of each axis."""
    letters: Letters
    setting: Setting
    assumptions: tuple[str, ...]
    visited: int
    """About how many entries tracing an output visits."""

    @property
    def lines(self) -> int:
        """How many layers there are."""
        return sum(len(path.parts) for path in self.paths)

    @property
    def line_by_line(self) -> bool:
        """True where every layer is derived and traced."""
        return self.lines <= MAX_LINES and self.visited * self.lines <= MAX_PREFIXES

    @property
    def traceable(self) -> bool:
        """True where the output can be traced."""
        return self.visited <= MAX_VISITED


def asked(parts: Listed[tuple[Part, ...]], sizes: Listed[Expr | None]) -> Question:
    """Put the question: letters, domains of the symbols, and what brute force finds."""
    rows = [(path, size if needs_size(path) else None) for path, size in zip(parts, sizes, strict=True)]
    distinct = list(dict.fromkeys(rows))
    names = AXES[len(rows)]
    paths = tuple(
        Path(
            *row,
            tag=names[rows.index(row)][0] if len(distinct) > 1 else "",
            axis=" and ".join(n for n, r in zip(names, rows, strict=True) if r == row) if len(distinct) > 1 else "",
        )
        for row in distinct
    )
    domains: dict[str, Domain] = {}
    constraints: list[Relation] = []
    for value, domain in (*_roles(paths), *((size, LENGTH) for size in sizes if size is not None)):
        for name in sorted(symbols(value)):
            domains.setdefault(name, domain)
        if symbols(value) and not isinstance(value, Sym):
            constraints += [Relation(floor(value), "=", value), Relation(value, ">=", number(domain.low))]
    said = [f"{unicode(r.left)} ≥ {unicode(r.right)}" for r in constraints if r.relation == ">="]
    said += [f"{unicode(r.right)} is whole" for r in constraints if r.relation == "=" and "/" in unicode(r.right)]
    for jump in (jump for path in paths for jump in varying_jumps(path.parts)):
        constraints.append(Relation(jump, "!=", ONE))
        said.append(f"{unicode(jump)} ≠ 1")
    letters = _letters(frozenset(domains))
    setting = _setting(paths, letters, domains, tuple(constraints))
    whole = ", ".join(unicode(Sym(name)) for name in sorted(domains))
    kind = "whole numbers" if len(domains) > 1 else "a whole number"
    return Question(
        paths=paths,
        of_axis=tuple(distinct.index(row) for row in rows),
        letters=letters,
        setting=setting,
        assumptions=(*((f"{whole} {kind}",) if whole else ()), *dict.fromkeys(said)),
        visited=sum(_visited(path) for path in paths),
    )


def _roles(paths: tuple[Path, ...]) -> Iterator[tuple[Expr, Domain]]:
    """Return every quantity of the givens with where its symbols are sampled."""

    def inside(parts: Listed[Part]) -> Iterator[tuple[Expr, Domain]]:
        for part in different(parts):
            if isinstance(part, Layer):
                yield part.k, KERNEL
                yield part.s, STRIDE
                yield part.d, DILATION
                yield from ((zeros, PADDING) for zeros in (part.p, part.q) if zeros is not None)
            else:
                yield part.times, COUNT
                yield from inside(part.part)

    for path in paths:
        yield from inside(path.parts)


def _letters(taken: frozenset[str]) -> Letters:
    def free(*names: str) -> str:
        return next(name for name in names if not any(t.rstrip("0123456789") == name for t in taken))

    return Letters(
        field=free("r", "R", "field"),
        jump=free("j", "J", "jump"),
        padding=free("P", "Q", "pad"),
        start=free("c", "C", "centre"),
        kernel=free("k", "K", "kernel"),
        stride=free("s", "S", "stride"),
        dilation=free("d", "D", "dilation"),
        layer=free("l", "i", "layer"),
    )


def _setting(
    paths: tuple[Path, ...], letters: Letters, domains: Mapping[str, Domain], constraints: tuple[Relation, ...]
) -> Setting:
    """Say what the names stand for: fields traced through the layers asked, and through random stacks."""
    names = tuple(domains)
    definitions: dict[str, Callable[..., Any]] = {}

    @cache
    def found(path: int, layers: int, point: tuple[Fraction, ...]) -> Traced:
        parts = paths[path].parts[:layers]
        return traced(windows(parts, dict(zip(names, point, strict=True)), paths[path].size))

    def at(path: int, layers: int, what: str) -> Callable[[Mapping[str, Any]], Any]:
        return lambda point: getattr(found(path, layers, tuple(point[name] for name in names)), what)

    for index, path in enumerate(paths):
        count = len(path.parts)
        for layer in range(1, count + 1 if count <= MAX_LINES else 1):
            definitions[f"{letters.field}{path.tag}{layer}"] = at(index, layer, "extent")
            definitions[f"{letters.jump}{path.tag}{layer}"] = at(index, layer, "jump")
        definitions[f"{letters.padding}{path.tag}"] = at(index, count, "before")
        definitions[f"{letters.start}{path.tag}"] = at(index, count, "start")

    def random(point: Mapping[str, Any], layers: int) -> Traced:
        rows = zip(point[letters.kernel], point[letters.stride], point[letters.dilation], strict=True)
        return traced([(int(k), int(s), 0, int(d)) for k, s, d in rows][:layers])

    definitions[letters.field] = lambda point, layers: random(point, layers).extent
    definitions[letters.jump] = lambda point, layers: random(point, layers).jump
    ranges = {letters.kernel: KERNEL, letters.stride: STRIDE, letters.dilation: DILATION}
    return Setting(
        domains={**domains, letters.layer: Domain(Fraction(1), Fraction(DEEP), whole=True)},
        constraints=constraints,
        sequences={name: Sequence(number(DEEP), entries) for name, entries in ranges.items()},
        definitions=definitions,
        families=frozenset({letters.field, letters.jump}),
    )


def _visited(path: Path) -> int:
    """Bound what tracing an output visits; with symbols, what sampling allows."""
    seen, total = 1, 0
    for part in reversed(path.parts):
        if isinstance(part, Layer) and isinstance(part.k, Num) and isinstance(part.s, Num) and isinstance(part.d, Num):
            total += seen * int(part.k.value)
            seen = (seen - 1) * int(part.s.value) + int(part.d.value * (part.k.value - 1)) + 1
            if total > MAX_PREFIXES:
                break
    return total
