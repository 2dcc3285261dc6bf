"""The parts of the judge: comparing rows, order and ties, perturbed copies."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import hub_sql_cases as cases
import pytest
from hub_sql import copies
from hub_sql.agreement import Expectation, compare
from hub_sql.binding import quoted_texts
from hub_sql.comparing import alike, column_orders, only_nothing, only_rounded, only_types, rows_differ, same_bag, shown
from hub_sql.copies import EXTREME, PLAUSIBLE, build, constants, draw, hints_for
from hub_sql.database import Deadline, Guarded, Result, Row, built, sealed
from hub_sql.ordering import ending, ordered
from hub_sql.schema import Schema, read_schema

SCHOOL = cases.SCHOOL.read_text(encoding="utf-8")


def result(*rows: Row, columns: str = "abcdefgh") -> Result:
    return Result(tuple(columns[: len(rows[0])] if rows else columns[:1]), rows)


# --- comparing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([(1,), (2,)], [(2,), (1,)], True),
        ([(1,), (1,)], [(1,)], False),
        ([(1,)], [(1.0,)], True),
        ([(0.1 + 0.2,)], [(0.3,)], True),
        ([(1 / 3,)], [(0.3333333333333,)], True),
        ([(1 / 3,)], [(0.3333,)], False),
        ([(None,)], [("",)], False),
        ([(None,)], [(0,)], False),
        ([("5",)], [(5,)], False),
        ([("a",)], [("A",)], False),
        ([(b"a",)], [("a",)], False),
        ([(10**15 + 1,)], [(10**15,)], False),
        ([(1e15 + 0.5,)], [(1e15,)], True),
        ([(float("inf"),)], [(float("inf"),)], True),
        ([], [], True),
        ([], [(None,)], False),
    ],
)
def test_rows_are_a_bag_and_numbers_have_a_tolerance(first: list[Row], second: list[Row], same: bool) -> None:
    assert same_bag(*alike(first, second)) is same
    assert same_bag(*alike(second, first)) is same


def test_columns_may_stand_in_any_order_and_names_are_tried_first() -> None:
    expected, got = result((1, 2, "x"), (3, 4, "y")), Result(("c", "b", "a"), (("x", 2, 1), ("y", 4, 3)))
    assert column_orders(expected, got) == [(2, 1, 0)]
    twins = Result(("b", "a"), ((1, 1),))
    assert column_orders(Result(("a", "b"), ((1, 1),)), twins) == [(0, 1), (1, 0)]


def test_an_order_of_columns_that_mixes_rows_is_none() -> None:
    told = compare(expectation((1, 2), (3, 4)), result((1, 4), (3, 2)), result((1, 4), (3, 2)), None)
    assert told.state == "different"


def expectation(*rows: Row) -> Expectation:
    return Expectation(result(*rows), result(*rows), None, False)


@pytest.mark.parametrize(
    ("forward", "turned", "limited", "state"),
    [
        ([(1,), (2,), (4,)], [(1,), (2,), (5,)], True, "doubt"),  # a tie of three may be cut in three ways
        ([(1,), (2,), (4,)], [(1,), (2,), (5,)], False, "different"),
        ([(1,), (2,), (3,)], [(1,), (2,), (5,)], False, "doubt"),
        ([(1,), (9,), (4,)], [(1,), (9,), (5,)], True, "different"),
        ([(1,), (4,)], [(1,), (5,)], True, "different"),
    ],
)
def test_a_candidate_that_cuts_a_tie_is_wrong_only_for_what_it_always_gives(
    forward: list[Row], turned: list[Row], limited: bool, state: str
) -> None:
    expected = expectation((1,), (2,), (3,))
    assert compare(expected, result(*forward), result(*turned), None, limited=limited).state == state


def test_many_equal_columns_are_compared_in_bounded_work() -> None:
    row = tuple([1] * 20)
    assert len(column_orders(result(row, columns="abcdefghijklmnopqrst"), result(row, columns="abcdefghijklmnopqrst"))) <= 24


@pytest.mark.parametrize(
    ("first", "second", "rounded", "types", "nothing"),
    [
        ([("a", 7.333333)], [("a", 7.33)], True, False, False),
        ([(7.333333,), (2.5,)], [(7.3,), (2.5,)], True, False, False),
        ([(7.333333,)], [(7,)], False, False, False),
        ([(7.333333,)], [(7.34,)], False, False, False),
        ([("2009", 3)], [(2009, 3)], False, True, False),
        ([("a", 3)], [(2009, 3)], False, False, False),
        ([(None,)], [(0,)], False, False, True),
        ([], [(None, 0)], False, False, True),
        ([(1,)], [(0,)], False, False, False),
    ],
)
def test_differences_that_need_not_be_faults_are_told_apart(
    first: list[Row], second: list[Row], rounded: bool, types: bool, nothing: bool
) -> None:
    assert (only_rounded(first, second), only_types(first, second), only_nothing(first, second)) == (rounded, types, nothing)


def test_a_difference_is_told_with_a_glimpse_of_the_rows() -> None:
    assert rows_differ([("Lima", 3)], [("Lima", 3), ("Quito", 4)]).text == "devuelve 2 filas y se esperaba 1: sobra ('Quito', 4)"
    assert rows_differ([(1,), (2,)], [(1,), (3,)]).text == "devuelve 2 filas, como se esperaba, pero falta (2) y sobra (3)"
    assert rows_differ([], [(1,)]).text == "devuelve 1 fila y no se esperaba ninguna: sobra (1)"
    assert rows_differ([(1,)], []).text == "no devuelve ninguna fila y se esperaba 1: falta (1)"
    assert rows_differ([(42,)], [(41,)]).text == "devuelve (41) y se esperaba (42)"
    assert rows_differ([("x",)], [("x",), ("x",)]).text == "muestra ('x') 2 veces y se esperaba 1 vez"
    assert len(shown(tuple(["largo " * 50] * 30))) < 400


# --- order and ties ------------------------------------------------------------------------------


def school() -> Guarded:
    return sealed(built(SCHOOL, Deadline(10)))


@pytest.mark.parametrize(
    ("query", "groups"),
    [
        ("SELECT nombre, creditos FROM cursos ORDER BY creditos DESC", [1, 1, 2, 2, 3, 3, 3, 4, 4]),
        ("SELECT nombre FROM cursos ORDER BY creditos DESC", [1, 1, 2, 2, 3, 3, 3, 4, 4]),
        ("SELECT * FROM cursos ORDER BY creditos DESC, id", list(range(1, 10))),
        ("SELECT nombre AS n, creditos c FROM cursos ORDER BY c", [1, 1, 2, 2, 2, 3, 3, 4, 4]),
        ("SELECT nombre, creditos FROM cursos ORDER BY 2 DESC;", [1, 1, 2, 2, 3, 3, 3, 4, 4]),
        ("SELECT creditos, COUNT(*) AS n FROM cursos GROUP BY creditos ORDER BY n", [1, 1, 1, 2]),
        ("SELECT creditos FROM cursos GROUP BY creditos ORDER BY COUNT(*) DESC, creditos", [1, 2, 3, 4]),
        ("SELECT creditos FROM cursos GROUP BY creditos ORDER BY -COUNT(*)", [1, 2, 2, 2]),
        ("SELECT creditos AS c, COUNT(*) AS n FROM cursos GROUP BY c ORDER BY n * 10 + c % 1", [1, 1, 1, 2]),
        ("SELECT DISTINCT nombre FROM cursos ORDER BY nombre COLLATE NOCASE DESC", list(range(1, 9))),
        ("WITH x AS (SELECT nombre, creditos FROM cursos) SELECT nombre FROM x ORDER BY creditos", [1, 1, 2, 2, 2, 3, 3, 4, 4]),
        ("SELECT nombre FROM cursos UNION SELECT nombre FROM profesores ORDER BY nombre", list(range(1, 18))),
        ("SELECT nombre FROM estudiantes ORDER BY edad NULLS LAST -- fin", None),
    ],
)
def test_groups_of_ties_are_numbered_by_sqlite(query: str, groups: list[int] | None) -> None:
    database = school()
    actual = database.run(query, Deadline(10))
    order = ordered(ending(query, actual.columns), actual, database, Deadline(10), max_rows=1000)
    assert order is not None and order.fits(actual.rows)
    if groups is not None:
        assert list(order.groups) == groups


@pytest.mark.parametrize(
    "query",
    [
        "SELECT DISTINCT nombre FROM cursos ORDER BY creditos",  # the key is not in the result
        "SELECT nombre FROM cursos ORDER BY creditos LIMIT (SELECT 3)",
        "VALUES (1), (2) ORDER BY 1",
    ],
)
def test_what_is_not_understood_is_not_judged(query: str) -> None:
    database = school()
    actual = database.run(query, Deadline(10)) if "VALUES" not in query else Result(("column1",), ((1,), (2,)))
    assert ordered(ending(query, actual.columns), actual, database, Deadline(10), max_rows=1000) is None


def test_a_limit_through_a_tie_lets_any_of_the_tied_rows_pass() -> None:
    database = school()
    query = "SELECT nombre, creditos FROM cursos ORDER BY creditos DESC LIMIT 3"
    actual = database.run(query, Deadline(10))
    order = ordered(ending(query, actual.columns), actual, database, Deadline(10), max_rows=1000)
    assert order is not None and order.cuts_a_tie
    assert order.fits([("Programación", 5), ("Matemáticas I", 5), ("Química", 4)])
    assert order.fits([("Matemáticas I", 5), ("Programación", 5), ("Física", 4)])
    assert not order.fits([("Matemáticas I", 5), ("Física", 4), ("Programación", 5)])
    assert not order.fits([("Matemáticas I", 5), ("Programación", 5), ("Literatura", 3)])
    assert not order.fits([("Matemáticas I", 5), ("Matemáticas I", 5), ("Física", 4)])
    assert not order.fits([("Matemáticas I", 5), ("Programación", 5)])


def test_offset_and_comma_are_read() -> None:
    for text in ("LIMIT 5 OFFSET 2", "LIMIT 2, 5"):
        end = ending(f"SELECT a FROM t ORDER BY a {text}", ("a",))
        assert (end.count, end.offset) == (5, 2)
    inner = ending("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 1) WHERE a IN (SELECT b FROM u ORDER BY b LIMIT 2)", ("a",))
    assert not inner.ordered and not inner.limited


# --- names in double quotes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('SELECT "nombre" FROM "estudiantes"', []),
        ('SELECT "nombr" FROM estudiantes', [("nombr", "nombre")]),
        ('SELECT nombre FROM estudiantes ORDER BY "edda"', [("edda", "edad")]),
        ('SELECT nombre FROM estudiantes WHERE ciudad = "Lima"', [("Lima", "")]),
        ('SELECT nombre FROM estudiantes WHERE ciudad IN ("Lima", "cuidad")', [("Lima", ""), ("cuidad", "")]),
        ('SELECT nombre FROM estudiantes WHERE ciudad = "nombr"', [("nombr", "")]),
        ('SELECT e."ciudad" FROM estudiantes e WHERE "cuidad" = \'Lima\'', [("cuidad", "ciudad")]),
        ('SELECT nombre AS "Nombre del alumno" FROM estudiantes', []),
        ('SELECT nombre AS "x" FROM estudiantes ORDER BY "x"', []),
        ('SELECT "hola" FROM estudiantes', [("hola", "")]),
    ],
)
def test_words_in_double_quotes_that_are_texts_are_found_by_sqlite_itself(query: str, found: list[tuple[str, str]]) -> None:
    connection = built(SCHOOL, Deadline(10))
    schema = read_schema(connection)
    assert [(one.text, one.misspelt) for one in quoted_texts(sealed(connection), query, schema)] == found


# --- copies --------------------------------------------------------------------------------------


def schema_of(script: str) -> Schema:
    connection = built(script, Deadline(10))
    try:
        return read_schema(connection)
    finally:
        connection.close()


def of_file(path: Path) -> Schema:
    connection = sqlite3.connect(path)
    try:
        return read_schema(connection)
    finally:
        connection.close()


def table_rows(connection: sqlite3.Connection, name: str) -> list[dict[str, Any]]:
    cursor = connection.execute(f'SELECT * FROM "{name}"')
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


@pytest.mark.parametrize("profile", [*PLAUSIBLE, *EXTREME], ids=lambda profile: profile.name)
def test_copies_keep_what_the_school_declares(profile: copies.Profile) -> None:
    schema = schema_of(SCHOOL)
    hints = hints_for(schema, constants("SELECT 1 FROM inscripciones WHERE nota >= 6 AND edad > 17"), trusted=True, outside=profile.outside)
    rows = draw(schema, schema.with_parents(set(schema.tables)), profile, hints, "x")
    for twin in (False, True):
        connection = build(schema, rows, twin=twin, words=frozenset(("nota",)))
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for row in table_rows(connection, "inscripciones"):
            assert row["estudiante_id"] is not None and row["curso_id"] is not None
        assert all(row["nombre"] is not None for row in table_rows(connection, "estudiantes"))
        connection.close()
    if not profile.extreme:
        assert all(0 <= row[2] <= 10 for row in rows["inscripciones"] if row[2] is not None)
        assert all(isinstance(row[3], int) for row in rows["estudiantes"] if row[3] is not None)
        assert all(round(row[2], 1) == row[2] for row in rows["inscripciones"] if row[2] is not None)


def test_a_copy_and_its_twin_hold_the_same_rows() -> None:
    schema = schema_of(SCHOOL)
    rows = draw(schema, schema.with_parents(set(schema.tables)), PLAUSIBLE[4], {}, "y")
    one, other = build(schema, rows), build(schema, rows, twin=True, words=frozenset(("edad", "nota", "ciudad")))
    for name in schema.tables:
        query = f'SELECT * FROM "{name}"'
        assert Counter(one.execute(query).fetchall()) == Counter(other.execute(query).fetchall())
    one.close()
    other.close()


def test_copies_are_the_same_every_time_and_differ_from_each_other() -> None:
    schema = schema_of(SCHOOL)
    tables = schema.with_parents({"inscripciones"})
    assert [table.name for table in tables] == ["cursos", "estudiantes", "inscripciones"]
    drawn = [draw(schema, tables, profile, {}, "z") for profile in PLAUSIBLE]
    assert drawn == [draw(schema, tables, profile, {}, "z") for profile in PLAUSIBLE]
    assert len({str(rows) for rows in drawn}) == len(PLAUSIBLE)
    alone = draw(schema, schema.with_parents({"cursos"}), PLAUSIBLE[0], {}, "z")
    assert alone["cursos"] == drawn[0]["cursos"], "a table more changes nothing for the others"


def test_boundaries_of_the_constants_turn_up() -> None:
    schema = schema_of(SCHOOL)
    found = hints_for(
        schema,
        constants("SELECT 1 FROM estudiantes WHERE edad > 17 AND ciudad = 'Cusco' OR nota BETWEEN 6 AND 10"),
        trusted=True,
        outside=False,
    )
    assert found["estudiantes", "edad"] == [16, 17, 18] and found["estudiantes", "ciudad"] == ["Cusco"]
    assert found["inscripciones", "nota"] == [5.9, 6.0, 6.1, 9.9, 10.0], "nothing above the highest mark"
    outside = hints_for(schema, constants("SELECT 1 FROM estudiantes WHERE edad > 90"), trusted=True, outside=False)
    assert outside["estudiantes", "edad"] == [89, 90, 91], "the accepted query itself speaks of such an age"
    assert hints_for(schema, constants("SELECT 1 FROM estudiantes WHERE edad > 90"), trusted=False, outside=False) == {}


@pytest.mark.parametrize(
    ("query", "exact"),
    [
        ("SELECT 1 FROM t WHERE edad > 17 AND nota >= 6.5", {("edad", 17), ("nota", 6.5)}),
        ("SELECT 1 FROM t WHERE 17 < edad", {("edad", 17)}),
        ("SELECT 1 FROM t WHERE e.edad BETWEEN 16 AND 18 AND nota = -1", {("edad", 16), ("edad", 18), ("nota", -1)}),
        (
            "SELECT 1 FROM t WHERE ciudad IN ('Lima', 'Quito') OR edad NOT IN (1, 2)",
            {("ciudad", "Lima"), ("ciudad", "Quito"), ("edad", 1), ("edad", 2)},
        ),
        ("SELECT 1 FROM t WHERE LOWER(ciudad) LIKE LOWER('%lima%')", {("ciudad", "%lima%")}),
        ("SELECT 1 FROM t WHERE strftime('%Y', fecha) = '2011'", {("fecha", "2011")}),
        ("SELECT 1 FROM t WHERE nota * 10 > 85 OR nota + 1 = 7", set()),
        ("SELECT ciudad FROM t GROUP BY ciudad HAVING COUNT(nota) > 100 AND SUM(nota) > 7", set()),
        ("SELECT CASE WHEN nota >= 6 THEN 1 ELSE 0 END FROM t LIMIT 5", {("nota", 6)}),
        ("SELECT 1 FROM t WHERE edad > (SELECT AVG(edad) FROM t) AND 1", set()),
    ],
)
def test_constants_are_laid_beside_the_column_they_are_compared_with(query: str, exact: set[tuple[str, Any]]) -> None:
    assert {(constant.column, constant.value) for constant in constants(query) if constant.exact} == exact


def test_dates_keep_their_form() -> None:
    schema = schema_of(
        "CREATE TABLE t (x TEXT, d TEXT);"
        "INSERT INTO t VALUES ('a', '2009-01-01 00:00:00'), ('a', '2011-06-05 00:00:00'), ('b', '2012-12-31 00:00:00');"
    )
    found = hints_for(schema, constants("SELECT 1 FROM t WHERE strftime('%Y', d) = '2011'"), trusted=True, outside=False)["t", "d"]
    assert {"2010-12-31 00:00:00", "2011-01-01 00:00:00", "2011-12-31 00:00:00", "2012-01-01 00:00:00"} <= set(found)


@pytest.mark.skipif(not cases.SHARED.is_dir(), reason="the shared data is not here")
def test_what_nobody_declared_is_read_from_the_rows() -> None:
    academic = of_file(cases.DATABASES["academic"])
    assert (0,) in academic.tables["author"].seen_keys
    links = {(link.parent, academic.tables["writes"].columns[link.columns[0]].name) for link in academic.tables["writes"].links}
    assert links == {("author", "aid"), ("publication", "pid")}
    for profile in PLAUSIBLE:
        rows = draw(academic, academic.with_parents(set(academic.tables)), profile, {}, "a")
        authors = [row[0] for row in rows["author"]]
        assert len(set(authors)) == len(authors) and {row[0] for row in rows["writes"]} <= set(authors)
        assert len(set(rows["domain_author"])) == len(rows["domain_author"])


def test_columns_that_repeat_each_other_go_on_doing_so() -> None:
    schema = schema_of(
        "CREATE TABLE tienda (id INTEGER PRIMARY KEY, ciudad TEXT);"
        "CREATE TABLE venta (id INTEGER PRIMARY KEY, tienda_id INTEGER, ciudad TEXT);"
        "INSERT INTO tienda VALUES (1, 'Lima'), (2, 'Quito'), (3, 'Lima');"
        "INSERT INTO venta VALUES (1, 1, 'Lima'), (2, 2, 'Quito'), (3, 3, 'Lima'), (4, 2, 'Quito');"
    )
    for profile in PLAUSIBLE:
        rows = draw(schema, schema.with_parents({"venta"}), profile, {}, "b")
        towns = {row[0]: row[1] for row in rows["tienda"]}
        assert all(towns[row[1]] == row[2] for row in rows["venta"])
