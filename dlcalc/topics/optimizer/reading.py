"""Givens read into a question; what is impossible or contradicts itself is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.derivation import Letters
from dlcalc.entries import listed
from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import dashed, named_parts, read_scalar, read_values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Sym, expr
from dlcalc.notation.patterns import compiled
from dlcalc.notation.printing import Value, plain
from dlcalc.notation.tokens import spelled
from dlcalc.solution import POSITIVE, UNIT, Domain, symbols
from dlcalc.topics.optimizer.field import USUAL, Field, read_field
from dlcalc.topics.optimizer.question import FAMILIES, Question
from dlcalc.topics.optimizer.rules import ACCUMULATED, COURSE, DEFAULTS, PLACE, Form, rule_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.topics.optimizer.field import Vector
    from dlcalc.topics.optimizer.rules import Rule

MAX_UPDATES = 1_000
MAX_NUMBERS = 5_000
"""Updates times parameters."""
MAX_NUMBER = 1_000_000
"""The largest number that the first update may have: bias corrections raise to it."""
OPTIONS = {
    "eta": "lr", "epsilon": "eps", "mu": "momentum", "tau": "dampening", "rho": "rho", "beta1": "beta1",
    "beta2": "beta2", "lambda": "decay",
}  # fmt: skip
"""The option of every letter."""
FRACTIONS = ("mu", "rho", "beta1", "beta2")
"""The letters that lie in 0 ≤ β < 1."""
STATES = {"v": "v0", "m": "m0", "u": "u0", "G": "accumulator"}
SQUARES = ("v", "u", "G")
"""States that are never negative, but for a velocity."""


@dataclass(frozen=True)
class Givens:
    """What was handed in."""

    rule: str
    framework: str
    settings: Mapping[str, Expr | None]
    """By letter."""
    states: Mapping[str, Value | None]
    """By name."""
    gradients: Value | None
    gradient: object
    loss: str | None
    theta0: object
    at: object
    updates: Expr | None
    first: Expr
    velocity: str | None
    place: str | None
    corrected: bool
    complement: bool


def question_of(given: Givens) -> tuple[Question, Form]:
    """Fit the givens together.

    Raises DlcalcError for settings that the rule does not have or that are out of range, and for lengths that differ.
    """
    form = _form(given)
    rule = rule_of(given.rule, form)
    _refuse_foreign(given, rule)
    start = _start(given.theta0)
    field, rows, start = _gradients(given, start)
    names = tuple(start) if len(start) > 1 else ()
    theta = tuple(x for vector in start.values() for x in vector)
    first = _first(given.first)
    updates = _updates(given, rows, field)
    settings, taken = _settings(given, rule, numeric=_numeric(rows, field, theta))
    states = {name: _state(given, name, len(theta), rule) for name in rule.states}
    letters, values, domains = _lettered(given, settings, [theta, *states.values(), *rows], updates, field)
    asked = Question(
        rule,
        given.framework,
        letters,
        values,
        domains,
        {"theta": theta, **states},
        first,
        updates,
        rows,
        field,
        names,
        taken,
    )
    _refuse_endless(asked)
    return asked, form


# the form


def _form(given: Givens) -> Form:
    name, framework = given.rule, given.framework
    velocity = given.velocity or framework
    if given.velocity is not None and name not in {"momentum", "nesterov"}:
        raise DlcalcError(f"--velocity {given.velocity} is for momentum and nesterov, not {name}", "leave it out")
    place = given.place or PLACE[framework].get(name, "outside")
    if given.place == "hat" and name not in {"adam", "adamw"}:
        raise DlcalcError(f"--eps-place hat is for adam and adamw, not {name}", "use outside or inside")
    if given.place is not None and name in {"sgd", "momentum", "nesterov", "adadelta"}:
        raise DlcalcError(f"--eps-place has no meaning for {name}", "leave it out")
    if not given.corrected and name not in {"adam", "adamw", "adamax"}:
        raise DlcalcError(f"{name} has no bias correction", "leave --no-bias-correction out")
    tau = given.settings["tau"]
    if tau not in {None, ZERO} and (name != "momentum" or velocity != "pytorch"):
        raise DlcalcError(
            "--dampening is PyTorch's, for momentum", "leave it out, or use --rule momentum --velocity pytorch"
        )
    damped, decayed = (given.settings[name] not in {None, ZERO} for name in ("tau", "lambda"))
    return Form(framework, velocity, place, given.corrected, decayed, damped, damped and given.states["v"] is None)


def _refuse_foreign(given: Givens, rule: Rule) -> None:
    """Refuse a setting or a state that the rule does not have."""
    for letter, value in given.settings.items():
        if value is not None and letter not in rule.settings and not (letter in {"tau", "lambda"} and value == ZERO):
            known = ", ".join(f"--{OPTIONS[name]}" for name in rule.settings)
            raise DlcalcError(f"{given.rule} has no --{OPTIONS[letter]}", f"it takes {known}")
    for name, state in given.states.items():
        if state is not None and name not in rule.states:
            known = " and ".join(f"--{STATES[s]}" for s in rule.states) or "--theta0 alone"
            raise DlcalcError(
                f"{given.rule} keeps no {name}: --{STATES[name]} has no meaning", f"it starts from {known}"
            )


# where it starts


def _start(raw: object) -> dict[str, Vector]:
    """Read theta0: a number, a list, or several names with numbers; under an empty name where none is given."""
    if isinstance(raw, str) and "=" in raw:
        raw = named_parts("--theta0", raw, "w=1,b=2 or w=[1,2]")
    if isinstance(raw, dict):
        if not raw:
            raise DlcalcError("--theta0 has no names", "write w=1,b=2")
        return {spelled(str(name)): _vector("theta0", value) for name, value in raw.items()}
    return {"": (Sym("theta0"),)} if raw is None else {"": _vector("theta0", raw)}


def _vector(name: str, raw: object) -> Vector:
    return listed(f"--{dashed(name)}", read_values(name, raw), "give a number or one list")


def _state(given: Givens, name: str, width: int, rule: Rule) -> Vector:
    """Read a state before the first update; 0 unless given."""
    raw = given.states[name]
    if raw is None and name == "G":
        return (read_scalar("accumulator", ACCUMULATED.get(given.framework, "0")),) * width
    vector = (ZERO,) if raw is None else _vector(STATES[name], raw)
    if len(vector) not in {1, width}:
        raise DlcalcError(
            f"--{STATES[name]} has {len(vector)} numbers, theta has {width}", f"give {width}, or one for all"
        )
    squares = name in SQUARES and not (name == "v" and rule.name in {"momentum", "nesterov"})
    for value in vector:
        if squares and (approximate(value) or 0) < 0:
            raise DlcalcError(f"--{STATES[name]} {plain(value)} is negative, and it adds up squares", "use 0 or more")
    return vector * width if len(vector) == 1 else vector


# where the gradients come from


def _gradients(given: Givens, start: dict[str, Vector]) -> tuple[Field | None, tuple[Vector, ...], dict[str, Vector]]:
    """Read the gradients: a function of the parameters, a row per update, or one row for all updates."""
    said = [
        name
        for name, value in (("--gradients", given.gradients), ("--gradient", given.gradient), ("--loss", given.loss))
        if value is not None
    ]
    if len(said) > 1:
        raise DlcalcError(f"{' and '.join(said)} both say what the gradients are", "keep one of them")
    if given.at is not None and given.loss is None and not isinstance(given.gradient, str):
        raise DlcalcError("--at gives data, but there is no --loss", "leave it out, or add --loss")
    if given.loss is not None:
        field = read_field(given.loss, start, given.at, loss=True)
        return field, (), start
    if isinstance(given.gradient, str) and _is_function(given.gradient, start):
        return read_field(given.gradient, start, given.at, loss=False), (), start
    width = sum(map(len, start.values()))
    if given.gradient is not None:
        row = _vector("gradient", given.gradient)
        start = _widened(start, len(row), given)
        return None, (_fitting(row, start),), start
    if given.gradients is not None:
        rows = _rows(given.gradients, width)
        start = _widened(start, len(rows[0]), given)
        return None, tuple(_fitting(row, start) for row in rows), start
    if given.theta0 is not None or any(state is not None for state in given.states.values()):
        letters = tuple(Sym(f"g{i + 1}" if width > 1 else "g") for i in range(width))
        return None, (letters,), start
    return None, (), start


def _is_function(text: str, start: Mapping[str, Vector]) -> bool:
    words = {spelled(word) for word in compiled(r"[^\W\d]\w*").findall(text)}
    return bool(words & {*USUAL, *(name for name in start if name)})


def _rows(gradients: Value, width: int) -> tuple[Vector, ...]:
    parts = (gradients,) if isinstance(gradients, Expr) else gradients
    flat = tuple(part for part in parts if isinstance(part, Expr))
    if len(flat) < len(parts):
        return tuple(tuple(g for g in row if isinstance(g, Expr)) for row in parts if isinstance(row, tuple))
    return (flat,) if width > 1 else tuple((g,) for g in flat)


def _widened(start: dict[str, Vector], width: int, given: Givens) -> dict[str, Vector]:
    """Give a parameter that nobody described as many components as its gradients have."""
    if given.theta0 is not None or width == 1:
        return start
    return {"": tuple(Sym(f"theta0_{i + 1}") for i in range(width))}


def _fitting(row: Vector, start: Mapping[str, Vector]) -> Vector:
    width = sum(map(len, start.values()))
    if len(row) != width:
        raise DlcalcError(
            f"a gradient has {len(row)} number{'s' * (len(row) > 1)}, theta has {width}",
            'give one list per update, separated by ";", each as long as --theta0',
        )
    return row


def _numeric(rows: tuple[Vector, ...], field: Field | None, theta: Vector) -> bool:
    """Say whether the question is one of numbers, for which a framework's defaults stand."""
    return bool(rows and not symbols(rows)) or (field is not None and not symbols(theta) and not field.constants)


# numbers


def _first(first: Expr) -> int:
    if not isinstance(first, Num) or first.value > MAX_NUMBER:
        raise DlcalcError(
            f"--t {plain(first)} is not the number of an update", f"use 1 to {MAX_NUMBER:,}; --updates may be a letter"
        )
    return int(first.value)


def _updates(given: Givens, rows: tuple[Vector, ...], field: Field | None) -> Expr:
    asked = given.updates
    if asked is None:
        return expr(max(1, len(rows)))
    if len(rows) > 1 and asked != expr(len(rows)):
        raise DlcalcError(f"--updates is {plain(asked)}, but there are {len(rows)} gradients", "leave --updates out")
    if isinstance(asked, Num):
        if not rows and field is None and asked != ONE:
            raise DlcalcError("--updates needs gradients", "add --gradient g, --gradients or --loss")
        return asked
    if not isinstance(asked, Sym):
        raise DlcalcError(f"--updates {plain(asked)} is an expression", "use a whole number or one letter")
    if len(rows) != 1 or len(rows[0]) != 1:
        raise DlcalcError(f"--updates {plain(asked)} is a letter", "give one constant gradient, such as --gradient g")
    if rows[0][0] == ZERO:
        raise DlcalcError("a gradient of 0 at every update has no closed forms", "use another, such as --gradient g")
    return asked


def _settings(given: Givens, rule: Rule, *, numeric: bool) -> tuple[dict[str, Expr | None], tuple[str, ...]]:
    """Take what was given, a framework's default where the question is in numbers, and a letter elsewhere."""
    found: dict[str, Expr | None] = {}
    taken = []
    for letter in rule.settings:
        value = given.settings[letter]
        if value is not None and given.complement and letter in {"mu", "rho"}:
            value = ONE - value
        if value is None and numeric:
            value = read_scalar(letter, DEFAULTS[given.framework][given.rule][letter])
            taken.append(letter)
        found[letter] = value if value is None else _in_range(letter, value)
    if given.complement and not {"mu", "rho"} & set(rule.settings):
        raise DlcalcError(f"--complement is for --momentum and --rho, which {given.rule} does not have", "leave it out")
    return found, tuple(taken)


def _in_range(letter: str, value: Expr) -> Expr:
    size, option = approximate(value), f"--{OPTIONS[letter]}"
    if size is None:
        return value
    if letter in FRACTIONS and not 0 <= size < 1:
        raise DlcalcError(f"{option} {plain(value)} is not in 0 ≤ {letter} < 1", "use 0.9, say")
    if letter == "tau" and not 0 <= size <= 1:
        raise DlcalcError(f"{option} {plain(value)} is not between 0 and 1", "use 0 for none")
    if size < 0:
        raise DlcalcError(f"{option} {plain(value)} is less than 0", "use 0 or more")
    return value


def _lettered(
    given: Givens, settings: Mapping[str, Expr | None], vectors: list[Vector], updates: Expr, field: Field | None
) -> tuple[dict[str, Sym], dict[str, Expr], dict[str, Domain]]:
    """Give every setting its letter; refuse symbols that mean something else already."""
    own = symbols(*vectors) | frozenset(field.constants if field else ())
    own |= frozenset(field.parameters) if field else frozenset()
    counted = symbols(updates)
    used = symbols(*(value for value in settings.values() if value is not None))
    for name in sorted(own | used):
        if name in (FAMILIES - {"g"}) | {"t"} and not (field and name in field.parameters):
            raise DlcalcError(f"{name} names something of the rule here", "use another letter, such as w0 or g")
        if name in counted:
            raise DlcalcError(f"{name} is the number of updates and another given too", "use two letters")
    letters = Letters(taken=own | used | counted)
    spelled_as = COURSE if given.framework == "course" else {}
    found = {
        letter: letters.letter(
            spelled_as.get(letter, letter), value, UNIT if letter in (*FRACTIONS, "tau") else POSITIVE
        )
        for letter, value in settings.items()
    }
    return found, letters.values, letters.domains


def _refuse_endless(asked: Question) -> None:
    """Refuse more updates than are run."""
    if asked.count > MAX_UPDATES and not asked.closed:
        raise DlcalcError(
            f"{asked.count:,} updates are too many to run", f"use at most {MAX_UPDATES:,}, or a letter for --updates"
        )
    if asked.count * asked.width > MAX_NUMBERS:
        raise DlcalcError(
            f"{asked.count:,} updates of {asked.width} numbers are too many", f"at most {MAX_NUMBERS:,} are computed"
        )


def rule_name(name: str, known: tuple[str, ...]) -> str:
    """Return a rule, however it is spelled."""
    word = name.strip().lower().replace("-", "").replace("_", "").replace(" ", "")
    word = {
        "nag": "nesterov",
        "gd": "sgd",
        "gradientdescent": "sgd",
        "polyak": "momentum",
        "heavyball": "momentum",
    }.get(word, word)
    if word not in known:
        raise DlcalcError(f"--rule {name[:20]} is not known", nearest(word, known) or f"use {', '.join(known)}")
    return word
