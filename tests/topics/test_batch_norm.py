"""batch-norm: data by hand and by NumPy, the derived gradients, running averages, and what students make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Mark, batch_norm, marked
from dlcalc.normalisation.programs import as_in_program, on_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Run

FAST = settings(deadline=None, max_examples=20)
SMALL = st.fractions(-5, 5, max_denominator=4)
TABLE = st.integers(2, 4).flatmap(
    lambda n: st.integers(1, 3).flatmap(
        lambda f: st.lists(st.lists(SMALL, min_size=f, max_size=f), min_size=n, max_size=n)
    )
)
ROOT8 = 8**0.5


def value(solution: Any, name: str) -> Any:  # noqa: ANN401 (a solution, an array)
    return np.array(solution[name].computed, dtype=float)


def judge(answer: str, **givens: object) -> Mark:
    return marked(batch_norm(**givens), [answer]).marks[0]


NUMBERS = [
    ({"x": "5,3,2,1,9", "eps": 0}, "y", [1 / ROOT8, -1 / ROOT8, -2 / ROOT8, -3 / ROOT8, 5 / ROOT8]),
    ({"x": "5,3,2,1,9", "eps": 0}, "sigma2", 8),
    ({"x": "5,3,2,1,9", "eps": 0}, "mu", 4),
    ({"x": "-2,4,-3,-1,2,0"}, "y", [-0.8402, 1.6803, -1.2603, -0.4201, 0.8402, 0]),
    ({"x": "1,3", "eps": 3}, "xhat", [-0.5, 0.5]),
    ({"x": "1,3", "eps": 3}, "var_xhat", 0.25),
    ({"x": "1,3", "eps": 3, "gamma": 4, "beta": 7}, "y", [5, 9]),
    ({"x": "1,3", "eps": 3, "gamma": 4, "beta": 7}, "mean_y", 7),
    ({"x": "1,3", "eps": 3, "gamma": 4, "beta": 7}, "var_y", 4),
    ({"x": "1,2;3,6", "eps": 0}, "y", [[-1, -1], [1, 1]]),
    ({"x": "1,2;3,6", "eps": 0, "gamma": "2,3", "beta": "1,0"}, "y", [[-1, -3], [3, 3]]),
    ({"x": "1,2;3,6", "eps": 0, "axis": "1"}, "y", [[-1, 1], [-1, 1]]),
    ({"x": "1,3", "running_mean": 0, "running_var": 1}, "running_mean", 0.2),
    ({"x": "1,3", "running_mean": 0, "running_var": 1}, "running_var", 1.1),
    ({"x": "1,3", "running_mean": 4, "running_var": 1, "framework": "keras"}, "running_mean", 0.99 * 4 + 0.01 * 2),
    ({"x": "1,3", "running_var": 4, "framework": "keras"}, "running_var", 0.99 * 4 + 0.01),
    ({"x": "1,3", "momentum": "0.9", "framework": "keras", "running_mean": 2}, "running_mean", 2),
    ({"x": "1,3", "momentum": "0.5", "running_variance": "biased"}, "running_var", 1),
    ({"x": "7", "test": True, "running_mean": 5, "running_var": 4, "eps": 0, "gamma": 3, "beta": 1}, "y", [4]),
    ({"x": "7", "mode": "test", "running_mean": 5, "running_var": 4, "eps": 0, "gamma": 3, "beta": 1}, "slope", 1.5),
    ({"x": "7", "test": True, "running_mean": 5, "running_var": 4, "eps": 0, "gamma": 3, "beta": 1}, "intercept", -6.5),
    ({"x": "5,5", "test": True, "running_mean": 5, "running_var": 0, "eps": "1/4"}, "y", [0, 0]),
    ({"x": "1,1,1,1"}, "y", [0, 0, 0, 0]),
    ({"x": "7", "beta": 3}, "y", [3]),
    ({"x": "7", "beta": 3, "upstream": "5"}, "dL/dx", [0]),
    ({"x": "1,3", "eps": 3, "upstream": "1,0"}, "dL/dx", [3 / 16, -3 / 16]),
    ({"x": "1,3", "eps": 3, "upstream": "1,0"}, "dL/dgamma", -0.5),
    ({"x": "1,3", "eps": 3, "upstream": "1,0"}, "dL/dbeta", 1),
    ({"x": "[[[1,3],[0,2]],[[3,1],[4,2]]]", "eps": 0}, "mu", [2, 2]),
    ({"x": "[[[1,3],[0,2]],[[3,1],[4,2]]]", "eps": 0}, "sigma2", [1, 2]),
]


@pytest.mark.parametrize(("givens", "name", "right"), NUMBERS)
def test_numbers(givens: dict[str, Any], name: str, right: object) -> None:
    solution = batch_norm(**givens)
    assert value(solution, name) == pytest.approx(np.array(right), abs=6e-5)
    assert solution.holds


@FAST
@given(TABLE, st.fractions("1/8", 2, max_denominator=9), st.data())
def test_every_table_as_by_numpy(rows: list[Any], eps: Any, data: st.DataObject) -> None:  # noqa: ANN401
    features = len(rows[0])
    gamma, beta = (data.draw(st.lists(SMALL, min_size=features, max_size=features)) for _ in range(2))
    delta = data.draw(
        st.lists(st.lists(SMALL, min_size=features, max_size=features), min_size=len(rows), max_size=len(rows))
    )
    found = batch_norm(x=rows, eps=eps, gamma=gamma, beta=beta, upstream=delta)
    x, g, b, d = (np.array(a, dtype=float) for a in (rows, gamma, beta, delta))
    root = np.sqrt(x.var(0) + float(eps))
    hat = (x - x.mean(0)) / root
    assert value(found, "y") == pytest.approx(g * hat + b, abs=1e-9)
    by_x = g / root * (d - d.mean(0) - hat * (d * hat).mean(0))
    assert value(found, "dL/dx") == pytest.approx(by_x, abs=1e-9)
    assert value(found, "dL/dgamma") == pytest.approx((d * hat).sum(0).squeeze(), abs=1e-9)
    assert value(found, "dL/dbeta") == pytest.approx(d.sum(0).squeeze(), abs=1e-9)
    assert value(found, "dL/dx").sum(0) == pytest.approx(np.zeros(features), abs=1e-9)


@FAST
@given(st.lists(SMALL, min_size=2, max_size=6), st.fractions("1/4", 5), SMALL)
def test_scale_and_shift_of_the_input_cancel(x: list[Any], c: Any, b: Any) -> None:  # noqa: ANN401
    assume(len(set(x)) > 1)
    once = value(batch_norm(x=x, eps=0), "y")
    assert value(batch_norm(x=[c * v + b for v in x], eps=0), "y") == pytest.approx(once, abs=1e-9)
    assert value(batch_norm(x=[-v for v in x], eps=0), "y") == pytest.approx(-once, abs=1e-9)


@FAST
@given(st.lists(SMALL, min_size=1, max_size=5), SMALL, st.fractions(0, 4))
def test_at_test_time_every_example_is_alone(x: list[Any], mean: Any, variance: Any) -> None:  # noqa: ANN401
    givens = {"test": True, "running_mean": mean, "running_var": variance, "gamma": 2, "beta": 1, "eps": "1/3"}
    together = value(batch_norm(x=x, **givens), "y")
    alone = [value(batch_norm(x=[v], **givens), "y")[0] for v in x]
    assert together == pytest.approx(np.array(alone), abs=1e-12)


SYMBOLIC = [
    "y=gamma_i*xhat_i + beta_i",
    "y=γ x̂_i + β",
    "y=gamma (x_i - mu)/sqrt(var + eps) + beta",
    "xhat=(x_i-mu)/sqrt(sigma2+epsilon)",
    "mu=sum(j, 1, m, x[j])/m",
    "mu=mean(x)",
    "sigma2=sum(j, 1, N, x[j]^2)/N - mu^2",
    "mean_xhat=0",
    "var_xhat=var/(var+eps)",
    "mean_y=beta",
    "var_y=gamma^2 var/(var+eps)",
    "gamma_identity=sqrt(sigma2+eps)",
    "beta_identity=mu",
    "gradient_scaled=1/c",
    "linear=no",
    "linear=False",
    "scale_invariant=yes",
    "shift_invariant=yes",
    "depends_on_batch=True",
    "affine_at_test=yes",
    "y_test=gamma*(x-mubar)/sqrt(varbar+eps)+beta",
    "slope=gamma/sqrt(varbar+eps)",
    "running_mean=(1 - momentum) mubar + momentum mu",
    "running_var=(1 - momentum) varbar + momentum N/(N - 1) var",
]


@pytest.mark.parametrize("answer", SYMBOLIC)
def test_letters_are_marked_right(answer: str) -> None:
    assert judge(answer).correct is True


WRONG = [
    ({}, "y=sigma_i*xhat_i + beta_i", "σ stands in place of the trained scale γ"),
    ({}, "y=gamma_i*xhat_i", "the shift β is forgotten"),
    ({}, "xhat=(x_i-mu)/sigma", "ε is missing"),
    ({}, "xhat=(x_i-mu)/(sigma+eps)", "ε stands under the root"),
    ({}, "xhat=(x_i-mu)/(var+eps)", "divided by the variance"),
    ({}, "sigma2=sum(j,1,N,(x_j-mu)^2)/(N-1)", "divide by n, not by n − 1"),
    ({}, "var_xhat=1", "1 only where ε is 0"),
    ({}, "linear=yes", "the tripled input has the same output"),
    ({}, "var_y=gamma var/(var+eps)", "γ²"),
    ({}, "gradient_scaled=c", "smaller gradient"),
    ({}, "running_mean=momentum mubar + (1 - momentum) mu", "other convention"),
    ({"x": "1,3,2", "eps": 1}, "y=-1.225,1.225,0", "ε is missing"),
    ({"x": "5,3,2,1,9", "eps": 0}, "y=0.125,-0.125,-0.25,-0.375,0.625", "divided by the variance"),
    ({"x": "5,3,2,1,9", "eps": 0}, "y=0.3162,-0.3162,-0.6325,-0.9487,1.5811", "biased"),
    ({"x": "5,3,2,1,9", "eps": 0}, "sigma2=10", "biased"),
    ({"x": "5,3,2,1,9", "eps": 0}, "sigma2=40", "sum of the squares"),
    ({"x": "1,2;3,6", "eps": 0}, "y=-1,1;-1,1", "the wrong axis"),
    ({"x": "1,3", "eps": 0, "gamma": 2, "beta": 5}, "y=-2,2", "β is forgotten"),
    ({"x": "1,3", "eps": 0, "gamma": 2, "beta": 5}, "y=4,6", "γ is forgotten"),
    ({"x": "1,5", "eps": 0}, "y=-2,2", "σ stands in place"),
    ({"x": "1,3", "running_mean": 0}, "running_mean=1.8", "other convention"),
    ({"x": "1,3", "running_var": 1}, "running_var=1", "other kind"),
    ({"x": "1,3", "eps": 3, "upstream": "1,0"}, "dL/dx=1/2,0", "mean and variance depend on x too"),
    ({"x": "1,3", "eps": 3, "upstream": "1,0"}, "dL/dbeta=1/2", "the sum of δ"),
    ({"x": "7", "test": True, "running_mean": 5, "running_var": 4, "eps": 0}, "y=1/2", "divided by the variance"),
    ({"backward": True}, "dx=gamma d/sqrt(var+eps)", "only the path to x through xhat"),
    ({"backward": True}, "dx=gamma/sigma (d - mean(d) - xhat mean(d .* xhat))", "ε is missing"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), WRONG)
def test_slips(givens: dict[str, Any], answer: str, because: str) -> None:
    mark = judge(answer, **givens)
    assert mark.correct is False
    assert because in mark.because


BACKWARD = [
    "dz = gamma/sqrt(var+eps)*(d - mean(d) - zhat*mean(d*zhat))",
    "dx = gamma/sqrt(sigma^2+eps) (δ - mean(δ) - x̂ mean(δ ⊙ x̂))",
    "dL/dx = gamma/(N sqrt(v+epsilon)) (N delta - sum(delta) - xhat (xhat^T delta))",
    "dx = (m gamma d - gamma sum(d) - gamma xhat sum(d .* xhat))/(m sqrt(var+eps))",
    "dgamma = sum(d*xhat)",
    "dL/dbeta = sum(dy)",
]


@pytest.mark.parametrize("answer", BACKWARD)
def test_equivalent_gradients_are_right(answer: str) -> None:
    assert judge(answer, backward=True).correct is True


def test_the_derived_gradient_holds_and_balances() -> None:
    solution = batch_norm(backward=True)
    assert solution.holds
    assert [step.rule for step in solution.steps][-2:] == ["together", "balance"]


def test_a_wrong_balance_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from dlcalc.normalisation import programs

    monkeypatch.setattr(programs, "BATCH", programs.BATCH._replace(balance="sum(delta)"))
    assert [step.rule for step in batch_norm(backward=True).steps if not step.check.holds] == ["balance"]  # type: ignore[union-attr]


def test_the_program_runs_backward_on_numbers() -> None:
    leaves = {"x": [1.0, 2.0, 4.0], "epsilon": [0.5], "gamma": [2.0], "beta": [0.0], "delta": [1.0, -1.0, 0.5]}
    x, d = np.array(leaves["x"]), np.array(leaves["delta"])
    hat = (x - x.mean()) / np.sqrt(x.var() + 0.5)
    right = 2 / np.sqrt(x.var() + 0.5) * (d - d.mean() - hat * (d * hat).mean())
    assert on_data("batch", leaves)["x"] == pytest.approx(right)


@pytest.mark.parametrize("givens", [{}, {"eps": 0}, {"gamma": 1, "beta": 0}, {"framework": "keras"}, {"gamma": "g"}])
def test_every_line_in_letters_holds(givens: dict[str, Any]) -> None:
    solution = batch_norm(**givens)
    assert solution.holds
    assert solution["var_xhat"].text == ("1" if givens.get("eps") == 0 else "sigma2/(sigma2 + epsilon)")


@pytest.mark.parametrize(
    "givens",
    [
        {"x": "a,b", "upstream": "d,0"},
        {"x": "a,2,b", "gamma": "g", "beta": "h", "eps": "e"},
        {"x": "a"},
        {"x": "1,2", "test": True, "running_mean": "m", "running_var": "v"},
        {"x": "1,2,4", "gamma": "g", "running_mean": "m", "momentum": "r"},
        {"x": "sqrt(2),1", "eps": 0},
        {"x": "1000000000.1,1000000000.2,1000000000.4", "upstream": "1,2,3"},
        {"x": "0.123456789,0.987654321,1/7", "upstream": "1,2,3"},
        {"x": [[i * j % 7 for i in range(20)] for j in range(50)]},
    ],
    ids=str,
)
def test_mixtures_of_letters_and_numbers_hold(givens: dict[str, Any]) -> None:
    assert batch_norm(**givens).holds


def test_a_batch_of_one_says_so() -> None:
    solution = batch_norm(x="a", beta="b", upstream="d")
    assert [solution[n].text for n in ("y", "xhat", "dL/dx")] == ["b", "0", "0"]
    assert "batch of one" in solution.notes[0]


def test_the_same_example_differs_between_batches() -> None:
    solution = batch_norm(x="1,2,3", other_batch="1,8,4", eps=0)
    assert solution["same_output"].text == "no"
    assert value(solution, "mean_xhat_other") == 0
    assert value(solution, "var_xhat_other") == 1
    assert solution.holds
    assert batch_norm(x="1,2,3", other_batch="1,2,3")["same_output"].text == "yes"
    assert "no example is in both" in batch_norm(x="1,2,3", other_batch="7,8,9").notes[0]


REFUSED = [
    ({"x": "1,1,1,1", "eps": 0}, "the variance is 0 and ε is 0", "--eps 1e-5"),
    ({"x": "1,2;1,5", "eps": 0}, "the variance of feature 1 is 0", "--eps"),
    ({"x": "a", "eps": 0}, "the variance is 0", "--eps"),
    ({"x": "1,2", "eps": -1}, "eps -1 is less than 0", "0 or a small positive"),
    ({"x": "1,2", "momentum": 2}, "momentum 2 is outside [0, 1]", "0.1"),
    ({"momentum": "-1/2"}, "momentum -0.5 is outside", "0.1"),
    ({"x": "1,2", "running_var": -1}, "running variance -1 is less than 0", "0 or more"),
    ({"x": "1,2", "test": True}, "needs running averages", "--running-mean"),
    ({"x": "1", "test": True, "running_mean": 0, "running_var": 0, "eps": 0}, "running variance is 0", "--eps"),
    ({"x": "1,2;3"}, "different lengths (2, 1)", "one length"),
    ({"x": ""}, "empty", "1,2,3"),
    ({"x": []}, "empty", "1,2,3"),
    ({"x": [[1, 2], 3]}, "mixes numbers and lists", "rows"),
    ({"x": "[[[[[1]]]]]"}, "more than 4 axes", "channels"),
    ({"x": "1,2;3,4", "gamma": "1,2,3"}, "--gamma has 3 entries", "one per feature"),
    ({"x": "1,2", "upstream": "1,2,3"}, "--upstream is a list of 3", "shape of x"),
    ({"x": "1,2", "backward": True}, "need ∂L/∂y", "--upstream"),
    ({"upstream": "1"}, "--upstream needs data", "--x"),
    ({"gamma": "1,2"}, "--gamma is a list", "one number"),
    ({"x": "1,2", "axis": "3"}, "no axis of data with 1", "use 0"),
    ({"x": "1,2", "axis": "a"}, "not a list of axes", "0,2,3"),
    ({"x": "1,2", "axis": "0,0"}, "twice", "once"),
    ({"x": "7", "running_mean": 0}, "batch of one does not exist", "biased"),
    ({"x": "1e300,2"}, "larger than 1e30", "divide"),
    ({"x": ",".join(f"a{i}" for i in range(40))}, "too long to read", "at most 16"),
    ({"x": "1,2", "other_batch": "1,2;3,4"}, "--other-batch is 2×2", "as many features"),
    ({"x": "nofile.json"}, "cannot be read", "path"),
    ({"x": ["x"] * 2000}, "entries", ""),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), REFUSED, ids=lambda v: str(v)[:40])
def test_refusals_name_the_condition_and_a_fix(givens: dict[str, Any], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as caught:
        batch_norm(**givens)
    assert condition in caught.value.condition
    assert fix in (caught.value.fix or "")


@pytest.mark.parametrize(("name", "written"), [("d.json", "[[1, 2], [3, 6]]"), ("d.csv", "1,2\n3,6\n")])
def test_data_from_a_file(tmp_path: Path, name: str, written: str) -> None:
    (tmp_path / name).write_text(written, encoding="utf-8")
    assert batch_norm(x=str(tmp_path / name), eps=0)["y"].text == "-1,-1;1,1"


def test_json(dlcalc: Callable[..., Run]) -> None:
    found = json.loads(dlcalc("batch-norm", "--x", "1,2;3,6", "--eps", "0", "--json").stdout)
    assert found["answers"][0]["value"] == [[-1, -1], [1, 1]]
    assert all(step["check"]["holds"] for step in found["steps"])
    assert found["givens"]["x"] == "1,2;3,6"


def test_arrays_of_numpy_are_read() -> None:
    assert value(batch_norm(x=np.array([[1.0, 2.0], [3.0, 6.0]]), eps=0), "mu") == pytest.approx(np.array([2, 4]))


def test_an_answer_is_written_with_the_names_of_the_program() -> None:
    assert as_in_program("dbeta = sum(dout)", "layer") == "dL/dbeta=sum(delta)"
    assert as_in_program("x + σ", "batch") == "x + sqrt(v)"


def test_conventions_are_printed(dlcalc: Callable[..., Run]) -> None:
    shown = dlcalc("batch-norm", "--x", "1,2", "--running-mean", "0").stdout
    assert "new = (1 − m) old + m batch" in shown
    assert "unbiased" in shown
    assert "ε = 0.00001 is added under the root" in shown
