"""The checks: every δ and every gradient against the complex step on every coordinate, and central differences.

One batch holds every coordinate of every quantity: the statements are run once with a tiny imaginary step in each,
and four times with real steps. Each displayed line is read again from its text before it is evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlcalc.calculus.batches import Batch, abstract
from dlcalc.calculus.dims import ONE
from dlcalc.calculus.functions import ELEMENTWISE
from dlcalc.calculus.inference import Reader
from dlcalc.calculus.printing import plain
from dlcalc.calculus.terms import DELTA, Apply, Compare, Inverse, Name, Term, names, walk
from dlcalc.errors import DlcalcError
from dlcalc.solution import StepCheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dlcalc.calculus.derivation import Derivation
    from dlcalc.calculus.exact import Matrix
    from dlcalc.calculus.inference import Leaf, Typed

# ruff: noqa: ANN401 (arrays)


SEEDS = 3
COMPLEX_STEP = 1e-20
STEP = 2e-4
"""Step of the central differences, shortened where a kink is near."""
CLEAR = 100
"""Steps that a point stays away from every kink."""
TRIES = 300
EXACT_TOLERANCE = 1e-10
DIFFERENCE_TOLERANCE = 1e-6
FLOOR = 1e-4
"""Errors are relative to what is right, and to no less than this: smaller numbers are differences of larger ones."""
DATA_TOLERANCE = 1e-8
"""Between exact arithmetic and floats at given data."""
CONDITION = 1e4
"""Condition number up to which a matrix is inverted in a check."""
MAX_ENTRIES = 1_000_000
"""Entries of all quantities at one point."""
LARGE = 1e6
"""Points where a quantity is larger are left out: differences lose their digits there."""
MAX_WORK = 300_000
"""Entries that the batch of all coordinates may compute; beyond it, random directions replace single coordinates."""
DIRECTIONS = 16
ORDERS = 8
"""Other orders of the lengths that are tried where no point is good."""
DISTINCT = 8
"""Up to so many lengths are all different."""

SCALES = (1.0, 1.0, 1.0, 4.0, 16.0)
"""Sizes of the leaves, so that both sides of an indicator such as 1(x < 6) are met."""

Point = dict[str, Any]


def lengths_for(typed: Typed, names: Iterable[str], least: int = 2) -> Iterator[dict[str, int]]:
    """Choose lengths for names, all distinct while there are few, so that a missing transpose shows; then others."""
    names = list(names)
    shapes = [typed.shape(name) for name in typed.names]
    generator = np.random.default_rng(len(names))
    orders = [names, names[::-1], *([str(n) for n in generator.permutation(names)] for _ in range(ORDERS))]
    for start in range(least, least + DISTINCT):
        for order in orders:
            chosen = {name: start + at % DISTINCT for at, name in enumerate(order)}
            if all(dim.value(chosen) >= 1 for shape in shapes for dim in shape) and typed.parts_fit(chosen):
                yield chosen


class Block(NamedTuple):
    """The coordinates of one quantity in the batch, or of what one statement (`through`) reads of it."""

    name: str
    through: str
    start: int
    stop: int


class Data(NamedTuple):
    """Given numbers: arrays of all leaves, and the lengths of the axes."""

    leaves: Point
    lengths: Mapping[str, int]


@dataclass(frozen=True)
class Seen:
    """A point with everything known about it: values, gradients by complex step and by differences."""

    values: Point
    exact: Mapping[tuple[str, str], Any]
    differences: Mapping[tuple[str, str], Any]
    stepped: bool = True
    """Whether the gradients come from steps; on a kink of the data, or for many entries, from the derivation."""


class Checker:
    """Runs the statements of a derivation at random points and compares its lines with what it finds."""

    def __init__(  # noqa: PLR0913 (where and how points are drawn)
        self,
        typed: Typed,
        derivation: Derivation,
        seed: int,
        data: Data | None = None,
        *,
        least: int = 2,
        scales: tuple[float, ...] = (1.0,),
    ) -> None:
        """Choose lengths (none below `least`) and points; data take the place of random points.

        `scales` are the sizes of the leaves at one point after the other, so that far branches are met too.
        """
        self.scales = scales
        self.typed, self.derivation, self.data = typed, derivation, data
        self.least = least
        first = dict(data.lengths) if data is not None else next(lengths_for(typed, typed.lengths, least), None)
        if first is None:
            raise DlcalcError("no lengths fit all the shapes", "declare the shapes")
        self.lengths: dict[str, int] = first
        self.batch = Batch(self.lengths)
        self.random = np.random.default_rng(seed)
        self.delta_shapes = {DELTA + name: g.term.shape for name, g in derivation.gradients.items()}
        self.extra = {
            **{name: term.shape for name, term in derivation.definitions.items()},
            **self.delta_shapes,
            **{n.name: n.shape for t in derivation.upstream.values() for n in walk(t) if isinstance(n, Name)},
        }

    # points

    def forward(self, leaves: Point, definitions: Mapping[str, Term] | None = None) -> Point:
        """Run the statements."""
        values = dict(leaves)
        for name, term in (definitions or self.derivation.definitions).items():
            values[name] = self.batch.value(term, values)
        return values

    def drawn(self, count: int, attempt: int) -> Point:
        """Draw leaves at so many points; later attempts try positive values as well."""
        point: Point = {}
        invertible = _inverted(self.derivation.definitions.values())
        if sum(rows * cols for rows, cols in map(self.batch.size, self._held)) > MAX_ENTRIES:
            raise DlcalcError("the declared sizes have too many entries to check", "use letters: W in R^(m x n)")
        shapes = {**{leaf.name: leaf.shape for leaf in self.typed.leaves.values()}, **self._upstream_shapes}
        for name, shape in shapes.items():
            size = (count, shape.rows.value(self.lengths), shape.cols.value(self.lengths))
            leaf = self.typed.leaves.get(name)
            if leaf is not None and leaf.kind != "R":
                point[name] = self._declared(leaf, size)
            elif name in invertible:
                point[name] = 0.3 * self.random.normal(size=size) + 1.5 * np.eye(size[1], size[2])[None]
            elif attempt > TRIES // 10 and self.random.random() < 0.5:  # noqa: PLR2004 (an even chance)
                point[name] = self.random.uniform(0.1, 0.9, size)
            else:
                wide = np.resize(self.scales, (count, 1, 1))
                point[name] = wide * self.random.normal(size=size) / np.sqrt(max(1, size[2]))
        return point

    @cached_property
    def _held(self) -> list[Term]:
        """What a point holds."""
        leaves = [Name(leaf.shape, leaf.name) for leaf in self.typed.leaves.values()]
        return [*leaves, *self.derivation.definitions.values()]

    @cached_property
    def _upstream_shapes(self) -> dict[str, Any]:
        """Names that only a given gradient uses."""
        known = {*self.typed.leaves, *self.derivation.definitions}
        found = [n for t in self.derivation.upstream.values() for n in walk(t) if isinstance(n, Name)]
        return {n.name: n.shape for n in found if n.name not in known}

    def _declared(self, leaf: Leaf, size: tuple[int, int, int]) -> Any:
        if leaf.kind == "symmetric":
            half = 0.3 * self.random.normal(size=size)
            return half + np.swapaxes(half, -1, -2) + 1.5 * np.eye(size[1])[None]
        if leaf.kind == "onehot":
            chosen = self.random.integers(size[1], size=(size[0], 1, size[2]))
            return (np.arange(size[1])[None, :, None] == chosen).astype(float)
        if leaf.kind == "values":
            return self.random.choice([float(v) for v in leaf.values], size=size)
        if leaf.kind == "interval":
            low, high = map(float, leaf.values)
            return self.random.uniform(low + 0.05 * (high - low), high - 0.05 * (high - low), size)
        return self.random.integers(1, 7, size=size).astype(float)

    def clear_of_kinks(self, values: Point) -> Any:
        """Return for each point how far it is from the nearest kink; NaN where something has no value."""
        count = max(v.shape[0] for v in values.values())
        far = np.full(count, np.inf)
        moved = self._continuous
        for term in self.derivation.definitions.values():
            for node in walk(term):
                gap = self._gap(node, values) if names(node) & moved or _inverted_part(node) else None
                if gap is not None:
                    far = np.minimum(far, np.broadcast_to(gap, (count,)))
        for value in values.values():
            far = np.where((np.isfinite(value) & (np.abs(value) < LARGE)).all(axis=(-2, -1)), far, np.nan)
        return far

    @cached_property
    def _continuous(self) -> frozenset[str]:
        """The quantities that a step can move: an indicator of a label has no kink."""
        found = {leaf.name for leaf in self.typed.leaves.values() if leaf.kind in {"R", "interval", "symmetric"}}
        found &= set(self.derivation.gradients)
        for name, term in self.derivation.definitions.items():
            found |= {name} if names(term) & found else set()
        return frozenset(found)

    def _gap(self, node: Term, values: Point) -> Any:  # noqa: PLR0911 (a return per kind of kink)
        inside = _inverted_part(node)
        if inside is not None:
            well = np.linalg.cond(self.batch.value(inside, values)) < CONDITION
            return np.where(well, np.inf, 0.0)
        if isinstance(node, Compare):
            return np.abs(self.batch.value(node.left, values) - self.batch.value(node.right, values)).min(axis=(-2, -1))
        if not isinstance(node, Apply):
            return None
        row = ELEMENTWISE.get(node.function)
        if row is not None:
            return (
                None
                if row.kink is None
                else np.abs(self.batch.value(row.kink(node.arguments), values)).min(axis=(-2, -1))
            )
        argument = node.arguments[0]
        if node.function in {"max", "min", "norm_inf"}:
            found = self.batch.value(argument, values)
            if node.function == "norm_inf":
                found = np.abs(found)
                found = np.sum(found, axis=-1, keepdims=True) if ONE not in argument.shape else found
            if node.axis is None:
                found = found.reshape(found.shape[0], -1, 1)
            line = np.sort(found, axis=-1 if node.axis == 1 else -2)
            if line.shape[-1 if node.axis == 1 else -2] < 2:  # noqa: PLR2004 (nothing to tie with)
                return None
            ends = np.diff(line, axis=-1 if node.axis == 1 else -2)
            ends = ends if node.axis == 1 else np.swapaxes(ends, -1, -2)
            return (ends[..., 0] if node.function == "min" else ends[..., -1]).min(axis=-1)
        if node.function in {"norm_1", "norm", "cossim"}:
            parts = [np.abs(self.batch.value(a, values)) for a in node.arguments]
            return np.min(
                [
                    p.min(axis=(-2, -1)) if node.function == "norm_1" else np.sqrt((p * p).sum(axis=(-2, -1)))
                    for p in parts
                ],
                axis=0,
            )
        return None

    def points(self, count: int) -> tuple[Point, float]:
        """Find points where everything has a value, far from kinks; return them and the step that they allow."""
        if self.data is not None:
            with np.errstate(all="ignore"):
                far = float(np.min(self.clear_of_kinks(self.forward(self.data.leaves))))
            return dict(self.data.leaves), min(STEP, far / CLEAR) if far > 0 else 0.0
        for lengths in lengths_for(self.typed, self.typed.lengths, self.least):
            self.lengths.update(lengths)
            found = self._found(count)
            if found is not None:
                return found
        raise DlcalcError(
            "no random point gives every quantity a value", "declare what restricts the names, such as p in (0,1)"
        )

    def _found(self, count: int) -> tuple[Point, float] | None:
        """Draw points at these lengths; None where too few are good."""
        kept: list[tuple[float, Point]] = []
        for attempt in range(TRIES):
            leaves = self.drawn(count, attempt)
            with np.errstate(all="ignore"):
                far = self._clear(leaves)
            good = np.flatnonzero(far > STEP * CLEAR * (1 if attempt < TRIES // 2 else 0.01))
            kept += [(float(far[i]), {name: v[i : i + 1] for name, v in leaves.items()}) for i in good]
            if len(kept) >= count:
                break
        if len(kept) < count:
            return None
        chosen = kept[:count]
        step = min(STEP, min(far for far, _ in chosen) / CLEAR)
        return {name: np.concatenate([p[name] for _, p in chosen]) for name in chosen[0][1]}, step

    def _clear(self, leaves: Point) -> Any:
        try:
            return self.clear_of_kinks(self.forward(leaves))
        except np.linalg.LinAlgError:
            return np.zeros(1)

    # derivatives

    @cached_property
    def blocks(self) -> list[Block]:
        """Every coordinate of every quantity that has a gradient, and of every path."""
        found: list[Block] = []
        at = 0
        for name, gradient in self.derivation.gradients.items():
            rows, cols = self.batch.size(gradient.term)
            paths = [p.through for p in gradient.paths] if len(gradient.paths) > 1 else []
            for through in ("", *paths):
                found.append(Block(name, through, at, at + rows * cols))
                at += rows * cols
        return found

    def run(self, point: Point, step: complex) -> Any:
        """Run the statements with a step in every coordinate of the batch; return each loss."""
        moves = {(b.name, b.through): self._stepped(b, step) for b in self.blocks}
        return self.moved(point, {n: m for (n, through), m in moves.items() if not through}, moves)

    def _stepped(self, block: Block, step: complex) -> Any:
        gradient = self.derivation.gradients[block.name]
        rows, cols = self.batch.size(gradient.term)
        move = np.zeros((self.blocks[-1].stop, rows, cols), dtype=complex if isinstance(step, complex) else float)
        for k in range(rows * cols):
            move[block.start + k, k // cols, k % cols] = step
        return move

    @cached_property
    def directional(self) -> bool:
        """Whether there are too many coordinates to step each of them."""
        held = [*self.derivation.definitions.values(), *(g.term for g in self.derivation.gradients.values())]
        entries = sum(rows * cols for rows, cols in map(self.batch.size, held))
        return bool(self.blocks) and self.blocks[-1].stop * max(entries, 1) > MAX_WORK

    @cached_property
    def seen(self) -> list[Seen]:
        """The points, with their gradients by both routes."""
        points, step = self.points(1 if self.data is not None else SEEDS)
        found = []
        for at in range(next(iter(points.values())).shape[0] if points else 1):
            point = {name: value[at : at + 1] for name, value in points.items()}
            with np.errstate(all="ignore"):
                found.append(self._by_formula(point) if self.directional or not step else self._by_steps(point, step))
        return found

    def _by_steps(self, point: Point, step: float) -> Seen:
        """Step every coordinate."""
        exact = np.imag(self.run(point, 1j * COMPLEX_STEP)) / COMPLEX_STEP
        runs = [self.run(point, s * step) for s in (1.0, -1.0, 2.0, -2.0)]
        differences = (8 * (runs[0] - runs[1]) - (runs[2] - runs[3])) / (12 * step)
        both = [{(b.name, b.through): self._shaped(b, found) for b in self.blocks} for found in (exact, differences)]
        values = self.forward(point)
        values |= {DELTA + name: both[0][name, ""] for name in self.derivation.gradients}
        return Seen(values, both[0], both[1])

    def _by_formula(self, point: Point) -> Seen:
        """Take the gradients from the derivation; `joint` and `local` then compare them along random directions."""
        values = self.forward(point)
        for name, gradient in self.derivation.gradients.items():
            found = self.batch.value(gradient.short, values)
            values[DELTA + name] = np.broadcast_to(found, (1, *self.batch.size(gradient.term)))
        exact = {}
        for name, gradient in self.derivation.gradients.items():
            exact[name, ""] = values[DELTA + name]
            for path in gradient.paths:
                exact[name, path.through] = (
                    self.batch.value(path.term, values) if path.through else values[DELTA + name]
                )
        return Seen(values, exact, exact, stepped=False)

    # random directions, for large programs and data

    def local(self, name: str, through: str = "") -> float:
        """Compare a gradient (or a path of it) with the complex step of the statements that use the quantity."""
        if name == self.derivation.loss or name in self.derivation.upstream:
            return 0.0
        worst = 0.0
        for seen in self.seen:
            size = self.batch.size(self.derivation.gradients[name].term)
            direction = self.random.normal(size=(DIRECTIONS, *size))
            reached = 0.0
            for path in self.derivation.gradients[name].paths:
                if through not in {"", path.through}:
                    continue
                moved = {**seen.values, name: seen.values[name] + 1j * COMPLEX_STEP * direction}
                found = np.imag(self.batch.value(self.derivation.definitions[path.through], moved)) / COMPLEX_STEP
                delta = 1.0 if path.through == self.derivation.loss else seen.values[DELTA + path.through]
                reached = reached + np.sum(delta * found, axis=(-2, -1))
            worst = max(worst, error(np.sum(seen.exact[name, through] * direction, axis=(-2, -1)), np.asarray(reached)))
        return worst

    def joint(self, step: complex) -> float:
        """Compare all gradients at once with steps of the loss along random directions."""
        worst = 0.0
        for seen in self.seen:
            directions = {
                name: self.random.normal(size=(DIRECTIONS, *self.batch.size(g.term)))
                / np.sqrt(seen.exact[name, ""].size)
                for name, g in self.derivation.gradients.items()
            }
            expected = sum(np.sum(seen.exact[name, ""] * d, axis=(-2, -1)) for name, d in directions.items())
            point = {name: seen.values[name] for name in (*self.typed.leaves, *self._upstream_shapes)}
            if isinstance(step, complex):
                found = np.imag(self.moved(point, {k: step * d for k, d in directions.items()})) / step.imag
            else:
                runs = [
                    self.moved(point, {k: s * step * d for k, d in directions.items()}) for s in (1.0, -1.0, 2.0, -2.0)
                ]
                found = (8 * (runs[0] - runs[1]) - (runs[2] - runs[3])) / (12 * step)
            worst = max(worst, error(found, np.asarray(expected)))
        return worst

    def moved(self, point: Point, moves: Mapping[str, Any], paths: Mapping[tuple[str, str], Any] | None = None) -> Any:
        """Run the statements with quantities moved (`paths`: as one statement sees them); return each loss."""
        constants = {
            name: self.batch.value(term, self.forward(point)) for name, term in self.derivation.upstream.items()
        }
        values = {name: value + moves[name] if name in moves else value for name, value in point.items()}
        for name, term in self.derivation.definitions.items():
            seen = {
                **values,
                **{n: values[n] + move for (n, through), move in (paths or {}).items() if through == name},
            }
            found = self.batch.value(term, seen if paths else values)
            values[name] = found + moves[name] if name in moves else found
        if constants:
            return sum(np.sum(constants[name] * values[name], axis=(-2, -1)) for name in constants)
        return values[self.derivation.loss][..., 0, 0]

    def _shaped(self, block: Block, found: Any) -> Any:
        size = self.batch.size(self.derivation.gradients[block.name].term)
        total = np.broadcast_to(found, (self.blocks[-1].stop,))
        return total[block.start : block.stop].reshape(1, *size)

    # lines

    def read(self, text: str) -> Term:
        """Read a displayed line again."""
        return self.reader.read(text)

    @cached_property
    def reader(self) -> Reader:
        """What reads displayed lines again."""
        return Reader(self.typed, self.extra)

    def line(self, term: Term, name: str, through: str = "") -> StepCheck:
        """Compare a displayed term with the gradient of a quantity (or with what reaches it through one statement)."""
        found = self.compared(plain(term), lambda seen: seen.exact[name, through])
        if not self.directional:
            return found
        off = max(found.max_error, self.local(name, through))
        return found._replace(
            holds=off <= EXACT_TOLERANCE, max_error=off, method="complex step along random directions"
        )

    def transposed(self, term: Term, name: str) -> StepCheck:
        """Compare a displayed term with the transpose of a gradient."""
        return self.compared(plain(term), lambda seen: np.swapaxes(seen.exact[name, ""], -1, -2))

    def at_data(self, name: str, rows: Matrix, *, gradient: bool) -> StepCheck:
        """Compare an exact value with what floats and the complex step find at the data."""
        seen = self.seen[0]
        right = np.asarray([[float(entry) for entry in row] for row in rows])[None]
        found = seen.exact[name, ""] if gradient else seen.values[name]
        off = error(found, right)
        method = "complex step at the data" if gradient and seen.stepped else "floats at the data"
        return StepCheck(off <= DATA_TOLERANCE, method, 1, off)

    def statement(self, name: str, term: Term) -> StepCheck:
        """Compare a displayed statement with the value that the program as typed gives."""
        found = iter(self.originals)
        own = name in self.typed.definitions
        right = self.compared(plain(term), lambda seen: next(found)[name] if own else seen.values[name])
        return right._replace(method="the program as typed, run at the same points")

    @cached_property
    def originals(self) -> list[Point]:
        """The values that the program as typed gives at the points."""
        leaves = [{name: seen.values[name] for name in self.typed.leaves} for seen in self.seen]
        return [self.forward(point, self.typed.definitions) for point in leaves]

    def compared(self, text: str, right: Any) -> StepCheck:
        """Evaluate a text at the points and compare it with what is right there."""
        try:
            term = self.read(text)
            with np.errstate(all="ignore"):
                pairs = [(self.batch.value(term, seen.values), right(seen)) for seen in self.seen]
        except DlcalcError as problem:
            return StepCheck(
                holds=False, method=f"could not be read again: {problem.condition}", points=0, max_error=0.0
            )
        same = all(a.shape[1:] == b.shape[1:] for a, b in pairs)
        worst = max((error(a, b) for a, b in pairs), default=0.0) if same else float("inf")
        return StepCheck(
            bool(worst <= EXACT_TOLERANCE), "complex step on every coordinate", len(pairs), min(worst, 1e300)
        )

    def first_route(self) -> tuple[float, str, str]:
        """Return the worst disagreement of the displayed gradients with the complex step, where, and how."""
        if self.directional:
            off = self.joint(1j * COMPLEX_STEP)
            return off, "", f"complex step along {DIRECTIONS} random directions"
        worst, place = 0.0, ""
        for name, gradient in self.derivation.gradients.items():
            off = self.line(gradient.closed if gradient.closed is not None else gradient.short, name).max_error
            worst, place = (off, name) if off >= worst else (worst, place)
        return worst, place, "complex step"

    def second_route(self) -> tuple[float, str]:
        """Return the worst disagreement of central differences with the complex step, and where it is."""
        if self.directional:
            return min(self.joint(step) for step in (4 * STEP, STEP, STEP / 4)), ""
        worst, place = 0.0, ""
        for seen in self.seen:
            for (name, through), found in seen.exact.items():
                off = error(seen.differences[name, through], found)
                worst, place = (off, name) if off >= worst else (worst, place)
        return worst, place

    def code_error(self, wanted: Iterable[str]) -> float:
        """Run the NumPy function at the points; return its worst disagreement."""
        from dlcalc.calculus.code import numpy_code, parameters, run

        wanted = tuple(wanted)
        text = numpy_code(self.typed, self.derivation, wanted)
        taken = parameters(self.typed, self.derivation, wanted)
        worst = 0.0
        for seen in self.seen:
            found = run(text, {parameter: self._argument(name, seen) for name, parameter in taken.items()})
            for name in wanted:
                right = seen.exact[name, ""][0]
                worst = max(worst, error(np.asarray(found[name], dtype=float).reshape(right.shape), right))
        return worst

    def _argument(self, name: str, seen: Seen) -> Any:
        """Return what the NumPy function takes under a name: an array, a length, a declared function."""
        if name in seen.values:
            return seen.values[name][0]
        return self.lengths[name] if name in self.lengths else abstract(name.rstrip("'"))[name.endswith("'")]

    @property
    def coordinates(self) -> int:
        """How many coordinates were stepped, over all points."""
        return self.blocks[-1].stop * len(self.seen)


def error(found: Any, right: Any) -> float:
    """Return the largest difference, relative to the size of what is right."""
    scale = max(FLOOR, float(np.max(np.abs(right), initial=0.0)))
    with np.errstate(invalid="ignore"):
        apart = np.where(np.equal(found, right), 0.0, np.abs(found - right))  # two equal infinities are no distance
    off = float(np.max(apart, initial=0.0)) / scale
    return off if np.isfinite(off) else float("inf")


def _inverted(terms: Iterable[Term]) -> set[str]:
    """Find the leaves that stand in an inverse or a determinant."""
    found = [_inverted_part(node) for term in terms for node in walk(term)]
    return {inside.name for inside in found if isinstance(inside, Name)}


def _inverted_part(node: Term) -> Term | None:
    """Return the matrix that an operation inverts, or whose determinant it takes."""
    if isinstance(node, Inverse):
        return node.of
    return node.arguments[0] if isinstance(node, Apply) and node.function in {"det", "logdet"} else None
