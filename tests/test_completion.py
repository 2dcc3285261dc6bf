"""What the shell completes: commands, tutors, runs, bases, conversations; in real shells, and without heavy imports."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from conftest import REPOSITORY, Hub, load_test_plugins, make_tutor_folder, write
from dictated import trained_run
from test_light import loaded

from adapters_hub import store
from adapters_hub.cli import House, make_cli
from adapters_hub.cli._frame import VERBS
from adapters_hub.conversations import log_path
from adapters_hub.known_bases import CATALOGUE
from adapters_hub.workspace import use_tutor


def completed(*words: str) -> list[str]:
    """What follows ``hub`` and ``words``, of which the last one is being typed."""
    plugins = load_test_plugins()
    complete = ShellComplete(make_cli(plugins), {"obj": House(plugins)}, "hub", "_HUB_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


def test_commands_are_completed_with_their_help_and_without_importing_them(workspace: Path) -> None:
    assert completed("sw") == ["switch"]
    plugins = load_test_plugins()
    complete = ShellComplete(make_cli(plugins), {"obj": House(plugins)}, "hub", "_HUB_COMPLETE")
    items = {item.value: item.help for item in complete.get_completions([], "")}
    assert items["switch"] == VERBS["switch"] and items["doctor"] == VERBS["doctor"]
    assert "--json" in completed("--")


@pytest.mark.parametrize("verb", ["train", "show", "check", "chat", "ask", "eval", "config", "judge", "switch"])
def test_tutors_are_completed(workspace: Path, verb: str) -> None:
    assert completed(verb, "su") == ["sumas"]


def test_auto_is_completed_where_it_means_something(workspace: Path) -> None:
    make_tutor_folder(workspace / "tutors/algebra")
    assert completed("chat", "a") == ["algebra", "auto"] and completed("ask", "au") == ["auto"]
    assert completed("show", "a") == ["algebra"]


def test_the_question_itself_is_not_completed(workspace: Path) -> None:
    assert completed("ask", "sumas", "s") == []


def test_tutors_of_the_named_workspace_are_completed(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    write(other / "tutors/hub.toml", "")
    make_tutor_folder(other / "tutors/lejana")
    assert completed("--workspace", str(other), "show", "") == ["lejana"]


def test_runs_are_completed_behind_the_at_sign_newest_first(workspace: Path) -> None:
    first, second = (trained_run(workspace / "tutors/sumas") for _ in range(2))
    store.start_run(workspace / "tutors/sumas")
    ids = sorted([first.id, second.id], reverse=True)
    assert completed("switch", "sumas@") == ["sumas@newest", *(f"sumas@{run}" for run in ids)], "an unfinished run is none"
    assert completed("switch", f"sumas@{first.id}") == [f"sumas@{first.id}"]
    assert completed("switch", "restas@") == ["restas@newest"] and completed("switch", "nobody@x") == []


def test_a_run_that_the_shell_would_take_apart_is_not_offered(workspace: Path) -> None:
    for name in ("20260101T000000Z-a b", "$(id)", "line\nbreak", "20260101T000000Z-0009"):
        write(workspace / "tutors/sumas/runs" / name / "manifest.json", "{}")
    assert completed("switch", "sumas@") == ["sumas@newest", "sumas@20260101T000000Z-0009"]


def test_the_runs_of_the_tutor_that_was_named_are_completed(workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    assert completed("eval", "sumas", "--run", "") == [run.id]
    assert completed("eval", "sumas", "--run", run.id, "--compare", "2") == [run.id]
    assert completed("eval", "restas", "--run", "") == [] and completed("eval", "--run", "") == []
    use_tutor(workspace / "tutors", "sumas")
    assert completed("eval", "--run", "") == [run.id], "of the default tutor"


def test_bases_are_completed_from_the_catalogue_and_the_cache(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    assert completed("base", "") == ["list", "show", "use"] or set(completed("base", "")) == {"list", "show", "use"}
    assert set(completed("base", "use", "")) == {"mini", *(base.id for base in CATALOGUE)}
    assert completed("base", "use", "phi-2") == ["microsoft/phi-2"], "by the name alone"
    assert completed("base", "use", "QWEN/qwen2.5-0") == ["Qwen/Qwen2.5-0.5B-Instruct"]
    shutil.copytree(REPOSITORY / "adapters_hub/bases/mini", tmp_path / "hf/hub/models--some--one/snapshots/abc")
    write(tmp_path / "hf/hub/models--some--one/refs/main", "abc")
    assert completed("base", "use", "some") == ["some/one"]


def test_conversations_are_completed_and_a_damaged_log_is_silent(workspace: Path) -> None:
    assert completed("chat", "--id", "") == []
    file = log_path()
    file.parent.mkdir(parents=True)
    with sqlite3.connect(file) as log:
        log.execute("CREATE TABLE conversations (number INTEGER PRIMARY KEY, id TEXT, changed TEXT)")
        log.execute("CREATE TABLE turns (conversation INTEGER, position INTEGER, content TEXT)")
        log.executemany("INSERT INTO conversations VALUES (?, ?, ?)", [(1, "kfm3qp", "2026-01-01"), (2, "kzz2aa", "2026-01-02")])
        log.execute("INSERT INTO turns VALUES (2, 0, '¿Qué es una\n pila?')")
    log.close()
    assert completed("chat", "--id", "k") == ["kzz2aa", "kfm3qp"] and completed("ask", "--id", "kf") == ["kfm3qp"]
    file.write_bytes(b"nonsense" * 200)
    assert completed("chat", "--id", "") == []


def test_outside_a_workspace_nothing_is_offered_and_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("show", "") == [] and completed("switch", "x@") == [] and completed("eval", "--run", "") == []


@pytest.mark.parametrize(
    "line",
    [
        "hub ",
        "hub --",
        "hub train ",
        "hub switch sumas@",
        "hub eval sumas --run ",
        "hub base use ",
        "hub chat --id ",
        "hub ask su",
        "hub doctor --",
    ],
)
def test_completion_imports_nothing_heavy(workspace: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    trained_run(workspace / "tutors/sumas")
    monkeypatch.setenv("_HUB_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (not line.endswith(" "))))
    code, modules = loaded(cwd=workspace, extra=("rich", "tokenizers", "jinja2", "numpy"))
    assert (code, modules) == (0, [])


# --- in real shells ------------------------------------------------------------------------------


@pytest.fixture
def shell_home(hub: Hub, workspace: Path, tmp_path: Path) -> dict[str, str]:
    """An environment whose ``hub`` is this checkout, with the scripts where the shells look for them."""
    program = write(tmp_path / "bin/hub", f'#!/bin/sh\nexec "{sys.executable}" -m adapters_hub "$@"\n')
    program.chmod(0o755)
    for shell, name in (("bash", "bash.sh"), ("zsh", "zsh.sh"), ("fish", "home/.config/fish/completions/hub.fish")):
        write(tmp_path / name, hub("completion", shell).out)
    write(workspace / "tutors/sumas/runs/20260101T000000Z-0001/manifest.json", "{}")
    paths = {"PATH": f"{tmp_path / 'bin'}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), "HOME": str(tmp_path / "home")}
    return {**os.environ, **paths, "XDG_CONFIG_HOME": str(tmp_path / "home/.config")}


def run_shell(program: str, script: str, environ: dict[str, str], cwd: Path) -> str:
    done = subprocess.run([program, "-c", script], cwd=cwd, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bash_4_4() -> str | None:
    """A bash that can: that of macOS cannot."""
    program = shutil.which("bash")
    if program is None:
        return None
    version = subprocess.run([program, "-c", "echo ${BASH_VERSINFO[0]}${BASH_VERSINFO[1]}"], capture_output=True, text=True)
    return program if int(version.stdout) >= 44 else None


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("hub sw", ["switch"]),
        ("hub switch s", ["sumas"]),
        ("hub switch sumas@2026", ["@20260101T000000Z-0001"]),
        ("hub  eval sumas --run 2", ["20260101T000000Z-0001"]),
        ("hub base use microsoft/phi-", ["microsoft/phi-2"]),
        ("hub nonsense ", []),
    ],
)
def test_bash_completes(shell_home: dict[str, str], workspace: Path, tmp_path: Path, line: str, replies: list[str]) -> None:
    program = bash_4_4()
    if program is None:
        pytest.skip("no bash of version 4.4 or later")
    script = (
        f'source {tmp_path}/bash.sh; COMP_LINE="{line}"; COMP_POINT={len(line)}; _hub_completion hub; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    assert [word for word in run_shell(program, script, shell_home, workspace).splitlines() if word] == replies


def test_bash_gives_whole_words_where_the_at_sign_breaks_none(shell_home: dict[str, str], workspace: Path, tmp_path: Path) -> None:
    program = bash_4_4()
    if program is None:
        pytest.skip("no bash of version 4.4 or later")
    line = "hub switch sumas@2"
    script = (
        f'source {tmp_path}/bash.sh; COMP_WORDBREAKS=${{COMP_WORDBREAKS//@/}}; COMP_LINE="{line}"; COMP_POINT={len(line)}; '
        '_hub_completion hub; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert run_shell(program, script, shell_home, workspace).split() == ["sumas@20260101T000000Z-0001"]


def test_fish_completes(shell_home: dict[str, str], workspace: Path) -> None:
    program = shutil.which("fish")
    if program is None:
        pytest.skip("fish is not installed")
    found = run_shell(program, "complete -C 'hub switch sumas@2'; complete -C 'hub base use microsoft/p'", shell_home, workspace)
    assert [line.split("\t")[0] for line in found.splitlines()][:2] == ["sumas@20260101T000000Z-0001", "microsoft/phi-2"]


def test_zsh_understands_the_script(shell_home: dict[str, str], workspace: Path, tmp_path: Path) -> None:
    program = shutil.which("zsh")
    if program is None:
        pytest.skip("zsh is not installed")
    script = f"autoload -Uz compinit && compinit -D; source {tmp_path}/zsh.sh; print -r -- $_comps[hub]"
    assert run_shell(program, script, shell_home, workspace).strip() == "_hub_completion"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_comes_with_the_place_where_it_belongs(hub: Hub, workspace: Path, shell: str) -> None:
    outcome = hub("completion", shell)
    assert "_HUB_COMPLETE" in outcome.out and f"hub completion {shell} >> ~/." in outcome.err
    document: dict[str, Any] = hub("completion", shell, "--json").document
    assert document["shell"] == shell and document["script"] + "\n" == outcome.out and document["file"].startswith("~/")
