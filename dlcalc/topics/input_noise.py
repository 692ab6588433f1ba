"""Noise on the inputs of a linear regression, as an L2 penalty."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from dlcalc.entries import listed
from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, UNIT, choice, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Entry, Expr, Mul, Num, Pow, Sum, Sym, add, expr, substitute
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import (
    REAL,
    Answer,
    Domain,
    Experiment,
    Route,
    Sequence,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
    verdict,
)
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TWO = expr(2)
FEW = Domain(Fraction(1), Fraction(4), whole=True)
"""Examples where all outcomes of the noise are enumerated."""
MAX_EXAMPLES = 200
MAX_ENUMERATED = 8
RUNS = 20_000
STANDARD_ERRORS = 5.0
L = Sym("L")


class _Asked(NamedTuple):
    """The model φ0 + φ1 x, the number of examples, and what the noise has of its own."""

    phi0: Expr
    phi1: Expr
    size: Expr
    variance: Expr
    """Of the additive noise; of dropout the factor (1 - p)/p of every x²."""
    kind: str
    mean: bool
    x: tuple[Expr, ...]
    y: tuple[Expr, ...]

    @property
    def dropout(self) -> bool:
        """Whether the noise multiplies the inputs."""
        return self.kind == "dropout"

    @property
    def squares(self) -> Expr:
        """The squares of the inputs added up."""
        if self.x:
            return add(*(v**2 for v in self.x))
        return Sum("i", ONE, self.size, Pow(Entry("x", Sym("i")), TWO))

    @property
    def decay(self) -> Expr:
        """The weight of the penalty φ1²."""
        if self.dropout:
            return self.variance * (self.squares / self.size if self.mean else self.squares)
        return self.variance if self.mean else self.size * self.variance


@topic(
    area="regularisation",
    answers=("expected_loss", "penalty", "weight_decay", "equals_l2"),
    examples=(
        "",
        "--sd 0.5 --phi1 2 --examples 10",
        "--x 1,2,3 --y 2,3,5 --phi0 1 --phi1 1 --variance 0.25",
        "--kind dropout --keep p",
    ),
)
def input_noise(
    *,
    sd: Annotated[
        Expr | None, scalar("--sigma", "--s", "--std", help="Standard deviation s of the noise (default: s).", least=0)
    ] = None,
    variance: Annotated[Expr | None, scalar("--sigma2", "--s2", help="Its variance s² instead.", least=0)] = None,
    phi1: Annotated[Expr | None, scalar("--slope", "--w", help="Slope of the model (default: phi1).")] = None,
    phi0: Annotated[Expr | None, scalar("--intercept", "--b", help="Intercept of the model (default: phi0).")] = None,
    examples: Annotated[
        Expr | None,
        scalar("-I", "-n", "--samples", help="Number of training examples (default: I).", whole=True, least=1),
    ] = None,
    x: Annotated[Value | None, values("-X", help="Inputs, to compute the loss too: 1,2,3.")] = None,
    y: Annotated[Value | None, values("-Y", help="Their targets.")] = None,
    kind: Annotated[
        str, choice("gaussian", "dropout", help="Noise added to x (default), or dropout on x.")
    ] = "gaussian",
    keep: Annotated[Expr | None, scalar(help="Keep probability of --kind dropout (default: p).", domain=UNIT)] = None,
    reduction: Annotated[
        str, choice("sum", "mean", help="Loss: sum over the examples (default), or their mean.")
    ] = "sum",
) -> Solution:
    """Gaussian noise on the inputs of a linear regression equals an L2 penalty: expected loss.

    With noise of mean 0 and variance s² on every input, E Σ(φ0 + φ1(x_i + ε_i) - y_i)² = L + I s² φ1²: the loss without
    noise and an L2 penalty on the slope with weight I s² (s² for the mean over the examples). Inverted dropout on the
    inputs multiplies x_i by noise of variance (1 - p)/p: the penalty is (1 - p)/p · φ1² Σ x_i².
    Source: Bishop, Training with noise is equivalent to Tikhonov regularization (1995); Prince, Understanding Deep
    Learning (2023), section 9.3.

    Raises DlcalcError for a negative variance, a keep probability outside of 0 … 1, or data that do not fit together.

    >>> print(input_noise(sd="s", examples="I")["expected_loss"].text)
    L + I*s^2*phi1^2
    """
    _refuse(sd, variance, kind, keep)
    inputs, targets = _data(x, y, examples)
    count = expr(len(inputs)) if inputs else examples or Sym("I")
    if kind == "dropout":
        p = keep or Sym("p")
        spread = (1 - p) / p
    else:
        spread = variance if variance is not None else (Sym("s") if sd is None else sd) ** 2
    model = (phi0 or Sym("phi0"), phi1 or Sym("phi1"))
    asked = _Asked(*model, count, spread, kind, reduction == "mean", inputs, targets)
    return _solution(asked, sd or Sym("s") if variance is None else None)


def _refuse(sd: Expr | None, variance: Expr | None, kind: str, keep: Expr | None) -> None:
    """Refuse what does not describe one kind of noise."""
    for name, given in (("sd", sd), ("variance", variance)):
        if given is not None and (approximate(given) or 0) < 0:
            raise DlcalcError(f"--{name} {plain(given)} is less than 0", "use 0 or more")
        if given is not None and kind == "dropout":
            raise DlcalcError(f"--{name} is of added noise, and dropout has a variance of its own", "give --keep")
    if sd is not None and variance is not None:
        raise DlcalcError("--sd and --variance are both given", "give one of them")
    if kind == "gaussian" and keep is not None:
        raise DlcalcError("--keep belongs to dropout", "add --kind dropout, or give --sd")
    if keep is not None and (found := approximate(keep)) is not None and not 0 < found <= 1:
        raise DlcalcError(f"--keep {plain(keep)} is not above 0 and at most 1", "use a probability such as 0.5")


def _data(x: Value | None, y: Value | None, examples: Expr | None) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """Read inputs and targets, one of each per example."""
    inputs, targets = _listed("x", x), _listed("y", y)
    if len(inputs) != len(targets) or len(inputs) > MAX_EXAMPLES:
        raise DlcalcError(
            f"--x has {len(inputs)} entries and --y {len(targets)}",
            f"give one target per input, at most {MAX_EXAMPLES}",
        )
    if inputs and examples is not None and examples != expr(len(inputs)):
        raise DlcalcError(f"--examples is {plain(examples)}, but --x has {len(inputs)}", "leave --examples out")
    return inputs, targets


def _listed(name: str, given: Value | None) -> tuple[Expr, ...]:
    return () if given is None else listed(f"--{name}", given, "give a list: the model has one input")


def _solution(asked: _Asked, deviation: Expr | None) -> Solution:
    used = symbols(asked.phi0, asked.phi1, asked.size, asked.variance, asked.x, asked.y)
    board = asked if asked.x or not isinstance(asked.size, Num) else asked._replace(size=Sym("I"))
    for name in ("x", "y", "e", "i", "L", *(["I"] if board != asked else [])):
        if name in used:
            raise DlcalcError(f"the symbol {name} has a meaning of its own here", "use another letter")
    domains = dict.fromkeys(sorted(symbols(asked.phi0, asked.phi1, asked.x, asked.y)), REAL)
    domains |= dict.fromkeys(sorted(symbols(asked.variance)), UNIT if asked.dropout else POSITIVE)
    domains |= dict.fromkeys(sorted(symbols(board.size)), FEW)
    decay = asked.decay
    penalty = decay * asked.phi1**2
    loss = _loss(asked) if asked.x else L
    noise = "noise ε_i of mean 0 and variance s² is added to every input x_i"
    return Solution(
        answers=(
            Answer("expected_loss", loss + penalty, slips=_slips(asked, loss, deviation)),
            Answer("penalty", penalty),
            Answer("weight_decay", decay, slips=(Slip(2 * decay, "that is λ of a penalty λ/2·φ1²"),)),
            verdict("equals_l2", holds=True, otherwise="the expected loss is L plus a multiple of φ1²"),
        ),
        work=lambda: Work((*_steps(board), *_put_in(board, asked, loss + penalty)), tuple(_routes(asked, penalty))),
        setting=Setting(
            domains=domains,
            sequences=_sequences(board),
            definitions={} if asked.x else {"L": lambda point: _computed(asked, point)},
            aliases={n: asked.phi1 for n in ("phi", "w", "slope") if n not in domains and isinstance(asked.phi1, Sym)},
        ),
        conventions=(
            f"loss {'1/I·' if asked.mean else ''}Σ (φ0 + φ1 x_i - y_i)², without a factor 1/2",
            "noise: inverted dropout on every input, x_i·mask_i/p" if asked.dropout else noise,
        ),
        assumptions=("the noise of the examples has mean 0 and is independent",),
        notes=(f"an L2 penalty λ φ1² with λ = {unicode(decay)}; the intercept is not penalised",),
    )


def _put_in(board: _Asked, asked: _Asked, expected: Expr) -> Iterator[Step]:
    """Put the number of examples into the formula in letters."""
    if board == asked or asked.dropout:
        return
    where = {"I": asked.size}
    share: tuple[Expr, ...] = () if asked.mean else (Sym("I"),)
    inserted = Add((L, substitute(Mul((*share, asked.variance, Pow(asked.phi1, TWO))), where)))
    yield Step("givens", Sym("expected_loss"), inserted, expected, "the givens put in", where=where)


def _slips(asked: _Asked, loss: Expr, deviation: Expr | None) -> tuple[Slip, ...]:
    other = asked._replace(mean=not asked.mean).decay * asked.phi1**2
    share = ONE if asked.mean else asked.size
    found = [
        Slip(loss, "the noise adds to the expected loss: its square does not average out", "square"),
        Slip(loss + other, "the examples add up: I times the variance for a sum, once for a mean", "variance"),
        Slip(loss + asked.decay * asked.phi1, "a constant comes out squared: φ1²", "variance"),
        Slip(loss + asked.decay, "the noise is multiplied by the slope: φ1²", "variance"),
    ]
    if deviation is not None and not asked.dropout:
        found.append(Slip(loss + share * deviation * asked.phi1**2, "the variance is s², not s", "variance"))
    return tuple(found)


def _sequences(asked: _Asked) -> dict[str, Sequence]:
    """Declare inputs, targets, and the noise on each input (of dropout: relative to the input)."""
    found = {"e": Sequence(asked.size, mean=ZERO, variance=asked.variance)}
    return found if asked.x else {"x": Sequence(asked.size), "y": Sequence(asked.size), **found}


def _loss(asked: _Asked) -> Expr:
    errors = (asked.phi0 + asked.phi1 * a - b for a, b in zip(asked.x, asked.y, strict=True))
    total = add(*(error**2 for error in errors))
    return total / asked.size if asked.mean else total


def _computed(asked: _Asked, point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
    """Compute the loss without noise by a loop."""
    phi0, phi1 = (PLAIN.value(value, point) for value in (asked.phi0, asked.phi1))
    total = sum((phi0 + phi1 * a - b) ** 2 for a, b in zip(point["x"], point["y"], strict=True))
    return total / len(point["x"]) if asked.mean else total


def _steps(asked: _Asked) -> Iterator[Step]:
    """Average the squared error over the noise: the mixed term vanishes, the square of the noise stays."""
    i, target = Sym("i"), Sym("expected_loss")
    dropout = asked.dropout
    if asked.x:
        yield from _numbers(asked)
        return
    a, b, e = (Entry(name, i) for name in ("x", "y", "e"))
    noise = Mul((a, e)) if dropout else e
    error = Add((asked.phi0, Mul((asked.phi1, a)), -b))

    def total(body: Expr) -> Expr:
        found: Expr = Sum("i", ONE, asked.size, body)
        return found / asked.size if asked.mean else found

    def mean(body: Expr) -> Expr:
        return Call("E", (body,))

    noisy = Add((asked.phi0, Mul((asked.phi1, Add((a, noise)))), -b))
    start = mean(total(Pow(noisy, TWO)))
    apart = mean(
        total(
            Add((Pow(error, TWO), Mul((TWO, asked.phi1, noise, error)), Mul((Pow(asked.phi1, TWO), Pow(noise, TWO)))))
        )
    )
    yield Step("square", target, start, apart, "the square multiplied out: error, mixed term, noise")
    mixed = mean(total(Mul((TWO, asked.phi1, noise, error))))
    yield Step("mixed", Sym("mixed"), mixed, ZERO, "the noise has mean 0: the mixed term vanishes")
    rest = mean(total(Mul((Pow(asked.phi1, TWO), Pow(noise, TWO)))))
    one = asked.variance * Pow(asked.phi1, TWO)
    added = total(Mul((one, Pow(a, TWO))) if dropout else one)
    yield Step("variance", Sym("penalty"), rest, added, "E(noise²) is its variance" + (" times x²" if dropout else ""))
    closed = asked.decay * asked.phi1**2
    if dropout:
        yield Step("penalty", Sym("penalty"), added, closed, "the input's squares added up: an L2 penalty")
    else:
        yield Step("penalty", Sym("penalty"), added, closed, "equal terms: an L2 penalty on the slope")
    yield Step("expected", target, start, L + closed, "the loss without noise and the penalty")


def _numbers(asked: _Asked) -> Iterator[Step]:
    """Put the data into loss and penalty."""
    target = Sym("expected_loss")
    pairs = list(zip(asked.x, asked.y, strict=True))
    errors = [Add((asked.phi0, Mul((asked.phi1, a)), -b)) for a, b in pairs]
    total: Expr = Add(tuple(Pow(error, TWO) for error in errors)) if len(errors) > 1 else Pow(errors[0], TWO)
    loss = _loss(asked)
    yield Step("loss", L, total / asked.size if asked.mean else total, loss, "the loss without noise")
    sides = [Entry("e", expr(i)) for i in range(1, len(pairs) + 1)]
    noises = [Mul((a, e)) if asked.dropout else e for (a, _), e in zip(pairs, sides, strict=True)]
    for i, ((a, b), noise) in enumerate(list(zip(pairs, noises, strict=True))[:3], 1):
        error = asked.phi0 + asked.phi1 * a - b
        mixed = Call("E", (Mul((TWO, asked.phi1, noise, error)),))
        square = asked.variance * (a**2 if asked.dropout else ONE)
        if len(pairs) <= MAX_ENUMERATED:
            yield Step(
                "mixed", Sym("mixed"), mixed, ZERO, f"example {i}: the noise has mean 0, the mixed term vanishes"
            )
            yield Step(
                "variance",
                Sym("noise"),
                Call("E", (Pow(noise, TWO),)),
                square,
                f"example {i}: the mean of noise² is its variance",
            )
    if len(pairs) <= MAX_ENUMERATED:
        noisy = [Pow(Add((error, Mul((asked.phi1, noise)))), TWO) for error, noise in zip(errors, noises, strict=True)]
        whole: Expr = Add(tuple(noisy)) if len(noisy) > 1 else noisy[0]
        expected = loss + _penalty(asked)
        yield Step(
            "expected",
            target,
            Call("E", (whole / asked.size if asked.mean else whole,)),
            expected,
            "all examples: loss and penalty",
        )
    else:
        each = [asked.variance * asked.phi1**2 * (a**2 if asked.dropout else ONE) for a in asked.x]
        summed: Expr = Add(tuple(each))
        yield Step(
            "penalty",
            Sym("penalty"),
            summed / asked.size if asked.mean else summed,
            _penalty(asked),
            "the penalties of the examples add up",
        )


def _penalty(asked: _Asked) -> Expr:
    each = add(*(asked.variance * (a**2 if asked.dropout else ONE) for a in asked.x)) * asked.phi1**2
    return each / asked.size if asked.mean else each


def _routes(asked: _Asked, penalty: Expr) -> Iterator[Route | Experiment]:
    """Average the loss over noise that is drawn, or over every outcome of it."""

    def enumerated(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number or a float)
        phi0, phi1, spread = (PLAIN.value(v, point) for v in (asked.phi0, asked.phi1, asked.variance))
        xs = [PLAIN.value(v, point) for v in asked.x] if asked.x else list(point["x"])
        ys = [PLAIN.value(v, point) for v in asked.y] if asked.y else list(point["y"])
        deviation = float(spread) ** 0.5
        width = len(xs)

        def loss(noise: tuple[float, ...]) -> float:
            shifted = (a * (1 + n) if asked.dropout else a + n for a, n in zip(xs, noise, strict=True))
            total = sum(float(phi0 + phi1 * a - b) ** 2 for a, b in zip(shifted, ys, strict=True))
            return total / width if asked.mean else total

        outcomes = [loss(noise) for noise in product((-deviation, deviation), repeat=width)]
        return sum(outcomes) / len(outcomes) - loss((0.0,) * width)

    if len(asked.x) <= MAX_ENUMERATED and (asked.x or not isinstance(asked.size, Num)):
        method = "the loss with noise ± its deviation on every input, averaged, minus that without"
        yield Route("penalty", method, penalty, enumerated)
    yield _simulated(asked)


def _simulated(asked: _Asked) -> Experiment:
    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        generator = np.random.default_rng(seed)
        free = {
            name: Fraction(int(generator.integers(1, 8)), 8)
            for name in sorted(symbols(asked.phi0, asked.phi1, asked.variance))
        }
        phi0, phi1, spread = (float(PLAIN.value(v, free)) for v in (asked.phi0, asked.phi1, asked.variance))
        size = len(asked.x) or min(
            int(PLAIN.value(asked.size, {n: Fraction(3) for n in symbols(asked.size)})), MAX_EXAMPLES
        )
        more = {name: Fraction(int(generator.integers(-8, 8)), 4) for name in sorted(symbols(asked.x, asked.y))}
        x = (
            np.array([float(PLAIN.value(v, {**free, **more})) for v in asked.x])
            if asked.x
            else generator.normal(size=size)
        )
        y = (
            np.array([float(PLAIN.value(v, {**free, **more})) for v in asked.y])
            if asked.y
            else generator.normal(size=size)
        )
        if asked.dropout:
            chance = 1 / (1 + spread)
            noisy = x * (generator.random((RUNS, size)) < chance) / chance
            expected = spread * phi1**2 * float((x**2).sum())
        else:
            noisy = x + spread**0.5 * generator.normal(size=(RUNS, size))
            expected = size * spread * phi1**2
        extra = ((phi0 + phi1 * noisy - y) ** 2).sum(axis=1) - float(((phi0 + phi1 * x - y) ** 2).sum())
        deviation = float(extra.std())
        if deviation == 0:
            return abs(float(extra.mean()) - expected), 1e-9
        return abs(float(extra.mean()) - expected) / deviation * RUNS**0.5, STANDARD_ERRORS

    kind = "masks" if asked.dropout else "normal noise"
    return Experiment("penalty", f"{RUNS:,} runs with random {kind}, in standard errors", run)
