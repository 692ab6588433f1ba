"""Output size of a convolution, or the one size that gives a known output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Literal

from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, Size, choice, scalar, size, switch
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Num,
    Relation,
    Sym,
    add,
    div,
    expr,
    fold,
    mul,
    substitute,
    walk,
)
from dlcalc.notation.functions import call, ceil, floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Answer, Domain, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from dlcalc.notation.printing import Value

MAX_PLACES = 100_000
"""Places of a window that a route visits one by one; where there are more, there is no such route."""
MAX_REACH = 500
"""Symbols are sampled up to numbers of this size, where it takes such to meet what an answer rests on."""
MAX_LISTED = 32
"""Solutions that are listed; of more, the least and the most are given."""
NEIGHBOURS = 3
"""Candidates beyond each end of the solutions that are tried too."""

QUANTITIES = ("input", "kernel", "stride", "padding", "dilation", "output")
UNKNOWNS = QUANTITIES[:-1]
LETTER = dict(zip(QUANTITIES, "nkspdo", strict=True))
DEFAULT = {"stride": ONE, "padding": ZERO, "dilation": ONE}
LEAST = dict.fromkeys(QUANTITIES, 1) | {"padding": 0}
SHRINKS = {"kernel", "stride", "dilation"}
"""The quantities that make the output smaller where they grow."""
LENGTH = Domain(Fraction(1), Fraction(40), whole=True)
FEW = Domain(Fraction(1), Fraction(4), whole=True)
PADDING = Domain(Fraction(0), Fraction(4), whole=True)
DOMAIN = dict(zip(QUANTITIES, (LENGTH, COUNT, COUNT, PADDING, FEW, LENGTH), strict=True))
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
SPATIAL = {1: 1, 2: 2, 3: 2, 4: 3}
"""Spatial axes of a size of so many numbers, unless --dims says otherwise."""
ENTRIES = {
    "length": ("entry", "entries"),
    "depth": ("slice", "slices"),
    "height": ("row", "rows"),
    "width": ("column", "columns"),
}

Row = tuple[Expr | None, ...]
"""The givens of one axis in the order of `QUANTITIES`; None is not given."""
Said = tuple[tuple[str, ...], tuple[str, ...]]
"""Conventions and assumptions."""


@topic(
    area="layers",
    answers=("output", "padding_before", "padding_after", *UNKNOWNS, "filter_size", "filters"),
    examples=(
        "--input 256x256x3 --kernel 3 --stride 2 --padding 1 --filters 8",
        "-i n -k f -p p -s s",
        "-i 28x28 -k 5 -s 2 -p same",
        "-i 32x32x3 --output 26x26x16 --solve kernel",
        "--output 112 -k 3 -s 2 -p 1 --solve input",
        "-i n --output n -k k --solve padding",
        "-i d --output d -k 3 -p 1 --solve stride",
        "-i 7 --output 3 -k 3 --solve dilation",
    ),
)
def conv_out(
    *,
    input: Annotated[
        Size | None, size("-i", help="Size of the input: 32, 32x28, or 256x256x3 with the channels.")
    ] = None,
    kernel: Annotated[
        Size | None, size("-k", "--kernel-size", help="Size of the window: 3, 3x5, or 7x7x3 with the channels.")
    ] = None,
    stride: Annotated[Size | None, size("-s", help="How far the window moves at a time (default 1).")] = None,
    padding: Annotated[
        Size | str | None,
        size("-p", least=0, words=("same", "valid"), help="Zeros at each end: 1, 1x2, same or valid (default 0)."),
    ] = None,
    dilation: Annotated[Size | None, size("-d", help="Distance between the window's entries (default 1).")] = None,
    out_channels: Annotated[
        Expr | None,
        scalar(
            "--filters", "--num-filters", help="Number of filters: the channels of the output.", whole=True, least=1
        ),
    ] = None,
    output: Annotated[
        Size | None, size("-o", help="Size of the output, with or without its channels, for --solve.")
    ] = None,
    solve: Annotated[str | None, choice(*UNKNOWNS, help="What to find from the output.")] = None,
    dims: Annotated[str | None, choice("1", "2", "3", help="How many axes are spatial (default: as above).")] = None,
    strict: Annotated[bool, switch(help="Refuse a stride that leaves a remainder (default: no).")] = False,
) -> Solution:
    """Output size of a convolution.

    Along each axis ⌊(n + 2p − d(k − 1) − 1)/s⌋ + 1, with dilation 1 the familiar ⌊(n + 2p − k)/s⌋ + 1; the channels
    of the output are the filters. With `same` padding ⌈n/s⌉. With --output and --solve: every input, kernel, stride,
    padding or dilation that gives this output. Three numbers are height x width x channels, one or two have no
    channels; --dims counts the spatial axes (3: a volume; 1: 100x8 is length x channels).
    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); torch.nn.Conv2d;
    tf.nn.convolution for `same`.

    Raises DlcalcError when the window does not fit, no whole number solves, or the sizes contradict each other.

    >>> conv_out(input="227x227x3", kernel=11, stride=4, filters=96).value
    [55, 55, 96]
    >>> conv_out(input="32x32x3", output="26x26x16", solve="kernel").value
    7
    """
    given: dict[str, Any] = dict(zip(QUANTITIES, (input, kernel, stride, padding, dilation, output), strict=True))
    _asked_completely(given, solve)
    if strict and solve:
        raise DlcalcError("--strict has no meaning with --solve", "leave out one of them")
    same = padding == "same"
    rows, channels = _read(given, dims, solve)
    depth = _agreed(("input", channels.get("input")), ("kernel", channels.get("kernel")))
    filters = _agreed(("output", channels.get("output")), ("filters", out_channels))
    question = _question(rows, solve, same=same and solve is None, others=(depth, filters))
    said = _conventions(given, len(rows), channels, solve)
    if solve is None:
        return _sized(question, depth, filters, said, strict=strict)
    return _solved(question, solve, depth, channels.get("output"), said)


# reading


def _asked_completely(given: Mapping[str, Any], solve: str | None) -> None:
    """Refuse a question with too few givens, or with one too many."""
    same = given["padding"] == "same"
    if solve is None and given["output"] is not None:
        raise DlcalcError(
            f"--output {_shown(given['output'])} is given, but nothing to solve for",
            f"add --solve {'|'.join(UNKNOWNS)}, or hand the output in with --answer",
        )
    if solve is not None and given["output"] is None:
        raise DlcalcError(f"--solve {solve} needs the output", "add --output SIZE")
    if solve is not None and given[solve] is not None:
        raise DlcalcError(f"--solve {solve}, but --{solve} {_shown(given[solve])} is given", "leave out one of them")
    if same and solve in {"kernel", "dilation"}:
        raise DlcalcError(f"with 'same' padding every {solve} gives the same output", "give --padding as a number")
    for name, hint in (("input", ""), ("kernel", " (1 where the input is only padded)")):
        if given[name] is None and name != solve and not (name == "kernel" and same and solve):
            raise DlcalcError(f"--{name} is missing", f"add --{name} SIZE{hint}")


def _shown(given: Size | str) -> str:
    return given if isinstance(given, str) else "x".join(map(plain, given))


def _read(given: Mapping[str, Any], dims: str | None, solve: str | None) -> tuple[tuple[Row, ...], dict[str, Expr]]:
    """Split every given into its axes and its channels; one number holds on every axis."""
    known: Size = given["output"] if given["input"] is None else given["input"]
    if dims is None and len(known) not in SPATIAL:
        raise DlcalcError(f"{_shown(known)} has {len(known)} numbers", "give at most three axes and the channels")
    axes = SPATIAL[len(known)] if dims is None else int(dims)
    columns: list[Sequence[Expr | None]] = []
    channels: dict[str, Expr] = {}
    for name, value in _plain_numbers(given, solve).items():
        column: Sequence[Expr | None] = (None,) if value is None else value
        one_axis = axes == 1 and dims is None and name == "kernel"  # 3x5 on a 32 is two axes, not one with channels
        if name in {"input", "kernel", "output"} and value is not None and len(value) == axes + 1 and not one_axis:
            *column, channels[name] = value
        if len(column) not in {1, axes}:
            raise _wrong_axes(name, value, axes, known)
        columns.append(column if len(column) == axes else tuple(column) * axes)
    return tuple(zip(*columns, strict=True)), channels


def _plain_numbers(given: Mapping[str, Any], solve: str | None) -> dict[str, Any]:
    """Put numbers for what is not given and for the words; 'same' starts as a window of one entry does, unpadded."""
    found = {
        name: (DEFAULT[name],) if value is None and name in DEFAULT and name != solve else value
        for name, value in given.items()
    }
    if isinstance(given["padding"], str):
        found["padding"] = (ZERO,)
    if given["padding"] == "same" and solve:
        found |= {"kernel": (ONE,), "dilation": (ONE,)}
    return found


def _wrong_axes(name: str, value: Size, axes: int, known: Size) -> DlcalcError:
    shown = f"{name} {_shown(value)} has {len(value)} numbers"
    if axes == 1 and len(known) == 1:
        return DlcalcError(f"{shown}, but {_shown(known)} is one axis", f"write {_shown(known * 2)} for two axes")
    return DlcalcError(f"{shown}, but there are {axes} spatial axes", f"give 1 or {axes} numbers, or another --dims")


def _agreed(*said: tuple[str, Expr | None]) -> Expr | None:
    """Return the channels that either of two options says; they must not contradict each other."""
    (first, one), (second, other) = said
    if one is not None and other is not None and one != other:
        fix = "give them once" if second == "filters" else "mend one, or add --dims 3 where all three axes are spatial"
        raise DlcalcError(f"--{first} has {plain(one)} channels, --{second} {plain(other)}", fix)
    return other if one is None else one


def _conventions(given: Mapping[str, Any], axes: int, channels: Collection[str], solve: str | None) -> Said:
    """Say how the sizes were read, and what was taken for granted."""
    readings: dict[str, list[str]] = {}
    for name in ("input", "kernel", "output"):
        if given[name] is not None and (len(given[name]) > 1 or name != "kernel"):
            order = (*AXES[axes], "channels") if name in channels else AXES[axes]
            readings.setdefault(" × ".join(order) if len(order) > 1 else "one axis, its length", []).append(name)
    conventions = [f"{' and '.join(names)} read as {order}" for order, names in readings.items()]
    if axes > 1:
        conventions[-1] += "; a single number holds on every axis"
    if given["padding"] == "same":
        conventions.append("'same' as in TensorFlow: output ⌈input/stride⌉, of an odd padding the extra zero after")
        if solve:
            conventions.append("its windows start where those of a kernel of 1 without padding do")
    taken = [f"{name} {unicode(value)}" for name, value in DEFAULT.items() if given[name] is None and name != solve]
    return tuple(conventions), (f"{', '.join(taken)} (not given)",) if taken else ()


# expressions of whole numbers


def _terms(node: Expr, times: Fraction = Fraction(1)) -> dict[Expr, Fraction]:
    """Split a sum into its terms and their coefficients; the constant is the coefficient of 1."""
    match node:
        case Num(value):
            return {ONE: times * value}
        case Add(terms):
            found: dict[Expr, Fraction] = {}
            for atom, coefficient in (pair for term in terms for pair in _terms(term, times).items()):
                found[atom] = found.get(atom, Fraction(0)) + coefficient
            return found
        case Mul((Num(value), *rest)):
            return _terms(mul(*rest), times * value)
        case Div(top, Num(value)) if (times / value).denominator == 1:
            return _terms(top, times / value)
    return {node: times}


def _sum(terms: Mapping[Expr, Fraction]) -> Expr:
    """Write the terms in their order, the constant last; but a positive one first where there is one."""
    positive = [atom for atom, coefficient in terms.items() if coefficient > 0]
    lead = next((atom for atom in positive if atom != ONE), ONE if positive else None)
    ordered = sorted(terms, key=lambda atom: (atom != lead, atom == ONE))
    return add(*(mul(Num(terms[atom]), atom) for atom in ordered))


def neat(node: Expr) -> Expr:
    """Compute what is exact, collect like terms, and take whole numbers out of a floor or a ceiling.

    >>> n = Sym("n")
    >>> print(neat(floor((2 * n + 2 - 3) / expr(2)) + 1))
    n
    """
    match node:
        case Call("floor" | "ceil", (Div(top, bottom),)) if neat(bottom) == ONE:  # whole numbers stay whole
            return neat(top)
        case Call(("floor" | "ceil") as function, (inside,)):
            return _rounded(function, neat(inside))
        case Call(function, arguments):
            return call(function, *map(neat, arguments))
        case Add(parts) | Mul(parts):
            together = add if isinstance(node, Add) else mul
            return _sum(_terms(together(*map(neat, parts))))
        case Div(top, bottom):
            return div(neat(top), neat(bottom))
    return fold(node)


def _rounded(function: str, inside: Expr) -> Expr:
    """Round a quotient: what is whole in it comes out."""
    top, bottom = (inside.numerator, inside.denominator) if isinstance(inside, Div) else (inside, ONE)
    if isinstance(bottom, Num):
        terms = {atom: c / bottom.value for atom, c in _terms(top).items()}
        constant = Num(terms.pop(ONE, Fraction(0)))
        if all(c.denominator == 1 and _is_whole(atom) for atom, c in terms.items()):
            return add(_sum(terms), call(function, constant))
    return call(function, inside)


def _is_whole(atom: Expr) -> bool:
    """Say whether an expression is whole because each of its parts is."""
    return all(
        isinstance(part, Sym | Add | Mul) or (isinstance(part, Num) and part.value.denominator == 1)
        for part in walk(atom)
    )


# brute force, which knows no formula


def slid(*, input: int, kernel: int, stride: int, padding: int, dilation: int, after: int | None = None) -> int:
    """Count the places of a window that is moved over a padded axis until it sticks out.

    >>> slid(input=5, kernel=3, stride=2, padding=0, dilation=1)
    2
    """
    axis = range(-padding, input + (padding if after is None else after))
    window = range(-padding, -padding + dilation * kernel, dilation)
    places = 0
    while window[0] in axis and window[-1] in axis:
        window, places = range(window.start + stride, window.stop + stride, dilation), places + 1
    return places


def lacking(*, input: int, kernel: int, stride: int, dilation: int) -> int:
    """Count the zeros to be added until the window has a place for every start inside the input.

    >>> lacking(input=5, kernel=3, stride=2, dilation=1)
    2
    """
    layer = {"input": input, "kernel": kernel, "stride": stride, "dilation": dilation}
    wanted, zeros = starts(input, stride), 0
    while slid(**layer, padding=0, after=zeros) < wanted:
        zeros += 1
    return zeros


def starts(input: int, stride: int) -> int:
    """Count the starts of windows inside an axis: every stride-th entry."""
    return sum(1 for entry in range(input) if entry % stride == 0)


def dealt(zeros: int) -> tuple[int, int]:
    """Deal zeros to the end and the beginning of an axis in turn; return those before and those after."""
    turns = [turn % 2 for turn in range(zeros)]
    return turns.count(1), turns.count(0)


# the letters of a question


@dataclass(frozen=True, slots=True)
class Window:
    """The letters along one axis (or several alike), the givens they stand for, and the formulas between them."""

    n: Expr
    k: Expr
    s: Expr
    p: Expr
    d: Expr
    o: Sym
    """The output, counted by sliding the window."""
    values: Mapping[str, Expr]
    tag: str
    """What stands behind the names of the padding: total, before, after."""
    axis: str
    """The name of the axis, where the axes differ."""
    same: bool
    """True where the padding follows from the size (`same`)."""

    @property
    def span(self) -> Expr:
        """Entries from the window's first to its last."""
        return self.k if self.d == ONE else self.d * (self.k - 1) + 1

    @property
    def room(self) -> Expr:
        """How far the window can move."""
        padded = self.n + 2 * self.p
        return padded - self.k if self.d == ONE else padded - self.d * (self.k - 1) - 1

    @property
    def size(self) -> Expr:
        """The formula of the output."""
        return ceil(self.n / self.s) if self.same else floor(self.room / self.s) + 1

    @property
    def excess(self) -> Expr:
        """How many entries o windows cover beyond the input; negative where they end before it."""
        return (self.o - 1) * self.s + self.span - self.n

    def letter(self, quantity: str) -> Expr:
        """Return the letter of a quantity."""
        found: Expr = getattr(self, LETTER[quantity])
        return found

    def put(self, formula: Expr, **more: Expr) -> Expr:
        """Put the givens in, as written."""
        return substitute(formula, {**self.values, **more})

    def at(self, formula: Expr, **more: Expr) -> Expr:
        """Put the givens in, and compute."""
        return neat(self.put(formula, **more))

    def sizes(self, point: Mapping[str, Any], *, given: bool) -> dict[str, int]:
        """Compute the quantities at a point: the letters' own, or those that the givens have there."""
        letters = {quantity: self.letter(quantity) for quantity in UNKNOWNS}
        return {q: int(PLAIN.value(self.at(e) if given else e, point)) for q, e in letters.items()}

    def places(self, point: Mapping[str, Any], *, given: bool = False) -> int:
        """Count the places of the window by sliding it; of `same` padding, its starts inside the input."""
        found = self.sizes(point, given=given)
        return starts(found["input"], found["stride"]) if self.same else slid(**found)

    def most_places(self, domains: Mapping[str, Domain], **more: Expr) -> int:
        """Bound the places that sliding visits, with symbols at their largest."""
        sizes = [self.at(e, **more) for e in (self.n + 2 * self.p, self.span if self.same else ONE)]
        high = {name: Num(domains[name].high) for name in symbols(*sizes)}
        found = neat(substitute(mul(*sizes), high))
        return int(found.value) if isinstance(found, Num) else MAX_PLACES + 1

    def zeros(self, point: Mapping[str, Any], *, given: bool = False) -> int:
        """Count the zeros that `same` padding takes."""
        found = self.sizes(point, given=given)
        return lacking(**{quantity: found[quantity] for quantity in found if quantity != "padding"})

    def before(self, point: Mapping[str, Any]) -> int:
        """Count those of them that come before the input."""
        return dealt(self.zeros(point))[0]

    def after(self, point: Mapping[str, Any]) -> int:
        """Count those of them that come after the input."""
        return dealt(self.zeros(point))[1]

    @property
    def written_room(self) -> str:
        """The room in words: with its numbers as they were given, between symbols collected."""
        return unicode(self.at(self.room) if symbols(self.at(self.room)) else self.put(self.room))

    def about(self, text: str) -> str:
        """Say something, with the axis where the axes differ."""
        return f"{self.axis}: {text}" if self.axis else text


@dataclass(frozen=True, slots=True)
class Need:
    """A relation between symbols that an answer rests on, and how to say it."""

    relation: Relation
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """The windows axis by axis, where their letters are sampled, and what the givens must satisfy to make sense."""

    axes: tuple[Window, ...]
    domains: Mapping[str, Domain]
    symbols: tuple[str, ...]
    """The names that the givens use."""
    needs: tuple[Need, ...] = ()
    met: bool = True
    """True where sampling reaches points that meet the needs."""

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows that differ."""
        return tuple({window.o: window for window in self.axes}.values())

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the symbols stand for, and what must hold between them."""
        names = ", ".join(unicode(Sym(name)) for name in self.symbols)
        whole = f"{names} {'whole numbers' if len(self.symbols) > 1 else 'a whole number'}"
        return (*((whole,) if names else ()), *dict.fromkeys(need.text for need in self.needs))

    def resting_on(self, needs: Iterable[Need]) -> Question:
        """Add what an answer rests on, and sample symbols as far as it takes to meet it."""
        needs, domains = (*self.needs, *needs), dict(self.domains)
        for need in needs:
            for name, least in _lowest(need.relation, domains).items():
                domains[name] = replace(domains[name], high=max(domains[name].high, 2 * least))
        far = max((domains[name].high for name in self.symbols), default=LENGTH.high)
        for name in (plain(w.n) for w in self.windows):  # the input's letter has to make room for them
            domains[name] = replace(domains[name], high=max(domains[name].high, far))
        return replace(self, needs=needs, domains=domains, met=all(_can_hold(need.relation, domains) for need in needs))

    def setting(self, regular: Iterable[Relation] = ()) -> Setting:
        """Say where the letters are sampled, and count by brute force what the steps are about."""
        definitions: dict[str, Callable[..., int]] = {}
        for w in self.windows:
            counts = {"total": w.zeros, "before": w.before, "after": w.after} if w.same else {}
            definitions |= {w.o.name: w.places, **{name + w.tag: count for name, count in counts.items()}}
        fits = [Relation(w.room, ">=", ZERO) for w in self.windows if not w.same]
        given = [need.relation for need in self.needs if _can_hold(need.relation, self.domains)]
        return Setting(domains=self.domains, constraints=(*fits, *regular, *given), definitions=definitions)

    def at_least(self, node: Expr, least: int, text: str = "") -> tuple[Need, ...]:
        """Return what must hold for an expression to be at least so much; nothing where it surely is."""
        if isinstance(node, Div) and isinstance(node.denominator, Num):
            return self.at_least(node.numerator, int(least * node.denominator.value), text)
        terms = _terms(neat(node - least))
        low = {a: self.domains[a.name].low if isinstance(a, Sym) else Fraction(1) for a in terms}
        rising = all(c > 0 and isinstance(atom, Sym) for atom, c in terms.items() if atom != ONE)
        falling = all(c < 0 for atom, c in terms.items() if atom != ONE)
        at_low = sum((c * low[atom] for atom, c in terms.items()), Fraction(0))
        text = text or f"{unicode(node)} ≥ {least}"
        if rising and at_low >= 0:
            return ()
        if falling and at_low < 0 and all(isinstance(atom, Sym) or atom == ONE for atom in terms):
            raise DlcalcError(f"{text} holds for no values of the symbols", "give numbers for them")
        return (Need(Relation(node, ">=", expr(least)), text),)


def _question(rows: Sequence[Row], solve: str | None, *, same: bool, others: Iterable[Expr | None]) -> Question:
    """Give every quantity its letter; axes that are alike share theirs."""
    distinct = tuple(dict.fromkeys(rows))
    given = [(q, g) for row in distinct for q, g in zip(QUANTITIES, row, strict=True) if g is not None]
    letters = Letters()
    for quantity, value in (*given, *(("kernel", other) for other in others if other is not None)):
        for name in sorted(symbols(value)):
            letters.domains.setdefault(name, DOMAIN[quantity])
    taken = frozenset(letters.domains)
    columns = [_letters(letters, q, [row[i] for row in distinct], solve, same=same) for i, q in enumerate(UNKNOWNS)]
    windows: dict[Row, Window] = {}
    for index, row in enumerate(distinct):
        tag = str(index + 1) if len(distinct) > 1 else ""
        o = Sym(
            next(name for name in (f"o{tag}", f"out{tag}", *(f"out{tag}{i}" for i in range(9))) if name not in taken)
        )
        while taken & {"total" + tag, "before" + tag, "after" + tag}:
            tag += "0"
        n, k, s, p, d = (column[index] for column in columns)
        values = letters.values if row[-1] is None else {**letters.values, o.name: row[-1]}
        axis = " and ".join(name for name, other in zip(AXES[len(rows)], rows, strict=True) if other == row)
        windows[row] = Window(n, k, s, p, d, o, values, tag, axis if len(distinct) > 1 else "", same)
    bare = Question(tuple(windows[row] for row in rows), letters.domains, tuple(sorted(taken)))
    return replace(bare, needs=tuple(need for q, g in given for need in _sensible(bare, g, LEAST[q])))


def _letters(
    letters: Letters, quantity: str, given: list[Expr | None], solve: str | None, *, same: bool
) -> tuple[Expr, ...]:
    """Choose the letter of a quantity for each window; dilation 1 and the padding of `same` have none."""
    known = tuple(g for g in given if g is not None)
    if quantity == solve:
        numbers = range(1, len(given) + 1) if len(given) > 1 else ("",)
        return tuple(letters.letter(f"{LETTER[quantity]}{number}", None, DOMAIN[quantity]) for number in numbers)
    if (quantity == "dilation" and set(known) == {ONE}) or (quantity == "padding" and same):
        return known
    return letters.axes(LETTER[quantity], known, DOMAIN[quantity])


def _sensible(question: Question, given: Expr, least: int) -> tuple[Need, ...]:
    """Say when a given such as (k − 1)/2 is a whole number that makes sense."""
    if not symbols(given) or isinstance(given, Sym):
        return ()
    divided = any(isinstance(node, Div) for node in walk(given))
    whole = (Need(Relation(floor(given), "=", given), f"{unicode(given)} is whole"),) if divided else ()
    return (*whole, *question.at_least(given, least))


def _lowest(relation: Relation, domains: Mapping[str, Domain]) -> dict[str, Fraction]:
    """Return how large each symbol alone must be for a bound to hold; nothing where that is beyond `MAX_REACH`."""
    terms = _terms(neat(relation.left - relation.right))
    low = {atom: domains[atom.name].low for atom in terms if isinstance(atom, Sym)}
    lacking_yet = -terms.get(ONE, Fraction(0)) - sum(terms[atom] * low[atom] for atom in low)
    least = {
        atom.name: low[atom] + -(-lacking_yet // terms[atom]) for atom in low if terms[atom] > 0 and lacking_yet > 0
    }
    return {name: value for name, value in least.items() if value <= MAX_REACH and relation.relation == ">="}


def _can_hold(relation: Relation, domains: Mapping[str, Domain]) -> bool:
    """Say whether a bound holds at some corner of the domains."""
    if relation.relation != ">=":
        return True
    used = sorted(symbols(relation.left))
    for corner in product(*((domains[name].low, domains[name].high) for name in used)):
        try:
            if PLAIN.value(relation.left - relation.right, dict(zip(used, corner, strict=True))) >= 0:
                return True
        except ZeroDivisionError:
            continue
    return False


def derived(
    rule: str,
    target: Expr,
    formula: Expr,
    values: Mapping[str, Expr],
    because: str,
    *,
    relation: Literal["=", "<=", ">="] = "=",
    value: Expr | None = None,
    via: Expr | None = None,
    why: str = "",
) -> list[Step]:
    """Derive a value: the formula of the target, the givens put in, and what that is."""
    used = {name: v for name, v in values.items() if name in symbols(formula)}
    inserted = substitute(formula, used)
    found = neat(inserted) if value is None else value
    steps = [Step(rule, target, target, formula, because, relation)]
    if inserted != formula:
        steps.append(Step(f"{rule}-givens", target, formula, inserted, "the givens put in", where=used))
    if via is not None:
        steps.append(Step(f"{rule}-via", target, inserted, via, "the room that the window has to move"))
        inserted = via
    if plain(found) != plain(inserted):
        reason = why or ("computed" if isinstance(found, Num) else "collected")
        steps.append(Step(f"{rule}-value", target, inserted, found, reason))
    return steps


# the output


def _sized(question: Question, depth: Expr | None, filters: Expr | None, said: Said, *, strict: bool) -> Solution:
    """Answer with the output size, and with the padding where that follows from the size."""
    same = question.axes[0].same
    needs = [need for w in question.windows for need in (() if same else _fits(question, w))]
    if strict:
        needs += [need for w in question.windows for need in _divides(question, w)]
    question = question.resting_on(needs)
    spatial = tuple(w.at(w.room / w.s + 1 if strict and not same else w.size) for w in question.axes)
    channels = () if filters is None else (filters,)
    slips = (*_channel_slips(spatial, channels, depth), *_size_slips(question.axes, channels))
    output = (*spatial, *channels)
    answers = [Answer("output", output, form="size" if len(output) > 1 else "list", slips=slips)]
    if same:
        answers += _padding_answers([_zeros(question, w) for w in question.axes])

    def work() -> Work:
        steps = (
            step
            for w in question.windows
            for step in (_same_steps(question, w) if same else _size_steps(w, exact=strict))
        )
        return Work(tuple(steps), _size_routes(question, (spatial, *(a.value for a in answers[1:]))))

    conventions, assumptions = said
    return Solution(
        answers=tuple(answers),
        work=work,
        setting=question.setting(),
        assumptions=(*assumptions, *question.assumptions),
        conventions=(*conventions, *(("one output channel per filter",) if channels else ())),
        notes=tuple(note for w in question.windows for note in _remainder(w, len(question.axes), strict=strict)),
    )


def _fits(question: Question, w: Window, **more: Expr) -> tuple[Need, ...]:
    """Refuse a window larger than the padded input; between symbols, say that it must not be."""
    room, span, padded = (w.at(e, **more) for e in (w.room, w.span, w.n + 2 * w.p))
    if not isinstance(room, Num):
        return question.at_least(room, 0, f"{unicode(span)} ≤ {unicode(padded)}")
    if room.value < 0:
        n, k, p, d = (w.at(e, **more) for e in (w.n, w.k, w.p, w.d))
        window = f"kernel {unicode(k)} is larger than"
        if d != ONE:
            gaps = f"{unicode(d)}·({unicode(k)} − 1) + 1"
            window = f"kernel {unicode(k)} with dilation {unicode(d)} spans {unicode(span)} (= {gaps}), more than"
        inside = f"the padded input {unicode(padded)} (= {unicode(n)} + 2·{unicode(p)})"
        if p == ZERO:
            inside = f"the input {unicode(n)}"
        enough = neat(p + ceil(-room / expr(2)))
        raise DlcalcError(w.about(f"{window} {inside}"), f"use --padding {unicode(enough)} or more")
    return ()


def _left_over(w: Window) -> Expr:
    """Return the entries behind the last window, where no window reaches; negative where windows reach beyond."""
    return w.at(-w.excess, **{w.o.name: w.at(w.size)}) if w.same else w.at(w.room - w.s * (w.size - 1))


def _divides(question: Question, w: Window) -> tuple[Need, ...]:
    """Refuse a stride that leaves entries uncovered; between symbols, say that it must not."""
    rest, s = _left_over(w), w.at(w.s)
    if not isinstance(rest, Num):
        if w.same:
            return question.at_least(neat(-rest), 0)
        q = w.at(w.room) / s
        return (Need(Relation(floor(q), "=", q), f"{unicode(s)} divides {w.written_room}"),)
    if rest.value <= 0:
        return ()
    inputs = [neat(w.at(w.n) - rest), *(() if w.same else (neat(w.at(w.n) - rest + s),))]
    fixes = [f"--input {' or '.join(unicode(n) for n in inputs if not isinstance(n, Num) or n.value > 0)}"]
    padding = _dividing_padding(w)
    if padding is not None:
        fixes.append(f"--padding {padding}")
    raise DlcalcError(w.about(_undivided(w, rest)), f"use {', or '.join(fixes)}, or leave out --strict")


def _undivided(w: Window, rest: Expr) -> str:
    if w.same:
        return f"the windows end {unicode(rest)} before the input does"
    room = "" if symbols(w.at(w.room)) else f" = {unicode(w.at(w.room))}"
    return f"stride {unicode(w.at(w.s))} does not divide {w.written_room}{room} (remainder {unicode(rest)})"


def _dividing_padding(w: Window) -> int | None:
    """Find the next larger padding that the stride divides evenly."""
    room, s, p = (w.at(e) for e in (w.room, w.s, w.p))
    if w.same or not (isinstance(room, Num) and isinstance(s, Num) and isinstance(p, Num)):
        return None
    return next((int(p.value) + i for i in range(1, MAX_LISTED) if (room.value + 2 * i) % s.value == 0), None)


def _remainder(w: Window, axes: int, *, strict: bool) -> Iterator[str]:
    """Say which entries of the padded input no window reaches."""
    rest = _left_over(w)
    names = w.axis.split(" and ") if w.axis else AXES[axes]
    one, *others = reversed([ENTRIES[name][rest != ONE] for name in names])
    entries = f"{', '.join(reversed(others))} and {one}" if others else one
    if isinstance(rest, Num) and rest.value > 0:
        last = f"the last {entries}" if rest == ONE else f"the last {unicode(rest)} {entries}"
        padded = "input" if w.same or w.at(w.p) == ZERO else "padded input"
        formula = w.at(w.room / w.s) + 1
        without = f"; without the floor the formula gives {unicode(formula)}" if isinstance(formula, Num) else ""
        are = "is" if rest == ONE and not others else "are"
        yield w.about(f"{_undivided(w, rest)}: {last} of the {padded} {are} dropped{'' if w.same else without}")
    elif not isinstance(rest, Num) and not w.same and not strict:
        s = unicode(w.at(w.s))
        yield w.about(f"where {s} does not divide {w.written_room}, the floor drops the last {entries}")


def _zeros(question: Question, w: Window) -> Expr:
    """Return the zeros that `same` padding takes, before and after together."""
    beyond = w.at(w.excess, **{w.o.name: w.at(w.size)})
    surely = not isinstance(beyond, Num) and not question.at_least(beyond, 0)
    return beyond if surely else call("max", beyond, ZERO)


def _padding_answers(totals: Sequence[Expr]) -> list[Answer]:
    before, after = (tuple(neat(rounded(total / expr(2))) for total in totals) for rounded in (floor, ceil))
    together = Slip(tuple(totals), "that is both ends together", "before")
    late = Slip(after, "of an odd padding the extra zero comes after the input", "before")
    early = Slip(before, "of an odd padding the extra zero comes after the input", "after")
    return [
        Answer("padding_before", before, form="list", slips=(late, together)),
        Answer("padding_after", after, form="list", slips=(early, together)),
    ]


def _counted_steps(w: Window) -> list[Step]:
    """Enclose the room between o − 1 and o strides, which is what the output is."""
    last = "the last of o windows starts at (o − 1)s and ends inside the padded input"
    return [
        Step("inside", w.o, (w.o - 1) * w.s, w.room, w.about(last), "<="),
        Step("outside", w.o, w.room, w.o * w.s, "one step further it would stick out", "<"),
    ]


def _size_steps(w: Window, *, exact: bool) -> list[Step]:
    """Derive the output from the places the window has."""
    room, s = w.at(w.room), w.at(w.s)
    formula, why, via = w.size, "", None
    if isinstance(room, Num) and isinstance(s, Num):
        moves = room.value // s.value
        why = f"{moves} {'move' if moves == 1 else 'moves'}, and the place it starts from"
        via = Add((Call("floor", (Div(room, s),)), ONE)) if s != ONE else None
    steps = [*_counted_steps(w), Step("size", w.o, w.o, formula, "the one whole number between these bounds")]
    if exact:
        formula, via = w.room / w.s + 1, None
        because = f"{unicode(w.s)} divides {unicode(w.room)} (--strict)"
        steps.append(Step("exact", w.o, w.size, formula, because, where=w.values))
    return [*steps, *derived("size", w.o, formula, w.values, "", via=via, why=why)[1:]]


def _same_steps(question: Question, w: Window) -> list[Step]:
    """Derive the output and the padding of `same` from the starts inside the input."""
    total, before, after = (Sym(f"{base}{w.tag}") for base in ("total", "before", "after"))
    starts_inside = "'same' starts a window at every s-th entry: the last of o at (o − 1)s, inside the input"
    found = _zeros(question, w)
    covered = "o windows cover (o − 1)s + k entries; what the input lacks is padded"
    if w.d != ONE:
        covered = "o windows cover (o − 1)s + d(k − 1) + 1 entries; what the input lacks is padded"
    return [
        Step("inside", w.o, (w.o - 1) * w.s, w.n, w.about(starts_inside), "<"),
        Step("outside", w.o, w.n, w.o * w.s, "one step further it would start outside", "<="),
        *derived("size", w.o, w.size, w.values, "the one whole number between these bounds"),
        *derived(
            "padding", total, Call("max", (w.excess, ZERO)), {**w.values, w.o.name: w.at(w.size)}, covered, value=found
        ),
        *derived("before", before, floor(total / expr(2)), {total.name: found}, "half of it before, rounded down"),
        *derived("after", after, ceil(total / expr(2)), {total.name: found}, "the rest after"),
    ]


def _size_routes(question: Question, value: Value) -> tuple[Route, ...]:
    """Slide the window over the axes that were asked for."""
    if not question.met or sum(w.most_places(question.domains) for w in question.windows) > MAX_PLACES:
        return ()
    if question.axes[0].same:
        method = "the starts inside the input counted, zeros added until each has its window"
        return (Route("output, padding", method, value, lambda point: _padded(question, point)),)
    method = "the window slid over the padded axis, its places counted"
    return (Route("output", method, value, lambda point: [w.places(point, given=True) for w in question.axes]),)


def _padded(question: Question, point: Mapping[str, Any]) -> list[Any]:
    places = [w.places(point, given=True) for w in question.axes]
    return [places, *zip(*(dealt(w.zeros(point, given=True)) for w in question.axes), strict=True)]


def _channel_slips(spatial: tuple[Expr, ...], channels: tuple[Expr, ...], depth: Expr | None) -> Iterator[Slip]:
    if channels:
        yield Slip(spatial, "the channels of the output are missing: one per filter")
    if depth is not None:
        yield Slip((*spatial, depth), "the output has one channel per filter, not those of the input")


def _size_slips(axes: Sequence[Window], channels: tuple[Expr, ...]) -> Iterator[Slip]:
    """Work the common wrong formulas out on every axis; where the axes differ, the first one's reason is given."""
    for wrong in zip(*(_wrong_same_sizes(w) if w.same else _wrong_sizes(w) for w in axes), strict=True):
        formulas = tuple(w.at(formula) for w, (formula, _) in zip(axes, wrong, strict=True))
        if wrong[0][1]:
            yield Slip((*formulas, *channels), wrong[0][1], "size")


def _wrong_sizes(w: Window) -> list[tuple[Expr, str]]:
    """Return wrong formulas and what is wrong with them; nothing is, where a padding of 0 or the like is left out."""
    s, room = unicode(w.at(w.s)), w.written_room
    padded, bare = w.n + 2 * w.p, w.n - w.span
    strides, pads, gaps = w.at(w.s) != ONE, w.at(w.p) != ZERO, w.d != ONE
    return [
        (floor(w.room / w.s), "the + 1 is missing: the place where the window starts counts too"),
        (w.room / w.s + 1, f"right only when {s} divides {room}; otherwise take the floor" if strides else ""),
        (ceil(w.room / w.s) + 1, "rounded up: the last window would stick out" if strides else ""),
        (floor((bare + w.p) / w.s) + 1, "the padding counts at both ends: 2p, not p" if pads else ""),
        (floor(bare / w.s) + 1, "the padding is missing" if pads else ""),
        (floor((padded - w.k) / w.s) + 1, "a dilated window spans d(k − 1) + 1 entries, not k" if gaps else ""),
        (floor((padded - w.d * w.k) / w.s) + 1, "a dilated window spans d(k − 1) + 1 entries, not dk" if gaps else ""),
        (w.room + 1, "the stride is missing" if strides else ""),
        (floor(padded / w.s) - w.span + 1, f"the stride divides all of {room}, the kernel too" if strides else ""),
        (ceil(w.n / w.s), "that is the output with 'same' padding"),
    ]


def _wrong_same_sizes(w: Window) -> list[tuple[Expr, str]]:
    divides = f"right only when {unicode(w.at(w.s))} divides {unicode(w.at(w.n))}; 'same' rounds up"
    return [
        (w.n / w.s, divides),
        (floor(w.n / w.s), "rounded down, but 'same' rounds up"),
        (w.n, "the stride is missing"),
        (floor((w.n - w.span) / w.s) + 1, "that is the output without padding ('valid')"),
    ]


# the one size that gives an output


@dataclass(frozen=True, slots=True)
class Found:
    """All solutions on one axis: every whole number from the least to the most, or without end."""

    least: Expr
    most: Expr | None
    needs: tuple[Need, ...] = ()

    @property
    def listed(self) -> tuple[Expr, ...]:
        """The solutions one by one; nothing where they are too many, or their number depends on symbols."""
        number = None if self.most is None else neat(self.most - self.least + 1)
        if not isinstance(number, Num) or number.value > MAX_LISTED:
            return ()
        return tuple(neat(self.least + i) for i in range(int(number.value)))


def _solved(question: Question, unknown: str, depth: Expr | None, filters: Expr | None, said: Said) -> Solution:
    """Answer with everything that gives the output."""
    found = {w.o: _found(question, unknown, w) for w in question.windows}
    question = question.resting_on(need for one in found.values() for need in one.needs)
    answers = _solution_answers(unknown, question, [found[w.o] for w in question.axes])
    principal = tuple(a.name for a in answers)
    notes = [note for w in question.windows for note in _solution_notes(unknown, w, found[w.o])]
    kernels = [found[w.o].listed for w in question.axes]
    if unknown == "kernel" and depth is not None and all(len(one) == 1 for one in kernels):
        filter_size = (*(one[0] for one in kernels), depth)
        slips = tuple(_filter_slips(filter_size, filters))
        answers.append(Answer("filter_size", filter_size, form="size", slips=slips))
        times = " × ".join(map(unicode, filter_size))
        notes.append(f"each filter is {times}: it spans all {unicode(depth)} channels of the input")
    if filters is not None:
        answers.append(Answer("filters", filters))

    def work() -> Work:
        steps = [step for w in question.windows for step in _solution_steps(unknown, w, found[w.o])]
        routes = [route for w in question.windows for route in _solution_routes(question, unknown, w, found[w.o])]
        return Work(tuple(steps), tuple(routes))

    conventions, assumptions = said
    return Solution(
        answers=tuple(answers),
        work=work,
        setting=question.setting([relation for w in question.windows for relation in _regular(unknown, w)]),
        principal=principal,
        assumptions=(*assumptions, *question.assumptions),
        conventions=(*conventions, *(("one filter per output channel",) if filters is not None else ())),
        notes=tuple(notes),
    )


def _bounds(unknown: str, w: Window) -> tuple[Expr | None, Expr | None]:
    """Solve (o − 1)s ≤ n + 2p − d(k − 1) − 1 < os for one letter, in whole numbers."""
    padded, first, end, gaps = w.n + 2 * w.p, (w.o - 1) * w.s, w.o * w.s, w.k - 1
    lower: Expr | None = None
    upper: Expr | None = None
    if unknown == "input":
        lower, upper = first + w.span - 2 * w.p, end + w.span - 2 * w.p - 1
    elif unknown == "padding":
        lower, upper = ceil((first + w.span - w.n) / expr(2)), floor((end + w.span - w.n - 1) / expr(2))
    elif unknown == "stride":
        lower, upper = floor(w.room / w.o) + 1, None if w.at(w.o) == ONE else floor(w.room / (w.o - 1))
    elif unknown == "kernel" and w.d == ONE:
        lower, upper = padded - end + 1, padded - first
    elif unknown == "kernel":
        lower, upper = ceil((padded - end) / w.d) + 1, floor((padded - first - 1) / w.d) + 1
    elif w.at(w.k) != ONE:
        lower, upper = ceil((padded - end) / gaps), floor((padded - first - 1) / gaps)
    return lower, upper


def _regular(unknown: str, w: Window) -> list[Relation]:
    """Keep the sampled letters where the bounds have a value: two places or more, a kernel with gaps."""
    lower, upper = _bounds(unknown, w)
    if unknown == "stride" and upper is not None:
        return [Relation(w.room, ">=", w.s)]
    return [Relation(w.k, ">=", expr(2))] if unknown == "dilation" and lower is not None else []


def _found(question: Question, unknown: str, w: Window) -> Found:
    """Find every solution on one axis, or prove that there is none."""
    needs = _fits_at_all(question, unknown, w)
    lower, upper = (None if bound is None else w.at(bound) for bound in _bounds(unknown, w))
    if lower is None:
        return _any_dilation(w, needs)
    if upper is None:
        return Found(lower, None, needs)
    if isinstance(lower, Num) and isinstance(upper, Num):
        least = Fraction(LEAST[unknown])
        first, last = Num(max(lower.value, least)), Num(max(upper.value, least))
        if upper.value < first.value:
            raise _none(unknown, w, last, first)
        return Found(first, upper, needs)
    return _stride_between_symbols(w, needs) if unknown == "stride" else _found_between_symbols(question, unknown, w)


def _fits_at_all(question: Question, unknown: str, w: Window) -> tuple[Need, ...]:
    """Refuse a window that no value of the unknown makes fit."""
    if unknown == "stride":
        return _fits(question, w)
    return _fits(question, w, **{plain(w.d): ONE}) if unknown == "dilation" else ()


def _any_dilation(w: Window, needs: tuple[Need, ...]) -> Found:
    """Answer for a kernel of 1, whose output does not depend on the dilation."""
    if w.at(w.size) != w.at(w.o):
        raise _none("dilation", w, ONE, ONE)
    return Found(ONE, None, needs)


def _found_between_symbols(question: Question, unknown: str, w: Window) -> Found:
    """Solve where symbols remain: exactly at stride 1, else from a least to a most."""
    s, least = w.at(w.s), LEAST[unknown]
    linear = unknown == "input" or (unknown == "kernel" and w.d == ONE)
    if s == ONE and not linear:
        return _found_at_stride_one(question, unknown, w)
    if not linear and unknown != "padding":
        raise DlcalcError(f"--solve {unknown} needs numbers here", "give numbers for the symbols, or stride 1")
    lower, upper = (ZERO if bound is None else bound for bound in _bounds(unknown, w))
    first, last = w.at(lower), w.at(upper)
    if isinstance(first, Num):
        least = max(least, int(first.value))
        return Found(expr(least), last, question.at_least(w.at(_unrounded(upper)), least))
    if not linear and isinstance(s, Num) and s.value % 2 == 0:  # then s/2 paddings, whatever the remainder
        last = neat(first + s / expr(2) - 1)
    several = () if linear or isinstance(s, Num) else question.at_least(s, 2)
    return Found(first, last, (*several, *question.at_least(w.at(_unrounded(lower)), least)))


def _found_at_stride_one(question: Question, unknown: str, w: Window) -> Found:
    """Solve o = n + 2p − d(k − 1) for the padding, the dilation or a dilated kernel, where that is whole."""
    lower, upper = (ZERO if bound is None else bound for bound in _bounds(unknown, w))
    value, rounded = w.at(_unrounded(lower)), w.at(lower)
    needs = question.at_least(w.at(w.k), 2) if unknown == "dilation" else ()
    if any(isinstance(node, Call) for node in walk(rounded)):
        needs += (Need(Relation(floor(value), "=", value), _whole_text(value)),)
    elif rounded == w.at(upper):
        value = rounded
    else:
        never = f"no {unknown} gives output {unicode(w.at(w.o))}: it would be {unicode(value)}, which is never whole"
        raise DlcalcError(never, "use another output, or stride 2")
    return Found(value, value, (*needs, *question.at_least(value, LEAST[unknown])))


def _unrounded(node: Expr) -> Expr:
    """Take the floor or ceiling off."""
    if isinstance(node, Add):
        return add(*map(_unrounded, node.terms))
    return node.arguments[0] if isinstance(node, Call) else node


def _whole_text(value: Expr) -> str:
    """Say that a quotient is whole; of a half such as (k − 1)/2, that k is odd."""
    if isinstance(value, Div) and value.denominator == expr(2):
        terms = _terms(value.numerator)
        odd = terms.pop(ONE, Fraction(0)) % 2
        if len(terms) == 1 and set(terms.values()) <= {Fraction(1), Fraction(-1)}:
            return f"{unicode(next(iter(terms)))} {'odd' if odd else 'even'}"
    return f"{unicode(value)} whole"


def _stride_between_symbols(w: Window, needs: tuple[Need, ...]) -> Found:
    """Find the stride c of a room c(o − 1) + r with 0 ≤ r < c: the only one once o exceeds r + 1 and c − r."""
    room, output = w.at(w.room), w.at(w.o)
    moves = _terms(neat(output - 1))
    atom = next((atom for atom in moves if atom != ONE), ONE)
    stride = _terms(room).get(atom, Fraction(0)) / moves[atom]
    rest = neat(room - Num(stride) * neat(output - 1))
    if atom == ONE or not isinstance(rest, Num) or stride.denominator != 1 or not 0 <= rest.value < stride:
        raise DlcalcError(
            f"no one stride is known to turn {unicode(w.at(w.n))} into {unicode(output)}",
            "give numbers for the symbols",
        )
    least = max(Fraction(2), rest.value + 2, stride - rest.value)
    large = Need(Relation(output, ">=", Num(least)), f"{unicode(output)} ≥ {least}")
    return Found(Num(stride), Num(stride), (*needs, large))


def _none(unknown: str, w: Window, below: Expr, above: Expr) -> DlcalcError:
    """Prove that nothing gives the output, by what the two nearest candidates give."""
    tried = {v: w.at(w.size, **{plain(w.letter(unknown)): v}) for v in (below, above)}
    rooms = {v: w.at(w.room, **{plain(w.letter(unknown)): v}) for v in tried}
    misfit = {v for v, room in rooms.items() if isinstance(room, Num) and room.value < 0}
    gives = [
        f"{unknown} {unicode(v)} {'does not fit' if v in misfit else f'gives {unicode(size)}'}"
        for v, size in tried.items()
    ]
    if len(tried) == 1:
        every = unknown == "dilation" and w.at(w.k) == ONE
        gives = [f"{gives[0]}, as every {unknown} does" if every else f"{gives[0]} already, and it is the least"]
    outputs = [unicode(size) for v, size in tried.items() if v not in misfit]
    fix = f"use --output {' or '.join(dict.fromkeys(outputs))}"
    return DlcalcError(w.about(f"no whole {unknown} gives output {unicode(w.at(w.o))}: {', '.join(gives)}"), fix)


def _solution_answers(unknown: str, question: Question, found: Sequence[Found]) -> list[Answer]:
    """Name the solutions: one for all axes where they agree, else a size, a row per axis, or a name per axis."""
    first = found[0]
    if all(one.least == first.least and one.most == first.most for one in found):
        return _named(unknown, first, _wrong_solutions(unknown, question.axes[0]))
    lists = [one.listed for one in found]
    if all(len(one) == 1 for one in lists):
        return [Answer(unknown, tuple(one[0] for one in lists), form="size")]
    if lists[0] and len({len(one) for one in lists}) == 1:
        return [Answer(unknown, tuple(lists), form="list")]
    names = AXES[len(found)]
    return [answer for name, one in zip(names, found, strict=True) for answer in _named(f"{unknown}_{name}", one, ())]


def _named(name: str, found: Found, slips: Iterable[Slip]) -> list[Answer]:
    """Name the solutions of an axis: a number, a list, or the least and the most."""
    listed = found.listed
    if len(listed) == 1:
        return [Answer(name, listed[0], slips=tuple(slips))]
    if listed:
        member = tuple(Slip((one,), f"that is one of the solutions; all are {plain(listed)}") for one in listed)
        return [Answer(name, listed, form="list", slips=member)]
    ends = {"least": found.least} if found.most is None else {"least": found.least, "most": found.most}
    return [Answer(f"{name}_{end}", value) for end, value in ends.items()]


def _wrong_solutions(unknown: str, w: Window) -> Iterator[Slip]:
    """Return what comes out of the common wrong equations."""
    o_moves, both_ends = "o windows take o − 1 moves, not o", "the padding counts at both ends: 2p, not p"
    padded, first, end = w.n + 2 * w.p, (w.o - 1) * w.s, w.o * w.s
    pads, gaps = w.at(w.p) != ZERO, w.d != ONE
    wrong: dict[str, list[tuple[Expr, str]]] = {
        "input": [
            (first + w.span, "the padding is missing: it is not part of the input" if pads else ""),
            (first + w.span - w.p, both_ends if pads else ""),
            (end + w.span - 2 * w.p, o_moves),
        ],
        "kernel": [
            (w.n - first, "the padding is missing" if pads and not gaps else ""),
            (w.n + w.p - first, both_ends if pads and not gaps else ""),
            (padded - first, "that is what the dilated window spans, d(k − 1) + 1" if gaps else ""),
            (padded - end, o_moves),
        ],
        "stride": [(w.room / w.o, o_moves), (w.n / w.o, "the kernel counts too: the window moves n + 2p − k")],
        "padding": [
            (first + w.span - w.n, "that is both ends together; half of it at each end"),
            ((end + w.span - w.n) / expr(2), o_moves),
        ],
        "dilation": [
            (padded - first, "that is what the window spans, d(k − 1) + 1"),
            ((padded - first - 1) / w.k, "a kernel of k has k − 1 gaps"),
        ],
    }
    yield from (Slip(w.at(formula), because, "inside") for formula, because in wrong[unknown] if because)


def _filter_slips(filter_size: tuple[Expr, ...], filters: Expr | None) -> Iterator[Slip]:
    yield Slip(filter_size[:-1], "a filter spans all channels of the input, so it has their depth too")
    if filters is not None:
        yield Slip(
            (*filter_size[:-1], filters), "the depth of a filter is that of the input, not the number of filters"
        )


def _solution_notes(unknown: str, w: Window, found: Found) -> Iterator[str]:
    """Say when the solution is not the only one."""
    least, output = unicode(found.least), unicode(w.at(w.o))
    if found.most is None:
        reason = "there is room for one window only" if unknown == "stride" else "a window of one entry has no gaps"
        yield w.about(f"every {unknown} from {least} on gives output {output}: {reason}")
    elif len(found.listed) != 1:
        several = f"every {unknown} from {least} to {unicode(found.most)} gives"
        if found.listed:
            several = f"{len(found.listed)} values of the {unknown} give"
        yield w.about(f"{several} output {output}: the floor drops what the division leaves over")


def _solution_steps(unknown: str, w: Window, found: Found) -> list[Step]:
    """Solve the two bounds for the unknown, and put the solutions back in."""
    letter, least = w.letter(unknown), expr(LEAST[unknown])
    lower, upper = _bounds(unknown, w)
    if lower is None:
        because, no_gaps = "the one whole number between these bounds", "a window of one entry has no gaps"
        return [*_counted_steps(w), *derived("size", w.o, w.size, w.values, because, why=no_gaps)]
    sides: list[tuple[str, Expr | None, Literal["<=", ">="]]] = [("most", upper, "<="), ("least", lower, ">=")]
    if unknown not in SHRINKS:
        sides.reverse()
    steps = _counted_steps(w)
    for side, (end, bound, relation) in zip(("left", "right"), sides, strict=True):
        if bound is not None:
            because = f"the bound on the {side}, solved for {unicode(letter)}"
            value = getattr(found, end) if symbols(w.at(bound)) else None
            steps += derived(end, letter, bound, w.values, because, relation=relation, value=value)
    if isinstance(below := w.at(lower), Num) and below != found.least:
        none_less = f"{unknown} {unicode(least)} is the least there is"
        steps.append(Step("least-of-all", letter, Call("max", (below, least)), least, none_less))
    for value in dict.fromkeys((found.least, found.most or found.least)):
        back = w.put(w.size, **{plain(letter): value})
        steps.append(Step("back", w.o, back, w.at(w.o), f"{unknown} {unicode(value)} put back in"))
    return steps


def _solution_routes(question: Question, unknown: str, w: Window, found: Found) -> Iterator[Route]:
    """Slide the window for the candidates from below the least solution to beyond the most."""
    ends = (found.least,) if found.most is None else (found.least, found.most)
    places = w.most_places(question.domains, **{plain(w.letter(unknown)): ends[-1]})
    if not question.met or places > MAX_PLACES:
        return

    def confirmed(point: Mapping[str, Any]) -> list[int]:
        low, high = (int(PLAIN.value(end, point)) for end in (ends[0], ends[-1]))
        if found.most is None:
            high = low + NEIGHBOURS
        beyond = high + (0 if found.most is None else NEIGHBOURS)
        near = {*range(low - NEIGHBOURS, low + NEIGHBOURS), *range(high - NEIGHBOURS, beyond + 1)}
        near |= {*range(low, high)} if high - low <= MAX_LISTED else set()
        candidates = [one for one in near if LEAST[unknown] <= one <= beyond]
        sizes, wanted = w.sizes(point, given=True), int(PLAIN.value(w.at(w.o), point))
        giving = {one for one in candidates if slid(**{**sizes, unknown: one}) == wanted}
        return [low, high][: len(ends)] if giving == {one for one in candidates if low <= one <= high} else []

    alone = "these alone give the output" if len(ends) > 1 else "all from it on give the output"
    yield Route(w.about(unknown), f"the window slid with these and their neighbours: {alone}", ends, confirmed)
