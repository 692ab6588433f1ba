"""A question to its solution: which answers, which setting, which work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ZERO, Expr, Relation, Sym, number
from dlcalc.notation.printing import plain
from dlcalc.notation.tokens import spelled
from dlcalc.solution import REAL, Domain, Mark, Sequence, Setting, Solution, symbols
from dlcalc.topics.optimizer.answers import (
    general_answers,
    path_answers,
    plots,
    spellings,
    updates_table,
    wrong_paths,
)
from dlcalc.topics.optimizer.closed import closed_answers, closed_work
from dlcalc.topics.optimizer.derivation import definitions, general_work, path_work
from dlcalc.topics.optimizer.early import has_ratio, ratio_answers, ratio_steps
from dlcalc.topics.optimizer.running import run
from dlcalc.topics.optimizer.sentences import assumptions, conventions, notes

if TYPE_CHECKING:
    from collections.abc import Sequence as Listed

    from dlcalc.solution import Work
    from dlcalc.topics.optimizer.question import Question
    from dlcalc.topics.optimizer.rules import Form

MILLIONTH = 1e-6
CONSTANT = Sym("c")
"""A gradient that stays the same, in a general update."""
SAMPLED_POSITIVE = Domain(number(0).value, number(3).value)
SAMPLED = Domain(number(1).value, number(6).value, whole=True)
"""Where the number of updates is sampled."""


def solved(asked: Question, form: Form) -> Solution:
    """Answer a question."""
    setting = _setting(asked, form)
    if asked.closed:
        answers = closed_answers(asked, form)
        found = Solution(answers, lambda: closed_work(asked, form), setting)
    elif asked.general:
        answers = (*general_answers(asked, form), *(ratio_answers(asked) if has_ratio(asked, form) else ()))
        found = Solution(answers, lambda: _general(asked, form), setting)
    else:
        rows = run(asked)
        found = Solution(
            path_answers(asked, rows),
            lambda: path_work(asked, form, rows),
            setting,
            principal=asked.names,
            notes=notes(asked, rows),
            tables=(updates_table(asked, rows),),
            plots=plots(asked, rows),
        )
    return replace(
        found,
        conventions=conventions(asked, form),
        assumptions=assumptions(asked),
        marker=lambda given, seed: _marks(asked, form, found, given, seed),
    )


def _general(asked: Question, form: Form) -> Work:
    work = general_work(asked, form)
    return work._replace(steps=(*work.steps, *ratio_steps(asked, CONSTANT))) if has_ratio(asked, form) else work


def _setting(asked: Question, form: Form) -> Setting:
    """Say what the names stand for."""
    domains = {
        name: domain for name, domain in asked.domains.items() if asked.field is None or name not in asked.values
    }
    free = symbols(*asked.start.values(), *asked.gradients) | frozenset(asked.field.constants if asked.field else ())
    squares = symbols(*(asked.start[name] for name in asked.rule.states))
    domains |= {name: SAMPLED_POSITIVE if name in squares else REAL for name in sorted(free) if name not in domains}
    if asked.general:
        domains |= {"t": SAMPLED, CONSTANT.name: SAMPLED_POSITIVE}
    if isinstance(asked.updates, Sym):
        domains[asked.updates.name] = SAMPLED
    defined = definitions(asked, form)
    gradients = {name for row in asked.gradients for x in row for name in symbols(x)}
    return Setting(
        domains=domains,
        constraints=tuple(Relation(Sym(name), "!=", ZERO) for name in sorted(gradients)),
        sequences={"g": Sequence(number(SAMPLED.high))} if asked.general else {},
        definitions=defined,
        families=frozenset(defined),
        aliases=spellings(asked, "", asked.updates),
        values={name: value for name, value in asked.values.items() if name not in symbols(*free_values(asked))},
    )


def free_values(asked: Question) -> tuple[Expr, ...]:
    """Return the givens that stand for letters."""
    return tuple(asked.values.values())


def _marks(asked: Question, form: Form, solution: Solution, given: Listed[str], seed: int) -> tuple[Mark, ...]:
    """Judge answers; what `m` means depends on the answer that it stands in."""
    from dlcalc.marking import marked, split_named

    found: list[Mark] = []
    for typed in given:
        then, text, called = _addressed(asked, solution, typed)
        name = (split_named(text)[0] or solution.principal_answers[0].name).strip()
        setting = replace(solution.setting, aliases=spellings(then, name, then.updates))
        here = replace(solution, seed=seed, marker=None, topic="optimizer", setting=setting)
        if then.count and not then.general:
            here = replace(here, answers=path_answers(then, run(then), wrong_paths(then, form)))
        mark = marked(here, [text]).marks[0]
        mark = mark if mark.correct is not False else _without_epsilon(then, here, mark, text)
        found.append(mark._replace(name=called or mark.name))
    return tuple(found)


def _addressed(asked: Question, solution: Solution, text: str) -> tuple[Question, str, str]:
    """Let θ_2 of three updates be the last of two, and the parameter be called as in the loss: w for θ.

    The question up to there, the answer by the name that it has then, and what it was called where that is another.
    """
    from dlcalc.marking import split_named

    called, value = split_named(text)
    names = {answer.name for answer in solution.answers}
    if called is None or called in names or asked.general or not asked.count:
        return asked, text, ""
    base, _, index = called.rpartition("_")
    base = spelled(base or called)
    if asked.field is not None and (base,) == asked.field.parameters:
        base = "theta"
    if base not in names or not (index if "_" in called else "0").isdecimal():
        return asked, text, ""
    update = int(index) if "_" in called else asked.numbers[-1]
    if update not in asked.numbers:
        return asked, text, ""
    return replace(asked, updates=number(update - asked.first + 1)), f"{base}={value}", called


def _without_epsilon(asked: Question, solution: Solution, mark: Mark, text: str) -> Mark:
    """Accept what is right with ε = 0, where ε changes the value too little to be seen on paper."""
    from dlcalc.marking import marked

    letter = asked.letters.get("epsilon")
    if letter is None or letter.name not in asked.values or asked.general or asked.closed:
        return mark
    simpler = replace(asked, values={**asked.values, letter.name: ZERO})
    try:
        answers = {answer.name: answer for answer in path_answers(simpler, run(simpler))}
    except DlcalcError:  # without ε a denominator is 0
        return mark
    right, free = solution[mark.name].computed, answers[mark.name].computed if mark.name in answers else None
    if not _close(right, free) or not marked(replace(solution, answers=(answers[mark.name],)), [text]).marks[0].correct:
        return mark
    because = f"the value for ε = 0; ε = {plain(asked.values[letter.name])} changes it by less than a millionth of it"
    return Mark(mark.name, mark.given, correct=True, because=because)


def _close(right: object, free: object) -> bool:
    """Say whether two values differ by less than paper shows."""
    if isinstance(right, list) and isinstance(free, list):
        return all(map(_close, right, free))
    numbers = isinstance(right, int | float) and isinstance(free, int | float)
    return numbers and abs(float(right) - float(free)) <= MILLIONTH * abs(float(right))  # type: ignore[arg-type]  # numbers
