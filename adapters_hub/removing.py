"""Removing a tutor or one of its runs for good: first what would go, then the going.

A folder vanishes by one rename before its files are deleted, so no half tutor is ever seen. Never leaves the workspace, never follows a
link. Knows no terminal.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from adapters_hub import store
from adapters_hub.errors import HubError, NotFoundError, UsageError, from_os_error
from adapters_hub.sources import Source, read_source
from adapters_hub.workspace import Workspace, nearest, read_state, shown, write_state


@dataclass(frozen=True)
class Removal:
    """What would go."""

    tutor: str
    run: str
    """Empty: the whole tutor."""
    folder: Path
    files: int
    size: int
    """Bytes."""
    runs: tuple[str, ...]
    """Whole runs that go."""
    work: tuple[str, ...]
    """Files that somebody has written, such as a dataset, which exist nowhere else as far as anybody knows."""
    source: Source | None
    """Where it can be had again; None: it was made here."""
    in_use: bool
    """It is the default tutor, or the run in use."""


def removal_of(folder: Path, run: str, workspace: Workspace) -> Removal:
    """Look at what would go. Raises UsageError (a link, outside the workspace, being trained), NotFoundError (no such run)."""
    _require_inside(folder, workspace)
    target = _run_folder(folder, run) if run else folder
    files = list(_files(target))
    runs = [target.name] if run else [one.id for one in store.list_runs(folder) if one.whole]
    state = read_state(workspace.folder)
    try:
        used = store.chosen_run(folder)
    except HubError:  # the chosen one is damaged: it may go
        used = None
    in_use = (used is not None and used.id == run) if run else state.tutor == folder.name
    work = () if run else tuple(_own_work(folder))
    source = read_source(target) or (None if run else read_source(folder))
    for one in [target] if run else _run_folders(folder):
        if (one / store.LOCK).exists():
            store.hold(one).release()  # raises where somebody trains there right now
    return Removal(folder.name, run, target, len(files), sum(_size(file) for file in files), tuple(runs), work, source, in_use)


def remove(removal: Removal, workspace: Workspace) -> None:
    """Delete it, and forget that it was chosen. Raises RightsError, HubError."""
    target = removal.folder
    going = target.parent / f".{target.name}.removed.{secrets.token_hex(4)}"
    try:
        os.rename(target, going)
    except OSError as error:
        raise from_os_error(error, f"remove {shown(target)}") from error
    state = read_state(workspace.folder)
    if removal.run:
        if state.runs.get(removal.tutor) == removal.run:
            write_state(workspace.folder, replace(state, runs={k: v for k, v in state.runs.items() if k != removal.tutor}))
    elif state.tutor == removal.tutor or removal.tutor in state.runs:
        runs = {name: run for name, run in state.runs.items() if name != removal.tutor}
        write_state(workspace.folder, replace(state, tutor="" if state.tutor == removal.tutor else state.tutor, runs=runs))
    try:
        shutil.rmtree(going)
    except OSError as error:
        raise from_os_error(error, f"delete {shown(going)}") from error


def _require_inside(folder: Path, workspace: Workspace) -> None:
    if folder.is_symlink():
        raise UsageError(
            f"{shown(folder)} is a link to {os.readlink(folder)}: what it leads to is left alone", hint="remove the link itself"
        )
    if folder.resolve().parent != workspace.folder.resolve():
        raise UsageError(f"{shown(folder)} lies outside the workspace", hint="hub list shows what can be removed")


def _run_folder(folder: Path, run: str) -> Path:
    known = [one.name for one in _run_folders(folder)]
    if run not in known:
        guess = nearest(run, known)
        hint = f"did you mean '{guess}'?" if guess else f"hub show {folder.name} lists the runs"
        raise NotFoundError(f"tutor '{folder.name}' has no run '{run}'", hint=hint)
    found = folder / store.RUNS / run
    if found.is_symlink() or found.parent.is_symlink():
        raise UsageError(f"{shown(found)} is behind a link: what it leads to is left alone", hint="remove the link itself")
    return found


def _run_folders(folder: Path) -> list[Path]:
    return [run.folder for run in store.list_runs(folder)]


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):  # follows no links
        yield from (Path(place) / name for name in names)
        yield from (Path(place) / name for name in folders if (Path(place) / name).is_symlink())


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0


def _own_work(folder: Path) -> Iterator[str]:
    """Files that did not come from elsewhere: all but runs, and but texts that are as they came."""
    source = read_source(folder)
    texts = dict(source.texts) if source is not None else {}
    for file in sorted(_files(folder)):
        name = file.relative_to(folder).as_posix()
        if name.startswith(f"{store.RUNS}/") or name in ("source.json",) or file.name.startswith("."):
            continue
        try:
            if texts.get(name) == store.sha256_of(file):
                continue
        except OSError:  # it cannot be read: it counts
            pass
        yield name
