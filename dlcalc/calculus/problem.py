"""A question about a program: read, typed, derived; with data, computed. What `backprop` and `evaluate` share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dlcalc.calculus.derivation import Derivation, Gradient, derive
from dlcalc.calculus.dims import ONE, Shape
from dlcalc.calculus.exact import Exact
from dlcalc.calculus.functions import ELEMENTWISE, MATRIX_NORMS, TIES
from dlcalc.calculus.inference import Typed, typed, typed_expression, words
from dlcalc.calculus.printing import latex, latex_name, plain, unicode, unicode_name
from dlcalc.calculus.terms import DELTA, Apply, Name, Power, Term, names, walk
from dlcalc.calculus.terms import number as exact
from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import from_file, split_outside
from dlcalc.notation.expression import Expr, Formula, Real, number
from dlcalc.notation.patterns import compiled
from dlcalc.notation.program import read_program
from dlcalc.notation.tokens import ENGLISH, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from dlcalc.calculus.data import Given
    from dlcalc.calculus.exact import Matrix
    from dlcalc.notation.printing import Value
    from dlcalc.notation.syntax import Program

_DATA = {"x", "y", "t"}
"""Stems of leaves that are data, not parameters."""
_SIZES = {"m", "n", "d", "N", "C", "K", "T", "lr", "lam", "eps"}
"""Stems of numbers that are sizes or settings."""


@dataclass(frozen=True)
class Problem:
    """A typed program with what is asked about it."""

    typed: Typed
    loss: str
    """The name of the quantity whose gradients are asked; empty where none is."""
    wanted: tuple[str, ...]
    upstream: Mapping[str, Term]
    data: Mapping[str, Given]
    numerator: bool = False
    """Whether derivatives are asked for in numerator layout, transposed."""

    @property
    def onehot(self) -> tuple[str, ...]:
        """Names declared as one-hot."""
        return tuple(leaf.name for leaf in self.typed.leaves.values() if leaf.kind == "onehot")

    @property
    def symmetric(self) -> tuple[str, ...]:
        """Names declared as symmetric."""
        return tuple(leaf.name for leaf in self.typed.leaves.values() if leaf.kind == "symmetric")

    @cached_property
    def derivation(self) -> Derivation:
        """The gradients."""
        return self.derived(self.wanted)

    def derived(self, wanted: Sequence[str]) -> Derivation:
        """Derive the gradients with respect to names."""
        return derive(self.typed, self.loss, wanted, self.upstream, self.onehot, self.symmetric)

    def symbol(self, name: str) -> Formula:
        """Write δ of a quantity, or ∂L/∂ of a leaf (∇ where ∂ means the numerator layout)."""
        loss = self.loss or "L"
        if name not in self.typed.leaves:
            return formula(Name(self.derivation.gradients[name].term.shape, DELTA + name))
        if self.numerator:
            gradient = rf"\nabla_{{{latex_name(name)}}} {latex_name(loss)}"
            return Formula(DELTA + name, f"∇_{unicode_name(name)} {unicode_name(loss)}", gradient)
        return Formula(DELTA + name, *self.derivative(name))

    def derivative(self, name: str) -> tuple[str, str]:
        """Write ∂L/∂name in Unicode and LaTeX."""
        loss = self.loss or "L"
        return (
            f"∂{unicode_name(loss)}/∂{unicode_name(name)}",
            rf"\frac{{\partial {latex_name(loss)}}}{{\partial {latex_name(name)}}}",
        )

    def answer_name(self, name: str) -> str:
        """Name the gradient of a quantity as an answer."""
        return f"d{self.loss or 'L'}/d{name}"

    def gradient(self, name: str) -> Gradient:
        """Return the gradient of a quantity."""
        return self.derivation.gradients[name]


def formula(term: Term) -> Formula:
    """Write a term in all three ways."""
    return Formula(plain(term), unicode(term), latex(term))


def source(program: str | None, file: str | None) -> str:
    """Take a program from an argument or a file.

    Raises DlcalcError where there is neither, or both.
    """
    if program is not None and file is not None:
        raise DlcalcError("the program is given twice", "leave --file out")
    if file is not None:
        return from_file("file", file)
    if program is None:
        raise DlcalcError(
            "the program is missing", "write the equations in quotes, --file NAME, or - for standard input"
        )
    return program


def read_problem(  # noqa: PLR0913 (what may be asked)
    text: str,
    *,
    loss: str = "",
    wrt: str = "",
    upstream: str = "",
    data: Mapping[str, Given] | None = None,
    forward: bool = False,
    numerator: bool = False,
) -> Problem:
    """Read a program and what is asked about it; `forward` asks for no gradient.

    Raises NotationError, with the place, for what cannot be read or typed; DlcalcError for names that do not exist.
    """
    program = read_program(text)
    data = data or {}
    targets = [definition.target for definition in program.definitions]
    loss = spelled(loss.strip()) if loss else ("" if upstream or forward else _last_unused(program))
    if loss and loss not in targets:
        raise DlcalcError(
            f"--loss {loss} is not defined by the program", nearest(loss, targets) or f"use {targets[-1]}"
        )
    found = typed(program, {name: given.axes for name, given in data.items()}, [loss] if loss else [])
    given = _upstream(found, upstream)
    _refuse_chained(found, given)
    wanted = () if forward else _wanted(found, wrt, loss)
    if not wanted and not forward:
        raise DlcalcError("the program has no names to differentiate by", "use evaluate for its value")
    return Problem(found, loss, wanted, given, data, numerator)


def _last_unused(program: Program) -> str:
    """Return the last quantity that no other one uses: the loss, wherever it is written."""
    used = {name for definition in program.definitions for name in words(definition.body) if name != definition.target}
    targets = [definition.target for definition in program.definitions]
    return next((target for target in reversed(targets) if target not in used), targets[-1])


def _upstream(typed: Typed, text: str) -> dict[str, Term]:
    """Read `z=d, q=e`: ∂L/∂z is d."""
    found: dict[str, Term] = {}
    for part in split_outside(text, ",;") if text else ():
        left, equals, right = part.partition("=")
        name = spelled(left.strip()).removeprefix(DELTA)
        if not equals or not right.strip():
            raise DlcalcError(f"--upstream {part.strip()!r} is not NAME=GRADIENT", "write z=d, where d is ∂L/∂z")
        if name not in typed.definitions:
            raise DlcalcError(f"--upstream {name} is not defined by the program", nearest(name, typed.definitions))
        shape = typed.shape(name)
        new = spelled(right.strip())
        extra = {new: shape} if new.isidentifier() and not typed.knows(new) and new not in typed.lengths else {}
        extra |= {n.name: n.shape for t in found.values() for n in walk(t) if isinstance(n, Name)}
        term = typed_expression(right.strip(), typed, extra)
        if term.shape != shape:
            raise DlcalcError(
                f"--upstream {name}={right.strip()} is {term.shape}, but {name} is {shape}",
                "a gradient has the shape of its variable",
            )
        found[name] = term
    return found


def _refuse_chained(typed: Typed, upstream: Mapping[str, Term]) -> None:
    """Refuse given gradients of quantities that lie behind each other: one of them would count twice."""
    for name in upstream:
        behind = {name}
        for target, term in typed.definitions.items():
            if names(term) & behind:
                behind.add(target)
        for other in behind & upstream.keys() - {name}:
            raise DlcalcError(f"--upstream gives {name} and {other}, which depends on {name}", "give one of them")


def _wanted(typed: Typed, text: str, loss: str) -> tuple[str, ...]:
    names = [name for part in text.replace(";", ",").split(",") if (name := part.strip())]
    if not names:
        return _parameters(typed)
    wanted = []
    for written in names:
        name = spelled(written).removeprefix(DELTA)
        prefix = f"d{loss}/d"
        name = (
            spelled(written.replace(" ", "").removeprefix(prefix))
            if written.replace(" ", "").startswith(prefix)
            else name
        )
        if not typed.knows(name):
            known = [*typed.names]
            raise DlcalcError(
                f"--wrt {written} is not a name of the program",
                nearest(name, known) or f"it has {', '.join(known[:12])}",
            )
        wanted.append(name)
    return tuple(dict.fromkeys(wanted))


def _parameters(typed: Typed) -> tuple[str, ...]:
    """Return the leaves that are not data: parameters; all leaves where none is one, or all are numbers."""
    leaves = typed.leaves.values()
    real = tuple(leaf.name for leaf in leaves if leaf.kind in {"R", "interval"}) or tuple(typed.leaves)
    if all(leaf.shape.is_scalar for leaf in leaves):
        return real
    return (
        tuple(leaf.name for leaf in leaves if leaf.kind in {"R", "symmetric"} and _is_parameter(leaf.name, leaf.shape))
        or real
    )


def _is_parameter(name: str, shape: Shape) -> bool:
    stem = compiled(r"[^\W\d_]*").match(name)[0]  # type: ignore[index]  # matches any text
    if stem in ENGLISH:
        return stem == "theta" or not shape.is_scalar
    return stem not in _DATA and stem[:1].lower() not in {"x", "y"} and not (shape.is_scalar and stem in _SIZES)


# numbers


@dataclass(frozen=True)
class Numbers:
    """Everything that a program computes at given data."""

    values: Mapping[str, Matrix]
    """Of every quantity, and of every δ as `delta_NAME`."""
    lengths: Mapping[str, int]
    kinks: tuple[str, ...]


def computed(
    problem: Problem, leaves: Mapping[str, Matrix], lengths: Mapping[str, int], *, backward: bool = True
) -> Numbers:
    """Run the statements forward and the gradients backward (reverse mode) on given data."""
    arithmetic = Exact(lengths)
    values: dict[str, Matrix] = dict(leaves)
    definitions = problem.derivation.definitions if backward else problem.typed.definitions
    for name, term in definitions.items():
        values[name] = _full(arithmetic.value(term, values), term.shape, lengths)
    for name, gradient in problem.derivation.gradients.items() if backward else ():
        values[DELTA + name] = _full(arithmetic.value(gradient.short, values), gradient.term.shape, lengths)
    return Numbers(values, lengths, tuple(arithmetic.kinks))


def _full(value: Matrix, shape: Shape, lengths: Mapping[str, int]) -> Matrix:
    """Repeat one number over a whole shape."""
    rows, cols = shape.rows.value(lengths), shape.cols.value(lengths)
    return [[value[0][0]] * cols for _ in range(rows)] if len(value) == 1 == len(value[0]) else value


def stepped(problem: Problem, numbers: Numbers, rate: Fraction | float, times: int) -> tuple[Numbers, list[Numbers]]:
    """Take gradient steps on the wanted leaves; return the last state and all before it."""
    history = [numbers]
    for _ in range(times):
        current = history[-1].values
        leaves = {name: current[name] for name in problem.typed.leaves}
        for name in problem.wanted:
            if name in leaves:
                leaves[name] = [
                    [w - rate * g for w, g in zip(*rows, strict=True)]
                    for rows in zip(current[name], current[DELTA + name], strict=True)
                ]
        extra = {name: current[name] for name in current if name in upstream_names(problem)}
        history.append(computed(problem, {**leaves, **extra}, numbers.lengths))
    return history[-1], history[:-1]


def upstream_names(problem: Problem) -> tuple[str, ...]:
    """Return the names that only a given gradient uses."""
    found = [n.name for t in problem.upstream.values() for n in walk(t) if isinstance(n, Name)]
    return tuple(dict.fromkeys(name for name in found if not problem.typed.knows(name)))


def as_value(rows: Matrix, shape: Shape) -> Value:
    """Turn rows into an answer: a number, a list for a column, rows for a matrix."""
    if shape.is_scalar:
        return _exact_or_real(rows[0][0])
    if shape.cols == ONE:
        return tuple(_exact_or_real(row[0]) for row in rows)
    return tuple(tuple(map(_exact_or_real, row)) for row in rows)


def _exact_or_real(value: Fraction | float) -> Expr:
    return Real(value) if isinstance(value, float) else number(value)


# conventions


def conventions(terms: Sequence[Term], *, derived: bool = True) -> list[str]:
    """Say which conventions the functions of a program bring with them, those of derivatives too unless not asked."""
    said: dict[str, None] = {}
    for term in terms:
        squares = {node.base for node in walk(term) if isinstance(node, Power) and node.exponent == exact(2)}
        for node in walk(term):
            if not isinstance(node, Apply):
                continue
            row = ELEMENTWISE.get(node.function)
            if derived and row is not None and row.convention:
                said[row.convention] = None
            if derived and node.function in TIES and node not in squares:
                said[TIES[node.function]] = None
            if node.function in MATRIX_NORMS and ONE not in node.arguments[0].shape:
                said[MATRIX_NORMS[node.function]] = None
            if node.axis is not None and ONE not in node.arguments[0].shape:
                over = "each column by itself" if node.axis == 0 else "each row by itself"
                said[f"{node.function}(…, {node.axis}) works on {over}"] = None
    return list(said)


def shapes(problem: Problem) -> str:
    """Say the shape of every leaf, and which came from the convention for its name."""
    return ", ".join(f"{unicode_name(leaf.name)} {leaf.shape.said}" for leaf in problem.typed.leaves.values())


def undeclared(problem: Problem) -> list[str]:
    """List the leaves that no declaration and no data describe."""
    return [leaf.name for leaf in problem.typed.leaves.values() if not leaf.declared and leaf.name not in problem.data]
