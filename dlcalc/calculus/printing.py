"""Terms to text: `plain` (ASCII), `unicode` (one line, as on paper) and `latex`; the first two read back alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlcalc.calculus.dims import ONE, Dim
from dlcalc.calculus.terms import (
    DELTA,
    UNIT,
    Apply,
    Compare,
    Constant,
    Grid,
    Hadamard,
    Inverse,
    Length,
    Name,
    Number,
    Part,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
    Transpose,
    split,
)
from dlcalc.notation.expression import Sym
from dlcalc.notation.patterns import compiled
from dlcalc.notation.printing import decimal
from dlcalc.notation.printing import latex as scalar_latex
from dlcalc.notation.printing import unicode as scalar_unicode
from dlcalc.notation.tokens import SUBSCRIPTS

if TYPE_CHECKING:
    from fractions import Fraction

SUM, HADAMARD, PRODUCT, FACTOR, ATOM = range(5)
"""How tightly a text binds."""
SMALL = 9
"""Denominators up to this are written as fractions, others as decimals where these end."""

_BELOW = str.maketrans({digit: letter for letter, digit in SUBSCRIPTS.items()})
_INDEXED = r"(.*?[^\d_])([0-9]+)"
_SPELLED = {"maximum": "max", "minimum": "min"}
_AROUND = {"norm": ("||", "||"), "norm_1": ("||", "||_1"), "norm_inf": ("||", "||_inf"), "abs": ("|", "|")}
_BARS = {"norm": ("‖", "‖"), "norm_1": ("‖", "‖_1"), "norm_inf": ("‖", "‖_∞"), "abs": ("|", "|")}
_LATEX_BARS = {
    "norm": (r"\left\|", r"\right\|"), "norm_1": (r"\left\|", r"\right\|_1"),
    "norm_inf": (r"\left\|", r"\right\|_\infty"), "abs": (r"\left|", r"\right|"),
    "exp": ("e^{", "}"), "sqrt": (r"\sqrt{", "}"),
}  # fmt: skip
_LATEX_NAMES = {
    "ln": r"\ln", "max": r"\max", "min": r"\min", "sin": r"\sin", "cos": r"\cos", "tanh": r"\tanh",
    "sigmoid": r"\sigma", "det": r"\det", "relu": r"\operatorname{ReLU}", "maximum": r"\max", "minimum": r"\min",
}  # fmt: skip
_RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠"}
_LATEX_RELATIONS = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne"}


class _Plain:
    """ASCII; the other styles change single signs."""

    dot = " .* "
    transposed = "^T"
    inverted = "^-1"
    both = "^-T"

    def at(self, term: Term, least: int) -> str:
        """Write a term, in parentheses where it binds less tightly than its place asks."""
        text, binding = self.term(term)
        return text if binding >= least else self.enclosed(text)

    def enclosed(self, text: str) -> str:
        return f"({text})"

    def term(self, term: Term) -> tuple[str, int]:  # noqa: C901, PLR0911, PLR0912 (a case per node)
        """Write a term and say how tightly it binds."""
        match term:
            case Number(_, value):
                return self.number(value)
            case Name(_, name):
                return self.name(name), ATOM
            case Length(_, dim):
                return self.dim(dim), ATOM if len(dim.parts) == 1 and dim == Dim(0, ((dim.parts[0][0], 1),)) else SUM
            case Constant():
                return self.constant(term)
            case Sum(_, terms):
                return self.sum(terms), SUM
            case Product():
                return self.product(term)
            case Hadamard(_, factors):
                return self.dot.join(self.at(f, PRODUCT) for f in factors), HADAMARD
            case Quotient(_, top, bottom):
                return self.quotient(top, bottom)
            case Power(_, base, exponent):
                return self.power(base, exponent), FACTOR
            case Transpose(_, Inverse(_, of)):
                return self.at(of, ATOM) + self.both, FACTOR
            case Transpose(_, of):
                return self.at(of, ATOM) + self.transposed, FACTOR
            case Inverse(_, of):
                return self.at(of, ATOM) + self.inverted, FACTOR
            case Compare(_, relation, left, right):
                return self.compare(relation, self.at(left, SUM), self.at(right, SUM)), ATOM
            case Part():
                return self.part(term), FACTOR
            case Grid(_, rows):
                return self.grid(rows), ATOM
            case Apply():
                return self.apply(term)
        raise TypeError(term)

    def number(self, value: Fraction) -> tuple[str, int]:
        written = decimal(value)
        if value.denominator <= SMALL or written is None:
            fraction = str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
            return fraction, SUM if value < 0 else ATOM if value.denominator == 1 else PRODUCT
        return written, SUM if value < 0 else ATOM

    def name(self, name: str) -> str:
        return name

    def dim(self, dim: Dim) -> str:
        return str(dim)

    def constant(self, term: Constant) -> tuple[str, int]:
        rows, cols = term.shape
        if term.kind == "pi":
            return self.name("pi"), ATOM
        if term.kind == "eye":
            return f"eye({self.dim(rows)})", ATOM
        if cols == ONE:
            return f"{term.kind}({self.dim(rows)})", ATOM
        if rows == ONE:
            return f"{term.kind}({self.dim(cols)}){self.transposed}", FACTOR
        return f"{term.kind}({self.dim(rows)}, {self.dim(cols)})", ATOM

    def sum(self, terms: tuple[Term, ...]) -> str:
        out = ""
        positive_first = sorted(terms, key=lambda t: split(t)[0] < 0) if split(terms[0])[0] < 0 else terms
        for term in positive_first:
            text, binding = self.term(term)
            minus = text.startswith("-")
            if binding < HADAMARD and not minus:
                text = self.enclosed(text)
            if not out:
                out = text
            else:
                out += f" - {text[1:]}" if minus else f" + {text}"
        return out

    def product(self, term: Product) -> tuple[str, int]:
        coefficient, scalars = term.coefficient, list(term.scalars)
        sign = "-" if coefficient < 0 else ""
        coefficient = abs(coefficient)
        pieces: list[str] = []
        fraction = next((s for s in scalars if isinstance(s, Quotient)), None)
        if fraction is not None and len(term.chain) <= 1:
            return sign + self.over(replace(term, coefficient=coefficient), fraction), SUM if sign else PRODUCT
        if fraction is not None:
            scalars.remove(fraction)
            pieces.append(self.fraction(coefficient, fraction))
        elif coefficient != 1:
            pieces.append(self.number(coefficient)[0])
        for factor in (*scalars, *term.chain):
            pieces.append(self.at(factor, FACTOR if pieces or not isinstance(factor, Quotient) else PRODUCT))
        return sign + self.joined(pieces), SUM if sign else PRODUCT

    def over(self, term: Product, fraction: Quotient) -> str:
        """Write a product with at most one matrix above the line of its quotient: s z/‖z‖²."""
        above = [s for s in term.scalars if s is not fraction]
        above += [] if fraction.top == UNIT else [fraction.top]
        top = [str(term.coefficient.numerator)] if term.coefficient.numerator != 1 else []
        top += [self.at(f, PRODUCT if f is fraction.top else FACTOR) for f in (*above, *term.chain)]
        return f"{self.joined(top) or '1'}/{self.below(term.coefficient.denominator, fraction)}"

    def below(self, denominator: int, fraction: Quotient) -> str:
        """Write what stands below the line, a number in front of it."""
        bottom = self.at(fraction.bottom, FACTOR if denominator == 1 else PRODUCT)
        return bottom if denominator == 1 else self.enclosed(f"{denominator} {bottom}")

    def fraction(self, coefficient: Fraction, term: Quotient) -> str:
        """Write a scalar quotient with the number in front of it on one line."""
        top = str(coefficient.numerator) if coefficient.numerator != 1 else ""
        if term.top != UNIT:
            top = f"{top} {self.at(term.top, PRODUCT)}".strip()
        return f"{top or '1'}/{self.below(coefficient.denominator, term)}"

    def joined(self, pieces: list[str]) -> str:
        loose = [at > 0 and piece[:1].isdigit() and piece[:2] != "1(" for at, piece in enumerate(pieces)]
        return " ".join(self.enclosed(piece) if apart else piece for piece, apart in zip(pieces, loose, strict=True))

    def quotient(self, top: Term, bottom: Term) -> tuple[str, int]:
        if not bottom.shape.is_scalar:
            return f"{self.at(top, PRODUCT)} ./ {self.at(bottom, PRODUCT)}", HADAMARD
        return f"{self.at(top, PRODUCT)}/{self.at(bottom, FACTOR)}", PRODUCT

    def power(self, base: Term, exponent: Term) -> str:
        raised = "^" if base.shape.is_scalar else ".^"
        return f"{self.at(base, ATOM)}{raised}{self.at(exponent, ATOM)}"

    def compare(self, relation: str, left: str, right: str) -> str:
        return f"1({left} {relation} {right})"

    def part(self, term: Part) -> str:
        def index(ends: tuple[Dim, Dim], side: Dim) -> str:
            if ends == (ONE, side):
                return ":"
            return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}:{ends[1]}"

        rows, cols = index(term.rows, term.of.shape.rows), index(term.cols, term.of.shape.cols)
        vector = rows if term.of.shape.cols == ONE else cols
        return f"{self.at(term.of, ATOM)}[{vector if ONE in term.of.shape else f'{rows}, {cols}'}]"

    def grid(self, rows: tuple[tuple[Term, ...], ...]) -> str:
        if all(len(row) == 1 and row[0].shape.is_scalar for row in rows):
            return f"[{', '.join(self.at(row[0], SUM) for row in rows)}]"
        return f"[{'; '.join(', '.join(self.at(cell, SUM) for cell in row) for row in rows)}]"

    def apply(self, term: Apply) -> tuple[str, int]:
        inside = [self.at(argument, SUM) for argument in term.arguments]
        around = self.around().get(term.function)
        if around and "|" not in inside[0] and "‖" not in inside[0]:
            return f"{around[0]}{inside[0]}{around[1]}", ATOM
        vector = term.function == "softmax" and ONE in term.arguments[0].shape
        named = "axis=" if term.function in {"max", "min"} else ""
        axis = [] if term.axis is None or vector else [f"{named}{term.axis}"]
        return f"{self.function(term.function)}({', '.join([*inside, *axis])})", ATOM

    def around(self) -> dict[str, tuple[str, str]]:
        return _AROUND

    def function(self, name: str) -> str:
        return _SPELLED.get(name, name)


class _Unicode(_Plain):
    dot = " ⊙ "
    transposed = "ᵀ"
    inverted = "⁻¹"
    both = "⁻ᵀ"

    def name(self, name: str) -> str:
        if name.startswith(DELTA):
            return f"δ_{name.removeprefix(DELTA)}"
        indexed = compiled(_INDEXED).fullmatch(name)
        if indexed is None:
            return scalar_unicode(Sym(name))
        return scalar_unicode(Sym(indexed[1])) + indexed[2].translate(_BELOW)

    def power(self, base: Term, exponent: Term) -> str:
        if base.shape.is_scalar and isinstance(exponent, Number) and exponent.value.denominator == 1:
            return scalar_unicode(Sym("x") ** exponent.value).replace("x", self.at(base, ATOM), 1)
        return super().power(base, exponent)

    def compare(self, relation: str, left: str, right: str) -> str:
        return f"1({left} {_RELATIONS.get(relation, relation)} {right})"

    def around(self) -> dict[str, tuple[str, str]]:
        return _BARS


class _Latex(_Plain):
    dot = r" \odot "
    transposed = r"^{\top}"
    inverted = "^{-1}"
    both = r"^{-\top}"

    def enclosed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def number(self, value: Fraction) -> tuple[str, int]:
        text, binding = super().number(value)
        if "/" not in text:
            return text, binding
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", SUM if sign else ATOM

    def name(self, name: str) -> str:
        if name.startswith(DELTA):
            return rf"\delta_{{{self.name(name.removeprefix(DELTA))}}}"
        return scalar_latex(Sym(name))

    def constant(self, term: Constant) -> tuple[str, int]:
        if term.kind == "pi":
            return super().constant(term)
        rows, cols = term.shape
        sizes = (
            self.dim(rows)
            if cols == ONE or term.kind == "eye"
            else self.dim(cols)
            if rows == ONE
            else rf"{self.dim(rows)} \times {self.dim(cols)}"
        )
        letter = {"ones": r"\mathbf{1}", "zeros": r"\mathbf{0}", "eye": "I"}[term.kind]
        row = rows == ONE and cols != ONE
        return f"{letter}_{{{sizes}}}" + (self.transposed if row else ""), FACTOR if row else ATOM

    def product(self, term: Product) -> tuple[str, int]:
        sign = "-" if term.coefficient < 0 else ""
        pieces = [] if abs(term.coefficient) == 1 else [self.number(abs(term.coefficient))[0]]
        pieces += [self.at(factor, FACTOR) for factor in (*term.scalars, *term.chain)]
        return sign + r" \, ".join(pieces), SUM if sign else PRODUCT

    def quotient(self, top: Term, bottom: Term) -> tuple[str, int]:
        if not bottom.shape.is_scalar:
            return rf"{self.at(top, PRODUCT)} \oslash {self.at(bottom, PRODUCT)}", HADAMARD
        return rf"\frac{{{self.at(top, SUM)}}}{{{self.at(bottom, SUM)}}}", ATOM

    def power(self, base: Term, exponent: Term) -> str:
        entry_by_entry = "" if base.shape.is_scalar else r"\odot "
        return f"{self.at(base, ATOM)}^{{{entry_by_entry}{self.at(exponent, SUM)}}}"

    def compare(self, relation: str, left: str, right: str) -> str:
        return rf"\mathbb{{1}}\left[{left} {_LATEX_RELATIONS.get(relation, relation)} {right}\right]"

    def grid(self, rows: tuple[tuple[Term, ...], ...]) -> str:
        body = r" \\ ".join(" & ".join(self.at(cell, SUM) for cell in row) for row in rows)
        return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"

    def apply(self, term: Apply) -> tuple[str, int]:
        inside = ", ".join(self.at(argument, SUM) for argument in term.arguments)
        if term.function in _LATEX_BARS:
            left, right = _LATEX_BARS[term.function]
            return f"{left}{inside}{right}", FACTOR if term.function == "exp" else ATOM
        axis = "" if term.axis is None or ONE in term.arguments[0].shape else f", {term.axis}"
        escaped = term.function.replace("_", r"\_")
        name = _LATEX_NAMES.get(term.function) or (
            escaped if len(escaped.rstrip("'")) == 1 else rf"\operatorname{{{escaped}}}"
        )
        return rf"{name}\left({inside}{axis}\right)", ATOM


_PLAIN, _UNICODE, _LATEX = _Plain(), _Unicode(), _Latex()


def plain(term: Term) -> str:
    """Write in ASCII, as the notation reads it."""
    return _PLAIN.at(term, SUM)


def unicode(term: Term) -> str:
    """Write as on paper."""
    return _UNICODE.at(term, SUM)


def latex(term: Term) -> str:
    """Write in LaTeX mathematics."""
    return _LATEX.at(term, SUM)


def unicode_name(name: str) -> str:
    """Write a name as on paper.

    >>> unicode_name("W1"), unicode_name("delta_a1"), unicode_name("alpha")
    ('W₁', 'δ_a1', 'α')
    """
    return _UNICODE.name(name)


def latex_name(name: str) -> str:
    """Write a name in LaTeX."""
    return _LATEX.name(name)
