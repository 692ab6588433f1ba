"""Lists of expressions, entry by entry: what givens of any number of axes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def unused(preferred: str, taken: Collection[str]) -> str:
    """Return a name that no given uses: the preferred one, or that with a number.

    >>> unused("w", {"w", "w1"})
    'w2'
    """
    count = 0
    name = preferred
    while name in taken:
        count += 1
        name = f"{preferred}{count}"
    return name
