"""NumPy: terms at many points at once. Arrays have a leading axis of points, then rows and columns.

Every function works on complex numbers too (for the complex step): it branches on the real part.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcalc.calculus.dims import ONE
from dlcalc.calculus.terms import (
    Apply,
    Compare,
    Constant,
    Grid,
    Hadamard,
    Inverse,
    Length,
    Name,
    Number,
    Part,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
    Transpose,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# ruff: noqa: ANN401 (arrays of floats or complex numbers)


_ERF = np.frompyfunc(math.erf, 1, 1)


def _sigmoid(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(x / 2))


def _pdf(x: Any) -> Any:
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _cdf(x: Any) -> Any:
    """Compute the normal distribution function; an imaginary part, tiny in a complex step, goes through the density."""
    value = 0.5 * (1 + _ERF(np.real(x) / math.sqrt(2)).astype(float))
    return value + 1j * np.imag(x) * _pdf(np.real(x)) if np.iscomplexobj(x) else value


def _abs(x: Any) -> Any:
    return np.where(np.real(x) < 0, -x, x)


def _sign(x: Any) -> Any:
    return np.sign(np.real(x)) + 0 * x


def _softplus(x: Any) -> Any:
    high = np.real(x) > 0
    return np.where(high, x, 0) + np.log(1 + np.exp(np.where(high, -x, x)))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "relu": lambda x: np.where(np.real(x) > 0, x, 0),
    "leaky_relu": lambda x, a: np.where(np.real(x) > 0, x, a * x),
    "elu": lambda x, a: np.where(np.real(x) > 0, x, a * (np.exp(np.where(np.real(x) > 0, 0, x)) - 1)),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "gelu": lambda x: x * _cdf(x),
    "silu": lambda x: x * _sigmoid(x),
    "softplus": _softplus,
    "exp": np.exp,
    "ln": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "abs": _abs,
    "sign": _sign,
    "floor": lambda x: np.floor(np.real(x)) + 0 * x,
    "ceil": lambda x: np.ceil(np.real(x)) + 0 * x,
    "normcdf": _cdf,
    "normpdf": _pdf,
    "maximum": lambda a, b: np.where(np.real(a) > np.real(b), a, b),
    "minimum": lambda a, b: np.where(np.real(a) < np.real(b), a, b),
}
_RELATIONS: Mapping[str, Callable[..., Any]] = {
    "=": lambda a, b: np.isclose(a, b, rtol=1e-12, atol=0),
    "!=": lambda a, b: ~np.isclose(a, b, rtol=1e-12, atol=0),
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _largest(x: Any, axes: tuple[int, ...], best: Callable[..., Any] = np.max) -> Any:
    """Pick the entry with the largest real part along axes; with its imaginary part."""
    real = np.real(x)
    top = best(real, axis=axes, keepdims=True)
    chosen = real == top
    return np.sum(np.where(chosen, x, 0), axis=axes, keepdims=True) / np.sum(chosen, axis=axes, keepdims=True)


def _logsumexp(x: Any, axes: tuple[int, ...]) -> Any:
    top = np.max(np.real(x), axis=axes, keepdims=True)
    return top + np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True))


def _norm(x: Any) -> Any:
    return np.sqrt(np.sum(x * x, axis=(-2, -1), keepdims=True))


def _row_sums(x: Any, *, vector: bool) -> Any:
    """‖x‖_inf: the largest |entry| of a column, the largest row sum of |entries| of a matrix."""
    return _largest(_abs(x) if vector else np.sum(_abs(x), axis=-1, keepdims=True), (-2, -1))


REDUCTIONS: Mapping[str, Callable[[Any, tuple[int, ...]], Any]] = {
    "sum": lambda x, axes: np.sum(x, axis=axes, keepdims=True),
    "mean": lambda x, axes: np.mean(x, axis=axes, keepdims=True),
    "max": _largest,
    "min": lambda x, axes: _largest(x, axes, np.min),
    "logsumexp": _logsumexp,
    "softmax": lambda x, axes: np.exp(x - _logsumexp(x, axes)),
    "norm": lambda x, _: _norm(x),
    "norm_1": lambda x, _: np.sum(_abs(x), axis=(-2, -1), keepdims=True),
    "tr": lambda x, _: np.trace(x, axis1=-2, axis2=-1)[..., None, None],
    "det": lambda x, _: np.linalg.det(x)[..., None, None],
    "logdet": lambda x, _: np.log(np.linalg.det(x))[..., None, None],
}


def abstract(name: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return a smooth function and its derivative, which stand for a declared function `f: R -> R`."""
    turn = 1 + (sum(map(ord, name)) % 7) / 8
    return (
        lambda x: np.sin(turn * x) + x * x / 5 + np.exp(x / 4),
        lambda x: turn * np.cos(turn * x) + 2 * x / 5 + np.exp(x / 4) / 4,
    )


def as_array(rows: Any) -> Any:
    """Turn rows of numbers into an array of one point; what no float holds becomes infinite.

    >>> as_array([[10**400, 1]]).tolist()
    [[[inf, 1.0]]]
    """

    def single(value: Any) -> float:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf

    return np.asarray([[single(entry) for entry in row] for row in rows])[None]


class Batch:
    """Evaluates terms where names are arrays of shape (points, rows, columns) and lengths are numbers."""

    def __init__(self, lengths: Mapping[str, int]) -> None:
        """Take the lengths of the axes."""
        self.lengths = lengths

    def size(self, term: Term) -> tuple[int, int]:
        """Return the rows and columns of a term in numbers."""
        return term.shape.rows.value(self.lengths), term.shape.cols.value(self.lengths)

    def value(self, term: Term, names: Mapping[str, Any]) -> Any:  # noqa: C901, PLR0911, PLR0912 (a case per node)
        """Evaluate a term."""
        match term:
            case Number(_, value):
                return as_array([[value]])
            case Name(_, name):
                return names[name]
            case Length(_, dim):
                return np.full((1, 1, 1), float(dim.value(self.lengths)))
            case Constant(_, "pi"):
                return np.full((1, 1, 1), math.pi)
            case Constant(_, kind):
                rows, cols = self.size(term)
                return np.eye(rows)[None] if kind == "eye" else np.full((1, rows, cols), float(kind == "ones"))
            case Sum(_, terms):
                return sum((self.value(t, names) for t in terms[1:]), start=self.value(terms[0], names))
            case Product(_, coefficient, scalars, chain):
                out: Any = float(coefficient)
                for scalar in scalars:
                    out = out * self.value(scalar, names)
                if not chain:
                    return np.broadcast_to(out, np.shape(out)) if np.ndim(out) else np.full((1, 1, 1), out)
                body = self.value(chain[0], names)
                for factor in chain[1:]:
                    body = body @ self.value(factor, names)
                return out * body
            case Hadamard(_, factors):
                out = self.value(factors[0], names)
                for factor in factors[1:]:
                    out = out * self.value(factor, names)
                return out
            case Quotient(_, top, bottom):
                return self.value(top, names) / self.value(bottom, names)
            case Power(_, base, exponent):
                return self.power(self.value(base, names), exponent, names)
            case Transpose(_, of):
                return np.swapaxes(self.value(of, names), -1, -2)
            case Inverse(_, of):
                return np.linalg.inv(self.value(of, names))
            case Compare(_, relation, left, right):
                sides = np.real(self.value(left, names)), np.real(self.value(right, names))
                return _RELATIONS[relation](*sides).astype(float)
            case Part(_, of, rows, cols):
                (first, last), (start, stop) = ((a.value(self.lengths), b.value(self.lengths)) for a, b in (rows, cols))
                return self.value(of, names)[..., first - 1 : last, start - 1 : stop]
            case Grid(_, rows):
                return self.grid(rows, names)
            case Apply():
                return self.apply(term, names)
        raise TypeError(term)

    def power(self, base: Any, exponent: Term, names: Mapping[str, Any]) -> Any:
        """Raise to a power; whole exponents keep complex steps exact."""
        if isinstance(exponent, Number) and exponent.value.denominator == 1 and abs(exponent.value) < 100:  # noqa: PLR2004 (by multiplication)
            return base ** int(exponent.value)
        return base ** self.value(exponent, names)

    def grid(self, rows: tuple[tuple[Term, ...], ...], names: Mapping[str, Any]) -> Any:
        """Put blocks together."""
        blocks = [
            [np.broadcast_to(b, (b.shape[0], *self.size(t))) for t in row for b in [self.value(t, names)]]
            for row in rows
        ]
        points = max(b.shape[0] for row in blocks for b in row)
        same = [[np.broadcast_to(b, (points, *b.shape[1:])) for b in row] for row in blocks]
        return np.concatenate([np.concatenate(row, axis=-1) for row in same], axis=-2)

    def apply(self, term: Apply, names: Mapping[str, Any]) -> Any:
        """Apply a function of the table, or a declared one."""
        arguments = [self.value(argument, names) for argument in term.arguments]
        if term.function in FUNCTIONS:
            return FUNCTIONS[term.function](*arguments)
        if term.function == "diag":
            return _diagonal(arguments[0], matrix=term.arguments[0].shape.cols == ONE)
        if term.function == "cossim":
            a, b = arguments
            return np.sum(a * b, axis=(-2, -1), keepdims=True) / (_norm(a) * _norm(b))
        if term.function == "norm_inf":
            return _row_sums(arguments[0], vector=ONE in term.arguments[0].shape)
        if term.function in REDUCTIONS:
            axes = (-2, -1) if term.axis is None else (-2 + term.axis,)
            return REDUCTIONS[term.function](arguments[0], axes)
        name = term.function.rstrip("'")
        return abstract(name)[term.function != name](arguments[0])


def _diagonal(x: Any, *, matrix: bool) -> Any:
    if matrix:
        return x * np.eye(x.shape[-2])[None]
    return np.diagonal(x, axis1=-2, axis2=-1)[..., None]
