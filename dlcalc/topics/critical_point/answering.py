"""The gradient and Hessian at a point, what kind of point it is, and what plain and heavy-ball descent do there."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.calculus.scalar import derivatives
from dlcalc.entries import unused
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Expr, Mul, Num, Pow, Relation, Sym, expr, names
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain, unicode
from dlcalc.plot import Curve, Plot
from dlcalc.solution import (
    POSITIVE,
    REAL,
    UNIT,
    Answer,
    Domain,
    Experiment,
    Route,
    Setting,
    Slip,
    Solution,
    Step,
    Work,
    symbols,
    verdict,
    word,
)
from dlcalc.topics.critical_point.loss import at, kinks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KINDS = ("minimum", "maximum", "saddle", "inflection", "not-critical", "undecided")
MAX_ORDER = 8
"""The last derivative of one variable that is tried."""
NEAR = 1e-12
"""Floats closer to 0 than this are taken for it; the reader is told."""
DIGITS = 60
MAX_MOVES = 3_000
TWO, MINUS = expr(2), expr(-1)

# ruff: noqa: ANN401 (exact numbers, floats, or numbers of many digits)


class Throw(NamedTuple):
    """A velocity with which momentum arrives at the point."""

    velocity: tuple[float, ...]
    lr: float
    momentum: float


@dataclass(frozen=True)
class Asked:
    """A loss, its variables, and the point; without a point, any."""

    loss: Expr
    variables: tuple[str, ...]
    point: Mapping[str, Expr]

    @cached_property
    def gradient(self) -> tuple[Expr, ...]:
        """The partial derivatives."""
        return derivatives(self.loss, self.variables)

    @cached_property
    def hessian(self) -> tuple[tuple[Expr, ...], ...]:
        """The second derivatives."""
        return tuple(derivatives(partial, self.variables) for partial in self.gradient)

    @cached_property
    def here(self) -> tuple[Expr, ...]:
        """The gradient at the point."""
        return tuple(_valued(partial, self.point) for partial in self.gradient)

    @cached_property
    def bend(self) -> tuple[tuple[Expr, ...], ...]:
        """The Hessian at the point."""
        return tuple(tuple(_valued(entry, self.point) for entry in row) for row in self.hessian)

    @property
    def numeric(self) -> bool:
        """True where the gradient and the Hessian are numbers."""
        return bool(self.point) and not symbols(*self.here, self.bend)

    @property
    def still(self) -> bool:
        """True where the gradient is 0."""
        return bool(self.point) and all(map(_zero, self.here))

    @cached_property
    def eigenvalues(self) -> tuple[Expr, ...]:
        """The eigenvalues of the Hessian, for one or two variables, or where it is diagonal; otherwise none."""
        rows = self.bend
        count = len(rows)
        if all(rows[i][j] == ZERO for i in range(count) for j in range(count) if i != j):
            return tuple(rows[i][i] for i in range(count))
        if count > 2:  # noqa: PLR2004 (a quadratic equation has two roots)
            return ()
        (a, b), (_, d) = rows
        root = call("sqrt", ((a - d) / 2) ** TWO + b**TWO)
        return (a + d) / 2 - root, (a + d) / 2 + root

    @cached_property
    def orders(self) -> list[Expr]:
        """The first to the last derivative of one variable that is needed to decide, as formulas."""
        found = [self.gradient[0]]
        while len(found) < MAX_ORDER and _zero(at(found[-1], self.point)):
            found += derivatives(found[-1], self.variables)
        return found

    @property
    def kind(self) -> str:
        """What kind of point it is."""
        if not self.still:
            return "not-critical"
        if len(self.variables) == 1:
            return _of_order(len(self.orders), _sign(at(self.orders[-1], self.point)))
        signs = {_sign(value) for value in self.eigenvalues}
        return {frozenset({1}): "minimum", frozenset({-1}): "maximum"}.get(
            frozenset(signs), "saddle" if {1, -1} <= signs else "undecided"
        )

    def partial(self, *indices: int) -> str:
        """Name a derivative: L_x, L_xy."""
        return "L_" + "".join(self.variables[i].replace("_", "") for i in indices)


def _valued(formula: Expr, point: Mapping[str, Expr]) -> Expr:
    """Compute a derivative at the point.

    Raises DlcalcError where it does not exist.
    """
    try:
        value = at(formula, point)
        if not names(value):
            PLAIN.value(value, {})
    except (ArithmeticError, ValueError, DlcalcError):
        raise DlcalcError(f"{plain(formula)} has no value there: no derivative", "move the point") from None
    return value


def _of_order(order: int, sign: int) -> str:
    if sign == 0:
        return "undecided"
    if order % 2:
        return "inflection"
    return "minimum" if sign > 0 else "maximum"


def _zero(value: Expr) -> bool:
    return not symbols(value) and _sign(value) == 0


def _sign(value: Expr) -> int:
    found = value.value if isinstance(value, Num) else approximate(value)
    if found is None or (isinstance(found, float) and abs(found) < NEAR):
        return 0
    return (found > 0) - (found < 0)


def solved(asked: Asked, throw: Throw | None) -> Solution:
    """Answer with the derivatives, the kind, the contour, and the motion."""
    gradient = asked.here if asked.point else asked.gradient
    hessian = asked.bend if asked.point else asked.hessian
    single = len(asked.variables) == 1
    answers: list[Answer] = []
    decided = asked.numeric and (single or bool(asked.eigenvalues))
    if decided:
        answers.append(word("kind", asked.kind, KINDS, tuple(_kind_slips(asked))))
    reversed_sign = Slip(_unwrapped(tuple(-g for g in gradient)), "that is the direction of steepest descent")
    answers.append(Answer("gradient", _unwrapped(gradient), slips=(reversed_sign,)))
    answers.append(Answer("hessian", hessian[0][0] if single else hessian))
    if asked.point and asked.eigenvalues:
        answers.append(Answer("eigenvalues", _unwrapped(asked.eigenvalues)))
    answers.append(Answer("steepest_descent", _unwrapped(tuple(-g for g in gradient))))
    squares = tuple(g**TWO for g in gradient)
    answers.append(Answer("gradient_norm", call("sqrt", sum(squares[1:], squares[0])) if not asked.still else ZERO))
    if len(asked.variables) == 2 and not asked.still:  # noqa: PLR2004 (a plane)
        answers.append(Answer("tangent", (-gradient[1], gradient[0])))
        answers.append(Answer("dot", ZERO))
    if asked.numeric and not single and not asked.still:
        answers.append(_larger(asked))
    if asked.still or asked.numeric:
        why = "the update is ε times the gradient, which is " + ("0 for any ε" if asked.still else "not 0")
        answers.append(verdict("gd_moves", holds=not asked.still, otherwise=why))
    distance = None
    if throw is not None:
        leaves, distance = _thrown(asked, throw)
        answers.append(leaves)
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(
            (
                *_formulas(asked),
                *_at_point(asked),
                *_deciding(asked, decided),
                *_contour(asked),
                *_motion(distance),
            ),
            (*_routes(asked), *((_around(asked),) if decided and asked.still and asked.kind != "undecided" else ())),
        ),
        setting=_setting(asked, throw),
        conventions=tuple(_conventions(asked, throw)),
        notes=tuple(_notes(asked, decided=decided)),
        plots=_plots(asked),
    )


def _unwrapped(values: tuple[Expr, ...]) -> Any:
    return values[0] if len(values) == 1 else values


def _kind_slips(asked: Asked) -> Iterator[Slip]:
    why = {
        "not-critical": "the gradient is not 0 there",
        "saddle": "the Hessian has eigenvalues of both signs: up along one direction, down along another",
        "minimum": "the loss rises in every direction",
        "maximum": "the loss falls in every direction",
        "inflection": "the first derivative that is not 0 has an odd order: up on one side, down on the other",
        "undecided": "the derivatives that were tried are 0 in some direction, so they do not decide",
    }[asked.kind]
    for other in KINDS:
        if other != asked.kind:
            yield Slip(Sym(other), why)


def _larger(asked: Asked) -> Answer:
    """Say along which axis the gradient is larger, which is where the contours are denser."""
    sizes = [abs(approximate(g) or 0.0) for g in asked.here]
    spelled = tuple(v.lower().replace("_", "-") for v in asked.variables)
    tie = sum(1 for size in sizes if size == max(sizes)) > 1
    which = "equal" if tie else spelled[sizes.index(max(sizes))]
    why = "the gradient is the level difference over the spacing: denser contours, larger gradient"
    return word(
        "larger", which, (*spelled, "equal"), tuple(Slip(Sym(w), why) for w in (*spelled, "equal") if w != which)
    )


# the derivation


def _formulas(asked: Asked) -> Iterator[Step]:
    """Give the first and second derivatives as formulas."""
    count = range(len(asked.variables))
    for i in count:
        target = Sym(asked.partial(i))
        yield Step(
            "gradient", target, target, asked.gradient[i], f"differentiated by {unicode(Sym(asked.variables[i]))}"
        )
    for i in count:
        for j in range(i, len(asked.variables)):
            target = Sym(asked.partial(i, j))
            by = unicode(Sym(asked.variables[j]))
            yield Step("hessian", target, target, asked.hessian[i][j], f"{asked.partial(i)} differentiated by {by}")


def _at_point(asked: Asked) -> Iterator[Step]:
    if not asked.point:
        return
    count = len(asked.variables)
    for i in range(count):
        yield _put(asked, asked.partial(i), asked.gradient[i], asked.here[i])
    for i in range(count):
        for j in range(i, count):
            yield _put(asked, asked.partial(i, j), asked.hessian[i][j], asked.bend[i][j])


def _put(asked: Asked, name: str, formula: Expr, value: Expr) -> Step:
    return Step(
        "at the point", Sym(name), Sym(name) if formula == value else formula, value, "at the point", where=asked.point
    )


def _deciding(asked: Asked, decided: bool) -> Iterator[Step]:  # noqa: FBT001 (whether it is)
    """Give the evidence for the kind."""
    target = Sym("kind")
    if not decided:
        return
    if not asked.still:
        squares = tuple(Pow(g, TWO) for g in asked.here)
        total: Expr = Add(squares) if len(squares) > 1 else squares[0]
        yield Step("kind", target, total, ZERO, "the gradient is not 0: no critical point", ">")
        return
    if len(asked.variables) == 1:
        for order, formula in enumerate(asked.orders, 1):
            value, name = at(formula, asked.point), Sym(_order_name(asked, order))
            if order > 2:  # noqa: PLR2004 (the second stands above)
                yield Step("higher", name, name, formula, f"derivative {order}")
            sign = _sign(value)
            if sign:
                why = f"the first derivative that is not 0 is number {order}: {asked.kind}"
                yield Step("kind", target, value, ZERO, why, ">" if sign > 0 else "<")
        return
    if len(asked.eigenvalues) == 2 and asked.bend[0][1] != ZERO:  # noqa: PLR2004 (a quadratic equation)
        (a, b), (_, d) = asked.bend
        for value in asked.eigenvalues:
            polynomial = Add((Mul((Add((a, -value)), Add((d, -value)))), -Pow(b, TWO)))
            yield Step("eigenvalue", Sym("eigenvalues"), polynomial, ZERO, "an eigenvalue: det(H - λI) = 0")
    for value in asked.eigenvalues:
        sign = _sign(value)
        relation = ">" if sign > 0 else "<" if sign < 0 else "="
        why = "curves up along its eigenvector" if sign > 0 else "curves down along it" if sign else "flat along it"
        yield Step("kind", target, value, ZERO, why, relation)  # type: ignore[arg-type]


def _order_name(asked: Asked, order: int) -> str:
    return asked.partial(*(0,) * order)


def _contour(asked: Asked) -> Iterator[Step]:
    """Show that the gradient is perpendicular to the contour, and that descent goes down."""
    gradient = asked.here if asked.point else asked.gradient
    if asked.still:
        for i, name in enumerate(asked.variables):
            update = Add((asked.point[name], Mul((MINUS, Sym(_rate(asked)), gradient[i]))))
            why = f"{unicode(Sym(name))} after an update of plain gradient descent, for every rate: it stays"
            yield Step("update", Sym("gd_moves"), update, asked.point[name], why)
        return
    if len(asked.variables) == 2:  # noqa: PLR2004 (a plane)
        gx, gy = gradient
        dot = Add((Mul((gx, Mul((MINUS, gy)))), Mul((gy, gx))))
        why = "dL/ds = ∇L · w'(s) = 0 along a contour, whose tangent is (-L_2, L_1): perpendicular"
        yield Step("dot", Sym("dot"), dot, ZERO, why)
    if asked.numeric and len(asked.variables) > 1:
        ordered = sorted(asked.here, key=lambda g: -abs(approximate(g) or 0.0))
        sizes = [call("abs", g) for g in ordered]
        relation = "=" if _sign(sizes[0] - sizes[1]) == 0 else ">"
        why = "the larger component: contours are denser along its axis, spacing ≈ level difference/|∂L|"
        yield Step("larger", Sym("larger"), sizes[0], sizes[1], why, relation)  # type: ignore[arg-type]


def _rate(asked: Asked) -> str:
    taken = names(asked.loss) | symbols(*asked.point.values())
    return unused("epsilon", "gamma", "eta", taken=taken)


# the confirmation


def _differenced(expression: Expr, variable: str, setting: Setting) -> Callable[[Mapping[str, Any]], float]:
    """Differentiate by central differences in sixty digits."""

    def compute(point: Mapping[str, Any]) -> float:
        import mpmath

        from dlcalc.numeric import WIDE

        with mpmath.workdps(DIGITS):
            h = mpmath.mpf(10) ** -20
            x = WIDE._wide(point[variable])  # noqa: SLF001 (an exact number in many digits)
            up, down = (WIDE.value(expression, {**point, variable: x + s * h, "": setting}) for s in (1, -1))
            return float((up - down) / (2 * h))

    return compute


def _setting(asked: Asked, throw: Throw | None) -> Setting:
    every = sorted(names(asked.loss) | set(asked.variables))
    extra = sorted(symbols(*asked.point.values()) - set(every))
    domain = _domain(asked.loss, every)
    domains = {**dict.fromkeys(every, domain), **dict.fromkeys(extra, REAL), _rate(asked): POSITIVE}
    plainly = Setting(domains=domains)
    definitions: dict[str, Callable[..., Any]] = {}
    for i, v in enumerate(asked.variables):
        definitions[asked.partial(i)] = _differenced(asked.loss, v, plainly)
        for j in range(i, len(asked.variables)):
            definitions[asked.partial(i, j)] = _differenced(asked.gradient[i], asked.variables[j], plainly)
    if asked.point and len(asked.variables) == 1 and asked.still:
        for order, formula in enumerate(asked.orders[:-1], 2):
            definitions.setdefault(_order_name(asked, order), _differenced(formula, asked.variables[0], plainly))
    if throw is not None:
        definitions["distance"] = lambda _: _moved(asked, throw)
    clash = definitions.keys() & domains.keys()
    if clash:
        raise DlcalcError(f"{min(clash)} is the name of a derivative here", "use another letter in the loss")
    return Setting(
        domains=domains,
        constraints=tuple(Relation(argument, "!=", ZERO) for _, argument in kinks(asked.loss)),
        definitions=definitions,
    )


def _domain(loss: Expr, variables: list[str]) -> Domain:
    """Find where the loss has values: logarithms and roots need positive numbers."""
    tries = (Fraction(7, 16), Fraction(11, 16), Fraction(13, 16), Fraction(3, 16))
    for domain in (REAL, POSITIVE, UNIT):
        width = domain.high - domain.low
        try:
            for shift in range(len(tries)):
                point = {v: domain.low + width * tries[(i + shift) % len(tries)] for i, v in enumerate(variables)}
                PLAIN.value(loss, point)
        except (ArithmeticError, ValueError):
            continue
        return domain
    return UNIT


def _routes(asked: Asked) -> Iterator[Route]:
    if not asked.point:
        for i, v in enumerate(asked.variables):
            yield Route(
                asked.partial(i), "central differences in 60 digits", asked.gradient[i],
                _differenced(asked.loss, v, Setting()),
            )  # fmt: skip
        return

    def placed(compute: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
        def run(point: Mapping[str, Any]) -> Any:
            here = {name: Fraction(PLAIN.value(value, point)) for name, value in asked.point.items()}
            return compute({**point, **here})

        return run

    by = [_differenced(asked.loss, v, Setting()) for v in asked.variables]
    yield Route(
        "gradient", "central differences of the loss in 60 digits", asked.here, placed(lambda p: [d(p) for d in by])
    )
    if asked.numeric and len(asked.variables) > 1 and asked.eigenvalues:

        def spectrum(point: Mapping[str, Any]) -> list[float]:
            """Find the eigenvalues of the differenced gradient."""
            import numpy as np

            rows = [[_differenced(g, v, Setting())(point) for v in asked.variables] for g in asked.gradient]
            return [float(x) for x in np.linalg.eigvalsh(np.array(rows))]

        ordered = tuple(sorted(asked.eigenvalues, key=lambda value: approximate(value) or 0.0))
        yield Route("eigenvalues", "NumPy, of the gradient's central differences", ordered, placed(spectrum))


def _around(asked: Asked) -> Experiment:
    """Look at the loss all around the point."""

    def run(_: int) -> tuple[float, float]:
        import mpmath

        from dlcalc.numeric import WIDE

        with mpmath.workdps(DIGITS):
            centre = {name: WIDE.value(value, {"": Setting()}) for name, value in asked.point.items()}
            level = WIDE.value(asked.loss, {**centre, "": Setting()})
            signs = set()
            for direction in _directions(len(asked.variables)):
                moved = {v: centre[v] + mpmath.mpf(d) / 1000 for v, d in zip(asked.variables, direction, strict=True)}
                change = WIDE.value(asked.loss, {**moved, "": Setting()}) - level
                signs.add(int(mpmath.sign(change)))
        expected = {"minimum": {1}, "maximum": {-1}}.get(asked.kind, {1, -1})
        return float(signs - {0} != expected), 0.0

    said = {"minimum": "higher everywhere", "maximum": "lower everywhere"}.get(asked.kind, "higher and lower")
    return Experiment("kind", f"the loss close by in many directions: {said}", run)


def _directions(count: int) -> list[tuple[float, ...]]:
    if count == 1:
        return [(1.0,), (-1.0,)]
    if count == 2:  # noqa: PLR2004 (a circle)
        return [(cos(pi * i / 180), sin(pi * i / 180)) for i in range(360)]
    return [tuple(s if j == i else 0.0 for j in range(count)) for i in range(count) for s in (1.0, -1.0)]


# momentum


def _moved(asked: Asked, throw: Throw) -> float:
    """Run the heavy ball with difference quotients; return how far from the point it ends."""
    start = [float(PLAIN.value(asked.point[v], {})) for v in asked.variables]
    w, v = list(start), list(throw.velocity)
    for _ in range(MAX_MOVES):
        w = [a + b for a, b in zip(w, v, strict=True)]
        if max(abs(a - b) for a, b in zip(w, start, strict=True)) > FAR:
            break
        slopes = []
        for i, name in enumerate(asked.variables):
            here = dict(zip(asked.variables, w, strict=True))
            up, down = (float(PLAIN.value(asked.loss, {**here, name: w[i] + s * SHIFT})) for s in (1, -1))
            slopes.append((up - down) / (2 * SHIFT))
        v = [throw.momentum * b - throw.lr * g for b, g in zip(v, slopes, strict=True)]
    return max(abs(a - b) for a, b in zip(w, start, strict=True))


FAR, NEARBY, SHIFT = 100.0, 0.01, 1e-5


def _thrown(asked: Asked, throw: Throw) -> tuple[Answer, float]:
    if symbols(asked.loss) - set(asked.variables) or symbols(*asked.point.values()):
        raise DlcalcError("the demonstration needs numbers for all names", "give every name a value in --at")
    try:
        distance = _moved(asked, throw)
    except (ArithmeticError, ValueError):
        raise DlcalcError("the loss has no value on the way", "use a smaller velocity or rate") from None
    if NEARBY < distance <= 1:
        raise DlcalcError(
            f"after {MAX_MOVES:,} updates it is {distance:.3g} away: neither left nor returned", "use another velocity"
        )
    why = f"in this run it ends {'far away' if distance > 1 else 'where it was'}"
    return verdict("leaves", holds=distance > 1, otherwise=why), distance


def _motion(distance: float | None) -> Iterator[Step]:
    if distance is None:
        return
    target = Sym("distance")
    if distance > 1:
        yield Step("motion", target, target, ONE, "momentum runs on: it has left (demonstration)", ">")
    else:
        because = "beyond the point the gradient pulls back: it has returned (demonstration)"
        yield Step("motion", target, target, expr(1) / 100, because, "<=")


# what is said beside it


def _conventions(asked: Asked, throw: Throw | None) -> Iterator[str]:
    first = asked.partial(0)
    by = unicode(Sym(asked.variables[0]))
    yield f"{first} is ∂L/∂{by}, derived as by backprop; two letters: second derivatives"
    others = sorted(names(asked.loss) - set(asked.variables))
    if others:
        yield f"constants: {', '.join(unicode(Sym(name)) for name in others)}"
    if throw is not None:
        yield (
            f"demonstration, not a theorem: v ← {throw.momentum:g} v - {throw.lr:g} ∇L, w ← w + v from the point with "
            f"the velocity given; left: farther than 1 away at the end, returned: within {NEARBY}"
        )


def _notes(asked: Asked, *, decided: bool) -> Iterator[str]:
    if asked.still:
        yield "the gradient is 0: plain gradient descent stands still at any learning rate, so the loss stays constant"
    if asked.point and any(not isinstance(g, Num) and _zero(g) for g in asked.here):
        yield "the gradient is 0 to 12 digits, computed with floats"
    if asked.still and asked.numeric and not decided:
        yield "the kind is answered for one or two variables, or a diagonal Hessian"
    if decided and asked.kind == "undecided":
        yield (
            "the second derivatives do not decide: the Hessian has the eigenvalue 0 and no two of opposite sign; "
            "compare the loss close by with the loss here"
        )


def _plots(asked: Asked) -> tuple[Plot, ...]:
    if len(asked.variables) != 1 or not asked.numeric or names(asked.loss) != set(asked.variables):
        return ()
    centre = approximate(asked.point[asked.variables[0]]) or 0.0

    def curves() -> list[Curve]:
        points = []
        for i in range(-50, 51):
            try:
                value = float(PLAIN.value(asked.loss, {asked.variables[0]: centre + i / 25}))
            except (ArithmeticError, ValueError):
                continue
            points.append((centre + i / 25, value))
        return [Curve("L", tuple(points))]

    return (Plot("loss", asked.variables[0], "L", curves),)
