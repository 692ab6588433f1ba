"""Embeddings: published counts, laws, degenerate givens, marking."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from counts import CountingQuestion, screen, texts
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import embedding_params, fc_params

WORDS: dict[str, Any] = {"vocabulary": 10_000, "dim": 300}
LETTERS: dict[str, Any] = {"vocabulary": "V", "dim": "d", "positions": "L", "segments": "S"}
TIED: dict[str, Any] = {"vocabulary": "V", "dim": "d", "output": "tied"}
SEPARATE: dict[str, Any] = {"vocabulary": 1000, "dim": 32, "positions": 128, "segments": 2, "output": "separate"}
BERT: dict[str, Any] = {"vocabulary": 30_522, "dim": 768}

NUMBERS: list[tuple[str, dict[str, Any], int]] = [
    ("10,000 words of 300", WORDS, 3_000_000),
    ("Keras Embedding(1000, 64)", {"vocabulary": 1000, "dim": 64}, 64_000),
    ("BERT's words", BERT, 23_440_896),
    ("BERT's words, positions and segments", {**BERT, "positions": 512, "segments": 2}, 23_835_648),
    ("GPT-2's words and positions", {"vocabulary": 50_257, "dim": 768, "positions": 1024}, 39_383_808),
    ("GPT-2 with its tied output", {"vocabulary": 50_257, "dim": 768, "positions": 1024, "output": "tied"}, 39_383_808),
    ("BERT's tied output has biases", {**BERT, "output": "tied", "output_bias": True}, 23_440_896 + 30_522),
    ("word2vec has two matrices", {**WORDS, "output": "separate", "output_bias": False}, 6_000_000),
    ("an output of its own", {**WORDS, "output": "separate"}, 6_010_000),
    ("all at once", SEPARATE, 32_000 + 4096 + 64 + 33_000),
    ("one word", {"vocabulary": 1, "dim": 1}, 1),
]
SYMBOLS: list[tuple[str, dict[str, Any], str]] = [
    ("words", {"vocabulary": "V", "dim": "d"}, "V*d"),
    ("words, positions, segments", LETTERS, "V*d + L*d + S*d"),
    ("tied", TIED, "V*d"),
    ("tied, with biases", {**TIED, "output_bias": True}, "V*d + V"),
    ("separate", {**TIED, "output": "separate"}, "2*V*d + V"),
    ("letters of the formula", {"vocabulary": "d", "dim": "V"}, "d*V"),
]


def test_says_what_tying_saves() -> None:
    found = texts(embedding_params(**TIED))
    assert (found["saved"], found["output_layer"], found["output_shape"]) == ("V*d", "0", "Vxd")
    assert "saved" not in texts(embedding_params(**WORDS))


def test_an_embedding_has_the_shape_of_its_table() -> None:
    assert embedding_params(**WORDS)["token_table_shape"].text == "10000x300"


few = st.integers(1, 40)


@given(v=few, d=few, bias=st.booleans())
def test_an_output_of_its_own_is_a_dense_layer(v: int, d: int, *, bias: bool) -> None:
    found = embedding_params(vocabulary=v, dim=d, output="separate", output_bias=bias)
    assert found["output_layer"].computed == fc_params(inputs=d, outputs=v, bias=bias).value


@given(v=few, d=few, bias=st.booleans())
def test_tying_saves_the_difference(v: int, d: int, *, bias: bool) -> None:
    tied, separate = (
        embedding_params(vocabulary=v, dim=d, output=output, output_bias=bias) for output in ("tied", "separate")
    )
    assert separate["parameters"].value - tied["parameters"].value == tied["saved"].value  # type: ignore[operator]  # numbers


@given(v=few, d=few)
def test_a_lookup_has_as_many_weights_as_a_matrix_for_one_hot_vectors(v: int, d: int) -> None:
    assert embedding_params(vocabulary=v, dim=d).value == fc_params(inputs=v, outputs=d, bias=False).value


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"dim": 3}, "--vocabulary is missing; add --vocabulary NUMBER: Words, or tokens."),
    ({"vocabulary": 3}, "--dim is missing; add --dim NUMBER: Entries of the vector of a word."),
    (
        {**WORDS, "output_bias": True},
        "an embedding has no biases, and there is no output layer; add --output tied or separate",
    ),
    ({**WORDS, "output": "tie"}, "--output tie is not known; did you mean tied?"),
    ({**WORDS, "dim": 0}, "dim 0 is less than 1; use 1 or more"),
    ({**WORDS, "vocabulary": 1.5}, "vocabulary 1.5 is not a whole number; use 1 or 2"),
    ({**WORDS, "dim": "weights"}, "weights is the name of a result here; use another letter for the given"),
]

SAID: list[tuple[str, dict[str, Any], str]] = [
    ("lookup", WORDS, "an embedding looks a row up: as many weights as a matrix for one-hot vectors, and no biases"),
    ("no positions", WORDS, "no learned positions (sines and cosines have no parameters)"),
    ("tied", TIED, "tied: the output scores words by the rows of the token table, which is counted once"),
    ("no biases", TIED, "the output layer has no biases (--output-bias counts them)"),
]


@pytest.mark.parametrize(("givens", "sentence"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_prints_what_it_takes_for_granted(givens: dict[str, Any], sentence: str) -> None:
    assert sentence in embedding_params(**givens).conventions


CORRECT: list[tuple[dict[str, Any], str]] = [
    (WORDS, "3,000,000"),
    (TIED, "saved = d V"),
    (LETTERS, "(V + L + S) d"),
    (WORDS, "token_table_shape = 10000 x 300"),
]
SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (WORDS, "3000300", "an embedding has no biases"),
    (WORDS, "3010000", "an embedding has no biases"),
    (TIED, "2 V d", "the tied matrix is counted twice"),
    ({**TIED, "output_bias": True}, "V d", "the output biases are missing, one per word"),
    (TIED, "V d + V", "the output layer has no biases here"),
    (SEPARATE, "36160", "the output layer is missing"),
    (SEPARATE, "37160", "the output layer has a matrix of its own"),
    (WORDS, "token_table_shape = 300x10000", "that is the transposed matrix"),
    (LETTERS, "V d + S d", "the position table is missing"),
    (LETTERS, "V d + L d", "the segment table is missing"),
]


class TestEmbeddingParams(CountingQuestion):
    """Embeddings: their tables, and what every counting question must pass."""

    topic, numbers, symbols, errors, correct, slips = embedding_params, NUMBERS, SYMBOLS, ERRORS, CORRECT, SLIPS
    forms: ClassVar = {
        "words": WORDS,
        "letters": LETTERS,
        "tied": TIED,
        "tied, with biases": {**TIED, "output_bias": True},
        "separate": SEPARATE,
    }


def test_what_does_not_fit_into_memory_is_not_allocated() -> None:
    solution = embedding_params(**BERT)
    assert solution.holds
    assert not solution.checks


def test_derives_as_on_paper() -> None:
    found = screen(embedding_params(**LETTERS))
    assert found[0] == "parameters = Vd + Ld + Sd"
    assert "1 token_table = Vd a vector of d entries for each of V words ✓" in found
