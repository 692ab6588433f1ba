"""Marking gradients handed in: shape first, then values at random points, then the slip that explains a wrong one.

A wrong answer is compared with what the backward pass gives when one thing in it goes wrong: a path that is
forgotten, an indicator that is left out, a sign, a factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dlcalc.calculus.batches import as_array
from dlcalc.calculus.checking import SCALES, Checker, Data
from dlcalc.calculus.dims import ONE, SCALAR, Shape
from dlcalc.calculus.exact import Exact
from dlcalc.calculus.inference import Reader
from dlcalc.calculus.printing import unicode, unicode_name
from dlcalc.calculus.problem import as_value, upstream_names
from dlcalc.calculus.terms import (
    DELTA,
    Compare,
    Hadamard,
    Name,
    Product,
    Term,
    Transpose,
    hadamard,
    is_zero,
    mul,
    names,
    number,
    ones,
    product,
    rebuilt,
    walk,
)
from dlcalc.errors import DlcalcError, NoSuchAnswerError, NotationError, ShapeError, nearest
from dlcalc.givens import split_outside
from dlcalc.marking import rounded_places, split_named, zeros
from dlcalc.notation.expression import Expr, Num
from dlcalc.notation.patterns import compiled
from dlcalc.notation.printing import decimal, plain
from dlcalc.notation.tokens import spelled
from dlcalc.solution import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.calculus.derivation import Derivation, Path
    from dlcalc.calculus.problem import Numbers, Problem
    from dlcalc.solution import Answer

    Change: TypeAlias = Callable[[str, Path], Term | None]
    """What is put in the place of a path of a quantity; None leaves it out."""

POINTS = 64
TOLERANCE = 1e-9
LEAST = 7
"""Lengths from here on, so that 1/n is not ½ or a third."""
SMALL, ROUNDED = 1e-6, 1e-6
"""Numbers below the first are judged to the second, relative: six digits and more."""
MAX_SLIPS = 200
_DIVISION = r"(?<!\.)/"
SHOWN = 12
"""Entries up to which a counterexample shows a quantity."""

# ruff: noqa: ANN401 (arrays)


def marked(  # noqa: PLR0913, PLR0917 (all that an answer is compared with)
    problem: Problem,
    rights: Mapping[str, Term],
    answers: Sequence[Answer],
    numbers: Numbers | None,
    given: Sequence[str],
    seed: int,
) -> tuple[Mark, ...]:
    """Mark each answer, `NAME=EXPRESSION`; `rights` are the right expressions by the names of the answers.

    Raises DlcalcError for an answer that cannot be read, or that does not say which of several it is.
    """
    judge = _Judge(problem, rights, tuple(answers), numbers, seed)
    return tuple(judge.mark(text) for text in given)


@dataclass(frozen=True)
class _Judge:
    problem: Problem
    rights: Mapping[str, Term]
    answers: tuple[Answer, ...]
    numbers: Numbers | None
    seed: int

    # what is asked

    def mark(self, text: str) -> Mark:
        name, value = self.addressed(text)
        try:
            term = self.read(value)
        except ShapeError as clash:
            read_otherwise = self.from_left(name, value) or self.by_entries(name, value)
            if read_otherwise is not None:
                return read_otherwise
            return Mark(name, value, correct=False, because=f"the shapes do not go together: {clash.condition}")
        except NotationError as problem:
            problem.condition = f"--answer: {problem.condition}"
            raise
        right = self.rights[name]
        if DELTA + self.of(name) in names(term):
            raise DlcalcError(f"--answer: {value.strip()} is what is asked for", "write it in other names")
        if self.numbers is not None and not names(term):
            return self.mark_numbers(name, value, term)
        if self.numbers is None:
            return self.mark_expression(name, value, term, right)
        return replace(self, numbers=None).mark_expression(name, value, term, right)  # a formula, at any data

    def from_left(self, name: str, text: str) -> Mark | None:
        """Judge `a ⊙ b xᵀ` as (a ⊙ b) xᵀ, as lecture notes write it, where no other reading has a shape."""
        if not any(sign in text for sign in (".*", "⊙", "∘", "./", "odot", "circ")):
            return None
        try:
            term = self.reader.read(text, from_left=True)
        except NotationError:
            return None
        mark = self.mark_expression(name, text, term, self.rights[name])
        return mark._replace(because=f"read from left to right, as (a ⊙ b) c: {mark.because}")

    def by_entries(self, name: str, text: str) -> Mark | None:
        """Judge `-y/p` of vectors as `-y ./ p`, where that is right: nothing else can be meant."""
        if "/" not in text:
            return None
        try:
            term = self.reader.read(compiled(_DIVISION).sub("./", text))
        except NotationError:
            return None
        mark = self.mark_expression(name, text, term, self.rights[name])
        return mark._replace(because=f"/ read entry by entry, as ./: {mark.because}") if mark.correct else None

    def of(self, name: str) -> str:
        """Return the quantity whose gradient has this answer name."""
        prefix = self.problem.answer_name("")
        return name.removeprefix(prefix) if name.startswith(prefix) else ""

    def addressed(self, text: str) -> tuple[str, str]:
        """Split NAME=EXPRESSION; the name of a gradient may be W1, dL/dW1, delta_W1 or δ_W1."""
        name, value = split_named(text)
        if name is not None:
            return self.known(name), value.strip()
        principal = [self.problem.answer_name(w) for w in self.problem.wanted] or [self.answers[-1].name]
        if len(principal) > 1:
            listed = " or ".join(f"--answer {n}=…" for n in principal[:3])
            raise DlcalcError("the question has several answers", f"say which one: {listed}")
        return principal[0], text.strip()

    def known(self, written: str) -> str:
        name = spelled(written.replace(" ", "").replace("∂", "d").replace("∇_", "delta_"))
        bare = name.removeprefix(DELTA)
        for candidate in (name, self.problem.answer_name(bare), self.problem.answer_name(name)):
            if candidate in self.rights:
                return candidate
        if self.problem.loss and name.startswith(self.problem.answer_name("")):
            bare = self.of(name)
        fix = nearest(name, self.rights) or f"it has {', '.join(list(self.rights)[:8])}"
        known = self.problem.typed.knows(bare)
        raise NoSuchAnswerError(
            f"--answer {written}: the question does not ask for it"
            if known
            else f"--answer {written} is not a name of the question",
            "add it to --wrt" if known else fix,
        )

    def read(self, text: str) -> Term:
        if not text:
            raise DlcalcError("--answer is empty", "write NAME=EXPRESSION")
        if len(split_outside(text, ",")) > 1 or len(split_outside(text, ";")) > 1:
            text = f"[{text}]"
        return self.reader.read(text)

    @cached_property
    def reader(self) -> Reader:
        """What reads answers."""
        return Reader(self.problem.typed, self.extra)

    @cached_property
    def derivation(self) -> Derivation:
        """The gradients of everything: an answer may use any δ."""
        return self.problem.derived(self.problem.typed.names)

    @cached_property
    def extra(self) -> dict[str, Shape]:
        derivation = self.derivation
        found = {name: term.shape for name, term in derivation.definitions.items()}
        found |= {DELTA + name: g.term.shape for name, g in derivation.gradients.items()}
        leaves = [n for right in self.rights.values() for n in walk(right) if isinstance(n, Name)]
        return {**found, **{n.name: n.shape for n in leaves}}

    # expressions

    @cached_property
    def checker(self) -> Checker:
        data = None
        if self.numbers is not None:
            known = [*self.problem.typed.leaves, *upstream_names(self.problem)]
            data = Data({n: as_array(self.numbers.values[n]) for n in known}, self.numbers.lengths)
        return Checker(self.problem.typed, self.derivation, self.seed, data, least=LEAST, scales=SCALES)

    @cached_property
    def points(self) -> dict[str, Any]:
        """Everything at many random points (or at the data): leaves, values, δ."""
        checker = self.checker
        leaves, _ = checker.points(1 if self.numbers is not None else POINTS)
        for name, shape in self.extra.items():
            if (
                shape == SCALAR
                and name not in leaves
                and name not in checker.derivation.definitions
                and not name.startswith(DELTA)
            ):
                leaves[name] = checker.random.uniform(0.1, 0.9, (POINTS, 1, 1))  # the learning rate
        with np.errstate(all="ignore"):
            values = checker.forward(leaves)
            for name, gradient in self.derivation.gradients.items():
                values[DELTA + name] = checker.batch.value(gradient.short, values)
        return values

    def value(self, term: Term) -> Any:
        with np.errstate(all="ignore"):
            return self.checker.batch.value(term, self.points)

    def same(self, left: Any, right: Any) -> bool:
        return left.shape[1:] == right.shape[1:] and _gap(left, right) <= TOLERANCE

    def mark_expression(self, name: str, text: str, term: Term, right: Term) -> Mark:
        nothing = is_zero(term) and not np.any(self.value(right))
        if term.shape != right.shape and not nothing:
            return Mark(name, text, correct=False, because=self.wrong_shape(name, term, right))
        if nothing:
            return Mark(name, text, correct=True, because="it is zero")
        given, wanted = np.broadcast_arrays(self.value(term), self.value(right))
        there = np.isfinite(given).all(axis=(-2, -1))
        if 2 * there.sum() <= there.size:
            return Mark(name, text, correct=False, because="it has no value at points where the right one has")
        given, wanted = given[there], wanted[there]
        if self.same(given, wanted):
            count = max(given.shape[0], wanted.shape[0])
            because = "the same expression" if term == right else f"agrees at {count} random points"
            return Mark(name, text, correct=True, because=because)
        place, shown = self.counterexample(given, wanted, right.shape)
        explained = self.explained(name, given, wanted)
        return Mark(
            name, text, correct=False, because="; ".join(filter(None, (explained, place))), counterexample=shown
        )

    def wrong_shape(self, name: str, term: Term, right: Term) -> str:
        of = self.of(name)
        what = f"{of} is {right.shape.said}" if of else f"it should be {right.shape.said}"
        text = f"your gradient is {term.shape.said}, {what}"
        if term.shape == right.shape.transposed:
            turned = np.swapaxes(self.value(term), -1, -2)
            return f"{text}: transposed? " + (
                "(its transpose is right)" if self.same(turned, self.value(right)) else ""
            )
        found = self.value(term)
        for other, gradient in self.derivation.gradients.items():
            if gradient.term.shape == term.shape and self.same(found, self.points[DELTA + other]):
                return f"{text}: that is {unicode_name(DELTA + other)}; a factor is missing"
        return text

    def counterexample(self, given: Any, wanted: Any, shape: Shape) -> tuple[str, dict[str, str]]:
        """Find the entry that is most wrong, at the first point where one is."""
        given, wanted = np.broadcast_arrays(given, wanted)
        off = np.abs(given - wanted).reshape(given.shape[0], -1)
        point = int(
            np.argmax(off.max(axis=1) > TOLERANCE * np.maximum(1, np.abs(wanted).reshape(off.shape).max(axis=1)))
        )
        entry = int(np.argmax(off[point]))
        row, column = divmod(entry, given.shape[2])
        where = (
            "" if shape.is_scalar else f"entry [{row + 1}]" if shape.cols == ONE else f"entry [{row + 1},{column + 1}]"
        )
        yours, correct = f"{given[point, row, column]:.6g}", f"{wanted[point, row, column]:.6g}"
        shown = {
            name: _listed(value[point if value.shape[0] > 1 else 0])
            for name, value in self.points.items()
            if name in self.problem.typed.leaves and value[0].size <= SHOWN
        }
        at = "at the data" if self.numbers is not None else "at a random point"
        small = ", ".join(f"{unicode_name(k)} = {v}" for k, v in shown.items() if "[" not in v)
        at = (
            f"at {small}"
            if small and len(shown) == len(self.problem.typed.leaves) and "[" not in "".join(shown.values())
            else at
        )
        sentence = f"{at} {where + ' ' if where else 'it '}is {yours}, the correct value is {correct}"
        return sentence, {**shown, "entry": where, "given": yours, "correct": correct}

    # numbers

    def mark_numbers(self, name: str, text: str, term: Term) -> Mark:
        """Compare numbers; rounded ones count when all their decimals are right."""
        rows = Exact(self.numbers.lengths if self.numbers else {}).value(term, {})
        shape = self.rights[name].shape
        size = (len(rows), len(rows[0]))
        wanted = self.wanted_rows(name)
        right = (len(wanted), len(wanted[0]))
        if size != right and size == (right[1], 1) and right[0] == 1 and "[" not in text:
            rows, size = [[row[0] for row in rows]], right  # a flat list has no direction
        if size != right:
            because = f"it is {'×'.join(map(str, size))}, but {name} is {'×'.join(map(str, right))}"
            return Mark(name, text, correct=False, because=because + (": transposed?" if size == right[::-1] else ""))
        pairs = [
            (as_value([[a]], SCALAR), as_value([[b]], SCALAR))
            for given_row, right_row in zip(rows, wanted, strict=True)
            for a, b in zip(given_row, right_row, strict=True)
        ]
        if all(_agrees(a, b, zeros(text)) for a, b in pairs) or _rounded(pairs):
            exact = all(a == b for a, b in pairs)
            return Mark(
                name,
                text,
                correct=True,
                because="the same value" if exact else f"rounded; more digits: {plain(as_value(wanted, shape))}",
            )
        given, correct = as_array(rows), as_array(wanted)
        place, shown = self.counterexample(given, correct, shape)
        explained = self.explained(name, given, correct)
        return Mark(
            name, text, correct=False, because="; ".join(filter(None, (explained, place))), counterexample=shown
        )

    def wanted_rows(self, name: str) -> Any:
        of = self.of(name)
        if self.numbers is not None and of and not self.problem.numerator:
            return self.numbers.values[DELTA + of]
        value = next(a for a in self.answers if a.name == name).value
        if isinstance(value, Expr):
            return [[_plain(value)]]
        return [[_plain(v) for v in row] if isinstance(row, tuple) else [_plain(row)] for row in value]

    # slips

    def explained(self, name: str, given: Any, wanted: Any) -> str:
        """Find the slip that turns the right answer into the one given."""

        def alike(found: Any) -> bool:
            if not np.isfinite(found).all():
                return False
            return found.shape[1:] == given.shape[1:] and _gap(given, found) <= (
                TOLERANCE if self.numbers is None else 1e-3
            )

        with np.errstate(all="ignore"):
            for found, because in self.general(wanted):
                if alike(found):
                    return because
        of = self.of(name)
        for change, because in islice(self.changes(), MAX_SLIPS) if of else ():
            if alike(self.backward(of, change)):
                return because
        for other, term in self.rights.items():
            if other != name and term.shape == self.rights[name].shape and alike(self.value(term)):
                return f"that is {other}"
        return ""

    def general(self, wanted: Any) -> Iterator[tuple[Any, str]]:
        yield -wanted, "the sign is reversed"
        yield wanted / 2, "a factor 2 is missing (or a ½ is too much)"
        yield wanted * 2, "there is a factor 2 too much (a ½ is forgotten)"
        yield -wanted / 2, "the sign is reversed and a factor 2 is missing"
        yield -wanted * 2, "the sign is reversed and there is a factor 2 too much"
        if wanted.shape[-1] == wanted.shape[-2] > 1:
            yield np.swapaxes(wanted, -1, -2), "it is transposed"
        for length, size in self.checker.lengths.items():
            yield wanted * size, f"a factor 1/{length} is missing: sum instead of mean"
            yield wanted / size, f"there is a factor 1/{length} too much: mean instead of sum"
        for leaf in self.problem.typed.leaves.values():
            if leaf.shape.is_scalar and leaf.name in self.points:
                value = self.points[leaf.name]
                yield wanted / value, f"the factor {unicode_name(leaf.name)} is missing"
                yield wanted * value, f"a factor 1/{unicode_name(leaf.name)} is missing"

    def changes(self) -> Iterator[tuple[Change, str]]:
        """Yield one thing that goes wrong in the backward pass at a time."""
        gradients = self.derivation.gradients
        every = [(g, path) for g in gradients.values() for path in g.paths if path.through]
        for gradient, path in every:
            target, to, through = gradient.name, unicode_name(gradient.name), unicode_name(path.through)
            if len(gradient.paths) > 1:
                turned = _only(target, path.through, mul(_MINUS, path.term))
                yield _only(target, path.through, None), f"the path to {to} through {through} is forgotten"
                yield turned, f"the sign of the path to {to} through {through} is reversed"
            for term, what in _without_factors(path.term):
                yield _only(target, path.through, term), f"{what} is forgotten ({to}, through {through})"
            for term, what in _other_orders(path.term):
                yield _only(target, path.through, term), f"{what} ({to}, through {through})"
        for gradient, path in every:
            to, through = unicode_name(gradient.name), unicode_name(path.through)
            if len(gradient.paths) > 2:  # noqa: PLR2004 (with two, forgetting one leaves the other)
                yield _all_but(gradient.name, path.through), f"only the path to {to} through {through} is there"
            turned = _only(gradient.name, path.through, mul(_MINUS, path.term))
            yield turned, f"a sign is wrong from {to} on"

    def backward(self, of: str, change: Change) -> Any:
        """Run the backward pass with a change."""
        values = dict(self.points)
        derivation = self.derivation
        with np.errstate(all="ignore"):
            for name, gradient in derivation.gradients.items():
                total: Any = np.zeros((1, *self.checker.batch.size(gradient.term)))
                for path in gradient.paths:
                    term = change(name, path)
                    if term is not None:
                        total = total + self.checker.batch.value(term, values)
                values[DELTA + name] = total
                if name == of:
                    break
        return values[DELTA + of]


_MINUS = number(-1)


def _only(target: str, through: str, instead: Term | None) -> Change:
    """Change one path."""
    return lambda name, path: instead if (name, path.through) == (target, through) else path.term


def _all_but(target: str, through: str) -> Change:
    """Leave one path of a quantity alone."""
    return lambda name, path: None if name == target and path.through != through else path.term


def _without_factors(term: Term) -> Iterator[tuple[Term, str]]:
    """Leave out one factor of an element-wise product at a time, and every indicator."""
    for node in walk(term):
        if isinstance(node, Compare):
            yield _replaced(term, node, ones(node.shape)), f"the indicator {unicode(node)}"
    for node in walk(term):
        if isinstance(node, Hadamard):
            for factor in node.factors:
                if not any(isinstance(n, Name) and n.name.startswith(DELTA) for n in walk(factor)) and not isinstance(
                    factor, Compare
                ):
                    rest = hadamard(*(f for f in node.factors if f is not factor))
                    yield _replaced(term, node, rest), f"the factor {unicode(factor)}"
        if isinstance(node, Product) and node.scalars:
            for factor in node.scalars:
                if not any(isinstance(n, Name) and n.name.startswith(DELTA) for n in walk(factor)):
                    rest = mul(*(s for s in node.scalars if s is not factor), *node.chain)
                    yield _replaced(term, node, rest), f"the factor {unicode(factor)}"


def _other_orders(term: Term) -> Iterator[tuple[Term, str]]:
    """Leave out the transpose of one square matrix at a time, or swap two neighbours, where the shapes allow it."""
    for node in walk(term):
        chain = node.chain if isinstance(node, Product) else ()
        for at, factor in enumerate(chain):
            if isinstance(factor, Transpose) and factor.of.shape == factor.shape:
                changed = product(Fraction(1), (), (*chain[:at], factor.of, *chain[at + 1 :]))
                yield (
                    _replaced(term, node, mul(*_front(node), changed)),
                    f"the transpose of {unicode(factor.of)} is missing",
                )
        for at, (left, right) in enumerate(pairwise(chain)):
            if left.shape == right.shape:
                changed = product(Fraction(1), (), (*chain[:at], right, left, *chain[at + 2 :]))
                swapped = f"{unicode(left)} and {unicode(right)} are in the wrong order"
                yield _replaced(term, node, mul(*_front(node), changed)), swapped


def _front(node: Term) -> tuple[Term, ...]:
    """Return what stands before the matrices of a product."""
    return (number(node.coefficient), *node.scalars) if isinstance(node, Product) else ()


def _replaced(term: Term, old: Term, new: Term) -> Term:
    return new if term == old else rebuilt(term, lambda part: _replaced(part, old, new))


def _gap(left: Any, right: Any) -> float:
    """Return the largest difference, relative to the largest right value."""
    largest = float(np.max(np.abs(right), initial=0.0))
    with np.errstate(invalid="ignore"):
        found = float(np.max(np.abs(left - right), initial=0.0)) / (largest or 1.0)
    return found if np.isfinite(found) else float("inf")


def _listed(value: Any) -> str:
    rows = [[f"{entry:.4g}" for entry in row] for row in value]
    if len(rows) == len(rows[0]) == 1:
        return rows[0][0]
    return (
        "[" + "; ".join(", ".join(row) for row in rows) + "]"
        if len(rows[0]) > 1
        else "[" + ", ".join(r[0] for r in rows) + "]"
    )


def _rounded(pairs: Sequence[tuple[Any, Any]]) -> bool:
    """Say whether all entries of a list are rounded to equally many decimals, one with three digits or more."""
    written = [decimal(given.value) if isinstance(given, Num) else None for given, _ in pairs]
    if None in written or not any(rounded_places(given, right) for given, right in pairs):
        return False
    places = max(len((text or "").partition(".")[2]) for text in written)
    return all(2 * 10**places * abs(float(a.value) - float(b.value)) <= 1 + TOLERANCE for a, b in pairs)


def _plain(value: Any) -> Any:
    return value.value


def _agrees(given: Any, right: Any, ends: Mapping[Fraction, int]) -> bool:
    if given == right or (isinstance(given, Num) and rounded_places(given, right, ends)):
        return True
    a, b = float(given.value), float(right.value)
    exact = isinstance(given, Num) and isinstance(right, Num)
    rounding = ROUNDED if abs(b) < SMALL else TOLERANCE
    return not exact and abs(a - b) <= rounding * abs(b)
