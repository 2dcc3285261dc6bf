"""``hub publish NAME [USER/REPO]``: a run that beats its base goes to the Hugging Face Hub, in one commit, and is looked at there."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from adapters_hub import store
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.errors import HubError, NetworkError, NotFoundError, RightsError
from adapters_hub.gate import GateReport, gate
from adapters_hub.hub_client import HubClient, Person
from adapters_hub.inspection import errors_of
from adapters_hub.known_bases import known_base
from adapters_hub.progress_line import ProgressLine
from adapters_hub.publishing import Plan, Published, Step, Wishes, carry_out, plan, through_the_gate
from adapters_hub.types import Tutor


@click.command("publish")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.argument("repository", required=False, default="", metavar="[USER/REPO]")
@click.option("--run", metavar="ID", help=_("Publish this run instead of the one in use."))
@click.option("--public", is_flag=True, help=_("Everybody may see a new repository; without it nobody but you."))
@click.option("--dry-run", is_flag=True, help=_("Show what would be published; send nothing."))
@click.option("--version", default="", metavar="X.Y.Z", help=_("Default: the one after the newest."))
@click.option("--license", default="", metavar="ID", help=_("Licence of the adapter; default: the base's."))
@click.option("--base-id", default="", metavar="OWNER/NAME", help=_("The base on the Hub, where the workspace names a folder."))
@click.option(
    "--force-unvalidated", "force_reason", default="", metavar="REASON", help=_("Publish what the gate refuses; the card says why.")
)
@click.option("--gated", type=click.Choice(["auto", "manual"]), help=_("Readers have to ask: granted at once, or by you."))
@click.option("--with-data", is_flag=True, help=_("Publish the dataset too."))
@click.option("--data-license", default="", metavar="ID", help=_("Licence of the dataset, for the card."))
@click.option("--collection", default="", metavar="TITLE", help=_("Put it into your collection of that title."))
@pass_house
def command(house: House, name: str | None, repository: str, run: str | None, dry_run: bool, gated: str | None, **wishes: Any) -> None:
    """Publish a tutor's adapter on the Hugging Face Hub (alias: push).

    What goes there: the adapter in PEFT's format, tutor.json, system.md and a card, in one commit with a tag; nothing else.
    The repository is private unless --public. A run that does not beat its base is refused (exit code 7). Publishing the
    same again changes nothing.
    """
    with house.open_tutor(name) as tutor, tempfile.TemporaryDirectory(prefix="hub-publish-") as staging:
        chosen = _run(tutor, run)
        house.note(_("checking {name} and its run {run} ...").format(name=tutor.name, run=chosen.id))
        report = gate(chosen, tutor, house.plugins, errors_of(tutor, house.plugins))
        wanted = Wishes(repository=repository, gated=gated or "", **wishes)  # type: ignore[arg-type]
        through_the_gate(report, wanted)  # before anybody is asked: the way to a better run matters more than a login
        base = known_base(wanted.base_id or chosen.manifest.base.model) if chosen.manifest else None
        license = base.licence if base and base.free else ""
        with HubClient(bars=sys.stderr.isatty() and not (house.quiet or house.json)) as client:
            person = _person(house, client, dry_run)
            looking = client if person is not None else None
            made = plan(tutor, chosen, report, house.plugins, wanted, Path(staging), client=looking, person=person, base_license=license)
            if dry_run:
                _show_plan(house, made, report)
                return
            _carry_out(house, tutor, made, client)


def _run(tutor: Tutor, run_id: str | None) -> store.Run:
    run = store.chosen_run(tutor.folder, run_id)
    if run is None:
        raise NotFoundError(_("tutor '{name}' has not been trained yet").format(name=tutor.name), hint=f"hub train {tutor.name}")
    return run


def _person(house: House, client: HubClient, dry_run: bool) -> Person | None:
    """Who publishes; a dry run does without where nobody is logged in or the network is down."""
    try:
        return client.person()
    except (RightsError, NetworkError) as error:
        if not dry_run:
            raise
        house.warn(_("{message}: the plan does not know what the Hub holds").format(message=error.message))
        return None


def _show_plan(house: House, made: Plan, report: GateReport) -> None:
    files = [{"name": one.name, "size": one.size, "sha256": one.sha256, "changed": one.changed} for one in made.files]
    facts = {"repository": made.repository, "private": made.private, "exists": made.exists, "tag": made.tag, "notes": made.notes}
    house.emit({"schema": 1, "dry_run": True, **facts, "files": files, "card": made.card, "gate": report.document()})
    if house.json:
        return
    seen = _("private") if made.private else _("public")
    house.show(f"{made.repository} · {made.tag} · {seen} · {_('exists') if made.exists else _('new')}")
    width = max(len(one.name) for one in made.files)
    for one in made.files:
        house.show(f"  {'+' if one.changed else '='} {one.name:<{width}}  {one.size:>12,}  {one.sha256}")
    for text in made.notes:
        house.note(text)
    house.show()
    house.show(made.card.rstrip())
    house.note(_("nothing was sent; without --dry-run it is published"))


def _carry_out(house: House, tutor: Tutor, made: Plan, client: HubClient) -> None:
    if made.forced:
        house.warn(_("the gate says no; the card will show your reason: {reason}").format(reason=made.forced))
    for text in made.notes:
        house.note(text)
    size = sum(one.size for one in made.changed)
    if size:
        house.note(
            _("sending {count} files, {size:,} bytes, to {repository} ...").format(
                count=len(made.changed), size=size, repository=made.repository
            )
        )
    done: Published | None = None
    with ProgressLine(not house.quiet and not house.json) as line:
        for event in carry_out(made, client, line.show_bytes):
            if isinstance(event, Step):
                if event.code == "committed":
                    line.close()
                house.note(f"  {event.code:<10} {event.text}")
            else:
                done = event
    if done is None:
        raise HubError(_("publishing ended without a result"))
    for text in done.notes:
        house.note(text)
    house.emit({"schema": 1, **asdict(done), "tutor": tutor.name})
    house.show(f"{done.url} · {done.tag}")
    where = _("where you are logged in: hf auth login") if made.private else _("on any machine")
    house.note(_("next: hub pull {repository}@{tag} ({where})").format(repository=done.repository, tag=done.tag, where=where))
