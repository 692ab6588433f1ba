"""A solution made of parts: each part keeps its own setting, derivation, checks and way of marking."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.errors import NoSuchAnswerError, nearest
from dlcalc.solution import Mark, Solution, Verified, Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_NAMES = 12
"""Names that an error lists."""


def joined(*parts: Solution, derived: Sequence[Solution] = ()) -> Solution:
    """Answer with all parts at once, the answers of the first part first; names of answers must differ.

    `derived` are the parts in the order of their derivations, where that is another one.

    A scalar derivation and one of the calculus package stand side by side this way: the steps of each are checked as
    if it were alone, and an answer that is handed in goes to the part that has it.
    """

    def verify(seed: int) -> Verified:
        found = {id(part): part.verified(seed) for part in parts}
        steps = tuple(step for part in derived or parts for step in found[id(part)][0])
        return steps, tuple(check for part in parts for check in found[id(part)][1])

    def marker(given: Sequence[str], seed: int) -> tuple[Mark, ...]:
        return tuple(_marked([replace(part, seed=seed) for part in parts], text) for text in given)

    first = parts[0]
    return replace(
        first,
        answers=tuple(answer for part in parts for answer in part.answers),
        work=lambda: Work(tuple(step for part in derived or parts for step in part.worked.steps), verify=verify),
        setting=replace(
            first.setting, domains={n: d for part in reversed(parts) for n, d in part.setting.domains.items()}
        ),
        principal=first.principal or tuple(answer.name for answer in first.answers[:1]),
        assumptions=_once(text for part in parts for text in part.assumptions),
        conventions=_once(text for part in parts for text in part.conventions),
        notes=_once(text for part in parts for text in part.notes),
        marker=marker,
        documents={form: text for part in reversed(parts) for form, text in part.documents.items()},
        tables=tuple(table for part in parts for table in part.tables),
        plots=tuple(plot for part in parts for plot in part.plots),
    )


def _marked(parts: Sequence[Solution], text: str) -> Mark:
    """Let the first part that knows the name judge the answer; a bare one is for the first part."""
    from dlcalc.marking import marked, split_named

    wanted = split_named(text)[0]
    for part in parts:
        try:
            return marked(part, [text]).marks[0]
        except NoSuchAnswerError:
            continue
    known = [answer.name for part in parts for answer in part.answers]
    raise NoSuchAnswerError(
        f"there is no answer {wanted!r}", nearest(wanted or "", known) or f"there are {', '.join(known[:MOST_NAMES])}"
    )


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
