"""The activation functions that have names: formulas, parameters, and what is known of each in closed form."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import INFINITY, MINUS_ONE, ONE, ZERO, Div, Expr, Num, Real, Sym, number
from dlcalc.notation.functions import call
from dlcalc.topics.activation.facts import MINUS_INFINITY, End, Extreme, Facts, Joint, X

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HALF = number(Fraction(1, 2))
LEAKY_SLOPE = number(Fraction(1, 100))
SELU_ALPHA, SELU_SCALE = Real(1.6732632423543772), Real(1.0507009873554805)
"""PyTorch's constants."""
ROOT_OF_TWO_OVER_PI = 2 * call("normpdf", ZERO)
"""sqrt(2/pi), as twice the density of the normal distribution at 0."""
CUBIC = number(Fraction("0.044715"))

Parameters = dict[str, Expr]


class Named(NamedTuple):
    """An activation function by its name."""

    formula: Callable[[Parameters], Expr]
    facts: Callable[[Parameters], Facts]
    defaults: Mapping[str, Expr] = {}
    """Its parameters and what they are unless given."""
    tidy: Callable[[Parameters], Expr] | None = None
    """Its derivative in a form shorter than the engine's."""
    conventions: Callable[[Parameters], tuple[str, ...]] = lambda _: ()
    synonyms: tuple[str, ...] = ()


def positive(value: Expr) -> bool:
    """Say whether a parameter is above 0, as a symbol is taken to be."""
    found = approximate(value)
    return found is None or found > 0


def of(function: str, *arguments: Expr) -> Expr:
    """Apply a function to x and further arguments."""
    return call(function, X, *arguments)


def _kink(left: Expr, right: Expr) -> Joint:
    return Joint(ZERO, ZERO, ZERO, ZERO, left, right)


def _everywhere(value: Expr) -> Extreme:
    return Extreme(value, None, "at every x")


# the two sides of a line


def _two_slopes(left: Expr, right: Expr) -> Facts:
    """Describe the function that is left·x below 0 and right·x above."""
    ends = tuple(_far(slope, sign) for slope, sign in ((left, MINUS_ONE), (right, ONE)))
    values = [end.value for end in ends if end.value is not None]
    if left == right:
        return _line(left)
    both = (left, right)
    steep, flat = (_two(both, largest=largest) for largest in (True, False))
    return Facts(
        left=ends[0],
        right=ends[1],
        low=_least(values),
        high=Extreme(INFINITY, INFINITY) if INFINITY in values else Extreme(ZERO, None, "for x ≥ 0"),
        steepest=steep,
        flattest=flat,
        joints=(_kink(left, right),),
        flat=((MINUS_INFINITY, ZERO),) if left == ZERO else (),
        monotone="non-decreasing" if left == ZERO else "increasing" if positive(left) else "neither",
        symmetry="even" if left == -right else "neither",
        homogeneous=True,
    )


def _least(values: list[Expr]) -> Extreme:
    if MINUS_INFINITY in values:
        return Extreme(MINUS_INFINITY, MINUS_INFINITY)
    return Extreme(ZERO, None, "for x ≤ 0") if ZERO in values else Extreme(ZERO, ZERO)


def _two(slopes: tuple[Expr, Expr], *, largest: bool) -> Extreme:
    """Choose between the slope left of 0 and the one right of it."""
    left, right = slopes
    one, other = approximate(left), approximate(right)
    if one is not None and other is not None:
        right_wins = (other > one) == largest
        return Extreme(right if right_wins else left, None, "for x > 0" if right_wins else "for x < 0")
    return Extreme(call("max" if largest else "min", left, right), None, "on one side of 0")


def _far(slope: Expr, sign: Expr) -> End:
    """Follow slope·x towards the infinity of this sign."""
    if slope == ZERO:
        return End(ZERO, ZERO)
    upwards = positive(slope) == (sign == ONE)
    return End(INFINITY if upwards else MINUS_INFINITY, slope)


def _line(slope: Expr) -> Facts:
    if slope == ZERO:
        same = _everywhere(ZERO)
        flat = ((MINUS_INFINITY, INFINITY),)
        return Facts(End(ZERO, ZERO), End(ZERO, ZERO), same, same, same, same, (), flat, "constant", "even", True)  # noqa: FBT003 (homogeneous)
    left, right = _far(slope, MINUS_ONE), _far(slope, ONE)
    falls = right.value == MINUS_INFINITY
    low, high = (
        Extreme(MINUS_INFINITY, INFINITY if falls else MINUS_INFINITY),
        Extreme(INFINITY, MINUS_INFINITY if falls else INFINITY),
    )
    return Facts(
        left, right, low, high, _everywhere(slope), _everywhere(slope),
        monotone="decreasing" if falls else "increasing", symmetry="odd", homogeneous=True,
    )  # fmt: skip


# steps


def _step(low: Expr, zero: Expr) -> Facts:
    """Describe the function that is `low` below 0, 1 above, and `zero` there."""
    slopes = tuple(ZERO if level == zero else INFINITY for level in (low, ONE))
    return Facts(
        left=End(low, ZERO),
        right=End(ONE, ZERO),
        low=Extreme(low, None, "for x < 0"),
        high=Extreme(ONE, None, "for x > 0"),
        steepest=Extreme(ZERO, None, "at every x ≠ 0"),
        flattest=Extreme(ZERO, None, "at every x ≠ 0"),
        joints=(Joint(ZERO, low, zero, ONE, *slopes),),
        flat=((MINUS_INFINITY, ZERO), (ZERO, INFINITY)),
        monotone="non-decreasing",
        symmetry="odd" if low == MINUS_ONE and zero == ZERO else "neither",
        homogeneous=False,
    )


def _step_formula(low: Expr, zero: Expr) -> Expr:
    """Write the step with one indicator where that is enough."""
    height = ONE - low
    if zero in {ONE, low}:
        return height * call("1 >=" if zero == ONE else "1 >", X, ZERO) + low
    if low == MINUS_ONE and zero == ZERO:
        return of("sign")
    return call("1 >", X, ZERO) + low * call("1 <", X, ZERO) + zero * call("1 =", X, ZERO)


def _zero_value(p: Parameters) -> Expr:
    zero = p["zero"]
    if not isinstance(zero, Num) or not -1 <= zero.value <= 1:
        raise DlcalcError(f"--zero {zero} is not a value that the step can take at 0", "use 1, 0, -1 or 1/2")
    return zero


def _zero_said(p: Parameters) -> tuple[str, ...]:
    return (
        f"f(0) = {p['zero']}; courses code x ≥ 0 as 1, torch.sign(0) is 0 (--zero)",
        "the derivative is taken as 0 at 0 too, as frameworks do",
    )


# exponentials


def _elu_facts(alpha: Expr, scale: Expr = ONE) -> Facts:
    """Describe scale·x above 0 and scale·alpha·(e^x - 1) below."""
    bend = Real(scale.value * alpha.value) if isinstance(scale, Real) and isinstance(alpha, Real) else scale * alpha
    if alpha == ZERO:
        return _two_slopes(ZERO, scale)
    up = positive(alpha)
    steep = Extreme(call("max", bend, scale), None, "at x = 0 from the left, or for x > 0")
    curve, line = approximate(bend), approximate(scale)
    if curve is not None and line is not None:
        steep = (
            Extreme(bend, ZERO) if curve > line else Extreme(scale, None, "for x > 0" if curve < line else "for x ≥ 0")
        )
    joints = () if bend == scale else (_kink(bend, scale),)
    return Facts(
        left=End(-bend, ZERO),
        right=End(INFINITY, scale),
        low=Extreme(-bend, MINUS_INFINITY) if up else Extreme(ZERO, ZERO),
        high=Extreme(INFINITY, INFINITY),
        steepest=steep,
        flattest=Extreme(ZERO, MINUS_INFINITY) if up else Extreme(bend, ZERO),
        joints=joints,
        monotone="increasing" if up else "neither",
    )


def _squashing(low: Expr, high: Expr, slope: Expr, symmetry: str = "neither") -> Facts:
    """Describe a smooth step that rises from one value to another, steepest at 0."""
    return Facts(
        left=End(low, ZERO),
        right=End(high, ZERO),
        low=Extreme(low, MINUS_INFINITY),
        high=Extreme(high, INFINITY),
        steepest=Extreme(slope, ZERO),
        flattest=Extreme(ZERO, INFINITY, "towards both ends"),
        symmetry=symmetry,
    )


def _clipped(low: Expr, high: Expr, first: Expr, last: Expr, symmetry: str = "neither") -> Facts:
    """Describe a line between two points, constant outside."""
    slope = (high - low) / (last - first)
    return Facts(
        left=End(low, ZERO),
        right=End(high, ZERO),
        low=Extreme(low, None, f"for x ≤ {first}"),
        high=Extreme(high, None, f"for x ≥ {last}"),
        steepest=Extreme(slope, None, f"for {first} < x < {last}"),
        flattest=Extreme(ZERO, None, f"for x < {first} and x > {last}"),
        joints=(Joint(first, low, low, low, ZERO, slope), Joint(last, high, high, high, slope, ZERO)),
        flat=((MINUS_INFINITY, first), (last, INFINITY)),
        monotone="non-decreasing",
        symmetry=symmetry,
    )


def _between(first: Expr, last: Expr) -> Expr:
    return call("1 >", X, first) * call("1 <", X, last)


def _clip(body: Expr, low: Expr, high: Expr) -> Expr:
    return call("min", call("max", body, low), high)


def _hard_sigmoid(p: Parameters) -> tuple[Expr, Expr]:
    """Return the slope of a hard sigmoid and where it ends."""
    return (number(Fraction(1, 5)), Num(Fraction(5, 2))) if p["form"] == ONE else (number(Fraction(1, 6)), number(3))


def _hard_sigmoid_formula(p: Parameters) -> Expr:
    line = number(Fraction(1, 5)) * X if p["form"] == ONE else Div(X, number(6))
    return _clip(line + HALF, ZERO, ONE)


class _Ramp(NamedTuple):
    """Where a smooth ramp is lowest, and where it is steepest up and down: places and values without a closed form."""

    low: tuple[float, float]
    steepest: tuple[float, float]
    flattest: tuple[float, float]

    def facts(self, over: Expr = ONE) -> Facts:
        """Describe what dips below 0 before it rises like x; `over` divides x and the depth, not the slopes."""
        place, depth = self.low
        return Facts(
            left=End(ZERO, ZERO),
            right=End(INFINITY, ONE),
            low=Extreme(_shrunk(depth, over), _shrunk(place, over)),
            high=Extreme(INFINITY, INFINITY),
            steepest=Extreme(Real(self.steepest[1]), _shrunk(self.steepest[0], over)),
            flattest=Extreme(Real(self.flattest[1]), _shrunk(self.flattest[0], over)),
            monotone="neither",
        )


def _shrunk(value: float, over: Expr) -> Expr:
    if isinstance(over, Num):
        return Real(value / float(over.value))
    return Div(Real(value), over)


_GELU = _Ramp((-0.7517915246935645, -0.16997120747990366), (0, 0), (0, 0))
_GELU_TANH = _Ramp(
    (-0.7524614220710162, -0.17004075057125404),
    (1.4185040087908283, 1.1289930686587718),
    (-1.4185040087908283, -0.12899306865877177),
)
_SILU = _Ramp(
    (-1.278464542761074, -0.2784645427610738),
    (2.3993572805154677, 1.099839320128867),
    (-2.3993572805154677, -0.09983932012886692),
)
_MISH = _Ramp(
    (-1.1924312145154952, -0.30884341301725043),
    (1.4905711794854284, 1.0884981612517279),
    (-2.2563763963607931, -0.11252612238946256),
)


def _gelu_facts(p: Parameters) -> Facts:
    """Describe GELU: its slope is largest at √2, where it is Φ(√2) + √2 φ(√2), and least at -√2."""
    if p["tanh"] == ONE:
        return _GELU_TANH.facts()
    root = call("sqrt", number(2))
    slope = call("normcdf", root) + root * call("normpdf", root)
    return _GELU.facts()._replace(steepest=Extreme(slope, root), flattest=Extreme(ONE - slope, -root))


def _gelu_formula(p: Parameters) -> Expr:
    if p["tanh"] == ZERO:
        return of("gelu")
    return HALF * X * (1 + call("tanh", ROOT_OF_TWO_OVER_PI * (X + CUBIC * X**3)))


def _beta(p: Parameters) -> Expr:
    return p["beta"]


def _swish_facts(p: Parameters) -> Facts:
    return _line(HALF) if _beta(p) == ZERO else _SILU.facts(_beta(p))


def _softplus_formula(p: Parameters) -> Expr:
    beta = _beta(p)
    if beta == ZERO:
        raise DlcalcError("softplus with --beta 0 is ln(2)/0", "use a beta above 0")
    return call("softplus", beta * X) / beta


def _softplus_facts(_: Parameters) -> Facts:
    return Facts(
        left=End(ZERO, ZERO),
        right=End(INFINITY, ONE),
        low=Extreme(ZERO, MINUS_INFINITY),
        high=Extreme(INFINITY, INFINITY),
        steepest=Extreme(ONE, INFINITY),
        flattest=Extreme(ZERO, MINUS_INFINITY),
    )


def _selu_facts(p: Parameters) -> Facts:
    return _elu_facts(p["alpha"], p["scale"])


# the table

_ALPHA = Sym("alpha")
NAMED: dict[str, Named] = {
    "sign": Named(
        lambda p: _step_formula(MINUS_ONE, _zero_value(p)), lambda p: _step(MINUS_ONE, _zero_value(p)), {"zero": ONE},
        conventions=_zero_said, synonyms=("sgn",),
    ),
    "step": Named(
        lambda p: _step_formula(ZERO, _zero_value(p)), lambda p: _step(ZERO, _zero_value(p)), {"zero": ONE},
        conventions=_zero_said, synonyms=("heaviside", "threshold", "perceptron"),
    ),
    "relu": Named(lambda _: of("relu"), lambda _: _two_slopes(ZERO, ONE)),
    "leaky-relu": Named(
        lambda p: of("leaky_relu", p["alpha"]), lambda p: _two_slopes(p["alpha"], ONE), {"alpha": LEAKY_SLOPE},
        synonyms=("leakyrelu", "lrelu"),
        conventions=lambda p: (f"slope {p['alpha']} below 0: max({p['alpha'] * X}, x) for a slope up to 1",),
    ),
    "prelu": Named(
        lambda p: of("leaky_relu", p["alpha"]), lambda p: _two_slopes(p["alpha"], ONE), {"alpha": _ALPHA},
        conventions=lambda _: ("PReLU(x) = x for x > 0, alpha x for x ≤ 0; alpha is learned (PyTorch starts at 1/4)",),
    ),
    "elu": Named(
        lambda p: of("elu", p["alpha"]), lambda p: _elu_facts(p["alpha"]), {"alpha": ONE},
        conventions=lambda _: ("ELU(x) = x for x > 0, alpha (e^x - 1) for x ≤ 0",),
    ),
    "selu": Named(
        lambda p: p["scale"] * of("elu", p["alpha"]), _selu_facts, {"alpha": SELU_ALPHA, "scale": SELU_SCALE},
        conventions=lambda _: (
            "SELU(x) = scale·ELU(x, alpha); alpha 1.67326… and scale 1.05070… unless given, as in PyTorch",
        ),
    ),
    "sigmoid": Named(
        lambda _: of("sigmoid"), lambda _: _squashing(ZERO, ONE, number(Fraction(1, 4))), synonyms=("logistic",)
    ),
    "tanh": Named(lambda _: of("tanh"), lambda _: _squashing(MINUS_ONE, ONE, ONE, "odd")),
    "gelu": Named(
        _gelu_formula, _gelu_facts, {"tanh": ZERO},
        conventions=lambda p: (
            ("tanh form: sqrt(2/pi) is written 2·normpdf(0)",) if p["tanh"] == ONE
            else ("GELU(x) = x Φ(x), exactly; --approximate tanh is the tanh form",)
        ),
    ),
    "swish": Named(
        lambda p: X * call("sigmoid", _beta(p) * X) if _beta(p) != ONE else of("silu"), _swish_facts, {"beta": ONE},
        conventions=lambda _: ("swish(x) = x sigmoid(beta x); beta = 1 is SiLU",), synonyms=("silu",),
    ),
    "softplus": Named(_softplus_formula, _softplus_facts, {"beta": ONE}),
    "hard-sigmoid": Named(
        _hard_sigmoid_formula,
        lambda p: _clipped(ZERO, ONE, -_hard_sigmoid(p)[1], _hard_sigmoid(p)[1]), {"form": ZERO},
        tidy=lambda p: _hard_sigmoid(p)[0] * _between(-_hard_sigmoid(p)[1], _hard_sigmoid(p)[1]),
        conventions=lambda p: (
            "0.2 x + 1/2, clipped to [0, 1] (Keras 2); --form pytorch is x/6 + 1/2" if p["form"] == ONE
            else "x/6 + 1/2, clipped to [0, 1] (PyTorch, Keras 3); --form keras is 0.2 x + 1/2",
        ),
        synonyms=("hardsigmoid",),
    ),
    "hard-tanh": Named(
        lambda _: _clip(X, MINUS_ONE, ONE), lambda _: _clipped(MINUS_ONE, ONE, MINUS_ONE, ONE, "odd"),
        tidy=lambda _: _between(MINUS_ONE, ONE), synonyms=("hardtanh",),
    ),
    "relu6": Named(
        lambda _: _clip(X, ZERO, number(6)), lambda _: _clipped(ZERO, number(6), ZERO, number(6)),
        tidy=lambda _: _between(ZERO, number(6)),
    ),
    "mish": Named(lambda _: X * call("tanh", of("softplus")), lambda _: _MISH.facts()),
    "softsign": Named(
        lambda _: X / (1 + of("abs")), lambda _: _squashing(MINUS_ONE, ONE, ONE, "odd"),
        tidy=lambda _: 1 / (1 + of("abs")) ** 2,
    ),
    "identity": Named(lambda _: X, lambda _: _line(ONE), synonyms=("linear",)),
}  # fmt: skip
