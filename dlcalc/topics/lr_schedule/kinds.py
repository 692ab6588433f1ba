"""The kinds of learning-rate schedules: their formulas in letters, and common wrong ones."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.notation.expression import ONE, ZERO, Add, Call, Expr, Num, Sym, number
from dlcalc.notation.functions import call, exp, floor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PI = Sym("pi")
_RATIONAL: dict[Fraction, int | Fraction] = {
    Fraction(0): 1, Fraction(1, 3): Fraction(1, 2), Fraction(1, 2): 0, Fraction(2, 3): Fraction(-1, 2), Fraction(1): -1,
}  # fmt: skip
"""Parts of half a turn whose cosine is rational."""
Givens = dict[str, Expr]
"""The givens of a schedule by their names: lr, gamma, step_size, decay, t_max, min, power, warmup, dim; the milestones
stand under `milestones` as one expression, the number of them that have passed."""


class Kind(NamedTuple):
    """A kind of schedule: the givens that it takes, its formula, what is said of it, and its usual mistakes."""

    takes: tuple[str, ...]
    formula: Callable[[Givens, Expr], Expr]
    because: str
    says: str
    wrong: tuple[tuple[str, Callable[[Givens, Expr], Expr]], ...] = ()
    synonyms: tuple[str, ...] = ()
    first: int = 0
    """The first epoch or step that has a rate."""


def cosine_of(t: Expr, last: Expr) -> Expr:
    """Write cos(πt/T), exactly at the angles where it is rational.

    >>> from dlcalc.notation.expression import number
    >>> print(cosine_of(number(1), number(3)), cosine_of(number(1), number(5)))
    0.5 cos(0.2*pi)
    """
    turns = t / last
    if isinstance(turns, Num):
        folded = min(turns.value % 2, 2 - turns.value % 2)
        if folded in _RATIONAL:
            return number(_RATIONAL[folded])
        return call("cos", turns * PI)
    return call("cos", PI * t / last)


def _exponent(g: Givens, t: Expr) -> Expr:
    return t if g["step_size"] == ONE else t / g["step_size"]


def _annealed(g: Givens, t: Expr) -> Expr:
    return g["min"] + (g["lr"] - g["min"]) * (1 + cosine_of(t, g["t_max"])) / 2


def _reached(g: Givens, t: Expr) -> Expr:
    """Count the epochs up to the last of the decay."""
    return call("min", t, g["t_max"])


def _linear(g: Givens, t: Expr) -> Expr:
    return g["lr"] - (g["lr"] - g["min"]) * _reached(g, t) / g["t_max"]


def _polynomial(g: Givens, t: Expr) -> Expr:
    return g["min"] + (g["lr"] - g["min"]) * (1 - _reached(g, t) / g["t_max"]) ** g["power"]


def _since_restart(g: Givens, t: Expr) -> Expr:
    return t - g["t_max"] * floor(t / g["t_max"])


def _noam(g: Givens, t: Expr) -> Expr:
    w, falling = g["warmup"], 1 / call("sqrt", t)
    rising = t / (w * call("sqrt", w))
    if isinstance(t, Num) and isinstance(w, Num):
        return g["lr"] * (rising if t.value <= w.value else falling) / call("sqrt", g["dim"])
    return g["lr"] * call("min", falling, rising) / call("sqrt", g["dim"])


_HALF_MISSING = "the factor 1/2 is missing: 1 + cos runs from 2 to 0"
_COSINE_WRONG = (
    (_HALF_MISSING, lambda g, t: g["min"] + (g["lr"] - g["min"]) * (1 + cosine_of(t, g["t_max"]))),
    ("the minimum is not added", lambda g, t: _annealed(g, t) - g["min"]),
    (
        "the range is lr - min, not lr",
        lambda g, t: g["min"] + g["lr"] * (1 + cosine_of(t, g["t_max"])) / 2,
    ),
    ("half a period lasts T, so the angle is πt/T", lambda g, t: _annealed(g, 2 * t)),
    ("1 - cos rises; the rate falls with 1 + cos", lambda g, t: g["lr"] + g["min"] - _annealed(g, t)),
)

KINDS: Mapping[str, Kind] = {
    "step": Kind(
        ("gamma", "step_size"),
        lambda g, t: g["lr"] * g["gamma"] ** floor(t / g["step_size"]),
        "multiplied by the factor once every so many epochs",
        "step decay: multiplied by γ after every s epochs, at t = s, 2s, … (StepLR; Keras: staircase=True)",
        (
            (
                "the exponent is rounded down: the rate changes only every s epochs",
                lambda g, t: g["lr"] * g["gamma"] ** (t / g["step_size"]),
            ),
            ("the factor is a power, not a multiple", lambda g, t: g["lr"] * g["gamma"] * floor(t / g["step_size"])),
            ("the factor acts every s epochs, not every epoch", lambda g, t: g["lr"] * g["gamma"] ** t),
        ),
        ("steplr", "step-decay", "staircase"),
    ),
    "multi-step": Kind(
        ("gamma", "milestones"),
        lambda g, _: g["lr"] * g["gamma"] ** g["milestones"],
        "multiplied by the factor at every milestone",
        "multiplied by γ at each milestone, which has the new rate already (MultiStepLR)",
        synonyms=("multisteplr", "piecewise", "milestones"),
    ),
    "exponential": Kind(
        ("gamma", "step_size"),
        lambda g, t: g["lr"] * g["gamma"] ** _exponent(g, t),
        "multiplied by the factor every epoch",
        "exponential: η_0·γ^t (ExponentialLR; with s: γ^(t/s), Keras' ExponentialDecay); --decay k reads η_0·e^(-kt)",
        (
            ("that reads γ as a rate: e^(-γt)", lambda g, t: g["lr"] * exp(-g["gamma"] * t)),
            ("the factor is a power, not a multiple", lambda g, t: g["lr"] * g["gamma"] * t),
        ),
        ("exponentiallr", "exp", "exponential-decay", "exponentialdecay"),
    ),
    "natural-exponential": Kind(
        ("decay",),
        lambda g, t: g["lr"] * exp(-g["decay"] * t),
        "the same share is lost in every epoch: a factor e^(-k)",
        "exponential: η_0·e^(-kt), which is η_0·γ^t with γ = e^(-k)",
        (
            ("that reads k as the factor: k^t", lambda g, t: g["lr"] * g["decay"] ** t),
            ("the exponent is negative: the rate decays", lambda g, t: g["lr"] * exp(g["decay"] * t)),
        ),
        ("natural-exp", "exponential-k"),
    ),
    "inverse-time": Kind(
        ("decay", "step_size"),
        lambda g, t: g["lr"] / (1 + g["decay"] * _exponent(g, t)),
        "one over the rate grows by the same amount every epoch",
        "inverse time: η_0/(1 + kt) (1/t decay; Keras' InverseTimeDecay)",
        (
            ("1 is added to kt, not to t", lambda g, t: g["lr"] / (g["decay"] * (1 + t))),
            ("the decay is not a power", lambda g, t: g["lr"] / (1 + g["decay"]) ** t),
        ),
        ("inversetimedecay", "time", "time-based", "1/t", "hyperbolic"),
    ),
    "inverse-sqrt": Kind(
        (),
        lambda g, t: g["lr"] / call("sqrt", t),
        "one over the square of the rate grows by the same amount every epoch",
        "inverse square root: η_0/√t, from t = 1 on",
        synonyms=("1/sqrt", "inverse-square-root"),
        first=1,
    ),
    "linear": Kind(
        ("t_max", "min"),
        _linear,
        "the same amount is taken away every epoch, up to T",
        "linear: from η_0 at t = 0 to the minimum at t = T, and constant from there on",
        (("that is what is taken away", lambda g, t: (g["lr"] - g["min"]) * _reached(g, t) / g["t_max"]),),
        ("linearlr", "linear-decay"),
    ),
    "polynomial": Kind(
        ("t_max", "min", "power"),
        _polynomial,
        "the distance to the minimum shrinks as a power of the epochs that are left",
        "polynomial: min + (η_0 - min)(1 - t/T)^p, and the minimum from t = T on (PolynomialLR; PolynomialDecay)",
        synonyms=("polynomiallr", "poly", "polynomial-decay", "polynomialdecay"),
    ),
    "cosine": Kind(
        ("t_max", "min"),
        _annealed,
        "half a period of a cosine leads from the first rate to the minimum",
        "cosine annealing: min + (η_0 - min)(1 + cos(πt/T))/2; behind T it rises again (CosineAnnealingLR)",
        _COSINE_WRONG,
        ("cosineannealinglr", "cosine-annealing", "cos", "cosine-decay", "cosinedecay"),
    ),
    "cosine-restarts": Kind(
        ("t_max", "min"),
        lambda g, t: _annealed(g, _since_restart(g, t)),
        "the cosine begins again every T epochs",
        "cosine annealing with warm restarts of one length T (CosineAnnealingWarmRestarts, T_mult = 1)",
        synonyms=("cosineannealingwarmrestarts", "sgdr", "warm-restarts"),
    ),
    "constant": Kind((), lambda g, _: g["lr"], "it stays", "constant", synonyms=("none", "fixed")),
    "noam": Kind(
        ("warmup", "dim"),
        _noam,
        "it rises in proportion to the steps of the warm-up, then falls with the square root of all steps",
        "Noam (Transformer): η_0·d^(-1/2)·min(t^(-1/2), t·w^(-3/2)), largest at t = w; t counts steps from 1",
        (
            (
                "the warm-up divides by w^(3/2), so that both branches meet at t = w",
                lambda g, t: g["lr"] / call("sqrt", g["dim"]) * call("min", 1 / call("sqrt", t), t / g["warmup"]),
            ),
        ),
        ("transformer", "noamopt"),
        first=1,
    ),
}
WARM_UP = "warm-up"
"""The name for a constant rate behind a warm-up."""
NAMES = {synonym: name for name, kind in KINDS.items() for synonym in (name, *kind.synonyms)} | {
    WARM_UP: "constant", "warmup": "constant", "linear-warm-up": "constant", "linear-warmup": "constant",
}  # fmt: skip


def warmed(kind: Kind, g: Givens, t: Expr, formula: Callable[[Givens, Expr], Expr] | None = None) -> Expr:
    """Write a schedule in the epoch t, behind its warm-up where it has one."""
    body, w = formula or kind.formula, g.get("warmup", ZERO)
    if "warmup" in kind.takes or w == ZERO:
        return body(g, t)
    rest = {**g, "t_max": g["t_max"] - w} if "t_max" in g else g
    rising = call("min", ONE, t / w)
    return rising * body(rest, call("max", t - w, ZERO))


def passed(milestones: tuple[Expr, ...], t: Expr) -> Expr:
    """Count the milestones that have passed."""
    found = tuple(call("1 >=", t, milestone) for milestone in milestones)
    return found[0] if len(found) == 1 else Add(found) if any(isinstance(f, Call) for f in found) else sum(found, ZERO)
