"""Normalisation in letters: the formulas, what they keep and what they forget, each line derived and checked."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.normalisation import bruteforce
from dlcalc.normalisation.data import ratio
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Div,
    Entry,
    Expr,
    Mul,
    Pow,
    Relation,
    Sum,
    Sym,
    add,
    div,
    mul,
    number,
    power,
)
from dlcalc.notation.functions import call
from dlcalc.notation.printing import plain
from dlcalc.solution import (
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
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.normalisation.running import Running

FEW = Domain(Fraction(2), Fraction(5), whole=True)
"""Lengths at which lines are evaluated."""
I, J, C, B = Sym("i"), Sym("j"), Sym("c"), Sym("b")
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
        self.gamma = gamma or (Entry("gamma", I) if own else Sym("gamma"))
        self.beta = beta or (Entry("beta", I) if own else Sym("beta"))
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


def formulas(kind: str, eps: Expr, gamma: Expr | None, beta: Expr | None, running: Running | None) -> Solution:
    """Answer in letters: the formulas of training, properties with their evidence, and the running averages."""
    names = Letters(kind, eps, gamma, beta)
    answers = tuple(_answers(names, running))

    def work() -> Work:
        return Work(tuple(_steps(names, running)), tuple(_routes(names, answers)))

    return Solution(
        answers=answers,
        work=work,
        setting=_setting(names, running),
        assumptions=("the entries of a group are not all equal where ε is 0",) if eps == ZERO else (),
        notes=_notes(names),
    )


def _notes(names: Letters) -> tuple[str, ...]:
    said = ["ε → 0 in scale_invariant: with ε > 0 it holds as far as ε is small beside c²σ²"]
    if names.batch:
        said.append("W → cW with c > 0 leaves the output, and divides ∂L/∂W by c; a bias before it has no effect")
    return tuple(said)


def _answers(names: Letters, running: Running | None) -> Iterator[Answer]:
    hat, root, spread = Entry("x_hat", I), names.root(), names.spread
    y = add(mul(names.gamma, hat), names.beta)
    sigma = call("sqrt", spread)
    undone = "σ stands in place of the trained scale γ: that would undo the division"
    slips = (
        Slip(add(mul(sigma, hat), names.beta), undone),
        Slip(mul(names.gamma, hat), "the shift β is forgotten"),
        Slip(add(hat, names.beta), "the scale γ is forgotten"),
    )
    yield Answer("y", y, Entry("y", I), slips=slips)
    hat_slips = (
        Slip(div(names.at(I), sigma), "ε is missing under the root"),
        Slip(div(names.at(I), spread + names.eps), "divided by the variance, not by its root"),
        Slip(div(names.at(I), sigma + names.eps), "ε stands under the root, beside the variance"),
    )
    yield Answer("xhat", div(names.at(I), root), hat, slips=hat_slips)
    squares = power(names.at(J), number(2))
    if names.centred:
        yield Answer("mu", names.mean_of(Entry("x", J)), MU)
    unbiased = Slip(div(Sum("j", ONE, names.n, squares), names.n - 1), "biased here: divide by n, not by n − 1")
    slips = (unbiased,) if names.centred else ()
    yield Answer("sigma2" if names.centred else "mean_square", names.mean_of(squares), spread, slips=slips)
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
    yield Answer("running_var", running.moved(VARBAR, _for_average(names, running)))
    root = call("sqrt", VARBAR + names.eps)
    x = Sym("x_new")
    yield Answer("y_test", add(div(mul(names.gamma, x - MUBAR), root), names.beta))
    yield Answer("slope", div(names.gamma, root))
    yield Answer("intercept", names.beta - div(mul(names.gamma, MUBAR), root))
    yield verdict("affine_at_test", holds=True, otherwise="with fixed averages it is slope·x + intercept")


def _for_average(names: Letters, running: Running) -> Expr:
    return mul(div(names.n, names.n - 1), SIGMA2) if running.unbiased else SIGMA2


# the derivation


def _steps(names: Letters, running: Running | None) -> Iterator[Step]:
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
    hat, y = Entry("x_hat", I), Entry("y", I)
    yield Step("normalised", hat, hat, div(names.at(I), names.root()), "normalised")
    affine = add(mul(names.gamma, hat), names.beta)
    yield Step("affine", y, y, affine, "scaled by the trained γ, shifted by the trained β")


def _moments(names: Letters) -> Iterator[Step]:
    n, root, hat = names.n, names.root(), Entry("x_hat", J)
    mean, square = names.mean_of(hat), power(names.at(J), number(2))
    target = Sym("mean_xhat")
    out = Div(Sum("j", ONE, n, names.at(J)), Mul((n, root)))
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
    hat, x, root = Entry("x_hat", I), Entry("x", I), names.root()
    before = add(mul(root, hat), names.mean)
    because = f"with γ = √({'σ²' if names.centred else 'mean square'} + ε){', β = μ' if names.centred else ', β = 0'}"
    yield Step("identity", Sym("y"), before, x, f"{because} the output is the input")


def _invariance(names: Letters) -> Iterator[Step]:
    hat, c2 = Entry("x_hat", I), power(C, number(2))
    scaled = Entry("x_hat_scaled", I)
    value = div(mul(C, names.at(I)), names.root(c2))
    yield Step("scaled", scaled, scaled, value, "x → c x (W → cW): mean times c, variance times c²")
    zero = {names.eps.name: ZERO} if isinstance(names.eps, Sym) else {}
    limit = names.eps == ZERO or bool(zero)
    if limit:
        because = "for c > 0 and ε → 0 the c cancels: not affected by the scale of W"
        yield Step("scale-invariant", scaled, value, hat, because, where=zero, assumptions=("c > 0", "ε = 0"))
    negative = Entry("x_hat_negated", I)
    yield Step("negated", negative, negative, -hat, "x → −x (c = −1): the sign flips")
    if names.centred:
        shifted = Entry("x_hat_shifted", I)
        out = Div(Add((Entry("x", I) + B, Mul((MINUS_ONE, MU + B)))), names.root())
        yield Step("shifted", shifted, shifted, out, "x → x + b (a bias before it): mean plus b, variance as it was")
        yield Step("shift-invariant", shifted, out, hat, "b cancels, for every ε: the bias has no effect")
    else:
        left, right = Div(ONE, call("sqrt", ONE)), Div(number(2), call("sqrt", number(2)))
        yield Step("shifted", Sym("x_hat"), left, right, "0 and 1 shifted by 1: 1/√(1/2) is not 2/√(5/2)", "<")
    if limit:
        ours, theirs = div(ONE, names.root()), div(ONE, names.root(c2))
        because = "∂L/∂x = γ/√(σ² + ε)·(…), the bracket as before: at cW the gradient is 1/c times that at W"
        yield Step(
            "gradient-scaled", Sym("gradient_scaled"), theirs, mul(div(ONE, C), ours), because, where=zero,
            assumptions=("c > 0", "ε = 0"),
        )  # fmt: skip


def _normal(x: int, mean: Fraction, variance: Fraction) -> Expr:
    return Div(number(x) - number(mean), call("sqrt", number(variance)))


def _counterexamples(names: Letters) -> Iterator[Step]:
    """Show by numbers, with ε = 0, γ = 1, β = 0, that the map is not linear, and what depends on the batch."""
    if names.centred:
        once, thrice = _normal(3, Fraction(2), Fraction(1)), _normal(9, Fraction(6), Fraction(9))
        said = "3 in (1, 3) tripled: x̂(9) in (3, 9) is 1, three times x̂(3) is 3: not linear (ε = 0)"
    else:
        once, thrice = Div(number(3), call("sqrt", number(5))), Div(number(9), call("sqrt", number(45)))
        said = "3 in (1, 3) tripled: x̂(9) in (3, 9) is less than three times x̂(3): not linear (ε = 0)"
    yield Step("linear", Sym("x_hat"), thrice, Mul((number(3), once)), said, "<")
    if names.batch:
        first, second = _normal(1, Fraction(2), Fraction(1)), _normal(1, Fraction(0), Fraction(1))
        because = "the example 1 in the batch (1, 3), and in the batch (1, −1): another output, so noise (ε = 0)"
        yield Step("noise", Sym("x_hat"), first, second, because, "<")
    else:
        hat = Entry("x_hat", I)
        alone = Entry("x_hat_in_batch", I)
        yield Step("alone", alone, alone, hat, "the same example beside another one: the same output")


def _average_steps(names: Letters, running: Running) -> Iterator[Step]:
    for name, old, new in (("running_mean", MUBAR, MU), ("running_var", VARBAR, _for_average(names, running))):
        target = Sym(name)
        kind = "" if old is MUBAR else ", of the unbiased variance" if running.unbiased else ", of the biased variance"
        yield Step(name, target, target, running.moved(old, new), f"old and new average{kind}")
    root, x, y = call("sqrt", VARBAR + names.eps), Sym("x_new"), Sym("y_test")
    written = add(div(mul(names.gamma, x - MUBAR), root), names.beta)
    yield Step("test", y, y, written, "test time: the running averages in the place of μ and σ²")
    line = Add((Mul((div(names.gamma, root), x)), names.beta - div(mul(names.gamma, MUBAR), root)))
    yield Step("test-affine", y, written, line, "slope·x + intercept: affine, no other example occurs")


# checks


def _setting(names: Letters, running: Running | None) -> Setting:
    length = names.n.name
    domains: dict[str, Domain] = {length: FEW, "i": FEW, "c": POSITIVE, "b": REAL}
    given = symbols(names.gamma, names.beta) - {"gamma", "beta", "i"}
    domains |= dict.fromkeys(sorted(given), REAL) | dict.fromkeys(sorted(symbols(names.eps)), POSITIVE)
    sequences = {"x": Sequence(names.n)}
    for name, own in (("gamma", names.own_scale), ("beta", names.own_shift)):
        if own:
            sequences[name] = Sequence(names.n)
        elif name in symbols(names.gamma, names.beta):
            domains[name] = REAL
    if names.batch and running is not None:
        domains |= {"mubar": REAL, "varbar": POSITIVE, "x_new": REAL}
        domains |= dict.fromkeys(sorted(symbols(running.momentum)), UNIT)
    found, families = _brute(names, running)
    constraints = [Relation(I, "<=", names.n)]
    if names.eps == ZERO:
        constraints.append(Relation(Entry("x", ONE), "!=", Entry("x", number(2))))
    return Setting(
        domains=domains,
        constraints=tuple(constraints),
        sequences=sequences,
        definitions=found,
        families=frozenset(families),
        aliases=_aliases(names, running, set(domains)),
        display={"sigma2": "σ²", "mubar": "μ̄", "varbar": "σ̄²", "x_hat_scaled": "x̂(cx)", "x_hat_negated": "x̂(−x)",
                 "x_hat_shifted": "x̂(x+b)", "x_hat_in_batch": "x̂(batch)"},
    )  # fmt: skip


def _aliases(names: Letters, running: Running | None, taken: set[str]) -> dict[str, Expr]:
    hat = Entry("x_hat", I)
    spread = names.spread
    found = {
        "eps": names.eps, "var": spread, "sigma": call("sqrt", spread), "sigma_i": call("sqrt", spread),
        "xhat": hat, "xhat_i": hat, "x_hat": hat, "x_hat_i": hat, "zhat": hat, "m": names.n, "n": names.n,
        "gamma_i": names.gamma, "beta_i": names.beta, "mu_i": MU,
    }  # fmt: skip
    if names.batch and running is not None:
        found |= {"mu_bar": MUBAR, "mu_running": MUBAR, "var_bar": VARBAR, "sigma2_bar": VARBAR, "x": Sym("x_new")}
        found |= {"running_mean_old": MUBAR, "running_var_old": VARBAR}
    return {name: value for name, value in found.items() if name not in taken}


def _brute(names: Letters, running: Running | None) -> tuple[dict[str, Callable[..., Any]], set[str]]:
    def hats(p: Mapping[str, Any], change: Callable[[Any], Any] = lambda x: x) -> list[float]:
        import numpy as np

        x = np.array([float(change(entry)) for entry in p["x"]])
        x = np.stack([x, np.arange(len(x)) ** 2.0], 1 if names.batch else 0)  # another feature, or another example
        axis = 0 if names.batch else 1
        mean = x.mean(axis, keepdims=True) if names.centred else 0
        square = ((x - mean) ** 2).mean(axis, keepdims=True)
        found = (x - mean) / np.sqrt(square + float(PLAIN.value(names.eps, p)))
        return list(map(float, found[:, 0] if names.batch else found[0]))

    def entry(change: Callable[..., Any]) -> Callable[..., Any]:
        return lambda p, i: hats(p, lambda x: change(x, p))[i - 1]

    def output(p: Mapping[str, Any], i: int) -> Any:  # noqa: ANN401
        at = {**p, "i": Fraction(i)}
        return hats(p)[i - 1] * float(PLAIN.value(names.gamma, at)) + float(PLAIN.value(names.beta, at))

    def spread(p: Mapping[str, Any]) -> Any:  # noqa: ANN401
        return bruteforce.scatter(p["x"]) if names.centred else bruteforce.average([x * x for x in p["x"]])

    families: dict[str, Callable[..., Any]] = {
        "x_hat": entry(lambda x, _: x),
        "x_hat_scaled": entry(lambda x, p: p["c"] * x),
        "x_hat_negated": entry(lambda x, _: -x),
        "x_hat_shifted": entry(lambda x, p: x + p["b"]),
        "x_hat_in_batch": entry(lambda x, _: x),
        "y": output,
    }
    single: dict[str, Callable[..., Any]] = {names.spread.name: spread}  # type: ignore[attr-defined]  # a symbol
    if names.centred:
        single["mu"] = lambda p: bruteforce.average(p["x"])
    if names.batch and running is not None:
        single |= _followed(names, running)
    return {**single, **families}, set(families)


def _followed(names: Letters, running: Running) -> dict[str, Callable[..., Any]]:
    def share(p: Mapping[str, Any]) -> Any:  # noqa: ANN401
        m = PLAIN.value(running.momentum, p)
        return m if running.framework == "pytorch" else 1 - m

    def towards(old: Any, new: Any, part: Any) -> Any:  # noqa: ANN401
        return old + part * (new - old)

    def output(p: Mapping[str, Any]) -> float:
        root = float(p["varbar"] + PLAIN.value(names.eps, p)) ** 0.5
        return float(p["x_new"] - p["mubar"]) / root * float(PLAIN.value(names.gamma, p)) + float(
            PLAIN.value(names.beta, p)
        )

    return {
        "running_mean": lambda p: towards(p["mubar"], bruteforce.average(p["x"]), share(p)),
        "running_var": lambda p: towards(
            p["varbar"], bruteforce.scatter(p["x"], unbiased=running.unbiased), share(p)
        ),
        "y_test": output,
    }


def _routes(names: Letters, answers: tuple[Answer, ...]) -> Iterator[Route]:
    by_name = {answer.name: answer.value for answer in answers}
    definitions, _ = _brute(names, None)

    def over(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda p: float(function([float(definitions[name](p, i)) for i in range(1, len(p["x"]) + 1)]))

    method = "NumPy on random data, then Python's statistics"
    for answer, family, function in (
        ("mean_xhat", "x_hat", bruteforce.average),
        ("var_xhat", "x_hat", bruteforce.scatter),
        ("mean_y", "y", bruteforce.average),
        ("var_y", "y", bruteforce.scatter),
    ):
        if answer in by_name and answer != "mean_xhat":
            yield Route(answer, method, by_name[answer], over(family, function))
    yield Route("xhat", "NumPy on random data", by_name["xhat"], lambda p: definitions["x_hat"](p, int(p["i"])))
    yield Route("y", "NumPy on random data", by_name["y"], lambda p: definitions["y"](p, int(p["i"])))


__all__ = ["Letters", "Pow", "formulas", "plain"]
