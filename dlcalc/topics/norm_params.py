"""Parameters and running statistics of normalisations."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from dlcalc.counting import like_terms, multiples, times, total
from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, Size, choice, scalar, size, switch
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Relation, Sym, mul, number
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Domain, Slip, Solution, symbols
from dlcalc.tally import Part, Tally
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.passes import Layers

TWO = number(2)
FEW = Domain(COUNT.low, COUNT.low + 3, whole=True)
"""Sizes of inputs whose entries are visited; small, because their axes multiply."""
MAX_LAYERS = 1_000
"""Layers that are really passed through to count their arrays."""
MAX_GROUPS = 512
"""Groups whose means the loops can count where the channels are a symbol."""
PER_ENTRY = ("layer", "rms")
"""What normalises over entries that have parameters of their own; the others share them in a channel."""
_MEANS = {
    "batch": "a mean per channel, over all examples and positions",
    "instance": "a mean per example and channel, over all positions",
    "group": "a mean per example and group of channels, over its channels and all positions",
    "layer": "a mean per example (and position outside the shape), over the entries of the shape",
    "rms": "a mean square per example (and position outside the shape), over the entries of the shape",
}


@dataclass(frozen=True, slots=True)
class Norm:
    """What is normalised: the kind, the shape that parameters belong to, and the axes of the input before it."""

    kind: str
    features: Size
    before: Size
    per_channel: bool
    groups: Expr | None
    layers: Expr
    scale: bool
    shift: bool
    running: bool
    batch: Expr | None

    @property
    def unit(self) -> str:
        """Say what has parameters of its own."""
        return "entry" if self.kind in PER_ENTRY and not self.per_channel else "channel"


@topic(
    area="layers",
    answers=("parameters", "scale", "shift", "running", "total", "means", "entries_per_mean"),
    examples=("--features 64", "--kind layer --features 768", "--kind group --input 28x28x64 --groups 8 --batch 16"),
)
def norm_params(
    *,
    kind: Annotated[
        str,
        choice(
            "batch", "layer", "group", "instance", "rms", flags=("--type",), help="The normalisation (default batch)."
        ),
    ] = "batch",
    features: Annotated[
        Size | None,
        size(
            "-c", "--channels", "--num-features", "--units", "--shape", help="Channels or units; for layer also HxWxC."
        ),
    ] = None,
    input: Annotated[Size | None, size("-i", help="Input of one example, channels last: HxWxC.")] = None,
    per: Annotated[
        str | None, choice("entry", "channel", help="What has a scale and a shift in layer and rms (default entry).")
    ] = None,
    groups: Annotated[
        Expr | None, scalar("-g", "--num-groups", help="Groups of channels, in group.", whole=True, least=1)
    ] = None,
    layers: Annotated[
        Expr, scalar("-L", "--count", help="How many such layers (default 1).", whole=True, least=1)
    ] = ONE,
    affine: Annotated[bool, switch(help="A scale and a shift (default: yes).")] = True,
    scale: Annotated[bool | None, switch(help="A scale γ (default: yes).")] = None,
    shift: Annotated[bool | None, switch(help="A shift β (default: yes, but not in rms).")] = None,
    running_stats: Annotated[bool | None, switch(help="A running mean and variance (default: in batch only).")] = None,
    batch: Annotated[
        Expr | None, scalar("-b", "--batch-size", help="Examples, to count the means of a pass.", whole=True, least=1)
    ] = None,
) -> Solution:
    """Parameters and running statistics of normalisations.

    Batch, group and instance normalisation train a scale γ and a shift β per channel: 2C; layer normalisation one pair
    per entry of its shape. Batch normalisation also keeps 2C running means and variances, which are not trained.
    Source: Ioffe and Szegedy (2015); Ba, Kiros and Hinton (2016); Ulyanov, Vedaldi and Lempitsky (2016); Wu and He
    (2018); Zhang and Sennrich (2019); torch.nn.BatchNorm2d, LayerNorm, GroupNorm, InstanceNorm2d, RMSNorm.

    Raises DlcalcError when the channels are missing or contradict each other, or groups do not divide them.

    >>> norm_params(features=64)["parameters"].text, norm_params(features=64)["running"].text
    ('128', '128')
    >>> norm_params(kind="layer", features="64x32x32").value
    131072
    """
    shape, before = _shape(kind, features, input)
    _refuse_of_other_kinds(kind, per, groups, running=bool(running_stats))
    norm = Norm(
        kind=kind,
        features=shape,
        before=before,
        per_channel=per == "channel",
        groups=groups,
        layers=layers,
        scale=affine if scale is None else scale,
        shift=(affine and kind != "rms") if shift is None else shift,
        running=kind == "batch" if running_stats is None else running_stats,
        batch=batch,
    )
    if kind == "group":
        _divides(norm)
    tally = _tally(norm)
    return tally.solution({"parameters": tuple(_slips(norm, tally)), "running": tuple(_running_slips(norm, tally))})


def _shape(kind: str, features: Size | None, input: Size | None) -> tuple[Size, Size]:
    """Find the shape that is normalised together, and the axes of the input before it."""
    if features is None and input is None:
        raise DlcalcError("the channels are not given", "add --features C, or --input HxWxC")
    if features is None:
        every = input or ()
        return (every, ()) if kind in PER_ENTRY else (every[-1:], every[:-1])
    written = "x".join(map(plain, features))
    if kind not in PER_ENTRY and len(features) > 1:
        raise DlcalcError(
            f"{kind} normalisation has parameters per channel, but features {written} has {len(features)} numbers",
            f"use --features {plain(features[-1])}, or --input {written}",
        )
    if input is not None and input[-len(features) :] != features:
        raise DlcalcError(
            f"input {'x'.join(map(plain, input))} does not end with features {written}",
            "give the channels last, or once",
        )
    return features, (input or features)[: -len(features)]


def _refuse_of_other_kinds(kind: str, per: str | None, groups: Expr | None, *, running: bool) -> None:
    if kind not in PER_ENTRY and per == "entry":
        raise DlcalcError(f"the positions of a channel share γ and β in {kind} normalisation", "use --kind layer")
    if kind != "group" and groups is not None:
        raise DlcalcError(f"{kind} normalisation has no groups", "add --kind group, or leave --groups out")
    if running and kind not in {"batch", "instance"}:
        raise DlcalcError(
            f"{kind} normalisation keeps no running statistics", "leave --running-stats out, or use --kind batch"
        )


def _divides(norm: Norm) -> None:
    """Refuse groups that do not divide the channels; where means are counted there must be some."""
    groups, (channels,) = norm.groups, norm.features
    if groups is None and norm.batch is not None:
        raise DlcalcError("the groups are not given, so the means cannot be counted", "add --groups G")
    if isinstance(groups, Num) and groups.value > MAX_GROUPS and symbols(channels) and norm.batch is not None:
        raise DlcalcError(
            f"{plain(groups)} groups of {plain(channels)} channels are too many to count their means",
            "give --features as a number",
        )
    if isinstance(groups, Num) and isinstance(channels, Num) and (channels.value / groups.value).denominator != 1:
        near = (
            [n for n in range(1, int(channels.value) + 1) if channels.value % n == 0] if channels.value <= 10**6 else []
        )
        closest = sorted(near, key=lambda n: abs(n - groups.value))[:1]
        fix = f"use --groups {closest[0]}, or channels that it divides" if closest else "use groups that divide them"
        raise DlcalcError(f"groups {plain(groups)} does not divide the {plain(channels)} channels", fix)


def _tally(norm: Norm) -> Tally:
    """Write the parameters, the running statistics and, for a batch, the means in letters."""
    letters = Letters(taken=symbols(norm.features, norm.before, norm.groups or ONE, norm.layers, norm.batch or ONE))
    own = norm.features[-1:] if norm.per_channel else norm.features
    c = letters.letter("C" if norm.unit == "channel" else "n", mul(*own), _channels(norm))
    many = ONE if norm.layers == ONE else letters.letter("L", norm.layers, FEW)
    averaged = _averaged(norm, letters, c) if norm.batch is not None else None
    names = {"scale": norm.scale, "shift": norm.shift, "running_mean": norm.running, "running_variance": norm.running}
    tensors = {name: name if there else "" for name, there in names.items()}

    def forward(net: Layers, sizes: Mapping[str, int]) -> None:
        """Normalise an image of two positions; take the means of a batch."""
        for _ in range(sizes[many.name] if isinstance(many, Sym) else 1):
            x = net.norm(net.image(sizes[c.name], (2,)), tensors["scale"], tensors["shift"])
            net.moments(x, tensors["running_mean"], tensors["running_variance"])
        if averaged is not None:
            averaged.forward(net, sizes)

    return Tally(
        letters,
        forward,
        [*_trained_or_not(norm, many, c), *(averaged.parts() if averaged else ())],
        constraints=averaged.constraints() if averaged else (),
        assumptions=_assumptions(norm),
        conventions=tuple(_conventions(norm)),
        inputs=[mul(*norm.before, *norm.features, norm.batch)] if norm.batch is not None else (),
        counted_on_arrays=not isinstance(norm.layers, Num) or norm.layers.value <= MAX_LAYERS,
    )


def _channels(norm: Norm) -> Domain:
    """Say where channels are sampled: a known number of groups must find some that it divides."""
    if norm.batch is None or not isinstance(norm.groups, Num):
        return FEW
    return multiples(norm.groups, norm.features[-1])


def _trained_or_not(norm: Norm, many: Expr, c: Expr) -> tuple[Part, ...]:
    """Write the parameters and the statistics of so many layers with c channels or entries."""
    once = times(many, c)
    each = f"per {norm.unit}" + ("" if norm.layers == ONE else " of every layer")
    scale, shift = Sym("scale"), Sym("shift")
    trained = [name for name, there in ((scale, norm.scale), (shift, norm.shift)) if there]
    kept = f"a running mean and a running variance {each}: kept, not trained" if norm.running else "none is kept"
    return (
        Part("scale", once if norm.scale else ZERO, f"a scale γ {each}" if norm.scale else "no scale", ("scale",)),
        Part("shift", once if norm.shift else ZERO, f"a shift β {each}" if norm.shift else "no shift", ("shift",)),
        Part("parameters", total(trained), "all that is trained", ("scale", "shift")),
        Part("running", times(TWO, many, c) if norm.running else ZERO, kept, ("running_*",)),
        Part("total", total([Sym("parameters"), Sym("running")]), "trained or not", ("scale", "shift", "running_*")),
    )


@dataclass(frozen=True, slots=True)
class Averaged:
    """The axes of a batch in letters, and which of them are averaged."""

    norm: Norm
    axes: tuple[Expr, ...]
    over: tuple[int, ...]
    shared: tuple[tuple[Expr, Expr], ...] = ()
    """Channels and the groups that divide them, in letters and as given."""

    def parts(self) -> tuple[Part, ...]:
        """Count the means, and the entries of each."""
        kept = [axis for at, axis in enumerate(self.axes) if at not in self.over]
        averaged = [self.axes[at] for at in self.over]
        return (
            Part("means", times(*kept), _MEANS[self.norm.kind], ("means",)),
            Part("entries_per_mean", times(*averaged), "each is over all that differs in the other axes", ("entries",)),
        )

    def constraints(self) -> tuple[Relation, ...]:
        """Restrict the channels to those that the groups divide."""
        each = (channels / groups for channels, groups in self.shared if symbols(channels, groups))
        return tuple(Relation(floor(one), "=", one) for one in each)

    def forward(self, net: Layers, sizes: Mapping[str, int]) -> None:
        """Average an input of these axes."""
        point = {name: Fraction(length) for name, length in sizes.items()}
        net.average([int(PLAIN.value(axis, point)) for axis in self.axes], self.over, "means", "entries")


def _averaged(norm: Norm, letters: Letters, c: Sym) -> Averaged:
    """Lay the batch out in axes: examples, positions, and the channels or the shape that is normalised."""
    examples = letters.letter("N", norm.batch, FEW)
    positions = letters.letter("P", mul(*norm.before), FEW) if norm.before else ONE
    if norm.kind in PER_ENTRY:
        inside = mul(*norm.features[:-1]) if norm.per_channel else ONE
        s = letters.letter("S", inside, FEW) if inside != ONE else ONE
        return Averaged(norm, (examples, positions, s, c), (2, 3))
    if norm.groups is not None:
        g = letters.letter("G", norm.groups, FEW)
        shared = ((c, g), (norm.features[-1], norm.groups))
        return Averaged(norm, (examples, positions, g, c / g), (1, 3), shared)
    return Averaged(norm, (examples, positions, c), (0, 1) if norm.kind == "batch" else (1,))


def _assumptions(norm: Norm) -> tuple[str, ...]:
    groups, channels = norm.groups, norm.features[-1]
    return (
        (f"{unicode(groups)} divides {unicode(channels)}",) if groups is not None and symbols(groups, channels) else ()
    )


def _conventions(norm: Norm) -> Iterator[str]:
    """Say what is taken for granted, and where frameworks count otherwise."""
    name = f"{norm.kind} normalisation"
    shape = " × ".join(map(unicode, norm.features))
    if norm.unit == "entry":
        yield f"{name} over {shape}: every entry has parameters of its own (elementwise_affine in PyTorch)"
        if len(norm.features) > 1:
            yield f"per channel, as Keras counts, it would be {unicode(norm.features[-1])} of each: --per channel"
    elif norm.kind in PER_ENTRY:
        yield f"{name} over {shape}: the positions share γ and β, as in Keras; PyTorch has one pair per entry"
    else:
        yield f"{name}: all positions of a channel share its parameters; a unit of a dense layer is a channel"
    if norm.kind == "batch" and norm.running:
        yield "PyTorch also counts the batches seen, one number that is neither trained nor counted here"
    if norm.kind == "instance" and norm.scale and norm.shift:
        yield "torch.nn.InstanceNorm2d has no γ and β unless affine=True (--no-affine)"
    if norm.kind == "group":
        yield "the number of groups does not change the number of parameters"
    if norm.batch is not None:
        squares = "" if norm.kind == "rms" else "; there are as many variances"
        yield f"means are those of one layer in one training pass{squares}"


def _slips(norm: Norm, tally: Tally) -> Iterator[Slip]:
    """Explain common wrong numbers of parameters."""
    found, parameters = tally.values, tally.values["parameters"]
    one = like_terms(mul(norm.layers, *(norm.features[-1:] if norm.per_channel else norm.features)))
    if norm.running:
        yield Slip(found["total"], "running means and variances are kept, not trained", "running")
    elif norm.kind != "rms":
        four = like_terms(TWO * TWO * one)
        yield Slip(four, f"{norm.kind} normalisation keeps no running statistics here", "running")
    if norm.scale and norm.shift:
        yield Slip(one, f"there is a scale and a shift, two per {norm.unit}", "parameters")
        yield Slip(TWO * norm.layers, f"there are two per {norm.unit}, not two per layer", "scale")
    else:
        yield Slip(like_terms(TWO * one), "only one of γ and β is there", "parameters")
    if norm.layers != ONE:
        yield Slip(parameters / norm.layers, "that is one of the layers", "scale")
    if norm.before:
        yield Slip(like_terms(mul(parameters, *norm.before)), "positions share the parameters of a channel", "scale")
    if norm.unit == "entry" and len(norm.features) > 1:
        channels = like_terms(mul(parameters / mul(*norm.features), norm.features[-1]))
        yield Slip(channels, "that is per channel, but every entry of the shape has its own", "scale")
    if norm.per_channel and len(norm.features) > 1:
        entries = like_terms(mul(parameters, *norm.features[:-1]))
        yield Slip(entries, "that is per entry, but the positions of a channel share theirs", "scale")
    if norm.groups is not None:
        groups = like_terms(mul(TWO, norm.groups, norm.layers))
        yield Slip(groups, "the parameters are per channel, not per group", "scale")
    if norm.batch is not None:
        yield Slip(like_terms(parameters * norm.batch), "the parameters do not depend on the batch", "scale")


def _running_slips(norm: Norm, tally: Tally) -> Iterator[Slip]:
    """Explain common wrong numbers of running statistics."""
    if norm.running:
        yield Slip(tally.values["running"] / TWO, "a mean and a variance are kept, two per channel", "running")
        yield Slip(tally.values["total"], "that counts what is trained too", "running")
