"""Normalisation that knows no formula of this package: NumPy along axes, and Python's own statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlcalc.normalisation.question import Question
    from dlcalc.notation.expression import Expr

STEP = 1e-5
"""Of the central differences, relative to the largest entry or the spread."""
DIFFERENCE_TOLERANCE = 1e-5

# ruff: noqa: ANN401 (NumPy arrays, and exact numbers or floats)


def outputs(asked: Question) -> Callable[[Any], Any]:
    """Return a function that normalises all entries at a point with NumPy, along axes."""

    def compute(point: Mapping[str, Any]) -> Any:
        import numpy as np

        x = floats(asked.data.entries, point).reshape(asked.data.lengths)
        return forward(asked, x, point) if x.size else np.zeros(0)

    return lambda point: compute(point).ravel().tolist()


def floats(entries: Sequence[Expr], point: Mapping[str, Any]) -> Any:
    """Evaluate expressions at a point."""
    import numpy as np

    return np.array([float(PLAIN.value(entry, point)) for entry in entries])


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
    normal = ((x - mean) / np.sqrt(square + float(PLAIN.value(asked.eps, point)))).reshape(shape)
    if not affine:
        return normal
    gamma, beta = floats(asked.gamma, point), floats(asked.beta, point)
    which = np.array(asked.groups.parameter).reshape(shape)
    return gamma[which] * normal + beta[which]


def gradient_gap(asked: Question, upstream: Sequence[Expr], found: Sequence[Expr]) -> tuple[float, float]:
    """Compare ∂L/∂x with central differences of Σ δ y, at points where symbols have values."""
    import numpy as np

    from dlcalc.solution import symbols

    names = sorted(symbols(*asked.data.entries, *asked.gamma, *asked.beta, *upstream, asked.eps))
    generator = np.random.default_rng(0)
    point: dict[str, Any] = {name: float(generator.uniform(0.5, 2)) for name in names}
    x, delta, right = (floats(entries, point) for entries in (asked.data.entries, upstream, found))
    spread = np.sqrt([float(PLAIN.value(m.spread, point)) for m in asked.moments]).min()
    step = STEP * max(float(spread), 1e-12)
    lengths = asked.data.lengths

    def loss(at: Any) -> float:
        return float((delta * forward(asked, at.reshape(lengths), point).ravel()).sum())

    worst = 0.0
    size = max(1.0, float(np.abs(right).max()), float(np.abs(delta).max() / spread))
    for place in range(x.size):
        shifts = np.zeros_like(x)
        shifts[place] = step
        numeric = (loss(x + shifts) - loss(x - shifts)) / (2 * step)
        worst = max(worst, abs(numeric - right[place]) / size)
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
