"""`dlcalc evaluate`: the forward pass alone, exact while it can be, with or without a loss."""

from __future__ import annotations

# ruff: noqa: ANN401, N806 (values of any kind; names as in the programs)
import json
import math
import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest

import dlcalc
from dlcalc import cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = json.loads((resources.files("dlcalc") / "solution.schema.json").read_text("utf-8"))


def value(program: str, at: Any = None) -> Any:
    return dlcalc.evaluate(program=program, at=at).answers[0].computed


EXACT = [
    ("4 (1/3 + 1/6)", None, "2"),
    ("f = (x + y) z", "x=-2,y=5,z=-4", "-12"),
    ("relu(W x + b)", "W=[1,-2;3,1/2],x=[1,2],b=[1,0.5]", "0,4.5"),
    ("1/2 ||z - y||^2", "z=[1,2],y=[3,5]", "6.5"),
    ("||[3, 4]||", None, "5"),
    ("||[3, -4]||_1 + ||[3, -4]||_inf", None, "11"),
    ("cossim(z, q)", "z=[1,0],q=[3,4]", "0.6"),
    ("softmax([2, 2, 2, 2])", None, "0.25,0.25,0.25,0.25"),
    ("sigmoid(0) + tanh(0) + exp(0) + log(1)", None, "1.5"),
    ("tr(A) + det(A)", "A=[2,1;1,3]", "10"),
    ("inv(A)", "A=[2,1;1,1]", "1,-1;-1,2"),
    ("A^2", "A=[1,1;0,1]", "1,2;0,1"),
    ("x[2] + A[1,2]", "x=[5,7],A=[1,2;3,4]", "9"),
    ("max(x) - min(x) + mean(x)", "x=[1,4,7]", "10"),
    ("sum(A, 0)", "A=[1,2;3,4]", "[[4,6]]"),
    ("mean(A, 1)", "A=[1,2;3,4]", "1.5,3.5"),
    ("1(x > 1) .* x", "x=[1,2]", "0,2"),
    ("0.1 + 0.2", None, "0.3"),
]


@pytest.mark.parametrize(("program", "at", "expected"), EXACT, ids=[row[0] for row in EXACT])
def test_what_is_rational_is_exact(program: str, at: str | None, expected: str) -> None:
    found = dlcalc.evaluate(program=program, at=at)
    assert found.answers[0].text.replace(" ", "") == expected
    assert found.holds


REAL = [
    ("logsumexp([1, 2, 3])", None, math.log(math.exp(1) + math.exp(2) + math.exp(3))),
    ("LSE([1000, 1000])", None, 1000 + math.log(2)),
    ("perplexity = exp(-mean(log(p)))", "p=[0.5,0.25,0.1]", (0.5 * 0.25 * 0.1) ** (-1 / 3)),
    ("gelu(1)", None, 0.8413447460685429),
    ("swish(2)", None, 2 / (1 + math.exp(-2))),
    ("softplus(x)", "x=1", math.log(1 + math.e)),
    ("elu(x, 2)", "x=-1", 2 * (math.exp(-1) - 1)),
    ("logdet(A)", "A=[2,1;1,3]", math.log(5)),
    ("-y^T log_softmax(z)", "y=[0,1],z=[1,2]", math.log(1 + math.exp(-1))),
    ("var(x)", "x=[1,2,4]", float(np.var([1, 2, 4]))),
]


@pytest.mark.parametrize(("program", "at", "expected"), REAL, ids=[row[0] for row in REAL])
def test_other_values_are_those_of_the_books(program: str, at: str | None, expected: float) -> None:
    assert value(program, at) == pytest.approx(expected, rel=1e-12)


def test_softmax() -> None:
    grown = [math.exp(v) for v in (1, -2, 0)]
    assert value("softmax([1, -2, 0])") == pytest.approx([g / sum(grown) for g in grown])


def test_a_network_by_hand() -> None:
    r = np.random.default_rng(7)
    W1, W2, X, b, y = (
        r.normal(size=(4, 3)),
        r.normal(size=(1, 4)),
        r.normal(size=(3, 5)),
        r.normal(size=4),
        r.normal(size=5),
    )
    hidden = np.tanh(W1 @ X + b[:, None])
    p = 1 / (1 + np.exp(-(W2 @ hidden)[0]))
    at = {"W1": W1.tolist(), "W2": W2.tolist(), "X": X.tolist(), "b": b.tolist(), "y": [y.tolist()]}
    program = (
        "y in R^(1 x m); H = tanh(W1 X + b ones(m)^T); p = sigmoid(W2 H); L = 1/m ||p - y||^2; worst = max(abs(p - y))"
    )
    found = {a.name: a.computed for a in dlcalc.evaluate(program=program, at=at).answers}
    assert found["L"] == pytest.approx(np.mean((p - y) ** 2))
    assert found["worst"] == pytest.approx(np.max(np.abs(p - y)))
    assert np.asarray(found["H"]) == pytest.approx(hidden)
    assert np.asarray(found["p"]).ravel() == pytest.approx(p)


def test_every_quantity_is_an_answer_the_last_one_first() -> None:
    found = dlcalc.evaluate(program="s = cossim(z, q); L = -y s", at="z=[1,0],q=[3,4],y=1")
    assert [(a.name, a.text) for a in found.answers] == [("L", "-0.6"), ("s", "0.6")]


def test_statements_may_stand_in_any_order() -> None:
    assert dlcalc.evaluate(program="L = 2 s; s = x + 1", at="x=3")["L"].computed == 8


def test_numbers_need_no_loss_and_no_data() -> None:
    found = dlcalc.evaluate(program="x = [1, 2]; y = 3 x")
    assert found["y"].text == "3,6"


@pytest.mark.parametrize(
    ("program", "at", "sentence"),
    [
        ("log(x)", "x=-1", "ln(-1) has no value: ln(x) at the given data; change the data"),
        ("1/x", "x=0", "divides by zero at the given data"),
        ("sqrt(x)", "x=-4", "sqrt(-4) has no value"),
        ("inv(A)", "A=[1,1;1,1]", "A is singular at the given data: it has no inverse"),
        ("logdet(A)", "A=[0,1;1,0]", "the determinant is -1 at the given data; it must be positive"),
        ("cossim(a, b)", "a=[0,0],b=[1,1]", "the cosine of a zero vector has no value; give vectors that are not zero"),
        ("exp(x)", "x=100000", "exp(x) is too large to compute at the given data; use smaller numbers"),
        ("W x", "W=[1,2;3,4],x=[1,2,3]", "the program needs"),
        ("x + y", "x=1", "y has no value; add y to --at"),
        ("softmax(x)", "x=1", "softmax"),
        ("f: R -> R; f(x)", "x=1", "f is declared, not defined: it has no value"),
    ],
)
def test_what_has_no_value_is_refused_with_a_sentence(
    capsys: pytest.CaptureFixture[str], program: str, at: str, sentence: str
) -> None:
    assert cli.run(["evaluate", program, "--at", at]) == 2
    out, err = capsys.readouterr()
    assert sentence in err
    assert out == ""
    assert "dlcalc itself failed" not in err


@pytest.mark.parametrize(
    ("answer", "correct"),
    [("s=0.6", True), ("s=3/5", True), ("s=4/5", False), ("L=-0.6", True), ("L=0.6", False), ("L=-y s", True)],
)
def test_answers_are_marked(capsys: pytest.CaptureFixture[str], answer: str, *, correct: bool) -> None:
    arguments = ["evaluate", "s = cossim(z, q); L = -y s", "--at", "z=[1,0],q=[3,4],y=1", "--answer", answer]
    assert cli.run([*arguments, "--json"]) == (0 if correct else 1)
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    assert found["marks"][0]["correct"] is correct


def test_rounded_answers_are_marked_by_their_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["evaluate", "logsumexp([1, 2, 3])", "--answer", "3.4076"]) == 0
    assert cli.run(["evaluate", "logsumexp([1, 2, 3])", "--answer", "3.4077"]) == 1
    assert cli.run(["evaluate", "softmax([1, -2, 0])", "--answer", "0.7054, 0.0351, 0.2595"]) == 0
    assert cli.run(["evaluate", "softmax([1, -2, 0])", "--answer", "0.7054, 0.2595, 0.0351"]) == 1
    capsys.readouterr()


def test_the_command(tmp_path: Path, dlcalc: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert dlcalc("evaluate", "softmax([1, -2, 0])", "-q").stdout == (
        "0.7053845126982412,0.035119026959339716,0.25949646034241913\n"
    )
    source, data = tmp_path / "net.dl", tmp_path / "data.json"
    source.write_text("s = W x\nr = ||s||^2", encoding="utf-8")
    data.write_text('{"W": [[1, 2], [3, 4]], "x": [1, 1]}', encoding="utf-8")
    found = dlcalc("evaluate", "--file", str(source), "--at", str(data), "--get", "r,s")
    assert (found.returncode, found.stdout.split()) == (0, ["r", "58", "s", "3,7"])
    assert dlcalc("evaluate", "x + y", "--at", "x=1").returncode == 2
    assert dlcalc("evaluate", "x + 1", "--at", "x=1", "--answer", "3").returncode == 1


def test_standard_input() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "dlcalc", "evaluate", "-", "-q"],
        input="a = 2 # two\nb = a^3\n", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (0, "8\n")


def test_json_holds_to_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    for extra in ([], ["--no-steps"]):
        assert cli.run(["evaluate", "A x", "--at", "A=[1,2;3,4],x=[1,1/3]", "--json", *extra]) == 0
        found = json.loads(capsys.readouterr().out)
        jsonschema.validate(found, SCHEMA)
        assert found["answers"][0]["value"] == [pytest.approx(5 / 3), pytest.approx(13 / 3)]
