"""Momentum and Nesterov momentum, step by step or in closed form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, count
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import Given, choice, read_values, scalar, switch, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Relation,
    Sum,
    Sym,
    add,
    div,
    fold,
    names,
    number,
    power,
    substitute,
    walk,
)
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import (
    POSITIVE,
    REAL,
    Answer,
    Domain,
    Route,
    Sequence,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
)
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_STEPS = 1_000
"""Steps that are run with a gradient given as an expression."""
MAX_SYMBOLIC = 20
"""Gradients in a list whose answers keep one term per gradient or per power of α."""
MAX_EXPLICIT = 12
"""Gradients that v_t writes out one by one; beyond it the Σ stays."""
MAX_POLYNOMIALS = 6
"""The same for θ_t while α is a symbol: the weights are polynomials in it."""
MAX_UNROLLED = 4
"""Steps that are substituted one by one; beyond it the pattern is proved by induction."""
MAX_SUMMED = 50
"""Terms of a Σ that are evaluated at random points."""
MAX_SLIPS = 50
"""Steps up to which common wrong answers are computed too."""
MAX_BITS = 12_000
"""Size of an exact number, about 3,600 digits."""
MAX_NODES = 400
"""Size that an expression may grow to under a gradient given as an expression."""
SHOWN_COMPONENTS = 2
SHOWN_WIDTH = 60
"""Characters of a value up to which the last of many steps is shown."""
SAMPLED_STEPS = Domain(Fraction(1), Fraction(5), whole=True)
"""Where the number of steps is sampled while it is a letter."""

Vector = tuple[Expr, ...]
Line = tuple[str, Expr, str]
"""A line of a derivation: its rule, what stands there, why."""
Row = tuple[list[Any], list[Any], list[Any], list[Any]]
"""g, v, θ and θ̃ of one step, in numbers; empty where a way of running does not form it."""

CONVENTIONS = ("course", "pytorch", "ema", "subtract")
FAMILIES = ("g", "v", "theta", "theta_tilde")
RESERVED = re.compile(r"(v|theta|theta_tilde)([1-9]\d*)?|g")
OTHER_SPELLINGS = {
    "alpha": ("alpha", "beta", "gamma", "mu", "rho", "momentum", "a"),
    "epsilon": ("epsilon", "eps", "lr", "eta", "learning_rate"),
}
"""What answers may call the two coefficients, whatever was given for them."""
T = Sym("t")


@dataclass(frozen=True)
class Rule:
    """v_t = a·v_{t−1} + c·g_t and θ_t = θ_{t−1} + e·v_t: each convention is one choice of a, c and e."""

    a: Expr
    c: Expr
    e: Expr

    @property
    def rate(self) -> Expr:
        """What one gradient takes off θ at once: θ_1 = θ_0 − rate·g_1 when v_0 = 0."""
        return -(self.c * self.e)

    @property
    def long_run(self) -> Expr:
        """What one gradient takes off θ in all the steps that follow: rate/(1 − a)."""
        fading = 1 - self.a
        return (
            -self.e
            if self.c == fading
            else self.rate * div(ONE, fading)
            if _is_number(fading)
            else div(self.rate, fading)
        )

    def velocity(self, v: Expr, g: Expr) -> Expr:
        """Write v_t, nothing folded."""
        return _sum(_times(self.a, v), _times(self.c, g))

    def moved(self, theta: Expr, *v: Expr) -> Expr:
        """Write θ after one velocity or several, nothing folded."""
        return _sum(theta, *(_times(self.e, each) for each in v))

    def ahead(self, theta: Expr, v: Expr) -> Expr:
        """Write the point to which the old velocity alone would lead, nothing folded."""
        return _sum(theta, _times(self.e * self.a, v))

    def stored(self, tilde: Expr, new: Expr, old: Expr) -> Expr:
        """Write θ̃_t by the form that stores θ̃, nothing folded."""
        return _sum(tilde, _times(self.e, new), _times(self.e * self.a, new - old))


def rule_of(convention: str, a: Expr, epsilon: Expr) -> Rule:
    """Return the rule of a convention."""
    c, e = {
        "course": (-epsilon, ONE),
        "pytorch": (ONE, -epsilon),
        "ema": (1 - a, -epsilon),
        "subtract": (epsilon, MINUS_ONE),
    }[convention]
    return Rule(a, c, e)


@dataclass(frozen=True)
class Question:
    """What is asked: the rule, the start, and where the gradients come from."""

    convention: str
    alpha: Expr
    epsilon: Expr
    rule: Rule
    v0: Vector
    theta0: Vector
    t: Expr
    nesterov: bool
    gradients: tuple[Vector, ...] = ()
    """The gradients of a list; none where they are the letters g_1, …, g_t, or come from `field`."""
    field: Vector = ()
    """The gradient as an expression in the parameter, one per component."""
    variable: str = "theta"
    """What `field` calls the parameter."""

    @property
    def closed(self) -> bool:
        """Whether a closed form is asked, not a path."""
        return not (self.gradients or self.field)

    @property
    def steps(self) -> int | None:
        """How many steps there are; None for any number."""
        return int(self.t.value) if isinstance(self.t, Num) else None

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What tells the names of the components apart; nothing where there is one."""
        width = len(self.theta0)
        return ("",) if width == 1 else tuple(str(i) for i in range(1, width + 1))

    def with_rule(self, convention: str, a: Expr, epsilon: Expr) -> Question:
        """Ask the same under another rule."""
        rule = rule_of(convention, a, epsilon)
        return replace(self, convention=convention, alpha=a, epsilon=epsilon, rule=rule)

    def placed(self, component: int, place: tuple[Any, ...] | list[Any]) -> dict[str, Any]:
        """Say what the names of the parameter stand for in the gradient of a component."""
        numbered = {f"{self.variable}{i}": at for i, at in enumerate(place, 1)} if len(place) > 1 else {}
        return {**numbered, self.variable: place[component]}


def _expression(name: str, raw: Any) -> Value:  # noqa: ANN401 (text, numbers, or lists of them)
    return read_values(name, raw)


@topic(
    area="optimisation",
    answers=(
        "v",
        "theta",
        "v_t",
        "theta_t",
        "theta_tilde",
        "look_ahead",
        "g",
        "theta_tilde_t",
        "look_ahead_t",
        "jacobian",
    ),
    examples=(
        "--gradients 1,2,3 --alpha 0.9 --lr 0.1 --theta0 1",
        "--t t",
        "--t 3 --nesterov",
        "--grad theta --theta0 1 --v0 0.1 --alpha 0.9 --lr 0.01 --nesterov",
    ),
)
def momentum(
    *,
    gradients: Annotated[
        Value | None, values("-g", help='Gradients, one per step: 1,2,3, or vectors "0.1,0.2;0.3,0.4".')
    ] = None,
    t: Annotated[
        Expr | None, scalar("-t", whole=True, least=0, help="Steps: a number or a letter (default t).")
    ] = None,
    grad: Annotated[
        Value | None,
        Given(_expression, (), 'Gradient as an expression in theta, such as "2 theta - 1"; one per component.', "EXPR"),
    ] = None,
    alpha: Annotated[
        Expr | None,
        scalar(
            "-a", "--momentum", "--beta", "--gamma", "--mu", "--rho", help="Momentum coefficient α (default: a symbol)."
        ),
    ] = None,
    epsilon: Annotated[
        Expr | None,
        scalar("-e", "--lr", "--learning-rate", "--eps", "--eta", help="Learning rate ε (default: a symbol)."),
    ] = None,
    v0: Annotated[Value | None, values("--v", "--velocity", help="Velocity v_0 at the start (default 0).")] = None,
    theta0: Annotated[
        Value | None, values("--theta", help="Parameter θ_0 at the start, a list for a vector (default: a symbol).")
    ] = None,
    nesterov: Annotated[bool, switch(help="Take every gradient at the look-ahead point.")] = False,
    convention: Annotated[str, choice(*CONVENTIONS, help="How the rule is written (default course).")] = "course",
) -> Solution:
    """Momentum: every velocity and parameter, or their closed forms.

    With v_0 = 0, v_t = −ε Σ_{k=1}^t α^(t−k) g_k and θ_t = θ_0 − ε/(1 − α) Σ_{k=1}^t (1 − α^(t−k+1)) g_k.
    Conventions: course v_t = αv_{t−1} − εg_t, θ_t = θ_{t−1} + v_t; pytorch v_t = αv_{t−1} + g_t,
    θ_t = θ_{t−1} − εv_t; ema v_t = βv_{t−1} + (1 − β)g_t, θ_t = θ_{t−1} − εv_t; subtract v_t = αv_{t−1} + εg_t,
    θ_t = θ_{t−1} − v_t. Nesterov takes g_t at the look-ahead point, θ_{t−1} + αv_{t−1} in the course convention;
    the form that stores θ̃ = θ + αv takes it at θ̃_{t−1}, and the two coincide.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 8.3.2 and 8.3.3; Sutskever et al., On the
    importance of initialization and momentum in deep learning (2013); torch.optim.SGD.

    Raises DlcalcError when gradients, steps and the lengths of vectors contradict each other, when a letter stands
    for two things, or when exact values grow beyond what is computed.

    >>> print(*momentum(gradients="1,2,3", alpha=0.9, lr=0.1, theta0=1)["theta"].value)
    0.9 0.61 0.049
    """
    if gradients is not None and grad is not None:
        raise DlcalcError("--gradients and --grad both say what the gradients are", "leave one of them out")
    width = _width(theta0, v0, gradients[0] if isinstance(gradients, tuple) else None, grad)
    rows = _rows(gradients, width) if gradients is not None else ()
    a = Sym("beta" if convention == "ema" else "alpha") if alpha is None else alpha
    rate = Sym("epsilon") if epsilon is None else epsilon
    asked = Question(
        convention,
        a,
        rate,
        rule_of(convention, a, rate),
        _start("v0", ZERO if v0 is None else v0, width, default=v0 is None),
        _start("theta0", Sym("theta0") if theta0 is None else theta0, width),
        _steps_asked(t, rows, by_field=grad is not None),
        nesterov,
        rows,
    )
    if grad is not None:
        asked = _in_field(asked, _start("grad", grad, width, default=True))
    _refuse_clashes(asked)
    found = _answered(asked)
    slips = _slips(asked, found)
    answers = tuple(
        Answer(name, value, _label(asked, name), slips=slips.get(name, ())) for name, value in found.items()
    )
    return Solution(
        answers=answers,
        work=lambda: _work(asked, found),
        setting=_setting(asked),
        principal=tuple(found)[:2],
        assumptions=_assumptions(asked, given_v0=v0 is not None),
        conventions=_conventions(asked),
        notes=_notes(asked, found),
    )


def _label(asked: Question, name: str) -> Expr | None:
    family = name.removesuffix("_t")
    return None if family not in FAMILIES else Entry(family, asked.t) if asked.closed else Sym(family)


# reading the question


def _width(*vectors: Value | None) -> int:
    """Find how many components the parameter has: the length of the first vector."""
    return next((len(vector) for vector in vectors if isinstance(vector, tuple)), 1)


def _start(name: str, given: Value, width: int, *, default: bool = False) -> Vector:
    """Read one number per component; where it is a default, the same number for all of them."""
    parts = given if isinstance(given, tuple) else (given,) * (width if default else 1)
    flat = tuple(part for part in parts if isinstance(part, Expr))
    if len(flat) != width:
        found = _counted(len(parts), "component") if flat else _counted(len(parts), "row")
        if given == Sym("theta0"):
            found = "no value"
        zeros = ",".join(["0"] * min(width, 4)) + ",…" * (width > 4)  # noqa: PLR2004 (what fits in a message)
        raise DlcalcError(
            f"{name} has {found}, the vectors have {_counted(width, 'component')}", f"write --{name} {zeros}, say"
        )
    return flat


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _rows(gradients: Value, width: int) -> tuple[Vector, ...]:
    """Read the gradients of the steps: numbers, rows, or one vector where the parameter is one."""
    parts = gradients if isinstance(gradients, tuple) else (gradients,)
    flat = tuple(part for part in parts if isinstance(part, Expr))
    rows: tuple[Vector, ...]
    if len(flat) == len(parts):
        rows = (flat,) if width > 1 else tuple((g,) for g in flat)
    else:
        rows = tuple(tuple(g for g in row if isinstance(g, Expr)) for row in parts if isinstance(row, tuple))
    for row in rows:
        if len(row) != width:
            raise DlcalcError(
                f"a gradient has {_counted(len(row), 'component')}, the parameter has {width}",
                f'separate the steps by ";" and give {_counted(width, "number")} for each',
            )
    return rows


def _steps_asked(t: Expr | None, rows: tuple[Vector, ...], *, by_field: bool) -> Expr:
    if rows:
        if t is not None and t != number(len(rows)):
            raise DlcalcError(f"t is {plain(t)}, but there are {_counted(len(rows), 'gradient')}", "leave --t out")
        return number(len(rows))
    t = t if t is not None else ONE if by_field else T
    if not isinstance(t, Num | Sym):
        raise DlcalcError(f"t {plain(t)} is an expression", "use a whole number or one letter, such as t")
    if by_field and not (isinstance(t, Num) and 1 <= t.value <= MAX_STEPS):
        raise DlcalcError(f"--grad cannot be followed for t = {plain(t)} steps", f"use --t from 1 to {MAX_STEPS}")
    return t


def _in_field(asked: Question, field: Vector) -> Question:
    """Ask with a gradient that is an expression in theta, or else in x or w."""
    used = symbols(field)
    indices = [str(i) for i in range(1, len(field) + 1)] if len(field) > 1 else []
    said = {name: [name, *(name + i for i in indices)] for name in ("theta", "x", "w")}
    variable = next((name for name, spellings in said.items() if used & set(spellings)), "theta")
    for name in sorted(used - set(said[variable])):
        if re.fullmatch(rf"{variable}[1-9]\d*", name):
            raise DlcalcError(
                f"{name} is no component of {variable}, which has {len(field)}", f"write {said[variable][-1]}"
            )
    return replace(asked, field=field, variable=variable)


def _refuse_clashes(asked: Question) -> None:
    """Refuse letters that already mean something else in the question."""
    letters = _letters(asked)
    if asked.closed and len(asked.theta0) > 1:
        raise DlcalcError(
            f"a closed form is for one number, θ_0 has {len(asked.theta0)}", "give one component, or add --gradients"
        )
    for name in sorted(letters):
        if RESERVED.fullmatch(name) and not (name == "g" and asked.gradients):
            raise DlcalcError(f"{name} names a part of the path here", "use another letter; the start is theta0 and v0")
    givens = {"alpha": (asked.alpha,), "epsilon": (asked.epsilon,), "v0": asked.v0, "theta0": asked.theta0}
    for name, given in givens.items():
        if name in letters and name not in symbols(given) and not (name == "alpha" and asked.convention == "ema"):
            raise DlcalcError(
                f"{name} is a letter, and is also given as {plain(given)}", "put in the number, or use another letter"
            )
    if symbols(asked.t) & _letters(replace(asked, t=ONE)):
        raise DlcalcError(f"{plain(asked.t)} is the number of steps and another given too", "use two letters")


def _letters(asked: Question) -> frozenset[str]:
    """Return the free letters of all givens, without the parameter in its gradient."""
    given = symbols(asked.alpha, asked.epsilon, asked.v0, asked.theta0, asked.t, asked.gradients)
    return given | (symbols(asked.field) - set(asked.placed(0, asked.theta0)))


def _unused(asked: Question, candidates: str) -> Iterator[Sym]:
    """Yield letters that the question does not use."""
    taken = _letters(asked)
    numbered = (f"{candidates[0]}{n}" for n in count(2))
    return (Sym(name) for name in chain(candidates, numbered) if name not in taken)


def _indices(asked: Question) -> tuple[Sym, Sym]:
    """Return the letters that sums run over: gradients, and steps."""
    free = _unused(asked, "kjilqr")
    return next(free), next(free)


def _steps_letter(asked: Question) -> Sym:
    """Return the letter that counts the steps in a general derivation."""
    return asked.t if isinstance(asked.t, Sym) else next(_unused(asked, "nmsp"))


# expressions as they are written down


def _is_number(node: Expr) -> bool:
    return isinstance(node, Num)


def _times(coefficient: Expr, value: Expr) -> Expr:
    """Multiply, and keep the numbers visible."""
    if coefficient == ONE:
        return value
    flat = isinstance(value, Mul) and not isinstance(value.factors[0], Num)
    return Mul((*_factors(coefficient), *(_factors(value) if flat else (value,))))


def _factors(value: Expr) -> Vector:
    return value.factors if isinstance(value, Mul) else (value,)


def _sum(*terms: Expr) -> Expr:
    """Add, and keep the numbers visible."""
    flat = tuple(t for term in terms for t in (term.terms if isinstance(term, Add) else (term,)))
    return Add(flat) if len(flat) > 1 else flat[0]


def _flat(*values: Value) -> Iterator[Expr]:
    for value in values:
        if isinstance(value, Expr):
            yield value
        else:
            yield from _flat(*value)


def _rows_of(value: Value) -> list[Vector]:
    """Return the vectors of the steps, of one component where the steps are numbers."""
    return [tuple(_flat(row)) for row in (value if isinstance(value, tuple) else (value,))]


def _unwrapped(rows: Iterable[Vector]) -> Value:
    """Return a list of numbers where the parameter is one number, else a list of vectors."""
    return tuple(row[0] if len(row) == 1 else row for row in rows)


# answers for gradients that are given: each with its weight


def _answered(asked: Question) -> dict[str, Value]:
    return _followed(asked) if asked.field else _listed(asked) if asked.gradients else _closed(asked)


def _listed(asked: Question) -> dict[str, Value]:
    """Answer for gradients that are given."""
    given = len(asked.gradients)
    if given > MAX_SYMBOLIC and symbols(asked.rule.a, asked.gradients):
        raise DlcalcError(
            f"{given} gradients with a symbolic α or symbols among them give answers of {given} terms and more",
            f"give numbers, at most {MAX_SYMBOLIC} gradients, or --t {given} without gradients for the Σ form",
        )
    columns = zip(zip(*asked.gradients, strict=True), asked.v0, asked.theta0, strict=True)
    paths = [tuple(_weighted_forms(asked.rule, *column)) for column in columns]
    v, theta, tilde = ([tuple(path[step][which] for path in paths) for step in range(given)] for which in range(3))
    return _path(asked, v, theta, tilde)


def _path(asked: Question, v: list[Vector], theta: list[Vector], tilde: list[Vector]) -> dict[str, Value]:
    found = {"v": v, "theta": theta}
    if asked.nesterov:
        start = tuple(fold(asked.rule.ahead(x, y)) for x, y in zip(asked.theta0, asked.v0, strict=True))
        found |= {"theta_tilde": tilde, "look_ahead": [start, *tilde[:-1]]}
    return {name: _unwrapped(rows) for name, rows in found.items()}


def _weighted_forms(rule: Rule, gradients: Vector, v0: Expr, theta0: Expr) -> Iterator[tuple[Expr, Expr, Expr]]:
    """Yield v_t, θ_t and θ̃_t for t = 1, 2, …: every gradient and v_0 with the weight that it has by then."""
    numeric = all(map(_is_number, (rule.a, *gradients)))
    for of_v0, of_gradients in (_running if numeric else _written)(rule.a, gradients):
        v = of_v0[0] * v0 + rule.c * of_gradients[0]
        theta, tilde = (
            theta0 + rule.e * reached * v0 - rule.rate * total
            for reached, total in zip(of_v0[1:], of_gradients[1:], strict=True)
        )
        yield _bounded(v), _bounded(theta), _bounded(tilde)


def _running(a: Expr, gradients: Vector) -> Iterator[tuple[Vector, Vector]]:
    """Keep, for v_t, θ_t and θ̃_t, what multiplies v_0 and what the weighted gradients add up to, as numbers."""
    decay, *pushes = (x.value for x in (a, *gradients) if isinstance(x, Num))
    decayed, reached, fading, total = Fraction(1), Fraction(0), Fraction(0), Fraction(0)
    for g in pushes:
        decayed, fading = decay * decayed, decay * fading + g
        reached, total = reached + decayed, total + fading
        of_v0 = (decayed, reached, reached + decay * decayed)
        of_gradients = (fading, total, total + decay * fading)
        yield tuple(_bounded(number(x)) for x in of_v0), tuple(_bounded(number(x)) for x in of_gradients)


def _written(a: Expr, gradients: Vector) -> Iterator[tuple[Vector, Vector]]:
    """Write the same sums out: by powers of a symbolic α where gradients are numbers, else by gradients."""
    by_power = not _is_number(a) and any(map(_is_number, gradients))
    for t in range(1, len(gradients) + 1):
        newest_first = gradients[:t][::-1]
        fading = add(*(power(a, number(age)) * g for age, g in enumerate(newest_first)))
        if by_power:
            totals = [
                add(*(power(a, number(j)) * add(*gradients[: t - max(j - further, 0)]) for j in range(t + further)))
                for further in (0, 1)
            ]
        else:
            totals = [
                add(*(_powers(a, 0, age + further) * g for age, g in enumerate(newest_first))) for further in (0, 1)
            ]
        yield (power(a, number(t)), _powers(a, 1, t), _powers(a, 1, t + 1)), (fading, *totals)


def _powers(a: Expr, low: int, high: int) -> Expr:
    return add(*(power(a, number(j)) for j in range(low, high + 1)))


def _bounded(value: Expr) -> Expr:
    for node in walk(value):
        if isinstance(node, Num) and _bits(node.value) > MAX_BITS:
            raise _too_long()
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _too_long() -> DlcalcError:
    digits = MAX_BITS * 3 // 10
    return DlcalcError(
        f"the exact values come to have more than {digits:,} digits", "use fewer steps or rounder numbers"
    )


# answers for any number of steps


def _closed(asked: Question) -> dict[str, Value]:
    t, rule, steps = asked.t, asked.rule, asked.steps
    if steps == 0:
        v, theta = asked.v0[0], asked.theta0[0]
        return {"v_t": v, "theta_t": theta, **({"theta_tilde_t": fold(rule.ahead(theta, v))} if asked.nesterov else {})}
    v, theta = _velocity_at(asked, t), _parameter_at(asked, t)
    if steps is not None and steps <= MAX_EXPLICIT:
        v, polynomials, _ = _letter_forms(asked, steps)[-1]
        theta = polynomials if steps <= MAX_POLYNOMIALS or _is_number(rule.a) else theta
    found: dict[str, Value] = {"v_t": _bounded(v), "theta_t": _bounded(theta)}
    if asked.nesterov:
        new, old = Entry("v", t), Entry("v", t - 1)
        found["theta_tilde_t"] = fold(rule.stored(Entry("theta_tilde", t - 1), new, old))
        found["look_ahead_t"] = fold(rule.ahead(Entry("theta", t - 1), old))
        found["jacobian"] = ONE
    return found


def _letter_forms(asked: Question, steps: int) -> list[tuple[Expr, Expr, Expr]]:
    """Return v, θ and θ̃ of the first steps, in the letters g_1, g_2 and so on."""
    letters = tuple(Entry("g", number(k)) for k in range(1, steps + 1))
    return list(_weighted_forms(asked.rule, letters, asked.v0[0], asked.theta0[0]))


def _velocity_at(asked: Question, t: Expr, exponent: Callable[[Expr], Expr] | None = None) -> Expr:
    """Write v_t with its Σ; `exponent` replaces the power t − k of α that belongs to g_k."""
    a, (k, _) = asked.rule.a, _indices(asked)
    if a == ZERO and exponent is None:
        return asked.rule.c * Entry("g", t)
    from_start = power(a, t) * asked.v0[0] if a != ZERO else ZERO
    weight = power(a, t - k if exponent is None else exponent(k))
    return from_start + asked.rule.c * Sum(k.name, ONE, t, weight * Entry("g", k))


def _parameter_at(asked: Question, t: Expr, shift: int = 1) -> Expr:
    """Write θ_t with its Σ; `shift` is the number of powers of α in the weight of the last gradient."""
    rule, v0, theta0 = asked.rule, asked.v0[0], asked.theta0[0]
    k, _ = _indices(asked)
    g = Entry("g", k)
    if rule.a == ZERO:
        return theta0 - rule.rate * Sum(k.name, ONE, t, g)
    if rule.a == ONE:
        return theta0 + rule.e * t * v0 - rule.rate * Sum(k.name, ONE, t, (t - k + shift) * g)
    reached = div(rule.a * (1 - power(rule.a, t)), 1 - rule.a)
    total = Sum(k.name, ONE, t, (1 - power(rule.a, t - k + shift)) * g)
    return theta0 + rule.e * reached * v0 - rule.long_run * total


# answers for a gradient that is an expression: the path, followed exactly


def _followed(asked: Question) -> dict[str, Value]:
    rule, v, theta = asked.rule, asked.v0, asked.theta0
    rows: list[tuple[Vector, ...]] = []
    tilde = tuple(_tidied(rule.ahead(x, y)) for x, y in zip(theta, v, strict=True))
    for step in range(1, (asked.steps or 0) + 1):
        place = tilde if asked.nesterov else theta
        g = tuple(_gradient_at(asked, i, place, step) for i in range(len(place)))
        v = tuple(_tidied(rule.velocity(x, y)) for x, y in zip(v, g, strict=True))
        theta = tuple(_tidied(rule.moved(x, y)) for x, y in zip(theta, v, strict=True))
        if asked.nesterov:
            tilde = tuple(_tidied(rule.ahead(x, y)) for x, y in zip(theta, v, strict=True))
        rows.append((g, v, theta, tilde))
    gs, *path = (list(column) for column in zip(*rows, strict=True))
    return {**_path(asked, *path), "g": _unwrapped(gs)}


def _gradient_at(asked: Question, component: int, place: Vector, step: int) -> Expr:
    value = None
    if _partial(asked.field[component]) and any(names(x) and not isinstance(x, Sym) for x in place):
        raise DlcalcError(
            f"the gradient {plain(asked.field[component])} need not have a value at {', '.join(map(plain, place))}",
            "give numbers for the start and the coefficients, or fewer steps",
        )
    try:
        value = _tidied(substitute(asked.field[component], asked.placed(component, place)))
    except DlcalcError as problem:
        if "division by zero" not in problem.condition:
            raise
    if value is None or not (names(value) or _is_number(value) or approximate(value) is not None):
        at, written = ", ".join(map(plain, place)), plain(asked.field[component])
        raise DlcalcError(
            f"the gradient {written} has no value at {at} (step {step})", "start elsewhere or make fewer steps"
        )
    return value


def _partial(field: Expr) -> bool:
    """Say whether the gradient has poles, is not real everywhere, or soon overflows."""
    return any(
        (isinstance(node, Call) and node.function in {"ln", "sqrt", "exp"})
        or (isinstance(node, Div) and bool(names(node.denominator)))
        or (isinstance(node, Pow) and not (isinstance(node.exponent, Num) and node.exponent.value >= 0))
        for node in walk(field)
    )


def _tidied(value: Expr) -> Expr:
    """Fold, and multiply out where symbols remain and few terms come of it; refuse what grows too large."""
    value = fold(value)
    if names(value) and not isinstance(value, Sym) and _terms(value) <= MAX_NODES:
        from dlcalc.symbolic import collected

        value = collected(value, *sorted(name for name in names(value) if name.startswith(("theta", "v"))))
    nodes = list(walk(value))
    if not isinstance(value, Num) and all(map(_rational, nodes)):
        raise _too_long()  # folding leaves what is too long as it is written
    if len(nodes) > MAX_NODES:
        raise DlcalcError(f"a value grows beyond {MAX_NODES} terms", "use fewer steps, or numbers for the symbols")
    return _bounded(value)


def _rational(node: Expr) -> bool:
    whole = isinstance(node, Pow) and isinstance(node.exponent, Num) and node.exponent.value.denominator == 1
    return whole or isinstance(node, Num | Add | Mul | Div)


def _terms(value: Expr) -> int:
    """Bound the number of terms after multiplying out; anything above `MAX_NODES` is as good as infinite."""
    if isinstance(value, Add):
        return sum(map(_terms, value.terms))
    if isinstance(value, Mul):
        product = 1
        for factor in value.factors:
            product = min(product * _terms(factor), MAX_NODES + 1)
        return product
    if isinstance(value, Pow) and isinstance(value.exponent, Num) and (base := _terms(value.base)) > 1:
        return MAX_NODES + 1 if abs(value.exponent.value) > MAX_EXPLICIT else base ** abs(int(value.exponent.value))
    return 1


# what is said about the question


def _spoken_rule(asked: Question) -> Rule:
    """Return the rule in letters, for sentences."""
    a = asked.alpha if isinstance(asked.alpha, Sym) else Sym("beta" if asked.convention == "ema" else "alpha")
    return rule_of(asked.convention, a, asked.epsilon if isinstance(asked.epsilon, Sym) else Sym("epsilon"))


def _spoken(asked: Question) -> tuple[str, str]:
    """Say how v_t and θ_t follow."""
    rule = _spoken_rule(asked)
    v = rule.velocity(Entry("v", T - 1), Entry("g", T))
    return f"v_t = {unicode(v)}", f"θ_t = {unicode(rule.moved(Entry('theta', T - 1), Entry('v', T)))}"


def _conventions(asked: Question) -> tuple[str, ...]:
    rule = _spoken_rule(asked)
    library = " (as torch.optim.SGD without dampening)" if asked.convention == "pytorch" else ""
    said = [f"{asked.convention}: {', '.join(_spoken(asked))}{library}"]
    if asked.nesterov:
        v, v_before = Entry("v", T), Entry("v", T - 1)
        ahead, tilde = (unicode(rule.ahead(Entry("theta", at), v_at)) for at, v_at in ((T - 1, v_before), (T, v)))
        stored = unicode(rule.stored(Entry("theta_tilde", T - 1), v, v_before))
        said.append(f"Nesterov: g_t is the gradient at the look-ahead point {ahead}")
        said.append(f"stored form: θ̃_t = {tilde}, so that g_t is the gradient at θ̃_{{t-1}} and θ̃_t = {stored}")
        said += ["torch.optim.SGD(nesterov=True) stores θ̃: its parameters are theta_tilde"] if library else []
        said += ["jacobian: ∂θ_t/∂θ̃_t while v_t is fixed"] if asked.closed and asked.steps != 0 else []
    if asked.field and asked.variable != "theta":
        said.append(f"{asked.variable} in --grad is the parameter θ")
    if len(asked.theta0) > 1:
        said.append(
            f"vectors of {len(asked.theta0)} components under the same rule; θ_2[1] is component 2 after step 1"
        )
    return tuple(said)


def _assumptions(asked: Question, *, given_v0: bool) -> tuple[str, ...]:
    said = [] if given_v0 else ["v_0 = 0"]
    if isinstance(asked.t, Sym):
        said.append(f"{unicode(asked.t)} is a whole number, 1 or more")
    written_out = asked.steps is not None and asked.steps <= MAX_POLYNOMIALS
    if asked.closed and _divided(asked) and not written_out:
        special = "; α = 1 has a line of its own" if isinstance(asked.rule.a, Sym) else ""
        said.append(f"{unicode(asked.rule.a)} ≠ 1 in the closed form of θ{special.replace('α', unicode(asked.rule.a))}")
    return tuple(said)


def _divided(asked: Question) -> bool:
    """Say whether the closed form of θ divides by a symbolic 1 − α."""
    return bool(names(asked.rule.a)) and (asked.convention != "ema" or asked.v0[0] != ZERO)


def _notes(asked: Question, found: Mapping[str, Value]) -> tuple[str, ...]:
    said = []
    a, epsilon = asked.rule.a, asked.epsilon
    if isinstance(a, Num) and not 0 <= a.value < 1:
        growing = ["change sign from step to step"] * (a.value < 0) + ["grow"] * (abs(a.value) > 1)
        letter = unicode(_spoken_rule(asked).a)
        said.append(
            f"{letter} = {plain(a)} is not in 0 ≤ {letter} < 1: old gradients {' and '.join(growing) or 'never fade'}"
        )
    if isinstance(epsilon, Num) and epsilon.value <= 0:
        said.append(f"the learning rate {plain(epsilon)} is not positive: θ does not move against the gradient")
    if asked.field and not symbols(asked.field) & set(asked.placed(0, asked.theta0)):
        said.append("the gradient does not depend on theta: it is the same at every step")
    if asked.closed:
        if asked.steps is not None and asked.steps > MAX_SUMMED:
            said.append(f"derived and checked for any number of steps, then t = {asked.steps} put in")
        return tuple(said)
    steps, width = _rows_of(found["v"]), len(asked.theta0)
    if len(steps) > MAX_UNROLLED:
        said.append("not all steps are written out below; the answers of all of them are checked")
    if width > SHOWN_COMPONENTS:
        said.append(f"components 1 to {SHOWN_COMPONENTS} are written out below; the answers of all {width} are checked")
    return tuple(said)


# common wrong answers


def _variations(asked: Question) -> Iterator[tuple[Question, str, str]]:
    """Yield questions whose right answers are usual wrong ones here, with the reason and the rule of the step."""
    rule, a, epsilon, convention = asked.rule, asked.alpha, asked.epsilon, asked.convention
    velocity, moved = _spoken(asked)
    letter = unicode(_spoken_rule(asked).a)
    yield asked.with_rule(convention, a, -epsilon), f"a sign is reversed: {velocity}, {moved}", "v"
    yield replace(asked, rule=replace(rule, e=-rule.e)), f"θ moves the other way: {moved}", "theta"
    if set(asked.v0) != {ZERO}:
        yield replace(asked, v0=(ZERO,) * len(asked.v0)), f"v_0 is dropped: {velocity} starts from v_0", "v"
    yield replace(asked, rule=replace(rule, a=ZERO)), f"the momentum term is missing: {velocity}", "v-2"
    yield (
        replace(asked, rule=replace(rule, a=ONE)),
        f"the old velocity is not multiplied by {letter}: {velocity}",
        "v-2",
    )
    late = f"g_t itself is not multiplied by {letter}: the power of {letter} with g_k is t − k, one less"
    yield replace(asked, rule=replace(rule, c=rule.a * rule.c)), late, "v"
    yield asked.with_rule(convention, a, ONE), "the learning rate is missing", "v"
    yield asked.with_rule(convention, a, epsilon * epsilon), "the learning rate is applied twice", "v"
    if len(asked.gradients) > 1:
        yield replace(asked, gradients=asked.gradients[::-1]), "the gradients are taken in the reverse order", "v"
    if asked.field:
        places = ("at the look-ahead point", "at θ_{t−1}")
        taken, right = places[::-1] if asked.nesterov else places
        yield replace(asked, nesterov=not asked.nesterov), f"the gradient is taken {taken}; it belongs {right}", "g"
    for other in CONVENTIONS:
        if other != convention:
            changed = asked.with_rule(other, a, epsilon)
            yield changed, f"that follows the {other} convention: {', '.join(_spoken(changed))}", "v"


def _slips(asked: Question, found: Mapping[str, Value]) -> dict[str, tuple[Slip, ...]]:
    """Find the common wrong values of the answers."""
    if asked.steps == 0 or (not asked.closed and (asked.steps or 0) > MAX_SLIPS):
        return {}
    slips: dict[str, list[Slip]] = {name: [] for name in found}
    for variation, because, rule in _variations(asked):
        try:
            wrong = _answered(variation)
        except DlcalcError:  # a wrong rule may grow beyond the bounds where the right one does not
            continue
        for name in tuple(found)[:2]:
            slips[name].append(Slip(wrong[name], because, rule))
    for name, because, rule, value in _closed_slips(asked) if asked.closed else _listed_slips(asked, found):
        slips[name].append(Slip(value, because, rule))
    return {name: tuple(each) for name, each in slips.items()}


OLD_VELOCITY = "θ moves by the new velocity v_t, not by the old one v_{t−1}"


def _listed_slips(asked: Question, found: Mapping[str, Value]) -> Iterator[tuple[str, str, str, Value]]:
    """Yield wrong answers to a list that no change of the rule gives."""
    if asked.gradients:
        before = [asked.theta0, *_rows_of(found["theta"])[:-1]]
        late = [tuple(x + asked.rule.e * v for x, v in zip(row, asked.v0, strict=True)) for row in before]
        yield "theta", OLD_VELOCITY, "theta", _unwrapped(late)


def _closed_slips(asked: Question) -> Iterator[tuple[str, str, str, Value]]:
    """Yield wrong closed forms that no change of the rule gives."""
    t, a, e = asked.t, asked.rule.a, asked.rule.e
    new, old = Entry("v", t), Entry("v", t - 1)
    theta, tilde = Entry("theta", t - 1), Entry("theta_tilde", t - 1)
    reverse = "the weights run the wrong way: the newest gradient g_t has the largest, 1"
    yield "v_t", reverse, "v-2", _velocity_at(asked, t, lambda k: k - 1)
    yield "v_t", f"{reverse}; and its power is 0, not 1", "v-2", _velocity_at(asked, t, lambda k: k)
    yield "theta_t", OLD_VELOCITY, "theta", _parameter_at(asked, t - 1) + e * asked.v0[0]
    yield "theta_t", "g_k acts in v_k already: its power is t − k + 1", "theta", _parameter_at(asked, t, shift=0)
    yield "theta_t", "only the last velocity is added; θ adds up all of them", "theta", asked.theta0[0] + e * new
    if asked.nesterov:
        change, sign = (
            "θ̃ also moves by the change of the look-ahead",
            "the change of the velocity, new less old, counts with +",
        )
        back = "θ_{t−1} is θ̃_{t−1} less the old look-ahead"
        yield (
            "theta_tilde_t",
            "the stored form goes on from θ̃_{t−1}, not from θ_{t−1}",
            "substituted",
            theta + e * new + e * a * (new - old),
        )
        yield "theta_tilde_t", change, "tilde", tilde + e * new
        yield "theta_tilde_t", sign, "stored", tilde + e * new - e * a * (new - old)
        yield "theta_tilde_t", back, "substituted", tilde + e * new + e * a * new
        yield "theta_tilde_t", back, "substituted", tilde + e * new + e * a * (new + old)
        yield "look_ahead_t", "that is where plain momentum takes the gradient", "", theta
        yield "look_ahead_t", "the old velocity is multiplied by the momentum coefficient", "", theta + e * old
        yield "look_ahead_t", "the look-ahead goes along the old velocity, not against it", "", theta - e * a * old


# brute force: the rule run step by step, in numbers


def _numbers(asked: Question, point: Mapping[str, Any]) -> tuple[Any, Any, Any, list[Any], list[Any]]:
    """Return a, c, e, v_0 and θ_0 at a point."""
    a, c, e = (PLAIN.value(x, point) for x in (asked.rule.a, asked.rule.c, asked.rule.e))
    v, theta = ([PLAIN.value(x, point) for x in start] for start in (asked.v0, asked.theta0))
    return a, c, e, v, theta


def _gradients_at(asked: Question, point: Mapping[str, Any], step: int, place: list[Any]) -> list[Any]:
    if asked.field:
        return [PLAIN.value(g, {**point, **asked.placed(i, place)}) for i, g in enumerate(asked.field)]
    return [PLAIN.value(g, point) for g in _given_gradient(asked, step)]


def _given_gradient(asked: Question, step: int) -> Vector:
    return asked.gradients[step - 1] if asked.gradients else (Entry("g", number(step)),)


def _run(asked: Question, point: Mapping[str, Any], steps: int) -> list[Row]:
    """Run the rule at a point; return every step, the start first."""
    if steps < 0:
        raise IndexError(steps)
    a, c, e, v, theta = _numbers(asked, point)
    rows: list[Row] = [([], v, theta, [])]
    for step in range(1, steps + 1):
        place = [x + e * a * y for x, y in zip(theta, v, strict=True)] if asked.nesterov else theta
        g = _gradients_at(asked, point, step, place)
        v = [a * y + c * z for y, z in zip(v, g, strict=True)]
        theta = [x + e * y for x, y in zip(theta, v, strict=True)]
        rows.append((g, v, theta, []))
    g, v, theta, _ = rows[-1]
    return [*rows[:-1], (g, v, theta, [x + e * a * y for x, y in zip(theta, v, strict=True)])]


def _run_stored(asked: Question, point: Mapping[str, Any], steps: int) -> list[Row]:
    """Run the form that stores θ̃, with the gradient taken there; θ itself is never formed."""
    a, c, e, v, theta = _numbers(asked, point)
    tilde = [x + e * a * y for x, y in zip(theta, v, strict=True)]
    rows: list[Row] = [([], v, [], tilde)]
    for step in range(1, steps + 1):
        g = _gradients_at(asked, point, step, tilde)
        old, v = v, [a * y + c * z for y, z in zip(v, g, strict=True)]
        tilde = [x + e * (y + a * (y - z)) for x, y, z in zip(tilde, v, old, strict=True)]
        rows.append((g, v, [], tilde))
    return rows


def _run_without_v(asked: Question, point: Mapping[str, Any], steps: int) -> list[Row]:
    """Run θ alone: θ_t = θ_{t−1} + a(θ_{t−1} − θ_{t−2}) + ec·g_t, with θ_{−1} = θ_0 − e·v_0."""
    a, c, e, v, theta = _numbers(asked, point)
    before = [x - e * y for x, y in zip(theta, v, strict=True)]
    rows: list[Row] = [([], [], theta, [])]
    for step in range(1, steps + 1):
        g = _gradients_at(asked, point, step, theta)
        moves = [a * (x - y) + e * c * z for x, y, z in zip(theta, before, g, strict=True)]
        before, theta = theta, [x + move for x, move in zip(theta, moves, strict=True)]
        rows.append((g, [], theta, []))
    return rows


def _family(asked: Question, which: int, component: int) -> Callable[..., Any]:
    """Define a name such as v[t] by running the rule."""
    return lambda point, t: _run(asked, point, t)[-1][which][component]


def _setting(asked: Question) -> Setting:
    letters, rule = _letters(asked), asked.rule
    definitions = {
        f"{name}{suffix}": _family(asked, which, component)
        for component, suffix in enumerate(asked.suffixes)
        for which, name in enumerate(FAMILIES)
        if name != "g" or asked.field
    }
    given = [(asked.t, SAMPLED_STEPS), (asked.epsilon, POSITIVE)]
    real = POSITIVE if any(map(_partial, asked.field)) else REAL
    given += [(x, real) for x in (asked.alpha, *_flat(asked.v0, asked.theta0, asked.gradients))]
    domains = dict.fromkeys(sorted(letters), POSITIVE)  # inside a given expression it may be divided by
    domains |= {x.name: domain for x, domain in reversed(given) if isinstance(x, Sym)}
    sequences = {}
    if asked.closed:
        domains[_steps_letter(asked).name] = SAMPLED_STEPS
        domains |= {_shift(asked).name: POSITIVE} if asked.nesterov else {}
        summed = asked.steps if asked.steps is not None and asked.steps <= MAX_SUMMED else 0
        sequences["g"] = Sequence(number(max(summed, int(SAMPLED_STEPS.high))))
    return Setting(
        domains=domains,
        constraints=tuple(Relation(rule.a, "!=", special) for special in (ZERO, ONE)) if names(rule.a) else (),
        sequences=sequences,
        definitions={**definitions, **({"jacobian": lambda _: Fraction(1)} if asked.closed and asked.nesterov else {})},
        families=frozenset(definitions),
        aliases=_aliases(asked, letters),
    )


def _shift(asked: Question) -> Sym:
    """Return the letter by which θ̃ is shifted."""
    return next(_unused(asked, "hd"))


def _aliases(asked: Question, letters: frozenset[str]) -> dict[str, Expr]:
    t = asked.t
    found: dict[str, Expr] = dict.fromkeys(OTHER_SPELLINGS["alpha"], asked.alpha)
    found |= dict.fromkeys(OTHER_SPELLINGS["epsilon"], asked.epsilon)
    if len(asked.theta0) == 1:
        found |= {"v0": asked.v0[0], "theta0": asked.theta0[0]}
        for spelling in ("v", "theta", "theta_tilde", "ttilde", "tilde_theta"):
            family = "theta_tilde" if "tilde" in spelling else spelling
            found |= {f"{spelling}_new": Entry(family, t), f"{spelling}_old": Entry(family, t - 1)}
            found[f"{spelling}_t"] = Entry(family, t)
    if asked.closed:
        found["g_t"] = Entry("g", t)
    if isinstance(t, Num):
        found["t"] = t
    return {name: value for name, value in found.items() if name not in letters}


# the derivation


def _work(asked: Question, found: Mapping[str, Value]) -> Work:
    if asked.closed:
        return Work(tuple(_closed_steps(asked, found)), tuple(_closed_routes(asked, found)))
    return Work(tuple(_path_steps(asked, found)), tuple(_path_routes(asked, found)))


def _chain(target: Expr, lines: Iterable[Line]) -> Iterator[Step]:
    """Make a step of each line that says something new."""
    before = target
    for rule, after, because in lines:
        if plain(after) != plain(before):
            yield Step(rule, target, before, after, because)
        before = after


def _path_steps(asked: Question, found: Mapping[str, Value]) -> Iterator[Step]:
    rows = _rows_of(found["theta"])
    short = max(len(plain(x)) for x in rows[-1]) <= SHOWN_WIDTH
    shown = range(1, len(rows) + 1) if len(rows) <= MAX_UNROLLED else (1, 2, len(rows)) if short else (1, 2)
    for step in shown:
        for component in range(min(len(asked.theta0), SHOWN_COMPONENTS)):
            yield from _one_step(asked, found, step, component)
    if asked.nesterov:
        yield from _coincidence(asked, number(len(rows)), asked.suffixes[0])


def _one_step(asked: Question, found: Mapping[str, Value], step: int, component: int) -> Iterator[Step]:
    """Derive one step of one component: the look-ahead point and the gradient where they are asked, v, θ."""
    rule, suffix = asked.rule, asked.suffixes[component]
    start = {"v": asked.v0, "theta": asked.theta0}
    row = {name: _rows_of(value)[step - 1] for name, value in found.items()}
    before = {name: start[name] if step == 1 else _rows_of(found[name])[step - 2] for name in start}
    spoken = _spoken(asked) if step == 1 else (f"the same rule, t = {step}",) * 2

    def lines(name: str, at: int, written: Expr, because: str, value: Expr) -> Iterator[Step]:
        numbered = name if step == 1 else f"{name}-{step}"
        target, done = Entry(f"{name}{suffix}", number(at)), "collected" if names(value) else "computed"
        return _chain(target, [(numbered, written, because), (f"{numbered}-value", value, done)])

    v, theta = before["v"][component], before["theta"][component]
    if asked.nesterov:
        because = "the look-ahead point, where the gradient is taken"
        yield from lines("theta_tilde", step - 1, rule.ahead(theta, v), because, row["look_ahead"][component])
    if asked.field:
        place = row["look_ahead"] if asked.nesterov else before["theta"]
        written = substitute(asked.field[component], asked.placed(component, place))
        where = f"θ̃_{step - 1}" if asked.nesterov else f"θ_{step - 1}"
        yield from lines("g", step, written, f"the gradient at {where}", row["g"][component])
    g = (row["g"] if asked.field else _given_gradient(asked, step))[component]
    yield from lines("v", step, rule.velocity(v, g), spoken[0], row["v"][component])
    yield from lines("theta", step, rule.moved(theta, row["v"][component]), spoken[1], row["theta"][component])


def _coincidence(asked: Question, t: Expr, suffix: str = "") -> Iterator[Step]:
    """Prove that the stored form makes the steps of θ̃ = θ + the look-ahead."""
    rule, spoken = asked.rule, _spoken_rule(asked)
    new, old = (Entry(f"v{suffix}", at) for at in (t, t - 1))
    theta, theta_old = (Entry(f"theta{suffix}", at) for at in (t, t - 1))
    tilde, tilde_old = (Entry(f"theta_tilde{suffix}", at) for at in (t, t - 1))
    backwards = _times(-(spoken.e * spoken.a), Entry("v", T - 1))
    onwards = _times(rule.e * rule.a, new)
    lines = [
        ("tilde", rule.ahead(theta, new), "what θ̃ means: the next look-ahead point"),
        ("moved", _sum(rule.moved(theta_old, new), onwards), _spoken(asked)[1]),
        (
            "substituted",
            _sum(tilde_old, _times(-(rule.e * rule.a), old), _times(rule.e, new), onwards),
            f"θ_{{t-1}} = {unicode(_sum(Entry('theta_tilde', T - 1), backwards))} put in",
        ),
        ("stored", rule.stored(tilde_old, new, old), "collected: the stored form, in which θ no longer occurs"),
    ]
    if asked.closed:
        by_gradient = _sum(tilde_old, onwards, _times(rule.e * rule.c, Entry("g", t)))
        lines.append(("stored-gradient", by_gradient, f"the same with {_spoken(asked)[0]} put in"))
    yield from _chain(tilde, lines)


def _path_routes(asked: Question, found: Mapping[str, Value]) -> Iterator[Route]:
    def route(method: str, run: Callable[[Question, Mapping[str, Any], int], list[Row]], *families: str) -> Route:
        def computed(point: Mapping[str, Any]) -> list[Any]:
            rows = run(asked, point, asked.steps or 0)[1:]
            return [[row[FAMILIES.index(name)] for row in rows] for name in families]

        return Route(", ".join(families), method, tuple(found[name] for name in families), computed)

    if not asked.field:
        yield route("the rule run step by step from v_0 and θ_0", _run, "v", "theta")
    elif not asked.nesterov:
        yield route("θ run alone, with θ_{t−1} − θ_{t−2} in the place of the velocity", _run_without_v, "g", "theta")
    if asked.nesterov:
        yield route("the stored form run on its own, θ never formed", _run_stored, "v", "theta_tilde")


def _closed_routes(asked: Question, found: Mapping[str, Value]) -> Iterator[Route]:
    def route(
        claim: str, at: Expr, run: Callable[[Question, Mapping[str, Any], int], list[Row]], *values: tuple[str, Value]
    ) -> Route:
        def computed(point: Mapping[str, Any]) -> list[Any]:
            last = run(asked, point, int(PLAIN.value(at, point)))[-1]
            return [last[FAMILIES.index(family)][0] for family, _ in values]

        method = "the stored form run on its own, θ never formed" if run is _run_stored else "the rule run step by step"
        return Route(claim, method, tuple(value for _, value in values), computed)

    n, at = _steps_letter(asked), unicode(_steps_letter(asked))
    if asked.steps is not None and asked.steps > MAX_UNROLLED:
        yield route(f"v_{at}, θ_{at}", n, _run, ("v", _velocity_at(asked, n)), ("theta", _parameter_at(asked, n)))
    if asked.steps is None or asked.steps <= MAX_SUMMED:
        yield route("v_t, theta_t", asked.t, _run, ("v", found["v_t"]), ("theta", found["theta_t"]))
        if asked.nesterov:
            yield route("theta_tilde_t", asked.t, _run_stored, ("theta_tilde", found["theta_tilde_t"]))


def _closed_steps(asked: Question, found: Mapping[str, Value]) -> Iterator[Step]:
    t, steps, n = asked.t, asked.steps, _steps_letter(asked)
    v, theta = _flat(found["v_t"], found["theta_t"])
    if steps is not None and steps <= MAX_UNROLLED:
        yield from _unrolled_steps(asked, steps, theta)
    else:
        yield from _general_steps(asked, n)
        if steps is not None and steps <= MAX_SUMMED:
            put_in = f"{unicode(n)} = {steps} put in"
            for name, value, general in (("v", v, _velocity_at(asked, t)), ("theta", theta, _parameter_at(asked, t))):
                lines = [(f"{name}-at", general, put_in), (f"{name}-explicit", value, "written out")]
                yield from _chain(Entry(name, t), lines)
    if asked.nesterov:
        yield from _nesterov_steps(asked, t if steps is not None and steps <= MAX_UNROLLED else n)


def _unrolled_steps(asked: Question, steps: int, theta: Expr) -> Iterator[Step]:
    """Derive v and θ of a few steps by putting each velocity into the next."""
    rule, start = asked.rule, asked.theta0[0]
    yield from _unrolling(asked, steps)
    if steps == 0:
        for name, at_start in (("v", asked.v0[0]), ("theta", start)):
            yield from _chain(Entry(name, ZERO), [(name, at_start, "no step is made")])
        return
    moves = [form[0] for form in _letter_forms(asked, steps)]
    entries = (Entry("v", number(k)) for k in range(1, steps + 1))
    lines = [
        ("theta", rule.moved(start, *entries), "θ adds up the moves of all steps"),
        ("theta-put-in", rule.moved(start, *moves), "the velocities put in"),
        ("theta-collected", theta, "collected: g_k is in v_k and in every later velocity"),
    ]
    yield from _chain(Entry("theta", asked.t), lines)


def _unrolling(asked: Question, steps: int) -> Iterator[Step]:
    """Put each velocity into the next."""
    v = asked.v0[0]
    for step, (value, _, _) in enumerate(_letter_forms(asked, steps) if steps else [], 1):
        rule = "v" if step == 1 else f"v-{step}"
        start = "" if v == Sym("v0") else f", from v_0 = {unicode(v)}"
        because = f"{_spoken(asked)[0]}{start}" if step == 1 else f"v_{step - 1} put into the rule"
        written = asked.rule.velocity(v, Entry("g", number(step)))
        lines = [(rule, written, because), (f"{rule}-collected", value, "collected")]
        yield from _chain(Entry("v", number(step)), lines)
        v = value


def _general_steps(asked: Question, n: Sym) -> Iterator[Step]:
    """Derive v_n and θ_n for every n: unroll, see the pattern, prove it by induction, add up."""
    rule, a, at, letter = asked.rule, asked.rule.a, unicode(n), unicode(asked.rule.a)
    k, _ = _indices(asked)
    v, last, formula = Entry("v", n), Entry("g", n), _velocity_at(asked, n)
    one_step = rule.velocity(Entry("v", n - 1), last)
    if a == ZERO:
        yield from _chain(
            v, [("v", one_step, _spoken(asked)[0]), ("v-value", formula, "nothing of the old velocity stays")]
        )
    else:
        yield from _unrolling(asked, 3)
        yield Step("pattern", v, v, formula, "the pattern of these lines; the next ones prove it by induction")
        yield Step(
            "base", Entry("v", ONE), Entry("v", ONE), _velocity_at(asked, ONE), f"base case: the formula at {at} = 1"
        )
        older = Sum(k.name, ONE, n - 1, power(a, n - k) * Entry("g", k))
        raised = add(power(a, n) * asked.v0[0], rule.c * older, rule.c * last)
        lines = [
            ("induction", one_step, f"induction: the rule leads from {at} − 1 to {at}"),
            ("hypothesis", rule.velocity(_velocity_at(asked, n - 1), last), f"the formula for {at} − 1 put in"),
            ("distributed", raised, f"multiplied out: {letter} raises every power by one"),
            ("induction-end", formula, f"g_{at} is the term {unicode(k)} = {at} of the Σ"),
        ]
        yield from _chain(v, lines)
    yield from _general_parameter_steps(asked, n)
    if isinstance(a, Sym):
        without = asked.with_rule(asked.convention, ZERO, asked.epsilon)
        because = f"at {letter} = 0 this is gradient descent without momentum"
        yield Step("alpha-0", v, v, _velocity_at(without, n), because, where={a.name: ZERO})


def _general_parameter_steps(asked: Question, n: Sym) -> Iterator[Step]:
    """Add the velocities up, and sum over the steps in which each gradient acts."""
    rule, a, start, theta = asked.rule, asked.rule.a, asked.theta0[0], Entry("theta", n)
    k, j = _indices(asked)
    at, letter, index, later = (unicode(x) for x in (n, a, k, j))
    from_start = start + rule.e * asked.v0[0] * Sum(j.name, ONE, n, power(a, j))
    nested = Sum(j.name, ONE, n, Sum(k.name, ONE, j, power(a, j - k) * Entry("g", k)))
    swapped = Sum(k.name, ONE, n, Entry("g", k) * Sum(j.name, k, n, power(a, j - k)))
    geometric = f"geometric sums, as {letter} ≠ 1" if a != ONE else f"that many ones: {at} − {index} + 1"
    if a == ZERO:
        geometric = "the velocities put in"
    elif asked.convention == "ema" and asked.v0[0] == ZERO:
        geometric = f"geometric sums, times 1 − {letter}"
    lines = [
        ("theta", rule.moved(start, Sum(j.name, ONE, n, Entry("v", j))), f"θ adds up the moves of all {at} steps"),
        ("theta-put-in", from_start - rule.rate * nested, f"the formula for v_{later} put in"),
        ("theta-swapped", from_start - rule.rate * swapped, f"by gradients: g_{index} acts in v_{index}, …, v_{at}"),
        ("theta-geometric", _parameter_at(asked, n), geometric),
    ]
    yield from _chain(theta, [lines[0], lines[3]] if a == ZERO else lines)
    if isinstance(a, Sym) and _divided(asked):
        at_one = asked.with_rule(asked.convention, ONE, asked.epsilon)
        because = f"at {letter} = 1 a gradient counts once in every velocity from its own step on"
        yield Step("alpha-1", theta, theta, _parameter_at(at_one, n), because, where={a.name: ONE})


def _nesterov_steps(asked: Question, t: Expr) -> Iterator[Step]:
    """Say where θ̃ starts, prove that the two forms coincide, and how θ moves with θ̃."""
    rule, v0 = asked.rule, asked.v0[0]
    start = rule.ahead(asked.theta0[0], v0)
    same = "v_0 = 0: both start at the same point" if v0 == ZERO else "collected"
    lines = [("start", start, "θ̃ before the first step"), ("start-value", fold(start), same)]
    yield from _chain(Entry("theta_tilde", ZERO), lines)
    if t == ZERO:
        return
    yield from _coincidence(asked, t)
    h, tilde, back = _shift(asked), Entry("theta_tilde", t), _times(-(rule.e * rule.a), Entry("v", t))
    quotient = Div(_sum(tilde, h, back, _times(MINUS_ONE, _sum(tilde, back))), h)
    yield Step("jacobian", Sym("jacobian"), quotient, ONE, "∂θ/∂θ̃ with v fixed: moving θ̃ moves θ by as much")
