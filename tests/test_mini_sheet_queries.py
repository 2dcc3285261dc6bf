"""Worksheets of SQL: each query runs on the tables that the sheet states."""

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from mini.query_conditions import condition  # noqa: E402
from mini.query_domains import COLUMNS, Table  # noqa: E402
from mini.query_joins import join_group  # noqa: E402
from mini.query_phrases import Task  # noqa: E402
from mini.query_tables import draw_tables  # noqa: E402
from mini.query_tasks import case, count  # noqa: E402
from mini.sheet_queries import FAMILIES, LONGEST, SHORTEST, query_sheet  # noqa: E402
from mini.sheets import Lexicon, Sheet, invented  # noqa: E402

_RNG = Random(1)
LEXICON = Lexicon(("camino", "sol", "trenes", "pedir", "corto", "faro", "nivel", *(invented(_RNG) + "ta" for _ in range(200))))
SEEDS = range(300)
ADDRESSES = COLUMNS["correo"].values + COLUMNS["Email"].values


def _queries(sheet: Sheet) -> list[str]:
    found = [part.text for part in sheet if part.follows and ";" in part.text]
    return [re.sub(r"^```sql\n|\n```\n$", "", text).strip() for text in found]


def _database(tables: list[Table]) -> sqlite3.Connection:
    base = sqlite3.connect(":memory:", isolation_level=None)
    for table in tables:
        kinds = {"id": "INTEGER PRIMARY KEY", "key": "INTEGER", "int": "INTEGER", "real": "REAL"}
        columns = [f"{c.name} {kinds.get(c.kind, 'TEXT')}" for c in table.columns]
        base.execute(f"CREATE TABLE {table.name} ({', '.join(columns)})")
        for n in range(1, 6):
            row = [
                n + 1000 if c.kind == "id" else n if c.kind in ("key", "int", "real") else (c.values or ("2024-01-02",))[0]
                for c in table.columns
            ]
            base.execute(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(row))})", row)
    return base


@pytest.mark.parametrize("seed", range(0, 300, 100))
def test_every_query_runs_on_the_stated_tables(seed: int) -> None:
    for n in range(seed, seed + 100):
        tables = draw_tables(Random(n), LEXICON)
        sheet = query_sheet(Random(n), LEXICON)
        base = _database(tables)
        for table in tables:
            assert f"{table.name}({', '.join(c.name for c in table.columns)})" in sheet[0].text
        queries = _queries(sheet)
        assert queries
        for query in queries:
            base.execute("BEGIN")
            base.execute(query).fetchall()
            base.execute("ROLLBACK")
        base.close()


def test_columns_that_are_asked_for_stand_in_the_query() -> None:
    for family, _ in FAMILIES:
        for n in SEEDS:
            rng = Random(n)
            made = family(rng, draw_tables(rng, LEXICON), LEXICON)
            if made is not None:
                words = set(re.findall(r"\w+", " ".join(made.clauses)))
                assert set(made.columns) <= words, made
                assert not _unfilled(made.text), made
                assert "  " not in made.text and "None" not in made.text, made


def test_an_address_is_no_gap_and_an_ending_that_is_missing_is() -> None:
    assert not _unfilled("con correo ana@sol.pe o que contiene 'a@s', y termina en @sol.pe")
    assert _unfilled("con edad distint@ de 3") == ["distint@"] and _unfilled("l@s de ana@sol.pe") == ["l@s"]
    assert _unfilled("mayor que #") == ["#"] and _unfilled("de {}") == ["{", "}"]


def test_it_is_values_that_are_distinct_or_not_null() -> None:
    said: dict[str, str] = {}
    for _, made in _drawn(count, range(1500)):
        if "COUNT(*)" not in made.clauses[0]:
            said |= dict(re.findall(r"(\w+) (no nulos|distintos|diferentes)\b", made.text))
    assert set(said) == {"valores"}


def test_ninguno_agrees_with_what_is_counted() -> None:
    seen = set()
    for tables, made in _drawn(join_group, range(1500)):
        if found := re.search(r"si no tiene (ningun[oa])", made.text):
            child = next(table for table in tables if f"LEFT JOIN {table.name} AS" in " ".join(made.clauses))
            assert found[1][-1] == ("a" if child.article == "las" else "o"), made
            seen.add(found[1])
    assert len(seen) == 2


def test_columns_in_the_plural_have_verbs_and_adjectives_in_the_plural() -> None:
    three = 0
    for tables, made in _drawn(case, range(1500)):
        if any(column.name == made.columns[-1] and column.plural for table in tables for column in table.columns):
            assert not re.search(r"\b(?:es|está|mayor|menor|igual) ", made.text), made
            three += made.clauses[0].count("WHEN") == 2
    assert three
    adjectives = set()
    for name in ("camas", "puntos"):
        for n in SEEDS:
            said = condition(Random(n), [COLUMNS[name]])
            assert not re.search(r"\b(?:mayor|menor|igual|superior|inferior|diferente|distint[oa]|cargad[oa]|nul[oa])\b", said.adjective), (
                said
            )
            assert not re.search(r"\b(?:es|está|mayor|menor|igual|distint[oa]|nul[oa])\b", said.verb), said
            adjectives.add(said.adjective.split()[2] if said.adjective.startswith("con ") else "")
    assert {"mayores", "menores", "distintas", "distintos"} <= adjectives


def test_literals_of_the_query_stand_in_the_request() -> None:
    for n in SEEDS:
        rng = Random(n)
        made = FAMILIES[0][0](rng, draw_tables(rng, LEXICON), LEXICON)
        assert made is not None
        query = " ".join(made.clauses)
        for literal in re.findall(r"'((?:[^']|'')+)'", query):
            assert literal.strip("%").replace("''", "'") in made.text, made
        for number in re.findall(r"(?<![\w'-])\d+(?:\.\d+)?(?![\w'-])", re.sub(r"'(?:[^']|'')+'", "", query)):
            assert number in made.text, made


def test_length_marks_and_repeatability() -> None:
    for n in SEEDS:
        sheet = query_sheet(Random(n), LEXICON)
        text = "".join(part.text for part in sheet)
        assert SHORTEST <= len(text) <= LONGEST
        assert sheet == query_sheet(Random(n), LEXICON)
        assert text.count("```") % 2 == 0
        assert not sheet[0].follows and not any(re.search(r"\b(FROM|INSERT INTO|SET)\b", part.text) for part in sheet if not part.follows)


def test_every_clause_occurs() -> None:
    seen = "\n".join("\n".join(_queries(query_sheet(Random(n), LEXICON))) for n in SEEDS)
    clauses = """
        WHERE|AND|OR|IN (|NOT IN|LIKE|NOT LIKE|IS NULL|IS NOT NULL|BETWEEN|> |>= |< |<= |= |<> |ORDER BY|DESC|ASC|LIMIT|OFFSET|DISTINCT
        COUNT(*)|COUNT(DISTINCT|SUM(|AVG(|MIN(|MAX(|GROUP BY|HAVING|JOIN|LEFT JOIN|EXISTS|CASE WHEN|COALESCE|UNION|UNION ALL|ROUND|OVER (
        PARTITION BY|ROW_NUMBER|RANK|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE
    """
    assert [clause for line in clauses.strip().splitlines() for clause in line.lstrip().split("|") if clause not in seen] == []


def _unfilled(text: str) -> list[str]:
    """The gaps of a form that nothing filled; an e-mail address, or a piece of one, is none."""
    words = re.findall(r"[\w.]*@[\w.]*|[{}#]", text)
    return [word for word in words if not any(word.strip(".").lower() in address for address in ADDRESSES)]


def _drawn(family: Callable[[Random, list[Table], Lexicon], Task | None], seeds: range) -> Iterator[tuple[list[Table], Task]]:
    """Tables and a task of a family, where it can make one."""
    for n in seeds:
        rng = Random(n)
        tables = draw_tables(rng, LEXICON)
        if made := family(rng, tables, LEXICON):
            yield tables, made
