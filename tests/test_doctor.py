"""``hub doctor``: one screen that names what is broken and what to type, with an exit code for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conftest import Hub, make_tutor_folder, run_hub, write
from test_light import loaded

from adapters_hub import diagnosis
from adapters_hub.diagnosis import SECTIONS


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def only(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, str, str, str]) -> None:
    """A doctor who finds just this."""

    def look(case: Any) -> Iterator[Any]:
        yield from found

    monkeypatch.setattr(diagnosis.examine, "__defaults__", (MappingProxyType({"machine": look}),))


def test_everything_is_looked_at_and_told_with_its_level(hub: Hub, workspace: Path) -> None:
    document = hub("doctor", "--json").document
    assert document["schema"] == 1
    assert {line["section"] for line in document["lines"]} == set(SECTIONS)
    for line in document["lines"]:
        assert set(line) == {"section", "name", "level", "text", "hint"} and line["level"] in ("ok", "warning", "problem")
    assert sum(document["counts"].values()) == len(document["lines"])


@pytest.mark.parametrize(
    ("level", "code", "last"), [("ok", 0, "all well"), ("warning", 0, "works, 1 warning"), ("problem", 1, "1 problem, 0 warnings")]
)
def test_the_exit_code_and_the_last_line_say_how_it_stands(
    hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch, level: str, code: int, last: str
) -> None:
    only(monkeypatch, ("thing", level, "it is so", "" if level == "ok" else "type this"))
    outcome = hub("doctor")
    assert outcome.code == code and outcome.out.splitlines()[-1] == last
    assert ("→ type this" in outcome.out) is (level != "ok")
    assert hub("doctor", "--json").code == code


def test_the_screen_has_a_mark_before_every_line(hub: Hub, workspace: Path) -> None:
    out = hub("doctor").out
    assert all(line.startswith(("✓", "!", "✗", " ")) for line in out.splitlines()[:-2])


def test_a_folder_that_is_gone_is_one_clear_line(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("os.getcwd", gone)
    outcome = hub("doctor")
    assert outcome.code == 3
    assert outcome.err == "error: the current folder is gone\nhint: cd to a folder that exists\n"


def test_a_broken_tutor_ends_with_1_and_debug_raises_what_stumbles(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(workspace / "tutors/restas/tutor.toml", "[tutor]\ntitel = 'x'\n")
    outcome = hub("doctor", "--json")
    assert outcome.code == 1
    found = {line["name"]: line for line in outcome.document["lines"]}
    assert found["restas"]["level"] == "problem" and "did you mean 'title'?" in found["restas"]["text"]


def test_with_debug_a_doctor_who_stumbles_shows_where(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(case: Any) -> Iterator[Any]:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(diagnosis.examine, "__defaults__", (MappingProxyType({"machine": stumble}),))
    assert hub("doctor").code == 1
    assert "Traceback" in hub("doctor", "--debug").err


def test_the_hub_is_asked_only_when_that_is_allowed(workspace: Path) -> None:
    asked = json.loads(run_hub("doctor", "--json", cwd=workspace, HF_HUB_OFFLINE="1").out)
    assert next(line for line in asked["lines"] if line["name"] == "Hub")["text"].startswith("not asked")


def test_what_steers_a_terminal_is_spelt_out(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, ("card", "ok", "evil\x1b[2Jname", ""))
    assert "\x1b" not in hub("doctor").out and r"\x1b" in hub("doctor").out


def test_the_doctor_imports_no_framework(workspace: Path) -> None:
    make_tutor_folder(workspace / "tutors/otra")
    _, modules = loaded("doctor", cwd=workspace)
    assert modules == []
