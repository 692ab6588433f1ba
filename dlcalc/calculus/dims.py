"""Lengths of axes, known or not: whole numbers plus multiples of names; unification finds the unknown ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Dim(NamedTuple):
    """A length: `3`, `n`, `n + m`, `2 n - 1`."""

    constant: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    """Names with their multiples, in the order of the names."""

    def plus(self, other: Dim, times: int = 1) -> Dim:
        """Add a multiple of another length.

        >>> str(named("n").plus(number(2)).plus(named("n"), -1))
        '2'
        """
        total = dict(self.parts)
        for name, multiple in other.parts:
            total[name] = total.get(name, 0) + times * multiple
        parts = tuple(sorted((name, multiple) for name, multiple in total.items() if multiple))
        return Dim(self.constant + times * other.constant, parts)

    def value(self, lengths: Mapping[str, int]) -> int:
        """Compute the length from those of its names."""
        return self.constant + sum(multiple * lengths[name] for name, multiple in self.parts)

    def __str__(self) -> str:
        """Write as in `n + m - 1`."""
        out = ""
        for name, multiple in self.parts:
            size = name if abs(multiple) == 1 else f"{abs(multiple)} {name}"
            sign = "-" if multiple < 0 else "+"
            out = f"{out} {sign} {size}" if out else size if multiple > 0 else f"-{size}"
        if not out:
            return str(self.constant)
        return f"{out} {'-' if self.constant < 0 else '+'} {abs(self.constant)}" if self.constant else out


def number(value: int) -> Dim:
    """Return a known length."""
    return Dim(value)


def named(name: str) -> Dim:
    """Return a length that has a name."""
    return Dim(0, ((name, 1),))


ONE = number(1)


class Shape(NamedTuple):
    """Rows and columns; a scalar has one of each."""

    rows: Dim
    cols: Dim

    @property
    def is_scalar(self) -> bool:
        """Whether it has one entry."""
        return self.rows == ONE == self.cols

    @property
    def transposed(self) -> Shape:
        """The shape of the transpose."""
        return Shape(self.cols, self.rows)

    @property
    def said(self) -> str:
        """The shape in a sentence."""
        return "a number" if self.is_scalar else str(self)

    def __str__(self) -> str:
        """Write as in `3×4`."""
        return "×".join(f"({d})" if " " in str(d) else str(d) for d in self)


SCALAR = Shape(ONE, ONE)


@dataclass
class Lengths:
    """What is known about lengths so far; those with a leading `?` are still to be found."""

    found: dict[str, Dim] = field(default_factory=dict)
    count: int = 0

    def fresh(self) -> Dim:
        """Return a length that is still to be found."""
        self.count += 1
        return named(f"?{self.count}")

    def resolved(self, dim: Dim) -> Dim:
        """Put in what has been found."""
        while any(name in self.found for name, _ in dim.parts):
            out = number(dim.constant)
            for name, multiple in dim.parts:
                out = out.plus(self.found.get(name, named(name)), multiple)
            dim = out
        return dim

    def shape(self, shape: Shape) -> Shape:
        """Put in what has been found about a shape."""
        return Shape(self.resolved(shape.rows), self.resolved(shape.cols))

    def unify(self, left: Dim, right: Dim) -> bool:
        """Make two lengths equal; False where they cannot be.

        >>> lengths = Lengths()
        >>> unknown = lengths.fresh()
        >>> lengths.unify(unknown.plus(number(2)), number(5)), str(lengths.resolved(unknown))
        (True, '3')
        """
        difference = self.resolved(left).plus(self.resolved(right), -1)
        if not difference.parts:
            return difference.constant == 0
        candidates = []
        for name, multiple in reversed(difference.parts):
            if name[0] == "?" and abs(multiple) == 1:
                rest = Dim(difference.constant, tuple(p for p in difference.parts if p[0] != name))
                candidates.append((name, number(0).plus(rest, -multiple)))
        if not candidates:
            return False
        name, value = next((c for c in candidates if all(times > 0 for _, times in c[1].parts)), candidates[0])
        if not value.parts and value.constant < 1:
            return False
        self.found[name] = value
        return True
