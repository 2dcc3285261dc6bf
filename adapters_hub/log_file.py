"""The file of the log: one SQLite database per user that nobody else can read, whose failures are told in one line.

``<data folder>/conversations/log.db`` (mode 600, its folder 700). Knows its tables; knows nothing of what a conversation is.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from adapters_hub.errors import HubError, ResourceError, RightsError, from_os_error
from adapters_hub.trust import state_folder
from adapters_hub.workspace import shown, write_json

BUSY_SECONDS = 5.0
"""How long to wait for another process that is writing."""

MIGRATIONS = (
    """
    CREATE TABLE conversations (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created TEXT NOT NULL, changed TEXT NOT NULL,
        tutor TEXT NOT NULL, run TEXT NOT NULL, adapter TEXT NOT NULL, base TEXT NOT NULL, fingerprint TEXT NOT NULL, folder TEXT NOT NULL
    );
    CREATE TABLE turns (
        number INTEGER PRIMARY KEY AUTOINCREMENT, conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
        position INTEGER NOT NULL, content TEXT NOT NULL, facts TEXT NOT NULL, UNIQUE (conversation, position)
    );
    CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
)
"""What brings a file from schema N to N + 1; the schema of a file is its ``user_version``. ``facts``: the turn as JSON without content."""
INDEX = """
    CREATE VIRTUAL TABLE IF NOT EXISTS words
    USING fts5(content, content='turns', content_rowid='number', tokenize="unicode61 remove_diacritics 2")
"""
STALE = "index is stale"
"""Note left by a process whose SQLite has no full-text search."""


# --- where, and whether --------------------------------------------------------------------------


def log_path(environ: Mapping[str, str] = os.environ) -> Path:
    """The file of the log: below ``HUB_HOME``, else below the system's usual folder for a user's data."""
    if environ.get("HUB_HOME"):
        home = Path(os.path.expanduser(environ["HUB_HOME"]))
    else:
        import platformdirs

        home = Path(platformdirs.user_data_dir("adapters-hub", appauthor=False))
    return home / "conversations" / "log.db"


def logging_is_on(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this user wants conversations kept: yes until ``hub logs off``; no where the answer cannot be read."""
    try:
        return json.loads((state_folder(environ) / "logs.json").read_text(encoding="utf-8"))["on"] is True
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def switch_logging(on: bool, environ: Mapping[str, str] = os.environ) -> None:
    """Keep conversations from now on, or keep none; those that are there stay."""
    write_json(state_folder(environ) / "logs.json", {"schema": 1, "on": on})


# --- opening -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LogFile:
    """The open file."""

    connection: sqlite3.Connection
    """In autocommit mode, for any thread as long as one at a time uses it. Knows the SQL function ``folded``."""
    indexed: bool
    """The full-text index ``words`` is there and complete; whoever writes keeps it so, or leaves the note ``STALE``."""


def open_log_file(path: Path, fold: Callable[[str], str], *, full_text: bool = True) -> LogFile:
    """Open the file, made and brought to the present schema where needed. ``fold``: how texts are compared without the index."""
    with told(path):
        _make_private(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.create_function("folded", 1, fold, deterministic=True)
            with suppress(sqlite3.OperationalError):  # another process is switching it on, or the file system cannot have it
                connection.execute("PRAGMA journal_mode = WAL")
            for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
            with transaction(connection):
                _migrate(connection, path)
                indexed = full_text and _has_index(connection)
        except BaseException:  # also Ctrl-C: no open file stays behind
            connection.close()
            raise
    return LogFile(connection, indexed)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; waits for other writers first, so that it never fails in the middle."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # also Ctrl-C: half a turn is no turn
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _make_private(path: Path) -> None:
    """The file, empty where it is new, and its folder: nobody else may look into them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if os.name == "nt":  # a user's data folder is closed to others there
        return
    for file, mode in ((path.parent, 0o700), (path, 0o600), (Path(f"{path}-wal"), 0o600), (Path(f"{path}-shm"), 0o600)):
        with suppress(FileNotFoundError):
            if file.stat().st_mode & 0o777 != mode:
                file.chmod(mode)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise HubError(f"{shown(path)} was written by a newer adapters_hub", hint="upgrade adapters-hub")
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    if version < len(MIGRATIONS):
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _has_index(connection: sqlite3.Connection) -> bool:
    """Make the full-text index where SQLite can, and mend one that a process without it has left behind."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'words'").fetchone()
    try:
        connection.execute(INDEX)
        connection.execute("SELECT 1 FROM words LIMIT 0")
    except sqlite3.OperationalError as error:
        if "fts5" in str(error) or "module" in str(error) or "tokenizer" in str(error):
            return False
        raise
    if not known or connection.execute("DELETE FROM notes WHERE key = ?", (STALE,)).rowcount:
        connection.execute("INSERT INTO words(words) VALUES ('rebuild')")
    return True


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say what a failure of SQLite means."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, f"write {shown(path)}") from error
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text:
            raise ResourceError(f"cannot write {shown(path)}: the disk is full", hint="free some disk space") from error
        if "readonly" in text or "read-only" in text:
            raise RightsError(
                f"cannot write {shown(path)}: it is read-only", hint="make it and its folder writable for your user"
            ) from error
        if "locked" in text or "busy" in text:
            raise HubError(f"{shown(path)} is being written by another process", hint="try again in a moment") from error
        if "not a database" in text or "malformed" in text or "encrypted" in text:
            raise HubError(f"{shown(path)} is damaged ({text})", hint="move it away: a new one is made then") from error
        raise HubError(f"{shown(path)} cannot be used: {text}", hint="hub logs path says where it is") from error
