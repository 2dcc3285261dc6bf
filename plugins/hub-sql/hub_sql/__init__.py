"""The validator ``sql``: judges SQL answers by running them in SQLite, on the tutor's database and on copies with other rows.

This page only passes work on: everything that reads untrusted text, opens a database or runs a query happens in a worker process
that can be killed (``hub_sql.worker``).
"""

from __future__ import annotations

import atexit
import difflib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters_hub import Attempt, HubError, ValidatorSpec, Verdict, hookimpl
from adapters_hub.errors import UsageError
from adapters_hub.plugins import NOT_MINE

if TYPE_CHECKING:
    from adapters_hub.workers import Workers

MEMORY = 768 << 20
"""Bytes of address space a worker may add to its imports."""
SLACK, HARD_LIMIT = 5.0, 9.5
"""A worker that has not answered so many seconds after its deadline is killed, and in any case after so many."""
MOST_REFERENCES = 20
LONGEST_REFERENCE = 20_000
OTHER_NAMES = {"database": "db", "base": "db", "bd": "db", "file": "db", "sqlite": "db", "timeout": "seconds", "rows": "max_rows"}
"""Keys that surely mean one of ours."""


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    """The validator ``sql``."""
    return [ValidatorSpec("sql", "SQL queries: bound and run in SQLite, rows compared with accepted queries on several databases", make)]


@dataclass(frozen=True)
class Options:
    """Keys of ``[validator.options]`` or ``[validator.options.sql]``."""

    db: str = ""
    """A SQLite file, or a script ``*.sql`` that makes one; relative to the tutor's folder. ``expected`` may name another one."""
    copies: int = 8
    """Plausible copies with other rows on which a query that agrees is tried again; 0: only the database itself."""
    seconds: float = 2.0
    """Time for one judgement, 0.2 to 8; what takes longer is ``unverified``."""
    max_rows: int = 10_000
    """A query that gives more rows is stopped."""


def make(options: Mapping[str, Any]) -> SqlValidator:
    """A validator with these options. Keys of other validators are let pass, but not a near miss of one of its own.

    Raises UsageError."""
    known = {field.name: field for field in fields(Options)}
    hint = "see [validator.options.sql] in tutor.toml"
    for key, value in options.items():
        if key not in known:
            near = [OTHER_NAMES[key]] if key in OTHER_NAMES else difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.8)
            if near:
                raise UsageError(f"validator 'sql' has no option '{key}'", hint=f"did you mean '{near[0]}'?")
        elif key == "db":
            if not isinstance(value, str):
                raise UsageError(f"validator 'sql': db must be the name of a file, not {value!r}", hint=hint)
        elif key == "seconds":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.2 <= value <= 8:
                raise UsageError(f"validator 'sql': seconds must be a number from 0.2 to 8, not {value!r}", hint=hint)
        elif type(value) is not int or not (0 <= value <= 40 if key == "copies" else 1 <= value <= 1_000_000):
            raise UsageError(f"validator 'sql': {key} must be a whole number in its range, not {value!r}", hint=hint)
    return SqlValidator(Options(**{key: options[key] for key in known if key in options}))


@dataclass(frozen=True)
class SqlValidator:
    """Judges the SQL of an answer. Holds no state, so any number of threads may call it."""

    options: Options = Options()

    def judge(self, attempt: Attempt) -> Verdict:
        """The verdict on the last query of the answer; never raises."""
        from hub_sql.finding import mentions_sql

        expected = read_expected(attempt.expected)
        if not mentions_sql(attempt.answer):
            return _nothing(expected)
        try:
            database = self._database(attempt, expected)
        except _NoDatabase as problem:
            return Verdict("unverified", code="bad_database", reason=f"No se pudo comprobar la consulta: {problem}.", evidence="parsed")
        return self._asked(attempt, expected, database)

    def _database(self, attempt: Attempt, expected: Expected) -> str:
        """The absolute path of the database in force, or an empty string."""
        name = expected.db or self.options.db
        if not name:
            return ""
        path = Path(name)
        if not path.is_absolute():
            if attempt.folder is None:
                return ""
            try:
                home = attempt.folder.resolve()
                path = (home / path).resolve()
            except (OSError, ValueError, RuntimeError):
                raise _NoDatabase(f"no se puede leer {name[:60]}") from None
            if home not in path.parents:
                raise _NoDatabase("la base de datos está fuera de la carpeta del tutor")
        try:
            if not path.is_file():
                raise _NoDatabase(f"no existe el archivo {name[:60]}")
        except (OSError, ValueError):
            raise _NoDatabase(f"no se puede leer {name[:60]}") from None
        return str(path)

    def _asked(self, attempt: Attempt, expected: Expected, database: str) -> Verdict:
        from adapters_hub.workers import WorkerDiedError, WorkerTimeoutError
        from hub_sql.judging import Task

        learner = [message.content for message in attempt.messages if message.role == "user"]
        task = Task(
            answer=attempt.answer,
            conversation=tuple(message.content for message in attempt.messages),
            user_words="\n".join(learner)[-200_000:],
            references=expected.references,
            foreign=expected.foreign,
            database=database,
            seconds=float(self.options.seconds),
            max_rows=self.options.max_rows,
            copies=self.options.copies,
        )
        try:
            verdict = _pool().call(task, seconds=min(self.options.seconds + SLACK, HARD_LIMIT))
        except WorkerTimeoutError:
            return _unverified("timeout", "La consulta tarda demasiado y se ha detenido sin comprobarla.", expected)
        except WorkerDiedError:
            return _unverified(
                "worker_died", "La comprobación se detuvo a mitad de camino (falta de memoria o base de datos dañada).", expected
            )
        except (HubError, MemoryError, RecursionError, OSError, ValueError) as error:  # no process, no memory, no pipe
            return _unverified("no_worker", f"No se pudo comprobar la consulta ({type(error).__name__}).", expected)
        return verdict if isinstance(verdict, Verdict) else _unverified("no_worker", "No se pudo comprobar la consulta.", expected)


class _NoDatabase(Exception):
    """The database that is named cannot be used."""


@dataclass(frozen=True)
class Expected:
    """What ``expected`` says, in our terms."""

    references: tuple[str, ...] = ()
    db: str = ""
    foreign: bool = False
    """Something is expected that is none of our shapes."""


def read_expected(value: Any) -> Expected:
    """``{"sql": query or [accepted queries], "db": file}``, or such queries alone; anything else is foreign."""
    if value is None:
        return Expected()
    db = ""
    if isinstance(value, Mapping):
        db = value["db"] if isinstance(value.get("db"), str) else ""
        value = value.get("sql")
        if value is None:
            return Expected(db=db, foreign=True)
        plain = False
    else:
        plain = True
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else []
    texts = [text for text in texts if isinstance(text, str) and text.strip()][:MOST_REFERENCES]
    if not texts or (plain and not all(_is_sql(text) for text in texts)) or any(len(text) > LONGEST_REFERENCE for text in texts):
        return Expected(db=db, foreign=True)
    return Expected(tuple(text.strip().rstrip(";").strip() for text in texts), db)


def _is_sql(text: str) -> bool:
    words = text.split(None, 1)
    return len(words) == 2 and words[0].upper() in ("SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE", "CREATE")


def _nothing(expected: Expected) -> Verdict:
    """The answer holds no SQL at all."""
    if not expected.references:
        return Verdict("unverified", code=NOT_MINE, reason="La respuesta no trae ninguna consulta.")
    return Verdict(
        "incorrect",
        code="no_query",
        reason="La respuesta no trae ninguna consulta.",
        hint="Escribe la consulta completa en un bloque sql.",
        expected=expected.references[0],
        evidence="parsed",
    )


def _unverified(code: str, reason: str, expected: Expected) -> Verdict:
    return Verdict(
        "unverified", code=code, reason=reason, expected=expected.references[0] if expected.references else "", evidence="parsed"
    )


def _pool() -> Workers:
    with _STARTING:
        return _workers(os.getpid())


_STARTING = threading.Lock()


@lru_cache(maxsize=1)
def _workers(pid: int) -> Workers:
    """The worker processes that all validators of this process share.

    The one global: a pool for each tutor would multiply processes, and databases that are open in a worker serve the next judgement.
    ``pid`` gives a forked process its own. Workers are started when they are needed and end with the program."""
    from adapters_hub.workers import Workers, available_cores

    pool = Workers("hub_sql.worker:judge", count=min(8, available_cores()), memory=MEMORY)
    atexit.register(pool.close)
    return pool


__all__ = ["Options", "SqlValidator", "hub_validators", "make"]
