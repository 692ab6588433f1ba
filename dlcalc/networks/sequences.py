"""Layers on sequences, shapes `(length, width)`: embeddings, recurrent layers, attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.networks.field import POINT
from dlcalc.networks.layer import Effect, Layer, Misfit, given
from dlcalc.networks.quantities import Quantity, Shape, product, quotient, text_of, written
from dlcalc.networks.windows import divides

if TYPE_CHECKING:
    from dlcalc.networks.field import Fields

SEQUENCE_AXES = 2
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
"""How many times a recurrent cell has weights for its input and its state."""


def sequence(shape: Shape, what: str) -> tuple[Quantity, Quantity]:
    """Split a sequence into its length and its width."""
    if len(shape) != SEQUENCE_AXES:
        raise Misfit(
            f"its input is {written(shape)}, and {what} reads a sequence of vectors",
            "write the input as LENGTHxWIDTH, such as 10x64, or put an embedding before it",
        )
    return shape[0], shape[1]


@dataclass(frozen=True)
class Embedding(Layer):
    """A vector for every index: V·D weights, looked up, so nothing is multiplied."""

    entries: Quantity = given("count", "vocabulary", "num", "v", place=1)
    width: Quantity = given("count", "dim", "d", place=2)

    def effect(self, *inputs: Shape) -> Effect:
        """Add an axis."""
        if len(inputs[0]) > 1:
            raise Misfit(
                f"its input is {written(inputs[0])}, and an embedding reads a row of indices",
                "write the input as its LENGTH alone, such as 32",
            )
        because = f"a vector of {text_of(self.width)} for each of {text_of(self.entries)} indices"
        return Effect((*inputs[0], self.width), ((self.entries, self.width),), because=because)

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """See one index."""
        del inputs
        return None if field is None else (POINT,)


@dataclass(frozen=True)
class Positions(Layer):
    """A trained vector added at every position of a sequence: one weight per entry."""

    most: Quantity = given("count", "length", place=1, default=0)
    """Positions that there are vectors for; 0 for as many as the input has."""

    def effect(self, *inputs: Shape) -> Effect:
        """Count a weight per position and feature."""
        length, width = sequence(inputs[0], "a position embedding")
        if isinstance(length, int) and isinstance(self.most, int) and 0 < self.most < length:
            raise Misfit(
                f"its input has {length} positions, and there are vectors for {self.most}", f"use {length} or more"
            )
        most = length if self.most == 0 else self.most
        because = f"a vector of {text_of(width)} for each of {text_of(most)} positions"
        return Effect(inputs[0], ((most, width),), because=because)


@dataclass(frozen=True)
class Recurrent(Layer):
    """A recurrent layer of H units on D inputs: g(D·H + H·H) weights with g = 1, 3 (GRU) or 4 (LSTM) gates.

    One or two bias vectors of g·H: PyTorch keeps two, Keras one (of its GRU two).
    """

    units: Quantity = given("count", "hidden", "h", place=1)
    cell: str = given("word", default="rnn", words=tuple(GATES))
    bias: bool = given("switch", default=True)
    biases: Quantity = given("count", "bias-vectors", default=2)
    last: bool = given("switch", default=False)
    """Only the state after the last entry flows out."""
    bidirectional: bool = given("switch", "bi", default=False)

    def effect(self, *inputs: Shape) -> Effect:
        """Count the weights of all gates; they are used again at every entry."""
        length, width = sequence(inputs[0], "a recurrent layer")
        gates, ways = GATES[self.cell], 2 if self.bidirectional else 1
        weights = ((ways, gates, width, self.units), (ways, gates, self.units, self.units))
        state = product((ways, self.units))
        said = f"{gates} gates" if gates > 1 else "1 matrix pair"
        vectors = f", {text_of(self.biases)} bias vectors" if self.biases != 1 else ", a bias vector"
        return Effect(
            (state,) if self.last else (length, state),
            weights,
            ((ways, gates, self.biases, self.units),) if self.bias else (),
            tuple((length, *product_of) for product_of in weights),
            because=f"{said} of {text_of(self.units)} units on {text_of(width)} inputs and {text_of(self.units)} states"
            f"{vectors if self.bias else ''}{', in both directions' if self.bidirectional else ''}",
        )

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """See everything."""
        del field, inputs
        return None


@dataclass(frozen=True)
class Attention(Layer):
    """Self-attention with h heads of widths d_k and d_v: W_Q, W_K, W_V and W_O, each with a bias.

    Multiply-accumulates: the four products with weights, the scores QKᵀ and the mixture of the values.
    """

    heads: Quantity = given("count", "h", place=1, default=1)
    key: Quantity = given("count", "d-k", default=0)
    value: Quantity = given("count", "d-v", default=0)
    bias: bool = given("switch", default=True)

    def effect(self, *inputs: Shape) -> Effect:
        """Count four matrices, and two products of activations."""
        length, width = sequence(inputs[0], "attention")
        needs = divides(self.heads, width, "features") if self.key == 0 else ()
        key = product((self.heads, self.key)) if self.key != 0 else width
        value = product((self.heads, self.value)) if self.value != 0 else key
        weights = ((2, width, key), (2, width, value))
        return Effect(
            (length, width),
            weights,
            ((2, key), (value,), (width,)) if self.bias else (),
            (*((length, *product_of) for product_of in weights), (length, length, key), (length, length, value)),
            because=f"W_Q, W_K, W_V and W_O{', a bias each' if self.bias else ''}",
            needs=needs,
        )

    def seen(self, field: Fields | None, *inputs: Shape) -> Fields | None:
        """See everything."""
        del field, inputs
        return None

    def head_width(self, width: Quantity) -> Quantity:
        """Return the width of the queries and keys of a head."""
        return self.key if self.key != 0 else quotient(width, self.heads)
