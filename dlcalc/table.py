"""A table that belongs to a solution: named columns, rows of cells, made when somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlcalc.notation.expression import Expr, Num
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import computed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Cell = str | int | Expr | tuple[int | Expr, ...] | None
"""A word, a number, an expression, a size, or nothing."""


@dataclass(frozen=True)
class Table:
    """Rows under the names of their columns."""

    name: str
    columns: tuple[str, ...]
    make: Callable[[], Iterable[tuple[Cell, ...]]]
    brief: tuple[str, ...] = ()
    """The columns to keep where there is no room for all, the first of them first."""
    bar: str = ""
    """The column whose share of its total is drawn as a bar."""

    @cached_property
    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows."""
        return tuple(self.make())

    def records(self) -> list[dict[str, Any]]:
        """Return a record per row: numbers as numbers, sizes as lists, what holds a symbol as text.

        >>> Table("t", ("a", "b"), lambda: [(1, (2, 3))]).records()
        [{'a': 1, 'b': [2, 3]}]
        """
        return [dict(zip(self.columns, map(_plain_data, row), strict=True)) for row in self.rows]


def _plain_data(cell: Cell) -> Any:  # noqa: ANN401 (whatever JSON holds)
    if isinstance(cell, tuple):
        return [_plain_data(part) for part in cell]
    if isinstance(cell, Expr):
        number = computed(cell)
        return plain(cell) if number is None else number
    return cell


def cell_text(cell: Cell, *, ascii: bool = False, separator: str = "") -> str:
    """Write a cell; numbers with a separator of thousands, if one is wanted.

    >>> cell_text(1234567, separator=","), cell_text((26, 26, 16), ascii=True)
    ('1,234,567', '26x26x16')
    """
    if cell is None:
        return ""
    if isinstance(cell, tuple):
        parts = (cell_text(part, ascii=ascii) for part in cell)
        return ("x" if ascii else "×").join(f"({part})" if " " in part else part for part in parts)
    if isinstance(cell, Num) and cell.value.denominator == 1:
        cell = int(cell.value)
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", separator)
    if isinstance(cell, Expr):
        return plain(cell) if ascii else unicode(cell)
    return cell
