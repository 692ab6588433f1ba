"""Classic networks as program files: each runs, and every line and gradient of it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlcalc import registry

GALLERY = sorted((Path(__file__).parent.parent / "gallery").glob("*.dl"))


@pytest.mark.parametrize("program", GALLERY, ids=lambda path: path.stem)
def test_every_line_of_the_gallery_holds(program: Path) -> None:
    solution = registry.load("backprop")(file=str(program))
    assert solution.steps
    assert solution.holds
    assert all(check.max_error < check.tolerance for check in solution.checks)


def test_the_gallery_has_the_classics() -> None:
    assert {path.stem for path in GALLERY} >= {
        "attention", "batch_norm", "bce", "gp", "lstm", "mlp", "prelu_elu", "residual", "rnn", "siamese", "softmax",
        "tied_autoencoder",
    }  # fmt: skip
