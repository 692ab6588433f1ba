"""Trainable parameters of residual layers and blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from operator import neg
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.counting import Count, bias_slips, derived, like_terms, times, total
from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, choice, dashed, scalar, switch
from dlcalc.notation.expression import ONE, ZERO, Add, Div, Expr, Num, Relation, Sym, number
from dlcalc.notation.printing import plain, unicode
from dlcalc.passes import Convolution
from dlcalc.solution import Answer, Domain, Slip, Solution, Step, Work, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dlcalc.passes import Layers

IMAGE = (2, 2)
"""The image that a block is tried on: large enough that a stride changes its size."""
EXPANSION = number(4)
MAX_EXPANSION = 64
NARROW = Domain(ONE.value, ONE.value + 1, whole=True)
"""Widths of a bottleneck where the loops count; few, because its channels are several times as many."""
_ALIASES = {"W_s": Sym("Ws")}
_DISPLAY = {"Ws": "W_s"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array of parameters: what it counts as (weights, biases or norms), its entries in letters, and why so many."""

    name: str
    kind: str
    entries: Expr
    because: str = ""


@dataclass(frozen=True)
class Form:
    """A residual layer in letters: its tensors, the pass through them, and what is said about it."""

    letters: Letters
    tensors: Sequence[Tensor]
    forward: Callable[[Layers, Mapping[str, int]], object]
    sums: Mapping[str, tuple[Expr, str]]
    """The weights, the biases and the norms: each sum as it is written, and its reason."""
    conventions: tuple[str, ...]
    assumptions: tuple[str, ...] = ()
    constraints: tuple[Relation, ...] = ()
    first_steps: tuple[Step, ...] = ()

    def put_in(self, *terms: Expr, **other: Expr) -> Expr:
        """Add terms up for the givens, or for other values in their place."""
        return like_terms(value_of(total(terms), {**self.letters.values, **other}))

    def solution(self, slips: Callable[[Mapping[str, Expr]], Iterable[Slip]]) -> Solution:
        """Count every tensor, every kind, and all of them."""
        kinds = {kind: self.put_in(formula) for kind, (formula, _) in self.sums.items()}
        tensors = {tensor.name: self.put_in(tensor.entries) for tensor in self.tensors}
        found = {"parameters": like_terms(total(list(kinds.values()))), **kinds, **tensors}
        answers = (
            Answer("parameters", found["parameters"], slips=tuple(slips(found))),
            *(Answer(kind, found[kind]) for kind in kinds),
            *(Answer(name, found[name], label=Sym(name)) for name in tensors),
        )
        members = {kind: tuple(t.name for t in self.tensors if t.kind == kind) for kind in kinds}
        count = Count(
            self.letters, self.forward, {"parameters": ("*",), **members, **{name: (name,) for name in tensors}}
        )
        return Solution(
            answers=answers,
            work=lambda: Work(tuple(self.steps(found)), count.allocated(answers)),
            setting=replace(count.setting(*self.constraints), aliases=_ALIASES, display=_DISPLAY),
            assumptions=self.assumptions,
            conventions=self.conventions,
        )

    def steps(self, found: Mapping[str, Expr]) -> Iterator[Step]:
        """Derive the weights tensor by tensor, then every kind, then all of them."""
        yield from self.first_steps
        weights = [t for t in self.tensors if t.kind == "weights"]
        for t in weights if len(weights) > 1 else ():
            yield Step(t.name, Sym(t.name), Sym(t.name), t.entries, t.because)
        for kind, (formula, because) in self.sums.items():
            yield from derived(kind, Sym(kind), formula, self.letters.values, because)
        every = total([Sym(kind) for kind, (formula, _) in self.sums.items() if formula != ZERO])
        yield from derived("parameters", Sym("parameters"), every, found, "all that is trained")


def _sum(tensors: Iterable[Tensor], kind: str) -> Expr:
    """Write the sum of the tensors of one kind."""
    return total([tensor.entries for tensor in tensors if tensor.kind == kind])


@topic(
    area="layers",
    answers=(
        *("parameters", "weights", "biases", "norms", "W1", "b1", "Ws", "W2", "b2"),
        *("conv1_weight", "conv1_bias", "norm1_weight", "norm1_bias", "conv2_weight", "conv3_weight"),
        *("projection_weight", "projection_norm_weight", "projection_norm_bias"),
    ),
    examples=(
        "--input n --hidden m --output l",
        "--block basic --in-channels 64 --out-channels 128 --stride 2",
        "--block bottleneck --in-channels 512 --pre-activation --bias",
    ),
)
def residual_params(
    *,
    input: Annotated[
        Expr | None, scalar("-n", "--inputs", help="Entries of x, in the vector form.", whole=True, least=1)
    ] = None,
    hidden: Annotated[Expr | None, scalar("-m", help="Entries of h, in the vector form.", whole=True, least=1)] = None,
    output: Annotated[
        Expr | None, scalar("-l", "--outputs", help="Entries of z; without it there is no z.", whole=True, least=1)
    ] = None,
    shortcut: Annotated[
        str | None,
        choice(
            "linear", "projection", "identity", "none", help="The shortcut (default: linear; as needed in a block)."
        ),
    ] = None,
    block: Annotated[
        str | None, choice("single", "basic", "bottleneck", help="A convolutional block, instead of the vector form.")
    ] = None,
    in_channels: Annotated[
        Expr | None, scalar("-c", "--channels", help="Channels that enter the block.", whole=True, least=1)
    ] = None,
    out_channels: Annotated[
        Expr | None,
        scalar("--filters", help="Channels that leave the block (default: as many as enter).", whole=True, least=1),
    ] = None,
    stride: Annotated[Expr | None, scalar("-s", help="Stride of the block (default 1).", whole=True, least=1)] = None,
    expansion: Annotated[
        Expr | None,
        scalar("-e", help="Output channels of a bottleneck per channel of its width (default 4).", whole=True, least=1),
    ] = None,
    norm: Annotated[bool | None, switch(help="A normalisation per convolution of a block (default: yes).")] = None,
    pre_activation: Annotated[bool, switch(help="Normalise before each convolution, not after it.")] = False,
    bias: Annotated[
        bool | None, switch(help="Biases (default: yes, but not in convolutions that are normalised).")
    ] = None,
) -> Solution:
    """Trainable parameters of a residual layer or block.

    Vector form, h = f(W₁x + b₁) + W_s x and z = W₂h + b₂ with x in ℝⁿ, h in ℝᵐ, z in ℝˡ: 2mn + ml + m + l.
    Convolutional form: basic is 3×3 and 3×3, bottleneck is 1×1, 3×3 and 1×1, single is one 3×3; each convolution has
    a normalisation (2 per channel). Where the shape changes, the shortcut is a 1×1 projection.
    Source: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition (2015), and Identity Mappings in
    Deep Residual Networks (2016) for the pre-activation order; torchvision.models.resnet.

    Raises DlcalcError when sizes are missing or of the other form, or do not fit the shortcut.

    >>> residual_params(input="n", hidden="m", output="l")["parameters"].text
    '2*m*n + m*l + m + l'
    >>> residual_params(block="basic", in_channels=64, out_channels=128, stride=2).value
    230144
    """
    vector = {"input": input, "hidden": hidden, "output": output}
    convolutional = {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "stride": stride,
        "expansion": expansion,
        "norm": norm,
        "pre_activation": pre_activation or None,
    }
    if block is None:
        _refuse(convolutional, "a convolutional block", "add --block basic, or give --input, --hidden and --output")
        return _vector_form(
            input, hidden, output, _LINEAR.get(shortcut or "", shortcut or "linear"), bias=bias is not False
        )
    _refuse(vector, "the vector form", "give --in-channels and --out-channels, or leave --block out")
    if in_channels is None:
        raise DlcalcError(f"the channels that enter the {block} block are not given", "add --in-channels C")
    stride = ONE if stride is None else stride
    if not isinstance(stride, Num):
        raise DlcalcError(f"stride {plain(stride)} is a symbol, but only stride 1 needs no projection", "use 1 or 2")
    asked = Block(
        kind=block,
        before=in_channels,
        after=in_channels if out_channels is None else out_channels,
        stride=int(stride.value),
        expansion=EXPANSION if expansion is None else expansion,
        shortcut=_PROJECTION.get(shortcut or "", shortcut or ""),
        norm=norm is not False,
        bias=bias if bias is not None else norm is False,
        pre=pre_activation,
    )
    found = _checked(asked, expansion_given=expansion is not None)
    form, every = _block_form(found)
    return form.solution(lambda answers: _block_slips(found, form, every, answers))


_LINEAR, _PROJECTION = {"projection": "linear"}, {"linear": "projection"}
"""Two names of one thing: a projection is a linear map, in a block a 1 × 1 convolution."""


def _refuse(givens: Mapping[str, object], form: str, fix: str) -> None:
    """Refuse givens of the other form."""
    for name, value in givens.items():
        if value is not None:
            raise DlcalcError(f"--{dashed(name)} belongs to {form}", fix)


# the vector form


def _vector_form(
    input: Expr | None, hidden: Expr | None, output: Expr | None, shortcut: str, *, bias: bool
) -> Solution:
    """Count h = f(W₁x + b₁) + W_s x and, where the size of z is given, z = W₂h + b₂."""
    if input is None:
        raise DlcalcError("the size of x is not given", "add --input n, or --block basic for a convolutional block")
    if hidden is None and shortcut != "identity":
        raise DlcalcError("the size of h is not given", "add --hidden m")
    units = input if hidden is None else hidden
    if shortcut == "identity" and like_terms(units - input) != ZERO:
        raise DlcalcError(
            f"an identity shortcut adds x ({plain(input)} entries) to h ({plain(units)} entries)",
            f"use --hidden {plain(input)}, or --shortcut linear",
        )
    letters = Letters(taken=symbols(input, units, output or ZERO))
    n = letters.letter("n", input, COUNT)
    m = n if shortcut == "identity" else letters.letter("m", units, COUNT)
    tensors = [
        Tensor("W1", "weights", times(m, n), f"W₁ is {unicode(units)} × {unicode(input)}: from x to h"),
        Tensor("b1", "biases", m),
    ]
    if shortcut == "linear":
        tensors.append(
            Tensor("Ws", "weights", times(m, n), f"W_s is {unicode(units)} × {unicode(input)} too: x past f")
        )
    if output is not None:
        z = letters.letter("l", output, COUNT)
        said = f"W₂ is {unicode(output)} × {unicode(units)}: from h to z"
        tensors += [Tensor("W2", "weights", times(m, z), said), Tensor("b2", "biases", z)]

    def forward(net: Layers, sizes: Mapping[str, int]) -> None:
        x = net.vector(sizes[n.name])
        h = net.linear(x, sizes[m.name], "W1", "b1" if bias else "")
        if shortcut != "none":
            h = net.add(h, x if shortcut == "identity" else net.linear(x, sizes[m.name], "Ws"))
        if output is not None:
            net.linear(h, sizes[z.name], "W2", "b2" if bias else "")

    past = {"linear": " + W_s x", "identity": " + x", "none": ""}[shortcut]
    b1, b2 = (" + b₁", " + b₂") if bias else ("", "")
    sizes = [f"x has {unicode(input)} entries", f"h {unicode(units)}", *([f"z {unicode(output)}"] if output else [])]
    said = ("b₁ has the size of h, b₂ that of z" if output else "b₁ has the size of h") if bias else "no biases"
    kept = [tensor for tensor in tensors if bias or tensor.kind != "biases"]
    form = Form(
        letters,
        kept,
        forward,
        {"weights": (_sum(kept, "weights"), "the matrices together"), "biases": (_sum(kept, "biases"), said)},
        (
            f"h = f(W₁x{b1}){past}{f', z = W₂h{b2}' if output else ''}; {', '.join(sizes)}; f has no parameters",
            *(["the shortcut has no bias"] if shortcut == "linear" else []),
        ),
    )
    return form.solution(lambda found: _vector_slips(found, units, output, shortcut, bias=bias))


def _vector_slips(
    found: Mapping[str, Expr], units: Expr, output: Expr | None, shortcut: str, *, bias: bool
) -> Iterator[Slip]:
    """Explain common wrong totals of the vector form."""
    everything, matrix = found["parameters"], found["W1"]
    would_be = like_terms(units + (output or ZERO))
    yield from bias_slips(
        found["weights"], would_be, switched_on=bias, owner="entry of h and z" if output else "entry of h"
    )
    if shortcut == "linear":
        yield Slip(like_terms(everything - matrix), "W_s, the matrix of the shortcut, is missing", "Ws")
        yield Slip(like_terms(everything + units), "the shortcut has no bias", "biases")
    else:
        yield Slip(like_terms(everything + matrix), "there is no matrix W_s in this shortcut", "weights")
    if bias:
        for name, size in (("b2", output), ("b1", units)):
            vector, entries = {"b1": "b₁", "b2": "b₂"}[name], unicode(size) if size is not None else ""
            if size is not None:
                less = like_terms(everything - size)
                yield Slip(less, f"the {entries} entries of {vector} are missing", "biases")
                yield Slip(like_terms(less + ONE), f"the length of {vector} is {entries}, not 1", "biases")


# convolutional blocks


@dataclass(frozen=True, slots=True)
class Block:
    """What a block is made of: its givens, checked, and what its shortcut is."""

    kind: str
    before: Expr
    after: Expr
    stride: int
    expansion: Expr
    shortcut: str
    norm: bool
    bias: bool
    pre: bool

    @property
    def changes(self) -> list[str]:
        """Say what about the shape is different after the block."""
        channels = [f"{unicode(self.before)} channels become {unicode(self.after)}"] if self.difference != ZERO else []
        return channels + ([f"the stride is {self.stride}"] if self.stride != 1 else [])

    @property
    def difference(self) -> Expr:
        """Give the channels that the block adds."""
        return like_terms(self.after - self.before)


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution of a block: its window, the letters of its channels, and the name of its normalisation, if any."""

    name: str
    window: int
    before: Sym
    after: Sym
    norm: str = ""


def _checked(block: Block, *, expansion_given: bool) -> Block:
    """Refuse what does not fit together, and choose the shortcut where none is given."""
    if expansion_given and block.kind != "bottleneck":
        raise DlcalcError(f"a {block.kind} block has no expansion", "add --block bottleneck, or leave --expansion out")
    if block.kind == "bottleneck":
        _divides(block.expansion, block.after)
    if block.shortcut == "identity" and block.changes:
        condition = f"an identity shortcut keeps the shape, but {' and '.join(block.changes)}"
        raise DlcalcError(condition, "use --shortcut projection")
    return replace(block, shortcut=block.shortcut or ("projection" if block.changes else "identity"))


def _divides(expansion: Expr, after: Expr) -> None:
    if isinstance(expansion, Num) and expansion.value > MAX_EXPANSION:
        raise DlcalcError(f"expansion {plain(expansion)} is more than {MAX_EXPANSION}", f"use at most {MAX_EXPANSION}")
    if isinstance(expansion, Num) and isinstance(after, Num) and (after.value / expansion.value).denominator != 1:
        below = after.value // expansion.value * expansion.value
        near = " or ".join(str(n) for n in (below, below + expansion.value) if n > 0)
        raise DlcalcError(
            f"expansion {plain(expansion)} does not divide out-channels {plain(after)}",
            f"use --out-channels {near}, or an --expansion that divides it",
        )


def _block_form(block: Block) -> tuple[Form, list[Layer]]:
    """Write a block in letters: its convolutions, their normalisations, the shortcut."""
    letters = Letters(taken=symbols(block.before, block.after, block.expansion))
    layers, constraints, first_steps = _layers(block, letters)
    past = [Layer("projection", 1, layers[0].before, layers[-1].after, "" if block.pre else "projection_norm")]
    every = [*layers, *(past if block.shortcut == "projection" else [])]
    tensors = [tensor for layer in every for tensor in _tensors(block, layer, letters)]
    sums = {
        "weights": (_sum(tensors, "weights"), "the convolutions together"),
        "biases": (_sum(tensors, "biases"), "one bias per filter" if block.bias else "no biases"),
    }
    if block.norm:
        channels = [times(number(2), layer.before if block.pre else layer.after) for layer in every if layer.norm]
        sums["norms"] = (total(channels), "a scale γ and a shift β per channel of each normalisation")
    form = Form(
        letters,
        tensors,
        lambda net, sizes: _forward(block, every, net, sizes),
        sums,
        _block_conventions(block, layers, letters),
        _block_assumptions(block),
        constraints,
        first_steps,
    )
    return form, every


def _layers(block: Block, letters: Letters) -> tuple[list[Layer], tuple[Relation, ...], tuple[Step, ...]]:
    """Name the channels; a bottleneck has a width between them, which comes with a restriction and its steps."""
    same, domain = block.difference == ZERO, COUNT
    if block.kind == "bottleneck" and isinstance(block.expansion, Num):
        domain = Domain(ONE.value, 2 * block.expansion.value, whole=True)
    start = letters.letter("C" if same else "C_in", block.before, domain if same else COUNT)
    end = start if same else letters.letter("C_out", block.after, domain)
    if block.kind == "single":
        return [Layer("conv1", 3, start, end, "norm1")], (), ()
    if block.kind == "basic":
        return [Layer("conv1", 3, start, end, "norm1"), Layer("conv2", 3, end, end, "norm2")], (), ()
    expansion = block.expansion if isinstance(block.expansion, Num) else letters.letter("e", block.expansion, COUNT)
    width = letters.letter("w", block.after / block.expansion, NARROW)
    steps = derived("width", width, Div(end, expansion), letters.values, "the width of the bottleneck")
    layers = [
        Layer("conv1", 1, start, width, "norm1"),
        Layer("conv2", 3, width, width, "norm2"),
        Layer("conv3", 1, width, end, "norm3"),
    ]
    return layers, (Relation(end, "=", times(expansion, width)),), tuple(steps)


def _tensors(block: Block, layer: Layer, letters: Letters) -> list[Tensor]:
    """List what a convolution and its normalisation hold, in the order of the pass."""
    before, after = (unicode(letters.values.get(channels.name, channels)) for channels in (layer.before, layer.after))
    said = f"{layer.window} × {layer.window}, from {before} to {after} channels"
    entries = times(number(layer.window**2), layer.before, layer.after)
    convolution = [Tensor(f"{layer.name}_weight", "weights", entries, said)]
    if block.bias:
        convolution.append(Tensor(f"{layer.name}_bias", "biases", layer.after))
    if not (block.norm and layer.norm):
        return convolution
    channels = layer.before if block.pre else layer.after
    scaled = [Tensor(f"{layer.norm}_{part}", "norms", channels) for part in ("weight", "bias")]
    return [*scaled, *convolution] if block.pre else [*convolution, *scaled]


def _forward(block: Block, every: Sequence[Layer], net: Layers, sizes: Mapping[str, int]) -> None:
    """Pass an image through the block and its shortcut; what they give must have one shape."""
    strided = next(layer for layer in every if layer.window > 1)

    def normed(layer: Layer, x: Any) -> Any:  # noqa: ANN401 (as the layers want it)
        return net.norm(x, f"{layer.norm}_weight", f"{layer.norm}_bias") if block.norm and layer.norm else x

    def convolved(layer: Layer, x: Any) -> Any:  # noqa: ANN401 (as the layers want it)
        convolution = Convolution(
            filters=sizes[layer.after.name],
            window=(layer.window, layer.window),
            weight=f"{layer.name}_weight",
            bias=f"{layer.name}_bias" if block.bias else "",
            stride=block.stride if layer is strided or layer.name == "projection" else 1,
            padding=layer.window // 2,
        )
        return net.convolution(x, convolution)

    def passed(layer: Layer, x: Any) -> Any:  # noqa: ANN401 (as the layers want it)
        return convolved(layer, normed(layer, x)) if block.pre else normed(layer, convolved(layer, x))

    x = y = net.image(sizes[every[0].before.name], IMAGE)
    for layer in every:
        if layer.name != "projection":
            y = passed(layer, y)
    if block.shortcut != "none":
        net.add(y, passed(every[-1], x) if block.shortcut == "projection" else x)


def _block_assumptions(block: Block) -> tuple[str, ...]:
    said = []
    undecided = isinstance(block.difference, Add)  # a single term is a multiple of sizes, never zero
    if block.shortcut == "projection" and block.stride == 1 and undecided:
        said.append(f"{unicode(block.before)} ≠ {unicode(block.after)}")
    if block.kind == "bottleneck" and isinstance(like_terms(block.after / block.expansion), Div):
        said.append(f"{unicode(block.expansion)} divides {unicode(block.after)}")
    return tuple(said)


def _block_conventions(block: Block, layers: Sequence[Layer], letters: Letters) -> tuple[str, ...]:
    """Say what the block is taken to be."""
    said = [f"{block.kind} block: {_order(block, layers)}"]
    leave = f"{unicode(block.after)} channels leave the block"
    if block.kind == "bottleneck":
        width = unicode(value_of(layers[0].after, letters.values))
        said.append(f"{leave}: expansion {unicode(block.expansion)} times the width {width}")
    else:
        said.append(f"{unicode(block.before)} channels enter, {leave}")
    said.append(
        {
            "identity": "the shortcut is the identity: nothing to train",
            "projection": f"the shortcut is a projection, conv 1×1: {' and '.join(block.changes) or 'as asked'}",
            "none": "no shortcut, as asked",
        }[block.shortcut]
    )
    if block.norm:
        said.append("a normalisation has 2 parameters per channel; its running mean and variance are not trained")
    if not block.bias:
        said.append("the convolutions have no biases (--bias counts them)")
    return tuple(said)


def _order(block: Block, layers: Sequence[Layer]) -> str:
    """Write the order of the operations: `conv 3×3, norm, ReLU, …`."""
    words: list[str] = []
    for layer in layers:
        convolution, normed = f"conv {layer.window}×{layer.window}", ["norm"] if block.norm else []
        words += [*normed, "ReLU", convolution] if block.pre else [convolution, *normed, "ReLU"]
    if block.shortcut != "none":
        words.insert(len(words) if block.pre else -1, "plus shortcut")
    return ", ".join(words)


def _block_slips(block: Block, form: Form, every: Sequence[Layer], found: Mapping[str, Expr]) -> Iterator[Slip]:
    """Explain common wrong totals of a block."""

    def changed(*by: Expr) -> Expr:
        return like_terms(total([found["parameters"], *by]))

    if block.bias:
        yield Slip(changed(-found["biases"]), "the biases are missing, one per filter", "biases")
    else:
        filters = [form.put_in(layer.after) for layer in every]
        yield Slip(changed(*filters), "there are no biases here", "biases")
    past = [value for name, value in found.items() if name.startswith("projection")]
    if past:
        yield Slip(changed(*map(neg, past)), "the shortcut is missing, a 1×1 convolution", "projection_weight")
        yield Slip(changed(-found["projection_weight"]), "the 1×1 convolution is missing", "projection_weight")
    else:
        matrix = form.put_in(times(every[0].before, every[-1].after))
        yield Slip(changed(matrix), "the shortcut has no convolution here", "weights")
    if block.norm:
        norms = found["norms"]
        other = form.put_in(*(times(number(2), layer.after if block.pre else layer.before) for layer in every))
        place = "before" if block.pre else "after"
        for by, because in (
            ((-norms,), "the normalisations are missing, 2 per channel"),
            ((norms,), "running means and variances are not trained: 2 per channel, not 4"),
            ((norms * Fraction(-1, 2),), "a normalisation has a scale and a shift: 2 per channel"),
            ((form.put_in(times(number(-2), every[-1].after)),), "one of the normalisations is missing"),
            ((-norms, other), f"the normalisations stand {place} the convolutions here"),
        ):
            yield Slip(changed(*by), because, "norms")
    if block.kind == "bottleneck":
        taken = replace(block, after=block.after * block.expansion, shortcut="")
        wide, _ = _block_form(_checked(taken, expansion_given=True))
        because = f"{unicode(block.after)} is what leaves the block, not the width of its 3×3"
        yield Slip(wide.put_in(*(tensor.entries for tensor in wide.tensors)), because, "width")
