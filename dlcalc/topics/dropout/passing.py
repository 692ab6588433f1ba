"""One given mask, forward and backward."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlcalc.entries import listed
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ZERO, Div, Expr, Mul, Num, Sym
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import REAL, UNIT, Answer, Route, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topics.dropout.chance import over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlcalc.solution import Mark

NAMES = {"dL/dx": "gradient", "dL/dW": "weight_gradient"}
"""What the engine calls the gradients, and what a student hands in."""
MAX_UNITS = 200


def passed(
    kept: Expr, mask: Value, x: Value | None, upstream: Value | None, weights: Value | None, *, inverted: bool
) -> Solution:
    """Answer with the output of a mask, and the gradients that come back through it."""
    bits = _bits(mask)
    if weights is not None:
        return _through_weights(kept, bits, x, upstream, weights, inverted=inverted)
    entries = _list("x", x, len(bits), "x")
    arriving = _list("upstream", upstream, len(bits), "g")
    if all(isinstance(given, Num) for given in (kept, *entries, *arriving)):
        return _by_engine(kept, bits, {"x": entries, "g": arriving}, "x", inverted=inverted)
    return _by_entries(kept, bits, entries, arriving, inverted=inverted)


def _bits(mask: Value) -> tuple[Num, ...]:
    """Read the mask as a list of 0 and 1."""
    given = mask if isinstance(mask, tuple) else (mask,)
    for bit in given:
        if isinstance(bit, tuple):
            raise DlcalcError("--mask has rows", "give the mask of one layer as a list: 1,0,1,0")
        if not (isinstance(bit, Num) and bit.value in {0, 1}):
            raise DlcalcError(f"--mask has {plain(bit)}, which is not 0 or 1", "write 1 for kept, 0 for dropped")
    if len(given) > MAX_UNITS:
        raise DlcalcError(f"--mask has {len(given)} entries", f"at most {MAX_UNITS} are passed through")
    return tuple(bit for bit in given if isinstance(bit, Num))


def _list(name: str, given: Value | None, length: int, letter: str, whose: str = "the mask has") -> tuple[Expr, ...]:
    """Return a given as a list of this length; letters where it is missing."""
    if given is None:
        return tuple(Sym(f"{letter}_{i}") for i in range(1, length + 1))
    flat = listed(f"--{name}", given, f"give a list of {length}")
    if len(flat) != length:
        raise DlcalcError(f"--{name} has {len(flat)} entries, but {whose} {length}", f"give {length} of each")
    return flat


def _by_engine(kept: Expr, bits: Sequence[Num], given: Mapping[str, Value], wrt: str, *, inverted: bool) -> Solution:
    """Run the program of the layer, forward and back."""
    from dlcalc.topics.backprop import backprop

    data = {name: _plain(value) for name, value in given.items()} | {"mask": _plain(tuple(bits))}
    if inverted:
        data["p"] = _plain(kept)
    masked = "(mask .* h)" if "W" in given else "(mask .* x)"
    dropped = [str(i) for i, bit in enumerate(bits, 1) if bit == ZERO]
    layer = "h = W x; " if "W" in given else ""
    program = f"{layer}output = {masked}{' / p' if inverted else ''}"
    solution = backprop.function(program=program, wrt=wrt, upstream="output=g", at=data)
    said = "inverted: output = mask·x/keep" if inverted else "classic: output = mask·x in training"
    notes = [f"dropped: {', '.join(dropped)} (counted from 1); output and gradient are 0 there"] if dropped else []
    solution = replace(solution, conventions=(said, *solution.conventions), notes=(*solution.notes, *notes))
    return renamed(solution, NAMES, first=("output", "gradient"))


def _plain(value: Value) -> Any:  # noqa: ANN401 (a number, a list or rows)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    assert isinstance(value, Num)  # noqa: S101 (the caller has looked)
    return value.value


def _through_weights(
    kept: Expr, bits: Sequence[Num], x: Value | None, upstream: Value | None, weights: Value, *, inverted: bool
) -> Solution:
    """Go through the layer W x before the mask too: the rows of dropped units get the gradient 0."""
    rows = weights if isinstance(weights, tuple) and isinstance(weights[0], tuple) else None
    if rows is None or len(rows) != len(bits):
        found = "a list" if rows is None else f"{len(rows)} rows"
        raise DlcalcError(
            f"--weights is {found}, but the mask has {len(bits)} units", f"give {len(bits)} rows, one per unit: 1,2;3,4"
        )
    entries = _list("x", x, len(rows[0]) if isinstance(rows[0], tuple) else 0, "x", whose="the rows of --weights have")
    arriving = _list("upstream", upstream, len(bits), "g")
    numbers = (kept, *entries, *arriving, *(entry for row in rows if isinstance(row, tuple) for entry in row))
    symbolic = next((entry for entry in numbers if not isinstance(entry, Num)), None)
    if symbolic is not None:
        raise DlcalcError(
            f"--weights goes with numbers alone, and {plain(symbolic)} is none",
            "give --keep, --x and --upstream as numbers, or leave --weights out",
        )
    solution = _by_engine(kept, bits, {"x": entries, "g": arriving, "W": weights}, "W,x", inverted=inverted)
    dropped = [str(i) for i, bit in enumerate(bits, 1) if bit == ZERO]
    said = f"the weights of the dropped units (rows {', '.join(dropped)}) get the gradient 0 in this step"
    return replace(solution, notes=(*solution.notes, said)) if dropped else solution


def _by_entries(
    kept: Expr, bits: Sequence[Num], x: Sequence[Expr], arriving: Sequence[Expr], *, inverted: bool
) -> Solution:
    """Answer entry by entry where letters remain; the engine differentiates the layer in letters beside it."""
    letters = symbols(kept, tuple(x), tuple(arriving))
    domains = {name: UNIT if name in symbols(kept) else REAL for name in sorted(letters)}

    def through(values: Sequence[Expr]) -> tuple[Expr, ...]:
        return tuple(
            ZERO if bit == ZERO else over(value, kept) if inverted else value
            for bit, value in zip(bits, values, strict=True)
        )

    def masked(values: Sequence[Expr]) -> tuple[Expr, ...]:
        return tuple(
            Mul((bit, Div(value, kept) if inverted else value)) for bit, value in zip(bits, values, strict=True)
        )

    output, gradient = through(x), through(arriving)
    slips = (
        (Slip(tuple(bit * v for bit, v in zip(bits, x, strict=True)), "the division by keep is missing", "output"),)
        if inverted
        else ()
    )
    back = (Slip(tuple(arriving), "the gradient passes the mask too: dropped units get 0", "gradient"),)

    def exactly(point: Mapping[str, Any]) -> list[Any]:
        """Run the layer, and difference its loss Σ gᵢ outputᵢ (linear, so exactly) in every entry."""
        chance = PLAIN.value(kept, point) if inverted else Fraction(1)
        at, g = ([PLAIN.value(v, point) for v in values] for values in (x, arriving))

        def run(values: Sequence[Any]) -> list[Any]:
            return [value / chance if bit.value else 0 * value for bit, value in zip(bits, values, strict=True)]

        def loss(values: Sequence[Any]) -> Any:  # noqa: ANN401 (an exact number)
            return sum(a * b for a, b in zip(g, run(values), strict=True))

        moved = ([v + (i == j) for j, v in enumerate(at)] for i in range(len(at)))
        return [*run(at), *(loss(values) - loss(at) for values in moved)]

    scalar = Solution(
        answers=(Answer("output", output, slips=slips), Answer("gradient", gradient, slips=back)),
        work=lambda: Work(
            (
                Step("output", Sym("output"), masked(x), output, "mask, entry by entry"),
                Step(
                    "gradient", Sym("gradient"), masked(arriving), gradient, "what arrives goes through the same mask"
                ),
            ),
            (
                Route(
                    "output and gradient",
                    "the layer run, its loss Σ g·output differenced in every entry",
                    (*output, *gradient),
                    exactly,
                ),
            ),
        ),
        setting=Setting(domains=domains),
        principal=("output", "gradient"),
    )
    from dlcalc.parts import joined
    from dlcalc.topics.backprop import backprop

    program = f"v in R^n; output = (mask .* v){' / p' if inverted else ''}"
    engine = backprop.function(program=program, wrt="v", upstream="output=g")
    return joined(scalar, engine)


def renamed(solution: Solution, names: Mapping[str, str], first: tuple[str, ...]) -> Solution:
    """Give answers of the engine the names that this question has for them; either name may be handed in."""
    back = {new: old for old, new in names.items()}

    def marker(given: Sequence[str], seed: int) -> tuple[Mark, ...]:
        from dlcalc.marking import split_named

        assert solution.marker is not None  # noqa: S101 (the engine brings one)
        texts = []
        for text in given:
            name, value = split_named(text)
            name = first[0] if name is None else name
            texts.append(f"{back.get(name, name)}={value}")
        marks = solution.marker(texts, seed)
        return tuple(mark._replace(name=names.get(mark.name, mark.name)) for mark in marks)

    answers = [replace(answer, name=names.get(answer.name, answer.name)) for answer in solution.answers]
    answers.sort(key=lambda answer: first.index(answer.name) if answer.name in first else len(first))
    return replace(solution, answers=tuple(answers), marker=marker, principal=first)
