"""Normalisation in letters: the formulas, what they keep and what they forget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.normalisation.data import ratio
from dlcalc.normalisation.letters import AT, MU, MUBAR, VARBAR, C, J, Letters, for_average
from dlcalc.normalisation.meanings import routes, setting_of
from dlcalc.notation.expression import ONE, ZERO, Entry, Expr, Sum, Sym, add, div, mul, number, power
from dlcalc.notation.functions import call
from dlcalc.parts import joined
from dlcalc.solution import Answer, Slip, Solution, Work, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.normalisation.running import Running


AT_TEST = ("y_test", "slope", "intercept", "affine_at_test")
"""Answers at test time, where x is one new example and no batch."""


def formulas(kind: str, eps: Expr, gamma: Expr | None, beta: Expr | None, running: Running | None) -> Solution:
    """Answer in letters: the formulas of training, properties with their evidence, and the running averages."""
    names = Letters(kind, eps, gamma, beta)
    answers = tuple(_answers(names, running))

    def work() -> Work:
        from dlcalc.normalisation.proofs import proved

        return Work(tuple(proved(names, running)), tuple(routes(names, answers)))

    training = Solution(
        answers=tuple(answer for answer in answers if answer.name not in AT_TEST),
        work=work,
        setting=setting_of(names, running),
        assumptions=("the entries of a group are not all equal where ε is 0",) if eps == ZERO else (),
        notes=_notes(names),
    )
    if running is None or not names.batch:
        return training
    fresh = replace(training.setting, aliases={**training.setting.aliases, "x": Sym("x_new")})

    def at_test() -> Work:
        from dlcalc.normalisation.proofs import tested

        return Work(tuple(tested(names)))

    testing = Solution(
        answers=tuple(answer for answer in answers if answer.name in AT_TEST),
        work=at_test,
        setting=fresh,
    )
    return joined(training, testing)


def _notes(names: Letters) -> tuple[str, ...]:
    said = ["ε → 0 in scale_invariant: with ε > 0 it holds as far as ε is small beside c²σ²"]
    if names.batch:
        said.append("W → cW with c > 0 leaves the output, and divides ∂L/∂W by c; a bias before it has no effect")
    return tuple(said)


def _answers(names: Letters, running: Running | None) -> Iterator[Answer]:
    hat, root, spread = Entry("x_hat", AT), names.root(), names.spread
    y = add(mul(names.gamma, hat), names.beta)
    sigma = call("sqrt", spread)
    undone = "σ stands in place of the trained scale γ: that would undo the division"
    slips = (
        Slip(add(mul(sigma, hat), names.beta), undone),
        Slip(mul(names.gamma, hat), "the shift β is forgotten"),
        Slip(add(hat, names.beta), "the scale γ is forgotten"),
    )
    yield Answer("y", y, Entry("y", AT), slips=slips)
    hat_slips = (
        Slip(div(names.at(AT), sigma), "ε is missing under the root"),
        Slip(div(names.at(AT), spread + names.eps), "divided by the variance, not by its root"),
        Slip(div(names.at(AT), sigma + names.eps), "ε stands under the root, beside the variance"),
    )
    yield Answer("xhat", div(names.at(AT), root), hat, slips=hat_slips)
    squares = power(names.at(J), number(2))
    if names.centred:
        yield Answer("mu", names.mean_of(Entry("x", J)), MU)
    unbiased = Slip(div(Sum("j", ONE, names.n, squares), names.n - 1), "biased here: divide by n, not by n − 1")
    biased = (unbiased,) if names.centred else ()
    yield Answer("sigma2" if names.centred else "mean_square", names.mean_of(squares), spread, slips=biased)
    yield from _properties(names)
    if names.batch and running is not None:
        yield from _averages(names, running)


def _properties(names: Letters) -> Iterator[Answer]:
    after = ratio(names.spread, names.spread + names.eps)
    small = (Slip(ONE, "1 only where ε is 0: ε makes it a little smaller"),) if after != ONE else ()
    if names.centred:
        yield Answer("mean_xhat", ZERO)
        yield Answer("var_xhat", after, slips=small)
    if names.batch:
        yield Answer("mean_y", names.beta, slips=(Slip(ZERO, "0 is the mean of x̂; β shifts it"),))
        scaled = mul(power(names.gamma, number(2)), after)
        yield Answer("var_y", scaled, slips=(Slip(mul(names.gamma, after), "a variance scales with γ²"),))
    sigma = Slip(call("sqrt", names.spread), "ε is missing under the root")
    yield Answer("gamma_identity", names.root(), slips=(sigma,) if names.eps != ZERO else ())
    yield Answer("beta_identity", names.mean)
    yield verdict("scale_invariant", holds=True, otherwise="c goes into numerator and root alike, and cancels")
    bias = "a bias shifts x and its mean alike" if names.centred else "no mean is subtracted here"
    yield verdict("shift_invariant", holds=names.centred, otherwise=bias)
    yield Answer("gradient_scaled", div(ONE, C), slips=(Slip(C, "a larger W gets a smaller gradient"),))
    tripled = "the tripled input has the same output, not the tripled one"
    yield verdict("linear", holds=False, otherwise=tripled)
    fixed = "mean and variance run over the features of one example"
    mixed = "mean and variance are those of the mini-batch, so the same example comes out differently: noise"
    yield verdict("depends_on_batch", holds=names.batch, otherwise=mixed if names.batch else fixed)
    why = "training and test time do the same" if not names.batch else "test time needs them: one example has no batch"
    yield verdict("running_averages", holds=names.batch, otherwise=why)


def _averages(names: Letters, running: Running) -> Iterator[Answer]:
    keep, take = running.weights
    swapped = Slip(add(mul(take, MUBAR), mul(keep, MU)), "the momentum is that of the other convention")
    yield Answer("running_mean", running.moved(MUBAR, MU), slips=(swapped,))
    yield Answer("running_var", running.moved(VARBAR, for_average(names, running)))
    root = call("sqrt", VARBAR + names.eps)
    x = Sym("x_new")
    yield Answer("y_test", add(div(mul(names.gamma, x - MUBAR), root), names.beta))
    yield Answer("slope", div(names.gamma, root))
    yield Answer("intercept", names.beta - div(mul(names.gamma, MUBAR), root))
    yield verdict("affine_at_test", holds=True, otherwise="with fixed averages it is slope·x + intercept")
