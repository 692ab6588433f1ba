"""Where the names are sampled, what computes them, and what answers may call them."""

from __future__ import annotations

from dlcalc.entries import entries
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Entry, Expr, Num, Relation, Sym, names, number
from dlcalc.solution import POSITIVE, REAL, Domain, Sequence, Setting
from dlcalc.topics.momentum.bounds import MAX_SUMMED, SAMPLED_STEPS
from dlcalc.topics.momentum.bruteforce import definitions
from dlcalc.topics.momentum.following import partial
from dlcalc.topics.momentum.rule import HAT, Question

SPELLINGS = {
    "alpha": ("alpha", "beta", "gamma", "mu", "rho", "momentum", "a"),
    "epsilon": ("epsilon", "eps", "lr", "eta", "learning_rate"),
}
"""What answers may call the two coefficients, whatever was given for them."""


def setting_of(asked: Question) -> Setting:
    """Say what the names of a question stand for."""
    rule, families = asked.rule, definitions(asked)
    window = {"window": lambda p: 1 / PLAIN.value(rule.c, p)} if asked.convention == "ema" else {}
    summed = asked.steps if asked.steps is not None and asked.steps <= MAX_SUMMED else 0
    length = number(max(summed, int(SAMPLED_STEPS.high)))
    return Setting(
        domains=_domains(asked),
        constraints=tuple(Relation(rule.a, "!=", x) for x in (ZERO, ONE, MINUS_ONE)) if names(rule.a) else (),
        sequences={"g": Sequence(length)} if asked.closed else {},
        definitions={**families, **window},
        families=frozenset(families),
        aliases={name: value for name, value in _aliases(asked).items() if name not in asked.letters},
        values={name: value for name, value in _values(asked).items() if name not in asked.letters},
    )


def _domains(asked: Question) -> dict[str, Domain]:
    given = [(asked.t, SAMPLED_STEPS), (asked.epsilon, POSITIVE)]
    real = POSITIVE if any(map(partial, asked.field)) else REAL
    given += [(x, real) for x in (asked.alpha, *entries((asked.v0, asked.theta0, asked.gradients)))]
    domains = dict.fromkeys(sorted(asked.letters), POSITIVE)  # inside a given expression it may be divided by
    domains |= {x.name: domain for x, domain in reversed(given) if isinstance(x, Sym)}
    if asked.closed:
        domains[asked.counter.name] = SAMPLED_STEPS
        domains |= {asked.shift.name: POSITIVE} if asked.nesterov else {}
    return domains


def _values(asked: Question) -> dict[str, Expr]:
    """Say which givens the letters of the rule stand for."""
    start = {"v0": asked.v0[0], "theta0": asked.theta0[0]} if len(asked.theta0) == 1 else {}
    given = {"alpha": asked.alpha, "epsilon": asked.epsilon}
    return {**start, **{spelling: value for name, value in given.items() for spelling in SPELLINGS[name]}}


def _aliases(asked: Question) -> dict[str, Expr]:
    """Say what else an answer may call a step of the path, and the number of steps."""
    t = asked.t
    found: dict[str, Expr] = {"g_t": Entry("g", t)} if asked.closed else {}
    if len(asked.theta0) == 1:
        averaged = (HAT,) if asked.convention == "ema" else ()
        for spelling in ("v", *averaged, "theta", "theta_tilde", "ttilde", "tilde_theta"):
            family = "theta_tilde" if "tilde" in spelling else spelling
            new, old = Entry(family, t), Entry(family, t - 1)
            found |= {f"{spelling}_new": new, f"{spelling}_old": old, f"{spelling}_t": new}
    return found | ({"t": t} if isinstance(t, Num) else {})
