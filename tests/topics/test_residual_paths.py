"""Paths through residual blocks: counted by length, followed block by block."""

from __future__ import annotations

import pytest

from dlcalc import DlcalcError, marked
from dlcalc.topics.residual_paths import residual_paths


@pytest.mark.parametrize(("blocks", "counts"), [(1, [1, 1]), (3, [1, 3, 3, 1]), (5, [1, 5, 10, 10, 5, 1])], ids=str)
def test_counts_paths_of_every_length(blocks: int, counts: list[int]) -> None:
    found = residual_paths(blocks=blocks)
    assert found["counts"].computed == counts
    assert found["paths"].computed == sum(counts)
    assert [row[0] for row in found.tables[0].rows] == list(range(blocks + 1))
    assert found.checks
    assert found.holds


def test_formulas_in_letters() -> None:
    found = residual_paths(length="k")
    assert [answer.text for answer in found.answers] == ["binomial(K, k)", "2^K", "K/2"]
    assert found.holds
    long = residual_paths(blocks=54, length=27)
    assert long.value == 1946939425648112
    assert long.checks
    assert long.holds


@pytest.mark.parametrize(("given", "correct"), [("2^K", True), ("K + 1", False), ("2K", False)])
def test_marks(given: str, *, correct: bool) -> None:
    assert marked(residual_paths(), [given]).marks[0].correct is correct


@pytest.mark.parametrize(
    ("givens", "message"),
    [
        ({"blocks": 2, "length": 3}, "a path through 3 blocks, where there are 2; use --length 2 or less"),
        ({"blocks": 0}, "blocks 0 is less than 1"),
        ({"blocks": 10**6}, "is more than 1,000"),
    ],
)
def test_refuses(givens: dict[str, object], message: str) -> None:
    with pytest.raises(DlcalcError) as problem:
        residual_paths(**givens)
    assert message in str(problem.value)
