"""The tutors that ship: right by their own judges, repeated by their generators, never asked what they learned."""

from __future__ import annotations

import ast
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY, load_test_plugins

from adapters_hub.contracts import Validator
from adapters_hub.near_duplicates import near_rows
from adapters_hub.tutors import attempt_of, read_tutor
from adapters_hub.types import Example, Message, Tutor, Verdict
from adapters_hub.workspace import find_workspace

NAMES = ("algoritmos", "matematicas", "sql")
TUTORS = REPOSITORY / "tutors"
SAMPLE = 40
"""So many rows of each file are judged here; `hub check NAME` judges all of them."""


def tutor_of(name: str) -> Tutor:
    folder = TUTORS / name
    return read_tutor(folder, find_workspace(folder, environ={}), environ={})


def rows(tutor: Tutor, use: str) -> list[Example]:
    return load_test_plugins().read_dataset(tutor.folder / getattr(tutor.dataset, use))


def judge_of(tutor: Tutor) -> Validator:
    plugins = load_test_plugins(own_folder=TUTORS)
    with plugins.tutor_local(tutor):
        return plugins.judge_of(tutor)


@pytest.fixture(scope="module", params=NAMES)
def judged(request: pytest.FixtureRequest) -> Iterator[tuple[Tutor, Validator]]:
    """A tutor that ships and its judge."""
    tutor = tutor_of(request.param)
    yield tutor, judge_of(tutor)


@pytest.mark.parametrize("use", ["train", "eval"])
def test_no_answer_of_a_row_is_wrong_by_the_tutors_own_judge(judged: tuple[Tutor, Validator], use: str) -> None:
    tutor, judge = judged
    found = rows(tutor, use)
    for example in found[:: max(1, len(found) // SAMPLE)]:
        verdict = judge.judge(attempt_of(tutor, example.messages[:-1], example.messages[-1].content, example.expected))
        assert verdict.outcome != "incorrect" and verdict.code != "crash", (example.where, verdict)


def test_held_out_questions_can_be_judged(judged: tuple[Tutor, Validator]) -> None:
    """With a model answer the verdict is ``correct``, or no score could be earned."""
    tutor, judge = judged
    found = rows(tutor, "eval")
    sample = found[:: max(1, len(found) // SAMPLE)]
    verdicts = [judge.judge(attempt_of(tutor, row.messages[:-1], row.messages[-1].content, row.expected)) for row in sample]
    assert [(row.where, verdict) for row, verdict in zip(sample, verdicts, strict=True) if verdict.outcome != "correct"] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_held_out_question_is_nearly_one_of_the_training_rows(name: str) -> None:
    tutor = tutor_of(name)
    assert not any(near_rows(rows(tutor, "train"), rows(tutor, "eval")))


def test_no_held_out_function_is_trained_under_another_name() -> None:
    tutor = tutor_of("algoritmos")
    trained = {shape for row in rows(tutor, "train") for turn in row.messages for shape in shapes_of(turn.content)}
    answers = [(row.where, turn.content) for row in rows(tutor, "eval") for turn in row.messages if turn.role == "assistant"]
    asked = [(where, shape) for where, answer in answers for shape in shapes_of(answer)]
    assert len(trained) >= 200 and len(asked) >= 100
    assert [where for where, shape in asked if shape in trained] == []


def shapes_of(text: str) -> set[str]:
    """The functions in a text, in blocks or as a student types them, with the names that they give away replaced by numbers."""
    found = set()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for block in blocks or [text[text.find("def ") :]] if "def " in text else []:
        try:
            found |= {shape_of(one) for one in ast.walk(ast.parse(block)) if isinstance(one, ast.FunctionDef)}
        except SyntaxError:  # a wrong try of a student, or prose after it
            continue
    return found


def shape_of(function: ast.FunctionDef) -> str:
    function = ast.parse(ast.unparse(function)).body[0]  # type: ignore[assignment]  # a copy
    own = {function.name, *(one.arg for one in ast.walk(function) if isinstance(one, ast.arg))}
    own |= {one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    numbers: dict[str, int] = {}
    for one in ast.walk(function):
        for field in ("name", "arg", "id"):
            if getattr(one, field, None) in own:
                setattr(one, field, f"_{numbers.setdefault(getattr(one, field), len(numbers))}")
    return ast.dump(function)


def test_functions_that_differ_in_names_only_have_the_same_shape() -> None:
    one = shapes_of("```python\ndef contar(lista):\n    total = 0\n    for n in lista:\n        total += n > 3\n    return total\n```")
    other = "def cuantos(x):\n    k = 0\n    for y in x:\n        k += y > 3\n    return k"
    assert one == shapes_of(other) and one != shapes_of(other.replace("3", "4")) and len(one) == 1


def test_no_held_out_query_is_trained_word_for_word() -> None:
    """Another constant in the same pattern is a new question; the same query is none."""
    tutor = tutor_of("sql")
    trained = {query for row in rows(tutor, "train") for query in queries_of(row)}
    asked = [(row.where, queries_of(row)) for row in rows(tutor, "eval")]
    assert len(trained) >= 400 and sum(bool(queries) for _, queries in asked) >= 100
    assert [where for where, queries in asked if queries & trained] == []


def queries_of(row: Example) -> set[str]:
    """The queries of a row's answers and of what it expects, in small letters on one line."""
    expected = row.expected.get("sql", ()) if isinstance(row.expected, dict) else ()
    found = [expected] if isinstance(expected, str) else list(expected)
    for turn in row.messages:
        if turn.role == "assistant":
            found += [query for block in re.findall(r"```sql\n(.*?)```", turn.content, re.DOTALL) for query in block.split(";")]
    return {" ".join(query.split()).rstrip(";").casefold() for query in found if query.strip()}


def test_no_held_out_exercise_has_the_numbers_and_the_result_of_a_trained_one() -> None:
    tutor = tutor_of("matematicas")
    trained = {numbers_of(row) for row in rows(tutor, "train")}
    asked = [(row.where, numbers_of(row)) for row in rows(tutor, "eval") if isinstance(row.expected, dict) and "answer" in row.expected]
    assert len(asked) >= 90
    assert [where for where, numbers in asked if numbers in trained] == []


def numbers_of(row: Example) -> tuple[object, ...]:
    question = next(turn.content for turn in reversed(row.messages) if turn.role == "user")
    return (*sorted(re.findall(r"\d+(?:\.\d+)?", question)), row.tags[0], str(row.expected))


@pytest.mark.parametrize("name", NAMES)
def test_no_held_out_question_gives_its_answer_away(name: str) -> None:
    """Neither do its own words earn the point, nor stands the answer in the turns before."""
    tutor = tutor_of(name)
    judge = judge_of(tutor)
    given = []
    for row in rows(tutor, "eval"):
        *before, question = row.messages[:-1]
        expected = row.expected if isinstance(row.expected, dict) else {}
        said = [turn.content for turn in before if turn.role == "assistant"]
        if "terms" in expected:
            said.append(question.content.replace("¿", "").replace("?", "."))
        verdicts = [judge.judge(attempt_of(tutor, row.messages[:-1], one, row.expected)) for one in said]
        given += [row.where for verdict in verdicts if verdict.outcome == "correct"]
        answer = re.escape(str(expected.get("answer", "")))
        if before and answer and re.search(rf"(?<![\w/.]){answer}(?![\w/.])", question.content):
            given.append(row.where)
    assert given == []


@pytest.mark.parametrize("name", NAMES)
def test_no_drill_asks_for_what_it_has_just_solved(name: str) -> None:
    twice = []
    for row in (*rows(tutor_of(name), "train"), *rows(tutor_of(name), "eval")):
        answers = [turn.content for turn in row.messages if turn.role == "assistant"]
        closings, solved = [answer.split("\n")[-1] for answer in answers], [block for answer in answers for block in code_of(answer)]
        if row.id.startswith("gen-") and len({*closings, *solved}) < len(closings) + len(solved):
            twice.append(row.where)
    assert twice == []


def code_of(answer: str) -> list[str]:
    return re.findall(r"```\w+\n(.*?)```", answer, re.DOTALL)


@pytest.mark.parametrize("name", ["algoritmos", "sql"])
def test_a_row_with_nothing_to_run_says_so(name: str) -> None:
    for row in rows(tutor_of(name), "train"):
        empty = row.expected is None and not any("```" in turn.content for turn in row.messages if turn.role == "assistant")
        assert ("sin_comprobar" in row.tags) == empty, row.where


@pytest.mark.parametrize("name", NAMES)
def test_a_tutor_that_ships_is_a_course(name: str) -> None:
    """Enough rows, several turns, most of what can be written by hand is, and held-out questions on every topic that has many rows."""
    tutor = tutor_of(name)
    trained, asked = rows(tutor, "train"), rows(tutor, "eval")
    made = sum(row.id.startswith("gen-") for row in trained)
    assert len(trained) >= 300 and len(asked) >= 80
    assert made <= 0.6 * len(trained) and len(trained) - made >= 120
    assert sum(len(row.messages) > 2 for row in trained) >= 0.25 * len(trained)
    assert all(row.tags and row.difficulty in (1, 2, 3) for row in (*trained, *asked))
    topics, held_out = (Counter(row.tags[0] for row in part) for part in (trained, asked))
    assert [topic for topic, count in topics.items() if count >= 15 and held_out[topic] < 4] == []


def test_chinook_is_whole() -> None:
    original = REPOSITORY / "../shared/data/sql/chinook.sqlite"
    if not original.is_file():
        pytest.skip("the original Chinook database is not here")
    shipped = TUTORS / "sql/data/chinook.sqlite"
    assert tables_of(shipped) == tables_of(original)


def tables_of(file: Path) -> dict[str, tuple[str, list[tuple[object, ...]]]]:
    """Name -> how the table was made, and its rows."""
    base = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    try:
        made = base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: (sql, sorted(base.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)) for name, sql in made}
    finally:
        base.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_repeats_its_rows_byte_for_byte(name: str) -> None:
    generator = TUTORS / name / "generate.py"
    if not generator.is_file():
        pytest.skip(f"tutor '{name}' has no generator: all its rows are written by hand")
    done = subprocess.run([sys.executable, str(generator), "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "answer", "outcome", "code"),
    [
        ("algoritmos", "```python\nfor i in range(3)\n    print(i)\n```", "incorrect", "syntax"),
        ("matematicas", "Paso 1: 22 - 11 = 3.", "incorrect", "false_equality"),
        ("matematicas", "Paso 1: 22 - 11 = 11.", "unverified", "equalities_hold"),
        ("matematicas", "Paso 1: 5/0 = 1.", "incorrect", "false_equality"),
        ("sql", "```sql\nSELECT nombr FROM estudiantes;\n```", "incorrect", "unknown_column"),
        ("sql", "```sql\nSELECT nombre FROM estudiantes;\n```", "unverified", "runs"),
        ("sql", "```sql\nSELECT Name FROM Artist;\n```", "incorrect", "unknown_table"),
    ],
)
def test_the_judges_that_ship_find_what_they_promise(name: str, answer: str, outcome: str, code: str) -> None:
    verdict = verdict_on(name, answer)
    assert (verdict.outcome, verdict.code) == (outcome, code), verdict


@pytest.mark.parametrize(
    ("asked", "answer", "result", "outcome"),
    [
        ("¿Cuánto es 36 + 7?", "43", "36 + 7", "unverified"),
        ("¿Cuánto es 36 + 7?", "43", "36 + 7 = 43", "correct"),
        ("Simplifica 10/45.", "2/9", "10/45", "unverified"),
        ("Simplifica 24/40.", "3/5", "6/10", "unverified"),
        ("Saca factor común en 12x + 30. Yo puse 2(6x + 15)", "6(2x + 5)", "2(6x + 15)", "unverified"),
        ("Saca factor común en 12x + 30.", "6(2x + 5)", "6(5 + 2x)", "correct"),
        ("Multiplica (x + 7)(x - 2).", "x^2 + 5x - 14", "(x + 7)(x - 2)", "unverified"),
        ("Multiplica (x + 7)(x - 2).", "x^2 + 5x - 14", "-14 + 5x + x^2", "correct"),
        ("¿Cuál es mayor, 5/8 o 7/12?", "5/8", "5/8", "correct"),
        ("Resuelve x^2 - 8x + 12 = 0.", "x = 2 o x = 6", "x = 6 o x = 2", "correct"),
    ],
)
def test_a_question_copied_as_its_result_is_no_answer(asked: str, answer: str, result: str, outcome: str) -> None:
    tutor = tutor_of("matematicas")
    attempt = attempt_of(tutor, (Message("user", asked),), f"Paso 1: piensa.\nResultado: {result}.", {"answer": answer})
    assert judge_of(tutor).judge(attempt).outcome == outcome


def test_a_query_is_judged_on_chinook_where_the_learner_speaks_of_it() -> None:
    tutor = tutor_of("sql")
    judge = judge_of(tutor)
    asked = Message("user", "En Chinook, Artist(ArtistId, Name): quiero los nombres")
    right, wrong = "```sql\nSELECT Name FROM Artist;\n```", "```sql\nSELECT nombre FROM estudiantes;\n```"
    assert judge.judge(attempt_of(tutor, (asked,), right)).code == "runs"
    assert judge.judge(attempt_of(tutor, (asked,), wrong)).code == "unknown_table"
    later = (asked, Message("assistant", right), Message("user", "y ordenados?"))
    expected = {"sql": "SELECT Name FROM Artist ORDER BY Name", "db": "data/chinook.sqlite"}
    assert judge.judge(attempt_of(tutor, later, right, expected)).outcome == "incorrect"


def test_judging_leaves_nothing_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    verdict_on("sql", "```sql\nATTACH 'x.db' AS y; CREATE TABLE y.t(a);\n```")
    verdict_on("algoritmos", "```python\nopen('x', 'w').write('x')\n```")
    assert list(tmp_path.iterdir()) == []


def verdict_on(name: str, answer: str) -> Verdict:
    tutor = tutor_of(name)
    return judge_of(tutor).judge(attempt_of(tutor, (Message("user", "¿Cómo se hace?"),), answer))
