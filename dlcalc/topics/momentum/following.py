"""The path under a gradient that is an expression, followed exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Add, Call, Div, Expr, Mul, Num, Pow, Sym, fold, names, substitute, walk
from dlcalc.notation.printing import plain
from dlcalc.topics.momentum.bounds import MAX_EXPLICIT, MAX_NODES, bounded, too_long

if TYPE_CHECKING:
    from dlcalc.topics.momentum.rule import Question
    from dlcalc.topics.momentum.writing import Vector


def followed(asked: Question) -> list[list[Vector]]:
    """Return every g, every v, every θ and every θ̃ (the last only where Nesterov asks for it)."""
    rule, v, theta = asked.rule, asked.v0, asked.theta0
    rows: list[tuple[Vector, ...]] = []
    tilde = tuple(_tidied(rule.ahead(x, y)) for x, y in zip(theta, v, strict=True))
    for step in range(1, (asked.steps or 0) + 1):
        place = tilde if asked.nesterov else theta
        g = tuple(_gradient_at(asked, i, place, step) for i in range(len(place)))
        v = tuple(_tidied(rule.velocity(x, y)) for x, y in zip(v, g, strict=True))
        theta = tuple(_tidied(rule.moved(x, y)) for x, y in zip(theta, v, strict=True))
        if asked.nesterov:
            tilde = tuple(_tidied(rule.ahead(x, y)) for x, y in zip(theta, v, strict=True))
        rows.append((g, v, theta, tilde))
    return [list(column) for column in zip(*rows, strict=True)]


def _gradient_at(asked: Question, component: int, place: Vector, step: int) -> Expr:
    field, value, at = asked.field[component], None, ", ".join(map(plain, place))
    if partial(field) and any(names(x) and not isinstance(x, Sym) for x in place):
        raise DlcalcError(
            f"the gradient {plain(field)} need not have a value at {at}",
            "give numbers for the start and the coefficients, or fewer steps",
        )
    try:
        value = _tidied(substitute(field, asked.placed(component, place)))
    except DlcalcError as problem:
        if "division by zero" not in problem.condition:
            raise
    if value is None or not (names(value) or isinstance(value, Num) or approximate(value) is not None):
        condition = f"the gradient {plain(field)} has no value at {at} (step {step})"
        raise DlcalcError(condition, "start elsewhere or make fewer steps")
    return value


def partial(field: Expr) -> bool:
    """Say whether the gradient has poles, is not real everywhere, or soon overflows."""
    return any(
        (isinstance(node, Call) and node.function in {"ln", "sqrt", "exp"})
        or (isinstance(node, Div) and bool(names(node.denominator)))
        or (isinstance(node, Pow) and not (isinstance(node.exponent, Num) and node.exponent.value >= 0))
        for node in walk(field)
    )


def _tidied(value: Expr) -> Expr:
    """Fold, and multiply out where symbols remain and few terms come of it; refuse what grows too large."""
    value = fold(value)
    if names(value) and not isinstance(value, Sym) and _terms(value) <= MAX_NODES:
        from dlcalc.symbolic import collected

        value = collected(value, *sorted(name for name in names(value) if name.startswith(("theta", "v"))))
    nodes = list(walk(value))
    if not isinstance(value, Num) and all(map(_rational, nodes)):
        raise too_long()  # folding leaves what is too long as it is written
    if len(nodes) > MAX_NODES:
        raise DlcalcError(f"a value grows beyond {MAX_NODES} terms", "use fewer steps, or numbers for the symbols")
    return bounded(value)


def _rational(node: Expr) -> bool:
    whole = isinstance(node, Pow) and isinstance(node.exponent, Num) and node.exponent.value.denominator == 1
    return whole or isinstance(node, Num | Add | Mul | Div)


def _terms(value: Expr) -> int:
    """Bound the number of terms after multiplying out; anything above `MAX_NODES` is as good as infinite."""
    if isinstance(value, Add):
        return sum(map(_terms, value.terms))
    if isinstance(value, Mul):
        product = 1
        for factor in value.factors:
            product = min(product * _terms(factor), MAX_NODES + 1)
        return product
    if isinstance(value, Pow) and isinstance(value.exponent, Num) and (base := _terms(value.base)) > 1:
        return MAX_NODES + 1 if abs(value.exponent.value) > MAX_EXPLICIT else base ** abs(int(value.exponent.value))
    return 1
