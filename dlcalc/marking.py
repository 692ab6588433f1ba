"""Marking an answer: shape first, then equality, then the slip that explains a wrong one.

Equality is exact between numbers; between expressions a counterexample is looked for at the sampled points,
and SymPy is asked for a proof where none is found.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.entries import shape, shape_text
from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.givens import read_values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, Expr, Num, Sym, names, number, walk
from dlcalc.notation.parser import Scope, parse
from dlcalc.notation.patterns import compiled
from dlcalc.notation.printing import Value, decimal, unicode
from dlcalc.solution import Answer, Mark, Slip, Solution, symbols

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dlcalc.numeric import Samples

SIGNIFICANT = 3
"""Digits that a rounded answer must have."""
SHORT = 40
"""Longest difference that is shown as a hint."""
_SAID = {"true": "yes", "y": "yes", "t": "yes", "1": "yes", "false": "no", "n": "no", "f": "no", "0": "no"}
"""Other ways to say yes and no."""
_ZEROS = r"(?<![\w.])\d*\.\d*0(?![\w.])"
"""A decimal number with zeros at its end, which are digits of a rounded number."""
_THOUSANDS = r"\s*[+-]?\d{1,3}(,\d{3})+\s*"


def marked(solution: Solution, given: Sequence[str]) -> Solution:
    """Return the solution with a mark for every answer handed in, as VALUE or NAME=VALUE.

    Raises DlcalcError for an answer that cannot be read, or that does not say which of several it is.
    """
    if solution.marker is not None:
        return replace(solution, marks=solution.marker(given, solution.seed))
    return replace(solution, marks=tuple(mark(solution, *_addressed(solution, text)) for text in given))


def _addressed(solution: Solution, text: str) -> tuple[Answer, str]:
    """Split NAME=VALUE; a bare value is for the principal answer."""
    wanted, value = split_named(text)
    if wanted is not None:
        return _by_label(solution, wanted) or solution[wanted], value
    if len(solution.principal_answers) > 1:
        listed = " or ".join(f"--answer {a.name}=…" for a in solution.principal_answers)
        raise DlcalcError(f"{solution.topic} has several answers", f"say which one: {listed}")
    return solution.principal_answers[0], text


def split_named(text: str) -> tuple[str | None, str]:
    """Split NAME=VALUE at its equals sign; None for the name where there is none, or only one inside brackets.

    >>> split_named("x = 1"), split_named("Σ_{k=1}^{n} k"), split_named("1(a >= b)")
    (('x', ' 1'), (None, 'Σ_{k=1}^{n} k'), (None, '1(a >= b)'))
    """
    name, equals, value = text.partition("=")
    inside = any(name.count(opening) > name.count(closing) for opening, closing in ("{}", "()", "[]"))  # Σ_{k=1}
    if not equals or inside or value[:1] == "=" or name.rstrip()[-1:] in {"<", ">", "!"}:
        return None, text
    return name.strip(), value


def _by_label(solution: Solution, wanted: str) -> Answer | None:
    """Find the answer that is labelled like this, `E(v_3)`; None where no label reads so."""
    names = {a.name for a in solution.answers}
    if wanted in names:
        return None
    try:
        label = parse(wanted, solution.setting.scope())
    except DlcalcError:
        return None
    return next((a for a in solution.answers if a.label == label), None)


def read_answer(text: str, answer: Answer, scope: Scope) -> Value:
    """Read an answer in the form of the right one: a number, a size, or a list."""
    if isinstance(answer.value, Expr):
        if compiled(_THOUSANDS).fullmatch(text):
            return parse(text.replace(",", ""), scope)
        if "," not in text and ";" not in text:
            return parse(text, scope)
    if answer.form == "size" and isinstance(answer.value, tuple) and not text.strip().startswith("["):
        given = tuple(parse(part, scope) for part in _axes(text.strip()))
        return given * len(answer.value) if len(given) == 1 == len(set(answer.value)) else given  # 56 for 56x56
    read = read_values("answer", text, scope)
    lengths = shape(answer.value)
    one_row = len(lengths) > len(shape(read)) and lengths[0] == 1  # text does not tell one row from a list
    if one_row or (lengths and isinstance(read, Expr)):
        return (read,)
    return _as_vector(read, lengths)


def _as_vector(read: Value, lengths: tuple[int, ...]) -> Value:
    """Take a list and a column of as many entries for each other: a vector is written either way."""
    match shape(read), lengths:
        case (many, 1), (entries,) if many == entries and isinstance(read, tuple):
            return tuple(entry for row in read if isinstance(row, tuple) for entry in row)
        case (entries,), (many, 1) if many == entries and isinstance(read, tuple):
            return tuple((entry,) for entry in read)
        case _:
            return read


def _axes(text: str) -> list[str]:
    """Split a size at each x, × or comma outside parentheses, which may also stand around all of it."""
    parts, depth, start = [], 0, 0
    for at, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if c in "x×," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    if not parts and text[:1] == "(" and text[-1:] == ")":
        return _axes(text[1:-1].strip())
    return [*parts, text[start:]]


def mark(solution: Solution, answer: Answer, text: str) -> Mark:
    """Judge one answer."""
    if answer.form == "word":
        return mark_word(answer, text.strip(), solution)
    scope = solution.setting.scope()
    try:
        given = read_answer(text, answer, replace(scope, aliases={**scope.aliases, **solution.setting.values}))
    except NotationError as problem:
        if not problem.condition.startswith("--answer"):
            problem.condition = f"--answer: {problem.condition}"
        raise
    if _asks_itself(answer, given):
        raise DlcalcError(f"--answer: {answer.name} is what is asked for", "write it in terms of the givens")
    if answer.form == "set" and isinstance(given, tuple):
        given = tuple(sorted(given, key=lambda entry: (not isinstance(entry, Num), getattr(entry, "value", 0))))
    text = text.strip()
    right, wrong = shape(answer.value), shape(given)
    if right != wrong:
        because = f"it is {shape_text(wrong)}, but {answer.name} is {shape_text(right)}"
        because = "; ".join(filter(None, (_explained(solution, answer, given, zeros(text)), because)))
        return Mark(answer.name, text, correct=False, because=because)
    try:
        found = _compare(given, answer.value, solution, zeros(text))
    except ArithmeticError:
        return Mark(answer.name, text, correct=None, because="the right answer is too large to evaluate at any point")
    if found is None:
        return _agreeing(solution, answer, given, text)
    because = "; ".join(filter(None, (_explained(solution, answer, given, zeros(text)), found[0])))
    return Mark(answer.name, text, correct=False, because=because, counterexample=found[1])


def mark_word(answer: Answer, text: str, solution: Solution | None = None) -> Mark:
    """Judge a word: yes and true are one, no and false another, and a word that the answer never is is refused."""
    given = text.strip("'\" ").lower().replace(" ", "-").replace("_", "-")
    given = given if given in answer.words else _SAID.get(given, given)
    if given not in answer.words:
        fix = nearest(given, answer.words) or f"use {' or '.join(answer.words)}"
        raise DlcalcError(f"--answer {answer.name}={_cut(text)} is not one of its words", fix)
    if given == answer.text:
        return Mark(answer.name, text, correct=True, because="the same verdict")
    slip = next((slip for slip in answer.slips if slip.value == Sym(given)), None)
    because = "" if slip is None else slip.because + (_place(solution, slip) if solution else "")
    return Mark(
        answer.name, text, correct=False, because="; ".join(filter(None, (because, f"the answer is {answer.text}")))
    )


def _cut(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def _asks_itself(answer: Answer, given: Value) -> bool:
    """Say whether an answer uses the very name that it should explain."""
    if isinstance(given, Expr):
        return any(node in (answer.label, Sym(answer.name)) for node in walk(given))
    return any(_asks_itself(answer, entry) for entry in given)


def _pairs(given: Value, right: Value) -> Iterator[tuple[Expr, Expr]]:
    if isinstance(given, Expr) and isinstance(right, Expr):
        yield given, right
    elif isinstance(given, tuple) and isinstance(right, tuple):
        for a, b in zip(given, right, strict=True):
            yield from _pairs(a, b)


def _same(given: Value, right: Value, samples: Samples) -> bool:
    from dlcalc.numeric import compare

    if shape(given) != shape(right):
        return False
    try:
        return all(compare(a, "=", b, samples).holds for a, b in _pairs(given, right))
    except (ArithmeticError, ValueError, IndexError):
        return False


def _rounds(given: Value, right: Value, ends: Mapping[Fraction, int]) -> bool:
    """Say whether numbers are those of another value, rounded."""
    return shape(given) == shape(right) and all(a == b or rounded_places(a, b, ends) for a, b in _pairs(given, right))


def _compare(
    given: Value, right: Value, solution: Solution, ends: Mapping[Fraction, int]
) -> tuple[str, dict[str, str]] | None:
    """Look for a point where the two differ: what differs there, in words and as numbers."""
    for position, (a, b) in enumerate(_pairs(given, right), 1):
        where = _where(position, shape(right))
        places, significant = _rounding(a, b, ends)
        if significant >= SIGNIFICANT:
            continue
        if places:
            where += f"rounded too far, give {SIGNIFICANT} significant digits or more: "
        if isinstance(a, Num) and isinstance(b, Num):
            if a.value != b.value:
                return f"{where}{unicode(a)} is not {unicode(b)}", {"given": unicode(a), "correct": unicode(b)}
            continue
        found = _counterexample(a, b, solution)
        if found is not None:
            shown = {k: v for k, v in found.items() if k not in {"given", "correct"}}
            at = ", ".join(f"{unicode(Sym(k), solution.setting.display)} = {v}" for k, v in shown.items())
            place = f"at {at} it" if at else "it"
            return f"{where}{place} gives {found['given']}, the correct value is {found['correct']}", found
    return None


def zeros(text: str) -> dict[Fraction, int]:
    """Find how many decimals are written of the numbers that end in zeros.

    >>> zeros("2.30, -1.5, 1.00")
    {Fraction(23, 10): 2, Fraction(1, 1): 2}
    """
    return {Fraction(found): len(found.partition(".")[2]) for found in compiled(_ZEROS).findall(text)}


def _where(position: int, lengths: tuple[int, ...]) -> str:
    """Name an entry of a list by its number, of a matrix by its row and column."""
    match lengths:
        case () | (1,):
            return ""
        case (_, columns):
            row, column = divmod(position - 1, columns)
            return f"entry [{row + 1},{column + 1}]: "
        case _:
            return f"entry {position}: "


def rounded_places(given: Expr, right: Expr, ends: Mapping[Fraction, int] | None = None) -> int:
    """Return how many decimals of a rounded number are right, when all of them are; otherwise 0.

    At least three significant digits count as an answer; `ends` says how many decimals of a number are written, if the
    last are zeros.
    """
    places, significant = _rounding(given, right, ends or {})
    return places if significant >= SIGNIFICANT else 0


def _rounding(given: Expr, right: Expr, ends: Mapping[Fraction, int]) -> tuple[int, int]:
    """Return the decimals and the significant digits of a number that is another one rounded; zeros if it is not."""
    if not isinstance(given, Num) or names(right) or (written := decimal(given.value)) is None:
        return 0, 0
    exact = right.value if isinstance(right, Num) else approximate(right)
    whole, _, digits = written.partition(".")
    places = max(len(digits), ends.get(abs(given.value), 0))
    if exact is None or not places or exact == given.value:
        return 0, 0
    fits = abs(Fraction(exact) - given.value) * 2 * 10**places <= 1
    return (places, len(f"{whole}{digits:0<{places}}".lstrip("-0"))) if fits else (0, 0)


def _counterexample(given: Expr, right: Expr, solution: Solution) -> dict[str, str] | None:
    from dlcalc.numeric import compare, has_value

    samples = solution.samples.needed_for(given, right)
    used = symbols(given, right)
    without_value, compared = [], 0
    for point in _simplest_first(samples, used):
        here = replace(samples, points=(point,))
        if not has_value(right, here):
            continue
        if not has_value(given, here):
            without_value.append(point)
            continue
        found = compare(given, "=", right, here)
        compared += 1
        if not found.holds:
            return {**_shown(point, used), "given": _decimal(found.left), "correct": _decimal(found.right)}
    if len(without_value) * 2 > samples.count:
        return {**_shown(without_value[0], used), "given": "no value", "correct": "a number"}
    if samples.points and not compared:
        raise ArithmeticError
    return None


def _simplest_first(samples: Samples, used: frozenset[str]) -> Iterable[dict[str, object]]:
    """Order the points so that the first counterexample is one to check by hand."""

    def size(point: dict[str, object]) -> Fraction:
        numbers = [v for k, v in point.items() if k in used and isinstance(v, int | Fraction)]
        return sum((abs(Fraction(v)) + Fraction(v).denominator for v in numbers), Fraction(0))

    return sorted(samples.points, key=size)


def _shown(point: dict[str, object], used: frozenset[str]) -> dict[str, str]:
    return {k: _decimal(v) for k, v in point.items() if k in used}


def _decimal(value: Any) -> str:  # noqa: ANN401 (an exact number, a float of some precision, or entries)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_decimal, value))}]"
    if isinstance(value, int | Fraction):
        return unicode(number(value))
    return f"{float(value):.6g}"


def _agreeing(solution: Solution, answer: Answer, given: Value, text: str) -> Mark:
    """Say how far the agreement reaches: the same number, proved, or at the sampled points."""
    if not symbols(given, answer.value):
        places = [rounded_places(a, b, zeros(text)) for a, b in _pairs(given, answer.value)]
        because = (
            f"rounded to {max(places)} decimals; exactly it is {unicode(answer.value)}"
            if any(places)
            else "the same value"
        )
        return Mark(answer.name, text, correct=True, because=because)
    points = solution.samples.count
    if not points:
        return Mark(answer.name, text, correct=None, because="no point satisfies all the assumptions")
    from dlcalc.symbolic import proved_equal

    if all(proved_equal(a, b, solution.setting) for a, b in _pairs(given, answer.value)):
        return Mark(answer.name, text, correct=True, because=f"proved equal, and agrees at {points} points")
    return Mark(answer.name, text, correct=True, because=f"agrees at {points} random points")


# slips


def _explained(solution: Solution, answer: Answer, given: Value, ends: Mapping[Fraction, int]) -> str:
    """Find the slip that turns the right answer into the one given."""
    samples = solution.samples
    for slip in (*answer.slips, *_general_slips(answer.value)):
        if _rounds(given, slip.value, ends) or _same(given, slip.value, samples):
            return slip.because + _place(solution, slip)
    for other in solution.answers:
        if other.name != answer.name and other.form != "word" and _same(given, other.value, samples):
            return f"that is {other.name}"
    return _difference(answer, given)


def _difference(answer: Answer, given: Value) -> str:
    """Say by what a formula is off, where that is short enough to help."""
    if not isinstance(given, Expr) or not isinstance(answer.value, Expr) or not symbols(given, answer.value):
        return ""
    from dlcalc.symbolic import simplified

    off = unicode(simplified(given - answer.value))
    return f"it is off by {off}" if len(off) <= SHORT else ""


def _place(solution: Solution, slip: Slip) -> str:
    """Name the step where the slip departs from the derivation."""
    for index, step in enumerate(solution.worked.steps, 1):
        if slip.rule and step.rule == slip.rule:
            return f" (departs at step {index}: {step.because})"
    return ""


def _general_slips(right: Value) -> Iterator[Slip]:
    for factor, because in (
        (-1, "the sign is reversed"),
        (Fraction(1, 2), "a factor 2 is missing"),
        (2, "there is a factor 2 too much"),
    ):
        yield Slip(_scaled(right, factor), because)
    for shift, because in ((1, "it is one too many"), (-1, "it is one too few")):
        yield Slip(_shifted(right, shift), because)


def _scaled(value: Value, factor: int | Fraction) -> Value:
    return value * factor if isinstance(value, Expr) else tuple(_scaled(v, factor) for v in value)


def _shifted(value: Value, by: int) -> Value:
    return value + ONE * by if isinstance(value, Expr) else tuple(_shifted(v, by) for v in value)
