"""The derivation of receptive fields, made only when somebody looks: the recurrence, and every layer by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.counting import total
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Entry, Expr, Mul, Sum, Sym, expr, power
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Route, Step, Work
from dlcalc.topics.receptive_field.fields import Field, Layer, fields, grown, one_round
from dlcalc.topics.receptive_field.tracing import traced, windows
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlcalc.topics.receptive_field.fields import Rounds
    from dlcalc.topics.receptive_field.setting import Letters, Path, Question

MAX_TERMS = 12
"""Terms of a sum that is written out."""


def derived_fields(question: Question, found: Sequence[Sequence[Field]]) -> Work:
    """Derive the field layer by layer, and trace an output back through the windows."""
    steps = list(_recurrence(question.letters))
    if question.line_by_line:
        for path in question.paths:
            steps += _path_steps(path, question.letters)
    last = [path[-1] for path in found]
    return Work(tuple(steps), tuple(_routes(question, last)) if question.traceable else ())


def _recurrence(letters: Letters) -> Iterator[Step]:
    """State the recurrence, checked on random stacks."""
    layer = Sym(letters.layer)
    r, j, before = (Entry(letters.field, layer), Entry(letters.jump, layer), Entry(letters.jump, layer - 1))
    k, s, d = (Entry(name, layer) for name in (letters.kernel, letters.stride, letters.dilation))
    adds = Add((Entry(letters.field, layer - 1), Mul((d, k - 1, before))))
    names = f"{letters.field}_0 = {letters.jump}_0 = 1"
    yield Step("recurrence", r, r, adds, f"a window spans {letters.dilation}({letters.kernel} − 1) steps; {names}")
    yield Step("recurrence", j, j, Mul((s, before)), "a stride is that many steps of the layer before")


def _path_steps(path: Path, letters: Letters) -> Iterator[Step]:
    """Follow one axis through its layers."""
    below = Field(size=path.size)
    terms: list[Expr] = []
    for index, (part, field) in enumerate(zip(path.parts, fields(path.parts, below), strict=True), 1):
        r, j = (Sym(f"{name}{path.tag}{index}") for name in (letters.field, letters.jump))
        if isinstance(part, Layer):
            yield from _layer_steps(path, part, (r, j), below, field)
        else:
            yield from _rounds_steps(path, part, (r, j), below, field)
        if field.before is not None and below.before is not None:
            terms.append(neat(field.before - below.before))
        below = field
    if below.before is None or below.start is None:
        return
    padding, start = Sym(f"{letters.padding}{path.tag}"), Sym(f"{letters.start}{path.tag}")
    padded = [term for term in terms if term != ZERO]
    if padded and len(padded) <= MAX_TERMS:
        because = path.about(f"the padding of every layer, each worth {letters.jump} entries of the input")
        yield from _value("padding", padding, total(_written(path)), below.before, because)
    else:
        none = "no layer is padded" if not padded else "the padding of every layer, in entries of the input"
        yield Step("padding", padding, padding, below.before, path.about(none))
    formula: Expr = Div(Add((below.extent, expr(-1))), expr(2))
    if below.before != ZERO:
        formula = Add((formula, Mul((expr(-1), below.before))))
    centre = f"the middle of the first field, which begins at {f'−{letters.padding}' if padded else '0'}"
    yield from _value("start", start, formula, below.start, path.about(centre))


def _written(path: Path) -> list[Expr]:
    """Write each layer's padding times the steps of its input."""
    found: list[Expr] = []
    below = Field(size=path.size)
    for part, field in zip(path.parts, fields(path.parts, below), strict=True):
        if field.before is not None and below.before is not None and field.before != below.before:
            worth = neat(field.before - below.before)
            if isinstance(part, Layer) and part.p is not None:
                found.append(_product(part.p, below.jump) if below.jump != ONE else part.p)
            else:
                found.append(worth)
        below = field
    return found


def _product(*factors: Expr) -> Expr:
    """Write a product without factors 1, as written."""
    kept = tuple(factor for factor in factors if factor != ONE)
    return Mul(kept) if len(kept) > 1 else kept[0] if kept else ONE


def _value(rule: str, target: Sym, formula: Expr, value: Expr, because: str) -> Iterator[Step]:
    """Give a formula with the givens in it, and its value where that looks different."""
    yield Step(rule, target, target, formula, because)
    if plain(formula) != plain(value):
        yield Step(f"{rule}-value", target, formula, value, "computed")


def _layer_steps(path: Path, layer: Layer, names: tuple[Sym, Sym], below: Field, field: Field) -> Iterator[Step]:
    r, j = names
    said = path.about(f"'{layer.text}'")
    if layer.k == ONE:
        yield Step("field", r, r, field.extent, f"{said}: a window of one entry sees no more")
    else:
        gaps = Add((layer.k, expr(-1)))
        formula = Add((below.extent, _product(layer.d, gaps, below.jump)))
        fields_apart = f"{said} joins {unicode(layer.k)} fields, {unicode(neat(layer.d * below.jump))} apart"
        yield from _value("field", r, formula, field.extent, fields_apart)
    if layer.s != ONE:
        stride = f"its stride {unicode(layer.s)} leaves out the fields between"
        yield from _value("jump", j, _product(layer.s, below.jump), field.jump, stride)


def _rounds_steps(path: Path, part: Rounds, names: tuple[Sym, Sym], below: Field, field: Field) -> Iterator[Step]:
    r, j = names
    inner = one_round(part)
    adds, jump = neat(inner.extent - 1), inner.jump
    said = path.about(f"'{part.text}'")
    if jump == ONE:
        formula = Add((below.extent, _product(part.times, adds, below.jump)))
        each = unicode(neat(adds * below.jump))
        yield from _value("rounds", r, formula, field.extent, f"{said}: each of the {unicode(part.times)} adds {each}")
        return
    index = next(name for name in ("i", "m", "round") if name not in {r.name, *_names(part)})
    rounds = Sum(index, ZERO, part.times - 1, power(jump, Sym(index)))
    spread = f"{said}: one round adds {unicode(adds)} of its steps, which grow by {unicode(jump)} every time"
    yield Step("rounds", r, r, Add((below.extent, _product(adds, below.jump, rounds))), spread)
    closed = Add((below.extent, _product(adds, below.jump, grown(part))))
    yield Step("geometric", r, Add((below.extent, _product(adds, below.jump, rounds))), closed, "a geometric sum")
    if plain(closed) != plain(field.extent):
        yield Step("rounds-value", r, closed, field.extent, "collected")
    yield Step("jump", j, j, field.jump, f"every round multiplies the steps by {unicode(jump)}")


def _names(part: Rounds) -> frozenset[str]:
    from dlcalc.solution import symbols

    return symbols(one_round(part).extent, part.times)


# tracing


def _routes(question: Question, last: Sequence[Field]) -> Iterator[Route]:
    """Trace the first output and its neighbour on every axis."""
    started = all(one.start is not None for one in last)
    names = ["receptive_field", "stride", *(["start", "padding"] if started else [])]
    values: list[Any] = [tuple(one.extent for one in last), tuple(one.jump for one in last)]
    if started:
        values += [tuple(one.start for one in last), tuple(one.before for one in last)]

    def compute(point: Mapping[str, Any]) -> list[list[Any]]:
        by_path = [traced(windows(path.parts, point, path.size)) for path in question.paths]
        found = [by_path[index] for index in question.of_axis]
        ends: list[list[Any]] = [[one.extent for one in found], [one.jump for one in found]]
        return [*ends, [one.start for one in found], [one.before for one in found]][: len(values)]

    method = "the first output and its neighbour traced back through every window"
    yield Route(", ".join(names), method, tuple(values), compute)
