"""What stays of a chat: the log that ``hub chat -c`` goes on from, and the JSON files of ``/guardar`` and ``/abrir``.

Knows where conversations are kept and what they are made of; knows nothing of how they are shown.
"""

from __future__ import annotations

import os
from datetime import datetime
from gettext import gettext as _
from pathlib import Path

from adapters_hub.chatting import Conversation
from adapters_hub.cli._house import House
from adapters_hub.conversations import ConversationLog
from adapters_hub.errors import HubError, NotFoundError, UsageError, from_os_error
from adapters_hub.log_file import log_path, logging_is_on
from adapters_hub.transcripts import LARGEST_DOCUMENT, Record, document_of, records_of
from adapters_hub.workspace import shown, write_json


def open_log(house: House) -> ConversationLog | None:
    """The user's log; None when none is wanted, or none can be had, which is said once."""
    if not logging_is_on(house.environ):
        return None
    try:
        log = ConversationLog(log_path(house.environ))
    except HubError as error:  # a chat without a log is better than none
        house.warn(_("this conversation is not kept: {problem}").format(problem=error.message))
        return None
    if log.is_new:
        house.note(_("conversations are kept in {file}: --no-log keeps none, hub logs off keeps none from now on").format(file=log.path))
    return log


def record_to_resume(house: House, name: str | None, id: str | None) -> Record:
    """The conversation ``id``, or the last one in this workspace, with the tutor ``name`` if given."""
    path = log_path(house.environ)
    if not path.exists():
        raise NotFoundError(_("no conversation has been kept yet"), hint=_("hub chat begins one"))
    log = ConversationLog(path)
    try:
        record = log.show(id) if id else log.latest(tutor=name or "", home=house.workspace.folder)
    finally:
        log.close()
    if record is None:
        who = (
            _("there is no conversation with {name} to go on with")
            if name
            else _("there is no conversation in this workspace to go on with")
        )
        raise NotFoundError(who.format(name=name), hint=_("hub logs lists all"))
    return record


# --- files ---------------------------------------------------------------------------------------


def write_conversation(conversation: Conversation, argument: str) -> Path:
    """Write the conversation as JSON; never over a file that is there. Returns the file."""
    if not conversation.turns:
        raise UsageError(_("there is nothing to save yet"), hint=_("ask something first"))
    record = conversation.record()
    if argument:
        file = Path(os.path.expanduser(argument))
        file = file if file.suffix or file.is_dir() else file.with_suffix(".json")
    else:
        moment = datetime.now().strftime("%Y%m%d-%H%M%S")
        file = Path(f"chat-{record.binding.tutor}-{moment}.json")
    if file.is_dir():
        raise UsageError(_("{file} is a folder").format(file=shown(file)), hint=_("/guardar FILE.json"))
    if file.exists():
        raise UsageError(_("{file} is there already").format(file=shown(file)), hint=_("name another file"))
    write_json(file, document_of([record]))
    return file


def read_conversation(argument: str) -> Record:
    """The newest conversation of a JSON file; raises DataError with all that is wrong with it."""
    if not argument:
        raise UsageError(_("which file?"), hint=_("/abrir FILE"))
    file = Path(os.path.expanduser(argument))
    if not file.exists() and not file.suffix and file.with_suffix(".json").exists():
        file = file.with_suffix(".json")
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise from_os_error(error, _("read {file}").format(file=shown(file))) from error
    records = records_of(data, shown(file))
    if not records:
        raise UsageError(_("{file} holds no conversation").format(file=shown(file)))
    return max(records, key=lambda record: record.changed)
