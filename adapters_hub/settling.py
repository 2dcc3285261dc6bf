"""A tutor from elsewhere moves in: put together in a hidden folder, visible with the last rename, its former version in use until then.

Texts that somebody has edited here are left alone. Knows no network, and takes for granted that whatever comes was looked at.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from adapters_hub import store
from adapters_hub.adapter_files import CONFIG, WEIGHTS
from adapters_hub.errors import ResourceError, UsageError, from_os_error, printable
from adapters_hub.newcomers import CARD, Newcomer, Wishes, steers
from adapters_hub.sources import Source, read_source, write_source
from adapters_hub.store import sha256_of
from adapters_hub.tutor_file import SYSTEM_FILE, TUTOR_FILE
from adapters_hub.tutors import read_tutor
from adapters_hub.types import ChatSettings, RunManifest
from adapters_hub.workspace import TUTOR_FILE as SETTINGS_FILE
from adapters_hub.workspace import Workspace, check_name, shown, sync_folder, use_run

INCOMING = ".incoming."
ABANDONED = 24 * 3600.0
"""Seconds after which nobody is at work in such a folder any more."""
TEXTS = (SETTINGS_FILE, SYSTEM_FILE, CARD)
FIGURES = ("held_out_first", "held_out_last", "steps", "trainable", "total")


@dataclass(frozen=True)
class Settled:
    """It lives here now."""

    tutor: str
    folder: Path
    run: str
    source: Source
    validators: tuple[str, ...]
    notes: tuple[str, ...]


@contextmanager
def incoming(workspace: Workspace) -> Iterator[Path]:
    """A hidden folder beside the tutors, on the same disk; gone at the end of the block, whatever happens."""
    folder = workspace.folder / f"{INCOMING}{secrets.token_hex(4)}"
    try:
        for other in workspace.folder.glob(f"{INCOMING}*"):  # of a process that was killed
            if time.time() - other.lstat().st_mtime > ABANDONED:
                shutil.rmtree(other, ignore_errors=True)
        folder.mkdir()
    except OSError as error:
        raise from_os_error(error, f"write {shown(folder)}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what is left is hidden, and no tutor


def require_room(folder: Path, size: int) -> None:
    """Raises ResourceError where the disk has not ``size`` bytes left."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise from_os_error(error, f"read {shown(folder)}") from error
    if size > free:
        raise ResourceError(f"{size:,} bytes are needed, {free:,} are free in {shown(folder)}", hint="free some disk space")


def free_name(newcomer: Newcomer, wishes: Wishes, workspace: Workspace) -> str:
    """The name it will have as a new tutor. Raises UsageError for one that cannot be or is taken."""
    name = wishes.name or newcomer.proposal
    if not name:
        raise UsageError(f"{newcomer.where} suggests no name for a tutor", hint="choose one: --as NAME")
    try:
        check_name(name)
    except UsageError as error:
        raise UsageError(error.message, hint="choose another name: --as NAME") from error
    if os.path.lexists(workspace.folder / name):
        source = read_source(workspace.folder / name)
        kind = f"comes from {source.shown}" if source is not None else "is a tutor of your own"
        taken = {entry.name for entry in workspace.folder.iterdir()}
        other = next(f"{name[:28]}_{number}" for number in range(2, 1000) if f"{name[:28]}_{number}" not in taken)
        raise UsageError(f"there is a tutor '{name}' already: it {kind}", hint=f"give this one another name: --as {other}")
    return name


def source_of(newcomer: Newcomer, kind: str, place: str, *, revision: str = "", endpoint: str = "") -> Source:
    """What will be remembered of where it comes from."""
    published = newcomer.published
    if published is None:
        return Source(kind, place, revision, base=newcomer.settings.base_model, endpoint=endpoint)
    base, license = published.base.model, published.license
    return Source(kind, place, revision, published.version, published.run, base=base, license=license, endpoint=endpoint)


def settle(newcomer: Newcomer, folder: Path, source: Source, workspace: Workspace, *, name: str, home: Path | None) -> Settled:
    """Make a tutor of the files in ``folder`` (see ``incoming``): a new one called ``name``, or for ``home`` its next run.

    In a home that somebody has edited, edited files stay as they are. Raises HubError, RightsError, ResourceError; nothing has changed
    then."""
    fresh, source = folder / name, replace(source, when=_now())
    try:
        _write_texts(fresh, newcomer, source, folder)
        run = store.start_run(fresh)
        for file in (CONFIG, WEIGHTS):
            os.replace(folder / file, run / file)
        for file in (TUTOR_FILE, SYSTEM_FILE):
            if (folder / file).is_file():
                shutil.copyfile(folder / file, run / file)
        write_source(run, source)
        store.finish_run(run, _manifest(newcomer, name))
        read_tutor(fresh, workspace, environ={})  # what cannot be read here is not kept
        notes = newcomer.notes
        if home is None:
            texts = {file: _as_it_came(newcomer, fresh / file) for file in TEXTS if (fresh / file).is_file()}
            write_source(fresh, replace(source, texts=texts))
            home = _moved_in(fresh, workspace.folder / name)
        else:
            (home / store.RUNS).mkdir(exist_ok=True)
            os.rename(run, home / store.RUNS / run.name)
            sync_folder(home / store.RUNS)
            notes += tuple(replace_texts(fresh, home, newcomer, source))
        sync_folder(home.parent)
    except OSError as error:
        raise from_os_error(error, f"write {shown(home or workspace.folder / name)}") from error
    choose(home, run.name)
    return Settled(name, home, run.name, source, newcomer.validators, (*notes, *_lacking(home)))


def _moved_in(fresh: Path, home: Path) -> Path:
    try:
        os.rename(fresh, home)
    except OSError as error:
        if not os.path.lexists(home):
            raise
        raise UsageError(f"there is a tutor '{home.name}' since a moment ago", hint="repeat the command: it looks again") from error
    return home


def refresh(newcomer: Newcomer, folder: Path, source: Source, *, home: Path, run: str) -> Settled:
    """``home`` has the run already: bring its texts up to date and put that run into use. Raises what ``settle`` raises."""
    fresh, source = folder / home.name, replace(source, when=_now())
    try:
        _write_texts(fresh, newcomer, source, folder)
        notes = (*newcomer.notes, *replace_texts(fresh, home, newcomer, source))
    except OSError as error:
        raise from_os_error(error, f"write {shown(home)}") from error
    choose(home, run)
    return Settled(home.name, home, run, source, newcomer.validators, (*notes, *_lacking(home)))


def choose(home: Path, run: str) -> None:
    """Put that run of the tutor into use."""
    newest = next((other.id for other in store.list_runs(home) if other.whole), "")
    use_run(home.parent, home.name, "" if newest == run else run)


def replace_texts(fresh: Path, home: Path, newcomer: Newcomer, source: Source) -> list[str]:
    """Take over the texts in ``fresh`` that nobody has edited in ``home``; returns a note for each that stays."""
    former = read_source(home)
    known = dict(former.texts) if former is not None else {}
    notes, texts = [], {}
    for name in TEXTS:
        new, old = fresh / name, home / name
        if not new.is_file():
            continue
        texts[name] = _as_it_came(newcomer, new)
        present = sha256_of(old) if old.is_file() else ""
        asked_for = name in newcomer.own and name == SYSTEM_FILE
        if asked_for or present in ("", sha256_of(new), known.get(name)):
            os.replace(new, old)
        else:
            notes.append(f"{name} was written here and stays as it is")
    write_source(home, replace(source, texts=texts))
    return notes


def _as_it_came(newcomer: Newcomer, file: Path) -> str:
    """Its SHA-256; empty where it holds what somebody has asked for here, which no newer version takes back."""
    return "" if file.name in newcomer.own else sha256_of(file)


def _lacking(home: Path) -> list[str]:
    if (home / SYSTEM_FILE).stat().st_size:
        return []
    return [f"it answers without a system prompt: --system FILE names one, or write it into {SYSTEM_FILE}"]


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_texts(fresh: Path, newcomer: Newcomer, source: Source, folder: Path) -> None:
    fresh.mkdir()
    (fresh / SETTINGS_FILE).write_text(_settings_text(newcomer, source, fresh.name), encoding="utf-8", newline="\n")
    (fresh / SYSTEM_FILE).write_text(newcomer.system_prompt + "\n" if newcomer.system_prompt else "", encoding="utf-8", newline="\n")
    if (folder / CARD).is_file():
        shutil.copyfile(folder / CARD, fresh / CARD)


def _settings_text(newcomer: Newcomer, source: Source, name: str) -> str:
    published = newcomer.published
    card = {"title": published.title, "language": published.language, "locale": published.locale} if published is not None else {}
    if published is not None and published.description:
        card["description"] = published.description
    chat = {key: published.chat[key] for key in ChatSettings.__dataclass_fields__ if published is not None and key in published.chat}
    if "max_new_tokens" in chat:
        chat["max_new_tokens"] = int(chat["max_new_tokens"])
    tables: dict[str, dict[str, Any]] = {
        "tutor": {key: value for key, value in card.items() if value} or {"title": name.replace("_", " ").capitalize()},
        "validator": {"use": list(newcomer.validators)},
        "chat": chat,
    }
    origin = printable(" ".join(source.shown.split()))
    lines = [f"# From {origin}. A newer version leaves this file alone once it was edited."]
    for section, table in tables.items():
        if table:
            lines += ["", f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _manifest(newcomer: Newcomer, name: str) -> RunManifest:
    """What is known of the training; an adapter whose base is known by name only gets an empty fingerprint."""
    published = newcomer.published
    prompt = hashlib.sha256(newcomer.system_prompt.encode()).hexdigest()
    if published is None:
        recipe = {"lora": {"rank": newcomer.settings.rank, "alpha": newcomer.settings.alpha}}
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return RunManifest(store.SCHEMA, "", name, now, newcomer.base.identity, "", "", prompt, (), "", recipe, {}, {}, {})
    return RunManifest(
        schema=store.SCHEMA,
        run_id="",
        tutor=name,
        created=published.created,
        base=newcomer.base.identity,
        quantization=published.quantization,
        template_sha256=published.template_sha256,
        system_prompt_sha256=prompt,
        stop_token_ids=published.stop_token_ids,
        dataset_sha256=str(published.dataset.get("sha256", ""))[:64],
        recipe=dict(published.recipe),
        metrics=_figures(published.metrics),
        files={},
        versions=_versions(published.metrics.get("versions")),
    )


def _figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers among them; what its author measured against the base stands under ``published``."""
    figures: dict[str, Any] = {name: metrics[name] for name in FIGURES if _is_number(metrics.get(name))}
    measured = metrics.get("eval")
    if isinstance(measured, Mapping) and all(_is_number(measured.get(name)) for name in ("n", "base", "adapter")):
        figures["published"] = {name: measured[name] for name in ("n", "base", "adapter")}
    return figures


def _versions(versions: Any) -> dict[str, str]:
    if not isinstance(versions, Mapping):
        return {}
    kept = {name: version for name, version in versions.items() if isinstance(version, str) and len(name) + len(version) < 100}
    return {name: version for name, version in list(kept.items())[:50] if not steers(name + version)}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18 and math.isfinite(value)
