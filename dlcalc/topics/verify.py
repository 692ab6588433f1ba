"""A chain of equations or bounds that is handed in, checked link by link."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, NamedTuple

from dlcalc.calculus.chain import Chain, Counterexample, Link, bracketed, looked_at, read_chain, said, simple_points
from dlcalc.calculus.problem import as_value, conventions, shapes, source, undeclared
from dlcalc.errors import DlcalcError, NotationError
from dlcalc.givens import text
from dlcalc.notation.expression import Sym
from dlcalc.notation.program import MAX_PROGRAM
from dlcalc.notation.tokens import spelled, tokenize
from dlcalc.solution import Check, Mark, Solution, Step, StepCheck, Work, verdict
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dlcalc.calculus.chain import Simple
    from dlcalc.calculus.sampled import Sampled
    from dlcalc.solution import Verified

TOLERANCE = 1e-9
_LINK = Sym("link")
_DEFINED = "every side has a value (of logarithms, roots and quotients where they have one)"


class Judged(NamedTuple):
    """What was found about a link."""

    link: Link
    holds: bool
    because: str
    counterexample: Counterexample | None = None


@topic(
    area="back-propagation",
    answers=("holds",),
    examples=(
        "'relu(alpha z) = alpha relu(z)' --where 'alpha > 0'",
        "'c in R; softmax(x + c) = softmax(x)'",
        "'A = W2 (W1 x + b1) + b2 = W2 W1 x + W2 b1 + b2'",
    ),
)
def verify(
    *,
    claim: Annotated[
        str | None,
        text(help="Statements, the last one a = b = c (- for standard input).", metavar="CLAIM", positional=True),
    ] = None,
    file: Annotated[str | None, text("-f", help="Read the claim from this file.", metavar="NAME")] = None,
    where: Annotated[
        str, text("--for", "--assuming", help="Conditions between commas: alpha > 0, abs(c) < 1.", metavar="CONDITIONS")
    ] = "",
) -> Solution:
    """Check of an identity, a bound or your own derivation, link by link.

    The last statement is a chain such as a = b = c or a <= b < c; statements before it declare and define names, as for
    backprop. A link that does not hold gets a counterexample in small numbers where there is one, and the exit code
    is 1. Agreement at random points is evidence, not proof; a line that is proved says so.
    Source: Schwartz, Fast probabilistic algorithms for verification of polynomial identities (1980).

    Raises DlcalcError for what cannot be read, and for conditions that no point satisfies.

    >>> verify(claim="x in R; tanh(x) = 2 sigmoid(2 x) - 1").answers[0].text
    'yes'
    """
    statements = source(claim, file)
    found, numbers = _read(statements, where)
    simple, sampled = list(simple_points(found, 0)), cache(lambda: _sampled(found))
    judged = [_judged(found, link, simple, sampled) for link in found.links]
    wrong = [(k, j) for k, j in enumerate(judged, 1) if not j.holds]
    if wrong:
        _refuse_run_together(found)
    marks = tuple(Mark("", j.link.text, correct=j.holds, because=j.because) for j in judged)
    leaves = shapes(found.problem)
    undescribed = undeclared(found.problem)
    by_convention = f" ({', '.join(undescribed)} by convention: capital matrix, small column, Greek number)"
    terms = list(found.problem.typed.definitions.values())
    return Solution(
        answers=(verdict("holds", holds=not wrong, otherwise="; ".join(j.because for _, j in wrong[:1])),),
        work=lambda: _work(found, judged),
        marks=marks,
        notes=tuple(f"the first link that fails is number {k} of {len(judged)}" for k, _ in wrong[:1] if judged[1:]),
        assumptions=(
            *((where.strip(),) if where.strip() else ()),
            *((_DEFINED,) if leaves and _partial(statements, found.problem.typed.lengths) else ()),
        ),
        conventions=(
            *([f"numbers, as products of columns do not fit: {', '.join(numbers)}"] if numbers else []),
            *([f"shapes: {leaves}{by_convention if undescribed else ''}"] if leaves else []),
            *conventions(terms, derived=False),
        ),
    )


def _read(text: str, where: str) -> tuple[Chain, tuple[str, ...]]:
    """Read a chain; where two columns are multiplied, with the small names as numbers, which are returned."""
    try:
        return read_chain(text, where), ()
    except NotationError as problem:
        names = _small(text) if "both are column vectors" in problem.condition else ()
        if not names:
            raise
        try:
            found = read_chain(text, where, numbers=names)
        except DlcalcError:
            raise problem from None
        if not all(
            leaf.shape.is_scalar for leaf in found.problem.typed.leaves.values()
        ):  # beside a matrix, x is a column
            raise
        return found, names


def _small(text: str) -> tuple[str, ...]:
    """Find the names of one small letter; none where something is declared, as then the rest is meant as it stands."""
    words = [spelled(token.text) for token in tokenize(text, MAX_PROGRAM) if token.kind == "name"]
    if "in" in words or ":" in text:
        return ()
    return tuple(dict.fromkeys(w for w in words if w[:1].islower() and not w[1:].strip("0123456789_")))


def _refuse_run_together(found: Chain) -> None:
    """Refuse a name such as wx beside w and x: the verdict would be about another claim than the one that is meant.

    Raises DlcalcError, which says how to write the product.
    """
    names = set(found.problem.typed.names)
    for name in undeclared(found.problem):
        if len(name) > 1 and name.isalpha() and name.isascii() and set(name) <= names:
            raise DlcalcError(
                f"{name} is read as one name, not as a product",
                f"write {' '.join(name)} for the product, or declare {name} in R",
            )


def _partial(text: str, lengths: Collection[str]) -> bool:
    """Say whether a side as it was typed has no value somewhere: a logarithm, a root, a division by a name."""
    for token, after in pairwise(tokenize(text, MAX_PROGRAM)):
        word = spelled(token.text)
        if word in {"log", "ln", "sqrt", "logdet", "√"}:
            return True
        if token.is_symbol("/", "./") and after.kind != "number" and spelled(after.text) not in lengths:
            return True
    return False


def _sampled(found: Chain) -> Sampled:
    """Draw the random points that decide, when they are first needed: with NumPy."""
    from dlcalc.calculus.sampled import sampled

    return sampled(found, 0)


def _judged(found: Chain, link: Link, simple: Sequence[Simple], sampled: Callable[[], Sampled]) -> Judged:
    """Decide one link: shapes, small numbers, then random points, then a normal form."""
    if not found.fit(link):
        return Judged(link, holds=False, because=f"the shapes differ: {said(found, link)}")
    counterexample, looked, _ = looked_at(found, link, simple)
    if counterexample is not None:
        left, right = (
            bracketed(as_value(side, found.term(name).shape))
            for side, name in ((counterexample.left, link.left), (counterexample.right, link.right))
        )
        place = counterexample.place(found.problem)
        at = f"at {place} " if place else ""
        return Judged(link, False, f"{at}the left side is {left}, the right side is {right}", counterexample)  # noqa: FBT003 (a field)
    if not found.problem.typed.leaves:
        if not looked:
            raise DlcalcError(f"{link.text} has no value", "change the numbers")
        return Judged(link, holds=True, because="the same value" if link.relation == "=" else "compared as numbers")
    from dlcalc.calculus.sampled import first_failure, holds

    points = sampled()
    if not holds(points, link):
        left_side, right_side = first_failure(points, link)
        because = f"at a random point the left side is {left_side:.6g}, the right side is {right_side:.6g}"
        return Judged(link, holds=False, because=because)
    return Judged(link, holds=True, because=f"agrees at {points.drawn} random points")


def _reason(found: Chain, judgement: Judged) -> str:
    """Say why a link holds: proved where both sides are an equation that cancels, else what was seen."""
    from dlcalc.calculus.proof import cancels, equal_numbers

    link = judgement.link
    if link.relation != "=" or not found.problem.typed.leaves:
        return judgement.because
    left, right = found.inlined(link.left), found.inlined(link.right)
    if cancels(left, right, found.problem):
        return "proved: multiplied out, the difference of the sides is zero"
    if equal_numbers(left, right, found.problem, found.positive):
        return "proved with SymPy"
    return judgement.because


def _steps(found: Chain, judged: list[Judged]) -> tuple[Step, ...]:
    """Write the links that hold, and both sides of the others where they differ."""
    steps: list[Step] = []
    for judgement in judged:
        link = judgement.link
        left, right = found.shown(link.left), found.shown(link.right)
        if judgement.holds:
            steps.append(Step("link", _LINK, left, right, _reason(found, judgement), relation=link.relation))
        elif judgement.counterexample is not None:
            at = judgement.counterexample
            because = f"at {place}" if (place := at.place(found.problem)) else "computed"
            for name, side, value in ((link.left, left, at.left), (link.right, right, at.right)):
                steps.append(Step("differs", side, side, as_value(value, found.term(name).shape), because))
    return tuple(steps)


def _work(found: Chain, judged: list[Judged]) -> Work:
    steps = _steps(found, judged)
    return Work(steps, verify=lambda seed: _verified(found, judged, steps, seed))


def _verified(found: Chain, judged: list[Judged], shown: tuple[Step, ...], seed: int) -> Verified:
    """Evaluate every line again from its text, at points that did not decide it."""
    from dlcalc.calculus.printing import plain
    from dlcalc.calculus.sampled import at_counterexample, gap, sampled

    checks: list[StepCheck] = []
    lines = [j for j in judged if j.holds]
    points = sampled(found, seed + 1) if lines else None
    for judgement in judged:
        link = judgement.link
        if judgement.holds and points is not None:
            left, right = (points.read(plain(found.term(side))) for side in (link.left, link.right))
            off = gap(left, link.relation, right)
            checks.append(StepCheck(off <= TOLERANCE, "evaluated", points.drawn, off))
        elif judgement.counterexample is not None:
            offs = at_counterexample(found, link, judgement.counterexample)
            checks += [StepCheck(off <= TOLERANCE, "evaluated", 1, off) for off in offs]
    steps = tuple(replace(s, check=c) for s, c in zip(shown, checks, strict=True))
    simple = list(simple_points(found, seed + 1)) if lines else []
    looked = [looked_at(found, j.link, simple) for j in lines]
    least = min((one.points for one in looked), default=0)
    if not least:
        return steps, ()
    agree = all(one.counterexample is None for one in looked)
    method = f"plain Python at {least} points of small whole numbers, fractions kept exact"
    worst = max(one.gap for one in looked)
    return steps, (Check("every link that holds", method, agree, worst, TOLERANCE),)
