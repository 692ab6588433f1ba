"""The derivation of a network's numbers, layer by layer, and the forward pass that confirms them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.networks.quantities import Quantity, tidy
from dlcalc.networks.windows import ConvTranspose, Pool, Window
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Entry, Expr, Mul, Num, Sym, expr, number
from dlcalc.notation.printing import plain
from dlcalc.solution import Route, Step, Work
from dlcalc.topics.network.answering import MAX_TRACED, Runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlcalc.networks.layer import Terms
    from dlcalc.networks.walk import Row, Walked
    from dlcalc.solution import Answer
    from dlcalc.topics.network.sources import Source

MAX_LINES = 60
"""Layers that differ, and are derived one by one; of more only the totals are confirmed."""
MAX_ADDED = 16
"""Summands that are written out in one line."""
MAX_SLID = 4_000_000
"""Entries of the input times layers, through which windows are slid."""


def work(source: Source, answers: Sequence[Answer]) -> Work:
    """Derive the totals from the layers; confirm the answers by a forward pass."""
    walked = source.walked
    if len(walked.rows) > MAX_TRACED:
        return Work(())
    steps = [
        *sides(walked),
        *_counts(walked, "params", "parameters"),
        *_counts(walked, "macs", "macs_total"),
        *_fields(walked),
    ]
    return Work(tuple(steps), tuple(_routes(source, answers)))


# derivations


def _entry(family: str, row: Row) -> Entry:
    return Entry(family, number(row.node.row))


def _called(rows: Sequence[Row]) -> str:
    """Name the layers that a line is about."""
    first = rows[0].node
    indices = [str(row.node.row) for row in rows]
    more = "" if len(rows) == 1 else f", the same for {', '.join(indices[1:4])}{', …' if len(rows) > 4 else ''}"  # noqa: PLR2004
    return f"layer {indices[0]}, {first.text[:32]}{more}"


def _grouped(rows: Sequence[Row], key: Any) -> list[list[Row]]:  # noqa: ANN401 (what tells rows apart)
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def sides(walked: Walked) -> Iterator[Step]:
    """Derive the first axis behind every layer that moves a window."""
    windows = [r for r in walked.layers if isinstance(r.node.layer, Window | ConvTranspose) and len(r.output) > 1]
    groups = _grouped(windows, lambda r: (plain(_side(r)), r.output[0]))
    for rows in groups if len(groups) <= MAX_LINES else ():
        row = rows[0]
        formula, value, target = _side(row), expr(row.output[0]), _entry("side", row)
        if isinstance(row.node.layer, Pool) and row.node.layer.ceil:
            continue
        yield Step("side", target, target, formula, _called(rows))
        if plain(formula) != plain(value):
            yield Step("side-value", target, formula, value, "computed" if isinstance(value, Num) else "collected")


def _side(row: Row) -> Expr:
    """Write the first axis of what flows out."""
    layer, shape = row.node.layer, row.inputs[0]
    if isinstance(layer, ConvTranspose):
        n, k, s, d, before, o = next(iter(layer._axes(shape)))  # noqa: SLF001 (the axes of a layer)
        if layer.padding == "same":
            return _product((n, s))
        full = Add((_product((Add((expr(n), number(-1))), s)), _product((d, Add((expr(k), number(-1))))), ONE))
        rest = tidy(o - (n - 1) * s - (k - 1) * d - 1)
        return full if rest == 0 else Add((*full.terms, expr(rest)))
    if not isinstance(layer, Window):
        raise TypeError(layer)
    n, k, s, before, after, d = next(layer.axes(shape))
    if before == -1:
        return expr(n) if s == 1 else Call("ceil", (Div(expr(n), expr(s)),))
    terms = [expr(n)]
    if before != 0 or after != 0:
        terms.append(_product((2, before)) if before == after else Add((expr(before), expr(after))))
    terms += [_negative(expr(k))] if d == 1 else [_negative(_product((d, Add((expr(k), number(-1)))))), number(-1)]
    room = Add(tuple(t for term in terms for t in (term.terms if isinstance(term, Add) else (term,))))
    return Add((room if s == 1 else Call("floor", (Div(room, expr(s)),)), ONE))


def _negative(node: Expr) -> Expr:
    return Num(-node.value) if isinstance(node, Num) else Mul((number(-1), node))


def _product(factors: Sequence[Quantity]) -> Expr:
    """Write a product, folding nothing but ones."""
    kept = tuple(expr(f) for f in factors if f != 1)
    return Mul(kept) if len(kept) > 1 else kept[0] if kept else ONE


def _sum(terms: Terms, times: Quantity) -> Expr:
    """Write a sum of products."""
    products = tuple(_product((*product, times)) for product in terms)
    return Add(products) if len(products) > 1 else products[0] if products else ZERO


def _counts(walked: Walked, family: str, name: str) -> Iterator[Step]:
    """Derive a total from what every layer adds to it."""
    params = family == "params"

    def formula(row: Row) -> Expr:
        if params:
            return _sum((*row.effect.weights, *row.effect.biases), row.node.copies)
        return _sum(row.effect.macs, row.node.times)

    rows = [
        r
        for r in walked.layers
        if (r.effect.weights or r.effect.biases if params else r.effect.macs)
        and not (params and r.node.shares is not None)
    ]
    total, target = expr(walked.total("parameters" if params else "macs")), Sym(name)
    groups = _grouped(rows, lambda r: (plain(formula(r)), r.effect.because))
    if not groups or len(groups) > MAX_LINES:
        yield Step(name, target, target, total, "counted in every layer, and added up")
        return
    values: dict[str, Expr] = {}
    parts, inserted = [], []
    for group in groups:
        row, entry = group[0], _entry(family, group[0])
        because = row.effect.because if params else "each weight at each place"
        yield Step(family, entry, entry, formula(row), f"{_called(group)}: {because}")
        value = expr(row.parameters if params else row.macs)
        count = number(len(group))
        parts.append(entry if len(group) == 1 else Mul((count, entry)))
        inserted.append(value if len(group) == 1 else Mul((count, value)))
        values[plain(entry)] = value
    if len(groups) > MAX_ADDED:
        yield Step(name, target, target, total, "the column of the table added up")
        return
    letters, numbers = (Add(tuple(p)) if len(p) > 1 else p[0] for p in (parts, inserted))
    yield Step(name, target, target, letters, "all layers together")
    yield Step(f"{name}-layers", target, letters, numbers, "layer by layer")
    if plain(numbers) != plain(total):
        yield Step(f"{name}-value", target, numbers, total, "added up")


def _fields(walked: Walked) -> Iterator[Step]:
    """Widen the receptive field, window by window, along the first axis."""
    lines = []
    for row in walked.rows:
        layer = row.node.layer
        if not isinstance(layer, Window) or not row.fields or len(row.fields[0].phases) > 1:
            continue
        before = walked.rows[row.node.inputs[0]].fields
        if before is None or before[0].size == row.fields[0].size or not _slidable(walked):
            continue
        _, k, _, _, _, d = next(layer.axes(row.inputs[0]))
        wider = _product((Add((expr(k), number(-1))), d, before[0].jump))
        jumps = [plain(expr(field.jump)) for field in (before[0], row.fields[0])]
        text = f"{_called([row])}: (k − 1) times the jump {jumps[0]}; jump {jumps[1]}"
        entry = _entry("field", row)
        lines.append(Step("field", entry, entry, Add((expr(before[0].size), wider)), text))
        lines.append(Step("field-value", entry, lines[-1].after, expr(row.fields[0].size), "computed"))
    if len(lines) <= 2 * MAX_LINES:
        yield from (line for line in lines if plain(line.before) != plain(line.after))


def _slidable(walked: Walked) -> bool:
    """Say whether the field is small enough to slide windows through it."""
    row = walked.last_field
    if row is None or not row.fields:
        return False
    widest = max((f.size for r in walked.rows for f in r.fields or () if isinstance(f.size, int)), default=0)
    return widest * len(walked.rows) <= MAX_SLID


# the forward pass


def _routes(source: Source, answers: Sequence[Answer]) -> Iterator[Route]:
    walked = source.walked
    runs = Runs(source)
    found = {answer.name: answer.value for answer in answers}
    filled = not source.symbols and runs.filled({})
    method = (
        "a forward pass run on arrays that fit, their entries and products counted"
        if filled or source.symbols
        else "a forward pass laid out in NumPy, the entries of its arrays counted (too many numbers to multiply out)"
    )

    def counted(point: Mapping[str, Any]) -> list[Any]:
        run = runs.traced(point)
        output = list(run[-1].output)
        weights, biases = sum(t.weights for t in run), sum(t.biases for t in run)
        return [weights + biases, output, weights, biases, sum(t.macs for t in run)]

    names = ("parameters", "output", "weights", "biases", "macs")
    yield Route(", ".join(names), method, tuple(found[name] for name in names), counted)
    row = walked.last_field
    if row is None or not row.fields or not _slidable(walked):
        return
    index, axes = row.node.row, len(row.fields)
    sizes = tuple(expr(field.size) for field in row.fields)
    jumps = tuple(expr(field.jump) for field in row.fields)

    def slid(point: Mapping[str, Any]) -> list[Any]:
        seen = runs.last_field(point, index, axes)
        return [[size for size, _ in seen], [jump for _, jump in seen]]

    text = "windows slid over the indices of a longer input, the entries that one in the middle sees counted"
    yield Route("receptive_field, jump", text, (sizes, jumps), slid)
