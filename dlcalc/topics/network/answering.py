"""The answers to a network: totals, the table, what has to be said about it."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError
from dlcalc.networks.dense import Fc, Rbf
from dlcalc.networks.elementwise import Norm
from dlcalc.networks.quantities import Quantity, at, text_of, tidy, written
from dlcalc.networks.sequences import Attention, Recurrent
from dlcalc.networks.walk import BYTES, Walked, walk
from dlcalc.networks.windows import Conv, ConvTranspose, Separable
from dlcalc.notation.expression import Expr, Relation, Sym, expr
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import unicode
from dlcalc.solution import COUNT, Answer, Domain, Setting, Slip, Solution, symbols
from dlcalc.table import Cell, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.networks.field import Fields
    from dlcalc.networks.layer import Layer
    from dlcalc.networks.walk import Row
    from dlcalc.solution import Work
    from dlcalc.topics.network.sources import Source

COLUMNS = (
    "index", "name", "layer", "output", "parameters", "weights", "biases", "fixed", "macs", "flops", "activations",
    "memory", "field", "jump", "start",
)  # fmt: skip
BRIEF = ("index", "layer", "output", "parameters", "macs", "field", "name", "jump", "activations")
MAX_SIDE = 4_096
"""The largest input that is tried in search of one that every layer accepts."""
MAX_TRACED = 20_000
"""Layers of a network that are derived and visited by the forward pass."""
OTHERS = (6, 5, 4, 3, 2, 1)
"""What the symbols that are no sides of the input are, while such an input is searched for."""
PER_ROW = ("params", "macs", "side", "field")
"""Families of steps: `params_3` are the parameters of layer 3."""


def answered(source: Source) -> Solution:
    """Answer for a network as it stands."""
    walked = source.walked
    answers = tuple(_answers(walked))
    return Solution(
        answers=answers,
        work=lambda: _work(source, answers),
        setting=setting(source),
        assumptions=tuple(_assumptions(source)),
        conventions=tuple(conventions(source)),
        notes=tuple(_notes(walked)),
        tables=(table(walked),),
    )


def _work(source: Source, answers: tuple[Answer, ...]) -> Work:
    from dlcalc.topics.network.work import work

    return work(source, answers)


def _answers(walked: Walked) -> Iterator[Answer]:
    found = {what: expr(walked.total(what)) for what in ("weights", "biases", "macs", "activations", "fixed")}
    parameters = expr(tidy(found["weights"] + found["biases"]))
    slips = (
        Slip(found["weights"], "the biases are missing", "parameters"),
        Slip(expr(tidy(parameters + found["fixed"])), "running statistics are not trained", "parameters"),
    )
    yield Answer("parameters", parameters, slips=slips)
    yield Answer("output", tuple(map(expr, walked.output)), form="size")
    yield Answer("weights", found["weights"])
    yield Answer("biases", found["biases"])
    if found["fixed"] != expr(0):
        yield Answer("fixed", found["fixed"])
    yield Answer("macs", found["macs"])
    doubled = (
        Slip(found["macs"], "a multiply-accumulate is two operations, a multiplication and an addition", "flops"),
    )
    yield Answer("flops", expr(tidy(2 * found["macs"])), slips=doubled)
    yield Answer("activations", found["activations"])
    yield Answer("memory", expr(tidy(BYTES * found["activations"])))
    row = walked.last_field
    if row is not None and row.fields is not None:
        yield _per_axis("receptive_field", [field.size for field in row.fields])
        yield _per_axis("jump", [field.jump for field in row.fields])


def _per_axis(name: str, values: list[Quantity]) -> Answer:
    """Name one number where all axes agree, else a size."""
    if len(set(values)) == 1:
        return Answer(name, expr(values[0]))
    return Answer(name, tuple(map(expr, values)), form="size")


# the table


def table(walked: Walked) -> Table:
    """Make the table, a row per layer."""
    return Table("layers", COLUMNS, lambda: (_cells(row) for row in walked.layers), BRIEF, "parameters")


def _cells(row: Row) -> tuple[Cell, ...]:
    field = row.fields
    return (
        row.node.row,
        row.node.name,
        row.node.text,
        row.output,
        row.parameters,
        row.weights,
        row.biases,
        row.fixed,
        row.macs,
        row.flops,
        row.activations,
        tidy(BYTES * row.activations),
        *_field_cells(field),
    )


def _field_cells(fields: Fields | None) -> tuple[Cell, Cell, Cell]:
    if not fields:
        return None, None, None
    columns = ([f.size for f in fields], [f.jump for f in fields], [f.start for f in fields])
    sizes, jumps, starts = (values[0] if len(set(values)) == 1 else tuple(values) for values in columns)
    return sizes, jumps, starts


# what has to be said


def conventions(source: Source) -> Iterator[str]:
    """Say what is counted, as far as this network has it."""
    layers = {type(row.node.layer) for row in source.walked.layers}
    kept = source.layers
    yield "sizes are written with the channels last, for one input (a batch of 1)"
    yield (
        "1 MAC is a multiplication and an addition, by a weight (in attention also of activations); "
        "1 MAC = 2 FLOPs; biases, norms, activation functions and pooling are not counted as MACs or FLOPs"
    )
    yield (
        f"activations: the entries of every layer's output, {BYTES} bytes each (float32); "
        "not the input, and not again what flatten only rearranges"
    )
    if layers & {Conv, ConvTranspose, Separable, Fc}:
        yield "conv and fc have a bias unless no-bias; dilation 1 is an ordinary window; shared weights count once"
    if any(getattr(layer, "padding", None) == "same" for layer in kept):
        yield "same pads as in TensorFlow: the output is ⌈n/s⌉; if the zeros are odd in number, one more comes after"
    if any(isinstance(layer, Norm) for layer in kept):
        yield "a norm has a scale (weight) and a shift (bias) per channel; running means and variances are not trained"
    if any(isinstance(layer, Recurrent) for layer in kept):
        yield "recurrent layers have two bias vectors per gate as in PyTorch; biases=1 as in Keras (its GRU has two)"
    if any(isinstance(layer, Attention) for layer in kept):
        yield "attention: W_Q, W_K, W_V, W_O; its MACs include the scores QKᵀ and the mixture of the values"
    if any(isinstance(layer, Rbf) for layer in kept):
        yield "the prototypes of rbf are fixed, not trained"
    if any(isinstance(layer, ConvTranspose) for layer in kept):
        yield "a transposed convolution multiplies every input entry by every weight that it meets"
    yield from source.about
    row = source.walked.last_field
    if row is not None:
        yield (
            f"receptive_field: of an entry behind layer {row.node.row} ({row.node.text}), the last that sees a window "
            "of the input and not all of it; borders are not cut off; start is the centre of the first entry's field, "
            "counted from 0, the centre of the first input entry"
        )


def _notes(walked: Walked) -> Iterator[str]:
    yield from walked.graph.notes
    if len(walked.rows) > MAX_TRACED:
        yield f"more than {MAX_TRACED:,} layers: counted, but neither derived nor checked by a forward pass"
    layers = [row for row in walked.layers if isinstance(row.parameters, int)]
    if layers and len(layers) == len(walked.layers):
        most = max(layers, key=lambda row: row.parameters)  # type: ignore[arg-type, return-value]  # all are int
        total = walked.total("parameters")
        if most.parameters != 0 and isinstance(total, int) and isinstance(most.parameters, int):
            share = f"{100 * most.parameters / total:.3g}"
            yield f"most parameters: layer {most.node.row} ({most.node.text}) has {most.parameters:,}, {share} % of all"
    if any(not isinstance(row.node.times, int) for row in walked.rows):
        yield "inside a symbolic repeat the table counts all rounds, and shows the field of the first"
    first = walked.rows[0].output
    if len(first) == 2 and any(isinstance(row.node.layer, Conv) for row in walked.layers):  # noqa: PLR2004 (one axis, channels)
        places, channels = map(text_of, first)
        yield f"the input {written(first)} is {places} places with {channels} channels; an image is HxWxC"
    for row in walked.layers:
        if isinstance(row.node.layer, Fc) and len(row.inputs[0]) > 2:  # noqa: PLR2004 (a sequence is usual)
            yield (
                f"layer {row.node.row} ({row.node.text}) acts on the {text_of(row.inputs[0][-1])} channels at every "
                f"place of {written(row.inputs[0])}; put flatten before it to connect all entries"
            )


def _assumptions(source: Source) -> Iterator[str]:
    for relation in _whole(source):
        if relation.relation == "=" and not isinstance(relation.right, Sym):
            yield f"{unicode(relation.right)} is whole"
    for need in source.walked.needs:
        if isinstance(need.right, Expr) and need.relation == "=":
            yield f"{unicode(need.right)} is whole"
        else:
            yield f"{unicode(need.left)} {'≥' if need.relation == '>=' else need.relation} {unicode(need.right)}"


# where the symbols are sampled


def setting(source: Source) -> Setting:
    """Say where the symbols are sampled, and what a layer's numbers mean: what a forward pass really made."""
    names = source.symbols
    for name in sorted(names & {*PER_ROW, "parameters", "output"}):
        raise DlcalcError(f"{name} is the name of a result here", "use another letter")
    least = _least_side(source)
    wide = Domain(COUNT.low + least - 1, COUNT.low + least + 15, whole=True)
    few = Domain(COUNT.low, COUNT.low + 5, whole=True)
    runs = Runs(source)
    per_row: dict[str, Callable[..., Any]] = {
        "params": lambda point, i: runs.row(point, i)[0],
        "macs": lambda point, i: runs.row(point, i)[1],
        "side": runs.side,
        "field": runs.field,
    }
    totals = {
        "parameters": lambda point: sum(t.weights + t.biases for t in runs.traced(point)),
        "macs_total": lambda point: sum(t.macs for t in runs.traced(point)),
    }
    return Setting(
        domains={name: wide if name in source.spatial else few for name in sorted(names)},
        constraints=(*source.walked.needs, *_whole(source)),
        definitions={**per_row, **totals},
        families=frozenset(per_row),
    )


def _whole(source: Source) -> Iterator[Relation]:
    """Restrict the symbols inside expressions that must be whole and not negative."""
    seen: set[Expr] = set()
    for layer in source.layers:
        stack = [getattr(layer, f.name) for f in fields(layer)]
        while stack:
            value = stack.pop()
            if isinstance(value, tuple):
                stack.extend(value)
            elif isinstance(value, Expr) and value not in seen and symbols(value):
                seen.add(value)
                yield Relation(floor(value), "=", value)
                yield Relation(value, ">=", expr(0))


def _least_side(source: Source) -> int:
    """Find the least side, the same for all symbols of the input's axes, that every layer accepts."""
    if not source.spatial:
        return 1
    for other in OTHERS:
        others = dict.fromkeys(source.symbols - source.spatial, other)
        low, high = 0, 1
        while high <= MAX_SIDE and not _accepts(source, {**others, **dict.fromkeys(source.spatial, high)}):
            low, high = high, 2 * high
        if high <= MAX_SIDE:
            break
    else:
        names = ", ".join(sorted(source.spatial))
        raise DlcalcError(
            f"the layers fit together for no {names} up to {MAX_SIDE:,}", "check the stack, or give numbers"
        )
    while high - low > 1:
        middle = (low + high) // 2
        if _accepts(source, {**others, **dict.fromkeys(source.spatial, middle)}):
            high = middle
        else:
            low = middle
    return high


def _accepts(source: Source, values: Mapping[str, Quantity]) -> bool:
    try:
        walk(source.graph(values))
    except DlcalcError:
        return False
    return True


class Runs:
    """Forward passes at points, each run once."""

    def __init__(self, source: Source) -> None:
        """Remember a few passes."""
        self.source = source
        self._traced = lru_cache(maxsize=128)(self._run)
        self._seen = lru_cache(maxsize=128)(self._slide)

    def _key(self, point: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
        return tuple((name, int(point[name])) for name in sorted(self.source.symbols))

    def traced(self, point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (a list of Traced)
        """Return what every node made at a point."""
        return self._traced(self._key(point))[0]

    def filled(self, point: Mapping[str, Any]) -> bool:
        """Say whether the pass multiplied out."""
        return bool(self._traced(self._key(point))[1])

    def _run(self, key: tuple[tuple[str, int], ...]) -> Any:  # noqa: ANN401 (as above)
        from dlcalc.networks.trace import MAX_FILLED, MAX_MULTIPLIED, Trace

        graph = self.source.graph(dict(key))
        walked = walk(graph)
        numbers = at(walked.total("parameters"), {}) + at(walked.total("activations"), {})
        small = MAX_FILLED if not key else MAX_FILLED // 64, MAX_MULTIPLIED if not key else MAX_MULTIPLIED // 64
        filled = numbers <= small[0] and at(walked.total("macs"), {}) <= small[1]
        return Trace(graph, filled=filled).run(), filled, graph

    def row(self, point: Mapping[str, Any], index: int) -> tuple[int, int]:
        """Return the parameters and MACs of a row of the table, in all its rounds."""
        run, _, graph = self._traced(self._key(point))
        rows = [t for t, node in zip(run, graph.nodes, strict=True) if node.row == index and _is_layer(node.layer)]
        return sum(t.weights + t.biases for t in rows), sum(t.macs for t in rows)

    def side(self, point: Mapping[str, Any], index: int) -> int:
        """Return the first axis of what flows out of a row."""
        run, _, graph = self._traced(self._key(point))
        return int(next(t.output[0] for t, node in zip(run, graph.nodes, strict=True) if node.row == index))

    def field(self, point: Mapping[str, Any], index: int, axis: int = 0) -> Any:  # noqa: ANN401 (a whole number)
        """Return how many entries of the first axis an entry of a row sees, by sliding."""
        found, graph = self._seen(self._key(point), axis)
        return found[next(n for n, node in enumerate(graph.nodes) if node.row == index)][0]

    def last_field(self, point: Mapping[str, Any], index: int, axes: int) -> list[tuple[Any, Any]]:
        """Return the size and the jump behind a row, after all its rounds, per axis, by sliding."""
        slid = [self._seen(self._key(point), axis) for axis in range(axes)]
        last = max(n for n, node in enumerate(slid[0][1].nodes) if node.row == index)
        return [found[last] for found, _ in slid]

    def _slide(self, key: tuple[tuple[str, int], ...], axis: int) -> Any:  # noqa: ANN401 (fields per node)
        from dlcalc.networks.trace import seen

        graph = self.source.graph(dict(key))
        walked = walk(graph)
        fields = [row.fields[axis].size for row in walked.rows if row.fields]
        widest = max(size for size in fields if isinstance(size, int))
        side = at(graph.nodes[0].layer.effect().output[axis], {})
        return seen(graph, axis, side + PADDED * (2 * widest // PADDED + 2)), graph


PADDED = 1_024
"""The input is made longer by multiples of this, so that the middle of it is far from the borders."""


def _is_layer(layer: Layer) -> bool:
    from dlcalc.networks.joins import Again, Input

    return not isinstance(layer, Input | Again)
