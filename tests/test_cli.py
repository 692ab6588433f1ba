"""The command line as people and scripts meet it: real subprocesses, pipes, terminals, exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dlcalc import cli, registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run

CONV = ("conv-params", "-c", "3", "-k", "7", "--filters", "16")


def test_the_bare_command_shows_help(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc()
    assert done.returncode == 0
    for name in registry.names():
        assert f"  {name} " in done.stdout
    assert "Exit codes: 0 answered" in done.stdout


@pytest.mark.parametrize("name", registry.names())
def test_help_lists_runnable_examples(dlcalc: Callable[..., Run], name: str) -> None:
    done = dlcalc(name, "-h")
    assert done.returncode == 0
    for example in registry.load(name).examples:
        assert f"dlcalc {name} {example}" in done.stdout


def test_quiet_prints_the_bare_answer(dlcalc: Callable[..., Run]) -> None:
    assert dlcalc(*CONV, "-q").stdout == "2368\n"
    assert dlcalc("conv-params", "-c", "C", "-k", "f", "--filters", "n", "-q").stdout == "f^2*C*n + n\n"


def test_get_picks_answers(dlcalc: Callable[..., Run]) -> None:
    assert dlcalc(*CONV, "--get", "weights").stdout == "2352\n"
    assert dlcalc(*CONV, "--get", "weights,biases").stdout == "weights\t2352\nbiases\t16\n"


def test_json_is_one_object(dlcalc: Callable[..., Run]) -> None:
    found = json.loads(dlcalc(*CONV, "--json").stdout)
    assert (found["schema"], found["topic"]) == ("dlcalc.solution/1", "conv-params")
    values = {answer["name"]: answer["value"] for answer in found["answers"]}
    assert values == {"parameters": 2368, "weights": 2352, "biases": 16, "filter": [7, 7, 3]}
    assert found["steps"]
    assert json.loads(dlcalc(*CONV, "--json", "--no-steps").stdout)["steps"] == []


@pytest.mark.parametrize("form", ["text", "plain", "markdown", "latex", "json"])
def test_every_format_writes_the_answer_first(dlcalc: Callable[..., Run], form: str) -> None:
    done = dlcalc(*CONV, "--format", form)
    assert done.returncode == 0
    assert "2368" in "\n".join(done.stdout.splitlines()[:4])
    assert (form == "plain") <= done.stdout.isascii()


def test_a_right_answer_ends_with_0_and_a_wrong_one_with_1(dlcalc: Callable[..., Run]) -> None:
    assert dlcalc(*CONV, "--answer", "2368").returncode == 0
    wrong = dlcalc(*CONV, "--answer", "2352")
    assert wrong.returncode == 1
    assert "✗ your parameters = 2352 is wrong: the biases are missing" in wrong.stdout
    assert dlcalc(*CONV, "--answer", "2352", "-q").returncode == 1
    assert dlcalc(*CONV, "--answer", "2368", "--answer", "biases=15").returncode == 1


def test_a_failed_check_ends_with_3_and_still_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A formula that counts one bias too many is caught by the counting, and the failing step is marked."""
    topic = registry.load("conv-params")
    counting = topic(in_channels=3, kernel=7, filters=16)
    definitions = {**counting.setting.definitions, "biases": lambda _: 0}
    broken = replace(counting, setting=replace(counting.setting, definitions=definitions))
    monkeypatch.setattr(type(topic), "__call__", lambda *_, **__: broken)
    assert cli.run([*CONV]) == 3
    shown = capsys.readouterr().out
    assert "parameters = 2368" in shown
    assert "✗" in shown


ERRORS = [
    (("conv-prams",), "error: 'conv-prams' is not a command; did you mean conv-params?"),
    (("conv-params", "--kernl", "3"), "conv-params has no option --kernl; did you mean --kernel?"),
    (("conv-params", "--kernel"), "requires an argument"),
    ((*CONV[:5], "--filters", "0"), "out-channels 0 is less than 1; use 1 or more"),
    ((*CONV, "--decimals", "-5"), "--decimals -5 is not between 0 and 100"),
    ((*CONV, "--decimals", "-1"), "--decimals -1 is not between 0 and 100"),
    ((*CONV, "--decimals", "many"), "'--decimals'"),
    ((*CONV, "--seed", "-1"), "--seed -1 is negative; use 0 or more"),
    ((*CONV, "--format", "txt"), "--format txt is not known; did you mean text?"),
    ((*CONV, "--get", "wieghts"), "conv-params has no answer 'wieghts'; did you mean weights?"),
    ((*CONV, "extra"), "unexpected extra argument"),
    (("--kernel", "3"), "'3' is not a command"),
    (("conv-params", "-k", "nan", "-c", "1", "--filters", "1"), "kernel nan is not a number"),
    (("conv-params", "-k", "9**9**9", "-c", "1", "--filters", "1"), "this power has about"),
    (("conv-params", "-k", "1e999999", "-c", "1", "--filters", "1"), "out of range"),
    (("conv-params", "-k", "(3", "-c", "1", "--filters", "1"), "( is never closed; add )\n  (3\n  ^"),
    (("conv-params", "-k", "__import__('os').system('echo hi')", "-c", "1", "--filters", "1"), "error: --kernel"),
    (("conv-params", "-k", "().__class__", "-c", "1", "--filters", "1"), "error: --kernel"),
    (("conv-params", "-k", "7" * 100_000, "-c", "1", "--filters", "1"), "error: --kernel"),
    (("conv-params", "-k", "(" * 100_000, "-c", "1", "--filters", "1"), "error: --kernel"),
    (("conv-params", "-k", "\udcff", "-c", "1", "--filters", "1"), "is not part of the notation"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS, ids=lambda part: str(part)[:50])
def test_bad_input_ends_with_2_and_one_clear_message(
    dlcalc: Callable[..., Run], arguments: tuple[str, ...], message: str
) -> None:
    done = dlcalc(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 1000


def test_an_error_restates_the_givens(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc("conv-params", "-c", "4", "-k", "3", "--filters", "5", "-g", "2")
    assert done.stderr.splitlines() == [
        "given: conv-params --kernel 3 --out-channels 5 --in-channels 4 --groups 2",
        "error: groups 2 does not divide out-channels 5; use out-channels 4 or 6, or groups that divide it",
    ]


def test_a_closed_pipe_ends_quietly() -> None:
    command = f"{sys.executable} -m dlcalc {' '.join(CONV)} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "parameters = 2368\n"


def test_output_to_a_full_or_closed_descriptor_leaves_no_traceback() -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"{sys.executable} -m dlcalc --help | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_wraps_in_a_pipe(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc(*CONV, COLUMNS="20")
    assert max(map(len, done.stdout.splitlines())) > 80
    assert "\x1b" not in done.stdout


def in_terminal(*arguments: str, columns: int = 80, **environment: str) -> str:
    """Run the command with a pseudo-terminal of some width as its output."""
    import fcntl
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS"}}
    with subprocess.Popen(
        [sys.executable, "-m", "dlcalc", *arguments],
        stdout=follower,
        env={**kept, "TERM": "xterm", "PYTHONUTF8": "1", **environment},
    ) as process:
        os.close(follower)
        out = b""
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:
                break
            if not chunk:
                break
            out += chunk
        process.wait(timeout=60)
    os.close(leader)
    return out.decode()


def test_a_terminal_gets_colour_unless_it_says_no() -> None:
    assert "\x1b[" in in_terminal(*CONV)
    assert "\x1b[" not in in_terminal(*CONV, NO_COLOR="1")
    assert "\x1b[" not in in_terminal(*CONV, TERM="dumb")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_every_line_fits_the_terminal(columns: int) -> None:
    shown = in_terminal(*CONV, columns=columns, NO_COLOR="1")
    assert max(map(len, shown.splitlines())) <= columns
    assert shown.startswith("parameters = 2368")


def test_an_output_that_is_not_unicode_gets_ascii(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc(*CONV, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "parameters = 2368" in done.stdout


def test_json_is_json_whatever_the_encoding(dlcalc: Callable[..., Run]) -> None:
    done = dlcalc(*CONV, "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.stdout.isascii()
    assert "×" in json.loads(done.stdout)["steps"][0]["because"]


def test_an_output_that_is_full_is_an_error_without_traceback() -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"{sys.executable} -m dlcalc {' '.join(CONV)} > /dev/full"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: the answer cannot be written")


def test_the_same_seed_gives_the_same_screen(dlcalc: Callable[..., Run]) -> None:
    assert dlcalc(*CONV, "--seed", "7").stdout == dlcalc(*CONV, "--seed", "7").stdout


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "render", interrupt)
    assert cli.run([*CONV]) == 130
