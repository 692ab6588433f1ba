"""The majority vote: reads the error probabilities, alike or one for every voter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import Expr, Sym, expr
from dlcalc.notation.printing import plain
from dlcalc.solution import symbols
from dlcalc.topics.ensemble.alike import alike
from dlcalc.topics.ensemble.different import different

if TYPE_CHECKING:
    from dlcalc.notation.printing import Value
    from dlcalc.solution import Solution


def voted(models: Expr | None, given: Value, ties: str, *, of_accuracy: bool) -> Solution:
    """Answer with the error probability of the vote."""
    entries = given if isinstance(given, tuple) else (given,)
    if any(isinstance(entry, tuple) for entry in entries):
        raise DlcalcError(f"the errors are {len(entries)} rows", "give one list, such as --error 0.1,0.2,0.3")
    errors = tuple(_probability(entry, of_accuracy=of_accuracy) for entry in entries if isinstance(entry, Expr))
    if len(errors) == 1:
        return alike(Sym("k") if models is None else models, errors[0], ties)
    if models is not None and models != expr(len(errors)):
        raise DlcalcError(f"there are {len(errors)} errors, but --models is {plain(models)}", "leave out --models")
    return different(errors, ties)


def _probability(given: Expr, *, of_accuracy: bool) -> Expr:
    if not symbols(given) and not 0 <= PLAIN.value(given, {}) <= 1:
        name = "accuracy" if of_accuracy else "error"
        raise DlcalcError(f"--{name} {plain(given)} is no probability", "use a number between 0 and 1")
    return 1 - given if of_accuracy else given
