"""The answers: the last values of a path, the update itself, or closed forms for a constant gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Entry, Expr, Num, Real, Sym, fold, number, substitute
from dlcalc.notation.printing import Value, plain
from dlcalc.plot import Curve, Plot
from dlcalc.solution import Answer, Slip, symbols, verdict
from dlcalc.table import Table
from dlcalc.topics.optimizer.question import T, given_in
from dlcalc.topics.optimizer.rules import rule_of
from dlcalc.topics.optimizer.running import Row, run
from dlcalc.topics.optimizer.verdicts import verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.table import Cell
    from dlcalc.topics.optimizer.field import Vector
    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.rules import Form, Rule

NAMED = {"theta_tilde": "look_ahead"}
"""Answers that are not called like what they are in the equations."""
LONG = 12
"""Characters up to which a number stands exactly in a table."""
MAX_SLIPS = 20
"""Updates up to which common wrong answers are computed too."""
FALLS = "a sum of squares never shrinks, so the rate never grows; the step, rate times gradient, still can"


def path_answers(asked: Question, rows: list[Row], wrong: Sequence[tuple[Row, str]] = ()) -> tuple[Answer, ...]:
    """Answer with everything at the last update, the parameters first; the slips are last rows of mistaken runs."""
    last = rows[-1]

    def slips(name: str, pick: Callable[[Vector], Value]) -> tuple[Slip, ...]:
        right = pick(last[name])
        values = ((pick(row[name]), because) for row, because in wrong if name in row)
        return tuple(Slip(value, because, name) for value, because in values if value != right)

    def answer(name: str, base: str, pick: Callable[[Vector], Value], place: int | None = None) -> Answer:
        index = number(asked.first + len(rows) - 2)
        family = asked.family(base, place or 0) if place is not None or asked.width == 1 else base
        return Answer(name, pick(last[base]), None if base == "loss" else Entry(family, index), slips=slips(base, pick))

    found: list[Answer] = []
    order = ["theta", *(name for name in last if name not in {"theta", "loss"} and (name != "g" or asked.field))]
    for base in order:
        if asked.names:
            for place, name in enumerate(asked.names):
                called = name if base == "theta" else f"{NAMED.get(base, base)}_{name}"
                found.append(answer(called, base, lambda v, i=place: v[i], place))  # type: ignore[misc]  # mypy takes no default
        else:
            found.append(answer(NAMED.get(base, base), base, _unwrapped))
    if "loss" in last:
        found.append(answer("loss", "loss", _unwrapped))
    if asked.count > 1:
        found.append(Answer("path", tuple(_unwrapped(row["theta"]) for row in rows[1:])))
    if asked.rule.name == "adagrad" and asked.count > 1:
        found.append(verdict("rate_never_increases", holds=True, otherwise=FALLS))
    return (*found, *verdicts(asked, rows))


def _unwrapped(vector: Vector) -> Value:
    return vector[0] if len(vector) == 1 else vector


def wrong_paths(asked: Question, form: Form) -> list[tuple[Row, str]]:
    """Run the rule as it is often mistaken; the last row of each, and what the mistake is."""
    if asked.count > MAX_SLIPS:
        return []
    found = []
    for rule, because in _mistaken_rules(asked, form):
        try:
            found.append((run(replace(asked, rule=rule))[-1], because))
        except DlcalcError:  # the mistaken rule may divide by 0
            continue
    return found


def _mistaken_rules(asked: Question, form: Form) -> Iterator[tuple[Rule, str]]:
    """Write the rule as it is often mistaken: in another form, or with an equation misremembered."""
    for wrong, because in _mistaken(asked.rule.name, form):
        rule = rule_of(asked.rule.name, wrong)
        if set(rule.settings) <= set(asked.letters):
            yield rule, because
    gradient = "d[t]" if "d" in asked.equations else "g[t]"
    for right, wrong_text, because in _MISREMEMBERED:
        old, new = (text.replace("g[t]", gradient) for text in (right, wrong_text))
        equations = tuple(e._replace(text=e.text.replace(old, new)) for e in asked.rule.equations)
        if equations != asked.rule.equations:
            yield replace(asked.rule, equations=equations), because


_MISREMEMBERED = (
    ("theta[t-1] - eta", "theta[t-1] + eta", "the step is against the gradient: it is subtracted"),
    ("theta[t-1] + v[t]", "theta[t-1] - v[t]", "the velocity has its sign already: it is added"),
    ("theta[t-1] - v[t]", "theta[t-1] + v[t]", "the velocity is subtracted"),
    ("mu v[t-1] - eta g[t]", "mu v[t-1] + eta g[t]", "the velocity goes against the gradient"),
    ("mu v[t-1] + ", "", "the old velocity is forgotten"),
    ("- eta v[t]", "- eta v[t-1]", "θ moves by the new velocity, not by the old one"),
    ("+ v[t]", "+ v[t-1]", "θ moves by the new velocity, not by the old one"),
    (
        "mu v[t-1] + (1 - mu) g[t]",
        "(1 - mu) v[t-1] + mu g[t]",
        "the weights are swapped: the old velocity keeps the share μ",
    ),
    (
        "rho v[t-1] + (1 - rho) g[t]^2",
        "(1 - rho) v[t-1] + rho g[t]^2",
        "the weights are swapped: the old mean keeps the share ρ",
    ),
    (
        "beta1 m[t-1] + (1 - beta1) g[t]",
        "(1 - beta1) m[t-1] + beta1 g[t]",
        "the weights are swapped: the old mean keeps the share β1",
    ),
    (
        "beta2 v[t-1] + (1 - beta2) g[t]^2",
        "(1 - beta2) v[t-1] + beta2 g[t]^2",
        "the weights are swapped: the old mean keeps the share β2",
    ),
    ("(1 - rho) g[t]^2", "g[t]^2", "the new square has the weight 1 - ρ"),
    ("(1 - beta1) g[t]", "g[t]", "the new gradient has the weight 1 - β1"),
    ("(1 - beta2) g[t]^2", "g[t]^2", "the new square has the weight 1 - β2"),
    ("g[t]^2", "g[t]", "the gradient is squared"),
    ("G[t-1] + ", "", "the squares of the earlier gradients are forgotten"),
    ("sqrt(v[t])", "v[t]", "the root is missing"),
    ("sqrt(v_hat[t])", "v_hat[t]", "the root is missing"),
    ("sqrt(G[t])", "G[t]", "the root is missing"),
)
"""Parts of the equations, how they are misremembered, and what is right."""


def _mistaken(name: str, form: Form) -> Iterator[tuple[Form, str]]:
    if name in {"adam", "adamw", "adamax"}:
        done = "the bias is not corrected" if form.corrected else "the bias is corrected, which was not asked"
        yield form._replace(corrected=not form.corrected), done
    if name in {"adam", "adamw", "adagrad", "rmsprop"}:
        other = "inside" if form.place != "inside" else "outside"
        yield form._replace(place=other), f"ε stands {other} the root"
    if name in {"momentum", "nesterov"}:
        for velocity in ("pytorch", "course", "subtract", "ema"):
            if velocity != form.velocity:
                yield form._replace(velocity=velocity), f"that is the form --velocity {velocity}"


def updates_table(asked: Question, rows: list[Row]) -> Table:
    """Tabulate every value at every update."""
    shown = [
        name
        for name in ("theta_tilde", "g", "d", *asked.rule.states, "m_hat", "v_hat", "theta", "loss")
        if name in rows[-1]
    ]
    columns = [(name, place) for name in shown for place in (asked.places if name != "loss" else range(1))]
    heads = tuple(NAMED.get(name, name) if name == "loss" else asked.family(name, place) for name, place in columns)

    def make() -> Iterator[tuple[Cell, ...]]:
        for t, row in enumerate(rows, asked.first - 1):
            yield (t, *(_cell(row[name][place]) if name in row else None for name, place in columns))

    brief = ("t", *(head for head, (name, _) in zip(heads, columns, strict=True) if name in {"theta", "loss"}))
    return Table("updates", ("t", *heads), make, brief)


def _cell(value: Expr) -> Expr:
    """Write a number in a table: exactly while it is short, else ten digits of it."""
    found = approximate(value)
    if found is None or (isinstance(value, Num) and len(plain(value)) <= LONG):
        return value
    return Real(float(f"{found:.10g}"))


def plots(asked: Question, rows: list[Row]) -> tuple[Plot, ...]:
    """Plot the parameters over the updates, the loss over them, and the path of two parameters."""
    if symbols(*(row["theta"] for row in rows)):
        return ()
    times = [float(t) for t in range(asked.first - 1, asked.first + asked.count)]
    names = [asked.family("theta", i) for i in asked.places]

    def component(place: int) -> list[float]:
        return [approximate(row["theta"][place]) or 0.0 for row in rows]

    def curves() -> list[Curve]:
        return [Curve(name, tuple(zip(times, component(i), strict=True))) for i, name in enumerate(names)]

    found = [Plot(f"{asked.rule.name}: the parameters", "update t", ", ".join(names[:3]), curves)]
    if "loss" in rows[-1]:
        losses = [asked.field.loss_at(row["theta"]) if asked.field else None for row in rows]
        values = [approximate(loss) if loss is not None else None for loss in losses]
        points = tuple((t, v) for t, v in zip(times, values, strict=True) if v is not None)
        found.append(Plot(f"{asked.rule.name}: the loss", "update t", "loss", lambda: [Curve("loss", points)]))
    if asked.width == 2:  # noqa: PLR2004 (a plane)
        pair = tuple(zip(component(0), component(1), strict=True))
        found.append(Plot(f"{asked.rule.name}: the path", names[0], names[1], lambda: [Curve("path", pair)]))
    return tuple(found)


# the update itself


def general_answers(asked: Question, form: Form) -> tuple[Answer, ...]:
    """Answer with the equations, the parameters first."""
    order = ["theta", *(name for name in asked.equations if name != "theta")]
    found = [
        Answer(NAMED.get(name, name), given_in(asked, name), Entry(name, T), slips=_general_slips(asked, form, name))
        for name in order
    ]
    if asked.rule.name == "adagrad":
        found.append(verdict("rate_never_increases", holds=True, otherwise=FALLS))
    return tuple(found)


def _general_slips(asked: Question, form: Form, name: str) -> tuple[Slip, ...]:
    """Return the equation as it is often mistaken."""
    found = []
    for rule, because in _mistaken_rules(asked, form):
        texts = {e.name: e.text for e in rule.equations}
        if name in texts:
            found.append(Slip(fold(substitute(asked.written(texts[name]), dict(asked.values))), because, name))
    return tuple(slip for slip in found if slip.value != given_in(asked, name))


def spellings(asked: Question, answer: str, last: Expr) -> Mapping[str, Expr]:
    """Say what an answer may call things; `m` is the old one in the answer for m, the new one in the others."""
    found: dict[str, Expr] = {}
    for letter, written in _SPELLINGS.items():
        own = asked.letters.get(letter)
        if own is not None:
            found |= dict.fromkeys(written, asked.values.get(own.name, own))
    if asked.framework == "course":
        found.pop("eps", None)
        found |= {"eps": asked.letters["eta"]} if asked.letters["eta"] == Sym("epsilon") else {}
        found.pop("alpha", None)
    if asked.general:
        found |= {
            "g": Entry("g", T),
            "w": Entry("theta", T - 1),
            "theta_old": Entry("theta", T - 1),
            "grad": Entry("g", T),
        }
        found["theta"] = found["w"]
        for name in (*asked.rule.states, "m_hat", "v_hat", "theta_tilde", "delta", "theta_bar"):
            if name in asked.equations:
                meant = Entry(name, T - 1 if name == answer else T)
                found |= {name: meant, f"{name}_old": Entry(name, T - 1), f"{name}_new": Entry(name, T)}
                found |= dict.fromkeys(_STATES.get(name, ()), meant)
    elif isinstance(last, Num):
        found["t"] = last
    return {name: value for name, value in found.items() if name not in asked.domains}


_SPELLINGS = {
    "eta": ("lr", "eta", "alpha", "gamma", "learning_rate", "a"),
    "epsilon": ("eps", "epsilon", "nu", "delta"),
    "beta1": ("b1", "beta1"),
    "beta2": ("b2", "beta2"),
    "mu": ("mu", "momentum", "beta"),
    "rho": ("rho", "beta", "decay_rate"),
    "lambda": ("lambda", "wd", "weight_decay", "lam"),
    "tau": ("tau", "dampening"),
}
"""What answers may call a setting, whatever was given for it."""
_STATES = {
    "G": ("G", "a", "r", "s", "acc"),
    "v": ("v", "s", "r"),
    "m": ("m",),
    "u": ("u",),
    "m_hat": ("mhat",),
    "v_hat": ("vhat",),
}
"""What answers may call a state."""
