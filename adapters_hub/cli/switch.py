"""``hub switch NAME[@RUN]``: the tutor that ``ask`` and ``chat`` take by default, or another run of one."""

from __future__ import annotations

from gettext import gettext as _

import click

from adapters_hub import store
from adapters_hub.cli._completions import TUTOR_RUN
from adapters_hub.cli._house import House, pass_house
from adapters_hub.errors import NotFoundError
from adapters_hub.workspace import use_run, use_tutor

NEWEST = "newest"


@click.command("switch")
@click.argument("target", type=TUTOR_RUN, metavar="NAME[@RUN]", required=False)
@pass_house
def command(house: House, target: str | None) -> None:
    """Choose the default tutor, or one of its runs.

    NAME makes the tutor the default of ask and chat; NAME@RUN also makes that run the one it answers with
    (roll back), until it is trained again or NAME@newest. Without NAME: say which one is chosen.
    """
    if target is None:
        former = house.state.tutor
        house.emit({"schema": 1, "tutor": former or None, "runs": dict(house.state.runs)})
        house.show(former or _("no tutor is chosen: hub switch NAME"))
        return
    name, at, wanted = target.partition("@")
    folder = house.find_tutor(name)  # first of all: a folder elsewhere may bring its workspace
    former = house.state.tutor
    if folder.parent != house.workspace.folder:
        raise NotFoundError(_("{folder} lies outside the workspace").format(folder=folder), hint=_("hub list shows whom to choose from"))
    run_before = _run_id(folder.name, house)
    if at:
        run = store.chosen_run(folder, wanted) if wanted and wanted != NEWEST else None
        use_run(house.workspace.folder, folder.name, run.id if run else "")
    use_tutor(house.workspace.folder, folder.name)
    run_now = _run_id(folder.name, house)
    house.emit({"schema": 1, "from": {"tutor": former or None, "run": run_before}, "to": {"tutor": folder.name, "run": run_now}})
    house.show(f"{former or _('no tutor')} -> {folder.name}")
    if at:
        house.show(_("run {before} -> {now}").format(before=run_before or _("none"), now=run_now or _("none")))
    if run_now is None:
        house.note(_("hint: it has no adapter yet: hub train {name}").format(name=folder.name))


def _run_id(name: str, house: House) -> str | None:
    """The run in use; the one that was chosen, even if it is gone by now."""
    chosen = house.state.runs.get(name)
    if chosen:
        return chosen
    run = store.chosen_run(house.workspace.folder / name)
    return run.id if run else None
