"""Where the proof is evaluated, and the sums that recompute the answers without knowing it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.givens import POSITIVE
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Entry, Num, Relation, Sym
from dlcalc.solution import COUNT, REAL, Route, Sequence, Setting, symbols
from dlcalc.topics.lse_bounds.question import MANY, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


ROUTE_DIGITS = 60


def setting(asked: Question) -> Setting:
    """Say where the names are sampled; a long list of numbers, and t·x, are families of entries."""
    vector, t, length = asked.vector, asked.t, asked.of_any_length().vector.length
    free = (*vector.entries, *asked.scale) if vector.entries else (asked.of_any_length().same, *asked.scale)
    domains = dict.fromkeys(sorted(symbols(*free) - {vector.name}), REAL)
    domains |= dict.fromkeys(sorted(symbols(length)), MANY if vector.countless else COUNT)
    if isinstance(t, Sym) and t.name not in symbols(length):
        domains[t.name] = POSITIVE
    definitions: dict[str, Callable[..., Any]] = {}
    if vector.known and not vector.written_out:
        definitions[vector.name] = lambda _, index=None: vector.numbers if index is None else vector.numbers[index - 1]
    if vector.countless and t is not None:
        definitions[asked.exponents] = lambda point, index=None: _exponents(asked, point, index)
    generic = not vector.entries or vector.entries == (Entry(vector.name, ONE),)
    positive = [Relation(t, ">", ZERO)] if t is not None and not isinstance(t, Num | Sym) else []
    nonempty = [Relation(length, ">=", ONE)] if not isinstance(length, Num | Sym) else []
    return Setting(
        domains=domains,
        constraints=(*positive, *nonempty),
        sequences={vector.name: Sequence(length)} if generic else {},
        definitions=definitions,
        families=frozenset(definitions),
    )


def _exponents(asked: Question, point: Mapping[str, Any], index: int | None) -> Any:  # noqa: ANN401 (one, or all)
    found = tuple(PLAIN.value(asked.scaled(Num(x)), point) for x in point[asked.vector.name])
    return found if index is None else found[index - 1]


def routes(asked: Question) -> tuple[Route, ...]:
    """Add the exponentials up as the definition says, with digits and exponents that nothing overflows."""
    vector, found = asked.vector, (asked.lse, asked.largest, asked.upper)
    if asked.numeric and None in map(approximate, found):
        return ()

    def added(point: Mapping[str, Any]) -> list[float]:
        import mpmath

        with mpmath.workdps(ROUTE_DIGITS):
            entries = sorted([_wide(PLAIN.value(x, point)) for x in vector.entries] or map(_wide, point[vector.name]))
            scale = _wide(ONE.value if asked.t is None else PLAIN.value(asked.t, point))
            total = mpmath.fsum(mpmath.exp(scale * x) for x in entries)
            copies = _wide(PLAIN.value(vector.length, point)) * mpmath.exp(scale * entries[-1])
            return [float(value) for value in (mpmath.log(total) / scale, entries[-1], mpmath.log(copies) / scale)]

    method = f"the exponentials themselves, and n copies of the largest, added up with {ROUTE_DIGITS} digits"
    return (Route("LSE and its bounds", method, found, added),)


def _wide(value: Fraction | float) -> Any:  # noqa: ANN401 (mpmath has no types)
    import mpmath

    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator
