"""The gradient as a function of the parameters: of a loss in notation (derived by the calculus), or an expression."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlcalc.calculus.data import Given, fitted, read_data
from dlcalc.calculus.inference import words
from dlcalc.calculus.problem import computed, read_problem
from dlcalc.calculus.scalar import gradients, values
from dlcalc.calculus.terms import DELTA
from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Expr, Num, Real, Sym, fold, number, substitute
from dlcalc.notation.program import read_program
from dlcalc.solution import symbols

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlcalc.calculus.exact import Matrix
    from dlcalc.calculus.problem import Problem

Vector = tuple[Expr, ...]
GRADIENT = "gradient"
"""What an expression for the gradient is called inside its program."""
USUAL = ("theta", "w", "x", "W", "p")
"""What the parameter is called, where the question does not say, the likeliest first."""
TINY = 1e-30
"""The imaginary step of the derivative that checks the gradient."""


@dataclass(frozen=True)
class Field:
    """A program whose gradient with respect to some leaves is asked at point after point."""

    text: str
    problem: Problem
    parameters: tuple[str, ...]
    """The names of the parameters: several numbers, or one number or vector."""
    width: int
    """How many numbers the parameters are."""
    others: Mapping[str, Matrix]
    """The data."""
    lengths: Mapping[str, int]

    @property
    def of_loss(self) -> bool:
        """Whether there is a loss, from which the gradient was derived."""
        return bool(self.problem.loss)

    def at(self, place: Vector) -> Vector:
        """Return the gradient at a point: exact where it is, in symbols where it or the loss has some."""
        if not symbols(place) and not self.constants:
            return self._computed(place)[0]
        return tuple(fold(substitute(g, self._placed(place))) for g in self.written)

    def loss_at(self, place: Vector) -> Expr | None:
        """Return the loss at a point; None where there is none, or no number."""
        return self._computed(place)[1] if self.of_loss and not symbols(place) and not self.constants else None

    @cached_property
    def constants(self) -> tuple[str, ...]:
        """The names that are neither parameters nor data, so that they stay letters."""
        leaves = self.problem.typed.leaves
        return tuple(name for name in leaves if name not in self.others and name not in self.parameters)

    def _computed(self, place: Vector) -> tuple[Vector, Expr | None]:
        values = computed(
            self.problem, self._leaves([_scalar(x) for x in place]), self.lengths, backward=self.of_loss
        ).values
        if not self.of_loss:
            return _expressions(values[GRADIENT]), None
        gradient = tuple(g for name in self.parameters for g in _expressions(values[DELTA + name]))
        return gradient, _expressions(values[self.problem.loss])[0]

    def _leaves(self, place: Sequence[Any]) -> dict[str, Any]:
        """Give every leaf its rows."""
        if len(self.parameters) > 1:
            own = {name: [[value]] for name, value in zip(self.parameters, place, strict=True)}
        else:
            own = {self.parameters[0]: [[value] for value in place]}
        return {**self.others, **own}

    def _placed(self, place: Vector) -> dict[str, Expr]:
        data = {name: number(rows[0][0]) for name, rows in self.others.items()}  # type: ignore[arg-type]  # data are exact
        return {**data, **dict(zip(self.parameters, place, strict=True))}

    @cached_property
    def written(self) -> Vector:
        """The gradient in symbols.

        Raises DlcalcError where a parameter is a vector.
        """
        terms = self.problem.typed.definitions
        if any(not term.shape.is_scalar for term in terms.values()) or (self.width > 1 and len(self.parameters) == 1):
            left = ", ".join(self.constants) or "the start"
            raise DlcalcError(
                f"{left} has no number, and the loss is a matrix expression", "give numbers for --theta0 and --at"
            )
        leaves: dict[str, Expr] = {name: Sym(name) for name in self.problem.typed.leaves}
        if not self.of_loss:
            return (values(terms, leaves)[GRADIENT],)
        found = gradients(self.problem, leaves)
        return tuple(fold(found[name]) for name in self.parameters)

    def put_in(self, place: int, at: Vector) -> Expr | None:
        """Write a component of the gradient with a point put in, nothing computed; None for matrix expressions."""
        try:
            return substitute(self.written[place], self._placed(at))
        except DlcalcError:
            return None

    def checked_at(self, place: Sequence[float], point: Mapping[str, Any]) -> list[float]:
        """Compute the gradient in floats without the derivation: the forward pass alone, with an imaginary step."""
        import numpy as np

        from dlcalc.calculus.batches import Batch

        batch, steps = Batch(self.lengths), range(self.width) if self.of_loss else range(1)
        found: list[float] = []
        for moved in steps:
            at: list[Any] = [x + TINY * 1j if self.of_loss and i == moved else x for i, x in enumerate(place)]
            values: dict[str, Any] = {name: np.array(rows)[None] for name, rows in self._leaves(at).items()}
            values = {name: rows.astype(complex if self.of_loss else float) for name, rows in values.items()}
            values |= {name: np.array([[[float(x)]]]) for name, x in point.items() if name in self.problem.typed.leaves}
            for name, term in self.problem.typed.definitions.items():
                values[name] = batch.value(term, values)
            if not self.of_loss:
                shape = (self.width, 1)
                return [float(x) for x in np.broadcast_to(values[GRADIENT][0], shape).ravel()]
            found.append(float(np.imag(values[self.problem.loss].ravel()[0])) / TINY)
        return found


def _scalar(value: Expr) -> Fraction | float:
    if isinstance(value, Num):
        return value.value
    found = approximate(value)
    if found is None:
        raise DlcalcError(
            "the parameters grow beyond what floats hold", "use a smaller learning rate, or fewer updates"
        )
    return found


def _expressions(rows: Matrix) -> Vector:
    return tuple(Real(x) if isinstance(x, float) else number(x) for row in rows for x in row)


def read_field(text: str, start: Mapping[str, Vector], data: object, *, loss: bool) -> Field:
    """Read a loss, or an expression for the gradient, and find its parameters.

    Raises DlcalcError for what cannot be read, a parameter that is not in it, and data that are missing.
    """
    if not text.strip():
        raise DlcalcError("--loss is empty" if loss else "--gradient is empty", "write an expression such as theta^2")
    program = text if loss else f"{GRADIENT} = {text}"
    option = "--loss" if loss else "--gradient"
    given = {} if data is None else read_data(data)
    try:
        read = read_program(program)
        occurring = [w for d in read.definitions for w in words(d.body)]
        defined = [d.target for d in read.definitions]
        free = [w for w in dict.fromkeys(occurring) if w not in defined and w not in given]
        if list(start) == [""]:
            start = {_parameter(free, option): start[""]}
        _refuse_unknown(start, free, option)
        shaped = {name: Given(int(len(x) > 1), [[_stand_in(v)] for v in x]) for name, x in start.items()}
        known = {**given, **shaped}
        wanted = ",".join(start) if loss else ""
        problem = read_problem(program, wrt=wanted, data=known, forward=not loss)
        symbolic = [n for n in problem.typed.leaves if n not in known]
        numbers = (name for name in symbolic if problem.typed.leaves[name].shape.is_scalar)
        known |= {name: Given(0, [[Fraction(1)]]) for name in numbers}
        leaves, lengths = fitted(problem.typed, known)
    except NotationError as caught:
        if not loss and GRADIENT in str(caught.fix):
            caught.fix = "write an expression such as 2 theta - 1"
        raise
    others = {name: rows for name, rows in leaves.items() if name not in start and name not in symbolic}
    width = sum(map(len, start.values()))
    return Field(text, problem, tuple(start), width, others, lengths)


def _stand_in(value: Expr) -> Fraction:
    """Return a number for what only has to have a shape here."""
    return value.value if isinstance(value, Num) else Fraction(1)


def _parameter(free: Sequence[str], option: str) -> str:
    """Find the parameter among the names that have no value."""
    usual = next((name for name in USUAL if name in free), None)
    if len(free) == 1 or usual is not None:
        return free[0] if len(free) == 1 else str(usual)
    if not free:
        raise DlcalcError(f"{option} has no parameter in it", "write it in theta, such as 6 theta^2 - 6 theta")
    raise DlcalcError(
        f"{option} does not say which of {', '.join(free[:6])} are the parameters", f"add --theta0 {free[0]}=1, say"
    )


def _refuse_unknown(start: Mapping[str, Vector], free: Sequence[str], option: str) -> None:
    for name in start:
        if name not in free:
            raise DlcalcError(
                f"--theta0 gives {name}, which {option} does not use",
                nearest(name, free) or f"it has {', '.join(free[:6])}",
            )
    if len(start) > 1 and any(len(x) > 1 for x in start.values()):
        raise DlcalcError("several parameters are numbers here, not lists", "give one list, or several numbers")
