"""Exam questions about parameters and shapes of single layers, under the names they have in the project's collection.

A row names the question, the command, its givens, and answers as they must come out; every line of each must hold.
"""

from __future__ import annotations

from typing import Any

import pytest
from counts import texts

import dlcalc

Row = tuple[str, str, dict[str, Any], dict[str, str]]

DENSE: list[Row] = [
    ("cs231nnotes-003, small", "fc_params", {"inputs": "32x32x3", "outputs": 1}, {"weights": "3072"}),
    ("cs231nnotes-003, large", "fc_params", {"inputs": "200x200x3", "outputs": 1}, {"weights": "120000"}),
    ("cs231nnotes-012", "fc_params", {"inputs": "7x7x512", "outputs": 4096}, {"weights": "102760448"}),
    ("mit6036-041", "fc_params", {"inputs": 1, "outputs": 10}, {"parameters": "20"}),
    ("dlsC4-001", "fc_params", {"inputs": "300x300x3", "outputs": 100}, {"parameters": "27000100"}),
    ("dlsC4-011", "fc_params", {"inputs": "128x128x3", "outputs": 64}, {"parameters": "3145792"}),
    ("dlsC4-018", "fc_params", {"inputs": "128x128x1", "outputs": 256}, {"parameters": "4194560"}),
    ("udl-001", "fc_params", {"layers": [1, 4, 2]}, {"parameters": "18"}),
    ("udl-002", "fc_params", {"layers": "Di,D,Do"}, {"parameters": "Di*D + D*Do + D + Do"}),
    ("udl-007", "fc_params", {"inputs": 1, "hidden": 10, "hidden_layers": 10, "outputs": 1}, {"parameters": "1021"}),
    (
        "udl-007, deeper",
        "fc_params",
        {"inputs": 1, "hidden": 10, "hidden_layers": 11, "outputs": 1},
        {"parameters": "1131"},
    ),
    (
        "udl-007, wider",
        "fc_params",
        {"inputs": 1, "hidden": 11, "hidden_layers": 10, "outputs": 1},
        {"parameters": "1222"},
    ),
    (
        "udl-008",
        "fc_params",
        {"inputs": 1, "hidden": "D", "hidden_layers": "K", "outputs": 1},
        {"parameters": "(K - 1)*(D + 1)*D + 3*D + 1"},
    ),
    ("udl-009, shallow", "fc_params", {"inputs": 1, "hidden": 95, "outputs": 1}, {"parameters": "286"}),
    (
        "udl-009, deep",
        "fc_params",
        {"inputs": 1, "hidden": 5, "hidden_layers": 10, "outputs": 1},
        {"parameters": "286"},
    ),
    ("stackoverflow-001", "fc_params", {"layers": "28x28,10"}, {"parameters": "7850"}),
    ("stackoverflow-002", "fc_params", {"layers": "514,514,257"}, {"layer_parameters": "264710,132355"}),
    ("cs230w20-002", "fc_params", {"inputs": 300, "outputs": 1}, {"weights": "300", "biases": "1"}),
    ("udl-032, the full layer", "fc_params", {"inputs": "D*N", "outputs": "D*N"}, {"parameters": "D^2*N^2 + D*N"}),
]
CONVOLUTIONS: list[Row] = [
    (
        "cs231nnotes-001",
        "conv_params",
        {"input": "32x32x3", "kernel": 5, "filters": 1},
        {"weights": "75", "biases": "1"},
    ),
    ("cs231nnotes-002", "conv_params", {"input": "16x16x20", "kernel": 3, "filters": 1}, {"weights": "180"}),
    (
        "cs231nnotes-006",
        "conv_params",
        {"in_channels": 3, "kernel": 11, "filters": 96, "unshared": "55x55x96"},
        {"parameters": "105705600"},
    ),
    (
        "cs231nnotes-007",
        "conv_params",
        {"in_channels": 3, "kernel": 11, "filters": 96},
        {"weights": "34848", "parameters": "34944"},
    ),
    ("cs231nnotes-010", "conv_params", {"in_channels": "C", "kernel": 7, "filters": "C"}, {"weights": "49*C^2"}),
    (
        "cs231nnotes-010, one of three",
        "conv_params",
        {"in_channels": "C", "kernel": 3, "filters": "C"},
        {"weights": "9*C^2"},
    ),
    ("cs231nnotes-011", "conv_params", {"in_channels": 256, "kernel": 3, "filters": 256}, {"weights": "589824"}),
    ("dlsC4-002", "conv_params", {"in_channels": 3, "kernel": 5, "filters": 100}, {"parameters": "7600"}),
    ("dlsC4-012, gray", "conv_params", {"in_channels": 1, "kernel": 5, "filters": 100}, {"parameters": "2600"}),
    (
        "mit6036-038",
        "conv_params",
        {"in_channels": 1, "kernel": 3, "filters": 1, "unshared": "100x100"},
        {"parameters": "100000"},
    ),
    ("mit6036-038, shared", "conv_params", {"in_channels": 1, "kernel": 3, "filters": 1}, {"parameters": "10"}),
    ("mit6036-038, dense", "fc_params", {"inputs": "100x100", "outputs": "100x100"}, {"parameters": "100010000"}),
    (
        "huyen-001",
        "conv_params",
        {"in_channels": 3, "kernel": 5, "filters": 256, "separable": True, "bias": False},
        {"parameters": "843", "standard_parameters": "19200", "ratio": "0.04390625"},
    ),
    ("huyen-002", "conv_params", {"in_channels": "C", "kernel": 2, "filters": 1, "bias": False}, {"parameters": "4*C"}),
]
OTHERS: list[Row] = [
    (
        "udl-028",
        "fc_params",
        {"layers": "1,20,20,20,20,20,20,20,20,20,20,1", "norm": "batch"},
        {"parameters": "4241", "norms": "400"},
    ),
    ("udl-028, without", "fc_params", {"layers": "1,20,20,20,20,20,20,20,20,20,20,1"}, {"parameters": "3841"}),
    ("bn-param-count", "norm_params", {"features": "n"}, {"parameters": "2*n", "running": "2*n"}),
    ("bn-vs-ln-axis, batch", "norm_params", {"features": "n", "batch": "m"}, {"means": "n", "entries_per_mean": "m"}),
    (
        "bn-vs-ln-axis, layer",
        "norm_params",
        {"kind": "layer", "features": "n", "batch": "m"},
        {"means": "m", "entries_per_mean": "n"},
    ),
    ("stackoverflow-004", "rnn_params", {"cell": "lstm", "inputs": 4096, "hidden": 256}, {"parameters": "4457472"}),
    ("mit6036-033", "rnn_params", {"inputs": 2, "hidden": 2}, {"joined_shape": "2x4"}),
    ("mit6036-008", "rnn_params", {"inputs": "d", "hidden": "m", "outputs": "n^2"}, {"V_shape": "n^2xm"}),
    (
        "udl-032",
        "attention_params",
        {"d_model": "D", "tokens": "N"},
        {"parameters": "3*D^2 + 3*D", "attention_weights": "N^2"},
    ),
    ("nptelLLM-002", "attention_params", {"d_model": 2048, "heads": 64}, {"d_k": "32"}),
]
ROWS = [*DENSE, *CONVOLUTIONS, *OTHERS]


@pytest.mark.parametrize(("command", "givens", "answers"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_is_answered_and_every_line_holds(command: str, givens: dict[str, Any], answers: dict[str, str]) -> None:
    solution = getattr(dlcalc, command)(**givens)
    assert answers.items() <= texts(solution).items()
    assert solution.holds
