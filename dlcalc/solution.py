"""What a topic returns: answers at once, the derivation and its checks when somebody looks.

Immutable data only; no backend is imported until `steps` or `checks` is read. What is a mere record is a named
tuple, whose class costs a tenth of a frozen dataclass to make at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Expr, Num, Sym, names
from dlcalc.notation.printing import Value, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Sequence as Sequence_

    from dlcalc.notation.expression import Relation
    from dlcalc.notation.parser import Scope
    from dlcalc.numeric import Samples
    from dlcalc.plot import Plot
    from dlcalc.table import Table

POINTS = 64
FAR_BELOW = 1e-3
"""An error below this part of what is allowed is rounding, which differs between machines."""

Form = Literal["number", "size", "list", "set", "word"]
"""How an answer is written; a set is a list in ascending order, whatever the order it is handed in; a word is a
symbol that stands for itself, such as `yes`."""
Computed = int | float | list["Computed"] | None


@dataclass(frozen=True)
class Domain:
    """Where a symbol is sampled: strictly between two bounds, or the whole numbers from one to the other.

    With a step, both bounds are multiples of it, and so is what is sampled.
    """

    low: Fraction
    high: Fraction
    whole: bool = False
    step: int = 1


REAL = Domain(Fraction(-3), Fraction(3))
POSITIVE = Domain(Fraction(0), Fraction(3))
UNIT = Domain(Fraction(0), Fraction(1))
COUNT = Domain(Fraction(1), Fraction(9), whole=True)


@dataclass(frozen=True)
class Sequence:
    """A family of entries `g[1] … g[length]`; random where a mean and a variance are given (independent entries)."""

    length: Expr
    entries: Domain = REAL
    mean: Expr | None = None
    variance: Expr | None = None


@dataclass(frozen=True)
class Setting:
    """What the names of a question stand for, so that every line can be read again and evaluated.

    `definitions` compute a name by brute force from a point (a mapping from names to exact values), and an
    indexed name from a point and an index. They must not know the formula they are compared with.
    """

    domains: Mapping[str, Domain] = field(default_factory=dict)
    constraints: tuple[Relation, ...] = ()
    sequences: Mapping[str, Sequence] = field(default_factory=dict)
    definitions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    families: frozenset[str] = frozenset()
    """The definitions that take an index, such as v in `v[t]`."""
    aliases: Mapping[str, Expr] = field(default_factory=dict)
    """Other spellings that an answer may use: `eps` for epsilon, `sigma` for the square root of sigma2."""
    values: Mapping[str, Expr] = field(default_factory=dict)
    """The givens that stand for letters, so that an answer in letters is judged with the givens put in."""
    display: Mapping[str, str] = field(default_factory=dict)
    """Names that unicode text and LaTeX write in a way of their own: sigma2 as σ²."""
    infinite: bool = False
    """True where an answer may be infinite: then `inf` and `-inf` are read."""

    def scope(self) -> Scope:
        """Return the scope in which answers and steps of this question are read."""
        from dlcalc.notation.parser import Scope

        return Scope(
            names=frozenset(self.domains) | (frozenset(self.definitions) - self.families),
            sequences=frozenset(self.sequences) | self.families,
            aliases=self.aliases,
            closed=True,
            random=any(s.mean is not None for s in self.sequences.values()),
            infinite=self.infinite,
            euler=not any(name.startswith("epsilon") for name in (*self.domains, *self.definitions, *self.aliases)),
        )


class Slip(NamedTuple):
    """A common wrong answer: the value it gives, what went wrong, and the step where it departs."""

    value: Value
    because: str
    rule: str = ""


@dataclass(frozen=True)
class Answer:
    """A named result."""

    name: str
    value: Value
    label: Expr | None = None
    form: Form = "number"
    slips: tuple[Slip, ...] = ()
    words: tuple[str, ...] = ()
    """All the words that the answer could be, where it is one."""

    @property
    def text(self) -> str:
        """The exact value in plain notation; parses to the same value."""
        if self.form == "size" and isinstance(self.value, tuple):
            return "x".join(f"({t})" if " " in t else t for t in map(plain, self.value))
        return plain(self.value)

    @property
    def computed(self) -> Computed:
        """The value as a number or nested lists; None while symbols remain."""
        return computed(self.value)

    @property
    def shape(self) -> list[int] | None:
        """The lengths of the nested lists; None for a number."""
        found: list[int] = []
        value = self.value
        while isinstance(value, tuple):
            found.append(len(value))
            value = value[0] if value else Num(Fraction(0))
        return found or None


def computed(value: Value) -> Computed:
    """Turn a value into a number or nested lists of numbers; None where any part keeps a symbol or overflows."""
    if isinstance(value, tuple):
        parts = [computed(v) for v in value]
        return None if None in parts else parts
    if isinstance(value, Num):
        if value.value.denominator == 1:
            return int(value.value)
        try:
            return float(value.value)
        except OverflowError:
            return None
    return approximate(value)


class StepCheck(NamedTuple):
    """The outcome of evaluating both sides of a step."""

    holds: bool
    method: str
    points: int
    max_error: float


@dataclass(frozen=True)
class Step:
    """One line of a derivation: `before relation after`, because of a rule."""

    rule: str
    target: Expr
    before: Value
    after: Value
    because: str
    relation: Literal["=", "<=", "<", ">=", ">"] = "="
    assumptions: tuple[str, ...] = ()
    where: Mapping[str, Expr] = field(default_factory=dict)
    """What the check puts in the place of symbols: the givens for the letters of a formula, or the one value
    at which a special case holds (alpha = 1)."""
    shape: tuple[int | str, ...] | None = None
    """Rows and columns, as numbers or letters."""
    check: StepCheck | None = None


class Check(NamedTuple):
    """An independent confirmation of an answer: what is claimed, how it was confirmed, how close it came."""

    claim: str
    method: str
    holds: bool
    max_error: float
    tolerance: float


class Route(NamedTuple):
    """A second way to an answer: `compute` finds the value at a point without knowing the formula."""

    claim: str
    method: str
    value: Value
    compute: Callable[[Mapping[str, Any]], Any]


class Experiment(NamedTuple):
    """A seeded experiment that confirms an answer; `run` returns the error seen and the error allowed."""

    claim: str
    method: str
    run: Callable[[int], tuple[float, float]]


class Work(NamedTuple):
    """The derivation of a question and its independent routes, not yet checked."""

    steps: tuple[Step, ...]
    routes: tuple[Route | Experiment, ...] = ()
    verify: Callable[[int], Verified] | None = None
    """Checks the steps with a seed, where they are not scalar expressions."""


Verified = tuple[tuple[Step, ...], tuple[Check, ...]]
"""Steps with their checks, and the outcomes of the independent routes."""


class Mark(NamedTuple):
    """The verdict on an answer handed in; `correct` is None where it stayed undecided."""

    name: str
    given: str
    correct: bool | None
    because: str
    counterexample: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Solution:
    """The answer to one question, with its derivation and checks on demand."""

    answers: tuple[Answer, ...]
    work: Callable[[], Work]
    setting: Setting = field(default_factory=Setting)
    principal: tuple[str, ...] = ()
    """The answers that rank first; the first answer alone, unless given."""
    assumptions: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Facts about this very input that the reader should not miss (rows dropped, a range, a tie)."""
    topic: str = ""
    givens: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    marks: tuple[Mark, ...] = ()
    marker: Callable[[Sequence_[str], int], tuple[Mark, ...]] | None = None
    """Judges answers with a seed, where they are not scalar expressions."""
    documents: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """Whole texts that a format prints instead of the solution: a graph, a program."""
    tables: tuple[Table, ...] = ()
    """Answers of many rows; each has a name like an answer."""
    plots: tuple[Plot, ...] = ()
    """Curves that `--plot` and `--format svg` draw."""

    @cached_property
    def worked(self) -> Work:
        """The derivation, not yet checked."""
        return self.work()

    def verified(self, seed: int) -> Verified:
        """Check the derivation with a seed."""
        if self.worked.verify is not None:
            return self.worked.verify(seed)
        from dlcalc.numeric import sample, verify

        return verify(self.worked, self.samples if seed == self.seed else sample(self.setting, seed), seed)

    @cached_property
    def _verified(self) -> Verified:
        return self.verified(self.seed)

    @cached_property
    def samples(self) -> Samples:
        """The seeded points at which steps are checked and answers compared."""
        from dlcalc.numeric import sample

        return sample(self.setting, self.seed)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The derivation, each step with its check."""
        return self._verified[0]

    @property
    def checks(self) -> tuple[Check, ...]:
        """The independent confirmations of the answers."""
        return self._verified[1]

    @property
    def holds(self) -> bool:
        """True when every step and every independent route held."""
        return all(s.check is not None and s.check.holds for s in self.steps) and all(c.holds for c in self.checks)

    @property
    def principal_answers(self) -> tuple[Answer, ...]:
        """The answers that `-q` prints."""
        return tuple(self[name] for name in self.principal) or self.answers[:1]

    @property
    def value(self) -> Computed:
        """The first principal answer as a number or nested lists; None while symbols remain."""
        return self.principal_answers[0].computed

    def named(self, name: str) -> str:
        """Return the name of an answer or a table, or say which there are."""
        return name if any(table.name == name for table in self.tables) else self[name].name

    def __getitem__(self, name: str) -> Answer:
        """Return an answer by its name."""
        for answer in self.answers:
            if answer.name == name:
                return answer
        from dlcalc.errors import NoSuchAnswerError, nearest

        known = [*(answer.name for answer in self.answers), *(table.name for table in self.tables)]
        raise NoSuchAnswerError(
            f"{self.topic} has no answer {name!r}", nearest(name, known) or f"it has {', '.join(known)}"
        )


YES_OR_NO = ("yes", "no")


def word(name: str, value: str, words: tuple[str, ...], slips: tuple[Slip, ...] = ()) -> Answer:
    """Answer with one of a few words.

    >>> word("saturates", "left", ("left", "right", "both", "never")).text
    'left'
    """
    return Answer(name, Sym(value), form="word", slips=slips, words=words)


def verdict(name: str, *, holds: bool, otherwise: str = "") -> Answer:
    """Answer with yes or no; `otherwise` says what is wrong with the opposite.

    >>> verdict("converges", holds=True).text
    'yes'
    """
    right, wrong = YES_OR_NO if holds else YES_OR_NO[::-1]
    return word(name, right, YES_OR_NO, (Slip(Sym(wrong), otherwise),))


def symbols(*values: Value) -> frozenset[str]:
    """Return the free names of values."""
    found: frozenset[str] = frozenset()
    for value in values:
        found |= names(value) if isinstance(value, Expr) else symbols(*value)
    return found
