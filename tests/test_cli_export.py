"""``hub export`` from the command line: what is asked, what is told, and how it ends."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from conftest import Hub
from dictated import trained_run

from adapters_hub import store
from adapters_hub.builtin import exporters


@pytest.fixture
def run(workspace: Path) -> store.Run:
    return trained_run(workspace / "tutors/sumas")


def test_without_out_it_lands_in_this_folder_under_name_and_format(hub: Hub, run: store.Run, workspace: Path) -> None:
    done = hub("export", "sumas", "--to", "peft")
    assert done.code == 0, done.err
    assert (workspace / "sumas-peft/adapter_model.safetensors").read_bytes() == (run.folder / "adapter_model.safetensors").read_bytes()
    assert f"sumas-peft · peft · sumas@{run.id}" in done.out and "adapter_config.json" in done.out
    assert "next: hub import sumas-peft --as sumas_2" in done.err
    assert f"sumas@{run.id} was never compared with its base: hub eval sumas" in done.err


def test_an_archive_is_written_where_the_name_says_so(hub: Hub, run: store.Run, workspace: Path) -> None:
    assert hub("export", "sumas", "--to", "peft", "--out", "s.zip").code == 0
    assert "tutor.json" in zipfile.ZipFile(workspace / "s.zip").namelist()


def test_what_was_exported_can_be_imported_again(hub: Hub, run: store.Run, workspace: Path) -> None:
    assert hub("export", "sumas", "--to", "peft", "--out", "s.zip").code == 0
    done = hub("import", "s.zip", "--as", "otra")
    assert done.code == 0, done.err
    assert (workspace / "tutors/otra/system.md").read_text(encoding="utf-8").strip() == "Eres el tutor de sumas."


def test_json_holds_files_notes_and_the_next_command(hub: Hub, run: store.Run, workspace: Path) -> None:
    done = hub("export", "sumas", "--to", "peft", "--json")
    document = done.document
    assert document["format"] == "peft" and document["path"] == str(workspace / "sumas-peft")
    assert document["size"] == sum(file["size"] for file in document["files"]) and document["next"].startswith("hub import")


def test_a_chosen_run_is_exported(hub: Hub, run: store.Run, workspace: Path) -> None:
    newer = trained_run(workspace / "tutors/sumas", strength=8.0)
    assert newer.id in hub("export", "sumas", "--to", "peft", "--out", "new").out
    assert run.id in hub("export", "sumas", "--to", "peft", "--run", run.id, "--out", "old").out
    done = hub("export", "sumas", "--to", "peft", "--run", "20200101T000000Z-0000", "--out", "x")
    assert done.code == 3 and not (workspace / "x").exists()


def test_the_list_shows_every_format_with_its_options(hub: Hub, workspace: Path) -> None:
    done = hub("export", "--list")
    assert done.code == 0
    for spec in exporters.hub_exporters():
        assert spec.help in done.out
        assert all(f"  {option.name}=" in done.out for option in spec.options)
    named = hub("export", "--list", "--to", "gguf", "--json").document["formats"]
    assert [one["name"] for one in named] == ["gguf"]
    assert " ".join(named[0]["options"][1]["choices"]) == "f32 f16 bf16 q8_0 q5_1 q5_0 q4_1 q4_0"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("sumas",), 2, "--to says which format"),
        (("sumas", "--to", "pef"), 3, "did you mean 'peft'"),
        (("sumas", "--to", "peft", "--option", "base-ids=x"), 2, "did you mean 'base-id'"),
        (("sumas", "--to", "peft", "--option", "novalue"), 2, "is no KEY=VALUE"),
        (("sumas", "--to", "peft", "--all"), 2, "--all goes without NAME"),
        (("restas", "--to", "peft"), 3, "has not been trained yet"),
        (("nadie", "--to", "peft"), 3, "nadie"),
    ],
)
def test_what_cannot_be_meant_is_told_and_nothing_is_written(
    hub: Hub, run: store.Run, workspace: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    before = sorted(workspace.iterdir())
    done = hub("export", *words)
    assert done.code == code and said in done.err
    assert sorted(workspace.iterdir()) == before


def test_all_takes_every_trained_tutor_where_the_format_can(hub: Hub, run: store.Run, workspace: Path) -> None:
    assert hub("export", "--all", "--to", "peft", "--out", "one").code == 0, "only one of the two is trained"
    trained_run(workspace / "tutors/restas")
    refused = hub("export", "--all", "--to", "peft", "--out", "two")
    assert refused.code == 2 and "takes one tutor" in refused.err
    done = hub("export", "--all", "--to", "vllm", "--out", "served")
    assert done.code == 0, done.err
    modules = json.loads((workspace / "served/lora_modules.json").read_text())
    assert [module["name"] for module in modules] == ["restas", "sumas"]
    assert {module["base_model_name"] for module in modules} == {"mini"}
    assert (workspace / "served/base/model.safetensors").is_file(), "the embedded base travels along: it is on no Hub"


def test_an_existing_place_needs_force(hub: Hub, run: store.Run, workspace: Path) -> None:
    assert hub("export", "sumas", "--to", "peft").code == 0
    done = hub("export", "sumas", "--to", "peft")
    assert done.code == 2 and "exists already" in done.err
    assert hub("export", "sumas", "--to", "peft", "--force").code == 0


def test_force_replaces_an_archive_of_ours_and_nobody_elses_files(hub: Hub, run: store.Run, workspace: Path) -> None:
    with zipfile.ZipFile(workspace / "thesis.zip", "w") as archive:
        archive.writestr("thesis.tex", "years of work")
    (workspace / "base.gguf").write_bytes(b"GGUF" + bytes(5000))
    for name, format in (("thesis.zip", "peft"), ("base.gguf", "gguf")):
        before = (workspace / name).read_bytes()
        done = hub("export", "sumas", "--to", format, "--out", name, "--force")
        assert done.code == 2 and "no earlier export" in done.err and (workspace / name).read_bytes() == before
    assert hub("export", "sumas", "--to", "peft", "--out", "s.zip").code == 0
    assert hub("export", "sumas", "--to", "peft", "--out", "s.zip", "--force").code == 0
