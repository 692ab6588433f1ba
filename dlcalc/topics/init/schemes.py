"""Xavier, He, LeCun and PyTorch's default: the variance of the weights, its root, the bound of a uniform one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.counting import like_terms
from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Sym, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import unicode
from dlcalc.solution import POSITIVE, REAL, Answer, Domain, Route, Sequence, Setting, Slip, Solution, Work, symbols
from dlcalc.table import Table
from dlcalc.topics.init.fans import Fans, fans_of, needed
from dlcalc.topics.init.keeping import refuse_names_in_use
from dlcalc.topics.init.marking import DISPLAY, with_moments
from dlcalc.topics.init.units import EXACT, PYTORCH_SLOPE, gain2, over, root, squared
from dlcalc.topics.init.variance import FEW, enumerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dlcalc.notation.printing import Value
    from dlcalc.table import Cell
    from dlcalc.topics.init.asking import Asked

COUPLE = Domain(Fraction(1), Fraction(2), whole=True)
"""Terms of each of two sums, forward and backward."""
SYNONYMS = {"glorot": "xavier", "kaiming": "he"}
THIRD = number(Fraction(1, 3))
FIRST = {None: "variance", "normal": "std", "uniform": "bound"}
CONVENTIONS = {
    "xavier": "Xavier (Glorot): Var(w) = gain²·2/(fan_in + fan_out), gain {gain}",
    "he": "He (Kaiming): Var(w) = gain²/{mode}, gain {gain}",
    "lecun": "LeCun: Var(w) = gain²/fan_in, gain {gain}",
    "pytorch": "torch.nn.Linear and Conv2d: kaiming_uniform_(a = √5), so gain² = 2/(1 + 5) = 1/3; biases U(−b, b) too",
}


@dataclass(frozen=True)
class Scheme:
    """A scheme in letters: the fans, the square of the gain, and the formula of the variance."""

    name: str
    units: str
    mode: str
    n: Sym
    m: Sym
    gain2: Expr
    slope: Expr
    derived: bool
    """Whether the gain follows from the units; otherwise it is a convention, or given."""

    @property
    def fan(self) -> Sym:
        """The fan of the schemes that divide by one."""
        return self.m if self.mode == "fan_out" else self.n

    @property
    def variance(self) -> Expr:
        """Var(w)."""
        return over(2 * self.gain2, self.n + self.m) if self.name == "xavier" else over(self.gain2, self.fan)

    @property
    def needs(self) -> tuple[str, ...]:
        """The fans that the formula takes."""
        return ("fan_in", "fan_out") if self.name == "xavier" else (self.mode,)


def drawn(asked: Asked) -> Solution:
    """Answer the variance, the standard deviation and the bound of a scheme, for a layer or for each of several.

    Raises DlcalcError for a fan that is missing, and for units, modes and gains that the scheme does not know.
    """
    name = SYNONYMS.get(asked.scheme or "", asked.scheme or "")
    units, slope = _units(asked, name)
    fans = fans_of(asked)
    given = [g for g in (asked.gain, slope, *(fan for pair in fans.pairs for fan in pair)) if g is not None]
    refuse_names_in_use(*given)
    letters = Letters(taken=symbols(*given) | fans.domains.keys())
    for inner in sorted(symbols(*(fan for pair in fans.pairs for fan in pair if fan is not None))):
        letters.domains.setdefault(inner, FEW)
    first = fans.pairs[0] if len(fans.pairs) == 1 else (None, None)
    few = COUPLE if name == "xavier" else FEW
    n, m = letters.letter("n", first[0], few), letters.letter("m", first[1], few)
    square = _gain2(asked, name, units, slope, letters)
    derived = name == "he" and units in EXACT and asked.gain is None
    scheme = Scheme(name, units, asked.mode, n, m, square, slope, derived)
    rows = [_row(scheme, pair, letters) for pair in fans.pairs]
    values: dict[str, Value] = {key: rows[0][key] for key in rows[0]}
    if fans.of_layers:
        values = {key: tuple(row[key] for row in rows) for key in rows[0]}
    elif fans.steps or asked.scheme is None:
        values |= {key: fan for key, fan in zip(("fan_in", "fan_out"), fans.pairs[0], strict=True) if fan is not None}

    def work() -> Work:
        from dlcalc.topics.init.scheme_steps import derived_steps

        steps = (*fans.steps, *derived_steps(scheme, letters, fans, rows))
        return Work(steps, tuple(_routes(scheme)))

    written = unicode(
        root(squared(letters.values["gain"]) if "gain" in letters.values else value_of(square, letters.values))
    )
    if asked.gain is None and name in {"xavier", "he"}:
        written += f" ({units}{'' if units in EXACT else ', as torch.nn.init.calculate_gain'})"
    return with_moments(
        Solution(
            answers=tuple(
                Answer(key, value, slips=tuple(_slips(key, scheme, letters, rows)) if not fans.of_layers else ())
                for key, value in values.items()
            ),
            work=work,
            setting=_setting(scheme, letters, fans),
            principal=(FIRST[asked.distribution],),
            assumptions=("weights, inputs and gradients are independent, weights have mean 0",),
            conventions=(
                CONVENTIONS[name].format(gain=written, mode=asked.mode),
                "std is for a normal distribution, bound b for U(−b, b); Keras truncates at 2 std and makes up for it",
                *fans.conventions,
            ),
            tables=(_table(fans, rows),) if fans.of_layers else (),
        )
    )


def _units(asked: Asked, name: str) -> tuple[str, Expr]:
    """Choose the units whose gain the scheme takes, and the slope of leaky ReLU."""
    slope = asked.negative_slope
    if name in {"lecun", "pytorch"}:
        for option, value in (("nonlinearity", asked.nonlinearity), ("negative-slope", slope)):
            if value is not None:
                raise DlcalcError(
                    f"--scheme {name} has one gain for all units, so --{option} has no effect", "leave it out"
                )
    if name == "pytorch" and asked.gain is not None:
        raise DlcalcError("--scheme pytorch has the gain √(1/3), so --gain has no effect", "use --scheme he --gain G")
    if name != "he" and asked.mode != "fan_in":
        raise DlcalcError(f"--mode fan_out does not go with --scheme {name}", "only he divides by either fan")
    units = asked.nonlinearity or ("leaky_relu" if slope is not None else "relu" if name == "he" else "linear")
    if slope is not None and units != "leaky_relu":
        raise DlcalcError(f"--negative-slope does not go with {units}", "use --nonlinearity leaky_relu")
    return units, slope if slope is not None else PYTORCH_SLOPE


def _gain2(asked: Asked, name: str, units: str, slope: Expr, letters: Letters) -> Expr:
    """Square the gain: as given, as the scheme has it, or that of the units."""
    if isinstance(asked.gain, Num) and asked.gain.value <= 0:
        raise DlcalcError(f"gain {asked.gain} is not positive", "use a gain above 0, such as sqrt(2)")
    if asked.gain is not None:
        return letters.letter("gain", asked.gain, POSITIVE) ** 2
    if name == "pytorch":
        return ONE / 3
    if name == "lecun":
        return ONE
    if units == "leaky_relu":
        return gain2(units, letters.letter("a", slope, REAL))
    return gain2(units, slope)


def _row(scheme: Scheme, pair: tuple[Expr | None, Expr | None], letters: Letters) -> dict[str, Expr]:
    """Compute the three answers at the fans of one layer."""
    fans = dict(zip(("fan_in", "fan_out"), pair, strict=True))
    for name in scheme.needs:
        needed(name, fans[name], scheme.name)
    put = {letter.name: fan for letter, fan in zip((scheme.n, scheme.m), pair, strict=True) if fan is not None}
    given = letters.values.get("gain")
    square = value_of(scheme.gain2, letters.values) if given is None else squared(given)
    if scheme.name == "xavier":
        variance = over(2 * square, like_terms(value_of(scheme.n + scheme.m, {**letters.values, **put})))
    else:
        variance = over(square, value_of(scheme.fan, {**letters.values, **put}))
    return {"variance": variance, "std": root(variance), "bound": root(over(variance, THIRD))}


def _setting(scheme: Scheme, letters: Letters, fans: Fans) -> Setting:
    both, backward = scheme.name == "xavier", scheme.mode == "fan_out"
    length: Expr = call("max", scheme.n, scheme.m) if both else scheme.fan
    sequences = {"w": Sequence(length, mean=ZERO, variance=Sym("Var_w"))}
    if not backward:
        sequences["x"] = Sequence(scheme.n, mean=ZERO, variance=Sym("Var_x"))
    if backward or both:
        sequences["delta"] = Sequence(scheme.m, mean=ZERO, variance=Sym("Var_delta"))
    if scheme.derived and scheme.units != "linear":
        sequences["z"] = Sequence(ONE, mean=ZERO, variance=Sym("Var_z"))
    positive = dict.fromkeys(("Var_w", "Var_x", "Var_z", "Var_delta", "b"), POSITIVE)
    return Setting(
        domains={**fans.domains, **letters.domains, **positive},
        constraints=fans.constraints,
        sequences=sequences,
        definitions={**fans.definitions, "Var_u": _uniform, "std": lambda point: _deviation(scheme, point)},
        aliases={
            name: letter
            for name, letter in (("fan_in", scheme.n), ("fan_out", scheme.m))
            if name not in fans.definitions and name not in letters.domains
        },
        values=letters.values,
        display=DISPLAY,
    )


def _deviation(scheme: Scheme, point: Mapping[str, Any]) -> float:
    """Compute the standard deviation of one weight over its outcomes."""
    return float(enumerated(1, PLAIN.value(scheme.variance, point), 1, 0) ** 0.5)


def _uniform(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
    """Compute the variance of U(−b, b) by Simpson's rule, which is exact for squares."""
    b = point["b"]
    return (b * b + 4 * 0 + b * b) * (2 * b) / 6 / (2 * b)


def _routes(scheme: Scheme) -> Iterator[Route]:
    """Put the variance into sums, every outcome of which is visited: what comes out, over what came in."""
    fans = (scheme.n, scheme.m) if scheme.name == "xavier" else (scheme.fan,)

    def kept(point: Mapping[str, Any]) -> float:
        var_w = float(PLAIN.value(scheme.variance, point))
        return sum(enumerated(int(point[fan.name]), var_w, 1, 0) for fan in fans)

    twice = len(fans)
    claim = (
        "the variance forward and backward, 2·gain² together" if twice > 1 else "the variance of the sum, times gain²"
    )
    yield Route(claim, "every outcome of weights and inputs with three values each", twice * scheme.gain2, kept)


def _table(fans: Fans, rows: list[dict[str, Expr]]) -> Table:
    def make() -> Iterable[tuple[Cell, ...]]:
        for index, (pair, row) in enumerate(zip(fans.pairs, rows, strict=True), 1):
            yield index, *pair, row["variance"], row["std"], row["bound"]

    return Table("layers", ("layer", "fan_in", "fan_out", "variance", "std", "bound"), make)


def _slips(key: str, scheme: Scheme, letters: Letters, rows: list[dict[str, Expr]]) -> Iterator[Slip]:
    """List what is handed in instead for one layer."""
    right = rows[0]["variance"]
    variants = {
        "that is the standard deviation": root(right),
        "that is the variance; the standard deviation is its root": right,
        "that is the bound of a uniform distribution": root(over(right, THIRD)),
    }
    mine = {"variance": 1, "std": 0, "bound": 2}.get(key)
    if mine is None:
        return
    texts = list(variants.items())
    del texts[mine]
    for because, value in texts:
        yield Slip(value, because, key)
    for other, because in _others(scheme):
        value = value_of(other, letters.values)
        yield Slip({"variance": value, "std": root(value), "bound": root(over(value, THIRD))}[key], because, "keep")


def _others(scheme: Scheme) -> Iterator[tuple[Expr, str]]:
    """List the variances of other schemes at the same fans."""
    one = ONE / scheme.fan
    if scheme.gain2 != ONE:
        yield one, "that is 1/fan, for linear units: ReLU halves E(z²), which the gain makes up for"
    if scheme.name == "xavier":
        yield 2 / scheme.n, "that is He's variance; Xavier divides by fan_in + fan_out"
        yield ONE / scheme.n, "that is LeCun's variance; Xavier takes the mean of both fans"
        yield ONE / (scheme.n + scheme.m), "the mean of the fans is (fan_in + fan_out)/2: a factor 2 is missing"
    elif scheme.name == "he":
        yield 2 / (scheme.n + scheme.m), "that is Xavier's variance; He divides by one fan"
        other = scheme.n if scheme.mode == "fan_out" else scheme.m
        yield scheme.gain2 / other, f"that is the other fan; {scheme.mode} is asked"
