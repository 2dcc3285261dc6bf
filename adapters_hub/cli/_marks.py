"""Marks within a line of Markdown: emphasis, code, mathematics; found in text that is still arriving.

A mark counts once its closing one has come; until then nothing behind it is certain. Subjects decide doubtful cases: ``2**3``,
``a*b*c``, ``snake_case`` and ``__init__`` hold no emphasis, ``$5`` opens no formula, and formulas keep their marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adapters_hub.cli._paper import BOLD, CODE, ITALIC, Style

LONGEST_SPAN = 240
"""Characters that an opening mark is given to find its closing one; beyond them it is taken literally and the text flows on."""
ESCAPABLE = "*_`#$~|>-+"
SPECIAL = re.compile(r"[*_`$\\]")


@dataclass(frozen=True)
class Span:
    """A stretch of text in one style."""

    text: str
    style: Style
    length: int
    """Characters of the source that it stands for; 0 within another span."""


def spans_of(source: str, before: str, *, whole: bool) -> Iterator[Span]:
    """The stretches of ``source`` that are certain, each with its share of the source; the sum of these is what may be forgotten."""
    place = 0
    while place < len(source):
        mark = source[place]
        previous = source[place - 1] if place else before
        if not SPECIAL.match(mark):
            found = SPECIAL.search(source, place)
            end = found.start() if found else len(source)
            yield Span(source[place:end], (), end - place)
            place = end
            continue
        closing = _closing(source, place, previous, whole=whole)
        if closing is None:
            if not whole and len(source) - place < LONGEST_SPAN:
                return
            closing = _Found(0, ())
        if not closing.length:  # no mark after all
            end = place + (1 if mark == "\\" else _run(source, place))
            yield Span(source[place:end], (), end - place)
            place = end
            continue
        yield from _inner(source[place : place + closing.length], closing)
        place += closing.length


@dataclass(frozen=True)
class _Found:
    """A marked stretch: its length with both marks (0: the mark is text like any other), style, characters of each mark."""

    length: int
    style: Style
    mark: int = 0
    nested: bool = False
    """Whether there may be marks inside."""


def _closing(source: str, place: int, previous: str, *, whole: bool) -> _Found | None:
    """What the special character at ``place`` begins; None: what comes next decides."""
    mark, rest = source[place], source[place : place + LONGEST_SPAN]
    if mark == "\\":
        if len(rest) < 2:
            return _Found(0, ()) if whole else None
        if rest[1] == "(":
            end = rest.find("\\)")
            return _Found(end + 2, (), 0) if end > 0 else None
        return _Found(2, (), 1) if rest[1] in ESCAPABLE else _Found(0, ())
    run = _run(rest, 0)
    if run == len(rest):
        return _Found(0, ()) if whole else None
    if mark == "`":
        found = re.search(rf"(?<!`)`{{{run}}}(?!`)", rest[run:])
        return _Found(run + found.end(), CODE, run) if found and (whole or run + found.end() < len(rest)) else None
    if mark == "$":
        if run > 2 or rest[run].isspace() or (run == 1 and previous.isalnum()):
            return _Found(0, ())
        found = re.search(rf"(?<=[^\s\\])\${{{run}}}(?![\d$])", rest[run:])
        return _Found(run + found.end(), (), 0) if found and (whole or run + found.end() < len(rest)) else None
    if run > (1 if mark == "_" else 3) or rest[run].isspace() or previous.isalnum():
        return _Found(0, ())
    closed = _end_of_emphasis(rest, run)
    if closed is None or (not whole and closed == len(rest)):
        return None
    return _Found(closed, {1: ITALIC, 2: BOLD, 3: (*BOLD, *ITALIC)}[run], run, nested=True)


def _run(source: str, place: int) -> int:
    """How often the character at ``place`` is repeated there."""
    end = place + 1
    while end < len(source) and source[end] == source[place]:
        end += 1
    return end - place


def _end_of_emphasis(rest: str, run: int) -> int | None:
    """Where the emphasis that begins ``rest`` with ``run`` marks ends, code and mathematics inside skipped."""
    mark = re.escape(rest[0])
    pattern = rf"(`+)(?!`).*?(?<!`)\1(?!`)|\$[^$\s][^$]*\$|\\.|(?<![\s{mark}]){mark}{{{run}}}(?![\w{mark}])"
    for found in re.finditer(pattern, rest[run:]):
        if found.group()[0] == rest[0]:
            return run + found.end()
    return None


def _inner(source: str, found: _Found) -> Iterator[Span]:
    """A marked stretch without its marks; its whole length is counted on its last span."""
    if source.startswith("\\") and found.mark:
        yield Span(source[1:], (), 2)
        return
    text = source[found.mark : len(source) - found.mark]
    if found.style == CODE and text[:1] == text[-1:] == " " and text.strip():
        text = text[1:-1]
    inner = list(spans_of(text, " ", whole=True)) if found.nested else [Span(text, (), 0)]
    for number, span in enumerate(inner, start=1):
        yield Span(span.text, (*found.style, *span.style), len(source) if number == len(inner) else 0)
