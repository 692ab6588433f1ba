"""What the tests of all counting questions share: tables go in, the tests that every such question has come out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from dlcalc import DlcalcError, Mark, Solution, marked
from dlcalc.notation.expression import ONE, Expr
from dlcalc.numeric import check_step, sample
from dlcalc.render import Layout, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlcalc.topic import Topic

Givens = dict[str, Any]
FORMATS = ("plain", "markdown", "latex", "json", "quiet")


def texts(solution: Solution) -> dict[str, str]:
    """Return every answer as it is printed, by its name."""
    return {answer.name: answer.text for answer in solution.answers}


def screen(solution: Solution) -> list[str]:
    """Return the lines that a person sees, with single spaces."""
    shown = render(solution, "text", Layout(steps=True, width=None)).splitlines()
    return [" ".join(line.split()) for line in shown]


class CountingQuestion:
    """The tests of a counting question; a subclass hands in the topic and its tables.

    A table is a list of rows; `numbers` and `symbols` start with a name for the case.
    """

    topic: ClassVar[Topic]
    numbers: ClassVar[Sequence[tuple[str, Givens, int]]]
    symbols: ClassVar[Sequence[tuple[str, Givens, str]]]
    forms: ClassVar[dict[str, Givens]]
    """One question of every form, small enough that its arrays are counted; its lines are broken on purpose."""
    errors: ClassVar[Sequence[tuple[Givens, str]]]
    correct: ClassVar[Sequence[tuple[Givens, str]]]
    slips: ClassVar[Sequence[tuple[Givens, str, str]]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give every test below the rows of its table."""
        names, rows = self._tables().get(metafunc.function.__name__, ("", []))
        if names:
            metafunc.parametrize(names, [row[1:] for row in rows], ids=[str(row[0]) for row in rows])

    def _tables(self) -> dict[str, tuple[tuple[str, ...], Sequence[tuple[Any, ...]]]]:
        every = [row[:2] for row in (*self.numbers, *self.symbols)]
        forms = list(self.forms.items())
        return {
            "test_counts": (("givens", "expected"), self.numbers),
            "test_counts_in_symbols": (("givens", "expected"), self.symbols),
            "test_every_line_holds": (("givens",), every),
            "test_every_line_can_fail": (("givens",), forms),
            "test_the_arrays_are_counted": (("givens",), forms),
            "test_every_format_can_write_it": (("givens",), forms),
            "test_says_what_is_wrong_and_what_would_do": (
                ("givens", "message"),
                [(row[1][:45], *row) for row in self.errors],
            ),
            "test_accepts_equivalent_answers": (("givens", "text"), [(row[1], *row) for row in self.correct]),
            "test_explains_slips": (("givens", "text", "because"), [(row[1], *row) for row in self.slips]),
        }

    def test_counts(self, givens: Givens, expected: int) -> None:
        """The principal answer is the known number."""
        assert self.topic(**givens).value == expected

    def test_counts_in_symbols(self, givens: Givens, expected: str) -> None:
        """The principal answer is written as expected."""
        assert self.topic(**givens).principal_answers[0].text == expected

    def test_every_line_holds(self, givens: Givens) -> None:
        """There is a derivation, and all of it holds."""
        solution = self.topic(**givens)
        assert solution.steps
        assert solution.holds

    def test_every_line_can_fail(self, givens: Givens) -> None:
        """A line whose right side is one too many does not pass."""
        solution = self.topic(**givens)
        samples = sample(solution.setting, 0)
        assert samples.points
        for step in solution.work().steps:
            assert isinstance(step.after, Expr)
            assert not check_step(replace(step, after=step.after + ONE), samples).holds, step

    def test_the_arrays_are_counted(self, givens: Givens) -> None:
        """The arrays of a forward pass confirm the answers without any error."""
        checks = self.topic(**givens).checks
        assert checks
        assert {(check.holds, check.max_error, check.tolerance) for check in checks} == {(True, 0, 0)}

    def test_every_format_can_write_it(self, givens: Givens) -> None:
        """No format stumbles over the question."""
        solution = self.topic(**givens)
        assert all(render(solution, form, Layout(steps=True, width=80)) for form in FORMATS)

    def test_says_what_is_wrong_and_what_would_do(self, givens: Givens, message: str) -> None:
        """Impossible givens are refused with this very sentence."""
        with pytest.raises(DlcalcError) as problem:
            self.topic(**givens)
        assert str(problem.value) == message

    def test_accepts_equivalent_answers(self, givens: Givens, text: str) -> None:
        """An equivalent form is correct."""
        assert self.judged(givens, text).correct is True

    def test_explains_slips(self, givens: Givens, text: str, because: str) -> None:
        """A common mistake is named."""
        mark = self.judged(givens, text)
        assert mark.correct is False
        assert mark.because.startswith(because)

    def judged(self, givens: Givens, text: str) -> Mark:
        """Mark an answer."""
        return marked(self.topic(**givens), [text]).marks[0]
