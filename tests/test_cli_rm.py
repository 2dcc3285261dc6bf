"""``hub rm``: what goes is said before, asked for, and gone for good; nothing outside the workspace is ever touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Hub, make_tutor_folder, write
from dictated import trained_run

from adapters_hub import store
from adapters_hub.cli import rm
from adapters_hub.sources import Source, write_source
from adapters_hub.workspace import read_state


@pytest.fixture
def pulled(workspace: Path) -> Path:
    """A tutor that came from elsewhere and was not touched since."""
    folder = workspace / "tutors/ajeno"
    texts = {}
    for name, text in {"tutor.toml": '[tutor]\ntitle = "Ajeno"\n', "system.md": "Eres ajeno.\n"}.items():
        texts[name] = store.sha256_of(write(folder / name, text))
    trained_run(folder)
    write_source(folder, Source("hub", "luis/ajeno", "a" * 40, "0.1.0", texts=texts))
    return folder


def test_without_somebody_to_ask_it_wants_yes(hub: Hub, workspace: Path) -> None:
    done = hub("rm", "sumas")
    assert done.code == 2 and "--yes" in done.err and "data/train.jsonl" in done.err
    assert (workspace / "tutors/sumas/tutor.toml").is_file()


def test_what_goes_is_said_with_its_size_and_is_gone_for_good(hub: Hub, workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    done = hub("rm", "sumas", "--yes")
    assert done.code == 0, done.err
    assert run.id in done.err and "written here: data/eval.jsonl, data/train.jsonl" in done.err
    assert "deleted for good" in done.err and "deleted sumas: 7 files" in done.out
    assert sorted(entry.name for entry in (workspace / "tutors").iterdir()) == ["hub.toml", "restas"]


def test_what_came_from_elsewhere_says_from_where_and_counts_as_nobodys_work(hub: Hub, pulled: Path) -> None:
    document = hub("rm", "ajeno", "--yes", "--json").document
    assert document["removed"] and document["work"] == [] and document["source"]["place"] == "luis/ajeno"
    assert not pulled.exists()


def test_texts_that_were_edited_here_are_work(hub: Hub, pulled: Path) -> None:
    write(pulled / "system.md", "El mío.\n")
    assert hub("rm", "ajeno", "--yes", "--json").document["work"] == ["system.md"]


def test_the_default_tutor_is_forgotten(hub: Hub, workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    assert hub("switch", f"sumas@{run.id}").code == 0
    done = hub("rm", "sumas", "--yes")
    state = read_state(workspace / "tutors")
    assert done.code == 0 and "default tutor" in done.err and state.tutor == "" and "sumas" not in state.runs


def test_one_run_goes_alone(hub: Hub, workspace: Path) -> None:
    folder = workspace / "tutors/sumas"
    first, second = trained_run(folder), trained_run(folder, strength=8.0)
    assert hub("switch", f"sumas@{first.id}").code == 0
    done = hub("rm", "sumas", "--run", first.id, "--yes")
    assert done.code == 0 and f"deleted sumas@{first.id}" in done.out and "newest run" in done.err
    assert [run.id for run in store.list_runs(folder)] == [second.id]
    chosen = store.chosen_run(folder)
    assert chosen is not None and chosen.id == second.id and (folder / "data/train.jsonl").is_file()


@pytest.mark.parametrize("run", ["20260101T000000Z-0000", "../../restas", ".", "..", "/etc"])
def test_a_run_that_is_none_is_not_found(hub: Hub, workspace: Path, run: str) -> None:
    trained_run(workspace / "tutors/sumas")
    assert hub("rm", "sumas", "--run", run, "--yes").code == 3
    assert (workspace / "tutors/restas/tutor.toml").is_file()


def test_an_unknown_tutor_is_not_found(hub: Hub, workspace: Path) -> None:
    done = hub("rm", "suma", "--yes")
    assert done.code == 3 and "sumas" in done.err


def test_outside_the_workspace_nothing_is_deleted(hub: Hub, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    write(other / "hub.toml", "")
    folder = make_tutor_folder(other / "fuera")
    done = hub("rm", folder, "--yes")
    assert done.code == 2 and "outside the workspace" in done.err and (folder / "tutor.toml").is_file()


def test_a_link_is_not_followed(hub: Hub, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = make_tutor_folder(tmp_path_factory.mktemp("other") / "enlace")
    (workspace / "tutors/enlace").symlink_to(target)
    done = hub("rm", "enlace", "--yes")
    assert done.code == 2 and "is a link" in done.err and (target / "tutor.toml").is_file()


def test_links_within_are_removed_and_their_targets_stay(hub: Hub, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("other")
    write(target / "precious.txt", "x")
    (workspace / "tutors/sumas/data/link").symlink_to(target)
    (workspace / "tutors/sumas/runs").symlink_to(target)
    assert hub("rm", "sumas", "--yes").code == 0
    assert (target / "precious.txt").is_file() and not (workspace / "tutors/sumas").exists()


def test_a_run_behind_a_link_is_left_alone(hub: Hub, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    run = trained_run(make_tutor_folder(tmp_path_factory.mktemp("other") / "otro"))
    (workspace / "tutors/sumas/runs").symlink_to(run.folder.parent)
    done = hub("rm", "sumas", "--run", run.id, "--yes")
    assert done.code == 2 and "behind a link" in done.err and run.folder.is_dir()


def test_what_is_being_trained_stays(hub: Hub, workspace: Path) -> None:
    import subprocess
    import sys

    run = store.start_run(workspace / "tutors/sumas")
    code = (
        "import sys, pathlib; from adapters_hub import store; x = store.hold(pathlib.Path(sys.argv[1])); print('held', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdin is not None and other.stdout.readline() == "held\n"
        done = hub("rm", "sumas", "--yes")
        other.stdin.write("\n")
    assert done.code == 2 and "being trained" in done.err and run.is_dir()
    assert hub("rm", "sumas", "--yes").code == 0


def test_a_broken_tutor_can_be_removed(hub: Hub, workspace: Path) -> None:
    write(workspace / "tutors/sumas/tutor.toml", "[[[")
    assert hub("rm", "sumas", "--yes").code == 0


class Terminal:
    """Somebody sits there."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code"), [("sumas", 0), ("y", 1), ("", 1), ("Sumas", 1)])
def test_work_of_ones_own_wants_its_name_typed(hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    monkeypatch.setattr(rm, "sys", type("sys", (), {"stdin": Terminal(), "stderr": Terminal()}))
    done = hub("rm", "sumas", input=f"{typed}\n")
    assert done.code == code and "exists nowhere else" in done.err
    assert (workspace / "tutors/sumas").exists() is (code != 0)
    if code:
        assert "nothing was deleted" in done.err
