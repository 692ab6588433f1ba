"""Variance of a mini-batch gradient, drawn with or without replacement."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import comb, sqrt
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import POSITIVE, scalar, switch, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import Add, Div, Expr, Mul, Num, Pow, Relation, Sym, add, expr
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import REAL, Answer, Domain, Route, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_BATCHES = 300
"""Batches that a route lists one by one; of more, it adds their sums up without listing them."""
MAX_GRADIENTS = 200
MAX_WORK = 30_000
"""Examples times batch size that a route goes through."""
EXAMPLES = Domain(Fraction(2), Fraction(5), whole=True)
BATCH = Domain(Fraction(1), Fraction(3), whole=True)
TWO = expr(2)
B = Sym("B")

# ruff: noqa: ANN401 (exact numbers, or floats where they are irrational)


@topic(
    area="optimisation",
    answers=("variance", "std", "variance_without", "std_without", "covariance", "batch_needed", "s2", "mean"),
    examples=(
        "--variance 4 --batch 32",
        "--variance s2 --batch B --samples N",
        "--gradients 1,2,3,6 --batch 2",
        "--variance 9 --batch 10 --samples 100 --no-replacement --shrink 3",
    ),
)
def minibatch_variance(
    *,
    variance: Annotated[
        Expr | None,
        scalar("--s2", "--sigma2", help="Variance of one example's gradient (default s2).", domain=POSITIVE, least=0),
    ] = None,
    std: Annotated[
        Expr | None, scalar("--s", "--sigma", "--sd", help="Its standard deviation instead.", domain=POSITIVE, least=0)
    ] = None,
    gradients: Annotated[
        Value | None, values("--grad", "--g", help="The gradients of all examples instead: 1,2,3.")
    ] = None,
    batch: Annotated[
        Expr, scalar("-b", "--batch-size", help="Examples per batch (default B).", whole=True, least=1)
    ] = B,
    samples: Annotated[
        Expr | None, scalar("-n", "--examples", "--dataset", help="Examples in all.", whole=True, least=1)
    ] = None,
    replacement: Annotated[bool, switch(help="Draw with replacement (default: yes).")] = True,
    shrink: Annotated[
        Expr, scalar("--factor", help="How many times smaller a standard deviation to ask for (default 2).", least=1)
    ] = TWO,
) -> Solution:
    """Variance (noise) of a mini-batch gradient: s²/B with replacement, s²/B·(N - B)/(N - 1) without.

    The mean of B independent draws has the variance B·s²/B². Without replacement two draws have the covariance
    -s²/(N - 1), which brings the finite-population factor (N - B)/(N - 1): it is 0 for the full batch. A standard
    deviation k times smaller takes a batch k² times as large.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.1.3; Cochran, Sampling Techniques
    (1977), section 2.5.

    Raises DlcalcError when a batch drawn without replacement is larger than the data, or givens contradict.

    >>> minibatch_variance(variance=4, batch=32).value
    0.125
    >>> print(minibatch_variance(samples="N", replacement=False).answers[0].text)
    s2/B*((N - B)/(N - 1))
    """
    data = _gradients(gradients)
    if data and (variance is not None or std is not None):
        raise DlcalcError("--gradients says the variance too", "leave --variance and --std out")
    if variance is not None and std is not None:
        raise DlcalcError("--variance and --std say the same", "leave one of them out")
    if data and samples is not None and samples != expr(len(data)):
        raise DlcalcError(f"there are {len(data)} gradients, but samples is {plain(samples)}", "leave --samples out")
    count = expr(len(data)) if data else samples
    if count is None and not replacement:
        count = Sym("N")
    if isinstance(count, Num):
        if count.value == 1 and not replacement:
            raise DlcalcError("of 1 example there is one batch only: its mean does not vary", "use --samples 2 or more")
        if isinstance(batch, Num) and batch.value > count.value and not replacement:
            raise DlcalcError(
                f"a batch of {plain(batch)} is more than the {plain(count)} examples",
                f"use {plain(count)} or less, or draw with replacement",
            )
    finite = count is not None and count != expr(1) and not _larger(batch, count)
    spread = variance if variance is not None else std**TWO if std is not None else None
    return _solved(data, spread, batch, count if finite else None, replacement=replacement, shrink=shrink)


def _larger(batch: Expr, count: Expr) -> bool:
    return isinstance(batch, Num) and isinstance(count, Num) and batch.value > count.value


def _gradients(gradients: Value | None) -> tuple[Expr, ...]:
    if gradients is None:
        return ()
    data = gradients if isinstance(gradients, tuple) else (gradients,)
    flat = tuple(g for g in data if isinstance(g, Expr))
    if len(flat) != len(data):
        raise DlcalcError("--gradients are numbers, one per example, not rows", "ask for one coordinate at a time")
    if len(flat) > MAX_GRADIENTS:
        raise DlcalcError(f"{len(flat)} gradients are too many", f"use at most {MAX_GRADIENTS}, or --variance")
    return flat


# every batch there is


def variance_of_means(population: list[Any], size: int, *, replacement: bool) -> Any:
    """Compute the variance of the mean over every batch of a size, each equally likely.

    >>> variance_of_means([1, 2, 3], 2, replacement=False)
    Fraction(1, 6)
    """
    batches = len(population) ** size if replacement else comb(len(population), size)
    if batches <= MAX_BATCHES:
        every: Iterable[tuple[Any, ...]] = (
            product(population, repeat=size) if replacement else combinations(population, size)
        )
        means = [sum(batch) / Fraction(size) for batch in every]
        centre = sum(means) / Fraction(len(means))
        return sum((mean - centre) ** 2 for mean in means) / Fraction(len(means))
    return _added_up(population, size, replacement=replacement)


def _added_up(population: list[Any], size: int, *, replacement: bool) -> Any:
    """Add up the sums of all batches and their squares, one example (or one draw) after the other."""
    if replacement:
        n, total, squares = Fraction(len(population)), sum(population), sum(x * x for x in population)
        first, second = Fraction(0), Fraction(0)  # means of the sums and of their squares, so that all stays short
        for _ in range(size):
            first, second = first + total / n, second + 2 * first * total / n + squares / n
        return (second - first**2) / Fraction(size) ** 2
    chosen: list[list[Any]] = [[1, 0, 0]] + [[0, 0, 0] for _ in range(size)]
    for x in population:
        for j in range(size, 0, -1):
            n, s, q = chosen[j - 1]
            own = chosen[j]
            chosen[j] = [own[0] + n, own[1] + s + n * x, own[2] + q + 2 * x * s + n * x * x]
    n, s, q = chosen[size]
    mean = Fraction(s) / n if not isinstance(s, float) else s / n
    return (q / Fraction(n) - mean**2) / Fraction(size) ** 2


def _spread(population: list[Any]) -> Any:
    mean = sum(population) / Fraction(len(population))
    return sum((x - mean) ** 2 for x in population) / Fraction(len(population))


# the answers


def _solved(
    data: tuple[Expr, ...],
    spread: Expr | None,
    batch: Expr,
    count: Expr | None,
    *,
    replacement: bool,
    shrink: Expr,
) -> Solution:
    known = [x for x in (spread, batch, count, shrink) if x is not None]
    for i, one in enumerate(known):
        for other in known[:i]:
            if shared := symbols(one) & symbols(other):
                raise DlcalcError(f"{min(shared)} stands for two givens", "give each its own letter")
    letters = Letters(taken=symbols(*known, *data))
    mean = add(*data) / expr(len(data)) if data else None
    squares = None
    if mean is not None:
        squares = add(*((g - mean) ** TWO for g in data)) / expr(len(data))
    s2 = letters.letter("s2", squares if data else spread, POSITIVE)
    b = letters.letter("B", batch, BATCH)
    n = letters.letter("N", count, EXAMPLES) if count is not None else None
    k = letters.letter("k", shrink, BATCH)
    for inner in sorted(symbols(*data)):
        letters.domains.setdefault(inner, REAL)

    def drawn(p: Mapping[str, Any], size: int, *, replaced: bool) -> Any:
        """Take some population of the right size, and scale it to the variance."""
        population = [i * i for i in range(int(p[n.name]) if n is not None else 3)]
        found = variance_of_means(population, size, replacement=replaced)
        return found * p[s2.name] / _spread(population) if len(population) > 1 else Fraction(0)

    def each(*, replaced: bool) -> Callable[[Mapping[str, Any]], Any]:
        return lambda p: drawn(p, int(p[b.name]), replaced=replaced)

    with_row = list(_with(s2, b, k, each(replaced=True), drawn))
    without_row = [] if n is None else list(_without(s2, b, n, each(replaced=False)))
    row = Formulary(
        letters,
        (*with_row, *without_row) if replacement else (*without_row, *with_row),
        constraints=(Relation(b, "<=", n),) if n is not None else (),
        aliases={"sigma2": s2, "s_2": s2, "n": b if n is None else n, "batch": b},
        found_again=_small(batch * shrink**TWO, count),
    )
    answers = list(row.answers())
    first = [a for a in answers if a.name != "covariance"]
    answers = [*first, *(a for a in answers if a.name == "covariance")]
    if data and mean is not None and squares is not None:
        unbiased = (
            ()
            if len(data) == 1
            else (
                Slip(squares * expr(len(data)) / expr(len(data) - 1), "that divides by N - 1; s² is of all N examples"),
            )
        )
        answers += [Answer("s2", squares, slips=unbiased), Answer("mean", mean)]
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(
            (*_data_steps(data, mean, squares), *_proof(s2, b, n), *row.steps()),
            (*(_listed(data, row, batch) if data else ()), *row.again()),
        ),
        setting=row.setting(),
        conventions=tuple(_conventions(data, finite=n is not None)),
        assumptions=("every batch is equally likely, and its gradient is the mean of its examples'",),
        notes=("noise also depends on where the weights are: s² is the variance at the current ones",),
    )


def _with(
    s2: Sym, b: Sym, k: Sym, enumerated: Callable[[Mapping[str, Any]], Any], drawn: Callable[..., Any]
) -> Iterator[Quantity]:
    every = "every batch with replacement, of a population with this variance"

    def search(p: Mapping[str, Any]) -> int:
        """Try batches until the standard deviation is small enough."""
        p = {**p, s2.name: Fraction(1)}  # the factor does not depend on the variance, which may be 0
        size, wanted = int(p[b.name]), drawn(p, int(p[b.name]), replaced=True) / p[k.name] ** 2
        low, high = size, size
        while drawn(p, high, replaced=True) > wanted:
            low, high = high, high * 2
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if drawn(p, middle, replaced=True) > wanted else (low, middle)
        return high

    yield Quantity(
        "variance",
        s2 / b,
        "the draws are independent: their variances add up, and the mean divides by B²",
        enumerated,
        (
            Slip(s2 / Pow(b, TWO), "the sum of B draws has B times the variance: only one B cancels"),
            Slip(s2, "that is the variance of one example's gradient"),
            Slip(s2 / call("sqrt", b), "the standard deviation falls with √B, the variance with B"),
            Slip(b * s2, "that is the variance of the sum, not of the mean"),
        ),
        every,
    )
    yield Quantity(
        "std",
        call("sqrt", Sym("variance")),
        "the root of the variance: it falls with √B",
        lambda p: sqrt(enumerated(p)),
        method=every,
    )
    yield Quantity(
        "batch_needed",
        Pow(k, TWO) * b,
        "the batch for a standard deviation k times smaller",
        search,
        (Slip(k * b, "the standard deviation falls with √B: the factor is squared"),),
        "larger and larger batches tried",
    )


def _without(s2: Sym, b: Sym, n: Sym, enumerated: Callable[[Mapping[str, Any]], Any]) -> Iterator[Quantity]:
    every = "every batch without replacement, of a population with this variance"

    def pairs(p: Mapping[str, Any]) -> Any:
        """Average the product of distances over all pairs of different examples."""
        population = [Fraction(i * i) for i in range(int(p[n.name]))]
        mean = sum(population) / len(population)
        away = [x - mean for x in population]
        total = sum(away) ** 2 - sum(x * x for x in away)  # every ordered pair of two different ones
        return total / (len(away) * (len(away) - 1)) * p[s2.name] / _spread(population)

    factor = Div(n - b, n - 1)
    yield Quantity(
        "covariance",
        -Div(s2, n - 1),
        "all N examples together do not vary: N s² + N(N - 1) cov = 0",
        pairs,
        method="the products over every pair of examples",
    )
    yield Quantity(
        "variance_without",
        Mul((Div(s2, b), factor)),
        "(N - B)/(N - 1) is the finite-population correction",
        enumerated,
        (
            Slip(s2 / b, "that is with replacement"),
            Slip(Mul((Div(s2, b), Div(n - b, n))), "it is N - 1 where s² divides by N"),
        ),
        every,
    )
    yield Quantity(
        "std_without",
        call("sqrt", Sym("variance_without")),
        "the root of the variance",
        lambda p: sqrt(enumerated(p)),
        method=every,
    )


def _proof(s2: Sym, b: Expr, n: Expr | None) -> Iterator[Step]:
    """Derive both variances from the variance of a sum."""
    yield Step("variance", Sym("variance"), Div(Mul((b, s2)), Pow(b, TWO)), s2 / b, "Var(Σ g)/B² = B·s²/B²")
    if n is not None:
        total = Add((Mul((b, s2)), Mul((b, b - 1, Div(-s2, n - 1)))))
        closed = Mul((Div(s2, b), Div(n - b, n - 1)))
        because = "B variances and B(B - 1) covariances -s²/(N - 1)"
        yield Step("variance_without", Sym("variance_without"), Div(total, Pow(b, TWO)), closed, because)


def _data_steps(data: tuple[Expr, ...], mean: Expr | None, squares: Expr | None) -> Iterator[Step]:
    if mean is None or squares is None:
        return
    count = expr(len(data))
    whole: Expr = Add(data) if len(data) > 1 else data[0]
    yield Step("mean", Sym("mean"), Div(whole, count), mean, "the full gradient: the mean of all examples'")
    apart = tuple(Pow(Add((g, -mean)), TWO) for g in data)
    total: Expr = Add(apart) if len(apart) > 1 else apart[0]
    yield Step("s2", Sym("s2"), Div(total, count), squares, "the variance of one example's gradient")


def _listed(data: tuple[Expr, ...], row: Formulary, batch: Expr) -> Iterator[Route]:
    """List every batch of the given gradients."""
    if not isinstance(batch, Num) or len(data) * batch.value > MAX_WORK:
        return
    size, values = int(batch.value), row.values
    for name, replaced in (("variance", True), ("variance_without", False)):
        if name in values and (replaced or size <= len(data)):

            def compute(point: Mapping[str, Any], *, replaced: bool = replaced) -> Any:
                population = [PLAIN.value(g, point) for g in data]
                return variance_of_means(population, size, replacement=replaced)

            ways = "with" if replaced else "without"
            yield Route(name, f"every batch of the given gradients, {ways} replacement", values[name], compute)


def _small(batch: Expr, count: Expr | None) -> bool:
    """Say whether the batches of the very givens can be gone through."""
    size = approximate(batch) or 1
    return size * (approximate(count) or 1 if count is not None else 1) <= MAX_WORK


def _conventions(data: tuple[Expr, ...], *, finite: bool) -> Iterator[str]:
    yield "s² divides by the number of all examples (population variance), and is that of one coordinate"
    yield "variance: with replacement, as independent draws" + ("; variance_without: all different" if finite else "")
    if data:
        yield "a mini-batch gradient is unbiased: its mean is the full gradient"
