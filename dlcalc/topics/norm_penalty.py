"""The values of the L1 and L2 penalties, and which of several weight vectors each prefers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from dlcalc.entries import entries
from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Expr, Mul, Num, Pow, Sym, add, expr, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import POSITIVE, REAL, Answer, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Row = tuple[Expr, ...]
TWO = expr(2)
MAX_VECTORS = 20
WRITTEN = 8
"""Entries of a vector up to which its norms are written out."""


class _Asked(NamedTuple):
    """Weight vectors, an input (or nothing), the factor and the form of the L2 penalty."""

    rows: tuple[Row, ...]
    x: Row
    decay: Expr
    half: bool

    @property
    def factor(self) -> Expr:
        """What multiplies the sum of squares."""
        return self.decay / 2 if self.half else self.decay

    @property
    def second(self) -> Row:
        """The L2 penalties."""
        return tuple(self.factor * add(*(w**2 for w in row)) for row in self.rows)

    @property
    def first(self) -> Row:
        """The L1 penalties."""
        return tuple(self.decay * add(*(call("abs", w) for w in row)) for row in self.rows)

    @property
    def scores(self) -> Row:
        """The products w·x."""
        return tuple(add(*(w * v for w, v in zip(row, self.x, strict=True))) for row in self.rows if self.x)

    @property
    def compared(self) -> bool:
        """Whether there are several vectors of numbers."""
        return len(self.rows) > 1 and not symbols(self.rows, self.decay)

    def shaped(self, found: Row) -> Value:
        """Give one vector's value as a number."""
        return found[0] if len(self.rows) == 1 else found


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
        Value, values("--w", "-W", "--theta", help='Weight vectors as rows "1,0;0.5,0.5", or one list 1,0.')
    ],
    x: Annotated[Value | None, values("-x", "--input", help="An input, to compare the scores w·x.")] = None,
    decay: Annotated[
        Expr, scalar("--lambda", "--alpha", "--weight-decay", help="Factor of the penalty (default 1).", least=0)
    ] = ONE,
    penalty: Annotated[str, choice("full", "half", help="L2 as full λΣw² (default) or half λ/2·Σw².")] = "full",
) -> Solution:
    """L1 and L2 penalty of weight vectors, and which of them each regularisation prefers.

    L2: λ Σ w² (half: λ/2 Σ w²); L1: λ Σ |w|. At an equal score w·x the L2 penalty prefers weights spread out over all
    inputs, ‖w‖² ≥ (w·x)²/‖x‖²; L1 does not mind where its sum stands. Rows are counted from 1.
    Source: Stanford CS231n course notes, Linear classification; Goodfellow, Bengio and Courville, Deep Learning (2016),
    section 7.1.

    Raises DlcalcError when the input is not as long as the vectors, or the factor is negative.

    >>> norm_penalty(weights="1,0,0,0;0.25,0.25,0.25,0.25")["l2"].text
    '1,0.25'
    """
    if (approximate(decay) or 0) < 0:
        raise DlcalcError(f"--decay {plain(decay)} is less than 0", "use 0 or more")
    rows = _rows(weights)
    asked = _Asked(rows, _input(x, len(rows[0])), decay, penalty == "half")
    letters = tuple(Sym(f"w_{i}") for i in range(1, len(rows[0]) + 1))
    domains = dict.fromkeys(sorted(symbols(rows, asked.x)), REAL) | dict.fromkeys(sorted(symbols(decay)), POSITIVE)
    domains |= {letter.name: REAL for letter in letters if letter.name not in domains}
    half = "½·" if asked.half else ""
    return Solution(
        answers=tuple(_answers(asked)),
        work=lambda: Work((*_values(asked), *_bounds(asked, letters)), (_route(asked),)),
        setting=Setting(domains=domains, definitions=_definitions(asked)),
        principal=("l2", "l1"),
        conventions=(f"L2 is {half}{_dotted(decay)}Σ w², L1 is {_dotted(decay)}Σ |w|; rows are counted from 1",),
        notes=tuple(_notes(asked)),
    )


def _dotted(factor: Expr) -> str:
    return "" if factor == ONE else f"{unicode(factor)}·"


def _rows(weights: Value) -> tuple[Row, ...]:
    lines = weights if isinstance(weights, tuple) and isinstance(weights[0], tuple) else (weights,)
    if len(lines) > MAX_VECTORS:
        raise DlcalcError(f"--weights has {len(lines)} vectors", f"at most {MAX_VECTORS} are compared")
    return tuple(tuple(entries(line)) for line in lines)


def _input(x: Value | None, length: int) -> Row:
    found = () if x is None else tuple(entries(x))
    if x is not None and len(found) != length:
        raise DlcalcError(f"--x has {len(found)} entries, but the weights have {length}", "give one input per weight")
    return found


def _answers(asked: _Asked) -> Iterator[Answer]:
    roots = tuple(call("sqrt", add(*(w**2 for w in row))) for row in asked.rows)
    other = asked._replace(half=not asked.half).second
    yield Answer(
        "l2",
        asked.shaped(asked.second),
        slips=(
            Slip(asked.shaped(roots), "that is the norm: the penalty takes its square", "l2"),
            Slip(asked.shaped(other), "that is for the other form: --penalty half has a factor 1/2", "l2"),
        ),
    )
    yield Answer("l1", asked.shaped(asked.first))
    if asked.x:
        yield Answer("scores", asked.shaped(asked.scores))
    if asked.compared:
        yield Answer("l2_prefers", _least(asked.second), form="set", slips=tuple(_dearer("L2", asked.second)))
        yield Answer("l1_prefers", _least(asked.first), form="set", slips=tuple(_dearer("L1", asked.first)))


def _dearer(name: str, found: Row) -> Iterator[Slip]:
    """Say of every row that a penalty does not prefer how much larger its penalty is."""
    least = _least(found)
    lowest = found[int(least[0].value) - 1]
    for row, value in enumerate(found, 1):
        if number(row) not in least:
            because = f"the {name} penalty of row {row} is {unicode(value)}, larger than {unicode(lowest)}"
            yield Slip((number(row),), because, f"prefers {name}")


def _notes(asked: _Asked) -> Iterator[str]:
    if not asked.compared:
        return
    for name, found in (("l2_prefers", asked.second), ("l1_prefers", asked.first)):
        if len(tied := _least(found)) > 1:
            yield f"{name}: rows {', '.join(map(unicode, tied))} tie"
    if len(set(asked.scores)) > 1:
        yield "the scores differ: the loss has a say too, not the penalty alone"


def _least(found: Row) -> tuple[Num, ...]:
    sizes = [v.value for v in found if isinstance(v, Num)]
    return tuple(number(i) for i, size in enumerate(sizes, 1) if size == min(sizes))


def _definitions(asked: _Asked) -> dict[str, Callable[..., Any]]:
    """Compute the norms of every row by a loop."""
    found: dict[str, Callable[..., Any]] = {}
    for i in range(len(asked.rows)):
        found[f"l2_{i + 1}"] = lambda point, i=i: _looped(asked, point)[0][i]
        found[f"l1_{i + 1}"] = lambda point, i=i: _looped(asked, point)[1][i]
    return found


def _values(asked: _Asked) -> Iterator[Step]:
    """Write the scores and penalties of every row."""
    for i, row in enumerate(asked.rows if len(asked.rows[0]) <= WRITTEN else ()):
        which = "" if len(asked.rows) == 1 else f" of row {i + 1}"
        if asked.x:
            products = [Mul((w, v)) for w, v in zip(row, asked.x, strict=True)]
            yield Step("score", Sym(f"score_{i + 1}"), _sum(products), asked.scores[i], f"the score{which}")
        for name, factor, terms, value in (
            ("l2", asked.factor, [Pow(w, TWO) for w in row], asked.second[i]),
            ("l1", asked.decay, [Call("abs", (w,)) for w in row], asked.first[i]),
        ):
            target = Sym(f"{name}_{i + 1}")
            written = _sum(terms) if factor == ONE else Mul((factor, _sum(terms)))
            yield Step(name, target, target, written, f"the {name.upper()} penalty{which}")
            if plain(written) != plain(value):
                yield Step(name, target, written, value, "computed")
    if asked.compared:
        for name, found in (("L2", asked.second), ("L1", asked.first)):
            least = found[int(_least(found)[0].value) - 1]
            because = f"the smallest {name} penalty is preferred"
            yield Step(f"prefers {name}", Sym(name), Call("min", found), least, because)


def _bounds(asked: _Asked, letters: tuple[Sym, ...]) -> Iterator[Step]:
    """Bound both norms from below by the score, for every weight vector."""
    x = asked.x
    if not x or len(x) > WRITTEN or symbols(x) or all(v == ZERO for v in x):
        return
    score = add(*(w * v for w, v in zip(letters, x, strict=True)))
    because = "for every w of this score (Cauchy–Schwarz): L2 is least where w is spread out like x"
    squares = add(*(w**2 for w in letters))
    yield Step("bound", Sym("l2"), squares, score**2 / add(*(v**2 for v in x)), because, ">=")
    top = call("max", *(call("abs", v) for v in x))
    because = "L1 only bounds the sum: all weight on one largest input is as good"
    sizes = add(*(call("abs", w) for w in letters))
    yield Step("bound", Sym("l1"), sizes, Div(call("abs", score), top), because, ">=")


def _looped(asked: _Asked, point: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Add up products entry by entry."""
    lam = PLAIN.value(asked.decay, point)
    firsts, seconds = [], []
    for row in asked.rows:
        total = size = Fraction(0)
        for entry in row:
            w = PLAIN.value(entry, point)
            total, size = total + w * w, size + (w if w > 0 else -w)
        seconds.append(lam * total / (2 if asked.half else 1))
        firsts.append(lam * size)
    return seconds, firsts


def _route(asked: _Asked) -> Route:
    def run(point: Mapping[str, Any]) -> list[Any]:
        seconds, firsts = _looped(asked, point)
        return [*seconds, *firsts]

    return Route("penalties", "loops over the entries", (*asked.second, *asked.first), run)


def _sum(terms: list[Any]) -> Expr:
    found: Expr = Add(tuple(terms)) if len(terms) > 1 else terms[0]
    return found
