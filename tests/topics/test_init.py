"""Initialisation: known variances, schemes against PyTorch's rules, factors against matrices, verdicts, refusals."""

from __future__ import annotations

import json
from fractions import Fraction
from math import isclose, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import run_dlcalc
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, init, marked
from dlcalc.notation.printing import latex, unicode
from dlcalc.topics.init.wide import drawn, powers_of_sech, settled

if TYPE_CHECKING:
    from dlcalc.solution import Solution


def texts(solution: Solution) -> dict[str, str]:
    return {answer.name: answer.text for answer in solution.answers}


KEPT: list[tuple[str, dict[str, Any], str, str]] = [
    ("Var(s)", {}, "Var_s", "n*Var_w*Var_x"),
    ("Var(w)", {}, "Var_w", "1/n"),
    ("He", {}, "He", "2/n"),
    ("leaky ReLU", {"negative_slope": "a"}, "leaky", "2/(n*(1 + a^2))"),
    ("leaky ReLU in numbers", {"negative_slope": "0.2", "fan_in": 100}, "leaky", "1/52"),
    ("inputs with a mean", {"mean_x": "mu"}, "Var_s", "n*Var_w*(Var_x + mu^2)"),
    ("numbers", {"fan_in": 512, "var_w": "0.5", "var_x": 3, "mean_x": 2}, "Var_s", "1792"),
    ("one input", {"fan_in": 1}, "He", "2"),
    ("uncorrelated", {"residual": True}, "Var_sum", "Var_x + Var_y"),
    ("correlated", {"var_x": 1, "var_y": 4, "cov": "1/2"}, "Var_sum", "6"),
    ("opposite", {"var_x": 1, "var_y": 1, "cov": -1}, "Var_sum", "0"),
    ("identical", {"residual": True, "var_x": "V"}, "identical", "4*V"),
    ("equal branches", {"var_x": "V", "var_y": "V"}, "Var_sum", "2*V"),
    ("scaled back", {"var_x": 1, "var_y": 3}, "scale", "0.5"),
]


@pytest.mark.parametrize(("givens", "name", "expected"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_variances_of_sums(givens: dict[str, Any], name: str, expected: str) -> None:
    found = init(**givens)
    assert found[name].text == expected
    assert found.holds


SCHEMES: list[tuple[str, dict[str, Any], str, str]] = [
    ("He", {"scheme": "he", "fan_in": 512}, "std", "0.0625"),
    ("He of a convolution", {"scheme": "kaiming", "kernel": 3, "in_channels": "C1"}, "variance", "2/(9*C1)"),
    ("He, backward", {"scheme": "he", "fan_out": 8, "mode": "fan_out"}, "variance", "0.25"),
    ("He, 3 × 5", {"scheme": "he", "kernel": "3x5", "in_channels": 2}, "variance", "1/15"),
    ("He, groups", {"scheme": "he", "kernel": 3, "in_channels": 8, "groups": 4}, "variance", "1/9"),
    ("He, leaky", {"scheme": "he", "fan_in": 100, "negative_slope": "0.2"}, "variance", "1/52"),
    ("He, linear", {"scheme": "he", "fan_in": 100, "nonlinearity": "linear"}, "variance", "0.01"),
    ("He, a gain", {"scheme": "he", "fan_in": 100, "gain": "sqrt(2)"}, "variance", "0.02"),
    ("Xavier", {"scheme": "xavier", "fan_in": "n", "fan_out": "m"}, "variance", "2/(n + m)"),
    ("Xavier, bound", {"scheme": "glorot", "fan_in": "n", "fan_out": "m"}, "bound", "sqrt(6/(n + m))"),
    ("Xavier, bound in numbers", {"scheme": "glorot", "fan_in": 4, "fan_out": 2}, "bound", "1"),
    ("Xavier for tanh", {"scheme": "xavier", "fan_in": 9, "fan_out": 9, "nonlinearity": "tanh"}, "variance", "25/81"),
    ("Xavier for ReLU", {"scheme": "xavier", "fan_in": 9, "fan_out": 9, "nonlinearity": "relu"}, "variance", "2/9"),
    ("LeCun", {"scheme": "lecun", "fan_in": 100}, "std", "0.1"),
    ("nn.Linear", {"scheme": "pytorch", "fan_in": 100}, "bound", "0.1"),
    ("layers", {"scheme": "xavier", "layers": "784,100,10"}, "variance", "1/442,1/55"),
    ("layers in letters", {"scheme": "he", "layers": "n,m,1"}, "variance", "2/n,2/m"),
]


@pytest.mark.parametrize(("givens", "name", "expected"), [row[1:] for row in SCHEMES], ids=[row[0] for row in SCHEMES])
def test_schemes(givens: dict[str, Any], name: str, expected: str) -> None:
    found = init(**givens)
    assert found[name].text == expected
    assert found.holds


FIRST = [(None, "variance"), ("normal", "std"), ("uniform", "bound")]


@pytest.mark.parametrize(("distribution", "name"), FIRST, ids=[row[1] for row in FIRST])
def test_a_distribution_says_what_is_asked_first(distribution: str | None, name: str) -> None:
    assert init(scheme="he", fan_in=3, distribution=distribution).principal == (name,)


def test_a_table_has_a_row_per_layer() -> None:
    (table,) = init(scheme="xavier", layers="784,100,10").tables
    assert [record["fan_in"] for record in table.records()] == [784, 100]
    assert [round(record["variance"], 6) for record in table.records()] == [0.002262, 0.018182]


@given(n=st.integers(1, 10**6), m=st.integers(1, 10**6))
def test_a_uniform_distribution_has_the_variance_of_the_normal_one(n: int, m: int) -> None:
    found = init(scheme="xavier", fan_in=n, fan_out=m)
    assert isclose(float(str(found["bound"].computed)) ** 2 / 3, float(str(found["variance"].computed)))
    assert found["variance"].text == init(scheme="xavier", fan_in=m, fan_out=n)["variance"].text


@given(n=st.integers(1, 10**4))
def test_he_halves_out(n: int) -> None:
    """The weights of He have the factor 1 for ReLU, those of LeCun for linear units."""
    he = init(var_w=Fraction(2, n), depth=3, fan_in=n, nonlinearity="relu")
    assert (he["forward"].text, he["backward_total"].text, he["gradients"].text) == ("1", "1", "keep")
    assert init(var_w=Fraction(1, n), depth=3, fan_in=n)["forward_total"].text == "1"


FACTORS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("letters", {"std": "s", "fan_in": "n"}, {"forward": "s*sqrt(n)", "backward": "s*sqrt(n)"}),
    ("ReLU", {"std": "s", "fan_in": "n", "nonlinearity": "relu"}, {"forward": "s*sqrt(n/2)"}),
    ("leaky", {"std": 1, "fan_in": 50, "negative_slope": "0.2"}, {"forward": "sqrt(26)"}),
    ("fan-out", {"std": 1, "fan_in": 4, "fan_out": 9}, {"forward": "2", "backward": "3"}),
    ("small tanh", {"std": "0.01", "fan_in": 500, "depth": 10, "nonlinearity": "tanh"},
     {"forward": "sqrt(0.05)", "forward_total": "0.0000003125", "activations": "vanish", "gradients": "vanish"}),
    ("He", {"std": "sqrt(2/n)", "fan_in": "n", "nonlinearity": "relu"}, {"forward": "1", "activations": "keep"}),
    ("Xavier and ReLU", {"std": "sqrt(1/n)", "fan_in": 64, "nonlinearity": "relu", "depth": 2},
     {"forward": "sqrt(0.5)", "forward_total": "0.5", "gradients": "vanish"}),
    ("large ReLU", {"std": 1, "fan_in": 512, "nonlinearity": "relu"}, {"forward": "16", "gradients": "explode"}),
    ("large tanh", {"std": 1, "fan_in": 500, "nonlinearity": "tanh"},
     {"activations": "keep", "gradients": "explode", "chain": "vanish"}),
    ("sigmoid", {"std": "0.1", "fan_in": 100, "nonlinearity": "sigmoid", "depth": 5},
     {"backward": "0.25", "backward_total": "0.0009765625", "activations": "keep", "gradients": "vanish"}),
    ("no weights", {"std": 0, "fan_in": 10, "depth": 2}, {"forward": "0", "activations": "vanish"}),
    ("one layer wider than the next", {"std": "0.1", "fan_in": 100, "fan_out": 50},
     {"activations": "keep", "gradients": "vanish"}),
    ("growing tanh layers", {"std": "0.1", "fan_in": 50, "fan_out": 200, "nonlinearity": "tanh"},
     {"activations": "vanish", "gradients": "explode"}),
]  # fmt: skip


@pytest.mark.parametrize(("givens", "expected"), [row[1:] for row in FACTORS], ids=[row[0] for row in FACTORS])
def test_factors_per_layer(givens: dict[str, Any], expected: dict[str, str]) -> None:
    found = init(**givens)
    assert {name: texts(found)[name] for name in expected} == expected
    assert found.holds


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("units", ["tanh", "sigmoid"])
@pytest.mark.parametrize("scale", [Fraction(1, 5), Fraction(1), Fraction(8)])
def test_the_checks_hold_for_any_seed(units: str, scale: Fraction, seed: int) -> None:
    from dataclasses import replace

    assert replace(init(std=scale / 12, fan_in=144, nonlinearity=units), seed=seed).holds


@pytest.mark.parametrize("givens", [{"std": 100, "fan_in": 100}, {"std": 2, "fan_in": 1}], ids=["huge", "narrow"])
def test_gives_no_verdict_where_too_few_units_are_unsaturated(givens: dict[str, Any]) -> None:
    found = init(**givens, nonlinearity="tanh")
    assert "gradients" not in texts(found)
    assert any("no verdict" in note for note in found.notes)


@pytest.mark.parametrize(("std", "said"), [("0.01", False), ("0.2", True)])
def test_wide_networks_are_spoken_of_where_they_are_answered(std: str, *, said: bool) -> None:
    found = init(std=std, fan_in=500, depth=10, nonlinearity="tanh")
    assert any("wide_activation" in convention for convention in found.conventions) is said
    assert any(answer.name == "wide_activation" for answer in found.answers) is said


def test_nothing_is_said_of_letters_that_leave_it_open() -> None:
    assert "activations" not in texts(init(std="s", fan_in="n"))


# wide networks


def whole(units: str, sigma: float, width: int, depth: int, seed: int) -> tuple[float, float]:
    """Draw a network with all its weights; return the share of flat slopes and the factor of the gradients."""
    generator = np.random.default_rng(seed)
    h, weights, sums = generator.standard_normal(width), [], []
    for _ in range(depth):
        weights.append(generator.standard_normal((width, width)) * sigma)
        sums.append(weights[-1] @ h)
        h = np.tanh(sums[-1]) if units == "tanh" else 1 / (1 + np.exp(-sums[-1]))
    slopes = [1 - np.tanh(z) ** 2 if units == "tanh" else np.exp(-z) / (1 + np.exp(-z)) ** 2 for z in sums]
    gradient = generator.standard_normal((width, 16))
    start = np.linalg.norm(gradient)
    for w, slope in zip(weights[:0:-1], slopes[:0:-1], strict=True):
        gradient = w.T @ (gradient * slope[:, None])
    return float((slopes[-1] < 1e-3).mean()), float((np.linalg.norm(gradient) / start) ** (1 / (depth - 1)))


@pytest.mark.parametrize(("units", "scale"), [("tanh", 8.0), ("tanh", 0.3), ("tanh", 2.0), ("sigmoid", 20.0)])
def test_layers_drawn_unit_by_unit_are_like_whole_matrices(units: str, scale: float) -> None:
    width, depth = 600, 8
    sigma = scale / sqrt(width)
    seen = drawn(units, 0.0, sigma, width, depth)
    flat, factor = whole(units, sigma, width, depth, 7)
    assert abs(seen[-1].flat - flat) < 0.07
    assert isclose((seen[1].gradients / seen[-1].gradients) ** (1 / (depth - 2)), factor, rel_tol=0.12)


def test_the_means_of_powers_of_sech() -> None:
    z = np.linspace(-12, 12, 200_001)
    weight = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    for q in (1e-6, 0.3, 1.0, 500.0, 1e6):
        sech2 = 1 - np.tanh(sqrt(q) * z) ** 2
        expected = [float((weight * sech2).sum()), float((weight * sech2**2).sum())]
        assert powers_of_sech(q) == pytest.approx(expected, rel=1e-6)


def test_large_weights_approach_the_formula() -> None:
    assert settled("tanh", 1e8, 1e8).backward == pytest.approx(sqrt(4 / (3 * sqrt(2 * np.pi)) * 1e4), rel=1e-3)


# marking

MARKED: list[tuple[str, dict[str, Any], str, bool, str]] = [
    ("as on paper", {}, "Var(s) = n Var(w) Var(x)", True, ""),
    ("with a mean", {"mean_x": "m"}, "Var_s = n Var(w) (Var(x) + E[x]^2)", True, ""),
    ("the mean forgotten", {"mean_x": "m"}, "Var_s = n Var(w) Var(x)", False, "m²"),
    ("one term", {}, "Var(w) Var(x)", False, "that is one term; there are n of them"),
    ("n squared", {}, "n^2 Var(w) Var(x)", False, "every term counts once"),
    ("the other scheme", {}, "He = 1/n", False, "ReLU halves E(z²)"),
    ("the deviation", {}, "Var_w = 1/sqrt(n)", False, "that is the standard deviation"),
    ("branches alike", {"residual": True}, "4Var(x)", False, "identical branches"),
    ("no covariance", {"cov": "c"}, "Var(x) + Var(y)", False, "leaves the covariance out"),
    ("covariance once", {"cov": "c"}, "Var(x) + Var(y) + c", False, "counts twice"),
    ("He's deviation", {"scheme": "he", "fan_in": 512}, "std = 0.0625", True, ""),
    ("variance for deviation", {"scheme": "he", "fan_in": 512}, "std = 1/256", False, "standard deviation is its root"),
    ("fan-out for fan-in", {"scheme": "he", "kernel": 3, "in_channels": "C", "out_channels": "D"}, "2/(9D)", False,
     "that is the other fan; fan_in is asked"),
    ("sum for mean of fans", {"scheme": "xavier", "fan_in": "n", "fan_out": "m"}, "1/(n + m)", False, "a factor 2"),
    ("ReLU forgotten", {"std": "s", "fan_in": "n", "nonlinearity": "relu"}, "s sqrt(n)", False, "for linear units"),
    ("the variance's factor", {"std": "s", "fan_in": "n"}, "s^2 n", False, "that is the factor of the variance"),
    ("rounded", {"std": "0.01", "fan_in": 500}, "0.2236", True, ""),
    ("vanishing", {"std": 1, "fan_in": 500, "nonlinearity": "tanh"}, "gradients = vanish", False, "above 1"),
    ("one unit", {"std": 1, "fan_in": 500, "nonlinearity": "tanh"}, "dh/dx = w (1 - tanh(w x)^2)", True, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("givens", "answer", "correct", "because"), [row[1:] for row in MARKED], ids=[row[0] for row in MARKED]
)
def test_marks_answers(givens: dict[str, Any], answer: str, *, correct: bool, because: str) -> None:
    (mark,) = marked(init(**givens), [answer]).marks
    assert mark.correct is correct
    assert because in mark.because


# what cannot be answered

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no width", {"fan_in": 0}, "fan-in 0 is less than 1; use 1 or more"),
    ("negative deviation", {"std": -1, "fan_in": 5}, "std -1 is negative; use 1, or 0 or more"),
    ("negative variance", {"var_x": -2}, "var-x -2 is negative; use 2, or 0 or more"),
    ("unknown scheme", {"scheme": "xaviar"}, "--scheme xaviar is not known; did you mean xavier?"),
    ("no fan", {"scheme": "he"}, "--scheme he needs the fan-in"),
    ("no fan-out", {"scheme": "xavier", "fan_in": 3}, "--scheme xavier needs the fan-out"),
    ("two fans", {"scheme": "he", "fan_in": 3, "layers": "3,4"}, "the fans are given by"),
    ("one width", {"scheme": "he", "layers": "3"}, "--layers needs the widths of two layers"),
    ("zero width", {"scheme": "he", "layers": "3,0"}, "layers 0 is less than 1"),
    ("groups", {"scheme": "he", "kernel": 3, "in_channels": 5, "groups": 2}, "groups 2 does not divide in-channels 5"),
    ("no window", {"scheme": "he", "in_channels": 5}, "a convolution needs its window"),
    ("three axes", {"scheme": "he", "kernel": "3x3x3", "in_channels": 5}, "an image has 2 axes"),
    ("mode", {"scheme": "xavier", "fan_in": 3, "fan_out": 3, "mode": "fan_out"}, "only he divides by either fan"),
    ("units of LeCun", {"scheme": "lecun", "fan_in": 3, "nonlinearity": "relu"}, "has one gain for all units"),
    ("gain of PyTorch", {"scheme": "pytorch", "fan_in": 3, "gain": 2}, "--gain has no effect"),
    ("slope of ReLU", {"std": 1, "fan_in": 3, "nonlinearity": "relu", "negative_slope": 1}, "does not go with relu"),
    ("no deviation", {"depth": 3, "fan_in": 3}, "--depth needs the weights"),
    ("no width for a factor", {"std": 3}, "--std needs the width of the layers; add --fan-in N"),
    ("both", {"std": 3, "var_w": 9, "fan_in": 2}, "--std and --var-w are both given"),
    ("too deep", {"std": 3, "depth": 10**7, "fan_in": 2}, "more than 1,000,000"),
    ("no factor", {"std": 3, "fan_in": 2, "nonlinearity": "selu"}, "selu has no factor per layer here"),
    ("no formula", {"nonlinearity": "tanh"}, "add --scheme xavier, or --std S"),
    ("mixed up", {"residual": True, "fan_in": 3}, "--fan-in does not go with --residual; leave --fan-in out"),
    ("a kernel alone", {"kernel": 3}, "--kernel does not go with the variance of a sum; add --scheme"),
    ("impossible covariance", {"var_x": 1, "var_y": 4, "cov": 3}, "cov 3 is more than the variances allow"),
    ("a letter in use", {"fan_in": "x"}, "the symbol x is an input here"),
]  # fmt: skip


@pytest.mark.parametrize(("givens", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refuses(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        init(**givens)
    assert message in str(problem.value)


@pytest.mark.parametrize(("cov", "given"), [("c", "Var(x) + Var(y) + 2Cov(x, y)"), (None, "Var(x)+Var(y)+2Cov(y,x)")])
def test_a_covariance_is_written_as_on_paper(cov: str | None, given: str) -> None:
    assert marked(init(residual=True, cov=cov), [given]).marks[0].correct is True


def test_a_counterexample_is_the_same_in_every_process() -> None:
    asked = ("init", "--scheme", "he", "--kernel", "k", "--in-channels", "a b c", "--answer", "2/(k a b c)")
    first, second = (run_dlcalc(*asked, "--no-steps", PYTHONHASHSEED=order).stdout for order in ("1", "2"))
    assert "at k = 2, a = 1, b = " in first
    assert first == second


def test_variances_are_written_as_on_paper() -> None:
    found = init()
    value, display = found["Var_s"].value, found.setting.display
    assert unicode(value, display) == "n Var(w) Var(x)"
    assert latex(value, display) == (r"n \, \operatorname{Var}\left(w\right) \, \operatorname{Var}\left(x\right)")


def test_json_has_the_table_and_the_verdicts() -> None:
    done = run_dlcalc("init", "--std", "0.01", "-n", "500", "-L", "3", "--nonlinearity", "tanh", "--json", "--no-steps")
    found = {answer["name"]: answer["value"] for answer in json.loads(done.stdout)["answers"]}
    assert found["forward"] == pytest.approx(sqrt(0.05))
    assert [row["layer"] for row in found["demonstration"]] == [1, 2, 3]
