"""Activation functions: slopes, limits, saturation, and what a chain of units does to a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, scalar, text, values
from dlcalc.notation.expression import ONE, ZERO, Expr, Relation, Sym, names
from dlcalc.notation.printing import Value, unicode
from dlcalc.plot import Curve, Plot
from dlcalc.solution import COUNT, POSITIVE, REAL, Answer, Setting, Solution, Step, Work
from dlcalc.topic import topic
from dlcalc.topics.activation.answering import derivative_answer, fact_answers, notes, point_answers
from dlcalc.topics.activation.asking import KNOWN, Asked, asked
from dlcalc.topics.activation.boundary import Boundary, boundary, boundary_answers, boundary_said, boundary_steps
from dlcalc.topics.activation.chain import (
    Chain,
    chain_answers,
    chain_steps,
    composition,
    composition_steps,
    explode_weight,
    read_layers,
    said,
)
from dlcalc.topics.activation.equality import (
    Comparison,
    compared,
    equality_answers,
    equality_routes,
    equality_said,
    equality_steps,
    uses,
)
from dlcalc.topics.activation.facts import X
from dlcalc.topics.activation.named import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_PLACES = 50
DRAWN, POINTS = 6.0, 481
"""A plot goes from -DRAWN to DRAWN, with so many points."""


@topic(
    area="activations",
    answers=(
        *("derivative", "value", "slope", "saturates", "exactly_zero", "continuous", "differentiable"),
        *("limit_left", "limit_right", "slope_far_left", "slope_far_right", "joints", "left_slope", "right_slope"),
        *("identity", "series", "range_low", "range_high", "max_slope", "max_slope_at", "min_slope", "monotone"),
        *("symmetry", "homogeneous", "continuity_implies_differentiability", "vanishing", "exploding", "bound"),
        *("explode_weight", "boundary", "equal"),
    ),
    examples=(
        "tanh",
        "'max(0.01x, x)' --at -1,0,2",
        "sigmoid --layers 10 --weight 1",
        "elu --equals 'max(alpha (exp(x) - 1), x)'",
        "'sigmoid(w0 + w1 x)' --above 1/2",
    ),
    plots=True,
)
def activation(
    *,
    function: Annotated[
        str, text(help="A name (relu, tanh, gelu, …) or an expression in x.", metavar="NAME", positional=True)
    ],
    at: Annotated[Value | None, values("--x", help="Where to give f and f': 0 or -1,0,2.")] = None,
    alpha: Annotated[
        Expr | None,
        scalar("--slope", "--negative-slope", help="Slope or scale below 0 of leaky-relu, prelu, elu, selu."),
    ] = None,
    scale: Annotated[Expr | None, scalar("--lambda", help="Scale of selu (default 1.0507…).", least=0)] = None,
    beta: Annotated[
        Expr | None, scalar("-b", help="Factor of x inside swish or softplus (default 1).", least=0)
    ] = None,
    zero: Annotated[Expr | None, scalar(help="Value of sign or step at 0 (default 1).")] = None,
    approximate: Annotated[str | None, choice("none", "tanh", help="Form of gelu (default none: exact).")] = None,
    form: Annotated[
        str | None, choice("pytorch", "keras", help="hard-sigmoid: x/6 + 1/2 (default) or 0.2x + 0.5.")
    ] = None,
    layers: Annotated[
        Expr | None,
        scalar("-l", "--depth", help="Units in a chain: adds the bound on its derivative.", whole=True, least=1),
    ] = None,
    weight: Annotated[Expr, scalar("-w", help="Weight of every unit of the chain (default 1).")] = ONE,
    above: Annotated[
        Expr | None, scalar("--threshold", help="Adds which x the function is above this for: a decision boundary.")
    ] = None,
    equals: Annotated[
        str, text(help="Compare with this formula, and say for which alpha both are the same.", metavar="FORMULA")
    ] = "",
    parameters: Annotated[
        str, text("--with", help="Parameters of an expression: w0=-1,w1=1.", metavar="NAME=NUMBER,…")
    ] = "",
) -> Solution:
    """Activation function: derivative, saturation, kinks, limits, range, vanishing gradients.

    Of sign, step, relu, leaky-relu, prelu, elu, selu, sigmoid, tanh, gelu, swish, softplus, hard-sigmoid, hard-tanh,
    relu6, mish, softsign, identity, or any expression in x: f', its one-sided slopes, limits of f and f' at ±∞,
    on which side it saturates (f' → 0), whether it is continuous, differentiable, near the identity at 0 (series), the
    range, the largest slope, homogeneity, and whether a chain of units can make gradients vanish or explode: with L
    units of weight w, |d out/d in| ≤ (|w| max|f'|)^L.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.3; torch.nn; Hendrycks and Gimpel,
    Gaussian error linear units (2016); Clevert et al., ELU (2015); Klambauer et al., SELU (2017).

    Raises DlcalcError for a name or formula that cannot be read, parameters that a function does not have, and places
    where it has no value.

    >>> activation(function="sigmoid", at=0).value
    0.5
    >>> activation(function="max(0.01x, x)")["saturates"].text
    'never'
    """
    free = None if alpha is not None or not _symbolic(function, equals) else Sym("alpha")
    found = asked(
        function,
        {
            "alpha": alpha if free is None else free,
            "scale": scale,
            "beta": beta,
            "zero": zero,
            "tanh": None if approximate is None else (ONE if approximate == "tanh" else ZERO),
            "form": None if form is None else (ONE if form == "keras" else ZERO),
        },
        parameters,
    )
    places = _places(at)
    read_layers(layers)
    chain = Chain(found, weight, layers) if found.facts is not None else None
    if found.unsettled and layers is not None:
        raise DlcalcError(f"the largest slope is not known: {found.unsettled}", "leave --layers out")
    edge = boundary(found, above) if above is not None else None
    compare = compared(found, equals) if equals.strip() else None
    return _solution(found, places, chain, edge, compare)


def _symbolic(function: str, equals: str) -> bool:
    """Say whether alpha stays a symbol, as the formula to compare with names it."""
    name = KNOWN.get(function.strip().lower().replace("-", "").replace("_", "").replace(" ", ""), "")
    return name != "" and "alpha" in NAMED[name].defaults and bool(equals.strip()) and "alpha" in uses(equals)


def _places(at: Value | None) -> tuple[Expr, ...]:
    found = () if at is None else (at,) if isinstance(at, Expr) else at
    if len(found) > MOST_PLACES or any(not isinstance(place, Expr) for place in found):
        raise DlcalcError(f"--at has {len(found)} entries", f"give a list of at most {MOST_PLACES} numbers")
    places = tuple(place for place in found if isinstance(place, Expr))
    if any(X.name in names(place) for place in places):
        raise DlcalcError("--at depends on x", "give numbers or other symbols")
    return places


def _solution(
    found: Asked, places: tuple[Expr, ...], chain: Chain | None, edge: Boundary | None, compare: Comparison | None
) -> Solution:
    firsts: list[tuple[Answer, ...]] = [
        equality_answers(compare) if compare is not None else (),
        boundary_answers(edge) if edge is not None else (),
        point_answers(found, places),
    ]
    chained = _chain_answers(found, places, chain)
    asked_chain = chain is not None and chain.layers is not None
    answers = (
        *(answer for group in firsts for answer in group),
        *(chained if asked_chain else ()),
        derivative_answer(found),
        *fact_answers(found),
        *(() if asked_chain else chained),
    )

    def work() -> Work:
        from dlcalc.topics.activation.derivation import steps
        from dlcalc.topics.activation.experiments import chain_experiment, composition_experiment, experiments

        lines: list[Step] = []
        lines += equality_steps(compare) if compare is not None else ()
        lines += boundary_steps(found, edge) if edge is not None else ()
        chain_lines = chain_steps(chain) if chain is not None else ()
        lines += (*composition_steps(chain, places), *chain_lines) if chain is not None and asked_chain else ()
        lines += steps(found, places)
        lines += () if asked_chain else chain_lines
        routes = experiments(found)
        routes += equality_routes(compare) if compare is not None else ()
        routes += (*chain_experiment(chain), *composition_experiment(chain, places)) if chain is not None else ()
        return Work(tuple(lines), routes)

    symbols = frozenset().union(*(names(place) for place in places), *(names(v) for v in _chain_symbols(chain)))
    return Solution(
        answers=answers,
        work=work,
        setting=Setting(
            domains={
                **dict.fromkeys(sorted(symbols), REAL),
                **found.domains,
                **dict.fromkeys(("c", "d"), POSITIVE),
                "L": COUNT,
            },
            aliases={"z": X} if "z" not in found.free else {},
            infinite=True,
            constraints=(
                *(Relation(X, "!=", place) for place in found.meetings),
                *(found.facts.bounds if found.facts is not None else ()),
            ),
        ),
        notes=(
            *((boundary_said(found, edge),) if edge is not None else ()),
            *(equality_said(compare) if compare is not None else ()),
            *_chain_notes(chain),
            *notes(found, places),
        ),
        assumptions=_assumptions(found),
        conventions=_conventions(found),
        plots=(_plot(found),) if not found.free else (),
    )


def _chain_symbols(chain: Chain | None) -> tuple[Expr, ...]:
    return () if chain is None else (chain.weight, *(() if chain.layers is None else (chain.layers,)))


def _chain_answers(found: Asked, places: tuple[Expr, ...], chain: Chain | None) -> tuple[Answer, ...]:
    if chain is None:
        return ()
    answers = chain_answers(chain)
    if chain.layers is None:
        return answers
    gradients = [composition(found, chain.weight, chain.layers, place) for place in places or (None,)]
    if None in gradients:
        return answers
    known = tuple(gradient for gradient in gradients if gradient is not None)
    return (Answer("chain_gradient", known[0] if len(known) == 1 else known), *answers)


def _chain_notes(chain: Chain | None) -> tuple[str, ...]:
    if chain is None:
        return ()
    weight = explode_weight(chain)
    bounded = (f"a chain can only explode for |w| > {unicode(weight)} = 1/max|f'|",) if weight is not None else ()
    if not chain.decided:
        return bounded
    return (
        *bounded,
        f"vanishing: {said(chain, vanishes=True)}",
        f"exploding: {said(chain, vanishes=False)}",
    )


def _assumptions(found: Asked) -> tuple[str, ...]:
    if not found.name or not found.free:
        return ()
    return tuple(f"{name} > 0" for name in found.free)


def _conventions(found: Asked) -> tuple[str, ...]:
    from dlcalc.calculus.functions import ELEMENTWISE
    from dlcalc.notation.expression import Call, walk

    used = [n.function for n in walk(found.function) if isinstance(n, Call)]
    spelled = ({"max": "maximum", "min": "minimum"}.get(f, f) for f in dict.fromkeys(used))
    kinks = [ELEMENTWISE[f].convention for f in spelled if f in ELEMENTWISE and ELEMENTWISE[f].convention]
    return (
        *found.conventions,
        *kinks,
        "saturates on a side: f' tends to 0 there",
        "vanishing: |w f'| < 1 somewhere, exploding: |w f'| > 1 somewhere; biases are free, so units may stay there",
    )


def _plot(found: Asked) -> Plot:
    """Draw the function and its slope, each in pieces between its joints."""

    def make() -> Iterable[Curve]:
        from dlcalc.topics.activation.drawing import curves

        return curves(found, DRAWN, POINTS)

    return Plot("f and f'", "x", "f, f'", make)
