"""The derivation of normalisation in letters: moments, invariance, and counterexamples in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.normalisation.data import less, ratio
from dlcalc.normalisation.letters import AT, MU, MUBAR, VARBAR, B, C, J, Letters, for_average
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
    Sum,
    Sym,
    add,
    div,
    mul,
    number,
    power,
)
from dlcalc.notation.functions import call
from dlcalc.solution import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.normalisation.running import Running


def proved(names: Letters, running: Running | None) -> Iterator[Step]:
    """Derive every formula; what is no equation is shown by numbers."""
    yield from _definitions(names)
    if names.centred:
        yield from _moments(names)
    yield from _identity(names)
    yield from _invariance(names)
    yield from _counterexamples(names)
    if names.batch and running is not None:
        yield from _average_steps(names, running)


def _definitions(names: Letters) -> Iterator[Step]:
    over = "the batch" if names.batch else "the features of the example"
    squares = power(names.at(J), number(2))
    if names.centred:
        yield Step("mean", MU, MU, names.mean_of(Entry("x", J)), f"the mean over {over}")
        because = "the variance, biased: divided by the number of entries"
    else:
        because = f"the mean of the squares over {over}; no mean is subtracted"
    yield Step("variance", names.spread, names.spread, names.mean_of(squares), because)
    hat, y = Entry("x_hat", AT), Entry("y", AT)
    yield Step("normalised", hat, hat, div(names.at(AT), names.root()), "normalised")
    affine = add(mul(names.gamma, hat), names.beta)
    yield Step("affine", y, y, affine, "scaled by the trained γ, shifted by the trained β")


def _moments(names: Letters) -> Iterator[Step]:
    n, root, hat = names.n, names.root(), Entry("x_hat", J)
    mean, square = names.mean_of(hat), power(names.at(J), number(2))
    target = Sym("mean_xhat")
    out: Expr = Div(Sum("j", ONE, n, names.at(J)), Mul((n, root)))
    yield Step("mean-xhat", target, mean, out, "the mean of x̂: the root is the same for all")
    yield Step("mean-xhat-0", target, out, ZERO, "deviations from the mean add up to 0, whatever the layer before does")
    target = Sym("var_xhat")
    spread = names.spread + names.eps
    out, after = Div(names.mean_of(square), spread), ratio(names.spread, names.spread + names.eps)
    yield Step("var-xhat", target, names.mean_of(power(hat, number(2))), out, "the variance of x̂, whose mean is 0")
    yield Step("var-xhat-value", target, out, after, "the variance is σ²")
    if names.batch:
        y, gamma = Entry("y", J), names.gamma
        target = Sym("mean_y")
        out = add(mul(gamma, mean), names.beta)
        yield Step("mean-y", target, names.mean_of(y), out, "a mean is linear")
        yield Step("mean-y-value", target, out, names.beta, "the mean of x̂ is 0")
        target = Sym("var_y")
        before = names.mean_of(power(y - names.beta, number(2)))
        out = mul(power(gamma, number(2)), names.mean_of(power(hat, number(2))))
        yield Step("var-y", target, before, out, "y − β = γ x̂")
        yield Step("var-y-value", target, out, mul(power(gamma, number(2)), after), "the variance of x̂ put in")


def _identity(names: Letters) -> Iterator[Step]:
    hat, x, root = Entry("x_hat", AT), Entry("x", AT), names.root()
    before = add(mul(root, hat), names.mean)
    because = f"with γ = √({'σ²' if names.centred else 'mean square'} + ε){', β = μ' if names.centred else ', β = 0'}"
    yield Step("identity", Sym("y"), before, x, f"{because} the output is the input")


def _invariance(names: Letters) -> Iterator[Step]:
    hat, c2 = Entry("x_hat", AT), power(C, number(2))
    scaled = Entry("x_hat_scaled", AT)
    value = div(mul(C, names.at(AT)), names.root(c2))
    said = f"x → c x (W → cW): {'mean times c, variance' if names.centred else 'mean square'} times c²"
    yield Step("scaled", scaled, scaled, value, said)
    zero = {names.eps.name: ZERO} if isinstance(names.eps, Sym) else {}
    limit = names.eps == ZERO or bool(zero)
    if limit:
        because = "for c > 0 and ε → 0 the c cancels: not affected by the scale of W"
        yield Step("scale-invariant", scaled, value, hat, because, where=zero, assumptions=("c > 0", "ε = 0"))
    negative = Entry("x_hat_negated", AT)
    yield Step("negated", negative, negative, -hat, "x → −x (c = −1): the sign flips")
    if names.centred:
        shifted = Entry("x_hat_shifted", AT)
        out = Div(Add((Entry("x", AT) + B, Mul((MINUS_ONE, MU + B)))), names.root())
        yield Step("shifted", shifted, shifted, out, "x → x + b (a bias before it): mean plus b, variance as it was")
        yield Step("shift-invariant", shifted, out, hat, "b cancels, for every ε: the bias has no effect")
    else:
        left, right = Div(ONE, call("sqrt", ONE)), Div(number(2), call("sqrt", number(2)))
        yield Step("shifted", Sym("x_hat"), left, right, "0 and 1 shifted by 1: 1/√(1/2) is not 2/√(5/2)", "<")
    if limit:
        ours, theirs = div(ONE, names.root()), div(ONE, names.root(c2))
        because = "the factor before the bracket of ∂L/∂x (unchanged): at cW the gradient is 1/c times that at W"
        yield Step(
            "gradient-scaled", Sym("gradient_scaled"), theirs, mul(div(ONE, C), ours), because, where=zero,
            assumptions=("c > 0", "ε = 0"),
        )  # fmt: skip


def _normal(x: int, mean: int, variance: int) -> Expr:
    """Write a normalised number without computing it."""
    return Div(less(number(x), number(mean)), Call("sqrt", (number(variance),)))


def _counterexamples(names: Letters) -> Iterator[Step]:
    """Show by numbers, with ε = 0, γ = 1, β = 0, that the map is not linear, and what depends on the batch."""
    if names.centred:
        once, thrice = _normal(3, 2, 1), _normal(9, 6, 9)
        said = "3 in (1, 3) tripled: x̂(9) in (3, 9) is 1, three times x̂(3) is 3: not linear (ε = 0)"
    else:
        once, thrice = Div(number(3), call("sqrt", number(5))), Div(number(9), call("sqrt", number(45)))
        said = "3 in (1, 3) tripled: x̂(9) in (3, 9) is less than three times x̂(3): not linear (ε = 0)"
    yield Step("linear", Sym("x_hat"), thrice, Mul((number(3), once)), said, "<")
    if names.batch:
        first, second = _normal(1, 2, 1), _normal(1, 0, 1)
        because = "the example 1 in the batch (1, 3), and in the batch (1, −1): another output, so noise (ε = 0)"
        yield Step("noise", Sym("x_hat"), first, second, because, "<")
    else:
        hat = Entry("x_hat", AT)
        alone = Entry("x_hat_in_batch", AT)
        yield Step("alone", alone, alone, hat, "the same example beside another one: the same output")


def _average_steps(names: Letters, running: Running) -> Iterator[Step]:
    for name, old, new in (("running_mean", MUBAR, MU), ("running_var", VARBAR, for_average(names, running))):
        target = Sym(name)
        kind = "" if old is MUBAR else ", of the unbiased variance" if running.unbiased else ", of the biased variance"
        yield Step(name, target, target, running.moved(old, new), f"old and new average{kind}")


def tested(names: Letters) -> Iterator[Step]:
    """Derive the output at test time."""
    root, x, y = call("sqrt", VARBAR + names.eps), Sym("x_new"), Sym("y_test")
    written = add(div(mul(names.gamma, x - MUBAR), root), names.beta)
    yield Step("test", y, y, written, "test time: the running averages in the place of μ and σ²")
    line = Add((Mul((div(names.gamma, root), x)), names.beta - div(mul(names.gamma, MUBAR), root)))
    yield Step("test-affine", y, written, line, "slope·x + intercept: affine, no other example occurs")
