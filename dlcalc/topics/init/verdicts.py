"""Whether activations and gradients vanish, explode or keep their size, and what stands behind each word."""

from __future__ import annotations

from math import isclose, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Sym
from dlcalc.solution import Answer, Slip, word
from dlcalc.topics.init.units import EXACT
from dlcalc.topics.init.wide import ACTIVE

if TYPE_CHECKING:
    from dlcalc.topics.init.signal import Signal
    from dlcalc.topics.init.wide import Limit

LARGE = 3.0
"""σ√n from which saturation shows in a note."""


class Verdicts(NamedTuple):
    """Words with their reasons, the limit of wide networks, and notes."""

    answers: tuple[Answer, ...]
    limit: Limit | None
    notes: tuple[str, ...]

    @property
    def words(self) -> dict[str, str]:
        """The word of every verdict."""
        return {answer.name: answer.text for answer in self.answers}


def verdicts_of(signal: Signal) -> Verdicts:
    """Judge activations and gradients over many layers, and a chain of single units with ever larger weights."""
    from dlcalc.topics.init.signal import compared, limit_of

    words = {"activations": compared(signal.square(signal.n)), "gradients": compared(signal.square(signal.m))}
    if signal.units in EXACT:
        return Verdicts(tuple(_answer(name, said) for name, said in words.items() if said), None, ())
    limit = limit_of(signal)
    if signal.units == "sigmoid":
        words["activations"] = "keep"
    elif words["activations"] == "explode":
        words["activations"] = "keep" if _is_wide(signal) else None
    if words["gradients"] == "explode" and limit is not None:
        words["gradients"] = _by_limit(signal, limit) if _is_wide(signal) else None
    elif words["gradients"] == "explode" and not (signal.units == "tanh" and words["activations"] == "vanish"):
        words["gradients"] = None
    elif words["gradients"] == "keep" and signal.units == "sigmoid":
        words["gradients"] = "vanish"  # the bound 1 is reached at z = 0 only
    answers = [_answer(name, said) for name, said in words.items() if said]
    answers.append(_chain())
    return Verdicts(tuple(answers), limit, tuple(_notes(signal, words, limit)))


def _by_limit(signal: Signal, limit: Limit) -> str:
    if signal.units == "tanh" and signal.m == signal.n:
        return "explode"  # for every σ√n above 1, however little
    if isclose(limit.backward, 1, rel_tol=1e-6):
        return "keep"
    return "explode" if limit.backward > 1 else "vanish"


def _is_wide(signal: Signal) -> bool:
    """Say whether enough units of a layer are not saturated for the limit of wide networks to speak of it."""
    width, scale = approximate(signal.letters.values.get(signal.n.name, signal.n)), approximate(signal.square(signal.n))
    unit = 16 if signal.units == "sigmoid" else 1
    return width is None or scale is None or width >= ACTIVE * max(1.0, sqrt(scale * unit))


def _answer(name: str, said: str) -> Answer:
    from dlcalc.topics.init.signal import WORDS

    reasons = {
        "vanish": "the factor per layer stays below 1",
        "keep": "the factor per layer is 1"
        if name == "gradients"
        else "the factor per layer is 1, or the units are bounded",
        "explode": "the factor per layer is above 1",
    }
    slips = tuple(Slip(Sym(other), reasons[said], f"verdict-{name}") for other in WORDS if other != said)
    return word(name, said, WORDS, slips)


def _chain() -> Answer:
    from dlcalc.topics.init.signal import WORDS

    because = "a saturated unit has slope 0: w f'(w x) goes to 0 as w grows, for any x but 0"
    return word("chain", "vanish", WORDS, tuple(Slip(Sym(w), because, "chain") for w in WORDS if w != "vanish"))


def _notes(signal: Signal, words: dict[str, str | None], limit: Limit | None) -> list[str]:
    scale = approximate(signal.square(signal.n))
    found = []
    if signal.units == "tanh" and words["activations"] == "keep" and scale is not None and isclose(scale, 1):
        found.append("at σ√n = 1 both still shrink, but slower than any factor below 1: like a power of the layer")
    if limit is not None and not _is_wide(signal):
        found.append(
            "no verdict, since so few units of a layer this narrow are not saturated; wide_backward is for "
            f"layers of {ACTIVE} units or more, and {ACTIVE} σ√n of them; in narrower ones it is a matter of chance"
        )
    if limit is None or words["gradients"] != "explode" or scale is None or sqrt(scale) < LARGE:
        return found
    rough = None
    if signal.units == "tanh" and signal.m == signal.n:
        rough = sqrt(4 / (3 * sqrt(2 * pi)) * sqrt(scale))
    found.append(
        "large weights: it depends. A single saturated unit passes no gradient on (chain = vanish), but in a wide "
        "random network the few units with z near 0 have large weights behind them, and the gradient explodes"
    )
    if rough is not None:
        found.append(f"for large σ√n wide_backward approaches √(4/(3√(2π))·σ√n), here {rough:.4g}")
    return found
