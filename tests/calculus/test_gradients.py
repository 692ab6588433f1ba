"""Every gradient against steps of an independent forward pass: random programs of everything, and a row per operation.

The forward pass here is NumPy on the tree that a program was drawn as; it shares no code with the package. A gradient
is compared with the complex step and with central differences of that pass, and again from its displayed text.
"""

from __future__ import annotations

# ruff: noqa: E501 (rows of tables)
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcalc.calculus.checking import Checker
from dlcalc.calculus.dims import Dim
from dlcalc.calculus.exact import Exact
from dlcalc.calculus.functions import ELEMENTWISE, PULLBACKS
from dlcalc.calculus.inference import typed_expression
from dlcalc.calculus.printing import DELTA, plain, unicode
from dlcalc.calculus.problem import Problem, computed, read_problem
from dlcalc.calculus.terms import Apply, Term, walk
from dlcalc.errors import DlcalcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TINY = 1e-20
STEP = 1e-3
CLEAR = 0.02
"""How far a point stays away from every kink: more than the differences reach."""
LARGE = 200.0
Array = Any
Shape = tuple[str, str]
SCALAR = ("1", "1")
LENGTHS = {"m": 2, "n": 3, "k": 4}
SIDES = ("1", *LENGTHS)


# the forward pass


@dataclass
class Point:
    """Values of names, and the distances to the kinks that were met."""

    values: dict[str, Array]
    gaps: list[float] = field(default_factory=lambda: [math.inf])

    def kink(self, distance: Array) -> None:
        """Remember how near a kink is."""
        self.gaps.append(float(np.min(np.abs(np.real(distance)))))


def erf(x: Array) -> Array:
    """Return erf, to first order in the imaginary part."""
    real = np.vectorize(math.erf, otypes=[float])(np.real(x))
    return real + 1j * np.imag(x) * 2 / math.sqrt(math.pi) * np.exp(-(np.real(x) ** 2))


def normcdf(x: Array) -> Array:
    return (1 + erf(x / math.sqrt(2))) / 2


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


# ruff: noqa: ANN401 (arrays, and what is drawn)

SMOOTH: Mapping[str, Callable[[Array], Array]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "gelu": lambda x: x * normcdf(x),
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "normcdf": normcdf,
    "normpdf": lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
}
BROKEN: Mapping[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.where(np.real(x) > 0, x, 0),
    "abs": lambda x: np.where(np.real(x) > 0, x, -x),
    "sign": lambda x: np.sign(np.real(x)) + 0j,
}
ROUNDED: Mapping[str, Callable[[Array], Array]] = {"floor": np.floor, "ceil": np.ceil}
POSITIVE: Mapping[str, Callable[[Array], Array]] = {"ln": np.log, "sqrt": np.sqrt}
SLOPED: Mapping[str, Callable[[Array, Array], Array]] = {
    "leaky_relu": lambda x, a: np.where(np.real(x) > 0, x, a * x),
    "elu": lambda x, a: np.where(np.real(x) > 0, x, a * (np.exp(x) - 1)),
}
BETWEEN: Mapping[str, Callable[[Array, Array], Array]] = {
    "max": lambda x, y: np.where(np.real(x) > np.real(y), x, y),
    "min": lambda x, y: np.where(np.real(x) < np.real(y), x, y),
}


def shifted(x: Array, axis: int | None) -> tuple[Array, Array]:
    top = np.max(np.real(x), axis=axis, keepdims=True)
    return top, np.exp(x - top)


def logsumexp(x: Array, axis: int | None) -> Array:
    top, grown = shifted(x, axis)
    return top + np.log(np.sum(grown, axis=axis, keepdims=True))


def softmax(x: Array, axis: int | None) -> Array:
    grown = shifted(x, axis)[1]
    return grown / np.sum(grown, axis=axis, keepdims=True)


def extreme(x: Array, axis: int | None, sign: int) -> Array:
    """Pick the largest (or smallest) entry along an axis, imaginary part included."""
    lines = sign * np.real(x)
    chosen = lines == np.max(lines, axis=axis, keepdims=True)
    return np.sum(np.where(chosen, x, 0), axis=axis, keepdims=True)


ALONG: Mapping[str, Callable[[Array, int | None], Array]] = {
    "sum": lambda x, axis: np.sum(x, axis=axis, keepdims=True),
    "mean": lambda x, axis: np.mean(x, axis=axis, keepdims=True),
    "logsumexp": logsumexp,
    "max": lambda x, axis: extreme(x, axis, 1),
    "min": lambda x, axis: extreme(x, axis, -1),
}
SPREAD: Mapping[str, Callable[[Array, int | None], Array]] = {
    "softmax": softmax,
    "log_softmax": lambda x, axis: x - logsumexp(x, axis),
}
GENERATED = {
    *SMOOTH, *BROKEN, *ROUNDED, *POSITIVE, *SLOPED, *ALONG, *SPREAD,
    "maximum", "minimum", "norm", "norm_1", "norm_inf", "tr", "det", "logdet", "diag", "cossim",
}  # fmt: skip


# random programs


class Drawn(NamedTuple):
    """An expression: its text, its shape and its forward pass."""

    text: str
    shape: Shape
    value: Callable[[Point], Array]


@dataclass
class _Writer:
    """Draws expressions of a given shape, over leaves and statements that it also draws."""

    draw: Callable[[Any], Any]
    leaves: dict[str, Shape] = field(default_factory=dict)
    statements: dict[str, Drawn] = field(default_factory=dict)

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def chance(self) -> bool:
        return bool(self.draw(st.booleans()))

    def named(self, shape: Shape) -> Drawn:
        """Draw a name: of a statement or a leaf that is there (a second path), or of a new leaf."""
        known = [name for name, s in self.statements.items() if s.shape == shape]
        known = known or [name for name, s in self.leaves.items() if s == shape]
        if known and self.draw(st.integers(0, 3)):
            name = self.pick(*known)
        else:
            letter = "s" if shape == SCALAR else "v" if shape[1] == "1" else "W"
            name = f"{letter}{len(self.leaves) + 1}"
            self.leaves[name] = shape
        return Drawn(name, shape, lambda at: at.values[name])

    def positive(self, shape: Shape, depth: int) -> Drawn:
        """Draw an expression whose entries are well above 0."""
        of = self.expression(shape, depth - 1)
        if self.chance():
            return Drawn(f"exp(tanh({of.text}))", shape, lambda at: np.exp(np.tanh(of.value(at))))
        square = ".^" if shape != SCALAR or self.chance() else "^"
        return Drawn(f"(1/2 + ({of.text}){square}2)", shape, lambda at: 0.5 + of.value(at) ** 2)

    def expression(self, shape: Shape, depth: int) -> Drawn:
        if depth <= 0:
            return self.named(shape)
        kinds = [self.sum, self.hadamard, self.elementwise, self.elementwise, self.quotient, self.power, self.between]
        if shape == SCALAR:
            kinds += [self.reduced, self.reduced, self.inner, self.entry, self.square_number, self.counted]
        else:
            kinds += [self.product, self.product, self.product, self.transposed, self.scaled, self.spread, self.along]
            kinds += [self.inverse, self.diagonal, self.part] * (shape[0] == shape[1])
            kinds += [self.part, self.diagonal_of] * ("1" in shape)
            kinds += [self.blocks]
        return self.pick(*kinds)(shape, depth - 1)

    # of every shape

    def sum(self, shape: Shape, depth: int) -> Drawn:
        a = self.expression(shape, depth)
        b = self.expression(SCALAR if self.draw(st.integers(0, 4)) == 0 else shape, depth)
        if self.chance():
            return Drawn(f"({a.text} + {b.text})", shape, lambda at: a.value(at) + b.value(at))
        return Drawn(f"({a.text} - ({b.text}))", shape, lambda at: a.value(at) - b.value(at))

    def hadamard(self, shape: Shape, depth: int) -> Drawn:
        a, b = self.expression(shape, depth), self.expression(shape, depth)
        if self.draw(st.integers(0, 2)) == 0:
            c = self.expression(shape, 0)
            relation, holds = self.pick((">", np.greater), ("<=", np.less_equal))

            def value(at: Point) -> Array:
                left, right = a.value(at), c.value(at)
                at.kink(left - right)
                return holds(np.real(left), np.real(right)) * b.value(at)

            if a.text != c.text:
                return Drawn(f"(1({a.text} {relation} {c.text}) .* ({b.text}))", shape, value)
        return Drawn(f"(({a.text}) .* ({b.text}))", shape, lambda at: a.value(at) * b.value(at))

    def elementwise(self, shape: Shape, depth: int) -> Drawn:
        word = self.pick(*SMOOTH, *BROKEN, *ROUNDED, *POSITIVE, *SLOPED)
        if word in POSITIVE:
            of = self.positive(shape, depth)
            return Drawn(f"{word}({of.text})", shape, lambda at: POSITIVE[word](of.value(at)))
        of = self.expression(shape, depth)
        if word in SMOOTH:
            return Drawn(f"{word}({of.text})", shape, lambda at: SMOOTH[word](of.value(at)))
        if word in ROUNDED:

            def rounded(at: Point) -> Array:
                found = np.real(of.value(at))
                at.kink(found - np.round(found))
                return ROUNDED[word](found) + 0j

            return Drawn(f"(({of.text}) .* {word}({of.text}))", shape, lambda at: of.value(at) * rounded(at))
        slope = self.expression(SCALAR, 0) if word in SLOPED else None

        def broken(at: Point) -> Array:
            found = of.value(at)
            at.kink(found)
            return SLOPED[word](found, slope.value(at)) if slope else BROKEN[word](found)

        return Drawn(f"{word}({of.text}{f', {slope.text}' if slope else ''})", shape, broken)

    def quotient(self, shape: Shape, depth: int) -> Drawn:
        top = self.expression(shape, depth)
        if self.chance():
            below = self.positive(SCALAR, depth)
            return Drawn(f"(({top.text})/({below.text}))", shape, lambda at: top.value(at) / below.value(at))
        under = self.positive(shape, depth)
        return Drawn(f"(({top.text}) ./ ({under.text}))", shape, lambda at: top.value(at) / under.value(at))

    def power(self, shape: Shape, depth: int) -> Drawn:
        raised = "^" if shape == SCALAR else ".^"
        if self.chance():
            times, of = self.pick(2, 3), self.expression(shape, depth)
            return Drawn(f"(({of.text}){raised}{times})", shape, lambda at: of.value(at) ** times)
        base, exponent = self.positive(shape, depth), self.expression(SCALAR, 0)
        text = f"(({base.text}){raised}({exponent.text}))"
        return Drawn(text, shape, lambda at: np.exp(exponent.value(at) * np.log(base.value(at))))

    def between(self, shape: Shape, depth: int) -> Drawn:
        word, a, b = self.pick(*BETWEEN), self.expression(shape, depth), self.expression(shape, depth)

        def value(at: Point) -> Array:
            left, right = a.value(at), b.value(at)
            at.kink(left - right)
            return BETWEEN[word](left, right)

        return Drawn(f"{word}({a.text}, {b.text})", shape, value) if a.text != b.text else a

    # of matrices and vectors

    def product(self, shape: Shape, depth: int) -> Drawn:
        inside = self.pick(*LENGTHS)
        a, b = self.expression((shape[0], inside), depth), self.expression((inside, shape[1]), depth)
        return Drawn(f"(({a.text}) ({b.text}))", shape, lambda at: a.value(at) @ b.value(at))

    def transposed(self, shape: Shape, depth: int) -> Drawn:
        of = self.expression((shape[1], shape[0]), depth)
        return Drawn(f"({of.text})^T", shape, lambda at: of.value(at).T)

    def scaled(self, shape: Shape, depth: int) -> Drawn:
        by, of = self.expression(SCALAR, depth), self.expression(shape, depth)
        return Drawn(f"(-2 ({by.text}) ({of.text}))", shape, lambda at: -2 * by.value(at) * of.value(at))

    def spread(self, shape: Shape, depth: int) -> Drawn:
        word, of = self.pick(*SPREAD), self.expression(shape, depth)
        axis = None if "1" in shape else self.pick(0, 1)
        inside = of.text if axis is None else f"{of.text}, {axis}"
        return Drawn(f"{word}({inside})", shape, lambda at: SPREAD[word](of.value(at), axis))

    def along(self, shape: Shape, depth: int) -> Drawn:
        """Reduce a matrix to a column or a row; without one, repeat a column over a matrix."""
        if "1" not in shape:
            of = self.expression((shape[0], "1"), depth)
            return Drawn(
                f"(({of.text}) ones({shape[1]})^T)", shape, lambda at: of.value(at) @ np.ones((1, side(shape)[1]))
            )
        axis = 1 if shape[1] == "1" else 0
        inside = (shape[0], self.pick(*LENGTHS)) if axis else (self.pick(*LENGTHS), shape[1])
        of = self.expression(inside, depth)
        word = self.pick(*ALONG, "var")
        if word == "var":
            return Drawn(f"var({of.text}, {axis})", shape, lambda at: variance(of.value(at), axis))

        def value(at: Point) -> Array:
            found = of.value(at)
            at.kink(np.inf if word not in BETWEEN else ties(found, axis, -1 if word == "min" else 1))
            return ALONG[word](found, axis)

        return Drawn(f"{word}({of.text}, axis={axis})", shape, value)

    def part(self, shape: Shape, depth: int) -> Drawn:
        """Take a column or a row of a matrix, or all of it."""
        if shape[1] == "1":
            of = self.expression((shape[0], self.pick(*LENGTHS)), depth)
            return Drawn(f"({of.text})[:,2]", shape, lambda at: of.value(at)[:, 1:2])
        of = self.expression((self.pick(*LENGTHS), shape[1]) if shape[0] == "1" else shape, depth)
        if shape[0] == "1":
            return Drawn(f"({of.text})[1,:]", shape, lambda at: of.value(at)[:1, :])
        return Drawn(f"({of.text})[:,:]", shape, of.value)

    def diagonal(self, shape: Shape, depth: int) -> Drawn:
        of = self.expression((shape[0], "1"), depth)
        return Drawn(f"diag({of.text})", shape, lambda at: np.diag(of.value(at)[:, 0]))

    def diagonal_of(self, shape: Shape, depth: int) -> Drawn:
        if shape[1] != "1":
            return self.transposed(shape, depth)
        of = self.expression((shape[0], shape[0]), depth)
        return Drawn(f"diag({of.text})", shape, lambda at: np.diag(of.value(at))[:, None])

    def blocks(self, shape: Shape, depth: int) -> Drawn:
        """Put two blocks above each other and take them apart again, the other way around."""
        a, b = self.expression(shape, depth), self.expression(shape, depth)
        if shape[1] != "1":
            return Drawn(f"(({a.text}) + eye({shape[0]}) ({b.text}))", shape, lambda at: a.value(at) + b.value(at))
        twice = np.ones((2, 1))
        text = f"([{a.text}, {b.text}] ones(2))"
        return Drawn(text, shape, lambda at: np.hstack([a.value(at), b.value(at)]) @ twice)

    def regular(self, of: Drawn) -> tuple[str, Callable[[Point], Array]]:
        """Return a positive definite matrix."""
        text = f"(({of.text}) ({of.text})^T + 2 eye({of.shape[0]}))"
        return text, lambda at: of.value(at) @ of.value(at).T + 2 * np.eye(side(of.shape)[0])

    def inverse(self, shape: Shape, depth: int) -> Drawn:
        text, value = self.regular(self.expression(shape, depth))
        written = self.pick(f"{text}^-1", f"inv({text})", f"({text}^T)^-1")
        return Drawn(written, shape, lambda at: np.linalg.inv(value(at)))

    # of numbers

    def reduced(self, _: Shape, depth: int) -> Drawn:
        shape = self.draw(st.tuples(st.sampled_from(tuple(LENGTHS)), st.sampled_from(SIDES)))
        of = self.expression(shape, depth)
        word = self.pick(*ALONG, "norm", "norm_1", "norm_inf", "norm squared", "var")

        def value(at: Point) -> Array:
            found = of.value(at)
            if word in BETWEEN:
                at.kink(ties(found, None, -1 if word == "min" else 1))
            return TO_NUMBER[word](at, found) if word in TO_NUMBER else np.reshape(ALONG[word](found, None), (1, 1))

        written = {
            "norm": "||{}||", "norm_1": "||{}||_1", "norm_inf": "||{}||_inf", "norm squared": "1/2 ||{}||^2",
        }.get(word, f"{word}({{}})")  # fmt: skip
        return Drawn(f"({written.format(of.text)})", SCALAR, value)

    def inner(self, _: Shape, depth: int) -> Drawn:
        length = self.pick(*LENGTHS)
        a, b = self.expression((length, "1"), depth), self.expression((length, "1"), depth)
        if self.draw(st.integers(0, 2)) == 0:
            return Drawn(f"cossim({a.text}, {b.text})", SCALAR, lambda at: cosine(a.value(at), b.value(at)))
        form = self.pick("(({0})^T ({1}))", "dot({0}, {1})")
        return Drawn(form.format(a.text, b.text), SCALAR, lambda at: a.value(at).T @ b.value(at))

    def entry(self, _: Shape, depth: int) -> Drawn:
        if self.chance():
            of = self.expression((self.pick(*LENGTHS), "1"), depth)
            return Drawn(f"({of.text})[2]", SCALAR, lambda at: of.value(at)[1:2, :1])
        of = self.expression(self.draw(st.tuples(*[st.sampled_from(tuple(LENGTHS))] * 2)), depth)
        return Drawn(f"({of.text})[1,2]", SCALAR, lambda at: of.value(at)[:1, 1:2])

    def square_number(self, _: Shape, depth: int) -> Drawn:
        length = self.pick(*LENGTHS)
        of = self.expression((length, length), depth)
        if self.chance():
            word, value = self.pick(("tr", np.trace), ("det", np.linalg.det))
            return Drawn(f"{word}({of.text})", SCALAR, lambda at: np.reshape(value(of.value(at)), (1, 1)))
        text, value = self.regular(of)
        return Drawn(f"logdet({text})", SCALAR, lambda at: np.reshape(np.log(np.linalg.det(value(at))), (1, 1)))

    def counted(self, _: Shape, __: int) -> Drawn:
        """Write a sum over entries with an index, up to a length or up to a number."""
        length = self.pick(*LENGTHS)
        a, b = self.named((length, "1")), self.named((length, "1"))
        upper, last = self.pick((length, LENGTHS[length]), ("2", 2))
        text = f"sum(j, 1, {upper}, {a.text}[j] exp({b.text}[j]))"
        return Drawn(text, SCALAR, lambda at: np.sum((a.value(at) * np.exp(b.value(at)))[:last]).reshape(1, 1))


def side(shape: Shape) -> tuple[int, int]:
    rows, cols = (LENGTHS.get(length, 1) for length in shape)
    return rows, cols


def variance(x: Array, axis: int | None) -> Array:
    return np.mean((x - np.mean(x, axis=axis, keepdims=True)) ** 2, axis=axis, keepdims=True)


def cosine(a: Array, b: Array) -> Array:
    return np.reshape(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)), (1, 1))


def ties(x: Array, axis: int | None, sign: int) -> float:
    """Return the gap between the two largest entries of each line."""
    lines = np.real(x).reshape(1, -1) if axis is None else np.real(x).T if axis == 0 else np.real(x)
    ordered = np.sort(sign * lines, axis=1)
    return float(np.min(ordered[:, -1] - ordered[:, -2]))


def absolute_sum(at: Point, x: Array) -> Array:
    at.kink(x)
    return np.sum(BROKEN["abs"](x)).reshape(1, 1)


def largest_absolute(at: Point, x: Array) -> Array:
    found = BROKEN["abs"](x)
    at.kink(x)
    if min(x.shape) > 1:
        found = np.sum(found, axis=1, keepdims=True)
    at.kink(ties(found, None, 1))
    return extreme(found, None, 1)


TO_NUMBER: Mapping[str, Callable[[Point, Array], Array]] = {
    "norm": lambda _, x: np.sqrt(np.sum(x * x)).reshape(1, 1),
    "norm squared": lambda _, x: np.sum(x * x).reshape(1, 1) / 2,
    "norm_1": absolute_sum,
    "norm_inf": largest_absolute,
    "var": lambda _, x: variance(x, None),
}


@dataclass
class _Program:
    """A program with its forward pass and a point."""

    text: str
    statements: Mapping[str, Drawn] = field(repr=False)
    leaves: Mapping[str, Shape] = field(repr=False)
    point: Mapping[str, Array]

    def loss(self, moved: Mapping[str, Array]) -> tuple[complex, float]:
        """Return the loss at a point near this one, and the distance to the nearest kink; assume that values are tame."""
        at = Point({**self.point, **moved})
        with np.errstate(all="ignore"):
            for name, statement in self.statements.items():
                at.values[name] = statement.value(at)
        last = at.values[name]
        assert np.shape(last) == (1, 1)
        for value in at.values.values():
            assume(np.isfinite(value).all())
            assume(np.abs(value).max() < LARGE)
        return complex(last[0, 0]), min(at.gaps)

    def steps(self, name: str) -> Iterator[tuple[int, int, Array]]:
        rows, cols = side(self.leaves[name])
        for i in range(rows):
            for j in range(cols):
                unit = np.zeros((rows, cols))
                unit[i, j] = 1
                yield i, j, unit

    def by_complex_step(self, name: str) -> Array:
        found = np.zeros(side(self.leaves[name]))
        for i, j, unit in self.steps(name):
            found[i, j] = self.loss({name: self.point[name] + 1j * TINY * unit})[0].imag / TINY
        return found

    def by_differences(self, name: str) -> Array:
        found = np.zeros(side(self.leaves[name]))
        for i, j, unit in self.steps(name):
            near, far = (
                [self.loss({name: self.point[name] + sign * h * unit})[0].real for sign in (1, -1)]
                for h in (STEP, 2 * STEP)
            )
            found[i, j] = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * STEP)
        return found


@st.composite
def programs(draw: Callable[[Any], Any]) -> _Program:
    """Draw a program: declarations, a few statements in sequence, and a scalar loss that reaches the last of them."""
    writer = _Writer(draw)
    for at in range(draw(st.integers(1, 3))):
        shape = draw(st.tuples(st.sampled_from(tuple(LENGTHS)), st.sampled_from(SIDES)))
        writer.statements[f"h{at}"] = writer.expression(shape, draw(st.integers(1, 3)))
    last = writer.statements[f"h{at}"]
    end = writer.reduced(SCALAR, 0) if draw(st.booleans()) else writer.expression(SCALAR, 2)
    text = f"{end.text} + sum(cos(h{at}))"
    loss = Drawn(text, SCALAR, lambda p: end.value(p) + np.sum(np.cos(p.values[f"h{at}"])).reshape(1, 1))
    assert last.shape != SCALAR
    statements = {**writer.statements, "loss": loss}
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    point = {name: random.normal(size=side(shape)) * 0.8 for name, shape in writer.leaves.items()}
    lines = [f"{name} in R^({rows} x {cols})" for name, (rows, cols) in writer.leaves.items() if (rows, cols) != SCALAR]
    lines += [f"{name} in R" for name, shape in writer.leaves.items() if shape == SCALAR]
    order = [f"{name} = {statement.text}" for name, statement in statements.items()]
    return _Program(
        "\n".join([*lines, *(reversed(order) if draw(st.booleans()) else order)]), statements, writer.leaves, point
    )


def rows_of(value: Array) -> list[list[float]]:
    return [[float(entry) for entry in row] for row in np.real(value)]


def read(program: str, wrt: str = "", loss: str = "loss") -> Problem:
    return read_problem(program, loss=loss, wrt=wrt)


def off(found: Array, right: Array) -> float:
    assert np.shape(found) == np.shape(right)
    return float(np.max(np.abs(found - right))) / max(1.0, float(np.max(np.abs(right))))


@settings(max_examples=150)
@given(programs())
def test_every_gradient_agrees_with_steps_of_an_own_forward_pass(program: _Program) -> None:
    value, gap = program.loss({})
    assume(gap > CLEAR)
    problem = read(program.text, ",".join(program.leaves))
    lengths = {name: LENGTHS[name] for name in problem.typed.lengths}
    numbers = computed(problem, {name: rows_of(v) for name, v in program.point.items()}, lengths)
    assert float(numbers.values["loss"][0][0]) == pytest.approx(value.real, rel=1e-9, abs=1e-9)
    arithmetic = Exact(lengths)
    shapes = {DELTA + name: gradient.term.shape for name, gradient in problem.derivation.gradients.items()}
    shapes |= {name: term.shape for name, term in problem.derivation.definitions.items()}
    for name in program.leaves:
        right = program.by_complex_step(name)
        assert off(program.by_differences(name), right) < 1e-4, "the forward pass here is wrong"
        found = np.asarray(numbers.values[DELTA + name], dtype=float)
        assert off(found, right) < 1e-9, name
        gradient = problem.gradient(name)
        for term in {gradient.term, gradient.short} | ({gradient.closed} - {None}):
            for text in (plain(term), unicode(term)):
                again = arithmetic.value(typed_expression(text, problem.typed, shapes), numbers.values)
                assert off(np.broadcast_to(np.asarray(again, dtype=float), right.shape), right) < 1e-9, text


@settings(max_examples=25)
@given(programs())
def test_the_checks_that_are_printed_agree_too(program: _Program) -> None:
    assume(program.loss({})[1] > CLEAR)
    problem = read(program.text, ",".join(program.leaves))
    try:
        checker = Checker(problem.typed, problem.derivation, seed=0)
        first, second = checker.first_route(), checker.second_route()
    except DlcalcError as refusal:  # a kink everywhere
        assume("no random point" not in str(refusal))
        raise
    assert first[0] <= 1e-8, first
    assert second[0] <= 1e-4, second


# a row per operation

U = "u in R^n; c in R^n; a in R; "
M = "M, C in R^(m x n); "
S = "S, C in R^(n x n); "
ROWS = {
    "sum": (U + "L = c^T (u + c - 2 u)", "u", "-c"),
    "scalar added to every entry": (U + "L = c^T (u + a)", "a", "sum(c)"),
    "product, right factor": (M + "x in R^n; L = sum(M x)", "x", "M^T ones(m)"),
    "product, left factor": (M + "x in R^n; L = sum(M x)", "M", "ones(m) x^T"),
    "product of three": (S + "A, B in R^(n x n); L = sum(C .* (A S B))", "S", "A^T C B^T"),
    "product in rows": ("x in R^(1 x n); W in R^(n x m); d in R^(1 x m); L = sum(d .* (x W))", "W", "x^T d"),
    "scaling": (U + "L = 3 a (c^T u)", "a", "3 c^T u"),
    "scaling a matrix": (M + "a in R; L = sum(C .* (a M))", "a", "sum(C .* M)"),
    "quadratic form": (S + "x in R^n; L = x^T S x", "x", "(S + S^T) x"),
    "square of a matrix": (S + "L = sum(C .* S^2)", "S", "C S^T + S^T C"),
    "hadamard": (U + "L = sum(u .* u .* c)", "u", "2 u .* c"),
    "quotient, top": (U + "L = sum(u ./ c)", "u", "ones(n) ./ c"),
    "quotient, bottom": (U + "L = sum(u ./ c)", "c", "-u ./ c.^2"),
    "quotient by a number": (U + "L = (c^T u)/a", "a", "-(c^T u)/a^2"),
    "power": (U + "L = sum(c .* u.^3)", "u", "3 c .* u.^2"),
    "power, exponent": (U + "p in (0, 1); q in R; L = p^q", "q", "p^q ln(p)"),
    "power, base": (U + "p in (0, 1); q in R; L = p^q", "p", "q p^(q - 1)"),
    "transpose": (M + "L = sum(C^T .* M^T)", "M", "C"),
    "inverse": (S + "L = sum(C .* S^-1)", "S", "-S^-T C S^-T"),
    "entry": (U + "L = u[2]^2", "u", "2 u[2] eye(n)[:,2]"),
    "entry of a matrix": ("W in R^(2 x 3); L = 5 W[1,3]", "W", "[0, 0, 5; 0, 0, 0]"),
    "range": ("x in R^4; L = ||x[2:3]||^2", "x", "[0, 2 x[2], 2 x[3], 0]"),
    "row of a matrix": ("W in R^(2 x 3); x in R^3; L = W[2,:] x", "W", "[0, 0, 0; x[1], x[2], x[3]]"),
    "column of a matrix": ("W in R^(2 x 3); x in R^2; L = x^T W[:,2]", "W", "[0, x[1], 0; 0, x[2], 0]"),
    "blocks above each other": ("u in R^2; v in R^3; c in R^5; L = c^T [u; v]", "v", "c[3:5]"),
    "blocks side by side": ("A in R^(m x n); b, d in R^m; c in R^(n + 1); L = d^T [A, b] c", "b", "d c[n+1]"),
    "list": ("a, b in R; x in R^3; L = x^T [a, b, a b]", "a", "x[1] + b x[3]"),
    "indicator": (U + "L = sum(1(u > 0) .* u .* c)", "u", "1(u > 0) .* c"),
    "sum over an index": (U + "L = sum(k, 1, n, c[k] u[k]^2)", "u", "2 c .* u"),
    "sum written out": (U + "L = sum(k, 1, 3, a^k)", "a", "1 + 2 a + 3 a^2"),
    "shared by two paths": ("W in R^(n x n); x in R^n; h = W x; L = sum(W h)", "W", "ones(n) x^T W^T + W^T ones(n) x^T"),
    "ones": ("X in R^(n x m); b, d in R^n; L = d^T (X + b ones(m)^T) ones(m)", "b", "m d"),
    "relu": (U + "L = c^T relu(u)", "u", "c .* 1(u > 0)"),
    "leaky_relu": (U + "L = c^T leaky_relu(u, a)", "u", "c .* (1(u > 0) + a 1(u <= 0))"),
    "leaky_relu, slope": (U + "L = c^T leaky_relu(u, a)", "a", "sum(c .* u .* 1(u <= 0))"),
    "elu": (U + "L = c^T elu(u, a)", "u", "c .* (1(u > 0) + a exp(u) .* 1(u <= 0))"),
    "elu, scale": (U + "L = c^T elu(u, a)", "a", "sum(c .* (exp(u) - 1) .* 1(u <= 0))"),
    "sigmoid": (U + "L = c^T sigmoid(u)", "u", "c .* sigmoid(u) .* sigmoid(-u)"),
    "tanh": (U + "L = c^T tanh(u)", "u", "c .* (1 - tanh(u).^2)"),
    "gelu": (U + "L = c^T gelu(u)", "u", "c .* (normcdf(u) + u .* normpdf(u))"),
    "silu": (U + "L = c^T silu(u)", "u", "c .* sigmoid(u) .* (1 + u .* sigmoid(-u))"),
    "softplus": (U + "L = c^T softplus(u)", "u", "c .* sigmoid(u)"),
    "exp": (U + "L = c^T exp(u)", "u", "c .* exp(u)"),
    "ln": ("u in R^n; c in R^n; L = c^T ln(u.^2)", "u", "2 c ./ u"),
    "sqrt": (U + "L = c^T sqrt(1 + u.^2)", "u", "c .* u ./ sqrt(1 + u.^2)"),
    "sin": (U + "L = c^T sin(u)", "u", "c .* cos(u)"),
    "cos": (U + "L = c^T cos(u)", "u", "-c .* sin(u)"),
    "abs": (U + "L = c^T abs(u)", "u", "c .* sign(u)"),
    "sign": (U + "L = c^T (u .* sign(u))", "u", "c .* sign(u)"),
    "floor": (U + "L = c^T (u .* floor(u))", "u", "c .* floor(u)"),
    "ceil": (U + "L = c^T (u .* ceil(u))", "u", "c .* ceil(u)"),
    "normcdf": (U + "L = c^T normcdf(u)", "u", "c .* exp(-u.^2/2)/sqrt(2*3.141592653589793)"),
    "normpdf": (U + "L = c^T normpdf(u)", "u", "-c .* u .* normpdf(u)"),
    "maximum": (U + "L = sum(max(u, c) .* u)", "c", "u .* 1(u <= c)"),
    "minimum": (U + "L = sum(min(u, c) .* c)", "u", "c .* 1(u < c)"),
    "max with a number": (U + "L = c^T max(u, a)", "a", "sum(c .* 1(u <= a))"),
    "sum of entries": (M + "L = sum(M)^2", "M", "2 sum(M) ones(m, n)"),
    "sum along an axis": (M + "x in R^n; L = sum(M, 0) x", "M", "ones(m) x^T"),
    "mean": (M + "L = mean(M)", "M", "1/(m n) ones(m, n)"),
    "mean along an axis": (M + "x in R^m; L = x^T mean(M, 1)", "M", "1/n x ones(n)^T"),
    "var": (U + "L = var(u)", "u", "2/n (u - mean(u))"),
    "max": (U + "L = a max(u)", "u", "a 1(u = max(u))"),
    "min along an axis": (M + "x in R^m; L = x^T min(M, axis=1)", "M", "(x ones(n)^T) .* 1(M = min(M, axis=1) ones(n)^T)"),
    "logsumexp": (U + "L = a logsumexp(u)", "u", "a softmax(u)"),
    "logsumexp of a matrix": (M + "L = logsumexp(M)", "M", "exp(M - logsumexp(M))"),
    "logsumexp along an axis": (M + "x in R^m; L = x^T logsumexp(M, 1)", "M", "(x ones(n)^T) .* softmax(M, 1)"),
    "softmax": (U + "L = c^T softmax(u)", "u", "softmax(u) .* c - softmax(u) (softmax(u)^T c)"),
    "softmax of columns": (
        M + "P = softmax(M, 0); L = sum(C .* P)", "M", "P .* (C - ones(m) sum(C .* P, 0))",
    ),
    "softmax of rows": (M + "P = softmax(M, 1); L = sum(C .* P)", "M", "P .* (C - sum(C .* P, 1) ones(n)^T)"),
    "log_softmax": (U + "L = c^T log_softmax(u)", "u", "c - sum(c) softmax(u)"),
    "norm": (U + "L = a ||u - c||", "u", "a (u - c)/||u - c||"),
    "norm squared": (M + "L = 1/2 ||M - C||_F^2", "M", "M - C"),
    "norm_1": (U + "L = ||u||_1", "u", "sign(u)"),
    "norm_inf": (U + "L = ||u||_inf", "u", "sign(u) .* 1(abs(u) = ||u||_inf)"),
    "norm_inf of a matrix": (
        M + "L = ||M||_inf", "M", "sign(M) .* (1(sum(abs(M), 1) = ||M||_inf) ones(n)^T)",
    ),
    "tr": (S + "L = tr(C S)", "S", "C^T"),
    "det": (S + "L = det(S)", "S", "det(S) S^-T"),
    "logdet": (S + "L = logdet(S)", "S", "S^-T"),
    "diag of a vector": (S + "u in R^n; L = sum(C .* diag(u))", "u", "diag(C)"),
    "diag of a matrix": (S + "u in R^n; L = u^T diag(S)", "S", "diag(u)"),
    "cossim": (U + "L = cossim(u, c)", "u", "c/(||u|| ||c||) - cossim(u, c) u/||u||^2"),
    "inner product": (U + "L = dot(u, c)^2", "c", "2 (u^T c) u"),
}  # fmt: skip


def drawn_at(problem: Problem, lengths: Mapping[str, int], seed: int) -> dict[str, list[list[float]]]:
    """Draw leaves; matrices are near the identity, so that determinants are positive."""
    random = np.random.default_rng(seed)
    values = {}
    for leaf in problem.typed.leaves.values():
        rows, cols = (dim.value(lengths) for dim in leaf.shape)
        found = random.normal(size=(rows, cols))
        if leaf.kind == "interval":
            found = random.uniform(0.2, 0.9, size=(rows, cols))
        elif rows == cols > 1:
            found = 0.3 * found + 1.5 * np.eye(rows)
        values[leaf.name] = rows_of(found)
    return values


@pytest.mark.parametrize(("text", "name", "expected"), ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("seed", range(3))
def test_each_operation_has_the_gradient_of_the_books(text: str, name: str, expected: str, seed: int) -> None:
    problem = read(text, name, "L")
    lengths = {length: size for size, length in enumerate(problem.typed.lengths, 3)}
    leaves = drawn_at(problem, lengths, seed)
    numbers = computed(problem, leaves, lengths)
    arithmetic = Exact(lengths)
    wanted = typed_expression(expected, problem.typed)
    assert wanted.shape == problem.typed.shape(name)
    right = np.asarray(arithmetic.value(wanted, numbers.values), dtype=float)
    found = np.asarray(numbers.values[DELTA + name], dtype=float)
    assert off(found, np.broadcast_to(right, found.shape)) < 1e-12
    for i, j in np.ndindex(*found.shape):
        assert moved_by(problem, leaves, lengths, name, (i, j)) == pytest.approx(found[i, j], rel=1e-6, abs=1e-7)


def moved_by(
    problem: Problem, leaves: Mapping[str, Any], lengths: Mapping[str, int], name: str, entry: tuple[int, int]
) -> float:
    """Return the central difference of the loss in one entry, by the forward pass alone."""
    ends = []
    for step in (1e-5, -1e-5):
        moved = {n: [list(row) for row in rows] for n, rows in leaves.items()}
        moved[name][entry[0]][entry[1]] += step
        ends.append(float(computed(problem, moved, lengths, backward=False).values["L"][0][0]))
    return (ends[0] - ends[1]) / 2e-5


def test_the_rows_and_the_random_programs_use_every_function() -> None:
    used: set[str] = set()
    for text, name, _ in ROWS.values():
        terms: list[Term] = list(read(text, name, "L").typed.definitions.values())
        used |= {node.function for term in terms for node in walk(term) if isinstance(node, Apply)}
    assert used >= {*ELEMENTWISE, *PULLBACKS}
    assert {*GENERATED} >= {*ELEMENTWISE, *PULLBACKS}


def test_lengths_of_the_random_programs_are_distinct() -> None:
    """So that a transpose that is missing fails by its shape."""
    assert len({1, *LENGTHS.values()}) == len(LENGTHS) + 1


def test_a_declared_function_gets_a_derivative_with_a_name() -> None:
    problem = read_problem("f: R -> R; u, c in R^n; L = c^T f(u)", wrt="u")
    closed = problem.gradient("u").closed
    assert closed is not None
    assert plain(closed) == "c .* f'(u)"


def test_an_index_of_a_length_in_letters() -> None:
    problem = read_problem("x in R^n; L = x[n]^2", wrt="x", loss="L")
    found = computed(problem, {"x": [[1.0], [2.0], [3.0]]}, {"n": 3})
    assert np.asarray(found.values["delta_x"], dtype=float).tolist() == [[0.0], [0.0], [6.0]]
    assert problem.typed.shape("x").rows == Dim(0, (("n", 1),))
