"""``hub doctor``: what on this machine and in this workspace works, what does not, and what to type next.

The examination itself is in ``diagnosis``; here it is asked for and printed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from gettext import gettext as _
from gettext import ngettext

import click

from adapters_hub import __version__
from adapters_hub.cli._house import House, pass_house
from adapters_hub.errors import NotFoundError, printable

MARKS: Mapping[str, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command("doctor")
@click.option("--full", is_flag=True, help=_("Also import torch and compute a little with it; takes seconds."))
@click.option(
    "--online/--offline", default=None, help=_("Ask the Hub, or do not. Default: ask, for 3 seconds at most, unless HF_HUB_OFFLINE is set.")
)
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House, full: bool, online: bool | None) -> None:
    """Check this machine, the workspace and the plugins.

    Each line says what there is and, where something is missing, what to type. Exit code 1 when something is broken;
    warnings alone are fine.
    """
    try:
        os.getcwd()
    except OSError as error:  # every look at a file would stumble over it
        raise NotFoundError(_("the current folder is gone"), hint=_("cd to a folder that exists")) from error
    from adapters_hub.diagnosis import examine
    from adapters_hub.diagnosis.case import Case

    case = Case(house, full=full, online=online, verbose=house.verbose or house.json)
    lines = list(examine(case, strict=house.debug))
    counts = {level: sum(line.level == level for line in lines) for level in MARKS}
    house.emit({"schema": 1, "version": __version__, "lines": [asdict(line) for line in lines], "counts": counts})
    if not house.json:
        _print(house, [(line.name, line.level, line.text, line.hint) for line in lines], counts)
    ctx.exit(1 if counts["problem"] else 0)


def _print(house: House, lines: Sequence[tuple[str, str, str, str]], counts: Mapping[str, int]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, level, text, hint in lines:
        said = Text(printable(text), "" if level == "ok" else MARKS[level][1])
        if hint:
            said.append(f"\n→ {printable(hint)}", "bold")
        table.add_row(Text(*MARKS[level]), name, said)
    house.show_table(table)
    house.show()
    problems = ngettext("{count} problem", "{count} problems", counts["problem"]).format(count=counts["problem"])
    warnings = ngettext("{count} warning", "{count} warnings", counts["warning"]).format(count=counts["warning"])
    if counts["problem"]:
        house.console().print(Text(f"{problems}, {warnings}", "bold red"))
    elif counts["warning"]:
        house.console().print(Text(_("works, {warnings}").format(warnings=warnings), "bold yellow"))
    else:
        house.console().print(Text(_("all well"), "bold green"))
