"""The library: tutors found by name, folder and choice, in the workspace that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import make_tutor_folder, write

from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.library import Library
from adapters_hub.plugins import Plugins
from adapters_hub.workspace import use_tutor


@pytest.fixture
def library(workspace: Path, plugins: Plugins) -> Library:
    return Library(plugins, environ={})


def test_the_workspace_of_the_current_folder_is_used_and_its_tutors_are_the_users_own(library: Library, workspace: Path) -> None:
    assert library.workspace.folder == workspace / "tutors"
    assert library.plugins.own_folder == workspace / "tutors"


def test_a_folder_that_was_named_is_the_only_place_that_is_looked_at(library: Library, tmp_path: Path) -> None:
    library.workspace_option = str(tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match=r"nowhere: no hub\.toml") as raised:
        _ = library.workspace
    assert raised.value.hint


def test_without_a_name_it_is_the_chosen_tutor(library: Library, workspace: Path) -> None:
    with pytest.raises(UsageError, match="which tutor"):
        library.load_tutor()
    use_tutor(workspace / "tutors", "restas")
    assert library.load_tutor().name == "restas"


def test_options_overrule_the_files(library: Library) -> None:
    assert library.load_tutor("sumas", {"train.max_steps": 3}).recipe.train.max_steps == 3


def test_several_tutors_are_loaded_in_order_and_none_twice(library: Library) -> None:
    assert [tutor.name for tutor in library.load_tutors(["sumas", "restas"])] == ["sumas", "restas"]
    for names, message in (([], "which tutor"), (["sumas", "tutors/sumas"], "named twice")):
        with pytest.raises(UsageError, match=message):
            library.load_tutors(names)


def test_a_broken_tutor_hides_no_other_one(library: Library, workspace: Path) -> None:
    write(workspace / "tutors/restas/tutor.toml", "[tutor\n")
    assert [tutor.name for tutor in library.readable_tutors()] == ["sumas"]


def test_a_tutor_of_another_workspace_is_ruled_by_that_one(library: Library, tmp_path: Path) -> None:
    write(tmp_path / "other/hub.toml", '[base]\nmodel = "somewhere/else"\n')
    folder = make_tutor_folder(tmp_path / "other/divisiones")
    assert library.load_tutor(str(folder)).base.model == "somewhere/else"
    assert library.load_base().model == "mini"


def test_a_damaged_choice_is_told_to_whoever_listens(workspace: Path, plugins: Plugins) -> None:
    write(workspace / "tutors/.hub/state.json", "{")
    heard: list[str] = []

    class Listener(Library):
        def warn(self, text: str) -> None:
            heard.append(text)

    _ = Listener(plugins, environ={}).workspace
    assert len(heard) == 1
    assert "state.json" in heard[0]
