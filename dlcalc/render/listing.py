"""The list of commands, as text and as JSON."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from dlcalc import __version__
from dlcalc.registry import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlcalc.catalogue import Listing
    from dlcalc.judgement import Judged
    from dlcalc.topic import Topic

SCHEMA = "dlcalc.topics/1"
_KINDS = {
    "definition": "a definition, not computed",
    "judgement": "a matter of judgement, not computed",
    "measurement": "a claim to measure, not computed",
}


def text(listing: Listing, width: int | None = None) -> str:
    """Write the commands under their areas, or in the order of a search; the questions without a number come last."""
    return "\n".join(line for block in _blocks(listing, width) for line in (*block, "")).rstrip("\n")


def names(listing: Listing) -> str:
    """Write the names of the commands alone."""
    return "\n".join(topic.name for topic in listing.topics)


def as_json(listing: Listing) -> str:
    """Write one object, schema `dlcalc.topics/1`."""
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "version": __version__,
        "words": listing.words,
        "all_words_found": not listing.missing,
        "topics": [
            {
                "name": topic.name,
                "area": topic.area,
                "summary": topic.summary,
                "answers": list(topic.answers),
                "examples": list(topic.commands),
            }
            for topic in listing.topics
        ],
        "not_computed": [
            {
                "name": judged.name,
                "question": judged.question,
                "kind": judged.kind,
                "taught": judged.taught,
                "because": judged.because,
                "see": [f"dlcalc {command}" for command in judged.see],
            }
            for judged in listing.questions
        ],
    }
    return json.dumps(found, ensure_ascii=False)


def _blocks(listing: Listing, width: int | None) -> Iterator[list[str]]:
    if not listing.words:
        yield _wrapped(f"{len(listing.topics)} commands by area; dlcalc {INDEX} WORD searches them.", width)
        for area, topics in listing.by_area().items():
            yield [area, *(line for topic in topics for line in _command(topic, width))]
        yield _wrapped("dlcalc COMMAND --help lists every option of one.", width)
        return
    if listing.missing:
        yield _wrapped(f"nothing has all of {listing.words!r}; this has most of it:", width)
    if listing.topics:
        yield [line for topic in listing.topics for line in _command(topic, width)]
    if listing.more:
        yield [f"and {listing.more} more that mention it; add a word"]
    for judged in listing.questions:
        yield list(_question(judged, width))


def _command(topic: Topic, width: int | None) -> Iterator[str]:
    """Write a command: its name, what it answers, an example."""
    yield from _wrapped(f"  {topic.name}: {topic.summary}", width, "    ")
    yield f"    $ {topic.commands[0]}"


def _question(judged: Judged, width: int | None) -> Iterator[str]:
    """Write a question without a computed answer: why, what is taught, what can be computed."""
    yield from _wrapped(f"  {judged.question}", width, "  ")
    yield from _wrapped(f"    {_KINDS[judged.kind]}: {judged.because}", width, "    ")
    yield from _wrapped(f"    taught: {judged.taught}", width, "    ")
    if judged.see:
        yield "    what can be computed about it:"
        yield from (f"    $ dlcalc {command}" for command in judged.see)


def _wrapped(line: str, width: int | None, indent: str = "") -> list[str]:
    """Break a line where a terminal would; a pipe gets it whole."""
    return [line] if width is None else wrap(line, width, subsequent_indent=indent, break_long_words=False)
