"""``hub ask [NAME|auto] "pregunta"``: one question, one answer on stdout and nothing else there."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from gettext import gettext as _
from typing import Any

import click

from adapters_hub.chatting import (
    BARE,
    Answer,
    Answered,
    ChatRoom,
    Conversation,
    Piece,
    Resumption,
    Retrying,
    Seat,
    adapter_to_resume,
    badge,
    chosen_adapter,
    validator_of,
)
from adapters_hub.cli._completions import CONVERSATION, first_word_is_a_tutor
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.cli._keeping import open_log, record_to_resume
from adapters_hub.cli._speakers import staff_of, tutor_called
from adapters_hub.errors import BelowThresholdError, HubError, UsageError
from adapters_hub.router import AUTO, Route
from adapters_hub.transcripts import Record
from adapters_hub.types import Tutor


@click.command("ask")
@click.argument("words", nargs=-1, metavar="[NAME|auto] QUESTION", shell_complete=first_word_is_a_tutor)
@click.option("--tutor", type=TUTOR, hidden=True)
@click.option("--bare", is_flag=True, help=_("Ask the base without the tutor's adapter, to compare."))
@click.option("--check", is_flag=True, help=_("Exit with 7 when the tutor's validator finds the answer wrong."))
@click.option("--expected", metavar="TEXT", help=_("What a right answer says: for the validator, the model never sees it."))
@click.option("-c", "--continue", "resume", is_flag=True, help=_("Ask within the last conversation (with NAME: the last one with it)."))
@click.option("--id", "conversation_id", type=CONVERSATION, metavar="ID", help=_("Ask within that conversation of hub logs."))
@click.option("--no-log", is_flag=True, help=_("Keep neither question nor answer."))
@pass_house
def command(
    house: House,
    words: tuple[str, ...],
    tutor: str | None,
    bare: bool,
    check: bool,
    expected: str | None,
    resume: bool,
    conversation_id: str | None,
    no_log: bool,
) -> None:
    """Ask a tutor one question; without NAME the default tutor answers.

    With auto in place of NAME the tutor answers whose subject the question is. The question may also be piped in:
    echo "..." | hub ask NAME; and a file after it: hub ask NAME "explain:" - < file.
    Only the answer goes to stdout. Questions and answers are kept (hub logs); -c goes on where the last one ended.
    """
    resume = resume or conversation_id is not None
    name, question = _who_and_what(house, words, tutor, resume=resume)
    record = record_to_resume(house, None if name == AUTO or conversation_id else name, conversation_id) if resume else None
    plan = _plan(house, name, question, record, bare=bare)
    validator = validator_of(plan.tutor, house.plugins)  # before the slow part: it may be missing
    room = ChatRoom(plan.tutor.base, house.plugins)
    log = None if no_log else open_log(house)
    warnings: list[str] = []  # said once the answer's line has ended
    try:
        seat = room.seat(plan.tutor, plan.resumption.adapter, validator=validator)
        if record is None:
            conversation = Conversation(log=log, warn=warnings.append)
        else:
            conversation = Conversation.resumed(record, log=log, warn=warnings.append)
        answer = _follow(house, conversation, room, seat, question, expected)
    finally:
        room.close()
        if log is not None:
            log.close()
        for warning in warnings:
            house.warn(warning)
    house.emit(_document(seat, answer, conversation, plan.route))
    _report(house, answer, seat, check=check)


# --- who answers ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """Who answers, over which run."""

    tutor: Tutor
    resumption: Resumption
    route: Route | None = None
    """Set where ``auto`` chose the tutor."""


def _who_and_what(house: House, words: tuple[str, ...], tutor: str | None, *, resume: bool) -> tuple[str | None, str]:
    """Tutor and question. Stdin is read only where no question was given, or for ``-``: else a loop around us would lose its lines."""
    alone = len(words) == 1 and any(mark in words[0] for mark in " ¿?")  # one argument that cannot be a name: the question
    if alone or (resume and words and not _is_tutor(house, words[0])):  # or whoever spoke last goes on
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


def _is_tutor(house: House, word: str) -> bool:
    try:
        return word in (AUTO, BARE) or bool(house.find_tutor(word))
    except HubError:
        return False


def _plan(house: House, name: str | None, question: str, record: Record | None, *, bare: bool) -> _Plan:
    """The tutor and its run: of the conversation that goes on, while that is the same tutor, else the one in force."""
    present = record.binding.tutor if record is not None else None
    route = None
    if name == AUTO:
        if bare:
            raise UsageError(_("auto chooses among trained tutors: it goes without --bare"), hint="hub ask auto")
        route = _route(house, question, present)
        name = route.tutor
    tutor = tutor_called(house, name or present)
    if bare or tutor.name == BARE:
        return _Plan(tutor, Resumption(None), route)
    if record is None or tutor.name != present:
        return _Plan(tutor, Resumption(chosen_adapter(tutor)), route)
    resumption = adapter_to_resume(record, tutor)
    for note in resumption.notes:
        house.note(note)
    return _Plan(tutor, resumption, route)


def _route(house: House, question: str, present: str | None) -> Route:
    """Whose subject the question is; raises UsageError where that is uncertain."""
    staff = staff_of(house)
    for problem in staff.problems:
        house.warn(problem)
    route = staff.router.route(question, present)
    if route.tutor is None:
        likely = ", ".join(f"{name} {share:.0%}" for name, share in route.candidates[:4])
        hint = _('name the tutor: hub ask NAME "..." ({likely})').format(likely=likely)
        raise UsageError(_("auto cannot tell whom to ask. {why}").format(why=route.why), hint=hint)
    house.note(f"→ {route.tutor}: {route.why}")
    return route


# --- the answer ----------------------------------------------------------------------------------


def _follow(house: House, conversation: Conversation, room: ChatRoom, seat: Seat, question: str, expected: str | None) -> Answer:
    """Print the answer as it comes."""
    answer: Answer | None = None
    try:
        for event in conversation.ask(room, seat, question, expected=expected):
            if isinstance(event, Piece):
                if not house.json:
                    click.echo(event.text, nl=False)
            elif isinstance(event, Retrying):
                house.note(_("revising ({reason})").format(reason=badge(event.verdict)))
            elif isinstance(event, Answered):
                answer = event.answer
    finally:
        house.show()
    assert answer is not None  # nobody stops it but Ctrl-C, which does not come here
    return answer


def _document(seat: Seat, answer: Answer, conversation: Conversation, route: Route | None) -> dict[str, Any]:
    return {
        "schema": 1,
        "tutor": seat.tutor.name,
        "run": seat.adapter.folder.name if seat.adapter is not None else None,
        **answer.document(),
        "conversation": conversation.id,
        **({"route": {"tutor": route.tutor, "why": route.why}} if route is not None else {}),
    }


def _report(house: House, answer: Answer, seat: Seat, *, check: bool) -> None:
    """What is known about the answer, to stderr; raises BelowThresholdError where a wrong one is to end the command."""
    if not answer.text:
        house.warn(_("the model had nothing to say"))
    elif answer.finish == "length":
        house.note(_("(cut off at {most} tokens: [chat] max_new_tokens)").format(most=seat.sampling.max_new_tokens))
    if answer.forgotten:
        house.note(_("(the oldest {count} turns had no room)").format(count=answer.forgotten))
    verdict = answer.verdict
    if check and verdict is not None and verdict.outcome == "incorrect":
        text = _("the validator '{name}' rejects the answer: {reason}").format(name=verdict.validator, reason=verdict.reason)
        raise BelowThresholdError(text)
    if said := badge(verdict):
        house.note(said)
