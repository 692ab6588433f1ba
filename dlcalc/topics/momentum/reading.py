"""Givens read into a question; contradictions refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, Expr, Num, Sym, number
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import symbols
from dlcalc.topics.momentum.bounds import MAX_STEPS
from dlcalc.topics.momentum.rule import Question, T

if TYPE_CHECKING:
    from dlcalc.topics.momentum.writing import Vector

_RESERVED = re.compile(r"(v|v_hat|theta|theta_tilde)([1-9]\d*)?|g|window")


def width_of(*vectors: Value | None) -> int:
    """Find how many components the parameter has: the length of the first vector."""
    return next((len(vector) for vector in vectors if isinstance(vector, tuple)), 1)


def components(name: str, given: Value, width: int, *, default: bool = False) -> Vector:
    """Read one number per component; where it is a default, the same number for all of them."""
    parts = given if isinstance(given, tuple) else (given,) * (width if default else 1)
    flat = tuple(part for part in parts if isinstance(part, Expr))
    if len(flat) != width:
        found = _counted(len(parts), "component") if flat else _counted(len(parts), "row")
        if given == Sym("theta0"):
            found = "no value"
        zeros = ",".join(["0"] * min(width, 4)) + ",…" * (width > 4)  # noqa: PLR2004 (what fits in a message)
        raise DlcalcError(
            f"{name} has {found}, the vectors have {_counted(width, 'component')}", f"write --{name} {zeros}, say"
        )
    return flat


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def gradient_rows(gradients: Value, width: int) -> tuple[Vector, ...]:
    """Read the gradients of the steps: numbers, rows, or one vector where the parameter is one."""
    parts = gradients if isinstance(gradients, tuple) else (gradients,)
    flat = tuple(part for part in parts if isinstance(part, Expr))
    rows: tuple[Vector, ...]
    if len(flat) == len(parts):
        rows = (flat,) if width > 1 else tuple((g,) for g in flat)
    else:
        rows = tuple(tuple(g for g in row if isinstance(g, Expr)) for row in parts if isinstance(row, tuple))
    for row in rows:
        if len(row) != width:
            raise DlcalcError(
                f"a gradient has {_counted(len(row), 'component')}, the parameter has {width}",
                f'separate the steps by ";" and give {_counted(width, "number")} for each',
            )
    return rows


def steps_asked(t: Expr | None, rows: tuple[Vector, ...], *, by_field: bool) -> Expr:
    """Read the number of steps: a number, or one letter."""
    if rows:
        if t is not None and t != number(len(rows)):
            raise DlcalcError(f"t is {plain(t)}, but there are {_counted(len(rows), 'gradient')}", "leave --t out")
        return number(len(rows))
    t = t if t is not None else ONE if by_field else T
    if not isinstance(t, Num | Sym):
        raise DlcalcError(f"t {plain(t)} is an expression", "use a whole number or one letter, such as t")
    if by_field and not (isinstance(t, Num) and 1 <= t.value <= MAX_STEPS):
        raise DlcalcError(f"--grad cannot be followed for t = {plain(t)} steps", f"use --t from 1 to {MAX_STEPS}")
    return t


def in_field(asked: Question, field: Vector) -> Question:
    """Ask with a gradient that is an expression in theta, or else in x or w."""
    used = symbols(field)
    indices = [str(i) for i in range(1, len(field) + 1)] if len(field) > 1 else []
    said = {name: [name, *(name + i for i in indices)] for name in ("theta", "x", "w")}
    variable = next((name for name, spellings in said.items() if used & set(spellings)), "theta")
    for name in sorted(used - set(said[variable])):
        if re.fullmatch(rf"{variable}[1-9]\d*", name):
            raise DlcalcError(
                f"{name} is no component of {variable}, which has {len(field)}", f"write {said[variable][-1]}"
            )
    return replace(asked, field=field, variable=variable)


def refuse_clashes(asked: Question) -> None:
    """Refuse letters that already mean something else in the question."""
    letters = asked.letters
    if asked.closed and len(asked.theta0) > 1:
        raise DlcalcError(
            f"a closed form is for one number, θ_0 has {len(asked.theta0)}", "give one component, or add --gradients"
        )
    for name in sorted(letters):
        if _RESERVED.fullmatch(name) and not (name == "g" and asked.gradients):
            raise DlcalcError(f"{name} names a part of the path here", "use another letter; the start is theta0 and v0")
    givens = {"alpha": (asked.alpha,), "epsilon": (asked.epsilon,), "v0": asked.v0, "theta0": asked.theta0}
    for name, given in givens.items():
        if name in letters and name not in symbols(given) and not (name == "alpha" and asked.convention == "ema"):
            raise DlcalcError(
                f"{name} is a letter, and is also given as {plain(given)}", "put in the number, or use another letter"
            )
    if symbols(asked.t) & replace(asked, t=ONE).letters:
        raise DlcalcError(f"{plain(asked.t)} is the number of steps and another given too", "use two letters")
