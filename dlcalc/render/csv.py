"""Comma-separated values: the first table, or the answers where there is none."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from dlcalc.render import lines, tables
from dlcalc.render.quiet import bare
from dlcalc.table import Table, cell_text

if TYPE_CHECKING:
    from dlcalc.render import Layout
    from dlcalc.solution import Solution


def render(solution: Solution, layout: Layout) -> str:
    """Write the names of the columns, then a line per row."""
    for table in tables.wanted(solution, layout):
        return written(table)
    rows = [(answer.name, bare(answer, layout.decimals)) for answer in lines.wanted(solution, layout)]
    return _written([("name", "value"), *rows])


def written(table: Table) -> str:
    """Write a table."""
    return _written([table.columns, *(tuple(cell_text(cell, ascii=True) for cell in row) for row in table.rows)])


def _written(rows: list[tuple[str, ...]]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().rstrip("\n")
