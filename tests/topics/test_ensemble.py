"""ensemble: votes by enumeration, averages by the quadratic form, and what students make of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, ensemble, marked

UNIT = st.fractions(0, 1, max_denominator=20)


def wrong(errors: list[Fraction], tie: Fraction) -> Fraction:
    """Enumerate all outcomes."""
    total = Fraction(0)
    for outcome in product((0, 1), repeat=len(errors)):
        chance = prod((e if o else 1 - e for e, o in zip(errors, outcome, strict=True)), start=Fraction(1))
        total += chance * (1 if 2 * sum(outcome) > len(errors) else tie if 2 * sum(outcome) == len(errors) else 0)
    return total


TIES = {"coin": Fraction(1, 2), "error": Fraction(1), "correct": Fraction(0)}


@given(st.integers(1, 9), UNIT, st.sampled_from(sorted(TIES)))
def test_voters_that_are_alike(k: int, e: Fraction, ties: str) -> None:
    assert ensemble(voters=k, error=e, ties=ties).value == pytest.approx(float(wrong([e] * k, TIES[ties])), abs=1e-12)


@given(st.lists(UNIT, min_size=2, max_size=6), st.sampled_from(sorted(TIES)))
def test_voters_that_differ(errors: list[Fraction], ties: str) -> None:
    solution = ensemble(error=errors, ties=ties)
    assert solution.value == pytest.approx(float(wrong(errors, TIES[ties])), abs=1e-12)
    assert solution["improves"].text == ("yes" if wrong(errors, TIES[ties]) < min(errors) else "no")


@given(st.integers(1, 8), st.fractions(0, 3, max_denominator=8), st.fractions(0, 1, max_denominator=8))
def test_averages_are_a_quadratic_form(k: int, v: Fraction, rho: Fraction) -> None:
    covariances = np.full((k, k), float(v * rho)) + float(v - v * rho) * np.eye(k)
    found = ensemble(models=k, variance=v, correlation=rho)
    assert found.value == pytest.approx(covariances.sum() / k**2)
    assert found["limit"].computed == pytest.approx(float(v * rho))
    assert ensemble(models=k, variance=v, covariance=v * rho).value == pytest.approx(found.value)


CHECKED = [
    ({"voters": 3, "error": "e"}, "error", "3*e^2 - 2*e^3"),
    ({"voters": 5, "error": "e"}, "error", "10*e^3 - 15*e^4 + 6*e^5"),
    ({"voters": 4, "error": "e"}, "error", "3*e^2 - 2*e^3"),
    ({"voters": 2, "error": "e", "ties": "error"}, "error", "2*e - e^2"),
    ({"voters": 2, "error": "e", "ties": "correct"}, "error", "e^2"),
    ({"voters": 1, "error": "e"}, "error", "e"),
    ({"voters": 3, "error": 0}, "error", "0"),
    ({"voters": 3, "error": 1}, "error", "1"),
    ({"voters": 3, "error": "1/2"}, "improves", "no"),
    ({"voters": 3, "error": "0.6"}, "improves", "no"),
    ({"voters": 3, "accuracy": "0.9"}, "accuracy", "0.972"),
    ({"voters": 3, "accuracy": "a"}, "improves_below", "0.5"),
    ({"error": "e"}, "improves_below", "0.5"),
    ({"voters": 31, "error": "e"}, "improves_below", "0.5"),
    ({"error": "a,b,c"}, "accuracy", None),
    ({"error": "0.1,0.4,0.4"}, "improves", "no"),
    ({"error": "0.5,0.5"}, "error", "0.5"),
    ({"variance": "v"}, "mse", "v/k"),
    ({"models": "k", "variance": "v", "correlation": "rho"}, "limit", "rho*v"),
    ({"models": 3, "variance": 2, "covariance": 2}, "improves", "no"),
    ({"models": 3, "variance": 2, "covariance": -1}, "mse", "0"),
    ({"models": 1, "variance": 2, "covariance": 1}, "gain", "0"),
    ({"models": 2, "variance": 0}, "mse", "0"),
    ({"models": 101, "error": "0.4"}, "improves", "yes"),
]


@pytest.mark.parametrize(("givens", "name", "text"), CHECKED, ids=lambda part: str(part)[:50])
def test_every_line_and_route_holds(givens: dict[str, object], name: str, text: str | None) -> None:
    solution = ensemble(**givens)
    assert solution.holds, [(s.rule, s.check) for s in solution.steps if s.check and not s.check.holds]
    assert text in {None, solution[name].text}


def test_large_votes_are_summed() -> None:
    found = ensemble(models=1001, error="0.4").value
    assert found == pytest.approx(8.079798362e-11)


ERRORS = [
    ({}, "nothing is known about the models", "--error e"),
    ({"error": "1.2", "voters": 3}, "--error 1.2 is no probability", "between 0 and 1"),
    ({"error": "-0.1,0.2"}, "--error -0.1 is no probability", "between 0 and 1"),
    ({"error": "0.1", "accuracy": "0.9"}, "--error and --accuracy", "give one"),
    ({"error": "0.1", "variance": 1}, "of classifiers", "leave one"),
    ({"error": "0.1,0.2", "voters": 3}, "there are 2 errors, but --models is 3", "leave out --models"),
    ({"error": "0.1", "voters": 5000}, "too many", "1001 or fewer"),
    ({"error": "e", "voters": 500}, "too many", "101 or fewer"),
    ({"error": "j", "voters": 3}, "j counts the errors", "another letter"),
    ({"error": "a,b,c,d,f,g,h,o"}, "2^8 outcomes", "give 7 or fewer"),
    ({"error": "0.1;0.2"}, "2 rows", "one list"),
    ({"voters": "2k", "error": "0.1"}, "neither a number nor a letter", "letter k"),
    ({"voters": 0, "error": "0.1"}, "models 0 is less than 1", "use 1"),
    ({"models": 3, "variance": 1, "covariance": 2}, "of a difference of two errors", "between -1 and 1"),
    ({"models": 3, "variance": 1, "covariance": -2}, "of a sum of two errors", "between -1 and 1"),
    ({"models": 3, "variance": 1, "correlation": "-0.8"}, "the variance of their sum", "-1/2" ),
    ({"models": 3, "variance": 1, "correlation": "0.1", "covariance": 0}, "c = ρ·v", "give one"),
    ({"variance": -1}, "variance -1 is less than 0", "use 0"),
    ({"error": "0.1", "voters": 3, "ties": "fair"}, "--ties fair is not known", "coin"),
]  # fmt: skip


@pytest.mark.parametrize(("givens", "condition", "fix"), ERRORS, ids=lambda part: str(part)[:40])
def test_refuses(givens: dict[str, object], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        ensemble(**givens)
    assert condition in str(refused.value)
    assert fix.replace("-1/2", "-0.5") in str(refused.value)


SLIPS = [
    ({"voters": 3, "error": "e"}, "e^3", "that all voters err"),
    ({"voters": 3, "error": "e"}, "3e^2 (1-e)", "that exactly 2 err"),
    ({"voters": 3, "error": "e"}, "e^2", "that 2 certain voters err"),
    ({"voters": 3, "error": "e"}, "e/3", "do not average out"),
    ({"voters": 3, "error": "e"}, "improves_below=1", "above 1/2 the vote is worse"),
    ({"voters": 5, "error": "0.3"}, "error=0.83692", "the vote is right"),
    ({"voters": 3, "error": "0.6"}, "improves=yes", "the vote with 0.648"),
    ({"variance": "v", "covariance": "c"}, "v/k", "the covariances are missing"),
    ({"variance": "v", "covariance": "c"}, "v/k + c", "k - 1 covariances"),
    ({"variance": "v", "covariance": "c"}, "limit=0", "what they share stays"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=str)
def test_explains(givens: dict[str, object], answer: str, because: str) -> None:
    mark = marked(ensemble(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because
