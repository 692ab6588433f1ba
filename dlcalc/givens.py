"""The kinds of givens a question may have, and how each is read from text or from a Python value.

A topic annotates its parameters with these; the command's options, their help, the Python function's
coercions, the error messages and the domains that symbols are sampled from all follow from the annotation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.notation.expression import Expr, Num, Pow, names, number, walk
from dlcalc.notation.parser import OPEN, Scope, parse
from dlcalc.notation.printing import Value, plain
from dlcalc.notation.tokens import MAX_LENGTH
from dlcalc.solution import COUNT, POSITIVE, REAL, UNIT, Domain

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ENTRIES = 1_000
"""Entries of a list, or numbers of a size."""
MAX_TEXT = 200_000
"""Characters of one option, lists included."""

Size = tuple[Expr, ...]
"""A size such as 32x32x3: one expression per axis."""


@dataclass(frozen=True)
class Given:
    """One parameter of a topic: how it is read, spelled and explained."""

    read: Callable[[str, Any], Any]
    flags: tuple[str, ...]
    help: str
    metavar: str
    domain: Domain | None = None
    """Where a symbol given here is sampled."""
    switch: bool = False
    between: str = ","
    """What stands between the entries when the given is written out."""


def scalar(
    *flags: str, help: str, metavar: str = "NUMBER", whole: bool = False, least: int | None = None, domain: Domain | None = None
) -> Given:
    """Declare an exact number or a symbol; `whole` and `least` bound it where it is a number."""

    def read(name: str, raw: Any) -> Expr:
        return checked(name, read_scalar(name, raw), whole=whole, least=least)

    if domain is None:
        domain = COUNT if whole else REAL if least is None else POSITIVE
    return Given(read, flags, help, metavar, domain)


def size(*flags: str, help: str, metavar: str = "SIZE", least: int = 1, words: tuple[str, ...] = ()) -> Given:
    """Declare a size: `32`, `32x28`, `256x256x3`, a list of them in Python, or one of a few words."""

    def read(name: str, raw: Any) -> Size | str:
        if isinstance(raw, str) and raw.strip().lower() in words:
            return raw.strip().lower()
        return tuple(checked(name, axis, whole=True, least=least) for axis in read_size(name, raw, words))

    return Given(read, flags, help, metavar, COUNT, between="x")


def values(*flags: str, help: str, metavar: str = "LIST", domain: Domain = REAL) -> Given:
    """Declare numbers or symbols: `1,-2`, rows `"1,2;3,4"`, or (nested) lists in Python."""
    return Given(lambda name, raw: read_values(name, raw), flags, help, metavar, domain)


def choice(*options: str, flags: tuple[str, ...] = (), help: str) -> Given:
    """Declare one of a few words."""

    def read(name: str, raw: Any) -> str:
        word = str(raw).strip().lower()
        if word not in options:
            close = nearest(word, options)
            raise DlcalcError(f"--{dashed(name)} {_short(raw)} is not known", close or f"use {', '.join(options)}")
        return word

    return Given(read, flags, help, "|".join(options))


def switch(help: str) -> Given:
    """Declare a switch, `--name/--no-name`."""

    def read(name: str, raw: Any) -> bool:
        if not isinstance(raw, bool):
            raise DlcalcError(f"{name} is a switch", "use True or False")
        return raw

    return Given(read, (), help, "", switch=True)


def dashed(name: str) -> str:
    """Spell a parameter as its option."""
    return name.replace("_", "-")


def _short(raw: Any) -> str:
    text = str(raw)
    return text if len(text) <= 40 else f"{text[:37]}…"  # noqa: PLR2004 (what fits in a message)


def checked(name: str, value: Expr, *, whole: bool = False, least: int | None = None) -> Expr:
    """Refuse a number that is not whole, or below the least that makes sense."""
    if isinstance(value, Num):
        if whole and value.value.denominator != 1:
            below = value.value.numerator // value.value.denominator
            raise DlcalcError(f"{dashed(name)} {plain(value)} is not a whole number", f"use {below} or {below + 1}")
        if least is not None and value.value < least:
            raise DlcalcError(f"{dashed(name)} {plain(value)} is less than {least}", f"use {least} or more")
    return value


def read_scalar(name: str, raw: Any, scope: Scope = OPEN) -> Expr:
    """Read one exact number or expression; Python floats mean the decimal that they print."""
    if isinstance(raw, Expr):
        return raw
    if isinstance(raw, bool):
        raise DlcalcError(f"{dashed(name)} is a number, not {raw}", "give a number or a symbol")
    if isinstance(raw, int | Fraction):
        return number(raw)
    if hasattr(raw, "__index__"):
        return number(int(raw))
    text = repr(raw) if isinstance(raw, float) else str(raw)
    _refuse_non_numbers(name, text)
    try:
        value = parse(text, scope)
    except NotationError as problem:
        problem.condition = f"--{dashed(name)}: {problem.condition}"
        raise
    for node in walk(value):
        if isinstance(node, Pow) and not names(node) and isinstance(node.base, Num) and isinstance(node.exponent, Num) and node.exponent.value.denominator == 1:
            raise DlcalcError(f"{dashed(name)} {_short(text)} is too large to compute exactly", "use a smaller exponent")
    return value


def _refuse_non_numbers(name: str, text: str) -> None:
    if not text.strip():
        raise DlcalcError(f"{dashed(name)} is empty", "give a number or a symbol")
    word = text.strip().lower().lstrip("+-")
    if word in {"nan", "inf", "infinity", "none", "null", "true", "false"}:
        raise DlcalcError(f"{dashed(name)} {_short(text.strip())} is not a number", "give a finite number or a symbol")


_BETWEEN_AXES = re.compile(r"\s*[x×]\s*")


def read_size(name: str, raw: Any, words: tuple[str, ...] = ()) -> Size:
    """Read `256x256x3`; each axis is a whole number, a symbol or an expression without x."""
    if isinstance(raw, tuple | list):
        parts: list[Any] = list(raw)
    elif isinstance(raw, str):
        text = raw.strip()
        parts = [text] if text == "x" else _BETWEEN_AXES.split(text) if len(text) <= MAX_LENGTH else [text]
        if text[:1] in "([" and text[-1:] in ")]" and "," in text:
            parts = text[1:-1].split(",")
    else:
        parts = [raw]
    if not parts or len(parts) > MAX_ENTRIES or any(isinstance(p, str) and not p.strip() for p in parts):
        raise DlcalcError(f"--{dashed(name)} {_short(raw)!r} is not a size", "write 32, 32x28 or 256x256x3")
    if len(parts) == 1 and isinstance(parts[0], str) and words and (close := nearest(parts[0], words)):
        raise DlcalcError(f"--{dashed(name)} {_short(raw)} is not known", close)
    return tuple(read_scalar(name, part) for part in parts)


def read_values(name: str, raw: Any, scope: Scope = OPEN) -> Value:
    """Read a number, a list `1,-2` or rows `1,2;3,4`; brackets around them are optional."""
    if isinstance(raw, str):
        return _split(name, raw, scope)
    if hasattr(raw, "tolist"):
        raw = raw.tolist()
    if isinstance(raw, tuple | list):
        read = tuple(read_values(name, part) for part in raw)
        return rectangular(name, read)
    return read_scalar(name, raw)


def _split(name: str, text: str, scope: Scope) -> Value:
    if len(text) > MAX_TEXT:
        raise DlcalcError(f"--{dashed(name)} has {len(text):,} characters", f"at most {MAX_TEXT:,} are read")
    body = text.strip()
    bracketed = body.startswith("[") and body.endswith("]")
    if bracketed:
        body = re.sub(r"\]\s*,\s*\[", ";", body[1:-1].strip()).removeprefix("[").removesuffix("]")
    if not body:
        raise DlcalcError(f"--{dashed(name)} is an empty list", "give at least one number, such as 1,2,3")
    rows = [_top_level(row) for row in body.split(";")]
    if sum(map(len, rows)) > MAX_ENTRIES:
        raise DlcalcError(f"--{dashed(name)} has {sum(map(len, rows)):,} entries", f"at most {MAX_ENTRIES:,} are read")
    read = tuple(tuple(read_scalar(name, part, scope) for part in row) for row in rows)
    if len(read) > 1:
        return rectangular(name, read)
    return read[0][0] if len(read[0]) == 1 and not bracketed else read[0]


def _top_level(row: str) -> list[str]:
    """Split at the commas outside parentheses."""
    parts, depth, start = [], 0, 0
    for at, c in enumerate(row):
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append(row[start:at])
            start = at + 1
    return [*parts, row[start:]]


def rectangular(name: str, rows: tuple[Value, ...]) -> tuple[Value, ...]:
    """Refuse an empty list, and rows of different lengths."""
    if not rows:
        raise DlcalcError(f"--{dashed(name)} is an empty list", "give at least one number, such as 1,2,3")
    lengths = {len(row) if isinstance(row, tuple) else 0 for row in rows}
    if len(lengths) > 1:
        found = ", ".join(str(len(row) if isinstance(row, tuple) else 1) for row in rows[:6])
        raise DlcalcError(f"--{dashed(name)}: the rows have different lengths ({found})", "give rows of one length")
    return rows


__all__ = [
    "COUNT", "POSITIVE", "REAL", "UNIT", "Given", "Size", "checked", "choice", "dashed", "read_scalar", "read_size",
    "read_values", "scalar", "size", "switch", "values",
]  # fmt: skip
