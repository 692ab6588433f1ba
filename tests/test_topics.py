"""`dlcalc topics`: every command by area, the search, and the questions that no number answers."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dlcalc import DlcalcError, catalogue, cli, registry
from dlcalc.judgement import QUESTIONS
from dlcalc.render import listing

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_JUDGED = 10
ROW = re.compile(r"^\| `dlcalc ([a-z0-9-]+)[ `]", re.MULTILINE)


def names(*words: str) -> list[str]:
    return [topic.name for topic in catalogue.found(words).topics]


def test_lists_every_command_under_its_area_with_an_example() -> None:
    shown = listing.text(catalogue.listed())
    for topic in registry.every():
        assert f"\n  {topic.name}: {topic.summary}\n    $ {topic.commands[0]}\n" in f"\n{shown}\n"
        assert f"\n{topic.area}\n" in shown


def test_every_area_is_one_of_the_course() -> None:
    assert {topic.area for topic in registry.every()} <= set(registry.AREAS)
    shown = listing.text(catalogue.listed())
    assert list(catalogue.listed().by_area()) == [area for area in registry.AREAS if f"\n{area}\n" in shown]


def test_the_table_of_the_readme_covers_every_command() -> None:
    rows = set(ROW.findall(README))
    assert rows == set(registry.names())


def test_each_row_stands_under_its_area() -> None:
    commands = README[README.index("## Commands") : README.index("## Notation")]
    parts = re.split(r"^### ", commands, flags=re.MULTILINE)[1:]
    shown = {part.partition("\n")[0].lower(): set(ROW.findall(part)) for part in parts}
    assert list(shown) == list(registry.AREAS)
    assert shown == {area: {t.name for t in registry.every() if t.area == area} for area in registry.AREAS}


FOUND = [
    ("decision boundary", "threshold-unit"),
    ("standard error of the gradient", "minibatch-variance"),
    ("terminal velocity", "optimizer"),
    ("f1", "metrics"), ("F-measure", "metrics"), ("confusion matrix", "metrics"), ("sensitivity", "metrics"),
    ("jaccard", "iou"), ("bagging", "ensemble"), ("majority vote", "ensemble"), ("cv", "k-fold"),
    ("leave-one-out", "k-fold"), ("cross validation", "k-fold"), ("kernel size", "conv-out"), ("lstm", "rnn-params"),
    ("more data", "least-squares-risk"), ("data leakage", "leakage"), ("weight decay", "l2-update"),
    ("heavy ball", "momentum"), ("deconvolution", "conv-transpose-out"), ("chain rule", "backprop"),
    ("log-sum-exp", "lse-bounds"), ("dense", "fc-params"), ("batchnorm", "norm-params"),
    ("transformer", "attention-params"),
    ("overfitting to the test set", "selection-bias"), ("normalization", "norm-params"), ("flops", "network"),
    ("transfer learning", "fc-params"), ("xavier", "init"), ("bias correction", "optimizer"), ("adam", "optimizer"),
    ("soft threshold", "l1-update"), ("lasso", "l1-update"), ("vanishing gradient", "activation"),
    ("xor", "threshold-unit"), ("perceptron", "threshold-unit"), ("saddle", "critical-point"),
    ("cosine annealing", "lr-schedule"),
    ("batch normalization", "batch-norm"), ("inverted dropout", "dropout"), ("perplexity", "perplexity"),
    ("gradient clipping", "clip-gradient"), ("label smoothing", "loss"), ("identity proof", "verify"),
    ("effective length", "ema"), ("class imbalance", "class-weights"), ("symmetry breaking", "init-symmetry"),
    ("epochs", "training-steps"), ("nesterov", "optimizer"), ("decoupled", "weight-decay"), ("iou", "iou"),
    ("logistic regression loss", "loss"), ("smooth l1", "loss"),
    ("triplet loss", "loss"), ("contrastive", "loss"), ("dying relu", "activation"), ("oversampling", "class-weights"),
    ("numerically stable softmax", "lse-bounds"), ("internal covariate shift", "batch-norm"),
    ("maximum likelihood", "loss"),
    ("fine-tuning", "fc-params"), ("sparsity", "l1-update"),
    ("monte carlo dropout", "dropout"),
    ("bounding box", "iou"), ("atrous convolution", "conv-out"), ("siamese", "backprop"), ("autoencoder", "backprop"),
    ("imbalanced data", "class-weights"), ("newton method", "critical-point"), ("alexnet", "network"),
    ("mobilenet", "network"), ("bias-variance", "least-squares-risk"), ("generalization", "least-squares-risk"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "command"), FOUND, ids=str)
def test_a_search_finds_what_a_student_means(words: str, command: str) -> None:
    assert command in names(*words.split())[:3]


@pytest.mark.parametrize(("words", "command"), [("f1 score", "metrics"), ("leave one out", "k-fold")])
def test_what_is_meant_comes_before_what_has_the_words_here_and_there(words: str, command: str) -> None:
    assert names(words)[0] == command


def test_words_may_stand_apart_or_together() -> None:
    assert names("majority", "vote") == names("majority vote")


def test_what_has_most_of_the_words_is_said_to_have_most() -> None:
    shown = listing.text(catalogue.found(["majority vote", "zebra"]))
    assert shown.startswith("nothing has all of 'majority vote zebra'; this has most of it:")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("convoltion", "did you mean convolution"),
        ("zzzz", "dlcalc topics lists every command"),
        ("vae", "dlcalc topics lists every command"),
        ("beam search", "dlcalc topics lists every command"),
        ("the of", "has no word to search for"),
        ("?!", "has no word to search for"),
        ("", "has no word to search for"),
        ("word " * 30, "more than 20 words"),
        ("x" * 500, "200 letters"),
    ],
)
def test_nothing_found_says_so_and_names_the_nearest(words: str, message: str) -> None:
    with pytest.raises(DlcalcError) as refused:
        catalogue.found([words])
    assert message in str(refused.value)
    assert refused.value.exit_code == 2


# questions that no number answers

JUDGED = [
    ("flat minima", "sgd-flat-minima"), ("batch norm faster", "bn-faster"), ("hyperparameter", "hyperparameters"),
    ("multitask", "multitask-false"), ("validation set test set for", "split-roles"),
    ("classification or regression", "mlp-class-vs-reg"), ("why does batch norm speed up training", "bn-faster"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "name"), JUDGED, ids=str)
def test_a_question_of_judgement_is_found(words: str, name: str) -> None:
    found = catalogue.found(words.split())
    assert name in [judged.name for judged in found.questions]
    assert "not computed" in listing.text(found)


def test_they_are_few_and_no_command_answers_them() -> None:
    answered = {
        json.loads(line)["id"]
        for file in (ROOT / "tests/data/questions").glob("*.jsonl")
        for line in file.read_text("utf-8").splitlines()
    }
    assert len(QUESTIONS) <= MOST_JUDGED
    assert not answered & {judged.name for judged in QUESTIONS}
    assert all(judged.because and judged.taught for judged in QUESTIONS)


@pytest.mark.parametrize("command", [c for judged in QUESTIONS for c in judged.see])
def test_what_can_be_computed_about_them_is(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*shlex.split(command), "--no-steps"]) == 0
    assert capsys.readouterr().out


# the command


def test_the_command_lists_searches_and_refuses(dlcalc: Callable[..., Run]) -> None:
    whole = dlcalc("topics")
    assert whole.returncode == 0
    assert whole.stdout.startswith(f"{len(registry.names())} commands by area")
    assert dlcalc("topics", "leave-one-out", "-q").stdout.startswith("k-fold\n")
    nothing = dlcalc("topics", "convoltion")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "did you mean convolution" in nothing.stderr
    assert "did you mean topics?" in dlcalc("topcs").stderr


def test_its_json_says_what_its_text_says(dlcalc: Callable[..., Run]) -> None:
    found = json.loads(dlcalc("topics", "hyperparameter", "--json").stdout)
    assert found["schema"] == "dlcalc.topics/1"
    assert [judged["name"] for judged in found["not_computed"]][:1] == ["hyperparameters"]
    every = json.loads(dlcalc("topics", "--json").stdout)["topics"]
    assert [topic["name"] for topic in every] == list(registry.names())
    assert set(every[0]) == {"name", "area", "summary", "answers", "examples"}


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_gets_lines_that_fit(width: int) -> None:
    prose = (line for line in listing.text(catalogue.listed(), width).splitlines() if "$ dlcalc" not in line)
    assert max(map(len, prose)) <= width


def test_the_help_points_to_it(dlcalc: Callable[..., Run]) -> None:
    assert "dlcalc topics lists the commands by area" in " ".join(dlcalc("--help").stdout.split())
