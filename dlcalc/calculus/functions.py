"""The table of functions of matrix expressions: shapes, derivatives, kinks.

An element-wise function has one row in `ELEMENTWISE`: its partial derivatives as terms. A function of whole vectors
and matrices has one row in `PULLBACKS`: how ∂L/∂(its value) becomes ∂L/∂(its argument). Adding a function is adding
a row, and its arithmetic in `calculus.exact` and `calculus.batches`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.calculus.dims import ONE, SCALAR, Shape
from dlcalc.calculus.terms import (
    UNIT,
    ZERO,
    Apply,
    Compare,
    Constant,
    Inverse,
    Term,
    add,
    along,
    divide,
    hadamard,
    inner,
    mul,
    negative,
    number,
    ones,
    power,
    size,
    spread,
    transpose,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Arguments = tuple[Term, ...]


class Elementwise(NamedTuple):
    """A function of every entry: its partial derivatives from the arguments and the value; None where one is zero."""

    partials: Callable[[Arguments, Term], tuple[Term | None, ...]]
    arguments: int = 1
    kink: Callable[[Arguments], Term] | None = None
    """What is zero where the derivative jumps."""
    convention: str = ""
    """Which derivative is taken there."""


def _one(derivative: Callable[[Term, Term], Term]) -> Callable[[Arguments, Term], tuple[Term | None, ...]]:
    return lambda arguments, value: (derivative(arguments[0], value),)


def _flat(_: Arguments, __: Term) -> tuple[Term | None, ...]:
    return (None,)


def indicator(left: Term, relation: str, right: Term) -> Term:
    """Return the indicator of a relation."""
    return Compare(left.shape if not left.shape.is_scalar else right.shape, relation, left, right)


def _first(arguments: Arguments) -> Term:
    return arguments[0]


def _gap(arguments: Arguments) -> Term:
    return add(arguments[0], negative(arguments[1]))


def _from_whole(arguments: Arguments) -> Term:
    """Return the distance to the nearest whole number, with its sign."""
    x = arguments[0]
    return add(x, negative(Apply(x.shape, "floor", (add(x, number(Fraction(1, 2))),))))


def _leaky(arguments: Arguments, _: Term) -> tuple[Term | None, ...]:
    x, slope = arguments
    below = indicator(x, "<=", ZERO)
    return add(indicator(x, ">", ZERO), hadamard(slope, below)), hadamard(x, below)


def _elu(arguments: Arguments, _: Term) -> tuple[Term | None, ...]:
    x, scale = arguments
    below, grown = indicator(x, "<=", ZERO), Apply(x.shape, "exp", (x,))
    slope = add(indicator(x, ">", ZERO), hadamard(scale, grown, below))
    return slope, hadamard(add(grown, number(-1)), below)


def _maximum(arguments: Arguments, _: Term) -> tuple[Term | None, ...]:
    left, right = arguments
    return indicator(left, ">", right), indicator(left, "<=", right)


def _minimum(arguments: Arguments, _: Term) -> tuple[Term | None, ...]:
    left, right = arguments
    return indicator(left, "<", right), indicator(left, ">=", right)


def _complement(value: Term) -> Term:
    return add(UNIT, negative(value))


def _of(function: str, x: Term) -> Term:
    return Apply(x.shape, function, (x,))


ELEMENTWISE: Mapping[str, Elementwise] = {
    "relu": Elementwise(_one(lambda x, _: indicator(x, ">", ZERO)), 1, _first, "relu'(0) = 0"),
    "leaky_relu": Elementwise(_leaky, 2, _first, "the slope of leaky_relu at 0 is that of the negative side"),
    "elu": Elementwise(_elu, 2, _first, "the slope of elu at 0 is that of the negative side"),
    "sigmoid": Elementwise(_one(lambda _, v: hadamard(v, _complement(v)))),
    "tanh": Elementwise(_one(lambda _, v: add(UNIT, negative(power(v, number(2)))))),
    "gelu": Elementwise(_one(lambda x, _: add(_of("normcdf", x), hadamard(x, _of("normpdf", x))))),
    "silu": Elementwise(_one(lambda x, v: add(v, hadamard(_of("sigmoid", x), _complement(v))))),
    "softplus": Elementwise(_one(lambda x, _: _of("sigmoid", x))),
    "exp": Elementwise(_one(lambda _, v: v)),
    "ln": Elementwise(_one(lambda x, _: divide(UNIT, x))),
    "sqrt": Elementwise(_one(lambda _, v: divide(number(Fraction(1, 2)), v))),
    "sin": Elementwise(_one(lambda x, _: _of("cos", x))),
    "cos": Elementwise(_one(lambda x, _: negative(_of("sin", x)))),
    "abs": Elementwise(_one(lambda x, _: _of("sign", x)), 1, _first, "|x|' at 0 is sign(0) = 0"),
    "sign": Elementwise(_flat, 1, _first, "sign' is 0, at 0 too"),
    "floor": Elementwise(_flat, 1, _from_whole, "floor' is 0, at its jumps too"),
    "ceil": Elementwise(_flat, 1, _from_whole, "ceil' is 0, at its jumps too"),
    "normcdf": Elementwise(_one(lambda x, _: _of("normpdf", x))),
    "normpdf": Elementwise(_one(lambda x, v: negative(hadamard(x, v)))),
    "maximum": Elementwise(_maximum, 2, _gap, "where both arguments of max are equal, the second takes the gradient"),
    "minimum": Elementwise(_minimum, 2, _gap, "where both arguments of min are equal, the second takes the gradient"),
}
AXES = {"sum", "mean", "max", "min", "logsumexp", "softmax", "log_softmax", "var"}
"""Functions that work along an axis too: 0 over the rows (one result per column), 1 over the columns."""
SAME_SHAPE = {"softmax", "log_softmax"}
SQUARE = {"tr", "det", "logdet", "inv"}
ABSTRACT = "'"
"""What ends the name of the derivative of a declared function: `f'`."""


def derivative(function: str, arguments: Arguments) -> Term:
    """Return f'(x) for a function of one argument, of the table or declared."""
    joint = arguments[0].shape
    if function not in ELEMENTWISE:
        return Apply(joint, function + ABSTRACT, arguments)
    found = ELEMENTWISE[function].partials(arguments, Apply(joint, function, arguments))[0]
    return found if found is not None else mul(ZERO, ones(joint))


# whole vectors and matrices


class Use(NamedTuple):
    """A function applied: its arguments, its value, the axis, and ∂L/∂(value)."""

    arguments: Arguments
    value: Term
    axis: int | None
    delta: Term

    def over(self, reduced: Term) -> Term:
        """Repeat what has one entry per column (or row) over the whole argument."""
        return reduced if self.axis is None else spread(reduced, self.arguments[0].shape, self.axis)


def _sum(use: Use) -> Arguments:
    x = use.arguments[0]
    return (hadamard(use.over(use.delta), ones(x.shape)),)


def _mean(use: Use) -> Arguments:
    shape = use.arguments[0].shape
    count = (
        size(shape) if use.axis is None else size(Shape(shape.rows, ONE) if use.axis == 0 else Shape(ONE, shape.cols))
    )
    return (divide(_sum(use)[0], count),)


def _extreme(use: Use) -> Arguments:
    x = use.arguments[0]
    return (hadamard(use.over(use.delta), Compare(x.shape, "=", x, use.over(use.value))),)


def _logsumexp(use: Use) -> Arguments:
    x = use.arguments[0]
    if use.axis is None and ONE not in x.shape:
        return (mul(use.delta, Apply(x.shape, "exp", (add(x, negative(use.value)),))),)
    axis = 1 if use.axis is None and x.shape.rows == ONE else use.axis
    return (hadamard(use.over(use.delta), Apply(x.shape, "softmax", (x,), axis)),)


def _softmax(use: Use) -> Arguments:
    vector = ONE in use.value.shape and (use.axis is None or along(use.value, use.axis).shape.is_scalar)
    mixed = inner(use.value, use.delta) if vector else use.over(along(hadamard(use.value, use.delta), use.axis))
    return (hadamard(use.value, add(use.delta, negative(mixed))),)


def _norm(use: Use) -> Arguments:
    return (mul(use.delta, divide(use.arguments[0], use.value)),)


def _norm_1(use: Use) -> Arguments:
    return (mul(use.delta, _of("sign", use.arguments[0])),)


def _norm_inf(use: Use) -> Arguments:
    x = use.arguments[0]
    signs = _of("sign", x)
    if ONE in x.shape:
        return (mul(use.delta, hadamard(indicator(_of("abs", x), "=", use.value), signs)),)
    rows = Apply(Shape(x.shape.rows, ONE), "sum", (_of("abs", x),), 1)
    largest = mul(indicator(rows, "=", use.value), Constant(Shape(ONE, x.shape.cols), "ones"))
    return (mul(use.delta, hadamard(largest, signs)),)


def _trace(use: Use) -> Arguments:
    return (mul(use.delta, Constant(use.arguments[0].shape, "eye")),)


def _logdet(use: Use) -> Arguments:
    x = use.arguments[0]
    return (mul(use.delta, transpose(Inverse(x.shape, x))),)


def _det(use: Use) -> Arguments:
    x = use.arguments[0]
    return (mul(use.delta, use.value, transpose(Inverse(x.shape, x))),)


def _diagonal(use: Use) -> Arguments:
    x = use.arguments[0]
    return (Apply(x.shape, "diag", (use.delta,)),)


def _cosine(use: Use) -> Arguments:
    a, b = use.arguments
    lengths = Apply(SCALAR, "norm", (a,)), Apply(SCALAR, "norm", (b,))

    def towards(this: Term, that: Term, length: Term) -> Term:
        return add(divide(that, mul(*lengths)), negative(mul(use.value, divide(this, power(length, number(2))))))

    return tuple(mul(use.delta, towards(*sides)) for sides in ((a, b, lengths[0]), (b, a, lengths[1])))


PULLBACKS: Mapping[str, Callable[[Use], Arguments]] = {
    "sum": _sum,
    "mean": _mean,
    "max": _extreme,
    "min": _extreme,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "norm": _norm,
    "norm_1": _norm_1,
    "norm_inf": _norm_inf,
    "tr": _trace,
    "det": _det,
    "logdet": _logdet,
    "diag": _diagonal,
    "cossim": _cosine,
}
TIES = {
    "max": "the largest entry is taken to be unique",
    "min": "the smallest entry is taken to be unique",
    "norm_inf": "the entry (the row of a matrix) with the largest absolute value (sum) is taken to be unique",
    "norm_1": "sign(0) = 0",
    "norm": "a norm is differentiated where it is not 0",
}
"""What the derivative of a function of many entries rests on."""
MATRIX_NORMS = {
    "norm": "‖W‖ and ‖W‖_2 of a matrix are the Frobenius norm",
    "norm_1": "‖W‖_1 of a matrix adds up all |entries|",
    "norm_inf": "‖W‖_inf of a matrix is the largest row sum of |entries|",
}
"""How the norms of matrices are meant."""
