"""The parser of programs: declarations and definitions, to untyped nodes with their places.

program      statements between line ends or `;`
statement    names `in` set | name `=` expression | expression
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from dlcalc.notation.cursor import CLOSING, OPENING, RELATIONS, shown
from dlcalc.notation.expressions import ExpressionReader
from dlcalc.notation.patterns import compiled
from dlcalc.notation.syntax import Declaration, Definition, Node, Program
from dlcalc.notation.tokens import Token, spelled, tokenize

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

MAX_PROGRAM = 200_000
"""Characters of one program."""
MAX_STATEMENTS = 2_000
RESULT = "result"
"""The name of a last statement that is only an expression."""
_DIMS = r"[\w×.]+(?:[ \t]*×[ \t]*\w+)*"
_BETWEEN_SIZES = r"\s*(?:×|\\times|\*|,)\s*|\s+x\s+"
_NUMBERS = r"[0-9]+(?:x[0-9]+)+"
_GLUED_SIZES = r"([^\W_](?:\w*?[^\W_x])??)x(\w+)"
_CONTINUING = {"+", "-", "*", "/", "@", ".*", "./", "=", ",", "^"}


def read_program(text: str) -> Program:
    """Read a program.

    Raises NotationError, with the place, for what is not exam notation.

    >>> program = read_program("x in R^n; L = 1/2 ||W x - y||^2")
    >>> program.declarations[0].sizes, program.definitions[0].target
    (('n',), 'L')
    """
    reader = _Reader(text, tokenize(text, MAX_PROGRAM))
    return reader.program()


def read_expression(
    text: str, known: AbstractSet[str], functions: AbstractSet[str] = frozenset(), *, from_left: bool = False
) -> Node:
    """Read one expression in which these names are known; `functions` are the declared ones.

    `from_left` lets ⊙ bind as tightly as a product.
    """
    reader = ExpressionReader(text, tokenize(text))
    reader.known, reader.functions, reader.from_left = known, functions, from_left
    node = reader.bounded(reader.sum(), reader.tokens[0])
    if reader.token.kind != "end":
        raise reader.left_over()
    return node


class _Reader(ExpressionReader):
    """Reads a program."""

    def program(self) -> Program:
        """Read all statements."""
        self.continue_lines()
        self.look_ahead()
        declarations: list[Declaration] = []
        definitions: list[Definition] = []
        while self.token.kind != "end":
            if self.separated():
                continue
            if len(declarations) + len(definitions) == MAX_STATEMENTS:
                raise self.error(f"more than {MAX_STATEMENTS:,} statements", "split the program")
            read = self.statement()
            (declarations if isinstance(read, Declaration) else definitions).append(read)  # type: ignore[arg-type]
            if self.token.kind != "end" and not self.separated():
                raise self.left_over()
        if not definitions:
            raise self.error("there is no equation", "write one, such as z = W x + b", self.tokens[0])
        *others, last = definitions
        for definition in others:
            if definition.target == RESULT and self.unnamed(definition):
                raise self.error("an expression without a name", "write NAME = before it", self.at_place(definition))
        return Program(self.text, tuple(declarations), (*others, last))

    def unnamed(self, definition: Definition) -> bool:
        return definition.position == definition.body.position

    def at_place(self, definition: Definition) -> Token:
        return Token("name", "", definition.position)

    def separated(self) -> bool:
        if self.token.kind == "newline" or self.token.is_symbol(";"):
            self.advance()
            return True
        return False

    def continue_lines(self) -> None:
        """Join a line that ends or begins with an operator to its neighbour."""
        kept: list[Token] = []
        for token, after in pairwise([*self.tokens, Token("end", "", 0)]):
            joined = token.kind == "newline" and (
                (kept and kept[-1].is_symbol(*_CONTINUING)) or after.is_symbol("+", "-", "*", "/", "@", ".*", "./", "=")
            )
            if not joined:
                kept.append(token)
        self.tokens = kept

    def look_ahead(self) -> None:
        """Learn which names statements declare and define, wherever they stand."""
        begins, depth = True, 0
        for at, token in enumerate(self.tokens):
            if begins and token.kind == "name":
                end = at
                while self.tokens[end].kind == "name" and self.tokens[end + 1].is_symbol(","):
                    end += 2
                names = [spelled(t.text) for t in self.tokens[at : end + 1] if t.kind == "name"]
                following = self.tokens[min(end + 1, len(self.tokens) - 1)]
                if following.is_symbol(":"):
                    self.functions |= set(names)
                elif following.is_symbol("=", "in", "(") or following.text == "in":
                    self.known |= set(names if not following.is_symbol("(") or self.defines(at) else ())
            depth += token.is_symbol(*CLOSING) - token.is_symbol(*OPENING)
            begins = depth <= 0 and (token.kind == "newline" or token.is_symbol(";"))

    def defines(self, at: int) -> bool:
        """Say whether `L(W, b) = …` stands here: the parenthesis of a definition lists names."""
        at += 2
        while self.tokens[at].kind == "name" or self.tokens[at].is_symbol(","):
            at += 1
        return self.tokens[at].is_symbol(")") and self.tokens[min(at + 1, len(self.tokens) - 1)].is_symbol("=")

    def statement(self) -> Declaration | Definition:
        start = self.token
        if start.kind == "name":
            named, at = self.names(), self.at
            if self.token.is_symbol("in") or (self.token.kind == "name" and self.token.text == "in"):
                self.advance()
                return self.declaration(named, start)
            if self.token.is_symbol(":"):
                return self.function_declaration(named, start)
            if len(named) == 1 and self.token.is_symbol("(") and self.defines(at - 1):
                self.applied.add(named[0][0])
                while not self.accept(")"):
                    self.advance()
            if len(named) == 1 and self.accept("="):
                body = self.bounded(self.sum(), start)
                if self.token.is_symbol("="):
                    raise self.error("a second = in one statement", "write one equation per statement")
                return Definition(named[0][0], body, start.position)
            self.at = at = self.tokens.index(start)
        body = self.bounded(self.sum(), start)
        if self.token.is_symbol(*RELATIONS):
            raise self.error("the left side of an equation is one name", "write NAME = expression", start)
        return Definition(RESULT, body, body.position)

    def names(self) -> list[tuple[str, int]]:
        """Read `W1, W2`."""
        token = self.with_subscript(self.advance())
        found = [(spelled(token.text), token.position)]
        while self.token.is_symbol(",") and self.ahead(1).kind == "name":
            self.advance()
            token = self.with_subscript(self.advance())
            found.append((spelled(token.text), token.position))
        return found

    def function_declaration(self, named: list[tuple[str, int]], start: Token) -> Declaration:
        """Read `f: R -> R`."""
        self.advance()
        taken = [self.advance() for _ in range(3)]
        if "".join(t.text for t in taken) != "R->R":
            raise self.error("a function is declared as f: R -> R", "it is applied to every entry", start)
        return Declaration(tuple(named), "function", position=start.position)

    def declaration(self, named: list[tuple[str, int]], start: Token) -> Declaration:
        """Read the set after `in`."""
        token = self.advance()
        place = {"names": tuple(named), "position": start.position}
        if token.kind == "name" and token.text in {"S", "Sym"}:
            sizes = self.sizes() or (
                tuple(_split_sizes(self.enclosed_text(self.advance()))) if self.token.is_symbol("(") else ()
            )
            if len(sizes) != 1:
                raise self.error("a symmetric matrix has one length", "write K in S^n", token)
            return Declaration(kind="symmetric", sizes=sizes * 2, **place)  # type: ignore[arg-type]
        if token.kind == "name" and token.text in {"R", "N", "Z"}:
            sizes = self.sizes()
            if sizes and token.text != "R":
                raise self.error("lists of whole numbers are not declared", "write R^n", token)
            return Declaration(kind=token.text if token.text == "R" else "N", sizes=sizes, **place)  # type: ignore[arg-type]
        if token.kind == "name" and spelled(token.text).lower().replace("_", "") == "onehot":
            opened = self.token
            if not self.accept("("):
                raise self.error("the number of classes is missing", "write y in onehot(C)", token)
            return Declaration(kind="onehot", sizes=tuple(_split_sizes(self.enclosed_text(opened))), **place)  # type: ignore[arg-type]
        if token.is_symbol("(", "[", "{"):
            values = tuple(self.bounds(token))
            if not token.is_symbol("{") and (len(values) != 2 or values[0] >= values[1]):  # noqa: PLR2004 (an interval)
                raise self.error("an interval has two bounds, the lower first", "write (0, 1)", token)
            kind = "values" if token.is_symbol("{") else "interval"
            return Declaration(kind=kind, values=values, sizes=self.sizes(), **place)  # type: ignore[arg-type]
        raise self.error(f"{shown(token)} is not a set", "write R, R^n, R^(m x n), (0,1), {0,1}, N or onehot(n)", token)

    def bounds(self, opened: Token) -> list[Fraction]:
        """Read the numbers of an interval or a set."""
        found = []
        while True:
            negative = self.accept("-")
            self.accept("+")
            token = self.advance()
            if token.kind != "number":
                raise self.error("a number was expected here", "write numbers such as 0, 1/2, -1", token)
            value = Fraction(token.text)
            if self.accept("/"):
                below = self.advance()
                if below.kind != "number" or not Fraction(below.text):
                    raise self.error("a number that is not 0 was expected here", "", below)
                value /= Fraction(below.text)
            found.append(-value if negative else value)
            if self.token.is_symbol(*OPENING):
                self.advance()
                return found
            if not self.accept(","):
                raise self.error(f"{CLOSING[opened.text]} was expected, not {shown(self.token)}")

    def sizes(self) -> tuple[str, ...]:
        """Read what follows R: nothing, ^n, ^(m x n), ⁿ."""
        if self.token.kind == "superscript":
            return tuple(_split_sizes(self.advance().text))
        if self.token.is_symbol("("):
            raise self.error("a length stands after ^", "write R^n or R^(m x n)")
        if not self.token.is_symbol("^"):
            return ()
        caret = self.advance()
        if self.token.is_symbol(*CLOSING):
            sizes = _split_sizes(self.enclosed_text(self.advance()))
        else:
            glued = compiled(_DIMS).match(self.text, self.token.position)
            if glued is None:
                raise self.error("a length was expected after R^", "write R^n or R^(m x n)", caret)
            while self.token.kind != "end" and self.token.position < glued.end():
                self.advance()
            sizes = _split_sizes(glued.group())
        if len(sizes) > 2 or not all(sizes):  # noqa: PLR2004 (rows and columns)
            raise self.error("a vector has one length, a matrix two", "write R^n or R^(m x n)", caret)
        return tuple(sizes)

    def enclosed_text(self, opened: Token) -> str:
        """Return the text up to the bracket that closes."""
        depth = 1
        while self.token.kind != "end":
            token = self.advance()
            depth += token.is_symbol(*CLOSING) - token.is_symbol(*OPENING)
            if depth == 0:
                return self.text[opened.position + 1 : token.position]
        raise self.error(f"{opened.text} is never closed", f"add {CLOSING[opened.text]}", opened)


def _split_sizes(text: str) -> list[str]:
    """Split `m x n`, `m×n`, `mxn`, `2x3`, `D_a x D_x` into lengths.

    >>> _split_sizes("m x n"), _split_sizes("mxn"), _split_sizes("D_x"), _split_sizes("2x3"), _split_sizes("n+1 x n")
    (['m', 'n'], ['m', 'n'], ['D_x'], ['2', '3'], ['n+1', 'n'])
    """
    parts = [part.strip() for part in compiled(_BETWEEN_SIZES).split(text.strip())]
    if len(parts) == 1 and compiled(_NUMBERS).fullmatch(parts[0]):
        return parts[0].split("x")
    if len(parts) == 1 and (glued := compiled(_GLUED_SIZES).fullmatch(parts[0])):
        return [glued[1], glued[2]]
    return parts
