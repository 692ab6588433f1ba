"""The derivation of the factors, the evidence of each verdict, and the routes that know no formula."""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

from dlcalc.derivation import value_of
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Entry, Num, Pow, Real, Sym, number
from dlcalc.notation.functions import call, exp
from dlcalc.notation.printing import unicode
from dlcalc.solution import POSITIVE, REAL, Domain, Experiment, Route, Sequence, Setting, Step, symbols
from dlcalc.topics.init.marking import DISPLAY
from dlcalc.topics.init.signal import is_a_factor, power_of
from dlcalc.topics.init.units import SATURATING
from dlcalc.topics.init.variance import enumerated, half_steps, mean, simulation, slope_steps, sum_steps
from dlcalc.topics.init.wide import ACTIVE, backward_factors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.topics.init.signal import Signal
    from dlcalc.topics.init.verdicts import Verdicts

VAR_X, VAR_Z, VAR_DELTA, K, U = (Sym(name) for name in ("Var_x", "Var_z", "Var_delta", "k", "u"))
NODES = 400_000
QUADRATURE = 1e-6
FULL = 40_000_000
"""Weights of the networks that are drawn whole."""
LEAST_WIDTH, DEEPEST, NETWORKS = 100, 8, 4
LEAST_SIGMA = 1e-6
STANDARD_ERRORS = 5.0
FINITE = 5.0
"""What a finite width adds to the logarithm of a factor, over the width."""


def setting_of(signal: Signal, found: Verdicts) -> Setting:
    """Say what the names stand for: the factors by enumeration, the limit by another quadrature."""
    positive = dict.fromkeys(("Var_x", "Var_z", "Var_delta", "k"), POSITIVE)
    sequences = {
        "w": Sequence(signal.n, mean=ZERO, variance=signal.sigma**2),
        "x": Sequence(signal.n, mean=ZERO, variance=VAR_X),
        "z": Sequence(ONE, mean=ZERO, variance=VAR_Z),
    }
    if signal.m != signal.n:  # fewer outcomes to visit: one side at a time
        sequences["w"] = Sequence(call("max", signal.n, signal.m), mean=ZERO, variance=signal.sigma**2)
    two = Domain(ONE.value, number(2).value, whole=True)
    domains = {**signal.letters.domains, **positive, "u": REAL}
    domains |= {letter.name: two for letter in (signal.n, signal.m)} if signal.m != signal.n else {}
    definitions: dict[str, Callable[..., Any]] = {
        "forward": lambda point: _factor(signal, signal.n, point, backward=False),
        "backward": lambda point: _factor(signal, signal.m, point, backward=True),
    }
    if found.limit is not None:
        definitions["wide_activation"] = lambda _: _by_numpy(signal)[0]
        definitions["wide_backward"] = lambda _: _by_numpy(signal)[1]
    aliases = {"s": signal.sigma, "sigma": signal.sigma, "n": signal.n, "m": signal.m}
    return Setting(
        domains=domains,
        sequences=sequences,
        definitions=definitions,
        aliases={name: letter for name, letter in aliases.items() if name not in domains},
        values=signal.letters.values,
        display=DISPLAY,
    )


def _factor(signal: Signal, fan: Sym, point: Mapping[str, Any], *, backward: bool) -> float:
    """Find a factor over every outcome of the weights, of three-valued inputs, and of a symmetric pre-activation."""
    slope = float(PLAIN.value(signal.slope, point))
    passed = 1.0
    if signal.units in {"relu", "leaky_relu"}:
        outputs = [max(z, 0.0) + slope * min(z, 0.0) * (signal.units == "leaky_relu") for z in (-1.0, 1.0)]
        slopes = [slope if signal.units == "leaky_relu" else 0.0, 1.0]
        passed = sum(v * v for v in (slopes if backward else outputs)) / 2
    if signal.units == "sigmoid":
        passed = 1 / 16
    variance = enumerated(int(point[fan.name]), point[signal.sigma.name] ** 2, 1, 0)
    return float((variance * passed) ** 0.5)


def derived_steps(signal: Signal, found: Verdicts) -> Iterator[Step]:
    """Derive what a layer does to activations and to gradients, put the givens in, and compare with 1."""
    sigma2 = signal.sigma**2
    yield from sum_steps(signal.n, sigma2, VAR_X)
    yield from _units(signal)
    for name, fan, why in (
        ("forward", signal.n, "the root: σ√n times what the units pass on"),
        ("backward", signal.m, "δ_x = Wᵀ δ adds over the fan-out; times what the slopes pass on"),
    ):
        if (name, signal.units) == ("forward", "sigmoid"):
            s = call("sigmoid", Entry("z", ONE))
            rule = "verdict-activations"
            yield Step(rule, mean(s), mean(s), ONE / 2, "sigmoid(z) + sigmoid(−z) = 1, and z is symmetric about 0")
            yield Step(rule, mean(s**2), mean(s**2), mean(s) ** 2, "E(s²) ≥ E(s)² = 1/4: no vanishing", relation=">=")
            continue
        formula = signal.formula(fan)
        because = f"{why}{'; at most' if signal.units in SATURATING else ''}"
        yield Step(name, Sym(name), Sym(name), formula, because)
        used = {at: given for at, given in signal.letters.values.items() if at in symbols(formula)}
        if used:
            value = signal.factor(fan)
            yield Step(f"{name}-givens", Sym(name), formula, value, "the givens put in", where=used)
        if signal.depth is not None and is_a_factor(signal, fan):
            factor, total = signal.factor(fan), power_of(signal, fan, signal.depth)
            if Pow(factor, signal.depth) != total:
                because = f"{unicode(signal.depth)} layers, each with this factor"
                yield Step(f"{name}-total", Sym(f"{name}_total"), Pow(factor, signal.depth), total, because)
        yield from _compared(signal, name, fan, found)
    if signal.units in SATURATING:
        yield from _chain(signal)


def _compared(signal: Signal, name: str, fan: Sym, found: Verdicts) -> Iterator[Step]:
    """Compare a factor with 1; where the bound of saturating units is above 1, the limit of wide networks."""
    said = found.words.get("activations" if name == "forward" else "gradients")
    what = "activations" if name == "forward" else "gradients"
    rule = f"verdict-{what}"
    factor = signal.factor(fan)
    value = approximate(factor)
    if said is None or value is None:
        return
    if name == "backward" and found.limit is not None and value > 1:
        limit, target = Real(found.limit.backward), Sym("wide_backward")
        yield Step("wide", target, target, limit, "E(f'(z)²) over normal z, at the settled variance: quadrature")
        if said != "keep":
            because = f"{'below' if said == 'vanish' else 'above'} 1 in a wide random network: gradients {said}"
            yield Step(rule, target, limit, ONE, because, relation="<" if said == "vanish" else ">")
        return
    if signal.units == "tanh" and name == "forward" and value > 1:
        yield from _bounded(found)
        return
    relation: Literal["<", ">", "="] = "<" if value < 1 and said == "vanish" else ">" if value > 1 else "="
    if relation == "=":
        factor = factor**2
    because = {"<": "below 1", ">": "above 1", "=": "exactly 1"}[relation]
    because += f": {what} {said}{' their size' * (said == 'keep')}"
    yield Step(rule, Sym(name), factor, ONE, because, relation=relation)


def _bounded(found: Verdicts) -> Iterator[Step]:
    """Say that activations of tanh never explode, and what they settle at instead of vanishing."""
    z, rule = call("tanh", Entry("z", ONE)), "verdict-activations"
    yield Step(rule, z**2, z**2, ONE, "bounded: activations never explode", relation="<=")
    if found.limit is not None:
        target, settled = Sym("wide_activation"), Real(found.limit.activation)
        yield Step(rule, target, target, settled, "nor do they vanish: root mean square that wide layers settle at")


def _units(signal: Signal) -> Iterator[Step]:
    """Say what the units pass on: half for ReLU, never more than all for tanh, a quarter of a gradient for sigmoid."""
    z = Entry("z", ONE)
    if signal.units in {"relu", "leaky_relu"}:
        leaky = signal.units == "leaky_relu"
        yield from half_steps(VAR_Z, signal.slope if leaky else None)
        yield from slope_steps(signal.units, signal.slope)
    elif signal.units == "tanh":
        t = call("tanh", U)
        yield Step("bound", t**2, t**2, U**2, "|tanh(z)| ≤ |z|, nearly equal for small z", relation="<=")
        yield Step(
            "bound",
            mean(call("tanh", z) ** 2),
            mean(call("tanh", z) ** 2),
            mean(z**2),
            "so the mean is no larger",
            relation="<=",
        )
        yield Step("bound", 1 - t**2, 1 - t**2, ONE, "tanh'(z) = 1 − tanh(z)² is at most 1, at z = 0", relation="<=")
    elif signal.units == "sigmoid":
        s = call("sigmoid", U)
        yield Step(
            "bound", s * (1 - s), s * (1 - s), ONE / 4, "sigmoid'(z) = s(1 − s) is at most 1/4, at z = 0", relation="<="
        )


def _chain(signal: Signal) -> Iterator[Step]:
    """Bound the local factor of one unit with weight k at a fixed input u: it goes to 0 as k grows."""
    ku = K * U
    if signal.units == "tanh":
        local, bound = K * (1 - call("tanh", ku) ** 2), 4 * K * exp(-2 * K * call("abs", U))
        last = 2 / (K * U**2)
    else:
        s = call("sigmoid", ku)
        local, bound = K * s * (1 - s), K * exp(-(K * call("abs", U)))
        last = 2 / (K * U**2)
    yield Step(
        "chain", local, local, bound, "one unit with weight k and input u: the slope falls exponentially", relation="<="
    )
    yield Step("chain", local, bound, last, "eᵗ ≥ t²/2: so it goes to 0 as k grows, for any u but 0", relation="<=")


def routes(signal: Signal, found: Verdicts) -> Iterator[Route | Experiment]:
    """Enumerate one layer, simulate it at the givens, and draw whole networks of saturating units."""
    yield Route(
        "the factor per layer",
        "every outcome of weights and inputs with three values each",
        signal.formula(signal.m),
        lambda point: _factor(signal, signal.m, point, backward=True),
    )
    values = signal.letters.values
    sigma, n = values.get(signal.sigma.name), values.get(signal.n.name)
    if sigma is not None and n is not None and not symbols(sigma, n):
        linear = value_of(signal.n * signal.sigma**2, values)
        yield from simulation(
            "Var(s) at these givens, for inputs of variance 1", n, value_of(signal.sigma**2, values), ONE, ZERO, linear
        )
    if signal.units in SATURATING and signal.m == signal.n and isinstance(n, Num) and sigma is not None:
        yield from _whole_networks(signal, n, approximate(sigma))
    if found.limit is not None:
        limit = found.limit.backward
        yield Experiment(
            "the factor of a wide network",
            "NumPy, 400,000 nodes on the normal distribution, relative error",
            lambda _: (abs(_by_numpy(signal)[1] / limit - 1), QUADRATURE),
        )


def _by_numpy(signal: Signal) -> tuple[float, float]:
    forward, backward = (float(approximate(signal.square(fan)) or 0) for fan in (signal.n, signal.m))
    return _settled(signal.units, forward, backward)


@cache
def _settled(units: str, forward: float, backward: float) -> tuple[float, float]:
    """Settle the variance of a wide network by sums over normal quantiles; f and f' as they stand."""
    import numpy as np

    z = np.linspace(-10, 10, NODES + 1)
    weight = np.exp(-z * z / 2)
    weight /= weight.sum()
    if units == "sigmoid":
        forward, backward = 16 * forward, 16 * backward
    q = forward
    with np.errstate(over="ignore"):
        for _ in range(60):
            q, before = forward * float((weight * _run(units, q**0.5 * z) ** 2).sum()), q
            if abs(q - before) <= 1e-13 * q:
                break
        activation = float((weight * _run(units, q**0.5 * z) ** 2).sum() ** 0.5)
        slope2 = float((weight * _slope(units, q**0.5 * z) ** 2).sum())
    return activation, (backward * slope2) ** 0.5


def _run(units: str, z: Any) -> Any:  # noqa: ANN401 (arrays)
    import numpy as np

    return np.tanh(z) if units == "tanh" else 1 / (1 + np.exp(-np.clip(z, -700, 700)))


def _slope(units: str, z: Any) -> Any:  # noqa: ANN401 (arrays)
    value = _run(units, z)
    return 1 - value**2 if units == "tanh" else value * (1 - value)


def _whole_networks(signal: Signal, n: Num, sigma: float | None) -> Iterator[Experiment]:
    """Demonstrate the gradients on networks with all their weights drawn, where they are wide and soon drawn."""
    depth = min(int(signal.depth.value), DEEPEST) if isinstance(signal.depth, Num) else DEEPEST
    wide = n.value >= LEAST_WIDTH and n.value**2 * depth * NETWORKS <= FULL
    if sigma is None or not wide or depth == 1 or sigma < LEAST_SIGMA or n.value < ACTIVE * sigma * sqrt(n.value):
        return
    width = int(n.value)
    yield Experiment(
        f"the gradients of {depth} layers {width} wide, against wide networks",
        f"demonstration: {NETWORKS} networks with all weights drawn, off by so many standard errors",
        lambda seed: (_off(signal.units, sigma, width, depth, seed), STANDARD_ERRORS),
    )


def _off(units: str, sigma: float, width: int, depth: int, seed: int) -> float:
    """Draw networks; return how far the mean logarithm of their factors is off."""
    import numpy as np

    generator = np.random.default_rng(seed)
    forward2 = sigma**2 * width
    expected = np.log(backward_factors(units, forward2, forward2, depth)[1:]).mean()
    found = np.array([_drawn_whole(units, sigma, width, depth, generator) for _ in range(NETWORKS)])
    error = found.std(ddof=1) / NETWORKS**0.5 + FINITE / width
    return float(abs(found.mean() - expected) / error)


def _drawn_whole(units: str, sigma: float, width: int, depth: int, generator: Any) -> float:  # noqa: ANN401
    """Draw a network with all its weights; return the mean logarithm of the factors of its gradients."""
    import numpy as np

    h, weights, sums = generator.standard_normal(width), [], []
    h *= (width / (h**2).sum()) ** 0.5
    for _ in range(depth):
        weights.append(generator.standard_normal((width, width)) * sigma)
        sums.append(weights[-1] @ h)
        h = _run(units, sums[-1])
    gradient = generator.standard_normal((width, 8))
    before = float(np.linalg.norm(gradient))
    for w, z in zip(weights[:0:-1], sums[:0:-1], strict=True):
        gradient = w.T @ (gradient * _slope(units, z)[:, None])
    return float(np.log(np.linalg.norm(gradient) / before)) / (depth - 1)
