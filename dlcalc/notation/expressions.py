"""The reader of matrix expressions, to untyped nodes with their places.

sum          element-wise products with + and - between
element-wise products with .* and ./ between: they bind looser than products, `Wᵀ d ⊙ g` is `(Wᵀ d) ⊙ g`
product      factors side by side, or with * @ / between
factor       operand with its powers, transposes and indices
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.errors import nearest
from dlcalc.notation.cursor import AROUND, CLOSING, OPENING, RELATIONS, Cursor, short, shown
from dlcalc.notation.functions import FUNCTIONS, SPELLINGS, VECTOR_SPELLINGS
from dlcalc.notation.patterns import compiled
from dlcalc.notation.syntax import Node
from dlcalc.notation.tokens import Token, inner_tokens, spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

MAX_DEPTH = 60
"""Nested parentheses, powers and function calls."""
MAX_FACTORS = 100
"""Factors in one product, and powers or transposes of one factor."""
MAX_HEIGHT = 150
"""Operations inside each other."""
MAX_OPERATIONS = 20_000
"""Operations of one program."""
_ABSTRACT = {"f", "g", "phi", "psi"}
"""Names that mean a function where a parenthesis follows at once."""
_SHORT = 2
_PIECE = r"[^\W\d_](?:_?[0-9]+)?"
_COUNTS = {"n", "m", "N"}
"""Names that 1/2n divides by, on paper."""
_TRANSPOSES = {"'", ".T", "⊤"}
_SUM_FORM = "a sum is written sum(k, 1, n, body) or Σ_{k=1}^{n} body"


class ExpressionReader(Cursor):
    """Reads matrix expressions in which some names are known."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        """Start at the first token, with no name known."""
        super().__init__(text, tokens)
        self.known: AbstractSet[str] = set()
        self.functions: AbstractSet[str] = set()
        self.from_left = False
        self.applied: set[str] = set()
        """Names defined with arguments, `L(W) = …`."""
        self.depth = 0
        self.operations = 0

    # sums, products, powers

    def bounded(self, node: Node, start: Token) -> Node:
        """Refuse what no later walk could take."""
        levels, level = 0, [node]
        while level:
            levels, level = levels + 1, [part for above in level for part in above.parts]
        if levels > MAX_HEIGHT:
            raise self.error(f"nested more than {MAX_HEIGHT} deep", "give parts of it names of their own", start)
        return node

    def node(self, head: str, parts: tuple[Node, ...], at: Token, word: str = "") -> Node:
        """Build a node; their number is bounded."""
        self.operations += 1
        if self.operations > MAX_OPERATIONS:
            raise self.error(f"more than {MAX_OPERATIONS:,} operations", "split the program", at)
        return Node(head, parts, at.position, word)

    def sum(self) -> Node:
        """Read a sum."""
        start = self.token
        terms = [self.hadamard()]
        while self.token.is_symbol("+", "-"):
            operator = self.advance()
            term = self.hadamard()
            terms.append(term if operator.text == "+" else self.node("negative", (term,), operator))
        return terms[0] if len(terms) == 1 else self.node("add", tuple(terms), start)

    def counted(self, count: int) -> int:
        """Count one factor more."""
        if count == MAX_FACTORS:
            raise self.error(f"more than {MAX_FACTORS} factors", "give parts of it names of their own")
        return count + 1

    def hadamard(self) -> Node:
        """Read element-wise products."""
        found, count = self.product(), 0
        while self.token.is_symbol(".*", "./"):
            count = self.counted(count)
            operator = self.advance()
            head = "hadamard" if operator.text == ".*" else "elementwise quotient"
            found = self.node(head, (found, self.product()), operator)
        return found

    def product(self) -> Node:
        """Read a product."""
        start = self.token
        sign = self.sign()
        found, count = self.factor(), 0
        while True:
            token, count = self.token, self.counted(count)
            if token.is_symbol("*", "@"):
                self.advance()
                found = self.node("product", (found, self.signed()), start, token.text)
            elif self.from_left and token.is_symbol(".*", "./"):
                self.advance()
                head = "hadamard" if token.text == ".*" else "elementwise quotient"
                found = self.node(head, (found, self.signed()), token)
            elif self.accept("/"):
                below, coefficient = self.token, found.head == "number"
                found = self.node("quotient", (found, self.signed()), token)
                glued = below.kind == "number" and self.token.kind == "name" and not self.token.spaced
                if glued and (not coefficient or self.token.text in _COUNTS):  # ½x is clear, ‖e‖²/2n and 1/2n are not
                    raise self.error(
                        f"does / apply to {self.token.text} too?",
                        f"write ({below.text} {self.token.text}) or a space",
                        token,
                    )
            elif token.kind == "number" and not self.begins_indicator():
                raise self.error("an operator was expected before this number", "write * between factors")
            elif self.starts_operand():
                found = self.node("product", (found, self.factor()), start)
            else:
                return self.node("negative", (found,), sign) if sign else found

    def sign(self) -> Token | None:
        """Read signs; the place of a minus that is left, None for a plus."""
        found: Token | None = None
        while self.token.is_symbol("-", "+"):
            token = self.advance()
            if token.text == "-":
                found = None if found else token
        return found

    def signed(self) -> Node:
        """Read a factor with its signs."""
        sign = self.sign()
        found = self.factor()
        return self.node("negative", (found,), sign) if sign else found

    def begins_indicator(self) -> bool:
        """Say whether `1(a > 0)` or `1{a > 0}` stands here."""
        if self.token.text != "1" or self.token.kind != "number":
            return False
        following = self.ahead(1)
        if not following.is_symbol("(", "{", "[") or following.spaced:
            return False
        self.at += 1
        found = self.holds_relation()
        self.at -= 1
        return found

    def factor(self) -> Node:
        """Read an operand with its powers, transposes and indices."""
        self.deeper()
        found, count = self.operand(), 0
        while True:
            token, count = self.token, self.counted(count)
            if token.kind == "superscript":
                found = self.raised(found, self.superscript(), token)
            elif token.is_symbol(*_TRANSPOSES):
                self.advance()
                found = self.node("transpose", (found,), token)
            elif token.is_symbol("^"):
                self.advance()
                found = self.raised(found, self.exponent(), token)
            elif token.is_symbol(".^"):
                self.advance()
                raised = self.exponent()
                if raised is None:
                    raise self.error("a number was expected after .^, not a transpose", "write ^T", token)
                found = self.node("elementwise power", (found, raised), token)
            elif token.is_symbol("[") and not token.spaced and not self.holds_relation():
                found = self.indexed(found)
            else:
                self.depth -= 1
                return found

    def raised(self, base: Node, exponent: Node | None, token: Token) -> Node:
        """Build a power; None stands for the T of a transpose."""
        if exponent is None:
            return self.node("transpose", (base,), token)
        if exponent.head == "transpose":  # ^{-T}
            return self.node("transpose", (self.node("inverse", (base,), token),), token)
        return self.node("power", (base, exponent), token)

    def is_transpose(self, token: Token) -> bool:
        """Say whether a token is the T of a transpose."""
        return token.is_symbol("⊤") or (token.kind == "name" and token.text == "T" and "T" not in self.known)

    def exponent(self) -> Node | None:
        """Read what stands after ^; None for a transpose."""
        if self.is_transpose(self.token):
            self.advance()
            return None
        braced, inner = self.token.is_symbol("{", "("), self.ahead(1)
        if braced and self.is_transpose(inner) and self.ahead(2).is_symbol(*OPENING):
            self.at += 3
            return None
        if braced and inner.is_symbol("-") and self.is_transpose(self.ahead(2)) and self.ahead(3).is_symbol(*OPENING):
            place = self.token
            self.at += 4
            return self.node("transpose", (), place)
        if self.token.is_symbol("-") and self.is_transpose(self.ahead(1)):
            place = self.token
            self.at += 2
            return self.node("transpose", (), place)
        negative = self.token if self.token.is_symbol("-") else None
        if self.token.is_symbol("-", "+"):
            self.advance()
        self.deeper()
        operand = self.operand()
        if self.token.is_symbol("^"):
            caret = self.advance()
            operand = self.raised(operand, self.exponent(), caret)
        self.depth -= 1
        return self.node("negative", (operand,), negative) if negative else operand

    def deeper(self) -> None:
        """Go one level deeper; every nesting passes here, so here it is bounded."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep", "give parts of it names of their own")

    def superscript(self) -> Node | None:
        """Read raised characters: ᵀ, ², ⁻¹, ⁿ⁻¹."""
        token = self.advance()
        if token.text == "T" and "T" not in self.known:
            return None
        if token.text == "-T":
            return self.node("transpose", (), token)
        inside = ExpressionReader(self.text, inner_tokens(token, self.text))
        inside.known, inside.functions = self.known, self.functions
        read = inside.sum()
        if inside.token.kind != "end":
            raise inside.left_over()
        return read

    def indexed(self, base: Node) -> Node:
        """Read `x[2]`, `W[1,3]`, `x[1:3]`, `W[:,2]`."""
        opened = self.advance()
        indices = [self.index()]
        while self.accept(","):
            indices.append(self.index())
        if not self.accept("]"):
            raise self.error(f"] was expected, not {shown(self.token)}")
        if len(indices) > 2:  # noqa: PLR2004 (rows and columns)
            raise self.error("a matrix has two indices", "write W[1,3]", opened)
        return self.node("part", (base, *indices), opened)

    def index(self) -> Node:
        """Read an index, or a range of them, where nothing means all."""
        start = self.token
        nothing = Node("everything", (), start.position)
        first = nothing if start.is_symbol(":") else self.sum()
        if not self.accept(":"):
            return first
        last = nothing if self.token.is_symbol(",", "]") else self.sum()
        return self.node("range", (first, last), start)

    # operands

    def operand(self) -> Node:  # noqa: C901, PLR0911, PLR0912 (a case per beginning)
        """Read a number, a name, a function, or what stands in brackets."""
        if self.begins_indicator():
            one = self.advance()
            return self.indicator(self.advance(), one)
        token = self.advance()
        if token.kind == "number":
            return Node("number", (), token.position, token.text, Fraction(token.text))
        if token.is_symbol("Σ") or (token.text == "sum" and self.token.is_symbol("_")):
            return self.sigma(token)
        if token.kind == "name":
            return self.named(self.with_subscript(token))
        if token.is_symbol("("):
            return self.parenthesised(token)
        if token.is_symbol("{"):
            return self.parenthesised(token)
        if token.is_symbol("["):
            self.at -= 1
            if self.holds_relation():
                return self.indicator(self.advance(), token)
            return self.grid(self.advance())
        if token.is_symbol(*AROUND):
            return self.between_bars(token)
        if token.is_symbol("√"):
            return self.node("call", (self.factor(),), token, "sqrt")
        if token.is_symbol("frac"):
            return self.fraction(token)
        if token.kind == "end":
            raise self.error("an expression was expected here, not the end")
        if token.kind == "newline":
            raise self.error("an expression was expected here, not the end of the line", "", token)
        raise self.error(f"a number, a name or a parenthesis was expected, not {shown(token)}", "", token)

    def closed(self, opened: Token, closing: str) -> None:
        """Take the closing bracket."""
        token = self.token
        if self.closes(closing):
            return
        if token.kind in {"end", "newline"}:
            raise self.error(f"{opened.text} is never closed", f"add {closing}", opened)
        fix = "a comparison is no value; write 1(z > 0) for its indicator" if token.is_symbol(*RELATIONS) else ""
        raise self.error(f"{closing} was expected, not {shown(token)}", fix)

    def parenthesised(self, opened: Token) -> Node:
        """Read what stands in parentheses."""
        closing = CLOSING[opened.text]
        self.open.append(closing)
        inner = self.sum()
        if self.token.is_symbol(","):
            raise self.error("a list is written in square brackets", "write [1, 2, 3]")
        self.closed(opened, closing)
        self.open.pop()
        return inner

    def indicator(self, opened: Token, start: Token) -> Node:
        """Read the comparison inside `1(…)`, `I(…)` or `[…]`."""
        closing = CLOSING[opened.text]
        self.open.append(closing)
        left = self.sum()
        relation = self.advance().text
        right = self.sum()
        self.closed(opened, closing)
        self.open.pop()
        return self.node("compare", (left, right), start, relation)

    def grid(self, opened: Token) -> Node:
        """Read `[1, 2]`, `[1, 2; 3, 4]`, `[[1, 2], [3, 4]]`, `[a; b]`."""
        self.open.append("]")
        rows = [[self.sum()]]
        while not self.accept("]"):
            if self.accept(","):
                rows[-1].append(self.sum())
            elif self.accept(";"):
                rows.append([self.sum()])
            else:
                self.closed(opened, "]")
        self.open.pop()
        if len(rows) == 1 and all(entry.head == "grid" and len(entry.parts) == 1 for entry in rows[0]):
            rows = [[cell for row in entry.parts for cell in row.parts] for entry in rows[0]]
            return self.node("grid", tuple(self.node("row", tuple(row), opened) for row in rows), opened, "rows")
        return self.node("grid", tuple(self.node("row", tuple(row), opened) for row in rows), opened)

    def between_bars(self, token: Token) -> Node:
        """Read an absolute value, a norm, a floor or a ceiling."""
        function, closing = AROUND[token.text]
        self.open.append(closing)
        inner = self.sum()
        self.closed(token, closing)
        self.open.pop()
        return self.node("call", (inner,), token, function or self.norm_order())

    def fraction(self, token: Token) -> Node:
        r"""Read \frac{a}{b}."""
        parts = []
        for _ in range(2):
            opened = self.token
            if not self.accept("{"):
                raise self.error("a fraction is written \\frac{a}{b}", "", token)
            parts.append(self.parenthesised(opened))
        return self.node("quotient", tuple(parts), token)

    # names and functions

    def named(self, token: Token) -> Node:
        """Read a name: a function that is applied, a product of known letters, or a quantity."""
        name = spelled(token.text)
        if name in self.known:
            if name in self.applied and self.token.is_symbol("(") and not self.token.spaced:
                raise self.error(f"{name} is a quantity: it takes no arguments", "write its equation out", token)
            return Node("name", (), token.position, name)
        if name == "e" and (self.token.is_symbol("^") or self.token.kind == "superscript"):
            power = self.superscript() if self.token.kind == "superscript" else (self.advance(), self.exponent())[1]
            if power is None:
                raise self.error("e has no transpose", "write exp(x) for e^x", token)
            return self.node("call", (power,), token, "exp")
        if name == "I" and self.token.is_symbol(*CLOSING) and self.holds_relation():
            return self.indicator(self.advance(), token)
        found = self.function(name, token)
        if found is not None:
            return found
        if letters := self.letters(token):
            first, *others = letters
            self.tokens[self.at : self.at] = others
            return self.named(first)
        self.refuse_misread(name, token)
        return Node("name", (), token.position, name)

    def letters(self, token: Token) -> list[Token]:
        """Split a name made of known one-letter names into these: side by side they are a product, as on paper."""
        pieces: list[str] = compiled(_PIECE).findall(token.text)
        if len(pieces) < 2 or "".join(pieces) != token.text or not all(spelled(p) in self.known for p in pieces):  # noqa: PLR2004 (one piece is no product)
            return []
        places = [token.position + sum(map(len, pieces[:at])) for at in range(len(pieces))]
        return [Token("name", piece, place) for piece, place in zip(pieces, places, strict=True)]

    def spelled_function(self, name: str) -> str | None:
        """Find the function that a name spells here; Sigmoid(z) and Log(p) too."""
        word = SPELLINGS.get(name) or VECTOR_SPELLINGS.get(name)
        if word is None and len(name) > 1 and self.token.is_symbol("(") and not self.token.spaced:
            word = SPELLINGS.get(name.lower()) or VECTOR_SPELLINGS.get(name.lower())
        return word

    def function(self, name: str, token: Token) -> Node | None:  # noqa: C901 (a case per way to apply one)
        """Read a function that is applied here; None where the name is no function or not applied."""
        word = self.spelled_function(name)
        if name in self.functions:
            word = name
        if word is None or (word in FUNCTIONS and FUNCTIONS[word].random):
            return None
        if self.token.is_symbol("'", "′") and self.ahead(1).is_symbol("("):
            self.advance()
            return self.node("derivative", tuple(self.arguments(self.advance())), token, word)
        if self.token.is_symbol("("):
            if word == "sum" and self.ahead(1).kind == "name" and self.ahead(2).is_symbol(",") and self.counts_up():
                return self.sum_over(token)
            return self.node("call", tuple(self.arguments(self.advance())), token, word)
        row = FUNCTIONS.get(word)
        if row is None or not row.prefix:
            if name == word or name in self.functions:
                raise self.error(f"{token.text} is a function", f"write {token.text}(…)", token)
            return None
        raised = None
        if self.token.is_symbol("^") or self.token.kind == "superscript":
            caret = self.token
            raised = self.superscript() if caret.kind == "superscript" else (self.advance(), self.exponent())[1]
        if raised is not None and raised.head == "negative":
            raise self.error(f"this power of {token.text} can mean two things", f"write ({token.text}(x))^(-1)", token)
        if not self.starts_operand():
            raise self.error(f"{token.text} is a function", f"write {token.text}(…)", token)
        applied = self.node("call", (self.factor(),), token, word)
        return applied if raised is None else self.node("power", (applied, raised), token)

    def lists_arguments(self) -> bool:
        """Say whether the parenthesis that opens here holds a comma of its own."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += token.is_symbol(*CLOSING) - token.is_symbol(*OPENING)
            if depth == 0 or (depth == 1 and token.is_symbol(",")):
                return depth == 1
        return False

    def counts_up(self) -> bool:
        """Say whether four arguments stand in the parenthesis that opens here."""
        depth, commas = 0, 0
        for token in self.tokens[self.at :]:
            depth += token.is_symbol(*CLOSING) - token.is_symbol(*OPENING)
            commas += depth == 1 and token.is_symbol(",")
            if depth == 0:
                break
        return commas == 3  # noqa: PLR2004 (sum(k, 1, n, body))

    def arguments(self, opened: Token) -> list[Node]:
        """Read the arguments of a function; the last may be `axis=0`."""
        self.open.append(")")
        found = [self.sum()]
        while self.accept(","):
            word = self.token
            if word.kind == "name" and word.text in {"axis", "dim"} and self.ahead(1).is_symbol("="):
                self.at += 2
                found.append(self.node("axis", (self.sum(),), word))
            else:
                found.append(self.sum())
        self.closed(opened, ")")
        self.open.pop()
        return found

    def sum_over(self, token: Token) -> Node:
        """Read `sum(k, 1, n, body)`."""
        opened = self.advance()
        index = spelled(self.advance().text)
        self.advance()
        lower = self.sum()
        if not self.accept(","):
            raise self.error(_SUM_FORM)
        upper = self.sum()
        if not self.accept(","):
            raise self.error(_SUM_FORM)
        body = self.under(index, self.sum)
        self.closed(opened, ")")
        return self.node("total", (lower, upper, body), token, index)

    def sigma(self, token: Token) -> Node:
        """Read `Σ_{k=1}^{n} body`; the body runs to the end of the product."""
        opened = self.ahead(1)
        if not self.token.is_symbol("_") or not opened.is_symbol(*CLOSING) or self.ahead(2).kind != "name":
            raise self.error(_SUM_FORM, "", token)
        self.at += 2
        index = spelled(self.advance().text)
        if not self.accept("="):
            raise self.error(_SUM_FORM, "", token)
        lower = self.sum()
        self.closed(opened, CLOSING[opened.text])
        raised = self.superscript() if self.token.kind == "superscript" else None
        if raised is None and self.accept("^"):
            raised = self.exponent()
        if raised is None:
            raise self.error(_SUM_FORM, "", token)
        return self.node("total", (lower, raised, self.under(index, self.product)), token, index)

    def under(self, index: str, read: Callable[[], Node]) -> Node:
        """Read something in which the index of a sum is a name."""
        before = self.known
        self.known = before | {index}
        body = read()
        self.known = before
        return body

    def refuse_misread(self, name: str, token: Token) -> None:
        """Refuse a name that would silently become something else than was meant."""
        stem, below, _ = name.partition("_")
        functions = {*SPELLINGS, *VECTOR_SPELLINGS, *self.functions}
        if below and stem in functions and len(stem) > _SHORT:
            raise self.error(
                f"{short(token.text)} is not a name", f"write {stem}(…), or {_SUM_FORM.split(' written ')[1]}", token
            )
        if name in {"log2", "log10"}:
            raise self.error(f"{name} is not a function here", f"write log(x)/log({name[3:]})", token)
        if not self.token.is_symbol("(") or self.token.spaced:
            return
        stem = name.rstrip("0123456789")
        if self.lists_arguments():
            fix = nearest(name, functions) if len(name) > _SHORT else ""
            raise self.error(f"{short(token.text)} is not a function", fix or "write its formula out", token)
        if stem in _ABSTRACT:
            raise self.error(
                f"{short(token.text)} is not a function", f"declare it: {token.text}: R -> R, or write a space", token
            )
        if len(stem) > _SHORT and not stem.istitle():
            fix = nearest(name, functions) or f"declare {short(token.text)}: R -> R, or write * between factors"
            raise self.error(f"{short(token.text)} is not a function", fix, token)

    def left_over(self) -> Exception:  # noqa: PLR0911 (a sentence per token)
        """Say what is wrong with a token behind a complete expression."""
        token = self.token
        if token.is_symbol(*OPENING):
            return self.error(f"{token.text} closes nothing", f"remove it or open it with {OPENING[token.text]}")
        if token.is_symbol(",") and self.ahead(1).kind == "name" and self.ahead(2).is_symbol("="):
            return self.error("an equation ends here", "write ; between equations")
        if token.is_symbol(","):
            return self.error("one expression was expected, not a list", "write [a, b] for a list")
        if token.is_symbol(*RELATIONS):
            return self.error("one expression was expected, not an equation", "write NAME = expression")
        if token.is_symbol("_"):
            return self.error("a subscript was not expected here", "write x[2] for an entry, x_2 for a name")
        if token.kind == "newline" or token.is_symbol(";"):
            return self.error("one expression was expected, not several", "ask for one at a time")
        return self.error(f"an operator was expected before {shown(token)}")
