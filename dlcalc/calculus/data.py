"""Given numbers: read from JSON, a file, `x=1,y=[2,3]` or Python values, and fitted to the shapes of a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from dlcalc.calculus.dims import Dim, Shape
from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import from_file, named_parts, nested_parts, read_scalar
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Num
from dlcalc.notation.tokens import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.calculus.exact import Matrix, Scalar
    from dlcalc.calculus.inference import Leaf, Typed

MAX_ENTRIES = 200_000
"""Numbers of one given."""

# ruff: noqa: ANN401 (data are whatever a caller hands in)


class Given(NamedTuple):
    """The numbers of one name: how many axes they were given with, and their rows."""

    axes: int
    rows: Matrix

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])

    @property
    def said(self) -> str:
        """The shape in words."""
        if self.axes == 0:
            return "a number"
        return f"a list of {len(self.rows)}" if self.axes == 1 else "×".join(map(str, self.size))


def read_data(raw: Any) -> dict[str, Given]:
    """Read data.

    Raises DlcalcError for what is no number, ragged, empty, too deep or given twice.

    >>> read_data("x=-2, w=[1, 1/3]")["w"].rows
    [[Fraction(1, 1)], [Fraction(1, 3)]]
    """
    if isinstance(raw, str):
        raw = _from_text(raw.strip())
    if not isinstance(raw, dict):
        raise DlcalcError("--at is no set of names with numbers", 'write x=1,y=2 or {"x": 1, "y": [2, 3]}')
    found: dict[str, Given] = {}
    for key, value in raw.items():
        name = spelled(str(key).strip())
        if name in found:
            raise DlcalcError(f"--at gives {name} twice", "keep one of them")
        found[name] = _given(name, value.tolist() if hasattr(value, "tolist") else value)
    return found


def _from_text(text: str) -> Any:
    if text.startswith("{"):
        return _from_json(text)
    if "=" in text:
        parts = named_parts("--at", text, "x=-2,y=5 or x=[1,2,3]")
        return {name: nested_parts(value) for name, value in parts.items()}
    if not text:
        raise DlcalcError("--at is empty", "write x=1,y=2, or the name of a JSON file")
    return _from_json(from_file("at", text).strip())


def _from_json(text: str) -> Any:
    try:
        return json.loads(
            text, parse_float=str, parse_int=str, parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}"
        raise DlcalcError(f"--at is not JSON: {problem.msg} at {place}", 'write {"x": 1, "y": [2, 3]}') from None
    except RecursionError:
        raise DlcalcError("--at is nested too deep", "give numbers, lists, or lists of rows") from None


def _refuse_constant(word: str) -> NoReturn:
    raise DlcalcError(f"--at has {word}, which is no number", "give finite numbers")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DlcalcError(f"--at gives {twice} twice", "keep one of them")
    return found


def _given(name: str, value: Any) -> Given:
    if not isinstance(value, list | tuple):
        return Given(0, [[_number(name, value)]])
    rows = list(value)
    if not rows:
        raise DlcalcError(f"--at: {name} is an empty list", "give at least one number")
    nested = [isinstance(row, list | tuple) for row in rows]
    if any(nested) and not all(nested):
        raise DlcalcError(f"--at: {name} mixes numbers and lists", "give a list, or a list of rows")
    if sum(len(row) if isinstance(row, list | tuple) else 1 for row in rows) > MAX_ENTRIES:
        raise DlcalcError(f"--at: {name} has more than {MAX_ENTRIES:,} numbers", "give fewer")
    if not any(nested):
        return Given(1, [[_number(name, entry)] for entry in rows])
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        shown = ", ".join(map(str, lengths[:6]))
        raise DlcalcError(f"--at: the rows of {name} have different lengths ({shown})", "give rows of one length")
    if not lengths[0]:
        raise DlcalcError(f"--at: {name} has empty rows", "give at least one number")
    if any(isinstance(entry, list | tuple) for row in rows for entry in row):
        raise DlcalcError(f"--at: {name} is nested more than two deep", "give a list, or a list of rows")
    return Given(2, [[_number(name, entry) for entry in row] for row in rows])


def _number(name: str, value: Any) -> Scalar:
    if value is None or isinstance(value, bool | dict):
        shown = (
            {None: "null", True: "true", False: "false"}.get(value, "an object")
            if not isinstance(value, dict)
            else "an object"
        )
        raise DlcalcError(f"--at: {name} is {shown}, not a number", "give a number")
    try:
        read = read_scalar(name, value)
    except DlcalcError as problem:
        raise DlcalcError(f"--at: {problem.condition}", problem.fix) from None
    if isinstance(read, Num):
        return read.value
    found = approximate(read)
    if found is None:
        raise DlcalcError(f"--at: {name} is {read}, not a number", "give a number")
    return found


def fitted(typed: Typed, given: Mapping[str, Given]) -> tuple[dict[str, Matrix], dict[str, int]]:
    """Fit data to the shapes of a program: the matrices of all leaves, and the lengths of all axes.

    Raises DlcalcError for a missing or unknown name, and for a wrong shape (both shapes named).
    """
    for name in given:
        if name in typed.definitions:
            raise DlcalcError(f"--at gives {name}, which the program computes", "leave it out, or remove its equation")
        if name not in typed.leaves and name not in typed.lengths:
            known = [*typed.leaves, *typed.lengths]
            raise DlcalcError(f"--at gives {name}, which the program does not use", nearest(name, known))
    missing = [name for name in typed.leaves if name not in given]
    if missing:
        verb = "have no value" if len(missing) > 1 else "has no value"
        raise DlcalcError(f"{', '.join(missing)} {verb}", f"add {missing[0]} to --at")
    values = {name: _oriented(typed.leaves[name].shape, found) for name, found in given.items() if name in typed.leaves}
    for name, rows in values.items():
        _refuse_undeclared(typed.leaves[name], rows)
    lengths = {name: _length(name, found) for name, found in given.items() if name in typed.lengths}
    _solve(typed, values, lengths, given)
    if not typed.parts_fit(lengths):
        raise DlcalcError("--at: the program takes an entry that the data do not have", "entries are counted from 1")
    return values, lengths


def _refuse_undeclared(leaf: Leaf, rows: Matrix) -> None:
    """Refuse data outside of the declared set."""
    entries = [entry for row in rows for entry in row]
    if leaf.kind == "values" and any(entry not in leaf.values for entry in entries):
        shown = "{" + ", ".join(map(str, leaf.values)) + "}"
        raise DlcalcError(f"--at: {leaf.name} is declared to lie in {shown}", "change the data or the declaration")
    if leaf.kind == "interval" and any(not leaf.values[0] <= entry <= leaf.values[1] for entry in entries):
        shown = f"({leaf.values[0]}, {leaf.values[1]})"
        raise DlcalcError(f"--at: {leaf.name} is declared to lie in {shown}", "change the data or the declaration")
    if leaf.kind == "N" and any(entry != int(entry) or entry < 0 for entry in entries):
        raise DlcalcError(f"--at: {leaf.name} is declared as a whole number", "change the data or the declaration")
    columns = list(zip(*rows, strict=True))
    if leaf.kind == "onehot" and any(sorted(column) != [0] * (len(column) - 1) + [1] for column in columns):
        raise DlcalcError(f"--at: {leaf.name} is declared one-hot", "give one 1 among zeros, or drop the declaration")
    if leaf.kind == "symmetric" and [list(column) for column in columns] != rows:
        raise DlcalcError(f"--at: {leaf.name} is declared symmetric", "change the data or the declaration")


def _oriented(shape: Shape, found: Given) -> Matrix:
    """Lay a flat list down where the program has a row."""
    row = found.axes == 1 and shape.rows == Dim(1) and shape.cols != Dim(1)
    return [[entry for (entry,) in found.rows]] if row else found.rows


def _length(name: str, found: Given) -> int:
    value = found.rows[0][0]
    if found.axes or value != int(value) or value < 1:
        raise DlcalcError(f"--at: the length {name} is a whole number from 1 on", "give 1 or more")
    return int(value)


def _solve(typed: Typed, values: Mapping[str, Matrix], lengths: dict[str, int], given: Mapping[str, Given]) -> None:
    """Find the lengths from the sizes of the data; refuse those that contradict."""
    waiting = [
        (name, dim, size)
        for name, rows in values.items()
        for dim, size in zip(typed.leaves[name].shape, (len(rows), len(rows[0])), strict=True)
    ]
    while waiting:
        later = []
        for name, dim, size in waiting:
            unknown = [(n, times) for n, times in dim.parts if n not in lengths]
            if len(unknown) > 1:
                later.append((name, dim, size))
                continue
            rest = size - dim.constant - sum(times * lengths[n] for n, times in dim.parts if n in lengths)
            times = unknown[0][1] if unknown else 1
            if (not unknown and rest) or rest % times or (unknown and rest // times < 1):
                raise _misfit(typed, name, lengths, given[name])
            if unknown:
                lengths[unknown[0][0]] = rest // times
        if len(later) == len(waiting):
            break
        waiting = later
    for name in typed.lengths:
        if name not in lengths:
            raise DlcalcError(f"the length {name} follows from none of the data", f"add {name} to --at")


def _misfit(typed: Typed, name: str, lengths: Mapping[str, int], found: Given) -> DlcalcError:
    shape = typed.leaves[name].shape
    put = [str(dim.value(lengths)) if all(n in lengths for n, _ in dim.parts) else str(dim) for dim in shape]
    wanted = "a number" if shape.is_scalar else "×".join(put)
    letters = f" ({shape})" if str(shape) != wanted and not shape.is_scalar else ""
    turned = found.axes > 1 and [str(n) for n in reversed(found.size)] == put
    fix = "transpose it" if turned else f"give {name} as {wanted}"
    return DlcalcError(f"--at: {name} is {found.said}, but the program needs {wanted}{letters}", fix)
