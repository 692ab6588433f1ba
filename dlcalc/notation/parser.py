"""The parser of the exam notation: tokens to expressions, under a scope that says what names mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.notation.expression import (
    MAX_POWER_BITS,
    Entry,
    Expr,
    Num,
    Relation,
    Sum,
    Sym,
    add,
    div,
    mul,
    number,
    power,
    power_bits,
)
from dlcalc.notation.functions import FUNCTIONS, SPELLINGS, call
from dlcalc.notation.tokens import GREEK, Token, spelled, tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_DEPTH = 60
"""Nested parentheses, powers and function calls."""

_SHORT = 2
"""Names up to this length before a parenthesis are factors, never misspelt functions."""
_ONE_LETTER = re.compile(r"[^\W\d_](?:_?\d+|[₀-₉]+)?")
_RELATIONS = {"=", "!=", "<", "<=", ">", ">="}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_AROUND = {"|": ("abs", "|"), "||": ("", "||"), "⌊": ("floor", "⌋"), "⌈": ("ceil", "⌉")}
_NORMS = {"1": "norm_1", "2": "norm", "F": "norm", "inf": "norm_inf", "infty": "norm_inf"}
_MATRIX_ONLY = {
    ".*": "an element-wise product",
    "./": "an element-wise quotient",
    ".^": "an element-wise power",
    "@": "a matrix product",
    "'": "a transpose",
    ".T": "a transpose",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean while a text is read.

    `names` are the known symbols; when `closed`, any other name is an error. `sequences` are the names whose
    entries are `g[k]`, also written `g_k`. `aliases` stand for expressions (`eps` for epsilon). `random` admits
    the functions E and Var.
    """

    names: frozenset[str] = frozenset()
    sequences: frozenset[str] = frozenset()
    aliases: Mapping[str, Expr] = field(default_factory=dict)
    closed: bool = False
    random: bool = False

    def knows(self, name: str) -> bool:
        """Say whether a canonical name is known."""
        return name in self.names or name in self.aliases or name in self.sequences


OPEN = Scope()
"""The scope of an option: any name is a new symbol."""


def parse(text: str, scope: Scope = OPEN) -> Expr:
    """Read one scalar expression; exact numbers are folded.

    Raises NotationError, with the place, for anything else.

    >>> print(parse("2(n + 1)/4 - α²"))
    2*(n + 1)/4 - alpha^2
    """
    parser = _Parser(text, scope)
    parsed = parser.expression()
    parser.finish()
    return parsed


def parse_relation(text: str, scope: Scope = OPEN) -> Relation:
    """Read two expressions and the relation between them, such as `0 < alpha`."""
    parser = _Parser(text, scope)
    left = parser.expression()
    token = parser.token
    if token.text not in _RELATIONS:
        raise parser.error("a relation (=, <, <=, …) was expected here")
    parser.advance()
    right = parser.expression()
    parser.finish()
    return Relation(left, token.text, right)


class _Parser:
    """Recursive descent with one token of look-ahead."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.open: list[str] = []
        self.bound: list[str] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
        token = self.token
        self.at += token.kind != "end"
        return token

    def error(self, condition: str, fix: str = "", token: Token | None = None) -> NotationError:
        return NotationError(condition, fix, text=self.text, position=(token or self.token).position)

    def finish(self) -> None:
        token = self.token
        if token.text in _MATRIX_ONLY:
            raise self.error(f"{_MATRIX_ONLY[token.text]} has no meaning between numbers", "use * and ^")
        if token.text in {")", "]", "}"}:
            raise self.error(f"{token.text} closes nothing", f"remove it or open it with {_opening(token.text)}")
        if token.text in _RELATIONS:
            raise self.error("one expression was expected, not an equation")
        if token.text == ",":
            raise self.error("one expression was expected, not a list")
        if token.kind != "end":
            raise self.error(f"an operator was expected before {token.text!r}")

    def accept(self, symbol: str) -> bool:
        if self.token.kind == "symbol" and self.token.text == symbol:
            self.advance()
            return True
        return False

    def expect(self, symbol: str, opened: Token) -> None:
        if not self.accept(symbol):
            found = repr(self.token.text) if self.token.text else "the end"
            if self.token.kind == "end":
                raise self.error(f"{opened.text} is never closed", f"add {symbol}", opened)
            raise self.error(f"{symbol} was expected, not {found}")

    # sums, products, powers

    def expression(self) -> Expr:
        terms = [self.term()]
        while self.token.kind == "symbol" and self.token.text in "+-":
            negative = self.advance().text == "-"
            term = self.term()
            terms.append(-term if negative else term)
        return add(*terms)

    def term(self) -> Expr:
        negative = False
        while self.token.kind == "symbol" and self.token.text in "+-":
            negative ^= self.advance().text == "-"
        product = self.factor()
        while True:
            token = self.token
            if self.accept("*"):
                product = mul(product, self.signed())
            elif self.accept("/"):
                product = self.quotient(product, token)
            elif self.starts_operand():
                if token.kind == "number":
                    raise self.error("an operator was expected before this number", "write * between factors")
                product = mul(product, self.factor())
            else:
                return -product if negative else product

    def quotient(self, numerator: Expr, slash: Token) -> Expr:
        denominator = self.signed()
        try:
            return div(numerator, denominator)
        except DlcalcError as problem:
            raise self.error("division by zero", problem.fix, slash) from None

    def signed(self) -> Expr:
        negative = False
        while self.token.kind == "symbol" and self.token.text in "+-":
            negative ^= self.advance().text == "-"
        factor = self.factor()
        return -factor if negative else factor

    def starts_operand(self) -> bool:
        token = self.token
        if token.kind in {"number", "name"}:
            return True
        if token.text in {"|", "||"}:
            return token.kind == "symbol" and self.open[-1:] != [token.text]
        return token.kind == "symbol" and token.text in {"(", "[", "{", "√", "⌊", "⌈", "Σ"}

    def factor(self) -> Expr:
        """Read an operand and its powers; every nesting passes here, so here it is bounded."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep", "split the expression")
        base = self.operand()
        while (token := self.token).kind == "superscript":
            self.advance()
            base = self.raised(base, _Parser(token.text, self.scope).whole(), token)
        if self.accept("^"):
            base = self.raised(base, self.signed(), token)
        self.depth -= 1
        return base

    def whole(self) -> Expr:
        """Read the text of a superscript."""
        if self.text in {"T", "-T"}:
            raise self.error("a transpose has no meaning for a number")
        parsed = self.expression()
        self.finish()
        return parsed

    def raised(self, base: Expr, exponent: Expr, token: Token) -> Expr:
        if isinstance(base, Num) and isinstance(exponent, Num):
            too_large = abs(base.value) not in {0, 1} and power_bits(base.value, exponent.value) > MAX_POWER_BITS
            if too_large:
                digits = power_bits(base.value, exponent.value) * 3 // 10
                raise self.error(
                    f"this power has about {digits:,} digits; at most {MAX_POWER_BITS * 3 // 10:,} are computed",
                    "use a smaller exponent or a symbol",
                    token,
                )
        try:
            return power(base, exponent)
        except DlcalcError as problem:
            raise self.error(problem.condition, problem.fix, token) from None

    # operands

    def operand(self) -> Expr:
        token = self.advance()
        if token.kind == "number":
            return number(Fraction(token.text))
        if token.kind == "name":
            return self.named(token)
        if token.kind == "symbol":
            if token.text in _CLOSING:
                return self.enclosed(token, _CLOSING[token.text])
            if token.text in _AROUND:
                function, closing = _AROUND[token.text]
                inner = self.enclosed(token, closing)
                return self.applied(function or self.norm_order(), [inner], token)
            if token.text == "√":
                return self.applied("sqrt", [self.factor()], token)
            if token.text == "Σ":
                return self.sigma(token)
            if token.text in _MATRIX_ONLY:
                raise self.error(f"{_MATRIX_ONLY[token.text]} has no meaning between numbers", "use * and ^", token)
            if token.text == "inf":
                raise self.error("infinity is not a number here", "give a finite number or a symbol", token)
        if token.kind == "end":
            raise self.error("an expression was expected here, not the end")
        raise self.error(f"a number, a name or a parenthesis was expected, not {token.text!r}", "", token)

    def enclosed(self, opened: Token, closing: str) -> Expr:
        self.open.append(closing)
        inner = self.expression()
        self.expect(closing, opened)
        self.open.pop()
        return inner

    def norm_order(self) -> str:
        """Read the subscript of a norm: nothing, _1, _2, _inf, _∞, _F."""
        if not self.accept("_"):
            return "norm"
        opened = self.token
        braced = self.accept("{")
        order = self.advance()
        if order.text not in _NORMS:
            raise self.error("a norm has the subscript 1, 2, F or inf", "", order)
        if braced:
            self.expect("}", opened)
        return _NORMS[order.text]

    def arguments(self, opened: Token) -> list[Expr]:
        self.open.append(")")
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        self.expect(")", opened)
        self.open.pop()
        return found

    def named(self, token: Token) -> Expr:
        name = spelled(token.text)
        if name in self.bound:
            return Sym(name)
        if not self.scope.knows(name):
            if name == "sum" and self.token.text == "(":
                return self.sum_over(token)
            function = SPELLINGS.get(name)
            if function and (self.scope.random or not FUNCTIONS[function].random):
                applied = self.application(function, token)
                if applied is not None:
                    return applied
        return self.resolved(token, name)

    def application(self, function: str, token: Token) -> Expr | None:
        row = FUNCTIONS[function]
        opened = self.token
        if self.accept("("):
            arguments = self.arguments(opened)
            if len(arguments) < row.least or (row.most is not None and len(arguments) > row.most):
                raise self.error(f"{token.text} takes one argument, not {len(arguments)}", "", opened)
            return self.applied(function, arguments, token)
        if row.prefix and self.starts_operand():  # "ln n", "E g_1": the function of the next factor
            argument = self.factor()
            if self.starts_operand():
                raise self.error(f"does {token.text} apply to this too?", f"write parentheses: {token.text}(…)")
            return self.applied(function, [argument], token)
        if token.text == function and not row.random:
            raise self.error(f"{token.text} is a function", f"write {token.text}(…)", token)
        return None

    def applied(self, function: str, arguments: list[Expr], token: Token) -> Expr:
        try:
            return call(function, *arguments)
        except (ValueError, OverflowError, DlcalcError):
            raise self.error(f"{token.text} has no value there", "", token) from None

    def sum_over(self, token: Token) -> Expr:
        """Read `sum(k, 1, t, body)`."""
        opened = self.advance()
        index = self.advance()
        if index.kind != "name" or not self.accept(","):
            raise self.error("a sum is written sum(k, 1, t, body)", "", token)
        lower = self.expression()
        self.expect(",", opened)
        upper = self.expression()
        self.expect(",", opened)
        body = self.under(spelled(index.text), self.expression)
        self.expect(")", opened)
        return Sum(spelled(index.text), lower, upper, body)

    def sigma(self, token: Token) -> Expr:
        """Read `Σ_{k=1}^{t} body`; the body runs to the end of the product."""
        form = self.error("a sum is written sum(k, 1, t, body) or Σ_{k=1}^{t} body", "", token)
        if not self.accept("_") or self.token.text not in _CLOSING:
            raise form
        opened = self.advance()
        index = self.advance()
        if index.kind != "name" or not self.accept("="):
            raise form
        lower = self.expression()
        self.expect(_CLOSING[opened.text], opened)
        self.expect("^", token)
        upper = self.operand()
        body = self.under(spelled(index.text), self.term)
        return Sum(spelled(index.text), lower, upper, body)

    def under(self, index: str, read: Callable[[], Expr]) -> Expr:
        self.bound.append(index)
        body = read()
        self.bound.pop()
        return body

    # names

    def resolved(self, token: Token, name: str) -> Expr:
        scope = self.scope
        if name in scope.aliases:
            return scope.aliases[name]
        if name in scope.sequences:
            return self.sequence(name, token)
        if name in scope.names:
            return Sym(name)
        if (entry := self.subscripted(token)) is not None:
            return entry
        product = self.split(token)
        if product is not None:
            return product
        if scope.closed:
            known = sorted(scope.names | set(scope.aliases) | scope.sequences)
            hint = nearest(name, known) or f"known here: {', '.join(known) or 'no names'}"
            raise self.error(f"{token.text} is not a name in this question", hint, token)
        if self.token.text == "[" and not self.token.spaced:
            raise self.error(f"{token.text} has no entries here", "write * between factors", token)
        if self.token.text == "(" and not self.token.spaced and len(name) > _SHORT:
            close = nearest(name, SPELLINGS)
            if close:
                raise self.error(f"{token.text} is not a function", close, token)
        return Sym(name)

    def sequence(self, name: str, token: Token) -> Expr:
        """Read what follows the name of a sequence: `[k]`, `_{k}`, or nothing (the whole sequence)."""
        if self.token.text == "[" and not self.token.spaced:
            opened = self.advance()
            index = self.expression()
            self.expect("]", opened)
            return Entry(name, index)
        if self.token.text == "_" and self.tokens[self.at + 1].text in _CLOSING:
            self.advance()
            opened = self.advance()
            index = self.expression()
            self.expect(_CLOSING[opened.text], opened)
            return Entry(name, index)
        return Sym(name)

    def subscripted(self, token: Token) -> Expr | None:
        """Read `g_3`, `g3`, `g_k` as entries of a known sequence."""
        match = re.fullmatch(r"([^\W\d_]+?)_?(\d+|[^\W\d_])", "".join(_ascii(c) for c in token.text))
        if match is None or spelled(match[1]) not in self.scope.sequences:
            return None
        index = match[2]
        if index.isdigit():
            return Entry(spelled(match[1]), number(int(index)))
        if "_" not in _ascii_text(token.text):
            return None
        return Entry(spelled(match[1]), Sym(spelled(index)))

    def split(self, token: Token) -> Expr | None:
        """Read a name made of known one-letter names as their product, as on paper."""
        pieces = _ONE_LETTER.findall(token.text)
        if len(pieces) < 2 or "".join(pieces) != token.text:  # noqa: PLR2004 (one piece is no product)
            return None
        known = all(self.scope.knows(spelled(p)) or spelled(p) in self.bound for p in pieces)
        if not known and not all(p[0] in GREEK for p in pieces):
            return None
        return mul(*(self.resolved(Token("name", p, token.position), spelled(p)) for p in pieces))


def _opening(closing: str) -> str:
    return {v: k for k, v in _CLOSING.items()}[closing]


def _ascii(c: str) -> str:
    from dlcalc.notation.tokens import SUBSCRIPT_LETTERS, SUBSCRIPTS

    if c in SUBSCRIPT_LETTERS:
        return f"_{SUBSCRIPT_LETTERS[c]}"
    return SUBSCRIPTS.get(c, c)


def _ascii_text(text: str) -> str:
    return "".join(_ascii(c) for c in text)
