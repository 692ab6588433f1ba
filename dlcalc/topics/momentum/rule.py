"""The conventions as one rule, and the question asked of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from dlcalc.notation.expression import MINUS_ONE, ONE, Entry, Expr, Num, Sym, div, number
from dlcalc.solution import symbols
from dlcalc.topics.momentum.writing import Vector, plus, times

if TYPE_CHECKING:
    from collections.abc import Iterator

CONVENTIONS = ("course", "pytorch", "ema", "subtract")
"""The ways of writing the rule, as `--convention` calls them."""
FAMILIES = ("g", "v", "theta", "theta_tilde")
"""What every step has, in the order of a `bruteforce.Row`."""
HAT = "v_hat"
"""The running average with its bias corrected."""
T = Sym("t")
"""The letter for the number of steps, in sentences and where none is given."""


@dataclass(frozen=True)
class Rule:
    """v_t = a·v_{t−1} + c·g_t and θ_t = θ_{t−1} + e·v_t: each convention is one choice of a, c and e."""

    a: Expr
    c: Expr
    e: Expr

    @property
    def rate(self) -> Expr:
        """What one gradient takes off θ at once: θ_1 = θ_0 − rate·g_1 when v_0 = 0."""
        return -(self.c * self.e)

    @property
    def long_run(self) -> Expr:
        """What one gradient takes off θ in all the steps that follow: rate/(1 − a)."""
        fading = 1 - self.a
        if self.c == fading:
            return -self.e
        return self.rate * div(ONE, fading) if isinstance(fading, Num) else div(self.rate, fading)

    def velocity(self, v: Expr, g: Expr) -> Expr:
        """Write v_t, nothing folded."""
        return plus(times(self.a, v), times(self.c, g))

    def moved(self, theta: Expr, *v: Expr) -> Expr:
        """Write θ after one velocity or several, nothing folded."""
        return plus(theta, *(times(self.e, each) for each in v))

    def ahead(self, theta: Expr, v: Expr) -> Expr:
        """Write the point to which the old velocity alone would lead, nothing folded."""
        return plus(theta, times(self.e * self.a, v))

    def stored(self, tilde: Expr, new: Expr, old: Expr) -> Expr:
        """Write θ̃_t by the form that stores θ̃, nothing folded."""
        return plus(tilde, times(self.e, new), times(self.e * self.a, new - old))


def rule_of(convention: str, a: Expr, epsilon: Expr) -> Rule:
    """Return the rule of a convention."""
    c, e = {
        "course": (-epsilon, ONE),
        "pytorch": (ONE, -epsilon),
        "ema": (1 - a, -epsilon),
        "subtract": (epsilon, MINUS_ONE),
    }[convention]
    return Rule(a, c, e)


@dataclass(frozen=True)
class Question:
    """What is asked: the rule, the start, and where the gradients come from."""

    convention: str
    alpha: Expr
    epsilon: Expr
    rule: Rule
    v0: Vector
    theta0: Vector
    t: Expr
    nesterov: bool
    gradients: tuple[Vector, ...] = ()
    """The gradients of a list; none where they are the letters g_1, …, g_t, or come from `field`."""
    field: Vector = ()
    """The gradient as an expression in the parameter, one per component."""
    variable: str = "theta"
    """What `field` calls the parameter."""

    @property
    def closed(self) -> bool:
        """Whether a closed form is asked, not a path."""
        return not (self.gradients or self.field)

    @property
    def steps(self) -> int | None:
        """How many steps there are; None for any number."""
        return int(self.t.value) if isinstance(self.t, Num) else None

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What tells the names of the components apart; nothing where there is one."""
        width = len(self.theta0)
        return ("",) if width == 1 else tuple(str(i) for i in range(1, width + 1))

    def gradient(self, step: int) -> Vector:
        """Return the gradient of a step: given, or a letter."""
        return self.gradients[step - 1] if self.gradients else (Entry("g", number(step)),)

    def with_rule(self, convention: str, a: Expr, epsilon: Expr) -> Question:
        """Ask the same under another rule."""
        return replace(self, convention=convention, alpha=a, epsilon=epsilon, rule=rule_of(convention, a, epsilon))

    def placed(self, component: int, place: tuple[Any, ...] | list[Any]) -> dict[str, Any]:
        """Say what the names of the parameter stand for in the gradient of a component."""
        numbered = {f"{self.variable}{i}": at for i, at in enumerate(place, 1)} if len(place) > 1 else {}
        return {**numbered, self.variable: place[component]}

    def label(self, name: str) -> Expr | None:
        """Return what stands left of an answer: v_t, or v for a path; None where that is only its name."""
        family = name.removesuffix("_t")
        return None if family not in {*FAMILIES, HAT} else Entry(family, self.t) if self.closed else Sym(family)

    @property
    def letters(self) -> frozenset[str]:
        """The free letters of all givens, without the parameter in its gradient."""
        given = symbols(self.alpha, self.epsilon, self.v0, self.theta0, self.t, self.gradients)
        return given | (symbols(self.field) - set(self.placed(0, self.theta0)))

    @property
    def indices(self) -> tuple[Sym, Sym]:
        """The letters that sums run over: gradients, and steps."""
        free = self._unused("kjilqr")
        return next(free), next(free)

    @property
    def counter(self) -> Sym:
        """The letter that counts the steps in a general derivation."""
        return self.t if isinstance(self.t, Sym) else next(self._unused("nmsp"))

    @property
    def shift(self) -> Sym:
        """The letter by which θ̃ is shifted."""
        return next(self._unused("hd"))

    def _unused(self, candidates: str) -> Iterator[Sym]:
        """Yield letters that the question does not use."""
        taken, numbered = self.letters, (f"{candidates[0]}{n}" for n in count(2))
        return (Sym(name) for name in chain(candidates, numbered) if name not in taken)
