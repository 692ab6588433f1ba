"""The variance of a residual sum x + y: uncorrelated, correlated, identical branches."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from dlcalc.counting import like_terms
from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Entry, Expr, Num, Relation, Sym
from dlcalc.notation.functions import call
from dlcalc.solution import POSITIVE, REAL, Answer, Route, Sequence, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topics.init.keeping import refuse_names_in_use
from dlcalc.topics.init.marking import DISPLAY, with_moments
from dlcalc.topics.init.variance import mean, variance

if TYPE_CHECKING:
    from collections.abc import Mapping


def summed(var_x: Expr | None, var_y: Expr | None, cov: Expr) -> Solution:
    """Answer Var(x + y) = Var(x) + Var(y) + 2 Cov(x, y), and the factor that brings it back to Var(x).

    Raises DlcalcError for a covariance that no two variables with these variances have.
    """
    refuse_names_in_use(var_x, var_y, cov)
    _refuse_impossible(var_x, var_y, cov)
    letters = Letters(taken=symbols(*(g for g in (var_x, var_y, cov) if g is not None)))
    vx, vy = letters.letter("Var_x", var_x, POSITIVE), letters.letter("Var_y", var_y, POSITIVE)
    c: Expr = ZERO if cov == ZERO else letters.letter("Cov", cov, REAL)
    total = like_terms(vx + vy + 2 * c)
    formulas = {"Var_sum": total, "identical": 4 * vx}
    if value_of(total, letters.values) != ZERO:
        formulas["scale"] = call("sqrt", vx / total)
    values = {name: value_of(formula, letters.values) for name, formula in formulas.items()}
    x, y = Entry("x", ONE), Entry("y", ONE)
    between = mean((x - mean(x)) * (y - mean(y)))

    def of_y(point: Mapping[str, Any], _: int) -> Any:  # noqa: ANN401 (a fraction or a float)
        """Compute y from x and a rest e that is independent of it: Cov(x, y) = slope · Var(x)."""
        slope = Fraction(0) if c == ZERO else point[_name(c)] / point[_name(vx)]
        return slope * point["x"][0] + point["e"][0]

    def work() -> Work:
        centred = variance(x) + 2 * between + variance(y)
        why = "uncorrelated: Cov(x, y) = 0" if c == ZERO else "the covariance of the branches"
        steps = [
            Step("square", variance(x + y), variance(x + y), mean((x - mean(x) + y - mean(y)) ** 2),
                 "Var(s) = E((s − E(s))²), and means add"),
            Step("square", variance(x + y), mean((x - mean(x) + y - mean(y)) ** 2), centred,
                 "(a + b)² = a² + 2ab + b²"),
            Step("covariance", between, between, c, why),
            Step("sum", variance(x + y), variance(x + y), total, "put in"),
            Step("identical", variance(2 * x), variance(2 * x), 4 * vx, "were y = x, the sum would be 2x"),
        ]  # fmt: skip
        used = {name: given for name, given in letters.values.items() if name in symbols(total)}
        if used:
            steps.append(Step("givens", Sym("Var_sum"), total, values["Var_sum"], "the givens put in", where=used))
        if "scale" in formulas:
            root = formulas["scale"]
            steps.append(Step("scale", root**2 * total, root**2 * total, vx, "scaled by the root of Var(x)/Var(x + y)"))
        method = "every outcome of x and of a rest with three values each"
        return Work(tuple(steps), (Route("Var(x + y)", method, total, lambda point: _enumerated(point, vx, vy, c)),))

    aliases = {"Var_x": vx, "Var_y": vy, "Cov": c}
    return with_moments(
        Solution(
            answers=tuple(
                Answer(
                    name,
                    values[name],
                    label=Sym(name),
                    slips=_slips(values["Var_sum"], vx, vy, c, letters) if name == "Var_sum" else (),
                )
                for name in formulas
            ),
            work=work,
            setting=Setting(
                domains=letters.domains,
                constraints=() if c == ZERO else (Relation(c**2, "<", vx * vy),),
                sequences={
                    "x": Sequence(ONE, mean=ZERO, variance=vx),
                    "e": Sequence(ONE, mean=ZERO, variance=vy if c == ZERO else vy - c**2 / vx),
                },
                definitions={"y": of_y},
                families=frozenset({"y"}),
                aliases={name: letter for name, letter in aliases.items() if name not in letters.domains},
                values=letters.values,
                display=DISPLAY,
            ),
            assumptions=(
                "the branches x and y are uncorrelated, Cov(x, y) = 0" if c == ZERO else "Cov(x, y)² ≤ Var(x) Var(y)",
            ),
            conventions=("identical is Var(x + x), scale the factor that brings x + y back to Var(x)",),
            notes=(
                ("branches of equal variance double it per block, so 2^L after L of them; 1/√2 per block keeps it",)
                if c == ZERO and vx.name == "Var_x"
                else ()
            ),
        )
    )


def _name(letter: Expr) -> str:
    return letter.name if isinstance(letter, Sym) else ""


def _refuse_impossible(var_x: Expr | None, var_y: Expr | None, cov: Expr) -> None:
    numbers = [given.value for given in (var_x, var_y, cov) if isinstance(given, Num)]
    if len(numbers) == len((var_x, var_y, cov)) and numbers[2] ** 2 > numbers[0] * numbers[1]:
        largest = f"√({numbers[0]}·{numbers[1]})"
        raise DlcalcError(f"cov {cov} is more than the variances allow", f"use −{largest} to {largest}")


def _enumerated(point: Mapping[str, Any], vx: Expr, vy: Expr, c: Expr) -> float:
    """Compute the variance over every outcome of x and a rest; y = (Cov/Var x) x + rest."""
    a, b, between = (float(point[_name(v)]) if v != ZERO else 0.0 for v in (vx, vy, c))
    slope = between / a
    rest = (b - between * slope) ** 0.5
    values, chances = (-2.0, 0.0, 2.0), (0.125, 0.75, 0.125)
    outcomes = [
        (chances[i] * chances[j], a**0.5 * values[i] * (1 + slope) + rest * values[j])
        for i, j in product(range(3), repeat=2)
    ]
    first, second = sum(p * s for p, s in outcomes), sum(p * s * s for p, s in outcomes)
    return float(second - first**2)


def _slips(right: Expr, vx: Expr, vy: Expr, c: Expr, letters: Letters) -> tuple[Slip, ...]:
    def put(value: Expr) -> Expr:
        return value_of(value, letters.values)

    listed = [
        Slip(put(4 * vx), "that is for identical branches, y = x; these are not", "identical"),
        Slip(put(call("sqrt", right)), "that is the standard deviation", "sum"),
        Slip(put(vx * vy), "variances of a sum add", "square"),
        Slip(put(vx - vy), "variances add, even where the variables are subtracted", "square"),
    ]
    if c != ZERO:
        listed += [
            Slip(put(vx + vy), "that leaves the covariance out: the branches are correlated", "covariance"),
            Slip(put(vx + vy + c), "the covariance counts twice, as in (a + b)²", "square"),
        ]
    return tuple(slip for slip in listed if slip.value != right)
