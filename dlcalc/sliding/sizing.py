"""The question forward: the output size, the padding where `same` makes it follow, and the entries that are dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Relation, expr
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import unicode
from dlcalc.sliding.question import MAX_LISTED, Need
from dlcalc.sliding.reading import AXES
from dlcalc.sliding.slips import size_slips
from dlcalc.solution import Answer, Slip, Solution, Work, symbols
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dlcalc.givens import Size
    from dlcalc.sliding.question import Question
    from dlcalc.sliding.reading import Said
    from dlcalc.sliding.windows import Window

ENTRIES = {
    "length": ("entry", "entries"),
    "depth": ("slice", "slices"),
    "height": ("row", "rows"),
    "width": ("column", "columns"),
}


def sized(
    question: Question,
    channels: Size,
    said: Said,
    slips: Callable[[Size], Iterable[Slip]],
    *,
    strict: bool = False,
) -> Solution:
    """Answer with the output size and its channels, and with the padding where that follows from the size.

    `slips` explain what goes wrong with the channels of an output with such spatial axes.
    """
    same = question.axes[0].same
    needs = [need for w in question.windows for need in (*question.fits(w), *question.limited(w))]
    if strict:
        needs += [need for w in question.windows for need in _divides(question, w)]
    question = question.resting_on(needs)
    spatial = tuple(w.at(w.room / w.s + 1) if strict and not same else w.answer for w in question.axes)
    output = (*spatial, *channels)
    wrong = (*slips(spatial), *size_slips(question.axes, channels))
    answers = [Answer("output", output, form="size" if len(output) > 1 else "list", slips=wrong)]
    if same:
        answers += _padding_answers([question.zeros(w) for w in question.axes])

    def work() -> Work:
        from dlcalc.sliding.work import size_work

        return size_work(question, (spatial, *(a.value for a in answers[1:])), exact=strict)

    conventions, assumptions = said
    return Solution(
        answers=tuple(answers),
        work=work,
        setting=question.setting(),
        assumptions=(*assumptions, *question.assumptions),
        conventions=conventions,
        notes=tuple(
            note
            for w in question.windows
            for note in (w.notes() if w.rounds_up else _remainder(w, len(question.axes), strict=strict))
        ),
    )


def _padding_answers(totals: Sequence[Expr]) -> list[Answer]:
    before, after = (tuple(neat(rounded(total / expr(2))) for total in totals) for rounded in (floor, ceil))
    together = Slip(tuple(totals), "that is both ends together", "before")
    swapped = "of an odd padding the extra zero comes after the input"
    return [
        Answer("padding_before", before, form="list", slips=(Slip(after, swapped, "before"), together)),
        Answer("padding_after", after, form="list", slips=(Slip(before, swapped, "after"), together)),
    ]


def _left_over(w: Window) -> Expr:
    """Return the entries behind the last window, where no window reaches; negative where windows reach beyond."""
    return w.at(-w.excess, **{w.o.name: w.at(w.size)}) if w.same else w.at(w.room - w.s * (w.size - 1))


def _divides(question: Question, w: Window) -> tuple[Need, ...]:
    """Refuse a stride that leaves entries uncovered; between symbols, say that it must not."""
    rest, s = _left_over(w), w.at(w.s)
    if not isinstance(rest, Num):
        if w.same:
            return question.at_least(neat(-rest), 0)
        q = w.at(w.room) / s
        return (Need(Relation(floor(q), "=", q), f"{unicode(s)} divides {w.written_room}"),)
    if rest.value <= 0:
        return ()
    shorter = neat(w.at(w.n) - rest)
    inputs = [shorter] if w.same else [shorter, neat(shorter + s)]
    fixes = [f"--input {' or '.join(unicode(n) for n in inputs if not isinstance(n, Num) or n.value > 0)}"]
    padding = _dividing_padding(w)
    if padding is not None:
        fixes.append(f"--padding {padding}")
    raise DlcalcError(w.about(_undivided(w, rest)), f"use {', or '.join(fixes)}, or leave out --strict")


def _dividing_padding(w: Window) -> int | None:
    """Find the next larger padding that the stride divides evenly."""
    room, s, p = (w.at(e) for e in (w.room, w.s, w.p))
    if w.same or not (isinstance(room, Num) and isinstance(s, Num) and isinstance(p, Num)):
        return None
    return next((int(p.value) + i for i in range(1, MAX_LISTED) if (room.value + 2 * i) % s.value == 0), None)


def _undivided(w: Window, rest: Expr) -> str:
    if w.same:
        return f"the windows end {unicode(rest)} before the input does"
    room = "" if symbols(w.at(w.room)) else f" = {unicode(w.at(w.room))}"
    return f"stride {unicode(w.at(w.s))} does not divide {w.written_room}{room} (remainder {unicode(rest)})"


def _remainder(w: Window, axes: int, *, strict: bool) -> Iterator[str]:
    """Say which entries of the padded input no window reaches."""
    rest = _left_over(w)
    names = w.axis.split(" and ") if w.axis else AXES[axes]
    *others, one = (ENTRIES[name][rest != ONE] for name in names)
    entries = f"{', '.join(others)} and {one}" if others else one
    if isinstance(rest, Num) and rest.value > 0:
        last = f"the last {entries}" if rest == ONE else f"the last {unicode(rest)} {entries}"
        padded = "input" if w.same or w.at(w.p) == ZERO else "padded input"
        formula = w.at(w.room / w.s) + 1
        without = f"; without the floor the formula gives {unicode(formula)}" if isinstance(formula, Num) else ""
        are = "is" if rest == ONE and not others else "are"
        yield w.about(f"{_undivided(w, rest)}: {last} of the {padded} {are} dropped{'' if w.same else without}")
    elif not isinstance(rest, Num) and not w.same and not strict:
        s = unicode(w.at(w.s))
        yield w.about(f"where {s} does not divide {w.written_room}, the floor drops the last {entries}")
