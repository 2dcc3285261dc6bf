"""``hub ask NAME "pregunta"``: one question, one answer on stdout and nothing else there."""

from __future__ import annotations

import sys
from gettext import gettext as _

import click

from adapters_hub.chatting import ChatRoom, Conversation, chosen_adapter
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.errors import BelowThresholdError, UsageError
from adapters_hub.tutors import attempt_of


@click.command("ask")
@click.argument("words", nargs=-1, metavar="[NAME] QUESTION")
@click.option("--tutor", type=TUTOR, hidden=True)
@click.option("--bare", is_flag=True, help=_("Ask the base without the tutor's adapter, to compare."))
@click.option("--check", is_flag=True, help=_("Exit with 7 when the tutor's validator finds the answer wrong."))
@pass_house
def command(house: House, words: tuple[str, ...], tutor: str | None, bare: bool, check: bool) -> None:
    """Ask a tutor one question; without NAME the default tutor answers.

    The question may also be piped in: echo "..." | hub ask NAME; and a file after it: hub ask NAME "explain:" - < file.
    Only the answer goes to stdout.
    """
    name, question = _who_and_what(words, tutor)
    with house.open_tutor(name) as found:
        adapter = None if bare else chosen_adapter(found)
        validator = house.plugins.judge_of(found)
        room = ChatRoom(found.base, house.plugins)
        try:
            room.seat(found, adapter)
            conversation = Conversation()
            text = ""
            for piece in conversation.ask(room, found, question, bare=bare):
                text += piece
                if not house.json:
                    click.echo(piece, nl=False)
            house.show()
            verdict = validator.judge(attempt_of(found, conversation.turns[:1], text))
        finally:
            room.close()
    house.emit({"schema": 1, "tutor": found.name, "run": adapter.folder.name if adapter else None, "answer": text, "verdict": verdict})
    if verdict.outcome == "incorrect":
        if check:
            raise BelowThresholdError(
                _("the validator '{name}' rejects the answer: {reason}").format(name=verdict.validator, reason=verdict.reason)
            )
        house.note(f"✗ {verdict.reason}")


def _who_and_what(words: tuple[str, ...], tutor: str | None) -> tuple[str | None, str]:
    """Tutor and question. Stdin is read only where no question was given, or for ``-``: else a loop around us would lose its lines."""
    if len(words) == 1 and any(mark in words[0] for mark in " ¿?"):  # one argument that cannot be a name: the question
        name, said = tutor, list(words)
    else:
        name, said = (words[0] if words else tutor), list(words[1:])
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if "-" in said or (not said and piped):
        said = [word for word in said if word != "-"] + [sys.stdin.buffer.read().decode("utf-8", errors="replace")]
        question = "\n\n".join(part.strip() for part in said if part.strip())
    else:
        question = " ".join(said).strip()
    if not question:
        raise UsageError(_("what is the question?"), hint=_('hub ask NAME "..."'))
    return name, question
