"""Looks at what is worked with: the base and others that would fit, sandbox, plugins, tutors, kept conversations."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from gettext import gettext as _
from pathlib import Path

from adapters_hub import choosing, store
from adapters_hub.base_files import EMBEDDED, HUB_ID, BaseFiles, base_on_this_machine, locate_base, weights_digest
from adapters_hub.base_memory import GB, Fit, fits
from adapters_hub.diagnosis.case import Case, Found, existing
from adapters_hub.errors import HubError, NotFoundError
from adapters_hub.known_bases import CATALOGUE, why_best
from adapters_hub.tutors import read_base, read_tutor
from adapters_hub.types import BaseModel
from adapters_hub.workspace import shown, tutor_names


def base(case: Case) -> Iterator[Found]:
    """Whether the base of the workspace is here and its engine too; nothing is downloaded."""
    try:
        chosen = _base_of(case)
    except HubError as error:
        yield "base", "problem", "; ".join((error.message, *error.details)), error.hint
        return
    try:
        case.library.plugins.engine(chosen.engine)
    except HubError as error:
        yield "engine", "problem", error.message, error.hint
    yield _presence(case, chosen)


def _base_of(case: Case) -> BaseModel:
    try:
        return read_base(case.library.workspace, environ=case.environ)
    except NotFoundError:  # no workspace
        return BaseModel()


def _presence(case: Case, chosen: BaseModel) -> Found:
    if chosen.model in EMBEDDED or os.path.exists(os.path.expanduser(chosen.model)) or not HUB_ID.fullmatch(chosen.model):
        try:
            files = locate_base(chosen)
        except HubError as error:
            return "base", "problem", error.message, error.hint
        return "base", "ok", f"{chosen.model} ({files.origin}, {_size(files)})", ""
    held = base_on_this_machine(chosen)
    if held is not None:
        return "base", "ok", f"{chosen.model} ({_size(held)})", ""
    text = _("{name} is not on this machine yet").format(name=chosen.model)
    if case.offline:
        return "base", "problem", text + _(", and HF_HUB_OFFLINE forbids to fetch it"), _("unset HF_HUB_OFFLINE once, or hub base list")
    return "base", "warning", text, f"hub base use {chosen.model} --download"


def _size(files: BaseFiles) -> str:
    paths = [files.path] if files.path.is_file() else files.path.glob("*")
    megabytes = sum(file.stat().st_size for file in paths if file.is_file()) / 1e6
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def bases(case: Case) -> Iterator[Found]:
    """Which known bases fit this machine, with how many tutors and how much context."""
    room = case.room
    if room.usable <= 0:
        yield "bases", "warning", _("{room} leaves no room for any but mini").format(room=room.name), "hub base use mini"
        return
    try:
        count = choosing.tutors_expected(case.library.workspace)
    except HubError:
        count = choosing.tutors_expected(None)
    best = choosing.best_offer(room, tutors=count)
    held = choosing.quantization_here("auto")
    if best is None:
        text = _("no known base fits {room} with {count} tutors").format(room=room.name, count=count)
        yield "bases", "warning", text, "hub base use mini"
        return
    yield "bases", "ok", why_best(best, fits(best.shape, room, tutors=count, quantization=held), room), ""
    for known in CATALOGUE:
        fit = fits(known.shape, room, tutors=count, quantization=held)
        told = known.id == best.id or known.id in FAMILIAR or case.verbose
        if told and (fit.verdict != "no" or case.verbose):
            yield known.id, "ok", _in_short(fit, count, known.gated), ""


FAMILIAR = (
    *("Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct", "HuggingFaceTB/SmolLM3-3B", "microsoft/phi-2"),
    *("Qwen/Qwen3-4B-Instruct-2507", "Qwen/Qwen2.5-7B-Instruct"),
)
"""Bases of every size whose line is shown where they fit; the others with --verbose."""


def _in_short(fit: Fit, tutors: int, gated: bool) -> str:
    if fit.verdict == "no":
        return _("does not fit: {why}").format(why=fit.why)
    text = _("{memory:.1f} GB with {tutors} tutors, {kib:.0f} KiB per token, context {context:,}, {chats:,} chats, training {training}")
    return text.format(
        memory=(fit.weights + fit.adapters) / GB,
        tutors=tutors,
        kib=fit.kv_per_token / 1024,
        context=fit.context,
        chats=fit.conversations,
        training=_("fits") if fit.trainable else _("does not fit"),
    ) + (_(", asks for a login") if gated else "")


# --- plugins and sandbox -------------------------------------------------------------------------


def sandbox(case: Case) -> Iterator[Found]:
    """The ways to run code of answers, best first."""
    try:
        from adapters_hub.sandbox import describe
    except ImportError:
        yield (
            "sandbox",
            "warning",
            _("there is none in this installation: code in answers is not run"),
            "pip install --upgrade adapters-hub",
        )
        return
    tiers = list(describe())
    working = [tier for tier in tiers if tier.works]
    for tier in tiers:
        tell = tier.works and bool(tier.not_stopped) and case.verbose
        open_doors = _("; does not stop: {doors}").format(doors="; ".join(tier.not_stopped)) if tell else ""
        if tier.works or case.verbose or not working:
            yield tier.name, "ok" if tier.works or working else "warning", f"{tier.detail}{open_doors}".strip("; "), ""
    if not working:
        text = _("no sandbox works here: code in answers is not run, such answers stay unverified")
        yield "sandbox", "warning", text, _("pip install pydantic-monty works on every system")


def plugins(case: Case) -> Iterator[Found]:
    """Those that work, and why others do not."""
    infos = case.library.plugins.describe()
    working = [info.name for info in infos if not info.problem]
    yield "plugins", "ok", ", ".join(working), ""
    for info in infos:
        if info.problem.startswith("blocked"):
            yield info.name, "warning", info.problem, _("unset HUB_BLOCK_PLUGINS")
        elif info.problem:
            installed = info.origin == "installed"
            remedy = _("mend or uninstall it: pip uninstall {name}").format(name=info.source) if installed else "hub plugins --debug"
            yield info.name, "problem", _("left out: {problem}").format(problem=info.problem), remedy


# --- the workspace -------------------------------------------------------------------------------


def workspace(case: Case) -> Iterator[Found]:
    """Every tutor: can it be read, are its runs whole and of this base, does one wait to be continued."""
    try:
        home = case.library.workspace
    except NotFoundError as error:
        yield "workspace", "warning", error.message, error.hint
        return
    names = tutor_names(home)
    state = case.library.state
    yield "workspace", "ok", _("{folder}, {count} tutors").format(folder=shown(home.folder), count=len(names)), ""
    if state.problem:
        yield "workspace", "warning", state.problem, _("hub switch NAME writes it again")
    if state.tutor and state.tutor not in names:
        yield "workspace", "warning", _("the default tutor '{name}' is gone").format(name=state.tutor), "hub switch NAME"
    files, digest = _files_of_base(case)
    for name in names:
        yield from _tutor(case, name, files, digest)


def _files_of_base(case: Case) -> tuple[BaseFiles | None, str]:
    """The base's files and digest, as far as they are here: a tutor may have been trained on an older copy of it."""
    try:
        files = base_on_this_machine(_base_of(case))
        return files, weights_digest(files.path) if files is not None else ""
    except (HubError, OSError):  # the base's own line says so
        return None, ""


def _tutor(case: Case, name: str, files: BaseFiles | None, digest: str) -> Iterator[Found]:
    home = case.library.workspace
    folder = home.folder / name
    try:
        tutor = read_tutor(folder, home, environ=case.environ)
        run = store.chosen_run(folder)
        runs = store.list_runs(folder)
    except HubError as error:
        yield name, "problem", "; ".join((error.message, *error.details)), error.hint or f"hub show {name}"
        return
    if not os.access(existing(folder / store.RUNS), os.W_OK):
        yield name, "problem", _("{folder} cannot be written").format(folder=shown(folder)), f"chmod -R u+rwX {shown(folder)}"
    if damage := store.damage(runs, run):
        yield name, "warning", damage, _("hub show {name}, then remove the damaged run").format(name=name)
    for left in (found for found in runs if found.unfinished):
        if _is_held(left.folder / store.LOCK):
            yield name, "ok", _("run {run} is being trained right now").format(run=left.id), ""
        else:
            yield name, "warning", _("run {run} was never finished").format(run=left.id), f"hub train {name} --resume"
    for found in runs:
        if any(found.folder.glob("eval.partial*.jsonl")) and not _is_held(found.folder / ".eval.lock"):
            hint = f"hub eval {name} --run {found.id}"
            yield name, "warning", _("the evaluation of run {run} was interrupted").format(run=found.id), hint
    if run is not None and (why := choosing.other_base(run, tutor.base, files, digest)):
        yield name, "warning", _("run {run} was {why}").format(run=run.id, why=why), f"hub train {name}"


def _is_held(lock_file: Path) -> bool:
    """Whether another process works there now: a lock whose holder was killed is free."""
    if not lock_file.is_file():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock_file, blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that may not be written: nobody works there
        return False


# --- conversations -------------------------------------------------------------------------------


def conversations(case: Case) -> Iterator[Found]:
    """Whether kept conversations can be written, searched, and read by nobody else."""
    from adapters_hub.conversations import log_path

    file = log_path(case.environ)
    place = existing(file.parent)
    if not os.access(place, os.W_OK | os.X_OK) or (file.is_file() and not os.access(file, os.R_OK | os.W_OK)):
        yield (
            "conversations",
            "problem",
            _("{place} cannot be written").format(place=shown(place)),
            _("hub logs off, or export HUB_HOME to a folder of yours"),
        )
        return
    if file.is_file():
        try:
            with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)) as log:
                log.execute("PRAGMA schema_version").fetchone()
        except sqlite3.DatabaseError as error:
            text = _("{file} is damaged: {error}").format(file=shown(file), error=error)
            yield "conversations", "problem", text, f"mv {shown(file)} {shown(file)}.damaged"
            return
        if os.name != "nt" and file.stat().st_mode & 0o077:
            yield "conversations", "warning", _("others may read {file}").format(file=shown(file)), f"chmod 600 {shown(file)}"
            return
    search = "" if _full_text() else _("; this SQLite searches without an index")
    yield "conversations", "ok", f"{shown(file)}{search}", ""


def _full_text() -> bool:
    try:
        with closing(sqlite3.connect(":memory:")) as memory:
            memory.execute("CREATE VIRTUAL TABLE words USING fts5(content)")
        return True
    except sqlite3.Error:
        return False
