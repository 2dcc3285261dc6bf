"""A workspace over a tiny real base, with a tutor whose run was "trained" by drawing random numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from conftest import load_test_plugins, make_tutor_folder, write
from tiny_models import random_adapter, save_tiny_base, tiny_model

from adapters_hub import store
from adapters_hub.base_files import weights_digest
from adapters_hub.exporting import Chosen, Exported, export
from adapters_hub.tutors import read_tutor
from adapters_hub.types import BaseIdentity, RunManifest
from adapters_hub.workspace import find_workspace

CHAT = "\n[chat]\ntemperature = 0.0\ntop_p = 0.8\nrepetition_penalty = 1.2\nmax_new_tokens = 40\n"


def tiny_workspace(folder: Path, family: str = "llama", *, names: tuple[str, ...] = ("sumas",), base: Path | None = None) -> Path:
    """Base in ``folder``/base, tutors in ``folder``/tutors, each with a run; returns ``folder``."""
    path = base or save_tiny_base(folder / "base", family)
    write(folder / "tutors/hub.toml", f'[base]\nmodel = "{path.as_posix()}"\nquantization = "none"\n')
    for seed, name in enumerate(names):
        add_run(make_tutor_folder(folder / "tutors" / name, settings=CHAT), path, family, seed=seed + 1)
    return folder


def add_run(tutor: Path, base: Path, family: str = "llama", *, seed: int = 1, quantization: str = "nf4", **settings: Any) -> store.Run:
    """A whole run of ``tutor`` over ``base``."""
    run = store.start_run(tutor)
    random_adapter(tiny_model(family), run, seed=seed, **settings)
    (run / "README.md").unlink(missing_ok=True)
    identity = BaseIdentity(str(base), "", family, "f" * 64, weights_digest(base) if base.exists() else "")
    manifest = RunManifest(1, "", tutor.name, "2026-01-02T03:04:05+00:00", identity, quantization, "", "", (0,), "", {}, {}, {}, {})
    store.finish_run(run, manifest)
    return store.read_run(run)


def named_base(run: store.Run, name: str) -> store.Run:
    """The run as if it had been trained on the base of that name."""
    assert run.manifest is not None
    store.finish_run(run.folder, replace(run.manifest, base=replace(run.manifest.base, model=name)))
    return store.read_run(run.folder)


def chosen_in(workspace: Path, *names: str) -> list[Chosen]:
    """The tutors with the runs in use."""
    found = []
    for name in names or ("sumas",):
        tutor = read_tutor(workspace / "tutors" / name, find_workspace(workspace))
        run = store.chosen_run(tutor.folder)
        assert run is not None
        found.append(Chosen(tutor, run))
    return found


def exported(workspace: Path, format: str, out: Path, *names: str, **options: str) -> Exported:
    """Export it; options are written with ``_`` for ``-``."""
    plugins = load_test_plugins()
    given = {name.replace("_", "-").strip("-"): value for name, value in options.items()}
    return export(plugins.exporter(format), chosen_in(workspace, *names), out, plugins, options=given)
