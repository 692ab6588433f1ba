"""The backward pass, derived by the calculus package from one program text per kind of normalisation.

A program normalises one group: a feature over the batch (its scale and shift are numbers), or the features of an
example (a scale and a shift each).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.calculus.inference import typed_expression
from dlcalc.calculus.printing import plain
from dlcalc.calculus.problem import Problem, computed, formula, read_problem
from dlcalc.calculus.terms import DELTA
from dlcalc.notation.expression import ZERO, Formula
from dlcalc.solution import Mark, Solution, Step, Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlcalc.calculus.checking import Checker, Seen
    from dlcalc.calculus.exact import Scalar
    from dlcalc.calculus.terms import Term
    from dlcalc.solution import StepCheck
    from dlcalc.topics.backprop.lines import Line

WANTED = ("x", "gamma", "beta")


class Program(NamedTuple):
    """Normalisation as a program, and the lines that bring its gradient into the form of the textbooks."""

    text: str
    short: Mapping[str, str]
    """δ of the mean and the variance, and ∂L/∂x, as on paper."""
    balance: str
    """What adds up to 0 over the group."""


_FORWARD = "mu = mean(x); v = mean((x - mu).^2); xhat = (x - mu)/sqrt(v + epsilon)"
_SCALED = "1/sqrt(v + epsilon) (gamma .* delta - mean(gamma .* delta) - xhat mean(gamma .* delta .* xhat))"
BATCH = Program(
    f"x in R^N; epsilon, gamma, beta in R; {_FORWARD}; y = gamma xhat + beta",
    {
        "mu": "-gamma sum(delta)/sqrt(v + epsilon)",
        "v": "-gamma sum(delta .* xhat)/(2 (v + epsilon))",
        "x": "gamma/sqrt(v + epsilon) (delta - mean(delta) - xhat mean(delta .* xhat))",
    },
    "sum(gamma/sqrt(v + epsilon) (delta - mean(delta) - xhat mean(delta .* xhat)))",
)
LAYER = Program(
    f"x, gamma, beta in R^n; epsilon in R; {_FORWARD}; y = gamma .* xhat + beta",
    {
        "mu": "-sum(gamma .* delta)/sqrt(v + epsilon)",
        "v": "-sum(gamma .* delta .* xhat)/(2 (v + epsilon))",
        "x": _SCALED,
    },
    f"sum({_SCALED})",
)
RMS = Program(
    "x, gamma, beta in R^n; epsilon in R; v = mean(x.^2); xhat = x/sqrt(v + epsilon); y = gamma .* xhat + beta",
    {
        "v": "-sum(gamma .* delta .* xhat)/(2 (v + epsilon))",
        "x": "1/sqrt(v + epsilon) (gamma .* delta - xhat mean(gamma .* delta .* xhat))",
    },
    "",
)
_WHY = {
    "mu": "the deviations x − μ add up to 0, so nothing comes through v",
    "v": "x − μ = xhat sqrt(v + ε) put in",
    "x": "the three paths put together: the part of δ along ones and along xhat is taken out",
}
_WHY_RMS = {
    "v": "x = xhat sqrt(v + ε) put in",
    "x": "both paths put together: the part of δ along xhat is taken out",
}


def program_of(kind: str) -> Program:
    """Return the program of a kind; scale and shift of a channel are numbers only in batch normalisation."""
    return BATCH if kind == "batch" else RMS if kind == "rms" else LAYER


@cache
def problem_of(kind: str) -> Problem:
    """Read the program of a kind, asked for the gradients by data, scale and shift."""
    return read_problem(program_of(kind).text, wrt=",".join(WANTED), upstream="y=delta")


def derived(kind: str, *, answers: bool) -> Solution:
    """Derive the gradients in letters; without answers where they are asked on data."""
    from dlcalc.topics.backprop.answers import symbolic

    program = program_of(kind)
    problem = problem_of(kind)
    solution = symbolic(problem, None, graph=False, code=False)
    terms = {name: _term(problem, text) for name, text in program.short.items()}
    given = tuple(
        replace(answer, value=formula(terms["x"])) if answer.name == "dL/dx" else answer for answer in solution.answers
    )
    inner = solution.marker or (lambda *_: ())

    def work() -> Work:
        from dlcalc.topics.backprop.lines import checked

        lines = [*_lines(problem, program, kind)]
        return Work(tuple(line.step for line in lines), verify=lambda s: checked(problem, lines, None, s, code=False))

    def marker(texts: Sequence[str], seed: int) -> tuple[Mark, ...]:
        def judged(text: str) -> Mark:
            written = as_in_program(text, kind)
            mark = inner([written], seed)[0]
            repaired = written.replace("sqrt(v)", "sqrt(v + epsilon)")
            if mark.correct is False and repaired != written and inner([repaired], seed)[0].correct:
                return mark._replace(because=f"ε is missing under the root; {mark.because}")
            return mark

        return tuple(judged(text)._replace(given=_bare(text)) for text in texts)

    return replace(
        solution,
        answers=given if answers else (),
        principal=tuple(answer.name for answer in given) if answers else (),
        work=work,
        marker=marker if answers else None,
        conventions=(
            *solution.conventions,
            "in the program v is the variance σ² (of RMS normalisation the mean square), δ is ∂L/∂y",
        ),
    )


def _bare(text: str) -> str:
    from dlcalc.marking import split_named

    return split_named(text)[1].strip()


def _term(problem: Problem, text: str) -> Term:
    return typed_expression(text, problem.typed, {"delta": problem.typed.shape("y")})


def _lines(problem: Problem, program: Program, kind: str) -> list[Line]:
    """Write the lines of the engine, and behind them those that lead to the form of the textbooks."""
    from dlcalc.topics.backprop.lines import Line, steps

    why = _WHY_RMS if kind == "rms" else _WHY
    found = [line for line in steps(problem, None) if line.step.rule != "in the given names"]
    for name, text in program.short.items():
        term, symbol = _term(problem, text), problem.symbol(name)
        step = Step("together" if name == "x" else f"short-{name}", symbol, symbol, formula(term), why[name])
        found.append(Line(step, partial(_tested, term, name)))
    if program.balance:
        total, whole = _term(problem, program.balance), problem.symbol("x")
        target = Formula(plain(total), f"sum({whole.unicode})", rf"\sum {whole.latex}")
        step = Step("balance", target, target, ZERO, "a shift of all x changes no output, so its gradient is 0")
        found.append(Line(step, lambda checker: checker.compared(plain(total), _zero)))
    return found


def _tested(term: Term, name: str, checker: Checker) -> StepCheck:
    return checker.line(term, name)


def _zero(seen: Seen) -> Any:  # noqa: ANN401 (an array)
    import numpy as np

    return np.zeros_like(next(iter(seen.values.values()))[:, :1, :1])


def on_data(kind: str, leaves: Mapping[str, Sequence[Scalar]]) -> dict[str, list[Scalar]]:
    """Run the program backward on the numbers of one group: ∂L/∂x, ∂L/∂γ, ∂L/∂β.

    >>> from fractions import Fraction as F
    >>> data = {"x": [F(1), F(3)], "epsilon": [F(3)], "gamma": [F(2)], "beta": [F(0)], "delta": [F(1), F(0)]}
    >>> [str(entry) for entry in on_data("batch", data)["x"]]
    ['3/8', '-3/8']
    """
    problem = problem_of(kind)
    lengths = {name: len(leaves["x"]) for name in problem.typed.lengths}
    found = computed(problem, {name: [[entry] for entry in row] for name, row in leaves.items()}, lengths)
    return {name: [row[0] for row in found.values[DELTA + name]] for name in WANTED}


_SPELLINGS = {
    r"\\?(?:eps|ε)": "epsilon",
    r"(?:sigma\s*\^\s*2|sigma\s*\*\*\s*2|sigma2|sigma_2|σ²|σ\^2|σ2|var|s2)": "v",
    r"(?:sigma|σ|std)": "sqrt(v)",
    r"(?:zhat|z_hat|x_hat|x̂|ẑ)": "xhat",
    r"(?:dL/dy|dy|dout|δ)": "delta",
    r"z": "x",
}
_ENTRYWISE = re.compile(r"\b(xhat|delta|x)\s*\*\s*(?=(?:xhat|delta|x)\b)")


def as_in_program(text: str, kind: str) -> str:
    """Write an answer with the names of the program: var for the variance, d for δ, dx for dL/dx.

    >>> as_in_program("dz = gamma/sqrt(var+eps)*(d - mean(d) - zhat*mean(d*zhat))", "batch")
    'dL/dx=gamma/sqrt(v+epsilon)*(delta - mean(delta) - xhat*mean(delta.*xhat))'
    """
    from dlcalc.marking import split_named

    name, value = split_named(text)
    counted = {r"[mn]": "N", r"(?:d|g)": "delta"} if kind == "batch" else {r"(?:d|g)": "delta", r"[mN]": "n"}
    for spelling, meant in {**_SPELLINGS, **counted}.items():
        value = re.sub(rf"(?<![\w.\\]){spelling}(?!\w|̂)", meant, value)
    value = _ENTRYWISE.sub(r"\1.*", value.strip())
    if name is None:
        return value
    short = name.replace("∂", "d").replace("L/", "").replace(" ", "")
    letter = {"dz": "x", "dx": "x", "dgamma": "gamma", "dγ": "gamma", "dbeta": "beta", "dβ": "beta"}.get(short)
    return f"dL/d{letter}={value}" if letter else f"{name}={value}"
