"""Whether a formula is the activation function: for all x, for which values of a parameter, and where it fails."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO, Add, Expr, Mul, Num, Sym, names, number, substitute
from dlcalc.notation.functions import call
from dlcalc.notation.printing import unicode
from dlcalc.solution import Answer, Experiment, Slip, Step, word
from dlcalc.topics.activation.facts import X
from dlcalc.topics.activation.places import SIMPLE, identified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.topics.activation.asking import Asked

WORDS = ("yes", "no", "sometimes")
PLACES = tuple(
    sign * Fraction(size)
    for size in (
        "1",
        "2",
        "1/2",
        "3",
        "4",
        "5",
        "1/4",
        "1/10",
        "1/1000",
        "1/100000",
        "8",
        "12",
        "20",
        "50",
        "300",
        "0",
        "3/2",
        "7",
    )
    for sign in (1, -1)
)
"""Where both are compared, the simplest first: the first that differs is the counterexample."""
VALUES = (*(Fraction(n, 8) for n in range(-32, 33)), Fraction(1, 100), Fraction(99, 100), Fraction(101, 100))
SIMPLEST = tuple(Fraction(text) for text in ("1", "2", "1/2", "-1", "3", "1/4", "-2", "4", "0"))
CLOSE = 1e-10
"""Values that differ by less than this part of their size are the same."""
NEAR = Fraction(1, 10_000)
"""A bound this close to a simple fraction is that fraction."""
HALVINGS = 50
TRIALS = 60


class Comparison(NamedTuple):
    """A function and a formula, over one parameter or none."""

    asked: Asked
    other: Expr
    parameter: str
    """The symbol whose values decide; empty where there is none."""

    def differs(self, x: Fraction, p: Fraction | None) -> bool:
        """Say whether both differ at a place; where floats overflow, nothing is said."""
        point: dict[str, Fraction] = {X.name: x}
        if p is not None:
            point[self.parameter] = p
        try:
            left, right = (float(PLAIN.value(node, point)) for node in (self.asked.function, self.other))
        except (ArithmeticError, ValueError):
            return False
        if not (math.isfinite(left) and math.isfinite(right)):
            return left != right
        return abs(left - right) > CLOSE * max(abs(left), abs(right))

    def holds(self, p: Fraction | None, half: int = 0) -> bool:
        """Say whether both agree at all places: of one half where `half` is 1 (x > 0) or -1 (x ≤ 0)."""
        return not any(self.differs(x, p) for x in PLACES if half == 0 or (x > 0) == (half > 0))


class Verdict(NamedTuple):
    """For which values of the parameter a formula is right: up to a bound, from a bound on, for all, for none."""

    word: str
    bound: Expr | None = None
    upwards: bool = False


def compared(asked: Asked, text: str) -> Comparison:
    """Read the formula.

    Raises DlcalcError for names that the function does not have.
    """
    from dlcalc.notation.parser import Scope, parse

    known = {"z": X, **dict(asked.parameters)}
    scope = Scope(names=frozenset({X.name, *asked.free}) - known.keys(), aliases=known, closed=True, euler=True)
    other = parse(text, scope)
    if len(asked.free) > 1:
        raise DlcalcError(f"the comparison has {len(asked.free)} parameters", "give numbers to all but one")
    return Comparison(asked, other, asked.free[0] if asked.free else "")


def judged(comparison: Comparison, half: int = 0) -> Verdict:
    """Find for which values of the parameter both agree."""
    if not comparison.parameter:
        return Verdict("yes" if comparison.holds(None, half) else "no")
    values = sorted(VALUES)
    held = [comparison.holds(p, half) for p in values]
    if all(held) or not any(held):
        return Verdict("yes" if all(held) else "no")
    upwards = held[-1]
    ordered = list(zip(values, held, strict=True))[:: -1 if upwards else 1]
    good = [p for p, right in ordered if right]
    if [right for _, right in ordered] != [True] * len(good) + [False] * (len(values) - len(good)):
        return Verdict("sometimes")
    inside, outside = good[-1], ordered[len(good)][0]
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        simple = middle.limit_denominator(SIMPLE * SIMPLE)
        inside, outside = (simple, outside) if comparison.holds(simple, half) else (inside, simple)
        if inside == outside:
            break
    round_number = inside.limit_denominator(100)
    bound = number(round_number) if abs(round_number - inside) < NEAR else identified(float(inside))
    if isinstance(bound, Num) and not comparison.holds(bound.value, half):
        return Verdict("sometimes")
    return Verdict("sometimes", bound, upwards)


def counterexample(comparison: Comparison) -> tuple[Fraction, Fraction | None] | None:
    """Return the simplest place, and value of the parameter, where both differ."""
    values: Sequence[Fraction | None] = (*SIMPLEST, *sorted(VALUES)) if comparison.parameter else (None,)
    return next(((x, p) for p in values for x in PLACES if comparison.differs(x, p)), None)


def equality_answers(comparison: Comparison) -> tuple[Answer, ...]:
    """Answer whether both are the same, up to which value of the parameter, and where they differ."""
    verdict, found = judged(comparison), counterexample(comparison)
    because = equality_said(comparison)[0]
    slips = tuple(Slip(Sym(w), because) for w in WORDS if w != verdict.word)
    answers = [word("equal", verdict.word, WORDS, slips)]
    if verdict.bound is not None:
        answers.append(Answer("holds_from" if verdict.upwards else "holds_up_to", verdict.bound))
    if found is not None:
        x, p = found
        answers.append(Answer("counterexample", number(x)))
        if p is not None:
            answers.append(Answer(f"counterexample_{comparison.parameter}", number(p)))
        answers += [
            Answer(name, node) for name, node in zip(("there", "formula_there"), _there(comparison), strict=True)
        ]
    return tuple(answers)


def _there(comparison: Comparison) -> tuple[Expr, Expr]:
    """Return both values at the counterexample."""
    from dlcalc.notation.expression import fold

    found = counterexample(comparison)
    if found is None:
        raise ValueError(comparison)
    point = {X.name: number(found[0])} | ({comparison.parameter: number(found[1])} if found[1] is not None else {})
    first, second = (fold(substitute(node, point)) for node in (comparison.asked.function, comparison.other))
    return first, second


def equality_said(comparison: Comparison) -> tuple[str, ...]:
    """Say for which values the formula is right: for all x, and on each half."""
    if not comparison.parameter:
        verdict = judged(comparison).word
        if verdict == "yes":
            return ("both agree at every x",)
        return (_difference(comparison), *_first_difference(comparison, None))
    name = unicode(Sym(comparison.parameter))
    said = [f"equal at every x {_condition(judged(comparison), name)}"]
    for half, text in ((-1, "x ≤ 0"), (1, "x > 0")):
        said.append(f"on {text}: equal {_condition(judged(comparison, half), name)}")
    found = counterexample(comparison)
    if found is not None:
        said.append(_difference(comparison))
        said += _first_difference(comparison, Fraction(1, 2))
    return ("; ".join(said[:1]), *said[1:])


def _condition(verdict: Verdict, name: str) -> str:
    if verdict.word != "sometimes":
        return f"for all {name}" if verdict.word == "yes" else f"for no {name}"
    if verdict.bound is None:
        return f"for some {name} only"
    sign = "≥" if verdict.upwards else "≤"
    beyond = f", for no {name} > 0" if verdict.bound == ZERO and not verdict.upwards else ""
    return f"exactly for {name} {sign} {unicode(verdict.bound)}{beyond}"


def _difference(comparison: Comparison) -> str:
    from dlcalc.notation.evaluate import approximate

    found = counterexample(comparison)
    if found is None:
        return ""
    first, second = (approximate(value) for value in _there(comparison))
    at = f"x = {found[0]}"
    if found[1] is not None:
        at = f"{unicode(Sym(comparison.parameter))} = {found[1]}, {at}"
    return f"at {at} the function is {first:.4g}, the formula {second:.4g}"


def _first_difference(comparison: Comparison, p: Fraction | None) -> tuple[str, ...]:
    """Say up to which x > 0 both agree before they part."""
    steps = [Fraction(n, 16) for n in range(1, 16 * 40)]
    at = next((x for x in steps if comparison.differs(x, p)), None)
    if at is None or at == steps[0]:
        return ()
    low, high = at - Fraction(1, 16), at
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if comparison.differs(middle, p) else (middle, high)
    value = "" if p is None else f"for {unicode(Sym(comparison.parameter))} = {p} "
    return (f"{value}both agree on 0 < x up to x ≈ {float(low):.4f}",)


# the evidence


def equality_steps(comparison: Comparison) -> tuple[Step, ...]:
    """Show where both agree, at random x and values of the parameter there, and the counterexample."""
    target, verdict = Sym("equal"), judged(comparison)
    function, other = comparison.asked.function, comparison.other
    steps: list[Step] = []
    if verdict.word == "yes":
        steps.append(Step("equal", target, function, other, "the same at every x"))
    elif verdict.bound is not None:
        steps.append(_within(comparison, verdict, {}, "for every x"))
    if comparison.parameter:
        for half, text in ((-1, "x ≤ 0"), (1, "x > 0")):
            of_half = judged(comparison, half)
            if of_half.bound is not None and of_half.bound != verdict.bound:
                side = Mul((number(half), Sym("c")))
                steps.append(_within(comparison, of_half, {X.name: side}, f"on {text}"))
    found = counterexample(comparison)
    if found is not None:
        point = {X.name: number(found[0])} | ({comparison.parameter: number(found[1])} if found[1] is not None else {})
        first, second = (float(PLAIN.value(node, {n: v.value for n, v in point.items()})) for node in (function, other))
        left, right = (substitute(node, dict(point)) for node in (function, other))
        because = f"a counterexample: {_difference(comparison)}"
        steps.append(Step("equal", target, left, right, because, "<" if first < second else ">"))
    if comparison.asked.name == "elu" and comparison.parameter == "alpha" and verdict.word != "yes":
        alpha = Sym("alpha")
        closed = call("max", ZERO, X) + call("min", ZERO, alpha * (call("exp", X) - 1))
        steps.append(Step("closed form", target, function, closed, "what holds for every alpha > 0"))
    return tuple(steps)


def _within(comparison: Comparison, verdict: Verdict, where: dict[str, Expr], text: str) -> Step:
    """Compare at the values of the parameter for which both agree: the bound, and any distance d inside."""
    if verdict.bound is None:
        raise ValueError(verdict)
    inside = Add((verdict.bound, Mul((number(1 if verdict.upwards else -1), Sym("d")))))
    point = {comparison.parameter: inside, **where}
    left, right = (substitute(node, point) for node in (comparison.asked.function, comparison.other))
    name = unicode(Sym(comparison.parameter))
    return Step("equal", Sym("equal"), left, right, f"{text}, {name} = {unicode(inside)} with d > 0: the same")


def equality_routes(comparison: Comparison) -> tuple[Experiment, ...]:
    """Draw parameters and places at random, and count where the verdict is wrong."""

    def run(seed: int) -> tuple[float, float]:
        from random import Random

        generator = Random(seed)  # noqa: S311 (nothing is kept secret)
        verdict, wrong = judged(comparison), 0
        for _ in range(TRIALS):
            p = Fraction(generator.randint(-300, 300), 97) if comparison.parameter else None
            places = [Fraction(generator.randint(-4000, 4000), 101) for _ in range(TRIALS)]
            agrees = not any(comparison.differs(x, p) for x in places)
            wrong += agrees != _expected(verdict, p) and not (verdict.word == "sometimes" and verdict.bound is None)
        return float(wrong), 0.0

    method = f"{TRIALS} random parameters, {TRIALS} random x each, in floats"
    return (Experiment("where both agree", method, run),)


def _expected(verdict: Verdict, p: Fraction | None) -> bool:
    if verdict.word != "sometimes" or verdict.bound is None or p is None:
        return verdict.word == "yes"
    bound = float(PLAIN.value(verdict.bound, {}))
    return float(p) >= bound if verdict.upwards else float(p) <= bound


def uses(text: str) -> frozenset[str]:
    """Return the names in a formula, whatever they mean."""
    from dlcalc.notation.parser import parse

    return names(parse(text))
