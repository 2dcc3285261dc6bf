"""``hub export NAME --to FORMAT``: a trained adapter as other programs want it."""

from __future__ import annotations

from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path

import click

from adapters_hub import store
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.exporting import Chosen, Exported, export
from adapters_hub.workspace import shown, tutor_names


@click.command("export")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.option("--to", "format", default="", metavar="FORMAT", help=_("peft, merged, gguf, ollama, vllm, or what a plugin offers."))
@click.option("--out", type=click.Path(path_type=Path), metavar="PATH", help=_("Where to; default: NAME-FORMAT in this folder."))
@click.option("--option", "pairs", multiple=True, metavar="KEY=VALUE", help=_("An option of the format; may be repeated."))
@click.option("--run", "run_id", metavar="ID", help=_("Export this run instead of the one in use."))
@click.option("--all", "everyone", is_flag=True, help=_("All trained tutors together, where the format can."))
@click.option("--force", is_flag=True, help=_("Replace an earlier export."))
@click.option("--list", "listing", is_flag=True, help=_("List the formats and their options."))
@pass_house
def command(
    house: House,
    name: str | None,
    format: str,
    out: Path | None,
    pairs: tuple[str, ...],
    run_id: str | None,
    everyone: bool,
    force: bool,
    listing: bool,
) -> None:
    """Write a tutor's adapter as other programs want it.

    The files of the run are verified first, and either everything is written or nothing. Exporting is not publishing: a run that
    does not beat its base may be exported, and is told so. hub export --list shows the formats and their options.
    """
    if listing:
        _list(house, format)
        return
    if not format:
        raise UsageError(_("--to says which format"), hint=_("one of {names}").format(names=", ".join(_names(house))))
    spec = house.plugins.exporter(format)
    if everyone and (name or run_id):
        raise UsageError(_("--all goes without NAME and --run"), hint=f"hub export --all --to {format}")
    chosen = _everyone(house) if everyone else [_chosen(house, name, run_id)]
    target = out or Path(f"{'tutors' if everyone else chosen[0].tutor.name}-{format}")
    done = export(spec, chosen, target, house.plugins, options=_options(pairs), force=force, tell=lambda text: house.note(f"  {text}"))
    _report(house, done)


def _names(house: House) -> list[str]:
    return [spec.name for spec in house.plugins.exporters()]


def _chosen(house: House, name: str | None, run_id: str | None) -> Chosen:
    tutor = house.load_tutor(name)
    run = store.chosen_run(tutor.folder, run_id)
    if run is None:
        raise NotFoundError(_("tutor '{name}' has not been trained yet").format(name=tutor.name), hint=f"hub train {tutor.name}")
    house.note(_("exporting {name}, run {run} ...").format(name=tutor.name, run=run.id))
    return Chosen(tutor, run)


def _everyone(house: House) -> list[Chosen]:
    """Every trained tutor of the workspace; those that cannot be read are named."""
    found = []
    for name in tutor_names(house.workspace):
        try:
            tutor = house.load_tutor(name)
            run = store.chosen_run(tutor.folder)
        except HubError as error:  # one broken tutor is no reason to do without the others
            house.warn(_("{name} is left out: {problem}").format(name=name, problem=error.message))
            continue
        if run is None:
            house.note(_("{name} is left out: not trained yet").format(name=name))
        else:
            found.append(Chosen(tutor, run))
    if not found:
        raise NotFoundError(_("no tutor has been trained yet"), hint=_("hub train NAME"))
    house.note(_("exporting {names} ...").format(names=", ".join(one.tutor.name for one in found)))
    return found


def _options(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark or not key.strip():
            raise UsageError(_("--option {pair} is no KEY=VALUE").format(pair=pair), hint=_("hub export --list shows the options"))
        found[key.strip()] = value.strip()
    return found


def _report(house: House, done: Exported) -> None:
    for note in done.notes:
        house.note(note)
    house.emit({"schema": 1, **asdict(done), "size": done.size})
    house.show(f"{shown(done.path)} · {done.format} · {', '.join(done.tutors)}")
    width = max(len(file.name) for file in done.files)
    for file in done.files:
        house.show(f"  {file.name:<{width}}  {file.size:>14,}")
    house.note(_("next: {command}").format(command=done.next))


def _list(house: House, format: str) -> None:
    specs = [house.plugins.exporter(format)] if format else list(house.plugins.exporters())
    house.emit(
        {
            "schema": 1,
            "formats": [
                {"name": spec.name, "help": spec.help, "all": spec.many, "options": [asdict(option) for option in spec.options]}
                for spec in specs
            ],
        }
    )
    for spec in specs:
        house.show(f"{spec.name:<8} {spec.help}")
        for option in spec.options:
            choices = f" ({'|'.join(option.choices)})" if option.choices else ""
            default = _("; default {value}").format(value=option.default) if option.default else ""
            house.show(f"  {option.name}={choices} {option.help}{default}")
