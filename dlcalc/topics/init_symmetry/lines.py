"""The derivation for equal weights: lines in letters, evaluated by complex steps through a forward pass."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO, Entry, Expr, Num, Sym, add, mul, number
from dlcalc.notation.functions import call
from dlcalc.solution import REAL, Experiment, Sequence, Setting, Step
from dlcalc.topics.init_symmetry.network import gradients, outputs, trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.topics.init_symmetry.answers import Asked, Rows

DRAWS = 20


def shown(length: int) -> range:
    """Count what a line shows of so many."""
    from dlcalc.topics.init_symmetry.answers import SHOWN

    return range(1, min(length, SHOWN) + 1)


def gradient(layer: int, i: int, j: int) -> Sym:
    """Name an entry of ∂L/∂W."""
    return Sym(f"g{layer}_{i}_{j}")


def unit_name(asked: Asked, layer: int, i: int) -> str:
    """Name a unit: h in a hidden layer, a at the linear output."""
    return f"{'h' if layer in asked.net.hidden else 'a'}{layer}_{i}"


def setting_of(asked: Asked) -> Setting:
    """Say what the names stand for: units, gradients and trained weights, found by running the network."""
    net = asked.net
    definitions: dict[str, Callable[..., Any]] = {}
    for layer in range(1, net.layers + 1):
        for i in range(1, net.widths[layer] + 1):
            definitions[unit_name(asked, layer, i)] = partial(_unit, asked, layer, i)
            for j in range(1, net.widths[layer - 1] + 1):
                definitions[f"g{layer}_{i}_{j}"] = partial(_gradient, asked, layer, i, j)
                definitions[f"v{layer}_{i}_{j}"] = partial(_weight, asked, layer, i, j)
                definitions[f"w{layer}_{i}_{j}"] = partial(_trained_at_data, asked, layer, i, j)
                definitions[f"d{layer}_{i}_{j}"] = partial(_gradient_at_data, asked, layer, i, j)
    sequences = {
        name: Sequence(number(len(entries)))
        for name, entries in (("x", asked.x), ("y", asked.y))
        if any(isinstance(entry, Entry) for entry in entries)
    }
    return Setting(
        domains=asked.letters.domains or {"c": REAL},
        sequences=sequences,
        definitions=definitions,
        values=asked.letters.values,
    )


def _point(asked: Asked, point: Mapping[str, Any]) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
    c = float(PLAIN.value(asked.c, point))
    x, y = (tuple(float(PLAIN.value(entry, point)) for entry in entries) for entries in (asked.x, asked.y))
    return c, x, y


def _unit(asked: Asked, layer: int, i: int, point: Mapping[str, Any]) -> float:
    c, x, _ = _point(asked, point)
    return outputs(asked.net, asked.net.start(c), x)[layer - 1][i - 1].real


def _gradient(asked: Asked, layer: int, i: int, j: int, point: Mapping[str, Any]) -> float:
    c, x, y = _point(asked, point)
    return gradients(asked.net, asked.net.start(c), x, y)[layer - 1][i - 1][j - 1].real


def _weight(asked: Asked, layer: int, i: int, j: int, point: Mapping[str, Any]) -> float:
    return trained(asked.net, *_point(asked, point), 1)[layer - 1][i - 1][j - 1].real


def _trained_at_data(asked: Asked, layer: int, i: int, j: int, _: Mapping[str, Any]) -> float:
    return trained(asked.net, *asked.data.floats, asked.net.updates)[layer - 1][i - 1][j - 1].real


def _gradient_at_data(asked: Asked, layer: int, i: int, j: int, _: Mapping[str, Any]) -> float:
    c, x, y = asked.data.floats
    return gradients(asked.net, asked.net.start(c), x, y)[layer - 1][i - 1][j - 1].real


def derived_steps(asked: Asked, slopes: dict[str, Rows], after: dict[str, Rows]) -> Iterator[Step]:
    """Show that units are equal, that rows of gradients are, what the columns do, and what several steps change."""
    from dlcalc.topics.init_symmetry.answers import is_zero

    net = asked.net
    if net.hidden:
        yield from _first_unit(asked)
    for layer in net.hidden:
        yield from _copies(f"h{layer}", net.widths[layer], f"units of layer {layer} have the same weights and inputs")
    for layer in range(1, net.layers + 1):
        zero = is_zero(slopes[f"W{layer}"])
        yield from _zero(asked, layer) if zero else _rows_of_gradients(asked, layer)
    for layer in net.hidden:
        because = f"one step: equal rows minus equal gradients, so the units of layer {layer} are copies again"
        yield from _equal_rows("v", layer, net.widths[layer], net.widths[layer - 1], because)
    yield from _still_equal(asked, after)


def _first_unit(asked: Asked) -> Iterator[Step]:
    c, net = asked.c, asked.net
    inputs = add(*(mul(c, entry) for entry in asked.x))
    total = mul(c, add(*asked.x))
    target = Sym("h1_1")
    unit = partial(call, net.activation) if net.activation != "linear" else lambda value: value
    yield Step("unit", target, target, unit(inputs), "every weight is c" + (", the biases are 0" if net.bias else ""))
    if unit(total) != unit(inputs):
        yield Step("unit", target, unit(inputs), unit(total), "c comes out of the sum")
    if "c" in asked.letters.values:
        given = asked.letters.values["c"]
        value = unit(mul(given, add(*asked.x)))
        yield Step("unit", target, unit(total), value, f"c = {given}", where={"c": given})


def _copies(name: str, width: int, because: str) -> Iterator[Step]:
    if width > 1:
        first, others = Sym(f"{name}_1"), tuple(Sym(f"{name}_{i}") for i in shown(width)[1:])
        yield Step("copies", first, others, (first,) * len(others), because)


def _equal_rows(letter: str, layer: int, height: int, width: int, because: str) -> Iterator[Step]:
    """Say that every row is the first one."""
    first = tuple(Sym(f"{letter}{layer}_1_{j}") for j in shown(width))
    for i in shown(height)[1:]:
        row = tuple(Sym(f"{letter}{layer}_{i}_{j}") for j in shown(width))
        yield Step("rows", Sym(f"{letter}{layer}_{i}"), row, first, because)


def _zero(asked: Asked, layer: int) -> Iterator[Step]:
    """Say that every gradient of a layer is 0: for all data where the constant is 0, else at the data."""
    net = asked.net
    constant = asked.letters.values.get("c")
    always = isinstance(constant, Num) and (constant == ZERO or not asked.data.chosen)
    last, outer = layer == net.layers, "xᵀ" if layer == 1 else "hᵀ"
    because = "h is 0" if last else "no δ comes back through weights that are 0"
    if not always or constant != ZERO:
        because = "the units are flat, or the error is 0, at the data"
    where = {"c": constant} if always and constant is not None else {}
    for i in shown(net.widths[layer]):
        entries = tuple(Sym(f"{'g' if always else 'd'}{layer}_{i}_{j}") for j in shown(net.widths[layer - 1]))
        said = f"∂L/∂W{layer} = δ {outer}: {because}"
        yield Step("zero", Sym(f"g{layer}_{i}"), entries, (ZERO,) * len(entries), said, where=where)


def _rows_of_gradients(asked: Asked, layer: int) -> Iterator[Step]:
    net = asked.net
    height, width = net.widths[layer], net.widths[layer - 1]
    if layer in net.hidden:
        because = f"δ of every unit of layer {layer} is the same: equal weights ahead, equal slopes"
        yield from _equal_rows("g", layer, height, width, because)
    else:
        yield from _output_rows(asked, layer)
    if layer > 1 and width > 1:
        first = gradient(layer, 1, 1)
        others = tuple(gradient(layer, 1, j) for j in shown(width)[1:])
        yield Step("columns", first, others, (first,) * len(others), "its inputs h are copies: equal columns")
    elif width > 1:
        one, two = gradient(layer, 1, 1), gradient(layer, 1, 2)
        because = "∂L/∂W1 = δ xᵀ: entries of a row are in the ratio of the inputs, so columns separate"
        yield Step("columns", one, mul(asked.x[1], one), mul(asked.x[0], two), because)


def _output_rows(asked: Asked, layer: int) -> Iterator[Step]:
    """Write a gradient of the output layer, and by how much that of the next row differs."""
    inputs: Expr = Sym(f"h{layer - 1}_1") if layer > 1 else asked.x[0]
    first, output = gradient(layer, 1, 1), Sym(f"a{layer}_1")
    because = f"∂L/∂W{layer} = δ {'hᵀ' if layer > 1 else 'xᵀ'} with δ = a − y at the output"
    yield Step("output", first, first, mul(output - asked.y[0], inputs), because)
    if asked.net.widths[layer] > 1:
        off = first - gradient(layer, 2, 1)
        after = mul(asked.y[1] - asked.y[0], inputs)
        yield Step("output", off, off, after, "the outputs are equal: rows differ as the targets do")


def _still_equal(asked: Asked, after: dict[str, Rows]) -> Iterator[Step]:
    """Compare two weights after the steps: a pair that came apart, or all of them where none did."""
    from dlcalc.topics.init_symmetry.answers import same

    net = asked.net
    first, start = Sym("w1_1_1"), after["W1"][0][0]
    steps = f"after {net.updates} step{'s' * (net.updates > 1)}, at the data"
    apart = None
    for layer in range(1, net.layers + 1):
        for i, values in enumerate(after[f"W{layer}"], 1):
            placed = ((Sym(f"w{layer}_{i}_{j}"), value) for j, value in enumerate(values, 1))
            apart = apart or next(((name, value) for name, value in placed if not same(value, start)), None)
    if apart is None:
        for layer in range(1, net.layers + 1):
            for i in shown(net.widths[layer]):
                row = [Sym(f"w{layer}_{i}_{j}") for j in shown(net.widths[layer - 1])]
                names = tuple(name for name in row if name != first)
                if names:
                    said = f"{steps}: nothing has moved apart"
                    yield Step("still-equal", names[0], names, (first,) * len(names), said)
        return
    relation = "<" if apart[1] < start else ">"
    yield Step(
        "still-equal",
        apart[0],
        apart[0],
        first,
        f"{steps}: these two are no longer equal",
        relation=relation,  # type: ignore[arg-type]
    )


def routes(asked: Asked) -> Iterator[Experiment]:
    """Draw other data and constants, train, and look at the rows."""
    net = asked.net

    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        generator, worst = np.random.default_rng(seed), 0.0
        for _ in range(DRAWS):
            c = float(generator.normal())
            x, y = (tuple(map(float, generator.normal(size=n))) for n in (net.widths[0], net.widths[-1]))
            try:
                weights = trained(net, c, x, y, net.updates)
            except OverflowError:  # rates that suit one network make another diverge
                weights = trained(net, c, x, y, 1)
            for layer in net.hidden:
                rows = weights[layer - 1]
                scale = max(1.0, *(abs(value) for row in rows for value in row))
                worst = max(worst, *(abs(a - b) / scale for row in rows for a, b in zip(row, rows[0], strict=True)))
        return worst, 1e-9

    if net.hidden:
        yield Experiment(
            "hidden units are copies for any constant and data",
            f"{DRAWS} random ones, trained up to {net.updates} steps by complex-step gradients, farthest two rows",
            run,
        )
