"""``hub chat [NAME]``: talk with a tutor, and change the tutor in the middle of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from gettext import gettext as _

import click

from adapters_hub.chatting import ChatRoom, Conversation, chosen_adapter
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.errors import HubError
from adapters_hub.tutors import attempt_of
from adapters_hub.types import Adapter, Tutor
from adapters_hub.workspace import nearest, tutor_names

COMMANDS = {"/tutor": "/tutor NAME", "/tutores": "", "/nuevo": "", "/ayuda": "", "/salir": ""}
ALIASES = {
    "/switch": "/tutor",
    "/tutors": "/tutores",
    "/new": "/nuevo",
    "/help": "/ayuda",
    "/?": "/ayuda",
    "/exit": "/salir",
    "/bye": "/salir",
}


@click.command("chat")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@pass_house
def command(house: House, name: str | None) -> None:
    """Talk with a tutor; without NAME with the default one.

    /tutor NAME changes the tutor at once, /tutores lists them, /nuevo starts afresh, /ayuda helps, /salir (or
    Ctrl-D) leaves. Ctrl-C stops the answer only. A line that begins with // is sent with one slash.
    """
    tutor = house.load_tutor(name)
    adapter = chosen_adapter(tutor)
    house.note(_("loading base {model} ...").format(model=tutor.base.model))
    room = ChatRoom(tutor.base, house.plugins)
    try:
        _Talk(house, room, tutor, adapter).run()
    finally:
        room.close()


class _Talk:
    """One sitting at the terminal: reads lines, answers them, obeys slash commands."""

    def __init__(self, house: House, room: ChatRoom, tutor: Tutor, adapter: Adapter) -> None:
        self.house, self.room = house, room
        self.over = False
        self.sit_down(tutor, adapter)

    def sit_down(self, tutor: Tutor, adapter: Adapter) -> None:
        """Talk with ``tutor`` from now on; when anything about it is wrong, the former one stays."""
        with self.house.plugins.tutor_local(tutor):
            validator = self.house.plugins.judge_of(tutor)
        self.room.seat(tutor, adapter)
        self.tutor, self.validator, self.conversation = tutor, validator, Conversation()

    def run(self) -> None:
        self.house.note(_("{title}. /ayuda shows the commands, /salir leaves.").format(title=self.tutor.title))
        for line in self.lines():
            try:
                if line.startswith("/") and not line.startswith("//"):
                    self.obey(line)
                else:
                    self.answer(line.replace("//", "/", 1) if line.startswith("//") else line)
            except HubError as error:  # a mistake ends neither the chat nor the tutor in force
                self.house.warn(error.message + (f" ({error.hint})" if error.hint else ""))
            if self.over:
                return

    def lines(self) -> Iterator[str]:
        """What the student types, without empty lines, until Ctrl-D."""
        read = _reader(self.house)
        while True:
            try:
                line = read(f"{self.tutor.name}> ").strip()
            except EOFError:
                return
            except KeyboardInterrupt:  # clears the line, as a shell does
                continue
            if line:
                yield line

    def answer(self, question: str) -> None:
        text = ""
        answer = self.conversation.ask(self.room, self.tutor, question)
        try:
            for piece in answer:
                text += piece
                if not self.house.json:
                    click.echo(piece, nl=False)
            self.house.show()
        except KeyboardInterrupt:
            answer.close()  # type: ignore[attr-defined]
            click.echo()
            self.house.note(_("(stopped)"))
            return
        verdict = self.validator.judge(attempt_of(self.tutor, self.conversation.turns[:-1], text))
        self.house.emit({"schema": 1, "tutor": self.tutor.name, "question": question, "answer": text, "verdict": verdict})
        if verdict.outcome == "incorrect":
            self.house.note(f"✗ {verdict.reason}")

    # --- commands ---

    def obey(self, line: str) -> None:
        word, _space, argument = line.partition(" ")
        word = ALIASES.get(word, word)
        known = {
            "/tutor": self.change_tutor,
            "/tutores": self.list_tutors,
            "/nuevo": self.start_afresh,
            "/ayuda": self.help,
            "/salir": self.leave,
        }
        if word not in known:
            guess = nearest(word, [*known, *ALIASES])
            hint = _("did you mean {guess}?").format(guess=guess) if guess else _("/ayuda shows the commands")
            raise HubError(_("there is no command {word}").format(word=word), hint=hint)
        known[word](argument.strip())

    def change_tutor(self, name: str) -> None:
        """Act at once: the next question names the new adapter, under its own system prompt, with a fresh history."""
        if not name:
            self.house.show(f"{self.tutor.name} · {self.tutor.title}")
            return
        former, tutor = self.tutor, self.house.load_tutor(name)
        self.sit_down(tutor, chosen_adapter(tutor))
        self.house.note(f"{former.name} -> {tutor.name} · {tutor.title}")

    def list_tutors(self, argument: str) -> None:
        for name in tutor_names(self.house.workspace):
            self.house.show(f"{'*' if name == self.tutor.name else ' '} {name}")

    def start_afresh(self, argument: str) -> None:
        self.conversation = Conversation()
        self.house.note(_("new conversation"))

    def help(self, argument: str) -> None:
        for line in (
            _("/tutor NAME  talk with another tutor"),
            _("/tutores     list the tutors"),
            _("/nuevo       start a new conversation"),
            _("/salir       leave (also Ctrl-D)"),
            _("Ctrl-C       stop this answer"),
        ):
            self.house.show(line)

    def leave(self, argument: str) -> None:
        self.over = True


def _reader(house: House) -> Callable[[str], str]:
    """A line editor with history and completion on a terminal, plain lines from a pipe."""
    if not sys.stdin.isatty():
        stream: Iterator[str] = iter(sys.stdin.readline, "")

        def read(prompt: str) -> str:
            try:
                return next(stream)
            except StopIteration:
                raise EOFError from None

        return read
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter

    names: list[str] = []
    with suppress(HubError):
        names = list(tutor_names(house.workspace))
    completer = WordCompleter([*COMMANDS, *(f"/tutor {name}" for name in names)], sentence=True)
    session: PromptSession[str] = PromptSession(completer=completer, complete_while_typing=False)
    return lambda prompt: str(session.prompt(prompt))
