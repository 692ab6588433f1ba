"""Tables in columns of text, for the text and plain renderers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.table import Cell, Table, cell_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.render import Layout
    from dlcalc.solution import Solution

GAP = "  "
BAR = 16
"""Columns of the longest bar."""
AFTER_BAR = 9
"""Columns of the gap and the share behind it."""
LEAST_TEXT = 16
"""Columns that the first words of a row keep, where the screen is narrow."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


def wanted(solution: Solution, layout: Layout) -> list[Table]:
    """Return the tables to show: those asked for, or all of them."""
    return [table for table in solution.tables if not layout.get or table.name in layout.get]


def drawn(table: Table, *, ascii: bool, width: int | None) -> list[str]:
    """Lay a table out: words to the left, numbers to the right, a bar at the end; what has no room is left out."""
    columns = list(table.columns) if width is None else _that_fit(table, width, ascii=ascii)
    indices = [table.columns.index(column) for column in columns]
    cells = [[cell_text(row[i], ascii=ascii, separator=",") for i in indices] for row in table.rows]
    bars = _bars(table, ascii=ascii)
    words = [all(isinstance(row[i], str | None) for row in table.rows) for i in indices]
    widths = [max(len(head), *(len(row[i]) for row in cells)) for i, head in enumerate(columns)]
    if width is not None:
        over = sum(widths) + len(GAP) * len(widths) + (BAR + AFTER_BAR if bars else 0) - width
        first = next((i for i, word in enumerate(words) if word), None)
        if over > 0 and first is not None:
            widths[first] = max(LEAST_TEXT, widths[first] - over)
    lines = [_line(columns, widths, words)]
    lines += [_line(row, widths, words) for row in cells]
    if bars:
        lines[1:] = [f"{line}{GAP}{bar}".rstrip() for line, bar in zip(lines[1:], bars, strict=True)]
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], words: Sequence[bool]) -> str:
    cut = (text if len(text) <= width else f"{text[: width - 1]}…" for text, width in zip(cells, widths, strict=True))
    aligned = (f"{t:<{w}}" if word else f"{t:>{w}}" for t, w, word in zip(cut, widths, words, strict=True))
    return GAP.join(aligned)


def _that_fit(table: Table, width: int, *, ascii: bool) -> list[str]:
    """Choose the columns that have room: those that are brief first, in their order, then the others."""
    order = [*table.brief, *(c for c in table.columns if c not in table.brief)]
    room = width - (BAR + AFTER_BAR if table.bar else 0)
    chosen: set[str] = set()
    for column in order:
        index = table.columns.index(column)
        cells = [cell_text(row[index], ascii=ascii, separator=",") for row in table.rows]
        needed = max(len(column), *(min(len(text), 2 * LEAST_TEXT) for text in cells)) + len(GAP)
        if needed <= room or not chosen:
            chosen.add(column)
            room -= needed
    return [column for column in table.columns if column in chosen]


def _bars(table: Table, *, ascii: bool) -> list[str]:
    """Draw the share that each row has of the column that is drawn; nothing where there are symbols."""
    if not table.bar:
        return []
    values = [_number(row[table.columns.index(table.bar)]) for row in table.rows]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not sum(known):
        return []
    largest, total = max(known), sum(known)
    return [f"{_bar(v, largest, ascii=ascii)} {_percent(v / total)}" if v else "" for v in known]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.001 else "<0.1%"  # noqa: PLR2004 (what one decimal can show)


def _number(cell: Cell) -> int | None:
    return cell if isinstance(cell, int) else None


def _bar(value: int, largest: int, *, ascii: bool) -> str:
    if ascii:
        return "#" * max(1, value * BAR // largest)
    full, eighths = divmod(value * BAR * 8 // largest, 8)
    return ("█" * full + _EIGHTHS[eighths]).strip() or _EIGHTHS[1]
