"""The table of functions of the exam notation: spelling, number of arguments, exact folding, plain arithmetic.

Adding a function is adding a row here and, where NumPy needs its own form, a row in `dlcalc.numeric`.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.notation.expression import Call, Expr, Num, exact_root, fits, number
from dlcalc.notation.tokens import spelled

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_CHOSEN_FROM = 10_000
"""The most that a binomial coefficient chooses from."""


@dataclass(frozen=True)
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

    of_list: bool = False
    """True where its one argument may be a whole list, as those of the functions of any number of values may."""

    @property
    def takes_lists(self) -> bool:
        """Whether a whole list stands for its entries as an argument."""
        return self.of_list or self.most is None

    @property
    def takes(self) -> str:
        """How many arguments it takes, in words."""
        if self.most is None:
            return "one argument or more"
        return "one argument" if self.most == 1 else f"{self.most} arguments"


def logsumexp(*values: float) -> float:
    """Compute ln Σ exp(x_i) without overflow, by taking the maximum out.

    >>> logsumexp(1000, 1000) == 1000 + math.log(2)
    True
    """
    *others, top = sorted(float(v) for v in values)
    return top + math.log1p(math.fsum(math.exp(v - top) for v in others))


def largest(*values: Any) -> Any:  # noqa: ANN401 (exact in, exact out)
    """Return the maximum; of one value too, which Python's own refuses."""
    return max(values)


def smallest(*values: Any) -> Any:  # noqa: ANN401 (exact in, exact out)
    """Return the minimum; of one value too."""
    return min(values)


def sigmoid(value: float) -> float:
    """Compute 1/(1 + e^-x) without overflow."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def relu(value: Any) -> Any:  # noqa: ANN401 (exact in, exact out)
    """Compute max(x, 0)."""
    return max(value, 0)


def leaky_relu(value: Any, slope: Any) -> Any:  # noqa: ANN401 (exact in, exact out)
    """Compute x above 0 and a x below it."""
    return value if value > 0 else slope * value


def elu(value: float, scale: float) -> float:
    """Compute x above 0 and a (e^x - 1) below it."""
    return value if value > 0 else scale * math.expm1(value)


def gelu(value: float) -> float:
    """Compute x times the normal distribution function at x."""
    return value * normal_distribution(value)


def normal_distribution(value: float) -> float:
    """Compute the normal distribution function."""
    return (1 + math.erf(value / math.sqrt(2))) / 2


def normal_density(value: float) -> float:
    """Compute the density of the normal distribution."""
    return math.exp(-value * value / 2) / math.sqrt(2 * math.pi)


def silu(value: float) -> float:
    """Compute x sigmoid(x)."""
    return value * sigmoid(value)


def softplus(value: float) -> float:
    """Compute ln(1 + e^x) without overflow.

    >>> softplus(1000)
    1000.0
    """
    return max(value, 0) + math.log1p(math.exp(-abs(value)))


def natural_logarithm(value: Any) -> float:  # noqa: ANN401 (an exact number or a float)
    """Compute ln x; of an exact number near 1 from its distance to 1, which its float has rounded.

    >>> natural_logarithm(1 + Fraction(1, 10**20))
    1e-20
    """
    near = isinstance(value, Fraction) and 2 * abs(value - 1) < 1
    return math.log1p(value - 1) if near else math.log(value)


def total(*values: Any) -> Any:  # noqa: ANN401 (exact in, exact out)
    """Add the values up."""
    return sum(values)


def mean(*values: Any) -> Any:  # noqa: ANN401 (exact in, exact out)
    """Compute the mean of the values."""
    return sum(values) / Fraction(len(values))


def norm(order: float, *values: float) -> Any:  # noqa: ANN401 (exact in, exact out where the norm allows it)
    """Compute the p-norm of the values; `order` is 1, 2 or infinity."""
    if order == math.inf:
        return max(abs(v) for v in values)
    if order == 1:
        return sum(abs(v) for v in values)
    return math.sqrt(sum(v * v for v in values))


def binomial(total: Any, chosen: Any) -> int:  # noqa: ANN401 (whole numbers of any type)
    """Count the ways to choose some of several things: whole numbers only, none below 0 or above the total.

    >>> binomial(5, 2), binomial(2, 5)
    (10, 0)
    """
    if total != int(total) or chosen != int(chosen) or total < 0:
        raise ValueError(total, chosen)
    if total > MAX_CHOSEN_FROM:
        raise OverflowError
    return math.comb(int(total), int(chosen)) if chosen >= 0 else 0


def _exact_binomial(total: Fraction, chosen: Fraction) -> int | None:
    whole = total.denominator == chosen.denominator == 1 and 0 <= total <= MAX_CHOSEN_FROM
    return binomial(total, chosen) if whole else None


def _at(point: int, value: int) -> Callable[[Fraction], int | None]:
    """Fold a transcendental function at the one rational point where it is rational."""
    return lambda x: value if x == point else None


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


def _exact_elu(x: Fraction, scale: Fraction) -> Fraction | None:
    return x if x >= 0 else None if scale else Fraction(0)


def _indicator(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], int]:
    """Make the function that is 1 where a relation holds and 0 elsewhere."""
    return lambda left, right: int(holds(left, right))


INDICATORS = {f"1 {relation}": relation for relation in ("=", "!=", "<", "<=", ">", ">=")}
"""The names of the indicators, such as that of `1(a < b)`; they are written with brackets, never by name."""
_HOLDS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)

_TABLE = (
    Function("floor", math.floor, math.floor),
    Function("ceil", math.ceil, math.ceil, ("ceiling",)),
    Function("abs", abs, abs),
    Function("sign", _sign, _sign, ("sgn",)),
    Function("sqrt", math.sqrt, exact_root, prefix=True),
    Function("exp", math.exp, _at(0, 1), prefix=True),
    Function("ln", natural_logarithm, _at(1, 0), ("log",), prefix=True),
    Function("sin", math.sin, _at(0, 0), prefix=True),
    Function("cos", math.cos, _at(0, 1), prefix=True),
    Function("tanh", math.tanh, _at(0, 0), prefix=True),
    Function("relu", relu, relu, ("ReLU",)),
    Function("leaky_relu", leaky_relu, leaky_relu, ("LeakyReLU", "prelu", "PReLU"), 2, 2),
    Function("elu", elu, _exact_elu, ("ELU",), 2, 2),
    Function("gelu", gelu, _at(0, 0), ("GELU",)),
    Function("normcdf", normal_distribution, lambda x: Fraction(1, 2) if x == 0 else None),
    Function("normpdf", normal_density),
    Function("silu", silu, _at(0, 0), ("SiLU", "swish")),
    Function("softplus", softplus),
    Function("sigmoid", sigmoid, lambda x: Fraction(1, 2) if x == 0 else None, ("sigma",)),
    Function("max", largest, largest, most=None),
    Function("min", smallest, smallest, most=None),
    Function("logsumexp", logsumexp, lambda *x: x[0] if len(x) == 1 else None, ("LSE", "lse"), most=None),
    Function("sum", total, total, of_list=True),
    Function("mean", mean, mean, most=None),
    Function("norm", lambda *x: norm(2, *x), lambda *x: exact_root(sum(v * v for v in x)), ("norm_2",), most=None),
    Function("norm_1", lambda *x: norm(1, *x), lambda *x: sum(map(abs, x)), most=None),
    Function("norm_inf", lambda *x: norm(math.inf, *x), lambda *x: max(map(abs, x)), most=None),
    Function("binomial", binomial, _exact_binomial, ("binom", "nchoosek"), 2, 2),
    Function("E", lambda x: x, prefix=True, random=True),
    Function("Var", lambda _: 0, prefix=True, random=True),
    *(
        Function(name, _indicator(holds), _indicator(holds), least=2, most=2)
        for name, holds in zip(INDICATORS, _HOLDS, strict=True)
    ),
)
FUNCTIONS = {function.name: function for function in _TABLE}
SPELLINGS = {spelled(word): f.name for f in _TABLE if f.name not in INDICATORS for word in (f.name, *f.synonyms)}
VECTOR_SPELLINGS = {
    "softmax": "softmax", "log_softmax": "log_softmax", "logsoftmax": "log_softmax", "tr": "tr", "trace": "tr",
    "det": "det", "logdet": "logdet", "inv": "inv", "inverse": "inv", "diag": "diag", "ones": "ones",
    "zeros": "zeros", "eye": "eye", "cossim": "cossim", "cos_sim": "cossim", "cosine": "cossim",
    "transpose": "transpose", "dot": "dot", "var": "var",
}  # fmt: skip
"""Every spelling of the functions that mean something for vectors and matrices only, and their names."""
VECTOR_FUNCTIONS = frozenset(VECTOR_SPELLINGS)
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
        if value is not None and fits(Fraction(value)):
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
