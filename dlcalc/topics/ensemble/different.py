"""The majority vote of voters with error probabilities of their own."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Entry,
    Expr,
    Mul,
    Num,
    Relation,
    Sym,
    add,
    expr,
    fold,
    mul,
    number,
)
from dlcalc.notation.printing import plain, unicode
from dlcalc.render.quiet import bare_value
from dlcalc.solution import UNIT, Answer, Route, Setting, Slip, Solution, Step, Work, symbols, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


from dlcalc.topics.ensemble.outcomes import (
    AND_TIES,
    COUNTED,
    ERROR,
    NO_TIES,
    OF_TIE,
    SAID,
    SIDES,
    counted,
    enumerated,
    lost,
)

MAX_LISTED, MAX_SYMBOLIC = 12, 7
"""Voters up to which their outcomes are enumerated: of numbers, of symbols."""
MOST_TERMS = 10
"""Products that one line writes out."""


class _Voters(NamedTuple):
    """Voters who err with probabilities of their own."""

    errors: tuple[Expr, ...]
    ties: str

    @property
    def known(self) -> bool:
        """Whether all probabilities are numbers."""
        return all(isinstance(error, Num) for error in self.errors)

    @property
    def best(self) -> Expr | None:
        """The error of the best voter, where all are numbers."""
        found = [error.value for error in self.errors if isinstance(error, Num)]
        return number(min(found)) if self.known else None

    @property
    def weights(self) -> dict[int, Fraction]:
        """The numbers of errors that can make the vote wrong, and how much of each does."""
        votes = len(self.errors)
        found = {j: OF_TIE[self.ties] if 2 * j == votes else Fraction(1) for j in range((votes + 1) // 2, votes + 1)}
        return {j: weight for j, weight in found.items() if weight}

    def exactly(self, wrong: int) -> Expr:
        """Return the probability that so many err, as written: a product for every choice of them."""
        votes = range(len(self.errors))
        terms = tuple(
            Mul(tuple(self.errors[i] if i in chosen else 1 - self.errors[i] for i in votes))
            for chosen in combinations(votes, wrong)
        )
        return Add(terms) if len(terms) > 1 else terms[0]

    @property
    def error(self) -> Expr:
        """The error of the vote."""
        return fold(add(*(mul(number(weight), fold(self.exactly(j))) for j, weight in self.weights.items())))

    @property
    def side(self) -> Literal["<", "=", ">"]:
        """Compare the vote with the best voter, where all are numbers."""
        vote, one = PLAIN.value(self.error, {}), PLAIN.value(self.best or ZERO, {})
        return "<" if vote < one else "=" if vote == one else ">"

    def counted(self, point: Mapping[str, Any]) -> list[Fraction]:
        """Count the errors at a point, voter by voter."""
        return counted([Fraction(PLAIN.value(error, point)) for error in self.errors])

    def enumerated(self, point: Mapping[str, Any]) -> Fraction:
        """Enumerate all outcomes at a point."""
        return enumerated([Fraction(PLAIN.value(error, point)) for error in self.errors], self.ties)


def different(errors: tuple[Expr, ...], ties: str) -> Solution:
    """Answer for voters with error probabilities of their own."""
    asked, votes = _Voters(errors, ties), len(errors)
    most = MAX_LISTED if asked.known else MAX_SYMBOLIC
    if votes > most:
        raise DlcalcError(
            f"{votes} errors of their own have 2^{votes} outcomes", f"give {most} or fewer, or one for all"
        )
    used = symbols(*errors)
    for name in sorted(used & {"error", "accuracy", COUNTED}):
        raise DlcalcError(f"{name} is the name of a result here", "use another letter")
    mixed = (error for error in errors if symbols(error) and not isinstance(error, Sym))
    route = Route(
        "error", f"all {2**votes:,} outcomes, right or wrong for each voter, enumerated", asked.error, asked.enumerated
    )
    return Solution(
        answers=_answers(asked),
        work=lambda: Work(tuple(_steps(asked)), (route,)),
        setting=Setting(
            domains=dict.fromkeys(sorted(used), UNIT),
            constraints=tuple(r for x in mixed for r in (Relation(x, ">=", ZERO), Relation(x, "<=", ONE))),
            definitions={
                COUNTED: lambda point, j: asked.counted(point)[j],
                "error": lambda point: lost(asked.counted(point), ties),
            },
            families=frozenset({COUNTED}),
        ),
        assumptions=("the voters err independently of each other",),
        conventions=(
            NO_TIES if votes % 2 else SAID[ties],
            *(("improves: against the best voter alone",) if asked.known else ()),
        ),
    )


def _answers(asked: _Voters) -> tuple[Answer, ...]:
    error, best = asked.error, asked.best
    slips = (
        Slip(1 - error, "that is the probability that the vote is right"),
        Slip(fold(add(*asked.errors) / len(asked.errors)), "that is the average voter", "majority"),
        Slip(mul(*asked.errors), "that all voters err; the vote is wrong as soon as more than half are", "majority"),
    )
    answers = (Answer("error", error, slips=slips), Answer("accuracy", 1 - error))
    if best is None:
        return answers
    otherwise = f"the best voter errs with {unicode(best)}, the vote with {bare_value(error, 6)}"
    return (*answers, Answer("best_voter", best), verdict("improves", holds=asked.side == "<", otherwise=otherwise))


def _steps(asked: _Voters) -> Iterator[Step]:
    """Count the outcomes by their number of errors, add up those that make the vote wrong."""
    votes = len(asked.errors)
    for j in asked.weights:
        entry, written, value = Entry(COUNTED, expr(j)), asked.exactly(j), fold(asked.exactly(j))
        because = f"{j} of {votes} err, every choice of them" if j < votes else "all err"
        if comb(votes, j) > MOST_TERMS:
            yield Step("count", entry, entry, value, f"{because}: {comb(votes, j)} products added up")
            continue
        yield Step("count", entry, entry, written, because)
        if plain(written) != plain(value):
            yield Step("count", entry, written, value, "computed")
    formula = add(*(mul(number(weight), Entry(COUNTED, expr(j))) for j, weight in asked.weights.items()))
    half = "" if votes % 2 else AND_TIES[asked.ties]
    yield Step("majority", ERROR, ERROR, formula, f"more than half of the votes are wrong{half}")
    if formula != asked.error:
        yield Step("majority", ERROR, formula, asked.error, "computed" if asked.known else "put in")
    if asked.best is not None:
        because = SIDES[asked.side].replace("one voter", "the best voter")
        yield Step("improves", ERROR, ERROR, asked.best, because, asked.side)
