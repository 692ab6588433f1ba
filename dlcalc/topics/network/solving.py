"""Solving for a number in the stack: which values of a symbol let a given size flow out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError, nearest
from dlcalc.networks.quantities import Shape, tidy, written
from dlcalc.networks.walk import walk
from dlcalc.notation.expression import Entry, expr, number
from dlcalc.solution import Answer, Route, Solution, Step, Work
from dlcalc.topics.network.answering import conventions, setting, table
from dlcalc.topics.network.sources import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.givens import Size

MOST = 2_048
"""Every value up to this is tried; larger ones are found by halving, where the output grows with the value."""
LARGEST = 1 << 22
MAX_LISTED = 20
NEIGHBOURS = 2


def solved(source: Source, name: str, output: Size) -> Solution:
    """Find every value that gives the output."""
    wanted = tuple(map(tidy, output))
    open_names = source.symbols
    if name not in open_names:
        raise DlcalcError(
            f"there is no {name} in the network",
            nearest(name, open_names) or "write the symbol where the number is unknown, such as 'conv 16 k'",
        )
    others = sorted(open_names - {name})
    if others:
        raise DlcalcError(f"besides {name} there is {', '.join(others)}", "give numbers for all symbols but one")
    if not all(isinstance(axis, int) for axis in wanted):
        raise DlcalcError(f"the output {written(wanted)} holds symbols", "give a size in numbers")
    found = [value for value in range(MOST + 1) if _output(source, name, value) == wanted]
    if not found:
        found = _beyond(source, name, wanted)
    if not found:
        raise _no_solution(source, name, wanted)
    if len(found) > MAX_LISTED and found[-1] == MOST:
        raise DlcalcError(
            f"the output does not say {name}: every {name} from {found[0]} to {MOST:,} gives {written(wanted)}",
            "give it a number",
        )
    return _solution(source, name, wanted, found)


def _output(source: Source, name: str, value: int) -> Shape | None:
    """Return what flows out; None where the network does not fit together."""
    try:
        return walk(source.graph({name: value})).output
    except (DlcalcError, ArithmeticError):
        return None


def _beyond(source: Source, name: str, wanted: Shape) -> list[int]:
    """Look above `MOST`, where the entries of the output grow with the value."""

    def small(value: int) -> bool:
        output = _output(source, name, value)
        return output is None or any(o < w for o, w in zip(output, wanted, strict=False))  # type: ignore[operator]

    low, high = MOST, 2 * MOST
    while high <= LARGEST and small(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if small(middle) else (low, middle)
    found: list[int] = []
    while _output(source, name, high) == wanted and len(found) <= MAX_LISTED:
        found.append(high)
        high += 1
    return found


def _no_solution(source: Source, name: str, wanted: Shape) -> DlcalcError:
    """Say which outputs there are near the one wanted."""
    possible = {value: _output(source, name, value) for value in range(1, 65)}
    there = {value: shape for value, shape in possible.items() if shape is not None and len(shape) == len(wanted)}
    message = f"no {name} gives output {written(wanted)}"
    if not there:
        return DlcalcError(f"{message}, for the layers fit together for no {name} up to 64", "check the stack")

    def distance(value: int) -> int:
        return sum(abs(a - b) for a, b in zip(there[value], wanted, strict=True))  # type: ignore[misc, arg-type]

    close = min(there, key=distance)
    return DlcalcError(message, f"{name} = {close} gives {written(there[close])}")


def _solution(source: Source, name: str, wanted: Shape, found: list[int]) -> Solution:
    values = tuple(map(number, found[:MAX_LISTED]))
    answers: tuple[Answer, ...]
    if len(found) > MAX_LISTED:
        answers = (Answer(f"{name}_least", values[0]), Answer(f"{name}_most", number(found[-1])))
    else:
        answers = (Answer(name, values[0]) if len(found) == 1 else Answer(name, values, form="set"),)
    with_first = _at(source, name, found[0])
    notes = []
    if len(found) > MAX_LISTED:
        notes.append(f"{len(found):,} values from {found[0]} to {found[-1]} give output {written(wanted)}")
    elif len(found) > 1:
        notes.append(f"{len(found)} values give output {written(wanted)}: the floor drops what a division leaves over")
    first = f"; the table shows {name} = {found[0]}" if len(found) > 1 else ""
    notes.append(
        f"every {name} from 0 to {max(MOST, found[-1])} was tried{first}"
        if found[-1] <= MOST
        else f"found above {MOST}"
    )
    walked = walk(with_first)
    solution_source = Source(ready=with_first)
    rest = setting(solution_source)
    return Solution(
        answers=(*answers, Answer("output", tuple(map(expr, wanted)), form="size")),
        principal=tuple(answer.name for answer in answers),
        work=lambda: Work(tuple(_steps(solution_source, name, found[0])), tuple(_routes(source, name, wanted, found))),
        setting=rest,
        conventions=tuple(conventions(solution_source)),
        notes=tuple(notes),
        tables=(table(walked),),
    )


def _at(source: Source, name: str, value: int) -> Any:  # noqa: ANN401 (a graph)
    return source.graph({name: value})


def _steps(source: Source, name: str, value: int) -> Iterator[Step]:
    """Put the solution back in, and follow the sizes to the output."""
    from dlcalc.topics.network.work import sides

    for step in sides(source.walked):
        yield Step(step.rule, step.target, step.before, step.after, f"{name} = {value}: {step.because}")
    row = source.walked.layers[-1]
    entry = Entry("side", number(row.node.row))
    yield Step(
        "output", entry, entry, expr(row.output[0]), f"{name} = {value} put back in: the first axis of the output"
    )


def _routes(source: Source, name: str, wanted: Shape, found: list[int]) -> Iterator[Route]:
    """Run the forward pass with the solutions and their neighbours: these alone give the output."""
    from dlcalc.networks.trace import Trace

    listed = found[:MAX_LISTED]
    near = sorted({v + d for v in (listed[0], listed[-1]) for d in range(-NEIGHBOURS, NEIGHBOURS + 1)} | set(listed))
    candidates = [v for v in near if v >= 0 and (v in listed or v <= found[0] or v > found[-1])]

    def passes(value: int) -> bool:
        try:
            return bool(Trace(source.graph({name: value}), filled=False).run()[-1].output == wanted)
        except (DlcalcError, ValueError, ArithmeticError, IndexError):
            return False

    def giving(point: Mapping[str, Any]) -> list[int]:
        del point
        return [value for value in candidates if passes(value)]

    text = "the forward pass laid out with these and their neighbours: these alone give the output"
    if len(found) > MAX_LISTED:
        text = f"the forward pass laid out with the first {MAX_LISTED} and the neighbours of both ends"
    yield Route(name, text, tuple(map(number, listed)), giving)
