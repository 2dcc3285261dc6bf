"""What SQLite says about a statement before it runs, told in Spanish with the nearest name that exists.

Only complaints that hold in every version of SQLite call a statement wrong; what a newer version than this one would understand is a doubt.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hub_sql.database import Guarded, Trouble, Uses
from hub_sql.schema import Schema
from hub_sql.tokens import Token, code, words


@dataclass(frozen=True)
class Fault:
    """Why a statement cannot be run."""

    code: str
    certain: bool
    """Whether it is surely the statement's fault; otherwise nothing is known about it."""
    reason: str
    hint: str
    name: str = ""
    """The name SQLite stumbled over."""


KEYWORDS = words(
    "SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET JOIN LEFT INNER CROSS OUTER ON USING DISTINCT UNION EXCEPT INTERSECT VALUES",
    "INSERT INTO UPDATE SET DELETE CREATE TABLE BETWEEN LIKE IN EXISTS CASE WHEN THEN ELSE END AND OR NOT NULL IS AS ASC DESC WITH",
)
NEWER: tuple[tuple[tuple[int, int], str], ...] = (
    ((3, 46), r"\d_\d"),
    ((3, 44), r"\b(?:group_concat|string_agg|json_group_array|sum|avg|count|min|max|total)\s*\([^()]*\border\s+by\b"),
    ((3, 39), r"\b(?:right|full)\s+(?:outer\s+)?join\b|\bis\s+(?:not\s+)?distinct\s+from\b"),
    ((3, 38), r"->"),
    ((3, 35), r"\breturning\b|\bmaterialized\b|\bdrop\s+column\b"),
    ((3, 33), r"\bupdate\b[\s\S]*\bfrom\b"),
    ((3, 30), r"\bnulls\s+(?:first|last)\b|\bfilter\s*\("),
    ((3, 28), r"\bover\b|\bgroups\b|\bexclude\b"),
)
"""Shapes that SQLite understands only from some version on."""
NEWER_FUNCTIONS = frozenset(
    words(
        "concat concat_ws string_agg octet_length timediff unhex unixepoch iif if sqrt power pow ceil ceiling floor exp ln log log2 log10",
        "mod pi radians degrees sin cos tan asin acos atan atan2 trunc sign json_array json_object json_extract json_group_array",
        "json_group_object jsonb json_pretty median percentile percentile_cont percentile_disc format soundex unistr regexp",
    )
)
"""Functions that some builds of SQLite lack and others have."""
ELSEWHERE = {
    "now": "date('now') o datetime('now')",
    "curdate": "date('now')",
    "getdate": "datetime('now')",
    "year": "strftime('%Y', fecha)",
    "month": "strftime('%m', fecha)",
    "day": "strftime('%d', fecha)",
    "date_format": "strftime(formato, fecha)",
    "datediff": "julianday(a) - julianday(b)",
    "to_char": "strftime(formato, fecha)",
    "len": "length(texto)",
    "isnull": "ifnull(valor, otro)",
    "nvl": "ifnull(valor, otro)",
    "left": "substr(texto, 1, n)",
    "right": "substr(texto, -n)",
    "stddev": "una cuenta con AVG, SQLite no la trae",
}
"""Functions of other systems, and what SQLite has instead."""
PLACEHOLDER = re.compile(r"\.\.\.|…|_{3,}|<[^\W\d]\w*(?: [^\W\d]\w*){0,3}>|\[\s*\.{2,}\s*\]")
"""Blanks that a learner is to fill in."""


def fault(database: Guarded, statement: str, schema: Schema | None) -> Fault | Uses:
    """Compile ``statement`` on ``database``; what it uses, or why it cannot be run."""
    try:
        return database.compile(statement)
    except Trouble as trouble:
        return explain(trouble, statement, schema)


def explain(trouble: Trouble, statement: str, schema: Schema | None) -> Fault:
    """SQLite's complaint as a fault."""
    if trouble.kind == "forbidden":
        reason = f"La consulta usa algo que aquí no se ejecuta ({trouble.message[:60]}), así que no se ha comprobado."
        return Fault("forbidden", False, reason, "Escribe la consulta sin esa función.")
    if trouble.kind in ("time", "memory", "rows"):
        reason = "La consulta tarda demasiado o devuelve demasiado y se ha detenido sin comprobarla."
        return Fault(
            "timeout" if trouble.kind == "time" else "too_much",
            False,
            reason,
            "Revisa que los JOIN tengan su condición y que la consulta termine.",
        )
    if trouble.kind == "limit":
        return Fault("limits", False, "La consulta es demasiado grande o compleja para comprobarla.", "Escribe una consulta más sencilla.")
    for pattern, tell in _COMPLAINTS:
        found = pattern.search(trouble.message)
        if found is not None:
            return tell(found, statement, schema)
    message = trouble.message[:120]
    return Fault("sql_error", True, f"SQLite no puede ejecutar la consulta: {message}.", f"Corrige la consulta: SQLite dice «{message}».")


def is_syntax(found: Fault | Uses) -> bool:
    """Whether no database could run the statement."""
    return isinstance(found, Fault) and found.code == "sql_syntax"


# --- one complaint each --------------------------------------------------------------------------


def _syntax(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    if sqlite3.sqlite_version_info[:2] < _version_needed(statement):
        return Fault("newer_sqlite", False, "La consulta usa algo que esta versión de SQLite no conoce, así que no se ha comprobado.", "")
    if PLACEHOLDER.search(statement):
        return Fault(
            "skeleton",
            False,
            "La consulta es un esquema con huecos, no se puede ejecutar.",
            "Escribe la consulta completa, sin puntos suspensivos.",
        )
    near = found.groupdict().get("near") or ""
    if not near:
        reason = "La consulta está incompleta: le falta el final."
        return Fault("sql_syntax", True, reason, f"Completa la consulta: SQLite dice «{found.string}».")
    guess = _misspelt_keyword(statement, near)
    maybe = f" ¿Querías escribir {guess}?" if guess else ""
    reason = f"SQLite no entiende la consulta cerca de «{near[:40]}».{maybe}"
    return Fault("sql_syntax", True, reason, f"Corrige la consulta SQL cerca de «{near[:40]}»: SQLite dice «{found.string[:100]}».", near)


def _misspelt_keyword(statement: str, near: str) -> str:
    """The keyword that the word SQLite stumbled over, or the one before it, was surely meant to be: FORM for FROM reads as a name first."""
    found = code(statement)
    place = next((number for number, token in enumerate(found) if token.text == near), 0)
    for word in (near, found[place - 1].text if place else ""):
        if word.isalpha() and word.upper() not in KEYWORDS:
            guess = _nearest(word.upper(), KEYWORDS, 0.7)
            if guess:
                return guess
    return ""


def _version_needed(statement: str) -> tuple[int, int]:
    """The newest shape that the statement may contain; strings and comments are left out."""
    text = " ".join("''" if token.kind == "string" else token.text for token in code(statement)).lower()
    glued = statement.lower()
    return max((version for version, shape in NEWER if re.search(shape, glued if version == (3, 46) else text)), default=(3, 0))


def _table(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    name = found["name"].rpartition(".")[2]
    known = [table.name for table in schema.tables.values()] + list(schema.views) if schema else []
    guess = _nearest(name, known, 0.6)
    there = f" ¿Querías decir {guess}?" if guess else f" Las tablas son {_listed(known)}." if known else ""
    return Fault("unknown_table", True, f"No existe la tabla «{name}».{there}", f"Usa solo las tablas que existen: {_listed(known)}.", name)


def _column(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    owner, _, name = found["name"].rpartition(".")
    if schema is None:
        return Fault("unknown_column", True, f"No existe la columna «{name}».", "Usa solo columnas que existen.", name)
    named = {token.name.lower() for token in code(statement) if token.is_name}
    tables = [table for key, table in schema.tables.items() if key in named] or list(schema.tables.values())
    known = list(dict.fromkeys(column.name for table in tables for column in table.columns))
    owners = [table.name for table in schema.tables.values() if table.column(name) is not None]
    if owners:
        if owner:
            reason = f"«{owner}» no tiene la columna «{name}»; está en {_listed(owners)}."
        else:
            reason = f"La columna «{name}» está en {_listed(owners)}, que aquí no se puede usar."
        return Fault("unknown_column", True, reason, f"Toma «{name}» de {_listed(owners)} y añade esa tabla con JOIN si falta.", name)
    guess = _nearest(name, known, 0.6)
    if guess:
        reason = f"No existe la columna «{name}». ¿Querías decir {guess}?"
    elif _is_compared(statement, name):
        reason = f"No existe la columna «{name}»; si es un texto, va entre comillas simples: '{name}'."
    else:
        reason = f"No existe la columna «{name}». Las columnas son {_listed(known)}."
    return Fault("unknown_column", True, reason, f"Usa solo columnas que existen: {_listed(known)}.", name)


def _is_compared(statement: str, name: str) -> bool:
    found = code(statement)
    return any(
        token.is_name and token.name == name and place and found[place - 1].text in ("=", "==", "<>", "!=", "<", ">", "<=", ">=", "(", ",")
        for place, token in enumerate(found)
    )


def _ambiguous(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    name = found["name"]
    reason = f"La columna «{name}» está en más de una tabla y no se sabe de cuál es."
    return Fault("ambiguous_column", True, reason, f"Escribe de qué tabla es {name}, por ejemplo con su alias: t.{name}.", name)


def _function(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    name = found["name"]
    if name.lower() in NEWER_FUNCTIONS:
        return Fault("newer_sqlite", False, f"La función {name} no está en esta versión de SQLite, así que no se ha comprobado.", "", name)
    instead = ELSEWHERE.get(name.lower(), "")
    reason = f"SQLite no tiene la función {name}." + (f" Aquí se usa {instead}." if instead else "")
    return Fault(
        "unknown_function",
        True,
        reason,
        f"Escribe la consulta sin {name}, con funciones de SQLite." + (f" Prueba {instead}." if instead else ""),
        name,
    )


def _aggregate(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    name = found["name"].rstrip("()")
    reason = f"{name} no se puede usar ahí: WHERE mira las filas de una en una, antes de agruparlas."
    return Fault("misuse_aggregate", True, reason, f"Pon la condición con {name} en HAVING o en una subconsulta.", name)


def _right_join(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    return Fault("newer_sqlite", False, "Esta versión de SQLite no conoce RIGHT ni FULL JOIN, así que no se ha comprobado.", "")


def _having(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    reason = "Esta versión de SQLite pide GROUP BY antes de HAVING, y las nuevas no; no se ha comprobado."
    return Fault("newer_sqlite", False, reason, "Agrupa las filas con GROUP BY antes de HAVING.")


def _arguments(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    name = found["name"]
    return Fault("sql_error", True, f"La función {name} no lleva ese número de argumentos.", f"Corrige los argumentos de {name}.", name)


def _union(found: re.Match[str], statement: str, schema: Schema | None) -> Fault:
    reason = f"Las dos partes de {found['name']} no tienen el mismo número de columnas."
    return Fault("sql_error", True, reason, "Selecciona el mismo número de columnas a los dos lados.")


_COMPLAINTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, Schema | None], Fault]], ...] = (
    (re.compile(r'near "(?P<near>[\s\S]*)": syntax error'), _syntax),
    (re.compile(r'unrecognized token: "(?P<near>[\s\S]*)"'), _syntax),
    (re.compile(r"incomplete input|syntax error"), _syntax),
    (re.compile(r"no such table: (?P<name>[\s\S]+)"), _table),
    (re.compile(r"no such column: (?P<name>[\s\S]+)"), _column),
    (re.compile(r"ambiguous column name: (?P<name>[\s\S]+)"), _ambiguous),
    (re.compile(r"no such function: (?P<name>[\s\S]+)"), _function),
    (re.compile(r"misuse of (?:aggregate|aggregate function|window function)[: ]+(?P<name>[\s\S]+)"), _aggregate),
    (re.compile(r"a GROUP BY clause is required before HAVING"), _having),
    (re.compile(r"RIGHT and FULL OUTER JOINs are not currently supported"), _right_join),
    (re.compile(r"wrong number of arguments to function (?P<name>\w+)"), _arguments),
    (re.compile(r"SELECTs to the left and right of (?P<name>[A-Z ]+) do not have"), _union),
)


def _nearest(name: str, known: Iterable[str], cutoff: float) -> str:
    """The known name most like ``name``, case and accents apart; empty where none is."""
    folded = {_folded(other): other for other in reversed(list(known))}
    found = difflib.get_close_matches(_folded(name), list(folded), n=1, cutoff=cutoff)
    return folded[found[0]] if found else ""


def _folded(name: str) -> str:
    return name[:60].lower().translate(str.maketrans("áéíóúüñ", "aeiouun"))


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:12]) + (", ..." if len(listed) > 12 else "")


# --- text in double quotes -----------------------------------------------------------------------


@dataclass(frozen=True)
class QuotedText:
    """A word in double quotes that SQLite reads as a text, for want of a column of that name."""

    text: str
    misspelt: str
    """The column that was surely meant, or empty."""


def quoted_texts(database: Guarded, query: str, schema: Schema) -> list[QuotedText]:
    """Words in double quotes that are no names: SQLite itself says so when they stand in square brackets instead."""
    found = code(query)
    open_places = [place for place, token in enumerate(found) if token.kind == "quoted" and "]" not in token.text][:30]
    texts: list[QuotedText] = []
    as_text: set[int] = set()
    for _ in range(len(open_places)):
        rewritten, places = _in_brackets(query, found, open_places, as_text)
        try:
            database.compile(rewritten)
            break
        except Trouble as trouble:
            missing = re.search(r"no such column: ([\s\S]+)", trouble.message)
            if missing is None:
                return texts
            name = missing[1]
            bad = [place for place in places if found[place].name == name]
            if not bad:
                return texts
            for place in bad:
                as_text.add(place)
                texts.append(QuotedText(name, _meant(found, place, schema)))
    return texts


def _in_brackets(query: str, found: list[Token], places: list[int], left_out: set[int]) -> tuple[str, list[int]]:
    pieces: list[str] = []
    position = 0
    changed = [place for place in places if place not in left_out]
    for place in changed:
        token = found[place]
        pieces += [query[position : token.start], f"[{token.name}]"]
        position = token.end
    return "".join([*pieces, query[position:]]), changed


_VALUE_PLACES = frozenset(
    ("=", "==", "<>", "!=", "<", ">", "<=", ">=", "LIKE", "GLOB", "IN", "IS", "BETWEEN", "THEN", "ELSE", "||", "CONCAT")
)


def _meant(found: list[Token], place: int, schema: Schema) -> str:
    """The column that a word stands for, if it stands where a column does and is spelt nearly like one of the tables in use."""
    before = found[place - 1] if place else None
    if before is not None and (
        before.upper in _VALUE_PLACES or _in_list(found, place) or (before.upper == "AND" and _closes_between(found, place))
    ):
        return ""
    word = found[place].name
    named = {token.name.lower() for token in found if token.is_name}
    columns = [column for key, table in schema.tables.items() if key in named for column in table.columns]
    if any(word in column.pool for column in columns):
        return ""
    for column in columns:
        if _is_slip(word.lower(), column.name.lower()):
            return column.name
    return ""


def _in_list(found: list[Token], place: int) -> bool:
    """Whether the word is an element of ``IN (...)`` or an argument of a function that has others."""
    depth = 0
    for other in reversed(found[max(0, place - 40) : place]):
        if other.text == ")":
            depth += 1
        elif other.text == "(":
            depth -= 1
            if depth < 0:
                position = found.index(other)
                return position > 0 and found[position - 1].upper in (
                    "IN",
                    "VALUES",
                    "COALESCE",
                    "IFNULL",
                    "REPLACE",
                    "STRFTIME",
                    "GROUP_CONCAT",
                )
        elif depth == 0 and other.upper in ("SELECT", "FROM", "WHERE", "BY"):
            return False
    return False


def _closes_between(found: list[Token], place: int) -> bool:
    return any(token.upper == "BETWEEN" for token in found[max(0, place - 4) : place])


def _is_slip(word: str, name: str) -> bool:
    """One letter too many, too few, wrong or swapped in a name of four letters or more; two from eight letters on."""
    allowed = 0 if len(name) < 4 else 1 if len(name) < 8 else 2
    return 0 < _distance(word[:40], name[:40]) <= allowed


def _distance(one: str, two: str) -> int:
    """Edits between two words: a letter in, out, changed, or two neighbours swapped."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, left in enumerate(one, start=1):
        last, row, older = row, [i], before
        for j, right in enumerate(two, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == two[j - 2] and one[i - 2] == right:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]
