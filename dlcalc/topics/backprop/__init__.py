"""Back-propagation in exam notation: from the equations to every gradient, derived and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.calculus.data import fitted, read_data
from dlcalc.calculus.problem import computed, read_problem, source, upstream_names
from dlcalc.errors import DlcalcError
from dlcalc.givens import choice, data, scalar, switch, text
from dlcalc.notation.expression import ONE, Expr, Num
from dlcalc.solution import Solution
from dlcalc.topic import topic

if TYPE_CHECKING:
    from dlcalc.calculus.problem import Problem

MAX_UPDATES = 1_000


@topic(
    area="back-propagation",
    answers=("dL/dW1",),
    examples=(
        "'h1 = relu(W1 x + b1) + Ws x; z = W2 h1 + b2; L = 1/2 ||z - y||^2' --wrt W1,Ws,x",
        "'y in onehot(C); p = softmax(W x + b); L = -y^T log(p)'",
        "'f = (x + y) z' --at x=-2,y=5,z=-4",
    ),
)
def backprop(
    *,
    program: Annotated[
        str | None,
        text(help="Equations between ; or line ends (- for standard input).", metavar="PROGRAM", positional=True),
    ] = None,
    file: Annotated[str | None, text("-f", help="Read the program from this file.", metavar="NAME")] = None,
    wrt: Annotated[
        str, text(help="Names to differentiate by (default: every leaf that is not data).", metavar="NAME,…")
    ] = "",
    loss: Annotated[str, text(help="The quantity to differentiate (default: the last one).", metavar="NAME")] = "",
    upstream: Annotated[str, text(help="Start from a given ∂L/∂NAME instead of a loss.", metavar="NAME=d")] = "",
    at: Annotated[object, data(help="Numbers: x=-2,y=[1,2], JSON, or a JSON file.", metavar="DATA")] = None,
    lr: Annotated[
        Expr | None, scalar("--learning-rate", "--eta", help="Learning rate: adds the parameters after a step.")
    ] = None,
    updates: Annotated[
        Expr, scalar("--iterations", help="Gradient steps to take with --lr (default 1).", whole=True, least=1)
    ] = ONE,
    layout: Annotated[
        str, choice("gradient", "numerator", help="Shape of derivatives (default: that of the variable).")
    ] = "gradient",
    graph: Annotated[bool, switch(help="Draw the computational graph instead.")] = False,
    code: Annotated[str | None, choice("numpy", help="Print a NumPy function of the gradients instead.")] = None,
) -> Solution:
    """Gradients of a loss, from the equations of a network to a checked derivation.

    δ of every quantity from the loss back, by one rule per operation: for z = W x, δ_x = Wᵀ δ_z and ∂L/∂W = δ_z xᵀ;
    for h = f(a), δ_a = δ_h ⊙ f'(a); a quantity on several paths adds their terms up. Capital letters are matrices,
    small ones column vectors, Greek ones numbers, unless declared: y in R, W in R^(m x n), y in onehot(C).
    Source: Rumelhart, Hinton and Williams, Learning representations by back-propagating errors (1986); Petersen and
    Pedersen, The Matrix Cookbook (2012).

    Raises DlcalcError for what cannot be read, shapes that clash, a loss that is no number, or data without a value.

    >>> print(backprop(program="z = W x; L = 1/2 ||z - y||^2", wrt="W").answers[0].text)
    (z - y) x^T
    """
    given = {} if at is None else read_data(at)
    problem = read_problem(
        source(program, file), loss=loss, wrt=wrt, upstream=upstream, data=given, numerator=layout == "numerator"
    )
    _refuse_without_rate(lr, updates, given)
    from dlcalc.topics.backprop.answers import numeric, symbolic

    if not given:
        return symbolic(problem, lr, graph=graph, code=code is not None)
    leaves, lengths = fitted(problem.typed, _without_upstream(problem, given))
    extra = {name: given[name].rows for name in given if name not in leaves and name not in lengths}
    numbers = computed(problem, {**leaves, **extra}, lengths)
    times = int(updates.value) if isinstance(updates, Num) else 1
    return numeric(problem, numbers, lr, times, graph=graph, code=code is not None)


def _without_upstream(problem: Problem, given: dict[str, Any]) -> dict[str, Any]:
    """Leave out the values of names that only a given gradient uses; refuse where one is missing."""
    own = upstream_names(problem)
    missing = [name for name in own if name not in given]
    if missing:
        raise DlcalcError(f"{missing[0]} has no value", f"add {missing[0]} to --at")
    return {name: value for name, value in given.items() if name not in own}


def _refuse_without_rate(lr: Expr | None, updates: Expr, given: dict[str, Any]) -> None:
    if lr is None and updates != ONE:
        raise DlcalcError("--updates needs a learning rate", "add --lr 0.1")
    if not isinstance(updates, Num) or updates.value > MAX_UPDATES:
        raise DlcalcError("--updates is a whole number", f"use 1 to {MAX_UPDATES:,}")
    if updates != ONE and not given:
        raise DlcalcError("several updates need numbers", "add --at with the data")
    if given and lr is not None and not isinstance(lr, Num):
        raise DlcalcError(f"--lr {lr} is not a number", "give a number beside --at")
