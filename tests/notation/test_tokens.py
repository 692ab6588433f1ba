"""The lexical layer: every spelling of the notation becomes the token that the parser knows."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.errors import NotationError
from dlcalc.notation.tokens import ENGLISH, GREEK, MAX_DIGITS, MAX_LENGTH, spelled, tokenize, written_out


def texts(text: str) -> list[str]:
    return [token.text for token in tokenize(text)[:-1]]


def kinds(text: str) -> list[str]:
    return [token.kind for token in tokenize(text)[:-1]]


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        *[(letter, name) for letter, name in GREEK.items()],
        ("W₁", "W1"),
        ("W_1", "W1"),
        ("W1", "W1"),
        ("ŷ", "y_hat"),
        ("y\u0302", "y_hat"),
        ("y_hat", "y_hat"),
        ("x̄", "x_bar"),
        ("θ̃", "theta_tilde"),
        ("θ̃_0", "theta_tilde0"),
        ("θ_0", "theta0"),
        ("θ₀", "theta0"),
        ("xᵢ", "x_i"),
        ("x_i", "x_i"),
        ("Cᵢₙ", "C_in"),
        ("xᵢ₁", "x_i1"),
        ("aᵦ", "a_beta"),
        ("x_1_2", "x1_2"),
        ("x__1", "x__1"),
        ("x_1s", "x_1s"),
        ("é", "é"),
        *[(name, name) for name in ("lambda", "beta", "S", "E", "I", "N", "gamma", "Q", "zeta", "num_filters")],
    ],
    ids=str,
)
def test_a_name_has_one_canonical_spelling(typed: str, canonical: str) -> None:
    assert spelled(typed) == canonical


@given(st.text(alphabet="abαβ_0123456789₀₁₂ᵢₙ\u0302\u0303é", min_size=1, max_size=12))
def test_spelling_twice_changes_nothing(name: str) -> None:
    assert spelled(spelled(name)) == spelled(name)


def test_every_greek_letter_reads_back_from_its_english_name() -> None:
    assert {GREEK[letter] for letter in ENGLISH.values()} == set(GREEK.values())
    assert all(GREEK[ENGLISH[name]] == name for name in GREEK.values())


def test_written_out_keeps_the_letters() -> None:
    assert written_out("αgₜ₁") == "αg_t1"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2·x", ["2", "*", "x"]),
        ("2×x∙y⋅z∗w", ["2", "*", "x", "*", "y", "*", "z", "*", "w"]),
        ("a−b–c—d‐e‑f", ["a", "-", "b", "-", "c", "-", "d", "-", "e", "-", "f"]),
        ("a÷b⁄c∕d", ["a", "/", "b", "/", "c", "/", "d"]),
        ("a**b", ["a", "^", "b"]),
        ("a≤b≥c≠d⩽e⩾f==g", ["a", "<=", "b", ">=", "c", "!=", "d", "<=", "e", ">=", "f", "=", "g"]),
        ("‖x‖ ∥x∥ ||x||", ["||", "x", "||", "||", "x", "||", "||", "x", "||"]),
        ("|s| ∣s∣", ["|", "s", "|", "|", "s", "|"]),
        ("∞", ["inf"]),
        ("x ∈ ℝ", ["x", "in", "R"]),
        ("∑ Σ √", ["Σ", "Σ", "√"]),
        ("⌊x⌋⌈y⌉", ["⌊", "x", "⌋", "⌈", "y", "⌉"]),
        ("x\u00a0+\u2009y\u200b", ["x", "+", "y"]),
        ("（２＋ｘ）", ["(", "2", "+", "x", ")"]),
        ("𝛼𝑥", ["αx"]),
        ("½ ¾", ["1/2", "3/4"]),
        ("x # the rest is a comment", ["x"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_spelling_of_an_operator_is_read(typed: str, read: list[str]) -> None:
    assert texts(typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("W1 @ x", ["W1", "@", "x"]),
        ("a .* b ⊙ c ∘ d", ["a", ".*", "b", ".*", "c", ".*", "d"]),
        ("a ./ b .^ 2", ["a", "./", "b", ".^", "2"]),
        ("W^T W' W.T W′ W^⊤", ["W", "^", "T", "W", "'", "W", ".T", "W", "'", "W", "^", "⊤"]),
        ("Wᵀ", ["W", "T"]),
        ("||W||_F", ["||", "W", "||", "_", "F"]),
        ("x[2] W[1,3]", ["x", "[", "2", "]", "W", "[", "1", ",", "3", "]"]),
        ("W1, Ws in R^(m x n)", ["W1", ",", "Ws", "in", "R", "^", "(", "m", "x", "n", ")"]),
        ("R^{m×n}", ["R", "^", "{", "m", "*", "n", "}"]),
        ("alpha in (0,1)", ["alpha", "in", "(", "0", ",", "1", ")"]),
        ("h = W x; z = h\ny = z", ["h", "=", "W", "x", ";", "z", "=", "h", "\n", "y", "=", "z"]),
        ("1(z > 0) + [z > 0]", ["1", "(", "z", ">", "0", ")", "+", "[", "z", ">", "0", "]"]),
        ("x in R^1: x", ["x", "in", "R", "^", "1", ":", "x"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_operators_of_matrices_and_programs_are_read_too(typed: str, read: list[str]) -> None:
    assert texts(typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (r"\alpha^{t-k}", ["alpha", "^", "{", "t", "-", "k", "}"]),
        (r"\varepsilon\mu", ["epsilon", "mu"]),
        (r"\theta_0", ["theta_0"]),
        (r"\hat{y}_1 \bar x", None),
        (r"\hat{y}_1", ["y_hat_1"]),
        (r"\tilde{\theta}_{t}", ["theta_tilde", "_", "{", "t", "}"]),
        (r"\mathbb{E}\left[g\right]", ["E", "[", "g", "]"]),
        (r"\operatorname{Var}(g)", ["Var", "(", "g", ")"]),
        (r"C_{\mathrm{in}}", ["C", "_", "{", "in", "}"]),
        (r"a \cdot b \times c \le d", ["a", "*", "b", "*", "c", "<=", "d"]),
        (r"\frac{a}{b}\,\sqrt{2}", ["frac", "{", "a", "}", "{", "b", "}", "√", "{", "2", "}"]),
        (r"\sum_{k=1}^t \|x\|_\infty", ["Σ", "_", "{", "k", "=", "1", "}", "^", "t", "||", "x", "||", "_", "inf"]),
        (r"\lfloor x \rfloor \odot y^\top", ["⌊", "x", "⌋", ".*", "y", "^", "⊤"]),
        (r"\mathbf{1}(z \gt 0)", ["1", "(", "z", ">", "0", ")"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_latex_that_people_paste_is_read(typed: str, read: list[str] | None) -> None:
    if read is None:
        with pytest.raises(NotationError, match=re.escape(r"\bar needs one name in braces; write \bar{x}")):
            tokenize(typed)
    else:
        assert texts(typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("x²", [("name", "x"), ("superscript", "2")]),
        ("αᵗ⁻ᵏ", [("name", "α"), ("superscript", "t-k")]),
        ("eˣ", [("name", "e"), ("superscript", "x")]),
        ("x⁽ⁿ⁺¹⁾", [("name", "x"), ("superscript", "(n+1)")]),
        ("vₜ₋₁", [(None, "v"), (None, "_"), (None, "{"), (None, "t"), (None, "-"), (None, "1"), (None, "}")]),
        ("‖x‖₂", [(None, "||"), (None, "x"), (None, "||"), (None, "_"), (None, "{"), ("number", "2"), (None, "}")]),
        ("gₜ", [("name", "gₜ")]),
        ("2mn", [("number", "2"), ("name", "mn")]),
        ("2e", [("number", "2"), ("name", "e")]),
        ("2e3x", [("number", "2e3"), ("name", "x")]),
        ("W_1x", [("name", "W_1x")]),
        ("W_{1}", [(None, "W"), (None, "_"), (None, "{"), ("number", "1"), (None, "}")]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_superscripts_and_subscripts_are_told_from_names(typed: str, read: list[tuple[str | None, str]]) -> None:
    found = tokenize(typed)[:-1]
    assert [token.text for token in found] == [text for _, text in read]
    assert all(kind in {None, token.kind} for token, (kind, _) in zip(found, read, strict=True))


@pytest.mark.parametrize("written", ["2", "0.01", "1e-3", ".5", "3.", "1E+3", "007", "12.50e2", "1e-400"])
def test_a_number_is_one_token_that_a_fraction_reads_exactly(written: str) -> None:
    (token, _) = tokenize(written)
    assert (token.kind, Fraction(token.text)) == ("number", Fraction(written))


def test_every_token_knows_its_place() -> None:
    text = "  ½αᵗ⁻ᵏ + \\hat{y}·vₜ₋₁ "
    for token in tokenize(text)[:-1]:
        assert not text[token.position].isspace()
    assert [t.position for t in tokenize("a  +bₜ₋₁")] == [0, 3, 4, 5, 5, 5, 6, 7, 7, 8]


def test_white_space_before_a_token_is_known() -> None:
    assert [token.spaced for token in tokenize("g[k] g [k]")[:-1]] == [False] * 4 + [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "condition", "fix", "place"),
    [
        ("2 ? 3", "'?' is not part of the notation", "", 2),
        ("a\x00b", "character U+0000 is not part of the notation", "", 1),
        ("x\u0301\u0301", "character U+0301 is not part of the notation", "", 1),
        ("x\udc80", "character U+DC80 is not part of the notation", "", 1),
        ("5%", "'%' is not part of the notation", "write 0.05 for 5%", 1),
        ("n!", "'!' is not part of the notation", "write the product out", 1),
        ("1 + … + n", "'…' is not part of the notation", "write sum(k, 1, t, …) instead of dots", 4),
        ("1 + ... + n", "'.' is not part of the notation", "write sum(k, 1, t, …) instead of dots", 4),
        ("os.path", "'.' is not part of the notation", "", 2),
        ("a \\alhpa", "\\alhpa is not part of the notation", "did you mean \\alpha?", 2),
        ("\\hat x", "\\hat needs one name in braces", "write \\hat{x}", 0),
        ("2 + 1e999999", "1e999999 is out of range; numbers of up to 4,000 digits are read", "use a symbol", 4),
        ("1" * 4001, "a number of 4,001 digits; numbers of up to 4,000 digits are read", "use a symbol", 0),
        ("a+" * 6000, "12,000 characters; at most 10,000 are read", "split it", MAX_LENGTH),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_not_notation_is_named_at_its_place(text: str, condition: str, fix: str, place: int) -> None:
    with pytest.raises(NotationError) as raised:
        tokenize(text)
    assert (raised.value.condition, raised.value.fix, raised.value.position) == (condition, fix, place)


def test_the_longest_number_is_read() -> None:
    assert Fraction(tokenize("9" * MAX_DIGITS)[0].text) == 10**MAX_DIGITS - 1


def places(text: str) -> list[int]:
    try:
        return [token.position for token in tokenize(text)]
    except NotationError as problem:
        return [problem.position]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_at_a_place_inside_it(text: str) -> None:
    found = places(text)
    assert found == sorted(found)
    assert found[0] >= 0
    assert found[-1] <= len(text)


@pytest.mark.parametrize("piece", ["#\n", "α", "²", "ₜ₋", " ", "\\alpha", "mn+", "|", "√", "½", "x₁", "e", "1 "])
def test_the_work_grows_no_faster_than_the_text(piece: str) -> None:
    short, long = (effort(lambda n=n: tokenize(piece * (n // len(piece)))) for n in (1_000, 8_000))
    assert long <= 9 * short + 100
