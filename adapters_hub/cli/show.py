"""``hub show NAME``: what a tutor is made of, and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from gettext import gettext as _
from typing import Any

import click

from adapters_hub import store
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.errors import HubError
from adapters_hub.gate import ADAPTER, BASE, scores_of
from adapters_hub.sources import Source, read_source
from adapters_hub.types import Tutor
from adapters_hub.workspace import shown


@click.command("show")
@click.argument("tutor", type=TUTOR, required=False)
@pass_house
def command(house: House, tutor: str | None) -> None:
    """Show a tutor and its runs."""
    found = house.load_tutor(tutor)
    found_runs = store.list_runs(found.folder)
    used, problem = _run_in_use(found, found_runs)
    runs = [_run(run, used) for run in found_runs]
    source = read_source(found.folder)
    rows = _row_counts(house, found, source)
    facts = asdict(found) | {"folder": str(found.folder)}
    origin = asdict(source) if source else None
    house.emit({"schema": 1, "tutor": facts, "origin": origin, "rows": rows, "runs": runs, "problem": problem})
    house.show(f"{found.name} · {found.title}")
    if found.description:
        house.show(found.description)
    house.show()
    for label, text in (
        (_("folder"), shown(found.folder)),
        *([(_("from"), _origin(source))] if source else []),
        (_("language"), found.language),
        (_("base"), f"{found.base.model} ({found.base.engine}, {found.base.quantization})"),
        (_("rows"), ", ".join(f"{name}: {count}" for name, count in rows.items())),
        (_("validators"), ", ".join(found.validator.use) or _("none")),
        (_("adapter"), f"rank {found.recipe.lora.rank}, alpha {found.recipe.lora.alpha:g}"),
        (_("prompt"), _one_line(found.system_prompt)),
    ):
        house.show(f"{label:<12}{text}")
    house.show()
    if not runs:
        house.show(_("no runs yet: hub train {name}").format(name=found.name))
    for run in runs:
        house.show(f"{'*' if run['used'] else ' '} {run['id']}  {run['problem'] or _figures(run['metrics'], run['scores'])}")
    if any(run["whole"] for run in runs):
        house.note(_("* in use; hub switch {name}@RUN uses another").format(name=found.name))
    if problem:
        house.warn(problem)


def _run_in_use(tutor: Tutor, runs: Sequence[store.Run]) -> tuple[str, str]:
    """Its id, or an empty one; and why there is none, or why it is not the newest."""
    try:
        run = store.chosen_run(tutor.folder)
    except HubError as error:
        return "", f"{error.message}; {error.hint}"
    return (run.id if run else ""), store.damage(runs, run)


def _run(run: store.Run, used: str) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "id": run.id,
        "whole": run.whole,
        "used": run.id == used,
        "created": manifest.created if manifest else None,
        "base": manifest.base.model if manifest else None,
        "metrics": dict(manifest.metrics) if manifest else {},
        "scores": scores_of(run.folder) if run.whole else {},
        "problem": run.problem,
        "folder": str(run.folder),
    }


def _origin(source: Source) -> str:
    commit = f"({source.revision[:8]})" if source.version and source.revision else ""
    return f"{source.shown} {commit}".strip() + (f", {source.license}" if source.license else "")


def _row_counts(house: House, tutor: Tutor, source: Source | None) -> dict[str, int | str]:
    """Rows of each dataset file, or what keeps it from being read; an adapter from elsewhere brings none."""
    counts: dict[str, int | str] = {}
    for name in ("train", "eval"):
        file = tutor.folder / getattr(tutor.dataset, name)
        if source is not None and not file.exists():
            counts[name] = 0
            continue
        try:
            counts[name] = len(house.plugins.read_dataset(file))
        except HubError as error:
            counts[name] = error.message
    return counts


def _figures(metrics: dict[str, Any], scores: dict[str, float]) -> str:
    parts = [f"{metrics['steps']} steps"] if "steps" in metrics else []
    for label, name in (("loss", ("first_loss", "last_loss")), ("held-out", ("held_out_first", "held_out_last"))):
        values = [metrics.get(key) for key in name]
        if all(isinstance(value, (int, float)) for value in values):
            parts.append(f"{label} {values[0]:.2f} -> {values[1]:.2f}")
    first, last = metrics.get("score_first"), metrics.get("score_last")
    if isinstance(first, (int, float)) and isinstance(last, (int, float)):
        parts.append(f"score {first:.0%} -> {last:.0%}")
    if BASE in scores and ADAPTER in scores:
        parts.append(f"hub eval {scores[BASE]:.0%} -> {scores[ADAPTER]:.0%}")
    elif isinstance(published := metrics.get("published"), dict):  # of an adapter from elsewhere: only numbers are kept of it
        parts.append(f"its author: {published['base']:.0%} -> {published['adapter']:.0%}")
    return ", ".join(parts)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."
