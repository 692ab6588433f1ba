"""Critical points of a loss: gradient, Hessian, kind, contours, and where gradient descent stands still."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, UNIT, data, scalar, text, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import Expr, Num, number
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Solution
from dlcalc.topic import topic

RATE, MOMENTUM = number(1) / 100, number(9) / 10


@topic(
    area="optimisation",
    answers=(
        *("kind", "gradient", "hessian", "eigenvalues", "steepest_descent", "gradient_norm", "tangent", "dot"),
        *("larger", "gd_moves", "leaves"),
    ),
    examples=(
        "'L = x^2 - y^2' --at x=0,y=0",
        "'L = (w1^2 + 25 w2^2)/2' --at w1=1,w2=1",
        "'L = (a w1^2 + b w2^2)/2' --wrt w1,w2",
        "'L = -x^3' --at x=0 --velocity 0.1",
        "'(w2 tanh(w1 x) - y)^2/2' --at w1=0,w2=0",
    ),
)
def critical_point(
    *,
    loss: Annotated[
        str | None,
        text("--function", help="Loss of scalar variables (- for standard input).", metavar="LOSS", positional=True),
    ] = None,
    at: Annotated[object, data("--point", help="Point: x=0,y=1 (default: any point).", metavar="POINT")] = None,
    wrt: Annotated[str, text(help="Variables (default: the names of the point, or all).", metavar="NAME,…")] = "",
    velocity: Annotated[
        Value | None, values("-v", help="Velocity at which momentum arrives there: a demonstration.")
    ] = None,
    lr: Annotated[
        Expr,
        scalar("--learning-rate", "--eta", help="Learning rate of the demonstration (default 0.01).", domain=POSITIVE),
    ] = RATE,
    momentum: Annotated[
        Expr, scalar("--alpha", "--mu", help="Momentum of the demonstration (default 0.9).", domain=UNIT)
    ] = MOMENTUM,
) -> Solution:
    """Critical point of a loss: minimum, maximum, saddle or inflection; gradient, Hessian, contour lines.

    At a critical point the gradient is 0, so plain gradient descent does not move, at any learning rate. All
    eigenvalues of the Hessian positive: a minimum; all negative: a maximum; both signs: a saddle; otherwise the
    second derivatives do not decide. Of one variable the first derivative that is not 0 decides. Elsewhere the
    gradient is perpendicular to the contour line, and largest along the axis where the contours are densest.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 4.3 and 8.2.3; Dauphin et al.,
    Identifying and attacking the saddle point problem (2014).

    Raises DlcalcError for a loss that cannot be read, or a point where it has a kink or no value.

    >>> critical_point(loss="x^2 - y^2", at={"x": 0, "y": 0})["kind"].text
    'saddle'
    >>> critical_point(loss="x^3", at="x=0")["kind"].text
    'inflection'
    """
    if loss is None:
        raise DlcalcError("the loss is missing", "write it in quotes: 'x^2 - y^2'")
    from dlcalc.topics.critical_point.answering import Asked, Throw, solved
    from dlcalc.topics.critical_point.loss import read_loss, read_point, refuse_kinks, seen, variables_of

    expression, point = read_loss(loss), read_point(at)
    variables = variables_of(expression, seen(loss), wrt, point)
    if point and (missing := [v for v in variables if v not in point]):
        raise DlcalcError(f"{missing[0]} has no value", f"add {missing[0]} to --at")
    refuse_kinks(expression, point)
    throw = None
    if velocity is not None:
        given = velocity if isinstance(velocity, tuple) else (velocity,)
        speeds = tuple(v for v in given if isinstance(v, Num))
        if len(speeds) != len(given) or len(given) != len(variables) or not point:
            raise DlcalcError(
                f"--velocity is {len(variables)} numbers at a point", "give --at, and one number per variable"
            )
        for name, value in (("lr", lr), ("momentum", momentum)):
            if (found := approximate(value)) is None or not 0 <= found < 1:
                raise DlcalcError(f"{name} {plain(value)} is not in 0 <= {name} < 1", "use 0.01 and 0.9, say")
        throw = Throw(tuple(float(v.value) for v in speeds), approximate(lr) or 0.0, approximate(momentum) or 0.0)
    return solved(Asked(expression, variables, point), throw)
