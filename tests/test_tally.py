"""A tally: answers, derivation and brute force from the parts of a count, and a wrong part that is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from counts import texts

from dlcalc.counting import times, total
from dlcalc.derivation import Letters
from dlcalc.notation.expression import Div, Sym, number
from dlcalc.solution import COUNT, Slip
from dlcalc.tally import Listed, Part, Shape, Tally


def tally() -> Tally:
    """Count a layer, beside it one twice as wide."""
    letters = Letters()
    n, m = letters.letter("n", Sym("n"), COUNT), letters.letter("m", number(3), COUNT)
    return Tally(
        letters,
        lambda net, sizes: [
            net.linear(net.vector(sizes["n"]), sizes["m"], "W", "b"),
            net.linear(net.vector(sizes["n"]), 2 * sizes["m"], "wide"),
        ],
        (
            Part("weights", times(n, m), "a weight per pair", ("W",)),
            Part("hidden_line", times(number(2), n, m), "twice as many", ("wide",), shown=False),
            Part("parameters", total([Sym("weights"), m]), "all", ("W", "b")),
            Part("ratio", Div(Sym("weights"), Sym("hidden_line")), "beside the wide layer", ("W",), over=("wide",)),
        ),
        shapes=(Shape("W_shape", "W", (m, n)),),
        lists=(Listed("both", [(Sym("weights"), ("W",)), (m, ("b",))]),),
    )


def test_the_total_comes_first_and_what_is_hidden_does_not_come() -> None:
    answers = texts(tally().solution({}))
    assert answers == {"parameters": "3*n + 3", "weights": "3*n", "ratio": "0.5", "W_shape": "3xn", "both": "3*n,3"}
    assert next(iter(answers)) == "parameters"


def test_every_part_is_derived_and_counted_twice() -> None:
    solution = tally().solution({})
    assert solution.holds
    assert {step.rule for step in solution.steps} >= {"weights", "hidden_line", "parameters", "ratio"}
    (check,) = solution.checks
    assert check.claim == "parameters, weights, ratio, W_shape, both"


def test_slips_go_to_the_answers_they_are_about() -> None:
    slip = Slip(number(1), "why", "ratio")
    solution = tally().solution({"ratio": [slip]})
    assert solution["ratio"].slips == (slip,)
    assert solution["parameters"].slips == ()


@pytest.mark.parametrize("at", range(4))
def test_a_wrong_part_is_found(at: int) -> None:
    right = tally()
    parts = list(right.parts)
    parts[at] = replace(parts[at], formula=parts[at].formula + number(1))
    assert not replace(right, parts=parts).solution({}).holds


def test_a_wrong_shape_is_found() -> None:
    right = tally()
    shape = right.shapes[0]
    turned = replace(right, shapes=[replace(shape, axes=shape.axes[::-1])]).solution({})
    assert all(step.check is not None and step.check.holds for step in turned.steps)
    assert not turned.holds


def test_a_pass_that_would_take_too_long_is_not_run() -> None:
    assert not replace(tally(), counted_on_arrays=False).solution({}).checks
    assert not replace(tally(), inputs=[number(10**9)]).solution({}).checks
