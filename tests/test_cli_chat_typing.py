"""cli/_typing and _slash: what is typed on a terminal or comes from a pipe, and what is completed."""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import Application, create_app_session
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from adapters_hub.cli._slash import COMMANDS, completions, find_command, names
from adapters_hub.cli._typing import HISTORY_FILE, Desk, Keyboard, message_of, piped_reader, terminal_keyboard
from adapters_hub.errors import UsageError

ENTER, ALT_ENTER, CTRL_C, CTRL_D, TAB, UP = "\r", "\x1b\r", "\x03", "\x04", "\t", "\x1b[A"


def pasted(text: str) -> str:
    """What a terminal sends for a paste."""
    return f"\x1b[200~{text}\x1b[201~"


class Terminal:
    """A keyboard whose keys are pressed by the test."""

    def __init__(self, keyboard: Keyboard, keys: Any) -> None:
        self.keyboard, self._keys = keyboard, keys

    def __call__(self, *keys: str) -> str:
        """Press keys, a moment's rest between the parts: completion is worked out meanwhile."""
        timers = [threading.Timer(0.3 * number, self._keys.send_text, (part,)) for number, part in enumerate(keys)]
        for timer in timers:
            timer.start()
        try:
            return self.keyboard.message("sumas> ")
        finally:
            for timer in timers:
                timer.join()


def desk(folder: Path, **changes: Any) -> Desk:
    return Desk(**{"state": folder, "tutors": lambda: ["sumas", "restas", "auto"], "settings": lambda: [("top_p=", "x")], **changes})


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A line editor on a terminal of its own."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield Terminal(terminal_keyboard(desk(tmp_path), input=keys, output=DummyOutput()), keys)


# --- messages on a terminal ----------------------------------------------------------------------


def test_a_line_is_a_message(terminal: Terminal) -> None:
    assert terminal(f"  ¿Cuánto es 2 y 2?  {ENTER}") == "¿Cuánto es 2 y 2?"


def test_a_paste_of_several_lines_is_one_message(terminal: Terminal) -> None:
    assert terminal(pasted("uno\r\ndos\n\ntres") + ENTER) == "uno\ndos\n\ntres"


def test_a_paste_that_ends_a_line_is_not_sent_before_enter(terminal: Terminal) -> None:
    assert terminal(pasted("uno\n") + f"dos{ENTER}") == "uno\ndos"


def test_alt_enter_begins_a_new_line(terminal: Terminal) -> None:
    assert terminal(f"uno{ALT_ENTER}dos{ENTER}") == "uno\ndos"


def test_a_block_goes_on_until_it_is_closed(terminal: Terminal) -> None:
    assert terminal(f'"""uno{ENTER}dos{ENTER}"""{ENTER}') == "uno\ndos"


def test_a_block_in_one_line_is_sent_at_once(terminal: Terminal) -> None:
    assert terminal(f'"""uno"""{ENTER}') == "uno"


def test_ctrl_d_at_an_empty_prompt_ends_and_ctrl_c_interrupts(terminal: Terminal) -> None:
    with pytest.raises(EOFError):
        terminal(CTRL_D)
    with pytest.raises(KeyboardInterrupt):
        terminal(f"a medias{CTRL_C}")


def test_a_choice_is_one_short_line(terminal: Terminal) -> None:
    terminal._keys.send_text(f" 2 {ENTER}")
    assert terminal.keyboard.choice is not None
    assert terminal.keyboard.choice("> ") == "2"


# --- history -------------------------------------------------------------------------------------


def test_what_was_typed_comes_back_with_the_arrow_keys_in_the_next_chat(terminal: Terminal, tmp_path: Path) -> None:
    terminal(f"uno{ALT_ENTER}dos{ENTER}")
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        later = Terminal(terminal_keyboard(desk(tmp_path), input=keys, output=DummyOutput()), keys)
        assert later("hola" + ENTER) == "hola"  # the file is read while this is typed
        assert later(f"{UP}{UP}{UP}{ENTER}") == "uno\ndos"


@pytest.mark.skipif(os.name == "nt", reason="no modes on Windows")
def test_the_history_is_for_its_owner_only(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / HISTORY_FILE).chmod(0o644)
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        Terminal(terminal_keyboard(desk(tmp_path), input=keys, output=DummyOutput()), keys)("secreto" + ENTER)
    assert stat.S_IMODE((tmp_path / HISTORY_FILE).stat().st_mode) == 0o600
    assert "secreto" in (tmp_path / HISTORY_FILE).read_text()


def test_without_a_log_nothing_that_is_typed_is_kept(tmp_path: Path) -> None:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        Terminal(terminal_keyboard(desk(tmp_path, remember=False), input=keys, output=DummyOutput()), keys)("secreto" + ENTER)
    assert not (tmp_path / HISTORY_FILE).exists() or (tmp_path / HISTORY_FILE).read_text() == ""


def test_a_full_disk_costs_the_history_only(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(history: FileHistory, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    faults: list[object] = []
    monkeypatch.setattr(FileHistory, "store_string", full)
    monkeypatch.setattr(Application, "_handle_exception", lambda app, loop, context: faults.append(context))
    assert terminal("hola" + ENTER) == "hola"
    assert terminal("adiós" + ENTER) == "adiós"
    assert not faults


def test_a_pasted_book_is_not_remembered(terminal: Terminal, tmp_path: Path) -> None:
    terminal(pasted("libro " * 5000) + ENTER)
    terminal("corto" + ENTER)
    assert "corto" in (tmp_path / HISTORY_FILE).read_text()
    assert "libro" not in (tmp_path / HISTORY_FILE).read_text()


def test_a_state_folder_that_cannot_be_written_costs_the_history_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        assert Terminal(terminal_keyboard(desk(tmp_path / "file"), input=keys, output=DummyOutput()), keys)("hola" + ENTER) == "hola"


# --- completion ----------------------------------------------------------------------------------


def offered(text: str) -> list[str]:
    return [candidate for candidate, _label, _meaning in completions(text, lambda: ["sumas", "restas", "auto"], lambda: [("top_p=", "x")])]


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("/", ["/tutor", "/salir"]),
        ("/tut", ["/tutor", "/tutores", "/tutors"]),
        ("/sw", ["/switch"]),
        ("/tutor ", ["sumas", "restas", "auto", "--mantener"]),
        ("/tutor r", ["restas"]),
        ("/switch s", ["sumas"]),
        ("/tutor restas -", ["--mantener"]),
        ("/set t", ["top_p="]),
        ("/sistema ", ["show", "reset"]),
        ("/stats o", ["on", "off"]),
    ],
)
def test_completion(text: str, some: list[str]) -> None:
    assert set(some) <= set(offered(text))
    assert all(candidate.startswith(text.rpartition(" ")[2]) for candidate in offered(text))


def test_the_menu_of_a_single_slash_shows_each_command_once() -> None:
    assert offered("/") == [command.name for command in COMMANDS]


def test_tab_completes_on_the_terminal(terminal: Terminal) -> None:
    assert terminal("/tutor re", TAB, ENTER, ENTER) == "/tutor restas"


def test_files_are_completed(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "charla.json").write_text("{}")
    assert terminal("/abrir cha", TAB, ENTER, ENTER) == "/abrir charla.json"


def test_questions_complete_nothing(terminal: Terminal) -> None:
    assert terminal(f"¿qué es /tut{TAB}?{ENTER}").startswith("¿qué es /tut")


# --- names ---------------------------------------------------------------------------------------


def test_every_name_means_one_command() -> None:
    known = list(names())
    assert len(known) == len(set(known))
    for command in COMMANDS:
        assert all(find_command(name) is command for name in (command.name, *command.aliases))


def test_capitals_and_accents_do_not_matter() -> None:
    assert find_command("/Estadísticas").name == "/estadisticas"


@pytest.mark.parametrize(("word", "guess"), [("/tutro", "/tutor"), ("/reintenta", "/reintentar"), ("/hepl", "/help"), ("/xyzzy", "/ayuda")])
def test_an_unknown_command_names_the_nearest(word: str, guess: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_command(word)
    assert guess in caught.value.hint


# --- pipes ---------------------------------------------------------------------------------------


def lines_of(text: str | bytes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
    read, found = piped_reader(), []
    with pytest.raises(EOFError):
        while True:
            found.append(read("> "))
    return found


def test_a_pipe_gives_a_message_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines_of("uno\r\n\n dos \ntres", monkeypatch) == ["uno", "", "dos", "tres"]


def test_a_block_in_a_pipe_is_one_message_and_never_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines_of('"""\n/salir\ndos\n"""\n/salir\n', monkeypatch) == ["//salir\ndos", "/salir"]


def test_an_open_block_ends_with_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines_of('"""uno\ndos', monkeypatch) == ["uno\ndos"]


def test_a_pipe_may_hold_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines_of(b"\xef\xbb\xbfuno\n\xff\xfe\n", monkeypatch) == ["uno", "\ufffd\ufffd"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ('"""uno\n"""', "uno"),
        ('"""\ndef f():\n    """doc"""\n"""', 'def f():\n    """doc"""'),
        ('"""doc"""\nx = 1', '"""doc"""\nx = 1'),
        ("// cuenta\nint x;", "/// cuenta\nint x;"),
        ("/* cuenta */\nint x;", "//* cuenta */\nint x;"),
        ("//una línea", "//una línea"),
        ("/sistema uno\ndos", "/sistema uno\ndos"),
        ('"""/salir"""', "//salir"),
    ],
)
def test_blocks_and_pasted_code(typed: str, message: str) -> None:
    assert message_of(typed) == message


def test_a_pasted_program_that_begins_with_a_docstring_is_sent_with_enter(terminal: Terminal) -> None:
    assert terminal(pasted('"""doc"""\nx = 1') + ENTER) == '"""doc"""\nx = 1'


def test_message_of_an_empty_block() -> None:
    assert message_of('""""""') == ""
