"""Expressions to text: `plain` (ASCII), `unicode` (one line, as on paper) and `latex`.

Plain and unicode text parse back to an expression of the same value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.notation.expression import Add, Call, Div, Entry, Expr, Mul, Num, Pow, Relation, Sum, Sym
from dlcalc.notation.functions import SPELLINGS
from dlcalc.notation.tokens import ENGLISH, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

SUM, OPEN, PRODUCT, FACTOR, POWER, ATOM = range(6)
"""How tightly a text binds. `OPEN` is a product that ends in a Σ, whose body would swallow what follows."""
MAX_DECIMALS = 12

Value = Expr | tuple["Value", ...]
"""An expression, a list of values, or a list of rows."""

_DIGITS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SYMBOLS = {"<=": "≤", ">=": "≥", "!=": "≠"}
_LATEX_RELATIONS = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne"}
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
}  # fmt: skip


def decimal(value: Fraction) -> str | None:
    """Write a fraction as a terminating decimal of at most 12 places, or None where there is none.

    >>> decimal(Fraction(-29, 1000)), decimal(Fraction(1, 3))
    ('-0.029', None)
    """
    scaled = value * 10**MAX_DECIMALS
    if scaled.denominator != 1:
        return None
    whole, rest = divmod(abs(scaled.numerator), 10**MAX_DECIMALS)
    digits = f"{rest:0{MAX_DECIMALS}d}".rstrip("0")
    return ("-" if value < 0 else "") + str(whole) + (f".{digits}" if digits else "")


@dataclass(frozen=True, slots=True)
class _Style:
    """What the three ways of writing have in common; each method writes one kind of node."""

    display: Mapping[str, str]

    def value(self, value: Value) -> str:
        """Write a value: an expression, `a,b` for a list, `a,b;c,d` for rows."""
        if isinstance(value, Expr):
            return self.at(value, SUM)
        nested = any(isinstance(v, tuple) for v in value)
        return (";" if nested else ",").join(self.value(v) for v in value)

    def at(self, node: Expr, least: int) -> str:
        """Write a node, in parentheses where it binds less tightly than its place asks."""
        text, binding = self.node(node)
        return text if binding >= least else self.enclosed(text)

    def enclosed(self, text: str) -> str:
        return f"({text})"

    def node(self, node: Expr) -> tuple[str, int]:
        """Write a node and say how tightly it binds."""
        match node:
            case Num(value):
                return self.number(value)
            case Sym(name):
                return self.name(name), ATOM
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
            case Call(function, arguments):
                return self.call(function, arguments)
            case Sum():
                return self.total(node)
        raise TypeError(node)

    def number(self, value: Fraction) -> tuple[str, int]:
        text = decimal(value)
        if text is None:
            return f"{value.numerator}/{value.denominator}", PRODUCT if value > 0 else SUM
        return text, ATOM if value >= 0 else SUM

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
        texts = [
            self.at(f, PRODUCT if i == 0 and not isinstance(f, Num) else FACTOR) for i, f in enumerate(factors[:-1])
        ]
        last, binding = self.node(factors[-1])
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

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        return f"{function}({', '.join(self.at(a, SUM) for a in arguments)})", ATOM

    def total(self, node: Sum) -> tuple[str, int]:
        parts = (self.at(part, SUM) for part in (node.lower, node.upper, node.body))
        return f"sum({node.index}, {', '.join(parts)})", ATOM


class _Unicode(_Style):
    def name(self, name: str) -> str:
        if name in self.display:
            return self.display[name]
        letters = re.fullmatch(r"([A-Za-z]+?)(_?)(\d*|_\w+)", name)
        if letters is None:
            return name
        stem = ENGLISH.get(letters[1], letters[1])
        if letters[3].isdigit():
            return f"{stem}_{letters[3]}"
        return stem + letters[2] + letters[3]

    def entry(self, base: str, index: Expr) -> str:
        if isinstance(index, Sym) and len(index.name) == 1:
            return f"{self.name(base)}_{index.name}"
        if isinstance(index, Num) and index.value >= 0:
            return f"{self.name(base)}_{index.value}"
        return f"{self.name(base)}_{{{self.at(index, SUM).replace(' ', '')}}}"

    def joined(self, texts: list[str], factors: tuple[Expr, ...]) -> str:
        out = texts[0]
        for left, right, text in zip(factors[:-1], factors[1:], texts[1:], strict=True):
            out += self.between(left, right, out, text) + text
        return out

    def between(self, left: Expr, right: Expr, before: str, after: str) -> str:
        """Choose what stands between two factors: nothing, a space, or a dot."""
        if after[0].isdigit() or after[0] in "|‖" or isinstance(left, Div) or left == right:
            return "·"
        if isinstance(left, Num):
            return ""
        if after[0] == "(":
            return " " if isinstance(left, Sym) and not _letter(left, self) else ""
        if _letter(left, self) and _letter(right, self):
            run = re.search(r"[^\W\d_]*$", before)
            word = spelled(run.group() if run else "") + spelled(after)
            return " " if word in ENGLISH or word in SPELLINGS or word == "in" else ""
        return " "

    def power(self, base: Expr, exponent: Expr) -> str:
        if isinstance(exponent, Num) and exponent.value.denominator == 1 and not isinstance(base, Num):
            return f"{self.at(base, ATOM)}{str(exponent.value).translate(_DIGITS)}"
        return _Style.power(self, base, exponent)

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        if function in _UNICODE_AROUND and len(arguments) == 1:
            left, right = _UNICODE_AROUND[function]
            return f"{left}{self.at(arguments[0], SUM)}{right}", ATOM
        if function == "sqrt":
            return f"√{self.at(arguments[0], ATOM)}", POWER
        return _Style.call(self, {"logsumexp": "LSE"}.get(function, function), arguments)

    def total(self, node: Sum) -> tuple[str, int]:
        bounds = f"Σ_{{{node.index}={self.at(node.lower, SUM)}}}^{{{self.at(node.upper, SUM)}}}"
        return f"{bounds} {self.at(node.body, OPEN)}", OPEN


class _Latex(_Style):
    def enclosed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def number(self, value: Fraction) -> tuple[str, int]:
        if decimal(value) is None:
            text = rf"\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
            return (f"-{text}", SUM) if value < 0 else (text, PRODUCT)
        return _Style.number(self, value)

    def name(self, name: str) -> str:
        if name in self.display:
            return self.display[name]
        stem, accent, index = re.fullmatch(r"([^\W\d_]+)((?:_(?:hat|tilde|bar)(?![^\W\d]))?)_?(.*)", name).groups()  # type: ignore[union-attr] (every name begins with a letter)
        if len(stem) > 1 and stem not in ENGLISH:
            return rf"\mathrm{{{name}}}".replace("_", r"\_")
        letter = rf"\{stem}" if stem in ENGLISH else stem
        if accent:
            letter = rf"\{accent[1:]}{{{letter}}}"
        if not index:
            return letter
        return f"{letter}_{{{index}}}" if len(index) == 1 or index.isdigit() else rf"{letter}_{{\mathrm{{{index}}}}}".replace("_", r"\_").replace(r"\_{", "_{", 1)

    def entry(self, base: str, index: Expr) -> str:
        return f"{self.name(base)}_{{{self.at(index, SUM)}}}"

    def joined(self, texts: list[str], factors: tuple[Expr, ...]) -> str:  # noqa: ARG002 (as in the other styles)
        out = texts[0]
        for text in texts[1:]:
            out += (r" \cdot " if text[0].isdigit() or text.startswith(r"\frac") else r" \, ") + text
        return out

    def quotient(self, numerator: Expr, denominator: Expr) -> tuple[str, int]:
        negative, rest = _sign(numerator)
        text = rf"\frac{{{self.at(rest, SUM)}}}{{{self.at(denominator, SUM)}}}"
        return (f"-{text}", SUM) if negative else (text, PRODUCT)

    def power(self, base: Expr, exponent: Expr) -> str:
        return f"{self.at(base, ATOM)}^{{{self.at(exponent, SUM)}}}"

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        written = ", ".join(self.at(a, SUM) for a in arguments)
        if function in _LATEX_AROUND and len(arguments) == 1:
            left, right = _LATEX_AROUND[function]
            return f"{left}{written}{right}", POWER if function == "exp" else ATOM
        name = _LATEX_NAMES.get(function, rf"\operatorname{{{function}}}".replace("_", r"\_"))
        return rf"{name}\left({written}\right)", ATOM

    def total(self, node: Sum) -> tuple[str, int]:
        index, lower, upper = self.name(node.index), self.at(node.lower, SUM), self.at(node.upper, SUM)
        return rf"\sum_{{{index}={lower}}}^{{{upper}}} {self.at(node.body, OPEN)}", OPEN


def _letter(node: Expr, style: _Style) -> bool:
    """Say whether a symbol is written as one letter, so that letters may stand side by side."""
    return isinstance(node, Sym) and len(style.name(node.name)) == 1


def _sign(term: Expr) -> tuple[bool, Expr]:
    """Take a leading minus off a term."""
    if isinstance(term, Num) and term.value < 0:
        return True, Num(-term.value)
    if isinstance(term, Div):
        negative, rest = _sign(term.numerator)
        return negative, Div(rest, term.denominator)
    if isinstance(term, Mul):
        first = term.factors[0]
        if isinstance(first, Num) and first.value < 0:
            rest = term.factors[1:] if first.value == -1 else (Num(-first.value), *term.factors[1:])
            return True, rest[0] if len(rest) == 1 else Mul(rest)
    return False, term


def plain(value: Value, display: Mapping[str, str] | None = None) -> str:
    """Write in ASCII, with every operator spelled out."""
    return _Style(display or {}).value(value)


def unicode(value: Value, display: Mapping[str, str] | None = None) -> str:
    """Write as on paper: Greek letters, superscripts, products side by side."""
    return _Unicode(display or {}).value(value)


def latex(value: Value, display: Mapping[str, str] | None = None) -> str:
    """Write in LaTeX mathematics."""
    style = _Latex(display or {})
    if isinstance(value, Expr):
        return style.value(value)
    rows = value if any(isinstance(v, tuple) for v in value) else tuple((v,) for v in value)
    body = r" \\ ".join(" & ".join(style.value(v) for v in (r if isinstance(r, tuple) else (r,))) for r in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def relation(value: Relation, write: type[_Style] | None = None) -> str:
    """Write a relation in unicode."""
    style = (write or _Unicode)({})
    return f"{style.value(value.left)} {_SYMBOLS.get(value.relation, value.relation)} {style.value(value.right)}"
