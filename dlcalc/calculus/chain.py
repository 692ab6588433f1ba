"""A chain of equations and bounds that is handed in, `a = b <= c`: read, given shapes, compared link by link.

Each side becomes a statement of a program, so that shapes are inferred over all sides together, and every error
points into the text that was handed in.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice, pairwise, permutations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlcalc.calculus.exact import Exact
from dlcalc.calculus.printing import unicode, unicode_name
from dlcalc.calculus.problem import as_value, formula, read_problem
from dlcalc.calculus.terms import Name, rebuilt
from dlcalc.errors import DlcalcError, NotationError
from dlcalc.givens import split_outside
from dlcalc.notation.cursor import CLOSING, OPENING, lines_joined
from dlcalc.notation.printing import unicode as written
from dlcalc.notation.program import MAX_PROGRAM
from dlcalc.notation.tokens import Token, spelled, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlcalc.calculus.exact import Matrix
    from dlcalc.calculus.inference import Leaf
    from dlcalc.calculus.problem import Problem
    from dlcalc.calculus.terms import Term
    from dlcalc.notation.expression import Formula
    from dlcalc.notation.printing import Value

    Simple = tuple[Mapping[str, Matrix], Mapping[str, int]]
    """The value of every name at a point, and the lengths."""

BETWEEN = ("=", "<", "<=", ">", ">=")
MAX_LINKS = 100
SIMPLE_POINTS = 60
"""Points of small whole numbers that are looked at for a counterexample to compute by hand."""
MAX_DRAWS = 600
MAX_ENTRIES = 2_000
"""Entries of all leaves up to which they are drawn."""
TOLERANCE = 1e-9
ENTRIES = (1, 2, -1, 3, 0, -2, Fraction(1, 2), -3)
"""What an entry of a simple point may be."""


class Link(NamedTuple):
    """Two neighbouring sides, and what is claimed between them."""

    left: str
    relation: Literal["=", "<=", "<", ">=", ">"]
    right: str
    text: str


@dataclass(frozen=True)
class Chain:
    """Sides and conditions as definitions of a program."""

    problem: Problem
    links: tuple[Link, ...]
    conditions: tuple[str, ...]
    fits: bool = True
    """Whether the two sides of every link can have the same shape, with every name of the kind that it has."""
    positive: tuple[str, ...] = ()
    """The names that a condition calls positive."""

    def term(self, side: str) -> Term:
        """Return a side."""
        return self.problem.typed.definitions[side]

    def shown(self, side: str) -> Formula:
        """Write a side."""
        return formula(self.term(side))

    def fit(self, link: Link) -> bool:
        """Say whether the two sides of a link can be compared: they have one shape, or one is a number."""
        left, right = self.term(link.left).shape, self.term(link.right).shape
        return self.fits or left == right or left.is_scalar != right.is_scalar

    def inlined(self, side: str) -> Term:
        """Write a side in the leaves alone."""
        definitions = self.problem.typed.definitions

        def put(term: Term) -> Term:
            if isinstance(term, Name) and term.name in definitions:
                return put(definitions[term.name])
            return rebuilt(term, put)

        return put(self.term(side))


class Counterexample(NamedTuple):
    """Where a link does not hold: the leaves, and both sides there."""

    leaves: Mapping[str, Matrix]
    lengths: Mapping[str, int]
    left: Matrix
    right: Matrix

    def place(self, problem: Problem) -> str:
        """Write the leaves."""
        shape = problem.typed.shape
        return ", ".join(f"{unicode_name(n)} = {bracketed(as_value(v, shape(n)))}" for n, v in self.leaves.items())


def bracketed(value: Value) -> str:
    """Write a number, or a list in brackets."""
    return f"[{written(value)}]" if isinstance(value, tuple) else written(value)


# reading


class _Piece(NamedTuple):
    """A text that was handed in, and where it stands in the program that is made of all of them."""

    start: int
    text: str
    at: int
    source: str


def read_chain(text: str, where: str = "", numbers: Sequence[str] = ()) -> Chain:
    """Read statements whose last is a chain of equations, and conditions between commas; some names are numbers.

    Raises NotationError, with the place, for what cannot be read, and DlcalcError where nothing is claimed.
    """
    before, sides, relations = _sides(text)
    conditions = [part for part in split_outside(where, ",") if part.strip()] if where.strip() else []
    used = {spelled(token.text) for token in tokenize(text, MAX_PROGRAM) if token.kind == "name"}
    side, gap, when = (_unused(stem, used) for stem in ("side", "gap", "when"))
    names = [f"{side}{k}" for k in range(1, len(sides) + 1)]
    declared = f"{', '.join(numbers)} in R\n" if numbers else ""
    pieces = [_Piece(0, declared, 0, text), _Piece(len(declared), before, 0, text)]
    built = f"{declared}{before}\n"
    for name, (at, written_side) in zip(names, sides, strict=True):
        built += f"{name} = "
        pieces.append(_Piece(len(built), written_side, at, text))
        built += f"{written_side}\n"
    at = 0
    for k, condition in enumerate(conditions, 1):
        built += f"{when}{k} = 1("
        pieces.append(_Piece(len(built), condition, at, where))
        built += f"{condition})\n"
        at += len(condition) + 1
    links = tuple(
        Link(left, relation, right, " ".join(f"{a[1]} {relation} {b[1]}".split()))  # type: ignore[arg-type]  # one of BETWEEN
        for (left, right), relation, (a, b) in zip(pairwise(names), relations, pairwise(sides), strict=True)
    )
    found = Chain(
        _problem(built, pieces),
        links,
        tuple(f"{when}{k}" for k in range(1, len(conditions) + 1)),
        positive=_positive(conditions),
    )
    if all(found.term(link.left).shape == found.term(link.right).shape for link in links):
        return found
    gaps = "".join(f"{gap}{k} = {link.left} - {link.right}\n" for k, link in enumerate(links, 1))
    try:
        together = replace(found, problem=read_problem(built + gaps, forward=True))
    except NotationError:
        return replace(found, fits=False)
    leaves = found.problem.typed.leaves
    shrunk = any(together.problem.typed.leaves[n].shape.is_scalar and not leaves[n].shape.is_scalar for n in leaves)
    return replace(found, fits=False) if shrunk else together


def _problem(built: str, pieces: Sequence[_Piece]) -> Problem:
    try:
        return read_problem(built, forward=True)
    except NotationError as problem:
        raise _placed(problem, pieces) from None


def _positive(conditions: Sequence[str]) -> tuple[str, ...]:
    """Find the conditions `name > 0`."""
    sides = [condition.partition(">") for condition in conditions]
    return tuple(
        spelled(name.strip()) for name, _, bound in sides if bound.strip() == "0" and name.strip().isidentifier()
    )


def _unused(stem: str, used: set[str]) -> str:
    while any(name.startswith(stem) for name in used):
        stem += "_"
    return stem


def _placed(problem: NotationError, pieces: Sequence[_Piece]) -> NotationError:
    """Let an error point into what was handed in."""
    piece = max((p for p in pieces if p.start <= problem.position), key=lambda p: p.start)
    problem.position = piece.at + min(problem.position - piece.start, len(piece.text))
    problem.text = piece.source
    return problem


def _sides(text: str) -> tuple[str, list[tuple[int, str]], list[str]]:
    """Split off the last statement, and split it at its relations: each side with its place."""
    tokens = [t for t in lines_joined(tokenize(text, MAX_PROGRAM)) if t.kind != "end"]
    while tokens and (tokens[-1].kind == "newline" or tokens[-1].is_symbol(";")):
        tokens.pop()
    first, relations = _last_statement(tokens)
    last = tokens[first:]
    start = last[0].position if last else 0
    ends = [start, *(end for r in relations for end in (r.position, r.position + _width(text, r))), len(text)]
    sides = [(a, text[a:b].rstrip(" \t\r\n;")) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    kinds = [r.text for r in relations]
    if len(kinds) > 1 and kinds[0] == "=" and _only_names(last, relations[0], tokens):
        sides, kinds = sides[1:], kinds[1:]
    if not kinds:
        raise NotationError("nothing is claimed here", "write an equation: a = b", text=text, position=start)
    if len(kinds) > MAX_LINKS:
        raise DlcalcError(f"the chain has {len(kinds)} links", f"at most {MAX_LINKS} are read")
    for at, side in sides:
        if not side.strip():
            raise NotationError("an empty side", "write an expression on both sides", text=text, position=at)
    return text[:start], sides, kinds


def _last_statement(tokens: Sequence[Token]) -> tuple[int, list[Token]]:
    """Find where the last statement begins, and its relations outside of brackets; a line may begin with one."""
    first, depth, relations = 0, 0, list[Token]()
    for at, token in enumerate(tokens):
        depth = max(0, depth + token.is_symbol(*CLOSING) - token.is_symbol(*OPENING))
        ends = token.is_symbol(";") or (token.kind == "newline" and not tokens[at + 1].is_symbol(*BETWEEN))
        if depth == 0 and ends:
            first, relations = at + 1, []
        elif depth == 0 and token.is_symbol(*BETWEEN):
            relations.append(token)
    return first, relations


def _width(text: str, relation: Token) -> int:
    r"""Count the characters of a relation as it was typed: == and \leq are longer than what they mean."""
    end = relation.position + 1
    if text[relation.position] == "\\":
        while end < len(text) and text[end].isalpha():
            end += 1
    return end - relation.position + (text[end : end + 1] == "=" and text[relation.position] in "=<>")


def _only_names(last: Sequence[Token], relation: Token, tokens: Sequence[Token]) -> bool:
    """Say whether the first side is a name that stands nowhere else: the chain then defines it."""
    name = last[0]
    if name.kind != "name" or last[1] is not relation:
        return False
    return sum(token.kind == "name" and spelled(token.text) == spelled(name.text) for token in tokens) == 1


# simple points


def simple_points(found: Chain, seed: int) -> Iterator[Simple]:
    """Draw points of small whole numbers at which the conditions hold and every side has a value."""
    typed = found.problem.typed
    generator = random.Random(seed)  # noqa: S311 (points, no secrets)
    count = 0
    for lengths in islice(_lengths(found), 1):
        for _ in range(MAX_DRAWS):
            leaves = {leaf.name: _drawn(leaf, lengths, generator) for leaf in typed.leaves.values()}
            values = forward(found, leaves, lengths)
            if values is not None and all(x == 1 for c in found.conditions for x in chain(*values[c])):
                yield values, lengths
                count += 1
            if count == SIMPLE_POINTS or not leaves:
                return


def forward(found: Chain, leaves: Mapping[str, Matrix], lengths: Mapping[str, int]) -> dict[str, Matrix] | None:
    """Compute every statement exactly; None where one of them has no value."""
    arithmetic = Exact(lengths)
    values = dict(leaves)
    try:
        for name, term in found.problem.typed.definitions.items():
            values[name] = arithmetic.value(term, values)
    except (DlcalcError, ArithmeticError, ValueError):
        return None
    return values


def _lengths(found: Chain) -> Iterator[dict[str, int]]:
    """Choose small lengths, distinct where they can be."""
    typed = found.problem.typed
    shapes = [typed.shape(name) for name in typed.names]
    names = list(typed.lengths)
    for start in (2, 1, 3):
        for order in islice(permutations(range(min(len(names), 6))), 24):
            chosen = {name: start + order[at % len(order)] for at, name in enumerate(names)}
            if not all(dim.value(chosen) >= 1 for shape in shapes for dim in shape) or not typed.parts_fit(chosen):
                continue
            if sum(s.rows.value(chosen) * s.cols.value(chosen) for s in shapes) <= MAX_ENTRIES:
                yield chosen


def _drawn(leaf: Leaf, lengths: Mapping[str, int], generator: random.Random) -> Matrix:
    rows, cols = leaf.shape.rows.value(lengths), leaf.shape.cols.value(lengths)
    if leaf.kind == "onehot":
        hot = [generator.randrange(rows) for _ in range(cols)]
        return [[Fraction(int(hot[c] == r)) for c in range(cols)] for r in range(rows)]
    entries = [[_entry(leaf, generator) for _ in range(cols)] for _ in range(rows)]
    if leaf.kind == "symmetric":
        return [[entries[min(r, c)][max(r, c)] for c in range(cols)] for r in range(rows)]
    return entries


def _entry(leaf: Leaf, generator: random.Random) -> Fraction | float:
    if leaf.kind == "values":
        return generator.choice(leaf.values)
    if leaf.kind == "interval":
        low, high = leaf.values
        return low + (high - low) * Fraction(generator.randint(1, 7), 8)
    if leaf.kind == "N":
        return Fraction(generator.randint(1, 4))
    return Fraction(generator.choice(ENTRIES))


# comparing


def related(left: Any, relation: str, right: Any) -> bool | None:  # noqa: ANN401 (fractions or floats)
    """Compare two numbers; None where floats are too close to tell the sides of a strict bound apart."""
    if left == right:
        return relation in {"=", "<=", ">="}
    if isinstance(left, float) or isinstance(right, float):
        close = abs(left - right) <= TOLERANCE * max(1, abs(left), abs(right))
        if close:
            return None if relation in {"<", ">"} else True
    return relation != "=" and bool(left < right if relation[0] == "<" else left > right)


class Looked(NamedTuple):
    """What simple points say about a link."""

    counterexample: Counterexample | None
    points: int
    gap: float
    """How far apart the sides of an equation came at the most, where floats were needed."""


def looked_at(found: Chain, link: Link, simple: Sequence[Simple]) -> Looked:
    """Look for a simple point where a link does not hold."""
    told, points, gap = False, 0, 0.0
    for values, lengths in simple:
        left, right = repeated(values[link.left], values[link.right])
        pairs = list(zip(chain(*left), chain(*right), strict=True))
        outcomes = [related(a, link.relation, b) for a, b in pairs]
        points += 1
        told = told or None not in outcomes
        if False in outcomes:
            return Looked(_counterexample(found, link, values, lengths), points, gap)
        if link.relation == "=":
            gap = max([gap, *(abs(float(a) - float(b)) / max(1.0, abs(float(b))) for a, b in pairs if a != b)])
    if simple and not told:
        return Looked(_counterexample(found, link, *simple[-1]), points, gap)
    return Looked(None, points, gap)


def _counterexample(
    found: Chain, link: Link, values: Mapping[str, Matrix], lengths: Mapping[str, int]
) -> Counterexample:
    leaves = {name: values[name] for name in found.problem.typed.leaves}
    return Counterexample(leaves, lengths, values[link.left], values[link.right])


def repeated(left: Matrix, right: Matrix) -> tuple[Matrix, Matrix]:
    """Repeat a single number over the shape of the other side."""
    rows, cols = max(len(left), len(right)), max(len(left[0]), len(right[0]))

    def full(side: Matrix) -> Matrix:
        return [[side[0][0]] * cols for _ in range(rows)] if len(side) == 1 == len(side[0]) else side

    return full(left), full(right)


def said(found: Chain, link: Link) -> str:
    """Say the shapes of both sides."""
    left, right = found.term(link.left), found.term(link.right)
    return f"{unicode(left)} is {left.shape.said}, {unicode(right)} is {right.shape.said}"
