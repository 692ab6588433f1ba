"""The factor per layer of activations and gradients, and whether they vanish or explode."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose, sqrt
from typing import TYPE_CHECKING

from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, Expr, Num, Real, Sym, number
from dlcalc.notation.functions import call
from dlcalc.solution import POSITIVE, REAL, Answer, Slip, Solution, Work, symbols
from dlcalc.table import Table
from dlcalc.topics.init.keeping import refuse_names_in_use
from dlcalc.topics.init.units import EXACT, PYTORCH_SLOPE, SATURATING, over, root, share, squared
from dlcalc.topics.init.variance import FEW
from dlcalc.topics.init.wide import ACTIVE, DRAWN, SEED, Limit, drawn, settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dlcalc.table import Cell
    from dlcalc.topics.init.asking import Asked

WORDS = ("vanish", "keep", "explode")
MAX_DEPTH = 1_000_000
FARTHEST = 1e100
MAX_DRAWN_DEPTH = 100
LARGEST_DRAWN = 1e3
"""σ√n up to which a network is drawn."""
SIGMA_LIMIT = 1e12
"""σ√n up to which a wide network is computed."""


@dataclass(frozen=True)
class Signal:
    """The question in letters, with what stands for them, and in numbers where all are."""

    units: str
    sigma: Sym
    n: Sym
    m: Sym
    slope: Expr
    letters: Letters
    depth: Expr | None

    def squares(self, fan: Sym, sigma2: Expr | None = None) -> Expr:
        """Return the square of the factor per layer; of saturating units its bound, reached by small signals."""
        square = self.sigma**2 if sigma2 is None else sigma2
        passed = {"sigmoid": number(1) / 16, "tanh": ONE}.get(self.units) or share(self.units, self.slope)
        return (
            over(fan * square, 1 / passed) if isinstance(passed, Num) else over(fan * square * (2 * passed), number(2))
        )

    def formula(self, fan: Sym) -> Expr:
        """Return the factor per layer in letters: σ√n, σ√(n/2), σ√n/4."""
        if self.units == "sigmoid":
            return self.sigma * call("sqrt", fan) / 4
        passed = share(self.units, self.slope) if self.units in EXACT else ONE
        inside = fan if passed == ONE else fan / 2 if self.units == "relu" else over(fan * (2 * passed), number(2))
        return self.sigma * call("sqrt", inside)

    def square(self, fan: Sym) -> Expr:
        """Return the square of the factor at the givens."""
        given = self.letters.values.get(self.sigma.name)
        square = self.squares(fan, None if given is None else squared(given))
        value = value_of(square, self.letters.values)
        if given is None or not symbols(value):
            return value
        from dlcalc.symbolic import simplified

        return simplified(value)

    def factor(self, fan: Sym) -> Expr:
        """Return the factor at the givens: as the formula stands where a symbol is left, else as a root."""
        square = self.square(fan)
        return root(square) if isinstance(square, Num) else value_of(self.formula(fan), self.letters.values)


def carried(asked: Asked) -> Solution:
    """Answer the factors per layer, over all layers, and what becomes of activations and gradients.

    Raises DlcalcError where the deviation or the fan-in is missing, or the units have no such factor.
    """
    signal = _read(asked)
    from dlcalc.topics.init.verdicts import Verdicts, verdicts_of

    sides = {"backward": signal.m} if signal.units == "sigmoid" else {"forward": signal.n, "backward": signal.m}
    found: Verdicts = verdicts_of(signal)
    answers = [
        Answer(name, signal.factor(fan), label=Sym(name), slips=tuple(_slips(signal, fan, name)))
        for name, fan in sides.items()
    ]
    if signal.depth is not None:
        for name, fan in sides.items():
            if is_a_factor(signal, fan):
                total = power_of(signal, fan, signal.depth)
                answers.append(Answer(f"{name}_total", total, label=Sym(f"{name}_total")))
    if found.limit is not None:
        answers.append(Answer("wide_activation", Real(found.limit.activation)))
        answers.append(Answer("wide_backward", Real(found.limit.backward)))
    answers += found.answers

    def work() -> Work:
        from dlcalc.topics.init.signal_steps import derived_steps, routes

        return Work(tuple(derived_steps(signal, found)), tuple(routes(signal, found)))

    from dlcalc.topics.init.signal_steps import setting_of

    scalar = Solution(
        answers=tuple(answers),
        work=work,
        setting=setting_of(signal, found),
        assumptions=tuple(_assumptions(signal)),
        conventions=tuple(_conventions(signal, limited=found.limit is not None)),
        notes=found.notes,
        tables=tuple(_demonstration(signal)),
    )
    if signal.units not in SATURATING:
        return scalar
    from dlcalc.parts import joined
    from dlcalc.topics.backprop import backprop

    chain = backprop.function(program=f"w in R; x in R; h = {signal.units}(w x)", wrt="x")
    return joined(scalar, chain)


def _read(asked: Asked) -> Signal:
    _refuse_weights(asked)
    units = asked.nonlinearity or ("linear" if asked.negative_slope is None else "leaky_relu")
    if units not in {*EXACT, *SATURATING}:
        raise DlcalcError(f"{units} has no factor per layer here", f"use {', '.join((*EXACT, *SATURATING))}")
    if asked.negative_slope is not None and units != "leaky_relu":
        raise DlcalcError(f"--negative-slope does not go with {units}", "use --nonlinearity leaky_relu")
    given_slope = asked.negative_slope if asked.negative_slope is not None else PYTORCH_SLOPE
    slope = given_slope if units == "leaky_relu" else ONE
    sigma = asked.std if asked.std is not None else root(asked.var_w or ONE)
    if isinstance(asked.fan_in, Num):
        sigma = value_of(sigma, {"n": asked.fan_in})
    givens = [g for g in (sigma, asked.fan_in, asked.fan_out, slope, asked.depth) if g is not None]
    refuse_names_in_use(*givens)
    letters = Letters(taken=symbols(*givens))
    n = letters.letter("n", asked.fan_in, FEW)
    same = asked.fan_out is None or asked.fan_out == asked.fan_in
    m = n if same else letters.letter("m", asked.fan_out, FEW)
    spread = letters.letter("sigma", sigma, POSITIVE)
    a = letters.letter("a", slope, REAL) if units == "leaky_relu" else ONE
    if asked.depth is not None:
        for inner in sorted(symbols(asked.depth)):
            letters.domains.setdefault(inner, FEW)
    return Signal(units, spread, n, m, a, letters, asked.depth)


def _refuse_weights(asked: Asked) -> None:
    """Refuse weights that are missing, given twice or beyond floats, a missing width, and a depth without end."""
    if asked.std is not None and asked.var_w is not None:
        raise DlcalcError("--std and --var-w are both given", "give one of them")
    if asked.std is None and asked.var_w is None:
        raise DlcalcError("--depth needs the weights", "add --std S, their standard deviation, or --var-w V")
    if asked.fan_in is None:
        raise DlcalcError("--std needs the width of the layers", "add --fan-in N")
    size = approximate(asked.std if asked.std is not None else asked.var_w or ONE)
    if size and not 1 / FARTHEST < size < FARTHEST:
        raise DlcalcError("the weights are beyond what floats can square", f"use a deviation up to {FARTHEST:g}")
    if isinstance(asked.depth, Num) and asked.depth.value > MAX_DEPTH:
        raise DlcalcError(f"depth {asked.depth} is more than {MAX_DEPTH:,}", "use fewer layers, or a symbol")


def is_a_factor(signal: Signal, fan: Sym) -> bool:
    """Say whether the factor holds for every signal, or at least small ones stay small under it."""
    if signal.units in EXACT:
        return True
    square = signal.square(fan)
    return not isinstance(square, Num) or square.value <= 1


def power_of(signal: Signal, fan: Sym, depth: Expr) -> Expr:
    """Return the factor over all layers."""
    square = signal.square(fan)
    return root(square**depth) if isinstance(square, Num) else signal.factor(fan) ** depth


def compared(square: Expr) -> str | None:
    """Say what a factor with this square does over many layers; None where symbols leave it open."""
    value = approximate(square) if not isinstance(square, Num) else None
    if isinstance(square, Num):
        return WORDS[(square.value > 1) - (square.value < 1) + 1]
    if value is None:
        return None
    return "keep" if isclose(value, 1, rel_tol=1e-12) else "explode" if value > 1 else "vanish"


def limit_of(signal: Signal) -> Limit | None:
    """Compute the limit of wide networks, where it is not that of small signals."""
    if signal.units not in SATURATING:
        return None
    both = [approximate(signal.square(fan)) for fan in (signal.n, signal.m)]
    if any(value is None or value > SIGMA_LIMIT**2 for value in both):
        return None
    unit = 16.0 if signal.units == "sigmoid" else 1.0
    forward, backward = (float(value or 0) * unit for value in both)
    if signal.units == "tanh" and forward <= 1:
        return None
    return settled(signal.units, forward, backward)


def _slips(signal: Signal, fan: Sym, name: str) -> Iterator[Slip]:
    values, s = signal.letters.values, signal.sigma
    listed = [
        (signal.squares(fan), "that is the factor of the variance; that of the scale is its root", name),
        (s * fan, "deviations do not add: variances do, so it is the root of n", "sum"),
        (s, "every unit adds up n terms", "sum"),
    ]
    if signal.units != "linear":
        listed.append((s * call("sqrt", fan), "that is for linear units", name))
    if signal.units == "linear":
        listed.append((s * call("sqrt", fan / 2), "that is for ReLU, which passes half of the second moment", name))
    if signal.m != signal.n:
        other = signal.n if fan == signal.m else signal.m
        listed.append((signal.formula(other), "forward adds over the fan-in, backward over the fan-out", name))
    right = signal.factor(fan)
    yield from (Slip(v, why, rule) for e, why, rule in listed if (v := value_of(e, values)) != right)


def _assumptions(signal: Signal) -> Iterator[str]:
    yield "weights have mean 0 and are independent of each other, of activations and of gradients; no biases"
    if signal.units in {"relu", "leaky_relu"}:
        yield "pre-activations are symmetric about 0, as they are when the weights are"


def _conventions(signal: Signal, *, limited: bool) -> Iterator[str]:
    yield f"{signal.units} units, weights of standard deviation σ"
    yield "a factor is that of the root mean square per layer: forward adds over the fan-in, backward over the fan-out"
    if signal.m == signal.n:
        yield "the fan-out is the fan-in: layers of one width"
    if signal.units == "tanh":
        yield "forward and backward are for small signals, tanh(z) ≈ z; for any signal they are upper bounds"
    if signal.units == "sigmoid":
        yield "backward takes the largest slope, 1/4; no factor forward: activations stay between 0 and 1, around 1/2"
    if limited:
        yield "wide_activation, wide_backward: what a wide random network settles at, at infinite width"
    if next(iter(_demonstration(signal)), None):
        yield f"demonstration: one random network, normal weights and inputs, seed {SEED}; another seed, other digits"


def _demonstration(signal: Signal) -> Iterator[Table]:
    """Draw a network of this width and depth, where that is a matter of a moment."""
    values = [signal.letters.values.get(letter.name) for letter in (signal.sigma, signal.n)]
    sigma = approximate(values[0]) if values[0] is not None else None
    if sigma is None and isinstance(values[0], Num):
        sigma = float(values[0].value)
    depth = signal.depth if isinstance(signal.depth, Num) else None
    if sigma is None or not isinstance(values[1], Num) or depth is None or signal.m != signal.n:
        return
    width, layers = int(values[1].value), int(depth.value)
    if (
        width < ACTIVE
        or width * layers > DRAWN
        or layers > MAX_DRAWN_DEPTH
        or sigma * sqrt(width) > LARGEST_DRAWN
        or sigma == 0
    ):
        return
    slope = approximate(signal.letters.values.get(getattr(signal.slope, "name", ""), ONE)) or 0.0
    slope = slope if signal.units == "leaky_relu" else 0.0

    def make() -> Iterable[tuple[Cell, ...]]:
        for seen in drawn(signal.units, slope, sigma, width, layers):
            yield seen.layer, *(Real(float(f"{v:.4g}")) for v in (seen.activations, seen.gradients, seen.flat))

    yield Table("demonstration", ("layer", "std of activations", "rms of gradients", "slope below 0.001"), make)
