"""``hub base``: what the base is, which could be had, and a change that says everything it brings with it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Hub, load_test_plugins, run_hub, write
from dictated import trained_run
from hub_server import HubServer, hub_server

from adapters_hub import base_files, choosing, hardware, store
from adapters_hub.base_files import EMBEDDED, HubModel
from adapters_hub.cli import House
from adapters_hub.cli import base as verb
from adapters_hub.errors import NetworkError, NotFoundError, RightsError
from adapters_hub.hardware import Card, TorchBuild
from adapters_hub.known_bases import CATALOGUE
from adapters_hub.scaffolding import HUB_TOML
from adapters_hub.settings import read_toml

GIB = 1 << 30
COMMIT = "c0ffee" * 6 + "c0ff"
QWEN, LLAMA, BIG = "Qwen/Qwen2.5-1.5B-Instruct", "meta-llama/Llama-3.2-1B-Instruct", "Qwen/Qwen2.5-7B-Instruct"


@pytest.fixture(autouse=True)
def a_laptop_with_4_gb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An RTX 3050 with a CUDA build of torch, and an empty cache of models."""
    monkeypatch.setattr(hardware, "read_cards", lambda: [Card("NVIDIA GeForce RTX 3050", 4 * GIB, "580.10", (8, 6))])
    monkeypatch.setattr(hardware, "torch_build", lambda: TorchBuild("2.13.0", "13.0"))
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


@pytest.fixture
def settings(workspace: Path) -> Path:
    """The workspace's hub.toml as ``hub new`` writes it, on the echo engine."""
    return write(
        workspace / "tutors/hub.toml", HUB_TOML.replace("[defaults", 'engine = "echo"\n\n[defaults', 1).replace("\n\nengine", "\nengine")
    )


@pytest.fixture
def obliging_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A Hub that has every model of the catalogue; yields what it was asked for."""
    asked: list[str] = []

    def ask(name: str, revision: str = "", **_: Any) -> HubModel:
        asked.append(f"{name}@{revision}")
        known = next(base for base in CATALOGUE if base.id == name)
        return HubModel(COMMIT, known.gated, known.download + 5_000_000, known.licence, tmp_path)

    monkeypatch.setattr(base_files, "ask_hub", ask)
    return asked


def cache(tmp_path: Path, name: str, *, commit: str = COMMIT) -> Path:
    """mini under another name in the cache of Hub models."""
    folder = tmp_path / "hf/hub" / f"models--{name.replace('/', '--')}"
    shutil.copytree(EMBEDDED["mini"], folder / "snapshots" / commit)
    write(folder / "refs/main", commit)
    return folder / "snapshots" / commit


# --- show ----------------------------------------------------------------------------------------


def test_the_base_is_shown_with_licence_memory_and_context(hub: Hub, settings: Path) -> None:
    outcome = hub("base")
    assert outcome.code == 0
    assert "apache-2.0" in outcome.out and "10.4 M parameters, 21 MB on disk" in outcome.out
    assert "1,024 tokens at once (4 KiB each)" in outcome.out and "RTX 3050, 4.0 GB" in outcome.out
    assert hub("base", "show").out == outcome.out


def test_the_tutors_that_stand_on_it_are_told_from_those_that_do_not(hub: Hub, settings: Path) -> None:
    run = trained_run(settings.parent / "sumas")
    document = hub("base", "--json").document
    assert {tutor["tutor"]: tutor["status"] for tutor in document["tutors"]} == {"sumas": "ready", "restas": "untrained"}
    write(settings, HUB_TOML.replace('"mini"', f'"{QWEN}"', 1))
    stale = next(tutor for tutor in hub("base", "--json").document["tutors"] if tutor["tutor"] == "sumas")
    assert (stale["status"], stale["run"], stale["why"]) == ("stale", run.id, "trained on mini")
    assert "trained on mini -> hub train sumas" in hub("base").out


def test_a_run_on_other_weights_of_the_same_base_is_stale(hub: Hub, settings: Path) -> None:
    run = trained_run(settings.parent / "sumas")
    manifest = json.loads((run.folder / store.MANIFEST).read_text())
    manifest["base"]["weights"] = "0" * 64
    write(run.folder / store.MANIFEST, json.dumps(manifest))
    tutor = next(tutor for tutor in hub("base", "--json").document["tutors"] if tutor["tutor"] == "sumas")
    assert tutor["why"] == "trained on other weights of mini"


def test_a_base_that_is_not_here_says_what_will_fetch_it(hub: Hub, settings: Path) -> None:
    write(settings, f'[base]\nmodel = "{QWEN}"\n')
    outcome = hub("base")
    assert "not on this machine yet" in outcome.out and "3.1 GB to fetch" in outcome.out
    document = hub("base", "--json").document
    assert document["folder"] is None and document["base"]["fit"]["kv_per_token"] == 28_672


def test_a_broken_local_base_is_shown_with_its_problem(hub: Hub, settings: Path) -> None:
    write(settings, '[base]\nmodel = "./nowhere"\n')
    outcome = hub("base")
    assert outcome.code == 0 and "not found" in outcome.out


def test_a_base_of_unknown_shape_is_shown_as_far_as_it_is_known(hub: Hub, settings: Path) -> None:
    write(settings.parent / "some.gguf", "GGUF")
    write(settings, '[base]\nmodel = "./some.gguf"\n')
    outcome = hub("base")
    assert outcome.code == 0 and "unknown: its files do not tell its shape" in outcome.out
    assert hub("base", "--json").document["base"]["fit"] is None


# --- list ----------------------------------------------------------------------------------------


def test_the_list_marks_what_fits_what_is_chosen_and_what_is_best(hub: Hub, settings: Path) -> None:
    out = hub("base", "list").out
    rows = {line[3:].split()[0]: line for line in out.splitlines() if line.startswith(("✓", "~", "✗"))}
    assert set(rows) == {"mini", *(base.id for base in CATALOGUE)}
    assert rows["mini"].startswith("✓*") and rows["HuggingFaceTB/SmolLM3-3B"].startswith("✓>")
    assert rows[BIG].startswith("✗") and "asks for a login" in rows[LLAMA] and "here" in rows["mini"]
    assert "best for this machine: HuggingFaceTB/SmolLM3-3B" in out


def test_the_list_as_json_has_the_figures_of_every_way_to_hold_the_weights(hub: Hub, settings: Path) -> None:
    document = hub("base", "list", "--json", "--tutors", "8").document
    assert (document["base"], document["best"], document["tutors"]) == ("mini", "HuggingFaceTB/SmolLM3-3B", 8)
    row = next(row for row in document["bases"] if row["name"] == QWEN)
    assert row["memory"]["nf4"] < row["memory"]["int8"] < row["memory"]["none"] == pytest.approx(3_087_000_000, rel=0.001)
    assert row["licence"] == "apache-2.0" and row["fit"]["adapters"] == pytest.approx(8 * 37e6, rel=0.01)


def test_more_tutors_leave_less_room(hub: Hub, settings: Path) -> None:
    def chats(tutors: int) -> int:
        rows = hub("base", "list", "--json", "--tutors", tutors).document["bases"]
        return int(next(row for row in rows if row["name"] == QWEN)["fit"]["conversations"])

    assert chats(1) > chats(20)


def test_the_list_works_outside_a_workspace(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    document = hub("base", "list", "--json").document
    assert document["base"] is None and document["tutors"] == 3


def test_what_is_in_the_cache_is_listed_too(hub: Hub, settings: Path, tmp_path: Path) -> None:
    cache(tmp_path, "someone/theirs")
    cache(tmp_path, QWEN)
    (tmp_path / "hf/hub/models--half--fetched/snapshots/abc").mkdir(parents=True)
    rows = {row["name"]: row for row in hub("base", "list", "--json").document["bases"]}
    assert rows["someone/theirs"]["here"] and rows["someone/theirs"]["licence"] == "apache-2.0"
    assert rows["someone/theirs"]["parameters"] == pytest.approx(10.36e6, rel=0.01)
    assert rows[QWEN]["here"] and not rows[LLAMA]["here"] and "half/fetched" not in rows


def test_a_base_of_ones_own_is_in_the_list_too(hub: Hub, settings: Path, workspace: Path) -> None:
    folder = shutil.copytree(EMBEDDED["mini"], workspace / "tutors/mine")
    hub("base", "use", folder)
    document = hub("base", "list", "--json").document
    assert document["bases"][-1]["name"] == document["base"] == str(folder)


def test_without_bitsandbytes_the_weights_are_not_reckoned_in_4_bits(hub: Hub, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "find_spec", lambda name: None)
    row = next(row for row in hub("base", "list", "--json").document["bases"] if row["name"] == QWEN)
    assert row["fit"]["quantization"] == "none" and row["fit"]["weights"] == row["memory"]["none"]


def test_a_machine_on_which_nothing_fits_is_told_so(hub: Hub, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "read_cards", lambda: [Card("NVIDIA GT 710", GIB, "580.10", (7, 5))])
    outcome = hub("base", "list")
    assert outcome.code == 0 and "no open base of the list fits this machine: use mini" in outcome.out


# --- use -----------------------------------------------------------------------------------------


def test_taking_a_base_writes_model_and_learning_rate_and_keeps_the_comments(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    before = settings.read_text()
    trained_run(settings.parent / "sumas")
    outcome = hub("base", "use", QWEN, "--no-download")
    assert outcome.code == 0 and obliging_hub == [f"{QWEN}@"]
    assert read_toml(settings) == {
        "base": {"model": QWEN, "engine": "echo"},
        "defaults": {"train": {"learning_rate": 2e-4, "batch_size": 4}},
    }
    assert [line.partition("#")[2] for line in settings.read_text().splitlines()] == [
        line.partition("#")[2] for line in before.splitlines()
    ]
    assert outcome.out.splitlines()[0] == f"mini -> {QWEN}"
    assert "[defaults.train] learning_rate: 0.005 -> 0.0002" in outcome.out
    assert "trained on mini -> hub train sumas" in outcome.out and "restas" not in outcome.out
    assert "fetched with the first hub train or hub ask (3.1 GB)" in outcome.err


def test_the_same_as_json(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    document = hub("base", "use", QWEN.lower(), "--no-download", "--json").document
    assert (document["from"]["model"], document["to"]["model"]) == ("mini", QWEN), "written as the Hub writes it"
    assert document["changed"]["defaults.train.learning_rate"] == {"from": 5e-3, "to": 2e-4}
    assert document["here"] is False and document["base"]["fit"]["verdict"] == "comfortable"


def test_the_way_back_to_mini_restores_its_learning_rate_and_finds_the_old_run(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    before = settings.read_text()
    trained_run(settings.parent / "sumas")
    hub("base", "use", QWEN, "--no-download")
    outcome = hub("base", "use", "mini")
    assert settings.read_text() == before
    assert "hub train" not in outcome.out


def test_an_older_run_on_the_new_base_is_offered_instead_of_a_training(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    old = trained_run(settings.parent / "sumas")
    new = trained_run(settings.parent / "sumas")
    manifest = json.loads((new.folder / store.MANIFEST).read_text())
    manifest["base"]["model"] = QWEN
    write(new.folder / store.MANIFEST, json.dumps(manifest))
    assert f"hub switch sumas@{old.id}" in hub("base").out
    assert "sumas" not in hub("base", "use", QWEN, "--no-download").out


def test_a_learning_rate_of_ones_own_is_not_touched_but_mentioned(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    write(settings, '[base]\nmodel = "mini"\n\n[defaults.train]\nlearning_rate = 3e-3\n')
    write(settings.parent / "sumas/tutor.toml", "[train]\nlearning_rate = 4e-3\n")
    outcome = hub("base", "use", QWEN, "--no-download")
    assert read_toml(settings)["defaults"]["train"]["learning_rate"] == 3e-3
    assert "learning_rate = 0.003 is high" in outcome.err and "tutor.toml of sumas" in outcome.err


def test_revision_and_quantization_are_written_and_a_foreign_revision_goes(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    hub("base", "use", QWEN, "--no-download", "--revision", "v1", "--quantization", "int8")
    assert obliging_hub == [f"{QWEN}@v1"]
    assert read_toml(settings)["base"] == {"model": QWEN, "engine": "echo", "revision": "v1", "quantization": "int8"}
    hub("base", "use", "mini")
    assert read_toml(settings)["base"]["revision"] == ""


def test_the_base_it_is_already_changes_nothing(hub: Hub, settings: Path) -> None:
    before = settings.read_bytes()
    outcome = hub("base", "use", "mini")
    assert outcome.code == 0 and settings.read_bytes() == before and "the base already" in outcome.out


def test_what_is_the_base_already_is_what_the_file_says(hub: Hub, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_BASE_MODEL", QWEN)
    assert hub("base", "use", "mini").out.startswith("mini is the base already")


def test_a_variable_that_overrules_the_file_is_told(
    hub: Hub, settings: Path, obliging_hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_BASE_MODEL", "mini")
    assert "HUB_BASE_MODEL in the environment overrules" in hub("base", "use", QWEN, "--no-download").err


def test_weak_spanish_no_template_and_narrow_terms_are_told(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    assert "no chat template" in (phi := hub("base", "use", "microsoft/phi-2", "--no-download").err) and "weak Spanish" in phi
    assert "does not allow every use" in hub("base", "use", "Qwen/Qwen2.5-3B-Instruct", "--no-download").err


def test_a_folder_is_checked_and_named_from_the_folder_of_hub_toml(hub: Hub, settings: Path, workspace: Path) -> None:
    shutil.copytree(EMBEDDED["mini"], workspace / "tutors/bases/mine")
    shutil.copytree(EMBEDDED["mini"], workspace / "elsewhere")
    assert hub("base", "use", "tutors/bases/mine").code == 0
    assert read_toml(settings)["base"]["model"] == "./bases/mine"
    assert hub("base", "use", "./elsewhere").code == 0
    assert read_toml(settings)["base"]["model"] == str((workspace / "elsewhere").resolve())
    assert read_toml(settings)["defaults"]["train"]["learning_rate"] == 5e-3, "a small base learns as mini does"


def test_an_incomplete_folder_is_refused_with_what_is_missing(hub: Hub, settings: Path, workspace: Path) -> None:
    before = settings.read_bytes()
    folder = Path(shutil.copytree(EMBEDDED["mini"], workspace / "half"))
    (folder / "model.safetensors").unlink()
    outcome = hub("base", "use", "./half")
    assert outcome.code == 3 and "no weights" in outcome.err and settings.read_bytes() == before


def test_the_embedded_base_has_no_revisions(hub: Hub, settings: Path) -> None:
    assert hub("base", "use", "mini", "--revision", "main").code == 2


def test_a_path_that_is_not_there_and_a_name_that_means_nothing(hub: Hub, settings: Path) -> None:
    assert hub("base", "use", "./nowhere").code == 3
    outcome = hub("base", "use", "phi-2")
    assert outcome.code == 3 and "did you mean microsoft/phi-2?" in outcome.err


def test_a_base_that_is_too_large_is_refused_with_smaller_ones_and_taken_with_yes(
    hub: Hub, settings: Path, obliging_hub: list[str]
) -> None:
    before = settings.read_bytes()
    outcome = hub("base", "use", BIG, "--no-download")
    assert outcome.code == 6 and settings.read_bytes() == before
    assert "does not fit NVIDIA GeForce RTX 3050, 4.0 GB with 3 tutors: it needs 5.8 GB" in outcome.err
    assert "open bases that fit here: Qwen/Qwen3-4B-Instruct-2507" in outcome.err
    assert hub("base", "use", BIG, "--no-download", "--yes").code == 0


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            RightsError("the base is gated", hint="ask for access"),
            5,
            f"open bases that fit here: TinyLlama/TinyLlama-1.1B-Chat-v1.0, {QWEN}",
        ),
        (NetworkError("the Hub cannot be reached", hint="check the network"), 4, "bases that are on this machine: someone/theirs, mini"),
        (NotFoundError("the Hub has no such model", hint="check the spelling"), 3, "open bases that fit here"),
    ],
)
def test_a_base_that_cannot_be_had_names_those_that_can(
    hub: Hub, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, told: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    cache(tmp_path, "someone/theirs")
    monkeypatch.setattr(base_files, "ask_hub", refuse)
    before = settings.read_bytes()
    outcome = hub("base", "use", LLAMA)
    assert outcome.code == code and told in outcome.err and settings.read_bytes() == before
    document = hub("base", "use", LLAMA, "--json").document
    assert document["error"]["code"] == error.code and told in document["error"]["details"][-1]  # type: ignore[attr-defined]


def test_a_cached_base_is_taken_without_asking_anybody(hub: Hub, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache(tmp_path, "someone/theirs")
    monkeypatch.setattr(base_files, "ask_hub", lambda *_, **__: pytest.fail("asked the Hub"))
    outcome = hub("base", "use", "someone/theirs")
    assert outcome.code == 0 and read_toml(settings)["base"]["model"] == "someone/theirs"


def test_too_little_disk_is_said_before_anything_is_fetched_or_written(
    hub: Hub, settings: Path, obliging_hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = hardware.read_machine()
    monkeypatch.setattr(verb, "read_machine", lambda folder: type(machine)(**{**machine.__dict__, "disk_free": 10**9}))
    before = settings.read_bytes()
    outcome = hub("base", "use", QWEN, "--download")
    assert outcome.code == 6 and "takes 3.1 GB on disk, 1.0 GB are free" in outcome.err and settings.read_bytes() == before


def test_somebody_who_looks_on_sees_what_has_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "hf/hub/models--owner--x/blobs/abc.incomplete", "x" * 700)
    write(tmp_path / "hf/hub/models--owner--x/blobs/def", "x" * 300)
    assert base_files.bytes_in_cache("owner/x") == 1000 and base_files.bytes_in_cache("owner/none") == 0
    looked = threading.Event()

    def arrived(*_: Any) -> int:
        looked.set()
        return 1000

    monkeypatch.setattr(base_files, "bytes_in_cache", arrived)
    monkeypatch.setattr(verb.sys.stderr, "isatty", lambda: True, raising=False)
    offer = choosing.Offer("owner/x", False, "", None, False, None, None, 0, 2000, None, None)
    with pytest.raises(NetworkError), verb._progress(House(load_test_plugins()), offer):
        assert looked.wait(5)
        raise NetworkError("lost")
    assert "download watcher" not in {thread.name for thread in threading.enumerate()}


def test_a_download_that_fails_leaves_the_former_base(
    hub: Hub, settings: Path, obliging_hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise NetworkError("the Hub cannot be reached to download it")

    monkeypatch.setattr(base_files, "locate_base", lost)
    before = settings.read_bytes()
    outcome = hub("base", "use", QWEN, "--download")
    assert outcome.code == 4 and "type it again" in outcome.err and settings.read_bytes() == before


def test_outside_a_workspace_nothing_is_taken(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub("base", "use", "mini").code == 3 and hub("base").code == 3


def test_a_hub_toml_that_lines_cannot_change_says_what_to_write(hub: Hub, settings: Path, obliging_hub: list[str]) -> None:
    write(settings, 'base = { model = "mini", engine = "echo" }\n')
    outcome = hub("base", "use", QWEN, "--no-download")
    assert outcome.code == 2 and f'[base] model = "{QWEN}"' in outcome.err


def test_every_known_difference_between_two_bases_is_named(settings: Path) -> None:
    run = trained_run(settings.parent / "sumas")
    base = base_files.BaseModel(model="mini")
    files = base_files.locate_base(base)
    assert choosing.other_base(run, base, files, "x") == "", "echo's adapters know no weights"
    assert choosing.other_base(run, base_files.BaseModel(model="owner/x"), None, "") == "trained on mini"


# --- with a Hub ----------------------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[HubServer]:
    """A Hub on this machine that serves mini as ``owner/small``, and a gated one."""
    with hub_server() as server:
        mini = {file.name: file.read_bytes() for file in EMBEDDED["mini"].iterdir() if file.is_file()}
        server.repository("owner/small", mini | {"README.md": b"---\nlicense: mit\n---\n"})
        server.repository("owner/gated", mini, gated="manual")
        server.repository("owner/empty", {"README.md": b""})
        yield server


def use(server: HubServer, workspace: Path, *words: str) -> Any:
    """``hub base use`` as a child process: the client reads its variables when it is imported."""
    variables = {"HF_ENDPOINT": server.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "CUDA_VISIBLE_DEVICES": ""}
    return run_hub("base", "use", *words, cwd=workspace, **variables)


def test_a_model_of_the_hub_is_described_fetched_and_taken(served: HubServer, settings: Path, workspace: Path) -> None:
    outcome = use(served, workspace, "owner/small", "--download", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.document["base"]["licence"] == "mit" and outcome.document["here"] is True
    assert outcome.document["base"]["fit"]["kv_per_token"] in (4096, 8192)
    assert read_toml(settings)["base"]["model"] == "owner/small"
    asked = len(served.asked)
    shown = run_hub("base", "--json", cwd=workspace, HF_ENDPOINT=served.url)
    assert (
        shown.document["revision"] == served.repositories["owner/small"].head.sha
        and shown.document["folder"]
        and len(served.asked) == asked
    )


def test_gated_missing_and_empty_models_end_with_their_codes(served: HubServer, settings: Path, workspace: Path) -> None:
    before = settings.read_bytes()
    gated = use(served, workspace, "owner/gated")
    assert gated.code == 5 and "is gated" in gated.err and "open bases that fit here" in gated.err
    missing = use(served, workspace, "owner/none")
    assert missing.code == 3 and "has no model 'owner/none'" in missing.err
    empty = use(served, workspace, "owner/empty")
    assert empty.code == 2 and "no safetensors" in empty.err
    assert settings.read_bytes() == before


def test_offline_nothing_is_asked(served: HubServer, settings: Path, workspace: Path) -> None:
    outcome = run_hub("base", "use", "owner/small", cwd=workspace, HF_ENDPOINT=served.url, HF_HUB_OFFLINE="1")
    assert outcome.code == 4 and "HF_HUB_OFFLINE forbids" in outcome.err and "on this machine: mini" in outcome.err
    assert served.asked == []
