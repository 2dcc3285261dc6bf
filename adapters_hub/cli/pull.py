"""``hub pull USER/REPO[@REV]``: a published adapter becomes a tutor of this workspace; asked again, it is brought up to date."""

from __future__ import annotations

from dataclasses import asdict
from gettext import gettext as _
from typing import Any

import click

from adapters_hub.cli._house import House, pass_house
from adapters_hub.cli._newcomers import newcomer_options, require, tell, wishes_of, workspace_for
from adapters_hub.hub_client import HubClient
from adapters_hub.progress_line import ProgressLine
from adapters_hub.pulling import Pulled, Step, parse_reference, pull

OUTCOMES = {
    "new": "{place} is the tutor '{tutor}' now",
    "newer": "{place} is the run in use of '{tutor}' now; its former runs stay",
    "chosen": "{place} was here already: '{tutor}' uses it again",
    "unchanged": "'{tutor}' is {place} already: nothing was changed",
}


@click.command("pull")
@click.argument("reference", metavar="USER/REPO[@REV]")
@newcomer_options
@pass_house
def command(house: House, reference: str, **options: Any) -> None:
    """Fetch a published tutor from the Hugging Face Hub.

    REV is a tag, a branch or a commit; without it the newest. Only the adapter (safetensors), its prompt and its description are
    fetched, compared with their hashes, and never run. Pulled again, a newer version becomes one more run of the same tutor;
    hub switch NAME@RUN goes back. Works offline afterwards.
    """
    wishes = wishes_of(**options)
    done: Pulled | None = None
    with HubClient() as client:
        repository, revision = parse_reference(reference, client.endpoint)  # before a workspace is started for it
        with workspace_for(house) as workspace, ProgressLine(not house.quiet and not house.json) as line:
            house.note(_("asking {endpoint} for {repository} ...").format(endpoint=client.endpoint, repository=repository))
            for event in pull(repository, revision, wishes, workspace, house.load_base(), house.plugins, client, line.show_bytes):
                if isinstance(event, Step):
                    if event.code == "checked":
                        line.close()
                    house.note(f"  {event.code:<10}{event.text}")
                else:
                    done = event
        notes = client.notes
    found: Pulled = require(done)
    for text in notes:
        house.note(text)
    house.emit({"schema": 1, **asdict(found)})
    place = f"{found.repository} {'v' + found.version if found.version else found.revision[:8]}"
    house.show(_(OUTCOMES[found.outcome]).format(place=place, tutor=found.tutor))
    if found.outcome == "unchanged":
        house.note(_("next: hub chat {name}").format(name=found.tutor))
        return
    tell(house, found.tutor, found.folder, found.run, found.validators, found.notes)
