"""Trainable parameters of attention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.counting import bias_slips, like_terms, multiples, times, total
from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, scalar, switch
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Div, Expr, Num, Relation, Sym, number
from dlcalc.notation.functions import floor
from dlcalc.notation.printing import plain, unicode
from dlcalc.solution import Answer, Domain, Slip, Solution, symbols
from dlcalc.tally import Part, Shape, Tally
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.passes import Layers

FEW = Domain(COUNT.low, COUNT.low + 3, whole=True)
"""Sizes where the loops read every weight; small, because they multiply."""
SPLIT = Domain(COUNT.low, COUNT.low + 11, whole=True)
"""Widths that are split into heads."""
TOKENS = number(2)
"""Tokens that pass through where their number is not given."""
MAX_PASSED = 1_000
"""Heads that a pass at the very sizes asked goes through."""
MAX_SHARED = 16
"""Heads of keys and values that the loops can count where the heads are a symbol."""
MAX_HEADS = 64
"""Heads that the loops can count where the width they split is a symbol."""


@dataclass(frozen=True, slots=True)
class Attention:
    """An attention layer: its sizes, as givens or in letters."""

    width: Expr
    context: Expr
    """The width of the tokens that keys and values come from."""
    heads: Expr
    shared: Expr
    """Heads of keys and values."""
    key: Expr
    value: Expr
    bias: bool
    output: bool
    tokens: Expr | None
    others: Expr | None

    def matrices(self) -> dict[str, Expr]:
        """Write the weights of every matrix, over all heads."""
        found = {
            "W_Q": times(self.width, self.heads, self.key),
            "W_K": times(self.context, self.shared, self.key),
            "W_V": times(self.context, self.shared, self.value),
        }
        return found | ({"W_O": times(self.heads, self.value, self.width)} if self.output else {})

    def biases(self) -> Expr:
        """Write the biases, one per column of every matrix."""
        if not self.bias:
            return ZERO
        columns = [times(self.heads, self.key), times(self.shared, self.key), times(self.shared, self.value)]
        return total([*columns, *([self.width] if self.output else [])])

    def parameters(self) -> Expr:
        """Add up weights and biases."""
        return like_terms(total([*self.matrices().values(), self.biases()]))


@topic(
    area="layers",
    answers=(
        *("parameters", "weights", "biases", "W_Q", "W_K", "W_V", "W_O", "d_k", "attention_weights"),
        *("W_Q_shape", "W_K_shape", "W_V_shape", "W_O_shape", "scores_shape"),
    ),
    examples=(
        "--d-model 512 --heads 8",
        "--d-model D --tokens N",
        "--d-model 64 --heads 4 --kv-heads 2 --context 48 --no-bias --tokens 10 --context-tokens 7",
    ),
)
def attention_params(
    *,
    d_model: Annotated[
        Expr, scalar("-d", "--embed-dim", "--width", "--inputs", help="Entries of a token.", whole=True, least=1)
    ],
    heads: Annotated[
        Expr, scalar("-n", "--num-heads", help="Heads, each with queries of its own (default 1).", whole=True, least=1)
    ] = ONE,
    d_k: Annotated[
        Expr | None,
        scalar(
            "--key-dim",
            "--head-size",
            help="Entries of a query and a key (default d-model/heads).",
            whole=True,
            least=1,
        ),
    ] = None,
    d_v: Annotated[
        Expr | None, scalar("--value-dim", help="Entries of a value of a head (default d-k).", whole=True, least=1)
    ] = None,
    kv_heads: Annotated[
        Expr | None, scalar("--num-kv-heads", help="Heads of keys and values (default: all).", whole=True, least=1)
    ] = None,
    context: Annotated[
        Expr | None,
        scalar(
            "--d-context",
            "--kdim",
            help="Cross attention: entries of a token that keys come from.",
            whole=True,
            least=1,
        ),
    ] = None,
    bias: Annotated[bool, switch(help="One bias per column of every matrix (default: yes).")] = True,
    output_projection: Annotated[
        bool | None, switch(help="The matrix W_O behind the heads (default: where there are several).")
    ] = None,
    tokens: Annotated[
        Expr | None, scalar("-N", "--sequence-length", help="Tokens, to count attention weights.", whole=True, least=1)
    ] = None,
    context_tokens: Annotated[
        Expr | None,
        scalar("-M", "--source-length", help="Tokens that keys come from (default: the same).", whole=True, least=1),
    ] = None,
) -> Solution:
    """Trainable parameters of attention, single or multi-head, self or cross.

    Every head has W_Q and W_K (d × d_k) and W_V (d × d_v); behind several heads stands W_O (h·d_v × d). With
    d_k = d_v = d/h that is 4d² + 4d with biases; one head without W_O has 3d² + 3d.
    Source: Vaswani et al., Attention Is All You Need (2017); Prince, Understanding Deep Learning (2023), chapter 12;
    torch.nn.MultiheadAttention. Fewer heads of keys and values: Ainslie et al. (2023).

    Raises DlcalcError when heads do not divide the width, or kv-heads the heads.

    >>> attention_params(d_model=512, heads=8).value
    1050624
    >>> attention_params(d_model="D")["parameters"].text
    '3*D^2 + 3*D'
    """
    if d_k is None:
        _divides(heads, d_model)
    if kv_heads is not None:
        _shares(kv_heads, heads)
    if context_tokens is not None and tokens is None:
        raise DlcalcError("--context-tokens says how many keys there are, but not how many queries", "add --tokens N")
    key = d_k if d_k is not None else d_model / heads
    asked = Attention(
        width=d_model,
        context=d_model if context is None else context,
        heads=heads,
        shared=heads if kv_heads is None else kv_heads,
        key=key,
        value=key if d_v is None else d_v,
        bias=bias,
        output=heads != ONE if output_projection is None else output_projection,
        tokens=tokens,
        others=tokens if context_tokens is None else context_tokens,
    )
    tally = _tally(asked, derived=d_k is None, cross=context is not None or context_tokens is not None)
    return tally.solution({"parameters": tuple(_slips(asked)), "attention_weights": tuple(_score_slips(asked))})


def _divides(heads: Expr, width: Expr) -> None:
    """Refuse heads that cannot share the width equally."""
    if not isinstance(heads, Num):
        return
    if isinstance(width, Num):
        if (width.value / heads.value).denominator != 1:
            below = width.value // heads.value * heads.value
            near = " or ".join(str(n) for n in (below, below + heads.value) if n > 0)
            raise DlcalcError(
                f"{plain(heads)} heads do not divide d-model {plain(width)}",
                f"use --d-model {near}, heads that divide it, or give --d-k",
            )
    elif heads.value > MAX_HEADS:
        raise DlcalcError(
            f"{plain(heads)} heads that split {plain(width)} are too many to count",
            "give --d-model as a number, or --d-k",
        )


def _shares(shared: Expr, heads: Expr) -> None:
    """Refuse heads of keys and values that the heads cannot share equally."""
    if heads == ONE and shared != ONE:
        raise DlcalcError(
            f"one head has one head of keys and values, not {plain(shared)}", "add --heads H, or leave --kv-heads out"
        )
    if isinstance(shared, Num) and shared.value > MAX_SHARED and symbols(heads):
        raise DlcalcError(
            f"{plain(shared)} heads of keys and values, shared by {plain(heads)} heads, are too many to count",
            "give --heads as a number",
        )
    if isinstance(shared, Num) and isinstance(heads, Num) and (heads.value / shared.value).denominator != 1:
        raise DlcalcError(
            f"kv-heads {plain(shared)} does not divide the {plain(heads)} heads",
            f"use --kv-heads {plain(heads)}, 1, or another that divides them",
        )


def _tally(asked: Attention, *, derived: bool, cross: bool) -> Tally:
    """Write the layer in letters."""
    every = (getattr(asked, name) for name in ("width", "context", "heads", "shared", "key", "value"))
    letters = Letters(taken=symbols(*every, asked.tokens or ONE, asked.others or ONE))
    lettered, constraints = _lettered(asked, letters, derived=derived)
    return Tally(
        letters,
        lambda net, sizes: _forward(lettered, net, sizes),
        tuple(_parts(asked, lettered, split=derived and asked.heads != ONE)),
        shapes=tuple(_shapes(lettered)),
        others=() if derived and asked.heads != ONE else (Answer("d_k", asked.key),),
        constraints=constraints,
        assumptions=tuple(_assumptions(asked, derived=derived)),
        conventions=tuple(_conventions(asked, cross=cross)),
        tied=True,
        counted_on_arrays=not isinstance(asked.heads, Num) or asked.heads.value <= MAX_PASSED,
        inputs=[like_terms(asked.width * (asked.tokens or ONE)), like_terms(asked.context * (asked.others or ONE))],
    )


def _lettered(asked: Attention, letters: Letters, *, derived: bool) -> tuple[Attention, tuple[Relation, ...]]:
    """Give every size its letter; the size of a head that follows from the others is a part of the count."""
    split, heads = derived and asked.heads != ONE, asked.heads
    several = multiples(asked.shared, heads) if isinstance(asked.shared, Num) and symbols(heads) else FEW
    wide = SPLIT if split else FEW
    if split and several is not FEW:
        wide = multiples(number(several.high), asked.width)
    elif split and symbols(asked.width) and isinstance(heads, Num):
        wide = multiples(heads, asked.width)
    d = letters.letter("d", asked.width, wide)
    h = ONE if heads == ONE else letters.letter("h", heads, several)
    g = h if asked.shared == heads else ONE if asked.shared == ONE else letters.letter("g", asked.shared, FEW)
    shares = [(d, h), (asked.width, heads)] if split else []
    shares += [(h, g), (heads, asked.shared)] if g not in {h, ONE} else []
    constraints = (Relation(floor(whole / each), "=", whole / each) for whole, each in shares if symbols(whole, each))
    key: Expr = Sym("d_k") if split else d if derived else letters.letter("d_k", asked.key, FEW)
    n = None if asked.tokens is None else letters.letter("N", asked.tokens, FEW)
    lettered = replace(
        asked,
        width=d,
        context=d if asked.context == asked.width else letters.letter("c", asked.context, FEW),
        heads=h,
        shared=g,
        key=key,
        value=key if asked.value == asked.key else letters.letter("d_v", asked.value, FEW),
        tokens=n,
        others=n if asked.others in {None, asked.tokens} else letters.letter("M", asked.others, FEW),
    )
    return lettered, tuple(constraints)


def _parts(asked: Attention, lettered: Attention, *, split: bool) -> Iterator[Part]:
    """Derive every matrix, then the weights, the biases, the total, and the attention weights."""
    if split:
        yield Part("d_k", Div(lettered.width, lettered.heads), "the heads share the width of a token", ("d_k",))
    d, c, key, value = (unicode(like_terms(size)) for size in (asked.width, asked.context, asked.key, asked.value))
    several, fewer = asked.heads != ONE, asked.shared != asked.heads
    each = " in every head" if several else ""
    shared = f" in {'the one head' if asked.shared == ONE else f'{unicode(asked.shared)} heads'} of keys and values"
    reasons = {
        "W_Q": f"queries: {d} × {key}{each}",
        "W_K": f"keys: {c} × {key}{shared if fewer else each}",
        "W_V": f"values: {c} × {value}{shared if fewer else each}",
        "W_O": f"the output: {unicode(like_terms(asked.heads * asked.value))} × {d}, over all heads side by side",
    }
    matrices = lettered.matrices()
    for name, entries in matrices.items():
        yield Part(name, entries, reasons[name], (f"{name}.*",))
    yield Part("weights", total([Sym(name) for name in matrices]), "the matrices together", ("W_*",))
    biases = "one bias per column of every matrix" if asked.bias else "no biases"
    yield Part("biases", lettered.biases(), biases, ("b_*",))
    every = [Sym("weights"), *([Sym("biases")] if asked.bias else [])]
    yield Part("parameters", total(every), "all that is trained; the tokens share it", ("W_*", "b_*"))
    if lettered.tokens is not None and lettered.others is not None:
        pairs = "a score for every pair of a query and a key" + (", in every head" if several else "")
        entries = times(lettered.heads, lettered.tokens, lettered.others)
        yield Part("attention_weights", entries, f"{pairs}: computed, not trained", ("scores",))


def _shapes(lettered: Attention) -> Iterator[Shape]:
    """List the shapes of the matrices of one head, and of its scores."""
    yield Shape("W_Q_shape", "W_Q.0", (lettered.width, lettered.key))
    yield Shape("W_K_shape", "W_K.0", (lettered.context, lettered.key))
    yield Shape("W_V_shape", "W_V.0", (lettered.context, lettered.value))
    if lettered.output:
        yield Shape("W_O_shape", "W_O.0", (times(lettered.heads, lettered.value), lettered.width))
    if lettered.tokens is not None and lettered.others is not None:
        yield Shape("scores_shape", "scores", (lettered.tokens, lettered.others))


def _forward(lettered: Attention, net: Layers, sizes: Mapping[str, int]) -> None:
    """Let tokens attend to tokens, head by head."""
    width, heads = _size(lettered.width, sizes), _size(lettered.heads, sizes)
    parts = net.split(net.vector(width), heads) if lettered.key == Sym("d_k") and "d_k" not in sizes else []
    if parts:
        sizes = {**sizes, "d_k": len(parts[0])}
        net.counts["d_k"] = len(parts[0])
    key, value, shared = (_size(size, sizes) for size in (lettered.key, lettered.value, lettered.shared))
    tokens, others = (_size(size or TOKENS, sizes) for size in (lettered.tokens, lettered.others))

    def projected(x: Any, units: int, name: str) -> Any:  # noqa: ANN401 (as the layers want it)
        return net.project(x, units, f"W_{name}", f"b_{name}" if lettered.bias else "")

    x, y = net.table(tokens, width), net.table(others, _size(lettered.context, sizes))
    mixed = []
    for head in range(heads):
        at = head * shared // heads
        scores = net.scores(projected(x, key, f"Q.{head}"), projected(y, key, f"K.{at}"), "scores")
        mixed.append(net.mix(scores, projected(y, value, f"V.{at}")))
    if lettered.output:
        projected(net.beside(mixed), width, "O.0")


def _size(of: Expr, sizes: Mapping[str, int]) -> int:
    return int(PLAIN.value(of, sizes))


# what is said


def _assumptions(asked: Attention, *, derived: bool) -> Iterator[str]:
    if derived and asked.heads != ONE and symbols(asked.width, asked.heads):
        yield f"{unicode(asked.heads)} divides {unicode(asked.width)}"
    if asked.shared not in {ONE, asked.heads} and symbols(asked.shared, asked.heads):
        yield f"{unicode(asked.shared)} divides {unicode(asked.heads)}"


def _conventions(asked: Attention, *, cross: bool) -> Iterator[str]:
    """Say what is computed, and what is taken for granted."""
    b = " + b" if asked.bias else ""
    yield f"Q = XW_Q{b}, tokens as rows (as columns the matrices are transposed); softmax(QKᵀ/√d_k)V has no parameters"
    if cross:
        yield "cross attention: queries come from the d-model tokens, keys and values from the context"
    else:
        yield "self attention; cross attention between tokens of one width has as many parameters"
    if asked.heads == ONE and not asked.output:
        yield "one head has no output projection here; PyTorch and Keras have one (--output-projection)"
    elif not asked.output:
        yield "no output projection, as asked"
    if asked.heads != ONE:
        yield "W_Q_shape, W_K_shape and W_V_shape are those of one head; W_Q, W_K and W_V count all heads"
    if not asked.bias:
        yield "no biases, as in Vaswani et al."


def _slips(asked: Attention) -> Iterator[Slip]:
    """Explain common wrong totals, most of them as the total of another layer."""
    right, matrices = asked.parameters(), asked.matrices()

    def other(because: str, rule: str, **changed: Any) -> Slip:  # noqa: ANN401 (fields of the layer)
        return Slip(replace(asked, **changed).parameters(), because, rule)

    weights = like_terms(total(list(matrices.values())))
    would_be = like_terms(replace(asked, bias=True).biases())
    yield from bias_slips(weights, would_be, switched_on=asked.bias, owner="column of every matrix")
    if asked.output:
        yield other("the output projection W_O is missing", "W_O", output=False)
    else:
        yield other("there is no output projection here", "weights", output=True)
    if asked.heads != ONE:
        wide = like_terms(asked.key * asked.heads)
        yield other("the heads share the width: a head has d_k columns, not all", "d_k", key=wide, value=wide)
        one = {"heads": ONE, "shared": ONE, "output": False}
        yield other("that is one head", "W_Q", **one)
    if asked.shared != asked.heads:
        yield other("keys and values have fewer heads than the queries", "W_K", shared=asked.heads)
    if asked.context != asked.width:
        yield other("keys and values come from the context, whose width counts", "W_K", context=asked.width)
    yield Slip(like_terms(right - matrices["W_V"]), "the values have a matrix too", "W_V")
    if asked.tokens is not None and asked.others is not None:
        scores = like_terms(times(asked.heads, asked.tokens, asked.others))
        yield Slip(like_terms(right + scores), "the attention weights are computed, not trained", "parameters")
        yield Slip(like_terms(right * asked.tokens), "all tokens share the parameters", "parameters")


def _score_slips(asked: Attention) -> Iterator[Slip]:
    """Explain common wrong numbers of attention weights."""
    if asked.tokens is not None and asked.others is not None:
        pairs = like_terms(times(asked.tokens, asked.others))
        yield Slip(pairs, "every head has its own attention weights", "attention_weights")
        yield Slip(
            like_terms(times(asked.heads, asked.tokens)), "every token attends to every other", "attention_weights"
        )
