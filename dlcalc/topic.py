"""`@topic` turns a pure function of typed givens into a kind of question.

From that one definition follow the command with its help, the Python function with its coercions, the JSON
fields and the documentation. A topic is one module in `dlcalc/topics`, found by its file name.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import Given, dashed
from dlcalc.notation.expression import Expr
from dlcalc.notation.printing import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlcalc.solution import Solution


@dataclass(frozen=True)
class Parameter:
    """A given of a topic, under its name, with its default."""

    name: str
    given: Given
    default: Any
    required: bool


@dataclass(frozen=True)
class Topic:
    """A kind of question; calling it answers one."""

    function: Callable[..., Solution]
    area: str
    answers: tuple[str, ...]
    examples: tuple[str, ...]
    """Arguments of commands that run as they stand."""
    plots: bool = False
    """True where some of its answers have curves, which `--plot` and `--format svg` draw."""

    @property
    def name(self) -> str:
        """The command's name."""
        return self.function.__name__.replace("_", "-")

    @property
    def commands(self) -> tuple[str, ...]:
        """The examples as they are typed."""
        return tuple(f"dlcalc {self.name} {example}".rstrip() for example in self.examples)

    @property
    def documentation(self) -> str:
        """The docstring of the function."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return self.documentation.split("\n", 1)[0].rstrip(".")

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The givens, from the function's signature."""
        hints = get_type_hints(self.function, include_extras=True)
        found = []
        for name, parameter in inspect.signature(self.function).parameters.items():
            given = next(extra for extra in get_args(hints[name]) if isinstance(extra, Given))
            required = parameter.default is parameter.empty
            found.append(Parameter(name, given, None if required else parameter.default, required))
        return tuple(found)

    @cached_property
    def _canonical(self) -> dict[str, str]:
        """Every spelling of a given (its long options are keyword arguments too) and its name."""
        spelled = {p.name: p.name for p in self.parameters}
        for p in self.parameters:
            spelled |= {flag[2:].replace("-", "_"): p.name for flag in p.given.flags if flag.startswith("--")}
        return spelled

    def __call__(self, **raw: object) -> Solution:
        """Answer a question from text or Python values; every error restates the givens.

        Raises DlcalcError (exit code 2) for givens that are unknown, missing, unreadable or impossible.
        """
        raw = {self._canonical.get(name, name): value for name, value in raw.items() if value is not None}
        givens = " ".join([self.name, *(self._restated(name, value) for name, value in raw.items())])
        try:
            read = self._read(raw)
            solution = self.function(**read)
        except DlcalcError as problem:
            raise problem.restated(givens) from None
        written = {p.name: _written(read[p.name], p.given.between) for p in self.parameters if read[p.name] is not None}
        return replace(solution, topic=self.name, givens=written)

    def _restated(self, name: str, value: object) -> str:
        """Write a given as on the command line."""
        positional = any(p.name == name and p.given.positional for p in self.parameters)
        return f"'{_written(value)}'" if positional else f"--{dashed(name)} {_written(value)}"

    def _read(self, raw: dict[str, object]) -> dict[str, Any]:
        known = {p.name: p for p in self.parameters}
        for name in raw:
            if name not in known:
                raise DlcalcError(
                    f"{self.name} has no given {name!r}", nearest(name, known) or f"it takes {', '.join(known)}"
                )
        read = {}
        for parameter in self.parameters:
            if parameter.name in raw:
                read[parameter.name] = parameter.given.read(parameter.name, raw[parameter.name])
            elif parameter.required:
                raise DlcalcError(
                    f"--{dashed(parameter.name)} is missing",
                    f"add --{dashed(parameter.name)} {parameter.given.metavar}: {parameter.given.help}",
                )
            else:
                read[parameter.name] = parameter.default
        return read


def topic(
    *, area: str, answers: tuple[str, ...], examples: tuple[str, ...], plots: bool = False
) -> Callable[[Callable[..., Solution]], Topic]:
    """Declare a kind of question: its area, the names of its answers, examples that run, and whether it has curves."""

    def declare(function: Callable[..., Solution]) -> Topic:
        declared = Topic(function, area, answers, examples, plots)
        vars(declared)["__wrapped__"] = function  # doctest and help() find the function behind it
        vars(declared)["__doc__"] = function.__doc__
        vars(declared)["__module__"] = function.__module__
        return declared

    return declare


def _written(value: object, between: str = ",") -> str:
    if isinstance(value, Expr):
        return plain(value)
    if isinstance(value, tuple | list):
        nested = any(isinstance(v, tuple | list) for v in value)
        return (";" if nested else between).join(map(_written, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 (what fits on a line)
