"""``hub list``: the tutors of the workspace and how far each one is."""

from __future__ import annotations

from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from adapters_hub import store
from adapters_hub.cli._house import House, pass_house
from adapters_hub.errors import HubError
from adapters_hub.sources import Source, read_source
from adapters_hub.types import RunManifest
from adapters_hub.workspace import shown, tutor_names

STATUSES = {
    "trained": "ready to answer",
    "stale": "trained on another base or model: train again",
    "unfinished": "a training was interrupted: hub train NAME --resume",
    "untrained": "hub train NAME",
    "broken": "hub show NAME says why",
}


@click.command("list")
@pass_house
def command(house: House) -> None:
    """List the tutors."""
    folder, chosen = house.workspace.folder, house.state.tutor
    tutors = [describe(house, folder / name) for name in tutor_names(house.workspace)]
    house.emit({"schema": 1, "workspace": str(folder), "tutor": chosen or None, "tutors": tutors})
    if house.json:
        return
    if not tutors:
        house.show(_("no tutors yet in {folder}").format(folder=shown(folder)))
        house.note(_("hint: hub new NAME makes one"))
        return
    titles = ["", _("NAME"), _("TITLE"), _("STATUS"), _("LOSS"), _("SCORE"), _("RUN"), _("FROM")]
    rows = [
        [_mark(t, chosen), t["name"], t["title"], t["status"], _loss(t["metrics"]), _score(t["metrics"]), t["adapter"] or "", _origin(t)]
        for t in tutors
    ]
    filled = [column for column in range(len(titles)) if column not in (5, 7) or any(row[column] for row in rows)]
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    for row in [titles, *rows]:
        cells = [f"{cell:<{width}} " for cell, width in zip(row, widths, strict=True)]
        house.show(" ".join(cells[column] for column in filled).rstrip())
    for tutor in tutors:
        if tutor["problem"] and tutor["status"] != "broken":
            house.warn(f"{tutor['name']}: {tutor['problem']}")
    for status in dict.fromkeys(t["status"] for t in tutors if t["status"] != "trained"):
        house.note(f"{status}: {_(STATUSES[status])}")


def describe(house: House, folder: Path) -> dict[str, Any]:
    """One tutor as JSON; a broken one is described as far as it goes."""
    row: dict[str, Any] = {"name": folder.name, "title": "", "status": "broken", "base": None, "adapter": None, "metrics": {}}
    source = read_source(folder)
    row |= {"source": str(folder), "origin": asdict(source) if source else None, "problem": ""}
    try:
        tutor = house.load_tutor(str(folder))
        row |= {"title": tutor.title, "base": tutor.base.model}
        run = store.chosen_run(folder)
        problem = store.damage(store.list_runs(folder), run)
    except HubError as error:
        return row | {"problem": "; ".join((error.message, *error.details))}
    row["problem"] = problem
    if run is None or run.manifest is None:
        return row | {"status": "broken" if problem else "unfinished" if store.unfinished_run(folder) else "untrained"}
    status = "trained" if run.manifest.base.model == tutor.base.model else "stale"
    return row | {"status": status, "adapter": run.id, "metrics": summary(run.manifest)}


def summary(manifest: RunManifest) -> dict[str, Any]:
    """The few figures of a run that lists show; held-out loss in nats per token, scores from 0 to 1 or None."""
    names = ("steps", "first_loss", "last_loss", "held_out_first", "held_out_last", "score_first", "score_last", "seconds")
    return {name: manifest.metrics[name] for name in names if name in manifest.metrics}


def _mark(tutor: dict[str, Any], chosen: str) -> str:
    return "*" if tutor["name"] == chosen else ""


def _origin(tutor: dict[str, Any]) -> str:
    """Where it was pulled or imported from; empty for one that was made here."""
    return Source(**tutor["origin"]).shown if tutor["origin"] else ""


def _loss(metrics: dict[str, Any]) -> str:
    first, last = metrics.get("held_out_first"), metrics.get("held_out_last")
    return f"{first:.2f} -> {last:.2f}" if isinstance(first, (int, float)) and isinstance(last, (int, float)) else ""


def _score(metrics: dict[str, Any]) -> str:
    first, last = metrics.get("score_first"), metrics.get("score_last")
    return f"{first:.0%} -> {last:.0%}" if isinstance(first, (int, float)) and isinstance(last, (int, float)) else ""
