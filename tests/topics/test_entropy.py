"""Entropy and perplexity: values by hand, identities, slips, refusals."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, entropy, perplexity
from dlcalc.logarithms import collected, exact_power
from dlcalc.marking import marked
from dlcalc.notation.expression import Sym, expr
from dlcalc.notation.functions import ln

TWO: dict[str, Any] = {"p": "1/2,1/2", "q": "1/4,3/4"}
ENTROPIES: list[tuple[dict[str, Any], str, str]] = [
    ({"p": "1/2,1/4,1/4", "base": 2}, "entropy", "3/2"),
    ({"p": "1/2,1/2"}, "entropy", "ln(2)"),
    ({"p": "1/2,1/2"}, "perplexity", "2"),
    ({"p": "1,0"}, "entropy", "0"),
    ({"p": "0.1,0.9", "base": 10}, "entropy", "0.1412"),
    (TWO, "cross_entropy", "0.836988"),
    (TWO, "kl", "0.143841"),
    (TWO, "reverse_kl", "0.130812"),
    ({"p": "1,0", "q": "1/4,3/4"}, "kl", "ln(4)"),
    ({"p": "a,1-a"}, "entropy", "-a ln(a) - (1 - a) ln(1 - a)"),
    ({"p": "1/3,1/3,1/3"}, "largest", "ln(3)"),
]


@pytest.mark.parametrize(("options", "name", "text"), ENTROPIES)
def test_entropies(options: dict[str, Any], name: str, text: str) -> None:
    found = entropy(**options)
    assert marked(found, [f"{name}={text}"]).marks[0].correct
    assert found.holds


rows = st.lists(st.integers(1, 20), min_size=3, max_size=3).map(lambda r: [f"{v}/{sum(r)}" for v in r])


@given(p=rows, q=rows)
def test_the_cross_entropy_is_entropy_and_divergence(p: list[str], q: list[str]) -> None:
    found = entropy(p=p, q=q)
    values = {name: found[name].computed for name in ("entropy", "cross_entropy", "kl", "perplexity")}
    assert values["cross_entropy"] == pytest.approx(values["entropy"] + values["kl"])  # type: ignore[operator]
    assert values["kl"] >= -1e-12  # type: ignore[operator]
    assert math.log(values["perplexity"]) == pytest.approx(values["entropy"])  # type: ignore[arg-type]


PERPLEXITIES: list[tuple[dict[str, Any], str, str]] = [
    ({"sentence": "1/7150", "tokens": 4}, "perplexity", "9.1955"),
    ({"probabilities": "1/2,1/4,1/8"}, "perplexity", "4"),
    ({"probabilities": "1/2,1/4,1/8"}, "bits", "2"),
    ({"loss": 3.2}, "perplexity", "24.5325"),
    ({"loss": 2, "base": 2}, "perplexity", "4"),
    ({"loss": "H"}, "perplexity", "exp(H)"),
    ({"vocabulary": "V"}, "cross_entropy", "ln(V)"),
    ({"vocabulary": 1000}, "perplexity", "1000"),
    ({"sentence": "p", "tokens": "n"}, "perplexity", "p^(-1/n)"),
    ({"probabilities": "1"}, "perplexity", "1"),
]


@pytest.mark.parametrize(("options", "name", "text"), PERPLEXITIES)
def test_perplexities(options: dict[str, Any], name: str, text: str) -> None:
    found = perplexity(**options)
    assert marked(found, [f"{name}={text}"]).marks[0].correct
    assert found.holds


@given(p=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_perplexity_is_the_exponential_of_the_mean_loss(p: list[int]) -> None:
    found = perplexity(probabilities=[n / 10 for n in p])
    wanted = math.exp(-math.fsum(math.log(n / 10) for n in p) / len(p))
    assert found["perplexity"].computed == pytest.approx(wanted)


SLIPS = [
    (entropy, TWO, "kl=0.130812", "swapped"),
    (entropy, TWO, "kl=0.836988", "cross-entropy"),
    (entropy, {"p": "1/2,1/2", "base": 2}, "0.693147", "nats"),
    (entropy, {"p": "0.1,0.9"}, "-0.325083", "minus"),
    (perplexity, {"loss": 2, "base": 2}, "7.38906", "e to the loss"),
    (perplexity, {"sentence": "1/7150", "tokens": 4}, "7150", "root"),
    (perplexity, {"sentence": "1/7150", "tokens": 4}, "2.218717", "cross-entropy"),
]


@pytest.mark.parametrize(("topic", "options", "answer", "because"), SLIPS)
def test_slips(topic: Any, options: dict[str, Any], answer: str, because: str) -> None:  # noqa: ANN401 (a topic)
    (mark,) = marked(topic(**options), [answer]).marks
    assert mark.correct is False
    assert because in mark.because


REFUSED = [
    (entropy, {"p": "1/2,1/3"}, "not to 1"),
    (entropy, {"p": "1.5,-0.5"}, "not between 0 and 1"),
    (entropy, {"p": "1"}, "a list"),
    (entropy, {"p": "1/2,1/2", "q": "1,0"}, "infinite"),
    (entropy, {"p": "1/2,1/2", "q": "1/3,1/3,1/3"}, "2 outcomes, q has 3"),
    (perplexity, {}, "nothing is given"),
    (perplexity, {"loss": 1, "vocabulary": 3}, "both given"),
    (perplexity, {"sentence": "1/2"}, "go together"),
    (perplexity, {"probabilities": "0.5,0"}, "infinite"),
    (perplexity, {"probabilities": "0.5,2"}, "not between"),
    (perplexity, {"loss": -1}, "below 0"),
    (perplexity, {"loss": 100000}, "too large"),
    (perplexity, {"vocabulary": 5, "base": 2}, "--base 2"),
]


@pytest.mark.parametrize(("topic", "options", "said"), REFUSED)
def test_refuses(topic: Any, options: dict[str, Any], said: str) -> None:  # noqa: ANN401 (a topic)
    with pytest.raises(DlcalcError) as refused:
        topic(**options)
    assert said in str(refused.value)
    assert refused.value.fix


def test_collects_logarithms_only() -> None:
    half = expr(1) / expr(2)
    assert str(collected(half * ln(expr(4)) - ln(half))) == "2*ln(2)"
    mixed = ln(expr(4)) + Sym("a")
    assert collected(mixed) is mixed
    assert exact_power(expr(64).value, (expr(1) / expr(3)).value) == 4  # type: ignore[attr-defined]
    assert exact_power(expr(7150).value, (half / 2).value) is None  # type: ignore[attr-defined]
