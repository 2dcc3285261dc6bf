"""``hub plugins``: every plugin with version, origin and hooks, and why one was left out."""

from __future__ import annotations

from dataclasses import asdict
from gettext import gettext as _

import click

from adapters_hub.cli._house import House, pass_house


@click.command("plugins")
@pass_house
def command(house: House) -> None:
    """List the plugins."""
    infos = house.plugins.describe()
    house.emit({"schema": 1, "plugins": [asdict(info) for info in infos]})
    if house.json:
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (_("NAME"), _("ORIGIN"), _("VERSION"), _("HOOKS"), _("OFFERS")):
        table.add_column(title, overflow="fold")
    for info in infos:
        offers = _("left out") if info.problem else ", ".join(info.offers)
        table.add_row(info.name, info.origin, info.version, ", ".join(info.hooks), offers)
    house.show_table(table)
    for info in infos:
        if info.problem:
            house.show(_("{name} is left out: {problem}").format(name=info.name, problem=info.problem))
