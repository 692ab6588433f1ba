"""Terms on entries that are expressions: ln(3/10) stays as it is, a symbol stays a symbol.

Where `exact` computes with fractions and floats, the entries here are expressions of the scalar notation, folded while
they are exact. Needs neither NumPy nor SymPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.calculus.exact import Exact
from dlcalc.calculus.terms import Apply, Compare, Power, Term
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Add, Call, Div, Expr, Mul, Num, add, div, expr, mul, power
from dlcalc.notation.functions import FUNCTIONS, call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# ruff: noqa: ANN401 (rows of expressions where the base class has rows of numbers)


class Entrywise(Exact):
    """Evaluates terms at given expressions."""

    def value(self, term: Term, names: Mapping[str, Any]) -> Any:
        """Evaluate a term; a limit that does not exist stays as the logarithm of 0.

        Raises DlcalcError where it divides by zero.
        """
        return [[expr(entry) for entry in row] for row in self._value(term, names)]

    def _value(self, term: Term, names: Mapping[str, Any]) -> Any:
        match term:
            case Compare(_, relation, left, right):
                return self._folded(
                    lambda a, b: _holds(relation, a, b), [self._value(left, names), self._value(right, names)]
                )
            case Power(_, base, exponent):
                raised = expr(self._value(exponent, names)[0][0])
                if isinstance(base, Apply) and base.function == "norm" and raised == expr(2):
                    return [
                        [add(*(power(expr(e), raised) for row in self._value(base.arguments[0], names) for e in row))]
                    ]
                return [[_raised(expr(entry), raised) for entry in row] for row in self._value(base, names)]
        return super()._value(term, names)

    def _folded(self, operation: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
        """Combine entries; 0/0 is 0, for a term that stays 0 all the way to the limit."""

        def safe(a: Any, b: Any) -> Any:
            try:
                return operation(expr(a), expr(b))
            except DlcalcError:
                if expr(a) == ZERO:
                    return ZERO
                raise

        return super()._folded(safe, values)

    def _elementwise(self, term: Apply, arguments: list[Any]) -> Any:
        rows, cols = max(len(a) for a in arguments), max(len(a[0]) for a in arguments)
        name = {"maximum": "max", "minimum": "min"}.get(term.function, term.function)

        def at(value: Any, i: int, j: int) -> Expr:
            return expr(value[i if len(value) > 1 else 0][j if len(value[0]) > 1 else 0])

        return [[applied(name, *(at(a, i, j) for a in arguments)) for j in range(cols)] for i in range(rows)]

    def _apply(self, term: Apply, names: Mapping[str, Any]) -> Any:
        if term.function != "cossim":
            return super()._apply(term, names)
        first, second = ([expr(e) for row in self._value(a, names) for e in row] for a in term.arguments)
        product = add(*(mul(a, b) for a, b in zip(first, second, strict=True)))
        squares = [add(*(power(v, expr(2)) for v in side)) for side in (first, second)]
        if ZERO in squares:
            raise DlcalcError("the cosine of a zero vector has no value", "give vectors that are not zero")
        both = mul(*squares) if all(isinstance(s, Num) for s in squares) else None
        below = call("sqrt", both) if both is not None else mul(*(call("sqrt", s) for s in squares))
        return [[div(product, below)]]

    def _reduced(self, term: Apply, argument: Any) -> Any:
        lines = [[expr(e) for row in argument for e in row]]
        if term.axis is not None or term.function not in _REDUCTIONS:
            raise DlcalcError(f"{term.function} is not computed on expressions", "give numbers")
        found = _REDUCTIONS[term.function](lines[0])
        return [[value] for value in found] if isinstance(found, tuple) else [[found]]


def applied(function: str, *arguments: Expr) -> Expr:
    """Apply a function of one entry, with the identities that undo each other.

    >>> print(applied("ln", Call("exp", (expr(3),))), applied("ln", expr(1) / expr(2)))
    3 -ln(2)
    """
    if function in {"sign", "abs", "relu"} and not isinstance(arguments[0], Num):
        sign = approximate(arguments[0])
        if sign is not None:
            return {"sign": expr((sign > 0) - (sign < 0)), "abs": arguments[0] if sign >= 0 else -arguments[0]}.get(
                function, arguments[0] if sign > 0 else ZERO
            )
    if function == "ln":
        return _logarithm(arguments[0])
    if FUNCTIONS[function].random:
        raise DlcalcError(f"{function} is not a function of an entry", "give numbers")
    return call(function, *arguments)


def _logarithm(value: Expr) -> Expr:
    match value:
        case Call("exp", (inner,)):
            return inner
        case Call("sigmoid", (inner,)):
            return -Call("softplus", (-inner,))
        case Add((Num(one), Mul((Num(minus), Call("sigmoid", (inner,)))))) if one == 1 and minus == -1:
            return -Call("softplus", (inner,))
        case Div(top, inner) if top == ONE:
            return -call("ln", inner)
        case Num(number) if number.numerator == 1 and number != 1:
            return -call("ln", expr(number.denominator))
    return call("ln", value)


def _holds(relation: str, left: Any, right: Any) -> Expr:
    from dlcalc.calculus.exact import RELATIONS

    sides = [approximate(expr(side)) for side in (left, right)]
    exact = isinstance(left, Num) and isinstance(right, Num)
    if exact:
        return expr(int(RELATIONS[relation](left.value, right.value)))
    if None in sides:
        return call(f"1 {relation}", expr(left), expr(right))
    return expr(int(RELATIONS[relation](*sides)))


def _raised(base: Expr, exponent: Expr) -> Expr:
    """Raise to a power; 0 to a symbol stays as written."""
    if base == ZERO and isinstance(exponent, Num) and exponent.value < 0:
        raise DlcalcError(f"0^({exponent}) has no value", "change the data")
    return power(base, exponent)


def softmax(values: Sequence[Expr]) -> tuple[Expr, ...]:
    """Compute e^(z_i - LSE(z)); a fraction where the exponentials are.

    >>> print(*softmax([expr(0), call("ln", expr(3))]))
    0.25 0.75
    """
    if len(set(values)) == 1:
        return (ONE / expr(len(values)),) * len(values)
    grown = [_exponential(value) for value in values]
    if all(isinstance(value, Num) for value in grown):
        return tuple(div(value, add(*grown)) for value in grown)
    shift = call("logsumexp", *values)
    return tuple(Call("exp", (value - shift,)) for value in values)


def _exponential(value: Expr) -> Expr:
    match value:
        case Call("ln", (inner,)):
            return inner
        case Mul((minus, Call("ln", (inner,)))) if minus == MINUS_ONE:
            return ONE / inner
    return call("exp", value)


_REDUCTIONS: Mapping[str, Callable[[Sequence[Expr]], Any]] = {
    "sum": lambda v: add(*v),
    "mean": lambda v: add(*v) / len(v),
    "softmax": softmax,
    "logsumexp": lambda v: call("logsumexp", *v),
    "norm": lambda v: call("sqrt", add(*(power(entry, expr(2)) for entry in v))),
}
