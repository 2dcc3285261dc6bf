"""Where the query of an answer is found, and which one is the answer."""

from __future__ import annotations

import pytest
from hub_sql.binding import fault, is_syntax
from hub_sql.database import scratch
from hub_sql.finding import Statement, find, kind_of, mentions_sql
from hub_sql.tokens import code, normal, statements, tokens

SYNTAX = scratch(())


def is_valid(text: str) -> bool:
    return not is_syntax(fault(SYNTAX, text, None))


def found(answer: str) -> list[Statement]:
    result = find(answer, is_valid)
    for one in result:
        begin, end = one.span
        assert answer[begin:end] == one.text, "the span does not lead to the statement"
    return result


QUERY = "SELECT nombre FROM estudiantes WHERE edad > 17"


@pytest.mark.parametrize(
    "answer",
    [
        f"```sql\n{QUERY};\n```",
        f"```SQL\n{QUERY}\n```",
        f"```sqlite\n  {QUERY} ;\n```\nDevuelve los nombres.",
        f"~~~sql\n{QUERY}\n~~~",
        f"```sql\nsqlite> {QUERY};\nAna Torres|18\n```",
        f"```\n{QUERY}\n```",
        f"1. Mira:\n   ```sql\n   {QUERY};\n   ```\n2. Listo.",
        f"```sql\n-- los mayores\n{QUERY}; -- fin\n```",
        f"```sql\n/* los mayores; de edad */ {QUERY}\n```",
        f"Se escribe así:\n```sql\n{QUERY}",
        f"```python\nprint('SELECT 1 FROM dual')\n```\n```sql\n{QUERY}\n```",
        f"````sql\n{QUERY}\n````",
        f"```sql\n{QUERY};\n```\nPrueba tú: cambia `SELECT nombre FROM cursos` por otra columna.",
        f"{QUERY}",
        f"{QUERY};",
        f"{QUERY};\nEsta consulta devuelve los nombres.",
        f"{QUERY}\n\nSELECT elige las columnas y respeta el orden en que las escribes.",
        f"La consulta es:\n\n{QUERY}\n\nWHERE filtra las filas.",
        f"Consulta: {QUERY};",
        f"La consulta es `{QUERY}`, que filtra por edad.",
        f"La consulta sería {QUERY}.",
        f"Se escribe «{QUERY}» y ya está.",
        f"**Respuesta:** {QUERY}",
        f"> {QUERY}",
        f"- {QUERY}",
        "SELECT nombre\nFROM estudiantes\nWHERE edad > 17\nEsta consulta filtra por edad.",
        "```sql\nSELECT nombre FROM cursos;\n```\nAhora la definitiva:\n```sql\nSELECT nombre FROM estudiantes WHERE edad > 17;\n```",
        "```sql\nSELECT nombre FROM cursos; SELECT nombre FROM estudiantes WHERE edad > 17;\n```",
        "```sql\nSELECT nombre FROM estudiantes WHERE edad > 17;\nAna Torres | 18\n```",
    ],
)
def test_the_last_query_is_found_wherever_it_stands(answer: str) -> None:
    queries = [one for one in found(answer) if one.kind == "query" and (one.place == "fence" or "```sql\n" not in answer)]
    assert normal(queries[-1].text) == normal(QUERY), queries


@pytest.mark.parametrize(
    "answer",
    [
        "SELECT elige las columnas y respeta el orden en que las escribes.",
        "Usa SELECT y WHERE para filtrar.",
        "Con la palabra select eliges columnas, con from la tabla.",
        "```python\nquery = 'SELECT nombre FROM estudiantes'\n```",
        "```\nAna | 18\nLuis | 20\n```",
        "INNER JOIN hace la lista de invitados que trajeron regalo: quien no trajo, no figura.",
        "",
        "with open('x') as archivo: pass",
    ],
)
def test_prose_and_other_code_hold_no_query_for_sure(answer: str) -> None:
    assert [one for one in found(answer) if one.kind == "query" and one.place in ("fence", "line")] == []


@pytest.mark.parametrize(
    "answer",
    [
        "SELECT nombre FROM estudiantes\nORDEN BY edad",
        "SELECT nombre FROM estudiantes\nWERE edad > 17;",
        "SELECT nombre FROM estudiantes ORDER BY edad DESCENDENTE;",
    ],
)
def test_a_broken_query_is_not_cut_down_to_a_sound_one(answer: str) -> None:
    assert not any(one.kind == "query" and is_valid(one.text) for one in found(answer))


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT 1", "query"),
        ("with x as (select 1) select * from x", "query"),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "change"),
        ("VALUES (1)", "query"),
        ("INSERT INTO t VALUES (1)", "change"),
        ("CREATE TABLE t (x)", "change"),
        ("PRAGMA foreign_keys = ON", "other"),
        ("EXPLAIN QUERY PLAN SELECT 1", "other"),
        ("WHERE edad > 17", "fragment"),
        ("COUNT(*)", "fragment"),
        ("SELEC nombre FROM t", "unknown"),
        ("UPDTE t SET x = 1", "unknown"),
        ("Ana Torres", "fragment"),
    ],
)
def test_statements_are_told_apart_by_their_first_words(statement: str, kind: str) -> None:
    assert kind_of(statement) == kind


def test_statements_end_at_semicolons_that_are_not_in_strings_comments_or_triggers() -> None:
    text = "SELECT ';'; -- a; b\n/* ; */ SELECT \";\"; CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; DELETE FROM u; END; SELECT 2"
    pieces = [text[start:end] for start, end in statements(text)]
    assert pieces == [
        "SELECT ';'",
        'SELECT ";"',
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; DELETE FROM u; END",
        "SELECT 2",
    ]


def test_tokens_are_the_text_again() -> None:
    text = "SELECT a.\"b\"\"c\", [d e], `f`, 'g''h', x'0F', 1.5e-3, .5, 0x1F, :p FROM t -- fin\n/* sin cerrar"
    assert "".join(token.text for token in tokens(text)) == text
    assert [token.name for token in code(text) if token.kind in ("quoted", "bracket")] == ['b"c', "d e", "f"]


def test_spelling_does_not_count_when_texts_are_compared_but_strings_do() -> None:
    assert normal("select  Nombre from T;") == normal("SELECT nombre -- x\nFROM t")
    assert normal("SELECT 'Lima'") != normal("SELECT 'lima'")


def test_a_quick_look_tells_answers_without_sql() -> None:
    assert not mentions_sql("Una clave primaria identifica cada fila.")
    assert mentions_sql("```sql\n-- nada\n```") and mentions_sql("usa SELECT")


def test_a_megabyte_of_hostile_text_is_searched_in_bounded_work() -> None:
    asked = 0

    def counting(text: str) -> bool:
        nonlocal asked
        asked += 1
        return False

    for unit in ("SELECT ", "SELECT x FROM y\n", "```sql\n", "`SELECT 1 FROM x", "'", "/*", "((((", "WITH a AS (", "; ", "SELECT 1;\n\n"):
        find(unit * (1_000_000 // len(unit)), counting)
    assert asked <= 10 * 500
