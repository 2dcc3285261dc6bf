"""An answer's own demonstrations, run statement by statement so that every ``print`` can be held against what is said about it.

Knows how to run them and what they printed. Whether that proves anything is not decided here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters_hub.sandbox import Failure, Guest, Sandbox
from hub_code.claims import Claim, comment_claim
from hub_code.preparing import Piece
from hub_code.reading import DocExample, Statement
from hub_code.running import Budget, Mishap, mishap, shown

MOST_EXAMPLES = 40


@dataclass(frozen=True)
class Printed:
    """What one statement, or the whole block, printed."""

    source: str
    """The statement; empty for the whole block."""
    claim: Claim
    output: str
    line: int = 0


@dataclass(frozen=True)
class Performance:
    """A block that was run."""

    printed: tuple[Printed, ...] = ()
    """Only what something is said about."""
    problem: Mishap | None = None
    """What ended it early."""
    statement: str = ""
    """The statement that did."""
    context: bool = False
    """It was the code before this block that failed."""
    ran: int = 0
    """Statements that are demonstrations and ran."""


def perform(sandbox: Sandbox, before: str, piece: Piece, budget: Budget, *, whole: bool = True) -> Performance:
    """Run a block as a program after the code it builds on. ``whole``: the text behind it may be held against its entire output."""
    with sandbox.start(budget.limits()) as guest:
        try:
            guest.run("__name__ = '__main__'\n" + before, "before")
        except Failure as failure:
            return Performance(problem=mishap(failure, guest), context=True)
        skipped = len(guest.stdout)
        printed: list[Printed] = []
        ran = 0
        if piece.session:
            return _session(guest, piece.session)
        for chunk in _chunks(piece):
            start = len(guest.stdout)
            try:
                output = _run(guest, chunk)
            except Failure as failure:
                return Performance(tuple(printed), mishap(failure, guest), chunk.text.strip()[:300], ran=ran)
            ran += chunk.demonstrates
            if chunk.claim is not None:
                source = chunk.text.rstrip()[: -len(chunk.comment)].rstrip(" \t#") if chunk.comment else chunk.text
                printed.append(Printed(source.strip(), chunk.claim, guest.stdout[start:] + output, chunk.first))
        if piece.output is not None and whole:
            printed.append(Printed("", piece.output, guest.stdout[skipped:]))
        documented = _documented(guest, piece.reading.examples)
        return Performance((*printed, *documented), ran=ran)


@dataclass(frozen=True)
class _Chunk:
    first: int
    last: int
    text: str
    claim: Claim | None = None
    comment: str = ""
    expression: bool = False
    demonstrates: bool = False


def _chunks(piece: Piece) -> Iterator[_Chunk]:
    """Statements in order; those that a comment says something about stand alone."""
    lines = piece.block.source.split("\n")
    labels = _labels(piece.reading.statements)
    group: list[Statement] = []

    def grouped() -> Iterator[_Chunk]:
        if group:
            first, last = group[0].first, max(statement.last for statement in group)
            yield _Chunk(first, last, "\n".join(lines[first - 1 : last]), demonstrates=any(one.kind != "define" for one in group))
            group.clear()

    for statement in piece.reading.statements:
        claim = comment_claim(statement.comment) if statement.single and statement.comment and not labels else None
        if claim is None:
            group.append(statement)
            continue
        yield from grouped()
        text = "\n".join(lines[statement.first - 1 : statement.last])
        yield _Chunk(statement.first, statement.last, text, claim, statement.comment, statement.kind != "print", True)
    yield from grouped()


def _labels(statements: Sequence[Statement]) -> bool:
    """The comments number the lines, "# 1", "# 2" ..., rather than say what comes out."""
    numbers = [int(statement.comment) for statement in statements if statement.comment.isdecimal() and len(statement.comment) < 4]
    return len(numbers) > 1 and numbers == list(range(1, len(numbers) + 1))


def _run(guest: Guest, chunk: _Chunk) -> str:
    """Run it; gives what an interpreter would show of an expression."""
    if not chunk.expression:
        guest.run("\n" * (chunk.first - 1) + chunk.text)
        return ""
    value = guest.evaluate(f"(\n{chunk.text}\n)")
    return "" if value is None else shown(value)


def _session(guest: Guest, examples: Sequence[DocExample]) -> Performance:
    printed: list[Printed] = []
    for number, example in enumerate(examples[:MOST_EXAMPLES]):
        try:
            output = _shown_by(guest, example.source)
        except Failure as failure:
            return Performance(tuple(printed), mishap(failure, guest), example.source.strip(), ran=number)
        if example.want.strip():
            printed.append(Printed(example.source.strip(), Claim(example.want, explicit=True, whole=True), output, example.line))
    return Performance(tuple(printed), ran=len(examples))


def _documented(guest: Guest, examples: Sequence[DocExample]) -> Iterator[Printed]:
    """Examples of docstrings; one that fails says nothing, since it may lean on what is not there."""
    for example in examples[:MOST_EXAMPLES]:
        with contextlib.suppress(Failure):
            output = _shown_by(guest, example.source)
            if example.want.strip():
                yield Printed(example.source.strip(), Claim(example.want, explicit=True, whole=True), output, example.line)
        if guest.ended:
            return


def _shown_by(guest: Guest, source: str) -> str:
    """What an interactive interpreter shows for this input."""
    start = len(guest.stdout)
    try:
        value = guest.evaluate(f"(\n{source}\n)")
    except Failure as failure:
        if failure.kind != "syntax":
            raise
        guest.run(source, "session")
        value = None
    return guest.stdout[start:] + ("" if value is None else shown(value))
