"""Losses as textbooks define them, in loops over plain numbers: what the answers are compared with.

Written another way than the programs (a likelihood under the logarithm, maxima in place of cases, an angle from the
length of a difference), on complex numbers, so that a tiny imaginary step gives a derivative.
"""

from __future__ import annotations

import cmath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STEP = 1e-30
"""The imaginary step of a derivative."""
Numbers = list[complex]


def softplus(z: complex) -> complex:
    """Compute ln(1 + e^z) without overflow."""
    return z + cmath.log(1 + cmath.exp(-z)) if z.real > 0 else cmath.log(1 + cmath.exp(z))


def log_normaliser(z: Sequence[complex]) -> complex:
    """Compute ln Σ e^z_c without overflow."""
    top = max(v.real for v in z)
    return top + cmath.log(sum(cmath.exp(v - top) for v in z))


class Example:
    """One example: its predictions (or logits), its target, and the numbers of the options."""

    def __init__(
        self,
        given: Sequence[float],
        target: Sequence[float],
        options: Mapping[str, float],
        *,
        link: str,
        spread: str,
        rest: Sequence[float] = (),
    ) -> None:
        """Take the numbers of an example; `link` says what makes probabilities of logits, if they are logits.

        `rest` is what probabilities leave of 1, where a float of them would lose it.
        """
        self.rest = rest or [1 - p for p in given]
        self.given, self.target, self.options, self.link, self.spread = given, target, options, link, spread

    def loss(self, kind: str) -> float:
        """Compute the loss."""
        return _LOSSES[kind](self, [complex(v) for v in self.given]).real

    def slope(self, kind: str, index: int) -> float:
        """Differentiate the loss by one of the numbers given."""
        moved = [complex(v, STEP * (i == index)) for i, v in enumerate(self.given)]
        return _LOSSES[kind](self, moved).imag / STEP

    def option(self, name: str) -> float:
        """Return the number of an option; weights that nobody gave are 1."""
        return self.options.get(name, 1.0)

    def predictions(self, given: Numbers) -> Numbers:
        """Return probabilities, or predictions that need no link."""
        if self.link == "sigmoid":
            return [(1 + cmath.tanh(v / 2)) / 2 for v in given]
        if self.link == "softmax":
            below = log_normaliser(given)
            return [cmath.exp(v - below) for v in given]
        return given

    def minus_log(self, given: Numbers, index: int, *, of: int = 1) -> complex:
        """Return -ln of the probability of a class, from logits without taking exponentials back."""
        if self.link == "softmax":
            return log_normaliser(given) - given[index]
        if self.link == "sigmoid":
            return softplus(-given[index] if of else given[index])
        return -cmath.log(given[index] if of else self.rest[index] - 1j * given[index].imag)


def _surprise(e: Example, given: Numbers, weights: Sequence[float]) -> complex:
    """Weigh -ln p over the classes; a class without weight does not count."""
    found: complex = sum((w * e.minus_log(given, c) for c, w in enumerate(weights) if w), 0j)
    return found


def _error(e: Example, given: Numbers) -> complex:
    return e.predictions(given)[0] - e.target[0]


def _distance(e: Example, given: Numbers) -> complex:
    """Return |p - y|, with the slope 0 where it is 0."""
    error = _error(e, given)
    return error if error.real > 0 else -error if error.real < 0 else 0j


def _huber(e: Example, given: Numbers) -> complex:
    distance, delta = _distance(e, given), e.option("delta")
    inside = min(distance, complex(delta), key=lambda v: v.real)
    return inside * inside / 2 + delta * _positive(distance - delta)


def _positive(value: complex) -> complex:
    return value if value.real > 0 else 0j


def _binary(e: Example, given: Numbers) -> complex:
    y, gamma = e.target[0], e.options.get("gamma", 0.0)
    found = 0j
    for of, share, weight in ((1, y, e.option("alpha")), (0, 1 - y, e.option("beta"))):
        if share and weight:
            minus_log = e.minus_log(given, 0, of=of)
            found += share * weight * minus_log * (_missing(e, given, of) ** gamma if gamma else 1)
    return found


def _missing(e: Example, given: Numbers, of: int) -> complex:
    """Compute the probability of the other class; it may be 0."""
    if e.link:
        return cmath.exp(-e.minus_log(given, 0, of=1 - of))
    return e.rest[0] - 1j * given[0].imag if of else given[0]


def _multiclass_hinge(e: Example, given: Numbers) -> complex:
    true = next(c for c, y in enumerate(e.target) if y)
    margins = (score - given[true] + e.option("delta") for c, score in enumerate(given) if c != true)
    found: complex = sum(map(_positive, margins), 0j)
    return found


def _smoothed(e: Example, given: Numbers) -> complex:
    epsilon, every = e.option("epsilon"), _surprise(e, given, [1.0] * len(given))
    true = _surprise(e, given, e.target)
    if e.spread == "all":
        return (1 - epsilon) * true + epsilon * every / len(given)
    return (1 - epsilon) * true + epsilon * (every - true) / (len(given) - 1)


def _entropy(p: Sequence[complex]) -> complex:
    return -sum((v * cmath.log(v) for v in p if v), 0j)


def _reverse_kl(e: Example, given: Numbers) -> complex:
    p = e.predictions(given)
    return sum((v * -cmath.log(y) for v, y in zip(p, e.target, strict=True) if v), 0j) - _entropy(p)


def _cosine(e: Example, given: Numbers) -> complex:
    """Find the cosine from the length of the difference of the unit vectors: 1 - |a - b|²/2."""
    units = []
    for side in (given, [complex(v) for v in e.target]):
        length = cmath.sqrt(sum(v * v for v in side))
        units.append([v / length for v in side])
    apart: complex = sum(((a - b) ** 2 for a, b in zip(*units, strict=True)), 0j)
    return 1 - apart / 2


def _embedding(e: Example, given: Numbers) -> complex:
    cosine = _cosine(e, given)
    return 1 - cosine if e.option("label") > 0 else _positive(cosine - e.option("delta"))


_LOSSES: Mapping[str, Callable[[Example, Numbers], complex]] = {
    "mse": lambda e, v: _error(e, v) * _error(e, v),
    "half-mse": lambda e, v: _error(e, v) * _error(e, v) / 2,
    "mae": _distance,
    "huber": _huber,
    "bce": _binary,
    "weighted-bce": _binary,
    "focal": _binary,
    "hinge": lambda e, v: _positive(e.option("delta") - e.target[0] * v[0]),
    "multiclass-hinge": _multiclass_hinge,
    "cross-entropy": lambda e, v: _surprise(e, v, [y * e.option(f"w{c}") for c, y in enumerate(e.target)]),
    "nll": lambda e, v: _surprise(e, v, [y * e.option(f"w{c}") for c, y in enumerate(e.target)]),
    "label-smoothing": _smoothed,
    "kl": lambda e, v: _surprise(e, v, e.target) - _entropy([complex(y) for y in e.target]),
    "reverse-kl": _reverse_kl,
    "cosine": lambda e, v: -e.option("label") * _cosine(e, v),
    "cosine-distance": lambda e, v: 1 - _cosine(e, v),
    "cosine-embedding": _embedding,
}
