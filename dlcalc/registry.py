"""Which kinds of questions there are: the files in `dlcalc/topics`, each imported when it is first asked."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.topic import Topic


AREAS = (
    *("layers", "back-propagation", "activations", "losses", "optimisation", "regularisation"),
    *("normalisation", "initialisation", "evaluation"),
)
"""The areas of the course, in the order in which they are listed."""
INDEX = "topics"
"""The command that lists the others; it is no kind of question."""


def names() -> tuple[str, ...]:
    """Return the names of all commands, from the files in `topics`; imports none of them."""
    topics = import_module("dlcalc.topics")
    return tuple(sorted(module.name.replace("_", "-") for module in iter_modules(topics.__path__)))


def load(name: str) -> Topic:
    """Import one topic by its command's name."""
    if name not in names():
        raise DlcalcError(f"{name!r} is not a command", nearest(name, (*names(), INDEX)) or f"see dlcalc {INDEX}")
    module = name.replace("-", "_")
    found: Topic = getattr(import_module(f"dlcalc.topics.{module}"), module)
    return found


def every() -> Iterator[Topic]:
    """Import all topics, in the order of their names."""
    return map(load, names())
