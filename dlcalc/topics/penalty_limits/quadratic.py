"""The penalty on one weight with a quadratic data loss: minimum, limits, and the step that diverges."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    INFINITY,
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    Limit,
    Mul,
    Num,
    Pow,
    Relation,
    Sym,
    expr,
    substitute,
)
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import POSITIVE, REAL, Answer, Route, Setting, Slip, Solution, Step, Work, symbols, verdict
from dlcalc.topics.l1_update.rates import soft

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TWO = expr(2)
PULLS = {"half": 1, "full": 2}
STEPS = 50
"""Steps of gradient descent that the route runs."""


class _Case(NamedTuple):
    """Data loss h/2·(w - a)², weight α of a penalty, learning rate ε: letters or givens alike."""

    a: Expr
    h: Expr
    alpha: Expr
    lr: Expr
    penalty: str

    @property
    def pull(self) -> Expr:
        """The curvature that the penalty adds: α, or 2α."""
        return PULLS[self.penalty] * self.alpha

    def loss(self, w: Expr) -> Expr:
        """Return the data loss."""
        return self.h / 2 * (w - self.a) ** 2

    def omega(self, w: Expr) -> Expr:
        """Return the penalty without its weight."""
        return {"half": w**2 / 2, "full": w**2, "l1": call("abs", w)}[self.penalty]

    @property
    def minimum(self) -> Expr:
        """Where data loss and penalty are least."""
        if self.penalty == "l1":
            return soft(self.a, self.alpha / self.h)
        if self.alpha == ZERO:
            return self.a
        return self.h * self.a / (self.h + self.pull)

    @property
    def data_loss(self) -> Expr:
        """The data loss there."""
        if self.penalty == "l1" or self.alpha == ZERO:
            return self.loss(self.minimum)
        return self.h * self.a**2 * self.pull**2 / (2 * (self.h + self.pull) ** 2)

    @property
    def largest(self) -> Expr:
        """The weight of the penalty above which gradient descent diverges."""
        return (2 / self.lr - self.h) / PULLS[self.penalty]

    @property
    def factor(self) -> Expr:
        """What one step leaves of the distance to the minimum."""
        return 1 - self.lr * (self.h + self.pull)


def quadratic(
    target: Expr | None, curvature: Expr | None, alpha: Expr | None, lr: Expr | None, penalty: str
) -> Solution:
    """Answer with the minimum for α, its limits, and the verdicts on training loss and underfitting."""
    given = [value for value in (target, curvature, alpha, lr) if value is not None]
    letters = Letters(taken=symbols(*given))
    a, h = letters.letter("a", target, REAL), letters.letter("h", curvature, POSITIVE)
    al, ep = letters.letter("alpha", alpha, POSITIVE), letters.letter("epsilon", lr, POSITIVE)
    w, t = letters.letter("w", None, REAL), letters.letter("t", None, POSITIVE)
    board = _Case(a, h, al, ep, penalty)
    asked = _Case(target or a, curvature or h, alpha or al, lr or ep, penalty)
    if lr == ZERO:
        raise DlcalcError("--lr 0 moves nothing, whatever the penalty", "use a rate above 0, or leave it out")
    numeric = all(isinstance(value, Num) for value in asked[:4])
    answers = [*_answers(asked, w), *_descending(asked, numeric=numeric)]
    aliases: dict[str, Expr] = {
        name: letter
        for letter, names in (
            (al, ("alpha", "lambda", "lam")),
            (ep, ("epsilon", "eps", "lr", "eta")),
            (w, ("w", "theta")),
        )
        for name in names
        if name not in letters.domains
    }
    aliases |= {"Omega": board.omega(w), "L": board.loss(w)} if not {"Omega", "L"} & letters.domains.keys() else {}
    omega = {"half": "w²/2", "full": "w²", "l1": "|w|"}[penalty]
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(
            (*_steps(board, w, t), *_put_in(board, asked, letters.values)), tuple(_routes(asked, numeric=numeric))
        ),
        setting=Setting(
            domains=letters.domains,
            constraints=(Relation(h, ">", ZERO),),
            aliases=aliases,
            values=letters.values,
        ),
        principal=("minimum", "data_loss"),
        conventions=(f"L = {unicode(h)}/2·(w - {unicode(a)})², Ω = {omega}, L̃ = L + {unicode(al)}·Ω",),
        notes=_notes(penalty),
    )


def _descending(asked: _Case, *, numeric: bool) -> Iterator[Answer]:
    """Answer from where on a fixed step diverges."""
    if asked.penalty == "l1":
        return
    slips = (
        Slip(2 / asked.lr, "that leaves out the curvature of the data loss", "diverges"),
        Slip(1 / asked.lr, "above 1 the iterates flip their sign; they diverge above 2", "diverges"),
    )
    yield Answer("largest_alpha", asked.largest, slips=slips)
    if numeric:
        size = abs(PLAIN.value(asked.factor, {}))
        grows = "grows" if size > 1 else "does not grow"
        because = f"|1 - ε(h + α)| is {unicode(expr(size))}: a step {grows} the distance"
        yield verdict("diverges", holds=size > 1, otherwise=because)


def _notes(penalty: str) -> tuple[str, ...]:
    said = [
        "α = 0: the plain fit, with the most overfitting; α → ∞: the minimum goes to that of Ω, 0: underfitting",
        "α → ∞: L̃/α → Ω; L̃ - αΩ = L does not vanish, so L̃ → αΩ holds only relative to α",
        "the data loss at the penalised minimum is never below the unpenalised one: what may fall is the TEST loss",
    ]
    if penalty != "l1":
        said.append("a fixed step does not stop learning for large α: gradient descent diverges once ε(h + α) > 2")
    return tuple(said)


def _answers(asked: _Case, w: Expr) -> list[Answer]:
    zero_predictor = asked.h * asked.a**2 / 2
    fits = "at the penalised minimum the data loss is never below its unpenalised minimum"
    flat = asked.a == ZERO
    under = "for α → ∞ the minimum goes to 0 and the data loss to that of the zero predictor"
    return [
        Answer("minimum", asked.minimum, slips=_minimum_slips(asked)),
        Answer("data_loss", asked.data_loss, slips=(Slip(ZERO, "that is the data loss without the penalty"),)),
        Answer("minimum_at_0", asked.a),
        Answer("minimum_at_infinity", ZERO, slips=(Slip(asked.a, "that is the plain fit, at α = 0", "infinity"),)),
        Answer("data_loss_at_infinity", zero_predictor, slips=(Slip(ZERO, "that is at α = 0", "infinity"),)),
        Answer("objective_at_0", asked.loss(w)),
        Answer(
            "ratio_at_infinity",
            asked.omega(w),
            slips=(
                Slip(asked.alpha * asked.omega(w), "L̃ → αΩ only relative to α: L̃/α → Ω", "ratio"),
                Slip(ZERO, "L/α goes to 0, and Ω stays", "ratio"),
            ),
        ),
        verdict("decreases_training_loss", holds=False, otherwise=fits),
        verdict(
            "underfits_at_infinity",
            holds=not flat,
            otherwise=under if not flat else "a = 0: the zero predictor is the best fit",
        ),
    ]


def _minimum_slips(asked: _Case) -> tuple[Slip, ...]:
    if asked.penalty == "l1" or asked.alpha == ZERO:
        return ()
    other = asked._replace(penalty="half" if asked.penalty == "full" else "full")
    return (
        Slip(other.minimum, "that is for the other form of the penalty, w² for w²/2", "minimum"),
        Slip(asked.a / (1 + asked.pull), "the curvature of the data loss is missing", "minimum"),
        Slip(asked.a, "that is the minimum without the penalty", "minimum"),
    )


def _steps(case: _Case, w: Sym, t: Sym) -> Iterator[Step]:
    """Derive the minimum, then follow it from α = 0 to infinity."""
    a, h, alpha = case.a, case.h, case.alpha
    assert isinstance(alpha, Sym)  # noqa: S101 (the board has letters)
    best, least = Sym("minimum"), Sym("data_loss")
    if case.penalty == "l1":
        yield from _lasso(case, w)
    else:
        slope = Add((Mul((h, Add((case.minimum, -a)))), case.pull * case.minimum))
        yield Step("minimum", best, slope, ZERO, "the slope of data loss and penalty is 0 here, and it grows")
        yield Step("data-loss", least, case.loss(case.minimum), case.data_loss, "the data loss at this minimum")
    yield Step(
        "never-lower", least, case.data_loss, case.loss(a), "never below the unpenalised minimum, at w = a", ">="
    )
    later = case._replace(alpha=alpha + t)
    yield Step("grows", least, later.data_loss, case.data_loss, "a larger α never lowers the data loss", ">=")
    yield Step("shrinks", Sym("omega"), later.omega(later.minimum), case.omega(case.minimum), "nor raises Ω", "<=")
    objective = Add((case.loss(w), alpha * case.omega(w)))
    yield Step("alpha-0", Sym("objective"), objective, case.loss(w), "α = 0: the plain loss", where={alpha.name: ZERO})
    yield Step("alpha-0", best, case.minimum, a, "α = 0: the plain fit", where={alpha.name: ZERO})

    def far(body: Expr) -> Expr:
        return Limit(alpha.name, INFINITY, "", body)

    yield Step("infinity", best, far(case.minimum), ZERO, "α → ∞: the minimum goes to that of Ω")
    because = "α → ∞: the data loss goes to that of the zero predictor: underfitting"
    yield Step("infinity", least, far(case.data_loss), case.loss(ZERO), because)
    yield Step("ratio", Sym("ratio"), Div(objective, alpha) - case.omega(w), case.loss(w) / alpha, "L̃/α is Ω and L/α")
    yield Step("ratio", Sym("ratio"), far(Div(objective, alpha)), case.omega(w), "α → ∞: L/α goes to 0, so L̃/α → Ω")
    yield Step("ratio", Sym("rest"), far(objective - alpha * case.omega(w)), case.loss(w), "but L̃ - αΩ = L stays")
    if case.penalty != "l1":
        yield from _descent(case, w)


def _lasso(case: _Case, w: Sym) -> Iterator[Step]:
    """Prove the minimum with |w|: no other weight is better."""
    found = case.minimum
    gap = Add((case.loss(w) + case.alpha * case.omega(w), -(case.loss(found) + case.alpha * Call("abs", (found,)))))
    because = "the soft threshold: no other w is better"
    yield Step("minimum", Sym("minimum"), gap, case.h / 2 * Pow(Add((w, -found)), TWO), because, ">=")


def _descent(case: _Case, w: Sym) -> Iterator[Step]:
    """Follow gradient descent with a fixed rate."""
    lr, rate = case.lr, case.h + case.pull
    moved = w - lr * (case.h * (w - case.a) + case.pull * w) - case.minimum
    yield Step(
        "step",
        Sym("step"),
        moved,
        case.factor * (w - case.minimum),
        "a gradient step scales the distance to the minimum",
    )
    grown = Add((Pow(case.factor, TWO), -ONE))
    because = "its square exceeds 1 exactly where ε(h + α) > 2: then every step is farther away"
    yield Step("diverges", Sym("step"), grown, lr * rate * (lr * rate - 2), because)
    assert isinstance(case.alpha, Sym)  # noqa: S101 (the board has letters)
    yield Step(
        "diverges",
        Sym("factor"),
        case.factor,
        -ONE,
        "at the largest α the iterates swing",
        where={case.alpha.name: case.largest},
    )


def _put_in(board: _Case, asked: _Case, values: Mapping[str, Expr]) -> Iterator[Step]:
    pairs = [("minimum", board.minimum, asked.minimum), ("data_loss", board.data_loss, asked.data_loss)]
    if board.penalty != "l1":
        pairs.append(("largest_alpha", board.largest, asked.largest))
        if all(isinstance(value, Num) for value in asked[:4]):
            size = PLAIN.value(asked.factor, {})
            relation: Any = ">" if abs(size) > 1 else "<=" if abs(size) == 1 else "<"
            written = Call("abs", (substitute(board.factor, values),))
            because = "gradient descent diverges" if abs(size) > 1 else "gradient descent does not diverge"
            yield Step("factor-givens", Sym("factor"), written, ONE, because, relation)
    for name, formula, found in pairs:
        inserted = substitute(formula, values)
        if plain(inserted) != plain(found):
            yield Step(f"{name}-givens", Sym(name), inserted, found, "the givens put in")


def _routes(asked: _Case, *, numeric: bool) -> Iterator[Route]:
    def searched(point: Mapping[str, Any]) -> list[Any]:
        """Find the minimum by values of the penalised loss alone."""
        a, h, alpha = (PLAIN.value(value, point) for value in (asked.a, asked.h, asked.alpha))

        def loss(w: Any) -> Any:  # noqa: ANN401 (exact numbers)
            size = {"half": w * w / 2, "full": w * w, "l1": abs(w)}[asked.penalty]
            return h * (w - a) ** 2 / 2 + alpha * size

        ends = (
            [(-1 - abs(a), Fraction(0)), (Fraction(0), 1 + abs(a))]
            if asked.penalty == "l1"
            else [(Fraction(-1), Fraction(1))]
        )
        found = min((_vertex(loss, *pair, bounded=asked.penalty == "l1") for pair in ends), key=loss)
        return [found, h * (found - a) ** 2 / 2]

    method = "the vertex of the parabola through three values of the penalised loss"
    yield Route("minimum and data loss", method, (asked.minimum, asked.data_loss), searched)
    if numeric and asked.penalty != "l1":

        def run(_: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
            a, h, alpha, lr = (PLAIN.value(value, {}) for value in asked[:4])
            pull = PULLS[asked.penalty] * alpha
            start = at = PLAIN.value(asked.minimum, {}) + 1
            for _step in range(STEPS):
                at = PLAIN.kept(at - lr * (h * (at - a) + pull * at))
            return (at - start + 1) / (start - PLAIN.value(asked.minimum, {}))

        yield Route("the distance", f"{STEPS} steps of gradient descent, run", asked.factor ** expr(STEPS), run)


def _vertex(loss: Any, low: Any, high: Any, *, bounded: bool) -> Any:  # noqa: ANN401 (exact numbers)
    """Return where a parabola is least, between two bounds where it is only known there."""
    middle = (low + high) / 2
    below, at, above = loss(low), loss(middle), loss(high)
    found = middle + (high - low) / 2 * (below - above) / (2 * (below - 2 * at + above))
    return min(max(found, low), high) if bounded else found
