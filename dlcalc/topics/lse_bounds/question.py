"""What is asked: a vector, given or any, and the quantities whose log-sum-exp is bounded."""

from __future__ import annotations

from fractions import Fraction
from math import isclose
from typing import TYPE_CHECKING, Literal, NamedTuple

from dlcalc.entries import unused
from dlcalc.errors import DlcalcError
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, ZERO, Add, Call, Entry, Expr, Num, Sum, Sym, add, div, expr, fold, mul
from dlcalc.notation.functions import call, exp, ln
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Domain, symbols

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = 8
"""Numbers up to which sums are written term by term."""


MAX_PAIRED = 32
"""Entries up to which the log-softmax is listed: each of its entries repeats all the others."""


MAX_SAMPLED = 32
"""Numbers of entries up to which vectors of that very length are sampled; beyond, the proof is for n entries."""
MANY = Domain(Fraction(2), Fraction(9), whole=True)


FAITHFUL = 1e-12
"""Relative error up to which floats evaluate a form well enough to show it."""


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


def vector(x: Value | None, n: Expr | None, t: Expr | None) -> _Vector:
    """Read the entries; without them, or with one symbol for all of them, x is any vector of n entries."""
    if isinstance(x, tuple) and any(isinstance(entry, tuple) for entry in x):
        raise DlcalcError(f"x has {len(x)} rows, but LSE is of one list", "give one row, such as --x 1,2,3")
    others = symbols(*(given for given in (n, t) if given is not None))
    if x is None or isinstance(x, Sym):
        name = x.name if isinstance(x, Sym) else unused("x", taken=others)
        if name in others:
            raise DlcalcError(f"{name} is the vector, but n or t uses it too", "give the vector another name")
        if n is None and (name == "n" or "n" in others):
            raise DlcalcError("n is the number of entries, but another given uses it", "say what n is: add --n N")
        return _Vector(
            (Entry(name, ONE),) if n == ONE else (), n or Sym("n"), name, unused("i", taken=others | {name, "n"})
        )
    entries = tuple(entry for entry in ((x,) if isinstance(x, Expr) else x) if isinstance(entry, Expr))
    if n is not None and n != expr(len(entries)):
        raise DlcalcError(f"x has {len(entries)} entries, but n is {plain(n)}", "leave out --n, or --x")
    taken = others | symbols(*entries)
    return _Vector(entries, expr(len(entries)), unused("x", taken=taken), unused("i", taken=taken))


class Question(NamedTuple):
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

    def of_any_length(self) -> Question:
        """Ask the same of n entries, n a letter, where there are too many to draw."""
        if not self.vector.countless:
            return self
        letter = unused("n", taken=frozenset({self.vector.name, self.vector.counter}) | symbols(*self.scale))
        return self._replace(vector=self.vector._replace(length=Sym(letter)))

    @property
    def exponents(self) -> str:
        """The name of t·x."""
        return self.vector.name if self.t is None else unused("z", taken=symbols(self.t, Sym(self.vector.name)))

    @property
    def same(self) -> Sym:
        """The letter for entries that are all equal."""
        vector = self.vector
        return Sym(unused("c", taken=frozenset({vector.name, vector.counter}) | symbols(vector.length, *self.scale)))

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
