"""What is to be known of an activation function, as expressions: joints, ends, extremes, flat stretches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlcalc.notation.expression import INFINITY, ZERO, Expr, Num, Relation, Sym

if TYPE_CHECKING:
    from fractions import Fraction

X = Sym("x")
MINUS_INFINITY = -INFINITY
SATURATES = ("left", "right", "both", "never")
MONOTONE = ("increasing", "non-decreasing", "decreasing", "non-increasing", "constant", "neither")
SYMMETRY = ("odd", "even", "neither")


class Joint(NamedTuple):
    """A point where the function or its slope jumps."""

    at: Expr
    before: Expr | None
    """What the function tends to from the left; None where it is not defined there."""
    value: Expr | None
    """The function there; None where it has no value."""
    after: Expr | None
    left: Expr | None
    """The slope from the left: what the difference quotients of the left side tend to."""
    right: Expr | None

    @property
    def continuous(self) -> bool:
        """Whether the function does not jump here."""
        return self.value is not None and self.before == self.value == self.after


class End(NamedTuple):
    """What the function and its slope tend to; None where they tend to nothing."""

    value: Expr | None
    slope: Expr | None


class Extreme(NamedTuple):
    """The least or the largest value of something, and where it is taken."""

    value: Expr
    at: Expr | None
    """The one point where it is taken, ±infinity where it is only come near to; None for many points."""
    where: str = ""
    """Where, in words, if there are many points."""

    @property
    def reached(self) -> bool:
        """Whether the value is taken, and not only come near to."""
        return self.at not in {INFINITY, MINUS_INFINITY}


class Facts(NamedTuple):
    """All that the verdicts on a function follow from."""

    left: End
    right: End
    low: Extreme
    high: Extreme
    steepest: Extreme
    """The largest slope."""
    flattest: Extreme
    """The least slope."""
    joints: tuple[Joint, ...] = ()
    flat: tuple[tuple[Expr, Expr], ...] = ()
    """Stretches on which the slope is exactly 0, by their ends."""
    monotone: str = "increasing"
    symmetry: str = "neither"
    homogeneous: bool = False
    """Whether f(c x) = c f(x) for every c > 0."""

    @property
    def saturates(self) -> str:
        """On which side the slope tends to 0."""
        left, right = self.left.slope == ZERO, self.right.slope == ZERO
        return "both" if left and right else "left" if left else "right" if right else "never"

    @property
    def bounds(self) -> tuple[Relation, ...]:
        """Where the function has values, if that is on one side of a point only."""
        found = []
        if self.joints and self.joints[0].before is None:
            found.append(Relation(X, ">", self.joints[0].at))
        if self.joints and self.joints[-1].after is None:
            found.append(Relation(X, "<", self.joints[-1].at))
        return tuple(found)

    @property
    def continuous(self) -> bool:
        """Whether the function jumps nowhere."""
        return all(joint.continuous for joint in self.joints)


def infinite(value: Expr) -> bool:
    """Say whether a value is beyond all numbers."""
    return value in {INFINITY, MINUS_INFINITY}


def exact(value: Expr) -> Fraction | None:
    """Return an exact number's value; None for all else."""
    return value.value if isinstance(value, Num) else None
