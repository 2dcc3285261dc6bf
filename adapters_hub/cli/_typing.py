"""What the student types: a line editor on a terminal, plain lines from a pipe; each call gives one whole message.

Knows nothing of tutors and engines. On a terminal a paste is one message, ``\"\"\"`` opens a block, Alt-Enter begins a new line and
what was typed before comes back with the arrow keys, kept in a file that only its owner may read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters_hub.cli import _slash

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings

BLOCK = '"""'
HISTORY_FILE = "chat_history"
LONGEST_REMEMBERED = 10_000
"""Characters of a message that comes back in the next chat: a pasted book does not."""
Read = Callable[[str], str]
"""Takes the prompt, gives the next message without the white space around it; raises EOFError at the end."""


@dataclass(frozen=True)
class Desk:
    """What the line editor needs to know."""

    state: Path
    """The user's folder for state, which holds the history."""
    tutors: Callable[[], Sequence[str]]
    settings: Callable[[], Sequence[tuple[str, str]]]
    """``key=`` or ``key=value`` with what it means."""
    remember: bool = True
    """Whether what is typed is added to the history file."""
    color: bool = True
    on_stderr: bool = False
    """Whether the prompt goes to stderr, since stdout is for documents."""


def at_terminal() -> bool:
    """Whether somebody sits there: something to type on, and something to read the prompt from."""
    return sys.stdin.isatty() and (sys.stdout.isatty() or sys.stderr.isatty())


@dataclass(frozen=True)
class Keyboard:
    """How to ask the person."""

    message: Read
    """For the next question or command, which may have several lines."""
    choice: Read | None
    """For a short answer that is not worth remembering; None: nobody sits there."""


def keyboard(desk: Desk) -> Keyboard:
    """The way to read messages here."""
    return terminal_keyboard(desk) if at_terminal() else Keyboard(piped_reader(), None)


# --- pipes ---------------------------------------------------------------------------------------


def piped_reader() -> Read:
    """Messages from a pipe, one a line or one a block."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")

    def read(prompt: str) -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        while _block_is_open(line):
            further = sys.stdin.readline()
            if not further:
                break
            line += further
        return message_of(line)

    return read


def message_of(text: str) -> str:
    """What was typed, without the marks of a block and the white space around it.

    A block is never a command, nor is code that begins with a comment: a slash more in front says so."""
    text = text.replace("\r\n", "\n").strip()
    is_block = text.startswith(BLOCK) and (_block_is_open(text) or (text.endswith(BLOCK) and len(text) >= 2 * len(BLOCK)))
    if is_block:
        text = text[len(BLOCK) :].removesuffix(BLOCK).strip()
    if text.startswith("/") and (is_block or ("\n" in text and text.startswith(("//", "/*")))):
        return f"/{text}"
    return text


def _block_is_open(text: str) -> bool:
    """Whether a block has begun and is not at its end; strings within it have marks in pairs."""
    return text.lstrip().startswith(BLOCK) and text.count(BLOCK) % 2 == 1


# --- terminals -----------------------------------------------------------------------------------


def terminal_keyboard(desk: Desk, *, input: Any = None, output: Any = None) -> Keyboard:
    """A line editor. ``input`` and ``output`` are prompt_toolkit's, for tests."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.output import ColorDepth, create_output
    from prompt_toolkit.styles import Style

    stream = sys.stderr if desk.on_stderr or not sys.stdout.isatty() else sys.stdout
    is_command = Condition(lambda: get_app().current_buffer.text.startswith("/"))
    output = output or create_output(stdout=stream)
    session: PromptSession[str] = PromptSession(
        history=_history(desk),
        completer=_completer(desk),
        complete_while_typing=is_command,  # the menu takes its rows only then
        key_bindings=_keys(),
        multiline=True,
        prompt_continuation=lambda width, number, wrapped: " " * (width - 2) + "· " if not wrapped else "",
        placeholder=lambda: [("class:quiet", "" if said or get_app().is_done else _("ask something, or / for the commands"))],
        style=Style.from_dict({"who": "bold ansigreen", "quiet": "ansibrightblack"}) if desk.color else Style([]),
        color_depth=None if desk.color else ColorDepth.DEPTH_1_BIT,
        enable_open_in_editor=False,
        input=input,
        output=output,
    )

    said: list[bool] = []  # the first prompt says what can be done
    short: PromptSession[str] = PromptSession(input=input, output=output)

    def message(prompt: str) -> str:
        text = message_of(session.prompt([("class:who", prompt.removesuffix("> ")), ("", "> ")]))
        said.append(True)
        return text

    return Keyboard(message, lambda prompt: short.prompt(prompt).strip())


def _keys() -> KeyBindings:
    """Enter sends, but not within a block; Alt-Enter begins a new line."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def send(event: Any) -> None:
        buffer = event.current_buffer
        state = buffer.complete_state
        if state is not None and state.current_completion is not None and buffer.text.startswith("/"):
            buffer.complete_state = None  # it stands in the line: the next Enter sends it
        elif _block_is_open(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def begin_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _completer(desk: Desk) -> Completer:
    """Slash commands and what follows them; ordinary questions complete nothing."""
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
    from prompt_toolkit.document import Document

    class SlashCompleter(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
            text = document.text_before_cursor
            if not text.startswith("/") or text.startswith("//") or "\n" in text:
                return
            word, space, argument = text.partition(" ")
            if space and _slash.argument_of(word) == "file":
                part = argument.lstrip()
                yield from PathCompleter(expanduser=True).get_completions(Document(part, len(part)), complete_event)
                return
            last = text.rpartition(" ")[2]
            for candidate, label, meaning in _slash.completions(text, desk.tutors, desk.settings):
                yield Completion(candidate, -len(last), display=label, display_meta=meaning)

    return SlashCompleter()


def _history(desk: Desk) -> History:
    """What was typed in former chats; where no file can be had, only this chat's."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class Remembered(FileHistory):
        def store_string(self, string: str) -> None:
            if desk.remember and len(string) <= LONGEST_REMEMBERED:
                with suppress(OSError):  # a full disk costs the memory of this line, not the chat
                    super().store_string(string)

    file = desk.state / HISTORY_FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        if os.name != "nt":
            os.chmod(file, 0o600)
    except OSError:
        return InMemoryHistory()
    return Remembered(file)


def forget_history(state: Path) -> bool:
    """Remove what was typed in former chats; whether there was anything. Raises OSError."""
    try:
        (state / HISTORY_FILE).unlink()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def silent_keys() -> Iterator[None]:
    """What is typed while an answer is being written does not show up in the middle of it; the next prompt has it."""
    if not sys.stdin.isatty() or os.name == "nt":
        yield
        return
    import termios

    descriptor = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:  # a terminal in name only
        yield
        return
    silent = [*before]
    silent[3] &= ~(termios.ECHO | termios.ICANON)  # without lines, so that the next prompt gets each key, Ctrl-D too
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, silent)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
