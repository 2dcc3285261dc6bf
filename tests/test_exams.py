"""Exams: which questions are put to whom, and how."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins, row, write
from dictated import dictate, trained_run, tutor_of
from hypothesis import given
from hypothesis import strategies as st

from adapters_hub.datasets import dataset_sha256
from adapters_hub.errors import DataError, HubError, NotFoundError, UsageError
from adapters_hub.exams import Exam, Wishes, exam_of, listed_questions, spread
from adapters_hub.types import Example, Message


def exam(workspace: Path, *, tutor: dict[str, Any] | None = None, **wishes: Any) -> Exam:
    return exam_of(tutor_of(workspace, **(tutor or {})), load_test_plugins(), Wishes(**wishes))


# --- who is asked --------------------------------------------------------------------------------


def test_base_and_adapter_get_the_same_prompts_greedily_and_as_long_as_in_a_chat(workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    found = exam(workspace, tutor={"chat.max_new_tokens": 33})
    assert [side.name for side in found.sides] == ["base", "adapter"]
    assert found.run == run and found.sides[0].adapter is None
    assert (found.sampling.temperature, found.sampling.max_new_tokens) == (0.0, 33)
    assert found.folder == run.folder and found.out == run.folder / "eval.json"
    (question,) = found.questions
    assert question.messages == (Message("system", "Eres el tutor de sumas."), Message("user", "¿Cuánto es 100 y 1?"))
    assert question.spoken == (Message("user", "¿Cuánto es 100 y 1?"),)


def test_a_tutor_without_adapter_has_its_base_evaluated(workspace: Path) -> None:
    found = exam(workspace)
    assert [side.name for side in found.sides] == ["base"]
    assert found.run is None and found.folder == workspace / "tutors/sumas/runs/.base"


def test_another_run_may_answer_too_beside_the_base_or_instead_of_it(workspace: Path) -> None:
    folder = workspace / "tutors/sumas"
    old, new = trained_run(folder), trained_run(folder, strength=2.0)
    assert [side.name for side in exam(workspace, compare=old.id).sides] == ["base", old.id, "adapter"]
    other, own = exam(workspace, compare=old.id, without_base=True).sides
    assert other.adapter is not None and own.adapter is not None
    assert (other.adapter.folder, own.adapter.folder) == (old.folder, new.folder)
    assert other.adapter.name != own.adapter.name


@pytest.mark.parametrize("wishes", [{"compare": "NEWEST"}, {"without_base": True}])
def test_a_comparison_with_nobody_is_refused(workspace: Path, wishes: dict[str, Any]) -> None:
    run = trained_run(workspace / "tutors/sumas")
    with pytest.raises(UsageError):
        exam(workspace, **{key: run.id if value == "NEWEST" else value for key, value in wishes.items()})


def test_a_damaged_adapter_is_refused(workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    file = run.folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(HubError, match="SHA-256"):
        exam(workspace)


def test_bare_leaves_the_adapter_out(workspace: Path) -> None:
    trained_run(workspace / "tutors/sumas")
    assert [side.name for side in exam(workspace, bare=True).sides] == ["base"]


def test_several_greedy_answers_are_refused(workspace: Path) -> None:
    with pytest.raises(UsageError) as caught:
        exam(workspace, samples=3)
    assert "--temperature" in caught.value.hint


# --- what is asked -------------------------------------------------------------------------------


def test_a_long_conversation_is_asked_up_to_its_last_answer(workspace: Path) -> None:
    turns = [{"role": role, "content": text} for role, text in [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]]
    write(workspace / "tutors/sumas/data/eval.jsonl", f'{{"messages": {turns!r}}}'.replace("'", '"') + "\n")
    (question,) = exam(workspace).questions
    assert [turn.content for turn in question.spoken] == ["a", "b", "c"]


def test_a_row_of_its_own_system_turn_keeps_it_and_a_question_alone_is_asked(workspace: Path) -> None:
    rows = (
        '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
        '{"messages": [{"role": "user", "content": "q"}], "expected": "4"}\n'
    )
    write(workspace / "tutors/sumas/data/eval.jsonl", rows)
    first, second = exam(workspace).questions
    assert first.messages[0].content == "s"
    assert second.spoken == (Message("user", "q"),) and second.expected == "4"


@pytest.mark.parametrize("content", [None, ""])
def test_a_tutor_without_held_out_questions_is_told_what_to_do(workspace: Path, content: str | None) -> None:
    file = workspace / "tutors/sumas/data/eval.jsonl"
    if content is None:
        file.unlink()
    else:
        write(file, content)
    with pytest.raises(NotFoundError if content is None else DataError) as caught:
        exam(workspace)
    assert caught.value.hint


def test_the_hash_is_that_of_the_whole_file_also_for_a_sample(workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", [("c", "c")] * 10)
    found = exam(workspace, sample=4)
    file = workspace / "tutors/sumas/data/eval.jsonl"
    assert found.questions_sha256 == dataset_sha256(load_test_plugins().read_dataset(file))
    assert (found.rows, len(found.questions)) == (10, 4)


def test_long_conversations_come_first_and_all_sides_of_one_together(workspace: Path) -> None:
    trained_run(workspace / "tutors/sumas")
    write(workspace / "tutors/sumas/data/eval.jsonl", row("corta", "x") + row("una pregunta mucho más larga", "x"))
    assert exam(workspace).keys == ((2, "base", 0), (2, "adapter", 0), (1, "base", 0), (1, "adapter", 0))
    assert len(exam(workspace, samples=3, temperature=0.5).keys) == 12


# --- samples -------------------------------------------------------------------------------------


def made_up(topics: str) -> list[Example]:
    return [Example((Message("user", str(n)),), tags=(topic,)) for n, topic in enumerate(topics)]


def test_a_sample_gives_each_topic_its_share() -> None:
    examples = made_up("a" * 60 + "b" * 30 + "c" * 10)
    chosen = Counter(examples[index].tags[0] for index in spread(examples, 20, 7))
    assert chosen == {"a": 12, "b": 6, "c": 2}


@given(st.text("abc", max_size=30), st.integers(0, 40), st.integers(0, 5))
def test_a_sample_has_its_size_repeats_itself_and_keeps_the_order(topics: str, count: int, seed: int) -> None:
    examples = made_up(topics)
    chosen = spread(examples, count, seed)
    assert len(chosen) == min(count, len(examples)) == len(set(chosen))
    assert chosen == sorted(chosen) == spread(examples, count, seed)


def test_another_seed_chooses_other_rows() -> None:
    examples = made_up("a" * 200)
    assert spread(examples, 20, 1) != spread(examples, 20, 2)


# --- lists of questions --------------------------------------------------------------------------


def test_a_text_file_has_a_question_a_line(tmp_path: Path) -> None:
    file = write(tmp_path / "q.txt", "\ufeff¿Qué es una pila?\n\n  ¿Y una cola?  \n")
    found = listed_questions(file, load_test_plugins())
    assert [(example.messages[0].content, example.where.rpartition(":")[2]) for example in found] == [
        ("¿Qué es una pila?", "1"),
        ("¿Y una cola?", "3"),
    ]


def test_json_lines_give_a_question_or_a_conversation_with_or_without_reference(tmp_path: Path) -> None:
    file = write(
        tmp_path / "q.jsonl",
        '{"question": "q", "id": "1", "answer": "ignored"}\n{"question": "r", "expected": "4", "tags": ["x"]}\n'
        '{"messages": [{"role": "user", "content": "s"}]}\n' + row("t", "a"),
    )
    found = listed_questions(file, load_test_plugins())
    assert [example.messages[0].content for example in found] == ["q", "r", "s", "t"]
    assert [example.expected for example in found] == [None, "4", None, None]
    assert found[1].tags == ("x",)


def test_all_bad_rows_of_a_list_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "q.jsonl", '{"question": 4}\n{"pregunta": "x"}\n')
    with pytest.raises(DataError) as caught:
        listed_questions(file, load_test_plugins())
    assert len(caught.value.details) == 2


@pytest.mark.parametrize("content", ["", "\n\n", None])
def test_a_list_without_questions_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        write(tmp_path / "q.txt", content)
    with pytest.raises(HubError):
        listed_questions(tmp_path / "q.txt", load_test_plugins())


def test_the_answers_to_a_list_lie_beside_the_evaluation(workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    found = exam(workspace, questions=write(workspace / "q.txt", "¿Qué?\n"))
    assert found.listed and found.out == run.folder / "answers-q.json"
    assert exam(workspace, questions=workspace / "q.txt", out=Path("x.json")).out == Path("x.json")


# --- fingerprints --------------------------------------------------------------------------------


def test_equal_fingerprints_ask_for_the_same_answers(workspace: Path) -> None:
    folder = workspace / "tutors/sumas"
    trained_run(folder)
    dictate(folder, [("c", "c")] * 4)
    usual = exam(workspace).fingerprint
    assert exam(workspace, batch=3).fingerprint == usual
    others = [
        exam(workspace, sample=2),
        exam(workspace, limit_tokens=5),
        exam(workspace, temperature=0.5),
        exam(workspace, bare=True),
        exam(workspace, tutor={"base.quantization": "none"}),
    ]
    write(folder / "system.md", "Otra cosa.")
    others.append(exam(workspace))
    trained_run(folder, strength=1.0)
    others.append(exam(workspace))
    assert len({usual, *(other.fingerprint for other in others)}) == len(others) + 1
