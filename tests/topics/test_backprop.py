"""`dlcalc backprop`: derivations as on paper, numbers, updates, marking with the slip behind a wrong answer, errors."""

from __future__ import annotations

# ruff: noqa: ANN401, E501, N806 (values of any kind; rows of tables; names as in the programs)
import json
import re
import subprocess
import sys
from fractions import Fraction
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest

import dlcalc
from dlcalc import cli
from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RESIDUAL = "h1 = relu(W1 x + b1) + Ws x; z = W2 h1 + b2; L = 1/2 ||z - y||^2"
SHARED = "W in R^(n x n); x, y in R^n; h = tanh(W x); z = W h; L = 1/2 ||z - y||^2"
LINE = "x in R^n; y in R; z = w^T x; L = 1/2 (z - y)^2"
BATCH = "w in R^(1 x k); X in R^(k x m); y in R^(1 x m); L = 1/m ||w X - y||^2"
SCHEMA = json.loads((resources.files("dlcalc") / "solution.schema.json").read_text("utf-8"))


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process."""
    code = cli.run(["backprop", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def answers(program: str, **given: Any) -> dict[str, str]:
    return {answer.name: answer.text for answer in dlcalc.backprop(program=program, **given).answers}


def values(program: str, **given: Any) -> dict[str, Any]:
    return {answer.name: answer.computed for answer in dlcalc.backprop(program=program, **given).answers}


# the derivation


def test_the_derivation_of_a_residual_block_reads_as_on_paper(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, RESIDUAL, "--wrt", "W1,Ws,x", "--format", "plain")
    assert code == 0
    lines = [line.split("  [")[0].split(". ", 1)[1] for line in out.splitlines() if line[:1].isdigit()]
    assert lines == [
        "a1 = W1 x + b1",
        "h1 = relu(a1) + Ws x",
        "z = W2 h1 + b2",
        "L = 1/2 ||z - y||^2",
        "delta_z = z - y",
        "delta_h1 = W2^T delta_z",
        "delta_a1 = delta_h1 .* 1(a1 > 0)",
        "delta_W1 = delta_a1 x^T",
        "delta_x_via_h1 = Ws^T delta_h1",
        "delta_x_via_a1 = W1^T delta_a1",
        "delta_x = Ws^T delta_h1 + W1^T delta_a1",
        "delta_Ws = delta_h1 x^T",
        "delta_W1 = (W2^T (z - y) .* 1(W1 x + b1 > 0)) x^T",
        "delta_Ws = W2^T (z - y) x^T",
        "delta_x = Ws^T W2^T (z - y) + W1^T (W2^T (z - y) .* 1(W1 x + b1 > 0))",
    ]
    assert "law of total derivatives" in out
    assert "relu'(0) = 0" in out
    assert "FAILED" not in out


def test_every_line_has_a_rule_a_shape_and_a_check() -> None:
    found = dlcalc.backprop(program=RESIDUAL, wrt="W1,Ws,x")
    assert found.holds
    assert all(step.check is not None and step.check.holds and step.check.points for step in found.steps)
    assert [check.holds for check in found.checks] == [True, True]
    assert "complex step" in found.checks[0].method
    assert "central differences of order 4" in found.checks[1].method
    rules = {(step.target.plain, step.rule): step for step in found.steps}  # type: ignore[union-attr]  # formulas
    assert rules["delta_W1", "chain rule"].shape == ("m", "n")
    assert rules["delta_a1", "chain rule"].shape == ("m",) or rules["delta_a1", "chain rule"].shape == ("m", 1)
    assert ("delta_x", "sum over paths") in rules
    assert ("delta_x", "in the given names") in rules


def test_json_holds_to_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    for extra in ((), ("--answer", "W1=delta_a1 x^T"), ("--lr", "0.1"), ("--layout", "numerator"), ("--no-steps",)):
        _, out, _ = ask(capsys, RESIDUAL, "--wrt", "W1", "--json", *extra)
        jsonschema.validate(json.loads(out), SCHEMA)
    _, out, _ = ask(capsys, "z = W x; L = ||z||^2", "--at", "W=[1,2;3,4],x=[5,6]", "--json")
    found = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    assert found["answers"][0] == {**found["answers"][0], "name": "dL/dW", "value": [[170, 204], [390, 468]]}


# what is asked


@pytest.mark.parametrize(
    ("program", "given", "expected"),
    [
        (RESIDUAL, {}, ["dL/dW1", "dL/db1", "dL/dWs", "dL/dW2", "dL/db2"]),
        ("f = (x + y) z", {"at": "x=1,y=2,z=3"}, ["df/dx", "df/dy", "df/dz"]),
        ("L = ||x||^2", {}, ["dL/dx"]),
        (LINE, {}, ["dL/dw"]),
        ("y in onehot(C); p = softmax(W x + b); L = -y^T log(p)", {}, ["dL/dW", "dL/db"]),
        ("h = tanh(theta x); L = ||h||^2; x in R^n; theta in R", {}, ["dL/dtheta"]),
        (RESIDUAL, {"wrt": "h1, x"}, ["dL/dh1", "dL/dx"]),
        (RESIDUAL, {"wrt": "dL/dW1;δ_z"}, ["dL/dW1", "dL/dz"]),
        (RESIDUAL, {"wrt": "W₁,W1"}, ["dL/dW1"]),
        ("a = W x; L = 1/2 ||a||^2; k = 3 L", {"loss": "L", "wrt": "W"}, ["dL/dW"]),
        ("a = W x; L = 1/2 ||a||^2; k = 3 L", {"wrt": "W"}, ["dk/dW"]),
        ("h = relu(W x)", {"upstream": "h=d"}, ["dL/dW"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_which_gradients_are_given(program: str, given: dict[str, Any], expected: list[str]) -> None:
    principal = dlcalc.backprop(program=program, **given)
    assert [
        answer.name for answer in principal.answers if answer.name.startswith("d") and "/" in answer.name
    ] == expected


def test_a_loss_in_the_middle() -> None:
    assert answers("a = W x; L = 1/2 ||a||^2; k = 3 L", loss="L", wrt="W") == {"dL/dW": "a x^T"}


def test_upstream_takes_the_place_of_the_loss() -> None:
    assert answers("W in R^(m x n); h = relu(W x)", upstream="h=d", wrt="W,x") == {
        "dL/dW": "(d .* 1(W x > 0)) x^T",
        "dL/dx": "W^T (d .* 1(W x > 0))",
    }
    found = values("q = x + y; f = q z", upstream="f=2", wrt="x,z", at="x=-2,y=5,z=-4")
    assert (found["dL/dx"], found["dL/dz"]) == (-8, 6)


def test_upstream_in_an_expression_and_with_data() -> None:
    assert answers("W in R^(m x n); t in R^m; z = W x + 0 t", upstream="z = z - t", wrt="x") == {"dL/dx": "W^T (z - t)"}
    found = values("z = W x", upstream="z=d", wrt="W", at={"W": [[1, 2]], "x": [3, 4], "d": 5})
    assert found["dL/dW"] == [[15, 20]]


def test_numerator_layout_transposes() -> None:
    assert answers(RESIDUAL, wrt="h1,W2", layout="numerator") == {"dL/dh1": "(z - y)^T W2", "dL/dW2": "h1 (z - y)^T"}
    found = values("z = W x; L = sum(z)", wrt="W,x", layout="numerator", at="W=[1,2;3,4],x=[5,6]")
    assert found["dL/dW"] == [[5, 5], [6, 6]]
    assert found["dL/dx"] == [[4, 6]]


def test_numerator_layout_is_stated() -> None:
    assert any("numerator" in c for c in dlcalc.backprop(program="L = ||x||^2", layout="numerator").conventions)
    assert any("denominator" in c for c in dlcalc.backprop(program="L = ||x||^2").conventions)


def test_one_hot_is_an_assumption_that_is_printed() -> None:
    softmax = "p = softmax(z); L = -y^T log(p)"
    declared = dlcalc.backprop(program=f"y in onehot(C); {softmax}", wrt="z")
    assert declared.answers[0].text == "p - y"
    assert declared.assumptions == ("y is one-hot: its entries are 0, but for one 1",)
    general = dlcalc.backprop(program=softmax, wrt="z")
    assert general.answers[0].text == "sum(y) p - y"
    assert general.assumptions == ()


def test_a_name_that_does_not_matter_has_gradient_zero() -> None:
    found = dlcalc.backprop(program="u, x in R^n; L = ||x||^2", wrt="u")
    assert found.answers[0].text == "zeros(n)"
    assert "u does not influence L: its gradient is 0" in found.notes


# numbers


def test_rational_numbers_stay_rational() -> None:
    found = answers("f = (x + y) z", at="x=-2,y=5,z=-4")
    assert found == {"df/dx": "-4", "df/dy": "-4", "df/dz": "3", "f": "-12"}
    assert answers("L = (w x - 1)^2/3", at={"w": 0.1, "x": "1/2"}, wrt="w")["dL/dw"] == "-19/60"


def test_a_kink_is_stated() -> None:
    found = dlcalc.backprop(program="L = relu(x)", at="x=0")
    assert found.answers[0].text == "0"
    assert any("kink" in note for note in found.notes)
    assert "relu'(0) = 0" in found.conventions


def test_steps_of_gradient_descent_are_exact() -> None:
    program = {"program": "z = w x; L = (z - y)^2", "wrt": "w", "at": "w=1,x=2,y=5"}
    assert answers(**program, lr="0.1")["w_new"] == "2.2"
    found = {a.name: a.value for a in dlcalc.backprop(**program, lr="0.1", updates=2).answers}
    assert str(found["w_new"]) == "2.44"
    assert [str(v) for v in found["losses"]] == ["9", "0.36", "0.0144"]


def test_many_updates_agree_with_a_loop_of_fractions() -> None:
    w, rate = Fraction(3), Fraction(1, 10)
    for _ in range(7):
        w -= rate * 2 * (w - Fraction(1, 3))
    found = dlcalc.backprop(program="L = (w - 1/3)^2", at="w=3", lr="0.1", updates=7)
    assert next(a.value.value for a in found.answers if a.name == "w_new") == w


def test_an_update_moves_all_parameters_at_once() -> None:
    found = answers("L = a b", at="a=2,b=3", wrt="a,b", lr="1/2")
    assert (found["a_new"], found["b_new"]) == ("0.5", "2")


def test_an_update_in_letters() -> None:
    found = answers("z = W x; L = 1/2 ||z - y||^2", wrt="W", lr="eta")
    assert found["W_new"] == "W - eta (z - y) x^T"


# against NumPy written by hand


def listed(**arrays: Any) -> dict[str, Any]:
    return {name: array.tolist() for name, array in arrays.items()}


def assert_close(found: dict[str, Any], **right: Any) -> None:
    for name, value in right.items():
        assert np.asarray(found[f"dL/d{name}"], dtype=float) == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_a_residual_block_by_hand() -> None:
    r = np.random.default_rng(1)
    W1, Ws, W2 = r.normal(size=(4, 3)), r.normal(size=(4, 3)), r.normal(size=(2, 4))
    b1, b2, x, y = (r.normal(size=n) for n in (4, 2, 3, 2))
    a = W1 @ x + b1
    dz = W2 @ (np.maximum(a, 0) + Ws @ x) + b2 - y
    dh = W2.T @ dz
    da = dh * (a > 0)
    at = listed(W1=W1, Ws=Ws, W2=W2, b1=b1, b2=b2, x=x, y=y)
    found = values(RESIDUAL, at=at, wrt="W1,Ws,W2,b1,b2,x")
    assert_close(
        found, W1=np.outer(da, x), Ws=np.outer(dh, x), b1=da, b2=dz, x=W1.T @ da + Ws.T @ dh,
        W2=np.outer(dz, np.maximum(a, 0) + Ws @ x),
    )  # fmt: skip
    assert found["L"] == pytest.approx(dz @ dz / 2)


def test_a_batch_with_softmax_by_hand() -> None:
    r = np.random.default_rng(2)
    W, X, b = r.normal(size=(3, 2)), r.normal(size=(2, 5)), r.normal(size=3)
    Y = np.eye(3)[:, [0, 2, 1, 1, 0]]
    Z = W @ X + b[:, None]
    P = np.exp(Z) / np.exp(Z).sum(axis=0)
    D = (P - Y) / 5
    program = (
        "W in R^(C x k); X in R^(k x m); b in R^C; Y in onehot(C x m);"
        "Z = W X + b ones(m)^T; P = softmax(Z, 0); L = -1/m sum(Y .* log(P))"
    )
    found = values(program, at=listed(W=W, X=X, b=b, Y=Y), wrt="W,b,X")
    assert_close(found, W=D @ X.T, b=D.sum(axis=1), X=W.T @ D)


def test_two_steps_of_a_recurrent_network_by_hand() -> None:
    r = np.random.default_rng(3)
    U, V, x1, x2, h0, y = (r.normal(size=s) for s in ((3, 3), (3, 2), 2, 2, 3, 3))
    h1 = np.tanh(U @ h0 + V @ x1)
    h2 = np.tanh(U @ h1 + V @ x2)
    d2 = (h2 - y) * (1 - h2**2)
    d1 = (U.T @ d2) * (1 - h1**2)
    program = "h1 = tanh(U h0 + V x1); h2 = tanh(U h1 + V x2); L = 1/2 ||h2 - y||^2"
    found = values(program, at=listed(U=U, V=V, x1=x1, x2=x2, h0=h0, y=y), wrt="U,V,h0")
    assert_close(found, U=np.outer(d2, h1) + np.outer(d1, h0), V=np.outer(d2, x2) + np.outer(d1, x1), h0=U.T @ d1)


def test_a_siamese_network_by_hand() -> None:
    r = np.random.default_rng(4)
    W, x, q = r.normal(size=(3, 4)), r.normal(size=4), r.normal(size=4)
    a, b = W @ x, W @ q
    na, nb = np.linalg.norm(a), np.linalg.norm(b)
    s = a @ b / (na * nb)
    da, db = b / (na * nb) - s * a / na**2, a / (na * nb) - s * b / nb**2
    found = values("a = W x; b = W q; L = 1 - cossim(a, b)", at=listed(W=W, x=x, q=q), wrt="W,x")
    assert_close(found, W=-np.outer(da, x) - np.outer(db, q), x=-W.T @ da)


def test_gelu_at_given_numbers() -> None:
    found = values("L = gelu(x)", at="x=1")
    assert found["dL/dx"] == pytest.approx(0.8413447460685429 + 0.24197072451914337)


# marking

RIGHT = [
    (RESIDUAL, "W1=(1(W1 x + b1 > 0) .* (W2^T (z - y))) x^T"),
    (RESIDUAL, "dL/dW1 = δ_a1 xᵀ"),
    (RESIDUAL, "W1=(δ_h1 ⊙ 1(a1 > 0)) xᵀ"),
    (RESIDUAL, "W1=diag(1(a1 > 0)) W2^T delta_z x^T"),
    (RESIDUAL, "x=(W1^T diag(1(a1 > 0)) + Ws^T) W2^T (W2 h1 + b2 - y)"),
    (RESIDUAL, "b2=-(y - z)"),
    (SHARED, "W=delta_z h^T + (W^T delta_z .* (1 - h.^2)) x^T"),
    (SHARED, "W=(h delta_z^T + x delta_a^T)^T"),
    (LINE, "w=(z - y) x"),
    (LINE, "w=x delta_z"),
    (LINE, "w=x delta_z^T"),
    (LINE, "w=delta_z x"),
    (LINE, "w=x (x^T w - y)"),
    (BATCH, "w=2/m (w X - y) X^T"),
    ("a, b in R; L = sigmoid(a b)", "a=b L (1 - L)"),
    ("z in R; L = tanh(z)", "z=1 - (2 sigmoid(2 z) - 1)^2"),
]
WRONG = [
    ("sign", RESIDUAL, "W1=-delta_a1 x^T", "the sign is reversed"),
    ("sign of a difference", RESIDUAL, "b2=y - z", "the sign is reversed"),
    ("sign of a path", RESIDUAL, "x=W1^T delta_a1 - Ws^T delta_h1", "the sign of the path to x through h₁ is reversed"),
    ("transpose", RESIDUAL, "W1=x delta_a1^T", "your gradient is n×m, W1 is m×n: transposed?"),
    ("transpose of a square", SHARED, "W=h delta_z^T + x delta_a^T", "it is transposed"),
    ("a row for a column", LINE, "w=x^T delta_z", "transposed?"),
    ("two", RESIDUAL, "b2=2 (z - y)", "a factor 2 too much"),
    ("half", "L = ||x||^2", "x=x", "a factor 2 is missing"),
    ("half forgotten", "L = 1/2 ||x||^2", "x=2 x", "a ½ is forgotten"),
    ("indicator", RESIDUAL, "W1=delta_h1 x^T", "the indicator 1(a₁ > 0) is forgotten"),
    ("indicator, in full", RESIDUAL, "W1=W2^T (z - y) x^T", "the indicator 1(a₁ > 0) is forgotten"),
    ("derivative of tanh", SHARED, "W=delta_z h^T + (W^T delta_z) x^T", "1 - h.^2 is forgotten"),
    ("order", RESIDUAL, "W1=x^T delta_a1", "the shapes do not go together: x^T delta_a1: x^T is 1×n but delta_a1 has m rows"),
    ("a transpose inside", RESIDUAL, "W1=(W2 (z - y)) x^T", "the shapes do not go together"),
    ("path", SHARED, "W=delta_z h^T", "the path to W through a is forgotten"),
    ("other path", SHARED, "W=delta_a x^T", "the path to W through z is forgotten"),
    ("path of a residual", RESIDUAL, "x=Ws^T delta_h1", "the path to x through a₁ is forgotten"),
    ("sum instead of mean", BATCH, "w=2 (w X - y) X^T", "sum instead of mean"),
    ("mean twice", BATCH, "w=2/m^2 (w X - y) X^T", "mean instead of sum"),
    ("mean instead of sum", "u in R^n; L = ||u||^2", "u=2/n u", "mean instead of sum"),
    ("another gradient", RESIDUAL, "W1=delta_h1 x^T .* 0 + delta_h1 x^T", "the indicator"),
    ("no slip", RESIDUAL, "b2=z", "the correct value is"),
]  # fmt: skip


def marked(capsys: pytest.CaptureFixture[str], program: str, answer: str) -> tuple[int, dict[str, Any], str]:
    name = answer.partition("=")[0].strip().removeprefix("dL/d")
    code, out, err = ask(capsys, program, "--wrt", name, "--json", "--no-steps", "--answer", answer)
    return code, (json.loads(out)["marks"][0] if out else {}), err


@pytest.mark.parametrize(("program", "answer"), RIGHT, ids=[answer for _, answer in RIGHT])
def test_a_right_answer_in_any_form_is_correct(capsys: pytest.CaptureFixture[str], program: str, answer: str) -> None:
    code, mark, err = marked(capsys, program, answer)
    assert (code, mark.get("correct")) == (0, True), (mark, err)


@pytest.mark.parametrize(("program", "answer", "slip"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_answer_names_its_slip(
    capsys: pytest.CaptureFixture[str], program: str, answer: str, slip: str
) -> None:
    code, mark, err = marked(capsys, program, answer)
    assert (code, mark.get("correct")) == (1, False), (mark, err)
    assert slip in mark["because"].replace("1 - h.²", "1 - h.^2")


def test_a_counterexample_is_in_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    _, mark, _ = marked(capsys, "L = x^2; x in R", "x=x")
    found = mark["counterexample"]
    assert float(found["correct"]) == pytest.approx(2 * float(found["given"]), rel=1e-4)
    assert float(found["given"]) == pytest.approx(float(found["x"]), rel=1e-3)
    _, mark, _ = marked(capsys, RESIDUAL, "b2=z")
    assert mark["counterexample"]["entry"].startswith("entry [")


@pytest.mark.parametrize(
    ("program", "at", "answer", "correct"),
    [
        ("f = (x + y) z", "x=-2,y=5,z=-4", "x=-4", True),
        ("f = (x + y) z", "x=-2,y=5,z=-4", "x=4", False),
        ("f = (x + y) z", "x=-2,y=5,z=-4", "x=-4.0", True),
        ("z = W x; L = 1/2 ||z||^2", "W=[1,2;3,4],x=[1,1]", "W=[3,3;7,7]", True),
        ("z = W x; L = 1/2 ||z||^2", "W=[1,2;3,4],x=[1,1]", "W=[[3,3],[7,7]]", True),
        ("z = W x; L = 1/2 ||z||^2", "W=[1,2;3,4],x=[1,1]", "W=[3,7;3,7]", False),
        ("z = W x; L = 1/2 ||z||^2", "W=[1,2;3,4],x=[1,1]", "x=[24,34]", True),
        ("z = W x; L = 1/2 ||z||^2", "W=[1,2;3,4],x=[1,1]", "x=24,34", True),
        ("z = W x; L = 1/2 ||z||^2", "W=[1,2;3,4],x=[1,1]", "x=[24,34,1]", False),
        ("L = sigmoid(x)", "x=0", "x=1/4", True),
        ("L = sigmoid(x)", "x=1", "x=0.1966", True),
        ("L = sigmoid(x)", "x=1", "x=0.1967", False),
        ("L = sigmoid(x)", "x=1", "x=L (1 - L)", True),
    ],
)
def test_numbers_are_marked(
    capsys: pytest.CaptureFixture[str], program: str, at: str, answer: str, *, correct: bool
) -> None:
    name = answer.partition("=")[0]
    code, out, err = ask(capsys, program, "--wrt", name, "--at", at, "--json", "--no-steps", "--answer", answer)
    assert code == (0 if correct else 1), err
    assert json.loads(out)["marks"][0]["correct"] is correct


def test_several_answers_are_marked_each(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(
        capsys,
        RESIDUAL,
        "--wrt",
        "W1,b2",
        "--json",
        "--no-steps",
        "--answer",
        "W1=delta_a1 x^T",
        "--answer",
        "b2=y - z",
    )
    assert code == 1
    assert [mark["correct"] for mark in json.loads(out)["marks"]] == [True, False]


# unusable input

UNUSABLE = [
    ("clash", ["W2 in R^(2 x 5); h1 in R^3; L = ||W2 h1||^2"], "W2 h1: W2 is 2×5 but h1 has 3 rows"),
    ("loss is a vector", ["z = W x"], "z is a vector or a matrix, but a loss is a number"),
    ("declared loss", ["x in R^n; z = 2 x"], "z is n×1, but a loss is a number"),
    ("defined twice", ["a = x; a = 2 x; L = ||a||^2"], "a is defined twice; give the second one another name"),
    ("cycle", ["a = b + x; b = a; L = ||b||^2"], "a depends on itself: a → b → a"),
    ("function", ["L = sum(sigmod(x))"], "sigmod is not a function; did you mean sigmoid?"),
    ("two vectors", ["x, y in R^n; L = sum(x * y)"], "use .* for the element-wise product, x^T y for the inner product"),
    ("logarithm", ["L = log(x)", "--at", "x=-1"], "ln(-1) has no value: ln(x) at the given data"),
    ("singular", ["L = sum(A^-1)", "--at", "A=[1,2;2,4]"], "A is singular at the given data"),
    ("shape", ["W in R^(2 x 3); L = ||W x||^2", "--at", "W=[1,2;3,4],x=[1,2]"], "--at: W is 2×2, but the program needs 2×3"),
    ("ragged", ["L = sum(A)", "--at", "A=[[1,2],[3]]"], "the rows of A have different lengths (2, 1)"),
    ("missing", ["L = x y", "--at", "x=1"], "y has no value; add y to --at"),
    ("unknown wrt", ["L = ||W x||^2", "--wrt", "W3"], "--wrt W3 is not a name of the program"),
    ("unknown loss", ["L = ||x||^2", "--loss", "K"], "--loss K is not defined by the program"),
    ("upstream form", ["z = W x", "--upstream", "z"], "--upstream 'z' is not NAME=GRADIENT"),
    ("upstream name", ["z = W x", "--upstream", "q=d"], "--upstream q is not defined by the program"),
    ("upstream shape", ["x in R^3; z = 2 x", "--upstream", "z=[1,2]"], "but z is 3×1"),
    ("layout", ["L = ||x||^2", "--layout", "num"], "use gradient, numerator"),
    ("updates alone", ["L = x^2", "--at", "x=1", "--updates", "3"], "--updates needs a learning rate; add --lr 0.1"),
    ("updates in letters", ["L = ||x||^2", "--lr", "0.1", "--updates", "3"], "several updates need numbers"),
    ("too many updates", ["L = x^2", "--at", "x=1", "--lr", "0.1", "--updates", "100000"], "use 1 to 1,000"),
    ("rate in letters", ["L = x^2", "--at", "x=1", "--lr", "eta"], "--lr eta is not a number"),
    ("no program", [], "the program is missing"),
    ("empty", [""], "there is no equation"),
    ("no file", ["--file", "no/such/file"], "cannot be read"),
    ("answer of nothing", ["L = ||x||^2", "--answer", "q=2 x"], "--answer q is not a name of the question"),
    ("answer itself", ["L = ||x||^2", "--answer", "x=delta_x"], "is what is asked for"),
    ("answer of which", [RESIDUAL, "--answer", "z - y"], "the question has several answers; say which one"),
    ("answer not asked", [RESIDUAL, "--wrt", "W1", "--answer", "y=z - y"], "the question does not ask for it; add it to --wrt"),
    ("unknown name in answer", ["L = ||x||^2", "--answer", "x=2 q"], "q is not a name in this question"),
    ("empty answer", ["L = ||x||^2", "--answer", "x="], "--answer is empty"),
    ("statements", ["; ".join(f"a{k} = x" for k in range(10_000))], "more than 2,000 statements; split the program"),
    ("parentheses", [f"L = {'(' * 1000}x{')' * 1000}"], "nested more than 60 deep"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "sentence"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_what_cannot_be_used_is_refused_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    code, out, err = ask(capsys, *arguments)
    assert code == 2
    assert sentence in err
    assert out == ""
    assert "Traceback" not in err
    assert "dlcalc itself failed" not in err


@pytest.mark.parametrize(
    ("program", "under"),
    [
        ("W2 in R^(2 x 5); h1 in R^3; L = ||W2 h1||^2", "h1||"),
        ("L = sum(sigmod(x))", "sigmod"),
        ("a = x; a = 2 x; L = ||a||^2", "a = 2 x"),
        ("x, y in R^n; L = sum(x * y)", "x * y"),
        ("L = (x + y", "(x + y"),
    ],
)
def test_the_place_of_an_error_has_a_caret(capsys: pytest.CaptureFixture[str], program: str, under: str) -> None:
    code, _, err = ask(capsys, program)
    assert code == 2
    lines = err.splitlines()
    caret = next(at for at, line in enumerate(lines) if line.strip() == "^")
    assert lines[caret - 1][lines[caret].index("^") :].startswith(under)


def test_python_raises_the_same() -> None:
    with pytest.raises(DlcalcError, match="y has no value"):
        dlcalc.backprop(program="L = x y", at={"x": 1})


# as a command


def test_exit_codes(dlcalc: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    right = dlcalc("backprop", LINE, "--wrt", "w", "--answer", "(z - y) x")
    wrong = dlcalc("backprop", LINE, "--wrt", "w", "--answer", "(y - z) x")
    unusable = dlcalc("backprop", LINE, "--wrt", "v")
    assert (right.returncode, wrong.returncode, unusable.returncode) == (0, 1, 2)
    assert "the sign is reversed" in wrong.stdout
    assert unusable.stdout == ""
    assert "\nerror: --wrt v is not a name of the program; " in unusable.stderr


def test_a_clash_inside_an_answer_is_a_wrong_answer(dlcalc: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    found = dlcalc("backprop", RESIDUAL, "--wrt", "W1", "--answer", "x^T delta_a1")
    assert found.returncode == 1
    assert "the shapes do not go together" in found.stdout


def test_a_program_from_a_file_and_from_standard_input(tmp_path: Path, dlcalc: Callable[..., Any]) -> None:
    source = tmp_path / "net.dl"
    source.write_text("# a line\nz = W x + b\nL = 1/2 ||z - y||^2\n", encoding="utf-8")
    from_file = dlcalc("backprop", "--file", str(source), "--wrt", "W", "-q")
    assert (from_file.returncode, from_file.stdout) == (0, "(z - y) x^T\n")
    piped = subprocess.run(
        [sys.executable, "-m", "dlcalc", "backprop", "-", "--wrt", "W", "-q"],
        input=source.read_text("utf-8"), capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert (piped.returncode, piped.stdout) == (0, "(z - y) x^T\n")
    both = dlcalc("backprop", "L = ||x||^2", "--file", str(source))
    assert both.returncode == 2
    assert both.stderr.endswith("\nerror: the program is given twice; leave --file out\n")


def test_data_from_a_file(tmp_path: Path, dlcalc: Callable[..., Any]) -> None:
    data = tmp_path / "data.json"
    data.write_text('{"W": [[1, 2]], "x": [0.5, 1]}', encoding="utf-8")
    found = dlcalc("backprop", "z = W x; L = z^2", "--wrt", "x", "--at", str(data), "-q")
    assert (found.returncode, found.stdout) == (0, "5,10\n")


def test_quiet_is_bare(dlcalc: Callable[..., Any]) -> None:
    assert (
        dlcalc("backprop", "f = (x + y) z", "--at", "x=-2,y=5,z=-4", "-q").stdout == "df/dx\t-4\ndf/dy\t-4\ndf/dz\t3\n"
    )
    assert dlcalc("backprop", "f = (x + y) z", "--at", "x=-2,y=5,z=-4", "--get", "f").stdout == "-12\n"


@pytest.mark.parametrize(
    ("program", "wrt", "answer"),
    [
        pytest.param("y in {0,1}; p in (0,1); L = (1(y = 1) - p)^2", "p", "2 p", id="both labels are drawn"),
        pytest.param("x in R^n; L = sum(min(relu(x), 6))", "x", "1(x > 0)", id="far branch above"),
        pytest.param("x in R^n; L = sum(max(x, -10))", "x", "ones(n)", id="far branch below"),
        pytest.param("x in R^n; L = mean(x .^ 2)", "x", "2/3 x", id="a length is no three"),
        pytest.param("L = 1e-12 ||W x||^2", "W", "3 W x x^T/10^12", id="small factors count"),
    ],
)
def test_no_narrow_choice_of_points_hides_a_wrong_answer(program: str, wrt: str, answer: str) -> None:
    solution = dlcalc.backprop(program=program, wrt=wrt)
    assert dlcalc.marked(solution, [answer]).marks[0].correct is False


def test_a_formula_is_judged_at_random_points_too_where_data_are_given() -> None:
    solution = dlcalc.backprop(program="f = (x + y) z", at="x=2,y=2,z=-4")
    right, wrong = dlcalc.marked(solution, ["df/dz = x + y", "df/dz = x y"]).marks
    assert (right.correct, wrong.correct) == (True, False)


def test_a_number_is_an_answer_to_a_zero_gradient() -> None:
    solution = dlcalc.backprop(program="x, y in R^n; L = 0 x^T y", wrt="x")
    assert dlcalc.marked(solution, ["0"]).marks[0].correct is True


def test_a_quotient_of_vectors_is_read_entry_by_entry_where_that_is_right() -> None:
    solution = dlcalc.backprop(program="y in onehot(C); p in R^C; L = -y^T log(p)", wrt="p")
    right, wrong, factor = dlcalc.marked(solution, ["p = -y/p", "p = y/p", "p = -1/2 y/p"]).marks
    assert right.correct is True
    assert right.because.startswith("/ read entry by entry, as ./: ")
    assert wrong.correct is False
    assert factor.correct is False


def test_notes_from_left_to_right_are_read_so_where_nothing_else_has_a_shape() -> None:
    solution = dlcalc.backprop(program="h = relu(W x); L = 1/2 ||h - y||^2", wrt="W")
    mark = dlcalc.marked(solution, ["(h - y) .* 1(W x > 0) x^T"]).marks[0]
    assert mark.correct is True
    assert mark.because.startswith("read from left to right")


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("W in R^(2 x 2); L = tr(((W^50)^50)^50)", "a product of 2,500 matrices"),
        ("L = ||W x - y||^2/2n", "does / apply to n too?"),
        ("L = sum_i x_i^2", "sum_i is not a name"),
        ("X in R^(N x d); Z = X W + b; L = sum(Z)", "b is a column by convention"),
        ("L = sqrt(-1)", "no names to differentiate by"),
        ("x in R^2.5; L = sum(x)", "'2.5' is not a length"),
        ("L = sin^-1 x", "can mean two things"),
    ],
)
def test_what_would_be_misread_is_refused(program: str, sentence: str) -> None:
    with pytest.raises(dlcalc.DlcalcError, match=re.escape(sentence)):
        dlcalc.backprop(program=program)


@pytest.mark.parametrize(
    ("program", "data", "value"),
    [
        ("x = [1,2,3]; L = sum(k, 1, 2, sum(k, 1, 3, k) k)", None, 18),
        ("x in R^3; L = sum(k, 1, 3, sum(j, 1, k, x[j]))", "x=[1,2,3]", 10),
        ("x, y in R^n; L = sum(k, 1, n, |x[k]| y[k])", "x=[3,-4],y=[1,1]", 7),
        ("W in R^(m x n); L = ||W||_inf", {"W": [[1, 2, 3]]}, 6),
    ],
)
def test_sums_and_norms_mean_what_they_say(program: str, data: object, value: int) -> None:
    assert dlcalc.evaluate(program=program, at=data).value == value
