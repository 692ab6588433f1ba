"""dropout: moments and counts by enumeration, a mask forward and back, and where the mask may stand."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, Mark, dropout, marked
from dlcalc.notation.parser import parse
from dlcalc.numeric import compare, sample
from dlcalc.solution import Setting, Solution

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run

CHANCE = st.fractions(Fraction(1, 8), Fraction(7, 8), max_denominator=8)
SMALL = st.fractions(-3, 3, max_denominator=4)


def judge(givens: dict[str, Any], answer: str) -> Mark:
    return marked(dropout(**givens), [answer]).marks[0]


def holds(solution: Solution) -> bool:
    return solution.holds and bool(solution.steps) and bool(solution.checks)


SYMBOLIC = [
    ({}, "train", "mask*x/p"),
    ({}, "mean", "x"),
    ({}, "variance", "x^2*(1 - p)/p"),
    ({}, "test", "x"),
    ({"scaling": "classic"}, "train", "mask*x"),
    ({"scaling": "classic"}, "mean", "p*x"),
    ({"scaling": "classic"}, "variance", "p*(1 - p)*x^2"),
    ({"scaling": "classic"}, "test", "p*x"),
    ({"drop": "q"}, "variance", "x^2*q/(1 - q)"),
    ({"units": "n"}, "subnetworks", "2^n"),
    ({"units": "n"}, "expected_kept", "n*p"),
    ({"units": "n"}, "kept_variance", "n*p*(1 - p)"),
    ({"units": "n"}, "all_dropped", "(1 - p)^n"),
    ({"iterations": "T"}, "included", "1 - (1 - p)^T"),
    ({"drop": "q", "iterations": "T"}, "included", "1 - q^T"),
]


@pytest.mark.parametrize(("givens", "name", "expected"), SYMBOLIC, ids=lambda part: str(part)[:30])
def test_symbolic_answers(givens: dict[str, str], name: str, expected: str) -> None:
    solution = dropout(**givens)
    samples = sample(solution.setting if solution.marker is None else _loose(solution), 0)
    assert compare(solution[name].value, "=", parse(expected), samples).holds  # type: ignore[arg-type]
    assert holds(solution)


def _loose(solution: Solution) -> Setting:
    """Sample every symbol of a joined solution between 0 and 1."""
    from dlcalc.solution import UNIT, symbols

    used = set().union(*(symbols(a.value) for a in solution.answers))
    return Setting(domains=dict.fromkeys(used, UNIT))


@given(CHANCE, SMALL)
def test_the_moments_are_those_of_the_two_outcomes(p: Fraction, x: Fraction) -> None:
    solution = dropout(keep=p, x=x)
    outcomes = [(p, x / p), (1 - p, Fraction(0))]
    mean = sum(chance * value for chance, value in outcomes)
    assert solution["mean"].value.value == mean == x  # type: ignore[union-attr]
    assert solution["variance"].value.value == sum(c * (v - mean) ** 2 for c, v in outcomes)  # type: ignore[union-attr]


@given(CHANCE, st.integers(1, 6), st.integers(1, 6))
def test_the_counts_are_those_of_all_masks(p: Fraction, n: int, steps: int) -> None:
    found = dropout(keep=p, units=n, iterations=steps)
    masks = [(sum(bits), math.prod(p if bit else 1 - p for bit in bits)) for bits in product((0, 1), repeat=n)]
    mean = sum(k * chance for k, chance in masks)
    assert found["subnetworks"].value.value == len(masks)  # type: ignore[union-attr]
    assert found["expected_kept"].value.value == mean  # type: ignore[union-attr]
    assert found["kept_variance"].value.value == sum((k - mean) ** 2 * c for k, c in masks)  # type: ignore[union-attr]
    assert found["all_dropped"].value.value == next(c for k, c in masks if k == 0)  # type: ignore[union-attr]
    used = sum(math.prod(p if bit else 1 - p for bit in bits) for bits in product((0, 1), repeat=steps) if any(bits))
    assert found["included"].value.value == used  # type: ignore[union-attr]


@given(CHANCE, st.lists(st.tuples(SMALL, st.integers(0, 1), SMALL), min_size=1, max_size=5))
def test_a_mask_forward_and_back(p: Fraction, units: list[tuple[Fraction, int, Fraction]]) -> None:
    x, mask, g = zip(*units, strict=True)
    found = dropout(keep=p, x=list(x), mask=list(mask), upstream=list(g))
    assert [float(v) for v in np.ravel(found["output"].computed)] == pytest.approx(
        [float(m * v / p) for m, v in zip(mask, x, strict=True)]
    )
    assert [float(v) for v in np.ravel(found["gradient"].computed)] == pytest.approx(
        [float(m * v / p) for m, v in zip(mask, g, strict=True)]
    )


def test_the_weights_of_a_dropped_unit_get_the_gradient_0() -> None:
    found = dropout(keep="0.5", mask="1,0,1", x="1,2", upstream="1,1,2", weights="1,2;3,4;5,6")
    assert found["weight_gradient"].computed == [[2, 4], [0, 0], [4, 8]]
    assert found["gradient"].computed == [22, 28]
    assert any("rows 2" in note for note in found.notes)
    assert holds(found)


def test_classic_dropout_does_not_divide() -> None:
    found = dropout(keep="0.25", scaling="classic", mask="1,0", x="4,4", upstream="1,1")
    assert (found["output"].computed, found["gradient"].computed) == ([4, 0], [1, 0])


def test_letters_pass_through_a_mask() -> None:
    found = dropout(keep="p", mask="1,0", x="a,b", upstream="c,d")
    assert (found["output"].text, found["gradient"].text) == ("a/p,0", "c/p,0")
    assert holds(found)


ORDER = [("relu", "no"), ("leaky-relu", "no"), ("linear", "no"), ("abs", "no")] + [
    (name, "yes") for name in ("sigmoid", "tanh", "elu", "gelu", "silu", "softplus")
]


@pytest.mark.parametrize(("name", "expected"), ORDER)
@pytest.mark.parametrize("scaling", ["inverted", "classic"])
def test_the_order_matters_unless_a_factor_passes(name: str, expected: str, scaling: str) -> None:
    found = dropout(activation=name, scaling=scaling)
    assert found["order_matters"].text == expected
    assert holds(found)


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh"])
def test_the_average_is_that_over_all_masks(name: str) -> None:
    functions: dict[str, Callable[[float], float]] = {
        "linear": float,
        "relu": lambda z: max(z, 0.0),
        "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
        "tanh": math.tanh,
    }
    f, w, x = functions[name], (1.0, -2.0, 0.5), (1.0, 2.0, 3.0)
    found = dropout(keep="0.5", x="1,2,3", weights="1,-2,0.5", bias="1", activation=name)
    outputs = [
        f(1 + sum(m * a * b / 0.5 for m, a, b in zip(bits, w, x, strict=True))) for bits in product((0, 1), repeat=3)
    ]
    assert found["average"].computed == pytest.approx(sum(outputs) / 8)
    assert found["test_pass"].computed == pytest.approx(f(1 + sum(a * b for a, b in zip(w, x, strict=True))))
    assert found["average_equals_test"].text == ("yes" if name == "linear" else "no")
    assert holds(found)


SLIPS = [
    ({"keep": "0.8", "x": "2"}, "mean=1.6", "without the division"),
    ({"keep": "0.8", "x": "2"}, "variance=0.64", "1/p² is missing"),
    ({"keep": "0.8", "x": "2"}, "mean=0.4", "the drop probability for the keep probability"),
    ({"keep": "p"}, "test=p*x", "nothing is left to do"),
    ({"keep": "p"}, "train=mask*x", "the division by the keep probability is missing"),
    ({"keep": "0.5", "units": "4"}, "subnetworks=8", "the choices multiply"),
    ({"keep": "0.5", "iterations": "10"}, "included=1/1024", "dropped in every step"),
    ({"keep": "0.9", "iterations": "2"}, "included=0.19", "dropped at least once"),
    ({"activation": "sigmoid"}, "order_matters=no", "does not let a factor through"),
    ({"activation": "relu"}, "average_equals_test=yes", "not linear"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=lambda part: str(part)[:30])
def test_slips_are_explained(givens: dict[str, str], answer: str, because: str) -> None:
    mark = judge(givens, answer)
    assert mark.correct is False
    assert because in mark.because


REFUSED = [
    ({"keep": "0"}, "inverted dropout divides by it"),
    ({"keep": "1.5"}, "no probability"),
    ({"drop": "-0.1"}, "no probability"),
    ({"keep": "0.5", "drop": "0.4"}, "both given"),
    ({"mask": "1,2"}, "which is not 0 or 1"),
    ({"mask": "1,a"}, "which is not 0 or 1"),
    ({"mask": "1,0;0,1"}, "has rows"),
    ({"mask": "1,0", "x": "1,2,3"}, "3 entries, but the mask has 2"),
    ({"mask": "1,0", "upstream": "1"}, "1 entries, but the mask has 2"),
    ({"mask": "1,0", "units": "2"}, "--units is about random masks"),
    ({"upstream": "1"}, "needs a mask"),
    ({"weights": "1,2"}, "need a mask or an activation"),
    ({"mask": "1,0", "weights": "1,2"}, "--weights is a list"),
    ({"keep": "p", "mask": "1", "x": "1,2", "weights": "1,2;"}, ""),
    ({"activation": "relu", "x": "a,b"}, "is no number"),
    ({"activation": "relu", "x": "1,2", "weights": "1"}, "2 units, but --weights has 1"),
    ({"activation": "relu", "x": ",".join("1" * 11)}, "2048 masks"),
    ({"activation": "selu"}, "did you mean elu?"),
    ({"units": "0"}, "less than 1"),
    ({"iterations": "2.5"}, "not a whole number"),
]


@pytest.mark.parametrize(("givens", "condition"), REFUSED, ids=lambda part: str(part)[:30])
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        dropout(**givens)
    assert condition in str(refused.value)


DEGENERATE = [
    {"keep": "1"},
    {"keep": "1", "activation": "sigmoid"},
    {"keep": "0", "scaling": "classic"},
    {"keep": "1", "iterations": "3", "units": "2"},
    {"keep": "0.5", "x": "0"},
    {"keep": "0.5", "mask": "0,0", "x": "1,2", "upstream": "1,1"},
    {"keep": "0.3", "units": "100000", "iterations": "100000"},
    {"keep": "0.5", "x": "1,2;3,4"},
]


@pytest.mark.parametrize("givens", DEGENERATE, ids=str)
def test_degenerate_givens_are_answered(givens: dict[str, str]) -> None:
    solution = dropout(**givens)
    assert solution.holds


def test_json_has_numbers(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc("dropout", "--keep", "0.5", "--iterations", "10", "--json")
    answers = {a["name"]: a["value"] for a in json.loads(done.stdout)["answers"]}
    assert answers["included"] == 1023 / 1024
