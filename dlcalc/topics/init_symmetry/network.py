"""A network whose weights start at one value: its program, its data, a forward pass that knows no rule."""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Weights = tuple[tuple[tuple[complex, ...], ...], ...]

STEP = 1e-20
"""Of the complex step; no difference is taken, so nothing cancels."""


@dataclass(frozen=True)
class Network:
    """Widths from the input to the output, the hidden units, the learning rate, and how many updates are made."""

    widths: tuple[int, ...]
    activation: str
    bias: bool
    rate: Fraction
    updates: int

    @property
    def layers(self) -> int:
        """How many layers have weights."""
        return len(self.widths) - 1

    @property
    def hidden(self) -> range:
        """The layers whose outputs are hidden units, counted from 1."""
        return range(1, self.layers)

    @property
    def program(self) -> str:
        """The network in exam notation: hidden units, a linear output, half the squared error."""
        said = [f"x in R^{self.widths[0]}", f"y in R^{self.widths[-1]}"]
        lines, before = [], "x"
        for layer in range(1, self.layers + 1):
            said.append(f"W{layer} in R^({self.widths[layer]} x {self.widths[layer - 1]})")
            if self.bias:
                said.append(f"b{layer} in R^{self.widths[layer]}")
            lines.append(f"a{layer} = W{layer} {before}" + (f" + b{layer}" if self.bias else ""))
            if layer in self.hidden:
                before = f"h{layer}"
                lines.append(
                    f"{before} = " + (f"a{layer}" if self.activation == "linear" else f"{self.activation}(a{layer})")
                )
        return "; ".join([*said, *lines, f"L = 1/2 ||a{self.layers} - y||^2"])

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what is trained."""
        weights = [f"W{layer}" for layer in range(1, self.layers + 1)]
        return tuple(weights + ([f"b{layer}" for layer in range(1, self.layers + 1)] if self.bias else []))

    def data(self, constant: Fraction, x: tuple[Fraction, ...], y: tuple[Fraction, ...]) -> dict[str, Any]:
        """Give every name of the program its numbers; biases start at 0."""
        found: dict[str, Any] = {"x": list(x), "y": list(y)}
        for layer in range(1, self.layers + 1):
            found[f"W{layer}"] = [[constant] * self.widths[layer - 1] for _ in range(self.widths[layer])]
            if self.bias:
                found[f"b{layer}"] = [Fraction(0)] * self.widths[layer]
        return found

    def start(self, constant: float) -> Weights:
        """Return all weights at the constant; a bias is one more column, 0 at the start."""
        return tuple(
            tuple((complex(constant),) * before + ((0j,) if self.bias else ()) for _ in range(width))
            for before, width in zip(self.widths, self.widths[1:], strict=False)
        )


def outputs(net: Network, weights: Weights, x: tuple[float, ...]) -> list[list[complex]]:
    """Run the network; return the units of every layer."""
    unit = _UNITS[net.activation]
    found: list[list[complex]] = []
    inputs: list[complex] = list(map(complex, x))
    for layer, rows in enumerate(weights, 1):
        full = [*inputs, 1.0] if net.bias else inputs
        sums = [sum((w * value for w, value in zip(row, full, strict=True)), 0j) for row in rows]
        inputs = [unit(value) for value in sums] if layer in net.hidden else sums
        found.append(inputs)
    return found


@cache
def gradients(net: Network, weights: Weights, x: tuple[float, ...], y: tuple[float, ...]) -> Weights:
    """Differentiate the loss by every weight: a complex step on one weight at a time, and a forward pass."""

    def loss(changed: Weights) -> complex:
        last = outputs(net, changed, x)[-1]
        return sum(((a - b) ** 2 for a, b in zip(last, y, strict=True)), 0j) / 2

    def moved(layer: int, i: int, j: int) -> Weights:
        row = weights[layer][i]
        rows = weights[layer]
        new = (*row[:j], row[j] + STEP * 1j, *row[j + 1 :])
        return (*weights[:layer], (*rows[:i], new, *rows[i + 1 :]), *weights[layer + 1 :])

    return tuple(
        tuple(tuple(complex(loss(moved(k, i, j)).imag / STEP) for j in range(len(row))) for i, row in enumerate(rows))
        for k, rows in enumerate(weights)
    )


@cache
def trained(net: Network, constant: float, x: tuple[float, ...], y: tuple[float, ...], updates: int) -> Weights:
    """Take gradient steps."""
    weights, rate = net.start(constant), float(net.rate)
    for _ in range(updates):
        found = gradients(net, weights, x, y)
        weights = tuple(
            tuple(
                tuple(w - rate * g for w, g in zip(row, slopes, strict=True))
                for row, slopes in zip(rows, all_slopes, strict=True)
            )
            for rows, all_slopes in zip(weights, found, strict=True)
        )
    return weights


def _sigmoid(z: complex) -> complex:
    if z.real >= 0:
        return 1 / (1 + cmath.exp(-z))
    return cmath.exp(z) / (1 + cmath.exp(z))


def _tanh(z: complex) -> complex:
    return 2 * _sigmoid(2 * z) - 1


_UNITS: dict[str, Callable[[complex], complex]] = {
    "linear": lambda z: z,
    "relu": lambda z: z if z.real > 0 else 0j,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
}
