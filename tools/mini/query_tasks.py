"""Tasks over one table: each family makes a request with its query.

Knows SELECT with filters, orders, groups and computed columns. Deliberately knows nothing of links between tables or of sheets.
"""

import re
from collections.abc import Sequence
from random import Random

from .query_conditions import COMPARISONS, filtered, number, plural, quoted
from .query_domains import ADJECTIVES, Table
from .query_phrases import (
    AGGREGATES,
    LEADS,
    SIGNS,
    Task,
    aggregated,
    asked,
    led,
    listed,
    names,
    ordered,
    renamed,
    select,
    some,
    source,
    stated,
    task,
)
from .query_tables import TAKEN
from .sheets import Lexicon

# 1. Rows


def rows(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Columns, filter, order and limit in any mixture."""
    t = rng.choice(tables)
    whole = rng.random() < 0.12
    columns = [] if whole else some(rng, t)
    all_columns = "toda la información"
    if rng.random() >= 0.4:
        all_columns = rng.choice(("todas las columnas", "todos los datos", "las filas completas"))
    if whole:
        what, notes = all_columns, ["El asterisco pide todas las columnas."]
    else:
        what = listed(rng, columns)
        notes = [f"SELECT lleva {names(columns)}.", f"Columnas pedidas: {names(columns)}."]
        notes += [f"Se muestran {names(columns)}, en ese orden." if len(columns) > 1 else f"Se muestra solo {names(columns)}."]
    clauses = select(names(columns) or "*", t)
    unique = not whole and len(columns) < 3 and rng.random() < 0.08
    if unique:
        clauses[0] = f"SELECT DISTINCT {names(columns)}"
        notes = [f"DISTINCT quita las filas repetidas de {names(columns)}.", "DISTINCT: cada valor sale una vez."]
    has_filter, has_order = rng.random() < 0.68, rng.random() < 0.36
    where = tail = again = ""
    if has_filter:
        where, sql, extra = filtered(rng, t)
        clauses.append(f"WHERE {sql}")
        notes = extra if rng.random() < 0.75 else notes
    src = source(rng, t, has_filter)
    if where.startswith(("cuy", "sin ", "con ", "que ", "a l")) and not src.startswith(t.article):
        src = t.rows
    if has_order and not unique:
        tail, sql, note = ordered(rng, t)
        clauses.append(sql)
        notes = [note] if rng.random() < 0.6 else notes
        if rng.random() < 0.2:
            k = rng.randrange(2, 21)
            limit, skipping, firsts = f"LIMIT {k}", "", f", l{t.o}s {k} primer{t.o}s"
            tail += rng.choice((f", solo {k} filas", firsts, f" (máximo {k} filas)", f", y quédate con {k}", f", hasta {k} resultados"))
            if rng.random() < 0.35:
                skip = rng.randrange(1, 30)
                limit, skipping = f"{limit} OFFSET {skip}", f"salta {skip} y "
                tail += rng.choice((" después de saltar {}", " saltando {}", ", sin contar {} del comienzo")).format(skip)
            clauses.append(limit)
            notes = [f"{limit}: {skipping}da {k} filas.", *notes]
    if unique:
        again = rng.choice((", sin repetir", ", sin repeticiones", ", sin duplicados", " (valores únicos)", ", cada combinación una vez"))
    form = rng.random()
    end = led(", ", tail) + again
    if form < 0.72 or not where:
        text = asked(rng, f"{what} de {src}{led(' ', where)}{end}")
    elif form < 0.88:
        text = f"de {t.rows} {where}, {rng.choice(LEADS)} {what}{end}"
    else:
        text = f"para {t.rows} {where}: {what}{end}"
    if whole and not where and not tail and rng.random() < 0.5:
        ways = ("muestra la tabla {} entera", "todo lo que hay en {}", "¿qué filas tiene {}?", "ver {} completa")
        text = rng.choice(ways).format(t.name)
    return task(text, clauses, notes, columns)


def distinct(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Different values of a column."""
    t = rng.choice(tables)
    c = rng.choice(t.of("group", "text") or t.columns)
    text = rng.choice((
        f"{rng.choice(LEADS)} los valores distintos de {c.the} en {t.name}", f"{rng.choice(LEADS)} {c.the} de {t.rows}, sin repetir",
        f"¿qué valores diferentes hay en {c.spoken} de {t.name}?", f"valores únicos de {c.spoken} en {t.name}",
        f"{c.spoken} de {t.name} sin duplicados",
    ))  # fmt: skip
    clauses = select(f"DISTINCT {c.name}", t)
    if rng.random() < 0.25:
        text, clauses = f"{stated(text)}, en orden ascendente", [*clauses, f"ORDER BY {c.name} ASC"]
    notes = (
        f"DISTINCT da cada {c.name} una sola vez.",
        f"DISTINCT quita los valores repetidos de {c.name}.",
        "Sin DISTINCT saldrían repetidos.",
    )
    return task(text, clauses, notes, [c])


def top(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """The first K by a number."""
    measures = ("int", "real", "date")
    t = rng.choice([t for t in tables if t.of(*measures)] or tables)
    by = rng.choice(t.of(*measures) or t.columns)
    columns = some(rng, t, 3)
    down, k = rng.random() < 0.62, rng.choice((1, 1, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12))
    amount = f"{t.article} {k} {t.things}" if k > 1 else t.the_one
    more = "mayor" if down else "menor"
    if by.name in ADJECTIVES and t.one != t.name and rng.random() < 0.55:
        quality = ADJECTIVES[by.name][0 if down else 1].replace("@", t.o)
        quality += "" if rng.random() < 0.6 else f" (según {by.spoken})"
        if k == 1 and not quality.startswith("con "):
            quality = _singular(quality)
    else:
        quality = rng.choice((f"con {more} {by.spoken}", f"con {by.the} más {'alt' if down else 'baj'}{by.ending}"))
        if by.kind == "date":
            quality = f"con {by.spoken} más {'reciente' if down else 'antigu' + by.o}"
        if k == 1 and t.one == t.name:
            amount = f"la fila de {t.name}"
    where, sql, extra = filtered(rng, t, single=True, chance=0.2)
    text = asked(rng, f"{listed(rng, columns)} de {amount} {quality}")
    if where:
        text = f"entre {t.rows} {where}: {text}"
    order = f"ORDER BY {by.name}{' DESC' if down else ''}"
    clauses = [*select(names(columns), t, sql), order, f"LIMIT {k}"]
    if k > 1 and rng.random() < 0.1:
        skip = rng.randrange(1, 12)
        text, clauses[-1] = f"{stated(text)}, saltando {skip}", f"LIMIT {k} OFFSET {skip}"
    notes = [
        f"{'DESC pone primero el mayor' if down else 'El orden ascendente pone primero el menor'} {by.name} y LIMIT {k} corta.",
        f"Se ordena por {by.name}{' de mayor a menor' if down else ''} y quedan {k}.",
        f"{order} decide y LIMIT {k} corta.",
    ]
    if k == 1:
        notes[1] = f"LIMIT 1 deja una fila, la de {more} {by.name}."
    return task(text, clauses, [*notes, *extra[:1]], [*columns, by])


def _singular(quality: str) -> str:
    """A quality of one row from that of several: 'más caro' from 'más caros'."""
    quality = quality.replace("jóvenes", "joven").replace("grandes", "grande").replace("recientes", "reciente")
    if "menos " in quality:
        return re.sub(r"s( \(|$)", r"\1", quality, count=1)
    return re.sub(r"([oa])s\b(?! de)", r"\1", quality, count=1)


# 2. Aggregates

RESULTS = (("mayor que #", ">"), ("de al menos #", ">="), ("menor que #", "<"), ("de a lo sumo #", "<="), ("superior a #", ">"))
"""comparisons of a group's result"""


def count(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """How many rows, or how many different values."""
    t = rng.choice(tables)
    where, sql, extra = filtered(rng, t, chance=0.7)
    tail, alias = renamed(rng, lexicon, "total", tables)
    if rng.random() < 0.15 and not where:
        c = rng.choice(t.of("group", "text", "date") or t.columns)
        text = rng.choice((
            f"cuántos valores distintos de {c.the} hay en {t.name}", f"contar los valores diferentes de {c.the} en {t.name}",
            f"número de valores distintos de {c.the} en {t.name}, sin repetir",
        ))  # fmt: skip
        formula = f"COUNT(DISTINCT {c.name})"
        return task(text + tail, select(f"{formula} AS {alias}", t), [f"{formula} cuenta cada valor una vez."], [c])
    if rng.random() < 0.07 and not where:
        c = rng.choice(t.columns[1:])
        text = rng.choice((f"cuántas filas de {t.name} tienen valor en {c.spoken}", f"contar los valores no nulos de {c.the} en {t.name}"))
        return task(text + tail, select(f"COUNT({c.name}) AS {alias}", t), [f"COUNT({c.name}) no cuenta los NULL."], [c])
    many, such = f"cuánt{t.o}s {t.things} hay{led(' ', where)}", f"{t.things}{led(' ', where)}"
    text = rng.choice((
        many if tail else f"¿{many}?", f"cuenta {t.article} {such}", f"número de {such}", f"quiero saber {many}", f"cantidad de {such}",
        f"total de {such}", f"contar {t.article} {such}",
    ))  # fmt: skip
    notes = ["COUNT(*) cuenta las filas.", f"COUNT(*) AS {alias} da un solo número.", *extra[:3]]
    return task(text + tail, select(f"COUNT(*) AS {alias}", t, sql), notes)


def aggregate(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """A sum, an average or an extreme of a column."""
    t = rng.choice(tables)
    c = rng.choice(t.numbers or [t.key])
    where, sql, extra = filtered(rng, t, chance=0.5)
    if rng.random() < 0.2:
        pieces = [aggregated(rng, c, function=function) for function in rng.sample(list(AGGREGATES), 2)]
        text = " y ".join(words for words, _, _ in pieces)
        chosen = ", ".join(f"{formula} AS {alias}" for _, formula, alias in pieces)
    else:
        words, formula, alias = aggregated(rng, c)
        tail, alias = renamed(rng, lexicon, alias, tables)
        text, chosen = words + tail, f"{formula} AS {alias}"
    text = f"{text} {rng.choice(('de', 'en', 'entre'))} {source(rng, t, bool(where))}{led(' ', where)}"
    if rng.random() < 0.75:
        text = f"{rng.choice(('calcula', 'dame', 'halla', 'quiero', 'calcular', '¿cuál es', 'muestra', 'necesito'))} {text}"
        text += "?" if text.startswith("¿") else ""
    notes = [f"{chosen.split(' AS ')[0]} resume la columna {c.name} en una fila.", f"La función va sobre {c.name}.", *extra[:2]]
    return task(text, select(chosen, t, sql), notes, [c])


def group(rng: Random, tables: Sequence[Table], lexicon: Lexicon, having: bool = False) -> Task:
    """An aggregate per value of a column, perhaps only of some groups, perhaps in order."""
    t = rng.choice(tables)
    g = rng.choice(t.of("group") or t.of("text", "key", "date") or t.columns)
    counted = rng.random() < 0.5 or not t.numbers
    c = None if counted else rng.choice(t.numbers)
    where, sql, extra = filtered(rng, t, True, [x for x in t.columns if x is not g], chance=0.22)
    such = f"{t.things}{led(' ', where)}"
    if c is None:
        what, formula, alias = f"cuánt{t.o}s hay", "COUNT(*)", "total"
        many = f"cuánt{t.o}s {such} hay"
        text = rng.choice((
            f"{many} {rng.choice(('por', 'en cada', 'por cada', 'para cada'))} {g.spoken}", f"por cada {g.spoken}, {many}",
            f"cantidad de {such} {rng.choice(('por', 'por cada', 'en cada'))} {g.spoken}",
            f"cuenta {t.article} {such} agrupando por {g.spoken}", f"agrupa {t.article} {such} por {g.spoken} y cuenta cada grupo",
            f"número de {such} de cada {g.spoken}",
        ))  # fmt: skip
    else:
        what, formula, alias = aggregated(rng, c)
        near = f"{what} entre {t.article} {such}" if where else what + rng.choice((f" en {t.name}", f" de {t.rows}"))
        text = rng.choice((
            f"{near} {rng.choice(('por', 'por cada', 'para cada', 'de cada'))} {g.spoken}", f"por cada {g.spoken}, {near}",
            f"{rng.choice(LEADS)} {near} agrupando por {g.spoken}", f"para cada {g.spoken}: {near}",
        ))  # fmt: skip
    if where:
        text = f"{rng.choice(('por', 'para'))} cada {g.spoken}, {what}{' entre' if c else ', contando solo'} {t.article} {such}"
    clauses = [*select(f"{g.name}, {formula} AS {alias}", t, sql), f"GROUP BY {g.name}"]
    notes = [f"GROUP BY forma un grupo por cada {g.name}.", f"Una fila por cada {g.name}."]
    notes += [f"Cada grupo reúne las filas con igual {g.name}.", *extra[:2]]
    if having or rng.random() < 0.1:
        words, sign = rng.choice(SIGNS)
        if c is None or rng.random() < 0.4:
            k, measure, formula = str(rng.randrange(2, 30)), rng.choice((" filas", f" {t.things}")), "COUNT(*)"
            text += rng.choice((", solo los grupos con ", "; deja los grupos que tengan ", ", quedándote con los grupos de "))
            text += words.replace("#", k) + measure
        else:
            k = number(rng, c)
            words, sign = rng.choice(RESULTS)
            text += rng.choice((", solo si ese valor es ", "; deja los grupos con resultado ")) + words.replace("#", k)
        condition = f"{formula} {sign} {k}"
        clauses.append(f"HAVING {condition}")
        notes = [f"HAVING filtra los grupos: {condition}.", f"WHERE filtra filas y HAVING grupos con {condition}.", notes[0]]
    if rng.random() < 0.25:
        if rng.random() < 0.7:
            down = rng.random() < 0.7
            way, extreme = ("de mayor a menor", "alto") if down else ("de menor a mayor", "bajo")
            text += rng.choice((f", {way} resultado", f", con el resultado más {extreme} primero"))
            clauses.append(f"ORDER BY {alias}{' DESC' if down else ''}")
            if down and rng.random() < 0.3:
                k = str(rng.randrange(1, 8))
                text, clauses = f"{text}, solo {k}", [*clauses, f"LIMIT {k}"]
        else:
            text += f", en orden de {g.spoken}"
            clauses.append(f"ORDER BY {g.name}")
    return task(text, clauses, notes, [g, c] if c else [g])


def having_groups(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Groups that pass a condition."""
    return group(rng, tables, lexicon, having=True)


EXTREMES = (
    ("con {} por encima del promedio", ">", "AVG"), ("con {} mayor que el promedio", ">", "AVG"),
    ("con {} superior a la media", ">", "AVG"), ("con {} por debajo del promedio", "<", "AVG"),
    ("con {} menor que la media", "<", "AVG"), ("con {} igual al máximo", "=", "MAX"),
    ("que tienen el mayor valor de {}", "=", "MAX"), ("que tienen el menor valor de {}", "=", "MIN"),
    ("con {} igual al mínimo", "=", "MIN"), ("con {} de al menos el promedio", ">=", "AVG"),
)  # fmt: skip
"""comparisons with the whole table: in words, sign and function"""


def subquery(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Rows compared with the average, the maximum or the minimum."""
    t = rng.choice(tables)
    if not t.numbers:
        return None
    c, columns = rng.choice(t.numbers), some(rng, t, 3)
    way, sign, function = rng.choice(EXTREMES)
    text = asked(rng, f"{listed(rng, columns)} de {t.rows} {way.format(c.spoken)}")
    formula = f"{function}({c.name})"
    inner = f"SELECT {formula} FROM {t.name}"
    notes = [f"La subconsulta calcula {formula}.", f"Cada {c.name} se compara con {formula} de toda la tabla."]
    notes += [f"{inner} da un solo valor."]
    return task(text, select(names(columns), t, f"{c.name} {sign} ({inner})"), notes, [*columns, c])


# 3. Computed columns

LABELS = (
    ("alto", "bajo"), ("caro", "barato"), ("sí", "no"), ("grande", "chico"), ("mayor", "menor"), ("lleno", "vacío"),
    ("ok", "revisar"), ("A", "B"),
)  # fmt: skip


def case(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A column that depends on a condition."""
    t = rng.choice(tables)
    if not t.numbers:
        return None
    c = rng.choice(t.numbers)
    columns = rng.sample([x for x in t.columns if x is not c], rng.choice((1, 1, 2)))
    yes, no = rng.choice(LABELS) if rng.random() < 0.5 else (lexicon.word(rng), lexicon.word(rng))
    alias = rng.choice(("grado", "clase", "etiqueta", "rango", "grupo", lexicon.word(rng)))
    if alias in {x.name for x in t.columns} | TAKEN:
        alias = "etiqueta"
    sign = rng.choice((">", ">=", "<", "<="))
    value = number(rng, c)
    verb = rng.choice(COMPARISONS[sign][1]).replace("#", value)
    text = f"{rng.choice(LEADS)} {listed(rng, columns)} de {t.name} y una columna {alias}"
    if rng.random() < 0.2:
        high = str(int(float(value)) * 2 + 5)
        middle = rng.choice(("medio", "regular", lexicon.word(rng)))
        low, below = (plural(v) if c.plural else v for v in (f"es menor que {value}", f"es menor que {high}"))
        text += f": '{no}' si {c.the} {low}, '{middle}' si {below} y '{yes}' en otro caso"
        whens = f"WHEN {c.name} < {value} THEN {quoted(no)} WHEN {c.name} < {high} THEN {quoted(middle)} ELSE {quoted(yes)}"
    else:
        text += f"{rng.choice((' que diga', ' con', ':'))} '{yes}' si {c.the} {plural(verb) if c.plural else verb}"
        text += f" y '{no}' {rng.choice(('si no', 'en otro caso', 'para el resto'))}"
        whens = f"WHEN {c.name} {sign} {value} THEN {quoted(yes)} ELSE {quoted(no)}"
    notes = [f"CASE elige el texto según {c.name}.", f"ELSE cubre las demás filas y END AS {alias} da el nombre."]
    notes += ["CASE termina siempre en END."]
    return task(text, select(f"{names(columns)}, CASE {whens} END AS {alias}", t), notes, [*columns, c])


def coalesce(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A text in place of what is missing."""
    t = rng.choice(tables)
    options = t.of("text", "group", "int", "real")
    if len(options) < 2:
        return None
    c, other = rng.sample(options, 2)
    spare = written = "0"
    if not c.numeric:
        spare = rng.choice((f"sin {c.spoken}", "no tiene", "desconocido", "ninguno", "pendiente", lexicon.word(rng)))
        spare, written = f"'{spare}'", quoted(spare)
    text = rng.choice((
        f"{rng.choice(LEADS)} {listed(rng, [other, c])} de {t.name}, con {spare} donde falte {c.the}",
        f"{listed(rng, [other, c])} de {t.name}; si {c.the} es NULL pon {spare}",
        f"{rng.choice(LEADS)} {listed(rng, [other, c])} de {t.rows}, cambiando {c.spoken} vacío por {spare}",
    ))  # fmt: skip
    formula = f"COALESCE({c.name}, {written})"
    notes = [f"{formula} pone {written} cuando {c.name} es NULL.", "COALESCE da el primer valor que no es NULL."]
    return task(text, select(f"{other.name}, {formula} AS {c.name}", t), notes, [other, c])


def expression(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A column worked out from others."""
    t = rng.choice(tables)
    if not t.numbers:
        return None
    a = rng.choice(t.numbers)
    b = rng.choice([c for c in t.numbers if c is not a] or [a])
    k = rng.randrange(2, 40)
    forms = [
        (f"{a.the} más {k}", f"{a.name} + {k}"), (f"{a.the} menos {k}", f"{a.name} - {k}"), (f"{a.the} por {k}", f"{a.name} * {k}"),
        (f"el doble de {a.the}", f"{a.name} * 2"), (f"la mitad de {a.the}", f"{a.name} / 2.0"), (f"el triple de {a.the}", f"{a.name} * 3"),
        (f"{a.the} dividido entre {k}", f"{a.name} / {k}.0"), (f"{a.the} aumentado un {k} %", f"{a.name} * 1.{k:02}"),
        (f"{a.the} con {k} % de rebaja", f"{a.name} * 0.{100 - k:02}"),
    ]  # fmt: skip
    if a is not b:
        forms = [
            (f"{a.the} por {b.the}", f"{a.name} * {b.name}"), (f"{a.the} multiplicado por {b.the}", f"{a.name} * {b.name}"),
            (f"{a.the} más {b.the}", f"{a.name} + {b.name}"), (f"{a.the} menos {b.the}", f"{a.name} - {b.name}"),
            (f"{a.the} dividido entre {b.the}", f"1.0 * {a.name} / {b.name}"), *rng.sample(forms, 3),
        ]  # fmt: skip
    words, formula = rng.choice(forms)
    tail, alias = renamed(rng, lexicon, "resultado", tables)
    if rng.random() < 0.25:
        digits = rng.choice((0, 1, 2, 2))
        words, formula = f"{words}, redondeado a {digits} decimales", f"ROUND({formula}, {digits})"
    column = rng.choice([c for c in t.columns if c not in (a, b)] or [t.key])
    text = asked(rng, f"{column.the} y {words}{tail}, de {source(rng, t, False)}")
    notes = [f"{formula} se calcula en cada fila.", f"AS {alias} da nombre a {formula}."]
    return task(text, select(f"{column.name}, {formula} AS {alias}", t), notes, [column, a])


def window(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A window function."""
    t = rng.choice(tables)
    groups = t.of("group") or t.of("key", "text")
    if not t.numbers or not groups:
        return None
    c, g = rng.choice(t.numbers), rng.choice(groups)
    x = rng.choice(t.of("text", "id"))
    down = rng.random() < 0.6
    order, part, by_key = f"ORDER BY {c.name}{' DESC' if down else ''}", f"PARTITION BY {g.name}", f"ORDER BY {t.key.name}"
    direction = f"de {'mayor a menor' if down else 'menor a mayor'} {c.spoken}"
    chosen, extra = [x], []
    form = rng.randrange(6)
    if form == 0:
        function = rng.choice(list(AGGREGATES))
        word = {"AVG": "el promedio", "SUM": "la suma", "MIN": "el mínimo", "MAX": "el máximo"}[function]
        text = f"{rng.choice(LEADS)} {listed(rng, [x, c])} de {t.name} y al lado {word} de {c.the} de su {g.spoken}"
        formula, over, alias, chosen, extra = f"{function}({c.name})", part, AGGREGATES[function][0], [x, c], [g]
    elif form == 1:
        text = f"{rng.choice(LEADS)} {x.the} de {t.rows} con su número de puesto {direction}"
        formula, over, alias = "ROW_NUMBER()", order, "puesto"
    elif form == 2:
        text = f"numera {t.rows} dentro de cada {g.spoken} {direction}; muestra {x.spoken} y {g.spoken}"
        formula, over, alias, chosen = "ROW_NUMBER()", f"{part} {order}", "puesto", [x, g]
    elif form == 3:
        text = f"{x.the} y el puesto con empates (RANK) de {t.rows} {direction}"
        formula, over, alias = "RANK()", order, "puesto"
    elif form == 4:
        text = f"{rng.choice(LEADS)} {listed(rng, [x, c])} de {t.name} con la suma acumulada de {c.the} en orden de {t.key.spoken}"
        formula, over, alias, chosen, extra = f"SUM({c.name})", by_key, "acumulado", [x, c], [t.key]
    else:
        text = f"{listed(rng, [x, c])} de {t.name} y la suma acumulada de {c.the} dentro de cada {g.spoken}, en orden de {t.key.spoken}"
        formula, over, alias, chosen, extra = f"SUM({c.name})", f"{part} {by_key}", "acumulado", [x, c], [g]
    notes = ["OVER calcula sin juntar las filas.", f"OVER ({over}) define la ventana."]
    notes += [f"{part} reinicia el cálculo en cada {g.name}."] if part in over else []
    return task(text, select(f"{names(chosen)}, {formula} OVER ({over}) AS {alias}", t), notes, [*chosen, *extra])
