"""Exporting: verified, with room, wholly or not at all, whoever wrote the exporter."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import load_test_plugins
from dictated import dictate, sit, trained_run, tutor_of

from adapters_hub import ExporterSpec, ExportJob, ExportOption, ExportResult, evaluating, exporting, hookimpl, store
from adapters_hub.contracts import ExportNeeds
from adapters_hub.errors import HubError, ResourceError, UsageError
from adapters_hub.exporting import Chosen, Exported, checked_options, export, unproven
from adapters_hub.plugins import PluginInfo

OPTIONS = (ExportOption("colour", "of the ink", "blue", ("blue", "red")), ExportOption("size", "in points", "12"))


def written(job: ExportJob) -> ExportResult:
    """An exporter as a plugin would have one."""
    job.out.mkdir()
    (job.out / "text.txt").write_text(f"{job.tutor.name} {job.options['colour']} {sorted(job.trained[0].beside)}")
    job.tell("writing")
    return ExportResult("cat {out}/text.txt", ("a note",))


SPEC = ExporterSpec("paper", "on paper", written, OPTIONS)


@pytest.fixture
def chosen(workspace: Path) -> Chosen:
    return Chosen(tutor_of(workspace), trained_run(workspace / "tutors/sumas"))


def to(out: Path, chosen: Chosen, spec: ExporterSpec = SPEC, *more: Chosen, force: bool = False, **options: str) -> Exported:
    return export(spec, [chosen, *more], out, load_test_plugins(), options=options, force=force)


def failing(error: BaseException) -> ExporterSpec:
    """Writes half of it."""

    def half(job: ExportJob) -> ExportResult:
        written(job)
        raise error

    return replace(SPEC, export=half)


# --- wholly --------------------------------------------------------------------------------------


def test_what_was_written_and_what_comes_next_is_told(chosen: Chosen, workspace: Path) -> None:
    done = to(workspace / "out", chosen, colour="red")
    assert (workspace / "out/text.txt").read_text() == "sumas red ['adapter_config.json', 'system.md', 'tutor.json']"
    assert [file.name for file in done.files] == ["export.json", "text.txt"]
    assert done.size == sum(file.stat().st_size for file in (workspace / "out").iterdir())
    assert done.next == "cat out/text.txt" and done.notes[0] == "a note" and done.tutors == (f"sumas@{chosen.run.id}",)


def test_the_record_says_what_it_is_made_of_and_names_no_path(chosen: Chosen, workspace: Path) -> None:
    to(workspace / "out", chosen)
    text = (workspace / "out/export.json").read_text()
    record = json.loads(text)
    assert record["format"] == "paper" and record["options"] == {"colour": "blue", "size": "12"}
    assert record["tutors"][0]["run"] == chosen.run.id and record["tutors"][0]["files"] == chosen.run.manifest.files  # type: ignore[union-attr]
    assert str(workspace) not in text


def test_folders_on_the_way_are_made(chosen: Chosen, workspace: Path) -> None:
    assert to(workspace / "a/b/out", chosen).path == workspace / "a/b/out"


# --- or not at all -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [HubError("broken"), KeyboardInterrupt(), OSError(28, "No space left on device"), RuntimeError("bug")])
def test_half_an_export_leaves_nothing(chosen: Chosen, workspace: Path, error: BaseException) -> None:
    before = sorted(workspace.rglob("*"))
    with pytest.raises((HubError, KeyboardInterrupt, RuntimeError)) as raised:
        to(workspace / "out", chosen, failing(error))
    assert sorted(workspace.rglob("*")) == before
    if isinstance(error, OSError):
        assert isinstance(raised.value, ResourceError)


def test_an_exporter_that_writes_nothing_is_told_so(chosen: Chosen, workspace: Path) -> None:
    with pytest.raises(HubError, match="wrote nothing"):
        to(workspace / "out", chosen, replace(SPEC, export=lambda job: ExportResult("x")))
    assert not (workspace / "out").exists()


def test_a_damaged_run_is_not_exported(chosen: Chosen, workspace: Path) -> None:
    file = chosen.run.folder / "adapter_model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(HubError, match="SHA-256 differs"):
        to(workspace / "out", chosen)
    assert not (workspace / "out").exists()


# --- what lies there -----------------------------------------------------------------------------


def test_what_lies_there_stays_without_force(chosen: Chosen, workspace: Path) -> None:
    to(workspace / "out", chosen)
    with pytest.raises(UsageError, match="exists already") as raised:
        to(workspace / "out", chosen, colour="red")
    assert "--force" in raised.value.hint and "blue" in (workspace / "out/text.txt").read_text()


def test_force_replaces_an_earlier_export_wholly(chosen: Chosen, workspace: Path) -> None:
    to(workspace / "out", chosen)
    (workspace / "out/old.txt").write_text("old")
    to(workspace / "out", chosen, colour="red", force=True)
    assert "red" in (workspace / "out/text.txt").read_text() and not (workspace / "out/old.txt").exists()
    assert not list(workspace.glob(".out.*"))


def test_force_that_fails_keeps_the_earlier_export(chosen: Chosen, workspace: Path) -> None:
    to(workspace / "out", chosen)
    with pytest.raises(HubError):
        to(workspace / "out", chosen, failing(HubError("broken")), force=True)
    assert "blue" in (workspace / "out/text.txt").read_text()


@pytest.mark.parametrize("name", ["tutors", "tutors/sumas", "notes.txt"])
def test_force_never_replaces_what_is_no_export(chosen: Chosen, workspace: Path, name: str) -> None:
    (workspace / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="no earlier export"):
        to(workspace / name, chosen, force=True)
    assert (workspace / "tutors/sumas/tutor.toml").is_file() and (workspace / "notes.txt").read_text() == "mine"


# --- options -------------------------------------------------------------------------------------


def test_options_left_out_have_their_defaults() -> None:
    assert checked_options(SPEC, {"size": "9"}) == {"colour": "blue", "size": "9"}


def test_an_unknown_option_names_the_nearest_one_and_all_findings_come_at_once() -> None:
    with pytest.raises(UsageError, match="did you mean 'colour'") as raised:
        checked_options(SPEC, {"color": "red", "colour": "green"})
    assert raised.value.details == ("--option colour=green: it must be one of blue, red",)


# --- room ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("needs", "what"), [(ExportNeeds(disk=1 << 50), "would be written"), (ExportNeeds(memory=1 << 50), "GB of RAM")])
def test_too_little_room_is_known_before_anything_begins(chosen: Chosen, workspace: Path, needs: ExportNeeds, what: str) -> None:
    begun: list[ExportJob] = []
    spec = replace(SPEC, needs=lambda job: needs, export=lambda job: begun.append(job) or written(job))  # type: ignore[func-returns-value]
    with pytest.raises(ResourceError, match=what):
        to(workspace / "out", chosen, spec)
    assert not begun and not (workspace / "out").exists()


def test_memory_is_told_before(chosen: Chosen, workspace: Path) -> None:
    told: list[str] = []
    spec = replace(SPEC, needs=lambda job: ExportNeeds(1000, 2_000_000_000))
    export(spec, [chosen], workspace / "out", load_test_plugins(), tell=told.append)
    assert "2.0 GB of RAM" in told[0] and told[1] == "writing"


# --- who is exported -----------------------------------------------------------------------------


def test_only_formats_that_say_so_take_several_tutors_and_of_one_base(chosen: Chosen, workspace: Path) -> None:
    other = Chosen(tutor_of(workspace, "restas"), trained_run(workspace / "tutors/restas"))
    with pytest.raises(UsageError, match="takes one tutor"):
        to(workspace / "out", chosen, SPEC, other)
    many = replace(SPEC, many=True)
    assert len(to(workspace / "out", chosen, many, other).tutors) == 2
    manifest = other.run.manifest
    assert manifest is not None
    store.finish_run(other.run.folder, replace(manifest, base=replace(manifest.base, fingerprint="0" * 64)))
    with pytest.raises(UsageError, match="trained on another base"):
        to(workspace / "x", chosen, many, Chosen(other.tutor, store.read_run(other.run.folder)))


@pytest.mark.parametrize(
    ("outcomes", "said"), [([("i", "c")] * 6, ""), ([("c", "i")] * 6, "not better than its base: 0.0% against 100.0%")]
)
def test_a_run_that_never_beat_its_base_says_so(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, outcomes: list[tuple[str, str]], said: str
) -> None:
    monkeypatch.setattr(evaluating, "draw_scores", lambda scores, topics, path, title: None)
    dictate(workspace / "tutors/sumas", outcomes)
    run = trained_run(workspace / "tutors/sumas")
    one = Chosen(tutor_of(workspace), run)
    assert "never compared" in unproven(one)
    sit(workspace)
    assert said in unproven(one) if said else unproven(one) == ""


def test_an_exporter_of_a_plugin_is_found_by_its_name(chosen: Chosen, workspace: Path) -> None:
    plugins = load_test_plugins()
    found: Callable[[], list[ExporterSpec]] = hookimpl(specname="hub_exporters")(lambda: [SPEC])
    plugins.add(PluginInfo("hub-paper", "installed"), lambda: SimpleNamespace(hub_exporters=found))
    assert plugins.exporter("paper") is SPEC and "paper" in [spec.name for spec in plugins.exporters()]


def test_the_machine_is_asked_about_the_disk_of_the_target(chosen: Chosen, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path | None] = []
    real = exporting.read_machine
    monkeypatch.setattr(exporting, "read_machine", lambda folder=None: asked.append(folder) or real(folder))  # type: ignore[func-returns-value]
    to(workspace / "deep/out", chosen)
    assert asked[0] is not None and asked[0].parent == workspace / "deep"
