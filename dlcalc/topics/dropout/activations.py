"""The activations that dropout is compared on: which of them lets a factor through."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.notation.expression import Expr, number
from dlcalc.notation.functions import call

if TYPE_CHECKING:
    from collections.abc import Callable

LEAK = number(Fraction(1, 100))


class Activation(NamedTuple):
    """A function of one number, and whether f(c z) = c f(z) for every c ≥ 0."""

    of: Callable[[Expr], Expr]
    homogeneous: bool = False
    linear: bool = False


ACTIVATIONS = {
    "linear": Activation(lambda z: z, homogeneous=True, linear=True),
    "relu": Activation(lambda z: call("relu", z), homogeneous=True),
    "leaky-relu": Activation(lambda z: call("leaky_relu", z, LEAK), homogeneous=True),
    "abs": Activation(lambda z: call("abs", z), homogeneous=True),
    "sigmoid": Activation(lambda z: call("sigmoid", z)),
    "tanh": Activation(lambda z: call("tanh", z)),
    "elu": Activation(lambda z: call("elu", z, number(1))),
    "gelu": Activation(lambda z: call("gelu", z)),
    "silu": Activation(lambda z: call("silu", z)),
    "softplus": Activation(lambda z: call("softplus", z)),
}
"""By name; leaky ReLU has the slope 0.01 below 0, ELU the factor 1."""
