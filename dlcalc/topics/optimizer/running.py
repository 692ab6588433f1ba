"""The updates run from the equations: exact numbers for as long as they are short, symbols where givens are symbols."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Add, Div, Expr, Mul, Num, Real, add, fold, mul, names, number, rebuilt, walk
from dlcalc.notation.printing import unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlcalc.topics.optimizer.field import Field, Vector
    from dlcalc.topics.optimizer.question import Question

Computed = TypeVar("Computed")
Row = dict[str, "Vector"]
"""Everything that has a value at one update, a number per component."""
EXACT_BITS = 400
"""Longer exact numbers, about 120 digits, go on as floats."""
MAX_IRRATIONAL = 24
"""Nodes up to which an irrational number stays as it is written; a longer one goes on as a float."""
MAX_SYMBOLIC = 600
"""Nodes up to which a value with symbols may grow."""


def run(asked: Question) -> list[Row]:
    """Return a row per update, the start first.

    Raises DlcalcError where a denominator is 0, or values grow beyond what is computed.
    """
    rows: list[Row] = [dict(asked.start)]
    for update in asked.numbers:
        rows.append(_updated(asked, rows[-1], update))
    return rows


def _updated(asked: Question, old: Row, update: int) -> Row:
    new: Row = {}
    if not asked.rule.ahead:
        new["g"] = _gradient(asked, old["theta"], update)
    for equation in asked.rule.equations:
        if equation.name == "rate" and update == asked.first and _undefined(asked, old, new, update):
            continue
        new[equation.name] = tuple(_value(asked, equation.name, old, new, update, i) for i in asked.places)
        if equation.name == "theta_tilde":
            new["g"] = _gradient(asked, new["theta_tilde"], update)
    if asked.field is not None:
        loss = _within(lambda field: field.loss_at(new["theta"]), asked.field, update)
        new |= {} if loss is None else {"loss": (loss,)}
    return new


def _within(compute: Callable[[Field], Computed], field: Field, update: int) -> Computed:
    """Compute at a point that may have run away."""
    try:
        return compute(field)
    except DlcalcError as problem:
        raise _beyond(update) if "too large" in problem.condition else problem from None


def _undefined(asked: Question, old: Row, new: Row, update: int) -> bool:
    """Say whether a rate has no value; the update itself has refused by then, where it needs it."""
    try:
        _ = [_value(asked, "rate", old, new, update, i) for i in asked.places]
    except DlcalcError:
        return True
    return False


def _gradient(asked: Question, place: Vector, update: int) -> Vector:
    if asked.field is None:
        return asked.gradient(update)
    return tuple(tidied(g, update) for g in _within(lambda field: field.at(place), asked.field, update))


def known_at(old: Row, new: Row, place: int) -> dict[tuple[str, int], Expr]:
    """Return what has a value while an update is computed, for one component."""
    return {
        **{(name, -1): vector[place] for name, vector in old.items() if place < len(vector)},
        **{(name, 0): vector[place] for name, vector in new.items() if place < len(vector)},
    }


def _value(asked: Question, name: str, old: Row, new: Row, update: int, place: int) -> Expr:  # noqa: PLR0917 (the state)
    equation = asked.equation(name, update)
    written = asked.put_in(equation, update, known_at(old, new, place))
    try:
        return tidied(_cancelled(fold(written)), update)
    except DlcalcError as problem:
        if "division by zero" not in problem.condition:
            raise
        raise DlcalcError(
            f"{unicode(asked.at(equation, update, place))} divides by 0: ε is 0 and so is every gradient so far",
            "use --eps 1e-8, or a gradient that is not 0",
        ) from None


def _cancelled(value: Expr) -> Expr:
    """Cancel a factor above and below a line, such as 1 - β1, which is not 0 as β1 < 1; count equal terms."""
    change = rebuilt(value, _cancelled)
    if isinstance(change, Div) and isinstance(change.numerator, Mul):
        factors = list(change.numerator.factors)
        if change.denominator in factors:
            factors.remove(change.denominator)
            return mul(*factors)
    return _collected(change.terms) if isinstance(change, Add) else change


def _collected(terms: Sequence[Expr]) -> Expr:
    """Count terms that are the same: g² + g² is 2g²."""
    counts: dict[Expr, Fraction] = {}
    for term in terms:
        counted = isinstance(term, Mul) and isinstance(term.factors[0], Num)
        count = term.factors[0].value if counted else Fraction(1)  # type: ignore[attr-defined]  # a product
        same = mul(*term.factors[1:]) if counted else term  # type: ignore[attr-defined]
        counts[same] = counts.get(same, Fraction(0)) + count
    return add(*terms) if len(counts) == len(terms) else add(*(number(n) * same for same, n in counts.items()))


def tidied(value: Expr, update: int) -> Expr:
    """Keep a value exact while it is short; go on with a float otherwise."""
    if names(value):
        if sum(1 for _ in walk(value)) > MAX_SYMBOLIC:
            raise DlcalcError(
                f"the values at update {update} grow beyond {MAX_SYMBOLIC} terms",
                "give numbers for the symbols, or fewer updates",
            )
        return value
    if isinstance(value, Num):
        bits = max(value.value.numerator.bit_length(), value.value.denominator.bit_length())
        if bits <= EXACT_BITS:
            return value
    elif not any(isinstance(node, Real) for node in walk(value)) and sum(1 for _ in walk(value)) <= MAX_IRRATIONAL:
        if approximate(value) is not None:
            return value
        raise _beyond(update)
    found = approximate(value)
    if found is None:
        raise _beyond(update)
    return Real(found)


def _beyond(update: int) -> DlcalcError:
    return DlcalcError(
        f"at update {update} a value is none, or beyond what floats hold",
        "use a smaller --lr, an --eps above 0, or fewer updates",
    )
