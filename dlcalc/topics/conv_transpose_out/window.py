"""A transposed convolution along one axis: the formulas, and brute force that writes kernels and knows no formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from dlcalc.notation.expression import ONE, Expr, Num, Relation, Sym, expr
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import unicode
from dlcalc.sliding.windows import Bound, Window, slid, starts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

QUANTITIES = ("input", "kernel", "stride", "padding", "dilation", "output_padding", "output")


@dataclass(frozen=True, slots=True)
class Transposed(Window):
    """A transposed convolution: every entry of the input writes a kernel, s further than the one before."""

    a: Expr
    """The output padding: entries added at the end."""

    quantities: ClassVar[tuple[str, ...]] = QUANTITIES
    named: ClassVar[tuple[str, ...]] = ("covered", "least", "most")
    exact: ClassVar[bool] = True
    because: ClassVar[str] = "what is covered put in"
    method: ClassVar[str] = "the kernel written for every entry, what remains between the crops counted"
    tried: ClassVar[str] = "the kernels written"

    @property
    def covered(self) -> Expr:
        """The entries from the first that is written to the last."""
        return (self.n - 1) * self.s + self.span

    @property
    def size(self) -> Expr:
        """The formula of the output."""
        if self.same:
            return self.n * self.s
        gaps = self.k if self.d == ONE else self.d * (self.k - 1)
        return (self.n - 1) * self.s - 2 * self.p + gaps + self.a + (0 if self.d == ONE else 1)

    @property
    def least(self) -> Expr:
        """The least size that a convolution with the same givens takes to the input."""
        return self.last_start + 1 if self.same else self.last_start + self.span - 2 * self.p

    @property
    def most(self) -> Expr:
        """The greatest size that a convolution with the same givens takes to the input."""
        return self.n * self.s if self.same else self.n * self.s + self.span - 2 * self.p - 1

    @property
    def last_start(self) -> Expr:
        """Where the last kernel is written."""
        return (self.n - 1) * self.s

    @property
    def extent(self) -> Expr:
        """How many entries counting places goes over."""
        return self.covered + self.a

    @property
    def enclosure(self) -> tuple[Bound, ...]:
        """The equations that the output comes from."""
        if self.same:
            greatest = "the greatest size with ⌈o/s⌉ = n, which is what 'same' makes of o"
            return (Bound("size", self.o, "=", self.size, greatest),)
        covered, padded = Sym(f"covered{self.tag}"), self.at(self.a) != expr(0)
        copies = f"{unicode(self.n)} copies of the kernel, each {unicode(self.s)} further than the one before"
        cropped = "the padding is cropped at both ends" + (", the output padding added at one" if padded else "")
        return (
            Bound("covered", covered, "=", self.covered, copies),
            Bound("cropped", self.o, "=", covered - 2 * self.p + self.a, cropped),
        )

    @property
    def possible(self) -> tuple[Relation, ...]:
        """Something remains between the crops."""
        return (Relation(self.size, ">=", ONE),)

    def limits(self, unknown: str) -> tuple[Expr, Expr | None]:
        """Keep an output padding that is asked for below the stride: more would be the output of a larger input."""
        least, most = Window.limits(self, unknown)
        return (least, self.at(self.s - 1)) if unknown == "output_padding" else (least, most)

    def limit_because(self, unknown: str, limit: Expr) -> str:
        """Name the limit that the stride sets."""
        return ": it is less than the stride" if unknown == "output_padding" and limit != expr(0) else ""

    def misfits(self, **more: Expr) -> bool:
        """Say whether nothing remains between the crops."""
        size = self.at(self.size, **more)
        return isinstance(size, Num) and size.value < 1

    def whatever(self, unknown: str) -> str:
        """Say why every value of a quantity gives one output."""
        if unknown == "stride":
            return "a single entry writes its kernel once, wherever the next would be"
        return "a window of one entry has no gaps"

    def mended(self, unknown: str) -> str:
        """Find the output padding with which a whole input gives the output."""
        if unknown != "input" or self.same:
            return ""
        rest, s = self.at(self.o + 2 * self.p - self.span), self.at(self.s)
        if not (isinstance(rest, Num) and isinstance(s, Num)) or rest.value < 0:
            return ""
        return f"--output-padding {rest.value % s.value}, or "

    def bounds(self, unknown: str) -> tuple[Expr | None, Expr | None]:
        """Solve the equation of the output for one letter; both bounds are its solution, rounded up and down."""
        top, bottom, more = self._quotient(unknown)
        if self.at(bottom) == expr(0):
            return None, None
        return ceil(top / bottom) + more, floor(top / bottom) + more

    def _quotient(self, unknown: str) -> tuple[Expr, Expr, int]:
        """Return what is divided by what for the unknown, and what is added."""
        if self.same:
            return (self.o, self.s, 0) if unknown == "input" else (self.o, self.n, 0)
        moved = self.o + 2 * self.p - self.span - self.a
        kernel = self.o + 2 * self.p - 1 - self.a - self.last_start
        if unknown == "kernel" and self.d == ONE:
            return kernel + 1, ONE, 0
        return {
            "input": (moved, self.s, 1),
            "stride": (moved, self.n - 1, 0),
            "kernel": (kernel, self.d, 1),
            "dilation": (kernel, self.k - 1, 0),
            "padding": (self.covered + self.a - self.o, expr(2), 0),
            "output_padding": (self.o - self.last_start - self.span + 2 * self.p, ONE, 0),
        }[unknown]

    def regular(self, unknown: str) -> tuple[Relation, ...]:
        """Keep the sampled letters where nothing is divided by zero."""
        several = {"stride": self.n, "dilation": self.k}
        return (Relation(several[unknown], ">=", expr(2)),) if unknown in several and not self.same else ()

    def counted(self, **sizes: int) -> int:
        """Count what remains of the kernels written with such sizes."""
        return same_lengths(sizes["input"], sizes["stride"])[-1] if self.same else written(**sizes)

    def counts(self) -> dict[str, Callable[[Mapping[str, Any]], int]]:
        """Count what is covered, and find the least and the greatest axis that a convolution takes to the input."""
        found: dict[str, Callable[[Mapping[str, Any]], int]] = {"least": self._first, "most": self._last}
        return found if self.same else {"covered": self._covered, **found}

    def _covered(self, point: Mapping[str, Any]) -> int:
        return written(**{**self.sizes(point, given=False), "padding": 0, "output_padding": 0})

    def _first(self, point: Mapping[str, Any]) -> int:
        return self.convolved(point)[0]

    def _last(self, point: Mapping[str, Any]) -> int:
        return self.convolved(point)[1]

    def convolved(self, point: Mapping[str, Any], *, given: bool = False) -> tuple[int, int]:
        """Find the shortest and the longest axis that a convolution takes to the input."""
        sizes = self.sizes(point, given=given)
        if self.same:
            lengths = same_lengths(sizes["input"], sizes["stride"])
            return lengths[0], lengths[-1]
        padding = 2 * sizes["padding"]
        sizes |= {"padding": 0, "output_padding": 0}
        return written(**sizes) - padding, written(**{**sizes, "input": sizes["input"] + 1}) - 1 - padding

    def forth(self, point: Mapping[str, Any], length: int) -> int:
        """Slide a convolution with the same givens over an axis."""
        sizes = {**self.sizes(point, given=True), "input": length}
        del sizes["output_padding"]
        return starts(length, sizes["stride"]) if self.same else slid(**sizes)


def written(*, input: int, kernel: int, stride: int, padding: int, dilation: int, output_padding: int) -> int:
    """Write a kernel for every entry, add the output padding at the end, crop both ends, and count what remains.

    >>> written(input=2, kernel=3, stride=2, padding=0, dilation=1, output_padding=0)
    5
    """
    places = {entry * stride + tap * dilation for entry in range(input) for tap in range(kernel)}
    axis = range(min(places), max(places) + 1 + output_padding)
    return len(axis[padding : len(axis) - padding]) if 2 * padding < len(axis) else 0


def same_lengths(windows: int, stride: int) -> list[int]:
    """Grow an axis entry by entry; return its lengths while so many windows of `same` padding start on it.

    >>> same_lengths(2, 3)
    [4, 5, 6]
    """
    found, length, begun = [], 0, 0
    while begun <= windows:
        begun += length % stride == 0
        length += 1
        found += [length] * (begun == windows)
    return found
