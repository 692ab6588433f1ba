"""Normalisation that knows no formula of this package: NumPy along axes, and Python's own statistics."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlcalc.normalisation.question import Question
    from dlcalc.notation.expression import Expr

DIGITS = 10**40
STEP = 1e-5
"""Of the central differences, relative to the spread."""
DIFFERENCE_TOLERANCE = 1e-5

# ruff: noqa: ANN401 (NumPy arrays, and exact numbers or floats)


def outputs(asked: Question) -> Callable[[Any], Any]:
    """Return a function that normalises all entries at a point with NumPy, along axes."""
    return lambda point: forward(asked, entries_at(asked, point), point).ravel().tolist()


def entries_at(asked: Question, point: Mapping[str, Any]) -> Any:
    """Return the data at a point, in their shape."""
    return numbers(asked.data.entries, point).reshape(asked.data.lengths)


def numbers(entries: Sequence[Expr], point: Mapping[str, Any]) -> Any:
    """Evaluate expressions at a point; fractions stay fractions."""
    import numpy as np

    found = np.empty(len(entries), dtype=object)
    found[:] = [PLAIN.value(entry, point) for entry in entries]
    return found


def root_of(value: Any) -> Any:
    """Return a square root: of a fraction as a fraction with 40 more digits, of a float as a float."""
    if isinstance(value, float):
        return math.sqrt(value)
    top, bottom = Fraction(value).as_integer_ratio()
    return Fraction(math.isqrt(top * bottom * DIGITS**2), bottom * DIGITS)


def forward(asked: Question, x: Any, point: Mapping[str, Any], *, affine: bool = True) -> Any:
    """Normalise an array as the papers write it: mean and variance along axes, then scale and shift."""
    import numpy as np

    shape, kind = x.shape, asked.kind
    if kind == "group":
        x = x.reshape(shape[0], asked.group_count, -1)
        over: tuple[int, ...] = (2,)
    elif kind == "instance":
        over = tuple(range(2, x.ndim))
    elif asked.axes is not None:
        over = asked.axes
    else:
        over = tuple(a for a in range(x.ndim) if a != 1) if kind == "batch" else (-1,)
    mean = x.mean(axis=over, keepdims=True) if asked.centred else 0
    square = ((x - mean) ** 2).mean(axis=over, keepdims=True)
    root = np.frompyfunc(root_of, 1, 1)
    normal = ((x - mean) / root(square + PLAIN.value(asked.eps, point))).reshape(shape)
    if not affine:
        return normal
    gamma, beta = numbers(asked.gamma, point), numbers(asked.beta, point)
    which = np.array(asked.groups.parameter).reshape(shape)
    return gamma[which] * normal + beta[which]


def gradient_gap(asked: Question, upstream: Sequence[Expr], found: Sequence[Expr]) -> tuple[float, float]:
    """Compare ∂L/∂x with central differences of Σ δ y, where symbols have a seeded value each."""
    import numpy as np

    from dlcalc.solution import symbols

    generator = np.random.default_rng(0)
    letters = sorted(symbols(*asked.data.entries, *asked.gamma, *asked.beta, *upstream, asked.eps))
    point: dict[str, Any] = {name: Fraction(int(generator.integers(8, 64)), 16) for name in letters}
    x, delta, right = (numbers(entries, point) for entries in (asked.data.entries, upstream, found))
    spread = min(float(PLAIN.value(m.spread, point)) for m in asked.moments) ** 0.5
    step = Fraction(spread * STEP)
    size = max(float(max(abs(right))), float(max(abs(delta))) / spread, sys.float_info.min)

    def loss(at: Any) -> Any:
        return (delta * forward(asked, at.reshape(asked.data.lengths), point).ravel()).sum()

    worst = 0.0
    for place in range(x.size):
        shift = numbers([ZERO] * x.size, point)
        shift[place] = step
        numeric = (loss(x + shift) - loss(x - shift)) / (2 * step)
        worst = max(worst, float(abs(numeric - right[place])) / size)
    return worst, DIFFERENCE_TOLERANCE


def average(values: Sequence[Any]) -> Any:
    """Return the mean, exact where the values are."""
    from statistics import mean

    return mean(values)


def scatter(values: Sequence[Any], *, unbiased: bool = False) -> Any:
    """Return the variance, exact where the values are."""
    from statistics import pvariance, variance

    return variance(values) if unbiased else pvariance(values)


def scaled_gradients(seed: int) -> tuple[float, float]:
    """Compare c times the gradient at cW with the gradient at W, for a loss behind batch norm of W x; ε = 0."""
    import numpy as np

    generator = np.random.default_rng(seed)
    examples, weights = generator.normal(size=(6, 3)), generator.normal(size=3)
    delta, c = generator.normal(size=6), float(generator.uniform(1.5, 4))

    def loss(w: Any) -> float:
        h = examples @ w
        return float(delta @ np.tanh((h - h.mean()) / h.std()))

    def gradient(w: Any) -> Any:
        steps = np.eye(3) * STEP
        return np.array([(loss(w + step) - loss(w - step)) / (2 * STEP) for step in steps])

    gap = np.abs(c * gradient(c * weights) - gradient(weights)).max()
    return float(gap), DIFFERENCE_TOLERANCE
