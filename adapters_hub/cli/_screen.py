"""What the chat shows: answers, quiet lines beside them, verdicts, errors. Answers go to stdout, everything else to stderr.

Knows what the terminal can do; knows no tutor and no command.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gettext import gettext as _
from typing import Any

import click

from adapters_hub.cli._house import House
from adapters_hub.cli._markdown import AnswerWriter, MarkdownWriter, PlainWriter
from adapters_hub.cli._verdicts import BADGES, COLORS
from adapters_hub.contracts import never
from adapters_hub.errors import HubError, printable

BADGE_COLORS = {badge: COLORS[outcome] for outcome, badge in BADGES.items()}


class Screen:
    """One terminal or pipe."""

    def __init__(self, house: House, *, plain: bool = False, interactive: bool = False) -> None:
        """``plain``: the answers as the model writes them. ``interactive``: somebody sits there."""
        self._house, self.interactive = house, interactive
        self.fancy = not plain and not house.json and house.color and _can_show_styles()
        """Whether answers are styled; else they are passed on as they come."""
        self._waiting = False
        self._held: list[str] | None = None
        """Notes that wait for the end of the answer that is being written, so as not to stand in the middle of its line."""

    # --- answers ---------------------------------------------------------------------------------

    @contextmanager
    def answer(self) -> Iterator[AnswerWriter]:
        """Takes one answer; however the block ends, its last line ends too."""
        writer: AnswerWriter
        if self._house.json:
            writer = PlainWriter(lambda text: None)
        elif self.fancy:
            self._put("\n")
            writer = MarkdownWriter(self._put, lambda: shutil.get_terminal_size().columns)
        else:
            writer = PlainWriter(self._put)
        self._held = []
        try:
            yield _Announced(writer, self)
        finally:
            self.arrived()
            writer.close()
            held, self._held = self._held, None
            for text in held:
                self.note(text)

    def end_turn(self) -> None:
        """Some air before the next prompt."""
        if self.fancy:
            self._put("\n")

    def waiting(self, text: str) -> None:
        """A word that disappears with the next thing that is shown; only on a terminal."""
        self.arrived()
        if self.fancy and self.interactive and not self._house.quiet:
            width = max(1, shutil.get_terminal_size().columns - 1)
            self._put(click.style(printable(text)[:width], dim=True))
            self._waiting = True

    def loading(self, text: str) -> None:
        """What takes a while before the chat begins: on a terminal it disappears, elsewhere it is a note."""
        if self.fancy and self.interactive:
            self.waiting(text)
        else:
            self._house.note(text)

    def arrived(self) -> None:
        """Take back the word that said what is being waited for."""
        if self._waiting:
            self._waiting = False
            self._put("\r\x1b[2K")

    def _put(self, text: str) -> None:
        click.echo(text, nl=False)

    # --- beside them -----------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """One quiet line; nothing with ``--quiet``. While an answer is being written it waits for its end."""
        if self._held is not None:
            self._held.append(text)
            return
        self.arrived()
        if self._house.quiet:
            return
        if self.fancy:
            click.echo(click.style(_broken(printable(text)), dim=True), err=True)
        else:
            self._house.note(text)

    def badge(self, text: str) -> None:
        """A verdict in one line."""
        self.arrived()
        if not self.fancy or self._house.quiet or text[:1] not in BADGE_COLORS:
            self.note(text)
            return
        mark = click.style(text[0], fg=BADGE_COLORS[text[0]], bold=True)
        self._put("\n")
        click.echo(mark + click.style(_broken(printable(text))[1:], dim=text[0] != "✗"), err=True)

    def line(self, text: str = "") -> None:
        """What was asked for, in lines."""
        self.arrived()
        self._house.show(_broken(text, "") if self.fancy else text)

    def rows(self, rows: list[tuple[str, str]]) -> None:
        """Two columns; the second is broken where it must be."""
        formatter = click.HelpFormatter(width=min(110, shutil.get_terminal_size().columns - 1))
        formatter.write_dl([(printable(left), printable(right)) for left, right in rows], col_max=36)
        self.arrived()
        self._house.show(formatter.getvalue().rstrip("\n"))

    def complain(self, error: HubError) -> None:
        """A mistake, with what to type next; the chat goes on."""
        self.arrived()
        if self._house.debug:
            import traceback

            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        if self._house.json:
            said = {"code": error.code, "message": error.message, "hint": error.hint, "details": list(error.details)}
            self._house.emit({"schema": 1, "error": said})
            return
        red: dict[str, Any] = {"fg": "red"} if self.fancy else {}
        click.echo(click.style(_("error: {message}").format(message=error.message), **red), err=True)
        for detail in error.details:
            click.echo(f"  {detail}", err=True)
        if error.hint:
            click.echo(_("hint: {hint}").format(hint=error.hint), err=True)

    # --- Ctrl-C ----------------------------------------------------------------------------------

    @contextmanager
    def stoppable(self) -> Iterator[Callable[[], bool]]:
        """Within the block Ctrl-C only asks to stop, and the given function says whether it did; pressed again it interrupts.

        In a script it ends everything, as everywhere."""
        if not self.interactive or threading.current_thread() is not threading.main_thread():
            yield never
            return
        asked = threading.Event()

        def ask(number: int, frame: object) -> None:
            if asked.is_set():
                raise KeyboardInterrupt
            asked.set()

        former = signal.signal(signal.SIGINT, ask)
        try:
            yield asked.is_set
        finally:
            signal.signal(signal.SIGINT, former)


class _Announced:
    """A writer before whose first words the word that said what is being waited for disappears."""

    def __init__(self, writer: AnswerWriter, screen: Screen) -> None:
        self._writer, self._screen = writer, screen

    def feed(self, text: str) -> None:
        self._screen.arrived()
        self._writer.feed(text)

    def close(self) -> None:
        self._writer.close()


def _broken(text: str, indent: str = "  ") -> str:
    """The lines of ``text``, broken at blanks where the terminal is too narrow."""
    width = max(20, shutil.get_terminal_size().columns - 1)
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) for line in text.splitlines()
    )


def _can_show_styles() -> bool:
    """Whether stdout is a terminal with colours and characters beyond ASCII."""
    if not sys.stdout.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "cp65001")
