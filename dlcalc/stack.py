"""A stack of layers that slide windows, in one text: `conv 64 3x3 s2 p same, relu, pool 2, repeat 3 { conv 3 }`.

    stack = item ((","|";"|newline|"->") item)*
    item  = word argument* | "repeat" number "{" stack "}"

A layer of windows is `conv [filters] KERNEL`, `depthwise KERNEL` or `pool [max|avg] KERNEL`, then in any order `s 2`,
`p 1` (or `same`, `valid`), `d 2`: also `s2`, `s=2`, `stride 2`; a pool may be `ceil`. A single number is the kernel.
Numbers may be symbols and expressions. Layers that work entry by entry (`relu`, `norm`, `dropout`, …) are read and
left out; `#` starts a comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.givens import Given, Size, checked, read_scalar, read_size, size_parts
from dlcalc.notation.expression import ONE, ZERO, Expr, Num
from dlcalc.notation.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

# ruff: noqa: ANN401 (a given is whatever a caller hands in)

MAX_TEXT = 200_000
"""Characters of a stack."""
MAX_DEPTH = 20
"""Repetitions inside repetitions."""
MAX_LAYERS = 100_000
"""Layers, with all their repetitions."""

ENTRYWISE = (
    "relu", "relu6", "leaky-relu", "prelu", "elu", "selu", "gelu", "silu", "swish", "sigmoid", "tanh", "softplus",
    "softmax", "norm", "batchnorm", "batch-norm", "bn", "layernorm", "groupnorm", "instancenorm", "lrn", "dropout",
    "identity",
)  # fmt: skip
"""Layers that see one place only."""
WHOLE = ("fc", "linear", "dense", "flatten", "global-pool", "gap", "attention", "rnn", "gru", "lstm", "embedding")
"""Layers that see all of their input, or have none with places."""
BRANCHED = ("residual", "parallel", "conv-transpose", "separable", "reuse")
WORDS = {
    "conv": "conv", "convolution": "conv", "depthwise": "depthwise", "pool": "pool", "pooling": "pool",
    "maxpool": "pool", "max-pool": "pool", "avgpool": "pool", "avg-pool": "pool",
}  # fmt: skip
NAMES = {
    "k": "kernel", "kernel": "kernel", "s": "stride", "stride": "stride", "p": "padding", "pad": "padding",
    "padding": "padding", "d": "dilation", "dilation": "dilation", "n": "filters", "filters": "filters", "g": "groups",
    "groups": "groups",
}  # fmt: skip
SWITCHES = {
    "conv": ("bias", "no-bias"), "depthwise": ("bias", "no-bias"), "pool": ("max", "avg", "average", "ceil"),
}  # fmt: skip
LEAST = {"padding": 0}
_PIECES = (
    r"(?P<blank>[ \t\r]+|\#[^\n]*)|(?P<between>,|;|\n|->|→)|(?P<brace>[{}])|(?P<word>(?:\([^()\n]*\)|[^\s,;{}()#])+)"
)
_GLUED = r"([a-z]+)([0-9(].*)"
_VALUE = r"[0-9(]"


@dataclass(frozen=True)
class Windows:
    """A layer that slides a window over its input."""

    kernel: Size
    stride: Size
    padding: Size | str
    """The zeros at each end, or `same`."""
    dilation: Size
    text: str
    """The layer as it was written."""
    ceil: bool = False
    """True where a last window may stick out."""


@dataclass(frozen=True)
class Repeated:
    """Layers one after another, several times."""

    count: Expr
    items: tuple[Item, ...]
    text: str


Item = Windows | Repeated


@dataclass(frozen=True)
class Stack:
    """A stack as it was written, and its layers that slide windows."""

    text: str
    items: tuple[Item, ...]
    entrywise: bool = False
    """True where there are layers that work entry by entry as well."""

    def __str__(self) -> str:
        """Give the text."""
        return " ".join(self.text.split())


def stack(*flags: str, help: str) -> Given:
    """Declare a stack of layers."""

    def read(name: str, raw: Any) -> Stack:
        return raw if isinstance(raw, Stack) else read_stack(name, str(raw))

    return Given(read, flags, help, "LAYERS")


def read_stack(name: str, text: str) -> Stack:
    """Read a stack.

    Raises NotationError, which shows the place, for whatever is not a stack of such layers.

    >>> read_stack("layers", "conv 16 3x3 s2, pool 2").items[1].text
    'pool 2'
    """
    if len(text) > MAX_TEXT:
        raise DlcalcError(f"--{name} has {len(text):,} characters", f"at most {MAX_TEXT:,} are read")
    return _Reader(text).stack()


class _Word(NamedTuple):
    kind: str
    text: str
    at: int


def _words(text: str) -> list[_Word]:
    found, place = [], 0
    pattern = compiled(_PIECES)
    while place < len(text):
        match = pattern.match(text, place)
        if match is None:
            open_ = text[place] == "("
            raise NotationError(
                "( is never closed" if open_ else f"{text[place]} closes nothing",
                "add )" if open_ else "remove it",
                text=text,
                position=place,
            )
        if match.lastgroup != "blank":
            found.append(_Word(str(match.lastgroup), match.group(), place))
        place = match.end()
    return [*found, _Word("end", "", len(text))]


class _Reader:
    """Reads items one after another, and repetitions inside each other."""

    def __init__(self, text: str) -> None:
        self.text, self.words, self.next, self.entrywise = text, _words(text), 0, False

    @property
    def here(self) -> _Word:
        return self.words[self.next]

    def take(self) -> _Word:
        word = self.here
        self.next += word.kind != "end"
        return word

    def fail(self, condition: str, fix: str, word: _Word | None = None) -> NoReturn:
        raise NotationError(condition, fix, text=self.text, position=(word or self.here).at)

    def stack(self) -> Stack:
        items = self.items(0)
        if self.here.kind != "end":
            opens = self.here.text == "{"
            fix = "write repeat 3 before it" if opens else "remove it"
            self.fail(f"{self.here.text} {'repeats' if opens else 'closes'} nothing", fix)
        if not items:
            self.fail("there is no layer with a window", "give at least one, such as 'conv 3x3'", self.words[0])
        return Stack(self.text.strip(), items, self.entrywise)

    def items(self, depth: int) -> tuple[Item, ...]:
        if depth > MAX_DEPTH:
            self.fail(f"repetitions are nested more than {MAX_DEPTH} deep", "multiply their numbers")
        found: list[Item] = []
        while True:
            while self.here.kind == "between":
                self.take()
            if self.here.kind != "word":
                return tuple(found)
            item = self.repeated(depth) if self.here.text.lower() == "repeat" else self.layer()
            found += [item] if item is not None else []
            if self.here.kind not in {"between", "end"} and self.here.text != "}":
                self.fail("two layers without anything between them", "write a comma between layers")

    def repeated(self, depth: int) -> Repeated:
        word = self.take()
        if self.here.kind != "word":
            self.fail("repeat needs a number", "write repeat 3 { conv 3x3 }")
        (count,) = self.quantity("repeat", self.take(), single=True)
        opening = self.take()
        if opening.text != "{":
            self.fail("repeat needs its layers in braces", "write repeat 3 { conv 3x3 }", opening)
        items = self.items(depth + 1)
        closing = self.take()
        if closing.text != "}":
            self.fail("{ is never closed", "add }", opening)
        if not items:
            self.fail("there is no layer with a window between these braces", "put one there", opening)
        return Repeated(count, items, self.written(word, closing))

    def written(self, first: _Word, last: _Word) -> str:
        return " ".join(self.text[first.at : last.at + len(last.text)].split())

    def layer(self) -> Windows | None:
        first = self.take()
        parts = []
        while self.here.kind == "word":
            parts.append(self.take())
        name = first.text.lower().replace("_", "-")
        if name in ENTRYWISE:
            self.entrywise = True
            return None
        if name in WHOLE:
            self.fail(f"{first.text} does not slide a window", "end the stack before it: what it sees is all", first)
        if name in BRANCHED:
            self.fail(f"{first.text} is not one path of windows", "write the longest path through it", first)
        if name not in WORDS:
            glued = compiled(_GLUED).fullmatch(name)
            known = (*WORDS, *ENTRYWISE, *WHOLE, "repeat")
            fix = f"write {glued[1]} {glued[2]}" if glued and glued[1] in WORDS else nearest(name, known)
            self.fail(f"{first.text[:40]} is no layer", fix or "the layers are conv, pool, relu, …", first)
        return self.windows(WORDS[name], first, parts)

    def windows(self, word: str, first: _Word, parts: Sequence[_Word]) -> Windows:
        values: dict[str, Any] = {}
        placed: list[_Word] = []
        index = 0
        while index < len(parts):
            index += self.argument(word, parts, index, values, placed)
        if placed and "kernel" not in values:
            values["kernel"] = self.quantity("kernel", placed.pop())
        most = 1 if word == "conv" else 0
        if len(placed) > most and placed[most].text.lower() in {*WORDS, *ENTRYWISE, *WHOLE, *BRANCHED}:
            self.fail("two layers without anything between them", "write a comma between layers", placed[most])
        if len(placed) > most:
            self.fail(f"{word} has no place for {placed[most].text}", "name it: s, p or d", placed[most])
        for filters in placed:
            if len(size_parts(filters.text)) > 1:
                self.fail(f"{filters.text} stands where the filters are", f"write {word} 64 3x3", filters)
            self.quantity("filters", filters, single=True)
        if "kernel" not in values:
            self.fail(f"{word} needs its kernel", f"write {word} 3x3", first)
        kernel = values["kernel"]
        stride = values.get("stride", kernel if word == "pool" else (ONE,))
        padding, dilation = values.get("padding", (ZERO,)), values.get("dilation", (ONE,))
        text = self.written(first, parts[-1])
        lengths = {len(v) for v in (kernel, stride, padding, dilation) if not isinstance(v, str) and len(v) > 1}
        if len(lengths) > 1:
            self.fail(f"{text} has sizes of {' and '.join(map(str, sorted(lengths)))} axes", "give them alike", first)
        return Windows(kernel, stride, padding, dilation, text, values.get("ceil", False))

    def argument(
        self, word: str, parts: Sequence[_Word], index: int, values: dict[str, Any], placed: list[_Word]
    ) -> int:
        """Read the argument at an index; return how many parts it takes."""
        part = parts[index]
        low = part.text.lower().replace("_", "-")
        if low in {"same", "valid"}:
            self.put(values, "padding", part, "same" if low == "same" else (ZERO,))
            return 1
        if low in SWITCHES.get(word, ()):
            values["ceil"] = values.get("ceil", False) or low == "ceil"
            return 1
        name, equals, value = part.text.partition("=")
        if equals:
            self.named(values, name.lower(), _Word("word", value, part.at + len(name) + 1), part)
            return 1
        follows = parts[index + 1] if index + 1 < len(parts) else None
        if low in NAMES and follows is not None and self.is_name(low, follows, values, placed):
            self.named(values, low, follows, part)
            return 2
        glued = compiled(_GLUED).fullmatch(low)
        if glued and glued[1] in NAMES:
            at = part.at + len(glued[1])
            self.named(values, glued[1], _Word("word", part.text[len(glued[1]) :], at), part)
            return 1
        placed.append(part)
        return 1

    @staticmethod
    def is_name(low: str, follows: _Word, values: dict[str, Any], placed: Sequence[_Word]) -> bool:
        """Say whether a letter such as s names what follows, or is a symbol in the place of the kernel."""
        valued = compiled(_VALUE).match(follows.text) is not None or follows.text in {"same", "valid"}
        return valued or len(low) > 1 or bool(placed) or "kernel" in values

    def named(self, values: dict[str, Any], name: str, value: _Word, part: _Word) -> None:
        if name not in NAMES:
            self.fail(f"there is no {name[:40] or 'name'} here", nearest(name, NAMES) or "use k, s, p or d", part)
        if not value.text:
            self.fail(f"{name} needs a value", f"write {name}=1", part)
        known = NAMES[name]
        if known == "padding" and value.text in {"same", "valid"}:
            self.put(values, known, part, "same" if value.text == "same" else (ZERO,))
        else:
            self.put(values, known, part, self.quantity(known, value))

    def put(self, values: dict[str, Any], name: str, part: _Word, value: Size | str) -> None:
        if name in values:
            self.fail(f"{name} is given twice", "give it once", part)
        values[name] = value

    def quantity(self, name: str, word: _Word, *, single: bool = False) -> Size:
        try:
            read = (read_scalar(name, word.text),) if single else read_size(name, word.text)
            return tuple(checked(name, value, whole=True, least=LEAST.get(name, 1)) for value in read)
        except NotationError as problem:
            raise NotationError(
                problem.condition.removeprefix("--"),
                problem.fix,
                text=self.text,
                position=word.at + min(problem.position, len(word.text)),
            ) from None
        except DlcalcError as problem:
            self.fail(problem.condition.removeprefix("--"), problem.fix, word)


def unrolled(items: Sequence[Item], *, most: int = MAX_LAYERS) -> list[Item]:
    """Write repetitions out whose number is known; those of an unknown number stay.

    Raises DlcalcError where there are too many layers.
    """
    found: list[Item] = []
    for item in items:
        if isinstance(item, Windows):
            found.append(item)
            continue
        inner = unrolled(item.items, most=most)
        if not isinstance(item.count, Num):
            found.append(Repeated(item.count, tuple(inner), item.text))
            continue
        if item.count.value * len(inner) + len(found) > most:
            raise DlcalcError(f"the stack has more than {most:,} layers", "give a symbol for the number of repetitions")
        found += inner * int(item.count.value)
    return found
