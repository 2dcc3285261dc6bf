"""A stage: the tutor's database, its copies, and what the accepted queries say on each of them.

Made once for a database and its accepted queries and kept by the worker, so that the next answer to the same question costs only its own
runs. Every database stands there twice, once read forwards and once with rows, indexes and scans turned round: a query whose rows differ
between the two leaves something open, and cannot be judged by luck.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hub_sql import copies
from hub_sql.agreement import Expectation
from hub_sql.copies import Constant, Profile, Rows
from hub_sql.database import (
    UNSTABLE_FUNCTIONS,
    DatabaseError,
    Deadline,
    Guarded,
    Trouble,
    Uses,
    built,
    discard,
    opened,
    private_copy,
    read_file,
    reading,
    scratch,
    sealed,
)
from hub_sql.lints import is_unstable
from hub_sql.ordering import Ending, ending, ordered
from hub_sql.schema import Schema, quoted, read_schema

SMALL = 20_000
"""Rows up to which a whole database is built a second time, turned round."""
KEPT_BASES = 8
KEPT_STAGES = 6
"""Each holds up to 30 open files: twice that many must be allowed everywhere."""


@dataclass(frozen=True)
class Pair:
    """A database forwards and turned round."""

    forward: Guarded
    turned: Guarded

    def close(self) -> None:
        """Forget both."""
        self.forward.close()
        self.turned.close()


@dataclass
class Base:
    """The database that was given."""

    key: str
    """Hash of its content."""
    schema: Schema
    pair: Pair

    @cached_property
    def scratch(self) -> Guarded:
        """The same tables without rows, where INSERT and its like can be compiled."""
        return scratch(self.schema.definitions)


@dataclass
class Reference:
    """An accepted query."""

    text: str
    uses: Uses
    columns: tuple[str, ...]
    end: Ending
    unstable: bool
    """It asks for the date of today or for random numbers."""


@dataclass
class Database:
    """One database of a stage."""

    profile: Profile | None
    """None: the one that was given."""
    pair: Pair
    rows: Rows = field(default_factory=dict)
    expectations: dict[int, Expectation | None] = field(default_factory=dict)
    """Number of the reference -> what it says here."""

    @property
    def given(self) -> bool:
        """Whether it is the tutor's own."""
        return self.profile is None

    @property
    def extreme(self) -> bool:
        """Whether it holds what the rows of the given one do not suggest."""
        return self.profile is not None and self.profile.extreme


# --- bases ---------------------------------------------------------------------------------------


class Bases:
    """The databases that were opened last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Base] = OrderedDict()

    def of_file(self, path: Path, deadline: Deadline) -> Base:
        """A database file or a script ``*.sql``; raises DatabaseError."""
        content = read_file(path)
        key = hashlib.sha256(content + path.suffix.lower().encode()).hexdigest()
        if key not in self._kept:
            is_script = path.suffix.lower() in (".sql", ".ddl", ".txt") and not content.startswith(b"SQLite format 3")
            self._keep(key, _base_of_script(key, content, deadline) if is_script else _base_of_bytes(key, content))
        self._kept.move_to_end(key)
        return self._kept[key]

    def of_statements(self, script: str, deadline: Deadline) -> Base:
        """CREATE TABLE and INSERT of a conversation; raises DatabaseError."""
        key = hashlib.sha256(script.encode("utf-8", "replace") + b"/conversation").hexdigest()
        if key not in self._kept:
            self._keep(key, _base_of_script(key, script.encode("utf-8", "replace"), deadline))
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: str, base: Base) -> None:
        self._kept[key] = base
        while len(self._kept) > KEPT_BASES:
            _, oldest = self._kept.popitem(last=False)
            oldest.pair.close()

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


def _base_of_script(key: str, content: bytes, deadline: Deadline) -> Base:
    try:
        script = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DatabaseError("el guion de la base no está en UTF-8") from None
    made = built(script, deadline)
    schema = read_schema(made)
    if not schema.tables:
        made.close()
        raise DatabaseError("la base de datos no tiene tablas")
    turned = _turned(schema, _all_rows(made, schema))
    return Base(key, schema, Pair(sealed(made), turned))


def _base_of_bytes(key: str, content: bytes) -> Base:
    file = private_copy(content)
    deadline = Deadline(5.0)
    try:
        with closing(reading(file)) as plain:
            plain.set_progress_handler(lambda: 1 if deadline.left <= 0 else 0, 2000)
            schema = read_schema(plain)
            rows = _all_rows(plain, schema)
        if not schema.tables:
            raise DatabaseError("la base de datos no tiene tablas")
        return Base(key, schema, Pair(opened(file), _turned(schema, rows) if rows else opened(file, reverse=True)))
    except sqlite3.Error as error:
        raise DatabaseError(f"la base de datos no se puede leer ({str(error)[:100]})") from None
    finally:
        discard(file)


def _all_rows(connection: Any, schema: Schema) -> Rows:
    """All rows of all tables, or none where they are too many."""
    rows: Rows = {}
    count = 0
    for name, table in schema.tables.items():
        listed = ", ".join(quoted(column.name) for column in table.columns)
        rows[name] = connection.execute(f"SELECT {listed} FROM {quoted(table.name)} LIMIT {SMALL + 1}").fetchall()
        count += len(rows[name])
        if count > SMALL:
            return {}
    return rows


def _turned(schema: Schema, rows: Rows) -> Guarded:
    """The rows in another order, with indexes that no query expects."""
    words = frozenset(column.name.lower() for table in schema.tables.values() for column in table.columns[:6])
    return sealed(copies.build(schema, rows, twin=True, words=words), reverse=True)


# --- stages --------------------------------------------------------------------------------------


class Stage:
    """A base with its accepted queries."""

    def __init__(self, base: Base, texts: Sequence[str], count: int) -> None:
        """Binds the references; raises DatabaseError when none of them can be used. ``count``: plausible copies wanted."""
        self.base, self.count = base, count
        self.references: list[Reference] = []
        self.given = Database(None, base.pair)
        problems: list[str] = []
        for text in texts:
            try:
                uses = base.pair.forward.compile(text)
                columns = base.pair.forward.columns(text, Deadline(3.0))
            except Trouble as trouble:
                problems.append(trouble.message)
                continue
            unstable = bool(uses.functions & UNSTABLE_FUNCTIONS) or is_unstable(text)
            self.references.append(Reference(text, uses, columns, ending(text, columns), unstable))
        if not self.references:
            raise DatabaseError(f"la consulta de referencia no funciona: {problems[0][:120] if problems else 'no hay ninguna'}")
        self.constants = [constant for reference in self.references for constant in copies.constants(reference.text)]
        self._copies: dict[str, Database] = {}
        self._tables: set[str] = set().union(*(reference.uses.tables for reference in self.references)) & set(base.schema.tables)
        self._words = copies.words_of(reference.text for reference in self.references)

    def copies(self, candidate: str, uses: Uses, *, extreme: bool) -> Iterator[Database]:
        """Copies on which a candidate is compared, built when they are asked for."""
        others = uses.tables & set(self.base.schema.tables) - self._tables
        if others:  # the candidate reads tables the references do not: they need rows too
            self._tables |= others
            self._close_copies()
        own = self._own_constants(candidate)
        if extreme:
            for profile in copies.EXTREME:
                yield self._copy(profile, own if profile.outside else ())
            return
        for number in range(self.count):
            profile = copies.PLAUSIBLE[number % len(copies.PLAUSIBLE)]
            if number >= len(copies.PLAUSIBLE):
                profile = replace(profile, name=f"{profile.name} {number}")
            yield self._copy(profile, ())
        if own and self.count:
            yield self._copy(replace(copies.PLAUSIBLE[1], name="límites propios", boundary=0.9), own)

    def _own_constants(self, candidate: str) -> tuple[Constant, ...]:
        known = {(constant.column, str(constant.value)) for constant in self.constants}
        return tuple(constant for constant in copies.constants(candidate) if (constant.column, str(constant.value)) not in known)[:20]

    def _copy(self, profile: Profile, own: Sequence[Constant]) -> Database:
        key = f"{profile.name}/{own!r}"
        if key in self._copies:
            return self._copies[key]
        schema = self.base.schema
        tables = schema.with_parents(self._tables)
        hints = copies.hints_for(schema, self.constants, trusted=True, outside=profile.outside)
        for place, values in copies.hints_for(schema, own, trusted=False, outside=profile.outside).items():
            hints[place] = hints.get(place, []) + values
        rows = copies.draw(schema, tables, profile, hints, self.base.key + "\n".join(reference.text for reference in self.references))
        database = Database(profile, self.pair_of(rows), rows)
        if own:
            self._drop_own()
        self._copies[key] = database
        return database

    def pair_of(self, rows: Rows) -> Pair:
        """Both databases with these rows."""
        schema = self.base.schema
        return Pair(sealed(copies.build(schema, rows)), sealed(copies.build(schema, rows, twin=True, words=self._words), reverse=True))

    def _drop_own(self) -> None:
        """Copies for the constants of one candidate serve that one only."""
        for key in [key for key in self._copies if not key.endswith("/()")][:-4]:
            self._copies.pop(key).pair.close()

    def _close_copies(self) -> None:
        for database in self._copies.values():
            database.pair.close()
        self._copies.clear()

    def close(self) -> None:
        """Forget the copies."""
        self._close_copies()

    def expectation(self, database: Database, number: int, deadline: Deadline, max_rows: int) -> Expectation | None:
        """What a reference says there; None where it does not come to an end or leaves too much open."""
        if number not in database.expectations:
            database.expectations[number] = self._asked(database, self.references[number], deadline, max_rows)
        return database.expectations[number]

    def _asked(self, database: Database, reference: Reference, deadline: Deadline, max_rows: int) -> Expectation | None:
        try:
            result = database.pair.forward.run(reference.text, deadline, max_rows=max_rows)
            turned = database.pair.turned.run(reference.text, deadline, max_rows=max_rows)
        except Trouble as trouble:
            if trouble.kind == "time":
                raise
            return None
        order = ordered(reference.end, result, database.pair.forward, deadline, max_rows=max_rows) if reference.end.ordered else None
        return Expectation(result, turned, order, reference.end.ordered)


class Stages:
    """The stages that were used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, tuple[str, ...], int], Stage] = OrderedDict()

    def of(self, base: Base, texts: Sequence[str], count: int) -> Stage:
        """The stage for a base and its accepted queries."""
        key = (base.key, tuple(texts), count)
        stage = self._kept.get(key)
        if stage is not None and stage.base is not base:  # the base was forgotten in between
            self._kept.pop(key).close()
            stage = None
        if stage is None:
            stage = self._kept[key] = Stage(base, texts, count)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_STAGES:
            _, oldest = self._kept.popitem(last=False)
            oldest.close()
        return stage

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
