"""The slash commands of the chat: their names in Spanish and English, what they take, what they are for.

Knows how a command is written and completed; what it does is written in ``_talk``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from gettext import gettext as _
from typing import Literal

from adapters_hub.errors import UsageError
from adapters_hub.workspace import nearest

Argument = Literal["", "tutor", "setting", "system", "switch", "file"]
"""What is completed behind a command."""
KEEP_HISTORY = "--mantener"
KEEP_HISTORY_ALIASES = ("--keep", "-m")


@dataclass(frozen=True)
class SlashCommand:
    """One command, as help and completion show it."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    """What follows the name."""
    help: str
    argument: Argument = ""


COMMANDS = (
    SlashCommand(
        "/tutor", ("/switch",), f"[NAME|auto] [{KEEP_HISTORY}]", "talk with another tutor; auto: each question finds its own", "tutor"
    ),
    SlashCommand("/tutores", ("/tutors",), "", "list the tutors"),
    SlashCommand("/nuevo", ("/new", "/clear"), "", "start a new conversation"),
    SlashCommand("/reintentar", ("/retry",), "", "another answer to the last question"),
    SlashCommand("/deshacer", ("/undo",), "", "forget the last question and its answer"),
    SlashCommand("/editar", ("/edit",), "", "write the last question anew, in your editor"),
    SlashCommand("/set", ("/poner",), "[KEY=VALUE ...]", "show or change how answers are chosen", "setting"),
    SlashCommand("/sistema", ("/system",), "[TEXT|show|reset]", "show or replace the system prompt", "system"),
    SlashCommand("/verificar", ("/check",), "", "judge the last answer again, in full"),
    SlashCommand("/estadisticas", ("/stats",), "[on|off]", "tokens, speed, room that is left; on: after every answer", "switch"),
    SlashCommand("/guardar", ("/save",), "[FILE]", "save the conversation as JSON", "file"),
    SlashCommand("/abrir", ("/load", "/open"), "FILE", "go on with a saved conversation", "file"),
    SlashCommand("/ayuda", ("/help", "/?"), "", "show this help"),
    SlashCommand("/salir", ("/exit", "/quit", "/bye"), "", "leave"),
)


def names() -> Iterator[str]:
    """Every way to name a command, the Spanish names first."""
    yield from (command.name for command in COMMANDS)
    yield from (alias for command in COMMANDS for alias in command.aliases)


def find_command(word: str) -> SlashCommand:
    """The command of that name or alias; raises UsageError with the nearest one."""
    wanted = _without_accents(word)
    for command in COMMANDS:
        if wanted == command.name or wanted in command.aliases:
            return command
    guess = nearest(wanted, names())
    hint = _("did you mean {guess}?").format(guess=guess) if guess else _("/ayuda shows the commands")
    message = _("there is no command {word}").format(word=word if len(word) <= 40 else f"{word[:40]}...")
    raise UsageError(message, hint=hint + _(" (to send the slash, type two)"))


def split(line: str) -> tuple[str, str]:
    """The first word of a line and the rest."""
    word, *rest = line.split(maxsplit=1)
    return word, rest[0].strip() if rest else ""


def help_lines() -> Iterator[tuple[str, str]]:
    """Each command with what it is for, then the keys."""
    for command in COMMANDS:
        yield f"{command.name} {command.usage}".rstrip(), f"{_(command.help)}  ({', '.join(command.aliases)})"
    yield '"""', _("begins and ends a question of several lines; Alt-Enter begins a new line too")
    yield "//", _("begins a question that begins with a slash")
    yield "Ctrl-C", _("stops this answer and keeps what is there")
    yield "Ctrl-D", _("leaves")


def completions(
    text: str, tutors: Callable[[], Sequence[str]], settings: Callable[[], Sequence[tuple[str, str]]]
) -> Iterator[tuple[str, str, str]]:
    """What could stand at the end of ``text``: the whole last word, its label, what it means. Files are left to the caller.

    ``tutors`` gives names, ``settings`` gives ``key=`` or ``key=value`` with their meanings; both are asked only when needed."""
    word, space, argument = text.partition(" ")
    if not space:
        for command in COMMANDS:
            for name in (command.name, *command.aliases):
                if name.startswith(_without_accents(word)) and (name == command.name or len(word) > 1):
                    yield name, f"{name} {command.usage}".rstrip(), _(command.help)
        return
    last = argument.rpartition(" ")[2]
    for candidate, meaning in _arguments(word, argument, tutors, settings):
        if candidate.startswith(last):
            yield candidate, candidate, meaning


def argument_of(text: str) -> Argument:
    """What the command in ``text`` takes; empty for no command."""
    try:
        return find_command(text.partition(" ")[0]).argument
    except UsageError:
        return ""


def _arguments(
    word: str, argument: str, tutors: Callable[[], Sequence[str]], settings: Callable[[], Sequence[tuple[str, str]]]
) -> Iterator[tuple[str, str]]:
    kind = argument_of(word)
    if kind == "tutor":
        if " " not in argument.strip() and not argument.endswith(" "):
            yield from ((name, "") for name in tutors())
        yield KEEP_HISTORY, _("keep the history")
    elif kind == "setting":
        yield from settings()
    elif kind == "system" and " " not in argument:
        yield "show", _("show the system prompt in force")
        yield "reset", _("back to the tutor's own")
    elif kind == "switch":
        yield "on", _("after every answer")
        yield "off", ""


def _without_accents(word: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", word.lower())
    return "".join(character for character in plain if not unicodedata.combining(character))
