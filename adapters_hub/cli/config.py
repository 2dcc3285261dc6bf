"""``hub config [NAME]``: every setting in force, with ``--origin`` where each one comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from gettext import gettext as _
from typing import Any

import click

from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.settings import Settings, read_settings
from adapters_hub.tutors import tutor_settings


@click.command("config")
@click.argument("tutor", type=TUTOR, required=False)
@click.option("--origin", is_flag=True, help=_("Say where each value comes from."))
@pass_house
def command(house: House, tutor: str | None, origin: bool) -> None:
    """Show settings and where they come from.

    Built-in values are overruled by hub.toml, then tutor.toml, then HUB_SECTION_KEY variables, then options.
    Without a tutor: the settings of the workspace.
    """
    settings = _settings(house, tutor)
    values = {path: {"value": entry.value, "origin": entry.origin} for path, entry in settings.entries.items()}
    house.emit({"schema": 1, "settings": values})
    width = max(len(_line(path, entry.value)) for path, entry in settings.entries.items()) if origin else 0
    for path, entry in settings.entries.items():
        line = _line(path, entry.value)
        house.show(f"{line:<{min(width, 60)}}  # {entry.origin}" if origin else line)


def _settings(house: House, tutor: str | None) -> Settings:
    if tutor is None:
        return read_settings(house.workspace.settings_file, environ=house.environ)
    folder = house.find_tutor(tutor)
    return tutor_settings(folder, house.home_of(folder), environ=house.environ)


def _line(path: str, value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
    return f"{path} = {json.dumps(plain, ensure_ascii=False, default=str)}"
