"""``hub chat [NAME]``: talk with a tutor, and change the tutor in the middle of it."""

from __future__ import annotations

from collections.abc import Sequence
from gettext import gettext as _

import click

from adapters_hub.chatting import BARE, ChatRoom, Conversation, adapter_to_resume, chosen_adapter
from adapters_hub.cli._auto import Auto
from adapters_hub.cli._completions import CONVERSATION, TUTOR_OR_AUTO
from adapters_hub.cli._house import House, pass_house
from adapters_hub.cli._keeping import open_log, record_to_resume
from adapters_hub.cli._orders import Orders, setting_completions
from adapters_hub.cli._screen import Screen
from adapters_hub.cli._speakers import base_alone, tutor_called
from adapters_hub.cli._talk import Talk
from adapters_hub.cli._typing import Desk, at_terminal, keyboard, silent_keys
from adapters_hub.errors import HubError, UsageError
from adapters_hub.router import AUTO
from adapters_hub.transcripts import Record
from adapters_hub.trust import state_folder
from adapters_hub.types import Adapter, Tutor
from adapters_hub.workspace import tutor_names


@click.command("chat")
@click.argument("name", type=TUTOR_OR_AUTO, required=False, metavar="[NAME|auto]")
@click.option("-c", "--continue", "resume", is_flag=True, help=_("Go on with the last conversation."))
@click.option("--id", "conversation_id", type=CONVERSATION, metavar="ID", help=_("Go on with that conversation of hub logs."))
@click.option("--no-log", is_flag=True, help=_("Keep neither the conversation nor what is typed."))
@click.option("--plain", is_flag=True, help=_("Print the answers as the model writes them, without styles."))
@click.option("--bare", is_flag=True, help=_("Talk with the base without any adapter, to compare."))
@pass_house
def command(house: House, name: str | None, resume: bool, conversation_id: str | None, no_log: bool, plain: bool, bare: bool) -> None:
    """Talk with a tutor; without NAME with the default one.

    With auto each question finds its own tutor, with base the base alone answers.
    /ayuda (or /help) lists what can be typed: /tutor NAME changes the tutor at once, /reintentar asks for another answer,
    /salir or Ctrl-D leaves. Ctrl-C stops the answer only. A line that begins with // is sent with one slash.

    Lines that are piped in are asked one after the other, answers on stdout, all else on stderr; the exit code is that of the
    first thing that went wrong.
    """
    screen = Screen(house, plain=plain, interactive=at_terminal())
    record = record_to_resume(house, name if name != AUTO else None, conversation_id) if resume or conversation_id else None
    tutor, auto = _who(house, screen, name or (record.binding.tutor if record is not None else None), bare)
    adapter, notes = _with_what(tutor, record, bare)  # before the slow part: it may be missing
    base = tutor.base if tutor is not None else house.load_base()
    screen.loading(_("loading base {model} ...").format(model=base.model))
    with silent_keys():
        room = ChatRoom(base, house.plugins)
    screen.arrived()
    log = None if no_log else open_log(house)
    try:
        bare = tutor is not None and adapter is None
        talk = Talk(house, screen, room, Conversation(log=log, warn=screen.note), auto=auto, bare=bare)
        if tutor is not None:
            talk.seat = room.seat(tutor, adapter)
        orders = Orders(talk)
        talk.obey = orders.obey
        screen.note(orders.introduction())
        if screen.interactive:
            screen.note(_("/ayuda shows the commands, Ctrl-D leaves"))
        if record is not None:
            talk.resume(record, talk.seat or talk.seat_of(record.binding.tutor), notes, logged=True)
        with silent_keys():
            keys = keyboard(_desk(house, orders, remember=log is not None))
        talk.run(keys)
    finally:
        screen.arrived()
        room.close()
        if log is not None:
            log.close()
    if talk.exit_code and not screen.interactive:
        click.get_current_context().exit(talk.exit_code)


def _who(house: House, screen: Screen, name: str | None, bare: bool) -> tuple[Tutor | None, Auto | None]:
    """Whom to talk with first."""
    if name == AUTO:
        if bare:
            raise UsageError(_("auto chooses among trained tutors: it goes without --bare"), hint="hub chat auto")
        return None, Auto(house, screen)
    if bare and name is None:
        try:
            return house.load_tutor(), None
        except HubError:  # no tutor is chosen, and none is needed
            return base_alone(house), None
    return tutor_called(house, name), None


def _with_what(tutor: Tutor | None, record: Record | None, bare: bool) -> tuple[Adapter | None, Sequence[str]]:
    """The adapter that answers first, and what is not as it was when a kept conversation was held."""
    if tutor is None or bare or tutor.name == BARE:
        return None, ()
    if record is None:
        return chosen_adapter(tutor), ()
    resumption = adapter_to_resume(record, tutor)
    return resumption.adapter, resumption.notes


def _desk(house: House, orders: Orders, *, remember: bool) -> Desk:
    def tutors() -> list[str]:
        try:
            return [*tutor_names(house.workspace), AUTO, BARE]
        except HubError:  # a completion has nobody to tell
            return [AUTO, BARE]

    return Desk(
        state=state_folder(house.environ),
        tutors=tutors,
        settings=lambda: setting_completions(orders),
        remember=remember,
        color=house.color,
        on_stderr=house.json,
    )
