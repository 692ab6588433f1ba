"""The lexical layer of the exam notation: text to tokens, for scalars, matrices and whole programs alike."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dlcalc.errors import NotationError, nearest
from dlcalc.notation.patterns import compiled

MAX_LENGTH = 10_000
"""Characters in one expression."""
MAX_DIGITS = 4_000
"""Digits in one number, the zeros that its power of ten stands for included."""

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ϑ": "theta", "ι": "iota", "κ": "kappa", "ϰ": "kappa", "λ": "lambda", "μ": "mu",
    "µ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ϖ": "pi", "ρ": "rho", "ϱ": "rho", "σ": "sigma",
    "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Φ": "Phi", "Ψ": "Psi",
    "Ω": "Omega",
}  # fmt: skip
ENGLISH = {name: letter for letter, name in reversed(GREEK.items())}
SUPERSCRIPTS = dict(
    zip(
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᶿᵠᵡ",
        "0123456789+-()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδθφχ",
        strict=True,
    )
)
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
SUBSCRIPT_LETTERS = dict(zip("ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", "aehijklmnoprstuvxβγρφχ", strict=True))
SUBSCRIPT_SIGNS = dict(zip("₊₋₌₍₎", "+-=()", strict=True))
FRACTIONS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅙": "1/6", "⅛": "1/8",
}  # fmt: skip
ACCENTS = {"\u0302": "_hat", "\u0303": "_tilde", "\u0304": "_bar", "\u0305": "_bar"}

OPERATORS = {
    "·": "*", "×": "*", "∙": "*", "⋅": "*", "∗": "*", "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-",
    "÷": "/", "⁄": "/", "∕": "/", "**": "^", "≤": "<=", "≥": ">=", "⩽": "<=", "⩾": ">=", "≠": "!=", "==": "=",
    "⊙": ".*", "∘": ".*", "∈": "in", "∣": "|", "‖": "||", "∥": "||", "∞": "inf", "→": "->", "∑": "Σ",
    "′": "'", "’": "'",
}  # fmt: skip
"""Other spellings of the operators, and the one that the parser knows."""

_PRIMARY = (
    ".*", "./", ".^", "<=", ">=", "!=", "->", "||", *"+-*/^@=<>()[]{},;:|'_√⌊⌋⌈⌉Σ⊤",
)  # fmt: skip
_COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "ge": ">=", "geq": ">=",
    "ne": "!=", "neq": "!=", "lt": "<", "gt": ">", "odot": ".*", "circ": ".*", "top": "⊤", "intercal": "⊤",
    "infty": "inf", "in": "in", "to": "->", "rightarrow": "->",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "|": "||",
    "Vert": "||", "lVert": "||", "rVert": "||", "vert": "|", "lvert": "|", "rvert": "|", "mid": "|",
    "sum": "Σ", "sqrt": "√", "frac": "frac", "dfrac": "frac", "tfrac": "frac", "{": "{", "}": "}",
}  # fmt: skip
"""LaTeX commands for operators; `frac` is a symbol that only LaTeX can write."""
_NAMED = {
    **{name: name for name in (*ENGLISH, "ln", "log", "exp", "max", "min", "sin", "cos", "tanh", "det", "lim")},
    **{f"var{name}": name for name in ("epsilon", "theta", "kappa", "phi", "rho", "sigma", "pi")},
}
_ACCENT_COMMANDS = {
    "hat": "_hat", "widehat": "_hat", "tilde": "_tilde", "widetilde": "_tilde", "bar": "_bar", "overline": "_bar",
}  # fmt: skip
_FONTS = {"mathrm", "mathbf", "mathit", "mathsf", "mathbb", "mathcal", "boldsymbol", "bm", "operatorname", "text"}
_LAYOUT = r"left|right|[bB]ig[lr]?|q?quad|displaystyle|limits"

_NUMBER = r"(?:[0-9]+(?:\.(?![*/^])[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SYMBOL = "|".join(re.escape(s) for s in sorted({*_PRIMARY, *OPERATORS}, key=len, reverse=True))
_SPACE = rf"(?:[^\S\n]|[\u200b\u2060-\u2064\ufeff]|\\[,;:! ]|\\(?:{_LAYOUT})(?![A-Za-z]))+"
_COMMAND = r"\\([A-Za-z]+|[|{}])"
_GROUP = r"\s*\{\s*\\?((?:\w|\\_)+)\s*\}"
_NUMBERED = r"(?<=[^\W\d_])_([0-9]+)(?![^\W_])"
_BELOW = {**SUBSCRIPTS, **SUBSCRIPT_LETTERS}
_SUBSCRIPT_RUN = f"[{''.join(_BELOW)}]+"
_INSTEAD = {
    "%": "write 0.05 for 5%",
    "!": "write the product out",
    "…": "write sum(k, 1, t, …) instead of dots",
    "∏": "write the product out",
    "±": "ask for one sign at a time",
    "$": "leave the dollar signs out",
    "&": "ask for one expression at a time",
}
"""The nearest fix for characters that people try."""


@dataclass(frozen=True)
class Token:
    """A piece of text: its kind (`number`, `name`, `superscript`, `symbol`, `newline`, `end`), text and place."""

    kind: str
    text: str
    position: int
    spaced: bool = False
    """True where white space stands before it."""
    glued: bool = False
    """True for the letters of a product that were typed as one word, from the second on."""

    def is_symbol(self, *texts: str) -> bool:
        """Say whether this is one of these operators."""
        return self.kind == "symbol" and self.text in texts


def spelled(name: str) -> str:
    """Give a name its canonical spelling: Greek letters in English, accents and subscripts written out.

    >>> spelled("W₁"), spelled("W_1"), spelled("ŷ"), spelled("θ_0"), spelled("Cᵢₙ")
    ('W1', 'W1', 'y_hat', 'theta0', 'C_in')
    """
    written = written_out(name)
    if not written.isascii():
        from unicodedata import normalize

        written = normalize("NFC", "".join(GREEK.get(c) or ACCENTS.get(c, c) for c in written))
    return compiled(_NUMBERED).sub(r"\1", written)


def written_out(name: str) -> str:
    """Write the subscripts of a name in ASCII; its letters stay, each with its accent as a character behind it.

    >>> written_out("αgₜ₁")
    'αg_t1'
    """
    if name.isascii():
        return name
    from unicodedata import normalize

    return compiled(_SUBSCRIPT_RUN).sub(
        lambda run: "_" + "".join(_BELOW[c] for c in run.group()), normalize("NFD", name)
    )


def tokenize(text: str, most: int = MAX_LENGTH) -> tuple[Token, ...]:
    """Split text of at most so many characters into tokens, the last of kind `end`.

    >>> [t.text for t in tokenize("2mn − α²")]
    ['2', 'mn', '-', 'α', '2', '']
    """
    if len(text) > most:
        raise NotationError(
            f"{len(text):,} characters; at most {most:,} are read",
            "split it",
            text=text,
            position=most,
        )
    return (*_Lexer(_unstyled(text), text).tokens(), Token("end", "", len(text)))


def inner_tokens(token: Token, text: str) -> tuple[Token, ...]:
    """Split what a superscript of `text` says, at the places where it stands."""
    end = token.position + len(token.text)
    return (*_Lexer(token.text, text, token.position).tokens(), Token("end", "", end))


def _unstyled(text: str) -> str:
    """Read mathematical italics, blackboard and full-width characters as the plain ones, one for one."""
    if text.isascii():
        return text
    from unicodedata import decomposition, normalize

    return "".join(normalize("NFKC", c) if decomposition(c).startswith(("<font>", "<wide>")) else c for c in text)


def _is_letter(c: str) -> bool:
    return c.isalpha() and c != "Σ" and c not in SUPERSCRIPTS and c not in SUBSCRIPT_LETTERS


def _is_mark(c: str) -> bool:
    """Say whether a character is drawn over the one before it."""
    from unicodedata import combining

    return combining(c) != 0


class _Lexer:
    """Reads tokens from `text`; `source` is what a person typed, where it stands at `offset`."""

    def __init__(self, text: str, source: str, offset: int = 0) -> None:
        self.text = text
        self.source = source
        self.offset = offset

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        at, spaced = 0, False
        while at < len(self.text):
            if space := compiled(_SPACE).match(self.text, at):
                at, spaced = space.end(), True
            elif self.text[at] == "#":
                at = self.line_end(at)
            else:
                read, at = self.read(at)
                first, *others = read
                found += [Token(first.kind, first.text, first.position, spaced), *others]
                spaced = False
        return found

    def line_end(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end

    def error(self, condition: str, fix: str, at: int) -> NotationError:
        return NotationError(condition, fix, text=self.source, position=self.offset + at)

    def token(self, kind: str, text: str, at: int) -> Token:
        return Token(kind, text, self.offset + at)

    def read(self, at: int) -> tuple[list[Token], int]:
        """Read what stands at a place: mostly one token."""
        c = self.text[at]
        if number := compiled(_NUMBER).match(self.text, at):
            return [self.number(number.group(), at)], number.end()
        if c in FRACTIONS:
            return [self.token("number", FRACTIONS[c], at)], at + 1
        if c == "\n":
            return [self.token("newline", c, at)], at + 1
        if c in SUPERSCRIPTS:
            end = self.run_end(at, SUPERSCRIPTS)
            return [self.token("superscript", "".join(SUPERSCRIPTS[s] for s in self.text[at:end]), at)], end
        if c in _BELOW or c in SUBSCRIPT_SIGNS:
            return self.subscript(at)
        return self.word(at)

    def number(self, written: str, at: int) -> Token:
        mantissa, _, ten = written.lower().partition("e")
        zeros = min(abs(int(ten[:9])), MAX_DIGITS) if ten else 0
        digits = len(mantissa) + zeros
        if digits > MAX_DIGITS:
            shown = f"{written[:20]} is out of range" if ten else f"a number of {digits:,} digits"
            raise self.error(f"{shown}; numbers of up to {MAX_DIGITS:,} digits are read", "use a symbol", at)
        return self.token("number", written, at)

    def run_end(self, at: int, *tables: dict[str, str]) -> int:
        while at < len(self.text) and any(self.text[at] in table for table in tables):
            at += 1
        return at

    def subscript(self, at: int) -> tuple[list[Token], int]:
        """Read a subscript that is not part of a name, `ₜ₋₁`, as `_{t-1}`."""
        end = self.run_end(at, _BELOW, SUBSCRIPT_SIGNS)
        inner = "".join({**_BELOW, **SUBSCRIPT_SIGNS}[c] for c in self.text[at:end])
        within = _Lexer(inner, self.source, self.offset + at).tokens()
        opening = [self.token("symbol", "_", at), self.token("symbol", "{", at)]
        return [*opening, *within, self.token("symbol", "}", end - 1)], end

    def word(self, at: int) -> tuple[list[Token], int]:
        """Read an operator, a name or a LaTeX command."""
        text = self.text
        if text.startswith(".T", at) and self.name_end(at + 1) == at + 2:
            return [self.token("symbol", ".T", at)], at + 2
        if symbol := compiled(_SYMBOL).match(text, at):
            return [self.token("symbol", OPERATORS.get(symbol.group(), symbol.group()), at)], symbol.end()
        if command := compiled(_COMMAND).match(text, at):
            return self.command(command[1], at, command.end())
        if _is_letter(text[at]):
            end = self.name_end(at)
            return [self.token("name", text[at:end], at)], end
        c = text[at]
        shown = repr(c) if c.isprintable() and not _is_mark(c) else f"character U+{ord(c):04X}"
        fix = _INSTEAD.get("…" if text.startswith("..", at) else c, "")
        raise self.error(f"{shown} is not part of the notation", fix, at)

    def name_end(self, at: int) -> int:
        """Find the end of a name; ₁ belongs to it, while ₜ₋₁ is an index."""
        while at < len(self.text):
            end = self.run_end(at, _BELOW, SUBSCRIPT_SIGNS)
            if end > at and any(c in SUBSCRIPT_SIGNS for c in self.text[at:end]):
                break
            if end == at and not self.continues_name(at):
                break
            at = max(end, at + 1)
        return at

    def continues_name(self, at: int) -> bool:
        c = self.text[at]
        if c == "_":  # before a brace or an infinity it is a subscript, not part of the name
            following = self.text[at + 1 : at + 2]
            return following in {*"_0123456789"} or (following != "" and _is_letter(following))
        return c in "0123456789" or c in ACCENTS or _is_letter(c)

    def command(self, word: str, at: int, end: int) -> tuple[list[Token], int]:
        r"""Read a LaTeX command: \alpha, \cdot, \hat{y}, \mathrm{Var}."""
        if word in _COMMANDS:
            return [self.token("symbol", _COMMANDS[word], at)], end
        name = _NAMED.get(word, "")
        if word in _ACCENT_COMMANDS or word in _FONTS:
            group = compiled(_GROUP).match(self.text, end)
            if group is None:
                raise self.error(f"\\{word} needs one name in braces", f"write \\{word}{{x}}", at)
            name, end = group[1].replace("\\", "") + _ACCENT_COMMANDS.get(word, ""), group.end()
        if not name:
            close = nearest(word, [*_COMMANDS, *_NAMED, *_ACCENT_COMMANDS, *_FONTS])
            raise self.error(f"\\{word[:20]} is not part of the notation", close.replace("mean ", "mean \\"), at)
        if name.isdigit():
            return [self.token("number", name, at)], end
        if self.text[end : end + 1] == "_":
            start, end = end, self.name_end(end)
            name += self.text[start:end]
        return [self.token("name", name, at)], end
