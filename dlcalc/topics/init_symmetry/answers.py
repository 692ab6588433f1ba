"""The answers on equal weights: verdicts read off the gradients that the engine derives, and a unit's output."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import isclose
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.entries import listed
from dlcalc.errors import DlcalcError
from dlcalc.givens import checked
from dlcalc.notation.expression import Entry, Expr, Num, Real, add, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import unicode
from dlcalc.parts import joined
from dlcalc.solution import REAL, Answer, Slip, Solution, Work, symbols, verdict
from dlcalc.topics.backprop import backprop
from dlcalc.topics.init_symmetry.network import Network

if TYPE_CHECKING:
    from dlcalc.notation.printing import Value

MAX_LAYERS, MAX_WIDTH, MAX_WEIGHTS, MAX_UPDATES = 6, 12, 60, 20
LARGEST = 10**6
SHOWN = 4
"""Rows, and entries of a row, that a line of the derivation has."""
CHOSEN_X, CHOSEN_Y = (1, 2, -1, 3, Fraction(1, 2), -2), (1, -1, 2, -2, 3, -3)
SAME = 1e-9
IN_USE = ("x", "y", "h", "g", "W", "a", "L")


class Data(NamedTuple):
    """What the engine computes at, and which of it was chosen because it was not given."""

    constant: Fraction
    x: tuple[Fraction, ...]
    y: tuple[Fraction, ...]
    chosen: tuple[str, ...]

    @property
    def floats(self) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
        """The constant, the input and the target as floats."""
        return float(self.constant), tuple(map(float, self.x)), tuple(map(float, self.y))


class Asked(NamedTuple):
    """The network, the letters of the derivation, and its inputs and targets as they are written."""

    net: Network
    letters: Letters
    c: Expr
    x: tuple[Expr, ...]
    y: tuple[Expr, ...]
    data: Data


def answered(  # noqa: PLR0917 (the givens)
    constant: Expr,
    layers: Value,
    activation: str,
    x: Value | None,
    y: Value | None,
    lr: Expr,
    updates: Expr,
    *,
    bias: bool,
) -> Solution:
    """Answer in verdicts, with the gradients at the data beside them."""
    net = _network(layers, activation, lr, updates, bias=bias)
    inputs, targets = _entries("x", x, net.widths[0]), _entries("y", y, net.widths[-1])
    _refuse_in_use(constant, *inputs, *targets)
    letters = Letters(taken=symbols(constant, inputs, targets))
    for value in (*inputs, *targets):
        for inner in sorted(symbols(value) - {"x", "y"}):
            letters.domains.setdefault(inner, REAL)
    c = letters.letter("c", constant, REAL)
    asked = Asked(net, letters, c, inputs, targets, _data(constant, inputs, targets))
    try:
        engine = backprop.function(
            program=net.program, wrt=",".join(net.parameters), at=net.data(*asked.data[:3]), lr=lr, updates=updates
        )
        after = {name: _rows(engine[f"{name}_new"].value) for name in net.parameters}
        slopes = {name: _rows(engine[f"dL/d{name}"].value) for name in net.parameters}
    except OverflowError:
        raise DlcalcError("the updates overflow at these data", "use a smaller --lr, or fewer --updates") from None
    unit = call(activation, constant * add(*inputs)) if activation != "linear" else constant * add(*inputs)
    found = _verdicts(net, slopes, after)
    if net.hidden:
        found.append(Answer("unit", unit, slips=_unit_slips(activation, constant, inputs)))

    def work() -> Work:
        from dlcalc.topics.init_symmetry.lines import derived_steps, routes

        return Work(tuple(derived_steps(asked, slopes, after)), tuple(routes(asked)))

    from dlcalc.topics.init_symmetry.lines import setting_of

    scalar = Solution(
        answers=tuple(found),
        work=work,
        setting=setting_of(asked),
        principal=tuple(answer.name for answer in found if answer.form == "word"),
        conventions=tuple(_conventions(asked)),
        notes=tuple(_notes(asked, slopes)),
    )
    return joined(scalar, engine)


def _network(layers: Value, activation: str, lr: Expr, updates: Expr, *, bias: bool) -> Network:
    widths = layers if isinstance(layers, tuple) else (layers,)
    if len(widths) < 2 or any(not isinstance(width, Num) for width in widths):  # noqa: PLR2004 (input and output)
        raise DlcalcError("--layers needs two widths or more, in numbers", "write 2,3,1")
    found = tuple(int(checked("layers", w, whole=True, least=1).value) for w in widths)  # type: ignore[arg-type, attr-defined]
    weights = sum(a * b for a, b in pairwise(found))
    if len(found) > MAX_LAYERS or max(found) > MAX_WIDTH or weights > MAX_WEIGHTS:
        raise DlcalcError(
            f"the network has {weights:,} weights in {len(found) - 1} layers",
            f"use at most {MAX_WEIGHTS} weights, {MAX_WIDTH} units a layer, {MAX_LAYERS - 1} layers: it shows the same",
        )
    if not isinstance(lr, Num) or not 0 < lr.value <= LARGEST:
        raise DlcalcError(f"lr {lr} is not a positive number", "use 0.1")
    if not isinstance(updates, Num) or updates.value > MAX_UPDATES:
        raise DlcalcError(f"updates {updates} is not a number up to {MAX_UPDATES}", f"use 1 to {MAX_UPDATES}")
    return Network(found, activation, bias, lr.value, int(updates.value))


def _entries(name: str, given: Value | None, width: int) -> tuple[Expr, ...]:
    """Read a vector; entries of a sequence where none is given."""
    if given is None:
        return tuple(Entry(name, number(i)) for i in range(1, width + 1))
    found = listed(name, given, f"give one example: {width} numbers, with commas between them")
    if len(found) != width:
        raise DlcalcError(
            f"{name} has {len(found)} entries, but the network has {width} there", f"give {width} numbers"
        )
    if any(isinstance(entry, Num) and abs(entry.value) > LARGEST for entry in found):
        raise DlcalcError(f"{name} has an entry beyond {LARGEST:,}", "use smaller numbers: scale the data")
    return found


def _refuse_in_use(constant: Expr, *entries: Expr) -> None:
    if isinstance(constant, Num) and abs(constant.value) > LARGEST:
        raise DlcalcError(f"constant {constant} is beyond {LARGEST:,}", "use a smaller one")
    for name in sorted((symbols(constant, *(e for e in entries if not isinstance(e, Entry)))) & set(IN_USE)):
        raise DlcalcError(f"the symbol {name} means something else here", "use another letter")


def _data(constant: Expr, x: tuple[Expr, ...], y: tuple[Expr, ...]) -> Data:
    """Choose numbers for what is not given, so that there are gradients to look at."""
    chosen = []
    if isinstance(constant, Num):
        c = constant.value
    else:
        c = Fraction(1, 2)
        chosen.append(f"{unicode(constant)} = 1/2")
    vectors = []
    for name, entries, spare in (("x", x, CHOSEN_X), ("y", y, CHOSEN_Y)):
        values = [
            entry.value if isinstance(entry, Num) else Fraction(spare[i % len(spare)])
            for i, entry in enumerate(entries)
        ]
        vectors.append(tuple(values))
        if not all(isinstance(entry, Num) for entry in entries):
            chosen.append(f"{name} = [{', '.join(map(str, values))}]")
    return Data(c, vectors[0], vectors[1], tuple(chosen))


Rows = list[list[float]]


def _rows(value: Value) -> Rows:
    """Read numbers as rows; of a vector, a row per entry."""
    if isinstance(value, Expr):
        return [[_float(value)]]
    return [
        [_float(v) for v in row if isinstance(v, Expr)] if isinstance(row, tuple) else [_float(row)] for row in value
    ]


def _float(value: Expr) -> float:
    return value.value if isinstance(value, Real) else float(value.value) if isinstance(value, Num) else float("nan")


def same(a: float, b: float) -> bool:
    """Say whether two computed numbers are one."""
    return isclose(a, b, rel_tol=SAME, abs_tol=1e-12)


def equal_rows(rows: Rows) -> bool:
    """Say whether all rows are the same."""
    return all(same(a, b) for row in rows[1:] for a, b in zip(row, rows[0], strict=True))


def is_zero(rows: Rows) -> bool:
    """Say whether every entry is 0."""
    return all(value == 0 for row in rows for value in row)


def _verdicts(net: Network, slopes: dict[str, Rows], after: dict[str, Rows]) -> list[Answer]:
    weights = [after[f"W{layer}"] for layer in range(1, net.layers + 1)]
    everything = [value for rows in weights for row in rows for value in row]
    found = []
    if net.hidden:
        rows_equal = all(equal_rows(slopes[f"W{layer}"]) for layer in net.hidden)
        copies = all(equal_rows(after[f"W{layer}"]) for layer in net.hidden)
        found += [
            verdict(
                "same_gradient", holds=rows_equal, otherwise="every hidden unit has the same input, δ and so gradient"
            ),
            verdict(
                "still_copies", holds=copies, otherwise="equal units with equal gradients stay equal after every step"
            ),
        ]
    still = all(same(value, everything[0]) for value in everything)
    moved = "nothing moves: every gradient is 0" if still else (
        "units stay copies, but weights separate: ∂L/∂W = δ hᵀ has columns of different size, and layers differ"
    )  # fmt: skip
    zero = all(map(is_zero, slopes.values()))
    where = [name for name, rows in slopes.items() if not is_zero(rows)]
    learning = f"the gradient of {', '.join(where)} is not 0" if where else "every gradient is 0, so nothing is learned"
    return [
        *found,
        verdict("still_equal", holds=still, otherwise=moved),
        verdict("all_zero", holds=zero, otherwise=learning),
    ]


def _unit_slips(activation: str, constant: Expr, x: tuple[Expr, ...]) -> tuple[Slip, ...]:
    total = constant * add(*x)
    listed = [
        Slip(total, f"that is the sum; the unit puts it through {activation}", "unit"),
        Slip(
            call(activation, total / len(x)) if activation != "linear" else total / len(x), "a sum, not a mean", "unit"
        ),
    ]
    if activation != "linear":
        listed.append(
            Slip(add(*(call(activation, constant * e) for e in x)), "the sum comes first, then the unit", "unit")
        )
    return tuple(slip for slip in listed if activation != "linear" or slip.value != total)


def _conventions(asked: Asked) -> list[str]:
    net = asked.net
    biases = "biases start at 0" if net.bias else "no biases"
    said = [
        f"hidden units {net.activation}, linear output, L = ½‖a − y‖², {biases}, gradient steps with rate {net.rate}",
        "g1_2_3 is ∂L/∂W1[2, 3], at the data d1_2_3; v1_2_3 is that weight after a step, w1_2_3 after all at the data",
    ]
    if max(net.widths) > SHOWN:
        said.append(f"of long rows the first {SHOWN} entries are written, and the first {SHOWN} rows")
    if asked.data.chosen:
        said.append(
            f"numbers are shown at {', '.join(asked.data.chosen)}, chosen where none are given; "
            "lines in letters hold for all"
        )
    return said


def _notes(asked: Asked, slopes: dict[str, Rows]) -> list[str]:
    net, notes = asked.net, []
    moving = [name for name, rows in slopes.items() if not is_zero(rows)]
    if moving and len(moving) < len(slopes):
        notes.append(
            f"only {', '.join(moving)} {'has' if len(moving) == 1 else 'have'} a gradient that is not 0 at the start"
        )
    last = f"W{net.layers}"
    if net.widths[-1] > 1 and not equal_rows(slopes[last]):
        notes.append(f"the rows of {last}, the output layer, have different gradients: their targets differ")
    if not net.hidden:
        notes.append("no hidden layer: nothing to be a copy of; a single linear layer learns from any start")
    return notes
