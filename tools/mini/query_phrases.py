"""Phrases of a request for a query, with the clauses that they ask for.

Knows how columns, rows, an order and an aggregate are asked for in Spanish. Deliberately knows no kinds of task and no layout of a sheet.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .query_domains import Column, Table
from .query_tables import TAKEN
from .sheets import Lexicon


@dataclass(frozen=True)
class Task:
    """A request, its query and what may be said of the query."""

    text: str
    clauses: tuple[str, ...]
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    """the columns that the query must name"""


def task(text: str, clauses: Sequence[str], notes: Sequence[str], columns: Sequence[Column] = ()) -> Task:
    """A task from its pieces; de el and a el are joined."""
    text = re.sub(r"\b([Aa]) el (?=\w)", r"\1l ", re.sub(r"\b([Dd])e el (?=\w)", r"\1el ", text))
    return Task(text, tuple(clauses), tuple(notes), tuple(c.name for c in columns))


# 1. What is asked for

LEAD_TEXT = """
muestra|lista|dame|quiero|necesito|obtén|trae|selecciona|consulta|saca|busca|encuentra|enseña|devuelve|mostrar|listar|obtener|ver|consultar
extraer|quiero ver|necesito saber|hay que mostrar|muéstrame|me hace falta|escribe la consulta que da|haz una consulta con
consulta que devuelva|pide|imprime|quisiera|se piden
"""
LEADS = re.split(r"[|\n]", LEAD_TEXT.strip())
QUESTIONS = (
    "¿cómo obtengo {}?", "¿cómo saco {}?", "¿qué consulta da {}?", "¿me muestras {}?", "¿con qué consulta veo {}?", "¿puedes listar {}?",
)  # fmt: skip


def asked(rng: Random, what: str) -> str:
    """A request for something."""
    chance = rng.random()
    if chance < 0.14:
        return what
    if chance < 0.26:
        return rng.choice(QUESTIONS).format(what)
    return f"{rng.choice(LEADS)} {what}"


def stated(text: str) -> str:
    """A request without question marks, so that more may follow."""
    return text.rstrip("?").replace("¿", "")


def led(by: str, text: str) -> str:
    """A text with what leads to it, if there is one."""
    return by + text if text else ""


def listed(rng: Random, columns: Sequence[Column], articles: bool | None = None) -> str:
    """The columns in words, in their order."""
    if articles is None:
        articles = rng.random() < 0.5
    words = [c.the if articles else c.spoken for c in columns]
    if len(words) == 1:
        return words[0] if articles or rng.random() < 0.6 else f"la columna {words[0]}"
    chance = rng.random()
    if chance < 0.12:
        return ", ".join(words)
    last = "e" if words[-1][0] in "ií" and rng.random() < 0.7 else "y"
    together = f"{', '.join(words[:-1])} {last} {words[-1]}"
    if chance < 0.2 and not articles:
        return f"las columnas {together}"
    if chance < 0.32 and len(words) == 2:
        return f"{words[0]} {'junto con' if chance < 0.26 else 'seguido de'} {words[1]}"
    return together


def some(rng: Random, table: Table, most: int = 4) -> list[Column]:
    """Some columns of the table in any order."""
    pool = [c for c in table.columns if c.kind != "key" or rng.random() < 0.4]
    return rng.sample(pool, min(len(pool), most, rng.choice((1, 1, 2, 2, 2, 3, 3, 4))))


def source(rng: Random, table: Table, filtered: bool) -> str:
    """The rows of the table, as what follows 'de'."""
    if (filtered and rng.random() < 0.75) or rng.random() >= 0.6:
        return table.rows
    return rng.choice((f"la tabla {table.name}", table.name, f"la tabla {table.name}"))


# 2. Clauses


def names(columns: Sequence[Column]) -> str:
    """The columns as SQL lists them."""
    return ", ".join(c.name for c in columns)


def select(chosen: str, table: Table, where: str = "") -> list[str]:
    """The clauses of a query over one table."""
    return [f"SELECT {chosen}", f"FROM {table.name}", *([f"WHERE {where}"] if where else [])]


ORDER_TEXT = """
text down: de la Z a la A por {}|{o} por {} de la Z a la A|en orden alfabético inverso por {}|por {} descendente
text up: en orden alfabético por {}|alfabéticamente por {}|{o} por {} de la A a la Z|{o} por {}|de la A a la Z por {}
date down: {o} por {}, lo más reciente primero|{o} por {} de la más nueva a la más vieja|por {} descendente
date up: {o} por {}, lo más antiguo primero|{o} por {}|{o} por {} de la más vieja a la más nueva
number down: de mayor a menor {}|{o} por {} de mayor a menor|{o} de mayor a menor según {}
    primero lo de mayor {}|por {} descendente|{o} por {} en forma descendente
number up: de menor a mayor {}|{o} por {} de menor a mayor|{o} por {}
    primero lo de menor {}|{o} de menor a mayor según {}|por {} de forma creciente
"""
_ORDERS = [line.partition(": ") for line in ORDER_TEXT.strip().replace("\n    ", "|").splitlines()]
ORDERS = {key: ways.split("|") for key, _, ways in _ORDERS}


def ordered(rng: Random, table: Table) -> tuple[str, str, str]:
    """The order in words, the clause, and a note."""
    column = rng.choice([c for c in table.columns if c.kind != "key"])
    down = rng.random() < 0.5
    o = rng.choice(("ordenado", f"ordenad{table.o}s"))
    kind = {"text": "text", "group": "text", "date": "date"}.get(column.kind, "number")
    way = rng.choice(ORDERS[f"{kind} {'down' if down else 'up'}"])
    bare = way.endswith(("mayor {}", "menor {}"))
    words = way.format(column.spoken if bare or rng.random() < 0.5 else column.the, o=o)
    sql = f"ORDER BY {column.name}{' DESC' if down else ''}"
    if rng.random() < 0.12:
        words, sql, down = f"{o} por {column.spoken} ascendente", f"ORDER BY {column.name} ASC", False
    if rng.random() < 0.14:
        second = rng.choice([c for c in table.columns if c.name != column.name])
        second_down = rng.random() < 0.3
        words += rng.choice(("; si empatan, por", " y luego por", "; a igualdad, por")) + f" {second.spoken}"
        words += " de mayor a menor" if second_down else ""
        sql += f", {second.name}{' DESC' if second_down else ''}"
    notes = (
        f"{sql}: {'de mayor a menor' if down else 'de menor a mayor'}.",
        f"{column.name} decide el orden, {'con DESC porque va hacia abajo' if down else 'ascendente'}.",
        f"{'DESC invierte el orden de' if down else 'Sin DESC el orden es ascendente en'} {column.name}.",
    )
    return words, sql, rng.choice(notes)


AGGREGATES = {
    "AVG": ("promedio", "el promedio de {}|la media de {}|el valor medio de {}|{} en promedio"),
    "SUM": ("suma", "la suma de {}|el total sumado de {}|{} en total|la suma total de {}"),
    "MIN": ("minimo", "el mínimo de {}|el menor valor de {}|{} más baj@|el valor mínimo de {}"),
    "MAX": ("maximo", "el máximo de {}|el mayor valor de {}|{} más alt@|el valor máximo de {}"),
}
"""the alias of each function, and how it is asked for"""


def aggregated(rng: Random, column: Column, prefix: str = "", function: str = "") -> tuple[str, str, str]:
    """An aggregate in words, in SQL, and the alias."""
    function = function or rng.choice(list(AGGREGATES))
    alias, ways = AGGREGATES[function]
    way = rng.choice(ways.split("|")).replace("@", column.ending)
    words = way.format(column.the if column.article else rng.choice((column.spoken, column.spoken, f"la columna {column.spoken}")))
    sql = f"{function}({prefix}{column.name})"
    if function == "AVG" and rng.random() < 0.25:
        digits = rng.choice((0, 1, 1, 2, 2, 2, 3))
        words += rng.choice((" con {} decimales", " redondeado a {} decimales", ", redondeado a {}")).format(digits)
        sql = f"ROUND({sql}, {digits})"
    return words, sql, alias


def renamed(rng: Random, lexicon: Lexicon, alias: str, tables: Sequence[Table]) -> tuple[str, str]:
    """Now and then the request gives the alias: what it adds and the alias."""
    if rng.random() > 0.2:
        return "", alias
    word = lexicon.word(rng)
    if word in {c.name for t in tables for c in t.columns} | {t.name for t in tables} | TAKEN:
        return "", alias
    return rng.choice((" (llámalo {})", ", con el alias {}", " como {}", ", con nombre {}")).format(word), word


SIGNS = (
    ("más de #", ">"), ("más de #", ">"), ("al menos #", ">="), ("# o más", ">="), ("como mínimo #", ">="), ("menos de #", "<"),
    ("a lo sumo #", "<="), ("# o menos", "<="), ("como máximo #", "<="), ("exactamente #", "="),
)  # fmt: skip
"""comparisons of a number of rows"""
