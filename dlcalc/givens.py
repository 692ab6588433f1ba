"""The kinds of givens a question may have, and how each is read from text or from a Python value.

A topic annotates its parameters with these; the command's options, their help, the Python function's
coercions, the error messages and the domains that symbols are sampled from all follow from the annotation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from operator import index
from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Expr, Num, fits, names, number
from dlcalc.notation.functions import SPELLINGS
from dlcalc.notation.patterns import compiled
from dlcalc.notation.printing import Value, plain
from dlcalc.notation.tokens import MAX_LENGTH, spelled
from dlcalc.solution import COUNT, POSITIVE, REAL, UNIT, Domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlcalc.notation.parser import Scope

MAX_ENTRIES = 1_000
"""Entries of a list, or numbers of a size."""
MAX_PLAIN_DIGITS = 30
"""Longer numbers are read by the parser, which bounds them."""
MAX_TEXT = 200_000
"""Characters of one option, lists included."""

MAX_LEVELS = 2
"""A list, or a list of rows."""

# ruff: noqa: ANN401 (a given is whatever a caller hands in)

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
    positional: bool = False
    """True where the command takes it without a flag."""


def scalar(
    *flags: str,
    help: str,
    metavar: str = "NUMBER",
    whole: bool = False,
    least: int | None = None,
    domain: Domain | None = None,
) -> Given:
    """Declare an exact number or a symbol; `whole` and `least` bound it where it is a number."""

    def read(name: str, raw: Any) -> Expr:
        return checked(name, read_scalar(name, raw), whole=whole, least=least)

    if domain is None:
        domain = COUNT if whole else REAL if least is None else POSITIVE
    return Given(read, flags, help, metavar, domain)


def size(
    *flags: str,
    help: str,
    metavar: str = "SIZE",
    least: int = 1,
    words: tuple[str, ...] = (),
    positional: bool = False,
) -> Given:
    """Declare a size: `32`, `32x28`, `256x256x3`, a list of them in Python, or one of a few words."""

    def read(name: str, raw: Any) -> Size | str:
        if isinstance(raw, str) and raw.strip().lower() in words:
            return raw.strip().lower()
        return tuple(checked(name, axis, whole=True, least=least) for axis in read_size(name, raw, words))

    return Given(read, flags, help, metavar, COUNT, between="x", positional=positional)


def values(*flags: str, help: str, metavar: str = "LIST", domain: Domain = REAL) -> Given:
    """Declare numbers or symbols: `1,-2`, rows `"1,2;3,4"`, or (nested) lists in Python."""
    return Given(read_values, flags, help, metavar, domain)


def choice(*options: str, flags: tuple[str, ...] = (), help: str) -> Given:
    """Declare one of a few words."""

    def read(name: str, raw: Any) -> str:
        word = str(raw).strip().lower()
        if word not in options:
            close = nearest(word, options)
            raise DlcalcError(f"--{dashed(name)} {_short(raw)} is not known", close or f"use {', '.join(options)}")
        return word

    return Given(read, flags, help, "|".join(options))


def text(*flags: str, help: str, metavar: str = "TEXT", positional: bool = False) -> Given:
    """Declare a text that the question reads itself; `-` is standard input where it is positional."""

    def read(name: str, raw: Any) -> str:
        if not isinstance(raw, str):
            raise DlcalcError(f"{dashed(name)} is a text, not {_short(raw)}", f"give {metavar}")
        if positional and raw == "-":
            return from_stdin(name)
        return raw

    return Given(read, flags, help, metavar, positional=positional)


def from_stdin(name: str) -> str:
    """Read all of standard input, up to a bound."""
    import sys

    try:
        found = sys.stdin.read(MAX_TEXT + 1)
    except (OSError, UnicodeDecodeError) as problem:
        raise DlcalcError(f"{dashed(name)}: standard input is not text ({problem})", "give UTF-8 text") from None
    return _bounded(name, found)


def from_file(name: str, path: str) -> str:
    """Read a text file, up to a bound."""
    from pathlib import Path

    try:
        with Path(path).open(encoding="utf-8-sig") as opened:
            return _bounded(name, opened.read(MAX_TEXT + 1))
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise DlcalcError(f"--{dashed(name)} {_short(path)} cannot be read: {reason}", "check the path") from None


def _bounded(name: str, found: str) -> str:
    if len(found) > MAX_TEXT:
        raise DlcalcError(f"{dashed(name)} has more than {MAX_TEXT:,} characters", "split it")
    return found


def data(*flags: str, help: str, metavar: str) -> Given:
    """Declare a given that the question reads itself, from text or from Python values."""
    return Given(lambda _, value: value, flags, help, metavar)


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
    if names(value):
        return value
    computed = value.value if isinstance(value, Num) else PLAIN.value(value, {})
    if whole and not (isinstance(value, Num) and value.value.denominator == 1):
        below = floor(computed)
        raise DlcalcError(f"{dashed(name)} {plain(value)} is not a whole number", f"use {below} or {below + 1}")
    if least is not None and computed < least:
        raise DlcalcError(f"{dashed(name)} {plain(value)} is less than {least}", f"use {least} or more")
    return value


def read_scalar(name: str, raw: Any, scope: Scope | None = None) -> Expr:
    """Read one exact number or expression; Python floats mean the decimal that they print.

    >>> print(read_scalar("alpha", 0.9), read_scalar("alpha", "9/10 n"))
    0.9 0.9*n
    """
    if isinstance(raw, Expr):
        return raw
    _refuse_other_types(name, raw)
    exact = _exact(raw)
    if exact is not None:
        if not fits(exact):
            raise DlcalcError(f"--{dashed(name)} has too many digits to compute with", "use a symbol")
        return number(exact)
    text = float.__repr__(raw) if isinstance(raw, float) else str(raw)
    if _is_plain_number(text):
        return number(Fraction(text))
    if scope is None or not scope.infinite:
        _refuse_non_numbers(name, text)
    from dlcalc.notation.parser import OPEN, parse

    try:
        value = parse(text, scope or OPEN)
    except NotationError as problem:
        problem.condition = f"--{dashed(name)}: {problem.condition}"
        if compiled(_COMMA).fullmatch(text.strip()):
            problem.fix = "write 0.9 with a point, and 1000 without a comma"
        raise
    return value if isinstance(value, Num) or names(value) else _computed(name, text, value)


def _is_plain_number(text: str) -> bool:
    """Say whether a text is digits with at most a sign and a point, which need no parser (a light start)."""
    digits = text.removeprefix("-").replace(".", "", 1)
    return len(digits) <= MAX_PLAIN_DIGITS and digits.isascii() and digits.isdigit()


def _exact(raw: Any) -> Fraction | None:
    """Return the value of a whole number or fraction of any type; None for the other types."""
    if isinstance(raw, Fraction):
        return raw
    try:
        return Fraction(index(raw))
    except TypeError:
        return None


def _has_entries(raw: Any) -> bool:
    """Say whether a value is a list, or an array with at least one axis."""
    return isinstance(raw, list | tuple) or bool(getattr(raw, "shape", None))


def _refuse_other_types(name: str, raw: Any) -> None:
    if isinstance(raw, bool) or type(raw).__name__ == "bool_":
        raise DlcalcError(f"{dashed(name)} is a number, not {raw}", "give a number or a symbol")
    if isinstance(raw, complex):
        raise DlcalcError(f"{dashed(name)} {raw} is not real", "give a real number or a symbol")
    if isinstance(raw, set | dict) or _has_entries(raw):
        raise DlcalcError(f"{dashed(name)} is one number, not {_short(raw)}", "give a number or a symbol")


def _refuse_non_numbers(name: str, text: str) -> None:
    if not text.strip():
        raise DlcalcError(f"{dashed(name)} is empty", "give a number or a symbol")
    word = text.strip().lower().lstrip("+-")
    if word in {"nan", "snan", "inf", "infinity", "∞", "none", "null", "true", "false"}:
        raise DlcalcError(f"{dashed(name)} {_short(text.strip())} is not a number", "give a finite number or a symbol")


def _computed(name: str, text: str, value: Expr) -> Expr:
    """Compute what has no symbols: an exact value replaces the expression, one that does not exist is refused."""
    try:
        found = PLAIN.value(value, {})
    except OverflowError:
        raise DlcalcError(f"{dashed(name)} {_short(text)} is too large to compute", "use a smaller number") from None
    except (ArithmeticError, ValueError):
        raise DlcalcError(f"{dashed(name)} {_short(text)} has no value", "give a number or a symbol") from None
    return number(found) if isinstance(found, int | Fraction) and fits(Fraction(found)) else value


_COMMA = r"[+-]?\d+(,\d+)+"
_WITH_X = rf"(?<![^\W\dx_])(?:{'|'.join(word for word in SPELLINGS if 'x' in word)})(?=\s*\()"
_BETWEEN_NUMBERS = r"(?<=[0-9])\s*X\s*(?=[0-9])"
_PRODUCT = r"[0-9]+(?:\s*[*·]\s*[0-9]+|\s+[0-9]+)+"
_THOUSANDS = r"[0-9]{1,3}(?:,[0-9]{3})+"


def size_parts(text: str) -> list[str]:
    """Split a size at the x, × and commas outside parentheses; an x in the name of a function stays.

    >>> size_parts("(n + 1)x3"), size_parts("(32, 28)"), size_parts("max(n, 1) × exp(0)")
    (['(n + 1)', '3'], ['32', '28'], ['max(n, 1)', 'exp(0)'])
    """
    text = text.strip()
    inside = _inside(text, "()") or _inside(text, "[]")
    if inside is not None and len(split_outside(inside, ",")) > 1:
        text = inside
    text = compiled(_BETWEEN_NUMBERS).sub("x", text)
    hidden = compiled(_WITH_X).sub(lambda word: word.group().replace("x", "_"), text)
    if text == "x":
        return [text]
    return [text[start:end].strip() for start, end in _spans(hidden, "x×,")]


def read_size(name: str, raw: Any, words: tuple[str, ...] = ()) -> Size:
    """Read `256x256x3`; each axis is a whole number, a symbol or an expression without x."""
    parts = _axes(name, raw)
    if not parts or len(parts) > MAX_ENTRIES or any(isinstance(p, str) and not p.strip() for p in parts):
        raise DlcalcError(f"--{dashed(name)} {_short(raw)!r} is not a size", "write 32, 32x28 or 256x256x3")
    if len(parts) == 1 and isinstance(parts[0], str) and words and (close := nearest(parts[0], words)):
        raise DlcalcError(f"--{dashed(name)} {_short(raw)} is not known", close)
    return tuple(read_scalar(name, part) for part in parts)


def _axes(name: str, raw: Any) -> list[Any]:
    if _has_entries(raw):
        return list(raw)
    if not isinstance(raw, str) or len(raw) > MAX_LENGTH:
        return [raw]
    if len(split_outside(raw, ",")) > 1 or compiled(_PRODUCT).fullmatch(raw.strip()):
        meant = _short(re.sub(r"\s*[,*·\s]\s*", "x", raw.strip()))
        digits = raw.strip().replace(",", "")
        fix = (
            f"write {digits}, or {meant} for several axes"
            if compiled(_THOUSANDS).fullmatch(raw.strip())
            else f"write {meant}"
        )
        raise DlcalcError(f"--{dashed(name)} {_short(raw)!r} is not a size", fix)
    return list(size_parts(raw))


def read_values(name: str, raw: Any, scope: Scope | None = None) -> Value:
    """Read a number, a list `1,-2` or rows `1,2;3,4`; brackets around them are optional.

    >>> read_values("x", "1,2;3,4") == read_values("x", [[1, 2], [3, 4]]) == read_values("x", "[[1,2],[3,4]]")
    True
    """
    if isinstance(raw, str):
        return _read_text(name, raw, scope)
    if _has_entries(raw):
        return _read_nested(name, raw, scope)
    return read_scalar(name, raw, scope)


def _read_nested(name: str, raw: Any, scope: Scope | None, level: int = 1) -> tuple[Value, ...]:
    if level > MAX_LEVELS:
        raise DlcalcError(f"--{dashed(name)} is nested {level} deep", "give a list, or a list of rows")
    if len(raw) > MAX_ENTRIES:
        raise _too_many(name, len(raw))
    read = tuple(
        _read_nested(name, part, scope, level + 1) if _has_entries(part) else read_values(name, part, scope)
        for part in raw
    )
    entries = sum(len(row) if isinstance(row, tuple) else 1 for row in read)
    if entries > MAX_ENTRIES:
        raise _too_many(name, entries)
    return rectangular(name, read)


def _too_many(name: str, entries: int) -> DlcalcError:
    return DlcalcError(f"--{dashed(name)} has {entries:,} entries", f"at most {MAX_ENTRIES:,} are read")


def _read_text(name: str, text: str, scope: Scope | None) -> Value:
    if len(text) > MAX_TEXT:
        raise DlcalcError(f"--{dashed(name)} has {len(text):,} characters", f"at most {MAX_TEXT:,} are read")
    inside = _inside(text.strip(), "[]")
    if inside is None and len(split_outside(_inside(text.strip(), "()") or "", ",")) > 1:
        inside = _inside(text.strip(), "()")
    body = text.strip() if inside is None else inside.strip()
    if not body:
        raise DlcalcError(f"--{dashed(name)} is an empty list", "give at least one number, such as 1,2,3")
    rows, nested = _rows(body, bracketed=inside is not None)
    read = tuple(_read_row(name, row, scope) for row in rows)
    entries = sum(map(len, read))
    if entries > MAX_ENTRIES:
        raise _too_many(name, entries)
    if nested:
        return rectangular(name, read)
    return read[0][0] if len(read[0]) == 1 and inside is None else read[0]


def _rows(body: str, *, bracketed: bool) -> tuple[list[str], bool]:
    """Split `1,2;3,4` or `[1,2],[3,4]` into rows, and say whether there are any."""
    rows = split_outside(body, ";")
    if len(rows) > 1:
        return [row if (inside := _inside(row.strip(), "[]")) is None else inside for row in rows], True
    inner = [_inside(part.strip(), "[]") for part in split_outside(body, ",")]
    if None in inner or not (bracketed or len(inner) > 1):
        return rows, False
    return [row or "" for row in inner], True


def _read_row(name: str, row: str, scope: Scope | None) -> tuple[Expr, ...]:
    parts = split_outside(row, ",")
    if len(parts) > MAX_ENTRIES:
        raise _too_many(name, len(parts))
    if any(not part.strip() for part in parts):
        raise DlcalcError(f"--{dashed(name)} has an empty entry", "remove the comma or semicolon that is too much")
    if any(_inside(part.strip(), "[]") is not None for part in parts):
        raise DlcalcError(f"--{dashed(name)} is nested too deep at {_short(row.strip())}", "give a list, or rows")
    try:
        return tuple(read_scalar(name, part, scope) for part in parts)
    except NotationError as problem:
        if "before this number" in problem.condition:
            problem.fix = "write a comma between entries, or * between factors"
        raise


def _spans(text: str, separators: str) -> list[tuple[int, int]]:
    """Find what stands between the separators outside of brackets."""
    found, depth, start = [], 0, 0
    for at, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if c in separators and depth == 0:
            found.append((start, at))
            start = at + 1
    return [*found, (start, len(text))]


def split_outside(text: str, separators: str) -> list[str]:
    """Split at separators that stand outside of brackets."""
    return [text[start:end] for start, end in _spans(text, separators)]


def nested_parts(text: str) -> Any:
    """Read `[1, 2]`, `[[1, 2], [3, 4]]`, `[1, 2; 3, 4]` or a number as nested lists of texts.

    >>> nested_parts("[1, 2; 3, a b]"), nested_parts("[[[7]]]"), nested_parts("1/2")
    ([['1', '2'], ['3', 'a b']], [[['7']]], '1/2')
    """
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return text
    inside = text[1:-1].strip()
    rows = split_outside(inside, ";")
    if len(rows) > 1:
        return [[part.strip() for part in split_outside(row, ",")] for row in rows]
    return [nested_parts(part) for part in split_outside(inside, ",")] if inside else []


def named_parts(option: str, text: str, example: str) -> dict[str, str]:
    """Read `x=0, y=1`: what stands behind each name.

    Raises DlcalcError for what is no NAME=NUMBER, and for a name given twice.
    """
    found: dict[str, str] = {}
    for part in split_outside(text, ",;"):
        name, equals, value = part.partition("=")
        name = spelled(name.strip())
        if not equals or not name or not value.strip() or "=" in value:
            raise DlcalcError(f"{option} {part.strip()[:40]!r} is not NAME=NUMBER", f"write {example}")
        if name in found:
            raise DlcalcError(f"{option} gives {name} twice", "keep one of them")
        found[name] = value.strip()
    return found


def _inside(text: str, brackets: str) -> str | None:
    """Return what stands inside the one pair of brackets around the whole text; None where there is none."""
    if text[:1] != brackets[0] or text[-1:] != brackets[1]:
        return None
    depth = 0
    for at, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0:
            return text[1:-1] if at == len(text) - 1 else None
    return None


def rectangular(name: str, rows: tuple[Value, ...]) -> tuple[Value, ...]:
    """Refuse an empty list, and rows of different lengths."""
    if not rows:
        raise DlcalcError(f"--{dashed(name)} is an empty list", "give at least one number, such as 1,2,3")
    lengths = {len(row) if isinstance(row, tuple) else 0 for row in rows}
    if len(lengths) > 1 and 0 in lengths:
        raise DlcalcError(f"--{dashed(name)} mixes numbers and lists", "give a list, or a list of rows")
    if len(lengths) > 1:
        found = ", ".join(str(len(row)) for row in rows[:6] if isinstance(row, tuple))
        raise DlcalcError(f"--{dashed(name)}: the rows have different lengths ({found})", "give rows of one length")
    return rows


__all__ = [
    "COUNT", "POSITIVE", "REAL", "UNIT", "Given", "Size", "checked", "choice", "dashed", "data", "from_file",
    "from_stdin", "read_scalar", "read_size", "read_values", "scalar", "size", "size_parts", "split_outside", "switch",
    "text", "values",
]  # fmt: skip
