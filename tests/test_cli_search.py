"""``hub search``: tutors that others have published, and that fit the base."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Hub, write
from hub_server import HubServer

QWEN = "Qwen/Qwen2.5-1.5B-Instruct"


@pytest.fixture
def shelf(site: HubServer) -> HubServer:
    """Two tutors of ``mini``, one of Qwen, something else."""
    for name, head in {
        "ana/sumas": "tags: [lora, adapters-hub, tutor, 'tutor:sumas']",
        "luis/restas": "tags: [adapters-hub, 'tutor:restas']",
        "luis/sql": f"tags: [adapters-hub, 'tutor:sql']\nbase_model: {QWEN}\nbase_model_relation: adapter",
        "luis/other": "tags: [lora]",
    }.items():
        site.repository(name, {"README.md": f"---\n{head}\n---\n".encode()})
    site.repository("luis/secret", {"README.md": b"---\ntags: [adapters-hub]\n---\n"}, private=True)
    return site


def found(hub: Hub, *words: str) -> list[str]:
    return [hit["id"] for hit in hub("search", *words, "--json").document["hits"]]


def test_those_of_the_base_are_shown(hub: Hub, workspace: Path, shelf: HubServer) -> None:
    assert found(hub) == ["ana/sumas", "luis/restas"]
    write(workspace / "tutors/hub.toml", f'[base]\nmodel = "{QWEN}"\n')
    assert found(hub) == ["luis/sql"]


def test_text_author_and_all_bases(hub: Hub, workspace: Path, shelf: HubServer) -> None:
    assert found(hub, "rest") == ["luis/restas"]
    assert found(hub, "--author", "luis", "--all-bases") == ["luis/restas", "luis/sql"]
    assert found(hub, "--all-bases", "--limit", "1") == ["ana/sumas"]


def test_a_person_reads_a_table_and_what_to_type_next(hub: Hub, workspace: Path, shelf: HubServer) -> None:
    done = hub("search")
    assert done.code == 0 and "ana/sumas" in done.out and "hub pull ana/sumas" in done.err
    done = hub("search", "nothing")
    assert done.code == 0 and "nothing found" in done.out and "--all-bases" in done.err


def test_outside_a_workspace_all_are_shown(hub: Hub, shelf: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert found(hub) == ["ana/sumas", "luis/restas", "luis/sql"]


def test_it_needs_no_login(hub: Hub, workspace: Path, shelf: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert found(hub) == ["ana/sumas", "luis/restas"]


def test_a_hub_that_fails_is_told(hub: Hub, workspace: Path, shelf: HubServer) -> None:
    shelf.fault("/api/models", "status", times=99, status=503)
    done = hub("search")
    assert done.code == 4 and "try again" in done.err


def test_titles_that_steer_the_terminal_are_spelt_out(hub: Hub, workspace: Path, shelf: HubServer) -> None:
    shelf.repository("luis/evil", {"README.md": b'---\ntags: [adapters-hub, "tutor:\\e[31mx"]\n---\n'})
    assert "\x1b" not in hub("search").out
