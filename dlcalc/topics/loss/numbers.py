"""A loss of given predictions: exact expressions, from the program and the gradients that the engine derives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.calculus.entrywise import Entrywise
from dlcalc.calculus.terms import names as names_of
from dlcalc.errors import DlcalcError
from dlcalc.logarithms import collected
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Num,
    Real,
    Sym,
    add,
    expr,
    fold,
    substitute,
    walk,
)
from dlcalc.solution import REAL, UNIT, Answer, Domain, Route, Setting, Solution, Step, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlcalc.calculus.problem import Problem
    from dlcalc.topics.loss.kinds import Kind
    from dlcalc.topics.loss.reading import Batch, Example, Row

SHOWN = 4
"""Examples that the derivation writes out."""
WIDE = 8
"""Classes up to which it does."""
LABEL = Domain(UNIT.low, UNIT.high, whole=True)


class Computed(NamedTuple):
    """The loss of one example, its predictions, and its gradients by what they are gradients of."""

    loss: Expr
    predictions: Row
    slopes: Mapping[str, Row]


def of_example(kind: Kind, problem: Problem, example: Example, batch: Batch, where: str = "") -> Computed:
    """Run the program of one example on expressions, and the gradients that the engine derived."""
    arithmetic = Entrywise({"C": len(example.given), "n": len(example.given)})
    leaf = "z" if batch.link else kind.prediction
    values: dict[str, Any] = {leaf: [[v] for v in example.given], "y": [[v] for v in example.target]}
    values |= {name: [[value]] for name, value in batch.options.items() if not name.startswith("w")}
    if kind.classes and "w0" in batch.options:
        values["w"] = [[batch.options[f"w{c}"]] for c in range(len(example.given))]
    for name, term in problem.derivation.definitions.items():
        if name not in values:
            values[name] = arithmetic.value(term, values)
    refuse_infinite(values["L"][0][0], where)
    slopes: dict[str, Row] = {}
    for name, gradient in problem.derivation.gradients.items():
        term = gradient.short if gradient.closed is None else gradient.closed
        if name in problem.wanted and names_of(term) <= values.keys():
            rows = arithmetic.value(term, values)
            slopes[name] = tuple(rows[c if len(rows) > 1 else 0][0] for c in range(len(example.given)))
    predictions = tuple(row[0] for row in values[kind.prediction])
    return Computed(collected(values["L"][0][0]), predictions, slopes)


def refuse_infinite(loss: Expr, where: str) -> None:
    """Refuse a loss that has no finite value: the logarithm of 0, which says that the impossible happened."""
    if not _under_zero(loss):
        return
    raise DlcalcError(
        f"the loss{where} is infinite: -ln(p) grows without bound as p → 0, and a probability 0 stands under ln",
        "give a probability strictly between 0 and 1 there (libraries clip at 1e-7, say), or logits",
    )


def _under_zero(node: Expr) -> bool:
    """Say whether 0 stands under a logarithm."""
    return any(isinstance(n, Call) and n.function == "ln" and fold(n.arguments[0]) == ZERO for n in walk(node))


def shown(value: Expr) -> Expr:
    """Turn what is irrational into decimals, for lists."""
    if isinstance(value, Num) or symbols(value):
        return value
    known = approximate(value)
    return value if known is None else Real(known)


def solution(kind: Kind, problem: Problem, batch: Batch, *, reduction: str, spread: str) -> Solution:
    """Answer with the loss and its gradients."""
    count = len(batch.examples)
    computed = [
        of_example(kind, problem, example, batch, f" of example {number}" if batch.several else "")
        for number, example in enumerate(batch.examples, 1)
    ]
    losses = tuple(found.loss for found in computed)
    divisor = expr(count) if reduction == "mean" else ONE
    total = collected(add(*losses)) / divisor
    answers = []
    if reduction != "none":
        answers.append(Answer("loss", total))
    if batch.several or reduction == "none":
        each = losses if batch.several else losses[:1]
        answers.append(Answer("losses", tuple(map(shown, each))))
    if batch.link:
        answers.append(
            Answer(kind.prediction, batch.shaped(tuple(tuple(map(shown, f.predictions)) for f in computed), kind))
        )
    for name in problem.wanted:
        if all(name in found.slopes for found in computed):
            rows = tuple(tuple(shown(v / divisor) for v in found.slopes[name]) for found in computed)
            answers.append(Answer(f"dL/d{name}", batch.shaped(rows, kind)))
    reference = _Reference(kind, batch, spread, reduction)
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(
            _steps(kind, problem, batch, computed, reduction=reduction, total=total),
            _routes(kind, batch, answers, reference),
        ),
        setting=_setting(kind, batch, reference),
        notes=batch.notes,
    )


# the derivation


def _letters(kind: Kind, batch: Batch, number: int) -> tuple[Example, dict[str, Expr]]:
    """Return an example in letters, and what they stand for."""
    example = batch.examples[number - 1]
    leaf = "z" if batch.link else kind.prediction
    values: dict[str, Expr] = {}
    rows = []
    for name, row in ((leaf, example.given), ("y", example.target)):
        letters = tuple(
            Sym(f"{name}{number}_{c}" if len(row) > 1 else f"{name}{number}_") for c in range(1, len(row) + 1)
        )
        values |= {letter.name: value for letter, value in zip(letters, row, strict=True)}
        rows.append(letters)
    return example._replace(given=rows[0], target=rows[1]), values


def _steps(
    kind: Kind, problem: Problem, batch: Batch, computed: list[Computed], *, reduction: str, total: Expr
) -> tuple[Step, ...]:
    steps: list[Step] = []
    wide = len(batch.examples[0].given) > WIDE
    for number, found in enumerate(computed[: 0 if wide else SHOWN], 1):
        name = _loss_name(batch, number)
        letters, values = _letters(kind, batch, number)
        written = substitute(of_example(kind, problem, letters, batch).loss, values)
        because = f"example {number}: " if batch.several else ""
        target = Sym(name)
        if _under_zero(written):
            steps.append(
                Step("loss", target, target, found.loss, f"{because}a term with weight 0 counts 0: 0·ln 0 = 0")
            )
        else:
            steps.append(Step("loss", target, target, written, f"{because}the givens put into the formula"))
            steps.append(Step("value", target, written, found.loss, _value_because(found.loss, kind)))
        for wanted, slope in found.slopes.items():
            family = _slope_name(batch, wanted, number)
            if wanted != _leaf(kind, batch):
                continue
            said = f"{because}∂L/∂{wanted} at the givens"
            for c, entry in enumerate(slope, 1):
                at = Entry(family, expr(c)) if kind.over != "entry" else Sym(family)
                steps.append(Step("gradient", at, at, shown(entry), said))
    if reduction != "none" and (batch.several or wide):
        each = Add(tuple(map(Sym, (_loss_name(batch, n) for n in range(1, len(computed) + 1)))))
        mean = reduction == "mean"
        if len(computed) > 1:
            because = f"the mean over the {len(computed)} examples" if mean else "the sum over the examples"
            summed = Div(each, expr(len(computed))) if mean else each
            steps.append(Step("reduction", Sym("loss"), Sym("loss"), summed, because))
            steps.append(Step("total", Sym("loss"), summed, total, "the values of the examples put in"))
        else:
            steps.append(Step("total", Sym("loss"), Sym("loss"), total, "computed"))
    return tuple(steps)


def _value_because(loss: Expr, kind: Kind) -> str:
    if any(isinstance(node, Call) and node.function == "logsumexp" for node in walk(loss)):
        return "ln softmax(z)_c = z_c - LSE(z); terms with weight 0 drop out"
    if any(isinstance(node, Call) and node.function == "softplus" for node in walk(loss)):
        return "-ln σ(z) = softplus(-z), -ln(1 - σ(z)) = softplus(z)"
    return "computed; a term with weight 0 drops out" if kind.probabilities else "computed"


def _leaf(kind: Kind, batch: Batch) -> str:
    return "z" if batch.link else kind.prediction


def _slope_name(batch: Batch, of: str, number: int) -> str:
    """Name the gradient of one example's loss, as δ."""
    return f"delta_{of}{number}" if batch.several else f"delta_{of}"


def _loss_name(batch: Batch, number: int) -> str:
    return f"L{number}" if batch.several else "loss"


# the independent route


class _Reference:
    """The textbook's loops, at a point of the symbols."""

    def __init__(self, kind: Kind, batch: Batch, spread: str, reduction: str, *, behind: bool = False) -> None:
        """Take what is given; `behind` takes the logits behind given probabilities."""
        self.kind, self.batch, self.spread, self.reduction = kind, batch, spread, reduction
        self.behind = behind

    def example(self, number: int, point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an example of the textbook)
        from math import log, log1p

        from dlcalc.topics.loss.textbook import Example as Looped

        given = self.batch.examples[number - 1]

        def at(row: Row) -> list[float]:
            return [float(PLAIN.value(value, point)) for value in row]

        numbers = at(given.given)
        if self.behind:
            numbers = [log(p) if self.kind.classes else log(p) - log1p(-p) for p in numbers]
        options = {name: float(PLAIN.value(value, point)) for name, value in self.batch.options.items()}
        rest = [] if self.batch.link or self.kind.over == "pair" else at(tuple(1 - value for value in given.given))
        return Looped(numbers, at(given.target), options, link=self.batch.link, spread=self.spread, rest=rest)

    def loss(self, number: int, point: Mapping[str, Any]) -> float:
        return float(self.example(number, point).loss(self.kind.name))

    def losses(self, point: Mapping[str, Any]) -> list[float]:
        return [self.loss(number, point) for number in range(1, len(self.batch.examples) + 1)]

    def total(self, point: Mapping[str, Any]) -> float:
        from math import fsum

        losses = self.losses(point)
        found = fsum(losses)
        return found / len(losses) if self.reduction == "mean" else found

    def slopes(self, point: Mapping[str, Any]) -> list[float]:
        count = len(self.batch.examples)
        share = count if self.reduction == "mean" else 1
        found = []
        for number in range(1, count + 1):
            example = self.example(number, point)
            found += [example.slope(self.kind.name, c) / share for c in range(len(example.given))]
        return found


def _routes(kind: Kind, batch: Batch, answers: list[Answer], reference: _Reference) -> tuple[Route, ...]:
    routes = []
    by_hand = "the textbook's loops on plain numbers"
    for answer in answers:
        if answer.name == "loss":
            routes.append(Route("loss", by_hand, answer.value, lambda point: [reference.total(point)]))
        elif answer.name == "losses":
            routes.append(Route("losses", by_hand, answer.value, reference.losses))
        elif answer.name == f"dL/d{_leaf(kind, batch)}":
            method = "an imaginary step of 1e-30 in those loops, entry by entry"
            routes.append(Route(answer.name, method, answer.value, reference.slopes))
        elif answer.name == "dL/dz" and _has_logits(kind, batch):
            behind = _Reference(
                kind, batch._replace(link=kind.link), reference.spread, reference.reduction, behind=True
            )
            method = "the same from the logits behind the probabilities"
            routes.append(Route(answer.name, method, answer.value, behind.slopes))
    return tuple(routes)


def _has_logits(kind: Kind, batch: Batch) -> bool:
    """Say whether the probabilities are those of finite logits."""
    if batch.link or not kind.link or batch.notes:
        return False
    known = [approximate(v) for e in batch.examples for v in e.given]
    return all(0 < v < 1 if v is not None else not kind.classes for v in known)


def _setting(kind: Kind, batch: Batch, reference: _Reference) -> Setting:
    domains: dict[str, Domain] = {}
    for example in batch.examples:
        inside = UNIT if kind.probabilities and not batch.link else REAL
        targets = LABEL if kind.target == "{0,1}" else UNIT if kind.target in {"onehot", "simplex"} else REAL
        domains |= dict.fromkeys(sorted(symbols(*example.target)), targets)
        domains |= dict.fromkeys(sorted(symbols(*example.given)), inside)
    domains |= {name: domain for name, domain in _option_domains(batch).items() if name not in domains}
    definitions: dict[str, Callable[..., Any]] = {"loss": reference.total}
    families = set()
    for number in range(1, len(batch.examples) + 1):
        name = _loss_name(batch, number)
        if batch.several:
            definitions[name] = lambda point, n=number: reference.loss(n, point)
        family = _slope_name(batch, _leaf(kind, batch), number)
        if kind.over != "entry":
            families.add(family)
        definitions[family] = lambda point, c=1, n=number: reference.example(n, point).slope(kind.name, c - 1)
    return Setting(domains=domains, definitions=definitions, families=frozenset(families))


def _option_domains(batch: Batch) -> dict[str, Domain]:
    found = {}
    for name, value in batch.options.items():
        for letter in sorted(symbols(value)):
            found[letter] = UNIT if name == "epsilon" else Domain(UNIT.low, REAL.high)
    return found
