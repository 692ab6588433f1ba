"""The derivation of a scheme: the variance of a sum forward or backward, what keeps it, its root, its bound."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, Expr, Sym, number
from dlcalc.notation.printing import unicode
from dlcalc.solution import Step, symbols
from dlcalc.topics.init.marking import DISPLAY
from dlcalc.topics.init.units import over, root, share
from dlcalc.topics.init.variance import half_steps, slope_steps, sum_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.derivation import Letters
    from dlcalc.topics.init.fans import Fans
    from dlcalc.topics.init.schemes import Scheme

VAR_W, VAR_X, VAR_Z, VAR_DELTA, B = (Sym(name) for name in ("Var_w", "Var_x", "Var_z", "Var_delta", "b"))
THIRD = number(Fraction(1, 3))
SHOWN_LAYERS = 6


def derived_steps(scheme: Scheme, letters: Letters, fans: Fans, rows: list[dict[str, Expr]]) -> Iterator[Step]:
    """Derive the variance, then put the givens in, layer by layer."""
    backward = scheme.mode == "fan_out"
    yield from sum_steps(scheme.fan, VAR_W, VAR_DELTA if backward else VAR_X, name="delta" if backward else "x")
    yield from _xavier(scheme) if scheme.name == "xavier" else _one_fan(scheme)
    yield from _distributions(scheme)
    for index, (pair, row) in enumerate(zip(fans.pairs[:SHOWN_LAYERS], rows, strict=False), 1):
        put = dict(letters.values)
        put |= {a.name: fan for a, fan in zip((scheme.n, scheme.m), pair, strict=True) if fan not in {None, a}}
        put = {name: value for name, value in put.items() if name in symbols(scheme.variance)}
        of = f" of layer {index}" if fans.of_layers else ""
        if put:
            yield Step("givens", Sym("variance"), scheme.variance, row["variance"], f"the givens{of} put in", where=put)
        if put or fans.of_layers:
            std, bound = root(scheme.variance), root(over(scheme.variance, THIRD))
            yield Step("std", Sym("std"), std, row["std"], f"std{of}", where=put)
            yield Step("bound", B, bound, row["bound"], f"b{of}", where=put)


def _one_fan(scheme: Scheme) -> Iterator[Step]:
    """Let one sum keep the variance: forward over the fan-in, backward over the fan-out."""
    moved = VAR_DELTA if scheme.mode == "fan_out" else VAR_X
    with_it = f"Var(w) = {unicode(scheme.variance, DISPLAY)}"
    if not scheme.derived:
        kept = scheme.fan * VAR_W
        because = f"{with_it} multiplies the variance by gain²"
        yield Step("keep", kept, kept, scheme.gain2, because, where={"Var_w": scheme.variance})
        return
    slope, before = _slope(scheme), scheme.fan * VAR_W * moved
    what = "gradient" if scheme.mode == "fan_out" else "signal"
    because = f"linear units pass the whole {what}"
    if scheme.units != "linear":
        if scheme.mode == "fan_out":
            yield from slope_steps(scheme.units, slope)
        else:
            yield from half_steps(VAR_Z, slope if scheme.units == "leaky_relu" else None)
        part = before if scheme.units == "relu" else scheme.fan * VAR_W * (ONE + slope**2) * moved
        before, because = part / 2, f"the units pass {_part(scheme, slope)} of the {what}"
    yield Step("keep", before, before, moved, f"{because}: {with_it} keeps it", where={"Var_w": scheme.variance})


def _part(scheme: Scheme, slope: Expr) -> str:
    return "half" if scheme.units == "relu" else unicode(share(scheme.units, slope))


def _slope(scheme: Scheme) -> Expr:
    return Sym("a") if "a" in symbols(scheme.gain2) else scheme.slope


def _xavier(scheme: Scheme) -> Iterator[Step]:
    """Let the mean of both fans keep the variance."""
    n, m, put = scheme.n, scheme.m, {"Var_w": scheme.variance}
    yield from sum_steps(m, VAR_W, VAR_DELTA, name="delta")[-1:]
    both = (n * VAR_W + m * VAR_W) / 2
    yield Step("mean", both, both, (n + m) / 2 * VAR_W, "forward wants n Var(w) = 1, backward m Var(w) = 1: their mean")
    because = f"Var(w) = {unicode(scheme.variance, DISPLAY)} makes the mean of both gain²"
    yield Step("keep", both, (n + m) / 2 * VAR_W, scheme.gain2, because, where=put)
    kept, left = n * VAR_W, 2 * scheme.gain2 * n / (n + m)
    yield Step("forward", kept, kept, left, "what is left forward: gain² where n = m", where=put)


def _distributions(scheme: Scheme) -> Iterator[Step]:
    """Give a normal distribution its deviation and a uniform one its bound."""
    found, std = scheme.variance, root(scheme.variance)
    bound = root(over(scheme.variance, THIRD))
    yield Step("std", Sym("std"), Sym("std"), std, "the root of the variance")
    yield Step("uniform", Sym("Var_u"), Sym("Var_u"), B**2 / 3, "Var of U(−b, b): the mean of u² from −b to b")
    yield Step("bound", Sym("Var_u"), B**2 / 3, found, f"b = {unicode(bound)} = √3 std", where={"b": bound})
