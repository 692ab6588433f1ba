"""The question back (--solve): every input, kernel, stride, padding or dilation that gives a known output."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Call, Div, Expr, Num, Relation, expr, walk
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.sliding.question import Found, Need
from dlcalc.sliding.reading import AXES
from dlcalc.sliding.slips import filter_slips, solution_slips
from dlcalc.sliding.windows import LEAST
from dlcalc.solution import Answer, Slip, Solution, Work
from dlcalc.whole import coefficients, neat, unrounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dlcalc.sliding.question import Question
    from dlcalc.sliding.reading import Said
    from dlcalc.sliding.windows import Window

    Slips = Callable[[str, Window], Iterable[Slip]]


def solved(  # noqa: PLR0913 (all that an answer says)
    question: Question,
    unknown: str,
    depth: Expr | None,
    filters: Expr | None,
    said: Said,
    *,
    slips: Slips = solution_slips,
) -> Solution:
    """Answer with everything that gives the output; of a convolution, with its filters too."""
    found = {w.o: _found(question, unknown, w) for w in question.windows}
    question = question.resting_on(need for one in found.values() for need in one.needs)
    answers = _answers(unknown, question, [found[w.o] for w in question.axes], slips)
    principal = tuple(a.name for a in answers)
    notes = [note for w in question.windows for note in _notes(unknown, w, found[w.o])]
    kernels = [found[w.o].listed for w in question.axes]
    if unknown == "kernel" and depth is not None and all(len(one) == 1 for one in kernels):
        filter_size = (*(one[0] for one in kernels), depth)
        answers.append(Answer("filter_size", filter_size, form="size", slips=tuple(filter_slips(filter_size, filters))))
        times = " × ".join(map(unicode, filter_size))
        notes.append(f"each filter is {times}: it spans all {unicode(depth)} channels of the input")
    if filters is not None:
        answers.append(Answer("filters", filters))

    def work() -> Work:
        from dlcalc.sliding.work import solution_work

        return solution_work(question, unknown, found)

    conventions, assumptions = said
    return Solution(
        answers=tuple(answers),
        work=work,
        setting=question.setting([relation for w in question.windows for relation in w.regular(unknown)]),
        principal=principal,
        assumptions=(*assumptions, *question.assumptions),
        conventions=(*conventions, *(("one filter per output channel",) if filters is not None else ())),
        notes=tuple(notes),
    )


# solving on one axis


def _found(question: Question, unknown: str, w: Window) -> Found:
    """Find every solution on one axis, or prove that there is none."""
    limits = () if unknown in {"kernel", "padding"} else question.limited(w)
    needs = limits
    if unknown in {"stride", "dilation"}:  # no value of which makes a window fit that is too large
        needs += question.fits(w, **({plain(w.d): ONE} if unknown == "dilation" else {}))
    lower, upper = (None if bound is None else w.at(bound) for bound in w.bounds(unknown))
    if lower is None:  # a kernel of 1, whose output does not depend on the dilation
        if w.at(w.size) != w.at(w.o):
            raise _none(unknown, w, ONE, ONE)
        return Found(ONE, None, needs)
    if upper is None:
        return Found(lower, None, needs)
    if isinstance(lower, Num) and isinstance(upper, Num):
        least, most = w.limits(unknown)
        first, last = _clipped(lower, least, most), _clipped(upper, least, most)
        if lower.value > last.value or upper.value < first.value:
            raise _none(unknown, w, last, first)
        return Found(first, last, needs)
    if unknown == "stride" and not w.exact:
        return _stride_between_symbols(w, needs)
    found = _between_symbols(question, unknown, w)
    return found._replace(needs=(*limits, *found.needs))


def _clipped(value: Num, least: Expr, most: Expr | None) -> Num:
    """Move a number to the nearest one that is allowed."""
    low = max(value.value, least.value) if isinstance(least, Num) else value.value
    return Num(min(low, most.value) if isinstance(most, Num) else low)


def _none(unknown: str, w: Window, below: Expr, above: Expr) -> DlcalcError:
    """Prove that nothing gives the output, by what the two nearest candidates give."""
    letter, mended, every = plain(w.letter(unknown)), w.mended(unknown), w.bounds(unknown)[0] is None
    tried = {v: w.at(w.size, **{letter: v}) for v in (below, above)}
    misfit = {v for v in tried if w.misfits(**{letter: v})}
    limits, unknown = w.limits(unknown), unknown.replace("_", " ")
    gives = [
        f"{unknown} {unicode(v)} {'does not fit' if v in misfit else f'gives {unicode(size)}'}"
        for v, size in tried.items()
    ]
    if len(tried) == 1:
        end = "most" if below == limits[1] else "least"
        gives = [f"{gives[0]}, as every {unknown} does" if every else f"{gives[0]} already, and it is the {end}"]
    outputs = [unicode(size) for v, size in tried.items() if v not in misfit] or ["1 or more"]
    fix = f"use {mended}--output {' or '.join(dict.fromkeys(outputs))}"
    return DlcalcError(w.about(f"no whole {unknown} gives output {unicode(w.at(w.o))}: {', '.join(gives)}"), fix)


def _between_symbols(question: Question, unknown: str, w: Window) -> Found:
    """Solve where symbols remain: exactly at stride 1, else from a least to a most."""
    s, least = w.at(w.s), LEAST[unknown]
    if w.rounds_up and unknown != "input":
        raise DlcalcError(f"--solve {unknown} with --ceil needs numbers", "give numbers for the symbols")
    linear = unknown == "input" or (unknown == "kernel" and w.d == ONE)
    if w.exact or (s == ONE and not linear):
        return _exactly(question, unknown, w)
    if not linear and unknown != "padding":
        raise DlcalcError(f"--solve {unknown} needs numbers here", "give numbers for the symbols, or stride 1")
    lower, upper = (ZERO if bound is None else bound for bound in w.bounds(unknown))
    first, last = w.at(lower), w.at(upper)
    if isinstance(first, Num):
        least = max(least, int(first.value))
        return Found(expr(least), last, question.at_least(w.at(unrounded(upper)), least))
    if not linear and isinstance(s, Num) and s.value % 2 == 0:  # then s/2 paddings, whatever the remainder
        last = neat(first + s / expr(2) - 1)
    several = () if linear or isinstance(s, Num) else question.at_least(s, 2)
    return Found(first, last, (*several, *question.at_least(w.at(unrounded(lower)), least)))


def _exactly(question: Question, unknown: str, w: Window) -> Found:
    """Solve an equation, such as o = n + 2p − d(k − 1) at stride 1, where its solution is whole."""
    lower, upper = (ZERO if bound is None else bound for bound in w.bounds(unknown))
    value, rounded = w.at(unrounded(lower)), w.at(lower)
    needs = question.at_least(w.at(w.k), 2) if unknown == "dilation" else ()
    if w.exact and unknown == "stride":
        needs = question.at_least(w.at(w.n), 2)
    if any(isinstance(node, Call) for node in walk(rounded)):
        needs += (Need(Relation(floor(value), "=", value), _whole_text(value)),)
    elif rounded == w.at(upper):
        value = rounded
    else:
        never = f"no {unknown} gives output {unicode(w.at(w.o))}: it would be {unicode(value)}, which is never whole"
        raise DlcalcError(never, "use another output" if w.exact else "use another output, or stride 2")
    return Found(value, value, (*needs, *question.at_least(value, LEAST[unknown])))


def _whole_text(value: Expr) -> str:
    """Say that a quotient is whole; of a half such as (k − 1)/2, that k is odd."""
    if isinstance(value, Div) and value.denominator == expr(2):
        terms = coefficients(value.numerator)
        odd = terms.pop(ONE, Fraction(0)) % 2
        if len(terms) == 1 and set(terms.values()) <= {Fraction(1), Fraction(-1)}:
            return f"{unicode(next(iter(terms)))} {'odd' if odd else 'even'}"
    return f"{unicode(value)} whole"


def _stride_between_symbols(w: Window, needs: tuple[Need, ...]) -> Found:
    """Find the stride c of a room c(o − 1) + r with 0 ≤ r < c: the only one once o exceeds r + 1 and c − r."""
    room, output = w.at(w.room), w.at(w.o)
    moves = coefficients(neat(output - 1))
    atom = next((atom for atom in moves if atom != ONE), ONE)
    stride = coefficients(room).get(atom, Fraction(0)) / moves[atom]
    rest = neat(room - Num(stride) * neat(output - 1))
    if atom == ONE or not isinstance(rest, Num) or stride.denominator != 1 or not 0 <= rest.value < stride:
        never = f"no one stride is known to turn {unicode(w.at(w.n))} into {unicode(output)}"
        raise DlcalcError(never, "give numbers for the symbols")
    least = max(Fraction(2), rest.value + 2, stride - rest.value)
    large = Need(Relation(output, ">=", Num(least)), f"{unicode(output)} ≥ {least}")
    return Found(Num(stride), Num(stride), (*needs, large))


# answering


def _answers(unknown: str, question: Question, found: Sequence[Found], slips: Slips) -> list[Answer]:
    """Name the solutions: one for all axes where they agree, else a size, a row per axis, or a name per axis."""
    first = found[0]
    if all((one.least, one.most) == (first.least, first.most) for one in found):
        return _named(unknown, first, slips(unknown, question.axes[0]))
    lists = [one.listed for one in found]
    if all(len(one) == 1 for one in lists):
        return [Answer(unknown, tuple(one[0] for one in lists), form="size")]
    if lists[0] and len({len(one) for one in lists}) == 1:
        return [Answer(unknown, tuple(lists), form="list")]
    names = AXES[len(found)]
    return [answer for name, one in zip(names, found, strict=True) for answer in _named(f"{unknown}_{name}", one, ())]


def _named(name: str, found: Found, slips: Iterable[Slip]) -> list[Answer]:
    """Name the solutions of an axis: a number, a list, or the least and the most."""
    listed = found.listed
    if len(listed) == 1:
        return [Answer(name, listed[0], slips=tuple(slips))]
    if listed:
        member = tuple(Slip((one,), f"that is one of the solutions; all are {plain(listed)}") for one in listed)
        return [Answer(name, listed, form="set", slips=member)]
    ends = {"least": found.least} if found.most is None else {"least": found.least, "most": found.most}
    return [Answer(f"{name}_{end}", value) for end, value in ends.items()]


def _notes(unknown: str, w: Window, found: Found) -> Iterator[str]:
    """Say when the solution is not the only one."""
    least, output = unicode(found.least), unicode(w.at(w.o))
    if found.most is None:
        yield w.about(f"every {unknown} from {least} on gives output {output}: {w.whatever(unknown)}")
    elif len(found.listed) != 1:
        several = f"every {unknown} from {least} to {unicode(found.most)} gives"
        if found.listed:
            several = f"{len(found.listed)} values of the {unknown} give"
        yield w.about(f"{several} output {output}: {w.several}")
