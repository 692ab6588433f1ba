"""Paths through a residual network."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import scalar
from dlcalc.notation.expression import ZERO, Expr, Num, Sym, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Answer, Domain, Slip, Solution, symbols
from dlcalc.table import Table
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlcalc.formulary import Point

BLOCKS = Domain(Fraction(1), Fraction(8), whole=True)
LENGTHS = Domain(Fraction(0), Fraction(8), whole=True)
MAX_BLOCKS = 1_000
MAX_LISTED = 12
"""Blocks up to which the paths of every length are an answer."""
MAX_TABLED = 100
"""Blocks up to which they are a table."""
TWO = number(2)


@topic(
    area="layers",
    answers=("paths", "mean_length", "of_length", "counts"),
    examples=("--blocks 3", "--blocks K --length k", "--blocks 54 --length 27"),
)
def residual_paths(
    *,
    blocks: Annotated[
        Expr | None, scalar("-K", "--depth", "--layers", help="Residual blocks (default K).", whole=True, least=1)
    ] = None,
    length: Annotated[
        Expr | None, scalar("-k", help="Count the paths through this many of the blocks.", whole=True, least=0)
    ] = None,
) -> Solution:
    """Paths through a residual network unravelled: how many there are, and of which length.

    Each block x + f(x) is gone through or around, so K blocks have 2^K paths; C(K, k) of them go through k blocks, K/2
    on average. Taking one block out leaves half of the paths.
    Source: Veit, Wilber and Belongie, Residual networks behave like ensembles of relatively shallow networks (2016).

    Raises DlcalcError where a path would be longer than there are blocks.

    >>> residual_paths(blocks=3)["paths"].text, residual_paths(blocks=5)["counts"].text
    ('8', '1,5,10,10,5,1')
    """
    count = Sym("K") if blocks is None else blocks
    if isinstance(count, Num) and count.value > MAX_BLOCKS:
        raise DlcalcError(f"--blocks {plain(count)} is more than {MAX_BLOCKS:,}", "use fewer blocks, or a symbol")
    if isinstance(count, Num) and isinstance(length, Num) and length.value > count.value:
        raise DlcalcError(
            f"a path through {plain(length)} blocks, where there are {plain(count)}",
            f"use --length {plain(count)} or less",
        )
    letters = Letters(taken=symbols(*(given for given in (count, length) if given is not None)))
    k = letters.letter("K", count, BLOCKS)
    of = None if length is None else letters.letter("k", length, LENGTHS)
    quantities = [
        Quantity(
            "paths", TWO**k, "each block is gone through or around", _walked(k.name, lambda counts, _: sum(counts)),
            (
                Slip(count + 1, "K + 1 counts the lengths, not the paths"),
                Slip(count * 2, "the choices multiply: 2·2·…·2"),
            ),
        ),
        Quantity(
            "mean_length", k / 2, "each block is on half of the paths",
            _walked(k.name, lambda counts, _: Fraction(sum(i * n for i, n in enumerate(counts)), sum(counts))),
        ),
    ]  # fmt: skip
    if of is not None:
        through = call("binomial", k, of)
        counted = _walked(k.name, lambda counts, point: dict(enumerate(counts)).get(int(point[of.name]), 0))
        quantities.append(Quantity("of_length", through, "which of the blocks the path goes through", counted))
    known = int(count.value) if isinstance(count, Num) else None
    tabled = known is not None and known <= MAX_TABLED
    return Formulary(
        letters,
        quantities,
        "all paths followed from block to block, through it or around it",
        others=(Answer("counts", tuple(row[1] for row in _table(known or 0)), form="list"),)
        if known is not None and known <= MAX_LISTED
        else (),
        principal=("paths",) if of is None else ("of_length",),
        conventions=(f"{unicode(count)} blocks x + f(x); the length is the number of blocks gone through",),
        tables=(Table("lengths", ("length", "paths"), lambda: _table(known or 0), bar="paths"),) if tabled else (),
    ).solution()


def _table(blocks: int) -> Iterator[tuple[int, Expr]]:
    for length in range(blocks + 1):
        yield length, call("binomial", number(blocks), number(length)) + ZERO


def _walked(blocks: str, of: Callable[[list[int], Point], int | Fraction]) -> Callable[[Point], int | Fraction]:
    """Return what the numbers of paths of every length say, found block by block."""
    return lambda point: of(_followed(int(point[blocks])), point)


def _followed(blocks: int) -> list[int]:
    """Follow all paths from block to block: each goes on around the block, or through it and is one longer."""
    counts = [1]
    for _ in range(blocks):
        around, through = [*counts, 0], [0, *counts]
        counts = [a + b for a, b in zip(around, through, strict=True)]
    return counts
