"""The question: a rule with its letters, where it starts, where the gradients come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dlcalc.notation.expression import Entry, Expr, Num, Sym, fold, number, rebuilt, substitute
from dlcalc.notation.parser import Scope, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.solution import Domain
    from dlcalc.topics.optimizer.field import Field, Vector
    from dlcalc.topics.optimizer.rules import Rule

T = Sym("t")
FAMILIES = frozenset(
    {"theta", "g", "d", "v", "m", "u", "G", "m_hat", "v_hat", "theta_tilde", "theta_bar", "delta", "rate", "step"}
)
"""What has a value at every update."""
LETTERS = frozenset({"eta", "epsilon", "mu", "tau", "rho", "beta1", "beta2", "lambda", "t"})
"""What the texts of the rules call the settings."""


@dataclass(frozen=True)
class Question:
    """What is asked."""

    rule: Rule
    framework: str
    letters: Mapping[str, Sym]
    """The letter of every setting, by its name in the rules."""
    values: Mapping[str, Expr]
    """The givens that stand for letters."""
    domains: Mapping[str, Domain]
    start: Mapping[str, Vector]
    """Theta and the states before the first update."""
    first: int
    """The number of the first update."""
    updates: Expr
    """How many there are: a number, or a letter."""
    gradients: tuple[Vector, ...] = ()
    """One per update, or one for all of them."""
    field: Field | None = None
    names: tuple[str, ...] = ()
    """The names of the parameters, where they are several."""
    taken: tuple[str, ...] = ()
    """The settings that nobody gave, so that they are a framework's defaults."""

    def value(self, letter: str) -> Expr:
        """Return what was given for a letter of the rules, or the letter itself."""
        own = self.letters[letter]
        return self.values.get(own.name, own)

    @property
    def width(self) -> int:
        """How many numbers the parameters are."""
        return len(self.start["theta"])

    @property
    def general(self) -> bool:
        """Whether the update itself is asked, at any t."""
        return not self.gradients and self.field is None

    @property
    def closed(self) -> bool:
        """Whether closed forms are asked: any number of updates with one gradient."""
        return isinstance(self.updates, Sym)

    @property
    def count(self) -> int:
        """How many updates there are."""
        return int(self.updates.value) if isinstance(self.updates, Num) else 0

    @property
    def places(self) -> range:
        """The components."""
        return range(self.width)

    @property
    def numbers(self) -> range:
        """The numbers of the updates."""
        return range(self.first, self.first + self.count)

    def family(self, base: str, place: int = 0) -> str:
        """Name what has a value at every update, for one component."""
        if self.names:
            return self.names[place] if base == "theta" else f"{base}_{self.names[place]}"
        return base if self.width == 1 else f"{base}{place + 1}"

    def gradient(self, update: int) -> Vector:
        """Return the gradient of an update that was given."""
        return self.gradients[0] if len(self.gradients) == 1 else self.gradients[update - self.first]

    @cached_property
    def equations(self) -> Mapping[str, Expr]:
        """The equations in the letters of the question."""
        return {e.name: self.written(e.text) for e in self.rule.equations}

    @cached_property
    def first_equations(self) -> Mapping[str, Expr]:
        """The equations that are others at the first update."""
        return {e.name: self.written(e.first) for e in self.rule.equations if e.first}

    def written(self, text: str) -> Expr:
        """Read a text of the rules."""
        return substitute(parse(text, Scope(names=LETTERS, sequences=FAMILIES)), dict(self.letters))

    def equation(self, name: str, update: int) -> Expr:
        """Return the equation that holds at an update."""
        if update == self.first and name in self.first_equations:
            return self.first_equations[name]
        return self.equations[name]

    def at(self, node: Expr, update: int, place: int = 0) -> Expr:
        """Write an equation for one update and one component: m_{t-1} becomes m_0."""

        def change(child: Expr) -> Expr:
            if isinstance(child, Entry):
                return Entry(self.family(child.base, place), number(update + _shift(child)))
            return number(update) if child == T else rebuilt(child, change)

        return change(node)

    def put_in(self, node: Expr, update: int, known: Mapping[tuple[str, int], Expr]) -> Expr:
        """Put values into an equation, as written: of the letters, and of what has a value already."""

        def change(child: Expr) -> Expr:
            if isinstance(child, Entry):
                return known[child.base, _shift(child)]
            if isinstance(child, Sym):
                return number(update) if child == T else self.values.get(child.name, child)
            return rebuilt(child, change)

        return change(node)


def _shift(entry: Entry) -> int:
    """Return -1 for what the update before has left, 0 for what this one computes."""
    return 0 if entry.index == T else -1


def given_in(asked: Question, name: str) -> Expr:
    """Return an equation with the givens that stand for letters put in."""
    return fold(substitute(asked.equations[name], dict(asked.values)))
