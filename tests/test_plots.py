"""Curves of a solution: drawn below the text, written as SVG, refused where there are none."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

import dlcalc
from dlcalc import cli, registry
from dlcalc.errors import DlcalcError
from dlcalc.plot import Curve, Plot, grouped
from dlcalc.render import Layout, render
from dlcalc.render.svg import SPACE

if TYPE_CHECKING:
    from dlcalc.solution import Solution

JUMP = Plot(
    "f and f' <of> step & ramp",
    "x",
    "θ",
    lambda: [
        Curve("f", tuple((i / 10, max(0.0, i / 10)) for i in range(-30, 31))),
        Curve("f'", tuple((i / 10, 0.0) for i in range(-30, 0))),
        Curve("f'", tuple((i / 10, 1.0) for i in range(1, 31))),
    ],
)
SINGLE = Plot("one point", "step t", "loss", lambda: [Curve("θ", ((0.0, 3.0),))])
EMPTY = Plot("nothing finite", "t", "y", lambda: [Curve("θ", ((0.0, inf),))])


def plotted(*plots: Plot) -> Solution:
    return replace(dlcalc.conv_params(in_channels=3, kernel=3, filters=2), plots=plots)


def drawn(form: str, *plots: Plot, width: int | None = 80, colour: bool = False) -> str:
    return render(plotted(*plots), form, Layout(steps=False, width=width, colour=colour, plot=form != "svg"))


@pytest.mark.parametrize("width", [50, 80, 120])
@pytest.mark.parametrize("form", ["text", "plain"])
def test_a_drawing_fits_its_terminal(form: str, width: int) -> None:
    shown = drawn(form, JUMP, SINGLE, width=width).split("f and f'")[1]
    assert max(map(len, shown.split("\n"))) <= width
    assert "\x1b" not in shown


def test_a_drawing_names_its_axes_and_its_curves() -> None:
    shown = drawn("text", JUMP)
    assert "f and f' <of> step & ramp" in shown
    assert "(θ)" in shown
    assert "(x)" in shown
    assert shown.endswith("o f   x f'")


def test_the_curve_is_where_its_points_are() -> None:
    """A curve that rises from the left to the right has its marks in that order, the highest in the first row."""
    rising = Plot("rising", "t", "y", lambda: [Curve("y", tuple((float(i), float(i)) for i in range(5)))])
    rows = drawn("plain", rising).split("rising")[1].split("\n")
    places = [row.index("o") for row in rows if "|" in row and "o" in row.partition("|")[2]]
    assert len(places) == 5
    assert places == sorted(places, reverse=True)


def test_a_plain_drawing_is_ascii() -> None:
    assert drawn("plain", JUMP, SINGLE).isascii()


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[34m" in drawn("text", JUMP, colour=True)
    assert "\x1b" not in drawn("text", JUMP, colour=False)


def test_svg_is_one_document_that_stands_alone() -> None:
    written = drawn("svg", JUMP, SINGLE, EMPTY)
    root = ET.fromstring(written)  # noqa: S314 (our own)
    assert root.tag == f"{{{SPACE}}}svg"
    assert len(root.findall(f"{{{SPACE}}}svg")) == 3
    assert set(re.findall(r"https?://[^\"<\s]*", written)) == {SPACE}
    assert not re.search(r"<script|<!--|href|@import|url\(", written)
    assert "f and f' &lt;of&gt; step &amp; ramp" in written
    assert written == drawn("svg", JUMP, SINGLE, EMPTY)


def test_a_jump_leaves_a_gap() -> None:
    """The two pieces of f' are two lines of one series, not one that crosses the jump."""
    assert [len(pieces) for _, pieces in grouped(JUMP)] == [1, 2]
    assert len(re.findall(r"<path[^>]*class=\"line", drawn("svg", JUMP))) == 3


@pytest.mark.parametrize("form", ["text", "plain", "svg"])
def test_numbers_beyond_floats_are_left_out(form: str) -> None:
    huge = Plot("huge", "t", "y", lambda: [Curve("y", ((0.0, 1e300), (1.0, 1.0), (2.0, inf), (3.0, 2.0)))])
    assert drawn(form, huge)
    assert drawn(form, EMPTY)


@pytest.mark.parametrize(("form", "package"), [("text", "plotille"), ("plain", "plotille"), ("svg", "pygal")])
def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, form: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DlcalcError, match=rf"package {package}, which is not installed; pip install '.*\[plot\]'"):
        drawn(form, SINGLE)


@pytest.mark.parametrize("form", ["json", "markdown", "latex", "quiet", "csv", "svg"])
def test_plot_belongs_below_text(form: str) -> None:
    with pytest.raises(DlcalcError, match="--plot draws below the text"):
        render(plotted(SINGLE), form, Layout(plot=True))


def test_nothing_to_plot_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DlcalcError, match="nothing to plot in this answer of conv-params; give numbers"):
        render(plotted(), "text", Layout(plot=True))
    assert cli.run(["conv-params", "-c", "3", "-k", "3", "--filters", "2", "--format", "svg"]) == 2
    assert "there is nothing to plot" in capsys.readouterr().err


def test_only_topics_with_curves_take_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["conv-params", "-c", "3", "-k", "3", "--filters", "2", "--plot"]) == 2
    assert "conv-params has no option --plot" in capsys.readouterr().err
    for topic in registry.every():
        assert cli.run([topic.name, "--help"]) == 0
        assert ("--plot" in capsys.readouterr().out) == topic.plots
