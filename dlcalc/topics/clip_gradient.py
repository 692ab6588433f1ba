"""Gradient clipping by norm, by value, and by the total norm of several tensors."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, choice, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Entry,
    Expr,
    Mul,
    Num,
    Pow,
    Relation,
    Sym,
    expr,
    fold,
    number,
)
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import REAL, Answer, Domain, Route, Sequence, Setting, Slip, Solution, Step, Work, symbols, verdict
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TAU = Sym("tau")
ANY = "g"
"""The name of a gradient of which only the name is known."""
LENGTH = 4
LARGEST = 10**100
NORMS = {"2": "norm", "1": "norm_1", "inf": "norm_inf"}
TORCH_EPS = number(Fraction(1, 10**6))
SHOWN = 4
TWO = expr(2)


@topic(
    area="optimisation",
    answers=("clipped", "norm", "coefficient", "clipped_norm", "is_clipped", "same_direction", "kept", "scaled"),
    examples=(
        "--gradient 3,4 --max-norm 1",
        "--gradient 3,4 --clip-value 3.5",
        '--gradient "3,4;12,0" --max-norm 6.5',
        "--gradient 3,4 --max-norm 1 --convention pytorch",
        "--max-norm tau",
        "--gradient a,b --max-norm c",
    ),
)
def clip_gradient(
    *,
    gradient: Annotated[
        Value | None, values("--grad", "-g", help='Gradient 3,4; several tensors as rows "3,4;12,0" (default any g).')
    ] = None,
    max_norm: Annotated[
        Expr | None,
        scalar("--threshold", "--tau", "--clip-norm", help="Largest norm (default tau).", domain=POSITIVE),
    ] = None,
    clip_value: Annotated[
        Expr | None, scalar("--value", help="Clip every entry to ± this instead.", domain=POSITIVE)
    ] = None,
    norm_type: Annotated[
        str, choice("2", "1", "inf", flags=("--norm",), help="Which norm (default 2, the Euclidean one).")
    ] = "2",
    convention: Annotated[
        str, choice("textbook", "pytorch", help="textbook: τ/‖g‖ (default); pytorch: τ/(‖g‖ + 1e-6).")
    ] = "textbook",
) -> Solution:
    """Gradient clipping: by norm (g if ‖g‖ ≤ τ, else τg/‖g‖), by value, by the total norm of several tensors.

    By norm all entries are multiplied by min(1, τ/‖g‖), so the direction stays and the norm is at most τ; by value
    every entry is cut to -c … c by itself, which may turn the direction. Several tensors (rows) have one norm.
    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (2013);
    torch.nn.utils.clip_grad_norm_ and clip_grad_value_.

    Raises DlcalcError when a threshold is not positive, or both kinds of clipping are asked.

    >>> clip_gradient(gradient=[3, 4], max_norm=1).value
    [0.6, 0.8]
    """
    if clip_value is not None and max_norm is not None:
        raise DlcalcError("--max-norm and --clip-value are two kinds of clipping", "ask for one at a time")
    limit = clip_value if clip_value is not None else max_norm if max_norm is not None else TAU
    if (found := approximate(limit)) is not None and found <= 0:
        raise DlcalcError(f"the threshold {plain(limit)} is not positive", "use a number above 0, such as 1")
    if clip_value is not None and (norm_type != "2" or convention != "textbook"):
        raise DlcalcError("clipping by value takes no norm", "leave --norm-type and --convention out")
    if gradient is None or isinstance(gradient, Sym):
        return _any(gradient, limit, norm_type, by_value=clip_value is not None, torch=convention == "pytorch")
    given = gradient if isinstance(gradient, tuple) else (gradient,)
    rows = [row if isinstance(row, tuple) else (row,) for row in given]
    nested = any(isinstance(row, tuple) for row in given)
    flat = tuple(x for row in rows for x in row if isinstance(x, Expr))
    for g in (*flat, limit):
        if isinstance(g, Num) and abs(g.value) > LARGEST:
            raise DlcalcError("a number here is larger than 10^100", "scale the gradient and the threshold down")
    eps = TORCH_EPS if convention == "pytorch" else ZERO
    found_solution = _by_value if clip_value is not None else _by_norm
    return found_solution(flat, limit, norm_type, eps, len(rows) if nested else 0)


def _shaped(entries: tuple[Expr, ...], rows: int) -> Value:
    """Give the entries their rows back."""
    if not rows:
        return entries if len(entries) > 1 else entries[0]
    width = len(entries) // rows
    return tuple(entries[i * width : (i + 1) * width] for i in range(rows))


def _domains(*given: Expr, limit: Expr) -> dict[str, Domain]:
    return {**dict.fromkeys(sorted(symbols(*given)), REAL), **dict.fromkeys(sorted(symbols(limit)), POSITIVE)}


@dataclass(frozen=True)
class _ByNorm:
    """Given entries under a largest norm."""

    flat: tuple[Expr, ...]
    limit: Expr
    norm_type: str
    eps: Expr
    rows: int

    @property
    def numeric(self) -> bool:
        return not symbols(*self.flat, self.limit)

    @cached_property
    def size(self) -> Expr:
        """The norm before."""
        return fold(_written(self.flat, self.norm_type))

    @cached_property
    def below(self) -> bool | None:
        """Whether nothing changes; None where that depends on symbols."""
        if self.size == ZERO:
            return True
        return bool(_number(self.size + self.eps) <= _number(self.limit)) if self.numeric else None

    @cached_property
    def coefficient(self) -> Expr:
        """The factor for all entries."""
        ratio = ONE if self.below else self.limit / (self.size + self.eps)
        return ratio if self.below is not None else call("min", ONE, ratio)

    @cached_property
    def clipped(self) -> tuple[Expr, ...]:
        """The entries after."""
        if self.below is False:
            return tuple(fold(self.limit * g / (self.size + self.eps)) for g in self.flat)
        return tuple(fold(self.coefficient * g) for g in self.flat)

    @property
    def new_norm(self) -> Expr:
        """The norm after."""
        if self.below:
            return self.size
        if self.eps != ZERO:
            return fold(self.coefficient * self.size)
        return call("min", self.size, self.limit) if self.below is None else self.limit

    def answers(self) -> Iterator[Answer]:
        """Answer with the clipped gradient first."""
        flat, rows = self.flat, self.rows
        slips = _slips(flat, self.limit, self.size, self.norm_type, rows)
        yield Answer("clipped", _shaped(self.clipped, rows), slips=slips)
        yield Answer("norm", self.size, slips=_norm_slips(flat, self.norm_type, rows))
        yield Answer("coefficient", self.coefficient, slips=(Slip(self.size / self.limit, "that is upside down"),))
        yield Answer("clipped_norm", self.new_norm)
        if self.below is not None and self.numeric:
            why = f"‖g‖ is {'not ' if self.below else ''}above the threshold"
            yield verdict("is_clipped", holds=not self.below, otherwise=why)
        yield verdict("same_direction", holds=True, otherwise="one positive factor multiplies every entry")

    def steps(self) -> Iterator[Step]:
        """Measure the norm, compare it, scale the entries."""
        written, flat, clipped = _written(self.flat, self.norm_type), self.flat, self.clipped
        yield Step("norm", Sym("norm"), Sym("norm"), written, "the norm of all entries together")
        if plain(self.size) != plain(written):
            yield Step("norm", Sym("norm"), written, self.size, "computed")
        if self.below is not None and self.numeric:
            yield self._compared()
        if not self.below:
            ratio = Div(self.limit, _with_eps(self.size, self.eps))
            factor = ratio if self.numeric else Call("min", (ONE, ratio))
            yield Step("coefficient", Sym("coefficient"), factor, self.coefficient, "the factor for all entries")
            for g, c in list(zip(flat, clipped, strict=True))[:SHOWN]:
                yield Step("clipped", Sym("clipped"), Mul((self.coefficient, g)), c, "an entry scaled")
        after = fold(_written(clipped, self.norm_type))
        yield Step("clipped-norm", Sym("clipped_norm"), after, self.limit, "the norm is at most the threshold", "<=")
        for i in range(min(len(flat) - 1, SHOWN)):
            cross = Add((Mul((flat[i], clipped[i + 1])), Mul((MINUS_ONE, flat[i + 1], clipped[i]))))
            yield Step("direction", Sym("same_direction"), cross, ZERO, "entries keep their proportions")

    def _compared(self) -> Step:
        because = "not above the threshold: nothing changes" if self.below else "above the threshold: it is scaled down"
        measured = _with_eps(self.size, self.eps)
        return Step("compared", Sym("is_clipped"), measured, self.limit, because, "<=" if self.below else ">")

    def shrunk(self, point: Mapping[str, Any]) -> list[Any]:
        """Shrink the gradient by bisection until its norm fits."""
        g = [float(PLAIN.value(x, point)) for x in self.flat]
        tau, e = float(PLAIN.value(self.limit, point)), float(PLAIN.value(self.eps, point))
        whole = _measured(g, self.norm_type) + e
        if whole <= tau:
            return g
        low, high = 0.0, 1.0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (low, middle) if middle * whole > tau else (middle, high)
        return [low * x for x in g]

    def measured(self, point: Mapping[str, Any]) -> float:
        """Measure the norm at a point."""
        return _measured([float(PLAIN.value(x, point)) for x in self.flat], self.norm_type)


def _by_norm(flat: tuple[Expr, ...], limit: Expr, norm_type: str, eps: Expr, rows: int) -> Solution:
    """Clip given entries by their norm."""
    asked = _ByNorm(flat, limit, norm_type, eps, rows)
    route = Route("clipped", "shrunk by bisection until its norm fits", asked.clipped, asked.shrunk)
    return Solution(
        answers=tuple(asked.answers()),
        work=lambda: Work(tuple(asked.steps()), (route,)),
        setting=Setting(
            domains=_domains(*flat, limit=limit),
            definitions={"norm": asked.measured},
            aliases={name: limit for name in ("tau", "c", "max_norm") if name not in symbols(*flat, limit)},
        ),
        conventions=tuple(_conventions(norm_type, eps, rows)),
        notes=("the gradient is 0: it stays 0",) if asked.size == ZERO else (),
    )


def _with_eps(size: Expr, eps: Expr) -> Expr:
    return size if eps == ZERO else Add((size, eps))


def _number(value: Expr) -> Any:  # noqa: ANN401 (exact where it is)
    return PLAIN.value(value, {})


def _measured(g: list[float], norm_type: str) -> float:
    """Add a norm up entry by entry."""
    if norm_type == "inf":
        return max(abs(x) for x in g)
    power = float(norm_type)
    return float(sum(abs(x) ** power for x in g) ** (1 / power))


def _written(flat: tuple[Expr, ...], norm_type: str) -> Expr:
    """Write a norm out."""
    if norm_type == "inf":
        return Call("max", tuple(Call("abs", (g,)) for g in flat))
    parts = tuple(Pow(g, TWO) if norm_type == "2" else Call("abs", (g,)) for g in flat)
    total: Expr = Add(parts) if len(parts) > 1 else parts[0]
    return Call("sqrt", (total,)) if norm_type == "2" else total


def _slips(flat: tuple[Expr, ...], limit: Expr, size: Expr, norm_type: str, rows: int) -> tuple[Slip, ...]:
    squared = fold(size * size)
    wrong = [
        (tuple(call("max", -limit, call("min", limit, g)) for g in flat), "that clips every entry by its value"),
        (tuple(flat), "that is not clipped"),
        (tuple(fold(limit * g) for g in flat), "it is divided by its norm too"),
    ]
    if size != ZERO:
        wrong.append((tuple(fold(g / size) for g in flat), "that has the norm 1, not τ"))
        wrong.append((tuple(fold(limit * g / squared) for g in flat), "the norm is not squared"))
        wrong.append((tuple(fold(limit * g / size) for g in flat), "a gradient below the threshold stays as it is"))
    if rows > 1:
        width = len(flat) // rows
        each: list[Expr] = []
        for i in range(rows):
            part = flat[i * width : (i + 1) * width]
            own = fold(_written(part, norm_type))
            factor = ONE if own == ZERO else call("min", ONE, limit / own)
            each += [fold(factor * g) for g in part]
        wrong.append((tuple(each), "that clips each tensor by itself; the norm is of all of them together"))
    return tuple(Slip(_shaped(value, rows), because, "coefficient") for value, because in wrong)


def _norm_slips(flat: tuple[Expr, ...], norm_type: str, rows: int) -> tuple[Slip, ...]:
    others = [kind for kind in NORMS if kind != norm_type]
    said = {"2": "that is the 2-norm", "1": "that is the 1-norm", "inf": "that is the largest entry in size"}
    found = [Slip(fold(_written(flat, kind)), said[kind], "norm") for kind in others]
    if norm_type == "2":
        found.append(
            Slip(
                fold(Add(tuple(Pow(g, TWO) for g in flat))) if len(flat) > 1 else flat[0] ** TWO,
                "the root is missing",
                "norm",
            )
        )
    if rows > 1:
        width = len(flat) // rows
        parts = [fold(_written(flat[i * width : (i + 1) * width], norm_type)) for i in range(rows)]
        found.append(Slip(fold(Add(tuple(parts))), "the norms of the tensors do not add up", "norm"))
    return tuple(found)


def _conventions(norm_type: str, eps: Expr, rows: int) -> Iterator[str]:
    yield {"2": "the 2-norm, √Σ g_i²", "1": "the 1-norm, Σ |g_i|", "inf": "the ∞-norm, max |g_i|"}[norm_type]
    if eps != ZERO:
        yield "torch.nn.utils.clip_grad_norm_: the factor is min(1, τ/(‖g‖ + 1e-6)), slightly below τ/‖g‖"
    else:
        yield "g if ‖g‖ ≤ τ, else τg/‖g‖; PyTorch adds 1e-6 to the norm (--convention pytorch)"
    if rows > 1:
        yield f"{rows} tensors: one norm of all entries together, as clip_grad_norm_"


def _by_value(flat: tuple[Expr, ...], limit: Expr, _: str, __: Expr, rows: int) -> Solution:
    """Cut every entry to the interval from -c to c."""
    clipped = tuple(call("max", -limit, call("min", limit, g)) for g in flat)
    numeric = not symbols(*flat, limit)
    answers = [Answer("clipped", _shaped(clipped, rows), slips=_value_slips(flat, limit, rows))]
    pairs = [(i, j) for i in range(len(flat)) for j in range(i)]
    turned: tuple[int, int] | None = None
    if numeric:
        changed = clipped != flat
        answers.append(
            verdict(
                "is_clipped",
                holds=changed,
                otherwise="an entry is beyond ± the threshold" if changed else "no entry is",
            )
        )
        turned = next((p for p in pairs if _cross(flat, clipped, p) != ZERO), None)
        why = "entries are cut by different factors" if turned else "all entries keep their proportions"
        answers.append(verdict("same_direction", holds=turned is None, otherwise=why))

    def steps() -> Iterator[Step]:
        for g, c in list(zip(flat, clipped, strict=True))[:SHOWN]:
            inside = Call("max", (-limit, Call("min", (limit, g))))
            yield Step("clipped", Sym("clipped"), inside, c, "cut to the interval from -c to c")
        for c in clipped[:SHOWN]:
            yield Step("bound", Sym("clipped"), call("abs", c), limit, "no entry is larger", "<=")
        if numeric and turned is not None:
            right, relation = ZERO, ">" if _number(_cross(flat, clipped, turned)) > 0 else "<"
            why = "the proportions change, so the direction does"
            yield Step("direction", Sym("same_direction"), _cross(flat, clipped, turned), right, why, relation)  # type: ignore[arg-type]
        elif numeric:
            for pair in pairs[:SHOWN]:
                yield Step(
                    "direction", Sym("same_direction"), _cross(flat, clipped, pair), ZERO, "the proportions stay"
                )

    def compute(point: Mapping[str, Any]) -> list[Any]:
        """Sort every entry among the two bounds: the middle one of three."""
        c = PLAIN.value(limit, point)
        return [sorted((-c, PLAIN.value(g, point), c))[1] for g in flat]

    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps()), (Route("clipped", "the middle one of -c, g and c", clipped, compute),)),
        setting=Setting(domains=_domains(*flat, limit=limit)),
        conventions=("every entry by itself: max(-c, min(c, g)), as torch.nn.utils.clip_grad_value_",),
    )


def _cross(flat: tuple[Expr, ...], clipped: tuple[Expr, ...], pair: tuple[int, int]) -> Expr:
    i, j = pair
    return fold(Add((Mul((flat[i], clipped[j])), Mul((MINUS_ONE, flat[j], clipped[i])))))


def _value_slips(flat: tuple[Expr, ...], limit: Expr, rows: int) -> tuple[Slip, ...]:
    size = fold(_written(flat, "2"))
    found = [
        Slip(_shaped(tuple(call("min", limit, g) for g in flat), rows), "the lower bound -c is missing", "clipped")
    ]
    if size != ZERO:
        scaled = tuple(fold(call("min", ONE, limit / size) * g) for g in flat)
        found.append(Slip(_shaped(scaled, rows), "that clips by the norm", "clipped"))
    return tuple(found)


# a gradient of which only the name is known


def _any(gradient: Expr | None, limit: Expr, norm_type: str, *, by_value: bool, torch: bool) -> Solution:
    """Clip any vector: one entry of it stands for all."""
    name = gradient.name if isinstance(gradient, Sym) else ANY
    if name in symbols(limit):
        raise DlcalcError(f"{name} is the gradient and the threshold", "give the threshold another name")
    k = Sym("k" if "k" not in {name, *symbols(limit)} else "i")
    entry, size = Entry(name, k), Call(NORMS[norm_type], (Sym(name),))
    total: Expr = size + TORCH_EPS if torch else size
    if by_value:
        clipped: Expr = Call("max", (-limit, Call("min", (limit, entry))))
    else:
        clipped = entry * Call("min", (ONE, limit / total))
    tau_over = limit * entry / total
    answers = [Answer("clipped", clipped, label=None)]
    if not by_value:
        answers += [
            Answer("kept", entry, slips=(Slip(tau_over, "below the threshold nothing changes"),)),
            Answer(
                "scaled",
                tau_over,
                slips=(
                    Slip(entry / total, "that has the norm 1; τ is missing", "scaled"),
                    Slip(limit * entry, "it is divided by the norm too", "scaled"),
                    Slip(limit * entry / size**TWO, "the norm is not squared", "scaled"),
                ),
            ),
            Answer("coefficient", Call("min", (ONE, limit / total))),
            verdict("same_direction", holds=True, otherwise="one positive factor multiplies every entry"),
        ]

    def steps() -> Iterator[Step]:
        target = Sym("clipped")
        if by_value:
            yield Step("clipped", target, Call("abs", (clipped,)), limit, "no entry is larger than the threshold", "<=")
            return
        above, inside = Call("1 >", (total, limit)), Call("1 <=", (total, limit))
        cases = Add((Mul((inside, entry)), Mul((above, tau_over))))
        yield Step("cases", target, clipped, cases, "g where ‖g‖ ≤ τ, and τg/‖g‖ above")
        if norm_type == "2" and not torch:
            j = Sym("j")
            from dlcalc.notation.expression import Sum

            squares = Sum("j", ONE, expr(LENGTH), Pow(Entry(name, j), TWO))
            new = Mul((Pow(Div(limit, size), TWO), squares))
            yield Step("scaled", Sym("clipped_norm"), new, limit**TWO, "τg/‖g‖ has the norm τ")
        least = Call("min", (ONE, Div(limit, total)))
        yield Step("coefficient", Sym("coefficient"), Mul((least, size)), limit, "so the norm is at most τ", "<=")
        yield Step("direction", Sym("same_direction"), least, ZERO, "a positive factor: the direction stays", ">")

    def compute(point: Mapping[str, Any]) -> Any:  # noqa: ANN401 (exact or a float)
        tau, g = PLAIN.value(limit, point), point[name]
        at = g[int(point[k.name]) - 1]
        if by_value:
            return sorted((-tau, at, tau))[1]
        whole = _measured([float(x) for x in g], norm_type) + (1e-6 if torch else 0.0)
        return at if whole <= tau else float(at) / whole * float(tau)

    spelled = {"g_k": entry, "norm_g": size} | ({"tau": limit} if "tau" not in symbols(limit) else {})
    return Solution(
        answers=tuple(answers),
        work=lambda: Work(tuple(steps()), (Route("clipped", "a gradient measured and scaled", clipped, compute),)),
        setting=Setting(
            domains={
                **dict.fromkeys(sorted(symbols(limit)), POSITIVE),
                k.name: Domain(Fraction(1), Fraction(LENGTH), whole=True),
            },
            constraints=(Relation(size, ">", ZERO),),
            sequences={name: Sequence(expr(LENGTH))},
            aliases=spelled,
        ),
        conventions=(
            f"{unicode(entry)} is any entry of the gradient {name}",
            *(() if by_value else _conventions(norm_type, TORCH_EPS if torch else ZERO, 0)),
        ),
    )
