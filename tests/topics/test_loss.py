"""Losses: values by hand or from published examples, laws, slips, verdicts, degenerate givens."""

from __future__ import annotations

import json
import math
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, cli, loss
from dlcalc.marking import marked
from dlcalc.render import Layout, render
from dlcalc.topics.loss.kinds import KINDS, SPELLED, WRITTEN_OUT

if TYPE_CHECKING:
    from conftest import Run

    from dlcalc.solution import Solution

LN2 = math.log(2)
VALUES: list[tuple[str, dict[str, Any], float]] = [
    ("bce", {"kind": "bce", "probabilities": 0.3, "target": 1}, -math.log(0.3)),
    ("bce, y = 0", {"kind": "bce", "probabilities": 0.3, "target": 0}, -math.log(0.7)),
    ("bce, soft label", {"kind": "bce", "probabilities": 0.3, "target": 0.5}, -(math.log(0.3) + math.log(0.7)) / 2),
    ("bce from a logit", {"kind": "bce", "logits": 2, "target": 0}, math.log(1 + math.exp(2))),
    ("a huge logit", {"kind": "bce", "logits": -2000, "target": 1}, 2000.0),
    ("mean of two", {"kind": "bce", "probabilities": [0.9, 0.2], "target": [1, 0]}, 0.1642520335),
    ("sum of two", {"kind": "bce", "probabilities": [0.9, 0.2], "target": [1, 0], "reduction": "sum"}, 0.3285040670),
    ("a certain answer that is right", {"kind": "bce", "probabilities": [1, 0], "target": [1, 0]}, 0.0),
    ("pos_weight", {"kind": "bce", "probabilities": 0.5, "target": 1, "pos_weight": 3}, 3 * LN2),
    ("weights per class", {"kind": "weighted-bce", "probabilities": 0.5, "target": 0, "weights": "2,7"}, 2 * LN2),
    ("Deep-ML 134", {"kind": "ce", "probabilities": "0.7,0.2,0.1;0.3,0.6,0.1", "target": [0, 1]}, 0.4337502839),
    ("one-hot rows", {"kind": "ce", "probabilities": "0.7,0.3", "target": "1,0"}, -math.log(0.7)),
    ("from logits", {"kind": "cross-entropy", "logits": "1,2,3", "target": 1}, 1.4076059644),
    ("classes from 1", {"kind": "cross-entropy", "logits": "1,2,3", "target": 2, "first_class": 1}, 1.4076059644),
    ("logits that overflow", {"kind": "nll", "logits": "1000,0", "target": 1}, 1000.0),
    ("equal logits", {"kind": "ce", "logits": "5,5,5", "target": 0}, math.log(3)),
    ("class weights", {"kind": "ce", "probabilities": "1/2,1/2", "target": 1, "weights": "1,4"}, 4 * LN2),
    ("soft labels", {"kind": "ce", "probabilities": "1/2,1/2", "target": "0.3,0.7"}, LN2),
    ("smoothing over all", {"kind": "label-smoothing", "probabilities": "1/2,1/4,1/4", "target": 0, "smoothing": 0.3},
     0.8 * LN2 + 0.2 * 2 * LN2),
    ("smoothing over the others", {"kind": "label-smoothing", "probabilities": "1/2,1/4,1/4", "target": 0,
     "smoothing": 0.3, "spread": "others"}, 0.7 * LN2 + 0.3 * 2 * LN2),
    ("KL", {"kind": "kl", "probabilities": "1/2,1/2", "target": "1/4,3/4"},
     0.25 * math.log(0.5) + 0.75 * math.log(1.5)),
    ("reverse KL", {"kind": "kl", "probabilities": "1/2,1/2", "target": "1/4,3/4", "swap": True},
     0.5 * math.log(2) + 0.5 * math.log(2 / 3)),
    ("KL with a target of 0", {"kl": 0, "kind": "kl-div", "probabilities": "1/2,1/2", "target": "1,0"}, LN2),
    ("CS231n's hinge", {"kind": "hinge", "logits": "13,-7,11", "target": 0, "margin": 10}, 8.0),
    ("CS231n's hinge, class 2", {"kind": "multiclass-hinge", "logits": "3.2,5.1,-1.7", "target": 0}, 2.9),
    ("binary hinge", {"kind": "hinge", "logits": "0.5,-2", "target": "1,1"}, (0.5 + 3) / 2),
    ("mse", {"kind": "mse", "yhat": "1,2,3", "target": "1,1,1"}, 5 / 3),
    ("half mse", {"kind": "mse", "yhat": "1,2,3", "target": "1,1,1", "half": True}, 5 / 6),
    ("mse of a matrix", {"kind": "l2", "yhat": "1,2;3,4", "target": "0,0;0,0"}, 7.5),
    ("mse of a sigmoid", {"kind": "mse", "logits": 0, "target": 1}, 0.25),
    ("mae", {"kind": "l1", "yhat": "-1,5", "target": "1,1"}, 3.0),
    ("huber, linear", {"kind": "huber", "yhat": 3, "target": 1}, 1.5),
    ("huber, quadratic", {"kind": "smooth-l1", "yhat": 1.5, "target": 1, "delta": 2}, 0.125),
    ("cosine", {"kind": "cosine", "yhat": "3,4", "target": "4,3"}, -0.96),
    ("cosine, forged", {"kind": "cosine", "yhat": "3,4", "target": "3,4", "label": -1}, 1.0),
    ("cosine distance", {"kind": "cosine", "yhat": "1,0", "target": "0,1", "form": "distance"}, 1.0),
    ("cosine embedding", {"kind": "cosine", "yhat": "1,0", "target": "3,4", "form": "embedding", "label": -1,
     "margin": 0.5}, 0.1),
    ("focal", {"kind": "focal", "probabilities": 0.9, "target": 1, "gamma": 2}, 0.01 * -math.log(0.9)),
    ("focal, alpha", {"kind": "focal", "probabilities": 0.9, "target": 0, "gamma": 2, "alpha": 0.25},
     0.75 * 0.81 * -math.log(0.1)),
]  # fmt: skip
CASES = [
    pytest.param({k: v for k, v in options.items() if k != "kl"}, value, id=name) for name, options, value in VALUES
]


@pytest.mark.parametrize(("options", "value"), CASES)
def test_values(options: dict[str, Any], value: float) -> None:
    found = loss(**options)
    assert found["loss"].computed == pytest.approx(value, rel=1e-9)
    assert found.holds, [s for s in found.steps if s.check is None or not s.check.holds]
    assert found.checks


TEXTS = [
    ({"kind": "bce", "probabilities": "3/10", "target": 1}, "loss", "-ln(0.3)"),
    ({"kind": "bce", "logits": 0, "target": 1}, "loss", "ln(2)"),
    ({"kind": "bce", "probabilities": "3/10", "target": 1}, "dL/dz", "-0.7"),
    ({"kind": "bce", "probabilities": "3/10", "target": 1}, "dL/dp", "-10/3"),
    ({"kind": "bce", "probabilities": "g", "target": 0}, "loss", "-ln(1 - g)"),
    ({"kind": "ce", "logits": "a,b", "target": 1}, "loss", "-(b - logsumexp(a, b))"),
    ({"kind": "ce", "probabilities": "1/2,1/4,1/4", "target": 0}, "dL/dz", "-0.5,0.25,0.25"),
    ({"kind": "ce", "logits": "0,ln(3)", "target": 0}, "p", "0.25,0.75"),
    ({"kind": "bce"}, "dL/dz", "p - y"),
    ({"kind": "cross-entropy"}, "dL/dz", "p - y"),
    ({"kind": "mse"}, "dL/dp", "2(p - y)"),
    ({"kind": "mse", "half": True}, "dL/dp", "p - y"),
    ({"kind": "hinge"}, "dL/dz", "-y 1(1 - y z > 0)"),
    ({"kind": "bce", "probabilities": "g", "target": "t"}, "dL/dz", "g - t"),
]


@pytest.mark.parametrize(("options", "name", "text"), TEXTS)
def test_exact_and_in_letters(options: dict[str, Any], name: str, text: str) -> None:
    found = loss(**options)
    assert found[name].text.replace(" ", "") == text.replace(" ", "")
    assert found.holds


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_formula_and_gradients(kind: str) -> None:
    found = loss(kind=kind)
    assert found["loss"].text
    assert any(answer.name.startswith("dL/d") for answer in found.answers)
    assert found.holds


SCORES = st.lists(st.integers(-30, 30).map(lambda n: n / 10), min_size=2, max_size=4)


def _softmax(z: list[float]) -> Any:  # noqa: ANN401 (an array)
    e = np.exp(np.array(z) - max(z))
    return e / e.sum()


@given(z=SCORES, which=st.integers(0, 3))
def test_the_gradient_to_logits_is_p_minus_y(z: list[float], which: int) -> None:
    true = which % len(z)
    found = loss(kind="cross-entropy", logits=z, target=true)
    assert found["loss"].computed == pytest.approx(-np.log(_softmax(z)[true]))
    assert found["dL/dz"].computed == pytest.approx(_softmax(z) - np.eye(len(z))[true], abs=1e-12)


@given(z=SCORES, shift=st.integers(-50, 50))
def test_a_shift_of_all_logits_changes_nothing(z: list[float], shift: int) -> None:
    before = loss(kind="nll", logits=z, target=0)["loss"].computed
    after = loss(kind="nll", logits=[v + shift for v in z], target=0)["loss"].computed
    assert after == pytest.approx(before, abs=1e-9)


@given(z=SCORES, y=st.integers(0, 1))
def test_bce_is_the_cross_entropy_of_two_classes(z: list[float], y: int) -> None:
    two = loss(kind="ce", logits=[0, z[0]], target=y)["loss"].computed
    assert loss(kind="bce", logits=z[0], target=y)["loss"].computed == pytest.approx(two)


@given(rows=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 1)), min_size=1, max_size=5))
def test_the_mean_divides_loss_and_gradient(rows: list[tuple[int, int]]) -> None:
    p, y = [n / 10 for n, _ in rows], [t for _, t in rows]
    mean, total = (loss(kind="bce", probabilities=p, target=y, reduction=r) for r in ("mean", "sum"))
    assert mean["loss"].computed * len(rows) == pytest.approx(total["loss"].computed)  # type: ignore[operator]
    assert np.array(mean["dL/dp"].computed) * len(rows) == pytest.approx(np.array(total["dL/dp"].computed))


# marking

BATCH: dict[str, Any] = {"kind": "bce", "probabilities": "0.9,0.2", "target": "1,0"}
ONE: dict[str, Any] = {"kind": "ce", "logits": "1,2,3", "target": 1}
SLIPS = [
    (BATCH, "0.328504", "that is the sum"),
    (BATCH, "-0.164252", "minus"),
    (BATCH, "0.236966", "base 2"),
    (BATCH, "0.071334", "base 10"),
    (BATCH, "dL/dp=-10/9,5/4", "divides by 2"),
    (ONE, "2.407606", "the class before"),
    (ONE, "dL/dz=-0.0900306,0.755272,-0.665241", "sign"),
    ({"kind": "ce", "logits": "1,2,3", "target": 1}, "-0.693147", "softmax is missing"),
    ({"kind": "kl", "probabilities": "1/2,1/2", "target": "1/4,3/4"}, "0.143841", "swapped"),
    ({"kind": "kl", "probabilities": "1/2,1/2", "target": "1/4,3/4"}, "ln(2)", "cross-entropy"),
    ({"kind": "mse", "yhat": "1,3", "target": "0,0"}, "2.5", "1/2"),
    ({"kind": "hinge", "logits": "13,-7,11", "target": 0, "margin": 10}, "18", "true class"),
    ({"kind": "label-smoothing", "probabilities": "1/2,1/4,1/4", "target": 0, "smoothing": 0.3}, "0.901091", "other"),
    ({"kind": "weighted-bce", "probabilities": 0.2, "target": 1, "alpha": 3, "beta": 5}, "5ln(5)", "swapped"),
]


@pytest.mark.parametrize(("options", "answer", "because"), SLIPS)
def test_slips_are_explained(options: dict[str, Any], answer: str, because: str) -> None:
    (mark,) = marked(loss(**options), [answer]).marks
    assert mark.correct is False
    assert because in mark.because


RIGHT = [
    (ONE, "log(exp(1) + exp(2) + exp(3)) - 2"),
    (ONE, "1.4076"),
    ({"kind": "bce"}, "-(y*log(p) + (1-y)*log(1-p))"),
    ({"kind": "bce"}, "dL/dz=sigmoid(z) - y"),
    ({"kind": "bce"}, "loss=softplus(z) - y z"),
    ({"kind": "cross-entropy"}, "dL/dz=softmax(z) - y"),
    ({"kind": "cross-entropy"}, "loss=logsumexp(z) - y^T z"),
    ({"kind": "weighted-bce", "alpha": "alpha", "probabilities": "g"}, "-(alpha*y*log(g) + (1-y)*log(1-g))"),
    ({"kind": "bce", "probabilities": "g", "target": 1}, "-log(g)"),
]


@pytest.mark.parametrize(("options", "answer"), RIGHT)
def test_equivalent_forms_are_right(options: dict[str, Any], answer: str) -> None:
    assert marked(loss(**options), [answer]).marks[0].correct


# verdicts, likelihoods, the start

VERDICTS = [
    ("nll", "likelihood", "yes"),
    ("nll", "maximum likelihood", "yes"),
    ("nll", "cross-entropy", "yes"),
    ("cross-entropy", "kl", "yes"),
    ("bce", "cross-entropy", "yes"),
    ("bce", "likelihood", "yes"),
    ("mse", "half-mse", "yes"),
    ("nll", "mse", "no"),
    ("mse", "likelihood", "no"),
    ("cross-entropy", "label-smoothing", "no"),
    ("mse", "mae", "no"),
    ("mse", "huber", "no"),
    ("bce", "mse", "no"),
    ("kl", "mae", "no"),
]


@pytest.mark.parametrize(("kind", "other", "word"), VERDICTS)
def test_which_losses_have_the_same_minimum(kind: str, other: str, word: str) -> None:
    found = loss(kind=kind, equivalent=other)
    assert found["equivalent"].text == word
    assert found.steps
    assert found.holds
    assert marked(found, ["no" if word == "yes" else "yes"]).marks[0].correct is False


LIKELIHOODS = [
    ("gaussian", "mse", "nll=(y - f)^2/(2 v) + ln(2 pi v)/2"),
    ("normal", "mse", "loss=sum(i,1,n,(y[i]-f[i])^2)"),
    ("laplace", "mae", "nll=abs(y - f)/b + ln(2 b)"),
    ("bernoulli", "bce", "nll=-(y ln(p) + (1 - y) ln(1 - p))"),
    ("categorical", "cross-entropy", "nll=-ln(p)"),
    ("poisson", "poisson", "dependent=sum(i,1,n,f[i] - y[i] ln(f[i]))"),
    ("von-mises", "cosine", "loss=-sum(i,1,n,cos(y[i]-f[i]))"),
    ("von-mises", "cosine", "dependent=-kappa sum(i,1,n,cos(y[i]-f[i]))"),
]


@pytest.mark.parametrize(("name", "equals", "answer"), LIKELIHOODS)
def test_likelihoods(name: str, equals: str, answer: str) -> None:
    found = loss(kind="nll", likelihood=name)
    assert found["equivalent"].text == equals
    assert found.holds
    assert marked(found, [answer]).marks[0].correct


def test_a_gaussian_of_given_variance() -> None:
    found = loss(kind="nll", likelihood="gaussian", variance=2)
    assert found.holds
    assert marked(found, ["nll=(y-f)^2/4 + ln(4 pi)/2", "dL/df=(f - y)/2"]).marks[1].correct


STARTS = [
    ({"kind": "cross-entropy", "classes": 10}, math.log(10)),
    ({"kind": "nll", "classes": 1000}, math.log(1000)),
    ({"kind": "label-smoothing", "classes": 4}, math.log(4)),
    ({"kind": "bce"}, LN2),
    ({"kind": "hinge", "classes": 10}, 9),
    ({"kind": "hinge"}, 1),
    ({"kind": "multiclass-hinge", "classes": 3, "margin": 2}, 4),
]


@pytest.mark.parametrize(("options", "value"), STARTS)
def test_the_first_loss(options: dict[str, Any], value: float) -> None:
    found = loss(**options, untrained=True)
    assert found["loss"].computed == pytest.approx(value)
    assert found.holds


def test_the_first_loss_in_letters() -> None:
    found = loss(kind="cross-entropy", untrained=True)
    assert found["loss"].text == "ln(C)"
    assert found.holds


SHIFTS = [
    ({"kind": "nll", "shift": "c"}, "yes"),
    ({"kind": "nll", "logits": "1,2,3", "target": 2, "shift": -3}, "yes"),
    ({"kind": "bce", "shift": 3}, "no"),
    ({"kind": "bce", "shift": 0}, "yes"),
    ({"kind": "bce", "logits": 1, "shift": -2}, "no"),
]


@pytest.mark.parametrize(("options", "word"), SHIFTS)
def test_shifts(options: dict[str, Any], word: str) -> None:
    found = loss(**options)
    assert found["unchanged"].text == word
    assert found.holds


# bad input

REFUSED = [
    ({"kind": "focl"}, "focal"),
    ({"kind": "bce", "probabilities": 1.2, "target": 1}, "1.2 is not between 0 and 1"),
    ({"kind": "bce", "probabilities": 0.5, "target": 2}, "target 2"),
    ({"kind": "bce", "probabilities": 0, "target": 1}, "infinite"),
    ({"kind": "bce", "probabilities": [0.5, 1], "target": [1, 0]}, "of example 2 is infinite"),
    ({"kind": "bce", "probabilities": [0.5, 0.4], "target": [1, 0, 1]}, "list of 2"),
    ({"kind": "bce", "probabilities": 0.5}, "target is missing"),
    ({"kind": "bce", "target": 1}, "predictions are missing"),
    ({"kind": "bce", "probabilities": 0.5, "logits": 0, "target": 1}, "both given"),
    ({"kind": "ce", "probabilities": "0.5,0.4", "target": 0}, "sum to 0.9, not to 1"),
    (
        {"kind": "ce", "probabilities": "0.5,0.5", "target": 2},
        "classes 0 to 1; use a class from 0 to 1, or --first-class 1",
    ),
    ({"kind": "ce", "probabilities": "0.5,0.5", "target": 0.5}, "is not one of"),
    ({"kind": "ce", "probabilities": "0.5,0.5", "target": "0.5,0.6"}, "the target sums to 1.1"),
    ({"kind": "ce", "probabilities": "0,1", "target": 0}, "infinite"),
    ({"kind": "ce", "probabilities": 0.5, "target": 0}, "takes a list"),
    ({"kind": "ce", "probabilities": "0.5,0.5", "target": 0, "weights": "1,2,3"}, "3 class weights"),
    ({"kind": "ce", "logits": "1,2;3,4", "target": "0,1,1"}, "2×2"),
    ({"kind": "hinge", "logits": "1,2", "target": "0,1"}, "write -1 for 0"),
    ({"kind": "cosine", "yhat": "0,0", "target": "1,0"}, "zero vector"),
    ({"kind": "cosine", "yhat": "1,0", "target": "1,0", "label": 2}, "not 1 or -1"),
    ({"kind": "mse", "yhat": 1, "target": 0, "gamma": 2}, "--gamma does not go"),
    ({"kind": "label-smoothing", "logits": "1,2", "target": 0, "smoothing": 2}, "between 0 and 1"),
    ({"kind": "kl", "probabilities": "0,1", "target": "1/2,1/2"}, "infinite"),
    ({"kind": "mse", "untrained": True}, "equal logits"),
    ({"kind": "nll", "equivalent": "nll"}, "itself"),
    ({"kind": "nll", "equivalent": "msee"}, "did you mean mse"),
    ({"kind": "mse", "equivalent": "hinge"}, "scores"),
    ({"kind": "nll", "likelihood": "gausian"}, "did you mean gaussian"),
    ({"kind": "nll", "likelihood": "gaussian", "variance": 0}, "variance is 0"),
    ({"kind": "nll", "likelihood": "poisson", "equivalent": "mse"}, "two questions"),
    ({"kind": "bce", "probabilities": "y"}, "letter y"),
    ({"kind": "mse", "shift": 1}, "no softmax"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_refuses(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        loss(**options)
    assert said in str(refused.value)
    assert refused.value.fix


def test_every_synonym_names_a_kind() -> None:
    for word, name in SPELLED.items():
        assert loss(kind=word.replace("-", "_").upper())["loss"].text == loss(kind=name)["loss"].text


def test_the_number_of_digits_is_bounded() -> None:
    found: Solution = loss(kind="mse", yhat=[str(10**20)] * 3, target=[0, 1, 2])
    assert found.holds


def test_json_has_exact_and_computed_values() -> None:
    found = json.loads(render(loss(**ONE), "json", Layout()))
    first = found["answers"][0]
    assert (first["name"], first["text"]) == ("loss", "-(2 - logsumexp(1, 2, 3))")
    assert first["value"] == pytest.approx(1.4076059644)


def test_the_command_prints_the_loss_alone(dlcalc: Any) -> None:  # noqa: ANN401 (a fixture)
    done: Run = dlcalc("loss", "--kind", "bce", "-p", "0.3", "-y", "1", "-q")
    assert (done.returncode, done.stdout) == (0, "1.2039728043259361\n")


@pytest.mark.parametrize("name", sorted(WRITTEN_OUT))
def test_a_loss_that_is_no_kind_says_how_to_ask_for_it(name: str) -> None:
    with pytest.raises(DlcalcError, match="write it out") as refusal:
        loss(kind=f"{name} loss")
    command = shlex.split(refusal.value.fix.partition("dlcalc ")[2])
    assert cli.run([*command, "-q"]) == 0


def test_a_likelihood_and_an_untrained_network_need_no_kind() -> None:
    assert loss(likelihood="poisson")["equivalent"].text == "poisson"
    assert loss(untrained=True, classes=10)["loss"].text == "ln(10)"
    with pytest.raises(DlcalcError, match="--kind is missing; use mse"):
        loss(logits="1,2,3", target=0)
