"""The table of functions of the exam notation: spelling, number of arguments, exact folding, plain arithmetic.

Adding a function is adding a row here and, where NumPy needs its own form, a row in `dlcalc.numeric`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.notation.expression import Call, Expr, Num, exact_root, number

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its names, how many arguments it takes, how it folds exactly, how it is computed on floats."""

    name: str
    compute: Callable[..., Any]
    exact: Callable[..., int | Fraction | None] = lambda *_: None
    synonyms: tuple[str, ...] = ()
    least: int = 1
    most: int | None = 1
    prefix: bool = False
    """True where it may be written without parentheses: `ln n`."""
    random: bool = False
    """True for E and Var, which are functions only where random variables are declared."""


def logsumexp(*values: float) -> float:
    """Compute ln Σ exp(x_i) without overflow, by taking the maximum out.

    >>> logsumexp(1000, 1000) == 1000 + math.log(2)
    True
    """
    top = float(max(values))
    return top + math.log(sum(math.exp(float(v) - top) for v in values))


def sigmoid(value: float) -> float:
    """Compute 1/(1 + e^-x) without overflow."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def norm(order: float, *values: float) -> Any:  # noqa: ANN401 (exact in, exact out where the norm allows it)
    """Compute the p-norm of the values; `order` is 1, 2 or infinity."""
    if order == math.inf:
        return max(abs(v) for v in values)
    if order == 1:
        return sum(abs(v) for v in values)
    return math.sqrt(sum(v * v for v in values))


def _at(point: int, value: int) -> Callable[[Fraction], int | None]:
    """Fold a transcendental function at the one rational point where it is rational."""
    return lambda x: value if x == point else None


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


_TABLE = (
    Function("floor", math.floor, math.floor),
    Function("ceil", math.ceil, math.ceil, ("ceiling",)),
    Function("abs", abs, abs),
    Function("sign", _sign, _sign, ("sgn",)),
    Function("sqrt", math.sqrt, exact_root, prefix=True),
    Function("exp", math.exp, _at(0, 1), prefix=True),
    Function("ln", math.log, _at(1, 0), ("log",), prefix=True),
    Function("sin", math.sin, _at(0, 0), prefix=True),
    Function("cos", math.cos, _at(0, 1), prefix=True),
    Function("tanh", math.tanh, _at(0, 0), prefix=True),
    Function("sigmoid", sigmoid, lambda x: Fraction(1, 2) if x == 0 else None, ("sigma",)),
    Function("max", max, max, most=None),
    Function("min", min, min, most=None),
    Function("logsumexp", logsumexp, lambda *x: x[0] if len(x) == 1 else None, ("LSE", "lse"), most=None),
    Function("norm", lambda *x: norm(2, *x), synonyms=("norm_2",), most=None),
    Function("norm_1", lambda *x: norm(1, *x), lambda *x: sum(map(abs, x)), most=None),
    Function("norm_inf", lambda *x: norm(math.inf, *x), lambda *x: max(map(abs, x)), most=None),
    Function("E", lambda x: x, prefix=True, random=True),
    Function("Var", lambda _: 0, prefix=True, random=True),
)
FUNCTIONS = {function.name: function for function in _TABLE}
SPELLINGS = {spelling: f.name for f in _TABLE for spelling in (f.name, *f.synonyms)}
PLAIN_ARITHMETIC: dict[str, Callable[..., Any]] = {name: f.compute for name, f in FUNCTIONS.items()}
"""What `evaluate` needs to compute on Python numbers."""


def call(function: str, *arguments: Expr) -> Expr:
    """Apply a function of the table; exact where the arguments are numbers and the value is rational.

    >>> print(call("floor", number(Fraction(31, 2))))
    15
    """
    row = FUNCTIONS[function]
    if not row.random and all(isinstance(a, Num) for a in arguments):
        value = row.exact(*(a.value for a in arguments if isinstance(a, Num)))
        if value is not None:
            return number(value)
    return Call(function, arguments)


def floor(x: Expr) -> Expr:
    """Round down."""
    return call("floor", x)


def ceil(x: Expr) -> Expr:
    """Round up."""
    return call("ceil", x)


def exp(x: Expr) -> Expr:
    """Raise e to a power."""
    return call("exp", x)


def ln(x: Expr) -> Expr:
    """Take the natural logarithm."""
    return call("ln", x)
