"""``hub publish`` over HTTP with the real client: what stands on the Hub afterwards, and that nothing else does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Hub, load_test_plugins, row, write
from dictated import dictate, sit, trained_run
from hub_server import HubServer, card_errors
from hub_site import ANA, READER

from adapters_hub import evaluating, hub_client, publishing, store
from adapters_hub.hub_client import HubClient
from adapters_hub.progress_line import ProgressLine
from adapters_hub.tutor_file import read_tutor_file

REPO = "ana/sumas"
FILES = {"adapter_config.json", "adapter_model.safetensors", "README.md", "tutor.json", "system.md"}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "draw_scores", lambda scores, topics, path, title: None)


@pytest.fixture
def run(workspace: Path) -> store.Run:
    """A run of ``sumas`` that was evaluated and is better than its base."""
    dictate(workspace / "tutors/sumas", [("i", "c")] * 6)
    found = trained_run(workspace / "tutors/sumas")
    sit(workspace)
    return found


def held(site: HubServer, id: str = REPO) -> dict[str, bytes]:
    return {name: content for name, (content, _) in site.repositories[id].head.files.items()}


def as_if_trained_on(run: store.Run, model: str, **more: str) -> None:
    """The run's manifest names another base."""
    manifest = run.folder / "manifest.json"
    document = json.loads(manifest.read_text())
    document["base"] |= {"model": model, **more}
    manifest.write_text(json.dumps(document))


def card(site: HubServer, id: str = REPO) -> dict[str, object]:
    return dict(yaml.safe_load(held(site, id)["README.md"].decode().split("---")[1]))


# --- what stands there ---------------------------------------------------------------------------


def test_a_run_that_beats_its_base_is_published_privately_in_one_commit_with_a_tag(hub: Hub, run: store.Run, site: HubServer) -> None:
    done = hub("publish", "sumas")
    assert done.code == 0, done.err
    repository = site.repositories[REPO]
    assert repository.private and site.commits_of(REPO) == 1
    assert set(held(site)) == FILES
    assert repository.tags == {"v0.1.0": repository.head.sha}
    assert f"{site.url}/{REPO} · v0.1.0" in done.out and f"hub pull {REPO}@v0.1.0" in done.err


def test_the_adapter_is_byte_for_byte_the_runs_and_its_config_names_the_base(hub: Hub, run: store.Run, site: HubServer) -> None:
    assert hub("publish", "sumas").code == 0
    files = held(site)
    assert files["adapter_model.safetensors"] == (run.folder / "adapter_model.safetensors").read_bytes()
    config = json.loads(files["adapter_config.json"])
    assert config["base_model_name_or_path"] == "mini" and config["inference_mode"] is True


def test_tutor_json_says_everything_a_stranger_needs(hub: Hub, run: store.Run, site: HubServer) -> None:
    assert hub("publish", "sumas").code == 0
    files = held(site)
    tutor = read_tutor_file(files["tutor.json"], "tutor.json")
    assert (tutor.name, tutor.version, tutor.run, tutor.base.model, tutor.license) == ("sumas", "0.1.0", run.id, "mini", "apache-2.0")
    assert tutor.metrics["eval"]["base"] == 0.0 and tutor.metrics["eval"]["adapter"] == 1.0 and tutor.metrics["eval"]["n"] == 6
    assert tutor.validator["use"] == ["dictado"]
    assert files["system.md"].decode().strip() == "Eres el tutor de sumas."
    assert set(tutor.files) == {"adapter_config.json", "adapter_model.safetensors", "system.md"}


def test_no_path_of_this_machine_and_no_code_leaves_it(hub: Hub, run: store.Run, site: HubServer, workspace: Path) -> None:
    assert hub("publish", "sumas").code == 0
    everything = b"".join(held(site).values())
    assert str(workspace).encode() not in everything and str(Path.home()).encode() not in everything
    assert b"hookimpl" not in everything


def test_the_card_is_accepted_and_tells_the_result_against_the_base(hub: Hub, run: store.Run, site: HubServer) -> None:
    assert hub("publish", "sumas").code == 0
    text = held(site)["README.md"].decode()
    assert card_errors(text.encode()) == []
    assert "| base sin adaptador | 0.0% |" in text and "| con este adaptador | 100.0% |" in text
    facts = card(site)
    assert facts["library_name"] == "peft" and facts["pipeline_tag"] == "text-generation" and facts["language"] == ["es"]
    assert facts["tags"] == ["lora", "adapters-hub", "tutor", "tutor:sumas"]
    assert "base_model" not in facts, "mini has no page on the Hub"
    values = [metric["value"] for metric in facts["model-index"][0]["results"][0]["metrics"]]  # type: ignore[index]
    assert values == [1.0, 0.0]


def test_the_dataset_goes_along_only_when_asked(hub: Hub, run: store.Run, site: HubServer) -> None:
    assert hub("publish", "sumas", "ana/with-data", "--with-data", "--data-license", "cc-by-4.0").code == 0
    assert set(held(site, "ana/with-data")) == FILES | {"data/train.jsonl", "data/eval.jsonl"}


def test_visibility_gate_and_collection_are_as_asked(hub: Hub, run: store.Run, site: HubServer) -> None:
    done = hub("publish", "sumas", "facultad/sumas", "--public", "--gated", "auto", "--collection", "Tutores")
    assert done.code == 0, done.err
    repository = site.repositories["facultad/sumas"]
    assert not repository.private and repository.gated == "auto"
    assert any("/api/collections" in asked.path for asked in site.asked)


def test_push_is_another_name_for_it(hub: Hub, run: store.Run, site: HubServer) -> None:
    done = hub("push", "sumas")
    assert done.code == 0, done.err
    assert set(held(site)) == FILES
    assert hub("--help").out.count("push") == 1 and hub("push", "--help").code == 0


def test_a_terminal_sees_how_far_the_upload_is(hub: Hub, run: store.Run, site: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, int]] = []
    monkeypatch.setattr(ProgressLine, "show_bytes", lambda self, done, total: said.append((done, total)))
    assert hub("publish", "sumas").code == 0
    weights, everything = (run.folder / "adapter_model.safetensors").stat().st_size, sum(map(len, held(site).values()))
    assert said[-1] == (weights, everything)


def test_another_repository_of_the_base_lends_neither_its_commit_nor_its_hashes(hub: Hub, run: store.Run, site: HubServer) -> None:
    as_if_trained_on(run, "unsloth/Qwen2.5-1.5B-Instruct-bnb-4bit", revision="a" * 40, weights="b" * 64)
    assert hub("publish", "sumas", "--base-id", "Qwen/Qwen2.5-1.5B-Instruct").code == 0
    base = json.loads(held(site)["tutor.json"])["base"]
    assert (base["model"], base["revision"], base["weights"]) == ("Qwen/Qwen2.5-1.5B-Instruct", "", "") and base["fingerprint"]
    assert json.loads(held(site)["adapter_config.json"])["revision"] is None
    assert "a" * 40 not in held(site)["README.md"].decode()


@pytest.mark.parametrize(
    "name",
    ["b-bnb-4bit", "b-8bit", "b-GPTQ-Int4", "b-AWQ", "b-FP8", "b-GGUF", "b_4bits", "b-unsloth-bnb-4bit", "b-quantized.w4a16"],
)
def test_a_quantized_copy_is_no_base_to_publish(hub: Hub, run: store.Run, site: HubServer, name: str) -> None:
    as_if_trained_on(run, "x/y")
    done = hub("publish", "sumas", "--base-id", f"a/{name}", "--license", "mit")
    assert done.code == 2 and "quantized copy" in done.err and site.writes() == []


def test_an_adapter_that_was_imported_plain_can_be_published(hub: Hub, run: store.Run, site: HubServer, workspace: Path) -> None:
    plain = workspace / "plain"
    plain.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(run.folder / name, plain / name)
    assert hub("import", plain, "--as", "otro", "--system", "Eres breve.").code == 0
    done = hub("publish", "otro", "--force-unvalidated", "viene de otra parte")
    assert done.code == 0, done.err
    assert read_tutor_file(held(site, "ana/otro")["tutor.json"], "x").base.fingerprint == ""
    assert "None" not in held(site, "ana/otro")["README.md"].decode()
    assert hub("pull", "ana/otro", "--as", "vuelto").code == 0 and hub("ask", "vuelto", "Hola").code == 0


# --- again and again -----------------------------------------------------------------------------


def test_publishing_the_same_again_makes_no_commit(hub: Hub, run: store.Run, site: HubServer) -> None:
    assert hub("publish", "sumas").code == 0
    site.asked.clear()
    done = hub("publish", "sumas")
    assert done.code == 0 and "no commit" in done.err and "v0.1.0" in done.out
    assert site.commits_of(REPO) == 1 and not [one for one in site.asked if "/commit/" in one.path or "/tag/" in one.path]


def test_a_change_becomes_the_next_version(hub: Hub, run: store.Run, site: HubServer, workspace: Path) -> None:
    assert hub("publish", "sumas").code == 0
    settings = workspace / "tutors/sumas/tutor.toml"
    write(settings, settings.read_text().replace('title = "Sumas"', 'title = "Sumas y más"'))
    done = hub("publish", "sumas")
    assert done.code == 0, done.err
    assert list(site.repositories[REPO].tags) == ["v0.1.0", "v0.1.1"] and site.commits_of(REPO) == 2
    assert "# Sumas y más" in held(site)["README.md"].decode()


def test_only_what_changed_is_sent(hub: Hub, run: store.Run, site: HubServer, workspace: Path) -> None:
    assert hub("publish", "sumas").code == 0
    settings = workspace / "tutors/sumas/tutor.toml"
    write(settings, settings.read_text().replace('title = "Sumas"', 'title = "Otra"'))
    site.asked.clear()
    assert hub("publish", "sumas").code == 0
    assert not [one for one in site.asked if one.method == "PUT"], "the weights were sent again"


def test_hand_edits_of_the_card_outside_our_marks_survive(hub: Hub, run: store.Run, site: HubServer, workspace: Path) -> None:
    assert hub("publish", "sumas").code == 0
    repository, text = site.repositories[REPO], held(site)["README.md"].decode()
    mine = (
        text.replace("library_name: peft", "library_name: peft\nthumbnail: https://example.org/a.png")
        + "\n## Agradecimientos\n\nA la facultad.\n"
    )
    files = dict(repository.head.files) | {"README.md": (mine.encode(), False), "photo.txt": (b"x", False)}
    site.commit(repository, files, "by hand")
    settings = workspace / "tutors/sumas/tutor.toml"
    write(settings, settings.read_text().replace('title = "Sumas"', 'title = "Otra"'))
    done = hub("publish", "sumas")
    assert done.code == 0, done.err
    now = held(site)["README.md"].decode()
    assert "A la facultad." in now and "# Otra" in now and now.count("<!-- adapters-hub: begin -->") == 1
    assert card(site)["thumbnail"] == "https://example.org/a.png"
    assert held(site)["photo.txt"] == b"x" and "left as they are: photo.txt" in done.err


def test_a_version_that_is_tagged_is_never_moved(hub: Hub, run: store.Run, site: HubServer) -> None:
    assert hub("publish", "sumas").code == 0
    site.repositories[REPO].tags["v0.2.0"] = site.repositories[REPO].commits[0].sha
    done = hub("publish", "sumas", "--version", "0.2.0")
    assert done.code == 1 and "v0.2.0 exists already" in done.err and "--version 0.2.1" in done.err
    assert site.commits_of(REPO) == 1


def test_a_change_under_a_version_that_is_tagged_is_refused_before_it_is_sent(
    hub: Hub, run: store.Run, site: HubServer, workspace: Path
) -> None:
    assert hub("publish", "sumas").code == 0
    settings = workspace / "tutors/sumas/tutor.toml"
    write(settings, settings.read_text().replace('title = "Sumas"', 'title = "Otra"'))
    done = hub("publish", "sumas", "--version", "0.1.0")
    assert done.code == 1 and "v0.1.0 exists already" in done.err and site.commits_of(REPO) == 1


def test_a_card_that_was_edited_by_hand_is_no_change_of_ours(hub: Hub, run: store.Run, site: HubServer) -> None:
    assert hub("publish", "sumas").code == 0
    repository = site.repositories[REPO]
    files = dict(repository.head.files) | {"README.md": (held(site)["README.md"] + b"\n## Gracias\n", False)}
    site.commit(repository, files, "by hand")
    done = hub("publish", "sumas")
    assert done.code == 0 and "no commit" in done.err, done.err
    assert list(repository.tags) == ["v0.1.0"] and site.commits_of(REPO) == 2


def test_a_crash_between_commit_and_tag_is_made_up_for(hub: Hub, run: store.Run, site: HubServer) -> None:
    site.fault("/tag/", "status", times=99)
    assert hub("publish", "sumas").code == 4
    assert site.commits_of(REPO) == 1 and site.repositories[REPO].tags == {}
    site.faults.clear()
    assert hub("publish", "sumas").code == 0
    assert site.commits_of(REPO) == 1 and site.repositories[REPO].tags == {"v0.1.0": site.repositories[REPO].head.sha}


@pytest.mark.parametrize("where", ["/repos/create", "/commit/", "/tag/", "/whoami", "/objects/"])
@pytest.mark.parametrize("kind", ["status", "drop", "lost"])
def test_one_failure_anywhere_changes_nothing_in_the_end(hub: Hub, run: store.Run, site: HubServer, where: str, kind: str) -> None:
    fault = site.fault(where, kind)
    done = hub("publish", "sumas")
    assert done.code == 0, done.err
    assert fault.times == 0 and site.commits_of(REPO) == 1 and list(site.repositories[REPO].tags) == ["v0.1.0"]


def appears(site: HubServer, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], *, private: bool) -> None:
    """Somebody else is faster: the repository is there when we create it."""
    create = HubClient.create

    def later(self: HubClient, id: str, *, private: bool) -> None:
        site.repository(id, files, private=hidden)
        create(self, id, private=private)

    hidden = private
    monkeypatch.setattr(HubClient, "create", later)


@pytest.mark.parametrize(("files", "private"), [({"model.safetensors": b"theirs"}, True), ({}, False)])
def test_a_repository_that_appears_meanwhile_is_left_alone(
    hub: Hub, run: store.Run, site: HubServer, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], private: bool
) -> None:
    appears(site, monkeypatch, files, private=private)
    done = hub("publish", "sumas")
    assert done.code == 1 and "has appeared meanwhile" in done.err and "repeat the command" in done.err
    assert held(site) == files


def test_of_two_who_publish_at_once_one_is_told(hub: Hub, run: store.Run, site: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub("publish", "sumas").code == 0
    repository, commit = site.repositories[REPO], HubClient.commit

    def faster(self: HubClient, id: str, files: Any, **more: Any) -> str:
        site.commit(repository, {**repository.head.files, "theirs.txt": (b"x", False)}, "theirs")
        return commit(self, id, files, **more)

    monkeypatch.setattr(HubClient, "commit", faster)
    write(run.folder.parent.parent / "system.md", "Otro.\n")
    done = hub("publish", "sumas", "--force-unvalidated", "para la prueba")
    assert done.code == 1 and "somebody else has committed" in done.err and "starts from the new state" in done.err
    assert held(site)["system.md"] != b"Otro.\n" and list(repository.tags) == ["v0.1.0"]


# --- what is refused -----------------------------------------------------------------------------


def test_a_run_that_does_not_beat_its_base_is_refused_with_both_scores(hub: Hub, workspace: Path, site: HubServer) -> None:
    dictate(workspace / "tutors/sumas", [("c", "u")] * 6)
    trained_run(workspace / "tutors/sumas")
    sit(workspace)
    done = hub("publish", "sumas")
    assert done.code == 7 and "0.0%" in done.err and "100.0%" in done.err and "--force-unvalidated" in done.err
    assert site.writes() == [] and site.repositories == {}


def test_the_gate_speaks_before_the_login(hub: Hub, workspace: Path, site: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    trained_run(workspace / "tutors/sumas")
    monkeypatch.delenv("HF_TOKEN")
    done = hub("publish", "sumas")
    assert done.code == 7 and "hub eval sumas" in done.err and site.asked == []


def test_a_run_that_was_never_evaluated_is_refused(hub: Hub, workspace: Path, site: HubServer) -> None:
    run = trained_run(workspace / "tutors/sumas")
    done = hub("publish", "sumas")
    assert done.code == 7 and f"hub eval sumas --run {run.id}" in done.err
    assert site.asked == [] or site.writes() == []


def test_a_reason_lets_it_pass_and_stands_in_the_card(hub: Hub, workspace: Path, site: HubServer) -> None:
    trained_run(workspace / "tutors/sumas")
    assert hub("publish", "sumas", "--force-unvalidated", "prueba").code == 2
    done = hub("publish", "sumas", "--force-unvalidated", "Demostración para la clase del <b>lunes</b>")
    assert done.code == 0, done.err
    text = held(site)["README.md"].decode()
    assert "Publicado sin superar la validación" in text and "Demostración para la clase" in text and "<b>" not in text
    assert "no fue evaluado" in text and "model-index" not in text


def test_tampered_weights_cannot_be_forced(hub: Hub, run: store.Run, site: HubServer) -> None:
    weights = run.folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    done = hub("publish", "sumas", "--force-unvalidated", "da igual, es una prueba")
    assert done.code != 0 and "SHA-256" in done.err and site.writes() == []


def test_a_reading_token_and_a_foreign_namespace_are_refused_before_anything_is_made(
    hub: Hub, run: store.Run, site: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = hub("publish", "sumas", "luis/sumas")
    assert done.code == 5 and "your namespaces: ana, facultad" in done.err
    monkeypatch.setenv("HF_TOKEN", READER)
    done = hub("publish", "sumas")
    assert done.code == 5 and "may only read" in done.err
    monkeypatch.delenv("HF_TOKEN")
    done = hub("publish", "sumas")
    assert done.code == 5 and "hf auth login" in done.err
    assert site.writes() == [] and site.repositories == {}


def test_a_fine_grained_token_may_write_where_it_says_and_nowhere_else(
    hub: Hub, run: store.Run, site: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", site.account("hf_fine", "ana", "fineGrained", organizations=("facultad",), may_write=("facultad",)))
    site.repository(REPO, {"README.md": b"mine"})
    for target in (REPO, "ana/other"):
        done = hub("publish", "sumas", target)
        assert done.code == 5 and "hf auth login" in done.err, done.err
    assert list(site.repositories) == [REPO] and site.commits_of(REPO) == 1
    assert hub("publish", "sumas", "facultad/sumas").code == 0


@pytest.mark.parametrize("kind", ["status", "drop"])
@pytest.mark.parametrize("where", ["/whoami", "/objects/", "/commit/"])
def test_no_token_is_told_by_a_traceback_or_a_log(
    hub: Hub, run: store.Run, site: HubServer, caplog: pytest.LogCaptureFixture, where: str, kind: str
) -> None:
    caplog.set_level("DEBUG")
    site.fault(where, kind, times=99)
    done = hub("publish", "sumas", "--debug")
    assert done.code == 4 and "Traceback" in done.err
    assert ANA not in done.err + done.out + caplog.text


def test_what_a_server_says_in_a_traceback_steers_no_terminal(hub: Hub, run: store.Run, site: HubServer) -> None:
    site.fault("/repos/create", "status", status=403, text="\x1b]0;pwned\x07no")
    done = hub("publish", "sumas", "--debug")
    assert done.code == 5 and "\x1b" not in done.err


@pytest.mark.parametrize("words", [("publish", "sumas"), ("pull", REPO), ("search", "sumas")], ids=" ".join)
def test_a_server_that_answers_after_two_minutes_is_not_waited_for(
    hub: Hub, run: store.Run, site: HubServer, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(hub_client, "READING", 0.2)
    monkeypatch.setattr(hub_client, "PATIENCE", 0.5)
    site.fault("", "delay", times=99, seconds=120)
    done = hub(*words)
    assert done.code == 4 and "error: cannot " in done.err and "does not answer" in done.err and "hint:" in done.err


@pytest.mark.parametrize("name", ["ana/..", "ana/a b", "a/b/c", "/x", "ana/-x", "ana/x--y"])
def test_a_name_that_cannot_be_is_refused(hub: Hub, run: store.Run, site: HubServer, name: str) -> None:
    done = hub("publish", "sumas", "--", name)
    assert done.code == 2 and site.writes() == []


def test_a_base_that_only_this_machine_has_needs_a_hub_id(hub: Hub, run: store.Run, site: HubServer, workspace: Path) -> None:
    for model in (str(workspace / "phi"), "unsloth/Qwen2.5-1.5B-Instruct-bnb-4bit"):
        as_if_trained_on(run, model)
        done = hub("publish", "sumas")
        assert done.code == 2 and "--base-id" in done.err and site.writes() == []
    done = hub("publish", "sumas", "--base-id", "Qwen/Qwen2.5-1.5B-Instruct", "--license", "apache-2.0")
    assert done.code == 0, done.err
    assert card(site)["base_model"] == "Qwen/Qwen2.5-1.5B-Instruct" and card(site)["base_model_relation"] == "adapter"
    assert json.loads(held(site)["adapter_config.json"])["base_model_name_or_path"] == "Qwen/Qwen2.5-1.5B-Instruct"


def test_an_unknown_licence_has_to_be_named(hub: Hub, run: store.Run, site: HubServer) -> None:
    as_if_trained_on(run, "somebody/model")
    done = hub("publish", "sumas")
    assert done.code == 2 and "--license" in done.err and site.writes() == []


def test_what_looks_like_a_token_never_leaves(hub: Hub, workspace: Path, site: HubServer) -> None:
    folder = workspace / "tutors/sumas"
    dictate(folder, [("i", "c")] * 6)
    write(folder / "system.md", "Usa hf_abcdefghijklmnopqrstuvwxyz012345 para entrar.\n")
    trained_run(folder)
    sit(workspace)
    done = hub("publish", "sumas")
    assert done.code == 1 and "system.md:1" in done.err and "hf_abcdefgh" not in done.err and site.writes() == []


# --- a dry run -----------------------------------------------------------------------------------


def test_a_dry_run_shows_everything_and_sends_no_write(hub: Hub, run: store.Run, site: HubServer) -> None:
    done = hub("publish", "sumas", "--dry-run")
    assert done.code == 0, done.err
    for name in FILES:
        assert name in done.out
    assert f"{REPO} · v0.1.0 · private · new" in done.out and "# Sumas" in done.out
    assert site.writes() == [] and site.repositories == {}
    document = hub("publish", "sumas", "--dry-run", "--json").document
    assert {file["name"] for file in document["files"]} == FILES and all(len(file["sha256"]) == 64 for file in document["files"])


def test_a_dry_run_needs_no_login_and_no_network(hub: Hub, run: store.Run, site: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    done = hub("publish", "sumas", "--dry-run")
    assert done.code == 0 and "USER/sumas" in done.out and "nobody is logged in" in done.err


def test_scripts_get_one_document(hub: Hub, run: store.Run, site: HubServer) -> None:
    document = hub("publish", "sumas", "--json").document
    assert document["repository"] == REPO and document["tag"] == "v0.1.0" and document["committed"] is True
    assert hub("publish", "sumas", "--json").document["committed"] is False


def test_the_plan_alone_writes_nothing_outside_its_staging_folder(run: store.Run, workspace: Path, tmp_path: Path) -> None:
    from adapters_hub.gate import gate
    from adapters_hub.tutors import read_tutor
    from adapters_hub.workspace import find_workspace

    tutor, plugins = read_tutor(workspace / "tutors/sumas", find_workspace(workspace)), load_test_plugins()
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*") if "staging" not in path.parts}
    staging = tmp_path / "staging"
    staging.mkdir()
    report = gate(run, tutor, plugins, ())
    made = publishing.plan(tutor, run, report, plugins, publishing.Wishes(), staging, client=None, person=None)
    assert made.repository == "USER/sumas" and {file.name for file in made.files} == FILES
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*") if "staging" not in path.parts} == before


def test_rows_are_not_needed_to_publish_what_was_trained(hub: Hub, run: store.Run, site: HubServer, workspace: Path) -> None:
    write(workspace / "tutors/sumas/data/train.jsonl", row("¿Cuánto es 9 y 9?", "Son 18.") + "{broken\n")
    done = hub("publish", "sumas")
    assert done.code == 7 and "hub check" in done.err
