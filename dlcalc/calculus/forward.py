"""The check of a forward pass: every line read again from its text and computed with NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcalc.calculus.batches import Batch, as_array
from dlcalc.calculus.checking import error
from dlcalc.calculus.inference import typed_expression
from dlcalc.calculus.printing import plain
from dlcalc.solution import Check, Step, StepCheck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.calculus.problem import Numbers, Problem


def verified(
    problem: Problem, steps: Sequence[Step], numbers: Numbers, tolerance: float
) -> tuple[tuple[Step, ...], tuple[Check, ...]]:
    """Compare each statement with floats at the data; two steps belong to each statement."""
    batch = Batch(numbers.lengths)
    values: dict[str, Any] = {name: as_array(numbers.values[name]) for name in problem.typed.leaves}
    found: list[StepCheck] = []
    for name, term in problem.typed.definitions.items():
        with np.errstate(all="ignore"):
            values[name] = batch.value(term, values)
            again = batch.value(typed_expression(plain(term), problem.typed), values)
        exact = np.broadcast_to(as_array(numbers.values[name]), values[name].shape)
        for left, right in ((again, values[name]), (values[name], exact)):
            off = error(left, right)
            found.append(StepCheck(off <= tolerance, "floats at the data", 1, off))
    checked = tuple(replace(step, check=check) for step, check in zip(steps, found, strict=True))
    worst = max(check.max_error for check in found)
    claim = "every value" if len(found) > 2 else "the value"  # noqa: PLR2004 (two per statement)
    return checked, (
        Check(claim, "recomputed with NumPy from the text of each line", worst <= tolerance, worst, tolerance),
    )
