"""The one to three tables of a worksheet of SQL, out of a sensible domain or with drawn names.

Knows what a sheet's tables look like. Deliberately knows nothing of queries, requests or layouts.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from .query_domains import CITIES, COUNTRIES, DOMAINS, ENGLISH_DOMAINS, PEOPLE, SURNAMES, THINGS, UNACCENT, Column, Table
from .sheets import RESERVED, Lexicon, invented

MORE_TAKEN = (
    "total suma promedio minimo maximo resultado puesto acumulado filas row to key abort action after always analyze attach before cascade "
    "cast collate column conflict constraint current database deferred detach do each escape except exclude explain fail filter first "
    "following generated glob groups if ignore immediate indexed initially instead intersect isnull last match materialized no nothing "
    "notnull nulls of others plan pragma preceding query raise recursive regexp reindex release rename replace restrict returning "
    "rollback savepoint temporary ties trigger unbounded vacuum virtual without rowid oid sqlite"
)
TAKEN = RESERVED | frozenset(MORE_TAKEN.split())
"""names that a drawn table or column does not get: SQLite's words and the aliases of the solutions"""


def draw_tables(rng: Random, lexicon: Lexicon) -> list[Table]:
    """One to three tables with their links, with sensible names or drawn ones."""
    chance = rng.random()
    tables = _invented_tables(rng, lexicon) if chance < 0.5 else _known_tables(rng, chance < 0.62)
    count = rng.choice((1, 2, 2, 2, 3))
    if count == 1:
        tables = [rng.choice(tables)]
    elif count == 2:
        child = rng.choice([table for table in tables if table.of("key")])
        tables = [next(t for t in tables if t.name == child.of("key")[0].target), child]
    accents = rng.random() < 0.7
    result = []
    for table in tables:
        fixed, rest = table.of("id", "key"), table.own
        while len(rest) > 2 and len(fixed) + len(rest) > (5 if count == 3 else 6):
            rest.remove(rng.choice(rest))
        if rng.random() < 0.4:
            rng.shuffle(rest)
        columns = [fixed[0], *rest, *fixed[1:]] if rng.random() < 0.4 else fixed + rest
        table = replace(table, columns=tuple(columns))
        result.append(table if accents else _unaccented(table))
    if rng.random() < 0.25:
        rng.shuffle(result)
    return result


def _unaccented(table: Table) -> Table:
    columns = tuple(
        replace(c, spoken=c.spoken.translate(UNACCENT), values=tuple(v.translate(UNACCENT) for v in c.values)) for c in table.columns
    )
    return replace(table, things=table.things.translate(UNACCENT), one=table.one.translate(UNACCENT), columns=columns)


def _known_tables(rng: Random, english: bool) -> list[Table]:
    if not english:
        return list(rng.choice(DOMAINS))
    tables = list(rng.choice(ENGLISH_DOMAINS))
    if rng.random() < 0.4:
        return tables
    return [
        replace(table, things=table.name, one=table.name, columns=tuple(replace(c, spoken=c.name, article="") for c in table.columns))
        for table in tables
    ]


def _invented_tables(rng: Random, lexicon: Lexicon) -> list[Table]:
    used = set(TAKEN)

    def fresh() -> str:
        for attempt in range(50):
            word = invented(rng) if rng.random() < 0.12 or attempt > 9 else lexicon.word(rng)
            if rng.random() < 0.15:
                word = f"{word}_{lexicon.word(rng)}"
            if word not in used and len(word) <= 14 and word.isascii():
                break
        used.add(word)
        return word

    camel = rng.random() < 0.1
    key_form = rng.choice(("id", "id", "id", "id_{}", "{}_id", "cod_{}"))
    link_form = rng.choice(("{}_id", "{}_id", "id_{}", "cod_{}", "{}"))
    if link_form == key_form:
        link_form = "ref_{}"
    articles = rng.random() < 0.25
    row_form = rng.choice(("filas de {}", "filas de {}", "{}", "{}", "registros de {}"))
    names = [fresh() for _ in range(3)]
    links = rng.choice((((), (0,), (1,)), ((), (), (0, 1)), ((), (0,), (0,))))
    dress: Callable[[str], str] = (lambda w: "".join(p.capitalize() for p in w.split("_"))) if camel else (lambda w: w)
    tables = []
    for n, name in enumerate(names):
        key = dress(key_form.format(name))
        columns = [Column(key, "id", key, "")]
        for to in links[n]:
            link = dress(link_form.format(names[to] if link_form != "{}" else fresh()))
            columns.append(Column(link, "key", link, "", target=dress(names[to])))
        kinds = ["text", "group", "int", *rng.sample(("int", "real", "date", "group", "text"), rng.choice((0, 1, 1, 2)))]
        rng.shuffle(kinds)
        for kind in kinds:
            word = dress(fresh())
            high = rng.choice((10, 50, 100, 1000, 5000))
            values: dict[str, None] = {}
            if kind in ("text", "group"):
                proper = rng.random() < 0.5
                values = dict.fromkeys(_value(rng, lexicon, proper) for _ in range(6))
            columns.append(Column(word, kind, word, rng.choice(("el", "la")) if articles else "", tuple(values), 1, high))
        things = row_form.format(dress(name))
        tables.append(Table(dress(name), "las" if things.startswith("filas") else "los", things, dress(name), tuple(columns)))
    return tables


def _value(rng: Random, lexicon: Lexicon, proper: bool) -> str:
    chance = rng.random()
    if proper and chance < 0.3:
        return rng.choice((PEOPLE, CITIES, COUNTRIES, SURNAMES, THINGS)).split(",")[rng.randrange(11)].translate(UNACCENT)
    if chance < 0.42:
        return f"{rng.choice('ABCDEFGHKLMNPRSTXZ')}{rng.choice('ABCDEFGHKLMNPRSTXZ')}{rng.choice(('', '-'))}{rng.randrange(10, 999)}"
    word = invented(rng) if chance < 0.5 else lexicon.word(rng)
    if chance > 0.9:
        word = f"{word} {lexicon.word(rng)}"
    return word.title() if proper else word
