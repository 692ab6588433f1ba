"""Var(s) of a weighted sum, and the variance of the weights that keeps it from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Entry, Expr, Sym
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import (
    POSITIVE,
    REAL,
    Answer,
    Experiment,
    Route,
    Sequence,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
)
from dlcalc.topics.init.marking import DISPLAY, with_moments
from dlcalc.topics.init.variance import FEW, enumerated, half_steps, mean, simulation, sum_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IN_USE = {"w": "a weight", "x": "an input", "z": "a pre-activation", "E": "a mean", "i": "an index"}
DISTRIBUTIONS = "w and x are independent, and so are all terms; E(w) = 0"
PRINCIPAL = {"linear": "Var_s", "relu": "He", "leaky_relu": "leaky"}


def refuse_names_in_use(*givens: Expr | None) -> None:
    """Refuse symbols that mean something else in the derivation."""
    for name in sorted(symbols(*(given for given in givens if given is not None)) & IN_USE.keys()):
        raise DlcalcError(f"the symbol {name} is {IN_USE[name]} here", "use another letter")


def kept_variance(  # noqa: PLR0917 (the givens)
    n: Expr | None, var_w: Expr | None, var_x: Expr | None, mean_x: Expr, units: str, slope: Expr | None
) -> Solution:
    """Answer Var(s) = n Var(w) E(x²), Var(w) = 1/n, and for ReLU 2/n.

    Raises DlcalcError for units without a formula, and for symbols that mean something else.
    """
    if units not in PRINCIPAL:
        raise DlcalcError(f"no formula for E({units}(z)²) keeps a variance exactly", "add --scheme xavier, or --std S")
    refuse_names_in_use(n, var_w, var_x, mean_x, slope)
    letters = Letters(taken=symbols(*(g for g in (n, var_w, var_x, mean_x, slope) if g is not None)))
    size = letters.letter("n", n, FEW)
    vw, vx = letters.letter("Var_w", var_w, POSITIVE), letters.letter("Var_x", var_x, POSITIVE)
    centre: Expr = ZERO if mean_x == ZERO else letters.letter("mean_x", mean_x, REAL)
    vz = letters.letter("Var_z", None, POSITIVE)
    a = None if slope is None and units != "leaky_relu" else letters.letter("a", slope, REAL)
    second = vx + centre**2
    formulas = {"Var_s": size * vw * second, "Var_w": ONE / size if centre == ZERO else vx / (size * second)}
    formulas["He"] = 2 / size
    if a is not None:
        formulas["leaky"] = 2 / (size * (ONE + a**2))
    values = {name: value_of(formula, letters.values) for name, formula in formulas.items()}

    def brute(point: Mapping[str, Any]) -> float:
        return enumerated(int(point[size.name]), *(PLAIN.value(part, point) for part in (vw, vx, centre)))

    def work() -> Work:
        lines = [
            *sum_steps(size, vw, vx, centre),
            Step("brute", Sym("Var_s"), Sym("Var_s"), formulas["Var_s"], "the same for s, every outcome of it visited"),
            *_givens("Var_s", formulas, letters),
            _keeps("Var_w", formulas["Var_s"], vx, (vw, formulas["Var_w"]), "Var(s) = Var(x)"),
            *_givens("Var_w", formulas, letters),
        ]
        for name, inputs, slope_of in _rectified(a):
            following = size * vw * (ONE if slope_of is None else ONE + slope_of**2) * vz / 2
            put_in = size * vw * mean(inputs**2)
            because = f"the next sum, over {plain(inputs)}: n Var(w) times the second moment"
            lines += [
                *half_steps(vz, slope_of)[0 if name == "He" else 4 :],
                Step("next", put_in, put_in, following, because),
                _keeps(name, following, vz, (vw, formulas[name]), "Var(z)"),
                *_givens(name, formulas, letters),
            ]
        given = (n or size, var_w or vw, var_x or vx, mean_x, values["Var_s"])
        by_outcomes = "every outcome of weights and inputs with three values each"
        routes: tuple[Route | Experiment, ...] = (
            Route("Var(s)", by_outcomes, formulas["Var_s"], brute),
            *simulation("Var(s), these givens", *given),
        )
        return Work(tuple(lines), routes)

    aliases = {"Var_w": vw, "Var_x": vx, "mean_x": centre}
    return with_moments(
        Solution(
            answers=tuple(
                Answer(name, value, label=Sym(name), slips=tuple(_slips(name, formulas, letters)))
                for name, value in values.items()
            ),
            work=work,
            setting=Setting(
                domains=letters.domains,
                sequences={
                    "w": Sequence(size, mean=ZERO, variance=vw),
                    "x": Sequence(size, mean=centre, variance=vx),
                    "z": Sequence(ONE, mean=ZERO, variance=vz),
                },
                definitions={"Var_s": brute},
                aliases={name: letter for name, letter in aliases.items() if name not in letters.domains},
                values=letters.values,
                display=DISPLAY,
            ),
            principal=(PRINCIPAL[units],),
            assumptions=(DISTRIBUTIONS, "He: z is symmetric about 0, as it is when its weights are"),
            conventions=("s = Σ_{i=1}^n w_i x_i, n the fan-in; Var_w keeps Var(s) for linear units, He for ReLU",),
        )
    )


def _keeps(name: str, following: Expr, before: Expr, put: tuple[Expr, Expr], kept: str) -> Step:
    """Put the variance of the weights into that of the sum: what came in comes out."""
    letter, value = put
    because = f"with Var(w) = {unicode(value, DISPLAY)}: it keeps {kept}"
    return Step(f"keep-{name}", following, following, before, because, where={plain(letter): value})


def _givens(name: str, formulas: Mapping[str, Expr], letters: Letters) -> list[Step]:
    """Put the givens into a formula."""
    used = {letter: given for letter, given in letters.values.items() if letter in symbols(formulas[name])}
    value = value_of(formulas[name], letters.values)
    return [Step(f"{name}-givens", Sym(name), formulas[name], value, "the givens put in", where=used)] if used else []


def _rectified(slope: Expr | None) -> Iterator[tuple[str, Expr, Expr | None]]:
    """List the rectifiers: the name of the answer, the output of the unit, its slope."""
    z = Entry("z", ONE)
    yield "He", call("relu", z), None
    if slope is not None:
        yield "leaky", call("leaky_relu", z, slope), slope


def _slips(name: str, formulas: Mapping[str, Expr], letters: Letters) -> Iterator[Slip]:
    """List what is handed in instead, with the givens put in."""
    n, right = Sym(next(iter(letters.domains))), formulas[name]
    listed: list[tuple[Expr, str, str]] = []
    if name == "Var_s":
        listed = [
            (n * right, "every term counts once: variances add to n, not n²", "adds"),
            (right / n, "that is one term; there are n of them", "adds"),
            (call("sqrt", right), "that is the standard deviation", "sum"),
        ]
    else:
        listed = [
            (
                call("sqrt", right),
                "that is the standard deviation of the weights; asked is their variance",
                f"keep-{name}",
            ),
            (n * right, "that leaves out the 1/n: the variance grows with every input", "adds"),
        ]
    if name == "Var_w":
        listed.append((formulas["He"], "that is for ReLU, which lets half of E(z²) through", "half"))
    if name in {"He", "leaky"}:
        listed.append((ONE / n, "that keeps the variance of linear units; ReLU halves E(z²)", "half"))
        listed.append((ONE / (2 * n), "the half goes the other way: the weights make up for it", "half"))
    for value, because, rule in listed:
        yield Slip(value_of(value, letters.values), because, rule)
