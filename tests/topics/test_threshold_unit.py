"""Truth tables of one threshold unit: weights that give every output, or a contradiction."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, Solution, marked
from dlcalc.topics.threshold_unit import threshold_unit


def outputs(found: Solution, inputs: int) -> list[int]:
    """Run the unit that was answered on every combination of inputs."""
    weights, bias = found["weights"].computed, found["bias"].computed
    assert isinstance(weights, list)
    rows = product((0, 1), repeat=inputs)
    return [int(sum(w * x for w, x in zip(weights, row, strict=True)) + bias > 0) for row in rows]  # type: ignore[operator, misc]  # numbers


@pytest.mark.parametrize(
    ("function", "inputs", "representable"),
    [
        ("and", 2, True),
        ("or", 2, True),
        ("nand", 3, True),
        ("nor", 4, True),
        ("majority", 5, True),
        ("xor", 1, True),
        ("xor", 2, False),
        ("xor", 3, False),
        ("xnor", 2, False),
    ],
)
def test_named_tables(function: str, inputs: int, *, representable: bool) -> None:
    found = threshold_unit(function=function, inputs=inputs)
    assert found["representable"].text == ("yes" if representable else "no")
    assert found.steps
    assert found.checks
    assert found.holds


@pytest.mark.parametrize(("inputs", "count"), [(1, 4), (2, 14), (3, 104)])
def test_counts_the_threshold_functions(inputs: int, count: int) -> None:
    """The numbers of Boolean functions that one unit represents are known (Muroga, 1971)."""
    seen = 0
    for table in product((0, 1), repeat=2**inputs):
        found = threshold_unit(table=list(table))
        if found["representable"].text == "yes":
            seen += 1
            assert outputs(found, inputs) == list(table)
    assert seen == count


@given(st.lists(st.integers(-5, 5), min_size=5, max_size=5))
def test_a_table_that_a_unit_made_is_representable(weights: list[int]) -> None:
    table = [int(sum(w * x for w, x in zip(weights, (*row, 1), strict=True)) > 0) for row in product((0, 1), repeat=4)]
    assert outputs(threshold_unit(table=table), 4) == table


@given(st.lists(st.integers(0, 1), min_size=16, max_size=16))
def test_the_two_ways_to_decide_agree(table: list[int]) -> None:
    assert threshold_unit(table=table).holds


def test_writes_the_condition_of_every_row() -> None:
    found = threshold_unit(table="0,1,1,1")
    assert [row[2] for row in found.tables[0].rows] == ["b ≤ 0", "w_2 + b > 0", "w_1 + b > 0", "w_1 + w_2 + b > 0"]


@pytest.mark.parametrize(
    ("answers", "correct"),
    [
        (["weights=1,1", "bias=-1/2"], True),
        (["w=5,3", "b=-2"], True),
        (["weights=1,1", "bias=-1"], False),
        (["weights=1,1,1", "bias=-1"], False),
        (["representable=yes"], True),
        (["no"], False),
    ],
)
def test_any_weights_that_do_are_right(answers: list[str], *, correct: bool) -> None:
    assert marked(threshold_unit(function="or"), answers).marks[-1].correct is correct


@pytest.mark.parametrize(
    ("givens", "message"),
    [
        ({}, "the table is missing; --table 0,1,1,0 or --function"),
        ({"table": "0,1", "function": "or"}, "the table is given twice"),
        ({"table": "0,1,1"}, "--table has 3 outputs; give 2, 4, 8, …, one for each combination of inputs"),
        ({"table": "1"}, "--table has one output"),
        ({"table": "0,1,1,2"}, "--table has the entry 2; write outputs as 0 and 1"),
        ({"table": "0,1", "inputs": 2}, "--table has 2 outputs; give 2^2"),
        ({"function": "xor", "inputs": 9}, "9 inputs have 2^9 rows; use at most 5 inputs"),
        ({"function": "xro"}, "did you mean xor?"),
        ({"function": "or", "inputs": "n"}, "--inputs n is a symbol"),
        ({"function": "or", "inputs": 0}, "inputs 0 is less than 1"),
    ],
)
def test_refuses_what_is_no_table(givens: dict[str, object], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        threshold_unit(**givens)
    assert message in str(problem.value)


@pytest.mark.parametrize("answers", [["weights=1,1"], ["bias=1"], ["weights=a,1", "bias=1"], ["wieghts=1"]])
def test_refuses_an_answer_that_cannot_be_judged(answers: list[str]) -> None:
    with pytest.raises(DlcalcError):
        marked(threshold_unit(function="or"), answers)
