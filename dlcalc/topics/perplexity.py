"""Perplexity of a language model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.calculus.entrywise import applied
from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, values
from dlcalc.logarithms import collected, exact_power
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Expr, Mul, Num, Sym, add, expr, mul, power
from dlcalc.notation.functions import call, ln
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import COUNT, POSITIVE, UNIT, Answer, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_LOSS = 300
"""Loss per token up to which floats hold the perplexity, in any base."""
MOST_SHOWN = 8
"""Tokens that the derivation writes out."""


@topic(
    area="losses",
    answers=("perplexity", "cross_entropy", "bits"),
    examples=(
        "--probabilities 1/2,1/4,1/8",
        "--sentence 1/7150 --tokens 4",
        "--loss 3.2",
        "--loss 2 --base 2",
        "--vocabulary V",
    ),
)
def perplexity(
    *,
    probabilities: Annotated[
        Value | None, values("-p", "--probs", help="Probability that the model gave each token: 1/2,1/4.", domain=UNIT)
    ] = None,
    sentence: Annotated[
        Expr | None, scalar("--sequence", help="Probability of the whole sentence, with --tokens.", domain=UNIT)
    ] = None,
    tokens: Annotated[
        Expr | None, scalar("-n", "--words", "-N", help="Tokens of the sentence.", whole=True, least=1)
    ] = None,
    loss: Annotated[
        Expr | None, scalar("--cross-entropy", "--nll", help="Mean loss per token (see --base).", domain=POSITIVE)
    ] = None,
    vocabulary: Annotated[
        Expr | None, scalar("-V", "--vocab", help="Equally likely tokens: an untrained model.", whole=True, least=1)
    ] = None,
    base: Annotated[str, choice("e", "2", "10", help="Base of the logarithm in --loss (default: e).")] = "e",
) -> Solution:
    """Perplexity of a language model, from its loss, its probabilities per token, or a sentence's.

    perplexity = e^H = (p_1·…·p_N)^(-1/N), with H = -(1/N) Σ ln p_i the mean cross-entropy per token in nats; 2^H
    where H is in bits. A model that guesses among V equally likely tokens has the perplexity V.
    Source: Jurafsky and Martin, Speech and language processing, chapter 3; Jelinek et al., Perplexity (1977).

    Raises DlcalcError for a probability that is 0 or outside [0, 1], a loss below 0, and more or less than one given.

    >>> perplexity(sentence="1/16", tokens=4).value
    2
    """
    given = {"--probabilities": probabilities, "--sentence": sentence, "--loss": loss, "--vocabulary": vocabulary}
    said = [name for name, value in given.items() if value is not None]
    if len(said) != 1:
        what = "nothing is given" if not said else f"{said[0]} and {said[1]} are both given"
        raise DlcalcError(what, "give one of --probabilities, --sentence with --tokens, --loss, --vocabulary")
    if (tokens is None) != (sentence is None):
        raise DlcalcError("--sentence and --tokens go together", "give both, or --probabilities per token")
    if base != "e" and loss is None:
        raise DlcalcError(f"--base {base} says in what --loss is", "leave it out: a perplexity has no base")
    if loss is not None:
        return _of_loss(loss, base)
    if vocabulary is not None:
        return _of_product(ONE / vocabulary, ONE, (ONE / vocabulary,))
    if sentence is not None and tokens is not None:
        _refuse(sentence)
        return _of_product(sentence, tokens, (sentence,))
    row = probabilities if isinstance(probabilities, tuple) else (probabilities,)
    if any(isinstance(part, tuple) for part in row):
        raise DlcalcError("--probabilities is one list, a number per token", "write 1/2,1/4")
    for value in row:
        _refuse(value)  # type: ignore[arg-type]
    return _of_product(mul(*row), expr(len(row)), row)  # type: ignore[arg-type]


def _refuse(value: Expr) -> None:
    known = approximate(value)
    if value == ZERO:
        raise DlcalcError(
            "a token has the probability 0: the perplexity is infinite", "smooth the model, or leave the token out"
        )
    if known is not None and not 0 < known <= 1:
        raise DlcalcError(f"the probability {plain(value)} is not between 0 and 1", "give probabilities")


def _of_loss(loss: Expr, base: str) -> Solution:
    if (approximate(loss) or 0.0) > MOST_LOSS:
        raise DlcalcError(
            f"the loss {plain(loss)} is too large: its perplexity has no float", f"give at most {MOST_LOSS}"
        )
    if (approximate(loss) or 0.0) < 0:
        raise DlcalcError(
            f"the loss {plain(loss)} is below 0, but -log of a probability never is", "give it without the minus"
        )
    scale = ONE if base == "e" else ln(expr(int(base)))
    nats = loss * scale
    found = call("exp", loss) if base == "e" else power(expr(int(base)), loss)

    def grown(point: Mapping[str, Any]) -> float:
        """Multiply sixteen equal factors."""
        value = float(PLAIN.value(nats, point))
        return math.prod(math.exp(value / 16) for _ in range(16))

    steps = (
        Step("nats", Sym("cross_entropy"), nats, Mul((loss, scale)), "the loss per token in nats"),
        Step("perplexity", Sym("perplexity"), Sym("perplexity"), found, f"{base} to the loss per token"),
    )
    slips = [
        Slip(other, f"that is {name} to the loss; it is in base {base}")
        for name, other in (("e", call("exp", loss)), ("2", power(expr(2), loss)), ("10", power(expr(10), loss)))
        if name != base
    ]
    return Solution(
        answers=(
            Answer(
                "perplexity",
                found,
                slips=(*slips, Slip(call("exp", -nats), "the minus is twice there: that is the inverse")),
            ),
            Answer("cross_entropy", nats),
            Answer("bits", _in_bits(nats) if base != "2" else loss),
        ),
        work=lambda: Work(
            steps, (Route("perplexity", "sixteen equal factors multiplied", found, lambda p: [grown(p)]),)
        ),
        setting=Setting(domains=dict.fromkeys(sorted(symbols(loss)), POSITIVE), definitions={"perplexity": grown}),
        conventions=(f"the loss is the mean per token, with the logarithm of base {base}; cross_entropy is in nats",),
    )


def _of_product(product: Expr, count: Expr, row: Sequence[Expr]) -> Solution:
    inverse = product.denominator if isinstance(product, Div) and product.numerator == ONE else ONE / product
    found = inverse if count == ONE else _root(inverse, count)
    logs = add(*(applied("ln", value) for value in row))
    nats = collected(-logs / count if len(row) > 1 else -applied("ln", product) / count)

    def guessed(point: Mapping[str, Any]) -> float:
        """Find by halving the number of equally likely tokens that makes the sentence as likely."""
        tokens = int(PLAIN.value(count, point))
        wanted = -sum(math.log(float(PLAIN.value(value, point))) for value in row) / tokens
        low, high = 1.0, 2.0
        while math.log(high) < wanted:
            high *= 2
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if math.log(middle) < wanted else (low, middle)
        return (low + high) / 2

    written = (
        -Div(Add(tuple(Call("ln", (value,)) for value in row)), count)
        if len(row) > 1
        else -Div(Call("ln", (product,)), count)
    )
    steps = [
        Step("cross-entropy", Sym("cross_entropy"), written, nats, "the mean of -ln p over the tokens"),
        Step("perplexity", Sym("perplexity"), Sym("perplexity"), Call("exp", (nats,)), "e to the cross-entropy"),
        Step(
            "root",
            Sym("perplexity"),
            Call("exp", (nats,)),
            found,
            "the N-th root of 1 over the probability of all tokens",
        ),
    ]
    free = symbols(*row)
    domains = dict.fromkeys(free, UNIT) if symbols(product) & free and count != ONE else dict.fromkeys(free, COUNT)
    domains |= dict.fromkeys(sorted(symbols(count)), COUNT)
    slips = (
        Slip(inverse, "the root of order N is missing: perplexity is per token")
        if count != ONE
        else Slip(-inverse, ""),
        Slip(power(product, ONE / count), "that is the geometric mean of the probabilities; perplexity is 1 over it"),
        Slip(nats, "that is the cross-entropy; perplexity is e to it"),
        Slip(power(expr(2), nats), "2 goes with a loss in bits; in nats it is e"),
    )
    return Solution(
        answers=(
            Answer("perplexity", found, slips=slips),
            Answer("cross_entropy", nats),
            Answer("bits", _in_bits(nats)),
        ),
        work=lambda: Work(
            tuple(steps if len(row) <= MOST_SHOWN else steps[1:]),
            (
                Route(
                    "perplexity", "the number of equally likely tokens, found by halving", found, lambda p: [guessed(p)]
                ),
            ),
        ),
        setting=Setting(domains=domains, definitions={"perplexity": guessed}),
        conventions=("per token: over N tokens the root of order N; cross_entropy in nats (base e), bits in base 2",),
        notes=("equally likely tokens: the perplexity is their number",) if len(row) == 1 and count == ONE else (),
    )


def _root(value: Expr, order: Expr) -> Expr:
    """Take a root, exact where it is."""
    exact = None
    if isinstance(value, Num) and isinstance(order, Num):
        exact = exact_power(value.value, 1 / order.value)
    return power(value, ONE / order) if exact is None else expr(exact)


def _in_bits(nats: Expr) -> Expr:
    match nats:
        case Mul((Num(times), inner)) if inner == ln(expr(2)):
            return expr(times)
    return ONE if nats == ln(expr(2)) else nats / ln(expr(2))
