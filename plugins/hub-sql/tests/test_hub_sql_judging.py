"""The validator ``sql`` from outside: verdicts on answers, with and without accepted queries."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import hub_sql
import hub_sql_cases as cases
import pytest
from hub_sql import SqlValidator
from hub_sql.lints import SENTENCES
from hub_sql.trial import DOUBTS

from adapters_hub import Attempt, HubError, Message, Verdict
from adapters_hub.plugins import NOT_MINE

QUESTION = "¿Quiénes tienen más de 17 años?"
ADULTS = "SELECT nombre, edad FROM estudiantes WHERE edad > 17"


def judge(answer: str, expected: Any = None, *, question: str = QUESTION, folder: Path | None = None, **options: Any) -> Verdict:
    validator = hub_sql.make({"db": str(cases.SCHOOL), "seconds": 8.0, **options})  # no test depends on a clock
    return validator.judge(Attempt((Message("user", question),), answer, expected, folder=folder))


def fenced(query: str) -> str:
    return f"La consulta debe filtrar.\n\n```sql\n{query}\n```\n\nPrueba tú: otra."


# --- the plugin ----------------------------------------------------------------------------------


def test_the_plugin_offers_one_validator() -> None:
    (spec,) = hub_sql.hub_validators()
    assert spec.name == "sql" and isinstance(spec.make({}), SqlValidator)


def test_the_import_of_the_plugin_brings_neither_sqlglot_nor_sqlite() -> None:
    program = "import sys, hub_sql; hub_sql.make({}); print([name for name in ('sqlglot', 'sqlite3', 'duckdb') if name in sys.modules])"
    paths = [str(cases.ROOT), str(cases.ROOT / "plugins" / "hub-sql")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {program}"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"copie": 3}, "did you mean 'copies'?"),
        ({"database": "x.sqlite"}, "did you mean 'db'?"),
        ({"db": 3}, ""),
        ({"copies": -1}, ""),
        ({"copies": True}, ""),
        ({"seconds": 60}, ""),
        ({"seconds": "2"}, ""),
        ({"max_rows": 0}, ""),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(HubError) as caught:
        hub_sql.make(options)
    assert hint in caught.value.hint


def test_options_of_other_validators_are_let_pass() -> None:
    hub_sql.make({"max_words": 300, "unsafe_exec": True, "language": "es"})


# --- with accepted queries -----------------------------------------------------------------------


def test_a_right_answer_says_what_was_judged_and_how() -> None:
    answer = fenced("SELECT nombre, edad FROM estudiantes WHERE edad >= 18;")
    verdict = judge(answer, {"sql": ADULTS})
    assert (verdict.outcome, verdict.score, verdict.code) == ("correct", 1.0, "ok")
    assert verdict.span is not None and answer[slice(*verdict.span)] == verdict.extracted
    assert verdict.extracted == "SELECT nombre, edad FROM estudiantes WHERE edad >= 18" and verdict.expected == ADULTS
    assert verdict.evidence.startswith("executed: sqlite ") and verdict.seconds > 0


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("SELECT nombre, edad FROM estudiantes WHERE edad >= 17", "rows", "devuelve 18 filas y se esperaban 12: sobra ('Ana Torres', 17)"),
        ("SELECT nombre, edad FROM estudiantes WHERE edad > 18", "rows", "devuelve 6 filas y se esperaban 12: falta"),
        ("SELECT nombre FROM estudiantes WHERE edad > 17", "columns", "devuelve 1 columna (nombre) y se esperaban 2 (nombre, edad)"),
        ("SELECT * FROM estudiantes WHERE edad > 17", "columns", "devuelve 4 columnas (id, nombre, ciudad, edad) y se esperaban 2"),
        ("SELECT nombre, edad FROM estudiante WHERE edad > 17", "unknown_table", "¿Querías decir estudiantes?"),
        ("SELECT nombre, edda FROM estudiantes", "unknown_column", "¿Querías decir edad?"),
        ("SELECT nombre, nota FROM estudiantes WHERE edad > 17", "unknown_column", "está en inscripciones"),
        ("SELECT nombre, edad FROM estudiantes WHERE ciudad = Bogotá", "unknown_column", "entre comillas simples: 'Bogotá'"),
        ("SELECT nombre, edad FORM estudiantes", "sql_syntax", "¿Querías escribir FROM?"),
        ("SELECT nombre, edad FROM estudiantes WHERE", "sql_syntax", "incompleta"),
        ("SELEC nombre, edad FROM estudiantes", "sql_syntax", "¿Querías escribir SELECT?"),
        ("SELECT nombre, edad FROM estudiantes, cursos", "ambiguous_column", "más de una tabla"),
        ("SELECT nombre, edad FROM estudiantes WHERE YEAR(edad) > 17", "unknown_function", "strftime"),
        ("SELECT nombre, edad FROM estudiantes WHERE COUNT(*) > 1", "misuse_aggregate", "HAVING"),
        ('SELECT nombre, "edda" FROM estudiantes WHERE edad > 17', "quoted_column", "¿Querías decir edad?"),
        ("SELECT nombre, edad FROM estudiantes UNION SELECT id FROM cursos", "sql_error", "número de columnas"),
        ("SELECT e.nombre, e.edad FROM estudiantes e, inscripciones a, inscripciones b, cursos c", "rows", "más de 10000 filas"),
        ("SELECT nombre, abs(-9223372036854775808) FROM estudiantes", "sql_runtime", "overflow"),
    ],
)
def test_a_wrong_query_is_told_in_spanish(query: str, code: str, said: str) -> None:
    verdict = judge(fenced(query), {"sql": ADULTS})
    assert (verdict.outcome, verdict.code) == ("incorrect", code), verdict
    assert said in verdict.reason + verdict.hint and verdict.hint and verdict.score == 0.0


def test_a_query_that_is_right_by_luck_is_shown_the_rows_on_which_it_fails() -> None:
    verdict = judge(fenced("SELECT DISTINCT nombre, edad FROM estudiantes WHERE edad > 17"), {"sql": ADULTS})
    assert (verdict.outcome, verdict.code) == ("incorrect", "duplicates_on_copy")
    assert "con otros datos no: si solo hubiera estudiantes (" in verdict.reason and "se esperaría 2 veces" in verdict.reason


def test_an_order_that_nobody_asked_for_is_free_and_one_that_was_asked_for_is_not() -> None:
    assert judge(fenced(f"{ADULTS} ORDER BY edad DESC"), {"sql": ADULTS}).outcome == "correct"
    verdict = judge(fenced(f"{ADULTS} ORDER BY edad DESC"), {"sql": f"{ADULTS} ORDER BY edad"})
    assert (verdict.outcome, verdict.code) == ("incorrect", "order") and "en otro orden" in verdict.reason


def test_the_order_of_the_columns_is_free_but_told() -> None:
    verdict = judge(fenced("SELECT edad, nombre FROM estudiantes WHERE edad > 17"), {"sql": ADULTS})
    assert verdict.outcome == "correct" and verdict.warnings == ("column_order",)


def test_any_accepted_query_will_do_but_one_and_the_same_everywhere() -> None:
    accepted = {"sql": [ADULTS, "SELECT nombre FROM estudiantes WHERE edad > 17"]}
    assert judge(fenced("SELECT nombre FROM estudiantes WHERE edad >= 18"), accepted).outcome == "correct"
    assert judge(fenced("SELECT edad FROM estudiantes WHERE edad >= 18"), accepted).outcome == "incorrect"
    other = {"sql": ["SELECT MIN(edad) FROM estudiantes WHERE id = 3", "SELECT edad FROM estudiantes WHERE nombre = 'Camila Ortiz'"]}
    verdict = judge(fenced("SELECT edad FROM estudiantes WHERE id = 14"), other)
    assert verdict.outcome != "correct", "agrees with one accepted query here and with the other one there"


def test_where_accepted_queries_disagree_the_case_is_open() -> None:
    accepted = [
        f"SELECT c.nombre, COUNT(i.curso_id) FROM cursos c {join} inscripciones i ON i.curso_id = c.id WHERE c.id < 9 GROUP BY c.id"
        for join in ("JOIN", "LEFT JOIN")
    ]
    query = "SELECT c.nombre, COUNT(*) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id WHERE c.id < 9 GROUP BY c.id"
    assert judge(fenced(query), {"sql": accepted[:1]}).outcome == "incorrect"
    verdict = judge(fenced(query), {"sql": accepted})
    assert (verdict.outcome, verdict.code) == ("unverified", "open_case")


@pytest.mark.parametrize(
    "expected",
    [{"sql": ADULTS}, {"sql": [ADULTS]}, ADULTS, [ADULTS, "SELECT 1 FROM cursos"], {"sql": f"{ADULTS};\n", "db": str(cases.SCHOOL)}],
)
def test_expected_may_be_written_in_several_ways(expected: Any) -> None:
    assert judge(fenced("SELECT nombre, edad FROM estudiantes WHERE edad >= 18"), expected).outcome == "correct"


@pytest.mark.parametrize("expected", [{"terms": ["GROUP BY"]}, {"answer": 3}, 17, ["a"], {"sql": 3}, {"sql": []}, "diecisiete", [[]]])
def test_another_shape_is_not_ours_unless_the_query_is_broken(expected: Any) -> None:
    assert judge(fenced("SELECT nombre FROM estudiantes"), expected).code == NOT_MINE
    assert judge("Una clave identifica la fila.", expected).code == NOT_MINE
    assert judge(fenced("SELECT nombre FORM estudiantes;"), expected).outcome == "incorrect"


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ("No lo sé.", "incorrect", "no_query"),
        ("```sql\nDELETE FROM estudiantes;\n```", "incorrect", "no_query"),
        ("```sql\nWHERE edad > 17\n```", "unverified", "fragment"),
        ("```sql\nPRAGMA table_info(estudiantes);\n```", "unverified", "fragment"),
        ("```sql\nSELECT ... FROM estudiantes WHERE ...;\n```", "unverified", "skeleton"),
        ("```sql\nSELECT nombre, edad FROM estudiantes WHERE edad > :edad;\n```", "unverified", "parameters"),
        ("```sql\nSELECT nombre, edad FROM estudiantes WHERE edad > 17 + random() % 1;\n```", "unverified", "unstable"),
        (f"```sql\n{ADULTS} AND date('now') > '2000'\n```", "unverified", "unstable"),
        (f"```sql\n{ADULTS} AND printf('%d', edad) > '1'\n```", "unverified", "forbidden"),
        (f"```sql\n{ADULTS};\n```\nTambién existe:\n```sql\nSELECT nombre FROM cursos;\n```", "unverified", "several_queries"),
        (f"```sql\nSELECT nombre FROM cursos;\n```\nMejor:\n```sql\n{ADULTS};\n```", "correct", "ok"),
        (f"La respuesta es {ADULTS}.", "correct", "ok"),
        (f"`{ADULTS.lower()}`", "correct", "ok"),
        ("```sql\nSELECT nombre FROM cursos;\n```\n" + f"Antes: `{ADULTS}`", "incorrect", "columns"),
    ],
)
def test_which_statement_is_judged_and_what_is_not(answer: str, outcome: str, code: str) -> None:
    verdict = judge(answer, {"sql": ADULTS})
    assert (verdict.outcome, verdict.code) == (outcome, code), verdict


def test_changes_of_data_are_compared_as_text_and_never_run() -> None:
    expected = {"sql": "UPDATE estudiantes SET ciudad = 'Cusco' WHERE id = 4"}
    assert judge("```sql\nupdate estudiantes\nset ciudad = 'Cusco' where id = 4;\n```", expected).outcome == "correct"
    assert judge("```sql\nUPDATE estudiantes SET ciudad = 'Cusco'\n```", expected).code == "not_run"
    assert judge("```sql\nUPDATE estudiante SET ciudad = 'Cusco' WHERE id = 4\n```", expected).code == "unknown_table"


@pytest.mark.parametrize(
    ("expected", "options", "code"),
    [
        ({"sql": "SELECT nombre FROM alumnos"}, {}, "bad_database"),
        ({"sql": "SELECT nombre FORM estudiantes"}, {}, "bad_database"),
        ({"sql": ADULTS, "db": "/no/existe.sqlite"}, {}, "bad_database"),
        ({"sql": ADULTS}, {"db": ""}, "no_database"),
        ({"sql": ADULTS, "db": "relativa.sqlite"}, {"db": ""}, "no_database"),
        ({"sql": "SELECT nombre, edad FROM estudiantes WHERE edad > 19 AND edad < 17"}, {}, "no_evidence"),
        ({"sql": "SELECT GROUP_CONCAT(nombre) , 1 FROM estudiantes"}, {}, "open_reference"),
        ({"sql": "SELECT nombre, strftime('%Y', 'now') FROM estudiantes"}, {}, "unstable"),
    ],
)
def test_what_the_author_got_wrong_is_never_the_learners_fault(expected: Any, options: dict[str, Any], code: str) -> None:
    query = f"{ADULTS} AND edad < 16" if code == "no_evidence" else f"{ADULTS} AND 1"
    if code == "open_reference":
        query = "SELECT GROUP_CONCAT(nombre, ','), 1 FROM estudiantes"
    verdict = judge(fenced(query), expected, **options)
    assert (verdict.outcome, verdict.code) == ("unverified", code), verdict


def test_the_same_text_is_right_even_without_a_database() -> None:
    assert judge(fenced(ADULTS.lower()), {"sql": ADULTS}, db="").outcome == "correct"
    assert judge(fenced("SELECT nombre FORM t"), {"sql": ADULTS}, db="").outcome == "incorrect"


def test_without_copies_the_database_alone_decides() -> None:
    verdict = judge(fenced("SELECT DISTINCT nombre, edad FROM estudiantes WHERE edad > 17"), {"sql": ADULTS}, copies=0)
    assert verdict.outcome != "incorrect"


# --- databases -----------------------------------------------------------------------------------


def test_a_database_lies_in_the_tutors_folder_and_nowhere_above(tmp_path: Path) -> None:
    folder = tmp_path / "tutor"
    folder.mkdir()
    for file in (folder / "aqui.sqlite", tmp_path / "fuera.sqlite"):
        connection = sqlite3.connect(file)
        connection.executescript("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1), (2), (3), (3);")
        connection.close()
    expected = {"sql": "SELECT x FROM t WHERE x > 1"}
    answer = fenced("SELECT x FROM t WHERE x >= 2")
    assert judge(answer, {**expected, "db": "aqui.sqlite"}, folder=folder).outcome == "correct"
    assert judge(answer, expected, folder=folder, db="aqui.sqlite").outcome == "correct"
    for name in ("../fuera.sqlite", "x/../../fuera.sqlite", "."):
        assert judge(answer, {**expected, "db": name}, folder=folder).code == "bad_database"
    (folder / "enlace.sqlite").symlink_to(tmp_path / "fuera.sqlite")
    assert judge(answer, {**expected, "db": "enlace.sqlite"}, folder=folder).code == "bad_database"


def test_tables_that_the_question_makes_are_the_database() -> None:
    question = (
        "Tengo esto:\nCREATE TABLE ventas (id INTEGER PRIMARY KEY, producto TEXT NOT NULL, monto REAL NOT NULL);\n"
        "INSERT INTO ventas (producto, monto) VALUES ('pan', 2.5), ('leche', 3), ('pan', 4)\n¿Cómo sumo por producto?"
    )
    good = "SELECT producto, SUM(monto) FROM ventas GROUP BY producto"
    assert judge(fenced(good), question=question).code == "runs"
    assert judge(fenced("SELECT producto, SUM(precio) FROM ventas GROUP BY producto"), question=question).code == "unknown_column"
    judged = judge(fenced("SELECT producto, TOTAL(monto) AS t FROM ventas GROUP BY 1"), {"sql": good}, question=question, db="")
    assert judged.outcome == "correct"
    wrong = judge(fenced("SELECT producto, MAX(monto) FROM ventas GROUP BY producto"), {"sql": good}, question=question, db="")
    assert wrong.outcome == "incorrect"


def test_a_schema_without_rows_is_filled_with_made_up_ones() -> None:
    question = "CREATE TABLE v (id INTEGER PRIMARY KEY, zona TEXT NOT NULL, monto REAL NOT NULL); ¿total por zona con monto mayor que 5?"
    reference = "SELECT zona, SUM(monto) FROM v WHERE monto > 5 GROUP BY zona"
    right = judge(
        fenced("SELECT zona, SUM(monto) AS s FROM v WHERE NOT monto <= 5 GROUP BY 1"), {"sql": reference}, question=question, db=""
    )
    wrong = judge(fenced("SELECT zona, SUM(monto) FROM v WHERE monto >= 5 GROUP BY zona"), {"sql": reference}, question=question, db="")
    assert (right.outcome, wrong.outcome) == ("correct", "incorrect")


# --- without accepted queries --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome", "code", "score"),
    [
        (fenced("SELECT nombre FROM estudiantes;"), "unverified", "runs", 1.0),
        (fenced("SELECT nombre FROM estudiantes WHERE nombre = :nombre;"), "unverified", "not_run", 1.0),
        (fenced("INSERT INTO estudiantes (nombre, ciudad, edad) VALUES ('Eva', 'Lima', 17);"), "unverified", "not_run", 1.0),
        (fenced("CREATE TABLE asistencias (id INTEGER PRIMARY KEY, fecha TEXT NOT NULL);"), "unverified", "not_run", 1.0),
        (fenced("CREATE TABLE cursos (id INTEGER PRIMARY KEY);"), "unverified", "not_run", 1.0),
        (fenced("CREATE TABLE notas (x); INSERT INTO notas VALUES (1); SELECT x FROM notas;"), "unverified", "unknown_table", 0.0),
        (fenced("INSERT INTO estudiantes (nombre, apellido) VALUES ('Eva', 'Paz');"), "incorrect", "sql_error", 0.0),
        (fenced("SELECT apellido FROM estudiantes;"), "incorrect", "unknown_column", 0.0),
        (fenced("SELECT nombre FROM alumnos;"), "incorrect", "unknown_table", 0.0),
        (fenced("SELECT nombre FORM estudiantes;"), "incorrect", "sql_syntax", 0.0),
        (fenced("SELECT columnas FROM tabla ...;"), "unverified", "skeleton", 0.0),
        (
            fenced("SELECT nombr FROM estudiantes;") + "\nLo correcto:\n" + fenced("SELECT nombre FROM estudiantes;"),
            "unverified",
            "unknown_column",
            0.0,
        ),
        (fenced("PRAGMA foreign_keys = ON;"), "unverified", "not_run", 1.0),
        ("SELECT nombre FROM estudiantes;", "unverified", "runs", 1.0),
        ("SELECT elige las columnas y respeta el orden.", "unverified", NOT_MINE, 0.0),
        ("Escribe `SELECT nombre FROM alumnos` con tus tablas.", "unverified", NOT_MINE, 0.0),
        ("```sql\n-- nada\n```", "unverified", NOT_MINE, 0.0),
        ("Una pila.", "unverified", NOT_MINE, 0.0),
    ],
)
def test_without_accepted_query_only_a_query_that_cannot_run_is_wrong(answer: str, outcome: str, code: str, score: float) -> None:
    verdict = judge(answer)
    assert (verdict.outcome, verdict.code, verdict.score) == (outcome, code, score), verdict


def test_names_of_the_learners_own_tables_are_no_fault() -> None:
    answer = fenced("SELECT SUM(monto) FROM ventas;")
    assert judge(answer, question="En mi tabla ventas(id, monto), ¿cómo sumo?").outcome == "unverified"
    assert judge(answer, question="¿Cómo sumo?").outcome == "incorrect"


# --- warnings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "warning"),
    [
        ('SELECT nombre FROM estudiantes WHERE ciudad = "Lima"', "double_quoted_text"),
        ("SELECT ciudad, nombre, COUNT(*) FROM estudiantes GROUP BY ciudad", "bare_columns"),
        ("SELECT nombre FROM estudiantes LIMIT 3", "limit_without_order"),
        ("SELECT nombre FROM cursos ORDER BY creditos DESC LIMIT 1", "limit_ties"),
        ("SELECT nombre, edad FROM estudiantes ORDER BY edad", "nulls_first"),
        ("SELECT nombre FROM estudiantes WHERE edad > strftime('%Y', 'now') - 2008", "now"),
    ],
)
def test_what_a_query_that_runs_may_have_wrong_is_a_warning(query: str, warning: str) -> None:
    verdict = judge(fenced(query))
    assert (verdict.outcome, verdict.code) == ("unverified", "runs") and warning in verdict.warnings and verdict.hint


@pytest.mark.parametrize(
    "query",
    [
        "SELECT c.nombre, COUNT(*) FROM cursos c JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.id",
        "SELECT nombre, MAX(edad) FROM estudiantes",
        "SELECT ciudad AS lugar, COUNT(*) FROM estudiantes GROUP BY lugar",
        "SELECT edad + 1, COUNT(*) FROM estudiantes GROUP BY 1",
        "SELECT nombre, edad FROM estudiantes WHERE edad IS NOT NULL ORDER BY edad, id LIMIT 3",
        "SELECT estudiante_id, AVG(nota) OVER (PARTITION BY curso_id) FROM inscripciones",
        'SELECT "nombre" FROM "estudiantes" ORDER BY "id"',
    ],
)
def test_sound_queries_get_no_warning(query: str) -> None:
    assert judge(fenced(query)).warnings == ()


def test_numbers_kept_as_text_are_told(tmp_path: Path) -> None:
    file = tmp_path / "t.sql"
    file.write_text("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('9'), ('10'), ('100');", encoding="utf-8")
    for query in ("SELECT MAX(x) FROM t", "SELECT x FROM t ORDER BY x DESC"):
        assert "text_numbers" in judge(fenced(query), db=str(file)).warnings
    assert "text_numbers" not in judge(fenced("SELECT MAX(CAST(x AS INTEGER)) FROM t"), db=str(file)).warnings


# --- the tutor, threads --------------------------------------------------------------------------


def test_no_answer_of_the_tutors_rows_is_called_wrong_and_the_expected_queries_are_right() -> None:
    validator = hub_sql.make({"db": "data/escuela.sql", "seconds": 8.0})
    correct = 0
    for file in sorted((cases.ROOT / "tutors" / "sql" / "data").glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            row = json.loads(line)
            turns = tuple(Message(turn["role"], turn["content"]) for turn in row["messages"])
            for place, turn in enumerate(turns):
                if turn.role == "assistant":
                    expected = row.get("expected") if place == len(turns) - 1 else None
                    verdict = validator.judge(Attempt(turns[:place], turn.content, expected, folder=cases.ROOT / "tutors" / "sql"))
                    assert verdict.outcome != "incorrect", (file.name, number, verdict)
                    if isinstance(expected, dict) and "sql" in expected:
                        assert verdict.outcome == "correct", (file.name, number, verdict)
                        correct += 1
    assert correct >= 8


def test_many_threads_get_the_verdicts_of_their_own_answers() -> None:
    validator = hub_sql.make({"db": str(cases.SCHOOL), "seconds": 8})
    queries = [(number, f"SELECT nombre, edad FROM estudiantes WHERE edad > {number}") for number in (15, 16, 17, 18, 19)] * 4

    def ask(pair: tuple[int, str]) -> tuple[int, str]:
        return pair[0], validator.judge(Attempt((), fenced(pair[1]), {"sql": ADULTS})).outcome

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(ask, queries))
    assert {outcome for number, outcome in results if number == 17} == {"correct"}
    assert {outcome for number, outcome in results if number != 17} == {"incorrect"}


def test_the_same_answer_gets_the_same_verdict_whatever_was_judged_before() -> None:
    first = judge(fenced("SELECT nombre, edad FROM estudiantes WHERE edad > 17 AND edad < 21"), {"sql": ADULTS})
    judge(fenced("SELECT e.nombre, e.edad FROM estudiantes e JOIN inscripciones i ON i.estudiante_id = e.id"), {"sql": ADULTS})
    again = judge(fenced("SELECT nombre, edad FROM estudiantes WHERE edad > 17 AND edad < 21"), {"sql": ADULTS})
    assert replace(first, seconds=0) == replace(again, seconds=0)


def test_the_example_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cases.ROOT)
    text = (cases.ROOT / "plugins" / "hub-sql" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})


def test_every_code_and_warning_is_explained_in_the_readme() -> None:
    text = (cases.ROOT / "plugins" / "hub-sql" / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([a-z_]+)`", text))
    sources = "".join(file.read_text(encoding="utf-8") for file in (cases.ROOT / "plugins" / "hub-sql" / "hub_sql").glob("*.py"))
    used = (
        set(re.findall(r'(?:code=|unsure\(\s*|Fault\(\s*|verdict\(\s*"\w+",\s*|_unverified\()"([a-z_]+)"', sources))
        | set(SENTENCES)
        | set(DOUBTS)
    )
    assert len(used) > 40 and used <= explained, used - explained
