"""``hub import``: an adapter on this machine becomes a tutor; archives and folders are not believed."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Hub, write

from adapters_hub import importing, store
from adapters_hub.builtin.echo import write_adapter
from adapters_hub.sources import read_source
from adapters_hub.store import ADAPTER_FILES

CONFIG, WEIGHTS = ADAPTER_FILES


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """``models/phi-algoritmos``: as the old project and PEFT leave it."""
    folder = tmp_path / "models/phi-algoritmos"
    folder.mkdir(parents=True)
    write_adapter(folder, "mini", 2, 4.0)
    write(folder / "README.md", "---\nlibrary_name: peft\n---\n")
    for name in ("training_args.bin", "tokenizer.json", "tokenizer_config.json", "checkpoint-10/optimizer.pt", "validator.py"):
        write(folder / name, "raise SystemExit(9)")
    return folder


def packed(archive: Path, files: dict[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return archive


def files_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ADAPTER_FILES}


def nothing_came(workspace: Path) -> bool:
    return sorted(entry.name for entry in (workspace / "tutors").iterdir()) == ["hub.toml", "restas", "sumas"]


# --- a folder ------------------------------------------------------------------------------------


def test_a_folder_of_the_old_project_becomes_a_tutor(hub: Hub, workspace: Path, adapter: Path) -> None:
    done = hub("import", adapter, "--system", "Eres el tutor de algoritmos.")
    assert done.code == 0, done.err
    assert "phi_algoritmos" in done.out and "next: hub chat phi_algoritmos" in done.err
    assert "not taken: checkpoint-10, tokenizer.json, tokenizer_config.json, training_args.bin, validator.py" in done.err
    folder = workspace / "tutors/phi_algoritmos"
    assert {entry.name for entry in folder.iterdir()} == {"tutor.toml", "system.md", "README.md", "source.json", "runs"}
    tutor = hub("show", "phi_algoritmos", "--json").document["tutor"]
    assert tutor["system_prompt"] == "Eres el tutor de algoritmos." and tutor["validator"]["use"] == ["text"]
    assert hub("ask", "phi_algoritmos", "Hola", "--json").document["answer"] == "[phi_algoritmos] Hola"


def test_the_run_is_the_adapter_byte_for_byte_and_says_where_it_comes_from(hub: Hub, workspace: Path, adapter: Path) -> None:
    document = hub("import", adapter, "--as", "nuevo", "--json").document
    run = store.chosen_run(workspace / "tutors/nuevo")
    assert run is not None and run.id == document["run"] and run.manifest is not None
    assert files_of(run.folder) == files_of(adapter)
    source = read_source(workspace / "tutors/nuevo")
    assert source is not None and (source.kind, source.place) == ("file", str(adapter))
    assert (run.manifest.base.model, run.manifest.base.fingerprint) == ("mini", ""), "only its layers tell what it was trained on"


def test_the_folder_may_be_made_of_links_like_the_clients_cache(hub: Hub, workspace: Path, adapter: Path, tmp_path: Path) -> None:
    linked = tmp_path / "snapshot"
    linked.mkdir()
    for name in ADAPTER_FILES:
        (linked / name).symlink_to(adapter / name)
    assert hub("import", linked).code == 0
    run = store.chosen_run(workspace / "tutors/snapshot")
    assert run is not None and not any((run.folder / name).is_symlink() for name in ADAPTER_FILES)


def test_a_taken_name_wants_another(hub: Hub, workspace: Path, adapter: Path) -> None:
    done = hub("import", adapter, "--as", "sumas")
    assert done.code == 2 and "--as sumas_2" in done.err and nothing_came(workspace)


@pytest.mark.parametrize("name", ["../x", "auto", "con", "lora_x", "Mayus", "x"])
def test_a_name_that_cannot_be_is_refused(hub: Hub, workspace: Path, adapter: Path, name: str) -> None:
    assert hub("import", adapter, "--as", name).code == 2 and nothing_came(workspace)


def test_a_pickle_is_refused(hub: Hub, workspace: Path, adapter: Path) -> None:
    (adapter / WEIGHTS).rename(adapter / "adapter_model.bin")
    done = hub("import", adapter)
    assert done.code == 2 and "pickle (adapter_model.bin)" in done.err and nothing_came(workspace)


def test_a_tutor_a_model_and_an_empty_folder_are_no_adapters(hub: Hub, workspace: Path, tmp_path: Path) -> None:
    assert "is a tutor already" in hub("import", workspace / "tutors/sumas").err
    write(tmp_path / "model/config.json", "{}")
    done = hub("import", tmp_path / "model")
    assert done.code == 2 and "hub base use" in done.err
    (tmp_path / "empty").mkdir()
    assert "it has no adapter_config.json" in hub("import", tmp_path / "empty").err
    assert hub("import", tmp_path / "gone").code == 2 and nothing_came(workspace)


@pytest.mark.parametrize(
    "change", [{"peft_type": "IA3"}, {"r": 0}, {"r": "8"}, {"r": 10**9}, {"lora_alpha": float("nan")}, {"lora_alpha": "x"}], ids=str
)
def test_settings_of_something_else_are_refused(hub: Hub, workspace: Path, adapter: Path, change: dict[str, object]) -> None:
    config = json.loads((adapter / CONFIG).read_text())
    write(adapter / CONFIG, json.dumps(config | change))
    assert hub("import", adapter).code in (1, 2) and nothing_came(workspace)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff" * 8, (10**6).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"{}", (4).to_bytes(8, "little") + b"[[[["],
)
def test_damaged_weights_are_refused(hub: Hub, workspace: Path, adapter: Path, content: bytes) -> None:
    (adapter / WEIGHTS).write_bytes(content)
    done = hub("import", adapter)
    assert done.code == 1 and "damaged" in done.err and nothing_came(workspace)


@pytest.mark.parametrize("change", [lambda content: content + b"smuggled", lambda content: content[:-4]], ids=["longer", "shorter"])
def test_bytes_that_belong_to_nothing_are_refused(hub: Hub, workspace: Path, adapter: Path, change: Callable[[bytes], bytes]) -> None:
    (adapter / WEIGHTS).write_bytes(change((adapter / WEIGHTS).read_bytes()))
    done = hub("import", adapter)
    assert done.code == 1 and "belong to nothing" in done.err and nothing_came(workspace)


def header(adapter: Path, **entries: object) -> None:
    """Replace parts of the weights' header; None removes."""
    content = (adapter / WEIGHTS).read_bytes()
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    table = {key: value for key, value in {**table, **entries}.items() if value is not None}
    text = json.dumps(table).encode()
    (adapter / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
B = A.replace("lora_A", "lora_B")


@pytest.mark.parametrize(
    "entries",
    [
        {"lm_head.weight": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}},
        {A: None},
        {A: {"dtype": "F32", "shape": [2, 8], "data_offsets": [0, 32]}},
        {A: {"dtype": "F32", "shape": [2, 8], "data_offsets": [64, 128]}},
        {A: {"dtype": "I64", "shape": [2, 4], "data_offsets": [0, 64]}},
        {A: {"dtype": "F32", "shape": [-2, -8], "data_offsets": [0, 64]}},
        {A: {"dtype": "F32", "shape": [1, 16], "data_offsets": [0, 64]}},
        {A: "nothing"},
        {B: {"dtype": "F32", "shape": [8, 2], "data_offsets": [64, 10**9]}},
    ],
    ids=str,
)
def test_a_header_that_lies_is_refused(hub: Hub, workspace: Path, adapter: Path, entries: dict[str, object]) -> None:
    header(adapter, **entries)
    assert hub("import", adapter).code in (1, 2) and nothing_came(workspace)


# --- an archive ----------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", ["", "phi-algoritmos/", "models/phi/"])
def test_an_archive_is_read_wherever_the_adapter_lies_in_it(hub: Hub, workspace: Path, adapter: Path, tmp_path: Path, inner: str) -> None:
    files = {f"{inner}{name}": content for name, content in files_of(adapter).items()} | {f"{inner}training_args.bin": b"x"}
    done = hub("import", packed(tmp_path / "mi tutor.zip", files))
    assert done.code == 0, done.err
    assert "training_args.bin" in done.err
    run = store.chosen_run(workspace / "tutors/mi_tutor")
    assert run is not None and files_of(run.folder) == files_of(adapter)


@pytest.mark.parametrize("name", ["../evil.py", "/etc/passwd", "a/../../evil", "..\\evil", "C:/evil", "\\\\server\\x"])
def test_an_archive_that_leads_outside_is_refused(hub: Hub, workspace: Path, adapter: Path, tmp_path: Path, name: str) -> None:
    done = hub("import", packed(tmp_path / "evil.zip", {**files_of(adapter), name: b"x"}))
    assert done.code == 1 and "leads outside" in done.err and nothing_came(workspace)
    assert not (tmp_path / "evil.py").exists()


def test_a_link_in_an_archive_is_refused(hub: Hub, workspace: Path, adapter: Path, tmp_path: Path) -> None:
    archive = tmp_path / "link.zip"
    link = zipfile.ZipInfo("system.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in files_of(adapter).items():
            target.writestr(name, content)
        target.writestr(link, "/etc/passwd")
    done = hub("import", archive)
    assert done.code == 1 and "is a link" in done.err and nothing_came(workspace)


def test_a_bomb_is_refused_before_it_grows(hub: Hub, workspace: Path, adapter: Path, tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.zip", {**files_of(adapter), WEIGHTS: bytes(8 << 20)})
    done = hub("import", bomb)
    assert done.code == 1 and "grows" in done.err and nothing_came(workspace)
    huge = packed(tmp_path / "huge.zip", {**files_of(adapter), CONFIG: b"{" + b" " * (5 << 20) + b"}"})
    assert hub("import", huge).code == 1 and nothing_came(workspace)


def test_an_entry_larger_than_it_says_is_cut_off(adapter: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed(tmp_path / "liar.zip", files_of(adapter))) as opened:
        member = opened.getinfo(WEIGHTS)
        member.file_size -= 10
        with pytest.raises(zipfile.BadZipFile):
            importing._copy(opened, member, tmp_path / "out")
    assert (tmp_path / "out").stat().st_size <= member.file_size


def test_a_damaged_or_foreign_archive_is_told(hub: Hub, workspace: Path, adapter: Path, tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", files_of(adapter))
    content = bytearray(archive.read_bytes())
    content[60:90] = bytes(30)
    archive.write_bytes(content)
    assert hub("import", archive).code == 1
    assert "neither a folder nor a ZIP" in hub("import", write(tmp_path / "a.txt", "x")).err
    two = packed(tmp_path / "two.zip", {f"{folder}/{name}": c for folder in "ab" for name, c in files_of(adapter).items()})
    assert "several adapters" in hub("import", two).err and nothing_came(workspace)


# --- GGUF ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "said"), [(b"adapter", "LoRA in GGUF"), (b"model", "hub base use")])
def test_gguf_files_are_told_apart_and_refused(hub: Hub, workspace: Path, tmp_path: Path, kind: bytes, said: str) -> None:
    file = tmp_path / "x.gguf"
    text = b"general.type" + (8).to_bytes(4, "little") + len(kind).to_bytes(8, "little") + kind
    file.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + (1).to_bytes(8, "little") + (12).to_bytes(8, "little") + text)
    done = hub("import", file)
    assert done.code == 2 and said in done.err and nothing_came(workspace)


# --- with a description --------------------------------------------------------------------------


def test_a_copy_of_a_published_one_is_taken_with_its_description(hub: Hub, workspace: Path, adapter: Path) -> None:
    import hashlib

    write(adapter / "system.md", "Eres Ana.\n")
    files = {name: hashlib.sha256((adapter / name).read_bytes()).hexdigest() for name in (*ADAPTER_FILES, "system.md")}
    texts = dict.fromkeys(("license", "quantization", "template_sha256", "created", "run", "description", "locale"), "")
    document = {"schema": 1, "name": "copia", "version": "1.2.3", "title": "Copia", "language": "es", **texts}
    document |= {"base": {"model": "mini"}, "stop_token_ids": [], "files": files}
    write(adapter / "tutor.json", json.dumps(document))
    done = hub("import", adapter)
    assert done.code == 0, done.err
    assert hub("show", "copia", "--json").document["tutor"]["system_prompt"] == "Eres Ana."
    shutil.copyfile(adapter / "README.md", adapter / "system.md")
    done = hub("import", adapter, "--as", "otra")
    assert done.code == 1 and "system.md is not the file" in done.err


def test_what_was_imported_can_be_exported_and_imported_again(hub: Hub, workspace: Path, adapter: Path, tmp_path: Path) -> None:
    assert hub("import", adapter, "--as", "nuevo").code == 0
    done = hub("export", "nuevo", "--to", "peft", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    again = hub("import", tmp_path / "out", "--as", "vuelta")
    assert again.code == 0, again.err
    first, second = (store.chosen_run(workspace / "tutors" / name) for name in ("nuevo", "vuelta"))
    assert first is not None and second is not None
    assert (first.folder / WEIGHTS).read_bytes() == (second.folder / WEIGHTS).read_bytes()
