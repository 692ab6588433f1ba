"""Running averages of batch normalisation, and what they are for: an affine map at test time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.normalisation import bruteforce
from dlcalc.normalisation.arrays import rows
from dlcalc.normalisation.data import SHOWN_ENTRIES, SHOWN_GROUPS, domains_of, less
from dlcalc.normalisation.moments import over_root
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Add, Div, Entry, Expr, Mul, Num, Sym, add, mul, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import POSITIVE, REAL, UNIT, Answer, Route, Setting, Slip, Solution, Step, Work, symbols, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.normalisation.question import Question

MOMENTUM = {"pytorch": number(Fraction(1, 10)), "keras": number(Fraction(99, 100))}
"""The momentum of each framework: of the new value in PyTorch, of the old one in Keras."""


class Running(NamedTuple):
    """Running averages per feature before the batch, and how they are updated."""

    framework: str
    momentum: Expr
    mean: tuple[Expr, ...]
    variance: tuple[Expr, ...]
    unbiased: bool

    @property
    def weights(self) -> tuple[Expr, Expr]:
        """The parts of the old average and of the batch."""
        rest = 1 - self.momentum
        return (rest, self.momentum) if self.framework == "pytorch" else (self.momentum, rest)

    @property
    def rule(self) -> str:
        """The update in words."""
        formula = "(1 − m) old + m batch" if self.framework == "pytorch" else "m old + (1 − m) batch"
        kind = "unbiased, n − 1" if self.unbiased else "biased, n"
        name = {"pytorch": "PyTorch", "keras": "Keras"}[self.framework]
        said = plain(self.momentum)
        return f"running averages as in {name}: new = {formula}, m = {said}; of the variance of the batch ({kind})"

    def moved(self, old: Expr, new: Expr) -> Expr:
        """Return the new average."""
        keep, take = self.weights
        return add(mul(keep, old), mul(take, new))


def refuse_negative(variances: tuple[Expr, ...], eps: Expr) -> None:
    """Refuse a running variance below 0, or one that is 0 without ε."""
    for variance in variances:
        value = approximate(variance)
        if value is not None and value < 0:
            raise DlcalcError(f"the running variance {plain(variance)} is less than 0", "use 0 or more")
        if variance + eps == ZERO:
            raise DlcalcError("the running variance is 0 and ε is 0", "use --eps 1e-5")


def averaged(asked: Question, running: Running) -> Solution:
    """Answer with the running averages after the batch."""
    counts = [len(places) for places in asked.groups.places]
    if running.unbiased and min(counts) == 1:
        raise DlcalcError(
            "the unbiased variance of a batch of one does not exist (PyTorch refuses it in training)",
            "use --running-variance biased, or a larger batch",
        )
    factors = [Fraction(n, n - 1) if running.unbiased else Fraction(1) for n in counts]
    batch = [m.variance * f for m, f in zip(asked.moments, factors, strict=True)]
    others = [Fraction(1) if running.unbiased else Fraction(n, max(n - 1, 1)) for n in counts]
    other = [m.variance * f for m, f in zip(asked.moments, others, strict=True)]
    means = [m.mean for m in asked.moments]
    swapped = running._replace(framework="keras" if running.framework == "pytorch" else "pytorch")

    def moved(by: Running, old: tuple[Expr, ...], new: list[Expr]) -> Value:
        return asked.each([by.moved(*pair) for pair in zip(old, new, strict=True)])

    exchanged = Slip(moved(swapped, running.mean, means), "the momentum is that of the other convention")
    slips = (
        Slip(moved(running, running.variance, other), "the variance of the batch is of the other kind (n or n − 1)"),
        Slip(moved(swapped, running.variance, batch), "the momentum is that of the other convention"),
    )
    answers = (
        Answer("running_mean", moved(running, running.mean, means), slips=(exchanged,)),
        Answer("running_var", moved(running, running.variance, batch), slips=slips),
    )

    def work() -> Work:
        return Work(tuple(_average_steps(asked, running, batch)), tuple(_average_routes(asked, running, answers)))

    return Solution(
        answers=answers,
        work=work,
        setting=Setting(domains=domains_of(asked) | _domains(running), aliases={}),
        conventions=(running.rule,),
    )


def _domains(running: Running) -> dict[str, Any]:
    return (
        dict.fromkeys(sorted(symbols(*running.mean)), REAL)
        | dict.fromkeys(sorted(symbols(*running.variance)), POSITIVE)
        | dict.fromkeys(sorted(symbols(running.momentum)), UNIT)
    )


def _average_steps(asked: Question, running: Running, batch: list[Expr]) -> Iterator[Step]:
    keep, take = running.weights
    for index, group in enumerate(asked.moments[:SHOWN_GROUPS]):
        said = f" of {asked.groups.unit} {index + 1}" if asked.several else ""
        pairs = (
            ("running_mean", running.mean[index], group.mean, f"old and new mean{said}"),
            ("running_var", running.variance[index], batch[index], f"old and new variance{said}"),
        )
        if running.unbiased:
            n = len(asked.groups.places[index])
            factor = Mul((Div(number(n), number(n - 1)), group.variance))
            because = f"the unbiased variance{said} for the average: n/(n − 1) times the biased one"
            yield Step(f"unbiased-{index}", Sym("unbiased"), factor, batch[index], because)
        for name, old, new, because in pairs:
            written = Add((Mul((keep, old)), Mul((take, new))))
            yield Step(f"{name}-{index}", Sym(name), written, running.moved(old, new), because)


def _average_routes(asked: Question, running: Running, answers: tuple[Answer, ...]) -> Iterator[Route]:
    def follow(old: tuple[Expr, ...], statistic: Callable[..., Any]) -> Callable[[Mapping[str, Any]], list[Any]]:
        def compute(point: Mapping[str, Any]) -> list[Any]:
            m = PLAIN.value(running.momentum, point)
            found = []
            for start, places in zip(old, asked.groups.places, strict=True):
                average = PLAIN.value(start, point)
                new = statistic([PLAIN.value(asked.data.entries[place], point) for place in places])
                share = m if running.framework == "pytorch" else 1 - m
                found.append(average + share * (new - average))
            return found

        return compute

    def scatter(entries: list[Any]) -> Any:  # noqa: ANN401
        return bruteforce.scatter(entries, unbiased=running.unbiased)

    method = "the average moved towards the statistics of the batch (Python's own)"
    yield Route("running_mean", method, answers[0].value, follow(running.mean, bruteforce.average))
    yield Route("running_var", method, answers[1].value, follow(running.variance, scatter))


# test time


def at_test_time(asked: Question, running: Running) -> Solution:
    """Answer at test time: every output is an affine function of its own input."""
    refuse_negative(running.variance, asked.eps)
    owners = range(asked.groups.parameters)
    slopes = tuple(over_root(asked.gamma[j], running.variance[j] + asked.eps) for j in owners)
    intercepts = tuple(_intercept(asked, running, j) for j in owners)
    ys = tuple(_output(asked, running, place) for place in range(len(asked.data.entries)))
    answers = (
        Answer("y", rows(ys, asked.data.lengths), Sym("y"), slips=tuple(_test_slips(asked, running))),
        Answer("slope", slopes if len(slopes) > 1 else slopes[0]),
        Answer("intercept", intercepts if len(intercepts) > 1 else intercepts[0]),
        verdict("affine", holds=True, otherwise="slope and intercept do not depend on the batch"),
        verdict("depends_on_batch", holds=False, otherwise="the running averages are fixed"),
    )

    def work() -> Work:
        method = "each example alone, by NumPy"
        route = Route("y", method, answers[0].value, lambda p: _alone(asked, running, p))
        return Work(tuple(_test_steps(asked, running, slopes, intercepts, ys)), (route,))

    return Solution(
        answers=answers,
        work=work,
        setting=Setting(domains=domains_of(asked) | _domains(running), display={"sigma2": "σ²"}),
        conventions=("test time: the running averages take the place of the statistics of the batch",),
    )


def _intercept(asked: Question, running: Running, j: int) -> Expr:
    return asked.beta[j] - _over(asked.gamma[j], running.mean[j], running.variance[j] + asked.eps)


def _over(gamma: Expr, x: Expr, spread: Expr) -> Expr:
    product = gamma * x
    return over_root(product, spread) if isinstance(product, Num) else gamma * over_root(x, spread)


def _output(asked: Question, running: Running, place: int) -> Expr:
    j = asked.groups.parameter[place]
    return (
        _over(asked.gamma[j], asked.data.entries[place] - running.mean[j], running.variance[j] + asked.eps)
        + asked.beta[j]
    )


def _alone(asked: Question, running: Running, point: Mapping[str, Any]) -> list[Any]:
    x = bruteforce.numbers(asked.data.entries, point)
    means, variances = bruteforce.numbers(running.mean, point), bruteforce.numbers(running.variance, point)
    gamma, beta = bruteforce.numbers(asked.gamma, point), bruteforce.numbers(asked.beta, point)
    eps = PLAIN.value(asked.eps, point)
    return [
        gamma[j] * (x[p] - means[j]) / bruteforce.root_of(variances[j] + eps) + beta[j]
        for p, j in enumerate(asked.groups.parameter)
    ]


def _of(several: bool, j: int) -> str:  # noqa: FBT001 (a word or none)
    return f" of feature {j + 1}" if several else ""


def _test_steps(
    asked: Question, running: Running, slopes: tuple[Expr, ...], intercepts: tuple[Expr, ...], ys: tuple[Expr, ...]
) -> Iterator[Step]:
    several = len(slopes) > 1
    for j in range(min(SHOWN_GROUPS, len(slopes))):
        index = number(j + 1)
        slope, intercept = (Entry(n, index) if several else Sym(n) for n in ("slope", "intercept"))
        root = call("sqrt", running.variance[j] + asked.eps)
        yield Step(f"slope-{j}", slope, Div(asked.gamma[j], root), slopes[j], f"slope{_of(several, j)}: γ/√(σ̄² + ε)")
        written = Add((asked.beta[j], Mul((MINUS_ONE, slopes[j], running.mean[j]))))
        yield Step(f"intercept-{j}", intercept, written, intercepts[j], f"intercept{_of(several, j)}: β − slope·μ̄")
    for place, y in enumerate(ys[:SHOWN_ENTRIES]):
        j = asked.groups.parameter[place]
        root = call("sqrt", running.variance[j] + asked.eps)
        x = asked.data.entries[place]
        target = Entry("y", number(place + 1))
        scaled = Mul((asked.gamma[j], Div(less(x, running.mean[j]), root)))
        written = Add((scaled, asked.beta[j]))
        yield Step(f"y-{place}", target, written, y, f"y of entry {place + 1}: γ(x − μ̄)/√(σ̄² + ε) + β")
        line = Add((Mul((slopes[j], x)), intercepts[j]))
        yield Step(f"affine-{place}", target, y, line, "slope·x + intercept: no other example occurs")


def _test_slips(asked: Question, running: Running) -> Iterator[Slip]:
    def outputs(other: Question, by: Running) -> Value:
        return rows(tuple(_output(other, by, p) for p in range(len(other.data.entries))), other.data.lengths)

    if asked.eps != ZERO and ZERO not in running.variance:
        yield Slip(outputs(asked._replace(eps=ZERO), running), "ε is missing under the root")
    if any(b != ZERO for b in asked.beta):
        yield Slip(outputs(asked._replace(beta=(ZERO,) * len(asked.beta)), running), "the shift β is forgotten")
    if any(g != ONE for g in asked.gamma):
        yield Slip(outputs(asked._replace(gamma=(ONE,) * len(asked.gamma)), running), "the scale γ is forgotten")
    squares = tuple((v + asked.eps) ** 2 - asked.eps for v in running.variance)
    yield Slip(outputs(asked, running._replace(variance=squares)), "divided by the variance, not by its root")
