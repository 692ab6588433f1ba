"""What the letters of normalisation stand for: where they are sampled, and brute force that computes the names."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.normalisation import bruteforce
from dlcalc.normalisation.letters import AT, MU, MUBAR, VARBAR, Letters
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Entry, Expr, Relation, number
from dlcalc.notation.functions import call
from dlcalc.solution import POSITIVE, REAL, UNIT, Answer, Domain, Experiment, Route, Sequence, Setting, symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlcalc.normalisation.running import Running

FEW = Domain(Fraction(2), Fraction(5), whole=True)
"""Lengths at which lines are evaluated."""


def setting_of(names: Letters, running: Running | None) -> Setting:
    """Say where the letters are sampled, what computes the names, and what answers may call them."""
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
    constraints = [Relation(AT, "<=", names.n)]
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
    hat = Entry("x_hat", AT)
    spread = names.spread
    found = {
        "eps": names.eps, "var": spread, "sigma": call("sqrt", spread), "sigma_i": call("sqrt", spread),
        "xhat": hat, "xhat_i": hat, "x_hat": hat, "x_hat_i": hat, "zhat": hat, "m": names.n, "n": names.n,
        "gamma_i": names.gamma, "beta_i": names.beta, "mu_i": MU,
    }  # fmt: skip
    if names.batch and running is not None:
        found |= {"mu_bar": MUBAR, "mu_running": MUBAR, "var_bar": VARBAR, "sigma2_bar": VARBAR}
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
        root = math.sqrt(p["varbar"] + PLAIN.value(names.eps, p))
        gamma, beta = (float(PLAIN.value(value, p)) for value in (names.gamma, names.beta))
        return gamma * float(p["x_new"] - p["mubar"]) / root + beta

    return {
        "running_mean": lambda p: towards(p["mubar"], bruteforce.average(p["x"]), share(p)),
        "running_var": lambda p: towards(p["varbar"], bruteforce.scatter(p["x"], unbiased=running.unbiased), share(p)),
        "y_test": output,
    }


def routes(names: Letters, answers: tuple[Answer, ...]) -> Iterator[Route | Experiment]:
    """Find the answers by normalising random data."""
    by_name = {answer.name: answer.value for answer in answers}
    definitions, _ = _brute(names, None)

    def over(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda p: float(function([float(definitions[name](p, i)) for i in range(1, len(p["x"]) + 1)]))

    method = "NumPy on random data, then Python's statistics"
    for answer, family, function in (
        ("var_xhat", "x_hat", bruteforce.scatter),
        ("mean_y", "y", bruteforce.average),
        ("var_y", "y", bruteforce.scatter),
    ):
        if answer in by_name:
            yield Route(answer, method, by_name[answer], over(family, function))
    yield Route("xhat", "NumPy on random data", by_name["xhat"], lambda p: definitions["x_hat"](p, int(p["i"])))
    yield Route("y", "NumPy on random data", by_name["y"], lambda p: definitions["y"](p, int(p["i"])))

    if names.batch:
        method = "central differences by W of a layer W x with batch norm behind it, at W and at cW (ε = 0)"
        yield Experiment("gradient_scaled", method, bruteforce.scaled_gradients)
