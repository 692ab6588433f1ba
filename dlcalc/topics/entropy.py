"""Entropy, cross-entropy and Kullback-Leibler divergence of distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.calculus.entrywise import applied
from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, values
from dlcalc.logarithms import collected, exact_power
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Div, Expr, Mul, Num, Sym, add, expr, mul
from dlcalc.notation.functions import call, ln
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import UNIT, Answer, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic
from dlcalc.whole import neat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BASES = {"e": "nats", "2": "bits", "10": "decimal digits"}
MISSED = 0.005
"""By how much rounded probabilities may miss the sum 1."""
MOST_SHOWN = 12
"""Outcomes up to which the derivation writes the terms out."""


@topic(
    area="losses",
    answers=("entropy", "cross_entropy", "kl", "reverse_kl", "perplexity", "largest"),
    examples=("-p 1/2,1/4,1/4 --base 2", "-p 1/2,1/2 --q 1/4,3/4", "-p a,b"),
)
def entropy(
    *,
    p: Annotated[Value, values("-p", "--target", "--distribution", help="A distribution: 1/2,1/4,1/4.", domain=UNIT)],
    q: Annotated[
        Value | None, values("--other", "--prediction", help="Another one, for cross-entropy and KL.", domain=UNIT)
    ] = None,
    base: Annotated[str, choice("e", "2", "10", help="Base of the logarithm (default: e, nats; 2 gives bits).")] = "e",
) -> Solution:
    """Entropy of a distribution; cross-entropy and KL divergence of two.

    H(p) = -Σ p ln p, H(p, q) = -Σ p ln q, KL(p ‖ q) = Σ p ln(p/q) = H(p, q) - H(p) ≥ 0. KL is not symmetric.
    Perplexity b^H(p), with the base b of the logarithm. H(p) is at most log_b C, for C equally likely outcomes;
    0·log 0 = 0.
    Source: Shannon, A mathematical theory of communication (1948); Cover and Thomas, Elements of information theory
    (2006), chapter 2.

    Raises DlcalcError for what is no distribution, lengths that differ, and a q of 0 where p is not: KL is infinite.

    >>> print(entropy(p="1/2,1/2", base=2)["entropy"].text)
    1
    """
    first = _distribution("p", p)
    second = None if q is None else _distribution("q", q)
    if second is not None and len(first) != len(second):
        raise DlcalcError(f"p has {len(first)} outcomes, q has {len(second)}", "give as many")
    for place, (a, b) in enumerate(zip(first, second or (), strict=False), 1):
        if b == ZERO and a != ZERO:
            raise DlcalcError(
                f"q is 0 at outcome {place}, where p is {plain(a)}: H(p, q) and KL(p ‖ q) are infinite",
                "give a q above 0 wherever p is, or swap the two",
            )
    return _solution(first, second, base)


def _distribution(name: str, given: Value) -> tuple[Expr, ...]:
    row = given if isinstance(given, tuple) else (given,)
    if any(isinstance(part, tuple) for part in row) or len(row) < 2:  # noqa: PLR2004 (a distribution has outcomes)
        raise DlcalcError(f"-{name} is a list with a probability per outcome", "write 1/2,1/4,1/4")
    for value in row:
        known = approximate(value)  # type: ignore[arg-type]  # no row, as checked above
        if known is not None and not 0 <= known <= 1:
            raise DlcalcError(f"the probability {plain(value)} in {name} is not between 0 and 1", "give probabilities")
    if not symbols(*row):
        total = math.fsum(approximate(value) or 0.0 for value in row)  # type: ignore[arg-type]  # as above
        if abs(total - 1) > MISSED:
            raise DlcalcError(f"{name} sums to {total:.6g}, not to 1", "give a distribution")
    return row  # type: ignore[return-value]


def _based(natural: Expr, base: str) -> Expr:
    """Change the base of a sum of natural logarithms; a multiple of the base's own becomes a number."""
    natural = collected(natural)
    if base == "e":
        return natural
    below = ln(expr(int(base)))
    match natural:
        case Mul((Num(times), inner)) if inner == below:
            return expr(times)
    return ONE if natural == below else natural / below


def _weighed(weights: Sequence[Expr], of: Sequence[Expr], base: str) -> Expr:
    """Compute -Σ w log v; an outcome without weight does not count."""
    return _based(-add(*(mul(w, applied("ln", v)) for w, v in zip(weights, of, strict=True) if w != ZERO)), base)


def _written(weights: Sequence[Expr], of: Sequence[Expr], base: str) -> Expr:
    """Write -Σ w log v as it stands before anything is computed."""
    below = None if base == "e" else Call("ln", (expr(int(base)),))
    terms = []
    for w, v in zip(weights, of, strict=True):
        if w != ZERO:
            log: Expr = Call("ln", (v,))
            terms.append(Mul((w, log if below is None else Div(log, below))))
    return -(Add(tuple(terms)) if len(terms) > 1 else terms[0])


def _solution(first: tuple[Expr, ...], second: tuple[Expr, ...] | None, base: str) -> Solution:
    found = _weighed(first, first, base)
    number = _power(found, base)
    largest = _based(applied("ln", expr(len(first))), base)
    answers = [Answer("entropy", found, slips=_log_slips(found, base))]
    steps = [*_lines("entropy", (first, first), base, found, "-Σ p log p; an outcome with p = 0 does not count")]
    routes = [_route("entropy", found, first, first, base)]
    if second is not None:
        cross = _weighed(first, second, base)
        gap = collected(cross - found)
        swapped = all(a != ZERO or b == ZERO for a, b in zip(first, second, strict=True))
        back = collected(_weighed(second, first, base) - _weighed(second, second, base)) if swapped else None
        answers += _of_two(first, second, base, found, back)
        if back is not None:
            answers.append(Answer("reverse_kl", back))
        steps += _lines("cross_entropy", (first, second), base, cross, "-Σ p log q")
        if len(first) <= MOST_SHOWN:
            steps.append(Step("identity", Sym("kl"), Sym("kl"), Add((cross, -found)), "KL(p ‖ q) = H(p, q) - H(p)"))
            steps += (
                [Step("kl", Sym("kl"), Add((cross, -found)), gap, "computed")] if gap != Add((cross, -found)) else []
            )
            if _is_one(first) and _is_one(second):
                because = "never below 0, and 0 for equal distributions alone"
                steps.append(Step("sign", Sym("kl"), Sym("kl"), ZERO, because, ">="))
        routes.append(_route("cross_entropy", cross, first, second, base))
    answers += [
        Answer(
            "perplexity",
            number,
            slips=(Slip(call("exp", found), "the base of the power is that of the logarithm"),) if base != "e" else (),
        ),
        Answer("largest", largest),
    ]
    steps.append(Step("perplexity", Sym("perplexity"), Sym("perplexity"), number, "the base to the power of H(p)"))
    if _is_one(first):
        because = f"at most that of {len(first)} equally likely outcomes"
        steps.append(Step("bound", Sym("entropy"), Sym("entropy"), largest, because, "<="))
    free = sorted(symbols(*first, *(second or ())))
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps), tuple(routes)),
        setting=Setting(
            domains=dict.fromkeys(free, UNIT),
            definitions=_definitions(first, second, base),
        ),
        conventions=(
            f"logarithm of base {base}: {BASES[base]}; 0·log 0 = 0",
            *(("p weighs: H(p, q) = -Σ p log q, KL(p ‖ q) = Σ p log(p/q)",) if second is not None else ()),
        ),
        assumptions=tuple(
            f"the entries of {n} sum to 1" for n, row in (("p", first), ("q", second)) if row and symbols(*row)
        ),
    )


def _of_two(
    first: tuple[Expr, ...], second: tuple[Expr, ...], base: str, found: Expr, back: Expr | None
) -> tuple[Answer, ...]:
    """Answer with cross-entropy and divergence; `back` is the divergence the other way round, where it is finite."""
    cross = _weighed(first, second, base)
    gap = collected(cross - found)
    of_cross, of_gap = list(_log_slips(cross, base)), [Slip(cross, "that is the cross-entropy; KL takes H(p) off")]
    if back is not None:
        of_cross.append(Slip(_weighed(second, first, base), "p and q are swapped: p weighs the logarithms of q"))
        of_gap.append(Slip(back, "p and q are swapped: that is KL(q ‖ p)"))
    of_gap.append(Slip(-gap, "the sign is the wrong way round: KL is never below 0"))
    return Answer("cross_entropy", cross, slips=tuple(of_cross)), Answer("kl", gap, slips=tuple(of_gap))


def _is_one(row: tuple[Expr, ...] | None) -> bool:
    """Say whether entries sum to 1 wherever they are sampled, as a and 1 - a do."""
    return row is not None and (not symbols(*row) or neat(add(*row)) == ONE)


def _power(found: Expr, base: str) -> Expr:
    """Raise the base to the entropy; exact where it is the logarithm of a number."""
    match found:
        case Call("ln", (inner,)) if base == "e":
            return inner
        case Mul((Num(times), Call("ln", (Num(inner),)))) if base == "e":
            exact = exact_power(inner, times)
            if exact is not None:
                return expr(exact)
    return call("exp", found) if base == "e" else expr(int(base)) ** found


def _lines(name: str, pair: tuple[Sequence[Expr], Sequence[Expr]], base: str, value: Expr, because: str) -> list[Step]:
    target, (weights, of) = Sym(name), pair
    if len(weights) > MOST_SHOWN:
        return [Step(name, target, target, value, because)]
    written = _written(weights, of, base)
    return [Step(name, target, target, written, because), Step(name, target, written, value, "computed")]


def _log_slips(value: Expr, base: str) -> tuple[Slip, ...]:
    here = ln(expr(int(base))) if base != "e" else expr(1)
    found = [Slip(-value, "the minus in front of the sum is missing")]
    for other, word in BASES.items():
        if other != base:
            there = ln(expr(int(other))) if other != "e" else expr(1)
            found.append(Slip(value * here / there, f"that is in {word}, with the logarithm of base {other}"))
    return tuple(found)


def _in_bits(weights: Sequence[Expr], of: Sequence[Expr], base: str, point: Mapping[str, Any]) -> float:
    """Add up code lengths in bits, then change the base."""
    found = 0.0
    for w, v in zip(weights, of, strict=True):
        share = float(PLAIN.value(w, point))
        if share:
            found += share * math.log2(1 / float(PLAIN.value(v, point)))
    return found / math.log2(math.e if base == "e" else int(base))


def _route(name: str, value: Expr, weights: Sequence[Expr], of: Sequence[Expr], base: str) -> Route:
    return Route(
        name, "code lengths log2(1/p) added up in bits", value, lambda point: [_in_bits(weights, of, base, point)]
    )


def _definitions(first: tuple[Expr, ...], second: tuple[Expr, ...] | None, base: str) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {
        "entropy": lambda point: _in_bits(first, first, base, point),
        "perplexity": lambda point: 2 ** (_in_bits(first, first, "2", point)),
    }
    if second is not None:
        found["cross_entropy"] = lambda point: _in_bits(first, second, base, point)
        found["kl"] = lambda point: _in_bits(first, second, base, point) - _in_bits(first, first, base, point)
    return found
