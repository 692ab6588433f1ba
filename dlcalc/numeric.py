"""The NumPy backend: seeded points, evaluation over all of them at once, the checks of steps and answers.

Values are object arrays of exact fractions for as long as a step is rational, so equality there means
equality; a transcendental function turns them into floats, compared within `TOLERANCE`. Where floats
overflow, or cannot tell apart the two sides of a strict bound, the point is computed again with mpmath.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import mpmath
import numpy as np

from dlcalc.limits import (
    EXPONENTS,
    exponential,
    hyperbolic_tangent,
    limit,
    normal_density,
    normal_distribution,
    raised,
    within_bounds,
)
from dlcalc.notation.evaluate import MAX_TERMS, PLAIN, TERMS, Arithmetic
from dlcalc.notation.expression import Call, Expr, Limit, Relation, Sum, exact_root, walk
from dlcalc.notation.functions import FUNCTIONS, PLAIN_ARITHMETIC
from dlcalc.solution import POINTS, Check, Domain, Experiment, Route, Sequence, Setting, Step, StepCheck, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Sequence as Listed

    from dlcalc.notation.printing import Value

TOLERANCE = 1e-9
GRID = 16
"""Real symbols are drawn from multiples of 1/GRID, so that powers stay small exact fractions."""
RANDOM_POINTS = 16
"""Points for a line with means or variances, each of them over every outcome."""
MAX_TRIES = 8_000
"""Points drawn in search of those that satisfy the constraints."""
WIDE_DIGITS = (50, 600, 6000)
UNDEFINED = (ArithmeticError, ValueError, IndexError)
"""What evaluation raises where an expression has no value."""

# ruff: noqa: ANN401 (arrays of exact fractions, floats or high-precision numbers)

Point = dict[str, Any]


def objects(values: Listed[Any]) -> Any:
    """Make a one-dimensional object array, whatever the values are."""
    out = np.empty(len(values), dtype=object)
    out[:] = list(values)
    return out


@dataclass(frozen=True)
class Samples:
    """Many points at once: an array per symbol, a tuple of entries per point for each sequence."""

    points: tuple[Point, ...]
    setting: Setting

    @property
    def count(self) -> int:
        """How many points there are."""
        return len(self.points)

    def array(self, name: str) -> Any:
        """All values of a symbol."""
        return objects([point[name] for point in self.points])

    def chosen(self, mask: Any) -> Samples:
        """Keep some of the points."""
        return replace(self, points=tuple(p for p, keep in zip(self.points, mask, strict=True) if keep))

    def needed_for(self, *values: Value, where: Mapping[str, Expr] | None = None) -> Samples:
        """Put names in the place that `where` gives them; keep one point where nothing varies any more."""
        where = where or {}
        used = (symbols(*values) - set(where)) | symbols(*where.values())
        varying = {*self.setting.domains, *self.setting.sequences, *self.setting.definitions}
        points = self.points if varying & used else self.points[:1]
        if where:
            points = tuple(put for put in (_put_in(where, point) for point in points) if put is not None)
        return replace(self, points=points)

    def at_index(self, name: str, value: Fraction) -> Samples:
        """Give the index of a sum one value at every point."""
        return replace(self, points=tuple({**point, name: value} for point in self.points))


def _put_in(where: Mapping[str, Expr], point: Point) -> Point | None:
    """Give names their values at a point; None where one of them has none there (a pole)."""
    try:
        return {**point, **{name: PLAIN.value(value, point) for name, value in where.items()}}
    except UNDEFINED:
        return None


# sampling


def _draw(domain: Domain, generator: np.random.Generator) -> Fraction:
    if domain.whole:
        low, high = int(domain.low) // domain.step, int(domain.high) // domain.step
        return Fraction(int(generator.integers(low, high + 1)) * domain.step)
    low, high = int(domain.low * GRID) + 1, int(domain.high * GRID)
    return Fraction(int(generator.integers(low, high)), GRID)


def _point(setting: Setting, generator: np.random.Generator) -> Point:
    point: Point = {name: _draw(domain, generator) for name, domain in setting.domains.items()}
    for name, sequence in setting.sequences.items():
        length = int(PLAIN.value(sequence.length, point))
        point[name] = tuple(_draw(sequence.entries, generator) for _ in range(length))
    return point


def related(left: Any, relation: str, right: Any) -> bool:
    """Compare two numbers.

    >>> related(1, "<=", 2)
    True
    """
    outcomes = {
        "=": left == right, "!=": left != right, "<": left < right,
        "<=": left <= right, ">": left > right, ">=": left >= right,
    }  # fmt: skip
    return bool(outcomes[relation])


def _satisfied(constraint: Relation, point: Point) -> bool:
    try:
        left, right = PLAIN.value(constraint.left, point), PLAIN.value(constraint.right, point)
    except UNDEFINED:
        return False
    return related(left, constraint.relation, right)


def sample(setting: Setting, seed: int, points: int = POINTS) -> Samples:
    """Draw points at which every symbol lies in its domain and every constraint holds."""
    generator = np.random.default_rng(seed)
    if not setting.domains and not setting.sequences:
        return Samples(({},), setting)
    found: list[Point] = []
    for _ in range(MAX_TRIES):
        point = _point(setting, generator)
        if all(_satisfied(constraint, point) for constraint in setting.constraints):
            found.append(point)
            if len(found) == points:
                break
    return Samples(tuple(found), setting)


# arithmetic over all points at once


def _floats(values: Any) -> Any:
    return np.asarray(values, dtype=float)


def _root(values: Any) -> Any:
    exact = [exact_root(Fraction(v)) if isinstance(v, int | Fraction) else None for v in values]
    return np.sqrt(_floats(values)) if None in exact else objects(exact)


_UFUNCS: dict[str, Callable[..., Any]] = {
    "exp": lambda x: np.exp(_floats(x)),
    "ln": lambda x: np.log(_floats(x)),
    "sin": lambda x: np.sin(_floats(x)),
    "cos": lambda x: np.cos(_floats(x)),
    "tanh": lambda x: np.tanh(_floats(x)),
    "sqrt": _root,
}


_KEPT = np.frompyfunc(PLAIN.kept, 1, 1)


class Arrays(Arithmetic):
    """Arithmetic on one array per expression, an element per sample."""

    def number(self, value: Fraction) -> Any:
        """Keep exact numbers exact; they broadcast."""
        return value

    def name(self, name: str, point: Samples) -> Any:  # type: ignore[override]  # many points for one
        """Look a symbol up, or compute a defined name at every point."""
        defined = point.setting.definitions.get(name)
        if defined is None or name in point.points[0]:
            return point.array(name)
        return objects([defined(p) for p in point.points])

    def entry(self, base: str, index: Any, point: Samples) -> Any:  # type: ignore[override]  # as above
        """Look up entries, or compute an indexed name at every point."""
        indices = np.broadcast_to(np.asarray(index, dtype=object), (point.count,))
        defined = point.setting.definitions.get(base)
        if defined is not None:
            return objects([defined(p, int(i)) for p, i in zip(point.points, indices, strict=True)])
        return objects([PLAIN.entry(base, i, p) for p, i in zip(point.points, indices, strict=True)])

    def kept(self, value: Any) -> Any:
        """Keep the short exact elements of an array as they are; the others go on as floats."""
        return _KEPT(value) if isinstance(value, np.ndarray) and value.dtype == object else value

    def power(self, base: Any, exponent: Any) -> Any:
        """Raise elementwise, exactly where possible."""
        power = np.frompyfunc(super().power, 2, 1)
        return power(np.asarray(base, dtype=object), np.asarray(exponent, dtype=object))

    def call(self, node: Call, point: Samples) -> Any:
        """Apply a function elementwise; a sequence stands for all its entries; E and Var run over all outcomes."""
        if FUNCTIONS[node.function].random:
            return self._moment(node, point)
        arguments = [self.column(argument, point) for argument in node.arguments]
        if node.function in _UFUNCS:
            return _UFUNCS[node.function](arguments[0])
        rows = zip(*arguments, strict=True)
        compute = PLAIN_ARITHMETIC[node.function]
        return objects([compute(*(v for a in row for v in (a if isinstance(a, tuple) else (a,)))) for row in rows])

    def column(self, node: Expr, point: Samples) -> Any:
        """Compute an expression as an array with one element per sample."""
        return np.broadcast_to(np.asarray(self.value(node, point), dtype=object), (point.count,))

    def total(self, node: Sum, point: Samples) -> Any:  # type: ignore[override]  # as above
        """Add the body up, at each sample over its own range."""
        lower, upper = self.column(node.lower, point), self.column(node.upper, point)
        terms = point.points[0].get(TERMS, 1) * max(1, int(max(upper)) - int(min(lower)) + 1)
        if terms > MAX_TERMS:
            raise OverflowError
        point = point.at_index(TERMS, Fraction(terms))
        out = objects([Fraction(0)] * point.count)
        for k in range(int(min(lower)), int(max(upper)) + 1):
            mask = np.array([low <= k <= high for low, high in zip(lower, upper, strict=True)])
            if mask.any():
                out[mask] = out[mask] + self.value(node.body, point.chosen(mask).at_index(node.index, Fraction(k)))
        return out

    def limit(self, node: Limit, point: Samples) -> Any:
        """Find the limit at each sample."""
        return objects([float(WIDE.limit(node, {**p, "": point.setting})) for p in point.points])

    def _moment(self, node: Call, point: Samples) -> Any:
        """Compute a mean or variance exactly, over every outcome of independent two-point variables.

        Each entry takes mean ± standard deviation with probability 1/2, which has the mean and variance
        that the setting declares; the samples are grouped by the number of their entries.
        """
        out = objects([None] * point.count)
        names = [n for n, s in point.setting.sequences.items() if s.mean is not None and s.variance is not None]
        lengths = [tuple(len(p[name]) for name in names) for p in point.points]
        for length in sorted(set(lengths)):
            mask = np.array([found == length for found in lengths])
            outcomes = [self.column(node.arguments[0], samples) for samples in _outcomes(point.chosen(mask), names)]
            mean = sum(outcomes) / Fraction(len(outcomes))
            if node.function == "Var":
                mean = sum((o - mean) ** 2 for o in outcomes) / Fraction(len(outcomes))
            out[mask] = mean
        return out


def _outcomes(samples: Samples, names: list[str]) -> Iterator[Samples]:
    """Put every combination of low and high values in the place of the random sequences."""
    levels = [{name: _levels(samples.setting.sequences[name], point) for name in names} for point in samples.points]
    lengths = {name: len(samples.points[0][name]) for name in names}
    for choice in product((0, 1), repeat=sum(lengths.values())):
        left = iter(choice)
        picked = {name: [next(left) for _ in range(length)] for name, length in lengths.items()}
        chosen = (
            {**point, **{name: tuple(level[name][i] for i in picked[name]) for name in names}}
            for point, level in zip(samples.points, levels, strict=True)
        )
        yield replace(samples, points=tuple(chosen))


def _levels(sequence: Sequence, point: Point) -> tuple[Any, Any]:
    """Return mean - deviation and mean + deviation; exact where the variance is a square."""
    if sequence.mean is None or sequence.variance is None:
        raise TypeError(sequence)
    mean, variance = PLAIN.value(sequence.mean, point), PLAIN.value(sequence.variance, point)
    deviation = exact_root(Fraction(variance))
    spread = float(variance) ** 0.5 if deviation is None else deviation
    return mean - spread, mean + spread


class Wide(Arithmetic):
    """mpmath: exponents without bound, as many digits as asked."""

    def number(self, value: Fraction) -> Any:
        """Convert an exact number."""
        return mpmath.mpf(value.numerator) / value.denominator

    def name(self, name: str, point: Mapping[str, Any]) -> Any:
        """Look up a symbol or a sequence, or compute a defined name."""
        found = point[name] if name in point else point[""].definitions[name](point)
        return tuple(map(self._wide, found)) if isinstance(found, tuple) else self._wide(found)

    def entry(self, base: str, index: Any, point: Mapping[str, Any]) -> Any:
        """Look up an entry, or compute an indexed name."""
        definitions = point[""].definitions
        found = definitions[base](point, int(index)) if base in definitions else super().entry(base, index, point)
        return self._wide(found)

    def _wide(self, value: Any) -> Any:
        return self.number(Fraction(value)) if isinstance(value, int | Fraction) else mpmath.mpf(value)

    def power(self, base: Any, exponent: Any) -> Any:
        """Raise to a power."""
        return raised(base, exponent)

    def limit(self, node: Limit, point: Mapping[str, Any]) -> Any:
        """Find what the body tends to, as the index goes to its place."""
        terms = point.get(TERMS, 1) * len(EXPONENTS)
        if terms > MAX_TERMS:
            raise OverflowError
        at = {**point, TERMS: terms}
        return limit(lambda x: self.value(node.body, {**at, node.index: x}), self.value(node.place, point), node.side)

    functions: ClassVar[Mapping[str, Callable[..., Any]]] = {
        **{name: compute for name, compute in PLAIN_ARITHMETIC.items() if not FUNCTIONS[name].random},
        "floor": within_bounds(mpmath.floor), "ceil": within_bounds(mpmath.ceil), "sqrt": mpmath.sqrt,
        "exp": exponential, "ln": mpmath.log,
        "sin": within_bounds(mpmath.sin), "cos": within_bounds(mpmath.cos), "tanh": hyperbolic_tangent,
        "sigmoid": lambda x: 1 / (1 + exponential(-x)),
        "silu": lambda x: x / (1 + exponential(-x)),
        "softplus": lambda x: max(x, 0) + mpmath.log1p(exponential(-abs(x))),
        "elu": lambda x, scale: x if x > 0 else scale * (mpmath.expm1(x) if x > -1 else exponential(x) - 1),
        "normcdf": normal_distribution,
        "normpdf": normal_density,
        "gelu": lambda x: x * normal_distribution(x),
        "logsumexp": lambda *x: mpmath.log(mpmath.fsum(exponential(v) for v in x)),
        "norm": lambda *x: mpmath.sqrt(mpmath.fsum(v * v for v in x)),
    }  # fmt: skip


ARRAYS, WIDE = Arrays(), Wide()


# checking


@dataclass(frozen=True)
class Comparison:
    """Two values compared at samples."""

    holds: bool
    max_error: float
    exact: bool
    worst: Point | None
    left: Any = None
    right: Any = None


def _pairs(left: Value, right: Value) -> list[tuple[Expr, Expr]]:
    if isinstance(left, Expr) and isinstance(right, Expr):
        return [(left, right)]
    if isinstance(left, Expr) or isinstance(right, Expr) or len(left) != len(right):
        message = "the two sides of a step have different shapes"
        raise ValueError(message)
    return [pair for a, b in zip(left, right, strict=True) for pair in _pairs(a, b)]


def _column(node: Expr, samples: Samples, under: Literal["ignore", "raise"] = "ignore") -> Any:
    with np.errstate(all="ignore", under=under):
        found = ARRAYS.column(node, samples)
    if not np.isfinite([v for v in found if isinstance(v, float)]).all():
        raise OverflowError
    return found


def _wide_column(node: Expr, samples: Samples) -> Any:
    found = [WIDE.value(node, {**p, "": samples.setting}) for p in samples.points]
    if any(isinstance(v, mpmath.mpc) or mpmath.isnan(v) for v in found):
        raise ValueError(node)
    return objects(found)


def _gap(left: Any, relation: str, right: Any) -> Any:
    """By how much the relation fails, relative to the size of the sides where they are not exact."""
    if left in _INFINITE or right in _INFINITE:
        return 0 if left == right or (relation != "=" and related(left, relation, right)) else mpmath.inf
    difference = abs(left - right) if relation == "=" else left - right if relation in {"<", "<="} else right - left
    if isinstance(difference, int | Fraction):
        return max(difference, 0)
    return max(difference, 0) / max(1, abs(left), abs(right))


_INFINITE = (mpmath.inf, -mpmath.inf)


def _compared(left: Any, relation: str, right: Any, samples: Samples, tolerance: float) -> Comparison:
    gaps = [_gap(a, relation, b) for a, b in zip(left, right, strict=True)]
    exact = all(isinstance(v, int | Fraction) for v in (*left, *right))
    worst = max(range(len(gaps)), key=gaps.__getitem__)
    holds = gaps[worst] <= (0 if exact else tolerance)
    if relation in {"<", ">"} and holds:
        holds = all(related(a, relation, b) for a, b in zip(left, right, strict=True))
    return Comparison(holds, float(gaps[worst]), exact, samples.points[worst], left[worst], right[worst])


def has_value(node: Expr, samples: Samples) -> bool:
    """Say whether an expression can be evaluated at all of the samples (at a pole it cannot)."""
    try:
        try:
            _column(node, samples)
        except OverflowError:
            _wide_column(node, samples)
    except UNDEFINED:
        return False
    return True


def _where_defined(samples: Samples, *nodes: Expr) -> Samples:
    """Leave out the points where an expression has no value, as long as most remain."""
    mask = [all(has_value(node, replace(samples, points=(point,))) for node in nodes) for point in samples.points]
    if sum(mask) * 2 <= samples.count:
        raise ZeroDivisionError
    return samples.chosen(mask)


def compare(left: Expr, relation: str, right: Expr, samples: Samples) -> Comparison:
    """Evaluate two expressions at samples and compare them; exactly where both are rational.

    Points where either has no value (a pole that a sample happened to hit) are left out; where that is half
    of them or more, the reason for it is raised (ArithmeticError, ValueError or IndexError).
    """
    if not samples.points:
        return Comparison(holds=False, max_error=0.0, exact=False, worst=None)
    try:
        columns = [_column(side, samples, under="raise") for side in (left, right)]
        found = _compared(columns[0], relation, columns[1], samples, TOLERANCE)
    except (OverflowError, FloatingPointError):
        return _compared_wide(left, relation, right, _where_defined(samples, left, right))
    except UNDEFINED:
        return compare(left, relation, right, _where_defined(samples, left, right))
    too_close = relation != "=" and not found.holds and found.max_error <= TOLERANCE
    return _compared_wide(left, relation, right, samples) if too_close else found


def _compared_wide(left: Expr, relation: str, right: Expr, samples: Samples) -> Comparison:
    """Compare with as many digits as it takes."""
    for digits in WIDE_DIGITS:
        with mpmath.workdps(digits):
            wide = _compared(_wide_column(left, samples), relation, _wide_column(right, samples), samples, TOLERANCE)
        if wide.holds or relation == "=":
            break
    return wide


def _is_random(value: Value) -> bool:
    return any(isinstance(n, Call) and FUNCTIONS[n.function].random for part in _flat(value) for n in walk(part))


def check_step(step: Step, samples: Samples) -> StepCheck:
    """Evaluate both sides of a step at the samples."""
    samples = samples.needed_for(step.before, step.after, where=step.where)
    if _is_random(step.before) or _is_random(step.after):
        samples = replace(samples, points=samples.points[:RANDOM_POINTS])
    try:
        found = [compare(left, step.relation, right, samples) for left, right in _pairs(step.before, step.after)]
    except (*UNDEFINED, TypeError, KeyError) as problem:
        return StepCheck(holds=False, method=f"could not be evaluated: {problem!r}", points=0, max_error=0.0)
    exact = all(c.exact for c in found)
    return StepCheck(
        holds=all(c.holds for c in found),
        method="exact arithmetic" if exact else "floating point",
        points=samples.count,
        max_error=max((c.max_error for c in found), default=0.0),
    )


def _flat(value: Any) -> list[Any]:
    return [v for part in value for v in _flat(part)] if isinstance(value, tuple | list) else [value]


def _finite_column(node: Expr, samples: Samples) -> Any:
    """Evaluate at the samples, also where floats overflow on the way to the value."""
    try:
        return _column(node, samples)
    except OverflowError:
        with mpmath.workdps(WIDE_DIGITS[0]):
            return objects([float(value) for value in _wide_column(node, samples)])


def check_route(route: Route, samples: Samples) -> Check:
    """Compare an answer with its independent route at every sample."""
    samples = samples.needed_for(route.value)
    if not samples.points:
        return Check(route.claim, "no point satisfies all the assumptions", holds=False, max_error=0.0, tolerance=0.0)
    rows = [_computed(route, point) for point in samples.points]
    found = [row for row in rows if row is not None]
    if len(found) * 2 <= samples.count:
        return Check(route.claim, f"{route.method}: no value at most points", holds=False, max_error=0.0, tolerance=0.0)
    samples = samples.chosen([row is not None for row in rows])
    nodes = _flat(route.value)
    columns = [_finite_column(node, samples) for node in nodes]
    worst, exact, holds = 0.0, True, all(len(row) == len(nodes) for row in found)
    for column, index in zip(columns, range(len(nodes)), strict=True):
        if not holds:
            break
        compared = _compared(column, "=", objects([row[index] for row in found]), samples, TOLERANCE)
        worst, exact, holds = max(worst, compared.max_error), exact and compared.exact, compared.holds
    return Check(route.claim, route.method, holds, worst, 0.0 if exact else TOLERANCE)


def _computed(route: Route, point: Point) -> list[Any] | None:
    """Compute what a route finds at a point; None at a pole that the point happens to hit."""
    try:
        return _flat(route.compute(point))
    except UNDEFINED:
        return None


def _check_experiment(experiment: Experiment, seed: int) -> Check:
    error, tolerance = experiment.run(seed)
    return Check(experiment.claim, experiment.method, error <= tolerance, error, tolerance)


def verify(work: Work, samples: Samples, seed: int) -> tuple[tuple[Step, ...], tuple[Check, ...]]:
    """Check every step at the samples, and every independent route."""
    steps = tuple(replace(step, check=check_step(step, samples)) for step in work.steps)
    checks = tuple(
        check_route(route, samples) if isinstance(route, Route) else _check_experiment(route, seed)
        for route in work.routes
    )
    return steps, checks
