"""The log: this user's conversations, kept so that they can be listed, searched, continued and removed.

One transaction for each turn: a crash loses the turn in flight at most, and several processes may write at once. What is removed is
overwritten. Knows what a conversation is (``transcripts``) and where it is kept (``log_file``); knows nothing of how answers come about,
and nothing of terminals.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.log_file import STALE, log_path, logging_is_on, open_log_file, switch_logging, told, transaction
from adapters_hub.transcripts import LONGEST_TEXT, Binding, Record, Turn, cleaned, now, turn_document, turn_of

__all__ = ["ConversationLog", "Diverged", "Hit", "Imported", "Removed", "Summary", "log_path", "logging_is_on", "new_id", "switch_logging"]

LETTERS, DIGITS = "abcdefghjkmnpqrstvwxyz", "23456789"
"""Of ids: nothing that looks like something else."""
ID_LENGTH = 6
MOST_WORDS = 30
"""Of a search; further ones are not looked for."""
AROUND = 60
"""Characters of a turn that a hit shows before what was found, and twice as many after it."""

NEWEST = "ORDER BY changed DESC, (SELECT max(number) FROM turns WHERE conversation = conversations.number) DESC"
BINDING = ("tutor", "run", "adapter", "base", "fingerprint", "folder")


@dataclass(frozen=True)
class Summary:
    """A conversation in a list."""

    id: str
    created: str
    changed: str
    tutor: str
    run: str
    base: str
    turns: int
    question: str
    """The first one."""


@dataclass(frozen=True)
class Hit:
    """A turn in which something was found."""

    id: str
    """Of the conversation."""
    position: int
    """Of the turn, from 0."""
    role: str
    tutor: str
    """With whom the conversation is held."""
    when: str
    excerpt: str


@dataclass(frozen=True)
class Imported:
    """What became of the conversations of a document."""

    added: tuple[str, ...]
    """Ids under which they are kept now."""
    known: tuple[str, ...]
    """Ids of those that were here already, word for word."""


class Diverged(HubError):
    """Another process went on with the same conversation."""


class Removed(NotFoundError):
    """The conversation was removed meanwhile."""


class ConversationLog:
    """Conversations in one SQLite file, made when it is not there. Any thread may use it.

    Everything raises HubError with one clear line: a full disk, a file that may not be written, that is damaged, busy, or from a newer
    adapters_hub."""

    def __init__(self, path: Path, *, full_text: bool = True) -> None:
        """Open or make the file. Without ``full_text``, and where SQLite lacks FTS5, searching reads every turn."""
        self.path = path
        self.is_new = not path.exists()
        """The file was made just now."""
        self._lock = threading.Lock()
        file = open_log_file(path, _folded, full_text=full_text)
        self._connection, self._indexed = file.connection, file.indexed

    def close(self) -> None:
        """Let go of the file; twice is fine."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    # --- writing ---

    def begin(self, binding: Binding, turns: Sequence[Turn]) -> str:
        """A new conversation with its first turns; returns its id, 6 letters and digits."""
        with self._transaction() as connection:
            id = _begin(connection, binding, turns[0].when or now())
            for position, turn in enumerate(turns):
                self._append(connection, _number(connection, id), position, turn)
            return id

    def rebind(self, id: str, binding: Binding) -> None:
        """From now on the conversation is held with another tutor, or over another run."""
        with self._transaction() as connection:
            settings = ", ".join(f"{key} = ?" for key in BINDING)
            values = [cleaned(getattr(binding, key)) for key in BINDING]
            connection.execute(f"UPDATE conversations SET {settings} WHERE id = ?", (*values, id))

    def append(self, id: str, position: int, turn: Turn) -> None:
        """Add a turn in a transaction of its own: when this returns, it survives a crash. Beyond 4 Mi characters it is cut off.

        Raises ``Removed`` when there is no such conversation any more, ``Diverged`` when it has more or fewer turns than ``position``."""
        with self._transaction() as connection:
            number = _number(connection, id, position)
            self._append(connection, number, position, turn)
            connection.execute("UPDATE conversations SET changed = ? WHERE number = ?", (turn.when or now(), number))

    def cut(self, id: str, length: int, *, present: int = -1) -> None:
        """Keep the first ``length`` turns, of ``present`` ones; without any the conversation goes too. Raises as ``append`` does."""
        with self._transaction() as connection:
            number = _number(connection, id, present)
            self._cut(connection, number, length)
            if not length:
                connection.execute("DELETE FROM conversations WHERE number = ?", (number,))

    def replace(self, id: str, position: int, turns: Sequence[Turn], *, present: int) -> None:
        """Put ``turns`` in place of all from ``position`` on, of ``present`` ones; in one transaction, so that a crash leaves either.

        Raises as ``append`` does."""
        with self._transaction() as connection:
            number = _number(connection, id, present)
            self._cut(connection, number, position)
            for place, turn in enumerate(turns, start=position):
                self._append(connection, number, place, turn)
            connection.execute("UPDATE conversations SET changed = ? WHERE number = ?", (turns[-1].when or now(), number))

    def remove(self, ids: Iterable[str]) -> int:
        """Remove conversations for good: their bytes are overwritten. Returns how many there were."""
        with self._transaction() as connection:
            removed = sum(connection.execute("DELETE FROM conversations WHERE id = ?", (id,)).rowcount for id in ids)
            if self._indexed:
                connection.execute("INSERT INTO words(words) VALUES ('rebuild')")
            self._leave_note(connection)
        with self._lock:
            for tidying in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                with suppress(sqlite3.OperationalError):  # another process is at work in the file: whoever closes it last does it
                    self._connection.execute(tidying)
        return removed

    def take_in(self, records: Sequence[Record]) -> Imported:
        """Add conversations from elsewhere, all or none. One whose id is taken by another gets a new id."""
        added, known = [], []
        with self._transaction() as connection:
            for record in records:
                present = connection.execute("SELECT number FROM conversations WHERE id = ?", (record.id,)).fetchone()
                if present is not None and self._record(connection, record.id).turns == record.turns:
                    known.append(record.id)
                    continue
                id = _begin(connection, record.binding, record.created or now(), wanted="" if present else record.id)
                number = _number(connection, id)
                for position, turn in enumerate(record.turns):
                    self._append(connection, number, position, turn)
                changed = min(record.changed or record.created or now(), now())  # a clock that is ahead would make it the last for ever
                connection.execute("UPDATE conversations SET changed = ? WHERE number = ?", (changed, number))
                added.append(id)
        return Imported(tuple(added), tuple(known))

    def _cut(self, connection: sqlite3.Connection, number: int, length: int) -> None:
        rows = connection.execute("SELECT number, content FROM turns WHERE conversation = ? AND position >= ?", (number, length))
        for turn, content in rows.fetchall():
            if self._indexed:
                connection.execute("INSERT INTO words(words, rowid, content) VALUES ('delete', ?, ?)", (turn, content))
            connection.execute("DELETE FROM turns WHERE number = ?", (turn,))
        self._leave_note(connection)

    def _append(self, connection: sqlite3.Connection, number: int, position: int, turn: Turn) -> None:
        facts = turn_document(turn)
        content = str(facts.pop("content"))[:LONGEST_TEXT]
        row = (number, position, content, json.dumps(facts, ensure_ascii=False))
        added = connection.execute("INSERT INTO turns (conversation, position, content, facts) VALUES (?, ?, ?, ?)", row).lastrowid
        if self._indexed:
            connection.execute("INSERT INTO words(rowid, content) VALUES (?, ?)", (added, content))
        self._leave_note(connection)

    def _leave_note(self, connection: sqlite3.Connection) -> None:
        if not self._indexed:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, '1')", (STALE,))

    # --- reading ---

    def list(self, *, most: int = -1, tutor: str = "", before: str = "") -> tuple[Summary, ...]:
        """Conversations, the one with the newest turn first; ``before``: only those without a turn since that time (ISO 8601, UTC)."""
        query = f"""
            SELECT id, created, changed, tutor, run, base, (SELECT count(*) FROM turns WHERE conversation = conversations.number),
                   coalesce((SELECT content FROM turns WHERE conversation = conversations.number ORDER BY position LIMIT 1), '')
            FROM conversations WHERE (? = '' OR tutor = ?) AND (? = '' OR changed < ?) {NEWEST} LIMIT ?"""
        with self._reading() as connection:
            return tuple(Summary(*row) for row in connection.execute(query, (tutor, tutor, before, before, most)))

    def show(self, id: str) -> Record:
        """The conversation whose id begins with ``id``. Raises NotFoundError, and UsageError where several do."""
        with self._reading() as connection:
            wanted = id.strip().lower()
            query = "SELECT id FROM conversations WHERE substr(id, 1, length(?)) = ? AND ? != '' ORDER BY id"
            found = [row[0] for row in connection.execute(query, (wanted, wanted, wanted))]
            if wanted in found or len(found) == 1:
                return self._record(connection, wanted if wanted in found else found[0])
        if found:
            raise UsageError(f"several conversations begin with {wanted!a:.40}: {', '.join(found[:10])}", hint="type more of the id")
        raise NotFoundError(f"there is no conversation {wanted!a:.40}", hint="hub logs lists them")

    def latest(self, *, tutor: str = "", home: Path | None = None) -> Record | None:
        """The conversation with the newest turn; with ``home``, of those held with tutors in that folder (imported ones included)."""
        inside = "" if home is None else os.path.join(home.absolute(), "")
        query = f"""
            SELECT id FROM conversations WHERE (? = '' OR tutor = ?)
            AND (? = '' OR folder = '' OR substr(folder, 1, length(?)) = ?) {NEWEST} LIMIT 1"""
        with self._reading() as connection:
            row = connection.execute(query, (tutor, tutor, inside, inside, inside)).fetchone()
            return None if row is None else self._record(connection, row[0])

    def search(self, text: str, *, most: int = 20, tutor: str = "") -> tuple[Hit, ...]:
        """Turns that hold every word of ``text`` (or its beginning; what stands in double quotes as a whole), newest first.

        Accents and capitals make no difference. Nothing in ``text`` is syntax that could fail."""
        parts = re.findall(r'"([^"]*)"|([^\s"]+)', cleaned(text))
        sought = [" ".join(part.split()) for pair in parts for part in pair if part.strip()][:MOST_WORDS]
        if not sought:
            raise UsageError("what is to be searched for?", hint='hub logs search "..."')
        columns = "conversations.id, turns.position, turns.content, turns.facts, conversations.tutor"
        joined = "JOIN conversations ON conversations.number = turns.conversation WHERE (? = '' OR conversations.tutor = ?)"
        spoken = [part for part in sought if any(character.isalnum() for character in part)]
        if self._indexed and spoken == sought:
            match = " ".join(f'"{part}"*' for part in spoken)
            query = f"SELECT {columns} FROM words JOIN turns ON turns.number = words.rowid {joined} AND words MATCH ?"
            values: tuple[Any, ...] = (tutor, tutor, match)
        else:
            query = f"SELECT {columns} FROM turns {joined}" + " AND instr(folded(turns.content), ?) > 0" * len(sought)
            values = (tutor, tutor, *map(_folded, sought))
        with self._reading() as connection:
            rows = connection.execute(f"{query} ORDER BY turns.number DESC LIMIT ?", (*values, most)).fetchall()
        hits = []
        for id, position, content, facts, name in rows:
            turn = _turn(content, facts)
            hits.append(Hit(id, position, turn.role, name, turn.when, _excerpt(content, sought)))
        return tuple(hits)

    def _record(self, connection: sqlite3.Connection, id: str) -> Record:
        row = connection.execute(f"SELECT number, created, changed, {', '.join(BINDING)} FROM conversations WHERE id = ?", (id,)).fetchone()
        turns = connection.execute("SELECT content, facts FROM turns WHERE conversation = ? ORDER BY position", (row[0],))
        return Record(id, row[1], row[2], Binding(*row[3:]), tuple(_turn(*turn) for turn in turns))

    # --- the connection ---

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, told(self.path):
            yield self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, told(self.path), transaction(self._connection):
            yield self._connection


def new_id() -> str:
    """6 letters and digits, easily typed; a letter first."""
    return secrets.choice(LETTERS) + "".join(secrets.choice(LETTERS + DIGITS) for _ in range(ID_LENGTH - 1))


def _begin(connection: sqlite3.Connection, binding: Binding, when: str, wanted: str = "") -> str:
    keys = ("id", "created", "changed", *BINDING)
    values = [cleaned(getattr(binding, key)) for key in BINDING]
    while True:
        id = wanted or new_id()
        if connection.execute("SELECT 1 FROM conversations WHERE id = ?", (id,)).fetchone() is None:
            marks = ", ".join("?" * len(keys))
            connection.execute(f"INSERT INTO conversations ({', '.join(keys)}) VALUES ({marks})", (id, when, when, *values))
            return id


def _number(connection: sqlite3.Connection, id: str, present: int = -1) -> int:
    """Of the conversation, which has ``present`` turns."""
    row = connection.execute("SELECT number FROM conversations WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise Removed(f"the conversation {id} was removed")
    (length,) = connection.execute("SELECT count(*) FROM turns WHERE conversation = ?", row).fetchone()
    if present not in (-1, length):
        raise Diverged(f"another process went on with the conversation {id}")
    return int(row[0])


def _turn(content: str, facts: str) -> Turn:
    try:
        return turn_of({**json.loads(facts), "content": content})
    except (ValueError, TypeError, RecursionError) as error:
        raise HubError(f"a turn of the log is damaged ({error})") from error


def _folded(text: str) -> str:
    """Small letters without accents, as many characters as ``text`` has once it is composed."""
    return "".join(unicodedata.normalize("NFD", character)[0].lower()[:1] for character in unicodedata.normalize("NFC", text))


def _excerpt(content: str, sought: Sequence[str]) -> str:
    """The stretch of one line around the first thing that was found."""
    text = " ".join(unicodedata.normalize("NFC", content).split())
    folded = _folded(text)
    places = [place for part in sought if (place := folded.find(_folded(part))) >= 0]
    start = max(0, min(places, default=0) - AROUND)
    end = start + 3 * AROUND
    return ("…" if start else "") + text[start:end].strip() + ("…" if end < len(text) else "")
