"""The command line: a Typer app made from the topics, one exit path, nothing else.

Only the topic that is asked is imported, unless the help lists them all.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlcalc import registry
from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import dashed
from dlcalc.render import FORMATS, Layout, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlcalc.solution import Solution
    from dlcalc.topic import Parameter, Topic

ANSWERED, WRONG, UNUSABLE, UNCHECKED, INTERRUPTED = 0, 1, 2, 3, 130

_OUTPUT = "Output"
_MARKING = "Marking"
_COMMON: tuple[tuple[str, Any, Any], ...] = (
    ("answer", Annotated[list[str], typer.Option("--answer", metavar="[NAME=]VALUE", help="Mark this answer; may be repeated.", rich_help_panel=_MARKING)], []),
    ("quiet", Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer, for scripts.", rich_help_panel=_OUTPUT)], False),
    ("get", Annotated[str, typer.Option("--get", metavar="NAME,…", help="Only these answers, bare.", rich_help_panel=_OUTPUT)], ""),
    ("json", Annotated[bool, typer.Option("--json", help="One JSON object.", rich_help_panel=_OUTPUT)], False),
    ("format", Annotated[str, typer.Option("--format", metavar="|".join(FORMATS), help="How to write the solution.", rich_help_panel=_OUTPUT)], "text"),
    ("steps", Annotated[bool, typer.Option("--steps/--no-steps", help="With or without the derivation and its checks.", rich_help_panel=_OUTPUT)], True),
    ("decimals", Annotated[int, typer.Option("--decimals", metavar="N", help="Round to N decimal places (exact where not given).", show_default=False, rich_help_panel=_OUTPUT)], -1),
    ("seed", Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the random points and simulations.", rich_help_panel=_OUTPUT)], 0),
)  # fmt: skip
MAX_DECIMALS = 100


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code. Nothing escapes as a traceback."""
    arguments = list(arguments) or ["--help"]
    try:
        code = _app(arguments)(args=arguments, prog_name="dlcalc", standalone_mode=False)
        sys.stdout.flush()
    except DlcalcError as problem:
        return _complain(str(problem), problem.givens)
    except typer.TyperException as problem:
        return _complain(_usage(problem))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except RecursionError:
        return _complain("the input is nested too deeply; split the expression")
    return code if isinstance(code, int) else ANSWERED


def _complain(message: str, givens: str = "") -> int:
    asked = f"given: {givens}\n" if givens else ""
    print(f"{asked}error: {message}", file=sys.stderr)  # noqa: T201 (the one way out for errors)
    return UNUSABLE


def _usage(problem: typer.TyperException) -> str:
    """Put Typer's complaint into the form of the others: what, then the nearest fix."""
    message = problem.format_message()
    context = getattr(problem, "ctx", None)
    help_hint = f"see {context.command_path} --help" if context is not None else "see dlcalc --help"
    message, _, possible = message.partition(" (Possible options: ")
    wanted = getattr(problem, "option_name", None)
    if wanted and context is not None:
        known = [flag for p in context.command.params for flag in (*p.opts, *p.secondary_opts)]
        possible = nearest(wanted, known)
        message = f"{context.command.name} has no option {wanted}"
    elif possible:
        possible = f"did you mean {possible.rstrip(')')}?"
    return f"{message.rstrip('.')}; {possible or help_hint}"


def _app(arguments: Sequence[str]) -> typer.Typer:
    """Build the app with the one command that is asked, or with all of them."""
    app = typer.Typer(
        name="dlcalc",
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Exact answers to deep-learning exam questions, derived step by step and checked by numbers.",
        epilog="Exit codes: 0 answered, 1 your answer is wrong, 2 unusable input, 3 a check failed or a marking is undecided.",
    )
    app.callback(invoke_without_command=True)(_root)
    wanted = next((a for a in arguments if not a.startswith("-")), None)
    names = registry.names()
    for name in [wanted] if wanted in names else names:
        found = registry.load(name)
        app.command(name, help=_help(found), short_help=found.summary, epilog=_epilog(found))(_command(found))
    return app


def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,  # noqa: FBT002 (a switch)
) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"dlcalc {installed('dlcalc-exam')}")  # noqa: T201 (the command's output)
        raise typer.Exit


def _help(found: Topic) -> str:
    return found.__doc__.split("\n>>>", 1)[0].split("\nRaises", 1)[0].strip()


def _epilog(found: Topic) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  dlcalc {found.name} {example}" for example in found.examples)


def _option(parameter: Parameter) -> inspect.Parameter:
    given = parameter.given
    flag = f"--{dashed(parameter.name)}"
    if given.switch:
        kind: Any = bool | None
        option = typer.Option(f"{flag}/--no-{dashed(parameter.name)}", *given.flags, help=given.help, show_default=False)
    else:
        kind = str | None
        option = typer.Option(flag, *given.flags, help=given.help, metavar=given.metavar, show_default=False)
    return inspect.Parameter(
        _key(parameter.name), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def _key(name: str) -> str:
    return f"given_{name}"


def _command(found: Topic) -> Callable[..., int]:
    """Make the function that Typer calls: the topic's givens as options, then the common ones."""

    def command(**options: Any) -> int:  # noqa: ANN401 (whatever Typer read)
        common = {name: options.pop(name) for name, _, _ in _COMMON}
        givens = {name.removeprefix("given_"): value for name, value in options.items()}
        return _answer(found, givens, **common)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [_option(p) for p in found.parameters]
    parameters += [inspect.Parameter(name, keyword, default=default, annotation=kind) for name, kind, default in _COMMON]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] (what Typer reads)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _answer(
    found: Topic, givens: dict[str, Any], *, answer: list[str], quiet: bool, get: str, json: bool, format: str, steps: bool, decimals: int, seed: int
) -> int:  # fmt: skip
    """Answer one question, print it, and say by the exit code how it went."""
    if format not in FORMATS:
        raise DlcalcError(f"--format {format[:20]} is not known", nearest(format, FORMATS) or f"use {', '.join(FORMATS)}")
    if decimals > MAX_DECIMALS:
        raise DlcalcError(f"--decimals {decimals} is more than {MAX_DECIMALS}", f"use at most {MAX_DECIMALS}")
    if seed < 0:
        raise DlcalcError(f"--seed {seed} is negative", "use 0 or more")
    from dataclasses import replace

    solution = replace(found(**givens), seed=seed)
    if answer:
        from dlcalc.marking import marked

        solution = marked(solution, answer)
    wanted = tuple(name.strip() for name in get.split(",") if name.strip())
    for name in wanted:
        solution[name]
    form = "json" if json or format == "json" else "quiet" if quiet or wanted else format
    layout = Layout(steps, None if decimals < 0 else decimals, *_screen(), wanted)
    print(render(solution, form, layout))  # noqa: T201 (the command's output)
    return _code(solution, looked_at=steps and form != "quiet")


def _screen() -> tuple[int | None, bool]:
    """Return the width to wrap at and whether to colour; a pipe has neither."""
    if not sys.stdout.isatty():
        return None, False
    from shutil import get_terminal_size

    return get_terminal_size().columns, "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _code(solution: Solution, *, looked_at: bool) -> int:
    verdicts = [mark.correct for mark in solution.marks]
    if False in verdicts:
        return WRONG
    if None in verdicts or (looked_at and not solution.holds):
        return UNCHECKED
    return ANSWERED
