"""``hub rm NAME``: a tutor, or one of its runs, is deleted for good, after saying what goes and asking."""

from __future__ import annotations

import sys
from dataclasses import asdict
from gettext import gettext as _

import click

from adapters_hub.cli._completions import RUN
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.errors import HubError, UsageError
from adapters_hub.removing import Removal, removal_of, remove
from adapters_hub.workspace import shown

MOST_NAMED = 8


@click.command("rm")
@click.argument("name", type=TUTOR, metavar="NAME")
@click.option("--run", type=RUN, default="", metavar="ID", help=_("Only this run of it."))
@pass_house
def command(house: House, name: str, run: str) -> None:
    """Delete a tutor of this workspace, or one of its runs.

    There is no way back: nothing is moved anywhere. Shows what goes and asks; --yes answers. A tutor with files that were written
    here, such as a dataset, wants its name typed. Kept conversations stay: hub logs.
    """
    workspace = house.workspace  # first of all: a folder elsewhere would bring its own
    removal = removal_of(house.find_tutor(name), run, workspace)
    _describe(house, removal)
    _ask(house, removal)
    remove(removal, workspace)
    house.emit({"schema": 1, "removed": True, **asdict(removal)})
    what = f"{removal.tutor}@{removal.run}" if removal.run else removal.tutor
    house.show(_("deleted {what}: {count} files, {size:,} bytes").format(what=what, count=removal.files, size=removal.size))
    if removal.in_use and removal.run:
        house.note(_("it was in use: from now on the newest run is"))
    elif removal.in_use:
        house.note(_("it was the default tutor: hub switch NAME chooses another"))


def _describe(house: House, removal: Removal) -> None:
    lines = [f"{shown(removal.folder)}: {removal.files} {_('files')}, {removal.size:,} bytes"]
    if not removal.run:
        lines.append(_("trained runs: {runs}").format(runs=", ".join(removal.runs) or _("none")))
    if removal.work:
        more = _(" and {count} more").format(count=len(removal.work) - MOST_NAMED) if len(removal.work) > MOST_NAMED else ""
        lines.append(_("written here: {files}").format(files=", ".join(removal.work[:MOST_NAMED]) + more))
    if removal.source is not None:
        lines.append(_("came from {source}").format(source=removal.source.shown))
    for line in lines:
        house.note(line)


def _ask(house: House, removal: Removal) -> None:
    """Raises UsageError where nobody can answer, HubError when the answer is no."""
    if house.assume_yes:
        if removal.work:
            house.warn(_("{count} files that were written here are deleted for good").format(count=len(removal.work)))
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(_("deleting for good has to be confirmed"), hint=_("repeat the command with --yes"))
    if removal.work:
        question = _("this is work that exists nowhere else as far as hub knows; type {name} to delete it").format(name=removal.tutor)
        agreed = click.prompt(question, default="", show_default=False, err=True).strip() == removal.tutor
    else:
        agreed = house.confirm(_("delete it for good?"))
    if not agreed:
        raise HubError(_("nothing was deleted"))
