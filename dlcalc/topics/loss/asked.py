"""What is asked of a loss: its kind after all options, the givens, and whether they are numbers or letters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Sym, add, expr
from dlcalc.notation.printing import Value, plain
from dlcalc.parts import joined
from dlcalc.solution import symbols
from dlcalc.topics.loss.kinds import KINDS, POSITIVE_LETTER, Kind, kind_of, program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcalc.calculus.problem import Problem
    from dlcalc.solution import Solution
    from dlcalc.topics.loss.reading import Batch

FORMS = {"signed": "cosine", "distance": "cosine-distance", "embedding": "cosine-embedding"}
REFINED = (("bce", {"alpha", "beta"}, "weighted-bce"), ("cross-entropy", {"epsilon"}, "label-smoothing"))
"""A kind, the options that make another one of it, and that one."""
TAKEN = frozenset({"C", "n"})
"""Lengths of the programs."""
DOMAINS = {"label": "{-1,1}", "epsilon": "(0,1)"}
"""Where the letter of an option lies, if not between 0 and 3."""


@dataclass(frozen=True)
class Asked:
    """A loss and what is given of it."""

    kind: Kind
    predictions: Value | None
    target: Value | None
    link: str
    """What makes predictions of the numbers given; empty where they are predictions."""
    options: Mapping[str, Expr | None]
    spread: str
    reduction: str
    first: int

    @property
    def in_letters(self) -> bool:
        """Whether nothing is given but names."""
        given = [value for value in (self.predictions, self.target) if value is not None]
        return all(isinstance(value, Sym) for value in given)

    def problem(self) -> Problem:
        """Read the program of one example, its names as given where all is letters."""
        from dlcalc.calculus.problem import read_problem

        link = self.link or self.kind.link
        letters = self.in_letters
        names = self._names() if letters else {}
        written = {name: _written(value) for name, value in self._letters().items()} if letters else {}
        written |= {"w": "w .* "} if "w0" in self.options else {}
        if letters and not self.kind.takes:
            written = {}
        text = program(self.kind, written, link=link, spread=self.spread, names=names)
        if "w0" in self.options:
            text = "w in R^C; " + text
        if self.kind.name in {"weighted-bce", "focal"} and letters:
            extra = sorted({s for v in self._letters().values() for s in symbols(v)} - {"alpha", "beta", "gamma"})
            text = "; ".join([*(f"{name} in {POSITIVE_LETTER}" for name in extra), text])
        elif letters:
            given = {
                n: v
                for n, v in self._letters().items()
                if n in self.kind.takes and not (isinstance(v, Sym) and v.name == n)
            }
            extra = sorted({s for v in given.values() for s in symbols(v)})
            text = "; ".join(
                [
                    *(
                        f"{s} in {next(DOMAINS.get(n, POSITIVE_LETTER) for n, v in given.items() if s in symbols(v))}"
                        for s in extra
                    ),
                    text,
                ]
            )
        leaf = names.get("z", "z") if link else names.get(self.kind.prediction, self.kind.prediction)
        wrt = [names.get("p", "p"), leaf] if link else [leaf]
        return read_problem(text, loss="L", wrt=",".join(wrt))

    def solution(self) -> Solution:
        """Answer in letters, or in numbers with the derivation in letters beside them."""
        from dlcalc.topics.loss import letters

        if self.in_letters:
            return letters.solution(self.problem())
        from dlcalc.topics.loss import numbers
        from dlcalc.topics.loss.slips import with_slips

        batch = self.batch()
        soft = self.kind.target == "onehot" and any(set(e.target) - {ZERO, ONE} for e in batch.examples)
        asked = replace(self, kind=replace(self.kind, target="simplex")) if soft else self
        problem = asked.problem()
        found = numbers.solution(asked.kind, problem, batch, reduction=self.reduction, spread=self.spread)
        slips = with_slips(found.answers, self.kind, batch, self.reduction, spread=self.spread, total=asked.total)
        computed, formula = replace(found, answers=slips), letters.derived(problem)
        return joined(computed, formula, derived=(formula, computed))

    def total(self, name: str, batch: Batch, spread: str) -> Expr:
        """Compute the loss of another kind, of another batch, with labels spread another way."""
        from dlcalc.topics.loss import numbers

        link = KINDS[name].link if batch.link else ""
        other = replace(self, kind=KINDS[name], spread=spread, link=link or batch.link)
        values = [numbers.of_example(other.kind, other.problem(), e, batch).loss for e in batch.examples]
        return add(*values) / len(values) if self.reduction == "mean" else add(*values)

    def batch(self) -> Batch:
        """Fit predictions and targets together."""
        from dlcalc.topics.loss.reading import batch_of

        if self.predictions is None:
            raise DlcalcError("the predictions are missing", "add --probabilities or --logits")
        found = batch_of(self.kind, self.predictions, self.target, self._numbers(), link=self.link, first=self.first)
        width = len(found.examples[0].given)
        given = sum(name.startswith("w") for name in self.options)
        if given and self.kind.classes and given != width:
            raise DlcalcError(f"there are {given} class weights, but {width} classes", "give a weight per class")
        return found

    # options

    def _numbers(self) -> dict[str, Expr]:
        found = {name: value for name, value in self.options.items() if value is not None}
        return self._defaults(found, threshold=ONE)

    def _letters(self) -> dict[str, Expr]:
        found = {name: value for name, value in self.options.items() if value is not None}
        return self._defaults(found, threshold=Sym("delta") if self.kind.name == "huber" else ONE)

    def _defaults(self, found: dict[str, Expr], threshold: Expr) -> dict[str, Expr]:
        takes = self.kind.takes
        if "beta" in takes and "beta" not in found:
            if self.kind.name == "focal":
                found["beta"] = 1 - found["alpha"] if "alpha" in found else ONE
            else:
                found["beta"] = ONE if "alpha" in found else Sym("beta")
        defaults = {
            "alpha": ONE if self.kind.name == "focal" or "beta" in self.options else Sym("alpha"),
            "gamma": Sym("gamma"),
            "delta": threshold,
            "epsilon": Sym("epsilon"),
            "label": Sym("l") if self.in_letters else ONE,
        }
        if self.kind.name == "cosine-embedding" and "delta" not in found:
            defaults["delta"] = expr(0)
        for name in takes:
            if name in defaults:
                found.setdefault(name, defaults[name])
        return found

    def _names(self) -> dict[str, str]:
        """Return the letters that were given for predictions and targets."""
        found: dict[str, str] = {}
        leaf = "z" if self.link else self.kind.prediction
        for own, value in ((leaf, self.predictions), ("y", self.target)):
            if isinstance(value, Sym) and value.name != own:
                found[own] = value.name
        own_names = {leaf, "y", self.kind.prediction} | ({"z"} if self.link or self.kind.link else set())
        named = [found.get(own, own) for own in own_names]
        used = TAKEN | self.kind.defined | {s for v in self.options.values() if v is not None for s in symbols(v)}
        clash = next((name for name in found.values() if named.count(name) > 1 or name in used), None)
        if clash is not None:
            raise DlcalcError(f"the letter {clash} already stands for something else", "use another letter")
        return found

    # sentences

    def conventions(self) -> tuple[str, ...]:
        """Say what decides the value."""
        said = list(self.kind.said)
        if self.link:
            said.append(f"the numbers given are logits: p = {self.link}(z)" if self.kind.prediction == "p" else "")
        elif self.kind.link and not self.in_letters:
            said.append(f"the numbers given are probabilities; z is the logit behind them, p = {self.kind.link}(z)")
        if self.kind.probabilities:
            said.append("ln is the natural logarithm; 0·ln 0 = 0")
        if self.kind.name == "label-smoothing":
            said.append(
                "every class gets ε/C, the true one 1 - ε + ε/C (PyTorch, Keras)"
                if self.spread == "all"
                else "every other class gets ε/(C - 1), the true one 1 - ε"
            )
        if self.kind.target == "onehot" and isinstance(self.target, Num | tuple) and self.predictions is not None:
            said.append(f"classes are counted from {self.first} (--first-class {1 - self.first} for the other way)")
        if "delta" in self.kind.takes and self.options.get("delta") is None and not self.in_letters:
            said.append(f"δ = {plain(self._numbers()['delta'])}, as nothing else is given")
        if self.kind.name == "focal" and self.options.get("alpha") is None:
            said.append("no α: both classes weigh the same")
        if self.in_letters:
            said.append("of one example; a mean over m examples divides loss and gradients by m")
        else:
            said.append(
                {
                    "mean": "reduction: mean over the examples",
                    "sum": "reduction: sum over the examples",
                    "none": "no reduction: a loss per example; the gradients are those of the sum",
                }[self.reduction]
            )
        if "w0" in self.options and self.reduction == "mean":
            said.append("the mean divides by the number of examples; PyTorch's divides by the sum of the weights used")
        return tuple(filter(None, said))


def _written(value: Expr) -> str:
    return value.name if isinstance(value, Sym) else f"({plain(value)})"


def read(
    name: str,
    *,
    probabilities: Value | None,
    logits: Value | None,
    target: Value | None,
    weights: Value | None,
    options: dict[str, Expr | None],
    spread: str,
    half: bool,
    swap: bool,
    form: str,
    reduction: str,
    first: int,
) -> Asked:
    """Decide which loss is meant.

    Raises DlcalcError for an unknown kind, and options that it does not have.
    """
    if probabilities is not None and logits is not None:
        raise DlcalcError("predictions and logits are both given", "give one of them; the other follows")
    given = logits if probabilities is None else probabilities
    kind = _formed(kind_of(name), half=half, swap=swap, form=form)
    scored = isinstance(given, tuple) and isinstance(target, Num) and len(given) > 1
    if kind.name == "hinge" and (scored or _rows(given)):
        kind = KINDS["multiclass-hinge"]
    options = {option: value for option, value in options.items() if value is not None}
    if weights is not None:
        options |= _weights(kind, weights)
    for plainer, names, fuller in REFINED:
        kind = KINDS[fuller] if kind.name == plainer and names & options.keys() else kind
    _refuse_options(kind, options)
    return Asked(kind, given, target, _link(kind) if logits is not None else "", options, spread, reduction, first)


def _formed(kind: Kind, *, half: bool, swap: bool, form: str) -> Kind:
    """Take another form of a kind."""
    for flag, wanted, plainer, fuller in (("half", half, "mse", "half-mse"), ("swap", swap, "kl", "reverse-kl")):
        if wanted and kind.name not in {plainer, fuller}:
            raise DlcalcError(f"--{flag} does not go with --kind {kind.name}", f"use --kind {plainer}")
        kind = KINDS[fuller] if wanted else kind
    if form == "signed":
        return kind
    if kind.over != "pair":
        raise DlcalcError(f"--form {form} does not go with --kind {kind.name}", "use --kind cosine")
    return KINDS[FORMS[form]]


def _link(kind: Kind) -> str:
    """Say what makes predictions of logits."""
    if kind.over == "pair":
        raise DlcalcError("the cosine compares vectors as they are, without logits", "give --yhat and --target")
    return kind.link or ("sigmoid" if kind.prediction == "p" else "")


def _refuse_options(kind: Kind, options: Mapping[str, Expr | None]) -> None:
    for option, value in options.items():
        if option not in kind.takes and not (option[0] == "w" and "w" in kind.takes):
            flag = {"epsilon": "smoothing"}.get(option, "weights" if option[0] == "w" else option)
            raise DlcalcError(f"--{flag} does not go with --kind {kind.name}", "leave it out, or choose another kind")
        _bounded(option, value)


def _rows(value: Value | None) -> bool:
    return isinstance(value, tuple) and isinstance(value[0], tuple)


def _weights(kind: Kind, weights: Value) -> dict[str, Expr]:
    """Read a weight per class: of the classes, or of y = 0 and y = 1."""
    if not isinstance(weights, tuple) or any(isinstance(w, tuple) for w in weights):
        raise DlcalcError("--weights is a list with a number per class", "write 1,5")
    if kind.over == "entry":
        if len(weights) != 2:  # noqa: PLR2004 (two classes)
            raise DlcalcError(
                f"--weights has {len(weights)} numbers, but there are two classes", "give that of y = 0, then of y = 1"
            )
        return {"beta": weights[0], "alpha": weights[1]}  # type: ignore[dict-item]
    for number, weight in enumerate(weights):
        if isinstance(weight, Num) and weight.value < 0:
            raise DlcalcError(f"the weight {plain(weight)} of class {number} is less than 0", "use 0 or more")
    return {f"w{c}": weight for c, weight in enumerate(weights)}  # type: ignore[misc]


def _bounded(option: str, value: Expr | None) -> None:
    if not isinstance(value, Num):
        return
    if option == "epsilon" and not 0 <= value.value <= 1:
        raise DlcalcError(f"smoothing {plain(value)} is not between 0 and 1", "use 0.1, say")
    if option == "label" and abs(value.value) != 1:
        raise DlcalcError(
            f"the label {plain(value)} is not 1 or -1", "use --label 1 for a genuine pair, -1 for a forged one"
        )
    if option == "delta" and value.value < 0:
        raise DlcalcError(f"delta {plain(value)} is less than 0", "use 0 or more")
