"""input-noise: the expected loss over every outcome of two-point noise, and dropout on the inputs."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, input_noise, marked

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from conftest import Run

SMALL = st.fractions(-2, 2, max_denominator=4)


@given(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=4), SMALL, SMALL, st.fractions(0, 2, max_denominator=4))
def test_the_expected_loss_is_the_average_over_noise(
    pairs: list[tuple[Fraction, Fraction]], phi0: Fraction, phi1: Fraction, sd: Fraction
) -> None:
    x, y = zip(*pairs, strict=True)
    found = input_noise(x=list(x), y=list(y), phi0=phi0, phi1=phi1, sd=sd)
    outcomes = [
        sum((phi0 + phi1 * (a + n) - b) ** 2 for a, b, n in zip(x, y, noise, strict=True))
        for noise in product((-sd, sd), repeat=len(x))
    ]
    assert found["expected_loss"].value.value == sum(outcomes) / len(outcomes)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("givens", "expected"),
    [
        ({}, "L + I*s^2*phi1^2"),
        ({"reduction": "mean"}, "L + s^2*phi1^2"),
        ({"sd": "0.5", "phi1": "2", "examples": "10"}, "L + 10"),
        ({"variance": "v"}, "L + I*v*phi1^2"),
        ({"kind": "dropout", "keep": "0.5", "x": "1,2", "y": "0,0", "phi0": "0", "phi1": "1"}, "10"),
        ({"sd": "0", "examples": "3"}, "L"),
    ],
    ids=str,
)
def test_answers_and_lines(givens: dict[str, str], expected: str) -> None:
    found = input_noise(**givens)
    assert found["expected_loss"].text == expected
    assert found.holds


@pytest.mark.parametrize(
    "givens",
    [
        {"kind": "dropout"},
        {"kind": "dropout", "keep": "0.5", "examples": "1000", "reduction": "mean"},
        {"examples": "5000"},
        {"x": ",".join("1" * 30), "y": ",".join("2" * 30)},
        {"kind": "dropout", "keep": "1"},
        {"x": "a", "y": "b"},
    ],
    ids=str,
)
def test_every_line_holds(givens: dict[str, str]) -> None:
    assert input_noise(**givens).holds


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        ("L", "does not average out"),
        ("L + s^2*phi1^2", "the examples add up"),
        ("L + I*s*phi1^2", "s², not s"),
        ("L + I*s^2*phi1", "squared"),
    ],
)
def test_slips_are_explained(answer: str, because: str) -> None:
    mark = marked(input_noise(), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_a_seed_gives_the_same_screen_in_every_process(dlcalc: Callable[..., Run]) -> None:
    first, second = (dlcalc("input-noise", PYTHONHASHSEED=order).stdout for order in ("1", "2"))
    assert first == second


@pytest.mark.parametrize(
    ("givens", "condition"),
    [
        ({"sd": "-1"}, "less than 0"),
        ({"sd": "1", "variance": "1"}, "both given"),
        ({"keep": "0.5"}, "belongs to dropout"),
        ({"kind": "dropout", "sd": "1"}, "variance of its own"),
        ({"kind": "dropout", "keep": "0"}, "not above 0"),
        ({"x": "1,2", "y": "1"}, "2 entries and --y 1"),
        ({"x": "1", "y": "1", "examples": "2"}, "but --x has 1"),
        ({"x": "1,2;3,4", "y": "1,2"}, "has rows"),
        ({"phi1": "x"}, "meaning of its own"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError, match=condition):
        input_noise(**givens)
