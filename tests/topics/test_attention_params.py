"""Attention: published counts, the frameworks' shapes, laws, degenerate givens, marking."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from counts import CountingQuestion, screen, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import attention_params, fc_params

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE: dict[str, Any] = {"d_model": 512, "heads": 8}
SINGLE: dict[str, Any] = {"d_model": "D", "tokens": "N"}
LETTERS: dict[str, Any] = {"d_model": "d", "heads": "h"}
FREE: dict[str, Any] = {"d_model": 16, "heads": 2, "d_k": 3, "d_v": 5, "tokens": 7}
CROSS: dict[str, Any] = {"d_model": 64, "heads": 4, "context": 48, "tokens": 10, "context_tokens": 7, "bias": False}
GROUPED: dict[str, Any] = {"d_model": 64, "heads": 8, "kv_heads": 2}
ONE_KEY: dict[str, Any] = {"d_model": "D", "heads": 16, "kv_heads": 1}
FREE_LETTERS: dict[str, Any] = {"d_model": "d", "heads": "h", "d_k": "k", "d_v": "v", "kv_heads": "g", "context": "c"}

NUMBERS: list[tuple[str, dict[str, Any], int]] = [
    ("torch.nn.MultiheadAttention(512, 8)", BASE, 1_050_624),
    ("Vaswani et al., no biases", {**BASE, "bias": False}, 1_048_576),
    ("BERT-base", {"d_model": 768, "heads": 12}, 2_362_368),
    ("the number of heads does not matter", {"d_model": 768, "heads": 1, "output_projection": True}, 2_362_368),
    ("one head", {"d_model": 512}, 3 * 512**2 + 3 * 512),
    ("one head, no biases", {"d_model": 512, "bias": False}, 786_432),
    ("one head, narrow", {"d_model": 512, "d_k": 64, "bias": False}, 98_304),
    ("several heads without W_O", {**BASE, "output_projection": False, "bias": False}, 786_432),
    ("Keras MultiHeadAttention(2, 2) on 16", {"d_model": 16, "heads": 2, "d_k": 2}, 284),
    ("keys and values of their own sizes", FREE, 2 * (16 * 6 + 6) + 16 * 10 + 10 + 10 * 16 + 16),
    ("torch.nn.MultiheadAttention(64, 4, kdim=48, vdim=48)", {"d_model": 64, "heads": 4, "context": 48}, 14_592),
    ("cross attention", CROSS, 2 * 64 * 64 + 2 * 48 * 64),
    ("grouped queries", {**GROUPED, "bias": False}, 2 * 64 * 64 + 2 * 64 * 16),
    ("grouped queries, with biases", GROUPED, 2 * 64 * 64 + 2 * 64 * 16 + 64 + 16 + 16 + 64),
    ("Llama 3 8B", {"d_model": 4096, "heads": 32, "kv_heads": 8, "bias": False}, 41_943_040),
    ("as many keys as queries", {**GROUPED, "kv_heads": 8}, 4 * 64 * 64 + 4 * 64),
    ("one entry", {"d_model": 1}, 6),
]
SYMBOLS: list[tuple[str, dict[str, Any], str]] = [
    ("one head", {"d_model": "D"}, "3*D^2 + 3*D"),
    ("one head, no biases", {"d_model": "D", "bias": False}, "3*D^2"),
    ("h heads", LETTERS, "4*d^2 + 4*d"),
    ("eight heads", {"d_model": "d", "heads": 8}, "4*d^2 + 4*d"),
    ("free sizes", {"d_model": "d", "d_k": "k", "d_v": "v", "bias": False}, "2*d*k + d*v"),
    ("free sizes, h heads", {**LETTERS, "d_k": "k", "bias": False}, "4*d*h*k"),
    ("one head of keys", ONE_KEY, "17*D^2/8 + 17*D/8"),
    ("cross", {"d_model": "d", "context": "c", "bias": False}, "d^2 + 2*c*d"),
    ("h heads share 8 of keys", {**LETTERS, "kv_heads": 8, "bias": False}, "2*d^2 + 16*d^2/h"),
    ("2h heads share 4 of keys", {"d_model": "d", "heads": "2h", "kv_heads": 4, "bias": False}, "2*d^2 + 4*d^2/h"),
    ("eight heads of n + 1", {"d_model": "n+1", "heads": 8, "output_projection": False, "bias": False}, "3*(n + 1)^2"),
    ("64 heads", {"d_model": "D", "heads": 64, "bias": False}, "4*D^2"),
    ("all letters", FREE_LETTERS, "d*h*k + c*g*k + c*g*v + h*v*d + h*k + g*k + g*v + d"),
]

SIZES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("64 heads on 2048", {"d_model": 2048, "heads": 64}, {"d_k": "32", "W_Q_shape": "2048x32"}),
    (
        "Vaswani et al.",
        BASE,
        {"d_k": "64", "W_Q_shape": "512x64", "W_K_shape": "512x64", "W_V_shape": "512x64", "W_O_shape": "512x512"},
    ),
    ("N tokens of size D", SINGLE, {"attention_weights": "N^2", "scores_shape": "NxN", "W_Q_shape": "DxD", "d_k": "D"}),
    ("h heads, N tokens", {**LETTERS, "tokens": "N"}, {"attention_weights": "h*N^2", "scores_shape": "NxN"}),
    (
        "cross",
        CROSS,
        {
            "attention_weights": "280",
            "scores_shape": "10x7",
            "W_Q_shape": "64x16",
            "W_K_shape": "48x16",
            "W_O_shape": "64x64",
        },
    ),
    ("keys and values of their own sizes", FREE, {"W_V_shape": "16x5", "W_O_shape": "10x16", "d_k": "3"}),
    ("letters", LETTERS, {"d_k": "d/h", "W_Q_shape": "dxd/h", "W_O_shape": "dxd"}),
    (
        "only the keys have other tokens",
        {**SINGLE, "context_tokens": "M"},
        {"attention_weights": "N*M", "scores_shape": "NxM"},
    ),
]


@pytest.mark.parametrize(("givens", "sizes"), [row[1:] for row in SIZES], ids=[row[0] for row in SIZES])
def test_says_sizes_and_shapes(givens: dict[str, Any], sizes: dict[str, str]) -> None:
    solution = attention_params(**givens)
    assert sizes.items() <= texts(solution).items()
    assert solution.holds


def test_a_full_layer_between_all_tokens_has_more() -> None:
    """N tokens of size D: 3D² + 3D against the D²N² + DN of a fully connected layer."""
    assert fc_params(inputs="D*N", outputs="D*N")["parameters"].text == "D^2*N^2 + D*N"
    assert attention_params(**SINGLE)["parameters"].text == "3*D^2 + 3*D"


def test_there_is_no_matrix_behind_one_head_unless_asked() -> None:
    assert "W_O" not in texts(attention_params(d_model=4))
    assert attention_params(d_model=4, output_projection=True)["W_O"].text == "16"


def test_many_tokens_are_not_compared() -> None:
    solution = attention_params(d_model=8, heads=2, tokens=10**5)
    assert solution["attention_weights"].computed == 2 * 10**10
    assert solution.holds
    assert not solution.checks


def test_a_million_heads_are_not_passed_through() -> None:
    solution = attention_params(d_model=1, heads=10**6, d_k=1)
    assert solution.value == 4 * 10**6 + 3 * 10**6 + 1
    assert solution.holds
    assert not solution.checks


def test_wide_tokens_are_not_made() -> None:
    solution = attention_params(d_model=4, context=4, tokens=1, context_tokens=10**8)
    assert solution.holds
    assert not solution.checks


# brute force and laws

few = st.integers(1, 5)
layers = st.fixed_dictionaries(
    {"each": few, "kv_heads": st.integers(1, 3), "per": st.integers(1, 3), "context": few, "bias": st.booleans()}
)


def shapes(each: int, kv_heads: int, per: int, context: int, *, bias: bool) -> Iterator[tuple[int, ...]]:
    """List the shapes of the arrays of a layer, head by head."""
    heads = kv_heads * per
    width = heads * each
    columns = [(width, each)] * heads + [(context, each)] * (2 * kv_heads) + [(heads * each, width)]
    for shape in columns:
        yield shape
        yield from [shape[1:]] * bias


@given(layer=layers)
def test_agrees_with_the_shapes_of_its_arrays(layer: dict[str, Any]) -> None:
    heads = layer["kv_heads"] * layer["per"]
    found = attention_params(
        d_model=heads * layer["each"],
        heads=heads,
        kv_heads=layer["kv_heads"],
        context=layer["context"],
        bias=layer["bias"],
        output_projection=True,
    )
    assert found.value == sum(prod(shape) for shape in shapes(**layer))


@settings(max_examples=8)
@given(
    width=st.sampled_from([12, "D"]),
    heads=st.sampled_from([1, 3, "h"]),
    key=st.sampled_from([None, 2, "k"]),
    output=st.booleans(),
    bias=st.booleans(),
    tokens=st.sampled_from([None, 3, "N"]),
)
def test_every_line_holds_for_any_layer(output: bool, key: Any, **givens: Any) -> None:  # noqa: ANN401, FBT001 (drawn)
    width = givens.pop("width")
    assert attention_params(d_model=width, d_k=key, output_projection=output, **givens).holds


@given(each=few, heads=st.integers(2, 5))
def test_heads_that_share_the_width_cost_nothing(each: int, heads: int) -> None:
    several = attention_params(d_model=each * heads, heads=heads)
    assert several.value == attention_params(d_model=each * heads, output_projection=True).value


# errors

ERRORS: list[tuple[dict[str, Any], str]] = [
    ({}, "--d-model is missing; add --d-model NUMBER: Entries of a token."),
    (
        {"d_model": 512, "heads": 7},
        "7 heads do not divide d-model 512; use --d-model 511 or 518, heads that divide it, or give --d-k",
    ),
    (
        {"d_model": 4, "heads": 8},
        "8 heads do not divide d-model 4; use --d-model 8, heads that divide it, or give --d-k",
    ),
    (
        {"d_model": "D", "heads": 96},
        "96 heads that split D are too many to count; give --d-model as a number, or --d-k",
    ),
    (
        {"d_model": 64, "heads": 8, "kv_heads": 3},
        "kv-heads 3 does not divide the 8 heads; use --kv-heads 8, 1, or another that divides them",
    ),
    (
        {"d_model": 64, "kv_heads": 2},
        "one head has one head of keys and values, not 2; add --heads H, or leave --kv-heads out",
    ),
    (
        {**LETTERS, "kv_heads": 17},
        "17 heads of keys and values, shared by h heads, are too many to count; give --heads as a number",
    ),
    (
        {"d_model": 64, "context_tokens": 3},
        "--context-tokens says how many keys there are, but not how many queries; add --tokens N",
    ),
    ({"d_model": 0}, "d-model 0 is less than 1; use 1 or more"),
    ({**BASE, "heads": 0}, "heads 0 is less than 1; use 1 or more"),
    ({"d_model": "W_Q"}, "W_Q is the name of a result here; use another letter for the given"),
]

# assumptions and conventions

SAID: list[tuple[str, dict[str, Any], str]] = [
    ("rows", BASE, "Q = XW_Q + b, tokens as rows"),
    ("no biases", CROSS, "no biases, as in Vaswani et al."),
    ("self", BASE, "self attention; cross attention between tokens of one width has as many parameters"),
    ("cross", CROSS, "cross attention: queries come from the d-model tokens, keys and values from the context"),
    ("one head", SINGLE, "one head has no output projection here; PyTorch and Keras have one (--output-projection)"),
    ("none asked", {**BASE, "output_projection": False}, "no output projection, as asked"),
    ("of one head", BASE, "W_Q_shape, W_K_shape and W_V_shape are those of one head; W_Q, W_K and W_V count all heads"),
]


@pytest.mark.parametrize(("givens", "sentence"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_prints_what_it_takes_for_granted(givens: dict[str, Any], sentence: str) -> None:
    assert any(said.startswith(sentence) for said in attention_params(**givens).conventions)


def test_prints_what_it_assumes() -> None:
    assert attention_params(**LETTERS).assumptions == ("h divides d",)
    assert attention_params(**FREE_LETTERS).assumptions == ("g divides h",)
    assert attention_params(**BASE).assumptions == ()


# marking

CORRECT: list[tuple[dict[str, Any], str]] = [
    (BASE, "4*512^2 + 4*512"),
    (BASE, "d_k = 512/8"),
    (BASE, "W_Q_shape = 512 x 64"),
    (SINGLE, "3D(D + 1)"),
    (SINGLE, "attention_weights = N N"),
    (LETTERS, "4d(d+1)"),
]
SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (BASE, "1048576", "the biases are missing, one per column of every matrix"),
    (BASE, "787968", "the output projection W_O is missing (departs at step 13"),
    (BASE, "8*(3*512^2 + 3*512) + 8*512*512 + 512", "the heads share the width: a head has d_k columns, not all"),
    (BASE, "98496", "that is one head"),
    (BASE, "788480", "the values have a matrix too"),
    ({**BASE, "bias": False}, "1050624", "there are no biases here"),
    ({**SINGLE, "bias": False}, "4D^2", "there is no output projection here"),
    (SINGLE, "3D^2 + 3D + N^2", "the attention weights are computed, not trained"),
    (SINGLE, "(3D^2 + 3D) N", "all tokens share the parameters"),
    ({**LETTERS, "tokens": "N"}, "attention_weights = N^2", "every head has its own attention weights"),
    (SINGLE, "attention_weights = N", "every token attends to every other"),
    (BASE, "W_Q_shape = 64 x 512", "that is the transposed matrix"),
    (GROUPED, "16640", "keys and values have fewer heads than the queries"),
    (CROSS, "16384", "keys and values come from the context, whose width counts"),
]


class TestAttentionParams(CountingQuestion):
    """Attention: its tables, and what every counting question must pass."""

    topic, numbers, symbols, errors, correct, slips = attention_params, NUMBERS, SYMBOLS, ERRORS, CORRECT, SLIPS
    forms: ClassVar = {
        "base": BASE,
        "single": SINGLE,
        "letters": LETTERS,
        "free": FREE,
        "cross": CROSS,
        "grouped": GROUPED,
        "one key": ONE_KEY,
        "free letters": FREE_LETTERS,
    }


def test_derives_as_on_paper() -> None:
    found = screen(attention_params(**BASE))
    assert found[0] == "parameters = 1050624"
    assert "1 d_k = d/h the heads share the width of a token ✓" in found
    assert "4 W_Q = dh d_k queries: 512 × 64 in every head ✓" in found
