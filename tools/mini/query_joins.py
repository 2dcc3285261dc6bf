"""Tasks over several tables: joins, rows without a partner, unions.

Knows how a child table points to its parent. Deliberately knows nothing of tasks over one table or of sheets.
"""

from collections.abc import Sequence
from random import Random

from .query_conditions import condition
from .query_domains import Column, Table
from .query_phrases import SIGNS, Task, aggregated, asked, listed, stated, task
from .sheets import RESERVED, Lexicon

KEYWORDS = RESERVED | {"as", "by", "do", "if", "in", "is", "no", "of", "on", "or", "to"}
Link = tuple[Table, Column, Table]
"""child, key and parent"""


def _links(tables: Sequence[Table]) -> list[Link]:
    by_name = {t.name: t for t in tables}
    return [(t, c, by_name[c.target]) for t in tables for c in t.of("key") if c.target in by_name]


def aliases(*tables: Table) -> list[str]:
    """The shortest beginnings that tell the tables apart."""
    result: list[str] = []
    for name in (table.name.lower() for table in tables):
        starts = (name[:n] for n in range(1, len(name) + 1))
        fit = (start for start in starts if start not in result and start not in KEYWORDS and not start.endswith("_"))
        result.append(next(fit, name + "2"))
    return result


def join(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Columns of two linked tables."""
    links = _links(tables)
    if not links:
        return None
    child, key, parent = rng.choice(links)
    a, b = aliases(child, parent)
    mine = rng.sample(child.own, min(len(child.own), rng.choice((1, 1, 2))))
    theirs = rng.sample(parent.own, rng.choice((1, 1, 2)))
    left, right = [f"{a}.{c.name}" for c in mine], [f"{b}.{c.name}" for c in theirs]
    its = rng.choice((f"de su {parent.one}", f"de {parent.the_one}"))
    articles = rng.random() < 0.5
    if rng.random() < 0.6:
        text = asked(rng, f"{listed(rng, mine, articles)} de {child.rows} y {listed(rng, theirs, articles)} {its}")
        chosen = left + right
    else:
        text = asked(rng, f"{listed(rng, theirs, articles)} de {parent.the_one} y {listed(rng, mine, articles)} de cada {child.one}")
        chosen = right + left
    from_key, to_key = f"{a}.{key.name}", f"{b}.{parent.key.name}"
    clauses = [f"SELECT {', '.join(chosen)}", f"FROM {child.name} AS {a}", f"JOIN {parent.name} AS {b} ON {to_key} = {from_key}"]
    notes = [
        f"{from_key} apunta a {to_key}.", f"El ON une {to_key} con {from_key}.",
        f"JOIN empareja cada fila de {child.name} con la suya de {parent.name}.", f"{a} es {child.name} y {b} es {parent.name}.",
    ]  # fmt: skip
    if rng.random() < 0.35:
        alias, table = (a, child) if rng.random() < 0.5 else (b, parent)
        held = condition(rng, table.own, f"{alias}.", negations=False)
        text = f"{stated(text)}, solo si {held.column.the} de {table.one} {held.verb}"
        clauses.append(f"WHERE {held.sql}")
    elif rng.random() < 0.3:
        c = rng.choice([*mine, *theirs])
        down = rng.random() < 0.4
        text = f"{stated(text)}, por {c.spoken} {'descendente' if down else 'ascendente'}"
        clauses.append(f"ORDER BY {a if c in mine else b}.{c.name} {'DESC' if down else 'ASC'}")
        if c in mine and c.name in {x.name for x in theirs}:
            return None
    return task(text, clauses, notes, [*mine, *theirs, key])


def join_group(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A count or a sum of the child's rows per row of the parent."""
    links = _links(tables)
    if not links:
        return None
    child, key, parent = rng.choice(links)
    labels = parent.of("text", "group")
    if not labels:
        return None
    label = rng.choice(labels)
    counted = rng.random() < 0.55 or not child.numbers
    everyone = counted and rng.random() < 0.35
    a, b = aliases(child, parent)
    columns = [label, key]
    if counted:
        formula, alias, many = "COUNT(*)", "total", f"cuánt{child.o}s {child.things}"
        text = rng.choice((
            f"{many} tiene cada {parent.one}, con {label.the}", f"{label.the} de cada {parent.one} y {many} tiene",
            f"por cada {parent.one}, {label.spoken} y cantidad de {child.things}",
        ))  # fmt: skip
    else:
        columns.append(rng.choice(child.numbers))
        words, formula, alias = aggregated(rng, columns[-1], f"{a}.")
        words += f" de sus {child.things}"
        text = rng.choice((f"{label.the} de cada {parent.one} y {words}", f"por cada {parent.one}: {label.spoken} y {words}"))
    from_key, to_key = f"{a}.{key.name}", f"{b}.{parent.key.name}"
    link = f"{to_key} = {from_key}"
    body = [f"FROM {child.name} AS {a}", f"JOIN {parent.name} AS {b} ON {link}"]
    if everyone:
        formula, link = f"COUNT({a}.{child.key.name})", f"{from_key} = {to_key}"
        text += rng.choice((f", también si no tiene ningun{child.o}", f" (incluye l{parent.o}s que tienen 0)", ", aunque sea cero"))
        body = [f"FROM {parent.name} AS {b}", f"LEFT JOIN {child.name} AS {a} ON {link}"]
    clauses = [f"SELECT {b}.{label.name}, {formula} AS {alias}", *body, f"GROUP BY {to_key}, {b}.{label.name}"]
    if rng.random() < 0.25 and counted:
        words, sign = rng.choice(SIGNS)
        k = str(rng.randrange(2, 15))
        text = f"{text}, solo con {words.replace('#', k)}"
        clauses.append(f"HAVING {formula} {sign} {k}")
    notes = [f"Se agrupa por {to_key}: un grupo por fila de {parent.name}.", f"{link} une las tablas."]
    notes += [f"LEFT JOIN conserva {parent.name} sin {child.name}."] if everyone else []
    return task(text, clauses, notes, columns)


def three(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Columns of three linked tables."""
    links = _links(tables)
    pairs = [(x, y) for x in links for y in links if x is not y and y[0].name in (x[0].name, x[2].name) and x[2].name != y[2].name]
    if not pairs:
        return None
    (child, key, parent), (holder, second_key, third) = rng.choice(pairs)
    joined = (child, parent, third)
    a, b, c = aliases(*joined)
    held = f"{a if holder.name == child.name else b}.{second_key.name}"
    columns = [rng.choice(table.own) for table in joined]
    named = list(zip((a, b, c), columns, joined, strict=True))
    rng.shuffle(named)
    text = asked(rng, "{}, {} y {}".format(*(f"{column.the} de {table.one}" for _, column, table in named)))
    clauses = [
        f"SELECT {', '.join(f'{alias}.{column.name}' for alias, column, _ in named)}",
        f"FROM {child.name} AS {a}",
        f"JOIN {parent.name} AS {b} ON {b}.{parent.key.name} = {a}.{key.name}",
        f"JOIN {third.name} AS {c} ON {c}.{third.key.name} = {held}",
    ]
    notes = ["Tres tablas piden dos JOIN.", f"{a}.{key.name} lleva a {parent.name} y {held} a {third.name}."]
    return task(text, clauses, notes, [*columns, key, second_key])


def without(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Rows of the parent with no row, or with some row, in the child."""
    links = _links(tables)
    if not links:
        return None
    child, key, parent = rng.choice(links)
    a, b = aliases(child, parent)
    column = rng.choice([c for c in parent.columns if c.kind != "key"])
    none = f"{'ninguna' if child.o == 'a' else 'ningún'} {child.one}"
    lead = f"{listed(rng, [column], True)} de {parent.rows}"
    lacking = rng.choice((f"sin {none}", f"que no tienen {none}", f"sin {child.things}", f"que no aparecen en {child.name}"))
    having = f"{rng.choice(('que tienen algún registro en', 'que aparecen en', 'con al menos una fila en'))} {child.name}"
    word = rng.choice(("LEFT JOIN", "LEFT JOIN", "LEFT JOIN", "NOT IN", "NOT EXISTS", "IN", "EXISTS"))
    text = asked(rng, f"{lead} {having if word in ('IN', 'EXISTS') else lacking}")
    text += "" if word == "LEFT JOIN" else f" (con {word})"
    on = f"{a}.{key.name} = {b}.{parent.key.name}"
    clauses = [f"SELECT {b}.{column.name}", f"FROM {parent.name} AS {b}"]
    if word == "LEFT JOIN":
        alone = f"{a}.{child.key.name} IS NULL"
        clauses += [f"LEFT JOIN {child.name} AS {a} ON {on}", f"WHERE {alone}"]
        notes = [f"{alone} señala las filas sin pareja en {child.name}.", f"LEFT JOIN conserva todo {parent.name}."]
    elif word.endswith("EXISTS"):
        clauses += [f"WHERE {word} (SELECT 1 FROM {child.name} AS {a} WHERE {on})"]
        notes = [f"{word} mira si {'no ' if word.startswith('NOT') else ''}hay filas con {on}."]
    else:
        inner = f"SELECT {key.name} FROM {child.name}" + (f" WHERE {key.name} IS NOT NULL" if word == "NOT IN" else "")
        clauses = [f"SELECT {column.name}", f"FROM {parent.name}", f"WHERE {parent.key.name} {word} ({inner})"]
        notes = [f"La subconsulta da los valores de {key.name} en {child.name}.", f"{parent.key.name} {word} compara con esa lista."]
    return task(text, clauses, notes, [column, key])


def union(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Two columns in one list."""
    options = [(t, c) for t in tables for c in t.of("text", "group")]
    if len({t.name for t, _ in options}) < 2:
        return None
    a, x = rng.choice(options)
    b, y = rng.choice([(t, c) for t, c in options if t is not a])
    word, tails, note = "UNION", (", sin repetir", ", sin duplicados", ""), "UNION quita los repetidos."
    if rng.random() < 0.35:
        word, tails = "UNION ALL", (", con repetidos", ", conservando repetidos", ", aunque se repitan")
        note = "UNION ALL conserva los repetidos."
    tail = rng.choice(tails)
    text = rng.choice((
        f"una sola lista con {x.the} de {a.name} y {y.the} de {b.name}", f"une {x.the} de {a.rows} con {y.the} de {b.rows}",
        f"junta en una columna {x.spoken} de {a.name} y {y.spoken} de {b.name}",
    ))  # fmt: skip
    clauses = [f"SELECT {x.name}", f"FROM {a.name}", word, f"SELECT {y.name}", f"FROM {b.name}"]
    return task(text + tail, clauses, [note, f"{word} pone {y.name} debajo de {x.name}."], [x, y])
