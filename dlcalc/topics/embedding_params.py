"""Trainable parameters of embeddings, and of an output layer that may share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from dlcalc.counting import like_terms, times, total
from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, choice, scalar, switch
from dlcalc.notation.expression import ONE, ZERO, Expr, Sym, mul
from dlcalc.notation.printing import unicode
from dlcalc.solution import Slip, Solution, symbols
from dlcalc.tally import Part, Shape, Tally
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.passes import Layers


@dataclass(frozen=True, slots=True)
class Embedding:
    """Tables of vectors, as givens or in letters, and what stands at the output."""

    words: Expr
    size: Expr
    positions: Expr | None
    segments: Expr | None
    output: str
    bias: bool

    @property
    def tables(self) -> dict[str, Expr]:
        """Give the rows of every table."""
        rows = {"token_table": self.words, "position_table": self.positions, "segment_table": self.segments}
        return {name: count for name, count in rows.items() if count is not None}


@topic(
    area="layers",
    answers=(
        *("parameters", "token_table", "position_table", "segment_table", "output_layer", "weights", "biases", "saved"),
        *("token_table_shape", "output_shape"),
    ),
    examples=(
        "--vocabulary 10000 --dim 300",
        "--vocabulary V --dim d --positions L --output tied",
        "--vocabulary 1000 --dim 32 --positions 128 --segments 2 --output separate",
    ),
)
def embedding_params(
    *,
    vocabulary: Annotated[
        Expr, scalar("-V", "--vocab", "--words", "--num-embeddings", help="Words, or tokens.", whole=True, least=1)
    ],
    dim: Annotated[
        Expr, scalar("-d", "--embedding-dim", "--d-model", help="Entries of the vector of a word.", whole=True, least=1)
    ],
    positions: Annotated[
        Expr | None,
        scalar("-L", "--max-length", help="Learned positions, a vector each (default: none).", whole=True, least=1),
    ] = None,
    segments: Annotated[
        Expr | None, scalar("--types", help="Kinds of segments, a vector each (default: none).", whole=True, least=1)
    ] = None,
    output: Annotated[
        str, choice("none", "tied", "separate", help="An output layer over all words; tied shares the table.")
    ] = "none",
    output_bias: Annotated[
        bool | None, switch(help="One output bias per word (default: in a separate output layer only).")
    ] = None,
) -> Solution:
    """Trainable parameters of embeddings, and of an output layer that may share them.

    A table has a vector of d entries for each of V words: V·d, no biases. Learned positions add L·d. An output layer
    that gives each word a score adds V·d weights, none where they are tied to the table, and V biases if it has any.
    Source: Press and Wolf, Using the Output Embedding to Improve Language Models (2017); Devlin et al., BERT (2019);
    torch.nn.Embedding; keras.layers.Embedding.

    Raises DlcalcError when there are output biases without an output layer.

    >>> embedding_params(vocabulary=10000, dim=300).value
    3000000
    >>> embedding_params(vocabulary="V", dim="d", output="tied", output_bias=True)["parameters"].text
    'V*d + V'
    """
    if output == "none" and output_bias:
        raise DlcalcError("an embedding has no biases, and there is no output layer", "add --output tied or separate")
    bias = output == "separate" if output_bias is None else output_bias
    asked = Embedding(vocabulary, dim, positions, segments, output, bias)
    return _tally(asked).solution({"parameters": tuple(_slips(asked))})


def _tally(asked: Embedding) -> Tally:
    """Write tables and output in letters."""
    letters = Letters(taken=symbols(asked.words, asked.size, asked.positions or ONE, asked.segments or ONE))
    lettered = Embedding(
        letters.letter("V", asked.words, COUNT),
        letters.letter("d", asked.size, COUNT),
        None if asked.positions is None else letters.letter("L", asked.positions, COUNT),
        None if asked.segments is None else letters.letter("S", asked.segments, COUNT),
        asked.output,
        asked.bias,
    )
    shapes = [Shape("token_table_shape", "token_table", (lettered.words, lettered.size))]
    if asked.output != "none":
        shapes.append(Shape("output_shape", _output(asked), (lettered.words, lettered.size)))
    return Tally(
        letters,
        lambda net, sizes: _forward(lettered, net, sizes),
        tuple(_parts(asked, lettered)),
        shapes=shapes,
        conventions=tuple(_conventions(asked)),
        tied=True,
    )


def _output(asked: Embedding) -> str:
    """Name the matrix of the output layer."""
    return "token_table" if asked.output == "tied" else "output_weights"


def _parts(asked: Embedding, lettered: Embedding) -> Iterator[Part]:
    """Derive the tables, the output layer, and all of them."""
    v, d = unicode(asked.words), unicode(asked.size)
    of = {"token_table": "words", "position_table": "positions", "segment_table": "kinds of segments"}
    for name, rows in lettered.tables.items():
        count = unicode(asked.tables[name])
        yield Part(name, times(rows, lettered.size), f"a vector of {d} entries for each of {count} {of[name]}", (name,))
    weights: list[Expr] = [Sym(name) for name in lettered.tables]
    every = list(weights)
    biases = [lettered.words] if asked.bias else []
    if asked.output != "none":
        own = [times(lettered.words, lettered.size)] if asked.output == "separate" else []
        shared = "the matrix is the token table again, counted once" if not own else f"a matrix of {v} × {d}"
        and_biases = f"; a bias for each of {v} words" if biases else "; no biases"
        yield Part("output_layer", total([*own, *biases]), f"the output: {shared}{and_biases}", ("output_*",))
        every.append(Sym("output_layer"))
        weights += own
    yield Part("parameters", total(every), "all that is trained", ("*_table", "output_*"))
    yield Part("weights", total(weights), "tables and matrices", ("*_table", "output_weights"))
    yield Part("biases", total(biases), "one per word, at the output" if biases else "no biases", ("output_biases",))
    if asked.output == "tied":
        saved = times(lettered.words, lettered.size)
        yield Part("saved", saved, "what a matrix of its own would have", ("untied",))


def _forward(lettered: Embedding, net: Layers, sizes: Mapping[str, int]) -> None:
    """Look everything up, add it up, and score every word."""
    lengths = {name: sizes[rows.name] for name, rows in lettered.tables.items() if isinstance(rows, Sym)}
    width = sizes[lettered.size.name] if isinstance(lettered.size, Sym) else 1
    first, *others = [net.table(length, width, name)[0] for name, length in lengths.items()]
    for other in others:
        first = net.add(first, other)
    if lettered.output != "none":
        biases = "output_biases" if lettered.bias else ""
        scores = net.linear(first, lengths["token_table"], _output(lettered), biases)
        if lettered.output == "tied":
            net.add(scores, net.linear(first, lengths["token_table"], "untied"))


def _conventions(asked: Embedding) -> Iterator[str]:
    """Say what is taken for granted."""
    yield "an embedding looks a row up: as many weights as a matrix for one-hot vectors, and no biases"
    if asked.positions is None:
        yield "no learned positions (sines and cosines have no parameters)"
    if asked.output == "tied":
        yield "tied: the output scores words by the rows of the token table, which is counted once"
    if asked.output != "none" and not asked.bias:
        yield "the output layer has no biases (--output-bias counts them)"


def _slips(asked: Embedding) -> Iterator[Slip]:
    """Explain common wrong totals."""
    tables = like_terms(total([times(rows, asked.size) for rows in asked.tables.values()]))
    matrix, v = mul(asked.words, asked.size), asked.words
    right = {"none": tables, "tied": tables, "separate": like_terms(tables + matrix)}[asked.output]
    right = like_terms(right + (v if asked.bias else ZERO))
    if asked.bias:
        yield Slip(like_terms(right - v), "the output biases are missing, one per word", "output_layer")
    elif asked.output != "none":
        yield Slip(like_terms(right + v), "the output layer has no biases here", "output_layer")
    if asked.output == "tied":
        yield Slip(like_terms(right + matrix), "the tied matrix is counted twice", "output_layer")
        yield Slip(like_terms(right + matrix + v), "the tied matrix is counted twice", "output_layer")
    elif asked.output == "separate":
        yield Slip(tables, "the output layer is missing", "parameters")
        yield Slip(like_terms(right - matrix), "the output layer has a matrix of its own", "output_layer")
    yield Slip(like_terms(right + asked.size), "an embedding has no biases", "token_table")
    yield Slip(like_terms(right + v), "an embedding has no biases", "token_table")
    for name, rows in asked.tables.items():
        if name != "token_table":
            what = name.removesuffix("_table")
            yield Slip(like_terms(right - mul(rows, asked.size)), f"the {what} table is missing", name)
