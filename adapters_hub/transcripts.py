"""Conversations as data, in memory and as JSON. Knows nothing of where they are kept, and nothing of how answers come about.

The JSON document (schema 1) that ``document_of`` writes and ``records_of`` reads::

    {"schema": 1, "kind": "adapters_hub conversations", "exported": "2026-11-21T17:30:00Z", "conversations": [
      {"id": "k7m2qd", "created": "...", "changed": "...",
       "tutor": "sql", "run": "20261121T101500Z-3f2a", "adapter": "<sha256>", "base": "Qwen/...", "fingerprint": "<sha256>",
       "turns": [
         {"role": "user", "content": "...", "when": "..."},
         {"role": "assistant", "content": "...", "when": "...", "tutor": "sql", "run": "...", "stopped": false,
          "verdict": {"outcome": "incorrect", "code": "...", "reason": "...", ...} or null,
          "tries": [{"text": "...", "finish": "stop", "seconds": 1.2, "verdict": {...} or null}, ...]}]}]}

Times are ISO 8601 in UTC. Turns alternate, the user first; a last question may be without answer. ``tries`` is there where the tutor tried
more than once. Unknown keys are let pass; paths of the machine are never written.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, cast

from adapters_hub.datasets import FORBIDDEN, Flaw, json_line, text_fault, utf16_fault, wrong_kind
from adapters_hub.errors import DataError
from adapters_hub.types import Message, Outcome, Role, Verdict
from adapters_hub.workspace import NAME_RULE

SCHEMA = 1
KIND = "adapters_hub conversations"
LARGEST_DOCUMENT = 64 << 20
"""Bytes of a document that is read."""
MOST_CONVERSATIONS = 10_000
MOST_TURNS = 10_000
"""In one conversation."""
MOST_TRIES = 16
"""Of one answer; a tutor's settings allow six."""
LONGEST_TEXT = 1 << 22
"""Characters of one text."""
LONGEST_WORD = 500
"""Characters of an id, a time, a name or a hash."""
LARGEST_FIGURE = 1e9
"""Seconds or scores."""
MOST_FAULTS = 50
"""Faults after which a document is not looked through any further."""
ID = re.compile("[a-z][a-z0-9]{3,15}")
CLOCK = "%Y-%m-%dT%H:%M:%SZ"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FINISHES = ("stop", "length", "cancelled", "failed")


@dataclass(frozen=True)
class Try:
    """One answer that a model gave to a question, shown or not."""

    text: str
    verdict: Verdict | None = None
    finish: str = "stop"
    """``stop``, ``length``, ``cancelled``, or ``failed`` when the engine gave up in the middle."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Turn:
    """What one side said."""

    role: Role
    content: str
    tutor: str = ""
    """Who answered; empty for the user, ``base`` for the bare base."""
    verdict: Verdict | None = None
    stopped: bool = False
    """The user, or a fault, cut the answer short."""
    run: str = ""
    """Run of the tutor that answered; empty for the user and the bare base."""
    when: str = ""
    """ISO 8601, UTC."""
    tries: tuple[Try, ...] = ()
    """All tries, the one shown included, where there was more than one."""

    @property
    def message(self) -> Message:
        """The turn as the engine wants it."""
        return Message(self.role, self.content)


@dataclass(frozen=True)
class Binding:
    """With whom a conversation is held, and over what."""

    tutor: str
    run: str = ""
    """Empty: the bare base."""
    adapter: str = ""
    """SHA-256 over the hashes of the adapter's files."""
    base: str = ""
    """The base as configured."""
    fingerprint: str = ""
    """Of the base's shape, from the run's manifest."""
    folder: str = ""
    """The tutor's folder on this machine; never exported."""


@dataclass(frozen=True)
class Record:
    """A whole conversation."""

    id: str
    created: str
    """ISO 8601, UTC; so is ``changed``."""
    changed: str
    binding: Binding
    turns: tuple[Turn, ...]


def now() -> str:
    """This moment, ISO 8601 in UTC."""
    return datetime.now(timezone.utc).strftime(CLOCK)


def here(time: str) -> str:
    """A time as the clock on the wall here shows it, to the minute; what is none stays as it is."""
    try:
        return datetime.strptime(time, CLOCK).replace(tzinfo=timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return time or "-"


def cleaned(text: str) -> str:
    """``text`` without what JSON or a database cannot hold, or what has no business in a text: each replaced by U+FFFD."""
    return FORBIDDEN.sub("\ufffd", text)


# --- writing -------------------------------------------------------------------------------------


def document_of(records: Sequence[Record]) -> dict[str, Any]:
    """The JSON document of these conversations, as plain data."""
    return {"schema": SCHEMA, "kind": KIND, "exported": now(), "conversations": [conversation_document(record) for record in records]}


def conversation_document(record: Record) -> dict[str, Any]:
    """One conversation as plain data."""
    binding = {key: value for key, value in dataclasses.asdict(record.binding).items() if key != "folder"}
    turns = [turn_document(turn) for turn in record.turns]
    return {"id": record.id, "created": record.created, "changed": record.changed, **binding, "turns": turns}


def turn_document(turn: Turn) -> dict[str, Any]:
    """One turn as plain data; what only answers have is left out of questions."""
    document: dict[str, Any] = {"role": turn.role, "content": cleaned(turn.content), "when": turn.when}
    if turn.role == "assistant":
        document |= {"tutor": turn.tutor, "run": turn.run, "stopped": turn.stopped, "verdict": verdict_document(turn.verdict)}
        if turn.tries:
            document["tries"] = [try_document(made) for made in turn.tries]
    return document


def try_document(made: Try) -> dict[str, Any]:
    """One try as plain data."""
    document = {"text": cleaned(made.text), "finish": made.finish, "seconds": made.seconds}
    return {**document, "verdict": verdict_document(made.verdict)}


def verdict_document(verdict: Verdict | None) -> dict[str, Any] | None:
    """A verdict as plain data."""
    if verdict is None:
        return None
    return {key: cleaned(value) if isinstance(value, str) else value for key, value in dataclasses.asdict(verdict).items()}


# --- reading -------------------------------------------------------------------------------------


def records_of(data: bytes, name: str) -> tuple[Record, ...]:
    """The conversations of a JSON document; ``name`` is what to call it.

    Raises DataError with all that is wrong with it (up to ``MOST_FAULTS``)."""
    if len(data) > LARGEST_DOCUMENT:
        raise DataError(f"{name} is too large: it has more than {LARGEST_DOCUMENT >> 20} MiB")
    if fault := utf16_fault(data):
        raise DataError(f"{name}: {fault}")
    parsed = json_line(data.removeprefix(b"\xef\xbb\xbf"), name)
    if isinstance(parsed, Flaw):
        raise DataError(f"{name}: {parsed.reason}")
    document = parsed.value
    if not isinstance(document, Mapping) or document.get("kind") != KIND:
        raise DataError(f"{name} holds no conversations", hint="hub logs export writes such a file")
    schema = document.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        newer = isinstance(schema, int) and schema > SCHEMA
        raise DataError(f"{name} has the schema {schema!a:.40}, this is {SCHEMA}", hint="upgrade adapters-hub" if newer else "")
    reading = _Reading()
    records = tuple(
        record
        for number, value in enumerate(reading.items(document, "conversations", MOST_CONVERSATIONS, name), start=1)
        if (record := reading.record(value, f"conversation {number}")) is not None
    )
    if reading.faults:
        raise DataError(f"{name} cannot be imported", details=reading.faults)
    return records


def turn_of(document: Mapping[str, Any]) -> Turn:
    """The turn that ``turn_document`` wrote. Raises DataError when it has been damaged since."""
    reading = _Reading()
    turn = reading.turn(document, "turn")
    if turn is None or reading.faults:
        raise DataError("a turn is damaged", details=reading.faults)
    return turn


class _Reading:
    """Takes a document apart and keeps what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def record(self, value: Any, place: str) -> Record | None:
        if not self.is_object(value, place):
            return None
        id = self.word(value, "id", place)
        if not ID.fullmatch(id):
            self.fault(f"{place}: id must be 4 to 16 small letters and digits, a letter first")
        created, changed = (self.time(value, key, place) for key in ("created", "changed"))
        binding = Binding(*(self.word(value, key, place) for key in ("tutor", "run", "adapter", "base", "fingerprint")))
        if not binding.tutor:
            self.fault(f"{place}: tutor is missing")
        self.is_name(binding.tutor, place)
        turns = []
        for number, item in enumerate(self.items(value, "turns", MOST_TURNS, place), start=1):
            turn = self.turn(item, f"{place}, turn {number}")
            if turn is not None and turn.role != ("user" if number % 2 else "assistant"):
                self.fault(f"{place}, turn {number}: turns must alternate, the user first")
                break
            if turn is not None:
                self.is_name(turn.tutor, f"{place}, turn {number}")
            turns.append(turn)
        if value.get("turns") == []:
            self.fault(f"{place}: turns is empty")
        return Record(id, created, changed, binding, tuple(turn for turn in turns if turn is not None))

    def turn(self, value: Any, place: str) -> Turn | None:
        if not self.is_object(value, place):
            return None
        role = value.get("role")
        if role not in ("user", "assistant"):
            self.fault(f"{place}: role must be user or assistant")
            return None
        content, when = self.text(value, "content", place), self.time(value, "when", place)
        if role == "user":
            return Turn("user", content, when=when)
        stopped = value.get("stopped", False)
        if not isinstance(stopped, bool):
            self.fault(wrong_kind(f"{place}: stopped", "true or false", stopped))
        items = self.items(value, "tries", MOST_TRIES, place) if "tries" in value else []
        tries = tuple(made for item in items if (made := self.made(item, f"{place}, try")) is not None)
        verdict = self.verdict(value.get("verdict"), place)
        tutor, run = self.word(value, "tutor", place), self.word(value, "run", place)
        return Turn(cast(Role, role), content, tutor, verdict, stopped is True, run, when, tries)

    def made(self, value: Any, place: str) -> Try | None:
        if not self.is_object(value, place):
            return None
        finish = value.get("finish", "stop")
        if finish not in FINISHES:
            self.fault(f"{place}: finish must be one of {', '.join(FINISHES)}")
        return Try(self.text(value, "text", place), self.verdict(value.get("verdict"), place), str(finish), _figure(value.get("seconds")))

    def verdict(self, value: Any, place: str) -> Verdict | None:
        """Only texts and numbers of the right kind are taken: a verdict is shown, and decides nothing any more."""
        if value is None or not self.is_object(value, f"{place}: verdict"):
            return None
        if value.get("outcome") not in typing.get_args(Outcome):
            self.fault(f"{place}: the verdict's outcome must be one of {', '.join(typing.get_args(Outcome))}")
            return None
        given: dict[str, Any] = {}
        for field in dataclasses.fields(Verdict):
            item = value.get(field.name)
            if field.name in ("score", "seconds"):
                given[field.name] = _figure(item)
            elif field.name == "warnings":
                codes = item if isinstance(item, (list, tuple)) else ()
                given[field.name] = tuple(code[:LONGEST_WORD] for code in codes[:MOST_FAULTS] if isinstance(code, str))
            elif field.name == "span":
                pair = (
                    isinstance(item, (list, tuple))
                    and len(item) == 2
                    and all(type(end) is int and 0 <= end <= LONGEST_TEXT for end in item)
                )
                given[field.name] = tuple(item) if pair else None
            elif item is not None:
                given[field.name] = self.text(value, field.name, f"{place}: verdict")
        return Verdict(**given)

    def is_name(self, tutor: str, place: str) -> None:
        """A path would open what lies there when the conversation goes on."""
        if tutor and not NAME_RULE.fullmatch(tutor):
            self.fault(f"{place}: tutor must be a name like sql")

    def is_object(self, value: Any, place: str) -> bool:
        if isinstance(value, Mapping):
            return True
        self.fault(wrong_kind(place, "an object {...}", value))
        return False

    def items(self, value: Mapping[str, Any], key: str, most: int, place: str) -> Sequence[Any]:
        found = value.get(key)
        if not isinstance(found, (list, tuple)):
            self.fault(wrong_kind(f"{place}: {key}", "a list", found))
            return ()
        if len(found) > most:
            self.fault(f"{place}: {key} has {len(found)} entries, where {most} are read")
            return ()
        return found if len(self.faults) < MOST_FAULTS else ()

    def text(self, value: Mapping[str, Any], key: str, place: str, longest: int = 0) -> str:
        found, longest = value.get(key), longest or LONGEST_TEXT
        if not isinstance(found, str):
            self.fault(wrong_kind(f"{place}: {key}", "a text", found))
            return ""
        if len(found) > longest:
            self.fault(f"{place}: {key} has {len(found)} characters, where {longest} are read")
            return ""
        if fault := text_fault(found):
            self.fault(f"{place}: {key}: {fault}")
        return found

    def word(self, value: Mapping[str, Any], key: str, place: str) -> str:
        found = self.text(value, key, place, LONGEST_WORD) if value.get(key) is not None else ""
        if len(found.splitlines()) > 1:
            self.fault(f"{place}: {key} must be one line")
        return found

    def time(self, value: Mapping[str, Any], key: str, place: str) -> str:
        found = self.word(value, key, place)
        if found and not _is_time(found):
            self.fault(f"{place}: {key} must be a time like 2026-11-21T17:30:00Z")
        return found

    def fault(self, text: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


def _is_time(text: str) -> bool:
    try:
        return bool(TIME.fullmatch(text) and datetime.strptime(text, CLOCK))
    except ValueError:  # the 31st of a month that has 30 days
        return False


def _figure(value: Any) -> float:
    """A number that is only shown: what is none counts as 0."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < LARGEST_FIGURE
    return float(value) if usable else 0.0
