"""A question about normalisation, its givens fitted together; what cannot be normalised is refused here."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.entries import entries
from dlcalc.errors import DlcalcError
from dlcalc.givens import MAX_ENTRIES
from dlcalc.normalisation.groups import Groups, grouped
from dlcalc.normalisation.moments import Moments, moments
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Sym, number
from dlcalc.notation.printing import Value, plain

if TYPE_CHECKING:
    from dlcalc.normalisation.arrays import Array

EPSILON = {"pytorch": number(Fraction(1, 100_000)), "keras": number(Fraction(1, 1_000))}
"""The ε of each framework, where none is given."""
RMS_EPSILON = {"pytorch": number(Fraction(1, 100_000)), "keras": number(Fraction(1, 1_000_000))}


WELL = 1e6
"""How far above the variance the square of the mean may be, for floats to keep the digits of their difference."""
LARGEST = Fraction(10**30)
"""Of the numbers that are normalised; the smallest is one over it."""
MAX_LETTERED = 16
"""Entries of data that hold letters."""


class Question(NamedTuple):
    """Data, what is normalised together, and the parameters of each feature."""

    kind: str
    data: Array
    groups: Groups
    eps: Expr
    gamma: tuple[Expr, ...]
    beta: tuple[Expr, ...]
    moments: tuple[Moments, ...]
    axes: tuple[int, ...] | None = None
    group_count: int | None = None

    @property
    def centred(self) -> bool:
        """Whether the mean is subtracted."""
        return self.kind != "rms"

    @property
    def several(self) -> bool:
        """Whether there is more than one group."""
        return len(self.groups.places) > 1

    @property
    def spread_name(self) -> str:
        """What the name of the variance is; of RMS normalisation, the mean square."""
        return "sigma2" if self.centred else "mean_square"

    @property
    def spread_family(self) -> str:
        """What the variances of several groups are called, each with an index."""
        return "var" if self.centred else "mean_square"

    def each(self, found: list[Expr]) -> Value:
        """Return one value per group, or the one there is."""
        return tuple(found) if self.several else found[0]

    @property
    def well_spread(self) -> bool:
        """Whether differences from the mean lose few digits in floats."""
        means = [(approximate(m.mean), approximate(m.spread)) for m in self.moments]
        return all(a is None or b is None or a * a <= WELL * b for a, b in means)

    def scale(self, place: int) -> Expr:
        """Return γ of the entry at a place."""
        return self.gamma[self.groups.parameter[place]]

    def shift(self, place: int) -> Expr:
        """Return β of the entry at a place."""
        return self.beta[self.groups.parameter[place]]

    def with_data(self, data: Array) -> Question:
        """Ask the same of another batch."""
        found = question(self.kind, data, self.eps, self.axes, self.group_count)
        if found.groups.parameters != self.groups.parameters:
            raise DlcalcError(f"--other-batch is {data.said}, --x is {self.data.said}", "give as many features")
        return found._replace(gamma=self.gamma, beta=self.beta)


def question(
    kind: str, data: Array, eps: Expr, axes: tuple[int, ...] | None = None, group_count: int | None = None
) -> Question:
    """Fit data to a kind of normalisation, with scale 1 and shift 0.

    Raises DlcalcError where the variance is 0 and ε too.
    """
    if any(
        isinstance(entry, Num) and entry.value and not 1 / LARGEST <= abs(entry.value) <= LARGEST
        for entry in data.entries
    ):
        raise DlcalcError(
            "an entry is larger than 1e30 or smaller than 1e-30", "divide all entries by one number first"
        )
    letters = sum(not isinstance(entry, Num) for entry in data.entries)
    if letters and len(data.entries) > MAX_LETTERED:
        raise DlcalcError(
            f"{len(data.entries)} entries, {letters} of them letters or roots, make formulas too long to read",
            f"give numbers, or at most {MAX_LETTERED} entries",
        )
    groups = grouped(kind, data.lengths, axes, group_count)
    found = []
    for index, places in enumerate(groups.places, 1):
        got = moments([data.entries[place] for place in places], eps, centred=kind != "rms")
        if got.spread == ZERO:
            which = f" of {groups.unit} {index}" if len(groups.places) > 1 else ""
            what = "variance" if kind != "rms" else "mean square"
            raise DlcalcError(
                f"the {what}{which} is 0 and ε is 0: x̂ = 0/0 has no value",
                "use --eps 1e-5: then every x̂ is 0 and the output β",
            )
        found.append(got)
    ones, zeros = (ONE,) * groups.parameters, (ZERO,) * groups.parameters
    return Question(kind, data, groups, eps, ones, zeros, tuple(found), axes, group_count)


def parameters(name: str, given: Value | None, asked: Question, default: Expr) -> tuple[Expr, ...]:
    """Return a scale, shift or statistic per feature: one number for all, or a list."""
    count = asked.groups.parameters
    if given is None:
        return (default,) * count
    if isinstance(given, Expr):
        return (given,) * count
    found = tuple(entries(given))
    if len(found) != count:
        owner = asked.groups.owner
        raise DlcalcError(
            f"--{name} has {len(found)} entries, the data have {count} {owner}{'s' if count > 1 else ''}",
            f"give one number, or one per {owner}",
        )
    return found


def epsilon(given: Expr | None, kind: str, framework: str, *, on_data: bool) -> Expr:
    """Return ε: given, the framework's on data, a letter in letters.

    Raises DlcalcError for a negative one.
    """
    if given is None:
        return (RMS_EPSILON if kind == "rms" else EPSILON)[framework] if on_data else Sym("epsilon")
    if (approximate(given) or 0) < 0:
        raise DlcalcError(f"eps {plain(given)} is less than 0", "use 0 or a small positive number such as 1e-5")
    return given


def part(name: str, given: Expr | None) -> None:
    """Refuse a momentum outside [0, 1]."""
    value = None if given is None else approximate(given)
    if value is not None and not 0 <= value <= 1:
        raise DlcalcError(f"{name} {plain(given or ZERO)} is outside [0, 1]", "use a part such as 0.1")


def axes_of(given: str | None) -> tuple[int, ...] | None:
    """Read `0`, `-1` or `0,2,3`."""
    if given is None:
        return None
    parts = given.strip("()[] ").split(",")
    try:
        return tuple(int(p) for p in parts)
    except ValueError:
        raise DlcalcError(f"--axis {given} is not a list of axes", "write 0, -1 or 0,2,3") from None


def groups_of(given: Expr | None) -> int | None:
    """Return the number of groups."""
    if given is None:
        return None
    if not isinstance(given, Num) or given.value > MAX_ENTRIES:
        raise DlcalcError(f"--groups {plain(given)} is no small whole number", "use a divisor of the channels")
    return int(given.value)
