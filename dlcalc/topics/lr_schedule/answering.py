"""A schedule answered: the rate at the epochs asked, its derivation, and the run that confirms it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import pi
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Entry, Expr, Num, Real, Relation, Sym, expr, fold, names, substitute
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.plot import Curve, Plot
from dlcalc.solution import POSITIVE, UNIT, Answer, Domain, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.table import Table
from dlcalc.topics.lr_schedule.kinds import KINDS, PI, Kind, passed, warmed
from dlcalc.topics.lr_schedule.running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FEW = Domain(Fraction(1), Fraction(6), whole=True)
LATER = Domain(Fraction(7), Fraction(12), whole=True)
LETTERS: Mapping[str, tuple[str, Domain]] = {
    "lr": ("eta_0", POSITIVE), "gamma": ("gamma", UNIT), "step_size": ("s", FEW), "decay": ("k", POSITIVE),
    "t_max": ("T", LATER), "min": ("eta_min", POSITIVE), "power": ("p", POSITIVE), "warmup": ("w", FEW),
    "dim": ("d", LATER),
}  # fmt: skip
"""The letter of each given, and where it is sampled; T lies behind every warm-up."""
DEFAULTS = {"step_size": ONE, "min": ZERO, "power": ONE}
SPELLINGS = {
    "lr": ("lr", "lr0", "eta0", "eta_0", "epsilon", "epsilon_0", "alpha_0"), "gamma": ("gamma",),
    "decay": ("k", "decay"), "min": ("eta_min", "lr_min", "min"), "t_max": ("T", "T_max", "t_max"),
    "step_size": ("s", "step_size"), "warmup": ("w", "warmup"),
}  # fmt: skip
SHOWN = 5
"""Epochs for which the givens are put in; the route confirms all of them."""
MAX_RUN = 20_000
"""Epochs, added up over all that are asked, that the route runs one by one."""
MAX_SEARCH = 10_000
MAX_MILESTONES = 50
DRAWN = 200
"""Points of a curve."""
RATE = "rate"


class _Asked(NamedTuple):
    """A schedule in letters, and the givens that stand for them."""

    name: str
    letters: Letters
    g: dict[str, Expr]
    """The givens as letters, or as what they are by default."""
    given: dict[str, Expr]
    """The givens as they were given."""
    milestones: tuple[Expr, ...]
    t: Sym

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    def formula(self, variant: Callable[[dict[str, Expr], Expr], Expr] | None = None) -> Expr:
        """Write the rate at epoch t in letters."""
        return warmed(self.kind, self._with(self.g, self.t), self.t, variant)

    def at(self, t: Expr, variant: Callable[[dict[str, Expr], Expr], Expr] | None = None) -> Expr:
        """Write the rate at an epoch with the givens put in; a float where it is irrational for π."""
        node = fold(warmed(self.kind, self._with(self.given, t), t, variant))
        if names(node) == {PI.name}:
            return Real(float(PLAIN.value(node, {PI.name: pi})))
        return node

    def _with(self, givens: dict[str, Expr], t: Expr) -> dict[str, Expr]:
        return {**givens, "milestones": passed(self.milestones, t)} if self.milestones else givens

    def numbers(self, point: Mapping[str, Any], givens: dict[str, Expr]) -> dict[str, Any]:
        """Compute the givens at a point."""
        found = {name: PLAIN.value(value, point) for name, value in givens.items()}
        return {**found, "milestones": [PLAIN.value(m, point) for m in self.milestones]}

    @property
    def numeric(self) -> bool:
        """True where every given is a number."""
        return not symbols(*self.given.values(), *self.milestones)


def solved(name: str, given: dict[str, Any], epochs: Value, below: Expr | None) -> Solution:
    """Answer for a kind of schedule that takes what is given."""
    asked = _asked(name, given, epochs)
    every = epochs if isinstance(epochs, tuple) else (epochs,)
    listed = [t for t in every if isinstance(t, Expr)]
    rates = tuple(asked.at(t) for t in listed)
    value: Value = rates if isinstance(epochs, tuple) else rates[0]
    answers = [Answer("lr", value, slips=tuple(_slips(asked, listed, alone=isinstance(epochs, Expr))))]
    first = None if below is None else _first_below(asked, below)
    if first is not None and below is not None:
        answers.insert(0, _of_first(asked, first, below))
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(
            (*_steps(asked, listed), *_first_steps(asked, first, below)), _routes(asked, listed, first, below)
        ),
        setting=_setting(asked),
        conventions=tuple(_conventions(asked)),
        assumptions=tuple(_assumptions(asked)),
        notes=tuple(_notes(asked, listed)),
        tables=(Table("schedule", ("epoch", "lr"), lambda: list(zip(listed, rates, strict=True))),)
        if len(listed) > 1
        else (),
        plots=_plots(asked, listed),
    )


def _asked(name: str, given: dict[str, Any], epochs: Value) -> _Asked:
    raw = given.get("milestones")
    milestones = raw if isinstance(raw, tuple) else () if raw is None else (raw,)
    if name == "multi-step" and not milestones:
        raise DlcalcError("multi-step has no --milestones", "add --milestones 30,80")
    if len(milestones) > MAX_MILESTONES or any(isinstance(m, tuple) for m in milestones):
        raise DlcalcError("--milestones is not a short list of epochs", f"give up to {MAX_MILESTONES}, as 30,80")
    wanted = [n for n in ("lr", "warmup", *KINDS[name].takes) if n in LETTERS]
    used = [value for n in wanted if (value := given.get(n)) is not None]
    taken = symbols(*used, *milestones, *(epochs if isinstance(epochs, tuple) else (epochs,)))
    letters = Letters(taken=taken)
    alone = epochs if isinstance(epochs, Sym) else None
    t = letters.letter("t", alone, FEW)
    g: dict[str, Expr] = {}
    real: dict[str, Expr] = {}
    for n in dict.fromkeys(wanted):
        value = given.get(n)
        if n == "warmup" and value is None and n not in KINDS[name].takes:
            continue
        if value is None and n in DEFAULTS and not (name == "step" and n == "step_size"):
            value = DEFAULTS[n]
        letter, domain = LETTERS[n]
        plainly = value is not None and value == (ONE if (name, n) == ("noam", "lr") else DEFAULTS.get(n))
        g[n] = value if plainly and value is not None else letters.letter(letter, value, domain)
        real[n] = g[n] if value is None else value
    for inner in sorted(symbols(*milestones)):
        letters.domains.setdefault(inner, FEW)
    for inner in sorted(taken):
        letters.domains.setdefault(inner, FEW)
    return _Asked(name, letters, g, real, milestones, t)


def _slips(asked: _Asked, listed: list[Expr], *, alone: bool) -> Iterable[Slip]:
    def each(because: str, rate: Callable[[Expr], Expr]) -> Iterable[Slip]:
        try:
            found = tuple(rate(t) for t in listed)
        except DlcalcError:  # a wrong formula may divide by zero where the right one does not
            return
        yield Slip(found[0] if alone else found, because, "formula")

    for because, variant in asked.kind.wrong:
        yield from each(because, lambda t, variant=variant: asked.at(t, variant))  # type: ignore[misc]
    yield from each("that is one epoch late: the first epoch is t = 0", lambda t: asked.at(t - 1))
    yield from each("that is one epoch early: the first epoch is t = 0", lambda t: asked.at(t + 1))


def _steps(asked: _Asked, listed: list[Expr]) -> Iterable[Step]:
    """Write the formula, then put the givens and the first epochs in."""
    formula, target = asked.formula(), Entry(RATE, asked.t)
    because = asked.kind.because
    if "warmup" in asked.g and asked.name != "noam":
        because = f"a warm-up in proportion to the epochs, then: {because}"
    yield Step("formula", target, target, formula, because)
    if asked.name == "natural-exponential" and "warmup" not in asked.g:
        from dlcalc.notation.functions import exp

        factor = exp(-asked.g["decay"]) ** asked.t
        yield Step("factor", target, formula, asked.g["lr"] * factor, "the other reading: the factor is e^(-k)")
    for t in listed[:SHOWN]:
        used, here = _used(asked, t), Entry(RATE, t)
        inserted, value = substitute(formula, used), asked.at(t)
        if plain(inserted) != plain(formula):
            counted = isinstance(t, Num) and t.value <= MAX_RUN // SHOWN
            why = f"at t = {unicode(t)}" if isinstance(t, Num) else "the givens put in"
            yield Step("givens", here, here if counted else formula, inserted, why, where=used)
        if plain(value) != plain(inserted):
            yield Step("value", here, inserted, value, "collected" if symbols(value) else "computed")


def _used(asked: _Asked, t: Expr) -> dict[str, Expr]:
    """Return what stands for the letters of the formula at an epoch."""
    given = {**asked.letters.values, asked.t.name: t}
    return {name: value for name, value in given.items() if value != Sym(name)}


def _setting(asked: _Asked) -> Setting:
    def rate(point: Mapping[str, Any], t: int) -> Any:  # noqa: ANN401 (exact or a float)
        return run(asked.name, asked.numbers(point, asked.g), t)

    letters = asked.letters
    spelled = {s: asked.g[n] for n, every in SPELLINGS.items() if n in asked.g for s in every}
    known = {*letters.domains, RATE, PI.name}
    return Setting(
        domains=letters.domains,
        constraints=tuple(Relation(a, "<", b) for a, b in pairwise(_ordered(asked))),
        definitions={RATE: rate, PI.name: lambda _: pi},
        families=frozenset({RATE}),
        aliases={s: letter for s, letter in spelled.items() if s not in known},
        values={s: asked.given[n] for n, every in SPELLINGS.items() if n in asked.g for s in every},
    )


def _ordered(asked: _Asked) -> list[Expr]:
    """Return what must grow, so that a warm-up leaves epochs to decay."""
    both = [asked.g.get("warmup"), asked.g.get("t_max")]
    return [letter for letter in both if letter is not None and letter != ZERO]


def _routes(asked: _Asked, listed: list[Expr], first: int | None, below: Expr | None) -> tuple[Route, ...]:
    method = "the schedule run epoch by epoch, as an optimiser does it"
    found: list[Route] = []
    small = [t for t in listed if not isinstance(t, Num) or t.value <= MAX_RUN]
    total, kept = 0, []
    for t in small:
        total += int(t.value) if isinstance(t, Num) else 0
        if total <= MAX_RUN:
            kept.append(t)

    def compute(point: Mapping[str, Any]) -> list[Any]:
        numbers = asked.numbers(point, asked.given)
        return [run(asked.name, numbers, int(PLAIN.value(t, point))) for t in kept]

    if kept:
        found.append(Route("lr", method, tuple(asked.at(t) for t in kept), compute))
    if first is not None and below is not None:
        limit = float(PLAIN.value(below, {}))

        def search(point: Mapping[str, Any]) -> int:
            numbers, t = asked.numbers(point, asked.given), asked.kind.first
            while float(run(asked.name, numbers, t)) >= limit and t <= MAX_SEARCH:
                t += 1
            return t

        if first <= FEW_SEARCHED:
            found.append(Route("first_epoch", "every epoch tried, from the first one on", expr(first), search))
    return tuple(found)


FEW_SEARCHED = 300
"""Epochs up to which the search runs the schedule anew for each."""


def _first_below(asked: _Asked, below: Expr) -> int:
    limit = approximate(below)
    if limit is None or not asked.numeric:
        raise DlcalcError("--below needs numbers for all givens of the schedule", "give every one of them a number")
    t = asked.kind.first
    while (approximate(asked.at(expr(t))) or 0.0) >= limit:
        t += 1
        if t > MAX_SEARCH:
            raise DlcalcError(
                f"the rate is not below {plain(below)} within {MAX_SEARCH:,} epochs", "use a larger value"
            )
    return t


def _of_first(asked: _Asked, first: int, below: Expr) -> Answer:
    before = "that is the last epoch that is not below"
    starts = (
        f"the first epoch is t = {asked.kind.first}; at t = {first} the rate is below {plain(below)} for the first time"
    )
    return Answer("first_epoch", expr(first), slips=(Slip(expr(first - 1), before), Slip(expr(first + 1), starts)))


def _first_steps(asked: _Asked, first: int | None, below: Expr | None) -> Iterable[Step]:
    if first is None or below is None:
        return
    target = Sym("first_epoch")
    if first > asked.kind.first:
        before = substitute(asked.formula(), _used(asked, expr(first - 1)))
        yield Step("below", target, before, below, f"not below yet at t = {first - 1}", ">=")
    at = substitute(asked.formula(), _used(asked, expr(first)))
    yield Step("below", target, at, below, f"below at t = {first}", "<")


def _conventions(asked: _Asked) -> Iterable[str]:
    yield asked.kind.says
    yield f"t counts {'steps' if asked.name == 'noam' else 'epochs (or updates)'} from {asked.kind.first}"
    if "warmup" in asked.g and asked.name != "noam":
        yield "linear warm-up: η_0·t/w, so 0 at t = 0 and η_0 at t = w; then the schedule begins"
    if "warmup" in asked.g and "t_max" in asked.g:
        yield "T counts the epochs of the warm-up too: the decay takes T - w"
    if asked.g.get("min") == ZERO:
        yield "the minimum is 0 (--min)"
    if asked.name == "polynomial" and asked.given["power"] == ONE:
        yield "power 1, which is linear decay (--power)"


def _assumptions(asked: _Asked) -> Iterable[str]:
    if "warmup" in asked.g and "t_max" in asked.g and symbols(asked.given["warmup"], asked.given["t_max"]):
        yield f"{unicode(asked.given['warmup'])} < {unicode(asked.given['t_max'])}"


def _notes(asked: _Asked, listed: list[Expr]) -> Iterable[str]:
    total, gamma = asked.given.get("t_max"), asked.given.get("gamma")
    late = [t for t in listed if isinstance(t, Num) and isinstance(total, Num) and t.value > total.value]
    if late and asked.name == "cosine":
        yield f"t = {unicode(late[0])} is behind T = {plain(total or ZERO)}: the cosine rises again there"
    if isinstance(gamma, Num) and gamma.value >= 1:
        yield f"γ = {plain(gamma)} is not below 1: the rate does not decay"
    low, top = asked.given.get("min"), asked.given["lr"]
    if isinstance(low, Num) and isinstance(top, Num) and low.value > top.value:
        yield f"the minimum {plain(low)} is above the first rate {plain(top)}: the rate rises"
    if len(listed) > SHOWN:
        yield f"the first {SHOWN} epochs are written out; all of them are checked"


def _plots(asked: _Asked, listed: list[Expr]) -> tuple[Plot, ...]:
    """Draw the rate over the epochs, where all givens are numbers."""
    if not asked.numeric:
        return ()
    ends = [asked.given.get("t_max"), *listed, *asked.milestones]
    last = max([20, *(int(e.value) for e in ends if isinstance(e, Num))])

    def curves() -> list[Curve]:
        every = max(1, last // DRAWN)
        epochs = range(asked.kind.first, last + 1, every)
        points = ((float(t), approximate(asked.at(expr(t)))) for t in epochs)
        return [Curve("lr", tuple((t, rate) for t, rate in points if rate is not None))]

    return (Plot("learning rate", "step" if asked.name == "noam" else "epoch", "lr", curves),)
