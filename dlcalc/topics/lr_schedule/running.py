"""Schedules run epoch by epoch, as an optimiser does it; nothing here knows a closed form."""

from __future__ import annotations

from cmath import exp as turned
from fractions import Fraction
from math import exp, pi, sqrt
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Numbers = dict[str, Any]
"""The givens of a schedule as numbers; the milestones are a tuple."""

# ruff: noqa: ANN401 (exact numbers, floats where they are irrational)


def _step(p: Numbers, t: int) -> Any:
    rate = p["lr"]
    for epoch in range(1, t + 1):
        if epoch % p["step_size"] == 0:
            rate = PLAIN.kept(rate * p["gamma"])
    return rate


def _multi_step(p: Numbers, t: int) -> Any:
    rate = p["lr"]
    for epoch in range(t + 1):
        for milestone in p["milestones"]:
            if epoch == milestone:
                rate = PLAIN.kept(rate * p["gamma"])
    return rate


def _exponential(p: Numbers, t: int) -> Any:
    rate = p["lr"]
    factor = p["gamma"] if p["step_size"] == 1 else float(p["gamma"]) ** (1 / float(p["step_size"]))
    for _ in range(t):
        rate = PLAIN.kept(rate * factor)
    return rate


def _natural(p: Numbers, t: int) -> Any:
    rate, kept = float(p["lr"]), exp(-p["decay"])
    for _ in range(t):
        rate *= kept
    return rate


def _inverse_time(p: Numbers, t: int) -> Any:
    inverse = 1 / p["lr"]
    for _ in range(t):
        inverse = PLAIN.kept(inverse + p["decay"] / p["step_size"] / p["lr"])
    return 1 / inverse


def _inverse_sqrt(p: Numbers, t: int) -> Any:
    inverse_square = Fraction(0)
    for _ in range(t):
        inverse_square += 1 / p["lr"] ** 2
    return 1 / sqrt(inverse_square)


def _linear(p: Numbers, t: int) -> Any:
    rate = p["lr"]
    for epoch in range(1, t + 1):
        if epoch <= p["t_max"]:
            rate -= (p["lr"] - p["min"]) / p["t_max"]
    return rate


def _polynomial(p: Numbers, t: int) -> Any:
    above = p["lr"] - p["min"]
    for epoch in range(1, min(t, int(p["t_max"])) + 1):
        left = p["t_max"] - epoch
        above = PLAIN.kept(above * PLAIN.power(left / (left + 1), p["power"]))
    return p["min"] + above


def _cosine(p: Numbers, t: int) -> Any:
    place, turn = 1 + 0j, turned(1j * pi / float(p["t_max"]))
    for _ in range(t):
        place *= turn
    height = (place.real + 1) / 2
    return float(p["lr"]) * height + float(p["min"]) * (1 - height)


def _restarts(p: Numbers, t: int) -> Any:
    since = 0
    for _ in range(t):
        since = since + 1 if since + 1 < p["t_max"] else 0
    return _cosine(p, since)


def _noam(p: Numbers, t: int) -> Any:
    scale = float(p["lr"]) / sqrt(p["dim"])
    rate, slope = 0.0, scale / sqrt(p["warmup"] ** 3)
    for step in range(1, t + 1):
        rate = rate + slope if step <= p["warmup"] else 1 / sqrt(step) * scale
    return rate


_RUNS: Mapping[str, Callable[[Numbers, int], Any]] = {
    "step": _step, "multi-step": _multi_step, "exponential": _exponential, "natural-exponential": _natural,
    "inverse-time": _inverse_time, "inverse-sqrt": _inverse_sqrt, "linear": _linear, "polynomial": _polynomial,
    "cosine": _cosine, "cosine-restarts": _restarts, "constant": lambda p, _: p["lr"], "noam": _noam,
}  # fmt: skip


def run(kind: str, p: Numbers, t: int) -> Any:
    """Run a schedule up to an epoch; a warm-up adds the same amount in each of its epochs."""
    w = p.get("warmup", 0)
    if kind == "noam" or not w:
        return _RUNS[kind](p, t)
    if t < w:
        rate = Fraction(0)
        for _ in range(t):
            rate += p["lr"] / w
        return rate
    rest = {**p, "t_max": p["t_max"] - w} if "t_max" in p else p
    return _RUNS[kind](rest, t - int(w))
