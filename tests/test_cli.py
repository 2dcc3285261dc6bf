"""The front door: verbs, global options, and how errors end."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import click
import pytest
from conftest import REPOSITORY, Hub, load_test_plugins, make_tutor_folder, run_hub, write

from adapters_hub import errors, store
from adapters_hub.builtin.echo import identity_of, write_adapter
from adapters_hub.cli import House, pass_house
from adapters_hub.hookspecs import hookimpl
from adapters_hub.plugins import PluginInfo, Plugins
from adapters_hub.types import BaseModel, RunManifest
from adapters_hub.workspace import STATE_FILE


def trained(folder: Path, run_id: str, *, base: str = "mini", last: float = 0.6) -> Path:
    """A whole run of the tutor, without training it."""
    run = store.start_run(folder).rename(folder / "runs" / run_id)
    write_adapter(run, base, 2, 4.0)
    metrics = {"steps": 6, "first_loss": 3.0, "last_loss": 0.5, "held_out_first": 3.0, "held_out_last": last}
    identity = identity_of(BaseModel(model=base))
    store.finish_run(
        run, RunManifest(1, "", folder.name, "2026-01-02T03:04:05+00:00", identity, "none", "", "", (), "", {}, metrics, {}, {})
    )
    return run


def with_command(function: Any, name: str = "try") -> Plugins:
    """The plugins, with one that adds a command which calls ``function(house)``."""

    @click.command(name)
    @pass_house
    def command(house: House) -> None:
        """A command of a plugin."""
        function(house)

    @hookimpl
    def hub_register_commands(cli: click.Group) -> None:
        cli.add_command(command)

    plugins = load_test_plugins()
    plugins.add(PluginInfo("trying", "installed"), lambda: types.SimpleNamespace(hub_register_commands=hub_register_commands))
    return plugins


def raising(error: BaseException) -> Plugins:
    def fail(house: House) -> None:
        raise error

    return with_command(fail)


# --- help ----------------------------------------------------------------------------------------


def test_hub_alone_prints_the_help(hub: Hub) -> None:
    alone, asked = hub(), hub("--help")
    assert alone.code == asked.code == 0
    assert alone.out == asked.out
    assert "switch" in alone.out


def test_every_verb_has_help_without_a_workspace(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in (REPOSITORY / "adapters_hub" / "cli").glob("[!_]*.py"):
        outcome = hub(file.stem, "--help")
        assert outcome.code == 0 and "Usage: hub" in outcome.out


def test_the_version_is_printed(hub: Hub) -> None:
    assert hub("--version").out.startswith("hub 0.")


# --- errors --------------------------------------------------------------------------------------

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HubError)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_error_ends_with_its_code_and_lines_on_stderr(hub: Hub, kind: type[errors.HubError]) -> None:
    outcome = hub("try", plugins=raising(kind("what happened", hint="what to type", details=["one", "two"])))
    assert outcome.code == kind.exit_code
    assert outcome.err == "error: what happened\n  one\n  two\nhint: what to type\n"
    assert outcome.out == ""


@pytest.mark.parametrize("words", [("--json", "try"), ("try", "--json")])
def test_with_json_an_error_is_a_document_on_stdout(hub: Hub, words: tuple[str, ...]) -> None:
    outcome = hub(*words, plugins=raising(errors.NotFoundError("gone", hint="look", details=["a"])))
    assert outcome.code == 3
    assert outcome.document == {"error": {"code": "not_found", "message": "gone", "hint": "look", "details": ["a"]}}
    assert outcome.err == ""


def test_the_codes_are_those_that_are_documented() -> None:
    assert {kind.__name__: kind.exit_code for kind in KINDS} == {
        "HubError": 1,
        "UsageError": 2,
        "DataError": 2,
        "NotFoundError": 3,
        "NetworkError": 4,
        "RightsError": 5,
        "ResourceError": 6,
        "BusyError": 6,
        "BelowThresholdError": 7,
        "Interrupted": 130,
    }


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


class OperationalError(Exception):
    """Named like sqlite3's."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (EOFError(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 6),
        (OSError(errno.EROFS, "Read-only file system", "x"), 5),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 5),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), 3),
        (MemoryError(), 6),
        (OutOfMemoryError("CUDA out of memory"), 6),
        (OperationalError("database or disk is full"), 6),
        (click.UsageError("no such thing."), 2),
        (click.ClickException("it broke"), 1),
        (ValueError("x"), 1),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_nobody_foresaw_still_ends_well(hub: Hub, error: BaseException, code: int) -> None:
    outcome = hub("try", plugins=raising(error))
    assert outcome.code == code
    assert "Traceback" not in outcome.err
    assert outcome.err.startswith(("error: ", "\nerror: "))


def test_an_unexpected_fault_is_one_line_and_debug_shows_the_rest(hub: Hub) -> None:
    plugins = raising(ValueError("the cause"))
    short, long = hub("try", plugins=plugins), hub("try", "--debug", plugins=raising(ValueError("the cause")))
    assert short.err == "error: unexpected ValueError: the cause\nhint: this is a bug: run with --debug for the traceback\n"
    assert "Traceback" in long.err and "in fail" in long.err


def test_an_unknown_command_names_the_nearest(hub: Hub) -> None:
    outcome = hub("lst")
    assert (outcome.code, outcome.err) == (2, "error: no such command: lst\nhint: did you mean 'hub list'?\n")


def test_an_unknown_option_names_the_nearest(hub: Hub, workspace: Path) -> None:
    outcome = hub("config", "--orign")
    assert (outcome.code, outcome.err) == (2, "error: no such option: --orign\nhint: did you mean --origin?\n")


def test_a_missing_argument_points_to_the_help(hub: Hub) -> None:
    outcome = hub("new")
    assert outcome.code == 2
    assert outcome.err == "error: missing argument 'NAME'\nhint: hub new --help shows how\n"


def test_outside_a_workspace_the_way_in_is_shown(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = hub("list")
    assert outcome.code == 3
    assert "hub new NAME starts one here" in outcome.err


# --- global options ------------------------------------------------------------------------------


def test_global_options_may_stand_before_or_after_the_verb(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    before, after = hub("--workspace", workspace, "--json", "list"), hub("list", "--json", "--workspace", workspace)
    assert before.document == after.document
    assert [tutor["name"] for tutor in after.document["tutors"]] == ["restas", "sumas"]


def test_the_options_reach_the_house(hub: Hub) -> None:
    seen: dict[str, Any] = {}

    def look(house: House) -> None:
        seen.update(vars(house))

    assert hub("-q", "try", "-v", "--no-color", "--yes", plugins=with_command(look)).code == 0
    assert (seen["quiet"], seen["verbose"], seen["color"], seen["assume_yes"], seen["json"]) == (True, True, False, True, False)


def test_quiet_keeps_results_and_drops_notes(hub: Hub, workspace: Path) -> None:
    loud, quiet = hub("list"), hub("list", "-q")
    assert loud.out == quiet.out
    assert "hub train NAME" in loud.err and quiet.err == ""


def test_a_wrong_workspace_option_is_told(hub: Hub, tmp_path: Path) -> None:
    outcome = hub("list", "--workspace", tmp_path)
    assert outcome.code == 3
    assert "--workspace" in outcome.err


def test_nobody_is_asked_where_nobody_can_answer(hub: Hub) -> None:
    answers: list[bool] = []
    hub("try", plugins=with_command(lambda house: answers.append(house.confirm("Really?"))))
    hub("try", "--yes", plugins=with_command(lambda house: answers.append(house.confirm("Really?"))))
    assert answers == [False, True]


# --- verbs ---------------------------------------------------------------------------------------


def test_list_shows_every_tutor_and_its_status(hub: Hub, workspace: Path) -> None:
    tutors = workspace / "tutors"
    trained(tutors / "sumas", "20260101T000000Z-aaaa")
    store.start_run(tutors / "restas")
    trained(make_tutor_folder(tutors / "vieja"), "20260101T000000Z-aaaa", base="otra")
    write(make_tutor_folder(tutors / "rota") / "tutor.toml", "[tutor]\ntitel = 'x'\n")
    make_tutor_folder(tutors / "nueva")
    hub("switch", "sumas")
    document = hub("list", "--json").document
    assert document["schema"] == 1 and document["tutor"] == "sumas"
    statuses = {tutor["name"]: tutor["status"] for tutor in document["tutors"]}
    assert statuses == {"sumas": "trained", "restas": "unfinished", "vieja": "stale", "rota": "broken", "nueva": "untrained"}
    rota = next(tutor for tutor in document["tutors"] if tutor["name"] == "rota")
    assert "did you mean 'title'?" in rota["problem"]
    text = hub("list")
    assert "* sumas" in text.out.replace("*  ", "* ") and "3.00 -> 0.60" in text.out
    assert text.code == 0


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nobody look into ``folder``, as ``chmod 000`` does to all but root."""
    stat, read_bytes = Path.stat, Path.read_bytes

    def refuse(file: Path) -> None:
        if folder in file.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(file))

    def guarded_stat(file: Path, **options: Any) -> os.stat_result:
        refuse(file)
        return stat(file, **options)

    def guarded_read(file: Path) -> bytes:
        refuse(file)
        return read_bytes(file)

    monkeypatch.setattr(Path, "stat", guarded_stat)
    monkeypatch.setattr(Path, "read_bytes", guarded_read)


def test_a_tutor_that_may_not_be_looked_into_is_broken_and_the_others_are_listed(
    hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, workspace / "tutors" / "sumas")
    restas, sumas = hub("list", "--json").document["tutors"]
    assert (restas["status"], sumas["status"]) == ("untrained", "broken")
    assert "sumas" in sumas["problem"] and "Permission denied" in sumas["problem"]


def test_a_run_that_may_not_be_looked_into_is_shown_and_the_others_are_used(
    hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workspace / "tutors" / "sumas"
    old, new = (trained(folder, run) for run in ("20260101T000000Z-aaaa", "20260102T000000Z-bbbb"))
    forbid(monkeypatch, new)
    sumas = hub("list", "--json").document["tutors"][1]
    assert (sumas["status"], sumas["adapter"]) == ("trained", old.name)
    assert new.name in sumas["problem"] and "Permission denied" in sumas["problem"]


def test_a_tutor_file_nested_without_end_is_broken_not_fatal(hub: Hub, workspace: Path) -> None:
    write(workspace / "tutors" / "sumas" / "tutor.toml", "x = " + "[" * 100_000)
    restas, sumas = hub("list", "--json").document["tutors"]
    assert (restas["status"], sumas["status"]) == ("untrained", "broken")
    assert "nested too deeply" in sumas["problem"]


def test_a_damaged_run_is_told_and_with_no_whole_one_the_tutor_is_broken(hub: Hub, workspace: Path) -> None:
    folder = workspace / "tutors" / "sumas"
    old, new = (trained(folder, run) for run in ("20260101T000000Z-aaaa", "20260102T000000Z-bbbb"))
    write(new / "manifest.json", "[]")
    sumas = hub("list", "--json").document["tutors"][1]
    assert (sumas["status"], sumas["adapter"]) == ("trained", old.name)
    for verb in (("list",), ("show", "sumas")):
        outcome = hub(*verb)
        assert outcome.code == 0 and f"run {new.name} cannot be used" in outcome.err and "is damaged" in outcome.err
    write(old / "manifest.json", "[]")
    assert hub("list", "--json").document["tutors"][1]["status"] == "broken"


def test_a_tutor_folder_with_a_bad_name_is_called_so(hub: Hub, workspace: Path) -> None:
    make_tutor_folder(workspace / "tutors" / "mal.nombre")
    outcome = hub("show", "mal.nombre")
    assert outcome.code == 2
    assert "is not allowed" in outcome.err and "rename the folder, e.g. to 'mal_nombre'" in outcome.err


@pytest.mark.parametrize("name", ["~nouser/x", "x" * 5000, "a/" * 3000, "\x1b[2J"], ids=["no such user", "long", "deep", "escape"])
def test_a_name_that_no_file_could_have_is_not_found(hub: Hub, workspace: Path, name: str) -> None:
    outcome = hub("show", name)
    assert outcome.code == 3
    assert "\x1b" not in outcome.err and len(outcome.err) < 1000


def test_a_tutor_folder_elsewhere_brings_its_workspace(hub: Hub, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = workspace / "tutors" / "sumas"
    write(folder / "validator.py", "")
    outside = tmp_path.parent / f"{tmp_path.name}_outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    assert hub("check", folder, "--json").document["tutor"] == "sumas"
    assert hub("switch", folder).out == "no tutor -> sumas\n"
    assert json.loads((workspace / "tutors" / STATE_FILE).read_text())["tutor"] == "sumas"


def test_an_empty_workspace_says_how_to_go_on(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tutors" / "hub.toml", "")
    monkeypatch.chdir(tmp_path)
    outcome = hub("list")
    assert outcome.code == 0 and "hub new NAME" in outcome.err


def test_show_tells_what_a_tutor_is_made_of_and_marks_the_run_in_use(hub: Hub, workspace: Path) -> None:
    folder = workspace / "tutors" / "sumas"
    for run in ("20260101T000000Z-aaaa", "20260102T000000Z-bbbb"):
        trained(folder, run)
    (folder / "runs" / "20260103T000000Z-cccc").mkdir()
    document = hub("show", "sumas", "--json").document
    assert document["rows"] == {"train": 12, "eval": 1}
    assert document["tutor"]["recipe"]["train"]["max_steps"] == 6
    assert [(run["id"][:8], run["whole"], run["used"]) for run in document["runs"]] == [
        ("20260103", False, False),
        ("20260102", True, True),
        ("20260101", True, False),
    ]
    text = hub("show", "tutors/sumas").out
    assert "* 20260102T000000Z-bbbb  6 steps, loss 3.00 -> 0.50, held-out 3.00 -> 0.60" in text
    assert "unfinished" in text


def test_show_of_a_miss_says_what_was_meant(hub: Hub, workspace: Path) -> None:
    outcome = hub("show", "suma")
    assert (outcome.code, outcome.err) == (3, "error: tutor 'suma' not found in tutors\nhint: did you mean 'sumas'?\n")


def test_switch_sets_the_default_and_says_from_where_to_where(hub: Hub, workspace: Path) -> None:
    assert hub("switch", "sumas").out == "no tutor -> sumas\n"
    assert hub("switch", "tutors/restas").out == "sumas -> restas\n"
    assert hub("switch").out == "restas\n"
    assert hub("show", "--json").document["tutor"]["name"] == "restas"


def test_switch_rolls_back_to_another_run_and_forward_again(hub: Hub, workspace: Path) -> None:
    folder = workspace / "tutors" / "sumas"
    old, new = (trained(folder, run).name for run in ("20260101T000000Z-aaaa", "20260102T000000Z-bbbb"))
    back = hub("switch", f"sumas@{old}", "--json").document
    assert (back["from"], back["to"]) == ({"tutor": None, "run": new}, {"tutor": "sumas", "run": old})
    used = store.chosen_run(folder)
    assert used is not None and used.id == old
    forward = hub("switch", "sumas@newest")
    assert f"run {old} -> {new}" in forward.out


@pytest.mark.parametrize("target", ["sumas@nada", "nadie", "nadie@x"])
def test_switch_to_something_that_is_not_there_changes_nothing(hub: Hub, workspace: Path, target: str) -> None:
    trained(workspace / "tutors" / "sumas", "20260101T000000Z-aaaa")
    hub("switch", "restas")
    before = (workspace / "tutors" / STATE_FILE).read_bytes()
    assert hub("switch", target).code == 3
    assert (workspace / "tutors" / STATE_FILE).read_bytes() == before


def test_switch_away_from_a_run_that_is_gone_works(hub: Hub, workspace: Path) -> None:
    folder = workspace / "tutors" / "sumas"
    old, new = (trained(folder, run) for run in ("20260101T000000Z-aaaa", "20260102T000000Z-bbbb"))
    hub("switch", f"sumas@{old.name}")
    for file in old.iterdir():
        file.unlink()
    old.rmdir()
    assert hub("show", "sumas").code == 0
    assert hub("switch", "sumas@newest").out.endswith(f"run {old.name} -> {new.name}\n")


def test_a_broken_state_file_is_a_warning(hub: Hub, workspace: Path) -> None:
    write(workspace / "tutors" / STATE_FILE, "{")
    outcome = hub("list")
    assert outcome.code == 0
    assert outcome.err.startswith("warning: ")


def test_with_one_tutor_nobody_needs_to_choose(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tutors" / "hub.toml", '[base]\nengine = "echo"\n')
    make_tutor_folder(tmp_path / "tutors" / "sola")
    monkeypatch.chdir(tmp_path)
    assert hub("show", "--json").document["tutor"]["name"] == "sola"


def test_with_several_and_none_chosen_the_names_are_listed(hub: Hub, workspace: Path) -> None:
    outcome = hub("show")
    assert outcome.code == 2
    assert "restas, sumas" in outcome.err


def test_config_shows_values_and_origins(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TRAIN_SEED", "11")
    settings = hub("config", "sumas", "--json").document["settings"]
    assert settings["train.seed"] == {"value": 11, "origin": "HUB_TRAIN_SEED"}
    assert settings["tutor.title"] == {"value": "Sumas", "origin": os.path.join("tutors", "sumas", "tutor.toml")}
    assert settings["train.max_steps"]["origin"] == os.path.join("tutors", "hub.toml")
    line = next(line for line in hub("config", "sumas", "--origin").out.splitlines() if line.startswith("train.seed"))
    assert line.split("#")[1].strip() == "HUB_TRAIN_SEED"
    assert "#" not in hub("config").out


def test_config_of_a_broken_tutor_lists_all_faults(hub: Hub, workspace: Path) -> None:
    write(workspace / "tutors" / "sumas" / "tutor.toml", "[train]\nepoch = 1\nseed = -1\n")
    outcome = hub("config", "sumas")
    assert outcome.code == 2
    assert "did you mean 'epochs'?" in outcome.err and "below 0" in outcome.err


def test_plugins_are_listed_with_the_cause_of_a_broken_one(hub: Hub) -> None:
    def broken() -> Any:
        raise RuntimeError("boom")

    plugins = load_test_plugins()
    plugins.add(PluginInfo("bad", "installed", "1.2", "hub-bad"), broken)
    listed = hub("plugins", "--json", plugins=plugins).document["plugins"]
    bad = next(info for info in listed if info["name"] == "bad")
    assert (bad["version"], bad["origin"], bad["problem"]) == ("1.2", "installed", "RuntimeError: boom")
    echo = next(info for info in listed if info["name"] == "echo")
    assert echo["hooks"] == ["hub_engines"] and echo["origin"] == "built-in"
    assert "bad is left out: RuntimeError: boom" in hub("plugins", plugins=plugins).out


def test_a_broken_plugin_is_a_warning_and_the_command_goes_on(hub: Hub, workspace: Path) -> None:
    def broken() -> Any:
        raise RuntimeError("boom")

    plugins = load_test_plugins()
    plugins.add(PluginInfo("bad", "installed"), broken)
    outcome = hub("list", plugins=plugins)
    assert outcome.code == 0
    assert "warning: plugin 'bad' is left out: RuntimeError: boom" in outcome.err


def test_a_plugins_command_stands_in_the_help_and_takes_global_options(hub: Hub) -> None:
    plugins = with_command(lambda house: house.emit({"ok": True}))
    assert "A command of a plugin." in hub("--help", plugins=plugins).out
    assert hub("try", "--json", plugins=with_command(lambda house: house.emit({"ok": True}))).document == {"ok": True}


def test_a_plugin_cannot_replace_a_verb(hub: Hub, workspace: Path) -> None:
    plugins = with_command(lambda house: house.show("hijacked"), name="list")
    outcome = hub("list", plugins=plugins)
    assert "hijacked" not in outcome.out
    assert "command 'list' has the name of one that exists already" in outcome.err


def test_new_makes_a_tutor_and_says_what_is_next(hub: Hub, workspace: Path) -> None:
    outcome = hub("new", "geometria", "--title", "Geometría")
    assert outcome.code == 0 and "hub train geometria" in outcome.err
    assert hub("show", "geometria", "--json").document["tutor"]["title"] == "Geometría"


def test_new_starts_a_workspace_where_there_is_none(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    document = hub("new", "geometria", "--json").document
    assert document["folder"] == str(tmp_path / "tutors" / "geometria")
    assert "tutor.toml" in document["files"]
    assert hub("list").code == 0


def test_new_with_a_bad_name_starts_no_workspace(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub("new", "Mi Tutor").code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(hub: Hub, shell: str) -> None:
    assert "_HUB_COMPLETE" in hub("completion", shell).out


@pytest.mark.parametrize(("typed", "offered"), [("hub show su", "sumas"), ("hub sw", "switch"), ("hub switch re", "restas")])
def test_the_shell_completes_verbs_and_tutors(workspace: Path, typed: str, offered: str) -> None:
    words = typed.split()
    outcome = run_hub(cwd=workspace, _HUB_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1))
    assert outcome.out.split() == [f"plain,{offered}"]


@pytest.mark.parametrize("words", [("list",), ("show", "sumas"), ("switch",), ("config",), ("config", "sumas"), ("plugins",)], ids=" ".join)
def test_every_reading_command_prints_one_json_document(hub: Hub, workspace: Path, words: tuple[str, ...]) -> None:
    outcome = hub(*words, "--json")
    assert outcome.document["schema"] == 1
    assert len(outcome.out.splitlines()) == 1


# --- as a process --------------------------------------------------------------------------------


def test_a_process_ends_with_the_code_of_the_error(workspace: Path) -> None:
    outcome = run_hub("show", "suma", cwd=workspace)
    assert (outcome.code, outcome.out) == (3, "")
    assert "did you mean 'sumas'?" in outcome.err


def test_a_reader_that_leaves_early_is_no_error(workspace: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = f'"{sys.executable}" -m adapters_hub config sumas | true; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], cwd=workspace, env=environ, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.strip() == "0"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_with_130_and_no_traceback(workspace: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    code = (
        "import time, click\n"
        "from adapters_hub.cli import make_cli\n"
        "from adapters_hub.plugins import load_plugins\n"
        "cli = make_cli(load_plugins(entry_points=[]))\n"
        "cli.add_command(click.Command('wait', callback=lambda: (print('ready', flush=True), time.sleep(30))))\n"
        "cli.main(['wait'])\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "Traceback" not in err and "error: interrupted" in err


def test_accented_text_survives_a_pipe_in_the_c_locale(workspace: Path) -> None:
    write(workspace / "tutors" / "sumas" / "tutor.toml", '[tutor]\ntitle = "Matemáticas ñandú"\n')
    outcome = run_hub("list", "--json", cwd=workspace, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="")
    assert outcome.code == 0
    assert json.loads(outcome.out)["tutors"][1]["title"] == "Matemáticas ñandú"
