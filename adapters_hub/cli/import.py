"""``hub import FOLDER|ZIP``: an adapter that PEFT or another program saved becomes a tutor."""

from __future__ import annotations

from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from adapters_hub.cli._house import House, pass_house
from adapters_hub.cli._newcomers import newcomer_options, require, tell, wishes_of, workspace_for
from adapters_hub.importing import import_adapter
from adapters_hub.settling import Settled


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path), metavar="FOLDER|ZIP")
@newcomer_options
@pass_house
def command(house: House, path: Path, **options: Any) -> None:
    """Make a tutor of an adapter on this machine.

    The folder, or the ZIP archive of one, holds adapter_config.json and adapter_model.safetensors as PEFT saves them; a pickle
    (.bin) is refused, whatever else lies there is left out. Nothing of it is run. A model in GGUF format is a base: hub base use.
    """
    wishes = wishes_of(**options)
    if not path.exists():
        raise click.UsageError(_("{path} does not exist").format(path=path))
    done: Settled | None = None
    with workspace_for(house) as workspace:
        for event in import_adapter(path, wishes, workspace, house.load_base(), house.plugins):
            if isinstance(event, str):
                house.note(event)
            else:
                done = event
    found: Settled = require(done)
    house.emit({"schema": 1, **asdict(found)})
    house.show(_("{path} is the tutor '{name}' now").format(path=path, name=found.tutor))
    tell(house, found.tutor, found.folder, found.run, found.validators, found.notes)
