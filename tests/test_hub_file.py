"""``hub.toml`` changed in place: the values that were asked for, and not a character more."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from conftest import REPOSITORY, write
from hypothesis import given
from hypothesis import strategies as st

from adapters_hub.errors import RightsError, UsageError
from adapters_hub.hub_file import change_settings, changed_text
from adapters_hub.scaffolding import HUB_TOML
from adapters_hub.settings import read_toml

RATE = "defaults.train.learning_rate"


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    """Lines that differ, when their number is the same."""
    assert len(before.splitlines()) == len(after.splitlines())
    return [(old, new) for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]


@pytest.mark.parametrize("text", [HUB_TOML, (REPOSITORY / "tutors/hub.toml").read_text(encoding="utf-8")], ids=["scaffold", "shipped"])
def test_only_the_two_lines_change_and_their_comments_stay(text: str) -> None:
    differing = changed_lines(text, changed_text(text, {"base.model": "owner/name", RATE: 2e-4}))
    assert [new.partition("#")[0].strip() for _, new in differing] == ['model = "owner/name"', "learning_rate = 2e-4"]
    assert all(old.partition("#")[2] == new.partition("#")[2] for old, new in differing)


def test_a_missing_key_joins_its_section_and_a_missing_section_the_end() -> None:
    text = changed_text(
        '[base]\nmodel = "mini"\n\n# about training\n[defaults.train]\nseed = 1\n', {"base.revision": "main", "defaults.chat.top_p": 0.5}
    )
    assert (
        text
        == '[base]\nmodel = "mini"\nrevision = "main"\n\n# about training\n[defaults.train]\nseed = 1\n\n[defaults.chat]\ntop_p = 0.5\n'
    )


def test_an_empty_file_gets_what_it_needs() -> None:
    assert changed_text("", {"base.model": "mini"}) == '[base]\nmodel = "mini"\n'


def test_a_key_of_the_same_name_in_another_section_is_left_alone() -> None:
    text = changed_text('[base]\n\n[other]\nmodel = "x"\n', {"base.model": "y"})
    assert text == '[base]\nmodel = "y"\n\n[other]\nmodel = "x"\n'


@pytest.mark.parametrize(
    "line",
    [
        'model = "a"',
        "model = 'a'",
        '"model" = "a"',
        "  model   =   'a'",
        'model = "a # b"  # c',
        "model = '#'",
        r'model = "a\"b"',
        'model = "é\\u00f1"',
    ],
)
def test_every_way_to_write_a_text_is_replaced(tmp_path: Path, line: str) -> None:
    file = write(tmp_path / "hub.toml", f"[base]\n{line}\n")
    change_settings(file, {"base.model": 'new "one"'})
    assert read_toml(file) == {"base": {"model": 'new "one"'}}
    assert ("# c" in file.read_text()) == ("# c" in line)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("\ufeff[base]\nmodel = 'a/b'\n", '\ufeff[base]\nmodel = "mini"\n'),
        ("[base]\r\nmodel = 'a/b'\n# one\n# two\r\n", '[base]\r\nmodel = "mini"\n# one\n# two\r\n'),
        ("[base]\n# one \u2028 two \x85 three\nmodel = 'a/b'\n", '[base]\n# one \u2028 two \x85 three\nmodel = "mini"\n'),
        ("# base\r\n[base]\r\nmodel = 'a/b'", '# base\r\n[base]\r\nmodel = "mini"\r\n'),
        ('[base]\nmodel = """a/b"""  # why\n', '[base]\nmodel = "mini"  # why\n'),
    ],
    ids=["byte order mark", "mixed ends", "other separators", "no last end", "three quotes"],
)
def test_every_other_character_stays_whoever_wrote_the_file(tmp_path: Path, text: str, after: str) -> None:
    file = tmp_path / "hub.toml"
    file.write_bytes(text.encode())
    change_settings(file, {"base.model": "mini"})
    assert file.read_bytes().decode() == after


def test_lines_that_end_as_on_windows_stay_so(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_bytes(b'[base]\r\nmodel = "a"\r\n')
    change_settings(file, {"base.model": "b", "base.revision": "main"})
    assert file.read_bytes() == b'[base]\r\nmodel = "b"\r\nrevision = "main"\r\n'


@pytest.mark.parametrize(
    "text",
    [
        'base = { model = "a" }\n',
        'base.model = "a"\n',
        '[base]\nmodel = """a\nb"""\n',
        'title = """\n[base]\nmodel = "x"\n"""\n[base]\nmodel = "a"\n',
    ],
)
def test_what_lines_cannot_change_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "hub.toml", text)
    with pytest.raises(UsageError, match="cannot be changed here") as refused:
        change_settings(file, {"base.model": "new"})
    assert refused.value.details == ('[base] model = "new"',)
    assert file.read_text() == text and os.listdir(tmp_path) == ["hub.toml"]


def test_a_file_that_is_no_toml_is_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "hub.toml", "[base\n")
    with pytest.raises(UsageError, match="not valid TOML"):
        change_settings(file, {"base.model": "new"})
    assert file.read_text() == "[base\n"


def test_nothing_to_change_writes_nothing(tmp_path: Path) -> None:
    change_settings(tmp_path / "is not even there", {})
    assert not os.listdir(tmp_path)


def test_rights_and_a_link_stay_as_they_were(tmp_path: Path) -> None:
    real = write(tmp_path / "elsewhere/real.toml", '[base]\nmodel = "a"\n')
    real.chmod(0o640)
    (tmp_path / "hub.toml").symlink_to(real)
    change_settings(tmp_path / "hub.toml", {"base.model": "b"})
    assert (tmp_path / "hub.toml").is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640
    assert read_toml(real)["base"]["model"] == "b"


def test_a_failed_write_leaves_the_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "hub.toml", '[base]\nmodel = "a"\n')

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RightsError):
        change_settings(file, {"base.model": "b"})
    assert file.read_text() == '[base]\nmodel = "a"\n' and os.listdir(tmp_path) == ["hub.toml"]


@pytest.mark.parametrize(
    ("value", "text"), [(2e-4, "2e-4"), (5e-3, "5e-3"), (1.5e-5, "1.5e-5"), (0.5, "0.5"), (0.0, "0.0"), (True, "true"), (7, "7")]
)
def test_values_are_written_as_people_write_them(value: float, text: str) -> None:
    assert changed_text("", {"a.b": value}) == f"[a]\nb = {text}\n"


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_survives(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = write(tmp_path_factory.mktemp("any") / "hub.toml", '[base]\nmodel = "a"  # keep\n[defaults.chat]\ntop_p = 0.5\n')
    change_settings(file, {"base.model": value})
    assert read_toml(file) == {"base": {"model": value}, "defaults": {"chat": {"top_p": 0.5}}}
