"""The function that is asked about: by its name with parameters, or as an expression of one variable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dlcalc.calculus.scalar import derivative
from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import named_parts, read_scalar, split_outside
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Expr, Sym, fold, names, substitute
from dlcalc.notation.parser import Scope, parse
from dlcalc.notation.tokens import spelled
from dlcalc.solution import POSITIVE, REAL, Domain
from dlcalc.topics.activation.facts import Facts, X
from dlcalc.topics.activation.named import NAMED
from dlcalc.topics.activation.places import meeting_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.topics.activation.named import Named, Parameters

VARIABLES = ("x", "z", "a", "t", "u", "v", "s", "y", "h")
"""What the variable of an expression is called, the first of them that occurs."""
KNOWN = {spelling.replace("-", ""): name for name, row in NAMED.items() for spelling in (name, *row.synonyms)}
UNDEFINED = (ArithmeticError, ValueError)


@dataclass(frozen=True)
class Asked:
    """A function of x, with what is known of it."""

    name: str
    """Its name in the table; empty for an expression."""
    function: Expr
    slope: Expr
    written: Expr
    """The derivative as the engine writes it, where the one shown is shorter."""
    known: Facts | None
    """What the table says."""
    conventions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parameters: tuple[tuple[str, Expr], ...] = ()
    """What a named function has besides x."""

    @property
    def free(self) -> tuple[str, ...]:
        """The parameters that are symbols."""
        return tuple(sorted((names(self.function) | names(self.slope)) - {X.name}))

    @cached_property
    def facts(self) -> Facts | None:
        """All facts: of the table, or found; None while an expression has symbols, or what is found is not all."""
        return self._found[0]

    @property
    def unsettled(self) -> str:
        """Why facts that were looked for are not known."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[Facts | None, str]:
        if self.known is not None or self.free:
            return self.known, ""
        from dlcalc.topics.activation.finding import UnsettledError, found_facts

        try:
            return found_facts(self.function, self.slope), ""
        except UnsettledError as problem:
            return None, str(problem)

    @cached_property
    def meetings(self) -> tuple[Expr, ...]:
        """Where pieces of the function meet."""
        return meeting_points(self.function)

    @property
    def domains(self) -> dict[str, Domain]:
        """Where x and the parameters are sampled: those of a named function are positive."""
        return {X.name: REAL, **dict.fromkeys(self.free, POSITIVE if self.name else REAL)}

    def value(self, x: Expr) -> Expr:
        """Return f(x), exact where it is rational."""
        return computed(self.function, x)

    def slope_at(self, x: Expr) -> Expr:
        """Return f'(x), by convention where the slope jumps."""
        return computed(self.slope, x)


def computed(node: Expr, x: Expr) -> Expr:
    """Put x in.

    Raises DlcalcError where there is no value.
    """
    try:
        found = fold(substitute(node, {X.name: x}))
        if not names(found):
            PLAIN.value(found, {})
    except OverflowError:
        pass
    except DlcalcError as problem:
        raise DlcalcError(f"{node} has no value at x = {x}: {problem.condition}", "use another x") from None
    except UNDEFINED:
        raise DlcalcError(f"{node} has no value at x = {x}", "use another x") from None
    return found


def asked(text: str, parameters: Mapping[str, Expr | None], values: str) -> Asked:
    """Read a name or an expression; `parameters` are options, of which a function takes those it has."""
    given = {name: value for name, value in parameters.items() if value is not None}
    key = spelled(text.strip()).lower().replace("-", "").replace("_", "").replace(" ", "")
    if key in KNOWN:
        if values.strip():
            raise DlcalcError(f"--with is for expressions, and {KNOWN[key]} is a name", "use --alpha or --beta")
        return _named(KNOWN[key], NAMED[KNOWN[key]], given)
    if all(part.isalpha() and len(part) > 1 for part in spelled(text.strip()).replace("-", "_").split("_")):
        fix = nearest(text.strip().lower(), [*NAMED, *KNOWN]) or f"use {', '.join(NAMED)}, or an expression in x"
        raise DlcalcError(f"{text.strip()[:40]} is not an activation function that is known", fix)
    if given:
        option = next(iter(given))
        raise DlcalcError(f"--{option} is for the named functions", f"write --with {option}={given[option]}")
    return _expression(text, values)


def _named(name: str, row: Named, given: dict[str, Expr]) -> Asked:
    extra = [option for option in given if option not in row.defaults]
    if extra:
        takes = ", ".join(f"--{p}" for p in row.defaults if p not in {"tanh", "form"}) or "no parameter"
        raise DlcalcError(f"{name} has no {extra[0]}", f"it takes {takes}")
    chosen: Parameters = {**row.defaults, **given}
    for option, value in chosen.items():
        if X.name in names(value):
            raise DlcalcError(f"--{option} {value} depends on x", "write the whole function as an expression")
    switches = {"tanh", "form", "zero"}
    letters = {p: chosen[p] if p in switches or chosen[p] in {ZERO, ONE} else Sym(f"parameter_{p}") for p in chosen}
    put_in = {f"parameter_{p}": value for p, value in chosen.items()}
    function = row.formula(chosen)
    written = fold(substitute(derivative(row.formula(letters), X.name), put_in))
    tidy = written if row.tidy is None else row.tidy(chosen)
    shown = tuple((p, value) for p, value in chosen.items() if p not in switches)
    return Asked(name, function, tidy, written, row.facts(chosen), row.conventions(chosen), parameters=shown)


def _expression(text: str, values: str) -> Asked:
    """Read an expression; its variable becomes x."""
    function = parse(text, Scope(euler="e" not in _given_names(values)))
    present = names(function)
    variable = next((v for v in VARIABLES if v in present), min(present, default="x")) if present else "x"
    if present and variable not in VARIABLES and len(present) > 1:
        raise DlcalcError(f"which of {', '.join(sorted(present))} is the variable?", "call it x")
    notes = [f"{variable} is the variable; below it is called x"] if variable != X.name else []
    if "e" in names(parse(text)) - present:
        notes.append("e is Euler's number; --with e=2, say, makes it a parameter")
    function = fold(substitute(function, {variable: X, **_values(values, present - {variable})}))
    slope = derivative(function, X.name)
    return Asked("", function, slope, slope, None, (), tuple(notes))


def _given_names(text: str) -> frozenset[str]:
    return frozenset(spelled(part.partition("=")[0].strip()) for part in split_outside(text, ",;"))


def _values(text: str, present: frozenset[str]) -> dict[str, Expr]:
    """Read `w0=0, w1=2`."""
    found: dict[str, Expr] = {}
    for name, value in named_parts("--with", text, "--with w0=-1,w1=1").items() if text.strip() else ():
        if name not in present:
            fix = nearest(name, present) or f"it has {', '.join(sorted(present)) or 'no parameters'}"
            raise DlcalcError(f"--with {name} is not a parameter of the function", fix)
        found[name] = read_scalar("with", value)
        if X.name in names(found[name]):
            raise DlcalcError(f"--with {name}={found[name]} depends on x", "give a number or another symbol")
    return found
