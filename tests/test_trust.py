"""Which validator.py may run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import write

from adapters_hub.errors import NotFoundError, RightsError
from adapters_hub.trust import is_own, read_trusted, state_folder


class Asked:
    """Answers as told and keeps the questions."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.questions: list[str] = []

    def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("download") / "ajeno" / "validator.py", "x = 1\n")


def test_a_file_of_ones_own_workspace_runs_without_question(workspace: Path) -> None:
    file = write(workspace / "tutors" / "sumas" / "validator.py", "x = 1\n")
    asked = Asked(False)
    assert read_trusted(file, workspace / "tutors", asked) == b"x = 1\n"
    assert asked.questions == []


def test_a_file_from_elsewhere_asks_once(workspace: Path, elsewhere: Path) -> None:
    asked = Asked(True)
    read_trusted(elsewhere, workspace / "tutors", asked)
    read_trusted(elsewhere, workspace / "tutors", asked)
    assert len(asked.questions) == 1
    assert str(elsewhere) in asked.questions[0]


def test_an_edited_file_asks_again(workspace: Path, elsewhere: Path) -> None:
    asked = Asked(True)
    read_trusted(elsewhere, workspace / "tutors", asked)
    elsewhere.write_text("x = 2\n", encoding="utf-8")
    read_trusted(elsewhere, workspace / "tutors", asked)
    assert len(asked.questions) == 2


def test_no_means_no_and_is_not_remembered(workspace: Path, elsewhere: Path) -> None:
    with pytest.raises(RightsError) as caught:
        read_trusted(elsewhere, workspace / "tutors", Asked(False))
    assert "--yes" in caught.value.hint
    asked = Asked(True)
    read_trusted(elsewhere, workspace / "tutors", asked)
    assert len(asked.questions) == 1


def test_a_link_that_leads_out_of_the_workspace_asks(workspace: Path, elsewhere: Path) -> None:
    link = workspace / "tutors" / "sumas" / "validator.py"
    link.symlink_to(elsewhere)
    assert not is_own(link, workspace / "tutors")


def test_a_linked_tutor_folder_asks_too(workspace: Path, elsewhere: Path) -> None:
    link = workspace / "tutors" / "ajeno"
    link.symlink_to(elsewhere.parent, target_is_directory=True)
    assert not is_own(link / "validator.py", workspace / "tutors")


@pytest.mark.skipif(os.name == "nt", reason="files have no owner to compare")
def test_a_file_of_another_user_asks(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(workspace / "tutors" / "sumas" / "validator.py", "")
    assert is_own(file, workspace / "tutors")
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    assert not is_own(file, workspace / "tutors")


def test_without_workspace_everything_asks(elsewhere: Path) -> None:
    with pytest.raises(RightsError):
        read_trusted(elsewhere, None, Asked(False))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"accepted": 3}'])
def test_a_broken_record_accepts_nothing(elsewhere: Path, content: str) -> None:
    write(state_folder() / "trusted.json", content)
    with pytest.raises(RightsError):
        read_trusted(elsewhere, None, Asked(False))


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_trusted(tmp_path / "validator.py", None, Asked(True))


def test_the_state_folder_can_be_moved(tmp_path: Path) -> None:
    assert state_folder({"HUB_HOME": str(tmp_path)}) == tmp_path
    assert state_folder({}).name == "adapters-hub"
