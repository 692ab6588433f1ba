"""The gradient of the ∞-norm of a matrix, and the update with it as a penalty."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Expr, Mul, Num, Sym, add
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.parts import joined
from dlcalc.solution import POSITIVE, REAL, Answer, Experiment, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator

Rows = tuple[tuple[Num, ...], ...]
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
        scalar("--lambda", "--alpha", help="Factor of the penalty λ‖W‖ in the update (default 1).", least=0),
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
    sums = tuple(add(*(call("abs", w) for w in line)) for line in _lines(rows, norm))
    sizes = [s.value for s in sums if isinstance(s, Num)]
    largest = [i for i, size in enumerate(sizes) if size == max(sizes)]
    scalar_part = _by_definition(
        rows,
        norm,
        largest,
        sums,
        isinstance(weights[0], Expr) if isinstance(weights, tuple) else True,
        lr,
        decay or ONE,
    )
    kink = len(largest) > 1 or max(sizes) == 0 or ZERO in _lines(rows, norm)[largest[0]]
    if kink:
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


def _lines(rows: Rows, norm: str) -> Rows:
    """Return what is added up: the rows, or the columns."""
    return rows if norm == "inf" else tuple(zip(*rows, strict=True))


def _by_definition(
    rows: Rows, norm: str, largest: list[int], sums: tuple[Expr, ...], flat: bool, lr: Expr | None, decay: Expr
) -> Solution:
    """Answer with the sign of the first largest line, and prove that it is a subgradient."""
    chosen = largest[0]

    gradient = _signs(rows, norm, chosen)
    signs = tuple(tuple(call("sign", w) for w in row) for row in rows)
    single = tuple(tuple(_largest_entry(rows, i, j) for j in range(len(rows[0]))) for i in range(len(rows)))
    line = LINES[norm]

    def shaped(matrix: Any) -> Value:  # noqa: ANN401 (rows of expressions)
        return tuple(row[0] for row in matrix) if flat else matrix

    tied_slips = tuple(
        Slip(
            shaped(_signs(rows, norm, i)), f"that is a subgradient too, of {line} {i + 1} that ties: the first is asked"
        )
        for i in largest[1:]
    )
    answers = [
        Answer(
            "gradient",
            shaped(gradient),
            slips=(
                *tied_slips,
                Slip(shaped(signs), f"that is the gradient of Σ|w|: only the largest {line} counts", "subgradient"),
                Slip(shaped(single), f"the largest {line} counts as a whole, not its largest entry", "subgradient"),
            ),
        ),
        Answer("norm", sums[chosen]),
        Answer("lines", tuple(Num(Fraction(i + 1)) for i in largest), form="set"),
        Answer("sums", sums),
    ]
    if lr is not None:
        updated = tuple(
            tuple(w - lr * decay * g for w, g in zip(row, slopes, strict=True))
            for row, slopes in zip(rows, gradient, strict=True)
        )
        up = tuple(
            tuple(w + lr * decay * g for w, g in zip(row, slopes, strict=True))
            for row, slopes in zip(rows, gradient, strict=True)
        )
        slip = Slip(shaped(up), "the penalty is descended: minus")
        answers.append(Answer("updated", shaped(updated), slips=(slip,)))
    v = [[Sym(f"v_{i + 1}{j + 1}") for j in range(len(rows[0]))] for i in range(len(rows))]
    written = len(rows) * len(rows[0]) <= SHOWN
    tied = f"; {line}s {', '.join(str(i + 1) for i in largest)} tie: the first is taken" if len(largest) > 1 else ""

    def steps() -> Iterator[Step]:
        for i, (entries, size) in enumerate(zip(_lines(rows, norm), sums, strict=True), 1):
            yield Step(
                "sums",
                Sym(f"sum_{i}"),
                Add(tuple(Call("abs", (w,)) for w in entries)) if len(entries) > 1 else Call("abs", (entries[0],)),
                size,
                f"absolute sum of {line} {i}",
            )
        yield Step("norm", Sym("norm"), Call("max", sums), sums[chosen], f"the largest: {line} {chosen + 1}{tied}")
        picked = _lines(rows, norm)[chosen]
        yield Step(
            "sign",
            Sym("gradient"),
            tuple(Call("sign", (w,)) for w in picked),
            tuple(call("sign", w) for w in picked),
            f"|w| has the slope sign(w): the gradient in {line} {chosen + 1}, 0 in every other",
        )
        if written:
            lines = _lines(tuple(map(tuple, v)), norm)  # type: ignore[arg-type]  # letters for numbers
            every = [add(*(call("abs", w) for w in entries)) for entries in lines]
            others = call("max", *every) if len(every) > 1 else every[0]
            tangent = sums[chosen] + add(
                ZERO, *(gradient[i][j] * (v[i][j] - rows[i][j]) for i in range(len(rows)) for j in range(len(rows[0])))
            )
            because = "proof: the norm of no matrix V lies below the tangent plane with this slope"
            yield Step("subgradient", Sym("gradient"), others, tangent, because, ">=")
        if lr is not None:
            before = tuple(
                Add((w, Mul((ONE * -1, lr, decay, s))))
                for w, s in zip(picked, (call("sign", w) for w in picked), strict=True)
            )
            after = tuple(w - lr * decay * call("sign", w) for w in picked)
            yield Step("update", Sym("updated"), before, after, f"{line} {chosen + 1} moves by ηλ, all others stay")

    notes = []
    if len(largest) > 1:
        named = ", ".join(str(i + 1) for i in largest)
        notes.append(
            f"{line}s {named} tie: no gradient there; any mixture of theirs is a subgradient, the first is given"
        )
    if ZERO in _lines(rows, norm)[chosen]:
        notes.append(
            f"{line} {chosen + 1} has an entry 0, a kink of |w|: sign(0) = 0 is taken; -1 to 1 are subgradients"
        )
    domains = {letter.name: REAL for row in v for letter in row} if written else {}
    domains |= dict.fromkeys(sorted(symbols(decay, *([lr] if lr is not None else []))), POSITIVE)
    which = "‖W‖_∞ = max_i Σ_j |w_ij|: rows" if norm == "inf" else "‖W‖_1 = max_j Σ_i |w_ij|: columns"
    said = [f"{which} are added up; not the largest entry, and not the spectral norm"]
    if flat:
        said.append("a list is one column" + (": ‖w‖_∞ = max |w_i|" if norm == "inf" else ": ‖w‖_1 = Σ |w_i|"))
    if lr is not None:
        said.append(f"update W - {unicode(lr * decay)}·∂‖W‖, the penalty alone")
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps()), (_tangent(rows, gradient, norm),)),
        setting=Setting(domains=domains),
        principal=("gradient",) if lr is None else ("gradient", "updated"),
        conventions=tuple(said),
        notes=tuple(notes),
    )


def _signs(rows: Rows, norm: str, chosen: int) -> tuple[tuple[Expr, ...], ...]:
    """Return the signs of one line, and 0 elsewhere."""
    return tuple(
        tuple(call("sign", w) if (i if norm == "inf" else j) == chosen else ZERO for j, w in enumerate(row))
        for i, row in enumerate(rows)
    )


def _largest_entry(rows: Rows, i: int, j: int) -> Expr:
    top = max(abs(w.value) for row in rows for w in row)
    return call("sign", rows[i][j]) if abs(rows[i][j].value) == top else ZERO


def _tangent(rows: Rows, gradient: tuple[tuple[Expr, ...], ...], norm: str) -> Experiment:
    """Compare NumPy's own norm at random matrices with the plane of this slope."""

    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        generator = np.random.default_rng(seed)
        at = np.array([[float(w.value) for w in row] for row in rows])
        slope = np.array([[float(g.value) if isinstance(g, Num) else 0.0 for g in row] for row in gradient])
        order = np.inf if norm == "inf" else 1
        start = np.linalg.norm(at, order)
        worst = 0.0
        for width in (1e-3, 1.0, 10.0):
            for _ in range(TRIALS):
                other = at + width * generator.normal(size=at.shape)
                worst = max(worst, start + float((slope * (other - at)).sum()) - np.linalg.norm(other, order))
        return float(worst), 1e-9 * max(1.0, float(start))

    return Experiment("gradient", f"NumPy's norm of {3 * TRIALS:,} random matrices stays above the plane", run)
