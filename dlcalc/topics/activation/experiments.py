"""Independent confirmations: difference quotients on a grid, of the formula alone and in floats."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import substitute
from dlcalc.solution import Experiment
from dlcalc.topics.activation.facts import X, infinite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlcalc.notation.expression import Expr
    from dlcalc.topics.activation.asking import Asked
    from dlcalc.topics.activation.chain import Chain

    OfNumber = Callable[[float], float | None]
    Run = Callable[[int], tuple[float, float]]

REACH, CELLS = 12.0, 2_400
STEP = 1e-4
ALLOWED = 1e-5
BESIDE, SMOOTH = 10 * STEP, 0.05
"""How far from where pieces meet the slopes are looked at, and compared with the derivative."""
GRID_ERROR = 5e-3
"""How far the best point of the grid may lie below an extreme."""
CHAINS = 100
MOST_UNITS = 12
DIGITS = 120


def experiments(asked: Asked) -> tuple[Experiment, ...]:
    """Compare the derivative with central differences, and the extremes with a dense grid."""
    found = [Experiment("the derivative", "central differences on a grid, away from joints", _differences(asked))]
    if asked.facts is not None:
        found.append(
            Experiment("range and slopes", "the values and difference quotients of a dense grid", _grid(asked))
        )
    return tuple(found)


def _numbers(asked: Asked, seed: int) -> dict[str, Expr]:
    """Give the symbols numbers."""
    from fractions import Fraction

    from dlcalc.notation.expression import number

    generator = Random(seed)  # noqa: S311 (nothing is kept secret)
    return {name: number(Fraction(generator.randint(1, 40), 16)) for name in asked.free}


def _function(node: Expr, numbers: dict[str, Expr]) -> OfNumber:
    put = substitute(node, numbers)

    def compute(x: float) -> float | None:
        try:
            found = float(PLAIN.value(put, {X.name: x}))
        except (ArithmeticError, ValueError):
            return None
        return found if math.isfinite(found) else None

    return compute


def _places(asked: Asked, numbers: dict[str, Expr]) -> list[float]:
    """Return the places where pieces meet."""
    places = (approximate(substitute(place, numbers)) for place in asked.meetings)
    return [place for place in places if place is not None]


def _points(places: list[float], away: float) -> list[float]:
    """Return the grid without the surroundings of some places, and the points at their edges."""
    grid = [REACH * (2 * i / CELLS - 1) + 1e-5 * math.pi for i in range(CELLS + 1)]
    edges = [place + side * 1.1 * away for place in places for side in (-1, 1)]
    return [x for x in (*grid, *edges) if all(abs(x - place) > away for place in places)]


def _differences(asked: Asked) -> Run:
    def run(seed: int) -> tuple[float, float]:
        numbers = _numbers(asked, seed)
        f, slope = _function(asked.function, numbers), _function(asked.slope, numbers)
        worst, seen = 0.0, 0
        for x in _points(_places(asked, numbers), SMOOTH)[::8]:
            quotient = _quotient(f, x)
            expected = slope(x)
            if quotient is None or expected is None or abs(expected) > 1e6:  # noqa: PLR2004 (floats lose it)
                continue
            size = max(1.0, abs(expected), abs(f(x) or 0.0))
            worst, seen = max(worst, abs(quotient - expected) / size), seen + 1
        return (worst if seen else math.inf), ALLOWED

    return run


def _quotient(f: OfNumber, x: float) -> float | None:
    values = [value for k in (-2, -1, 1, 2) if (value := f(x + k * STEP)) is not None]
    if len(values) < 4:  # noqa: PLR2004 (points of the quotient)
        return None
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * STEP)


def _grid(asked: Asked) -> Run:
    """Say by how much the grid leaves the range or the slopes that are claimed, or stays away from them."""

    def run(seed: int) -> tuple[float, float]:
        facts, numbers = asked.facts, _numbers(asked, seed)
        if facts is None:
            return math.inf, 0.0
        places = _places(asked, numbers)
        f, points = _function(asked.function, numbers), _points(places, BESIDE)
        values = [v for x in (*points, *places) if (v := f(x)) is not None]
        slopes = [v for x in points if (v := _quotient(f, x)) is not None]
        worst = 0.0
        for extreme, seen, sign in (
            (facts.low, values, -1), (facts.high, values, 1), (facts.flattest, slopes, -1), (facts.steepest, slopes, 1),
        ):  # fmt: skip
            if infinite(extreme.value) or not seen:
                continue
            claimed = approximate(substitute(extreme.value, numbers))
            best = max(sign * v for v in seen)
            if claimed is None:
                continue
            size = max(1.0, abs(claimed))
            worst = max(worst, (best - sign * claimed) / size)
            place = None if extreme.at is None else approximate(substitute(extreme.at, numbers))
            if extreme.reached and (extreme.at is None or (place is not None and abs(place) < REACH)):
                worst = max(worst, (sign * claimed - best) / size - GRID_ERROR)
        return max(worst, 0.0), ALLOWED

    return run


def chain_experiment(chain: Chain) -> tuple[Experiment, ...]:
    """Run random chains and compare the difference quotient of the whole with the bound."""
    factor, count = approximate(chain.factor), None if chain.layers is None else approximate(chain.layers)
    weight = approximate(chain.weight)
    if factor is None or weight is None or count is None or not 0 < count <= MOST_UNITS or chain.asked.free:
        return ()
    f, layers = _function(chain.asked.function, {}), int(count)

    def through(x: float, biases: list[float]) -> float:
        for bias in biases:
            x = f(weight * x + bias) or 0.0
        return x

    def run(seed: int) -> tuple[float, float]:
        generator = Random(seed)  # noqa: S311 (nothing is kept secret)
        worst = 0.0
        for _ in range(CHAINS):
            biases = [generator.uniform(-2, 2) for _ in range(layers)]
            x = generator.uniform(-2, 2)
            quotient = abs(through(x + STEP, biases) - through(x - STEP, biases)) / (2 * STEP)
            worst = max(worst, quotient / factor**layers - 1)
        return worst, 1e-2

    method = f"{CHAINS} random chains of {layers} units with biases: difference quotients of the whole, over the bound"
    return (Experiment("the bound of the chain", method, run),)


def composition_experiment(chain: Chain, places: Sequence[Expr]) -> tuple[Experiment, ...]:
    """Compare the derivative of the whole chain with a difference quotient of it, in many digits."""
    from dlcalc.topics.activation.chain import composition

    count = None if chain.layers is None else approximate(chain.layers)
    weight = approximate(chain.weight)
    if count is None or count > MOST_UNITS or weight is None or chain.asked.free:
        return ()
    known = [(p, g) for p in places if (g := composition(chain.asked, chain.weight, chain.layers, p)) is not None]  # type: ignore[arg-type]  # it has layers
    if not known:
        return ()

    def run(_: int) -> tuple[float, float]:
        import mpmath

        from dlcalc.numeric import WIDE

        worst = 0.0
        with mpmath.workdps(DIGITS):
            step, w = mpmath.mpf(10) ** (-DIGITS // 4), WIDE.value(chain.weight, {})

            def through(x: Any) -> Any:  # noqa: ANN401 (mpmath has no types)
                for _ in range(int(count)):
                    x = WIDE.value(chain.asked.function, {X.name: w * x})
                return x

            for place, gradient in known:
                x, claimed = WIDE.value(place, {}), WIDE.value(gradient, {})
                quotient = (through(x + step) - through(x - step)) / (2 * step)
                worst = max(
                    worst, float(abs(quotient - claimed) / max(abs(claimed), abs(quotient), mpmath.mpf(1e-300)))
                )
        return worst, ALLOWED

    method = f"the difference quotient of all units together, with {DIGITS} digits"
    return (Experiment("the derivative of the chain", method, run),)
