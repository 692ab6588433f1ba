"""The answers of gradient descent on a quadratic, their derivation, and the recurrence that confirms them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, log
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import Letters, put_in, readable, settled
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Entry, Expr, Mul, Num, Pow, Real, Sym, expr
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.plot import Curve, Plot
from dlcalc.solution import POSITIVE, REAL, Answer, Domain, Route, Slip, Solution, Step, Work, symbols, verdict, word
from dlcalc.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BEHAVIOURS = ("stays", "monotone", "one-step", "oscillates", "bounces", "diverges")
STEPS = Domain(Fraction(1), Fraction(6), whole=True)
MAX_RUN = 2_000
MAX_SEARCH = 20_000
LISTED = 20
"""Steps that the table and the plots show."""
TWO = expr(2)


@dataclass(frozen=True)
class Asked:
    """What is asked, one entry per coordinate."""

    curvatures: tuple[Expr, ...]
    lr: Expr
    start: tuple[Expr, ...]
    minimum: tuple[Expr, ...]
    steps: Expr
    tolerance: Expr | None
    matrix: Value | None
    started: bool
    """True where the first iterate is given."""

    @property
    def count(self) -> int:
        """How many coordinates there are."""
        return len(self.curvatures)

    def named(self, name: str, i: int) -> str:
        """Name a result of a coordinate."""
        return name if self.count == 1 else f"{name}_{i + 1}"

    @property
    def numeric(self) -> bool:
        """True where the curvatures and the rate are numbers."""
        return not symbols(*self.curvatures, self.lr)


class Case(NamedTuple):
    """The question in letters."""

    asked: Asked
    letters: Letters
    betas: tuple[Sym, ...]
    lr: Sym
    start: tuple[Sym, ...]
    minimum: tuple[Expr, ...]
    steps: Sym
    shift: Sym

    def iterate(self, i: int, t: Expr) -> Expr:
        """Write the closed form of a coordinate."""
        return self.minimum[i] + (1 - self.lr * self.betas[i]) ** t * (self.start[i] - self.minimum[i])


def _case(asked: Asked) -> Case:
    taken = symbols(*asked.curvatures, asked.lr, *asked.start, *asked.minimum, asked.steps)
    letters = Letters(taken=taken)
    betas = tuple(letters.letter(asked.named("beta", i), b, POSITIVE) for i, b in enumerate(asked.curvatures))
    lr = letters.letter("gamma", asked.lr, POSITIVE)
    start = tuple(letters.letter(asked.named("w0", i), w, REAL) for i, w in enumerate(asked.start))
    minimum = tuple(
        ZERO if m == ZERO else letters.letter(asked.named("m", i), m, REAL) for i, m in enumerate(asked.minimum)
    )
    return Case(
        asked, letters, betas, lr, start, minimum, letters.letter("t", asked.steps, STEPS),
        letters.letter("h", None, POSITIVE),
    )  # fmt: skip


def descended(w: Any, beta: Any, minimum: Any, lr: Any) -> Any:  # noqa: ANN401 (exact numbers or floats)
    """Take one step against the slope of the loss, found by a difference quotient."""

    def loss(at: Any) -> Any:  # noqa: ANN401 (as above)
        return beta * (at - minimum) * (at - minimum) / 2

    return w - lr * (loss(w + 1) - loss(w - 1)) / 2


def _worst(betas: list[Any], lr: Any) -> Any:  # noqa: ANN401 (as above)
    """Return the largest distance that one step leaves of a distance 1."""
    return max(abs(descended(1, beta, 0, lr)) for beta in betas)


def _of_coordinate(case: Case, i: int) -> Iterator[Quantity]:
    """Write the factor and the rates of one coordinate."""
    asked, g, b = case.asked, case.lr, case.betas[i]

    def after(p: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        return descended(Fraction(1), p[b.name], 0, p[g.name])

    def size(p: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        return abs(after(p))

    def falls(p: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        """Return by how much a rate 1 brings down the distance 1."""
        return 1 - descended(Fraction(1), p[b.name], 0, 1)

    name = asked.named("factor", i)
    signs = (Slip(1 + g * b, "down the gradient: the sign is minus"), Slip(g * b, "that is the part taken away"))
    bounds = (
        Slip(1 / b, "up to 1/β it does not change its sign; it converges up to 2/β"),
        Slip(b / 2, "that is upside down"),
    )
    line = "where the line through the distances at rates 0 and 1 is"
    yield Quantity(name, 1 - g * b, "what a step leaves of the distance", after, signs, "one step from distance 1")
    measured = "the size of the distance after one step from distance 1"
    yield Quantity(asked.named("shrink", i), call("abs", Sym(name)), "its size", size, method=measured)
    yield Quantity(
        asked.named("one_step_lr", i),
        1 / b,
        "the factor is 0: the first step arrives",
        lambda p: 1 / falls(p),
        (Slip(2 / b, "that is where it begins to diverge"),),
        f"{line} 0",
    )
    yield Quantity(
        asked.named("max_lr", i),
        2 / b,
        "the factor is -1: the distance keeps its size; it shrinks exactly below",
        lambda p: 2 / falls(p),
        bounds,
        f"{line} -1",
    )


def _quantities(case: Case) -> Iterator[Quantity]:
    """Write the rates of every coordinate, and those of all together."""
    for i in range(case.asked.count):
        yield from _of_coordinate(case, i)
    if case.asked.count == 1:
        return
    top, bottom = call("max", *case.betas), call("min", *case.betas)

    def every(p: Mapping[str, Any]) -> list[Any]:
        return [p[b.name] for b in case.betas]

    def slopes(p: Mapping[str, Any]) -> list[Any]:
        """Return the slope at distance 1 along each axis."""
        return [1 - descended(Fraction(1), beta, 0, 1) for beta in every(p)]

    yield Quantity(
        "max_lr",
        2 / top,
        "every coordinate must converge: the largest curvature decides",
        lambda p: _largest_rate(every(p)),
        (Slip(2 / bottom, "the smallest curvature allows more; the largest one decides"),),
        "bisection for the rate at which the worst distance no longer shrinks",
    )
    yield Quantity(
        "condition_number",
        Div(top, bottom),
        "the largest curvature over the smallest",
        lambda p: max(slopes(p)) / min(slopes(p)),
        (Slip(Div(bottom, top), "that is upside down: it is 1 or more"),),
        "the slopes at distance 1 along the axes compared",
    )
    yield Quantity(
        "best_lr",
        2 / Add((top, bottom)),
        "where both extreme factors have one size: 1 - γβ_min = -(1 - γβ_max)",
        lambda p: _best_rate(every(p)),
        (Slip(1 / top, "then the steepest coordinate arrives at once, but the flattest is slow"),),
        "a search for the rate with the least worst distance",
    )
    kappa = Sym("condition_number")
    yield Quantity(
        "best_factor",
        Div(Add((kappa, -ONE)), Add((kappa, ONE))),
        "what a step at the best rate leaves of the distance",
        lambda p: _worst(every(p), _best_rate(every(p))),
        method="the least worst distance after one step, by search",
    )


def _largest_rate(betas: list[Any]) -> float:
    low, high = 0.0, 1.0
    numbers = [float(beta) for beta in betas]
    while _worst(numbers, high) < 1:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _worst(numbers, middle) < 1 and middle > 0 else (low, middle)
    return high


def _best_rate(betas: list[Any]) -> float:
    """Search for the least worst distance; it falls, then rises."""
    numbers = [float(beta) for beta in betas]
    low, high = 0.0, 2 / min(numbers)
    for _ in range(400):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if _worst(numbers, a) < _worst(numbers, b) else (a, high)
    return (low + high) / 2


def solved(asked: Asked) -> Solution:
    """Answer with the iterate, the rates, and what the given rate does."""
    case = _case(asked)
    row = Formulary(case.letters, tuple(_quantities(case)), aliases=_aliases(case))
    found = row.values
    iterates = tuple(readable(settled(case.iterate(i, case.steps), found)) for i in range(asked.count))
    answers = [Answer("iterate", iterates if asked.count > 1 else iterates[0], slips=_slips(case, found))]
    answers += row.answers()
    evidence: list[Step] = []
    if asked.numeric:
        words, steps = _behaviours(asked, found)
        answers += words
        evidence += steps
    if asked.tolerance is not None:
        needed, steps = _needed(asked, found)
        answers.insert(0, needed)
        evidence += steps
    routes = [*_routes(asked, iterates, answers[0]), *row.again()]
    setting = row.setting()

    def iterate(point: Mapping[str, Any], t: int) -> Any:  # noqa: ANN401 (exact numbers)
        return _run(point, case, 0, t)

    return Solution(
        answers=tuple(answers),
        work=lambda: Work(
            (*_spectrum(asked), *_derivation(case), *row.steps(), *_put_in(case, found), *evidence), tuple(routes)
        ),
        setting=replace(setting, definitions={**setting.definitions, "w": iterate}, families=frozenset({"w"})),
        conventions=tuple(_conventions(case)),
        assumptions=tuple(f"{unicode(b)} > 0" for b in asked.curvatures if symbols(b)),
        notes=tuple(_notes(asked)),
        tables=_tables(asked),
        plots=_plots(asked),
    )


def _aliases(case: Case) -> dict[str, Expr]:
    spelled: dict[str, Expr] = dict.fromkeys(("lr", "eps", "epsilon", "eta", "gamma"), case.lr)
    if case.asked.count == 1:
        spelled |= {"beta": case.betas[0], "w_0": case.start[0], "theta0": case.start[0], "w_star": case.minimum[0]}
    return spelled


def _slips(case: Case, found: Mapping[str, Expr]) -> tuple[Slip, ...]:
    t, g = case.steps, case.lr

    def each(form: Any, because: str) -> Slip:  # noqa: ANN401 (a function of the index)
        values = tuple(settled(form(i), found) for i in range(case.asked.count))
        return Slip(values if len(values) > 1 else values[0], because, "pattern")

    def wrong(i: int, factor: Expr) -> Expr:
        return case.minimum[i] + factor * (case.start[i] - case.minimum[i])

    return (
        each(lambda i: wrong(i, 1 - t * g * case.betas[i]), "the factors multiply: a power, not t times"),
        each(lambda i: wrong(i, (1 + g * case.betas[i]) ** t), "down the gradient: the sign is minus"),
        each(lambda i: wrong(i, (1 - 2 * g * case.betas[i]) ** t), "the 1/2 of β/2·w² cancels the 2 of its derivative"),
        each(lambda i: wrong(i, (1 - g * case.betas[i] / 2) ** t), "the derivative of β/2·w² is βw"),
        each(lambda i: (1 - g * case.betas[i]) ** t * case.start[i], "it is the distance to the minimum that shrinks"),
    )


def _derivation(case: Case) -> Iterator[Step]:
    """Derive the iterate of the first coordinate: the gradient, one step, the second, the pattern, induction."""
    b, g, w0, m, t, h = case.betas[0], case.lr, case.start[0], case.minimum[0], case.steps, case.shift

    def loss(w: Expr) -> Expr:
        return Mul((Div(b, TWO), Pow(w - m, TWO)))

    first, factor, distance = Entry("w", ONE), 1 - g * b, w0 - m
    slope = Div(Add((loss(w0 + h), -loss(w0 - h))), 2 * h)
    yield Step("gradient", Sym("gradient"), slope, b * distance, f"slope of the loss, the same for every {unicode(h)}")
    yield Step("update", first, first, w0 - Mul((g, b, distance)), "down the gradient")
    yield Step("distance", first, first - m, Mul((factor, distance)), "the minimum subtracted")
    second = Entry("w", TWO)
    yield Step("second", second, second - m, Mul((Pow(factor, TWO), distance)), "the same again")
    target, formula = Entry("w", t), case.iterate(0, t)
    yield Step("pattern", target, target, formula, "the pattern: every step multiplies the distance by the same factor")
    again = Add((formula, -Mul((g, b, formula - m))))
    yield Step("induction", Entry("w", t + 1), again, case.iterate(0, t + 1), "one step more keeps it: induction")
    why = "positive, so that the distance shrinks, exactly where 0 < γβ < 2"
    yield Step("range", Sym("factor"), Add((ONE, -Pow(factor, TWO))), Mul((g, b, 2 - g * b)), why)
    if case.asked.count > 1:
        gradient = Mul((b, w0))
        adagrad = Div(Mul((g, gradient)), call("sqrt", Pow(gradient, TWO)))
        why = "Adagrad divides its first gradient by its size: the curvature cancels, so no coordinate zigzags for it"
        yield Step("adagrad", Sym("adagrad"), adagrad, g * call("sign", w0), why, assumptions=(f"{w0} ≠ 0",))


def _put_in(case: Case, found: Mapping[str, Expr]) -> Iterator[Step]:
    for i in range(case.asked.count):
        formula = case.iterate(i, case.steps)
        target = Sym("iterate") if case.asked.count == 1 else Sym(f"w{i + 1}")
        yield from put_in("iterate", target, formula, case.letters.values, settled(formula, found))


def _spectrum(asked: Asked) -> Iterator[Step]:
    """Show that the curvatures are the eigenvalues of the matrix: they solve its characteristic equation."""
    if not isinstance(asked.matrix, tuple):
        return
    a, b, _, d = (entry for row in asked.matrix if isinstance(row, tuple) for entry in row if isinstance(entry, Expr))
    for i, root in enumerate(asked.curvatures, 1):
        polynomial = Add((Mul((Add((a, Mul((-ONE, root)))), Add((d, Mul((-ONE, root)))))), -Pow(b, TWO)))
        yield Step("eigenvalue", Sym(f"beta_{i}"), polynomial, ZERO, "an eigenvalue: det(A - λI) = 0")


def _sign(value: Expr) -> Any:  # noqa: ANN401 (an exact number where there is one)
    return value.value if isinstance(value, Num) else approximate(value)


def _behaviours(asked: Asked, found: Mapping[str, Expr]) -> tuple[list[Answer], list[Step]]:
    """Say in a word what the rate does in every coordinate, with the inequality behind it."""
    answers, steps, factors = [], [], []
    for i in range(asked.count):
        name = asked.named("factor", i)
        value, factor = found[name], _sign(found[name])
        factors.append(factor)
        behaviour, bounds = _behaviour(factor)
        said = _SAID[behaviour]
        slips = tuple(Slip(Sym(w), said) for w in BEHAVIOURS if w != behaviour)
        answers.append(word(asked.named("behaviour", i), behaviour, BEHAVIOURS, slips))
        target = Sym(asked.named("behaviour", i))
        steps += [Step("behaviour", target, value, bound, said, relation) for relation, bound in bounds]  # type: ignore[arg-type]
    worst = max(map(abs, factors))
    converges = worst < 1
    size = call("max", *(found[asked.named("shrink", i)] for i in range(asked.count)))
    relation, why = ("<", "the largest factor is below 1 in size") if converges else (">=", "a factor is not below 1")
    steps.append(Step("converges", Sym("converges"), size, ONE, why, relation))  # type: ignore[arg-type]
    answers.append(verdict("converges", holds=converges, otherwise=f"{why}: |1 - γβ| = {float(worst):g}"))
    if asked.count > 1:
        zigzag = min(factors) < 0 < max(factors)
        why = (
            "one coordinate changes its sign at every step while another keeps its own"
            if zigzag
            else "all factors have one sign"
        )
        least, most = (
            found[asked.named("factor", pick(range(asked.count), key=factors.__getitem__))] for pick in (min, max)
        )
        relation, right = ("<", ZERO) if zigzag else (">=", ZERO)
        steps.append(Step("zigzag", Sym("zigzag"), Mul((least, most)), right, why, relation))  # type: ignore[arg-type]
        answers.append(verdict("zigzag", holds=zigzag, otherwise=why))
    return answers, steps


_SAID = {
    "stays": "the factor is 1: nothing moves",
    "monotone": "the factor lies between 0 and 1: it approaches from one side",
    "one-step": "the factor is 0: the first step arrives",
    "oscillates": "the factor lies between -1 and 0: it changes its sign at every step, and shrinks",
    "bounces": "the factor is -1: it changes its sign for ever, at one distance",
    "diverges": "the factor is below -1: the distance grows, with a change of sign at every step",
}


def _behaviour(factor: Any) -> tuple[str, list[tuple[str, Expr]]]:  # noqa: ANN401 (an exact number or a float)
    if factor in {1, 0, -1}:
        name = {1: "stays", 0: "one-step", -1: "bounces"}[int(factor)]
        return name, [("=", expr(int(factor)))]
    if factor > 0:
        return "monotone", [(">", ZERO), ("<", ONE)]
    return ("oscillates", [("<", ZERO), (">", -ONE)]) if factor > -1 else ("diverges", [("<", -ONE)])


def _needed(asked: Asked, found: Mapping[str, Expr]) -> tuple[Answer, list[Step]]:
    """Find the steps until every distance is at most the tolerance."""
    tolerance = asked.tolerance or ONE
    distances = [w - m if asked.started else ONE for w, m in zip(asked.start, asked.minimum, strict=True)]
    if not asked.numeric or symbols(*distances):
        raise DlcalcError("--tolerance needs numbers for the curvatures and the rate", "give --lr a number")
    needed, slowest = 0, 0
    for i, distance in enumerate(distances):
        factor, d, bound = abs(_sign(found[asked.named("factor", i)])), abs(_sign(distance)), _sign(tolerance)
        if d <= bound:
            continue
        if factor >= 1:
            raise DlcalcError(
                f"the factor {plain(found[asked.named('factor', i)])} does not shrink the distance",
                f"use a rate below 2/β = {plain(found[asked.named('max_lr', i)])}",
            )
        own = 1 if factor == 0 else max(0, ceil(log(float(bound / d)) / log(float(factor))) - 2)
        while factor and PLAIN.power(factor, own) * d > bound:
            own += 1
        needed, slowest = max((needed, slowest), (own, i))
    factor, target = found[asked.named("shrink", slowest)], Sym("steps_needed")
    size = call("abs", distances[slowest])

    def left(count: int) -> Expr:
        return Mul((Pow(factor, expr(count)), size))

    steps = [Step("needed", target, left(needed), tolerance, f"after {needed} steps", "<=")]
    if needed:
        steps.insert(0, Step("needed", target, left(needed - 1), tolerance, f"not after {needed - 1} yet", ">"))
    slip = Slip(expr(needed - 1), "that is the last step with a larger distance", "needed")
    return Answer("steps_needed", expr(needed), slips=(slip,)), steps


def _run(point: Mapping[str, Any], case: Case, i: int, t: int) -> Any:  # noqa: ANN401 (exact numbers)
    w = point[case.start[i].name]
    for _ in range(t):
        w = descended(w, point[case.betas[i].name], PLAIN.value(case.minimum[i], point), point[case.lr.name])
    return w


def _routes(asked: Asked, iterates: tuple[Expr, ...], first: Answer) -> Iterator[Route]:
    def path(point: Mapping[str, Any], i: int) -> Iterator[Any]:
        """Run one coordinate for ever."""
        given = (asked.start[i], asked.curvatures[i], asked.minimum[i], asked.lr)
        w, beta, minimum, lr = (PLAIN.value(x, point) for x in given)
        while True:
            yield w
            w = PLAIN.kept(descended(w, beta, minimum, lr))

    def run(point: Mapping[str, Any]) -> list[Any]:
        count = int(PLAIN.value(asked.steps, point))
        return [next(w for t, w in enumerate(path(point, i)) if t == count) for i in range(asked.count)]

    if not isinstance(asked.steps, Num) or asked.steps.value <= MAX_RUN:
        yield Route("iterate", "the steps taken one by one, down the difference quotient of the loss", iterates, run)
    if first.name == "steps_needed" and isinstance(first.value, Num) and first.value.value <= MAX_SEARCH:

        def search(point: Mapping[str, Any]) -> int:
            """Take steps in all coordinates until all are near."""
            bound, t = float(PLAIN.value(asked.tolerance or ONE, point)), 0
            beta = [float(PLAIN.value(b, point)) for b in asked.curvatures]
            away = [float(PLAIN.value(w - m, point)) if asked.started else 1.0 for w, m in _ends(asked)]
            rate = float(PLAIN.value(asked.lr, point))
            while any(abs(d) > bound * (1 + 1e-12) for d in away):
                away = [descended(d, b, 0, rate) for d, b in zip(away, beta, strict=True)]
                t += 1
            return t

        yield Route("steps_needed", "steps taken until every distance is small enough", first.value, search)


def _ends(asked: Asked) -> list[tuple[Expr, Expr]]:
    return list(zip(asked.start, asked.minimum, strict=True))


def _conventions(case: Case) -> Iterator[str]:
    asked = case.asked
    b, m = unicode(case.betas[0]), unicode(case.minimum[0])
    where = f"(w - {m})²" if m != "0" else "w²"
    if asked.count == 1:
        slope = f"{b}·{where.removesuffix('²')}"
        yield f"L = {b}/2·{where}, so the gradient is {slope}; without the 1/2, give twice the curvature"
    else:
        yield "L = Σ β_i(w_i - w*_i)²/2: every coordinate moves by itself; the derivation is that of the first"
    if asked.matrix is not None:
        yield "the curvatures are the eigenvalues of the matrix; w_i are the coordinates along its eigenvectors"
    if asked.tolerance is not None and not asked.started:
        yield "without --start, the tolerance is a part of the first distance"
    if asked.count > 1 and not asked.numeric:
        yield "with numbers, behaviour, converges and zigzag are answered too"


def _notes(asked: Asked) -> Iterator[str]:
    if asked.numeric:
        return
    for i, beta in enumerate(asked.curvatures):
        which = f"w_{i + 1}: " if asked.count > 1 else ""
        low, high = unicode(1 / beta), unicode(2 / beta)
        rate = unicode(asked.lr)
        yield (
            f"{which}monotone for 0 < {rate} < {low}, one step at {low}, sign flips for {low} < {rate} < {high}, "
            f"diverges above {high}"
        )


def _path(asked: Asked, last: int) -> list[tuple[Expr, ...]]:
    rows = []
    w: list[Any] = [_sign(x) for x in asked.start]
    for _ in range(last + 1):
        rows.append(tuple(_number(x) for x in w))
        given = zip(w, asked.curvatures, asked.minimum, strict=True)
        w = [PLAIN.kept(descended(x, _sign(b), _sign(m), _sign(asked.lr))) for x, b, m in given]
    return rows


def _number(value: Any) -> Expr:  # noqa: ANN401 (an exact number or a float)
    return readable(expr(value)) if isinstance(value, int | Fraction) else Real(value)


def _last(asked: Asked) -> int:
    return min(LISTED, int(asked.steps.value)) if isinstance(asked.steps, Num) else LISTED


def _tables(asked: Asked) -> tuple[Table, ...]:
    if not asked.numeric or symbols(*asked.start, *asked.minimum) or not isinstance(asked.steps, Num):
        return ()
    columns = ("t", *(asked.named("w", i) for i in range(asked.count)))
    return (Table("path", columns, lambda: [(t, *row) for t, row in enumerate(_path(asked, _last(asked)))]),)


def _plots(asked: Asked) -> tuple[Plot, ...]:
    if not asked.numeric or symbols(*asked.start, *asked.minimum):
        return ()

    def curves() -> list[Curve]:
        rows = [[approximate(x) or 0.0 for x in row] for row in _path(asked, _last(asked))]
        return [
            Curve(asked.named("w", i), tuple((float(t), row[i]) for t, row in enumerate(rows)))
            for i in range(asked.count)
        ]

    plots = [Plot("gradient descent", "step", "w", curves)]
    if asked.count == 2:  # noqa: PLR2004 (a plane)

        def trajectory() -> list[Curve]:
            rows = [[approximate(x) or 0.0 for x in row] for row in _path(asked, _last(asked))]
            return [Curve("path", tuple((row[0], row[1]) for row in rows))]

        plots.insert(0, Plot("path of gradient descent", "w_1", "w_2", trajectory))
    return tuple(plots)
