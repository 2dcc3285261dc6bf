"""Finding the workspace, naming tutors, remembering what was chosen."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from conftest import make_tutor_folder, write

from adapters_hub.errors import NotFoundError, ResourceError, RightsError, UsageError, from_os_error
from adapters_hub.workspace import (
    STATE_FILE,
    State,
    Workspace,
    check_name,
    find_tutor,
    find_workspace,
    nearest,
    proposed_name,
    read_state,
    shown,
    tutor_names,
    use_run,
    use_tutor,
    write_json,
    write_state,
)


def test_the_workspace_is_the_nearest_one_upward(workspace: Path) -> None:
    deep = workspace / "a" / "b"
    deep.mkdir(parents=True)
    assert find_workspace(deep, environ={}).folder == workspace / "tutors"
    assert find_workspace(workspace / "tutors" / "sumas", environ={}).folder == workspace / "tutors"


def test_a_hub_file_beside_the_tutors_folder_serves_too(tmp_path: Path) -> None:
    write(tmp_path / "hub.toml", "")
    make_tutor_folder(tmp_path / "tutors" / "sumas")
    assert find_workspace(tmp_path, environ={}) == Workspace(tmp_path / "tutors", tmp_path / "hub.toml")


def test_a_variable_names_the_workspace(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert find_workspace(elsewhere, environ={"HUB_WORKSPACE": str(workspace)}).folder == workspace / "tutors"
    assert find_workspace(elsewhere, environ={"HUB_WORKSPACE": str(workspace / "tutors")}).folder == workspace / "tutors"


def test_a_variable_that_names_no_workspace_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="HUB_WORKSPACE"):
        find_workspace(environ={"HUB_WORKSPACE": str(tmp_path)})


def test_without_workspace_the_hint_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_workspace(tmp_path, environ={})
    assert "hub new NAME" in caught.value.hint


def test_tutors_are_the_folders_with_a_tutor_file(workspace: Path) -> None:
    (workspace / "tutors" / "notas").mkdir()
    assert tutor_names(find_workspace(environ={})) == ("restas", "sumas")


@pytest.mark.parametrize("how", ["sumas", "tutors/sumas", "./tutors/sumas", "tutors/sumas/"])
def test_a_tutor_is_found_by_name_and_by_folder(workspace: Path, how: str) -> None:
    assert find_tutor(find_workspace(environ={}), how) == workspace / "tutors" / "sumas"


def test_a_tutor_folder_elsewhere_is_found_by_its_path(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = make_tutor_folder(tmp_path_factory.mktemp("download") / "ajeno")
    assert find_tutor(find_workspace(environ={}), str(folder)) == folder


def test_a_miss_names_the_nearest_tutor(workspace: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_tutor(find_workspace(environ={}), "suma")
    assert caught.value.hint == "did you mean 'sumas'?"


def test_a_miss_far_from_every_name_lists_them(workspace: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_tutor(find_workspace(environ={}), "zzz")
    assert caught.value.hint == "tutors here: restas, sumas"


def test_a_folder_that_is_no_tutor_says_what_is_missing(workspace: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no tutor\.toml"):
        find_tutor(find_workspace(environ={}), "tutors")


def test_climbing_out_by_name_is_not_possible(workspace: Path) -> None:
    make_tutor_folder(workspace / "fuera")
    with pytest.raises(NotFoundError):
        find_tutor(find_workspace(environ={}), "../nada")


@pytest.mark.parametrize("name", ["sql", "a1", "algebra_lineal", "a" * 31])
def test_good_names_pass(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a", "1a", "Álgebra", "a b", "a.b", "a-b", "../a", "a" * 32, "lora_", "lora", "or", "ra_", "lora_x", "base", "con", "sql\n"],
)
def test_names_that_break_files_or_adapters_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


def test_a_refused_name_comes_with_a_proposal() -> None:
    assert proposed_name("Álgebra Lineal 2") == "algebra_lineal_2"
    assert proposed_name("¿?") == ""


def test_nearest_finds_typing_mistakes_only() -> None:
    assert nearest("trian", ["train", "chat"]) == "train"
    assert nearest("xyz", ["train", "chat"]) == ""


def test_paths_are_shown_as_one_would_type_them(workspace: Path) -> None:
    assert shown(workspace / "tutors" / "sumas") == os.path.join("tutors", "sumas")
    assert shown(Path("/")) == "/"


def test_choices_are_remembered(tmp_path: Path) -> None:
    use_tutor(tmp_path, "sql")
    use_run(tmp_path, "sumas", "r1")
    use_run(tmp_path, "restas", "r2")
    use_run(tmp_path, "sumas", "")
    assert read_state(tmp_path) == State("sql", {"restas": "r2"})


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tutor": 1}', '{"runs": []}', '{"runs": {"a": 1}}', "\xff"])
def test_a_broken_state_file_counts_as_empty_and_says_so(tmp_path: Path, content: str) -> None:
    file = write(tmp_path / STATE_FILE, "")
    file.write_bytes(content.encode("latin-1"))
    state = read_state(tmp_path)
    assert (state.tutor, dict(state.runs)) == ("", {})
    assert "state.json cannot be read" in state.problem


def test_a_broken_state_file_is_mended_by_the_next_choice(tmp_path: Path) -> None:
    write(tmp_path / STATE_FILE, "{")
    use_tutor(tmp_path, "sql")
    assert read_state(tmp_path) == State("sql")


def test_writing_leaves_no_litter_and_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state(tmp_path, State("sql"))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="No space left"):
        write_state(tmp_path, State("otro"))
    assert read_state(tmp_path).tutor == "sql"
    assert [file.name for file in (tmp_path / ".hub").iterdir()] == ["state.json"]


def test_a_folder_without_rights_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RightsError, match="Permission denied"):
        write_json(tmp_path / "x.json", {})


def test_text_in_json_files_stays_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"título": "Ñandú"})
    assert "Ñandú" in (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"título": "Ñandú"}


def test_a_message_spells_out_what_would_steer_the_terminal(workspace: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_tutor(find_workspace(workspace, environ={}), "su\x1b[2Jma")
    assert "'su\\x1b[2Jma'" in caught.value.message


def test_a_hidden_folder_is_no_tutor(workspace: Path) -> None:
    make_tutor_folder(workspace / "tutors" / ".sumas.1234")
    assert tutor_names(find_workspace(workspace, environ={})) == ("restas", "sumas")


@pytest.mark.parametrize(
    ("doing", "number", "hint"),
    [
        ("read x", errno.EACCES, "readable"),
        ("write x", errno.EACCES, "writable"),
        ("read x", errno.EROFS, "writable"),
        ("use x", 1, "read and write"),
    ],
)
def test_the_hint_of_a_refusal_fits_what_was_tried(doing: str, number: int, hint: str) -> None:
    assert hint in from_os_error(PermissionError(number, "no"), doing).hint
