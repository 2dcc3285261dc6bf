"""Everything about an answer, its question and its row that can be known before anything runs; the work of the killable workers.

Hostile text may exhaust the parser's stack or take for ever, so it is read in a child process. Knows nothing of verdicts.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub_code.blocks import LONGEST, MOST, Block, find_blocks
from hub_code.claims import Agreement, Claim, agreement, output_claim, prose_claim
from hub_code.costs import Cost, cost_claims
from hub_code.exam import Exam, make_exam
from hub_code.promise import Promise
from hub_code.reading import DocExample, SourceReading, examples_in, read_source


@dataclass(frozen=True)
class Piece:
    """One block of an answer with all that was read in it and about it."""

    block: Block
    reading: SourceReading
    quoted: bool = False
    """It repeats code of the question."""
    demonstrates_error: bool = False
    """The words around it announce an error."""
    session: tuple[DocExample, ...] = ()
    output: Claim | None = None
    """What the text behind it says it prints."""
    costs: tuple[Cost, ...] = ()
    unordered: bool = False
    """It or the code it builds on makes sets."""
    changing: bool = False
    """It or the code it builds on gives other results in another run."""
    before: str = ""
    """The code that it builds on."""
    missing: frozenset[str] = frozenset()
    """Names that it uses and nobody defines."""


@dataclass(frozen=True)
class Version:
    """A program that holds the promised name."""

    sources: tuple[str, ...]
    """The whole code, and its definitions alone."""
    piece: int
    name: str
    """What the function is called there."""
    missing: frozenset[str] = frozenset()
    quoted: bool = False


@dataclass(frozen=True)
class Preparation:
    """What ``prepare`` found."""

    pieces: tuple[Piece, ...] = ()
    too_much: str = ""
    """Why the answer was not read to its end."""
    versions: tuple[Version, ...] = ()
    """Programs that hold the promised function, the most likely one first."""
    promise: Promise | None = None
    """What the row promises, under the name that its tests use."""
    exam: Exam | None = None
    other_exam: Exam | None = None
    """The same with the tests' own classes defined beside the answer; None where they define none."""
    asked: str = ""
    """The function that the question asks for by name."""
    asked_count: int = -1
    """With so many parameters; -1: unknown."""
    helpers: tuple[tuple[str, str], ...] = ()
    """Functions and classes that the question gives, each with the source that defines it."""
    mentioned: frozenset[str] = frozenset()
    """Names that the question uses as code does."""
    spoken: frozenset[str] = frozenset()
    """All its words."""
    reference: SourceReading | None = None
    somewhere: bool = False
    """The promised name is defined in text that could not be read as code."""


Order = tuple[str, Any]


def work(order: Order) -> Any:
    """What a worker does: ``("prepare", (answer, question, promise))`` or ``("agree", [(claim, output), ...])``."""
    kind, given = order
    if kind == "prepare":
        return prepare(*given)
    return agreements(given)


def agreements(pairs: Sequence[tuple[Claim, str]]) -> list[Agreement]:
    """Which claims hold."""
    return [agreement(claim, output) for claim, output in pairs]


def prepare(answer: str, question: str, promise: Promise | None) -> Preparation:
    """Read the answer against its question and row."""
    promise = _named(promise)
    found = _whole_or_parts(find_blocks(answer), answer)
    if len(found) > MOST:
        return Preparation(too_much="blocks")
    if any(len(block.source) > LONGEST for block in found):
        return Preparation(too_much="length")
    given = [block for block in find_blocks(question[:LONGEST]) if len(block.source) <= LONGEST][:8]
    given_readings = [read_source(block.source) for block in given]
    pieces = [_piece(answer, question, block, found[number + 1 :]) for number, block in enumerate(found)]
    pieces = [piece for piece in pieces if piece.block.marked or not piece.reading.error]
    asked, count = _asked(question)
    name = promise.name if promise and promise.name else ""
    helpers = [
        (bound, block.source)
        for block, reading in zip(given, given_readings, strict=True)
        if not reading.error
        for bound in (*reading.functions, *reading.classes)
    ]
    supply = [(block.source, reading) for block, reading in zip(given, given_readings, strict=True) if not reading.error]
    if promise and promise.setup:
        supply.append((promise.setup, _offered(read_source(promise.setup), question)))
    whole = [number for number, piece in enumerate(pieces) if not piece.reading.error and not piece.block.session]
    for number in whole:
        sources, missing = _assembled(pieces, number, whole, supply)
        before = "\n\n".join(sources[:-1]) + "\n"
        context = [pieces[number].reading, *([read_source(before)] if before.strip() else [])]
        pieces[number] = replace(
            pieces[number],
            before=before,
            missing=missing,
            unordered=any(reading.unordered for reading in context),
            changing=any(reading.changing for reading in context),
        )
    versions = tuple(_versions(pieces, name, supply, re.search(rf"\b{name}\b", question) is None)) if name else ()
    return Preparation(
        tuple(pieces),
        versions=versions,
        promise=promise,
        exam=make_exam(promise) if promise and (promise.tests or promise.check) else None,
        other_exam=make_exam(promise, move_classes=True) if promise and "class " in promise.setup + promise.tests else None,
        asked=asked,
        asked_count=count,
        helpers=tuple(helpers),
        mentioned=_used_as_code(question[:LONGEST], given),
        spoken=frozenset(re.findall(r"[^\W\d]\w*", question[:LONGEST])),
        somewhere=bool(name and re.search(rf"\b(?:def|class)\s+{name}\b|^\s*{name}\s*=", answer, re.MULTILINE)),
        reference=read_source(promise.reference) if promise and promise.reference else None,
    )


def _offered(setup: SourceReading, question: str) -> SourceReading:
    """What of the tests' setup an answer may build on: not a helper nobody told it of, which may be the solution itself."""
    words = frozenset(re.findall(r"[^\W\d]\w*", question[:LONGEST]))
    return replace(setup, bound=setup.bound & (words | setup.classes | frozenset(setup.imported)))


def _named(promise: Promise | None) -> Promise | None:
    """The promise with the name that its tests or its reference leave no doubt about."""
    if promise is None or promise.name:
        return promise
    names = set(make_exam(promise).needs) - sys.stdlib_module_names
    if promise.reference:
        names = set(read_source(promise.reference).functions)
    return replace(promise, name=names.pop()) if len(names) == 1 else promise


def _whole_or_parts(found: tuple[Block, ...], answer: str) -> tuple[Block, ...]:
    """An answer that is all code, or else the runs of code in it."""
    alone = len(found) == 1 and not found[0].fenced and found[0].span == (0, len(answer)) and len(answer) <= LONGEST
    return find_blocks(answer, whole=False) if alone and read_source(found[0].source).error else found


# --- one block -----------------------------------------------------------------------------------

_ANNOUNCES_ERROR = re.compile(
    r"\berror(?:es)?\b|excepci[oó]n|\bfalla\b|\bfallar[aá]\b|\brompe|\blanza|\bgenera un|provoca|incorrect|equivocad|\bmal\b|no funciona"
    r"|sintaxis|\bbugs?\b|depura|traceback|❌|✗|no hagas|evita|as[ií] no|cuidado|infinit|nunca termina"
    r"|\b[A-Z]\w*(?:Error|Exception)\b|sin terminar|interrump",
    re.IGNORECASE,
)


_TELLING_NAME = re.compile(
    r"(?:^|_|\b)(?:mal[oa]?|errone[oa]|incorrect[oa]|rot[oa]|bug|wrong|bad|broken)(?:_|\b)", re.IGNORECASE | re.MULTILINE
)


def _piece(answer: str, question: str, block: Block, following: Sequence[Block]) -> Piece:
    begin, end = block.span
    reading = read_source(block.source)
    after = _after(answer, end) if block.fenced else end
    next_code = following[0].span[0] if following else len(answer)
    before = answer[max(0, begin - 400) : begin].rsplit("```", 2)[0 if answer[max(0, begin - 400) : begin].count("```") < 2 else 1]
    behind = answer[after : min(next_code, after + 300)]
    sentences = re.split(r"\n\s*\n", before.strip())[-1] + "\n" + re.split(r"\n\s*\n", behind.strip())[0]
    session = tuple(examples_in(answer[begin:end].replace("\r\n", "\n"))) if block.session else ()
    announced = any(_ANNOUNCES_ERROR.search(text) for text in (sentences, reading.comments))
    return Piece(
        block,
        reading,
        quoted=_quotes(block.source, question),
        demonstrates_error=announced or _TELLING_NAME.search(block.source) is not None,
        session=session,
        unordered=reading.unordered,
        changing=reading.changing,
        output=output_claim(answer, after) or prose_claim(answer, after, next_code),
        costs=tuple(cost_claims(answer, after, next_code)) if not reading.error else (),
    )


def _after(answer: str, end: int) -> int:
    """Position behind the fence that closes at ``end``."""
    stop = answer.find("\n", end)
    return stop + 1 if stop >= 0 else len(answer)


def _quotes(source: str, question: str) -> bool:
    """It is the learner's own code, line for line."""
    lines = _bare_lines(source)
    return bool(lines) and "\n".join(["", *lines, ""]) in "\n".join(["", *_bare_lines(question), ""])


def _bare_lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.split("\n") if line.strip() and not line.strip().startswith(("#", "```"))]


def _used_as_code(question: str, blocks: Sequence[Block]) -> frozenset[str]:
    """Names in code, between marks, before parentheses, or that are no word of a language: prose may say "igual" without meaning one."""
    marked = re.findall(r"[`«\"'“]([^\W\d]\w*)[`»\"'”(]|\b([^\W\d]\w*)\(|\b(?=\w*[_\d])([^\W\d]\w*)", question)
    names = {name for found in marked for name in found if name}
    return frozenset(names.union(*(re.findall(r"[^\W\d]\w*", block.source) for block in blocks)))


_ASKED = re.compile(
    r"(?:funci[oó]n|m[eé]todo|function|hacer|hago|escrib\w+|programar?|implementa\w*|necesito|quiero|piden|ayuda con|define|crea)\s+"
    r"(?:una |la |el |llamada |que se llame )*`{0,2}(?P<name>[A-Za-z_]\w*)\((?P<parameters>[^()\n]{0,120})\)",
    re.IGNORECASE,
)


def _asked(question: str) -> tuple[str, int]:
    """Name and number of parameters of the function that the question asks for; an empty name where it names none, or two."""
    found = {match["name"]: match["parameters"] for match in _ASKED.finditer(question[:20_000])}
    if len(found) != 1:
        return "", -1
    name, parameters = next(iter(found.items()))
    parts = [part.strip() for part in parameters.split(",")] if parameters.strip() else []
    plain = all(re.fullmatch(r"[A-Za-z_]\w*(?:\s*:\s*[\w\[\], ]+)?", part) for part in parts)
    return name, len(parts) if plain else -1


# --- programs ------------------------------------------------------------------------------------


def _versions(pieces: Sequence[Piece], name: str, supply: Sequence[tuple[str, SourceReading]], nameless: bool) -> list[Version]:
    """Every block that holds the promised name, the last one first, each with the blocks it builds on; what is quoted comes last.

    ``nameless``: the question does not say what the function is to be called, so a single function of another name will do."""
    whole = [number for number, piece in enumerate(pieces) if not piece.reading.error and not piece.block.session]
    holding = [number for number in whole if name in pieces[number].reading.bound]
    holding.sort(key=lambda number: (pieces[number].quoted, -number))
    found = [(number, name) for number in holding]
    if not found and nameless:
        functions = [(number, function) for number in whole if not pieces[number].quoted for function in pieces[number].reading.functions]
        found = functions if len(functions) == 1 else []
    return [_version(pieces, number, called, whole, supply) for number, called in found[:3]]


def _version(pieces: Sequence[Piece], number: int, name: str, whole: Sequence[int], supply: Sequence[tuple[str, SourceReading]]) -> Version:
    full, missing = _assembled(pieces, number, whole, supply)
    bare, _ = _assembled(pieces, number, whole, supply, bare=True)
    sources = tuple(dict.fromkeys("\n\n".join(parts) + "\n" for parts in (full, bare)))
    return Version(sources, number, name, missing, pieces[number].quoted)


def _assembled(
    pieces: Sequence[Piece], number: int, whole: Sequence[int], supply: Sequence[tuple[str, SourceReading]], bare: bool = False
) -> tuple[list[str], frozenset[str]]:
    """The block, before it whatever defines the names that it lacks, and the names that nobody defines.

    An earlier block that uses such a name may change what it holds, so it belongs to them."""
    chosen = {number}
    extra: list[str] = []
    lacking = set(pieces[number].reading.free)
    settled: set[str] = set()
    while lacking - settled:
        wanted = min(lacking - settled)
        settled.add(wanted)
        earlier = [other for other in whole if other < number and wanted in pieces[other].reading.bound | pieces[other].reading.free]
        defining = [other for other in whole if wanted in pieces[other].reading.bound and other != number]
        found = set(earlier) if any(other in defining for other in earlier) else set(defining[:1])
        for other in found - chosen:
            lacking |= pieces[other].reading.free
        chosen |= found
        if not found and wanted not in pieces[number].reading.bound:
            source = next((source for source, reading in supply if wanted in reading.bound), None)
            if source is not None and source not in extra:
                extra.append(source)
    ordered = [*sorted(chosen - {number}), number]
    supplied = [reading.bound for source, reading in supply if source in extra]
    bound = frozenset().union(*supplied, *(pieces[other].reading.bound for other in ordered))
    needed = frozenset().union(*(pieces[other].reading.free for other in ordered))
    texts = [definitions(pieces[other].block.source, pieces[other].reading) if bare else pieces[other].block.source for other in ordered]
    return [*extra, *texts], needed - bound


def definitions(source: str, reading: SourceReading) -> str:
    """The source with everything but definitions, imports and constants blanked: lines stay where they are."""
    lines = source.split("\n")
    keep: set[int] = set()
    drop: set[int] = set()
    for statement in reading.statements:
        rows = range(statement.first, statement.last + 1)
        (keep if statement.kind == "define" else drop).update(rows)
    return "\n".join(line if number in keep and number not in drop else "" for number, line in enumerate(lines, 1))
