"""The tutors that ship: right by their own judges, repeated by their generators, never asked what they learned."""

from __future__ import annotations

import subprocess
import sys
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
    """With a model answer the verdict is ``correct`` for most, or no score could be earned."""
    tutor, judge = judged
    found = rows(tutor, "eval")
    sample = found[:: max(1, len(found) // SAMPLE)]
    verdicts = [judge.judge(attempt_of(tutor, row.messages[:-1], row.messages[-1].content, row.expected)) for row in sample]
    assert sum(verdict.outcome == "correct" for verdict in verdicts) >= 0.5 * len(verdicts)


@pytest.mark.parametrize("name", NAMES)
def test_no_held_out_question_is_nearly_one_of_the_training_rows(name: str) -> None:
    tutor = tutor_of(name)
    assert not any(near_rows(rows(tutor, "train"), rows(tutor, "eval")))


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
    ],
)
def test_the_judges_that_ship_find_what_they_promise(name: str, answer: str, outcome: str, code: str) -> None:
    verdict = verdict_on(name, answer)
    assert (verdict.outcome, verdict.code) == (outcome, code), verdict


def test_judging_leaves_nothing_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    verdict_on("sql", "```sql\nATTACH 'x.db' AS y; CREATE TABLE y.t(a);\n```")
    verdict_on("algoritmos", "```python\nopen('x', 'w').write('x')\n```")
    assert list(tmp_path.iterdir()) == []


def verdict_on(name: str, answer: str) -> Verdict:
    tutor = tutor_of(name)
    return judge_of(tutor).judge(attempt_of(tutor, (Message("user", "¿Cómo se hace?"),), answer))
