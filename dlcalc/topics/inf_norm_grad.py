"""The gradient of the ∞-norm of a matrix, and the update with it as a penalty."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Expr, Mul, Num, Sym, add, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.parts import joined
from dlcalc.solution import POSITIVE, REAL, Answer, Experiment, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator

Rows = tuple[tuple[Num, ...], ...]
Matrix = tuple[tuple[Expr, ...], ...]
PROGRAMS = {"inf": "norm = norm_inf(W)", "one": "norm = norm_inf(W^T)"}
LINES = {"inf": "row", "one": "column"}
MAX_ENTRIES = 64
SHOWN = 9
"""Entries up to which the inequality of a subgradient is written with a letter for each."""
TRIALS = 500


@topic(
    area="regularisation",
    answers=("gradient", "norm", "lines", "sums", "updated"),
    examples=(
        '--weights "1,-2;3,4"',
        '--weights "1,-2,0;0.5,1,-1" --lr 0.1 --decay 0.5',
        '--weights "1,-2;3,0"',
        "",
    ),
)
def inf_norm_grad(
    *,
    weights: Annotated[
        Value | None, values("--matrix", "--w", "-W", help='Matrix as rows "1,-2;3,4", or a vector 1,-5,2.')
    ] = None,
    norm: Annotated[
        str, choice("inf", "one", help="inf: largest row sum of |w| (default); one: largest column sum.")
    ] = "inf",
    lr: Annotated[
        Expr | None, scalar("--eta", "--learning-rate", help="Learning rate: adds the updated weights.", least=0)
    ] = None,
    decay: Annotated[
        Expr | None,
        scalar(
            "--lambda",
            "--alpha",
            "--weight-decay",
            help="Factor of the penalty λ‖W‖ in the update (default 1).",
            least=0,
        ),
    ] = None,
) -> Solution:
    """Gradient of the matrix infinity norm ‖W‖_∞ (largest absolute row sum), and the weight update with it.

    ‖W‖_∞ = max_i Σ_j |w_ij|: the gradient is the sign of the row with the largest absolute sum and 0 elsewhere; with
    --norm one that of the largest column. Where rows tie there is no gradient: any mixture of theirs is a subgradient,
    and that of the first row is given. A vector counts as one column: its gradient is the sign of the largest entry.
    The update is W - η λ ∂‖W‖. Without a matrix the gradient is given in matrix notation.
    Source: Horn and Johnson, Matrix analysis (2012), section 5.6; Goodfellow, Bengio and Courville, Deep Learning
    (2016), section 7.1.

    Raises DlcalcError for entries that are no numbers, or a rate below 0.

    >>> inf_norm_grad(weights="1,-2;3,4")["gradient"].text
    '0,0;1,1'
    """
    for name, rate in (("lr", lr), ("decay", decay)):
        if rate is not None and (approximate(rate) or 0) < 0:
            raise DlcalcError(f"--{name} {plain(rate)} is less than 0", "use 0 or more")
    if decay is not None and lr is None:
        raise DlcalcError("--decay is for the update, which needs a learning rate", "add --lr")
    from dlcalc.topics.backprop import backprop

    if weights is None:
        found = backprop.function(program=PROGRAMS[norm], wrt="W")
        return replace(
            found, notes=(*found.notes, "where several tie, any mixture of their gradients is a subgradient")
        )
    rows = _rows(weights)
    flat = not (isinstance(weights, tuple) and isinstance(weights[0], tuple))
    case = _Case(rows, norm, flat, lr, decay or ONE)
    scalar_part = _by_definition(case)
    if len(case.largest) > 1 or ZERO in case.lines[case.chosen]:
        return scalar_part
    data = {"W": [[w.value for w in row] for row in rows]}
    engine = backprop.function(program=PROGRAMS[norm], wrt="W", at=data)
    derived = tuple(answer for answer in engine.answers if answer.name != "norm")
    return joined(scalar_part, replace(engine, answers=derived))


def _rows(weights: Value) -> Rows:
    """Read the matrix; a list is one column."""
    lines = weights if isinstance(weights, tuple) else (weights,)
    rows = tuple(line if isinstance(line, tuple) else (line,) for line in lines)
    entries = [entry for row in rows for entry in row]
    wrong = next((entry for entry in entries if not isinstance(entry, Num)), None)
    if wrong is not None:
        raise DlcalcError(
            f"--weights has {plain(wrong)}: without numbers no row is known to be the largest",
            "give numbers, or leave --weights out for the gradient in letters",
        )
    if len(entries) > MAX_ENTRIES:
        raise DlcalcError(f"--weights has {len(entries)} entries", f"at most {MAX_ENTRIES} are derived")
    return tuple(tuple(entry for entry in row if isinstance(entry, Num)) for row in rows)


class _Case(NamedTuple):
    """A matrix of numbers, what its norm adds up, and the update."""

    rows: Rows
    norm: str
    flat: bool
    """True where a list was given: one column."""
    lr: Expr | None
    decay: Expr

    @property
    def line(self) -> str:
        """What is added up: row or column."""
        return LINES[self.norm]

    def turned(self, matrix: Matrix) -> Matrix:
        """Return a matrix by its lines: rows, or columns."""
        return matrix if self.norm == "inf" else tuple(zip(*matrix, strict=True))

    @property
    def lines(self) -> Matrix:
        """What is added up: the rows, or the columns."""
        return self.turned(self.rows)

    @property
    def sums(self) -> tuple[Expr, ...]:
        """The absolute sums."""
        return tuple(add(*(call("abs", w) for w in line)) for line in self.lines)

    @property
    def largest(self) -> list[int]:
        """The lines with the largest sum."""
        sizes = [s.value for s in self.sums if isinstance(s, Num)]
        return [i for i, size in enumerate(sizes) if size == max(sizes)]

    @property
    def chosen(self) -> int:
        """The first of them."""
        return self.largest[0]

    def signs(self, chosen: int) -> Matrix:
        """Return the signs of one line, and 0 elsewhere."""
        lines = (tuple(call("sign", w) if i == chosen else ZERO for w in line) for i, line in enumerate(self.lines))
        return self.turned(tuple(lines))

    def moved(self, direction: int) -> Matrix:
        """Return the matrix after an update along the gradient."""
        rate = direction * (self.lr or ZERO) * self.decay
        pairs = zip(self.rows, self.signs(self.chosen), strict=True)
        return tuple(tuple(w + rate * g for w, g in zip(row, slopes, strict=True)) for row, slopes in pairs)

    def shaped(self, matrix: Matrix) -> Value:
        """Return a matrix as it was given: as a list where it is one column."""
        return tuple(row[0] for row in matrix) if self.flat else matrix


def _by_definition(case: _Case) -> Solution:
    """Answer with the sign of the first largest line, and prove that it is a subgradient."""
    letters = _letters(case)
    domains = {letter.name: REAL for row in letters for letter in row if isinstance(letter, Sym)}
    domains |= dict.fromkeys(sorted(symbols(case.decay, case.lr or ZERO)), POSITIVE)
    which = "‖W‖_∞ = max_i Σ_j |w_ij|: rows" if case.norm == "inf" else "‖W‖_1 = max_j Σ_i |w_ij|: columns"
    said = [f"{which} are added up; not the largest entry, and not the spectral norm"]
    if case.flat:
        said.append("a list is one column" + (": ‖w‖_∞ = max |w_i|" if case.norm == "inf" else ": ‖w‖_1 = Σ |w_i|"))
    if case.lr is not None:
        said.append(f"update W - {unicode(case.lr * case.decay)}·∂‖W‖, the penalty alone")
    return Solution(
        answers=tuple(_answers(case)),
        work=lambda: Work(tuple(_steps(case, letters)), (_tangent(case),)),
        setting=Setting(domains=domains),
        principal=("gradient",) if case.lr is None else ("gradient", "updated"),
        conventions=tuple(said),
        notes=tuple(_notes(case)),
    )


def _letters(case: _Case) -> Matrix:
    """Return a letter for each entry of any matrix; nothing where there are too many."""
    if len(case.rows) * len(case.rows[0]) > SHOWN:
        return ()
    return tuple(tuple(Sym(f"v_{i + 1}{j + 1}") for j in range(len(row))) for i, row in enumerate(case.rows))


def _answers(case: _Case) -> Iterator[Answer]:
    top = max(abs(w.value) for row in case.rows for w in row)
    signs = tuple(tuple(call("sign", w) for w in row) for row in case.rows)
    single = tuple(tuple(call("sign", w) if abs(w.value) == top else ZERO for w in row) for row in case.rows)
    slips = [
        Slip(
            case.shaped(case.signs(i)),
            f"that is a subgradient too, of {case.line} {i + 1}; the first that ties is asked",
        )
        for i in case.largest[1:]
    ]
    slips += [
        Slip(case.shaped(signs), f"that is the gradient of Σ|w|: only the largest {case.line} counts", "sign"),
        Slip(case.shaped(single), f"the largest {case.line} counts as a whole, not its largest entry", "sign"),
    ]
    yield Answer("gradient", case.shaped(case.signs(case.chosen)), slips=tuple(slips))
    yield Answer("norm", case.sums[case.chosen])
    yield Answer("lines", tuple(number(i + 1) for i in case.largest), form="set")
    yield Answer("sums", case.sums)
    if case.lr is not None:
        up = Slip(case.shaped(case.moved(1)), "the penalty is descended: minus", "update")
        yield Answer("updated", case.shaped(case.moved(-1)), slips=(up,))


def _notes(case: _Case) -> Iterator[str]:
    if len(case.largest) > 1:
        tied = ", ".join(str(i + 1) for i in case.largest)
        yield f"{case.line}s {tied} tie: no gradient there; any mixture of theirs is a subgradient, the first is given"
    if ZERO in case.lines[case.chosen]:
        at = f"{case.line} {case.chosen + 1}"
        yield f"{at} has an entry 0, a kink of |w|: sign(0) = 0 is taken; -1 to 1 are subgradients"


def _steps(case: _Case, letters: Matrix) -> Iterator[Step]:
    """Add the lines up, take the signs of the largest, and prove the inequality of a subgradient."""
    line, sums, picked = case.line, case.sums, case.lines[case.chosen]
    for i, (entries, size) in enumerate(zip(case.lines, sums, strict=True), 1):
        terms = tuple(Call("abs", (w,)) for w in entries)
        written: Expr = Add(terms) if len(terms) > 1 else terms[0]
        yield Step("sums", Sym(f"sum_{i}"), written, size, f"absolute sum of {line} {i}")
    tied = f"; {len(case.largest)} tie, the first is taken" if len(case.largest) > 1 else ""
    because = f"the largest: {line} {case.chosen + 1}{tied}"
    yield Step("norm", Sym("norm"), Call("max", sums), sums[case.chosen], because)
    signs = tuple(call("sign", w) for w in picked)
    because = f"|w| has the slope sign(w): the gradient in {line} {case.chosen + 1}, 0 in every other"
    yield Step("sign", Sym("gradient"), tuple(Call("sign", (w,)) for w in picked), signs, because)
    if letters:
        every = [add(*(call("abs", v) for v in entries)) for entries in case.turned(letters)]
        others = call("max", *every) if len(every) > 1 else every[0]
        slopes = case.signs(case.chosen)
        tangent = sums[case.chosen]
        for values_, at, slope in zip(letters, case.rows, slopes, strict=True):
            tangent = add(tangent, *(g * (v - w) for v, w, g in zip(values_, at, slope, strict=True)))
        because = "proof: the norm of no matrix V lies below the tangent plane with this slope"
        yield Step("subgradient", Sym("gradient"), others, tangent, because, ">=")
    if case.lr is not None:
        rate = (number(-1), case.lr, case.decay)
        before = tuple(Add((w, Mul((*rate, s)))) for w, s in zip(picked, signs, strict=True))
        after = case.turned(case.moved(-1))[case.chosen]
        yield Step("update", Sym("updated"), before, after, f"{line} {case.chosen + 1} moves by ηλ, all others stay")


def _tangent(case: _Case) -> Experiment:
    """Compare NumPy's own norm at random matrices with the plane of this slope."""

    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        generator = np.random.default_rng(seed)
        at = np.array([[float(w.value) for w in row] for row in case.rows])
        slope = np.array([[float(PLAIN.value(g, {})) for g in row] for row in case.signs(case.chosen)])
        order = np.inf if case.norm == "inf" else 1
        start = float(np.linalg.norm(at, order))
        worst = 0.0
        for width in (1e-3, 1.0, 10.0):
            for _ in range(TRIALS):
                other = at + width * generator.normal(size=at.shape)
                below = start + float((slope * (other - at)).sum()) - float(np.linalg.norm(other, order))
                worst = max(worst, below)
        return worst, 1e-9 * max(1.0, start)

    return Experiment("gradient", f"NumPy's norm of {3 * TRIALS:,} random matrices stays above the plane", run)
