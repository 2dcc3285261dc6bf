"""``hub logs``: the conversations that were kept on this machine: read, search, carry along, remove, and whether any are kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from adapters_hub.answers import badge
from adapters_hub.cli._completions import CONVERSATION
from adapters_hub.cli._house import TUTOR, House, pass_house, with_global_options
from adapters_hub.cli._typing import forget_history
from adapters_hub.cli._verdicts import cropped, one_line
from adapters_hub.conversations import ConversationLog, Summary, log_path, logging_is_on, switch_logging
from adapters_hub.errors import NotFoundError, UsageError, from_os_error
from adapters_hub.transcripts import LARGEST_DOCUMENT, Record, Turn, conversation_document, document_of, here, records_of
from adapters_hub.trust import state_folder
from adapters_hub.workspace import shown, write_json

MOST = 20
"""Lines of a list, unless more are asked for."""
LONGEST_NAME = 31
"""Columns of a tutor's name: as many as a name may have that is not imported."""
AGE = re.compile(r"(\d{1,5})\s*([hdwm])")
HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24}


@click.group("logs", invoke_without_command=True)
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House) -> None:
    """Show, search and remove kept conversations.

    Without a word more: list the newest ones. They are kept on this machine only, in a file that only you can read; hub logs off
    keeps none from now on, --no-log none of one chat.
    """
    if ctx.invoked_subcommand is None:
        _list(house, MOST, "")


@click.command("list")
@click.option("-n", "--limit", type=click.IntRange(1), default=MOST, show_default=True, help=_("So many at most."))
@click.option("--tutor", type=TUTOR, default="", help=_("Only those with this tutor."))
@pass_house
def list_conversations(house: House, limit: int, tutor: str) -> None:
    """List conversations, the newest first."""
    _list(house, limit, tutor)


def _list(house: House, limit: int, tutor: str) -> None:
    with _open_log(house.environ) as log:
        rows = log.list(most=limit + 1, tutor=tutor) if log is not None else ()
    on = logging_is_on(house.environ)
    house.emit({"schema": 1, "on": on, "path": str(log_path(house.environ)), "conversations": [asdict(row) for row in rows[:limit]]})
    if house.json:
        return
    if not rows:
        house.show(_("no conversations with {name} are kept").format(name=tutor) if tutor else _("no conversations are kept"))
    else:
        _show_table(house, rows[:limit])
    if len(rows) > limit:
        house.note(_("older ones: hub logs list --limit {count}").format(count=10 * limit))
    if not on:
        house.note(_("conversations are not kept at present: hub logs on"))


def _show_table(house: House, rows: Sequence[Summary]) -> None:
    from rich.cells import cell_len, set_cell_size

    titles = (_("ID"), _("WHEN"), _("TUTOR"), _("TURNS"), _("FIRST QUESTION"))
    cells = [
        (row.id, here(row.changed), cropped(one_line(row.tutor), LONGEST_NAME), str(row.turns), one_line(row.question)) for row in rows
    ]
    widths = [max(cell_len(line[column]) for line in [titles, *cells]) for column in range(4)]
    left = max(20, shutil.get_terminal_size().columns - sum(widths) - 9) if sys.stdout.isatty() else 200
    for line in [titles, *cells]:
        columns = [set_cell_size(cell, width) for cell, width in zip(line, widths, strict=False)]
        house.show("  ".join([*columns, cropped(line[4], left)]).rstrip())


@click.command("show")
@click.argument("id", type=CONVERSATION, required=False)
@click.option("--tries", is_flag=True, help=_("Show answers too that were rejected and tried again."))
@pass_house
def show(house: House, id: str | None, tries: bool) -> None:
    """Print a conversation; without ID the last one."""
    with _open_log(house.environ) as log:
        record = None if log is None else log.show(id) if id else log.latest()
    if record is None:
        raise NotFoundError(_("no conversations are kept"), hint=_("hub chat begins one"))
    house.emit({"schema": 1, **conversation_document(record)})
    if not house.json:
        _show_record(house, record, tries=tries)


def _show_record(house: House, record: Record, *, tries: bool) -> None:
    house.show(f"{record.id} · {here(record.created)} · {_speaker(record.binding.tutor, record.binding.run)} · {record.binding.base}")
    former = ""
    for turn in record.turns:
        house.show()
        if turn.role == "user":
            house.show("\n".join(f"> {line}" for line in turn.content.splitlines()))
            continue
        speaker = _speaker(turn.tutor, turn.run)
        if speaker != former:
            house.show(f"[{speaker}]")
        former = speaker
        if tries:
            _show_tries(house, turn)
        house.show(turn.content + (" …" if turn.stopped else ""))
        if said := badge(turn.verdict):
            house.show(said + (_(" (tried {count} times)").format(count=len(turn.tries)) if len(turn.tries) > 1 else ""))


def _show_tries(house: House, turn: Turn) -> None:
    for made in turn.tries:
        if made.text != turn.content:
            house.show("\n".join(f"| {line}" for line in (made.text or _("(nothing)")).splitlines()))
            house.show(f"| {badge(made.verdict) or made.finish}\n")


@click.command("search")
@click.argument("words", nargs=-1, required=True, metavar="TEXT")
@click.option("-n", "--limit", type=click.IntRange(1), default=MOST, show_default=True, help=_("So many at most."))
@click.option("--tutor", type=TUTOR, default="", help=_("Only in conversations with this tutor."))
@pass_house
def search(house: House, words: tuple[str, ...], limit: int, tutor: str) -> None:
    """Find what was said in kept conversations.

    Every word, or its beginning, in one turn; accents and capitals make no difference. What stands within double quotes is
    looked for as a whole: hub logs search '"primera ley" newton'.
    """
    with _open_log(house.environ) as log:
        hits = log.search(" ".join(words), most=limit, tutor=tutor) if log is not None else ()
    house.emit({"schema": 1, "hits": [asdict(hit) for hit in hits]})
    if not hits and not house.json:
        house.show(_("nothing found"))
    for hit in hits:
        mark = ">" if hit.role == "user" else " "
        house.show(f"{hit.id}  {here(hit.when)}  {one_line(hit.tutor)} {mark} {one_line(hit.excerpt)}")


@click.command("path")
@pass_house
def path(house: House) -> None:
    """Print where conversations are kept."""
    file = log_path(house.environ)
    size = sum(part.stat().st_size for part in (file, Path(f"{file}-wal")) if part.is_file())
    house.emit({"schema": 1, "path": str(file), "exists": file.is_file(), "bytes": size, "on": logging_is_on(house.environ)})
    house.show(str(file))


@click.command("on")
@pass_house
def on(house: House) -> None:
    """Keep conversations from now on."""
    switch_logging(True, house.environ)
    house.emit({"schema": 1, "on": True})
    house.show(_("conversations are kept from now on, in {file}").format(file=log_path(house.environ)))


@click.command("off")
@pass_house
def off(house: House) -> None:
    """Keep no conversations from now on; those that are there stay."""
    switch_logging(False, house.environ)
    house.emit({"schema": 1, "on": False})
    house.show(_("no conversations are kept from now on"))
    house.note(_("those that are there stay: hub logs rm --all removes them"))


@click.command("rm")
@click.argument("ids", nargs=-1, type=CONVERSATION, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help=_("All of them."))
@click.option("--older-than", metavar="AGE", help=_("Those without a turn since so long: 12h, 30d, 8w, 6m (months of 30 days)."))
@pass_house
def rm(house: House, ids: tuple[str, ...], everything: bool, older_than: str | None) -> None:
    """Remove conversations for good; asks first."""
    if bool(ids) + everything + (older_than is not None) != 1:
        raise UsageError(_("what is to be removed: some IDs, --older-than AGE, or --all?"), hint=_("hub logs lists the ids"))
    before = _since(older_than) if older_than is not None else ""
    with _open_log(house.environ) as log:
        if log is None:
            doomed: tuple[str, ...] = ()
            if ids:
                raise NotFoundError(_("no conversations are kept"))
        else:
            doomed = tuple(dict.fromkeys(log.show(id).id for id in ids)) or tuple(row.id for row in log.list(before=before))
        if doomed and not house.confirm(_question(doomed)):
            raise UsageError(_("nothing was removed"), hint=_("--yes removes without asking"))
        removed = log.remove(doomed) if log is not None and doomed else 0
    if everything:
        _forget_what_was_typed(house)
    house.emit({"schema": 1, "removed": removed, "ids": list(doomed)})
    house.show(_("{count} removed").format(count=removed))


def _forget_what_was_typed(house: House) -> None:
    """The line editor remembers the questions too."""
    try:
        if forget_history(state_folder(house.environ)):
            house.note(_("the chat's line editor has forgotten what was typed, too"))
    except OSError as error:
        raise from_os_error(error, _("remove what was typed in chats")) from error


def _question(doomed: Sequence[str]) -> str:
    if len(doomed) == 1:
        return _("Remove the conversation {id} for good?").format(id=doomed[0])
    return _("Remove {count} conversations for good?").format(count=len(doomed))


def _since(age: str) -> str:
    """The moment that was ``age`` ago."""
    found = AGE.fullmatch(age.strip().lower())
    if found is None:
        raise UsageError(_("--older-than {age!r}: how long is that?").format(age=age[:40]), hint=_("12h, 30d, 8w or 6m"))
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    moment = now - min(timedelta(hours=int(found[1]) * HOURS[found[2]]), now - datetime.min)  # there was no time before the first year
    return moment.isoformat(timespec="seconds") + "Z"  # strftime writes the year 876 with three digits


@click.command("export")
@click.argument("ids", nargs=-1, type=CONVERSATION, metavar="[ID]...")
@click.option("-o", "--output", metavar="FILE", help=_("Write a new file that only you can read, instead of to stdout."))
@pass_house
def export(house: House, ids: tuple[str, ...], output: str | None) -> None:
    """Print conversations as JSON, for hub logs import.

    All of them, or those with these ids."""
    with _open_log(house.environ) as log:
        if log is None:
            records: list[Record] = []
            if ids:
                raise NotFoundError(_("no conversations are kept"))
        else:
            records = [log.show(id) for id in dict.fromkeys(ids or (row.id for row in log.list()))]
    document = document_of(records)
    if output is None:
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
        return
    file = Path(os.path.expanduser(output))
    if file.exists():
        raise UsageError(_("{file} is there already").format(file=shown(file)), hint=_("name another file"))
    write_json(file, document)
    house.emit({"schema": 1, "file": str(file), "conversations": len(records)})
    house.show(_("{count} conversations in {file}").format(count=len(records), file=shown(file)))


@click.command("import")
@click.argument("file", metavar="FILE")
@pass_house
def take_in(house: House, file: str) -> None:
    """Add conversations of hub logs export; - reads stdin.

    All of the file's or none. Those that are here already stay as they are; where another one has the id, the added one gets a new id.
    """
    name = _("stdin") if file == "-" else shown(Path(file))
    try:
        with sys.stdin.buffer if file == "-" else open(os.path.expanduser(file), "rb") as stream:
            data = stream.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise from_os_error(error, _("read {file}").format(file=name)) from error
    records = records_of(data, name)
    log = ConversationLog(log_path(house.environ))
    try:
        done = log.take_in(records)
    finally:
        log.close()
    house.emit({"schema": 1, "added": list(done.added), "known": list(done.known)})
    house.show(_("{added} added, {known} were here already").format(added=len(done.added), known=len(done.known)))


for verb in (list_conversations, show, search, path, on, off, rm, export, take_in):
    command.add_command(with_global_options(verb))


@contextmanager
def _open_log(environ: Any) -> Iterator[ConversationLog | None]:
    """The log; None where nothing has ever been kept, so that looking makes no file."""
    file = log_path(environ)
    if not file.exists():
        yield None
        return
    log = ConversationLog(file)
    try:
        yield log
    finally:
        log.close()


def _speaker(tutor: str, run: str) -> str:
    return f"{tutor}@{run}" if run else tutor
