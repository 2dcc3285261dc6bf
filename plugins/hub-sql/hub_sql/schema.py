"""What a database is made of: tables, columns, keys and links, the written ones and those that only its rows show.

The rows show more than the declarations: which columns are never empty, which names never repeat, which numbers are whole. Copies
with other rows have to respect that, or they would call a query wrong for something that cannot happen.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hub_sql.database import MOST_COLUMNS, MOST_TABLES, DatabaseError, Row

Kind = Literal["int", "real", "date", "text", "other"]

SAMPLE = 2000
"""Rows of a table that are looked at."""
FEW = 2
"""From so many rows on it says something that no value repeats."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?\Z")
_ID = re.compile(r"(?:^|_)(?:id|key|code|codigo|cod|clave|num|no|nro|uuid|isbn|dni|rut)(?:_|$)|id$", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A column and what its rows show."""

    name: str
    declared: str
    nullable: bool
    """Whether the declaration lets it be NULL."""
    kind: Kind
    decimals: int
    """Most digits after the point, for ``real``."""
    has_null: bool
    """Whether a row has NULL."""
    pool: tuple[Any, ...]
    """The values that occur, each once, at most 200; NULL left out."""

    @property
    def low(self) -> Any:
        """The smallest value."""
        return min(self.pool)

    @property
    def high(self) -> Any:
        """The largest value."""
        return max(self.pool)


@dataclass(frozen=True)
class Link:
    """A foreign key: these columns of a table name a row of ``parent``."""

    columns: tuple[int, ...]
    parent: str
    """In small letters."""
    parent_columns: tuple[int, ...]
    declared: bool
    mirrors: tuple[tuple[int, int], ...] = ()
    """(own column, parent's column) that repeat each other in all rows without being declared."""


@dataclass(frozen=True)
class Table:
    """A table."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    """At most SAMPLE, spread over the table."""
    keys: tuple[tuple[int, ...], ...]
    """Declared: primary keys and unique columns."""
    seen_keys: tuple[tuple[int, ...], ...]
    """Undeclared: identifiers without repetition, and rows without repetition in a table without a key."""
    names: tuple[int, ...]
    """Columns of text that never repeat and are no identifiers: they could, but do not."""
    links: tuple[Link, ...] = ()

    def column(self, name: str) -> int | None:
        """The position of a column, case ignored."""
        low = name.lower()
        return next((position for position, column in enumerate(self.columns) if column.name.lower() == low), None)

    @property
    def identifying(self) -> set[int]:
        """Columns of keys of one column and of links: they say which row is meant and are no data."""
        single = {key[0] for key in (*self.keys, *self.seen_keys) if len(key) == 1}
        return single | {position for link in self.links for position in link.columns}


@dataclass(frozen=True)
class Schema:
    """All tables by name in small letters, and the CREATE statements of tables, indexes and views."""

    tables: dict[str, Table]
    definitions: tuple[str, ...]
    views: dict[str, tuple[str, ...]]
    """View -> columns."""

    def with_parents(self, names: set[str]) -> list[Table]:
        """These tables and all that they link to, parents first as far as there is no circle."""
        ordered: list[Table] = []
        under_way: set[str] = set()

        def visit(name: str) -> None:
            table = self.tables.get(name)
            if table is None or name in under_way:
                return
            under_way.add(name)
            for link in table.links:
                visit(link.parent)
            ordered.append(table)

        for name in sorted(names):
            visit(name)
        return ordered


def read_schema(connection: sqlite3.Connection) -> Schema:
    """The schema of a database on a connection without bars; raises DatabaseError when it is too large."""
    master = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid"
    ).fetchall()
    names = [str(name) for kind, name, _ in master if kind == "table"]
    if len(names) > MOST_TABLES:
        raise DatabaseError(f"la base de datos tiene más de {MOST_TABLES} tablas")
    tables = {name.lower(): _read_table(connection, name) for name in names}
    tables = {name: _linked(connection, table, tables) for name, table in tables.items()}
    tables = _with_seen_links(tables)
    views: dict[str, tuple[str, ...]] = {}
    for kind, name, _ in master:
        if kind == "view":
            try:
                views[str(name).lower()] = tuple(str(row[1]) for row in connection.execute(f"PRAGMA table_info({quoted(name)})"))
            except sqlite3.Error:  # a view on something that is not there
                views[str(name).lower()] = ()
    return Schema(tables, tuple(str(sql) for kind, _, sql in master if kind != "trigger"), views)


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + str(name).replace('"', '""') + '"'


def _read_table(connection: sqlite3.Connection, name: str) -> Table:
    info = connection.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall()
    stored = [row for row in info if row[6] == 0]  # generated columns are computed again in a copy
    if not stored or len(stored) > MOST_COLUMNS:
        raise DatabaseError(f"la tabla {name} no se puede leer")
    listed = ", ".join(quoted(row[1]) for row in stored)
    rows = connection.execute(f"SELECT {listed} FROM {quoted(name)} LIMIT {SAMPLE}").fetchall()
    columns = tuple(_column(row, [values[position] for values in rows]) for position, row in enumerate(stored))
    keys = _declared_keys(connection, name, stored)
    identifiers = tuple(
        (position,)
        for position, column in enumerate(columns)
        if _ID.search(column.name) and _never_repeats(rows, (position,)) and not column.has_null and (position,) not in keys
    )
    seen: list[tuple[int, ...]] = list(identifiers)
    if not keys and not identifiers and rows and len(set(rows)) == len(rows):
        seen.append(tuple(range(len(columns))))
    names = tuple(
        position
        for position, column in enumerate(columns)
        if column.kind == "text" and (position,) not in (*keys, *seen) and _never_repeats(rows, (position,))
    )
    return Table(name, columns, tuple(rows), keys, tuple(seen), names)


def _never_repeats(rows: Sequence[Row], positions: tuple[int, ...]) -> bool:
    values = [tuple(row[position] for position in positions) for row in rows]
    known = [value for value in values if None not in value]
    return len(known) >= FEW and len(set(known)) == len(known)


def _column(info: Row, values: list[Any]) -> Column:
    name, declared, not_null, primary = str(info[1]), str(info[2] or ""), bool(info[3]), bool(info[5])
    known = [value for value in values if value is not None]
    pool = tuple(dict.fromkeys(known))[:200]
    types = {type(value) for value in known}
    decimals = 0
    kind: Kind
    if not known:
        kind = _kind_of_declaration(declared)
    elif types == {int}:
        kind = "int" if not re.search("REAL|FLOA|DOUB", declared, re.IGNORECASE) else "real"
    elif types <= {int, float}:
        kind = "real"
    elif types == {str}:
        kind = "date" if all(DATE.match(value) for value in pool) else "text"
    else:
        kind = "other"
    if kind == "real":
        decimals = max((_decimals(value) for value in pool), default=0)
        if decimals == 0:
            decimals = 1
    return Column(name, declared, not not_null and not primary, kind, decimals, len(known) < len(values), pool)


def _decimals(value: float) -> int:
    text = f"{value:.6f}".rstrip("0")
    return len(text) - text.index(".") - 1


def _kind_of_declaration(declared: str) -> Kind:
    """By SQLite's rules of affinity, and by the word DATE."""
    word = declared.upper()
    if "INT" in word or "BOOL" in word:
        return "int"
    if "DATE" in word or "TIME" in word:
        return "date"
    if any(part in word for part in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if any(part in word for part in ("REAL", "FLOA", "DOUB", "NUM", "DEC")):
        return "real"
    return "text"


def _declared_keys(connection: sqlite3.Connection, name: str, stored: Sequence[Row]) -> tuple[tuple[int, ...], ...]:
    places = {str(row[1]).lower(): position for position, row in enumerate(stored)}
    keys: list[tuple[int, ...]] = []
    primary = sorted((row[5], position) for position, row in enumerate(stored) if row[5])
    if primary:
        keys.append(tuple(position for _, position in primary))
    for index in connection.execute(f"PRAGMA index_list({quoted(name)})").fetchall():
        if not index[2] or index[4]:  # not unique, or only for some rows
            continue
        parts = [row[2] for row in connection.execute(f"PRAGMA index_info({quoted(index[1])})").fetchall()]
        if all(part is not None and str(part).lower() in places for part in parts):
            keys.append(tuple(sorted(places[str(part).lower()] for part in parts)))
    return tuple(dict.fromkeys(keys))


def _linked(connection: sqlite3.Connection, table: Table, tables: dict[str, Table]) -> Table:
    """The table with its declared links."""
    found: dict[int, list[tuple[str, str | None, str]]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({quoted(table.name)})").fetchall():
        found.setdefault(row[0], []).append((str(row[3]), row[4], str(row[2]).lower()))
    links: list[Link] = []
    for parts in found.values():
        parent = tables.get(parts[0][2])
        if parent is None:
            continue
        own = [table.column(part[0]) for part in parts]
        primary = next(iter(parent.keys), ())
        theirs = [
            parent.column(part[1]) if part[1] else (primary[number] if number < len(primary) else None) for number, part in enumerate(parts)
        ]
        if None in own or None in theirs:
            continue
        links.append(_mirrored(table, parent, tuple(own), tuple(theirs), declared=True))  # type: ignore[arg-type]
    return Table(table.name, table.columns, table.rows, table.keys, table.seen_keys, table.names, tuple(links))


def _mirrored(table: Table, parent: Table, own: tuple[int, ...], theirs: tuple[int, ...], *, declared: bool) -> Link:
    """The link, with columns of the same name that say the same in all rows."""
    partner = {tuple(row[position] for position in theirs): row for row in parent.rows}
    pairs = [(row, partner[key]) for row in table.rows if (key := tuple(row[position] for position in own)) in partner]
    mirrors = []
    for position, column in enumerate(table.columns):
        other = parent.column(column.name)
        if position in own or other is None or other in theirs or (position,) in table.keys:
            continue
        if len(pairs) > FEW and all(row[position] == other_row[other] for row, other_row in pairs):
            mirrors.append((position, other))
    return Link(own, parent.name.lower(), theirs, declared, tuple(mirrors))


def _with_seen_links(tables: dict[str, Table]) -> dict[str, Table]:
    """Links that nobody declared: a column with the name of another table's key, all of whose values are there."""
    result = dict(tables)
    for name in sorted(tables):
        table = result[name]
        taken = {position for link in table.links for position in link.columns}
        links = list(table.links)
        for position, column in enumerate(table.columns):
            if position in taken or not column.pool or column.kind not in ("int", "text"):
                continue
            for parent_name in sorted(tables):
                parent = result[parent_name]
                key = _key_named(parent, column.name) if parent_name != name else None
                if key is None or _leads_to(result, parent_name, name):
                    continue
                if not set(column.pool) <= set(parent.columns[key].pool) or len(parent.columns[key].pool) >= 200:
                    continue
                links.append(_mirrored(table, parent, (position,), (key,), declared=False))
                break
        result[name] = Table(table.name, table.columns, table.rows, table.keys, table.seen_keys, table.names, tuple(links))
    return result


def _key_named(parent: Table, name: str) -> int | None:
    """The key of one column of ``parent`` that a column called ``name`` would refer to."""
    single = [key[0] for key in (*parent.keys, *parent.seen_keys) if len(key) == 1] + list(parent.names)
    low, own = name.lower(), parent.name.lower()
    for position in single:
        key = parent.columns[position].name.lower()
        stems = {own, own.removesuffix("s"), own.removesuffix("es")}
        if (low == key and key != "id" and (low[0] == own[0] or _ID.search(low) or low.startswith(own))) or low in {
            form for stem in stems for form in (f"{stem}_{key}", f"{stem}{key}", f"{key}_{stem}")
        }:
            return position
    return None


def _leads_to(tables: dict[str, Table], start: str, goal: str) -> bool:
    """Whether links lead from one table to the other."""
    seen: set[str] = set()
    open_names = [start]
    while open_names:
        name = open_names.pop()
        if name == goal:
            return True
        if name not in seen and name in tables:
            seen.add(name)
            open_names.extend(link.parent for link in tables[name].links)
    return False
