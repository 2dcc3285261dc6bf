"""``hub stats``: what a dataset is made of, also of a tutor with problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import REPOSITORY, Hub, make_tutor_folder, row, write

JUDGE = """\
from adapters_hub import ValidatorSpec, Verdict, hookimpl


class Judge:
    def judge(self, attempt):
        outcome = "incorrect" if "mal" in attempt.answer else "correct" if "Son" in attempt.answer else "unverified"
        return Verdict(outcome, 1.0 if outcome == "correct" else 0.0, reason="Por eso.")


@hookimpl
def hub_validators():
    return [ValidatorSpec("sumas", "for the test", lambda options: Judge())]
"""


@pytest.fixture
def tutor(workspace: Path) -> Path:
    """``sumas`` with topics, difficulties, generated rows, and a judge who finds a wrong answer. The base is the embedded one."""
    folder = workspace / "tutors/sumas"
    write(folder / "tutor.toml", '[tutor]\ntitle = "Sumas"\n[validator]\nuse = ["sumas"]\n')
    write(folder / "validator.py", JUDGE)
    write(workspace / "tutors/hub.toml", "")
    turns = [("user", "¿Cuánto es 2 y 2?"), ("assistant", "Son cuatro."), ("user", "¿y 3 y 3?"), ("assistant", "Pues seis, creo.")]
    rows = [
        *(row(f"¿Cuánto es {n} y uno?", f"Son {n + 1}.", tags=["enteros"], difficulty=1, id=f"gen-{n}") for n in range(10)),
        *(row(f"¿Cuánto es {n},5 y medio?", f"Son {n + 1}.", tags=["decimales"], difficulty=2, expected=n) for n in range(5)),
        json.dumps({"messages": [{"role": role, "content": text} for role, text in turns], "tags": ["enteros"], "difficulty": 3}) + "\n",
        row("¿Cuánto es nada y nada?", "Está mal.", tags=["enteros"], difficulty=1),
    ]
    write(folder / "data/train.jsonl", "".join(rows))
    write(folder / "data/eval.jsonl", row("¿Cuánto es 100 y 1?", "Son 101.", tags=["enteros"], difficulty=2, expected=101))
    return folder


def test_everything_is_counted(hub: Hub, tutor: Path) -> None:
    train, held_out = hub("stats", "sumas", "--json").document["files"]
    assert (train["rows"], train["answers"], train["multi_turn"], train["generated"], train["with_expected"]) == (17, 18, 1, 10, 5)
    assert train["topics"] == {"enteros": {"1": 11, "3": 1}, "decimales": {"2": 5}}
    assert train["difficulty"] == {"1": 11, "2": 5, "3": 1}
    assert train["verified"] == {"correct": 16, "unverified": 1, "incorrect": 1, "judged": 18, "share": pytest.approx(16 / 18)}
    assert train["tokens"]["all"] > train["tokens"]["learned"] > 0
    assert train["row_tokens"]["count"] == 17 and train["question_words"]["count"] == 18
    assert held_out["rows"] == 1 and held_out["verified"]["share"] == 1.0


def test_it_is_printed_for_people(hub: Hub, tutor: Path) -> None:
    done = hub("stats", "sumas")
    assert done.code == 0
    lines = {line.split("  ")[0]: line for line in done.out.splitlines()}
    assert lines["rows"].split() == ["rows", "17", "1"]
    assert "10 (59%)" in lines["by a program"]
    assert lines["enteros"].split() == ["enteros", "12", "11", "1", "1", "1"]
    assert lines["decimales"].split() == ["decimales", "5", "5", "–"]
    assert "88.9%: 16 correct" in lines["verified"]
    assert max(map(len, done.out.splitlines())) <= 100


def test_a_wrong_answer_is_a_problem_and_the_exit_code_stays_zero(hub: Hub, tutor: Path) -> None:
    done = hub("stats", "sumas")
    assert done.code == 0
    assert "Por eso." in done.err and "train.jsonl:17" in done.err


def test_without_judging_nothing_is_said_about_answers(hub: Hub, tutor: Path) -> None:
    done = hub("stats", "sumas", "--no-judge")
    assert "verified" not in done.out and "Por eso." not in done.err
    assert hub("stats", "sumas", "--no-judge", "--json").document["files"][0]["verified"] is None


def test_the_picture_is_a_png(hub: Hub, tutor: Path, tmp_path: Path) -> None:
    done = hub("stats", "sumas", "--png", tmp_path / "sumas.png")
    assert done.code == 0 and "sumas.png" in done.err
    assert (tmp_path / "sumas.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".tmp")] == []


def test_a_picture_that_cannot_be_written_is_said_in_a_line(hub: Hub, tutor: Path) -> None:
    done = hub("stats", "sumas", "--no-judge", "--png", "nowhere/sumas.png")
    assert done.code == 3 and "nowhere/sumas.png" in done.err


def test_a_picture_needs_a_name(hub: Hub, tutor: Path) -> None:
    done = hub("stats", "--png", "x.png")
    assert done.code == 2 and "hub stats NAME" in done.err


def test_bad_rows_are_named_and_the_other_file_is_counted(hub: Hub, tutor: Path, tmp_path: Path) -> None:
    write(tutor / "data/train.jsonl", '{"x": 1}\n')
    done = hub("stats", "sumas", "--png", tmp_path / "x.png")
    assert done.code == 0 and "train.jsonl:1" in done.err
    assert "held-out" in done.out and "training" not in done.out
    assert (tmp_path / "x.png").is_file()


def test_a_broken_validator_costs_only_the_verdicts(hub: Hub, tutor: Path) -> None:
    write(tutor / "validator.py", "x =\n")
    done = hub("stats", "sumas")
    assert done.code == 0 and "validator.py cannot be loaded" in done.err
    assert "rows" in done.out and "verified" not in done.out


def test_rows_without_tags_show_frequent_words(hub: Hub, tutor: Path) -> None:
    write(tutor / "data/train.jsonl", "".join(row(f"¿Cuántas manzanas hay en {n} cajas?", "Son pocas.") for n in range(6)))
    write(tutor / "data/eval.jsonl", row("¿Cuántas peras hay?", "Son pocas."))
    done = hub("stats", "sumas")
    assert "no topics" in done.out and "manzanas" in done.out
    assert "difficulty" not in done.out


def test_nothing_to_count_is_no_crash(hub: Hub, tutor: Path) -> None:
    for file in (tutor / "data").iterdir():
        file.unlink()
    done = hub("stats", "sumas")
    assert done.code == 0 and "training rows are missing" in done.err
    assert hub("stats", "sumas", "--png", "x.png").code == 2


def test_without_a_name_all_tutors_stand_in_one_table(hub: Hub, tutor: Path) -> None:
    write(make_tutor_folder(tutor.parent / "rota") / "tutor.toml", "[tutor\n")
    done = hub("stats")
    assert done.code == 0 and "rota: " in done.err
    table = {line.split()[0]: line.split() for line in done.out.splitlines()}
    assert table["sumas"][1:7] == ["17", "1", "6%", "59%", "2", "11/5/1"]
    assert table["rota"][1] == "–" and table["restas"][1] == "12"
    assert "verified" not in done.out


def test_the_table_has_verdicts_where_they_are_wanted(hub: Hub, tutor: Path) -> None:
    done = hub("stats", "--judge")
    table = {line.split()[0]: line.split() for line in done.out.splitlines()}
    assert table["tutor"][-1] == "verified" and table["sumas"][-1] == "89.5%"
    tutors = {entry["tutor"]: entry for entry in hub("stats", "--json").document["tutors"]}
    assert set(tutors) == {"sumas", "restas"} and tutors["sumas"]["files"][0]["verified"] is None


def test_an_unknown_tutor_is_an_error(hub: Hub, tutor: Path) -> None:
    assert hub("stats", "suma").code == 3


def test_hostile_tags_do_not_reach_the_terminal(hub: Hub, tutor: Path) -> None:
    write(tutor / "data/train.jsonl", row("¿Qué?", "Son.", tags=["\u202erojo" + "x" * 500]))
    done = hub("stats", "sumas", "--no-judge")
    assert "\u202e" not in done.out and "x" * 40 not in done.out


@pytest.mark.parametrize("name", ["algoritmos", "matematicas", "sql"])
def test_the_shipped_tutors_are_what_they_should_be(hub: Hub, name: str) -> None:
    train, held_out = hub("stats", name, "--no-judge", "--json", "--workspace", REPOSITORY).document["files"]
    assert train["rows"] >= 300 and train["multi_turn"] >= 0.25 * train["rows"]
    assert train["rows"] - train["generated"] >= 120 and train["generated"] <= 0.6 * train["rows"]
    assert held_out["rows"] >= 80 and set(held_out["difficulty"]) == {"1", "2", "3"}
    assert held_out["with_expected"] == held_out["rows"]
