"""Conditions of a query: a comparison said in Spanish and written in SQL.

Knows comparisons, patterns, missing values, and how up to three of them are joined. Deliberately knows nothing of whole queries or sheets.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .query_domains import Column, Table

Ways = tuple[list[str], list[str]]
"""what may follow 'con saldo', and what may follow 'el saldo'"""


def _ways(text: str) -> dict[str, Ways]:
    lines = text.strip().splitlines()
    named = [(first.partition(": "), second.strip()) for first, second in zip(lines[::2], lines[1::2], strict=True)]
    return {name: (adjectives.split("|"), verbs.split("|")) for (name, _, adjectives), verbs in named}


COMPARISONS = _ways("""
>: mayor que #|mayor a #|superior a #|de más de #|por encima de #
    es mayor que #|supera #|pasa de #|es superior a #|está por encima de #|es más de #|excede #
>=: mayor o igual que #|de # o más|de al menos #|no menor que #|de # como mínimo|de por lo menos #|desde # en adelante
    es mayor o igual que #|es al menos #|llega a # o más|es como mínimo #|no baja de #|es # o más|es por lo menos #
<: menor que #|menor a #|inferior a #|de menos de #|por debajo de #
    es menor que #|no llega a #|es inferior a #|está por debajo de #|es menos de #
<=: menor o igual que #|de # o menos|de a lo sumo #|de hasta #|no mayor que #|de # como máximo
    es menor o igual que #|es como máximo #|es a lo sumo #|no pasa de #|no supera #|es # o menos|llega como mucho a #
=: igual a #|de #|exactamente igual a #
    es #|es igual a #|vale #|es exactamente #
<>: distint@ de #|diferente de #|que no sea #
    es distint@ de #|no es #|es diferente de #|no vale #
key: #|#|igual a #
    es #|vale #
NOT BETWEEN: fuera de #
    no está entre #|queda fuera de #
from to: de #|desde #
    va de #
BETWEEN: entre #|de entre #
    está entre #|queda entre #
IN: igual a #|de #
    es #|es uno de #
""")
DATES = _ways("""
>: posterior a #|después de #
    es posterior a #|es después de #|viene después de #
>=: desde #|a partir de #|de # en adelante
    es # o posterior|empieza en # o después|no es anterior a #
<: anterior a #|antes de #
    es anterior a #|es antes de #
<=: hasta #|no posterior a #
    es # o anterior|llega hasta #|no es posterior a #
=: igual a #|del día #
    es #|es igual a #
<>: distint@ de #
    no es #|es distint@ de #
BETWEEN: entre #
    está entre #
year: de #|del año #
    es de #|cae en #
""")
TEXTS = _ways("""
NOT IN: que no sea ni #
    no es ni #
IN: igual a #|#
    es #|es uno de estos: #
<>: distint@ de #|que no sea #|diferente de #
    no es #|es distint@ de #
=: #|#|igual a #
    es #|es #|es igual a #|vale #
""")
MISSING = _ways("""
IS NULL: sin {0.spoken}|sin {0.spoken}|que no tienen {0.spoken}|a l@s que les falta {0.the}|con {0.spoken} NULL
    falta|es NULL|está sin valor|es nul{0.o}|no tiene valor|está vací{0.o}
IS NOT NULL: con {0.spoken} cargad{0.ending}|que sí tienen {0.spoken}|que tienen {0.spoken}|con {0.spoken} no nul{0.ending}
    no falta|no es NULL|sí tiene valor|no está vací{0.o}
""")
BEGINS = ["empieza con #", "comienza por #", "inicia con #", "empieza por #", "arranca con #"]
ENDS = ["termina en #", "acaba en #", "finaliza con #", "termina con #"]
CONTAINS = ["contiene #", "incluye #", "lleva #", "contiene el texto #", "tiene # en alguna parte"]
LETTERS = {"%{}%": ("contiene #", "tiene alguna #"), "{}%": ("empieza con #", "comienza con #"), "%{}": ("termina en #",)}
"""how a pattern of a single letter is said"""
PLACES = ("ciudad", "pais", "City", "Country", "barrio", "marca")
"""columns whose value may stand alone: 'los clientes de Lima'"""


# 1. Values


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def number(rng: Random, column: Column) -> str:
    """A number that the column may hold."""
    if column.links:
        return str(rng.randrange(1, rng.choice((10, 60, 400))))
    span = column.high - column.low
    n = column.low + int(span * rng.random())
    if span > 200 and rng.random() < 0.6:
        n = max(10, n // 10 * 10)
    if column.kind == "real" and rng.random() < 0.15:
        return f"{n}.{rng.choice(('5', '25', '75', '9', '99'))}"
    return str(n)


def date(rng: Random) -> str:
    """A day as SQLite keeps it."""
    return f"{rng.randrange(2018, 2026)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def literal(rng: Random, column: Column) -> tuple[str, str]:
    """A value that the column may hold, as said and as written."""
    if column.links or column.numeric:
        value = number(rng, column)
        return value, value
    value = rng.choice(column.values) if column.values else date(rng)
    return value, quoted(value)


# 2. One condition


@dataclass(frozen=True)
class Condition:
    """A condition in words and in SQL."""

    adjective: str
    """'con saldo mayor que 5', 'sin correo'"""
    singular: str
    """the verb: 'es mayor que 5'"""
    column: Column
    sql: str
    operator: str
    clue: str = ""
    """the words that decide the operator"""
    place: str = ""
    """'de Lima'"""

    @property
    def verb(self) -> str:
        """After the column with its article: 'es mayor que 5'."""
        return plural(self.singular) if self.column.plural else self.singular


def plural(verb: str) -> str:
    """A verb and its complement in the plural."""
    no = "no " if verb.startswith("no ") else ""
    head, _, rest = verb[len(no) :].partition(" ")
    if head == "sí":
        return f"{no}sí {rest.replace('tiene', 'tienen')}"
    head = {"es": "son", "está": "están", "va": "van"}.get(head) or (f"{head}n" if head[:1].islower() else head)
    return f"{no}{head} {_agreeing(rest)}".rstrip()


def _agreeing(adjective: str) -> str:
    """An adjective, and what stands after it, in the plural."""
    adjective = re.sub(r"^(no |exactamente |)(igual|superior|inferior|anterior|posterior|mayor|menor)\b", r"\1\2es", adjective)
    adjective = re.sub(r"^(mayores|menores) o igual\b", r"\1 o iguales", adjective)
    adjective = re.sub(r"^diferente\b", "diferentes", adjective.replace("que no sea ", "que no sean "))
    return re.sub(r"^(nul|vací|distint)([oa])\b", r"\1\2s", adjective)


def condition(rng: Random, columns: Sequence[Column], prefix: str = "", negations: bool = True) -> Condition:
    """One comparison over one of the columns."""
    column = rng.choice(columns)
    name = prefix + column.name
    if negations and column.kind != "id" and rng.random() < 0.13:
        operator = "IS NULL" if rng.random() < 0.55 else "IS NOT NULL"
        adjective, verb = (rng.choice(options).format(column) for options in MISSING[operator])
        adjective = adjective.replace("les falta ", "les faltan ") if column.plural else adjective
        return Condition(adjective, verb, column, f"{name} {operator}", operator)
    if column.links or column.numeric:
        return _of_number(rng, column, name)
    if column.kind == "date":
        return _of_date(rng, column, name)
    return _of_text(rng, column, name, negations)


def _said(rng: Random, column: Column, ways: Ways, value: str, sql: str, operator: str, place: str = "") -> Condition:
    adjective, verb = (rng.choice(options).replace("@", column.o) for options in ways)
    adjective = _agreeing(adjective) if column.plural else adjective
    clue = verb.replace("#", "…").removesuffix("…").strip()
    return Condition(f"con {column.spoken} {adjective.replace('#', value)}", verb.replace("#", value), column, sql, operator, clue, place)


def _of_number(rng: Random, column: Column, name: str) -> Condition:
    chance = rng.random()
    if column.links and chance < 0.7:
        value = number(rng, column)
        return _said(rng, column, COMPARISONS["key"], value, f"{name} = {value}", "=")
    if chance < 0.14:
        low, high = sorted((int(float(number(rng, column))), int(float(number(rng, column)))))
        high += low == high
        operator = "NOT BETWEEN" if rng.random() < 0.12 else "BETWEEN"
        sql = f"{name} {operator} {low} AND {high}"
        if operator == "BETWEEN" and rng.random() < 0.3:
            return _said(rng, column, COMPARISONS["from to"], f"{low} a {high}", sql, operator)
        return _said(rng, column, COMPARISONS[operator], f"{low} y {high}", sql, operator)
    if chance < 0.22:
        numbers = list(dict.fromkeys(number(rng, column) for _ in range(rng.choice((2, 3, 3, 4)))))
        if len(numbers) > 1:
            return _said(rng, column, COMPARISONS["IN"], _either(numbers), f"{name} IN ({', '.join(numbers)})", "IN")
    operator = rng.choice((">", ">", ">=", ">=", "<", "<", "<=", "<=", "=", "<>"))
    value = number(rng, column)
    ways = ([f"{operator} #"], [f"{operator} #"]) if rng.random() < 0.06 else COMPARISONS[operator]
    return _said(rng, column, ways, value, f"{name} {operator} {value}", operator)


def _of_date(rng: Random, column: Column, name: str) -> Condition:
    if rng.random() < 0.2:
        low, high = sorted((date(rng), date(rng)))
        return _said(rng, column, DATES["BETWEEN"], f"{low} y {high}", f"{name} BETWEEN '{low}' AND '{high}'", "BETWEEN")
    if rng.random() < 0.2:
        year = str(rng.randrange(2018, 2026))
        return _said(rng, column, DATES["year"], year, f"{name} LIKE '{year}%'", "LIKE")
    operator = rng.choice((">", ">=", "<", "<=", "=", "<>"))
    day = date(rng)
    return _said(rng, column, DATES[operator], day, f"{name} {operator} '{day}'", operator)


def _of_text(rng: Random, column: Column, name: str, negations: bool) -> Condition:
    value, written = literal(rng, column)
    shown = f"'{value}'" if rng.random() < 0.3 and "'" not in value else value
    chance = rng.random()
    if chance < (0.48 if column.kind == "text" else 0.28):
        return _pattern(rng, column, name, value.split()[0], negations)
    if chance < 0.6 and len(column.values) > 1 and rng.random() < 0.4:
        several = rng.sample(column.values, min(len(column.values), rng.choice((2, 2, 3))))
        operator, together = ("NOT IN", " ni ".join(several)) if rng.random() < 0.3 else ("IN", _either(several))
        return _said(rng, column, TEXTS[operator], together, f"{name} {operator} ({', '.join(map(quoted, several))})", operator)
    if chance < 0.72 and negations and rng.random() < 0.5:
        return _said(rng, column, TEXTS["<>"], shown, f"{name} <> {written}", "<>")
    return _said(rng, column, TEXTS["="], shown, f"{name} = {written}", "=", f"de {value}" if column.name in PLACES else "")


def _pattern(rng: Random, column: Column, name: str, word: str, negations: bool) -> Condition:
    form = rng.randrange(4)
    ways: Sequence[str]
    if form == 0:
        piece, pattern, ways = word[: rng.choice((1, 1, 2))], "{}%", BEGINS
    elif form == 1:
        piece, pattern, ways = word[-rng.choice((1, 1, 2)) :].lower(), "%{}", ENDS
    elif form == 2:
        start = rng.randrange(max(1, len(word) - 2))
        piece, pattern, ways = word[start : start + rng.choice((2, 2, 3))].lower(), "%{}%", CONTAINS
    else:
        piece, pattern = rng.choice("abcdefilmnoprstuv"), rng.choice(("%{}%", "{}%", "%{}"))
        ways = LETTERS[pattern]
    piece = piece.replace("'", "").replace("_", "") or "a"
    way, no = rng.choice(ways), negations and rng.random() < 0.12
    verb = ("no " if no else "") + way.replace("#", f"'{piece}'" if rng.random() < 0.35 else piece)
    operator = "NOT LIKE" if no else "LIKE"
    return Condition(f"con {column.spoken} que {verb}", verb, column, f"{name} {operator} {quoted(pattern.format(piece))}", operator)


def _either(values: Sequence[str]) -> str:
    return f"{', '.join(values[:-1])} o {values[-1]}"


# 3. One to three conditions

Filter = tuple[str, str, list[str]]
"""what follows the rows in the request, the condition in SQL, and notes"""
WHOSE = {"el": "cuyo", "la": "cuya", "los": "cuyos", "las": "cuyas", "": "cuyo"}


def filtered(rng: Random, table: Table, single: bool = False, columns: Sequence[Column] = (), chance: float = 1) -> Filter:
    """A filter of the table's rows by some of its columns; below a chance of 1 perhaps none."""
    if chance < 1 and rng.random() >= chance:
        return "", "", []
    pool = columns or table.columns
    first = condition(rng, pool)
    frame = rng.choice(("con", "con", "con", "cuyo", "cuyo", "donde", "donde", "si"))
    count = 1 if single else rng.choices((1, 2, 3), (70, 27, 3))[0]
    others = [c for c in pool if c.name != first.column.name]
    if count == 1 or len(others) < 2:
        text = first.place if first.place and rng.random() < 0.45 else _clause(rng, first, frame, table)
        sql, conditions = first.sql, [first]
    elif count == 2:
        union = rng.random() < 0.4
        second = condition(rng, pool if union and rng.random() < 0.3 else others)
        word = rng.choice((" o ", " o ", " o bien ") if union else (" y ", " y ", " y además ", " y a la vez "))
        text = _clause(rng, first, frame, table) + word + _clause(rng, second, frame, table, True)
        sql, conditions = f"{first.sql} {'OR' if union else 'AND'} {second.sql}", [first, second]
    else:
        conditions = [first, condition(rng, others), condition(rng, others)]
        text = "donde {} y además ({} o {})".format(*(f"{c.column.the} {c.verb}" for c in conditions))
        sql = "{} AND ({} OR {})".format(*(c.sql for c in conditions))
    return text, sql, _notes(sql, conditions, frame)


def _clause(rng: Random, c: Condition, frame: str, table: Table, again: bool = False) -> str:
    if frame == "con":
        return c.adjective.replace("l@s", f"l{table.o}s")
    if frame == "cuyo":
        return f"{WHOSE[c.column.article]} {c.column.spoken} {c.verb}"
    if again:
        return f"{c.column.the} {c.verb}"
    only = rng.choice(("solo si", "siempre que", "únicamente cuando"))
    return f"{'donde' if frame == 'donde' else only} {c.column.the} {c.verb}"


def _notes(sql: str, conditions: Sequence[Condition], frame: str) -> list[str]:
    first = conditions[0]
    notes = [
        f"WHERE deja las filas con {sql}.", f"Solo quedan las filas que cumplen {sql}.", f"La condición es {sql}.", f"Filtro: {sql}.",
        f"El WHERE pide {sql}.", f"Se descarta toda fila que no cumple {sql}.",
    ]  # fmt: skip
    if len(conditions) == 1 and first.operator in (">", ">=", "<", "<=", "<>") and frame != "con" and not first.column.plural:
        notes += [f"«{first.clue}» se escribe {first.operator}.", f"El signo es {first.operator} porque dice «{first.clue}»."] * 2
    elif len(conditions) == 2:
        notes += [f"{'OR: basta una de las dos' if ' OR ' in sql else 'AND: se cumplen las dos'} condiciones."]
    elif first.operator == "LIKE":
        notes += [f"El patrón es {sql.split('LIKE ')[1]}: % vale por cualquier texto."]
    elif first.operator == "IS NULL":
        notes += [f"La falta de valor se mira con IS NULL: {sql}."]
    elif first.operator == "BETWEEN":
        notes += ["BETWEEN incluye los dos extremos."]
    return notes
