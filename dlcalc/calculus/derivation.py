"""The derivation: statements with their pre-activations named, then δ of every quantity, from the loss back.

δ_name = ∂L/∂name stays un-inlined, so that the lines read as on paper; a quantity that is used on several paths
shows the term of each path and their sum. The gradients asked for are put into the given names at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dlcalc.calculus.functions import ELEMENTWISE
from dlcalc.calculus.printing import unicode, unicode_name
from dlcalc.calculus.reverse import pull_back
from dlcalc.calculus.simplify import quotients, simplified
from dlcalc.calculus.terms import (
    DELTA,
    UNIT,
    Apply,
    Grid,
    Hadamard,
    Inverse,
    Name,
    Part,
    Power,
    Product,
    Quotient,
    Sum,
    Term,
    Transpose,
    add,
    children,
    mul,
    names,
    put_in,
    put_names,
    rebuilt,
    split,
    transpose,
    walk,
    weight,
    zeros,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dlcalc.calculus.inference import Typed

ACTIVATIONS = {
    "relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu", "silu", "softplus", "softmax", "logsumexp",
}  # fmt: skip
MAX_REASON = 48
"""Characters of a statement that a reason quotes."""
MAX_CLOSED = 250
"""Nodes of a closed expression; a longer one stays in terms of δ."""


@dataclass(frozen=True)
class Path:
    """What reaches a quantity through one statement that uses it."""

    through: str
    term: Term
    why: str


@dataclass(frozen=True)
class Gradient:
    """∂L/∂name: its paths, their sum, the same simplified, and in the given names."""

    name: str
    paths: tuple[Path, ...]
    term: Term
    short: Term
    closed: Term | None
    """In the names of the program; None where that would be too long."""

    @property
    def delta(self) -> Name:
        """The gradient as a quantity: δ_name."""
        return Name(self.term.shape, DELTA + self.name)


@dataclass(frozen=True)
class Derivation:
    """The statements, and the gradients from the loss back."""

    definitions: Mapping[str, Term]
    """With the pre-activations that were named."""
    named: tuple[str, ...]
    """Names that the derivation itself gave."""
    loss: str
    gradients: Mapping[str, Gradient]
    """Of every quantity between the loss and what is asked for, in the order of the backward pass."""
    upstream: Mapping[str, Term]


def derive(  # noqa: PLR0913, PLR0917 (all that a derivation rests on)
    typed: Typed,
    loss: str,
    wanted: Sequence[str],
    upstream: Mapping[str, Term] | None = None,
    onehot: Collection[str] = (),
    symmetric: Collection[str] = (),
) -> Derivation:
    """Derive the gradients of the loss (or of a given ∂L/∂name) with respect to the wanted names."""
    definitions, named = _with_preactivations(typed)
    upstream = upstream or {}
    active = _active(definitions, wanted)
    known = {term: Name(term.shape, name) for name, term in definitions.items() if not isinstance(term, Name)}
    reached: dict[str, list[tuple[str, Term]]] = {name: [] for name in active}
    gradients: dict[str, Gradient] = {}
    aliases = {name: definitions[name] for name in named}
    for name in [*reversed(definitions), *(n for n in typed.leaves if n in active)]:
        if name not in active or name in typed.functions:
            continue
        paths: tuple[Path, ...]
        if name in upstream:
            paths = (Path("", upstream[name], "given"),)
        elif name == loss and not upstream:
            paths = (Path("", UNIT, "∂L/∂L = 1"),)
        else:
            paths = _paths(name, reached[name], definitions)
        if not paths and name not in wanted:
            continue
        shape = definitions[name].shape if name in definitions else typed.shape(name)
        total = add(*(p.term for p in paths)) if paths else zeros(shape)
        gradient = _gradient(name, paths, total, gradients, aliases, (onehot, symmetric))
        gradients[name] = gradient
        if name in definitions and paths:
            delta = UNIT if name == loss and not upstream else gradient.delta
            for target, term in pull_back(definitions[name], delta, frozenset(active)):
                reached[target].append((name, put_names(term, known)))
    return Derivation(definitions, named, loss, gradients, upstream)


def _active(definitions: Mapping[str, Term], wanted: Sequence[str]) -> dict[str, None]:
    """Find what lies between the wanted names and the loss."""
    active = dict.fromkeys(wanted)
    for name, term in definitions.items():
        if names(term) & active.keys():
            active[name] = None
    return active


def _paths(name: str, reached: list[tuple[str, Term]], definitions: Mapping[str, Term]) -> tuple[Path, ...]:
    """Add up the occurrences in each statement; every statement is a path of its own."""
    through: dict[str, list[Term]] = {}
    for consumer, term in reached:
        through.setdefault(consumer, []).append(term)
    return tuple(Path(c, add(*terms), _why(c, definitions[c], name)) for c, terms in through.items())


def _gradient(  # noqa: PLR0913, PLR0917 (all that a gradient rests on)
    name: str,
    paths: tuple[Path, ...],
    total: Term,
    gradients: Mapping[str, Gradient],
    aliases: Mapping[str, Term],
    facts: tuple[Collection[str], Collection[str]],
) -> Gradient:
    short = simplified(total, *facts)
    used = [
        gradients[n.removeprefix(DELTA)]
        for n in names(total)
        if n.startswith(DELTA) and n.removeprefix(DELTA) in gradients
    ]
    put = put_in(total, {DELTA + g.name: g.short for g in used if _may_cancel(g.short)})
    if put != total:
        cancelled = simplified(put, *facts)
        if weight(cancelled) <= weight(short) + 1 or quotients(cancelled) < quotients(put):
            short = cancelled
    closed = _closed(short, gradients, aliases)
    return Gradient(name, paths, total, short, closed)


def _may_cancel(term: Term) -> bool:
    """Say whether a gradient has quotients that a following factor may cancel."""
    return any(isinstance(node, Quotient) for node in walk(term)) and weight(term) < MAX_CLOSED


def _closed(term: Term, gradients: Mapping[str, Gradient], aliases: Mapping[str, Term]) -> Term | None:
    """Put the given names in the place of every δ and of the names that the derivation gave."""
    values: dict[str, Term] = dict(aliases)
    size = weight(term)
    for used in names(term):
        inner = gradients.get(used.removeprefix(DELTA)) if used.startswith(DELTA) else None
        if inner is not None:
            if inner.closed is None:
                return None
            values[used] = inner.closed
            size += weight(inner.closed)
    if size > MAX_CLOSED:
        return None
    found = put_in(term, values)
    return found if weight(found) <= MAX_CLOSED else None


# names for pre-activations


def _with_preactivations(typed: Typed) -> tuple[dict[str, Term], tuple[str, ...]]:
    """Name the arguments of non-linear functions, as on paper: h1 = relu(a1), a1 = W1 x + b1."""
    taken = {*typed.names, *typed.lengths, *typed.functions}
    out: dict[str, Term] = {}
    given: dict[Term, Term] = {}
    for target, term in typed.definitions.items():
        given.setdefault(term, Name(term.shape, target))
        new: dict[str, Term] = {}
        changed = _naming(term, target, taken, given, new, typed.functions)
        out.update(new)
        out[target] = changed
    return out, tuple(name for name in out if name not in typed.definitions)


def _naming(  # noqa: PLR0913, PLR0917 (what naming looks at and fills)
    term: Term, target: str, taken: set[str], given: dict[Term, Term], new: dict[str, Term], functions: Collection[str]
) -> Term:
    if isinstance(term, Apply) and (
        term.function in ELEMENTWISE or term.function in ACTIVATIONS or term.function in functions
    ):
        inside = tuple(_naming(argument, target, taken, given, new, functions) for argument in term.arguments)
        arguments = tuple(
            _named(argument, target, taken, given, new)
            if _deserves_name(term.function, argument, functions)
            else argument
            for argument in inside
        )
        return Apply(term.shape, term.function, arguments, term.axis)
    return rebuilt(term, lambda part: _naming(part, target, taken, given, new, functions))


def _deserves_name(function: str, argument: Term, functions: Collection[str]) -> bool:
    if not names(argument) or isinstance(split(argument)[1], Name | Transpose):
        return False
    multiplied = any(isinstance(node, Product) and len(node.chain) > 1 for node in walk(argument))
    return multiplied or ((function in ACTIVATIONS or function in functions) and isinstance(argument, Sum))


def _named(term: Term, target: str, taken: set[str], given: dict[Term, Term], new: dict[str, Term]) -> Term:
    if term in given:
        return given[term]
    digits = target[len(target.rstrip("0123456789")) :]
    wanted = [f"a{digits}", f"u{digits}", f"a_{target}"] if len(target.rstrip("0123456789")) == 1 else [f"a_{target}"]
    wanted += [f"a_{target}{k}" for k in range(2, len(taken) + 3)]
    name = next(w for w in wanted if w not in taken)
    taken.add(name)
    new[name] = term
    given[term] = Name(term.shape, name)
    return given[term]


# reasons


def _why(consumer: str, definition: Term, name: str) -> str:
    """Say through which statement a gradient comes, and by which rules."""
    rules = list(dict.fromkeys(_rules(definition, name)))
    text = f"{unicode_name(consumer)} = {unicode(definition)}"
    text = text if len(text) <= MAX_REASON else unicode_name(consumer)
    return f"{text}: {', '.join(rules) or 'passed on'}"


def _rules(term: Term, name: str) -> list[str]:
    """Name the operations between a term and the occurrences of a name in it, outermost first."""
    if isinstance(term, Name):
        return []
    if _is_square(term):
        return ["‖e‖² gives 2 e"]
    if isinstance(term, Product) and term.coefficient == Fraction(1, 2) and any(map(_is_square, term.scalars)):
        return ["½‖e‖² gives e"]
    found: list[str] = []
    for child in children(term):
        if name in names(child):
            found += [*_rule(term, child), *_rules(child, name)]
    return found


def _is_square(term: Term) -> bool:
    """Say whether a term is the square of a norm."""
    return isinstance(term, Power) and isinstance(term.base, Apply) and term.base.function == "norm"


def _rule(term: Term, child: Term) -> list[str]:  # noqa: PLR0911 (a return per operation)
    """Name one operation; sums and factors that only pass a gradient on are not worth a word."""
    match term:
        case Product(_, _, _, chain) if len(chain) > 1 and child in chain:
            at = chain.index(child)
            left, right = ([transpose(f) for f in reversed(side)] for side in (chain[:at], chain[at + 1 :]))
            sides = ((left, "from the left"), (right, "from the right"))
            return [f"{unicode(mul(*side))} {where}" for side, where in sides if side]
        case Apply(_, function) if function in _EXTREMES:
            return [_EXTREMES[function]]
        case Apply(shape, function) if function in ELEMENTWISE:
            return [f"{function}'" if shape.is_scalar else f"{function}' entry by entry"]
        case Apply(_, function):
            return [f"derivative of {function}"]
        case Product(_, _, scalars, chain) if len(scalars) + len(chain) > 1:
            return ["product rule"]
        case Sum(shape) if child.shape.is_scalar and not shape.is_scalar:
            return ["added to every entry, so all entries add up"]
        case Inverse():
            return ["inverse: -K⁻ᵀ δ K⁻ᵀ"]
    phrase = _PHRASES.get(type(term))
    return [phrase] if phrase else []


_EXTREMES = {"maximum": "1 where it is the larger one", "minimum": "1 where it is the smaller one"}
_PHRASES: dict[type[Term], str] = {
    Hadamard: "element-wise product",
    Quotient: "quotient rule",
    Power: "power rule",
    Transpose: "transposed",
    Part: "entries",
    Grid: "blocks",
}
