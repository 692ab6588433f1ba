"""What stands behind output sizes, made only when somebody looks: derivations, and windows really slid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, Call, Expr, Num, Sym, expr, mul, substitute
from dlcalc.notation.functions import ceil, floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.sliding.question import MAX_LISTED
from dlcalc.sliding.windows import dealt
from dlcalc.solution import Route, Step, Work, symbols
from dlcalc.whole import neat, unrounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.notation.printing import Value
    from dlcalc.sliding.question import Found, Question
    from dlcalc.sliding.windows import Window
    from dlcalc.solution import Domain

MAX_PLACES = 100_000
"""Places of a window that a route visits one by one; where there are more, there is no such route."""
NEIGHBOURS = 3
"""Candidates beyond each end of the solutions that are tried too."""
SHRINKS = {"kernel", "stride", "dilation"}
"""The quantities that make the output smaller where they grow."""


def size_work(question: Question, value: Value, *, exact: bool) -> Work:
    """Derive the output size, and slide the windows to see it."""
    same = question.axes[0].same
    steps = [_same_steps(question, w) if same else _size_steps(w, exact=exact) for w in question.windows]
    return Work(tuple(step for one in steps for step in one), _size_routes(question, value))


def solution_work(question: Question, unknown: str, found: Mapping[Sym, Found]) -> Work:
    """Derive the solutions, and slide the windows to see that these alone give the output."""
    steps = [step for w in question.windows for step in _solution_steps(unknown, w, found[w.o])]
    routes = [route for w in question.windows for route in _solution_routes(question, unknown, w, found[w.o])]
    return Work(tuple(steps), tuple(routes))


# derivations


def counted_steps(w: Window) -> list[Step]:
    """Say what bounds the number of windows from both sides, which is what the output is."""
    first, *others = w.enclosure
    return [
        Step(bound.rule, w.o, bound.left, bound.right, because, bound.relation)
        for bound, because in ((first, w.about(first.because)), *((other, other.because) for other in others))
    ]


def _size_steps(w: Window, *, exact: bool) -> list[Step]:
    """Derive the output from the places the window has."""
    formula, via = w.size, w.halfway
    numbers = isinstance(w.answer, Num)
    why = w.halfway_because if numbers else ""
    steps = [*counted_steps(w), Step("size", w.o, w.o, formula, w.because)]
    if exact:
        formula, via = w.room / w.s + 1, None
        because = f"{unicode(w.s)} divides {unicode(w.room)} (--strict)"
        steps.append(Step("exact", w.o, w.size, formula, because, where=w.values))
    value = None if exact else w.answer
    return [*steps, *derived("size", w.o, formula, w.values, "", via=via, why=why, value=value)[1:]]


def _same_steps(question: Question, w: Window) -> list[Step]:
    """Derive the output and the padding of `same` from the starts inside the input."""
    total, before, after = (Sym(f"{base}{w.tag}") for base in ("total", "before", "after"))
    starts_inside = "'same' starts a window at every s-th entry: the last of o at (o − 1)s, inside the input"
    found, excess = question.zeros(w), Call("max", (w.excess, expr(0)))
    covered = f"o windows cover (o − 1)s + {'k' if w.d == ONE else 'd(k − 1) + 1'} entries"
    lacks, sized = f"{covered}; what the input lacks is padded", {**w.values, w.o.name: w.at(w.size)}
    return [
        Step("inside", w.o, w.last, w.n, w.about(starts_inside), "<"),
        Step("outside", w.o, w.n, w.o * w.s, "one step further it would start outside", "<="),
        *derived("size", w.o, w.size, w.values, "the one whole number between these bounds"),
        *derived("padding", total, excess, sized, lacks, value=found),
        *derived("before", before, floor(total / expr(2)), {total.name: found}, "half of it before, rounded down"),
        *derived("after", after, ceil(total / expr(2)), {total.name: found}, "the rest after"),
    ]


def _solution_steps(unknown: str, w: Window, found: Found) -> list[Step]:
    """Solve the two bounds for the unknown, and put the solutions back in."""
    letter = w.letter(unknown)
    lower, upper = w.bounds(unknown)
    if lower is None:
        because, no_gaps = w.because, w.whatever(unknown)
        return [*counted_steps(w), *derived("size", w.o, w.size, w.values, because, why=no_gaps)]
    if w.exact:
        return [*counted_steps(w), *_equation_steps(unknown, w, found)]
    sides: list[tuple[str, Expr | None, Literal["<=", ">="]]] = [("most", upper, "<="), ("least", lower, ">=")]
    if unknown not in SHRINKS:
        sides.reverse()
    steps = counted_steps(w)
    for side, (end, bound, relation) in zip(w.sides, sides, strict=True):
        if bound is not None:
            because = f"{side}, solved for {unicode(letter)}"
            value = getattr(found, end) if symbols(w.at(bound)) else None
            steps += derived(end, letter, bound, w.values, because, relation=relation, value=value)
    (least, most), below, above = w.limits(unknown), w.at(lower), None if upper is None else w.at(upper)
    if isinstance(below, Num) and below != found.least:
        because = f"{unknown} {unicode(least)} is the least there is{w.limit_because(unknown, least)}"
        steps.append(Step("least-of-all", letter, Call("max", (below, least)), least, because))
    if isinstance(above, Num) and most is not None and above != found.most:
        because = f"{unknown} {unicode(most)} is the most there is{w.limit_because(unknown, most)}"
        steps.append(Step("most-of-all", letter, Call("min", (above, most)), most, because))
    for value in dict.fromkeys((found.least, found.most or found.least)):
        back = w.put(w.size, **{plain(letter): value})
        steps.append(Step("back", w.o, back, w.at(w.o), f"{unknown} {unicode(value)} put back in"))
    return steps


def _equation_steps(unknown: str, w: Window, found: Found) -> list[Step]:
    """Solve the equation for the unknown, and put the solution back in."""
    letter, (formula, _) = w.letter(unknown), w.bounds(unknown)
    because = f"solved for {unicode(letter)}"
    back = w.put(w.size, **{plain(letter): found.least})
    return [
        *derived("solved", letter, unrounded(formula or ONE), w.values, because, value=found.least),
        Step("back", w.o, back, w.at(w.o), f"{unknown.replace('_', ' ')} {unicode(found.least)} put back in"),
    ]


def derived(  # noqa: PLR0913 (all that a line may show)
    rule: str,
    target: Expr,
    formula: Expr,
    values: Mapping[str, Expr],
    because: str,
    *,
    relation: Literal["=", "<=", ">="] = "=",
    value: Expr | None = None,
    via: Expr | None = None,
    why: str = "",
) -> list[Step]:
    """Derive a value: the formula of the target, the givens put in, and what that is in whole numbers."""
    used = {name: v for name, v in values.items() if name in symbols(formula)}
    inserted = substitute(formula, used)
    found = neat(inserted) if value is None else value
    steps = [Step(rule, target, target, formula, because, relation)]
    if inserted != formula:
        steps.append(Step(f"{rule}-givens", target, formula, inserted, "the givens put in", where=used))
    if via is not None:
        steps.append(Step(f"{rule}-via", target, inserted, via, "the room that the window has to move"))
        inserted = via
    if plain(found) != plain(inserted):
        reason = why or ("computed" if isinstance(found, Num) else "collected")
        steps.append(Step(f"{rule}-value", target, inserted, found, reason))
    return steps


# windows really slid


def most_places(w: Window, domains: Mapping[str, Domain], **more: Expr) -> int:
    """Bound the places that sliding visits, with symbols at their largest."""
    sizes = [w.at(e, **more) for e in (w.extent, w.span if w.same else ONE)]
    high = {name: Num(domains[name].high) for name in symbols(*sizes)}
    found = neat(substitute(mul(*sizes), high))
    return int(found.value) if isinstance(found, Num) else MAX_PLACES + 1


def _size_routes(question: Question, value: Value) -> tuple[Route, ...]:
    """Slide the window over the axes that were asked for."""
    if not question.met or sum(most_places(w, question.domains) for w in question.windows) > MAX_PLACES:
        return ()
    if question.axes[0].same:
        method = "the starts inside the input counted, zeros added until each has its window"
        return (Route("output, padding", method, value, lambda point: _padded(question, point)),)
    return (
        Route(
            "output", question.axes[0].method, value, lambda point: [w.places(point, given=True) for w in question.axes]
        ),
    )


def _padded(question: Question, point: Mapping[str, Any]) -> list[Any]:
    places = [w.places(point, given=True) for w in question.axes]
    return [places, *zip(*(dealt(w.zeros(point, given=True)) for w in question.axes), strict=True)]


def _solution_routes(question: Question, unknown: str, w: Window, found: Found) -> Iterator[Route]:
    """Slide the window for the candidates from below the least solution to beyond the most."""
    ends = (found.least,) if found.most is None else (found.least, found.most)
    places = most_places(w, question.domains, **{plain(w.letter(unknown)): ends[-1]})
    if not question.met or places > MAX_PLACES:
        return

    def confirmed(point: Mapping[str, Any]) -> list[int]:
        low, high = (int(PLAIN.value(end, point)) for end in (ends[0], ends[-1]))
        if found.most is None:
            high = low + NEIGHBOURS
        beyond = high + (0 if found.most is None else NEIGHBOURS)
        near = {*range(low - NEIGHBOURS, low + NEIGHBOURS), *range(high - NEIGHBOURS, beyond + 1)}
        near |= {*range(low, high)} if high - low <= MAX_LISTED else set()
        least, most = (None if end is None else PLAIN.value(end, point) for end in w.limits(unknown))
        candidates = [one for one in near if least <= one <= (beyond if most is None else min(beyond, most))]
        sizes, wanted = w.sizes(point, given=True), int(PLAIN.value(w.at(w.o), point))
        giving = {one for one in candidates if w.counted(**{**sizes, unknown: one}) == wanted}
        return [low, high][: len(ends)] if giving == {one for one in candidates if low <= one <= high} else []

    alone = "these alone give the output" if len(ends) > 1 else "all from it on give the output"
    method = f"{w.tried} with these and their neighbours: {alone}"
    yield Route(w.about(unknown.replace("_", " ")), method, ends, confirmed)
