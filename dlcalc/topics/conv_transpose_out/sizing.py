"""The output of a transposed convolution, the sizes that its input allows, and how both come about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Call, Expr, Num, Sym, expr
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import unicode
from dlcalc.sliding.slips import channel_slips
from dlcalc.solution import Answer, Route, Slip, Solution, Step, Work
from dlcalc.topics.conv_transpose_out.slips import size_slips
from dlcalc.topics.conv_transpose_out.window import Transposed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.sliding.question import Need, Question
    from dlcalc.sliding.reading import Said

LIMITS = "output padding is less than the stride (Keras); PyTorch asks for less than the stride or the dilation"


def sized(question: Question, depth: Expr | None, filters: Expr | None, said: Said) -> Solution:
    """Answer with the output size, and with the least and the greatest size that the input allows."""
    windows = [w for w in question.windows if isinstance(w, Transposed)]
    question = question.resting_on([need for w in windows for need in _remains(question, w)])
    axes = [w for w in question.axes if isinstance(w, Transposed)]
    spatial, channels = tuple(w.answer for w in axes), () if filters is None else (filters,)
    slips = (*channel_slips(spatial, channels, depth), *size_slips(axes, channels))
    answers = [_size("output", (*spatial, *channels), slips)]
    if not any(_impossible(w) for w in windows):
        least = tuple(_at_least_one(w.at(w.least)) for w in axes)
        answers += [_size("output_least", least), _size("output_most", tuple(w.at(w.most) for w in axes))]
    conventions, assumptions = said
    chosen = any(w.at(w.a) != ZERO for w in windows) and not axes[0].same
    return Solution(
        answers=tuple(answers),
        work=lambda: _work(question, windows, answers, spatial),
        setting=question.setting(),
        assumptions=(*assumptions, *question.assumptions),
        conventions=(
            *conventions,
            *((LIMITS,) if chosen else ()),
            *(("one output channel per filter",) if channels else ()),
        ),
        notes=tuple(note for w in windows for note in _notes(w)),
    )


def _size(name: str, value: tuple[Expr, ...], slips: tuple[Slip, ...] = ()) -> Answer:
    return Answer(name, value, form="size" if len(value) > 1 else "list", slips=slips)


def _at_least_one(least: Expr) -> Expr:
    return ONE if isinstance(least, Num) and least.value < 1 else least


def _impossible(w: Transposed) -> bool:
    """Say whether no axis is taken to the input."""
    most = w.at(w.most)
    return isinstance(most, Num) and most.value < 1


def _remains(question: Question, w: Transposed) -> tuple[Need, ...]:
    """Refuse an output without entries; between symbols, say that it has some."""
    size, least = w.answer, w.at(w.least)
    if not isinstance(size, Num):
        return question.at_least(size if isinstance(least, Num) else least, 1)
    if size.value >= 1:
        return ()
    covered, a, p = w.at(w.covered), w.at(w.a), w.at(w.p)
    fits = unicode(w.at(floor((w.covered + w.a - 1) / expr(2))))
    added = f" + {unicode(a)}" if a != ZERO else ""
    raise DlcalcError(
        w.about(f"nothing is left: {unicode(covered)} − 2·{unicode(p)}{added} = {unicode(size)}"),
        f"use --padding {fits}" + (" or less" if fits != "0" else ""),
    )


def _notes(w: Transposed) -> Iterator[str]:
    """Say which sizes the input allows, and when the output is none of them."""
    least, most, n = _at_least_one(w.at(w.least)), w.at(w.most), unicode(w.at(w.n))
    a, s, output = w.at(w.a), w.at(w.s), unicode(w.answer)
    beyond = isinstance(a, Num) and isinstance(s, Num) and a.value >= s.value and not w.same
    if _impossible(w):
        yield w.about(f"no convolution with these givens has the output {n}")
    elif least != most:
        among = f"and {output} is none of them" if beyond else f"of these the output is {output}"
        yield w.about(f"a convolution takes every size from {unicode(least)} to {unicode(most)} to {n}; {among}")
    if beyond:
        back = unicode(w.at(w.n + floor(w.a / w.s)))
        yield w.about(
            f"output padding {unicode(a)} is not less than the stride {unicode(s)}: a convolution takes {output} to "
            f"{back}, not to {n}"
        )


# derivation


def _work(question: Question, windows: list[Transposed], answers: list[Answer], spatial: tuple[Expr, ...]) -> Work:
    from dlcalc.sliding.work import MAX_PLACES, most_places

    steps = [step for w in windows for step in _steps(w, ranged=len(answers) > 1)]
    if not question.met or sum(most_places(w, question.domains) for w in windows) > MAX_PLACES:
        return Work(tuple(steps))
    axes = [w for w in question.axes if isinstance(w, Transposed)]
    routes = [Route("output", _method(axes[0]), spatial, lambda point: [w.places(point, given=True) for w in axes])]
    if len(answers) > 1:
        least, most = (answer.value for answer in answers[1:])
        method = "a convolution slid over sizes from below the least to beyond the most"
        routes.append(
            Route("output_least, output_most", method, (least, most), lambda point: _taken(axes, point)),
        )
    return Work(tuple(steps), tuple(routes))


def _method(w: Transposed) -> str:
    return "an axis grown until one more window of the convolution would start" if w.same else w.method


def _taken(axes: list[Transposed], point: Mapping[str, Any]) -> list[list[int]]:
    """Slide convolutions over all sizes around those that are taken to the input, and keep the first and the last."""
    ends = []
    for w in axes:
        wanted, (low, high) = w.sizes(point, given=True)["input"], w.convolved(point, given=True)
        tried = range(max(1, low - 2), high + 3)
        taken = [length for length in tried if w.forth(point, length) == wanted]
        ends.append((taken[0], taken[-1]))
    return [list(end) for end in zip(*ends, strict=True)]


def _steps(w: Transposed, *, ranged: bool) -> list[Step]:
    """Derive the output from the kernels that are written, and its range from the convolution."""
    from dlcalc.sliding.work import counted_steps, derived

    least, most = Sym(f"least{w.tag}"), Sym(f"most{w.tag}")
    if w.same:
        steps, why = [], w.enclosure[0].because
        enclosing = "⌈m/s⌉ = n holds from (n − 1)s + 1", "to ns"
    else:
        steps = counted_steps(w)
        why = w.because
        span = "k" if w.d == ONE else "d(k − 1) − 1"
        enclosing = f"a convolution takes m to n where (n − 1)s ≤ m + 2p − {span} < ns", "the same, on the right"
    steps += derived("size", w.o, w.size, w.values, why)
    if ranged:
        steps += derived("least", least, w.least, w.values, enclosing[0])
        below = w.at(w.least)
        if isinstance(below, Num) and below.value < 1:
            steps.append(Step("least-of-all", least, Call("max", (below, ONE)), ONE, "an axis has an entry"))
        steps += derived("most", most, w.most, w.values, enclosing[1])
    return steps
