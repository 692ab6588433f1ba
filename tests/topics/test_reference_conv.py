"""Output sizes and parameter counts of convolutions as PyTorch has them, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlcalc import DlcalcError, conv_out, conv_params

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "data" / "conv.json").read_text())
FITS = [row for row in ROWS if "output" in row]
REFUSED = [row for row in ROWS if "error" in row]


def layer(row: dict[str, Any]) -> dict[str, Any]:
    """Return the givens of conv-out."""
    sizes = {name: row[name] for name in ("input", "kernel", "stride", "padding", "dilation")}
    return {**sizes, "dims": str(row["dims"]), "out_channels": row["out_channels"]}


def shown(row: dict[str, Any]) -> str:
    return f"{row['dims']}d-{'x'.join(map(str, row['input']))}"


def test_the_table_is_whole() -> None:
    assert (len(FITS), len(REFUSED)) == (118, 2)


@pytest.mark.parametrize("row", FITS, ids=shown)
def test_output(row: dict[str, Any]) -> None:
    assert conv_out(**layer(row)).value == [*row["output"], row["out_channels"]]


@pytest.mark.parametrize("row", FITS[::6], ids=shown)
def test_every_line_of_the_output_holds(row: dict[str, Any]) -> None:
    solution = conv_out(**layer(row))
    assert solution.steps
    assert solution.checks
    assert solution.holds


@pytest.mark.parametrize("row", REFUSED, ids=shown)
def test_refuses_what_does_not_fit(row: dict[str, Any]) -> None:
    with pytest.raises(DlcalcError, match=r"kernel .* more than the padded input .*; use --padding \d+ or more"):
        conv_out(**layer(row))


@pytest.mark.parametrize("row", ROWS, ids=shown)
def test_parameters(row: dict[str, Any]) -> None:
    found = conv_params(
        in_channels=row["in_channels"],
        out_channels=row["out_channels"],
        kernel=row["kernel"],
        groups=row["groups"],
        bias=row["bias"],
        dims=str(row["dims"]),
    )
    assert found.value == row["params"]
