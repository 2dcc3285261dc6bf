"""``hub logs``: conversations listed, shown, searched, carried along and removed."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Hub, write
from rich.cells import set_cell_size

from adapters_hub.cli._completions import CONVERSATION
from adapters_hub.cli._typing import HISTORY_FILE
from adapters_hub.conversations import ConversationLog, log_path
from adapters_hub.transcripts import Binding, Try, Turn
from adapters_hub.types import Verdict

WRONG, RIGHT = Verdict("incorrect", reason="Falta la unidad."), Verdict("correct", extracted="3/4 + 1/4 = 1")


@pytest.fixture
def log() -> Iterator[ConversationLog]:
    """This user's log."""
    opened = ConversationLog(log_path())
    yield opened
    opened.close()


@pytest.fixture
def ids(log: ConversationLog) -> list[str]:
    """Three conversations, the oldest one first."""
    made = []
    for tutor, when, question, answer in (
        ("sql", "2026-01-01T10:00:00Z", "¿Qué es un JOIN?", "Une dos tablas."),
        ("math", "2026-02-01T10:00:00Z", "¿3/4 más 1/4?\nCon pasos.", "Es 1."),
        ("sql", "2026-03-01T10:00:00Z", "¿Y un índice?", "Acelera la búsqueda."),
    ):
        bound = Binding(tutor, "20260101T000000Z-0001", "", "mini", "", f"/x/{tutor}")
        verdict = RIGHT if tutor == "math" else None
        tries = (Try("Es 2.", WRONG), Try("Es 1.", RIGHT)) if tutor == "math" else ()
        made.append(
            log.begin(bound, [Turn("user", question, when=when), Turn("assistant", answer, tutor, verdict, False, bound.run, when, tries)])
        )
    return made


def test_the_list_begins_with_the_newest(hub: Hub, ids: list[str]) -> None:
    done = hub("logs")
    lines = done.out.splitlines()
    assert done.code == 0
    assert [line.split()[0] for line in lines[1:]] == ids[::-1]
    assert lines[2].endswith("¿3/4 más 1/4? Con pasos.")
    assert hub("logs", "list").out == done.out


def test_the_list_may_be_shorter_or_of_one_tutor(hub: Hub, ids: list[str]) -> None:
    done = hub("logs", "list", "--limit", "2")
    assert len(done.out.splitlines()) == 3
    assert "--limit" in done.err
    assert [row["id"] for row in hub("logs", "list", "--tutor", "math", "--json").document["conversations"]] == [ids[1]]


def test_the_list_as_json(hub: Hub, ids: list[str]) -> None:
    document = hub("logs", "--json").document
    assert (document["schema"], document["on"], document["path"]) == (1, True, str(log_path()))
    assert document["conversations"][1] == {
        "id": ids[1],
        "created": "2026-02-01T10:00:00Z",
        "changed": "2026-02-01T10:00:00Z",
        "tutor": "math",
        "run": "20260101T000000Z-0001",
        "base": "mini",
        "turns": 2,
        "question": "¿3/4 más 1/4?\nCon pasos.",
    }


def test_looking_makes_no_file(hub: Hub) -> None:
    assert hub("logs").out == "no conversations are kept\n"
    assert hub("logs", "search", "x").out == "nothing found\n"
    assert hub("logs", "export").document["conversations"] == []
    assert hub("logs", "rm", "--all").out == "0 removed\n"
    assert hub("logs", "path").out == f"{log_path()}\n"
    assert [hub("logs", verb, "abc").code for verb in ("show", "rm", "export")] == [3, 3, 3]
    assert hub("logs", "show").code == 3
    assert not log_path().exists()


def test_a_conversation_is_shown_readably(hub: Hub, ids: list[str]) -> None:
    out = hub("logs", "show", ids[1][:4]).out
    assert out.startswith(f"{ids[1]} · ")
    assert "> ¿3/4 más 1/4?\n> Con pasos.\n" in out
    assert "[math@20260101T000000Z-0001]\nEs 1.\n✓ verificado: 3/4 + 1/4 = 1 (tried 2 times)\n" in out
    assert "Es 2." not in out
    assert "| Es 2.\n| ✗ Falta la unidad.\n" in hub("logs", "show", ids[1], "--tries").out


def test_show_alone_shows_the_last(hub: Hub, ids: list[str]) -> None:
    assert hub("logs", "show", "--json").document["id"] == ids[2]


def test_a_change_of_tutor_or_run_is_marked(hub: Hub, log: ConversationLog, ids: list[str]) -> None:
    log.append(ids[0], 2, Turn("user", "¿y?"))
    log.append(ids[0], 3, Turn("assistant", "otra", "sql", None, True, "20260202T000000Z-0002"))
    log.append(ids[0], 4, Turn("user", "¿ya?"))
    out = hub("logs", "show", ids[0]).out
    assert out.index("[sql@20260101T000000Z-0001]") < out.index("[sql@20260202T000000Z-0002]\notra …\n") < out.index("> ¿ya?")


def test_what_was_kept_cannot_steer_the_terminal(hub: Hub, log: ConversationLog) -> None:
    id = log.begin(Binding("sql"), [Turn("user", "hola\x1b]0;x\x07"), Turn("assistant", "\u202eabc", "sql")])
    for words in (("show", id), ("list",), ("search", "hola")):
        out = hub("logs", *words).out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_searching(hub: Hub, ids: list[str]) -> None:
    done = hub("logs", "search", "busqueda")
    assert done.out.startswith(f"{ids[2]}  ")
    assert "Acelera la búsqueda." in done.out
    hits = hub("logs", "search", "que", "join", "--json").document["hits"]
    assert [(hit["id"], hit["role"], hit["position"]) for hit in hits] == [(ids[0], "user", 0)]
    assert hub("logs", "search", "1", "--tutor", "sql").out == "nothing found\n"
    assert hub("logs", "search").code == 2


def test_on_and_off_are_kept(hub: Hub, ids: list[str]) -> None:
    assert hub("logs", "off", "--json").document == {"schema": 1, "on": False}
    assert hub("logs", "--json").document["on"] is False
    assert "hub logs on" in hub("logs").err
    assert hub("logs", "path", "--json").document["on"] is False
    hub("logs", "on")
    assert hub("logs", "--json").document["on"] is True


def test_removing_asks_first(hub: Hub, log: ConversationLog, ids: list[str]) -> None:
    assert hub("logs", "rm", ids[0]).code == 2
    assert len(log.list()) == 3
    assert hub("logs", "rm", ids[0][:4], ids[1], ids[1], "--yes", "--json").document == {"schema": 1, "removed": 2, "ids": [ids[0], ids[1]]}
    assert [row.id for row in log.list()] == [ids[2]]


def test_all_or_those_of_an_age_are_removed(hub: Hub, log: ConversationLog, ids: list[str]) -> None:
    new = log.begin(Binding("sql"), [Turn("user", "hoy")])
    assert hub("logs", "rm", "--older-than", "30d", "--yes").out == "3 removed\n"
    assert [row.id for row in log.list()] == [new]
    assert hub("logs", "rm", "--all", "-y").out == "1 removed\n"
    assert log.list() == ()


@pytest.mark.parametrize(
    "words", [(), ("--all", "--older-than", "1d"), ("abc", "--all"), ("--older-than", "soon"), ("--older-than", "-3d")]
)
def test_what_is_to_be_removed_must_be_clear(hub: Hub, ids: list[str], words: tuple[str, ...]) -> None:
    assert hub("logs", "rm", *words, "--yes").code == 2


def test_what_was_typed_goes_with_the_last_conversation(hub: Hub, ids: list[str]) -> None:
    typed = write(Path(os.environ["HUB_HOME"]) / HISTORY_FILE, "+¿3/4 más 1/4?\n")
    hub("logs", "rm", ids[0], "-y")
    assert typed.exists()
    assert "forgotten" in hub("logs", "rm", "--all", "-y").err
    assert not typed.exists()


@pytest.mark.parametrize("age", ["15000m", "30000m", "99999m"])
def test_an_age_beyond_all_time_removes_nothing(hub: Hub, ids: list[str], log: ConversationLog, age: str) -> None:
    done = hub("logs", "rm", "--older-than", age, "--yes")
    assert (done.code, done.out) == (0, "0 removed\n")
    assert len(log.list()) == 3


def test_the_columns_of_the_list_stand_below_each_other_whatever_the_names(hub: Hub, log: ConversationLog, ids: list[str]) -> None:
    log.begin(Binding("漢字" * 100), [Turn("user", "hola", when="2026-03-02T10:00:00Z")])
    lines = hub("logs").out.splitlines()
    column = lines[0].index("TURNS")
    assert all(set_cell_size(line, column + 1).rstrip()[-1].isdigit() for line in lines[1:])


def test_nobody_by_that_name_was_talked_to(hub: Hub, ids: list[str]) -> None:
    assert hub("logs", "list", "--tutor", "nadie").out == "no conversations with nadie are kept\n"


def test_an_export_goes_elsewhere_and_back(
    hub: Hub, log: ConversationLog, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "talks.json"
    assert hub("logs", "export", "-o", str(file)).out.startswith("3 conversations in ")
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert hub("logs", "export", "-o", str(file)).code == 2, "never over a file that is there"
    one = hub("logs", "export", ids[1])
    assert [record["id"] for record in one.document["conversations"]] == [ids[1]]
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "elsewhere"))
    assert hub("logs", "import", str(file), "--json").document == {"schema": 1, "added": ids[::-1], "known": []}
    assert hub("logs", "import", "-", input=one.out).out == "0 added, 1 were here already\n"
    assert hub("logs", "show", ids[1], "--tries").out.count("Es 2.") == 1


def test_what_is_no_export_is_refused_and_changes_nothing(hub: Hub, tmp_path: Path) -> None:
    done = hub(
        "logs",
        "import",
        str(write(tmp_path / "x.json", json.dumps({"kind": "adapters_hub conversations", "schema": 1, "conversations": [{}]}))),
    )
    assert done.code == 2
    assert "turns must be a list" in done.err
    assert not log_path().exists()
    assert hub("logs", "import", str(tmp_path / "nowhere.json")).code == 3


def test_a_damaged_log_is_one_clear_line(hub: Hub) -> None:
    log_path().parent.mkdir(parents=True)
    log_path().write_bytes(b"no database " * 100)
    done = hub("logs")
    assert done.code == 1
    assert "is damaged" in done.err
    assert hub("logs", "path").code == 0


def test_ids_complete_in_the_shell(ids: list[str]) -> None:
    found = CONVERSATION.shell_complete(None, None, ids[0][:3])  # type: ignore[arg-type]
    assert [(item.value, item.help) for item in found] == [(ids[0], "¿Qué es un JOIN?")]
