"""Tasks that change the data: new rows, new values, rows that go away, new tables.

Knows INSERT, UPDATE, DELETE and CREATE TABLE. Deliberately knows nothing of queries that read or of sheets.
"""

from collections.abc import Sequence
from random import Random

from .query_conditions import filtered, literal
from .query_domains import Table
from .query_phrases import Task, names, task
from .query_tables import TAKEN
from .sheets import Lexicon, invented

INSERTS = (
    "agrega a {} una fila con {}", "inserta en {}: {}", "añade a la tabla {} este registro: {}", "nueva fila en {} con {}",
    "registrar en {}: {}",
)  # fmt: skip
KINDS = {"INTEGER": ("entero", "número entero"), "TEXT": ("texto", "cadena"), "REAL": ("real", "decimal")}


def insert(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """A new row."""
    t = rng.choice(tables)
    columns = list(t.columns) if rng.random() < 0.4 else [t.key, *rng.sample(t.columns[1:], min(len(t.columns) - 1, 2))]
    values = [literal(rng, c) for c in columns]
    joint = rng.choice((" ", " ", " = ", ": "))
    pairs = ", ".join(f"{c.spoken}{joint}{said}" for c, (said, _) in zip(columns, values, strict=True))
    text = rng.choice(INSERTS).format(t.name, pairs)
    clauses = [f"INSERT INTO {t.name} ({names(columns)})", f"VALUES ({', '.join(written for _, written in values)})"]
    notes = ["Los valores van en el orden de las columnas.", f"INSERT INTO {t.name} agrega una fila."]
    return task(text, clauses, [*notes, "Los textos llevan comillas simples y los números no."], columns)


def update(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """New values in some rows."""
    t = rng.choice(tables)
    c = rng.choice(t.own)
    where, sql, extra = filtered(rng, t, single=rng.random() >= 0.3, columns=[t.key] if rng.random() < 0.4 else ())
    such = f"{t.rows} {where}"
    if c.numeric and rng.random() < 0.5:
        k = rng.randrange(2, 60)
        words, change = rng.choice((
            (f"aumenta en {k} {c.the}", f"+ {k}"), (f"sube {k} a {c.the}", f"+ {k}"), (f"baja en {k} {c.the}", f"- {k}"),
            (f"resta {k} a {c.the}", f"- {k}"), (f"duplica {c.the}", "* 2"), (f"sube un {k} % {c.the}", f"* 1.{k:02}"),
        ))  # fmt: skip
        text, change = f"{words} de {such}", f"{c.name} {change}"
    else:
        said, change = literal(rng, c)
        text = rng.choice((
            f"cambia {c.the} a {said} en {such}", f"pon {c.spoken} {said} a {such}", f"actualiza {c.the} de {such}: ahora vale {said}",
            f"que {c.the} sea {said} para {such}",
        ))  # fmt: skip
    notes = [f"SET da el valor nuevo: {c.name} = {change}.", f"Sin WHERE cambiaría toda la tabla {t.name}.", *extra[:2]]
    return task(text, [f"UPDATE {t.name}", f"SET {c.name} = {change}", f"WHERE {sql}"], notes, [c])


def delete(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Rows that go away."""
    t = rng.choice(tables)
    where, sql, extra = filtered(rng, t, columns=[t.key] if rng.random() < 0.25 else ())
    verb = rng.choice(("borra", "elimina", "borrar", "eliminar", "quita de la tabla", "suprime", "quiero borrar"))
    notes = [f"Sin WHERE se borraría todo {t.name}.", f"DELETE quita las filas con {sql}.", *extra[:1]]
    return task(f"{verb} {t.rows} {where}", [f"DELETE FROM {t.name}", f"WHERE {sql}"], notes)


def create(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """A new table."""
    drawn: list[str] = []
    while len(drawn) < rng.choice((4, 5)):
        word = lexicon.word(rng) if rng.random() < 0.8 else invented(rng)
        if word not in TAKEN | {t.name.lower() for t in tables} | set(drawn):
            drawn.append(word)
    name, *columns = drawn
    said, lines = ["id entero y clave primaria"], ["id INTEGER PRIMARY KEY"]
    for column in columns:
        kind = rng.choice(list(KINDS))
        needed = rng.random() < 0.3
        said.append(f"{column} {rng.choice(KINDS[kind])}{' obligatorio' if needed else ''}")
        lines.append(f"{column} {kind}{' NOT NULL' if needed else ''}")
    if rng.random() < 0.3:
        parent = rng.choice(tables)
        key = f"{parent.name.lower()}_{parent.key.name.lower()}"
        said.append(f"{key} entero que apunta a {parent.name}")
        lines.append(f"{key} INTEGER REFERENCES {parent.name}({parent.key.name})")
    verb = rng.choice(("crea la tabla", "crear una tabla", "define la tabla", "haz una tabla"))
    clauses = [f"CREATE TABLE {name} (", *(f"    {line}," for line in lines[:-1]), f"    {lines[-1]}", ")"]
    note = "Texto es TEXT, entero es INTEGER, decimal es REAL."
    if any("NOT NULL" in line for line in lines):
        note = "«obligatorio» es NOT NULL."
    return task(f"{verb} {name} con {', '.join(said[:-1])} y {said[-1]}", clauses, [note])
