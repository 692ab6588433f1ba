"""Windows that slide along an axis: the formulas, and brute force that counts places and knows no formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Expr, Num, Relation, Sym, expr, substitute
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import unicode
from dlcalc.solution import symbols
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

QUANTITIES = ("input", "kernel", "stride", "padding", "dilation", "output")
UNKNOWNS = QUANTITIES[:-1]
LETTER = {**dict(zip(QUANTITIES, "nkspdo", strict=True)), "output_padding": "a"}
LEAST = dict.fromkeys(QUANTITIES, 1) | {"padding": 0, "output_padding": 0}


# formulas


class Bound(NamedTuple):
    """What a number of windows o satisfies: `left relation right`, and why."""

    rule: str
    left: Expr
    relation: Literal["=", "<", "<=", ">="]
    right: Expr
    because: str


@dataclass(frozen=True, slots=True)
class Window:
    """The letters along one axis (or several alike), the givens they stand for, and the formulas between them."""

    quantities: ClassVar[tuple[str, ...]] = QUANTITIES
    """What there is on an axis, in the order of its row; the output is last."""
    named: ClassVar[tuple[str, ...]] = ("total", "before", "after")
    """Names of what else is counted, before the tag."""
    exact: ClassVar[bool] = False
    """True where one equation without rounding gives the output."""
    tried: ClassVar[str] = "the window slid"
    """How candidates for an unknown are tried."""
    rounds_up: ClassVar[bool] = False
    """True where a window may stick out of the end."""
    because: ClassVar[str] = "the one whole number between these bounds"
    """Why `size` is the output."""
    several: ClassVar[str] = "the floor drops what the division leaves over"
    """Why different givens have one output."""
    method: ClassVar[str] = "the window slid over the padded axis, its places counted"
    """How `places` finds the output."""

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
    def answer(self) -> Expr:
        """The output for the givens."""
        return self.at(self.size)

    @property
    def halfway(self) -> Expr | None:
        """The formula with the room of the givens as one number; None where they are symbols, or nothing is divided."""
        room, s = self.at(self.room), self.at(self.s)
        if s == ONE or not (isinstance(room, Num) and isinstance(s, Num)):
            return None
        return Add((Call("floor", (Div(room, s),)), ONE))

    @property
    def halfway_because(self) -> str:
        """Say what becomes of that formula."""
        moves = self.at(self.size - 1)
        return f"{unicode(moves)} {'move' if moves == ONE else 'moves'}, and the place it starts from"

    @property
    def enclosure(self) -> tuple[Bound, ...]:
        """The bounds on the number of windows, of which there is one whole number between."""
        last = f"the last of o windows starts at (o − 1){unicode(self.s)} and ends inside the padded input"
        return (
            Bound("inside", self.last, "<=", self.room, last),
            Bound("outside", self.room, "<", self.o * self.s, "one step further it would stick out"),
        )

    @property
    def sides(self) -> tuple[str, str]:
        """What the first and the second bound on an unknown come from."""
        return "the bound on the left", "the bound on the right"

    @property
    def possible(self) -> tuple[Relation, ...]:
        """What the letters satisfy wherever the formulas are looked at."""
        return () if self.same else (Relation(self.room, ">=", ZERO),)

    @property
    def extent(self) -> Expr:
        """How many entries counting places goes over."""
        return self.padded

    def counts(self) -> dict[str, Callable[[Mapping[str, Any]], int]]:
        """Count what else the derivation names."""
        return {"total": self.zeros, "before": self.before, "after": self.after} if self.same else {}

    def misfits(self, **more: Expr) -> bool:
        """Say whether the window of the givens has no place at all."""
        room = self.at(self.room, **more)
        return isinstance(room, Num) and room.value < 0

    def whatever(self, unknown: str) -> str:
        """Say why every value of a quantity, from some least one on, gives one output."""
        return "there is room for one window only" if unknown == "stride" else "a window of one entry has no gaps"

    def mended(self, unknown: str) -> str:  # noqa: ARG002 (other windows have more to mend)
        """Say what else makes an output possible that no whole number gives."""
        return ""

    def overhangs(self, room: Num) -> bool:  # noqa: ARG002 (other windows may)
        """Say whether a window counts that is larger than the padded input by so much (a negative room)."""
        return False

    def limits(self, unknown: str) -> tuple[Expr, Expr | None]:
        """Return the least and the most that a quantity may be whatever the output; None is no limit."""
        return expr(LEAST[unknown]), None

    def limit_because(self, unknown: str, limit: Expr) -> str:  # noqa: ARG002 (other windows have reasons)
        """Say why a quantity may be no less or no more, where that needs a reason."""
        return ""

    def notes(self) -> tuple[str, ...]:
        """Say what the reader should know of the last window, where one may stick out."""
        return ()

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

    def regular(self, unknown: str) -> tuple[Relation, ...]:
        """Keep the sampled letters where the bounds have a value: two places or more, a kernel with gaps."""
        lower, upper = self.bounds(unknown)
        if unknown == "stride" and upper is not None:
            return (Relation(self.room, ">=", self.s),)
        return (Relation(self.k, ">=", expr(2)),) if unknown == "dilation" and lower is not None else ()

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
        letters = {quantity: self.letter(quantity) for quantity in self.quantities[:-1]}
        return {q: int(PLAIN.value(self.at(e) if given else e, point)) for q, e in letters.items()}

    def places(self, point: Mapping[str, Any], *, given: bool = False) -> int:
        """Count the places of the window by sliding it; of `same` padding, its starts inside the input."""
        return self.counted(**self.sizes(point, given=given))

    def counted(self, **sizes: int) -> int:
        """Count the places of a window of such sizes."""
        return starts(sizes["input"], sizes["stride"]) if self.same else slid(**sizes)

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
