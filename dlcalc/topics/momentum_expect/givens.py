"""The six givens of a question about momentum, and how sentences and formulas write them."""

from __future__ import annotations

from typing import NamedTuple

from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Call, Entry, Expr, Num, Sym
from dlcalc.notation.printing import unicode

T, ALPHA, EPSILON = Sym("t"), Sym("alpha"), Sym("epsilon")
MU, SIGMA2, THETA0 = Sym("mu"), Sym("sigma2"), Sym("theta0")
NAMES = ("E_v", "E_theta", "Var_v", "Var_theta")

WRITTEN_OUT = 4
"""Up to this t the derivation writes every gradient out; E and Var are evaluated over 2^t outcomes."""


class Givens(NamedTuple):
    """The givens: as they were asked, or as the letters of the derivation."""

    t: Expr
    alpha: Expr
    epsilon: Expr
    mu: Expr
    sigma2: Expr
    theta0: Expr

    @property
    def drift(self) -> Expr:
        """The mean of one push, without its sign."""
        return self.epsilon * self.mu

    @property
    def spread(self) -> Expr:
        """The variance of one push."""
        return self.epsilon**2 * self.sigma2

    @property
    def unit(self) -> Givens:
        """The givens whose moments are the bare sums over the weights."""
        return Givens(self.t, self.alpha, epsilon=ONE, mu=MINUS_ONE, sigma2=ONE, theta0=ZERO)

    @property
    def targets(self) -> dict[str, Expr]:
        """What the four answers are: E(v[t]), E(theta[t]), Var(v[t]), Var(theta[t])."""
        return {name: Call(moment, (Entry(of, self.t),)) for name in NAMES for moment, of in [name.split("_")]}

    @property
    def steps(self) -> int | None:
        """How many steps there are; None where t is no number."""
        return int(self.t.value) if isinstance(self.t, Num) else None

    @property
    def rule(self) -> str:
        """How v moves."""
        return f"v_t = {self.write(self.alpha)} v_{{t−1}} − {self.write(self.epsilon)} g_t"

    @property
    def factor(self) -> str:
        """The number of steps, written so that it may stand before a letter."""
        return unicode(self.t) if isinstance(self.t, Num | Sym) else f"({unicode(self.t)})"

    @property
    def display(self) -> dict[str, str]:
        """The name that is not written as it is spelled."""
        return {"sigma2": "σ²"} if self.sigma2 == SIGMA2 else {}

    def write(self, value: Expr) -> str:
        """Write a formula into a sentence."""
        return unicode(value, self.display).replace("-", "−")
