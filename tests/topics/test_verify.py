"""Chains that are handed in: right ones hold, wrong ones get a counterexample, unusable ones an error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, cli
from dlcalc.topics.verify import verify

HOLDS = {
    "homogeneous": ("relu(alpha z) = alpha relu(z)", "alpha > 0"),
    "softmax-shift": ("c in R; softmax(x + c) = softmax(x)", ""),
    "two-linear-layers": ("W2 (W1 x + b1) + b2 = W2 W1 x + W2 b1 + b2", ""),
    "tanh-sigmoid": ("x in R; tanh(x) = 2 sigmoid(2 x) - 1", ""),
    "sigmoid-derivative": ("x in R; sigmoid'(x) = sigmoid(x) (1 - sigmoid(x))", ""),
    "defined-by-the-chain": ("A = (B + C)^T = B^T + C^T", ""),
    "definitions-before": ("z = W x; z^T z = x^T W^T W x = ||W x||^2", ""),
    "bounds": ("x in R^n; max(x) <= logsumexp(x) <= max(x) + log(n)", ""),
    "strict-bound": ("x in R; tanh(x) < x", "x > 0"),
    "triangle": ("||a + b|| <= ||a|| + ||b||", ""),
    "several-lines": ("a in R\n(a + 1)^2\n= a^2 + 2a + 1  # multiplied out\n= a(a + 2) + 1", ""),
    "numbers": ("1/2 + 1/3 = 5/6", ""),
    "numbers-below": ("logsumexp([1, 2]) < 3", ""),
    "declared-unit": ("p in (0, 1); log(p) < 0", ""),
    "onehot": ("y in onehot(C); sum(y) = 1", ""),
    "symmetric": ("A in S^n; x^T A y = y^T A x", ""),
    "permuted-attention": (
        """P = [0,0,1;1,0,0;0,1,0]; X in R^(d x 3); V, K, Q in R^(d x d)
        V X P softmax((K X P)^T (Q X P), 0) = V X softmax((K X)^T Q X, 0) P""",
        "",
    ),
    "greek-and-signs": ("σ in R; σ² ≥ 0", ""),
    "condition-on-a-vector": ("relu(x) = x", "x > 0"),
    "index-under-sum": ("sum_{i=1}^{n} x[i] = sum(x)", ""),
    "double-equals": ("a in R; a + a == 2a", ""),
}
FAILS = {
    "not-homogeneous": ("relu(alpha z) = alpha relu(z)", "", "at α = -1"),
    "kink": ("z in R; 1(z > 0) = 1(z >= 0)", "", "at z = 0 the left side is 0, the right side is 1"),
    "second-link": ("a in R; a + a = 2a = 3a", "", "the left side is"),
    "transposed": ("x^T W = W x", "", "the shapes differ: xᵀ W is 1×n, W x is n×1"),
    "strict-never": ("a in R; a < a", "", "at a ="),
    "strict-floats": ("a in R; exp(a) < exp(a)", "", "at a ="),
    "square-root": ("a in R; sqrt(a^2) = a", "", "the left side is"),
    "any-function": ("f: R -> R; c, z in R; f(c z) = c f(z)", "", "at a random point"),
    "sum-not-mean": ("x in R^n; sum(x) = mean(x)", "", "at x ="),
    "numbers": ("1/2 + 1/3 = 2/5", "", "the left side is 5/6, the right side is 0.4"),
}
REFUSED = {
    "run-together": (
        "2 w x^2 - 2 x y = 2x(wx - y)",
        "",
        "wx is read as one name, not as a product; write w x for the product",
    ),
    "columns-beside-a-matrix": ("W x y = 1", "", "both are column vectors"),
    "condition-without-value": ("log(x) = log(x)", "x < 0", "no random point satisfies the conditions and gives"),
    "nothing-claimed": ("x in R; x + 1", "", "nothing is claimed here; write an equation: a = b"),
    "declaration-last": ("a = b; x in R", "", "nothing is claimed here"),
    "no-left": ("= a", "", "an empty side"),
    "no-right": ("a =", "", "an empty side"),
    "unread": ("a in R; a + ) = 2", "", "a in R; a + ) = 2\n              ^"),
    "shapes": ("W in R^(m x n); W W = W", "", "W in R^(m x n); W W = W"),
    "no-value": ("a in R; a/0 = 1", "", "division by zero"),
    "conditions-exclude": ("a in R; a = a", "a > 5, a < 4", "no random point satisfies the conditions"),
    "condition-unread": ("a in R; a = a", "a >", "a >"),
    "empty": ("", "", "nothing is claimed here"),
    "too-long": ("1" + " = 1" * 200, "", "the chain has 200 links; at most 100 are read"),
}


@pytest.mark.parametrize(("claim", "where"), HOLDS.values(), ids=HOLDS)
def test_a_true_chain_holds_and_every_line_is_checked(claim: str, where: str) -> None:
    found = verify(claim=claim, where=where)
    assert found["holds"].text == "yes"
    assert all(mark.correct for mark in found.marks)
    assert found.steps
    assert found.holds


@pytest.mark.parametrize(("claim", "where", "because"), FAILS.values(), ids=FAILS)
def test_a_false_chain_gets_a_counterexample(claim: str, where: str, because: str) -> None:
    found = verify(claim=claim, where=where)
    assert found["holds"].text == "no"
    wrong = [mark for mark in found.marks if not mark.correct]
    assert because in wrong[0].because
    assert found.holds, "what is shown of a false chain is true"


@pytest.mark.parametrize(("claim", "where", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_judged_is_refused(claim: str, where: str, message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        verify(claim=claim, where=where)
    assert message in str(problem.value)


def test_says_which_link_fails_first() -> None:
    found = verify(claim="a in R; 2a = a + a = 3a = 3a")
    assert found.notes == ("the first link that fails is number 2 of 3",)
    assert [mark.correct for mark in found.marks] == [True, False, True]


@pytest.mark.parametrize(
    ("claim", "because"),
    [
        ("W2 (W1 x + b1) + b2 = W2 W1 x + W2 b1 + b2", "proved: multiplied out"),
        ("a in R; (a + 1)^2 = a^2 + 2a + 1", "proved: multiplied out"),
        ("x in R; exp(x)^2 = exp(2 x)", "proved with SymPy"),
        ("x in R; tanh(x) = 2 sigmoid(2 x) - 1", "64 random points"),
    ],
)
def test_says_what_is_proved_and_what_was_seen(claim: str, because: str) -> None:
    assert because in verify(claim=claim).steps[0].because


def test_a_wrong_chain_leaves_with_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["verify", "a in R; a + 1 = a", "-q"]) == 1
    assert capsys.readouterr().out == "no\n"
    assert cli.run(["verify", "a in R; a + 1 = a", "--answer", "no"]) == 0
    assert cli.run(["verify", "a in R; a + 1 = 1 + a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["answers"][0]["text"] == "yes"


def test_reads_the_claim_from_a_file(tmp_path: object) -> None:
    path = f"{tmp_path}/claim.txt"
    with open(path, "w", encoding="utf-8") as out:  # noqa: PTH123 (a name is what the option takes)
        out.write("x, y in R^n\n||x + y||^2\n= ||x||^2 + 2 x^T y + ||y||^2\n")
    assert verify(file=path)["holds"].text == "yes"


@given(a=st.fractions(-9, 9, max_denominator=9), b=st.fractions(-9, 9, max_denominator=9))
def test_numbers_are_compared_exactly(a: object, b: object) -> None:
    for relation, expected in (("=", a == b), ("<", a < b), ("<=", a <= b), (">", a > b), (">=", a >= b)):  # type: ignore[operator]  # fractions
        assert verify(claim=f"({a}) {relation} ({b})")["holds"].text == ("yes" if expected else "no")


def test_the_check_of_a_line_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a false link taken for a true one, its line would be seen."""
    from dlcalc.topics import verify as module

    taken = lambda _, link, *_points: module.Judged(link, holds=True, because="none")  # noqa: E731 (a stand-in)
    monkeypatch.setattr(module, "_judged", taken)
    assert not verify(claim="a in R; a + 1 = a").holds


def test_small_names_are_numbers_where_products_of_columns_do_not_fit() -> None:
    solution = verify(claim="sigmoid'(x) = sigmoid(x)(1 - sigmoid(x)) <= 1/4")
    assert solution.answers[0].text == "yes"
    assert solution.conventions[:2] == (
        "numbers, as products of columns do not fit: x",
        "shapes: x a number",
    )
    assert verify(claim="x + y = y + x").conventions[0].startswith("shapes: x n×1, y n×1")


@pytest.mark.parametrize(
    "claim", ["x in R; sqrt(x)^2 = x", "x in R; x/(1 + x) = 1 - 1/(1 + x)", "x in R; exp(log(x)) = x"]
)
def test_that_sides_must_have_a_value_is_said(claim: str) -> None:
    assert any("every side has a value" in said for said in verify(claim=claim).assumptions)


def test_where_every_side_has_a_value_nothing_is_assumed() -> None:
    assert verify(claim="x in R; (x + 1)^2/2 = x^2/2 + x + 1/2").assumptions == ()
