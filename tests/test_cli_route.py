"""``hub route``: a question, or all held-out questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import REPOSITORY, Hub, make_tutor_folder, row, write


@pytest.fixture
def tutors(workspace: Path) -> Path:
    """``sumas`` and ``restas`` with words of their own."""
    folder = workspace / "tutors"
    for name, verb in (("sumas", "sumo"), ("restas", "quito")):
        write(folder / name / "data/train.jsonl", "".join(row(f"¿Cómo {verb} {n} y {n + 1}?", "Así.") for n in range(20)))
        write(folder / name / "data/eval.jsonl", "".join(row(f"dime cómo {verb} {n} manzanas", "Así.") for n in range(4)))
    return folder


def test_the_tutor_its_share_and_the_reason_are_printed(hub: Hub, tutors: Path) -> None:
    done = hub("route", "¿cómo sumo 4 y 9?")
    assert done.code == 0
    first, *shares = done.out.splitlines()
    assert first == 'sumas · suena a Sumas: "sumo"'
    assert [line.split()[0] for line in shares] == ["sumas", "restas"]


def test_words_need_no_quotes(hub: Hub, tutors: Path) -> None:
    assert hub("route", "cómo", "quito", "4").out.startswith("restas ·")


def test_a_question_may_be_piped_in(hub: Hub, tutors: Path) -> None:
    assert hub("route", "-", input="¿cómo quito 4?\n").out.startswith("restas ·")


def test_json_says_the_same(hub: Hub, tutors: Path) -> None:
    document = hub("route", "¿cómo sumo 4 y 9?", "--json").document
    assert document["tutor"] == "sumas" and document["why"].startswith("suena a")
    assert set(document["candidates"]) == {"sumas", "restas"}


def test_an_unsure_router_says_so_and_what_to_type(hub: Hub, tutors: Path) -> None:
    done = hub("route", "háblame de los volcanes")
    assert done.code == 0
    assert done.out.startswith("unsure · ") and "hub ask NAME" in done.err
    assert hub("route", "háblame de los volcanes", "--json").document["tutor"] is None


def test_a_follow_up_stays_with_the_present_tutor(hub: Hub, tutors: Path) -> None:
    assert hub("route", "¿y tres?", "--present", "restas").out.startswith("restas · sigue con Restas")
    assert hub("route", "¿y tres?", "--present", "nadie").code == 3


@pytest.mark.parametrize("words", [(), ("--eval", "¿cómo sumo?")])
def test_either_a_question_or_an_evaluation(hub: Hub, tutors: Path, words: tuple[str, ...]) -> None:
    assert hub("route", *words).code == 2


def test_a_broken_tutor_is_named_and_left_out(hub: Hub, tutors: Path) -> None:
    write(make_tutor_folder(tutors / "rota") / "tutor.toml", "[tutor\n")
    done = hub("route", "¿cómo sumo 4 y 9?")
    assert done.code == 0 and "rota is left out" in done.err
    assert "rota" not in done.out


def test_rows_that_cannot_be_read_are_named(hub: Hub, tutors: Path) -> None:
    write(tutors / "restas/data/train.jsonl", "nonsense\n")
    assert "restas takes part by its description only" in hub("route", "¿cómo sumo 4 y 9?").err


def test_without_a_tutor_it_says_how_to_make_one(hub: Hub, tutors: Path) -> None:
    for name in ("sumas", "restas"):
        (tutors / name / "tutor.toml").unlink()
    done = hub("route", "¿cómo sumo?")
    assert done.code == 3 and "hub new" in done.err


def test_the_evaluation_prints_accuracy_abstention_and_who_was_taken_for_whom(hub: Hub, tutors: Path) -> None:
    write(tutors / "sumas/data/eval.jsonl", row("dime cómo sumo 3 peras", "Así.") + row("¿cómo quito 3 peras?", "Así."))
    done = hub("route", "--eval")
    assert done.code == 0
    assert "6 held-out questions: 6 answered, 83.3 % of them right; 0.0 % left open" in done.out
    assert "worst mistakes:" in done.out and "sumas -> restas" in done.out
    document = hub("route", "--eval", "--json").document
    assert document["confusion"]["sumas"] == {"sumas": 1, "restas": 1, "unsure": 0}
    assert document["accuracy"] == pytest.approx(5 / 6) and document["mistakes"][0]["chosen"] == "restas"


def test_the_evaluation_asks_no_more_than_the_limit(hub: Hub, tutors: Path) -> None:
    assert hub("route", "--eval", "--limit", "3", "--json").document["questions"] == 3


def test_without_held_out_questions_there_is_nothing_to_evaluate(hub: Hub, tutors: Path) -> None:
    for name in ("sumas", "restas"):
        (tutors / name / "data/eval.jsonl").unlink()
    done = hub("route", "--eval")
    assert done.code == 3 and "no held-out questions of restas" in done.err


def test_the_shipped_tutors_reach_what_the_readme_says(hub: Hub) -> None:
    document = hub("route", "--eval", "--json", "--workspace", REPOSITORY).document
    assert document["accuracy"] >= 0.96 and document["abstention"] <= 0.06


def test_auto_cannot_be_a_tutor(hub: Hub, tutors: Path) -> None:
    made = hub("new", "auto")
    assert made.code == 2 and "reserved" in made.err
    assert not (tutors / "auto").exists()
    asked = hub("show", "auto")
    assert asked.code == 3 and "hub ask auto" in asked.err
    make_tutor_folder(tutors / "auto")
    shown = hub("show", "auto")
    assert shown.code == 2 and "rename the folder" in shown.err
    assert "auto is left out" in hub("route", "¿cómo sumo 4 y 9?").err
