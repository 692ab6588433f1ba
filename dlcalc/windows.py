"""Windows that slide along an axis: the formulas, and brute force that counts places and knows no formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, Expr, Sym, expr, substitute
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import unicode
from dlcalc.solution import symbols
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Mapping

QUANTITIES = ("input", "kernel", "stride", "padding", "dilation", "output")
UNKNOWNS = QUANTITIES[:-1]
LETTER = dict(zip(QUANTITIES, "nkspdo", strict=True))
LEAST = dict.fromkeys(QUANTITIES, 1) | {"padding": 0}


# formulas


@dataclass(frozen=True, slots=True)
class Window:
    """The letters along one axis (or several alike), the givens they stand for, and the formulas between them."""

    n: Expr
    k: Expr
    s: Expr
    p: Expr
    d: Expr
    o: Sym
    """The output, counted by sliding the window."""
    values: Mapping[str, Expr]
    tag: str
    """What stands behind the names of the padding: total, before, after."""
    axis: str
    """The name of the axis, where the axes differ."""
    same: bool
    """True where the padding follows from the size (`same`)."""

    @property
    def span(self) -> Expr:
        """Entries from the window's first to its last."""
        return self.k if self.d == ONE else self.d * (self.k - 1) + 1

    @property
    def padded(self) -> Expr:
        """The entries of the axis with the padding at both ends."""
        return self.n + 2 * self.p

    @property
    def room(self) -> Expr:
        """How far the window can move."""
        return self.padded - self.k if self.d == ONE else self.padded - self.d * (self.k - 1) - 1

    @property
    def size(self) -> Expr:
        """The formula of the output."""
        return ceil(self.n / self.s) if self.same else floor(self.room / self.s) + 1

    @property
    def last(self) -> Expr:
        """Where the last of o windows starts."""
        return (self.o - 1) * self.s

    @property
    def excess(self) -> Expr:
        """How many entries o windows cover beyond the input; negative where they end before it."""
        return self.last + self.span - self.n

    def bounds(self, unknown: str) -> tuple[Expr | None, Expr | None]:
        """Solve (o − 1)s ≤ n + 2p − d(k − 1) − 1 < os for one letter, in whole numbers; None is no bound."""
        last, end, gaps = self.last, self.o * self.s, self.k - 1
        lower: Expr | None = None
        upper: Expr | None = None
        if unknown == "input":
            lower, upper = last + self.span - 2 * self.p, end + self.span - 2 * self.p - 1
        elif unknown == "padding":
            lower, upper = ceil(self.excess / expr(2)), floor((end + self.span - self.n - 1) / expr(2))
        elif unknown == "stride":
            lower, upper = floor(self.room / self.o) + 1, None
            if self.at(self.o) != ONE:
                upper = floor(self.room / (self.o - 1))
        elif unknown == "kernel" and self.d == ONE:
            lower, upper = self.padded - end + 1, self.padded - last
        elif unknown == "kernel":
            lower, upper = ceil((self.padded - end) / self.d) + 1, floor((self.padded - last - 1) / self.d) + 1
        elif self.at(self.k) != ONE:
            lower, upper = ceil((self.padded - end) / gaps), floor((self.padded - last - 1) / gaps)
        return lower, upper

    def letter(self, quantity: str) -> Expr:
        """Return the letter of a quantity."""
        found: Expr = getattr(self, LETTER[quantity])
        return found

    def put(self, formula: Expr, **more: Expr) -> Expr:
        """Put the givens in, as written."""
        return substitute(formula, {**self.values, **more})

    def at(self, formula: Expr, **more: Expr) -> Expr:
        """Put the givens in, and compute."""
        return neat(self.put(formula, **more))

    @property
    def written_room(self) -> str:
        """The room in words: with its numbers as they were given, between symbols collected."""
        return unicode(self.at(self.room) if symbols(self.at(self.room)) else self.put(self.room))

    def about(self, text: str) -> str:
        """Say something, with the axis where the axes differ."""
        return f"{self.axis}: {text}" if self.axis else text

    def sizes(self, point: Mapping[str, Any], *, given: bool) -> dict[str, int]:
        """Compute the quantities at a point: the letters' own, or those that the givens have there."""
        letters = {quantity: self.letter(quantity) for quantity in UNKNOWNS}
        return {q: int(PLAIN.value(self.at(e) if given else e, point)) for q, e in letters.items()}

    def places(self, point: Mapping[str, Any], *, given: bool = False) -> int:
        """Count the places of the window by sliding it; of `same` padding, its starts inside the input."""
        found = self.sizes(point, given=given)
        return starts(found["input"], found["stride"]) if self.same else slid(**found)

    def zeros(self, point: Mapping[str, Any], *, given: bool = False) -> int:
        """Count the zeros that `same` padding takes."""
        found = self.sizes(point, given=given)
        del found["padding"]
        return lacking(**found)

    def before(self, point: Mapping[str, Any]) -> int:
        """Count those of them that come before the input."""
        return dealt(self.zeros(point))[0]

    def after(self, point: Mapping[str, Any]) -> int:
        """Count those of them that come after the input."""
        return dealt(self.zeros(point))[1]


# brute force


def slid(*, input: int, kernel: int, stride: int, padding: int, dilation: int, after: int | None = None) -> int:  # noqa: PLR0913 (all that sizes it)
    """Count the places of a window that is moved over a padded axis until it sticks out.

    >>> slid(input=5, kernel=3, stride=2, padding=0, dilation=1)
    2
    """
    axis = range(-padding, input + (padding if after is None else after))
    window = range(-padding, -padding + dilation * kernel, dilation)
    places = 0
    while window[0] in axis and window[-1] in axis:
        window, places = range(window.start + stride, window.stop + stride, dilation), places + 1
    return places


def lacking(*, input: int, kernel: int, stride: int, dilation: int) -> int:
    """Count the zeros to be added until the window has a place for every start inside the input.

    >>> lacking(input=5, kernel=3, stride=2, dilation=1)
    2
    """
    layer = {"input": input, "kernel": kernel, "stride": stride, "dilation": dilation}
    wanted, zeros = starts(input, stride), 0
    while slid(**layer, padding=0, after=zeros) < wanted:
        zeros += 1
    return zeros


def starts(input: int, stride: int) -> int:
    """Count the starts of windows inside an axis: every stride-th entry."""
    return sum(1 for entry in range(input) if entry % stride == 0)


def dealt(zeros: int) -> tuple[int, int]:
    """Deal zeros to the end and the beginning of an axis in turn; return those before and those after."""
    turns = [turn % 2 for turn in range(zeros)]
    return turns.count(1), turns.count(0)
