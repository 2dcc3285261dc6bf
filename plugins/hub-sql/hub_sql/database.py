"""A SQLite database behind bars: read-only, private, one statement a call, and every call with a limit on time, rows and bytes.

Three doors lead in: a database file, a script of CREATE and INSERT, and statements of a conversation. Whatever comes through them is
untrusted, and so are the queries. Nothing here may run in the program itself, only in a killable worker: SQLite is C code, and the
heap limit that is set belongs to the whole process.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import sqlite3
import stat
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hub_sql.tokens import code, statements

Row = tuple[Any, ...]

LONGEST_STATEMENT = 20_000
"""Characters of a statement that is looked at."""
LONGEST_VALUE = 1_000_000
"""Bytes of one value, where SQLite can be told (Python 3.11 and later)."""
HEAP = 192 << 20
"""Bytes SQLite may allocate in this process."""
LARGEST_FILE = 64 << 20
MOST_TABLES = 100
MOST_COLUMNS = 200
STEPS = 2000
"""Virtual machine instructions between two looks at the clock."""

FORBIDDEN_FUNCTIONS = frozenset(
    (
        "load_extension",
        "fts3_tokenizer",
        "zeroblob",
        "randomblob",
        "printf",
        "format",
        "readfile",
        "writefile",
        "edit",
        "eval",
        "sqlite_log",
    )
)
"""They load code, touch files, or make large values out of nothing."""
UNSTABLE_FUNCTIONS = frozenset(("random", "randomblob", "current_timestamp", "current_date", "current_time", "changes", "total_changes"))
"""They give another value at every call or every day."""


class DatabaseError(Exception):
    """The tutor's database cannot be used; says why, in Spanish."""


class Trouble(Exception):
    """A statement did not come to an end.

    ``kind``: ``time``, ``rows`` (too many rows or bytes), ``memory``, ``forbidden`` (the authorizer said no), ``limit`` (a limit of
    SQLite that says nothing about right and wrong), ``error`` (SQLite's own complaint)."""

    def __init__(self, kind: Literal["time", "rows", "memory", "forbidden", "limit", "error"], message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Deadline:
    """The moment when a judgement has to be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then."""
        return self._end - time.monotonic()

    def within(self, seconds: float) -> Deadline:
        """The earlier of this one and ``seconds`` from now."""
        return Deadline(max(0.0, min(seconds, self.left)))


@dataclass(frozen=True)
class Result:
    """What a query gave."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass
class Uses:
    """What a statement touches, as SQLite's authorizer saw it."""

    columns: set[tuple[str, str]] = field(default_factory=set)
    """(table, column) in small letters; an empty column where only rows are counted."""
    functions: set[str] = field(default_factory=set)
    denied: list[str] = field(default_factory=list)

    @property
    def tables(self) -> set[str]:
        """Names of the tables, in small letters."""
        return {table for table, _ in self.columns}


class Guarded:
    """A database that can only be asked. Made by ``sealed``, ``opened`` and ``scratch``."""

    def __init__(self, connection: sqlite3.Connection, *, changes: bool = False) -> None:
        """Takes over ``connection``; with ``changes`` INSERT and its like may be compiled, which only ``compile`` does."""
        self._connection = connection
        self._uses = Uses()
        self._changes = changes
        self._asked = itertools.count()
        weakref.finalize(self, connection.close)
        connection.isolation_level = None
        connection.text_factory = _text
        _limit(connection)
        connection.set_authorizer(self._authorize)

    def compile(self, statement: str) -> Uses:
        """Let SQLite read and bind one statement without running it; raises Trouble."""
        self._uses = uses = Uses()
        with self._translated(Deadline(2.0)):
            self._connection.execute(f"EXPLAIN {self._as_new(statement)}").close()
        return uses

    def run(self, query: str, deadline: Deadline, *, max_rows: int = 10_000, max_bytes: int = 4 << 20) -> Result:
        """All rows of one query; raises Trouble."""
        self._uses = Uses()
        rows: list[Row] = []
        size = 0
        with self._translated(deadline):
            cursor = self._connection.execute(self._as_new(query))
            with contextlib.closing(cursor):
                columns = tuple(str(column[0]) for column in cursor.description or ())
                for row in cursor:
                    rows.append(row)
                    size += 16 * len(row) + sum(len(value) for value in row if isinstance(value, (str, bytes)))
                    if len(rows) > max_rows or size > max_bytes:
                        raise Trouble("rows", f"more than {max_rows} rows or {max_bytes} bytes")
        return Result(columns, tuple(rows))

    def columns(self, query: str, deadline: Deadline) -> tuple[str, ...]:
        """The names of the columns of a query, without reading its rows; raises Trouble."""
        self._uses = Uses()
        with self._translated(deadline), contextlib.closing(self._connection.execute(self._as_new(query))) as cursor:
            return tuple(str(column[0]) for column in cursor.description or ())

    def _as_new(self, statement: str) -> str:
        """The statement with a number: one that sqlite3 has kept from before would not pass the authorizer again."""
        if len(statement) > LONGEST_STATEMENT:
            raise Trouble("limit", f"more than {LONGEST_STATEMENT} characters")
        return f"{statement}\n-- {next(self._asked)}"

    def close(self) -> None:
        """Forget the database."""
        self._connection.close()

    @contextlib.contextmanager
    def _translated(self, deadline: Deadline) -> Iterator[None]:
        """Stop at the deadline, and say Trouble for whatever goes wrong."""
        if deadline.left <= 0:
            raise Trouble("time", "no time is left")
        self._connection.set_progress_handler(lambda: 1 if deadline.left <= 0 else 0, STEPS)
        try:
            yield
        except MemoryError:
            raise Trouble("memory", "out of memory") from None
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, UnicodeError) as error:
            raise self._trouble(error, deadline) from None

    def _trouble(self, error: Exception, deadline: Deadline) -> Trouble:
        message = str(error)
        low = message.lower()
        if self._uses.denied:
            return Trouble("forbidden", self._uses.denied[0])
        if "interrupted" in low:
            return Trouble("time", "the query takes too long")
        if "out of memory" in low or "too big" in low:
            return Trouble("memory", message)
        if not isinstance(error, (sqlite3.Error, sqlite3.Warning)) or any(word in low for word in _LIMITS):
            return Trouble("limit", message)
        return Trouble("error", message)

    def _authorize(self, action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
        uses = self._uses
        if action == sqlite3.SQLITE_SELECT or action == sqlite3.SQLITE_RECURSIVE:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            uses.columns.add(((first or "").lower(), (second or "").lower()))
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            name = (second or "").lower()
            uses.functions.add(name)
            if name not in FORBIDDEN_FUNCTIONS:
                return sqlite3.SQLITE_OK
            uses.denied.append(name)
            return sqlite3.SQLITE_DENY
        if self._changes and action in _CHANGES:
            return sqlite3.SQLITE_OK
        uses.denied.append(first or second or f"action {action}")
        return sqlite3.SQLITE_DENY


_CHANGES = frozenset(
    (
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_REINDEX,
    )
)
"""What a statement that is only compiled may contain."""
_BUILDING = frozenset(
    (
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_REINDEX,
    )
)
"""What a script that makes a database may do."""
_LIMITS = (
    "too large",
    "too many",
    "too complex",
    "too deep",
    "stack overflow",
    "at most 64",
    "null character",
    "embedded null",
    "could not decode",
    "one statement at a time",
    "nesting",
    "supply a value for binding",
    "incorrect number of bindings",
    "malformed",
    "disk image",
    "not a database",
    "corrupt",
    "disk i/o",
    "unable to open",
    "database schema",
    "unsafe use of",
)
"""Complaints that speak of a limit, of a damaged database or of parameters, not of a wrong query."""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _limit(connection: sqlite3.Connection, *, writable: bool = False) -> None:
    """The recommendations of SQLite's page on security that the standard library can follow."""
    for pragma in (
        "trusted_schema = 0",
        "cell_size_check = 1",
        "mmap_size = 0",
        "temp_store = 2",
        "recursive_triggers = 0",
        "cache_size = -8000",
        f"hard_heap_limit = {HEAP}",
        *(() if writable else ("query_only = 1",)),
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    if hasattr(connection, "setlimit"):  # Python 3.11; before, statements and results are only measured
        for limit, value in (
            ("LENGTH", LONGEST_VALUE if not writable else 8 * LONGEST_VALUE),
            ("SQL_LENGTH", 5 * LONGEST_STATEMENT),
            ("COLUMN", MOST_COLUMNS),
            ("EXPR_DEPTH", 200),
            ("COMPOUND_SELECT", 100),
            ("VDBE_OP", 200_000),
            ("FUNCTION_ARG", 100),
            ("ATTACHED", 0),
            ("LIKE_PATTERN_LENGTH", 1000),
            ("VARIABLE_NUMBER", 250),
            ("TRIGGER_DEPTH", 5),
            ("WORKER_THREADS", 0),
        ):
            connection.setlimit(getattr(sqlite3, f"SQLITE_LIMIT_{limit}"), value)
    if hasattr(connection, "setconfig"):  # Python 3.12
        for name, value in (("DEFENSIVE", True), ("ENABLE_TRIGGER", False), ("ENABLE_LOAD_EXTENSION", False)):
            connection.setconfig(getattr(sqlite3, f"SQLITE_DBCONFIG_{name}"), value)


# --- making one ----------------------------------------------------------------------------------


def sealed(made: sqlite3.Connection, *, reverse: bool = False) -> Guarded:
    """A private read-only copy of a database that was made in memory; ``made`` is closed."""
    file = _private_file()
    try:
        with contextlib.closing(made), contextlib.closing(sqlite3.connect(file)) as target:
            target.execute("PRAGMA synchronous = 0")  # the file is gone before a crash could harm it
            target.execute("PRAGMA journal_mode = OFF")
            made.backup(target)
        return opened(file, reverse=reverse)
    finally:
        discard(file)


def private_copy(content: bytes) -> Path:
    """A database file of our own with these bytes; raises DatabaseError when it is damaged."""
    file = _private_file()
    file.write_bytes(content)
    problem = "la base de datos está dañada"
    try:
        with contextlib.closing(reading(file)) as connection:
            deadline = Deadline(5.0)
            connection.set_progress_handler(lambda: 1 if deadline.left <= 0 else 0, STEPS)
            virtual = "SELECT count(*) FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'"
            if connection.execute(virtual).fetchone()[0]:
                problem = "la base de datos tiene tablas virtuales"
            elif connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok":
                return file
    except (sqlite3.Error, MemoryError, TypeError) as error:
        problem += f" ({str(error)[:100]})"
    discard(file)
    raise DatabaseError(problem)


def reading(file: Path) -> sqlite3.Connection:
    """A read-only connection for statements of our own."""
    connection = _connect(file)
    try:
        connection.text_factory = _text
        _limit(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def opened(file: Path, *, reverse: bool = False) -> Guarded:
    """Open ``file`` behind bars; its name may go away then.

    ``reverse``: tables are read backwards, so what no ORDER BY decides comes out otherwise."""
    connection = _connect(file)
    try:
        if reverse:
            connection.execute("PRAGMA reverse_unordered_selects = 1")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return Guarded(connection)
    except BaseException:
        connection.close()
        raise


def discard(file: Path) -> None:
    """Take the name of a private file away, open or not: then a killed worker leaves nothing behind."""
    try:
        file.unlink(missing_ok=True)
    except OSError:  # Windows keeps the name of an open file
        atexit.register(_remove, file)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False, cached_statements=0)


def _private_file() -> Path:
    """An empty file that only this user may read."""
    # the name tells whose it is: this runs in a child of the process that judges
    handle, name = tempfile.mkstemp(prefix=f"hub-sql-{os.getppid()}-", suffix=".sqlite")
    os.close(handle)
    return Path(name)


def read_file(path: Path) -> bytes:
    """The bytes of a regular file of bearable size; raises DatabaseError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise DatabaseError(f"{path.name} no es un archivo")
            if status.st_size > LARGEST_FILE:
                raise DatabaseError(f"{path.name} es demasiado grande")
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DatabaseError(f"no se puede leer {path.name} ({error.strerror})") from None


def built(script: str, deadline: Deadline, *, only: Callable[[str], bool] = lambda statement: True) -> sqlite3.Connection:
    """A database in memory from a script of CREATE, INSERT, UPDATE and DELETE; raises DatabaseError with the first statement that fails.

    Pragmas and transactions are passed over; ``only`` says which of the other statements count."""
    connection = empty()
    denied: list[str] = []
    connection.set_progress_handler(lambda: 1 if deadline.left <= 0 else 0, STEPS)
    connection.set_authorizer(lambda *words: _authorize_building(denied, *words))
    for start, end in statements(script):
        statement = script[start:end]
        word = code(statement[:200])[0].upper
        if word in ("PRAGMA", "BEGIN", "COMMIT", "END") or not only(statement):
            continue
        try:
            connection.execute(statement).close()
        except (sqlite3.Error, sqlite3.Warning, MemoryError, ValueError) as error:
            connection.close()
            cause = f"{denied[0]} no está permitido" if denied else str(error)
            shown = " ".join(statement[:60].split())
            raise DatabaseError(f"el guion de la base falla en «{shown}»: {cause[:100]}") from None
    allow_all(connection)
    return connection


def empty() -> sqlite3.Connection:
    """A writable database in memory, with the limits of the others."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    _limit(connection, writable=True)
    return connection


def scratch(definitions: Sequence[str]) -> Guarded:
    """Tables without rows, on which also INSERT and its like can be compiled. ``definitions``: CREATE statements."""
    connection = empty()
    create(connection, definitions)
    allow_all(connection)
    return Guarded(connection, changes=True)


def create(connection: sqlite3.Connection, definitions: Sequence[str]) -> None:
    """Run CREATE statements that come from a database; one that fails is left out (it may need what is not there).

    The connection stays under guard until ``allow_all``: defaults and CHECKs of the tables run when rows are put in."""
    denied: list[str] = []
    connection.set_authorizer(lambda *words: _authorize_building(denied, *words))
    for definition in definitions:
        with contextlib.suppress(sqlite3.Error, sqlite3.Warning, ValueError):
            connection.execute(definition).close()


def allow_all(connection: sqlite3.Connection) -> None:
    """From here on only statements of our own run on this connection."""
    connection.set_authorizer(lambda *words: sqlite3.SQLITE_OK)  # Python 3.10 cannot take an authorizer away
    connection.set_progress_handler(None, 0)


def _authorize_building(denied: list[str], action: int, first: str | None, second: str | None, *rest: str | None) -> int:
    if (
        action in _BUILDING
        or action == sqlite3.SQLITE_TRANSACTION
        or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in FORBIDDEN_FUNCTIONS)
    ):
        return sqlite3.SQLITE_OK
    denied.append(second or first or f"action {action}")
    return sqlite3.SQLITE_DENY
