"""l1-update: the soft threshold against a search, the subgradient step, and who gives exact zeros."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, l1_update, marked
from dlcalc.topics.l1_update.rates import soft

A = st.fractions(-4, 4, max_denominator=4)
RATE = st.fractions(0, 2, max_denominator=4)


def numbers(value: Any) -> Any:  # noqa: ANN401 (nested lists of fractions)
    return [numbers(v) for v in value] if isinstance(value, tuple) else value.value


@given(A, RATE)
def test_the_minima_beat_every_point_of_a_grid(a: Fraction, lam: Fraction) -> None:
    found = l1_update(target=a, decay=lam)
    grid = np.linspace(-5, 5, 2001)
    for name, penalty in (("l1_minimum", np.abs), ("l2_minimum", lambda w: w**2 / 2)):
        at = float(numbers(found[name].value))
        losses = (grid - float(a)) ** 2 / 2 + float(lam) * penalty(grid)
        assert (at - float(a)) ** 2 / 2 + float(lam) * penalty(at) <= losses.min() + 1e-12
    assert (numbers(found["l1_minimum"].value) == 0) == (abs(a) <= lam)
    assert (numbers(found["l2_minimum"].value) == 0) == (a == 0)


@given(st.lists(st.tuples(A, A), min_size=1, max_size=4), RATE, RATE)
def test_one_step_of_either_kind(pairs: list[tuple[Fraction, Fraction]], lr: Fraction, lam: Fraction) -> None:
    weights, gradient = zip(*pairs, strict=True)
    found = l1_update(weights=list(weights), gradient=list(gradient), lr=lr, decay=lam)
    signs = [int(np.sign(float(w))) for w in weights]
    assert numbers(found["subgradient"].value) == [
        w - lr * (g + lam * s) for w, g, s in zip(weights, gradient, signs, strict=True)
    ]
    moved = [w - lr * g for w, g in pairs]
    assert numbers(found["proximal"].value) == [(1 if v > 0 else -1) * max(abs(v) - lr * lam, 0) for v in moved]


CASES: list[dict[str, str]] = [
    {},
    {"weights": "1,-2,0", "gradient": "0.5,0.5,0", "lr": "0.1", "decay": "0.1"},
    {"target": "a", "decay": "lambda"},
    {"target": "2,0.3,-1", "decay": "0.5", "l2": "0.5"},
    {"target": "a", "l2": "mu"},
    {"target": "0.3", "weights": "1", "decay": "0.5", "lr": "0.1"},
    {"target": "0", "decay": "0.5"},
    {"target": "2", "decay": "0"},
    {"target": "0.5", "decay": "0.5"},
    {"weights": "0", "gradient": "0"},
    {"weights": "a,b", "lr": "0.1"},
    {"weights": "w", "decay": "0"},
    {"weights": "w", "lr": "0", "l2": "1"},
    {"target": "eta", "decay": "a"},
]


@pytest.mark.parametrize("givens", CASES, ids=str)
def test_every_line_holds(givens: dict[str, str]) -> None:
    solution = l1_update(**givens)
    failed = [str(step.before) for step in solution.steps if step.check is None or not step.check.holds]
    assert failed == []
    assert all(check.holds for check in solution.checks)


def test_who_gives_exact_zeros() -> None:
    found = l1_update(target="a")
    assert (found["l1_exact_zeros"].text, found["l2_exact_zeros"].text) == ("yes", "no")
    assert l1_update(target="a", decay="0")["l1_exact_zeros"].text == "no"


def test_plain_subgradient_descent_hovers() -> None:
    from dlcalc.topics.l1_update import minimum

    assert minimum._hovers([0.3], 0.5, 0.1).run(0) == (0.0, 0.0)  # noqa: SLF001 (the demonstration itself)


SLIPS = [
    ({"target": "a"}, "l2_minimum=a/(1+2lambda)", "that is for the penalty λ·w²"),
    ({"target": "a"}, "l1_minimum=a-lambda", "the sign of a is missing"),
    ({"target": "a"}, "l2_exact_zeros=yes", "exactly 0 only for a = 0"),
    ({}, "subgradient=w - eta*(g + lambda*w)", "that is the L2 step"),
    ({}, "subgradient=w - eta*g", "the penalty is missing"),
    ({}, "proximal=sign(w-eta*g)*max(abs(w-eta*g)-lambda,0)", "the threshold is ηλ"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=lambda part: str(part)[:30])
def test_slips_are_explained(givens: dict[str, str], answer: str, because: str) -> None:
    mark = marked(l1_update(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


REFUSED = [
    ({"decay": "-1"}, "less than 0"),
    ({"lr": "-1"}, "less than 0"),
    ({"weights": "1,2", "gradient": "1"}, "1 entries, but there are 2 weights"),
    ({"weights": "1,2;3,4", "gradient": "1,2;3,4"}, "has rows"),
    ({"target": "1,2", "weights": "1"}, "different lengths"),
    ({"target": "1,2;3,4"}, "no list of at most"),
]


@pytest.mark.parametrize(("givens", "condition"), REFUSED, ids=lambda part: str(part)[:30])
def test_impossible_givens_are_refused(givens: dict[str, str], condition: str) -> None:
    with pytest.raises(DlcalcError, match=condition):
        l1_update(**givens)


def test_soft_threshold_in_letters_is_that_in_numbers() -> None:
    from dlcalc.notation.evaluate import PLAIN
    from dlcalc.notation.expression import Sym, number

    written = soft(Sym("v"), Sym("t"))
    for v in (-2, -1, 0, 1, 2):
        assert PLAIN.value(written, {"v": Fraction(v), "t": Fraction(1)}) == numbers(soft(number(v), number(1)))
