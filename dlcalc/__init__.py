"""dlcalc: exact answers to deep-learning exam questions, derived step by step and checked by numbers.

Every kind of question is a function here, loaded when it is first used:

>>> import dlcalc
>>> dlcalc.conv_params(in_channels=3, kernel=3, filters=5).value
140
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcalc.errors import DlcalcError, NotationError
from dlcalc.marking import marked
from dlcalc.solution import Answer, Check, Mark, Solution, Step

if TYPE_CHECKING:
    from dlcalc.topic import Topic

__all__ = ["Answer", "Check", "DlcalcError", "Mark", "NotationError", "Solution", "Step", "marked"]


def __getattr__(name: str) -> Topic:
    """Load a kind of question by the name of its command, with underscores."""
    from dlcalc.registry import load, names

    command = name.replace("_", "-")
    if name.startswith("_") or command not in names():
        message = f"module 'dlcalc' has no attribute {name!r}"
        raise AttributeError(message)
    return load(command)


def __dir__() -> list[Any]:
    """List the kinds of questions beside the classes."""
    from dlcalc.registry import names

    return sorted([*globals(), *(name.replace("-", "_") for name in names())])
