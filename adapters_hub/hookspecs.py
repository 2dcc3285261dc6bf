"""The hooks a plugin may implement. Project name, marker and entry-point group are all ``adapters_hub``.

Hooks return small descriptors, so they are tested by calling them. An implementation may take fewer arguments than shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from adapters_hub.contracts import EngineSpec, ExporterSpec, ValidatorSpec
from adapters_hub.types import Example

if TYPE_CHECKING:
    import click

PROJECT = "adapters_hub"
"""Pluggy project name and entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def hub_validators() -> list[ValidatorSpec]:  # type: ignore[empty-body]
    """Validators on offer: name, one-line help, ``make(options) -> Validator``."""


@hookspec
def hub_engines() -> list[EngineSpec]:  # type: ignore[empty-body]
    """Engines on offer: ``open(base) -> Engine`` and ``train(jobs) -> events`` or None."""


@hookspec
def hub_exporters() -> list[ExporterSpec]:  # type: ignore[empty-body]
    """Export formats on offer: ``export(job) -> ExportResult``, the options they know, and what they need."""


@hookspec(firstresult=True)
def hub_read_dataset(path: Path) -> list[Example] | None:
    """Read a dataset file, or return None when the format is not yours: the first answer wins.

    Must be an ordinary function: a generator function answers everything and hides all other readers.
    Raises DataError with every bad row in ``details``."""


@hookspec
def hub_register_commands(cli: click.Group) -> None:
    """Attach extra click commands to the ``hub`` group."""
