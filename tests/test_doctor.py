"""``hub doctor``: one screen that names what is broken and what to type, and is quick."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from conftest import Hub, load_test_plugins, make_tutor_folder, write
from dictated import trained_run
from test_light import loaded

from adapters_hub import store
from adapters_hub.cli import doctor
from adapters_hub.hookspecs import hookimpl
from adapters_hub.plugins import PluginInfo


@pytest.fixture(autouse=True)
def a_known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model cache, card or variable of the developer's."""
    for name in (*doctor.VARIABLES, "NO_COLOR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "_cards", list)


def lines(hub: Hub, *words: str, **options: Any) -> dict[str, dict[str, str]]:
    """Name -> the last line of that name."""
    return {line["name"]: line for line in hub("doctor", "--json", *words, **options).document["lines"]}


def test_everything_is_looked_at_and_told_with_its_level(hub: Hub, workspace: Path) -> None:
    document = hub("doctor", "--json").document
    assert document["schema"] == 1
    assert {line["section"] for line in document["lines"]} == set(doctor.SECTIONS)
    for line in document["lines"]:
        assert set(line) == {"section", "name", "level", "text", "hint"} and line["level"] in ("ok", "warning", "problem")
    assert sum(document["counts"].values()) == len(document["lines"])


def test_a_sound_machine_ends_with_0_and_a_line_that_says_so(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LITTLE_DISK", 0)
    monkeypatch.setattr(doctor, "LITTLE_MEMORY", 0)
    monkeypatch.setitem(doctor.SECTIONS, "sandbox", lambda house, full: iter(()))
    monkeypatch.setattr(doctor, "PACKAGES", ("click", "rich"))
    outcome = hub("doctor")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] in ("all well", "works, 1 warnings")  # a terminal without UTF-8 is a warning
    assert all(line.startswith(("✓", "!", " ")) for line in outcome.out.splitlines()[:-2])


def test_a_broken_plugin_and_a_broken_tutor_are_problems_and_end_with_1(hub: Hub, workspace: Path) -> None:
    def broken() -> Any:
        raise RuntimeError("boom")

    plugins = load_test_plugins()
    plugins.add(PluginInfo("bad", "installed", "1.2", "hub-bad"), broken)
    write(workspace / "tutors/restas/tutor.toml", "[tutor]\ntitel = 'x'\n")
    outcome = hub("doctor", "--json", plugins=plugins)
    assert outcome.code == 1
    found = {line["name"]: line for line in outcome.document["lines"]}
    assert (found["bad"]["level"], found["bad"]["hint"]) == ("problem", "mend or uninstall it: pip uninstall hub-bad")
    assert found["restas"]["level"] == "problem" and "did you mean 'title'?" in found["restas"]["text"]
    assert "2 problems" in hub("doctor", plugins=plugins).out or outcome.document["counts"]["problem"] > 2


def test_work_that_waits_to_be_continued_is_told_with_the_command(hub: Hub, workspace: Path) -> None:
    store.start_run(workspace / "tutors/restas")
    run = trained_run(workspace / "tutors/sumas")
    write(run.folder / "eval.partial.jsonl", "{}\n")
    found = lines(hub)
    assert (found["restas"]["level"], found["restas"]["hint"]) == ("warning", "hub train restas --resume")
    assert (found["sumas"]["level"], found["sumas"]["hint"]) == ("warning", f"hub eval sumas --run {run.id}")


def test_a_run_that_is_being_trained_now_is_no_complaint(hub: Hub, workspace: Path) -> None:
    run = store.start_run(workspace / "tutors/restas")
    lock = store.hold(run)
    try:
        found = lines(hub)["restas"]
        assert found["level"] == "ok" and "being trained right now" in found["text"]
    finally:
        lock.release()
    assert lines(hub)["restas"]["level"] == "warning", "a lock that nobody holds is no training"


def test_a_run_on_another_base_and_a_damaged_one_are_warnings(hub: Hub, workspace: Path) -> None:
    trained_run(workspace / "tutors/sumas")
    (trained_run(workspace / "tutors/restas").folder / "adapter_model.safetensors").write_bytes(b"short")
    write(workspace / "tutors/hub.toml", '[base]\nengine = "echo"\nmodel = "otra/base"\n')
    found = lines(hub)
    assert "was trained on mini" in found["sumas"]["text"] and found["sumas"]["hint"] == "hub train sumas"
    assert "cannot be used" in found["restas"]["text"]


def test_outside_a_workspace_the_way_in_is_a_warning(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = lines(hub)["workspace"]
    assert found["level"] == "warning" and "hub new NAME" in found["hint"]


@pytest.mark.parametrize(
    ("model", "level", "words"),
    [
        ("mini", "ok", "embedded"),
        ("./nowhere", "problem", "not found"),
        ("owner/model", "warning", "not on this machine yet"),
    ],
)
def test_the_base_is_looked_for_without_asking_the_network(
    hub: Hub, workspace: Path, model: str, level: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(workspace / "cache"))
    write(workspace / "tutors/hub.toml", f'[base]\nengine = "echo"\nmodel = "{model}"\n')
    found = lines(hub)["base"]
    assert found["level"] == level and words in found["text"]


def test_a_base_in_the_cache_is_found_and_a_missing_one_is_a_problem_offline(
    hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(workspace / "cache"))
    write(workspace / "tutors/hub.toml", '[base]\nengine = "echo"\nmodel = "owner/model"\n')
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert lines(hub)["base"]["level"] == "problem"
    assert lines(hub)["HF_HUB_OFFLINE"]["text"] == "1"
    write(workspace / "cache/hub/models--owner--model/snapshots/abc/model.safetensors", "x" * 2_000_000)
    found = lines(hub)["base"]
    assert found["level"] == "ok" and "2 MB" in found["text"]


def test_an_engine_that_nobody_offers_is_a_problem(hub: Hub, workspace: Path) -> None:
    write(workspace / "tutors/hub.toml", '[base]\nengine = "ecco"\n')
    found = lines(hub)["engine"]
    assert found["level"] == "problem" and found["hint"] == "did you mean 'echo'?"


def with_sandbox(monkeypatch: pytest.MonkeyPatch, *tiers: Any) -> None:
    monkeypatch.setitem(sys.modules, "adapters_hub.sandbox", types.SimpleNamespace(describe=lambda: list(tiers)))  # type: ignore[arg-type]


def tier(name: str, works: bool, *not_stopped: str) -> Any:
    return types.SimpleNamespace(name=name, works=works, detail=f"{name} detail", not_stopped=not_stopped)


def test_the_sandbox_that_works_says_what_it_does_not_stop(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_sandbox(monkeypatch, tier("landlock+seccomp", True, "reading the clock"), tier("monty", False))
    found = [line for line in hub("doctor", "--json").document["lines"] if line["section"] == "sandbox"]
    assert [(line["name"], line["level"]) for line in found] == [("landlock+seccomp", "ok")]
    assert found[0]["text"] == "landlock+seccomp detail; does not stop: reading the clock"


def test_without_any_sandbox_it_says_what_that_means(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_sandbox(monkeypatch, tier("landlock+seccomp", False), tier("monty", False))
    found = lines(hub)
    assert found["monty"]["level"] == "warning" and "pip install pydantic-monty" in found["sandbox"]["hint"]


def test_an_installation_without_sandbox_is_survived(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adapters_hub.sandbox", None)
    assert lines(hub)["sandbox"]["level"] == "warning"


def test_missing_packages_and_wrong_versions_are_told(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    monkeypatch.setattr(doctor, "PACKAGES", ("click", "nowhere-to-be-found"))
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["click>=99", 'rich>=99; extra == "dev"'])
    found = [line for line in hub("doctor", "--json").document["lines"] if line["name"] == "packages"]
    assert [(line["level"], line["hint"]) for line in found[1:]] == [
        ("problem", "pip install nowhere-to-be-found"),
        ("warning", 'pip install "click>=99"'),
    ]


def test_nothing_secret_is_printed(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HUB_SERVE_TOKEN", "secret-too")
    monkeypatch.setenv("HF_ENDPOINT", "https://user:secret@example.org/x")
    out = hub("doctor", "--json").out
    assert "secret" not in out
    assert json.loads(out) and "https://***@example.org/x" in out


def test_a_card_that_torch_cannot_use_is_a_warning(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_cards", lambda: ["NVIDIA GeForce RTX 3050, 4096 MiB, 550.1"])
    monkeypatch.setattr(doctor, "installed_versions", lambda names: {"torch": "2.13.0+cpu"})
    found = lines(hub)
    assert found["graphics card"]["text"].startswith("NVIDIA")
    assert found["torch"]["level"] == "warning"


def test_full_asks_torch(hub: Hub, workspace: Path) -> None:
    found = lines(hub, "--full")["torch"]
    assert found["level"] == "ok" and ("CPU" in found["text"] or "GB" in found["text"])


def test_a_doctor_who_stumbles_says_where_and_goes_on(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(house: Any, full: bool) -> Any:
        raise ZeroDivisionError("oops")

    monkeypatch.setitem(doctor.SECTIONS, "terminal", stumble)
    outcome = hub("doctor", "--json")
    assert outcome.code == 1
    found = {line["name"]: line for line in outcome.document["lines"]}
    assert found["terminal"]["text"] == "ZeroDivisionError: oops" and "workspace" in found


def test_a_plugin_that_was_blocked_on_purpose_is_only_a_warning(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Offer:
        @hookimpl
        def hub_validators(self) -> list[Any]:
            return []

    monkeypatch.setenv("HUB_BLOCK_PLUGINS", "unwanted")
    plugins = load_test_plugins()
    plugins.add(PluginInfo("unwanted", "installed"), Offer)
    assert lines(hub, plugins=plugins)["unwanted"]["level"] == "warning"


def test_the_doctor_imports_no_framework(workspace: Path) -> None:
    make_tutor_folder(workspace / "tutors/otra")
    _, modules = loaded("doctor", cwd=workspace)
    assert modules == []
