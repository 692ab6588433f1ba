"""The rule run step by step in numbers, which knows no closed form: definitions of names, and second routes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.printing import unicode
from dlcalc.solution import Route
from dlcalc.topics.momentum.answers import parameter_at, velocity_at
from dlcalc.topics.momentum.bounds import MAX_SUMMED, MAX_UNROLLED
from dlcalc.topics.momentum.rule import FAMILIES, HAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.notation.expression import Expr
    from dlcalc.notation.printing import Value
    from dlcalc.topics.momentum.rule import Question

    Way = Callable[[Question, Mapping[str, Any], int], list["Row"]]

Row = tuple[list[Any], list[Any], list[Any], list[Any]]
"""g, v, θ and θ̃ of one step, in numbers; empty where a way of running does not form it."""
STEP_BY_STEP = "the rule run step by step"
STORED = "the stored form run on its own, θ never formed"
CORRECTED = "v_t divided by what the rule makes of gradients that are all 1"


def _numbers(asked: Question, point: Mapping[str, Any]) -> tuple[Any, Any, Any, list[Any], list[Any]]:
    """Return a, c, e, v_0 and θ_0 at a point."""
    a, c, e = (PLAIN.value(x, point) for x in (asked.rule.a, asked.rule.c, asked.rule.e))
    v, theta = ([PLAIN.value(x, point) for x in start] for start in (asked.v0, asked.theta0))
    return a, c, e, v, theta


def _gradients_at(asked: Question, point: Mapping[str, Any], step: int, place: list[Any]) -> list[Any]:
    if asked.field:
        return [PLAIN.value(g, {**point, **asked.placed(i, place)}) for i, g in enumerate(asked.field)]
    return [PLAIN.value(g, point) for g in asked.gradient(step)]


def _run(asked: Question, point: Mapping[str, Any], steps: int) -> list[Row]:
    """Run the rule at a point; return every step, the start first."""
    if steps < 0:
        raise IndexError(steps)
    a, c, e, v, theta = _numbers(asked, point)
    tilde = [x + e * a * y for x, y in zip(theta, v, strict=True)]
    rows: list[Row] = [([], v, theta, tilde)]
    for step in range(1, steps + 1):
        g = _gradients_at(asked, point, step, tilde if asked.nesterov else theta)
        v = [a * y + c * z for y, z in zip(v, g, strict=True)]
        theta = [x + e * y for x, y in zip(theta, v, strict=True)]
        tilde = [x + e * a * y for x, y in zip(theta, v, strict=True)]
        rows.append((g, v, theta, tilde))
    return rows


def _run_stored(asked: Question, point: Mapping[str, Any], steps: int) -> list[Row]:
    """Run the form that stores θ̃, with the gradient taken there; θ itself is never formed."""
    a, c, e, v, theta = _numbers(asked, point)
    tilde = [x + e * a * y for x, y in zip(theta, v, strict=True)]
    rows: list[Row] = [([], v, [], tilde)]
    for step in range(1, steps + 1):
        g = _gradients_at(asked, point, step, tilde)
        old, v = v, [a * y + c * z for y, z in zip(v, g, strict=True)]
        tilde = [x + e * (y + a * (y - z)) for x, y, z in zip(tilde, v, old, strict=True)]
        rows.append((g, v, [], tilde))
    return rows


def _run_without_v(asked: Question, point: Mapping[str, Any], steps: int) -> list[Row]:
    """Run θ alone: θ_t = θ_{t−1} + a(θ_{t−1} − θ_{t−2}) + ec·g_t, with θ_{−1} = θ_0 − e·v_0."""
    a, c, e, v, theta = _numbers(asked, point)
    before = [x - e * y for x, y in zip(theta, v, strict=True)]
    rows: list[Row] = [([], [], theta, [])]
    for step in range(1, steps + 1):
        g = _gradients_at(asked, point, step, theta)
        moves = [a * (x - y) + e * c * z for x, y, z in zip(theta, before, g, strict=True)]
        before, theta = theta, [x + move for x, move in zip(theta, moves, strict=True)]
        rows.append((g, [], theta, []))
    return rows


def definitions(asked: Question) -> dict[str, Callable[..., Any]]:
    """Define the names with an index, such as v[t], by running the rule."""
    found: dict[str, Callable[..., Any]] = {}
    for component, suffix in enumerate(asked.suffixes):
        for which, name in enumerate(FAMILIES):
            if name != "g" or asked.field:
                found[f"{name}{suffix}"] = lambda p, t, which=which, i=component: _run(asked, p, t)[-1][which][i]
        if asked.convention == "ema":
            found[f"{HAT}{suffix}"] = lambda p, t, i=component: _corrected(asked, p, t)[i]
    return found


def _corrected(asked: Question, point: Mapping[str, Any], t: int) -> list[Any]:
    """Divide v_t by what the rule makes of gradients that are all 1."""
    a, c, _, _, _ = _numbers(asked, point)
    weights = Fraction(0)
    for _ in range(t):
        weights = a * weights + c
    return [v / weights for v in _run(asked, point, t)[-1][FAMILIES.index("v")]]


def path_routes(asked: Question, found: Mapping[str, Value]) -> Iterator[Route]:
    """Find every step of a path by another way of running."""
    steps = asked.steps or 0

    def route(method: str, way: Way, *families: str) -> Route:
        def computed(point: Mapping[str, Any]) -> list[Any]:
            rows = way(asked, point, steps)[1:]
            return [[row[FAMILIES.index(name)] for row in rows] for name in families]

        return Route(", ".join(families), method, tuple(found[name] for name in families), computed)

    if HAT in found:
        yield Route(HAT, CORRECTED, found[HAT], lambda p: [_corrected(asked, p, t) for t in range(1, steps + 1)])
    if not asked.field:
        yield route(f"{STEP_BY_STEP} from v_0 and θ_0", _run, "v", "theta")
    elif not asked.nesterov:
        yield route("θ run alone, with θ_{t−1} − θ_{t−2} in the place of the velocity", _run_without_v, "g", "theta")
    if asked.nesterov:
        yield route(STORED, _run_stored, "v", "theta_tilde")


def closed_routes(asked: Question, found: Mapping[str, Value]) -> Iterator[Route]:
    """Find the last step, which the closed forms give at once, by running all of them."""

    def route(claim: str, method: str, way: Way, at: Expr, **values: Value) -> Route:
        def computed(point: Mapping[str, Any]) -> list[Any]:
            last = way(asked, point, int(PLAIN.value(at, point)))[-1]
            return [last[FAMILIES.index(family)][0] for family in values]

        return Route(claim, method, tuple(values.values()), computed)

    n, t, hat = asked.counter, asked.t, f"{HAT}_t"
    if asked.steps is not None and asked.steps > MAX_UNROLLED:
        claim = f"v_{unicode(n)}, θ_{unicode(n)}"
        yield route(claim, STEP_BY_STEP, _run, n, v=velocity_at(asked, n), theta=parameter_at(asked, n))
    if asked.steps is None or asked.steps <= MAX_SUMMED:
        yield route("v_t, theta_t", STEP_BY_STEP, _run, t, v=found["v_t"], theta=found["theta_t"])
        if hat in found:
            yield Route(hat, CORRECTED, found[hat], lambda p: _corrected(asked, p, int(PLAIN.value(t, p)))[0])
        if asked.nesterov:
            yield route("theta_tilde_t", STORED, _run_stored, t, theta_tilde=found["theta_tilde_t"])
