"""The values of the L1 and L2 penalties, and which of several weight vectors each prefers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Expr, Mul, Num, Pow, Sym, add, expr, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import POSITIVE, REAL, Answer, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Row = tuple[Expr, ...]
TWO = expr(2)
MAX_VECTORS = 20
WRITTEN = 8
"""Entries of a vector up to which its norms are written out."""


@topic(
    area="regularisation",
    answers=("l2", "l1", "scores", "l2_prefers", "l1_prefers"),
    examples=(
        '--weights "1,0,0,0;0.25,0.25,0.25,0.25" --x 1,1,1,1',
        "--weights a,b --decay lambda --penalty half",
    ),
)
def norm_penalty(
    *,
    weights: Annotated[
        Value, values("--w", "-W", "--theta", help='Weight vectors as rows "1,0,0,0;0.25,0.25,0.25,0.25", or one list.')
    ],
    x: Annotated[Value | None, values("-x", "--input", help="An input, to compare the scores w·x.")] = None,
    decay: Annotated[
        Expr, scalar("--lambda", "--alpha", "--weight-decay", help="Factor of the penalty (default 1).", least=0)
    ] = ONE,
    penalty: Annotated[str, choice("full", "half", help="L2 as full λΣw² (default) or half λ/2·Σw².")] = "full",
) -> Solution:
    """L1 and L2 penalty of weight vectors, and which of them each regularisation prefers.

    L2: λ Σ w² (half: λ/2 Σ w²); L1: λ Σ |w|. At an equal score w·x the L2 penalty prefers weights that are spread out over
    all inputs, ‖w‖² ≥ (w·x)²/‖x‖²; L1 does not mind where its sum stands. Rows are counted from 1.
    Source: Stanford CS231n course notes, Linear classification; Goodfellow, Bengio and Courville, Deep Learning (2016),
    section 7.1.

    Raises DlcalcError when the input is not as long as the vectors, or the factor is negative.

    >>> norm_penalty(weights="1,0,0,0;0.25,0.25,0.25,0.25")["l2"].text
    '1,0.25'
    """
    if (approximate(decay) or 0) < 0:
        raise DlcalcError(f"--decay {plain(decay)} is less than 0", "use 0 or more")
    rows = _rows(weights)
    single = len(rows) == 1
    at = _input(x, len(rows[0]))
    factor = decay / 2 if penalty == "half" else decay
    second = tuple(factor * add(*(w**2 for w in row)) for row in rows)
    first = tuple(decay * add(*(call("abs", w) for w in row)) for row in rows)
    scores = tuple(add(*(w * v for w, v in zip(row, at, strict=True))) for row in rows if at)

    def shaped(found: tuple[Expr, ...]) -> Value:
        return found[0] if single else found

    roots = tuple(call("sqrt", add(*(w**2 for w in row))) for row in rows)
    answers = [
        Answer(
            "l2",
            shaped(second),
            slips=(
                Slip(shaped(roots), "that is the norm: the penalty takes its square", "l2"),
                Slip(
                    shaped(tuple(v * 2 if penalty == "half" else v / 2 for v in second)),
                    "that is for the other form: --penalty half has a factor 1/2",
                    "l2",
                ),
            ),
        ),
        Answer("l1", shaped(first)),
    ]
    if at:
        answers.append(Answer("scores", shaped(scores)))
    numeric = not symbols(rows, decay) and len(rows) > 1
    notes = []
    if numeric:
        for name, found in (("l2_prefers", second), ("l1_prefers", first)):
            answers.append(Answer(name, _least(found), form="set"))
            if len(_least(found)) > 1:
                notes.append(f"{name}: rows {', '.join(map(unicode, _least(found)))} tie")
    if numeric and at and len(set(scores)) > 1:
        notes.append("the scores differ: the loss has a say too, not the penalty alone")
    letters = tuple(Sym(f"w_{i}") for i in range(1, len(rows[0]) + 1))

    def steps() -> Iterator[Step]:
        for i, row in enumerate(rows):
            which = "" if single else f" of row {i + 1}"
            if at and len(row) <= WRITTEN:
                written = [Mul((w, v)) for w, v in zip(row, at, strict=True)]
                yield Step("score", Sym(f"score_{i + 1}"), _sum(written), scores[i], f"the score{which}")
            if len(row) <= WRITTEN:
                squares, sizes = [Pow(w, TWO) for w in row], [Call("abs", (w,)) for w in row]
                yield Step("l2", Sym(f"l2_{i + 1}"), _times(factor, _sum(squares)), second[i], f"the L2 penalty{which}")
                yield Step("l1", Sym(f"l1_{i + 1}"), _times(decay, _sum(sizes)), first[i], f"the L1 penalty{which}")
        if numeric:
            for name, found in (("l2", second), ("l1", first)):
                least = found[int(_least(found)[0].value) - 1]
                yield Step(
                    "prefers", Sym(name), Call("min", found), least, f"the smallest {name.upper()} penalty is preferred"
                )
        if at and len(at) <= WRITTEN and not symbols(at) and any(v != ZERO for v in at):
            norm = add(*(v**2 for v in at))
            score = add(*(w * v for w, v in zip(letters, at, strict=True)))
            because = "for every w of this score (Cauchy–Schwarz): L2 is least where w is spread out like x"
            yield Step("bound", Sym("l2"), add(*(w**2 for w in letters)), score**2 / norm, because, ">=")
            top = call("max", *(call("abs", v) for v in at))
            because = "L1 only bounds the sum: all weight on one largest input is as good"
            yield Step(
                "bound", Sym("l1"), add(*(call("abs", w) for w in letters)), Div(call("abs", score), top), because, ">="
            )

    def looped(point: Mapping[str, Any]) -> list[Any]:
        """Add up products entry by entry."""
        lam = PLAIN.value(decay, point)
        firsts, seconds = [], []
        for row in rows:
            total = size = Fraction(0)
            for entry in row:
                w = PLAIN.value(entry, point)
                total, size = total + w * w, size + (w if w > 0 else -w)
            seconds.append(lam * total / (2 if penalty == "half" else 1))
            firsts.append(lam * size)
        return [*seconds, *firsts]

    domains = dict.fromkeys(sorted(symbols(rows, at)), REAL) | dict.fromkeys(sorted(symbols(decay)), POSITIVE)
    domains |= {letter.name: REAL for letter in letters if letter.name not in domains}
    half = "/2" if penalty == "half" else ""
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps()), (Route("penalties", "loops over the entries", (*second, *first), looped),)),
        setting=Setting(domains=domains),
        principal=("l2", "l1"),
        conventions=(f"L2 is λ{half}·Σ w², L1 is λ·Σ |w|, λ = {unicode(decay)}; rows are counted from 1",),
        notes=tuple(notes),
    )


def _rows(weights: Value) -> tuple[Row, ...]:
    lines = weights if isinstance(weights, tuple) else (weights,)
    if not isinstance(lines[0], tuple):
        lines = (lines,)
    if len(lines) > MAX_VECTORS:
        raise DlcalcError(f"--weights has {len(lines)} vectors", f"at most {MAX_VECTORS} are compared")
    return tuple(tuple(v for v in line if isinstance(v, Expr)) for line in lines if isinstance(line, tuple))


def _input(x: Value | None, length: int) -> Row:
    if x is None:
        return ()
    found = tuple(v for v in (x if isinstance(x, tuple) else (x,)) if isinstance(v, Expr))
    if len(found) != length:
        raise DlcalcError(f"--x has {len(found)} entries, but the weights have {length}", "give one input per weight")
    return found


def _least(found: tuple[Expr, ...]) -> tuple[Num, ...]:
    sizes = [v.value for v in found if isinstance(v, Num)]
    return tuple(number(i) for i, size in enumerate(sizes, 1) if size == min(sizes))


def _times(factor: Expr, total: Expr) -> Expr:
    return total if factor == ONE else Mul((factor, total))


def _sum(terms: list[Any]) -> Expr:
    found: Expr = Add(tuple(terms)) if len(terms) > 1 else terms[0]
    return found
