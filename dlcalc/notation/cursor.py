"""A place in a row of tokens, which every parser of the notation moves on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcalc.errors import NotationError
from dlcalc.notation.functions import INDICATORS
from dlcalc.notation.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RELATIONS = set(INDICATORS.values())
CLOSING = {"(": ")", "[": "]", "{": "}"}
OPENING = {closing: opening for opening, closing in CLOSING.items()}
NORMS = {"1": "norm_1", "2": "norm", "F": "norm", "inf": "norm_inf", "infty": "norm_inf"}
"""The subscripts of a norm."""
STARTS = {*CLOSING, "√", "⌊", "⌈", "Σ", "frac"}
"""The symbols that begin an operand, besides bars."""
AROUND = {"|": ("abs", "|"), "||": ("", "||"), "⌊": ("floor", "⌋"), "⌈": ("ceil", "⌉")}
"""What is written around its argument: the function, and what closes it."""
_SHOWN = 40
"""Characters of a name that a message shows."""


class Cursor:
    """Recursive descent with one token of look-ahead."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        """Start at the first token; line ends inside brackets are no tokens."""
        self.text = text
        self.tokens = list(lines_joined(tokens))
        self.at = 0
        self.open: list[str] = []
        """What closes the brackets and bars that are open, innermost last."""

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def ahead(self, by: int) -> Token:
        """Look at a token further on."""
        return self.tokens[min(self.at + by, len(self.tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token."""
        token = self.token
        self.at += token.kind != "end"
        return token

    def accept(self, symbol: str) -> bool:
        """Take this symbol, if it comes next."""
        if self.token.is_symbol(symbol):
            self.advance()
            return True
        return False

    def error(self, condition: str, fix: str = "", token: Token | None = None) -> NotationError:
        """Point at a token; at the next one, unless given."""
        return NotationError(condition, fix, text=self.text, position=(token or self.token).position)

    def starts_operand(self) -> bool:
        """Say whether an operand begins here."""
        token = self.token
        if token.is_symbol("|", "||"):
            closing = self.open[-1:]
            return closing != [token.text] and not (token.text == "||" and closing == ["|"])
        return token.kind in {"number", "name"} or token.is_symbol(*STARTS)

    def closes(self, closing: str) -> bool:
        """Take what closes a bracket or a bar, if it comes next; of |x||y| the first bar closes, the second opens."""
        token = self.token
        if closing == "|" and token.is_symbol("||"):
            self.tokens[self.at] = Token("symbol", "|", token.position + 1)
            return True
        return self.accept(closing)

    def with_subscript(self, token: Token) -> Token:
        """Read `W_{1}` and `C_{in}` as the names W1 and C_in."""
        inner = self.ahead(2)
        braces = self.token.is_symbol("_") and self.ahead(1).is_symbol("{") and self.ahead(3).is_symbol("}")
        if not braces or not (inner.kind == "name" or (inner.kind == "number" and inner.text.isdigit())):
            return token
        self.at += 4
        return Token("name", f"{token.text}_{inner.text}", token.position, token.spaced)

    def holds_relation(self) -> bool:
        """Look whether the bracket that opens here holds a comparison."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += token.is_symbol(*CLOSING) - token.is_symbol(*OPENING)
            if depth == 0:
                return False
            if depth == 1 and token.is_symbol(*RELATIONS):
                return True
        return False

    def norm_order(self) -> str:
        """Read the subscript of a norm: nothing, _1, _2, _inf, _∞, _F."""
        if not self.token.is_symbol("_", "inf"):
            return "norm"
        self.accept("_")
        opened = self.token
        braced = self.accept("{")
        order = self.advance()
        if order.text not in NORMS:
            raise self.error("a norm has the subscript 1, 2, F or inf", "", order)
        if braced and not self.accept("}"):
            raise self.error("} was expected", "", opened)
        return NORMS[order.text]


def lines_joined(tokens: Sequence[Token]) -> Iterator[Token]:
    """Leave out the line ends around the text and inside its brackets."""
    depth = 0
    waiting: list[Token] = []
    for at, token in enumerate(tokens):
        depth += token.is_symbol(*CLOSING) - token.is_symbol(*OPENING)
        if token.kind != "newline":
            if token.kind != "end":
                yield from waiting
            waiting.clear()
            yield token
        elif depth <= 0 and at:
            waiting.append(token)


def short(text: str) -> str:
    """Cut a long text for a message."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def shown(token: Token) -> str:
    """Show a token in a message: a name as it is, anything else in quotes."""
    if token.kind == "name":
        return short(token.text)
    return "the end" if token.kind == "end" else repr(short(token.text))
