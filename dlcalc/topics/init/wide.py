"""Random networks of saturating units: the limit of infinite width, and one network drawn layer by layer.

In a wide network a pre-activation is normal with the variance q = σ²n E[h²] of the layer before, and the gradient grows
per layer by √(σ²m E[f'(z)²]) (Poole et al., 2016). Both means come from those of sech² and sech⁴ of a normal variable.
"""

from __future__ import annotations

from math import cosh, exp, isfinite, pi, sqrt, tanh
from random import Random
from typing import NamedTuple

from dlcalc.notation.functions import sigmoid

FAR = 30.0
"""sech² is below 1e-25 beyond."""
ITERATIONS = 400
SEED = 0
DRAWN = 100_000
"""Random units that a drawn network may have."""
ACTIVE = 10
"""Units per σ√n from which a network counts as wide: about so many of a layer are not saturated."""
STEEP = 1e-3
"""A unit whose slope is smaller is counted as saturated."""


class Limit(NamedTuple):
    """What a wide network settles at: root mean square of activations, factor of gradients per layer."""

    activation: float
    backward: float


def powers_of_sech(q: float) -> tuple[float, float]:
    """Compute the means of sech² and sech⁴ of a normal variable of mean 0 and variance q, by the trapezoidal rule.

    >>> [round(value, 6) for value in powers_of_sech(1.0)]
    [0.605706, 0.464403]
    """
    if q == 0:
        return 1.0, 1.0
    deviation = sqrt(q)
    step = min(0.25, deviation / 6)
    reach = int(min(FAR, 9 * deviation) / step)
    second = fourth = 0.0
    for k in range(-reach, reach + 1):
        u = k * step
        weight = exp(-u * u / (2 * q)) / cosh(u) ** 2
        second += weight
        fourth += weight / cosh(u) ** 2
    scale = step / (deviation * sqrt(2 * pi))
    return second * scale, fourth * scale


def settled(units: str, forward2: float, backward2: float) -> Limit:
    """Iterate the variance of the pre-activations until it settles; forward2 is σ²n, backward2 σ²m.

    >>> limit = settled("tanh", 484.0, 484.0)
    >>> round(limit.activation, 3), round(limit.backward, 2)
    (0.981, 3.45)
    """
    q = forward2
    for _ in range(ITERATIONS):
        q, before = forward2 * mean_square(units, q), q
        if abs(q - before) <= 1e-14 * q:
            break
    return Limit(sqrt(mean_square(units, q)), sqrt(backward2 * mean_slope2(units, q)))


def backward_factors(units: str, forward2: float, backward2: float, depth: int) -> list[float]:
    """Compute the factor of the gradients in each layer of a wide network, from inputs of variance 1 on."""
    q, found = forward2, []
    for _ in range(depth):
        found.append(sqrt(backward2 * mean_slope2(units, q)))
        q = forward2 * mean_square(units, q)
    return found


def mean_square(units: str, q: float) -> float:
    """Compute E[f(z)²] for normal z of variance q."""
    if units == "tanh":
        return 1 - powers_of_sech(q)[0]
    return (1 + 1 - powers_of_sech(q / 4)[0]) / 4  # sigmoid(z) = (1 + tanh(z/2))/2


def mean_slope2(units: str, q: float) -> float:
    """Compute E[f'(z)²] for normal z of variance q."""
    return powers_of_sech(q)[1] if units == "tanh" else powers_of_sech(q / 4)[1] / 16


class Seen(NamedTuple):
    """What one layer of a drawn network showed."""

    layer: int
    activations: float
    """Standard deviation."""
    gradients: float
    """Root mean square of ∂L/∂h."""
    flat: float
    """Share of the units with a slope near 0."""


def drawn(units: str, slope: float, sigma: float, width: int, depth: int) -> list[Seen]:
    """Draw a random network and carry an input forward and a gradient backward.

    Given h, the pre-activations W h are independent normal numbers, and given those, W is random across h only; so a
    number per unit is drawn, not one per weight, and the outcome is distributed as with whole matrices.
    """
    random = Random(SEED)  # noqa: S311 (a simulation)
    h = [random.gauss(0, 1) for _ in range(width)]
    inputs, sums = [], []
    for _ in range(depth):
        inputs.append(h)
        size = sigma * sqrt(_squares(h))
        sums.append([size * random.gauss(0, 1) for _ in range(width)])
        h = [_unit(units, slope, z) for z in sums[-1]]
    outputs = [*inputs[1:], h]
    gradient = [random.gauss(0, 1) for _ in range(width)]
    found: list[Seen] = []
    for layer in range(depth, 0, -1):
        z, before = sums[layer - 1], inputs[layer - 1]
        slopes = [_slope(units, slope, value) for value in z]
        flat = sum(abs(value) < STEEP for value in slopes) / width
        found.append(Seen(layer, _deviation(outputs[layer - 1]), sqrt(_squares(gradient) / width), flat))
        moved = [d * f for d, f in zip(gradient, slopes, strict=True)]
        noise = [random.gauss(0, 1) for _ in range(width)]
        total = _squares(before)
        along = sum(a * b for a, b in zip(z, moved, strict=True)) / total if total else 0.0
        across = sigma * sqrt(_squares(moved))
        overlap = sum(a * b for a, b in zip(noise, before, strict=True)) / total if total else 0.0
        gradient = [b * along + across * (g - b * overlap) for b, g in zip(before, noise, strict=True)]
    return [seen for seen in reversed(found) if all(map(isfinite, seen))]


def _squares(values: list[float]) -> float:
    return sum(value * value for value in values)


def _deviation(values: list[float]) -> float:
    middle = sum(values) / len(values)
    return sqrt(sum((value - middle) ** 2 for value in values) / len(values))


def _unit(units: str, slope: float, z: float) -> float:
    if units in {"tanh", "sigmoid"}:
        return tanh(z) if units == "tanh" else sigmoid(z)
    return z if units == "linear" or z > 0 else slope * z


def _slope(units: str, slope: float, z: float) -> float:
    if units == "tanh":
        return 1 - tanh(z) ** 2
    if units == "sigmoid":
        return sigmoid(z) * (1 - sigmoid(z))
    return 1.0 if units == "linear" or z > 0 else slope
