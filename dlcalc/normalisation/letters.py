"""The names of normalisation in letters: a feature over a batch, or the features of an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.notation.expression import ONE, ZERO, Div, Entry, Expr, Sum, Sym, div, mul
from dlcalc.notation.functions import call

if TYPE_CHECKING:
    from dlcalc.normalisation.running import Running

AT, J, C, B = Sym("i"), Sym("j"), Sym("c"), Sym("b")
MU, SIGMA2, MUBAR, VARBAR = Sym("mu"), Sym("sigma2"), Sym("mubar"), Sym("varbar")


class Letters:
    """The names of a question in letters: a feature over a batch, or the features of an example."""

    def __init__(self, kind: str, eps: Expr, gamma: Expr | None, beta: Expr | None) -> None:
        """Choose letters for what is not given."""
        self.kind, self.eps = kind, eps
        self.batch, self.centred = kind == "batch", kind != "rms"
        self.n = Sym("N" if self.batch else "n")
        own = not self.batch
        self.own_scale, self.own_shift = own and gamma is None, own and beta is None
        self.gamma = gamma or (Entry("gamma", AT) if own else Sym("gamma"))
        self.beta = beta or (Entry("beta", AT) if own else Sym("beta"))
        self.spread: Expr = SIGMA2 if self.centred else Sym("mean_square")
        self.mean = MU if self.centred else ZERO

    def at(self, index: Expr) -> Expr:
        """Return the deviation of an entry from the mean."""
        x = Entry("x", index)
        return x - self.mean if self.centred else x

    def root(self, factor: Expr = ONE) -> Expr:
        """Return √(c²σ² + ε)."""
        return call("sqrt", mul(factor, self.spread) + self.eps)

    def mean_of(self, body: Expr) -> Expr:
        """Write a mean over the group."""
        return Div(Sum("j", ONE, self.n, body), self.n)


def for_average(names: Letters, running: Running) -> Expr:
    """Return the variance of the batch that the running average takes."""
    return mul(div(names.n, names.n - 1), SIGMA2) if running.unbiased else SIGMA2
