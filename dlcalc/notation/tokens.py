"""The lexical layer of the exam notation: text to tokens, for scalars, matrices and whole programs alike."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dlcalc.errors import NotationError

MAX_LENGTH = 10_000
"""Characters in one expression."""
MAX_DIGITS = 400
"""Digits in one number, and the largest power of ten that may be written with e."""

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ϑ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
ENGLISH = {name: letter for letter, name in reversed(GREEK.items())}
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿᵗᵏⁱʲᵐˡᵖᵀ", "0123456789+-()ntkijmlpT", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
SUBSCRIPT_LETTERS = dict(zip("ₐₑₕᵢⱼₖₗₘₙₚₛₜₓ", "aehijklmnpstx", strict=True))
ACCENTS = {"\u0302": "_hat", "\u0303": "_tilde", "\u0304": "_bar"}

OPERATORS = {
    "·": "*", "×": "*", "∙": "*", "⋅": "*", "−": "-", "–": "-", "÷": "/", "**": "^", "≤": "<=", "≥": ">=", "≠": "!=", "==": "=",
    "⊙": ".*", "∘": ".*", "∈": "in", "‖": "||", "∞": "inf", "∑": "Σ",
}  # fmt: skip
"""Other spellings of the operators, and the one that the parser knows."""

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_SYMBOL = re.compile(
    r"\*\*|\.\*|\./|\.\^|<=|>=|!=|==|\|\||[-+*/^@=<>()\[\]{},;:|'_·×∙⋅−–÷≤≥≠⊙∘∈‖∞√⌊⌋⌈⌉Σ∑]",  # noqa: RUF001 (typed by people)
)
_SPACE = re.compile(r"[ \t\r\u00a0]+|\\[,;! ]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text: its kind (`number`, `name`, `superscript`, `symbol`, `newline`, `end`), its text and its place."""

    kind: str
    text: str
    position: int
    spaced: bool = False
    """True where white space stands before it."""


def spelled(name: str) -> str:
    """Give a name its canonical spelling: Greek letters in English, accents and subscripts written out.

    >>> spelled("W₁"), spelled("W_1"), spelled("ŷ"), spelled("θ_0")
    ('W1', 'W1', 'y_hat', 'theta0')
    """
    from unicodedata import normalize

    plain = normalize("NFD", name) if not name.isascii() else name
    out = "".join(GREEK.get(c) or SUBSCRIPTS.get(c) or ACCENTS.get(c) or c for c in plain)
    out = "".join(f"_{SUBSCRIPT_LETTERS[c]}" if c in SUBSCRIPT_LETTERS else c for c in out)
    return re.sub(r"_(\d+)", r"\1", out)


def _name_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and _is_name_character(text, end):
        end += 1
    return end


def _is_name_character(text: str, at: int) -> bool:
    c = text[at]
    if c in SUPERSCRIPTS or c in "Σ∑":
        return False
    if c == "_":  # an underscore before a brace or an infinity is a subscript, not part of the name
        return at + 1 < len(text) and (text[at + 1].isalnum() or text[at + 1] == "_")
    return c.isalnum() or c in SUBSCRIPTS or c in ACCENTS


def _number(text: str, start: int) -> Token | None:
    match = _NUMBER.match(text, start)
    if not match:
        return None
    written = match.group()
    mantissa, _, ten = written.lower().partition("e")
    if len(mantissa) > MAX_DIGITS:
        raise NotationError(
            f"a number of {len(mantissa)} digits; at most {MAX_DIGITS} are read", text=text, position=start
        )
    if ten and (len(ten) > 4 or abs(int(ten)) > MAX_DIGITS):  # noqa: PLR2004 (sign and three digits)
        raise NotationError(
            f"{written[:20]} is out of range: powers of ten from e-{MAX_DIGITS} to e{MAX_DIGITS} are read",
            "write the factor as a symbol",
            text=text,
            position=start,
        )
    return Token("number", written, start)


def tokenize(text: str) -> tuple[Token, ...]:
    """Split text into tokens, the last of kind `end`.

    >>> [t.text for t in tokenize("2mn − α²")]
    ['2', 'mn', '-', 'α', '2', '']
    """
    if len(text) > MAX_LENGTH:
        raise NotationError(
            f"{len(text):,} characters; an expression has at most {MAX_LENGTH:,}", text=text, position=0
        )
    tokens: list[Token] = []
    at = 0
    spaced = False
    while at < len(text):
        if space := _SPACE.match(text, at):
            at, spaced = space.end(), True
            continue
        if text[at] == "#":
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
            continue
        token, at = _token(text, at)
        tokens.append(Token(token.kind, token.text, token.position, spaced))
        spaced = False
    return (*tokens, Token("end", "", len(text), spaced))


def _token(text: str, at: int) -> tuple[Token, int]:
    if number := _number(text, at):
        return number, at + len(number.text)
    c = text[at]
    if c == "\n":
        return Token("newline", c, at), at + 1
    if c in SUPERSCRIPTS:
        end = at
        while end < len(text) and text[end] in SUPERSCRIPTS:
            end += 1
        return Token("superscript", "".join(SUPERSCRIPTS[s] for s in text[at:end]), at), end
    if symbol := _SYMBOL.match(text, at):
        return Token("symbol", OPERATORS.get(symbol.group(), symbol.group()), at), symbol.end()
    escaped = c == "\\" and at + 1 < len(text) and text[at + 1].isalpha()  # \alpha, as in LaTeX
    start = at + escaped
    if text.startswith(".T", at) and _name_end(text, at + 1) == at + 2:
        return Token("symbol", ".T", at), at + 2
    if _LETTER.match(text, start):
        end = _name_end(text, start)
        return Token("name", text[start:end], at), end
    raise NotationError(
        f"{c!r} is not part of the notation" if c.isprintable() else f"character U+{ord(c):04X} is not part of the notation",
        text=text,
        position=at,
    )
