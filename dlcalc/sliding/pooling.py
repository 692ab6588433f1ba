"""Windows of a pooling: the stride may be the kernel, padding is at most half of it, a last window may stick out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Expr, Num, Relation, Sym, expr
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import unicode
from dlcalc.sliding.windows import Bound, Window, slid, starts
from dlcalc.solution import symbols
from dlcalc.whole import coefficients

if TYPE_CHECKING:
    from collections.abc import Sequence

HALF = ": padding is at most half of the kernel"


@dataclass(frozen=True, slots=True)
class Pooling(Window):
    """A pooling window: counted like a convolution's."""

    @property
    def tied(self) -> bool:
        """True where the stride is the kernel, whatever that is."""
        return self.s == self.k

    def limits(self, unknown: str) -> tuple[Expr, Expr | None]:
        """Keep the padding within half of the kernel."""
        least, most = Window.limits(self, unknown)
        if unknown == "padding" and not self.same:
            return least, self.at(floor(self.k / expr(2)))
        if unknown == "kernel" and isinstance(p := self.at(self.p), Num):
            return Num(max(p.value * 2, Fraction(1))), most
        return least, most

    def limit_because(self, unknown: str, limit: Expr) -> str:
        """Name the limit that the padding sets."""
        return HALF if unknown == "padding" or (unknown == "kernel" and limit != ONE) else ""

    def bounds(self, unknown: str) -> tuple[Expr | None, Expr | None]:
        """Solve (o − 1)s ≤ n + 2p − d(k − 1) − 1 < os for one letter; where s is k, for both at once."""
        if unknown != "kernel" or not self.tied:
            return Window.bounds(self, unknown)
        whole = self.padded if self.d == ONE else self.padded + self.d - 1
        least_moves = self.o if self.d == ONE else self.o - 1 + self.d
        return floor(whole / (least_moves + 1)) + 1, floor(whole / least_moves)

    def counted(self, **sizes: int) -> int:
        """Count the places, with the stride of the kernel where the two are one."""
        if self.tied:
            sizes["stride"] = sizes["kernel"]
        return self.placed(**sizes)

    def placed(self, **sizes: int) -> int:
        """Count the places of a window of such sizes."""
        return starts(sizes["input"], sizes["stride"]) if self.same else slid(**sizes)


@dataclass(frozen=True, slots=True)
class PoolingUp(Pooling):
    """A pooling window that may stick out of the end (`ceil_mode`), as PyTorch counts it.

    A window is placed while the one before it leaves entries uncovered, and only where it starts inside the input or
    the padding before it: o = min(⌈(n + 2p − d(k − 1) − 1)/s⌉ + 1, ⌈(n + p)/s⌉).
    Source: torch.nn.MaxPool2d; pooling_output_shape_pad_lr in aten/src/ATen/native/Pool.h.
    """

    rounds_up: ClassVar[bool] = True
    because: ClassVar[str] = "the greatest whole number that keeps the first two"
    several: ClassVar[str] = "the last window may stick out by more or less"
    method: ClassVar[str] = "the window slid until it covers the last entry or would start behind the input, counted"

    @property
    def beyond(self) -> Expr:
        """How far behind the last start that counts a window may start that still is needed to cover the end."""
        return self.at(self.p + self.s - self.span)

    @property
    def clamps(self) -> bool | None:
        """Say whether the last start decides (and not the last entry); None where that depends on symbols."""
        return self.beyond.value > 0 if isinstance(self.beyond, Num) else None

    @property
    def covering(self) -> Expr:
        """How many windows it takes to cover the padded input."""
        return ceil(self.room / self.s) + 1

    @property
    def starting(self) -> Expr:
        """How many windows start inside the input or the padding before it."""
        return ceil((self.n + self.p) / self.s)

    @property
    def size(self) -> Expr:
        """The formula of the output."""
        return Call("min", (self.covering, self.starting))

    @property
    def answer(self) -> Expr:
        """The output for the givens: one of the two numbers, where it is known which."""
        terms, p = coefficients(self.beyond), self.at(self.p)
        signs = {c > 0 for atom, c in terms.items() if atom != ONE and c != 0}
        extreme = sum(c for atom, c in terms.items() if atom == ONE or atom != p)  # with p = 0, all others 1
        if len(signs) > 1 or not all(isinstance(atom, Sym | Num) for atom in terms):
            return self.at(self.size)
        if extreme >= 0 and signs <= {True}:
            return self.at(self.starting)
        return self.at(self.covering if extreme <= 0 and signs <= {False} else self.size)

    @property
    def halfway(self) -> Expr | None:
        """The formula with the numbers of the givens added up; None where they are symbols."""
        numbers = [self.at(e) for e in (self.room, self.s, self.n + self.p)]
        if not all(isinstance(value, Num) for value in numbers):
            return None
        room, s, reach = numbers
        if s == ONE:
            return Call("min", (Add((room, ONE)), reach))
        return Call("min", (Add((Call("ceil", (Div(room, s),)), ONE)), Call("ceil", (Div(reach, s),))))

    @property
    def halfway_because(self) -> str:
        """Say which of the two numbers is the output."""
        covering, starting = self.at(self.covering), self.at(self.starting)
        return f"the lesser of {unicode(covering)} and {unicode(starting)}"

    @property
    def enclosure(self) -> tuple[Bound, ...]:
        """The bounds that the number of windows keeps, and those of which one more would break one."""
        before, last = (self.o - 2) * self.s, self.last
        starts_inside = "it starts inside the input or the padding before it"
        more = "of one window more, one of the two would not hold"
        ends = Call("min", (self.room + self.s, self.n + self.p))
        return (
            Bound("inside", before, "<", self.room, "the window before the last of o leaves entries uncovered"),
            Bound("start", last, "<", self.n + self.p, f"the last starts at (o − 1){unicode(self.s)}: {starts_inside}"),
            Bound("outside", self.o * self.s, ">=", ends, more),
        )

    @property
    def sides(self) -> tuple[str, str]:
        """What the first and the second bound on an unknown come from."""
        return "what o windows keep", "what one more would break"

    @property
    def possible(self) -> tuple[Relation, ...]:
        """At least one window counts."""
        return (Relation(self.room + self.s, ">=", ONE),)

    def overhangs(self, room: Num) -> bool:
        """Count a window larger than the padded input where it sticks out by less than a stride."""
        s = self.at(self.s)
        return isinstance(s, Num) and room.value + s.value > 0

    def placed(self, **sizes: int) -> int:
        """Count the places of a window of such sizes."""
        return slid_up(**sizes)

    def notes(self) -> tuple[str, ...]:
        """Say how far the last window sticks out, or which one is dropped."""
        o, s, room, p = (self.at(e) for e in (self.answer, self.s, self.room, self.p))
        covering, out = self.at(self.covering), self.at((o - 1) * s - room)
        if not (isinstance(out, Num) and isinstance(covering, Num) and isinstance(o, Num)):
            return ()
        if covering.value > o.value:
            at = unicode(self.at(o * s - p + 1))
            where = "in the padding behind the input" if p != ZERO else "behind the input"
            return (self.about(f"one more window would start {where}, at entry {at}: it is dropped"),)
        if out.value > 0:
            entries = "1 entry" if out == ONE else f"{unicode(out)} entries"
            return (self.about(f"the last window sticks out of the padded input by {entries}, where nothing is read"),)
        return ()

    def bounds(self, unknown: str) -> tuple[Expr | None, Expr | None]:
        """Solve o = min(⌈room/s⌉ + 1, ⌈(n + p)/s⌉) for one letter, in whole numbers; None is no bound."""
        if unknown in {"input", "padding"}:
            return self._growing(unknown)
        if unknown == "stride" or (unknown == "kernel" and self.tied):
            return self._moving(unknown)
        if _number(self.at(self.last - self.n - self.p)) >= 0:  # so many never start, whatever the window
            return ONE, ZERO
        ends = _number(self.at(self.o * self.s - self.n - self.p)) >= 0
        before, last = self.padded - 1 - (self.o - 2) * self.s, self.padded - 1 - self.last
        if unknown == "kernel":
            return (ONE if ends else ceil(last / self.d) + 1), ceil(before / self.d)
        if self.at(self.k) == ONE:
            return None, None
        gaps = self.k - 1
        return (ONE if ends else ceil(last / gaps)), ceil(before / gaps) - 1

    def _growing(self, unknown: str) -> tuple[Expr, Expr]:
        """Solve for the input or the padding, with which the output grows."""
        before, last, end = (self.o - 2) * self.s, self.last, self.o * self.s
        if unknown == "input":
            clamps = _number(self.beyond) > 0
            keeps = (before + self.span - 2 * self.p + 1, last - self.p + 1)
            breaks = (last + self.span - 2 * self.p, end - self.p)
            return keeps[clamps], breaks[clamps]
        half, other = (floor((bound + self.span - self.n) / expr(2)) for bound in (before, last))
        return Call("max", (half + 1, last - self.n + 1)), Call("max", (other, end - self.n))

    def regular(self, unknown: str) -> tuple[Relation, ...]:
        """Keep the sampled letters where the same bounds decide as for the givens."""
        found = Window.regular(self, unknown)
        if unknown == "input":
            return (*found, Relation(self.p + self.s, ">" if self.clamps else "<=", self.span))
        least = expr(min(3, _number(self.at(self.o))))
        if unknown == "stride" and least == ONE:
            return (*found, Relation(self.size, "=", ONE), Relation(self.room, ">=", ONE))
        if unknown == "stride" or (unknown == "kernel" and self.tied):
            return (*found, Relation(self.size, ">=", least))
        ends = _number(self.at(self.o * self.s - self.n - self.p)) >= 0 if unknown != "padding" else True
        return found if ends else (*found, Relation(self.size * self.s, "<", self.n + self.p))

    def _moving(self, unknown: str) -> tuple[Expr | None, Expr | None]:
        """Solve for the stride, or for the kernel that is the stride too."""
        reach, room, o = self.n + self.p, self.room, _number(self.at(self.o))
        more: Expr = ZERO
        if unknown == "kernel":  # the room shrinks with the kernel: what is left of it is shared by d kernels more
            room, more = self.padded + (self.d - 1), self.d
        elif self.at(room) == ZERO:  # the window covers all, whatever the stride
            return ONE, (None if o == 1 else ZERO)
        shares = _number(self.at(more)) + o
        lowest = [ceil(reach / self.o)]
        if shares > 1:
            lowest.append(ceil(room / (self.o + more - 1)))
        highest = [ceil(reach / (self.o - 1)) - 1] if o > 1 else []
        if shares > 2:  # noqa: PLR2004 (then more than none are shared by)
            highest.append(ceil(room / (self.o + more - 2)) - 1)
        return _extreme("min", lowest), _extreme("min", highest) if highest else None


def _extreme(function: str, values: Sequence[Expr]) -> Expr:
    return values[0] if len(values) == 1 else Call(function, tuple(values))


def _number(value: Expr) -> int:
    """Take the number of what holds no symbols."""
    if not isinstance(value, Num):
        names = ", ".join(sorted(symbols(value)))
        raise DlcalcError("--solve with --ceil needs numbers here", f"give numbers for {names}")
    return int(value.value)


def slid_up(*, input: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Count windows that are placed while the one before leaves entries uncovered and that start before the end.

    >>> slid_up(input=2, kernel=3, stride=3, padding=1, dilation=1)
    1
    """
    places, start = 0, -padding
    while start < input and start - stride + dilation * (kernel - 1) < input + padding - 1:
        places, start = places + 1, start + stride
    return places
