"""Generated NumPy code: it runs, agrees with the complex step, and holds only what it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dlcalc.calculus.checking import Checker
from dlcalc.calculus.code import HELPERS, numpy_code, parameters, run
from dlcalc.calculus.derivation import derive
from dlcalc.calculus.functions import ELEMENTWISE, PULLBACKS
from dlcalc.calculus.inference import typed, typed_expression
from dlcalc.notation.program import read_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.calculus.derivation import Derivation
    from dlcalc.calculus.inference import Typed

GALLERY = sorted((Path(__file__).parents[1] / "gallery").glob("*.dl"))
TOLERANCE = 1e-9

ENTRYWISE = {
    **{name: f"{name}(a)" for name in ELEMENTWISE if ELEMENTWISE[name].arguments == 1},
    "leaky_relu": "leaky_relu(a, alpha)",
    "elu": "elu(a, alpha)",
    "maximum": "max(a, b)",
    "minimum": "min(a, b)",
    "normcdf": "gelu(a)",
    "normpdf": "gelu(gelu(a))",
    "f": "f(a)",
}
REDUCED = {
    "sum": "sum(X .* X)",
    "mean": "mean(X .* X)",
    "max": "max(X)",
    "min": "min(X)",
    "logsumexp": "logsumexp(X)",
    "softmax": "sum(softmax(c) .* c .* c)",
    "norm": "||X||_F",
    "norm_1": "||X||_1",
    "norm_inf": "||X||_inf",
    "tr": "tr(X^T X)",
    "det": "det(K)",
    "logdet": "logdet(K^T K)",
    "diag": "c^T diag(K) + sum(diag(c) K)",
    "cossim": "cossim(x, y)",
}
PROGRAMS = {
    **{f"{name} of a vector": f"a, b in R^4; alpha in (0,1); f: R -> R; L = sum({p})" for name, p in ENTRYWISE.items()},
    **{f"{name} of a number": f"a, b in R; alpha in (0,1); f: R -> R; L = 3 {p}" for name, p in ENTRYWISE.items()},
    **{f"{name} of all": f"X in R^(m x n); K in R^(k x k); c in R^k; L = {p}" for name, p in REDUCED.items()},
    **{
        f"{name} along {axis}": f"X, Y in R^(m x n); L = sum(Y .* {name}(X, {axis}))"
        if name in {"softmax", "log_softmax"}
        else f"X in R^(m x n); y in R^({'1 x n' if axis == 0 else 'm'}); L = sum(y .* {name}(X, axis={axis}))"
        for name in ("sum", "mean", "max", "min", "logsumexp", "var", "softmax", "log_softmax")
        for axis in (0, 1)
    },
    **{f"{n} of a vector": f"x in R^n; L = {n}(x)^3" for n in ("sum", "mean", "max", "min", "logsumexp", "var")},
    **{f"{n} of a row": f"x in R^(1 x n); L = {n}(x)^3" for n in ("max", "logsumexp", "var")},
    "norms of vectors": "x in R^n; r in R^(1 x n); L = ||x||_inf + ||x||_1 + ||x|| + ||r||_inf ||r||_1 ||r||",
    "norms of numbers": "s in R; L = ||s|| + |s|",
    "softmax of a row": "x, y in R^(1 x n); L = softmax(x) y^T",
    "inverse": "K in R^(n x n); y in R^n; L = y^T K^-1 y + tr(inv(K)) + y^T K^-T y",
    "parts": "x in R^5; W in R^(4 x 5); L = x[2] W[1,3] + sum(x[2:4])^2 "
    "+ sum(W[1:2,:] x) + ||W[:,3:5]||_F^2 + ||W[2,:]||^2",
    "grids": "u, v in R^n; W, V in R^(n x n); L = ||[u; v]||^2 + sum(exp([W, V; V, W])) + ||[u, v]||^3 + tr([W] V)",
    "a grid of numbers": "a, b in R; L = ||exp([a, b; b, a])||_F + ||[a; 2; b]||",
    "a grid of whole numbers": "A = [3, 0; 1, -1]; s = [13, -7, 2]; p in R^n; "
    "L = tr(A [-2, 8; 7, -7]) + sum(s.^(-2)) + p[1]",
    "a length in a grid": "p in R^n; L = sum([n; 2; n - 1].^(-1)) ||p||^2",
    "indicators": "x, y in R^n; s in R; L = sum(x .* 1(x > y)) + s 1(s >= 1/2) + sum(1(x <= 0) + 1(y > 0) .* 1(x < y))",
    "powers": "x in R^n; p, q in (0,1); L = sum(exp(x).^p) + p^q + p^(-2) + q^(1/3) + p^(1/2) + 1/(3 p)",
    "numbers": "x in R^n; L = 1/3 sum(x) - 0.01 ||x||^2 + 123456789/1000000 x[1] "
    "- 2^60/2^57 x[1] + 1/2^70 x[1] + 2^70/(2^71 + 1) x[2]",
    "lengths": "x in R^n; W in R^(m x n); L = 1/(m n) sum(W x) + 1/n ones(n)^T x + sum(sqrt(n) eye(m) W)",
    "lengths to be solved for": "x in R^(2n); W in R^(k x (n + m)); y in R^(k - 1); L = m n k sum(x) sum(W) sum(y)",
    "a length that no argument has": "a in R; L = sum(a ones(n)) + a^2 n",
    "a constant": "x in R^n; L = 2",
    "a leaf that the loss does not use": "x, y in R^n; h = exp(y); L = ||x||^2",
    "rows": "x in R^(1 x n); W in R^(n x m); y in R^(1 x m); h = sigmoid(x W); L = ||h - y||^2",
    "names of Python": "lambda, np, float, map in R^n; gradients in R; "
    "L = sum(sigmoid(lambda .* np) .* float .* map) gradients",
    "names of helpers": "column, softmax in R^n; L = column^T softmax",
    "a length named like a word": "x in R^lambda; W in R^(lambda x if); L = ||W^T x||^2 / lambda",
    "letters of other alphabets": "ж, ŷ in R^n; ẇ in R; L = ж^T ŷ ẇ",
    "one letter, two lengths": "x in R^n; f in R; L = f ||x||^2 + f_prime; f_prime = 2 f",
}


def derived(text: str) -> tuple[Typed, Derivation, list[str]]:
    """Derive all gradients of the last statement."""
    program = read_program(text)
    loss = program.definitions[-1].target
    found = typed(program, scalars=[loss])
    onehot = [leaf.name for leaf in found.leaves.values() if leaf.kind == "onehot"]
    wanted = list(found.leaves)
    return found, derive(found, loss, wanted, onehot=onehot), wanted


def data(values: Mapping[str, Any], names: Mapping[str, str], checker: Checker) -> dict[str, Any]:
    """Take the arguments from a point, by their parameters."""
    from dlcalc.calculus.batches import abstract

    out: dict[str, Any] = {}
    for name, parameter in names.items():
        if name in values:
            out[parameter] = values[name][0]
        elif name in checker.lengths:
            out[parameter] = checker.lengths[name]
        else:
            out[parameter] = abstract(name.rstrip("'"))[name.endswith("'")]
    return out


def agree(text: str) -> str:
    """Compare the code with the complex step at every point; return the code."""
    program, derivation, wanted = derived(text)
    code = numpy_code(program, derivation, wanted)
    names = parameters(program, derivation, wanted)
    checker = Checker(program, derivation, 0)
    for seen in checker.seen:
        found = run(code, data(seen.values, names, checker))
        assert list(found) == [derivation.loss, *wanted]
        right = {derivation.loss: seen.values[derivation.loss], **{n: seen.exact[n, ""] for n in wanted}}
        for name, value in found.items():
            scalar = program.shape(name).is_scalar
            assert isinstance(value, float) if scalar else value.shape == right[name].shape[1:], name
            np.testing.assert_allclose(
                value, right[name][0, 0, 0] if scalar else right[name][0], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
            )
    return code


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_code_of_the_gallery_agrees_with_the_complex_step(path: Path) -> None:
    agree(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_operation_agrees_with_the_complex_step(name: str) -> None:
    agree(PROGRAMS[name])


def test_equal_entries_are_told_from_others() -> None:
    program, derivation, wanted = derived(
        "x, y in R^3; s in R; L = sum(1(x = y) .* x + 1(x != y) .* exp(s 1(s = 0) x))"
    )
    found = run(numpy_code(program, derivation, wanted), {"x": [1, 2, 3], "y": [1, 5, 3], "s": 0})
    assert found["L"] == 5
    assert found["x"].tolist() == [[1.0], [0.0], [1.0]]
    assert found["s"] == 2


def test_every_function_of_the_tables_is_tried() -> None:
    assert set(ENTRYWISE) >= set(ELEMENTWISE)
    assert set(REDUCED) >= set(PULLBACKS)


def test_the_comparison_can_fail() -> None:
    program, derivation, wanted = derived("x in R^3; L = ||x||^2")
    wrong = numpy_code(program, derivation, wanted).replace("delta_x = 2 * x", "delta_x = 3 * x")
    assert run(wrong, {"x": [1, 2, 3]})["x"][0, 0] == 3


def test_what_is_given_may_have_one_axis_or_none() -> None:
    program, derivation, wanted = derived("W in R^(m x n); b, y in R^m; s in R; L = s ||W x + b - y||^2")
    code = numpy_code(program, derivation, wanted)
    arguments = {"W": [[1, 2], [3, 4], [5, 6]], "x": [1, 1], "b": [0, 0, 0], "y": np.zeros((3, 1)), "s": 1}
    found = run(code, arguments)
    assert found["L"] == 9 + 49 + 121
    assert found["W"].shape == (3, 2)
    assert found["b"].tolist() == [[6.0], [14.0], [22.0]]
    assert found["s"] == 179
    again = run(code, {**arguments, "s": np.array([[1.0]]), "x": np.ones((2, 1))})
    assert again["L"] == found["L"]


def test_a_number_with_several_entries_is_refused() -> None:
    program, derivation, wanted = derived("s in R; L = s^2")
    with pytest.raises(ValueError, match="size 1"):
        run(numpy_code(program, derivation, wanted), {"s": [1, 2]})


def test_arguments_stay_as_they_are() -> None:
    program, derivation, wanted = derived("x in R^2; L = sum(exp(x))")
    given = np.array([1.0, 2.0])
    run(numpy_code(program, derivation, wanted), {"x": given})
    assert given.tolist() == [1.0, 2.0]


def test_only_the_helpers_that_are_needed_are_written() -> None:
    for text, helpers in {
        "L = ||x||^2": {"column"},
        "x in R^n; L = sum(silu(x))": {"column", "silu", "sigmoid"},
        "x in R^n; L = sum(gelu(x))": {"column", "gelu", "normcdf", "normpdf"},
        "a in R; L = sin(a)": {"scalar"},
    }.items():
        program, derivation, wanted = derived(text)
        tree = ast.parse(numpy_code(program, derivation, wanted))
        assert {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} == {*helpers, "gradients"}, text


def test_helpers_are_valid_python_of_their_own_name() -> None:
    for name, helper in HELPERS.items():
        (function,) = ast.parse(helper.text).body
        assert isinstance(function, ast.FunctionDef)
        assert function.name == name


def test_only_what_is_asked_for_is_computed() -> None:
    program, derivation, _ = derived("h = exp(W x); z = V h; L = ||z - y||^2")
    code = numpy_code(program, derivation, ["V"])
    assert "delta_h" not in code
    assert 'return {"L": L, "V": delta_V}' in code
    assert "delta" not in numpy_code(program, derivation, [])


def test_a_statement_that_the_loss_does_not_use_is_left_out() -> None:
    program, derivation, wanted = derived("unused = exp(v); L = ||x||^2")
    code = numpy_code(program, derivation, wanted)
    assert "unused" not in code
    assert parameters(program, derivation, wanted) == {"v": "v", "x": "x"}
    assert parameters(program, derivation, ["x"]) == {"x": "x"}


def test_a_gradient_of_the_loss_itself_is_not_asked_for_twice() -> None:
    program, derivation, _ = derived("L = ||x||^2")
    code = numpy_code(program, derivation, ["x", "L", "x"])
    assert 'return {"L": L, "x": delta_x}' in code


def test_a_quantity_between_may_be_asked_for() -> None:
    program = typed(read_program("z = W x; L = 1/2 ||z||^2"))
    derivation = derive(program, "L", ["z", "W"])
    found = run(numpy_code(program, derivation, ["z", "W"]), {"W": [[1, 2]], "x": [3, 4]})
    assert found["z"] == 11
    assert found["W"].tolist() == [[33.0, 44.0]]


def test_a_gradient_may_be_given_instead_of_a_loss() -> None:
    program = typed(read_program("W in R^(m x n); x in R^n; z = W x"))
    given = typed_expression("z - t", program, {"t": program.shape("z")})
    derivation = derive(program, "z", ["W"], {"z": given})
    assert parameters(program, derivation, ["W"]) == {"W": "W", "x": "x", "t": "t"}
    found = run(numpy_code(program, derivation, ["W"]), {"W": [[1, 2], [0, 1]], "x": [3, 4], "t": [10, 5]})
    assert list(found) == ["W"]
    assert found["W"].tolist() == [[3.0, 4.0], [-3.0, -4.0]]


def test_the_docstring_says_the_shapes() -> None:
    program, derivation, wanted = derived("W in R^(m x n); f: R -> R; s in R; L = s sum(f(W x))")
    *_, function = ast.parse(numpy_code(program, derivation, wanted)).body
    assert isinstance(function, ast.FunctionDef)
    said = ast.get_docstring(function) or ""
    assert "W        (m, n)" in said
    assert "s        a number" in said
    assert "f_prime  the derivative of f" in said
    assert '"x": (n, 1)' in said


def test_far_tails_do_not_overflow() -> None:
    program, derivation, wanted = derived("z in R^3; p = sigmoid(z); q = softmax(z); L = sum(softplus(z)) + p^T q")
    with np.errstate(all="raise", under="ignore"):
        found = run(numpy_code(program, derivation, wanted), {"z": [-800.0, 0.0, 800.0]})
    assert np.isfinite(found["z"]).all()


def test_a_name_is_never_more_than_a_name() -> None:
    """Whatever a program is called in, the code has only identifiers of ASCII letters, and JSON strings."""
    program, derivation, wanted = derived(PROGRAMS["letters of other alphabets"])
    code = numpy_code(program, derivation, wanted)
    assert all(node.id.isascii() for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name))
    assert code.isascii()


def test_generating_needs_no_numpy() -> None:
    script = (
        "import sys\n"
        "from dlcalc.calculus.code import numpy_code\n"
        "from dlcalc.calculus.derivation import derive\n"
        "from dlcalc.calculus.inference import typed\n"
        "from dlcalc.notation.program import read_program\n"
        "p = typed(read_program('L = ||gelu(W x) - y||^2'))\n"
        "numpy_code(p, derive(p, 'L', ['W']), ['W'])\n"
        "print('numpy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
