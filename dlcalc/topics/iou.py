"""Overlap of two regions: intersection over union, and the Dice coefficient."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.derivation import Letters, value_of
from dlcalc.errors import DlcalcError
from dlcalc.formulary import Formulary, Quantity
from dlcalc.givens import POSITIVE, choice, scalar, values
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Relation, Sym, add, number
from dlcalc.notation.functions import call
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import REAL, Route, Slip, Solution, Step, symbols
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlcalc.formulary import Point

Box = tuple[Expr, Expr, Expr, Expr]
CORNERS = 4
UPPER = {0: 2, 1: 3}


@topic(
    area="evaluation",
    answers=("iou", "dice", "intersection", "union", "area_a", "area_b"),
    examples=(
        "--intersection 4 --union 28",
        "--box-a 0,0,4,4 --box-b 2,1,6,5",
        "--area-a 12 --area-b 20 --intersection 4",
        "--mask-a 1,1,0,0,1 --mask-b 1,0,1,0,1",
        "--intersection I --union U",
    ),
)
def iou(
    *,
    intersection: Annotated[
        Expr | None, scalar("--inter", help="Size of the intersection.", least=0, domain=POSITIVE)
    ] = None,
    union: Annotated[Expr | None, scalar(help="Size of the union.", least=0, domain=POSITIVE)] = None,
    area_a: Annotated[Expr | None, scalar("--a", help="Size of the first region.", least=0, domain=POSITIVE)] = None,
    area_b: Annotated[Expr | None, scalar("--b", help="Size of the second region.", least=0, domain=POSITIVE)] = None,
    box_a: Annotated[Value | None, values("--box1", "--predicted", help="First box: x1,y1,x2,y2.")] = None,
    box_b: Annotated[Value | None, values("--box2", "--truth", help="Second box: x1,y1,x2,y2.")] = None,
    boxes: Annotated[
        str,
        choice(
            "corners", "sizes", "centres", help="corners: x1,y1,x2,y2 (default); sizes: x,y,w,h; centres: cx,cy,w,h."
        ),
    ] = "corners",
    mask_a: Annotated[Value | None, values("--mask1", help="First mask of pixels, 0 or 1: a list or rows.")] = None,
    mask_b: Annotated[Value | None, values("--mask2", help="Second mask of pixels.")] = None,
) -> Solution:
    """Intersection over union (IoU, Jaccard index) and Dice coefficient of boxes, masks or areas.

    IoU = |A ∩ B|/|A ∪ B| with |A ∪ B| = |A| + |B| - |A ∩ B|; Dice = 2|A ∩ B|/(|A| + |B|) = 2·IoU/(1 + IoU), which is
    the F1 of the pixels. Boxes overlap max(0, min x2 - max x1) wide and max(0, min y2 - max y1) high.
    Source: Everingham and others, The PASCAL Visual Object Classes challenge (2010), section 4.2; Dice, Measures of the
    amount of ecologic association between species (1945).

    Raises DlcalcError when a box has no size, or an intersection is larger than a region.

    >>> iou(intersection=4, union=28)["iou"].text, iou(box_a="0,0,4,4", box_b="2,1,6,5")["iou"].text
    ('1/7', '3/13')
    """
    ways = {
        "boxes": box_a is not None or box_b is not None,
        "masks": mask_a is not None or mask_b is not None,
        "areas": any(given is not None for given in (intersection, union, area_a, area_b)),
    }
    said = [way for way, given in ways.items() if given]
    if len(said) > 1:
        raise DlcalcError(f"{' and '.join(said)} are given, which say the same twice", "give one of them")
    if said == ["boxes"]:
        return _of_boxes(_box("box-a", box_a, boxes), _box("box-b", box_b, boxes), boxes)
    if said == ["masks"]:
        return _of_masks(_pixels("mask-a", mask_a), _pixels("mask-b", mask_b))
    return _of_areas(intersection, union, area_a, area_b)


# from sizes


def _of_areas(
    intersection: Expr | None, union: Expr | None, a: Expr | None, b: Expr | None, routes: Sequence[Route] = ()
) -> Solution:
    """Answer from the intersection and either the union or both sizes; one of the three may be left to find."""
    both = a is not None and b is not None
    if (a is None) != (b is None):
        raise DlcalcError("one region has a size, the other none", "give --area-a and --area-b")
    if intersection is None and union is None and both:
        raise DlcalcError("how much the regions overlap is not known", "add --intersection or --union")
    if not both and (intersection is None) != (union is None):
        raise DlcalcError(
            f"--{'union' if union is None else 'intersection'} is missing", "give both, or the sizes of both regions"
        )
    if both and intersection is not None and union is not None:
        raise DlcalcError("the union is |A| + |B| - |A ∩ B|, and all four are given", "leave out --union")
    given = [value for value in (intersection, union, a, b) if value is not None]
    letters = Letters(taken=symbols(*given))
    if not both:
        i = letters.letter("I", Sym("I") if intersection is None else intersection, POSITIVE)
        u = letters.letter("U", Sym("U") if union is None else union, POSITIVE)
        asked = (Sym("I") if intersection is None else intersection, Sym("U") if union is None else union)
        _fits(asked[0], asked[1], "intersection", "union")
        lengths = _lengths(lambda p: (p[u.name] + p[i.name]) / Fraction(2), lambda p: p[i.name])
        return _answered(letters, i, u, None, lengths, (Relation(i, "<=", u), Relation(asked[0], "<=", asked[1])))
    first, second = a or ZERO, b or ZERO
    la, lb = letters.letter("A", first, POSITIVE), letters.letter("B", second, POSITIVE)
    if intersection is not None:
        for name, region in (("area-a", first), ("area-b", second)):
            _fits(intersection, region, "intersection", name)
        i = letters.letter("I", intersection, POSITIVE)
        shared: Expr = i
    else:
        u = letters.letter("U", union, POSITIVE)
        for name, region in (("area-a", first), ("area-b", second)):
            _fits(region, union or ZERO, name, "union")
        _fits(union or ZERO, first + second, "union", "sum of both regions")
        shared = la + lb - u
    lengths = _lengths(lambda p: p[la.name], lambda p: PLAIN.value(shared, p), lambda p: p[lb.name])
    relations = (Relation(shared, "<=", la), Relation(shared, "<=", lb), Relation(shared, ">=", ZERO))
    return _answered(letters, shared, la + lb - shared, (la, lb), lengths, relations, routes=routes)


def _fits(part: Expr, whole: Expr, name: str, other: str) -> None:
    if not symbols(part, whole) and PLAIN.value(part, {}) > PLAIN.value(whole, {}):
        raise DlcalcError(f"the {name} {plain(part)} is larger than the {other} {plain(whole)}", "check the two")


def _lengths(
    first: Callable[[Point], Any], shared: Callable[[Point], Any], second: Callable[[Point], Any] | None = None
) -> Callable[[Point], Measured]:
    """Lay two intervals of given lengths on a line so that they overlap as much as is given."""

    def measured(point: Point) -> Measured:
        a = first(point)
        b = a if second is None else second(point)
        start = a - shared(point)
        return _measured(((Fraction(0), a),), ((start, start + b),))

    return measured


Measured = tuple[Any, Any, Any, Any]
"""Intersection, union, and the two regions by themselves."""


def _measured(a: Sequence[tuple[Any, Any]], b: Sequence[tuple[Any, Any]]) -> Measured:
    """Cut space along every side of two boxes, and add up the cells whose middle lies in both, in either, in each."""
    axes = [sorted({*x, *y}) for x, y in zip(a, b, strict=True)]
    sums: list[Any] = [Fraction(0)] * 4
    for cell in product(*(list(pairwise(axis)) for axis in axes)):
        middle = [(low + high) / Fraction(2) for low, high in cell]
        inside = [all(low < m < high for m, (low, high) in zip(middle, box, strict=True)) for box in (a, b)]
        size = Fraction(1)
        for low, high in cell:
            size *= high - low
        holds = (all(inside), any(inside), *inside)
        sums = [total + size if counts else total for total, counts in zip(sums, holds, strict=True)]
    return sums[0], sums[1], sums[2], sums[3]


def _answered(  # noqa: PLR0917 (what is known of both regions)
    letters: Letters,
    shared: Expr,
    whole: Expr,
    areas: tuple[Expr, Expr] | None,
    measured: Callable[[Point], Measured],
    constraints: Sequence[Relation],
    first: Sequence[Quantity] = (),
    conventions: Sequence[str] = (),
    routes: Sequence[Route] = (),
    method: str = "two intervals of these lengths laid over each other, cut at every end and measured",
) -> Solution:
    """Answer with both ratios, and with the sizes."""
    i, u = Sym("intersection"), Sym("union")
    values = dict(letters.values)
    for quantity in first:
        values[quantity.name] = value_of(quantity.formula, values)
    inter = values["intersection"] = value_of(shared, values)
    either = value_of(whole, values)
    pair = [value_of(area, values) for area in areas or ()]
    sizes = (
        Quantity("intersection", shared, "what is in both", lambda p: measured(p)[0]),
        Quantity("union", whole, "what is in either: what is in both counts once", lambda p: measured(p)[1],
                 (Slip(add(*pair), "the intersection is counted twice", "union"),) if pair else ()),
    )  # fmt: skip
    total = areas[0] + areas[1] if areas else u + i
    because = "twice the intersection over both sizes" + ("" if areas else ", which add up to union and intersection")
    if either == ZERO:
        raise DlcalcError("both regions are empty: IoU is 0/0", "give a region with a size")
    slips = [Slip(2 * inter / (inter + either), "that is the Dice coefficient, F1 of the pixels", "iou")]
    if pair:
        slips.append(Slip(inter / add(*pair), "the intersection is counted twice in the union", "union"))
        slips += [
            Slip(inter / area, "that is over one region, not over the union", "iou") for area in pair if area != ZERO
        ]
    ratios = (
        Quantity("iou", i / u, "intersection over union",
                 lambda p: Fraction(measured(p)[0]) / measured(p)[1], tuple(slips)),
        Quantity("dice", 2 * i / total, because,
                 lambda p: 2 * Fraction(measured(p)[0]) / (measured(p)[2] + measured(p)[3]),
                 (Slip(inter / either, "that is the IoU; Dice = 2·IoU/(1 + IoU)", "dice"),)),
    )  # fmt: skip
    dice = Sym("dice")
    relation = Step(
        "relation", dice, dice, 2 * Sym("iou") / (ONE + Sym("iou")), "the same, from the IoU: they rank alike"
    )
    return Formulary(
        letters,
        (*first, *sizes, *ratios),
        method,
        last_steps=(relation,),
        routes=routes,
        constraints=tuple(r for r in constraints if symbols(r.left, r.right)),
        principal=("iou",),
        display={"iou": "IoU", "dice": "Dice"},
        conventions=conventions,
    ).solution()


# boxes


def _box(name: str, given: Value | None, form: str) -> Box:
    """Read a box, and return its corners."""
    if given is None:
        raise DlcalcError(f"--{name} is missing", f"add --{name} x1,y1,x2,y2")
    entries = given if isinstance(given, tuple) else (given,)
    corners = tuple(entry for entry in entries if isinstance(entry, Expr))
    if len(corners) != CORNERS:
        raise DlcalcError(f"--{name} has {len(corners)} numbers", "a box has four: x1,y1,x2,y2")
    x, y, w, h = corners
    if form == "sizes":
        corners = (x, y, x + w, y + h)
    if form == "centres":
        corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    for low, high in UPPER.items():
        if not symbols(corners[low], corners[high]) and PLAIN.value(corners[low], {}) >= PLAIN.value(corners[high], {}):
            axis = "xy"[low]
            raise DlcalcError(
                f"--{name}: {axis}1 = {plain(corners[low])} is not below {axis}2 = {plain(corners[high])}",
                "write the lower corner first, or --boxes sizes for x,y,w,h",
            )
    return corners[0], corners[1], corners[2], corners[3]


def _of_boxes(a: Box, b: Box, form: str) -> Solution:
    """Answer from the corners of two boxes."""
    letters = Letters(taken=symbols(*a, *b))
    names = (("a1", "b1", "a2", "b2"), ("c1", "d1", "c2", "d2"))
    one, two = (
        tuple(letters.letter(letter, corner, REAL) for letter, corner in zip(row, box, strict=True))
        for row, box in zip(names, (a, b), strict=True)
    )

    def sides(box: Sequence[Sym], point: Point) -> list[tuple[Any, Any]]:
        return [(point[box[low].name], point[box[high].name]) for low, high in UPPER.items()]

    def measured(point: Point) -> Measured:
        return _measured(sides(one, point), sides(two, point))

    def overlap(axis: int, point: Point) -> Any:  # noqa: ANN401 (an exact number or a float)
        return _measured(sides(one, point)[axis : axis + 1], sides(two, point)[axis : axis + 1])[0]

    def formula(low: int) -> Expr:
        high = UPPER[low]
        return call("max", ZERO, call("min", one[high], two[high]) - call("max", one[low], two[low]))

    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    first = (
        Quantity("width", formula(0), "from the larger left end to the smaller right one", lambda p: overlap(0, p)),
        Quantity("height", formula(1), "from the larger lower end to the smaller upper one", lambda p: overlap(1, p)),
        Quantity("area_a", areas[0], "width times height", lambda p: measured(p)[2]),
        Quantity("area_b", areas[1], "width times height", lambda p: measured(p)[3]),
    )  # fmt: skip
    shared, area_a, area_b = Sym("width") * Sym("height"), Sym("area_a"), Sym("area_b")
    corners = [Relation(box[low], "<", box[high]) for box in (one, two, a, b) for low, high in UPPER.items()]
    return _answered(
        letters, shared, area_a + area_b - Sym("intersection"), (area_a, area_b), measured, corners, first,
        ("a box is x1,y1,x2,y2, real coordinates: no pixel is added to a side",)
        + (() if form == "corners" else (f"read as {'x,y,w,h' if form == 'sizes' else 'cx,cy,w,h'}",)),
        method="the plane cut along every side of both boxes, the cells in both and in either added up",
    )  # fmt: skip


# masks


def _pixels(name: str, given: Value | None) -> tuple[Fraction, ...]:
    """Read a mask, row by row."""
    if given is None:
        raise DlcalcError(f"--{name} is missing", f"add --{name} with 0 and 1")
    flat = [given] if isinstance(given, Expr) else list(given)
    while any(isinstance(entry, tuple) for entry in flat):
        flat = [part for entry in flat for part in (entry if isinstance(entry, tuple) else (entry,))]
    for entry in flat:
        if entry not in {ZERO, ONE}:
            raise DlcalcError(f"--{name} has the pixel {plain(entry)}", "a pixel is 0 or 1")
    return tuple(entry.value for entry in flat if isinstance(entry, Num))


def _of_masks(a: tuple[Fraction, ...], b: tuple[Fraction, ...]) -> Solution:
    """Answer from two masks: their pixels are counted."""
    if len(a) != len(b):
        raise DlcalcError(f"the masks have {len(a)} and {len(b)} pixels", "give masks of one size")
    if not any((*a, *b)):
        raise DlcalcError("both masks are empty: IoU is 0/0", "give a mask with a pixel")

    def of_sets(_: Mapping[str, Any]) -> list[Fraction]:
        one, two = ({i for i, pixel in enumerate(mask) if pixel} for mask in (a, b))
        return [Fraction(len(one & two), len(one | two)), Fraction(2 * len(one & two), len(one) + len(two))]

    shared = sum(x * y for x, y in zip(a, b, strict=True))
    ratios = (number(Fraction(shared) / (sum(a) + sum(b) - shared)), number(2 * Fraction(shared) / (sum(a) + sum(b))))
    route = Route("iou, dice", "sets of the pixels that are 1", ratios, of_sets)
    return _of_areas(number(Fraction(shared)), None, number(sum(a)), number(sum(b)), (route,))
