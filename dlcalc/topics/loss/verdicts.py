"""Whether two losses have the same minimum: a proof, or two predictions that they order differently."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.errors import DlcalcError, nearest
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Expr, Mul, Pow, Sym, add, expr, mul
from dlcalc.notation.printing import unicode
from dlcalc.solution import POSITIVE, UNIT, Domain, Experiment, Route, Setting, Solution, Step, Work, verdict
from dlcalc.topics.loss.kinds import KINDS, SPELLED, kind_of
from dlcalc.topics.loss.reading import Batch, Example

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlcalc.topics.loss.asked import Asked

LIKELIHOOD = ("likelihood", "maximum-likelihood", "mle", "log-likelihood", "maximising-likelihood", "max-likelihood")
GRID = 20
"""Predictions are searched among multiples of 1 over this."""
CLEAR = 1e-3
"""By how much both losses must tell the two predictions apart."""
CLASSES = 3
TRIALS = 2_000
LABEL = Domain(UNIT.low, UNIT.high, whole=True)
_Rows = tuple[tuple[Expr, ...], ...]
_P, _Y = ([Sym(f"{name}{c}") for c in range(1, CLASSES + 1)] for name in "py")


class _Same(NamedTuple):
    """Why two losses have the same minimum: lines, and how it is said."""

    steps: tuple[Step, ...]
    said: str


def solution(asked: Asked, other: str) -> Solution:
    """Answer whether minimising both is the same.

    Raises DlcalcError for an unknown loss, or two that do not take the same predictions.
    """
    first, second = asked.kind.name, _named(other)
    if first == second:
        raise DlcalcError(f"{first} is compared with itself", "name another loss, such as mse")
    same = _same(first, second)
    if same is not None:
        return _agreeing(first, second, same)
    return _differing(asked, first, second)


def _named(text: str) -> str:
    written = "-".join(text.strip().lower().replace("_", " ").replace("-", " ").split())
    if written in LIKELIHOOD:
        return "likelihood"
    try:
        return kind_of(text).name
    except DlcalcError:
        close = nearest(written, [*SPELLED, *LIKELIHOOD])
        raise DlcalcError(f"--equivalent {text} is not known", close or f"use likelihood, {', '.join(KINDS)}") from None


def _logs(weights: Sequence[Expr], of: Sequence[Expr]) -> Expr:
    return -Add(tuple(Mul((w, Call("ln", (v,)))) for w, v in zip(weights, of, strict=True)))


def _same(first: str, second: str) -> _Same | None:
    """Prove that two losses have the same minimum; None where no proof is known."""
    pair = {first, second}
    cross = _logs(_Y, _P)
    likelihood = Mul(tuple(Pow(p, y) for p, y in zip(_P, _Y, strict=True)))
    nll = -Call("ln", (likelihood,))
    a, d = Sym("a"), Sym("d")
    of_likelihood = Step("logarithm", Sym("nll"), nll, cross, "the logarithm of a product is a sum; y is one-hot")
    falling = Step("monotone", Sym("a"), -Call("ln", (a + d,)), -Call("ln", (a,)),
                   "-ln falls: the larger likelihood a + d has the smaller loss, for every d > 0", "<")  # fmt: skip
    classifiers = {"nll", "cross-entropy", "bce", "kl"}
    if "likelihood" in pair and pair & (classifiers - {"kl"}):
        return _Same((of_likelihood, falling), "the NLL is -ln of the likelihood, and -ln falls")
    if pair == {"nll", "cross-entropy"}:
        return _Same(
            (of_likelihood,), "the NLL of a softmax is the cross-entropy with a one-hot target, number for number"
        )
    if "kl" in pair and pair & {"nll", "cross-entropy"}:
        gaps = tuple(Mul((y, Add((Call("ln", (y,)), -Call("ln", (p,)))))) for y, p in zip(_Y, _P, strict=True))
        step = Step("entropy", Sym("kl"), Add(gaps), add(cross, -_logs(_Y, _Y)),
                    "KL(y ‖ p) = H(y, p) - H(y), and H(y) does not depend on p")  # fmt: skip
        return _Same((step,), "KL is the cross-entropy less the entropy of the target, which no prediction changes")
    if "bce" in pair and pair & {"nll", "cross-entropy"}:
        p, y = Sym("p"), Sym("y")
        step = Step("classes", Sym("bce"), _logs([y, 1 - y], [p, 1 - p]),
                    Add((Mul((-y, Call("ln", (p,)))), Mul((-(1 - y), Call("ln", (1 - p,)))))),
                    "the cross-entropy of the two classes with p and 1 - p")  # fmt: skip
        return _Same((step,), "BCE is the cross-entropy of two classes")
    if pair == {"mse", "half-mse"}:
        p, y = Sym("p"), Sym("y")
        step = Step("factor", Sym("mse"), (p - y) ** 2, Mul((expr(2), (p - y) ** 2 / 2)), "a factor above 0")
        return _Same((step,), "a factor above 0 moves no minimum")
    return None


def _agreeing(first: str, second: str, same: _Same) -> Solution:
    soft = "kl" in {first, second}
    domains = {
        **dict.fromkeys((p.name for p in (*_P, Sym("p"))), UNIT),
        **dict.fromkeys((y.name for y in (*_Y, Sym("y"))), UNIT if soft else LABEL),
        "a": UNIT, "d": POSITIVE,
    }  # fmt: skip

    def run(seed: int) -> tuple[float, float]:
        """Count pairs of random predictions that the two losses order differently."""
        from random import Random

        random = Random(seed)  # noqa: S311 (a seeded experiment)
        wrong = 0
        for _ in range(TRIALS):
            true = random.randrange(CLASSES if "bce" not in {first, second} else 2)
            rows = [_random_row(random, 2 if "bce" in {first, second} else CLASSES) for _ in range(2)]
            left, right = ([_value(name, row, true) for row in rows] for name in (first, second))
            wrong += (left[0] - left[1]) * (right[0] - right[1]) < 0
        return float(wrong), 0.0

    return Solution(
        answers=(verdict("equivalent", holds=True, otherwise=same.said),),
        work=lambda: Work(
            same.steps,
            (Experiment("equivalent", f"{TRIALS:,} pairs of random predictions, ordered alike by both losses", run),),
        ),
        setting=Setting(domains=domains),
        notes=(same.said,),
        assumptions=()
        if soft or "mse" in {first, second}
        else ("y is one-hot; the same model gives both predictions",),
        conventions=("equivalent: the same predictions are best, whatever the model can reach",),
    )


def _random_row(random: Any, classes: int) -> list[float]:  # noqa: ANN401 (a generator of random numbers)
    weights = [random.random() + 0.01 for _ in range(classes)]
    return [w / sum(weights) for w in weights]


def _value(name: str, row: Sequence[float], true: int) -> float:
    """Compute a loss of one distribution by the textbook's loops; the likelihood with its minus: less is better."""
    return _summed(name, [row], [[float(c == true) for c in range(len(row))]])


def _summed(name: str, rows: Sequence[Sequence[float]], targets: Sequence[Sequence[float]]) -> float:
    """Add the loss up over examples."""
    from math import prod

    from dlcalc.topics.loss.textbook import Example as Looped

    options = {"epsilon": 0.1, "delta": 1.0}
    if name == "likelihood":
        return -prod(
            p for row, target in zip(rows, targets, strict=True) for p, y in zip(row, target, strict=True) if y
        )
    whole, found = KINDS[name].classes, 0.0
    for row, target in zip(rows, targets, strict=True):
        entries = 1 if name == "bce" else len(row)  # the second of two classes has the probability 1 - p
        parts = [(row, target)] if whole else [([p], [y]) for p, y in zip(row[:entries], target[:entries], strict=True)]
        found += sum(Looped(p, y, options, link="", spread="all").loss(name) for p, y in parts)
    return found


# a counterexample


class _Candidates(NamedTuple):
    """Predictions to compare, their targets, and what they are."""

    predictions: Sequence[_Rows]
    targets: _Rows
    said: str


def _differing(asked: Asked, first: str, second: str) -> Solution:
    """Find two predictions that the losses order differently."""
    for name in (first, second):
        if name != "likelihood" and (KINDS[name].prediction == "z" or KINDS[name].over == "pair"):
            raise DlcalcError(
                f"{first} and {second} do not take the same predictions: {name} takes "
                f"{'scores' if KINDS[name].prediction == 'z' else 'vectors'}",
                "compare losses of probabilities or of numbers",
            )
    tried = (_told_apart(candidates, first, second) for candidates in _candidates(first, second))
    answered = next((pair for pair in tried if pair is not None), None)
    if answered is None:
        raise DlcalcError(
            f"no pair of predictions on a grid tells {first} and {second} apart, and no proof is known",
            "compare other losses",
        )
    candidates, *found = answered
    definitions: dict[str, Any] = {}
    steps, routes = [], []
    for name in (first, second):
        exacts = tuple(_exact(asked, name, rows, candidates.targets) for rows in found)
        routes.append(_by_loops(name, exacts, found, candidates))
        word = name.replace("-", "")
        for letter, rows, exact in zip("pq", found, exacts, strict=True):
            key = f"{word}_{letter}"
            definitions[key] = lambda _, n=name, r=rows: _summed(n, _floats(r), _floats(candidates.targets))
            steps.append(Step("value", Sym(key), Sym(key), exact, f"{name} of {letter} = {_written(rows)}"))
        p, q = Sym(f"{word}_p"), Sym(f"{word}_q")
        if name == first:
            steps.append(Step("order", p, p, q, f"p is better than q by {name}", "<"))
        else:
            steps.append(Step("order", p, p, q, f"p is worse than q by {name}", ">"))
    note = f"{candidates.said}: {first} prefers p = {_written(found[0])}, {second} prefers q = {_written(found[1])}"
    regression = "mse" in {first, second} and {first, second} & {"nll", "likelihood", "cross-entropy", "bce"}
    more = ("with Gaussian noise on a number, the NLL is the squared error up to constants: --likelihood gaussian",)
    return Solution(
        answers=(verdict("equivalent", holds=False, otherwise=note),),
        work=lambda: Work(tuple(steps), tuple(routes)),
        setting=Setting(definitions=definitions),
        notes=(note, *(more if regression else ())),
        conventions=(
            "equivalent: the same predictions are best, whatever the model can reach",
            "a model that can reach only p and q has different minima",
        ),
    )


def _by_loops(name: str, exact: tuple[Expr, ...], found: Sequence[_Rows], candidates: _Candidates) -> Route:
    """Compute a loss of both predictions by the textbook's loops."""
    targets = _floats(candidates.targets)
    return Route(
        f"{name} of p and q",
        "the textbook's loops on plain numbers",
        exact,
        lambda _: [_summed(name, _floats(rows), targets) for rows in found],
    )


def _candidates(first: str, second: str) -> Iterator[_Candidates]:
    """List predictions: one example of three classes, two of two; or two numbers."""
    inside = [expr(Fraction(v, GRID)) for v in sorted(range(1, GRID), key=lambda v: abs(v - GRID / 2))]
    if any(name == "likelihood" or KINDS[name].classes for name in (first, second)):
        three = [((a, b, 1 - a - b),) for a, b in product(inside, inside) if (approximate(1 - a - b) or 0.0) > 0]
        yield _Candidates(three, ((ONE, ZERO, ZERO),), f"the target is class 1 of {CLASSES}")
        two = [((a, 1 - a), (b, 1 - b)) for a, b in product(inside, inside)]
        yield _Candidates(two, ((ONE, ZERO), (ONE, ZERO)), "two examples, class 1 of 2 the target of both")
        return
    if not any(KINDS[name].probabilities for name in (first, second)):
        inside = [expr(Fraction(v, 2)) for v in range(-6, 7)]
    numbers = [((a,), (b,)) for a, b in product(inside, inside)]
    yield _Candidates(numbers, ((ONE,), (ZERO,)), "two examples with the targets 1 and 0")


def _told_apart(candidates: _Candidates, first: str, second: str) -> tuple[_Candidates, _Rows, _Rows] | None:
    """Find two predictions of which the first loss prefers the one, the second the other."""
    targets = _floats(candidates.targets)
    values = []
    for rows in candidates.predictions:
        given = _floats(rows)
        values.append((rows, _summed(first, given, targets), _summed(second, given, targets)))
    for p, a, b in values:
        for q, c, d in values:
            if c - a > CLEAR and b - d > CLEAR:
                return candidates, p, q
    return None


def _floats(rows: _Rows) -> list[list[float]]:
    return [[approximate(v) or 0.0 for v in row] for row in rows]


def _written(rows: _Rows) -> str:
    return ", ".join(f"({', '.join(map(unicode, row))})" if len(row) > 1 else unicode(row[0]) for row in rows)


def _exact(asked: Asked, name: str, rows: _Rows, targets: _Rows) -> Expr:
    """Compute a loss at exact predictions by its program."""
    if name == "likelihood":
        return -mul(
            *(
                p
                for row, target in zip(rows, targets, strict=True)
                for p, y in zip(row, target, strict=True)
                if y == ONE
            )
        )
    kind = KINDS[name]
    pairs = list(zip(rows, targets, strict=True))
    if not kind.classes:
        entries = 1 if name == "bce" else len(rows[0])
        pairs = [((p,), (y,)) for row, target in pairs for p, y in zip(row[:entries], target[:entries], strict=True)]
    options: Mapping[str, Expr] = {"delta": ONE, "epsilon": expr(Fraction(1, 10))}
    whole = replace(asked, reduction="sum", link="", predictions=rows, target=targets)
    return whole.total(name, Batch(tuple(Example(*pair) for pair in pairs), (len(rows),), "", options), "all")
