"""Hostile statements, hostile databases and hostile text: nothing appears, nothing changes, nothing hangs, nobody falls."""

from __future__ import annotations

import gc
import os
import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import hub_sql
import hub_sql_cases as cases
import pytest
from hub_sql.database import FORBIDDEN_FUNCTIONS, DatabaseError, Deadline, Guarded, Trouble, discard, opened, private_copy, read_file
from hub_sql.stages import Bases

from adapters_hub import Attempt, Message, Verdict

ADULTS = "SELECT nombre, edad FROM estudiantes WHERE edad > 17"


def judge(answer: str, expected: Any = None, *, question: str = "", **options: Any) -> Verdict:
    return hub_sql.make({"seconds": 0.2, **options}).judge(Attempt((Message("user", question),), answer, expected))


def made(file: Path, script: str) -> Path:
    connection = sqlite3.connect(file)
    connection.executescript(script)
    connection.close()
    return file


@pytest.fixture
def school(tmp_path: Path) -> Path:
    return made(tmp_path / "escuela.sqlite", cases.SCHOOL.read_text(encoding="utf-8"))


def behind_bars(file: Path) -> Guarded:
    copy = private_copy(file.read_bytes())
    try:
        return opened(copy)
    finally:
        discard(copy)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def private_files() -> set[str]:
    """Private copies that belong to this process; another one may be judging beside it."""
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith(f"hub-sql-{os.getpid()}-")}


def test_hostile_statements_leave_no_trace_and_are_never_right(school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(cases.HOSTILE) >= 26
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)
    temporary = private_files()
    for number, statement in enumerate(cases.HOSTILE):
        for expected in ({"sql": ADULTS}, None)[: 1 + (number % 4 == 0)]:
            verdict = judge(f"```sql\n{statement}\n```", expected, db=str(school))
            assert verdict.outcome != "correct" and verdict.code not in ("crash", "no_worker"), (statement[:80], verdict)
            if expected is None and verdict.outcome == "incorrect":
                assert verdict.evidence == "parsed", (statement[:80], verdict)
    assert snapshot(tmp_path) == before, "a file appeared or changed"
    assert private_files() <= temporary, "a private copy was left behind"
    assert judge(f"```sql\n{ADULTS} AND 1\n```", {"sql": ADULTS}, db=str(school), seconds=8).outcome == "correct", "the worker is not well"


@pytest.mark.parametrize("statement", cases.HOSTILE, ids=range(len(cases.HOSTILE)))
def test_the_bars_hold_without_the_checks_before_them(
    statement: str, school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)
    guarded = behind_bars(school)
    rows = guarded.run("SELECT * FROM estudiantes ORDER BY id", Deadline(10)).rows
    try:
        guarded.run(statement, Deadline(0.1))
    except Trouble as trouble:
        assert trouble.kind in ("time", "rows", "memory", "forbidden", "limit", "error")
    assert guarded.run("SELECT * FROM estudiantes ORDER BY id", Deadline(10)).rows == rows
    guarded.close()
    assert snapshot(tmp_path) == before


def test_even_without_the_authorizer_the_database_cannot_be_written(school: Path) -> None:
    guarded = behind_bars(school)
    guarded._connection.set_authorizer(lambda *words: sqlite3.SQLITE_OK)
    with pytest.raises(Trouble, match=r"readonly|read-only|query_only"):
        guarded.run("DELETE FROM estudiantes", Deadline(1))
    guarded._connection.execute("PRAGMA query_only = 0")
    with pytest.raises(Trouble, match=r"readonly|read-only"):
        guarded.run("DELETE FROM estudiantes", Deadline(1))
    guarded.close()


@pytest.mark.parametrize("name", sorted(FORBIDDEN_FUNCTIONS))
def test_forbidden_functions_are_refused_or_unknown(name: str, school: Path) -> None:
    guarded = behind_bars(school)
    with pytest.raises(Trouble) as caught:
        guarded.run(f"SELECT {name}('x', 1)", Deadline(1))
    assert caught.value.kind == "forbidden" or "no such function" in caught.value.message or "wrong number" in caught.value.message
    guarded.close()


def test_what_a_statement_uses_is_seen_every_time(school: Path) -> None:
    guarded = behind_bars(school)
    first, second = (guarded.compile("SELECT nombre, upper(ciudad) FROM estudiantes") for _ in range(2))
    assert first == second and first.columns == {("estudiantes", "nombre"), ("estudiantes", "ciudad")} and first.functions == {"upper"}
    guarded.close()


# --- hostile databases ---------------------------------------------------------------------------


def assert_no_harm(file: Path, query: str = "SELECT x FROM t WHERE x > 0", expected: Any = None) -> Verdict:
    temporary = private_files()
    verdict = judge(f"```sql\n{query}\n```", expected if expected is not None else {"sql": "SELECT x FROM t"}, db=str(file), seconds=1.0)
    assert private_files() <= temporary, "a private copy was left behind"
    assert verdict.outcome != "correct", verdict
    assert judge(f"```sql\n{ADULTS} AND 1\n```", {"sql": ADULTS}, db=str(cases.SCHOOL), seconds=8).outcome == "correct"
    return verdict


def test_damaged_files_are_called_so(school: Path, tmp_path: Path) -> None:
    content = school.read_bytes()
    chance = random.Random(7)
    pieces = [b"", b"hola", content[:100], content[:2000], content[:-4096], b"SQLite format 3\x00" + b"\xff" * 5000, content[100:]]
    for _ in range(12):
        flipped = bytearray(content)
        for _ in range(chance.choice((1, 20, 400))):
            flipped[chance.randrange(len(flipped))] = chance.randrange(256)
        pieces.append(bytes(flipped))
    for number, piece in enumerate(pieces):
        file = tmp_path / f"roto{number}.sqlite"
        file.write_bytes(piece)
        verdict = judge(f"```sql\n{ADULTS} AND 1\n```", {"sql": ADULTS}, db=str(file), seconds=1.0)
        assert verdict.code != "no_worker"
        if number < 7:
            assert (verdict.outcome, verdict.code) == ("unverified", "bad_database"), verdict


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1); CREATE VIRTUAL TABLE v USING fts5(a);",
        "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1); CREATE VIRTUAL TABLE v USING rtree(id, a, b);",
    ],
)
def test_databases_with_virtual_tables_are_not_opened(script: str, tmp_path: Path) -> None:
    assert assert_no_harm(made(tmp_path / "v.sqlite", script)).code == "bad_database"


@pytest.mark.parametrize(
    ("script", "query"),
    [
        (
            "CREATE TABLE u (x); CREATE VIEW t AS SELECT load_extension('x') AS x FROM u; INSERT INTO u VALUES (1);",
            "SELECT x FROM t LIMIT 3",
        ),
        (
            "CREATE TABLE u (x); CREATE VIEW t AS SELECT zeroblob(900000000) AS x FROM u; INSERT INTO u VALUES (1);",
            "SELECT x FROM t LIMIT 3",
        ),
        (
            "CREATE TABLE u (x); CREATE VIEW t AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c;",
            "SELECT x FROM t WHERE x < 0",
        ),
        ("CREATE TABLE t (x INTEGER CHECK (length(hex(zeroblob(x))) > -1)); INSERT INTO t VALUES (1), (2), (3);", "SELECT x + 1 FROM t"),
        ("CREATE TABLE t (x INTEGER, y TEXT AS (hex(zeroblob(x))) VIRTUAL); INSERT INTO t (x) VALUES (1), (9);", "SELECT x + 1 FROM t"),
        (
            "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1), (2);"
            "CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO t VALUES (new.x + 1); END;",
            "SELECT x + 1 FROM t",
        ),
        ("CREATE TABLE t (x INTEGER, t2 INTEGER REFERENCES nada(id)); INSERT INTO t VALUES (1, 5);", "SELECT x + 1 FROM t"),
        (
            'CREATE TABLE "t" (x INTEGER); CREATE TABLE "a""b; DROP TABLE t; --" ("c""d" INTEGER); INSERT INTO t VALUES (1);',
            "SELECT x + 1 FROM t",
        ),
        (
            "CREATE TABLE t (x INTEGER PRIMARY KEY, y INTEGER UNIQUE REFERENCES t(x)); INSERT INTO t VALUES (1, 1), (2, 1 + 1);",
            "SELECT x + 1 FROM t",
        ),
        (
            "CREATE TABLE t (x BLOB); INSERT INTO t VALUES (x'00ff'), ('texto'), (1.5), (NULL), (9e999), (-9223372036854775808);",
            "SELECT y FROM t",
        ),
    ],
)
def test_hostile_schemas_do_no_harm(script: str, query: str, tmp_path: Path) -> None:
    assert_no_harm(made(tmp_path / "h.sqlite", script), query)


@pytest.mark.parametrize(
    "script",
    [
        "ATTACH 'otra.db' AS o; CREATE TABLE o.t (x); CREATE TABLE t (x);",
        "CREATE TABLE t (x); INSERT INTO t SELECT load_extension('x');",
        "CREATE TABLE t (x); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) INSERT INTO t SELECT x FROM c;",
        "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(900000000));",
        "CREATE TABLE t (x); CREATE TRIGGER a AFTER INSERT ON t BEGIN DELETE FROM t; END; INSERT INTO t VALUES (1);",
        "CREATE TABLE t (x); PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'x';",
        "CREATE TABLE t (x); VACUUM INTO 'copia.db';",
        "CREATE TABLE t (x",
        "SELECT 1;",
        "",
        "\x00\x01",
        "".join(f"CREATE TABLE t{number} (x);" for number in range(200)),
    ],
)
def test_scripts_may_only_make_tables_and_rows(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "guion.sql"
    file.write_text(script, encoding="utf-8")
    verdict = assert_no_harm(file)
    assert verdict.outcome == "unverified" and sorted(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "tubo"
    os.mkfifo(pipe)
    big = tmp_path / "enorme.sqlite"
    with big.open("wb") as file:
        file.truncate(1 << 40)
    for path in (pipe, big, tmp_path, Path("/dev/zero")):
        with pytest.raises(DatabaseError):
            read_file(path)
        assert judge("```sql\nSELECT 1\n```", {"sql": "SELECT 2"}, db=str(path)).outcome == "unverified"


def test_a_database_that_changes_on_disk_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "t.sql"
    for values, outcome in (("(1), (2)", "correct"), ("(1), (2), (7)", "incorrect")):
        file.write_text(f"CREATE TABLE t (x INTEGER NOT NULL); INSERT INTO t VALUES {values};", encoding="utf-8")
        verdict = judge(
            "```sql\nSELECT x FROM t WHERE x IN (1, 2, 3)\n```",
            {"sql": "SELECT x FROM t WHERE x IN (1, 2, 7) OR x = 3"},
            db=str(file),
            copies=0,
            seconds=8.0,
        )
        assert verdict.outcome == outcome


# --- hostile text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    [
        "SELECT ",
        "```sql\nSELECT 1;\n",
        "```sql\n",
        "`SELECT a FROM b` ",
        "(",
        "'",
        '"',
        "/*",
        "--\n",
        "SELECT x FROM y WHERE ",
        "\x00",
        "😀",
        "CREATE TABLE a (",
        ";",
    ],
)
def test_a_megabyte_of_text_is_judged_or_given_up(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    for answer, question in ((text, ""), (f"```sql\n{ADULTS} AND 1\n```", text)):
        verdict = judge(answer, {"sql": ADULTS}, question=question, db=str(cases.SCHOOL), seconds=2.0)
        assert verdict.code not in ("crash", "no_worker")
        assert verdict.outcome != "correct" or question


def test_many_bases_and_stages_do_not_pile_up(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("open files cannot be counted here")
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    bases = Bases()
    for number in range(30):
        file = tmp_path / f"{number}.sql"
        file.write_text(f"CREATE TABLE t (x INTEGER); INSERT INTO t VALUES ({number});", encoding="utf-8")
        assert isinstance(bases.of_file(file, Deadline(10)).pair.forward, Guarded)
    assert len(os.listdir("/proc/self/fd")) - before <= 20
