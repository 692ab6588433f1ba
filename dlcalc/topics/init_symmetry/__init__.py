"""What happens when all weights start at one value: the same gradients, copies, or no learning at all."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from dlcalc.givens import choice, scalar, switch, values
from dlcalc.notation.expression import Expr, Sym, number
from dlcalc.notation.printing import Value
from dlcalc.solution import Solution
from dlcalc.topic import topic

C, RATE, THREE = Sym("c"), number(Fraction(1, 10)), number(3)
WIDTHS = (number(2), THREE, number(1))


@topic(
    area="initialisation",
    answers=("same_gradient", "still_copies", "still_equal", "all_zero", "unit", "dL/dW1", "W1_new"),
    examples=(
        "--layers 2,3,1",
        "--constant 0 --layers 2,3,1 --activation tanh",
        "--constant 1/2 --layers 2,2,2 --activation relu --x 1,2 --y 1,0",
    ),
)
def init_symmetry(
    *,
    constant: Annotated[
        Expr, scalar("-c", "--init-constant", help="What every weight starts at: 0, 1, or a symbol (default c).")
    ] = C,
    layers: Annotated[
        Value, values(help="Widths from input to output (default 2,3,1); the output is linear.")
    ] = WIDTHS,
    activation: Annotated[
        str,
        choice("sigmoid", "tanh", "relu", "linear", flags=("--nonlinearity",), help="Hidden units (default sigmoid)."),
    ] = "sigmoid",
    x: Annotated[Value | None, values(help="Input: a number per unit (default: symbols).")] = None,
    y: Annotated[Value | None, values(help="Target: a number per output (default: symbols).")] = None,
    lr: Annotated[Expr, scalar("--learning-rate", "--eta", help="Learning rate of the updates (default 0.1).")] = RATE,
    updates: Annotated[Expr, scalar("--iterations", help="Gradient steps (default 3).", whole=True, least=1)] = THREE,
    bias: Annotated[bool, switch(help="Add biases, which start at 0 (default: no).")] = False,
) -> Solution:
    """Symmetry of equal weights: all zero, all one, or all the same initial weights, and their gradients.

    All weights c: hidden unit i is f(c Σ x_j) for every i, so the rows of ∂L/∂W = δ hᵀ of a hidden layer are equal and
    its units stay copies of each other, while columns separate as their inputs differ. All zero with tanh or ReLU and
    no biases: every gradient is 0 and nothing is learned; with sigmoid the last layer still gets one, since σ(0) = 1/2.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.4; the gradients are those of backprop.

    Raises DlcalcError for widths that are no list of whole numbers, a network that is not small, or data that do not
    fit it.

    >>> init_symmetry(constant=0, activation="tanh")["all_zero"].text
    'yes'
    """
    from dlcalc.topics.init_symmetry.answers import answered

    return answered(constant, layers, activation, x, y, lr, updates, bias=bias)
