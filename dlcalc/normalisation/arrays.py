"""Data with any number of axes: read from text, a file or Python values into one row of entries with its lengths."""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.entries import entries
from dlcalc.errors import DlcalcError
from dlcalc.givens import MAX_ENTRIES, Given, dashed, from_file, nested_parts, read_scalar, read_values

if TYPE_CHECKING:
    from dlcalc.notation.expression import Expr
    from dlcalc.notation.printing import Value

MAX_AXES = 4
"""Examples, channels, height and width."""
FILES = (".json", ".csv", ".txt")
"""How the name of a data file ends."""

# ruff: noqa: ANN401 (data are whatever a caller hands in)


class Array(NamedTuple):
    """Entries in row-major order, and how many there are along each axis."""

    lengths: tuple[int, ...]
    entries: tuple[Expr, ...]

    @property
    def said(self) -> str:
        """The lengths in words."""
        return f"a list of {self.lengths[0]}" if len(self.lengths) == 1 else "×".join(map(str, self.lengths))

    def value(self) -> Value:
        """Return a list, or rows along the last axis."""
        return rows(self.entries, self.lengths)


def rows(entries: tuple[Expr, ...], lengths: tuple[int, ...]) -> Value:
    """Cut entries into rows along the last axis; one axis stays a list."""
    return entries if len(lengths) == 1 else _rows(entries, lengths)


def _rows(entries: tuple[Expr, ...], lengths: tuple[int, ...]) -> tuple[tuple[Expr, ...], ...]:
    width = lengths[-1]
    return tuple(entries[at : at + width] for at in range(0, len(entries), width))


def array(*flags: str, help: str) -> Given:
    """Declare data: `1,2,3`, rows `"1,2;3,4"`, nested lists of up to four axes, or the name of a file with them."""
    return Given(lambda name, raw: _nested(*read_array(name, raw)), flags, help, "DATA")


def _nested(lengths: tuple[int, ...], entries: tuple[Expr, ...]) -> tuple[Value, ...]:
    """Return entries as nested lists."""
    if len(lengths) == 1:
        return entries
    size = len(entries) // lengths[0]
    return tuple(_nested(lengths[1:], entries[at : at + size]) for at in range(0, len(entries), size))


def laid_out(nested: Value) -> Array:
    """Lay nested lists out in one row."""
    lengths: list[int] = []
    level = nested
    while isinstance(level, tuple):
        lengths.append(len(level))
        level = level[0]
    return Array(tuple(lengths), tuple(entries(nested)))


def read_array(name: str, raw: Any) -> Array:
    """Read data.

    Raises DlcalcError for what is no number, ragged, empty, too deep or too much.

    >>> read_array("x", "[[[1,2],[3,4]]]").lengths
    (1, 2, 2)
    """
    if isinstance(raw, str) and raw.strip().endswith(FILES):
        raw = _from_file(name, raw.strip())
    if isinstance(raw, str):
        text = "".join(raw.split())
        read = nested_parts(raw.strip()) if text.startswith("[[[") else read_values(name, raw)
    else:
        read = raw.tolist() if hasattr(raw, "tolist") else raw
    found: list[Expr] = []
    lengths = _collect(name, read, found, 0)
    if not lengths:
        return Array((1,), tuple(found))
    if prod(lengths) > MAX_ENTRIES:
        raise DlcalcError(f"--{dashed(name)} has {prod(lengths):,} entries", f"at most {MAX_ENTRIES:,} are read")
    return Array(lengths, tuple(found))


def _from_file(name: str, path: str) -> Any:
    text = from_file(name, path).strip()
    if not path.endswith(".json"):
        return ";".join(line.strip().strip(",") for line in text.splitlines() if line.strip())
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (json.JSONDecodeError, RecursionError) as problem:
        raise DlcalcError(f"--{dashed(name)} {path} is not JSON: {problem}", "write [[1, 2], [3, 4]]") from None


def _collect(name: str, raw: Any, found: list[Expr], depth: int) -> tuple[int, ...]:
    """Add the numbers of nested lists to `found`; return the lengths of the axes."""
    if not isinstance(raw, list | tuple):
        if len(found) >= MAX_ENTRIES:
            raise DlcalcError(f"--{dashed(name)} has more than {MAX_ENTRIES:,} entries", "give fewer")
        found.append(read_scalar(name, raw))
        return ()
    if depth == MAX_AXES:
        raise DlcalcError(f"--{dashed(name)} has more than {MAX_AXES} axes", "give examples, channels, height, width")
    if not raw:
        raise DlcalcError(f"--{dashed(name)} is an empty list", "give at least one number, such as 1,2,3")
    inner = [_collect(name, part, found, depth + 1) for part in raw]
    if len(set(inner)) > 1:
        if any(not lengths for lengths in inner):
            raise DlcalcError(f"--{dashed(name)} mixes numbers and lists", "give a list, or a list of rows")
        shown = ", ".join(str(lengths[0]) for lengths in inner[:6])
        raise DlcalcError(f"--{dashed(name)}: the rows have different lengths ({shown})", "give rows of one length")
    return (len(raw), *inner[0])
