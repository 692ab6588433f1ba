"""l2-update: weight decay by its definition, every form of givens, and what students make of it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import DlcalcError, Mark, l2_update, marked
from dlcalc.notation.expression import Num, number
from dlcalc.notation.parser import parse
from dlcalc.notation.printing import plain
from dlcalc.numeric import check_route, check_step, compare, sample
from dlcalc.solution import Route, Solution, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run

FAST = settings(deadline=None, max_examples=25)
SMALL = st.fractions(-3, 3, max_denominator=8)
RATE = st.fractions(0, 2, max_denominator=8)


def descended(weights: Any, gradients: list[Any], lr: Any, decay: Any, penalty: str) -> Any:  # noqa: ANN401 (arrays)
    """Run gradient descent on g·w + penalty, with NumPy's own arithmetic on exact fractions."""
    weights = np.array(weights, dtype=object)
    for gradient in gradients:
        weights = weights - lr * (np.array(gradient, dtype=object) + (2 if penalty == "full" else 1) * decay * weights)
    return weights.tolist() if isinstance(weights, np.ndarray) else weights


def exact(solution: Solution, name: str = "weights") -> Any:  # noqa: ANN401 (nested lists of fractions)
    def read(value: Any) -> Any:  # noqa: ANN401 (as above)
        return [read(v) for v in value] if isinstance(value, tuple) else value.value

    return read(solution[name].value)


def judge(givens: dict[str, str], answer: str) -> Mark:
    return marked(l2_update(**givens), [answer]).marks[0]


SYMBOLIC = [
    ({}, "weights", "(1 - epsilon*alpha)*theta - epsilon*g"),
    ({}, "shrink_factor", "1 - epsilon*alpha"),
    ({}, "gradient", "g + alpha*theta"),
    ({}, "penalty", "alpha*theta^2/2"),
    ({"penalty": "full"}, "weights", "(1 - 2*epsilon*alpha)*theta - epsilon*g"),
    ({"penalty": "full"}, "gradient", "g + 2*alpha*theta"),
    ({"penalty": "full"}, "penalty", "alpha*theta^2"),
    ({"penalty": "full", "lr": "eta", "decay": "lambda"}, "shrink_factor", "1 - 2*eta*lambda"),
    ({"weights": "w11", "decay": "lambda", "penalty": "full", "gradient": "0"}, "gradient", "2*lambda*w11"),
    (
        {"weights": "W2", "gradient": "G", "lr": "eps", "decay": "1", "penalty": "full"},
        "weights",
        "(1 - 2*eps)*W2 - eps*G",
    ),
    ({"gradient": "0", "updates": "k"}, "weights", "(1 - epsilon*alpha)^k*theta0"),
    ({"gradient": "0", "updates": "3"}, "weights", "(1 - epsilon*alpha)^3*theta0"),
    ({"updates": "k"}, "weights", "(1 - epsilon*alpha)^k*theta0 - g/alpha*(1 - (1 - epsilon*alpha)^k)"),
    ({"updates": "2"}, "weights", "(1 - epsilon*alpha)^2*theta0 - epsilon*g*(2 - epsilon*alpha)"),
    ({"gradient": "a,b"}, "weights", "(1 - epsilon*alpha)^2*theta0 - epsilon*((1 - epsilon*alpha)*a + b)"),
    ({"weights": "1,-2"}, "weights", "1 - epsilon*alpha - epsilon*g1,-2*(1 - epsilon*alpha) - epsilon*g2"),
    ({"weights": "a,b", "gradient": "h"}, "gradient", "h1 + alpha*a,h2 + alpha*b"),
    ({"weights": "a,b;c,d"}, "gradient", "g11 + alpha*a,g12 + alpha*b;g21 + alpha*c,g22 + alpha*d"),
    ({"decay": "0", "updates": "k"}, "weights", "theta0 - k*epsilon*g"),
    ({"lr": "0", "updates": "k"}, "weights", "theta0"),
    ({"updates": "0"}, "weights", "theta0"),
    ({"lr": "1", "decay": "1", "weights": "w", "updates": "k"}, "weights", "-g"),
    ({"lr": "1", "decay": "2", "gradient": "0", "updates": "k"}, "weights", "(-1)^k*theta0"),
]


@pytest.mark.parametrize(("givens", "name", "text"), SYMBOLIC, ids=str)
def test_symbols(givens: dict[str, str], name: str, text: str) -> None:
    assert l2_update(**givens)[name].text == text


NUMERIC = [
    ({"weights": "1,-2", "gradient": "0.5,0.5", "lr": "0.1", "decay": "0.01"}, "weights", [0.949, -2.048]),
    ({"weights": "1,2;3,4", "gradient": "0", "lr": "0.1", "decay": "0.5"}, "weights", [[0.95, 1.9], [2.85, 3.8]]),
    ({"weights": "2", "gradient": "1", "lr": "0.1", "decay": "0.5", "updates": "2"}, "weights", 1.61),
    ({"weights": "2", "gradient": "1,0.5,0.25", "lr": "0.1", "decay": "0.5"}, "weights", 1.552),
    ({"weights": "1,2", "gradient": "1,0;0,1", "lr": "0.1", "decay": "0.5"}, "weights", [0.8075, 1.705]),
    ({"weights": "1,0,0,0", "decay": "1", "penalty": "full"}, "penalty", 1),
    ({"weights": "0.25,0.25,0.25,0.25", "decay": "1", "penalty": "full"}, "penalty", 0.25),
    ({"lr": "0.1", "decay": "0.01"}, "shrink_factor", 0.999),
    ({"lr": "0.1", "decay": "0.01", "penalty": "full"}, "shrink_factor", 0.998),
    ({"weights": "2", "gradient": "1", "lr": "0.01", "decay": "0.1", "updates": "100"}, "weights", 0.857505765412),
    ({"weights": "2", "gradient": "1", "lr": "0.01", "decay": "0.1", "updates": "1000000"}, "weights", -10),
    ({"weights": "1", "gradient": "0", "lr": "0.1", "decay": "0.1", "updates": "1" + "0" * 300}, "weights", 0),
    (
        {"weights": "1", "gradient": "0.1", "lr": "1/10000", "decay": "1/10000", "updates": "10000"},
        "weights",
        0.899905004333,
    ),
    ({"weights": "1", "gradient": "0", "lr": "1", "decay": "3", "updates": "100000000"}, "weights", None),
]


@pytest.mark.parametrize(("givens", "name", "value"), NUMERIC, ids=str)
def test_values(givens: dict[str, str], name: str, value: Any) -> None:  # noqa: ANN401 (a number or nested lists)
    found = l2_update(**givens)[name].computed
    if value is None:
        assert found is None
    else:
        assert np.array(found) == pytest.approx(np.array(value), rel=1e-10, abs=1e-30)


@FAST
@given(
    st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=4),
    RATE,
    RATE,
    st.integers(0, 6),
    st.sampled_from(["half", "full"]),
)
def test_equals_gradient_descent_on_the_penalised_loss(
    pairs: list[tuple[Fraction, Fraction]], lr: Fraction, decay: Fraction, updates: int, penalty: str
) -> None:
    """The exact weights are those of the loop, however the number of updates is treated."""
    weights, gradient = [list(part) for part in zip(*pairs, strict=True)]
    solution = l2_update(weights=weights, gradient=gradient, lr=lr, decay=decay, updates=updates, penalty=penalty)
    right = descended(weights, [gradient] * updates, lr, decay, penalty)
    samples = sample(solution.setting, 0)
    for found, expected in zip(solution["weights"].value, right, strict=True):  # type: ignore[arg-type]  # a list of weights
        assert compare(found, "=", number(expected), samples).holds


@FAST
@given(st.integers(1, 9), SMALL, st.data(), RATE, RATE)
def test_takes_one_gradient_per_update(
    count: int, weight: Fraction, data: st.DataObject, lr: Fraction, decay: Fraction
) -> None:
    gradients = data.draw(st.lists(SMALL, min_size=count, max_size=count))
    solution = l2_update(weights=weight, gradient=gradients, lr=lr, decay=decay)
    right = number(descended(weight, gradients, lr, decay, "half"))
    assert compare(solution["weights"].value, "=", right, sample(solution.setting, 0)).holds  # type: ignore[arg-type]  # one weight


@FAST
@given(SMALL, SMALL, RATE, RATE, st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_updates_in_two_parts_are_the_updates_together(
    weight: Fraction, gradient: Fraction, lr: Fraction, decay: Fraction, parts: tuple[int, int]
) -> None:
    rule = {"gradient": gradient, "lr": lr, "decay": decay}
    together = l2_update(weights=weight, updates=sum(parts), **rule)
    halfway = l2_update(weights=weight, updates=parts[0], **rule).value
    later = l2_update(weights=halfway, updates=parts[1], **rule)
    assert later.value == pytest.approx(together.value, rel=1e-9, abs=1e-9)


@FAST
@given(SMALL, SMALL, RATE, RATE)
def test_the_full_penalty_is_the_half_one_of_twice_the_decay(
    weight: Fraction, gradient: Fraction, lr: Fraction, decay: Fraction
) -> None:
    full = l2_update(weights=weight, gradient=gradient, lr=lr, decay=decay, penalty="full")
    half = l2_update(weights=weight, gradient=gradient, lr=lr, decay=2 * decay)
    for name in ("weights", "shrink_factor", "gradient", "penalty"):
        assert exact(full, name) == exact(half, name)


def test_matrices_take_their_gradients_below_each_other() -> None:
    flat = l2_update(weights="1,2;3,4", gradient="1,0;0,1;2,2;3,3", lr="0.1", decay="0.5")
    rows = l2_update(weights=[[1, 2], [3, 4]], gradient=[[1, 0], [0, 1], [2, 2], [3, 3]], lr=0.1, decay=0.5, updates=2)
    right = descended([[1, 2], [3, 4]], [[[1, 0], [0, 1]], [[2, 2], [3, 3]]], Fraction(1, 10), Fraction(1, 2), "half")
    assert exact(flat) == exact(rows) == right
    assert flat["weights"].shape == [2, 2]


def test_a_list_as_long_as_the_weights_is_one_gradient() -> None:
    """Two weights, two numbers, two updates: the numbers are the gradient of both updates."""
    solution = l2_update(weights="1,2", gradient="1,0", lr="0.1", decay="0.5", updates=2)
    assert exact(solution) == descended([1, 2], [[1, 0], [1, 0]], Fraction(1, 10), Fraction(1, 2), "half")
    assert "the gradient is the same in every update" in solution.conventions


CHECKED = [
    *{str(givens): givens for givens, _, _ in (*SYMBOLIC, *NUMERIC)}.values(),
    {"weights": "2", "gradient": "1,2,3,4,5,6,7,8", "lr": "0.1", "decay": "0.5"},
    {"gradient": ",".join(f"g{i}" for i in range(1, 9))},
    {"gradient": "0,0,0"},
    {"weights": "2", "gradient": ",".join(["1/3"] * 120), "lr": "0.1", "decay": "0.5"},
    {"weights": "1,2;3,4", "gradient": "1,0;0,1;2,2;3,3"},
    {"weights": "theta1,theta2", "gradient": "a,b", "updates": "k", "lr": "epsilon", "decay": "0.1"},
    {"weights": "1", "lr": "alpha", "decay": "epsilon", "gradient": "h"},
    {"weights": "w1", "updates": "k", "gradient": "d"},
    {"weights": "W", "updates": "2k"},
    {"lr": "0.1/k", "updates": "k", "decay": "lambda/m"},
    {"weights": "exp(1)", "lr": "sqrt(2)", "gradient": "1", "decay": "0.1", "updates": "5"},
    {"weights": "b", "gradient": "sqrt(2)", "lr": "m", "decay": "c", "updates": "a"},
    {"weights": "a/b", "gradient": "exp(a)"},
    {"lr": "1", "decay": "3", "updates": "100000000"},
    {"weights": "1,2", "gradient": "0", "lr": "0.5", "decay": "5", "updates": "7"},
]


@pytest.mark.parametrize("givens", CHECKED, ids=lambda part: str(part)[:60])
def test_every_line_holds_and_reads_back(givens: dict[str, str]) -> None:
    solution = l2_update(**givens)
    assert solution.holds, [(plain(s.before), s.relation, plain(s.after), s.check) for s in solution.steps]
    samples, scope = sample(solution.setting, 1, points=6), solution.setting.scope()
    for step in solution.steps:
        for side in (step.before, step.after):
            text = plain(side)
            if "0000" in text:  # a power that is too long to compute is shown, but not read
                continue
            read = parse(text, scope)
            assert compare(read, "=", side, samples.needed_for(read, side, where=step.where)).holds  # type: ignore[arg-type]  # no lists here


@pytest.mark.parametrize("givens", CHECKED[:20], ids=str)
def test_each_derivation_ends_where_the_answer_begins(givens: dict[str, str]) -> None:
    """The last line about the weights is the answer itself, for one weight and one update or several."""
    solution = l2_update(**givens)
    value = solution["weights"].value
    shown = [
        plain(step.after)
        for step in solution.work().steps
        if step.rule in {"update", "decay", "pattern", "closed", "givens", "value"}
    ]
    while isinstance(value, tuple):
        value = value[min(len(value), 3) - 1] if not isinstance(value[0], tuple) else value[0]
    assert plain(value) in shown


def test_the_route_runs_the_updates_and_can_fail() -> None:
    solution = l2_update(weights="1,-2", gradient="0.5,0.5", lr="0.1", decay="0.01")
    (route,) = solution.work().routes
    assert isinstance(route, Route)
    samples = sample(solution.setting, 0)
    assert check_route(route, samples).holds
    assert not check_route(route._replace(value=(number(1), number(1))), samples).holds


FALSE = [
    ({}, "decay", "(1 - 2*epsilon*alpha)*theta - epsilon*g"),
    ({}, "penalty", "2*alpha*theta"),
    ({"updates": "k"}, "closed", "(1 - epsilon*alpha)^k*theta0 - k*epsilon*g"),
    ({"updates": "k"}, "geometric", "(1 - (1 - epsilon*alpha)^(k - 1))/(epsilon*alpha)"),
    ({"gradient": "0", "updates": "k"}, "pattern", "(1 - k*epsilon*alpha)*theta0"),
    ({}, "range", "epsilon*alpha*(1 - epsilon*alpha)"),
    ({}, "adaptive", "0"),
]


@pytest.mark.parametrize(("givens", "rule", "claim"), FALSE, ids=str)
def test_a_false_line_fails(givens: dict[str, str], rule: str, claim: str) -> None:
    solution = l2_update(**givens)
    step = next(step for step in solution.work().steps if step.rule == rule)
    false = Step(step.rule, step.target, step.before, parse(claim, solution.setting.scope()), "a false claim")
    assert not check_step(false, sample(solution.setting, 0)).holds


REGIMES = [
    ("0.1", "0.5", "0 < ε·α = 0.05 < 1: decay leaves 0.95 of each weight", "<"),
    ("1", "1", "ε·α = 1: decay forgets the old weights", "<"),
    ("1", "1.5", "1 < ε·α = 1.5 < 2: decay shrinks the weights, and flips their sign", "<"),
    ("1", "2", "ε·α = 2: decay only flips the sign", "="),
    ("1", "2.5", "ε·α = 2.5 > 2: decay makes the weights grow", ">"),
    ("0", "2.5", "ε·α = 0: nothing decays", "="),
]


@pytest.mark.parametrize(("lr", "decay", "said", "relation"), REGIMES, ids=str)
def test_says_which_regime_applies(lr: str, decay: str, said: str, relation: str) -> None:
    solution = l2_update(weights=1, gradient=0, lr=lr, decay=decay, updates=4)
    assert solution.notes[0].startswith(said)
    assert [step.relation for step in solution.work().steps if step.rule == "range"] == [relation]
    sizes = [abs(exact(l2_update(weights=1, gradient=0, lr=lr, decay=decay, updates=k))) for k in range(4)]
    assert all({"<": b < a or b == 0, "=": b == a, ">": b > a}[relation] for a, b in pairwise(sizes))


def test_the_regime_of_the_full_penalty_counts_the_decay_twice() -> None:
    assert l2_update(lr="0.5", decay="1", penalty="full").notes[0].startswith("2ε·α = 1")
    assert "0 < 2·ε·α < 2" in l2_update(penalty="full").notes[0]


def test_says_where_many_updates_lead() -> None:
    assert "while decay shrinks, the weights approach -g/α" in l2_update(updates="k").notes
    assert (
        "while decay shrinks, the weights approach -10"
        in l2_update(weights=2, gradient=1, lr="0.01", decay="0.1", updates=50).notes
    )
    assert any("without making them exactly 0" in note for note in l2_update(gradient=0, updates="k").notes)
    assert len(l2_update(weights=2, gradient=1, lr=1, decay=3, updates=50).notes) == 1


def test_states_its_assumptions_and_conventions() -> None:
    assert l2_update(updates="k").assumptions == ("k is a whole number, 1 or more", "α ≠ 0")
    assert l2_update(gradient=0, updates="k").assumptions == ("k is a whole number, 1 or more",)
    assert l2_update().assumptions == ()
    said = " | ".join(l2_update(weights="1,2;3,4", decay="lambda").conventions)
    for part in ("λ/2·‖θ‖²", "tr(θᵀθ)", "no gradient is given", "AdamW"):
        assert part in said
    assert said.endswith("for plain gradient descent the same")
    assert "2 gradients, one per update, the first one first" in l2_update(gradient="1,2").conventions


ERRORS = [
    (
        {"weights": "1,-2", "gradient": "1"},
        "--gradient is a single number, but the weights are a list of 2",
        "give a list of 2",
    ),
    ({"weights": "1,2", "gradient": "1,2,3"}, "--gradient is a list of 3, but the weights are a list of 2", "per row"),
    ({"weights": "1,2", "gradient": "1,2,3,4"}, "--gradient is a list of 4", "give a list of 2"),
    ({"weights": "1,2;3,4", "gradient": "1,2;3,4;5,6"}, "--gradient is 3×2, but the weights are 2×2", "give 2×2"),
    ({"gradient": "1,2;3,4"}, "--gradient is 2×2, but the weights are a single number", "give --weights"),
    (
        {"weights": "1", "gradient": "1,2", "updates": "3"},
        "2 gradients, one per update, but --updates is 3",
        "use --updates 2",
    ),
    ({"weights": "1", "gradient": "1,2", "updates": "k"}, "but --updates is k", "use --updates 2"),
    ({"lr": "-0.1"}, "lr -0.1 is less than 0", "use 0 or more"),
    ({"lr": "1 - sqrt(2)"}, "lr 1 - sqrt(2) is less than 0", "use 0 or more"),
    ({"decay": "-1"}, "decay -1 is less than 0", "use 0 or more"),
    ({"updates": "-1"}, "updates -1 is less than 0", "use 0 or more"),
    ({"updates": "1.5"}, "updates 1.5 is not a whole number", "use 1 or 2"),
    ({"penalty": "third"}, "--penalty third is not known", "half, full"),
    ({"weights": "1,2;3"}, "the rows have different lengths", "one length"),
    ({"weights": ";".join([",".join("1" * 11)] * 2)}, "no gradient is given for 2×11 weights", "--gradient 0"),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), ERRORS, ids=lambda part: str(part)[:40])
def test_refuses_with_the_condition_and_the_nearest_fix(givens: dict[str, str], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        l2_update(**givens)
    assert condition in str(refused.value)
    assert fix in str(refused.value)
    assert refused.value.exit_code == 2


CORRECT = [
    ({}, "theta - eps(g + alpha theta)"),
    ({}, "(1 - εα)θ - εg"),
    ({}, "(1 - lr lambda) W - eta g"),
    ({}, "gradient=αθ + g"),
    ({"penalty": "full"}, "shrink_factor=1 - 2 eta lambda"),
    ({"updates": "k"}, "(1 - eps alpha)^k (theta0 + g/alpha) - g/alpha"),
    ({"updates": "k"}, "(1 - eps alpha)^k theta0 - eps g sum(j, 0, k - 1, (1 - eps alpha)^j)"),
    ({"gradient": "0", "updates": "k"}, "theta_0 (1 - eps alpha)^k"),
    ({"weights": "1,-2", "gradient": "0.5,0.5", "lr": "0.1", "decay": "0.01"}, "[0.949, -2.048]"),
    ({"weights": "1,2;3,4", "gradient": "0", "lr": "0.1", "decay": "0.5"}, "0.95,1.9;2.85,3.8"),
    ({"weights": "2", "gradient": "1", "lr": "0.1", "decay": "0.5", "updates": "10"}, "2*0.95^10 - 2(1 - 0.95^10)"),
]


@pytest.mark.parametrize(("givens", "answer"), CORRECT, ids=str)
def test_accepts_equivalent_forms(givens: dict[str, str], answer: str) -> None:
    assert judge(givens, answer).correct is True


K = {"updates": "k"}
PURE = {"gradient": "0", "updates": "k"}
WRONG = [
    ({}, "(1 - 2 eps alpha) theta - eps g", "for the penalty α·‖θ‖²"),
    ({"penalty": "full"}, "(1 - eps alpha) theta - eps g", "for the penalty α/2·‖θ‖²"),
    ({}, "(1 + eps alpha) theta - eps g", "1 - ε·α, not 1 + ε·α"),
    ({}, "(1 - eps alpha) theta - g", "the learning rate multiplies g too"),
    ({}, "(1 - alpha) theta - eps g", "1 - ε·α, not 1 - α"),
    ({}, "(1 - eps alpha)(theta - eps g)", "decay takes from the old weights only"),
    ({}, "theta - eps g", "the penalty is missing"),
    ({}, "(1 - eps alpha) theta", "the gradient of the loss is missing"),
    ({}, "(1 - eps alpha) theta + eps g", "subtracted, not added"),
    ({}, "shrink_factor=eps alpha", "1 minus that"),
    ({}, "shrink_factor=1 - 2 eps alpha", "for the penalty α·‖θ‖²"),
    ({}, "shrink_factor=1 + eps alpha", "its sign is minus"),
    ({}, "shrink_factor=1 - alpha", "the learning rate multiplies"),
    ({}, "gradient=g + 2 alpha theta", "for the penalty α·‖θ‖²"),
    ({}, "gradient=g", "gradient of the penalty is missing"),
    ({}, "penalty=alpha theta^2", "for the penalty α·‖θ‖²"),
    (PURE, "k (1 - eps alpha) theta0", "a power, not k times"),
    (PURE, "(1 - k eps alpha) theta0", "not 1 - k·ε·α"),
    (PURE, "(1 - eps alpha)^(k - 1) theta0", "one update too few"),
    (PURE, "(1 - eps alpha)^(k + 1) theta0", "one update too many"),
    (K, "(1 - eps alpha)^k theta0 - k eps g", "earlier gradient steps decay too"),
    (K, "(1 - eps alpha)^k theta0 - eps g", "every update takes a gradient step"),
    (
        {"weights": "1,-2", "gradient": "0.5,0.5", "lr": "0.1", "decay": "0.01"},
        "0.948,-2.046",
        "for the penalty α·‖θ‖²",
    ),
    ({"weights": "1,-2", "gradient": "0.5,0.5", "lr": "0.1", "decay": "0.01"}, "0.949", "list of 2"),
    ({"weights": "2", "gradient": "1", "lr": "0.1", "decay": "0.5", "updates": "3"}, "1.61", "one update too few"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), WRONG, ids=str)
def test_explains_common_wrong_answers(givens: dict[str, str], answer: str, because: str) -> None:
    mark = judge(givens, answer)
    assert mark.correct is False
    assert because in mark.because


def test_no_decay_is_never_said_to_decay() -> None:
    for gradient in ("1", "1,2,3,4,5,6,7,8"):
        solution = l2_update(weights=1, gradient=gradient, decay=0, updates="k" if gradient == "1" else 8)
        assert solution.holds
        assert not any("decays" in step.because for step in solution.steps)


def test_exact_numbers_stay_exact() -> None:
    """0.1 is one tenth: thirty updates are a fraction of tenths, not a float."""
    value = l2_update(weights=1, gradient=0, lr="0.1", decay="1/3", updates=3)["weights"].value
    assert isinstance(value, Num)
    assert value.value == Fraction(29, 30) ** 3


def test_the_command_answers_first(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc("l2-update")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "weights = (1 - εα) θ - εg"
    assert (
        dlcalc(
            "l2-update", "--weights", "1,-2", "--gradient", "0.5,0.5", "--eps", "0.1", "--alpha", "0.01", "-q"
        ).stdout
        == "0.949,-2.048\n"
    )
