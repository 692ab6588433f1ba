"""The gradients on given data: the derived formula with the numbers put in, checked by running the program backward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.entries import entries
from dlcalc.normalisation import bruteforce
from dlcalc.normalisation.arrays import Array, rows
from dlcalc.normalisation.data import FEW_ENTRIES, SHOWN_ENTRIES, SHOWN_GROUPS, average, domains_of, normalised
from dlcalc.normalisation.moments import collected, mean_of, over_root
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Add, Div, Entry, Expr, Formula, Mul, Sym, add, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain
from dlcalc.solution import REAL, Answer, Experiment, Route, Setting, Slip, Solution, Step, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.normalisation.moments import Moments
    from dlcalc.normalisation.question import Question

MAX_DIFFERENCED = 60
"""Entries moved one by one in the central differences."""
_LABELS = {name: Formula(f"dL/d{name}", f"∂L/∂{letter}", rf"\frac{{\partial L}}{{\partial {tex}}}")
           for name, letter, tex in (("x", "x", "x"), ("gamma", "γ", r"\gamma"), ("beta", "β", r"\beta"))}  # fmt: skip


def backward(asked: Question, upstream: Array) -> Solution:
    """Answer with ∂L/∂x, ∂L/∂γ and ∂L/∂β for a given δ = ∂L/∂y."""
    delta, hats, lengths = upstream.entries, normalised(asked), asked.data.lengths
    found: dict[int, Expr] = {}
    forgotten: dict[int, Expr] = {}
    for places, group in zip(asked.groups.places, asked.moments, strict=True):
        scaled = [asked.scale(p) * delta[p] for p in places]
        found |= dict(zip(places, _gradients(asked, group, scaled), strict=True))
        forgotten |= {p: over_root(s, group.spread) for p, s in zip(places, scaled, strict=True)}
    gradients = tuple(found[p] for p in range(len(found)))
    owned = [
        [p for p, owner in enumerate(asked.groups.parameter) if owner == j] for j in range(asked.groups.parameters)
    ]
    scales = tuple(_gathered(asked, delta, places) for places in owned)
    shifts = tuple(add(*(delta[p] for p in places)) for places in owned)
    fixed = rows(tuple(forgotten[p] for p in range(len(forgotten))), lengths)
    means = tuple(s / len(places) for s, places in zip(shifts, owned, strict=True))
    answers = (
        Answer(
            "dL/dx",
            rows(gradients, lengths),
            _LABELS["x"],
            slips=(Slip(fixed, "mean and variance depend on x too: their paths are missing", "gradient-1-1"),),
        ),
        Answer("dL/dgamma", scales if len(scales) > 1 else scales[0], _LABELS["gamma"]),
        Answer(
            "dL/dbeta",
            shifts if len(shifts) > 1 else shifts[0],
            _LABELS["beta"],
            slips=(Slip(means if len(means) > 1 else means[0], "the sum of δ, not its mean"),),
        ),
    )

    def work() -> Work:
        steps = (*_steps(asked, delta, gradients, hats), *_parameter_steps(delta, hats, owned, scales, shifts))
        return Work(steps, tuple(_routes(asked, delta, answers)))

    domains = dict.fromkeys(sorted(symbols(*delta)), REAL) | domains_of(asked)
    return Solution(answers=answers, work=work, setting=Setting(domains=domains))


def _gradients(asked: Question, group: Moments, scaled: list[Expr]) -> list[Expr]:
    """Put numbers into ∂L/∂x = (g − mean g − x̂ mean(g ⊙ x̂))/√(σ² + ε), g = γ ⊙ δ; without the mean in RMS."""
    middle = mean_of(scaled) if asked.centred else ZERO
    along = mean_of([g * d for g, d in zip(scaled, group.deviations, strict=True)])
    tops = [
        collected(g - middle - d * along / group.spread if ZERO not in {d, along} else g - middle)
        for g, d in zip(scaled, group.deviations, strict=True)
    ]
    return [over_root(top, group.spread) for top in tops]


def _gathered(asked: Question, delta: tuple[Expr, ...], places: list[int]) -> Expr:
    """Add δ x̂ up over the places that share a scale; under one root where they share that too."""
    mine = set(places)
    parts = []
    for group_places, group in zip(asked.groups.places, asked.moments, strict=True):
        terms = [delta[p] * d for p, d in zip(group_places, group.deviations, strict=True) if p in mine]
        if terms:
            parts.append(over_root(add(*terms), group.spread))
    return add(*parts)


def _steps(
    asked: Question, delta: tuple[Expr, ...], gradients: tuple[Expr, ...], hats: tuple[Expr, ...]
) -> Iterator[Step]:
    for index, places in enumerate(asked.groups.places[:SHOWN_GROUPS], 1):
        group = asked.moments[index - 1]
        said = f" of {asked.groups.unit} {index}" if asked.several else ""
        scaled = [asked.scale(p) * delta[p] for p in places]
        middle = mean_of(scaled) if asked.centred else ZERO
        name = "δ" if all(asked.scale(p) == ONE for p in places) else "γ ⊙ δ"
        products = [Mul((g, hats[p])) for g, p in zip(scaled, places, strict=True)]
        along = over_root(mean_of([g * d for g, d in zip(scaled, group.deviations, strict=True)]), group.spread)
        if asked.centred:
            written = average(tuple(scaled))
            yield from _shown(f"mean-delta-{index}", Sym("mean_delta"), written, middle, f"mean of {name}{said}")
        because = f"mean of {name} ⊙ x̂{said}"
        yield from _shown(f"along-{index}", Sym("mean_delta_xhat"), average(tuple(products)), along, because)
        for i, p in enumerate(places[: FEW_ENTRIES if asked.several else SHOWN_ENTRIES], 1):
            terms = [scaled[i - 1], *([Mul((MINUS_ONE, middle))] if asked.centred else [])]
            terms.append(Mul((MINUS_ONE, hats[p], along)))
            written = Div(Add(tuple(terms)), call("sqrt", group.spread))
            formula = ", the derived formula with the numbers put in" if i == 1 else ""
            why = f"∂L/∂x of entry {p + 1}{formula}"
            yield from _shown(f"gradient-{index}-{i}", Entry("dx", number(p + 1)), written, gradients[p], why)
        if asked.centred and len(places) > 1:
            total = Add(tuple(gradients[p] for p in places))
            yield Step(f"sum-{index}", Sym("sum"), total, ZERO, f"the gradients{said} add up to 0")


def _parameter_steps(
    delta: tuple[Expr, ...],
    hats: tuple[Expr, ...],
    owned: list[list[int]],
    scales: tuple[Expr, ...],
    shifts: tuple[Expr, ...],
) -> Iterator[Step]:
    for j, places in enumerate(owned[:SHOWN_GROUPS]):
        said = f", entry {j + 1}" if len(owned) > 1 else ""
        products = Add(tuple(Mul((delta[p], hats[p])) for p in places))
        yield from _shown(f"scale-{j}", _LABELS["gamma"], products, scales[j], f"∂L/∂γ{said}: δ x̂ added up")
        total = Add(tuple(delta[p] for p in places))
        yield from _shown(f"shift-{j}", _LABELS["beta"], total, shifts[j], f"∂L/∂β{said}: δ added up")


def _shown(rule: str, target: Expr, written: Expr, value: Expr, because: str) -> Iterator[Step]:
    if plain(written) != plain(value):
        yield Step(rule, target, written, value, because)


def _routes(asked: Question, delta: tuple[Expr, ...], answers: tuple[Answer, ...]) -> Iterator[Route | Experiment]:
    method = "the program run backward on these numbers (reverse mode)"
    names = ("x", "gamma", "beta") if asked.well_spread else ()
    for answer, name in zip(answers, names, strict=False):
        yield Route(answer.name, method, answer.value, _run(asked, delta, name))
    gradients = tuple(entries(answers[0].value))
    if len(gradients) <= MAX_DIFFERENCED:
        yield Experiment(
            "dL/dx",
            "central differences of Σ δ y, y by NumPy along axes",
            lambda _: bruteforce.gradient_gap(asked, delta, gradients),
        )


def _run(asked: Question, delta: tuple[Expr, ...], name: str) -> Any:  # noqa: ANN401
    from dlcalc.normalisation.programs import on_data

    kind = asked.kind if asked.kind in {"batch", "rms"} else "layer"

    def compute(point: Mapping[str, Any]) -> list[Any]:
        size = len(asked.data.entries) if name == "x" else asked.groups.parameters
        found: list[Any] = [0] * size
        for places in asked.groups.places:
            value = {p: PLAIN.value(asked.data.entries[p], point) for p in places}
            shared = places[:1] if kind == "batch" else places
            row = on_data(
                kind,
                {
                    "x": [value[p] for p in places],
                    "epsilon": [PLAIN.value(asked.eps, point)],
                    "gamma": [PLAIN.value(asked.scale(p), point) for p in shared],
                    "beta": [PLAIN.value(asked.shift(p), point) for p in shared],
                    "delta": [PLAIN.value(delta[p], point) for p in places],
                },
            )[name]
            keys = (
                places if name == "x" else [asked.groups.parameter[p] for p in (places if len(row) > 1 else places[:1])]
            )
            for key, entry in zip(keys, row, strict=True):
                found[key] += entry
        return found

    return compute
