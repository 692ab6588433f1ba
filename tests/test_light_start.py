"""Invariant 8: answering with numbers imports neither SymPy nor NumPy; a fresh interpreter proves it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dlcalc import registry

HEAVY = ("sympy", "numpy", "mpmath", "rich")
PROBE = """
import json, os, sys
from dlcalc.cli import run
sys.stdout = open(os.devnull, "w")
code = run(json.loads(sys.argv[1]))
sys.stdout = sys.__stdout__
print(json.dumps([code, [name for name in {heavy} if name in sys.modules]]))
"""
NUMERIC = {
    "conv-out": ("--input", "256x256x3", "-k", "3", "-s", "2", "-p", "1", "--filters", "8"),
    "pool-out": ("--input", "112x112x64", "-k", "3", "-s", "2", "-p", "1", "--ceil"),
    "conv-transpose-out": ("--input", "3x3", "-k", "3", "-s", "2", "-p", "1", "--output-padding", "1"),
    "receptive-field": ("--layers", "conv 7 s2 p3, pool 3 s2 p1, repeat 3 { conv 3 same }", "--input", "224x224"),
    "conv-params": ("-c", "3", "-k", "7", "--filters", "16"),
    "activation": ("sigmoid", "--at", "0", "--layers", "10"),
    "fc-params": ("--layers", "784,100,10"),
    "norm-params": ("--kind", "group", "--input", "28x28x64", "--groups", "8", "--batch", "16"),
    "rnn-params": ("--cell", "lstm", "-i", "10", "-n", "20", "-L", "2", "--bidirectional", "-o", "5"),
    "attention-params": ("-d", "512", "-n", "8", "--kv-heads", "2", "--context", "64", "-N", "10"),
    "embedding-params": ("-V", "1000", "-d", "32", "-L", "128", "--output", "tied"),
    "residual-params": ("--input", "3", "--hidden", "4", "--output", "5"),
    "momentum": ("--gradients", "1,2,3", "--alpha", "0.9", "--lr", "0.1", "--theta0", "1"),
    "momentum-expect": ("--t", "3", "--alpha", "0.9", "--lr", "0.1", "--mu", "1", "--sigma2", "4", "--theta0", "0"),
    "batch-norm": ("--x", "1,2;3,6", "--running-mean", "0", "--upstream", "1,0;0,2", "--other-batch", "1,2;5,5"),
    "layer-norm": ("--x", "1,3;5,8", "--gamma", "2,3"),
    "optimizer": ("--rule", "adam", "--loss", "J = 6 theta^2 - 6 theta + 6", "--theta0", "2", "--updates", "3"),
    "lse-bounds": ("--x", "1,2,3"),
    "loss": ("--kind", "cross-entropy", "--logits", "1,2,3;0,1,0", "--target", "1,0"),
    "class-weights": ("--counts", "10000,1000", "--positive", "minority"),
    "entropy": ("-p", "1/2,1/2", "--q", "1/4,3/4"),
    "perplexity": ("--probabilities", "0.5,0.2,0.1"),
    "backprop": ("z = W x; L = 1/2 ||z - y||^2", "--at", "W=[1,2;3,4],x=[1,1],y=[0,1/2]", "--lr", "0.1"),
    "evaluate": ("p = softmax([1, -2, 0]); H = -sum(p .* log(p))",),
    "verify": ("1/2 + 1/3 = 5/6 < 1",),
    "threshold-unit": ("--table", "0,1,1,1"),
    "linear-regions": ("--inputs", "2", "--hidden", "5"),
    "residual-paths": ("--blocks", "5", "--length", "2"),
    "network": ("32x32x3", "conv 16 7x7, relu, pool 2, residual { conv 16 3 p1, bn }, flatten, fc 10"),
    "init": ("--scheme", "xavier", "--layers", "784,100,10"),
    "init-symmetry": ("-c", "1/2", "--x", "1,2", "--y", "1"),
    "k-fold": ("--k", "5", "--n", "103", "--scores", "0.15,0.3,0.1,0.2,0.25"),
    "ensemble": ("--voters", "5", "--error", "0.3"),
    "metrics": ("--matrix", "5,1,0;2,6,1;0,1,4"),
    "iou": ("--box-a", "0,0,4,4", "--box-b", "2,1,6,5"),
    "least-squares-risk": ("--d", "5", "--n", "20"),
    "selection-bias": ("--models", "1000", "--examples", "100"),
    "leakage": ("--trials", "20", "--crops", "5"),
    "lr-schedule": ("--kind", "cosine", "--lr", "0.1", "--min", "0.001", "--t-max", "10", "--at", "0,2,10"),
    "training-steps": ("--samples", "10000", "--batch", "32", "--epochs", "3"),
    "ema": ("--values", "10,20,30", "--beta", "0.9"),
    "gd-quadratic": ("--curvatures", "1,25", "--start", "1,1", "--lr", "0.06", "--updates", "3"),
    "critical-point": ("L = x^2 - y^2", "--at", "x=0,y=0"),
    "clip-gradient": ("--gradient", "3,4", "--max-norm", "1"),
    "minibatch-variance": ("--gradients", "1,2,3,6", "--batch", "2"),
    "l2-update": ("--weights", "1,-2", "--gradient", "0.5,0.5", "--lr", "0.1", "--decay", "0.01"),
    "l1-update": ("--weights", "1,-2", "--gradient", "0.5,0.5", "--lr", "0.1", "--decay", "0.01", "--target", "0.3"),
    "inf-norm-grad": ("--weights", "1,-2;3,4", "--lr", "0.1", "--decay", "0.5"),
    "norm-penalty": ("--weights", "1,0;0.5,0.5", "--x", "1,1"),
    "penalty-limits": ("--target", "2", "--curvature", "1", "--alpha", "30", "--lr", "0.1"),
    "weight-decay": ("--weight", "2", "--gradients", "1,0.5", "--lr", "0.1", "--decay", "0.01", "--beta", "0.9"),
    "dropout": ("--keep", "0.5", "--x", "1,2", "--mask", "1,0", "--upstream", "1,1"),
    "early-stopping": ("--validation", "0.9,0.7,0.8", "--train", "0.8,0.6,0.5", "--patience", "1"),
    "input-noise": ("--x", "1,2", "--y", "2,3", "--phi0", "0", "--phi1", "1", "--sd", "0.5"),
}


def imported(*arguments: str) -> list[str]:
    """Run the command in a fresh interpreter and say which heavy modules it imported."""
    found = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY), json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    code, modules = json.loads(found.stdout)
    assert code == 0, found.stderr
    return list(modules)


@pytest.mark.parametrize("command", registry.names())
@pytest.mark.parametrize("mode", [("-q",), ("--json", "--no-steps")], ids=["quiet", "json-no-steps"])
def test_a_numeric_answer_imports_nothing_heavy(command: str, mode: tuple[str, ...]) -> None:
    assert imported(command, *NUMERIC[command], *mode) == []


LISTS = [("--help",), ("conv-params", "--help"), ("--version",), ("topics",), ("topics", "bagging", "--json")]


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert imported(*arguments) == []


def test_the_probe_can_fail() -> None:
    """A derivation with an answer to mark does import them, and the probe sees it."""
    marking = ("conv-params", "-c", "C", "-k", "f", "--filters", "n", "--answer", "(f^2 C + 1) n")
    assert set(imported(*marking)) == set(HEAVY)
