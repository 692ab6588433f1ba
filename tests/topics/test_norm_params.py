"""Normalisations: known counts, means by brute force, laws, degenerate givens, marking, a checker that can fail."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from counts import CountingQuestion, screen, texts
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import fc_params, norm_params

BATCH: dict[str, Any] = {"features": 64}
LETTER: dict[str, Any] = {"features": "n", "batch": "m"}
ENTRIES: dict[str, Any] = {"kind": "layer", "features": "4x4x8"}
CHANNELS: dict[str, Any] = {**ENTRIES, "per": "channel", "batch": "N"}
GROUPS: dict[str, Any] = {"kind": "group", "input": "28x28x64", "groups": 8, "batch": 16}
LETTERS: dict[str, Any] = {"kind": "group", "input": "HxWxC", "groups": "G", "batch": "m"}
DEEP: dict[str, Any] = {"features": 20, "layers": 10}
INSTANCE: dict[str, Any] = {"kind": "instance", "input": "8x8x3", "batch": 4}

NUMBERS: list[tuple[str, dict[str, Any], int]] = [
    ("BatchNorm2d(64)", BATCH, 128),
    ("the channels of an image", {"input": "112x112x64"}, 128),
    ("both, alike", {"input": "112x112x64", "channels": 64}, 128),
    ("LayerNorm(768) of BERT", {"kind": "layer", "features": 768}, 1536),
    ("LayerNorm over an image", {"kind": "layer", "features": "20x5x10"}, 2000),
    ("LayerNorm over an image, as input", {"kind": "layer", "input": "5x10x20"}, 2000),
    ("LayerNorm of tokens", {"kind": "layer", "features": 768, "input": "128x768"}, 1536),
    ("LayerNormalization of Keras", {"kind": "layer", "features": "5x10x20", "per": "channel"}, 40),
    ("GroupNorm(32, 256)", {"kind": "group", "features": 256, "groups": 32}, 512),
    ("groups not given", {"kind": "group", "features": 256}, 512),
    ("InstanceNorm2d(3, affine)", {"kind": "instance", "features": 3}, 6),
    ("InstanceNorm2d(3)", {"kind": "instance", "features": 3, "affine": False}, 0),
    ("RMSNorm(4096)", {"kind": "rms", "features": 4096}, 4096),
    ("RMSNorm with a shift", {"kind": "rms", "features": 4096, "shift": True}, 8192),
    ("no shift", {**BATCH, "shift": False}, 64),
    ("no scale", {**BATCH, "scale": False}, 64),
    ("no scale, after all", {**BATCH, "affine": False, "shift": True}, 64),
    ("neither", {**BATCH, "affine": False}, 0),
    ("ten layers of 20", DEEP, 400),
    ("one channel", {"features": 1}, 2),
    ("a million layers", {"features": 3, "layers": 10**6}, 6 * 10**6),
    ("the batch does not matter", {**BATCH, "batch": 32}, 128),
]
SYMBOLS: list[tuple[str, dict[str, Any], str]] = [
    ("units", LETTER, "2*n"),
    ("layers", {"features": "C", "layers": "L"}, "2*L*C"),
    ("an image", {"kind": "layer", "features": "HxWxC"}, "2*H*W*C"),
    ("an image per channel", {"kind": "layer", "features": "HxWxC", "per": "channel"}, "2*C"),
    ("groups", LETTERS, "2*C"),
    ("twice as wide", {"features": "2n"}, "4*n"),
]


def test_trains_the_scale_and_the_shift_and_keeps_the_rest() -> None:
    assert texts(norm_params(features=64)) == {
        "parameters": "128",
        "scale": "64",
        "shift": "64",
        "running": "128",
        "total": "256",
    }


RUNNING: list[tuple[str, dict[str, Any], str]] = [
    ("batch", {"features": "n"}, "2*n"),
    ("batch, stateless", {"features": "n", "running_stats": False}, "0"),
    ("instance", {"kind": "instance", "features": "n"}, "0"),
    ("instance, tracked", {"kind": "instance", "features": "n", "running_stats": True}, "2*n"),
    ("layer", {"kind": "layer", "features": "n"}, "0"),
    ("ten layers", DEEP, "400"),
]


@pytest.mark.parametrize(("givens", "expected"), [row[1:] for row in RUNNING], ids=[row[0] for row in RUNNING])
def test_keeps_running_statistics_where_examples_share_them(givens: dict[str, Any], expected: str) -> None:
    assert norm_params(**givens)["running"].text == expected


def test_batch_norm_adds_to_a_network_what_its_hidden_layers_have() -> None:
    """1 input, 10 hidden layers of 20, 1 output: 3841 parameters, and 4241 with batch normalisation."""
    network = {"inputs": 1, "hidden": 20, "hidden_layers": 10, "outputs": 1}
    plain, normed = fc_params(**network), fc_params(**network, norm="batch")
    assert (plain.value, normed.value) == (3841, 4241)
    assert normed["norms"].value == norm_params(**DEEP)["parameters"].value


# means

MEANS: list[tuple[str, dict[str, Any], str, str]] = [
    ("batch: a mean per unit", LETTER, "n", "m"),
    ("batch: over the image too", {"input": "HxWxC", "batch": "m"}, "C", "m*H*W"),
    ("layer: a mean per example", {"kind": "layer", **LETTER}, "m", "n"),
    ("layer: over the whole image", {"kind": "layer", "input": "7x7x3", "batch": 5}, "5", "147"),
    ("layer: per token", {"kind": "layer", "features": 768, "input": "128x768", "batch": 4}, "512", "768"),
    ("layer: parameters shared, means not", CHANNELS, "N", "128"),
    ("group", GROUPS, "128", "6272"),
    ("group, letters", LETTERS, "m*G", "H*W*C/G"),
    ("group, its number known", {"kind": "group", "features": "C", "groups": 32, "batch": "m"}, "32*m", "C/32"),
    ("group, an expression", {"kind": "group", "features": "n+1", "groups": 2, "batch": 1}, "2", "(n + 1)/2"),
    ("instance", INSTANCE, "12", "64"),
    ("rms", {"kind": "rms", "features": 512, "input": "128x512", "batch": 4}, "512", "512"),
    ("a batch of one", {"features": 10, "batch": 1}, "10", "1"),
]


@pytest.mark.parametrize(("givens", "means", "entries"), [row[1:] for row in MEANS], ids=[row[0] for row in MEANS])
def test_counts_the_means(givens: dict[str, Any], means: str, entries: str) -> None:
    found = norm_params(**givens)
    assert (found["means"].text, found["entries_per_mean"].text) == (means, entries)
    assert found.holds


sizes = st.integers(1, 4)


@given(m=sizes, height=sizes, width=sizes, groups=sizes, each=sizes)
def test_the_means_are_those_that_numpy_takes(m: int, height: int, width: int, groups: int, each: int) -> None:
    channels = groups * each
    x = np.zeros((m, height, width, channels))
    taken = {
        "batch": x.mean(axis=(0, 1, 2)),
        "layer": x.mean(axis=(1, 2, 3)),
        "instance": x.mean(axis=(1, 2)),
        "group": x.reshape(m, height, width, groups, each).mean(axis=(1, 2, 4)),
    }
    for kind, means in taken.items():
        split = {"groups": groups} if kind == "group" else {}
        found = norm_params(kind=kind, input=(height, width, channels), batch=m, **split)
        assert (found["means"].computed, found["entries_per_mean"].computed) == (means.size, x.size // means.size)


@given(channels=st.integers(1, 99), groups=st.integers(1, 9))
def test_one_group_is_layer_normalisation_and_one_channel_each_is_instance(channels: int, groups: int) -> None:
    image = (2, 3, channels * groups)
    for group, kind in ((1, "layer"), (channels * groups, "instance")):
        one, other = (
            norm_params(kind=name, input=image, batch=5, **more)
            for name, more in (("group", {"groups": group}), (kind, {}))
        )
        assert one["means"].value == other["means"].value


# errors

ERRORS: list[tuple[dict[str, Any], str]] = [
    ({}, "the channels are not given; add --features C, or --input HxWxC"),
    (
        {"features": "5x5x3"},
        (
            "batch normalisation has parameters per channel, but features 5x5x3 has 3 numbers; "
            "use --features 3, or --input 5x5x3"
        ),
    ),
    ({"features": 4, "input": "8x8x3"}, "input 8x8x3 does not end with features 4; give the channels last, or once"),
    ({**BATCH, "per": "entry"}, "the positions of a channel share γ and β in batch normalisation; use --kind layer"),
    ({**BATCH, "groups": 8}, "batch normalisation has no groups; add --kind group, or leave --groups out"),
    (
        {"kind": "group", "features": 64, "batch": 2},
        "the groups are not given, so the means cannot be counted; add --groups G",
    ),
    (
        {"kind": "group", "features": 64, "groups": 6},
        "groups 6 does not divide the 64 channels; use --groups 4, or channels that it divides",
    ),
    (
        {"kind": "layer", "features": 64, "running_stats": True},
        "layer normalisation keeps no running statistics; leave --running-stats out, or use --kind batch",
    ),
    (
        {"kind": "group", "features": "C", "groups": 513, "batch": 2},
        "513 groups of C channels are too many to count their means; give --features as a number",
    ),
    ({"features": 0}, "features 0 is less than 1; use 1 or more"),
    ({"features": 2.5}, "features 2.5 is not a whole number; use 2 or 3"),
    ({"features": "scale"}, "scale is the name of a result here; use another letter for the given"),
    ({**BATCH, "kind": "bach"}, "--kind bach is not known; did you mean batch?"),
]

# conventions

SAID: list[tuple[str, dict[str, Any], str]] = [
    (
        "PyTorch and Keras differ",
        {"kind": "layer", "features": "5x10x20"},
        "per channel, as Keras counts, it would be 20 of each: --per channel",
    ),
    (
        "the other way round",
        {"kind": "layer", "features": "5x10x20", "per": "channel"},
        (
            "layer normalisation over 5 × 10 × 20: "
            "the positions share γ and β, as in Keras; PyTorch has one pair per entry"
        ),
    ),
    (
        "the counter of batches",
        BATCH,
        "PyTorch also counts the batches seen, one number that is neither trained nor counted here",
    ),
    ("no affine in PyTorch", INSTANCE, "torch.nn.InstanceNorm2d has no γ and β unless affine=True (--no-affine)"),
    ("groups do not matter", GROUPS, "the number of groups does not change the number of parameters"),
]


@pytest.mark.parametrize(("givens", "sentence"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_prints_what_it_takes_for_granted(givens: dict[str, Any], sentence: str) -> None:
    assert sentence in norm_params(**givens).conventions


def test_prints_what_it_assumes() -> None:
    assert norm_params(**LETTERS).assumptions == ("G divides C",)
    assert norm_params(**GROUPS).assumptions == ()


# marking

CORRECT: list[tuple[dict[str, Any], str]] = [
    (BATCH, "2*64"),
    (BATCH, "running = 128"),
    (BATCH, "total = 4*64"),
    (LETTER, "n + n"),
    (LETTERS, "entries_per_mean = H W (C/G)"),
]
SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (BATCH, "256", "running means and variances are kept, not trained"),
    (BATCH, "64", "there is a scale and a shift, two per channel"),
    (BATCH, "2", "there are two per channel, not two per layer"),
    (BATCH, "running = 64", "a mean and a variance are kept, two per channel"),
    (BATCH, "running = 256", "that counts what is trained too"),
    ({"kind": "layer", "features": 768}, "3072", "layer normalisation keeps no running statistics here"),
    ({"input": "7x7x3"}, "294", "positions share the parameters of a channel"),
    ({"features": 64, "batch": 32}, "4096", "the parameters do not depend on the batch"),
    (ENTRIES, "16", "that is per channel, but every entry of the shape has its own"),
    (CHANNELS, "256", "that is per entry, but the positions of a channel share theirs"),
    (GROUPS, "16", "the parameters are per channel, not per group"),
    (DEEP, "40", "that is one of the layers"),
    ({**BATCH, "shift": False}, "128", "only one of γ and β is there"),
]


class TestNormParams(CountingQuestion):
    """Normalisations: their tables, and what every counting question must pass."""

    topic, numbers, symbols, errors, correct, slips = norm_params, NUMBERS, SYMBOLS, ERRORS, CORRECT, SLIPS
    forms: ClassVar = {
        "batch": BATCH,
        "letter": LETTER,
        "entries": ENTRIES,
        "channels": CHANNELS,
        "groups": GROUPS,
        "letters": LETTERS,
        "deep": DEEP,
        "instance": INSTANCE,
    }


def test_derives_as_on_paper() -> None:
    found = screen(norm_params(**GROUPS))
    assert found[0] == "parameters = 128"
    assert "15 entries_per_mean = P(C/G) each is over all that differs in the other axes ✓" in found
