"""What the validator says to the dataset's own answers: order, threads, memory, counts, findings."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Hub, row, write

from adapters_hub.own_answers import AnswersJudged, Judged, answer_count, judge_answers
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Attempt, Example, Message, Tutor, Verdict
from adapters_hub.workspace import find_workspace

VALIDATOR = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Judge:
    def judge(self, attempt):
        if "falla" in attempt.answer:
            raise RuntimeError("no puedo")
        if attempt.expected is None:
            return Verdict("unverified", code="no_reference", reason="No hay nada con que comparar.", warnings=("long",))
        right = str(attempt.expected) in attempt.answer
        return Verdict("correct" if right else "incorrect", code="ok" if right else "wrong_value", reason="No da eso.")

@hookimpl
def hub_validators():
    return [ValidatorSpec("propio", "", lambda options: Judge())]
"""


@pytest.fixture
def tutor(workspace: Path) -> Tutor:
    folder = workspace / "tutors/sumas"
    write(folder / "validator.py", VALIDATOR)
    write(folder / "tutor.toml", '[validator]\nuse = ["propio"]\n')
    lines = [
        row("¿Cuánto es 2 y 3?", "Son 5.", expected="5"),
        row("¿Cuánto es 4 y 4 ahora?", "Son 9.", expected="8"),
        row("¿Qué es sumar, dime?", "Es juntar."),
        row("¿Y qué pasa con esto otro?", "Aquí falla."),
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": "Hola, tengo una duda"},
                    {"role": "assistant", "content": "Dime."},
                    {"role": "user", "content": "¿Cuánto es 6 y 6, por favor?"},
                    {"role": "assistant", "content": "Son 13."},
                ],
                "expected": "12",
            }
        )
        + "\n",
    ]
    write(folder / "data/train.jsonl", "".join(lines))
    return read_tutor(folder, find_workspace(workspace))


def examples(count: int) -> Iterator[Example]:
    return (Example((Message("user", f"a{n}"), Message("assistant", f"b{n}")), where=f"x:{n}") for n in range(count))


class Waiting:
    """Takes longer for some answers than for others."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.most = 0
        self.under_way = 0

    def judge(self, attempt: Attempt) -> Verdict:
        self.threads.add(threading.get_ident())
        if attempt.answer.endswith("0"):
            time.sleep(0.02)
        return Verdict("unverified", reason=attempt.answer)


def test_verdicts_come_in_the_order_of_the_rows_from_several_threads(tutor: Tutor) -> None:
    validator = Waiting()
    judged = list(judge_answers(tutor, list(examples(300)), validator, hands=3))
    assert [entry.verdict.reason for entry in judged] == [f"b{n}" for n in range(300)]
    assert len(validator.threads) == 3


def test_rows_are_judged_as_they_are_asked_for(tutor: Tutor) -> None:
    """Memory does not grow with the number of rows: what nobody takes is not judged far ahead."""
    count = itertools.count()

    class Counting:
        def judge(self, attempt: Attempt) -> Verdict:
            next(count)
            time.sleep(0.001)
            return Verdict("unverified")

    verdicts = judge_answers(tutor, list(examples(50_000)), Counting(), hands=2)
    next(verdicts)
    time.sleep(0.3)
    verdicts.close()  # type: ignore[attr-defined]
    assert next(count) < 5000


def test_wrong_answers_are_errors_a_crash_is_a_warning_and_the_rest_is_counted(tutor: Tutor) -> None:
    def judged(where: str, outcome: str, code: str, *, turn: int = 1, answers: int = 1) -> Judged:
        return Judged(where, turn, answers, Verdict(outcome, code=code, reason="Porque sí.", evidence="boom", warnings=("long",)))  # type: ignore[arg-type]

    found = AnswersJudged(5, keep_unverified=True)
    for entry in (
        judged("a:1", "correct", "ok"),
        judged("a:2", "incorrect", "wrong_value"),
        judged("a:3", "incorrect", "wrong_value", turn=2, answers=2),
        judged("a:4", "unverified", "crash"),
        judged("a:5", "unverified", "no_reference"),
    ):
        found.add(entry)
    assert found.complete
    assert [(one.level, one.code, one.where, one.message) for one in found.findings()] == [
        ("error", "wrong_answer", "a:2", "Porque sí. [wrong_value]"),
        ("error", "wrong_answer", "a:3", "answer 2: Porque sí. [wrong_value]"),
        ("warning", "crash", "a:4", "the validator failed on 1 of 5 answers, first here: boom"),
    ]
    assert [entry.where for entry in found.unverified] == ["a:5"]
    document = json.loads(json.dumps(found.document()))
    assert document["outcomes"] == {"correct": 1, "incorrect": 2, "unverified": 2}
    assert document["warnings"] == {"long": 5}
    assert [entry["where"] for entry in document["incorrect"]] == ["a:2", "a:3"]


# --- the command ---------------------------------------------------------------------------------


def test_hub_check_names_each_wrong_row_with_its_reason(hub: Hub, tutor: Tutor) -> None:
    done = hub("check", "sumas")
    assert done.code == 1
    assert "answers judged by propio: 1 correct, 2 incorrect, 4 unverified" in done.out
    assert "error: tutors/sumas/data/train.jsonl:2: No da eso. [wrong_value]" in done.out
    assert "error: tutors/sumas/data/train.jsonl:5: answer 2: No da eso. [wrong_value]" in done.out
    assert (
        "warning: tutors/sumas/data/train.jsonl:4: the validator failed on 1 of 7 answers, first here: RuntimeError: no puedo" in done.out
    )
    assert "answers with warnings: long 3 (43%)" in done.out
    assert "train.jsonl:3" not in done.out, "unverified answers are counted"
    assert "unverified: tutors/sumas/data/train.jsonl:3: No hay nada con que comparar. [no_reference]" in hub("check", "sumas", "-v").out


def test_the_document_holds_findings_and_counts(hub: Hub, tutor: Tutor) -> None:
    document = hub("check", "sumas", "--json").document
    wrong = [finding for finding in document["findings"] if finding["code"] == "wrong_answer"]
    assert [Path(finding["where"]).name for finding in wrong] == ["train.jsonl:2", "train.jsonl:5"]
    answers = document["answers"]
    assert (answers["answers"], answers["judged"], answers["complete"]) == (7, 7, True)
    assert answers["codes"]["no_reference"] == 3
    assert hub("check", "sumas", "--json", "--no-judge").document["answers"] is None


def test_unsafe_exec_reaches_the_validator_and_is_warned_about(hub: Hub, tutor: Tutor) -> None:
    code = VALIDATOR.replace("lambda options: Judge()", "lambda options: print(sorted(options)) or Judge()")
    write(tutor.folder / "validator.py", code)
    assert "unsafe_exec" not in hub("check", "sumas").err
    err = hub("check", "sumas", "--unsafe-exec").err
    assert "['unsafe_exec']" in err
    assert "--unsafe-exec: code in answers runs with all rights" in err


def test_ctrl_c_while_judging_gives_what_there_is(hub: Hub, tutor: Tutor, monkeypatch: pytest.MonkeyPatch) -> None:
    add = AnswersJudged.add

    def then_interrupt(self: AnswersJudged, entry: Judged) -> None:
        add(self, entry)
        if self.judged == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(AnswersJudged, "add", then_interrupt)
    done = hub("check", "sumas")
    assert done.code == 130
    assert "1 correct, 1 incorrect, 0 unverified; stopped after 2 of 7" in done.out
    assert "train.jsonl:2: No da eso." in done.out
    document = hub("check", "sumas", "--json").document
    assert (document["passed"], document["answers"]["judged"], document["answers"]["complete"]) == (False, 2, False)


def test_without_answers_nothing_is_judged(hub: Hub, tutor: Tutor) -> None:
    write(tutor.folder / "data/train.jsonl", "nonsense\n")
    write(tutor.folder / "data/eval.jsonl", json.dumps({"messages": [{"role": "user", "content": "¿Cuánto es 1 y 1?"}]}) + "\n")
    assert hub("check", "sumas", "--json").document["answers"] is None
    assert answer_count([]) == 0
