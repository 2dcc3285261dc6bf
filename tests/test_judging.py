"""The judging room: rows in any of the promised shapes, verdicts in their order, bad rows named."""

from __future__ import annotations

import io
import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins
from hypothesis import given
from hypothesis import strategies as st

from adapters_hub import judging
from adapters_hub.contracts import ValidatorSpec
from adapters_hub.errors import DataError, NotFoundError
from adapters_hub.hookspecs import hookimpl
from adapters_hub.judging import (
    BadSubmission,
    Bench,
    Judgement,
    Submission,
    Tally,
    bench_of,
    bench_without_tutor,
    judge_rows,
    read_submissions,
    submission_from,
    validator_name,
)
from adapters_hub.plugins import PluginInfo, Plugins
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Attempt, Message, Verdict
from adapters_hub.workspace import find_workspace


class Recording:
    """Finds everything correct and remembers what it was given."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def judge(self, attempt: Attempt) -> Verdict:
        self.attempts.append(attempt)
        return Verdict("correct", 1.0)


def with_validators(*names: str) -> tuple[Plugins, list[dict[str, Any]]]:
    """Plugins that offer validators of these names, and the options that they were made with."""
    seen: list[dict[str, Any]] = []

    class Offer:
        @hookimpl
        def hub_validators(self) -> list[ValidatorSpec]:
            return [ValidatorSpec(name, name, self.make) for name in names]

        def make(self, options: Any) -> Recording:
            seen.append(dict(options))
            return Recording()

    plugins = load_test_plugins(entry_points=[])
    plugins.add(PluginInfo("trying", "installed"), Offer)
    return plugins, seen


def read(text: str | bytes, name: str = "f.jsonl") -> list[Submission | BadSubmission]:
    return list(read_submissions(io.BytesIO(text.encode() if isinstance(text, str) else text), name))


def one(value: Any) -> Submission | BadSubmission:
    return submission_from(value, 1, "f.jsonl:1")


# --- rows ----------------------------------------------------------------------------------------


def test_a_row_gives_question_answer_and_reference() -> None:
    row = one({"question": "¿2+2?", "answer": "4", "expected": ["4", "cuatro"]})
    assert row == Submission(1, "f.jsonl:1", (Message("user", "¿2+2?"),), "4", ["4", "cuatro"])


def test_a_conversation_ends_with_the_answer() -> None:
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
    row = one({"messages": turns, "tags": ["x"], "id": "1"})
    assert isinstance(row, Submission)
    assert (row.messages, row.answer) == ((Message("system", "s"), Message("user", "u")), "a")


@pytest.mark.parametrize("history", [["hola", "buenas"], [{"role": "user", "content": "hola"}, {"role": "assistant", "content": "buenas"}]])
def test_earlier_turns_stand_before_the_question(history: list[Any]) -> None:
    row = one({"history": history, "question": "¿2+2?", "answer": "4"})
    assert isinstance(row, Submission)
    assert row.messages == (Message("user", "hola"), Message("assistant", "buenas"), Message("user", "¿2+2?"))


def test_an_answer_may_stand_beside_a_conversation_that_ends_with_the_question() -> None:
    row = one({"messages": [{"role": "user", "content": "u"}], "answer": "a"})
    assert isinstance(row, Submission) and row.answer == "a" and row.messages == (Message("user", "u"),)


@pytest.mark.parametrize("answer", ["", "\x00\x1b[2J", "\ud800", "a" * 100_000])
def test_any_text_is_an_answer(answer: str) -> None:
    row = one({"answer": answer})
    assert isinstance(row, Submission) and row.answer == answer


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["a"], "a row must be an object {...}, not a list"),
        ({}, "answer is missing"),
        ({"question": "x", "answer": None}, "there is no answer"),
        ({"answer": 4}, "answer must be a text, not a number"),
        ({"answer": "x", "question": ["x"]}, "question must be a text, not a list"),
        ({"answer": "x", "history": "hola"}, "history must be a list, not a text"),
        ({"answer": "x", "history": [{"role": "user"}]}, "history: turn 1 must be a text"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "messages: turn 1 must be a text, or an object with role"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages must end with the assistant's turn"),
        ({"messages": [{"role": "assistant", "content": "x"}], "answer": "y"}, "there are two answers"),
        ({"messages": [{"role": "assistant", "content": "x"}], "question": "y"}, "leave out question and history"),
        ({"anwser": "x"}, "did you mean 'answer'?"),
        ({"answer": "x", "expcted": "4"}, "did you mean 'expected'?"),
        ({"answer": "x", "expected": "\x00"}, "expected: a control character"),
    ],
)
def test_a_row_that_means_nothing_is_bad_and_says_why(value: Any, reason: str) -> None:
    row = one(value)
    assert isinstance(row, BadSubmission) and reason in row.reason


def test_keys_of_somebody_else_are_let_pass() -> None:
    assert isinstance(one({"answer": "x", "answers": ["x"], "model": "m", "ground_truth": 4}), Submission)


def test_rows_are_counted_without_blank_lines_and_named_by_their_line() -> None:
    rows = read('{"answer": "a"}\r\n\n  \nno\n{"answer": "b"}')
    assert [(row.row, row.where, type(row)) for row in rows] == [
        (1, "f.jsonl:1", Submission),
        (2, "f.jsonl:4", BadSubmission),
        (3, "f.jsonl:5", Submission),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_row() -> None:
    assert isinstance(read(b"\xef\xbb\xbf" + b'{"answer": "a"}')[0], Submission)


def test_utf_16_is_told_at_once() -> None:
    with pytest.raises(DataError, match="UTF-16"):
        read('{"answer": "a"}\n'.encode("utf-16"))


@pytest.mark.parametrize(
    "line", [b'{"answer": "\xff"}', b'{"answer": "a", "answer": "b"}', b'{"answer": "a", "expected": NaN}', b"[" * 10**5]
)
def test_what_is_no_certain_json_is_a_bad_row(line: bytes) -> None:
    assert isinstance(read(line)[0], BadSubmission)


def test_a_line_without_end_is_a_bad_row_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "LONGEST_LINE", 50)
    monkeypatch.setattr(judging, "CHUNK", 16)
    rows = read(json.dumps({"answer": "a" * 100}) + '\n{"answer": "b"}\n')
    assert isinstance(rows[0], BadSubmission) and "longer than" in rows[0].reason
    assert isinstance(rows[1], Submission) and rows[1].answer == "b" and rows[1].where == "f.jsonl:2"


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=8), st.integers(1, 9))
def test_lines_are_those_of_the_text_however_it_arrives(lines: list[bytes], chunk: int) -> None:
    text = b"\n".join(lines)

    class Trickle:
        def __init__(self) -> None:
            self.rest = text

        def read(self, size: int, /) -> bytes:
            piece, self.rest = self.rest[:chunk], self.rest[chunk:]
            return piece

    found = list(judging._lines(Trickle()))
    expected = text.split(b"\n") if text else []
    if expected and not expected[-1]:
        expected.pop()
    assert [line for _, line in found] == expected
    assert [number for number, _ in found] == list(range(1, len(expected) + 1))


# --- judging -------------------------------------------------------------------------------------


def test_verdicts_come_in_the_order_of_the_rows_with_bad_ones_between() -> None:
    class Sleepy:
        def judge(self, attempt: Attempt) -> Verdict:
            time.sleep(0.03 if attempt.answer.endswith("0") else 0)
            return Verdict("correct", extracted=attempt.answer)

    rows: list[Submission | BadSubmission] = [Submission(n, "", (), str(n)) for n in range(1, 31)]
    rows[9] = BadSubmission(10, "f:10", "bad")
    found = list(judge_rows(rows, Bench(Sleepy()), hands=4))
    assert [r.row if isinstance(r, BadSubmission) else r.submission.row for r in found] == list(range(1, 31))
    assert all(r.verdict.extracted == r.submission.answer for r in found if isinstance(r, Judgement))


def test_several_rows_are_judged_at_once() -> None:
    meeting = threading.Barrier(3, timeout=5)

    class Meeting:
        def judge(self, attempt: Attempt) -> Verdict:
            meeting.wait()
            return Verdict("correct")

    assert len(list(judge_rows([Submission(n, "", (), "") for n in range(3)], Bench(Meeting()), hands=3))) == 3


def test_an_endless_stream_is_judged_without_being_read_to_its_end() -> None:
    def endless() -> Iterator[Submission]:
        for number in itertools.count(1):
            yield Submission(number, "", (), "x")

    rows = judge_rows(endless(), Bench(Recording()), hands=2)
    assert [row.submission.row for row in itertools.islice(rows, 100) if isinstance(row, Judgement)] == list(range(1, 101))
    rows.close()  # type: ignore[attr-defined]


def test_the_validator_is_told_what_it_would_be_told_in_a_lesson(workspace: Path) -> None:
    plugins, _ = with_validators("x")
    tutor = read_tutor(workspace / "tutors/sumas", find_workspace(workspace))
    bench = bench_of(tutor, plugins, validators=["x"])
    (judgement,) = judge_rows([Submission(1, "", (Message("user", "q"),), "a", {"k": 1})], bench)
    assert isinstance(judgement, Judgement)
    recording = bench.validator.validators[0].inner  # type: ignore[attr-defined]
    (attempt,) = recording.attempts
    assert attempt == Attempt((Message("user", "q"),), "a", {"k": 1}, "es", tutor.folder, "es_ES", "guiado")


@pytest.mark.parametrize(("said", "meant"), [("math", "math"), ("hub-math", "math"), ("hub_math", "math"), ("hub-own", "hub-own")])
def test_a_validator_may_be_called_by_its_plugin(said: str, meant: str) -> None:
    plugins, _ = with_validators("math", "hub-own")
    assert validator_name(plugins, said) == meant


def test_an_unknown_validator_names_the_nearest() -> None:
    plugins, _ = with_validators("math")
    with pytest.raises(NotFoundError) as caught:
        bench_without_tutor(plugins, ["mth"], Path())
    assert caught.value.hint == "did you mean 'math'?"


@pytest.mark.parametrize("unsafe", [False, True])
def test_only_who_asks_for_it_gets_code_run_without_a_sandbox(workspace: Path, unsafe: bool) -> None:
    plugins, seen = with_validators("x")
    tutor = read_tutor(workspace / "tutors/sumas", find_workspace(workspace))
    bench_of(tutor, plugins, validators=["x"], unsafe_exec=unsafe)
    bench_without_tutor(plugins, ["x"], Path(), unsafe_exec=unsafe)
    assert seen == [{"unsafe_exec": True} if unsafe else {}] * 2


def test_the_tally_counts_outcomes_codes_and_warnings() -> None:
    tally = Tally()
    submission = Submission(1, "", (), "")
    for outcome, code, warnings in (
        ("correct", "ok", ("long",)),
        ("incorrect", "wrong", ("long", "long", "dull")),
        ("unverified", "ok", ()),
    ):
        tally.add(Judgement(submission, Verdict(outcome, code=code, warnings=warnings)))  # type: ignore[arg-type]
    tally.add(BadSubmission(4, "f:4", "bad"))
    assert tally.document() == {
        "judged": 3,
        "correct": 1,
        "incorrect": 1,
        "unverified": 1,
        "codes": {"ok": 2, "wrong": 1},
        "warnings": {"long": 2, "dull": 1},
        "bad": 1,
    }
