"""The derivation of `backprop`, line by line, and the check of every line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dlcalc.calculus.batches import as_array
from dlcalc.calculus.checking import DIFFERENCE_TOLERANCE, EXACT_TOLERANCE, Checker, Data
from dlcalc.calculus.printing import plain, unicode_name
from dlcalc.calculus.problem import as_value, formula, upstream_names
from dlcalc.calculus.terms import DELTA, Name, Term, transpose
from dlcalc.notation.expression import Formula
from dlcalc.solution import FAR_BELOW, Check, Step, StepCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlcalc.calculus.derivation import Gradient, Path
    from dlcalc.calculus.problem import Numbers, Problem

    Test = Callable[[Checker], StepCheck]

AT_DATA = "at the data"
SHOWN_SIZES = 6
"""Lengths that the claim of a check names."""
SHOWN_ENTRIES = 16
"""Entries of a value that a line shows."""


@dataclass(frozen=True)
class Line:
    """A step, and how a checker tests it."""

    step: Step
    test: Test


def steps(problem: Problem, numbers: Numbers | None) -> list[Line]:
    """Write the forward pass, δ of every quantity from the loss back, and the gradients in the given names."""
    found: list[Line] = []
    for name, term in problem.derivation.definitions.items():
        found += _forward(problem, name, term, numbers)
    for gradient in problem.derivation.gradients.values():
        found += _backward(problem, gradient, numbers)
    for name in problem.wanted:
        gradient = problem.gradient(name)
        if problem.numerator:
            found.append(_transposed(problem, gradient))
        elif gradient.closed is not None and gradient.closed != gradient.short and numbers is None:
            found.append(_closed(problem, gradient, gradient.closed))
    return found


def _shape(term: Term) -> tuple[int | str, ...] | None:
    if term.shape.is_scalar:
        return None
    return tuple(dim.constant if not dim.parts else str(dim) for dim in term.shape)


def _said(term: Term, because: str) -> str:
    return because if term.shape.is_scalar else f"{term.shape}; {because}" if because else str(term.shape)


def _forward(problem: Problem, name: str, term: Term, numbers: Numbers | None) -> list[Line]:
    target = formula(Name(term.shape, name))
    because = "named here" if name in problem.derivation.named else "given"
    step = Step("forward", target, target, formula(term), _said(term, because), shape=_shape(term))
    found = [Line(step, lambda checker: checker.statement(name, term))]
    return found + _numbers(step, term, numbers, name, name)


def _numbers(step: Step, term: Term, numbers: Numbers | None, name: str, key: str) -> list[Line]:
    """Continue a line with its value at the data."""
    if numbers is None or sum(map(len, numbers.values[key])) > SHOWN_ENTRIES:
        return []
    rows = numbers.values[key]
    value = as_value(rows, term.shape)
    if isinstance(value, tuple):
        text = _listed(value)
        value = Formula(text, text, text)
    new = replace(step, rule=AT_DATA, before=step.after, after=value, because=AT_DATA)
    return [Line(new, lambda checker: checker.at_data(name, rows, gradient=key != name))]


def _listed(value: object) -> str:
    from dlcalc.notation.expression import Expr
    from dlcalc.notation.printing import unicode

    if isinstance(value, Expr):
        return unicode(value)
    rows = value if isinstance(value, tuple) else ()
    nested = any(isinstance(row, tuple) for row in rows)
    inside = "; ".join(", ".join(map(_listed, row)) for row in rows) if nested else ", ".join(map(_listed, rows))
    return f"[{inside}]"


def _backward(problem: Problem, gradient: Gradient, numbers: Numbers | None) -> list[Line]:
    name, symbol = gradient.name, problem.symbol(gradient.name)
    if name == problem.loss and not problem.upstream:
        return []
    if not gradient.paths:
        step = Step(
            "no path",
            symbol,
            symbol,
            formula(gradient.term),
            f"no path leads from {name} to the loss",
            shape=_shape(gradient.term),
        )
        return [Line(step, lambda checker: checker.line(gradient.term, name))]
    several = len(gradient.paths) > 1
    found = [_path(problem, gradient, path) for path in gradient.paths] if several else []
    if several:
        because, rule = "sum over all paths (law of total derivatives)", "sum over paths"
    else:
        because, rule = gradient.paths[0].why, "chain rule" if gradient.paths[0].through else "given"
    step = Step(
        rule, symbol, symbol, formula(gradient.term), _said(gradient.term, because), shape=_shape(gradient.term)
    )
    found.append(Line(step, lambda checker: checker.line(gradient.term, name)))
    if gradient.short != gradient.term:
        why = "put in and simplified" if _uses_delta(gradient) else "simplified"
        step = replace(step, rule="simplify", before=step.after, after=formula(gradient.short), because=why)
        found.append(Line(step, lambda checker: checker.line(gradient.short, name)))
    return found + _numbers(step, gradient.term, numbers, name, DELTA + name)


def _uses_delta(gradient: Gradient) -> bool:
    from dlcalc.calculus.terms import names

    return names(gradient.term) != names(gradient.short)


def _path(problem: Problem, gradient: Gradient, path: Path) -> Line:
    whole = problem.symbol(gradient.name)
    target = Formula(
        f"{whole.plain}_via_{path.through}",
        f"{whole.unicode} via {unicode_name(path.through)}",
        rf"{whole.latex}\Big|_{{\text{{via }}{formula(Name(path.term.shape, path.through)).latex}}}",
    )
    step = Step("path", target, target, formula(path.term), _said(path.term, path.why), shape=_shape(path.term))
    return Line(step, lambda checker: checker.line(path.term, gradient.name, path.through))


def _closed(problem: Problem, gradient: Gradient, closed: Term) -> Line:
    symbol = problem.symbol(gradient.name)
    step = Step(
        "in the given names", symbol, symbol, formula(closed), _said(closed, "in the given names"), shape=_shape(closed)
    )
    return Line(step, lambda checker: checker.line(closed, gradient.name))


def _transposed(problem: Problem, gradient: Gradient) -> Line:
    name = gradient.name
    turned = transpose(gradient.closed if gradient.closed is not None else gradient.short)
    derivative = Formula(plain(transpose(gradient.delta)), *problem.derivative(name))
    step = Step(
        "numerator layout",
        derivative,
        derivative,
        formula(turned),
        _said(turned, "transposed: numerator layout"),
        shape=_shape(turned),
    )
    return Line(step, lambda checker: checker.transposed(turned, name))


def checked(
    problem: Problem, lines: Sequence[Line], numbers: Numbers | None, seed: int, *, code: bool
) -> tuple[tuple[Step, ...], tuple[Check, ...]]:
    """Check every line at random points, then the gradients by the other routes."""
    with np.errstate(all="ignore"):
        return _checked(problem, lines, numbers, seed, code=code)


def _checked(
    problem: Problem, lines: Sequence[Line], numbers: Numbers | None, seed: int, *, code: bool
) -> tuple[tuple[Step, ...], tuple[Check, ...]]:
    checker = Checker(problem.typed, problem.derivation, seed)
    at_data = (
        checker if numbers is None else Checker(problem.typed, problem.derivation, seed, as_data(problem, numbers))
    )
    found = tuple(
        replace(line.step, check=line.test(at_data if line.step.rule == AT_DATA else checker)) for line in lines
    )
    return found, tuple(_routes(problem, checker, code=code))


def as_data(problem: Problem, numbers: Numbers) -> Data:
    """Turn exact leaves into arrays."""
    leaves = [*problem.typed.leaves, *upstream_names(problem)]
    arrays = {name: as_array(numbers.values[name]) for name in leaves}
    return Data(arrays, numbers.lengths)


def _routes(problem: Problem, checker: Checker, *, code: bool) -> list[Check]:
    shown = [f"{name} = {size}" for name, size in checker.lengths.items()]
    sizes = ", ".join(shown if len(shown) <= SHOWN_SIZES else [*shown[:SHOWN_SIZES], "…"])
    off, where, how = checker.first_route()
    how = how if checker.directional else f"{how} on {checker.coordinates} coordinates"
    how = f"{how} at {len(checker.seen)} points" + (f", {sizes}" if sizes else "")
    count = len(problem.derivation.gradients)
    claim = f"the gradients of all {count} quantities" if count > 1 else "the gradient"
    found = [_route(claim, how, off, where, EXACT_TOLERANCE)]
    off, where = checker.second_route()
    found.append(_route(claim, "central differences of order 4", off, where, DIFFERENCE_TOLERANCE))
    if code:
        found.append(
            _route("the NumPy function", "run at these points", checker.code_error(problem.wanted), "", EXACT_TOLERANCE)
        )
    return found


def _route(claim: str, how: str, off: float, where: str, tolerance: float) -> Check:
    """Say how a check came out, and where it was worst unless that is mere rounding."""
    worst = f"; worst in {where}" if where and off > tolerance * FAR_BELOW else ""
    return Check(claim, how + worst, off <= tolerance, off, tolerance)
