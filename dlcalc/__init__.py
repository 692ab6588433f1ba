"""dlcalc: exact answers to deep-learning exam questions, derived step by step and checked by numbers.

Every kind of question is a function here, loaded when it is first used:

>>> import dlcalc
>>> dlcalc.conv_params(in_channels=3, kernel=3, filters=5).value
140
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlcalc.errors import DlcalcError, NotationError
    from dlcalc.marking import marked
    from dlcalc.solution import Answer, Check, Mark, Solution, Step

__version__ = "0.1.0"
__all__ = ["Answer", "Check", "DlcalcError", "Mark", "NotationError", "Solution", "Step", "__version__", "marked"]

_HOMES = {
    "dlcalc.errors": ("DlcalcError", "NotationError"),
    "dlcalc.marking": ("marked",),
    "dlcalc.solution": ("Answer", "Check", "Mark", "Solution", "Step"),
}
"""Where the public names live; each module is imported when one of its names is first used."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a class, a function, or a kind of question)
    """Load a public name, or a kind of question by its command's name with underscores."""
    for home, held in _HOMES.items():
        if name in held:
            return getattr(import_module(home), name)
    from dlcalc.registry import load, names

    command = name.replace("_", "-")
    if name.startswith("_") or command not in names():
        message = f"module 'dlcalc' has no attribute {name!r}"
        raise AttributeError(message)
    return load(command)


def __dir__() -> list[str]:
    """List the kinds of questions beside the classes."""
    from dlcalc.registry import names

    return sorted([*__all__, *(name.replace("-", "_") for name in names())])
