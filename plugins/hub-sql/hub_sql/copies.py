"""Copies of a database with other rows, on which a query that is right by luck shows it.

Two tiers. A *plausible* copy keeps every declared constraint, and what the rows suggest without a declaration: identifiers and names
stay unique, links stay whole, a column without NULL gets none, whole numbers stay whole. Its rows are fewer or more, values are
exchanged, tied and moved to the constants of the queries. Whoever fails there fails with data that may come tomorrow. An *extreme*
copy keeps only what is declared: NULL wherever it is allowed, equal names, other spellings, empty tables. Failing there is a doubt.

Everything is drawn from a generator with a seed: the same database and queries give the same copies.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hub_sql.database import Row, allow_all, create, empty
from hub_sql.schema import Column, Link, Schema, Table, quoted
from hub_sql.tokens import Token, code, words

Rows = dict[str, list[Row]]
"""Table in small letters -> rows."""
Hints = Mapping[tuple[str, str], Sequence[Any]]
"""(table, column) in small letters -> values worth having: the constants of the queries and their neighbours."""

WINDOW = 14
"""So many tokens before a constant its column is looked for."""
MOST_CONSTANTS = 100


@dataclass(frozen=True)
class Profile:
    """How a copy differs."""

    name: str
    rows: int
    """Most rows of a table."""
    keep: float = 1.0
    """Share of the rows that stay."""
    extra: float = 0.0
    """New rows, as a share of those that stay."""
    change: float = 0.3
    """Share of the values that are drawn anew."""
    boundary: float = 0.5
    """Where a column has hints: share of the new values taken from them."""
    nulls: float = 0.1
    relink: float = 0.4
    """Share of links that are drawn anew."""
    skew: bool = False
    """Links crowd on a few rows, so that many rows have none."""
    nulls_anywhere: bool = False
    equal_names: bool = False
    spellings: bool = False
    outside: bool = False
    """Values beyond the smallest and largest of their column, where a query speaks of them."""
    empty: str = ""
    """``all``, or ``leaves``: tables that no other one links to."""

    @property
    def extreme(self) -> bool:
        """Whether it goes beyond what the rows suggest."""
        return self.nulls_anywhere or self.equal_names or self.spellings or self.outside or bool(self.empty)


PLAUSIBLE = (
    Profile("otros valores", rows=60, keep=0.8, extra=0.3, change=0.25, boundary=0.3),
    Profile("valores límite", rows=40, extra=0.5, change=0.8, boundary=0.8),
    Profile("pocas filas", rows=8, extra=0.2, change=0.5, boundary=0.6, relink=0.9),
    Profile("grupos desiguales", rows=40, extra=0.4, change=0.4, relink=0.9, skew=True),
    Profile("empates y huecos", rows=30, extra=0.6, change=0.6, boundary=0.6, nulls=0.3, relink=0.6),
    Profile("menos filas", rows=16, keep=0.5, change=0.4, boundary=0.7, relink=0.5),
    Profile("más filas", rows=120, extra=1.0, change=0.5, boundary=0.2, relink=0.7),
    Profile("pocas filas límite", rows=6, extra=0.3, change=0.9, boundary=0.9, relink=1.0, nulls=0.2),
)
EXTREME = (
    Profile("valores NULL donde hoy no hay", rows=30, extra=0.3, change=0.5, nulls=0.35, nulls_anywhere=True),
    Profile("nombres repetidos donde hoy no los hay", rows=20, extra=0.8, change=0.6, equal_names=True, relink=0.6),
    Profile("textos escritos de otra manera", rows=30, extra=0.3, change=0.5, spellings=True),
    Profile("valores fuera de lo habitual", rows=30, extra=0.5, change=0.8, boundary=0.8, outside=True),
    Profile("tablas vacías", rows=10, empty="all"),
    Profile("tablas vacías en parte", rows=20, empty="leaves"),
)


# --- constants -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    """A number or a text of a query, and a column it may be compared with."""

    column: str
    value: Any
    exact: bool = False
    """Whether it surely is compared with this column; otherwise the column only stands near it."""
    pattern: bool = False
    """After LIKE or GLOB."""


def constants(query: str) -> list[Constant]:
    """The constants of a query: first with the column that they are compared with, then with up to three names nearby."""
    found = code(query)
    result: list[Constant] = []
    for place in [place for place, token in enumerate(found) if token.kind in ("number", "string")][:MOST_CONSTANTS]:
        token = found[place]
        value = _number(token.text) if token.kind == "number" else token.value
        first = place
        if place and found[place - 1].text == "-" and isinstance(value, (int, float)):
            value, first = -value, place - 1
        pattern = any(other.upper in ("LIKE", "GLOB") for other in found[max(0, place - 3) : place])
        compared = _compared_with(found, first, place)
        names = [
            other for other in (*reversed(found[max(0, place - WINDOW) : place]), *found[place + 1 : place + 5]) if _may_be_column(other)
        ]
        columns = list(dict.fromkeys([*([compared] if compared else []), *(other.name.lower() for other in names)]))[:4]
        result += [Constant(column, value, column == compared, pattern) for column in columns]
    return result


_COMPARISONS = frozenset(("=", "==", "<>", "!=", "<", ">", "<=", ">=", "LIKE", "GLOB", "IS"))
_WRAPPINGS = frozenset(("LOWER", "UPPER", "TRIM", "STRFTIME", "DATE", "DATETIME", "SUBSTR", "COALESCE", "IFNULL"))
"""Functions whose result is compared as their column would be; an aggregate is not."""


def _compared_with(found: Sequence[Token], first: int, last: int) -> str:
    """The column on the other side of a comparison, of BETWEEN or of IN, in small letters; empty where there is none for sure."""
    after = found[last + 1 : last + 3]
    if len(after) == 2 and after[0].text in _COMPARISONS and _may_be_column(after[1]):
        return after[1].name.lower()
    place = first - 1
    while place >= 0 and (
        found[place].kind in ("number", "string") or found[place].text in (",", "-", "(") or found[place].upper in ("AND", "IN")
    ):
        if found[place].upper == "AND" and not (place >= 2 and any(other.upper == "BETWEEN" for other in found[max(0, place - 3) : place])):
            return ""
        if found[place].text == "(" and not (place and (found[place - 1].upper in ("IN", "LOWER", "UPPER"))):
            return ""
        if found[place].upper == "IN":
            break
        place -= 1
    while place >= 0 and (found[place].upper in _COMPARISONS or found[place].upper in ("BETWEEN", "IN", "NOT", "LOWER", "UPPER")):
        place -= 1
    if place == first - 1 or place < 0:
        return ""
    if found[place].text == ")":
        opening = next((number for number in range(place - 1, max(-1, place - 8), -1) if found[number].text == "("), 0)
        inside = [token for token in found[opening + 1 : place] if _may_be_column(token)]
        if opening and found[opening - 1].upper in _WRAPPINGS and inside:
            return inside[-1].name.lower()
        return ""
    before = found[place - 1].text if place else ""
    if not _may_be_column(found[place]) or before in ("+", "*", "/", "%", "||", "-"):
        return ""
    return found[place].name.lower()


def _may_be_column(token: Token) -> bool:
    return token.is_name and token.upper not in _KEYWORDS


_KEYWORDS = frozenset(
    words(
        "SELECT DISTINCT ALL FROM WHERE AND OR NOT IN IS NULL LIKE GLOB BETWEEN GROUP BY HAVING ORDER ASC DESC LIMIT OFFSET JOIN LEFT",
        "INNER",
        "CROSS OUTER ON USING AS CASE WHEN THEN ELSE END UNION EXCEPT INTERSECT WITH EXISTS COUNT SUM AVG MIN MAX LOWER UPPER ROUND CAST",
        "STRFTIME DATE SUBSTR LENGTH COALESCE NULLIF INTEGER REAL TEXT",
    )
)


def _number(text: str) -> int | float:
    try:
        return int(text, 0) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        return float(text)


def hints_for(schema: Schema, found: Iterable[Constant], *, trusted: bool, outside: bool) -> dict[tuple[str, str], list[Any]]:
    """Values near the constants, in the manner of their columns.

    Values beyond the smallest and the largest one of a column may be impossible (a mark above 10): they come only with ``outside``, or
    where a ``trusted`` query, an accepted one, itself speaks of a value out there."""
    hints: dict[tuple[str, str], list[Any]] = {}
    for constant in found:
        for name, table in schema.tables.items():
            position = table.column(constant.column)
            if position is None or position in table.identifying:
                continue
            column = table.columns[position]
            values = _near(column, constant)
            if not outside and (not (trusted and constant.exact) or any(_is_inside(column, value) for value in _as_is(column, constant))):
                values = [value for value in values if _is_inside(column, value)]
            if values:
                hints.setdefault((name, constant.column), []).extend(value for value in values)
    return {key: list(dict.fromkeys(values)) for key, values in hints.items()}


def _is_inside(column: Column, value: Any) -> bool:
    if not column.pool:
        return True
    try:
        return bool(column.low <= value <= column.high) if column.kind in ("int", "real", "date") else value in column.pool
    except TypeError:
        return False


def _as_is(column: Column, constant: Constant) -> list[Any]:
    """The constant as a value of this column, without its neighbours."""
    near = _near(column, constant)
    return near[1:2] if column.kind in ("int", "real") and len(near) == 3 else near


def _near(column: Column, constant: Constant) -> list[Any]:
    """The constant and its neighbours as values of this column."""
    value = constant.value
    near: list[Any]
    if column.kind == "int" and isinstance(value, (int, float)) and abs(value) < 2**53:
        whole = int(value // 1)
        near = [whole + shift for shift in (-1, 0, 1)]
    elif column.kind == "real" and isinstance(value, (int, float)) and abs(value) < 1e15:
        step = 10.0**-column.decimals
        near = [round(float(value) + shift, column.decimals) for shift in (-step, 0.0, step)]
    elif column.kind == "date" and isinstance(value, str):
        return _near_date(column, value)
    elif column.kind == "text" and isinstance(value, str):
        if not constant.pattern:
            return [value]
        shown = [known for known in column.pool if _like(value).search(known)]
        bare = value.replace("%", "").replace("_", "x")
        return shown[:5] or ([bare] if bare else [])
    else:
        return []
    if column.pool and column.low >= 0:
        near = [number for number in near if number >= 0]
    return near


def _like(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(%+|_)", pattern[:200])
    return re.compile(
        "".join(".*" if part.startswith("%") else "." if part == "_" else re.escape(part) for part in parts) + r"\Z",
        re.IGNORECASE | re.DOTALL,
    )


def _near_date(column: Column, value: str) -> list[Any]:
    tail = column.pool[0][10:] if column.pool else ""
    if re.fullmatch(r"\d{4}%?", value):
        days = [f"{value[:4]}-01-01", f"{value[:4]}-12-31", f"{value[:4]}-06-15"]
    elif re.fullmatch(r"\d{4}-\d{2}(-\d{2}.*)?", value):
        days = [value[:10] if len(value) >= 10 else f"{value[:7]}-01"]
    else:
        return []
    near: list[str] = []
    for day in days:
        try:
            middle = date.fromisoformat(day)
            near += [(middle + timedelta(days=shift)).isoformat() + tail for shift in (-1, 0, 1)]
        except (ValueError, OverflowError):
            continue
    return near


# --- drawing rows --------------------------------------------------------------------------------


def draw(schema: Schema, tables: Sequence[Table], profile: Profile, hints: Hints, seed: str) -> Rows:
    """The rows of a copy; ``tables`` come parents first."""
    leaves = {table.name.lower() for table in tables} - {link.parent for table in tables for link in table.links}
    rows: Rows = {}
    for table in tables:
        name = table.name.lower()
        if profile.empty == "all" or (profile.empty == "leaves" and name in leaves and len(leaves) < len(tables)):
            rows[name] = []
        else:
            chance = random.Random(f"{seed}/{profile.name}/{name}")  # one for each table: others that join later change nothing
            rows[name] = _Drawing(table, profile, hints, chance, rows, {other.name.lower(): other for other in tables}).rows()
    return rows


class _Drawing:
    """The rows of one table of a copy, while they are drawn."""

    def __init__(
        self, table: Table, profile: Profile, hints: Hints, chance: random.Random, done: Rows, tables: Mapping[str, Table]
    ) -> None:
        self.table, self.profile, self.chance, self.done, self.tables = table, profile, chance, done, tables
        self.hints = [list(hints.get((table.name.lower(), column.name.lower()), ())) for column in table.columns]
        self.linked = {position: link for link in table.links for position in link.columns}
        self.mirrors = {own: (link, theirs) for link in table.links for own, theirs in link.mirrors}
        self.single = {key[0] for key in (*table.keys, *table.seen_keys) if len(key) == 1}
        unique = [*table.keys, *table.seen_keys]
        if not profile.equal_names:
            unique += [(position,) for position in table.names]
        self.unique = [(key, set()) for key in dict.fromkeys(unique)]  # type: list[tuple[tuple[int, ...], set[Row]]]
        self.used = [set(column.pool) for column in table.columns]

    def rows(self) -> list[Row]:
        """The rows that stay, with some values changed, then new ones."""
        table, profile, chance = self.table, self.profile, self.chance
        stay = list(table.rows)
        count = min(profile.rows, max(2, round(len(stay) * profile.keep))) if stay else 0
        chosen = sorted(chance.sample(range(len(stay)), min(count, len(stay))))
        wanted = round(count * profile.extra) if stay else min(profile.rows, 12)
        result: list[Row] = []
        for position in chosen:
            self._add(result, self._row(stay[position]))
        for _ in range(min(wanted, profile.rows)):
            self._add(result, self._row(None))
        chance.shuffle(result)
        return result

    def _add(self, result: list[Row], row: Row | None) -> None:
        if row is None:
            return
        found = [(seen, tuple(row[position] for position in key)) for key, seen in self.unique]
        if any(value in seen for seen, value in found if None not in value):
            return
        for seen, value in found:
            seen.add(value)
        result.append(row)

    def _row(self, old: Row | None) -> Row | None:
        """A row made from ``old``, or a new one; None where a link has nowhere to lead."""
        values: list[Any] = list(old) if old is not None else [None] * len(self.table.columns)
        partners: dict[Link, Row | None] = {}
        for link in self.table.links:
            partner = partners[link] = self._partner(link, old)
            for own, theirs in zip(link.columns, link.parent_columns, strict=True):
                values[own] = partner[theirs] if partner is not None else None
                if partner is None and not self.table.columns[own].nullable:
                    return None
        for position, column in enumerate(self.table.columns):
            if position in self.linked:
                continue
            if position in self.mirrors and not self.profile.extreme:
                link, theirs = self.mirrors[position]
                mirrored = partners[link]
                if mirrored is not None:
                    values[position] = mirrored[theirs]
                    continue
            if position in self.single or (position in self.table.names and not self.profile.equal_names):
                if old is None:
                    values[position] = self._fresh(position)
                elif position not in self.single:
                    values[position] = self._spelt(column, values[position]) if values[position] is not None else None
                if (
                    self.profile.nulls_anywhere
                    and column.nullable
                    and position not in self.single
                    and self.chance.random() < self.profile.nulls
                ):
                    values[position] = None
            elif old is None or self.chance.random() < self.profile.change:
                values[position] = self._value(position, column, values[position])
        return tuple(values)

    def _partner(self, link: Link, old: Row | None) -> Row | None:
        """The row of the parent that a row links to."""
        chance, profile = self.chance, self.profile
        own = self.table.name.lower()
        parents = self.done.get(link.parent, []) if link.parent != own else []
        columns = [self.table.columns[position] for position in link.columns]
        may_be_null = all(column.nullable and (column.has_null or profile.nulls_anywhere or not self.table.rows) for column in columns)
        current = tuple(old[position] for position in link.columns) if old is not None else None
        if link.parent == own:  # a table that links to itself: to any row it had, and what leads nowhere is cut when all rows are in
            if current is None or chance.random() < profile.relink:
                row = chance.choice(self.table.rows) if self.table.rows and chance.random() > profile.nulls else None
                current = tuple(row[position] for position in link.parent_columns) if row is not None else None
            return self._as_parent(link, current) if current is not None and None not in current else None
        if not parents or (may_be_null and chance.random() < profile.nulls * 0.7):
            return None
        if current is not None and chance.random() >= profile.relink:
            if None in current:
                return None
            for row in parents:
                if tuple(row[position] for position in link.parent_columns) == current:
                    return row
        if profile.skew:
            return parents[min(int(chance.expovariate(0.8)), len(parents) - 1)]
        return chance.choice(parents)

    def _as_parent(self, link: Link, current: Row) -> Row:
        width = len(self.table.columns)
        row: list[Any] = [None] * width
        for position, value in zip(link.parent_columns, current, strict=True):
            row[position] = value
        return tuple(row)

    def _fresh(self, position: int) -> Any:
        """A value that this column has not had yet and that no constant speaks of."""
        column, used = self.table.columns[position], self.used[position]
        if column.kind in ("int", "real"):
            value: Any = max((known for known in used if isinstance(known, (int, float))), default=0) + 1
        else:
            number = len(used) + 1
            while (value := f"{self.table.name.capitalize()[:12]} {number:02d}") in used:
                number += 1
        used.add(value)
        return value

    def _value(self, position: int, column: Column, old: Any) -> Any:
        """Another value for a column of data."""
        chance, profile = self.chance, self.profile
        if column.nullable and (column.has_null or profile.nulls_anywhere) and chance.random() < profile.nulls:
            return None
        hints = self.hints[position]
        if hints and chance.random() < profile.boundary:
            return self._spelt(column, chance.choice(hints))
        if not column.pool:
            return self._invented(column)
        if profile.equal_names and position in self.table.names:
            return chance.choice(column.pool[:3])
        value = chance.choice(column.pool[: 4 if chance.random() < 0.3 else None])
        if column.kind == "int" and chance.random() < 0.4:
            return min(max(value + chance.choice((-2, -1, 1, 2)), column.low), column.high)
        if column.kind == "real" and chance.random() < 0.4:
            step = 10.0**-column.decimals
            return min(max(round(value + step * chance.choice((-2, -1, 1, 2)), column.decimals), column.low), column.high)
        return self._spelt(column, value)

    def _spelt(self, column: Column, value: Any) -> Any:
        """Where the profile says so, a text written in another way."""
        if not self.profile.spellings or column.kind != "text" or self.chance.random() < 0.4:
            return value
        return self.chance.choice((value.upper(), value.lower(), f" {value}", f"{value} ", f"{value} x", f"x {value}", ""))

    def _invented(self, column: Column) -> Any:
        """A value for a column of a table that has no rows to learn from."""
        chance = self.chance
        if column.kind == "int":
            return chance.randint(0, 9)
        if column.kind == "real":
            return chance.randint(0, 40) / 4
        if column.kind == "date":
            return f"202{chance.randint(0, 4)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        return chance.choice(("Ana", "Luis", "Quito", "Lima", "rojo", "azul", "María", "Norte"))


# --- into a database -----------------------------------------------------------------------------


def build(schema: Schema, rows: Rows, *, twin: bool = False, words: frozenset[str] = frozenset()) -> sqlite3.Connection:
    """A database in memory with these rows; what breaks a constraint of the schema is left out.

    ``twin``: the same rows in another order and with more indexes, those that lead with a column in ``words`` first: what a query
    leaves open comes out otherwise there."""
    connection = empty()
    create(connection, schema.definitions)
    connection.execute("BEGIN")
    for name, lines in rows.items():
        table = schema.tables[name]
        listed = ", ".join(quoted(column.name) for column in table.columns)
        marks = ", ".join("?" for _ in table.columns)
        insert = f"INSERT OR IGNORE INTO {quoted(table.name)} ({listed}) VALUES ({marks})"
        try:
            connection.executemany(insert, reversed(lines) if twin else lines)
        except (sqlite3.Error, OverflowError):  # a constraint that cannot be ignored: row by row
            for line in reversed(lines) if twin else lines:
                try:
                    connection.execute(insert, line)
                except (sqlite3.Error, OverflowError):
                    continue
    allow_all(connection)
    _cut_loose_links(connection, schema)
    if twin:
        for name in rows:
            _add_indexes(connection, schema.tables[name], words)
    connection.execute("COMMIT")
    return connection


def _cut_loose_links(connection: sqlite3.Connection, schema: Schema) -> None:
    """Make every declared foreign key whole: NULL where that is allowed, else the row goes."""
    for _ in range(20):
        loose = connection.execute("PRAGMA foreign_key_check").fetchall()
        if not loose:
            return
        for name, number, _parent, key in loose:
            if number is None:
                return
            parts = [row[3] for row in connection.execute(f"PRAGMA foreign_key_list({quoted(name)})") if row[0] == key]
            table = schema.tables.get(str(name).lower())
            columns = [table.column(str(part)) for part in parts] if table else []
            nullable = bool(table) and all(column is not None and table.columns[column].nullable for column in columns)  # type: ignore[union-attr]
            if nullable:
                change = ", ".join(f"{quoted(part)} = NULL" for part in parts)
                connection.execute(f"UPDATE {quoted(name)} SET {change} WHERE rowid = ?", (number,))
            else:
                connection.execute(f"DELETE FROM {quoted(name)} WHERE rowid = ?", (number,))


def _add_indexes(connection: sqlite3.Connection, table: Table, words: frozenset[str]) -> None:
    """Indexes over all columns, each with another one in front and the others backwards."""
    leading = [column for column in table.columns if column.name.lower() in words][:6]
    for number, column in enumerate(leading):
        others = ", ".join(f"{quoted(other.name)} DESC" for other in table.columns if other is not column)
        listed = quoted(column.name) + (f", {others}" if others else "")
        connection.execute(f"CREATE INDEX {quoted(f'hub_{table.name}_{number}')} ON {quoted(table.name)} ({listed})")


def words_of(queries: Iterable[str]) -> frozenset[str]:
    """Every name in these queries, in small letters."""
    return frozenset(token.name.lower() for query in queries for token in code(query) if token.is_name)


def without(rows: Rows, name: str, positions: set[int]) -> Rows:
    """The rows without some of one table."""
    return {**rows, name: [row for number, row in enumerate(rows[name]) if number not in positions]}


def are_whole(schema: Schema, rows: Rows) -> bool:
    """Whether every link, written or seen, still leads to a row."""
    for name, lines in rows.items():
        for link in schema.tables[name].links:
            there = {tuple(row[position] for position in link.parent_columns) for row in rows.get(link.parent, [])}
            for row in lines:
                value = tuple(row[position] for position in link.columns)
                if None not in value and value not in there:
                    return False
    return True
