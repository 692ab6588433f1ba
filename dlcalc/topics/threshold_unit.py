"""What one threshold unit can represent: weights for a truth table, or the proof that there are none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement, product
from operator import add
from typing import TYPE_CHECKING, Annotated

from dlcalc.errors import DlcalcError, NoSuchAnswerError
from dlcalc.givens import choice, read_values, scalar, values
from dlcalc.notation.expression import ONE, ZERO, Add, Entry, Expr, Mul, Num, Sym, number
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import REAL, Answer, Experiment, Mark, Sequence, Setting, Solution, Step, Work, verdict
from dlcalc.table import Table
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from fractions import Fraction

Row = tuple[int, ...]
"""The inputs of a row of the table, and a 1 for the bias behind them."""

MOST_INPUTS = 5
_FUNCTIONS: Mapping[str, Callable[[Row], int]] = {
    "and": lambda x: int(all(x)),
    "or": lambda x: int(any(x)),
    "nand": lambda x: int(not all(x)),
    "nor": lambda x: int(not any(x)),
    "xor": lambda x: sum(x) % 2,
    "xnor": lambda x: 1 - sum(x) % 2,
    "majority": lambda x: int(2 * sum(x) > len(x)),
}


@dataclass(frozen=True)
class TruthTable:
    """The wanted output of every combination of inputs."""

    rows: tuple[Row, ...]
    outputs: tuple[int, ...]

    @cached_property
    def found(self) -> Row | None:
        """Run the perceptron rule to weights that separate; None where weights come back.

        They come back exactly where nothing separates (the perceptron cycling theorem).
        """
        weights = (0,) * len(self.rows[0])
        seen: set[Row] = set()
        while weights not in seen:
            seen.add(weights)
            before = weights
            for row, wanted in zip(self.rows, self.outputs, strict=True):
                sign = 2 * wanted - 1
                if sign * sum(w * x for w, x in zip(weights, row, strict=True)) <= 0:
                    weights = tuple(w + sign * x for w, x in zip(weights, row, strict=True))
            if weights == before and all(
                _output(weights, r) == out for r, out in zip(self.rows, self.outputs, strict=True)
            ):
                return weights
        return None

    @property
    def contradictions(self) -> Iterator[tuple[tuple[Row, Row], tuple[Row, Row]]]:
        """Find two rows with output 1 and two with output 0 that have the same sum.

        Up to eight inputs, there are some exactly where no unit represents the table.
        """
        pairs: dict[Row, tuple[Row, Row]] = {}
        ones, zeros = ([r for r, out in zip(self.rows, self.outputs, strict=True) if out == k] for k in (1, 0))
        for pair in combinations_with_replacement(ones, 2):
            pairs.setdefault(tuple(map(add, *pair)), pair)
        for pair in combinations_with_replacement(zeros, 2):
            if (total := tuple(map(add, *pair))) in pairs:
                yield pairs[total], pair


@topic(
    area="activations",
    answers=("representable", "weights", "bias"),
    examples=("--function or", "--table 0,1,1,0", "--function majority --inputs 3"),
)
def threshold_unit(
    *,
    table: Annotated[
        Value | None, values("-t", help="Outputs 0 or 1 for inputs 00, 01, 10, 11 (counting upwards).", metavar="LIST")
    ] = None,
    function: Annotated[str | None, choice(*_FUNCTIONS, flags=("-f",), help="A named table instead.")] = None,
    inputs: Annotated[Expr | None, scalar("-n", help="Inputs (default 2).", whole=True, least=1)] = None,
) -> Solution:
    """Weights of one threshold unit (perceptron) for a truth table, or the proof that there are none (XOR).

    A unit step(w₁x₁ + … + w_n x_n + b) with step(z) = 1 for z > 0 and 0 for z ≤ 0 represents a table when each row's
    inequality holds: w·x + b > 0 where the output is 1, w·x + b ≤ 0 where it is 0 (linearly separable). Where that
    cannot be, a sum of the left sides of some rows with 1 equals one of rows with 0: positive and not positive.
    Source: Minsky and Papert, Perceptrons (1969); Block and Levin, On the boundedness of an iterative procedure for
    solving a system of linear inequalities (1970); Muroga, Threshold Logic and its Applications (1971).

    Raises DlcalcError for a table that is no list of 2ⁿ outputs 0 or 1, or has too many inputs.

    >>> threshold_unit(table=[0, 1, 1, 0])["representable"].text
    'no'
    >>> threshold_unit(function="and")["weights"].computed, threshold_unit(function="and")["bias"].computed
    ([3, 2], -4)
    """
    wanted = _read(table, function, inputs)
    weights = wanted.found
    if weights is None:
        answers: tuple[Answer, ...] = (
            verdict("representable", holds=False, otherwise="the inequalities contradict each other"),
        )
    else:
        answers = (
            verdict("representable", holds=True, otherwise="there are weights for it"),
            Answer("weights", tuple(map(number, weights[:-1]))),
            Answer("bias", number(weights[-1])),
        )
    return Solution(
        answers=answers,
        work=lambda: Work(
            tuple(_contradiction(wanted) if weights is None else _rows(wanted, weights)),
            (_compared(wanted),),
        ),
        setting=Setting(
            domains={"b": REAL},
            sequences={"w": Sequence(number(len(wanted.rows[0]) - 1))},
            aliases={f"w{k}": _weight(k) for k in range(1, len(wanted.rows[0]))},
        ),
        conventions=(
            "step(z) = 1 for z > 0, and 0 for z ≤ 0",
            "rows count upwards: the last input changes fastest",
        ),
        notes=() if weights is None else ("other weights do as well: these are what the perceptron rule ends with",),
        marker=lambda given, _: _marked(wanted, answers[0], given),
        tables=(Table("inequalities", ("inputs", "output", "inequality"), lambda: _inequalities(wanted)),),
    )


def _read(table: Value | None, function: str | None, inputs: Expr | None) -> TruthTable:
    if (table is None) == (function is None):
        raise DlcalcError(
            "the table is given twice" if table else "the table is missing", "--table 0,1,1,0 or --function"
        )
    if inputs is not None and not isinstance(inputs, Num):
        raise DlcalcError(f"--inputs {plain(inputs)} is a symbol", "give a number: a table has 2ⁿ rows")
    count = 2 if inputs is None else int(inputs.value)
    if isinstance(table, Expr):
        raise DlcalcError("--table has one output", "write a list such as 0,1,1,0")
    if table is not None:
        count = len(table).bit_length() - 1
        if 2**count != len(table) or not count or (inputs is not None and inputs != number(count)):
            wanted = f"2^{plain(inputs)}" if inputs is not None else "2, 4, 8, …"
            raise DlcalcError(f"--table has {len(table)} outputs", f"give {wanted}, one for each combination of inputs")
        if wrong := [entry for entry in table if entry not in {ZERO, ONE}]:
            raise DlcalcError(f"--table has the entry {plain(wrong[0])}", "write outputs as 0 and 1")
    if count > MOST_INPUTS:
        raise DlcalcError(f"{count} inputs have 2^{count} rows", f"use at most {MOST_INPUTS} inputs")
    rows = tuple((*bits, 1) for bits in product((0, 1), repeat=count))
    if table is not None:
        return TruthTable(rows, tuple(int(entry == ONE) for entry in table))
    return TruthTable(rows, tuple(_FUNCTIONS[function or ""](row[:-1]) for row in rows))


def _weight(k: int) -> Expr:
    return Entry("w", number(k))


def _before_step(row: Row) -> Expr:
    """Write w·x + b for the inputs of a row."""
    return sum((_weight(k) for k, x in enumerate(row[:-1], 1) if x), ZERO) + Sym("b")


def _inequalities(wanted: TruthTable) -> Iterator[tuple[str, int, str]]:
    from dlcalc.notation.printing import unicode

    for row, output in zip(wanted.rows, wanted.outputs, strict=True):
        yield "".join(map(str, row[:-1])), output, f"{unicode(_before_step(row))} {'>' if output else '≤'} 0"


def _rows(wanted: TruthTable, weights: Row) -> Iterator[Step]:
    """Put the weights into every inequality."""
    for row, output in zip(wanted.rows, wanted.outputs, strict=True):
        inputs = ", ".join(map(str, row[:-1]))
        products = [Mul((number(w), number(x))) for w, x in zip(weights[:-1], row[:-1], strict=True)]
        total = Add((*products, number(weights[-1])))
        yield Step(
            "row", total, total, ZERO, f"inputs {inputs}: the output is {output}", relation=">" if output else "<="
        )


def _contradiction(wanted: TruthTable) -> Iterator[Step]:
    """Write two rows with output 1 whose sum equals that of two rows with output 0, whatever the weights are."""
    for above, below in wanted.contradictions:
        left, right = (Add(tuple(map(_before_step, pair))) for pair in (above, below))
        because = (
            "rows with output 1 (both > 0) on the left, with output 0 (both ≤ 0) on the right: they cannot be equal"
        )
        yield Step("contradiction", left, left, right, because)
        return


def _compared(wanted: TruthTable) -> Experiment:
    """Compare the perceptron rule with the sums of pairs of rows."""

    def run(_: int) -> tuple[float, float]:
        contradicted = any(True for _ in wanted.contradictions)
        return float(contradicted == (wanted.found is not None)), 0.0

    method = "no two rows with output 1 add up to two with output 0, by trying all pairs"
    return Experiment("whether one unit represents the table", method, run)


def _output(weights: Iterable[float | Fraction], row: Row) -> int:
    return int(sum(w * x for w, x in zip(weights, row, strict=True)) > 0)


def _marked(wanted: TruthTable, representable: Answer, given: Iterable[str]) -> tuple[Mark, ...]:
    """Judge weights and bias together: any that give every output are right.

    Raises DlcalcError where only one of them is handed in, or they are no numbers.
    """
    from dlcalc.marking import mark_word, split_named

    found: list[Mark] = []
    numbers: dict[str, tuple[str, tuple[Fraction, ...]]] = {}
    for text in given:
        name, value = split_named(text)
        if name in {"weights", "w", "bias", "b"}:
            numbers[name[0]] = (value.strip(), _numbers(name, value))
        elif name in {None, "representable"}:
            found.append(mark_word(representable, value.strip()))
        else:
            raise NoSuchAnswerError(f"threshold-unit has no answer {name!r}", "it has representable, weights, bias")
    if not numbers:
        return tuple(found)
    if len(numbers) == 1:
        raise DlcalcError("weights and bias are judged together", "add --answer weights=… --answer bias=…")
    (weights_text, weights), (bias_text, bias) = numbers["w"], numbers["b"]
    text = f"{weights_text}, bias = {bias_text}"
    inputs = len(wanted.rows[0]) - 1
    if (len(weights), len(bias)) != (inputs, 1):
        because = f"there are {len(weights)} weights, and {inputs} inputs"
        return (*found, Mark("weights", text, correct=False, because=because))
    for row, output in zip(wanted.rows, wanted.outputs, strict=True):
        if _output((*weights, *bias), row) != output:
            at = ", ".join(map(str, row[:-1]))
            total = sum(w * x for w, x in zip((*weights, *bias), row, strict=True))
            because = f"at the inputs {at} w·x + b is {plain(number(total))}: the output is {1 - output}, not {output}"
            return (*found, Mark("weights", text, correct=False, because=because))
    return (*found, Mark("weights", text, correct=True, because=f"all {len(wanted.rows)} outputs come out"))


def _numbers(name: str, text: str) -> tuple[Fraction, ...]:
    read = read_values(name, text)
    entries = (read,) if isinstance(read, Expr) else read
    found = tuple(entry.value for entry in entries if isinstance(entry, Num))
    if len(found) != len(entries):
        raise DlcalcError(f"--answer {name} is no list of numbers", "write numbers such as 1,1")
    return found
