"""The cascade of settings."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from conftest import write
from hypothesis import given
from hypothesis import strategies as st

from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.settings import SECTIONS, TutorCard, read_settings, read_toml, settings_table
from adapters_hub.types import BaseModel, ChatSettings, LoraSettings, TrainSettings, ValidatorSettings


def details(*, hub: str = "", tutor: str = "", folder: Path, environ: dict[str, str] | None = None, **options: Any) -> tuple[str, ...]:
    """The findings about these files."""
    with pytest.raises(UsageError) as caught:
        read_settings(
            write(folder / "hub.toml", hub), write(folder / "tutor.toml", tutor), environ=environ or {}, options=options.get("options")
        )
    return caught.value.details


def test_without_sources_every_value_is_the_built_in_one() -> None:
    settings = read_settings(environ={})
    assert settings.section(TrainSettings) == TrainSettings()
    assert settings.section(LoraSettings) == LoraSettings()
    assert settings.section(ValidatorSettings) == ValidatorSettings(options={})
    assert {entry.origin for entry in settings.entries.values()} == {"built-in"}


def test_each_source_overrules_the_one_before(tmp_path: Path) -> None:
    hub = write(tmp_path / "hub.toml", "[defaults.train]\nepochs = 2\nseed = 2\nbatch_size = 2\nmax_steps = 2\n")
    tutor = write(tmp_path / "tutor.toml", "[train]\nseed = 3\nbatch_size = 3\nmax_steps = 3\n")
    environ = {"HUB_TRAIN_BATCH_SIZE": "4", "HUB_TRAIN_MAX_STEPS": "4"}
    settings = read_settings(hub, tutor, environ=environ, options={"train.max_steps": 5})
    train = settings.section(TrainSettings)
    assert (train.epochs, train.seed, train.batch_size, train.max_steps) == (2.0, 3, 4, 5)
    origins = [settings.entries[f"train.{key}"].origin for key in ("clip", "epochs", "seed", "batch_size", "max_steps")]
    assert origins[0] == "built-in"
    assert origins[1].endswith("hub.toml") and origins[2].endswith("tutor.toml")
    assert origins[3:] == ["HUB_TRAIN_BATCH_SIZE", "option"]


def test_an_option_that_was_not_given_changes_nothing() -> None:
    assert read_settings(environ={}, options={"train.seed": None}).entries["train.seed"].origin == "built-in"


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings(environ={"HUB_TRAIN_SEED": ""}).section(TrainSettings).seed == 7


def test_variables_of_other_programs_are_left_alone() -> None:
    read_settings(environ={"HUB_HOST": "x", "HUBBLE_TRAIN_SEED": "x", "HUB_TRAINS_X": "1", "HUB_WORKSPACE": "/", "HUB_YES": "1"})


def test_all_bad_keys_of_all_files_stand_in_one_error(tmp_path: Path) -> None:
    found = details(
        hub="[base]\nmodle = 'x'\n[defaults.train]\nepochs = -1\n",
        tutor="[train]\nlearning_rte = 1e-3\nbatch_size = 'ocho'\n[trian]\n",
        folder=tmp_path,
        environ={"HUB_CHAT_STYLE": "guido"},
    )
    assert len(found) == 6
    text = "\n".join(found)
    assert "hub.toml: [base] modle: unknown key, did you mean 'model'?" in text
    assert "hub.toml: [defaults.train] epochs: -1.0 is below 0" in text
    assert "tutor.toml: [train] learning_rte: unknown key, did you mean 'learning_rate'?" in text
    assert 'tutor.toml: [train] batch_size: must be a whole number, not "ocho"' in text
    assert "tutor.toml: [trian]: unknown section, did you mean 'train'?" in text
    assert "HUB_CHAT_STYLE: must be one of guiado, resuelto, not 'guido': did you mean 'guiado'?" in text


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[lora]\nrank = 16.5", "whole number"),
        ("[lora]\nrank = true", "whole number"),
        ("[lora]\nrank = 5000", "above 1024"),
        ("[lora]\nalpha = nan", "finite"),
        ("[lora]\nalpha = inf", "finite"),
        ("[lora]\ntargets = [1]", "list of texts"),
        ("[lora]\nrslora = 1", "true or false"),
        ("[tutor]\ntitle = 3", "text in quotes"),
        ("[validator]\noptions = 3", "a table"),
        ("lora = 3", "must be a section"),
        ("[lora]\nlearning_rate = 1.0", "it belongs in [train]"),
        ("[base]\nmodel = 'x'", "the base belongs in hub.toml"),
    ],
)
def test_a_value_that_cannot_be_meant_is_explained(toml: str, complaint: str, tmp_path: Path) -> None:
    (found,) = details(tutor=toml, folder=tmp_path)
    assert complaint in found


def test_a_whole_number_is_fine_where_a_fraction_is_asked_for(tmp_path: Path) -> None:
    alpha = read_settings(None, write(tmp_path / "tutor.toml", "[lora]\nalpha = 8"), environ={}).section(LoraSettings).alpha
    assert alpha == 8.0 and isinstance(alpha, float)


def test_a_single_text_counts_as_a_list_of_one(tmp_path: Path) -> None:
    settings = read_settings(None, write(tmp_path / "tutor.toml", '[validator]\nuse = "text"'), environ={})
    assert settings.section(ValidatorSettings).use == ("text",)


def test_variables_are_read_by_the_type_of_their_key() -> None:
    environ = {
        "HUB_LORA_TARGETS": "q_proj, v_proj",
        "HUB_LORA_RSLORA": "yes",
        "HUB_TRAIN_LEARNING_RATE": "1e-3",
        "HUB_VALIDATOR_OPTIONS": '{"max_words": 9}',
        "HUB_BASE_MODEL": "org/model",
    }
    settings = read_settings(environ=environ)
    assert settings.section(LoraSettings).targets == ("q_proj", "v_proj")
    assert settings.section(LoraSettings).rslora is True
    assert settings.section(TrainSettings).learning_rate == 1e-3
    assert settings.section(ValidatorSettings).options == {"max_words": 9}
    assert settings.section(BaseModel).model == "org/model"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("HUB_LORA_RANK", "16.0"),
        ("HUB_LORA_RSLORA", "maybe"),
        ("HUB_TRAIN_EPOCHS", "x"),
        ("HUB_VALIDATOR_OPTIONS", "[1]"),
        ("HUB_LORA_RNK", "1"),
    ],
)
def test_a_bad_variable_is_named(variable: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings(environ={variable: text})
    assert caught.value.details[0].startswith(variable)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        read_settings(environ={}, options={"train.sed": 1})
    assert "did you mean 'train.seed'?" in caught.value.details[0]


def test_validator_options_of_two_sources_are_joined_key_by_key(tmp_path: Path) -> None:
    hub = write(tmp_path / "hub.toml", "[defaults.validator.options]\nmax_words = 300\nlanguage = 'es'\n")
    tutor = write(tmp_path / "tutor.toml", "[validator.options]\nmax_words = 100\n")
    settings = read_settings(hub, tutor, environ={})
    assert settings.section(ValidatorSettings).options == {"max_words": 100, "language": "es"}
    assert settings.entries["validator.options.language"].origin.endswith("hub.toml")


def test_a_file_written_on_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "tutor.toml"
    file.write_bytes('\ufeff[tutor]\r\ntitle = "Ñandú"\r\n'.encode())
    assert read_settings(None, file, environ={}).section(TutorCard).title == "Ñandú"


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tutor\.toml is not valid TOML.*line 2"):
        read_toml(write(tmp_path / "tutor.toml", "[tutor]\ntitle = sin comillas\n"))


def test_toml_in_another_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "tutor.toml"
    file.write_bytes('title = "Ñ"'.encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        read_toml(file)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is missing"):
        read_toml(tmp_path / "tutor.toml")


def test_every_default_is_within_its_own_limits() -> None:
    defaults = {}
    for section, kind in SECTIONS.items():
        if section == "tutor":
            continue
        for field in dataclasses.fields(kind):
            if field.default is not None:
                defaults[f"{section}.{field.name}"] = field.default
    settings = read_settings(environ={}, options=defaults)
    assert settings.section(ChatSettings) == ChatSettings()
    assert settings.section(BaseModel) == BaseModel()


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=1))
def test_a_number_survives_the_way_through_a_variable(number: float) -> None:
    assert read_settings(environ={"HUB_TRAIN_LEARNING_RATE": repr(number)}).section(TrainSettings).learning_rate == number


def test_the_table_holds_every_key() -> None:
    table = settings_table()
    for section, kind in SECTIONS.items():
        assert f"## [{section}]" in table
        for field in dataclasses.fields(kind):
            assert f"| `{field.name}` |" in table


@pytest.mark.parametrize("text", ["a\\u001b[2Jb", "a\\u009bb", "a\\rb"])
def test_control_characters_are_refused(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "tutor.toml", f'[tutor]\ntitle = "{text}"\n')
    with pytest.raises(UsageError) as caught:
        read_settings(tutor_file=file, environ={})
    assert "title: holds the control character U+00" in caught.value.details[0]


def test_line_breaks_and_tabs_are_text(tmp_path: Path) -> None:
    file = write(tmp_path / "tutor.toml", '[tutor]\ndescription = "a\\n\\tb"\n')
    assert read_settings(tutor_file=file, environ={}).entries["tutor.description"].value == "a\n\tb"


def test_toml_nested_too_deeply_is_a_usage_error(tmp_path: Path) -> None:
    file = write(tmp_path / "tutor.toml", "x = " + "[" * 100_000)
    with pytest.raises(UsageError, match="nested too deeply"):
        read_settings(tutor_file=file, environ={})
