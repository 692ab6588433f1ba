"""How far an exponentially weighted average reaches back."""

from __future__ import annotations

from math import exp as float_exp
from math import sqrt
from typing import TYPE_CHECKING, Any

from dlcalc.derivation import Letters, readable
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.notation.expression import ZERO, Expr, Pow, Sym, expr
from dlcalc.notation.functions import exp, ln
from dlcalc.solution import UNIT, Answer, Slip, Solution, Step, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def window(beta: Expr) -> Formulary:
    """Say how far an average reaches back, in β alone."""
    letters = Letters(taken=symbols(beta))
    b = letters.letter("beta", beta, UNIT)

    def share(p: Mapping[str, Any]) -> Any:  # noqa: ANN401 (an exact number)
        return p[b.name]

    inverse = () if beta == ZERO else (Slip(1 / b, "it is 1/(1 - β), not 1/β"),)
    length = Quantity(
        "effective_length",
        1 / (1 - b),
        "all weights together are this many times the newest: 1 + β + β² + …",
        lambda p: _series(float(share(p))),
        (Slip(b, "that is the share kept; about 1/(1 - β) values are averaged"), *inverse),
        "the series 1 + β + β² + … added up until nothing changes",
    )
    if beta == ZERO:
        return Formulary(letters, (length,))
    fallen = Quantity(
        "one_over_e",
        -1 / ln(b),
        "β^n = 1/e solved for n: this many values back the weight is 1/e of the newest",
        lambda p: _solved(float(share(p))),
        method="β^n = 1/e solved by bisection",
    )
    left = Quantity(
        "weight_left",
        b ** Sym("effective_length"),
        "1/(1 - β) values back, relative to the newest",
        lambda p: _raised(float(share(p)), 1 / (1 - float(share(p)))),
        method="the power built from square roots and squares",
    )
    return Formulary(letters, (length, fallen, left))


def _series(beta: float) -> float:
    """Add up 1 + β + β² + …, twice as many terms at a time."""
    total, power = 1.0, beta
    while power * total > 0 and total * (1 + power) != total:
        total, power = total * (1 + power), power * power
    return total


def _solved(beta: float) -> float:
    """Find n with β^n = 1/e between two bounds that close in."""
    low, high, target = 0.0, 1.0, float_exp(-1)
    while beta**high > target:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if beta**middle > target else (low, middle)
    return (low + high) / 2


def _raised(base: float, exponent: float) -> float:
    """Raise a number below 1 to a power, from the binary digits of the exponent."""
    whole, rest = int(exponent), exponent - int(exponent)
    found = 1.0
    for digit in f"{whole:b}":
        found = found * found * (base if digit == "1" else 1.0)
    root = base
    for _ in range(60):
        root, rest = sqrt(root), rest * 2
        if rest >= 1:
            found, rest = found * root, rest - 1
    return found


def bounds(beta: Expr, row: Formulary) -> Iterator[Step]:
    """Show that the weight falls to 1/e between n - 1 and n = 1/(1 - β) values back."""
    if beta == ZERO:
        return
    b = next(iter(row.letters.domains))
    letter, used = Sym(b), row.letters.values
    n, target = 1 / (1 - letter), Sym("weight_left")
    below = "ln β < β - 1, so n values back less than 1/e of the newest weight is left"
    above = "ln β > 1 - 1/β, so n - 1 values back more than that is left"
    yield Step("below", target, Pow(letter, n), exp(expr(-1)), below, "<", where=used)
    yield Step("above", target, Pow(letter, letter * n), exp(expr(-1)), above, ">", where=used)


def compared(betas: list[Expr]) -> Solution:
    """Compare several β."""
    if symbols(*betas):
        raise DlcalcError("several values of beta are numbers", "give one symbol, or numbers such as 0.9,0.999")
    rows = [window(beta) for beta in betas]
    found = [row.values for row in rows]
    longest = max(rows, key=lambda row: len(row.quantities))
    names = [q.name for q in longest.quantities if all(q.name in f for f in found)]

    def work() -> Work:
        steps = [s for beta, row in zip(betas, rows, strict=True) for s in (*row.steps(), *bounds(beta, row))]
        formulas = {s.rule: s for s in steps if not s.where}
        return Work((*formulas.values(), *(s for s in steps if s.where)), tuple(r for row in rows for r in row.again()))

    answers = tuple(Answer(name, tuple(readable(f[name]) for f in found)) for name in names)
    return Solution(answers, work, longest.setting(), conventions=(LENGTH,), notes=(ABOUT,))


LENGTH = "effective length: 1/(1 - β) values, behind which a value has less than about 1/e of the newest one's weight"
ABOUT = "the effective length is a rule of thumb: every value before it still has a weight, which fades as β^j"
