"""Answers as they stand on paper: Var(w) for the variance of the weights, E(x) for the mean of the inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.notation.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.solution import Mark, Solution

DISPLAY = {
    "Var_s": "Var(s)", "Var_w": "Var(w)", "Var_x": "Var(x)", "Var_y": "Var(y)", "Var_z": "Var(z)", "mean_x": "E(x)",
    "Var_sum": "Var(x + y)", "Var_delta": "Var(δ)",
}  # fmt: skip
_MOMENT = r"(?<![^\W\d])(Var|E)\s*[(\[]\s*([swxyz])\s*[)\]]"
_COVARIANCE = r"(?<![^\W\d])Cov\s*[(\[]\s*(?:x\s*,\s*y|y\s*,\s*x)\s*[)\]]"


def with_moments(solution: Solution) -> Solution:
    """Let an answer write Var(w) and E(x) for the names Var_w and mean_x of a solution."""

    def marker(given: Sequence[str], seed: int) -> tuple[Mark, ...]:
        from dlcalc.marking import marked, split_named

        found = marked(replace(solution, seed=seed, topic="init"), [named(text) for text in given]).marks
        return tuple(m._replace(given=split_named(text)[1].strip()) for m, text in zip(found, given, strict=True))

    return replace(solution, marker=marker)


def named(text: str) -> str:
    """Write moments as names.

    >>> named("4n Var(w) (Var[x] + E(x)^2)")
    '4n Var_w (Var_x + mean_x^2)'
    >>> named("Var(x) + 2Cov(x, y)")
    'Var_x + 2Cov'
    """
    names = {"Var": "Var", "E": "mean"}
    single = compiled(_MOMENT).sub(lambda found: f"{names[found[1]]}_{found[2]}", text)
    return compiled(_COVARIANCE).sub("Cov", single)
