"""Reading a tutor folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import make_tutor_folder, write

from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.tutors import read_base, read_tutor
from adapters_hub.types import Tutor
from adapters_hub.workspace import Workspace, find_workspace


def read(folder: Path, **options: object) -> Tutor:
    return read_tutor(folder, find_workspace(folder, environ={}), environ={}, options=options)


def test_a_tutor_is_its_folder_and_the_cascade(workspace: Path) -> None:
    tutor = read(workspace / "tutors" / "sumas", **{"lora.rank": 4})
    assert (tutor.name, tutor.title, tutor.language, tutor.locale) == ("sumas", "Sumas", "es", "es_ES")
    assert tutor.system_prompt == "Eres el tutor de sumas."
    assert tutor.base.engine == "echo"
    assert tutor.recipe.train.max_steps == 6
    assert tutor.recipe.lora.rank == 4


def test_an_empty_tutor_file_is_enough(workspace: Path) -> None:
    folder = workspace / "tutors" / "algebra_lineal"
    write(folder / "tutor.toml", "")
    write(folder / "system.md", "")
    tutor = read(folder)
    assert (tutor.title, tutor.system_prompt) == ("Algebra lineal", "")


def test_a_missing_system_prompt_is_told(workspace: Path) -> None:
    folder = workspace / "tutors" / "sumas"
    (folder / "system.md").unlink()
    with pytest.raises(NotFoundError, match=r"system\.md is missing"):
        read(folder)


def test_a_system_prompt_from_windows_is_read(workspace: Path) -> None:
    folder = workspace / "tutors" / "sumas"
    (folder / "system.md").write_bytes("\ufeffUno\r\ndos\r\n".encode())
    assert read(folder).system_prompt == "Uno\ndos"


def test_a_system_prompt_in_another_encoding_is_refused(workspace: Path) -> None:
    folder = workspace / "tutors" / "sumas"
    (folder / "system.md").write_bytes("Ñ".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        read(folder)


def test_a_folder_with_an_impossible_name_is_refused(workspace: Path) -> None:
    with pytest.raises(UsageError, match="cannot name a tutor"):
        read(make_tutor_folder(workspace / "tutors" / "Mi-Tutor"))


def test_a_language_without_locale_takes_the_usual_one(workspace: Path) -> None:
    folder = make_tutor_folder(workspace / "tutors" / "nombres")
    write(folder / "tutor.toml", '[tutor]\nlanguage = "en"\n')
    assert read(folder).locale == "en_US"
    write(folder / "tutor.toml", '[tutor]\nlanguage = "qu"\nlocale = "qu_PE"\n')
    assert read(folder).locale == "qu_PE"


def test_local_paths_of_the_base_are_relative_to_the_hub_file(workspace: Path) -> None:
    (workspace / "tutors" / "modelos" / "mia").mkdir(parents=True)
    write(workspace / "tutors" / "hub.toml", '[base]\nmodel = "modelos/mia"\nchat_template = "plantilla.jinja"\n')
    write(workspace / "tutors" / "plantilla.jinja", "")
    base = read_base(find_workspace(environ={}), environ={})
    assert base.model == str(workspace / "tutors" / "modelos" / "mia")
    assert base.chat_template == str(workspace / "tutors" / "plantilla.jinja")


def test_a_hub_id_stays_what_it_is(workspace: Path) -> None:
    write(workspace / "tutors" / "hub.toml", '[base]\nmodel = "org/model"\n')
    assert read_base(find_workspace(environ={}), environ={}).model == "org/model"


@pytest.mark.parametrize("name", ["algoritmos", "matematicas", "sql"])
def test_the_tutors_that_ship_can_be_read(name: str) -> None:
    folder = Path(__file__).parent.parent / "tutors" / name
    tutor = read(folder)
    assert tutor.validator.use[0] == "text" and tutor.validator.use[-1] == "terms" and len(tutor.validator.use) == 3
    assert tutor.description


@pytest.mark.parametrize("model", ["./nope", "../nope", "nope.gguf", "~nouser/nope"])
def test_a_missing_local_base_is_looked_up_beside_hub_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    file = write(tmp_path / "tutors" / "hub.toml", f'[base]\nmodel = "{model}"\n')
    monkeypatch.chdir(tmp_path)
    assert read_base(Workspace(file.parent, file), environ={}).model == str(file.parent / model)


def test_a_base_named_on_the_command_line_is_looked_up_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "tutors" / "hub.toml", "")
    monkeypatch.chdir(tmp_path)
    assert read_base(Workspace(file.parent, file), environ={}, options={"base.model": "./mine"}).model == "./mine"
