"""The givens that every normalisation takes."""

from __future__ import annotations

from dlcalc.givens import POSITIVE, scalar, switch, values
from dlcalc.normalisation.arrays import array

EPS = scalar("-e", "--epsilon", help="ε under the root (default 1e-5, Keras 1e-3).", domain=POSITIVE)
GAMMA = values("-g", "--weight", "--scale", help="Scale γ: a number, or one per feature (default 1).")
BETA = values("-b", "--bias", "--shift", help="Shift β: a number, or one per feature (default 0).")
UPSTREAM = array("-d", "--delta", "--dout", "--dy", help="δ = ∂L/∂y, shaped like x: adds the gradients.")
BACKWARD = switch(help="Derive the gradients in letters.")
