"""Counts over random masks: subnetworks, units kept, units never used."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from dlcalc.derivation import Letters
from dlcalc.entries import unused
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, Expr, Num, Sum, Sym, expr, substitute
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import UNIT, Answer, Domain, Experiment, Route, Setting, Slip, Solution, Step, Work, symbols

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.topics.dropout.chance import Chance

FEW = Domain(Fraction(1), Fraction(5), whole=True)
"""Units and training steps where every outcome is enumerated."""
MAX_LOOPED = 1_000
"""Units or training steps up to which a route goes through them one by one."""
RUNS = 20_000
MAX_SIMULATED = 200
STANDARD_ERRORS = 5.0


def counted(chance: Chance, units: Expr | None, iterations: Expr | None) -> Solution:
    """Answer with the counts over the masks of n units, and over T training steps of one unit."""
    kept, dropped = chance
    letters = Letters(taken=symbols(*(given for given in (kept, units, iterations) if given is not None)))
    p = letters.letter("p", kept, UNIT)
    n = None if units is None else letters.letter("n", units, FEW)
    steps = None if iterations is None else letters.letter("T", iterations, FEW)
    closed, found = _closed(p, 1 - p, n, steps), _closed(kept, dropped, units, iterations)
    written = {**closed, **_sums(p, n, letters)}

    def lines() -> Iterator[Step]:
        for name, formula in closed.items():
            target = Sym(name)
            yield Step(name, target, target, written[name], _BECAUSE[name])
            if written[name] != formula:
                yield Step(name, target, written[name], formula, "equal terms")
            used = {letter: value for letter, value in letters.values.items() if letter in symbols(formula)}
            inserted = substitute(formula, used)
            if inserted != formula:
                yield Step(f"{name}-givens", target, formula, inserted, "the givens put in", where=used)
            if plain(inserted) != plain(found[name]):
                yield Step(f"{name}-value", target, inserted, found[name], "computed", where=used)

    setting = Setting(
        domains=letters.domains,
        definitions=_definitions(p.name, n.name if n else "", steps.name if steps else ""),
        aliases={
            name: letter
            for name, letter in (
                ("n", n),
                ("N", n),
                ("T", steps),
                ("t", steps),
                ("k", steps),
                ("keep", p),
                ("q", 1 - p),
            )
            if letter is not None and name not in letters.domains
        },
        values=letters.values,
    )
    said = ["every unit and every step has a mask of its own, drawn independently"]
    notes = []
    if units is not None:
        notes.append("the subnetworks share their weights: not 2ⁿ independent models, as bagging would train")
    if iterations is not None:
        notes.append(f"included: kept in at least one of {unicode(iterations)} training steps")
    return Solution(
        answers=tuple(
            Answer(name, value, slips=_slips(name, chance, units, iterations)) for name, value in found.items()
        ),
        work=lambda: Work(tuple(lines()), tuple(_routes(kept, units, iterations, found))),
        setting=setting,
        principal=tuple(name for name in ("subnetworks", "included") if name in closed),
        assumptions=tuple(said),
        notes=tuple(notes),
    )


_BECAUSE = {
    "subnetworks": "every unit is kept or dropped: 2 choices, n times",
    "expected_kept": "every unit is kept with the same probability: means add",
    "kept_variance": "independent units: the variances p(1 - p) add",
    "all_dropped": "independent units: the probabilities to be dropped multiply",
    "included": "not dropped in all steps: the complement; the masks of the steps are independent",
}


def _closed(p: Expr, q: Expr, n: Expr | None, steps: Expr | None) -> dict[str, Expr]:
    """Return every count, for a keep probability p and a drop probability q."""
    found = {} if steps is None else {"included": 1 - q**steps}
    if n is None:
        return found
    units = {"subnetworks": expr(2) ** n, "expected_kept": n * p, "kept_variance": n * p * q, "all_dropped": q**n}
    return units | found


def _sums(p: Expr, n: Sym | None, letters: Letters) -> dict[str, Expr]:
    """Return mean and variance as sums over the units."""
    if n is None:
        return {}
    index = unused(*"ijkl", taken=letters.domains)
    return {"expected_kept": Sum(index, ONE, n, p), "kept_variance": Sum(index, ONE, n, p * (1 - p))}


def _slips(name: str, chance: Chance, n: Expr | None, steps: Expr | None) -> tuple[Slip, ...]:
    p, q = chance
    wrong: dict[str, list[tuple[Expr, str]]] = {}
    if steps is not None:
        wrong["included"] = [
            (q**steps, "that is the probability that it is dropped in every step"),
            (p**steps, "that is the probability that it is kept in every step"),
            (1 - p**steps, "that is the probability that it is dropped at least once: the drop probability is 1 - p"),
            (steps * p, "that is the expected number of steps with the unit, not a probability"),
        ]
    if n is not None:
        wrong |= {
            "subnetworks": [
                (2 * n, "the choices multiply: 2·2·…·2, not 2 + 2 + …"),
                (n**2, "two choices for each of n units are 2ⁿ, not n²"),
                (expr(2) ** n - 1, "the mask that drops every unit counts too"),
            ],
            "expected_kept": [(n * q, "that is the expected number of dropped units")],
            "kept_variance": [(n * p, "that is the mean")],
            "all_dropped": [(p**n, "that is the probability that all are kept")],
        }
    return tuple(Slip(value, because, name) for value, because in wrong.get(name, ()))


def _definitions(p: str, n: str, steps: str) -> dict[str, Any]:
    """Enumerate every mask of n units, and every history of one unit."""

    def masks(point: Mapping[str, Any], length: str) -> Iterator[tuple[int, Any]]:
        for bits in product((0, 1), repeat=int(point[length])):
            chance: Any = Fraction(1)
            for bit in bits:
                chance *= point[p] if bit else 1 - point[p]
            yield sum(bits), chance

    found: dict[str, Any] = {}
    if n:
        found |= {
            "subnetworks": lambda point: len(list(masks(point, n))),
            "expected_kept": lambda point: sum(kept * chance for kept, chance in masks(point, n)),
            "kept_variance": lambda point: (
                sum(kept**2 * chance for kept, chance in masks(point, n))
                - sum(kept * chance for kept, chance in masks(point, n)) ** 2
            ),
            "all_dropped": lambda point: sum(chance for kept, chance in masks(point, n) if kept == 0),
        }
    if steps:
        found["included"] = lambda point: sum(chance for kept, chance in masks(point, steps) if kept)
    return found


def _routes(
    kept: Expr, units: Expr | None, iterations: Expr | None, found: Mapping[str, Expr]
) -> Iterator[Route | Experiment]:
    """Go through units and steps one by one for the very givens: the distribution of the number that is kept."""

    def distribution(point: Mapping[str, Any], count: Expr) -> list[Any]:
        """Return the probability of 0, 1, … kept units, after one unit more each time."""
        chance, row = PLAIN.value(kept, point), [Fraction(1)]
        for _ in range(int(PLAIN.value(count, point))):
            row = [(1 - chance) * a + chance * b for a, b in zip([*row, 0], [0, *row], strict=True)]
        return row

    def never(point: Mapping[str, Any], count: Expr) -> Any:  # noqa: ANN401 (an exact number)
        left: Any = Fraction(1)
        for _ in range(int(PLAIN.value(count, point))):
            left = PLAIN.kept(left * (1 - PLAIN.value(kept, point)))
        return left

    if units is not None and not (isinstance(units, Num) and units.value > FEW.high * 4):

        def counts(point: Mapping[str, Any]) -> list[Any]:
            row = distribution(point, units)
            mean = sum(k * chance for k, chance in enumerate(row))
            choices = 1
            for _ in row[1:]:
                choices += choices
            return [choices, mean, sum((k - mean) ** 2 * chance for k, chance in enumerate(row)), row[0]]

        values = tuple(found[name] for name in ("subnetworks", "expected_kept", "kept_variance", "all_dropped"))
        yield Route("the counts of units", "the distribution of the number kept, unit by unit", values, counts)
    if iterations is not None and not (isinstance(iterations, Num) and iterations.value > MAX_LOOPED):
        yield Route(
            "included",
            "step by step, what is left unused",
            found["included"],
            lambda point: 1 - never(point, iterations),
        )
    number = iterations if iterations is not None else units
    if isinstance(kept, Num) and isinstance(number, Num) and number.value <= MAX_SIMULATED:
        yield _simulated(float(kept.value), int(number.value), used=iterations is not None)


def _simulated(chance: float, count: int, *, used: bool) -> Experiment:
    def run(seed: int) -> tuple[float, float]:
        import numpy as np

        kept = np.random.default_rng(seed).random((RUNS, count)) < chance
        seen, expected = (kept.any(axis=1), 1 - (1 - chance) ** count) if used else (kept.sum(axis=1), count * chance)
        spread = float(np.std(seen)) or 1 / RUNS
        return abs(float(seen.mean()) - expected) / spread * RUNS**0.5, STANDARD_ERRORS

    claim = "included" if used else "expected_kept"
    return Experiment(claim, f"{RUNS:,} simulated runs, in standard errors", run)
