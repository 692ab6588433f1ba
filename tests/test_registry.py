"""Every kind of question has all that follows from its one definition."""

from __future__ import annotations

import json
import re
import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import dlcalc
from dlcalc import registry
from dlcalc.givens import read_size, read_values
from dlcalc.notation.expression import Expr, Formula, Real
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import computed

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run

    Solved = Callable[[str, str], tuple[Run, dict[str, Any]]]

TOPICS = {topic.name: topic for topic in registry.every()}
EXAMPLES = [(name, example) for name, topic in TOPICS.items() for example in topic.examples]
SCHEMA = json.loads(files("dlcalc").joinpath("solution.schema.json").read_text())
README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("name", TOPICS)
def test_has_documentation_a_source_and_a_doctest(name: str) -> None:
    text = TOPICS[name].documentation
    assert TOPICS[name].summary
    assert "Source:" in text
    assert "Raises DlcalcError" in text
    assert ">>>" in text


@pytest.mark.parametrize("name", TOPICS)
def test_every_option_has_help(name: str) -> None:
    for parameter in TOPICS[name].parameters:
        assert parameter.given.help.endswith("."), parameter.name


@pytest.mark.parametrize("name", TOPICS)
def test_is_a_function_of_the_package(name: str) -> None:
    assert getattr(dlcalc, name.replace("-", "_")) is TOPICS[name]
    assert name.replace("-", "_") in dir(dlcalc)


@pytest.mark.parametrize("name", TOPICS)
def test_stands_in_the_readme_with_an_example(name: str) -> None:
    assert re.search(rf"`dlcalc {name}[ `]", README.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def solved() -> Solved:
    """Run an example as JSON, once for all the tests that look at it."""
    from functools import cache

    from conftest import run_here

    @cache
    def run(name: str, example: str) -> tuple[Run, dict[str, Any]]:
        done = run_here(name, *shlex.split(example), "--json")
        return done, json.loads(done.stdout)

    return run


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_its_examples_run_and_every_check_holds(solved: Solved, name: str, example: str) -> None:
    done, found = solved(name, example)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert found["steps"]
    assert all(step["check"]["holds"] and step["check"]["points"] > 0 for step in found["steps"])
    assert all(check["holds"] for check in found["checks"])


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_its_json_follows_the_schema(solved: Solved, name: str, example: str) -> None:
    jsonschema.validate(solved(name, example)[1], SCHEMA)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_it_has_an_independent_route(solved: Solved, name: str, example: str) -> None:
    """Invariant 4: some check of the answer does not come from the formula."""
    assert solved(name, example)[1]["checks"]


@pytest.mark.parametrize("name", TOPICS)
def test_its_answers_are_declared(solved: Solved, name: str) -> None:
    found = {a["name"] for n, example in EXAMPLES if n == name for a in solved(n, example)[1]["answers"]}
    assert set(TOPICS[name].answers) <= found


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_the_text_of_its_answers_parses_to_the_same_text(name: str, example: str) -> None:
    """Invariant 3, for answers: what is printed reads as the same value."""
    solution = TOPICS[name](**_as_givens(name, example))
    scope = solution.setting.scope()
    for answer in solution.answers:
        if isinstance(answer.value, Formula):  # read again by the checks of the calculus, as every line of it
            continue
        if answer.form == "word":
            assert answer.text in answer.words
        elif Real in map(type, values_of(answer.value)):  # floats read back as the fractions that they are close to
            assert computed(read_values("x", answer.text, scope)) == answer.computed
        elif answer.form == "size":
            assert "x".join(f"({t})" if " " in t else t for t in map(plain, read_size("x", answer.text))) == answer.text
        else:
            assert plain(read_values("x", answer.text, scope)) == answer.text


def values_of(value: Value) -> list[Expr]:
    """Return the entries of nested lists."""
    return [value] if isinstance(value, Expr) else [entry for part in value for entry in values_of(part)]


def _as_givens(name: str, example: str) -> dict[str, Any]:
    """Read the example's options as keyword arguments."""
    flags = {f"--{p.name.replace('_', '-')}": p for p in TOPICS[name].parameters}
    flags |= {flag: p for p in TOPICS[name].parameters for flag in p.given.flags}
    positional = [p for p in TOPICS[name].parameters if p.given.positional]
    words = iter(shlex.split(example))
    givens: dict[str, Any] = {}
    for word in words:
        if not word.startswith("-"):
            givens[positional.pop(0).name] = word
        elif word.startswith("--no-") and word not in flags:
            givens[word[5:].replace("-", "_")] = False
        elif flags[word].given.switch:
            givens[flags[word].name] = True
        else:
            givens[flags[word].name] = next(words)
    return givens
