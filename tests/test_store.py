"""Runs on disk."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import write

from adapters_hub import store
from adapters_hub.builtin.echo import write_adapter
from adapters_hub.errors import HubError, NotFoundError, ResourceError, RightsError
from adapters_hub.types import BaseIdentity, RunManifest
from adapters_hub.workspace import read_state, use_run

MANIFEST = RunManifest(
    schema=1,
    run_id="",
    tutor="sumas",
    created="2026-01-02T03:04:05+00:00",
    base=BaseIdentity("mini", "", "echo", "f" * 64, ""),
    quantization="none",
    template_sha256="t",
    system_prompt_sha256="s",
    stop_token_ids=(0, 2),
    dataset_sha256="d",
    recipe={"lora": {"rank": 2}},
    metrics={"steps": 6, "held_out_first": 3.0, "held_out_last": 0.6},
    files={},
    versions={},
)


@pytest.fixture
def tutor(tmp_path: Path) -> Path:
    folder = tmp_path / "tutors" / "sumas"
    folder.mkdir(parents=True)
    return folder


def whole_run(tutor: Path, name: str | None = None) -> Path:
    """A finished run; ``name`` replaces its id."""
    run = store.start_run(tutor)
    if name:
        run = run.rename(run.parent / name)
    write_adapter(run, "mini", 2, 4.0)
    store.finish_run(run, MANIFEST)
    return run


def test_runs_that_start_together_get_folders_of_their_own(tutor: Path) -> None:
    assert len({store.start_run(tutor) for _ in range(20)}) == 20


def test_a_run_is_whole_once_its_manifest_is_written(tutor: Path) -> None:
    run = store.start_run(tutor)
    write_adapter(run, "mini", 2, 4.0)
    (before,) = store.list_runs(tutor)
    store.finish_run(run, MANIFEST)
    (after,) = store.list_runs(tutor)
    assert (before.whole, before.problem, after.whole, after.problem) == (False, "unfinished", True, "")


def test_a_manifest_comes_back_as_it_was_written(tutor: Path) -> None:
    run = store.start_run(tutor)
    write_adapter(run, "mini", 2, 4.0)
    written = store.finish_run(run, MANIFEST)
    assert store.read_manifest(run / "manifest.json") == written
    assert written.run_id == run.name
    assert set(written.files) == set(written.sizes) == set(store.ADAPTER_FILES)


def test_a_run_without_adapter_cannot_be_finished(tutor: Path) -> None:
    with pytest.raises(HubError, match=r"adapter_model\.safetensors missing"):
        store.finish_run(store.start_run(tutor), MANIFEST)


def test_runs_are_listed_newest_first(tutor: Path) -> None:
    names = ["20260101T000000Z-aaaa", "20260103T000000Z-0000", "20260102T000000Z-ffff"]
    for name in names:
        whole_run(tutor, name)
    assert [run.id for run in store.list_runs(tutor)] == sorted(names, reverse=True)


def test_a_tutor_that_was_never_trained_has_no_run(tutor: Path) -> None:
    assert store.list_runs(tutor) == ()
    assert store.chosen_run(tutor) is None
    assert store.unfinished_run(tutor) is None


def test_the_newest_whole_run_is_used_unless_another_was_chosen(tutor: Path) -> None:
    old, new = whole_run(tutor, "20260101T000000Z-aaaa"), whole_run(tutor, "20260102T000000Z-aaaa")
    (tutor / "runs" / "20260103T000000Z-aaaa").mkdir()
    first = store.chosen_run(tutor)
    use_run(tutor.parent, "sumas", old.name)
    second = store.chosen_run(tutor)
    assert first is not None and second is not None
    assert (first.id, second.id) == (new.name, old.name)


def test_a_new_training_becomes_the_run_in_use(tutor: Path) -> None:
    old = whole_run(tutor, "20260101T000000Z-aaaa")
    use_run(tutor.parent, "sumas", old.name)
    new = whole_run(tutor, "20260102T000000Z-aaaa")
    found = store.chosen_run(tutor)
    assert found is not None and found.id == new.name
    assert dict(read_state(tutor.parent).runs) == {}


def test_a_run_that_does_not_exist_names_the_nearest(tutor: Path) -> None:
    run = whole_run(tutor, "20260101T000000Z-aaaa")
    with pytest.raises(NotFoundError) as caught:
        store.chosen_run(tutor, "20260101T000000Z-aaab")
    assert f"sumas@{run.name}" in caught.value.hint


def test_a_chosen_run_that_is_gone_is_told(tutor: Path) -> None:
    whole_run(tutor)
    use_run(tutor.parent, "sumas", "20200101T000000Z-aaaa")
    with pytest.raises(NotFoundError, match="no run '20200101T000000Z-aaaa'"):
        store.chosen_run(tutor)


def test_the_newest_unfinished_run_is_the_one_to_resume(tutor: Path) -> None:
    whole_run(tutor, "20260105T000000Z-aaaa")
    for name in ("20260101T000000Z-aaaa", "20260102T000000Z-aaaa"):
        (tutor / "runs" / name).mkdir()
    assert store.unfinished_run(tutor) == tutor / "runs" / "20260102T000000Z-aaaa"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema": "x"}', '{"schema": 1, "base": {}}'])
def test_a_damaged_manifest_makes_the_run_unusable_and_says_why(tutor: Path, content: str) -> None:
    run = whole_run(tutor)
    write(run / "manifest.json", content)
    (found,) = store.list_runs(tutor)
    assert not found.whole
    assert "damaged" in found.problem
    assert not found.unfinished


def test_a_manifest_from_the_future_is_recognised(tutor: Path) -> None:
    run = whole_run(tutor)
    document = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    write(run / "manifest.json", json.dumps(document | {"schema": 99}))
    assert "newer adapters_hub" in store.list_runs(tutor)[0].problem


def test_keys_that_this_version_does_not_know_are_ignored(tutor: Path) -> None:
    run = whole_run(tutor)
    document = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    write(run / "manifest.json", json.dumps(document | {"later": 1}))
    assert store.list_runs(tutor)[0].whole


def test_a_file_of_another_size_is_seen_at_a_glance(tutor: Path) -> None:
    run = whole_run(tutor)
    with (run / "adapter_model.safetensors").open("ab") as stream:
        stream.write(b"x")
    assert "another size" in store.list_runs(tutor)[0].problem


def test_a_single_changed_byte_is_found_before_attaching(tutor: Path) -> None:
    run = whole_run(tutor)
    file = run / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    (found,) = store.list_runs(tutor)
    assert found.whole
    with pytest.raises(HubError, match="SHA-256 differs"):
        store.adapter_of("sumas", found)


def test_an_untouched_run_becomes_an_adapter(tutor: Path) -> None:
    run = whole_run(tutor)
    adapter = store.adapter_of("sumas", store.read_run(run))
    assert (adapter.name, adapter.folder) == ("sumas", run)
    assert adapter.manifest is not None and adapter.manifest.stop_token_ids == (0, 2)


def test_an_unfinished_run_is_no_adapter(tutor: Path) -> None:
    with pytest.raises(HubError, match="unfinished"):
        store.adapter_of("sumas", store.read_run(store.start_run(tutor)))


def test_log_lines_come_back_and_a_torn_last_line_is_left_out(tutor: Path) -> None:
    run = store.start_run(tutor)
    records: list[dict[str, Any]] = [{"step": 1, "loss": 2.0}, {"step": 2, "nota": "ñ"}]
    for record in records:
        store.append_log(run, record)
    with (run / "log.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"step": 3, "lo')
    assert store.read_log(run) == records
    store.write_log(run, records[:1])
    assert store.read_log(run) == records[:1]


def test_a_run_without_log_has_an_empty_one(tutor: Path) -> None:
    assert store.read_log(store.start_run(tutor)) == []


def test_only_an_empty_run_is_discarded(tutor: Path) -> None:
    empty, used = store.start_run(tutor), store.start_run(tutor)
    store.append_log(used, {"step": 1})
    for run in (empty, used, empty):
        store.discard_if_empty(run)
    assert [run.folder for run in store.list_runs(tutor)] == [used]


def test_a_full_disk_is_a_matter_of_resources(tutor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.start_run(tutor)
    write_adapter(run, "mini", 2, 4.0)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="No space left"):
        store.finish_run(run, MANIFEST)
    assert not store.list_runs(tutor)[0].whole


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights do not bind this user")
def test_a_read_only_folder_is_a_matter_of_rights(tutor: Path) -> None:
    tutor.chmod(0o500)
    try:
        with pytest.raises(RightsError):
            store.start_run(tutor)
    finally:
        tutor.chmod(0o700)


def test_runs_that_are_a_file_are_told(tutor: Path) -> None:
    write(tutor / "runs", "")
    with pytest.raises(HubError, match="start a run"):
        store.start_run(tutor)


@pytest.mark.parametrize(
    "change",
    [{"sizes": None}, {"sizes": {"a": "b"}}, {"base": []}, {"metrics": 1}, {"stop_token_ids": 3}, {"schema": "1"}, {"created": 5}],
    ids=str,
)
def test_a_manifest_with_a_field_of_another_type_is_damaged(tutor: Path, change: dict[str, Any]) -> None:
    run = whole_run(tutor)
    document = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    write(run / "manifest.json", json.dumps(document | change))
    (found,) = store.list_runs(tutor)
    assert not found.whole and not found.unfinished and "is damaged" in found.problem


def test_a_damaged_run_counts_only_where_it_is_newer_than_the_one_in_use(tutor: Path) -> None:
    old, new = (whole_run(tutor, name) for name in ("20260101T000000Z-aaaa", "20260102T000000Z-bbbb"))
    write(old / "manifest.json", "[]")
    runs = store.list_runs(tutor)
    assert store.damage(runs, store.chosen_run(tutor)) == ""
    write(new / "manifest.json", "[]")
    assert new.name in store.damage(store.list_runs(tutor), None)
