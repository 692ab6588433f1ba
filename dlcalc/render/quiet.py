"""Only the answer, bare, for scripts."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Num
from dlcalc.notation.printing import decimal, plain

if TYPE_CHECKING:
    from dlcalc.notation.printing import Value
    from dlcalc.render import Layout
    from dlcalc.solution import Answer, Solution


def render(solution: Solution, layout: Layout) -> str:
    """Write the principal answer alone; several as `name<TAB>value`, one per line; a table as CSV."""
    from dlcalc.render.csv import written

    asked = [table for table in solution.tables if table.name in layout.get]
    if asked:
        return "\n\n".join(written(table) for table in asked)
    answers = [solution[name] for name in layout.get] or list(solution.principal_answers)
    if len(answers) == 1:
        return bare(answers[0], layout.decimals)
    return "\n".join(f"{answer.name}\t{bare(answer, layout.decimals)}" for answer in answers)


def bare(answer: Answer, decimals: int | None = None) -> str:
    """Write one answer: digits, `26x26x16`, decimals that round-trip, lists with commas, symbols as notation."""
    if answer.form == "size" and isinstance(answer.value, tuple):
        return answer.text
    return bare_value(answer.value, decimals)


def bare_value(value: Value, decimals: int | None = None) -> str:
    """Write a value without its name."""
    if isinstance(value, tuple):
        nested = any(isinstance(v, tuple) for v in value)
        return (";" if nested else ",").join(bare_value(v, decimals) for v in value)
    number = value.value if isinstance(value, Num) else approximate(value)
    if number is None:
        return plain(value)
    if isinstance(number, Fraction) and number.denominator == 1:
        return str(number.numerator)
    if decimals is not None:
        return _rounded(number, decimals)
    return _shortest(number) or plain(value)


def _shortest(number: Fraction | float) -> str:
    """Write the decimals that round-trip; nothing where floats cannot hold the number."""
    exact = decimal(number) if isinstance(number, Fraction) else None
    try:
        return exact or repr(float(number))
    except OverflowError:
        return ""


def _rounded(number: Fraction | float, decimals: int) -> str:
    """Round to a number of decimal places, half to even; a fraction exactly, however large."""
    scaled = round(Fraction(number) * 10**decimals)
    whole, rest = divmod(abs(scaled), 10**decimals)
    sign = "-" if scaled < 0 else ""
    return f"{sign}{whole}.{rest:0{decimals}d}" if decimals else f"{sign}{whole}"
