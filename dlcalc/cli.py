"""The command line: a Typer app made from the topics, one way in and one way out.

Only the topic that is asked is imported, unless the help lists them all.
"""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlcalc import __version__, registry
from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import dashed
from dlcalc.render import DRAWINGS, FORMATS, GRAPHS, Layout, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dlcalc.solution import Solution
    from dlcalc.topic import Parameter, Topic

ANSWERED, WRONG, UNUSABLE, UNCHECKED, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES = (
    "Exit codes: 0 answered, 1 your answer is wrong, 2 unusable or impossible input, "
    "3 a check failed or a marking stayed undecided."
)
MAX_DECIMALS = 100


@dataclass(frozen=True)
class Said:
    """What a command prints, and its exit code."""

    text: str
    code: int


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:  # noqa: PLR0911 (an exit code per ending)
    """Run one command, print what it says, return its exit code. Nothing escapes as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are text streams here
    try:
        arguments = list(arguments) or ["--help"]
        said = _app(arguments)(args=arguments, prog_name="dlcalc", standalone_mode=False)
        if isinstance(said, Said):
            print(said.text)  # noqa: T201 (the one way out for answers)
        sys.stdout.flush()
    except DlcalcError as problem:
        return _complain(str(problem), problem.givens)
    except typer.TyperException as problem:
        return _complain(_usage(problem))
    except (BrokenPipeError, SystemExit):  # Typer turns a pipe closed during its help into SystemExit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OSError as problem:
        return _complain(f"the answer cannot be written: {problem.strerror}")
    except Exception as defect:  # noqa: BLE001 (the last resort: no input may end in a traceback)
        _complain(f"dlcalc itself failed on this input ({type(defect).__name__}: {defect}); please report it")
        return UNCHECKED
    return said.code if isinstance(said, Said) else int(said or ANSWERED)


def _complain(message: str, givens: str = "") -> int:
    asked = f"given: {givens}\n" if givens else ""
    print(f"{asked}error: {message}", file=sys.stderr)  # noqa: T201 (the one way out for errors)
    return UNUSABLE


def _usage(problem: typer.TyperException) -> str:
    """Put Typer's complaint into the form of the others: what is wrong, then the nearest fix."""
    context = getattr(problem, "ctx", None)
    wanted = getattr(problem, "option_name", None)
    if context is None:
        return problem.format_message()
    hint = f"see {context.command_path} --help"
    if wanted is None:
        return f"{problem.format_message().rstrip('.')}; {hint}"
    known = [flag for parameter in context.command.params for flag in (*parameter.opts, *parameter.secondary_opts)]
    return f"{context.info_name} has no option {wanted}; {nearest(wanted, known) or hint}"


# the app


def _app(arguments: Sequence[str]) -> typer.Typer:
    """Build the app with the one command that is asked, or with all of them where none is."""
    app = typer.Typer(
        name="dlcalc",
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Exact answers to deep-learning exam questions, derived step by step and checked by numbers.\n\n"
        f"dlcalc {registry.INDEX} lists the commands by area, each with an example; "
        f"dlcalc {registry.INDEX} WORD searches them.",
        epilog=EXIT_CODES,
    )
    app.callback(invoke_without_command=True)(_root)
    wanted = next((argument for argument in arguments if not argument.startswith("-")), None)
    if wanted in {None, registry.INDEX}:
        app.command(registry.INDEX, short_help="Every command by area, or those found by words")(_topics)
    for topic in _asked(wanted):
        named = [_option(p) for p in topic.parameters if not p.given.positional]
        places = [_argument(p) for p in topic.parameters if p.given.positional]
        common = [option for option in _COMMON.values() if topic.plots or option.name != "plot"]
        options = [*places, *_occurring([*named, *common], arguments)]
        command = _command(topic, options)
        app.command(topic.name, help=_help(topic), short_help=topic.summary, epilog=_epilog(topic))(command)
    return app


def _asked(wanted: str | None) -> Iterable[Topic]:
    """Import the topics that a command line needs: all for the help, one for a question, none for the index."""
    if wanted is None:
        return registry.every()
    return () if wanted == registry.INDEX else (registry.load(wanted),)


def _occurring(options: list[inspect.Parameter], arguments: Sequence[str]) -> list[inspect.Parameter]:
    """Keep the options that occur on the command line: Typer takes a millisecond to prepare each.

    All of them are kept where a word is none of their flags: --help lists them, a typo is compared with them.
    """
    written = {argument.partition("=")[0] for argument in arguments if argument.startswith("-")}
    flags = {option.name: _flags(option) for option in options}
    if not written <= set().union(*flags.values()):
        return options
    return [option for option in options if flags[option.name] & written]


def _flags(option: inspect.Parameter) -> set[str]:
    """Return every flag of an option, `--bias` and `--no-bias` alike."""
    declared = option.annotation.__metadata__[0]
    return {flag for spelled in (declared.default, *declared.param_decls) for flag in str(spelled).split("/")}


def _root(*, version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False) -> Said:
    return Said(f"dlcalc {__version__}" if version else "", ANSWERED)


def _topics(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD]…", help="Words to search for.", show_default=False)
    ] = None,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the names, for scripts.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> Said:
    """List every command by area, with what it answers and an example; or search them by words.

    A search looks at names, summaries, answers, options, examples and synonyms. Questions of judgement or definition,
    which no number answers, are found too: it says so, and what can be computed about them.
    """
    from dlcalc import catalogue
    from dlcalc.render import listing

    shown = catalogue.found(words) if words else catalogue.listed()
    text = listing.as_json(shown) if json else listing.names(shown) if quiet else listing.text(shown, _screen()[0])
    utf8 = "utf" in (sys.stdout.encoding or "").lower()
    return Said(text if utf8 else _ascii(text, "json" if json else "text"), ANSWERED)


def _help(topic: Topic) -> str:
    """Return the documentation without what is for Python callers only."""
    return topic.documentation.split("\n>>>", 1)[0].split("\nRaises", 1)[0].strip()


def _epilog(topic: Topic) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in topic.commands)


def _command(topic: Topic, options: list[inspect.Parameter]) -> Callable[..., Said]:
    """Make the function that Typer calls: the topic's givens as options, and the common ones."""

    def command(**read: Any) -> Said:  # noqa: ANN401 (whatever Typer read)
        common = {name: read.pop(name, option.default) for name, option in _COMMON.items()}
        return _answer(topic, {name.removeprefix(_GIVEN): value for name, value in read.items()}, **common)

    command.__annotations__ = {option.name: option.annotation for option in options}
    vars(command)["__signature__"] = inspect.Signature(options)
    return command


_GIVEN = "given_"
"""Keeps a topic's own options apart from the common ones in the function that Typer calls."""


def _option(parameter: Parameter) -> inspect.Parameter:
    """Make an option from a topic's parameter."""
    given, flag = parameter.given, f"--{dashed(parameter.name)}"
    if given.switch:
        option = typer.Option(f"{flag}/--no-{dashed(parameter.name)}", help=given.help, show_default=False)
        return _keyword(_GIVEN + parameter.name, Annotated[bool | None, option], None)
    option = typer.Option(flag, *given.flags, help=given.help, metavar=given.metavar, show_default=False)
    return _keyword(_GIVEN + parameter.name, Annotated[str | None, option], None)


def _argument(parameter: Parameter) -> inspect.Parameter:
    """Make an argument without a name from a topic's parameter."""
    given = parameter.given
    argument = typer.Argument(help=given.help, metavar=given.metavar, show_default=False)
    if parameter.required:
        return _keyword(_GIVEN + parameter.name, Annotated[str, argument], inspect.Parameter.empty)
    return _keyword(_GIVEN + parameter.name, Annotated[str | None, argument], None)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:  # noqa: ANN401 (any type, any default)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _common(name: str, default: Any, *flags: str, **details: Any) -> inspect.Parameter:  # noqa: ANN401 (as above)
    kind = list[str] if default == [] else int | None if default is None else type(default)
    return _keyword(name, Annotated[kind, typer.Option(*flags, show_default=False, **details)], default)


_COMMON = {
    parameter.name: parameter
    for parameter in (
        _common("answer", [], "--answer", metavar="[NAME=]VALUE", help="Mark this answer; may be repeated."),
        _common("quiet", False, "--quiet", "-q", help="Only the answer, for scripts."),  # noqa: FBT003 (the default)
        _common("get", "", "--get", metavar="NAME,…", help="Only these answers, bare."),
        _common("json", False, "--json", help="One JSON object; like --format json."),  # noqa: FBT003 (the default)
        _common("form", "text", "--format", metavar="|".join(FORMATS), help="How to write the solution."),
        _common("plot", False, "--plot", help="Draw the curves below the solution (needs the extra: plot)."),  # noqa: FBT003 (the default)
        _common("steps", True, "--steps/--no-steps", help="With (default) or without the work."),  # noqa: FBT003 (the default)
        _common("decimals", None, "--decimals", metavar="N", help="Round to N decimal places (default: exact)."),
        _common("seed", 0, "--seed", metavar="N", help="Seed of random points and simulations (default 0)."),
    )
}


# one question


def _answer(  # noqa: PLR0913 (one parameter per common option)
    topic: Topic,
    givens: dict[str, Any],
    *,
    answer: list[str],
    quiet: bool,
    get: str,
    json: bool,
    form: str,
    plot: bool,
    steps: bool,
    decimals: int | None,
    seed: int,
) -> Said:
    """Answer one question in the form that was asked for."""
    if form not in (known := (*FORMATS, *GRAPHS, *DRAWINGS)):
        fix = nearest(form, known) or f"use {', '.join(FORMATS)}"
        raise DlcalcError(f"--format {form[:20]} is not known", fix)
    if decimals is not None and not 0 <= decimals <= MAX_DECIMALS:
        raise DlcalcError(f"--decimals {decimals} is not between 0 and {MAX_DECIMALS}", "leave it out for exact")
    if seed < 0:
        raise DlcalcError(f"--seed {seed} is negative", "use 0 or more")
    solution = replace(topic(**givens), seed=seed)
    if answer:
        from dlcalc.marking import marked

        solution = marked(solution, answer)
    utf8 = "utf" in (sys.stdout.encoding or "").lower()
    wanted = tuple(solution.named(name.strip()) for name in get.split(",") if name.strip())
    if json:
        form = "json"
    elif (quiet or wanted) and form != "json":
        form, steps = "quiet", False
    elif form == "text" and not utf8:
        form = "plain"
    layout = Layout(steps, decimals, *_screen(), wanted, plot)
    text = render(solution, form, layout)
    return Said(text if utf8 else _ascii(text, form), _code(solution, looked_at=steps))


def _ascii(text: str, form: str) -> str:
    """Write what an output that is not Unicode can hold; JSON has escapes of its own."""
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" if form == "json" else "?" for c in text)


def _screen() -> tuple[int | None, bool]:
    """Return the width to wrap at and whether to colour; a pipe has neither."""
    if not sys.stdout.isatty():
        return None, False
    from shutil import get_terminal_size

    return get_terminal_size().columns, not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _code(solution: Solution, *, looked_at: bool) -> int:
    verdicts = [mark.correct for mark in solution.marks]
    if False in verdicts:
        return WRONG
    if None in verdicts or (looked_at and not solution.holds):
        return UNCHECKED
    return ANSWERED
