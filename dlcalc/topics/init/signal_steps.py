"""The derivation of the factors, the evidence of each verdict, and the routes that know no formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.derivation import value_of
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Entry, Expr, Num, Pow, Real, Sym, number
from dlcalc.notation.functions import call, exp
from dlcalc.notation.printing import unicode
from dlcalc.solution import POSITIVE, REAL, Domain, Experiment, Route, Sequence, Setting, Step, symbols
from dlcalc.topics.init.marking import DISPLAY
from dlcalc.topics.init.signal import is_a_factor, power_of
from dlcalc.topics.init.units import SATURATING
from dlcalc.topics.init.variance import enumerated, half_steps, mean, simulation, slope_steps, sum_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.topics.init.signal import Signal
    from dlcalc.topics.init.verdicts import Verdicts

VAR_X, VAR_Z, VAR_DELTA, K, U = (Sym(name) for name in ("Var_x", "Var_z", "Var_delta", "k", "u"))
NODES = 400_000
QUADRATURE = 1e-6
FULL = 20_000_000
"""Weights of a network that is drawn whole."""
LEAST_WIDTH = 100
SPREAD = 0.1


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
        definitions["wide_backward"] = lambda _: _by_numpy(signal)
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
        z = Entry("z", ONE)
        yield Step(rule, call("tanh", z) ** 2, call("tanh", z) ** 2, ONE, "bounded: activations never explode", relation="<=")
        return
    relation = "<" if value < 1 and said == "vanish" else ">" if value > 1 else "="
    if relation == "=":
        factor = factor**2
    because = {"<": "below 1", ">": "above 1", "=": "exactly 1"}[relation]
    yield Step(rule, Sym(name), factor, ONE, f"{because}: {what} {said}{' their size' * (said == 'keep')}", relation=relation)  # type: ignore[arg-type]


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
        yield Step("bound", mean(call("tanh", z) ** 2), mean(call("tanh", z) ** 2), mean(z**2), "so the mean is no larger", relation="<=")
        yield Step("bound", 1 - t**2, 1 - t**2, ONE, "tanh'(z) = 1 − tanh(z)² is at most 1, at z = 0", relation="<=")
    elif signal.units == "sigmoid":
        s = call("sigmoid", U)
        yield Step("bound", s * (1 - s), s * (1 - s), ONE / 4, "sigmoid'(z) = s(1 − s) is at most 1/4, at z = 0", relation="<=")


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
    yield Step("chain", local, local, bound, "one unit with weight k and input u: the slope falls exponentially", relation="<=")
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
        yield from simulation("Var(s) at these givens, for inputs of variance 1", n, value_of(signal.sigma**2, values), ONE, ZERO, linear)
    if signal.units in SATURATING and signal.m == signal.n and isinstance(n, Num) and n.value >= LEAST_WIDTH:
        width, spread = int(n.value), approximate(sigma) if sigma is not None else None
        depth = 6 if signal.depth is None or not isinstance(signal.depth, Num) else min(int(signal.depth.value), 12)
        if spread is not None and width * width * depth <= FULL and depth > 1 and 1e-6 < spread < 1e3:  # noqa: PLR2004
            expected = found.limit.backward if found.limit is not None else approximate(signal.factor(signal.m))
            yield Experiment(
                f"the factor of the gradients, of {depth} layers {width} wide",
                "demonstration: whole random matrices, the mean factor in relative error",
                lambda seed: (_drawn_whole(signal.units, spread, width, depth, expected or 0.0, seed), SPREAD),
            )
    if found.limit is not None:
        limit = found.limit.backward
        yield Experiment(
            "the factor of a wide network",
            "NumPy, 400,000 nodes on the normal distribution, relative error",
            lambda _: (abs(_by_numpy(signal) / limit - 1), QUADRATURE),
        )


def _by_numpy(signal: Signal) -> float:
    """Settle the variance of a wide network by sums over normal quantiles; f and f' as they stand."""
    import numpy as np

    z = np.linspace(-10, 10, NODES + 1)
    weight = np.exp(-z * z / 2)
    weight /= weight.sum()
    forward, backward = (float(approximate(signal.square(fan)) or 0) for fan in (signal.n, signal.m))
    if signal.units == "sigmoid":
        forward, backward = 16 * forward, 16 * backward
    q = forward
    with np.errstate(over="ignore"):
        for _ in range(60):
            q, before = forward * float((weight * _run(signal.units, q**0.5 * z) ** 2).sum()), q
            if abs(q - before) <= 1e-13 * q:  # noqa: PLR2004 (rounding)
                break
        return float((backward * (weight * _slope(signal.units, q**0.5 * z) ** 2).sum()) ** 0.5)


def _run(units: str, z: Any) -> Any:  # noqa: ANN401 (arrays)
    import numpy as np

    return np.tanh(z) if units == "tanh" else 1 / (1 + np.exp(-z))


def _slope(units: str, z: Any) -> Any:  # noqa: ANN401 (arrays)
    value = _run(units, z)
    return 1 - value**2 if units == "tanh" else value * (1 - value)


def _drawn_whole(units: str, sigma: float, width: int, depth: int, expected: float, seed: int) -> float:  # noqa: PLR0913, PLR0917
    """Draw a network with all its weights; return how far the mean factor of its gradients is off."""
    import numpy as np

    generator = np.random.default_rng(seed)
    h, weights, sums = generator.standard_normal(width), [], []
    for _ in range(depth):
        weights.append(generator.standard_normal((width, width)) * sigma)
        sums.append(weights[-1] @ h)
        h = _run(units, sums[-1])
    gradient = generator.standard_normal((width, 64)) / width**0.5
    before = float(np.linalg.norm(gradient))
    for w, z in zip(weights[:0:-1], sums[:0:-1], strict=True):  # the first layer's inputs are not settled
        gradient = w.T @ (gradient * _slope(units, z)[:, None])
    factor = (float(np.linalg.norm(gradient)) / before) ** (1 / (depth - 1))
    return abs(factor / expected - 1) if expected else factor
