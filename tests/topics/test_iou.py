"""iou: boxes against pixels on a grid, areas, masks, and what students make of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcalc import DlcalcError, iou, marked

SIDE = 8
BOX = st.tuples(*(st.integers(0, SIDE - 1),) * 4).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]) + 1, max(c[1], c[3]) + 1)
)


@given(BOX, BOX)
def test_boxes_of_whole_corners_are_pixels(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    grids = []
    for x1, y1, x2, y2 in (a, b):
        grid = np.zeros((SIDE + 1, SIDE + 1), dtype=bool)
        grid[y1:y2, x1:x2] = True
        grids.append(grid)
    one, two = grids
    found = iou(box_a=a, box_b=b)
    assert found.value == pytest.approx((one & two).sum() / (one | two).sum())
    assert found["dice"].computed == pytest.approx(2 * (one & two).sum() / (one.sum() + two.sum()))
    masks = iou(mask_a=one.astype(int).tolist(), mask_b=two.astype(int).tolist())
    assert masks.value == found.value


TABLE = [
    ({"intersection": 4, "union": 28}, "iou", "1/7"),
    ({"intersection": 4, "union": 28}, "dice", "0.25"),
    ({}, "dice", "2*I/(U + I)"),
    ({"area_a": 12, "area_b": 20, "intersection": 4}, "iou", "1/7"),
    ({"area_a": 12, "area_b": 20, "union": 28}, "intersection", "4"),
    ({"area_a": "a", "area_b": "b", "intersection": "c"}, "iou", "c/(a + b - c)"),
    ({"area_a": "a", "area_b": "b", "union": "u"}, "intersection", "a + b - u"),
    ({"intersection": 0, "union": 5}, "iou", "0"),
    ({"intersection": 5, "union": 5}, "dice", "1"),
    ({"box_a": "0,0,1,1", "box_b": "1,0,2,1"}, "iou", "0"),
    ({"box_a": "0,0,4,4", "box_b": "1,1,2,2"}, "iou", "0.0625"),
    ({"box_a": "0,0,2,2", "box_b": "1,1,2,2", "boxes": "sizes"}, "iou", "1/7"),
    ({"box_a": "1,1,2,2", "box_b": "2,2,2,2", "boxes": "centres"}, "iou", "1/7"),
    ({"box_a": "0,0,w,1", "box_b": "0,0,1,h"}, "area_a", "w"),
    ({"box_a": "0.5,0,1.5,1", "box_b": "0,0,1,1"}, "iou", "1/3"),
    ({"mask_a": "1,1;0,0", "mask_b": "1,0;1,0"}, "iou", "1/3"),
]


@pytest.mark.parametrize(("givens", "name", "text"), TABLE, ids=lambda part: str(part)[:50])
def test_answers_and_every_line_holds(givens: dict[str, object], name: str, text: str) -> None:
    solution = iou(**givens)
    assert solution.holds, [(s.rule, s.check) for s in solution.steps if s.check and not s.check.holds]
    assert solution[name].text == text


ERRORS = [
    ({"intersection": 5, "union": 4}, "the intersection 5 is larger than the union 4", "check"),
    ({"intersection": -1, "union": 4}, "intersection -1 is less than 0", "use 0"),
    ({"intersection": 0, "union": 0}, "IoU is 0/0", "a region with a size"),
    ({"intersection": 4}, "--union is missing", "sizes of both regions"),
    ({"area_a": 4}, "one region has a size", "--area-b"),
    ({"area_a": 4, "area_b": 5}, "how much the regions overlap", "--intersection"),
    ({"area_a": 4, "area_b": 5, "intersection": 6}, "larger than the area-a", "check"),
    ({"area_a": 4, "area_b": 5, "union": 10}, "larger than the sum of both regions", "check"),
    ({"area_a": 4, "area_b": 5, "union": 3}, "the area-a 4 is larger than the union 3", "check"),
    ({"area_a": 4, "area_b": 5, "union": 6, "intersection": 3}, "all four are given", "leave out --union"),
    ({"box_a": "0,0,1,1"}, "--box-b is missing", "x1,y1,x2,y2"),
    ({"box_a": "0,0,1", "box_b": "0,0,1,1"}, "--box-a has 3 numbers", "four"),
    ({"box_a": "2,0,1,1", "box_b": "0,0,1,1"}, "x1 = 2 is not below x2 = 1", "--boxes sizes"),
    ({"box_a": "0,1,1,1", "box_b": "0,0,1,1"}, "y1 = 1 is not below y2 = 1", "lower corner"),
    ({"box_a": "0,0,1,1", "intersection": 2}, "say the same twice", "give one"),
    ({"mask_a": "1,0", "mask_b": "1"}, "2 and 1 pixels", "one size"),
    ({"mask_a": "1,2", "mask_b": "1,0"}, "the pixel 2", "0 or 1"),
    ({"mask_a": "0,0", "mask_b": "0,0"}, "both masks are empty", "a mask with a pixel"),
    ({"mask_a": "0,1"}, "--mask-b is missing", "0 and 1"),
]


@pytest.mark.parametrize(("givens", "condition", "fix"), ERRORS, ids=lambda part: str(part)[:40])
def test_refuses(givens: dict[str, object], condition: str, fix: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        iou(**givens)
    assert condition in str(refused.value)
    assert fix in str(refused.value)


BOXES = {"box_a": "0,0,4,4", "box_b": "2,1,6,5"}
SLIPS = [
    (BOXES, "6/32", "counted twice in the union"),
    (BOXES, "6/16", "Dice"),
    ({"area_a": 12, "area_b": 20, "intersection": 4}, "4/12", "over one region"),
    (BOXES, "union=32", "counted twice"),
    (BOXES, "dice=3/13", "that is the IoU"),
]


@pytest.mark.parametrize(("givens", "answer", "because"), SLIPS, ids=str)
def test_explains(givens: dict[str, object], answer: str, because: str) -> None:
    mark = marked(iou(**givens), [answer]).marks[0]
    assert mark.correct is False
    assert because in mark.because


def test_the_two_ratios_are_exact() -> None:
    assert iou(intersection=1, union=3)["iou"].text == str(Fraction(1, 3))
