"""``hub base [show|list|use ID]``: the base that all tutors share, which others could be had, and the change to another."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from adapters_hub import base_files, choosing
from adapters_hub.base_memory import GB, Room, minutes_to_download, weights_bytes
from adapters_hub.choosing import Candidate, Offer, Trained
from adapters_hub.cli._house import House, pass_house, with_global_options
from adapters_hub.errors import HubError, NetworkError, NotFoundError, ResourceError
from adapters_hub.hardware import read_machine
from adapters_hub.hub_file import change_settings
from adapters_hub.known_bases import AS_OF, CATALOGUE, why_best
from adapters_hub.types import BaseModel
from adapters_hub.workspace import shown

MARKS = {"comfortable": "✓", "tight": "~", "no": "✗"}
TUTORS = click.IntRange(0, 1000)


class BaseName(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A base's id, folder or file; completes ids of the catalogue and of the cache."""

    name = "base"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Ids that begin with what was typed, or whose part after the slash does; files when it looks like a path."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith((".", "/", "~")):
            return [CompletionItem(incomplete, type="file")]
        ids = dict.fromkeys([*base_files.EMBEDDED, *(base.id for base in CATALOGUE), *base_files.cached_models()])
        exact = [name for name in ids if name.startswith(incomplete)]
        typed = incomplete.lower()
        alike = [name for name in ids if name.lower().startswith(typed) or name.lower().rpartition("/")[2].startswith(typed)]
        return [CompletionItem(name) for name in exact or alike]  # words of another case would shorten what was typed


@click.group("base", invoke_without_command=True)
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House) -> None:
    """Show, list or change the base that all tutors share.

    Without a word more: show it.
    """
    if ctx.invoked_subcommand is None:
        _show(house, None)


@click.command("show")
@click.option("--tutors", type=TUTORS, help=_("Reckon with so many tutors in memory."))
@pass_house
def show(house: House, tutors: int | None) -> None:
    """Show the base of the workspace and which tutors stand on it."""
    _show(house, tutors)


@click.command("list")
@click.option("--tutors", type=TUTORS, help=_("Reckon with so many tutors in memory."))
@pass_house
def list_bases(house: House, tutors: int | None) -> None:
    """List known good bases and how they would do on this machine."""
    room = choosing.room_here(house.environ)
    count = _count(house, tutors)
    current = _current(house)
    found = choosing.offers(room, tutors=count, current=current, environ=house.environ)
    best = choosing.best_offer(room, tutors=count)
    fit = next((offer.fit for offer in found if best is not None and offer.name == best.id), None)
    why = why_best(best, fit, room) if best is not None and fit is not None else _("no open base of the list fits this machine: use mini")
    house.emit(
        {
            "schema": 1,
            "as_of": AS_OF,
            "room": asdict(room),
            "tutors": count,
            "base": current or None,
            "best": best.id if best else None,
            "why": why,
            "bases": [_as_json(offer, room) for offer in found],
        }
    )
    if house.json:
        return
    _print_offers(house, found, current, best.id if best else "")
    house.show()
    house.show(why)
    text = _("with {count} tutors in {room}, weights in 4 bits; figures of {date}")
    house.note(text.format(count=count, room=room.name, date=AS_OF))
    house.note(_("✓ fits  ~ tight  ✗ does not fit  * in use here  > best here  + asks for a login; --verbose: with notes"))
    house.note(_("TOKENS: the longest conversation; CHATS: conversations of 2,048 tokens side by side; hub base use BASE takes one"))


@click.command("use")
@click.argument("name", type=BaseName(), metavar="ID|FOLDER|FILE.gguf")
@click.option("--revision", help=_("Branch, tag or commit of a Hub model."))
@click.option("--quantization", type=click.Choice(["auto", "nf4", "int8", "none"]), help=_("How the weights are held in memory."))
@click.option("--download/--no-download", default=None, help=_("Fetch it now, or with the first training or question. Default: ask."))
@click.option("--tutors", type=TUTORS, help=_("Reckon with so many tutors in memory."))
@pass_house
def use(house: House, name: str, revision: str | None, quantization: Any, download: bool | None, tutors: int | None) -> None:
    """Make another model the base of all tutors.

    Checks that it can be had and whether it fits, then writes it into hub.toml. Tutors trained on another base must be
    trained again; their runs stay, so the way back is hub base use with the former name.
    """
    room, count = choosing.room_here(house.environ), _count(house, tutors)
    former = house.load_base()
    found = choosing.candidate(
        name, house.workspace, room, tutors=count, revision=revision, quantization=quantization, environ=house.environ
    )
    if found.too_large:
        problem = choosing.too_large(found, room, count)
        if not house.confirm(_("{problem}. Take it all the same?").format(problem=problem.message)):
            raise problem
    fetched = _fetch(house, found, download)
    change_settings(house.workspace.settings_file, found.changes)
    now = house.load_base()
    stand = choosing.tutors_on(now, house.workspace, base_files.base_on_this_machine(now))
    house.emit(
        {
            "schema": 1,
            "from": {"model": former.model, "revision": former.revision, "quantization": former.quantization},
            "to": {"model": now.model, "revision": now.revision, "quantization": now.quantization},
            "changed": {path: {"from": found.former[path], "to": value} for path, value in found.changes.items()},
            "here": found.offer.here or fetched,
            "base": _as_json(found.offer, room),
            "tutors": [asdict(tutor) for tutor in stand],
            "remarks": list(found.remarks),
        }
    )
    _print_change(house, found, former, now, stand, fetched)


for subcommand in (show, list_bases, use):
    command.add_command(with_global_options(subcommand))


def _count(house: House, tutors: int | None) -> int:
    if tutors is not None:
        return tutors
    try:
        return choosing.tutors_expected(house.workspace)
    except NotFoundError:  # the list is of use outside a workspace too
        return choosing.tutors_expected(None)


def _current(house: House) -> str:
    try:
        return house.load_base().model
    except HubError:  # no workspace, or one whose settings are broken: hub base show says so
        return ""


# --- show ----------------------------------------------------------------------------------------


def _show(house: House, tutors: int | None) -> None:
    room, count = choosing.room_here(house.environ), _count(house, tutors)
    held = choosing.held_base(house.workspace, room, tutors=count, environ=house.environ)
    stand = choosing.tutors_on(held.base, house.workspace, held.files)
    offer, files = held.offer, held.files
    house.emit(
        {
            "schema": 1,
            "model": held.base.model,
            "revision": files.revision if files else held.base.revision,
            "quantization": held.base.quantization,
            "engine": held.base.engine,
            "folder": str(files.path) if files else None,
            "problem": held.problem,
            "room": asdict(room),
            "reckoned_tutors": count,
            "base": _as_json(offer, room),
            "tutors": [asdict(tutor) for tutor in stand],
        }
    )
    if house.json:
        return
    house.show(_name(held.base.model))
    house.show()
    for label, text in (
        (_("licence"), _licence(offer)),
        (_("size"), _size_line(offer)),
        (_("revision"), files.revision if files else held.base.revision),
        (_("files"), shown(files.path) if files else held.problem or _("not on this machine yet: the first hub train or ask fetches it")),
        (_("held"), f"{held.base.quantization}, {held.base.engine}"),
        (_("memory"), _memory_line(offer, room, count)),
        (_("context"), _context_line(offer)),
        (_("training"), _training_line(offer)),
        (_("note"), offer.note),
    ):
        if text:
            house.show(f"{label:<12}{text}")
    house.show()
    _print_tutors(house, stand)


def _print_tutors(house: House, stand: Sequence[Trained]) -> None:
    words = {"ready": _("trained on it"), "untrained": _("not trained yet"), "stale": "", "broken": ""}
    for tutor in stand:
        text = words[tutor.status] or tutor.why
        if tutor.status == "stale":
            again = f"hub switch {tutor.tutor}@{tutor.usable_run}" if tutor.usable_run else f"hub train {tutor.tutor}"
            text += f" -> {again}"
        house.show(f"{'✓' if tutor.status == 'ready' else '!' if tutor.status in ('stale', 'broken') else ' '} {tutor.tutor:<20}{text}")


def _licence(offer: Offer) -> str:
    if not offer.licence:
        return _("unknown: read its page before you publish")
    return offer.licence + ("" if offer.free is not False else _(" (not for every use)"))


def _size_line(offer: Offer) -> str:
    parts = [_("{count} parameters").format(count=_many(offer.parameters))] if offer.parameters else []
    if offer.download:
        parts.append((_("{size} on disk") if offer.here else _("{size} to fetch")).format(size=_bytes(offer.download)))
    return ", ".join(parts)


def _memory_line(offer: Offer, room: Room, tutors: int) -> str:
    fit = offer.fit
    if fit is None:
        return _("unknown: its files do not tell its shape")
    text = _("{weights} and {adapters} for {count} tutors of {usable} in {room}")
    usable = _bytes(max(0, room.usable))
    return text.format(weights=_bytes(fit.weights), adapters=_bytes(fit.adapters), count=tutors, usable=usable, room=room.name)


def _context_line(offer: Offer) -> str:
    if offer.fit is None or offer.shape is None:
        return ""
    text = _("{context:,} tokens at once ({each} each), {count:,} conversations side by side")
    return text.format(context=offer.fit.context, each=_bytes(offer.fit.kv_per_token), count=offer.fit.conversations)


def _training_line(offer: Offer) -> str:
    if offer.fit is None:
        return ""
    return (_("fits: about {size}") if offer.fit.trainable else _("does not fit: about {size}")).format(size=_bytes(offer.fit.training))


# --- list ----------------------------------------------------------------------------------------


WIDE = 130
"""Columns of a terminal from which on the table has room for notes; a pipe has."""


def _print_offers(house: House, found: Sequence[Offer], current: str, best: str) -> None:
    titles = ["", _("BASE"), _("LICENCE"), _("FETCH"), _("NEEDS"), _("TOKENS"), _("CHATS"), _("NOTE")]
    rows = [[_mark(offer, current, best), offer.name, *_cells(offer)] for offer in found]
    narrow = sys.stdout.isatty() and not house.verbose and house.console().width < WIDE
    shown_columns = range(len(titles) - narrow)
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in shown_columns]
    for row in [titles, *rows]:
        house.show(" ".join(f"{row[column]:<{widths[column]}}" for column in shown_columns).rstrip())


def _mark(offer: Offer, current: str, best: str) -> str:
    fits = MARKS[offer.fit.verdict] if offer.fit is not None else "?"
    return fits + ("*" if offer.name == current else ">" if offer.name == best else " ")


def _cells(offer: Offer) -> list[str]:
    fit = offer.fit
    notes = [
        _("asks for a login") if offer.gated else "",
        _("weak Spanish") if offer.spanish is False else "",
        _("too little memory to train") if fit is not None and fit.verdict == "tight" and not fit.trainable else "",
        offer.note,
    ]
    return [
        (offer.licence or "?") + (" +" if offer.gated else ""),
        _("here") if offer.here else _short_bytes(offer.download),
        _short_bytes(fit.weights) if fit else "?",
        (f"{fit.context // 1024}k" if fit.context >= 10_000 else str(fit.context)) if fit else "?",
        str(fit.conversations) if fit else "?",
        ", ".join(filter(None, notes)),
    ]


def _short_bytes(size: int) -> str:
    return f"{size / GB:.0f} GB" if size >= 9.95 * GB else _bytes(size) if size else "?"


def _as_json(offer: Offer, room: Room) -> dict[str, Any]:
    kinds = ("nf4", "int8", "none") if offer.shape is not None else ()
    memory = {kind: weights_bytes(offer.shape, kind, room.number_bytes) for kind in kinds if offer.shape is not None}
    document = asdict(offer)
    document["memory"] = memory
    return document


# --- use -----------------------------------------------------------------------------------------


def _fetch(house: House, found: Candidate, download: bool | None) -> bool:
    """Whether the files were fetched now: only when that is wanted, or agreed to."""
    offer = found.offer
    if offer.here or download is False:
        return False
    free = read_machine(base_files.model_cache(house.environ)).disk_free
    if offer.download > free:
        message = _("'{name}' takes {size} on disk, {free} are free where models are kept ({folder})")
        folder = base_files.model_cache(house.environ)
        text = message.format(name=offer.name, size=_bytes(offer.download), free=_bytes(free), folder=shown(folder))
        raise ResourceError(text, hint=_("free some space, or set HF_HOME to a folder on another disk"))
    minutes = minutes_to_download(offer.download)
    question = _("fetch {name} now, {size}, about {minutes:.0f} min at 100 Mbit/s?")
    if download is None and not house.confirm(question.format(name=offer.name, size=_bytes(offer.download), minutes=max(1, minutes))):
        return False
    house.note(_("fetching {name}, {size}").format(name=offer.name, size=_bytes(offer.download)))
    try:
        with base_files.quiet_bars(), _progress(house, offer):
            base_files.locate_base(found.base)
    except NetworkError as error:
        hint = _("type it again: what is fetched already is kept")
        raise NetworkError(error.message, hint=hint, details=error.details) from error
    return True


@contextmanager
def _progress(house: House, offer: Offer) -> Iterator[None]:
    """A bar of what has arrived, where somebody looks on; gone when the block ends."""
    if house.quiet or house.json or not sys.stderr.isatty():
        yield
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    over = threading.Event()
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=house.console(stderr=True), transient=True) as bar:
        task = bar.add_task(offer.name, total=offer.download)

        def watch() -> None:
            while not over.wait(0.5):
                bar.update(task, completed=min(base_files.bytes_in_cache(offer.name, house.environ), offer.download))

        watcher = threading.Thread(target=watch, name="download watcher", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def _print_change(house: House, found: Candidate, former: BaseModel, now: BaseModel, stand: Sequence[Trained], fetched: bool) -> None:
    if not found.changes:
        house.show(_("{name} is the base already; nothing was changed").format(name=_name(found.base.model)))
    else:
        house.show(f"{_name(former.model)} -> {_name(now.model)}")
        for path, value in found.changes.items():
            if path != "base.model":
                section, __, key = path.rpartition(".")
                before = found.former[path]
                house.show(
                    f"[{section}] {key}: {_('not set') if before in (None, '') else before} -> {value if value != '' else _('not set')}"
                )
    for remark in found.remarks:
        house.warn(remark)
    if not (found.offer.here or fetched):
        house.note(_("its files are fetched with the first hub train or hub ask ({size})").format(size=_bytes(found.offer.download)))
    stale = [tutor for tutor in stand if tutor.status == "stale"]
    if stale:
        house.show(_("these tutors were trained on another base:"))
        _print_tutors(house, stale)


# --- for people ----------------------------------------------------------------------------------


def _name(model: str) -> str:
    return shown(Path(model)) if Path(model).is_absolute() else model


def _many(count: int) -> str:
    return f"{count / GB:.2f} G" if count >= GB else f"{count / 1e6:.1f} M"


def _bytes(size: int) -> str:
    if size >= GB:
        return f"{size / GB:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 10**6 else f"{size / 1024:.0f} KiB"
