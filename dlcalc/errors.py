"""The one family of errors, each with the exit code that the command line gives it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WINDOW = 60


class DlcalcError(Exception):
    """Unusable or impossible input: what was violated, and the nearest fix.

    `str(error)` is `condition; fix`. The topic that was asked adds the givens by `restated`.
    """

    exit_code = 2

    def __init__(self, condition: str, fix: str = "", *, givens: str = "") -> None:
        """Say which condition is violated (with its numbers) and what would mend it."""
        super().__init__(condition, fix)
        self.condition = condition
        self.fix = fix
        self.givens = givens

    def __str__(self) -> str:
        """Give the message in one line, without the givens."""
        return f"{self.condition}; {self.fix}" if self.fix else self.condition

    def restated(self, givens: str) -> DlcalcError:
        """Return the same error with the question's givens beside it."""
        self.givens = self.givens or givens
        return self


class NotationError(DlcalcError):
    """Text that is not exam notation; shows the place with a caret."""

    def __init__(self, condition: str, fix: str = "", *, text: str, position: int) -> None:
        """Point at `position` in `text`."""
        super().__init__(condition, fix)
        self.text = text
        self.position = position

    def __str__(self) -> str:
        """Give the message, the text (a window of it, if long) and the caret."""
        start = max(0, self.position - _WINDOW // 2)
        lead = "…" if start else ""
        tail = "…" if start + _WINDOW < len(self.text) else ""
        before, after = _visible(self.text[start : self.position]), _visible(self.text[self.position : start + _WINDOW])
        caret = " " * _columns(lead + before) + "^"
        return f"{super().__str__()}\n  {lead}{before}{after}{tail}\n  {caret}"


class ShapeError(NotationError):
    """Notation that reads well, with shapes that do not go together."""


class NoSuchAnswerError(DlcalcError):
    """The name of an answer that the question does not have."""


def _visible(text: str) -> str:
    """Show what no terminal should receive, line ends and control characters, in one column each."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _columns(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in {"W", "F"} else 1 for c in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` for the closest known name, or nothing; letters in another order are closest.

    >>> nearest("sgmoid", ["sigmoid", "softmax"]), nearest("adma", ["adamax", "adam"])
    ('did you mean sigmoid?', 'did you mean adam?')
    """
    known = list(known)
    turned = [other for other in known if sorted(other) == sorted(name)]
    close = turned or get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else ""
