"""Choosing the base that all tutors share: which one is set, which others could be had and how they fit, and what a change brings with it.

Reads files and facts of the machine and, only for a base that is not here, asks the Hub. Changes nothing itself.
Knows nothing of terminals.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adapters_hub import base_files, hardware, store
from adapters_hub.base_files import EMBEDDED, HUB_ID, BaseFiles
from adapters_hub.base_memory import GB, Fit, Room, Shape, count_parameters, fits, read_shape, room_of
from adapters_hub.errors import HubError, NetworkError, NotFoundError, ResourceError, UsageError
from adapters_hub.known_bases import CATALOGUE, KnownBase, best_for, known_base, nearest_open, similar_ids
from adapters_hub.settings import read_toml
from adapters_hub.tutors import read_base
from adapters_hub.types import BaseModel, Quantization
from adapters_hub.workspace import TUTOR_FILE, Workspace, shown, tutor_names

RATE = "defaults.train.learning_rate"
RATE_OF_MINI, RATE_OF_OTHERS = 5e-3, 2e-4
"""Learning rates that suit the embedded base of ten million parameters, and bases a hundred times as large."""
SMALL = 100_000_000
"""Parameters up to which a base learns with the rate of the embedded one."""


@dataclass(frozen=True)
class Offer:
    """One base, what is known of it, and how it would do here."""

    name: str
    """As ``[base] model`` names it."""
    here: bool
    """All its files are on this machine."""
    licence: str
    """Empty when unknown."""
    free: bool | None
    """Any use is allowed; None when unknown."""
    gated: bool
    spanish: bool | None
    chat_template: bool | None
    parameters: int
    """0 when unknown."""
    download: int
    """Bytes to fetch, or on disk when it is here; 0 when unknown."""
    shape: Shape | None
    fit: Fit | None
    """None when the shape is unknown, e.g. of a .gguf file."""
    note: str = ""


@dataclass(frozen=True)
class Held:
    """The base of the workspace as it is."""

    base: BaseModel
    offer: Offer
    files: BaseFiles | None
    """None when it is not on this machine, or not wholly."""
    problem: str = ""
    """Why local files cannot be used."""


@dataclass(frozen=True)
class Trained:
    """Where one tutor stands towards a base."""

    tutor: str
    status: str
    """``ready``, ``stale``, ``untrained`` or ``broken``."""
    run: str
    """The run in use; empty: none."""
    why: str
    """What is stale or broken about it."""
    usable_run: str = ""
    """For a stale tutor: its newest run that was trained on this base."""


def room_here(environ: Mapping[str, str] = os.environ) -> Room:
    """Where a base would be held on this machine; imports no torch."""
    build = hardware.torch_build()
    return room_of(hardware.read_machine(), hardware.read_cards(), build, hardware.processor_features(), environ)


def tutors_expected(workspace: Workspace | None) -> int:
    """For how many tutors the figures are made when nobody says: those there are, at least three."""
    return max(3, len(tutor_names(workspace)) if workspace is not None else 0)


def held_base(workspace: Workspace, room: Room, *, tutors: int, environ: Mapping[str, str] = os.environ) -> Held:
    """The base of the workspace, described as far as its files and the catalogue tell. Never asks the network."""
    base = read_base(workspace, environ=environ)
    try:
        files = base_files.base_on_this_machine(base)
    except HubError as error:
        return Held(base, _offer(base, None, room, tutors), None, error.message)
    return Held(base, _offer(base, files, room, tutors), files)


def offers(room: Room, *, tutors: int, current: str = "", environ: Mapping[str, str] = os.environ) -> tuple[Offer, ...]:
    """``mini``, the catalogue, what else is in the cache of Hub models, and the ``current`` base wherever it lies."""
    names = dict.fromkeys([*EMBEDDED, *(base.id for base in CATALOGUE), *base_files.cached_models(environ), *filter(None, [current])])
    return tuple(_offer_of(name, room, tutors) for name in names)


def quantization_here(wanted: Quantization) -> Quantization:
    """What ``auto`` comes to: 4 bits where the library for them is installed, which is all that can be known without trying it."""
    return "none" if wanted == "auto" and find_spec("bitsandbytes") is None else wanted


def best_offer(room: Room, *, tutors: int) -> KnownBase | None:
    """The base to recommend on this machine."""
    return best_for(room, tutors=tutors, quantization=quantization_here("auto"))


def _offer_of(name: str, room: Room, tutors: int) -> Offer:
    base = BaseModel(model=name)
    try:
        files = base_files.base_on_this_machine(base)
    except HubError:
        files = None
    return _offer(base, files, room, tutors)


def _offer(base: BaseModel, files: BaseFiles | None, room: Room, tutors: int) -> Offer:
    """What the catalogue says, or the files themselves."""
    known = known_base(base.model)
    shape, parameters, size = _facts_of_files(files)
    if known is not None:
        shape, parameters = known.shape, known.parameters
    return Offer(
        name=base.model,
        here=files is not None,
        licence=known.licence if known else _licence_of(files),
        free=known.free if known else True if base.model in EMBEDDED else None,
        gated=bool(known and known.gated),
        spanish=known.spanish if known else True if base.model in EMBEDDED else None,
        chat_template=known.chat_template if known else True if base.model in EMBEDDED else None,
        parameters=parameters,
        download=known.download if known else size,
        shape=shape,
        fit=fits(shape, room, tutors=tutors, quantization=quantization_here(base.quantization)) if shape is not None else None,
        note=known.note if known else "comes with this program, for trying out and for tests" if base.model in EMBEDDED else "",
    )


def _facts_of_files(files: BaseFiles | None) -> tuple[Shape | None, int, int]:
    """Shape, parameters and bytes."""
    if files is None:
        return None, 0, 0
    if files.kind == "gguf":
        return None, 0, files.path.stat().st_size
    size = sum(file.stat().st_size for file in files.path.glob("*.safetensors"))
    try:
        shape = read_shape(files.path)
    except HubError:  # a base of a kind unknown here; the engine will say more
        return None, count_parameters(files.path), size
    return shape, count_parameters(files.path) or shape.parameters, size


def _licence_of(files: BaseFiles | None) -> str:
    """As the front matter of its model card names it."""
    if files is None or files.kind == "gguf":
        return ""
    try:
        text = (files.path / "README.md").read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        return ""
    front = re.match(r"---\n(.*?)\n---", text, re.S)
    named = [re.search(rf"^{key}:\s*([\w.+-]+)\s*$", front[1], re.M) for key in ("license_name", "license")] if front else []
    return next((found[1] for found in named if found), "")


# --- a change ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """A base that can be had, and what taking it would change."""

    base: BaseModel
    offer: Offer
    changes: Mapping[str, Any]
    """``section.key`` -> value to write into ``hub.toml``."""
    former: Mapping[str, Any]
    """The values that stand there now; None: no such key."""
    remarks: tuple[str, ...]
    """What else one should know or do, one sentence each."""

    @property
    def too_large(self) -> bool:
        """It would not fit this machine, as far as can be computed."""
        return self.offer.fit is not None and self.offer.fit.verdict == "no"


def candidate(
    name: str,
    workspace: Workspace,
    room: Room,
    *,
    tutors: int,
    revision: str | None = None,
    quantization: Quantization | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Candidate:
    """The base that ``name`` means (``mini``, a folder, a .gguf file, a Hub id), checked that it can be had.

    Raises what keeps it from being had, with the nearest open bases that can be had as details."""
    name = name.strip()
    document = read_toml(workspace.settings_file)
    known = known_base(name)
    local = _local_name(name, workspace)
    model = name if name in EMBEDDED else local or (known.id if known else name)
    quantized = quantization or document.get("base", {}).get("quantization", "auto")
    if revision and model in EMBEDDED:
        raise UsageError(f"'{model}' comes with this program and has no revisions", hint="leave out --revision")
    base = BaseModel(model=model, revision=revision or "", quantization=quantized)
    at_home = workspace.settings_file.parent
    try:
        files = base_files.base_on_this_machine(base, workspace=at_home)
        offer = _offer(base, files, room, tutors) if files is not None else _from_hub(base, room, tutors)
    except HubError as error:
        raise _with_alternatives(error, name, known, room, tutors, environ) from error
    changes, former = _changes(document, base, offer, revision is not None, quantization is not None)
    return Candidate(base, offer, changes, former, tuple(_remarks(document, workspace, base, offer, environ)))


def _local_name(name: str, workspace: Workspace) -> str:
    """How hub.toml should name the local file or folder that ``name`` means here; empty when it means none.

    People type paths from where they are; hub.toml counts from its own folder."""
    path = Path(os.path.expanduser(name))
    if not name or name in EMBEDDED or not os.path.exists(path):
        return ""
    looks_like_one = name.startswith((".", "~", "/", "\\")) or path.is_absolute() or os.path.isfile(path)
    if not looks_like_one and not os.path.isfile(path / "config.json"):
        return ""
    home, real = workspace.settings_file.parent.resolve(), path.resolve()
    return f"./{real.relative_to(home).as_posix()}" if home in real.parents else str(real)


def _from_hub(base: BaseModel, room: Room, tutors: int) -> Offer:
    """A Hub model that is not here, as the Hub describes it."""
    model = base_files.ask_hub(base.model, base.revision)
    offer = _offer(base, None, room, tutors)
    if offer.shape is None:
        shape = read_shape(model.folder)
        fit = fits(shape, room, tutors=tutors, quantization=quantization_here(base.quantization))
        offer = replace(offer, shape=shape, parameters=shape.parameters, fit=fit)
    return replace(offer, download=model.size, licence=model.licence or offer.licence, gated=model.gated)


def _with_alternatives(
    error: HubError, name: str, known: KnownBase | None, room: Room, tutors: int, environ: Mapping[str, str]
) -> HubError:
    """``error``, naming bases that can be had instead."""
    if isinstance(error, UsageError) and not HUB_ID.fullmatch(name):
        return error
    ids = similar_ids(name) if isinstance(error, NotFoundError) else ()
    hint = f"did you mean {ids[0]}?" if ids and ids[0].lower() != name.lower() else error.hint
    if isinstance(error, NetworkError):
        can = tuple(dict.fromkeys([*base_files.cached_models(environ), *EMBEDDED]))
        details = f"bases that are on this machine: {', '.join(can)}"
    else:
        open_ones = nearest_open(known.parameters if known else GB, room, tutors=tutors)
        details = f"open bases that fit here: {', '.join(base.id for base in open_ones) or 'mini'}"
    return type(error)(error.message, hint=hint, details=[*error.details, details])


def too_large(found: Candidate, room: Room, tutors: int) -> ResourceError:
    """What to say of a base that does not fit."""
    assert found.offer.fit is not None
    smaller = [base for base in nearest_open(found.offer.parameters, room, tutors=tutors) if base.parameters < found.offer.parameters]
    return ResourceError(
        f"'{found.offer.name}' does not fit {room.name} with {tutors} tutors: {found.offer.fit.why}",
        hint="take a smaller one, fewer tutors (--tutors), or --yes to take it all the same",
        details=[f"open bases that fit here: {', '.join(base.id for base in smaller) or 'mini'}"],
    )


def _changes(
    document: Mapping[str, Any], base: BaseModel, offer: Offer, with_revision: bool, with_quantization: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to write, and what stands there now; only what differs."""
    now = document.get("base", {})
    wanted: dict[str, Any] = {"base.model": base.model}
    if with_revision or (now.get("revision") and now.get("model", "mini") != base.model):
        wanted["base.revision"] = base.revision  # a commit of the former base means nothing to this one
    if with_quantization:
        wanted["base.quantization"] = base.quantization
    rate = document.get("defaults", {}).get("train", {}).get("learning_rate")
    if offer.parameters > SMALL and rate == RATE_OF_MINI:
        wanted[RATE] = RATE_OF_OTHERS
    elif base.model in EMBEDDED and rate in (None, RATE_OF_OTHERS):
        wanted[RATE] = RATE_OF_MINI
    former = {path: _value(document, path) for path in wanted}
    changed = {path: value for path, value in wanted.items() if former[path] != value}
    return changed, {path: former[path] for path in changed}


def _value(document: Mapping[str, Any], path: str) -> Any:
    found: Any = document
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _remarks(document: Mapping[str, Any], workspace: Workspace, base: BaseModel, offer: Offer, environ: Mapping[str, str]) -> list[str]:
    """What a change does not mend by itself."""
    remarks = []
    rate = _value(document, RATE)
    if offer.parameters > SMALL and isinstance(rate, float) and rate > 1e-3 and rate != RATE_OF_MINI:
        remarks.append(f"[defaults.train] learning_rate = {rate:g} is high for a base of this size: {RATE_OF_OTHERS:g} is usual")
    if offer.parameters > SMALL and (names := _with_high_rate(workspace)):
        remarks.append(f"the learning_rate in tutor.toml of {', '.join(names)} was meant for a tiny base: {RATE_OF_OTHERS:g} is usual")
    if document.get("base", {}).get("chat_template") and document.get("base", {}).get("model", "mini") != base.model:
        remarks.append("[base] chat_template in hub.toml was set for the former base: remove it unless this one needs it")
    if overruled := [name for name in ("HUB_BASE_MODEL", "HUB_BASE_REVISION", "HUB_BASE_QUANTIZATION") if environ.get(name)]:
        remarks.append(f"{', '.join(overruled)} in the environment overrules what hub.toml says: unset it")
    if offer.free is False:
        remarks.append(f"its licence ({offer.licence}) does not allow every use: {offer.note or 'read it'}")
    if offer.chat_template is False:
        remarks.append("it has no chat template of its own: a plain one is used")
    if offer.spanish is False:
        remarks.append("it was hardly trained in Spanish: expect weak Spanish even after training")
    return remarks


def _with_high_rate(workspace: Workspace) -> list[str]:
    names = []
    for name in tutor_names(workspace):
        try:
            rate = _value(read_toml(workspace.folder / name / TUTOR_FILE), "train.learning_rate")
        except HubError:  # whoever opens that tutor is told
            continue
        if isinstance(rate, float) and rate > 1e-3:
            names.append(name)
    return names


# --- the tutors ----------------------------------------------------------------------------------


def tutors_on(base: BaseModel, workspace: Workspace, files: BaseFiles | None) -> tuple[Trained, ...]:
    """For every tutor, whether the run in use was trained on ``base``; ``files`` (where they are here) make it certain."""
    digest = base_files.weights_digest(files.path) if files is not None else ""
    return tuple(_trained(workspace.folder / name, base, files, digest) for name in tutor_names(workspace))


def _trained(folder: Path, base: BaseModel, files: BaseFiles | None, digest: str) -> Trained:
    try:
        runs = store.list_runs(folder)
        run = store.chosen_run(folder)
    except HubError as error:
        return Trained(folder.name, "broken", "", error.message)
    if run is None or run.manifest is None:
        return Trained(folder.name, "untrained", "", "")
    why = other_base(run, base, files, digest)
    fitting = [other.id for other in runs if other.whole and not other_base(other, base, files, digest)]
    return Trained(folder.name, "stale" if why else "ready", run.id, why, fitting[0] if why and fitting else "")


def other_base(run: store.Run, base: BaseModel, files: BaseFiles | None, digest: str) -> str:
    """In what the base that ``run`` was trained on differs from this one, in a few words; empty when nothing is known to differ.

    ``digest``: ``base_files.weights_digest`` of ``files``, computed once for many runs."""
    if run.manifest is None:
        return "it has no manifest"
    trained = run.manifest.base
    if trained.model != base.model and not _same_folder(trained.model, files):
        return f"trained on {_short(trained.model)}"
    revision = files.revision if files is not None else base.revision
    if trained.revision and revision and trained.revision != revision:
        return f"trained on revision {trained.revision[:12]} of {_short(trained.model)}"
    if trained.weights and digest and trained.weights != digest:
        return f"trained on other weights of {_short(trained.model)}"
    return ""


def _same_folder(model: str, files: BaseFiles | None) -> bool:
    return files is not None and files.origin == "local" and os.path.isabs(model) and Path(model).resolve() == files.path


def _short(model: str) -> str:
    return shown(Path(model)) if os.path.isabs(model) else model
