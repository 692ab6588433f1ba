"""The majority vote of voters with one error probability."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import comb
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Relation,
    Sum,
    Sym,
    add,
    expr,
    fold,
    mul,
    number,
    power,
    substitute,
)
from dlcalc.notation.functions import call, floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.render.quiet import bare_value
from dlcalc.solution import UNIT, Answer, Domain, Route, Setting, Slip, Solution, Step, Work, symbols, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.formulary import Point

from dlcalc.topics.ensemble.outcomes import (
    AND_TIES,
    COUNTED,
    ERROR,
    MAX_OUTCOMES,
    NO_TIES,
    OF_TIE,
    SAID,
    SIDES,
    counted,
    enumerated,
    lost,
)

MAX_VOTERS, MAX_FOLLOWED = 1_001, 101
"""Voters whose votes are counted one by one: at one error probability, at many."""
MAX_POLYNOMIAL = 25
"""Voters up to which the error is written as a polynomial in e."""
MAX_WAYS = 10**12
"""Ways to choose that are written as a number."""
MAX_EXACT_BITS = 200
"""Bits up to which an error is written as one fraction; a longer one stays the sum that it is."""
SHOWN = 9
"""Voters up to which the sum is written out term by term, and the improvement is factored."""
FEW = Domain(Fraction(1), Fraction(9), whole=True)


def alike(k: Expr, e: Expr, ties: str) -> Solution:
    """Answer for voters with the same error probability."""
    most = MAX_FOLLOWED if symbols(e) else MAX_VOTERS
    if isinstance(k, Num) and k.value > most:
        raise DlcalcError(f"{plain(k)} voters are too many to count the votes of", f"use {most} or fewer")
    if symbols(k) and not isinstance(k, Sym):
        raise DlcalcError(f"--models {plain(k)} is neither a number nor a letter", "give a number, or the letter k")
    if "j" in symbols(k, e):
        raise DlcalcError("j counts the errors in the formula", "use another letter")
    letters = Letters(taken=symbols(k, e) | {"j"})
    known = isinstance(e, Num) and isinstance(k, Num) and k.value > MAX_POLYNOMIAL
    count = letters.letter("k", k, FEW) if symbols(k) else k
    asked = _Vote(count, e if known else letters.letter("e", e, UNIT), ties)
    given = _Vote(k, e, ties)
    value = _error(given)
    verdicts = _judged(given, value)
    domains = dict(letters.domains)
    if not known:
        domains["j"] = Domain(Fraction(0), k.value if isinstance(k, Num) else FEW.high, whole=True)

    def found(point: Point) -> list[Fraction]:
        size, error = (PLAIN.value(part, point) for part in (asked.k, asked.e))
        return _followed(int(size), Fraction(error))

    def again(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
        size, error = (PLAIN.value(part, point) for part in (k, e))
        return enumerated([Fraction(error)] * int(size), ties)

    answers = [
        Answer("error", value, slips=_slips(given, value)),
        Answer("accuracy", _error(given, of_rest=True), slips=(Slip(value, "that is the error"),)),
    ]
    if asked.tied:
        answers.append(Answer("tie", fold(given.term(k / 2))))
    return Solution(
        answers=(*answers, *verdicts),
        work=lambda: Work(
            tuple(_derivation(asked, given, value, letters)), (Route("error", _method(k), value, again),)
        ),
        setting=Setting(
            domains=domains,
            constraints=_constraints(given, domains),
            definitions={
                COUNTED: lambda point, j: found(point)[j],
                "error": lambda point: lost(found(point), ties),
                "accuracy": lambda point: sum(found(point)) - lost(found(point), ties),
            },
            families=frozenset({COUNTED}),
            values=letters.values,
        ),
        notes=_notes(given),
        assumptions=("the voters err independently of each other, each with the same probability",)
        + ((f"{unicode(k)} is odd",) if symbols(k) else ()),
        conventions=(SAID[ties],) if asked.tied else (NO_TIES,),
    )


class _Vote(NamedTuple):
    """The vote of k voters who err with probability e each; k is odd where it is a symbol."""

    k: Expr
    e: Expr
    ties: str

    @property
    def least(self) -> Expr:
        """The fewest errors that are more than half of the votes."""
        return expr(int(self.k.value) // 2 + 1) if isinstance(self.k, Num) else (self.k + 1) / 2

    @property
    def tied(self) -> bool:
        """Whether the votes can be split into halves."""
        return isinstance(self.k, Num) and self.k.value % 2 == 0

    def term(self, j: Expr) -> Expr:
        """Return the probability that j of the voters err."""
        ways, both = _chosen(self.k, j), _both(self.e, j, self.k - j)
        factors = both if ways == ONE and both else (ways, *both)
        return Mul(factors) if len(factors) > 1 else factors[0]

    def summed(self, term: Callable[[Expr], Expr]) -> Expr:
        """Add the probabilities up of what makes the vote wrong."""
        if isinstance(self.k, Num) and self.k.value <= SHOWN:
            counts = range(int(PLAIN.value(self.least, {})), int(self.k.value) + 1)
            terms = [term(expr(j)) for j in counts]
        else:
            terms = [Sum("j", self.least, self.k, term(Sym("j")))]
        if self.tied and self.ties != "correct":
            half = term(self.k / 2)
            terms.insert(0, half if self.ties == "error" else Mul((number(Fraction(1, 2)), half)))
        return Add(tuple(terms)) if len(terms) > 1 else terms[0]

    @property
    def threshold(self) -> bool:
        """Whether the vote helps exactly below 1/2: for 3 voters or more, where ties are none or fair."""
        some = not isinstance(self.k, Num) or self.k.value > 2  # noqa: PLR2004 (two voters with a coin are one)
        return some and (not self.tied or self.ties == "coin")

    @property
    def polynomial(self) -> tuple[int | Fraction, ...]:
        """Return the coefficients of 1, e, e², … in the error."""
        count = int(PLAIN.value(self.k, {}))
        out = [Fraction(0)] * (count + 1)
        for j in range((count + 1) // 2, count + 1):
            weight = OF_TIE[self.ties] if 2 * j == count else Fraction(1)
            for i in range(count - j + 1):
                out[j + i] += weight * comb(count, j) * comb(count - j, i) * (-1) ** i
        return tuple(out)


def _chosen(k: Expr, j: Expr) -> Expr:
    """Return the ways to choose j of k, as a number where that is short."""
    ways = call("binomial", k, j)
    return Call("binomial", (k, j)) if isinstance(ways, Num) and ways.value > MAX_WAYS else ways


def _both(e: Expr, wrong: Expr, right: Expr) -> tuple[Expr, ...]:
    """Return the factors e^wrong (1 - e)^right, without powers of 0."""
    return tuple(
        Pow(base, times) if times != ONE else base for base, times in ((e, wrong), (1 - e, right)) if times != ZERO
    )


def _written(coefficients: Sequence[int | Fraction], e: Expr) -> Expr:
    """Write a polynomial in ascending powers."""
    return (
        add(*(mul(number(c), power(e, expr(i))) for i, c in enumerate(coefficients) if c))
        if any(coefficients)
        else ZERO
    )


@cache
def _followed(count: int, error: Fraction) -> list[Fraction]:
    return counted([error] * count)


def _method(k: Expr) -> str:
    most = int(k.value) if isinstance(k, Num) else int(FEW.high)
    if most > MAX_OUTCOMES:
        return "the votes counted voter by voter, with the probability of every number of errors"
    outcomes = f"all {2**most:,}" if isinstance(k, Num) else "all"
    return f"{outcomes} outcomes, right or wrong for each voter, enumerated"


def _error(vote: _Vote, *, of_rest: bool = False) -> Expr:
    """Compute the error for the givens, or the rest to 1: exactly, as a polynomial, or by the sum that it is."""
    if isinstance(vote.k, Num) and isinstance(vote.e, Num):
        count, p, q = int(vote.k.value), vote.e.value.numerator, vote.e.value.denominator
        weights = [comb(count, j) * p**j * (q - p) ** (count - j) for j in range(count + 1)]
        exact = Fraction(lost(weights, vote.ties)) / q**count
        if exact.denominator.bit_length() <= MAX_EXACT_BITS:
            return number(1 - exact if of_rest else exact)
    if isinstance(vote.k, Num) and vote.k.value <= MAX_POLYNOMIAL:
        first, *others = vote.polynomial
        coefficients = (1 - first, *(-c for c in others)) if of_rest else (first, *others)
        return _written(coefficients, vote.e)
    return 1 - vote.summed(vote.term) if of_rest else vote.summed(vote.term)


def _derivation(asked: _Vote, given: _Vote, value: Expr, letters: Letters) -> Iterator[Step]:
    """Count the errors of the vote, add up, multiply out, and compare with one voter."""
    one = Sym("j") if letters.domains else asked.least
    entry = Entry(COUNTED, one)
    yield Step("count", entry, entry, asked.term(one), f"{unicode(one)} of {unicode(asked.k)} err, any of them")
    of_counts = asked.summed(lambda j: Entry(COUNTED, j))
    half = AND_TIES[asked.ties] if asked.tied else ""
    yield Step("majority", ERROR, ERROR, of_counts, f"more than half of the votes are wrong{half}")
    formula = asked.summed(asked.term)
    yield Step("majority", ERROR, of_counts, formula, "each probability put in")
    if isinstance(asked.k, Num) and asked.k.value <= MAX_POLYNOMIAL and symbols(asked.e):
        written = _written(asked.polynomial, asked.e)
        if plain(written) != plain(formula):
            yield Step("expanded", ERROR, formula, written, "multiplied out")
        formula = written
    inserted = substitute(formula, letters.values)
    if inserted != formula:
        yield Step("givens", ERROR, formula, inserted, "the givens put in", where=letters.values)
    if plain(inserted) != plain(value):
        yield Step("value", ERROR, inserted, value, "computed", where=letters.values)
    right = Sym("accuracy")
    yield Step("accuracy", right, right, 1 - ERROR, "the vote is right otherwise")
    yield from _compared(asked, given, letters)


def _compared(asked: _Vote, given: _Vote, letters: Letters) -> Iterator[Step]:
    """Compare the vote with one voter: by the factors of the difference, below 1/2, above, and where both are equal."""
    e, half = asked.e, number(Fraction(1, 2))
    quotient = _quotient(asked) if isinstance(asked.k, Num) and asked.k.value <= SHOWN and symbols(e) else None
    if quotient is not None:
        factors = (e, 1 - e, 1 - 2 * e, *(() if quotient == ONE else (quotient,)))
        yield Step("factors", ERROR, e - ERROR, Mul(factors), "what the vote gains: 0 at e = 0, 1/2 and 1")
        if quotient != ONE:
            yield Step("positive", ERROR, quotient, ZERO, "so the sign of the gain is that of 1 - 2e", ">")
    if isinstance(given.e, Num):
        yield Step("improves", ERROR, ERROR, e, SIDES[_side(given)], _side(given), where=letters.values)
    elif given.threshold:
        low, high = e / 2, (1 + e) / 2
        some = "" if isinstance(asked.k, Num) else "; equal for one voter"
        below: Literal["<", "<="] = "<" if isinstance(asked.k, Num) else "<="
        above: Literal[">", ">="] = ">" if isinstance(asked.k, Num) else ">="
        better, worse = f"better than one voter wherever e < 1/2{some}", f"worse wherever e > 1/2{some}"
        yield Step("improves", ERROR, ERROR, e, better, below, where={_name(e): low})
        yield Step("improves", ERROR, ERROR, e, worse, above, where={_name(e): high})
        for equal in (ZERO, half, ONE):
            yield Step("equal", ERROR, ERROR, e, f"equal at e = {unicode(equal)}", where={_name(e): equal})
    if not isinstance(given.e, Num) or given.e.value < half.value:
        bound = Call("exp", (Mul((expr(-2), asked.k, Pow(half - e, expr(2)))),))
        where = {_name(e): e / 2} if not isinstance(given.e, Num) else letters.values
        yield Step("bound", ERROR, ERROR, bound, "Hoeffding, e < 1/2: more voters bring it to 0", "<=", where=where)


def _name(e: Expr) -> str:
    return next(iter(symbols(e)))


def _side(vote: _Vote) -> Literal["<", "=", ">"]:
    """Compare the vote with one voter, where both are numbers."""
    vote_errs, one_errs = (PLAIN.value(part, {}) for part in (_error(vote), vote.e))
    return "<" if vote_errs < one_errs else "=" if vote_errs == one_errs else ">"


def _quotient(vote: _Vote) -> Expr | None:
    """Divide e - error by e (1 - e)(1 - 2e), or return None where that does not go."""
    left = [-c for c in vote.polynomial] + [Fraction(0)] * 2
    left[1] += 1
    if not any(left):
        return None
    divisor, found = (0, 1, -3, 2), []
    for at in range(len(left) - 3):
        found.append(left[at + 1])
        for i, d in enumerate(divisor):
            left[at + i] -= found[-1] * d
    return None if any(left) or not vote.threshold else _written(found, vote.e)


def _judged(vote: _Vote, error: Expr) -> tuple[Answer, ...]:
    """Say whether the vote is better than one voter, or from where on."""
    if isinstance(vote.e, Num) and isinstance(vote.k, Num):
        otherwise = f"one voter errs with {unicode(vote.e)}, the vote with {bare_value(error, 6)}"
        return (verdict("improves", holds=_side(vote) == "<", otherwise=otherwise),)
    if vote.threshold:
        wrong = Slip(ONE, "above 1/2 the vote is worse than one voter: most are wrong more surely", "improves")
        return (Answer("improves_below", number(Fraction(1, 2)), slips=(wrong,)),)
    return ()


def _constraints(given: _Vote, domains: Mapping[str, Domain]) -> tuple[Relation, ...]:
    """Keep k odd, j at most k, and the probability one."""
    k = given.k
    odd = (Relation(floor(k / 2), "=", (k - 1) / 2),) if symbols(k) else ()
    up_to = (Relation(Sym("j"), "<=", k),) if "j" in domains else ()
    unit = () if isinstance(given.e, Sym) or not symbols(given.e) else (
        Relation(given.e, ">=", ZERO), Relation(given.e, "<=", ONE),
    )  # fmt: skip
    return (*odd, *up_to, *unit)


def _notes(vote: _Vote) -> tuple[str, ...]:
    if isinstance(vote.e, Num):
        return ()
    if vote.threshold:
        return ("better than one voter exactly where 0 < e < 1/2; equal at 0, 1/2 and 1, worse above 1/2",)
    if vote.tied and vote.ties != "coin":
        return ("with this reading of a tie, 1/2 is not where the vote begins to help; give a number for e",)
    return ("no better than one voter, for every e",)


def _slips(vote: _Vote, value: Expr) -> tuple[Slip, ...]:
    """Return what is often answered instead."""
    if symbols(vote.k):
        return ()
    k, e, least = vote.k, vote.e, vote.least
    exactly = fold(vote.term(least))
    return (
        Slip(1 - value, "that is the probability that the vote is right"),
        Slip(power(e, k), "that all voters err; the vote is wrong as soon as more than half are", "majority"),
        Slip(exactly, f"that exactly {unicode(least)} err; more may", "majority"),
        Slip(power(e, least), f"that {unicode(least)} certain voters err; any {unicode(least)} may", "count"),
        Slip(e / k, "the errors of a vote do not average out like variances", "majority"),
        Slip(e, "that is one voter alone", "majority"),
    )
