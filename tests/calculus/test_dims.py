"""Lengths of axes: sums of names and numbers, shapes, and what unification finds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc.calculus.dims import ONE, SCALAR, Dim, Lengths, Shape, named, number

M, N, P = named("m"), named("n"), named("p")
AT = {"m": 3, "n": 5, "p": 7}

dims = st.builds(
    lambda constant, parts: Dim(constant, tuple(sorted((n, k) for n, k in parts.items() if k))),
    st.integers(-5, 9),
    st.dictionaries(st.sampled_from("mnp"), st.integers(-3, 3)),
)


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (number(3), "3"),
        (number(0), "0"),
        (number(-2), "-2"),
        (N, "n"),
        (N.plus(M), "m + n"),
        (N.plus(ONE), "n + 1"),
        (N.plus(ONE, -1), "n - 1"),
        (number(0).plus(N, 2), "2 n"),
        (number(-1).plus(N, 2), "2 n - 1"),
        (number(0).plus(N, -1), "-n"),
        (number(0).plus(N, -2), "-2 n"),
        (number(4).plus(N, -1), "-n + 4"),
        (M.plus(N, -1), "m - n"),
        (M.plus(N, -3).plus(P).plus(ONE), "m - 3 n + p + 1"),
    ],
)
def test_a_length_is_written_as_on_paper(dim: Dim, text: str) -> None:
    assert str(dim) == text


def test_a_length_is_in_normal_form() -> None:
    assert N.plus(M) == M.plus(N)
    assert N.plus(N, -1) == number(0)
    assert N.plus(M).plus(N, -1) == M
    assert hash(N.plus(M)) == hash(M.plus(N))


@given(dims, dims, st.integers(-3, 3))
def test_the_value_of_a_sum_is_the_sum_of_the_values(left: Dim, right: Dim, times: int) -> None:
    assert left.plus(right, times).value(AT) == left.value(AT) + times * right.value(AT)
    assert all(multiple for _, multiple in left.plus(right, times).parts)


@given(dims, dims)
def test_adding_and_taking_away_gives_the_length_back(left: Dim, right: Dim) -> None:
    assert left.plus(right).plus(right, -1) == left
    assert left.plus(right) == right.plus(left)


@pytest.mark.parametrize(
    ("shape", "text", "is_scalar"),
    [
        (SCALAR, "1×1", True),
        (Shape(number(3), number(4)), "3×4", False),
        (Shape(N, ONE), "n×1", False),
        (Shape(ONE, N), "1×n", False),
        (Shape(M.plus(N), ONE), "(m + n)×1", False),
        (Shape(N.plus(ONE, -1), number(0).plus(M, 2)), "(n - 1)×(2 m)", False),
    ],
)
def test_a_shape(shape: Shape, text: str, is_scalar: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert str(shape) == text
    assert shape.is_scalar is is_scalar
    assert shape.transposed == Shape(shape.cols, shape.rows)
    assert shape.transposed.transposed == shape


# unification


def test_unknown_lengths_are_new_each_time() -> None:
    lengths = Lengths()
    assert lengths.fresh() != lengths.fresh()
    assert str(lengths.fresh()).startswith("?")


@pytest.mark.parametrize("value", [number(4), N, N.plus(ONE), M.plus(N), number(0).plus(N, 2)], ids=str)
@pytest.mark.parametrize("turned", [False, True])
def test_an_unknown_length_becomes_what_it_meets(value: Dim, turned: bool) -> None:  # noqa: FBT001 (both ways)
    lengths = Lengths()
    unknown = lengths.fresh()
    assert lengths.unify(*((value, unknown) if turned else (unknown, value)))
    assert lengths.resolved(unknown) == value
    assert lengths.resolved(unknown.plus(ONE)) == value.plus(ONE)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (number(3), number(3), True),
        (number(3), number(4), False),
        (N, N, True),
        (N, M, False),
        (N, number(3), False),
        (N, N.plus(ONE), False),
        (M.plus(N), N.plus(M), True),
        (number(0).plus(N, 2), N.plus(M), False),
    ],
    ids=str,
)
def test_known_lengths_are_equal_or_clash(left: Dim, right: Dim, equal: bool) -> None:  # noqa: FBT001 (as above)
    for one, other in ((left, right), (right, left)):
        lengths = Lengths()
        assert lengths.unify(one, other) is equal
        assert not lengths.found


@pytest.mark.parametrize(
    ("offset", "total", "found"),
    [(2, 5, 3), (0, 1, 1), (4, 5, 1), (5, 5, None), (6, 5, None)],
)
def test_an_unknown_part_of_a_length_is_solved_for(offset: int, total: int, found: int | None) -> None:
    lengths = Lengths()
    unknown = lengths.fresh()
    assert lengths.unify(unknown.plus(number(offset)), number(total)) is (found is not None)
    if found is not None:
        assert lengths.resolved(unknown) == number(found)


def test_no_length_is_below_one() -> None:
    for value in (0, -1):
        lengths = Lengths()
        assert not lengths.unify(lengths.fresh(), number(value))


def test_what_is_taken_away_is_solved_for_too() -> None:
    lengths = Lengths()
    unknown = lengths.fresh()
    assert lengths.unify(number(7).plus(unknown, -1), number(3))
    assert lengths.resolved(unknown) == number(4)


def test_twice_an_unknown_length_is_not_halved() -> None:
    lengths = Lengths()
    assert not lengths.unify(number(0).plus(lengths.fresh(), 2), N)


def test_chains_of_unknown_lengths_are_followed() -> None:
    lengths = Lengths()
    unknown = [lengths.fresh() for _ in range(50)]
    assert all(lengths.unify(a, b) for a, b in pairwise(unknown))
    assert lengths.unify(unknown[0], N.plus(ONE))
    assert {lengths.resolved(u) for u in unknown} == {N.plus(ONE)}
    assert lengths.unify(unknown[20], unknown[40])
    assert not lengths.unify(unknown[20], N)


def test_a_length_is_never_put_into_itself() -> None:
    lengths = Lengths()
    unknown = lengths.fresh()
    assert not lengths.unify(unknown, unknown.plus(ONE))
    assert lengths.resolved(unknown) == unknown


def test_two_unknown_parts_share_a_length() -> None:
    lengths = Lengths()
    one, other = lengths.fresh(), lengths.fresh()
    assert lengths.unify(one.plus(other), N)
    assert lengths.resolved(one.plus(other)) == N
    assert lengths.unify(other, M)
    assert lengths.resolved(one) == N.plus(M, -1)


def test_shapes_are_resolved() -> None:
    lengths = Lengths()
    rows, cols = lengths.fresh(), lengths.fresh()
    lengths.unify(rows, N)
    lengths.unify(cols, ONE)
    assert lengths.shape(Shape(rows, cols)) == Shape(N, ONE)


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.integers(0, 5), dims)), max_size=12))
def test_what_was_made_equal_stays_equal(equations: list[tuple[int, int | Dim]]) -> None:
    lengths = Lengths()
    unknown = [lengths.fresh() for _ in range(6)]
    agreed = []
    for left, right in equations:
        sides = unknown[left], unknown[right] if isinstance(right, int) else right
        if lengths.unify(*sides):
            agreed.append(sides)
    for one, other in agreed:
        assert lengths.resolved(one) == lengths.resolved(other)
        assert not any(name in lengths.found for name, _ in lengths.resolved(one).parts)
