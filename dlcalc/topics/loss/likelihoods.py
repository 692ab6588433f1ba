"""The negative log-likelihood of a distribution of the target, and the loss that it is up to constants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.errors import DlcalcError, nearest
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Sum,
    Sym,
    expr,
    fold,
    power,
    substitute,
)
from dlcalc.notation.functions import call, exp, ln
from dlcalc.notation.printing import plain
from dlcalc.parts import joined
from dlcalc.solution import (
    COUNT,
    POSITIVE,
    REAL,
    UNIT,
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
    word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlcalc.topics.loss.asked import Asked

Y, F, P = Sym("y"), Sym("f"), Sym("p")
V, B, KAPPA, C, PI = Sym("v"), Sym("b"), Sym("kappa"), Sym("c"), Sym("pi")
LABEL = Domain(UNIT.low, UNIT.high, whole=True)
COUNTED = Domain(UNIT.low, COUNT.high, whole=True)
WORDS = ("mse", "mae", "bce", "cross-entropy", "poisson", "cosine")
POINTS = 200
"""Points of an integral over the circle, whose error falls exponentially."""


class Family(NamedTuple):
    """A distribution of y around a prediction, with its density, and what of -ln density depends on the prediction."""

    name: str
    prediction: Sym
    density: Expr
    factor: Expr
    """What the loss is multiplied by; above 0."""
    loss: Expr
    rest: Expr
    """What does not depend on the prediction."""
    equals: str
    program: str
    domains: Mapping[str, Domain]
    brute: Callable[[Mapping[str, Any]], float]
    """The density at a point, from its meaning."""
    said: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()

    @property
    def nll(self) -> Expr:
        """-ln of the density."""
        return self.factor * self.loss + self.rest


def _normal(point: Mapping[str, Any]) -> float:
    from statistics import NormalDist

    return NormalDist(float(point["f"]), math.sqrt(point["v"])).pdf(float(point["y"]))


def _laplace(point: Mapping[str, Any]) -> float:
    """Differentiate the distribution function by a tiny imaginary step."""
    import cmath

    step, away = 1e-30, float(point["y"]) - float(point["f"])
    scaled = complex(away, step) / float(point["b"])
    below = cmath.exp(scaled) / 2 if away < 0 else 1 - cmath.exp(-scaled) / 2
    return below.imag / step


def _poisson(point: Mapping[str, Any]) -> float:
    found = math.exp(-point["f"])
    for k in range(1, int(point["y"]) + 1):
        found *= float(point["f"]) / k
    return found


def around_circle(kappa: float) -> float:
    """Integrate exp(κ cos t) once around the circle: 2π I₀(κ).

    >>> round(around_circle(0.0) / math.pi, 9)
    2.0
    """
    step = 2 * math.pi / POINTS
    return step * math.fsum(math.exp(kappa * math.cos(i * step)) for i in range(POINTS))


def _von_mises(point: Mapping[str, Any]) -> float:
    kappa = float(point["kappa"])
    return math.exp(kappa * math.cos(point["y"] - point["f"])) / around_circle(kappa)


_BCE = -(Y * ln(P) + (1 - Y) * ln(1 - P))
FAMILIES = {
    family.name: family
    for family in (
        Family("gaussian", F, Div(exp(-Div((Y - F) ** 2, 2 * V)), call("sqrt", 2 * PI * V)), Div(ONE, 2 * V),
               (Y - F) ** 2, Div(ln(2 * PI * V), expr(2)), "mse",
               "y, f in R; v in R; L = (y - f)^2/(2 v) + log(2 pi v)/2",
               {"y": REAL, "f": REAL, "v": POSITIVE}, _normal,
               ("Gaussian noise of variance v = σ², the same for every example",), ("normal", "gauss")),
        Family("laplace", F, Div(exp(-Div(call("abs", Y - F), B)), 2 * B), Div(ONE, B), call("abs", Y - F), ln(2 * B),
               "mae", "y, f in R; b in R; L = abs(y - f)/b + log(2 b)", {"y": REAL, "f": REAL, "b": POSITIVE}, _laplace,
               ("Laplace noise of scale b",), ("laplacian", "double-exponential")),
        Family("bernoulli", P, Mul((power(P, Y), power(1 - P, 1 - Y))), ONE, _BCE, ZERO, "bce",
               "y in {0,1}; p in (0,1); L = -(y log(p) + (1 - y) log(1 - p))", {"y": LABEL, "p": UNIT},
               lambda point: float(point["p"] if point["y"] == 1 else 1 - point["p"]), ("y is 0 or 1",), ("binary",)),
        Family("categorical", P, P, ONE, -ln(P), ZERO, "cross-entropy", "p in (0,1); L = -log(p)", {"p": UNIT},
               lambda point: float(point["p"]), ("p is the probability of the true class",),
               ("multinomial", "multinoulli", "softmax")),
        Family("poisson", F, Div(Mul((power(F, Y), exp(-F))), exp(Sum("k", ONE, Y, ln(Sym("k"))))), ONE, F - Y * ln(F),
               Sum("k", ONE, Y, ln(Sym("k"))), "poisson", "y in R; f in (0,3); L = f - y log(f)",
               {"y": COUNTED, "f": POSITIVE}, _poisson, ("f is the rate; Σ ln k is ln(y!)",), ()),
        Family("von-mises", F, Div(exp(KAPPA * call("cos", Y - F)), C), KAPPA, -call("cos", Y - F), ln(C), "cosine",
               "y, f in R; kappa in R; c in (0,9); L = -kappa cos(y - f) + log(c)",
               {"y": REAL, "f": REAL, "kappa": POSITIVE}, _von_mises,
               ("c = 2π I₀(κ), the integral of exp(κ cos t) around the circle; κ is the same for every example",),
               ("vonmises", "von-mises-fisher", "circular")),
    )
}  # fmt: skip
SPELLED = {spelled: family.name for family in FAMILIES.values() for spelled in (family.name, *family.synonyms)}


def solution(asked: Asked, name: str, variance: Expr | None) -> Solution:
    """Answer with the negative log-likelihood, and the loss that has the same minimum.

    Raises DlcalcError for an unknown distribution, and a variance that it does not have, or that is 0.
    """
    written = "-".join(name.strip().lower().replace("_", " ").replace("-", " ").split())
    if written not in SPELLED:
        raise DlcalcError(
            f"--likelihood {name} is not known", nearest(written, SPELLED) or f"use {', '.join(FAMILIES)}"
        )
    if asked.kind.name not in {"nll", "cross-entropy"} and asked.kind.name != FAMILIES[SPELLED[written]].equals:
        raise DlcalcError(f"--likelihood does not go with --kind {asked.kind.name}", "use --kind nll")
    family = FAMILIES[SPELLED[written]]
    if variance is not None and family.name != "gaussian":
        raise DlcalcError(f"the {family.name} likelihood has no variance of its own", "leave --variance out")
    if variance == ZERO:
        raise DlcalcError("the variance is 0, where the density has no value", "use a variance above 0")
    return _with_gradient(family, variance)


def _with_gradient(family: Family, variance: Expr | None) -> Solution:
    from dlcalc.calculus.problem import read_problem
    from dlcalc.topics.backprop.answers import symbolic

    values: dict[str, Expr] = {} if variance is None else {"v": variance}
    text = family.program
    if isinstance(variance, Num):
        text = text.replace("v in R; ", "").replace(" v", f" ({plain(variance)})")
    elif variance is not None and variance != V:
        others = sorted(symbols(variance))
        text = text.replace("v in R; ", "".join(f"{s} in R; " for s in others)).replace(" v", f" ({plain(variance)})")
    engine = symbolic(read_problem(text, loss="L", wrt=family.prediction.name), None, graph=False, code=False)
    asked = _Asked(family, values)
    return joined(asked.of_one(), asked.of_all(), engine)


@dataclass(frozen=True)
class _Asked:
    """A family, and the givens in the place of its letters."""

    family: Family
    values: Mapping[str, Expr]

    def put(self, node: Expr) -> Expr:
        """Put the givens in."""
        return fold(substitute(node, self.values)) if self.values else node

    @property
    def domains(self) -> dict[str, Domain]:
        found = {name: domain for name, domain in self.family.domains.items() if name not in self.values}
        return found | dict.fromkeys(sorted(symbols(*self.values.values())), POSITIVE)

    def density(self, point: Mapping[str, Any]) -> float:
        """Compute the density from its meaning."""
        return self.family.brute({**point, **{name: PLAIN.value(value, point) for name, value in self.values.items()}})

    @property
    def constants(self) -> dict[str, Callable[..., Any]]:
        """The numbers that the density has a letter for."""
        every: dict[str, Callable[..., Any]] = {
            "pi": lambda _: math.pi,
            "c": lambda point: around_circle(float(point["kappa"])),
        }
        return {name: value for name, value in every.items() if name in symbols(self.family.density)}

    def of_one(self) -> Solution:
        """Answer for one example."""
        family, density, nll = self.family, self.put(self.family.density), self.put(self.family.nll)
        log = -Call("ln", (density,))
        steps = [
            Step("density", Sym("density"), Sym("density"), density, f"{family.name}: y around the prediction"),
            Step("nll", Sym("nll"), Sym("nll"), log, "minus the logarithm of the density"),
            Step("expanded", Sym("nll"), log, nll, "the logarithm of a product is a sum"),
        ]
        if family.rest != ZERO:
            left = nll - self.put(family.factor * family.loss)
            because = "what is left does not depend on the prediction"
            steps.append(Step("constant", Sym("constant"), left, self.put(family.rest), because))

        def under_log(point: Mapping[str, Any]) -> float:
            return -math.log(self.density(point))

        slips = (
            Slip(-nll, "the minus in front of the logarithm is missing"),
            Slip(density, "that is the likelihood itself"),
        )
        said = f"the {family.name} NLL is {family.equals} up to constants"
        others = tuple(Slip(Sym(other), said) for other in WORDS if other != family.equals)
        return Solution(
            answers=(Answer("nll", nll, slips=slips), word("equivalent", family.equals, WORDS, others)),
            work=lambda: Work(
                tuple(steps),
                (Route("nll", "the density from its meaning, under -ln", nll, lambda point: [under_log(point)]),),
            ),
            setting=Setting(
                domains=self.domains, definitions={"density": self.density, "nll": under_log, **self.constants}
            ),
            principal=("nll",),
            conventions=family.said,
            notes=(f"{said}: both have the same minimum",),
        )

    def of_all(self) -> Solution:
        """Answer for n examples, as sums."""
        family, i, n = self.family, Sym("i"), Sym("n")
        indexed = {name: Entry(name, i) for name in ("y", family.prediction.name) if name in family.domains}

        def total(node: Expr) -> Expr:
            return Sum("i", ONE, n, substitute(self.put(node), indexed))

        whole, part, kernel = total(family.nll), total(family.factor * family.loss), total(family.loss)
        because = "a factor above 0 moves no minimum"
        factor = Step("factor", Sym("dependent"), part, Mul((self.put(family.factor), kernel)), because)

        def summed(point: Mapping[str, Any]) -> list[float]:
            rows = ({**point, **{name: point[name][k] for name in indexed}} for k in range(int(point["n"])))
            return [-math.fsum(math.log(self.density(row)) for row in rows)]

        wrong = "the sign is the wrong way round"
        kept = Slip(part, "that keeps a factor that moves no minimum")
        return Solution(
            answers=(
                Answer("total", whole, slips=(Slip(-whole, wrong),)),
                Answer("dependent", part, slips=(Slip(-part, wrong),)),
                Answer("loss", kernel, slips=(Slip(-kernel, wrong), kept)),
            ),
            work=lambda: Work(
                (factor,) if kernel != part else (),
                (Route("total", "the densities of all examples, under -ln, added up", whole, summed),),
            ),
            setting=Setting(
                domains={**{name: d for name, d in self.domains.items() if name not in indexed}, "n": COUNT},
                sequences={name: Sequence(n, family.domains[name]) for name in indexed},
                definitions=self.constants,
            ),
            assumptions=("the n examples are independent: their likelihoods multiply",),
            conventions=("dependent: what of the total depends on the predictions; loss: without its factor",),
        )
