"""Trainable parameters of fully connected layers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.counting import Count, bias_slips, derived, like_terms, times, total
from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, Given, Size, checked, choice, read_size, scalar, size, switch
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import MINUS_ONE, ONE, ZERO, Expr, Mul, Num, Sym, add, mul, number
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Answer, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlcalc.passes import Layers

TWO = number(2)
IMAGE_AXES = 3
MAX_LISTED = 100
"""Hidden layers that are told apart; above it, as for a symbolic number of them, only first, between and last."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The sizes that a network passes through: `32x32x3,500,10`."""

    sizes: tuple[Size, ...]

    def __str__(self) -> str:
        """Write the chain as it is typed."""
        return ",".join("x".join(map(plain, size)) for size in self.sizes)


_BETWEEN = re.compile(r"\s*(?:,|->|→)\s*")


def read_chain(name: str, raw: Any) -> Chain:  # noqa: ANN401 (text or nested Python values)
    """Read sizes separated by commas or arrows, or a list of them."""
    parts = _BETWEEN.split(raw.strip().strip("[]")) if isinstance(raw, str) else raw
    parts = list(parts) if isinstance(parts, tuple | list) else [parts]
    if len(parts) > MAX_LISTED:
        fix = f"at most {MAX_LISTED} are told apart; equal ones are --hidden D --hidden-layers K"
        raise DlcalcError(f"--{name} has {len(parts):,} sizes", fix)
    sizes = (read_size(name, part) for part in parts)
    return Chain(tuple(tuple(checked(name, axis, whole=True, least=1) for axis in axes) for axes in sizes))


def chain(*flags: str, help: str) -> Given:
    """Declare a list of sizes."""
    return Given(read_chain, flags, help, "SIZE,…", COUNT)


@dataclass(frozen=True, slots=True)
class Run:
    """Equal sizes in a row: how many there are, and the letter for the entries of each."""

    size: Size
    count: Expr
    width: Expr = ZERO


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer, or several equal ones in a row: from which size to which, how many, and where in the network."""

    name: str
    before: Run
    after: Run
    count: Expr
    place: str

    def parameters(self, *, bias: bool) -> Expr:
        """Write what all its units hold: `(n + 1) m`, without biases `n m`."""
        return times(self.count, self.before.width + ONE if bias else self.before.width, self.after.width)

    def reason(self) -> str:
        """Say where that comes from, in the sizes given."""
        units, weights = _counted(self.after.size, "unit"), _counted(self.before.size, "weight")
        return f"{self.place}: {units}, each with {weights} and a bias"


def _counted(size: Size, noun: str) -> str:
    entries = mul(*size)
    return f"{unicode(entries)} {noun}{'' if entries == ONE else 's'}"


_NORMED = "normalisation between W and f of every hidden layer, not of the output; lists leave it out"
_LISTS = {"layer_parameters": "*", "layer_weights": "weights", "layer_biases": "biases"}
"""The answers for every layer, and which of its tensors they count; a tensor is named `layer2/2.weights`."""


@dataclass(frozen=True)
class Network:
    """Layers in letters: what they hold, the pass through them, the derivation, the mistakes to expect."""

    letters: Letters
    runs: Sequence[Run]
    stages: Sequence[Stage]
    bias: bool
    norm: bool

    @property
    def told_apart(self) -> bool:
        """True where it is known how many layers there are, and they are few."""
        return all(isinstance(run.count, Num) for run in self.runs)

    def parameters(self, *, bias: bool | None = None) -> list[Expr]:
        """Write what every stage holds."""
        return [stage.parameters(bias=self.bias if bias is None else bias) for stage in self.stages]

    def units(self) -> Expr:
        """Write how many units there are; the inputs are none."""
        first, *rest = self.runs
        counted = [(first.count - ONE, first.width), *((run.count, run.width) for run in rest)]
        return total([times(*pair) for pair in counted if pair[0] != ZERO])

    def norms(self) -> list[Expr]:
        """Write what the normalisations hold: two numbers per hidden unit; neither inputs nor outputs have any."""
        last, terms = len(self.runs) - 1, []
        for at, run in enumerate(self.runs if self.norm else ()):
            hidden = run.count - number((at == 0) + (at == last))
            factors = (TWO * hidden,) if isinstance(hidden, Num) else (TWO, hidden)
            terms += [times(*factors, run.width)] if hidden != ZERO else []
        return terms

    def found(self) -> dict[str, Expr]:
        """Compute the totals."""
        weights = like_terms(self.put_in(total(self.parameters(bias=False))))
        biases = like_terms(self.put_in(self.units())) if self.bias else ZERO
        norms = like_terms(self.put_in(total(self.norms())))
        parameters = weights + biases if self.told_apart else self.put_in(total(self.parameters()))
        found = {"parameters": like_terms(parameters + norms), "weights": weights, "biases": biases}
        return {**found, "norms": norms} if self.norm else found

    def put_in(self, formula: Expr, **other: Expr) -> Expr:
        """Put the givens into a formula, or other values in their place."""
        return value_of(formula, {**self.letters.values, **other})

    def by_layer(self) -> dict[str, tuple[Expr, ...]]:
        """List what every single layer has; nothing where they are not told apart."""
        found: dict[str, list[Expr]] = {name: [] for name in _LISTS if self.told_apart}
        for stage in self.stages if self.told_apart else ():
            weights = times(stage.before.width, stage.after.width)
            biases = stage.after.width if self.bias else ZERO
            for name, formula in zip(_LISTS, (weights + biases, weights, biases), strict=True):
                found[name] += [like_terms(self.put_in(formula))] * int(PLAIN.value(stage.count, {}))
        return {name: tuple(entries) for name, entries in found.items()}

    def totals(self) -> dict[str, tuple[str, ...]]:
        """Say which tensors the totals and the stages are made of."""
        stages = {stage.name: (f"{stage.name}/*",) for stage in self.stages}
        norms = {"norms": ("norm*",)} if self.norm else {}
        return {"parameters": ("*",), "weights": ("*.weights",), "biases": ("*.biases",), **norms, **stages}

    def forward(self, net: Layers, sizes: Mapping[str, int]) -> None:
        """Pass a vector through all layers; each finds its number of inputs in what the one before it gives."""
        x, layer = net.vector(int(PLAIN.value(self.runs[0].width, sizes))), 0
        for stage in self.stages:
            for _ in range(int(PLAIN.value(stage.count, sizes))):
                if self.norm and layer:
                    x = net.norm(x, f"norm{layer}.scale", f"norm{layer}.shift")
                layer += 1
                tensor = f"{stage.name}/{layer}."
                units = int(PLAIN.value(stage.after.width, sizes))
                x = net.linear(x, units, f"{tensor}weights", f"{tensor}biases" if self.bias else "")

    def steps(self, found: Mapping[str, Expr]) -> list[Step]:
        """Derive the sizes and totals; the parameters of several layers come first, layer by layer."""
        values, sizes = self.letters.values, [step for run in self.runs for step in self.flattened(run)]
        every = {name: Sym(name) for name in found}
        weights = derived(
            "weights", every["weights"], total(self.parameters(bias=False)), values, "every unit has a weight per input"
        )
        said = "a scale and a shift per hidden unit"
        norms = derived("norms", every["norms"], total(self.norms()), values, said) if self.norm else []
        if not self.bias:
            biases = derived("biases", every["biases"], ZERO, values, "no biases")
            summed = total([every["weights"], *([every["norms"]] if self.norm else [])])
            parameters = derived("parameters", every["parameters"], summed, found, "all that is trained")
            return [*sizes, *weights, *biases, *norms, *parameters]
        biases = derived("biases", every["biases"], self.units(), values, "one bias per unit")
        several = len(self.stages) > 1
        reason = "the layers added up" if several else "a bias counts like the weight of one more input"
        reason = "the layers and their normalisations added up" if self.norm else reason
        summed = total([*self.parameters(), *self.norms()])
        parameters = derived("parameters", every["parameters"], summed, values, reason)
        by_layer = parameters[-1].after
        if plain(by_layer) != plain(found["parameters"]):
            multiplied = Step(
                "parameters-expanded", every["parameters"], by_layer, found["parameters"], "multiplied out"
            )
            parameters.append(multiplied)
        if not several:
            return [*sizes, *weights, *biases, *norms, *parameters]
        layers = [Step(s.name, Sym(s.name), Sym(s.name), s.parameters(bias=True), s.reason()) for s in self.stages]
        return [*sizes, *layers, *norms, *parameters, *weights, *biases]

    def flattened(self, run: Run) -> list[Step]:
        """Multiply out a size that is given by its axes."""
        if not isinstance(run.width, Sym) or run.width.name not in self.letters.values or len(run.size) == 1:
            return []
        where = {run.width.name: self.letters.values[run.width.name]}
        shape = " × ".join(map(unicode, run.size))
        what = "the input is flattened: every entry" if run is self.runs[0] else "every entry"
        written = Mul(run.size)
        steps = [Step("flattened", run.width, run.width, written, f"{what} of {shape} counts", where=where)]
        value = where[run.width.name]
        if plain(value) != plain(written):
            steps.append(Step("flattened-value", run.width, written, value, "computed"))
        return steps

    def slips(self, found: Mapping[str, Expr]) -> tuple[Slip, ...]:
        """Explain common wrong totals."""

        def wrong(*terms: Expr, **other: Expr) -> Expr:
            return like_terms(self.put_in(total([*terms, *self.norms()]), **other))

        parameters, weights, first = self.parameters(), self.parameters(bias=False), self.runs[0]
        units = like_terms(self.put_in(self.units()))
        slips = [*bias_slips(wrong(*weights), units, switched_on=self.bias, owner="unit"), *self.norm_slips(found)]
        if len(first.size) >= IMAGE_AXES and isinstance(first.width, Sym):
            one_channel = wrong(*parameters, **{first.width.name: mul(*first.size[:-1])})
            slips.append(Slip(one_channel, "every channel of the image counts", "flattened"))
        if self.bias:
            per_input = [times(stage.count, stage.before.width) for stage in self.stages]
            per_layer = [stage.count for stage in self.stages]
            slips += [
                Slip(
                    wrong(*weights, *per_input), "a bias belongs to each unit of a layer, not to each input", "biases"
                ),
                Slip(wrong(*parameters, first.width), "the inputs have no biases", "biases"),
                Slip(wrong(*weights, *per_layer), "there is one bias per unit, not one per layer", "biases"),
            ]
        if len(self.stages) > 1:
            slips += [
                Slip(wrong(*parameters[:-1]), "the last layer is missing", "parameters"),
                Slip(wrong(*parameters[1:]), "the first layer is missing", "parameters"),
            ]
        for stage in self.stages:
            if stage.before is stage.after:
                one = replace(stage, count=ONE).parameters(bias=self.bias)
                slips += [
                    Slip(wrong(*parameters, one), "between K layers of one size are K − 1 steps, not K", stage.name),
                    Slip(wrong(*parameters, mul(MINUS_ONE, one)), "one of the equal layers is missing", stage.name),
                ]
        return tuple(slips)

    def norm_slips(self, found: Mapping[str, Expr]) -> tuple[Slip, ...]:
        """Explain totals with the normalisations forgotten, or with what is not trained or not there."""
        if not self.norm:
            return ()
        right, norms = found["parameters"], found["norms"]
        last = like_terms(self.put_in(times(TWO, self.runs[-1].width)))
        return (
            Slip(like_terms(right - norms), "the normalisations are missing, 2 per hidden unit", "norms"),
            Slip(like_terms(right + norms), "running means and variances are not trained: 2 per unit, not 4", "norms"),
            Slip(like_terms(right - norms / TWO), "a normalisation has a scale and a shift: 2 per unit", "norms"),
            Slip(like_terms(right + last), "the outputs are not normalised", "norms"),
        )


@topic(
    area="layers",
    answers=("parameters", "weights", "biases", "norms", "layer_parameters", "layer_weights", "layer_biases"),
    examples=(
        "--inputs 32x32x3 --outputs 500",
        "--layers 784,100,10",
        "--inputs Di --hidden D --hidden-layers K --outputs Do",
        "--inputs 1 --hidden 20 --hidden-layers 10 --outputs 1 --norm batch",
    ),
)
def fc_params(
    *,
    inputs: Annotated[
        Size | None, size("-i", "--input", help="Inputs: 3072, or 32x32x3 for an image that is flattened.")
    ] = None,
    outputs: Annotated[Size | None, size("-o", "--output", help="Units of the last layer: 500, or 29x29x4.")] = None,
    hidden: Annotated[
        Chain | None, chain("--hidden-units", help="Units of the hidden layers: 64 for each, or 64,32 one by one.")
    ] = None,
    hidden_layers: Annotated[
        Expr | None, scalar("-K", "--depth", help="How many hidden layers (default 1).", whole=True, least=1)
    ] = None,
    layers: Annotated[
        Chain | None, chain("-l", help="All sizes at once, inputs first: 784,100,10 or 32x32x3,500,10.")
    ] = None,
    bias: Annotated[bool, switch(help="One bias per unit (default: yes).")] = True,
    norm: Annotated[
        str | None, choice("batch", "layer", help="A normalisation of every hidden layer, 2 per unit (default: none).")
    ] = None,
) -> Solution:
    """Trainable parameters of fully connected layers.

    A layer of m units on n inputs has n·m weights and m biases, (n + 1)·m parameters; layers add up. K hidden layers
    of D units have (Di + 1)·D + (K − 1)·(D + 1)·D + (D + 1)·Do parameters. An image is flattened: H·W·C inputs.
    A normalisation of every hidden layer adds a scale and a shift per hidden unit.
    Source: Prince, Understanding Deep Learning (2023), chapters 3 and 4; torch.nn.Linear.

    Raises DlcalcError when sizes are missing, or given twice.

    >>> fc_params(inputs="32x32x3", outputs=500).value
    1536500
    >>> fc_params(layers=[784, 100, 10]).value
    79510
    """
    given = _given_once(inputs, outputs, hidden, hidden_layers, layers)
    letters = Letters(taken=symbols(*((*run.size, run.count) for run in given)))
    runs = _lettered(given, letters)
    network = Network(letters, runs, _stages(runs), bias=bias, norm=norm is not None)
    if network.norm and not network.norms():
        raise DlcalcError("there is no hidden layer to normalise", "add --hidden D, or leave --norm out")
    found, listed = network.found(), network.by_layer() if len(given) > 2 or layers is not None else {}  # noqa: PLR2004
    answers = (
        Answer("parameters", found["parameters"], slips=network.slips(found)),
        *(Answer(name, value) for name, value in found.items() if name != "parameters"),
        *(Answer(name, entries, form="list") for name, entries in listed.items()),
    )
    lists = {name: [(f"*/{i}.{_LISTS[name]}",) for i, _ in enumerate(listed[name], 1)] for name in listed}
    count = Count(letters, network.forward, network.totals(), lists)
    many = [unicode(run.count) for run in given if symbols(run.count)]
    return Solution(
        answers=answers,
        work=lambda: Work(tuple(network.steps(found)), count.allocated(answers)),
        setting=count.setting(),
        assumptions=tuple(f"{number} ≥ 1" for number in many),
        notes=() if network.told_apart or many else (f"more than {MAX_LISTED} layers are not listed one by one",),
        conventions=(
            f"a layer computes {'f(Wx + b)' if bias else 'f(Wx), without b'}; f has no parameters",
            *([] if norm is None else [f"{norm} {_NORMED}"]),
        ),
    )


def _given_once(
    inputs: Size | None, outputs: Size | None, hidden: Chain | None, hidden_layers: Expr | None, layers: Chain | None
) -> list[Run]:
    """Put the sizes in order, however they are given."""
    apart = {"inputs": inputs, "outputs": outputs, "hidden": hidden, "hidden-layers": hidden_layers}
    if layers is not None:
        for name, value in apart.items():
            if value is not None:
                raise DlcalcError(f"--layers gives all sizes, but there is also --{name}", "leave one of them out")
        if len(layers.sizes) == 1:
            raise DlcalcError(f"--layers {layers} is a single size", "separate inputs and layers by commas: 784,100,10")
        return [Run(size, ONE) for size in layers.sizes]
    for name in ("inputs", "outputs"):
        if apart[name] is None:
            raise DlcalcError(f"the {name} are not given", f"add --{name} N, or give all sizes: --layers 784,100,10")
    between = _hidden(hidden, hidden_layers)
    return [Run(inputs or (), ONE), *between, Run(outputs or (), ONE)]


def _hidden(hidden: Chain | None, hidden_layers: Expr | None) -> list[Run]:
    if hidden is None:
        if hidden_layers is not None:
            raise DlcalcError(f"the units of the {plain(hidden_layers)} hidden layers are not given", "add --hidden D")
        return []
    if len(hidden.sizes) == 1:
        return [Run(hidden.sizes[0], hidden_layers or ONE)]
    if hidden_layers not in {None, number(len(hidden.sizes))}:
        raise DlcalcError(
            f"--hidden {hidden} gives {len(hidden.sizes)} hidden layers, --hidden-layers {plain(hidden_layers)}",
            "leave --hidden-layers out, or give --hidden one size for all",
        )
    return [Run(size, ONE) for size in hidden.sizes]


def _lettered(given: Sequence[Run], letters: Letters) -> list[Run]:
    """Give every size its letter; equal neighbours are one run, unless their number gets a letter too."""
    if all(isinstance(run.count, Num) and run.count.value <= MAX_LISTED for run in given):
        alike = [list(same) for _, same in groupby(given, key=lambda run: mul(*run.size))]
        given = [Run(same[0].size, add(*(run.count for run in same))) for same in alike]
        counts = [run.count for run in given]
    else:
        counts = [ONE if run.count == ONE else letters.letter("K", run.count, COUNT) for run in given]
    single = [run.count for run in given] == [ONE, ONE]
    names = ["n_in", "n_out"] if single else [f"n{i}" for i in range(len(given))]
    return [
        Run(run.size, count, letters.letter(name, mul(*run.size), COUNT))
        for run, count, name in zip(given, counts, names, strict=True)
    ]


def _stages(runs: Sequence[Run]) -> list[Stage]:
    """List the layers inside the runs and between them, and number them where their number is known."""
    found: list[tuple[Run, Run, Expr]] = []
    for run, following in zip_longest(runs, runs[1:]):
        if run.count != ONE:
            found.append((run, run, run.count - ONE))
        if following is not None:
            found.append((run, following, ONE))
    if not all(isinstance(run.count, Num) for run in runs):
        places = (
            "inputs to the first hidden layer",
            "from one hidden layer to the next",
            "last hidden layer to outputs",
        )
        names = ("first", "between", "last")
        return [Stage(name, *stage, place) for name, stage, place in zip(names, found, places, strict=True)]
    stages, done = [], 0
    for before, after, count in found:
        start, done = done + 1, done + int(PLAIN.value(count, {}))
        name, place = (f"layer{start}", f"layer {start}")
        if done > start:
            name, place = f"layers{start}to{done}", f"layers {start} to {done}"
        stages.append(Stage(name, before, after, count, place))
    return stages
