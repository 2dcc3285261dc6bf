"""The rules that every dataset row obeys, whatever file it came from; the system turn and the hashes of rows.

Readers (plugins) turn a format into rows with the keys of ``KEYS``; here a row becomes an ``Example`` or a reason why not.
Knows nothing of tokens, of tutors, of which rows are alike and of the formats other than JSON.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from adapters_hub.errors import DataError
from adapters_hub.types import Example, Message, Role

KEYS = ("messages", "expected", "tags", "difficulty", "id")
"""Keys of a row; all but ``messages`` are optional."""

ROLES = ("system", "user", "assistant")

DEEPEST = 32
"""Levels that ``expected`` may nest: validators walk it recursively."""

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, lone surrogates and non-characters: no text has them on purpose, and many tokenizers fail on them."""


# --- rows in, examples out -----------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One row as it stands in a file."""

    where: str
    """``file:line``"""
    value: Any


@dataclass(frozen=True)
class Flaw:
    """A stretch of a file that is no row at all."""

    where: str
    reason: str


class BadRow(ValueError):
    """A row cannot be used; ``reasons`` has all of its faults."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def usable(rows: Iterable[Row | Flaw], name: str, native: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None) -> list[Example]:
    """All rows of the file ``name`` as examples; ``native`` turns a row of another format into one with the keys of ``KEYS``.

    Raises DataError with every bad row in ``details``."""
    examples: list[Example] = []
    bad: list[str] = []
    count = 0
    for row in rows:
        count += 1
        try:
            if isinstance(row, Flaw):
                raise BadRow(row.reason)
            value = _object(row.value)
            examples.append(example_from(value if native is None else native(value), row.where))
        except BadRow as error:
            bad.append(f"{row.where}: {error}")
    if bad:
        raise DataError(
            f"{name}: {len(bad)} of {count} rows cannot be used",
            hint='a row reads {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}',
            details=bad,
        )
    return examples


def example_from(value: Any, where: str = "") -> Example:
    """The example that a row with the keys of ``KEYS`` means; a value of None counts as absent. Raises BadRow with all faults.

    A row ends with the assistant's turn. Only one that says what is ``expected`` may end with the question: such a row can be
    asked but not learned."""
    row = _object(value)
    faults = unknown_keys(row, KEYS)
    messages = _messages(row.get("messages"), faults)
    if messages:
        _check_turns(messages, faults, question_only=row.get("expected") is not None)
    _check_value(row.get("expected"), "expected", faults)
    tags = _tags(row.get("tags"), faults)
    difficulty = row.get("difficulty")
    if difficulty is not None and (type(difficulty) is not int or difficulty not in (1, 2, 3)):
        shown = str(difficulty)[:20] if type(difficulty) in (int, float) else ""
        faults.append(f"difficulty must be 1, 2 or 3, not {shown}" if shown else wrong_kind("difficulty", "1, 2 or 3", difficulty))
    if row.get("id") is not None and not isinstance(row["id"], str):
        faults.append(wrong_kind("id", "a text", row["id"]))
    if faults:
        raise BadRow(*faults)
    return Example(messages, row.get("expected"), tags, difficulty, where, row.get("id") or "")


def unknown_keys(row: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """One fault for each key that is not known, with the nearest right name; keys without a value are let pass."""
    return [f"unknown key {_quoted(key)}{_guess(key, known)}" for key, value in row.items() if key not in known and value is not None]


def wrong_kind(place: str, wanted: str, value: Any) -> str:
    """The fault of a value that is something else than ``wanted``."""
    return f"{place}: {value.reason}" if isinstance(value, Refused) else f"{place} must be {wanted}, not {_kind(value)}"


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names: tuple[tuple[type, str], ...] = (
        (bool, "true or false"), (str, "a text"), (int, "a number"), (float, "a number"), (Mapping, "an object"), (Sequence, "a list")
    )  # fmt: skip
    return next((name for type_, name in names if isinstance(value, type_)), f"a {type(value).__name__}")


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Refused):
        raise BadRow(value.reason)
    if not isinstance(value, Mapping):
        raise BadRow(wrong_kind("a row", "an object {...}", value))
    return value


def _messages(value: Any, faults: list[str]) -> tuple[Message, ...]:
    """The turns, as far as they can be read at all; an empty tuple when one cannot."""
    if value is None:
        faults.append("messages is missing")
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        faults.append(wrong_kind("messages", "a list", value))
        return ()
    if not value:
        faults.append("messages is empty")
    before = len(faults)
    turns: list[Message] = []
    for number, turn in enumerate(value, start=1):
        if not isinstance(turn, Mapping):
            faults.append(wrong_kind(f"turn {number}", "an object with role and content", turn))
            continue
        faults += [f"turn {number}: {fault}" for fault in unknown_keys(turn, ("role", "content"))]
        role, content = turn.get("role"), turn.get("content")
        if role not in ROLES:
            named = f"the role {_quoted(role)} is unknown{_guess(role, ROLES)}" if isinstance(role, str) else "role is missing"
            faults.append(f"turn {number}: {named}")
        if not isinstance(content, str):
            place = f"turn {number}: content"
            faults.append(f"{place} is missing" if content is None else wrong_kind(place, "a text", content))
        elif fault := text_fault(content):
            faults.append(f"turn {number}: {fault}")
        turns.append(Message(cast(Role, role), cast(str, content)))
    return tuple(turns) if len(faults) == before else ()


def _check_turns(messages: tuple[Message, ...], faults: list[str], *, question_only: bool) -> None:
    faults += [f"turn {number}: content is empty" for number, turn in enumerate(messages, start=1) if not turn.content.strip()]
    first = 1 if messages[0].role == "system" else 0
    for place, turn in enumerate(messages[first:]):
        wanted = ROLES[1 + place % 2]
        if turn.role != wanted:
            number = first + place + 1
            if turn.role == "system":
                faults.append(f"turn {number}: a system turn can only be the first")
            else:
                faults.append(f"turn {number}: wrong role order, here the {wanted} speaks, not the {turn.role}")
            break
    if not any(turn.role == "assistant" for turn in messages):
        if not question_only or messages[-1].role != "user":
            faults.append("no assistant turn")
    elif messages[-1].role == "user" and not question_only:
        faults.append("the last turn is the user's: nobody answers it")


def _tags(value: Any, faults: list[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        faults.append(wrong_kind("tags", "a list of texts", value))
        return ()
    for tag in value:
        if not isinstance(tag, str) or not tag.strip():
            faults.append("tags: a tag is empty" if isinstance(tag, str) else wrong_kind("tags: each", "a text", tag))
            return ()
        if fault := text_fault(tag):
            faults.append(f"tags: {fault}")
    return tuple(value)


def text_fault(text: str) -> str:
    """What makes a text unusable, or an empty string."""
    found = FORBIDDEN.search(text)
    if found is None:
        return ""
    code = ord(found.group())
    if 0xDC80 <= code <= 0xDCFF:
        return "not UTF-8: save the file as UTF-8"
    names = "half of a surrogate pair" if 0xD800 <= code <= 0xDFFF else "a control character" if code < 0xA0 else "a non-character"
    return f"{names} (U+{code:04X}) at position {found.start() + 1} of the text"


def value_faults(value: Any, place: str) -> list[str]:
    """What keeps ``value`` from being used as ``expected``; ``place`` is what to call it."""
    faults: list[str] = []
    _check_value(value, place, faults)
    return faults


def _check_value(value: Any, place: str, faults: list[str], depth: int = 0) -> None:
    """Refuse in ``expected`` what JSON cannot say, or what a validator could not walk through."""
    if depth > DEEPEST:
        faults.append(f"{place} is nested deeper than {DEEPEST} levels")
    elif isinstance(value, Refused):
        faults.append(f"{place}: {value.reason}")
    elif isinstance(value, str):
        if fault := text_fault(value):
            faults.append(f"{place}: {fault}")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if fault := text_fault(str(key)):
                faults.append(f"{place}: {fault}")
            _check_value(inner, place, faults, depth + 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check_value(inner, place, faults, depth + 1)


def _guess(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else f" (there is {', '.join(known)})"


def _quoted(text: object) -> str:
    """A short text from a file as it may be printed: nothing in it reaches the terminal raw."""
    shown = str(text)
    return ascii(shown[:40]) if FORBIDDEN.search(shown) else f"'{shown[:40]}'"


# --- JSON ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refused:
    """Stands in a parsed row where the text is JSON to Python but means nothing certain."""

    reason: str


def json_rows(data: bytes, name: str) -> list[Row | Flaw]:
    """The rows of the JSON file ``name``: one object a line, one list, or objects that span lines.

    UTF-8 with or without a byte order mark, lines ending in LF or CRLF, blank lines skipped. Never raises for bad content."""
    if fault := utf16_fault(data):
        return [Flaw(f"{name}:1", fault)]
    data = data.removeprefix(b"\xef\xbb\xbf")
    if _is_lines(data, name):
        return list(_line_rows(data, name))
    raw = data.split(b"\n")
    undecodable: list[Row | Flaw] = [
        Flaw(f"{name}:{number}", fault) for number, line in enumerate(raw, start=1) if (fault := _utf8_fault(line))
    ]
    return undecodable or _value_rows(data.decode("utf-8"), name)


def json_line(line: bytes, where: str) -> Row | Flaw:
    """One line of a file with one object a line; ``where`` is its ``file:line``. Never raises for bad content."""
    return _parsed(line, where)


def first_keys(data: bytes, name: str) -> frozenset[str] | None:
    """Keys of the first row that can be read, without parsing more than needed; None when there is none."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if _is_lines(data, name):
        start = 0
        while start < len(data):
            end = data.find(b"\n", start)
            end = len(data) if end < 0 else end
            row = _parsed(data[start:end], "")
            if isinstance(row, Row) and isinstance(row.value, dict):
                return frozenset(row.value)
            start = end + 1
        return None
    text = data.decode("utf-8", errors="replace")
    begin = _skip(text, 0)
    try:
        value, _ = _DECODER.raw_decode(text, _skip(text, begin + 1) if text[begin : begin + 1] == "[" else begin)
    except (ValueError, RecursionError):
        return None
    return frozenset(value) if isinstance(value, dict) else None


def _is_lines(data: bytes, name: str) -> bool:
    """The file holds one object a line, rather than one list, or (in a ``.json`` file) objects that span lines."""
    begin = data.lstrip(b" \t\r\n")
    if begin.startswith(b"["):
        return False
    return not name.lower().endswith(".json") or not begin.partition(b"\n")[0].rstrip().endswith((b"{", b"[", b","))


def _line_rows(data: bytes, name: str) -> Iterable[Row | Flaw]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield _parsed(line, f"{name}:{number}")


def _parsed(line: bytes, where: str) -> Row | Flaw:
    try:
        text = line.decode("utf-8").strip(" \t\r\n")
    except UnicodeDecodeError:
        return Flaw(where, _utf8_fault(line))
    try:
        value, end = _DECODER.raw_decode(text)
        if end < len(text):
            return Flaw(where, f"not valid JSON: something follows the object at column {end + 1}")
        return Row(where, value)
    except (ValueError, RecursionError) as error:
        return Flaw(where, _json_fault(error, text))


def _value_rows(text: str, name: str) -> list[Row | Flaw]:
    """The elements of one list, or objects one after another, each with the line it begins on."""
    rows: list[Row | Flaw] = []
    position = _skip(text, 0)
    in_list = text[position : position + 1] == "["
    position = _skip(text, position + 1) if in_list else position
    line, counted = 1, 0
    while position < len(text) and not (in_list and text[position] == "]"):
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            failed = min(getattr(error, "pos", position), len(text))
            line += text.count("\n", counted, failed)
            rows.append(Flaw(f"{name}:{line}", _json_fault(error, text) + "; later rows were not read"))
            return rows
        rows.append(Row(f"{name}:{line}", value))
        position = _skip(text, end)
        if in_list and text[position : position + 1] == ",":
            position = _skip(text, position + 1)
            if text[position : position + 1] == "]":
                rows.append(_flaw_at(text, position, name, "not valid JSON: a comma before the closing ]"))
        elif in_list and text[position : position + 1] != "]":
            fault = "truncated JSON: the list is not closed with ]" if position >= len(text) else "not valid JSON: a comma is missing"
            rows.append(_flaw_at(text, position, name, fault + ("" if position >= len(text) else "; later rows were not read")))
            return rows
    if in_list and position >= len(text):
        rows.append(_flaw_at(text, position, name, "truncated JSON: the list is not closed with ]"))
    elif in_list and _skip(text, position + 1) < len(text):
        rows.append(_flaw_at(text, _skip(text, position + 1), name, "not valid JSON: something follows the closing ]"))
    return rows


def _flaw_at(text: str, position: int, name: str, reason: str) -> Flaw:
    end = len(text.rstrip()) if position >= len(text) else position
    return Flaw(f"{name}:{1 + text.count(chr(10), 0, end)}", reason)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def utf16_fault(data: bytes) -> str:
    """Said once where a file is not UTF-8 but UTF-16, by its byte order mark or by so many zero bytes; else an empty string."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "this is UTF-16: save it as UTF-8"
    head = data[:1000]
    return "looks like UTF-16: save it as UTF-8" if head and head.count(0) * 4 >= len(head) else ""


def _utf8_fault(line: bytes) -> str:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.start + 1} of the line): save the file as UTF-8"
    return ""


def _json_fault(error: Exception, text: str) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if not isinstance(error, json.JSONDecodeError):
        return "a number has too many digits"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"truncated JSON: it ends in the middle of the row (column {error.colno})"
    return f"not valid JSON at column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Refused:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return Refused(f"the key {_quoted(twice)} appears twice in one object")
    return found


def _float_of(text: str) -> float | Refused:
    number = float(text)
    return number if math.isfinite(number) else Refused(f"the number {text[:20]} is too large")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_of, parse_float=_float_of, parse_constant=lambda name: Refused(f"{name} is not a JSON value")
)
_SPACE = re.compile(r"[ \t\r\n]*")


# --- from rows to lessons ------------------------------------------------------------------------


def with_system(examples: Iterable[Example], system_prompt: str) -> list[Example]:
    """The examples with ``system_prompt`` as their first turn, save those that have a system turn of their own."""
    if not system_prompt.strip():
        return list(examples)
    turn = Message("system", system_prompt)
    return [
        example if example.messages and example.messages[0].role == "system" else replace(example, messages=(turn, *example.messages))
        for example in examples
    ]


def conversation_sha256(example: Example) -> str:
    """SHA-256 of what is said, without the system turn; differences of white space and of Unicode composition do not count."""
    turns = [turn for turn in example.messages if turn.role != "system"]
    spoken = "\0".join(f"{turn.role}\0{' '.join(unicodedata.normalize('NFC', turn.content).split())}" for turn in turns)
    return hashlib.sha256(spoken.encode("utf-8")).hexdigest()


def dataset_sha256(examples: Iterable[Example]) -> str:
    """SHA-256 of all rows in order, exactly as they are but for the places they came from."""
    digest = hashlib.sha256()
    for example in examples:
        turns = [[turn.role, turn.content] for turn in example.messages]
        row = [turns, example.expected, example.tags, example.difficulty]
        digest.update(json.dumps(row, ensure_ascii=True, sort_keys=True, default=str).encode() + b"\n")
    return digest.hexdigest()
