"""Exporting a run: its files are verified, room is made sure of, an exporter writes beside the target, and a rename puts it in place.

Half an export leaves nothing behind. Knows no format, and no terminal; exporting is not publishing, so the gate only has a word to say.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adapters_hub import __version__, store
from adapters_hub.base_files import EMBEDDED, HUB_ID
from adapters_hub.contracts import GGUF_MARK, ExporterSpec, ExportJob, ExportNeeds, ExportResult, TrainedTutor, silent
from adapters_hub.errors import HubError, ResourceError, UsageError, from_os_error
from adapters_hub.gate import ADAPTER, BASE, scores_of
from adapters_hub.hardware import read_machine
from adapters_hub.known_bases import known_base
from adapters_hub.plugins import Plugins
from adapters_hub.portable_tutor import portable_config, tutor_file_of
from adapters_hub.tutor_file import SYSTEM_FILE, TUTOR_FILE, text_of
from adapters_hub.types import RunManifest, Tutor
from adapters_hub.workspace import nearest, shown

CONFIG, WEIGHTS = store.ADAPTER_FILES
RECORD = "export.json"
"""Lies in every exported folder: what it is made of. Only what has one may be replaced."""
SPARE_DISK = 64 << 20
"""Bytes that stay free on the disk."""


@dataclass(frozen=True)
class Chosen:
    """A tutor and the run of it that is exported."""

    tutor: Tutor
    run: store.Run


@dataclass(frozen=True)
class ExportedFile:
    """One file of an export."""

    name: str
    """Below the exported folder, or the file's own name."""
    size: int


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    format: str
    tutors: tuple[str, ...]
    """``name@run`` each."""
    files: tuple[ExportedFile, ...]
    next: str
    """The exact command that uses it."""
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def export(
    spec: ExporterSpec,
    chosen: Sequence[Chosen],
    out: Path,
    plugins: Plugins,
    *,
    options: Mapping[str, str] | None = None,
    force: bool = False,
    tell: Callable[[str], None] = silent,
) -> Exported:
    """Write ``chosen`` in the format ``spec`` to ``out``, wholly or not at all. ``force`` replaces an earlier export there.

    Raises UsageError, ResourceError, RightsError, HubError, and what the exporter raises."""
    settings = checked_options(spec, options or {})
    _require_one_base(spec, chosen)
    target = out.absolute()
    _require_free(target, force=force)
    trained = tuple(_trained(one, plugins, settings) for one in chosen)
    draft = _draft_folder(target)
    try:
        job = ExportJob(trained, chosen[0].tutor.base, draft / target.name, settings, target, tell)
        _require_room(spec, job, tell)
        result = _written(spec, job)
        if job.out.is_dir():
            _write_record(job, spec.name)
        files = _files(job.out)
        if not files:
            raise HubError(f"the exporter '{spec.name}' wrote nothing", hint="hub plugins shows where it comes from")
        _put_in_place(job.out, target, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    notes = (*result.notes, *(note for one in chosen if (note := unproven(one))))
    names = tuple(f"{one.tutor.name}@{one.run.id}" for one in chosen)
    return Exported(target, spec.name, names, files, result.next.replace("{out}", shown(target)), notes)


# --- before --------------------------------------------------------------------------------------


def checked_options(spec: ExporterSpec, given: Mapping[str, str]) -> dict[str, str]:
    """Every option of the format with the value given or its default; raises UsageError with all that cannot be meant."""
    known = {option.name: option for option in spec.options}
    findings, hint = [], ""
    for name, value in given.items():
        option = known.get(name)
        if option is None:
            guess = nearest(name, known)
            offered = f"it knows {', '.join(known)}" if known else "it knows none"
            findings.append(f"--to {spec.name} has no option '{name}'" + (f", did you mean '{guess}'?" if guess else f", {offered}"))
        elif option.choices and value not in option.choices:
            findings.append(f"--option {name}={value}: it must be one of {', '.join(option.choices)}")
            hint = hint or option.help
    if findings:
        raise UsageError(findings[0], hint=hint or "hub export --list shows the formats and their options", details=findings[1:])
    return {name: given.get(name, option.default) for name, option in known.items()}


def _require_one_base(spec: ExporterSpec, chosen: Sequence[Chosen]) -> None:
    if not chosen:
        raise UsageError("there is nothing to export", hint="hub train NAME")
    if len(chosen) > 1 and not spec.many:
        raise UsageError(f"--to {spec.name} takes one tutor", hint="name it: hub export NAME --to " + spec.name)
    findings = []
    first = chosen[0].run.manifest
    for one in chosen:
        manifest = one.run.manifest
        if manifest is None or first is None:
            continue
        if manifest.base.model != one.tutor.base.model and _has_name(manifest.base.model) and _has_name(one.tutor.base.model):
            findings.append(
                f"{one.tutor.name}@{one.run.id} was trained on '{manifest.base.model}', the base is '{one.tutor.base.model}' now"
            )
        elif (manifest.base.fingerprint, manifest.base.weights) != (first.base.fingerprint, first.base.weights):
            findings.append(f"{one.tutor.name}@{one.run.id} was trained on another base than {chosen[0].tutor.name}@{chosen[0].run.id}")
    if findings:
        raise UsageError(findings[0], hint="[base] model in hub.toml must be the base of the run: hub show NAME", details=findings[1:])


def _has_name(model: str) -> bool:
    """``model`` means the same on every machine; a folder may lie elsewhere than it did."""
    return model in EMBEDDED or bool(HUB_ID.fullmatch(model) and not Path(model).exists())


def _require_free(target: Path, *, force: bool) -> None:
    """Nothing lies at ``target``, or an earlier export that may be replaced."""
    if not target.name:
        raise UsageError(f"{target} cannot be written", hint="name a file or a folder: --out DIR")
    if not os.path.lexists(target):
        return
    if not force:
        raise UsageError(f"{shown(target)} exists already", hint="--out another one, or --force replaces an earlier export")
    if not _is_earlier(target):
        raise UsageError(f"{shown(target)} is no earlier export", hint="--out another one, or remove it yourself")


def _is_earlier(target: Path) -> bool:
    """Whether an export has made it, as far as that can be seen; an empty folder may be one that was begun."""
    try:
        if target.is_dir():
            return (target / RECORD).is_file() or not any(target.iterdir())
        if zipfile.is_zipfile(target):
            with zipfile.ZipFile(target) as archive:
                return {CONFIG, WEIGHTS, TUTOR_FILE} <= set(archive.namelist())
        with target.open("rb") as stream:
            start = stream.read(4096)
        return start.startswith(b"GGUF") and GGUF_MARK.encode() in start
    except (OSError, zipfile.BadZipFile):
        return False


def _draft_folder(target: Path) -> Path:
    """A hidden folder on the target's own disk."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise from_os_error(error, f"write {shown(target)}") from error


def _require_room(spec: ExporterSpec, job: ExportJob, tell: Callable[[str], None]) -> None:
    """Raises ResourceError before anything is begun that cannot end well."""
    needs: ExportNeeds = spec.needs(job)
    machine = read_machine(job.out.parent)
    if needs.memory:
        tell(f"needs {needs.memory / 1e9:.1f} GB of RAM ({machine.memory_free / 1e9:.1f} GB free) and {needs.disk / 1e9:.1f} GB of disk")
    if needs.disk + SPARE_DISK > machine.disk_free:
        raise ResourceError(
            f"{needs.disk / 1e9:.1f} GB would be written to {shown(job.target.parent)}, {machine.disk_free / 1e9:.1f} GB are free",
            hint="free some disk space, or --out on another disk",
        )
    if machine.memory and needs.memory > machine.memory:
        raise ResourceError(
            f"this needs {needs.memory / 1e9:.1f} GB of RAM, the machine has {machine.memory / 1e9:.1f} GB",
            hint="export the adapter alone (--to peft, --to gguf, --to vllm), or merge on a larger machine",
        )


# --- what travels along --------------------------------------------------------------------------


def _trained(one: Chosen, plugins: Plugins, settings: Mapping[str, str]) -> TrainedTutor:
    adapter = store.adapter_of(one.tutor.name, one.run)
    manifest = adapter.manifest
    if manifest is None:
        raise HubError(f"run {one.tutor.name}@{one.run.id} has no manifest", hint=f"hub train {one.tutor.name}")
    base_id = _base_id(manifest, settings.get("base-id", ""))
    config = portable_config(adapter.folder / CONFIG, base_id, manifest.base.revision if base_id == manifest.base.model else "")
    system = (one.tutor.system_prompt.strip() + "\n").encode()
    hashes = {CONFIG: _sha256(config), WEIGHTS: manifest.files[WEIGHTS], SYSTEM_FILE: _sha256(system)}
    base = base_id or Path(manifest.base.model).name
    document = replace(tutor_file_of(one.tutor, one.run, manifest, plugins, base=base, license=_license(manifest)), files=hashes)
    return TrainedTutor(one.tutor, adapter, {CONFIG: config, SYSTEM_FILE: system, TUTOR_FILE: text_of(document).encode()})


def _license(manifest: RunManifest) -> str:
    base = known_base(manifest.base.model)
    return "apache-2.0" if manifest.base.model in EMBEDDED else base.licence if base and base.free else "other"


def _base_id(manifest: RunManifest, wanted: str) -> str:
    """The name of the base that means something elsewhere; empty for a folder of this machine."""
    if wanted and not HUB_ID.fullmatch(wanted):
        raise UsageError(f"--option base-id={wanted} cannot be a Hub id", hint="a Hub id reads owner/name")
    return wanted or (manifest.base.model if _has_name(manifest.base.model) else "")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- writing -------------------------------------------------------------------------------------


def _written(spec: ExporterSpec, job: ExportJob) -> ExportResult:
    try:
        return spec.export(job)
    except OSError as error:
        raise from_os_error(error, f"write {shown(job.target)}") from error


def _write_record(job: ExportJob, format: str) -> None:
    tutors = [
        {"name": one.tutor.name, "run": one.adapter.folder.name, "files": dict(one.adapter.manifest.files) if one.adapter.manifest else {}}
        for one in job.trained
    ]
    record = {"schema": 1, "format": format, "tutors": tutors, "options": dict(job.options), "adapters_hub": __version__}
    try:
        (job.out / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise from_os_error(error, f"write {shown(job.target)}") from error


def _files(path: Path) -> tuple[ExportedFile, ...]:
    if path.is_file():
        return (ExportedFile(path.name, path.stat().st_size),)
    found = sorted(file for file in path.rglob("*") if file.is_file())
    return tuple(ExportedFile(file.relative_to(path).as_posix(), file.stat().st_size) for file in found)


def _put_in_place(draft: Path, target: Path, room: Path) -> None:
    """Rename the draft to ``target``; what lay there goes only when the new one is in place."""
    former = room / "former"
    try:
        if os.path.lexists(target):
            target.rename(former)
        try:
            draft.rename(target)
        except OSError:
            if os.path.lexists(former):
                former.rename(target)
            raise
    except OSError as error:
        raise from_os_error(error, f"write {shown(target)}") from error


# --- afterwards ----------------------------------------------------------------------------------


def unproven(one: Chosen) -> str:
    """One line about a run that is not known to be better than its base; empty for one that is."""
    scores = scores_of(one.run.folder)
    name = f"{one.tutor.name}@{one.run.id}"
    if BASE not in scores or ADAPTER not in scores:
        return f"{name} was never compared with its base: hub eval {one.tutor.name}"
    if scores[ADAPTER] > scores[BASE]:
        return ""
    return f"{name} is not better than its base: {scores[ADAPTER]:.1%} against {scores[BASE]:.1%}"
