"""Residual layers and blocks: known counts, brute force, laws, degenerate givens, marking, a checker that can fail."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from counts import CountingQuestion, screen, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcalc import residual_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Run

LETTERS: dict[str, Any] = {"input": "n", "hidden": "m", "output": "l"}
VECTOR: dict[str, Any] = {"input": 7, "hidden": 5, "output": 3}
BASIC: dict[str, Any] = {"block": "basic", "in_channels": 64}
DOWN: dict[str, Any] = {"block": "basic", "in_channels": 64, "out_channels": 128, "stride": 2}
NECK: dict[str, Any] = {"block": "bottleneck", "in_channels": 64, "out_channels": 256}
PRE: dict[str, Any] = {"pre_activation": True, "bias": True}
BARE: dict[str, Any] = {"norm": False, "bias": False}

NUMBERS: list[tuple[str, dict[str, Any], int]] = [
    ("vector", VECTOR, 2 * 5 * 7 + 3 * 5 + 5 + 3),
    ("vector without biases", {**VECTOR, "bias": False}, 2 * 5 * 7 + 3 * 5),
    ("vector without z", {"input": 7, "hidden": 5}, 2 * 5 * 7 + 5),
    ("vector without shortcut", {**VECTOR, "shortcut": "none"}, 5 * 7 + 3 * 5 + 5 + 3),
    ("vector with identity", {"input": 5, "output": 3, "shortcut": "identity"}, 5 * 5 + 3 * 5 + 5 + 3),
    ("vector of ones", {"input": 1, "hidden": 1, "output": 1}, 5),
    ("ResNet-18 layer1.0", BASIC, 73_984),
    ("ResNet-18 layer2.0", DOWN, 230_144),
    ("ResNet-18 layer2.1", {"block": "basic", "in_channels": 128}, 295_424),
    ("ResNet-18 layer4.0", {"block": "basic", "in_channels": 256, "out_channels": 512, "stride": 2}, 3_673_088),
    ("ResNet-50 layer1.0", NECK, 75_008),
    ("ResNet-50 layer1.1", {"block": "bottleneck", "in_channels": 256}, 70_400),
    ("ResNet-50 layer2.0", {"block": "bottleneck", "in_channels": 256, "out_channels": 512, "stride": 2}, 379_392),
    ("basic without norm and bias", {**BASIC, **BARE}, 73_728),
    ("basic without norm has biases", {**BASIC, "norm": False}, 73_728 + 128),
    ("bottleneck without norm and bias", {"block": "bottleneck", "in_channels": 256, **BARE}, 69_632),
    ("pre-activation, one convolution", {"block": "single", "in_channels": 512, **PRE}, 2_360_832),
    ("pre-activation bottleneck", {"block": "bottleneck", "in_channels": 512, **PRE}, 280_832),
    ("pre-activation, projected", {**DOWN, "pre_activation": True}, 229_376 + 2 * (64 + 128)),
    ("no shortcut", {**DOWN, "shortcut": "none"}, 230_144 - 64 * 128 - 256),
    ("a projection nobody needs", {**BASIC, "shortcut": "projection"}, 73_984 + 64 * 64 + 128),
    ("the other word for it", {**BASIC, "shortcut": "linear"}, 73_984 + 64 * 64 + 128),
    ("expansion 2", {"block": "bottleneck", "in_channels": 64, "expansion": 2, **BARE}, 64 * 32 * 2 + 9 * 32 * 32),
    ("one channel", {"block": "basic", "in_channels": 1}, 22),
    ("a huge stride", {**DOWN, "stride": 10**9}, 230_144),
]
SYMBOLS: list[tuple[str, dict[str, Any], str]] = [
    ("vector", LETTERS, "2*m*n + m*l + m + l"),
    ("vector, other letters", {"input": "D", "hidden": "H", "output": "K"}, "2*H*D + H*K + H + K"),
    ("vector, one letter", {"input": "D", "hidden": "D", "output": "D"}, "3*D^2 + 2*D"),
    ("vector, letters swapped", {"input": "m", "hidden": "n", "output": 10}, "2*n*m + 11*n + 10"),
    ("vector with identity", {"input": "n", "output": "l", "shortcut": "identity"}, "n^2 + n*l + n + l"),
    ("vector without shortcut", {**LETTERS, "shortcut": "none"}, "m*n + m*l + m + l"),
    ("basic", {"block": "basic", "in_channels": "C"}, "18*C^2 + 4*C"),
    ("basic, two letters", {"block": "basic", "in_channels": "C", "out_channels": "F", **BARE}, "10*C*F + 9*F^2"),
    ("basic, the same sum", {"block": "basic", "in_channels": "n+n", "out_channels": "2n", **BARE}, "72*n^2"),
    ("bottleneck", {"block": "bottleneck", "in_channels": "C"}, "17*C^2/16 + 3*C"),
    ("bottleneck by width", {"block": "bottleneck", "in_channels": "4w", **BARE}, "17*w^2"),
    (
        "bottleneck, expansion e",
        {"block": "bottleneck", "in_channels": "C", "expansion": "e", **BARE},
        "2*C^2/e + 9*C^2/e^2",
    ),
]


def test_what_does_not_fit_into_memory_is_not_allocated() -> None:
    solution = residual_params(block="basic", in_channels=10**6)
    assert solution.value == 18 * 10**12 + 4 * 10**6
    assert solution.holds
    assert not solution.checks


# the parts

PARTS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("vector", LETTERS, {"W1": "m*n", "b1": "m", "Ws": "m*n", "W2": "m*l", "b2": "l"}),
    ("vector without biases", {**LETTERS, "bias": False}, {"W1": "m*n", "Ws": "m*n", "W2": "m*l"}),
    (
        "vector with identity",
        {**VECTOR, "hidden": 7, "shortcut": "identity"},
        {"W1": "49", "b1": "7", "W2": "21", "b2": "3"},
    ),
    (
        "basic, projected",
        DOWN,
        {
            "conv1_weight": "73728",
            "norm1_weight": "128",
            "norm1_bias": "128",
            "conv2_weight": "147456",
            "norm2_weight": "128",
            "norm2_bias": "128",
            "projection_weight": "8192",
            "projection_norm_weight": "128",
            "projection_norm_bias": "128",
        },
    ),
    (
        "pre-activation bottleneck",
        {"block": "bottleneck", "in_channels": 512, **PRE},
        {
            "norm1_weight": "512",
            "norm1_bias": "512",
            "conv1_weight": "65536",
            "conv1_bias": "128",
            "norm2_weight": "128",
            "norm2_bias": "128",
            "conv2_weight": "147456",
            "conv2_bias": "128",
            "norm3_weight": "128",
            "norm3_bias": "128",
            "conv3_weight": "65536",
            "conv3_bias": "512",
        },
    ),
    (
        "biases on request",
        {"block": "single", "in_channels": 2, "bias": True, "norm": False},
        {"conv1_weight": "36", "conv1_bias": "2"},
    ),
]
KINDS = {"parameters", "weights", "biases", "norms"}


@pytest.mark.parametrize(("givens", "parts"), [row[1:] for row in PARTS], ids=[row[0] for row in PARTS])
def test_breaks_down_by_tensor(givens: dict[str, Any], parts: dict[str, str]) -> None:
    assert {name: text for name, text in texts(residual_params(**givens)).items() if name not in KINDS} == parts


@pytest.mark.parametrize("givens", [row[1] for row in NUMBERS], ids=[row[0] for row in NUMBERS])
def test_the_parts_add_up(givens: dict[str, Any]) -> None:
    found = {name: int(text) for name, text in texts(residual_params(**givens)).items()}
    kinds = sum(found.get(kind, 0) for kind in KINDS - {"parameters"})
    parts = sum(count for name, count in found.items() if name not in KINDS)
    assert found["parameters"] == kinds == parts


def test_get_takes_the_name_of_a_tensor(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc("residual-params", "--block", "basic", "-c", "64", "--get", "conv1_weight,norm2_bias")
    assert (done.returncode, done.stdout) == (0, "conv1_weight\t36864\nnorm2_bias\t64\n")


# brute force and laws

sizes = st.integers(1, 6)


def triples(*ranges: int) -> int:
    return sum(1 for _ in product(*map(range, ranges)))


@given(n=sizes, m=sizes, z=sizes, shortcut=st.sampled_from(["linear", "none"]), bias=st.booleans())
def test_the_vector_form_agrees_with_counting_entries(n: int, m: int, z: int, shortcut: str, *, bias: bool) -> None:
    matrices = triples(m, n) + triples(z, m) + (triples(m, n) if shortcut == "linear" else 0)
    vectors = triples(m) + triples(z) if bias else 0
    assert residual_params(input=n, hidden=m, output=z, shortcut=shortcut, bias=bias).value == matrices + vectors


blocks = st.fixed_dictionaries(
    {
        "block": st.sampled_from(["single", "basic", "bottleneck"]),
        "stride": st.integers(1, 3),
        "norm": st.booleans(),
        "bias": st.booleans(),
        "pre_activation": st.booleans(),
    }
)


def shapes(givens: dict[str, Any]) -> Iterator[tuple[int, ...]]:
    """List the shapes of all arrays of a block as a framework would make them."""
    c, n, pre = givens["in_channels"], givens["out_channels"], givens["pre_activation"]
    w = n // 4
    plan = {
        "single": [(n, c, 3, 3)],
        "basic": [(n, c, 3, 3), (n, n, 3, 3)],
        "bottleneck": [(w, c, 1, 1), (w, w, 3, 3), (n, w, 1, 1)],
    }[givens["block"]]
    for shape in plan:
        yield shape
        yield from [(shape[0],)] * givens["bias"]
        yield from [(shape[1 if pre else 0],)] * (2 * givens["norm"])
    if givens["stride"] > 1 or c != n:
        yield (n, c, 1, 1)
        yield from [(n,)] * givens["bias"]
        yield from [(n,)] * (2 * givens["norm"] * (not pre))


@given(block=blocks, c=sizes, multiple=st.integers(1, 3))
def test_a_block_agrees_with_the_shapes_of_its_arrays(block: dict[str, Any], c: int, multiple: int) -> None:
    givens = {**block, "in_channels": c, "out_channels": 4 * multiple}
    assert residual_params(**givens).value == sum(triples(*shape) for shape in shapes(givens))


@settings(max_examples=5)
@given(block=blocks)
def test_every_line_holds_for_any_block(block: dict[str, Any]) -> None:
    assert residual_params(**block, in_channels="C", out_channels="4w").holds
    assert residual_params(**block, in_channels=8).holds


@given(c=st.integers(1, 64))
def test_identity_and_projection_differ_by_the_projection(c: int) -> None:
    identity, projection = (
        residual_params(block="basic", in_channels=c, shortcut=shortcut).value
        for shortcut in ("identity", "projection")
    )
    assert (projection, identity) == (18 * c * c + 4 * c + c * c + 2 * c, 18 * c * c + 4 * c)


# errors

ERRORS: list[tuple[dict[str, Any], str]] = [
    ({}, "the size of x is not given; add --input n, or --block basic for a convolutional block"),
    ({"input": 3}, "the size of h is not given; add --hidden m"),
    (
        {"input": 3, "hidden": 4, "shortcut": "identity"},
        "an identity shortcut adds x (3 entries) to h (4 entries); use --hidden 3, or --shortcut linear",
    ),
    (
        {**LETTERS, "shortcut": "identity"},
        "an identity shortcut adds x (n entries) to h (m entries); use --hidden n, or --shortcut linear",
    ),
    (
        {**VECTOR, "in_channels": 3},
        "--in-channels belongs to a convolutional block; add --block basic, or give --input, --hidden and --output",
    ),
    (
        {**VECTOR, "norm": False},
        "--norm belongs to a convolutional block; add --block basic, or give --input, --hidden and --output",
    ),
    (
        {**BASIC, "hidden": 3},
        "--hidden belongs to the vector form; give --in-channels and --out-channels, or leave --block out",
    ),
    ({"block": "basic"}, "the channels that enter the basic block are not given; add --in-channels C"),
    ({**BASIC, "stride": "s"}, "stride s is a symbol, but only stride 1 needs no projection; use 1 or 2"),
    ({**BASIC, "stride": 0}, "stride 0 is less than 1; use 1 or more"),
    (
        {**DOWN, "shortcut": "identity"},
        (
            "an identity shortcut keeps the shape, but 64 channels become 128 and the stride is 2; "
            "use --shortcut projection"
        ),
    ),
    (
        {"block": "basic", "in_channels": "C", "out_channels": "n", "shortcut": "identity"},
        "an identity shortcut keeps the shape, but C channels become n; use --shortcut projection",
    ),
    (
        {**NECK, "out_channels": 66},
        "expansion 4 does not divide out-channels 66; use --out-channels 64 or 68, or an --expansion that divides it",
    ),
    (
        {**NECK, "out_channels": 2},
        "expansion 4 does not divide out-channels 2; use --out-channels 4, or an --expansion that divides it",
    ),
    ({**NECK, "expansion": 128}, "expansion 128 is more than 64; use at most 64"),
    ({**BASIC, "expansion": 4}, "a basic block has no expansion; add --block bottleneck, or leave --expansion out"),
    ({"block": "bottle", "in_channels": 4}, "--block bottle is not known; did you mean bottleneck?"),
    ({"input": "W1", "hidden": 2}, "W1 is the name of a result here; use another letter for the given"),
]


# assumptions and conventions

SAID: list[tuple[str, dict[str, Any], str]] = [
    ("vector", LETTERS, "h = f(W₁x + b₁) + W_s x, z = W₂h + b₂; x has n entries, h m, z l; f has no parameters"),
    ("no bias in the shortcut", LETTERS, "the shortcut has no bias"),
    (
        "no biases",
        {**LETTERS, "bias": False},
        "h = f(W₁x) + W_s x, z = W₂h; x has n entries, h m, z l; f has no parameters",
    ),
    (
        "identity",
        {"input": 4, "shortcut": "identity"},
        "h = f(W₁x + b₁) + x; x has 4 entries, h 4; f has no parameters",
    ),
    ("post", BASIC, "basic block: conv 3×3, norm, ReLU, conv 3×3, norm, plus shortcut, ReLU"),
    ("pre", {**BASIC, **PRE}, "basic block: norm, ReLU, conv 3×3, norm, ReLU, conv 3×3, plus shortcut"),
    ("bare", {**BASIC, **BARE, "shortcut": "none"}, "basic block: conv 3×3, ReLU, conv 3×3, ReLU"),
    ("channels", BASIC, "64 channels enter, 64 channels leave the block"),
    ("width", NECK, "256 channels leave the block: expansion 4 times the width 64"),
    ("identity in a block", BASIC, "the shortcut is the identity: nothing to train"),
    ("projection", DOWN, "the shortcut is a projection, conv 1×1: 64 channels become 128 and the stride is 2"),
    ("norm", BASIC, "a normalisation has 2 parameters per channel; its running mean and variance are not trained"),
    ("no biases in a block", BASIC, "the convolutions have no biases (--bias counts them)"),
]


@pytest.mark.parametrize(("givens", "sentence"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_prints_what_it_takes_for_granted(givens: dict[str, Any], sentence: str) -> None:
    assert sentence in residual_params(**givens).conventions


ASSUMED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    (BASIC, ()),
    ({"block": "basic", "in_channels": "C", "out_channels": "n"}, ("C ≠ n",)),
    ({"block": "basic", "in_channels": "C", "out_channels": "n", "stride": 2}, ()),
    ({"block": "basic", "in_channels": "C", "out_channels": "C+1"}, ()),
    ({"block": "basic", "in_channels": "C", "out_channels": "2C"}, ()),
    ({"block": "bottleneck", "in_channels": "C"}, ("4 divides C",)),
    ({"block": "bottleneck", "in_channels": 64, "out_channels": "4w"}, ("64 ≠ 4w",)),
]


@pytest.mark.parametrize(
    ("givens", "assumed"), ASSUMED, ids=[", ".join(a) or str(i) for i, (_, a) in enumerate(ASSUMED)]
)
def test_prints_what_it_assumes(givens: dict[str, Any], assumed: tuple[str, ...]) -> None:
    assert residual_params(**givens).assumptions == assumed


# marking


CORRECT: list[tuple[dict[str, Any], str]] = [
    (LETTERS, "2mn + ml + m + l"),
    (LETTERS, "(2n + l + 1) m + l"),
    (LETTERS, "W_s = mn"),
    (LETTERS, "W₁ = n m"),
    (VECTOR, "2*5*7 + 3*5 + 5 + 3"),
    (DOWN, "230,144"),
    (DOWN, "conv1_weight = 3*3*64*128"),
    ({"block": "bottleneck", "in_channels": "C"}, "2C C/4 + 9 (C/4)^2 + 2(C/4 + C/4 + C)"),
]
SLIPS: list[tuple[dict[str, Any], str, str]] = [
    (LETTERS, "2mn + ml + m + 1", "the length of b₂ is l, not 1"),
    (LETTERS, "2mn + ml + 1 + l", "the length of b₁ is m, not 1"),
    (LETTERS, "2mn + ml + m", "the l entries of b₂ are missing"),
    (LETTERS, "2mn + ml + l", "the m entries of b₁ are missing"),
    (LETTERS, "2mn + ml", "the biases are missing, one per entry of h and z"),
    (LETTERS, "mn + ml + m + l", "W_s, the matrix of the shortcut, is missing (departs at step 2"),
    (LETTERS, "2mn + ml + 2m + l", "the shortcut has no bias"),
    ({**VECTOR, "shortcut": "none"}, "93", "there is no matrix W_s in this shortcut"),
    ({**LETTERS, "bias": False}, "2mn + ml + m + l", "there are no biases here"),
    (DOWN, "229376", "the normalisations are missing, 2 per channel"),
    (DOWN, "230912", "running means and variances are not trained: 2 per channel, not 4"),
    (DOWN, "229760", "a normalisation has a scale and a shift: 2 per channel"),
    (DOWN, "229888", "one of the normalisations is missing"),
    (DOWN, "221696", "the shortcut is missing, a 1×1 convolution (departs at step 3"),
    (DOWN, "221952", "the 1×1 convolution is missing"),
    (DOWN, "230528", "there are no biases here"),
    ({**BASIC, "bias": True}, "73984", "the biases are missing, one per filter"),
    (BASIC, "78080", "the shortcut has no convolution here"),
    ({**DOWN, "in_channels": 32, "pre_activation": True}, "189184", "the normalisations stand before"),
    ({"block": "bottleneck", "in_channels": 64}, "75008", "64 is what leaves the block, not the width of its 3×3"),
    ({"block": "bottleneck", "in_channels": 256, "out_channels": 64}, "70400", "64 is what leaves the block"),
]


class TestResidualParams(CountingQuestion):
    """Residual layers: their tables, and what every counting question must pass."""

    topic, numbers, symbols, errors, correct, slips = residual_params, NUMBERS, SYMBOLS, ERRORS, CORRECT, SLIPS
    forms: ClassVar = {"letters": LETTERS, "vector": VECTOR, "down": DOWN, "neck": NECK, "pre": {**NECK, **PRE}}


@pytest.mark.parametrize("givens", [row[1] for row in NUMBERS], ids=[row[0] for row in NUMBERS])
def test_the_arrays_of_every_block_agree(givens: dict[str, Any]) -> None:
    assert [check.max_error for check in residual_params(**givens).checks] == [0]


# what is seen


def test_derives_as_on_paper() -> None:
    found = screen(residual_params(**LETTERS))
    assert found[0] == "parameters = 2mn + ml + m + l"
    assert "W_s = mn" in found
    assert "2 W_s = mn W_s is m × n too: x past f ✓" in found
    assert "5 = 2mn + ml like terms added up ✓" in found
