"""The units of a layer: what they do to a symmetric input, and PyTorch's gain for them."""

from __future__ import annotations

from fractions import Fraction

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, Call, Div, Expr, Mul, Num, Pow, Sym, div, mul, number
from dlcalc.notation.functions import call

UNITS = ("linear", "relu", "leaky_relu", "tanh", "sigmoid", "selu")
EXACT = ("linear", "relu", "leaky_relu")
"""Those whose factor per layer is a formula."""
SATURATING = ("tanh", "sigmoid")
HALF = number(Fraction(1, 2))
PYTORCH_SLOPE = number(Fraction(1, 100))


def share(units: str, slope: Expr) -> Expr:
    """Return E[f(z)²]/Var(z) for z symmetric about 0; of f' instead of f it is E[f'(z)²], the same number.

    >>> print(share("relu", ONE), share("leaky_relu", number(Fraction(1, 5))))
    0.5 0.52
    """
    shares: dict[str, Expr] = {"linear": ONE, "relu": HALF, "leaky_relu": (ONE + slope**2) / 2}
    return shares[units]


def gain2(units: str, slope: Expr) -> Expr:
    """Return the square of PyTorch's gain: 1/share where that is a formula, convention elsewhere."""
    conventional = {"tanh": Fraction(25, 9), "sigmoid": Fraction(1), "selu": Fraction(9, 16)}
    if units in conventional:
        return number(conventional[units])
    if units == "leaky_relu":
        return over(number(2), ONE + slope**2)
    return ONE / share(units, slope)


def over(value: Expr, divisor: Expr) -> Expr:
    """Divide into one fraction in lowest terms: (2/a)/(4b) is 1/(2ab).

    >>> a, b = Sym("a"), Sym("b")
    >>> print(over(2 / a, 4 * b), over(number(Fraction(1, 3)), b))
    1/(2*a*b) 1/(3*b)
    """
    if isinstance(divisor, Div):
        value, divisor = over(value * divisor.denominator, ONE), divisor.numerator
    top, bottom = (value.numerator, value.denominator) if isinstance(value, Div) else (value, ONE)
    above, first = _apart(top)
    below, second = _apart(mul(bottom, divisor))
    if below == 0:
        return value / divisor
    ratio = above / below
    return div(mul(number(ratio.numerator), first), mul(number(ratio.denominator), second))


def _apart(product: Expr) -> tuple[Fraction, Expr]:
    """Take the number out of a product."""
    if isinstance(product, Num):
        return product.value, ONE
    if isinstance(product, Mul) and isinstance(product.factors[0], Num):
        return product.factors[0].value, mul(*product.factors[1:])
    return Fraction(1), product


def root(square: Expr) -> Expr:
    """Take a square root; of a square in letters the letter, which stands for a positive number."""
    if isinstance(square, Pow) and square.exponent == number(2) and isinstance(square.base, Sym):
        return square.base
    return call("sqrt", square)


def squared(value: Expr) -> Expr:
    """Square; a square root gives what stands below it."""
    match value:
        case Call("sqrt", (inside,)):
            return inside
        case Div(numerator, denominator):
            return over(squared(numerator), squared(denominator))
    return value**2


def refuse_negative(name: str, value: Expr | None) -> None:
    """Refuse a negative standard deviation or variance."""
    if isinstance(value, Num) and value.value < 0:
        raise DlcalcError(f"{name} {value} is negative", f"use {-value}, or 0 or more")
