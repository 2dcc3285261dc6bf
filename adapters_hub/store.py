"""Runs on disk: ``tutors/<name>/runs/<id>/`` with adapter files, ``log.jsonl`` and ``manifest.json``.

The manifest is written last and by rename: where it exists, the run is whole. Knows nothing of how an adapter is trained
or attached, and leaves every other file in a run's folder (checkpoints, pictures) alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import secrets
import shutil
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from adapters_hub.errors import HubError, NotFoundError, UsageError, from_os_error
from adapters_hub.types import Adapter, BaseIdentity, RunManifest
from adapters_hub.workspace import nearest, read_state, shown, sync_folder, use_run, write_json

RUNS = "runs"
MANIFEST = "manifest.json"
LOG = "log.jsonl"
LOCK = ".lock"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
SCHEMA = 1
UNFINISHED = "unfinished"
"""The problem of a run without manifest."""


@dataclass(frozen=True)
class Run:
    """One training of one tutor, as it lies on disk."""

    id: str
    """UTC time of its start and four hexadecimal digits: sorts by age."""
    folder: Path
    whole: bool
    """The manifest is there and the adapter files have the sizes it names."""
    manifest: RunManifest | None
    """None when missing or unreadable."""
    problem: str
    """Why it is not whole, for people; empty when it is."""

    @property
    def unfinished(self) -> bool:
        """Never reached its manifest: ``--resume`` may continue it."""
        return self.problem == UNFINISHED


# --- writing -------------------------------------------------------------------------------------


def start_run(tutor_folder: Path) -> Path:
    """Make and return a new, empty run folder; two trainings that start together never share one.

    Raises RightsError or ResourceError when the folder cannot be made."""
    runs = tutor_folder / RUNS
    try:
        runs.mkdir(exist_ok=True)
        while True:
            folder = runs / _next_id([entry.name for entry in runs.iterdir()])
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        raise from_os_error(error, f"start a run in {shown(runs)}") from error


def _next_id(taken: Iterable[str]) -> str:
    """UTC seconds and four hexadecimal digits: random, so that runs of two machines never meet, but above those of the same second."""
    second = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
    same = max((name for name in taken if re.fullmatch(f"{second}-[0-9a-f]{{4}}", name)), default="")
    digits = int(same[-4:], 16) + 1 if same else secrets.randbelow(1 << 15)
    return f"{second}-{digits:04x}"


def discard_if_empty(run_dir: Path) -> None:
    """Remove a run folder that holds no step, e.g. because the training was refused or interrupted before the first one."""
    if any("step" in record for record in read_log(run_dir)):
        return
    try:
        if {entry.name for entry in run_dir.iterdir()} <= {LOG, LOCK}:
            shutil.rmtree(run_dir)
    except OSError:  # it is gone, or not ours to remove: both are fine
        return


def hold(run_dir: Path) -> Any:
    """Keep other processes from training in this folder until the result's ``release()`` or the end of the process.

    Raises UsageError when another process holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(run_dir / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(
            f"{shown(run_dir)} is being trained by another process right now", hint="wait for it, or start a new run without --resume"
        ) from error
    except OSError as error:
        raise from_os_error(error, f"write {shown(run_dir / LOCK)}") from error
    return lock


def append_log(run_dir: Path, record: Mapping[str, Any]) -> None:
    """Add one line to ``log.jsonl``; a record is on its way to the disk when this returns."""
    line = json.dumps(record, ensure_ascii=False, default=str)
    try:
        with (run_dir / LOG).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    except OSError as error:
        raise from_os_error(error, f"write {shown(run_dir / LOG)}") from error


def write_log(run_dir: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Replace ``log.jsonl``, e.g. by the part of it that a resumed training continues."""
    text = "".join(json.dumps(record, ensure_ascii=False, default=str) + "\n" for record in records)
    fresh = run_dir / f".{LOG}"
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(run_dir / LOG)
    except OSError as error:
        raise from_os_error(error, f"write {shown(run_dir / LOG)}") from error


def read_log(run_dir: Path) -> list[dict[str, Any]]:
    """The lines of ``log.jsonl``; a last line cut off by a crash is left out."""
    try:
        lines = (run_dir / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise from_os_error(error, f"read {shown(run_dir / LOG)}") from error
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:  # cut off; the run's manifest, not its log, says whether it is whole
            continue
    return records


def finish_run(run_dir: Path, manifest: RunManifest) -> RunManifest:
    """Declare the run whole: hash its adapter files, force them to disk, then write the manifest. Returns it with hashes and sizes.

    From now on it is the run in use, also where an older one had been chosen. Raises HubError when an adapter file is
    missing, RightsError or ResourceError when writing fails."""
    missing = [name for name in ADAPTER_FILES if not (run_dir / name).is_file()]
    if missing:
        raise HubError(f"{shown(run_dir)} cannot be finished: {', '.join(missing)} missing", hint="train again, or continue with --resume")
    try:
        for name in ADAPTER_FILES:
            _sync_file(run_dir / name)
        sync_folder(run_dir)
        hashes = {name: sha256_of(run_dir / name) for name in ADAPTER_FILES}
        sizes = {name: (run_dir / name).stat().st_size for name in ADAPTER_FILES}
    except OSError as error:
        raise from_os_error(error, f"finish {shown(run_dir)}") from error
    whole = replace(manifest, schema=SCHEMA, run_id=run_dir.name, files=hashes, sizes=sizes)
    write_json(run_dir / MANIFEST, dataclasses.asdict(whole))
    tutor_folder = run_dir.parent.parent
    newer = any(run.whole and run.id > run_dir.name for run in list_runs(tutor_folder))
    use_run(tutor_folder.parent, tutor_folder.name, run_dir.name if newer else "")
    return whole


# --- reading -------------------------------------------------------------------------------------


def list_runs(tutor_folder: Path) -> tuple[Run, ...]:
    """All runs of a tutor, newest first, broken and unfinished ones with their problem."""
    runs = tutor_folder / RUNS
    try:
        folders = [entry for entry in runs.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise from_os_error(error, f"read {shown(runs)}") from error
    return tuple(read_run(folder) for folder in sorted(folders, key=lambda folder: folder.name, reverse=True))


def read_run(folder: Path) -> Run:
    """One run; a cheap look that compares sizes only. Whatever is wrong with it becomes its problem."""
    try:
        if not _exists(folder / MANIFEST):
            return Run(folder.name, folder, False, None, UNFINISHED)
        manifest = read_manifest(folder / MANIFEST)
        for name in ADAPTER_FILES:
            if not _exists(folder / name):
                return Run(folder.name, folder, False, manifest, f"{name} is missing")
            size = (folder / name).stat().st_size
            if size != manifest.sizes.get(name, size):
                return Run(folder.name, folder, False, manifest, f"{name} has another size than when it was trained")
    except HubError as error:
        return Run(folder.name, folder, False, None, error.message)
    except OSError as error:
        return Run(folder.name, folder, False, None, from_os_error(error, f"read {shown(folder)}").message)
    return Run(folder.name, folder, True, manifest, "")


def _exists(file: Path) -> bool:
    """As ``Path.exists``, but in every version of Python what may not be looked at raises OSError."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def read_manifest(file: Path) -> RunManifest:
    """A ``manifest.json``; raises HubError when it is damaged or from a newer version."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        _check_kind("the manifest", document, Mapping)
        _check_kind("schema", document["schema"], int)
        if document["schema"] > SCHEMA:
            raise HubError(f"{shown(file)} was written by a newer adapters_hub", hint="upgrade adapters-hub")
        values = _fields_of(RunManifest, document)
        values["base"] = BaseIdentity(**_fields_of(BaseIdentity, values["base"]))
        values["stop_token_ids"] = tuple(values["stop_token_ids"])
        for token in values["stop_token_ids"]:
            _check_kind("each of stop_token_ids", token, int)
        for name, kind in (("files", str), ("sizes", int)):
            for key, value in values.get(name, {}).items():
                _check_kind(f"{name} {key}", value, kind)
        return RunManifest(**values)
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HubError(f"{shown(file)} is damaged ({type(error).__name__}: {error})") from error


def _fields_of(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """What of a JSON object is a field of the dataclass ``kind``; raises TypeError where it cannot be the field's value."""
    types = typing.get_type_hints(kind)
    values = {name: document[name] for name in types if name in document}
    for name, value in values.items():
        wanted = typing.get_origin(types[name]) or types[name]
        _check_kind(name, value, {tuple: list, BaseIdentity: Mapping}.get(wanted, wanted))
    return values


def _check_kind(name: str, value: Any, wanted: type) -> None:
    if not isinstance(value, wanted):
        raise TypeError(f"{name} must be of type {wanted.__name__}, not {type(value).__name__}")


def chosen_run(tutor_folder: Path, run_id: str | None = None) -> Run | None:
    """The run with that id, else the one chosen by ``hub switch``, else the newest whole one; None for a tutor that has none.

    Raises NotFoundError for an id that does not exist, HubError for one that is not whole."""
    runs = list_runs(tutor_folder)
    wanted = run_id or read_state(tutor_folder.parent).runs.get(tutor_folder.name, "")
    if not wanted:
        return next((run for run in runs if run.whole), None)
    name = tutor_folder.name
    found = next((run for run in runs if run.id == wanted), None)
    if found is None:
        guess = nearest(wanted, [run.id for run in runs if run.whole])
        hint = f"did you mean '{name}@{guess}'?" if guess else f"hub show {name} lists the runs, hub switch {name}@newest takes the newest"
        raise NotFoundError(f"tutor '{name}' has no run '{wanted}'", hint=hint)
    if not found.whole:
        raise HubError(f"run {name}@{wanted} cannot be used: {found.problem}", hint=f"hub switch {name}@newest takes the newest whole run")
    return found


def damage(runs: Iterable[Run], used: Run | None) -> str:
    """What is wrong with the newest finished run of ``runs``, newest first, if it cannot be used and is newer than the one ``used``."""
    newest = next((run for run in runs if not run.unfinished), None)
    if newest is None or newest.whole or (used is not None and newest.id < used.id):
        return ""
    return f"run {newest.id} cannot be used: {newest.problem}" + (f"; {used.id} is in use" if used is not None else "")


def unfinished_run(tutor_folder: Path) -> Path | None:
    """The folder of the newest run without manifest, which ``--resume`` continues; None when there is none."""
    return next((run.folder for run in list_runs(tutor_folder) if run.unfinished), None)


def adapter_of(name: str, run: Run) -> Adapter:
    """The run's adapter, its files verified against the manifest by SHA-256; raises HubError when they differ."""
    if not run.whole or run.manifest is None:
        raise HubError(f"run {name}@{run.id} cannot be used: {run.problem or 'it has no manifest'}", hint=f"hub train {name}")
    for file, expected in run.manifest.files.items():
        try:
            actual = sha256_of(run.folder / file)
        except OSError as error:
            raise from_os_error(error, f"read {shown(run.folder / file)}") from error
        if actual != expected:
            raise HubError(
                f"{shown(run.folder / file)} is not the file that was trained: its SHA-256 differs from the manifest's",
                hint=f"restore it, choose another run (hub show {name}), or train again (hub train {name})",
            )
    return Adapter(name=name, folder=run.folder, manifest=run.manifest)


def sha256_of(file: Path) -> str:
    """Of a file's content, in hexadecimal; raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sync_file(file: Path) -> None:
    with file.open("r+b" if os.name == "nt" else "rb") as stream:  # Windows flushes only what is open for writing
        os.fsync(stream.fileno())
