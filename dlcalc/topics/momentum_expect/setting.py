"""The letters of the derivation, where they are sampled, and what an answer handed in may call the givens."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.derivation import Letters
from dlcalc.notation.expression import MINUS_ONE, ONE, Expr, Num, Pow, Relation, Sym, number
from dlcalc.notation.functions import call, floor
from dlcalc.solution import COUNT, POSITIVE, REAL, Domain, Sequence, Setting, symbols
from dlcalc.topics.momentum_expect.bruteforce import definitions
from dlcalc.topics.momentum_expect.givens import WRITTEN_OUT, Givens

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW_STEPS = Domain(Fraction(1), Fraction(WRITTEN_OUT), whole=True)


def lettered(asked: Givens) -> tuple[Givens, dict[str, Domain]]:
    """Choose the letters of the derivation, and where they and all symbols are sampled."""
    letters = Letters()
    domains = {"t": FEW_STEPS if isinstance(asked.t, Sym) else COUNT, "sigma2": POSITIVE}
    for name in ("t", "sigma2", "alpha", "epsilon", "mu", "theta0"):  # symbols first: no letter takes their name
        for inner in sorted(symbols(getattr(asked, name))):
            letters.domains.setdefault(inner, domains.get(name, REAL))
    p = Givens(
        t=letters.letter("t", asked.t, FEW_STEPS) if (asked.steps or 0) > WRITTEN_OUT else asked.t,
        alpha=letters.letter("alpha", asked.alpha, REAL),
        epsilon=letters.letter("epsilon", asked.epsilon, REAL),
        mu=letters.letter("mu", asked.mu, REAL),
        sigma2=asked.sigma2 if _deviation(asked.sigma2) else letters.letter("sigma2", asked.sigma2, POSITIVE),
        theta0=letters.letter("theta0", asked.theta0, REAL),
    )
    return p, letters.domains


def setting_of(p: Givens, asked: Givens, domains: dict[str, Domain]) -> Setting:
    """Say what the names stand for; v and theta are found by running the rule."""
    given = {**asked._asdict(), **_spellings(asked)}
    return Setting(
        domains=domains,
        constraints=tuple(_constraints(p, asked)),
        sequences={"g": Sequence(p.t, mean=p.mu, variance=p.sigma2)},
        definitions=definitions(p),
        families=frozenset({"v", "theta"}),
        aliases={name: value for name, value in _spellings(p).items() if name not in domains},
        values={name: value for name, value in given.items() if name not in symbols(*asked)},
        display=p.display,
    )


def _spellings(p: Givens) -> dict[str, Expr]:
    """Say what else an answer may call the givens."""
    return {
        **dict.fromkeys(("eps", "lr", "eta"), p.epsilon),
        "sigma": _deviation(p.sigma2) or call("sqrt", p.sigma2),
    }


def _deviation(sigma2: Expr) -> Sym | None:
    """Find the symbol whose square the variance is: sigma^2."""
    match sigma2:
        case Pow(Sym() as deviation, Num(exponent)) if exponent == 2:  # noqa: PLR2004 (a square)
            return deviation
    return None


def _constraints(p: Givens, asked: Givens) -> Iterator[Relation]:
    """Say which points the lines are evaluated at."""
    if isinstance(p.sigma2, Sym):  # deviations that are fractions keep E and Var exact
        root = call("sqrt", 16 * p.sigma2)
        yield Relation(floor(root), "=", root)
    for alpha in dict.fromkeys((p.alpha, asked.alpha)):
        if not isinstance(alpha, Num):
            yield from (Relation(alpha, "!=", pole) for pole in (ONE, MINUS_ONE))
    for given in asked:
        if not isinstance(given, Num | Sym):
            yield Relation(given, "=", given)  # where 1/b is given, b = 0 is no point
    if not isinstance(p.t, Num | Sym):
        yield from (Relation(ONE, "<=", p.t), Relation(p.t, "<=", number(WRITTEN_OUT)), Relation(floor(p.t), "=", p.t))
