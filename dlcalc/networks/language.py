"""The stack language: text to layer records to a graph.

    stack  = item (("," | ";" | newline | "->") item)*
    item   = [label ":"] word argument*
           | "residual" "{" stack ["|" stack] "}"          a block and its shortcut (the input itself, unless given)
           | "parallel" ["concat" | "add"] "{" stack ("|" stack)* "}"
           | "repeat" number ["shared"] "{" stack "}"
           | "reuse" label                                 the same layer again, with the same weights
           | "input" size                                  first of all, in a file

An argument is a value in its place (`conv 16 7x7`), a named one (`stride=2`, `stride 2`, `s2`, `s 2`), a word (`same`,
`max`) or a switch (`no-bias`). Where windows alone matter, filters may be left out: `conv 7x7`, `conv 7`. Numbers may
be symbols and expressions (`2n`, `(k - 1)/2`); `#` starts a comment. Words come from the table in `kinds.py`, names of
arguments from the fields of its classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from dlcalc.errors import DlcalcError, NotationError, nearest
from dlcalc.givens import checked, read_scalar, size_parts
from dlcalc.networks.graph import MAX_NODES, Graph
from dlcalc.networks.joins import Add, Again, Concat, Input
from dlcalc.networks.kinds import BLOCKS, KINDS, Kind
from dlcalc.networks.layer import Argument, Layer, arguments
from dlcalc.networks.quantities import Quantity, Shape, put, tidy
from dlcalc.notation.expression import Expr, names
from dlcalc.notation.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_DEPTH = 40
"""Blocks inside blocks."""
MAX_TEXT = 20_000_000
"""Characters of a stack."""
_WORDS = (
    r"(?P<blank>[ \t\r\f\v]+|\#[^\n]*)|(?P<between>,|;|\n|->|→)|(?P<brace>[{}|])"
    r"|(?P<word>(?:\((?:[^()\n]|\([^()\n]*\))*\)|(?!->)[^\s,;{}|#()→])+)"
)
_SHORT = r"([a-z]+)([0-9(].*)"
_FOLLOWS = r"[0-9(].*"
"""What follows a letter that names it."""
_LABEL = r"([^\W\d][\w.-]*):(.*)"


class Word(NamedTuple):
    """A token, and where it stands."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Single:
    """One layer."""

    layer: Layer
    text: str
    where: int
    label: str = ""


@dataclass(frozen=True)
class Block:
    """Layers in braces: `residual`, `parallel`, `repeat`."""

    word: str
    branches: tuple[tuple[Item, ...], ...]
    where: int
    count: Quantity = 1
    shared: bool = False
    concat: bool = True
    label: str = ""
    end: int = -1
    """Where its last brace ends."""


@dataclass(frozen=True)
class Reuse:
    """A layer, or a block, that was labelled before."""

    label: str
    where: int


Item = Single | Block | Reuse


class Stack(NamedTuple):
    """A stack as it was written: the input that stands in it, if any, and its items."""

    text: str
    items: tuple[Item, ...]
    input: Shape | None = None


# reading


def read(text: str, *, filters: bool = True) -> Stack:
    """Read a stack; without `filters`, convolutions may leave theirs out, and what they give counts as 1.

    Raises NotationError, which shows the place, for whatever is not a stack.

    >>> [item.layer for item in read("fc 10, relu").items][0]
    Fc(units=10, bias=True)
    """
    if len(text) > MAX_TEXT:
        raise DlcalcError(f"the stack has {len(text):,} characters", f"at most {MAX_TEXT:,} are read")
    return _Reader(text, filters=filters).stack()


def _tokens(text: str) -> list[Word]:
    found, place = [], 0
    scanner = compiled(_WORDS).scanner(text)  # type: ignore[attr-defined]  # it is there, without a type
    while place < len(text):
        match = scanner.match()
        if match is None:
            what = "( is never closed" if text[place] == "(" else f"{text[place]!r} closes nothing"
            raise NotationError(what, "add ) to it" if text[place] == "(" else "remove it", text=text, position=place)
        if match.lastgroup != "blank":
            found.append(Word(match.lastgroup, match.group(), match.start()))
        place = match.end()
    return [*found, Word("end", "", len(text))]


class _Reader:
    """A recursive reader of items; the layers themselves are read by `layer`."""

    def __init__(self, text: str, *, filters: bool) -> None:
        self.text, self.filters = text, filters
        self.words = _tokens(text)
        self.next = 0
        self.labels: set[str] = set()

    @property
    def here(self) -> Word:
        return self.words[self.next]

    def take(self) -> Word:
        word = self.here
        self.next += word.kind != "end"
        return word

    def fail(self, condition: str, fix: str, word: Word | None = None, inside: int = 0) -> NoReturn:
        place = (word or self.here).at + inside
        raise NotationError(condition, fix, text=self.text, position=place)

    def stack(self) -> Stack:
        self.separators()
        shape = self.input() if self.here.text == "input" else None
        items = self.items(0)
        if self.here.kind != "end":
            self.fail(f"{self.here.text} closes nothing", "remove it")
        if not items:
            self.fail("the stack is empty", "give at least one layer, such as 'fc 10'")
        return Stack(self.text, items, shape)

    def input(self) -> Shape:
        self.take()
        if self.here.kind != "word":
            self.fail("input needs its size", "write input 224x224x3")
        word = self.take()
        return self.shape(word.text, word, Argument("input", "shape", 1, (), (), 1, required=True))

    def separators(self) -> None:
        while self.here.kind == "between":
            self.take()

    def items(self, depth: int) -> tuple[Item, ...]:
        if depth > MAX_DEPTH:
            self.fail(f"blocks are nested more than {MAX_DEPTH} deep", "repeat or flatten them")
        found = []
        self.separators()
        while self.here.kind == "word":
            found.append(self.item(depth))
            if self.here.kind not in {"between", "brace", "end"}:
                self.fail("two layers without anything between them", "write a comma between layers")
            self.separators()
        return tuple(found)

    def item(self, depth: int) -> Item:
        label = self.label()
        word = self.here
        if word.kind != "word":
            self.fail("a layer is missing after the label", "write the layer behind the colon")
        if word.text in BLOCKS:
            return self.block(label, depth)
        if word.text == "reuse":
            return self.reuse()
        return self.layer(label)

    def label(self) -> str:
        word = self.here
        match = compiled(_LABEL).fullmatch(word.text)
        if match is None:
            return ""
        name, rest = match[1], match[2]
        if name in self.labels:
            self.fail(f"the label {name} is given twice", "use another name")
        self.labels.add(name)
        self.words[self.next] = Word("word", rest, word.at + len(name) + 1)
        if not rest:
            self.take()
        return name

    def reuse(self) -> Reuse:
        start = self.take()
        if self.here.kind != "word":
            self.fail("reuse needs the label of a layer before it", "write NAME: before that layer, and reuse NAME")
        word = self.take()
        if word.text not in self.labels:
            self.fail(
                f"there is no layer labelled {word.text} before this",
                nearest(word.text, self.labels) or f"write {word.text}: before the layer that is meant",
                word,
            )
        return Reuse(word.text, start.at)

    def block(self, label: str, depth: int) -> Block:
        word = self.take()
        count: Quantity = 1
        options = set()
        if word.text == "repeat":
            count = self.count()
        allowed = {"repeat": {"shared"}, "parallel": {"concat", "add"}, "residual": set[str]()}[word.text]
        while self.here.kind == "word":
            option = self.take()
            if option.text not in allowed:
                fix = nearest(option.text, allowed) or f"write {word.text} {{ … }}"
                self.fail(f"{word.text} does not know {option.text}", fix, option)
            options.add(option.text)
        branches = self.branches(word, depth)
        most = {"repeat": 1, "residual": 2}.get(word.text, len(branches))
        if len(branches) > most:
            self.fail(f"{word.text} has {len(branches)} branches", f"use at most {most}", word)
        if word.text != "parallel" and not branches[0]:
            self.fail(f"{word.text} {{ }} has no layers", "put layers between the braces", word)
        end = self.words[self.next - 1].at + 1
        return Block(word.text, branches, word.at, count, "shared" in options, "add" not in options, label, end)

    def count(self) -> Quantity:
        if self.here.kind != "word":
            self.fail("repeat needs a number", "write repeat 3 { … }")
        return self.quantity("repeat", self.here.text, self.take(), least=1)

    def branches(self, word: Word, depth: int) -> tuple[tuple[Item, ...], ...]:
        opening = self.take()
        if opening.text != "{":
            self.fail(f"{word.text} needs layers in braces", f"write {word.text} {{ … }}", opening)
        found = [self.items(depth + 1)]
        while self.here.text == "|" and self.here.kind == "brace":
            self.take()
            found.append(self.items(depth + 1))
        if self.here.text != "}":
            what = "{ is never closed" if self.here.kind == "end" else f"{self.here.text} is not expected here"
            self.fail(what, "add }", opening if self.here.kind == "end" else self.here)
        self.take()
        return tuple(found)

    # layers

    def layer(self, label: str) -> Single:
        first = self.take()
        parts = [first]
        while self.here.kind == "word":
            parts.append(self.take())
        written = " ".join(part.text for part in parts)
        try:
            layer = _layer(tuple(part.text for part in parts), filters=self.filters)
        except _Unread as problem:
            word = parts[problem.part]
            self.fail(problem.condition, problem.fix, word, problem.inside)
        return Single(layer, written, first.at, label)

    def shape(self, text: str, word: Word, argument: Argument) -> Shape:
        try:
            return _shape(text, argument)
        except _Unread as problem:
            self.fail(problem.condition, problem.fix, word, problem.inside)

    def quantity(self, name: str, text: str, word: Word, *, least: int) -> Quantity:
        try:
            return _quantity(name, text, least)
        except _Unread as problem:
            self.fail(problem.condition, problem.fix, word, problem.inside)


# layers


class _Unread(Exception):  # noqa: N818 (it becomes a NotationError, which knows the text)
    """A part of a layer that cannot be read, and where in it."""

    def __init__(self, condition: str, fix: str, part: int = 0, inside: int = 0) -> None:
        super().__init__(condition)
        self.condition, self.fix, self.part, self.inside = condition, fix, part, inside


@lru_cache(maxsize=4_096)
def _layer(parts: tuple[str, ...], *, filters: bool) -> Layer:
    """Make the layer that a word and its arguments say; a network says the same many times."""
    word = parts[0].lower().replace("_", "-")
    kind = KINDS.get(word)
    if kind is None:
        known = (*KINDS, *BLOCKS)
        glued = compiled(r"([a-z-]+?)-?(\d.*)").fullmatch(word)
        fix = f"write {glued[1]} {glued[2]}" if glued and glued[1] in KINDS else nearest(word, known)
        raise _Unread(f"{parts[0][:40]} is no layer", fix or "the layers are conv, pool, relu, flatten, fc, …")
    read = _Arguments(word, kind)
    index = 1
    while index < len(parts):
        index += read.take(parts, index)
    if not filters:
        read.leave_out_filters(parts)
    return read.made()


class _Arguments:
    """The arguments of one layer, as they come."""

    def __init__(self, word: str, kind: Kind) -> None:
        self.word, self.kind = word, kind
        self.known = [a for a in arguments(kind.make) if a.name not in kind.preset]
        self.values: dict[str, Any] = dict(kind.preset)
        self.places: dict[str, int] = {}
        """Where the values stand that have no name."""

    def take(self, parts: Sequence[str], index: int) -> int:
        """Read the argument at an index; return how many parts it takes."""
        part = parts[index]
        low = part.lower().replace("_", "-")
        name, equals, value = part.partition("=")
        if equals:
            argument = self.named(name.lower().replace("_", "-"), index)
            self.put(argument, value, index, len(name) + 1)
            return 1
        for argument in self.known:
            if low in argument.words:
                self.put(argument, low, index)
                return 1
            if argument.sort == "switch" and low.removeprefix("no-") in argument.flags:
                self.put(argument, low, index)
                return 1
        long = self.find(low) if len(low) > 2 else self.letter(parts, index)  # noqa: PLR2004 (letters may be symbols)
        if long is not None:
            if index + 1 == len(parts):
                raise _Unread(f"{part} needs a value", f"write {part}=1", index)
            self.put(long, parts[index + 1], index + 1)
            return 2
        short = compiled(_SHORT).fullmatch(part)
        glued = self.find(short[1]) if short else None
        if short and glued is not None:
            self.put(glued, short[2], index, len(short[1]))
            return 1
        if low in KINDS or low in BLOCKS:
            raise _Unread("two layers without anything between them", f"write a comma before {part}", index)
        close = nearest(low, [*KINDS, *BLOCKS]) if len(low) > 2 and low.isalpha() else ""  # noqa: PLR2004 (C, in: symbols)
        if close:
            raise _Unread(f"{part} is no argument", f"{close} Then write a comma before it", index)
        argument = self.placed(part, index)
        self.put(argument, part, index)
        self.places[argument.name] = index
        return 1

    def letter(self, parts: Sequence[str], index: int) -> Argument | None:
        """Find what a letter names that stands before its value: s 2, p same, s s.

        A letter such as k, of an argument that has to be there, is a symbol in its place; there `k 2` is refused.
        """
        found = self.find(parts[index]) if index + 1 < len(parts) else None
        if found is None:
            return None
        follows = parts[index + 1]
        numeric = compiled(_FOLLOWS).fullmatch(follows) is not None
        if not found.required:
            return found if numeric or follows == parts[index] or follows in found.words else None
        if numeric and found.sort == "axes" and self.placed(parts[index], index) is found:
            one, two = f"{parts[index]}={follows}", f"s={follows}"
            raise _Unread(
                f"{parts[index]} {follows} is a {found.name} of {follows}, or a {found.name} {parts[index]} and then "
                f"{follows}",
                f"write {one}, or {parts[index]} {two}",
                index,
            )
        return None

    def find(self, name: str) -> Argument | None:
        return next((a for a in self.known if name in a.flags and a.sort != "switch"), None)

    def named(self, name: str, index: int) -> Argument:
        found = self.find(name)
        if found is None:
            flags = [flag for a in self.known for flag in a.flags]
            fix = nearest(name, flags) or f"it takes {', '.join(a.flags[0] for a in self.known) or 'nothing'}"
            raise _Unread(f"{self.word} has no {name[:40] or 'argument without a name'}", fix, index)
        return found

    def placed(self, part: str, index: int) -> Argument:
        """Find whose place it is: a size such as 3x3 is never a count."""
        free = [a for a in self.known if a.place and a.name not in self.values and a.sort not in {"word", "switch"}]
        if len(size_parts(part)) > 1 and any(a.sort in {"axes", "shape"} for a in free):
            free = [a for a in free if a.sort != "count"]
        if not free:
            words = [w for a in self.known for w in (*a.words, *(a.flags if a.sort == "switch" else ()))]
            words += [f"no-{a.flags[0]}" for a in self.known if a.sort == "switch"]
            words += [flag for a in self.known for flag in a.flags if len(flag) > 2]  # noqa: PLR2004 (as above)
            fix = nearest(part.lower(), words) or (f"it takes {self.usage()}" if self.known else f"write {self.word}")
            raise _Unread(f"{self.word} has no place for {part[:40]}", fix, index)
        return free[0]

    def usage(self) -> str:
        """Write what it takes."""
        placed = [a.flags[0].upper() for a in self.known if a.place]
        return " ".join(placed + [f"{a.flags[0]}=…" for a in self.known if not a.place and a.sort != "switch"])

    def put(self, argument: Argument, text: str, index: int, inside: int = 0) -> None:
        """Read a value."""
        if argument.name in self.values:
            raise _Unread(f"{self.word} has {argument.flags[0]} twice", "give it once", index, inside)
        try:
            self.values[argument.name] = _value(argument, text)
        except _Unread as problem:
            raise _Unread(problem.condition, problem.fix, index, inside + problem.inside) from None

    def leave_out_filters(self, parts: Sequence[str]) -> None:
        """Do without filters: a number alone is the kernel."""
        if not {"channels", "kernel"} <= {argument.name for argument in self.known}:
            return
        place = self.places.get("channels", 0)
        if place and "kernel" not in self.values:
            self.values["kernel"] = (self.values.pop("channels"),)
        elif place > self.places.get("kernel", place):
            number, kernel = parts[place], parts[self.places["kernel"]]
            fix = f"write {self.word} {number} {kernel} for filters, {self.word} {kernel} s{number} for a stride"
            raise _Unread(f"{number} stands behind the kernel {kernel}", fix, place)
        if "kernel" not in self.values:
            raise _Unread(f"{self.word} needs its kernel", f"write {self.word} 3x3, or with filters {self.word} 16 3x3")
        self.values.setdefault("channels", 1)

    def made(self) -> Layer:
        """Make the layer, if nothing is missing."""
        for argument in self.known:
            if argument.required and argument.name not in self.values:
                name = argument.flags[0]
                raise _Unread(f"{self.word} needs its {name}", f"write {self.word} {self.usage()}")
        return self.kind.make(**self.values)


def _value(argument: Argument, text: str) -> Any:  # noqa: ANN401 (what the field holds)
    name = argument.flags[0]
    if argument.sort == "switch":
        return not text.startswith("no-")
    if text in argument.words:
        return {"average": "avg"}.get(text, text)
    if argument.sort == "word":
        raise _Unread(f"{name} {text[:40]} is not known", nearest(text, argument.words) or " or ".join(argument.words))
    if argument.sort == "number":
        return _number(name, text)
    if argument.sort == "count":
        return _quantity(name, text, argument.least)
    if argument.sort == "padding":
        return _padding(name, text, argument)
    return _shape(text, argument)


def _padding(name: str, text: str, argument: Argument) -> Any:  # noqa: ANN401 (pairs, or a word)
    if argument.words and text.isalpha() and len(text) > 2 and (close := nearest(text, argument.words)):  # noqa: PLR2004
        raise _Unread(f"{name} {text[:40]} is not known", close)
    pairs = []
    for part in size_parts(text):
        before, colon, after = part.partition(":")
        first = _quantity(name, before, argument.least)
        pairs.append((first, _quantity(name, after, argument.least) if colon else first))
    return tuple(pairs)


def _shape(text: str, argument: Argument) -> Shape:
    return tuple(_quantity(argument.name, part, argument.least) for part in size_parts(text))


def _number(name: str, text: str) -> Quantity:
    try:
        return tidy(read_scalar(name, text))
    except NotationError as problem:
        raise _Unread(problem.condition.removeprefix("--"), problem.fix, inside=problem.position) from None
    except DlcalcError as problem:
        raise _Unread(problem.condition.removeprefix("--"), problem.fix) from None


def _quantity(name: str, text: str, least: int) -> Quantity:
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least:  # noqa: PLR2004 (the usual case)
        return int(text)
    value = _number(name, text)
    try:
        if not isinstance(value, Expr):
            value = tidy(checked(name, read_scalar(name, value), whole=True, least=least))
        else:
            checked(name, value, whole=True, least=least)
    except DlcalcError as problem:
        raise _Unread(problem.condition.removeprefix("--"), problem.fix) from None
    return value


# building


def build(stack: Stack, shape: Shape, values: Mapping[str, Quantity] | None = None) -> Graph:
    """Build the graph of a stack; with values for its symbols, in numbers."""
    builder = _Builder(Graph(text=stack.text), values or {})
    start = builder.graph.add(Input(tuple(put(q, builder.values) for q in shape)), text="input")
    builder.items(stack.items, start)
    return builder.graph


class _Builder:
    """Adds items to a graph, one after another."""

    def __init__(self, graph: Graph, values: Mapping[str, Quantity]) -> None:
        self.graph, self.values = graph, values
        self.labelled: dict[str, tuple[Single | Block, int]] = {}
        self.times: Quantity = 1
        self.copies: Quantity = 1

    def items(self, items: Sequence[Item], start: int, shares: int | None = None) -> int:
        """Add items; `shares` is where the nodes begin whose weights they use again."""
        place = start
        for item in items:
            begin = self.graph.last + 1
            place = self.item(item, place, shares)
            if shares is not None:
                shares += self.graph.last + 1 - begin
        return place

    def item(self, item: Item, start: int, shares: int | None) -> int:
        if isinstance(item, Reuse):
            meant, first = self.labelled[item.label]
            return self.item(replace(meant, where=item.where, label=""), start, first)
        if item.label:
            self.labelled[item.label] = (item, self.graph.last + 1)
        if isinstance(item, Single):
            layer = _with_values(item.layer, self.values) if self.values else item.layer
            return self.add(layer, start, item, text=item.text, name=item.label, shares=shares)
        if item.word == "repeat":
            return self.repeat(item, start, shares)
        ends = []
        for branch in item.branches:
            begin = self.graph.last + 1
            ends.append(self.items(branch, start, shares))
            if shares is not None:
                shares += self.graph.last + 1 - begin
        if item.word == "residual":
            if len(ends) == 1:
                ends.append(start)
            return self.add(Add(residual=True), *ends, item, text="add", name=item.label, shares=shares)
        join: Layer = Concat() if item.concat else Add()
        return self.add(join, *ends, item, text="concat" if item.concat else "add", name=item.label, shares=shares)

    def add(self, layer: Layer, *rest: Any, **details: Any) -> int:  # noqa: ANN401 (indices, then the item)
        *inputs, item = rest
        return self.graph.add(layer, *inputs, where=item.where, times=self.times, copies=self.copies, **details)

    def repeat(self, item: Block, start: int, shares: int | None) -> int:
        (body,) = item.branches
        count = put(item.count, self.values)
        if not isinstance(count, int):
            return self.rounds(item, count, start, shares)
        if count > MAX_NODES:
            raise DlcalcError(f"the network has more than {MAX_NODES:,} layers", "repeat less often")
        first, row = self.graph.last + 1, self.graph.next_row
        place = start
        for turn in range(count):
            if turn and isinstance(item.count, Expr):  # the rounds of a symbolic repeat share their rows
                self.graph.next_row = row
            begin = self.graph.last + 1
            place = self.items(body, place, first if item.shared and turn else shares)
            if shares is not None and not item.shared:
                shares += self.graph.last + 1 - begin
        if isinstance(item.count, Expr):
            place = self.add(Again(), place, place, item, text="repeat", name=item.label)
        return place

    def rounds(self, item: Block, count: Quantity, start: int, shares: int | None) -> int:
        """Add one round that stands for a number of them that is not known."""
        outer = self.times, self.copies
        self.times = tidy(self.times * count)
        self.copies = self.copies if item.shared else tidy(self.copies * count)
        after = self.items(item.branches[0], start, shares)
        self.times, self.copies = outer
        return self.add(Again(), after, start, item, text=f"repeat {count}", name=item.label)


def _with_values(layer: Layer, values: Mapping[str, Quantity]) -> Layer:
    """Put numbers in the place of the symbols of a layer."""
    changed = {}
    for argument in arguments(type(layer)):
        before = getattr(layer, argument.name)
        after = _put(before, values)
        if after != before:
            _possible(argument, after)
            changed[argument.name] = after
    return replace(layer, **changed) if changed else layer


def _possible(argument: Argument, value: Any) -> None:  # noqa: ANN401 (what a field holds)
    """Refuse what is no size: less than the least, or not whole."""
    if isinstance(value, tuple):
        for part in value:
            _possible(argument, part)
    elif (isinstance(value, int) and value < argument.least) or (isinstance(value, Expr) and not names(value)):
        raise DlcalcError(f"{argument.flags[0]} {value} is no size", "use another number")


def _put(value: Any, values: Mapping[str, Quantity]) -> Any:  # noqa: ANN401 (what a field holds)
    if isinstance(value, tuple):
        return tuple(_put(v, values) for v in value)
    return put(value, values) if isinstance(value, Expr) else value
