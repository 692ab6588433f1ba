"""A loss of scalar variables: read, differentiated by the engine of `backprop`, put at a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import named_parts, read_scalar, split_outside
from dlcalc.marking import split_named
from dlcalc.notation.expression import ZERO, Call, Expr, Num, Pow, fold, names, substitute, walk
from dlcalc.notation.functions import INDICATORS
from dlcalc.notation.parser import parse
from dlcalc.notation.printing import plain
from dlcalc.notation.tokens import spelled, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_STATEMENTS = 20
MAX_VARIABLES = 6
MAX_POWER = 40
KINKED = {"abs", "relu", "leaky_relu", "elu", "sign", "floor", "ceil", "norm"}
"""Functions without a derivative where their (first) argument is 0; floor and ceil jump at whole numbers too."""


def read_loss(text: str) -> Expr:
    """Read `L = x^2 - y^2`, or statements that end in the loss, as one expression.

    Raises NotationError, with the place, for what cannot be read.

    >>> print(read_loss("h = x + y; L = h^2"))
    (x + y)^2
    """
    lines = [line.partition("#")[0] for line in text.split("\n")]
    statements = [part for line in lines for part in split_outside(line, ";") if part.strip()]
    if not statements:
        raise DlcalcError("the loss is missing", "write it in quotes: 'x^2 - y^2'")
    if len(statements) > MAX_STATEMENTS:
        raise DlcalcError(f"{len(statements)} statements are too many", f"use at most {MAX_STATEMENTS}")
    known: dict[str, Expr] = {}
    value: Expr = ZERO
    for statement in statements:
        if _declares(statement):
            continue
        name, body = split_named(statement)
        if name is not None and not name.partition("(")[0].strip():
            raise DlcalcError(f"{statement.strip()[:40]!r} has no name before its =", "write L = x^2, or x^2 alone")
        value = fold(substitute(parse(body.strip()), known))
        if name is not None:
            known[spelled(name.partition("(")[0].strip())] = value
    _refuse_untamed(value)
    return value


def _refuse_untamed(loss: Expr) -> None:
    """Refuse what has no useful derivative, or grows beyond every float close by."""
    for node in walk(loss):
        if isinstance(node, Call) and node.function in {"floor", "ceil"}:
            raise DlcalcError(f"{node.function} is flat but for its jumps: it has no useful gradient", "leave it out")
        if isinstance(node, Pow) and isinstance(node.exponent, Num) and abs(node.exponent.value) > MAX_POWER:
            raise DlcalcError(f"the power {plain(node.exponent)} is too large", f"use at most {MAX_POWER}")


def _declares(statement: str) -> bool:
    """Say whether a statement declares scalars, which all names are here.

    Raises DlcalcError where it declares something else.
    """
    _, word, kind = statement.replace("∈", " in ").partition(" in ")
    if word and kind.strip() not in {"R", "ℝ"}:
        raise DlcalcError(f"{statement.strip()[:40]!r} declares no scalar", "use backprop for vectors and matrices")
    return bool(word)


def seen(text: str) -> frozenset[str]:
    """Return the names that are written in a loss, also those that cancel.

    >>> sorted(seen("3 + 0 x"))
    ['x']
    """
    return frozenset(spelled(token.text) for token in tokenize(text) if token.kind == "name")


def read_point(raw: object) -> dict[str, Expr]:
    """Read `x=0, y=1`, or a mapping."""
    if raw is None:
        return {}
    if isinstance(raw, dict):
        return {spelled(str(name)): read_scalar(str(name), value) for name, value in raw.items()}
    parts = named_parts("--at", str(raw), "--at x=0,y=1")
    return {name: read_scalar(name, value) for name, value in parts.items()}


def variables_of(loss: Expr, written: frozenset[str], wrt: str, point: Mapping[str, Expr]) -> tuple[str, ...]:
    """Say which names are variables: those asked, else those of the point, else all, in their order."""
    order = list(dict.fromkeys(n for node in walk(loss) for n in (names(node) if not _inner(node) else ())))
    asked = [spelled(part.strip()) for part in wrt.split(",") if part.strip()]
    for name in (*asked, *point):
        if name not in order and name not in written:
            has = f"it has {', '.join(order)}" if order else "it has no variable: write x^2, say"
            raise DlcalcError(f"{name} does not stand in the loss", nearest(name, order) or has)
    found = tuple(asked or point or order)
    if not found:
        raise DlcalcError("the loss has no variable", "write one with a name in it, such as x^2")
    if len(found) > MAX_VARIABLES:
        raise DlcalcError(f"{len(found)} variables are too many", f"name up to {MAX_VARIABLES} with --wrt")
    return found


def _inner(node: Expr) -> bool:
    return bool(names(node)) and len(list(walk(node))) > 1


def at(expression: Expr, point: Mapping[str, Expr]) -> Expr:
    """Put a point into an expression and compute what is exact."""
    return fold(substitute(expression, point))


def kinks(loss: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield what must not be 0 for the loss to be differentiable, with the function that has its kink there."""
    for node in walk(loss):
        if not isinstance(node, Call):
            continue
        if node.function in KINKED:
            yield node.function, node.arguments[0]
        elif node.function in {"max", "min"} or node.function in INDICATORS:
            for i, left in enumerate(node.arguments):
                for right in node.arguments[:i]:
                    yield node.function if node.function in {"max", "min"} else "the indicator", left - right


def refuse_kinks(loss: Expr, point: Mapping[str, Expr]) -> None:
    """Refuse a point where the loss has no derivative."""
    for function, argument in kinks(loss):
        value = at(argument, point)
        if isinstance(value, Num) and value.value == 0:
            raise DlcalcError(
                f"{function} has a kink where {plain(argument)} = 0: the loss has no gradient there",
                "move the point off the kink",
            )
