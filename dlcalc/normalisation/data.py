"""Normalisation of given data: statistics, normalised values and outputs of every group, derived and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.normalisation import bruteforce
from dlcalc.normalisation.arrays import rows
from dlcalc.normalisation.moments import over_root
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Sym,
    add,
    div,
    mul,
    number,
)
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain
from dlcalc.solution import POSITIVE, REAL, Answer, Domain, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dlcalc.normalisation.question import Question

SHOWN_GROUPS = 3
"""Groups whose lines are written out."""
SHOWN_ENTRIES = 5
"""Entries whose lines are written out where there is one group."""
FEW_ENTRIES = 2
"""Entries of each group whose lines are written out where there are several."""
MAX_WRITTEN = 12
"""Terms of a mean that are written out."""


def normalised(asked: Question) -> tuple[Expr, ...]:
    """Return x̂ of every entry."""
    return placed(asked, lambda group, i: over_root(group.deviations[i], group.spread))


def outputs(asked: Question) -> tuple[Expr, ...]:
    """Return y of every entry."""
    found: dict[int, Expr] = {}
    for places, group in zip(asked.groups.places, asked.moments, strict=True):
        for place, deviation in zip(places, group.deviations, strict=True):
            gamma = asked.scale(place)
            top = mul(gamma, deviation) if isinstance(gamma, Num) else deviation
            scaled = over_root(top, group.spread)
            found[place] = add(scaled if isinstance(gamma, Num) else mul(gamma, scaled), asked.shift(place))
    return tuple(found[place] for place in range(len(found)))


def placed(asked: Question, value: Callable[[Any, int], Expr]) -> tuple[Expr, ...]:
    """Compute a value for every entry from its group and its position in it."""
    found: dict[int, Expr] = {}
    for places, group in zip(asked.groups.places, asked.moments, strict=True):
        found |= {place: value(group, i) for i, place in enumerate(places)}
    return tuple(found[place] for place in range(len(found)))


def solved(asked: Question, *, suffix: str = "") -> Solution:
    """Answer on data; a suffix tells a second batch apart."""
    hats, ys = normalised(asked), outputs(asked)
    lengths = asked.data.lengths
    labels = {"xhat": Sym("x_hat"), "y": Sym("y"), "sigma2": Sym("sigma2")}
    answers = [
        Answer(f"y{suffix}", rows(ys, lengths), None if suffix else labels["y"], slips=tuple(_output_slips(asked))),
        Answer(f"xhat{suffix}", rows(hats, lengths), None if suffix else labels["xhat"], slips=tuple(_slips(asked))),
    ]
    if asked.centred:
        answers.append(
            Answer(f"mu{suffix}", asked.each([m.mean for m in asked.moments]), None if suffix else Sym("mu"))
        )
    spread = asked.each([m.variance for m in asked.moments])
    slips = tuple(_variance_slips(asked))
    label = labels["sigma2"] if asked.centred and not suffix else None
    answers.append(Answer(f"{asked.spread_name}{suffix}", spread, label, slips=slips))
    if asked.centred:
        answers += [Answer(f"{name}{suffix}", asked.each(value)) for name, value in _statistics(asked).items()]
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps(asked)), tuple(_routes(asked, answers, suffix))),
        setting=setting_of(asked),
        tables=tuple(_tables(asked, hats, ys, suffix)),
    )


def _statistics(asked: Question) -> dict[str, list[Expr]]:
    """Return mean and variance of x̂ and, where a group has one scale and shift, of the output."""
    ratios = [ratio(m.variance, m.spread) for m in asked.moments]
    found: dict[str, list[Expr]] = {"mean_xhat": [ZERO] * len(ratios), "var_xhat": ratios}
    first = [places[0] for places in asked.groups.places]
    one = all(
        asked.scale(p) == asked.scale(places[0]) and asked.shift(p) == asked.shift(places[0])
        for places in asked.groups.places
        for p in places
    )
    if one:
        found["mean_y"] = [asked.shift(p) for p in first]
        found["var_y"] = [asked.scale(p) ** 2 * r for p, r in zip(first, ratios, strict=True)]
    return found


def ratio(variance: Expr, spread: Expr) -> Expr:
    """Return σ²/(σ² + ε); 1 where ε is 0."""
    return ONE if variance == spread else div(variance, spread)


# the derivation


def steps(asked: Question) -> Iterator[Step]:
    """Derive statistics, normalised values and outputs of the first groups."""
    for index, places in enumerate(asked.groups.places[:SHOWN_GROUPS], 1):
        yield from _group(asked, index, places)


def _said(asked: Question, index: int) -> str:
    return f" of {asked.groups.unit} {index}" if asked.several else ""


def _named(asked: Question, name: str, index: int) -> Expr:
    return Entry(name, number(index)) if asked.several else Sym(name)


def _group(asked: Question, index: int, places: tuple[int, ...]) -> Iterator[Step]:
    group, said = asked.moments[index - 1], _said(asked, index)
    several, count = len(places) <= MAX_WRITTEN, number(len(places))
    if asked.centred:
        written = average(group.entries) if several else None
        yield from _chain(f"mean-{index}", _named(asked, "mu", index), written, group.mean, f"the mean{said}")
        because = f"the variance{said}: squared deviations, divided by {plain(count)} (biased)"
    else:
        because = f"the mean of the squares{said}; no mean is subtracted"
    squares = tuple(squared(less(x, group.mean)) for x in group.entries)
    written = average(squares) if several else None
    name = _named(asked, asked.spread_family if asked.several else asked.spread_name, index)
    yield from _chain(f"variance-{index}", name, written, group.variance, because)
    plain_output = all(asked.scale(p) == ONE and asked.shift(p) == ZERO for p in places)
    for i, place in enumerate(places[: FEW_ENTRIES if asked.several else SHOWN_ENTRIES], 1):
        yield from _entry(asked, (index, i), place, with_output=not plain_output)
    if asked.centred and several and len(places) > 1:
        yield from _moments_after(group, index, said)


def _entry(asked: Question, where: tuple[int, int], place: int, *, with_output: bool) -> Iterator[Step]:
    index, i = where
    group = asked.moments[index - 1]
    suffix = str(index) if asked.several else ""
    root = call("sqrt", Add((group.variance, asked.eps)) if asked.eps != ZERO else group.variance)
    hat = over_root(group.deviations[i - 1], group.spread)
    written = Div(less(group.entries[i - 1], group.mean), root)
    below = "σ² + ε" if asked.centred else "mean square + ε"
    because = f"divided by √({below}), ε = {plain(asked.eps)}" if i == 1 else "likewise"
    yield from _chain(f"xhat-{index}-{i}", Entry(f"x_hat{suffix}", number(i)), written, hat, because)
    if with_output:
        scaled = Add((Mul((asked.scale(place), hat)), asked.shift(place)))
        why = "scaled by γ, shifted by β" if i == 1 else "likewise"
        value = outputs(asked)[place] if len(asked.data.entries) <= MAX_WRITTEN else _output(asked, place, index, i)
        yield from _chain(f"y-{index}-{i}", Entry(f"y{suffix}", number(i)), scaled, value, why)


def _output(asked: Question, place: int, index: int, i: int) -> Expr:
    group, gamma = asked.moments[index - 1], asked.scale(place)
    if isinstance(gamma, Num):
        return add(over_root(mul(gamma, group.deviations[i - 1]), group.spread), asked.shift(place))
    return add(mul(gamma, over_root(group.deviations[i - 1], group.spread)), asked.shift(place))


def _moments_after(group: Any, index: int, said: str) -> Iterator[Step]:  # noqa: ANN401
    hats = [over_root(d, group.spread) for d in group.deviations]
    mean, variance = average(tuple(hats)), average(tuple(squared(h) for h in hats))
    yield from _chain(f"mean-xhat-{index}", Sym("mean_xhat"), mean, ZERO, f"x̂{said} has mean 0", start=mean)
    after = ratio(group.variance, group.spread)
    because = f"the variance of x̂{said} is σ²/(σ² + ε)"
    yield from _chain(f"var-xhat-{index}", Sym("var_xhat"), variance, after, because, start=variance)


def _chain(  # noqa: PLR0913 (a line of a derivation)
    rule: str, target: Expr, written: Expr | None, value: Expr, because: str, *, start: Expr | None = None
) -> Iterator[Step]:
    """Write what a name is, then its value."""
    if start is not None:
        yield Step(rule, target, start, value, because)
        return
    if written is None or plain(written) == plain(value):
        yield Step(rule, target, target, value, because)
        return
    yield Step(rule, target, target, written, because)
    yield Step(f"{rule}-value", target, written, value, "computed" if not symbols(value) else "collected")


def average(terms: tuple[Expr, ...]) -> Expr:
    """Write a mean without computing it."""
    return Div(Add(terms), number(len(terms))) if len(terms) > 1 else terms[0]


def less(x: Expr, mean: Expr) -> Expr:
    """Write a difference without computing it."""
    if mean == ZERO:
        return x
    return Add((x, number(-mean.value) if isinstance(mean, Num) else Mul((MINUS_ONE, mean))))


def squared(x: Expr) -> Expr:
    """Write a square without computing it."""
    return Pow(x, number(2))


# checks


def setting_of(asked: Question) -> Setting:
    """Say what the names stand for; statistics are found by Python's own, on the entries of each group."""
    found: dict[str, Callable[..., Any]] = {}
    families = set()

    def group_at(point: Mapping[str, Any], index: int) -> list[Any]:
        return [PLAIN.value(asked.data.entries[p], point) for p in asked.groups.places[index - 1]]

    def mean(point: Mapping[str, Any], index: int = 1) -> Any:  # noqa: ANN401
        return bruteforce.average(group_at(point, index))

    def spread(point: Mapping[str, Any], index: int = 1) -> Any:  # noqa: ANN401
        entries = group_at(point, index)
        return bruteforce.scatter(entries) if asked.centred else bruteforce.average([x * x for x in entries])

    def entry(index: int, *, affine: bool) -> Callable[..., Any]:
        def compute(point: Mapping[str, Any], i: int) -> Any:  # noqa: ANN401
            x = bruteforce.entries_at(asked, point)
            found = bruteforce.forward(asked, x, point, affine=affine).ravel()
            return found[asked.groups.places[index - 1][i - 1]]

        return compute

    found["mu"] = mean
    if asked.several:
        found[asked.spread_family] = spread
        families |= {"mu", asked.spread_family}
    else:
        found[asked.spread_name] = spread
    for index in range(1, min(SHOWN_GROUPS, len(asked.groups.places)) + 1):
        suffix = str(index) if asked.several else ""
        for name in (f"x_hat{suffix}", f"y{suffix}"):
            families.add(name)
            found[name] = entry(index, affine=name.startswith("y"))
    return Setting(
        domains=domains_of(asked),
        definitions=found,
        families=frozenset(families),
        aliases={"eps": asked.eps, "xhat": Sym("x_hat")} if not symbols(asked.eps) & {"eps"} else {},
        display={"sigma2": "σ²"},
    )


def domains_of(asked: Question) -> dict[str, Domain]:
    """Say where the symbols of the givens are sampled."""
    given = symbols(*asked.data.entries, *asked.gamma, *asked.beta)
    return dict.fromkeys(sorted(given), REAL) | dict.fromkeys(sorted(symbols(asked.eps)), POSITIVE)


def _routes(asked: Question, answers: Iterable[Answer], suffix: str) -> Iterator[Route]:
    y, hat = tuple(answers)[:2]
    yield Route(y.name, "NumPy's mean along axes, on the whole array", y.value, bruteforce.outputs(asked))
    one = asked._replace(gamma=(ONE,) * len(asked.gamma), beta=(ZERO,) * len(asked.beta))
    yield Route(hat.name, "the same without scale and shift", hat.value, bruteforce.outputs(one))
    statistics = {
        "mu": ("Python's statistics.mean", _statistic(asked, bruteforce.average)),
        "sigma2": ("Python's statistics.pvariance", _statistic(asked, bruteforce.scatter)),
        "mean_square": ("the squares added up in Python", _statistic(asked, _mean_square)),
    }
    for answer in tuple(answers)[2:]:
        name = answer.name.removesuffix(suffix)
        method, compute = statistics.get(name) or ("NumPy, on the normalised array", _after(asked, name))
        yield Route(answer.name, method, answer.value, compute)


def _mean_square(entries: list[Any]) -> Any:  # noqa: ANN401
    return sum(x * x for x in entries) / len(entries)


def _statistic(asked: Question, function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda p: [
        function([PLAIN.value(asked.data.entries[place], p) for place in places]) for places in asked.groups.places
    ]


def _after(asked: Question, name: str) -> Callable[..., Any]:
    def compute(point: Mapping[str, Any]) -> list[Any]:
        x = bruteforce.entries_at(asked, point)
        found = bruteforce.forward(asked, x, point, affine="_y" in name).ravel()
        chosen = [found[list(places)] for places in asked.groups.places]
        return [
            float(part.mean() if name.startswith("mean") else ((part - part.mean()) ** 2).mean()) for part in chosen
        ]

    return compute


# tables and slips


def _tables(asked: Question, hats: tuple[Expr, ...], ys: tuple[Expr, ...], suffix: str) -> Iterator[Table]:
    if suffix or (not asked.several and len(hats) <= SHOWN_ENTRIES):
        return
    unit = asked.groups.unit.split()[0]

    def make() -> Iterator[tuple[Any, ...]]:
        for index, places in enumerate(asked.groups.places, 1):
            for place in places:
                yield (index, asked.data.entries[place], _short(hats[place]), _short(ys[place]))

    yield Table("entries", (unit, "x", "xhat", "y"), make, brief=("x", "xhat", "y"))


def _short(value: Expr) -> Expr | str:
    from dlcalc.notation.evaluate import approximate

    found = None if isinstance(value, Num) else approximate(value)
    return value if found is None else f"{found:.6g}"


def _other(asked: Question, spreads: Iterable[Expr], *, affine: bool) -> tuple[Expr, ...]:
    """Return the outputs that other variances give."""
    changed = tuple(m._replace(spread=s) for m, s in zip(asked.moments, spreads, strict=True))
    new = asked._replace(moments=changed)
    return outputs(new) if affine else normalised(new)


def _slips(asked: Question, *, affine: bool = False) -> Iterator[Slip]:
    from dlcalc.normalisation.question import question

    lengths, first = asked.data.lengths, "variance-1"

    def slip(spreads: Iterable[Expr], because: str) -> Iterator[Slip]:
        spreads = tuple(spreads)
        if ZERO not in spreads:
            yield Slip(rows(_other(asked, spreads, affine=affine), lengths), because, first)

    if asked.eps != ZERO:
        yield from slip((m.variance for m in asked.moments), "ε is missing under the root")
    counts = [len(places) for places in asked.groups.places]
    if asked.centred and min(counts) > 1:
        unbiased = (m.variance * n / (n - 1) + asked.eps for m, n in zip(asked.moments, counts, strict=True))
        yield from slip(unbiased, "the variance for normalising is biased: divide by n, not by n − 1")
    yield from slip((m.spread**2 for m in asked.moments), "divided by the variance, not by its root")
    if len(lengths) == 2 and asked.kind in {"batch", "layer", "rms"}:  # noqa: PLR2004 (rows and columns)
        from dlcalc.errors import DlcalcError

        over = asked.groups.over.endswith("0")
        try:
            turned = question(asked.kind, asked.data, asked.eps, (1,) if over else (0,))
        except DlcalcError:
            return
        hats = normalised(turned)
        if affine:
            hats = tuple(asked.scale(p) * h + asked.shift(p) for p, h in enumerate(hats))
        yield Slip(rows(hats, lengths), f"the wrong axis: the mean runs over {asked.groups.over}", "mean-1")


def _output_slips(asked: Question) -> Iterator[Slip]:
    lengths = asked.data.lengths
    yield from _slips(asked, affine=True)
    hats = normalised(asked)
    if any(b != ZERO for b in asked.beta):
        scaled = tuple(asked.scale(p) * h for p, h in enumerate(hats))
        yield Slip(rows(scaled, lengths), "the shift β is forgotten")
    if any(g != ONE for g in asked.gamma):
        shifted = tuple(h + asked.shift(p) for p, h in enumerate(hats))
        yield Slip(rows(shifted, lengths), "the scale γ is forgotten")
    deviations = placed(asked, lambda group, i: group.deviations[i])
    back = tuple(d + asked.shift(p) for p, d in enumerate(deviations))
    yield Slip(rows(back, lengths), "σ stands in place of the scale γ: the division is undone")


def _variance_slips(asked: Question) -> Iterator[Slip]:
    counts = [len(places) for places in asked.groups.places]
    if min(counts) > 1 and asked.centred:
        unbiased = [m.variance * n / (n - 1) for m, n in zip(asked.moments, counts, strict=True)]
        yield Slip(asked.each(unbiased), "the variance for normalising is biased: divide by n, not by n − 1")
    yield Slip(asked.each([call("sqrt", m.variance) for m in asked.moments]), "that is the standard deviation")
    sums = [m.variance * n for m, n in zip(asked.moments, counts, strict=True)]
    yield Slip(asked.each(sums), "that is the sum of the squares, not their mean")
