"""The file of the log: private, migrated, and with one clear line for whatever is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from adapters_hub import log_file
from adapters_hub.conversations import ConversationLog
from adapters_hub.errors import HubError, ResourceError, RightsError
from adapters_hub.log_file import MIGRATIONS, log_path, logging_is_on, switch_logging
from adapters_hub.transcripts import Binding, Turn


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conversations" / "log.db"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_log_is_below_hub_home_or_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_path({"HUB_HOME": str(tmp_path)}) == tmp_path / "conversations" / "log.db"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert log_path({}).name == "log.db"
    assert "adapters-hub" in str(log_path({}))


def test_conversations_are_kept_until_somebody_says_no(tmp_path: Path) -> None:
    environ = {"HUB_HOME": str(tmp_path)}
    assert logging_is_on(environ)
    switch_logging(False, environ)
    assert not logging_is_on(environ)
    switch_logging(True, environ)
    assert logging_is_on(environ)
    (tmp_path / "logs.json").write_text("{", encoding="utf-8")
    assert not logging_is_on(environ), "where the answer cannot be read, nothing is kept"


@pytest.mark.skipif(os.name == "nt", reason="file modes are a POSIX matter")
def test_nobody_else_can_read_any_of_it(file: Path) -> None:
    former = os.umask(0)
    try:
        log = ConversationLog(file)
        log.begin(Binding("sql"), [Turn("user", "a")])
    finally:
        os.umask(former)
    parts = sorted(file.parent.iterdir())
    assert [part.name for part in parts] == ["log.db", "log.db-shm", "log.db-wal"]
    assert [mode(part) for part in parts] == [0o600] * 3
    assert mode(file.parent) == 0o700
    log.close()


@pytest.mark.skipif(os.name == "nt", reason="file modes are a POSIX matter")
def test_a_file_that_was_open_to_others_is_closed_to_them(file: Path) -> None:
    ConversationLog(file).close()
    file.chmod(0o644)
    file.parent.chmod(0o755)
    ConversationLog(file).close()
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)


def test_the_file_says_whether_it_is_new(file: Path) -> None:
    first = ConversationLog(file)
    second = ConversationLog(file)
    assert (first.is_new, second.is_new) == (True, False)
    first.close()
    second.close()


def test_an_older_schema_is_brought_up_to_date(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ConversationLog(file)
    id = log.begin(Binding("sql"), [Turn("user", "a")])
    log.close()
    monkeypatch.setattr(
        log_file, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE conversations ADD COLUMN title TEXT NOT NULL DEFAULT 'sin título'")
    )
    log = ConversationLog(file)
    assert log.show(id).turns[0].content == "a"
    log.close()
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    assert connection.execute("SELECT title FROM conversations").fetchone() == ("sin título",)
    connection.close()


def test_a_migration_that_fails_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ConversationLog(file).close()
    monkeypatch.setattr(log_file, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE turns ADD COLUMN x TEXT; DROP TABLE nowhere"))
    with pytest.raises(HubError):
        ConversationLog(file)
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert "x" not in [row[1] for row in connection.execute("PRAGMA table_info(turns)")]
    connection.close()


def test_a_newer_schema_is_refused(file: Path) -> None:
    ConversationLog(file).close()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(HubError) as caught:
        ConversationLog(file)
    assert "newer adapters_hub" in caught.value.message


def test_without_full_text_search_the_file_is_made_all_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "INDEX", log_file.INDEX.replace("fts5", "fts99"))
    log = ConversationLog(file)
    id = log.begin(Binding("sql"), [Turn("user", "Fracción")])
    assert log.search("fraccion")[0].id == id
    log.close()


def test_a_damaged_file_is_told_in_one_line(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this is no database at all " * 100)
    with pytest.raises(HubError) as caught:
        ConversationLog(file)
    assert "is damaged" in caught.value.message
    assert "\n" not in caught.value.message
    assert file.read_bytes().startswith(b"this is"), "it is left as it is"


def test_a_file_cut_in_the_middle_is_told_in_one_line(file: Path) -> None:
    log = ConversationLog(file)
    log.begin(Binding("sql"), [Turn("user", "palabra " * 2000)])
    log.close()
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)
    with pytest.raises(HubError) as caught, closing(ConversationLog(file)) as cut:
        cut.show(cut.list()[0].id)
    assert "damaged" in caught.value.message


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing_half_written(file: Path) -> None:
    log = ConversationLog(file)
    id = log.begin(Binding("sql"), [Turn("user", "a")])
    (pages,) = log._connection.execute("PRAGMA page_count").fetchone()
    log._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ResourceError, match="the disk is full"):
        log.append(id, 1, Turn("assistant", "palabra " * 50_000, "sql"))
    assert len(log.show(id).turns) == 1
    log._connection.execute("PRAGMA max_page_count = 1000000")
    log.append(id, 1, Turn("assistant", "b", "sql"))
    log.close()


def test_a_file_that_may_not_be_written_is_told_in_one_line(file: Path) -> None:
    log = ConversationLog(file)
    log._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(RightsError, match="read-only"):
        log.begin(Binding("sql"), [Turn("user", "a")])
    log.close()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom the system can refuse something")
def test_a_folder_that_may_not_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(RightsError):
        ConversationLog(tmp_path / "closed" / "conversations" / "log.db")


def test_a_folder_in_place_of_the_file_is_told_in_one_line(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(HubError):
        ConversationLog(file)


def test_a_file_that_another_process_keeps_locked_is_told_in_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ConversationLog(file).close()
    monkeypatch.setattr(log_file, "BUSY_SECONDS", 0.1)
    log = ConversationLog(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HubError, match="being written by another process"):
        log.begin(Binding("sql"), [Turn("user", "a")])
    other.close()
    log.close()
