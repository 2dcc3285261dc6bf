"""A new tutor's folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Hub, load_test_plugins

from adapters_hub.errors import ResourceError, RightsError, UsageError
from adapters_hub.scaffolding import LANGUAGES, make_tutor, make_workspace
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Attempt
from adapters_hub.workspace import find_workspace


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_tutor_can_be_read_and_has_enough_rows(workspace: Path, language: str) -> None:
    plugins = load_test_plugins()
    folder = make_tutor(workspace / "tutors", "nuevo", title='El "nuevo" ñ\\', language=language)
    tutor = read_tutor(folder, find_workspace(environ={}), environ={})
    assert (tutor.title, tutor.language) == ('El "nuevo" ñ\\', language)
    assert 'El "nuevo"' in tutor.system_prompt
    assert len(plugins.read_dataset(folder / tutor.dataset.train)) == 12
    assert len(plugins.read_dataset(folder / tutor.dataset.eval)) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_validator_judges_what_a_row_expects(workspace: Path, language: str) -> None:
    folder = make_tutor(workspace / "tutors", "nuevo", language=language)
    tutor = read_tutor(folder, find_workspace(environ={}), environ={})
    plugins = load_test_plugins(own_folder=workspace / "tutors")
    with plugins.tutor_local(tutor):
        validator = plugins.validator("nuevo")
    outcomes = [validator.judge(Attempt((), "Son 12.", expected=expected)).outcome for expected in ("12", 13, None)]
    assert outcomes == ["correct", "incorrect", "unverified"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_tutor_passes_the_check(workspace: Path, language: str, hub: Hub) -> None:
    if not (Path(__file__).parent.parent / "adapters_hub" / "cli" / "check.py").is_file():
        pytest.skip("hub check is not in this checkout")
    if not any(spec.name == "text" for spec in load_test_plugins().validators()):
        pytest.skip("hub-text is not in this checkout")
    assert hub("new", "nuevo", "--language", language).code == 0
    checked = hub("check", "nuevo")
    assert checked.code == 0, checked.out + checked.err


def test_a_folder_that_exists_is_left_alone(workspace: Path) -> None:
    before = sorted((workspace / "tutors" / "sumas").rglob("*"))
    with pytest.raises(UsageError, match="exists already"):
        make_tutor(workspace / "tutors", "sumas")
    assert sorted((workspace / "tutors" / "sumas").rglob("*")) == before


def test_a_bad_name_makes_no_folder(workspace: Path) -> None:
    with pytest.raises(UsageError, match="cannot name"):
        make_tutor(workspace / "tutors", "../fuera")
    assert not (workspace / "fuera").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights do not bind this user")
def test_a_read_only_workspace_is_a_matter_of_rights(workspace: Path) -> None:
    (workspace / "tutors").chmod(0o500)
    try:
        with pytest.raises(RightsError):
            make_tutor(workspace / "tutors", "nuevo")
    finally:
        (workspace / "tutors").chmod(0o700)


def test_a_new_workspace_can_be_found_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_workspace(tmp_path)
    assert find_workspace(tmp_path, environ={}) == made
    tutor = read_tutor(make_tutor(made.folder, "nuevo"), made, environ={})
    assert (tutor.base.model, tutor.recipe.train.learning_rate) == ("mini", 5e-3)


def test_a_full_disk_leaves_no_half_tutor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text = Path.write_text

    def full(file: Path, text: str, **options: Any) -> int:
        if file.name == "README.md":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(file, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ResourceError):
        make_tutor(tmp_path, "geometria")
    assert list(tmp_path.iterdir()) == []
