"""The parser of the exam notation: tokens to expressions, under a scope that says what names mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, cast

from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.notation.cursor import AROUND, CLOSING, OPENING, RELATIONS, Cursor, short, shown
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import (
    INFINITY,
    MAX_POWER_BITS,
    Call,
    Entry,
    Expr,
    Limit,
    Num,
    Relation,
    Sum,
    Sym,
    add,
    children,
    div,
    height,
    mul,
    number,
    power,
    power_bits,
    unfolded,
)
from dlcalc.notation.functions import FUNCTIONS, SPELLINGS, VECTOR_FUNCTIONS, Function, call
from dlcalc.notation.patterns import compiled
from dlcalc.notation.tokens import ACCENTS, ENGLISH, GREEK, Token, inner_tokens, spelled, tokenize, written_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlcalc.notation.expression import Side

MAX_DEPTH = 60
"""Nested parentheses, powers and function calls."""
MAX_HEIGHT = 120
"""Levels of one expression, so that every walk over it stays far from Python's limit of recursion."""
MAX_SUMS = 20
"""Sums in one expression."""
MAX_LIMITS = 2
"""Limits inside each other: each evaluates its body many times."""

_SHORT = 2
"""Names up to this length before a parenthesis are factors, never misspelt functions."""
_ASTRONOMICAL = 10**15
"""Bits of a power whose number of digits is no longer worth writing."""
_MANY = 12
"""Names that a message lists."""
_PIECE = rf"[^\W\d_](?:[{''.join(ACCENTS)}]|_(?:hat|tilde|bar)(?![^\W_]))?(?:_?[0-9]+|_[^\W\d_](?![^\W_]))?"
"""A letter with its accent and its index."""
_RUN = rf"[{''.join(GREEK)}](?:_\w+|[0-9]+)?|[^{''.join(GREEK)}]+"
_NUMBERED = r"(.*?)_?([0-9]+)"
_STEM = r"[^\W\d_]*"
_INFINITE = ("inf", "infinity")
_DIFFERENCES = ("Δ", "δ")
"""Greek letters that make one name with what follows: Δx."""
_CLOSERS = {*OPENING, "⌋", "⌉"}
_MATRIX_ONLY = {
    ".*": "an element-wise product",
    "./": "an element-wise quotient",
    ".^": "an element-wise power",
    "@": "a matrix product",
    "'": "a transpose",
    ".T": "a transpose",
    "⊤": "a transpose",
}
_SEVERAL = ("one expression was expected, not several", "ask for one at a time")
_LEFT_OVER = {
    "\n": _SEVERAL,
    ";": _SEVERAL,
    ",": ("one expression was expected, not a list", "leave the comma out"),
    "_": ("a subscript was not expected here", "only a name has one"),
    **dict.fromkeys(RELATIONS, ("one expression was expected, not an equation", "leave one side out")),
    **{closing: (f"{closing} closes nothing", "remove it") for closing in _CLOSERS},
    **{closing: (f"{closing} closes nothing", f"remove it or open it with {OPENING[closing]}") for closing in OPENING},
}
"""What is wrong with an operator behind a complete expression, and the nearest fix."""
_SUM_FORM = "a sum is written sum(k, 1, t, body) or Σ_{k=1}^{t} body"
_LIMIT_FORM = "a limit is written lim(x, inf, body), from one side lim(x, 0+, body), or lim_{x→0⁺} body"


@dataclass(frozen=True)
class Scope:
    """What names mean while a text is read.

    `names` are the known symbols; when `closed`, any other name is an error. `sequences` are the names whose
    entries are `g[k]`, also written `g_k`. `aliases` stand for expressions (`eps` for epsilon). `random` admits
    the functions E and Var; `infinite` admits `inf` as a value, and not only as the place of a limit. Under `euler`,
    a power of an unknown `e` is one of Euler's number.
    """

    names: frozenset[str] = frozenset()
    sequences: frozenset[str] = frozenset()
    aliases: Mapping[str, Expr] = field(default_factory=dict)
    closed: bool = False
    random: bool = False
    infinite: bool = False
    euler: bool = False

    def knows(self, name: str) -> bool:
        """Say whether a canonical name is known."""
        return name in self.names or name in self.aliases or name in self.sequences


OPEN = Scope()
"""The scope of an option: any name is a new symbol."""


def parse(text: str, scope: Scope = OPEN) -> Expr:
    """Read one scalar expression; exact numbers are folded.

    Raises NotationError, with the place, for anything else.

    >>> print(parse("2(n + 1)/4 - α²"))
    (n + 1)/2 - alpha^2
    """
    parser = _Parser(text, scope, tokenize(text))
    parsed = parser.expression()
    parser.finish(parsed)
    return parsed


def parse_relation(text: str, scope: Scope = OPEN) -> Relation:
    """Read two expressions and the relation between them, such as `0 < alpha`."""
    parser = _Parser(text, scope, tokenize(text))
    left = parser.expression()
    token = parser.token
    if not token.is_symbol(*RELATIONS):
        raise parser.error("a relation (=, <, <=, …) was expected here")
    parser.advance()
    right = parser.expression()
    parser.finish(left, right)
    return Relation(left, token.text, right)


class _Parser(Cursor):
    """Reads one scalar expression, or two and the relation between them."""

    def __init__(self, text: str, scope: Scope, tokens: Sequence[Token]) -> None:
        super().__init__(text, tokens)
        self.scope = scope
        self.depth = 0
        self.sums = 0
        self.place = ""
        """What ends the place of the limit that is being read."""
        self.bound: list[str] = []
        self.limits: list[str] = []
        """The variables of the limits around."""
        self.whole: dict[str, Token] = {}

    def finish(self, *parsed: Expr) -> None:
        """Refuse what is left over, and what no later walk could take."""
        token = self.token
        if token.kind != "end":
            raise self.left_over(token)
        for expression in parsed:
            if height(expression) > MAX_HEIGHT:
                raise self.error(f"nested more than {MAX_HEIGHT} levels deep", "split the expression", self.tokens[0])
            for name in _whole_sequences(expression, self.whole):
                raise self.error(f"{name} is a list here", f"write {name}[k] for one entry", self.whole[name])

    def left_over(self, token: Token) -> NotationError:
        if token.is_symbol(*_MATRIX_ONLY):
            return self.matrix_only(token)
        operator = token.kind in {"symbol", "newline"}
        condition, fix = _LEFT_OVER.get(token.text, ("", "")) if operator else ("", "")
        return self.error(condition or f"an operator was expected before {shown(token)}", fix, token)

    def matrix_only(self, token: Token) -> NotationError:
        return self.error(f"{_MATRIX_ONLY[token.text]} has no meaning between numbers", "use * and ^", token)

    def expect(self, symbol: str, opened: Token) -> None:
        token = self.token
        if self.closes(symbol):
            return
        if token.kind == "end":
            within = ", or write abs(…) for bars within bars" if symbol in {"|", "||"} else ""
            raise self.error(f"{opened.text} is never closed", f"add {symbol}{within}", opened)
        fix = ""
        if token.is_symbol(*RELATIONS):
            fix = "a comparison is no number; write 1(z > 0) for its indicator"
        elif token.is_symbol(*_MATRIX_ONLY):
            raise self.matrix_only(token)
        raise self.error(f"{symbol} was expected, not {shown(token)}", fix)

    # sums, products, powers

    def expression(self) -> Expr:
        start = self.token
        terms = [self.term()]
        while self.token.is_symbol("+", "-") and not self.at_side():
            negative = self.advance().text == "-"
            term = self.term()
            terms.append(-term if negative else term)
        return self.computed(add(*terms), start) if len(terms) > 1 else terms[0]

    def computed(self, node: Expr, token: Token) -> Expr:
        """Refuse exact numbers that were too long to be put together, unless a float holds their value."""
        if _beyond_floats(node):
            raise self.error(f"the value has more than {_digits(MAX_POWER_BITS)} digits", "use a symbol", token)
        return node

    def term(self) -> Expr:
        start = self.token
        negative = self.signs()
        factors = [self.factor()]
        while True:
            token = self.token
            if self.accept("*"):
                factors.append(self.signed())
            elif self.accept("/"):
                factors = [self.quotient(self.product(factors, start), token)]
            elif token.kind == "number":
                raise self.error("an operator was expected before this number", "write * between factors")
            elif self.starts_operand():
                factors.append(self.factor())
            else:
                product = self.product(factors, start)
                return -product if negative else product

    def product(self, factors: list[Expr], start: Token) -> Expr:
        return self.computed(mul(*factors), start) if len(factors) > 1 else factors[0]

    def quotient(self, numerator: Expr, slash: Token) -> Expr:
        denominator = self.signed()
        self.refuse_ambiguous(slash)
        try:
            return self.computed(div(numerator, denominator), slash)
        except NotationError:
            raise
        except DlcalcError as problem:
            raise self.error("division by zero", problem.fix, slash) from None

    def signs(self) -> bool:
        negative = False
        while self.token.is_symbol("+", "-"):
            negative ^= self.advance().text == "-"
        return negative

    def signed(self) -> Expr:
        negative = self.signs()
        factor = self.factor()
        return -factor if negative else factor

    def factor(self) -> Expr:
        """Read an operand and its powers; every nesting passes here, so here it is bounded."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep", "split the expression")
        base = self.operand()
        while (token := self.token).kind == "superscript" and not self.at_side():
            base = self.raised(base, self.superscript(), token)
        if self.accept("^"):
            exponent = self.signed()
            self.refuse_ambiguous(token)
            base = self.raised(base, exponent, token)
        self.depth -= 1
        return base

    def exponential(self, name: str) -> Expr | None:
        """Read what e is raised to; None where it is not."""
        token = self.token
        if name != "e" or not self.scope.euler:
            return None
        if token.kind == "superscript":
            return self.applied("exp", [self.superscript()], token)
        if not self.accept("^"):
            return None
        exponent = self.signed()
        self.refuse_ambiguous(token)
        return self.applied("exp", [exponent], token)

    def superscript(self) -> Expr:
        """Read raised characters, `ᵗ⁻ᵏ`, as the expression that they spell."""
        token = self.advance()
        if token.text in {"T", "-T"}:
            raise self.error("a transpose has no meaning for a number", "write ^T for the power T", token)
        inside = _Parser(self.text, self.scope, inner_tokens(token, self.text))
        inside.bound, inside.depth, inside.whole = self.bound, self.depth, self.whole
        parsed = inside.expression()
        if inside.token.kind != "end":
            raise inside.left_over(inside.token)
        return parsed

    def raised(self, base: Expr, exponent: Expr, token: Token) -> Expr:
        try:
            found = power(base, exponent)
        except DlcalcError as problem:
            raise self.error(problem.condition, problem.fix, token) from None
        if _beyond_floats(found) and isinstance(base, Num) and isinstance(exponent, Num):
            bits = power_bits(base.value, exponent.value)
            digits = f"about {_digits(bits)}" if bits < _ASTRONOMICAL else "far too many"
            raise self.error(
                f"this power has {digits} digits; at most {_digits(MAX_POWER_BITS)} are computed",
                "use a smaller exponent or a symbol",
                token,
            )
        return found

    # operands

    def operand(self) -> Expr:
        token = self.advance()
        if token.kind == "number":
            return number(Fraction(token.text))
        if token.text in _INFINITE and (self.place or self.scope.infinite) and not self.known(token.text):
            return INFINITY
        if token.kind == "name":
            return self.named(self.with_subscript(token))
        read = _READERS.get(token.text) if token.kind == "symbol" else None
        if read is None:
            raise self.unexpected(token)
        return read(self, token)

    def unexpected(self, token: Token) -> NotationError:
        if token.kind == "end":
            return self.error("an expression was expected here, not the end")
        if token.kind == "newline":
            return self.error("an expression was expected here, not the end of the line", "", token)
        if token.is_symbol(*_MATRIX_ONLY):
            return self.matrix_only(token)
        if token.is_symbol("inf"):
            return self.error("infinity is not a number here", "give a finite number or a symbol", token)
        return self.error(f"a number, a name or a parenthesis was expected, not {shown(token)}", "", token)

    def enclosed(self, opened: Token, closing: str, *, indicator: bool = False) -> Expr:
        """Read what stands between brackets; a comparison too, where it means its indicator."""
        self.open.append(closing)
        inner = self.expression()
        if indicator and self.token.is_symbol(*RELATIONS):
            relation = self.advance().text
            inner = call(f"1 {relation}", inner, self.expression())
        self.expect(closing, opened)
        self.open.pop()
        return inner

    def bracketed(self, token: Token) -> Expr:
        """Read a parenthesis; `[z > 0]` and `1(z > 0)` are indicators."""
        before = self.tokens[self.at - 2] if self.at > 1 else token
        one = before.kind == "number" and before.text == "1" and not token.spaced
        return self.enclosed(token, CLOSING[token.text], indicator=one or token.text == "[")

    def between_bars(self, token: Token) -> Expr:
        """Read an absolute value, a norm, a floor or a ceiling."""
        function, closing = AROUND[token.text]
        inner = self.enclosed(token, closing)
        return self.applied(function or self.norm_order(), [inner], token)

    def root(self, token: Token) -> Expr:
        if self.token.is_symbol("[") and self.text.startswith("\\", token.position):
            raise self.error("only square roots are written so", "write ^(1/3) for a third root", token)
        radicand = self.factor()
        self.refuse_ambiguous(token)
        return self.applied("sqrt", [radicand], token)

    def fraction(self, token: Token) -> Expr:
        r"""Read \frac{a}{b}."""
        parts = []
        for _ in range(2):
            opened = self.token
            if not self.accept("{"):
                raise self.error("a fraction is written \\frac{a}{b}", "", token)
            parts.append(self.enclosed(opened, "}"))
        try:
            return self.computed(div(*parts), token)
        except NotationError:
            raise
        except DlcalcError as problem:
            raise self.error("division by zero", problem.fix, token) from None

    # functions

    def function(self, name: str, token: Token) -> Expr | None:
        """Read a function that is applied here; None where the name is no function or not applied."""
        applied = self.token.is_symbol("(")
        if name == "sum" and (self.token.is_symbol("_") or (applied and self.ahead(2).is_symbol(","))):
            return self.sum_over(token) if applied else self.sigma(token)
        if name == "lim" and (applied or self.token.is_symbol("_")):
            return self.limit(token)
        if name == "I" and self.token.is_symbol(*CLOSING) and self.holds_relation():
            return self.enclosed(opened := self.advance(), CLOSING[opened.text], indicator=True)
        function = SPELLINGS.get(name)
        if function is None:
            return None
        if FUNCTIONS[function].random and not self.scope.random:
            if self.scope.closed or (applied and len(name) > _SHORT):
                raise self.error(f"{name} needs random variables", "there are none in this question", token)
            return None
        return self.application(FUNCTIONS[function], token)

    def logarithm(self, name: str, token: Token) -> Expr | None:
        """Read a logarithm whose name ends in its base; None where the name is another."""
        if name not in _LOGARITHMS or not (self.token.is_symbol("(") or self.starts_operand()):
            return None
        natural = self.application(FUNCTIONS["ln"], token)
        return None if natural is None else natural / call("ln", number(_LOGARITHMS[name]))

    def application(self, row: Function, token: Token) -> Expr | None:
        opened = self.token
        if self.accept("("):
            arguments = self.arguments(opened)
            if len(arguments) < row.least or (row.most is not None and len(arguments) > row.most):
                raise self.error(f"{token.text} takes {row.takes}, not {len(arguments)}", "", opened)
            return self.applied(row.name, arguments, token)
        raised = self.function_power(row, token)
        if row.prefix and self.starts_operand():  # "ln n", "E g_1": the function of the next factor
            parenthesised = raised is not None and self.token.is_symbol("(")
            argument = self.bracketed(self.advance()) if parenthesised else self.factor()
            if self.starts_operand() and not parenthesised:
                raise self.error(f"does {token.text} apply to this too?", f"write parentheses: {token.text}(…)")
            applied = self.applied(row.name, [argument], token)
            return applied if raised is None else self.raised(applied, raised, token)
        if raised is not None or (token.text == row.name and not row.random):
            raise self.error(f"{token.text} is a function", f"write {token.text}(…)", token)
        return None

    def function_power(self, row: Function, token: Token) -> Expr | None:
        """Read the exponent of `tanh²(x)`, the power of a function's value."""
        if not row.prefix or row.random or not (self.token.kind == "superscript" or self.token.is_symbol("^")):
            return None
        exponent = self.superscript() if self.token.kind == "superscript" else self.exponent()
        if not isinstance(exponent, Num) or exponent.value < 1:
            raise self.error(f"this power of {token.text} can mean two things", f"write ({token.text}(x))^…", token)
        return exponent

    def exponent(self) -> Expr:
        self.advance()
        return -self.operand() if self.signs() else self.operand()

    def arguments(self, opened: Token) -> list[Expr]:
        self.open.append(")")
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        self.expect(")", opened)
        self.open.pop()
        return found

    def applied(self, function: str, arguments: list[Expr], token: Token) -> Expr:
        try:
            return call(function, *arguments)
        except (ArithmeticError, ValueError, DlcalcError):
            raise self.error(f"{token.text} has no value there", "", token) from None

    # sums

    def sum_over(self, token: Token) -> Expr:
        """Read `sum(k, 1, t, body)`."""
        opened = self.advance()
        index = self.advance()
        if index.kind != "name" or not self.accept(","):
            raise self.error(_SUM_FORM, "", token)
        lower = self.bound_before_comma()
        upper = self.bound_before_comma()
        body = self.under(index, self.expression)
        self.expect(")", opened)
        return self.sum(index, lower, upper, body)

    def bound_before_comma(self) -> Expr:
        found = self.expression()
        if not self.accept(","):
            raise self.error(_SUM_FORM)
        return found

    def sigma(self, token: Token) -> Expr:
        """Read `Σ_{k=1}^{t} body`; the body runs to the end of the product."""
        opened = self.ahead(1)
        if not self.token.is_symbol("_") or not opened.is_symbol(*CLOSING) or self.ahead(2).kind != "name":
            raise self.error(_SUM_FORM, "", token)
        self.at += 2
        index = self.advance()
        if not self.accept("="):
            raise self.error(_SUM_FORM, "", token)
        lower = self.expression()
        self.expect(CLOSING[opened.text], opened)
        if self.token.kind == "superscript":
            upper = self.superscript()
        else:
            if not self.accept("^"):
                raise self.error(_SUM_FORM, "", token)
            upper = -self.operand() if self.signs() else self.operand()
        return self.sum(index, lower, upper, self.under(index, self.term))

    def sum(self, index: Token, lower: Expr, upper: Expr, body: Expr) -> Expr:
        self.sums += 1
        if self.sums > MAX_SUMS:
            raise self.error(f"more than {MAX_SUMS} sums in one expression", "split the expression", index)
        if any(isinstance(bound, Num) and bound.value.denominator != 1 for bound in (lower, upper)):
            raise self.error("the bounds of a sum are whole numbers", "", index)
        return Sum(spelled(index.text), lower, upper, body)

    def limit(self, token: Token) -> Expr:
        """Read `lim(x, 0+, body)`, or `lim_{x→0⁺} body`, whose body runs to the end of the product."""
        below = self.accept("_")
        opened, index = self.advance(), self.advance()
        if not opened.is_symbol("{" if below else "(") or index.kind != "name":
            raise self.error(_LIMIT_FORM, "", token)
        if self.place or spelled(index.text) in self.limits:
            raise self.error("one limit inside another of the same variable", "rename one of them", token)
        if not self.accept("->") and (below or not self.accept(",")):
            raise self.error(_LIMIT_FORM, "", token)
        self.place = "}" if below else ","
        place = self.expression()
        side = cast("Side", self.advance().text if self.at_side() else "")
        self.expect(self.place, opened)
        self.place = ""
        if len(self.limits) == MAX_LIMITS:
            raise self.error(f"more than {MAX_LIMITS} limits inside each other", "split the expression", token)
        self.limits.append(spelled(index.text))
        body = self.under(index, self.term if below else self.expression)
        self.limits.pop()
        if not below:
            self.expect(")", opened)
        return Limit(spelled(index.text), place, side, body)

    def at_side(self) -> bool:
        """Say whether a sign that stands here is the side from which a limit is taken."""
        sign = self.token.is_symbol("+", "-") or (self.token.kind == "superscript" and self.token.text in {"+", "-"})
        return sign and self.place != "" and self.ahead(1).is_symbol(self.place)

    def under(self, index: Token, read: Callable[[], Expr]) -> Expr:
        self.bound.append(spelled(index.text))
        body = read()
        self.bound.pop()
        return body

    # names

    def with_subscript(self, token: Token) -> Token:
        """Read `W_{1}` and `C_{in}` as the names W1 and C_in; the braces of a list hold an index."""
        return token if spelled(token.text) in self.scope.sequences else super().with_subscript(token)

    def known(self, name: str) -> bool:
        return name in self.bound or self.scope.knows(name)

    def named(self, token: Token) -> Expr:
        """Read a name: a known one, a function, an entry, a product of letters, or a new symbol."""
        name = spelled(token.text)
        if self.known(name):
            return self.resolved(name, token)
        found = self.exponential(name) or self.logarithm(name, token)
        found = found or self.function(name, token) or self.entry(name, token)
        if found is not None:
            return found
        if letters := self.letters(token):
            first, *others = letters
            self.tokens[self.at : self.at] = others
            return self.named(first)
        self.refuse_misread(name, token)
        return self.symbol(name, token)

    def resolved(self, name: str, token: Token) -> Expr:
        """Return what a known name means."""
        scope = self.scope
        listed = name in scope.sequences and (self.indexed() or name not in scope.names | scope.aliases.keys())
        if listed and name not in self.bound:
            return self.sequence(name, token)
        if name in scope.aliases and name not in self.bound:
            return scope.aliases[name]
        return self.symbol(name, token)

    def indexed(self) -> bool:
        bracket = self.token.is_symbol("[") and not self.token.spaced
        return bracket or (self.token.is_symbol("_") and self.ahead(1).is_symbol(*CLOSING))

    def sequence(self, name: str, token: Token) -> Expr:
        """Read what follows the name of a list: `[k]`, `_{k}`, or nothing (the whole list)."""
        if not self.indexed():
            self.whole.setdefault(name, token)
            return Sym(name)
        self.accept("_")
        opened = self.advance()
        self.open.append(CLOSING[opened.text])
        index = self.expression()
        if self.token.is_symbol(","):
            raise self.error(f"an entry of {shown(token)} has one index", "leave the others out")
        self.expect(CLOSING[opened.text], opened)
        self.open.pop()
        return Entry(name, index)

    def symbol(self, name: str, token: Token) -> Expr:
        """Return a symbol; a number or a name in brackets right behind it would be its entry."""
        if self.token.is_symbol("_"):
            raise self.error(f"{shown(token)} has no entries here", "write a subscript of one letter or number")
        if self.indexed() and self.ahead(1).kind in {"number", "name"} and self.ahead(2).is_symbol("]", ","):
            raise self.error(f"{shown(token)} has no entries here", "write * between factors")
        return Sym(name)

    def entry(self, name: str, token: Token) -> Expr | None:
        """Read `g_3`, `g3` and `g_k` as entries of a known list."""
        numbered = compiled(_NUMBERED).fullmatch(name)
        if numbered and numbered[1] in self.scope.sequences:
            return Entry(numbered[1], number(int(numbered[2])))
        base, _, index = name.rpartition("_")
        if base not in self.scope.sequences or not (len(index) == 1 or index in ENGLISH or self.known(index)):
            return None
        if not self.known(index) and self.scope.closed:
            raise self.unknown(index, token)
        return Entry(base, self.scope.aliases.get(index, Sym(index)) if index not in self.bound else Sym(index))

    def letters(self, token: Token) -> list[Token]:
        """Split a name made of known one-letter names into these: side by side they are a product, as on paper."""
        written = written_out(token.text)
        pieces = compiled(_PIECE).findall(written)
        if "".join(pieces) != written or not all(map(self.is_factor, pieces)):
            pieces = [] if self.scope.closed or written.startswith(_DIFFERENCES) else compiled(_RUN).findall(written)
        if len(pieces) < 2:  # noqa: PLR2004 (one piece is no product)
            return []
        as_typed = written == token.text
        places = accumulate((len(p) if as_typed else 0 for p in pieces[:-1]), initial=token.position)
        return [Token("name", p, place, glued=at > 0) for at, (p, place) in enumerate(zip(pieces, places, strict=True))]

    def is_factor(self, piece: str) -> bool:
        name = spelled(piece)
        stem = compiled(_STEM).match(name)[0]  # type: ignore[index]  # matches any text
        listed = {stem, name.rpartition("_")[0]} & self.scope.sequences
        return self.known(name) or piece[0] in GREEK or bool(listed) or (name == "E" and self.scope.random)

    def refuse_ambiguous(self, operator: Token) -> None:
        """Refuse `1/mn`, which people mean as 1/(mn) and the order of operations reads as (1/m)n."""
        if self.token.glued:
            raise self.error(f"does {operator.text} apply to {self.token.text} too?", "write parentheses")

    def refuse_misread(self, name: str, token: Token) -> None:
        """Refuse a name that would silently become something else than was meant."""
        if self.scope.closed:
            raise self.unknown(token.text, token)
        if not self.token.is_symbol("(") or self.token.spaced:
            return
        if name in VECTOR_FUNCTIONS:
            raise self.error(f"{name} is a function of vectors and matrices", "use numbers and symbols here", token)
        stem = compiled(_STEM).match(name)[0]  # type: ignore[index]  # matches any text
        if len(stem) > _SHORT and stem not in ENGLISH:
            fix = nearest(name, SPELLINGS) or "write * between factors"
            raise self.error(f"{shown(token)} is not a function", fix, token)

    def unknown(self, name: str, token: Token) -> NotationError:
        scope = self.scope
        names = sorted({*scope.names, *scope.aliases, *scope.sequences})
        fix = nearest(spelled(name), names)
        if name == "e" and (self.token.is_symbol("^") or self.token.kind == "superscript"):
            fix = "write exp(x) for e^x"
        elif spelled(name) in VECTOR_FUNCTIONS:
            fix = "it is a function of vectors and matrices"
        elif not fix:
            listed = ", ".join(names[:_MANY]) + (", …" if len(names) > _MANY else "")
            fix = f"known here: {listed or 'no names'}"
        return self.error(f"{short(name)} is not a name in this question", fix, token)


_LOGARITHMS = {f"log{line}{base}": base for line in ("", "_") for base in (2, 10)}
"""Logarithms by the base that their names end in."""
_READERS: dict[str, Callable[[_Parser, Token], Expr]] = {
    **dict.fromkeys(CLOSING, _Parser.bracketed),
    **dict.fromkeys(AROUND, _Parser.between_bars),
    "√": _Parser.root,
    "Σ": _Parser.sigma,
    "frac": _Parser.fraction,
}
"""What a symbol begins; a symbol that is not here begins nothing."""


def _whole_sequences(expression: Expr, lists: Mapping[str, Token]) -> Iterator[str]:
    """Find the lists that stand where a number is needed: anywhere but in a function of their entries."""
    waiting = [expression] if lists else []
    while waiting:
        node = waiting.pop()
        takes_lists = isinstance(node, Call) and FUNCTIONS[node.function].takes_lists
        if isinstance(node, Sym) and node.name in lists:
            yield node.name
        waiting += [child for child in children(node) if not (takes_lists and isinstance(child, Sym))]


def _beyond_floats(node: Expr) -> bool:
    return unfolded(node) and approximate(node) is None


def _digits(bits: int) -> str:
    return f"{bits * 3 // 10:,}"
