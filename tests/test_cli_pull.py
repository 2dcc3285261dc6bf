"""``hub pull`` over HTTP with the real client: what was published becomes a tutor, whatever breaks on the way leaves the former one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import REPOSITORY, Hub, Outcome, write
from dictated import dictate, sit, trained_run
from hub_server import HubServer, Repository
from hub_site import ANA, LUIS
from test_light import loaded

from adapters_hub import evaluating, settling, store
from adapters_hub import pulling as pulling_module
from adapters_hub.builtin.echo import write_adapter
from adapters_hub.cli import pull
from adapters_hub.hub_client import HubClient
from adapters_hub.sources import read_source
from adapters_hub.workspace import read_state

REPO = "ana/sumas"


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "draw_scores", lambda scores, topics, path, title: None)


@pytest.fixture(scope="module")
def shelf() -> list[Repository]:
    """``ana/sumas`` with two versions, once the first test has published them."""
    return []


@pytest.fixture
def published(workspace: Path, hub: Hub, site: HubServer, shelf: list[Repository]) -> HubServer:
    """``ana/sumas`` v0.1.0, as ``hub publish`` has made it from the workspace of the test."""
    folder = workspace / "tutors/sumas"
    dictate(folder, [("i", "c")] * 6, settings="[chat]\ntemperature = 0.0\nmax_new_tokens = 40\n")
    trained_run(folder)
    if not shelf:
        for title in ("Sumas", "Sumas y más"):
            write(folder / "tutor.toml", (folder / "tutor.toml").read_text().replace('title = "Sumas"', f'title = "{title}"'))
            sit(workspace)
            done = hub("publish", "sumas")
            assert done.code == 0, done.err
            run = store.chosen_run(folder)
            write_adapter(run.folder, "mini", 4, 8.0)  # type: ignore[union-attr]
            store.finish_run(run.folder, run.manifest)  # type: ignore[union-attr,arg-type]
        shelf.append(site.repositories[REPO])
    whole = shelf[0]
    site.repositories[REPO] = Repository(REPO, True, False, whole.commits[:2], {"v0.1.0": whole.commits[1].sha})
    return site


@pytest.fixture
def elsewhere(published: HubServer, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another machine: an empty workspace, now the current folder."""
    folder = tmp_path_factory.mktemp("elsewhere")
    write(folder / "tutors/hub.toml", '[base]\nengine = "echo"\n')
    monkeypatch.chdir(folder)
    return folder / "tutors"


@pytest.fixture
def publish_next(published: HubServer, shelf: list[Repository]) -> Callable[[], None]:
    """``publish_next()``: v0.1.1 with another title and other weights."""

    def publish() -> None:
        repository, newest = published.repositories[REPO], shelf[0].commits[2]
        repository.commits.append(newest)
        repository.tags["v0.1.1"] = newest.sha

    return publish


def tampered(site: HubServer, **files: bytes | None) -> None:
    """A commit that somebody else made: ``tutor_json=...`` replaces ``tutor.json``; None removes."""
    repository = site.repositories[REPO]
    now = dict(repository.head.files)
    names = {"tutor_json": "tutor.json", "system_md": "system.md", "weights": "adapter_model.safetensors", "config": "adapter_config.json"}
    for key, content in files.items():
        name = names.get(key, key)
        if content is None:
            now.pop(name, None)
        else:
            now[name] = (content, name.endswith(".safetensors"))
    site.commit(repository, now, "by hand")


def changed_json(site: HubServer, **changes: Any) -> bytes:
    document = json.loads(site.repositories[REPO].head.files["tutor.json"][0])
    return json.dumps(document | changes).encode()


def kept(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def litter(tutors: Path) -> list[str]:
    return [entry.name for entry in tutors.iterdir() if entry.name.startswith(".") and entry.name != ".hub"]


def refused(done: Outcome, code: int, *said: str, tutors: Path) -> None:
    """It ended so, said that, and left nothing."""
    assert done.code == code, done.err + done.out
    for text in said:
        assert text in done.err, done.err
    assert [entry.name for entry in tutors.iterdir() if entry.is_dir() and entry.name != ".hub"] == []


# --- what arrives --------------------------------------------------------------------------------


def test_what_was_published_becomes_a_tutor_that_answers_the_same(hub: Hub, elsewhere: Path, workspace: Path) -> None:
    done = hub("pull", REPO)
    assert done.code == 0, done.err
    assert "ana/sumas v0.1.0 is the tutor 'sumas' now" in done.out and "next: hub chat sumas" in done.err
    there = hub("ask", "sumas", "¿Cuánto es 2 y 3?", "--json", "--workspace", workspace).document
    here = hub("ask", "sumas", "¿Cuánto es 2 y 3?", "--json").document
    assert here["answer"] == there["answer"] == "[sumas] ¿Cuánto es 2 y 3?"


def test_its_folder_holds_data_and_never_code(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    tampered(published, **{"validator.py": b"raise SystemExit(9)", "data/train.jsonl": b"{}\n", "extra.bin": b"pickle"})
    assert hub("pull", REPO).code == 0
    files = kept(elsewhere / "sumas")
    run = next(name.split("/")[1] for name in files if name.startswith("runs/"))
    top = {"tutor.toml", "system.md", "README.md", "source.json"}
    inner = {"adapter_config.json", "adapter_model.safetensors", "manifest.json", "source.json", "tutor.json", "system.md"}
    assert set(files) == top | {f"runs/{run}/{name}" for name in inner}
    asked = [one.path for one in published.asked if "/resolve/" in one.path and one.method == "GET"]
    assert not any(name in path for path in asked for name in ("validator.py", "train.jsonl", "extra.bin"))


def test_settings_prompt_and_figures_are_those_of_its_author(hub: Hub, elsewhere: Path) -> None:
    assert hub("pull", REPO).code == 0
    shown = hub("show", "sumas", "--json").document
    assert shown["tutor"]["title"] == "Sumas" and shown["tutor"]["system_prompt"] == "Eres el tutor de sumas."
    assert shown["tutor"]["chat"]["temperature"] == 0.0 and shown["tutor"]["chat"]["max_new_tokens"] == 40
    assert shown["runs"][0]["whole"] and shown["runs"][0]["base"] == "mini"
    assert shown["rows"] == {"train": 0, "eval": 0}
    assert "its author: 0% -> 100%" in hub("show", "sumas").out


def test_the_revision_is_resolved_once_and_recorded(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    document = hub("pull", f"{REPO}@v0.1.0", "--json").document
    sha = published.repositories[REPO].head.sha
    assert document["revision"] == sha and document["outcome"] == "new"
    assert {
        one.path.split("/resolve/")[1].split("/")[0] for one in published.asked if "/resolve/" in one.path and one.path.count("/") > 3
    } == {sha}
    for folder in (elsewhere / "sumas", elsewhere / "sumas/runs" / document["run"]):
        source = read_source(folder)
        assert source is not None and (source.place, source.revision, source.version) == (REPO, sha, "0.1.0")


def test_list_and_show_say_where_it_comes_from(hub: Hub, elsewhere: Path) -> None:
    assert hub("pull", REPO).code == 0
    assert "ana/sumas v0.1.0" in hub("list").out and "FROM" in hub("list").out
    assert "ana/sumas v0.1.0" in hub("show", "sumas").out
    assert hub("list", "--json").document["tutors"][0]["origin"]["place"] == REPO


def test_it_works_offline_afterwards(hub: Hub, elsewhere: Path, published: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub("pull", REPO).code == 0
    published.asked.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub("ask", "sumas", "Hola").code == 0 and hub("list").code == 0
    assert published.asked == []


def test_another_name_and_another_prompt_are_taken_when_asked(hub: Hub, elsewhere: Path) -> None:
    prompt = write(elsewhere.parent / "mine.md", "Responde en verso.\n")
    assert hub("pull", REPO, "--as", "restas", "--system", prompt, "--validator", "text").code == 0
    tutor = hub("show", "restas", "--json").document["tutor"]
    assert tutor["system_prompt"] == "Responde en verso." and tutor["validator"]["use"] == ["text"]


def test_a_validator_that_is_not_installed_is_named_and_left_out(hub: Hub, elsewhere: Path) -> None:
    done = hub("pull", REPO)
    assert "validator 'dictado' is not installed here" in done.err
    assert hub("show", "sumas", "--json").document["tutor"]["validator"]["use"] == []


def test_a_workspace_is_started_where_there_is_none(hub: Hub, published: HubServer, tmp_path_factory: Any, monkeypatch: Any) -> None:
    folder = tmp_path_factory.mktemp("nowhere")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HUB_BASE_ENGINE", "echo")
    done = hub("pull", REPO)
    assert done.code == 0 and "started a workspace" in done.err and (folder / "tutors/sumas/tutor.toml").is_file()


@pytest.mark.parametrize("there", [False, True])
def test_a_workspace_that_was_started_for_nothing_is_gone_again(
    hub: Hub, published: HubServer, tmp_path_factory: Any, monkeypatch: Any, there: bool
) -> None:
    folder = tmp_path_factory.mktemp("nowhere")
    if there:
        (folder / "tutors").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HUB_BASE_ENGINE", "echo")
    for words in (("pull", "ana/nothing"), ("import", "tutors" if there else ".")):
        done = hub(*words)
        assert done.code in (2, 3) and "started a workspace" not in done.err
        assert [entry.name for entry in folder.rglob("*")] == ["tutors"] * there
    published.fault("/objects/", "flip", method="GET", times=99)
    assert hub("pull", REPO).code == 1
    assert [entry.name for entry in folder.rglob("*")] == ["tutors"] * there


# --- again ---------------------------------------------------------------------------------------


def test_the_same_revision_again_changes_nothing_and_says_so(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    assert hub("pull", REPO).code == 0
    before = kept(elsewhere)
    published.asked.clear()
    done = hub("pull", REPO)
    assert done.code == 0 and "nothing was changed" in done.out
    assert kept(elsewhere) == before and not [one for one in published.asked if "/resolve/" in one.path]


def test_a_newer_revision_is_one_more_run_and_the_one_in_use(hub: Hub, elsewhere: Path, publish_next: Callable[[], None]) -> None:
    first = hub("pull", REPO, "--json").document
    publish_next()
    second = hub("pull", REPO, "--json").document
    assert second["outcome"] == "newer" and second["run"] != first["run"] and second["version"] == "0.1.1"
    shown = hub("show", "sumas", "--json").document
    assert {run["id"]: run["used"] for run in shown["runs"]} == {second["run"]: True, first["run"]: False}
    assert shown["tutor"]["title"] == "Sumas y más"


def test_an_older_revision_that_is_here_is_put_into_use_without_the_weights(
    hub: Hub, elsewhere: Path, published: HubServer, publish_next: Callable[[], None]
) -> None:
    first = hub("pull", REPO, "--json").document
    publish_next()
    assert hub("pull", REPO).code == 0
    published.asked.clear()
    back = hub("pull", f"{REPO}@v0.1.0", "--json").document
    assert back["outcome"] == "chosen" and back["run"] == first["run"]
    chosen = store.chosen_run(elsewhere / "sumas")
    assert chosen is not None and chosen.id == first["run"]
    assert not [one for one in published.asked if "safetensors" in one.path]
    assert hub("show", "sumas", "--json").document["tutor"]["title"] == "Sumas"


def test_texts_that_were_edited_here_stay(hub: Hub, elsewhere: Path, publish_next: Callable[[], None]) -> None:
    assert hub("pull", REPO).code == 0
    write(elsewhere / "sumas/system.md", "El mío.\n")
    publish_next()
    done = hub("pull", REPO)
    assert done.code == 0 and "system.md was written here" in done.err
    tutor = hub("show", "sumas", "--json").document["tutor"]
    assert tutor["system_prompt"] == "El mío." and tutor["title"] == "Sumas y más"


def test_a_prompt_that_was_asked_for_here_outlives_newer_versions(hub: Hub, elsewhere: Path, publish_next: Callable[[], None]) -> None:
    assert hub("pull", REPO, "--system", "El mío.").code == 0
    publish_next()
    done = hub("pull", REPO)
    assert done.code == 0 and "system.md was written here" in done.err
    assert hub("show", "sumas", "--json").document["tutor"]["system_prompt"] == "El mío."
    assert hub("pull", REPO, "--system", "Otro.").code == 0
    assert hub("show", "sumas", "--json").document["tutor"]["system_prompt"] == "Otro."


def test_what_a_killed_process_left_is_cleared_away(hub: Hub, elsewhere: Path) -> None:
    old, young = elsewhere / ".incoming.dead", elsewhere / ".incoming.busy"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    assert hub("pull", REPO).code == 0
    assert litter(elsewhere) == [".incoming.busy"]


def test_a_run_that_was_damaged_here_is_fetched_again(hub: Hub, elsewhere: Path) -> None:
    first = hub("pull", REPO, "--json").document
    weights = elsewhere / "sumas/runs" / first["run"] / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    second = hub("pull", REPO, "--json").document
    assert second["outcome"] == "newer" and second["run"] != first["run"]
    assert hub("ask", "sumas", "Hola").code == 0


def test_a_tutor_of_ones_own_is_never_touched(hub: Hub, elsewhere: Path) -> None:
    assert hub("new", "sumas").code == 0
    before = kept(elsewhere / "sumas")
    done = hub("pull", REPO)
    assert done.code == 2 and "--as sumas_2" in done.err and "of your own" in done.err
    assert kept(elsewhere / "sumas") == before and litter(elsewhere) == []


def test_a_tutor_behind_a_link_is_never_touched(hub: Hub, elsewhere: Path, tmp_path: Path, publish_next: Callable[[], None]) -> None:
    assert hub("pull", REPO).code == 0
    (elsewhere / "sumas").rename(tmp_path / "sumas")
    (elsewhere / "sumas").symlink_to(tmp_path / "sumas")
    before = kept(tmp_path / "sumas")
    publish_next()
    done = hub("pull", REPO)
    assert done.code == 2 and "--as sumas_2" in done.err and kept(tmp_path / "sumas") == before


def test_it_is_found_again_under_the_name_it_has_here(hub: Hub, elsewhere: Path) -> None:
    assert hub("pull", REPO, "--as", "otro").code == 0
    assert "nothing was changed" in hub("pull", REPO).out
    assert hub("pull", REPO, "--as", "tercero").code == 0
    done = hub("pull", REPO)
    assert done.code == 2 and "otro, tercero" in done.err


def test_a_run_that_was_chosen_by_hand_gives_way_to_the_newer_one(hub: Hub, elsewhere: Path, publish_next: Callable[[], None]) -> None:
    first = hub("pull", REPO, "--json").document
    assert hub("switch", f"sumas@{first['run']}").code == 0
    publish_next()
    second = hub("pull", REPO, "--json").document
    chosen = store.chosen_run(elsewhere / "sumas")
    assert chosen is not None and chosen.id == second["run"]
    assert read_state(elsewhere).tutor == "sumas"


# --- what breaks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cut", "short", "flip", "drop", "status"])
@pytest.mark.parametrize("where", ["/resolve/", "/objects/"])
def test_one_failure_is_survived(hub: Hub, elsewhere: Path, published: HubServer, where: str, kind: str) -> None:
    fault = published.fault(where, kind, method="GET")
    done = hub("pull", REPO)
    assert done.code == 0, done.err
    assert fault.times == 0 and hub("ask", "sumas", "Hola").code == 0


@pytest.mark.parametrize(("kind", "code"), [("flip", 1), ("cut", 4), ("status", 4)])
def test_a_download_that_always_breaks_leaves_nothing(hub: Hub, elsewhere: Path, published: HubServer, kind: str, code: int) -> None:
    published.fault("/objects/", kind, method="GET", times=99)
    refused(hub("pull", REPO), code, tutors=elsewhere)
    assert litter(elsewhere) == []


def test_half_a_download_leaves_the_former_version_in_place(
    hub: Hub, elsewhere: Path, published: HubServer, publish_next: Callable[[], None]
) -> None:
    assert hub("pull", REPO).code == 0
    before = kept(elsewhere)
    publish_next()
    published.fault("/objects/", "cut", method="GET", times=99)
    assert hub("pull", REPO).code == 4
    assert kept(elsewhere) == before and litter(elsewhere) == []
    published.faults.clear()
    assert hub("pull", REPO).code == 0


def test_a_crash_while_moving_in_is_made_up_for(hub: Hub, elsewhere: Path, monkeypatch: Any, publish_next: Callable[[], None]) -> None:
    assert hub("pull", REPO).code == 0
    publish_next()
    with monkeypatch.context() as patch:
        patch.setattr(settling, "replace_texts", lambda *arguments: 1 / 0)
        assert hub("pull", REPO).code == 1
    done = hub("pull", REPO, "--json").document
    assert done["outcome"] == "chosen" and done["version"] == "0.1.1"
    assert hub("show", "sumas", "--json").document["tutor"]["title"] == "Sumas y más"


def test_a_server_that_stalls_ends_with_exit_code_4(hub: Hub, elsewhere: Path, published: HubServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(pull, "HubClient", partial(HubClient, reading=0.2, patience=0.3))
    for where, kind in (("/api/models/", "delay"), ("/resolve/", "delay"), ("/objects/", "delay"), ("/objects/", "stall")):
        published.fault(where, kind, times=99)
        refused(hub("pull", REPO), 4, tutors=elsewhere)
        published.faults.clear()


def test_bytes_on_their_way_are_counted(site: HubServer) -> None:
    content = bytes(range(256)) * 100_000
    repository = site.repository("ana/big", {"adapter_model.safetensors": content})
    told: list[int] = []
    with HubClient() as client:
        state = client.state("ana/big")
        assert state is not None
        client.download("ana/big", repository.head.sha, "adapter_model.safetensors", next(iter(state.files.values())), progress=told.append)
    assert told == sorted(told) and told[-1] == len(content) and len(told) > 1


def test_private_missing_and_gated_are_told(hub: Hub, elsewhere: Path, published: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(hub("pull", "ana/nothing"), 3, "no repository ana/nothing, or this token may not see it", "hf auth login", tutors=elsewhere)
    refused(hub("pull", f"{REPO}@v9.9.9"), 3, f"{REPO} has no revision 'v9.9.9'", "its tags: v0.1.0", tutors=elsewhere)
    monkeypatch.setenv("HF_TOKEN", LUIS)
    refused(hub("pull", REPO), 3, "may not see it", tutors=elsewhere)
    published.repositories[REPO].private = False
    published.repositories[REPO].gated = "manual"
    refused(hub("pull", REPO), 5, "gated", f"{published.url}/{REPO}", tutors=elsewhere)


def test_a_public_one_needs_no_login(hub: Hub, elsewhere: Path, published: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    published.repositories[REPO].private = False
    monkeypatch.delenv("HF_TOKEN")
    assert hub("pull", REPO).code == 0


def test_nobody_there_is_a_network_error(hub: Hub, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused(hub("pull", REPO), 4, "http://127.0.0.1:9 does not answer", tutors=elsewhere)


@pytest.mark.parametrize("reference", ["sumas", "ana/../x", "../x/y", "ana/sumas@../x", "ana/sumas@", "a/b/c", "ana/sumas@-x", "ana/a b"])
def test_a_reference_that_cannot_be_is_refused_without_asking(hub: Hub, elsewhere: Path, published: HubServer, reference: str) -> None:
    published.asked.clear()
    refused(hub("pull", "--", reference), 2, tutors=elsewhere)
    assert published.asked == []


def test_the_address_of_its_page_is_understood(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    assert hub("pull", f"{published.url}/{REPO}").code == 0


# --- what is not trusted -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../x"}, "no tutor's name"),
        ({"name": "auto"}, "--as NAME"),
        ({"name": "con"}, "--as NAME"),
        ({"name": "CON"}, "no tutor's name"),
        ({"title": "Sumas\x1b[31m"}, "control characters"),
        ({"title": "Su\nmas"}, "control characters"),
        ({"title": "\ud800"}, "control characters"),
        ({"description": "a\u202eb"}, "control characters"),
        ({"title": "x" * 5000}, "too long"),
        ({"language": "../../etc"}, "no code such as es"),
        ({"files": {}}, "no hashes"),
        ({"files": {"adapter_config.json": "0" * 64, "adapter_model.safetensors": "0" * 64}}, "SHA-256 differs"),
        ({"system_prompt": "/etc/passwd"}, "system_prompt"),
        ({"chat": {"max_new_tokens": 10**400}}, "cannot be used"),
        ({"chat": {"max_new_tokens": 10**9}}, "max_new_tokens"),
        ({"chat": {"temperature": float("nan")}}, "temperature"),
        ({"schema": 99}, "newer adapters_hub"),
        ({"validator": {"use": ["os; import"]}}, "validator"),
        ({"base": {"model": "mini; rm -rf ~"}}, "no name of a base"),
        ({"base": {"model": "/home/ana/phi"}}, "no name of a base"),
    ],
)
def test_a_hostile_description_is_refused(hub: Hub, elsewhere: Path, published: HubServer, changes: dict[str, Any], said: str) -> None:
    tampered(published, tutor_json=changed_json(published, **changes))
    done = hub("pull", REPO)
    assert done.code in (1, 2)
    refused(done, done.code, said, tutors=elsewhere)
    assert "\x1b" not in done.err and litter(elsewhere) == []


@pytest.mark.parametrize("prompt", [b"Eres\x1b]0;x\x07", b"\xff\xfe", "a\u2066b".encode()])
def test_a_prompt_that_steers_the_terminal_is_refused(hub: Hub, elsewhere: Path, published: HubServer, prompt: bytes) -> None:
    import hashlib

    files = json.loads(published.repositories[REPO].head.files["tutor.json"][0])["files"]
    files["system.md"] = hashlib.sha256(prompt).hexdigest()
    tampered(published, system_md=prompt, tutor_json=changed_json(published, files=files))
    refused(hub("pull", REPO), 1, "system.md", tutors=elsewhere)


def test_weights_that_are_not_those_described_are_refused(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    weights = published.repositories[REPO].head.files["adapter_model.safetensors"][0]
    tampered(published, weights=weights[:-1] + b"\x01")
    refused(hub("pull", REPO), 1, "adapter_model.safetensors is not the file", "ask its author", tutors=elsewhere)


def test_only_a_pickle_is_refused_before_anything_is_fetched(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    tampered(published, **{"weights": None, "adapter_model.bin": b"\x80\x04evil"})
    published.asked.clear()
    refused(hub("pull", REPO), 2, "pickle", "safe_serialization=True", tutors=elsewhere)
    assert not [one for one in published.asked if "/resolve/" in one.path]


@pytest.mark.parametrize("name", ["tutor.json", "system.md", "adapter_config.json"])
def test_huge_files_are_refused_before_they_are_fetched(hub: Hub, elsewhere: Path, published: HubServer, name: str) -> None:
    tampered(published, **{name: b" " * (5 << 20)})
    published.asked.clear()
    refused(hub("pull", REPO), 1, name, "more than", tutors=elsewhere)
    assert not [one for one in published.asked if "/resolve/" in one.path]


def test_a_full_disk_is_told_before_the_weights_are_fetched(hub: Hub, elsewhere: Path, published: HubServer, monkeypatch: Any) -> None:
    full = SimpleNamespace(free=10)
    monkeypatch.setattr(settling, "shutil", SimpleNamespace(**vars(shutil) | {"disk_usage": lambda folder: full}))
    refused(hub("pull", REPO), 6, "free some disk space", tutors=elsewhere)
    assert not [one for one in published.asked if "/objects/" in one.path and one.method == "GET"]


def test_a_disk_that_fills_up_on_the_way_leaves_nothing(hub: Hub, elsewhere: Path, published: HubServer, monkeypatch: Any) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.file_download.http_get", full)
        refused(hub("pull", REPO), 6, "No space left", "free some disk space", tutors=elsewhere)
    monkeypatch.setattr(pulling_module.shutil, "copyfile", full)
    refused(hub("pull", REPO), 6, "No space left", "free some disk space", tutors=elsewhere)
    assert litter(elsewhere) == []


def test_a_model_is_no_adapter(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    published.repository("ana/model", {"config.json": b"{}", "model.safetensors": b"x"})
    refused(hub("pull", "ana/model"), 2, "is a model", "hub base use ana/model", tutors=elsewhere)


# --- the base ------------------------------------------------------------------------------------


def test_another_base_is_refused_with_the_way_to_it(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    base = {"model": "Qwen/Qwen2.5-1.5B-Instruct", "fingerprint": "f", "weights": "w"}
    tampered(published, tutor_json=changed_json(published, base=base))
    published.asked.clear()
    refused(hub("pull", REPO), 2, "hub base use Qwen/Qwen2.5-1.5B-Instruct", "--any-base", tutors=elsewhere)
    assert not [one for one in published.asked if "safetensors" in one.path], "the weights were fetched for nothing"


def test_it_is_kept_for_later_when_asked(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    base = {"model": "Qwen/Qwen2.5-1.5B-Instruct", "fingerprint": "f", "weights": "w"}
    tampered(published, tutor_json=changed_json(published, base=base))
    done = hub("pull", REPO, "--any-base")
    assert done.code == 0 and "once that is the base" in done.err
    assert hub("list", "--json").document["tutors"][0]["status"] == "stale"


def test_other_weights_of_the_embedded_base_are_told_apart(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    write(elsewhere / "hub.toml", '[base]\nmodel = "mini"\n')
    tampered(published, tutor_json=changed_json(published, base={"model": "mini", "fingerprint": "f", "weights": "0" * 64}))
    refused(hub("pull", REPO), 2, "another version of the embedded base", "upgrade adapters-hub", tutors=elsewhere)


def test_layers_that_the_base_has_in_another_size_are_refused(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    write(elsewhere / "hub.toml", '[base]\nmodel = "mini"\n')  # echo's adapter is no real one
    refused(hub("pull", REPO), 2, "its layers differ", "8 -> 8", tutors=elsewhere)


# --- without tutor.json --------------------------------------------------------------------------


@pytest.fixture
def plain(published: HubServer) -> HubServer:
    """``luis/mi-LoRA``: as PEFT saves it."""
    files = {name: content for name, (content, _) in published.repositories[REPO].head.files.items()}
    published.repository("luis/mi-LoRA", {name: files[name] for name in ("adapter_config.json", "adapter_model.safetensors")})
    return published


def test_a_plain_adapter_becomes_a_tutor_with_what_is_asked_for(hub: Hub, plain: HubServer, elsewhere: Path) -> None:
    done = hub("pull", "luis/mi-LoRA", "--system", "Eres breve.", "--validator", "text")
    assert done.code == 0, done.err
    tutor = hub("show", "mi_lora", "--json").document["tutor"]
    assert tutor["system_prompt"] == "Eres breve." and tutor["validator"]["use"] == ["text"]
    assert hub("ask", "mi_lora", "Hola", "--json").document["answer"] == "[mi_lora] Hola"


def test_what_it_lacks_is_told(hub: Hub, plain: HubServer, elsewhere: Path) -> None:
    done = hub("pull", "luis/mi-LoRA")
    assert done.code == 0 and "without a system prompt" in done.err
    assert hub("pull", "luis/mi-LoRA").out.count("nothing was changed") == 1


def test_a_plain_adapter_of_another_base_is_refused(hub: Hub, plain: HubServer, elsewhere: Path) -> None:
    repository = plain.repositories["luis/mi-LoRA"]
    config = json.loads(repository.head.files["adapter_config.json"][0])
    for named, hint in (("microsoft/phi-2", "hub base use microsoft/phi-2"), ("/content/phi-2", "hub base use ID")):
        changed = {
            **repository.head.files,
            "adapter_config.json": (json.dumps(config | {"base_model_name_or_path": named}).encode(), False),
        }
        plain.commit(repository, changed, named)
        refused(hub("pull", "luis/mi-LoRA"), 2, hint, tutors=elsewhere)
    assert hub("pull", "luis/mi-LoRA", "--any-base").code == 0


def test_an_unknown_validator_is_refused(hub: Hub, plain: HubServer, elsewhere: Path) -> None:
    refused(hub("pull", "luis/mi-LoRA", "--validator", "txt"), 3, "validator 'txt' not found", tutors=elsewhere)


def test_it_can_be_taken_plain_although_its_description_lies(hub: Hub, elsewhere: Path, published: HubServer) -> None:
    tampered(published, tutor_json=b"{}")
    refused(hub("pull", REPO), 1, "--plain", tutors=elsewhere)
    assert hub("pull", REPO, "--plain").code == 0


# --- child processes -----------------------------------------------------------------------------


def pulling(server: HubServer, cwd: Path, tmp_path: Path) -> subprocess.Popen[str]:
    """``hub pull ana/sumas`` on its own, under way."""
    environ = {**os.environ, "HF_ENDPOINT": server.url, "HF_TOKEN": ANA, "HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": str(REPOSITORY)}
    words = [sys.executable, "-m", "adapters_hub", "pull", REPO]
    return subprocess.Popen(words, cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def asked_for_weights(server: HubServer, times: int) -> None:
    """Wait until so many have begun to fetch them."""
    begun = time.monotonic()
    while len([one for one in server.asked if "/objects/" in one.path]) < times:
        assert time.monotonic() - begun < 30
        Event().wait(0.02)


def test_a_pull_that_is_killed_leaves_the_former_version_and_can_be_repeated(
    hub: Hub, elsewhere: Path, published: HubServer, publish_next: Callable[[], None], tmp_path: Path
) -> None:
    assert hub("pull", REPO).code == 0
    before = kept(elsewhere / "sumas")
    publish_next()
    published.asked.clear()
    published.fault("/objects/", "stall", method="GET", times=99)
    child = pulling(published, elsewhere.parent, tmp_path)
    asked_for_weights(published, 1)
    child.kill()
    child.communicate()
    assert kept(elsewhere / "sumas") == before and hub("ask", "sumas", "Hola").code == 0
    published.faults.clear()
    assert hub("pull", REPO, "--json").document["outcome"] == "newer"


def test_of_two_pulls_at_once_one_moves_in_and_the_other_says_so(elsewhere: Path, published: HubServer, tmp_path: Path) -> None:
    published.fault("/objects/", "delay", method="GET", times=2, seconds=1.0)
    children = [pulling(published, elsewhere.parent, tmp_path / name) for name in ("a", "b")]
    told = [child.communicate(timeout=60)[1] for child in children]
    codes = sorted(child.returncode for child in children)
    assert codes in ([0, 2], [0, 0]), told
    assert codes == [0, 0] or any("there is a tutor 'sumas'" in text and "hint:" in text for text in told)
    assert [entry.name for entry in elsewhere.iterdir() if entry.is_dir() and not entry.name.startswith(".")] == ["sumas"]
    assert litter(elsewhere) == [] and len(store.list_runs(elsewhere / "sumas")) == 1


def test_no_framework_is_imported(elsewhere: Path, published: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    code, modules = loaded("pull", REPO, cwd=elsewhere.parent)
    assert code == 0 and modules == ["huggingface_hub"]
