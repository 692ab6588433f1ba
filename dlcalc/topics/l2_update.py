"""Gradient descent with an L2 penalty."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    div,
    expr,
    mul,
    power,
    substitute,
)
from dlcalc.notation.printing import Value, plain, unicode
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
    area="optimisation",
    answers=("weights", "shrink_factor", "gradient", "penalty"),
    examples=(
        "--weights 1,-2 --gradient 0.5,0.5 --lr 0.1 --decay 0.01",
        "--weights 2 --gradient 1 --lr 0.1 --decay 0.5 --penalty full --updates 3",
        '--weights "1,2;3,4" --gradient 0 --lr 0.1 --decay 0.5 --updates 2',
        "--gradient 0 --updates k",
        "--lr eta --decay lambda --penalty full",
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
        scalar("-k", "--updates-count", help="Number of updates (default 1), or a symbol.", whole=True, least=0),
    ] = None,
) -> Solution:
    """Gradient descent with an L2 penalty, as weight decay.

    θ ← θ - ε(g + αθ) = (1 - εα)θ - εg for the penalty α/2·‖θ‖², and (1 - 2εα)θ - εg for α·‖θ‖². After k updates
    with the same gradient θ_k = (1 - εα)^k θ_0 - (g/α)(1 - (1 - εα)^k). The weights shrink for 0 < εα < 2.
    Gradients of several updates are a list for one weight, rows for a list of weights, and for a matrix of weights
    its rows below each other.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.1.1; Loshchilov and Hutter, Decoupled
    weight decay regularization (2019).

    Raises DlcalcError when the gradient fits neither the weights nor the updates.

    >>> l2_update(weights="1,-2", gradient="0.5,0.5", lr="0.1", decay="0.01").value
    [0.949, -2.048]
    """
    asked = _asked(weights, gradient, updates, _Rule(lr, decay, penalty))
    case = _case(asked)
    return Solution(
        answers=_answers(asked),
        work=lambda: Work(_steps(asked, case), _routes(asked)),
        setting=_setting(asked, case),
        notes=(_regime(asked.rule), *_limits(asked)),
        conventions=_conventions(asked, case),
        assumptions=_assumptions(asked),
    )


# the givens


@dataclass(frozen=True)
class _Rule:
    """How a weight is updated: θ ← θ - lr·(g + pull·θ)."""

    lr: Expr
    decay: Expr
    penalty: str

    @property
    def coefficient(self) -> Expr:
        """What the sum of squares is multiplied by."""
        return self.decay if self.penalty == "full" else div(self.decay, expr(2))

    @property
    def pull(self) -> Expr:
        """What a weight is multiplied by in the gradient of the penalty."""
        return mul(expr(2), self.decay) if self.penalty == "full" else self.decay

    @property
    def rate(self) -> Expr:
        """The part of a weight that one update takes away: εα."""
        return mul(self.lr, self.pull)

    @property
    def factor(self) -> Expr:
        """What one update leaves of a weight: 1 - εα."""
        return add(ONE, -self.rate)

    def stepped(self, weight: Expr, gradient: Expr) -> Expr:
        """Return a weight after one update, as weight decay."""
        return add(mul(self.factor, weight), -mul(self.lr, gradient))


@dataclass(frozen=True)
class _Asked:
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
        return all(g == ZERO for row in self.gradients for g in row)

    def of(self, index: int) -> tuple[Expr, tuple[Expr, ...]]:
        """Return one weight with its gradients."""
        return self.weights[index], tuple(row[index] for row in self.gradients)

    def shaped(self, flat: tuple[Expr, ...]) -> Value:
        """Give the weights' shape to a flat list."""
        if not self.shape:
            return flat[0]
        columns = self.shape[-1]
        rows = tuple(flat[at : at + columns] for at in range(0, len(flat), columns))
        return rows[0] if len(self.shape) == 1 else rows


def _asked(weights: Value | None, gradient: Value | None, updates: Expr | None, rule: _Rule) -> _Asked:
    """Fit weights, gradients and updates together."""
    taken = symbols(*(given for given in (weights, gradient, updates, rule.lr, rule.decay) if given is not None))
    several = updates not in {None, ONE} or isinstance(gradient, tuple)
    if weights is None:
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
    found, flat = _shape(gradient), tuple(_flat(gradient))
    size = 1
    for length in shape:
        size *= length
    if found == shape:
        return (flat,)
    if gradient == ZERO:
        return ((ZERO,) * size,)
    stacked = found[1:] == shape or (len(shape) == len(found) and found[1:] == shape[1:] and found[0] % shape[0] == 0)
    if found and stacked and len(flat) > size:
        return tuple(flat[at : at + size] for at in range(0, len(flat), size))
    one = "the gradient is a list" if shape == () else f"give {_words(shape)}"
    raise DlcalcError(
        f"--gradient is {_words(found)}, but --weights is {_words(shape)}",
        f"{one}; for several updates, one such gradient per row" if shape else "give --weights of the same shape",
    )


def _words(shape: tuple[int, ...]) -> str:
    return "a single number" if not shape else f"a list of {shape[0]}" if len(shape) == 1 else "×".join(map(str, shape))


def _invented(name: str, shape: tuple[int, ...], taken: frozenset[str]) -> tuple[Expr, ...]:
    """Return symbols for a gradient of which only the name is known: g, g_1 g_2 …, or g_11 g_12 …."""
    if not shape:
        return (Sym(_unused(name, taken)),)
    if len(shape) > 1 and max(shape) > _ONE_DIGIT:
        raise DlcalcError(f"no gradient is given for {_words(shape)} weights", "add --gradient, or --gradient 0")
    rows, columns = shape if len(shape) > 1 else (0, shape[0])
    indices = [f"{i}{j}" for i in range(1, rows + 1) for j in range(1, columns + 1)] or list(
        map(str, range(1, columns + 1))
    )
    stem = next(
        s for s in (name, *"gqpuvz", *(f"{name}{c}" for c in "abcdefghij")) if not {f"{s}{i}" for i in indices} & taken
    )
    return tuple(Sym(f"{stem}{i}") for i in indices)


def _unused(preferred: str, taken: frozenset[str]) -> str:
    """Return a name that no given uses."""
    names = (preferred, *(f"{preferred}_{c}" for c in "abcdefghijklmnop"))
    return next(name for name in names if name not in taken)


# the answers


@dataclass(frozen=True)
class _Parts:
    """What k updates do to every weight: θ_k = kept·θ_0 - (the gradients, each with what the later updates left of it)."""

    rule: _Rule
    updates: Expr
    kept: Expr

    def pushed(self, gradients: tuple[Expr, ...]) -> Expr:
        """Return what the gradients add to a weight."""
        rule, k = self.rule, self.updates
        if len(gradients) > 1:
            left = len(gradients) - 1
            return -mul(rule.lr, add(*(mul(self.raised(left - j), g) for j, g in enumerate(gradients))))
        (gradient,) = gradients
        if rule.pull == ZERO:
            return -mul(k, rule.lr, gradient)
        if isinstance(k, Num) and k.value <= FEW:
            return -mul(rule.lr, gradient, add(*(self.raised(j) for j in range(int(k.value)))) if k != ZERO else ZERO)
        if rule.factor == ZERO:
            return -mul(rule.lr, gradient)
        return -mul(div(gradient, rule.pull), add(ONE, -self.kept))

    def raised(self, exponent: int) -> Expr:
        """Raise the factor to a power, folded where the powers of these parts are."""
        folds = not isinstance(self.kept, Pow) or not isinstance(self.rule.factor, Num) or exponent <= 1
        return power(self.rule.factor, expr(exponent)) if folds else Pow(self.rule.factor, expr(exponent))

    def after(self, weight: Expr, gradients: tuple[Expr, ...]) -> Expr:
        """Return a weight after all updates."""
        return add(mul(self.kept, weight), self.pushed(gradients))


def _parts(rule: _Rule, updates: Expr) -> _Parts:
    """Raise the factor to the number of updates: exactly where that is short to write, else as a power."""
    kept = power(rule.factor, updates)
    if rule.factor == ZERO and not isinstance(updates, Num):
        kept = ZERO
    if isinstance(kept, Num) and len(plain(kept)) > SHORT:
        kept = Pow(rule.factor, updates)
    return _Parts(rule, updates, kept)


def _after(asked: _Asked, rule: _Rule) -> Value:
    """Return all weights after all updates."""
    parts = _parts(rule, asked.updates)
    return asked.shaped(tuple(parts.after(*asked.of(i)) for i in range(len(asked.weights))))


def _answers(asked: _Asked) -> tuple[Answer, ...]:
    rule = asked.rule
    first = asked.gradients[0]
    gradient = tuple(add(g, mul(rule.pull, w)) for g, w in zip(first, asked.weights, strict=True))
    without = tuple(add(g, mul(_other(rule).pull, w)) for g, w in zip(first, asked.weights, strict=True))
    squares = add(*(power(w, expr(2)) for w in asked.weights))
    return (
        Answer("weights", _after(asked, rule), slips=_weight_slips(asked)),
        Answer("shrink_factor", rule.factor, slips=_factor_slips(rule)),
        Answer(
            "gradient",
            asked.shaped(gradient),
            slips=(
                Slip(asked.shaped(without), _other_penalty(rule), "penalty"),
                Slip(asked.shaped(first), "the gradient of the penalty is missing", "penalty"),
            ),
        ),
        Answer(
            "penalty",
            mul(rule.coefficient, squares),
            slips=(Slip(mul(_other(rule).coefficient, squares), _other_penalty(rule)),),
        ),
    )


def _other(rule: _Rule) -> _Rule:
    return replace(rule, penalty="half" if rule.penalty == "full" else "full")


def _other_penalty(rule: _Rule) -> str:
    if rule.penalty == "half":
        return (
            "that is for the penalty α·‖W‖²; for α/2·‖W‖² the ½ cancels the 2 of the derivative (or use --penalty full)"
        )
    return "that is for the penalty α/2·‖W‖²; for α·‖W‖² the derivative is 2αW (or use --penalty half)"


def _factor_slips(rule: _Rule) -> tuple[Slip, ...]:
    return (
        Slip(_other(rule).factor, _other_penalty(rule), "penalty"),
        Slip(add(ONE, rule.rate), "the penalty is descended too: its sign is minus", "decay"),
        Slip(add(ONE, -rule.pull), "the learning rate multiplies the gradient of the penalty too", "decay"),
        Slip(rule.rate, "that is what an update takes away; what is left is 1 minus it", "decay"),
    )


def _weight_slips(asked: _Asked) -> tuple[Slip, ...]:
    """List the common wrong results, each with the step where it departs."""
    rule, k = asked.rule, asked.updates
    parts = _parts(rule, k)

    def each(wrong: Callable[[Expr, tuple[Expr, ...]], Expr]) -> Value:
        return asked.shaped(tuple(wrong(*asked.of(i)) for i in range(len(asked.weights))))

    def without_rate(gradients: tuple[Expr, ...]) -> Expr:
        return ZERO if rule.lr == ZERO else div(parts.pushed(gradients), rule.lr)

    plain_descent = _parts(replace(rule, decay=ZERO), k)
    slips = [
        Slip(_after(asked, _other(rule)), _other_penalty(rule), "penalty"),
        Slip(
            _after(asked, replace(rule, decay=-rule.decay)),
            "the penalty is descended too: (1 - εα), not (1 + εα)",
            "decay",
        ),
        Slip(each(plain_descent.after), "the penalty is missing", "penalty"),
        Slip(each(lambda w, _: mul(parts.kept, w)), "the gradient of the loss is missing", "update"),
        Slip(
            each(lambda w, g: add(mul(parts.kept, w), -parts.pushed(g))),
            "the gradient is subtracted, not added",
            "update",
        ),
        Slip(
            each(lambda w, g: add(mul(parts.kept, w), without_rate(g))), "the learning rate multiplies g too", "update"
        ),
        Slip(
            each(lambda w, g: add(mul(parts.kept, w), mul(rule.factor, parts.pushed(g)))),
            "the decay multiplies the old weights only, not the gradient step",
            "decay",
        ),
    ]
    if k == ONE:
        too_large = Slip(
            each(lambda w, g: add(mul(add(ONE, -rule.pull), w), parts.pushed(g))),
            "the learning rate multiplies the gradient of the penalty too: 1 - εα, not 1 - α",
            "decay",
        )
        return (*slips, too_large)
    linear = add(ONE, -mul(k, rule.rate))
    slips += [
        Slip(
            each(lambda w, g: add(mul(k, rule.factor, w), parts.pushed(g))),
            "the factors multiply: a power, not k times",
            "pattern",
        ),
        Slip(
            each(lambda w, g: add(mul(linear, w), parts.pushed(g))),
            "the factors multiply: (1 - εα)^k, not 1 - kεα",
            "pattern",
        ),
    ]
    if asked.constant:
        fewer, more = (_parts(rule, add(k, expr(by))) for by in (-1, 1))
        slips += [
            Slip(each(fewer.after), "that is one update too few"),
            Slip(each(more.after), "that is one update too many"),
            Slip(
                each(lambda w, g: add(mul(parts.kept, w), -mul(k, rule.lr, *g))),
                "the earlier gradient steps decay too",
                "pattern",
            ),
            Slip(
                each(lambda w, g: add(mul(parts.kept, w), -mul(rule.lr, *g))),
                "every update subtracts the gradient",
                "pattern",
            ),
        ]
    return tuple(slips)


# the derivation


@dataclass(frozen=True)
class _Case:
    """The question for one weight, in letters: a given that is a symbol is its own letter."""

    rule: _Rule
    start: Sym
    gradients: tuple[Expr, ...]
    """The one gradient, or one per update; empty where there are too many to write each."""
    updates: Expr
    base: str
    """How the iterates are called: theta1, theta2, … where they are written out, else theta[j]."""
    letters: Letters
    values: tuple[Mapping[str, Expr], ...]
    """The givens that stand for letters, for each weight that is shown."""

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
        return left if self.gradient(j) == ZERO else Add((left, -mul(self.rule.lr, self.gradient(j))))

    def after(self, j: int) -> Expr:
        """Return the weight after a few updates, the sum of what is left of each gradient step written out."""
        powers = tuple(power(self.rule.factor, expr(i)) for i in range(j))
        if len(self.gradients) > 1 or self.gradients == (ZERO,) or self.rule.decay == ZERO or j < 2:  # noqa: PLR2004 (a sum)
            return _parts(self.rule, expr(j)).after(self.start, self.gradients[:j])
        return add(
            mul(power(self.rule.factor, expr(j)), self.start), -Mul((self.rule.lr, self.gradient(j), Add(powers)))
        )


def _case(asked: _Asked) -> _Case:
    """Choose the letters; none stands for two things."""
    letters = Letters(domains=_sampled(asked), taken=frozenset({GRADIENTS}) if asked.listed else frozenset())
    single = len(asked.weights) == 1
    lr = letters.letter("epsilon", asked.rule.lr, POSITIVE)
    decay = ZERO if asked.rule.decay == ZERO else letters.letter("alpha", asked.rule.decay, POSITIVE)
    name = "theta" if asked.updates == ONE else "theta0"
    start = letters.letter(name, asked.weights[0] if single and isinstance(asked.weights[0], Sym) else None, REAL)
    updates: Expr = asked.updates
    if asked.closed or asked.listed:
        most = (
            COUNT
            if asked.constant
            else Domain(COUNT.low, min(COUNT.high, Fraction(len(asked.gradients) - 1)), whole=True)
        )
        updates = letters.letter("k", asked.updates, most)
    shared = dict(letters.values)
    gradients: tuple[Expr, ...] = (ZERO,)
    if asked.listed:
        gradients = ()
    elif not asked.zero:
        names = ["g"] if asked.constant else [f"g{j}" for j in range(1, len(asked.gradients) + 1)]
        own = [row[0] if single and isinstance(row[0], Sym) else None for row in asked.gradients]
        gradients = tuple(letters.letter(name, given, REAL) for name, given in zip(names, own, strict=True))
    values = []
    for index in range(min(len(asked.weights), 1 if asked.listed else SHOWN)):
        weight, per_update = asked.of(index)
        pairs = ((start, weight), *(() if asked.listed else zip(gradients, per_update, strict=not asked.zero)))
        values.append(shared | {of.name: given for of, given in pairs if isinstance(of, Sym) and of != given})
    rule = replace(asked.rule, lr=lr, decay=decay)
    return _Case(rule, start, gradients, updates, _base(asked, start.name, letters), letters, tuple(values))


def _sampled(asked: _Asked) -> dict[str, Domain]:
    """Say where the symbols of the givens are sampled."""
    domains = dict.fromkeys(sorted(symbols(*asked.weights, *asked.gradients)), REAL)
    domains |= dict.fromkeys(sorted(symbols(asked.rule.lr, asked.rule.decay)), POSITIVE)
    return domains | dict.fromkeys(sorted(symbols(asked.updates)), COUNT)


def _base(asked: _Asked, start: str, letters: Letters) -> str:
    """Name the iterates after the weight, unless a letter would be mistaken for one of them."""
    stem = re.sub(r"_?\d+$", "", start)
    count = FEW if asked.constant else len(asked.gradients)
    written = not asked.closed and not asked.listed
    for base in (stem, "theta", "w", "u", "p"):
        numbered = {f"{base}{j}" for j in range(1, count + 1)} | ({base} - {start} if written else {base})
        if not numbered & set(letters.domains):
            return base
    return f"{stem}_after"


def _steps(asked: _Asked, case: _Case) -> tuple[Step, ...]:
    """Derive the weights: the penalty's gradient, one update, all updates, the givens put in."""
    if asked.updates == ZERO:
        return (
            Step("update", Sym("weights"), case.iterate(ZERO), case.start, "no update: the weights stay as they are"),
        )
    decays = case.rule.decay != ZERO
    many = _written_out(case) if case.written else _repeated(asked, case)
    steps = (*((_slope(case),) if decays else ()), *_one_update(case), *many, *_givens_put_in(asked, case))
    return (*steps, _range(asked, case), *_decoupled(case)) if decays else steps


def _slope(case: _Case) -> Step:
    """Differentiate the penalty: the difference quotient of a square does not depend on h."""
    h, weight, rule = Letters(domains=dict(case.letters.domains)).letter("h", None, POSITIVE), case.start, case.rule

    def penalty(at: Expr) -> Expr:
        return mul(rule.coefficient, Pow(at, expr(2)))

    quotient = Div(Add((penalty(Add((weight, h))), -penalty(Add((weight, -h))))), mul(expr(2), h))
    because = f"slope of the penalty in one weight: the same for every {h}, so the derivative"
    return Step("penalty", Sym("gradient"), quotient, mul(rule.pull, weight), because)


def _one_update(case: _Case) -> tuple[Step, ...]:
    """Descend the loss with its penalty, and collect the weight."""
    rule, weight, target, g = case.rule, case.start, case.iterate(ONE), case.gradient(1)
    descended = add(weight, -mul(rule.lr, add(g, mul(rule.pull, weight))))
    because = (
        "down the gradient of loss and penalty" if rule.decay != ZERO else "down the gradient of the loss; no penalty"
    )
    step = Step("update", target, target, descended, because)
    if rule.decay == ZERO:
        return (step,)
    after = "; the loss acts as before" if g != ZERO else ""
    return (step, Step("decay", target, descended, rule.stepped(weight, g), f"the weight collected: it decays{after}"))


def _written_out(case: _Case) -> tuple[Step, ...]:
    """Write every update."""
    steps = []
    for j in range(2, _whole(case.updates) + 1):
        target, inserted, after = case.iterate(expr(j)), case.stepped(case.after(j - 1), j), case.after(j)
        steps.append(Step("pattern", target, target, inserted, f"update {j}, on what update {j - 1} left"))
        steps.append(Step("pattern", target, inserted, after, "collected"))
    return tuple(steps)


def _repeated(asked: _Asked, case: _Case) -> tuple[Step, ...]:
    """Derive k updates: the second shows the pattern, induction proves it, the geometric sum closes it."""
    k, two, pattern = case.updates, expr(2), _pattern(case)
    second = case.stepped(case.rule.stepped(case.start, case.gradient(1)), 2)
    last = case.gradients[0] if case.gradients else Entry(GRADIENTS, k + ONE)
    again = add(mul(case.rule.factor, pattern(k)), -mul(case.rule.lr, last))
    why = "every update multiplies by the same factor" if asked.zero else "a gradient step decays in every later update"
    steps = (
        Step("second", case.iterate(two), case.iterate(two), second, "update 2, on what update 1 left"),
        Step("second", case.iterate(two), second, case.after(2) if case.gradients else pattern(two), "collected"),
        Step("pattern", case.iterate(k), case.iterate(k), pattern(k), f"the pattern: {why}"),
        Step("induction", case.iterate(k + ONE), again, pattern(k + ONE), "one update more keeps it: induction"),
    )
    return steps if asked.zero or asked.listed or case.rule.decay == ZERO else (*steps, *_closed(asked, case))


def _pattern(case: _Case) -> Callable[[Expr], Expr]:
    """Return the weight after a number of updates, as a sum over them where the gradients do not vanish."""
    rule, name = case.rule, Letters(domains=dict(case.letters.domains)).letter("j", None, COUNT).name
    j = Sym(name)

    def after(count: Expr) -> Expr:
        kept = mul(power(rule.factor, count), case.start)
        if case.gradients == (ZERO,):
            return kept
        if not case.gradients:
            return add(
                kept, -mul(rule.lr, Sum(name, ONE, count, mul(power(rule.factor, count - j), Entry(GRADIENTS, j))))
            )
        if rule.decay == ZERO:
            return add(kept, -mul(count, rule.lr, case.gradients[0]))
        return add(kept, -mul(rule.lr, case.gradients[0], Sum(name, ZERO, count - ONE, power(rule.factor, j))))

    return after


def _closed(asked: _Asked, case: _Case) -> tuple[Step, ...]:
    """Close the sum of the pattern; the rate that divides is not 0."""
    k, rule, target, g = case.updates, case.rule, case.iterate(case.updates), case.gradients[0]
    name = Letters(domains=dict(case.letters.domains)).letter("j", None, COUNT).name
    powers = Sum(name, ZERO, k - ONE, power(rule.factor, Sym(name)))
    kept, rest = power(rule.factor, k), -div(g, rule.pull)
    without = Step(
        "no-decay", target, target, add(case.start, -mul(k, rule.lr, g)), f"the case {unicode(rule.decay)} = 0"
    )
    return (
        Step(
            "geometric", Sym("sum"), powers, div(add(ONE, -kept), rule.rate), f"geometric sum, {unicode(rule.rate)} ≠ 0"
        ),
        Step("closed", target, target, _parts(rule, k).after(case.start, (g,)), "the sum put in"),
        *((replace(without, where={plain(rule.decay): ZERO}),) if symbols(asked.rule.decay) else ()),
        Step("rest", Sym("rest"), rule.stepped(rest, g), rest, f"an update leaves {unicode(rest)} where it is"),
    )


def _givens_put_in(asked: _Asked, case: _Case) -> Iterator[Step]:
    """Put the givens of the first weights into the formula."""
    if len(asked.gradients) > MAX_PUT_IN:
        return
    if case.written:
        formula = case.after(_whole(case.updates))
    elif asked.listed:
        formula = _pattern(case)(case.updates)
    else:
        formula = _parts(case.rule, case.updates).after(case.start, case.gradients)
    found, target = _parts(asked.rule, asked.updates), case.iterate(case.updates)
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
    rate, factor = asked.rule.rate, case.rule.factor
    if isinstance(rate, Num):
        relation: Literal["<", "=", ">"] = "<" if 0 < rate.value < WHOLE else "=" if rate.value in {0, WHOLE} else ">"
        because = {"<": "decay shrinks the weights", "=": "decay keeps their size", ">": "decay makes the weights grow"}
        return Step(
            "range",
            Sym("shrink_factor"),
            Call("abs", (substitute(factor, case.values[0]),)),
            ONE,
            because[relation],
            relation,
        )
    left = Add((ONE, -Pow(factor, expr(2))))
    why = f"positive, so |{unicode(factor)}| < 1, exactly where 0 < {unicode(case.rule.rate)} < 2"
    return Step("range", Sym("shrink_factor"), left, mul(case.rule.rate, add(expr(2), -case.rule.rate)), why)


def _decoupled(case: _Case) -> tuple[Step, ...]:
    """Compare with decay beside the gradient step, plain and divided by the root of an adaptive method."""
    rule, weight, g = case.rule, case.start, Sym("g") if case.gradients in {(), (ZERO,)} else case.gradients[0]
    spare = Letters(domains=dict(case.letters.domains))
    root = spare.letter("d", None, POSITIVE)
    taken = mul(rule.rate, weight)
    beside = Add((weight, -mul(rule.lr, g), -taken))
    through = Add((weight, -Div(mul(rule.lr, add(g, mul(rule.pull, weight))), root)))
    adaptive = Add((weight, -Div(mul(rule.lr, g), root), -taken))
    return (
        Step(
            "decoupled",
            Sym("weights"),
            beside,
            rule.stepped(weight, g),
            "decay beside the gradient step: the same here",
        ),
        Step(
            "adaptive",
            Sym("weights"),
            Add((through, -adaptive)),
            mul(taken, add(ONE, -div(ONE, root))),
            f"not with an adaptive root {root}: it divides the L2 decay, not AdamW's",
        ),
    )


# what is said beside it


def _regime(rule: _Rule) -> str:
    """Say what an update does to a weight before the gradient of the loss acts."""
    if not isinstance(rule.rate, Num):
        rate = unicode(rule.rate)
        return f"decay shrinks the weights exactly where 0 < {rate} < 2: above 1 their sign flips, above 2 they grow"
    rate, name = rule.rate.value, f"{'2' if rule.penalty == 'full' else ''}εα = {unicode(rule.rate)}"
    regimes = (
        (rate == 0, f"{name}: nothing decays"),
        (
            rate < 1,
            f"0 < {name} < 1: decay leaves {unicode(rule.factor)} of each weight at every update, so it shrinks them",
        ),
        (rate == 1, f"{name}: decay forgets the old weights in one update"),
        (rate < WHOLE, f"1 < {name} < 2: decay flips the sign of the weights at every update, and shrinks them"),
        (rate == WHOLE, f"{name}: decay flips the sign of the weights at every update, and never shrinks them"),
    )
    return next(
        (text for applies, text in regimes if applies), f"{name} > 2: decay makes the weights grow, with flipping sign"
    )


def _limits(asked: _Asked) -> tuple[str, ...]:
    """Say where the weights go, where they go anywhere."""
    rate, pull = asked.rule.rate, asked.rule.pull
    if not asked.closed or pull == ZERO or (isinstance(rate, Num) and not 0 < rate.value < WHOLE):
        return ()
    if asked.zero:
        return (
            f"with no other gradient the weights approach 0; only {unicode(asked.rule.rate)} = 1 makes them exactly 0",
        )
    if len(asked.weights) > 1:
        return (f"while decay shrinks, the weights approach {unicode(-div(Sym('g'), pull))}",)
    return (f"while decay shrinks, the weight approaches {unicode(-div(asked.gradients[0][0], pull))}",)


def _conventions(asked: _Asked, case: _Case) -> tuple[str, ...]:
    rule = replace(case.rule, decay=ALPHA) if case.rule.decay == ZERO else case.rule
    w, lr, decay, pull = (unicode(part) for part in (Sym(case.base), rule.lr, rule.decay, rule.pull))
    squares = (
        f"Σ {w}_ij² = tr({w}ᵀ{w}), the Frobenius norm, not the spectral one" if len(asked.shape) > 1 else f"Σ {w}_i²"
    )
    half = "" if rule.penalty == "full" else "/2"
    said = [
        f"penalty {rule.penalty}: {decay}{half}·‖{w}‖² with ‖{w}‖² = {squares}; its gradient is {pull}·{w}",
        f"{w} ← {w} - {lr}(g + {pull}·{w}) for every weight; g is the gradient of the loss without the penalty",
    ]
    if asked.invented:
        g = ", ".join(map(unicode, asked.gradients[0][:3])) + (", …" if len(asked.weights) > 3 else "")  # noqa: PLR2004 (some)
        said.append(f"no gradient is given: {g} stands for it; --gradient 0 leaves the decay alone")
    if not asked.constant:
        said.append(f"{len(asked.gradients)} gradients, one per update, the first one first")
    elif asked.updates not in {ZERO, ONE} and not asked.zero:
        said.append("the gradient is the same in every update")
    said.append(
        f"AdamW takes {lr}·λ·{w} beside its gradient step: for plain gradient descent the same, with λ = {pull}"
    )
    return tuple(said)


def _assumptions(asked: _Asked) -> tuple[str, ...]:
    k, decay = asked.updates, asked.rule.decay
    said = () if isinstance(k, Num) else (f"{unicode(k)} is a whole number, 1 or more",)
    if asked.closed and not asked.zero and symbols(decay):
        return (*said, f"{unicode(decay)} ≠ 0")
    return said


# where it is checked


def _setting(asked: _Asked, case: _Case) -> Setting:
    """Say where the letters are sampled, and what the iterates are."""
    letters = Letters(domains=dict(case.letters.domains))
    for name, domain in (("h", POSITIVE), ("d", POSITIVE)):
        letters.letter(name, None, domain)
    definitions: dict[str, Callable[..., Any]] = {}
    if case.written:
        for j in range(_whole(case.updates) + 1):
            definitions[f"{case.base}{j}"] = partial(_iterated, asked, case, count=j)
        definitions.pop(case.start.name, None)
    else:
        definitions[case.base] = partial(_iterated, asked, case)
    if asked.listed:
        definitions[GRADIENTS] = lambda point, j: PLAIN.value(asked.gradients[j - 1][0], point)
    elif asked.zero and case.rule.decay != ZERO:
        letters.letter("g", None, REAL)
    positive = [given for given in (asked.rule.lr, asked.rule.decay) if not isinstance(given, Num | Sym)]
    counted = [] if isinstance(asked.updates, Num | Sym) else [Relation(asked.updates, ">=", ONE)]
    return Setting(
        domains=letters.domains,
        constraints=(*(Relation(given, ">", ZERO) for given in positive), *counted),
        definitions=definitions,
        families=frozenset(definitions) if not case.written else frozenset(),
        aliases=_aliases(case, {*letters.domains, *definitions}),
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
    count = asked.updates.value * shown if isinstance(asked.updates, Num) else 0
    if (numeric and None in map(approximate, found)) or (not numeric and count > MAX_LOOPED // POINTS):
        return ()

    def run(point: Mapping[str, Any]) -> list[Fraction | float]:
        lr, decay, k = (PLAIN.value(given, point) for given in (asked.rule.lr, asked.rule.decay, asked.updates))

        def update(gradient: Fraction, weight: Fraction) -> Fraction:
            return _descended(weight, gradient, lr, decay, asked.rule.penalty)

        out: list[Fraction | float] = []
        for index in range(shown):
            start, given = asked.of(index)
            at, gradients = PLAIN.value(start, point), [PLAIN.value(g, point) for g in given]
            if count > MAX_LOOPED:
                out.append(_squared(partial(update, gradients[0]), int(k), at))
                continue
            for j in range(int(k)):
                at = update(gradients[min(j, len(gradients) - 1)], at)
            out.append(at)
        return out

    method = "the updates run one by one, each with the slope of loss and penalty as a difference quotient"
    if count > MAX_LOOPED:
        method = (
            f"one update, found by a difference quotient, composed with itself again and again, {ROUTE_DIGITS} digits"
        )
    return (Route("weights", method, found, run),)


def _squared(update: Callable[[Fraction], Fraction], count: int, start: Fraction) -> float:
    """Apply an affine map many times, by composing it with itself."""
    context = Context(prec=ROUTE_DIGITS, traps=[])

    def decimal(value: Fraction) -> Decimal:
        return context.divide(value.numerator, value.denominator)

    offset = update(Fraction(0))
    slope, shift = decimal(update(Fraction(1)) - offset), decimal(offset)
    at = decimal(start)
    while count:
        if count % 2:
            at = context.fma(slope, at, shift)
        slope, shift, count = context.multiply(slope, slope), context.fma(slope, shift, shift), count // 2
    return float(at)


def _whole(value: Expr) -> int:
    return int(PLAIN.value(value, {}))
