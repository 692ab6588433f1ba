"""Mean and variance of a value under a random mask, in training and at test."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.entries import each, entries, unused
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Mul, Num, Pow, Sym, expr, substitute
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import (
    COUNT,
    REAL,
    UNIT,
    Answer,
    Domain,
    Experiment,
    Route,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
)
from dlcalc.topics.dropout.chance import over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.topics.dropout.chance import Chance

TWO = expr(2)
BIT = Domain(Fraction(0), Fraction(1), whole=True)
RUNS = 20_000
STANDARD_ERRORS = 5.0


class _Form(NamedTuple):
    """What dropout gives of a value x, for a keep probability p and a drop probability q."""

    inverted: bool

    def mean(self, x: Expr, p: Expr) -> Expr:
        """Return the mean in training."""
        return x if self.inverted else p * x

    def variance(self, x: Expr, p: Expr, q: Expr) -> Expr:
        """Return the variance in training."""
        return over(x**2 * q, p) if self.inverted else p * q * x**2

    def output(self, x: Expr, p: Expr) -> Expr:
        """Return what a kept unit gives in training."""
        return x / p if self.inverted else x


class _Board(NamedTuple):
    """The letters of the derivation."""

    form: _Form
    letters: Letters
    x: Sym
    p: Sym
    mask: Sym
    weight: Sym
    later: Sym
    """The gradient that arrives."""
    step: Sym
    """The step of a difference quotient."""
    units: Sym
    inputs: Sym

    @property
    def mean(self) -> Expr:
        """The mean in training."""
        return self.form.mean(self.x, self.p)

    @property
    def variance(self) -> Expr:
        """The variance in training."""
        return self.form.variance(self.x, self.p, 1 - self.p)


_OTHERS = (
    ("mask", BIT),
    ("w", Domain(Fraction(0), Fraction(3))),
    ("delta", REAL),
    ("s", UNIT),
    ("n", COUNT),
    ("k", COUNT),
)


def moments(chance: Chance, x: Value | None, *, inverted: bool) -> Solution:
    """Answer with what a layer does in training and at test, and with the moments of what it gives in training."""
    form = _Form(inverted)
    given: Value = Sym(unused("x", taken=symbols(*chance))) if x is None else x
    board = _board(form, chance.kept, given)
    found = {
        "mean": each(given, lambda entry: form.mean(entry, chance.kept)),
        "variance": each(given, lambda entry: form.variance(entry, *chance)),
    }
    answers = (
        *_train(board, chance.kept, given),
        Answer("mean", found["mean"], slips=_slips("mean", form, chance, given)),
        Answer("variance", found["variance"], slips=_slips("variance", form, chance, given)),
        Answer("test", found["mean"], slips=_slips("test", form, chance, given)),
        Answer("dropped_gradient", ZERO),
        Answer("removed_parameters", ZERO),
    )
    return Solution(
        answers=answers,
        work=lambda: Work(
            (*_steps(board), *_put_in(board, given, found)), tuple(_routes(form, chance.kept, given, found))
        ),
        setting=_setting(board),
        principal=("train", "test", "mean", "variance") if x is None else ("mean", "variance"),
        conventions=(
            "inverted: mask·x/keep in training, x at test"
            if inverted
            else "classic: mask·x in training, keep·x at test",
        ),
        notes=("dropped_gradient is of that step alone: momentum or weight decay still move the weights",),
    )


def _board(form: _Form, kept: Expr, given: Value) -> _Board:
    letters = Letters(taken=symbols(kept, given))
    p = letters.letter("p", kept, UNIT)
    x = letters.letter("x", given if isinstance(given, Expr) else None, REAL)
    for name in sorted(symbols(given)):
        letters.domains.setdefault(name, REAL)
    return _Board(form, letters, x, p, *(letters.letter(name, None, domain) for name, domain in _OTHERS))


def _train(board: _Board, kept: Expr, given: Value) -> tuple[Answer, ...]:
    """Answer with the output in training, mask and all, of a single value."""
    if not isinstance(given, Expr):
        return ()
    scaled = over(board.mask * given, kept) if board.form.inverted else board.mask * given
    wrong = board.mask * given if board.form.inverted or kept == ZERO else board.mask * given / kept
    why = (
        "the division by the keep probability is missing" if board.form.inverted else "the classic form does not divide"
    )
    return (Answer("train", scaled, slips=(Slip(wrong, why, "train"),)),)


def _steps(board: _Board) -> Iterator[Step]:
    """Average over both outcomes, then go back through the mask."""
    x, p, inverted = board.x, board.p, board.form.inverted
    scaled, mean, variance = board.form.output(x, p), board.mean, board.variance
    yield Step("train", Sym("train"), Sym("kept_output"), scaled, "in training, mask 1: the unit is kept")
    yield Step("train", Sym("train"), Sym("dropped_output"), ZERO, "in training, mask 0: the unit is dropped")
    dropped = Add((ONE, -p))
    outcomes = Add((Mul((p, scaled)), Mul((dropped, ZERO))))
    yield Step("mean", Sym("mean"), Sym("mean"), outcomes, f"both outcomes, with the probabilities {p} and 1 - {p}")
    yield Step("mean", Sym("mean"), outcomes, mean, "computed")
    spread = Add((Mul((p, Pow(Add((scaled, -mean)), TWO))), Mul((dropped, Pow(Add((ZERO, -mean)), TWO)))))
    yield Step("variance", Sym("variance"), Sym("variance"), spread, "squared distances from the mean, weighted")
    yield Step("variance", Sym("variance"), spread, variance, "collected")
    because = "nothing to do at test: the mean of training already" if inverted else "at test times p: the same mean"
    yield Step("test", Sym("test"), Sym("mean"), mean, because)
    yield from _backward(board)
    for name, because in (
        ("weights_without", f"a layer of {board.units} units with {board.inputs} inputs each, as one pass reads it"),
        ("weights_with", "with dropout, at test: every weight is read again, a mask multiplies and removes none"),
    ):
        yield Step("parameters", Sym(name), Sym(name), board.units * board.inputs, because)


def _backward(board: _Board) -> Iterator[Step]:
    x, later, h, weight, mask = board.x, board.later, board.step, board.weight, board.mask
    factor = mask / board.p if board.form.inverted else mask
    back = Div(later * (factor * (x + h) - factor * (x - h)), 2 * h)
    because = f"slope of {unicode(later * factor * x)}, what arrives being {unicode(later)}: back through the same mask"
    yield Step("backward", Sym("gradient"), back, later * factor, because)
    moved = later * factor * x * (weight + h) - later * factor * x * weight
    because = f"at {mask} = 0 no weight {weight} of the unit moves the loss: its gradient is 0, and it keeps its value"
    yield Step("dropped", Sym("dropped_gradient"), moved / h, ZERO, because, where={mask.name: ZERO})


def _put_in(board: _Board, given: Value, found: Mapping[str, Value]) -> Iterator[Step]:
    if not board.letters.values and isinstance(given, Expr):
        return
    for name, formula in (("mean", board.mean), ("variance", board.variance)):
        inserted = each(given, _inserting(formula, board))
        if plain(inserted) != plain(found[name]):
            yield Step(f"{name}-givens", Sym(name), inserted, found[name], "the givens put in")


def _inserting(formula: Expr, board: _Board) -> Callable[[Expr], Expr]:
    return lambda entry: substitute(formula, {**board.letters.values, board.x.name: entry})


def _setting(board: _Board) -> Setting:
    x, p, inverted = board.x.name, board.p.name, board.form.inverted

    def outcome(point: Mapping[str, Any], bit: int) -> Any:  # noqa: ANN401 (an exact number)
        return point[x] * bit / (point[p] if inverted else 1)

    def mean_of(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        return point[p] * outcome(point, 1) + (1 - point[p]) * outcome(point, 0)

    def variance_of(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as above)
        second = point[p] * outcome(point, 1) ** 2 + (1 - point[p]) * outcome(point, 0) ** 2
        return second - mean_of(point) ** 2

    def read(point: Mapping[str, Any], *, masked: bool) -> int:
        return _read(int(point[board.units.name]), int(point[board.inputs.name]), masked=masked)

    spellings: tuple[tuple[Expr, tuple[str, ...]], ...] = (
        (board.mask, ("mask", "r", "b", "M")),
        (board.x, ("x", "h", "values", "a", "z")),
        (board.p, ("keep", "p")),
        (1 - board.p, ("q", "drop", "rate")),
    )
    return Setting(
        domains=board.letters.domains,
        definitions={
            "mean": mean_of,
            "variance": variance_of,
            "weights_without": lambda point: read(point, masked=False),
            "weights_with": lambda point: read(point, masked=True),
            "kept_output": lambda point: outcome(point, 1),
            "dropped_output": lambda point: outcome(point, 0),
        },
        aliases={n: value for value, names in spellings for n in names if n not in board.letters.domains},
        values=board.letters.values,
    )


def _routes(form: _Form, kept: Expr, given: Value, found: Mapping[str, Value]) -> Iterator[Route | Experiment]:
    """Run over both outcomes of every entry; with numbers, draw masks."""
    listed = tuple(entries(given))

    def enumerated(point: Mapping[str, Any]) -> list[Any]:
        likely = PLAIN.value(kept, point)
        firsts, seconds = [], []
        for entry in listed:
            at = PLAIN.value(entry, point)
            results = [(likely, at / likely if form.inverted else at), (1 - likely, 0 * at)]
            centre = sum(weighed * result for weighed, result in results)
            firsts.append(centre)
            seconds.append(sum(weighed * (result - centre) ** 2 for weighed, result in results))
        return [*firsts, *seconds]

    flat = (*entries(found["mean"]), *entries(found["variance"]))
    yield Route("mean and variance", "both outcomes of the mask, for the very givens", flat, enumerated)
    numbers = [float(entry.value) for entry in listed if isinstance(entry, Num)]
    if isinstance(kept, Num) and len(numbers) == len(listed):
        yield _simulated(float(kept.value), numbers, form)


def _read(units: int, inputs: int, *, masked: bool) -> int:
    """Run a layer, with the mask of test time (all kept) or without one, and count the weights that it reads."""
    seen: set[tuple[int, int]] = set()

    def weight(i: int, j: int) -> int:
        seen.add((i, j))
        return i - j

    scores = [sum(weight(i, j) for j in range(inputs)) for i in range(units)]
    mask = [1] * units if masked else []
    return len(seen) if not masked or [m * s for m, s in zip(mask, scores, strict=True)] == scores else 0


class _Wrong(NamedTuple):
    """A common wrong answer, as a function of the value, the keep and the drop probability."""

    answer: str
    value: Callable[[Expr, Expr, Expr], Expr]
    because: str
    divides: bool = False
    divides_by_drop: bool = False


_SWAPPED = "that takes the drop probability for the keep probability"
_INVERTED = (
    _Wrong("mean", lambda x, p, _: p * x, "that is the mean without the division by the keep probability"),
    _Wrong("mean", lambda x, p, _: x / p, "that is the value of a kept unit, not the mean"),
    _Wrong("mean", lambda x, _, q: q * x, _SWAPPED),
    _Wrong("variance", lambda x, p, q: p * q * x**2, "that is without the division: 1/p² is missing"),
    _Wrong("variance", lambda x, _, q: q * x**2, "a constant comes out squared: 1/p², not 1/p"),
    _Wrong("variance", lambda x, p, q: x**2 * p / q, _SWAPPED, divides_by_drop=True),
    _Wrong("test", lambda x, p, _: p * x, "inverted dropout has divided in training: nothing is left to do"),
    _Wrong("test", lambda x, p, _: x / p, "that is training: at test nothing is divided"),
)
_CLASSIC = (
    _Wrong("mean", lambda x, _, __: x, "the classic form does not divide: that is the mean of inverted dropout"),
    _Wrong("mean", lambda x, _, q: q * x, _SWAPPED),
    _Wrong("variance", lambda _, p, q: p * q, "the square of x is missing"),
    _Wrong("variance", lambda x, p, q: x**2 * q / p, "that is the variance of inverted dropout", divides=True),
    _Wrong("test", lambda x, _, __: x, "the classic form multiplies by the keep probability at test"),
)


def _slips(name: str, form: _Form, chance: Chance, given: Value) -> tuple[Slip, ...]:
    """List the wrong answers that have a value at these probabilities."""

    def at(wrong: _Wrong) -> Value:
        return each(given, lambda entry: wrong.value(entry, *chance))

    return tuple(
        Slip(at(wrong), wrong.because, name)
        for wrong in (_INVERTED if form.inverted else _CLASSIC)
        if wrong.answer == name
        and not (wrong.divides and chance.kept == ZERO)
        and not (wrong.divides_by_drop and chance.dropped == ZERO)
    )


def _simulated(chance: float, values: list[float], form: _Form) -> Experiment:
    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        generator = np.random.default_rng(seed)
        worst = 0.0
        for at in values:
            result = (generator.random(RUNS) < chance) * at / (chance if form.inverted else 1)
            mean = at if form.inverted else chance * at
            deviation = abs(at) * (chance * (1 - chance)) ** 0.5 / (chance if form.inverted else 1)
            off = abs(float(result.mean()) - mean)
            worst = max(worst, off / deviation * RUNS**0.5 if deviation else off / (abs(at) or 1.0))
        return worst, STANDARD_ERRORS

    return Experiment("mean", f"{RUNS:,} random masks, the farthest in standard errors", run)
