"""Givens of any number of axes, entry by entry: their shapes, lists of them, and names that none of them uses."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import Expr

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from dlcalc.notation.printing import Value


def entries(value: Value) -> Iterator[Expr]:
    """Yield the entries of a number, a list or rows.

    >>> from dlcalc.notation.expression import Sym
    >>> [str(entry) for entry in entries((Sym("a"), Sym("b")))]
    ['a', 'b']
    """
    if isinstance(value, Expr):
        yield value
        return
    for part in value:
        yield from entries(part)


def each(value: Value, result: Callable[[Expr], Expr]) -> Value:
    """Compute something from every entry, in the shape of the given."""
    return result(value) if isinstance(value, Expr) else tuple(each(part, result) for part in value)


def shape(value: Value) -> tuple[int, ...]:
    """Return the lengths of the axes of a value: none for a number.

    >>> from dlcalc.notation.expression import ONE
    >>> shape(ONE), shape(((ONE, ONE, ONE), (ONE, ONE, ONE)))
    ((), (2, 3))
    """
    return () if isinstance(value, Expr) else (len(value), *(shape(value[0]) if value else ()))


def shape_text(axes: tuple[int, ...]) -> str:
    """Write a shape as people say it.

    >>> shape_text(()), shape_text((3,)), shape_text((2, 3))
    ('a single number', 'a list of 3', '2×3')
    """
    return "a single number" if not axes else f"a list of {axes[0]}" if len(axes) == 1 else "×".join(map(str, axes))


def listed(name: str, value: Value, fix: str) -> tuple[Expr, ...]:
    """Return the entries of a given that is a list, or one number as a list of its own.

    Raises DlcalcError, with what would do, where the given has rows.
    """
    parts = (value,) if isinstance(value, Expr) else value
    found = tuple(part for part in parts if isinstance(part, Expr))
    if len(found) != len(parts):
        raise DlcalcError(f"{name} has rows", fix)
    return found


def unused(*preferred: str, taken: Collection[str]) -> str:
    """Return a name that no given uses: the first preferred one that is free, or the first of them with a number.

    >>> unused("w", taken={"w", "w2"}), unused("j", "k", taken={"j"})
    ('w3', 'k')
    """
    numbered = (f"{preferred[0]}{number}" for number in count(2))
    return next(name for name in chain(preferred, numbered) if name not in taken)
