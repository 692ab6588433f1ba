"""Expressions to text: `plain` (ASCII), `unicode` (one line, as on paper) and `latex`.

Plain and unicode text parse back to an expression of the same value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import (
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Formula,
    Infinity,
    Limit,
    Mul,
    Num,
    Pow,
    Real,
    Relation,
    Sum,
    Sym,
    names,
)
from dlcalc.notation.functions import INDICATORS, SPELLINGS, VECTOR_FUNCTIONS
from dlcalc.notation.patterns import compiled
from dlcalc.notation.tokens import ACCENTS, ENGLISH, SUPERSCRIPTS, spelled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from fractions import Fraction

SUM, OPEN, PRODUCT, FACTOR, POWER, ATOM = range(6)
"""How tightly a text binds. `OPEN` is a product that ends in a Σ or lim, whose body would swallow what follows."""
MAX_DECIMALS = 12

Value = Expr | tuple["Value", ...]
"""An expression, a list of values, or a list of rows."""

_DIGITS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SIDES = str.maketrans("+-", "⁺⁻")
_SYMBOLS = {"<=": "≤", ">=": "≥", "!=": "≠"}
_LATEX_SYMBOLS = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne"}
_UNICODE_AROUND = {
    "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉"), "abs": ("|", "|"),
    "norm": ("‖", "‖"), "norm_1": ("‖", "‖_1"), "norm_inf": ("‖", "‖_∞"),
}  # fmt: skip
_LATEX_AROUND = {
    "floor": (r"\left\lfloor ", r" \right\rfloor"), "ceil": (r"\left\lceil ", r" \right\rceil"),
    "abs": (r"\left|", r"\right|"), "norm": (r"\left\|", r"\right\|"), "norm_1": (r"\left\|", r"\right\|_1"),
    "norm_inf": (r"\left\|", r"\right\|_\infty"), "sqrt": (r"\sqrt{", "}"), "exp": ("e^{", "}"),
}  # fmt: skip
_LATEX_NAMES = {
    "ln": r"\ln", "max": r"\max", "min": r"\min", "sin": r"\sin", "cos": r"\cos", "tanh": r"\tanh",
    "E": r"\mathbb{E}", "sigmoid": r"\sigma", "logsumexp": r"\operatorname{LSE}",
    "relu": r"\operatorname{ReLU}", "gelu": r"\operatorname{GELU}", "silu": r"\operatorname{SiLU}",
}  # fmt: skip
_UPRIGHT = (r"\mathrm", r"\operatorname")
_PARTS = r"([^\W\d_]+?)(_(?:hat|tilde|bar))?(_?[0-9]+|_\w+)?"
"""The parts of a name: its letter or word, an accent, an index."""
_OVER = {name: accent for accent, name in reversed(ACCENTS.items())}
_WORDS = {*ENGLISH, *SPELLINGS, *VECTOR_FUNCTIONS, "in", "inf", "lim"}
"""What letters side by side must not spell."""


def decimal(value: Fraction) -> str | None:
    """Write a fraction as a terminating decimal of at most 12 places, or None where there is none.

    >>> from fractions import Fraction
    >>> decimal(Fraction(-29, 1000)), decimal(Fraction(1, 3))
    ('-0.029', None)
    """
    scaled = value * 10**MAX_DECIMALS
    if scaled.denominator != 1:
        return None
    whole, rest = divmod(abs(scaled.numerator), 10**MAX_DECIMALS)
    digits = f"{rest:0{MAX_DECIMALS}d}".rstrip("0")
    return ("-" if value < 0 else "") + str(whole) + (f".{digits}" if digits else "")


@dataclass(frozen=True)
class _Style:
    """What the three ways of writing have in common; each method writes one kind of node."""

    display: Mapping[str, str]
    known: Collection[str] = ()
    """Names that letters side by side must not spell."""
    infinity: ClassVar[str] = "inf"

    def value(self, value: Value) -> str:
        """Write a value: an expression, `a,b` for a list, `a,b;c,d` for rows."""
        if isinstance(value, Expr):
            return self.at(value, SUM)
        nested = [isinstance(v, tuple) for v in value]
        written = (";" if any(nested) else ",").join(self.value(v) for v in value)
        return f"[[{written}]]" if nested == [True] else written

    def at(self, node: Expr, least: int) -> str:
        """Write a node, in parentheses where it binds less tightly than its place asks."""
        text, binding = self.node(node)
        return text if binding >= least else self.enclosed(text)

    def enclosed(self, text: str) -> str:
        return f"({text})"

    def node(self, node: Expr) -> tuple[str, int]:  # noqa: C901, PLR0911, PLR0912 (a case per node)
        """Write a node and say how tightly it binds."""
        match node:
            case Num(value):
                return self.number(value)
            case Sym(name):
                return self.symbol(name)
            case Entry(base, index):
                return self.entry(base, index), ATOM
            case Add(terms):
                return self.sum(terms), SUM
            case Mul(factors):
                return self.product(factors)
            case Div(numerator, denominator):
                return self.quotient(numerator, denominator)
            case Pow(base, exponent):
                return self.power(base, exponent), POWER
            case Call(function, arguments) if function in INDICATORS:
                return self.indicator(arguments, INDICATORS[function]), ATOM
            case Call(function, arguments):
                return self.call(function, arguments)
            case Sum():
                return self.total(node)
            case Limit():
                return self.limit(node)
            case Infinity():
                return self.infinity, ATOM
            case Real(value):
                return self.real(value), SUM if value < 0 else ATOM
            case Formula():
                return self.written(node), SUM
        raise TypeError(node)

    def real(self, value: float) -> str:
        """Write a float so that it reads back alike."""
        return repr(value)

    def written(self, node: Formula) -> str:
        return node.plain

    def number(self, value: Fraction) -> tuple[str, int]:
        try:
            text = decimal(value)
            if text is None:
                return f"{value.numerator}/{value.denominator}", PRODUCT if value > 0 else SUM
        except ValueError:
            digits = max(value.numerator.bit_length(), value.denominator.bit_length()) * 3 // 10
            raise DlcalcError(f"a number of about {digits:,} digits", "use smaller numbers or symbols") from None
        return text, ATOM if value >= 0 else SUM

    def symbol(self, name: str) -> tuple[str, int]:
        """Write a symbol; one that is displayed as a power binds like one."""
        text = self.name(name)
        simple = text.isidentifier() and not any(c in SUPERSCRIPTS for c in text)
        return text, ATOM if simple else POWER

    def name(self, name: str) -> str:
        return self.display.get(name, name)

    def entry(self, base: str, index: Expr) -> str:
        return f"{self.name(base)}[{self.at(index, SUM)}]"

    def sum(self, terms: tuple[Expr, ...]) -> str:
        out = ""
        for term in terms:
            negative, rest = _sign(term)
            text = self.at(rest, OPEN)
            if not out:
                out = f"-{text}" if negative else text
            else:
                out += f" - {text}" if negative else f" + {text}"
        return out

    def product(self, factors: tuple[Expr, ...]) -> tuple[str, int]:
        negative, rest = _sign(Mul(factors))
        if negative:
            return f"-{self.at(rest, OPEN)}", SUM
        *others, final = factors
        texts = [self.at(f, FACTOR if i or isinstance(f, Num) else PRODUCT) for i, f in enumerate(others)]
        last, binding = self.node(final)
        texts.append(last if binding == OPEN or binding >= FACTOR else self.enclosed(last))
        return self.joined(texts, factors), OPEN if binding == OPEN else PRODUCT

    def joined(self, texts: list[str], factors: tuple[Expr, ...]) -> str:  # noqa: ARG002 (other styles look at them)
        return "*".join(texts)

    def quotient(self, numerator: Expr, denominator: Expr) -> tuple[str, int]:
        negative, rest = _sign(numerator)
        text = f"{self.at(rest, PRODUCT)}/{self.at(denominator, FACTOR)}"
        return (f"-{text}", SUM) if negative else (text, PRODUCT)

    def power(self, base: Expr, exponent: Expr) -> str:
        return f"{self.at(base, ATOM)}^{self.at(exponent, ATOM)}"

    def indicator(self, sides: tuple[Expr, ...], relation: str) -> str:
        left, right = sides
        return f"[{self.at(left, SUM)} {relation} {self.at(right, SUM)}]"

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        return f"{function}({', '.join(self.at(a, SUM) for a in arguments)})", ATOM

    def total(self, node: Sum) -> tuple[str, int]:
        parts = (self.at(part, SUM) for part in (node.lower, node.upper, node.body))
        return f"sum({self.name(node.index)}, {', '.join(parts)})", ATOM

    def limit(self, node: Limit) -> tuple[str, int]:
        place, body = self.at(node.place, SUM), self.at(node.body, SUM)
        return f"lim({self.name(node.index)}, {place}{node.side}, {body})", ATOM


class _Unicode(_Style):
    infinity = "∞"

    def real(self, value: float) -> str:
        return f"{value:.10g}"

    def written(self, node: Formula) -> str:
        return node.unicode

    @cached_property
    def longest(self) -> int:
        """The length of the longest word that letters must not spell; of a run of letters no more is looked at."""
        return max(map(len, (*_WORDS, *self.known)))

    def name(self, name: str) -> str:
        if name in self.display:
            return self.display[name]
        parts = compiled(_PARTS).fullmatch(name)
        if parts is None:
            return name
        letter = ENGLISH.get(parts[1], parts[1])
        if parts[2] and len(letter) == 1:
            from unicodedata import normalize

            letter = normalize("NFC", letter + _OVER[parts[2]])
        elif parts[2]:
            letter += parts[2]
        index = parts[3] or ""
        return f"{letter}_{index}" if index.isdigit() else letter + index

    def entry(self, base: str, index: Expr) -> str:
        name = self.name(base)
        parts = compiled(_PARTS).fullmatch(base)
        if parts is None or parts[3] or base in self.display:
            return _Style.entry(self, base, index)
        text = self.at(index, SUM)
        if (isinstance(index, Sym) and _is_letter(text)) or text.isdecimal():
            return f"{name}_{text}"
        tight = text if re.search(r"[0-9][eE]", text) else text.replace(" + ", "+").replace(" - ", "-")
        return f"{name}_{{{tight}}}"

    def joined(self, texts: list[str], factors: tuple[Expr, ...]) -> str:
        out = texts[0]
        for left, right, text in zip(factors[:-1], factors[1:], texts[1:], strict=True):
            out += self.between(left, right, out, text) + text
        return out

    def between(self, left: Expr, right: Expr, before: str, after: str) -> str:
        """Choose what stands between two factors: nothing, a space, or a dot."""
        apart = isinstance(left, Div) or (isinstance(right, Num) and not isinstance(left, Num)) or left == right
        if apart or re.match(r"[0-9|‖]|[eE][0-9]", after):
            return "·"
        if after[0] == "[" or after.startswith("lim_"):
            return " "
        if isinstance(left, Num):
            return ""
        if after[0] == "(":
            closed = before[-1] in ")⌋⌉" or before[-1] in SUPERSCRIPTS
            return "" if closed or (isinstance(left, Sym) and _is_letter(before[-1])) else " "
        if self.is_letter(left) and self.is_letter(right):
            run = re.search(r"[^\W\d_]*$", before[-self.longest :])
            word = spelled((run.group() if run else "") + after)
            return " " if word in _WORDS or word in self.known else ""
        return " "

    def is_letter(self, node: Expr) -> bool:
        """Say whether a symbol is written as one letter, so that letters may stand side by side."""
        return isinstance(node, Sym) and _is_letter(self.name(node.name))

    def power(self, base: Expr, exponent: Expr) -> str:
        if isinstance(exponent, Num) and exponent.value.denominator == 1 and not isinstance(base, Num):
            return f"{self.at(base, ATOM)}{_Style.number(self, exponent.value)[0].translate(_DIGITS)}"
        return _Style.power(self, base, exponent)

    def indicator(self, sides: tuple[Expr, ...], relation: str) -> str:
        return _Style.indicator(self, sides, _SYMBOLS.get(relation, relation))

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        written = [self.at(a, SUM) for a in arguments]
        if function in _UNICODE_AROUND and len(arguments) == 1 and not (function == "abs" and "|" in written[0]):
            left, right = _UNICODE_AROUND[function]
            return f"{left}{written[0]}{right}", ATOM
        if function == "sqrt":
            return f"√{self.at(arguments[0], ATOM)}", POWER
        return _Style.call(self, {"logsumexp": "LSE"}.get(function, function), arguments)

    def total(self, node: Sum) -> tuple[str, int]:
        lower, upper = self.at(node.lower, SUM), self.at(node.upper, SUM)
        return f"Σ_{{{self.name(node.index)}={lower}}}^{{{upper}}} {self.at(node.body, OPEN)}", OPEN

    def limit(self, node: Limit) -> tuple[str, int]:
        place, side = self.at(node.place, SUM), node.side.translate(_SIDES)
        return f"lim_{{{self.name(node.index)}→{place}{side}}} {self.at(node.body, OPEN)}", OPEN


class _Latex(_Style):
    infinity = r"\infty"

    def real(self, value: float) -> str:
        return f"{value:.10g}"

    def written(self, node: Formula) -> str:
        return node.latex

    def enclosed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def number(self, value: Fraction) -> tuple[str, int]:
        if decimal(value) is None:
            text = rf"\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
            return (f"-{text}", SUM) if value < 0 else (text, FACTOR)
        return _Style.number(self, value)

    def symbol(self, name: str) -> tuple[str, int]:
        if name not in self.display:
            return self.name(name), ATOM
        from dlcalc.notation.parser import parse

        return _Latex({}).node(parse(self.display[name]))

    def name(self, name: str) -> str:
        parts = compiled(_PARTS).fullmatch(name)
        if parts is None or (len(parts[1]) > 1 and parts[1] not in ENGLISH):
            return rf"\mathrm{{{_escaped(name)}}}"
        letter = rf"\{parts[1]}" if parts[1] in ENGLISH else parts[1]
        if parts[2]:
            letter = rf"\{parts[2][1:]}{{{letter}}}"
        index = (parts[3] or "").removeprefix("_")
        if not index:
            return letter
        return (
            f"{letter}_{{{index}}}"
            if len(index) == 1 or index.isdigit()
            else rf"{letter}_{{\mathrm{{{_escaped(index)}}}}}"
        )

    def entry(self, base: str, index: Expr) -> str:
        name = self.name(base)
        return f"{name}_{{{self.at(index, SUM)}}}" if "_" not in name else f"{name}[{self.at(index, SUM)}]"

    def joined(self, texts: list[str], factors: tuple[Expr, ...]) -> str:
        out = texts[0]
        for left, right, before, text in zip(factors[:-1], factors[1:], texts[:-1], texts[1:], strict=True):
            dotted = text[0].isdigit() or text.startswith(r"\frac") or left == right
            apart = before.startswith(_UPRIGHT) or text.startswith(_UPRIGHT)
            out += (r" \cdot " if dotted else r" \, " if apart else " ") + text
        return out

    def quotient(self, numerator: Expr, denominator: Expr) -> tuple[str, int]:
        negative, rest = _sign(numerator)
        text = rf"\frac{{{self.at(rest, SUM)}}}{{{self.at(denominator, SUM)}}}"
        return (f"-{text}", SUM) if negative else (text, FACTOR)

    def power(self, base: Expr, exponent: Expr) -> str:
        return f"{self.at(base, ATOM)}^{{{self.at(exponent, SUM)}}}"

    def indicator(self, sides: tuple[Expr, ...], relation: str) -> str:
        left, right = sides
        return rf"\left[{self.at(left, SUM)} {_LATEX_SYMBOLS.get(relation, relation)} {self.at(right, SUM)}\right]"

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        written = ", ".join(self.at(a, SUM) for a in arguments)
        if function in _LATEX_AROUND and len(arguments) == 1:
            left, right = _LATEX_AROUND[function]
            return f"{left}{written}{right}", POWER if function == "exp" else ATOM
        name = _LATEX_NAMES.get(function, rf"\operatorname{{{_escaped(function)}}}")
        return rf"{name}\left({written}\right)", ATOM

    def total(self, node: Sum) -> tuple[str, int]:
        index, lower, upper = self.name(node.index), self.at(node.lower, SUM), self.at(node.upper, SUM)
        return rf"\sum_{{{index}={lower}}}^{{{upper}}} {self.at(node.body, OPEN)}", OPEN

    def limit(self, node: Limit) -> tuple[str, int]:
        place, side = self.at(node.place, SUM), f"^{{{node.side}}}" if node.side else ""
        return rf"\lim_{{{self.name(node.index)} \to {place}{side}}} {self.at(node.body, OPEN)}", OPEN


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text.isalpha()


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


def _sign(term: Expr) -> tuple[bool, Expr]:
    """Take a leading minus off a term."""
    if isinstance(term, Num) and term.value < 0:
        return True, Num(-term.value)
    if isinstance(term, Div):
        negative, numerator = _sign(term.numerator)
        return negative, Div(numerator, term.denominator)
    if isinstance(term, Mul):
        first, *others = term.factors
        if isinstance(first, Num) and first.value < 0:
            rest = others if first.value == -1 else [Num(-first.value), *others]
            return True, rest[0] if len(rest) == 1 else Mul(tuple(rest))
    return False, term


def _names(value: Value) -> frozenset[str]:
    return names(value) if isinstance(value, Expr) else frozenset[str]().union(*map(_names, value))


def plain(value: Value, display: Mapping[str, str] | None = None) -> str:
    """Write in ASCII, with every operator spelled out."""
    return _Style(display or {}).value(value)


def unicode(value: Value, display: Mapping[str, str] | None = None, known: Collection[str] = ()) -> str:
    """Write as on paper: Greek letters, superscripts, products side by side.

    Letters side by side never spell a function or a name of the value, nor one of the other `known` names.

    >>> from dlcalc.notation.parser import parse
    >>> print(unicode(parse("2*m*n - alpha^2*l*n")))
    2mn - α² l n
    """
    return _Unicode(display or {}, _names(value) | frozenset(known)).value(value)


def latex(value: Value, display: Mapping[str, str] | None = None) -> str:
    """Write in LaTeX mathematics."""
    style = _Latex(display or {})
    if isinstance(value, Expr):
        return style.value(value)
    rows = [row if isinstance(row, tuple) else (row,) for row in value]
    body = r" \\ ".join(" & ".join(style.value(v) for v in row) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def relation(value: Relation) -> str:
    """Write a relation in unicode.

    >>> from dlcalc.notation.parser import parse_relation
    >>> print(relation(parse_relation("0 <= alpha")))
    0 ≤ α
    """
    return f"{unicode(value.left)} {_SYMBOLS.get(value.relation, value.relation)} {unicode(value.right)}"
