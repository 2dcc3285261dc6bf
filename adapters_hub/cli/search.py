"""``hub search [TEXT]``: tutors that others have published, those for the base of this workspace first of all."""

from __future__ import annotations

from dataclasses import asdict
from gettext import gettext as _

import click

from adapters_hub.base_files import EMBEDDED, HUB_ID
from adapters_hub.cli._house import House, pass_house
from adapters_hub.errors import NotFoundError
from adapters_hub.hub_client import HubClient, Listed

TAG = "adapters-hub"
FOR_BASE = "base_model:adapter:"
TUTOR = "tutor:"


@click.command("search")
@click.argument("text", required=False, default="", metavar="[TEXT]")
@click.option("--author", default="", metavar="USER", help=_("Only what this user or organisation has published."))
@click.option("--all-bases", is_flag=True, help=_("Also what was made for other bases than the one of this workspace."))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help=_("Hits at most."))
@pass_house
def command(house: House, text: str, author: str, all_bases: bool, limit: int) -> None:
    """Search the Hugging Face Hub for published tutors.

    TEXT is looked for in their names. Without --all-bases only those are shown that fit the base of this workspace.
    """
    base = "" if all_bases else _base(house)
    published = bool(HUB_ID.fullmatch(base)) and base not in EMBEDDED
    filters = [TAG, f"{FOR_BASE}{base}"] if published else [TAG]
    with HubClient() as client:
        hits = client.search(filters=filters, text=text, author=author, limit=limit)
    if base in EMBEDDED:  # which no page on the Hub stands for: whoever names a base there was made for another one
        hits = [hit for hit in hits if not any(tag.startswith(FOR_BASE) for tag in hit.tags)]
    house.emit({"schema": 1, "base": base or None, "hits": [asdict(hit) | {"tutor": _tutor(hit)} for hit in hits]})
    if house.json:
        return
    if not hits:
        house.show(_("nothing found") + (_(" for the base {base}").format(base=base) if base else ""))
        if base:
            house.note(_("hint: --all-bases looks among those of other bases too"))
        return
    rows = [[_("REPOSITORY"), _("TUTOR"), _("DOWNLOADS"), _("CHANGED"), _("BASE")]]
    rows += [[hit.id, _tutor(hit), str(hit.downloads), hit.modified, _base_of(hit)] for hit in hits]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        house.show("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    house.note(_("next: hub pull {repository}").format(repository=hits[0].id))


def _base(house: House) -> str:
    """The base that hits have to fit; empty outside a workspace, and for one that only this machine has."""
    try:
        base = house.load_base().model
    except NotFoundError:
        return ""
    if base in EMBEDDED or HUB_ID.fullmatch(base):
        return base
    house.note(_("the base here is {base}, which the Hub does not know: all are shown").format(base=base))
    return ""


def _tutor(hit: Listed) -> str:
    return next((tag.removeprefix(TUTOR) for tag in hit.tags if tag.startswith(TUTOR)), "")


def _base_of(hit: Listed) -> str:
    return next((tag.removeprefix(FOR_BASE) for tag in hit.tags if tag.startswith(FOR_BASE)), "mini")
