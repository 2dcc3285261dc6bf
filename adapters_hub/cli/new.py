"""``hub new NAME``: a tutor folder to start from."""

from __future__ import annotations

from gettext import gettext as _
from pathlib import Path

import click

from adapters_hub.cli._house import House, pass_house
from adapters_hub.errors import NotFoundError
from adapters_hub.scaffolding import LANGUAGES, make_tutor, make_workspace
from adapters_hub.workspace import Workspace, check_name, shown


@click.command("new")
@click.argument("name")
@click.option("--title", default="", help=_("The tutor's name for people."))
@click.option("--language", default="es", show_default=True, type=click.Choice(LANGUAGES), help=_("Language of the starter texts."))
@pass_house
def command(house: House, name: str, title: str, language: str) -> None:
    """Make a new tutor folder.

    It holds everything a tutor needs, with a dozen rows to replace by yours. Where there is no workspace yet,
    one is started in the current folder.
    """
    check_name(name)  # before a workspace is started for it
    workspace = _workspace(house)
    folder = make_tutor(workspace.folder, name, title=title, language=language)
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    house.emit({"schema": 1, "name": name, "folder": str(folder), "files": files})
    house.show(_("made {folder}").format(folder=shown(folder)))
    for file in files:
        house.show(f"  {file}")
    house.note(_("next: edit system.md and data/train.jsonl, then hub check {name} and hub train {name}").format(name=name))


def _workspace(house: House) -> Workspace:
    try:
        return house.workspace
    except NotFoundError:
        if house.workspace_option or house.environ.get("HUB_WORKSPACE"):
            raise
    workspace = make_workspace(Path.cwd())
    house.note(_("started a workspace: {file}").format(file=shown(workspace.settings_file)))
    return workspace
