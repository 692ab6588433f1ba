"""NumPy code of a derivation: one self-contained function, forward through the statements, back through the δ's.

Everything in the code is two-dimensional, as in the notation: a column has the shape (n, 1), a number is a float.
Writing the code needs no NumPy; running it does.
"""

from __future__ import annotations

import json
import keyword
from dataclasses import dataclass, field
from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

from dlcalc.calculus.dims import ONE, Dim, Shape
from dlcalc.calculus.functions import ABSTRACT
from dlcalc.calculus.terms import (
    DELTA,
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
    names,
    split,
    walk,
)
from dlcalc.notation.printing import decimal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from dlcalc.calculus.derivation import Derivation
    from dlcalc.calculus.inference import Typed

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly a text binds in Python."""
WIDTH = 100
MAX_WHOLE = 2**53
"""Beyond this a number is written as the nearest float."""
MAX_DIGITS = 18
"""Characters of a decimal; a longer one is written as a fraction."""

ELEMENTWISE: Mapping[str, str] = {
    "relu": "np.maximum({0}, 0)",
    "leaky_relu": "leaky_relu({0}, {1})",
    "elu": "elu({0}, {1})",
    "sigmoid": "sigmoid({0})",
    "tanh": "np.tanh({0})",
    "gelu": "gelu({0})",
    "silu": "silu({0})",
    "softplus": "np.logaddexp(0, {0})",
    "exp": "np.exp({0})",
    "ln": "np.log({0})",
    "sqrt": "np.sqrt({0})",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "abs": "np.abs({0})",
    "sign": "np.sign({0})",
    "floor": "np.floor({0})",
    "ceil": "np.ceil({0})",
    "normcdf": "normcdf({0})",
    "normpdf": "normpdf({0})",
    "maximum": "np.maximum({0}, {1})",
    "minimum": "np.minimum({0}, {1})",
}
"""Element-wise functions in NumPy; those without `np.` are helpers."""
WHOLE: Mapping[str, str] = {
    "sum": "np.sum({0}{kept})",
    "mean": "np.mean({0}{kept})",
    "max": "np.max({0}{kept})",
    "min": "np.min({0}{kept})",
    "logsumexp": "np.logaddexp.reduce({0}{over})",
    "softmax": "softmax({0}{along})",
    "norm": "np.linalg.norm({0})",
    "norm_1": "np.sum(np.abs({0}))",
    "norm_inf": "np.linalg.norm({0}, np.inf)",
    "tr": "np.trace({0})",
    "det": "np.linalg.det({0})",
    "logdet": "np.linalg.slogdet({0})[1]",
    "diag": "np.diag({0})[:, None]",
    "cossim": "cossim({0}, {1})",
}
"""Functions of whole vectors and matrices, with the axis that they go along."""
OF_VECTORS: Mapping[str, str] = {"norm_inf": "np.max(np.abs({0}))", "diag": "np.diagflat({0})"}
"""Those that vectors need another spelling for."""
OF_NUMBERS: Mapping[str, str] = {
    **dict.fromkeys(("sum", "mean", "max", "min", "logsumexp", "tr", "det", "diag"), "{0}"),
    **dict.fromkeys(("norm", "norm_1", "norm_inf"), "np.abs({0})"),
    "logdet": "np.log({0})",
    "softmax": "1.0",
}
"""What is left of these functions where the argument is a number."""
_RELATIONS: Mapping[str, str] = {
    "=": "np.isclose({0}, {1}, rtol=1e-12, atol=0)",
    "!=": "np.logical_not(np.isclose({0}, {1}, rtol=1e-12, atol=0))",
}


class Helper(NamedTuple):
    """A function that the code may need: its text, and what it needs itself."""

    text: str
    needs: tuple[str, ...] = ()


HELPERS: Mapping[str, Helper] = {
    "matrix": Helper('''\
def matrix(v):
    """Take a matrix; a 1-D array is a row."""
    return np.atleast_2d(np.asarray(v, dtype=float))'''),
    "column": Helper('''\
def column(v):
    """Take a column; a 1-D array is made one."""
    v = np.asarray(v, dtype=float)
    return v.reshape(-1, 1) if v.ndim < 2 else v'''),
    "scalar": Helper('''\
def scalar(v):
    """Take a number, or the entry of an array that has one."""
    return np.float64(np.asarray(v, dtype=float).item())'''),
    "leaky_relu": Helper("""\
def leaky_relu(x, slope):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)"""),
    "elu": Helper("""\
def elu(x, scale):
    return np.maximum(x, 0) + scale * np.expm1(np.minimum(x, 0))"""),
    "sigmoid": Helper('''\
def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0, -x))'''),
    "silu": Helper(
        """\
def silu(x):
    return x * sigmoid(x)""",
        ("sigmoid",),
    ),
    "normcdf": Helper('''\
def normcdf(x):
    """The distribution function of the standard normal distribution."""
    return 0.5 * np.vectorize(math.erfc, otypes=[float])(-x / np.sqrt(2))'''),
    "normpdf": Helper('''\
def normpdf(x):
    """The density of the standard normal distribution."""
    return np.exp(-(x ** 2) / 2) / np.sqrt(2 * np.pi)'''),
    "gelu": Helper(
        """\
def gelu(x):
    return x * normcdf(x)""",
        ("normcdf",),
    ),
    "softmax": Helper('''\
def softmax(x, axis=None):
    """Of all entries, of each column (axis=0) or of each row (axis=1)."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)'''),
    "cossim": Helper('''\
def cossim(a, b):
    """The cosine of the angle between two vectors."""
    return np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b))'''),
}  # fmt: skip
RESERVED = {*keyword.kwlist, "np", "math", "map", "float", "gradients", *HELPERS}
"""What no variable of the code may be called."""


def numpy_code(typed: Typed, derivation: Derivation, wanted: Sequence[str]) -> str:
    r"""Write a module with a function `gradients`, which returns the loss and its gradients.

    >>> from dlcalc.calculus.derivation import derive
    >>> from dlcalc.calculus.inference import typed
    >>> from dlcalc.notation.program import read_program
    >>> program = typed(read_program("z = W x; L = 1/2 ||z - y||^2"))
    >>> print("\n".join(numpy_code(program, derive(program, "L", ["W"]), ["W"]).splitlines()[-9:]))
        # forward
        z = W @ x
        L = 0.5 * np.linalg.norm(z - y) ** 2
    <BLANKLINE>
        # backward
        delta_z = z - y
        delta_W = delta_z @ x.T
    <BLANKLINE>
        return {"L": L, "W": delta_W}
    """
    return _Module(typed, derivation, tuple(wanted)).text()


def parameters(typed: Typed, derivation: Derivation, wanted: Sequence[str]) -> dict[str, str]:
    """Say which parameter of `gradients` each name stands for: quantities, lengths, functions (`f`, `f'`).

    >>> from dlcalc.calculus.derivation import derive
    >>> from dlcalc.calculus.inference import typed
    >>> from dlcalc.notation.program import read_program
    >>> program = typed(read_program("L = lambda ||w||^2"))
    >>> parameters(program, derive(program, "L", ["w"]), ["w"])
    {'lambda': 'lambda_', 'w': 'w'}
    """
    return _Module(typed, derivation, tuple(wanted)).parameters()


def run(code: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Write generated code to a file, run that as its reader would, and call `gradients` with these arguments.

    >>> float(run("def gradients(x): return {'L': x * x}", {"x": 3.0})["L"])
    9.0
    """
    from pathlib import Path
    from runpy import run_path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:  # from users the file has names only, each an identifier or a JSON string
        file = Path(folder) / "gradients.py"
        file.write_text(code, encoding="utf-8")
        found: dict[str, Any] = run_path(str(file))["gradients"](**arguments)
    return found


# names


@dataclass
class _Identifiers:
    """Gives each quantity, δ, length and function a Python identifier of its own."""

    given: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=lambda: set(RESERVED))

    def of(self, kind: str, name: str) -> str:
        """Return the identifier of a name; a first request finds one that is free."""
        if (kind, name) not in self.given:
            found = _identifier(DELTA + name if kind == "delta" else name)
            while found in self.taken:
                found += "_"
            self.taken.add(found)
            self.given[kind, name] = found
        return self.given[kind, name]


def _identifier(name: str) -> str:
    """Write a name in the ASCII letters, digits and underscores of Python; `f'` is `f_prime`."""
    spelled = name.replace(ABSTRACT, "_prime")
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else f"u{ord(c):04x}" for c in spelled)


# expressions


@dataclass
class _Writer:
    """Writes terms in Python; notes what helpers, lengths and declared functions they need."""

    identifiers: _Identifiers
    deltas: frozenset[str] = frozenset()
    """Quantities whose δ is meant by a name that begins with `delta_`."""
    helpers: dict[str, None] = field(default_factory=dict)
    lengths: dict[str, None] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)

    def statement(self, target: str, term: Term) -> str:
        """Write an assignment."""
        return f"{target} = {self.float(term)}"

    def float(self, term: Term) -> str:
        """Write a term that stands alone; a number is a float from the start."""
        text = self.at(term, SUM)
        if text.removeprefix("-").isdigit():
            return f"{text}.0"
        return f"float({text})" if isinstance(term, Length) else text

    def at(self, term: Term, least: int) -> str:
        """Write a term, in parentheses where it binds less tightly than its place asks."""
        return _enclosed(self.term(term), least)

    def name(self, name: str) -> str:
        of = name.removeprefix(DELTA)
        if of != name and of in self.deltas:
            return self.identifiers.of("delta", of)
        return self.identifiers.of("quantity", name)

    def term(self, term: Term) -> tuple[str, int]:  # noqa: C901, PLR0911, PLR0912 (a case per node)
        """Write a term and say how tightly it binds."""
        match term:
            case Number(_, value):
                return _number(value)
            case Name(_, name):
                return self.name(name), ATOM
            case Length(_, dim):
                return self.dim(dim)
            case Constant():
                return self.constant(term), ATOM
            case Sum(_, terms):
                return self.sum(terms), SUM
            case Product():
                return self.product(term)
            case Hadamard(_, factors):
                plain = any(not isinstance(f, Compare) for f in factors)
                return " * ".join(self.factor(f, plain=plain) for f in factors), PRODUCT
            case Quotient(_, top, bottom):
                return f"{self.at(top, PRODUCT)} / {self.at(bottom, POWER)}", PRODUCT
            case Power(_, base, exponent):
                return self.power(base, exponent), POWER
            case Transpose(_, of):
                return f"{self.at(of, ATOM)}.T", ATOM
            case Inverse(_, of) if of.shape.is_scalar:
                return f"1 / {self.at(of, POWER)}", PRODUCT
            case Inverse(_, of):
                return f"np.linalg.inv({self.at(of, SUM)})", ATOM
            case Compare(shape):
                truth = self.truth(term)
                return f"float({truth[0]})" if shape.is_scalar else f"{_enclosed(truth, ATOM)}.astype(float)", ATOM
            case Part():
                return self.part(term), ATOM
            case Grid():
                return self.grid(term), ATOM
            case Apply():
                return self.apply(term)
        raise TypeError(term)

    def factor(self, term: Term, *, plain: bool) -> str:
        """Write a factor; True and False count as 1 and 0 beside numbers."""
        return _enclosed(self.truth(term), POWER) if plain and isinstance(term, Compare) else self.at(term, POWER)

    def truth(self, term: Compare) -> tuple[str, int]:
        sides = self.at(term.left, SUM), self.at(term.right, SUM)
        if term.relation in _RELATIONS:
            return _RELATIONS[term.relation].format(*sides), ATOM
        return f"{sides[0]} {term.relation} {sides[1]}", SUM - 1

    def dim(self, dim: Dim) -> tuple[str, int]:
        """Write a length, as `2 * n - 1`."""
        out = ""
        for name, multiple in dim.parts:
            self.lengths[name] = None
            identifier = self.identifiers.of("length", name)
            size = identifier if abs(multiple) == 1 else f"{abs(multiple)} * {identifier}"
            sign = "-" if multiple < 0 else "+"
            out = f"{out} {sign} {size}" if out else size if multiple > 0 else f"-{size}"
        if not out:
            return str(dim.constant), ATOM if dim.constant >= 0 else SUM
        if dim.constant:
            out += f" {'-' if dim.constant < 0 else '+'} {abs(dim.constant)}"
        return out, ATOM if out.isidentifier() else SUM

    def size(self, dim: Dim) -> str:
        return self.dim(dim)[0]

    def constant(self, term: Constant) -> str:
        rows, cols = term.shape
        if term.kind == "pi":
            return "np.pi"
        if term.shape.is_scalar:
            return "0.0" if term.kind == "zeros" else "1.0"
        if term.kind == "eye":
            return f"np.eye({self.size(rows)})"
        return f"np.{term.kind}(({self.size(rows)}, {self.size(cols)}))"

    def sum(self, terms: tuple[Term, ...]) -> str:
        """Write a sum; what has no minus sign stands first."""
        out = ""
        for term in sorted(terms, key=lambda t: split(t)[0] < 0):
            text, binding = self.term(term)
            minus = text.startswith("-")
            text = text.removeprefix("-") if minus else _enclosed((text, binding), PRODUCT)
            out = f"{out} {'-' if minus else '+'} {text}" if out else f"-{text}" if minus else text
        return out

    def product(self, term: Product) -> tuple[str, int]:
        sign = "-" if term.coefficient < 0 else ""
        pieces = [] if abs(term.coefficient) == 1 else [_number(abs(term.coefficient))]
        pieces += map(self.term, term.scalars)
        if len(term.chain) > 1:
            chain = " @ ".join(self.at(factor, POWER) for factor in term.chain)
            pieces.append((f"({chain})[0, 0]", ATOM) if term.shape.is_scalar else (chain, PRODUCT))
        else:
            pieces += map(self.term, term.chain)
        if len(pieces) == 1 and not sign:
            return pieces[0]
        first, *others = pieces
        text = " * ".join([_enclosed(first, PRODUCT), *(_enclosed(other, POWER) for other in others)])
        return sign + text, SUM if sign else PRODUCT

    def power(self, base: Term, exponent: Term) -> str:
        raised, binding = self.term(exponent)
        whole = raised.removeprefix("-").isdigit()
        return f"{self.at(base, ATOM)} ** {raised if whole else _enclosed((raised, binding), ATOM)}"

    def part(self, term: Part) -> str:
        of = self.at(term.of, ATOM)
        if term.shape.is_scalar:
            return f"{of}[{self.size(_before(term.rows[0]))}, {self.size(_before(term.cols[0]))}]"
        rows, cols = (
            ":"
            if ends == (ONE, side)
            else f"{'' if ends[0] == ONE else self.size(_before(ends[0]))}:{self.size(ends[1])}"
            for ends, side in zip((term.rows, term.cols), term.of.shape, strict=True)
        )
        return f"{of}[{rows}]" if cols == ":" else f"{of}[{rows}, {cols}]"

    def grid(self, term: Grid) -> str:
        rows = [[self.float(cell) for cell in row] for row in term.rows]
        nested = ", ".join(f"[{', '.join(row)}]" for row in rows)
        if all(cell.shape.is_scalar for row in term.rows for cell in row):
            return f"np.array([{nested}])"
        if len(rows) == 1:
            return f"np.hstack({nested})"
        if all(len(row) == 1 for row in rows):
            return f"np.vstack([{', '.join(row[0] for row in rows)}])"
        return f"np.block([{nested}])"

    def apply(self, term: Apply) -> tuple[str, int]:
        """Apply a function of the table, or a declared one."""
        template = _template(term.function, term.arguments[0].shape)
        if template == "{0}":
            return self.term(term.arguments[0])
        inside = [self.at(argument, SUM) for argument in term.arguments]
        if template is None:
            self.functions[term.function] = None
            return f"{self.identifiers.of('function', term.function)}({', '.join(inside)})", ATOM
        called = template.partition("(")[0]
        if called in HELPERS:
            self.helpers[called] = None
        return template.format(*inside, **_axes(term)), ATOM


def _template(function: str, shape: Shape) -> str | None:
    """Return how a function of an argument of this shape is written; None for a declared one."""
    if function in ELEMENTWISE:
        return ELEMENTWISE[function]
    if shape.is_scalar and function in OF_NUMBERS:
        return OF_NUMBERS[function]
    if ONE in shape and function in OF_VECTORS:
        return OF_VECTORS[function]
    return WHOLE.get(function)


def _axes(term: Apply) -> dict[str, str]:
    """Write the axis that a function goes along; nothing where it takes all entries."""
    if _takes_all(term.axis, term.arguments[0].shape):
        return {"along": "", "kept": "", "over": ", axis=None"}
    along = f", axis={term.axis}"
    return {"along": along, "kept": f"{along}, keepdims=True", "over": f"{along}, keepdims=True"}


def _takes_all(axis: int | None, shape: Shape) -> bool:
    """Say whether an axis goes through all entries."""
    return axis is None or shape[1 - axis] == ONE


def _before(dim: Dim) -> Dim:
    return dim.plus(ONE, -1)


def _enclosed(written: tuple[str, int], least: int) -> str:
    text, binding = written
    return text if binding >= least else f"({text})"


def _number(value: Fraction) -> tuple[str, int]:
    """Write a number: whole, as a decimal that ends, or as a quotient."""
    least = SUM if value < 0 else ATOM
    if max(abs(value.numerator), value.denominator) > MAX_WHOLE:
        try:
            return repr(float(value)), least
        except OverflowError:
            return "-np.inf" if value < 0 else "np.inf", least
    if value.denominator == 1:
        return str(value.numerator), least
    written = decimal(value)
    if written is not None and len(written) <= MAX_DIGITS:
        return written, least
    return f"{value.numerator} / {value.denominator}", SUM if value < 0 else PRODUCT


# the module


class _Measure(NamedTuple):
    """Where a length is read: the axis of a leaf, and what is known of that axis."""

    leaf: str
    axis: int
    dim: Dim


class _Module:
    """Plans and writes the module of one derivation."""

    def __init__(self, typed: Typed, derivation: Derivation, wanted: tuple[str, ...]) -> None:
        """Plan what is computed, write it, and find out what that needs."""
        self.typed, self.derivation = typed, derivation
        self.wanted = [n for n in dict.fromkeys(wanted) if derivation.upstream or n != derivation.loss]
        self.backward = self._needed_gradients()
        self.forward = self._needed_statements()
        self.identifiers = self._identifiers()
        deltas = frozenset(self.backward)
        self.writer = _Writer(self.identifiers)
        of = self.identifiers.of
        self.statements = [self.writer.statement(of("quantity", n), derivation.definitions[n]) for n in self.forward]
        self.writer.deltas = deltas
        self.deltas = [self.writer.statement(of("delta", n), derivation.gradients[n].short) for n in self.backward]
        self.leaves = self._arguments()
        self.measured = self._measured()

    # planning

    def _needed_gradients(self) -> list[str]:
        """Find the δ's that the wanted ones rest on, in the order of the backward pass."""
        gradients = self.derivation.gradients
        needed, waiting = set[str](), list(self.wanted)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += self._delta_names(gradients[name].short)
        return [name for name in gradients if name in needed]

    def _delta_names(self, term: Term) -> Iterator[str]:
        for name in names(term):
            of = name.removeprefix(DELTA)
            if of != name and of in self.derivation.gradients:
                yield of

    def _quantity_names(self) -> Iterator[str]:
        """Yield what the loss and the δ's use directly, δ's aside."""
        if not self.derivation.upstream:
            yield self.derivation.loss
        for delta in self.backward:
            term = self.derivation.gradients[delta].short
            others = set(self._delta_names(term))
            yield from (n for n in names(term) if n.removeprefix(DELTA) == n or n.removeprefix(DELTA) not in others)

    def _needed_statements(self) -> list[str]:
        definitions = self.derivation.definitions
        needed, waiting = set[str](), list(self._quantity_names())
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += names(definitions[name]) if name in definitions else ()
        self.used = needed
        return [name for name in definitions if name in needed]

    def _identifiers(self) -> _Identifiers:
        """Give the names their identifiers: quantities first, so that these keep theirs."""
        out = _Identifiers()
        for name in (*self._given_shapes(), *self.derivation.definitions):
            out.of("quantity", name)
        for name in self.typed.functions:
            out.of("function", name)
        for name in self.typed.lengths:
            out.of("length", name)
        return out

    def _given_shapes(self) -> dict[str, Shape]:
        """Return the leaves, and what only a given ∂L/∂name uses."""
        given = {name: leaf.shape for name, leaf in self.typed.leaves.items()}
        for term in self.derivation.upstream.values():
            for node in walk(term):
                if isinstance(node, Name) and node.name not in self.derivation.definitions:
                    given.setdefault(node.name, node.shape)
        return given

    def _arguments(self) -> dict[str, Shape]:
        return {n: shape for n, shape in self._given_shapes().items() if n in self.used or n in self.wanted}

    def _measured(self) -> dict[str, _Measure]:
        """Find an axis for each length that is needed; what no axis tells stays an argument."""
        sides = [_Measure(leaf, axis, dim) for leaf, shape in self.leaves.items() for axis, dim in enumerate(shape)]
        sides.sort(key=lambda side: side.dim.constant != 0 or side.dim.parts[1:] != () or side.dim.parts == ())
        found: dict[str, _Measure] = {}
        while True:
            size = len(found)
            for side in sides:
                unknown = [name for name, _ in side.dim.parts if name not in found]
                if len(unknown) == 1:
                    found[unknown[0]] = side
            if len(found) == size:
                break
        needed, waiting = set[str](), list(self.writer.lengths)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += [n for n, _ in found[name].dim.parts] if name in found else []
        self.open_lengths = [name for name in self.typed.lengths if name in needed and name not in found]
        return {name: side for name, side in found.items() if name in needed}

    def parameters(self) -> dict[str, str]:
        """Return the parameters by the names of the program."""
        kinds: list[tuple[str, Iterable[str]]] = [
            ("quantity", self.leaves),
            ("length", self.open_lengths),
            ("function", self.writer.functions),
        ]
        return {name: self.identifiers.of(kind, name) for kind, found in kinds for name in found}

    # writing

    def text(self) -> str:
        """Write the module."""
        taken = self._taken()
        helpers = self._helpers()
        imports = ["import numpy as np"]
        if "normcdf" in helpers:
            imports = ["import math", "", *imports]
        body = [
            *self._docstring(),
            *taken,
            *self._lengths(),
            "",
            *(["# forward", *self.statements, ""] if self.statements else []),
            *(["# backward", *self.deltas, ""] if self.deltas else []),
            *self._returned(),
        ]
        function = [*self._signature(), *(f"    {line}" if line else "" for line in body)]
        pieces = ["\n".join(imports), *(HELPERS[h].text for h in helpers), "\n".join(function)]
        return "\n\n\n".join(pieces) + "\n"

    def _signature(self) -> list[str]:
        inside = ", ".join(self.parameters().values())
        line = f"def gradients({inside}):"
        if len(line) <= WIDTH:
            return [line]
        wrapped = fill(inside + ",", WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
        return ["def gradients(", *wrapped.splitlines(), "):"]

    def _docstring(self) -> list[str]:
        of = self.identifiers.of
        arguments = {of("quantity", n): self._size(shape) for n, shape in self.leaves.items()}
        arguments |= {of("length", n): "a length" for n in self.open_lengths}
        arguments |= {
            of("function", n): _function_said(n, of("function", n.rstrip(ABSTRACT))) for n in self.writer.functions
        }
        wide = max(map(len, arguments), default=0)
        loss = [] if self.derivation.upstream else [f"{json.dumps(self.derivation.loss)}: the loss"]
        gradients = [f"{json.dumps(n)}: {self._size(self.derivation.gradients[n].term.shape)}" for n in self.wanted]
        what = "Run the statements forward and the gradients backward."
        return [
            f'"""{what}',
            "",
            "Matrices are 2-D arrays, columns (n, 1) arrays (a 1-D array is made a column), numbers floats.",
            "",
            "Arguments:" if arguments else "No arguments.",
            *(f"    {name:<{wide}}  {said}" for name, said in arguments.items()),
            "",
            "Returns a dictionary; a gradient has the shape of its variable:",
            *(f"    {line}" for line in (*loss, *gradients)),
            '"""',
        ]

    def _size(self, shape: Shape) -> str:
        if shape.is_scalar:
            return "a number"
        return f"({_dim_said(shape.rows, self.identifiers)}, {_dim_said(shape.cols, self.identifiers)})"

    def _taken(self) -> list[str]:
        """Bring the arguments to two axes, or to none."""
        groups: dict[str, list[str]] = {"matrix": [], "column": [], "scalar": []}
        for name, shape in self.leaves.items():
            kind = "scalar" if shape.is_scalar else "column" if shape.cols == ONE else "matrix"
            groups[kind].append(self.identifiers.of("quantity", name))
        lines: list[str] = []
        for kind, found in groups.items():
            for at in range(0, len(found), 8):
                some = found[at : at + 8]
                listed = ", ".join(some)
                lines.append(f"{listed} = map({kind}, ({listed}))" if len(some) > 1 else f"{listed} = {kind}({listed})")
                self.writer.helpers[kind] = None
        return lines

    def _lengths(self) -> list[str]:
        """Read the lengths from the shapes."""
        of = self.identifiers.of
        lines: list[str] = []
        by_place = {(side.leaf, side.axis): name for name, side in self.measured.items() if _bare(side.dim)}
        for name, side in self.measured.items():
            leaf = of("quantity", side.leaf)
            both = [by_place.get((side.leaf, axis)) for axis in (0, 1)]
            if _bare(side.dim) and None not in both:
                if side.axis == 0:
                    lines.append(f"{', '.join(of('length', str(n)) for n in both)} = {leaf}.shape")
                continue
            lines.append(f"{of('length', name)} = {self._solved(name, side, f'{leaf}.shape[{side.axis}]')}")
        return lines

    def _solved(self, name: str, side: _Measure, seen: str) -> str:
        """Solve the length of an axis for one of its parts."""
        multiple = dict(side.dim.parts)[name]
        rest = Dim(side.dim.constant, tuple(p for p in side.dim.parts if p[0] != name))
        if rest != Dim():
            text, binding = self.writer.dim(rest)
            seen = f"{seen} - {_enclosed((text, binding), PRODUCT)}"
        if multiple == 1:
            return seen
        return (
            f"{_enclosed((seen, SUM if rest != Dim() else ATOM), PRODUCT)} // {_enclosed((str(multiple), ATOM), ATOM)}"
        )

    def _returned(self) -> list[str]:
        of = self.identifiers.of
        loss = self.derivation.loss
        pairs = [] if self.derivation.upstream else [f"{json.dumps(loss)}: {of('quantity', loss)}"]
        pairs += [f"{json.dumps(name)}: {of('delta', name)}" for name in self.wanted]
        line = f"return {{{', '.join(pairs)}}}"
        return [line] if len(line) + 4 <= WIDTH else ["return {", *(f"    {pair}," for pair in pairs), "}"]

    def _helpers(self) -> list[str]:
        """Order the helpers so that each stands after what it needs."""
        needed = set(self.writer.helpers)
        needed |= {inner for name in needed for inner in HELPERS[name].needs}
        return [name for name in HELPERS if name in needed]


def _bare(dim: Dim) -> bool:
    """Say whether a length is just a name."""
    return dim.constant == 0 and len(dim.parts) == 1 and dim.parts[0][1] == 1


def _dim_said(dim: Dim, identifiers: _Identifiers) -> str:
    return str(Dim(dim.constant, tuple((identifiers.of("length", name), times) for name, times in dim.parts)))


def _function_said(name: str, of: str) -> str:
    return f"the derivative of {of}" if name.endswith(ABSTRACT) else "a function of arrays, entry by entry"
