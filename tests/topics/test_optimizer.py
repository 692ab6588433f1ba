"""Optimisers: known numbers, laws that tie the rules to each other, conventions, closed forms, refusals."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlcalc
from dlcalc import cli
from dlcalc.errors import DlcalcError
from dlcalc.topics.optimizer.rules import FRAMEWORKS, RULES, VELOCITIES

QUADRATIC = "J = 6 theta^2 - 6 theta + 6"


def asked(**givens: Any) -> Any:  # noqa: ANN401 (a solution)
    return dlcalc.optimizer(**givens)


# ruff: noqa: E501 (a row per case)
CASES = [
    # one update by hand
    ("sgd", {"gradient": 3, "theta0": 1, "lr": "0.1"}, {"theta": 0.7, "step": -0.3}),
    ("sgd-decay", {"rule": "sgd", "gradient": 3, "theta0": 1, "lr": "0.1", "decay": "0.5"}, {"theta": 0.65, "d": 3.5}),
    ("momentum", {"gradients": "1,2,3", "theta0": 1, "lr": "0.1"}, {"theta": 0.049, "v": 5.61}),
    ("momentum-course", {"rule": "momentum", "velocity": "course", "gradients": "1,2,3", "theta0": 1, "lr": "0.1"}, {"theta": 0.049, "v": -0.561}),
    ("momentum-ema", {"rule": "momentum", "velocity": "ema", "gradients": "10,25", "momentum": "0.5", "theta0": 0, "lr": 1}, {"v": 15, "theta": -20}),
    ("momentum-complement", {"rule": "momentum", "velocity": "ema", "gradients": "10,25", "momentum": "0.2", "complement": True, "theta0": 0, "lr": 1}, {"v": 6.6}),
    ("dampened", {"rule": "momentum", "gradients": "1,1", "dampening": "0.5", "theta0": 0, "lr": 1}, {"v": 1.4, "path": [-1, -2.4]}),
    ("dampened-from-v0", {"rule": "momentum", "gradients": "1", "v0": 1, "dampening": "0.5", "theta0": 0, "lr": 1}, {"v": 1.4}),
    ("nesterov", {"gradients": "1,2", "theta0": 0, "lr": 1}, {"v": 2.9, "theta": -1.9 - 4.61}),
    ("nesterov-look-ahead", {"rule": "nesterov", "velocity": "subtract", "gradient": "x", "theta0": 1, "v0": "0.1", "lr": "0.01"}, {"look_ahead": 0.91, "g": 0.91, "theta": 0.9009}),
    ("adagrad", {"gradients": "3,4", "theta0": 0, "lr": 1, "eps": 0}, {"G": 25, "theta": -1.8, "rate": 0.2}),
    ("adagrad-keras", {"rule": "adagrad", "framework": "keras", "gradient": 2, "theta0": 0, "lr": 1, "eps": "0.9", "accumulator": "4.1"}, {"G": 8.1, "theta": -2 / 3}),
    ("rmsprop", {"gradient": 2, "theta0": 0, "rho": "0.75", "eps": 0, "lr": 1}, {"v": 1, "theta": -2}),
    ("rmsprop-inside", {"rule": "rmsprop", "gradient": 2, "theta0": 0, "rho": "0.75", "eps": 3, "lr": 1, "eps_place": "inside"}, {"theta": -1}),
    ("adadelta", {"gradient": 2, "theta0": 0, "rho": "0.75", "eps": 3, "lr": 1, "u0": 1}, {"v": 1, "delta": 2, "u": 1.75, "theta": -2}),
    ("adam-first-step-is-lr", {"rule": "adam", "gradient": -7, "theta0": 1, "eps": 0, "lr": "0.01"}, {"theta": 1.01, "m_hat": -7, "v_hat": 49}),
    ("adam-uncorrected", {"rule": "adam", "gradient": 4, "theta0": 0, "eps": 0, "lr": 1, "beta2": "0.9375", "bias_correction": False}, {"theta": -0.4}),
    ("adam-keras-hat", {"rule": "adam", "framework": "keras", "gradient": 4, "theta0": 0, "eps": 1, "lr": 1, "beta2": "0.75"}, {"theta": -4 / 6}),
    ("adam-later", {"rule": "adam", "gradient": 1, "m0": 1, "v0": 1, "t": 2, "beta1": "0.5", "beta2": "0.5", "eps": 0, "theta0": 0, "lr": 1}, {"m_hat": 4 / 3, "v_hat": 4 / 3}),
    ("adamax", {"gradients": "4,1", "theta0": 0, "eps": 0, "lr": 1, "beta2": "0.5", "beta1": 0}, {"u": 2, "theta": -1.5}),
    ("adamw", {"gradient": 5, "theta0": 2, "eps": 0, "lr": "0.1", "decay": "0.5"}, {"theta_bar": 1.9, "theta": 1.8, "step": -0.2}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "givens", "expected"), CASES, ids=[case[0] for case in CASES])
def test_known_updates(name: str, givens: dict[str, Any], expected: dict[str, Any]) -> None:
    found = asked(**{"rule": name, **givens})
    for answer, value in expected.items():
        assert found[answer].computed == pytest.approx(value, rel=1e-12)
    assert found.holds


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "givens",
    [
        {},
        {"gradient": "g", "updates": "t"},
        {"gradients": "1,-2,0.5,3", "theta0": 1},
        {"gradients": "1,2;3,-1", "theta0": "a,b"},
        {"loss": QUADRATIC, "theta0": 2, "updates": 3},
        {"gradient": "x - [0,1]", "theta0": "1,2", "updates": 2},
    ],
    ids=["general", "closed", "listed", "symbols", "loss", "field"],
)
def test_every_line_holds(rule: str, framework: str, givens: dict[str, Any]) -> None:
    assert asked(rule=rule, framework=framework, **givens).holds


@pytest.mark.parametrize("velocity", VELOCITIES)
@pytest.mark.parametrize("rule", ["momentum", "nesterov"])
@pytest.mark.parametrize(
    "givens", [{}, {"gradient": "g", "updates": "t", "v0": "s"}, {"gradient": "3 x", "theta0": 1, "updates": 3}]
)
def test_every_form_of_momentum_holds(rule: str, velocity: str, givens: dict[str, Any]) -> None:
    assert asked(rule=rule, velocity=velocity, **givens).holds


@pytest.mark.parametrize("place", ["outside", "inside", "hat"])
@pytest.mark.parametrize("rule", ["adam", "adamw"])
@pytest.mark.parametrize(
    "givens", [{}, {"gradient": "g", "updates": "t"}, {"gradients": "1,2", "theta0": 1, "bias_correction": False}]
)
def test_every_place_of_epsilon_holds(rule: str, place: str, givens: dict[str, Any]) -> None:
    assert asked(rule=rule, eps_place=place, **givens).holds


# laws

SMALL = st.fractions(min_value=-4, max_value=4, max_denominator=8)
SEVERAL = st.lists(SMALL.filter(bool), min_size=1, max_size=4)


@given(gradients=SEVERAL, rate=st.fractions(min_value="1/20", max_value=1, max_denominator=20))
def test_forms_of_momentum_agree(gradients: list[Fraction], rate: Fraction) -> None:
    """With one rate throughout, the three forms with the rate inside or outside lead to the same parameters."""
    paths = [
        asked(rule="momentum", velocity=v, gradients=gradients, theta0=1, lr=rate)
        for v in ("pytorch", "course", "subtract")
    ]
    assert len({found["theta"].text for found in paths}) == 1


@given(slope=st.fractions(min_value="1/4", max_value=4, max_denominator=4), start=SMALL)
def test_stored_nesterov_is_the_look_ahead_point(slope: Fraction, start: Fraction) -> None:
    """What Keras and PyTorch store is θ + μv of the classical form, update by update."""
    same = {"rule": "nesterov", "gradient": f"{slope} x", "theta0": start, "lr": "0.1", "updates": 3}
    classical, keras, torch = (asked(**same, velocity=v) for v in ("course", "keras", "pytorch"))
    ahead = classical["theta"].computed + 0.9 * classical["v"].computed
    assert keras["theta"].computed == pytest.approx(ahead)
    assert torch["theta"].computed == pytest.approx(ahead)


@given(gradients=SEVERAL, scale=st.fractions(min_value="1/8", max_value=8, max_denominator=8))
@pytest.mark.parametrize("rule", ["adagrad", "rmsprop", "adam", "adamax"])
def test_adaptive_steps_do_not_see_the_scale(rule: str, gradients: list[Fraction], scale: Fraction) -> None:
    given_, scaled = (
        asked(rule=rule, gradients=[g * factor for g in gradients], theta0=1, eps=0)["theta"].computed
        for factor in (1, scale)
    )
    assert given_ == pytest.approx(scaled)


@given(gradients=st.lists(SMALL.filter(bool), min_size=2, max_size=5))
def test_adagrads_rate_never_increases(gradients: list[Fraction]) -> None:
    rates = [
        asked(rule="adagrad", gradients=gradients[:n], theta0=0)["rate"].computed for n in range(1, len(gradients) + 1)
    ]
    assert rates == sorted(rates, reverse=True)


@given(gradients=SEVERAL, beta=st.fractions(min_value=0, max_value="9/10", max_denominator=10))
def test_corrected_mean_is_the_weighted_mean(gradients: list[Fraction], beta: Fraction) -> None:
    weights = [beta ** (len(gradients) - k) for k in range(1, len(gradients) + 1)]
    mean = sum(w * g for w, g in zip(weights, gradients, strict=True)) / sum(weights)
    assert asked(rule="adam", gradients=gradients, beta1=beta)["m_hat"].computed == pytest.approx(float(mean))


@given(times=st.integers(1, 30), rate=st.fractions(min_value="1/100", max_value="1/4", max_denominator=100))
def test_descent_on_a_quadratic_is_a_power(times: int, rate: Fraction) -> None:
    """θ_t - 1/2 = (1 - 12η)^t (θ_0 - 1/2) for J = 6θ² - 6θ + 6."""
    found = asked(rule="sgd", loss=QUADRATIC, theta0=2, lr=rate, updates=times)["theta"].computed
    assert found == pytest.approx(float(Fraction(1, 2) + (1 - 12 * rate) ** times * Fraction(3, 2)))


# closed forms and verdicts


def test_adams_means_for_a_constant_gradient() -> None:
    found = asked(rule="adam", gradient="g", updates="t")
    assert [found[name].text for name in ("m", "v", "m_hat", "v_hat")] == [
        "(1 - beta1^t)*g",
        "(1 - beta2^t)*g^2",
        "g",
        "g^2",
    ]
    rules = [step.rule for step in found.steps]
    assert {"weights", "telescopes", "m-sum", "m_hat-value"} <= set(rules)


@pytest.mark.parametrize(
    ("betas", "word", "first"),
    [("0.9,0.999", "larger", math.sqrt(10)), ("0.9,0.9", "smaller", 0.1 / math.sqrt(0.1)), ("0.5,0.75", "equal", 1)],
)
def test_early_steps(betas: str, word: str, first: float) -> None:
    found = asked(rule="adam", gradient="g", updates="t", betas=betas)
    assert found["early_steps"].text == word
    assert found["uncorrected_ratio_first"].computed == pytest.approx(first)
    assert found.holds


def test_early_steps_are_undecided_for_letters() -> None:
    assert "early_steps" not in [answer.name for answer in asked(rule="adam").answers]


def test_terminal_step() -> None:
    found = asked(rule="momentum", gradient="2", updates="n", lr="0.1", momentum="0.9", theta0=0)
    assert found["terminal_step"].computed == pytest.approx(-2)


def test_zigzag_needs_its_evidence() -> None:
    bowl = {"loss": "L = (w1^2 + 25 w2^2)/2", "theta0": "w1=1,w2=1", "lr": "0.06", "updates": 4}
    steep, adaptive = asked(rule="sgd", **bowl), asked(rule="adagrad", eps=0, **bowl)
    assert (steep["zigzags"].text, adaptive["zigzags"].text) == ("yes", "no")
    assert sum(step.rule == "zigzag" for step in steep.steps) == 3
    assert adaptive["larger_step"].text == "equal"
    assert adaptive["w1"].computed == pytest.approx(adaptive["w2"].computed)
    assert steep.holds
    assert adaptive.holds


def test_the_first_step_of_adagrad_is_the_same_everywhere() -> None:
    found = asked(rule="adagrad", gradient="0.1,10", theta0="1,1", lr="0.5", eps=0)
    assert found["step"].computed == [-0.5, -0.5]
    assert (found["larger_rate"].text, found["larger_step"].text) == ("1", "equal")


# marking


SGD = ("--rule", "sgd", "--gradients", "2,-1,3", "--theta0", "1", "--lr", "0.1")
RMSPROP = ("--rule", "rmsprop", "--gradients", "4", "--theta0", "2", "--lr", "0.1", "--rho", "0.9", "--eps", "0")
MARKS = [
    (("--rule", "adam", "--gradient", "1", "--theta0", "0", "--answer", "-0.001"), 0, "the value for ε = 0"),
    (
        ("--rule", "adam", "--gradient", "4", "--b2", "0.9375", "--eps", "0", "--lr", "1", "--answer", "step=-0.4"),
        1,
        "the bias is not corrected",
    ),
    (
        ("--rule", "momentum", "--gradients", "1,2", "--theta0", "1", "--lr", "0.1", "--answer", "v=-0.29"),
        1,
        "--velocity course",
    ),
    (("--rule", "adam", "--answer", "theta=theta_old - lr*m_hat/(sqrt(v_hat)+eps)"), 0, "is correct"),
    (("--rule", "adam", "--answer", "theta=w - lr*m/(sqrt(v)+eps)"), 1, "the bias is not corrected"),
    (("--rule", "adagrad", "--answer", "w - lr*g/sqrt(G+eps)"), 1, "ε stands inside the root"),
    (("--rule", "momentum", "--answer", "v=mu v + g"), 0, "is correct"),
    (
        ("--rule", "adam", "--gradient", "g", "--updates", "t", "--answer", "m=(1-beta1) g"),
        1,
        "that is the first update",
    ),
    (("--rule", "adagrad", "--gradients", "1,2", "--answer", "rate_never_increases=no"), 1, "never shrinks"),
    (
        (*SGD, "--answer", "theta_2=0.9", "--answer", "theta_1=0.8", "--answer", "theta_3=0.6"),
        0,
        "your theta_2 = 0.9 is",
    ),
    ((*SGD, "--answer", "theta_2=0.6"), 1, "0.6 is not 0.9"),
    ((*SGD, "--answer", "1.4"), 1, "the step is against the gradient"),
    (("--rule", "sgd", "--answer", "theta + lr g"), 1, "the step is against the gradient"),
    ((*RMSPROP, "--answer", "v=14.4"), 1, "the weights are swapped: the old mean keeps the share ρ"),
    ((*RMSPROP, "--answer", "v=0.4"), 1, "the gradient is squared"),
    ((*RMSPROP, "--answer", "1.75"), 1, "the root is missing"),
    ((*RMSPROP, "--answer", "2 - 0.4/sqrt(1.6)"), 0, "is correct"),
    (("--rule", "adagrad", "--gradients", "3,4", "--answer", "G=16"), 1, "the earlier gradients are forgotten"),
    (("--rule", "momentum", "--gradients", "1,2", "--answer", "v=2"), 1, "the old velocity is forgotten"),
    (
        ("--rule", "sgd", "--loss", "(w - 3)^2", "--w0", "0", "--lr", "0.1", "--answer", "w_1=0.6"),
        0,
        "your w_1 = 0.6 is",
    ),
    (("--rule", "sgd", "--loss", QUADRATIC, "--theta0", "1", "--answer", "dJ/dtheta=12 theta - 6"), 0, "is correct"),
]


@pytest.mark.parametrize(("arguments", "code", "shown"), MARKS, ids=lambda part: str(part)[-40:])
def test_marking(arguments: tuple[str, ...], code: int, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["optimizer", *arguments]) == code
    assert shown in capsys.readouterr().out


# refusals


REFUSED = [
    ({"rule": "adm"}, "--rule adm is not known; did you mean adam"),
    ({"rule": "adagrad", "gradient": 0, "theta0": 1, "eps": 0}, "divides by 0: ε is 0 and so is every gradient"),
    ({"rule": "adam", "beta1": 1}, "--beta1 1 is not in 0 ≤ beta1 < 1"),
    ({"rule": "adam", "betas": "0.9,1.5"}, "--beta2 1.5 is not in"),
    ({"rule": "adam", "betas": "0.9"}, "--betas are two numbers"),
    ({"rule": "rmsprop", "rho": "-0.1"}, "--rho -0.1 is not in"),
    ({"rule": "sgd", "lr": "-1"}, "--lr -1 is less than 0"),
    ({"rule": "adam", "eps": "-1"}, "--eps -1 is less than 0"),
    ({"rule": "sgd", "momentum": "0.9"}, "sgd has no --momentum; it takes --lr"),
    ({"rule": "adam", "accumulator": 1}, "adam keeps no G"),
    ({"rule": "adagrad", "accumulator": -1, "gradient": 1}, "--accumulator -1 is negative"),
    ({"rule": "sgd", "gradients": "1,2;3", "theta0": "1,2"}, "the rows have different lengths"),
    ({"rule": "sgd", "gradients": "1,2,3", "theta0": "1,2"}, "a gradient has 3 numbers, theta has 2"),
    ({"rule": "adam", "gradient": "1,2", "theta0": "1,2", "m0": "1,2,3"}, "--m0 has 3 numbers, theta has 2"),
    ({"rule": "sgd", "gradient": 1, "updates": 10**6}, "1,000,000 updates are too many"),
    ({"rule": "sgd", "gradients": "1,2", "updates": 3}, "there are 2 gradients"),
    ({"rule": "sgd", "updates": 3}, "--updates needs gradients"),
    ({"rule": "sgd", "updates": "t"}, "give one constant gradient"),
    ({"rule": "adam", "gradient": 0, "updates": "t"}, "a gradient of 0 at every update"),
    ({"rule": "sgd", "gradient": 1, "loss": QUADRATIC}, "both say what the gradients are"),
    ({"rule": "sgd", "loss": "J = a b", "theta0": 1}, "does not say which of a, b"),
    ({"rule": "sgd", "loss": QUADRATIC, "theta0": "w=1"}, "--theta0 gives w, which --loss does not use"),
    ({"rule": "sgd", "loss": "J = (theta", "theta0": "1"}, "( is never closed"),
    ({"rule": "sgd", "loss": "", "theta0": "1"}, "--loss is empty"),
    ({"rule": "sgd", "gradient": 1, "at": "x=1"}, "there is no --loss"),
    ({"rule": "adam", "velocity": "ema"}, "--velocity ema is for momentum"),
    ({"rule": "sgd", "eps_place": "inside"}, "has no meaning for sgd"),
    ({"rule": "sgd", "bias_correction": False}, "sgd has no bias correction"),
    ({"rule": "nesterov", "dampening": "0.5"}, "--dampening is PyTorch's"),
    ({"rule": "adam", "complement": True}, "--complement is for --momentum and --rho"),
    ({"rule": "sgd", "loss": "J = theta^4", "theta0": 10, "lr": 10, "updates": 50}, "beyond what floats hold"),
    ({"rule": "sgd", "gradient": "m", "theta0": 1}, "m names something of the rule"),
    ({"rule": "adam", "gradient": "g", "updates": "t", "decay": "0.1"}, "no closed form with --decay"),
    ({"rule": "sgd", "gradient": "1", "theta0": "w=1,w=2"}, "--theta0 gives w twice"),
    ({"rule": "sgd", "gradient": "1", "t": 0}, "t 0 is less than 1"),
]  # fmt: skip


@pytest.mark.parametrize(("givens", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_impossible_givens_are_refused(givens: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        asked(**givens)
    assert message in str(refused.value)


def test_long_exact_numbers_go_on_as_floats_and_say_so() -> None:
    found = asked(rule="sgd", loss="J = theta^4", theta0="0.5", lr="0.1", updates=10)
    assert any("floats" in note for note in found.notes)
    assert found.holds


def test_json_has_the_table_and_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["optimizer", "--rule", "adam", "--gradients", "1,2", "--theta0", "1", "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    table = next(answer for answer in read["answers"] if answer["name"] == "updates")
    assert [row["t"] for row in table["value"]] == [0, 1, 2]
    assert table["value"][1]["g"] == 1


@pytest.mark.parametrize("form", [("--plot",), ("--format", "svg"), ("--format", "plain", "--plot")])
def test_plots(form: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    bowl = (
        "--rule",
        "sgd",
        "--loss",
        "L = (w1^2 + 25 w2^2)/2",
        "--theta0",
        "w1=1,w2=1",
        "--lr",
        "0.06",
        "--updates",
        "9",
    )
    assert cli.run(["optimizer", *bowl, *form]) == 0
    shown = capsys.readouterr().out
    for title in ("sgd: the parameters", "sgd: the loss", "sgd: the path"):
        assert title in shown


def test_letters_have_no_plot(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["optimizer", "--rule", "sgd", "--plot"]) == 2
    assert "nothing to plot" in capsys.readouterr().err


def test_names_without_a_value_stay_letters_and_are_said() -> None:
    solution = asked(rule="sgd", loss="(w x - y)^2", theta0="w=1", lr="0.1")
    assert solution["theta"].text == "1 - 0.2*x*(x - y)"
    assert "constants: x, y" in solution.conventions
    assert all(step.check.holds for step in solution.steps)
    assert asked(rule="sgd", loss="x^2 + y^2", theta0=1, lr="0.1")["theta"].text == "0.8"


def test_a_letter_in_a_matrix_expression_is_refused() -> None:
    with pytest.raises(DlcalcError, match="c has no number, and the loss is a matrix expression"):
        asked(rule="sgd", loss="c ||w||^2", theta0="1,2", lr="0.1")


@pytest.mark.parametrize(
    ("givens", "name", "shown"),
    [
        ({"rule": "adam", "gradient": "g", "eps": 0}, "m_hat", "g"),
        ({"rule": "adam", "gradient": "g", "eps": 0}, "theta", "theta0 - eta*g/sqrt(g^2)"),
        ({"rule": "adagrad", "gradients": "g,g,g", "eps": 0}, "G", "3*g^2"),
        ({"rule": "sgd", "gradient": "g", "updates": 3}, "theta", "theta0 - 3*eta*g"),
    ],
)
def test_equal_factors_cancel_and_equal_terms_are_counted(givens: dict[str, Any], name: str, shown: str) -> None:
    solution = asked(**givens)
    assert solution[name].text == shown
    assert all(step.check.holds for step in solution.steps)


def test_the_second_beta_of_adamax_decays_a_norm() -> None:
    assert any("β_2: decay of the norm" in said for said in asked(rule="adamax", gradient=1, theta0=0).conventions)
