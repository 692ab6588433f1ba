"""A loss in letters: its formula, and the gradients that the engine derives from its program."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.calculus.problem import formula
from dlcalc.marking import split_named
from dlcalc.solution import Answer, Mark, Solution
from dlcalc.topics.backprop.answers import rights, symbolic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.calculus.problem import Problem

SPELLED = {"L": "loss", "l": "loss", "J": "loss"}
"""Other names of the loss."""


def derived(problem: Problem) -> Solution:
    """Return the engine's derivation, without answers of its own."""
    return replace(symbolic(problem, None, graph=False, code=False), answers=(), principal=(), documents={})


def solution(problem: Problem) -> Solution:
    """Answer with the formula of the loss and its gradients."""
    engine = symbolic(problem, None, graph=False, code=False)
    term = problem.typed.definitions[problem.loss]
    answers = (Answer("loss", formula(term)), *engine.answers)
    right = {**rights(problem, None, None), "loss": term}

    def marker(given: Sequence[str], seed: int) -> tuple[Mark, ...]:
        from dlcalc.calculus.marking import marked

        return marked(problem, right, answers, None, [_named(text) for text in given], seed)

    return replace(engine, answers=answers, principal=tuple(a.name for a in answers), marker=marker, documents={})


def _named(text: str) -> str:
    """Take a bare answer for the loss."""
    name, value = split_named(text)
    return f"{SPELLED.get(name or 'L', name)}={value}"
