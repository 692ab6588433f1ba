"""Bounds of the log-sum-exp."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from functools import reduce
from math import ceil, isclose, log
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, scalar, values
from dlcalc.notation.evaluate import PLAIN, approximate
from dlcalc.notation.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Entry,
    Expr,
    Num,
    Relation,
    Sum,
    Sym,
    add,
    div,
    expr,
    fold,
    mul,
)
from dlcalc.notation.functions import call, exp, ln
from dlcalc.notation.printing import Value, plain, unicode
from dlcalc.solution import COUNT, REAL, Answer, Domain, Route, Sequence, Setting, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SHOWN = 8
"""Numbers up to which sums are written term by term."""
MAX_PAIRED = 32
"""Entries up to which the log-softmax is listed: each of its entries repeats all the others."""
MAX_SAMPLED = 32
"""Numbers of entries up to which vectors of that very length are sampled; beyond, the proof is for n entries."""
MANY = Domain(Fraction(2), Fraction(9), whole=True)
FAITHFUL = 1e-12
"""Relative error up to which floats evaluate a form well enough to show it."""
SEPARABLE, SEPARABLE_SAMPLED = 13_000, 1_000
"""Differences of exponents up to which the checker's digits tell e^a + e^b from e^a: at one point, at many."""
DIGITS = (50, 1_000)
"""Digits with which ‖x‖_∞ is compared with LSE(x)."""
ROUTE_DIGITS = 60

_Strict = Literal["<", "<="]


@topic(
    area="losses",
    answers=("lse", "max", "lower", "upper", "inf_norm", "log_softmax"),
    examples=("--x 1,2,3", "--x -1,-2", "--x 1000,-1000", "--x a,b --t t", "--n n", "--n 5 --t 2"),
)
def lse_bounds(
    *,
    x: Annotated[Value | None, values("--z", "--logits", help="Entries 1,2,3 or a,b; left out, any vector.")] = None,
    n: Annotated[
        Expr | None,
        scalar("--entries", help="Number of entries, where x is any vector (default n).", whole=True, least=1),
    ] = None,
    t: Annotated[Expr | None, scalar("--scale", help="Bound LSE(t·x)/t instead, for t > 0.", domain=POSITIVE)] = None,
) -> Solution:
    """Bounds of the log-sum-exp, proved, and its value without overflow.

    LSE(x) = ln Σ e^(x_i) = M + ln Σ e^(x_i - M) with M = max x, so max x ≤ LSE(x) ≤ max x + ln n.
    With t > 0: max x ≤ LSE(t·x)/t ≤ max x + ln(n)/t. The maximum keeps the signs: it is not ‖x‖_∞ = max |x_i|,
    for which the lower bound fails at x = (-1, -2). log_softmax is x - LSE(x), for entries that are given.
    Source: Boyd and Vandenberghe, Convex Optimization (2004), section 3.1.5; Blanchard, Higham and Higham,
    Accurately computing the log-sum-exp and softmax functions (2021).

    Raises DlcalcError when t is not positive, x is a matrix, or n is not the number of entries of x.

    >>> round(lse_bounds(x="1,2,3").value, 6)
    3.407606
    """
    _positive(t)
    asked = _Question(_vector(x, n, t), t)
    notes, compared = _norm_and_maximum(asked)
    return Solution(
        answers=_answers(asked),
        work=lambda: Work((*_proof(asked), *compared), _routes(asked)),
        setting=_setting(asked),
        notes=(*_when_strict(asked), *notes, *_limit(asked), *_left_out(asked)),
        conventions=_conventions(asked),
        assumptions=() if t is None or isinstance(t, Num) else (f"{unicode(t)} > 0",),
    )


# the givens


def _positive(t: Expr | None) -> None:
    value = None if t is None else t.value if isinstance(t, Num) else approximate(t)
    if t is None or value is None or value > 0:
        return
    if value == 0:
        raise DlcalcError("t = 0 leaves LSE(t·x)/t undefined: it is ln(n)/0", "use t > 0, or leave it out for LSE(x)")
    raise DlcalcError(
        f"t = {plain(t)} is negative: LSE(t·x)/t then bounds the minimum, min x - ln(n)/|t| ≤ LSE(t·x)/t ≤ min x",
        f"use --t {plain(-t)}; the minimum of x is minus the maximum of -x",
    )


class _Vector(NamedTuple):
    """The vector x: its entries where they are given, else only how many there are."""

    entries: tuple[Expr, ...]
    length: Expr
    name: str
    counter: str

    @property
    def known(self) -> bool:
        """True where all entries are numbers."""
        return bool(self.entries) and all(isinstance(entry, Num) for entry in self.entries)

    @property
    def written_out(self) -> bool:
        """True where sums are written term by term; a long list of numbers is written x_1 … x_n."""
        return bool(self.entries) and (len(self.entries) <= SHOWN or not self.known)

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The entries that are numbers."""
        return tuple(entry.value for entry in self.entries if isinstance(entry, Num))

    @property
    def single(self) -> bool:
        """True for one entry, where both bounds are equalities."""
        return self.length == ONE

    @property
    def constant(self) -> bool:
        """True where all entries are the same."""
        return len(set(self.entries)) == 1

    @property
    def countless(self) -> bool:
        """True for a number of entries that is too large to draw vectors of that length."""
        return not self.entries and isinstance(self.length, Num) and self.length.value > MAX_SAMPLED

    def total(self, term: Callable[[Expr], Expr]) -> Expr:
        """Add a term up over all entries, folding nothing."""
        if not self.written_out:
            return Sum(self.counter, ONE, self.length, term(Entry(self.name, Sym(self.counter))))
        terms = tuple(map(term, self.entries))
        return Add(terms) if len(terms) > 1 else terms[0]

    def extreme(self, function: Literal["max", "min"]) -> Expr:
        """Take the maximum or minimum of the entries, exactly where they are numbers."""
        if not self.entries:
            return Call(function, (Sym(self.name),))
        pick = max if function == "max" else min
        symbolic = dict.fromkeys(entry for entry in self.entries if not isinstance(entry, Num))
        found = (*symbolic, *((Num(pick(self.numbers)),) if self.numbers else ()))
        return found[0] if len(found) == 1 else Call(function, found)

    def sizes(self) -> _Vector:
        """Return the vector of the absolute values of given entries."""
        return self._replace(entries=tuple(call("abs", entry) for entry in self.entries))


def _vector(x: Value | None, n: Expr | None, t: Expr | None) -> _Vector:
    """Read the entries; without them, or with one symbol for all of them, x is any vector of n entries."""
    if isinstance(x, tuple) and any(isinstance(entry, tuple) for entry in x):
        raise DlcalcError(f"x has {len(x)} rows, but LSE is of one list", "give one row, such as --x 1,2,3")
    others = symbols(*(given for given in (n, t) if given is not None))
    if x is None or isinstance(x, Sym):
        name = x.name if isinstance(x, Sym) else _unused("x", others)
        if name in others:
            raise DlcalcError(f"{name} is the vector, but n or t uses it too", "give the vector another name")
        if n is None and (name == "n" or "n" in others):
            raise DlcalcError("n is the number of entries, but another given uses it", "say what n is: add --n N")
        return _Vector((Entry(name, ONE),) if n == ONE else (), n or Sym("n"), name, _unused("i", others | {name, "n"}))
    entries = tuple(entry for entry in ((x,) if isinstance(x, Expr) else x) if isinstance(entry, Expr))
    if n is not None and n != expr(len(entries)):
        raise DlcalcError(f"x has {len(entries)} entries, but n is {plain(n)}", "leave out --n, or --x")
    taken = others | symbols(*entries)
    return _Vector(entries, expr(len(entries)), _unused("x", taken), _unused("i", taken))


def _unused(preferred: str, taken: frozenset[str]) -> str:
    """Return a name that no given uses."""
    names = (preferred, *(f"{preferred}{i}" for i in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


# the quantities


class _Question(NamedTuple):
    """The vector, and the scale t; without a scale, t = 1 is not written."""

    vector: _Vector
    t: Expr | None

    @property
    def scale(self) -> tuple[Expr, ...]:
        """The scale, where there is one."""
        return () if self.t is None else (self.t,)

    @property
    def numeric(self) -> bool:
        """True where every given is a number."""
        return self.vector.known and not symbols(*self.scale)

    def scaled(self, x: Expr) -> Expr:
        """Multiply by t."""
        return x if self.t is None else mul(self.t, x)

    def over(self, x: Expr) -> Expr:
        """Divide by t."""
        return x if self.t is None else div(x, self.t)

    def of_any_length(self) -> _Question:
        """Ask the same of n entries, n a letter, where there are too many to draw."""
        if not self.vector.countless:
            return self
        letter = _unused("n", frozenset({self.vector.name, self.vector.counter}) | symbols(*self.scale))
        return self._replace(vector=self.vector._replace(length=Sym(letter)))

    @property
    def exponents(self) -> str:
        """The name of t·x."""
        return self.vector.name if self.t is None else _unused("z", symbols(self.t, Sym(self.vector.name)))

    @property
    def same(self) -> Sym:
        """The letter for entries that are all equal."""
        vector = self.vector
        return Sym(_unused("c", frozenset({vector.name, vector.counter}) | symbols(vector.length, *self.scale)))

    @property
    def largest(self) -> Expr:
        """M, the maximum of the entries."""
        return self.vector.extreme("max")

    @property
    def norm(self) -> Expr:
        """‖x‖_∞, the largest absolute value."""
        return self.vector.sizes().extreme("max") if self.vector.entries else Call("norm_inf", (Sym(self.vector.name),))

    @property
    def width(self) -> Expr:
        """How far apart the bounds are."""
        return self.over(ln(self.vector.length))

    @property
    def upper(self) -> Expr:
        """The upper bound."""
        return add(self.largest, self.width)

    @property
    def total(self) -> Expr:
        """The sum of the exponentials, as written."""
        return self.vector.total(lambda x: exp(self.scaled(x)))

    @property
    def shifted(self) -> Expr:
        """The sum of the exponentials with the largest taken out, so that no exponent is positive."""
        largest = self.largest
        return fold(self.vector.total(lambda x: exp(self.scaled(ZERO if x == largest else x - largest))))

    @property
    def direct(self) -> Expr:
        """The log-sum-exp by its definition, as written."""
        return self.over(ln(self.total))

    @property
    def stable(self) -> Expr:
        """The log-sum-exp as it is computed."""
        return add(self.largest, self.over(ln(self.shifted)))

    @property
    def lse(self) -> Expr:
        """The log-sum-exp in the plainest form that floats can evaluate."""
        vector = self.vector
        if vector.constant:
            return self.upper
        if vector.countless:
            return self.over(Call("logsumexp", (Sym(self.exponents),)))
        if not vector.known:
            return fold(self.direct)
        whole = self.over(call("logsumexp", *map(self.scaled, vector.entries)))
        forms = (fold(self.direct), self.stable) if vector.written_out else ()
        return next((form for form in forms if not self.numeric or _faithful(form, whole)), whole)

    @property
    def log_softmax(self) -> tuple[Expr, ...]:
        """The logarithm of each entry's share of the sum, in the plainest form that floats can evaluate."""
        exponents = tuple(map(self.scaled, self.vector.entries))
        if self.vector.constant:
            return (-ln(self.vector.length),) * len(exponents)
        whole = call("logsumexp", *exponents)
        logs = (ln(fold(self.total)), whole) if self.vector.written_out else (whole,)
        forms = [tuple(one - log for one in exponents) for log in logs]
        if not self.numeric:
            return forms[0]
        exact = tuple(-call("logsumexp", *(other - one for other in exponents)) for one in exponents)
        return next((form for form in forms if all(map(_faithful, form, exact))), exact)


def _faithful(form: Expr, stable: Expr) -> bool:
    """Say whether floats evaluate a form as well as the stable one."""
    found, right = approximate(form), approximate(stable)
    return found is not None and right is not None and isclose(found, right, rel_tol=FAITHFUL)


# the answers


def _answers(asked: _Question) -> tuple[Answer, ...]:
    lower, upper, norm = asked.largest, asked.upper, asked.norm
    no_bound = "that is ‖x‖_∞ = max |x_i|, no lower bound: x = (-1, -2) has ‖x‖_∞ = 2, but LSE(x) = -0.6867"
    answers = (
        Answer("lse", asked.lse, slips=_lse_slips(asked)),
        Answer("max", lower, slips=(Slip(norm, "that is ‖x‖_∞ = max |x_i|; the maximum keeps the signs", "norm"),)),
        Answer("lower", lower, slips=(Slip(norm, no_bound, "norm"), Slip(upper, "that is the upper bound"))),
        Answer("upper", upper, slips=_upper_slips(asked)),
        Answer("inf_norm", norm, slips=(Slip(lower, "that is max x; the norm takes absolute values first"),)),
    )
    if not 0 < len(asked.vector.entries) <= MAX_PAIRED:
        return answers
    shares = asked.log_softmax
    slips = (
        Slip(tuple(map(exp, shares)), "that is the softmax; its logarithm was asked"),
        Slip(tuple(-share for share in shares), "the sign is reversed: no log-probability is positive"),
    )
    return (*answers, Answer("log_softmax", shares, slips=slips))


def _upper_slips(asked: _Question) -> tuple[Slip, ...]:
    lower, n, log_n = asked.largest, asked.vector.length, ln(asked.vector.length)
    too_wide = "above LSE, but not tight: ln n is added to max x, not to ‖x‖_∞ = max |x_i|"
    slips = [
        Slip(add(asked.norm, asked.width), too_wide, "norm-upper"),
        Slip(lower, "ln n is missing: the sum has n terms", "terms"),
        Slip(add(lower, asked.over(n)), "it is ln n, not n: the logarithm of n·e^M is taken", "upper"),
        Slip(mul(n, lower), "ln(n·e^M) is ln n + M, not n·M", "upper"),
        Slip(add(lower, asked.over(div(log_n, ln(expr(2))))), "ln is the natural logarithm, not log₂", "upper"),
        Slip(add(lower, asked.over(div(log_n, ln(expr(10))))), "ln is the natural logarithm, not log₁₀", "upper"),
    ]
    if asked.t is not None:
        slips += [
            Slip(add(lower, log_n), "ln n is divided by t too", "upper"),
            Slip(add(lower, mul(asked.t, log_n)), "ln n is divided by t, not multiplied", "upper"),
            Slip(add(asked.scaled(lower), log_n), "that bounds LSE(t·x), which is divided by t", "logarithm"),
        ]
    return tuple(slips)


def _lse_slips(asked: _Question) -> tuple[Slip, ...]:
    vector = asked.vector
    slips = [Slip(asked.largest, "that is the lower bound"), Slip(asked.upper, "that is the upper bound")]
    if vector.countless:
        return tuple(slips)
    of_sizes = asked.over(ln(vector.total(lambda x: exp(asked.scaled(call("abs", x))))))
    slips += [
        Slip(fold(asked.total), "the logarithm is missing"),
        Slip(fold(vector.total(lambda x: x)), "the logarithm of a sum is not the sum of the logarithms"),
        Slip(fold(of_sizes), "that is LSE of |x|; the entries keep their signs", "norm-sizes"),
        Slip(fold(div(asked.direct, ln(expr(2)))), "ln is the natural logarithm, not log₂"),
        Slip(fold(div(asked.direct, ln(expr(10)))), "ln is the natural logarithm, not log₁₀"),
    ]
    if asked.t is not None:
        slips += [
            Slip(fold(ln(asked.total)), "that is LSE(t·x), which is divided by t"),
            Slip(fold(ln(vector.total(exp))), "that is LSE(x): t multiplies every entry and divides the logarithm"),
            Slip(fold(asked.over(ln(vector.total(exp)))), "t multiplies every entry too"),
        ]
    return tuple(slips)


# the proof


def _proof(asked: _Question) -> tuple[Step, ...]:
    """Prove both bounds, and show how the value is computed."""
    if asked.vector.single:
        return _of_one_entry(asked)
    if asked.vector.entries:
        return (*_of_entries(asked), *_taken_out(asked))
    general = asked.of_any_length()
    steps = (*_of_any(general), *_taken_out(general))
    if not asked.vector.countless:
        return steps
    where = dict.fromkeys(symbols(general.vector.length), asked.vector.length)
    return (
        *steps,
        Step("upper-givens", Sym("upper"), general.upper, asked.upper, "the number of entries", where=where),
    )


def _of_one_entry(asked: _Question) -> tuple[Step, ...]:
    (x,) = asked.vector.entries
    lse = asked.over(Call("ln", (Call("exp", (asked.scaled(x),)),)))
    upper = Add((x, asked.over(Call("ln", (ONE,)))))
    return (
        Step("lower", Sym("lse"), lse, x, "one entry: the logarithm undoes the exponential"),
        Step("upper", Sym("upper"), upper, x, "ln 1 = 0: both bounds are equalities"),
    )


def _of_entries(asked: _Question) -> tuple[Step, ...]:
    """Prove the bounds for entries that are given: M is one of them."""
    vector, total, lse, largest = asked.vector, asked.total, asked.direct, asked.largest
    top, power, strict = exp(asked.scaled(largest)), _power(asked), _separable(asked)
    copies = mul(vector.length, top)
    relation: Literal["=", "<", "<="] = "=" if vector.constant else "<" if vector.known else "<="
    equality = {"=": "all are equal", "<": "strict, as not all are equal", "<=": "equality where all are equal"}[
        relation
    ]
    others = "the other is" if len(vector.entries) == 2 else f"the other {len(vector.entries) - 1} are"  # noqa: PLR2004 (a pair)
    steps = []
    if vector.known:
        whole = Call("max", vector.entries if vector.written_out else (Sym(vector.name),))
        steps.append(Step("max", Sym("max"), whole, largest, "M, the largest entry, with its sign"))
    steps += [
        Step("term", Sym("total"), top, total, f"{power} is one of the terms, {others} positive", strict),
        Step("lower", Sym("lse"), largest, lse, f"ln is increasing{_divided(asked)}: the lower bound", strict),
    ]
    if vector.known and strict == "<=":
        because = f"what is left when {power} is taken out: the bound is strict, if only by this much"
        steps.append(Step("strict", Sym("rest"), ZERO, asked.shifted - ONE, because, "<"))
    ties = vector.numbers.count(max(vector.numbers)) if vector.known else 1
    if 1 < ties < len(vector.entries):
        tied = largest + asked.over(ln(expr(ties)))
        steps.append(Step("ties", Sym("lse"), tied, lse, f"{ties} of the terms are {power}", _separable(asked, ties)))
    return (
        *steps,
        Step("terms", Sym("total"), total, copies, f"no term is above {power}; {equality}", relation),
        *_logarithm_of(copies, asked, relation),
    )


def _of_any(asked: _Question) -> tuple[Step, ...]:
    """Prove the bounds for every vector of n entries, between n - 1 copies of the minimum and of the maximum."""
    vector, total, n = asked.vector, asked.total, asked.vector.length
    top, bottom = exp(asked.scaled(asked.largest)), exp(asked.scaled(vector.extreme("min")))
    least, most, copies = Add((top, mul(n - ONE, bottom))), Add((bottom, mul(n - ONE, top))), mul(n, top)
    same = asked.same
    all_same = asked.over(ln(Sum(vector.counter, ONE, n, exp(asked.scaled(same)))))
    strict: _Strict = _separable(asked) if isinstance(n, Num) else "<="
    when = "strict" if isinstance(n, Num) else f"strict for {unicode(n)} > 1"
    lower = f"ln is increasing{_divided(asked)}: the lower bound, {when}"
    return (
        Step("term", Sym("total"), top, least, f"exponentials are positive: {when}", strict),
        Step("least", Sym("total"), least, total, "one entry is max x, no other is below min x", "<="),
        Step("lower", Sym("lse"), asked.largest, asked.direct, lower, strict),
        Step("most", Sym("total"), total, most, "one entry is min x, no other is above max x", "<="),
        Step("terms", Sym("total"), most, copies, "min x ≤ max x, equal only where all entries are", "<="),
        *_logarithm_of(copies, asked, "<="),
        Step("equality", same, all_same, add(same, asked.width), f"reached where all entries are equal to {same}"),
    )


def _logarithm_of(copies: Expr, asked: _Question, relation: Literal["=", "<", "<="]) -> tuple[Step, ...]:
    """Take the logarithm of the bound n·e^M of the sum."""
    bound, because = asked.over(call("ln", copies)), f"ln is increasing{_divided(asked)}"
    if bound == asked.upper:
        return (Step("upper", Sym("upper"), asked.direct, bound, f"{because}: the upper bound", relation),)
    return (
        Step("logarithm", Sym("upper"), asked.direct, bound, because, relation),
        Step("upper", Sym("upper"), bound, asked.upper, "the logarithm of the product: the upper bound"),
    )


def _taken_out(asked: _Question) -> tuple[Step, ...]:
    """Show the form that is computed, where it is not one of the lines above."""
    if asked.stable in {fold(asked.direct), asked.upper}:
        return ()
    because = f"{_power(asked)} taken out of the sum: no exponent is positive, so nothing overflows"
    return (Step("shift", Sym("lse"), asked.direct, asked.stable, because),)


def _power(asked: _Question) -> str:
    """Write the largest of the exponentials."""
    largest = "M" if asked.vector.known else "max x"
    return f"e^(t·{largest})" if asked.t is not None else "e^M" if asked.vector.known else f"e^({largest})"


def _divided(asked: _Question) -> str:
    """Say what is done after the logarithm."""
    return "" if asked.t is None else ", and t > 0 divides"


def _separable(asked: _Question, ties: int = 1) -> _Strict:
    """Choose the relation of a strict bound: a difference beyond the digits of every check is checked as ≤."""
    vector, t = asked.vector, asked.t
    largest_t = ONE.value if t is None else t.value if isinstance(t, Num) else COUNT.high
    if vector.known:
        *_, next_largest = sorted(vector.numbers)[:-ties]
        apart = max(vector.numbers) - next_largest
    else:
        sampled = (REAL.low, REAL.high, *vector.numbers)
        apart = max(sampled) - min(sampled)
    plainly_sampled = all(isinstance(given, Num | Sym) for given in (*vector.entries, *asked.scale))
    limit = SEPARABLE if asked.numeric else SEPARABLE_SAMPLED
    return "<" if plainly_sampled and largest_t * apart <= limit else "<="


# the maximum is not the norm


def _norm_and_maximum(asked: _Question) -> tuple[tuple[str, ...], tuple[Step, ...]]:
    """Compare max x with ‖x‖_∞, with which the bounds are often stated: what to know, and its proof."""
    if not asked.vector.known:
        return (_in_general(asked),), _with_the_norm(asked.of_any_length())
    if asked.norm == asked.largest:
        return (), ()
    norm, largest, name = plain(asked.norm), plain(asked.largest), _name(asked)
    differ, target = f"‖x‖_∞ = {norm} is not max x = {largest}", Sym("inf_norm")
    if not asked.numeric:
        note = f"{differ}: with ‖x‖_∞ the lower bound fails for large t, as {name} → {largest}"
        if not isinstance(asked.t, Sym):
            return (note,), ()
        above = _exact(asked.norm) - _exact(asked.largest)
        late = expr(1 + ceil(Fraction(log(len(asked.vector.entries))) / above))
        because = f"at {plain(asked.t)} = {plain(late)}, for one, ‖x‖_∞ is above: it is no lower bound"
        return (note,), (Step("norm", target, asked.norm, asked.direct, because, ">", where={asked.t.name: late}),)
    found = _apart(asked.lse, asked.norm)
    if _norm_is_below(asked):
        note = f"{differ}: ‖x‖_∞ ≤ {name} happens to hold here, {norm} < {found}; the bound that always holds is max x"
        because = "‖x‖_∞ happens to be below; it need not be"
        return (note,), (Step("norm", target, asked.norm, asked.direct, because, "<"),)
    note = f"{differ}: with ‖x‖_∞ the lower bound fails here, {norm} > {found} = {name}"
    because = "‖x‖_∞ is no lower bound: it is above"
    return (note,), (Step("norm", target, asked.norm, asked.direct, because, ">"),)


def _in_general(asked: _Question) -> str:
    example = "x = (-1, -2) has ‖x‖_∞ = 2, but LSE(x) = -0.6867"
    if asked.t is not None or asked.vector.single:
        example = f"x = (-1) has ‖x‖_∞ = 1, but {_name(asked)} = -1"
    of = "" if asked.t is None else "t·"
    holds = f"‖x‖_∞ ≤ {_name(asked)} exactly where Σ e^({of}x_i) ≥ e^({of}‖x‖_∞), so wherever x ≥ 0"
    return f"the lower bound is max x, not ‖x‖_∞ = max |x_i|: {example}; {holds}"


def _name(asked: _Question) -> str:
    return "LSE(x)" if asked.t is None else "LSE(t·x)/t"


def _with_the_norm(asked: _Question) -> tuple[Step, ...]:
    """Show what is true of the norm, and what is not."""
    vector, norm = asked.vector, asked.norm
    example = (-ONE, expr(-2)) if asked.t is None and not vector.single else (-ONE,)
    exponentials = tuple(exp(asked.scaled(x)) for x in example)
    lse = asked.over(ln(add(*exponentials)))
    pair = asked.over(Call("logsumexp", (asked.scaled(ONE), asked.scaled(-ONE))))
    reached = Add((ONE, asked.over(ln(expr(2)))))
    of_sizes = asked.over(ln(vector.total(lambda x: exp(asked.scaled(call("abs", x))))))
    shown = ", ".join(map(plain, example))
    steps = (
        Step("norm", Sym("inf_norm"), Call("norm_inf", example), lse, f"‖x‖_∞ is no lower bound: x = ({shown})", ">"),
        Step(
            "norm-upper", Sym("inf_norm"), asked.largest, norm, "x_i ≤ |x_i|: above, ‖x‖_∞ is true but not tight", "<="
        ),
    )
    if vector.single:
        return steps
    return (
        *steps,
        Step("norm-equality", Sym("inf_norm"), pair, reached, "equal |x_i| do not reach it: x = (1, -1)", "<"),
        Step("norm-sizes", Sym("inf_norm"), norm, of_sizes, "true with the norm: the bound of LSE(|x|)", "<="),
    )


def _norm_is_below(asked: _Question) -> bool:
    """Decide ‖x‖_∞ ≤ LSE for numbers, by whether Σ e^(t(x_i - ‖x‖_∞)) reaches 1.

    It never equals 1, as exponentials of distinct rational numbers are linearly independent over the rational
    numbers (Lindemann and Weierstrass), so enough digits decide.
    """
    norm, scale = _exact(asked.norm), ONE.value if asked.t is None else _exact(asked.t)
    powers = [(x - norm) * scale for x in asked.vector.numbers]
    above = Decimal(0)
    for digits in DIGITS:
        context = Context(prec=digits, traps=[])
        terms = (context.exp(context.divide(power.numerator, power.denominator)) for power in powers)
        above = context.subtract(reduce(context.add, terms), 1)
        if abs(above) > Decimal(10) ** (10 - digits):
            break
    return above > 0


def _apart(value: Expr, other: Expr) -> str:
    """Write a value with as many digits as tell it from the other."""
    found, beside = approximate(value), approximate(other)
    if found is None or beside is None:
        return plain(value)
    written = (f"{found:.{digits}g}" for digits in (4, 8, 12, 17))
    return next((text for text in written if float(text) != beside), plain(value))


def _exact(value: Expr) -> Fraction:
    return Fraction(PLAIN.value(value, {}))


# what is said beside it


def _when_strict(asked: _Question) -> tuple[str, ...]:
    vector, n = asked.vector, unicode(asked.vector.length)
    if vector.single:
        return ("n = 1: LSE is the entry itself, and both bounds are equalities",)
    if vector.constant:
        return ("all entries are equal: the upper bound is reached, the lower one is strict",)
    if not vector.known:
        lower = f"as n = {n} > 1" if isinstance(vector.length, Num) else f"for {n} > 1, an equality for {n} = 1"
        return (f"the lower bound is strict {lower}; the upper one is reached exactly where all entries are equal",)
    notes = [f"both bounds are strict: n = {n} > 1, and not all entries are equal"]
    ties = vector.numbers.count(max(vector.numbers))
    if ties > 1:
        tied = unicode(asked.over(ln(expr(ties))))
        notes.append(f"{ties} entries tie for the maximum, so even max x + {tied} is a lower bound")
    if len(set(map(abs, vector.numbers))) == 1:
        notes.append("that all |x_i| are equal does not reach the upper bound; all x_i must be equal")
    if asked.numeric and approximate(asked.direct) is None and vector.written_out:
        notes.append(f"e^x is beyond floats here; with M = {plain(asked.largest)} taken out, every exponent is ≤ 0")
    return tuple(notes)


def _limit(asked: _Question) -> tuple[str, ...]:
    if asked.t is None:
        return ()
    value = f" = {plain(asked.largest)}" if asked.vector.known else ""
    other = "" if asked.norm == asked.largest else ", not ‖x‖_∞"
    return (f"as t → ∞ the bounds meet, so LSE(t·x)/t → max x{value}{other}",)


def _left_out(asked: _Question) -> tuple[str, ...]:
    count = len(asked.vector.entries)
    return (f"log_softmax is listed up to {MAX_PAIRED} entries; here are {count}",) if count > MAX_PAIRED else ()


def _conventions(asked: _Question) -> tuple[str, ...]:
    vector = asked.vector
    said = ["LSE(x) = ln Σ e^(x_i), with the natural logarithm"]
    if asked.t is not None:
        said.append("lse, lower and upper are of LSE(t·x)/t" + ("; log_softmax is of t·x" if vector.entries else ""))
    said.append("max is max_i x_i, with the signs; inf_norm is ‖x‖_∞ = max_i |x_i|")
    if not vector.entries:
        said.append(
            f"{vector.name} is a vector of {unicode(vector.length)} entries; for one number, write --x [{vector.name}]"
        )
    if vector.countless and asked.t is not None:
        said.append(f"{asked.exponents} = {unicode(asked.t)}·{vector.name}")
    return tuple(said)


# where it is checked


def _setting(asked: _Question) -> Setting:
    """Say where the names are sampled; a long list of numbers, and t·x, are families of entries."""
    vector, t, length = asked.vector, asked.t, asked.of_any_length().vector.length
    free = (*vector.entries, *asked.scale) if vector.entries else (asked.of_any_length().same, *asked.scale)
    domains = dict.fromkeys(sorted(symbols(*free) - {vector.name}), REAL)
    domains |= dict.fromkeys(sorted(symbols(length)), MANY if vector.countless else COUNT)
    if isinstance(t, Sym) and t.name not in symbols(length):
        domains[t.name] = POSITIVE
    definitions: dict[str, Callable[..., Any]] = {}
    if vector.known and not vector.written_out:
        definitions[vector.name] = lambda _, index=None: vector.numbers if index is None else vector.numbers[index - 1]
    if vector.countless and t is not None:
        definitions[asked.exponents] = lambda point, index=None: _exponents(asked, point, index)
    generic = not vector.entries or vector.entries == (Entry(vector.name, ONE),)
    positive = [Relation(t, ">", ZERO)] if t is not None and not isinstance(t, Num | Sym) else []
    nonempty = [Relation(length, ">=", ONE)] if not isinstance(length, Num | Sym) else []
    return Setting(
        domains=domains,
        constraints=(*positive, *nonempty),
        sequences={vector.name: Sequence(length)} if generic else {},
        definitions=definitions,
        families=frozenset(definitions),
    )


def _exponents(asked: _Question, point: Mapping[str, Any], index: int | None) -> Any:  # noqa: ANN401 (one, or all)
    found = tuple(PLAIN.value(asked.scaled(Num(x)), point) for x in point[asked.vector.name])
    return found if index is None else found[index - 1]


def _routes(asked: _Question) -> tuple[Route, ...]:
    """Add the exponentials up as the definition says, with digits and exponents that nothing overflows."""
    vector, found = asked.vector, (asked.lse, asked.largest, asked.upper)
    if asked.numeric and None in map(approximate, found):
        return ()

    def added(point: Mapping[str, Any]) -> list[float]:
        import mpmath

        with mpmath.workdps(ROUTE_DIGITS):
            entries = sorted([_wide(PLAIN.value(x, point)) for x in vector.entries] or map(_wide, point[vector.name]))
            scale = _wide(ONE.value if asked.t is None else PLAIN.value(asked.t, point))
            total = mpmath.fsum(mpmath.exp(scale * x) for x in entries)
            copies = _wide(PLAIN.value(vector.length, point)) * mpmath.exp(scale * entries[-1])
            return [float(value) for value in (mpmath.log(total) / scale, entries[-1], mpmath.log(copies) / scale)]

    method = f"the exponentials themselves, and n copies of the largest, added up with {ROUTE_DIGITS} digits"
    return (Route("LSE and its bounds", method, found, added),)


def _wide(value: Fraction | float) -> Any:  # noqa: ANN401 (mpmath has no types)
    import mpmath

    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator
