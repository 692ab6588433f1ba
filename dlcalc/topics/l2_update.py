"""Gradient descent with an L2 penalty."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction
from functools import partial
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Relation,
    Sum,
    Sym,
    add,
    expr,
    power,
    substitute,
)
from dlcalc.notation.printing import Value, decimal, plain, unicode
from dlcalc.solution import (
    COUNT,
    POINTS,
    POSITIVE,
    REAL,
    Answer,
    Domain,
    Route,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
)
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EPSILON, ALPHA = Sym("epsilon"), Sym("alpha")
FEW = 3
"""Updates with one gradient up to which every update is written; above, the closed form is derived."""
LISTED = 6
"""Gradients, one per update, up to which every update is written."""
WHOLE = 2
"""The rate at which decay keeps the size of a weight; from 0 to here it shrinks."""
SHOWN = 3
"""Weights for which the givens are put in; the route confirms all of them."""
SHORT = 20
"""Characters up to which an exact number is shown instead of the power that it is."""
MAX_PUT_IN = 100
"""Gradients, one per update, up to which they are put into the formula."""
GRADIENTS = "g"
"""The name of a long list of gradients, one per update."""
MAX_LOOPED = 2_000
"""Updates, over all weights, that the route runs with exact fractions; above, it squares the update in decimals."""
MAX_ROUTED = 32
"""Weights that the route follows where symbols are left."""
ROUTE_DIGITS = 60
_ONE_DIGIT = 9


@topic(
    area="regularisation",
    answers=("weights", "shrink_factor", "gradient", "penalty", "minimum"),
    examples=(
        "--weights 1,-2 --gradient 0.5,0.5 --lr 0.1 --decay 0.01",
        "--weights 2 --gradient 1 --lr 0.1 --decay 0.5 --penalty full --updates 3",
        '--weights "1,2;3,4" --gradient 0 --lr 0.1 --decay 0.5 --updates 2',
        "--gradient 0 --updates k",
        "--lr eta --decay lambda --penalty full",
        "--target a --decay lambda",
    ),
)
def l2_update(
    *,
    weights: Annotated[
        Value | None, values("--theta", "--w", help='Weights: 2, 1,-2 or rows "1,2;3,4" (default: the symbol theta).')
    ] = None,
    gradient: Annotated[
        Value | None,
        values(
            "--grad",
            "-g",
            help="Gradient of the loss without the penalty, for all updates; or one per update, as rows.",
        ),
    ] = None,
    lr: Annotated[
        Expr,
        scalar("--epsilon", "--eps", "--eta", "--learning-rate", help="Learning rate (default: epsilon).", least=0),
    ] = EPSILON,
    decay: Annotated[
        Expr, scalar("--alpha", "--lambda", "--weight-decay", help="Factor of the penalty (default: alpha).", least=0)
    ] = ALPHA,
    penalty: Annotated[str, choice("half", "full", help="half: α/2·‖W‖² (default); full: α·‖W‖².")] = "half",
    updates: Annotated[
        Expr | None,
        scalar("-k", help="Number of updates (default 1), or a symbol.", whole=True, least=0),
    ] = None,
    target: Annotated[
        Expr | None,
        scalar("--minimum-of", help="Minimum a of the loss (θ - a)²/2, to answer where it is with the penalty."),
    ] = None,
) -> Solution:
    """Gradient descent with an L2 penalty, as weight decay.

    θ ← θ - ε(g + αθ) = (1 - εα)θ - εg for the penalty α/2·‖θ‖², and (1 - 2εα)θ - εg for α·‖θ‖². After k updates
    with the same gradient θ_k = (1 - εα)^k θ_0 - (g/α)(1 - (1 - εα)^k). The weights shrink for 0 < εα < 2.
    Gradients of several updates are a list for one weight, rows for a list of weights, and for a matrix of weights
    its rows below each other.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.1.1; Loshchilov and Hutter, Decoupled
    weight decay regularization (2019).

    Raises DlcalcError when a rate is negative, or the gradient fits neither the weights nor the updates.

    >>> l2_update(weights="1,-2", gradient="0.5,0.5", lr="0.1", decay="0.01").value
    [0.949, -2.048]
    """
    asked = _asked(weights, gradient, updates, _Rule(lr, decay, penalty))
    case = _case(asked)
    plain_question = Solution(
        answers=_answers(asked),
        work=lambda: Work(_steps(asked, case), _routes(asked)),
        setting=_setting(asked, case),
        notes=(_regime(asked.rule), *_limits(asked)),
        conventions=_conventions(asked, case),
        assumptions=_assumptions(asked),
    )
    return plain_question if target is None else _with_minimum(plain_question, asked.rule, target)


def _with_minimum(solution: Solution, rule: _Rule, target: Expr) -> Solution:
    """Answer too where the loss (θ - a)²/2 with the penalty is least: a/(1 + pull), which is 0 only where a is."""
    minimum = target / (1 + rule.pull)
    other = Slip(target / (1 + rule.other().pull), _other_penalty(rule), "minimum")
    slope = Add((Add((minimum, -target)), rule.pull * minimum))
    step = Step(
        "minimum", Sym("slope"), slope, ZERO, "the slope of loss and penalty is 0 here, and here alone: it grows"
    )

    def of_parabola(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
        """Find the vertex of the penalised loss from three of its values."""
        a, pull = PLAIN.value(target, point), PLAIN.value(rule.pull, point)
        below, at, above = ((t - a) ** 2 / 2 + pull * t**2 / 2 for t in map(Fraction, (-1, 0, 1)))
        return (below - above) / (2 * (above - 2 * at + below))

    def work() -> Work:
        done = solution.work()
        route = Route(
            "minimum", "the vertex of the parabola through three values of loss and penalty", minimum, of_parabola
        )
        return Work((*done.steps, step), (*done.routes, route))

    domains = {**dict.fromkeys(symbols(target), REAL), **solution.setting.domains}
    return replace(
        solution,
        answers=(*solution.answers, Answer("minimum", minimum, slips=(other,))),
        work=work,
        setting=replace(solution.setting, domains=domains),
        notes=(*solution.notes, "the minimum is 0 only where a is 0: L2 shrinks weights, it makes none exactly 0"),
        conventions=(
            *solution.conventions,
            f"minimum: of the loss ({unicode(Sym('theta') - target)})²/2 with the penalty",
        ),
    )


# the givens


class _Rule(NamedTuple):
    """How a weight is updated: θ ← θ - lr·(g + pull·θ)."""

    lr: Expr
    decay: Expr
    penalty: str

    def penalty_of(self, squares: Expr) -> Expr:
        """Return the penalty of weights with this sum of squares."""
        return self.decay * squares if self.penalty == "full" else self.decay * squares / 2

    @property
    def pull(self) -> Expr:
        """What a weight is multiplied by in the gradient of the penalty."""
        return 2 * self.decay if self.penalty == "full" else self.decay

    @property
    def rate(self) -> Expr:
        """The part of a weight that one update takes away: εα."""
        return self.lr * self.pull

    @property
    def factor(self) -> Expr:
        """What one update leaves of a weight: 1 - εα."""
        return 1 - self.rate

    def other(self) -> _Rule:
        """Return the rule with the other form of the penalty."""
        return self._replace(penalty="half" if self.penalty == "full" else "full")

    def stepped(self, weight: Expr, gradient: Expr) -> Expr:
        """Return a weight after one update, as weight decay."""
        return self.factor * weight - self.lr * gradient

    def rest(self, gradient: Expr) -> Expr:
        """Return g/α, the distance below 0 at which a constant gradient and the decay balance."""
        times = 1 / self.pull
        return gradient * times if isinstance(times, Num) and decimal(times.value) else gradient / self.pull


class _Asked(NamedTuple):
    """The question: flat weights with their shape, and the gradients of one update or of each."""

    rule: _Rule
    shape: tuple[int, ...]
    weights: tuple[Expr, ...]
    gradients: tuple[tuple[Expr, ...], ...]
    """One row that holds for every update, or a row per update."""
    updates: Expr
    invented: bool
    """True where no gradient was given, so that symbols stand for it."""

    @property
    def constant(self) -> bool:
        """True where one gradient holds for every update."""
        return len(self.gradients) == 1

    @property
    def closed(self) -> bool:
        """True where the closed form is needed: a number of updates that is not written out."""
        return self.constant and not (isinstance(self.updates, Num) and self.updates.value <= FEW)

    @property
    def listed(self) -> bool:
        """True for more gradients, one per update, than are written each."""
        return len(self.gradients) > LISTED

    @property
    def zero(self) -> bool:
        """True without any gradient but that of the penalty."""
        return all(g == ZERO for g in self.gradients[0]) and self.constant

    def of(self, index: int) -> tuple[Expr, tuple[Expr, ...]]:
        """Return one weight with its gradients."""
        return self.weights[index], tuple(row[index] for row in self.gradients)

    def each(self, result: Callable[[Expr, tuple[Expr, ...]], Expr]) -> Value:
        """Compute something from every weight and its gradients."""
        return self.shaped(tuple(result(*self.of(index)) for index in range(len(self.weights))))

    def shaped(self, flat: tuple[Expr, ...]) -> Value:
        """Give the weights' shape to a flat list."""
        if not self.shape:
            return flat[0]
        columns = self.shape[-1]
        rows = tuple(flat[at : at + columns] for at in range(0, len(flat), columns))
        return rows[0] if len(self.shape) == 1 else rows


def _asked(weights: Value | None, gradient: Value | None, updates: Expr | None, rule: _Rule) -> _Asked:
    """Fit weights, gradients and updates together."""
    for name, rate in (("lr", rule.lr), ("decay", rule.decay)):
        if (approximate(rate) or 0) < 0:
            raise DlcalcError(f"{name} {plain(rate)} is less than 0", "use 0 or more")
    taken = symbols(*(given for given in (weights, gradient, updates, rule.lr, rule.decay) if given is not None))
    if weights is None:
        several = updates not in {None, ONE} or isinstance(gradient, tuple)
        weights = Sym(_unused("theta0" if several else "theta", taken))
    shape = _shape(weights)
    if gradient is None or (isinstance(gradient, Sym) and shape):
        name = gradient.name if isinstance(gradient, Sym) else "g"
        rows: tuple[tuple[Expr, ...], ...] = (_invented(name, shape, taken - {name}),)
    else:
        rows = _rows(gradient, shape)
    if len(rows) > 1 and updates not in {None, expr(len(rows))}:
        raise DlcalcError(
            f"--gradient has {len(rows)} gradients, one per update, but --updates is {plain(updates or ONE)}",
            f"use --updates {len(rows)}, or one gradient for all updates",
        )
    count = updates if updates is not None else expr(len(rows))
    if all(g == ZERO for row in rows for g in row):
        rows = rows[:1]
    return _Asked(rule, shape, tuple(_flat(weights)), rows, count, gradient is None)


def _shape(value: Value) -> tuple[int, ...]:
    return () if isinstance(value, Expr) else (len(value), *_shape(value[0]))


def _flat(value: Value) -> Iterator[Expr]:
    if isinstance(value, Expr):
        yield value
        return
    for part in value:
        yield from _flat(part)


def _rows(gradient: Value, shape: tuple[int, ...]) -> tuple[tuple[Expr, ...], ...]:
    """Split a gradient into one row per update; one row where it has the weights' shape."""
    found, flat, size = _shape(gradient), tuple(_flat(gradient)), prod(shape)
    if gradient == ZERO:
        return ((ZERO,) * size,)
    below = len(shape) > 1 and found[1:] == shape[1:] and len(flat) % size == 0
    if found == shape or found[1:] == shape or below:
        return tuple(flat[at : at + size] for at in range(0, len(flat), size))
    fix = f"give {_words(shape)}, or one such gradient per row for several updates"
    raise DlcalcError(
        f"--gradient is {_words(found)}, but the weights are {_words(shape)}",
        fix if shape else "give --weights of that shape, or a list with one gradient per update",
    )


def _words(shape: tuple[int, ...]) -> str:
    return "a single number" if not shape else f"a list of {shape[0]}" if len(shape) == 1 else "×".join(map(str, shape))


def _invented(name: str, shape: tuple[int, ...], taken: frozenset[str]) -> tuple[Expr, ...]:
    """Return symbols for a gradient of which only the name is known: g, g_1 g_2 …, or g_11 g_12 …."""
    if not shape:
        return (Sym(_unused(name, taken)),)
    if len(shape) > 1 and max(shape) > _ONE_DIGIT:
        raise DlcalcError(f"no gradient is given for {_words(shape)} weights", "add --gradient, or --gradient 0")
    spans = [[str(i + 1) for i in range(length)] for length in shape]
    indices = ["".join(index) for index in product(*spans)]
    stems = (name, *(f"{name}_{c}" for c in "abcdefghij"))
    stem = next(stem for stem in stems if not {f"{stem}{index}" for index in indices} & taken)
    return tuple(Sym(f"{stem}{index}") for index in indices)


def _unused(preferred: str, taken: frozenset[str]) -> str:
    """Return a name that no given uses."""
    names = (preferred, *(f"{preferred}_{c}" for c in "abcdefghijklmnop"))
    return next(name for name in names if name not in taken)


# the answers


class _Parts(NamedTuple):
    """What k updates do to every weight: θ_k = kept·θ_0 + pushed, the gradient steps as later updates left them."""

    rule: _Rule
    updates: Expr
    kept: Expr

    def pushed(self, gradients: tuple[Expr, ...]) -> Expr:
        """Return what the gradients add to a weight."""
        rule, k, g = self.rule, self.updates, gradients[0]
        if len(gradients) > 1:
            left = zip(reversed(range(len(gradients))), gradients, strict=True)
            return -rule.lr * add(*(self.raised(j) * gradient for j, gradient in left))
        if rule.pull == ZERO:
            return -(k * rule.lr * g)
        if isinstance(k, Num) and k.value <= FEW:
            return -(rule.lr * g * add(ZERO, *map(self.raised, range(int(k.value)))))
        if rule.factor == ZERO:
            return -(rule.lr * g)
        return -(rule.rest(g) * (1 - self.kept))

    def raised(self, exponent: int) -> Expr:
        """Raise the factor to a power; a number stays a power where that to all updates does."""
        as_power = isinstance(self.kept, Pow) and isinstance(self.rule.factor, Num) and exponent > 1
        return Pow(self.rule.factor, expr(exponent)) if as_power else power(self.rule.factor, expr(exponent))

    def after(self, weight: Expr, gradients: tuple[Expr, ...]) -> Expr:
        """Return a weight after all updates."""
        return self.kept * weight + self.pushed(gradients)


def _parts(rule: _Rule, updates: Expr) -> _Parts:
    """Raise the factor to the number of updates: exactly where that is short to write, else as a power."""
    kept = power(rule.factor, updates)
    if rule.factor == ZERO and not isinstance(updates, Num):
        kept = ZERO
    if isinstance(kept, Num) and len(plain(kept)) > SHORT:
        kept = Pow(rule.factor, updates)
    return _Parts(rule, updates, kept)


def _answers(asked: _Asked) -> tuple[Answer, ...]:
    rule, other, first = asked.rule, asked.rule.other(), asked.gradients[0]

    def total(pull: Expr) -> Value:
        return asked.shaped(tuple(g + pull * w for g, w in zip(first, asked.weights, strict=True)))

    squares = add(*(power(w, expr(2)) for w in asked.weights))
    of_gradient = (
        Slip(total(other.pull), _other_penalty(rule), "penalty"),
        Slip(total(ZERO), "the gradient of the penalty is missing", "penalty"),
    )
    of_factor = (
        Slip(other.factor, _other_penalty(rule), "penalty"),
        Slip(1 + rule.rate, "the penalty is descended: its sign is minus", "decay"),
        Slip(1 - rule.pull, "the learning rate multiplies the gradient of the penalty too", "decay"),
        Slip(rule.rate, "that is what an update takes away; what it leaves is 1 minus that", "decay"),
    )
    of_penalty = (Slip(other.penalty_of(squares), _other_penalty(rule), "penalty"),)
    return (
        Answer("weights", asked.each(_parts(rule, asked.updates).after), slips=_slips(asked)),
        Answer("shrink_factor", rule.factor, slips=of_factor),
        Answer("gradient", total(rule.pull), slips=of_gradient),
        Answer("penalty", rule.penalty_of(squares), slips=of_penalty),
    )


def _other_penalty(rule: _Rule) -> str:
    if rule.penalty == "full":
        return "that is for the penalty α/2·‖θ‖²; for α·‖θ‖² the derivative is 2·α·θ (or use --penalty half)"
    return "that is for the penalty α·‖θ‖²; in α/2·‖θ‖² the 2 of the derivative cancels (or use --penalty full)"


def _slips(asked: _Asked) -> tuple[Slip, ...]:
    """List the common wrong results, each with the step where it departs."""
    rule, k = asked.rule, asked.updates
    parts, other = _parts(rule, k), _parts(rule.other(), k)
    kept, pushed = parts.kept, parts.pushed
    opposite, none = (_parts(rule._replace(decay=decay), k) for decay in (-rule.decay, ZERO))
    per_rate = ONE if rule.lr == ZERO else 1 / rule.lr
    wrong: list[tuple[str, str, Callable[[Expr, tuple[Expr, ...]], Expr]]] = [
        (_other_penalty(rule), "penalty", other.after),
        ("the penalty is missing", "penalty", none.after),
        ("the penalty is descended: 1 - ε·α, not 1 + ε·α", "decay", opposite.after),
        ("the gradient of the loss is missing", "update", lambda w, _: kept * w),
        ("the gradient is subtracted, not added", "update", lambda w, g: kept * w - pushed(g)),
        ("the learning rate multiplies g too", "update", lambda w, g: kept * w + pushed(g) * per_rate),
        ("decay takes from the old weights only", "decay", lambda w, g: kept * w + rule.factor * pushed(g)),
    ]
    if k == ONE:
        wrong.append(("it is 1 - ε·α, not 1 - α", "decay", lambda w, g: (1 - rule.pull) * w + pushed(g)))
    else:
        wrong += [
            ("the factors multiply: a power, not k times", "pattern", lambda w, g: k * rule.factor * w + pushed(g)),
            ("it is (1 - ε·α)^k, not 1 - k·ε·α", "pattern", lambda w, g: (1 - k * rule.rate) * w + pushed(g)),
        ]
    if k not in {ZERO, ONE} and asked.constant:
        fewer, more = _parts(rule, k - 1), _parts(rule, k + 1)
        wrong += [
            ("that is one update too few", "pattern", fewer.after),
            ("that is one update too many", "pattern", more.after),
            ("earlier gradient steps decay too", "pattern", lambda w, g: kept * w - k * rule.lr * g[0]),
            ("every update takes a gradient step", "pattern", lambda w, g: kept * w - rule.lr * g[0]),
        ]
    return tuple(Slip(asked.each(value), because, at) for because, at, value in wrong)


# the derivation


class _Case(NamedTuple):
    """The question for one weight, in letters: a given that is a symbol is its own letter."""

    rule: _Rule
    start: Sym
    gradients: tuple[Expr, ...]
    """The one gradient, or one per update; empty where there are too many to write each."""
    updates: Expr
    base: str
    """How the iterates are called: theta1, theta2, … where they are written out, else theta[j]."""
    step: Sym
    """The step of the difference quotient."""
    root: Sym
    """What an adaptive method divides by."""
    other: Expr
    """A gradient, also where the question has none."""
    domains: Mapping[str, Domain]
    values: tuple[Mapping[str, Expr], ...]
    """The givens that stand for letters, for each weight that is shown."""

    @property
    def counter(self) -> Sym:
        """The index of sums over the updates."""
        return Sym(_unused("j", frozenset(self.domains)))

    @property
    def written(self) -> bool:
        """True where every update is written out."""
        return isinstance(self.updates, Num)

    def iterate(self, j: Expr) -> Expr:
        """Name the weight after j updates."""
        return Sym(f"{self.base}{plain(j)}") if self.written else Entry(self.base, j)

    def gradient(self, j: int) -> Expr:
        """Return the gradient of update j."""
        return Entry(GRADIENTS, expr(j)) if not self.gradients else self.gradients[min(j, len(self.gradients)) - 1]

    def stepped(self, weight: Expr, j: int) -> Expr:
        """Apply update j as weight decay, collecting nothing."""
        left = weight if self.rule.factor == ONE else Mul((self.rule.factor, weight))
        return left if self.gradient(j) == ZERO else Add((left, -self.rule.lr * self.gradient(j)))

    def written_after(self, j: int) -> Expr:
        """Return the weight after a few updates; what is left of one gradient's steps is written as a sum."""
        if len(self.gradients) > 1 or self.gradients == (ZERO,) or self.rule.decay == ZERO or j == 1:
            return _parts(self.rule, expr(j)).after(self.start, self.gradients[:j])
        powers = Add(tuple(power(self.rule.factor, expr(i)) for i in range(j)))
        return power(self.rule.factor, expr(j)) * self.start - Mul((self.rule.lr, self.gradient(j), powers))

    def pattern(self, count: Expr) -> Expr:
        """Return the weight after any number of updates, with a sum over them."""
        rule, j, kept = self.rule, self.counter, power(self.rule.factor, count) * self.start
        if self.gradients == (ZERO,):
            return kept
        if not self.gradients:
            steps = power(rule.factor, count - j) * Entry(GRADIENTS, j)
            return kept - rule.lr * Sum(j.name, ONE, count, steps)
        if rule.decay == ZERO:
            return kept - count * rule.lr * self.gradients[0]
        return kept - rule.lr * self.gradients[0] * Sum(j.name, ZERO, count - 1, power(rule.factor, j))


def _case(asked: _Asked) -> _Case:
    """Choose the letters; none stands for two things."""
    letters = Letters(domains=_sampled(asked), taken=frozenset({GRADIENTS}) if asked.listed else frozenset())

    def own(preferred: str, values: tuple[Expr, ...]) -> Sym:
        given = values[0] if len(values) == 1 and isinstance(values[0], Sym) else None
        return letters.letter(preferred, given, REAL)

    lr = letters.letter("epsilon", asked.rule.lr, POSITIVE)
    decay = ZERO if asked.rule.decay == ZERO else letters.letter("alpha", asked.rule.decay, POSITIVE)
    updates = asked.updates
    if asked.closed or asked.listed:
        last = COUNT.high if asked.constant else min(COUNT.high, Fraction(len(asked.gradients) - 1))
        updates = letters.letter("k", asked.updates, Domain(COUNT.low, last, whole=True))
    start = own("theta" if asked.updates == ONE else "theta0", asked.weights)
    gradients: tuple[Expr, ...] = () if asked.listed else (ZERO,)
    if not asked.zero and not asked.listed:
        rows = zip(["g"] if asked.constant else [f"g{j + 1}" for j in range(LISTED)], asked.gradients, strict=False)
        gradients = tuple(own(name, row) for name, row in rows)
    values = []
    for index in range(1 if asked.listed else min(len(asked.weights), SHOWN)):
        weight, per_update = asked.of(index)
        pairs = ((start, weight), *zip(gradients, per_update, strict=False))
        here = {letter.name: given for letter, given in pairs if isinstance(letter, Sym) and letter != given}
        values.append(letters.values | here)
    step, root = (letters.letter(name, None, POSITIVE) for name in ("h", "d"))
    other = letters.letter("g", None, REAL) if asked.zero else gradients[0] if gradients else Entry(GRADIENTS, ONE)
    rule = asked.rule._replace(lr=lr, decay=decay)
    base = _base(asked, start.name, frozenset(letters.domains))
    return _Case(rule, start, gradients, updates, base, step, root, other, letters.domains, tuple(values))


def _sampled(asked: _Asked) -> dict[str, Domain]:
    """Say where the symbols of the givens are sampled."""
    domains = dict.fromkeys(sorted(symbols(*asked.weights, *asked.gradients)), REAL)
    domains |= dict.fromkeys(sorted(symbols(asked.rule.lr, asked.rule.decay)), POSITIVE)
    return domains | dict.fromkeys(sorted(symbols(asked.updates)), COUNT)


def _base(asked: _Asked, start: str, taken: frozenset[str]) -> str:
    """Name the iterates after the weight, unless a letter would be mistaken for one of them."""
    stem = re.sub(r"_?\d+$", "", start)
    itself = {stem} - {start} if not asked.closed and not asked.listed else {stem}
    count = max(FEW, len(asked.gradients))
    for base in (stem, "theta", "w", "u", "p"):
        used = {f"{base}{j + 1}" for j in range(count)} | (itself if base == stem else {base})
        if not used & taken:
            return base
    return f"{stem}_after"


def _steps(asked: _Asked, case: _Case) -> tuple[Step, ...]:
    """Derive the weights: the penalty's gradient, one update, all updates, the givens put in."""
    if asked.updates == ZERO:
        start = Mul((Pow(case.rule.factor, ZERO), case.start))
        return (Step("update", Sym("weights"), start, case.start, "no update: every weight stays"),)
    many = _written_out(case) if case.written else _repeated(asked, case)
    steps = (*_one_update(case), *many, *_givens_put_in(asked, case))
    return steps if case.rule.decay == ZERO else (_slope(case), *steps, _range(asked, case), *_decoupled(case))


def _slope(case: _Case) -> Step:
    """Differentiate the penalty: the difference quotient of a square does not depend on h."""
    h, weight, penalty = case.step, case.start, case.rule.penalty_of
    up, down = (penalty(Pow(Add((weight, shift)), expr(2))) for shift in (h, -h))
    because = f"slope of the penalty in one weight: the same for every {h}, so the derivative"
    return Step("penalty", Sym("gradient"), Div(Add((up, -down)), 2 * h), case.rule.pull * weight, because)


def _one_update(case: _Case) -> tuple[Step, ...]:
    """Descend the loss with its penalty, and collect the weight."""
    rule, weight, target, g = case.rule, case.start, case.iterate(ONE), case.gradient(1)
    descended = weight - rule.lr * (g + rule.pull * weight)
    if rule.decay == ZERO:
        return (Step("update", target, target, descended, "down the gradient of the loss; there is no penalty"),)
    collected = "the weight collected: it decays" + ("" if g == ZERO else "; the loss acts as before")
    return (
        Step("update", target, target, descended, "down the gradient of loss and penalty"),
        Step("decay", target, descended, rule.stepped(weight, g), collected),
    )


def _written_out(case: _Case) -> tuple[Step, ...]:
    """Write every update."""
    steps = []
    for j in range(2, _whole(case.updates) + 1):
        target, inserted = case.iterate(expr(j)), case.stepped(case.written_after(j - 1), j)
        steps.append(Step("pattern", target, target, inserted, f"update {j}, on what update {j - 1} left"))
        steps.append(Step("pattern", target, inserted, case.written_after(j), "collected"))
    return tuple(steps)


def _repeated(asked: _Asked, case: _Case) -> tuple[Step, ...]:
    """Derive k updates: the second shows the pattern, induction proves it, the geometric sum closes it."""
    k, two, rule = case.updates, expr(2), case.rule
    target, second = case.iterate(k), case.stepped(rule.stepped(case.start, case.gradient(1)), 2)
    last = case.gradients[0] if case.gradients else Entry(GRADIENTS, k + 1)
    again, collected = rule.factor * case.pattern(k) - rule.lr * last, case.pattern(two)
    if case.gradients:
        collected = case.written_after(2)
    why = "every update multiplies by the same factor" if asked.zero else "a gradient step decays in every later update"
    if rule.decay == ZERO:
        why = "without decay the gradient steps add up"
    steps = (
        Step("second", case.iterate(two), case.iterate(two), second, "update 2, on what update 1 left"),
        Step("second", case.iterate(two), second, collected, "collected"),
        Step("pattern", target, target, case.pattern(k), f"the pattern: {why}"),
        Step("induction", case.iterate(k + 1), again, case.pattern(k + 1), "one update more keeps it: induction"),
    )
    return steps if asked.zero or asked.listed or rule.decay == ZERO else (*steps, *_closed(asked, case))


def _closed(asked: _Asked, case: _Case) -> Iterator[Step]:
    """Close the sum of the pattern; the rate that divides is not 0."""
    k, rule, target, g, j = case.updates, case.rule, case.iterate(case.updates), case.gradients[0], case.counter
    powers, value = Sum(j.name, ZERO, k - 1, power(rule.factor, j)), (1 - power(rule.factor, k)) / rule.rate
    yield Step("geometric", Sym("sum"), powers, value, f"geometric sum, {_dotted(rule.rate)} ≠ 0")
    yield Step("closed", target, target, _parts(rule, k).after(case.start, (g,)), "the sum put in")
    if symbols(asked.rule.decay):
        without, alpha = case.start - k * rule.lr * g, plain(rule.decay)
        yield Step("no-decay", target, target, without, f"the case {unicode(rule.decay)} = 0", where={alpha: ZERO})
    rest = -rule.rest(g)
    yield Step("rest", Sym("rest"), rule.stepped(rest, g), rest, f"an update leaves {unicode(rest)} where it is")


def _givens_put_in(asked: _Asked, case: _Case) -> Iterator[Step]:
    """Put the givens of the first weights into the formula."""
    if len(asked.gradients) > MAX_PUT_IN:
        return
    found, target = _parts(asked.rule, asked.updates), case.iterate(case.updates)
    formula = case.pattern(case.updates)
    if not asked.listed:
        closed = _parts(case.rule, case.updates).after(case.start, case.gradients)
        formula = case.written_after(_whole(case.updates)) if case.written else closed
    for index, given in enumerate(case.values):
        used = {name: value for name, value in given.items() if name in symbols(formula)}
        inserted, value = substitute(formula, used), found.after(*asked.of(index))
        which = f", weight {index + 1} of {len(asked.weights)}" if len(asked.weights) > 1 else ""
        if plain(inserted) != plain(formula):
            yield Step("givens", target, formula, inserted, f"the givens put in{which}", where=used)
        if plain(value) != plain(inserted):
            because = "computed" if isinstance(value, Num) else "collected"
            yield Step("value", target, inserted, value, f"{because}{which}", where=used)


def _range(asked: _Asked, case: _Case) -> Step:
    """Say whether an update shrinks a weight: by its factor, or for every factor."""
    rate, factor, target = asked.rule.rate, case.rule.factor, Sym("shrink_factor")
    if not isinstance(rate, Num):
        dotted = _dotted(case.rule.rate)
        why = f"positive, so |1 - {dotted}| < 1, exactly where 0 < {dotted} < 2"
        left = Add((ONE, -Pow(factor, expr(2))))
        return Step("range", target, left, case.rule.rate * (2 - case.rule.rate), why)
    size = Call("abs", (substitute(factor, case.values[0]),))
    if rate.value in {0, WHOLE}:
        return Step("range", target, size, ONE, "decay keeps the size of the weights")
    if rate.value < WHOLE:
        return Step("range", target, size, ONE, "decay shrinks the weights", "<")
    return Step("range", target, size, ONE, "decay makes the weights grow", ">")


def _decoupled(case: _Case) -> tuple[Step, ...]:
    """Compare with decay beside the gradient step, plain and divided by the root of an adaptive method."""
    rule, weight, g, root, target = case.rule, case.start, case.other, case.root, Sym("weights")
    decayed = rule.rate * weight
    beside = Add((weight, -rule.lr * g, -decayed))
    through = Add((weight, -Div(rule.lr * (g + rule.pull * weight), root)))
    gap = Add((through, -Add((weight, -Div(rule.lr * g, root), -decayed))))
    adaptive = f"not with an adaptive root {root}: it divides the L2 decay, not AdamW's"
    return (
        Step("decoupled", target, beside, rule.stepped(weight, g), "decay beside the gradient step: the same here"),
        Step("adaptive", target, gap, decayed * (1 - 1 / root), adaptive),
    )


# what is said beside it


def _dotted(product: Expr) -> str:
    """Write a product with dots, so that its letters stay apart where sentences spell Greek out."""
    return "·".join(map(unicode, product.factors)) if isinstance(product, Mul) else unicode(product)


def _regime(rule: _Rule) -> str:
    """Say what an update does to a weight before the gradient of the loss acts."""
    text = _dotted(rule.rate)
    if not isinstance(rule.rate, Num):
        return f"decay shrinks the weights exactly where 0 < {text} < 2: above 1 their sign flips, above 2 they grow"
    rate, name = rule.rate.value, f"{'2' if rule.penalty == 'full' else ''}ε·α = {text}"
    regimes = {
        f"{name}: nothing decays": rate == 0,
        f"0 < {name} < 1: decay leaves {unicode(rule.factor)} of each weight at every update": rate < 1,
        f"{name}: decay forgets the old weights in one update": rate == 1,
        f"1 < {name} < 2: decay shrinks the weights, and flips their sign at every update": rate < WHOLE,
        f"{name}: decay only flips the sign of the weights at every update": rate == WHOLE,
        f"{name} > 2: decay makes the weights grow, and flips their sign at every update": True,
    }
    return next(regime for regime, applies in regimes.items() if applies)


def _limits(asked: _Asked) -> tuple[str, ...]:
    """Say where many updates lead, where they lead anywhere."""
    rule, one = asked.rule, len(asked.weights) == 1
    bounded = 0 < rule.rate.value < WHOLE and rule.factor != ZERO if isinstance(rule.rate, Num) else True
    if not asked.closed or rule.pull == ZERO or not bounded:
        return ()
    if asked.zero:
        return ("decay alone brings the weights towards 0 without making them exactly 0",)
    return (
        f"while decay shrinks, the weights approach {unicode(-rule.rest(asked.gradients[0][0] if one else Sym('g')))}",
    )


def _conventions(asked: _Asked, case: _Case) -> tuple[str, ...]:
    rule = case.rule._replace(decay=ALPHA) if case.rule.decay == ZERO else case.rule
    w, lr, decay, pull = (unicode(part) for part in (Sym(case.base), rule.lr, rule.decay, rule.pull))
    half, squares = "" if rule.penalty == "full" else "/2", f"Σ {w}_i²"
    if len(asked.shape) > 1:
        squares = f"Σ {w}_ij² = tr({w}ᵀ{w}), the Frobenius norm, not the spectral one"
    said = [
        f"penalty {rule.penalty}: {decay}{half}·‖{w}‖² with ‖{w}‖² = {squares}; its gradient is {pull}·{w}",
        f"{w} ← {w} - {lr}(g + {pull}·{w}) for every weight; g is the gradient of the loss without the penalty",
    ]
    if asked.invented:
        g = unicode(asked.gradients[0][0]) + (" …" if asked.shape else "")
        said.append(f"no gradient is given: {g} stands for it; --gradient 0 leaves the decay alone")
    if not asked.constant:
        said.append(f"{len(asked.gradients)} gradients, one per update, the first one first")
    elif asked.updates not in {ZERO, ONE} and not asked.zero:
        said.append("the gradient is the same in every update")
    same = f"for plain gradient descent the same, with λ = {pull}"
    return (*said, f"AdamW takes {lr}·λ·{w} beside its gradient step: {same}")


def _assumptions(asked: _Asked) -> tuple[str, ...]:
    k, rule = asked.updates, asked.rule
    said = () if isinstance(k, Num) else (f"{unicode(k)} is a whole number, 1 or more",)
    divided = asked.closed and not asked.zero and rule.lr != ZERO and symbols(rule.decay)
    return (*said, f"{unicode(rule.decay)} ≠ 0") if divided else said


# where it is checked


def _setting(asked: _Asked, case: _Case) -> Setting:
    """Say where the letters are sampled, and what the iterates are."""
    definitions: dict[str, Callable[..., Any]] = {}
    if case.written:
        for j in range(_whole(case.updates) + 1):
            definitions[f"{case.base}{j}"] = partial(_iterated, asked, case, count=j)
        definitions.pop(case.start.name, None)
    else:
        definitions[case.base] = partial(_iterated, asked, case)
    if asked.listed:
        definitions[GRADIENTS] = lambda point, j: PLAIN.value(asked.gradients[j - 1][0], point)
    positive = [given for given in (asked.rule.lr, asked.rule.decay) if not isinstance(given, Num | Sym)]
    counted = [] if isinstance(asked.updates, Num | Sym) else [Relation(asked.updates, ">=", ONE)]
    return Setting(
        domains=case.domains,
        constraints=(*(Relation(given, ">", ZERO) for given in positive), *counted),
        definitions=definitions,
        families=frozenset(definitions) if not case.written else frozenset(),
        aliases=_aliases(case, {*case.domains, *definitions}),
    )


def _aliases(case: _Case, known: set[str]) -> dict[str, Expr]:
    """Return other spellings that an answer may use for the letters."""
    spellings = (
        (case.rule.lr, ("epsilon", "eps", "lr", "eta")),
        (case.rule.decay, ("alpha", "lambda", "lam", "decay")),
        (case.start, ("theta", "theta0", "w", "W")),
    )
    return {spelling: letter for letter, names in spellings for spelling in names if spelling not in known}


def _descended(weight: Fraction, gradient: Fraction, lr: Fraction, decay: Fraction, penalty: str) -> Fraction:
    """Take one step against the slope of loss and penalty, found by a difference quotient."""

    def loss(at: Fraction) -> Fraction:
        return gradient * at + decay * at * at / (1 if penalty == "full" else 2)

    return weight - lr * (loss(weight + 1) - loss(weight - 1)) / 2


def _iterated(asked: _Asked, case: _Case, point: Mapping[str, Any], count: int) -> Fraction:
    """Run the updates of one weight, for the letters at a point."""
    weight: Fraction = point[case.start.name]
    lr, decay = (PLAIN.value(letter, point) for letter in (case.rule.lr, case.rule.decay))
    for j in range(1, count + 1):
        g = PLAIN.value(case.gradient(j) if case.gradients else asked.gradients[j - 1][0], point)
        weight = _descended(weight, g, lr, decay, case.rule.penalty)
    return weight


def _routes(asked: _Asked) -> tuple[Route, ...]:
    """Run the updates for the very givens, each by the slope of the loss with its penalty."""
    numeric = not symbols(*asked.weights, *asked.gradients, asked.updates, asked.rule.lr, asked.rule.decay)
    shown = len(asked.weights) if numeric else min(len(asked.weights), MAX_ROUTED)
    parts = _parts(asked.rule, asked.updates)
    found = tuple(parts.after(*asked.of(i)) for i in range(shown))
    count = asked.updates.value * shown if isinstance(asked.updates, Num) and asked.constant else 0
    if (numeric and None in map(approximate, found)) or (not numeric and count > MAX_LOOPED // POINTS):
        return ()

    def run(point: Mapping[str, Any]) -> list[Fraction | float]:
        def exactly(given: Expr) -> Fraction:
            return Fraction(PLAIN.value(given, point))

        lr, decay, k = map(exactly, (asked.rule.lr, asked.rule.decay, asked.updates))

        def update(gradient: Fraction, weight: Fraction) -> Fraction:
            return _descended(weight, gradient, lr, decay, asked.rule.penalty)

        out: list[Fraction | float] = []
        for index in range(shown):
            start, given = asked.of(index)
            at, gradients = exactly(start), list(map(exactly, given))
            if count > MAX_LOOPED:
                out.append(_squared(partial(update, gradients[0]), int(k), at))
                continue
            for j in range(int(k)):
                at = update(gradients[min(j, len(gradients) - 1)], at)
            out.append(at)
        return out

    method = "the updates run one by one, down the difference quotient of loss and penalty"
    if count > MAX_LOOPED:
        method = f"one update, by the difference quotient, composed with itself again and again ({ROUTE_DIGITS} digits)"
    return (Route("weights", method, found, run),)


def _squared(update: Callable[[Fraction], Fraction], count: int, start: Fraction) -> float:
    """Apply an affine map many times, by composing it with itself."""
    context = Context(prec=ROUTE_DIGITS, traps=[])

    def rounded(value: Fraction) -> Decimal:
        return context.divide(value.numerator, value.denominator)

    offset = update(Fraction(0))
    slope, shift = rounded(update(Fraction(1)) - offset), rounded(offset)
    at = rounded(start)
    while count:
        if count % 2:
            at = context.fma(slope, at, shift)
        slope, shift, count = context.multiply(slope, slope), context.fma(slope, shift, shift), count // 2
    return float(at)


def _whole(value: Expr) -> int:
    return int(PLAIN.value(value, {}))
